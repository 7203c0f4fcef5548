/*
 * What the ways of computing p256_check() share: the tables, a signature as
 * 64 entries of them, and how a way is entered. Verification only.
 */
#ifndef CRYPTO_P256_WAY_H
#define CRYPTO_P256_WAY_H

#include <stdalign.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "crypto/p256.h"

#define P256_WORDS	4	/* of 64 bits, the lowest first */
#define P256_WINDOWS	32	/* of 8 bits, in a scalar */
#define P256_MULTIPLES	128	/* odd ones: 1, 3, … 255 */
#define P256_ROW	8	/* words of a point: x, then y */
#define P256_TERMS	(2 * P256_WINDOWS)
#define P256_CHUNK	256	/* no way takes more signatures at once */
#define P256_LANES	8	/* nor has more lanes */

/*
 * row[w][i] is (2i + 1) * 256^w times the point: affine, both coordinates in
 * Montgomery form (R = 2^256; for lanes 2^260) and canonical, that is, below p.
 */
struct p256_table {
	alignas(64) uint64_t row[P256_WINDOWS][P256_MULTIPLES][P256_ROW];
};

/*
 * One signature whose r and s are in range, as u1*G + u2*Q. Of each scalar (first
 * u1, then u2): the entry of each window, and where a bit of negate is set, the
 * entry's negative.
 */
struct p256_terms {
	const struct p256_table	*key;
	uint64_t		 r[2][P256_WORDS];	/* what the sum's x may be: r, or r + order */
	bool			 two;			/* is r + order below p? Else r[1] is unset */
	uint32_t		 negate[2];
	uint8_t			 at[2][P256_WINDOWS];
};

struct p256_way {
	size_t	 chunk;		/* signatures that it takes at once, up to P256_CHUNK */
	size_t	 room_size;	/* octets, 64-byte aligned, to compute in */
	/*
	 * n: 1 to chunk. Sets n verdicts. Behind the n terms there are valid ones up to a
	 * multiple of P256_LANES.
	 */
	void	 (*check)(void *room, const struct p256_table *g, const struct p256_terms *, size_t n,
	    enum p256_verdict *);
};

/* p256_64.c */
const struct p256_way *p256_way_64(void);
/* p256_ifma.c; NULL: not in this build, or not on this processor. */
const struct p256_way *p256_way_lanes(void);

#endif
