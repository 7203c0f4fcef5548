/* The reader of RFC 8601 section 2.2. */
#include <errno.h>

#include "mail/authres_internal.h"

#define F FINDING_ROW_
const struct finding_def authres_findings[AUTHRES_CODE_MAX] = {
#include "mail/authres_findings.def"
};
#undef F

struct reader {
	struct authres_lex	 lex;
	struct authres		*ret;
	struct findings		*fs;
};

static size_t
offset(const struct reader *r)
{
	return r->lex.all.n - r->lex.left.n;
}

static void
warn(struct reader *r, enum authres_code code, size_t at)
{
	if (r->lex.bad == NULL)
		finding_add(r->fs, &authres_findings[code], FA_U("offset", at));
}

/* Keyword = Ldh-str: letters, digits and "-", which does not end it (RFC 5321 section 4.1.2). */
static struct sv
keyword(struct reader *r, enum authres_code otherwise)
{
	struct sv w = authres_lex_run(&r->lex, AUTHRES_WORD);

	if (w.n == 0 || w.n > AUTHRES_WORD_MAX || sv_ends(w, SV("-")))
		authres_lex_fail(&r->lex, otherwise);
	return w;
}

/*
 * "pvalue = [CFWS] ( value / [ [ local-part ] "@" ] domain-name ) [CFWS]". A value that should
 * have quotes ends at a blank, a bracket or a semicolon. A reason is a value only.
 */
static struct sv
pvalue(struct reader *r, bool (*is_plain)(struct sv))
{
	struct sv from, s = { NULL, 0 };
	size_t at;

	(void)authres_lex_blank(&r->lex);
	at = offset(r);
	from = r->lex.left;
	if (authres_lex_is(&r->lex, '"'))
		s = authres_lex_value(&r->lex);
	if (s.p == NULL || authres_lex_is(&r->lex, '@')) {
		(void)authres_lex_run(&r->lex, AUTHRES_LOOSE);
		s = sv_take(from, from.n - r->lex.left.n);
		if (sv_find(s, '\r') < s.n || sv_find(s, '\n') < s.n || sv_find(s, '\t') < s.n)
			authres_lex_fail(&r->lex, AUTHRES_PROPERTY);
		if (!is_plain(s))
			warn(r, AUTHRES_VALUE, at);
	}
	if (s.n > AUTHRES_VALUE_MAX)
		authres_lex_fail(&r->lex, AUTHRES_LIMIT);
	return s;
}

/* propspec = ptype [CFWS] "." [CFWS] property [CFWS] "=" pvalue; ptype and the dot are read. */
static void
property(struct reader *r, struct authres_result *to, struct sv type, unsigned n)
{
	struct authres_property *p = pool_alloc(r->lex.pool, sizeof(*p));

	if (p == NULL) {
		r->lex.is_oom = true;
		return;
	}
	if (n == AUTHRES_PROPERTIES_MAX)
		authres_lex_fail(&r->lex, AUTHRES_LIMIT);
	p->ptype = type;
	(void)authres_lex_blank(&r->lex);
	p->name = keyword(r, AUTHRES_PROPERTY);
	(void)authres_lex_blank(&r->lex);
	if (!authres_lex_next(&r->lex, '='))
		authres_lex_fail(&r->lex, AUTHRES_PROPERTY);
	p->value = pvalue(r, authres_is_plain);
	*to->properties_end = p;
	to->properties_end = &p->next;
}

/* What follows a result: its reason, properties, and words that belong nowhere. */
static void
details(struct reader *r, struct authres_result *to)
{
	unsigned n = 0;

	for (;;) {
		size_t at;
		struct sv w;

		(void)authres_lex_blank(&r->lex);
		if (r->lex.left.n == 0 || r->lex.bad != NULL || r->lex.is_oom || authres_lex_is(&r->lex, ';'))
			return;
		at = offset(r);
		w = keyword(r, AUTHRES_PROPERTY);
		(void)authres_lex_blank(&r->lex);
		if (authres_lex_next(&r->lex, '.'))
			property(r, to, w, n++);
		else if (!authres_lex_next(&r->lex, '='))
			authres_lex_fail(&r->lex, AUTHRES_PROPERTY);
		else if (n == 0 && to->reason.p == NULL && sv_caseeq(w, SV("reason")))
			to->reason = pvalue(r, authres_is_token);
		else {
			(void)pvalue(r, authres_is_plain);
			warn(r, AUTHRES_KEY, at);
		}
	}
}

