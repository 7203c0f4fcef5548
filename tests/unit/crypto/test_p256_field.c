/*
 * The 64-bit arithmetic of P-256 against OpenSSL's numbers: constants, the
 * field, the order, digits. Compiled three times: as it is, without assembler,
 * and without numbers of 128 bits.
 */
#include "../tap.h"

#include <openssl/bn.h>
#include <openssl/ec.h>
#include <openssl/obj_mac.h>
#include <stdlib.h>

#include "../../../src/crypto/p256_order.c"
#include "../../../src/crypto/p256_table.c"
#include "../../../src/crypto/p256_terms.c"

#define RANDOM	2000		/* of each kind of case */

struct numbers {
	BN_CTX		*ctx;
	EC_GROUP	*group;
	BIGNUM		*p, *n, *b, *r;		/* r: 2^256 */
	uint64_t	 seed;
};

static int
setup(void **state)
{
	struct numbers *k = calloc(1, sizeof(*k));

	*k = (struct numbers){ .ctx = BN_CTX_new(), .p = BN_new(), .b = BN_new(), .r = BN_new(),
		.group = EC_GROUP_new_by_curve_name(NID_X9_62_prime256v1), .seed = 1 };
	k->n = BN_dup(EC_GROUP_get0_order(k->group));
	assert_true(EC_GROUP_get_curve(k->group, k->p, NULL, k->b, k->ctx));
	assert_true(BN_set_bit(k->r, 256));
	*state = k;
	return 0;
}

static int
teardown(void **state)
{
	struct numbers *k = *state;

	BN_free(k->p);
	BN_free(k->n);
	BN_free(k->b);
	BN_free(k->r);
	EC_GROUP_free(k->group);
	BN_CTX_free(k->ctx);
	free(k);
	return 0;
}

static uint64_t
word_random(struct numbers *k)
{
	k->seed = k->seed * 6364136223846793005 + 1442695040888963407;
	return k->seed ^ k->seed >> 29;
}

/* Words of all zeros, all ones, a few bits, anything. */
static uint64_t
word_odd(struct numbers *k)
{
	switch (word_random(k) % 5) {
	case 0: return 0;
	case 1: return ~UINT64_C(0);
	case 2: return UINT64_C(1) << word_random(k) % 64;
	case 3: return ~(UINT64_C(1) << word_random(k) % 64);
	default: return word_random(k);
	}
}

static BIGNUM *
bn_of(const uint64_t w[static P256_WORDS])
{
	uint8_t octets[P256_LEN];

	for (size_t i = 0; i < P256_LEN; i++)
		octets[i] = (uint8_t)(w[i / 8] >> 8 * (i % 8));
	return BN_lebin2bn(octets, sizeof(octets), NULL);
}

static void
bn_words(const BIGNUM *a, uint64_t w[static P256_WORDS])
{
	uint8_t octets[P256_LEN];

	assert_int_equal(BN_bn2binpad(a, octets, sizeof(octets)), sizeof(octets));
	words_read(w, octets);
}

/* And canonical: words that are not below the modulus are not equal. */
static void
assert_words(const uint64_t w[static P256_WORDS], const BIGNUM *want)
{
	uint64_t v[P256_WORDS];

	bn_words(want, v);
	assert_memory_equal(w, v, sizeof(v));
}

/* Case i of numbers below the modulus m: its ends first, then odd ones, then anything. */
static void
case_set(struct numbers *k, const uint64_t m[static P256_WORDS], size_t i,
    uint64_t ret[static P256_WORDS])
{
	static const uint64_t small[] = { 0, 1, 2, 3, UINT64_C(1) << 32, ~UINT64_C(0) };
	const size_t n = ARRAY_LEN(small);

	memset(ret, 0, P256_LEN);
	if (i < n)
		ret[0] = small[i];
	else if (i < 2 * n - 1) {
		memcpy(ret, m, P256_LEN);
		(void)words_sub(ret, (uint64_t[]){ small[i - n + 1], 0, 0, 0 });
	} else
		do
			for (size_t j = 0; j < P256_WORDS; j++)
				ret[j] = i % 4 == 0 ? word_random(k) : word_odd(k);
		while (!words_below(ret, m));
}
#define CASES	(11 + 40)	/* the ends and some of the others, each with each */

