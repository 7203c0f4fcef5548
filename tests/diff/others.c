/*
 * Signatures of other algorithms, that stand between those under test: a
 * batch is any mixture. A few, asked once.
 */
#include <openssl/rand.h>
#include <stdlib.h>
#include <string.h>

#include "crypto/dnskey.h"
#include "trial.h"

static const uint8_t algs[] = { 13, 14, 15, 16, 8 };

#define EACH	6

struct others {
	struct trial_key	 keys[ARRAY_LEN(algs)];
	struct trial		 trials[ARRAY_LEN(algs)][EACH];
};

/* Made by the folder's own signer; the oracle judges all the same. */
static void
one_init(struct trial_key *k, uint8_t alg, struct trial *t)
{
	_cleanup_(crypto_priv_freep) struct crypto_priv *priv = NULL;

	if (crypto_priv_generate(alg, 1024, &priv) < 0 ||
	    !trial_key_init(k, alg, crypto_priv_public(priv)))
		abort();
	for (unsigned i = 0; i < EACH; i++, t++) {
		*t = (struct trial){ .kind = "of another algorithm", .hope = HOPE_YES, .alg = alg,
			.key = k, .tbs_n = alg == 14 ? 48 : 32, .sig_n = crypto_pub_sig_len(k->pub) };
		if (RAND_bytes(t->tbs, (int)t->tbs_n) != 1 ||
		    crypto_make_tbs_batch(priv, &(struct crypto_make_tbs){
		    trial_sv(t->tbs, t->tbs_n), t->sig }, 1) < 0)
			abort();
		if (i % 3 == 2) {
			t->sig[i] ^= 4;
			t->hope = HOPE_NO;
		}
		trial_ask(t);
	}
}

struct others *
others_new(void)
{
	struct others *o = calloc(1, sizeof(*o));

	if (o == NULL)
		abort();
	for (size_t i = 0; i < ARRAY_LEN(algs); i++)
		one_init(&o->keys[i], algs[i], o->trials[i]);
	return o;
}

struct others *
others_free(struct others *o)
{
	if (o == NULL)
		return NULL;
	for (size_t i = 0; i < ARRAY_LEN(algs); i++)
		trial_key_done(&o->keys[i]);
	free(o);
	return NULL;
}

void
others_pick(struct others *o, struct chance *c, struct trial *t)
{
	*t = o->trials[chance_below(c, ARRAY_LEN(algs))][chance_below(c, EACH)];
}
