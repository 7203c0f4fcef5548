/*
 * Montgomery's product of eight pairs of numbers. The column blocks k of a b
 * (rsa_tile.h) are walked from the lowest: all tiles with i + j = k, and what
 * the reduction adds (rsa_reduce.h). After that the lower four columns are
 * complete. In the first ten column blocks they give a block of q and vanish;
 * in the last ten they are a block of the result, and are carried. That may
 * replace x as we go: column block k writes block k - 10, and products from
 * here on read k - 9 and up.
 *
 * A SQUARE takes the products off the diagonal once and doubles them.
 *
 * Nothing here is secret; that it takes the same time always is an accident.
 */
#include "crypto/rsa_mont.h"

#include <stddef.h>

#include "crypto/rsa_reduce.h"

#if defined(__x86_64__)

/* c += column block k of a b. */
RSA_INLINE void
mul_add(__m512i c[static RSA_COLUMNS], const __m512i *a, const __m512i *b, int k)
{
	for (int i = rsa_first_block(k); i <= rsa_last_block(k); i++)
		rsa_tile(c, a + RSA_BLOCK * i, b + RSA_BLOCK * (k - i));
}

/* A block by itself: to z what will be doubled, to c the rest. */
RSA_INLINE void
diagonal_add(__m512i c[static RSA_COLUMNS], __m512i z[static RSA_COLUMNS],
    const __m512i a[static RSA_BLOCK])
{
	RSA_UNROLL
	for (int i = 0; i < RSA_BLOCK; i++) {
		RSA_UNROLL
		for (int j = i + 1; j < RSA_BLOCK; j++) {
			z[i + j] = _mm512_madd52lo_epu64(z[i + j], a[i], a[j]);
			z[i + j + 1] = _mm512_madd52hi_epu64(z[i + j + 1], a[i], a[j]);
		}
		c[2 * i] = _mm512_madd52lo_epu64(c[2 * i], a[i], a[i]);
		c[2 * i + 1] = _mm512_madd52hi_epu64(c[2 * i + 1], a[i], a[i]);
	}
}

/* c += column block k of a a. */
RSA_INLINE void
sqr_add(__m512i c[static RSA_COLUMNS], const __m512i *a, int k)
{
	__m512i z[RSA_COLUMNS];

	rsa_columns_zero(z);
	for (int i = rsa_first_block(k); i < k - i; i++)
		rsa_tile(z, a + RSA_BLOCK * i, a + RSA_BLOCK * (k - i));
	if (k % 2 == 0)
		diagonal_add(c, z, a + RSA_BLOCK * (k / 2));
	rsa_columns_add(c, z);
	rsa_columns_add(c, z);
}

/* c += column block k of x y, or of x x if there is no y. */
RSA_INLINE void
product_add(__m512i c[static RSA_COLUMNS], const struct rsa_limbs *x, const struct rsa_limbs *y,
    int k)
{
	if (y == NULL)
		sqr_add(c, x->l, k);
	else
		mul_add(c, x->l, y->l, k);
}

/* y NULL: x itself. */
RSA_INLINE void
mont(struct rsa_limbs *x, const struct rsa_limbs *y, const struct rsa_modulus *m)
{
	__m512i c[RSA_COLUMNS];
	struct rsa_reduction r;

	rsa_reduction_init(&r, m);
	rsa_columns_zero(c);
	product_add(c, x, y, 0);
	rsa_reduction_solve(c, &r, 0);
	for (int k = 1; k < RSA_BLOCKS; k++) {
		rsa_columns_next(c);
		product_add(c, x, y, k);
		rsa_reduction_add(c, &r, k);
		rsa_reduction_solve(c, &r, k);
	}
	rsa_sum_next(&r, RSA_BLOCKS - 1);
	for (int k = RSA_BLOCKS; k < 2 * RSA_BLOCKS; k++) {
		rsa_columns_next(c);
		product_add(c, x, y, k);
		rsa_reduction_add_high(c, &r, k);
		rsa_columns_carry(x->l + RSA_BLOCK * (k - RSA_BLOCKS), c);
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

#endif
