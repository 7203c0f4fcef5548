/*
 * crypto/hmac: keyed digests (RFC 2104), for messages that two sides sign with
 * a secret they share: TSIG (RFC 8945), and whatever else needs a MAC.
 *
 *	MD5		only because old peers know nothing else; RFC 8945
 *			section 6 calls it "not recommended"
 *	SHA-1		the same, though it was mandatory once
 *	SHA-224 … 512	FIPS 180; SHA-256 is what everyone speaks
 *
 * What enters is a secret and bytes in as many pieces as one likes, what
 * leaves is the MAC. A message that comes in parts (a zone of a million names
 * is a stream of them) is digested as it comes; nothing is gathered. One
 * context serves a whole exchange: crypto_hmac_final() makes it ready for the
 * next message under the same secret, so a secret is prepared once.
 *
 * MACs are compared with crypto_equal(), which takes the same time wherever
 * they differ. Contexts hold what follows from the secret, and are wiped when
 * they are freed. An OpenSSL without MD5 (a FIPS build) simply has not got
 * that one: crypto_hmac_len() is 0 then.
 *
 * Built on the low-level digest calls, like crypto/digest.c and for its
 * reason: they allocate nothing and cannot fail half way.
 */
#ifndef CRYPTO_HMAC_H
#define CRYPTO_HMAC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/sv.h"
#include "base/util.h"

enum crypto_hmac_alg {
	CRYPTO_HMAC_MD5,
	CRYPTO_HMAC_SHA1,
	CRYPTO_HMAC_SHA224,
	CRYPTO_HMAC_SHA256,
	CRYPTO_HMAC_SHA384,
	CRYPTO_HMAC_SHA512,
	CRYPTO_HMAC_MAX
};

#define CRYPTO_HMAC_LEN_MAX	64

/* Octets of the MAC; 0: this build has not got it. */
size_t	 crypto_hmac_len(enum crypto_hmac_alg);

struct crypto_hmac;
/* A secret of any length. NULL: no memory, or not in this build. */
struct crypto_hmac *crypto_hmac_new(enum crypto_hmac_alg, struct sv secret);
void	 crypto_hmac_update(struct crypto_hmac *, const void *, size_t);
/* Finishes (crypto_hmac_len() octets), and makes it ready for the next message. */
void	 crypto_hmac_final(struct crypto_hmac *, uint8_t ret[static CRYPTO_HMAC_LEN_MAX]);
/* Wipes. */
struct crypto_hmac *crypto_hmac_free(struct crypto_hmac *);
DEFINE_CLEANUP(struct crypto_hmac, crypto_hmac_free)

/* Are they the same? In constant time. */
bool	 crypto_equal(const void *, const void *, size_t n);
/* Zeros that the compiler may not leave out. */
void	 crypto_wipe(void *, size_t n);

#endif
