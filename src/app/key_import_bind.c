/* Keys as BIND's tools keep them: X.key, X.private and X.state (app/key_import.h). */
#include <errno.h>
#include <stdio.h>

#include "app/key_import_internal.h"
#include "app/zone_file.h"
#include "base/err.h"
#include "dnssec/keyfile.h"
#include "sys/file.h"

/* The record of a .key file under our zone's name: is it another zone's? */
static bool
record_is_other(struct key_import *ki, struct sv text)
{
	struct zonefile_opts o = { .origin = DNAME_ROOT, .has_ttl = true };
	struct zone_text t = { text };
	struct findings quiet;
	_cleanup_(zonefile_freep) struct zonefile *zf = NULL;
	struct dns_rr rr;

	findings_init(&quiet, ki->pool);
	zf = zonefile_new(&o, zone_text_read, &t, &quiet);
	return zf != NULL && zonefile_next(zf, &rr) == 1 && rr.type == RR_DNSKEY && !dname_eq(rr.owner, &ki->zone);
}

/* What .private says of its times. A key without any is in use. */
static void
bind_times(struct import_key *k, const struct keyring_key *r, int64_t now)
{
	k->active = r->activate;
	k->end = r->inactive;
	k->retired = r->inactive <= now;
	k->coming = r->activate != TIME_NEVER && r->activate > now;
	k->standby = r->activate == TIME_NEVER && r->publish != TIME_NEVER;
	if (r->remove <= now)
		k->verdict = IMPORT_REMOVED;
}

/* What .state says, of a dnssec-policy: there keys wait for each other, and times are plans. */
static void
bind_states(struct import_key *k, const struct bind_state *s, int64_t now)
{
	k->active = s->active;
	k->end = s->retired;
	k->retired = s->goal == BIND_HIDDEN || s->retired <= now;
	k->coming = s->active != TIME_NEVER && s->active > now;
	k->standby = false;
	k->mixing = s->data == BIND_UNRETENTIVE;
	k->again = s->removed;
	k->verdict = s->goal == BIND_HIDDEN && s->dnskey == BIND_HIDDEN ? IMPORT_REMOVED : IMPORT_TAKEN;
}

static int
bind_state_read(struct key_import *ki, const char *dir, struct import_key *k, struct findings *fs)
{
	char path[PATH_LEN_MAX];
	struct bind_state s;
	struct sv text;
	unsigned line;
	int rc;

	(void)snprintf(path, sizeof(path), "%s/%s.state", dir, k->from);
	if ((rc = file_read(ki->pool, FILE_CWD, path, KEYFILE_SIZE_MAX, &text)) < 0)
		return rc == -ENOENT ? 0 : rc;
	if (bind_state_parse(text, &s, &line) < 0)
		finding_add(fs, import_refuse(ki, IMPORT_STATE), FA_STR("file", path), FA_U("line", line));
	else
		bind_states(k, &s, ki->now);
	return 0;
}

static int
bind_key(struct key_import *ki, const char *dir, const struct keyring_key *r, struct findings *fs)
{
	struct import_key *k = import_key_add(ki, r->name);
	static const char *const ends[] = { ".private", ".pem" };
	char path[PATH_LEN_MAX];
	int rc;

	if (k == NULL)
		return SE_LIMIT;
	k->rdata = r->rdata;
	k->priv = r->priv;
	k->uri = r->uri;
	bind_times(k, r, ki->now);
	if ((rc = bind_state_read(ki, dir, k, fs)) < 0)
		return rc;
	if (r->priv == NULL && r->uri == NULL)
		k->verdict = IMPORT_NO_PRIVATE;
	for (size_t i = 0; i < ARRAY_LEN(ends) && k->verdict == IMPORT_TAKEN && r->priv != NULL; i++) {
		(void)snprintf(path, sizeof(path), "%s/%s%s", dir, k->from, ends[i]);
		import_open_tell(ki, path, fs);
	}
	return 0;
}

/*
 * What keyring_read() leaves out without a word: a file under the zone's name with the key of
 * another one. And what it cannot read because nobody may sign with it any more.
 */
static int
bind_names(struct key_import *ki, const struct import_opts *o, struct findings *fs)
{
	_cleanup_(buf_done) struct buf prefix = BUF_INIT;
	struct sv *names, rest, text;
	char path[PATH_LEN_MAX];
	size_t n;
	int rc;

	buf_char(&prefix, 'K');
	zone_file_name(&prefix, o->zone);
	buf_char(&prefix, '+');
	if (prefix.rc < 0 || (rc = dir_list(ki->pool, o->dir, KEYRING_FILES_MAX, &names, &n)) < 0)
		return prefix.rc < 0 ? prefix.rc : rc;
	for (size_t i = 0; i < n; i++) {
		uint32_t alg;

		rest = sv_skip(names[i], prefix.len);
		if (!sv_ends(names[i], SV(".key")) || !sv_caseeq(sv_take(names[i], prefix.len), buf_get(&prefix)) ||
		    num_u32(sv_cut(&rest, '+'), 0, UINT8_MAX, &alg) < 0)
			continue;
		(void)snprintf(path, sizeof(path), "%s/%.*s", o->dir, SV_ARG(names[i]));
		if ((rc = file_read(ki->pool, FILE_CWD, path, KEYFILE_SIZE_MAX, &text)) < 0)
			return rc;
		if (record_is_other(ki, text))
			finding_add(fs, import_refuse(ki, IMPORT_OTHER), FA_STR("file", path));
		if (o->published.n == 0 && import_alg_is_old((uint8_t)alg))
			finding_add(fs, import_refuse(ki, IMPORT_ALGORITHM), FA_U("algorithm", alg));
	}
	return 0;
}

int
import_bind_read(struct key_import *ki, const struct import_opts *o, struct findings *fs)
{
	int rc = keyring_read(o->dir, o->zone, fs, &ki->ring);

	for (size_t i = 0; rc == 0 && i < keyring_n(ki->ring); i++)
		rc = bind_key(ki, o->dir, keyring_get(ki->ring, i), fs);
	return rc < 0 ? rc : bind_names(ki, o, fs);
}
