/*
 * A pool: a bump arena with a cap, one per unit of work (one signed object,
 * one publication point, one configuration generation). All memory is zeroed,
 * aligned for any type, and freed together. A hostile input can fill the
 * pool's cap, never the machine.
 */
#ifndef BASE_POOL_H
#define BASE_POOL_H

#include <stdbool.h>
#include <stddef.h>

#include "base/sv.h"
#include "base/util.h"

struct pool;

/* NULL without memory. cap counts payload bytes. */
struct pool	*pool_new(size_t cap);
struct pool	*pool_free(struct pool *);
/* Forget all contents and failures, keep the first chunk: for loops without malloc. */
void		 pool_reset(struct pool *);
/*
 * Until pool_reset(), n bytes more than are in use now may be had, and what failed is forgotten:
 * to say of something that it filled the pool. Not less than the cap.
 */
void		 pool_spare(struct pool *, size_t n);
/* NULL when the cap or the machine's memory is exhausted. */
void		*pool_alloc(struct pool *, size_t n) MUST_USE;
void		*pool_calloc(struct pool *, size_t n, size_t size) MUST_USE;
/* A NUL-terminated copy; .p is NULL without memory. */
struct sv	 pool_sv(struct pool *, struct sv) MUST_USE;
char		*pool_strdup(struct pool *, const char *) MUST_USE;
char		*pool_printf(struct pool *, const char *, ...) PRINTF(2, 3) MUST_USE;
size_t		 pool_used(const struct pool *);
/* Did an allocation fail because of the cap, not for lack of memory? */
bool		 pool_is_full(const struct pool *);
/* Did any allocation fail, for whatever reason? */
bool		 pool_has_failed(const struct pool *);

DEFINE_CLEANUP(struct pool, pool_free)

#endif
