/*
 * The inverse of one number modulo an odd prime of 256 bits, by the division
 * steps of Bernstein and Yang ("Fast constant-time gcd computation and modular
 * inversion", 2019), here in variable time. Verification only. It takes a
 * quarter of the time of raising to the power p - 2, and serves where few
 * signatures share it.
 *
 * THE STEPS. f is odd, g any number, delta = 1 at first. One step is
 *	delta > 0 and g odd:	delta, f, g = 1 - delta, g, (g - f) / 2
 *	g odd:			delta, f, g = 1 + delta, f, (g + f) / 2
 *	else:			delta, f, g = 1 + delta, f, g / 2
 * and after enough of them (their theorem 11.2: at most 741 for 256 bits)
 * g is 0 and f is plus or minus the greatest common divisor of the first two.
 *
 * Which steps are taken depends on the low bits alone. So invert_steps() takes
 * 62 at a time from the low words and says what they do to the whole numbers:
 *	2^62 f' = u f + v g		2^62 g' = q f + r g
 * Each step at most doubles the larger of |u| + |v| and |q| + |r|, which begin
 * at 1: neither is above 2^62, nor is any of the four.
 *
 * THE INVERSE. We begin with f = M, g = a, d = 0, e = 1, and keep
 *	d a = f,  e a = g	(mod M)
 * by doing to d and e what is done to f and g, modulo M. At the end f is 1 or
 * -1, and d or -d is 1/a. To divide u d + v e by 2^62, k M is added before
 * with the k, -2^61 <= k < 2^61, that makes the low 62 bits zero. That adds at
 * most M / 2 to what was the larger of |d| and |e|, and there are 12 rounds at
 * most (741 / 62): |d|, |e| < 7 M < 2^259 always.
 *
 * NUMBERS are five limbs of 62 bits; the highest has the sign, the others are
 * not negative. f and g never grow (|u| + |v| <= 2^62), so 310 bits are room
 * enough for all. A limb of u f + v g, with the carry, is below 2^62 2^62 +
 * 2^63 in size, and with k M below 2^125: 128 bits hold it.
 *
 * With a = 0 the first round finds g = 0 and d = 0: the answer is 0.
 */
#ifndef CRYPTO_P256_INVERT_H
#define CRYPTO_P256_INVERT_H

#ifdef __SIZEOF_INT128__
#include <stdbool.h>
#include <stdint.h>

#define INVERT_BITS	62
#define INVERT_LIMBS	5
#define INVERT_MASK	((UINT64_C(1) << INVERT_BITS) - 1)

__extension__ typedef __int128 invert_wide;

struct invert_num {
	int64_t	l[INVERT_LIMBS];
};

/* What 62 steps do. */
struct invert_matrix {
	int64_t	u, v, q, r;
};

static inline struct invert_num
invert_split(const uint64_t w[static 4])
{
	return (struct invert_num){ {
		(int64_t)(w[0] & INVERT_MASK),
		(int64_t)((w[0] >> 62 | w[1] << 2) & INVERT_MASK),
		(int64_t)((w[1] >> 60 | w[2] << 4) & INVERT_MASK),
		(int64_t)((w[2] >> 58 | w[3] << 6) & INVERT_MASK),
		(int64_t)(w[3] >> 56),
	} };
}

/* Of a number that is not negative and below 2^256. */
static inline void
invert_join(uint64_t w[static 4], const struct invert_num *a)
{
	for (int i = 0; i < 4; i++)
		w[i] = (uint64_t)a->l[i] >> 2 * i | (uint64_t)a->l[i + 1] << (62 - 2 * i);
}

/*
 * All of the zeros below g's lowest one are halvings; where g is odd, and f and g have changed
 * places if they must, f is added to it as often as makes the next n bits zero: the n steps to
 * come do not change places again while delta is not above 0. (Numbers modulo 2^64: what is
 * negative wraps. f f = 1 mod 8, so f (2 - f f) is 1/f mod 64.)
 */
