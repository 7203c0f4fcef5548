/*
 * Eight elements of P-256's field at once, in AVX-512 IFMA: the arithmetic.
 * Inside crypto/ only; verification only: nothing here is secret, and time
 * may depend on what is computed with.
 *
 * An element is five limbs of 52 bits, limb i of all eight lanes in one
 * vector: value = l[0] + l[1] B + l[2] B^2 + l[3] B^3 + l[4] B^4, B = 2^52.
 * The field is that of p = 2^256 - 2^224 + 2^192 + 2^96 - 1, and x stands for
 * itself as x R mod p, R = B^5 = 2^260 (Montgomery's form).
 *
 * BETWEEN operations the limbs are below B, and a value is
 *	tight	below 2p
 *	loose	below 4p: the difference of two tight ones, and only ever a
 *		factor of fe_mul() or fe_sqr()
 * 4p < 2^258, thus the highest limb is below 2^50, with room for what the
 * operations carry into it. A vpmadd52 reads the low 52 bits of its factors
 * and nothing else; a limb that were not carried would be cut silently. So
 * each operation ends with a carry.
 *
 * MULTIPLICATION. Limb products are 104 bits; their lower 52 are added to
 * column i+j and their upper 52 to column i+j+1 of ten columns of 64 bits. To
 * a column come at most 10 such halves, 6 of the reduction and a carry, each
 * below B: under 2^57 in all, nothing overflows.
 *
 * Montgomery's reduction adds multiples of p that make the five lowest
 * columns zero. As p = -1 mod B, the multiple for column i is the low limb of
 * that column itself, m = z[i] mod B, and
 *	m p B^i = m B^i (-1 + 2^44 B + 2^36 B^3 + (2^48 - 2^16) B^4).
 * The -m takes the low limb away exactly: what is left of column i is
 * z[i] >> 52, a carry into the next. The other three are products of m by a
 * constant below B, two halves each. (2^44 B = 2^96; 2^36 B^3 = 2^192;
 * 2^48 B^4 = 2^256; 2^16 B^4 = 2^224.)
 *
 * The result is (a b + M p) / R with M < R, so it is below a b / R + p. With
 * a, b < 4p: a b / R < 16 p^2 / 2^260 = p (p / 2^256) < p. A product of loose
 * ones is tight; and 0 < 2p is why a product that is zero in the field is 0
 * or p as a number, and no other.
 *
 * SUBTRACTION. a - b + 2p with a, b tight is above 0 and below 4p. Its limbs
 * are differences, perhaps negative: they are carried by arithmetic shifts.
 *
 * TIGHTENING. Of v = a - b + 2p or v = a - b - c + 4p, as a sum of t[i] B^i
 * that is not carried yet, let q = t[4] >> 48. It is 0 to 5, and not negative:
 * the highest limb of a tight number is at most that of 2p, 2^49 - 2^17, and
 * fe_times_p(2) has just that one. The other t[i] weigh less than 2^210 either
 * way, so v - q 2^256 lies between -2^210 and 2^256 + 2^210. Now
 *	v - q p = v - q 2^256 + q (2^224 - 2^192 - 2^96 + 1).
 * It is below 2^256 + 2^210 + 5 2^224 < 2p; with q > 0 it is above
 * 2^224 - 2^192 - 2^96 - 2^210 > 0, and with q = 0 it is v > 0. So it is tight.
 * No carry is needed before, one follows.
 */
#ifndef CRYPTO_P256_FE8_H
#define CRYPTO_P256_FE8_H

#if defined(__x86_64__)
#include <immintrin.h>
#include <stdint.h>

#include "crypto/inline.h"
#include "crypto/p256_way.h"

#define FE_TARGET	__attribute__((target("avx512f,avx512dq,avx512vl,avx512bw,avx512ifma")))

/* All of it is inlined, products too: sums are 3 % faster so. */
#define FE_INLINE	CRYPTO_INLINE FE_TARGET

#define FE_LANES	8
#define FE_LIMBS	5
#define FE_BITS		52
#define FE_LIMB		((UINT64_C(1) << FE_BITS) - 1)

struct fe {
	__m512i	l[FE_LIMBS];
};

FE_INLINE __m512i
fe_all(uint64_t v)
{
	return _mm512_set1_epi64((long long)v);
}

/* The same number in all lanes. */
FE_INLINE struct fe
fe_same(uint64_t l0, uint64_t l1, uint64_t l2, uint64_t l3, uint64_t l4)
{
	return (struct fe){ { fe_all(l0), fe_all(l1), fe_all(l2), fe_all(l3), fe_all(l4) } };
}

/* k p for a small k, limb by limb: its limbs are not carried. */
FE_INLINE struct fe
fe_times_p(uint64_t k)
{
	return fe_same(k * FE_LIMB, k * ((UINT64_C(1) << 44) - 1), 0, k << 36,
	    k * ((UINT64_C(1) << 48) - (UINT64_C(1) << 16)));
}

/* Limbs below B again but for the highest; what came in may be negative. */
FE_INLINE void
fe_carry(struct fe *r, const __m512i t[static FE_LIMBS])
{
	__m512i c = t[0];

#pragma GCC unroll 8
	for (int i = 0; i < FE_LIMBS - 1; i++) {
		r->l[i] = _mm512_and_si512(c, fe_all(FE_LIMB));
		c = _mm512_add_epi64(t[i + 1], _mm512_srai_epi64(c, FE_BITS));
	}
	r->l[FE_LIMBS - 1] = c;
}

