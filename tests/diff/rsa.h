/* RSA's trials: keys, what chance makes of them, and the edges. */
#ifndef TESTS_DIFF_RSA_H
#define TESTS_DIFF_RSA_H

#include "em.h"
#include "roots.h"
#include "trial.h"

#define SAMPLES		8	/* good signatures that a key keeps */

struct rsa_sample {
	uint8_t		 digest[64];
	uint8_t		 sig[MODULUS_MAX];
};

struct rsa_key {
	struct roots		*roots;
	struct trial_key	 known;
	size_t			 len;
	uint8_t			 modulus[MODULUS_MAX];
	uint32_t		 exponent;
	bool			 dear;		/* its roots take milliseconds */
	unsigned		 n_samples;
	struct rsa_sample	 samples[SAMPLES];
};

#define RSA_KEYS_MAX	128

struct rsa {
	struct rsa_key	 keys[RSA_KEYS_MAX];
	size_t		 n;
	size_t		 n_lanes;	/* the first of them: RSA-2048, algorithm 8, e = 65537 */
	size_t		 n_usual;	/* the first of those: cheap, of chance */
	BIGNUM		*m, *s;
};

struct rsa	*rsa_new(struct chance *, bool small);
void		 rsa_free(struct rsa *);

/* A signature whose e-th power is em. */
void		 rsa_sign_em(struct rsa *, struct rsa_key *, const uint8_t *em, uint8_t *sig);
/* A right one of a digest of chance. */
void		 rsa_sign(struct rsa *, struct rsa_key *, struct chance *, struct rsa_sample *);
/* A trial of key and sample, as prepared or fresh key; hoped to be good. */
void		 rsa_trial(struct trial *, const struct rsa_key *, const struct rsa_sample *, bool fresh);
bool		 rsa_can_be_fresh(const struct rsa_key *);
/* sig = n + add; false: that is negative, or too long. */
bool		 rsa_sig_near_n(struct trial *, const struct rsa_key *, int add);
/* sig += n; false: too long. */
bool		 rsa_sig_above(struct trial *, const struct rsa_key *);

void		 rsa_fill(void *, struct chance *, struct trial *, size_t n);
size_t		 rsa_edge(void *, size_t batch, struct trial t[static BATCH_MAX]);

#endif
