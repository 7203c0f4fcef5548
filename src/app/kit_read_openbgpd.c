/* OpenBGPD: sections in braces, rules of which the last that matches decides. */
#include "app/kit_internal.h"

#define FILTER	"filter rules"		/* the one policy of all sessions */

/* What a rule says behind its sessions: its condition. */
static bool
condition_read(struct kit_entry *e, const struct kit_words *w, unsigned *i)
{
	if (kit_is(w, *i, "ovs")) {
		if (!kit_is(w, *i + 1, "invalid"))
			e->cond = KIT_OTHER;
		else if (e->cond == KIT_ALL)
			e->cond = KIT_INVALID;
		else
			e->mentions = true;
		*i += 2;
		return true;
	}
	e->mentions |= e->cond == KIT_INVALID;
	if (e->cond != KIT_OTHER)
		e->cond = KIT_MAYBE;
	(*i)++;
	return true;
}

/* "from ebgp": whom it is for; the index behind it. */
static unsigned
from_read(struct kit_entry *e, const struct kit_words *w, unsigned i)
{
	if (!kit_is(w, i, "from"))
		return i;
	i++;
	if (kit_is(w, i, "any"))
		return i + 1;
	if (kit_is(w, i, "ebgp") || kit_is(w, i, "ibgp")) {
		e->from = kit_is(w, i, "ebgp") ? KIT_FROM_EBGP : KIT_FROM_IBGP;
		return i + 1;
	}
	if (kit_is(w, i, "AS")) {
		e->from = KIT_FROM_AS;
		if (asn_parse(kit_word(w, i + 1), &e->from_asn) < 0)
			e->cond = KIT_MAYBE;
		return i + 2;
	}
	i += kit_is(w, i, "group");
	e->from = KIT_FROM_NAMED;
	e->from_name = kit_word(w, i);
	return i + 1;
}

static bool
rule_read(struct kit_model *m, const struct kit_words *w, unsigned line)
{
	struct kit_rule *r = kit_rule_get(m, SV(FILTER), line);
	struct kit_entry *e;
	unsigned i = 1;

	/* What goes out is none of our business. */
	if (kit_words_find(w, 1, "to") < w->n || r == NULL)
		return true;
	r->last_wins = true;
	if ((e = kit_entry_add(m, r, line)) == NULL)
		return true;
	if (!kit_is(w, 0, "match"))
		e->act = kit_is(w, 0, "allow") ? KIT_TAKE : KIT_REFUSE;
	e->final = kit_is(w, i, "quick");
	i = from_read(e, w, i + e->final);
	while (i < w->n && !kit_is(w, i, "set"))
		(void)condition_read(e, w, &i);
	for (; i < w->n; i++)
		if (kit_is(w, i, "localpref"))
			return kit_lp_set(e, kit_word(w, i + 1)) || e->mentions;
	return true;
}

static bool
rtr_read(struct kit_model *m, const struct kit_words *w, unsigned line)
{
	(void)kit_cache_get(m, kit_word(w, 1), line);
	return w->n < 3 || kit_is(w, 2, "port") || kit_is(w, 2, "descr") ||
	    kit_is(w, 2, "local-address") || kit_is(w, 2, "min-version");
}

/* "[group G] neighbor ADDRESS …", "group G …" */
static bool
session_read(struct kit_model *m, const struct kit_words *w, unsigned line)
{
	bool in_group = kit_is(w, 0, "group");
	unsigned at = in_group ? 2 : 0;
	bool is_neighbor = kit_is(w, at, "neighbor");
	struct kit_session *s;

	if (is_neighbor)
		at += 2;
	s = kit_session_get(m, kit_word(w, is_neighbor ? at - 1 : 1), !is_neighbor, line);
	if (s == NULL)
		return true;
	if (is_neighbor && in_group)
		s->group = kit_word(w, 1);
	if (kit_is(w, at, "remote-as"))
		return asn_parse(kit_word(w, at + 1), &s->asn) == 0;
	return true;
}

static void
leaf(struct kit_model *m, const struct kit_words *w, unsigned line)
{
	bool ok = true;

	m->report->n_lines++;
	if (kit_is(w, 0, "AS"))
		kit_asn_set(m, kit_word(w, 1), line);
	else if (kit_is(w, 0, "rtr") && w->n > 1)
		ok = rtr_read(m, w, line);
	else if (kit_is(w, 0, "group") || kit_is(w, 0, "neighbor"))
		ok = session_read(m, w, line);
	else if (kit_is(w, 0, "allow") || kit_is(w, 0, "deny") || kit_is(w, 0, "match"))
		ok = rule_read(m, w, line);
	else if (kit_is(w, 0, "include"))
		ok = false;
	else
		return;
	if (ok)
		kit_read_one(m);
	else
		kit_unread(m, line);
}

int
kit_read_openbgpd(struct kit_model *m, struct sv text)
{
	struct kit_lexer l = { .s = text, .line = 1, .marks = "{},", .runs = "",
		.comments = "#", .newlines = true };
	int rc = kit_tree_read(m, &l, leaf);

	for (struct kit_session *s = m->sessions; s != NULL; s = s->next)
		if (!s->is_group && kit_rule_find(m, SV(FILTER)) != NULL)
			kit_ref_add(s, SV(FILTER));
	return rc;
}
