/*
 * crypto/dnskey: the arithmetic of DNSSEC, by the numbers of its registry
 * (https://www.iana.org/assignments/dns-sec-alg-numbers).
 *
 *	5, 7	RSA/SHA-1	verified only where asked for (RFC 9905: MUST NOT)
 *	8, 10	RSA/SHA-256, RSA/SHA-512	RFC 5702
 *	13, 14	ECDSA P-256/SHA-256, P-384/SHA-384	RFC 6605
 *	15, 16	Ed25519, Ed448	RFC 8080
 *
 * Which of them one should use is no arithmetic: dnssec/algs.def says it.
 *
 * Signatures are verified by the door of crypto/verify.h, and made in batches.
 * What is signed is given as up to three pieces (RRSIG head, records) so that
 * nobody copies them together.
 *
 * Private keys come from PKCS#8 (RFC 5958) or from the numbers that BIND's
 * .private files hold; our memory of them is wiped, and OpenSSL's where
 * crypto_wipe_freed() was called first. Random numbers are OpenSSL's. A
 * private key can be outside (PKCS#11, hsm/): then what is signed there is
 * crypto_tbs(), and crypto_sig_wire() makes DNSSEC's octets of it.
 */
#ifndef CRYPTO_DNSKEY_H
#define CRYPTO_DNSKEY_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/sv.h"
#include "base/util.h"
#include "crypto/digest.h"
#include "crypto/verify.h"

#define CRYPTO_DNSKEY_MAX	(3 + 8 + 4096 / 8)	/* RSA of 4096 bits: the public key field */
#define CRYPTO_DNSSIG_MAX	512			/* RSA of 4096 bits */

/* Can this build compute with it? */
bool	 crypto_dns_alg(uint8_t alg);

/* --- signing --- */

struct crypto_priv;			/* may sign from several threads at a time */
/* bits: of RSA only, 1024 to 4096; e = 65537. */
int	 crypto_priv_generate(uint8_t alg, unsigned bits, struct crypto_priv **ret) MUST_USE;
/*
 * PEM, not encrypted: "BEGIN PRIVATE KEY" (PKCS#8), or "BEGIN RSA PRIVATE KEY" (PKCS#1). -EINVAL:
 * not a key of this algorithm.
 */
int	 crypto_priv_parse(uint8_t alg, struct sv pem, struct crypto_priv **ret) MUST_USE;
/* The same text; buf is to be wiped by the caller (buf_wipe()). */
int	 crypto_priv_write(const struct crypto_priv *, struct buf *) MUST_USE;
/*
 * From numbers, big-endian as in BIND's files. RSA: n, e, d, and p and q or neither (then
 * they are computed), what else is empty too; ECDSA and EdDSA: only private_key. -EINVAL:
 * they do not fit together.
 */
struct crypto_numbers {
	struct sv	n, e, d, p, q, dp, dq, qinv;
	struct sv	private_key;
};
int	 crypto_priv_import(uint8_t alg, const struct crypto_numbers *, struct crypto_priv **ret) MUST_USE;
struct crypto_priv *crypto_priv_free(struct crypto_priv *);
DEFINE_CLEANUP(struct crypto_priv, crypto_priv_free)
uint8_t	 crypto_priv_alg(const struct crypto_priv *);
/* The public key field of its DNSKEY; owned by the key. */
struct sv crypto_priv_public(const struct crypto_priv *);
/* Octets of each of its signatures. */
size_t	 crypto_priv_sig_len(const struct crypto_priv *);

/*
 * Give many at once: ECDSA signatures share their inversions in groups of 64, which halves
 * the time of P-256.
 */
struct crypto_make {
	struct sv	 data[CRYPTO_PIECES];
	uint8_t		*sig;			/* room for crypto_priv_sig_len() */
};
/* All or nothing: 0, or negative and no signature is to be used. */
int	 crypto_make_batch(const struct crypto_priv *, struct crypto_make *, size_t n) MUST_USE;

/* --- keys that are elsewhere: in another process, in a token --- */

/*
 * What is sent there to be signed, and crypto_verify.tbs: the digest (8, 10, 13, 14), or for
 * EdDSA the message itself, as it is read twice. crypto_tbs_len() octets of it; 0: no such
 * algorithm.
 */
size_t	 crypto_tbs_len(uint8_t alg, const struct sv data[static CRYPTO_PIECES]);
int	 crypto_tbs(uint8_t alg, const struct sv data[static CRYPTO_PIECES], uint8_t *ret) MUST_USE;
/* Many of them, side by side where that is faster; each .msg.ret has room. */
struct crypto_tbs_item {
	uint8_t			alg;
	struct crypto_msg	msg;
};
int	 crypto_tbs_many(const struct crypto_tbs_item *, size_t n) MUST_USE;

struct crypto_make_tbs {
	struct sv	 tbs;
	uint8_t		*sig;			/* room for crypto_priv_sig_len() */
};
/* As crypto_make_batch(). -EINVAL: a digest of another length. */
int	 crypto_make_tbs_batch(const struct crypto_priv *, struct crypto_make_tbs *, size_t n) MUST_USE;

/*
 * RSA tokens (CKM_RSA_PKCS) want this before the digest; empty for the others, which take
 * what crypto_tbs() made as it is (CKM_ECDSA, CKM_EDDSA).
 */
struct sv crypto_digest_info(uint8_t alg);
/*
 * A token's signature as DNSSEC's octets: sig_len of them, the length for the key
 * (crypto_pub_sig_len()). -EINVAL: it cannot be one.
 */
int	 crypto_sig_wire(uint8_t alg, struct sv token, uint8_t *sig, size_t sig_len) MUST_USE;

/*
 * The public key field of a token's key, from its attributes: modulus and exponent, or
 * the point (CKA_EC_POINT, in its OCTET STRING or BIT STRING or bare, as tokens differ).
 * -EINVAL: these are no key of that algorithm; -ENOTSUP; -ENOMEM.
 */
struct crypto_token_key {
	struct sv	 modulus, exponent, point;
};
int	 crypto_token_public(uint8_t alg, const struct crypto_token_key *,
	    uint8_t ret[static CRYPTO_DNSKEY_MAX], size_t *ret_n) MUST_USE;

/* --- digests and chance --- */

#define SHA384_LEN	48
#define SHA512_LEN	64
void	 crypto_sha384(const void *, size_t, uint8_t ret[static SHA384_LEN]);
void	 crypto_sha512(const void *, size_t, uint8_t ret[static SHA512_LEN]);
/*
 * For processes that hold private keys, before anything else of this folder: all that
 * OpenSSL frees is wiped. -EBUSY: it is too late.
 */
int	 crypto_wipe_freed(void) MUST_USE;
/* Octets that nobody can guess. Negative: there are none, use nothing. */
int	 crypto_random(void *, size_t) MUST_USE;

#endif
