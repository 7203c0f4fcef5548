/* A folder of key files: read, and a key made (app/keyring.h). */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/keyring.h"
#include "app/zone_file.h"
#include "app/zone_findings.h"
#include "base/err.h"
#include "base/timefmt.h"
#include "dnssec/dnssec.h"
#include "dnssec/keyfile.h"
#include "sys/atomicfile.h"
#include "sys/file.h"

#define POOL_MAX	((size_t)64 << 20)	/* names of files, and the keys of one zone */
#define PATH_LEN_MAX	4096
#define TAG_TRIES	1000			/* until a tag is free; one in 65536 is taken a key */

#define BLOCK_KEYS	8			/* most zones have no more, and there are thousands of them */

struct slot {
	struct keyring_key	 key;
	struct crypto_priv	*priv;
};

struct keyring {
	struct pool		*pool;
	const char		*dir;
	struct dname		 zone;
	size_t			 n;
	struct slot		*blocks[KEYRING_KEYS_MAX / BLOCK_KEYS];	/* keys stay where they are */
};

static struct slot *
slot_of(const struct keyring *r, size_t i)
{
	return &r->blocks[i / BLOCK_KEYS][i % BLOCK_KEYS];
}

/* Of the next key. NULL: no memory. */
static struct slot *
slot_next(struct keyring *r)
{
	struct slot **block = &r->blocks[r->n / BLOCK_KEYS];

	if (*block == NULL && (*block = pool_calloc(r->pool, BLOCK_KEYS, sizeof(**block))) == NULL)
		return NULL;
	return slot_of(r, r->n);
}

struct keyring *
keyring_free(struct keyring *r)
{
	if (r == NULL)
		return NULL;
	for (size_t i = 0; i < r->n; i++)
		(void)crypto_priv_free(slot_of(r, i)->priv);
	(void)pool_free(r->pool);
	free(r);
	return NULL;
}

size_t
keyring_n(const struct keyring *r)
{
	return r->n;
}

const struct keyring_key *
keyring_get(const struct keyring *r, size_t i)
{
	return &slot_of(r, i)->key;
}

/* --- X.key --- */

/* The one DNSKEY of the file. 1: it is of our zone; 0: of another; -EBADMSG. */
static int
record_parse(struct keyring *r, struct sv text, struct keyring_key *k)
{
	struct zonefile_opts o = { .origin = DNAME_ROOT, .has_ttl = true };
	struct zone_text t = { text };
	struct findings fs;
	_cleanup_(zonefile_freep) struct zonefile *zf = NULL;
	struct dnskey dnskey;
	struct dns_rr rr;
	bool ours;

	findings_init(&fs, r->pool);
	if ((zf = zonefile_new(&o, zone_text_read, &t, &fs)) == NULL)
		return -ENOMEM;
	if (zonefile_next(zf, &rr) != 1 || rr.type != RR_DNSKEY ||
	    dnskey_parse(rr.rdata, &dnskey) < 0)
		return -EBADMSG;
	ours = dname_eq(rr.owner, &r->zone);
	k->rdata = pool_sv(r->pool, rr.rdata);
	k->ttl = rr.ttl;
	if (k->rdata.p == NULL)
		return -ENOMEM;
	if (zonefile_next(zf, &rr) != 0 || findings_reject(&fs))
		return -EBADMSG;
	return ours;
}

/* --- X.pem, X.private --- */

static void
tell(struct findings *fs, enum zone_finding code, const char *file)
{
	finding_add(fs, &zone_findings[code], FA_STR("file", file));
}

/* A private key that cannot be used: told, and 0. */
static int
tell_private(struct findings *fs, const char *file, int rc)
{
	if (rc == -ENOMEM)
		return rc;
	finding_add(fs, &zone_findings[KEYRING_PRIVATE], FA_STR("file", file),
	    FA_MSG("what", rc == -ENOTSUP ? N_("keys of its algorithm cannot sign") :
	    rc == -EINVAL ? N_("its numbers are no key of that algorithm") : err_str(rc)));
	return 0;
}

static int
bind_parse(struct sv text, uint8_t alg, struct findings *fs, struct keyring_key *k,
    struct crypto_priv **ret)
{
	struct keyfile kf;
	int rc = keyfile_parse(text, fs, &kf);

	if (rc < 0)
		return rc;
	k->publish = kf.time[KEYFILE_PUBLISH];
	k->activate = kf.time[KEYFILE_ACTIVATE];
	k->inactive = kf.time[KEYFILE_INACTIVE];
	k->remove = kf.time[KEYFILE_DELETE];
	if (kf.alg != alg || kf.label.n > 0)
		rc = kf.alg != alg ? -EINVAL : -ENOTSUP;
	else
		rc = crypto_priv_import(alg, &kf.numbers, ret);
	keyfile_done(&kf);
	return rc;
}

