/*
 * P-256 by tables, in words and in lanes, against OpenSSL's ECDSA_do_verify():
 * one's answer is the other's, but for those sums that meet an exception, which
 * must be left undecided; and beside them all others must be decided.
 */
#define OPENSSL_SUPPRESS_DEPRECATED
#include "../tap.h"

#include <errno.h>
#include <openssl/ec.h>
#include <openssl/ecdsa.h>
#include <openssl/obj_mac.h>
#include <stdlib.h>

#include "crypto/p256_terms.h"
#include "crypto/p256_way.h"

#define N_MAX	300		/* signatures of a batch: more than a chunk of any way */

struct curve {
	BN_CTX			*ctx;
	EC_GROUP		*group;
	const BIGNUM		*n;
	BIGNUM			*p;
	struct p256_table	*g[2];		/* in words, in lanes */
	struct p256_work	*work[2];
	uint64_t		 seed;
};

struct key {
	EC_KEY			*ec;
	struct p256_table	*table[2];
};

/* A signature as it is given, and what must come of it. */
struct signature {
	const struct key	*key;
	uint8_t			 digest[P256_LEN], sig[2 * P256_LEN];
	enum p256_verdict	 want;
};

static size_t
ways(void)
{
	return p256_lanes_can() ? 2 : 1;
}

static int
setup(void **state)
{
	struct curve *c = calloc(1, sizeof(*c));

	*c = (struct curve){ .ctx = BN_CTX_new(), .p = BN_new(), .seed = 1,
		.group = EC_GROUP_new_by_curve_name(NID_X9_62_prime256v1) };
	c->n = EC_GROUP_get0_order(c->group);
	assert_true(EC_GROUP_get_curve(c->group, c->p, NULL, NULL, c->ctx));
	for (size_t way = 0; way < ways(); way++) {
		assert_int_equal(p256_table_new(NULL, way == 1, &c->g[way]), 0);
		c->work[way] = p256_work_new(way == 1);
		assert_non_null(c->work[way]);
	}
	*state = c;
	return 0;
}

static int
teardown(void **state)
{
	struct curve *c = *state;

	for (size_t way = 0; way < ways(); way++) {
		assert_null(p256_table_free(c->g[way]));
		assert_null(p256_work_free(c->work[way]));
	}
	EC_GROUP_free(c->group);
	BN_free(c->p);
	BN_CTX_free(c->ctx);
	free(c);
	return 0;
}

static uint64_t
random_word(struct curve *c)
{
	c->seed = c->seed * 6364136223846793005 + 1442695040888963407;
	return c->seed >> 16;
}

/* From 1 to n - 1. */
static BIGNUM *
random_scalar(struct curve *c)
{
	uint8_t octets[P256_LEN];
	BIGNUM *r;

	for (size_t i = 0; i < sizeof(octets); i++)
		octets[i] = (uint8_t)random_word(c);
	r = BN_bin2bn(octets, sizeof(octets), NULL);
	assert_true(BN_mod(r, r, c->n, c->ctx) && !BN_is_zero(r));
	return r;
}

static BIGNUM *
number(int64_t v)
{
	BIGNUM *r = BN_new();

	assert_true(BN_set_word(r, (BN_ULONG)(v < 0 ? -v : v)));
	BN_set_negative(r, v < 0);
	return r;
}

static void
point_octets(struct curve *c, const EC_POINT *q, uint8_t xy[static 2 * P256_LEN])
{
	uint8_t octets[1 + 2 * P256_LEN];

	assert_int_equal(EC_POINT_point2oct(c->group, q, POINT_CONVERSION_UNCOMPRESSED, octets,
	    sizeof(octets), c->ctx), sizeof(octets));
	memcpy(xy, octets + 1, 2 * P256_LEN);
}

static struct key
key_of(struct curve *c, const EC_POINT *q)
{
	struct key k = { .ec = EC_KEY_new() };
	uint8_t xy[2 * P256_LEN];

	assert_true(EC_KEY_set_group(k.ec, c->group) && EC_KEY_set_public_key(k.ec, q));
	point_octets(c, q, xy);
	for (size_t way = 0; way < ways(); way++)
		assert_int_equal(p256_table_new(xy, way == 1, &k.table[way]), 0);
	return k;
}

