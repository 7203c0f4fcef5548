/*
 * The field of P-256 in 64-bit words, one number at a time: the contract of
 * p256_sum.h for one lane. Verification only: time depends on the numbers
 * nowhere that was looked for, but nothing here promises that.
 *
 * A number a is kept as aR mod p with R = 2^256 (Montgomery form), in four
 * words, always canonical, 0 <= aR < p; "loose" and "tight" are the same here.
 *
 * THE PRODUCT. p = 2^256 - 2^224 + 2^192 + 2^96 - 1 ends in 64 ones, so that
 * -1/p = 1 modulo 2^64: to clear the lowest word m of a number t, m*p is
 * added. Written out,
 *
 *	t + m*p = (t - m) + m*2^96 + m*(2^64 - 2^32 + 1)*2^192
 *
 * because 2^256 - 2^224 + 2^192 = (2^64 - 2^32 + 1) * 2^192. The lowest word
 * is gone without a carry; m*2^96 goes into the next two words in two shifted
 * halves, and one multiplication gives what comes into the third and above
 * it. Divided by 2^64, this is word_fold().
 *
 * fe_mul() makes the whole product T = a*b, at most (p-1)^2, column by column.
 * A column sums at most four products and a carry: below 4 * 2^128 + 2^66,
 * so that three words hold it. Then T = H*R + L, and four folds turn L alone
 * into (L + M*p)/R for some M < R: an integer of at most (R-1 + (R-1)*p)/R,
 * that is, at most p. Before that, the fold of a t < 2^256 gives at most
 * (2^256 + 2^64 * p) / 2^64 < 2^192 + p < 2^256: four words hold each of them,
 * and the high word of the fold takes its last carry without overflow.
 * H <= (p-1)^2 / R < p-1. The sum is thus at most 2p-2, and one subtraction of
 * p, where it is not below p, makes it canonical.
 *
 * fe_sqr() is the same with T from six products doubled and four squares.
 */
#ifndef CRYPTO_P256_FIELD_H
#define CRYPTO_P256_FIELD_H

#include <string.h>

#include "crypto/p256_way.h"
#include "crypto/p256_words.h"

#define FE_LANES	1
#define FE_TARGET
#define SUM_COLUMNS	64	/* 200 KiB of room; fewer share each inversion among fewer */

struct fe {
	uint64_t w[P256_WORDS];
};

#define FE_P3	0xffffffff00000001	/* the highest word of p */
static const struct fe fe_p = { { 0xffffffffffffffff, 0x00000000ffffffff, 0, FE_P3 } };
/* R and R^2 modulo p */
static const struct fe fe_one = { { 1, 0xffffffff00000000, 0xffffffffffffffff, 0xfffffffe } };
static const struct fe fe_rr = { { 3, 0xfffffffbffffffff, 0xfffffffffffffffe, 0x4fffffffd } };

/* (m + w1 * 2^64 + w2 * 2^128 + w3 * 2^192 + m*p) / 2^64; *m becomes its highest word. */
static inline void
word_fold(uint64_t *m, uint64_t *w1, uint64_t *w2, uint64_t *w3)
{
	uint64_t high, low = word_mul(*m, FE_P3, &high);

#ifdef P256_ASM
	__asm__("addq %4, %0\n\tadcq %5, %1\n\tadcq %6, %2\n\tadcq $0, %3"
	    : "+&r"(*w1), "+&r"(*w2), "+&r"(*w3), "+&r"(high)
	    : "r"(*m << 32), "r"(*m >> 32), "r"(low) : "cc");
	*m = high;
#else
	unsigned carry = word_add(w1, *m << 32, 0);

	carry = word_add(w2, *m >> 32, carry);
	*m = high + word_add(w3, low, carry);
#endif
}

/* t / R */
static inline void
fe_reduce(struct fe *r, uint64_t t[static 2 * P256_WORDS])
{
	word_fold(&t[0], &t[1], &t[2], &t[3]);
	word_fold(&t[1], &t[2], &t[3], &t[0]);
	word_fold(&t[2], &t[3], &t[0], &t[1]);
	word_fold(&t[3], &t[0], &t[1], &t[2]);
	words_reduce(r->w, t, words_add(t, t + P256_WORDS), fe_p.w);
}

