/*
 * One signature of any octets, on each way that this machine can: all say the
 * same, of one and of as many as lanes and tables want.
 *
 *	a mode, how many, digest (32), and
 *	0: RSA-2048, fresh: modulus (256), signature (256)
 *	1: the same with a prepared key
 *	2: P-256: the key's d (32), r, s (32 each)
 *	3: P-256: d, u1, u2 (32 each): the signature whose sum is u1*G + u2*Q
 *
 * Octets that are missing are zeros. Mode 3 leads chance into the additions:
 * what it makes is good, whatever the numbers. Items beside the first have a
 * bit changed, each another.
 */
#include <openssl/ec.h>
#include <openssl/objects.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/rd.h"
#include "crypto/verify.h"

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

#define ITEMS_MAX	40	/* a table is made for a key from 32 on (crypto/p256_cache.h) */
#define SIG_MAX		256

struct input {
	uint8_t		 mode;
	size_t		 n;
	uint8_t		 digest[32];
	uint8_t		 modulus[256];
	uint8_t		 d[32];
	uint8_t		 sig[SIG_MAX];
	size_t		 sig_n;
};

struct curve {
	EC_GROUP	*group;
	const BIGNUM	*order;
	BN_CTX		*ctx;
	EC_POINT	*point;
	BIGNUM		*d, *u1, *u2, *t;
};

static void
take(struct rd *r, uint8_t *ret, size_t n)
{
	size_t have = min_size(n, rd_left(r));

	memset(ret, 0, n);
	if (have > 0)
		memcpy(ret, rd_bytes(r, have), have);
}

static void
input_read(struct rd *r, struct input *in)
{
	in->mode = rd_u8(r) & 3;
	in->n = 1 + rd_u8(r) % ITEMS_MAX;
	in->sig_n = in->mode < 2 ? 256 : 64;
	take(r, in->digest, sizeof(in->digest));
	if (in->mode < 2)
		take(r, in->modulus, sizeof(in->modulus));
	else
		take(r, in->d, sizeof(in->d));
	take(r, in->sig, in->sig_n);
}

static void
curve_init(struct curve *c)
{
	c->group = EC_GROUP_new_by_curve_name(NID_X9_62_prime256v1);
	c->ctx = BN_CTX_new();
	c->d = BN_new();
	c->u1 = BN_new();
	c->u2 = BN_new();
	c->t = BN_new();
	if (c->group == NULL || c->t == NULL || (c->point = EC_POINT_new(c->group)) == NULL)
		abort();
	c->order = EC_GROUP_get0_order(c->group);
}

/* d is taken modulo the order. false: it is 0. */
static bool
key_octets(struct curve *c, const uint8_t *d, uint8_t form[static 65])
{
	if (BN_bin2bn(d, 32, c->d) == NULL || !BN_nnmod(c->d, c->d, c->order, c->ctx))
		abort();
	if (BN_is_zero(c->d))
		return false;
	if (!EC_POINT_mul(c->group, c->point, c->d, NULL, NULL, c->ctx) ||
	    EC_POINT_point2oct(c->group, c->point, POINT_CONVERSION_UNCOMPRESSED, form, 65,
	    c->ctx) != 65)
		abort();
	return true;
}

/* r = x(u1*G + u2*Q), s = r/u2, digest = u1*s. false: there is none. */
static bool
sign(struct curve *c, struct input *in)
{
	BIGNUM *r = c->d;

	if (BN_bin2bn(in->sig, 32, c->u1) == NULL || BN_bin2bn(in->sig + 32, 32, c->u2) == NULL ||
	    !BN_nnmod(c->u1, c->u1, c->order, c->ctx) || !BN_nnmod(c->u2, c->u2, c->order, c->ctx))
		abort();
	if (BN_is_zero(c->u2))
		return false;
	if (!BN_mod_mul(c->t, c->u2, c->d, c->order, c->ctx) ||
	    !BN_mod_add(c->t, c->t, c->u1, c->order, c->ctx))
		abort();
	if (BN_is_zero(c->t))
		return false;
	if (!EC_POINT_mul(c->group, c->point, c->t, NULL, NULL, c->ctx) ||
	    !EC_POINT_get_affine_coordinates(c->group, c->point, r, NULL, c->ctx) ||
	    !BN_nnmod(r, r, c->order, c->ctx) ||
	    BN_mod_inverse(c->u2, c->u2, c->order, c->ctx) == NULL ||
	    !BN_mod_mul(c->u2, c->u2, r, c->order, c->ctx) ||
	    !BN_mod_mul(c->u1, c->u1, c->u2, c->order, c->ctx) ||
	    BN_bn2binpad(r, in->sig, 32) < 0 || BN_bn2binpad(c->u2, in->sig + 32, 32) < 0 ||
	    BN_bn2binpad(c->u1, in->digest, 32) < 0)
		abort();
	return true;
}

/* NULL: fresh, or no key. *ret_good: it was made to be. */
static struct crypto_pub *
key_of(struct curve *c, struct input *in, bool *ret_good)
{
	struct sv modulus = { (const char *)in->modulus, sizeof(in->modulus) };
	struct crypto_pub *k = NULL;
	uint8_t form[65];

	*ret_good = false;
	if (in->mode == 0)
		return NULL;
	if (in->mode == 1)
		return crypto_pub_rsa(modulus, 65537, &k) < 0 ? NULL : k;
	if (!key_octets(c, in->d, form))
		return NULL;
	if (crypto_pub_new(13, (struct sv){ (const char *)form + 1, 64 }, &k) < 0)
		abort();		/* it is a point */
	*ret_good = in->mode == 3 && sign(c, in);
	return k;
}

static void
judge(const struct input *in, const struct crypto_pub *k, bool good)
{
	uint8_t sigs[ITEMS_MAX][SIG_MAX];
	struct crypto_verify v[ITEMS_MAX];
	bool said[ITEMS_MAX];

	for (unsigned p = 0; p < CRYPTO_PATH_MAX; p++) {
		if (!crypto_path_can((enum crypto_path)p))
			continue;
		for (size_t i = 0; i < in->n; i++) {
			memcpy(sigs[i], in->sig, in->sig_n);
			if (i > 0)
				sigs[i][i * 7 % in->sig_n] ^= (uint8_t)(1u << i % 8);
			v[i] = (struct crypto_verify){ .key = k, .exponent = 65537,
				.modulus = { (const char *)in->modulus, sizeof(in->modulus) },
				.tbs = { (const char *)in->digest, sizeof(in->digest) },
				.sig = { (const char *)sigs[i], in->sig_n } };
		}
		if (crypto_path_force((enum crypto_path)p) < 0 || crypto_verify_batch(v, in->n) < 0)
			abort();
		for (size_t i = 0; i < in->n; i++) {
			if (p > 0 && v[i].ok != said[i])
				abort();
			said[i] = v[i].ok;
		}
		if (good && !v[0].ok)
			abort();
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	static struct curve curve;
	struct rd r = rd_mem(p, n);
	_cleanup_(crypto_pub_freep) struct crypto_pub *k = NULL;
	struct input in;
	bool good;

	if (curve.group == NULL)
		curve_init(&curve);
	if (n < 2)
		return 0;
	input_read(&r, &in);
	k = key_of(&curve, &in, &good);
	if (k != NULL || in.mode == 0)
		judge(&in, k, good);
	return 0;
}
