/* A signature as entries of tables (p256_way.h). Verification only. */
#ifndef CRYPTO_P256_TERMS_H
#define CRYPTO_P256_TERMS_H

#include "crypto/p256_way.h"

/* From r, and e/s and r/s modulo the order, canonical. */
void	 p256_terms_set(struct p256_terms *, const struct p256_table *key,
	    const uint64_t r[static P256_WORDS], const uint64_t u1[static P256_WORDS],
	    const uint64_t u2[static P256_WORDS]);

#endif
