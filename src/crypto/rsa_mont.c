/*
 * Montgomery's product of eight pairs of numbers, by columns.
 *
 * THE PRODUCT a b is 80 columns of weight B^c. Two limbs of 52 bits make 104
 * bits: vpmadd52luq adds the lower 52 to column i + j, vpmadd52huq the upper
 * 52 to column i + j + 1. Both read the low 52 bits of their factors and
 * nothing else, so limbs that are stored are always below B.
 *
 * THE REDUCTION adds q n with q < R so that the 40 lowest columns become
 * zero: what stands above them is (a b + q n) / R, which is a b / R mod n, and
 * less than a b / R + n. Column c asks for one limb of q: with the carry from
 * below and all products of earlier limbs of q in it, it holds some z, and
 * q[c] = z n0 mod B makes z + q[c] n[0] a multiple of B. (z's high bits do not
 * matter: madd52 does not read them.)
 *
 * A COLUMN gets, of a b, at most 40 lower halves and 40 upper ones, of q n as
 * many, each at most B - 1, and the carry: less than 160 B + 2^8 < 2^60. The
 * 64 bits do not overflow. Doubling (below) counts a half twice, as the whole
 * square would.
 *
 * TILES. Operands are cut into 10 blocks of 4 limbs. Blocks i and j make a
 * tile: 16 products of limbs, 32 instructions for 8 loads, for the 8 columns
 * of which 4 (i + j) is the lowest. We walk the column blocks k = 0 .. 19: all
 * tiles with i + j = k of a b and then of q n; after that the lower 4 columns
 * are complete. The upper 4 go on to k + 1 (`up`). In the first ten blocks the
 * lower 4 give four limbs of q and vanish; in the last ten they are carried
 * and are four limbs of the result. Those may replace x as we go: block k
 * writes limbs of block k - 10, and products from here on read k - 9 and up.
 *
 * Lower and upper halves have sums of their own, which come together at the
 * end of the column block: an instruction takes 4 cycles and one can begin in
 * each, so a sum may not be waited for.
 *
 * A SQUARE takes the products off the diagonal once and doubles the sums,
 * then adds those of the diagonal. What came up from below is added after the
 * doubling, too.
 *
 * Nothing here is secret; that it takes the same time always is an accident.
 */
#include "crypto/rsa_mont.h"

#if defined(__x86_64__)

#define BLOCK	4			/* limbs */
#define BLOCKS	(RSA_LIMBS / BLOCK)
#define UNROLL	_Pragma("GCC unroll 8")

/* Column i of a tile is lo[i] + hi[i - 1]. */
struct sums {
	__m512i	lo[2 * BLOCK - 1];
	__m512i	hi[2 * BLOCK - 1];
};

RSA_INLINE void
product(struct sums *z, int column, __m512i a, __m512i b)
{
	z->lo[column] = _mm512_madd52lo_epu64(z->lo[column], a, b);
	z->hi[column] = _mm512_madd52hi_epu64(z->hi[column], a, b);
}

RSA_INLINE void
tile(struct sums *z, const __m512i a[static BLOCK], const __m512i b[static BLOCK])
{
	UNROLL
	for (int i = 0; i < BLOCK; i++) {
		UNROLL
		for (int j = 0; j < BLOCK; j++)
			product(z, i + j, a[i], b[j]);
	}
}

RSA_INLINE int
first_block(int k)
{
	return k < BLOCKS ? 0 : k - BLOCKS + 1;
}

/* Column block k of a b. */
RSA_INLINE void
mul_products(struct sums *z, const __m512i *a, const __m512i *b, int k)
{
	const int end = k < BLOCKS ? k + 1 : BLOCKS;

	for (int i = first_block(k); i < end; i++)
		tile(z, a + BLOCK * i, b + BLOCK * (k - i));
}

RSA_INLINE void
sqr_double(struct sums *z)
{
	UNROLL
	for (int i = 0; i < 2 * BLOCK - 1; i++) {
		z->lo[i] = _mm512_slli_epi64(z->lo[i], 1);
		z->hi[i] = _mm512_slli_epi64(z->hi[i], 1);
	}
}

/* Column block k of a a. */
RSA_INLINE void
sqr_products(struct sums *z, const __m512i *a, int k)
{
	const __m512i *d = a + BLOCK * (k / 2);

	for (int i = first_block(k); i < k - i; i++)
		tile(z, a + BLOCK * i, a + BLOCK * (k - i));
	if (k % 2 == 1 || k / 2 >= BLOCKS) {
		sqr_double(z);
		return;
	}
	/* The tile on the diagonal: its products off the diagonal, then those on it. */
	UNROLL
	for (int i = 0; i < BLOCK; i++) {
		UNROLL
		for (int j = i + 1; j < BLOCK; j++)
			product(z, i + j, d[i], d[j]);
	}
	sqr_double(z);
	UNROLL
	for (int i = 0; i < BLOCK; i++)
		product(z, 2 * i, d[i], d[i]);
}

