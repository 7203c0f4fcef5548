/* Finding keys and trying them (app/key_import.h). */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/key_import_internal.h"
#include "app/token_key.h"
#include "app/zone_file.h"
#include "base/err.h"
#include "dnssec/keyfile.h"
#include "sys/file.h"

#define POOL_MAX	((size_t)16 << 20)
#define PATH_LEN_MAX	4700
#define PROBE_LEN	32

static const struct {
	const char	*word, *text;
} verdicts[IMPORT_VERDICT_MAX] = {
	[IMPORT_TAKEN] = { "taken", N_("taken") },
	[IMPORT_UNPUBLISHED] = { "unpublished", N_("not taken: it is not in the published zone (--unpublished takes it)") },
	[IMPORT_REMOVED] = { "removed", N_("not taken: its time to be removed has passed") },
	[IMPORT_NO_PRIVATE] = { "no-private", N_("not taken: its private key was not found") },
	[IMPORT_NO_RECORD] = { "no-record", N_("not taken: no DNSKEY record is known that it belongs to") },
	[IMPORT_TAG] = { "tag", N_("not taken: the list says another tag than the key has") },
	[IMPORT_UNREADABLE] = { "unreadable", N_("not taken: its private key cannot be read or used") },
	[IMPORT_PROBE] = { "probe", N_("not taken: what it signs does not verify with its DNSKEY record") },
};

const char *
import_verdict_word(enum import_verdict v)
{
	return verdicts[v].word;
}

const char *
import_verdict_text(enum import_verdict v)
{
	return verdicts[v].text;
}

struct key_import *
key_import_free(struct key_import *ki)
{
	if (ki == NULL)
		return NULL;
	for (size_t i = 0; i < ki->n_priv; i++)
		(void)crypto_priv_free(ki->priv[i]);
	(void)keyring_free(ki->ring);
	(void)pool_free(ki->pool);
	free(ki);
	return NULL;
}

size_t
key_import_n(const struct key_import *ki)
{
	return ki->n;
}

const struct import_key *
key_import_get(const struct key_import *ki, size_t i)
{
	return &ki->key[i];
}

/* --- the published zone --- */

/* Of a signature at the apex. */
struct signer {
	uint16_t	covered, tag;
	uint8_t		alg;
};

#define SIGNERS_MAX	256

struct published {
	size_t		 n, n_signers;
	struct sv	 rdata[KEYRING_KEYS_MAX];
	struct signer	 signer[SIGNERS_MAX];
};

static int
record_take(struct key_import *ki, const struct dns_rr *rr, struct published *p)
{
	struct rd r = rd_sv(rr->rdata);
	struct signer s;

	if (rr->type == RR_DNSKEY) {
		if (p->n == ARRAY_LEN(p->rdata))
			return SE_LIMIT;
		p->rdata[p->n] = pool_sv(ki->pool, rr->rdata);
		return p->rdata[p->n++].p == NULL ? -ENOMEM : 0;
	}
	s.covered = rd_be16(&r);
	s.alg = rd_u8(&r);
	(void)rd_bytes(&r, 1 + 4 + 4 + 4);
	s.tag = rd_be16(&r);
	if (!r.bad && (s.covered == RR_DNSKEY || s.covered == RR_SOA) && p->n_signers < SIGNERS_MAX)
		p->signer[p->n_signers++] = s;
	return 0;
}

/* DNSKEY records and who signs, of the apex: from a zone file, a transfer, or dig's answer. */
static int
published_read(struct key_import *ki, const struct import_opts *o, struct findings *fs, struct published *p)
{
	struct zonefile_opts zo = { .origin = *o->zone, .has_ttl = true };
	_cleanup_(zonefile_freep) struct zonefile *zf = NULL;
	struct zone_text t = { o->published };
	struct dns_rr rr;
	int rc;

	if ((zf = zonefile_new(&zo, zone_text_read, &t, fs)) == NULL)
		return -ENOMEM;
	while ((rc = zonefile_next(zf, &rr)) == 1)
		if ((rr.type == RR_DNSKEY || rr.type == RR_RRSIG) && dname_eq(rr.owner, o->zone) &&
		    (rc = record_take(ki, &rr, p)) < 0)
			return rc;
	return rc < 0 ? rc : findings_reject(fs) ? -EBADMSG : 0;
}

