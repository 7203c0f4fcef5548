/*
 * The arithmetic under the RSA lanes against OpenSSL's big numbers: what each
 * step leaves, as a number and not only modulo n, with moduli and operands at
 * the ends of what is allowed, each of them in each lane.
 */
#include "../tap.h"

#if defined(__x86_64__)
#include <openssl/bn.h>
#include <openssl/err.h>
#include <stdlib.h>

#include "../../../src/crypto/rsa_lanes.c"
#include "../../../src/crypto/rsa_lift.c"
#include "../../../src/crypto/rsa_modulus.c"
#include "../../../src/crypto/rsa_mont.c"

#define BITS		(RSA_LIMBS * RSA_LIMB_BITS)
#define OCTETS		(BITS / 8)
#define ROUNDS		16		/* random moduli */
#define N_FIXED		11
#define N_MODULI	(N_FIXED + ROUNDS)
#define N_VALUES	20
#define N_QUOTIENTS	(25 + RSA_LIMBS + 8)

struct world {
	BN_CTX	*ctx;
	BIGNUM	*r;			/* R */
	BIGNUM	*n[N_MODULI];
};

static bool
can(void)
{
	if (!rsa_lanes_can())
		print_message("this processor has no AVX-512 IFMA\n");
	return rsa_lanes_can();
}

/* --- numbers --- */

static BIGNUM *
power(int bit)
{
	BIGNUM *v = BN_new();

	assert_int_equal(BN_set_bit(v, bit), 1);
	return v;
}

/* Limbs of `bits` bits, all ones where the mask has a one, turned every 16. */
static BIGNUM *
pattern(int bits, unsigned mask)
{
	BIGNUM *v = BN_new();

	for (int i = 0; i < 2048; i++)
		if (mask >> i / bits % 16 & 1)
			assert_int_equal(BN_set_bit(v, i), 1);
	assert_int_equal(BN_set_bit(v, 2047), 1);
	assert_int_equal(BN_set_bit(v, 0), 1);
	return v;
}

static void
world_init(struct world *w)
{
	size_t i = 0;

	*w = (struct world){ .ctx = BN_CTX_new(), .r = power(BITS) };
	w->n[i++] = pattern(64, 0);			/* 2^2047 + 1 */
	w->n[i++] = pattern(64, 0xffff);		/* 2^2048 - 1 */
	w->n[i++] = pattern(RSA_LIMB_BITS, 0x5555);
	w->n[i++] = pattern(RSA_LIMB_BITS, 0xaaaa);
	w->n[i++] = pattern(RSA_DIGIT_BITS, 0x5555);
	w->n[i++] = pattern(RSA_DIGIT_BITS, 0xaaaa);
	w->n[i++] = pattern(64, 0x5555);
	w->n[i++] = pattern(RSA_BLOCK * RSA_LIMB_BITS, 0x5555);
	w->n[i++] = pattern(RSA_BLOCK * RSA_LIMB_BITS, 0xaaaa);
	w->n[i++] = pattern(1, 0x1);
	w->n[i] = pattern(64, 0xffff);
	assert_int_equal(BN_sub_word(w->n[i++], 2), 1);	/* 2^2048 - 3 */
	assert_int_equal(i, N_FIXED);
	for (; i < N_MODULI; i++) {
		w->n[i] = BN_new();
		assert_int_equal(BN_rand(w->n[i], 2048, BN_RAND_TOP_ONE, BN_RAND_BOTTOM_ODD), 1);
	}
}

static void
world_done(struct world *w)
{
	for (size_t i = 0; i < N_MODULI; i++)
		BN_free(w->n[i]);
	BN_free(w->r);
	BN_CTX_free(w->ctx);
}

/* --- lanes in and out --- */

static void
lane_set(struct rsa_limbs *x, unsigned lane, const BIGNUM *v)
{
	uint8_t le[OCTETS + 8] = { 0 };

	assert_int_equal(BN_bn2lebinpad(v, le, OCTETS), OCTETS);
	for (unsigned i = 0; i < RSA_LIMBS; i++) {
		uint64_t w;

		memcpy(&w, le + RSA_LIMB_BITS * i / 8, 8);
		((uint64_t *)&x->l[i])[lane] = w >> RSA_LIMB_BITS * i % 8 & RSA_LIMB;
	}
}

