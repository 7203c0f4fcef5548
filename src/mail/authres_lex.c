/* Words, quoted strings and comments of result fields (RFC 5322 section 3.2, RFC 2045 section 5.1). */
#include "base/json.h"
#include "mail/authres_internal.h"

static bool
one_of(char c, const char *set)
{
	return memchr(set, c, strlen(set)) != NULL;
}

unsigned
authres_octet(char c)
{
	unsigned bits = 0;

	if (c >= '0' && c <= '9')
		bits = AUTHRES_DIGIT | AUTHRES_WORD;
	if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-')
		bits = AUTHRES_WORD;
	if ((unsigned char)c <= ' ' || c == 0x7f)
		return bits;
	if (!one_of(c, "()<>@,;:\\\"/[]?="))
		bits |= AUTHRES_TOKEN;
	if (!one_of(c, "()<>@,;:\\\"[]."))
		bits |= AUTHRES_ATOM;
	if (!one_of(c, "();\""))
		bits |= AUTHRES_LOOSE;
	return bits;
}

void
authres_lex_init(struct authres_lex *l, struct pool *pool, struct sv value)
{
	*l = (struct authres_lex){ .all = value, .left = value, .pool = pool };
}

void
authres_lex_fail(struct authres_lex *l, enum authres_code code)
{
	if (l->bad == NULL && !l->is_oom)
		l->bad = &authres_findings[code];
}

static bool
is_over(const struct authres_lex *l)
{
	return l->bad != NULL || l->is_oom || l->left.n == 0;
}

bool
authres_lex_is(const struct authres_lex *l, char c)
{
	return !is_over(l) && l->left.p[0] == c;
}

bool
authres_lex_next(struct authres_lex *l, char c)
{
	if (!authres_lex_is(l, c))
		return false;
	l->left = sv_skip(l->left, 1);
	return true;
}

struct sv
authres_lex_run(struct authres_lex *l, enum authres_octet kind)
{
	struct sv run = sv_take(l->left, 0);

	if (is_over(l))
		return run;
	while (run.n < l->left.n && (authres_octet(l->left.p[run.n]) & kind))
		run.n++;
	l->left = sv_skip(l->left, run.n);
	return run;
}

static bool
has_any(struct sv s, const char *set)
{
	for (size_t i = 0; i < s.n; i++)
		if (one_of(s.p[i], set))
			return true;
	return false;
}

/* Without its backslashes and the line ends of folds; a tab is a blank. */
static struct sv
unescaped(struct authres_lex *l, struct sv raw)
{
	char *p;
	size_t n = 0;

	if (!has_any(raw, "\\\t\r\n"))
		return raw;
	p = pool_alloc(l->pool, raw.n);
	if (p == NULL) {
		l->is_oom = true;
		return (struct sv){ NULL, 0 };
	}
	for (size_t i = 0; i < raw.n; i++) {
		if (raw.p[i] == '\\' && i + 1 < raw.n)
			i++;
		if (raw.p[i] != '\r' && raw.p[i] != '\n')
			p[n++] = raw.p[i] == '\t' ? ' ' : raw.p[i];
	}
	return (struct sv){ p, n };
}

/*
 * What stands up to the closing sign; the opening one has been read. Comments nest, strings
 * do not: there open is 0. A count is enough, so depth costs nothing.
 */
static struct sv
enclosed(struct authres_lex *l, char open, char close)
{
	struct sv s = l->left;
	size_t depth = 1, i = 0;

	for (; i < s.n; i++) {
		if (s.p[i] == '\\')
			i++;
		else if (s.p[i] == close && --depth == 0)
			break;
		else if (open != 0 && s.p[i] == open)
			depth++;
	}
	if (i >= s.n) {
		l->left = sv_skip(s, s.n);
		authres_lex_fail(l, AUTHRES_OPEN);
		return (struct sv){ NULL, 0 };
	}
	l->left = sv_skip(s, i + 1);
	return unescaped(l, sv_take(s, i));
}

bool
authres_lex_blank(struct authres_lex *l)
{
	size_t before = l->left.n;

	while (!is_over(l)) {
		if (one_of(l->left.p[0], " \t\r\n"))
			l->left = sv_skip(l->left, 1);
		else if (authres_lex_next(l, '(')) {
			struct sv text = enclosed(l, '(', ')');

			if (l->comment.n == 0 && text.n <= AUTHRES_VALUE_MAX)
				l->comment = text;
		} else
			break;
	}
	return l->left.n < before;
}

struct sv
authres_lex_value(struct authres_lex *l)
{
	struct sv s;

	if (authres_lex_next(l, '"')) {
		s = enclosed(l, 0, '"');
		if (s.n > AUTHRES_VALUE_MAX)
			authres_lex_fail(l, AUTHRES_LIMIT);
		return s;
	}
	s = authres_lex_run(l, AUTHRES_TOKEN);
	if (s.n > AUTHRES_VALUE_MAX)
		authres_lex_fail(l, AUTHRES_LIMIT);
	return s.n > 0 ? s : (struct sv){ NULL, 0 };
}

bool
authres_is_clean(struct sv s)
{
	while (s.n > 0) {
		size_t n = utf8_len(s);

		if (n == 0 || s.p[0] == 0x7f || (n == 1 && s.p[0] < ' ' && !one_of(s.p[0], "\t\r\n")))
			return false;
		s = sv_skip(s, n);
	}
	return true;
}

static bool
all_of(struct sv s, unsigned kind)
{
	for (size_t i = 0; i < s.n; i++)
		if (!(authres_octet(s.p[i]) & kind))
			return false;
	return s.n > 0;
}

/* Atoms with one dot between each. */
static bool
is_dotted(struct sv s, unsigned kind)
{
	if (sv_ends(s, SV(".")))
		return false;
	while (s.n > 0)
		if (!all_of(sv_cut(&s, '.'), kind))
			return false;
	return true;
}

static bool
is_quoted_string(struct sv s)
{
	struct sv inner = sv_skip(sv_take(s, s.n - 1), 1);

	return s.n > 2 && s.p[0] == '"' && sv_ends(s, SV("\"")) && sv_find(inner, '"') == inner.n &&
	    sv_find(inner, '\\') == inner.n;
}

bool
authres_is_token(struct sv s)
{
	return all_of(s, AUTHRES_TOKEN) && authres_is_clean(s);
}

bool
authres_is_plain(struct sv s)
{
	size_t at = sv_rfind(s, '@');

	if (authres_is_token(s))
		return true;
	if (at == s.n || !authres_is_clean(s) || has_any(s, "\t\r\n"))
		return false;
	return at + 1 < s.n && is_dotted(sv_skip(s, at + 1), AUTHRES_TOKEN) &&
	    (at == 0 || is_dotted(sv_take(s, at), AUTHRES_ATOM) || is_quoted_string(sv_take(s, at)));
}
