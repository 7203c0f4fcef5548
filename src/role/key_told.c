/*
 * How all keys are, as JSON: for the page, the metrics and alarms (key_told), and
 * for whoever asks (key_show). Texts are msgids; times are seconds since 1970.
 */
#include <errno.h>
#include <string.h>

#include "base/err.h"
#include "base/tr.h"
#include "role/key_role.h"
#include "sys/file.h"
#include "sys/memfd.h"

#define SOON_USEC	200000LL
#define TOLD_USEC	30000000LL	/* who lives anew knows it by then */
#define FAILED_TODO	2		/* a hook that fails once may be a registry that is being served */

static const char refused_text[] = N_("read why the step is refused; wait, mend it, or override it");
static const char alarm_text[] = N_("find out who changed the DS set at the parent: have it put right, or accept it");
static const char hook_text[] = N_("mend the hook for DS changes, or enter the DS set at the registrar");

/* --- records as text --- */

static void
record_json(struct json *j, const struct key_zone *kz, uint16_t type, struct sv rdata)
{
	_cleanup_(buf_done) struct buf b = BUF_INIT;

	dname_print(&b, kz->e->name.w);
	buf_printf(&b, " IN %s ", type == RR_DS ? "DS" : "DNSKEY");
	rdata_print(&b, type, rdata);
	json_sv(j, b.rc == 0 ? buf_get(&b) : (struct sv){ 0 });
}

static void
ds_list(struct json *j, const struct key_zone *kz, const char *name, uint32_t keys)
{
	uint8_t room[DS_RDATA_MAX];

	json_key(j, name);
	json_open(j, '[');
	for (int i = 0; i < KEYSTATE_KEYS_MAX; i++) {
		size_t n = (keys >> i & 1) == 0 ? 0 : key_ds(kz, i, room);

		if (n > 0)
			record_json(j, kz, RR_DS, (struct sv){ (const char *)room, n });
	}
	json_close(j, ']');
}

static void
dnskey_list(struct json *j, const struct key_zone *kz, uint32_t keys)
{
	uint8_t room[DNSKEY_RDATA_MAX];

	json_key(j, "dnskey");
	json_open(j, '[');
	for (int i = 0; i < KEYSTATE_KEYS_MAX; i++) {
		const struct keyring_key *have = key_ring_find(kz->ring, &kz->state.keys[i]);

		if ((keys >> i & 1) == 0)
			continue;
		record_json(j, kz, RR_DNSKEY, have != NULL ? have->rdata : (struct sv){ (const char *)room,
		    key_seen_rdata(&kz->state.keys[i], room, sizeof(room)) });
	}
	json_close(j, ']');
}

/* As fields, for those who enter them one by one. */
static void
ds_want_json(struct json *j, const struct key_zone *kz)
{
	uint8_t room[DS_RDATA_MAX];
	struct ds ds;

	json_key(j, "ds_want");
	json_open(j, '[');
	for (int i = 0; i < KEYSTATE_KEYS_MAX; i++) {
		static const char hex[] = "0123456789ABCDEF";
		char digest[2 * SHA384_LEN];
		size_t n = (kz->state.ds_want >> i & 1) == 0 ? 0 : key_ds(kz, i, room);

		if (n == 0 || ds_parse((struct sv){ (const char *)room, n }, &ds) < 0)
			continue;
		for (size_t k = 0; k < ds.digest.n; k++) {
			digest[2 * k] = hex[(uint8_t)ds.digest.p[k] >> 4];
			digest[2 * k + 1] = hex[(uint8_t)ds.digest.p[k] & 15];
		}
		json_open(j, '{');
		json_kv_u64(j, "tag", ds.tag);
		json_kv_u64(j, "alg", ds.alg);
		json_kv_u64(j, "digest_type", ds.digest_type);
		json_kv_sv(j, "digest", (struct sv){ digest, 2 * ds.digest.n });
		json_close(j, '}');
	}
	json_close(j, ']');
}

