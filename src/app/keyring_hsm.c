/* Keys in a token: opened, tried, made, and signed with (app/keyring_hsm.h). */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "app/keyring_hsm.h"
#include "app/zone_findings.h"
#include "app/zone_jobs.h"
#include "base/err.h"

#define PROBE_LEN	32
#define BATCH		64	/* signatures of one call: a session is held no longer */
#define TAG_TRIES	16	/* a token is slow, and one tag in 65536 is taken a key */

struct token_key {
	struct hsm_key		*key;
	struct crypto_pub	*pub;		/* of the DNSKEY record */
	const struct keyring_key *of;
	uint8_t			 alg;
};

struct keyring_hsm {
	struct keyring		*ring;
	struct hsm		*hsm;
	size_t			 n;
	struct token_key	 key[KEYRING_KEYS_MAX];
};

static void
token_key_done(struct token_key *t)
{
	t->key = hsm_key_free(t->key);
	t->pub = crypto_pub_free(t->pub);
}

struct keyring_hsm *
keyring_hsm_free(struct keyring_hsm *kh)
{
	if (kh == NULL)
		return NULL;
	for (size_t i = 0; i < kh->n; i++)
		token_key_done(&kh->key[i]);
	(void)hsm_free(kh->hsm);
	free(kh);
	return NULL;
}

/* --- which kind is which algorithm --- */

static const struct {
	enum hsm_kind	kind;
	uint8_t		alg;
} kinds[] = {
	{ HSM_RSA, 8 }, { HSM_RSA, 10 }, { HSM_P256, 13 }, { HSM_P384, 14 }, { HSM_ED25519, 15 },
	{ HSM_ED448, 16 },
};

static enum hsm_kind
kind_of(uint8_t alg)
{
	for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
		if (kinds[i].alg == alg)
			return kinds[i].kind;
	return HSM_KIND_MAX;
}

/* --- signing --- */

/* One batch: what the token wants, its answers, and what RRSIG wants. */
static int
batch_sign(struct hsm *hsm, const struct token_key *t, struct crypto_make *item, size_t n)
{
	struct sv info = crypto_digest_info(t->alg);
	struct hsm_make m[BATCH];
	uint8_t (*raw)[HSM_SIG_MAX];
	size_t size = 0;
	uint8_t *tbs, *p;
	int rc = 0;

	for (size_t i = 0; i < n; i++)
		size += info.n + crypto_tbs_len(t->alg, item[i].data);
	tbs = p = malloc(size + 1);
	raw = calloc(n, sizeof(*raw));
	if (tbs == NULL || raw == NULL)
		rc = -ENOMEM;
	for (size_t i = 0; rc == 0 && i < n; i++) {
		size_t len = info.n + crypto_tbs_len(t->alg, item[i].data);

		if (info.n > 0)
			memcpy(p, info.p, info.n);
		rc = crypto_tbs(t->alg, item[i].data, p + info.n);
		m[i] = (struct hsm_make){ .data = { (const char *)p, len }, .sig = raw[i] };
		p += len;
	}
	if (rc == 0)
		rc = hsm_sign(hsm, t->key, m, n);
	for (size_t i = 0; rc == 0 && i < n; i++)
		rc = crypto_sig_wire(t->alg, (struct sv){ (const char *)raw[i], m[i].sig_len },
		    item[i].sig, crypto_pub_sig_len(t->pub));
	free(tbs);
	free(raw);
	return rc;
}

static int
token_sign(struct hsm *hsm, const struct token_key *t, struct crypto_make *item, size_t n)
{
	for (size_t i = 0; i < n; i += BATCH) {
		int rc = batch_sign(hsm, t, item + i, min_size(n - i, BATCH));

		if (rc < 0)
			return rc;
	}
	return 0;
}

int
keyring_hsm_sign(void *arg, const struct sign_key *key, struct crypto_make *item, size_t n)
{
	const struct keyring_hsm *kh = arg;

	for (size_t i = 0; i < kh->n; i++)
		if (key->arg == &kh->key[i])
			return token_sign(kh->hsm, &kh->key[i], item, n);
	return zone_jobs_sign_here(NULL, key, item, n);
}

/* --- the probe --- */

/* 1: it verifies with the published key; 0: it does not; negative: nothing was signed. */
static int
probe(struct hsm *hsm, const struct token_key *t)
{
	uint8_t random[PROBE_LEN], sig[CRYPTO_DNSSIG_MAX];
	struct crypto_make m = { .data = { SV("probe, no RRset: "),
		{ (const char *)random, sizeof(random) } }, .sig = sig };
	struct crypto_check c = { .key = t->pub, .data = { m.data[0], m.data[1] },
		.sig = { (const char *)sig, crypto_pub_sig_len(t->pub) } };
	int rc = crypto_random(random, sizeof(random));

	if (rc < 0)
		return rc;
	/* What cannot be a signature of that algorithm is a wrong one. */
	if ((rc = token_sign(hsm, t, &m, 1)) < 0)
		return rc == -EINVAL ? 0 : rc;
	if ((rc = crypto_check_batch(&c, 1)) < 0)
		return rc;
	return c.ok;
}

