/* P-256's edges: each is tried, not left to chance. */
#include <openssl/err.h>
#include <stdlib.h>
#include <string.h>

#include "p256.h"

#define COPIES	40	/* of what has a key of its own: more than a table is made for */

/* --- values of r, s and the digest, of one key --- */

/* 0, 1, 2, n - 2 to n + 2, p - n, p - 1, p, 2^256 - 1. */
#define VALUES	12

static void
value_set(const struct p256 *p, unsigned i, BIGNUM *ret)
{
	int ok = 1;

	if (i < 3)
		ok = BN_set_word(ret, i);
	else if (i < 8)
		ok = BN_copy(ret, p->order) != NULL && BN_add_word(ret, i - 3) && BN_sub_word(ret, 2);
	else if (i == 8)
		ok = BN_sub(ret, p->prime, p->order);
	else if (i < 11)
		ok = BN_copy(ret, p->prime) != NULL && BN_sub_word(ret, 10 - i);
	else
		ok = BN_lshift(ret, BN_value_one(), 256) && BN_sub_word(ret, 1);
	if (!ok)
		abort();
}

static void
value_trial(struct p256 *p, struct chance *c, const struct p256_pub *k, struct trial *t,
    unsigned which, unsigned i)
{
	BIGNUM *at[] = { p->r, p->s, p->z };

	p256_scalars(p, c, k, 0);
	p256_trial(p, k, t);
	value_set(p, i, at[which]);
	if (!p256_put(p, t))
		abort();
	t->kind = "edge: a value of r, s or the digest";
	t->hope = HOPE_NO;
}

/* A good one with that digest, which is taken modulo the order. */
static void
digest_trial(struct p256 *p, struct chance *c, const struct p256_pub *k, struct trial *t, unsigned i)
{
	BIGNUM *z = BN_new(), *z_mod = BN_new();

	value_set(p, i, z);
	if (!BN_nnmod(z_mod, z, p->order, p->ctx))
		abort();
	do {		/* s = (z + r d) / k, with u1 = z/s and u2 = r/s */
		p256_chance(p, c, p->u2);
		BN_zero(p->u1);
		p256_trial(p, k, t);		/* r of u2 * Q; its k is u2 * d */
		if (!BN_mod_mul(p->t, p->r, k->d, p->order, p->ctx) ||
		    !BN_mod_add(p->t, p->t, z_mod, p->order, p->ctx) ||
		    BN_mod_inverse(p->s, p->k, p->order, p->ctx) == NULL ||
		    !BN_mod_mul(p->s, p->s, p->t, p->order, p->ctx) ||
		    BN_copy(p->z, z) == NULL || !p256_put(p, t))
			abort();
	} while (BN_is_zero(p->s));
	t->kind = "edge: good, of a digest of 0, n and the like";
	BN_free(z);
	BN_free(z_mod);
}

static size_t
values(struct p256 *p, struct chance *c, size_t at, struct trial *t)
{
	const struct p256_pub *k = &p->keys[at];
	size_t n = 0;

	for (unsigned which = 0; which < 3; which++)
		for (unsigned i = 0; i < VALUES; i++)
			value_trial(p, c, k, &t[n++], which, i);
	for (unsigned i = 0; i < VALUES; i++)
		digest_trial(p, c, k, &t[n++], i);
	return n;
}

/* --- each kind of multipliers, with each key --- */

#define EACH	8

static size_t
scalars(struct p256 *p, struct chance *c, size_t at, struct trial *t)
{
	const struct p256_pub *k = &p->keys[at];
	size_t n = 0;

	for (unsigned kind = 0; kind < P256_SCALARS; kind++)
		for (unsigned i = 0; i < EACH; i++, n++) {
			p256_scalars(p, c, k, kind);
			p256_trial(p, k, &t[n]);
			if (t[n].hope == HOPE_YES)
				t[n].kind = p256_scalars_name(kind);
		}
	return n;
}

/*
 * A sum at infinity has no x; whoever has one for it has 0, perhaps, and
 * takes r = p - n for it, as r + n is 0 modulo p.
 */