/* --- keys --- */

static void
flags_json(struct json *j, uint32_t flags)
{
	static const struct { uint32_t flag; const char *word; } words[] = {
		{ KS_FLAG_REVOKED, "revoked" }, { KS_FLAG_EXTERNAL, "external" }, { KS_FLAG_LOST, "lost" },
		{ KS_FLAG_COMPROMISED, "compromised" }, { KS_FLAG_NO_ROLL, "no-roll" },
		{ KS_FLAG_ASKED, "asked" },
	};

	json_key(j, "flags");
	json_open(j, '[');
	for (size_t i = 0; i < ARRAY_LEN(words); i++)
		if ((flags & words[i].flag) != 0)
			json_str(j, words[i].word);
	json_close(j, ']');
}

static int64_t
retires(const struct key_zone *kz, const struct keystate_key *k)
{
	uint32_t life = policy_lifetime(&kz->e->policy, k->role);

	return life == 0 || k->active == TIME_NEVER || k->goal != KS_GOAL_OMNIPRESENT ||
	    (k->flags & KS_FLAG_EXTERNAL) != 0 ? TIME_NEVER : k->active + life;
}

static const char *
private_of(const struct keyring_key *have)
{
	return have == NULL ? "none" : have->priv != NULL ? "file" : have->uri != NULL ? "token" : "none";
}

static void
key_json(struct json *j, const struct key_zone *kz, const struct keystate_key *k)
{
	static const char *const roles[KS_ROLE_MAX] = { "KSK", "ZSK", "CSK" };
	const struct keyring_key *have = key_ring_find(kz->ring, k);

	json_open(j, '{');
	json_kv_u64(j, "number", k->number);
	json_kv_str(j, "role", roles[k->role]);
	json_kv_u64(j, "alg", k->alg);
	json_kv_u64(j, "tag", k->tag);
	json_kv_u64(j, "bits", k->bits);
	json_kv_str(j, "name", have == NULL ? "" : have->name);
	json_kv_str(j, "goal", keystate_goal_name(k->goal));
	json_kv_i64(j, "created", k->created);
	json_kv_end(j, "active", k->active);
	json_kv_end(j, "retires", retires(kz, k));
	json_kv_bool(j, "backed_up", (k->flags & KS_FLAG_BACKED_UP) != 0);
	flags_json(j, k->flags);
	for (int r = 0; r < KS_REC_MAX; r++) {
		json_key(j, keystate_record_name((enum ks_record)r));
		json_open(j, '[');
		json_str(j, keystate_state_name(k->records[r].state));
		json_i64(j, k->records[r].since);
		json_close(j, ']');
	}
	json_kv_str(j, "private", private_of(have));
	json_close(j, '}');
}

static void
keys_json(struct json *j, const struct key_zone *kz)
{
	json_key(j, "keys");
	json_open(j, '[');
	for (int i = 0; i < KEYSTATE_KEYS_MAX; i++)
		if (kz->state.keys[i].number != 0)
			key_json(j, kz, &kz->state.keys[i]);
	json_close(j, ']');
}

/* --- what is waited for, and what people are to do --- */

static void
key_ref(struct json *j, uint32_t number)
{
	json_key(j, "key");
	if (number == 0)
		json_nil(j);
	else
		json_u64(j, number);
}

static void
waits_json(struct json *j, const struct key_zone *kz)
{
	json_key(j, "waits");
	json_open(j, '[');
	for (size_t i = 0; i < kz->step.n_waits; i++) {
		const struct keystate_wait *w = &kz->step.waits[i];

		json_open(j, '{');
		json_kv_str(j, "why", keystate_wait_text(w->why));
		json_kv_str(j, "record", w->key == 0 ? "" : keystate_record_name(w->record));
		key_ref(j, w->key);
		json_kv_end(j, "until", w->until);
		json_close(j, '}');
	}
	json_close(j, ']');
}

