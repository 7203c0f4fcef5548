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
#define PROBE_LEN	32

#define F FINDING_ROW_
const struct finding_def import_findings[IMPORT_FINDING_MAX] = {
#include "app/key_import_findings.def"
};
#undef F

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

/* --- the published zone --- */

static struct import_signer *
signer_find(struct import_published *p, uint16_t tag, uint8_t alg)
{
	for (size_t i = 0; i < p->n_signers; i++)
		if (p->signer[i].tag == tag && p->signer[i].alg == alg)
			return &p->signer[i];
	if (p->n_signers == IMPORT_SIGNERS_MAX)
		return NULL;
	p->signer[p->n_signers] = (struct import_signer){ .tag = tag, .alg = alg };
	return &p->signer[p->n_signers++];
}

static void
signature_take(const struct dns_rr *rr, bool apex, struct import_published *p)
{
	struct rd r = rd_sv(rr->rdata);
	struct import_signer *s;
	uint16_t covered = rd_be16(&r);
	uint8_t alg = rd_u8(&r);
	int64_t expires;

	(void)rd_bytes(&r, 1 + 4);
	expires = rd_be32(&r);
	(void)rd_bytes(&r, 4);
	s = signer_find(p, rd_be16(&r), alg);
	if (r.bad || s == NULL)
		return;
	if (apex && (covered == RR_DNSKEY || covered == RR_CDS || covered == RR_CDNSKEY))
		s->keys = s->keys || covered == RR_DNSKEY;
	else if (apex && covered == RR_SOA)
		s->soa = true;
	else {
		s->others = true;
		s->expires = max_i64(s->expires, expires);
	}
}

static int
record_take(struct key_import *ki, const struct dns_rr *rr, struct import_published *p)
{
	bool apex = dname_eq(rr->owner, &ki->zone);

	if (rr->type == RR_RRSIG)
		signature_take(rr, apex, p);
	if (rr->type != RR_DNSKEY || !apex)
		return 0;
	if (p->n == ARRAY_LEN(p->rdata))
		return SE_LIMIT;
	p->rdata[p->n] = pool_sv(ki->pool, rr->rdata);
	return p->rdata[p->n++].p == NULL ? -ENOMEM : 0;
}

/* DNSKEY records and who signs what: from a zone file, a transfer, or dig's answer. */
static int
published_read(struct key_import *ki, const struct import_opts *o, struct findings *fs, struct import_published *p)
{
	struct zonefile_opts zo = { .origin = *o->zone, .has_ttl = true };
	_cleanup_(zonefile_freep) struct zonefile *zf = NULL;
	struct zone_text t = { o->published };
	struct dns_rr rr;
	int rc;

	if ((zf = zonefile_new(&zo, zone_text_read, &t, fs)) == NULL)
		return -ENOMEM;
	while ((rc = zonefile_next(zf, &rr)) == 1)
		if ((rc = record_take(ki, &rr, p)) < 0)
			return rc;
	return rc < 0 ? rc : findings_reject(fs) ? -EBADMSG : 0;
}

/* --- single keys --- */

struct import_key *
import_key_add(struct key_import *ki, const char *from)
{
	struct import_key *k = &ki->key[ki->n];

	if (ki->n == KEY_IMPORT_MAX)
		return NULL;
	*k = (struct import_key){ .from = pool_strdup(ki->pool, from), .active = TIME_NEVER, .end = TIME_NEVER,
	    .again = TIME_NEVER };
	if (k->from == NULL)
		return NULL;
	ki->n++;
	return k;
}

bool
import_key_found(const struct key_import *ki, struct sv rdata)
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

int
import_key_probe(const struct crypto_priv *priv, struct sv rdata)
{
	_cleanup_(crypto_pub_freep) struct crypto_pub *pub = NULL;
	uint8_t random[PROBE_LEN], sig[CRYPTO_DNSSIG_MAX];
	struct crypto_make m = { .data = { SV("probe, no RRset: "),
		{ (const char *)random, sizeof(random) } }, .sig = sig };
	struct dnskey d;
	int rc;

	if (dnskey_parse(rdata, &d) < 0 || crypto_pub_new(d.alg, d.public_key, &pub) < 0)
		return 0;
	if ((rc = crypto_random(random, sizeof(random))) < 0 || (rc = crypto_make_batch(priv, &m, 1)) < 0)
		return rc;
	return crypto_verify_one(pub, m.data,
	    (struct sv){ (const char *)sig, crypto_priv_sig_len(priv) });
}

