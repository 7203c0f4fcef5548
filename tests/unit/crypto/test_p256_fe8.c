/*
 * The field in eight lanes against OpenSSL's big numbers: each operation with
 * operands at the loosest of their bounds, every pair of them in every lane.
 */
#include "../tap.h"

#if defined(__x86_64__)
#include <openssl/bn.h>
#include <stdio.h>
#include <stdlib.h>

#include "crypto/p256_fe8_inv.h"

#define KP		4		/* loose: below 4p */
#define VALUES_MAX	80

struct oracle {
	BN_CTX	*ctx;
	BIGNUM	*p, *r, *t, *u;		/* the prime, R mod p, and two to compute with */
	BIGNUM	*value[VALUES_MAX];	/* growing: those below tight are below 2p */
	int	 n_tight, n;
};

static bool
can(void)
{
	if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") &&
	    __builtin_cpu_supports("avx512ifma"))
		return true;
	print_message("this processor has no AVX-512 IFMA\n");
	return false;
}

/* --- lanes in and out --- */

/* Where limb i of a lane is. */
static uint64_t *
limb_of(struct fe *a, int lane, int i)
{
	return (uint64_t *)(void *)&a->l[i] + lane;
}

static void
lane_set(struct fe *a, int lane, const BIGNUM *v)
{
	uint8_t le[48] = { 0 };		/* 6 * 8: whole words may be read at each limb */

	assert_int_equal(BN_bn2lebinpad(v, le, 40), 40);
	for (int i = 0; i < FE_LIMBS; i++) {
		uint64_t w;

		memcpy(&w, le + FE_BITS * i / 8, 8);
		*limb_of(a, lane, i) = w >> FE_BITS * i % 8 & FE_LIMB;
	}
}

/* Of a carried number. */
static void
lane_get(struct fe *a, int lane, BIGNUM *ret)
{
	BN_zero(ret);
	for (int i = FE_LIMBS - 1; i >= 0; i--) {
		uint64_t w = *limb_of(a, lane, i);

		assert_true(w <= FE_LIMB);
		assert_true(BN_lshift(ret, ret, FE_BITS) && BN_add_word(ret, w));
	}
}

/* --- the numbers to try --- */

static void
value_add(struct oracle *o, const BIGNUM *v)
{
	BIGNUM *end = BN_dup(o->p);

	assert_true(BN_mul_word(end, KP));
	if (!BN_is_negative(v) && BN_cmp(v, end) < 0) {
		assert_true(o->n < VALUES_MAX);
		o->value[o->n++] = BN_dup(v);
	}
	BN_free(end);
}

/* v and its neighbours. */
static void
value_add_near(struct oracle *o, const BIGNUM *v)
{
	BIGNUM *w = BN_dup(v);

	value_add(o, w);
	assert_true(BN_sub_word(w, 1));
	value_add(o, w);
	assert_true(BN_add_word(w, 2));
	value_add(o, w);
	BN_free(w);
}

/* Limbs of nothing but ones, wherever bits says so, under a highest limb. */
static void
value_add_ones(struct oracle *o, unsigned bits, uint64_t top)
{
	BIGNUM *v = BN_new();

	assert_true(BN_set_word(v, top));
	for (int i = FE_LIMBS - 2; i >= 0; i--)
		assert_true(BN_lshift(v, v, FE_BITS) && BN_add_word(v, bits >> i & 1 ? FE_LIMB : 0));
	value_add(o, v);
	BN_free(v);
}

static int
value_cmp(const void *a, const void *b)
{
	return BN_cmp(*(BIGNUM *const *)a, *(BIGNUM *const *)b);
}

static void
values_make(struct oracle *o)
{
	BIGNUM *v = BN_new(), *two_p = BN_new();

	BN_zero(v);
	for (int k = 0; k <= KP; k++, assert_true(BN_add(v, v, o->p)))
		value_add_near(o, v);
	for (int bit = 255; bit < 258; bit++) {
		assert_true(BN_set_word(v, 1) && BN_lshift(v, v, bit));
		value_add_near(o, v);
	}
	for (unsigned bits = 0; bits < 16; bits++) {
		value_add_ones(o, bits, 0);
		value_add_ones(o, bits, (UINT64_C(1) << 49) - (UINT64_C(1) << 17) - 1);
		value_add_ones(o, bits, (UINT64_C(1) << 50) - (UINT64_C(1) << 18) - 1);
	}
	value_add(o, o->r);
	qsort(o->value, (size_t)o->n, sizeof(*o->value), value_cmp);
	assert_true(BN_lshift1(two_p, o->p));
	while (BN_cmp(o->value[o->n_tight], two_p) < 0)
		o->n_tight++;
	BN_free(v);
	BN_free(two_p);
}