/* z += a b, a product of single limbs that belongs to columns 0 and 1 of z. */
FE_INLINE void
fe_madd(__m512i *z, __m512i a, __m512i b)
{
	z[0] = _mm512_madd52lo_epu64(z[0], a, b);
	z[1] = _mm512_madd52hi_epu64(z[1], a, b);
}

/* Adds the multiple of p that makes z[0] zero, and carries what is above its 52 bits. */
FE_INLINE void
fe_reduce_step(__m512i *z)
{
	const __m512i m = z[0];

	z[1] = _mm512_add_epi64(z[1], _mm512_srli_epi64(m, FE_BITS));
	fe_madd(z + 1, m, fe_all(UINT64_C(1) << 44));
	fe_madd(z + 3, m, fe_all(UINT64_C(1) << 36));
	fe_madd(z + 4, m, fe_all((UINT64_C(1) << 48) - (UINT64_C(1) << 16)));
}

/* Loose times loose is tight. */
FE_INLINE void
fe_mul(struct fe *r, const struct fe *a, const struct fe *b)
{
	__m512i z[2 * FE_LIMBS] = { 0 };

#pragma GCC unroll 8
	for (int i = 0; i < FE_LIMBS; i++) {
#pragma GCC unroll 8
		for (int j = 0; j < FE_LIMBS; j++)
			fe_madd(z + i + j, a->l[i], b->l[j]);
		fe_reduce_step(z + i);
	}
	fe_carry(r, z + FE_LIMBS);
}

/* Loose squared is tight: the products off the diagonal once, and doubled. */
FE_INLINE void
fe_sqr(struct fe *r, const struct fe *a)
{
	__m512i z[2 * FE_LIMBS] = { 0 };

#pragma GCC unroll 8
	for (int i = 0; i < FE_LIMBS; i++)
#pragma GCC unroll 8
		for (int j = i + 1; j < FE_LIMBS; j++)
			fe_madd(z + i + j, a->l[i], a->l[j]);
#pragma GCC unroll 8
	for (int i = 1; i < 2 * FE_LIMBS - 1; i++)
		z[i] = _mm512_add_epi64(z[i], z[i]);
#pragma GCC unroll 8
	for (int i = 0; i < FE_LIMBS; i++)
		fe_madd(z + 2 * i, a->l[i], a->l[i]);
#pragma GCC unroll 8
	for (int i = 0; i < FE_LIMBS; i++)
		fe_reduce_step(z + i);
	fe_carry(r, z + FE_LIMBS);
}

/*
 * Two that do not depend on each other. The processor overlaps them by itself: a product
 * has 80 vpmadd52, of which it does one a cycle, and takes some 90 cycles from end to end.
 */
FE_INLINE void
fe_mul2(struct fe *r0, const struct fe *a0, const struct fe *b0,
    struct fe *r1, const struct fe *a1, const struct fe *b1)
{
	fe_mul(r0, a0, b0);
	fe_mul(r1, a1, b1);
}

FE_INLINE void
fe_sqr2(struct fe *r0, const struct fe *a0, struct fe *r1, const struct fe *a1)
{
	fe_sqr(r0, a0);
	fe_sqr(r1, a1);
}

/* a - b + k p, limb by limb: not carried. */
FE_INLINE void
fe_minus(__m512i t[static FE_LIMBS], const struct fe *a, const struct fe *b, uint64_t k)
{
	const struct fe kp = fe_times_p(k);

#pragma GCC unroll 8
	for (int i = 0; i < FE_LIMBS; i++)
		t[i] = _mm512_sub_epi64(_mm512_add_epi64(a->l[i], kp.l[i]), b->l[i]);
}

/* Tight minus tight is loose. */
FE_INLINE void
fe_sub(struct fe *r, const struct fe *a, const struct fe *b)
{
	__m512i t[FE_LIMBS];

	fe_minus(t, a, b, 2);
	fe_carry(r, t);
}

/* t - q p, tight: see TIGHTENING. */
FE_INLINE void
fe_tighten(struct fe *r, __m512i t[static FE_LIMBS])
{
	const __m512i q = _mm512_srli_epi64(t[4], 48);

	t[0] = _mm512_add_epi64(t[0], q);
	t[1] = _mm512_sub_epi64(t[1], _mm512_slli_epi64(q, 44));
	t[3] = _mm512_sub_epi64(t[3], _mm512_slli_epi64(q, 36));
	t[4] = _mm512_and_si512(t[4], fe_all((UINT64_C(1) << 48) - 1));
	t[4] = _mm512_add_epi64(t[4], _mm512_slli_epi64(q, 16));
	fe_carry(r, t);
}

/* Tight minus tight, tight. */
FE_INLINE void
fe_sub_tight(struct fe *r, const struct fe *a, const struct fe *b)
{
	__m512i t[FE_LIMBS];

	fe_minus(t, a, b, 2);
	fe_tighten(r, t);
}

/* a - b - c of tight ones, tight. */
FE_INLINE void
fe_sub2_tight(struct fe *r, const struct fe *a, const struct fe *b, const struct fe *c)
{
	__m512i t[FE_LIMBS];

	fe_minus(t, a, b, 4);
#pragma GCC unroll 8
	for (int i = 0; i < FE_LIMBS; i++)
		t[i] = _mm512_sub_epi64(t[i], c->l[i]);
	fe_tighten(r, t);
}

#endif
#endif
