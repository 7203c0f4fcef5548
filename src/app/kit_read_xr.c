/* IOS XR: indented sections, and policies in a small language of their own. */
#include "app/kit_internal.h"

#define IFS_MAX	32	/* conditions within conditions */

enum section {
	S_NONE,
	S_POLICY,
	S_BGP,
	S_CACHE,
	S_PEER,
};

struct branch {
	enum kit_cond	 outer;		/* of what stands around the "if" */
	enum kit_cond	 now;		/* of this branch */
	bool		 mentions;
	bool		 taken;		/* an invalid route went into a branch before */
	bool		 perhaps;	/* … or may have gone */
};

struct xr {
	struct kit_model	*m;
	unsigned		 line;
	enum section		 section;
	unsigned		 indent;	/* of the line that opened CACHE or PEER */
	struct kit_cache	*cache;
	struct kit_session	*peer;
	struct kit_rule		*rule;
	struct branch		 ifs[IFS_MAX];
	unsigned		 n_ifs;
};

/* --- policies --- */

static enum kit_cond
cond_now(const struct xr *x, bool *ret_mentions)
{
	*ret_mentions = false;
	if (x->n_ifs == 0)
		return KIT_ALL;
	*ret_mentions = x->ifs[x->n_ifs - 1].mentions;
	return x->ifs[x->n_ifs - 1].now;
}

static enum kit_cond
both(enum kit_cond a, enum kit_cond b)
{
	if (a == KIT_OTHER || b == KIT_OTHER)
		return KIT_OTHER;
	if (a == KIT_MAYBE || b == KIT_MAYBE)
		return KIT_MAYBE;
	return a == KIT_INVALID || b == KIT_INVALID ? KIT_INVALID : KIT_ALL;
}

/* The words between "if" and "then", parentheses taken off. */
static enum kit_cond
cond_read(const struct kit_words *w, unsigned from, unsigned to, bool *ret_mentions)
{
	bool and_not = false, invalid = false, state = false, more = false;

	for (unsigned i = from; i < to; i++) {
		and_not |= kit_is(w, i, "and") || kit_is(w, i, "not");
		more |= kit_is(w, i, "or");
		if (kit_is(w, i, "validation-state")) {
			state = true;
			invalid |= kit_is(w, i + 1, "is") && kit_is(w, i + 2, "invalid");
		}
	}
	*ret_mentions = state;
	if (!state || and_not)
		return KIT_MAYBE;
	if (invalid)
		return KIT_INVALID;	/* with "or", too */
	return more ? KIT_MAYBE : KIT_OTHER;
}

static void
branch_enter(struct branch *b, enum kit_cond c, bool mentions)
{
	if (b->taken)
		c = KIT_OTHER;
	else if (b->perhaps)
		c = both(c, KIT_MAYBE);
	b->now = both(b->outer, c);
	b->mentions |= mentions;
	b->taken |= c == KIT_INVALID || c == KIT_ALL;
	b->perhaps |= c == KIT_MAYBE;
}

static struct kit_entry *
entry_new(struct xr *x)
{
	struct kit_entry *e = kit_entry_add(x->m, x->rule, x->line);

	if (e != NULL)
		e->cond = cond_now(x, &e->mentions);
	return e;
}

/* "if COND then" at i; the index behind "then". */
static unsigned
if_read(struct xr *x, const struct kit_words *w, unsigned i, bool is_else)
{
	unsigned end = kit_words_find(w, i, "then");
	bool mentions, outer_mentions;
	enum kit_cond c = cond_read(w, i + 1, end, &mentions);

	if (!is_else) {
		if (x->n_ifs == IFS_MAX) {
			kit_unread(x->m, x->line);
			return end + 1;
		}
		x->ifs[x->n_ifs] = (struct branch){ .outer = cond_now(x, &outer_mentions) };
		x->n_ifs++;
	}
	if (x->n_ifs > 0)
		branch_enter(&x->ifs[x->n_ifs - 1], c, mentions);
	return end + 1;
}