/* The sum of n words of a lane, each 2^bits of the one before; the highest is signed. */
static BIGNUM *
words_get(const __m512i *x, unsigned n, unsigned lane, int bits)
{
	const int64_t top = ((const int64_t *)&x[n - 1])[lane];
	BIGNUM *v = BN_new();

	assert_int_equal(BN_set_word(v, (BN_ULONG)llabs(top)), 1);
	BN_set_negative(v, top < 0);
	for (unsigned i = n - 1; i-- > 0;) {
		assert_int_equal(BN_lshift(v, v, bits), 1);
		assert_int_equal(BN_add_word(v, ((const uint64_t *)&x[i])[lane]), 1);
	}
	return v;
}

/* And its limbs are limbs. */
static BIGNUM *
lane_get(const struct rsa_limbs *x, unsigned lane)
{
	for (unsigned i = 0; i < RSA_LIMBS; i++)
		assert_true(((const uint64_t *)&x->l[i])[lane] <= RSA_LIMB);
	return words_get(x->l, RSA_LIMBS, lane, RSA_LIMB_BITS);
}

static void
lane_is(const struct rsa_limbs *x, unsigned lane, const BIGNUM *want)
{
	BIGNUM *v = lane_get(x, lane);

	assert_int_equal(BN_cmp(v, want), 0);
	BN_free(v);
}

/* Numbers below 2^2048, or n, as octets and as digits. */
static void
digits_set(struct rsa_digits *d, BIGNUM *const v[static RSA_LANES])
{
	uint8_t b[RSA_LANES][RSA_LANE_LEN];
	const uint8_t *p[RSA_LANES];

	for (unsigned i = 0; i < RSA_LANES; i++) {
		assert_int_equal(BN_bn2binpad(v[i], b[i], RSA_LANE_LEN), RSA_LANE_LEN);
		p[i] = b[i];
	}
	rsa_digits_read(d, p);
}

/* --- Montgomery's product --- */

/* (a b + q n) / R with q = - a b / n mod R: what the lanes must leave, exactly. */
static BIGNUM *
product_of(struct world *w, const BIGNUM *a, const BIGNUM *b, const BIGNUM *n)
{
	BIGNUM *t = BN_new(), *q = BN_mod_inverse(NULL, n, w->r, w->ctx);

	assert_int_equal(BN_mul(t, a, b, w->ctx), 1);
	assert_int_equal(BN_mod_mul(q, q, t, w->r, w->ctx), 1);
	if (!BN_is_zero(q))
		assert_int_equal(BN_sub(q, w->r, q), 1);
	assert_int_equal(BN_mul(q, q, n, w->ctx), 1);
	assert_int_equal(BN_add(t, t, q), 1);
	assert_int_equal(BN_rshift(t, t, BITS), 1);
	BN_free(q);
	return t;
}

/* Operands for a modulus; the last is R - n: its square / R + n is still below R. */
static void
values_of(struct world *w, const BIGNUM *n, BIGNUM *v[static N_VALUES])
{
	static const int shifts[] = { 0, 1, 6, 7, 16, 19, 28 };
	size_t i = 0;

	v[i++] = BN_new();
	for (; i < 3; i++) {
		v[i] = BN_new();
		assert_int_equal(BN_set_word(v[i], i), 1);
	}
	for (size_t s = 0; s < ARRAY_LEN(shifts); s++) {
		v[i] = BN_new();
		assert_int_equal(BN_lshift(v[i++], n, shifts[s]), 1);
		v[i] = BN_dup(v[i - 1]);
		assert_int_equal(BN_sub_word(v[i++], 1), 1);
	}
	v[i] = BN_new();
	assert_int_equal(BN_rand(v[i++], 2066, BN_RAND_TOP_ANY, BN_RAND_BOTTOM_ANY), 1);
	v[i] = BN_mod_inverse(NULL, w->r, n, w->ctx);
	assert_non_null(v[i++]);
	v[i] = BN_dup(w->r);
	assert_int_equal(BN_sub(v[i], v[i], n), 1);
	assert_int_equal(++i, N_VALUES);
}

