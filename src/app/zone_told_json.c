/* What holds of a zone in one word, and all of it as JSON for the page. */
#include "app/zone_told.h"

#include <stdio.h>
#include <string.h>

static const char *const state_words[TOLD_STATE_MAX] = {
	[TOLD_EXPIRED] = "expired", [TOLD_DOWN] = "down", [TOLD_CANNOT] = "cannot",
	[TOLD_KEPT] = "kept", [TOLD_ACT] = "act", [TOLD_WAITS] = "waits", [TOLD_GOOD] = "good",
};
static const char *const life_words[TOLD_LIFE_MAX] = {
	[TOLD_KEY_WAITING] = "waiting", [TOLD_KEY_COMING] = "coming", [TOLD_KEY_STANDBY] = "standby",
	[TOLD_KEY_ACTIVE] = "active", [TOLD_KEY_LEAVING] = "leaving", [TOLD_KEY_GONE] = "gone",
};

const char *
told_state_word(enum told_state s)
{
	return state_words[s];
}

const char *
told_life_word(enum told_life l)
{
	return life_words[l];
}

/* --- judging --- */

bool
told_is_urgent(const struct told_todo *t)
{
	return strcmp(t->act, "delete") != 0;
}

bool
told_is_handover(const struct told_todo *t)
{
	return strcmp(t->act, "tell") == 0 || t->ds.n + t->dnskey.n + t->add.n + t->del.n > 0;
}

static const struct told_todo *
first_urgent(const struct told_zone *z)
{
	for (size_t i = 0; i < z->n_todo; i++)
		if (told_is_urgent(&z->todo[i]))
			return &z->todo[i];
	return NULL;
}

/*
 * A zone that waits for its first backup is not "down": nothing is broken, and
 * what is to be done comes first.
 */
enum told_state
told_state(const struct told_zone *z, int64_t now)
{
	bool cannot = strcmp(z->keys_state, "cannot") == 0 || z->token[0] != '\0';
	bool act = first_urgent(z) != NULL || z->ds_alarm;

	if (z->served && z->horizon != TOLD_NONE && z->horizon <= now)
		return TOLD_EXPIRED;
	if (cannot)
		return TOLD_CANNOT;
	if (z->by_zone && !z->served && z->why[0] != '\0' && strcmp(z->keys_state, "waits") != 0)
		return TOLD_DOWN;
	if (z->served && !z->good)
		return TOLD_KEPT;
	if (act)
		return TOLD_ACT;
	if (!z->by_zone || !z->served || strcmp(z->keys_state, "waits") == 0)
		return TOLD_WAITS;
	return TOLD_GOOD;
}

/* --- words --- */

/* What the roles say begins with one of these; what follows is a file, a system's word, a tag. */
static const char *const whys[] = {
	N_("its zone file is not there"),
	N_("the zone file cannot be read"),
	N_("the zone file has errors"),
	N_("the zone could not be signed"),
	N_("the zone cannot be signed so"),
	N_("the signed zone could not be verified"),
	N_("validators would reject the signed zone"),
	N_("it could not be published"),
	N_("no primary gives the zone"),
	N_("its primaries have not answered for longer than the SOA's expire"),
	N_("what was fetched last is signed and served on"),
	N_("the zone that was transferred has errors"),
	N_("what was kept of it cannot be read"),
	N_("no memory for what is to be stored"),
	N_("what is in service does not hold any more"),
	N_("no keys"),
	N_("its parent is to be seen first, which may have DS records of other keys (without a network: dns.look-interval: 0)"),
	N_("no key may be used yet"),
	N_("its keys are to be backed up first (or backup-required: no in its policy)"),
	N_("its folder"),
	N_("its keys"),
	N_("its policy"),
	N_("the probe of its keys"),
	N_("the state of its keys"),
	N_("see the log"),
	N_("its keys have changed meanwhile"),
	N_("the key role did not answer"),
	N_("the key role refused"),
	N_("the token has not answered yet"),
	N_("it is in a token, and dns.pkcs11.module is not set"),
	N_("a key is being made in the token"),
	N_("the servers of the zone and of its parent are to be seen first: what they have is taken over"),
};

static size_t
why_length(const char *said, const char *msgid)
{
	size_t n = strlen(msgid);

	return strncmp(said, msgid, n) == 0 && (said[n] == '\0' || said[n] == ':') ? n : 0;
}

/* "A: B", each translated if it is known. */
static void
why_print(struct buf *b, const char *said, enum lang lang)
{
	const char *found = NULL;
	size_t n = 0;

	for (size_t i = 0; i < ARRAY_LEN(whys) && found == NULL; i++)
		if ((n = why_length(said, whys[i])) > 0)
			found = whys[i];
	if (found == NULL) {
		buf_str(b, tr(lang, said));
		return;
	}
	buf_str(b, tr(lang, found));
	if (said[n] == ':' && said[n + 1] == ' ') {
		buf_str(b, lang == LANG_JA ? "：" : ": ");
		why_print(b, said + n + 2, lang);
	}
}

void
told_said(struct buf *b, const char *said, enum lang lang)
{
	why_print(b, said, lang);
}

void
told_why(struct buf *b, const struct told_zone *z, enum lang lang)
{
	bool keys = z->keys_why[0] != '\0' && strcmp(z->keys_state, "ready") != 0;

	if (z->why[0] != '\0')
		why_print(b, z->why, lang);
	else if (keys)
		why_print(b, z->keys_why, lang);
	else
		why_print(b, z->token, lang);
}

/* --- JSON --- */

static void
kv_time(struct json *j, const char *key, int64_t t)
{
	json_kv_end(j, key, t == TOLD_NONE ? TIME_NEVER : t);
}