/* Column block k of q n, as far as q is known: blocks below k. */
RSA_INLINE void
quotient_products(struct sums *z, const __m512i *q, const __m512i *n, int k)
{
	const int end = k < BLOCKS ? k : BLOCKS;

	for (int i = first_block(k); i < end; i++)
		tile(z, q + BLOCK * i, n + BLOCK * (k - i));
}

/* The next eight columns: c's upper four came up, and the sums. */
RSA_INLINE void
columns(__m512i c[static 2 * BLOCK], const struct sums *z)
{
	c[0] = _mm512_add_epi64(c[BLOCK], z->lo[0]);
	UNROLL
	for (int i = 1; i < 2 * BLOCK - 1; i++) {
		c[i] = i < BLOCK ? _mm512_add_epi64(c[BLOCK + i], z->lo[i]) : z->lo[i];
		c[i] = _mm512_add_epi64(c[i], z->hi[i - 1]);
	}
	c[2 * BLOCK - 1] = z->hi[2 * BLOCK - 2];
}

/*
 * Four limbs of q, which make the lower four columns multiples of B, and the
 * carry out of them. c[i] + lo(q n[0]) has 52 zeros at its end; above them is
 * c[i] >> 52, and one more unless c[i] had those zeros already: both together
 * are (c[i] + B - 1) >> 52, which need not wait for q.
 */
RSA_INLINE void
quotient(__m512i q[static BLOCK], __m512i c[static 2 * BLOCK], const struct rsa_modulus *m)
{
	const __m512i *n = m->n.l;

	UNROLL
	for (int i = 0; i < BLOCK; i++) {
		const __m512i carry = _mm512_srli_epi64(
		    _mm512_add_epi64(c[i], _mm512_set1_epi64(RSA_LIMB)), RSA_LIMB_BITS);

		q[i] = _mm512_madd52lo_epu64(_mm512_setzero_si512(), c[i], m->n0);
		c[i + 1] = _mm512_add_epi64(c[i + 1], carry);
		c[i + 1] = _mm512_madd52hi_epu64(c[i + 1], q[i], n[0]);
		UNROLL
		for (int j = 1; j < BLOCK; j++) {
			c[i + j] = _mm512_madd52lo_epu64(c[i + j], q[i], n[j]);
			c[i + j + 1] = _mm512_madd52hi_epu64(c[i + j + 1], q[i], n[j]);
		}
	}
}

/* Four limbs of the result, and the carry out of them. */
RSA_INLINE void
limbs(__m512i x[static BLOCK], __m512i c[static 2 * BLOCK])
{
	UNROLL
	for (int i = 0; i < BLOCK; i++) {
		x[i] = _mm512_and_si512(c[i], _mm512_set1_epi64(RSA_LIMB));
		c[i + 1] = _mm512_add_epi64(c[i + 1], _mm512_srli_epi64(c[i], RSA_LIMB_BITS));
	}
}

/* y NULL: x itself. */
RSA_INLINE void
mont(struct rsa_limbs *x, const struct rsa_limbs *y, const struct rsa_modulus *m)
{
	__m512i q[RSA_LIMBS], c[2 * BLOCK] = { 0 };

	for (int k = 0; k < 2 * BLOCKS; k++) {
		struct sums z = { 0 };

		if (y == NULL)
			sqr_products(&z, x->l, k);
		else
			mul_products(&z, x->l, y->l, k);
		quotient_products(&z, q, m->n.l, k);
		columns(c, &z);
		if (k < BLOCKS)
			quotient(q + BLOCK * k, c, m);
		else
			limbs(x->l + BLOCK * (k - BLOCKS), c);
	}
}

RSA_TARGET void
rsa_mont_sqr(struct rsa_limbs *x, const struct rsa_modulus *m)
{
	mont(x, NULL, m);
}

RSA_TARGET void
rsa_mont_mul(struct rsa_limbs *x, const struct rsa_limbs *y, const struct rsa_modulus *m)
{
	mont(x, y, m);
}

/*
 * Newton: if v n = 1 + e, then v (2 - v n) n = 1 - e^2, twice as many bits
 * are right. n n = 1 mod 8 for odd n: three bits, 6, 12, 24, 48, 96.
 */
RSA_TARGET void
rsa_mont_prepare(struct rsa_modulus *m)
{
	const __m512i zero = _mm512_setzero_si512(), two = _mm512_set1_epi64(2);
	const __m512i n = m->n.l[0];
	__m512i v = n;

	for (int bits = 3; bits < RSA_LIMB_BITS; bits *= 2) {
		const __m512i vn = _mm512_madd52lo_epu64(zero, v, n);

		v = _mm512_madd52lo_epu64(zero, v, _mm512_sub_epi64(two, vn));
	}
	m->n0 = _mm512_and_si512(_mm512_sub_epi64(zero, v), _mm512_set1_epi64(RSA_LIMB));
}

#endif