/* Tags are shared at times: a signature is somebody's only where one key alone fits. */
static void
signers_mark(struct key_import *ki, const struct published *p)
{
	for (size_t s = 0; s < p->n_signers; s++) {
		struct import_key *found = NULL;
		size_t n = 0;

		for (size_t i = 0; i < ki->n; i++) {
			struct import_key *k = &ki->key[i];

			if (k->published && dnskey_tag(k->rdata) == p->signer[s].tag &&
			    (uint8_t)k->rdata.p[3] == p->signer[s].alg) {
				found = k;
				n++;
			}
		}
		if (n != 1)
			continue;
		found->signs_keys = found->signs_keys || p->signer[s].covered == RR_DNSKEY;
		found->signs_data = found->signs_data || p->signer[s].covered == RR_SOA;
	}
}

/* --- single keys --- */

static struct import_key *
key_add(struct key_import *ki, const char *from)
{
	struct import_key *k = &ki->key[ki->n];

	if (ki->n == KEY_IMPORT_MAX)
		return NULL;
	*k = (struct import_key){ .from = pool_strdup(ki->pool, from), .active = TIME_NEVER };
	if (k->from == NULL)
		return NULL;
	ki->n++;
	return k;
}

static bool
has_rdata(const struct key_import *ki, struct sv rdata)
{
	for (size_t i = 0; i < ki->n; i++)
		if (sv_eq(ki->key[i].rdata, rdata) && (ki->key[i].priv != NULL || ki->key[i].uri != NULL))
			return true;
	return false;
}

static int
rdata_set(struct key_import *ki, struct import_key *k, uint16_t flags, uint8_t alg, struct sv public)
{
	const struct dnskey d = { .flags = flags, .protocol = 3, .alg = alg, .public_key = public };
	uint8_t room[DNSKEY_RDATA_MAX];
	size_t n = dnskey_write(&d, room);

	if (n == 0)
		return -EINVAL;
	k->rdata = pool_sv(ki->pool, (struct sv){ (const char *)room, n });
	return k->rdata.p == NULL ? -ENOMEM : 0;
}

/* Owned by the import from here on. */
static int
priv_keep(struct key_import *ki, struct import_key *k, struct crypto_priv *priv)
{
	if (ki->n_priv == KEY_IMPORT_MAX) {
		(void)crypto_priv_free(priv);
		return SE_LIMIT;
	}
	k->priv = ki->priv[ki->n_priv++] = priv;
	return 0;
}

/* 1: its signature verifies with the record; 0: it does not. */
static int
probe(const struct crypto_priv *priv, struct sv rdata)
{
	_cleanup_(crypto_pub_freep) struct crypto_pub *pub = NULL;
	uint8_t random[PROBE_LEN], sig[CRYPTO_DNSSIG_MAX];
	struct crypto_make m = { .data = { SV("probe, no RRset: "),
		{ (const char *)random, sizeof(random) } }, .sig = sig };
	struct crypto_check c = { .data = { m.data[0], m.data[1] },
		.sig = { (const char *)sig, crypto_priv_sig_len(priv) } };
	struct dnskey d;
	int rc;

	if (dnskey_parse(rdata, &d) < 0 || crypto_pub_new(d.alg, d.public_key, false, &pub) < 0)
		return 0;
	c.key = pub;
	if ((rc = crypto_random(random, sizeof(random))) < 0 || (rc = crypto_make_batch(priv, &m, 1)) < 0 ||
	    (rc = crypto_check_batch(&c, 1)) < 0)
		return rc;
	return c.ok;
}

/* --- BIND --- */

static int
bind_read(struct key_import *ki, const struct import_opts *o, struct findings *fs)
{
	int rc = keyring_read(o->dir, o->zone, fs, &ki->ring);

	for (size_t i = 0; rc == 0 && i < keyring_n(ki->ring); i++) {
		const struct keyring_key *r = keyring_get(ki->ring, i);
		struct import_key *k = key_add(ki, r->name);

		if (k == NULL)
			return SE_LIMIT;
		k->rdata = r->rdata;
		k->priv = r->priv;
		k->uri = r->uri;
		k->active = r->activate;
		k->retired = r->inactive <= o->now;
		if (r->priv == NULL && r->uri == NULL)
			k->verdict = IMPORT_NO_PRIVATE;
		else if (r->remove <= o->now)
			k->verdict = IMPORT_REMOVED;
	}
	return rc;
}