/* Each operand by another one in each lane, and squared. */
static void
modulus_products(struct world *w, const BIGNUM *n)
{
	BIGNUM *v[N_VALUES];
	struct rsa_modulus m;

	values_of(w, n, v);
	for (unsigned lane = 0; lane < RSA_LANES; lane++)
		lane_set(&m.n, lane, n);
	rsa_modulus_prepare(&m);
	for (unsigned i = 0; i < N_VALUES; i++) {
		struct rsa_limbs x, y, square;

		for (unsigned lane = 0; lane < RSA_LANES; lane++) {
			lane_set(&x, lane, v[(i + lane) % N_VALUES]);
			lane_set(&y, lane, v[(i + 3 * lane) % N_VALUES]);
		}
		square = x;
		rsa_mont_sqr(&square, &m);
		rsa_mont_mul(&x, &y, &m);
		for (unsigned lane = 0; lane < RSA_LANES; lane++) {
			const BIGNUM *a = v[(i + lane) % N_VALUES];
			BIGNUM *ab = product_of(w, a, v[(i + 3 * lane) % N_VALUES], n);
			BIGNUM *aa = product_of(w, a, a, n);

			lane_is(&x, lane, ab);
			lane_is(&square, lane, aa);
			BN_free(ab);
			BN_free(aa);
		}
	}
	for (unsigned i = 0; i < N_VALUES; i++)
		BN_free(v[i]);
}

static void
products(void **state UNUSED)
{
	struct world w;

	if (!can())
		skip();
	world_init(&w);
	for (size_t i = 0; i < N_MODULI; i++)
		modulus_products(&w, w.n[i]);
	world_done(&w);
}

/* --- its quotient, chosen --- */

/* All ones, blocks and limbs of ones and of nothing, one block alone, one limb alone, anything. */
static BIGNUM *
quotient_of(unsigned i)
{
	BIGNUM *q = BN_new();

	if (i >= N_QUOTIENTS - 8)
		assert_int_equal(BN_rand(q, BITS, BN_RAND_TOP_ANY, BN_RAND_BOTTOM_ANY), 1);
	else
		for (unsigned b = 0; b < BITS; b++) {
			const unsigned limb = b / RSA_LIMB_BITS, block = limb / RSA_BLOCK;
			const bool ones = i == 0 || (i < 3 && block % 2 == i - 1) ||
			    (i >= 3 && i < 5 && limb % 2 == i - 3) ||
			    (i >= 5 && i < 15 && block == i - 5) ||
			    (i >= 15 && i < 25 && block != i - 15) ||
			    (i >= 25 && limb == i - 25);

			if (ones)
				assert_int_equal(BN_set_bit(q, (int)b), 1);
		}
	return q;
}

/*
 * Every q but 0 can come: a = - q n mod R and b = 1 ask for it. So differences of its blocks, and
 * of n's, take each sign, and none, beside each other in the lanes.
 */
static void
quotients(void **state UNUSED)
{
	struct world w;

	if (!can())
		skip();
	world_init(&w);
	for (unsigned i = 0; i < N_QUOTIENTS; i++) {
		BIGNUM *want[RSA_LANES];
		struct rsa_modulus m;
		struct rsa_limbs x, one;

		for (unsigned lane = 0; lane < RSA_LANES; lane++) {
			const BIGNUM *n = w.n[(i + 3 * lane) % N_MODULI];
			BIGNUM *q = quotient_of((i + lane) % N_QUOTIENTS);
			BIGNUM *a = BN_new();

			assert_int_equal(BN_mod_mul(a, q, n, w.r, w.ctx), 1);
			assert_int_equal(BN_sub(a, w.r, a), 1);
			want[lane] = product_of(&w, a, BN_value_one(), n);
			lane_set(&m.n, lane, n);
			lane_set(&x, lane, a);
			lane_set(&one, lane, BN_value_one());
			BN_free(q);
			BN_free(a);
		}
		rsa_modulus_prepare(&m);
		rsa_mont_mul(&x, &one, &m);
		for (unsigned lane = 0; lane < RSA_LANES; lane++) {
			lane_is(&x, lane, want[lane]);
			BN_free(want[lane]);
		}
	}
	world_done(&w);
}

/* What the lanes of one vector have in common must be nothing: other moduli, other operands. */
static void
mixture(void **state UNUSED)
{
	struct world w;

	if (!can())
		skip();
	world_init(&w);
	for (size_t i = 0; i < N_MODULI; i++) {
		BIGNUM *v[RSA_LANES][N_VALUES];
		struct rsa_modulus m;
		struct rsa_limbs x, y;

		for (unsigned lane = 0; lane < RSA_LANES; lane++) {
			const BIGNUM *n = w.n[(i + lane) % N_MODULI];

			values_of(&w, n, v[lane]);
			lane_set(&m.n, lane, n);
			lane_set(&x, lane, v[lane][N_VALUES - 1 - lane]);
			lane_set(&y, lane, v[lane][2 * lane]);
		}
		rsa_modulus_prepare(&m);
		rsa_mont_mul(&x, &y, &m);
		for (unsigned lane = 0; lane < RSA_LANES; lane++) {
			BIGNUM *ab = product_of(&w, v[lane][N_VALUES - 1 - lane],
			    v[lane][2 * lane], w.n[(i + lane) % N_MODULI]);

			lane_is(&x, lane, ab);
			BN_free(ab);
			for (unsigned j = 0; j < N_VALUES; j++)
				BN_free(v[lane][j]);
		}
	}
	world_done(&w);
}

