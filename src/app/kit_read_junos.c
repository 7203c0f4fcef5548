/* Junos: braces, or the same as lines of "set". */
#include "app/kit_internal.h"

static bool
session_read(struct kit_model *m, const struct kit_words *w, unsigned i, unsigned line)
{
	static const struct {
		const char	*word;
		enum kit_time	 time;
	} times[] = {
		{ "refresh-time", KIT_REFRESH },
		{ "hold-time", KIT_HOLD },
		{ "record-lifetime", KIT_EXPIRE },
	};
	static const char *const known[] = { "port", "local-address", "preference", "traceoptions", "database" };
	struct kit_cache *c = kit_cache_get(m, kit_word(w, i + 1), line);

	i += 2;
	if (c == NULL || i >= w->n)
		return true;
	for (size_t k = 0; k < ARRAY_LEN(times); k++)
		if (kit_is(w, i, times[k].word)) {
			kit_sec_set(&c->sec[times[k].time], kit_word(w, i + 1));
			return true;
		}
	for (size_t k = 0; k < ARRAY_LEN(known); k++)
		if (kit_is(w, i, known[k]))
			return true;
	return false;
}

static void
from_read(struct kit_entry *e, const struct kit_words *w, unsigned i)
{
	if (i >= w->n || (kit_is(w, i, "protocol") && kit_is(w, i + 1, "bgp")))
		return;
	if (!kit_is(w, i, "validation-database")) {
		/* A policy that is asked may look at validation itself. */
		e->mentions |= e->cond == KIT_INVALID || kit_is(w, i, "policy") ||
		    kit_is(w, i, "validation-state");
		if (e->cond != KIT_OTHER)
			e->cond = KIT_MAYBE;
	} else if (!kit_is(w, i + 1, "invalid")) {
		e->cond = KIT_OTHER;
	} else if (e->cond == KIT_ALL) {
		e->cond = KIT_INVALID;
	} else {
		e->mentions = true;
	}
}

static bool
then_read(struct kit_entry *e, const struct kit_words *w, unsigned i)
{
	static const char *const known[] = { "validation-state", "community", "metric", "preference",
		"as-path-prepend", "trace", "tag", "origin", "next-hop", "color", "load-balance", "class" };

	if (i >= w->n)
		return true;
	if (kit_is(w, i, "reject"))
		e->act = KIT_REFUSE;
	else if (kit_is(w, i, "accept"))
		e->act = KIT_TAKE;
	else if (kit_is(w, i, "next"))
		e->act = kit_is(w, i + 1, "policy") ? KIT_LEAVE : KIT_GO_ON;
	else if (kit_is(w, i, "local-preference"))
		return kit_lp_set(e, kit_word(w, i + 1));
	else {
		for (size_t k = 0; k < ARRAY_LEN(known); k++)
			if (kit_is(w, i, known[k]))
				return true;
		return false;
	}
	return true;
}

/* "policy-statement P [term T] from|then …" at i. */
static bool
policy_read(struct kit_model *m, const struct kit_words *w, unsigned i, unsigned line)
{
	struct kit_rule *r = kit_rule_get(m, kit_word(w, i + 1), line);
	struct kit_entry *e;
	struct sv term = SV("");

	i += 2;
	if (kit_is(w, i, "term")) {
		term = kit_word(w, i + 1);
		i += 2;
	}
	if (r == NULL || i >= w->n || (e = kit_entry_named(m, r, term, line)) == NULL)
		return true;
	if (kit_is(w, i, "from"))
		from_read(e, w, i + 1);
	else if (kit_is(w, i, "then"))
		return then_read(e, w, i + 1);
	else if (kit_is(w, i, "to"))
		e->cond = KIT_MAYBE;
	else
		return false;
	return true;
}

/* "bgp [group G] [neighbor A] …" at i; what is for all is the group "*". */
static bool
bgp_read(struct kit_model *m, const struct kit_words *w, unsigned i, unsigned line)
{
	struct kit_session *s;
	bool ok = true;
	struct sv up;

	if ((s = kit_bgp_session(m, w, &i, line, &up)) == NULL)
		return true;
	s->group = up;
	(void)kit_bgp_said(s, w, i, i + 1, &ok);
	return ok;
}

static void
leaf(struct kit_model *m, const struct kit_words *w, unsigned line)
{
	unsigned i, v = kit_words_find(w, 0, "validation");
	bool ok = true;

	m->report->n_lines++;
	if (kit_is(w, 0, "inactive:") || kit_is(w, 0, "deactivate"))
		return;
	if (v > 0 && kit_is(w, v - 1, "routing-options")) {
		if ((i = kit_words_find(w, v, "session")) < w->n)
			ok = session_read(m, w, i, line);
		else
			ok = w->n <= v + 3 || kit_is(w, v + 3, "max-sessions") ||
			    kit_is(w, v + 1, "traceoptions");
	} else if ((i = kit_words_find(w, 0, "autonomous-system")) < w->n && i <= 4) {
		kit_asn_set(m, kit_word(w, i + 1), line);
	} else if ((i = kit_words_find(w, 0, "policy-statement")) < w->n && i <= 4) {
		ok = policy_read(m, w, i, line);
	} else if ((i = kit_words_find(w, 0, "bgp")) < w->n && i > 0 && kit_is(w, i - 1, "protocols")) {
		ok = bgp_read(m, w, i, line);
	} else {
		return;
	}
	kit_said(m, ok, line);
}

static void
set_lines(struct kit_model *m, struct sv text)
{
	unsigned n = 0;
	struct sv line;

	while (sv_line(&text, &line)) {
		struct kit_words all, w = { .n = 0 };

		n++;
		(void)kit_words_split(line, &all);
		if (!kit_is(&all, 0, "set"))
			continue;
		for (unsigned i = 1; i < all.n; i++)
			kit_words_add(&w, all.w[i]);
		leaf(m, &w, n);
	}
}

int
kit_read_junos(struct kit_model *m, struct sv text)
{
	struct kit_lexer l = { .s = text, .line = 1, .marks = "{};[]", .runs = "", .comments = "#" };

	if (sv_find(text, '{') == text.n) {
		set_lines(m, text);
		return 0;
	}
	return kit_tree_read(m, &l, leaf);
}