/* --- PEM files --- */

void
import_open_tell(struct key_import *ki, const char *path, struct findings *fs)
{
	if (file_is_open_to_all(path))
		finding_add(fs, import_refuse(ki, IMPORT_OPEN), FA_STR("file", path));
}

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

/* Knot's times, or OpenDNSSEC's words. */
static void
row_times(struct import_key *k, const struct key_list_row *row, int64_t now)
{
	const int64_t *t = row->time;
	/* A KSK's last work is done when its DS goes; other keys retire at once. */
	int64_t end = t[KEY_LIST_RETIRE_ACTIVE] != 0 ? t[KEY_LIST_RETIRE_ACTIVE] : t[KEY_LIST_RETIRE];

	if (end == 0)
		end = t[KEY_LIST_POST_ACTIVE] != 0 ? t[KEY_LIST_POST_ACTIVE] : row->end;
	if (end != 0)
		k->end = end;
	if (t[KEY_LIST_ACTIVE] != 0)
		k->active = t[KEY_LIST_ACTIVE];
	k->coming = row->use == KEY_LIST_COMING || (row->use == KEY_LIST_UNSAID && t[KEY_LIST_PUBLISH] != 0 &&
	    (t[KEY_LIST_ACTIVE] == 0 || t[KEY_LIST_ACTIVE] > now));
	k->retired = row->use == KEY_LIST_LEAVING || (end != 0 && end <= now && row->use == KEY_LIST_UNSAID);
	k->mixing = row->mixing;
	k->again = row->next != 0 ? row->next : TIME_NEVER;
	if (t[KEY_LIST_REMOVE] != 0 && t[KEY_LIST_REMOVE] <= now)
		k->verdict = IMPORT_REMOVED;
}

static int
row_pem(struct key_import *ki, const struct import_opts *o, const struct key_list_row *row, struct findings *fs)
{
	uint16_t flags = row->ksk ? DNSKEY_ZONE | DNSKEY_SEP : DNSKEY_ZONE;
	char name[KEY_LIST_ID_MAX + 5], path[PATH_LEN_MAX];
	struct crypto_priv *priv = NULL;
	struct import_key *k;
	int rc;

	(void)snprintf(name, sizeof(name), "%s.pem", row->id);
	(void)snprintf(path, sizeof(path), "%s/%s", o->dir, name);
	rc = pem_parse(ki, o->dir, name, row->alg, &priv);
	if (rc == -ENOENT && o->hsm != NULL)
		return rc;		/* in the token, then */
	if ((k = import_key_add(ki, name)) == NULL) {
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
	row_times(k, row, o->now);
	if (dnskey_tag(k->rdata) != row->tag)
		k->verdict = IMPORT_TAG;
	if (k->verdict == IMPORT_TAKEN)
		import_open_tell(ki, path, fs);
	return 0;
}

/* A file of no list: which record of the zone does it fit? */
static int
file_pem(struct key_import *ki, const struct import_opts *o, const char *name, const struct import_published *p,
    struct findings *fs)
{
	struct import_key *k = import_key_add(ki, name);
	char path[PATH_LEN_MAX];

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
			(void)snprintf(path, sizeof(path), "%s/%s", o->dir, name);
			import_open_tell(ki, path, fs);
			return priv_keep(ki, k, priv);
		}
		(void)crypto_priv_free(priv);
	}
	return 0;
}