/* --- long division --- */

/* After some digits: their D mod n, at least 0, below 5 n, and digits that have room. */
static void
remainder_fits(struct world *w, const struct rsa_digits *r, unsigned lane, const BIGNUM *n,
    BIGNUM *want, int digits)
{
	BIGNUM *v = words_get(r->d, RSA_DIGITS, lane, RSA_DIGIT_BITS), *q = BN_new();
	const int64_t top = ((const int64_t *)&r->d[TOP])[lane];

	assert_int_equal(BN_lshift(want, want, digits * RSA_DIGIT_BITS), 1);
	assert_int_equal(BN_nnmod(want, want, n, w->ctx), 1);
	assert_false(BN_is_negative(v));
	assert_int_equal(BN_div(q, v, v, n, w->ctx), 1);
	assert_true(BN_num_bits(q) <= 3 && BN_get_word(q) < 5);
	assert_int_equal(BN_cmp(v, want), 0);
	for (unsigned i = 0; i < TOP; i++)
		assert_true(((const uint64_t *)&r->d[i])[lane] < UINT64_C(1) << 57);
	assert_true(top > -(INT64_C(1) << 10) && top < INT64_C(1) << 35);
	BN_free(q);
	BN_free(v);
}

RSA_TARGET static void
steps(struct world *w, BIGNUM *const x[static RSA_LANES], BIGNUM *const n[static RSA_LANES])
{
	BIGNUM *want[RSA_LANES];
	struct rsa_digits r, d;
	struct divisor v;

	digits_set(&d, n);
	divisor_init(&v, &d);
	digits_set(&d, x);
	remainder_init(&r, &d, &v);
	for (unsigned lane = 0; lane < RSA_LANES; lane++) {
		want[lane] = BN_dup(x[lane]);
		remainder_fits(w, &r, lane, n[lane], want[lane], 1);
	}
	for (unsigned i = 1; i < DIVISIONS; i++) {
		divide(&r, &v);
		for (unsigned lane = 0; lane < RSA_LANES; lane++)
			remainder_fits(w, &r, lane, n[lane], want[lane], 2);
	}
	for (unsigned lane = 0; lane < RSA_LANES; lane++)
		BN_free(want[lane]);
}

/* x R mod n, below 2^19 n. */
static void
lifted(struct world *w, BIGNUM *const x[static RSA_LANES], BIGNUM *const n[static RSA_LANES])
{
	struct rsa_digits dx, dn;
	struct rsa_limbs y;
	BIGNUM *want = BN_new(), *most = BN_new();

	digits_set(&dx, x);
	digits_set(&dn, n);
	rsa_lift(&y, &dx, &dn);
	for (unsigned lane = 0; lane < RSA_LANES; lane++) {
		BIGNUM *v = lane_get(&y, lane);

		assert_int_equal(BN_lshift(most, n[lane], 19), 1);
		assert_true(BN_cmp(v, most) < 0);
		assert_int_equal(BN_mod_mul(want, x[lane], w->r, n[lane], w->ctx), 1);
		assert_int_equal(BN_nnmod(v, v, n[lane], w->ctx), 1);
		assert_int_equal(BN_cmp(v, want), 0);
		BN_free(v);
	}
	BN_free(want);
	BN_free(most);
}

/* What may be divided: 0, 1, around n, all ones, multiples of D, anything. */
static BIGNUM *
dividend_of(const BIGNUM *n, unsigned i)
{
	static const int bits[] = { 2047, 48, 2016, 1968 };
	BIGNUM *v = i < 2 ? BN_new() : BN_dup(n);

	if (i < 2)
		assert_int_equal(BN_set_word(v, i), 1);
	else if (i == 2)
		assert_int_equal(BN_sub_word(v, 1), 1);
	else if (i == 4) {
		assert_int_equal(BN_add_word(v, 1), 1);
		if (BN_num_bits(v) > 2048)
			assert_int_equal(BN_sub_word(v, 1), 1);
	} else if (i == 5)
		for (int b = 0; b < 2048; b++)
			assert_int_equal(BN_set_bit(v, b), 1);
	else if (i >= 6 && i < 6 + ARRAY_LEN(bits)) {
		BN_zero(v);
		assert_int_equal(BN_set_bit(v, bits[i - 6]), 1);
	} else if (i >= 6 + ARRAY_LEN(bits))
		assert_int_equal(BN_rand_range(v, n), 1);
	return v;
}

