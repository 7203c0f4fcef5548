/*
 * What a step demands of the world: a NOTIFY, a command to the registry, a look
 * at servers, a key that is deleted. The state is on the disk by now; a demand
 * is said again by each step until it was seen to be met, so that here is only
 * remembered what was handed over (app/key_serials.h), and what failed.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "base/hash.h"
#include "role/key_role.h"
#include "sys/memfd.h"
#include "sys/file.h"
#include "sys/statedir.h"

#define FAILED_MIN_SEC	60
#define FAILED_MAX_SEC	(6 * 3600)
#define NOTIFY_SEC	300	/* no answer: name has died meanwhile */
#define HOOK_SEC	3600
#define LOOK_MIN_SEC	30
#define LOOK_MAX_SEC	3600
#define LOOK_PART	8	/* what has taken an hour may take some minutes more */
#define AUDIT_TEXT	600	/* octets of one text in an entry of the audit log */

/* --- the audit log --- */

void
key_audit(struct key_role *kr, const struct key_zone *kz, const char *event, const char *what,
    const struct keystate_key *k)
{
	_cleanup_(buf_done) struct buf b = BUF_INIT;
	struct json j = json_on(&b, false);
	char name[DNAME_STRLEN];

	json_open(&j, '{');
	json_kv_str(&j, "zone", key_zone_text(kz, name));
	if (what[0] != '\0')
		json_kv_sv(&j, "what", sv_take(sv_str(what), AUDIT_TEXT));
	if (k != NULL) {
		json_kv_u64(&j, "key", k->number);
		json_kv_str(&j, "role", keystate_role_name(k->role));
		json_kv_u64(&j, "alg", k->alg);
		json_kv_u64(&j, "tag", k->tag);
	}
	json_close(&j, '}');
	if (b.rc == 0)
		role_audit(kr->role, event, buf_get(&b));
}

static const char *const fresh_events[KS_ACT_MAX] = {
	[KS_ACT_DNSKEY_PUBLISH] = "key-published",
	[KS_ACT_DNSKEY_WITHDRAW] = "key-withdrawn",
	[KS_ACT_SIGN_START] = "key-signs",
	[KS_ACT_SIGN_STOP] = "key-signs-no-more",
	[KS_ACT_DS_SUBMIT] = "ds-wanted",
	[KS_ACT_DS_WITHDRAW] = "ds-unwanted",
};

static const struct keystate_key *
key_of(const struct key_zone *kz, uint32_t number)
{
	int place = keystate_find(&key_life(kz)->state, number);

	return place < 0 ? NULL : &key_life(kz)->state.keys[place];
}

static void
fresh_tell(struct key_role *kr, struct key_zone *kz, const struct keystate_action *a)
{
	const struct keystate_key *k = key_of(kz, a->key);
	char name[DNAME_STRLEN];

	if (!a->fresh || fresh_events[a->act] == NULL || k == NULL)
		return;
	key_audit(kr, kz, fresh_events[a->act], "", k);
	role_log(kr->role, LOG_LEVEL_NOTICE, "%s: key %u (%s, tag %u): %s", key_zone_text(kz, name),
	    k->number, keystate_role_name(k->role), k->tag, keystate_action_text(a->act));
}

/* --- demands --- */

static const struct {
	int		timeout_sec;
	const char	*done, *failed;		/* for the audit log */
	const char	*name;
} demand_kinds[KEY_HANDED_MAX] = {
	[KEY_HANDED_NOTIFY] = { NOTIFY_SEC, "ds-notified", "ds-notify-failed", "the NOTIFY(CDS) to the parent" },
	[KEY_HANDED_HOOK] = { HOOK_SEC, "ds-submitted", "ds-submit-failed", "the hook for DS changes" },
};

static int
notify_send(struct key_role *kr, struct key_zone *kz, uint32_t id)
{
	const struct msg_notify_ask m = { .id = id, .type = RR_CDS,
		.zone = { (const char *)kz->e->name.w, kz->e->name.len } };

	return msg_notify_ask_send(kr->role, ROLE_NAME, &m);
}

