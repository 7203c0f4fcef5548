/* P-256's keys, and signatures for chosen multipliers. */
#include <stdlib.h>
#include <string.h>

#include "p256.h"

/* --- keys --- */

void
p256_chance(struct p256 *p, struct chance *c, BIGNUM *ret)
{
	uint8_t b[P256_OCTETS];

	do {
		chance_bytes(c, b, sizeof(b));
		if (BN_bin2bn(b, sizeof(b), ret) == NULL)
			abort();
	} while (BN_is_zero(ret) || BN_cmp(ret, p->order) >= 0);
}

void
p256_key_set(struct p256 *p, size_t i, const BIGNUM *d)
{
	struct p256_pub *k = &p->keys[i];
	uint8_t form[1 + 2 * P256_OCTETS];

	trial_key_done(&k->known);
	BN_free(k->d);
	k->d = BN_dup(d);
	if (k->d == NULL || !EC_POINT_mul(p->group, p->point, d, NULL, NULL, p->ctx) ||
	    EC_POINT_point2oct(p->group, p->point, POINT_CONVERSION_UNCOMPRESSED, form,
	    sizeof(form), p->ctx) != sizeof(form) ||
	    !trial_key_init(&k->known, 13, trial_sv(form + 1, sizeof(form) - 1)) ||
	    k->known.oracle == NULL)
		abort();
}

/* d = ±m * 256^e modulo the order, e perhaps negative. */
static void
special_add(struct p256 *p, unsigned m, int e)
{
	BIGNUM *d = BN_new(), *t = BN_new();

	if (!BN_set_word(d, m) || !BN_set_bit(t, 8 * abs(e)) ||
	    !BN_nnmod(t, t, p->order, p->ctx) ||
	    (e < 0 && BN_mod_inverse(t, t, p->order, p->ctx) == NULL) ||
	    !BN_mod_mul(d, d, t, p->order, p->ctx))
		abort();
	p256_key_set(p, p->n++, d);
	if (!BN_sub(d, p->order, d))
		abort();
	p256_key_set(p, p->n++, d);
	BN_free(d);
	BN_free(t);
}

static void
specials_add(struct p256 *p, bool small)
{
	static const struct {
		unsigned	m;
		int		e;
	} rows[] = {
		{ 1, 0 }, { 2, 0 }, { 3, 0 }, { 255, 0 }, { 1, 1 }, { 1, -1 }, { 1, 31 },
		/* Those of a longer run. */
		{ 4, 0 }, { 5, 0 }, { 7, 0 }, { 127, 0 }, { 128, 0 }, { 129, 0 }, { 257, 0 }, { 1, 2 },
		{ 3, -1 }, { 255, 30 }, { 1, 16 }, { 1, -16 }, { 17, 8 }, { 1, 32 },
	};

	for (size_t i = 0; i < (small ? 7 : ARRAY_LEN(rows)); i++)
		special_add(p, rows[i].m, rows[i].e);
}

/*
 * A scalar whose windows with even places sum up to as much as those with odd
 * places: the digits of the order (each odd, from -255 to 255), every other
 * one negated. It is met in the fifth level of p256_sum.h's tree.
 */
static void
fifth_init(struct p256 *p)
{
	uint8_t half[P256_OCTETS];
	BIGNUM *term = BN_new();

	if (!BN_rshift1(p->t, p->order) || !BN_set_bit(p->t, 255) ||
	    BN_bn2lebinpad(p->t, half, sizeof(half)) < 0)
		abort();
	BN_zero(p->fifth);
	for (int i = 0; i < P256_OCTETS; i++) {
		int digit = 2 * half[i] - 255;

		if (!BN_set_word(term, (BN_ULONG)abs(digit)) || !BN_lshift(term, term, 8 * i))
			abort();
		BN_set_negative(term, (digit < 0) != (i % 2 == 1));
		if (!BN_add(p->fifth, p->fifth, term))
			abort();
	}
	if (!BN_nnmod(p->fifth, p->fifth, p->order, p->ctx))
		abort();
	BN_free(term);
}

static void
numbers_init(struct p256 *p)
{
	BIGNUM **own[] = { &p->prime, &p->u1, &p->u2, &p->k, &p->r, &p->s, &p->z, &p->t, &p->fifth };

	p->group = EC_GROUP_new_by_curve_name(NID_X9_62_prime256v1);
	p->ctx = BN_CTX_new();
	for (size_t i = 0; i < ARRAY_LEN(own); i++)
		if ((*own[i] = BN_new()) == NULL)
			abort();
	if (p->group == NULL || p->ctx == NULL || (p->sum = EC_POINT_new(p->group)) == NULL ||
	    (p->point = EC_POINT_new(p->group)) == NULL ||
	    !EC_GROUP_get_curve(p->group, p->prime, NULL, NULL, p->ctx))
		abort();
	p->order = EC_GROUP_get0_order(p->group);
}

