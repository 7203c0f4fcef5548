/*
 * Numbers into the eight lanes of p256_fe8.h, and what can be asked of them
 * there. Inside crypto/ only; verification only.
 *
 * Outside of lanes a number is four words of 64 bits, the lowest first, and a
 * table's row is eight: x, then y (p256_way.h). In lanes the first words of
 * eight numbers stand in one vector, the second ones in the next, and so on,
 * and from four such vectors come five of 52-bit limbs by shifts.
 *
 * A row is one line of the cache and is met nowhere near the next one, so the
 * words are not turned by shuffles between eight loaded rows: the loads do
 * it. Two neighbouring words of rows 0, 2, 4, 6 are loaded (broadcast, under
 * a mask) into the four quarters of one vector, those of rows 1, 3, 5, 7 into
 * another; interleaving their lower and their upper words gives the two
 * vectors in the order of lanes. This is eight shuffles for a point instead
 * of 24, and half of it where only x is used.
 */
#ifndef CRYPTO_P256_FE8_LOAD_H
#define CRYPTO_P256_FE8_LOAD_H

#include "crypto/p256_fe8.h"

#if defined(__x86_64__)

/* R mod p, which is 1 in Montgomery form. (Both numbers are derived in the test.) */
FE_INLINE struct fe
fe_one(void)
{
	return fe_same(0x10, 0xf000000000000, 0xfffffffffffff, 0xffeffffffffff, 0xfffff);
}

/* R^2 mod p: a product by it brings a number into Montgomery form. */
FE_INLINE struct fe
fe_rr(void)
{
	return fe_same(0x300, 0xffffffff00000, 0xffffefffffffb, 0xfdfffffffffff, 0x4ffffff);
}

/* Any 256-bit numbers, as vectors of words, to limbs. */
FE_INLINE void
fe_split(struct fe *r, const __m512i w[static P256_WORDS])
{
	const __m512i limb = fe_all(FE_LIMB);
	const __m512i up1 = _mm512_slli_epi64(w[1], 12);
	const __m512i up2 = _mm512_slli_epi64(w[2], 24);
	const __m512i up3 = _mm512_slli_epi64(w[3], 36);

	r->l[0] = _mm512_and_si512(w[0], limb);
	r->l[1] = _mm512_and_si512(_mm512_or_si512(_mm512_srli_epi64(w[0], 52), up1), limb);
	r->l[2] = _mm512_and_si512(_mm512_or_si512(_mm512_srli_epi64(w[1], 40), up2), limb);
	r->l[3] = _mm512_and_si512(_mm512_or_si512(_mm512_srli_epi64(w[2], 28), up3), limb);
	r->l[4] = _mm512_srli_epi64(w[3], 16);
}

/* The two words at p of four rows, one behind the other. */
FE_INLINE __m512i
fe_four_rows(const uint64_t *const row[static 7], size_t at)
{
	const __m128i *const p0 = (const __m128i *)(const void *)(row[0] + at);
	const __m128i *const p2 = (const __m128i *)(const void *)(row[2] + at);
	const __m128i *const p4 = (const __m128i *)(const void *)(row[4] + at);
	const __m128i *const p6 = (const __m128i *)(const void *)(row[6] + at);
	__m512i v = _mm512_castsi128_si512(_mm_loadu_si128(p0));

	v = _mm512_mask_broadcast_i64x2(v, 0x0c, _mm_loadu_si128(p2));
	v = _mm512_mask_broadcast_i64x2(v, 0x30, _mm_loadu_si128(p4));
	return _mm512_mask_broadcast_i64x2(v, 0xc0, _mm_loadu_si128(p6));
}

/* Four words at p of eight rows. */
FE_INLINE void
fe_rows(struct fe *r, const uint64_t *const row[static FE_LANES], size_t at)
{
	const __m512i even0 = fe_four_rows(row, at), odd0 = fe_four_rows(row + 1, at);
	const __m512i even2 = fe_four_rows(row, at + 2), odd2 = fe_four_rows(row + 1, at + 2);
	const __m512i w[P256_WORDS] = {
		_mm512_unpacklo_epi64(even0, odd0), _mm512_unpackhi_epi64(even0, odd0),
		_mm512_unpacklo_epi64(even2, odd2), _mm512_unpackhi_epi64(even2, odd2),
	};

	fe_split(r, w);
}

/* p - a in these lanes: of an a up to p, again up to p. */
FE_INLINE void
fe_negate_where(struct fe *r, unsigned mask)
{
	const struct fe p = fe_times_p(1);
	__m512i t[FE_LIMBS];

#pragma GCC unroll 8
	for (int i = 0; i < FE_LIMBS; i++)
		t[i] = _mm512_mask_sub_epi64(r->l[i], (__mmask8)mask, p.l[i], r->l[i]);
	fe_carry(r, t);
}

/* Rows of tables, which are canonical, as points; y negated in some lanes. Tight. */
FE_INLINE void
pt_load(struct fe *x, struct fe *y, const uint64_t *const row[static FE_LANES], unsigned negate)
{
	fe_rows(x, row, 0);
	fe_rows(y, row, P256_WORDS);
	fe_negate_where(y, negate);
}

/* Numbers below p (in truth: any of 256 bits) into Montgomery form: a product by R^2. Tight. */
FE_INLINE void
fe_load(struct fe *r, const uint64_t plain[static FE_LANES][P256_WORDS])
{
	const uint64_t *const row[FE_LANES] = {
		plain[0], plain[1], plain[2], plain[3], plain[4], plain[5], plain[6], plain[7],
	};
	const struct fe rr = fe_rr();

	fe_rows(r, row, 0);
	fe_mul(r, r, &rr);
}

/* The lanes that are 0 in the field: of a tight number, those that are 0 or p. */
FE_INLINE unsigned
fe_zero(const struct fe *a)
{
	const struct fe p = fe_times_p(1);
	__m512i is_0 = a->l[0], is_p = _mm512_xor_si512(a->l[0], p.l[0]);

#pragma GCC unroll 8
	for (int i = 1; i < FE_LIMBS; i++) {
		is_0 = _mm512_or_si512(is_0, a->l[i]);
		is_p = _mm512_or_si512(is_p, _mm512_xor_si512(a->l[i], p.l[i]));
	}
	return (unsigned)(_mm512_testn_epi64_mask(is_0, is_0) | _mm512_testn_epi64_mask(is_p, is_p));
}

/* 1 in Montgomery form, R mod p, into these lanes. */
FE_INLINE void
fe_one_where(struct fe *r, unsigned mask)
{
	const struct fe one = fe_one();

#pragma GCC unroll 8
	for (int i = 0; i < FE_LIMBS; i++)
		r->l[i] = _mm512_mask_mov_epi64(r->l[i], (__mmask8)mask, one.l[i]);
}

#endif
#endif
