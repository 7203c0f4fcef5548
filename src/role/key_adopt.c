/* Keys from elsewhere: what "zone import" left, and what a person put into the folder. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "role/key_role.h"
#include "sys/file.h"
#include "sys/statedir.h"

static bool
ring_has(const struct keyring *ring, uint8_t alg, bool sep)
{
	struct dnskey d;

	for (size_t i = 0; i < keyring_n(ring); i++)
		if (dnskey_parse(keyring_get(ring, i)->rdata, &d) == 0 && d.alg == alg &&
		    ((d.flags & DNSKEY_SEP) != 0) == sep)
			return true;
	return false;
}

/* As app/zone_keys.h has it: one kind of key alone does both. */
static enum ks_role
imported_role(const struct keyring *ring, const struct dnskey *d)
{
	bool sep = (d->flags & DNSKEY_SEP) != 0;

	if (!ring_has(ring, d->alg, !sep))
		return KS_CSK;
	return sep ? KS_KSK : KS_ZSK;
}

static enum ks_goal
imported_goal(const struct keyring_key *k, int64_t now)
{
	if ((k->inactive != TIME_NEVER && k->inactive <= now) || (k->remove != TIME_NEVER && k->remove <= now))
		return KS_GOAL_HIDDEN;
	return k->activate != TIME_NEVER && k->activate > now ? KS_GOAL_STANDBY : KS_GOAL_OMNIPRESENT;
}

/* Octets of RSA's modulus as bits (RFC 3110 section 2); of others there is only one size. */
static uint32_t
key_bits(const struct dnskey *d)
{
	struct rd r = rd_sv(d->public_key);
	size_t n = rd_u8(&r);

	if (d->alg != 5 && d->alg != 7 && d->alg != 8 && d->alg != 10)
		return 0;
	if (n == 0)
		n = rd_be16(&r);
	(void)rd_slice(&r, n);
	return r.bad ? 0 : (uint32_t)rd_left(&r) * 8;
}

/* 1: it is new. */
static int
key_import(struct keystate *st, const struct keyring *ring, const struct keyring_key *k, int64_t now)
{
	struct keystate_newkey new = { .flags = KS_FLAG_BACKED_UP, .tag = dnskey_tag(k->rdata) };
	struct dnskey d;
	uint32_t number;
	int rc;

	if (dnskey_parse(k->rdata, &d) < 0)
		return 0;
	new.role = imported_role(ring, &d);
	new.alg = d.alg;
	new.bits = key_bits(&d);
	new.public_key = d.public_key;
	new.goal = imported_goal(k, now);
	if ((d.flags & DNSKEY_REVOKE) != 0)
		new.flags |= KS_FLAG_REVOKED;
	if (k->priv == NULL && k->uri == NULL)
		new.flags |= KS_FLAG_EXTERNAL;
	else if (new.goal == KS_GOAL_OMNIPRESENT)
		new.active = k->activate != TIME_NEVER && k->activate > 0 ? k->activate : now;
	rc = keystate_add_key(st, &new, now, &number);
	return rc == -EEXIST ? 0 : rc < 0 ? rc : 1;
}

static int
keys_import(struct keystate *st, const struct keyring *ring, int64_t now, unsigned *ret_n)
{
	*ret_n = 0;
	for (size_t i = 0; i < keyring_n(ring); i++) {
		int rc = key_import(st, ring, keyring_get(ring, i), now);

		if (rc < 0)
			return rc;
		*ret_n += (unsigned)rc;
	}
	return 0;
}

/* What "zone import" found out about them (app/key_import.h): a state of them alone. */
static int
offer_take(struct key_role *kr, struct key_zone *kz, struct findings *fs, unsigned *ret_n)
{
	char path[KEY_PATH_MAX];
	struct keystate offer;
	struct sv text;
	unsigned line;
	int rc;

	*ret_n = 0;
	if ((rc = key_zone_path(kr, kz, KEY_IMPORT_FILE, path)) < 0 ||
	    (rc = file_read(fs->pool, FILE_CWD, path, KEYSTATE_TEXT_MAX, &text)) < 0)
		return rc == -ENOENT ? 0 : rc;
	rc = keystate_parse(text, &offer, &line, fs);
	return rc < 0 ? rc : keystate_take(&key_life(kz)->state, &offer, role_now(kr->role), ret_n);
}

/* Taken, and on the disk: a second time it would be old. */
static void
offer_done(struct key_role *kr, struct key_zone *kz)
{
	char path[KEY_PATH_MAX];

	if (key_zone_path(kr, kz, KEY_IMPORT_FILE, path) == 0)
		(void)file_remove(path);
}

static int
ring_adopt(struct key_role *kr, struct key_zone *kz, struct keyring *ring, struct findings *fs, unsigned *ret_n)
{
	struct keystate was = key_life(kz)->state;
	unsigned n = 0;
	int rc = offer_take(kr, kz, fs, &n);

	if (rc == 0)
		rc = keys_import(&key_life(kz)->state, ring, role_now(kr->role), ret_n);
	*ret_n += n;
	if (rc == 0 && *ret_n > 0)
		keystate_distrust(&key_life(kz)->state);
	if (rc == 0)
		rc = key_state_write(kr, kz);
	if (rc < 0)
		key_life(kz)->state = was;
	else
		kz->ring = ring;	/* the one before stays: sets point into it */
	return rc;
}

int
key_zone_import(struct key_role *kr, struct key_zone *kz, unsigned *ret_n, char *why, size_t why_n)
{
	_cleanup_(pool_freep) struct pool *pool = pool_new(KEY_FOLDER_POOL);
	_cleanup_(keyring_freep) struct keyring *ring = NULL;
	struct findings fs;
	const char *what = "its keys";
	int rc;

	if (pool == NULL)
		return -ENOMEM;
	findings_init(&fs, pool);
	policy_check(&kz->e->policy, &fs);
	rc = findings_reject(&fs) ? -EINVAL : key_ring_read(kr, kz, &fs, &ring, &what);
	if (rc == 0 && kz->ring == NULL) {
		what = "the state of its keys";
		rc = key_state_find(kr, kz, &fs);
	}
	if (rc == 0)
		rc = ring_adopt(kr, kz, ring, &fs, ret_n);
	if (rc == 0) {
		ring = NULL;
		offer_done(kr, kz);
	}
	key_findings_tell(kr, kz, &fs);
	if (rc < 0)
		(void)snprintf(why, why_n, "%s: %s", what, err_str(rc));
	return rc;
}
