/* Imported keys as files of ours, and the state that they begin with (app/key_import.h). */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "app/key_import_internal.h"
#include "app/zone_file.h"
#include "base/err.h"
#include "sys/atomicfile.h"
#include "sys/file.h"
#include "sys/statedir.h"
#include "sys/tree.h"

#define FOLDER_LEN_MAX	4900
#define NAMES_MAX	64	/* keys of one algorithm with one tag */
#define POOL_MAX	((size_t)1 << 20)

struct target {
	const struct key_import	*ki;
	const char		*folder;
	import_fn		 fn;
	void			*arg;
};

static int
file_put(const struct target *t, const char *path, bool secret, struct sv text)
{
	_cleanup_(atomicfile_done) struct atomicfile f;
	int rc = secret ? atomicfile_open_secret(&f, path) : atomicfile_open(&f, path);

	if (rc < 0)
		return rc;
	if ((rc = fd_write_all(&f.fd, text.p, text.n)) < 0 || (rc = atomicfile_commit(&f)) < 0)
		return rc;
	return t->fn(t->arg, path);
}

static void
record_print(struct buf *b, const struct target *t, const struct import_key *k)
{
	buf_printf(b, "; %s %u, imported (%s)\n", (k->rdata.p[1] & DNSKEY_SEP) != 0 ? "key-signing key" :
	    "zone-signing key", dnskey_tag(k->rdata), k->from);
	dname_print(b, t->ki->zone.w);
	buf_str(b, " IN DNSKEY ");
	rdata_print(b, RR_DNSKEY, k->rdata);
	buf_char(b, '\n');
}

/* X of a key that may be the second with its tag: "Kexample.jp.+013+12345", "…-2". */
static int
name_make(const struct target *t, const struct import_key *k, char dst[static FOLDER_LEN_MAX])
{
	_cleanup_(buf_done) struct buf zone = BUF_INIT;
	char path[FOLDER_LEN_MAX + 8];

	zone_file_name(&zone, &t->ki->zone);
	if (zone.rc < 0)
		return zone.rc;
	for (unsigned i = 1; i < NAMES_MAX; i++) {
		char more[8] = "";

		if (i > 1)
			(void)snprintf(more, sizeof(more), "-%u", i);
		(void)snprintf(dst, FOLDER_LEN_MAX, "%s/K%.*s+%03u+%05u%s", t->folder, SV_ARG(buf_get(&zone)),
		    (unsigned char)k->rdata.p[3], dnskey_tag(k->rdata), more);
		(void)snprintf(path, sizeof(path), "%s.key", dst);
		if (file_signature(path, 0) == 0)
			return 0;
	}
	return SE_LIMIT;
}

/* The private file first: a .key alone would look like a key that was lost. */
static int
key_write(const struct target *t, const struct import_key *k)
{
	_cleanup_(buf_done) struct buf secret = BUF_INIT, text = BUF_INIT;
	char name[FOLDER_LEN_MAX], path[FOLDER_LEN_MAX + 8];
	int rc = name_make(t, k, name);

	if (rc < 0)
		return rc;
	if (k->uri != NULL)
		buf_printf(&secret, "%s\n", k->uri);
	else
		rc = crypto_priv_write(k->priv, &secret);
	(void)snprintf(path, sizeof(path), "%s.%s", name, k->uri != NULL ? "uri" : "pem");
	if (rc == 0)
		rc = secret.rc < 0 ? secret.rc : file_put(t, path, k->uri == NULL, buf_get(&secret));
	buf_wipe(&secret);
	if (rc < 0)
		return rc;
	record_print(&text, t, k);
	(void)snprintf(path, sizeof(path), "%s.key", name);
	return text.rc < 0 ? text.rc : file_put(t, path, false, buf_get(&text));
}

static bool
ring_has(const struct keyring *r, struct sv rdata)
{
	for (size_t i = 0; i < keyring_n(r); i++)
		if (sv_eq(keyring_get(r, i)->rdata, rdata) &&
		    (keyring_get(r, i)->priv != NULL || keyring_get(r, i)->uri != NULL))
			return true;
	return false;
}

int
key_import_write(const struct key_import *ki, const char *folder, import_fn fn, void *arg)
{
	_cleanup_(pool_freep) struct pool *pool = pool_new(POOL_MAX);
	_cleanup_(keyring_freep) struct keyring *there = NULL;
	struct target t = { ki, folder, fn, arg };
	struct findings fs;
	int rc;

	if (pool == NULL)
		return -ENOMEM;
	findings_init(&fs, pool);
	if ((rc = tree_make(folder)) < 0 || (rc = fn(arg, folder)) < 0 ||
	    (rc = keyring_read(folder, &ki->zone, &fs, &there)) < 0)
		return rc;
	for (size_t i = 0; i < ki->n && rc == 0; i++)
		if (ki->key[i].verdict == IMPORT_TAKEN && !ring_has(there, ki->key[i].rdata))
			rc = key_write(&t, &ki->key[i]);
	return rc;
}

/* --- the state --- */

