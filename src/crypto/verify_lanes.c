/* The RSA-2048 signatures of a slice, eight at a time (rsa_lanes.h). */
#include "crypto/verify_internal.h"

#define LANES_MIN	2	/* one alone is OpenSSL's: eight lanes cost as much as two of its */

struct eight {
	size_t		 at[RSA_LANES];		/* of the slice */
	struct rsa_lane	 lanes[RSA_LANES];
	uint8_t		 em[RSA_LANES][RSA_LANE_LEN];
	size_t		 n;
};

static bool
is_ours(const struct crypto_verify *v)
{
	return v->key != NULL ? v->key->octets != NULL : v->modulus.n == RSA_LANE_LEN;
}

static void
eight_add(struct eight *e, const struct slice *s, size_t at)
{
	const struct crypto_verify *v = &s->v[at];
	const struct dns_alg *a = v->key != NULL ? v->key->alg : dns_alg_find(DNS_RSASHA256);
	struct rsa_lane *l = &e->lanes[e->n];

	/* 2048 bits have room for each digest. */
	(void)dns_rsa_encode(a, (const uint8_t *)v->tbs.p, RSA_LANE_LEN, e->em[e->n]);
	*l = (struct rsa_lane){
		.modulus = v->key != NULL ? v->key->octets : (const uint8_t *)v->modulus.p,
		.sig = (const uint8_t *)v->sig.p,
		.em = e->em[e->n],
	};
	e->at[e->n++] = at;
}

static void
eight_check(struct eight *e, struct slice *s)
{
	if (e->n >= LANES_MIN) {
		rsa_lanes_check(e->lanes, e->n);
		for (size_t i = 0; i < e->n; i++) {
			s->v[e->at[i]].ok = e->lanes[i].ok;
			s->todo[e->at[i]] = false;
		}
	}
	e->n = 0;
}

void
slice_rsa_lanes(struct slice *s)
{
	struct eight e;

	e.n = 0;
	for (size_t i = 0; i < s->n; i++) {
		if (!s->todo[i] || !is_ours(&s->v[i]))
			continue;
		eight_add(&e, s, i);
		if (e.n == RSA_LANES)
			eight_check(&e, s);
	}
	eight_check(&e, s);
}
