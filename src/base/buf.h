/*
 * A growing output buffer with a sticky error and an optional sink: with a
 * sink it is written out whenever BUF_FLUSH bytes have gathered, so a report
 * of any size costs one small buffer.
 */
#ifndef BASE_BUF_H
#define BASE_BUF_H

#include <stdint.h>
#include <string.h>

#include "base/sv.h"
#include "base/util.h"

#define BUF_FLUSH	(64 * 1024)

struct buf {
	char	*p;
	size_t	 len, cap;
	int	 rc;			/* sticky: 0 or the first failure */
	int	(*sink)(void *arg, const void *, size_t);
	void	*arg;
};

#define BUF_INIT	{ 0 }
/* All of it is written through sink (0 or -Exxx). */
#define BUF_SINK(fn, a)	{ .sink = (fn), .arg = (a) }

void	 buf_done(struct buf *);
/* As buf_done(), for secrets: zeros first. Growing leaves copies behind: write them in one go. */
void	 buf_wipe(struct buf *);
void	 buf_more(struct buf *, const void *, size_t n);	/* buf_bytes() where room is short */
void	 buf_str(struct buf *, const char *);
void	 buf_u64(struct buf *, uint64_t);	/* decimal */
void	 buf_printf(struct buf *, const char *, ...) PRINTF(2, 3);
/* Write what has gathered to the sink; returns the sticky code. */
int	 buf_flush(struct buf *) MUST_USE;

/* Mostly four bytes into room that is there: a call would cost more than that. */
static inline void
buf_bytes(struct buf *b, const void *src, size_t n)
{
	if (n > b->cap - b->len || n == 0 || b->rc < 0 || b->sink != NULL) {
		buf_more(b, src, n);
		return;
	}
	memcpy(b->p + b->len, src, n);
	b->len += n;
}

static inline void
buf_sv(struct buf *b, struct sv s)
{
	buf_bytes(b, s.p, s.n);
}

static inline void
buf_char(struct buf *b, char c)
{
	buf_bytes(b, &c, 1);
}

static inline struct sv
buf_get(const struct buf *b)
{
	return (struct sv){ b->p, b->len };
}

#endif
