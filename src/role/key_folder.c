/* One zone's keys on the disk: its folder, its state, what was published; and what is told of them. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/zone_file.h"
#include "base/err.h"
#include "base/hash.h"
#include "role/key_role.h"
#include "sys/atomicfile.h"
#include "sys/file.h"
#include "sys/tree.h"

/* --- places --- */

int
key_zone_path(const struct key_role *kr, const struct key_zone *kz, const char *file,
    char dst[static KEY_PATH_MAX])
{
	_cleanup_(buf_done) struct buf b = BUF_INIT;
	int n;

	zone_file_name(&b, &kz->e->name);
	if (b.rc < 0)
		return b.rc;
	n = snprintf(dst, KEY_PATH_MAX, "%s/%.*s%s%s", kr->folder, SV_ARG(buf_get(&b)),
	    file[0] == '\0' ? "" : "/", file);
	return n < 0 || n >= KEY_PATH_MAX ? -ENAMETOOLONG : 0;
}

const char *
key_zone_text(const struct key_zone *kz, char dst[static DNAME_STRLEN])
{
	return dname_str(&kz->e->name, dst);
}

/* --- telling --- */

void
key_findings_tell(struct key_role *kr, struct key_zone *kz, const struct findings *fs)
{
	_cleanup_(buf_done) struct buf all = BUF_INIT;
	char name[DNAME_STRLEN];
	uint64_t hash;

	for (const struct finding *f = fs->head; f != NULL; f = f->next) {
		buf_printf(&all, "%s: ", f->def->code);
		finding_text(&all, f, LANG_EN);
		buf_char(&all, '\n');
	}
	hash = all.len == 0 ? 0 : hash_bytes(all.p, all.len);
	if (all.rc < 0 || hash == kz->told)
		return;
	kz->told = hash;
	for (struct sv rest = buf_get(&all), line; sv_line(&rest, &line); )
		role_log(kr->role, LOG_LEVEL_WARN, "%s %.*s", key_zone_text(kz, name), SV_ARG(line));
}

/* --- files --- */

static int
file_put(const char *path, struct sv text)
{
	_cleanup_(atomicfile_done) struct atomicfile f;
	int rc = atomicfile_open_secret(&f, path);

	if (rc < 0)
		return rc;
	if ((rc = fd_write_all(&f.fd, text.p, text.n)) < 0)
		return rc;
	return atomicfile_commit(&f);
}

int
key_state_write(struct key_role *kr, struct key_zone *kz)
{
	_cleanup_(buf_done) struct buf b = BUF_INIT;
	char path[KEY_PATH_MAX];
	uint8_t sum[SHA256_LEN];
	int rc;

	keystate_write(&key_life(kz)->state, &b);
	if (b.rc < 0)
		return b.rc;
	crypto_sha256(b.p, b.len, sum);
	if (memcmp(sum, kz->written, sizeof(sum)) == 0)
		return 0;
	if ((rc = key_zone_path(kr, kz, "state", path)) < 0 || (rc = file_put(path, buf_get(&b))) < 0)
		return rc;
	memcpy(kz->written, sum, sizeof(sum));
	return 0;
}

/* -ENOENT: there is none. */
static int
state_read(struct key_role *kr, struct key_zone *kz, struct findings *fs)
{
	char path[KEY_PATH_MAX];
	struct sv text;
	unsigned line;
	int rc;

	if ((rc = key_zone_path(kr, kz, "state", path)) < 0 ||
	    (rc = file_read(fs->pool, FILE_CWD, path, KEYSTATE_TEXT_MAX, &text)) < 0)
		return rc;
	return keystate_parse(text, &key_life(kz)->state, &line, fs);
}

int
key_serials_save(struct key_role *kr, struct key_zone *kz)
{
	_cleanup_(buf_done) struct buf b = BUF_INIT;
	char path[KEY_PATH_MAX];
	int rc;

	key_serials_write(&kz->serials, &b);
	if (b.rc < 0)
		return b.rc;
	kz->serials_at = role_now(kr->role);
	if ((rc = key_zone_path(kr, kz, "published", path)) < 0)
		return rc;
	return file_put(path, buf_get(&b));
}

/* Without it nothing is proven by serials, until the servers have newer ones: late, never wrong. */
static int
serials_read(struct key_role *kr, struct key_zone *kz, struct pool *pool)
{
	char path[KEY_PATH_MAX], name[DNAME_STRLEN];
	struct sv text;
	int rc;

	if ((rc = key_zone_path(kr, kz, "published", path)) < 0)
		return rc;
	rc = file_read(pool, FILE_CWD, path, KEY_SERIALS_TEXT_MAX, &text);
	if (rc == 0)
		rc = key_serials_parse(text, &kz->serials);
	if (rc < 0 && rc != -ENOENT)
		role_log(kr->role, LOG_LEVEL_WARN, "%s: %s: %s, ignoring it; steps wait until all servers "
		    "have a newer version", key_zone_text(kz, name), path, err_str(rc));
	key_serials_limit(&kz->serials, key_life(kz)->state.seq[KS_DNSKEY], key_life(kz)->state.seq[KS_DATA]);
	return 0;
}