/* d*G */
static struct key
key_times(struct curve *c, const BIGNUM *d)
{
	EC_POINT *q = EC_POINT_new(c->group);
	struct key k;

	assert_true(EC_POINT_mul(c->group, q, d, NULL, NULL, c->ctx));
	k = key_of(c, q);
	EC_POINT_free(q);
	return k;
}

static void
key_done(struct key *k)
{
	EC_KEY_free(k->ec);
	(void)p256_table_free(k->table[0]);
	(void)p256_table_free(k->table[1]);
}

/* OpenSSL's answer. */
static enum p256_verdict
oracle(const struct signature *s)
{
	ECDSA_SIG *sig = ECDSA_SIG_new();
	enum p256_verdict v;

	assert_true(ECDSA_SIG_set0(sig, BN_bin2bn(s->sig, P256_LEN, NULL),
	    BN_bin2bn(s->sig + P256_LEN, P256_LEN, NULL)));
	v = ECDSA_do_verify(s->digest, P256_LEN, sig, s->key->ec) == 1 ? P256_GOOD : P256_BAD;
	ECDSA_SIG_free(sig);
	return v;
}

static struct signature
signature_of(const struct key *k, const BIGNUM *e, const BIGNUM *r, const BIGNUM *s)
{
	struct signature ret = { .key = k };

	assert_true(BN_bn2binpad(e, ret.digest, P256_LEN) > 0);
	assert_true(BN_bn2binpad(r, ret.sig, P256_LEN) > 0);
	assert_true(BN_bn2binpad(s, ret.sig + P256_LEN, P256_LEN) > 0);
	ret.want = oracle(&ret);
	return ret;
}

/* Of e by d, the private key; nonce: k of FIPS 186-5. */
static struct signature
sign(struct curve *c, const struct key *k, const BIGNUM *d, const BIGNUM *e, const BIGNUM *nonce)
{
	EC_POINT *kg = EC_POINT_new(c->group);
	BIGNUM *r = BN_new(), *s = BN_new(), *inv = BN_new();
	struct signature ret;

	assert_true(EC_POINT_mul(c->group, kg, nonce, NULL, NULL, c->ctx) &&
	    EC_POINT_get_affine_coordinates(c->group, kg, r, NULL, c->ctx) &&
	    BN_nnmod(r, r, c->n, c->ctx));
	assert_true(BN_mod_mul(s, r, d, c->n, c->ctx) && BN_mod_add(s, s, e, c->n, c->ctx) &&
	    BN_mod_inverse(inv, nonce, c->n, c->ctx) && BN_mod_mul(s, s, inv, c->n, c->ctx));
	ret = signature_of(k, e, r, s);
	EC_POINT_free(kg);
	BN_free(r);
	BN_free(s);
	BN_free(inv);
	return ret;
}

static struct signature
sign_anything(struct curve *c, const struct key *k, const BIGNUM *d)
{
	BIGNUM *e = random_scalar(c), *nonce = random_scalar(c);
	struct signature s = sign(c, k, d, e, nonce);

	assert_int_equal(s.want, P256_GOOD);
	BN_free(e);
	BN_free(nonce);
	return s;
}

static void
batch_check(struct curve *c, size_t way, const struct signature *s, size_t n)
{
	struct p256_item items[N_MAX];

	for (size_t i = 0; i < n; i++)
		items[i] = (struct p256_item){ s[i].key->table[way], s[i].digest, s[i].sig,
			(enum p256_verdict)77 };
	p256_check(c->work[way], c->g[way], items, n);
	for (size_t i = 0; i < n; i++)
		if (items[i].verdict != s[i].want)
			fail_msg("way %zu, %zu of %zu: %d, not %d", way, i, n, (int)items[i].verdict,
			    (int)s[i].want);
}

static void
batches_check(struct curve *c, const struct signature *s, size_t n)
{
	for (size_t way = 0; way < ways(); way++)
		batch_check(c, way, s, n);
}

/* Of a key that everything else in its batches is good of. */
struct crowd {
	BIGNUM			*d;
	struct key		 key;
	struct signature	 s[N_MAX];
};

static struct crowd *
crowd_new(struct curve *c)
{
	struct crowd *w = calloc(1, sizeof(*w));

	w->d = random_scalar(c);
	w->key = key_times(c, w->d);
	for (size_t i = 0; i < N_MAX; i++)
		w->s[i] = i < 16 ? sign_anything(c, &w->key, w->d) : w->s[i % 16];
	return w;
}