/* -ENOENT: there is no such file. *ret stays NULL where a finding says why. */
static int
private_read(struct keyring *r, const char *path, bool is_pem, struct findings *fs,
    struct keyring_key *k, struct crypto_priv **ret)
{
	struct dnskey dnskey;
	struct sv text;
	int rc = file_read(r->pool, FILE_CWD, path, KEYFILE_SIZE_MAX, &text);

	if (rc == -ENOENT || rc == -ENOMEM)
		return rc;
	if (rc < 0)
		return tell_private(fs, path, rc);
	if (file_is_open_to_others(path))
		tell(fs, KEYRING_OPEN, path);
	(void)!dnskey_parse(k->rdata, &dnskey);	/* it was one a moment ago */
	rc = is_pem ? crypto_priv_parse(dnskey.alg, text, ret) :
	    bind_parse(text, dnskey.alg, fs, k, ret);
	explicit_bzero((void *)(uintptr_t)text.p, text.n);
	if (rc == -EBADMSG)
		return 0;		/* keyfile_parse() has told */
	if (rc < 0)
		return tell_private(fs, path, rc);
	if (!sv_eq(crypto_priv_public(*ret), dnskey.public_key)) {
		*ret = crypto_priv_free(*ret);
		tell(fs, KEYRING_MISMATCH, path);
	}
	return 0;
}

/* --- X.uri --- */

/* Its only line. -ENOENT: there is no such file. */
static int
uri_read(struct keyring *r, struct findings *fs, struct keyring_key *k)
{
	char path[PATH_LEN_MAX];
	struct sv text;
	int rc;

	(void)snprintf(path, sizeof(path), "%s/%s.uri", r->dir, k->name);
	if ((rc = file_read(r->pool, FILE_CWD, path, KEYFILE_SIZE_MAX, &text)) == -ENOENT ||
	    rc == -ENOMEM)
		return rc;
	if (rc < 0)
		return tell_private(fs, path, rc);
	if (sv_ends(text, SV("\n")))
		text.n--;
	if (text.n == 0 || !sv_graphic(text))
		return tell_private(fs, path, SE_SYNTAX);
	k->uri = pool_printf(r->pool, "%.*s", SV_ARG(text));
	return k->uri == NULL ? -ENOMEM : 0;
}

/* --- the folder --- */

static int
key_read(struct keyring *r, struct sv name, struct findings *fs)
{
	struct keyring_key k = { .publish = TIME_NEVER, .activate = TIME_NEVER,
		.inactive = TIME_NEVER, .remove = TIME_NEVER };
	static const char *const ends[] = { ".pem", ".private" };
	struct crypto_priv *priv = NULL;
	char path[PATH_LEN_MAX];
	struct slot *slot;
	struct sv text;
	int rc;

	k.name = pool_printf(r->pool, "%.*s", SV_ARG(name));
	if (k.name == NULL)
		return -ENOMEM;
	(void)snprintf(path, sizeof(path), "%s/%s.key", r->dir, k.name);
	if ((rc = file_read(r->pool, FILE_CWD, path, KEYFILE_SIZE_MAX, &text)) < 0)
		return rc;
	if ((rc = record_parse(r, text, &k)) == 0 || rc == -ENOMEM)
		return rc;
	if (rc < 0) {
		tell(fs, KEYRING_RECORD, path);
		return 0;
	}
	for (size_t i = 0; i < ARRAY_LEN(ends) && rc != 0; i++) {
		(void)snprintf(path, sizeof(path), "%s/%s%s", r->dir, k.name, ends[i]);
		if ((rc = private_read(r, path, i == 0, fs, &k, &priv)) < 0 && rc != -ENOENT)
			return rc;
	}
	if (rc == -ENOENT && (rc = uri_read(r, fs, &k)) < 0 && rc != -ENOENT)
		return rc;
	if (rc == -ENOENT)
		tell(fs, KEYRING_PUBLIC, k.name);
	else if (priv == NULL && k.uri == NULL)
		return 0;		/* told why */
	if ((slot = slot_next(r)) == NULL) {
		(void)crypto_priv_free(priv);
		return -ENOMEM;
	}
	k.priv = priv;
	*slot = (struct slot){ k, priv };
	r->n++;
	return 0;
}

/* "Kexample.jp.+": the files of the zone, whatever the letters' case. */
static void
prefix_of(const struct dname *zone, struct buf *b)
{
	buf_char(b, 'K');
	zone_file_name(b, zone);
	buf_char(b, '+');
}