static const struct fe *
fe_case(struct numbers *k, size_t i, struct fe *ret)
{
	case_set(k, fe_p.w, i, ret->w);
	return ret;
}

static void
constants_are_what_they_are_called(void **state)
{
	struct numbers *k = *state;
	BIGNUM *t = BN_new(), *u = BN_new();
	uint8_t octets[1 + 2 * P256_LEN];
	uint64_t w[P256_WORDS];

	assert_words(fe_p.w, k->p);
	assert_words(prime, k->p);
	assert_words(p256_order, k->n);
	assert_true(BN_mod(t, k->r, k->p, k->ctx));
	assert_words(fe_one.w, t);
	assert_true(BN_mod_sqr(t, k->r, k->p, k->ctx));
	assert_words(fe_rr.w, t);
	assert_true(fe_p.w[0] * 1 == 0 - UINT64_C(1));		/* -1/p mod 2^64 is 1 */
	assert_true(p256_order[0] * ORDER_INV == 0 - UINT64_C(1));
#ifdef P256_WIDE
	assert_true(BN_mod_sqr(t, k->r, k->n, k->ctx));
	assert_words(order_rr, t);
#endif
	words_read(w, curve_b);
	assert_words(w, k->b);
	assert_int_equal(EC_POINT_point2oct(k->group, EC_GROUP_get0_generator(k->group),
	    POINT_CONVERSION_UNCOMPRESSED, octets, sizeof(octets), k->ctx), sizeof(octets));
	assert_memory_equal(generator, octets + 1, sizeof(generator));
	BN_free(t);
	BN_free(u);
}

static void
halves_make_the_same_product(void **state)
{
#ifdef __SIZEOF_INT128__
	struct numbers *k = *state;

	for (size_t i = 0; i < RANDOM; i++) {
		uint64_t a = word_odd(k), b = word_odd(k), high, low = word_mul(a, b, &high);
		__extension__ unsigned __int128 want = (unsigned __int128)a * b;

		assert_true(low == (uint64_t)want && high == (uint64_t)(want >> 64));
	}
#else
	(void)state;
	skip();
#endif
}

/* What each operation makes of a and b, and OpenSSL's result. */
struct op {
	const char	*name;
	void		(*ours)(struct fe *, const struct fe *, const struct fe *);
	int		(*theirs)(BIGNUM *, const BIGNUM *, const BIGNUM *, const struct numbers *);
};

static int
product(BIGNUM *r, const BIGNUM *a, const BIGNUM *b, const struct numbers *k)
{
	BIGNUM *inv = BN_mod_inverse(NULL, k->r, k->p, k->ctx);
	int ok = BN_mod_mul(r, a, b, k->p, k->ctx) && BN_mod_mul(r, r, inv, k->p, k->ctx);

	BN_free(inv);
	return ok;
}

static int
square(BIGNUM *r, const BIGNUM *a, const BIGNUM *b UNUSED, const struct numbers *k)
{
	return product(r, a, a, k);
}

static int
sum(BIGNUM *r, const BIGNUM *a, const BIGNUM *b, const struct numbers *k)
{
	return BN_mod_add(r, a, b, k->p, k->ctx);
}

static int
difference(BIGNUM *r, const BIGNUM *a, const BIGNUM *b, const struct numbers *k)
{
	return BN_mod_sub(r, a, b, k->p, k->ctx);
}

static int
difference_of_three(BIGNUM *r, const BIGNUM *a, const BIGNUM *b, const struct numbers *k)
{
	return BN_mod_sub(r, a, b, k->p, k->ctx) && BN_mod_sub(r, r, b, k->p, k->ctx);
}

/* In Montgomery form: R^2 / a. */
static int
inverse(BIGNUM *r, const BIGNUM *a, const BIGNUM *b UNUSED, const struct numbers *k)
{
	if (BN_is_zero(a))
		return BN_zero(r), 1;
	return BN_mod_inverse(r, a, k->p, k->ctx) != NULL &&
	    BN_mod_mul(r, r, k->r, k->p, k->ctx) && BN_mod_mul(r, r, k->r, k->p, k->ctx);
}