static void
crowd_free(struct crowd *w)
{
	BN_free(w->d);
	key_done(&w->key);
	free(w);
}

/* Alone, and in a crowd at each place that could be another. */
static void
place_check(struct curve *c, struct crowd *w, const struct signature *one)
{
	static const struct {
		size_t n, at;
	} places[] = { { 1, 0 }, { 2, 1 }, { 8, 0 }, { 8, 1 }, { 8, 2 }, { 8, 3 }, { 8, 4 }, { 8, 5 },
		{ 8, 6 }, { 8, 7 }, { 9, 8 }, { 65, 0 }, { 65, 63 }, { 65, 64 }, { 129, 127 }, { 129, 128 } };

	for (size_t i = 0; i < ARRAY_LEN(places); i++) {
		struct signature was = w->s[places[i].at];

		w->s[places[i].at] = *one;
		batches_check(c, w->s, places[i].n);
		w->s[places[i].at] = was;
	}
}

static void
good_ones_and_changed_ones(void **state)
{
	struct curve *c = *state;
	struct key k[3];
	BIGNUM *d[ARRAY_LEN(k)];
	struct signature s[N_MAX];

	for (size_t i = 0; i < ARRAY_LEN(k); i++) {
		d[i] = random_scalar(c);
		k[i] = key_times(c, d[i]);
	}
	for (size_t i = 0; i < N_MAX; i++) {
		s[i] = sign_anything(c, &k[i % ARRAY_LEN(k)], d[i % ARRAY_LEN(k)]);
		if (random_word(c) % 3 == 0)
			s[i].sig[random_word(c) % 64] ^= (uint8_t)(1 << random_word(c) % 8);
		else if (random_word(c) % 3 == 0)
			s[i].digest[random_word(c) % 32] ^= (uint8_t)(1 << random_word(c) % 8);
		else if (random_word(c) % 3 == 0)
			s[i].key = &k[(i + 1) % ARRAY_LEN(k)];
		s[i].want = oracle(&s[i]);
	}
	for (size_t n = 0; n <= N_MAX; n += n < 20 ? 1 : 31)
		batches_check(c, s, n);
	batches_check(c, s, N_MAX);
	for (size_t i = 0; i < ARRAY_LEN(k); i++) {
		BN_free(d[i]);
		key_done(&k[i]);
	}
}

/* 0, 1, n-1, n, n+1, all ones */
#define EDGES	6
static BIGNUM *
edge(const struct curve *c, size_t i)
{
	BIGNUM *r = BN_new();

	assert_true(i < 2 ? BN_set_word(r, i) : BN_copy(r, c->n) != NULL);
	if (i == 2)
		assert_true(BN_sub_word(r, 1));
	if (i == 4)
		assert_true(BN_add_word(r, 1));
	if (i == 5)
		assert_true(BN_set_word(r, 0) && BN_set_bit(r, 256) && BN_sub_word(r, 1));
	return r;
}

static void
edges_of_r_s_and_the_digest(void **state)
{
	struct curve *c = *state;
	struct crowd *w = crowd_new(c);
	struct signature s[EDGES * EDGES * EDGES];
	size_t n = 0;

	for (size_t i = 0; i < ARRAY_LEN(s); i++) {
		BIGNUM *e = edge(c, i / EDGES / EDGES), *r = edge(c, i / EDGES % EDGES),
		    *t = edge(c, i % EDGES);
		struct signature one = signature_of(&w->key, e, r, t);
		bool in_range = BN_cmp(r, c->n) < 0 && BN_cmp(t, c->n) < 0 && !BN_is_zero(r) &&
		    !BN_is_zero(t);

		/* u1 = 0 is infinity on the way. */
		if (in_range && (BN_is_zero(e) || BN_cmp(e, c->n) == 0))
			one.want = P256_UNDECIDED;
		s[n++] = one;
		BN_free(e);
		BN_free(r);
		BN_free(t);
	}
	batches_check(c, s, n);
	for (size_t i = 0; i < n; i += 11)
		place_check(c, w, &s[i]);
	crowd_free(w);
}

