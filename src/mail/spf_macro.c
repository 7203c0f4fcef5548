/* Macro-strings (RFC 7208 section 7.1): piece by piece, for who checks and who expands. */
#include "mail/spf_internal.h"

#include <errno.h>

static const char delimiter_set[] = ".-+,/_=";
static const char letters[] = "slodiphv";
static const char text_letters[] = "slodiphvcrt";	/* section 7.2: "only in "exp" text" */

static bool
set_has(const char *set, char c)
{
	return c != 0 && strchr(set, c) != NULL;
}

/* macro-literal = %x21-24 / %x26-7E */
static bool
is_literal(char c, enum spf_where where)
{
	return (c > ' ' && c < 0x7f && c != '%') || (c == ' ' && where == SPF_IN_TEXT);
}

/* More digits than any name has labels are as good as that many. */
static bool
keep_parse(struct sv *s, unsigned *ret)
{
	unsigned v = 0;
	bool is_given = false;

	while (s->n > 0 && spf_is_digit(s->p[0])) {
		is_given = true;
		if (v < DNS_NAME_MAX)
			v = v * 10 + (unsigned)(s->p[0] - '0');
		*s = sv_skip(*s, 1);
	}
	*ret = v;
	return !is_given || v > 0;	/* section 7.3: "the value MUST be nonzero" */
}

/* Behind "%{": letter, transformers, delimiters, "}". */
static int
braces_parse(struct sv *s, enum spf_where where, struct spf_macro *m)
{
	const char *allowed = where == SPF_IN_DOMAIN ? letters : text_letters;
	char c = s->n > 0 ? s->p[0] : '\0';
	size_t n = 0;

	m->is_upper = c >= 'A' && c <= 'Z';
	m->letter = (char)(m->is_upper ? c | 0x20 : c);
	if (!set_has(allowed, m->letter))
		return -EINVAL;
	*s = sv_skip(*s, 1);
	if (!keep_parse(s, &m->n_keep))
		return -EINVAL;
	if (s->n > 0 && (s->p[0] | 0x20) == 'r') {
		m->is_reversed = true;
		*s = sv_skip(*s, 1);
	}
	while (n < s->n && set_has(delimiter_set, s->p[n]))
		n++;
	m->delimiters = n > 0 ? sv_take(*s, n) : SV(".");
	*s = sv_skip(*s, n);
	if (s->n == 0 || s->p[0] != '}')
		return -EINVAL;
	*s = sv_skip(*s, 1);
	return 1;
}

/* "%%" is "%", "%_" a blank, "%-" one as URLs write it. */
static int
percent_parse(struct sv *rest, enum spf_where where, struct spf_macro *m)
{
	struct sv s = sv_skip(*rest, 1);
	char c = s.n > 0 ? s.p[0] : '\0';

	m->is_expand = true;
	m->literal = c == '%' ? SV("%") : c == '_' ? SV(" ") : SV("%20");
	s = sv_skip(s, 1);
	if (c == '{') {
		int rc = braces_parse(&s, where, m);

		if (rc < 0)
			return rc;
	} else if (c != '%' && c != '_' && c != '-') {
		return -EINVAL;
	}
	*rest = s;
	return 1;
}

int
spf_macro_next(struct sv *rest, enum spf_where where, struct spf_macro *ret)
{
	size_t n = 0;

	*ret = (struct spf_macro){ .letter = 0 };
	if (rest->n == 0)
		return 0;
	if (rest->p[0] == '%')
		return percent_parse(rest, where, ret);
	while (n < rest->n && is_literal(rest->p[n], where))
		n++;
	ret->literal = sv_take(*rest, n);
	*rest = sv_skip(*rest, n);
	return n > 0 ? 1 : -EINVAL;
}
