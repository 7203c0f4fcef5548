/*
 * RSA-2048 with e = 65537 in eight lanes of AVX-512 IFMA: eight moduli at
 * once. Inside crypto/ only; verification only (crypto/verify.h).
 */
#ifndef CRYPTO_RSA_LANES_H
#define CRYPTO_RSA_LANES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define RSA_LANES	8
#define RSA_LANE_LEN	256		/* octets of modulus, signature and encoding */

/* RSA_LANE_LEN octets each. There is nothing to prepare of a key: rsa_lift.c. */
struct rsa_lane {
	const uint8_t	*modulus;		/* big-endian, odd, its top bit set */
	const uint8_t	*sig;
	const uint8_t	*em;			/* the one encoding that sig^65537 must be */
	bool		 ok;			/* the answer */
};

/* Can this build do it on this processor? If not, nothing below may be called. */
bool	 rsa_lanes_can(void);
/* 1 to RSA_LANES of them; fewer cost the same. A sig not below its modulus is not ok. */
void	 rsa_lanes_check(struct rsa_lane *, size_t n);

#endif
