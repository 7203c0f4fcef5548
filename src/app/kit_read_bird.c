/*
 * BIRD 2: protocols and templates, filters and functions. Of the filter
 * language only what decides about a route is read; what its conditions depend
 * on besides validation makes them uncertain.
 */
#include "app/kit_internal.h"

#define NEST_MAX	64	/* statements within statements */

struct define {
	struct sv	 name;
	uint32_t	 v;
	struct define	*next;
};

struct bird {
	struct kit_model	*m;
	struct kit_lexer	 l;
	struct define		*defines;
	unsigned		 nest;
};

static bool
next(struct bird *b, struct sv *t)
{
	return kit_lex(&b->l, t);
}

static bool
is(struct sv t, const char *s)
{
	return sv_eq_str(t, s);
}

/* To the end of a statement or of the section that it has. */
static void
statement_skip(struct bird *b)
{
	unsigned depth = 0;
	struct sv t;

	while (next(b, &t)) {
		if (is(t, "{")) {
			depth++;
		} else if (is(t, "}")) {
			if (depth == 0) {
				kit_lex_back(&b->l, t);
				return;
			}
			if (--depth == 0)
				return;
		} else if (is(t, ";") && depth == 0) {
			return;
		}
	}
}

static bool
number(const struct bird *b, struct sv t, uint32_t *ret)
{
	if (num_u32(t, 0, UINT32_MAX, ret) == 0)
		return true;
	for (const struct define *d = b->defines; d != NULL; d = d->next)
		if (sv_eq(d->name, t)) {
			*ret = d->v;
			return true;
		}
	return false;
}

/* --- conditions --- */

struct cond {
	bool	 invalid, other, not, both, either, call;
};

static void
cond_word(struct cond *c, struct sv t)
{
	c->invalid |= is(t, "ROA_INVALID");
	c->other |= is(t, "ROA_VALID") || is(t, "ROA_UNKNOWN");
	c->both |= is(t, "&&");
	c->either |= is(t, "||");
	c->not |= t.n > 0 && t.p[0] == '!';
}

static enum kit_cond
cond_judge(const struct cond *c, bool *ret_mentions)
{
	*ret_mentions = c->invalid || c->other || c->call;
	if (c->invalid && !c->not && !c->both)
		return KIT_INVALID;	/* "||" only adds to it */
	if (c->both || (c->either && c->not))
		return KIT_MAYBE;
	if (c->invalid && c->not)
		return KIT_OTHER;
	if (c->other && !c->not && !c->either && !c->call)
		return KIT_OTHER;
	return c->other && c->not ? KIT_INVALID : KIT_MAYBE;
}

