/* HMAC (RFC 2104) over the low-level digests, and comparison in constant time. */
#define OPENSSL_SUPPRESS_DEPRECATED
#include <openssl/crypto.h>
#include <openssl/md5.h>
#include <openssl/sha.h>
#include <stdlib.h>

#include "crypto/hmac.h"

#define BLOCK_MAX	128		/* octets, of SHA-384 and SHA-512 */

union digest {
#ifndef OPENSSL_NO_MD5
	MD5_CTX		md5;
#endif
	SHA_CTX		sha1;
	SHA256_CTX	sha256;		/* and SHA-224 */
	SHA512_CTX	sha512;		/* and SHA-384 */
};

struct digest_ops {
	size_t	  len, block;
	void	(*init)(union digest *);
	void	(*update)(union digest *, const void *, size_t);
	void	(*final)(union digest *, uint8_t *);
};

/* These calls return an int that is always 1. */
#define DIGEST(name, NAME, member)					\
static void								\
name##_init(union digest *d)						\
{									\
	(void)NAME##_Init(&d->member);					\
}									\
									\
static void								\
name##_update(union digest *d, const void *p, size_t n)			\
{									\
	(void)NAME##_Update(&d->member, p, n);				\
}									\
									\
static void								\
name##_final(union digest *d, uint8_t *ret)				\
{									\
	(void)NAME##_Final(ret, &d->member);				\
}

#ifndef OPENSSL_NO_MD5
DIGEST(md5, MD5, md5)
#endif
DIGEST(sha1, SHA1, sha1)
DIGEST(sha224, SHA224, sha256)
DIGEST(sha256, SHA256, sha256)
DIGEST(sha384, SHA384, sha512)
DIGEST(sha512, SHA512, sha512)

#define OPS(name, len, block)	{ (len), (block), name##_init, name##_update, name##_final }

static const struct digest_ops digests[CRYPTO_HMAC_MAX] = {
#ifndef OPENSSL_NO_MD5
	[CRYPTO_HMAC_MD5] = OPS(md5, 16, 64),
#endif
	[CRYPTO_HMAC_SHA1] = OPS(sha1, 20, 64),
	[CRYPTO_HMAC_SHA224] = OPS(sha224, 28, 64),
	[CRYPTO_HMAC_SHA256] = OPS(sha256, 32, 64),
	[CRYPTO_HMAC_SHA384] = OPS(sha384, 48, 128),
	[CRYPTO_HMAC_SHA512] = OPS(sha512, 64, 128),
};

struct crypto_hmac {
	const struct digest_ops	*ops;
	union digest		 inner, outer;	/* begun with the padded secret */
	union digest		 now;
};

size_t
crypto_hmac_len(enum crypto_hmac_alg alg)
{
	return digests[alg].len;
}

/* The secret as one block: a longer one is hashed, a shorter one padded. */
static void
secret_block(const struct digest_ops *ops, struct sv secret, uint8_t block[static BLOCK_MAX])
{
	union digest d;

	memset(block, 0, BLOCK_MAX);
	if (secret.n <= ops->block) {
		if (secret.n > 0)
			memcpy(block, secret.p, secret.n);
		return;
	}
	ops->init(&d);
	ops->update(&d, secret.p, secret.n);
	ops->final(&d, block);
	crypto_wipe(&d, sizeof(d));
}

static void
digest_begin(const struct digest_ops *ops, union digest *d, uint8_t *block, uint8_t pad)
{
	for (size_t i = 0; i < ops->block; i++)
		block[i] ^= pad;
	ops->init(d);
	ops->update(d, block, ops->block);
	for (size_t i = 0; i < ops->block; i++)
		block[i] ^= pad;
}

struct crypto_hmac *
crypto_hmac_new(enum crypto_hmac_alg alg, struct sv secret)
{
	const struct digest_ops *ops = &digests[alg];
	struct crypto_hmac *h;
	uint8_t block[BLOCK_MAX];

	if (ops->len == 0 || (h = calloc(1, sizeof(*h))) == NULL)
		return NULL;
	h->ops = ops;
	secret_block(ops, secret, block);
	digest_begin(ops, &h->inner, block, 0x36);
	digest_begin(ops, &h->outer, block, 0x5c);
	h->now = h->inner;
	crypto_wipe(block, sizeof(block));
	return h;
}

void
crypto_hmac_update(struct crypto_hmac *h, const void *p, size_t n)
{
	if (n > 0)
		h->ops->update(&h->now, p, n);
}

void
crypto_hmac_final(struct crypto_hmac *h, uint8_t ret[static CRYPTO_HMAC_LEN_MAX])
{
	uint8_t inner[CRYPTO_HMAC_LEN_MAX];

	h->ops->final(&h->now, inner);
	h->now = h->outer;
	h->ops->update(&h->now, inner, h->ops->len);
	h->ops->final(&h->now, ret);
	h->now = h->inner;
}

struct crypto_hmac *
crypto_hmac_free(struct crypto_hmac *h)
{
	if (h != NULL)
		crypto_wipe(h, sizeof(*h));
	free(h);
	return NULL;
}

bool
crypto_equal(const void *a, const void *b, size_t n)
{
	return n == 0 || CRYPTO_memcmp(a, b, n) == 0;
}

void
crypto_wipe(void *p, size_t n)
{
	OPENSSL_cleanse(p, n);
}
