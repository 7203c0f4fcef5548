#include "trial.h"

#include <stdio.h>
#include <stdlib.h>

bool
trial_key_init(struct trial_key *k, uint8_t alg, struct sv field)
{
	*k = (struct trial_key){ .alg = alg, .oracle = oracle_dnskey(alg, field) };
	if (crypto_pub_new(alg, field, &k->pub) < 0)
		k->pub = NULL;
	return k->pub != NULL;
}

void
trial_key_done(struct trial_key *k)
{
	k->pub = crypto_pub_free(k->pub);
	k->oracle = oracle_free(k->oracle);
}

static struct oracle *
fresh_oracle(const struct trial *t)
{
	const uint8_t e[] = { (uint8_t)(t->exponent >> 24), (uint8_t)(t->exponent >> 16),
		(uint8_t)(t->exponent >> 8), (uint8_t)t->exponent };

	return oracle_rsa(t->alg, trial_sv(t->modulus, t->modulus_n), trial_sv(e, sizeof(e)));
}

/* Fresh keys that the door does not compute with are not ok, whatever OpenSSL says. */
void
trial_ask(struct trial *t)
{
	struct oracle *o = t->key != NULL ? t->key->oracle : t->oracle, *made = NULL;

	if (t->asked)
		return;
	t->asked = true;
	t->want = false;
	if (t->key == NULL &&
	    !crypto_rsa_usable(trial_sv(t->modulus, t->modulus_n), t->exponent))
		return;
	if (o == NULL)
		o = made = fresh_oracle(t);
	if (o != NULL)
		t->want = oracle_says(o, trial_sv(t->tbs, t->tbs_n), trial_sv(t->sig, t->sig_n));
	(void)oracle_free(made);
}

static void
hex_print(const char *name, const uint8_t *p, size_t n)
{
	printf("#   %s ", name);
	for (size_t i = 0; i < n; i++)
		printf("%02x", p[i]);
	printf("\n");
}

void
trial_print(const struct trial *t)
{
	printf("#   %s, algorithm %u, %s; OpenSSL: %s\n", t->kind, t->alg,
	    t->key != NULL ? "prepared" : "fresh", t->want ? "good" : "not good");
	if (t->key == NULL)
		printf("#   exponent %u\n", t->exponent);
	hex_print("modulus", t->modulus, t->modulus_n);
	hex_print("digest", t->tbs, t->tbs_n);
	hex_print("signature", t->sig, t->sig_n);
}