static struct oracle
oracle_init(void)
{
	struct oracle o = { .ctx = BN_CTX_new(), .r = BN_new(), .t = BN_new(), .u = BN_new() };

	assert_true(BN_hex2bn(&o.p,
	    "FFFFFFFF00000001000000000000000000000000FFFFFFFFFFFFFFFFFFFFFFFF"));
	assert_true(BN_set_bit(o.r, FE_LIMBS * FE_BITS) && BN_mod(o.r, o.r, o.p, o.ctx));
	values_make(&o);
	return o;
}

static void
oracle_done(struct oracle *o)
{
	for (int i = 0; i < o->n; i++)
		BN_free(o->value[i]);
	BN_free(o->p);
	BN_free(o->r);
	BN_free(o->t);
	BN_free(o->u);
	BN_CTX_free(o->ctx);
}

static const BIGNUM *
value_any(const struct oracle *o, bool tight)
{
	return o->value[random() % (tight ? o->n_tight : o->n)];
}

/* --- the operations, all of the form op(a, b, c) --- */

#define OP(name, call)							\
	FE_TARGET static void						\
	name(struct fe *r, const struct fe *a UNUSED, const struct fe *b UNUSED,	\
	    const struct fe *c UNUSED)					\
	{								\
		call;							\
	}

OP(do_mul, fe_mul(r, a, b))
OP(do_mul2, struct fe t; fe_mul2(&t, c, b, r, a, b))
OP(do_sqr, fe_sqr(r, a))
OP(do_sqr2, struct fe t; fe_sqr2(&t, c, r, a))
OP(do_sub, fe_sub(r, a, b))
OP(do_sub_tight, fe_sub_tight(r, a, b))
OP(do_sub2_tight, fe_sub2_tight(r, a, b, c))
OP(do_inv, fe_inv(r, a))

enum law {
	PRODUCT,		/* r R = a b */
	SQUARE,			/* r R = a a */
	DIFFERENCE,		/* r = a - b */
	DIFFERENCE2,		/* r = a - b - c */
	INVERSE			/* r a = R^2, or r = 0 = a */
};

static const struct op {
	const char	*name;
	void		 (*run)(struct fe *, const struct fe *, const struct fe *, const struct fe *);
	enum law	 law;
	bool		 takes_tight, gives_loose;
} ops[] = {
	{ "mul", do_mul, PRODUCT, false, false },
	{ "mul2", do_mul2, PRODUCT, false, false },
	{ "sqr", do_sqr, SQUARE, false, false },
	{ "sqr2", do_sqr2, SQUARE, false, false },
	{ "sub", do_sub, DIFFERENCE, true, true },
	{ "sub_tight", do_sub_tight, DIFFERENCE, true, false },
	{ "sub2_tight", do_sub2_tight, DIFFERENCE2, true, false },
};
static const struct op op_inv = { "inv", do_inv, INVERSE, true, false };

/* What must be 0 modulo p if the law holds. */
static void
law_defect(struct oracle *o, enum law law, const BIGNUM *const v[3], const BIGNUM *r)
{
	switch (law) {
	case PRODUCT:
	case SQUARE:
		assert_true(BN_mul(o->t, v[0], v[law == PRODUCT], o->ctx));
		assert_true(BN_mul(o->u, r, o->r, o->ctx) && BN_sub(o->t, o->t, o->u));
		return;
	case DIFFERENCE2:
	case DIFFERENCE:
		assert_true(BN_sub(o->t, v[0], v[1]) && BN_sub(o->t, o->t, r));
		if (law == DIFFERENCE2)
			assert_true(BN_sub(o->t, o->t, v[2]));
		return;
	case INVERSE:
		assert_true(BN_mul(o->t, r, v[0], o->ctx) && BN_sqr(o->u, o->r, o->ctx));
		assert_true(BN_mod(o->u, o->u, o->p, o->ctx) && BN_mod(o->t, o->t, o->p, o->ctx));
		if (!BN_is_zero(o->t))
			assert_true(BN_sub(o->t, o->t, o->u));
		else
			assert_true(BN_mod(o->t, v[0], o->p, o->ctx) && BN_add(o->t, o->t, r));
		return;
	}
}

