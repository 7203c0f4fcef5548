/* From the two documents to the list: everything of the right type, nothing longer than its limit. */
#include "app/zone_told.h"

#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#define TIME_LAST	INT64_C(253402300799)	/* the end of 9999 */
#define POOL_MAX	((size_t)48 << 20)	/* both documents, their structures, and slack */

static const char *const refusal_words[TOLD_REFUSAL_MAX] = { "source", "signing", "audit" };
static const char *const record_words[TOLD_RECORD_MAX] = { "dnskey", "keysig", "zonesig", "ds" };

const char *
told_refusal_word(enum told_refusal r)
{
	return refusal_words[r];
}

const char *
told_record_word(enum told_record r)
{
	return record_words[r];
}

/* --- members, forgiving --- */

/* Cut between characters; "" where it is no text. */
static const char *
text_of(struct pool *pool, const json_t *v)
{
	struct sv s = sv_str(json_string_value(v)), cut = { s.p, 0 };
	const char *copy;

	if (s.n <= TOLD_STR_MAX)
		cut = s;
	while (cut.n < s.n && cut.n < TOLD_STR_MAX - 4)
		cut.n += max_size(utf8_len(sv_skip(s, cut.n)), 1);
	copy = cut.n == 0 ? NULL : pool_sv(pool, cut).p;
	return copy == NULL ? "" : copy;
}

static const char *
text(struct pool *pool, const json_t *o, const char *key)
{
	return text_of(pool, json_object_get(o, key));
}

/* Times and numbers: none is negative. What never comes is none, too. */
static int64_t
number(const json_t *o, const char *key)
{
	const json_t *v = json_object_get(o, key);
	json_int_t n = json_is_integer(v) ? json_integer_value(v) : -1;

	return n < 0 || n == INT64_MAX ? TOLD_NONE : n;
}

static uint64_t
count(const json_t *o, const char *key)
{
	int64_t n = number(o, key);

	return n < 0 ? 0 : (uint64_t)n;
}

static bool
is_true(const json_t *o, const char *key)
{
	return json_is_true(json_object_get(o, key));
}

/* "Never seen" is 0 there; a calendar has four digits for a year. */
static int64_t
moment(const json_t *o, const char *key)
{
	int64_t n = number(o, key);

	return n == 0 || n > TIME_LAST ? TOLD_NONE : n;
}

static struct told_lines
lines(struct pool *pool, const json_t *o, const char *key)
{
	const json_t *list = json_object_get(o, key);
	size_t n = min_size(json_is_array(list) ? json_array_size(list) : 0, TOLD_LINES_MAX);
	struct told_lines l = { n == 0 ? NULL : pool_calloc(pool, n, sizeof(*l.v)), 0 };

	for (size_t i = 0; l.v != NULL && i < n; i++)
		if (json_is_string(json_array_get(list, i)))
			l.v[l.n++] = text_of(pool, json_array_get(list, i));
	return l;
}

/* Objects of a list, room for as many; NULL: none. */
static void *
room(struct pool *pool, const json_t *list, size_t max, size_t size, size_t *ret_n)
{
	void *v;

	*ret_n = min_size(json_is_array(list) ? json_array_size(list) : 0, max);
	v = *ret_n == 0 ? NULL : pool_calloc(pool, *ret_n, size);
	if (v == NULL)
		*ret_n = 0;
	return v;
}

/* --- keys --- */

static bool
lines_have(const struct told_lines *l, const char *word)
{
	for (size_t i = 0; i < l->n; i++)
		if (strcmp(l->v[i], word) == 0)
			return true;
	return false;
}

/* ["omnipresent", since] */
static void
records_read(struct pool *pool, const json_t *o, struct told_key *k)
{
	static const char *const states[] = { "hidden", "rumoured", "omnipresent", "unretentive" };

	for (int r = 0; r < TOLD_RECORD_MAX; r++) {
		const json_t *pair = json_object_get(o, record_words[r]);
		const char *said = text_of(pool, json_array_get(pair, 0));
		const json_t *since = json_array_get(pair, 1);

		k->records[r].state = states[0];
		for (size_t i = 0; i < ARRAY_LEN(states); i++)
			if (strcmp(said, states[i]) == 0)
				k->records[r].state = states[i];
		k->records[r].since = json_is_integer(since) && json_integer_value(since) > 0 ?
		    json_integer_value(since) : TOLD_NONE;
	}
}

/* Which records a key has by its role: a ZSK has no DS, a KSK signs no data. */
static bool
has_record(const struct told_key *k, int record)
{
	if (strcmp(k->role, "KSK") == 0)
		return record != TOLD_ZONESIG;
	if (strcmp(k->role, "ZSK") == 0)
		return record == TOLD_DNSKEY || record == TOLD_ZONESIG;
	return true;
}