struct p256 *
p256_new(struct chance *c, bool small)
{
	struct p256 *p = calloc(1, sizeof(*p));

	if (p == NULL)
		abort();
	numbers_init(p);
	fifth_init(p);
	while (p->n < (small ? 4 : 16)) {
		p256_chance(p, c, p->t);
		p256_key_set(p, p->n++, p->t);
	}
	p->n_usual = p->n;
	specials_add(p, small);
	return p;
}

void
p256_free(struct p256 *p)
{
	BIGNUM *own[] = { p->prime, p->u1, p->u2, p->k, p->r, p->s, p->z, p->t, p->fifth };

	for (size_t i = 0; i < P256_KEYS_MAX; i++) {
		trial_key_done(&p->keys[i].known);
		BN_free(p->keys[i].d);
	}
	for (size_t i = 0; i < P256_NONCES; i++) {
		BN_free(p->nonces[i]);
		BN_free(p->xs[i]);
	}
	for (size_t i = 0; i < ARRAY_LEN(own); i++)
		BN_free(own[i]);
	free(p->base);
	EC_POINT_free(p->sum);
	EC_POINT_free(p->point);
	EC_GROUP_free(p->group);
	BN_CTX_free(p->ctx);
	free(p);
}

/* --- signatures --- */

bool
p256_put(struct p256 *p, struct trial *t)
{
	return !BN_is_negative(p->r) && !BN_is_negative(p->s) && !BN_is_negative(p->z) &&
	    BN_bn2binpad(p->r, t->sig, P256_OCTETS) >= 0 &&
	    BN_bn2binpad(p->s, t->sig + P256_OCTETS, P256_OCTETS) >= 0 &&
	    BN_bn2binpad(p->z, t->tbs, P256_OCTETS) >= 0;
}

static void
nonce_set(struct p256 *p, struct chance *c, size_t i)
{
	if ((p->nonces[i] == NULL && (p->nonces[i] = BN_new()) == NULL) ||
	    (p->xs[i] == NULL && (p->xs[i] = BN_new()) == NULL))
		abort();
	p256_chance(p, c, p->nonces[i]);
	if (!EC_POINT_mul(p->group, p->sum, p->nonces[i], NULL, NULL, p->ctx) ||
	    !EC_POINT_get_affine_coordinates(p->group, p->sum, p->xs[i], NULL, p->ctx) ||
	    !BN_nnmod(p->xs[i], p->xs[i], p->order, p->ctx))
		abort();
}

void
p256_cheap(struct p256 *p, struct chance *c, const struct p256_pub *k, struct trial *t)
{
	size_t i = chance_below(c, P256_NONCES);

	if (p->nonces[i] == NULL || chance_one_in(c, 16))
		nonce_set(p, c, i);
	p256_chance(p, c, p->s);
	if (BN_copy(p->r, p->xs[i]) == NULL ||
	    !BN_mod_mul(p->z, p->nonces[i], p->s, p->order, p->ctx) ||
	    !BN_mod_mul(p->t, p->r, k->d, p->order, p->ctx) ||
	    !BN_mod_sub(p->z, p->z, p->t, p->order, p->ctx))
		abort();
	*t = (struct trial){ .kind = "good", .hope = HOPE_YES, .alg = 13, .key = &k->known,
		.tbs_n = P256_OCTETS, .sig_n = 2 * P256_OCTETS };
	if (!p256_put(p, t))
		abort();
}

/* r of the sum; at infinity there is none: 1. */
static bool
sum_set(struct p256 *p, const struct p256_pub *k)
{
	if (!BN_mod_mul(p->k, p->u2, k->d, p->order, p->ctx) ||
	    !BN_mod_add(p->k, p->k, p->u1, p->order, p->ctx) || !BN_one(p->r))
		abort();
	if (BN_is_zero(p->k))
		return false;
	if (!EC_POINT_mul(p->group, p->sum, p->k, NULL, NULL, p->ctx) ||
	    !EC_POINT_get_affine_coordinates(p->group, p->sum, p->r, NULL, p->ctx) ||
	    !BN_nnmod(p->r, p->r, p->order, p->ctx))
		abort();
	return true;
}

void
p256_trial(struct p256 *p, const struct p256_pub *k, struct trial *t)
{
	bool good = sum_set(p, k);

	if (BN_mod_inverse(p->t, p->u2, p->order, p->ctx) == NULL ||
	    !BN_mod_mul(p->s, p->r, p->t, p->order, p->ctx) ||
	    !BN_mod_mul(p->z, p->u1, p->s, p->order, p->ctx))
		abort();
	*t = (struct trial){ .kind = good ? "good" : "infinity", .hope = good ? HOPE_YES : HOPE_NO,
		.alg = 13, .key = &k->known, .tbs_n = P256_OCTETS, .sig_n = 2 * P256_OCTETS };
	if (!p256_put(p, t))
		abort();
}