static void
lane_check(struct oracle *o, const struct op *op, struct fe *r, int lane, const BIGNUM *const v[3])
{
	BIGNUM *got = BN_new(), *end = BN_new();
	char *hex;

	lane_get(r, lane, got);
	assert_true(BN_lshift(end, o->p, op->gives_loose ? 2 : 1));
	law_defect(o, op->law, v, got);
	assert_true(BN_mod(o->t, o->t, o->p, o->ctx));
	if (!BN_is_zero(o->t) || BN_cmp(got, end) >= 0) {
		hex = BN_bn2hex(got);
		print_error("%s, lane %d: %s\n", op->name, lane, hex);
		OPENSSL_free(hex);
		fail();
	}
	BN_free(got);
	BN_free(end);
}

/* One operation with eight triples; alias: the result over the first, the second, neither. */
static void
op_check(struct oracle *o, const struct op *op, const BIGNUM *const v[8][3], int alias)
{
	struct fe in[4];
	struct fe *r = &in[alias < 2 ? alias : 3];

	for (int lane = 0; lane < FE_LANES; lane++)
		for (int k = 0; k < 3; k++)
			lane_set(&in[k], lane, v[lane][k]);
	op->run(r, &in[0], &in[1], &in[2]);
	for (int lane = 0; lane < FE_LANES; lane++)
		lane_check(o, op, r, lane, v[lane]);
}

/* The pair (i, j) in a lane, chance in the others. */
static void
pair_check(struct oracle *o, const struct op *op, int i, int j, int lane)
{
	const BIGNUM *v[FE_LANES][3];

	for (int l = 0; l < FE_LANES; l++)
		for (int k = 0; k < 3; k++)
			v[l][k] = value_any(o, op->takes_tight);
	v[lane][0] = o->value[i];
	v[lane][1] = o->value[j];
	op_check(o, op, v, lane % 3);
}

static void
test_pairs(void **state UNUSED)
{
	struct oracle o;

	if (!can())
		skip();
	o = oracle_init();
	for (size_t k = 0; k < ARRAY_LEN(ops); k++) {
		const int n = ops[k].takes_tight ? o.n_tight : o.n;

		for (int i = 0; i < n; i++)
			for (int j = 0; j < n; j++)
				pair_check(&o, &ops[k], i, j, (i + j) % FE_LANES);
		for (int i = 0; i < n; i++)
			for (int lane = 0; lane < FE_LANES; lane++)
				pair_check(&o, &ops[k], i, n - 1 - i / 2, lane);
	}
	oracle_done(&o);
}

/* Of a - b - c: 0 - (2p - 1) - (2p - 1) and (2p - 1) - 0 - 0 among them. */
static void
test_triples(void **state UNUSED)
{
	const BIGNUM *v[FE_LANES][3];
	struct oracle o;
	int lane = 0;

	if (!can())
		skip();
	o = oracle_init();
	for (int i = 0; i < o.n_tight; i++)
		for (int j = 0; j < o.n_tight; j++)
			for (int k = j; k < o.n_tight; k += 1 + k / 4) {
				v[lane][0] = o.value[i];
				v[lane][1] = o.value[j];
				v[lane][2] = o.value[k];
				lane = (lane + 1) % FE_LANES;
				if (lane == 0)
					op_check(&o, &ops[ARRAY_LEN(ops) - 1], v, k % 3);
			}
	oracle_done(&o);
}

/* Below k p, the same in each run. */
static void
value_chance(struct oracle *o, BN_ULONG k, BIGNUM *ret)
{
	uint8_t octets[40];

	for (size_t i = 0; i < sizeof(octets); i++)
		octets[i] = (uint8_t)(random() >> 8);
	assert_non_null(BN_copy(o->t, o->p));
	assert_true(BN_mul_word(o->t, k) && BN_bin2bn(octets, sizeof(octets), ret) != NULL);
	assert_true(BN_mod(ret, ret, o->t, o->ctx));
}

static void
test_chance(void **state UNUSED)
{
	BIGNUM *any[FE_LANES][3];
	const BIGNUM *v[FE_LANES][3];
	struct oracle o;

	if (!can())
		skip();
	o = oracle_init();
	for (int l = 0; l < FE_LANES; l++)
		for (int k = 0; k < 3; k++)
			v[l][k] = any[l][k] = BN_new();
	for (int round = 0; round < 2000; round++)
		for (size_t i = 0; i < ARRAY_LEN(ops); i++) {
			for (int l = 0; l < FE_LANES; l++)
				for (int k = 0; k < 3; k++)
					value_chance(&o, ops[i].takes_tight ? 2 : KP, any[l][k]);
			op_check(&o, &ops[i], v, round % 3);
		}
	for (int l = 0; l < FE_LANES; l++)
		for (int k = 0; k < 3; k++)
			BN_free(any[l][k]);
	oracle_done(&o);
}

