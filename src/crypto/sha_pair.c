/*
 * SHA-256 by the SHA extensions of x86, two messages at a time. Their
 * sha256rnds2 does two rounds, takes four cycles and can begin every second
 * one; alone, a message waits for itself half of the time.
 *
 * The instructions want the state as two vectors, from the lowest word up
 * F E B A and H G D C. A pair's state lies as A0 A1 B0 B1 | C0 C1 D0 D1 |
 * E0 E1 F0 F1 | G0 G1 H0 H1, from which one shuffle makes each.
 */
#if defined(__x86_64__)

#include <immintrin.h>

#include "crypto/inline.h"
#include "crypto/sha_kernel.h"

#define INLINE	CRYPTO_INLINE __attribute__((target("sha,sse4.1")))

struct message {
	__m128i	feba, hgdc;
	__m128i	w[4];		/* the last 16 words of the schedule, four each */
};

/* Words i and j of the lower, then of the higher half. */
#define PICK(low, high, i, j)	_mm_castps_si128(_mm_shuffle_ps(_mm_castsi128_ps(low),	\
	_mm_castsi128_ps(high), _MM_SHUFFLE(j, i, j, i)))

INLINE void
states_load(struct message m[static 2], const uint32_t *state)
{
	__m128i q[4];

	for (int i = 0; i < 4; i++)
		q[i] = _mm_load_si128((const __m128i *)(const void *)(state + 4 * i));
	m[0].feba = PICK(q[2], q[0], 2, 0);
	m[1].feba = PICK(q[2], q[0], 3, 1);
	m[0].hgdc = PICK(q[3], q[1], 2, 0);
	m[1].hgdc = PICK(q[3], q[1], 3, 1);
}

/* B0 B1 A0 A1, its halves exchanged. */
INLINE void
words_store(uint32_t *to, __m128i baba)
{
	_mm_store_si128((__m128i *)(void *)to, _mm_shuffle_epi32(baba, _MM_SHUFFLE(1, 0, 3, 2)));
}

INLINE void
states_store(uint32_t *state, const struct message m[static 2])
{
	words_store(state, _mm_unpackhi_epi32(m[0].feba, m[1].feba));
	words_store(state + 4, _mm_unpackhi_epi32(m[0].hgdc, m[1].hgdc));
	words_store(state + 8, _mm_unpacklo_epi32(m[0].feba, m[1].feba));
	words_store(state + 12, _mm_unpacklo_epi32(m[0].hgdc, m[1].hgdc));
}

INLINE void
block_load(struct message *m, const uint8_t *p)
{
	const __m128i swap = _mm_set_epi8(12, 13, 14, 15, 8, 9, 10, 11, 4, 5, 6, 7, 0, 1, 2, 3);

	for (int i = 0; i < 4; i++)
		m->w[i] = _mm_shuffle_epi8(
		    _mm_loadu_si128((const __m128i *)(const void *)(p + 16 * i)), swap);
}

/* Rounds 4*i to 4*i + 3. */
INLINE void
four_rounds(struct message *m, int i)
{
	__m128i k = _mm_load_si128((const __m128i *)(const void *)(sha256_k + 4 * i));
	__m128i wk = _mm_add_epi32(m->w[i & 3], k);

	m->hgdc = _mm_sha256rnds2_epu32(m->hgdc, m->feba, wk);
	wk = _mm_shuffle_epi32(wk, _MM_SHUFFLE(1, 0, 3, 2));	/* the other two rounds' */
	m->feba = _mm_sha256rnds2_epu32(m->feba, m->hgdc, wk);
}

/* The four words of the schedule that come 16 behind w[i & 3], in its place. */
INLINE void
four_words(struct message *m, int i)
{
	__m128i *w = m->w;
	__m128i x = _mm_sha256msg1_epu32(w[i & 3], w[(i + 1) & 3]);

	x = _mm_add_epi32(x, _mm_alignr_epi8(w[(i + 3) & 3], w[(i + 2) & 3], 4));
	w[i & 3] = _mm_sha256msg2_epu32(x, w[(i + 3) & 3]);
}

INLINE void
block_compress(struct message m[static 2])
{
	const struct message before[2] = { m[0], m[1] };

	_Pragma("GCC unroll 16")
	for (int i = 0; i < 16; i++) {
		four_rounds(&m[0], i);
		four_rounds(&m[1], i);
		if (i >= 12)
			continue;
		four_words(&m[0], i);
		four_words(&m[1], i);
	}
	for (int j = 0; j < 2; j++) {
		m[j].feba = _mm_add_epi32(m[j].feba, before[j].feba);
		m[j].hgdc = _mm_add_epi32(m[j].hgdc, before[j].hgdc);
	}
}

static __attribute__((target("sha,sse4.1"))) void
pair_blocks(uint32_t *state, const uint8_t *const *block, size_t n)
{
	struct message m[2];

	states_load(m, state);
	for (size_t i = 0; i < n; i++) {
		block_load(&m[0], block[0] + i * SHA_BLOCK);
		block_load(&m[1], block[1] + i * SHA_BLOCK);
		block_compress(m);
	}
	states_store(state, m);
}

const struct sha_kernel sha256_pair = {
	.lanes = 2, .few = 1, .blocks = pair_blocks,
};

#endif