/* A statement that does something, at i; the index behind it, 0: unknown. */
static unsigned
statement_read(struct xr *x, const struct kit_words *w, unsigned i)
{
	static const char *const known[] = { "set", "prepend", "delete", "suppress-route",
		"unsuppress-route", "replace", "remove", "var" };
	struct kit_entry *e = entry_new(x);

	if (e == NULL)
		return w->n;
	if (kit_is(w, i, "drop"))
		e->act = KIT_REFUSE;
	else if (kit_is(w, i, "done"))
		e->act = KIT_TAKE;
	else if (kit_is(w, i, "pass"))
		e->act = KIT_PASS;
	if (e->act != KIT_GO_ON)
		return i + 1;
	if (kit_is(w, i, "apply")) {
		e->callee = sv_take(kit_word(w, i + 1), sv_find(kit_word(w, i + 1), '('));
		return i + 2;
	}
	for (size_t k = 0; k < ARRAY_LEN(known); k++)
		if (kit_is(w, i, known[k])) {
			e->act = KIT_PASS;	/* a changed route is passed */
			if (kit_is(w, i + 1, "local-preference"))
				(void)kit_lp_set(e, kit_word(w, i + 2));
			return w->n;
		}
	return 0;
}

static bool
policy_line(struct xr *x, const struct kit_words *w)
{
	unsigned i = 0, next;

	while (i < w->n) {
		struct branch *b = x->n_ifs > 0 ? &x->ifs[x->n_ifs - 1] : NULL;

		if (kit_is(w, i, "if") || kit_is(w, i, "elseif")) {
			i = if_read(x, w, i, kit_is(w, i, "elseif"));
		} else if (kit_is(w, i, "else") && b != NULL) {
			branch_enter(b, KIT_ALL, false);
			i++;
		} else if (kit_is(w, i, "endif")) {
			x->n_ifs -= x->n_ifs > 0;
			i++;
		} else {
			if ((next = statement_read(x, w, i)) == 0)
				return false;
			i = next;
		}
	}
	return true;
}

/* --- the rest --- */

static bool
cache_line(struct xr *x, const struct kit_words *w)
{
	static const struct {
		const char	*word;
		enum kit_time	 time;
	} times[] = {
		{ "refresh-time", KIT_REFRESH },
		{ "response-time", KIT_RESPONSE },
		{ "purge-time", KIT_EXPIRE },
	};
	static const char *const known[] = { "username", "password", "preference", "bind-source", "shutdown", "vrf" };

	if (x->cache == NULL)
		return true;
	if (kit_is(w, 0, "transport")) {
		x->cache->secure = kit_is(w, 1, "ssh");
		return true;
	}
	for (size_t i = 0; i < ARRAY_LEN(times); i++)
		if (kit_is(w, 0, times[i].word)) {
			kit_sec_set(&x->cache->sec[times[i].time], kit_word(w, 1));
			return true;
		}
	for (size_t i = 0; i < ARRAY_LEN(known); i++)
		if (kit_is(w, 0, known[i]))
			return true;
	return false;
}

static bool
peer_line(struct xr *x, const struct kit_words *w)
{
	struct sv policy = kit_word(w, 1);

	if (x->peer == NULL)
		return true;
	if (kit_is(w, 0, "remote-as"))
		return asn_parse(kit_word(w, 1), &x->peer->asn) == 0;
	if (kit_is(w, 0, "use"))
		x->peer->group = kit_word(w, 2);
	else if (kit_is(w, 0, "route-policy") && kit_is(w, w->n - 1, "in"))
		kit_ref_add(x->peer, sv_take(policy, sv_find(policy, '(')));
	else if (kit_is(w, 0, "soft-reconfiguration"))
		x->peer->keeps = true;
	return true;
}