static void
test_inverse(void **state UNUSED)
{
	struct oracle o;

	if (!can())
		skip();
	o = oracle_init();
	for (int i = 0; i < o.n_tight; i++)
		for (int lane = 0; lane < FE_LANES; lane++)
			pair_check(&o, &op_inv, i, i, lane);
	oracle_done(&o);
}

/* --- constants --- */

FE_TARGET static void
constants(struct fe *one, struct fe *rr, struct fe *p4)
{
	*one = fe_one();
	*rr = fe_rr();
	*p4 = fe_times_p(4);
}

static void
test_constants(void **state UNUSED)
{
	struct fe one, rr, p4;
	struct oracle o;
	BIGNUM *v;

	if (!can())
		skip();
	o = oracle_init();
	v = BN_new();
	constants(&one, &rr, &p4);
	for (int lane = 0; lane < FE_LANES; lane++) {
		lane_get(&one, lane, v);
		assert_int_equal(BN_cmp(v, o.r), 0);
		assert_true(BN_mod_sqr(o.t, o.r, o.p, o.ctx));
		lane_get(&rr, lane, v);
		assert_int_equal(BN_cmp(v, o.t), 0);
		BN_zero(v);
		for (int i = FE_LIMBS - 1; i >= 0; i--)
			assert_true(BN_lshift(v, v, FE_BITS) &&
			    BN_add_word(v, *limb_of(&p4, lane, i)));
		assert_true(BN_lshift(o.t, o.p, 2));
		assert_int_equal(BN_cmp(v, o.t), 0);
	}
	BN_free(v);
	oracle_done(&o);
}

/* --- in and out --- */

FE_TARGET static unsigned
do_zero(const struct fe *a)
{
	return fe_zero(a);
}

/* v, and v with one bit of one limb or of two turned, in a lane among numbers that are not 0. */
static void
zero_near(struct oracle *o, const BIGNUM *v, int lane)
{
	struct fe a;

	for (int l = 0; l < FE_LANES; l++)
		lane_set(&a, l, o->r);
	lane_set(&a, lane, v);
	assert_int_equal(do_zero(&a), 1 << lane);
	for (int i = 0; i < FE_LIMBS; i++)
		for (int bit = 0; bit < FE_BITS - (i == FE_LIMBS - 1 ? 3 : 0); bit++) {
			*limb_of(&a, lane, i) ^= UINT64_C(1) << bit;
			assert_int_equal(do_zero(&a), 0);
			for (int j = 0; j < i; j++) {	/* the same bit of another: they must not cancel out */
				*limb_of(&a, lane, j) ^= UINT64_C(1) << bit;
				assert_int_equal(do_zero(&a), 0);
				*limb_of(&a, lane, j) ^= UINT64_C(1) << bit;
			}
			*limb_of(&a, lane, i) ^= UINT64_C(1) << bit;
		}
}

static void
test_zero(void **state UNUSED)
{
	struct oracle o;
	BIGNUM *zero;
	struct fe a;

	if (!can())
		skip();
	o = oracle_init();
	zero = BN_new();
	BN_zero(zero);
	for (int lane = 0; lane < FE_LANES; lane++) {
		zero_near(&o, zero, lane);
		zero_near(&o, o.p, lane);
	}
	for (unsigned mask = 0; mask < 256; mask++) {
		for (int l = 0; l < FE_LANES; l++)
			lane_set(&a, l, (mask >> l & 1) == 0 ? o.r : l % 2 == 0 ? zero : o.p);
		assert_int_equal(do_zero(&a), mask);
	}
	BN_free(zero);
	oracle_done(&o);
}

FE_TARGET static void
do_one_where(struct fe *a, unsigned mask)
{
	fe_one_where(a, mask);
}

