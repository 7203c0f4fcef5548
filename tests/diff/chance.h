/* Numbers that look like chance and come again with their seed (splitmix64). */
#ifndef TESTS_DIFF_CHANCE_H
#define TESTS_DIFF_CHANCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct chance {
	uint64_t	state;
};

static inline uint64_t
chance_u64(struct chance *c)
{
	uint64_t z = c->state += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	return z ^ z >> 31;
}

/* 0 to n - 1; a little uneven, which nobody here minds. */
static inline unsigned
chance_below(struct chance *c, unsigned n)
{
	return (unsigned)((chance_u64(c) >> 32) * n >> 32);
}

static inline bool
chance_one_in(struct chance *c, unsigned n)
{
	return chance_below(c, n) == 0;
}

static inline void
chance_bytes(struct chance *c, uint8_t *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		p[i] = (uint8_t)(chance_u64(c) >> 56);
}

#endif