static inline void
fe_mul(struct fe *r, const struct fe *fa, const struct fe *fb)
{
	const uint64_t *a = fa->w, *b = fb->w;
	uint64_t t[8] = { 0 };

	word_mac(&t[0], &t[1], &t[2], a[0], b[0]);

	word_mac(&t[1], &t[2], &t[3], a[0], b[1]);
	word_mac(&t[1], &t[2], &t[3], a[1], b[0]);

	word_mac(&t[2], &t[3], &t[4], a[0], b[2]);
	word_mac(&t[2], &t[3], &t[4], a[1], b[1]);
	word_mac(&t[2], &t[3], &t[4], a[2], b[0]);

	word_mac(&t[3], &t[4], &t[5], a[0], b[3]);
	word_mac(&t[3], &t[4], &t[5], a[1], b[2]);
	word_mac(&t[3], &t[4], &t[5], a[2], b[1]);
	word_mac(&t[3], &t[4], &t[5], a[3], b[0]);

	word_mac(&t[4], &t[5], &t[6], a[1], b[3]);
	word_mac(&t[4], &t[5], &t[6], a[2], b[2]);
	word_mac(&t[4], &t[5], &t[6], a[3], b[1]);

	word_mac(&t[5], &t[6], &t[7], a[2], b[3]);
	word_mac(&t[5], &t[6], &t[7], a[3], b[2]);

	word_mac2(&t[6], &t[7], a[3], b[3]);
	fe_reduce(r, t);
}

static inline void
fe_sqr(struct fe *r, const struct fe *fa)
{
	const uint64_t *a = fa->w;
	uint64_t t[8], o[8] = { 0 };

	word_mac2(&o[1], &o[2], a[0], a[1]);
	word_mac2(&o[2], &o[3], a[0], a[2]);
	word_mac(&o[3], &o[4], &o[5], a[0], a[3]);
	word_mac(&o[3], &o[4], &o[5], a[1], a[2]);
	word_mac2(&o[4], &o[5], a[1], a[3]);
	word_mac2(&o[5], &o[6], a[2], a[3]);
	words_add_with(o + 4, o + 4, words_add(o, o));

	t[0] = word_mul(a[0], a[0], &t[1]);
	t[2] = word_mul(a[1], a[1], &t[3]);
	t[4] = word_mul(a[2], a[2], &t[5]);
	t[6] = word_mul(a[3], a[3], &t[7]);
	words_add_with(t + 4, o + 4, words_add(t, o));
	fe_reduce(r, t);
}

static inline void
fe_mul2(struct fe *r0, const struct fe *a0, const struct fe *b0,
    struct fe *r1, const struct fe *a1, const struct fe *b1)
{
	fe_mul(r0, a0, b0);
	fe_mul(r1, a1, b1);
}

static inline void
fe_sqr2(struct fe *r0, const struct fe *a0, struct fe *r1, const struct fe *a1)
{
	fe_sqr(r0, a0);
	fe_sqr(r1, a1);
}

/* a - b, and p more if that borrowed. */
static inline void
fe_sub_tight(struct fe *r, const struct fe *a, const struct fe *b)
{
	uint64_t t[P256_WORDS] = { a->w[0], a->w[1], a->w[2], a->w[3] };
	uint64_t mask = words_sub(t, b->w);

	(void)words_add(t, (uint64_t[]){ mask, mask >> 32, 0, mask & FE_P3 });
	words_store(r->w, t);
}

static inline void
fe_add(struct fe *r, const struct fe *a, const struct fe *b)
{
	uint64_t t[P256_WORDS] = { a->w[0], a->w[1], a->w[2], a->w[3] };
	uint64_t top = words_add(t, b->w);

	words_reduce(r->w, t, top, fe_p.w);
}

static inline void
fe_sub(struct fe *r, const struct fe *a, const struct fe *b)
{
	fe_sub_tight(r, a, b);
}

static inline void
fe_sub2_tight(struct fe *r, const struct fe *a, const struct fe *b, const struct fe *c)
{
	struct fe t;

	fe_sub_tight(&t, a, b);
	fe_sub_tight(r, &t, c);
}

static inline unsigned
fe_zero(const struct fe *a)
{
	return words_are_zero(a->w);
}

static inline void
fe_one_where(struct fe *r, unsigned mask)
{
	if (mask != 0)
		*r = fe_one;
}

static inline void
fe_load(struct fe *r, const uint64_t plain[FE_LANES][P256_WORDS])
{
	const struct fe a = { { plain[0][0], plain[0][1], plain[0][2], plain[0][3] } };

	fe_mul(r, &a, &fe_rr);
}

static inline void
pt_load(struct fe *x, struct fe *y, const uint64_t *const row[FE_LANES], unsigned negate)
{
	const struct fe zero = { { 0 } };
	struct fe turned;
	uint64_t turn = 0 - (uint64_t)negate;

	memcpy(x->w, row[0], sizeof(x->w));
	memcpy(y->w, row[0] + P256_WORDS, sizeof(y->w));
	fe_sub_tight(&turned, &zero, y);
	for (int i = 0; i < P256_WORDS; i++)
		y->w[i] ^= (y->w[i] ^ turned.w[i]) & turn;
}

#endif
