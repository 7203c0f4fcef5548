#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/pool.h"

#define CHUNK_MIN	(2 * 1024)	/* a small publication point; 50,000 are kept */
#define CHUNK_MAX	(1024 * 1024)
#define ALIGN		16

struct chunk {
	struct chunk	*next;
	size_t		 used, size;
	_Alignas(ALIGN) unsigned char data[];
};

struct pool {
	struct chunk	*head;		/* the chunk being filled */
	struct chunk	*first;		/* kept by pool_reset() */
	size_t		 cap, used;
	size_t		 room;		/* cap, or what pool_spare() made of it */
	size_t		 next_size;
	bool		 full, failed;
};

struct pool *
pool_new(size_t cap)
{
	struct pool *p = calloc(1, sizeof(*p));

	if (p == NULL)
		return NULL;
	p->cap = p->room = cap;
	p->next_size = CHUNK_MIN;
	return p;
}

static void
chunks_free(struct chunk *c)
{
	while (c != NULL) {
		struct chunk *next = c->next;

		free(c);
		c = next;
	}
}

struct pool *
pool_free(struct pool *p)
{
	if (p != NULL)
		chunks_free(p->head);
	free(p);
	return NULL;
}

void
pool_spare(struct pool *p, size_t n)
{
	size_t room;

	p->full = p->failed = false;
	if (!__builtin_add_overflow(p->used, n, &room))
		p->room = max_size(p->cap, room);
}

void
pool_reset(struct pool *p)
{
	p->room = p->cap;
	p->full = p->failed = false;
	if (p->head == NULL)
		return;
	while (p->head != p->first) {
		struct chunk *next = p->head->next;

		free(p->head);
		p->head = next;
	}
	p->first->used = 0;
	p->used = 0;
	p->next_size = CHUNK_MIN;
}

static struct chunk *
chunk_add(struct pool *p, size_t n)
{
	size_t size = max_size(p->next_size, n);
	struct chunk *c = malloc(sizeof(*c) + size);

	if (c == NULL)
		return NULL;
	c->used = 0;
	c->size = size;
	c->next = p->head;
	p->head = c;
	if (p->first == NULL)
		p->first = c;
	p->next_size = min_size(p->next_size * 2, CHUNK_MAX);
	return c;
}

void *
pool_alloc(struct pool *p, size_t n)
{
	struct chunk *c = p->head;
	void *r;

	if (n > p->room || n > SIZE_MAX - ALIGN || p->used > p->room - n) {
		p->full = p->failed = true;
		return NULL;
	}
	n = (n + ALIGN - 1) & ~(size_t)(ALIGN - 1);
	if (n == 0)
		n = ALIGN;
	if (c == NULL || c->size - c->used < n)
		if ((c = chunk_add(p, n)) == NULL) {
			p->failed = true;
			return NULL;
		}
	r = c->data + c->used;
	c->used += n;
	p->used += n;
	memset(r, 0, n);
	return r;
}

void *
pool_calloc(struct pool *p, size_t n, size_t size)
{
	size_t total;

	if (__builtin_mul_overflow(n, size, &total))
		return NULL;
	return pool_alloc(p, total);
}

struct sv
pool_sv(struct pool *p, struct sv s)
{
	char *d = pool_alloc(p, s.n + 1);

	if (d == NULL)
		return (struct sv){ NULL, 0 };
	if (s.n > 0)
		memcpy(d, s.p, s.n);
	return (struct sv){ d, s.n };
}

char *
pool_strdup(struct pool *p, const char *s)
{
	size_t n = strlen(s) + 1;
	char *d = pool_alloc(p, n);

	return d == NULL ? NULL : memcpy(d, s, n);
}

char *
pool_printf(struct pool *p, const char *fmt, ...)
{
	va_list ap, ap2;
	char *d = NULL;
	int n;

	va_start(ap, fmt);
	va_copy(ap2, ap);
	n = vsnprintf(NULL, 0, fmt, ap);
	va_end(ap);
	if (n >= 0 && (d = pool_alloc(p, (size_t)n + 1)) != NULL)
		(void)vsnprintf(d, (size_t)n + 1, fmt, ap2);
	va_end(ap2);
	return d;
}

bool
pool_has_failed(const struct pool *p)
{
	return p->failed;
}

bool
pool_is_full(const struct pool *p)
{
	return p->full;
}

size_t
pool_used(const struct pool *p)
{
	return p->used;
}
