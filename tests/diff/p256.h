/*
 * P-256's trials. A signature (r, s) of the digest z holds when the x of
 * u1*G + u2*Q is r, with u1 = z/s and u2 = r/s (FIPS 186-5 section 6.4.2). So
 * who knows Q = d*G chooses u1 and u2, takes r from their sum, and has s =
 * r/u2 and z = u1*s: all that arithmetic can stumble over can be had in good
 * signatures.
 */
#ifndef TESTS_DIFF_P256_H
#define TESTS_DIFF_P256_H

#include <openssl/bn.h>
#include <openssl/ec.h>
#include <openssl/objects.h>

#include "trial.h"

#define P256_OCTETS	32

struct p256_pub {
	struct trial_key	 known;
	BIGNUM			*d;	/* NULL: nobody knows */
};

#define P256_KEYS_MAX	96
#define P256_NONCES	64

struct p256 {
	EC_GROUP	*group;
	const BIGNUM	*order;
	BIGNUM		*prime;
	BN_CTX		*ctx;
	EC_POINT	*sum, *point;
	BIGNUM		*u1, *u2, *k, *r, *s, *z, *t;
	BIGNUM		*fifth;		/* p256_fifth() */
	struct p256_pub	 keys[P256_KEYS_MAX];
	size_t		 n;
	size_t		 n_usual;	/* the first: of chance; the others: special multiples of G */
	size_t		 n_fills;
	BIGNUM		*nonces[P256_NONCES], *xs[P256_NONCES];	/* p256_cheap() */
	struct trial	*base;		/* p256_edges.c: good ones, asked once */
};

struct p256	*p256_new(struct chance *, bool small);
void		 p256_free(struct p256 *);
/* In place i, instead of what was there. */
void		 p256_key_set(struct p256 *, size_t i, const BIGNUM *d);
void		 p256_chance(struct p256 *, struct chance *, BIGNUM *ret);	/* 1 to order - 1 */

/*
 * The trial for these multipliers, u2 not 0: good, or where the sum is infinity, not. They
 * are left as p->u1 and u2, the signature as p->r, s and z.
 */
void		 p256_trial(struct p256 *, const struct p256_pub *, struct trial *);
/*
 * A good one of chance, for a tenth of the time: the sum k*G is one of a few that change
 * slowly, whatever the key; s is any, and z = k*s - r*d.
 */
void		 p256_cheap(struct p256 *, struct chance *, const struct p256_pub *, struct trial *);
/* The signature and digest as they are in p; false: one does not fit. */
bool		 p256_put(struct p256 *, struct trial *);

/* Multipliers of a kind, into p->u1 and u2. */
#define P256_SCALARS	14
void		 p256_scalars(struct p256 *, struct chance *, const struct p256_pub *, unsigned kind);
const char	*p256_scalars_name(unsigned kind);

unsigned	 p256_bad_keys(void *, struct chance *);
void		 p256_fill(void *, struct chance *, struct trial *, size_t n);
size_t		 p256_edge(void *, size_t batch, struct trial t[static BATCH_MAX]);

#endif
