/* The keys of a zone as JSON (app/key_told.h). */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "app/key_seen.h"
#include "app/key_told.h"
#include "base/tr.h"
#include "base/base64.h"
#include "dnssec/dnssec.h"
#include "dnssec/intake.h"
#include "sys/file.h"

#define DIGEST		2	/* SHA-256: what every parent takes (RFC 9904), to compare by */
#define POOL_MAX	((size_t)1 << 20)
#define PATH_LEN_MAX	4700
#define FAILED_TODO	2	/* a hook that fails once may be a registry that is being served */

static const char refused_text[] = N_("read why the step is refused; wait, mend it, or override it");
static const char alarm_text[] = N_("find out who changed the DS set at the parent: have it put right, or accept it");
static const char hook_text[] = N_("mend the hook for DS changes, or enter the DS set at the registrar");

/* --- records as text --- */

static void
record_put(struct json *j, const struct dname *zone, uint16_t type, struct sv rdata)
{
	_cleanup_(buf_done) struct buf b = BUF_INIT;

	dname_print(&b, zone->w);
	buf_str(&b, type == RR_DS ? " IN DS " : " IN DNSKEY ");
	rdata_print(&b, type, rdata);
	json_sv(j, buf_get(&b));
}

/* Flags are the record's: a single key may have been imported without the SEP flag. */
static const struct keyring_key *
ring_find(const struct keyring *ring, const struct keystate_key *k)
{
	struct sv public = { (const char *)k->public_key, k->public_len };
	struct dnskey d;

	for (size_t i = 0; ring != NULL && i < keyring_n(ring); i++)
		if (dnskey_parse(keyring_get(ring, i)->rdata, &d) == 0 && d.alg == k->alg &&
		    sv_eq(d.public_key, public))
			return keyring_get(ring, i);
	return NULL;
}

static struct sv
rdata_of(const struct key_told *kt, const struct keystate_key *k, uint8_t dst[static DNSKEY_RDATA_MAX])
{
	const struct keyring_key *have = ring_find(kt->ring, k);

	if (have != NULL)
		return have->rdata;
	return (struct sv){ (const char *)dst, key_seen_rdata(k, dst, DNSKEY_RDATA_MAX) };
}

/* A DS of each digest type of the policy. */
static void
ds_put(struct json *j, const struct key_told *kt, struct sv key)
{
	unsigned digests = policy_ds_digests(kt->policy);
	uint8_t ds[DS_RDATA_MAX];
	size_t n;

	for (unsigned type = 1; type < 32; type++)
		if ((digests >> type & 1) != 0 && ds_write(kt->zone, key, (uint8_t)type, ds, &n) == 0)
			record_put(j, kt->zone, RR_DS, (struct sv){ (const char *)ds, n });
}

/* "ds", "key", "" where it takes both or nobody knows; and whose word that is. */
static void
form_put(struct json *j, const struct key_told *kt)
{
	const struct intake_registry *r = intake_registry_find(kt->zone);
	unsigned forms = intake_registry_forms(r, kt->policy->ds_interface);

	json_kv_str(j, "form", forms == INTAKE_FORM_DS ? "ds" : forms == INTAKE_FORM_KEY ? "key" : "");
	json_kv_str(j, "registry", kt->policy->ds_interface == POLICY_DS_REGISTRY ? r->tld : "");
}

/* The records of some keys, by their places. */
static void
records_put(struct json *j, const char *name, const struct key_told *kt, uint16_t type, uint32_t places)
{
	uint8_t key[DNSKEY_RDATA_MAX];

	json_key(j, name);
	json_open(j, '[');
	for (int i = 0; i < KEYSTATE_KEYS_MAX; i++) {
		struct sv rdata;

		if ((places & UINT32_C(1) << i) == 0 || kt->st->keys[i].number == 0)
			continue;
		rdata = rdata_of(kt, &kt->st->keys[i], key);
		if (type == RR_DNSKEY)
			record_put(j, kt->zone, type, rdata);
		else
			ds_put(j, kt, rdata);
	}
	json_close(j, ']');
}

