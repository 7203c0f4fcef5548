/* The few language idioms that all of Sekisho uses; see HACKING.md. */
#ifndef BASE_UTIL_H
#define BASE_UTIL_H

#include <stddef.h>
#include <stdint.h>

#define _cleanup_(f)	__attribute__((cleanup(f)))
#define MUST_USE	__attribute__((warn_unused_result))
#define PRINTF(f, a)	__attribute__((format(printf, f, a)))
#define UNUSED		__attribute__((unused))

#define ARRAY_LEN(a)	(sizeof(a) / sizeof((a)[0]))

/* Hand a pointer over: the variable is NULL afterwards, its cleanup a no-op. */
#define TAKE_PTR(p)	({ __typeof__(p) *pp_ = &(p); __typeof__(p) t_ = *pp_; *pp_ = NULL; t_; })

/* fn(type *) frees and returns NULL; this makes fn##p for _cleanup_(). */
#define DEFINE_CLEANUP(type, fn) \
	static inline void fn##p(type **p) { (void)fn(*p); }

static inline size_t
min_size(size_t a, size_t b)
{
	return a < b ? a : b;
}

static inline size_t
max_size(size_t a, size_t b)
{
	return a > b ? a : b;
}

static inline int64_t
min_i64(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

static inline int64_t
max_i64(int64_t a, int64_t b)
{
	return a > b ? a : b;
}

#endif
