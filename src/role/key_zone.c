/* One zone's keys: its folder, its state, and the steps that are taken. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/zone_file.h"
#include "app/zone_proof.h"
#include "base/err.h"
#include "base/hash.h"
#include "base/timefmt.h"
#include "role/key_role.h"
#include "sys/atomicfile.h"
#include "sys/file.h"
#include "sys/statedir.h"
#include "sys/tree.h"

#define FINDINGS_POOL	((size_t)256 * 1024)
#define PROOF_POOL	((size_t)16 << 20)
#define STEPS_MAX	16	/* each makes a key; a policy asks for six at the most */
#define AGAIN_SEC	60	/* what failed here (a disk, a token) is tried again */
#define REFUSED_SEC	300	/* a TTL may have run out that the gate did not wait for */
#define TIMERS_LATE_MAX	31536000 /* seconds: a year that a zone was refused is not worth more */

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

static void
findings_tell(struct key_role *kr, struct key_zone *kz, const struct findings *fs)
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

static int
ring_read(struct key_role *kr, struct key_zone *kz, struct findings *fs, struct keyring **ret,
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
	int rc = ring_read(kr, kz, fs, &kz->ring, ret_what);

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
key_zone_load(struct key_role *kr, struct key_zone *kz)
{
	_cleanup_(pool_freep) struct pool *pool = pool_new(FINDINGS_POOL + KEYSTATE_TEXT_MAX + KEY_SERIALS_TEXT_MAX);
	struct findings fs;
	const char *what;
	int rc;

	kz->begun = true;
	if (pool == NULL)
		return -ENOMEM;
	findings_init(&fs, pool);
	policy_check(&kz->e->policy, &fs);
	if (findings_reject(&fs)) {
		findings_tell(kr, kz, &fs);
		return key_set_cannot(kr, kz, "its policy", "see the log");
	}
	rc = zone_read(kr, kz, &fs, &what);
	findings_tell(kr, kz, &fs);
	if (rc >= 0)
		return 0;
	kz->ring = keyring_free(kz->ring);
	return key_set_cannot(kr, kz, what, err_str(rc));
}

/* --- keys from elsewhere --- */

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

/* A zone that could not be used until now: its state, or a new one. */
static int
state_find(struct key_role *kr, struct key_zone *kz, struct findings *fs)
{
	int rc = state_read(kr, kz, fs);

	if (rc == 0)
		return serials_read(kr, kz, fs->pool);
	if (rc == -ENOENT)
		keystate_init(&key_life(kz)->state, role_now(kr->role));
	return rc == -ENOENT ? 0 : rc;
}

int
key_zone_import(struct key_role *kr, struct key_zone *kz, unsigned *ret_n, char *why, size_t why_n)
{
	_cleanup_(pool_freep) struct pool *pool = pool_new(FINDINGS_POOL + KEYSTATE_TEXT_MAX + KEY_SERIALS_TEXT_MAX);
	_cleanup_(keyring_freep) struct keyring *ring = NULL;
	struct findings fs;
	const char *what = "its keys";
	int rc;

	if (pool == NULL)
		return -ENOMEM;
	findings_init(&fs, pool);
	policy_check(&kz->e->policy, &fs);
	rc = findings_reject(&fs) ? -EINVAL : ring_read(kr, kz, &fs, &ring, &what);
	if (rc == 0 && kz->ring == NULL) {
		what = "the state of its keys";
		rc = state_find(kr, kz, &fs);
	}
	if (rc == 0)
		rc = ring_adopt(kr, kz, ring, &fs, ret_n);
	if (rc == 0) {
		ring = NULL;
		offer_done(kr, kz);
	}
	findings_tell(kr, kz, &fs);
	if (rc < 0)
		(void)snprintf(why, why_n, "%s: %s", what, err_str(rc));
	return rc;
}

/* --- steps --- */

/* The last key of the ring is the state's now. */
static int
key_made(struct key_role *kr, struct key_zone *kz, const struct keystate_action *a, const char *name,
    int64_t now)
{
	const struct keyring_key *k = keyring_get(kz->ring, keyring_n(kz->ring) - 1);
	struct keystate_newkey new;
	char zone[DNAME_STRLEN];
	struct dnskey d;
	uint32_t number;
	int rc;

	if ((rc = dnskey_parse(k->rdata, &d)) < 0)
		return rc;
	new = (struct keystate_newkey){ .role = a->role, .alg = a->alg, .tag = dnskey_tag(k->rdata),
	    .bits = a->bits, .goal = a->goal, .public_key = d.public_key };
	role_log(kr->role, LOG_LEVEL_NOTICE, "%s: made key %s (%s)", key_zone_text(kz, zone), name,
	    keystate_role_name(a->role));
	if ((rc = keystate_add_key(&key_life(kz)->state, &new, now, &number)) == 0)
		key_audit(kr, kz, "key-made", "", &key_life(kz)->state.keys[keystate_find(&key_life(kz)->state, number)]);
	return rc;
}

/* -EINPROGRESS: the token is at it, and key_token.h's changed() comes when it is done. */
static int
key_make_token(struct key_role *kr, struct key_zone *kz, const struct keystate_action *a, uint16_t flags,
    int64_t now)
{
	size_t zone = (size_t)(kz - kr->zones);
	struct token_made made;
	const char *name;
	struct dnskey d;
	int rc;

	if (kr->token == NULL)
		return -ENOTSUP;
	if ((rc = key_token_make(kr->token, zone, a->alg, a->bits, flags, &made)) < 0)
		return rc;
	if ((rc = dnskey_parse((struct sv){ (const char *)made.rdata, made.rdata_len }, &d)) == 0)
		rc = keyring_add(kz->ring, &d, made.uri.p, NULL, now, &name);
	if (rc < 0) {
		key_token_undo(kr->token, &made);
		return rc == -EEXIST ? key_make_token(kr, kz, a, flags, now) : rc;
	}
	key_token_adopt(kr->token, zone, keyring_get(kz->ring, keyring_n(kz->ring) - 1), &made);
	return key_made(kr, kz, a, name, now);
}

static int
key_make(struct key_role *kr, struct key_zone *kz, const struct keystate_action *a, int64_t now)
{
	uint16_t flags = a->role == KS_ZSK ? DNSKEY_ZONE : DNSKEY_ZONE | DNSKEY_SEP;
	const struct keyring_key *k;
	const char *name;
	int rc;

	if (kz->e->policy.key_store == POLICY_STORE_TOKEN)
		return key_make_token(kr, kz, a, flags, now);
	if ((rc = keyring_generate(kz->ring, a->alg, a->bits, flags, now, &name)) < 0)
		return rc;
	k = keyring_get(kz->ring, keyring_n(kz->ring) - 1);
	if ((rc = key_probe(k->priv, k->rdata)) < 0)
		return rc;
	return key_made(kr, kz, a, name, now);
}

/* The keys that this step asks for; how many. */
static int
keys_make(struct key_role *kr, struct key_zone *kz, int64_t now, unsigned *ret_n)
{
	*ret_n = 0;
	for (size_t i = 0; i < key_life(kz)->step.n_actions; i++) {
		int rc = 0;

		if (key_life(kz)->step.actions[i].act != KS_ACT_GENERATE)
			continue;
		if ((rc = key_make(kr, kz, &key_life(kz)->step.actions[i], now)) < 0 && rc != -EINPROGRESS)
			return rc;
		*ret_n += rc == 0;
	}
	return 0;
}

/*
 * Where timers stand for eyes (timers_child), they run from when the zone was served with the sets
 * of now, not from when these were made: a zone that is refused for days reaches no server.
 */
static void
timers_limit(const struct key_zone *kz, const struct keystate *st, struct dnssec_policy *p)
{
	const struct key_serial *last = kz->serials.n == 0 ? NULL : &kz->serials.v[kz->serials.n - 1];
	int64_t from = INT64_MAX;

	if (!p->timers_child)
		return;
	if (last == NULL || last->dnskey_seq != st->seq[KS_DNSKEY] || last->data_seq != st->seq[KS_DATA]) {
		p->timers_child = 0;
		return;
	}
	for (size_t i = 0; i < st->n_sets; i++)
		if (st->sets[i].kind != KS_DS && st->sets[i].seq == st->seq[st->sets[i].kind])
			from = min_i64(from, st->sets[i].from);
	if (kz->serials.served > from)
		p->child_propagation += (uint32_t)min_i64(kz->serials.served - from, TIMERS_LATE_MAX);
}

/* The engine, which an operator's hold and ours stop in the same way. */
static int
engine(struct keystate *st, const struct key_zone *kz, const struct key_seen *seen, bool hold, int64_t now,
    struct findings *fs, struct keystate_step *step)
{
	const struct keystate_observations o = {
		.child = seen != NULL && seen->has_child ? &seen->child : NULL,
		.parent = seen != NULL && seen->has_parent ? &seen->parent : NULL };
	struct dnssec_policy policy = kz->e->policy;
	bool was = st->hold;
	int rc;

	timers_limit(kz, st, &policy);
	st->hold = was || hold;
	rc = keystate_next(st, &policy, &o, now, fs, step);
	st->hold = was;
	return rc;
}

/* Whole lines of it: cut, half a letter could be the last. */
static void
story_write(const struct findings *fs, enum lang lang, char dst[static KEY_STORY_MAX])
{
	_cleanup_(buf_done) struct buf b = BUF_INIT;
	struct sv rest, line;
	size_t n = 0;

	timeline_story_text(&b, fs, lang);
	rest = buf_get(&b);
	while (sv_line(&rest, &line) && n + line.n + 2 <= KEY_STORY_MAX)
		n += (size_t)snprintf(dst + n, KEY_STORY_MAX - n, "%s%.*s", n > 0 ? "\n" : "", SV_ARG(line));
	dst[n] = '\0';
}

/* Each moment tells the story with its own dates; it is news only where something else would fail. */
static uint64_t
story_cause(const struct findings *fs)
{
	uint64_t h = 1;

	for (const struct finding *f = fs->head; f != NULL; f = f->next) {
		h = h * 31 + hash_bytes(f->def->code, strlen(f->def->code));
		for (unsigned i = 0; i < f->n_args; i++)
			if (f->args[i].type == FARG_STR || f->args[i].type == FARG_MSG)
				h = h * 31 + hash_bytes(f->args[i].s.p, f->args[i].s.n);
	}
	return h;
}

static void
refuse(struct key_role *kr, struct key_zone *kz, const struct findings *fs, int64_t now)
{
	struct key_refusal *r = &kz->refusal;
	uint64_t cause = story_cause(fs);
	bool known = r->is && r->cause == cause;
	char zone[DNAME_STRLEN];

	for (int lang = 0; lang < LANG_MAX; lang++)
		story_write(fs, (enum lang)lang, r->story[lang]);
	kr->n_held++;
	r->cause = cause;
	if (!r->is)
		r->since = now;
	r->is = true;
	key_told_soon(kr, kz);
	if (known)
		return;
	role_log(kr->role, LOG_LEVEL_ERROR, "%s: the next step of its keys is not taken: some resolver would "
	    "fail", key_zone_text(kz, zone));
	for (struct sv rest = sv_str(r->story[LANG_EN]), line; sv_line(&rest, &line); )
		role_log(kr->role, LOG_LEVEL_ERROR, "%s: %.*s", key_zone_text(kz, zone), SV_ARG(line));
	key_audit(kr, kz, "key-step-refused", "", NULL);
}

/* May the state go on from held to work? */
static int
prove(struct key_role *kr, struct key_zone *kz, const struct keystate *held, const struct keystate *work,
    int64_t now, bool *ret_pass)
{
	_cleanup_(pool_freep) struct pool *pool = pool_new(PROOF_POOL);
	struct findings fs;
	bool safe = false;
	int rc;

	*ret_pass = true;
	if (!zone_proof_is_step(held, work)) {
		kz->refusal.is = kz->refusal.overridden = false;
		return 0;
	}
	if (kz->refusal.overridden)
		return 0;
	if (pool == NULL)
		return -ENOMEM;
	findings_init(&fs, pool);
	if ((rc = zone_proof_step(held, work, &kz->e->policy, now, &fs, &safe)) == -ENOMEM)
		return rc;
	/* What cannot be proven is not taken. */
	if (rc < 0)
		finding_add(&fs, &roll_findings[ROLL_UNPROVEN], FA_MSG("why", err_str(rc)));
	*ret_pass = rc == 0 && safe;
	if (!*ret_pass)
		refuse(kr, kz, &fs, now);
	return 0;
}

/* A step that was waited for is taken, with or without the proof. */
static void
refusal_over(struct key_role *kr, struct key_zone *kz)
{
	if (kz->refusal.overridden)
		key_audit(kr, kz, "key-step-overridden", "", NULL);
	if (kz->refusal.is)
		key_told_soon(kr, kz);
	kz->refusal.is = kz->refusal.overridden = false;
}

bool
key_zone_is_new(const struct key_role *kr, const struct key_zone *kz)
{
	const struct keystate *st = &key_life(kz)->state;

	return kr->looks && !kz->parent_looked && st->seq[KS_DNSKEY] == 1 && st->seq[KS_DATA] == 2 &&
	    st->next_seq == 3;
}

/* One call: what was seen counts in any case, the step only if it is proven. */
static int
step_take(struct key_role *kr, struct key_zone *kz, const struct key_seen *seen, int64_t now, struct findings *fs)
{
	struct keystate held = key_life(kz)->state, work = key_life(kz)->state;
	struct keystate_step step, held_step;
	struct findings quiet;
	bool pass;
	int rc;

	findings_init(&quiet, fs->pool);
	if ((rc = engine(&held, kz, seen, true, now, &quiet, &held_step)) < 0 ||
	    (rc = engine(&work, kz, seen, key_zone_is_new(kr, kz), now, fs, &step)) < 0 ||
	    (rc = prove(kr, kz, &held, &work, now, &pass)) < 0)
		return rc;
	if (pass && zone_proof_is_step(&held, &work))
		refusal_over(kr, kz);
	key_life(kz)->state = pass ? work : held;
	key_life(kz)->step = pass ? step : held_step;
	return 0;
}

/* A key that cannot be made (a full disk, a token) holds up nothing but itself. */
static int
steps(struct key_role *kr, struct key_zone *kz, const struct key_seen *seen, int64_t now, struct findings *fs,
    bool *ret_again)
{
	char zone[DNAME_STRLEN];
	unsigned made = 1;
	int rc = 0;

	for (unsigned i = 0; i < STEPS_MAX && made > 0; i++) {
		if ((rc = step_take(kr, kz, i == 0 ? seen : NULL, now, fs)) < 0)
			return rc;
		rc = keys_make(kr, kz, now, &made);
		if (rc == -ENOMEM)
			return rc;
		if (rc >= 0)
			continue;
		role_log(kr->role, LOG_LEVEL_ERROR, "%s: a key cannot be made: %s", key_zone_text(kz, zone), err_str(rc));
		*ret_again = true;
		break;
	}
	/* Before anybody hears of it. */
	return key_state_write(kr, kz);
}

int
key_zone_step(struct key_role *kr, struct key_zone *kz, const struct key_seen *seen)
{
	_cleanup_(pool_freep) struct pool *pool = pool_new(FINDINGS_POOL);
	int64_t now = role_now(kr->role);
	struct findings fs;
	bool again = false;
	int rc;

	if (kz->ring == NULL)
		return 0;
	if (pool == NULL)
		return -ENOMEM;
	findings_init(&fs, pool);
	rc = steps(kr, kz, seen, now, &fs, &again);
	findings_tell(kr, kz, &fs);
	kz->next = rc < 0 || again ? now + AGAIN_SEC : key_life(kz)->step.next;
	if (kz->refusal.is)
		kz->next = min_i64(kz->next, now + REFUSED_SEC);
	key_zone_due(kr, kz);
	/* A full disk: what was told stays true. */
	if (rc < 0)
		return kz->set != NULL && kz->set->state == KEY_SET_READY ? 0 :
		    key_set_cannot(kr, kz, "its keys", err_str(rc));
	if ((rc = key_set_make(kr, kz)) < 0)
		return rc;
	rc = key_act(kr, kz);
	key_zone_due(kr, kz);
	return rc;
}

int
key_zone_begin(struct key_role *kr, struct key_zone *kz)
{
	int rc;

	if (kz->begun)
		return 0;
	kr->n_begun++;
	if ((rc = key_zone_load(kr, kz)) < 0)
		return rc;
	return key_zone_step(kr, kz, NULL);
}
