/*
 * SHA-1 and SHA-256 in lanes: word w of all messages in one vector, and the
 * rounds of FIPS 180-4 as they stand there, on vectors. A template, for one
 * inclusion in a file:
 *
 *	LANES		8 or 16: 32-bit words of a vector
 *	TARGET		what the functions are compiled for, an attribute
 *	WITH_SHA256	SHA-256 as well
 *
 * gcc's and clang's vector extensions are all it takes: they find the rotate
 * and three-operand instructions of AVX-512 by themselves. All arithmetic is
 * modulo 2^32 on unsigned words, so there is nothing to overflow.
 */
#ifndef CRYPTO_SHA_VEC_H
#define CRYPTO_SHA_VEC_H

#if defined(__x86_64__)

#include <string.h>

#include "crypto/inline.h"
#include "crypto/sha_kernel.h"

#ifndef LANES			/* by itself: something that compiles */
#define LANES		8
#define TARGET		__attribute__((target("avx2")))
#endif

typedef uint32_t vec __attribute__((vector_size(4 * LANES)));

#define INLINE	CRYPTO_INLINE TARGET
#define UNROLL	_Pragma("GCC unroll 16")

INLINE vec
vec_rotl(vec x, int n)
{
	return x << n | x >> (32 - n);
}

INLINE vec
vec_of(uint32_t x)
{
	return (vec){ 0 } + x;
}

INLINE vec
vec_load(const uint8_t *p)
{
	vec v;

	memcpy(&v, p, sizeof(v));
	return v;
}

/* From big-endian: octets 0 and 2 are where a turn by 8 brings them, 1 and 3 one by 24. */
INLINE vec
vec_swap(vec x)
{
	vec m = vec_of(0x00ff00ff);

	return (vec_rotl(x, 8) & m) | (vec_rotl(x, 24) & ~m);
}

/*
 * Rows to columns. One step is a perfect shuffle: of 2^k rows of 2^k words,
 * row i and row i + 2^(k-1), interleaved, become rows 2i and 2i + 1. A word's
 * place is the k bits of its row and the k bits of its column; a step turns
 * these 2k bits by one. After k steps row and column have changed places.
 */
#if LANES == 16
#define ZIP_LOW(a, b)	__builtin_shufflevector(a, b,	\
	    0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23)
#define ZIP_HIGH(a, b)	__builtin_shufflevector(a, b,	\
	    8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31)
#define STEPS		4
#else
#define ZIP_LOW(a, b)	__builtin_shufflevector(a, b, 0, 8, 1, 9, 2, 10, 3, 11)
#define ZIP_HIGH(a, b)	__builtin_shufflevector(a, b, 4, 12, 5, 13, 6, 14, 7, 15)
#define STEPS		3
#endif

INLINE void
vec_transpose(vec v[static LANES])
{
	vec t[LANES];

	UNROLL
	for (int step = 0; step < STEPS; step++) {
		UNROLL
		for (int i = 0; i < LANES / 2; i++) {
			t[2 * i] = ZIP_LOW(v[i], v[i + LANES / 2]);
			t[2 * i + 1] = ZIP_HIGH(v[i], v[i + LANES / 2]);
		}
		UNROLL
		for (int i = 0; i < LANES; i++)
			v[i] = t[i];
	}
}

/* Block at of each message: word i of all of them in w[i]. */
INLINE void
block_load(vec w[static SHA_WORDS], const uint8_t *const *block, size_t at)
{
	UNROLL
	for (int half = 0; half < SHA_WORDS; half += LANES) {
		UNROLL
		for (int i = 0; i < LANES; i++)
			w[half + i] = vec_load(block[i] + at * SHA_BLOCK + 4 * half);
		vec_transpose(w + half);
	}
	UNROLL
	for (int i = 0; i < SHA_WORDS; i++)
		w[i] = vec_swap(w[i]);
}

/* --- SHA-1 (section 6.1.2) --- */

struct sha1_vec {
	vec	a, b, c, d, e;
};

/* One round; f and k are those of its quarter. w[] holds the last 16 words of the schedule. */
INLINE void
sha1_round(struct sha1_vec *s, vec w[static SHA_WORDS], int t, vec f, uint32_t k)
{
	vec x;

	if (t >= SHA_WORDS)
		w[t & 15] = vec_rotl(w[(t - 3) & 15] ^ w[(t - 8) & 15] ^ w[(t - 14) & 15] ^
		    w[t & 15], 1);
	x = vec_rotl(s->a, 5) + f + s->e + w[t & 15] + k;
	s->e = s->d;
	s->d = s->c;
	s->c = vec_rotl(s->b, 30);
	s->b = s->a;
	s->a = x;
}

