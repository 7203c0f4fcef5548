/* Numbers modulo the order of P-256, in 64-bit words. Verification only. */
#ifndef CRYPTO_P256_ORDER_H
#define CRYPTO_P256_ORDER_H

#include "crypto/p256_way.h"

extern const uint64_t p256_order[P256_WORDS];

/* Is it 1 to order - 1? */
bool	 order_fits(const uint64_t a[static P256_WORDS]);
/* a * b / 2^256 mod order, canonical. One of them is below the order, the other anything. */
void	 order_mul(uint64_t r[static P256_WORDS], const uint64_t a[static P256_WORDS],
	    const uint64_t b[static P256_WORDS]);
/*
 * Of each a, which must fit, 2^256 / a, so that order_mul() of that and b is b / a. n > 0;
 * room: for as many.
 */
void	 order_invert(uint64_t (*a)[P256_WORDS], uint64_t (*room)[P256_WORDS], size_t n);

#endif
