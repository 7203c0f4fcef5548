/* Numbers that come again with their seed (splitmix64, Vigna 2015, public domain). */
#ifndef TESTS_SIM_RANDOM_H
#define TESTS_SIM_RANDOM_H

#include <stdbool.h>
#include <stdint.h>

struct dice {
	uint64_t	 state;
};

static inline uint64_t
dice_u64(struct dice *d)
{
	uint64_t z = d->state += 0x9e3779b97f4a7c15u;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
	z = (z ^ z >> 27) * 0x94d049bb133111ebu;
	return z ^ z >> 31;
}

/* In [lo, hi]. */
static inline int64_t
dice_in(struct dice *d, int64_t lo, int64_t hi)
{
	return hi <= lo ? lo : lo + (int64_t)(dice_u64(d) % (uint64_t)(hi - lo + 1));
}

/* True n times of a hundred. */
static inline bool
dice_percent(struct dice *d, int64_t n)
{
	return dice_in(d, 0, 99) < n;
}

#endif
