/* What chance makes of P-256's keys and multipliers. */
#include <stdlib.h>
#include <string.h>

#include "p256.h"

/* --- faults --- */

/* A bit of n octets of p. */
static void
bit_flip(struct chance *c, uint8_t *p, size_t n)
{
	p[chance_below(c, (unsigned)n)] ^= (uint8_t)(1u << chance_below(c, 8));
}

static bool
sig_bit(struct p256 *p UNUSED, struct chance *c, struct trial *t)
{
	t->kind = "a bit of the signature";
	bit_flip(c, t->sig, t->sig_n);
	return true;
}

static bool
digest_bit(struct p256 *p UNUSED, struct chance *c, struct trial *t)
{
	t->kind = "a bit of the digest";
	bit_flip(c, t->tbs, t->tbs_n);
	return true;
}

/* 0, 1, n - 1, n, n + 1, p, all ones instead of r or s. */
static bool
value(struct p256 *p, struct chance *c, struct trial *t)
{
	unsigned which = chance_below(c, 8);

	t->kind = "r or s of 0, 1, n and the like";
	if (which < 2 ? !BN_set_word(p->t, which) :
	    which < 6 ? BN_copy(p->t, p->order) == NULL : BN_copy(p->t, p->prime) == NULL)
		abort();
	if (which == 2 || which == 3 ? !BN_sub_word(p->t, which - 1) :
	    which == 5 && !BN_add_word(p->t, 1))
		abort();
	if (which == 7) {
		BN_zero(p->t);
		(void)BN_set_bit(p->t, 256);
		(void)BN_sub_word(p->t, 1);
	}
	if (BN_copy(chance_one_in(c, 2) ? p->r : p->s, p->t) == NULL)
		abort();
	return p256_put(p, t);
}

/* The same modulo the order, and above it: no signature. Seldom it fits. */
static bool
above(struct p256 *p, struct chance *c, struct trial *t)
{
	BIGNUM *x = chance_one_in(c, 2) ? p->r : p->s;

	t->kind = "r or s plus n";
	return BN_add(x, x, p->order) && p256_put(p, t);
}

/* The other signature that holds: n - s. */
static bool
mirror(struct p256 *p, struct chance *c UNUSED, struct trial *t)
{
	t->kind = "good: n - s";
	t->hope = HOPE_YES;
	return BN_sub(p->s, p->order, p->s) && p256_put(p, t);
}

/* A digest is taken modulo the order: n more is the same. Seldom it fits. */
static bool
digest_above(struct p256 *p, struct chance *c UNUSED, struct trial *t)
{
	t->kind = "good: a digest above n";
	t->hope = HOPE_YES;
	return BN_add(p->z, p->z, p->order) && p256_put(p, t);
}

static bool
digest_value(struct p256 *p UNUSED, struct chance *c, struct trial *t)
{
	t->kind = "a digest of zeros or ones";
	t->hope = HOPE_NONE;
	memset(t->tbs, chance_one_in(c, 2) ? 0 : 0xff, t->tbs_n);
	return true;
}

static bool
swapped(struct p256 *p, struct chance *c UNUSED, struct trial *t)
{
	t->kind = "r and s exchanged";
	if (BN_cmp(p->r, p->s) == 0)
		return false;		/* u2 was 1 */
	BN_swap(p->r, p->s);
	return p256_put(p, t);
}

static bool
other_key(struct p256 *p, struct chance *c, struct trial *t)
{
	t->kind = "another key";
	t->hope = HOPE_NONE;		/* it may be the same */
	t->key = &p->keys[chance_below(c, (unsigned)p->n)].known;
	return true;
}

static bool
chance_all(struct p256 *p UNUSED, struct chance *c, struct trial *t)
{
	t->kind = "nothing but chance";
	chance_bytes(c, t->sig, t->sig_n);
	chance_bytes(c, t->tbs, t->tbs_n);
	return true;
}

static bool
length(struct p256 *p UNUSED, struct chance *c, struct trial *t)
{
	static const int by[] = { -1, 1, -32, 32 };
	size_t *n = chance_one_in(c, 2) ? &t->sig_n : &t->tbs_n;

	t->kind = "a wrong length";
	*n = (size_t)((int)*n + by[chance_below(c, ARRAY_LEN(by))]);
	return true;
}

static const struct {
	unsigned	weight;		/* of a hundred; the rest stays as it is */
	bool		(*make)(struct p256 *, struct chance *, struct trial *);
} faults[] = {
	{ 8, sig_bit }, { 5, digest_bit }, { 6, value }, { 4, above }, { 5, mirror }, { 5, digest_above },
	{ 2, digest_value }, { 1, swapped }, { 2, other_key }, { 2, chance_all }, { 2, length },
};

static void
fault_make(struct p256 *p, struct chance *c, struct trial *t)
{
	unsigned at = chance_below(c, 100);
	struct trial was = *t;

	for (size_t i = 0; i < ARRAY_LEN(faults); i++) {
		if (at < faults[i].weight) {
			t->hope = HOPE_NO;
			if (!faults[i].make(p, c, t))
				*t = was;
			else if (was.hope == HOPE_NO)
				t->hope = HOPE_NO;
			return;
		}
		at -= faults[i].weight;
	}
}

/* --- trials --- */

/* Most of them are cheap; the kinds of multipliers share the rest. */
static void
one_fill(struct p256 *p, struct chance *c, const struct p256_pub *k, struct trial *t)
{
	unsigned kind = chance_below(c, P256_SCALARS);

	if (chance_below(c, 3) > 0) {
		p256_cheap(p, c, k, t);
	} else {
		p256_scalars(p, c, k, kind);
		p256_trial(p, k, t);
		if (t->hope == HOPE_YES)
			t->kind = p256_scalars_name(kind);
	}
	if (chance_one_in(c, 2))
		fault_make(p, c, t);
}

/* A table is made for a key that signs much, so a batch has few keys; sometimes many. */
static size_t
cast_pick(struct p256 *p, struct chance *c, struct p256_pub *cast[static 20])
{
	size_t n = chance_one_in(c, 10) ? 20 : 1 + chance_below(c, 4);

	for (size_t i = 0; i < n; i++)
		cast[i] = &p->keys[chance_below(c, (unsigned)(chance_one_in(c, 2) ? p->n : p->n_usual))];
	return n;
}

void
p256_fill(void *state, struct chance *c, struct trial *t, size_t n)
{
	struct p256 *p = state;
	struct p256_pub *cast[20];
	size_t n_cast;

	if (p->n_fills++ % 16 == 15) {		/* keys come and go */
		p256_chance(p, c, p->t);
		p256_key_set(p, chance_below(c, (unsigned)p->n_usual), p->t);
	}
	n_cast = cast_pick(p, c, cast);
	for (size_t i = 0; i < n; i++) {
		one_fill(p, c, cast[chance_below(c, (unsigned)n_cast)], &t[i]);
		trial_ask(&t[i]);
	}
}
