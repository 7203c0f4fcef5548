/* Multipliers that arithmetic by windows may stumble over. */
#include <stdlib.h>

#include "p256.h"

/* One of each kind; any number below 2^256, made fit by the caller. */
static void
octets_set(BIGNUM *u, struct chance *c, unsigned kind)
{
	static const uint8_t edges[] = { 0, 1, 2, 126, 127, 128, 129, 254, 255 };
	uint8_t b[P256_OCTETS] = { 0 }, one = (uint8_t)chance_u64(c), other = (uint8_t)chance_u64(c);

	for (unsigned i = 0; i < sizeof(b); i++)
		switch (kind) {
		case 0:		/* the same octet, or two in turn */
			b[i] = i & 1 ? one : other;
			break;
		case 1:		/* octets at the ends of what a window holds */
			b[i] = edges[chance_below(c, ARRAY_LEN(edges))];
			break;
		default:	/* few */
			if (chance_one_in(c, 8))
				b[i] = one;
		}
	if (BN_bin2bn(b, sizeof(b), u) == NULL)
		abort();
}

/* Up to 300, or as much below the order. */
static void
small_set(const struct p256 *p, struct chance *c, BIGNUM *u)
{
	if (!BN_set_word(u, chance_below(c, 301)) ||
	    (chance_one_in(c, 2) && !BN_sub(u, p->order, u)))
		abort();
}

/* m * 256^i, and one more or less. */
static void
window_set(struct chance *c, BIGNUM *u)
{
	if (!BN_set_word(u, 1 + chance_below(c, 255)) ||
	    !BN_lshift(u, u, 8 * (int)chance_below(c, 32)))
		abort();
	if (chance_one_in(c, 3) && !BN_sub_word(u, 1))
		abort();
	if (chance_one_in(c, 3) && !BN_add_word(u, 1))
		abort();
}

static void
scalar_set(struct p256 *p, struct chance *c, BIGNUM *u, unsigned kind)
{
	switch (kind) {
	case 0:
		p256_chance(p, c, u);
		break;
	case 1:
		small_set(p, c, u);
		break;
	case 2:
		window_set(c, u);
		break;
	case 3:
		if (BN_copy(u, p->fifth) == NULL ||
		    (chance_one_in(c, 2) && !BN_sub(u, p->order, u)))
			abort();
		break;
	default:
		octets_set(u, c, kind - 4);
	}
}

/* u1 = f * u2 * d: sums that are equal (f = 1), opposite (-1), or nearly. */
static void
u1_follow(struct p256 *p, const struct p256_pub *k, bool negative, unsigned plus)
{
	if (!BN_mod_mul(p->u1, p->u2, k->d, p->order, p->ctx) ||
	    (negative && !BN_sub(p->u1, p->order, p->u1)) || !BN_add_word(p->u1, plus))
		abort();
}

static const char *const names[] = {
	"good: chance", "good: small multipliers", "good: one window", "fifth level",
	"good: two octets", "good: octets at the ends", "good: few octets",
	"good: mixed kinds", "u1 = 0", "equal points", "opposite points", "nearly equal",
	"nearly opposite", "fifth level, u2",
};
_Static_assert(ARRAY_LEN(names) == P256_SCALARS, "a name for each");

const char *
p256_scalars_name(unsigned kind)
{
	return names[kind];
}

static void
u1_set(struct p256 *p, struct chance *c, const struct p256_pub *k, unsigned kind)
{
	switch (kind) {
	case 8:
		BN_zero(p->u1);
		break;
	case 9:
	case 10:
		u1_follow(p, k, kind == 10, 0);
		break;
	case 11:
	case 12:
		u1_follow(p, k, kind == 12, 1 + chance_below(c, 4));
		break;
	case 7:
	case 13:
		scalar_set(p, c, p->u1, chance_below(c, 7));
		break;
	default:
		scalar_set(p, c, p->u1, kind);
	}
}

void
p256_scalars(struct p256 *p, struct chance *c, const struct p256_pub *k, unsigned kind)
{
	do {
		scalar_set(p, c, p->u2, kind < 7 && kind != 3 ? kind : kind == 13 ? 3 : chance_below(c, 7));
		if (!BN_nnmod(p->u2, p->u2, p->order, p->ctx))
			abort();
	} while (BN_is_zero(p->u2));
	u1_set(p, c, k, kind);
	if (!BN_nnmod(p->u1, p->u1, p->order, p->ctx))
		abort();
}
