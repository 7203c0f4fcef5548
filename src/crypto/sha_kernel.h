/*
 * SHA-1 and SHA-256 over several messages side by side: what the files sha_*
 * share. Inside crypto/ only.
 *
 * A *kernel* is the compression function of FIPS 180-4 section 6 for a fixed
 * number of messages, its lanes. It knows nothing of lengths and padding:
 * sha_many.c feeds it blocks, and puts the next message into a lane as soon
 * as the one before has ended.
 */
#ifndef CRYPTO_SHA_KERNEL_H
#define CRYPTO_SHA_KERNEL_H

#include "crypto/crypto.h"
#include "crypto/digest.h"

#define SHA_BLOCK	64		/* octets, of both */
#define SHA_WORDS	16		/* of 32 bits in a block */
#define SHA1_STATE	5		/* words */
#define SHA256_STATE	8
#define SHA_LANES_MAX	16
#define SHA_SALT_WORDS	(SHA_WORDS - SHA1_STATE)	/* of a block behind a SHA-1 */
#define SHA_STATE_MAX	(SHA256_STATE * SHA_LANES_MAX)

struct sha_kernel {
	unsigned	lanes;
	/* So many messages, or fewer, are faster one after the other. */
	unsigned	few;
	/*
	 * n blocks of each lane, one behind the other. Word w of lane i's state is
	 * state[w * lanes + i]; the state is aligned to 64 octets.
	 */
	void	(*blocks)(uint32_t *state, const uint8_t *const *block, size_t n);
	/*
	 * SHA-1 only: each state becomes the digest of one block, itself and then
	 * these words, as many times.
	 */
	void	(*again)(uint32_t *state, const uint32_t salt[static SHA_SALT_WORDS],
		    unsigned times);
};

/* The constants of FIPS 180-4 (sha_const.c). */
extern const uint32_t sha1_init[SHA1_STATE], sha256_init[SHA256_STATE];
extern const uint32_t sha256_k[64];

/* One lane: OpenSSL's (sha_one.c). */
extern const struct sha_kernel sha1_one, sha256_one;
#if defined(__x86_64__)
extern const struct sha_kernel sha1_avx2, sha256_avx2;		/* 8 lanes */
extern const struct sha_kernel sha1_avx512;			/* 16 */
extern const struct sha_kernel sha256_pair;			/* 2, by the SHA extensions */
#endif

/* Which one is best here, and allowed (crypto_path()). */
const struct sha_kernel *sha1_kernel(void);
const struct sha_kernel *sha256_kernel(void);

/* By a given kernel (of that digest). */
void	 sha1_many(const struct sha_kernel *, const struct crypto_msg *, size_t n);
void	 sha256_many(const struct sha_kernel *, const struct crypto_msg *, size_t n);
void	 sha1_again(const struct sha_kernel *, const struct crypto_msg *, size_t n, struct sv salt,
	    unsigned times);

#endif
