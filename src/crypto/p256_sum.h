/*
 * u1*G + u2*Q for a chunk of signatures, as sums of table entries. A
 * template: p256_64.c makes it for one lane of 64-bit words, p256_ifma.c for
 * eight lanes of AVX-512. Verification only.
 *
 * THE FIELD. Who includes this file has defined, or gets p256_field.h:
 *
 *	FE_LANES	1 or 8
 *	FE_TARGET	an attribute for each function that computes, or nothing
 *	SUM_COLUMNS	the most vectors of FE_LANES signatures in a chunk
 *	struct fe	FE_LANES numbers modulo p, in Montgomery form; "tight"
 *			or, as the result of fe_sub() alone, "loose"
 *
 * and these, static inline, of which each result may stand where an input
 * stands (in fe_mul2() and fe_sqr2(): an input of its own product):
 *
 *	void fe_mul(struct fe *r, const struct fe *a, const struct fe *b)
 *	void fe_sqr(struct fe *r, const struct fe *a)
 *		loose to tight
 *	void fe_mul2(struct fe *r0, const struct fe *a0, const struct fe *b0,
 *	    struct fe *r1, const struct fe *a1, const struct fe *b1)
 *	void fe_sqr2(struct fe *r0, const struct fe *a0,
 *	    struct fe *r1, const struct fe *a1)
 *		two of them that do not depend on each other: interleaved if
 *		that pays, else one by one
 *	void fe_sub(struct fe *r, const struct fe *a, const struct fe *b)
 *		tight to loose; r only goes into products
 *	void fe_sub_tight(struct fe *r, const struct fe *a, const struct fe *b)
 *	void fe_sub2_tight(struct fe *r, const struct fe *a, const struct fe *b,
 *	    const struct fe *c)
 *		tight to tight: a - b, a - b - c
 *	void fe_inv(struct fe *r, const struct fe *a)
 *		tight to tight; 0 in lanes that are 0
 *	unsigned fe_zero(const struct fe *a)
 *		of a tight one: the mask of lanes that are 0 modulo p
 *	void fe_one_where(struct fe *r, unsigned mask)
 *		1 (in Montgomery form) into these lanes
 *	void fe_load(struct fe *r, const uint64_t plain[FE_LANES][P256_WORDS])
 *		into Montgomery form; any numbers below p; tight
 *	void pt_load(struct fe *x, struct fe *y,
 *	    const uint64_t *const row[FE_LANES], unsigned negate)
 *		a table's rows (p256_way.h), tight; y negated in these lanes
 */
#ifndef CRYPTO_P256_SUM_H
#define CRYPTO_P256_SUM_H

#include "crypto/p256_way.h"

/*
 * What the template gives to the file that includes it (which makes a struct
 * p256_way of them):
 *
 *	struct sum_room;		.room_size = sizeof(struct sum_room)
 *	sum_check()			.check
 *	FE_LANES * SUM_COLUMNS		.chunk
 */

#endif
