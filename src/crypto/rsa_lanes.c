/*
 * sig^65537 = em mod n, eight times at once: s is lifted into Montgomery's
 * form s R (rsa_lift.h), squared sixteen times, and multiplied by s as it is,
 * which leaves that form (rsa_mont.h):
 *
 *	s R			below 2^19 n
 *	s^2 R			below 65 n
 *	s^4 R			below n + 2^-18 n
 *	s^8 R ... s^65536 R	below n + 2^-31 n
 *	s^65537			below n + 2^-31 n, as the last factor s is below n + n
 *
 * What comes out is the remainder or, once in some milliards, the remainder
 * and n. Comparing it with em would be right as long as em is not that small;
 * n is taken away all the same, once, so that nobody has to think of it.
 *
 * A signature not below its modulus is refused (RFC 8017 section 5.2.2), but
 * computed with: another lane's answer does not hang on it, and below 2^2048
 * all bounds hold.
 */
#include "crypto/rsa_lanes.h"

#include <string.h>

#include "crypto/rsa_lift.h"

#if defined(__x86_64__)

#define SQUARINGS	16	/* 65537 = 2^16 + 1 */

struct octets {
	const uint8_t	*modulus[RSA_LANES];
	const uint8_t	*sig[RSA_LANES];
	const uint8_t	*em[RSA_LANES];
};

bool
rsa_lanes_can(void)
{
	return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") &&
	    __builtin_cpu_supports("avx512ifma");
}

/* Lanes without work do the first one's. */
static void
octets_of(struct octets *o, const struct rsa_lane *lanes, size_t n)
{
	for (size_t i = 0; i < RSA_LANES; i++) {
		const struct rsa_lane *l = &lanes[i < n ? i : 0];

		o->modulus[i] = l->modulus;
		o->sig[i] = l->sig;
		o->em[i] = l->em;
	}
}

/* x mod n, for x < 2 n. */
RSA_TARGET static void
limbs_reduce(struct rsa_limbs *x, const struct rsa_limbs *n)
{
	struct rsa_limbs less;
	__m512i up = _mm512_setzero_si512();
	__mmask8 below;

	for (unsigned i = 0; i < RSA_LIMBS; i++) {
		up = _mm512_add_epi64(up, _mm512_sub_epi64(x->l[i], n->l[i]));
		less.l[i] = _mm512_and_si512(up, _mm512_set1_epi64(RSA_LIMB));
		up = _mm512_srai_epi64(up, RSA_LIMB_BITS);
	}
	below = _mm512_movepi64_mask(up);
	for (unsigned i = 0; i < RSA_LIMBS; i++)
		x->l[i] = _mm512_mask_blend_epi64(below, less.l[i], x->l[i]);
}

/* The lanes where both are the same. */
RSA_TARGET static unsigned
limbs_equal(const struct rsa_limbs *a, const struct rsa_limbs *b)
{
	__m512i differ = _mm512_setzero_si512();

	for (unsigned i = 0; i < RSA_LIMBS; i++)
		differ = _mm512_or_si512(differ, _mm512_xor_si512(a->l[i], b->l[i]));
	return _mm512_testn_epi64_mask(differ, differ);
}

/* The lanes where sig^65537 = em mod n. */
RSA_TARGET static unsigned
power_is(const struct octets *o)
{
	struct rsa_digits n, d;
	struct rsa_limbs s, x;
	struct rsa_modulus m;

	rsa_digits_read(&n, o->modulus);
	rsa_limbs_write(&m.n, &n, 0);
	rsa_modulus_prepare(&m);
	rsa_digits_read(&d, o->sig);
	rsa_limbs_write(&s, &d, 0);
	rsa_lift(&x, &d, &n);
	for (unsigned i = 0; i < SQUARINGS; i++)
		rsa_mont_sqr(&x, &m);
	rsa_mont_mul(&x, &s, &m);
	limbs_reduce(&x, &m.n);
	rsa_digits_read(&d, o->em);
	rsa_limbs_write(&s, &d, 0);
	return limbs_equal(&x, &s);
}

void
rsa_lanes_check(struct rsa_lane *lanes, size_t n)
{
	struct octets o;
	unsigned equal;

	octets_of(&o, lanes, n);
	equal = power_is(&o);
	for (size_t i = 0; i < n; i++)
		lanes[i].ok = (equal >> i & 1) != 0 &&
		    memcmp(o.sig[i], o.modulus[i], RSA_LANE_LEN) < 0;
}

#else

bool
rsa_lanes_can(void)
{
	return false;
}

void
rsa_lanes_check(struct rsa_lane *lanes, size_t n)
{
	for (size_t i = 0; i < n; i++)
		lanes[i].ok = false;
}

#endif
