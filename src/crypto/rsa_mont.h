/*
 * Eight numbers below 2^2080 at once in AVX-512 IFMA, and their product by
 * Montgomery. Inside crypto/ only; verification only (crypto/verify.h).
 *
 * A number is 40 limbs of 52 bits: value = sum of l[i] B^i, B = 2^52. One
 * vector holds limb i of all eight. R = B^40 = 2^2080. A product is a b / R
 * mod n, and a result need not be below n:
 *
 *	a b / R + n	is above what rsa_mont_mul() and rsa_mont_sqr() leave,
 *
 * for any a and b of 40 limbs, as long as that is not above R. n < 2^2048, so
 * n / R < 2^-32, and the slack is large:
 *
 *	a, b < 2^19 n		leaves less than 2^6 n + n (n / R < 2^-32)
 *	a, b < 2^7 n		leaves less than n + 2^-18 n
 *	a, b < n + 2^-18 n	leaves less than n + 2^-31 n
 *
 * That is the way of our chain (rsa_lanes.c). Nothing is subtracted within.
 */
#ifndef CRYPTO_RSA_MONT_H
#define CRYPTO_RSA_MONT_H

#if defined(__x86_64__)
#include <immintrin.h>
#include <stdint.h>

#include "crypto/inline.h"

#define RSA_TARGET	__attribute__((target("avx512f,avx512dq,avx512ifma")))
#define RSA_INLINE	CRYPTO_INLINE RSA_TARGET

#define RSA_LIMBS	40
#define RSA_LIMB_BITS	52
#define RSA_LIMB	((INT64_C(1) << RSA_LIMB_BITS) - 1)
#define RSA_BLOCK	4			/* limbs: rsa_tile.h */
#define RSA_BLOCKS	(RSA_LIMBS / RSA_BLOCK)
#define RSA_GAPS	36			/* pairs of blocks 1 to 9 */

struct rsa_limbs {
	__m512i	l[RSA_LIMBS];
};

/* The difference of two blocks of n: how large, and where it is negative. */
struct rsa_gap {
	__m512i		size[RSA_BLOCK];
	__mmask8	negative;
};

struct rsa_modulus {
	struct rsa_limbs	n;	/* odd */
	__m512i			n0;	/* -1 / n mod B */
	struct rsa_gap		gap[RSA_GAPS];	/* in rsa_reduce.h's order */
};

/* All that follows from n. */
void	 rsa_modulus_prepare(struct rsa_modulus *);
/* x = x x / R */
void	 rsa_mont_sqr(struct rsa_limbs *x, const struct rsa_modulus *);
/* x = x y / R */
void	 rsa_mont_mul(struct rsa_limbs *x, const struct rsa_limbs *y, const struct rsa_modulus *);

#endif
#endif