static void
peer_open(struct xr *x, struct sv name, bool is_group, unsigned indent)
{
	x->section = S_PEER;
	x->indent = indent;
	x->peer = kit_session_get(x->m, name, is_group, x->line);
}

static bool
bgp_line(struct xr *x, const struct kit_words *w, unsigned indent)
{
	if (kit_is(w, 0, "rpki") && kit_is(w, 1, "server") && w->n > 2) {
		x->section = S_CACHE;
		x->indent = indent;
		x->cache = kit_cache_get(x->m, kit_word(w, 2), x->line);
		return true;
	}
	if (kit_is(w, 0, "neighbor") && w->n > 1)
		peer_open(x, kit_word(w, 1), false, indent);
	else if ((kit_is(w, 0, "neighbor-group") || kit_is(w, 0, "session-group") ||
	    kit_is(w, 0, "af-group")) && w->n > 1)
		peer_open(x, kit_word(w, 1), true, indent);
	else if (kit_is(w, 0, "bgp") && kit_is(w, 1, "origin-as") && kit_is(w, 2, "validation"))
		x->m->checks |= kit_is(w, 3, "enable") || kit_is(w, 3, "time");
	else
		return !kit_is(w, 0, "rpki");
	return true;
}

static bool
open_line(struct xr *x, const struct kit_words *w)
{
	if (kit_is(w, 0, "route-policy") && w->n > 1) {
		struct sv name = kit_word(w, 1);

		x->section = S_POLICY;
		x->n_ifs = 0;
		x->rule = kit_rule_get(x->m, sv_take(name, sv_find(name, '(')), x->line);
		if (x->rule != NULL)
			x->rule->end_refuses = true;
		return true;
	}
	if (kit_is(w, 0, "router") && kit_is(w, 1, "bgp")) {
		x->section = S_BGP;
		kit_asn_set(x->m, kit_word(w, 2), x->line);
		return true;
	}
	x->section = S_NONE;
	return false;
}

static void
statement(struct xr *x, const struct kit_words *w, unsigned indent)
{
	bool ok;

	if (x->section == S_POLICY) {
		if (kit_is(w, 0, "end-policy")) {
			x->section = S_NONE;
			ok = true;
		} else {
			ok = policy_line(x, w);
		}
	} else if (indent == 0) {
		if (open_line(x, w))
			kit_read_one(x->m);
		return;
	} else if (x->section == S_NONE) {
		return;
	} else {
		if (x->section != S_BGP && indent <= x->indent)
			x->section = S_BGP;
		if (x->section == S_CACHE)
			ok = cache_line(x, w);
		else if (x->section == S_PEER)
			ok = peer_line(x, w);
		else
			ok = bgp_line(x, w, indent);
	}
	if (ok)
		kit_read_one(x->m);
	else
		kit_unread(x->m, x->line);
}

/* Parentheses of conditions are spaces to us; those of parameters stay. */
static void
words_open(struct kit_words *w)
{
	for (unsigned i = 0; i < w->n; i++) {
		while (w->w[i].n > 0 && w->w[i].p[0] == '(')
			w->w[i] = sv_skip(w->w[i], 1);
		if (sv_find(w->w[i], '(') == w->w[i].n)
			w->w[i] = sv_take(w->w[i], sv_find(w->w[i], ')'));
	}
}

int
kit_read_ios_xr(struct kit_model *m, struct sv text)
{
	struct xr *x = pool_calloc(m->pool, 1, sizeof(*x));
	struct sv line;

	if (x == NULL)
		return 0;	/* the pool knows */
	x->m = m;
	while (sv_line(&text, &line)) {
		struct kit_words w;
		unsigned indent = kit_words_split(line, &w);

		x->line++;
		if (w.n == 0 || w.w[0].n == 0 || w.w[0].p[0] == '!' || w.w[0].p[0] == '#')
			continue;
		m->report->n_lines++;
		words_open(&w);
		statement(x, &w, indent);
	}
	return 0;
}