static enum told_life
life_of(const struct told_key *k)
{
	bool hides = strcmp(k->goal, "hidden") == 0;
	unsigned n = 0, hidden = 0, everywhere = 0, leaving = 0;

	for (int r = 0; r < TOLD_RECORD_MAX; r++) {
		if (!has_record(k, r))
			continue;
		n++;
		hidden += k->records[r].state[0] == 'h';
		everywhere += k->records[r].state[0] == 'o';
		leaving += k->records[r].state[0] == 'u';
	}
	if (hidden == n)
		return hides ? TOLD_KEY_GONE : TOLD_KEY_WAITING;
	if (leaving > 0 || hides)
		return TOLD_KEY_LEAVING;
	if (everywhere == n)
		return TOLD_KEY_ACTIVE;
	return strcmp(k->goal, "standby") == 0 ? TOLD_KEY_STANDBY : TOLD_KEY_COMING;
}

static const char *
role_of(const char *said)
{
	static const char *const roles[] = { "KSK", "ZSK", "CSK" };

	for (size_t i = 0; i < ARRAY_LEN(roles); i++)
		if (sv_caseeq(sv_str(said), sv_str(roles[i])))
			return roles[i];
	return "CSK";
}

static void
key_read(struct pool *pool, const json_t *o, struct told_key *k)
{
	const char *name;

	*k = (struct told_key){
		.number = number(o, "number"), .role = role_of(text(pool, o, "role")),
		.name = text(pool, o, "name"), .goal = text(pool, o, "goal"),
		.kept = text(pool, o, "private"), .alg = number(o, "alg"), .tag = number(o, "tag"),
		.bits = number(o, "bits"), .created = moment(o, "created"),
		.active = moment(o, "active"), .retires = moment(o, "retires"),
		.backed_up = is_true(o, "backed_up"), .flags = lines(pool, o, "flags"),
	};
	if (k->name[0] == '\0' && (name = pool_printf(pool, "%s %lld", k->role, (long long)k->tag)) != NULL)
		k->name = name;		/* of another provider, or its file is gone */
	k->lost = lines_have(&k->flags, "lost");
	records_read(pool, o, k);
	k->life = life_of(k);
}

/* A key's name; it may be told by its number. */
static const char *
key_name(struct pool *pool, const struct told_zone *z, const json_t *v)
{
	if (!json_is_integer(v))
		return text_of(pool, v);
	for (size_t i = 0; i < z->n_keys; i++)
		if (z->keys[i].number == json_integer_value(v))
			return z->keys[i].name;
	return "";
}

static void
todo_read(struct pool *pool, const json_t *o, const struct told_zone *z, struct told_todo *t)
{
	*t = (struct told_todo){ .act = text(pool, o, "act"), .text = text(pool, o, "text"),
	    .key = key_name(pool, z, json_object_get(o, "key")), .since = moment(o, "since"),
	    .ds = lines(pool, o, "ds"), .dnskey = lines(pool, o, "dnskey"),
	    .add = lines(pool, o, "add"), .del = lines(pool, o, "del") };
}

static void
lists_read(struct pool *pool, const json_t *o, struct told_zone *z)
{
	const json_t *keys = json_object_get(o, "keys"), *waits = json_object_get(o, "waits");
	const json_t *todo = json_object_get(o, "todo");

	z->keys = room(pool, keys, TOLD_KEYS_MAX, sizeof(*z->keys), &z->n_keys);
	for (size_t i = 0; i < z->n_keys; i++)
		key_read(pool, json_array_get(keys, i), &z->keys[i]);
	z->waits = room(pool, waits, TOLD_WAITS_MAX, sizeof(*z->waits), &z->n_waits);
	for (size_t i = 0; i < z->n_waits; i++) {
		const json_t *w = json_array_get(waits, i);

		z->waits[i] = (struct told_wait){ text(pool, w, "why"), text(pool, w, "record"),
		    key_name(pool, z, json_object_get(w, "key")), moment(w, "until") };
	}
	z->todo = room(pool, todo, TOLD_TODO_MAX, sizeof(*z->todo), &z->n_todo);
	for (size_t i = 0; i < z->n_todo; i++) {
		todo_read(pool, json_array_get(todo, i), z, &z->todo[i]);
		z->n_backup += strcmp(z->todo[i].act, "backup") == 0;
	}
}

static void
by_key_read(struct pool *pool, const json_t *o, struct told_zone *z)
{
	z->by_key = true;
	z->keys_state = text(pool, o, "state");
	z->keys_why = text(pool, o, "why");
	z->unproven = is_true(o, "unproven");
	z->held = is_true(o, "held");
	z->hold = is_true(o, "hold");
	z->refused = is_true(o, "refused");
	z->story = text(pool, o, "story");
	z->token = text(pool, o, "token");
	z->ds_done = is_true(o, "ds_done");
	z->ds_alarm = is_true(o, "ds_alarm");
	z->ds_since = moment(o, "ds_since");
	z->parent_seen = moment(o, "parent_seen");
	z->child_seen = moment(o, "child_seen");
	z->next = moment(o, "next");
	z->next_why = text(pool, o, "next_why");
	lists_read(pool, o, z);
}

