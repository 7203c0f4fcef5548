/* The model that all readers fill. */
#include "app/kit_internal.h"

void
kit_read_one(struct kit_model *m)
{
	m->report->n_read++;
}

void
kit_unread(struct kit_model *m, unsigned line)
{
	if (m->report->n_unread++ == 0)
		m->report->first_unread = line;
}

struct kit_cache *
kit_cache_get(struct kit_model *m, struct sv addr, unsigned line)
{
	struct kit_cache *c;

	for (c = m->caches; c != NULL; c = c->next)
		if (sv_eq(c->addr, addr))
			return c;
	if ((c = pool_calloc(m->pool, 1, sizeof(*c))) == NULL)
		return NULL;
	c->addr = addr;
	c->line = line;
	*m->cache_tail = c;
	m->cache_tail = &c->next;
	m->report->n_caches++;
	return c;
}

struct kit_rule *
kit_rule_find(const struct kit_model *m, struct sv name)
{
	for (struct kit_rule *r = m->rules; r != NULL; r = r->next)
		if (sv_eq(r->name, name))
			return r;
	return NULL;
}

struct kit_rule *
kit_rule_get(struct kit_model *m, struct sv name, unsigned line)
{
	struct kit_rule *r = kit_rule_find(m, name);

	if (r != NULL || (r = pool_calloc(m->pool, 1, sizeof(*r))) == NULL)
		return r;
	r->name = name;
	r->line = line;
	r->tail = &r->head;
	*m->rule_tail = r;
	m->rule_tail = &r->next;
	m->report->n_policies++;
	return r;
}

struct kit_entry *
kit_entry_add(struct kit_model *m, struct kit_rule *r, unsigned line)
{
	struct kit_entry *e = r == NULL ? NULL : pool_calloc(m->pool, 1, sizeof(*e));

	if (e == NULL)
		return NULL;
	e->line = line;
	*r->tail = e;
	r->tail = &e->next;
	return e;
}

struct kit_session *
kit_session_get(struct kit_model *m, struct sv name, bool is_group, unsigned line)
{
	struct kit_session *s = m->hint;

	/* Statements about a session stand together. */
	if (s != NULL && s->is_group == is_group && sv_eq(s->name, name))
		return s;
	for (s = m->sessions; s != NULL; s = s->next)
		if (s->is_group == is_group && sv_eq(s->name, name))
			return m->hint = s;
	if (m->n_sessions >= KIT_SESSIONS_MAX ||
	    (s = pool_calloc(m->pool, 1, sizeof(*s))) == NULL) {
		m->n_sessions = KIT_SESSIONS_MAX + 1;	/* noticed at the end */
		return NULL;
	}
	m->n_sessions++;
	s->name = name;
	s->is_group = is_group;
	s->line = line;
	*m->session_tail = s;
	m->session_tail = &s->next;
	return m->hint = s;
}

void
kit_ref_add(struct kit_session *s, struct sv name)
{
	for (unsigned i = 0; i < s->n_refs; i++)
		if (sv_eq(s->refs[i], name))
			return;
	if (s->n_refs == KIT_REFS_MAX)
		s->unsure = true;
	else
		s->refs[s->n_refs++] = name;
}

bool
kit_lp_set(struct kit_entry *e, struct sv number)
{
	uint32_t v;

	if (e == NULL || num_u32(number, 0, UINT32_MAX, &v) < 0)
		return false;
	e->has_lp = true;
	e->lp = v;
	return true;
}

void
kit_sec_set(uint32_t *sec, struct sv number)
{
	uint32_t v;

	/* 0 means "not given"; a zero in the file is beyond every range, too. */
	if (num_u32(number, 0, UINT32_MAX, &v) == 0)
		*sec = v == 0 ? UINT32_MAX : v;
}

void
kit_asn_set(struct kit_model *m, struct sv s, unsigned line)
{
	if (asn_parse(s, &m->asn) < 0)
		kit_unread(m, line);
}

/* --- what Junos and SR OS have in common --- */

void
kit_said(struct kit_model *m, bool ok, unsigned line)
{
	if (ok)
		kit_read_one(m);
	else
		kit_unread(m, line);
}

struct kit_entry *
kit_entry_named(struct kit_model *m, struct kit_rule *r, struct sv name, unsigned line)
{
	struct kit_entry *e;

	for (e = r->head; e != NULL; e = e->next)
		if (sv_eq(e->name, name))
			return e;
	if ((e = kit_entry_add(m, r, line)) != NULL)
		e->name = name;
	return e;
}

struct kit_session *
kit_bgp_session(struct kit_model *m, const struct kit_words *w, unsigned *at, unsigned line,
    struct sv *ret_up)
{
	struct sv group = SV("*");
	struct kit_session *s;
	unsigned i = *at + 1;

	*ret_up = SV("");
	if (kit_is(w, i, "group")) {
		*ret_up = group;
		group = kit_word(w, i + 1);
		i += 2;
		/* The group is there, even if nothing is said of it alone. */
		if ((s = kit_session_get(m, group, true, line)) != NULL)
			s->group = *ret_up;
	}
	if (kit_is(w, i, "neighbor") || kit_is(w, i, "allow")) {
		s = kit_session_get(m, kit_word(w, i + 1), false, line);
		*ret_up = group;
		i += 2;
	} else {
		s = kit_session_get(m, group, true, line);
	}
	*at = i;
	return s;
}

bool
kit_bgp_said(struct kit_session *s, const struct kit_words *w, unsigned i, unsigned refs,
    bool *ret_ok)
{
	*ret_ok = true;
	if (kit_is(w, i, "type"))
		s->side = kit_is(w, i + 1, "internal") ? KIT_INTERNAL : KIT_EXTERNAL;
	else if (kit_is(w, i, "peer-as"))
		*ret_ok = asn_parse(kit_word(w, i + 1), &s->asn) == 0;
	else if (kit_is(w, i, "import"))
		for (; refs < w->n; refs++) {
			if (!kit_is(w, refs, "[") && !kit_is(w, refs, "]"))
				kit_ref_add(s, w->w[refs]);
		}
	else
		return false;
	return true;
}