static void
ds_want_put(struct json *j, const struct key_told *kt)
{
	uint8_t key[DNSKEY_RDATA_MAX], out[DS_RDATA_MAX];
	char hex[2 * SHA384_LEN + 1], letters[(CRYPTO_DNSKEY_MAX + 2) / 3 * 4];
	struct dnskey d;
	struct ds ds;
	size_t n;

	json_key(j, "ds_want");
	json_open(j, '[');
	for (int i = 0; i < KEYSTATE_KEYS_MAX; i++) {
		struct sv rdata;

		if ((kt->st->ds_want & UINT32_C(1) << i) == 0)
			continue;
		rdata = rdata_of(kt, &kt->st->keys[i], key);
		if (ds_write(kt->zone, rdata, DIGEST, out, &n) < 0 ||
		    ds_parse((struct sv){ (const char *)out, n }, &ds) < 0 || dnskey_parse(rdata, &d) < 0 ||
		    d.public_key.n > CRYPTO_DNSKEY_MAX)
			continue;
		for (size_t k = 0; k < ds.digest.n; k++)
			(void)snprintf(hex + 2 * k, 3, "%02X", (unsigned char)ds.digest.p[k]);
		json_open(j, '{');
		json_kv_u64(j, "tag", ds.tag);
		json_kv_u64(j, "alg", ds.alg);
		json_kv_u64(j, "digest_type", ds.digest_type);
		json_kv_str(j, "digest", hex);
		json_kv_u64(j, "flags", d.flags);
		json_kv_sv(j, "public_key", (struct sv){ letters,
		    base64_encode(letters, d.public_key.p, d.public_key.n) });
		json_close(j, '}');
	}
	json_close(j, ']');
}

/* --- keys --- */

static void
flags_put(struct json *j, uint32_t flags)
{
	static const struct {
		uint32_t	 flag;
		const char	*name;
	} rows[] = {
		{ KS_FLAG_REVOKED, "revoked" }, { KS_FLAG_EXTERNAL, "external" }, { KS_FLAG_LOST, "lost" },
		{ KS_FLAG_COMPROMISED, "compromised" }, { KS_FLAG_NO_ROLL, "no-roll" }, { KS_FLAG_ASKED, "asked" },
	};

	json_key(j, "flags");
	json_open(j, '[');
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		if ((flags & rows[i].flag) != 0)
			json_str(j, rows[i].name);
	json_close(j, ']');
}

static int64_t
retires(const struct dnssec_policy *p, const struct keystate_key *k)
{
	uint32_t life = policy_lifetime(p, k->role);

	if (k->end != 0 && k->goal == KS_GOAL_OMNIPRESENT)
		return k->end;
	return life == 0 || k->active == TIME_NEVER || k->goal != KS_GOAL_OMNIPRESENT ||
	    (k->flags & KS_FLAG_EXTERNAL) != 0 ? TIME_NEVER : k->active + life;
}

static const char *
private_of(const struct keyring_key *have)
{
	return have == NULL ? "none" : have->priv != NULL ? "file" : have->uri != NULL ? "token" : "none";
}