/* false: told why. */
static bool
probe_holds(struct hsm *hsm, const struct token_key *t, struct findings *fs)
{
	int rc = probe(hsm, t);

	if (rc > 0)
		return true;
	if (rc == 0) {
		finding_add(fs, &zone_findings[KEYRING_PROBE], FA_STR("file", t->of->name));
		return false;
	}
	finding_add(fs, &zone_findings[KEYRING_TOKEN], FA_STR("file", t->of->name),
	    FA_STR("uri", t->of->uri));
	(void)hsm_trouble(hsm, fs);
	return false;
}

int
keyring_hsm_probe(struct keyring_hsm *kh, struct findings *fs)
{
	bool all = true;

	for (size_t i = 0; i < kh->n; i++)
		all = probe_holds(kh->hsm, &kh->key[i], fs) && all;
	return all ? 0 : -EKEYREJECTED;
}

/* --- opened --- */

/* false: told why. */
static bool
token_key_open(struct keyring_hsm *kh, const struct keyring_key *k, struct findings *fs,
    struct token_key *t)
{
	struct dnskey dnskey;
	int rc = dnskey_parse(k->rdata, &dnskey);

	*t = (struct token_key){ .of = k, .alg = rc < 0 ? 0 : dnskey.alg };
	if (rc == 0)
		rc = crypto_pub_new(t->alg, dnskey.public_key, false, &t->pub);
	if (rc == 0 && (rc = hsm_key_open(kh->hsm, k->uri, &t->key)) < 0)
		(void)hsm_trouble(kh->hsm, fs);
	/* A key of another kind cannot be asked for a signature of this algorithm. */
	if (rc < 0 || hsm_key_info(t->key)->kind != kind_of(t->alg)) {
		finding_add(fs, &zone_findings[KEYRING_TOKEN], FA_STR("file", k->name),
		    FA_STR("uri", k->uri));
		return false;
	}
	hsm_key_check(t->key, fs);
	return probe_holds(kh->hsm, t, fs);
}

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
		struct token_key *t = &kh->key[kh->n];

		if (keyring_get(r, i)->uri == NULL || keyring_get(r, i)->priv != NULL)
			continue;
		if (!token_key_open(kh, keyring_get(r, i), fs, t)) {
			token_key_done(t);
			continue;
		}
		keyring_token_set(r, i, t);
		kh->n++;
	}
	*ret = TAKE_PTR(kh);
	return 0;
}

/* --- made --- */

/* Into the next free place, after its probe; -EEXIST: its tag is taken. */
static int
made_add(struct keyring_hsm *kh, uint8_t alg, uint16_t flags, int64_t now, struct findings *fs,
    const char **ret_name)
{
	struct token_key *t = &kh->key[kh->n];
	const struct hsm_public *p = hsm_key_public(t->key);
	struct crypto_token_key parts = { p->modulus, p->exponent, p->point };
	_cleanup_(buf_done) struct buf uri = BUF_INIT;
	uint8_t octets[CRYPTO_DNSKEY_MAX];
	struct dnskey k = { .flags = flags, .protocol = 3, .alg = alg };
	size_t n = 0;
	int rc = crypto_token_public(alg, &parts, octets, &n);

	k.public_key = (struct sv){ (const char *)octets, n };
	hsm_key_uri(kh->hsm, t->key, &uri);
	buf_char(&uri, '\0');
	if (rc == 0)
		rc = uri.rc;
	t->alg = alg;
	if (rc == 0)
		rc = crypto_pub_new(alg, k.public_key, false, &t->pub);
	if (rc == 0 && (rc = probe(kh->hsm, t)) == 0)
		finding_add(fs, &zone_findings[KEYRING_PROBE], FA_STR("file", uri.p));
	if (rc >= 0)
		rc = rc == 0 ? -EKEYREJECTED : keyring_add(kh->ring, &k, uri.p, t, now, ret_name);
	if (rc < 0)
		return rc;
	t->of = keyring_get(kh->ring, keyring_n(kh->ring) - 1);
	kh->n++;
	return 0;
}

int
keyring_hsm_generate(struct keyring_hsm *kh, uint8_t alg, unsigned bits, uint16_t flags,
    int64_t now, struct findings *fs, const char **ret_name)
{
	enum hsm_kind kind = kind_of(alg);
	struct sv label = (flags & DNSKEY_SEP) != 0 ? SV("sekisho KSK") : SV("sekisho ZSK");

	if (kind == HSM_KIND_MAX)
		return -ENOTSUP;
	if (kh->n == KEYRING_KEYS_MAX)
		return SE_LIMIT;
	for (unsigned i = 0; i < TAG_TRIES; i++) {
		struct token_key *t = &kh->key[kh->n];
		int rc;

		*t = (struct token_key){ 0 };
		if ((rc = hsm_generate(kh->hsm, kind, bits, label, &t->key)) < 0) {
			(void)hsm_trouble(kh->hsm, fs);
			return rc;
		}
		rc = made_add(kh, alg, flags, now, fs, ret_name);
		if (rc == 0)
			return 0;
		/* Nobody knows of it. */
		(void)!hsm_key_delete(kh->hsm, t->key);
		token_key_done(t);
		if (rc != -EEXIST)
			return rc;
	}
	return SE_LIMIT;
}