static size_t
infinity(struct p256 *p, struct chance *c, size_t at, struct trial *t)
{
	const struct p256_pub *k = &p->keys[at];
	size_t n = 0;

	for (unsigned i = 0; i < VALUES * 4; i++, n++) {
		p256_scalars(p, c, k, 10);
		p256_trial(p, k, &t[n]);
		t[n].kind = "edge: infinity";
		value_set(p, i % VALUES, p->r);
		/* The same multipliers for this r. */
		if (BN_mod_inverse(p->t, p->u2, p->order, p->ctx) == NULL ||
		    !BN_mod_mul(p->s, p->r, p->t, p->order, p->ctx) ||
		    !BN_mod_mul(p->z, p->u1, p->s, p->order, p->ctx) || !p256_put(p, &t[n]))
			abort();
	}
	return n;
}

/* --- sums of a chosen x --- */

/*
 * The key for which u1*G + u2*Q is a point of our choice: Q = (R - u1*G)/u2.
 * Nobody knows its d, so one signature is all there is, and its mirror.
 */
static void
key_for(struct p256 *p, struct chance *c, size_t at)
{
	struct p256_pub *k = &p->keys[at];
	uint8_t form[1 + 2 * P256_OCTETS];

	p256_chance(p, c, p->u1);
	p256_chance(p, c, p->u2);
	if (!EC_POINT_mul(p->group, p->point, p->u1, NULL, NULL, p->ctx) ||
	    !EC_POINT_invert(p->group, p->point, p->ctx) ||
	    !EC_POINT_add(p->group, p->point, p->sum, p->point, p->ctx) ||
	    BN_mod_inverse(p->t, p->u2, p->order, p->ctx) == NULL ||
	    !EC_POINT_mul(p->group, p->point, NULL, p->point, p->t, p->ctx) ||
	    EC_POINT_point2oct(p->group, p->point, POINT_CONVERSION_UNCOMPRESSED, form,
	    sizeof(form), p->ctx) != sizeof(form))
		abort();
	trial_key_done(&k->known);
	BN_free(k->d);
	k->d = NULL;
	if (!trial_key_init(&k->known, 13, trial_sv(form + 1, sizeof(form) - 1)))
		abort();
}

/* For r of any value: s and z that give these multipliers. */
static bool
r_trial(struct p256 *p, const struct p256_pub *k, struct trial *t)
{
	*t = (struct trial){ .kind = "edge: x of the sum", .hope = HOPE_NO, .alg = 13,
		.key = &k->known, .tbs_n = P256_OCTETS, .sig_n = 2 * P256_OCTETS };
	return !BN_is_negative(p->r) && BN_mod_inverse(p->t, p->u2, p->order, p->ctx) != NULL &&
	    BN_mod_mul(p->s, p->r, p->t, p->order, p->ctx) == 1 &&
	    BN_mod_mul(p->z, p->u1, p->s, p->order, p->ctx) == 1 && p256_put(p, t);
}

/*
 * r that a careless comparison takes for x: x + plus * what, for n, p, their
 * difference and 2^256 - n. r = x - n is right where x is not below n.
 */
static size_t
r_trials(struct p256 *p, const struct p256_pub *k, const BIGNUM *x, struct trial *t)
{
	BIGNUM *what[5] = { BN_new(), BN_dup(p->order), BN_dup(p->prime), BN_new(), BN_new() };
	size_t n = 0;

	if (!BN_sub(what[3], p->prime, p->order) || !BN_set_bit(what[4], 256) ||
	    !BN_sub(what[4], what[4], p->order))
		abort();
	for (unsigned i = 0; i < ARRAY_LEN(what); i++)
		for (unsigned minus = 0; minus < 2; minus++) {
			if (!(minus ? BN_sub(p->r, x, what[i]) : BN_add(p->r, x, what[i])))
				abort();
			if (!r_trial(p, k, &t[n]))
				continue;
			if (BN_cmp(p->r, p->order) < 0 && !BN_is_zero(p->r) &&
			    (i == 0 || (i == 1 && minus)))
				t[n].hope = HOPE_YES;
			n++;
		}
	for (unsigned i = 0; i < ARRAY_LEN(what); i++)
		BN_free(what[i]);
	return n;
}

/* Where x is looked for: at n and above, at 0, at p - n, below n, and at p - 1 downwards. */
#define PLACES	6