/* --- PEM files --- */

static int
pem_parse(struct key_import *ki, const char *dir, const char *name, uint8_t alg, struct crypto_priv **ret)
{
	char path[PATH_LEN_MAX];
	struct sv text;
	int rc;

	(void)snprintf(path, sizeof(path), "%s/%s", dir, name);
	if ((rc = file_read(ki->pool, FILE_CWD, path, KEYFILE_SIZE_MAX, &text)) < 0)
		return rc;
	rc = crypto_priv_parse(alg, text, ret);
	explicit_bzero((void *)(uintptr_t)text.p, text.n);
	return rc;
}

static int
row_pem(struct key_import *ki, const struct import_opts *o, const struct key_list_row *row)
{
	uint16_t flags = row->ksk ? DNSKEY_ZONE | DNSKEY_SEP : DNSKEY_ZONE;
	char name[KEY_LIST_ID_MAX + 5];
	struct crypto_priv *priv = NULL;
	struct import_key *k;
	int rc;

	(void)snprintf(name, sizeof(name), "%s.pem", row->id);
	rc = pem_parse(ki, o->dir, name, row->alg, &priv);
	if (rc == -ENOENT && o->hsm != NULL)
		return rc;		/* in the token, then */
	if ((k = key_add(ki, name)) == NULL) {
		(void)crypto_priv_free(priv);
		return SE_LIMIT;
	}
	if (rc < 0) {
		k->verdict = rc == -ENOENT ? IMPORT_NO_PRIVATE : IMPORT_UNREADABLE;
		return rc == -ENOMEM ? rc : 0;
	}
	if ((rc = priv_keep(ki, k, priv)) < 0 ||
	    (rc = rdata_set(ki, k, flags, row->alg, crypto_priv_public(priv))) < 0)
		return rc;
	if (dnskey_tag(k->rdata) != row->tag)
		k->verdict = IMPORT_TAG;
	else if (row->remove <= o->now)
		k->verdict = IMPORT_REMOVED;
	return 0;
}

/* A file of no list: which record of the zone does it fit? */
static int
file_pem(struct key_import *ki, const struct import_opts *o, const char *name, const struct published *p)
{
	struct import_key *k = key_add(ki, name);

	if (k == NULL)
		return SE_LIMIT;
	k->verdict = IMPORT_NO_RECORD;
	for (size_t i = 0; i < p->n; i++) {
		struct crypto_priv *priv = NULL;
		struct dnskey d;
		int rc;

		if (dnskey_parse(p->rdata[i], &d) < 0)
			continue;
		if ((rc = pem_parse(ki, o->dir, name, d.alg, &priv)) == -ENOMEM)
			return rc;
		if (rc < 0)
			continue;
		if (sv_eq(crypto_priv_public(priv), d.public_key)) {
			k->rdata = p->rdata[i];
			k->verdict = IMPORT_TAKEN;
			return priv_keep(ki, k, priv);
		}
		(void)crypto_priv_free(priv);
	}
	return 0;
}

static int
files_pem(struct key_import *ki, const struct import_opts *o, const struct published *p)
{
	struct sv *names;
	size_t n;
	int rc = dir_list(ki->pool, o->dir, KEYRING_FILES_MAX, &names, &n);

	for (size_t i = 0; rc == 0 && i < n; i++)
		/* K….pem stands beside K….key: read already. */
		if (sv_ends(names[i], SV(".pem")) && !sv_starts(names[i], SV("K")))
			rc = file_pem(ki, o, pool_printf(ki->pool, "%.*s", SV_ARG(names[i])), p);
	return rc;
}

/* --- tokens --- */

static void
uri_print(struct buf *b, const char *id)
{
	buf_str(b, "pkcs11:id=");
	for (; id[0] != '\0'; id += 2)
		buf_printf(b, "%%%c%c", id[0], id[1]);
	buf_str(b, ";type=private");
	buf_char(b, '\0');
}