static int
montgomery(BIGNUM *r, const BIGNUM *a, const BIGNUM *b UNUSED, const struct numbers *k)
{
	return BN_mod_mul(r, a, k->r, k->p, k->ctx);
}

static void
sqr(struct fe *r, const struct fe *a, const struct fe *b UNUSED)
{
	fe_sqr(r, a);
}

static void
sub2(struct fe *r, const struct fe *a, const struct fe *b)
{
	fe_sub2_tight(r, a, b, b);
}

static void
inv(struct fe *r, const struct fe *a, const struct fe *b UNUSED)
{
	fe_inv(r, a);
}

static void
load(struct fe *r, const struct fe *a, const struct fe *b UNUSED)
{
	fe_load(r, &a->w);
}

static void
op_check(const struct numbers *k, const struct op *op, const struct fe *a, const struct fe *b)
{
	BIGNUM *x = bn_of(a->w), *y = bn_of(b->w), *want = BN_new();
	struct fe r, same;

	op->ours(&r, a, b);
	assert_true(op->theirs(want, x, y, k));
	assert_words(r.w, want);
	same = *a;
	op->ours(&same, &same, b);		/* a result may stand where an input stands */
	assert_memory_equal(&same, &r, sizeof(r));
	same = *b;
	op->ours(&same, a, &same);
	assert_memory_equal(&same, &r, sizeof(r));
	assert_int_equal(fe_zero(&r), BN_is_zero(want));
	BN_free(x);
	BN_free(y);
	BN_free(want);
}

static void
the_field_is_a_field(void **state)
{
	static const struct op ops[] = {
		{ "product", fe_mul, product }, { "square", sqr, square }, { "sum", fe_add, sum },
		{ "difference", fe_sub, difference }, { "tight", fe_sub_tight, difference },
		{ "of three", sub2, difference_of_three }, { "inverse", inv, inverse },
		{ "load", load, montgomery },
	};
	struct numbers *k = *state;
	struct fe a, b;

	for (size_t o = 0; o < ARRAY_LEN(ops); o++) {
		print_message("# %s\n", ops[o].name);
		for (size_t i = 0; i < CASES * CASES; i++)
			op_check(k, &ops[o], fe_case(k, i / CASES, &a), fe_case(k, i % CASES, &b));
		for (size_t i = 0; i < RANDOM; i++)
			op_check(k, &ops[o], fe_case(k, CASES + 1, &a), fe_case(k, CASES + i, &b));
	}
}

/* Before the last subtraction a product may be v or v + p: of v at the ends, too. */
static void
products_that_come_out_at_the_ends(void **state)
{
	struct numbers *k = *state;
	struct fe a, b, v;

	for (size_t i = 0; i < CASES * CASES; i++) {
		fe_case(k, i / CASES, &a);
		fe_case(k, i % CASES, &v);
		if (fe_zero(&a))
			continue;
		fe_inv(&b, &a);
		fe_mul(&b, &b, &v);		/* R^2/a * v / R */
		fe_mul(&b, &a, &b);
		assert_memory_equal(&b, &v, sizeof(v));
	}
}

static void
pairs_are_two_of_one(void **state)
{
	struct numbers *k = *state;
	struct fe a, b, c, d, r[4];

	for (size_t i = 0; i < 200; i++) {
		fe_case(k, i, &a), fe_case(k, i + 1, &b), fe_case(k, i + 2, &c), fe_case(k, i + 3, &d);
		fe_mul(&r[0], &a, &b), fe_mul(&r[1], &c, &d);
		fe_mul2(&r[2], &a, &b, &r[3], &c, &d);
		assert_memory_equal(&r[0], &r[2], 2 * sizeof(r[0]));
		fe_sqr(&r[0], &a), fe_sqr(&r[1], &b);
		fe_sqr2(&a, &a, &b, &b);
		assert_true(memcmp(&r[0], &a, sizeof(a)) == 0 && memcmp(&r[1], &b, sizeof(b)) == 0);
	}
}

static void
one_where_it_is_wanted(void **state UNUSED)
{
	struct fe a = { { 5, 6, 7, 8 } }, was = a;

	fe_one_where(&a, 0);
	assert_memory_equal(&a, &was, sizeof(a));
	fe_one_where(&a, 1);
	assert_memory_equal(&a, &fe_one, sizeof(a));
}

