/*
 * Digests by the low-level calls: one call a message, no context object and
 * no provider look-up, which for a 1,200 byte object cost as much again as
 * the hash itself (measured 2026-11). Not SHA256() and SHA1(): since OpenSSL
 * 3.0 they fetch and allocate, and leave the result as it was without memory.
 */
#define OPENSSL_SUPPRESS_DEPRECATED
#include <openssl/sha.h>
#include <stdlib.h>

#include "crypto/crypto.h"
#include "crypto/dnskey.h"

struct crypto_sha256 {
	SHA256_CTX	ctx;
};

void
crypto_sha256(const void *p, size_t n, uint8_t ret[static SHA256_LEN])
{
	SHA256_CTX ctx;

	(void)SHA256_Init(&ctx);
	(void)SHA256_Update(&ctx, p, n);
	(void)SHA256_Final(ret, &ctx);
}

void
crypto_sha256_2(const void *a, size_t a_len, const void *b, size_t b_len,
    uint8_t ret[static SHA256_LEN])
{
	SHA256_CTX ctx;

	(void)SHA256_Init(&ctx);
	(void)SHA256_Update(&ctx, a, a_len);
	(void)SHA256_Update(&ctx, b, b_len);
	(void)SHA256_Final(ret, &ctx);
}

void
crypto_sha1(const void *p, size_t n, uint8_t ret[static SHA1_LEN])
{
	SHA_CTX ctx;

	(void)SHA1_Init(&ctx);
	(void)SHA1_Update(&ctx, p, n);
	(void)SHA1_Final(ret, &ctx);
}

void
crypto_sha384(const void *p, size_t n, uint8_t ret[static SHA384_LEN])
{
	SHA512_CTX ctx;

	(void)SHA384_Init(&ctx);
	(void)SHA384_Update(&ctx, p, n);
	(void)SHA384_Final(ret, &ctx);
}

void
crypto_sha512(const void *p, size_t n, uint8_t ret[static SHA512_LEN])
{
	SHA512_CTX ctx;

	(void)SHA512_Init(&ctx);
	(void)SHA512_Update(&ctx, p, n);
	(void)SHA512_Final(ret, &ctx);
}

struct crypto_sha256 *
crypto_sha256_new(void)
{
	struct crypto_sha256 *s = calloc(1, sizeof(*s));

	if (s != NULL)
		(void)SHA256_Init(&s->ctx);
	return s;
}

void
crypto_sha256_update(struct crypto_sha256 *s, const void *p, size_t n)
{
	(void)SHA256_Update(&s->ctx, p, n);
}

void
crypto_sha256_final(struct crypto_sha256 *s, uint8_t ret[static SHA256_LEN])
{
	(void)SHA256_Final(ret, &s->ctx);
	(void)SHA256_Init(&s->ctx);
}

void
crypto_sha256_copy(struct crypto_sha256 *to, const struct crypto_sha256 *from)
{
	to->ctx = from->ctx;
}

struct crypto_sha256 *
crypto_sha256_free(struct crypto_sha256 *s)
{
	free(s);
	return NULL;
}
