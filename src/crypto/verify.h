/*
 * crypto/verify: masses of public signatures.
 *
 * All that Sekisho judges is signed in public: nearly a million RSA-2048
 * signatures in the RPKI, millions of P-256 ones before one large zone is
 * published. They enter here, by one door, in batches as they come: a
 * publication point, a slice of a zone. What leaves is yes or no for each,
 * and it is OpenSSL's yes or no, item by item, whichever way it was found:
 *
 *	generic	OpenSSL's big numbers and points, one at a time
 *	tables	P-256: tables of multiples for the generator and for keys that
 *		sign much, and sums of table entries that share inversions
 *		(p256.h)
 *	ifma	the same in eight lanes of AVX-512 IFMA, and eight RSA-2048
 *		moduli at once (rsa_lanes.h)
 *
 * The way is chosen by what the processor can, once, and can be forced
 * (crypto_path_force()). Whatever is odd goes to OpenSSL all the same: other
 * sizes and exponents, few items, lanes that met an exception (equal or
 * opposite points). A key made for that costs time and changes no answer.
 *
 * VERIFICATION ONLY. The code behind "tables" and "ifma" runs in time that
 * depends on its numbers and looks tables up by them. It must never see a
 * secret; tests/lint/test_public.py keeps it and the signing files apart.
 *
 * Algorithms are the numbers of DNSSEC's registry (crypto/dnskey.h); the
 * RPKI's one (RFC 7935) is number 8, RSASSA-PKCS1-v1_5 with SHA-256. Padding
 * is built and compared in full, never parsed: that is what keeps
 * Bleichenbacher's low-exponent forgeries out.
 *
 * A signature that does not verify is an answer (.ok stays false), not a
 * failure; negative codes mean that the arithmetic could not be done.
 */
#ifndef CRYPTO_VERIFY_H
#define CRYPTO_VERIFY_H

#include <stdbool.h>
#include <stdint.h>

#include "base/sv.h"
#include "base/util.h"

/* --- keys --- */

struct crypto_pub;			/* immutable; may be shared between threads */
/*
 * The octets of a DNSKEY's public key field. 0; -EINVAL: they are no key of that algorithm
 * (also RSA of under 512 or over 4096 bits: a stranger's key may not cost more); -ENOTSUP;
 * -ENOMEM.
 */
int	 crypto_pub_new(uint8_t alg, struct sv public_key, struct crypto_pub **ret) MUST_USE;
/*
 * RSA/SHA-256 from its numbers, as a certificate has them: a big-endian modulus without
 * leading zeros. -EINVAL: not a key that crypto_rsa_usable() would take; -ENOMEM.
 */
int	 crypto_pub_rsa(struct sv modulus, uint32_t exponent, struct crypto_pub **ret) MUST_USE;
/* What the RPKI computes with: e = 65537 and 512 to 4096 bits, a multiple of 8. */
bool	 crypto_rsa_usable(struct sv modulus, uint32_t exponent);
struct crypto_pub *crypto_pub_free(struct crypto_pub *);
DEFINE_CLEANUP(struct crypto_pub, crypto_pub_free)
unsigned crypto_pub_bits(const struct crypto_pub *);
/* Octets of each of its signatures. */
size_t	 crypto_pub_sig_len(const struct crypto_pub *);

/* --- signatures --- */

struct crypto_verify {
	const struct crypto_pub	*key;		/* or NULL: RSA/SHA-256 with a fresh key: */
	struct sv		 modulus;
	uint32_t		 exponent;
	bool			 ok;		/* the answer */
	struct sv		 tbs;		/* the digest; EdDSA: the message (crypto_tbs()) */
	struct sv		 sig;		/* as in the object or RRSIG */
};

/*
 * 0, or negative when the arithmetic could not be done (then no .ok is set). Any n, any
 * mixture; more is better, and from some hundred it is as good as it gets. Signatures and
 * digests of another length than the key's are not ok, nor are fresh keys that are not
 * crypto_rsa_usable(). Slices are only read, until it returns.
 */
int	 crypto_verify_batch(struct crypto_verify *, size_t n) MUST_USE;

#define CRYPTO_PIECES	3
/* One signature over up to three pieces, one behind the other. 1: it is; 0: it is not; negative. */
int	 crypto_verify_one(const struct crypto_pub *, const struct sv data[static CRYPTO_PIECES],
	    struct sv sig) MUST_USE;

/* --- the way --- */

enum crypto_path {
	CRYPTO_GENERIC,
	CRYPTO_TABLES,
	CRYPTO_IFMA,
	CRYPTO_PATH_MAX
};
/* "generic", "tables", "ifma" */
const char *crypto_path_name(enum crypto_path);
/* -EINVAL: no such name. */
int	 crypto_path_parse(struct sv, enum crypto_path *ret) MUST_USE;
/* Can this build do it on this processor? */
bool	 crypto_path_can(enum crypto_path);
/* What is in use: what was forced, or the best that can be. */
enum crypto_path crypto_path(void);
/* For the whole process. -ENOTSUP: it cannot be done here, and nothing has changed. */
int	 crypto_path_force(enum crypto_path) MUST_USE;

/* P-256 tables held at this moment, and the most that are (each of 256 KiB). */
void	 crypto_path_tables(size_t *ret_n, size_t *ret_max);

#endif