/* 1: there is nothing to be sent. */
static int
hook_send(struct key_role *kr, struct key_zone *kz, const struct keystate_action *a, uint32_t id)
{
	_cleanup_(buf_done) struct buf b = BUF_INIT;
	struct msg_hook_run m = { .id = id };
	char name[DNAME_STRLEN];
	int rc = key_epp_write(kr, kz, a, &b);

	if (rc == 0)
		rc = memfd_of("epp", buf_get(&b), &m.input);
	if (rc != 0)
		return rc;
	m.zone = sv_str(key_zone_text(kz, name));
	rc = msg_hook_run_send(kr->role, ROLE_PARENT, &m);
	fd_close(&m.input);
	return rc;
}

static void
demand_failed(struct key_role *kr, struct key_zone *kz, enum key_handed which, const char *why)
{
	struct key_demand *d = &kz->demands[which];
	unsigned shift = d->n_failed < 16 ? d->n_failed : 16;
	int64_t wait = min_i64((int64_t)FAILED_MIN_SEC << shift, FAILED_MAX_SEC);
	char name[DNAME_STRLEN];

	d->id = 0;
	d->n_failed++;
	d->next = role_now(kr->role) + wait;
	if (strcmp(d->why, why) != 0) {
		role_log(kr->role, LOG_LEVEL_WARN, "%s: %s failed: %s; again in %lld s", key_zone_text(kz, name),
		    demand_kinds[which].name, why, (long long)wait);
		key_audit(kr, kz, demand_kinds[which].failed, why, NULL);
	}
	(void)snprintf(d->why, sizeof(d->why), "%s", why);
	kz->next = min_i64(kz->next, d->next);
	key_zone_due(kr, kz);
	key_told_soon(kr, kz);
}

static void	demand_done(struct key_role *, enum key_handed, uint32_t id, bool ok, const char *why);

static void
demand_send(struct key_role *kr, struct key_zone *kz, enum key_handed which, const struct keystate_action *a,
    int64_t now)
{
	struct key_demand *d = &kz->demands[which];
	int rc;

	if (++kr->next_id == 0)
		kr->next_id = 1;
	d->id = kr->next_id;
	d->next = now + demand_kinds[which].timeout_sec;
	rc = which == KEY_HANDED_NOTIFY ? notify_send(kr, kz, d->id) : hook_send(kr, kz, a, d->id);
	if (rc < 0)
		demand_failed(kr, kz, which, err_str(rc));
	else if (rc == 1)
		demand_done(kr, which, d->id, true, "the parent has it already");
}

/* Once for each demand, and again while it fails. */
static void
demand_run(struct key_role *kr, struct key_zone *kz, enum key_handed which, const struct keystate_action *a)
{
	struct key_demand *d = &kz->demands[which];
	int64_t now = role_now(kr->role);

	if (d->since != a->since)
		*d = (struct key_demand){ .since = a->since };
	if (kz->serials.handed[which] == a->since)
		return;
	if (d->id != 0 && now >= d->next)
		demand_failed(kr, kz, which, "nobody answered");
	if (d->id == 0 && now >= d->next)
		demand_send(kr, kz, which, a, now);
	kz->next = min_i64(kz->next, d->next);
}

static void
demand_done(struct key_role *kr, enum key_handed which, uint32_t id, bool ok, const char *why)
{
	char name[DNAME_STRLEN];
	int rc;

	for (size_t i = 0; i < kr->list.n; i++) {
		struct key_zone *kz = &kr->zones[i];
		struct key_demand *d = &kz->demands[which];

		if (id == 0 || d->id != id)
			continue;
		if (!ok) {
			demand_failed(kr, kz, which, why);
			key_timer_arm(kr);
			return;
		}
		d->id = 0;
		d->why[0] = '\0';
		kz->serials.handed[which] = d->since;
		key_audit(kr, kz, demand_kinds[which].done, why, NULL);
		key_told_soon(kr, kz);
		/* If it is not kept, it is handed over once more after a crash. */
		if ((rc = key_serials_save(kr, kz)) < 0)
			role_log(kr->role, LOG_LEVEL_WARN, "%s: %s", key_zone_text(kz, name), err_str(rc));
		return;
	}
}

int
key_on_notify_done(struct role *r, enum role_id from UNUSED, void *msg)
{
	const struct msg_notify_done *m = msg;
	char why[KEY_TEXT_MAX];

	(void)snprintf(why, sizeof(why), "%.*s", SV_ARG(m->text));
	demand_done(r->state, KEY_HANDED_NOTIFY, m->id, m->ok != 0, why);
	return 0;
}

