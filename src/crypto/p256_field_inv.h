/*
 * 1/a in p256_field.h's words, 0 of 0. Verification only.
 *
 * By division steps (p256_invert.h): of aR they give 1/(aR), which two
 * products by R^2 make R/a. A processor without numbers of 128 bits takes the
 * power a^(p-2) instead: 255 squarings and 13 products. The exponent, in words
 * of 32 bits from the top, is
 *	ffffffff 00000001 00000000 00000000 00000000 ffffffff ffffffff fffffffd
 * so it is put together from runs of ones: let e(k) be a^(2^k - 1), the power
 * whose exponent is k ones. e(j + k) is e(j), squared k times, times e(k).
 */
#ifndef CRYPTO_P256_FIELD_INV_H
#define CRYPTO_P256_FIELD_INV_H

#include "crypto/p256_field.h"
#include "crypto/p256_invert.h"

#ifdef P256_WIDE

static void
fe_inv(struct fe *r, const struct fe *a)
{
	struct fe t;

	words_invert(t.w, a->w, fe_p.w, 1);	/* -1/p = 1 mod 2^64 */
	fe_mul(&t, &t, &fe_rr);
	fe_mul(r, &t, &fe_rr);
}

#else

/* r = a^(2^n) b: n more bits to the exponent of a, and b's bits into them. */
static inline void
fe_shift_mul(struct fe *r, const struct fe *a, int n, const struct fe *b)
{
	struct fe t = *a;

	for (int i = 0; i < n; i++)
		fe_sqr(&t, &t);
	fe_mul(r, &t, b);
}

static void
fe_inv(struct fe *r, const struct fe *a)
{
	struct fe e2, e4, e8, e16, e30, e32, t;

	fe_shift_mul(&e2, a, 1, a);
	fe_shift_mul(&e4, &e2, 2, &e2);
	fe_shift_mul(&e8, &e4, 4, &e4);
	fe_shift_mul(&e16, &e8, 8, &e8);
	fe_shift_mul(&t, &e16, 8, &e8);
	fe_shift_mul(&t, &t, 4, &e4);
	fe_shift_mul(&e30, &t, 2, &e2);
	fe_shift_mul(&e32, &e30, 2, &e2);
	fe_shift_mul(&t, &e32, 32, a);		/* ffffffff 00000001 */
	fe_shift_mul(&t, &t, 128, &e32);	/* 00000000 00000000 00000000 ffffffff */
	fe_shift_mul(&t, &t, 32, &e32);		/* ffffffff */
	fe_shift_mul(&t, &t, 30, &e30);
	fe_shift_mul(r, &t, 2, a);		/* fffffffd */
}

#endif
#endif
