/* What chance makes of RSA keys and good signatures. */
#include <string.h>

#include "rsa.h"

/* --- faults; each says whether it could be made --- */

static void
bit_flip(struct chance *c, uint8_t *p, size_t n)
{
	p[chance_below(c, (unsigned)n)] ^= (uint8_t)(1u << chance_below(c, 8));
}

/* All of a number's limb, of either radix, to zeros or ones. */
static void
limb_set(struct chance *c, uint8_t *p, size_t n)
{
	unsigned radix = chance_one_in(c, 3) ? 64 : 52, limbs = (unsigned)n * 8 / radix;
	unsigned from = radix * chance_below(c, limbs), ones = chance_below(c, 2);

	for (unsigned b = from; b < from + radix; b++) {
		uint8_t *at = &p[n - 1 - b / 8], mask = (uint8_t)(1u << b % 8);

		*at = ones ? *at | mask : (uint8_t)(*at & ~mask);
	}
}

static bool
sig_bit(struct rsa *r UNUSED, struct rsa_key *k UNUSED, struct chance *c, struct trial *t)
{
	t->kind = "a bit of the signature";
	bit_flip(c, t->sig, t->sig_n);
	return true;
}

static bool
sig_limb(struct rsa *r UNUSED, struct rsa_key *k UNUSED, struct chance *c, struct trial *t)
{
	t->kind = "a limb of the signature";
	t->hope = HOPE_NONE;		/* it may have been so */
	limb_set(c, t->sig, t->sig_n);
	return true;
}

static bool
digest_bit(struct rsa *r UNUSED, struct rsa_key *k UNUSED, struct chance *c, struct trial *t)
{
	t->kind = "a bit of the digest";
	bit_flip(c, t->tbs, t->tbs_n);
	return true;
}

static bool
modulus_bit(struct rsa *r UNUSED, struct rsa_key *k UNUSED, struct chance *c, struct trial *t)
{
	if (t->key != NULL)
		return false;
	t->kind = "a bit of the modulus";
	t->oracle = NULL;
	bit_flip(c, t->modulus, t->modulus_n);
	return true;
}

static bool
modulus_limb(struct rsa *r UNUSED, struct rsa_key *k UNUSED, struct chance *c, struct trial *t)
{
	if (t->key != NULL)
		return false;
	t->kind = "a limb of the modulus";
	t->oracle = NULL;
	t->hope = HOPE_NONE;
	limb_set(c, t->modulus, t->modulus_n);
	return true;
}

static bool
other_key(struct rsa *r, struct rsa_key *k, struct chance *c, struct trial *t)
{
	const struct rsa_key *o = &r->keys[chance_below(c, (unsigned)r->n)];

	if (o == k || o->len != k->len || o->known.alg != k->known.alg ||
	    (t->key == NULL && !rsa_can_be_fresh(o)))
		return false;
	t->kind = "another key";
	if (t->key != NULL)
		t->key = &o->known;
	else
		t->oracle = o->known.oracle;
	memcpy(t->modulus, o->modulus, o->len);
	t->exponent = o->exponent;
	return true;
}

static bool
sig_value(struct rsa *r UNUSED, struct rsa_key *k, struct chance *c, struct trial *t)
{
	unsigned which = chance_below(c, 12);

	t->kind = "a signature of 0, 1, n and the like";
	if (which < 7)
		return rsa_sig_near_n(t, k, (int)which - 3);
	memset(t->sig, which == 7 ? 0xff : 0, t->sig_n);
	if (which > 7)
		t->sig[t->sig_n - 1] = (uint8_t)(which - 8);
	return true;
}

static bool
sig_above(struct rsa *r UNUSED, struct rsa_key *k, struct chance *c UNUSED, struct trial *t)
{
	t->kind = "a good signature plus n";
	return rsa_sig_above(t, k);
}

static bool
em_bit(struct rsa *r, struct rsa_key *k, struct chance *c, struct trial *t)
{
	uint8_t em[MODULUS_MAX];
	unsigned bit = chance_below(c, (unsigned)k->len * 8 - 8);

	if (k->dear || !em_right(t->alg, t->tbs, em, k->len))
		return false;
	t->kind = "a bit of the encoding";
	em[k->len - 1 - bit / 8] ^= (uint8_t)(1u << bit % 8);
	rsa_sign_em(r, k, em, t->sig);
	return true;
}