static void
points_are_loaded_and_turned(void **state)
{
	struct numbers *k = *state;
	uint64_t row[P256_ROW];
	const uint64_t *rows[1] = { row };
	struct fe x, y, x2, y2;

	for (size_t i = 1; i < 200; i++) {
		case_set(k, fe_p.w, i, row);
		case_set(k, fe_p.w, i + 7, row + P256_WORDS);
		pt_load(&x, &y, rows, 0);
		assert_memory_equal(&x, row, sizeof(x));
		assert_memory_equal(&y, row + P256_WORDS, sizeof(y));
		pt_load(&x2, &y2, rows, 1);
		assert_memory_equal(&x2, &x, sizeof(x));
		assert_true(words_below(y2.w, fe_p.w));
		fe_add(&y, &y, &y2);
		assert_int_equal(fe_zero(&y), 1);
	}
}

/* One factor below the order, the other any number of 256 bits. */
static void
the_order_has_products(void **state)
{
	static const uint64_t all[P256_WORDS] = { ~UINT64_C(0), ~UINT64_C(0), ~UINT64_C(0), ~UINT64_C(0) };
	struct numbers *k = *state;
	BIGNUM *inv = BN_mod_inverse(NULL, k->r, k->n, k->ctx), *want = BN_new();

	for (size_t i = 0; i < CASES * CASES + RANDOM; i++) {
		uint64_t a[P256_WORDS], b[P256_WORDS], r[P256_WORDS];
		BIGNUM *x, *y;

		case_set(k, p256_order, i < CASES * CASES ? i / CASES : i, a);
		case_set(k, all, i % CASES, b);
		if (i % CASES == 6)
			memcpy(b, all, sizeof(b));
		x = bn_of(a), y = bn_of(b);
		assert_true(BN_mod_mul(want, x, y, k->n, k->ctx) &&
		    BN_mod_mul(want, want, inv, k->n, k->ctx));
		order_mul(r, a, b);
		assert_words(r, want);
		order_mul(r, b, a);
		assert_words(r, want);
		order_mul(a, a, b);
		assert_words(a, want);
		BN_free(x);
		BN_free(y);
	}
	BN_free(inv);
	BN_free(want);
}

/* One word decides, whatever is in the lower ones: all ones there, or nothing. */
static void
what_is_below(void **state UNUSED)
{
	for (size_t i = 0; i < P256_WORDS; i++)
		for (unsigned lower = 0; lower < 4; lower++) {
			uint64_t a[P256_WORDS] = { 7, 7, 7, 7 }, b[P256_WORDS] = { 7, 7, 7, 7 };

			for (size_t j = 0; j < i; j++) {
				a[j] = lower & 1 ? ~UINT64_C(0) : 0;
				b[j] = lower & 2 ? ~UINT64_C(0) : 0;
			}
			b[i]++;
			assert_true(words_below(a, b));
			assert_false(words_below(b, a));
			assert_false(words_below(a, a));
		}
}

static void
what_fits_the_order(void **state UNUSED)
{
	uint64_t a[P256_WORDS];

	assert_false(order_fits((uint64_t[P256_WORDS]){ 0 }));
	assert_true(order_fits((uint64_t[P256_WORDS]){ 1 }));
	for (uint64_t less = 0; less < 3; less++) {
		memcpy(a, p256_order, sizeof(a));
		a[0] -= less;
		assert_int_equal(order_fits(a), less > 0);
		a[0] += 2 * less + 1;
		assert_false(order_fits(a));
	}
	memset(a, 0xff, sizeof(a));
	assert_false(order_fits(a));
}

static void
inverses_of_any_number_at_once(void **state)
{
	static const size_t counts[] = { 1, 2, 3, 64, P256_CHUNK };
	struct numbers *k = *state;
	uint64_t a[P256_CHUNK][P256_WORDS], was[P256_CHUNK][P256_WORDS], room[P256_CHUNK][P256_WORDS];

	for (size_t c = 0; c < ARRAY_LEN(counts); c++) {
		for (size_t i = 0; i < counts[c]; i++)
			case_set(k, p256_order, i + 1 < 11 ? i + 1 : i + 3, a[i]);
		memcpy(was, a, sizeof(a));
		order_invert(a, room, counts[c]);
		for (size_t i = 0; i < counts[c]; i++) {
			order_mul(a[i], a[i], was[i]);		/* a / a */
			assert_memory_equal(a[i], (uint64_t[P256_WORDS]){ 1 }, P256_LEN);
		}
	}
}

