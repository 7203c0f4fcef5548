/* SR OS: MD-CLI in braces or flat, or the classic CLI, whose sections are indented. */
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
		{ "stale-time", KIT_EXPIRE },
		{ "connect-retry", KIT_RETRY },
	};
	static const char *const known[] = { "port", "local-address", "description", "admin-state",
		"shutdown", "no" };
	struct kit_cache *c = kit_cache_get(m, kit_word(w, i + 1), line);
	bool ok = i + 2 >= w->n;

	for (i += 2; c != NULL && i < w->n; i++) {
		/* MD-CLI: "refresh-time value 300", "refresh-time hold-time 600" */
		unsigned at = i + 1 + kit_is(w, i + 1, "value");

		for (size_t k = 0; k < ARRAY_LEN(times); k++)
			if (kit_is(w, i, times[k].word)) {
				kit_sec_set(&c->sec[times[k].time], kit_word(w, at));
				ok = true;
			}
		for (size_t k = 0; k < ARRAY_LEN(known); k++)
			ok |= kit_is(w, i, known[k]);
	}
	return ok;
}

/* What stands behind "action" or "default-action", at i. */
static bool
action_read(struct kit_entry *e, const struct kit_words *w, unsigned i)
{
	i += kit_is(w, i, "action-type");
	if (kit_is(w, i, "reject") || kit_is(w, i, "drop"))
		e->act = KIT_REFUSE;
	else if (kit_is(w, i, "accept"))
		e->act = KIT_TAKE;
	else if (kit_is(w, i, "next-policy"))
		e->act = KIT_LEAVE;
	if ((i = kit_words_find(w, i, "local-preference")) < w->n)
		return kit_lp_set(e, kit_word(w, i + 1));
	return true;
}

static void
from_read(struct kit_entry *e, const struct kit_words *w, unsigned i)
{
	if (i >= w->n)
		return;
	if (!kit_is(w, i, "origin-validation-state")) {
		e->mentions |= e->cond == KIT_INVALID || kit_is(w, i, "policy");
		if (e->cond != KIT_OTHER)
			e->cond = KIT_MAYBE;
	} else if (!kit_is(w, i + 1, "invalid")) {
		e->cond = KIT_OTHER;
	} else if (e->cond == KIT_ALL) {
		e->cond = KIT_INVALID;
	}
}

/* "policy-statement P entry N from|action …" at i. */
static bool
policy_read(struct kit_model *m, const struct kit_words *w, unsigned i, unsigned line)
{
	struct kit_rule *r = kit_rule_get(m, kit_word(w, i + 1), line);
	struct kit_entry *e;

	i += 2;
	if (r == NULL || i >= w->n)
		return true;
	if (kit_is(w, i, "default-action")) {
		e = kit_entry_named(m, r, SV("default"), line);
		return e == NULL || action_read(e, w, i + 1);
	}
	if (!kit_is(w, i, "entry") && !kit_is(w, i, "named-entry"))
		return kit_is(w, i, "description") || kit_is(w, i, "entry-type");
	if (i + 2 >= w->n || (e = kit_entry_named(m, r, kit_word(w, i + 1), line)) == NULL)
		return true;
	i += 2;
	if (kit_is(w, i, "from"))
		from_read(e, w, i + 1);
	else if (kit_is(w, i, "action"))
		return action_read(e, w, i + 1);
	else if (kit_is(w, i, "to"))
		e->cond = KIT_MAYBE;
	else
		return kit_is(w, i, "description");
	return true;
}

/* "bgp [group G] [neighbor A] …" at i. */
static bool
bgp_read(struct kit_model *m, const struct kit_words *w, unsigned i, unsigned line)
{
	struct kit_session *s;
	bool ok = true;
	struct sv up;

	if ((s = kit_bgp_session(m, w, &i, line, &up)) == NULL)
		return true;
	if (!s->is_group && kit_is(w, i, "group"))	/* MD-CLI */
		up = kit_word(w, i + 1);
	/* A later statement of an MD-CLI neighbour does not name its group. */
	if (s->group.n == 0 || !sv_eq(up, SV("*")))
		s->group = up;
	if (kit_bgp_said(s, w, i, i + 1 + kit_is(w, i + 1, "policy"), &ok))
		return ok;
	if (kit_is(w, i, "enable-origin-validation"))
		s->checks = true;
	else if (kit_is(w, i, "origin-validation"))
		s->checks |= kit_words_find(w, i, "true") < w->n;
	return true;
}

static void
leaf(struct kit_model *m, const struct kit_words *w, unsigned line)
{
	unsigned i;
	bool ok = true;

	m->report->n_lines++;
	if ((i = kit_words_find(w, 0, "rpki-session")) < w->n)
		ok = session_read(m, w, i, line);
	else if ((i = kit_words_find(w, 0, "autonomous-system")) < w->n)
		kit_asn_set(m, kit_word(w, i + 1), line);
	else if ((i = kit_words_find(w, 0, "policy-statement")) < w->n)
		ok = policy_read(m, w, i, line);
	else if ((i = kit_words_find(w, 0, "bgp")) < w->n)
		ok = bgp_read(m, w, i, line);
	else
		return;
	kit_said(m, ok, line);
}

struct level {
	unsigned	 indent, n;	/* words of all sections up to this one */
};

/* The sections of a line are those above it that are less indented. */
static void
classic(struct kit_model *m, struct sv text)
{
	struct level levels[KIT_DEPTH_MAX];
	struct kit_words path = { .n = 0 };
	unsigned depth = 0, n = 0;
	struct sv line;

	while (sv_line(&text, &line)) {
		struct kit_words w;
		unsigned indent = kit_words_split(line, &w);

		n++;
		if (w.n == 0 || w.w[0].n == 0 || w.w[0].p[0] == '#' || kit_is(&w, 0, "exit") ||
		    kit_is(&w, 0, "echo"))
			continue;
		while (depth > 0 && levels[depth - 1].indent >= indent)
			depth--;
		path.n = depth > 0 ? levels[depth - 1].n : 0;
		for (unsigned i = 0; i < w.n; i++)
			kit_words_add(&path, w.w[i]);
		leaf(m, &path, n);
		if (depth < KIT_DEPTH_MAX)
			levels[depth++] = (struct level){ indent, path.n };
	}
}

/* Braces, or the flat form: "/configure router …", where lists are in brackets. */
static bool
is_md(struct sv text)
{
	struct sv line;

	if (sv_find(text, '{') < text.n || sv_find(text, '[') < text.n)
		return true;
	while (sv_line(&text, &line))
		if (sv_starts(sv_trim(line), SV("/configure")))
			return true;
	return false;
}

int
kit_read_sros(struct kit_model *m, struct sv text)
{
	struct kit_lexer l = { .s = text, .line = 1, .marks = "{}[]", .runs = "", .comments = "#",
		.newlines = true };

	if (!is_md(text)) {
		classic(m, text);
		return 0;
	}
	return kit_tree_read(m, &l, leaf);
}
