/*
 * ECDSA signatures for DNSSEC, many at a time (FIPS 186-5 section 6.4.1).
 *
 * A signature is a nonce k, the point k*G, its affine x, the inverse of k,
 * and s. One by one, nearly half of the time are two inversions: x needs one
 * in the field, 1/k one modulo the order. A chunk shares both (Montgomery's
 * trick), which makes P-256 twice as fast as one by one; what is left to
 * OpenSSL is the arithmetic with the private key itself (ECDSA_do_sign_ex()
 * with the k and x that are ready).
 *
 * Nonces are those of OpenSSL's own kind: SHA-512 over private key, digest
 * and fresh random octets, modulo the order. So neither a repeated random
 * number (a virtual machine that was cloned) nor a known one tells the key.
 * 512 bits against an order of 256 or 384 leave no bias to measure. All that
 * is computed with them is OpenSSL's arithmetic of fixed length and time, and
 * wiped.
 */
#define OPENSSL_SUPPRESS_DEPRECATED
#include <errno.h>
#include <openssl/crypto.h>
#include <openssl/ecdsa.h>
#include <openssl/rand.h>
#include <openssl/sha.h>

#include "base/err.h"
#include "crypto/dnskey_internal.h"

#define ORDER_MAX	48		/* octets of P-384's */
#define RANDOM_LEN	32
#define SHARED_MIN	3		/* below, sharing costs more than it saves */

DEFINE_CLEANUP(ECDSA_SIG, ECDSA_SIG_free)

/* What a chunk shares; the numbers are the context's, which wipes them. */
struct chunk {
	EC_KEY			*ec;		/* only read, which OpenSSL's calls do not say */
	const EC_GROUP		*group;
	const BIGNUM		*order;
	BN_MONT_CTX		*mont;		/* of the order */
	BN_CTX			*ctx;
	BIGNUM			*k[DNS_CHUNK];	/* nonces, then their inverses; Montgomery form */
	BIGNUM			*product[DNS_CHUNK]; /* of this nonce and all before it */
	EC_POINT		*point[DNS_CHUNK];
	BIGNUM			*inv, *exponent, *r;
	uint8_t			 key[ORDER_MAX], random[DNS_CHUNK][RANDOM_LEN];
	size_t			 key_len, n;
};

static void
chunk_done(struct chunk *c)
{
	for (size_t i = 0; i < c->n; i++)
		EC_POINT_clear_free(c->point[i]);
	OPENSSL_cleanse(c->key, sizeof(c->key));
	OPENSSL_cleanse(c->random, sizeof(c->random));
	if (c->ctx != NULL)
		BN_CTX_end(c->ctx);
}

static int
chunk_init(struct chunk *c, const struct crypto_priv *key, BN_CTX *ctx, size_t n)
{
	BN_CTX_start(ctx);
	c->ctx = ctx;
	c->ec = key->ec;
	c->group = EC_KEY_get0_group(key->ec);
	c->order = EC_GROUP_get0_order(c->group);
	c->mont = EC_GROUP_get_mont_data(c->group);
	c->key_len = key->alg->digest_len;
	c->inv = BN_CTX_get(ctx);
	c->exponent = BN_CTX_get(ctx);
	c->r = BN_CTX_get(ctx);
	for (; c->n < n; c->n++) {
		c->k[c->n] = BN_CTX_get(ctx);
		c->product[c->n] = BN_CTX_get(ctx);
		if (c->product[c->n] == NULL || (c->point[c->n] = EC_POINT_new(c->group)) == NULL)
			return -ENOMEM;
	}
	if (BN_bn2binpad(EC_KEY_get0_private_key(key->ec), c->key, (int)c->key_len) < 0 ||
	    RAND_priv_bytes(c->random[0], (int)(n * RANDOM_LEN)) != 1)
		return dns_failure();
	return 0;
}

/* k: a number below the order that nobody can guess. */
static int
nonce(struct chunk *c, size_t i, struct sv digest)
{
	uint8_t out[SHA512_DIGEST_LENGTH];
	SHA512_CTX sha;
	int ok;

	(void)SHA512_Init(&sha);
	(void)SHA512_Update(&sha, c->key, c->key_len);
	(void)SHA512_Update(&sha, c->random[i], RANDOM_LEN);
	(void)SHA512_Update(&sha, digest.p, digest.n);
	(void)SHA512_Final(out, &sha);
	BN_set_flags(c->k[i], BN_FLG_CONSTTIME);
	ok = BN_bin2bn(out, sizeof(out), c->k[i]) != NULL &&
	    BN_mod(c->k[i], c->k[i], c->order, c->ctx);
	OPENSSL_cleanse(out, sizeof(out));
	OPENSSL_cleanse(&sha, sizeof(sha));
	if (!ok)
		return dns_failure();
	return BN_is_zero(c->k[i]) ? SE_CRYPTO : 0;
}