static void
digests_of_0_and_above_the_order(void **state)
{
	struct curve *c = *state;
	struct crowd *w = crowd_new(c);

	for (size_t i = 0; i < EDGES; i++) {
		BIGNUM *e = edge(c, i), *nonce = random_scalar(c);
		struct signature s = sign(c, &w->key, w->d, e, nonce);

		assert_int_equal(s.want, P256_GOOD);
		if (i == 0 || i == 3)
			s.want = P256_UNDECIDED;
		place_check(c, w, &s);
		BN_free(e);
		BN_free(nonce);
	}
	crowd_free(w);
}

/*
 * Keys of which multiples of the generator are multiples as well: on the way, sums of both
 * tables are equal or opposite, but they meet in the last addition only.
 */
static void
keys_that_are_small_multiples(void **state)
{
	static const int64_t multiples[] = { 1, 2, 3, 4, 5, 127, 128, 255, 256, 257, 65536, 1 << 24 };
	struct curve *c = *state;

	for (size_t i = 0; i < 2 * ARRAY_LEN(multiples); i++) {
		BIGNUM *d = number(i % 2 ? -multiples[i / 2] : multiples[i / 2]);
		struct signature s[40];
		struct key k;

		assert_true(BN_nnmod(d, d, c->n, c->ctx));
		k = key_times(c, d);
		for (size_t j = 0; j < ARRAY_LEN(s); j++) {
			s[j] = sign_anything(c, &k, d);
			if (j % 3 == 2) {
				s[j].digest[31] ^= 1;
				s[j].want = P256_BAD;
			}
		}
		batches_check(c, s, ARRAY_LEN(s));
		key_done(&k);
		BN_free(d);
	}
}

/* Signatures of small numbers by small keys: few of the digits are not those of 1. */
static void
small_numbers(void **state)
{
	struct curve *c = *state;
	struct signature s[6 * 6 * 6];
	struct key k[6];

	for (int64_t d = 1; d <= 6; d++) {
		BIGNUM *bd = number(d);

		k[d - 1] = key_times(c, bd);
		for (int64_t i = 0; i < 36; i++) {
			BIGNUM *e = number(i / 6 + 1), *nonce = number(i % 6 + 1);

			s[(d - 1) * 36 + i] = sign(c, &k[d - 1], bd, e, nonce);
			BN_free(e);
			BN_free(nonce);
		}
		BN_free(bd);
	}
	batches_check(c, s, ARRAY_LEN(s));
	for (size_t i = 0; i < 6; i++)
		key_done(&k[i]);
}

/* e = r*d: u1*G and u2*Q are the same point, and the signature is good. */
static struct signature
equal_points(struct curve *c, const struct key *k, const BIGNUM *d)
{
	EC_POINT *kg = EC_POINT_new(c->group);
	BIGNUM *e = BN_new(), *nonce = random_scalar(c);
	struct signature s;

	assert_true(EC_POINT_mul(c->group, kg, nonce, NULL, NULL, c->ctx) &&
	    EC_POINT_get_affine_coordinates(c->group, kg, e, NULL, c->ctx) &&
	    BN_mod_mul(e, e, d, c->n, c->ctx));
	s = sign(c, k, d, e, nonce);
	EC_POINT_free(kg);
	BN_free(e);
	BN_free(nonce);
	return s;
}

/* e = -r*d: they are opposite, whatever s is, and the signature is bad. */
static struct signature
opposite_points(struct curve *c, const struct key *k, const BIGNUM *d)
{
	BIGNUM *r = random_scalar(c), *s = random_scalar(c), *e = BN_new();
	struct signature ret;

	assert_true(BN_mod_mul(e, r, d, c->n, c->ctx) && BN_sub(e, c->n, e));
	ret = signature_of(k, e, r, s);
	BN_free(r);
	BN_free(s);
	BN_free(e);
	return ret;
}

static void
equal_and_opposite_points(void **state)
{
	struct curve *c = *state;
	struct crowd *w = crowd_new(c);
	struct signature s = equal_points(c, &w->key, w->d);

	assert_int_equal(s.want, P256_GOOD);
	s.want = P256_UNDECIDED;
	place_check(c, w, &s);
	s = opposite_points(c, &w->key, w->d);
	assert_int_equal(s.want, P256_BAD);
	s.want = P256_UNDECIDED;
	place_check(c, w, &s);
	crowd_free(w);
}

