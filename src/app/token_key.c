/* See app/token_key.h. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/token_key.h"
#include "app/zone_findings.h"
#include "base/err.h"

#define PROBE_LEN	32
#define ZONE_MAX	200	/* of a zone's name in a label; longer ones are cut */
#define LABEL_MAX	(ZONE_MAX + 32)
#define BATCH		64	/* signatures of one call: a session is held no longer */

struct token_key {
	struct hsm_key		*key;
	struct crypto_pub	*pub;		/* of the DNSKEY data */
	char			*name, *uri;
	uint8_t			 alg;
};

struct token_key *
token_key_free(struct token_key *t)
{
	if (t == NULL)
		return NULL;
	(void)hsm_key_free(t->key);
	(void)crypto_pub_free(t->pub);
	free(t->name);
	free(t->uri);
	free(t);
	return NULL;
}

bool
token_key_is_away(int rc)
{
	return rc == -ENODEV || rc == -EMLINK || rc == -EACCES || rc == SE_TIMEOUT;
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

/* One batch: what the token wants lies in m, where its answers go in raw. */
static int
batch_sign(struct hsm *hsm, const struct token_key *t, struct hsm_make *m, uint8_t *const *sig, size_t n)
{
	uint8_t (*raw)[HSM_SIG_MAX] = calloc(n, sizeof(*raw));
	int rc = raw == NULL ? -ENOMEM : 0;

	for (size_t i = 0; rc == 0 && i < n; i++)
		m[i].sig = raw[i];
	if (rc == 0)
		rc = hsm_sign(hsm, t->key, m, n);
	for (size_t i = 0; rc == 0 && i < n; i++)
		rc = crypto_sig_wire(t->alg, (struct sv){ (const char *)raw[i], m[i].sig_len }, sig[i],
		    crypto_pub_sig_len(t->pub));
	free(raw);
	return rc;
}

/* Digests, or for EdDSA all of it, behind what RSA tokens want before them. */
static int
data_batch(struct hsm *hsm, const struct token_key *t, struct crypto_make *item, size_t n)
{
	struct sv info = crypto_digest_info(t->alg);
	struct hsm_make m[BATCH];
	uint8_t *sig[BATCH], *tbs, *p;
	size_t size = 0;
	int rc = 0;

	for (size_t i = 0; i < n; i++)
		size += info.n + crypto_tbs_len(t->alg, item[i].data);
	if ((tbs = p = malloc(size + 1)) == NULL)
		return -ENOMEM;
	for (size_t i = 0; rc == 0 && i < n; i++) {
		size_t len = info.n + crypto_tbs_len(t->alg, item[i].data);

		if (info.n > 0)
			memcpy(p, info.p, info.n);
		rc = crypto_tbs(t->alg, item[i].data, p + info.n);
		m[i] = (struct hsm_make){ .data = { (const char *)p, len } };
		sig[i] = item[i].sig;
		p += len;
	}
	if (rc == 0)
		rc = batch_sign(hsm, t, m, sig, n);
	free(tbs);
	return rc;
}

int
token_key_sign(struct hsm *hsm, const struct token_key *t, struct crypto_make *item, size_t n)
{
	int rc = 0;

	for (size_t i = 0; i < n && rc == 0; i += BATCH)
		rc = data_batch(hsm, t, item + i, min_size(n - i, BATCH));
	return rc;
}

#define INFO_MAX	32	/* DigestInfo of SHA-512 has 19 */
#define DIGEST_MAX	64

static int
tbs_batch(struct hsm *hsm, const struct token_key *t, struct crypto_make_tbs *item, size_t n)
{
	struct sv info = crypto_digest_info(t->alg);
	uint8_t tbs[BATCH][INFO_MAX + DIGEST_MAX], *sig[BATCH];
	struct hsm_make m[BATCH];

	for (size_t i = 0; i < n; i++) {
		if (info.n > INFO_MAX || item[i].tbs.n > DIGEST_MAX)
			return -EINVAL;
		if (info.n > 0)
			memcpy(tbs[i], info.p, info.n);
		memcpy(tbs[i] + info.n, item[i].tbs.p, item[i].tbs.n);
		m[i] = (struct hsm_make){ .data = { (const char *)tbs[i], info.n + item[i].tbs.n } };
		sig[i] = item[i].sig;
	}
	return batch_sign(hsm, t, m, sig, n);
}

int
token_key_sign_tbs(struct hsm *hsm, const struct token_key *t, struct crypto_make_tbs *item, size_t n)
{
	struct sv none[CRYPTO_PIECES] = { { NULL, 0 } };
	int rc = 0;

	/* Only digests have one length; EdDSA is asked for with all of its data. */
	for (size_t i = 0; i < n; i++)
		if (t->alg >= 15 || item[i].tbs.n != crypto_tbs_len(t->alg, none))
			return -EINVAL;
	for (size_t i = 0; i < n && rc == 0; i += BATCH)
		rc = tbs_batch(hsm, t, item + i, min_size(n - i, BATCH));
	return rc;
}

/* --- the probe --- */

/* 1: it verifies with the published key; 0: it does not; negative: nothing was signed. */
static int
probe(struct hsm *hsm, const struct token_key *t)
{
	uint8_t random[PROBE_LEN], sig[CRYPTO_DNSSIG_MAX];
	struct crypto_make m = { .data = { SV("probe, no RRset: "),
		{ (const char *)random, sizeof(random) } }, .sig = sig };
	int rc = crypto_random(random, sizeof(random));

	if (rc < 0)
		return rc;
	/* What cannot be a signature of that algorithm is a wrong one. */
	if ((rc = token_key_sign(hsm, t, &m, 1)) < 0)
		return rc == -EINVAL ? 0 : rc;
	return crypto_verify_one(t->pub, m.data,
	    (struct sv){ (const char *)sig, crypto_pub_sig_len(t->pub) });
}

static void
token_tell(const struct token_key *t, struct findings *fs)
{
	finding_add(fs, &zone_findings[KEYRING_TOKEN], FA_STR("file", t->name), FA_STR("uri", t->uri));
}

int
token_key_probe(struct hsm *hsm, const struct token_key *t, struct findings *fs)
{
	int rc = probe(hsm, t);

	if (rc > 0)
		return 0;
	if (rc == 0) {
		finding_add(fs, &zone_findings[KEYRING_PROBE], FA_STR("file", t->name));
		return -EKEYREJECTED;
	}
	token_tell(t, fs);
	(void)hsm_trouble(hsm, fs);
	return rc;
}

/* --- opened --- */

static struct token_key *
token_key_new(const char *name, const char *uri, uint8_t alg)
{
	struct token_key *t = calloc(1, sizeof(*t));

	if (t == NULL)
		return NULL;
	t->alg = alg;
	t->name = sv_dup(sv_str(name));
	t->uri = sv_dup(sv_str(uri));
	return t->name == NULL || t->uri == NULL ? token_key_free(t) : t;
}

int
token_key_open(struct hsm *hsm, const char *name, const char *uri, struct sv rdata,
    struct findings *fs, struct token_key **ret)
{
	_cleanup_(token_key_freep) struct token_key *t = NULL;
	struct dnskey k = { 0 };
	int rc = dnskey_parse(rdata, &k);

	if ((t = token_key_new(name, uri, k.alg)) == NULL)
		return -ENOMEM;
	if (rc == 0)
		rc = crypto_pub_new(t->alg, k.public_key, &t->pub);
	if (rc == 0 && (rc = hsm_key_open(hsm, uri, &t->key)) < 0)
		(void)hsm_trouble(hsm, fs);
	/* A key of another kind cannot be asked for a signature of this algorithm. */
	if (rc == 0 && hsm_key_info(t->key)->kind != kind_of(t->alg))
		rc = -EKEYREJECTED;
	if (rc < 0) {
		token_tell(t, fs);
		return rc;
	}
	hsm_key_check(t->key, fs);
	if ((rc = token_key_probe(hsm, t, fs)) < 0)
		return rc;
	*ret = TAKE_PTR(t);
	return 0;
}

int
token_key_delete(struct hsm *hsm, struct token_key *t)
{
	return hsm_key_delete(hsm, t->key);
}

/* --- made --- */

void
token_made_done(struct token_made *m)
{
	m->key = token_key_free(m->key);
	buf_done(&m->uri);
}

void
token_made_undo(struct hsm *hsm, struct token_made *m)
{
	if (m->key != NULL && m->key->key != NULL)
		(void)!hsm_key_delete(hsm, m->key->key);
	token_made_done(m);
}

/* The public half as the token says it, and a probe against that. */
static int
made_fill(struct hsm *hsm, uint16_t flags, struct findings *fs, struct token_made *m)
{
	struct token_key *t = m->key;
	const struct hsm_public *p = hsm_key_public(t->key);
	struct crypto_token_key parts = { p->modulus, p->exponent, p->point };
	struct dnskey k = { .flags = flags, .protocol = 3, .alg = t->alg };
	uint8_t octets[CRYPTO_DNSKEY_MAX];
	size_t n = 0;
	int rc;

	if ((rc = crypto_token_public(t->alg, &parts, octets, &n)) < 0)
		return rc;
	k.public_key = (struct sv){ (const char *)octets, n };
	hsm_key_uri(hsm, t->key, &m->uri);
	buf_char(&m->uri, '\0');
	if (m->uri.rc < 0)
		return m->uri.rc;
	free(t->uri);
	if ((t->uri = sv_dup(sv_str(m->uri.p))) == NULL)
		return -ENOMEM;
	if ((m->rdata_len = dnskey_write(&k, m->rdata)) == 0)
		return -EINVAL;
	if ((rc = crypto_pub_new(t->alg, k.public_key, &t->pub)) < 0)
		return rc;
	return token_key_probe(hsm, t, fs);
}

int
token_key_make(struct hsm *hsm, struct sv zone, uint8_t alg, unsigned bits, uint16_t flags,
    struct findings *fs, struct token_made *ret)
{
	char label[LABEL_MAX];
	struct token_made m = { .uri = BUF_INIT };
	enum hsm_kind kind = kind_of(alg);
	int rc;

	if (kind == HSM_KIND_MAX)
		return -ENOTSUP;
	if ((m.key = token_key_new("a new key", "", alg)) == NULL)
		return -ENOMEM;
	zone = sv_take(zone, ZONE_MAX);
	(void)snprintf(label, sizeof(label), TOKEN_LABEL "%s%s%.*s", (flags & DNSKEY_SEP) != 0 ? "KSK" : "ZSK",
	    zone.n > 0 ? " " : "", SV_ARG(zone));
	if ((rc = hsm_generate(hsm, kind, bits, sv_str(label), &m.key->key)) < 0)
		(void)hsm_trouble(hsm, fs);
	else
		rc = made_fill(hsm, flags, fs, &m);
	if (rc < 0) {
		token_made_undo(hsm, &m);
		return rc;
	}
	*ret = m;
	return 0;
}
