/*
 * RSA keys of which anything can be signed, made cheaply and to shape.
 *
 * RSA works with any product of different primes as long as e divides none
 * of p - 1. With many small primes a root costs a fifth of what it costs
 * with two large ones, and a key a hundredth; and the last prime can be
 * chosen so that the modulus begins and ends as one likes.
 */
#ifndef TESTS_DIFF_ROOTS_H
#define TESTS_DIFF_ROOTS_H

#include <openssl/bn.h>

#include "chance.h"

#define FACTORS_MAX	64

struct roots {
	BIGNUM		*n, *e;
	size_t		 len;			/* octets of n */
	unsigned	 n_factors;
	BIGNUM		*d[FACTORS_MAX];	/* 1/e modulo p - 1 */
	BIGNUM		*basis[FACTORS_MAX];	/* 1 modulo p, 0 modulo the others */
	BN_MONT_CTX	*mont[FACTORS_MAX];
	BIGNUM		*f[FACTORS_MAX];
	BIGNUM		*t, *u;
	BN_CTX		*ctx;
};

/* Takes the factors over; e is prime. NULL: e divides one of p - 1. */
struct roots	*roots_new(BIGNUM *const *factors, unsigned n, BN_ULONG e);
struct roots	*roots_free(struct roots *);
/* The one s below n with s^e = m modulo n. */
void		 roots_take(struct roots *, const BIGNUM *m, BIGNUM *s);

/* How a modulus is to look. */
struct shape {
	unsigned	 bits;		/* its length */
	unsigned	 last_bits;	/* of the last prime, about; the others have 64 */
	const BIGNUM	*top;		/* it begins like this number (as far as that goes); NULL: chance */
	const BIGNUM	*low;		/* and ends like this one, in low_bits; NULL: chance */
	unsigned	 low_bits;
};
struct roots	*roots_shaped(struct chance *, const struct shape *, BN_ULONG e);
/* 2^2048 - 1: the product of the first eleven Fermat numbers, whose factors are all known. */
struct roots	*roots_all_ones(void);
/* 2^2048 - c or 2^2047 + c and the like: prime numbers themselves. */
struct roots	*roots_prime(unsigned i);	/* NULL: there are no more */

#endif