static void
todo_begin(struct json *j, const char *act, const char *text, int64_t since)
{
	json_open(j, '{');
	json_kv_str(j, "act", act);
	json_kv_str(j, "text", text);
	json_kv_i64(j, "since", since);
}

static void
hand_over_json(struct json *j, const struct key_zone *kz, const char *act, const char *text,
    const struct keystate_action *a)
{
	todo_begin(j, act, text, a->since);
	ds_list(j, kz, "ds", a->ds);
	dnskey_list(j, kz, a->ds);
	ds_list(j, kz, "add", a->ds_add);
	ds_list(j, kz, "del", a->ds_del);
	json_close(j, '}');
}

static void
of_key_json(struct json *j, const struct key_zone *kz, const char *act, const struct keystate_action *a)
{
	if (keystate_find(&kz->state, a->key) < 0)	/* done since */
		return;
	todo_begin(j, act, keystate_action_text(a->act), a->since);
	key_ref(j, a->key);
	json_close(j, '}');
}

static void
action_json(struct json *j, const struct key_zone *kz, const struct keystate_action *a)
{
	const struct key_demand *hook = &kz->demands[KEY_HANDED_HOOK];

	if (a->act == KS_ACT_TELL)
		hand_over_json(j, kz, "tell", keystate_action_text(a->act), a);
	else if (a->act == KS_ACT_DS_SUBMIT && a->key == 0 && hook->n_failed >= FAILED_TODO)
		hand_over_json(j, kz, "hook", hook_text, a);
	else if (a->act == KS_ACT_BACKUP)
		of_key_json(j, kz, "backup", a);
	else if (a->act == KS_ACT_DELETE)
		of_key_json(j, kz, "delete", a);
}

static void
todo_json(struct json *j, const struct key_zone *kz)
{
	json_key(j, "todo");
	json_open(j, '[');
	if (kz->refusal.is) {
		todo_begin(j, "override", refused_text, kz->refusal.since);
		json_close(j, '}');
	}
	if (kz->state.ds_alarm) {
		todo_begin(j, "ds-alarm", alarm_text, kz->state.parent_at);
		json_close(j, '}');
	}
	for (size_t i = 0; i < kz->step.n_actions; i++)
		action_json(j, kz, &kz->step.actions[i]);
	json_close(j, ']');
}

/* --- a zone --- */

static void
handed_json(struct json *j, const struct key_zone *kz)
{
	static const char *const names[KEY_HANDED_MAX] = { "notify", "hook" };

	for (size_t i = 0; i < KEY_HANDED_MAX; i++) {
		const struct key_demand *d = &kz->demands[i];

		if (d->since == 0)
			continue;
		json_key(j, names[i]);
		json_open(j, '{');
		json_kv_bool(j, "done", kz->serials.handed[i] == d->since);
		json_kv_u64(j, "failed", d->n_failed);
		json_kv_str(j, "why", d->why);
		json_close(j, '}');
	}
}

static void
life_json(struct json *j, const struct key_zone *kz)
{
	const struct keystate *st = &kz->state;

	json_kv_bool(j, "unproven", st->unproven);
	json_kv_bool(j, "held", kz->step.held || kz->refusal.is);
	json_kv_bool(j, "hold", st->hold);
	json_kv_bool(j, "ds_alarm", st->ds_alarm);
	json_kv_bool(j, "refused", kz->refusal.is);
	if (kz->refusal.is)
		json_kv_str(j, "story", kz->refusal.story);
	ds_want_json(j, kz);
	json_kv_bool(j, "ds_done", st->ds_done);
	json_kv_i64(j, "ds_since", st->ds_since);
	json_kv_i64(j, "parent_seen", st->parent_at);
	json_kv_i64(j, "child_seen", st->child_at);
	json_kv_u64(j, "doubtful_servers", kz->n_doubt);
	json_kv_end(j, "next", kz->step.next);
	json_kv_str(j, "next_why", kz->step.next == TIME_NEVER ? "" : keystate_wait_text(kz->step.next_why));
	handed_json(j, kz);
	keys_json(j, kz);
	waits_json(j, kz);
	todo_json(j, kz);
}