static void
kv_lines(struct json *j, const char *key, const struct told_lines *l)
{
	json_key(j, key);
	json_open(j, '[');
	for (size_t i = 0; i < l->n; i++)
		json_str(j, l->v[i]);
	json_close(j, ']');
}

static void
key_json(struct json *j, const struct told_key *k)
{
	json_open(j, '{');
	json_kv_str(j, "role", k->role);
	json_kv_str(j, "name", k->name);
	kv_time(j, "number", k->number);
	kv_time(j, "alg", k->alg);
	kv_time(j, "tag", k->tag);
	kv_time(j, "bits", k->bits);
	json_kv_str(j, "life", told_life_word(k->life));
	json_kv_str(j, "goal", k->goal);
	kv_time(j, "created", k->created);
	kv_time(j, "active", k->active);
	kv_time(j, "retires", k->retires);
	json_kv_bool(j, "backed_up", k->backed_up);
	json_kv_str(j, "private", k->kept);
	kv_lines(j, "flags", &k->flags);
	for (int r = 0; r < TOLD_RECORD_MAX; r++) {
		json_key(j, told_record_word((enum told_record)r));
		json_open(j, '[');
		json_str(j, k->records[r].state);
		if (k->records[r].since == TOLD_NONE)
			json_nil(j);
		else
			json_i64(j, k->records[r].since);
		json_close(j, ']');
	}
	json_close(j, '}');
}

static void
wait_json(struct json *j, const struct told_wait *w, enum lang lang)
{
	json_open(j, '{');
	json_kv_str(j, "text", tr(lang, w->why));
	json_kv_str(j, "record", w->record);
	json_kv_str(j, "key", w->key);
	kv_time(j, "until", w->until);
	json_close(j, '}');
}

static void
todo_json(struct json *j, const struct told_todo *t, enum lang lang)
{
	json_open(j, '{');
	json_kv_str(j, "act", t->act);
	json_kv_str(j, "text", tr(lang, t->text));
	json_kv_str(j, "key", t->key);
	json_kv_bool(j, "urgent", told_is_urgent(t));
	kv_time(j, "since", t->since);
	kv_lines(j, "ds", &t->ds);
	kv_lines(j, "dnskey", &t->dnskey);
	kv_lines(j, "add", &t->add);
	kv_lines(j, "del", &t->del);
	json_close(j, '}');
}

static void
lists_json(struct json *j, const struct told_zone *z, enum lang lang)
{
	json_key(j, "keys");
	json_open(j, '[');
	for (size_t i = 0; i < z->n_keys; i++)
		key_json(j, &z->keys[i]);
	json_close(j, ']');
	json_key(j, "waits");
	json_open(j, '[');
	for (size_t i = 0; i < z->n_waits; i++)
		wait_json(j, &z->waits[i], lang);
	json_close(j, ']');
	json_key(j, "todo");
	json_open(j, '[');
	for (size_t i = 0; i < z->n_todo; i++)
		todo_json(j, &z->todo[i], lang);
	json_close(j, ']');
}

static void
why_json(struct json *j, const struct told_zone *z, enum lang lang)
{
	_cleanup_(buf_done) struct buf b = BUF_INIT;

	told_why(&b, z, lang);
	if (b.rc == 0)
		json_kv_sv(j, "why", buf_get(&b));
	kv_time(j, "why_since", z->why[0] == '\0' ? TOLD_NONE : z->why_since);
}

/* Without a date: what all of it waits for, or the first of its keys. */
static const char *
next_why(const struct told_zone *z)
{
	if (z->next_why[0] != '\0' || z->n_waits == 0)
		return z->next_why;
	for (size_t i = 0; i < z->n_waits; i++)
		if (z->waits[i].key[0] == '\0' && z->waits[i].until == TOLD_NONE)
			return z->waits[i].why;
	return z->waits[0].why;
}

const char *
told_story(const struct told_zone *z, enum lang lang)
{
	return lang == LANG_JA && z->story_ja[0] != '\0' ? z->story_ja : z->story;
}

void
told_json(struct json *j, const struct told_zone *z, int64_t now, bool all, enum lang lang)
{
	const struct told_todo *t = first_urgent(z);

	json_kv_str(j, "zone", z->name);
	json_kv_str(j, "state", told_state_word(told_state(z, now)));
	json_kv_bool(j, "served", z->served);
	why_json(j, z, lang);
	kv_time(j, "serial", z->serial);
	kv_time(j, "serial_in", z->serial_in);
	kv_time(j, "next_signing", z->next_signing);
	kv_time(j, "horizon", z->horizon);
	json_kv_u64(j, "signatures", z->signatures);
	json_kv_u64(j, "refusals", z->refusals);
	json_kv_str(j, "keys_state", z->keys_state);
	json_kv_bool(j, "unproven", z->unproven);
	json_kv_bool(j, "held", z->held);
	json_kv_bool(j, "hold", z->hold);
	json_kv_bool(j, "refused", z->refused);
	json_kv_str(j, "story", told_story(z, lang));
	json_kv_bool(j, "ds_done", z->ds_done);
	json_kv_bool(j, "ds_alarm", z->ds_alarm);
	kv_time(j, "ds_since", z->ds_since);
	kv_time(j, "parent_seen", z->parent_seen);
	kv_time(j, "child_seen", z->child_seen);
	kv_time(j, "next", z->next);
	json_kv_str(j, "next_why", tr(lang, next_why(z)));
	json_kv_str(j, "to_do", t == NULL ? "" : tr(lang, t->text));
	json_kv_u64(j, "n_todo", z->n_todo);
	json_kv_u64(j, "n_keys", z->n_keys);
	if (all)
		lists_json(j, z, lang);
}