/* A point with that x, or none. */
static bool
point_with(struct curve *c, EC_POINT *ret, const BIGNUM *x)
{
	return EC_POINT_set_compressed_coordinates(c->group, ret, x, 0, c->ctx) == 1;
}

/* A key of which R is the sum for r, s and e: Q = (s*R - e*G) / r. */
static struct key
key_for_sum(struct curve *c, const EC_POINT *sum, const BIGNUM *r, const BIGNUM *s, const BIGNUM *e)
{
	EC_POINT *q = EC_POINT_new(c->group);
	BIGNUM *inv = BN_mod_inverse(NULL, r, c->n, c->ctx), *a = BN_new(), *b = BN_new();
	struct key k;

	assert_true(BN_mod_mul(a, s, inv, c->n, c->ctx) && BN_mod_mul(b, e, inv, c->n, c->ctx) &&
	    BN_sub(b, c->n, b));
	assert_true(EC_POINT_mul(c->group, q, b, sum, a, c->ctx));
	k = key_of(c, q);
	EC_POINT_free(q);
	BN_free(inv);
	BN_free(a);
	BN_free(b);
	return k;
}

/*
 * The one scalar but 0 with an exception in its own tree (p256_sum.h): the order's digits, those
 * of odd windows turned. Then even and odd windows differ by the order.
 */
static BIGNUM *
scalar_of_equal_halves(struct curve *c)
{
	BIGNUM *v = BN_new(), *k = number(0), *d = BN_new();
	uint8_t octets[P256_LEN];

	assert_true(BN_rshift1(v, c->n) && BN_set_word(d, 1) && BN_lshift(d, d, 255) &&
	    BN_add(v, v, d));
	assert_int_equal(BN_bn2lebinpad(v, octets, sizeof(octets)), P256_LEN);
	for (size_t i = P256_LEN; i-- > 0;) {
		int digit = 2 * octets[i] - 255;

		if (i % 2 == 1)
			digit = -digit;
		assert_true(BN_mul_word(k, 256) && (digit < 0 ? BN_sub_word(k, (BN_ULONG)-digit) :
		    BN_add_word(k, (BN_ULONG)digit)));
	}
	BN_set_negative(k, 0);
	assert_true(BN_cmp(k, c->n) < 0 && BN_is_odd(k));
	BN_free(v);
	BN_free(d);
	return k;
}

/* It, or its negative, as u1 = e/s or as u2 = r/s of a good signature. */
static void
scalars_of_equal_halves(void **state)
{
	struct curve *c = *state;
	struct crowd *w = crowd_new(c);
	BIGNUM *u = scalar_of_equal_halves(c), *five = number(5);
	BIGNUM *r = BN_new(), *s = BN_new(), *e = BN_new();
	EC_POINT *sum = EC_POINT_new(c->group);

	assert_true(point_with(c, sum, five) && BN_copy(r, five));
	for (int i = 0; i < 4; i++) {
		struct signature one;
		struct key k;

		assert_true(i % 2 == 0 || BN_sub(u, c->n, u));
		assert_true(BN_mod_inverse(s, u, c->n, c->ctx) && BN_mod_mul(s, s, r, c->n, c->ctx) &&
		    BN_copy(e, w->d));
		assert_true(i < 2 || (BN_copy(s, w->d) && BN_mod_mul(e, u, s, c->n, c->ctx)));
		k = key_for_sum(c, sum, r, s, e);
		one = signature_of(&k, e, r, s);
		assert_int_equal(one.want, P256_GOOD);
		one.want = P256_UNDECIDED;
		place_check(c, w, &one);
		key_done(&k);
	}
	EC_POINT_free(sum);
	BN_free(u);
	BN_free(five);
	BN_free(r);
	BN_free(s);
	BN_free(e);
	crowd_free(w);
}

