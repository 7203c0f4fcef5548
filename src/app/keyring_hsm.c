/* Keys in a token: opened, tried, made, and signed with (app/keyring_hsm.h). */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "app/keyring_hsm.h"
#include "app/token_key.h"
#include "app/zone_jobs.h"
#include "base/err.h"

#define TAG_TRIES	16	/* a token is slow, and one tag in 65536 is taken a key */

struct keyring_hsm {
	struct keyring		*ring;
	struct hsm		*hsm;
	size_t			 n;
	struct token_key	*key[KEYRING_KEYS_MAX];
};

struct keyring_hsm *
keyring_hsm_free(struct keyring_hsm *kh)
{
	if (kh == NULL)
		return NULL;
	for (size_t i = 0; i < kh->n; i++)
		(void)token_key_free(kh->key[i]);
	(void)hsm_free(kh->hsm);
	free(kh);
	return NULL;
}

int
keyring_hsm_sign(void *arg, const struct sign_key *key, struct crypto_make *item, size_t n)
{
	const struct keyring_hsm *kh = arg;

	for (size_t i = 0; i < kh->n; i++)
		if (key->arg == kh->key[i])
			return token_key_sign(kh->hsm, kh->key[i], item, n);
	return zone_jobs_sign_here(NULL, key, item, n);
}

int
keyring_hsm_probe(struct keyring_hsm *kh, struct findings *fs)
{
	bool all = true;

	for (size_t i = 0; i < kh->n; i++)
		all = token_key_probe(kh->hsm, kh->key[i], fs) == 0 && all;
	return all ? 0 : -EKEYREJECTED;
}

/* --- opened --- */

static const char *
token_of(const struct keyring *r)
{
	for (size_t i = 0; i < keyring_n(r); i++)
		if (keyring_get(r, i)->uri != NULL)
			return keyring_get(r, i)->uri;
	return "pkcs11:";
}

int
keyring_hsm_open(struct keyring *r, const struct hsm_opts *o, struct findings *fs,
    struct keyring_hsm **ret)
{
	_cleanup_(keyring_hsm_freep) struct keyring_hsm *kh = calloc(1, sizeof(*kh));
	struct hsm_opts opts = *o;
	int rc;

	if (kh == NULL)
		return -ENOMEM;
	kh->ring = r;
	if (opts.token == NULL)
		opts.token = token_of(r);
	if ((rc = hsm_open(&opts, fs, &kh->hsm)) < 0 || kh->hsm == NULL)
		return rc;
	for (size_t i = 0; i < keyring_n(r); i++) {
		const struct keyring_key *k = keyring_get(r, i);

		if (k->uri == NULL || k->priv != NULL)
			continue;
		rc = token_key_open(kh->hsm, k->name, k->uri, k->rdata, fs, &kh->key[kh->n]);
		if (rc == -ENOMEM)
			return rc;
		if (rc == 0)
			keyring_token_set(r, i, kh->key[kh->n++]);
	}
	*ret = TAKE_PTR(kh);
	return 0;
}

/* --- made --- */

int
keyring_hsm_generate(struct keyring_hsm *kh, uint8_t alg, unsigned bits, uint16_t flags,
    int64_t now, struct findings *fs, const char **ret_name)
{
	if (kh->n == KEYRING_KEYS_MAX)
		return SE_LIMIT;
	for (unsigned i = 0; i < TAG_TRIES; i++) {
		struct token_made m;
		struct dnskey k;
		int rc;

		if ((rc = token_key_make(kh->hsm, SV(""), alg, bits, flags, fs, &m)) < 0)
			return rc;
		if ((rc = dnskey_parse((struct sv){ (const char *)m.rdata, m.rdata_len }, &k)) == 0)
			rc = keyring_add(kh->ring, &k, m.uri.p, m.key, now, ret_name);
		if (rc < 0) {
			token_made_undo(kh->hsm, &m);
			if (rc != -EEXIST)
				return rc;
			continue;
		}
		kh->key[kh->n++] = TAKE_PTR(m.key);
		token_made_done(&m);
		return 0;
	}
	return SE_LIMIT;
}
