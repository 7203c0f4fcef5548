/*
 * OpenSSL's compression functions as kernels of one lane: for processors
 * without anything better, and for the last messages of the wide ones. They
 * choose among OpenSSL's own ways (the SHA extensions, AVX2 …).
 */
#define OPENSSL_SUPPRESS_DEPRECATED
#include <openssl/sha.h>

#include "crypto/sha_kernel.h"

static void
sha256_blocks(uint32_t *state, const uint8_t *const *block, size_t n)
{
	SHA256_CTX ctx;

	memcpy(ctx.h, state, sizeof(ctx.h));
	for (size_t i = 0; i < n; i++)
		SHA256_Transform(&ctx, block[0] + i * SHA_BLOCK);
	memcpy(state, ctx.h, sizeof(ctx.h));
}

static void
sha1_load(SHA_CTX *ctx, const uint32_t s[static SHA1_STATE])
{
	ctx->h0 = s[0];
	ctx->h1 = s[1];
	ctx->h2 = s[2];
	ctx->h3 = s[3];
	ctx->h4 = s[4];
}

static void
sha1_store(uint32_t s[static SHA1_STATE], const SHA_CTX *ctx)
{
	s[0] = ctx->h0;
	s[1] = ctx->h1;
	s[2] = ctx->h2;
	s[3] = ctx->h3;
	s[4] = ctx->h4;
}

static void
sha1_blocks(uint32_t *state, const uint8_t *const *block, size_t n)
{
	SHA_CTX ctx;

	sha1_load(&ctx, state);
	for (size_t i = 0; i < n; i++)
		SHA1_Transform(&ctx, block[0] + i * SHA_BLOCK);
	sha1_store(state, &ctx);
}

static void
words_write(uint8_t *to, const uint32_t *w, size_t n)
{
	struct wr wr = wr_mem(to, n * 4);

	for (size_t i = 0; i < n; i++)
		wr_be32(&wr, w[i]);
}

static void
sha1_one_again(uint32_t *state, const uint32_t salt[static SHA_SALT_WORDS], unsigned times)
{
	uint8_t block[SHA_BLOCK];
	SHA_CTX ctx;

	words_write(block + SHA1_LEN, salt, SHA_SALT_WORDS);
	for (; times > 0; times--) {
		words_write(block, state, SHA1_STATE);
		sha1_load(&ctx, sha1_init);
		SHA1_Transform(&ctx, block);
		sha1_store(state, &ctx);
	}
}

const struct sha_kernel sha1_one = {
	.lanes = 1, .blocks = sha1_blocks, .again = sha1_one_again,
};

const struct sha_kernel sha256_one = {
	.lanes = 1, .blocks = sha256_blocks,
};
