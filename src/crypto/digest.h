/*
 * crypto/digest: many digests at once, of short messages above all: names
 * (NSEC3), records (RRSIG), signed attributes, the files of a publication
 * point. What enters are messages, each in up to three pieces, so that nobody
 * copies them together; what leaves are their digests, the very ones that
 * crypto_sha1() and crypto_sha256() make (FIPS 180-4).
 *
 * One digest after the other leaves most of a processor idle, as each step of
 * SHA waits for the one before; several side by side do not wait for each
 * other:
 *
 *	pairs	SHA-256, by the SHA extensions of x86
 *	lanes	8 with AVX2 (SHA-1; SHA-256 where the extensions are missing),
 *		16 with AVX-512 (SHA-1)
 *
 * Which of them, and whether any, is decided in sha_way.c, by measured
 * figures. The path that is forced for signatures (crypto/verify.h) holds here
 * too: "generic" is OpenSSL's code alone, and AVX-512 belongs to "ifma".
 *
 * For what is public: records, names, certificates. Nothing is wiped here;
 * secrets go into crypto/hmac.h. Nothing can fail, and nothing is allocated.
 */
#ifndef CRYPTO_DIGEST_H
#define CRYPTO_DIGEST_H

#include "crypto/verify.h"

struct crypto_msg {
	struct sv	 data[CRYPTO_PIECES];	/* one behind the other; unused ones are empty */
	uint8_t		*ret;	/* here the digest goes; may be in this message's own data */
};

/* Any number, of any lengths; more is better, and from some dozens it is as good as it gets. */
void	 crypto_sha1_many(const struct crypto_msg *, size_t n);
void	 crypto_sha256_many(const struct crypto_msg *, size_t n);

/*
 * What NSEC3 does after its first hash (RFC 5155 section 5): each .ret becomes the SHA-1 of
 * itself and the salt, as many times. Only .ret is looked at.
 */
void	 crypto_sha1_again(const struct crypto_msg *, size_t n, struct sv salt, unsigned times);

#endif