static void
lifts(void **state UNUSED)
{
	struct world w;

	if (!can())
		skip();
	world_init(&w);
	for (unsigned i = 0; i < N_MODULI * 3; i++) {
		BIGNUM *x[RSA_LANES], *n[RSA_LANES];

		for (unsigned lane = 0; lane < RSA_LANES; lane++) {
			n[lane] = w.n[(i / 3 + (i % 2) * lane) % N_MODULI];
			x[lane] = dividend_of(n[lane], (i + 5 * lane) % 16);
		}
		steps(&w, x, n);
		lifted(&w, x, n);
		for (unsigned lane = 0; lane < RSA_LANES; lane++)
			BN_free(x[lane]);
	}
	world_done(&w);
}

/* --- the way in, the way out --- */

/* Octets are read as the number that OpenSSL reads, in digits and in limbs, each bit of it. */
static void
octets(void **state UNUSED)
{
	struct rsa_digits d;
	struct rsa_limbs x, y;

	if (!can())
		skip();
	for (int bit = 0; bit < 2048; bit += RSA_LANES) {
		BIGNUM *v[RSA_LANES];

		for (unsigned lane = 0; lane < RSA_LANES; lane++) {
			v[lane] = power(bit + (int)lane);
			if (bit % 64 == 0)
				assert_int_equal(BN_rand(v[lane], 2048, BN_RAND_TOP_ANY,
				    BN_RAND_BOTTOM_ANY), 1);
		}
		digits_set(&d, v);
		rsa_limbs_write(&x, &d, 0);
		rsa_limbs_write(&y, &d, 16);
		for (unsigned lane = 0; lane < RSA_LANES; lane++) {
			lane_is(&x, lane, v[lane]);
			assert_int_equal(BN_lshift(v[lane], v[lane], 16), 1);
			lane_is(&y, lane, v[lane]);
			BN_free(v[lane]);
		}
	}
}

/* x mod n for x below 2 n: 0, n - 1, n, n + 1, 2 n - 1, n + what the chain may leave. */
static void
reduced(void **state UNUSED)
{
	struct world w;

	if (!can())
		skip();
	world_init(&w);
	for (size_t i = 0; i < N_MODULI; i++) {
		BIGNUM *v[RSA_LANES];
		struct rsa_limbs x, n;

		for (unsigned lane = 0; lane < RSA_LANES; lane++) {
			v[lane] = BN_dup(w.n[i]);
			lane_set(&n, lane, w.n[i]);
		}
		BN_zero(v[0]);
		assert_int_equal(BN_sub_word(v[1], 1), 1);
		assert_int_equal(BN_add_word(v[3], 1), 1);
		assert_int_equal(BN_lshift1(v[4], v[4]), 1);
		assert_int_equal(BN_sub_word(v[4], 1), 1);
		assert_int_equal(BN_rshift(v[5], v[5], 31), 1);
		assert_int_equal(BN_add(v[5], v[5], w.n[i]), 1);
		assert_int_equal(BN_rand_range(v[6], w.n[i]), 1);
		assert_int_equal(BN_add(v[7], v[7], v[6]), 1);
		for (unsigned lane = 0; lane < RSA_LANES; lane++)
			lane_set(&x, lane, v[lane]);
		limbs_reduce(&x, &n);
		for (unsigned lane = 0; lane < RSA_LANES; lane++) {
			assert_int_equal(BN_nnmod(v[lane], v[lane], w.n[i], w.ctx), 1);
			lane_is(&x, lane, v[lane]);
			BN_free(v[lane]);
		}
	}
	world_done(&w);
}

TESTS_MAIN("crypto/rsa_mont", T(products), T(quotients), T(mixture), T(lifts), T(octets),
    T(reduced))

#else

static void
elsewhere(void **state UNUSED)
{
	print_message("lanes are for x86-64\n");
	skip();
}

TESTS_MAIN("crypto/rsa_mont", T(elsewhere))

#endif
