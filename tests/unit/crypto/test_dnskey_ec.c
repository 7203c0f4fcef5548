/*
 * ECDSA at its edges, and against OpenSSL's own verification: prepared and
 * plain keys must say what it says, of every signature. Digests are given as
 * they are here, so that the multipliers can be chosen.
 */
#include "dnskey_kit.h"

#include "crypto/dnskey_internal.h"

/* The signer with chance that we choose. */
#include <openssl/rand.h>
static int	fixed_bytes(unsigned char *, int);
static int	fixed_sign(struct dns_work *, const struct crypto_priv *, const struct dns_todo *, size_t);
#define RAND_priv_bytes	fixed_bytes
#define dns_ec_sign	fixed_sign
#define chunk		sign_chunk
#include "../../../src/crypto/dnskey_ecsign.c"
#undef chunk

struct curve {
	const struct dns_alg *alg;
	size_t		 len;
	EC_GROUP	*group;
	const BIGNUM	*n;
	BIGNUM		*p;
	BN_CTX		*ctx;
};

/* A key twice: for the oracle and for us. */
struct key {
	EC_KEY			*ec;
	struct crypto_pub	*pub;
};

static struct curve
curve_of(uint8_t alg)
{
	struct curve c = { .alg = dns_alg_find(alg), .ctx = BN_CTX_new(), .p = BN_new() };

	c.len = c.alg->digest_len;
	c.group = EC_GROUP_new_by_curve_name(c.alg->nid);
	c.n = EC_GROUP_get0_order(c.group);
	assert_int_equal(EC_GROUP_get_curve(c.group, c.p, NULL, NULL, c.ctx), 1);
	return c;
}

static void
curve_done(struct curve *c)
{
	EC_GROUP_free(c->group);
	BN_free(c->p);
	BN_CTX_free(c->ctx);
}

static struct key
key_of(struct curve *c, const EC_POINT *q)
{
	struct key k = { .ec = EC_KEY_new() };
	uint8_t b[97];

	assert_int_equal(EC_KEY_set_group(k.ec, c->group), 1);
	assert_int_equal(EC_KEY_set_public_key(k.ec, q), 1);
	assert_int_equal(EC_POINT_point2oct(c->group, q, POINT_CONVERSION_UNCOMPRESSED, b,
	    sizeof(b), c->ctx), 1 + 2 * c->len);
	assert_int_equal(crypto_pub_new(c->alg->alg, sv_of(b + 1, 2 * c->len), &k.pub), 0);
	return k;
}

/* d*G */
static struct key
key_times(struct curve *c, const BIGNUM *d)
{
	EC_POINT *q = EC_POINT_new(c->group);
	struct key k;

	assert_int_equal(EC_POINT_mul(c->group, q, d, NULL, NULL, c->ctx), 1);
	k = key_of(c, q);
	EC_POINT_free(q);
	return k;
}

static void
key_done(struct key *k)
{
	EC_KEY_free(k->ec);
	(void)crypto_pub_free(k->pub);
}

/* As many as give a key a table, so that every way is gone. */
#define COPIES	40

/* The answer of our two ways, which is the oracle's. r and s can be anything that fits. */
static bool
says(struct curve *c, struct key *k, const BIGNUM *e, const BIGNUM *r, const BIGNUM *s)
{
	uint8_t digest[48], sig[96];
	struct dns_work w = { 0 };
	struct crypto_verify v[COPIES], *list[] = { &v[0] };
	ECDSA_SIG *want = ECDSA_SIG_new();
	int yes;

	assert_true(BN_bn2binpad(e, digest, (int)c->len) > 0);
	assert_true(BN_bn2binpad(r, sig, (int)c->len) > 0);
	assert_true(BN_bn2binpad(s, sig + c->len, (int)c->len) > 0);
	assert_int_equal(ECDSA_SIG_set0(want, BN_dup(r), BN_dup(s)), 1);
	yes = ECDSA_do_verify(digest, (int)c->len, want, k->ec);
	ECDSA_SIG_free(want);
	ERR_clear_error();
	for (size_t i = 0; i < COPIES; i++)
		v[i] = (struct crypto_verify){ .key = k->pub, .tbs = sv_of(digest, c->len),
		    .sig = sv_of(sig, 2 * c->len) };
	assert_int_equal(dns_ec_check(&w, list, 1), 0);
	dns_work_done(&w);
	assert_int_equal(v[0].ok, yes == 1);
	/* P-384 has OpenSSL's way only. */
	assert_int_equal(crypto_verify_batch(v, c->len == 32 ? COPIES : 1), 0);
	for (size_t i = 0; i < (c->len == 32 ? COPIES : 1); i++)
		assert_int_equal(v[i].ok, yes == 1);
	return yes == 1;
}

