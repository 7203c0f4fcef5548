/* Values of fields without what may stand around them: comments (CFWS of RFC 5322 section 3.2.2). */
#include "mail/feedback_internal.h"

/* The octets of the comment, or of the quoted string, that begins there: all that is left where it has no end. */
static size_t
enclosed(struct sv s)
{
	bool is_comment = s.p[0] == '(';
	size_t depth = 1, i = 1;

	for (; i < s.n && depth > 0; i++) {
		if (s.p[i] == '\\')
			i++;
		else if (s.p[i] == (is_comment ? ')' : '"'))
			depth--;
		else if (is_comment && s.p[i] == '(')
			depth++;
	}
	return min_size(i, s.n);
}

struct sv
feedback_plain(struct pool *pool, struct sv s)
{
	char *p = pool_alloc(pool, s.n + 1);
	size_t n = 0;

	if (p == NULL)
		return (struct sv){ NULL, 0 };
	for (size_t i = 0, len; i < s.n; i += len) {
		len = s.p[i] == '(' || s.p[i] == '"' ? enclosed(sv_skip(s, i)) : 1;
		if (s.p[i] == '(') {
			p[n++] = ' ';
			continue;
		}
		memcpy(p + n, s.p + i, len);
		n += len;
	}
	return sv_trim((struct sv){ p, n });
}