int
key_on_hook_done(struct role *r, enum role_id from UNUSED, void *msg)
{
	const struct msg_hook_done *m = msg;
	char why[KEY_TEXT_MAX];

	if (m->code == 0)
		(void)snprintf(why, sizeof(why), "%.*s", SV_ARG(m->text));
	else if (m->code > 0)
		(void)snprintf(why, sizeof(why), "status %lld: %.*s", (long long)m->code, SV_ARG(m->text));
	else
		(void)snprintf(why, sizeof(why), "%.*s", SV_ARG(m->text));
	demand_done(r->state, KEY_HANDED_HOOK, m->id, m->code == 0, why);
	return 0;
}

/* --- keys that are in no cache any more --- */

/* The private file first: what is left of a crash in between is a public key. */
int
key_files_remove(struct key_role *kr, const struct key_zone *kz, const struct keyring_key *have)
{
	static const char *const ends[] = { ".pem", ".private", ".uri", ".key" };
	char file[600], path[KEY_PATH_MAX];
	int rc = 0;

	for (size_t i = 0; i < ARRAY_LEN(ends) && rc == 0; i++) {
		int n = snprintf(file, sizeof(file), "%s%s", have->name, ends[i]);

		if (n < 0 || (size_t)n >= sizeof(file))
			return -ENAMETOOLONG;
		if ((rc = key_zone_path(kr, kz, file, path)) == 0)
			rc = file_remove(path);
	}
	return rc;
}

/* Without a module nothing goes out of a token, and its URI is all that says where the key is. */
static bool
is_out_of_token(struct key_role *kr, const struct key_zone *kz, const struct keyring_key *have)
{
	struct key_token_key *k = key_zone_token(kr, kz, have);

	if (have->uri == NULL || have->priv != NULL)
		return true;
	return k != NULL && key_token_delete(kr->token, k) == 0;
}

/*
 * That it is hidden and not wanted stands on the disk. Its files go before it
 * leaves the state: a crash in between does it again, and never leaves a
 * private key that nobody knows of.
 */
static int
key_delete(struct key_role *kr, struct key_zone *kz, uint32_t number)
{
	const struct keystate_key *k = key_of(kz, number);
	const struct keyring_key *have = k == NULL ? NULL : key_ring_find(kz->ring, k);
	char name[DNAME_STRLEN];
	struct keystate_key gone;
	int rc = 0;

	if (k == NULL)
		return 0;
	gone = *k;
	if (have != NULL && !is_out_of_token(kr, kz, have))
		return 0;		/* the next step comes when it is */
	if (have != NULL)
		rc = key_files_remove(kr, kz, have);
	if (rc == 0)
		rc = keystate_command(&key_life(kz)->state, KS_CMD_DELETED, number, role_now(kr->role));
	if (rc == -EBUSY)
		return 0;
	if (rc < 0) {
		role_log(kr->role, LOG_LEVEL_WARN, "%s: key %u (tag %u) cannot be deleted: %s, ignoring",
		    key_zone_text(kz, name), number, gone.tag, err_str(rc));
		return 0;
	}
	role_log(kr->role, LOG_LEVEL_NOTICE, "%s: key %u (%s, tag %u) is in no cache any more: deleted",
	    key_zone_text(kz, name), number, keystate_role_name(gone.role), gone.tag);
	key_audit(kr, kz, "key-deleted", "", &gone);
	return 1;
}

static int
keys_delete(struct key_role *kr, struct key_zone *kz)
{
	int n = 0;

	for (size_t i = 0; i < key_life(kz)->step.n_actions; i++)
		if (key_life(kz)->step.actions[i].act == KS_ACT_DELETE)
			n += key_delete(kr, kz, key_life(kz)->step.actions[i].key);
	/* Unwritten, it is done once more after the next start. */
	if (n > 0)
		(void)!key_state_write(kr, kz);
	return 0;
}

/* --- eyes --- */

static bool
wait_is_for_eyes(enum ks_wait why)
{
	return why == KS_WAIT_CHILD || why == KS_WAIT_PARENT || why == KS_WAIT_PROOF || why == KS_WAIT_DS_ALARM;
}