/* The DNSKEY data that a key in the token has as one of that algorithm. */
static int
token_rdata(struct key_import *ki, struct import_key *k, const struct hsm_key *key, uint16_t flags, uint8_t alg)
{
	const struct hsm_public *p = hsm_key_public(key);
	const struct crypto_token_key parts = { p->modulus, p->exponent, p->point };
	uint8_t octets[CRYPTO_DNSKEY_MAX];
	size_t n;
	int rc = crypto_token_public(alg, &parts, octets, &n);

	return rc < 0 ? rc : rdata_set(ki, k, flags, alg, (struct sv){ (const char *)octets, n });
}

/* Its probe, and the URI that finds it again for ever. */
static int
token_try(struct key_import *ki, struct hsm *hsm, struct import_key *k, const struct hsm_key *key, struct findings *fs)
{
	_cleanup_(token_key_freep) struct token_key *t = NULL;
	_cleanup_(buf_done) struct buf uri = BUF_INIT;
	int rc;

	hsm_key_uri(hsm, key, &uri);
	if (uri.rc < 0 || (k->uri = pool_printf(ki->pool, "%.*s", SV_ARG(buf_get(&uri)))) == NULL)
		return -ENOMEM;
	rc = token_key_open(hsm, k->from, k->uri, k->rdata, fs, &t);
	if (rc < 0)
		k->verdict = rc == -EKEYREJECTED ? IMPORT_PROBE : IMPORT_UNREADABLE;
	return rc == -ENOMEM ? rc : 0;
}

static int
row_token(struct key_import *ki, const struct import_opts *o, const struct key_list_row *row, struct findings *fs)
{
	uint16_t flags = row->ksk ? DNSKEY_ZONE | DNSKEY_SEP : DNSKEY_ZONE;
	_cleanup_(hsm_key_freep) struct hsm_key *key = NULL;
	_cleanup_(buf_done) struct buf uri = BUF_INIT;
	struct import_key *k = key_add(ki, row->id);
	int rc;

	if (k == NULL)
		return SE_LIMIT;
	uri_print(&uri, row->id);
	if (uri.rc < 0)
		return uri.rc;
	if ((rc = hsm_key_open(o->hsm, uri.p, &key)) < 0) {
		(void)hsm_trouble(o->hsm, fs);
		k->verdict = rc == -ENOENT ? IMPORT_NO_PRIVATE : IMPORT_UNREADABLE;
		return rc == -ENOMEM ? rc : 0;
	}
	if (token_rdata(ki, k, key, flags, row->alg) < 0) {
		k->verdict = IMPORT_UNREADABLE;
		return 0;
	}
	if (dnskey_tag(k->rdata) != row->tag) {
		k->verdict = IMPORT_TAG;
		return 0;
	}
	return token_try(ki, o->hsm, k, key, fs);
}

static int
rows_read(struct key_import *ki, const struct import_opts *o, struct findings *fs)
{
	for (size_t i = 0; i < o->list->n; i++) {
		const struct key_list_row *row = &o->list->row[i];
		int rc = row->public_only ? 0 : o->dir != NULL ? row_pem(ki, o, row) : -ENOENT;

		if (rc == -ENOENT && o->hsm != NULL)
			rc = row_token(ki, o, row, fs);
		else if (rc == -ENOENT)
			rc = -EINVAL;	/* neither a folder nor a token: the caller asked for one */
		if (rc < 0)
			return rc;
	}
	return 0;
}

/* A key of the token that no list names: it is one of the zone's, or nobody's. */
static int
token_key_match(struct key_import *ki, const struct import_opts *o, const struct hsm_key_info *info,
    const struct published *p, struct findings *fs)
{
	_cleanup_(hsm_key_freep) struct hsm_key *key = NULL;
	_cleanup_(buf_done) struct buf uri = BUF_INIT;
	char id[KEY_LIST_ID_MAX + 1];

	if (info->id.n == 0 || info->id.n * 2 > KEY_LIST_ID_MAX || info->kind == HSM_KIND_MAX)
		return 0;
	for (size_t i = 0; i < info->id.n; i++)
		(void)snprintf(id + 2 * i, 3, "%02x", (unsigned char)info->id.p[i]);
	uri_print(&uri, id);
	if (uri.rc < 0 || hsm_key_open(o->hsm, uri.p, &key) < 0)
		return uri.rc;
	for (size_t i = 0; i < p->n; i++) {
		struct import_key probe_key = { .active = TIME_NEVER }, *k;
		struct dnskey d;

		if (dnskey_parse(p->rdata[i], &d) < 0 || has_rdata(ki, p->rdata[i]) ||
		    token_rdata(ki, &probe_key, key, d.flags, d.alg) < 0 || !sv_eq(probe_key.rdata, p->rdata[i]))
			continue;
		if ((k = key_add(ki, id)) == NULL)
			return SE_LIMIT;
		k->rdata = p->rdata[i];
		return token_try(ki, o->hsm, k, key, fs);
	}
	return 0;
}

