/*
 * The canonical forms of a body as RFC 6376 words them, one step after the other over the
 * whole of it: what the streaming ones are held against.
 */
#ifndef TESTS_UNIT_MAIL_BODY_NAIVE_H
#define TESTS_UNIT_MAIL_BODY_NAIVE_H

#include <stdlib.h>

#include "mail/message.h"

/* "Reduce all sequences of WSP within a line to a single SP", none at its end. */
static size_t
naive_line(char *line, size_t n)
{
	size_t k = 0;

	for (size_t i = 0; i < n; i++)
		if (line[i] != ' ' && line[i] != '\t')
			line[k++] = line[i];
		else if (k == 0 || line[k - 1] != ' ')
			line[k++] = ' ';
	while (k > 0 && line[k - 1] == ' ')
		k--;
	return k;
}

/* In dst, which has room for 2 * s.n + 2. */
static inline size_t
naive_canon(char *dst, struct sv s, enum mail_canon canon)
{
	size_t n = 0, last = 0, at = 0;

	while (at < s.n) {
		size_t len = sv_find(sv_skip(s, at), '\n'), end = at + len;

		if (end < s.n && len > 0 && s.p[end - 1] == '\r')
			len--;
		if (len > 0)
			memcpy(dst + n, s.p + at, len);
		if (canon == MAIL_RELAXED)
			len = naive_line(dst + n, len);
		dst[n + len] = '\r';
		dst[n + len + 1] = '\n';
		n += len + 2;
		if (len > 0)
			last = n;	/* "Ignore all empty lines at the end" */
		at = end + 1;
	}
	if (last == 0 && canon == MAIL_SIMPLE) {
		memcpy(dst, "\r\n", 2);
		return 2;
	}
	return last;
}

#endif