static inline int64_t
invert_steps(int64_t delta, uint64_t f, uint64_t g, struct invert_matrix *ret)
{
	uint64_t u = 1, v = 0, q = 0, r = 1, t, w;
	int left = INVERT_BITS, n;

	for (;;) {
		n = __builtin_ctzll(g | UINT64_C(1) << left);
		g >>= n;
		u <<= n;
		v <<= n;
		delta += n;
		left -= n;
		if (left == 0)
			break;
		if (delta > 0) {
			delta = -delta;
			t = f, f = g, g = 0 - t;
			t = u, u = q, q = 0 - t;
			t = v, v = r, r = 0 - t;
		}
		n = left < 6 ? left : 6;
		n = 1 - delta < n ? (int)(1 - delta) : n;
		w = g * f * (f * f - 2) & ((UINT64_C(1) << n) - 1);
		g += w * f;
		q += w * u;
		r += w * v;
	}
	*ret = (struct invert_matrix){ (int64_t)u, (int64_t)v, (int64_t)q, (int64_t)r };
	return delta;
}

/* (s a + t b + k m) / 2^62, which must be whole. */
static inline struct invert_num
invert_combine(int64_t s, const struct invert_num *a, int64_t t, const struct invert_num *b,
    int64_t k, const struct invert_num *m)
{
	struct invert_num ret;
	invert_wide sum = 0;

	for (int i = 0; i < INVERT_LIMBS; i++) {
		sum += (invert_wide)s * a->l[i] + (invert_wide)t * b->l[i] +
		    (invert_wide)k * m->l[i];
		if (i > 0)
			ret.l[i - 1] = (int64_t)((uint64_t)sum & INVERT_MASK);
		sum >>= INVERT_BITS;
	}
	ret.l[INVERT_LIMBS - 1] = (int64_t)sum;
	return ret;
}

/* The k that makes s a + t b + k M end in 62 zeros; minus_1_m is -1/M mod 2^64. */
static inline int64_t
invert_k(int64_t s, const struct invert_num *a, int64_t t, const struct invert_num *b,
    uint64_t minus_1_m)
{
	uint64_t low = (uint64_t)s * (uint64_t)a->l[0] + (uint64_t)t * (uint64_t)b->l[0];

	return (int64_t)(low * minus_1_m << 2) >> 2;
}

static inline bool
invert_is_0(const struct invert_num *a)
{
	return (a->l[0] | a->l[1] | a->l[2] | a->l[3] | a->l[4]) == 0;
}

/* d += k m, carried. */
static inline void
invert_add(struct invert_num *d, int64_t k, const struct invert_num *m)
{
	int64_t sum = 0;

	for (int i = 0; i < INVERT_LIMBS - 1; i++) {
		sum += d->l[i] + k * m->l[i];
		d->l[i] = (int64_t)((uint64_t)sum & INVERT_MASK);
		sum >>= INVERT_BITS;
	}
	d->l[INVERT_LIMBS - 1] += k * m->l[INVERT_LIMBS - 1] + sum;
}

/* d or -d, whatever is asked, of -7 m < d < 7 m, modulo m. */
static inline void
invert_reduce(struct invert_num *d, bool negate, const struct invert_num *m)
{
	struct invert_num zero = { { 0 } };

	if (negate) {
		invert_add(&zero, -1, d);
		*d = zero;
	}
	while (d->l[INVERT_LIMBS - 1] >= 0)
		invert_add(d, -1, m);
	while (d->l[INVERT_LIMBS - 1] < 0)
		invert_add(d, 1, m);
}

/* r = 1/a mod m, or 0 if a is 0. minus_1_m is -1/m mod 2^64. a: below 2^256, not m itself. */
static inline void
words_invert(uint64_t r[static 4], const uint64_t a[static 4], const uint64_t m[static 4],
    uint64_t minus_1_m)
{
	const struct invert_num mod = invert_split(m), zero = { { 0 } };
	struct invert_num f = mod, g = invert_split(a), d = zero, e = { { 1 } }, t;
	struct invert_matrix s;
	int64_t delta = 1;

	do {
		delta = invert_steps(delta, (uint64_t)f.l[0], (uint64_t)g.l[0], &s);
		t = invert_combine(s.u, &f, s.v, &g, 0, &zero);
		g = invert_combine(s.q, &f, s.r, &g, 0, &zero);
		f = t;
		t = invert_combine(s.u, &d, s.v, &e, invert_k(s.u, &d, s.v, &e, minus_1_m), &mod);
		e = invert_combine(s.q, &d, s.r, &e, invert_k(s.q, &d, s.r, &e, minus_1_m), &mod);
		d = t;
	} while (!invert_is_0(&g));
	invert_reduce(&d, f.l[INVERT_LIMBS - 1] < 0, &mod);
	invert_join(r, &d);
}

#endif
#endif