static int
folder_read(struct keyring *r, struct findings *fs)
{
	_cleanup_(buf_done) struct buf prefix = BUF_INIT;
	struct sv *names;
	size_t n;
	int rc;

	prefix_of(&r->zone, &prefix);
	if (prefix.rc < 0)
		return prefix.rc;
	if ((rc = dir_list(r->pool, r->dir, KEYRING_FILES_MAX, &names, &n)) < 0)
		return rc;
	for (size_t i = 0; i < n; i++) {
		if (!sv_ends(names[i], SV(".key")) ||
		    !sv_caseeq(sv_take(names[i], prefix.len), buf_get(&prefix)))
			continue;
		if (r->n == KEYRING_KEYS_MAX)
			return SE_LIMIT;
		if ((rc = key_read(r, sv_take(names[i], names[i].n - 4), fs)) < 0)
			return rc;
	}
	return 0;
}

int
keyring_read(const char *dir, const struct dname *zone, struct findings *fs, struct keyring **ret)
{
	_cleanup_(keyring_freep) struct keyring *r = calloc(1, sizeof(*r));
	int rc;

	if (r == NULL || (r->pool = pool_new(POOL_MAX)) == NULL)
		return -ENOMEM;
	r->zone = *zone;
	dns_lower(r->zone.w, r->zone.len);
	if ((r->dir = pool_strdup(r->pool, dir)) == NULL)
		return -ENOMEM;
	if ((rc = folder_read(r, fs)) < 0)
		return rc;
	*ret = TAKE_PTR(r);
	return 0;
}

/* --- a new key --- */

/* Is the tag one that another key has, or will have when it is revoked, or the reverse? */
static bool
tag_is_taken(const struct keyring *r, uint16_t tag, uint16_t revoked)
{
	for (size_t i = 0; i < r->n; i++) {
		uint16_t t = dnskey_tag(slot_of(r, i)->key.rdata);
		uint8_t copy[DNSKEY_RDATA_MAX];
		struct sv rdata = slot_of(r, i)->key.rdata;

		if (rdata.n > sizeof(copy))
			continue;
		memcpy(copy, rdata.p, rdata.n);
		copy[1] |= DNSKEY_REVOKE;
		if (t == tag || t == revoked)
			return true;
		t = dnskey_tag((struct sv){ (const char *)copy, rdata.n });
		if (t == tag || t == revoked)
			return true;
	}
	return false;
}

static int
file_put(const char *path, bool secret, struct sv text)
{
	_cleanup_(atomicfile_done) struct atomicfile f;
	int rc = secret ? atomicfile_open_secret(&f, path) : atomicfile_open(&f, path);

	if (rc < 0)
		return rc;
	if ((rc = fd_write_all(&f.fd, text.p, text.n)) < 0)
		return rc;
	return atomicfile_commit(&f);
}

static void
record_print(struct buf *b, const struct keyring *r, struct sv rdata, int64_t now)
{
	char created[TIME_STRLEN];
	struct dnskey k;

	(void)!dnskey_parse(rdata, &k);
	buf_printf(b, "; %s %u, created %s\n", (k.flags & DNSKEY_SEP) != 0 ?
	    "key-signing key" : "zone-signing key", dnskey_tag(rdata), time_str(now, created));
	dname_print(b, r->zone.w);
	buf_str(b, " IN DNSKEY ");
	rdata_print(b, RR_DNSKEY, rdata);
	buf_char(b, '\n');
}

/* The private file first: a .key alone would look like a key that was lost. */
static int
key_write(struct keyring *r, const char *name, const struct crypto_priv *priv, struct sv rdata,
    int64_t now)
{
	_cleanup_(buf_done) struct buf pem = BUF_INIT, text = BUF_INIT;
	char path[PATH_LEN_MAX];
	int rc;

	if ((rc = crypto_priv_write(priv, &pem)) == 0) {
		(void)snprintf(path, sizeof(path), "%s/%s.pem", r->dir, name);
		rc = file_put(path, true, buf_get(&pem));
	}
	buf_wipe(&pem);
	if (rc < 0)
		return rc;
	record_print(&text, r, rdata, now);
	if (text.rc < 0)
		return text.rc;
	(void)snprintf(path, sizeof(path), "%s/%s.key", r->dir, name);
	return file_put(path, false, buf_get(&text));
}

static int
key_make(struct keyring *r, uint8_t alg, unsigned bits, uint16_t flags,
    uint8_t dst[static DNSKEY_RDATA_MAX], size_t *ret_n, struct crypto_priv **ret)
{
	for (unsigned i = 0; i < TAG_TRIES; i++) {
		_cleanup_(crypto_priv_freep) struct crypto_priv *priv = NULL;
		struct dnskey k = { .flags = flags, .protocol = 3, .alg = alg };
		uint16_t tag, revoked;
		size_t n;
		int rc;

		if ((rc = crypto_priv_generate(alg, bits, &priv)) < 0)
			return rc;
		k.public_key = crypto_priv_public(priv);
		if ((n = dnskey_write(&k, dst)) == 0)
			return -EINVAL;
		tag = dnskey_tag((struct sv){ (const char *)dst, n });
		dst[1] |= DNSKEY_REVOKE;
		revoked = dnskey_tag((struct sv){ (const char *)dst, n });
		dst[1] = (uint8_t)flags;
		if (tag_is_taken(r, tag, revoked))
			continue;
		*ret_n = n;
		*ret = TAKE_PTR(priv);
		return 0;
	}
	return SE_LIMIT;
}