static BIGNUM *
number(struct curve *c)
{
	BIGNUM *x = BN_new();

	do
		assert_int_equal(BN_rand_range(x, c->n), 1);
	while (BN_is_zero(x));
	return x;
}

/* x of k*G mod n */
static BIGNUM *
x_of(struct curve *c, const BIGNUM *k)
{
	EC_POINT *p = EC_POINT_new(c->group);
	BIGNUM *x = BN_new();

	assert_int_equal(EC_POINT_mul(c->group, p, k, NULL, NULL, c->ctx), 1);
	assert_int_equal(EC_POINT_get_affine_coordinates(c->group, p, x, NULL, c->ctx), 1);
	assert_int_equal(BN_nnmod(x, x, c->n, c->ctx), 1);
	EC_POINT_free(p);
	return x;
}

/* s = (e + r*d) / k */
static BIGNUM *
s_of(struct curve *c, const BIGNUM *e, const BIGNUM *r, const BIGNUM *d, const BIGNUM *k)
{
	BIGNUM *s = BN_new(), *ki = BN_mod_inverse(NULL, k, c->n, c->ctx);

	assert_int_equal(BN_mod_mul(s, r, d, c->n, c->ctx), 1);
	assert_int_equal(BN_mod_add(s, s, e, c->n, c->ctx), 1);
	assert_int_equal(BN_mod_mul(s, s, ki, c->n, c->ctx), 1);
	BN_free(ki);
	return s;
}

/* Everything around one signature: what r and s must not be. */
static void
outside(struct curve *c, struct key *k, const BIGNUM *e, const BIGNUM *r, const BIGNUM *s)
{
	BIGNUM *v[10], *high = BN_new();
	size_t n = 0;

	for (; n < ARRAY_LEN(v); n++)
		v[n] = BN_new();
	assert_int_equal(BN_one(v[1]), 1);
	assert_non_null(BN_copy(v[2], c->n));
	assert_int_equal(BN_sub(v[3], c->n, BN_value_one()), 1);
	assert_int_equal(BN_add(v[4], c->n, BN_value_one()), 1);
	assert_non_null(BN_copy(v[5], c->p));
	assert_int_equal(BN_sub(v[6], c->p, BN_value_one()), 1);
	assert_int_equal(BN_set_bit(v[7], (int)c->len * 8), 1);
	assert_int_equal(BN_sub_word(v[7], 1), 1);		/* all ones */
	assert_int_equal(BN_sub(v[8], c->n, r), 1);
	assert_int_equal(BN_rshift1(v[9], c->n), 1);
	for (size_t i = 0; i < n; i++) {
		assert_false(says(c, k, e, v[i], s));
		assert_false(says(c, k, e, r, v[i]));
		for (size_t j = 0; j < n; j++)
			(void)says(c, k, e, v[i], v[j]);
	}
	/* n - s is as good as s, everywhere. */
	assert_int_equal(BN_sub(high, c->n, s), 1);
	assert_true(says(c, k, e, r, high));
	for (size_t i = 0; i < n; i++)
		BN_free(v[i]);
	BN_free(high);
}

/* A signature of the digest e by d, and e chosen for what u1*G + u2*Q goes through. */
static void
chosen(struct curve *c, struct key *k, const BIGNUM *d)
{
	BIGNUM *nonce = number(c), *r = x_of(c, nonce), *e = BN_new(), *s, *t = BN_new();

	/* e = 0: u1 is zero */
	BN_zero(e);
	s = s_of(c, e, r, d, nonce);
	assert_true(says(c, k, e, r, s));
	outside(c, k, e, r, s);
	BN_free(s);
	/* e = n, which is zero as well; e = n - 1; all ones, beyond the order */
	s = s_of(c, c->n, r, d, nonce);
	assert_true(says(c, k, c->n, r, s));
	BN_free(s);
	assert_int_equal(BN_sub(e, c->n, BN_value_one()), 1);
	s = s_of(c, e, r, d, nonce);
	assert_true(says(c, k, e, r, s));
	BN_free(s);
	BN_zero(e);
	assert_int_equal(BN_set_bit(e, (int)c->len * 8), 1);
	assert_int_equal(BN_sub_word(e, 1), 1);
	s = s_of(c, e, r, d, nonce);
	assert_true(says(c, k, e, r, s));
	BN_free(s);
	/* e = r*d: both products are one point, which is doubled */
	assert_int_equal(BN_mod_mul(e, r, d, c->n, c->ctx), 1);
	s = s_of(c, e, r, d, nonce);
	assert_true(says(c, k, e, r, s));
	/* e = -r*d: they are opposite, the sum is infinity whatever s is */
	assert_int_equal(BN_sub(e, c->n, e), 1);
	assert_false(says(c, k, e, r, s));
	assert_int_equal(BN_one(t), 1);
	assert_false(says(c, k, e, r, t));
	BN_free(s);
	BN_free(t);
	BN_free(e);
	BN_free(r);
	BN_free(nonce);
}