/* --- the folder --- */

static int
probes(const struct keyring *ring)
{
	int rc = 0;

	for (size_t i = 0; i < keyring_n(ring) && rc == 0; i++)
		if (keyring_get(ring, i)->priv != NULL)
			rc = key_probe(keyring_get(ring, i)->priv, keyring_get(ring, i)->rdata);
	return rc;
}

int
key_ring_read(struct key_role *kr, struct key_zone *kz, struct findings *fs, struct keyring **ret,
    const char **ret_what)
{
	_cleanup_(keyring_freep) struct keyring *ring = NULL;
	char folder[KEY_PATH_MAX];
	int rc;

	*ret_what = "its folder";
	if ((rc = key_zone_path(kr, kz, "", folder)) < 0 || (rc = tree_make(folder)) < 0)
		return rc;
	*ret_what = "its keys";
	if ((rc = keyring_read(folder, &kz->e->name, fs, &ring)) < 0)
		return rc;
	if (findings_reject(fs))
		return -EBADMSG;
	*ret_what = "the probe of its keys";
	if ((rc = probes(ring)) < 0)
		return rc;
	for (size_t i = 0; i < keyring_n(ring); i++)
		(void)key_zone_token(kr, kz, keyring_get(ring, i));	/* tried from now on */
	*ret = TAKE_PTR(ring);
	return 0;
}

/* In the folder, and not in the state: made in the moment of a crash, or put there by hand. */
static void
orphans_tell(struct key_role *kr, const struct key_zone *kz)
{
	char name[DNAME_STRLEN];

	for (size_t i = 0; i < keyring_n(kz->ring); i++) {
		bool known = false;

		for (int k = 0; k < KEYSTATE_KEYS_MAX && !known; k++)
			known = key_life(kz)->state.keys[k].number != 0 &&
			    key_ring_find(kz->ring, &key_life(kz)->state.keys[k]) == keyring_get(kz->ring, i);
		if (!known)
			role_log(kr->role, LOG_LEVEL_NOTICE, "%s: key %s is in its folder and is not used: "
			    "nobody said that it is to be (sekisho zone import)",
			    key_zone_text(kz, name), keyring_get(kz->ring, i)->name);
	}
}

static int
zone_read(struct key_role *kr, struct key_zone *kz, struct findings *fs, const char **ret_what)
{
	int rc = key_ring_read(kr, kz, fs, &kz->ring, ret_what);

	if (rc < 0)
		return rc;
	*ret_what = "the state of its keys";
	rc = state_read(kr, kz, fs);
	if (rc == -ENOENT && keyring_n(kz->ring) == 0) {
		/* On the disk before the first key is: keys without a state were in use. */
		keystate_init(&key_life(kz)->state, role_now(kr->role));
		return key_state_write(kr, kz);
	}
	/*
	 * A private file that is not there may come back: the set says so, and
	 * nothing else is done. That a key is lost is the operator's word.
	 */
	if (rc < 0)
		return rc;
	orphans_tell(kr, kz);
	return serials_read(kr, kz, fs->pool);
}

int
key_state_find(struct key_role *kr, struct key_zone *kz, struct findings *fs)
{
	int rc = state_read(kr, kz, fs);

	if (rc == 0)
		return serials_read(kr, kz, fs->pool);
	if (rc == -ENOENT)
		keystate_init(&key_life(kz)->state, role_now(kr->role));
	return rc == -ENOENT ? 0 : rc;
}

int
key_zone_load(struct key_role *kr, struct key_zone *kz)
{
	_cleanup_(pool_freep) struct pool *pool = pool_new(KEY_FOLDER_POOL);
	struct findings fs;
	const char *what;
	int rc;

	kz->begun = true;
	if (pool == NULL)
		return -ENOMEM;
	findings_init(&fs, pool);
	policy_check(&kz->e->policy, &fs);
	if (findings_reject(&fs)) {
		key_findings_tell(kr, kz, &fs);
		return key_set_cannot(kr, kz, "its policy", "see the log");
	}
	rc = zone_read(kr, kz, &fs, &what);
	key_findings_tell(kr, kz, &fs);
	if (rc >= 0)
		return 0;
	kz->ring = keyring_free(kz->ring);
	return key_set_cannot(kr, kz, what, err_str(rc));
}