/* To the word that ends it ("then", ";"). */
static enum kit_cond
cond_read(struct bird *b, const char *end, bool *ret_mentions)
{
	struct cond c = { 0 };
	struct sv t, last = SV("");

	while (next(b, &t) && !is(t, end)) {
		if (is(t, ";") || is(t, "{") || is(t, "}")) {
			kit_lex_back(&b->l, t);
			break;
		}
		/* Some function: who knows what it looks at. */
		c.call |= is(t, "(") && last.n > 0 && !is(last, "roa_check") && !is(last, "(") &&
		    !is(last, "&&") && !is(last, "||") && last.p[0] != '!';
		cond_word(&c, t);
		last = t;
	}
	return cond_judge(&c, ret_mentions);
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

/* For whom "else" is. */
static enum kit_cond
otherwise(enum kit_cond c)
{
	if (c == KIT_INVALID || c == KIT_ALL)
		return KIT_OTHER;
	return c == KIT_OTHER ? KIT_ALL : KIT_MAYBE;
}

/* --- filters --- */

static void	body_read(struct bird *, struct kit_rule *, enum kit_cond, bool mentions);
static void	one_read(struct bird *, struct kit_rule *, enum kit_cond, bool mentions);

static struct kit_entry *
entry_new(struct bird *b, struct kit_rule *r, enum kit_cond c, bool mentions)
{
	struct kit_entry *e = kit_entry_add(b->m, r, b->l.line);

	if (e != NULL) {
		e->cond = c;
		e->mentions = mentions;
	}
	return e;
}

static void
if_read(struct bird *b, struct kit_rule *r, enum kit_cond outer, bool outer_mentions)
{
	bool mentions;
	enum kit_cond c = cond_read(b, "then", &mentions);
	struct kit_entry *e;
	struct sv t;

	mentions |= outer_mentions;
	/* That it was looked at, even if nothing is done. */
	if ((e = entry_new(b, r, both(outer, c), mentions)) != NULL && e->cond != KIT_INVALID)
		e->mentions = mentions && e->cond == KIT_MAYBE;
	one_read(b, r, both(outer, c), mentions);
	if (!next(b, &t))
		return;
	if (is(t, "else"))
		one_read(b, r, both(outer, otherwise(c)), mentions);
	else
		kit_lex_back(&b->l, t);
}

/* A word of the filter language, and what stands behind it. */
static void
act_read(struct bird *b, struct kit_rule *r, struct kit_entry *e, struct sv word)
{
	struct sv t;

	(void)r;
	if (is(word, "accept"))
		e->act = KIT_TAKE;
	else if (is(word, "reject"))
		e->act = KIT_REFUSE;
	else if (is(word, "return"))
		e->act = KIT_LEAVE;
	else if (next(b, &t)) {
		uint32_t v;

		if (is(t, "("))
			e->callee = word;
		else if (is(word, "bgp_local_pref") && is(t, "=") && next(b, &t)) {
			e->has_lp = number(b, t, &v);
			e->lp = e->has_lp ? v : 0;
		} else
			kit_lex_back(&b->l, t);
	}
}

static void
one_read(struct bird *b, struct kit_rule *r, enum kit_cond c, bool mentions)
{
	struct kit_entry *e;
	struct sv t;

	if (b->nest == NEST_MAX || !next(b, &t)) {
		kit_unread(b->m, b->l.line);
		statement_skip(b);
		return;
	}
	b->nest++;
	if (is(t, "{")) {
		body_read(b, r, c, mentions);
	} else if (is(t, "if")) {
		if_read(b, r, c, mentions);
	} else if (is(t, "}")) {
		kit_lex_back(&b->l, t);
	} else if (is(t, "case")) {
		kit_unread(b->m, b->l.line);
		if ((e = entry_new(b, r, KIT_MAYBE, true)) != NULL)
			e->act = KIT_GO_ON;
		statement_skip(b);
	} else if (is(t, "print") || is(t, "printn")) {
		statement_skip(b);
	} else if (!is(t, ";")) {
		if ((e = entry_new(b, r, c, mentions && c == KIT_MAYBE)) != NULL)
			act_read(b, r, e, t);
		statement_skip(b);
	}
	b->nest--;
}

/* Statements up to the brace that ends them. */
static void
body_read(struct bird *b, struct kit_rule *r, enum kit_cond c, bool mentions)
{
	struct sv t;

	while (next(b, &t)) {
		if (is(t, "}"))
			return;
		kit_lex_back(&b->l, t);
		one_read(b, r, c, mentions);
	}
}

static void
filter_read(struct bird *b, bool is_filter)
{
	struct kit_rule *r;
	struct sv t;

	if (!next(b, &t) || (r = kit_rule_get(b->m, t, b->l.line)) == NULL)
		return;
	r->end_refuses = is_filter;
	while (next(b, &t))		/* parameters, local variables */
		if (is(t, "{")) {
			body_read(b, r, KIT_ALL, false);
			return;
		}
}

/* --- sessions --- */

static struct kit_rule *
rule_anonymous(struct bird *b, const char *what)
{
	char *name = pool_printf(b->m->pool, "%s at line %u", what, b->l.line);
	struct kit_rule *r = name == NULL ? NULL : kit_rule_get(b->m, sv_str(name), b->l.line);

	b->m->report->n_policies -= r != NULL && r->head == NULL;	/* not one of the file's */
	return r;
}

/* "import where COND;": the others are refused. */
static void
where_read(struct bird *b, struct kit_rule *r)
{
	bool mentions;
	enum kit_cond c = cond_read(b, ";", &mentions);
	struct kit_entry *look = entry_new(b, r, c == KIT_MAYBE ? KIT_MAYBE : KIT_INVALID, mentions);
	struct kit_entry *e;

	(void)look;
	if ((e = entry_new(b, r, otherwise(c) == KIT_ALL ? KIT_INVALID : KIT_OTHER, mentions)) != NULL)
		e->act = KIT_REFUSE;
}

static void
import_read(struct bird *b, struct kit_session *s)
{
	struct kit_rule *r;
	struct sv t;

	if (!next(b, &t))
		return;
	if (is(t, "table") || is(t, "keep")) {
		/* "import table yes", "import keep filtered" */
		s->keeps |= next(b, &t) && !is(t, "no") && !is(t, "off");
		if (is(t, ";"))
			return;
	} else if (is(t, "filter") && next(b, &t)) {
		if (!is(t, "{")) {
			kit_ref_add(s, t);
		} else if ((r = rule_anonymous(b, "filter")) != NULL) {
			r->end_refuses = true;
			kit_ref_add(s, r->name);
			body_read(b, r, KIT_ALL, false);
			return;
		}
	} else if (is(t, "where")) {
		if ((r = rule_anonymous(b, "where")) != NULL) {
			kit_ref_add(s, r->name);
			where_read(b, r);
			return;
		}
	} else if (is(t, "none")) {
		struct kit_entry *e;

		if ((r = rule_anonymous(b, "none")) != NULL) {
			kit_ref_add(s, r->name);
			if ((e = entry_new(b, r, KIT_ALL, false)) != NULL)
				e->act = KIT_REFUSE;
		}
	}
	statement_skip(b);
}

/* What stands in "ipv4 { … }". */
static void
channel_read(struct bird *b, struct kit_session *s)
{
	struct sv t;

	if (!next(b, &t))
		return;
	if (!is(t, "{")) {
		kit_lex_back(&b->l, t);
		return;
	}
	while (next(b, &t) && !is(t, "}")) {
		if (is(t, "import"))
			import_read(b, s);
		else if (!is(t, ";"))
			statement_skip(b);
	}
}

/* "… as N", "… internal", "… external" up to the end. */
static void
as_read(struct bird *b, struct kit_session *s, bool is_local)
{
	struct sv t;
	uint32_t v;

	while (next(b, &t) && !is(t, ";")) {
		if (is(t, "as") && next(b, &t) && number(b, t, &v)) {
			if (!is_local)
				s->asn = v;
			else if (b->m->asn == 0)
				b->m->asn = v;
		} else if (!is_local && (is(t, "internal") || is(t, "external"))) {
			s->side = is(t, "internal") ? KIT_INTERNAL : KIT_EXTERNAL;
		} else if (is(t, "}")) {
			kit_lex_back(&b->l, t);
			return;
		}
	}
}

static void
bgp_read(struct bird *b, bool is_template)
{
	unsigned line = b->l.line;
	struct sv name = SV(""), t = SV("");
	struct kit_session *s;

	if (!next(b, &name))
		return;
	if (is(name, "{")) {		/* a protocol without a name */
		t = name;
		name = SV("bgp");
	} else if (!next(b, &t)) {
		return;
	}
	if ((s = kit_session_get(b->m, name, is_template, line)) == NULL)
		return;
	if (is(t, "from") && (!next(b, &s->group) || !next(b, &t)))
		return;
	while (next(b, &t) && !is(t, "}")) {
		b->m->report->n_lines++;
		kit_read_one(b->m);
		if (is(t, "ipv4") || is(t, "ipv6"))
			channel_read(b, s);
		else if (is(t, "local") || is(t, "neighbor"))
			as_read(b, s, is(t, "local"));
		else if (!is(t, ";"))
			statement_skip(b);
	}
}

/* --- caches --- */

static void
time_read(struct bird *b, uint32_t *sec)
{
	struct sv t;

	if (next(b, &t) && is(t, "keep") && !next(b, &t))
		return;
	if (!is(t, ";")) {
		kit_sec_set(sec, t);
		statement_skip(b);
	}
}

static void
remote_read(struct bird *b, struct kit_cache **c, unsigned line)
{
	struct sv t;

	if (next(b, &t))
		*c = kit_cache_get(b->m, t, line);
	statement_skip(b);
}

static void
rpki_read(struct bird *b)
{
	unsigned line = b->l.line;
	struct kit_cache found = { 0 }, *c = NULL;
	struct sv t;

	while (next(b, &t) && !is(t, "{"))
		;
	while (next(b, &t) && !is(t, "}")) {
		b->m->report->n_lines++;
		kit_read_one(b->m);
		if (is(t, "remote"))
			remote_read(b, &c, line);
		else if (is(t, "refresh"))
			time_read(b, &found.sec[KIT_REFRESH]);
		else if (is(t, "retry"))
			time_read(b, &found.sec[KIT_RETRY]);
		else if (is(t, "expire"))
			time_read(b, &found.sec[KIT_EXPIRE]);
		else if (is(t, "transport")) {
			found.secure = next(b, &t) && is(t, "ssh");
			statement_skip(b);
		} else if (!is(t, ";"))
			statement_skip(b);
	}
	for (unsigned i = 0; c != NULL && i < KIT_TIME_MAX; i++)
		c->sec[i] = found.sec[i];
	if (c != NULL)
		c->secure = found.secure;
}

static void
define_read(struct bird *b)
{
	struct define *d = pool_calloc(b->m->pool, 1, sizeof(*d));
	struct sv t;

	if (d == NULL || !next(b, &d->name) || !next(b, &t))
		return;
	if (is(t, "=") && next(b, &t) && num_u32(t, 0, UINT32_MAX, &d->v) == 0) {
		d->next = b->defines;
		b->defines = d;
	}
	statement_skip(b);
}

static void
top_read(struct bird *b, struct sv word)
{
	struct sv t;

	b->m->report->n_lines++;
	if (is(word, "filter") || is(word, "function")) {
		kit_read_one(b->m);
		filter_read(b, is(word, "filter"));
	} else if (is(word, "define")) {
		kit_read_one(b->m);
		define_read(b);
	} else if (is(word, "include")) {
		kit_unread(b->m, b->l.line);
		statement_skip(b);
	} else if ((is(word, "protocol") || is(word, "template")) && next(b, &t)) {
		if (is(t, "bgp") || is(t, "rpki"))
			kit_read_one(b->m);
		if (is(t, "bgp"))
			bgp_read(b, is(word, "template"));
		else if (is(t, "rpki"))
			rpki_read(b);
		else
			statement_skip(b);
	} else if (!is(word, ";") && !is(word, "}")) {
		statement_skip(b);
	}
}

int
kit_read_bird(struct kit_model *m, struct sv text)
{
	struct bird b = { .m = m, .l = { .s = text, .line = 1, .marks = "{};(),[]",
		.runs = "=!~&|<>", .comments = "#" } };
	struct sv t;

	while (next(&b, &t))
		top_read(&b, t);
	return 0;
}
