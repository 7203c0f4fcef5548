/*
 * ECDSA verification (RFC 6605) on OpenSSL's points, with its deprecated calls
 * (as in dnskey_ecsign.c), as EVP has no batches: P-384, keys that sign little,
 * and what the tables left undecided.
 *
 * Verifying is u1*G + u2*Q and one comparison (FIPS 186-5 section 6.4.2).
 *
 * - The inverse of s is taken once for a chunk: of the product, from which
 *   each is had by multiplying (Montgomery's trick).
 * - The x of the sum is not computed, as that takes a field inversion: r is
 *   compared as r * Z^2 = X, and (r + n) * Z^2 = X where r + n is below p.
 *
 * All of that is public; time may depend on it.
 */
#define OPENSSL_SUPPRESS_DEPRECATED
#include <errno.h>
#include <openssl/err.h>
#include <string.h>

#include "base/err.h"
#include "crypto/dnskey_internal.h"

DEFINE_CLEANUP(EC_POINT, EC_POINT_clear_free)

/* One signature of a chunk; the numbers are the context's. */
struct item {
	struct crypto_verify	*c;
	BIGNUM			*r, *s;		/* s: in Montgomery form */
	BIGNUM			*product;	/* of this s and all before it, likewise */
};

/* What a chunk shares. */
struct chunk {
	BN_CTX			*ctx;
	const BIGNUM		*order;
	BN_MONT_CTX		*mont;		/* of the order */
	BIGNUM			*inv, *w, *e, *u1, *u2;
	BIGNUM			*x, *y, *z, *t;
	struct item		 items[DNS_CHUNK];
	size_t			 n;
};

/* 1: r and s of the right length and in [1, n-1]; 0: not; negative: no memory. */
static int
item_parse(struct item *it, const struct chunk *k, size_t sig_len)
{
	const unsigned char *sig = (const unsigned char *)it->c->sig.p;
	int half = (int)sig_len / 2;

	if (BN_bin2bn(sig, half, it->r) == NULL || BN_bin2bn(sig + half, half, it->s) == NULL)
		return -ENOMEM;
	return !BN_is_zero(it->r) && !BN_is_zero(it->s) &&
	    BN_cmp(it->r, k->order) < 0 && BN_cmp(it->s, k->order) < 0;
}

/* Take what can be valid into the chunk, with the product of all s so far. */
static int
chunk_gather(struct chunk *k, struct crypto_verify *const *c, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		struct item *it = &k->items[k->n];
		int rc;

		it->c = c[i];
		it->r = BN_CTX_get(k->ctx);
		it->s = BN_CTX_get(k->ctx);
		it->product = BN_CTX_get(k->ctx);
		if (it->product == NULL)
			return -ENOMEM;
		if ((rc = item_parse(it, k, c[i]->key->sig_len)) < 0)
			return rc;
		if (rc == 0)
			continue;
		if (!BN_to_montgomery(it->s, it->s, k->mont, k->ctx) ||
		    (k->n == 0 ? BN_copy(it->product, it->s) == NULL :
		    !BN_mod_mul_montgomery(it->product, k->items[k->n - 1].product, it->s,
		    k->mont, k->ctx)))
			return dns_failure();
		k->n++;
	}
	return 0;
}

/* inv: the inverse of the product of all, in Montgomery form. */
static int
chunk_invert(struct chunk *k)
{
	if (!BN_from_montgomery(k->inv, k->items[k->n - 1].product, k->mont, k->ctx) ||
	    BN_mod_inverse(k->inv, k->inv, k->order, k->ctx) == NULL ||
	    !BN_to_montgomery(k->inv, k->inv, k->mont, k->ctx))
		return dns_failure();
	return 0;
}

/*
 * u1 = e/s and u2 = r/s of item i; leaves inv as the inverse of the product
 * before it. A plain number times one in Montgomery form is a plain one.
 */
