/*
 * The way into the lanes: octets to numbers, and numbers to Montgomery's
 * form. Inside crypto/ only; verification only (crypto/verify.h).
 */
#ifndef CRYPTO_RSA_LIFT_H
#define CRYPTO_RSA_LIFT_H

#include "crypto/rsa_lanes.h"
#include "crypto/rsa_mont.h"

#if defined(__x86_64__)

#define RSA_DIGITS	43	/* of 48 bits: three quarters of a word, six octets */
#define RSA_DIGIT_BITS	48

/* Eight numbers below 2^2064: the sum of d[i] 2^(48 i). */
struct rsa_digits {
	__m512i	d[RSA_DIGITS];
};

/* RSA_LANE_LEN octets each, big-endian. */
void	 rsa_digits_read(struct rsa_digits *, const uint8_t *const from[static RSA_LANES]);
/* The same number, shifted left by 0 or 16 bits; the digits are below 2^48. */
void	 rsa_limbs_write(struct rsa_limbs *, const struct rsa_digits *, unsigned shift);
/* x 2^2080 mod n, below 2^19 n, for x < 2^2048 and 2^2047 < n < 2^2048, n odd. */
void	 rsa_lift(struct rsa_limbs *ret, const struct rsa_digits *x, const struct rsa_digits *n);

#endif
#endif