static int
files_pem(struct key_import *ki, const struct import_opts *o, const struct import_published *p, struct findings *fs)
{
	struct sv *names;
	size_t n;
	int rc = dir_list(ki->pool, o->dir, KEYRING_FILES_MAX, &names, &n);

	for (size_t i = 0; rc == 0 && i < n; i++)
		/* K….pem stands beside K….key: read already. */
		if (sv_ends(names[i], SV(".pem")) && !sv_starts(names[i], SV("K")))
			rc = file_pem(ki, o, pool_printf(ki->pool, "%.*s", SV_ARG(names[i])), p, fs);
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
	struct import_key *k = import_key_add(ki, row->id);
	int rc;

	if (k == NULL)
		return SE_LIMIT;
	row_times(k, row, o->now);
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
		int rc = row->public_only ? 0 : o->dir != NULL ? row_pem(ki, o, row, fs) : -ENOENT;

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
    const struct import_published *p, struct findings *fs)
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

		if (dnskey_parse(p->rdata[i], &d) < 0 || import_key_found(ki, p->rdata[i]) ||
		    token_rdata(ki, &probe_key, key, d.flags, d.alg) < 0 || !sv_eq(probe_key.rdata, p->rdata[i]))
			continue;
		if ((k = import_key_add(ki, id)) == NULL)
			return SE_LIMIT;
		k->rdata = p->rdata[i];
		return token_try(ki, o->hsm, k, key, fs);
	}
	return 0;
}

static int
token_match(struct key_import *ki, const struct import_opts *o, const struct import_published *p, struct findings *fs)
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

/* --- databases --- */

static void
database_tell(const char *name, bool knot, const struct dname *zone, struct findings *fs)
{
	char text[DNAME_STRLEN], command[3 * DNAME_STRLEN + 200];

	(void)dname_str(zone, text);
	if (knot)
		(void)snprintf(command, sizeof(command), "keymgr -c /etc/knot/knot.conf -j %s list", text);
	else
		(void)snprintf(command, sizeof(command), "( ods-enforcer key list -v -p -z %s; "
		    "ods-enforcer key list -d -p -z %s; ods-enforcer rollover list -z %s )", text, text, text);
	finding_add(fs, &import_findings[IMPORT_DATABASE], FA_STR("file", name), FA_STR("command", command));
}

bool
key_import_is_database(struct sv text, const char *name, const struct dname *zone, struct findings *fs)
{
	bool sqlite = sv_starts(text, SV("SQLite format 3")), binary = false;

	/* LMDB begins with a page number and flags: octets that no list has. */
	for (size_t i = 0; i < text.n && i < 64; i++)
		binary = binary || text.p[i] == '\0';
	if (sqlite || binary)
		database_tell(name, !sqlite, zone, fs);
	return sqlite || binary;
}

/* The folder that Knot calls its KASP database has the keys one folder below. */
static int
database_look(struct key_import *ki, const struct import_opts *o, struct findings *fs)
{
	char path[PATH_LEN_MAX];

	(void)snprintf(path, sizeof(path), "%s/data.mdb", o->dir);
	if (file_signature(path, 0) == 0)
		return 0;
	ki->refused = true;
	database_tell(path, true, o->zone, fs);
	return 0;
}

int
key_import_read(const struct import_opts *o, struct findings *fs, struct key_import **ret)
{
	_cleanup_(key_import_freep) struct key_import *ki = calloc(1, sizeof(*ki));
	struct import_published *p;
	int rc = 0;

	if (ki == NULL || (ki->pool = pool_new(POOL_MAX)) == NULL ||
	    (p = pool_calloc(ki->pool, 1, sizeof(*p))) == NULL)
		return -ENOMEM;
	ki->zone = *o->zone;
	ki->now = o->now;
	if (o->published.n > 0)
		rc = published_read(ki, o, fs, p);
	if (rc == 0 && o->dir != NULL)
		rc = database_look(ki, o, fs);
	if (rc == 0 && o->dir != NULL && !ki->refused)
		rc = import_bind_read(ki, o, fs);
	if (rc == 0 && o->list != NULL && o->list->n == 0)
		finding_add(fs, import_refuse(ki, IMPORT_OTHER), FA_STR("file", o->list_name));
	if (rc == 0 && o->list != NULL)
		rc = rows_read(ki, o, fs);
	else if (rc == 0 && o->dir != NULL)
		rc = files_pem(ki, o, p, fs);
	if (rc == 0 && o->hsm != NULL && o->list == NULL)
		rc = token_match(ki, o, p, fs);
	if (rc == 0)
		rc = import_judge(ki, o, p, fs);
	if (rc < 0)
		return rc;
	*ret = TAKE_PTR(ki);
	return 0;
}
