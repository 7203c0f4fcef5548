/*
 * Numbers of 40 limbs in the lanes are cut into ten blocks of four, and
 * multiplied block by block: a tile is 16 products of limbs, 32 instructions
 * for eight loads. Inside crypto/ only; verification only.
 *
 * Two limbs of 52 bits make 104 bits: vpmadd52luq adds the lower 52 to column
 * i + j, vpmadd52huq the upper 52 to column i + j + 1. Both read the low 52
 * bits of their factors and nothing else, so what is multiplied is always a
 * limb, below B = 2^52. The product of blocks i and j belongs to the eight
 * columns of which 4 (i + j) is the lowest. We call them column block i + j;
 * its upper half is the lower half of the next one.
 *
 * A column gets at most eight halves from a tile, each below B. It is a word
 * of 64 bits and signed.
 */
#ifndef CRYPTO_RSA_TILE_H
#define CRYPTO_RSA_TILE_H

#include "crypto/rsa_mont.h"

#if defined(__x86_64__)

#define RSA_COLUMNS	(2 * RSA_BLOCK)
#define RSA_UNROLL	_Pragma("GCC unroll 8")

/* c += a b */
RSA_INLINE void
rsa_tile(__m512i c[static RSA_COLUMNS], const __m512i a[static RSA_BLOCK],
    const __m512i b[static RSA_BLOCK])
{
	RSA_UNROLL
	for (int i = 0; i < RSA_BLOCK; i++) {
		RSA_UNROLL
		for (int j = 0; j < RSA_BLOCK; j++)
			c[i + j] = _mm512_madd52lo_epu64(c[i + j], a[i], b[j]);
		RSA_UNROLL
		for (int j = 0; j < RSA_BLOCK; j++)
			c[i + j + 1] = _mm512_madd52hi_epu64(c[i + j + 1], a[i], b[j]);
	}
}

RSA_INLINE void
rsa_columns_zero(__m512i c[static RSA_COLUMNS])
{
	RSA_UNROLL
	for (int i = 0; i < RSA_COLUMNS; i++)
		c[i] = _mm512_setzero_si512();
}

RSA_INLINE void
rsa_columns_copy(__m512i c[static RSA_COLUMNS], const __m512i from[static RSA_COLUMNS])
{
	RSA_UNROLL
	for (int i = 0; i < RSA_COLUMNS; i++)
		c[i] = from[i];
}

RSA_INLINE void
rsa_columns_add(__m512i c[static RSA_COLUMNS], const __m512i more[static RSA_COLUMNS])
{
	RSA_UNROLL
	for (int i = 0; i < RSA_COLUMNS; i++)
		c[i] = _mm512_add_epi64(c[i], more[i]);
}

RSA_INLINE void
rsa_columns_sub(__m512i c[static RSA_COLUMNS], const __m512i less[static RSA_COLUMNS])
{
	RSA_UNROLL
	for (int i = 0; i < RSA_COLUMNS; i++)
		c[i] = _mm512_sub_epi64(c[i], less[i]);
}

/* On to the next column block. */
RSA_INLINE void
rsa_columns_next(__m512i c[static RSA_COLUMNS])
{
	RSA_UNROLL
	for (int i = 0; i < RSA_BLOCK; i++) {
		c[i] = c[RSA_BLOCK + i];
		c[RSA_BLOCK + i] = _mm512_setzero_si512();
	}
}

/* The lower half, which is complete, as four limbs; what is above them is carried on. */
RSA_INLINE void
rsa_columns_carry(__m512i x[static RSA_BLOCK], __m512i c[static RSA_COLUMNS])
{
	RSA_UNROLL
	for (int i = 0; i < RSA_BLOCK; i++) {
		x[i] = _mm512_and_si512(c[i], _mm512_set1_epi64(RSA_LIMB));
		c[i + 1] = _mm512_add_epi64(c[i + 1], _mm512_srai_epi64(c[i], RSA_LIMB_BITS));
	}
}

/* The first and the last block i for which k - i is a block as well. */
RSA_INLINE int
rsa_first_block(int k)
{
	return k < RSA_BLOCKS ? 0 : k - RSA_BLOCKS + 1;
}

RSA_INLINE int
rsa_last_block(int k)
{
	return k < RSA_BLOCKS ? k : RSA_BLOCKS - 1;
}

/*
 * a - b of two blocks, or b - a in the lanes to be turned: its limbs, with waste above their 52
 * bits, and the lanes in which that is negative; there they are the limbs of B^4 more.
 */
RSA_INLINE __mmask8
rsa_block_sub(__m512i ret[static RSA_BLOCK], const __m512i a[static RSA_BLOCK],
    const __m512i b[static RSA_BLOCK], __mmask8 turn)
{
	__m512i up = _mm512_setzero_si512();

	RSA_UNROLL
	for (int i = 0; i < RSA_BLOCK; i++) {
		__m512i d = _mm512_sub_epi64(a[i], b[i]);

		d = _mm512_mask_sub_epi64(d, turn, b[i], a[i]);
		ret[i] = _mm512_add_epi64(up, d);
		up = _mm512_srai_epi64(ret[i], RSA_LIMB_BITS);
	}
	return _mm512_movepi64_mask(up);
}

#endif
#endif
