/*
 * 1/a in the eight lanes of p256_fe8.h: one inversion for all of them. Inside
 * crypto/ only; verification only.
 *
 * The lanes are multiplied together, which leaves the product of all in each
 * of them, by products with themselves moved round by four lanes, by two and
 * by one. On the way the product of all other lanes comes off likewise, and
 * that times the inverse of the product of all is the inverse of a lane. One
 * number is inverted outside of the lanes (p256_invert.h): this takes 1.5 us
 * with all that is around it, where raising eight lanes to the power p - 2
 * takes 5.1 (255 squares, each of which waits for the one before it).
 */
#ifndef CRYPTO_P256_FE8_INV_H
#define CRYPTO_P256_FE8_INV_H

#include "crypto/p256_fe8_load.h"
#include "crypto/p256_invert.h"

#if defined(__x86_64__)

/* Each lane has what was n lanes on. */
FE_INLINE void
fe_round(struct fe *r, const struct fe *a, uint64_t n)
{
	const __m512i from = _mm512_add_epi64(fe_all(n), _mm512_setr_epi64(0, 1, 2, 3, 4, 5, 6, 7));

	for (int i = 0; i < FE_LIMBS; i++)
		r->l[i] = _mm512_permutexvar_epi64(from, a->l[i]);	/* modulo 8 */
}

/* The first lane of a carried number below 2^256. */
FE_INLINE void
fe_first(uint64_t w[static P256_WORDS], const struct fe *a)
{
	uint64_t l[FE_LIMBS];

	for (int i = 0; i < FE_LIMBS; i++)
		l[i] = (uint64_t)_mm_cvtsi128_si64(_mm512_castsi512_si128(a->l[i]));
	w[0] = l[0] | l[1] << 52;
	w[1] = l[1] >> 12 | l[2] << 40;
	w[2] = l[2] >> 24 | l[3] << 28;
	w[3] = l[3] >> 36 | l[4] << 16;
}

/*
 * 1/a of a number that is the same in all lanes, not 0 and tight. A product by a plain 1
 * leaves Montgomery form, and is at most (a + (R - 1) p) / R < p + 1 where only 0 could
 * give p: so it is the number itself, from 1 to p - 1, which is what words_invert() takes.
 */
static FE_TARGET void
fe_inv_one(struct fe *r, const struct fe *a)
{
	static const uint64_t p[P256_WORDS] = {
		0xffffffffffffffff, 0x00000000ffffffff, 0, 0xffffffff00000001,
	};
	const struct fe plain_1 = fe_same(1, 0, 0, 0, 0), rr = fe_rr();
	uint64_t w[P256_WORDS];
	struct fe t;

	fe_mul(&t, a, &plain_1);
	fe_first(w, &t);
	words_invert(w, w, p, 1);		/* p = -1 mod 2^64 */
	fe_split(&t, (const __m512i[]){ fe_all(w[0]), fe_all(w[1]), fe_all(w[2]), fe_all(w[3]) });
	fe_mul(r, &t, &rr);
}

/* Of a tight one; tight; 0 in lanes that are 0. */
static FE_TARGET void
fe_inv(struct fe *r, const struct fe *a)
{
	const unsigned zero = fe_zero(a);
	struct fe all = *a, others, t;

	fe_one_where(&all, zero);
	fe_round(&others, &all, 4);
	fe_mul(&all, &all, &others);		/* of lanes i, i + 4 */
	fe_round(&t, &all, 2);
	fe_mul(&others, &others, &t);
	fe_mul(&all, &all, &t);			/* of i, i + 2, i + 4, i + 6 */
	fe_round(&t, &all, 1);
	fe_mul(&others, &others, &t);
	fe_mul(&all, &all, &t);
	fe_inv_one(&all, &all);
	fe_mul(r, &all, &others);
	for (int i = 0; i < FE_LIMBS; i++)
		r->l[i] = _mm512_maskz_mov_epi64((__mmask8)~zero, r->l[i]);
}

#endif
#endif