/* The x of the sum is x0 + i for the first i that has a point. */
static void
sum_with_x_from(struct curve *c, struct crowd *w, const BIGNUM *x0)
{
	EC_POINT *sum = EC_POINT_new(c->group);
	BIGNUM *x = BN_dup(x0), *r = BN_new(), *s = random_scalar(c), *e = random_scalar(c);
	struct signature one;
	struct key k;

	while (!point_with(c, sum, x))
		assert_true(BN_add_word(x, 1));
	assert_true(BN_cmp(x, c->p) < 0 && BN_nnmod(r, x, c->n, c->ctx));
	k = key_for_sum(c, sum, r, s, e);
	one = signature_of(&k, e, r, s);
	assert_int_equal(one.want, P256_GOOD);
	place_check(c, w, &one);
	for (int i = -1; i <= 1; i += 2) {		/* its neighbours are bad */
		assert_true(i < 0 ? BN_sub_word(r, 1) : BN_add_word(r, 2));
		one = signature_of(&k, e, r, s);
		assert_int_equal(one.want, P256_BAD);
		batches_check(c, &one, 1);
	}
	key_done(&k);
	EC_POINT_free(sum);
	BN_free(x);
	BN_free(r);
	BN_free(s);
	BN_free(e);
}

static void
sums_with_x_at_or_above_the_order(void **state)
{
	struct curve *c = *state;
	struct crowd *w = crowd_new(c);
	BIGNUM *x = BN_dup(c->n), *small = number(2);

	assert_true(BN_add_word(x, 2));
	sum_with_x_from(c, w, x);			/* just above the order */
	assert_true(BN_copy(x, c->p) && BN_sub_word(x, 200));
	sum_with_x_from(c, w, x);			/* just below p */
	sum_with_x_from(c, w, small);			/* r + order is below p, but x is r */
	assert_true(BN_sub(x, c->p, c->n) && BN_sub_word(x, 100));
	sum_with_x_from(c, w, x);			/* the same, only just */
	assert_true(BN_add_word(x, 200));
	sum_with_x_from(c, w, x);			/* not any more */
	BN_free(x);
	BN_free(small);
	crowd_free(w);
}

/* In a batch of all of them, each is what it is. */
static void
everything_at_once(void **state)
{
	struct curve *c = *state;
	struct crowd *w = crowd_new(c);
	BIGNUM *zero = number(0), *nonce = random_scalar(c);
	struct signature odd[3] = { equal_points(c, &w->key, w->d),
		opposite_points(c, &w->key, w->d), sign(c, &w->key, w->d, zero, nonce) };

	for (size_t i = 0; i < ARRAY_LEN(odd); i++)
		odd[i].want = P256_UNDECIDED;
	for (size_t round = 0; round < 20; round++) {
		for (size_t i = 0; i < N_MAX; i++) {
			w->s[i] = w->s[random_word(c) % 4];
			if (random_word(c) % (1 + round) == 0)
				w->s[i] = odd[random_word(c) % ARRAY_LEN(odd)];
			if (i < 4)
				w->s[i] = sign_anything(c, &w->key, w->d);
			if (random_word(c) % 8 == 0)
				memset(w->s[i].sig + 32, 0, 32), w->s[i].want = P256_BAD;
		}
		batches_check(c, w->s, N_MAX);
	}
	BN_free(zero);
	BN_free(nonce);
	crowd_free(w);
}

/* Lanes that are only filled up have no verdict: n are set, the ones behind stay. */
static void
verdicts_are_as_many(void **state)
{
	struct curve *c = *state;
	const uint64_t one[P256_WORDS] = { 1 }, two[P256_WORDS] = { 2 };

	for (size_t n = 1; n <= 3 * P256_LANES; n++)
		for (size_t way = 0; way < ways(); way++) {
			const struct p256_way *w = way == 1 ? p256_way_lanes() : p256_way_64();
			void *room = aligned_alloc(64, (w->room_size + 63) / 64 * 64);
			enum p256_verdict verdict[4 * P256_LANES];
			struct p256_terms terms[3 * P256_LANES];

			assert_non_null(room);
			for (size_t i = 0; i < ARRAY_LEN(terms); i++)
				p256_terms_set(&terms[i], c->g[way], one, one, two);
			memset(verdict, 0x5a, sizeof(verdict));
			w->check(room, c->g[way], terms, n, verdict);
			for (size_t i = 0; i < n; i++)
				assert_int_equal(verdict[i], P256_BAD);
			for (size_t i = n; i < ARRAY_LEN(verdict); i++)
				assert_int_equal(verdict[i], 0x5a5a5a5a);
			free(room);
		}
}

