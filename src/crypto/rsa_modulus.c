/* What the reduction needs of eight moduli: -1 / n, and differences of n's blocks. */
#include "crypto/rsa_reduce.h"

#if defined(__x86_64__)

/*
 * Newton: if v n = 1 + e, then v (2 - v n) n = 1 - e^2, twice as many bits
 * are right. n n = 1 mod 8 for odd n: three bits, 6, 12, 24, 48, 96.
 */
RSA_TARGET static __m512i
minus_inverse(__m512i n)
{
	const __m512i zero = _mm512_setzero_si512(), two = _mm512_set1_epi64(2);
	__m512i v = n;

	for (int bits = 3; bits < RSA_LIMB_BITS; bits *= 2) {
		const __m512i vn = _mm512_madd52lo_epu64(zero, v, n);

		v = _mm512_madd52lo_epu64(zero, v, _mm512_sub_epi64(two, vn));
	}
	return _mm512_and_si512(_mm512_sub_epi64(zero, v), _mm512_set1_epi64(RSA_LIMB));
}

RSA_TARGET static void
gap_init(struct rsa_gap *g, const __m512i a[static RSA_BLOCK], const __m512i b[static RSA_BLOCK])
{
	g->negative = rsa_block_sub(g->size, a, b, 0);
	(void)rsa_block_sub(g->size, a, b, g->negative);
	for (int i = 0; i < RSA_BLOCK; i++)
		g->size[i] = _mm512_and_si512(g->size[i], _mm512_set1_epi64(RSA_LIMB));
}

RSA_TARGET void
rsa_modulus_prepare(struct rsa_modulus *m)
{
	const __m512i *n = m->n.l;
	struct rsa_gap *g = m->gap;

	m->n0 = minus_inverse(n[0]);
	for (int k = 0; k < 2 * RSA_BLOCKS; k++)
		for (int i = rsa_gap_near(k); i >= rsa_gap_far(k); i--)
			gap_init(g++, n + RSA_BLOCK * i, n + RSA_BLOCK * (k - i));
}

#endif