/* The next point from there on; its x. */
static void
sum_near(struct p256 *p, size_t at, BIGNUM *x)
{
	size_t place = at % PLACES, skip = at / PLACES;

	value_set(p, (const unsigned[PLACES]){ 5, 0, 8, 3, 9, 5 }[place], x);
	if (place == 5 && !BN_add(x, x, BN_value_one()))
		abort();
	for (;;) {
		if (EC_POINT_set_compressed_coordinates(p->group, p->sum, x, (int)(at & 1), p->ctx) &&
		    skip-- == 0)
			return;
		ERR_clear_error();
		if (!(place == 4 ? BN_sub_word(x, 1) : BN_add_word(x, 1)))
			abort();
	}
}

static size_t
chosen_x(struct p256 *p, struct chance *c, size_t at, struct trial *t)
{
	BIGNUM *x = BN_new();
	size_t n, all;

	sum_near(p, at, x);
	key_for(p, c, p->n);		/* behind the others */
	n = r_trials(p, &p->keys[p->n], x, t);
	for (all = n; all < COPIES + n; all++)
		t[all] = t[all % n];
	BN_free(x);
	return all;
}

/* --- a fault in each place --- */

#define PLACE_FAULTS	7
#define PLACE_BATCH	140	/* more than a chunk of p256_ifma.c */

static void
place_fault(struct p256 *p, struct chance *c, const struct p256_pub *k, unsigned which,
    struct trial *t)
{
	if (which >= 4) {		/* exceptions, some of them good */
		p256_scalars(p, c, k, (const unsigned[]){ 9, 10, 8 }[which - 4]);
		p256_trial(p, k, t);
	} else if (which == 3) {
		t->sig[31] ^= 1;
		t->hope = HOPE_NO;
	} else {
		p256_scalars(p, c, k, 0);
		p256_trial(p, k, t);
		value_set(p, which == 2 ? 5 : 0, which == 0 ? p->r : p->s);
		(void)p256_put(p, t);
		t->hope = HOPE_NO;
	}
	t->kind = "edge: a fault or exception in one place";
	t->asked = false;
}

/* The good ones around it. */
static const struct trial *
base_of(struct p256 *p, struct chance *c)
{
	if (p->base != NULL)
		return p->base;
	if ((p->base = calloc(PLACE_BATCH, sizeof(*p->base))) == NULL)
		abort();
	for (size_t i = 0; i < PLACE_BATCH; i++) {
		const struct p256_pub *k = &p->keys[i % 3 == 0];

		p256_scalars(p, c, k, 0);
		p256_trial(p, k, &p->base[i]);
		trial_ask(&p->base[i]);
	}
	return p->base;
}

static size_t
place_in(struct p256 *p, struct chance *c, size_t n, size_t place, size_t which, struct trial *t)
{
	memcpy(t, base_of(p, c), n * sizeof(*t));
	place_fault(p, c, &p->keys[place % 3 == 0], (unsigned)which, &t[place]);
	return n;
}

/* Every fault in every place of what fills one to eight columns of lanes, with one over. */
static size_t
places(struct p256 *p, struct chance *c, size_t at, struct trial *t)
{
	static const size_t sizes[] = { 64, 9, 8 };
	size_t place = at / PLACE_FAULTS, i = 0;

	while (place >= sizes[i])
		place -= sizes[i++];
	return place_in(p, c, sizes[i], place, at % PLACE_FAULTS, t);
}

/* One fault and one exception in every place of more than a chunk. */
static size_t
places_long(struct p256 *p, struct chance *c, size_t at, struct trial *t)
{
	size_t place = at / 2;

	return place_in(p, c, PLACE_BATCH, place, at % 2 == 0 ? place % 4 : 4 + place % 3, t);
}

/* --- all of them --- */

static const struct {
	size_t	count;		/* batches; 0: one for each key */
	size_t	(*make)(struct p256 *, struct chance *, size_t at, struct trial *);
} groups[] = {
	{ 0, values }, { 0, scalars }, { 0, infinity }, { PLACES * 6, chosen_x },
	{ (64 + 9 + 8) * PLACE_FAULTS, places }, { PLACE_BATCH * 2, places_long },
};

size_t
p256_edge(void *state, size_t batch, struct trial t[static BATCH_MAX])
{
	struct p256 *p = state;
	struct chance c = { batch };

	for (size_t i = 0; i < ARRAY_LEN(groups); i++) {
		size_t count = groups[i].count == 0 ? p->n : groups[i].count, n;

		if (batch >= count) {
			batch -= count;
			continue;
		}
		n = groups[i].make(p, &c, batch, t);
		for (size_t k = 0; k < n; k++)
			trial_ask(&t[k]);
		return n;
	}
	return 0;
}