static int
item_scalars(struct chunk *k, size_t i)
{
	struct item *it = &k->items[i];
	const struct dns_alg *a = it->c->key->alg;
	const BIGNUM *w = k->inv;

	/* As many bits as the order has; one subtraction makes it less. */
	if (BN_bin2bn((const unsigned char *)it->c->tbs.p, (int)a->digest_len, k->e) == NULL ||
	    (BN_cmp(k->e, k->order) >= 0 && !BN_sub(k->e, k->e, k->order)))
		return dns_failure();
	if (i > 0) {
		if (!BN_mod_mul_montgomery(k->w, k->inv, k->items[i - 1].product, k->mont, k->ctx))
			return dns_failure();
		w = k->w;
	}
	if (!BN_mod_mul_montgomery(k->u1, k->e, w, k->mont, k->ctx) ||
	    !BN_mod_mul_montgomery(k->u2, it->r, w, k->mont, k->ctx) ||
	    (i > 0 && !BN_mod_mul_montgomery(k->inv, k->inv, it->s, k->mont, k->ctx)))
		return dns_failure();
	return 0;
}

/* Is v * Z^2 = X in the field? z and x are those of the sum, z2: Z^2 in Montgomery form. */
static int
x_is(const struct crypto_pub *key, struct chunk *k, const BIGNUM *v, const BIGNUM *z2)
{
	if (!BN_mod_mul_montgomery(k->t, v, z2, key->field, k->ctx))
		return dns_failure();
	return BN_cmp(k->t, k->x) == 0;
}

/* Is r the x of the sum mod n? 1, 0, or negative. */
static int
sum_has(const struct crypto_pub *key, struct chunk *k, const EC_POINT *sum, const BIGNUM *r)
{
	int rc;

	if (EC_POINT_is_at_infinity(key->group, sum))
		return 0;
	if (!EC_POINT_get_Jprojective_coordinates_GFp(key->group, sum, k->x, k->y, k->z, k->ctx) ||
	    !BN_to_montgomery(k->z, k->z, key->field, k->ctx) ||
	    !BN_mod_mul_montgomery(k->z, k->z, k->z, key->field, k->ctx))
		return dns_failure();
	if ((rc = x_is(key, k, r, k->z)) != 0)
		return rc;
	/* The field is a little larger than the order: x can be r + n. */
	if (!BN_add(k->y, r, k->order))
		return dns_failure();
	if (BN_cmp(k->y, EC_GROUP_get0_field(key->group)) >= 0)
		return 0;
	return x_is(key, k, k->y, k->z);
}

/* All of a chunk, from the last to the first, as the inverse comes apart. */
static int
chunk_check(struct chunk *k, const EC_GROUP *group)
{
	_cleanup_(EC_POINT_clear_freep) EC_POINT *sum = EC_POINT_new(group);
	int rc;

	if (sum == NULL)
		return -ENOMEM;
	if ((rc = chunk_invert(k)) < 0)
		return rc;
	for (size_t i = k->n; i-- > 0;) {
		const struct crypto_pub *key = k->items[i].c->key;

		if ((rc = item_scalars(k, i)) < 0)
			return rc;
		if (EC_POINT_mul(group, sum, k->u1, key->q, k->u2, k->ctx) != 1)
			return dns_failure();
		if ((rc = sum_has(key, k, sum, k->items[i].r)) < 0)
			return rc;
		k->items[i].c->ok = rc == 1;
	}
	return 0;
}

static int
chunk_init(struct chunk *k, BN_CTX *ctx, const EC_GROUP *group)
{
	BIGNUM **own[] = { &k->inv, &k->w, &k->e, &k->u1, &k->u2, &k->x, &k->y, &k->z, &k->t };

	k->n = 0;
	k->ctx = ctx;
	k->order = EC_GROUP_get0_order(group);
	k->mont = EC_GROUP_get_mont_data(group);
	for (size_t i = 0; i < ARRAY_LEN(own); i++)
		*own[i] = BN_CTX_get(ctx);
	return k->t == NULL || k->mont == NULL ? -ENOMEM : 0;
}

int
dns_ec_check(struct dns_work *w, struct crypto_verify *const *c, size_t n)
{
	const EC_GROUP *group = c[0]->key->group;	/* the same curve for all */
	struct chunk k;
	int rc;

	if ((rc = dns_work_bn(w)) < 0)
		return rc;
	BN_CTX_start(w->ctx);
	if ((rc = chunk_init(&k, w->ctx, group)) == 0 && (rc = chunk_gather(&k, c, n)) == 0 &&
	    k.n > 0)
		rc = chunk_check(&k, group);
	BN_CTX_end(w->ctx);
	return rc;
}