static void
key_put(struct json *j, const struct key_told *kt, const struct keystate_key *k)
{
	static const char *const roles[KS_ROLE_MAX] = { "KSK", "ZSK", "CSK" };
	const struct keyring_key *have = ring_find(kt->ring, k);

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
	json_kv_end(j, "retires", retires(kt->policy, k));
	json_kv_bool(j, "backed_up", (k->flags & KS_FLAG_BACKED_UP) != 0);
	flags_put(j, k->flags);
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
keys_put(struct json *j, const struct key_told *kt)
{
	json_key(j, "keys");
	json_open(j, '[');
	for (int i = 0; i < KEYSTATE_KEYS_MAX; i++)
		if (kt->st->keys[i].number != 0)
			key_put(j, kt, &kt->st->keys[i]);
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

/*
 * What is stopped before the parent was seen, or because the proof refuses it, is stopped as by an
 * operator's hold; but no operator could release it. Of a refusal the story tells.
 */
static const char *
wait_text(const struct key_told *kt, enum ks_wait why)
{
	return keystate_wait_text(why == KS_WAIT_OPERATOR && !kt->st->hold ? KS_WAIT_PROOF : why);
}

static void
waits_put(struct json *j, const struct key_told *kt)
{
	json_key(j, "waits");
	json_open(j, '[');
	for (size_t i = 0; i < kt->step->n_waits; i++) {
		const struct keystate_wait *w = &kt->step->waits[i];

		if (w->why == KS_WAIT_OPERATOR && kt->story != NULL && !kt->st->hold)
			continue;
		json_open(j, '{');
		json_kv_str(j, "why", wait_text(kt, w->why));
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
hand_over_put(struct json *j, const struct key_told *kt, const char *act, const char *text,
    const struct keystate_action *a)
{
	todo_begin(j, act, text, a->since);
	form_put(j, kt);
	records_put(j, "ds", kt, RR_DS, a->ds);
	records_put(j, "dnskey", kt, RR_DNSKEY, a->ds);
	/*
	 * Beside a stronger digest of a key that is not in use yet, the weaker one of the key that is
	 * counts for nothing (RFC 4509 section 3): each key gets all of them, the old ones first.
	 */
	records_put(j, "add", kt, RR_DS, policy_ds_digests(kt->policy) == 1u << DIGEST ? a->ds_add : a->ds);
	records_put(j, "del", kt, RR_DS, a->ds_del);
	records_put(j, "add_keys", kt, RR_DNSKEY, a->ds_add);
	records_put(j, "del_keys", kt, RR_DNSKEY, a->ds_del);
	json_close(j, '}');
}

static void
of_key_put(struct json *j, const struct key_told *kt, const char *act, const struct keystate_action *a)
{
	if (keystate_find(kt->st, a->key) < 0)	/* done since */
		return;
	todo_begin(j, act, keystate_action_text(a->act), a->since);
	key_ref(j, a->key);
	json_close(j, '}');
}

static bool
hook_fails(const struct key_told *kt)
{
	for (size_t i = 0; i < kt->n_handed; i++)
		if (sv_eq(sv_str(kt->handed[i].name), SV("hook")))
			return kt->handed[i].n_failed >= FAILED_TODO;
	return false;
}

static void
action_put(struct json *j, const struct key_told *kt, const struct keystate_action *a)
{
	if (a->act == KS_ACT_TELL)
		hand_over_put(j, kt, "tell", keystate_action_text(a->act), a);
	else if (a->act == KS_ACT_DS_SUBMIT && a->key == 0 && hook_fails(kt))
		hand_over_put(j, kt, "hook", hook_text, a);
	else if (a->act == KS_ACT_BACKUP)
		of_key_put(j, kt, "backup", a);
	else if (a->act == KS_ACT_DELETE)
		of_key_put(j, kt, "delete", a);
}

static void
todo_put(struct json *j, const struct key_told *kt)
{
	json_key(j, "todo");
	json_open(j, '[');
	if (kt->story != NULL) {
		todo_begin(j, "override", refused_text, kt->refused_since);
		json_close(j, '}');
	}
	if (kt->st->ds_alarm) {
		todo_begin(j, "ds-alarm", alarm_text, kt->st->parent_at);
		json_close(j, '}');
	}
	for (size_t i = 0; i < kt->step->n_actions; i++)
		action_put(j, kt, &kt->step->actions[i]);
	json_close(j, ']');
}

/* --- a zone --- */

static void
handed_put(struct json *j, const struct key_told_handed *h)
{
	if (h->since == 0)
		return;
	json_key(j, h->name);
	json_open(j, '{');
	json_kv_bool(j, "done", h->done);
	json_kv_u64(j, "failed", h->n_failed);
	json_kv_str(j, "why", h->why);
	json_close(j, '}');
}

static void
life_put(struct json *j, const struct key_told *kt)
{
	const struct keystate *st = kt->st;

	json_kv_bool(j, "unproven", st->unproven);
	json_kv_bool(j, "held", kt->step->held || kt->story != NULL);
	json_kv_bool(j, "hold", st->hold);
	json_kv_bool(j, "ds_alarm", st->ds_alarm);
	json_kv_bool(j, "refused", kt->story != NULL);
	if (kt->story != NULL) {
		json_kv_str(j, "story", kt->story);
		json_kv_str(j, "story_ja", kt->story_ja);
	}
	form_put(j, kt);
	json_kv_u64(j, "digests", policy_ds_digests(kt->policy));
	ds_want_put(j, kt);
	json_kv_bool(j, "ds_done", st->ds_done);
	json_kv_i64(j, "ds_since", st->ds_since);
	json_kv_i64(j, "parent_seen", st->parent_at);
	json_kv_i64(j, "child_seen", st->child_at);
	json_kv_u64(j, "doubtful_servers", kt->n_doubt);
	json_kv_end(j, "next", kt->step->next);
	json_kv_str(j, "next_why", kt->step->next == TIME_NEVER ? "" : wait_text(kt, kt->step->next_why));
	for (size_t i = 0; i < kt->n_handed; i++)
		handed_put(j, &kt->handed[i]);
	keys_put(j, kt);
	waits_put(j, kt);
	todo_put(j, kt);
}

void
key_told_json(struct json *j, const struct key_told *kt)
{
	char name[DNAME_STRLEN];

	json_open(j, '{');
	json_kv_str(j, "zone", dname_str(kt->zone, name));
	json_kv_str(j, "state", kt->state);
	json_kv_bool(j, "unsigned", kt->is_unsigned);
	json_kv_str(j, "why", kt->why);
	if (kt->token != NULL)
		json_kv_str(j, "token", kt->token);
	if (kt->st != NULL)
		life_put(j, kt);
	json_close(j, '}');
}

/* --- from files --- */

static int
state_read(const char *folder, struct findings *fs, struct keystate *ret)
{
	char path[PATH_LEN_MAX];
	unsigned line;
	struct sv text;
	int rc;

	(void)snprintf(path, sizeof(path), "%s/state", folder);
	if ((rc = file_read(fs->pool, FILE_CWD, path, KEYSTATE_TEXT_MAX, &text)) < 0)
		return rc;
	return keystate_parse(text, ret, &line, fs);
}

/*
 * What the service would say: at the last time that it knew, as nothing has moved since. A copy
 * is asked; the file stays as it is.
 */
static const char *
step_at_end(struct keystate *st, const struct dnssec_policy *policy, struct findings *fs,
    struct keystate_step *ret)
{
	const struct keystate_observations nobody = { 0 };

	if (keystate_next(st, policy, &nobody, st->now, fs, ret) < 0)
		return "cannot";
	return ret->pub.valid && ret->pub.dnskey_sigs != 0 && ret->pub.zone_sigs != 0 ? "ready" : "waits";
}

int
key_told_files(const char *folder, const struct dname *zone, const struct dnssec_policy *policy,
    struct json *j)
{
	_cleanup_(pool_freep) struct pool *pool = pool_new(POOL_MAX);
	_cleanup_(keyring_freep) struct keyring *ring = NULL;
	struct keystate_step step = { .next = TIME_NEVER };
	struct keystate st;
	struct findings fs;
	struct key_told kt = { .zone = zone, .why = "", .st = &st, .step = &step, .policy = policy };
	int rc;

	if (pool == NULL)
		return -ENOMEM;
	findings_init(&fs, pool);
	if ((rc = state_read(folder, &fs, &st)) < 0)
		return rc;
	if ((rc = keyring_read(folder, zone, &fs, &ring)) < 0)
		return rc;
	kt.ring = ring;
	kt.state = step_at_end(&st, policy, &fs, &step);
	json_open(j, '{');
	json_key(j, "zones");
	json_open(j, '[');
	key_told_json(j, &kt);
	json_close(j, ']');
	json_close(j, '}');
	return 0;
}
