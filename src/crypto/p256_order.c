/*
 * Modulo the order n of P-256, a prime just below 2^256, by Montgomery's
 * product with R = 2^256. Verification only: time may depend on the numbers.
 *
 * order_mul() goes column by column through a*b + m*n, where word k of m is
 * chosen when column k is reached, so that its lowest word becomes 0: m[k] =
 * c * (-1/n) mod 2^64. A column sums at most eight products and what came from
 * the one before it, below 9 * 2^128: three words hold it. The result is
 * (a*b + m*n) / R with m < R. With a < n and b < R that is below
 * (n*R + R*n) / R = 2n, and one subtraction makes it canonical.
 */
#include "crypto/p256_order.h"

#include <string.h>

#include "crypto/p256_invert.h"
#include "crypto/p256_words.h"

const uint64_t p256_order[P256_WORDS] = { 0xf3b9cac2fc632551, 0xbce6faada7179e84,
    0xffffffffffffffff, 0xffffffff00000000 };
#define ORDER_INV	0xccd1c8aaee00bc4f	/* -1/n modulo 2^64 */

bool
order_fits(const uint64_t a[static P256_WORDS])
{
	return !words_are_zero(a) && words_below(a, p256_order);
}

/* Three words that sum a column. */
struct column {
	uint64_t	c0, c1, c2;
};

static inline void
column_add(struct column *c, uint64_t a, uint64_t b)
{
	word_mac(&c->c0, &c->c1, &c->c2, a, b);
}

/* The finished word; the next column begins with the rest. */
static inline uint64_t
column_next(struct column *c)
{
	uint64_t word = c->c0;

	*c = (struct column){ c->c1, c->c2, 0 };
	return word;
}

void
order_mul(uint64_t r[static P256_WORDS], const uint64_t a[static P256_WORDS],
    const uint64_t b[static P256_WORDS])
{
	uint64_t m[P256_WORDS], t[P256_WORDS];
	struct column c = { 0 };

#pragma GCC unroll 4
	for (int k = 0; k < P256_WORDS; k++) {
#pragma GCC unroll 4
		for (int j = 0; j < k; j++) {
			column_add(&c, a[j], b[k - j]);
			column_add(&c, m[j], p256_order[k - j]);
		}
		column_add(&c, a[k], b[0]);
		m[k] = c.c0 * ORDER_INV;
		column_add(&c, m[k], p256_order[0]);
		(void)column_next(&c);
	}
#pragma GCC unroll 4
	for (int k = 0; k < P256_WORDS; k++) {
#pragma GCC unroll 4
		for (int j = k + 1; j < P256_WORDS; j++) {
			column_add(&c, a[j], b[P256_WORDS + k - j]);
			column_add(&c, m[j], p256_order[P256_WORDS + k - j]);
		}
		t[k] = column_next(&c);
	}
	words_reduce(r, t, c.c0, p256_order);
}

#ifdef P256_WIDE

/* R^2 mod n */
static const uint64_t order_rr[P256_WORDS] = { 0x83244c95be79eea2, 0x4699799c49bd6fa6,
    0x2845b2392b6bec59, 0x66e12d94f3d95620 };

/* R / a, by division steps. */
static void
order_inv(uint64_t r[static P256_WORDS], const uint64_t a[static P256_WORDS])
{
	words_invert(r, a, p256_order, ORDER_INV);
	order_mul(r, r, order_rr);
}

#else

/*
 * R / a as a power, by four bits of the exponent n - 2 at once. With products that divide by
 * R, it comes to a^(n-2) / R^(n-3) = R^2 / a, as a^(n-1) = R^(n-1) = 1; one more product, by 1,
 * takes the other R away.
 */
static void
order_inv(uint64_t r[static P256_WORDS], const uint64_t a[static P256_WORDS])
{
	const uint64_t one[P256_WORDS] = { 1 };
	uint64_t e[P256_WORDS], power[16][P256_WORDS];

	memcpy(e, p256_order, sizeof(e));
	e[0] -= 2;
	memcpy(power[1], a, sizeof(power[1]));
	for (int i = 2; i < 16; i++)
		order_mul(power[i], power[i - 1], a);
	memcpy(r, power[15], sizeof(power[15]));	/* the exponent's highest four bits */
	for (int bit = 248; bit >= 0; bit -= 4) {
		unsigned digit = e[bit / 64] >> (bit % 64) & 15;

		for (int i = 0; i < 4; i++)
			order_mul(r, r, r);
		if (digit != 0)
			order_mul(r, r, power[digit]);
	}
	order_mul(r, r, one);
}

#endif

/*
 * One inversion for all (Montgomery's trick). The products divide by R, so
 * room[i] is that of a[0] to a[i] divided by R^i, and R over that, "all", is
 * R over a[i] when it has been multiplied by room[i-1] in the same way, as it
 * has to be. Multiplied by a[i] it goes back by one.
 */
void
order_invert(uint64_t (*a)[P256_WORDS], uint64_t (*room)[P256_WORDS], size_t n)
{
	uint64_t all[P256_WORDS], rest[P256_WORDS];

	memcpy(room[0], a[0], sizeof(room[0]));
	for (size_t i = 1; i < n; i++)
		order_mul(room[i], room[i - 1], a[i]);
	order_inv(all, room[n - 1]);
	for (size_t i = n - 1; i > 0; i--) {
		order_mul(rest, all, a[i]);
		order_mul(a[i], all, room[i - 1]);
		memcpy(all, rest, sizeof(all));
	}
	memcpy(a[0], all, sizeof(all));
}