/* A row as words, with R = 2^shift. */
static void
row_check(struct curve *c, const struct p256_table *t, const EC_POINT *q, size_t window, size_t i,
    int shift)
{
	EC_POINT *want = EC_POINT_new(c->group);
	BIGNUM *k = number((int64_t)(2 * i + 1)), *xy[2] = { BN_new(), BN_new() };

	assert_true(BN_lshift(k, k, (int)(8 * window)) &&
	    EC_POINT_mul(c->group, want, NULL, q, k, c->ctx) &&
	    EC_POINT_get_affine_coordinates(c->group, want, xy[0], xy[1], c->ctx));
	for (size_t j = 0; j < 2; j++) {
		uint8_t octets[P256_LEN];

		assert_true(BN_mod_lshift(xy[j], xy[j], shift, c->p, c->ctx) &&
		    BN_bn2lebinpad(xy[j], octets, sizeof(octets)) > 0);
		for (size_t o = 0; o < P256_LEN; o++)
			assert_int_equal(octets[o], (uint8_t)(t->row[window][i][4 * j + o / 8] >> 8 * (o % 8)));
	}
	EC_POINT_free(want);
	BN_free(k);
	BN_free(xy[0]);
	BN_free(xy[1]);
}

static void
tables_have_the_multiples(void **state)
{
	struct curve *c = *state;
	BIGNUM *d = random_scalar(c);
	struct key k = key_times(c, d);

	for (size_t way = 0; way < ways(); way++)
		for (size_t i = 0; i < P256_WINDOWS * P256_MULTIPLES; i += i < 300 ? 1 : 13) {
			size_t w = i / P256_MULTIPLES, j = i % P256_MULTIPLES;
			int shift = way == 1 ? 260 : 256;

			row_check(c, k.table[way], EC_KEY_get0_public_key(k.ec), w, j, shift);
			row_check(c, c->g[way], EC_GROUP_get0_generator(c->group), w, j, shift);
		}
	key_done(&k);
	BN_free(d);
}

static void
what_is_no_point_has_no_table(void **state)
{
	struct curve *c = *state;
	struct p256_table *t = NULL;
	uint8_t g[2 * P256_LEN], xy[2 * P256_LEN];
	BIGNUM *five = number(5), *x = BN_new();
	EC_POINT *q = EC_POINT_new(c->group);

	point_octets(c, EC_GROUP_get0_generator(c->group), g);
	for (size_t i = 0; i < sizeof(g); i++) {
		memcpy(xy, g, sizeof(xy));
		xy[i] ^= 1;
		assert_int_equal(p256_table_new(xy, false, &t), -EINVAL);
	}
	memset(xy, 0, sizeof(xy));
	assert_int_equal(p256_table_new(xy, false, &t), -EINVAL);
	memset(xy, 0xff, sizeof(xy));
	assert_int_equal(p256_table_new(xy, false, &t), -EINVAL);
	/* A point whose x fits twice: x + p is below 2^256 and no other name of it. */
	assert_true(point_with(c, q, five));
	point_octets(c, q, xy);
	assert_true(BN_add(x, c->p, five) && BN_bn2binpad(x, xy, P256_LEN) == P256_LEN);
	assert_int_equal(p256_table_new(xy, false, &t), -EINVAL);
	assert_null(t);
	assert_null(p256_table_free(NULL));
	assert_null(p256_work_free(NULL));
	BN_free(five);
	BN_free(x);
	EC_POINT_free(q);
}

static void
lanes_were_tried(void **state UNUSED)
{
	if (p256_lanes_can())
		return;
	assert_null(p256_way_lanes());
	assert_null(p256_work_new(true));
	print_message("# no AVX-512 IFMA here: all of this was for words only\n");
	skip();
}

#define TF(fn)	cmocka_unit_test_setup_teardown(fn, setup, teardown)
TESTS_MAIN("crypto/p256", TF(good_ones_and_changed_ones), TF(edges_of_r_s_and_the_digest),
	TF(digests_of_0_and_above_the_order), TF(keys_that_are_small_multiples), TF(small_numbers),
	TF(equal_and_opposite_points), TF(scalars_of_equal_halves),
	TF(sums_with_x_at_or_above_the_order), TF(everything_at_once),
	TF(verdicts_are_as_many), TF(tables_have_the_multiples),
	TF(what_is_no_point_has_no_table), T(lanes_were_tried))
