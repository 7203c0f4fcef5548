/*
 * Montgomery's reduction of eight products, by column blocks (rsa_tile.h).
 * Inside crypto/ only; verification only.
 *
 * q n with q < R is added so that the 40 lowest columns become zero: what
 * stands above them is (a b + q n) / R, which is a b / R mod n, and less than
 * a b / R + n. Column c asks for one limb of q: with the carry from below and
 * all products of earlier limbs of q in it, it holds some z, and
 * q[c] = z n0 mod B makes z + q[c] n[0] a multiple of B. (z's high bits do not
 * matter, madd52 does not read them.)
 *
 * FEWER TILES. Written out, q n is 100 tiles. But for two blocks i and j
 *	q_i n_j + q_j n_i = q_i n_i + q_j n_j - (q_i - q_j) (n_i - n_j),
 * Karatsuba's way, and q_i n_i serves all pairs that i is in. The blocks 1 to
 * 9 are multiplied so: column block k of their product is
 *	the sum of all q_i n_i with i and k - i in 1 .. 9
 *	less all (q_i - q_j) (n_i - n_j) with i < j, i + j = k
 * (i = j = k / 2 is in the sum as it should be). That is 9 tiles and 36. Block
 * 0 is left out, 19 tiles: q_k is not known before column block k, and q_k n_0
 * is what it is chosen for. Together 64 tiles.
 *
 * RUNNING SUMS. Let s_i be q_1 n_1 + ... + q_i n_i, kept for each i. The sum
 * for column block k is s_{k-1} while i = 1 .. k - 1 have their k - i, up to
 * k = 10, and s_9 - s_{k-10} from there on. A tile is added to the sum before
 * it, so nothing but tiles is spent on them.
 *
 * SIGNS. n_i - n_j = +-g with g >= 0, made ready with the modulus. q_i - q_j
 * is taken with the same sign, d, so that d g is the product. Where d is
 * negative its limbs are those of B^4 + d, and the tile of them and g is too
 * large by B^4 g: g is added to the upper four columns, as tiles of
 * differences are subtracted.
 *
 * A COLUMN so gets other sums than written out, of the same total weight, and
 * can be negative. It belongs to two column blocks; each brings at most ten
 * tiles of a b, two of block 0, nine of a sum, four of differences, and
 * four corrections: (25 * 8 + 4) B in size. Both, with the carry, are below
 * 2^61. Carries are arithmetic shifts.
 */
#ifndef CRYPTO_RSA_REDUCE_H
#define CRYPTO_RSA_REDUCE_H

#include "crypto/rsa_tile.h"

#if defined(__x86_64__)

struct rsa_reduction {
	const struct rsa_modulus *m;
	const struct rsa_gap	*gap;			/* the next one */
	__m512i			 q[RSA_LIMBS];
	__m512i			 sum[RSA_BLOCKS][RSA_COLUMNS];	/* s_i; s_0 = 0 */
};

RSA_INLINE void
rsa_reduction_init(struct rsa_reduction *r, const struct rsa_modulus *m)
{
	r->m = m;
	r->gap = m->gap;
	rsa_columns_zero(r->sum[0]);
}

/* s_i, of s_{i-1} and block i of q. */
RSA_INLINE void
rsa_sum_next(struct rsa_reduction *r, int i)
{
	__m512i c[RSA_COLUMNS];

	rsa_columns_copy(c, r->sum[i - 1]);
	rsa_tile(c, r->q + RSA_BLOCK * i, r->m->n.l + RSA_BLOCK * i);
	rsa_columns_copy(r->sum[i], c);
}

/* The lower one of the nearest pair whose sum is k. */
RSA_INLINE int
rsa_gap_near(int k)
{
	return (k - 1) / 2;
}

/* And of the one furthest apart; 1 to 9. */
RSA_INLINE int
rsa_gap_far(int k)
{
	return k < RSA_BLOCKS ? 1 : rsa_first_block(k);
}

/* The products of differences; what needs the youngest block of q comes last. */
RSA_INLINE void
rsa_gaps_sub(__m512i c[static RSA_COLUMNS], struct rsa_reduction *r, int k)
{
	__m512i z[RSA_COLUMNS];

	rsa_columns_zero(z);
	for (int i = rsa_gap_near(k); i >= rsa_gap_far(k); i--) {
		const struct rsa_gap *g = r->gap++;
		__m512i d[RSA_BLOCK];
		__mmask8 below = rsa_block_sub(d, r->q + RSA_BLOCK * i,
		    r->q + RSA_BLOCK * (k - i), g->negative);

		rsa_tile(z, d, g->size);
		RSA_UNROLL
		for (int j = 0; j < RSA_BLOCK; j++)
			z[RSA_BLOCK + j] = _mm512_mask_sub_epi64(z[RSA_BLOCK + j], below,
			    z[RSA_BLOCK + j], g->size[j]);
	}
	rsa_columns_sub(c, z);
}

/* c += column block k of q n, 1 to 9, as far as q is known: blocks below k. */
RSA_INLINE void
rsa_reduction_add(__m512i c[static RSA_COLUMNS], struct rsa_reduction *r, int k)
{
	rsa_tile(c, r->q, r->m->n.l + RSA_BLOCK * k);
	if (k > 1)
		rsa_sum_next(r, k - 1);
	rsa_columns_add(c, r->sum[k - 1]);
	rsa_gaps_sub(c, r, k);
}

/* And of 10 to 19, when all of q is, and s_9. */
RSA_INLINE void
rsa_reduction_add_high(__m512i c[static RSA_COLUMNS], struct rsa_reduction *r, int k)
{
	rsa_columns_add(c, r->sum[RSA_BLOCKS - 1]);
	rsa_columns_sub(c, r->sum[k - RSA_BLOCKS]);
	rsa_gaps_sub(c, r, k);
}

/*
 * Block k of q, which makes the lower four columns multiples of B, and the
 * carry out of them. c[i] + lo(q n[0]) has 52 zeros at its end; above them is
 * c[i] >> 52, and one more unless c[i] had those zeros already: both together
 * are (c[i] + B - 1) >> 52, which need not wait for q.
 */
RSA_INLINE void
rsa_reduction_solve(__m512i c[static RSA_COLUMNS], struct rsa_reduction *r, int k)
{
	const __m512i *n = r->m->n.l;
	__m512i *q = r->q + RSA_BLOCK * k;

	RSA_UNROLL
	for (int i = 0; i < RSA_BLOCK; i++) {
		const __m512i up = _mm512_srai_epi64(
		    _mm512_add_epi64(c[i], _mm512_set1_epi64(RSA_LIMB)), RSA_LIMB_BITS);

		q[i] = _mm512_madd52lo_epu64(_mm512_setzero_si512(), c[i], r->m->n0);
		c[i + 1] = _mm512_add_epi64(c[i + 1], up);
		c[i + 1] = _mm512_madd52hi_epu64(c[i + 1], q[i], n[0]);
		RSA_UNROLL
		for (int j = 1; j < RSA_BLOCK; j++) {
			c[i + j] = _mm512_madd52lo_epu64(c[i + j], q[i], n[j]);
			c[i + j + 1] = _mm512_madd52hi_epu64(c[i + j + 1], q[i], n[j]);
		}
	}
}

#endif
#endif
