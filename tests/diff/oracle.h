/*
 * The oracle: OpenSSL's EVP, asked directly. It shares no line with
 * src/crypto, which computes on OpenSSL's big numbers and points itself.
 */
#ifndef TESTS_DIFF_ORACLE_H
#define TESTS_DIFF_ORACLE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/sv.h"

/* One key, imported once, for one algorithm of DNSSEC's registry. */
struct oracle;
/* NULL: OpenSSL does not take such a key. */
struct oracle	*oracle_rsa(uint8_t alg, struct sv modulus, struct sv exponent);
struct oracle	*oracle_ec(uint8_t alg, struct sv xy);
struct oracle	*oracle_ed(uint8_t alg, struct sv key);
/* The public key field of a DNSKEY. */
struct oracle	*oracle_dnskey(uint8_t alg, struct sv field);
struct oracle	*oracle_free(struct oracle *);

/* tbs: the digest, or EdDSA's message. sig: as in an RRSIG. */
bool		 oracle_says(struct oracle *, struct sv tbs, struct sv sig);

#endif
