/*
 * x 2^2080 mod n by long division, as on paper: a digit of zero is brought
 * down, which makes the remainder r into r D (D = 2^48), and q n is taken away
 * for a digit q of the quotient; 43 times. The last 16 bits (2080 = 43 * 48 +
 * 16) need no division: the product that follows takes numbers far above n
 * (rsa_mont.h). A Montgomery product by 2^4160 mod n would do the same, for
 * more work and a constant that each modulus must be prepared for.
 *
 * TWO DIGITS of the quotient are found, p and q, before r is walked once for
 * both: q asks only for the two highest digits of what p leaves. 43 is odd, so
 * the first digit that is brought down is x's own lowest, which r begins
 * without. (It is far too low to matter for p and q, and added after them.)
 *
 * THE DIGITS have 48 bits while vpmadd52 multiplies 52: that leaves q 52 bits
 * rather than 48, so that it may be wrong by some units and r may stay some
 * times n. Of q m, with one factor 16 times as large,
 *	vpmadd52huq	floor(q 16 m / 2^52) = floor(q m / D)
 *	vpmadd52luq	q 16 m mod 2^52 = 16 (q m mod D)
 * which are both halves of a product in base D.
 *
 * SUBTRACTION is the addition of q m, m = D^43 - n, and taking q away at D^43:
 *	r D - q n = r D + q m - q D^43.
 * All digits but the highest only ever grow: in each step a digit is what its
 * lower neighbour was, and two halves of products, below D and below q. After
 * 44 steps it is below D + 44 (D + 5 D) < 2^57, for q < 5 D. They are not
 * carried before the end. What arises at D^43 (r's highest digit, the upper
 * half of q m, and -q) is brought back into the highest digit, times D; all of
 * that is exact modulo 2^64, and the highest digit is signed.
 *
 * THE HIGHEST DIGIT r[42] is then r less the others, over D^42: with
 * 0 <= r < 5 n < 2^2051, and all others below 2^57 D^42 / (D - 1), it lies
 * between -2^10 and 2^35.
 *
 * THE QUOTIENT. Let N = n[42] D + n[41] and S = r[42] D + r[41], the heads of n
 * and r in units of D^41: n / D^41 is at least N and below N + 1, N >= 2^79;
 * r / D^41 is at least S and below S + 2^10. So S D / N differs from the true
 * r D / n by less than 2^10 D / N <= 2^-21 below and, as r < 5 n, by less than
 * 5 D / N < 2^-28 above. In doubles N, D / N, S and their product are rounded
 * once each, which is 4.1 2^-53 of a number below 5 D < 2^51, at most 1.1;
 * that r[41] was rounded before (by at most 2^4) adds 2^-27. We take 2 away
 * and cut (negative ones to 0), so
 *	r D / n - 4.2 < q <= r D / n,  or q = 0 and r D / n < 3.2
 * and what remains is at least 0 and below 5 n. q < 5 D < 2^51. The first r is
 * x / D, and then x < 2^2048 < 2 n.
 *
 * Nothing here is secret.
 */
#include "crypto/rsa_lift.h"

#include "base/rd.h"

#if defined(__x86_64__)

#define DIGIT	((INT64_C(1) << RSA_DIGIT_BITS) - 1)
#define TOP	(RSA_DIGITS - 1)
#define DIVISIONS	((RSA_DIGITS + 1) / 2)	/* of two digits each */

struct divisor {
	__m512i	m16[RSA_DIGITS];	/* 16 (D^43 - n) */
	__m512d	inverse;		/* D / N */
};

/* a D + b */
RSA_INLINE __m512d
head(__m512i a, __m512i b)
{
	return _mm512_fmadd_pd(_mm512_cvtepi64_pd(a), _mm512_set1_pd(0x1p48),
	    _mm512_cvtepi64_pd(b));
}

/* n is odd, so its lowest digit lends nothing. */
RSA_TARGET static void
divisor_init(struct divisor *v, const struct rsa_digits *n)
{
	for (unsigned i = 0; i < RSA_DIGITS; i++) {
		const __m512i all = _mm512_set1_epi64(i == 0 ? DIGIT + 1 : DIGIT);

		v->m16[i] = _mm512_slli_epi64(_mm512_sub_epi64(all, n->d[i]), 4);
	}
	v->inverse = _mm512_div_pd(_mm512_set1_pd(0x1p48), head(n->d[TOP], n->d[TOP - 1]));
}

RSA_INLINE __m512i
quotient(__m512i top, __m512i next, const struct divisor *v)
{
	const __m512d q = _mm512_mul_pd(head(top, next), v->inverse);

	return _mm512_cvttpd_epi64(_mm512_max_pd(_mm512_sub_pd(q, _mm512_set1_pd(2)),
	    _mm512_setzero_pd()));
}

RSA_INLINE __m512i
lower(__m512i q, __m512i m16)
{
	return _mm512_srli_epi64(_mm512_madd52lo_epu64(_mm512_setzero_si512(), q, m16), 4);
}

/* Digit i of r D + q m; m is at i, r at i - 1. */
RSA_INLINE __m512i
digit(__m512i r, __m512i q, const __m512i *m16)
{
	return _mm512_add_epi64(lower(q, m16[0]), _mm512_madd52hi_epu64(r, q, m16[-1]));
}

