/* Zones and their keys: the list, one of them, and the calendar. */
#include <stdio.h>
#include <string.h>

#include "app/web_internal.h"
#include "out/ical.h"

#define PERSON_SEC	86400	/* who has to do something, is reminded a day before */
#define EVENT_SEC	900
#define CALENDAR_MAX	4096	/* events; years of all keys of a few hundred zones */

/* --- counting and choosing --- */

static void
counts_put(struct json *j, const struct web_ctx *ctx)
{
	uint64_t n[TOLD_STATE_MAX] = { 0 };

	for (size_t i = 0; i < ctx->names->n; i++)
		n[told_state(&ctx->names->v[i], ctx->now)]++;
	json_key(j, "counts");
	json_open(j, '{');
	for (int i = 0; i < TOLD_STATE_MAX; i++)
		json_kv_u64(j, told_state_word((enum told_state)i), n[i]);
	json_close(j, '}');
}

/* Of the status: null where none are signed here. */
void
web_zones_status(struct json *j, const struct web_ctx *ctx)
{
	const struct told *t = ctx->names;
	int64_t horizon = TIME_NEVER, next = TIME_NEVER;

	json_key(j, "zones");
	if (t->n == 0 && !(web_names_only(ctx) && web_has_role(ctx, "zone"))) {
		json_nil(j);
		return;
	}
	for (size_t i = 0; i < t->n; i++) {
		if (t->v[i].horizon != TOLD_NONE)
			horizon = min_i64(horizon, t->v[i].horizon);
		if (t->v[i].next != TOLD_NONE)
			next = min_i64(next, t->v[i].next);
	}
	json_open(j, '{');
	json_kv_u64(j, "total", t->n);
	counts_put(j, ctx);
	json_kv_end(j, "horizon", horizon);
	json_kv_end(j, "next_key_event", next);
	json_close(j, '}');
}

bool
web_zones_expired(const struct web_ctx *ctx)
{
	for (size_t i = 0; i < ctx->names->n; i++)
		if (told_state(&ctx->names->v[i], ctx->now) == TOLD_EXPIRED)
			return true;
	return false;
}

struct zone_wish {
	enum told_state	state;		/* TOLD_STATE_MAX: any */
	struct sv	q;
	uint32_t	limit;
};

static int
wish_parse(const struct http_req *req, struct zone_wish *ret)
{
	struct sv limit = http_query(req, "limit"), state = http_query(req, "state");

	*ret = (struct zone_wish){ TOLD_STATE_MAX, http_query(req, "q"), WEB_ZONES_DEFAULT };
	if (limit.p != NULL && num_u32(limit, 1, TOLD_ZONES_MAX, &ret->limit) < 0)
		return -1;
	if (state.p == NULL)
		return 0;
	for (int i = 0; i < TOLD_STATE_MAX; i++)
		if (sv_eq_str(state, told_state_word((enum told_state)i)))
			ret->state = (enum told_state)i;
	return ret->state == TOLD_STATE_MAX ? -1 : 0;
}

static bool
has_part(struct sv name, struct sv part)
{
	for (size_t i = 0; part.n <= name.n && i <= name.n - part.n; i++)
		if (sv_caseeq(sv_take(sv_skip(name, i), part.n), part))
			return true;
	return false;
}

struct zone_rows {
	struct json		*j;
	const struct web_call	*c;
	const struct zone_wish	*wish;
	uint64_t		 matched;
};

static void
row_put(struct zone_rows *r, const struct told_zone *z, enum told_state s)
{
	const struct web_ctx *ctx = r->c->ctx;

	if (told_state(z, ctx->now) != s || (r->wish->state != TOLD_STATE_MAX && r->wish->state != s) ||
	    !has_part(sv_str(z->name), r->wish->q) || r->matched++ >= r->wish->limit)
		return;
	json_open(r->j, '{');
	told_json(r->j, z, ctx->now, false, r->c->lang);
	json_close(r->j, '}');
}

enum web_result
web_zones(struct web_call *c)
{
	const struct told *t = c->ctx->names;
	struct json j = json_on(&c->res->body, false);
	struct zone_wish wish;
	struct zone_rows rows = { &j, c, &wish, 0 };

	if (wish_parse(c->req, &wish) < 0)
		return web_error(c, WEB_BAD_PARAM);
	json_open(&j, '{');
	json_kv_i64(&j, "now", c->ctx->now);
	json_kv_u64(&j, "total", t->n);
	counts_put(&j, c->ctx);
	json_key(&j, "zones");
	json_open(&j, '[');
	/* Worst first, by name among equals. */
	for (int s = 0; s < TOLD_STATE_MAX; s++)
		for (size_t i = 0; i < t->n; i++)
			row_put(&rows, &t->v[i], (enum told_state)s);
	json_close(&j, ']');
	json_kv_u64(&j, "matched", rows.matched);
	json_close(&j, '}');
	buf_char(&c->res->body, '\n');
	return WEB_DONE;
}

enum web_result
web_zone(struct web_call *c)
{
	const struct told_zone *z = told_find(c->ctx->names, http_query(c->req, "name"));
	struct json j = json_on(&c->res->body, false);

	if (z == NULL)
		return web_error(c, WEB_NO_ZONE);
	json_open(&j, '{');
	json_kv_i64(&j, "now", c->ctx->now);
	told_json(&j, z, c->ctx->now, true, c->lang);
	json_close(&j, '}');
	buf_char(&c->res->body, '\n');
	return WEB_DONE;
}