static int
token_match(struct key_import *ki, const struct import_opts *o, const struct published *p, struct findings *fs)
{
	struct hsm_key_info *list;
	size_t n;
	int rc = hsm_list(o->hsm, ki->pool, &list, &n);

	if (rc < 0)
		(void)hsm_trouble(o->hsm, fs);
	for (size_t i = 0; rc == 0 && i < n; i++)
		rc = token_key_match(ki, o, &list[i], p, fs);
	return rc;
}

/* --- judged --- */

static bool
is_published(const struct published *p, struct sv rdata)
{
	for (size_t i = 0; i < p->n; i++)
		if (sv_eq(p->rdata[i], rdata))
			return true;
	return false;
}

static int
judge(struct key_import *ki, const struct import_opts *o, const struct published *p)
{
	for (size_t i = 0; i < ki->n; i++) {
		struct import_key *k = &ki->key[i];
		int rc = 1;

		k->published = k->rdata.n > 0 && is_published(p, k->rdata);
		/* What the zone has is in use, whatever times say. */
		if (k->published && k->verdict == IMPORT_REMOVED)
			k->verdict = IMPORT_TAKEN;
		if (k->verdict != IMPORT_TAKEN)
			continue;
		if (o->published.n > 0 && !k->published && !o->unpublished)
			k->verdict = IMPORT_UNPUBLISHED;
		else if (k->priv != NULL && (rc = probe(k->priv, k->rdata)) < 0)
			return rc;
		if (rc == 0)
			k->verdict = IMPORT_PROBE;
	}
	for (size_t i = 0; i < p->n; i++) {
		struct import_key *k;

		if (has_rdata(ki, p->rdata[i]))
			continue;
		ki->n_missing++;
		if ((k = key_add(ki, "")) == NULL)
			return SE_LIMIT;
		k->rdata = p->rdata[i];
		k->published = true;
		k->verdict = IMPORT_NO_PRIVATE;
	}
	signers_mark(ki, p);
	return 0;
}

int
key_import_read(const struct import_opts *o, struct findings *fs, struct key_import **ret)
{
	_cleanup_(key_import_freep) struct key_import *ki = calloc(1, sizeof(*ki));
	struct published *p;
	int rc = 0;

	if (ki == NULL || (ki->pool = pool_new(POOL_MAX)) == NULL ||
	    (p = pool_calloc(ki->pool, 1, sizeof(*p))) == NULL)
		return -ENOMEM;
	ki->zone = *o->zone;
	ki->now = o->now;
	if (o->published.n > 0)
		rc = published_read(ki, o, fs, p);
	if (rc == 0 && o->dir != NULL)
		rc = bind_read(ki, o, fs);
	if (rc == 0 && o->list != NULL)
		rc = rows_read(ki, o, fs);
	else if (rc == 0 && o->dir != NULL)
		rc = files_pem(ki, o, p);
	if (rc == 0 && o->hsm != NULL && o->list == NULL)
		rc = token_match(ki, o, p, fs);
	if (rc == 0)
		rc = judge(ki, o, p);
	if (rc < 0)
		return rc;
	*ret = TAKE_PTR(ki);
	return 0;
}

size_t
key_import_n_missing(const struct key_import *ki)
{
	return ki->n_missing;
}

static bool
is_sep(const struct import_key *k)
{
	return (k->rdata.p[1] & DNSKEY_SEP) != 0;
}

enum ks_role
key_import_role(const struct key_import *ki, size_t i)
{
	const struct import_key *k = &ki->key[i];

	/* As app/zone_keys.h has it: one kind of key alone does both. */
	for (size_t n = 0; n < ki->n; n++)
		if (ki->key[n].verdict == IMPORT_TAKEN && ki->key[n].rdata.p[3] == k->rdata.p[3] &&
		    is_sep(&ki->key[n]) != is_sep(k))
			return is_sep(k) ? KS_KSK : KS_ZSK;
	return KS_CSK;
}