/* Octets of RSA's modulus as bits (RFC 3110 section 2); of others there is only one size. */
static uint32_t
key_bits(const struct dnskey *d)
{
	_cleanup_(crypto_pub_freep) struct crypto_pub *pub = NULL;

	if (d->alg != 5 && d->alg != 7 && d->alg != 8 && d->alg != 10)
		return 0;
	return crypto_pub_new(d->alg, d->public_key, &pub) < 0 ? 0 : crypto_pub_bits(pub);
}

static enum ks_goal
goal_of(const struct import_key *k)
{
	return k->retired ? KS_GOAL_HIDDEN : k->standby ? KS_GOAL_STANDBY : KS_GOAL_OMNIPRESENT;
}

/* When it was first used, as far as anybody says; one that was not, has no such time. */
static int64_t
active_of(const struct import_key *k, int64_t now)
{
	if (k->coming || k->standby)
		return TIME_NEVER;
	return k->active != TIME_NEVER && k->active > 0 && k->active < now ? k->active : now;
}

/* Its backup is where it came from. */
static int
state_add(struct keystate *st, const struct key_import *ki, size_t i, uint32_t *ret_number)
{
	const struct import_key *k = &ki->key[i];
	struct keystate_newkey new = { .role = key_import_role(ki, i), .flags = KS_FLAG_BACKED_UP,
		.tag = dnskey_tag(k->rdata), .goal = goal_of(k), .active = active_of(k, ki->now),
		.end = k->end == TIME_NEVER || k->end <= 0 ? 0 : k->end };
	struct dnskey d;

	if (dnskey_parse(k->rdata, &d) < 0)
		return -EBADMSG;
	new.alg = d.alg;
	new.bits = key_bits(&d);
	new.public_key = d.public_key;
	if ((d.flags & DNSKEY_REVOKE) != 0)
		new.flags |= KS_FLAG_REVOKED;
	return keystate_add_key(st, &new, ki->now, ret_number);
}

/* A key that comes later is its forerunner's successor: the older, and those that retire, first. */
static int64_t
age_of(const struct import_key *k)
{
	return k->retired ? INT64_MIN : k->active == TIME_NEVER ? INT64_MAX : k->active;
}

static void
keys_link(struct keystate *st, const struct key_import *ki, const uint32_t *numbers)
{
	for (size_t i = 0; i < ki->n; i++) {
		int place = keystate_find(st, numbers[i]);
		int old = ki->key[i].follows == 0 ? -1 : keystate_find(st, numbers[ki->key[i].follows - 1]);

		if (place < 0 || old < 0)
			continue;
		st->keys[place].predecessor = st->keys[old].number;
		st->keys[old].successor = st->keys[place].number;
	}
}

/* A state of these keys alone. */
static int
state_make(const struct key_import *ki, struct keystate *st)
{
	uint32_t numbers[KEY_IMPORT_MAX] = { 0 };
	bool done[KEY_IMPORT_MAX] = { 0 };
	int rc;

	keystate_init(st, ki->now);
	for (;;) {
		size_t next = ki->n;

		for (size_t i = 0; i < ki->n; i++)
			if (!done[i] && ki->key[i].verdict == IMPORT_TAKEN &&
			    (next == ki->n || age_of(&ki->key[i]) < age_of(&ki->key[next])))
				next = i;
		if (next == ki->n)
			break;
		done[next] = true;
		if ((rc = state_add(st, ki, next, &numbers[next])) < 0 && rc != -EEXIST)
			return rc;
	}
	keys_link(st, ki, numbers);
	keystate_distrust(st);
	return 0;
}

static int
state_put(const struct target *t, const char *name, const struct keystate *st)
{
	_cleanup_(buf_done) struct buf text = BUF_INIT;
	char path[FOLDER_LEN_MAX];

	(void)snprintf(path, sizeof(path), "%s/%s", t->folder, name);
	keystate_write(st, &text);
	return text.rc < 0 ? text.rc : file_put(t, path, true, buf_get(&text));
}

int
key_import_state(const struct key_import *ki, const char *folder, import_fn fn, void *arg, unsigned *ret_n)
{
	_cleanup_(pool_freep) struct pool *pool = pool_new(POOL_MAX);
	struct target t = { ki, folder, fn, arg };
	char path[FOLDER_LEN_MAX];
	struct keystate st, made;
	struct findings fs;
	struct sv old;
	unsigned line;
	int rc;

	if (pool == NULL)
		return -ENOMEM;
	findings_init(&fs, pool);
	(void)snprintf(path, sizeof(path), "%s/state", folder);
	rc = file_read(pool, FILE_CWD, path, KEYSTATE_TEXT_MAX, &old);
	if (rc == -ENOENT)
		keystate_init(&st, ki->now);
	else if (rc < 0 || (rc = keystate_parse(old, &st, &line, &fs)) < 0)
		return rc;
	if ((rc = state_make(ki, &made)) < 0 || (rc = keystate_take(&st, &made, ki->now, ret_n)) < 0 || *ret_n == 0)
		return rc;
	keystate_distrust(&st);
	return state_put(&t, "state", &st);
}

int
key_import_offer(const struct key_import *ki, const char *folder, import_fn fn, void *arg)
{
	struct target t = { ki, folder, fn, arg };
	struct keystate st;
	int rc = state_make(ki, &st);

	return rc < 0 ? rc : state_put(&t, KEY_IMPORT_FILE, &st);
}
