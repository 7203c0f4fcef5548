/* From the two documents to the list: everything of the right type, nothing longer than its limit. */
#include "app/zone_told.h"

#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#define TIME_LAST	INT64_C(253402300799)	/* the end of 9999 */
#define POOL_MAX	((size_t)2 << 20)	/* of one zone, by one of both */
#define ROOM_MIN	64

enum side { BY_ZONE, BY_KEY };

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
static struct sv
cut_of(const json_t *v)
{
	struct sv s = sv_str(json_string_value(v)), cut = { s.p, 0 };

	if (s.n <= TOLD_STR_MAX)
		cut = s;
	while (cut.n < s.n && cut.n < TOLD_STR_MAX - 4)
		cut.n += max_size(utf8_len(sv_skip(s, cut.n)), 1);
	return cut;
}

static const char *
text_of(struct pool *pool, const json_t *v)
{
	struct sv cut = cut_of(v);
	const char *copy = cut.n == 0 ? NULL : pool_sv(pool, cut).p;

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
	    .add = lines(pool, o, "add"), .del = lines(pool, o, "del"),
	    .add_keys = lines(pool, o, "add_keys"), .del_keys = lines(pool, o, "del_keys"),
	    .form = text(pool, o, "form"), .registry = text(pool, o, "registry") };
}