static bool
em_other(struct rsa *r, struct rsa_key *k, struct chance *c, struct trial *t)
{
	uint8_t em[MODULUS_MAX];
	const char *kind = em_wrong(chance_below(c, EM_WRONGS), t->alg, t->tbs, em, k->len);

	if (k->dear || kind == NULL)
		return false;
	t->kind = kind;
	rsa_sign_em(r, k, em, t->sig);
	return true;
}

static bool
length(struct rsa *r UNUSED, struct rsa_key *k UNUSED, struct chance *c, struct trial *t)
{
	static const int by[] = { -1, 1, -8, 8 };
	size_t *n = chance_one_in(c, 2) ? &t->sig_n : &t->tbs_n;

	t->kind = "a wrong length";
	*n = (size_t)((int)*n + by[chance_below(c, ARRAY_LEN(by))]);
	return true;
}

static bool
exponent(struct rsa *r UNUSED, struct rsa_key *k UNUSED, struct chance *c, struct trial *t)
{
	static const uint32_t others[] = { 3, 1, 65539, 65536, 0xffffffff };

	if (t->key != NULL)
		return false;
	t->kind = "another exponent";
	t->oracle = NULL;
	t->exponent = others[chance_below(c, ARRAY_LEN(others))];
	return true;
}

static const struct {
	unsigned	weight;		/* of a hundred; the rest stays good */
	bool		(*make)(struct rsa *, struct rsa_key *, struct chance *, struct trial *);
} faults[] = {
	{ 8, sig_bit }, { 4, sig_limb }, { 5, digest_bit }, { 7, modulus_bit },
	{ 4, modulus_limb },
	{ 3, other_key }, { 6, sig_value }, { 6, sig_above }, { 3, em_bit }, { 3, em_other },
	{ 2, length }, { 1, exponent },
};

/* --- a trial --- */

/* Mostly those that lanes take; seldom those that cost much to ask. */
static struct rsa_key *
key_pick(struct rsa *r, struct chance *c)
{
	unsigned n = chance_below(c, 100);

	if (n < 60)
		return &r->keys[chance_below(c, (unsigned)r->n_usual)];
	if (n < 96)
		return &r->keys[chance_below(c, (unsigned)r->n_lanes)];
	return &r->keys[chance_below(c, (unsigned)r->n)];
}

/* One of the key's, of which now and then one is made anew. */
static const struct rsa_sample *
sample_pick(struct rsa *r, struct rsa_key *k, struct chance *c)
{
	struct rsa_sample *s = &k->samples[chance_below(c, k->n_samples)];

	if (chance_one_in(c, k->dear ? 256 : 16))
		rsa_sign(r, k, c, s);
	return s;
}

static void
fault_make(struct rsa *r, struct rsa_key *k, struct chance *c, struct trial *t)
{
	unsigned at = chance_below(c, 100);
	struct trial was = *t;

	for (size_t i = 0; i < ARRAY_LEN(faults); i++) {
		if (at < faults[i].weight) {
			t->hope = HOPE_NO;
			if (!faults[i].make(r, k, c, t))
				*t = was;
			return;
		}
		at -= faults[i].weight;
	}
}

static void
one_fill(struct rsa *r, struct chance *c, struct trial *t)
{
	struct rsa_key *k = key_pick(r, c);
	const struct rsa_sample *s = sample_pick(r, k, c);
	uint8_t em[MODULUS_MAX];

	rsa_trial(t, k, s, rsa_can_be_fresh(k) && chance_one_in(c, 2));
	if (!em_right(t->alg, t->tbs, em, k->len))
		t->hope = HOPE_NONE;	/* the key is too short for any */
	fault_make(r, k, c, t);
}

void
rsa_fill(void *p, struct chance *c, struct trial *t, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		one_fill(p, c, &t[i]);
		trial_ask(&t[i]);
	}
}
