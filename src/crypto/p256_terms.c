/*
 * Scalars in windows of 8 bits without a digit of zero. Verification only.
 *
 * An odd k < 2^256 is the sum of 32 odd digits times powers of 256, each
 * digit from -255 to 255: with the octets v of V = (k-1)/2 + 2^255,
 *
 *	sum of (2v - 255) * 256^i = 2V - (2^256 - 1) = k
 *
 * as the sum of 255 * 256^i is 2^256 - 1. So no window is empty, and a sum
 * never starts at infinity. The table has the positive odd multiples 1, 3, …
 * 255: 2v - 255 is entry v - 128 for v >= 128, else the negative of entry
 * 127 - v. In octets, v - 128 = v & 127 and 127 - v = ~v & 127.
 *
 * For an even k all is done with order - k, which is odd, and negated. An
 * even k of 0 becomes the order: its sum is infinity, and is met as an
 * exception (p256_sum.h).
 */
#include "crypto/p256_terms.h"

#include <string.h>

#include "crypto/p256_order.h"
#include "crypto/p256_words.h"

static const uint64_t prime[P256_WORDS] = { 0xffffffffffffffff, 0x00000000ffffffff, 0,
    0xffffffff00000001 };

#define EACH_OCTET	0x0101010101010101
/* Times octets of 0 and 1: the lowest octet to bit 56, the next to bit 57, … (8i + 7(8-i) = 56 + i) */
#define GATHER_BITS	0x0102040810204080

/* k is odd. */
static void
digits_set(const uint64_t k[static P256_WORDS], uint8_t at[static P256_WINDOWS], uint32_t *negate)
{
	*negate = 0;
	for (unsigned i = 0; i < P256_WORDS; i++) {
		uint64_t above = i + 1 < P256_WORDS ? k[i + 1] << 63 : UINT64_C(1) << 63;
		uint64_t v = k[i] >> 1 | above, below = ~v >> 7 & EACH_OCTET;	/* octets under 128 */

		v = (v ^ below * 0xff) & 0x7f * EACH_OCTET;
		for (unsigned j = 0; j < 8; j++)
			at[8 * i + j] = (uint8_t)(v >> 8 * j);
		*negate |= (uint32_t)(below * GATHER_BITS >> 56) << 8 * i;
	}
}

static void
scalar_set(struct p256_terms *t, int side, const uint64_t u[static P256_WORDS])
{
	uint64_t k[P256_WORDS];

	memcpy(k, u[0] & 1 ? u : p256_order, sizeof(k));
	if ((u[0] & 1) == 0)
		(void)words_sub(k, u);
	digits_set(k, t->at[side], &t->negate[side]);
	if ((u[0] & 1) == 0)
		t->negate[side] = ~t->negate[side];
}

void
p256_terms_set(struct p256_terms *t, const struct p256_table *key,
    const uint64_t r[static P256_WORDS], const uint64_t u1[static P256_WORDS],
    const uint64_t u2[static P256_WORDS])
{
	t->key = key;
	memcpy(t->r[0], r, sizeof(t->r[0]));
	memcpy(t->r[1], r, sizeof(t->r[1]));
	t->two = words_add(t->r[1], p256_order) == 0 && words_below(t->r[1], prime);
	scalar_set(t, 0, u1);
	scalar_set(t, 1, u2);
}