/* How soon servers may have followed; 0: nothing is waited for. */
static int64_t
eyes_sec(const struct key_zone *kz)
{
	int64_t sec = 0;

	for (size_t i = 0; i < key_life(kz)->step.n_waits; i++) {
		const struct keystate_wait *w = &key_life(kz)->step.waits[i];
		int64_t one = w->why == KS_WAIT_CHILD ? kz->e->policy.child_propagation :
		    kz->e->policy.parent_propagation;

		if (!wait_is_for_eyes(w->why))
			continue;
		one = max_i64(1, min_i64(one / 4, LOOK_MIN_SEC));
		sec = sec == 0 ? one : min_i64(sec, one);
	}
	return sec;
}

static uint64_t
waits_hash(const struct key_zone *kz)
{
	uint64_t h = 0;

	for (size_t i = 0; i < key_life(kz)->step.n_waits; i++) {
		const struct keystate_wait *w = &key_life(kz)->step.waits[i];
		const uint32_t v[] = { (uint32_t)w->why, (uint32_t)w->record, w->key };

		h = h * 31 + hash_bytes(v, sizeof(v));
	}
	return h;
}

/*
 * Soon after something began to be waited for, later more and more seldom; and
 * never so often that name had more than one zone to look at in a while.
 */
void
key_look_want(struct key_role *kr, struct key_zone *kz)
{
	int64_t now = role_now(kr->role), sec = eyes_sec(kz);
	uint64_t waits = waits_hash(kz);
	struct msg_look_want m = { .zone = { (const char *)kz->e->name.w, kz->e->name.len } };

	if (waits != kz->waits) {
		kz->waits = waits;
		kz->moved = now;
		kz->wanted = 0;
	}
	kr->n_eyes += (kz->ring != NULL && sec > 0) - kz->has_eyes;
	kz->has_eyes = kz->ring != NULL && sec > 0;
	if (key_zone_is_new(kr, kz))
		sec = 1;
	if (sec == 0 || kz->ring == NULL)
		return;
	sec = min_i64(max_i64(sec * kr->n_eyes, (now - kz->moved) / LOOK_PART), LOOK_MAX_SEC);
	/* One is on its way; name may have died with it. */
	if (kz->wanted > kz->looked && now - kz->wanted < 2 * sec + LOOK_MIN_SEC)
		return;
	kz->wanted = now;
	m.seconds = (uint32_t)sec;
	(void)msg_look_want_send(kr->role, ROLE_NAME, &m);
}

/* --- all of it --- */

static void
person_tell(struct key_role *kr, struct key_zone *kz, const struct keystate_action *a)
{
	char name[DNAME_STRLEN];

	if (kz->person_told == a->since)
		return;
	kz->person_told = a->since;
	role_log(kr->role, LOG_LEVEL_WARN, "%s: the DS set at the parent is to be changed by hand: "
	    "sekisho zone status %s", key_zone_text(kz, name), name);
	key_audit(kr, kz, "ds-person-asked", "", NULL);
}

int
key_act(struct key_role *kr, struct key_zone *kz)
{
	bool notify = false, hook = false;

	for (size_t i = 0; i < key_life(kz)->step.n_actions; i++) {
		const struct keystate_action *a = &key_life(kz)->step.actions[i];

		fresh_tell(kr, kz, a);
		if (a->act == KS_ACT_NOTIFY) {
			notify = true;
			if (kz->cds_everywhere)
				demand_run(kr, kz, KEY_HANDED_NOTIFY, a);
		} else if (a->act == KS_ACT_DS_SUBMIT && a->key == 0) {
			hook = true;
			if (key_epp_ready(kr, kz))
				demand_run(kr, kz, KEY_HANDED_HOOK, a);
		} else if (a->act == KS_ACT_TELL)
			person_tell(kr, kz, a);
	}
	if (!notify)
		kz->demands[KEY_HANDED_NOTIFY] = (struct key_demand){ 0 };
	if (!hook)
		kz->demands[KEY_HANDED_HOOK] = (struct key_demand){ 0 };
	key_look_want(kr, kz);
	key_told_soon(kr, kz);
	return keys_delete(kr, kz);
}