/* 1*DIGIT; 0 where it is larger than any version. */
static uint32_t
version(struct reader *r)
{
	uint32_t v = 0;

	if (num_u32(authres_lex_run(&r->lex, AUTHRES_DIGIT), 0, UINT32_MAX, &v) < 0)
		return 0;
	return v;
}

/* methodspec = [CFWS] method [CFWS] "=" [CFWS] result; .method_name has been read. */
static void
method(struct reader *r, struct authres_result *to)
{
	to->version = 1;
	if (authres_lex_next(&r->lex, '/')) {
		(void)authres_lex_blank(&r->lex);
		to->version = version(r);
		(void)authres_lex_blank(&r->lex);
	}
	if (!authres_lex_next(&r->lex, '='))
		authres_lex_fail(&r->lex, AUTHRES_METHOD);
	(void)authres_lex_blank(&r->lex);
	to->word = keyword(r, AUTHRES_METHOD);
	if (mail_result_parse(to->word, &to->result) < 0)
		to->result = MAIL_RESULT_MAX;
	r->lex.comment = (struct sv){ NULL, 0 };
	if (!authres_lex_blank(&r->lex) && r->lex.left.n > 0 && !authres_lex_is(&r->lex, ';'))
		authres_lex_fail(&r->lex, AUTHRES_METHOD);
	to->comment = r->lex.comment;
}

static enum authres_method
method_of(struct sv name)
{
	for (unsigned i = 0; i < AUTHRES_OTHER; i++)
		if (sv_caseeq(name, sv_str(authres_method_name(i))))
			return i;
	return AUTHRES_OTHER;
}

/* What stands behind a semicolon. False: the field ends with it. */
static bool
statement(struct reader *r)
{
	struct authres_result *to;
	struct sv name;
	int rc;

	(void)authres_lex_blank(&r->lex);
	if (r->lex.left.n == 0 && r->ret->n > 0) {
		finding_add0(r->fs, &authres_findings[AUTHRES_EMPTY]);
		return false;
	}
	name = keyword(r, AUTHRES_METHOD);
	(void)authres_lex_blank(&r->lex);
	if (r->lex.left.n == 0 && r->ret->n == 0 && sv_caseeq(name, SV("none")))
		return false;
	rc = authres_add(r->ret, method_of(name), MAIL_NONE, &to);
	if (rc < 0) {
		r->lex.is_oom = rc == -ENOMEM;
		authres_lex_fail(&r->lex, AUTHRES_LIMIT);
		return false;
	}
	to->method_name = name;
	method(r, to);
	details(r, to);
	return true;
}

static void
field(struct reader *r)
{
	struct sv v;

	r->ret->id = authres_lex_identifier(&r->lex, &v);
	if (r->lex.bad == NULL && !authres_version_is_known(v)) {
		r->lex.bad = &authres_findings[AUTHRES_VERSION];
		finding_add(r->fs, r->lex.bad, FA_SV("version", sv_take(v, AUTHRES_WORD_MAX)));
		return;
	}
	while (authres_lex_next(&r->lex, ';') && statement(r))
		;
	if (r->lex.left.n > 0)
		authres_lex_fail(&r->lex, AUTHRES_METHOD);
	if (r->lex.bad != NULL)
		finding_add(r->fs, r->lex.bad, FA_U("offset", offset(r)));
}

int
authres_parse(struct pool *pool, struct sv value, struct findings *fs, struct authres **ret)
{
	struct authres *a = pool_alloc(pool, sizeof(*a));
	struct reader r = { .ret = a, .fs = fs };

	if (a == NULL)
		return -ENOMEM;
	authres_init(a, pool, (struct sv){ NULL, 0 });
	*ret = NULL;
	if (!authres_is_clean(value)) {
		finding_add0(fs, &authres_findings[AUTHRES_OCTET]);
		return 0;
	}
	authres_lex_init(&r.lex, pool, value);
	field(&r);
	if (r.lex.is_oom)
		return -ENOMEM;
	if (r.lex.bad == NULL)
		*ret = a;
	return 0;
}