static void
test_one_where(void **state UNUSED)
{
	struct oracle o;
	BIGNUM *v;
	struct fe a;

	if (!can())
		skip();
	o = oracle_init();
	v = BN_new();
	for (unsigned mask = 0; mask < 256; mask++) {
		for (int l = 0; l < FE_LANES; l++)
			lane_set(&a, l, o.value[o.n_tight - 1 - l]);
		do_one_where(&a, mask);
		for (int l = 0; l < FE_LANES; l++) {
			lane_get(&a, l, v);
			assert_int_equal(BN_cmp(v, mask >> l & 1 ? o.r : o.value[o.n_tight - 1 - l]), 0);
		}
	}
	BN_free(v);
	oracle_done(&o);
}

/* A number as the words of a row. */
static void
words_set(uint64_t w[P256_WORDS], const BIGNUM *v)
{
	uint8_t le[8 * P256_WORDS];

	assert_int_equal(BN_bn2lebinpad(v, le, sizeof(le)), sizeof(le));
	memcpy(w, le, sizeof(le));
}

FE_TARGET static void
do_load(struct fe *r, const uint64_t plain[FE_LANES][P256_WORDS])
{
	fe_load(r, plain);
}

/* Any 256 bits v become v R, tight. */
static void
load_check(struct oracle *o, const BIGNUM *const v[FE_LANES])
{
	static const struct op op = { "load", NULL, PRODUCT, false, false };
	uint64_t plain[FE_LANES][P256_WORDS];
	BIGNUM *rr = BN_new();
	struct fe r;

	assert_true(BN_sqr(rr, o->r, o->ctx));
	for (int l = 0; l < FE_LANES; l++)
		words_set(plain[l], v[l]);
	do_load(&r, plain);
	for (int l = 0; l < FE_LANES; l++)
		lane_check(o, &op, &r, l, (const BIGNUM *const[]){ v[l], rr, rr });
	BN_free(rr);
}

static void
test_load(void **state UNUSED)
{
	const BIGNUM *v[FE_LANES];
	struct oracle o;
	int n = 0;

	if (!can())
		skip();
	o = oracle_init();
	while (n < o.n && BN_num_bits(o.value[n]) <= 256)
		n++;
	assert_true(n > 2 * FE_LANES);
	for (int i = 0; i < n; i++)
		for (int lane = 0; lane < FE_LANES; lane++) {
			for (int l = 0; l < FE_LANES; l++)
				v[l] = o.value[random() % n];
			v[lane] = o.value[i];
			load_check(&o, v);
		}
	oracle_done(&o);
}

FE_TARGET static void
do_pt_load(struct fe *x, struct fe *y, const uint64_t *const row[FE_LANES], unsigned negate)
{
	pt_load(x, y, row, negate);
}

/* The rows are x = value i, y = value n - 1 - i, of the numbers below p; first in lane 0. */
static void
rows_check(struct oracle *o, const uint64_t (*rows)[P256_ROW], int n, int first, unsigned negate)
{
	const uint64_t *row[FE_LANES];
	BIGNUM *v = BN_new();
	struct fe x, y;

	for (int l = 0; l < FE_LANES; l++)
		row[l] = rows[(first + l) % n];
	do_pt_load(&x, &y, row, negate);
	for (int l = 0; l < FE_LANES; l++) {
		const int i = (first + l) % n;

		lane_get(&x, l, v);
		assert_int_equal(BN_cmp(v, o->value[i]), 0);
		lane_get(&y, l, v);
		if (negate >> l & 1)
			assert_true(BN_sub(v, o->p, v));
		assert_int_equal(BN_cmp(v, o->value[n - 1 - i]), 0);
	}
	BN_free(v);
}

static void
test_rows(void **state UNUSED)
{
	uint64_t rows[VALUES_MAX][P256_ROW];
	struct oracle o;
	int n = 0;

	if (!can())
		skip();
	o = oracle_init();
	while (BN_cmp(o.value[n], o.p) < 0)
		n++;
	for (int i = 0; i < n; i++) {
		words_set(rows[i], o.value[i]);
		words_set(rows[i] + P256_WORDS, o.value[n - 1 - i]);
	}
	for (int first = 0; first < n; first++)
		for (unsigned negate = 0; negate < 256; negate++)
			rows_check(&o, (const uint64_t (*)[P256_ROW])rows, n, first, negate);
	oracle_done(&o);
}

TESTS_MAIN("crypto/p256_fe8", T(test_constants), T(test_pairs), T(test_triples), T(test_chance),
    T(test_inverse), T(test_zero), T(test_one_where), T(test_load), T(test_rows))

#else

static void
test_none(void **state UNUSED)
{
	print_message("lanes are for x86-64\n");
	skip();
}

TESTS_MAIN("crypto/p256_fe8", T(test_none))

#endif
