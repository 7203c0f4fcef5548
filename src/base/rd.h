/*
 * Wire cursors. Reading: after the first short read every read yields zero
 * and the cursor stays bad, so a parser reads straight through and asks once,
 * at the end, with rd_done(). Writing mirrors it: past the end of the buffer
 * nothing is written and wr_done() says so. No other pointer arithmetic on
 * input is allowed anywhere.
 */
#ifndef BASE_RD_H
#define BASE_RD_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "base/sv.h"
#include "base/util.h"

struct rd {
	const uint8_t	*p, *end;
	bool		 bad;		/* sticky: set by the first short read */
};

static inline struct rd
rd_mem(const void *p, size_t n)
{
	const uint8_t *b = p;

	return (struct rd){ b, b == NULL ? b : b + n, false };
}

static inline struct rd
rd_sv(struct sv s)
{
	return rd_mem(s.p, s.n);
}

static inline size_t
rd_left(const struct rd *r)
{
	return r->bad ? 0 : (size_t)(r->end - r->p);
}

static inline const uint8_t *
rd_bytes(struct rd *r, size_t n)
{
	const uint8_t *p = r->p;

	if (r->bad || (size_t)(r->end - r->p) < n) {
		r->bad = true;
		return NULL;
	}
	if (n > 0)		/* NULL + 0 is undefined before C2y */
		r->p += n;
	return p;
}

/* As a slice; empty with p == NULL if short. */
static inline struct sv
rd_slice(struct rd *r, size_t n)
{
	const uint8_t *p = rd_bytes(r, n);

	return (struct sv){ (const char *)p, p == NULL ? 0 : n };
}

/* A length-prefixed block: parse it, then it must be rd_done() itself. */
static inline struct rd
rd_sub(struct rd *r, size_t n)
{
	const uint8_t *p = rd_bytes(r, n);

	if (p == NULL)
		return (struct rd){ NULL, NULL, true };
	return (struct rd){ p, p + n, false };
}

static inline uint8_t
rd_u8(struct rd *r)
{
	const uint8_t *p = rd_bytes(r, 1);

	if (p == NULL)
		return 0;
	return p[0];
}

static inline uint16_t
rd_be16(struct rd *r)
{
	const uint8_t *p = rd_bytes(r, 2);

	if (p == NULL)
		return 0;
	return (uint16_t)(p[0] << 8 | p[1]);
}

static inline uint32_t
rd_be32(struct rd *r)
{
	const uint8_t *p = rd_bytes(r, 4);

	if (p == NULL)
		return 0;
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 |
	    (uint32_t)p[2] << 8 | p[3];
}

/* Of eight bytes that are there, wherever they lie. */
static inline uint64_t
be64_at(const uint8_t *p)
{
	uint64_t v;

	memcpy(&v, p, sizeof(v));
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
	v = __builtin_bswap64(v);
#endif
	return v;
}

static inline uint64_t
rd_be64(struct rd *r)
{
	uint64_t hi = rd_be32(r);

	return hi << 32 | rd_be32(r);
}

/* The only way to succeed: nothing was short and nothing is left. */
static inline MUST_USE bool
rd_done(const struct rd *r)
{
	return !r->bad && r->p == r->end;
}

struct wr {
	uint8_t		*buf;
	size_t		 len, cap;
	bool		 bad;		/* sticky: something did not fit */
};

static inline struct wr
wr_mem(void *buf, size_t cap)
{
	return (struct wr){ buf, 0, cap, false };
}

/* Room for n bytes, to be filled now or patched later; NULL if full. */
static inline uint8_t *
wr_reserve(struct wr *w, size_t n)
{
	uint8_t *p;

	if (w->bad || w->cap - w->len < n) {
		w->bad = true;
		return NULL;
	}
	p = w->buf + w->len;
	w->len += n;
	return p;
}

static inline void
wr_bytes(struct wr *w, const void *src, size_t n)
{
	uint8_t *p = wr_reserve(w, n);

	if (p != NULL && n > 0)
		memcpy(p, src, n);
}

static inline void
put_be16(uint8_t *p, uint16_t v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

static inline void
put_be32(uint8_t *p, uint32_t v)
{
	p[0] = (uint8_t)(v >> 24);
	p[1] = (uint8_t)(v >> 16);
	p[2] = (uint8_t)(v >> 8);
	p[3] = (uint8_t)v;
}

static inline void
wr_u8(struct wr *w, uint8_t v)
{
	wr_bytes(w, &v, 1);
}

static inline void
wr_be16(struct wr *w, uint16_t v)
{
	uint8_t *p = wr_reserve(w, 2);

	if (p != NULL)
		put_be16(p, v);
}

static inline void
wr_be32(struct wr *w, uint32_t v)
{
	uint8_t *p = wr_reserve(w, 4);

	if (p != NULL)
		put_be32(p, v);
}

static inline void
wr_be64(struct wr *w, uint64_t v)
{
	wr_be32(w, (uint32_t)(v >> 32));
	wr_be32(w, (uint32_t)v);
}

/* Everything fitted. */
static inline MUST_USE bool
wr_done(const struct wr *w)
{
	return !w->bad;
}

#endif