/* The highest digit of r D - q n, of r's two highest. */
RSA_INLINE __m512i
digit_top(__m512i top, __m512i next, __m512i q, const struct divisor *v)
{
	const __m512i *m16 = v->m16 + TOP;
	__m512i above = _mm512_sub_epi64(_mm512_madd52hi_epu64(top, q, *m16), q);

	return _mm512_add_epi64(digit(next, q, m16), _mm512_slli_epi64(above, RSA_DIGIT_BITS));
}

/* Digit i of r D^2 + (p D + q) m; m is at i, r at i - 2. */
RSA_INLINE __m512i
digit_two(__m512i r, __m512i p, __m512i q, const __m512i *m16)
{
	__m512i low = _mm512_madd52lo_epu64(_mm512_setzero_si512(), p, m16[-1]);

	low = _mm512_madd52lo_epu64(low, q, m16[0]);
	r = _mm512_madd52hi_epu64(r, p, m16[-2]);
	r = _mm512_madd52hi_epu64(r, q, m16[-1]);
	return _mm512_add_epi64(r, _mm512_srli_epi64(low, 4));
}

/* r D^2 - (p D + q) n */
RSA_INLINE void
divide(struct rsa_digits *r, const struct divisor *v)
{
	const __m512i *m16 = v->m16;
	__m512i *d = r->d;
	const __m512i p = quotient(d[TOP], d[TOP - 1], v);
	const __m512i top = digit_top(d[TOP], d[TOP - 1], p, v);
	const __m512i next = digit(d[TOP - 2], p, m16 + TOP - 1);
	const __m512i q = quotient(top, next, v);

	d[TOP] = digit_top(top, next, q, v);
	for (unsigned i = TOP - 1; i > 1; i--)
		d[i] = digit_two(d[i - 2], p, q, m16 + i);
	d[1] = digit(lower(p, m16[0]), q, m16 + 1);
	d[0] = lower(q, m16[0]);
}

RSA_TARGET static void
carry(struct rsa_digits *r)
{
	for (unsigned i = 0; i < TOP; i++) {
		const __m512i up = _mm512_srli_epi64(r->d[i], RSA_DIGIT_BITS);

		r->d[i] = _mm512_and_si512(r->d[i], _mm512_set1_epi64(DIGIT));
		r->d[i + 1] = _mm512_add_epi64(r->d[i + 1], up);
	}
}

/*
 * Digit i ends 6 i octets before the number's end. Six octets are read as
 * eight that end there; the highest digit is the first four.
 */
void
rsa_digits_read(struct rsa_digits *ret, const uint8_t *const from[static RSA_LANES])
{
	uint64_t *d = (uint64_t *)ret->d;

	for (unsigned lane = 0; lane < RSA_LANES; lane++) {
		const uint8_t *p = from[lane];

		for (unsigned i = 0; i < TOP; i++)
			d[RSA_LANES * i + lane] = be64_at(p + RSA_LANE_LEN - 8 - 6 * i) & DIGIT;
		d[RSA_LANES * TOP + lane] = be64_at(p) >> 32;
	}
}

/* Limb i begins at bit 52 i - shift, within digit j at `bit`, and ends in digit j + 1. */
RSA_TARGET void
rsa_limbs_write(struct rsa_limbs *ret, const struct rsa_digits *d, unsigned shift)
{
	ret->l[0] = _mm512_and_si512(_mm512_set1_epi64(RSA_LIMB),
	    _mm512_or_si512(_mm512_slli_epi64(d->d[0], shift),
	    _mm512_slli_epi64(d->d[1], RSA_DIGIT_BITS + shift)));
	for (unsigned i = 1; i < RSA_LIMBS; i++) {
		const unsigned at = RSA_LIMB_BITS * i - shift;
		const unsigned j = at / RSA_DIGIT_BITS, bit = at % RSA_DIGIT_BITS;
		const __m512i high = j < TOP ? d->d[j + 1] : _mm512_setzero_si512();
		const __m512i l = _mm512_or_si512(_mm512_srli_epi64(d->d[j], bit),
		    _mm512_slli_epi64(high, RSA_DIGIT_BITS - bit));

		ret->l[i] = _mm512_and_si512(l, _mm512_set1_epi64(RSA_LIMB));
	}
}

/* x D mod n: the first two digits, of which x has one. */
RSA_TARGET static void
remainder_init(struct rsa_digits *r, const struct rsa_digits *x, const struct divisor *v)
{
	for (unsigned i = 0; i < TOP; i++)
		r->d[i] = x->d[i + 1];
	r->d[TOP] = _mm512_setzero_si512();
	divide(r, v);
	r->d[1] = _mm512_add_epi64(r->d[1], x->d[0]);
}

RSA_TARGET void
rsa_lift(struct rsa_limbs *ret, const struct rsa_digits *x, const struct rsa_digits *n)
{
	struct rsa_digits r;
	struct divisor v;

	divisor_init(&v, n);
	remainder_init(&r, x, &v);
	for (unsigned i = 1; i < DIVISIONS; i++)
		divide(&r, &v);
	carry(&r);
	rsa_limbs_write(ret, &r, RSA_LIMBS * RSA_LIMB_BITS - RSA_DIGITS * RSA_DIGIT_BITS);
}

#endif
