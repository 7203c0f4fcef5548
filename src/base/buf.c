#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"

void
buf_done(struct buf *b)
{
	free(b->p);
	b->p = NULL;
	b->len = b->cap = 0;
}

void
buf_wipe(struct buf *b)
{
	if (b->p != NULL)
		explicit_bzero(b->p, b->cap);
	buf_done(b);
}

int
buf_flush(struct buf *b)
{
	if (b->rc == 0 && b->sink != NULL && b->len > 0)
		b->rc = b->sink(b->arg, b->p, b->len);
	if (b->sink != NULL)
		b->len = 0;
	return b->rc;
}

static char *
buf_room(struct buf *b, size_t n)
{
	size_t cap;
	char *p;

	if (b->rc < 0)
		return NULL;
	if (b->sink != NULL && b->len > 0 && b->len + n > BUF_FLUSH)
		if (buf_flush(b) < 0)
			return NULL;
	if (b->cap - b->len >= n)
		return b->p + b->len;
	cap = max_size(max_size(b->cap * 2, b->len + n), 4096);
	if ((p = realloc(b->p, cap)) == NULL) {
		b->rc = -ENOMEM;
		return NULL;
	}
	b->p = p;
	b->cap = cap;
	return p + b->len;
}

void
buf_more(struct buf *b, const void *src, size_t n)
{
	char *d;

	if (n == 0 || (d = buf_room(b, n)) == NULL)
		return;
	memcpy(d, src, n);
	b->len += n;
}

void
buf_str(struct buf *b, const char *s)
{
	buf_bytes(b, s, strlen(s));
}

void
buf_u64(struct buf *b, uint64_t v)
{
	char tmp[20];
	size_t i = sizeof(tmp);

	do {
		tmp[--i] = (char)('0' + v % 10);
		v /= 10;
	} while (v > 0);
	buf_bytes(b, tmp + i, sizeof(tmp) - i);
}

void
buf_printf(struct buf *b, const char *fmt, ...)
{
	va_list ap;
	char tmp[512], *d;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(tmp, sizeof(tmp), fmt, ap);
	va_end(ap);
	if (n < 0)
		return;
	if ((size_t)n < sizeof(tmp)) {
		buf_bytes(b, tmp, (size_t)n);
		return;
	}
	if ((d = buf_room(b, (size_t)n + 1)) == NULL)
		return;
	va_start(ap, fmt);
	(void)vsnprintf(d, (size_t)n + 1, fmt, ap);
	va_end(ap);
	b->len += (size_t)n;
}