/* The sum of the digits, with their signs, is the scalar modulo the order. */
static void
digits_check(struct numbers *k, const struct p256_terms *t, int side, const uint64_t u[static P256_WORDS])
{
	BIGNUM *got = BN_new(), *want = bn_of(u);

	BN_zero(got);
	for (unsigned w = P256_WINDOWS; w-- > 0;) {
		unsigned digit = 2u * t->at[side][w] + 1;

		assert_true(t->at[side][w] < P256_MULTIPLES);
		assert_true(BN_mul_word(got, 256));
		assert_true(t->negate[side] >> w & 1 ? BN_sub_word(got, digit) :
		    BN_add_word(got, digit));
	}
	assert_true(BN_nnmod(got, got, k->n, k->ctx));
	assert_int_equal(BN_cmp(got, want), 0);
	BN_free(got);
	BN_free(want);
}

static void
scalars_have_digits(void **state)
{
	struct numbers *k = *state;
	struct p256_terms t;

	for (size_t i = 0; i < RANDOM; i++) {
		uint64_t u1[P256_WORDS], u2[P256_WORDS], r[P256_WORDS] = { 1 };

		case_set(k, p256_order, i, u1);
		case_set(k, p256_order, i + 1, u2);
		p256_terms_set(&t, NULL, r, u1, u2);
		digits_check(k, &t, 0, u1);
		digits_check(k, &t, 1, u2);
	}
}

/* The sum's x can be r, and r + order if that is below p. */
static void
two_ways_to_be_r(void **state)
{
	struct numbers *k = *state;
	struct p256_terms t;
	uint64_t room[P256_WORDS], r[P256_WORDS];
	BIGNUM *d = BN_new(), *want = BN_new();

	assert_true(BN_sub(d, k->p, k->n));
	bn_words(d, room);
	for (uint64_t i = 0; i < 5; i++) {
		memcpy(r, room, sizeof(r));
		r[0] += i - 2;				/* the difference does not end in 0 or 1 */
		p256_terms_set(&t, NULL, r, r, r);
		assert_memory_equal(t.r[0], r, sizeof(r));
		assert_int_equal(t.two, i < 2);
		if (t.two) {
			assert_true(BN_copy(want, k->p) != NULL && BN_sub_word(want, 2 - i));
			assert_words(t.r[1], want);
		}
	}
	memset(r, 0xff, sizeof(r));			/* the sum has 257 bits */
	p256_terms_set(&t, NULL, r, r, r);
	assert_false(t.two);
	BN_free(d);
	BN_free(want);
}

/* The first addition takes its carry from the argument, not from what was computed before. */
static void
carries_are_given(void **state UNUSED)
{
	for (uint64_t carry = 0; carry <= 1; carry++) {
		uint64_t a[4] = { 1, 2, 3, 4 }, given = carry;
		const uint64_t b[4] = { 10, 20, 30, 40 };

#ifdef P256_ASM
		__asm__ volatile("stc" : "+r"(given) : : "cc");
#endif
		words_add_with(a, b, given);
		assert_int_equal(a[0], 11 + carry);
		assert_int_equal(a[1], 22);
		assert_int_equal(a[2], 33);
		assert_int_equal(a[3], 44);
	}
}

#define TF(fn)	cmocka_unit_test_setup_teardown(fn, setup, teardown)
TESTS_MAIN("crypto/p256 field", TF(constants_are_what_they_are_called),
	TF(carries_are_given), TF(halves_make_the_same_product), TF(the_field_is_a_field),
	TF(products_that_come_out_at_the_ends), TF(pairs_are_two_of_one), TF(one_where_it_is_wanted),
	TF(points_are_loaded_and_turned), TF(the_order_has_products), TF(what_is_below),
	TF(what_fits_the_order), TF(inverses_of_any_number_at_once), TF(scalars_have_digits), TF(two_ways_to_be_r))