int
keyring_generate(struct keyring *r, uint8_t alg, unsigned bits, uint16_t flags, int64_t now,
    const char **ret_name)
{
	_cleanup_(crypto_priv_freep) struct crypto_priv *priv = NULL;
	_cleanup_(buf_done) struct buf name = BUF_INIT;
	uint8_t rdata[DNSKEY_RDATA_MAX];
	struct keyring_key k = { .publish = TIME_NEVER, .activate = TIME_NEVER,
		.inactive = TIME_NEVER, .remove = TIME_NEVER };
	struct slot *slot;
	size_t n;
	int rc;

	if (r->n == KEYRING_KEYS_MAX)
		return SE_LIMIT;
	if ((rc = key_make(r, alg, bits, flags, rdata, &n, &priv)) < 0)
		return rc;
	k.rdata = pool_sv(r->pool, (struct sv){ (const char *)rdata, n });
	prefix_of(&r->zone, &name);
	buf_printf(&name, "%03u+%05u", alg, dnskey_tag(k.rdata));
	k.name = pool_printf(r->pool, "%.*s", SV_ARG(buf_get(&name)));
	if (name.rc < 0 || k.rdata.p == NULL || k.name == NULL)
		return -ENOMEM;
	if ((slot = slot_next(r)) == NULL)
		return -ENOMEM;
	if ((rc = key_write(r, k.name, priv, k.rdata, now)) < 0)
		return rc;
	k.priv = slot->priv = TAKE_PTR(priv);
	slot->key = k;
	r->n++;
	*ret_name = k.name;
	return 0;
}

/* --- a key that is in a token --- */

static int
uri_write(struct keyring *r, const char *name, const char *uri, struct sv rdata, int64_t now)
{
	_cleanup_(buf_done) struct buf text = BUF_INIT;
	char path[PATH_LEN_MAX];
	int rc;

	buf_printf(&text, "%s\n", uri);
	(void)snprintf(path, sizeof(path), "%s/%s.uri", r->dir, name);
	if (text.rc < 0 || (rc = file_put(path, false, buf_get(&text))) < 0)
		return text.rc < 0 ? text.rc : rc;
	text.len = 0;
	record_print(&text, r, rdata, now);
	(void)snprintf(path, sizeof(path), "%s/%s.key", r->dir, name);
	return text.rc < 0 ? text.rc : file_put(path, false, buf_get(&text));
}

int
keyring_add(struct keyring *r, const struct dnskey *dnskey, const char *uri, void *token,
    int64_t now, const char **ret_name)
{
	struct keyring_key k = { .token = token, .publish = TIME_NEVER, .activate = TIME_NEVER,
		.inactive = TIME_NEVER, .remove = TIME_NEVER };
	_cleanup_(buf_done) struct buf name = BUF_INIT;
	uint8_t rdata[DNSKEY_RDATA_MAX];
	size_t n = dnskey_write(dnskey, rdata);
	struct slot *slot;
	uint16_t tag;
	int rc;

	if (n == 0 || r->n == KEYRING_KEYS_MAX)
		return n == 0 ? -EINVAL : SE_LIMIT;
	k.rdata = pool_sv(r->pool, (struct sv){ (const char *)rdata, n });
	tag = dnskey_tag((struct sv){ (const char *)rdata, n });
	rdata[1] |= DNSKEY_REVOKE;
	if (tag_is_taken(r, tag, dnskey_tag((struct sv){ (const char *)rdata, n })))
		return -EEXIST;
	prefix_of(&r->zone, &name);
	buf_printf(&name, "%03u+%05u", dnskey->alg, tag);
	k.name = pool_printf(r->pool, "%.*s", SV_ARG(buf_get(&name)));
	k.uri = pool_printf(r->pool, "%s", uri);
	if (name.rc < 0 || k.rdata.p == NULL || k.name == NULL || k.uri == NULL)
		return -ENOMEM;
	if ((slot = slot_next(r)) == NULL)
		return -ENOMEM;
	if ((rc = uri_write(r, k.name, uri, k.rdata, now)) < 0)
		return rc;
	slot->key = k;
	r->n++;
	*ret_name = k.name;
	return 0;
}

void
keyring_token_set(struct keyring *r, size_t i, void *token)
{
	slot_of(r, i)->key.token = token;
}