/* Why a token does not serve this zone's keys at the moment; one reason is enough. */
static void
token_json(struct json *j, struct key_role *kr, const struct key_zone *kz)
{
	const char *why;

	for (size_t i = 0; kz->ring != NULL && i < keyring_n(kz->ring); i++) {
		enum key_token_state t = key_zone_token_state(kr, kz, keyring_get(kz->ring, i), &why);

		if (t != KEY_TOKEN_AWAY && t != KEY_TOKEN_BAD)
			continue;
		json_kv_str(j, "token", why);
		return;
	}
}

static void
zone_json(struct json *j, struct key_role *kr, const struct key_zone *kz)
{
	static const char *const states[KEY_SET_STATE_MAX] = { "ready", "waits", "cannot", "ready" };
	enum key_set_state s = kz->set == NULL ? KEY_SET_CANNOT : kz->set->state;
	char name[DNAME_STRLEN];

	json_open(j, '{');
	json_kv_str(j, "zone", key_zone_text(kz, name));
	json_kv_str(j, "state", states[s]);
	json_kv_bool(j, "unsigned", s == KEY_SET_UNSIGNED);
	json_kv_str(j, "why", kz->set == NULL ? "" : kz->set->why);
	token_json(j, kr, kz);
	if (kz->ring != NULL)
		life_json(j, kz);
	json_close(j, '}');
}

/* only: NULL for all. */
static void
zones_json(struct json *j, struct key_role *kr, const struct key_zone *only)
{
	json_open(j, '{');
	json_key(j, "zones");
	json_open(j, '[');
	for (size_t i = 0; i < kr->list.n; i++)
		if (only == NULL || only == &kr->zones[i])
			zone_json(j, kr, &kr->zones[i]);
	json_close(j, ']');
	json_close(j, '}');
}

/* --- the frames --- */

int
key_on_show(struct role *r, enum role_id from UNUSED, void *msg)
{
	_cleanup_(buf_done) struct buf b = BUF_INIT;
	const struct msg_key_show *m = msg;
	struct json j = json_on(&b, false);
	struct msg_key_shown a = { .req = m->req };
	struct key_zone *only = NULL;
	struct dname name;
	int rc;

	if (m->zone.n > 0 && dname_parse(m->zone, NULL, &name) == 0)
		only = key_zone_find(r->state, &name);
	if (m->zone.n > 0 && only == NULL) {
		a.code = 1;
		buf_str(&b, "{}");
	} else
		zones_json(&j, r->state, only);
	rc = b.rc < 0 ? b.rc : memfd_of("keys", buf_get(&b), &a.json);
	if (rc < 0)
		return rc;
	rc = msg_key_shown_send(r, ROLE_PARENT, &a);
	fd_close(&a.json);
	return rc;
}

void
key_told_soon(struct key_role *kr)
{
	if (kr->told_timer != NULL)
		(void)loop_timer_set(kr->told_timer, SOON_USEC);
}

void
key_told_timer(void *arg)
{
	static const enum role_id to[] = { ROLE_WEB, ROLE_STORE };
	_cleanup_(buf_done) struct buf b = BUF_INIT;
	struct key_role *kr = arg;
	struct json j = json_on(&b, false);
	struct msg_key_told m;

	(void)loop_timer_set(kr->told_timer, TOLD_USEC);
	zones_json(&j, kr, NULL);
	if (b.rc < 0 || memfd_of("keys", buf_get(&b), &m.json) < 0)
		return;
	for (size_t i = 0; i < ARRAY_LEN(to); i++)
		(void)msg_key_told_send(kr->role, to[i], &m);
	fd_close(&m.json);
}
