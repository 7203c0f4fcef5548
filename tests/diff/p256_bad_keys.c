/* Octets that are no point of P-256: the door refuses what EVP does, and nothing else. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "p256.h"

#define OCTETS	(2 * P256_OCTETS)
#define TRIES	300

/* Of chance, near a point, or of numbers at their ends. */
static void
octets_make(const struct p256 *p, struct chance *c, unsigned i, uint8_t xy[static OCTETS])
{
	static const uint8_t fills[] = { 0x00, 0xff, 0x01, 0x80 };
	uint8_t *half = xy + (i & 8 ? P256_OCTETS : 0);

	if (!EC_POINT_mul(p->group, p->point, p->keys[i % p->n].d, NULL, NULL, p->ctx) ||
	    !EC_POINT_get_affine_coordinates(p->group, p->point, p->r, p->s, p->ctx) ||
	    BN_bn2binpad(p->r, xy, P256_OCTETS) < 0 ||
	    BN_bn2binpad(p->s, xy + P256_OCTETS, P256_OCTETS) < 0)
		abort();
	switch (i % 8) {
	case 0:
		break;			/* a key */
	case 1:
		xy[chance_below(c, OCTETS)] ^= (uint8_t)(1u << chance_below(c, 8));
		break;
	case 2:
		(void)BN_bn2binpad(p->prime, half, P256_OCTETS);
		break;
	case 3:
		memset(xy, fills[chance_below(c, sizeof(fills))], OCTETS);
		break;
	case 4:
		memset(half, fills[chance_below(c, sizeof(fills))], P256_OCTETS);
		break;
	case 5:
		chance_bytes(c, xy, OCTETS);
		break;
	case 6:			/* the opposite point */
		(void)BN_sub(p->s, p->prime, p->s);
		(void)BN_bn2binpad(p->s, xy + P256_OCTETS, P256_OCTETS);
		break;
	default:		/* x and y exchanged */
		(void)BN_bn2binpad(p->s, xy, P256_OCTETS);
		(void)BN_bn2binpad(p->r, xy + P256_OCTETS, P256_OCTETS);
	}
}

/* A point whose x is small, and that x plus p: the same modulo p, and no key. */
static void
above_make(const struct p256 *p, unsigned i, uint8_t xy[static OCTETS])
{
	if (!BN_set_word(p->t, i))
		abort();
	while (!EC_POINT_set_compressed_coordinates(p->group, p->point, p->t, 0, p->ctx))
		if (!BN_add_word(p->t, 1))
			abort();
	if (!EC_POINT_get_affine_coordinates(p->group, p->point, p->r, p->s, p->ctx) ||
	    !BN_add(p->r, p->r, p->prime) || BN_bn2binpad(p->r, xy, P256_OCTETS) < 0 ||
	    BN_bn2binpad(p->s, xy + P256_OCTETS, P256_OCTETS) < 0)
		abort();
}

unsigned
p256_bad_keys(void *state, struct chance *c)
{
	const struct p256 *p = state;
	unsigned n_bad = 0, n_taken = 0;

	for (unsigned i = 0; i < TRIES; i++) {
		uint8_t xy[OCTETS + 1] = { 0 };
		size_t n = i % 50 == 49 ? OCTETS - 1 : i % 50 == 48 ? OCTETS + 1 : OCTETS;
		struct trial_key k;

		if (i % 10 == 9)
			above_make(p, i, xy);
		else
			octets_make(p, c, i, xy);
		(void)trial_key_init(&k, 13, trial_sv(xy, n));
		n_taken += k.pub != NULL;
		if ((k.pub == NULL) != (k.oracle == NULL)) {
			n_bad++;
			printf("# key %u: the door %s it, OpenSSL does not agree\n", i,
			    k.pub != NULL ? "takes" : "refuses");
		}
		trial_key_done(&k);
	}
	printf("# keys: %u, of which %u are points\n", TRIES, n_taken);
	return n_bad;
}