/* The nonce 1 and n - 1: the sum is G or -G; s = 1, u1 = 1, u2 = 1. */
static void
small(struct curve *c, struct key *k, const BIGNUM *d)
{
	BIGNUM *one = BN_dup(BN_value_one()), *less = BN_new(), *r, *s, *e = BN_new();

	assert_int_equal(BN_sub(less, c->n, one), 1);
	r = x_of(c, one);
	for (unsigned i = 0; i < 2; i++) {
		BIGNUM *x = number(c);

		s = s_of(c, x, r, d, i == 0 ? one : less);
		assert_true(says(c, k, x, r, s));
		BN_free(s);
		BN_free(x);
	}
	/* s = r makes u2 = 1 */
	assert_int_equal(BN_mod_mul(e, r, d, c->n, c->ctx), 1);
	assert_int_equal(BN_mod_sub(e, r, e, c->n, c->ctx), 1);
	assert_true(says(c, k, e, r, r));
	/* and s = e makes u1 = 1, for e = r*d/(k-1): with k = 2, r of 2G */
	BN_free(r);
	assert_int_equal(BN_set_word(less, 2), 1);
	r = x_of(c, less);
	assert_int_equal(BN_mod_mul(e, r, d, c->n, c->ctx), 1);
	assert_true(says(c, k, e, r, e));
	BN_free(r);
	BN_free(e);
	BN_free(less);
	BN_free(one);
}

static void
edges(struct curve *c)
{
	BIGNUM *d = BN_new();

	/* Q = G, 2G, -G, G/2, and some other */
	for (unsigned i = 0; i < 5; i++) {
		struct key k;

		if (i < 2)
			assert_int_equal(BN_set_word(d, i + 1), 1);
		else if (i == 2)
			assert_int_equal(BN_sub(d, c->n, BN_value_one()), 1);
		else if (i == 3) {
			assert_int_equal(BN_add(d, c->n, BN_value_one()), 1);
			assert_int_equal(BN_rshift1(d, d), 1);
		} else
			assert_int_equal(BN_rand_range(d, c->n), 1);
		k = key_times(c, d);
		chosen(c, &k, d);
		small(c, &k, d);
		key_done(&k);
	}
	BN_free(d);
}

/* A sum whose x is in [n, p): r is x - n, and only the second comparison finds it. */
static void
wrapped(struct curve *c)
{
	BIGNUM *x = BN_dup(c->n), *r = BN_new(), *e = number(c), *s = number(c), *u = BN_new();
	EC_POINT *sum = EC_POINT_new(c->group), *q = EC_POINT_new(c->group);
	BIGNUM *ri;
	struct key k;

	/* (p - n) is 2^128 or 2^190, half of all x are on the curve */
	while (EC_POINT_set_compressed_coordinates(c->group, sum, x, 0, c->ctx) != 1 ||
	    BN_cmp(x, c->n) == 0) {
		ERR_clear_error();
		assert_int_equal(BN_add_word(x, 1), 1);
	}
	assert_true(BN_cmp(x, c->p) < 0);
	assert_int_equal(BN_sub(r, x, c->n), 1);
	/* Q = (s*sum - e*G) / r */
	ri = BN_mod_inverse(NULL, r, c->n, c->ctx);
	assert_int_equal(BN_mod_mul(u, s, ri, c->n, c->ctx), 1);
	assert_int_equal(BN_mod_mul(ri, e, ri, c->n, c->ctx), 1);
	assert_int_equal(BN_sub(ri, c->n, ri), 1);
	assert_int_equal(EC_POINT_mul(c->group, q, ri, sum, u, c->ctx), 1);
	k = key_of(c, q);
	assert_true(says(c, &k, e, r, s));
	/* r + n is not below the order */
	assert_false(says(c, &k, e, x, s));
	assert_int_equal(BN_add_word(r, 1), 1);
	assert_false(says(c, &k, e, r, s));
	key_done(&k);
	BN_free(ri);
	EC_POINT_free(sum);
	EC_POINT_free(q);
	BN_free(x);
	BN_free(r);
	BN_free(e);
	BN_free(s);
	BN_free(u);
}