/* --- zones --- */

static void
by_zone_read(struct pool *pool, const json_t *o, struct told_zone *z)
{
	const json_t *by = json_object_get(o, "refused_by");

	z->by_zone = true;
	z->served = is_true(o, "served");
	z->good = is_true(o, "good");
	z->why = text(pool, o, "why");
	z->why_since = moment(o, "why_since");
	z->next_signing = moment(o, "next_signing");
	z->horizon = moment(o, "horizon");
	z->refresh = number(o, "refresh");
	z->serial = number(o, "serial");
	z->serial_in = number(o, "serial_in");
	z->signatures = count(o, "signatures");
	z->refusals = count(o, "refusals");
	z->sign_usec = count(o, "sign_usec");
	for (int i = 0; i < TOLD_REFUSAL_MAX; i++)
		z->refused_by[i] = count(by, refusal_words[i]);
}

/* The row of this zone, an empty one if there is none yet; NULL: no room. */
static struct told_zone *
row(struct told *t, const json_t *o)
{
	const char *name = text(t->pool, o, "zone");
	struct told_zone *z = &t->v[t->n];

	if (name[0] == '\0')
		return NULL;
	for (size_t i = 0; i < t->n; i++)
		if (strcmp(t->v[i].name, name) == 0)
			return &t->v[i];
	if (t->n == TOLD_ZONES_MAX)
		return NULL;
	t->n++;
	*z = (struct told_zone){ .name = name, .why = "", .keys_state = "", .keys_why = "",
	    .next_why = "", .token = "", .story = "", .why_since = TOLD_NONE, .next_signing = TOLD_NONE, .horizon = TOLD_NONE,
	    .refresh = TOLD_NONE, .serial = TOLD_NONE, .serial_in = TOLD_NONE, .ds_since = TOLD_NONE,
	    .parent_seen = TOLD_NONE, .child_seen = TOLD_NONE, .next = TOLD_NONE };
	return z;
}

static int
name_cmp(const void *a, const void *b)
{
	const struct told_zone *x = a, *y = b;

	return strcmp(x->name, y->name);
}

static void
all_read(struct told *t)
{
	const json_t *list = json_object_get(t->zones, "list"), *keys = json_object_get(t->keys, "zones");
	struct told_zone *z;
	size_t i;
	json_t *o;

	json_array_foreach(list, i, o)
		if ((z = row(t, o)) != NULL && !z->by_zone)
			by_zone_read(t->pool, o, z);
	json_array_foreach(keys, i, o)
		if ((z = row(t, o)) != NULL && !z->by_key)
			by_key_read(t->pool, o, z);
	t->by_zone = json_is_array(list);
	t->by_key = json_is_array(keys);
	t->n_served = count(t->zones, "served");
	t->n_good = count(t->zones, "good");
	t->signatures = count(t->zones, "signatures");
	qsort(t->v, t->n, sizeof(*t->v), name_cmp);
}

/* Both documents anew; the old list stays if there is no memory. */
static int
again(struct told *t, void **slot, struct sv doc)
{
	json_t *j = doc.n == 0 || doc.n > TOLD_TEXT_MAX ? NULL : json_loadb(doc.p, doc.n, 0, NULL);
	struct told fresh = { .zones = t->zones, .keys = t->keys };

	if (!json_is_object(j)) {
		json_decref(j);
		return -EBADMSG;
	}
	fresh.pool = pool_new(POOL_MAX);
	if (fresh.pool != NULL)
		fresh.v = pool_calloc(fresh.pool, TOLD_ZONES_MAX + 1, sizeof(*fresh.v));
	if (fresh.v == NULL) {
		(void)pool_free(fresh.pool);
		json_decref(j);
		return -ENOMEM;
	}
	*(slot == &t->zones ? &fresh.zones : &fresh.keys) = j;
	json_decref(*slot);
	(void)pool_free(t->pool);
	all_read(&fresh);
	*t = fresh;
	return 0;
}

int
told_zones(struct told *t, struct sv json)
{
	return again(t, &t->zones, json);
}

int
told_keys(struct told *t, struct sv json)
{
	return again(t, &t->keys, json);
}

void
told_done(struct told *t)
{
	json_decref(t->zones);
	json_decref(t->keys);
	(void)pool_free(t->pool);
	*t = (struct told){ 0 };
}

const struct told_zone *
told_find(const struct told *t, struct sv name)
{
	for (size_t i = 0; i < t->n; i++)
		if (sv_eq_str(name, t->v[i].name))
			return &t->v[i];
	return NULL;
}