INLINE void
sha1_rounds(vec h[static SHA1_STATE], vec w[static SHA_WORDS])
{
	struct sha1_vec s = { h[0], h[1], h[2], h[3], h[4] };

	_Pragma("GCC unroll 20")
	for (int t = 0; t < 20; t++)
		sha1_round(&s, w, t, s.d ^ (s.b & (s.c ^ s.d)), 0x5a827999);
	_Pragma("GCC unroll 20")
	for (int t = 20; t < 40; t++)
		sha1_round(&s, w, t, s.b ^ s.c ^ s.d, 0x6ed9eba1);
	_Pragma("GCC unroll 20")
	for (int t = 40; t < 60; t++)
		sha1_round(&s, w, t, (s.b & s.c) | (s.d & (s.b | s.c)), 0x8f1bbcdc);
	_Pragma("GCC unroll 20")
	for (int t = 60; t < 80; t++)
		sha1_round(&s, w, t, s.b ^ s.c ^ s.d, 0xca62c1d6);
	h[0] += s.a;
	h[1] += s.b;
	h[2] += s.c;
	h[3] += s.d;
	h[4] += s.e;
}

static TARGET void
sha1_blocks(uint32_t *state, const uint8_t *const *block, size_t n)
{
	vec h[SHA1_STATE], w[SHA_WORDS];

	memcpy(h, state, sizeof(h));
	for (size_t i = 0; i < n; i++) {
		block_load(w, block, i);
		sha1_rounds(h, w);
	}
	memcpy(state, h, sizeof(h));
}

/* The digest is words already, and each in its vector: nothing is loaded or turned. */
static TARGET void
sha1_vec_again(uint32_t *state, const uint32_t salt[static SHA_SALT_WORDS], unsigned times)
{
	vec h[SHA1_STATE], w[SHA_WORDS];

	memcpy(h, state, sizeof(h));
	for (; times > 0; times--) {
		for (int i = 0; i < SHA1_STATE; i++) {
			w[i] = h[i];
			h[i] = vec_of(sha1_init[i]);
		}
		for (int i = 0; i < SHA_SALT_WORDS; i++)
			w[SHA1_STATE + i] = vec_of(salt[i]);
		sha1_rounds(h, w);
	}
	memcpy(state, h, sizeof(h));
}

#ifdef WITH_SHA256

/* --- SHA-256 (section 6.2.2) --- */

struct sha256_vec {
	vec	a, b, c, d, e, f, g, h;
};

INLINE void
sha256_round(struct sha256_vec *s, vec w, uint32_t k)
{
	vec x = s->h + (vec_rotl(s->e, 26) ^ vec_rotl(s->e, 21) ^ vec_rotl(s->e, 7)) +
	    (s->g ^ (s->e & (s->f ^ s->g))) + w + k;
	vec y = (vec_rotl(s->a, 30) ^ vec_rotl(s->a, 19) ^ vec_rotl(s->a, 10)) +
	    ((s->a & s->b) | (s->c & (s->a | s->b)));

	*s = (struct sha256_vec){ x + y, s->a, s->b, s->c, s->d + x, s->e, s->f, s->g };
}

/* The next word of the schedule, in place of the one 16 before. */
INLINE void
sha256_word(vec w[static SHA_WORDS], int t)
{
	vec x = w[(t + 1) & 15], y = w[(t + 14) & 15];

	w[t] += (vec_rotl(x, 25) ^ vec_rotl(x, 14) ^ x >> 3) + w[(t + 9) & 15] +
	    (vec_rotl(y, 15) ^ vec_rotl(y, 13) ^ y >> 10);
}

INLINE void
sha256_rounds(vec h[static SHA256_STATE], vec w[static SHA_WORDS])
{
	struct sha256_vec s = { h[0], h[1], h[2], h[3], h[4], h[5], h[6], h[7] };

	for (int r = 0; r < 64; r += SHA_WORDS) {
		UNROLL
		for (int t = 0; r > 0 && t < SHA_WORDS; t++)
			sha256_word(w, t);
		UNROLL
		for (int t = 0; t < SHA_WORDS; t++)
			sha256_round(&s, w[t], sha256_k[r + t]);
	}
	h[0] += s.a;
	h[1] += s.b;
	h[2] += s.c;
	h[3] += s.d;
	h[4] += s.e;
	h[5] += s.f;
	h[6] += s.g;
	h[7] += s.h;
}

static TARGET void
sha256_blocks(uint32_t *state, const uint8_t *const *block, size_t n)
{
	vec h[SHA256_STATE], w[SHA_WORDS];

	memcpy(h, state, sizeof(h));
	for (size_t i = 0; i < n; i++) {
		block_load(w, block, i);
		sha256_rounds(h, w);
	}
	memcpy(state, h, sizeof(h));
}

#endif

#endif

#endif
