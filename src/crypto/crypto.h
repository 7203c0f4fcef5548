/*
 * crypto: the only folder that includes OpenSSL. What enters are digests,
 * RSA moduli as slices of the DER they were read from, and signatures; what
 * leaves is yes or no. Keys of strangers never become OpenSSL key objects:
 * importing one costs five times the arithmetic (133 us against 26 us on a
 * 2-core machine, November 2026).
 *
 * Signatures are verified in batches, by the one door of crypto/verify.h. An
 * issuer's key verifies many objects: make it once (crypto_pub_rsa()). An EE
 * key verifies one: pass its modulus as it is. SHA-1 only names keys (RFC 6487
 * section 4.8.2).
 *
 * Other doors of the folder: dnskey.h, keys of zones, with which they are
 * signed, too; hmac.h, for TSIG; tls.h, for routers. What verifies and what
 * signs know nothing of each other (tests/lint/test_public.py).
 *
 * What is not here: certificates, CMS, path building and random numbers for
 * keys that must be secret. Structure is judged in rpki/, from the bytes that
 * were hashed; private keys are the lab's, and no secret.
 */
#ifndef CRYPTO_CRYPTO_H
#define CRYPTO_CRYPTO_H

#include <stdbool.h>
#include <stdint.h>

#include "base/rd.h"
#include "base/sv.h"
#include "base/util.h"
#include "crypto/verify.h"

#define SHA256_LEN	32
#define SHA1_LEN	20

void	 crypto_sha256(const void *, size_t, uint8_t ret[static SHA256_LEN]);
/* Of the two parts, one behind the other. */
void	 crypto_sha256_2(const void *, size_t, const void *, size_t,
	    uint8_t ret[static SHA256_LEN]);
/* Only for key identifiers (RFC 6487 section 4.8.2). */
void	 crypto_sha1(const void *, size_t, uint8_t ret[static SHA1_LEN]);

struct crypto_sha256;
struct crypto_sha256 *crypto_sha256_new(void);
void	 crypto_sha256_update(struct crypto_sha256 *, const void *, size_t);
/* Finishes, and makes it ready for the next message. */
void	 crypto_sha256_final(struct crypto_sha256 *, uint8_t ret[static SHA256_LEN]);
/* So that what was hashed so far can go on in two ways. */
void	 crypto_sha256_copy(struct crypto_sha256 *to, const struct crypto_sha256 *from);
struct crypto_sha256 *crypto_sha256_free(struct crypto_sha256 *);

/*
 * The name of the fact "this signature over this digest verifies with this
 * key": a SHA-256 over all three, so that it holds everywhere and for ever.
 */
#define CRYPTO_FACT_LEN		SHA256_LEN
void	 crypto_fact(const struct crypto_verify *, uint8_t ret[static CRYPTO_FACT_LEN]);
/* Of n items, which takes little more than half the time. */
void	 crypto_fact_many(const struct crypto_verify *, size_t n, uint8_t (*ret)[CRYPTO_FACT_LEN]);

/*
 * The name of the fact that all of a batch verify: a SHA-256 over their names,
 * CRYPTO_FACT_LEN bytes each. One look-up instead of n, as long as the batch
 * stays the same.
 */
void	 crypto_fact_all(const uint8_t *facts, size_t n, uint8_t ret[static CRYPTO_FACT_LEN]);

/* An RSA/SHA-256 item as bytes, for another process to compute; modulus and exponent set. */
#define CRYPTO_ITEM_MAX		(2 + 1024 + 4 + 2 + 1024 + SHA256_LEN)
void	 crypto_item_write(struct wr *, const struct crypto_verify *);
/* Slices of the input; .key is NULL. A bad item leaves rd bad. */
void	 crypto_item_parse(struct rd *, struct crypto_verify *ret);

/* --- private keys: the lab, later the key role; never the validator --- */

/*
 * A pool of halves of 1024 bits, each the product of two primes: n of them
 * give n*(n-1)/2 distinct moduli, so a world of 20,000 keys needs 210. Half i
 * is a function of (seed, i), so that the same world can be made twice. Test
 * keys: whoever sees two moduli with a common half can factor both.
 */
struct crypto_primes;
#define CRYPTO_PRIMES_MAX	2000	/* 2 million keys */
/* Room for n halves, none made yet. NULL: no memory or n too large. */
struct crypto_primes *crypto_primes_new(size_t n, uint64_t seed);
/* Make half i (about 5 ms); may run in parallel for distinct i. */
int	 crypto_primes_make(struct crypto_primes *, size_t i) MUST_USE;
struct crypto_primes *crypto_primes_free(struct crypto_primes *);
DEFINE_CLEANUP(struct crypto_primes, crypto_primes_free)
/* The least number of halves for n_keys distinct moduli. */
size_t	 crypto_primes_for(size_t n_keys);

struct crypto_signer;			/* an RSA private key */
#define CRYPTO_SIG_MAX	256
/* RSA-2048, e = 65537, of the i-th pair of the pool, which must outlive it. */
struct crypto_signer *crypto_signer_pooled(const struct crypto_primes *, size_t i);
/* A key that no profile allows: up to 2048 bits, any odd exponent. */
struct crypto_signer *crypto_signer_odd(uint64_t seed, unsigned bits, uint32_t e);
/* The numbers of such a key of 2048 bits and 65537, big-endian. -ENOTSUP: of another one. */
struct crypto_odd {
	uint8_t	n[256], d[256], p[128], q[128];
};
int	 crypto_signer_numbers(const struct crypto_signer *, struct crypto_odd *ret) MUST_USE;
struct crypto_signer *crypto_signer_free(struct crypto_signer *);
DEFINE_CLEANUP(struct crypto_signer, crypto_signer_free)
/* DER SubjectPublicKeyInfo; owned by the signer. */
struct sv crypto_signer_spki(const struct crypto_signer *);
/* RSASSA-PKCS1-v1_5 with SHA-256. ret_len: the modulus' bytes. */
int	 crypto_sign(const struct crypto_signer *,
	    const uint8_t digest[static SHA256_LEN],
	    uint8_t sig[static CRYPTO_SIG_MAX], size_t *ret_len) MUST_USE;

#endif