static void
p256(void **state UNUSED)
{
	struct curve c = curve_of(13);

	edges(&c);
	wrapped(&c);
	curve_done(&c);
}

static void
p384(void **state UNUSED)
{
	struct curve c = curve_of(14);

	edges(&c);
	wrapped(&c);
	curve_done(&c);
}

/* Random keys, digests and signatures, right and with one bit changed. */
static void
oracle(void **state UNUSED)
{
	struct curve c = curve_of(13);

	for (unsigned i = 0; i < 8; i++) {
		BIGNUM *d = number(&c);
		struct key k = key_times(&c, d);

		for (unsigned j = 0; j < 24; j++) {
			BIGNUM *e = number(&c), *nonce = number(&c), *r = x_of(&c, nonce);
			BIGNUM *s = s_of(&c, e, r, d, nonce);
			BIGNUM *bad[3] = { e, r, s };
			int bit = (int)(j * 11 % 256);

			assert_true(says(&c, &k, e, r, s));
			for (size_t m = 0; m < 3; m++) {
				bool set = BN_is_bit_set(bad[m], bit);

				assert_int_equal(set ? BN_clear_bit(bad[m], bit) :
				    BN_set_bit(bad[m], bit), 1);
				(void)says(&c, &k, e, r, s);
				assert_int_equal(set ? BN_set_bit(bad[m], bit) :
				    BN_clear_bit(bad[m], bit), 1);
			}
			BN_free(e);
			BN_free(nonce);
			BN_free(r);
			BN_free(s);
		}
		key_done(&k);
		BN_free(d);
	}
	curve_done(&c);
}

/* --- nonces without chance --- */

static uint8_t fixed;

static int
fixed_bytes(unsigned char *p, int n)
{
	memset(p, fixed, (size_t)n);
	return 1;
}

/*
 * The same random octets for ever (a machine that was copied): other digests
 * and other keys still have other nonces. Only the same again is the same.
 */
static void
nonces(void **state UNUSED)
{
	struct crypto_priv *k[2] = { NULL };
	uint8_t digest[3][32], sig[2][4][64];

	memset(digest, 0x5a, sizeof(digest));
	digest[1][31] ^= 1;
	digest[2][0] ^= 0x80;
	for (size_t i = 0; i < 2; i++) {
		struct dns_work w = { 0 };
		struct dns_todo t[4];

		assert_int_equal(crypto_priv_generate(13, 0, &k[i]), 0);
		for (size_t j = 0; j < 4; j++)
			t[j] = (struct dns_todo){ sv_of(digest[j % 3], 32), sig[i][j] };
		assert_int_equal(fixed_sign(&w, k[i], t, 4), 0);
		/* t[3] is t[0] again */
		for (size_t j = 0; j < 4; j++)
			for (size_t l = 0; l < j; l++)
				assert_int_equal(memcmp(sig[i][j], sig[i][l], 32) == 0, j == 3 && l == 0);
		assert_memory_equal(sig[i][3], sig[i][0], 64);
		dns_work_done(&w);
	}
	for (size_t j = 0; j < 4; j++)
		assert_memory_not_equal(sig[0][j], sig[1][j], 32);
	/* and other chance gives others */
	for (fixed = 1; fixed < 3; fixed++) {
		struct dns_work w = { 0 };
		struct dns_todo t[4];

		for (size_t j = 0; j < 4; j++)
			t[j] = (struct dns_todo){ sv_of(digest[j % 3], 32), sig[1][j] };
		assert_int_equal(fixed_sign(&w, k[0], t, 4), 0);
		assert_memory_not_equal(sig[0][0], sig[1][0], 32);
		dns_work_done(&w);
	}
	(void)crypto_priv_free(k[0]);
	(void)crypto_priv_free(k[1]);
}

TESTS_MAIN("crypto/dnskey_ec", T(p256), T(p384), T(oracle), T(nonces))