/* What shall stand at the parent, and how its registry wants it. */
static void
want_read(struct pool *pool, const json_t *o, struct told_zone *z)
{
	const json_t *list = json_object_get(o, "ds_want");

	z->form = text(pool, o, "form");
	z->registry = text(pool, o, "registry");
	z->digests = (unsigned)(count(o, "digests") & UINT8_MAX);
	z->want = room(pool, list, TOLD_KEYS_MAX, sizeof(*z->want), &z->n_want);
	for (size_t i = 0; i < z->n_want; i++) {
		const json_t *w = json_array_get(list, i);

		z->want[i] = (struct told_want){ number(w, "alg"), number(w, "flags"), text(pool, w, "public_key") };
	}
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
	z->story_ja = text(pool, o, "story_ja");
	z->token = text(pool, o, "token");
	z->ds_done = is_true(o, "ds_done");
	z->ds_alarm = is_true(o, "ds_alarm");
	z->ds_since = moment(o, "ds_since");
	z->parent_seen = moment(o, "parent_seen");
	z->child_seen = moment(o, "child_seen");
	z->next = moment(o, "next");
	z->next_why = text(pool, o, "next_why");
	want_read(pool, o, z);
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

/* --- rows --- */

static const struct told_zone empty = { .why = "", .keys_state = "", .keys_why = "", .next_why = "", .token = "",
	.story_ja = "",
	.story = "", .form = "", .registry = "", .why_since = TOLD_NONE, .next_signing = TOLD_NONE, .horizon = TOLD_NONE, .refresh = TOLD_NONE,
	.serial = TOLD_NONE, .serial_in = TOLD_NONE, .ds_since = TOLD_NONE, .parent_seen = TOLD_NONE,
	.child_seen = TOLD_NONE, .next = TOLD_NONE };

static int
name_cmp(const void *a, const void *b)
{
	const struct told_zone *x = a, *y = b;

	return strcmp(x->name, y->name);
}

static struct told_zone *
row_find(const struct told *t, size_t n, struct sv name)
{
	size_t low = 0;

	while (low < n) {
		size_t mid = low + (n - low) / 2;
		int c = sv_cmp(sv_str(t->v[mid].name), name);

		if (c == 0)
			return &t->v[mid];
		if (c < 0)
			low = mid + 1;
		else
			n = mid;
	}
	return NULL;
}

static size_t
part_octets(const struct told_part *p)
{
	return p->pool == NULL ? 0 : pool_used(p->pool);
}

static void
part_drop(struct told *t, struct told_zone *z, enum side side)
{
	t->octets -= part_octets(&z->parts[side]);
	z->parts[side].pool = pool_free(z->parts[side].pool);
}

static void
row_done(struct told *t, struct told_zone *z)
{
	part_drop(t, z, BY_ZONE);
	part_drop(t, z, BY_KEY);
	t->octets -= strlen(z->name) + 1;
	free((void *)(uintptr_t)z->name);
}

/* What the other one told of it. */
static void
by_zone_copy(struct told_zone *to, const struct told_zone *z)
{
	to->by_zone = z->by_zone;
	to->served = z->served;
	to->good = z->good;
	to->why = z->why;
	to->why_since = z->why_since;
	to->next_signing = z->next_signing;
	to->horizon = z->horizon;
	to->refresh = z->refresh;
	to->serial = z->serial;
	to->serial_in = z->serial_in;
	to->signatures = z->signatures;
	to->refusals = z->refusals;
	to->sign_usec = z->sign_usec;
	memcpy(to->refused_by, z->refused_by, sizeof(to->refused_by));
}

/* Nothing is known of it by this side any more. */
static void
side_clear(struct told *t, struct told_zone *z, enum side side)
{
	struct told_zone fresh = empty;

	part_drop(t, z, side);
	if (side == BY_ZONE) {
		by_zone_copy(z, &empty);
		return;
	}
	by_zone_copy(&fresh, z);
	fresh.name = z->name;
	memcpy(fresh.parts, z->parts, sizeof(fresh.parts));
	*z = fresh;
}

static struct sv
name_of(const json_t *o)
{
	return cut_of(json_object_get(o, "zone"));
}

static int
room_make(struct told *t)
{
	size_t room = t->room == 0 ? ROOM_MIN : 2 * t->room;
	struct told_zone *v;

	if (t->n < t->room)
		return 0;
	if ((v = reallocarray(t->v, room, sizeof(*v))) == NULL)
		return -ENOMEM;
	t->v = v;
	t->room = room;
	return 0;
}

static int
row_add(struct told *t, struct sv name)
{
	char *copy;

	if (room_make(t) < 0 || (copy = sv_dup(name)) == NULL)
		return -ENOMEM;
	t->octets += name.n + 1;
	t->v[t->n] = empty;
	t->v[t->n++].name = copy;
	return 0;
}

/* Rows of which nobody tells any more, and second ones of a name, go. */
static void
rows_sort(struct told *t, bool tidy)
{
	size_t n = 0;

	if (t->n > 1)
		qsort(t->v, t->n, sizeof(*t->v), name_cmp);
	for (size_t i = 0; i < t->n; i++) {
		struct told_zone *z = &t->v[i];

		if ((n > 0 && name_cmp(&t->v[n - 1], z) == 0) || (tidy && !z->by_zone && !z->by_key))
			row_done(t, z);
		else
			t->v[n++] = *z;
	}
	t->n = n;
}

/* A row for each zone of the page. */
static int
rows_make(struct told *t, const json_t *list)
{
	size_t before = t->n, i;
	int rc = 0;
	json_t *o;

	json_array_foreach(list, i, o) {
		struct sv name = name_of(o);

		if (rc == 0 && name.n > 0 && t->n < TOLD_ZONES_MAX && t->octets < TOLD_OCTETS_MAX &&
		    row_find(t, before, name) == NULL)
			rc = row_add(t, name);
	}
	if (t->n > before)
		rows_sort(t, false);
	return rc;
}

static int
row_fill(struct told *t, struct told_zone *z, const json_t *o, enum side side)
{
	struct told_part *p = &z->parts[side];
	struct pool *pool;

	/* The first word of a page counts. */
	if (p->page == t->page || t->octets > TOLD_OCTETS_MAX)
		return 0;
	if ((pool = pool_new(POOL_MAX)) == NULL)
		return -ENOMEM;
	side_clear(t, z, side);
	if (side == BY_ZONE)
		by_zone_read(pool, o, z);
	else
		by_key_read(pool, o, z);
	*p = (struct told_part){ pool, t->page, t->turns[side] };
	t->octets += part_octets(p);
	return 0;
}

/* All were told: what was not among them is no more. */
static void
turn_end(struct told *t, enum side side)
{
	t->filling[side] = false;
	for (size_t i = 0; i < t->n; i++)
		if (t->v[i].parts[side].turn != t->turns[side])
			side_clear(t, &t->v[i], side);
	rows_sort(t, true);
}

static int
page_read(struct told *t, const json_t *doc, enum side side)
{
	const json_t *list = json_object_get(doc, side == BY_ZONE ? "list" : "zones");
	size_t i;
	json_t *o;
	int rc = rows_make(t, list);

	t->page++;
	if (!is_true(doc, "more")) {
		t->turns[side]++;
		t->filling[side] = true;
	}
	json_array_foreach(list, i, o) {
		struct told_zone *z = row_find(t, t->n, name_of(o));

		if (z != NULL && rc == 0)
			rc = row_fill(t, z, o, side);
	}
	if (count(doc, "left") > 0)
		return rc;
	if (t->filling[side])
		turn_end(t, side);
	*(side == BY_ZONE ? &t->by_zone : &t->by_key) = json_is_array(list);
	return rc;
}

static int
page_take(struct told *t, struct sv text, enum side side)
{
	json_t *doc = text.n == 0 || text.n > TOLD_TEXT_MAX ? NULL : json_loadb(text.p, text.n, 0, NULL);
	int rc = -EBADMSG;

	if (json_is_object(doc)) {
		rc = page_read(t, doc, side);
		if (side == BY_ZONE) {
			t->n_served = count(doc, "served");
			t->n_good = count(doc, "good");
			t->signatures = count(doc, "signatures");
		}
	}
	json_decref(doc);
	return rc;
}

int
told_zones(struct told *t, struct sv json)
{
	return page_take(t, json, BY_ZONE);
}

int
told_keys(struct told *t, struct sv json)
{
	return page_take(t, json, BY_KEY);
}

void
told_done(struct told *t)
{
	for (size_t i = 0; i < t->n; i++)
		row_done(t, &t->v[i]);
	free(t->v);
	*t = (struct told){ 0 };
}

const struct told_zone *
told_find(const struct told *t, struct sv name)
{
	return row_find(t, t->n, name);
}