/* The point of k; then k in Montgomery form, and the product with all before it. */
static int
nonce_use(struct chunk *c, size_t i)
{
	if (!EC_POINT_mul(c->group, c->point[i], c->k[i], NULL, NULL, c->ctx) ||
	    !BN_to_montgomery(c->k[i], c->k[i], c->mont, c->ctx))
		return dns_failure();
	if (i == 0 ? BN_copy(c->product[0], c->k[0]) == NULL :
	    !BN_mod_mul_montgomery(c->product[i], c->product[i - 1], c->k[i], c->mont, c->ctx))
		return dns_failure();
	return 0;
}

/*
 * 1/k for each k. The one inversion is by Fermat: x^(n-2), whose time does
 * not depend on x.
 */
static int
invert(struct chunk *c)
{
	BIGNUM *inv = c->inv;

	if (!BN_from_montgomery(inv, c->product[c->n - 1], c->mont, c->ctx) ||
	    BN_copy(c->exponent, c->order) == NULL || !BN_sub_word(c->exponent, 2) ||
	    !BN_mod_exp_mont_consttime(inv, inv, c->exponent, c->order, c->ctx, c->mont) ||
	    !BN_to_montgomery(inv, inv, c->mont, c->ctx))
		return dns_failure();
	for (size_t i = c->n; i-- > 0;) {
		BIGNUM *k = c->k[i];

		/* product[i] is done with: room for the next inverse */
		if (i > 0 && (!BN_mod_mul_montgomery(c->product[i], inv, k, c->mont, c->ctx) ||
		    !BN_mod_mul_montgomery(k, inv, c->product[i - 1], c->mont, c->ctx)))
			return dns_failure();
		if (i == 0 && BN_copy(k, inv) == NULL)
			return -ENOMEM;
		if (!BN_from_montgomery(k, k, c->mont, c->ctx))
			return dns_failure();
		inv = c->product[i];
	}
	return 0;
}

static int
sig_write(const ECDSA_SIG *s, uint8_t *sig, size_t half)
{
	if (s == NULL || BN_bn2binpad(ECDSA_SIG_get0_r(s), sig, (int)half) < 0 ||
	    BN_bn2binpad(ECDSA_SIG_get0_s(s), sig + half, (int)half) < 0)
		return dns_failure();
	return 0;
}

static int
sign_one(EC_KEY *ec, struct sv digest, const BIGNUM *kinv, const BIGNUM *r, uint8_t *sig)
{
	_cleanup_(ECDSA_SIG_freep) ECDSA_SIG *s = ECDSA_do_sign_ex((const unsigned char *)digest.p,
	    (int)digest.n, kinv, r, ec);

	return sig_write(s, sig, digest.n);
}

/* r is the x of the point mod n; both zero only by a chance of 2^-256. */
static int
chunk_sign(struct chunk *c, size_t i, const struct dns_todo *t)
{
	/* Its Z is one now; the call for affine points would invert it again. */
	if (!EC_POINT_get_Jprojective_coordinates_GFp(c->group, c->point[i], c->r, NULL, NULL,
	    c->ctx) || !BN_nnmod(c->r, c->r, c->order, c->ctx))
		return dns_failure();
	return BN_is_zero(c->r) ? SE_CRYPTO : sign_one(c->ec, t->tbs, c->k[i], c->r, t->sig);
}

static int
chunk_run(struct chunk *c, const struct dns_todo *t)
{
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < c->n; i++)
		if ((rc = nonce(c, i, t[i].tbs)) == 0)
			rc = nonce_use(c, i);
	if (rc < 0 || (rc = invert(c)) < 0)
		return rc;
	if (!EC_POINTs_make_affine(c->group, c->n, c->point, c->ctx))
		return dns_failure();
	for (size_t i = 0; rc == 0 && i < c->n; i++)
		rc = chunk_sign(c, i, &t[i]);
	return rc;
}

int
dns_ec_sign(struct dns_work *w, const struct crypto_priv *key, const struct dns_todo *t, size_t n)
{
	struct chunk c;
	int rc = 0;

	if (n < SHARED_MIN) {
		for (size_t i = 0; rc == 0 && i < n; i++)
			rc = sign_one(key->ec, t[i].tbs, NULL, NULL, t[i].sig);
		return rc;
	}
	if ((rc = dns_work_bn(w)) < 0)
		return rc;
	c.n = 0;
	if ((rc = chunk_init(&c, key, w->ctx, n)) == 0)
		rc = chunk_run(&c, t);
	chunk_done(&c);
	return rc;
}