/* --- the calendar --- */

struct calendar {
	struct buf		*b;
	const struct web_ctx	*ctx;
	enum lang		 lang;
	const struct told_zone	*z;
	struct buf		 uid, text;
	size_t			 n;
};

/*
 * What and key make the event's name: never its time, which may move, nor a
 * number that depends on the order in which keys were met.
 */
static void
event_put(struct calendar *k, const char *what, const char *key, int64_t at, uint32_t remind,
    const char *description)
{
	struct ical_event e = { .at = at, .length_sec = EVENT_SEC, .alarm_sec = remind,
	    .description = sv_str(description) };

	if (at == TOLD_NONE || k->n++ >= CALENDAR_MAX)
		return;
	k->uid.len = 0;
	buf_printf(&k->uid, "%s%s%s@%ssekisho", what, key[0] == '\0' ? "" : "-", key, k->z->name);
	e.uid = buf_get(&k->uid);
	e.summary = buf_get(&k->text);
	if (k->uid.rc == 0 && k->text.rc == 0)
		ical_event(k->b, &e, k->ctx->now);
}

/* "example.jp.: …", the text in the reader's language. */
static void
summary(struct calendar *k, const char *text)
{
	k->text.len = 0;
	buf_printf(&k->text, "%s: %s", k->z->name, text);
}

/* Two of one name would be one event in a calendar: the first is told. */
static bool
wait_is_again(const struct told_zone *z, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(z->waits[i].key, z->waits[n].key) == 0 &&
		    strcmp(z->waits[i].record, z->waits[n].record) == 0)
			return true;
	return false;
}

static bool
todo_is_again(const struct told_zone *z, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(z->todo[i].act, z->todo[n].act) == 0 &&
		    strcmp(z->todo[i].key, z->todo[n].key) == 0)
			return true;
	return false;
}

static bool
key_is_again(const struct told_zone *z, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(z->keys[i].name, z->keys[n].name) == 0)
			return true;
	return false;
}

static void
key_events(struct calendar *k)
{
	const struct told_zone *z = k->z;

	for (size_t i = 0; i < z->n_keys; i++) {
		summary(k, tr(k->lang, N_("the life of a key ends; its roll is done by then")));
		buf_printf(&k->text, " (%s %s)", z->keys[i].role, z->keys[i].name);
		if (!key_is_again(z, i))
			event_put(k, "retires", z->keys[i].name, z->keys[i].retires, 0, "");
	}
}

static void
step_events(struct calendar *k)
{
	const struct told_zone *z = k->z;

	for (size_t i = 0; i < z->n_waits; i++) {
		const struct told_wait *w = &z->waits[i];
		char what[40];

		if (wait_is_again(z, i))
			continue;
		summary(k, tr(k->lang, N_("a step of a key")));
		buf_printf(&k->text, " (%s%s%s)", w->key, w->key[0] == '\0' ? "" : " ", w->record);
		(void)snprintf(what, sizeof(what), "step-%.30s", w->record);
		event_put(k, what, w->key, w->until, 0, tr(k->lang, w->why));
	}
}

static void
todo_events(struct calendar *k)
{
	int64_t hour = k->ctx->now - k->ctx->now % 3600;

	for (size_t i = 0; i < k->z->n_todo; i++) {
		const struct told_todo *t = &k->z->todo[i];
		_cleanup_(buf_done) struct buf lines = BUF_INIT;

		if (!told_is_urgent(t) || todo_is_again(k->z, i))
			continue;
		summary(k, tr(k->lang, N_("you are asked to act: ")));
		buf_str(&k->text, tr(k->lang, t->text));
		for (size_t n = 0; n < t->ds.n; n++)
			buf_printf(&lines, "%s\n", t->ds.v[n]);
		buf_char(&lines, '\0');
		/* Today, until it is done. */
		event_put(k, t->act, t->key, hour, 0, lines.rc == 0 ? lines.p : "");
	}
}

static void
zone_events(struct calendar *k)
{
	const struct told_zone *z = k->z;

	todo_events(k);
	key_events(k);
	step_events(k);
	summary(k, tr(k->lang, N_("next key event")));
	event_put(k, "next", "", z->next, 0, tr(k->lang, z->next_why));
	summary(k, tr(k->lang, N_("the first signature ends, unless it is made anew before")));
	event_put(k, "horizon", "", z->horizon, PERSON_SEC, "");
}

enum web_result
web_calendar(struct web_call *c)
{
	struct sv name = http_query(c->req, "zone");
	const struct told *t = c->ctx->names;
	struct calendar k = { .b = &c->res->body, .ctx = c->ctx, .lang = c->lang };

	if (name.p != NULL && told_find(t, name) == NULL)
		return web_error(c, WEB_NO_ZONE);
	http_res_header(c->res, "Content-Type", "text/calendar; charset=utf-8");
	http_res_header(c->res, "Cache-Control", "no-store");
	http_res_header(c->res, "X-Content-Type-Options", "nosniff");
	ical_begin(k.b, sv_str(tr(c->lang, N_("Sekisho: zones and keys"))));
	for (size_t i = 0; i < t->n; i++) {
		k.z = &t->v[i];
		if (name.p == NULL || sv_eq_str(name, k.z->name))
			zone_events(&k);
	}
	ical_end(k.b);
	buf_done(&k.uid);
	buf_done(&k.text);
	return WEB_DONE;
}
