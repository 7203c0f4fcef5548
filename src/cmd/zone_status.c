/* sekisho zone status: keys, what is waited for, what comes next, and what you must do now. */
#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "base/timefmt.h"
#include "cmd/zone_told.h"
#include "out/ical.h"

#define EVENT_SEC	3600
#define ALARM_SEC	86400		/* a day before what a person has to be there for */
#define OPEN_WARN	(3 * 86400)	/* a DS demand that nobody followed */
#define LATE_WARN	3600		/* signatures that should have been made anew */

struct work {
	bool	nagios, ical;
};

static const struct cmd_opt opts[] = {
	{ "nagios", 0, NULL, N_("one line and 0, 1, 2 or 3 for a monitoring system") },
	{ "ical", 0, NULL, N_("the next events of keys as a calendar (RFC 5545)") },
	{ 0 },
};

static int
opt(struct cmd_ctx *ctx UNUSED, void *state, const struct cmd_opt *o, const char *arg UNUSED)
{
	struct work *w = state;

	if (strcmp(o->name, "nagios") == 0)
		w->nagios = true;
	else
		w->ical = true;
	return 0;
}

static bool
asked(const struct told_zone *z, const struct dname *only, char name[static DNAME_STRLEN])
{
	return only == NULL || strcmp(dname_str(only, name), z->name) == 0;
}

/* --- nagios --- */

struct verdict {
	int		 level;		/* 0 OK, 1 WARNING, 2 CRITICAL */
	const char	*zone, *why;
	size_t		 n, n_backup;
	int64_t		 horizon, next, open;	/* seconds from now; TOLD_NONE */
};

static void
worse(struct verdict *v, int level, const struct told_zone *z, const char *why)
{
	if (level <= v->level)
		return;
	v->level = level;
	v->zone = z->name;
	v->why = why;
}

/*
 * How far signatures are from their end, in the policy's own measure: they are
 * made anew so long before it (refresh). Half of that gone is a signer that stands still.
 */
static void
horizon_judge(struct verdict *v, const struct told_zone *z, int64_t now)
{
	int64_t refresh, left;

	if (z->horizon == TOLD_NONE)
		return;
	left = z->horizon - now;
	if (v->horizon == TOLD_NONE || left < v->horizon)
		v->horizon = left < 0 ? 0 : left;
	refresh = z->next_signing == TOLD_NONE ? 0 : z->horizon - z->next_signing;
	if (left <= 0)
		worse(v, 2, z, "signatures have expired");
	else if (refresh > 0 && left < refresh / 4)
		worse(v, 2, z, "signatures expire soon and are not renewed");
	else if (refresh > 0 && left < refresh / 2 && z->next_signing + LATE_WARN < now)
		worse(v, 1, z, "signatures are not renewed");
}

static void
demands_judge(struct verdict *v, const struct told_zone *z, int64_t now)
{
	for (size_t i = 0; i < z->n_todo; i++) {
		const struct told_todo *t = &z->todo[i];

		if (!told_is_handover(t))
			continue;
		if (t->since != TOLD_NONE && now - t->since > v->open)
			v->open = now - t->since;
		worse(v, 1, z, "the DS set is to be changed at the registrar");
	}
	if (z->by_key && !z->ds_done && z->ds_since != TOLD_NONE && now - z->ds_since > OPEN_WARN) {
		if (now - z->ds_since > v->open)
			v->open = now - z->ds_since;
		worse(v, 1, z, "the parent has not followed a DS change for days");
	}
	v->n_backup += z->n_backup;
	if (z->n_backup > 0)
		worse(v, 1, z, "a key waits to be backed up");
}

static void
zone_judge(struct verdict *v, const struct told_zone *z, int64_t now)
{
	static const struct {
		int		 level;
		const char	*why;
	} rows[TOLD_STATE_MAX] = {
		[TOLD_EXPIRED] = { 2, "signatures have expired" },
		[TOLD_DOWN] = { 2, "not served" },
		[TOLD_CANNOT] = { 2, "its keys cannot be used" },
		[TOLD_KEPT] = { 1, "a newer version was refused" },
	};
	enum told_state s = told_state(z, now);

	v->n++;
	if (rows[s].why != NULL)
		worse(v, rows[s].level, z, rows[s].why);
	if (z->by_zone && !z->served)
		worse(v, 2, z, "not served");
	if (z->ds_alarm)
		worse(v, 2, z, "the parent has a DS set that nobody asked for");
	/* The role zone is down, or has more zones than its status has room for. */
	if (z->by_key && !z->by_zone)
		worse(v, 1, z, "nothing was told of its signatures; see the metrics");
	horizon_judge(v, z, now);
	demands_judge(v, z, now);
	if (z->hold)
		worse(v, 1, z, "held by an operator");
	if (z->refused)
		worse(v, 1, z, "the next step of its keys is refused");
	if (z->next != TOLD_NONE && (v->next == TOLD_NONE || z->next - now < v->next))
		v->next = z->next < now ? 0 : z->next - now;
}

/* A bar ends the text of a plugin. */
static void
plain_put(struct buf *b, const char *s)
{
	for (; *s != '\0'; s++)
		buf_char(b, *s == '|' ? '/' : *s);
}

static int
nagios(const struct cmd_ctx *ctx, const struct zone_report *r, const struct dname *only)
{
	static const char *const words[] = { "OK", "WARNING", "CRITICAL" };
	struct verdict v = { .horizon = TOLD_NONE, .next = TOLD_NONE };
	_cleanup_(buf_done) struct buf b = BUF_INIT;
	char name[DNAME_STRLEN];

	for (size_t i = 0; i < r->told.n; i++)
		if (asked(&r->told.v[i], only, name))
			zone_judge(&v, &r->told.v[i], ctx->now);
	if (r->from_files || r->no_keys) {
		v.level = 2;
		v.zone = NULL;
		v.why = r->from_files ? "the service is not running" : "the role key is not running";
	}
	buf_printf(&b, "SEKISHO ZONES %s - ", words[v.level]);
	if (v.zone != NULL) {
		plain_put(&b, v.zone);
		buf_str(&b, ": ");
	}
	buf_printf(&b, "%s%szones: %zu", v.why != NULL ? v.why : "", v.why != NULL ? ", " : "", v.n);
	buf_printf(&b, " | zones=%zu backup=%zu ds_open=%llds", v.n, v.n_backup, (long long)v.open);
	if (v.horizon != TOLD_NONE)
		buf_printf(&b, " horizon=%llds", (long long)v.horizon);
	if (v.next != TOLD_NONE)
		buf_printf(&b, " next_event=%llds", (long long)v.next);
	buf_char(&b, '\n');
	return cmd_out(&b) == 0 ? v.level : 3;
}

/* --- calendar --- */

static void
event_put(struct buf *b, const struct cmd_ctx *ctx, const struct told_zone *z, const char *kind,
    int64_t at, bool person, const struct buf *summary, const struct buf *description)
{
	_cleanup_(buf_done) struct buf uid = BUF_INIT;
	struct ical_event e = { .at = at, .length_sec = EVENT_SEC, .alarm_sec = person ? ALARM_SEC : 0,
		.summary = buf_get(summary), .description = buf_get(description) };

	buf_printf(&uid, "zone-status %s %s", z->name, kind);
	e.uid = buf_get(&uid);
	ical_event(b, &e, ctx->now);
}

static void
next_put(struct buf *b, const struct cmd_ctx *ctx, const struct told_zone *z)
{
	_cleanup_(buf_done) struct buf s = BUF_INIT, d = BUF_INIT;

	if (z->next == TOLD_NONE)
		return;
	buf_printf(&s, tr(ctx->lang, N_("%s: next step of the keys")), z->name);
	buf_printf(&d, tr(ctx->lang, N_("it waits: %s")), tr(ctx->lang, z->next_why));
	event_put(b, ctx, z, "next", z->next, false, &s, &d);
}

static void
retirement_put(struct buf *b, const struct cmd_ctx *ctx, const struct told_zone *z, const struct told_key *k)
{
	_cleanup_(buf_done) struct buf s = BUF_INIT, d = BUF_INIT, kind = BUF_INIT;

	if (k->retires == TOLD_NONE || k->retires < ctx->now || k->life == TOLD_KEY_LEAVING)
		return;
	buf_printf(&s, tr(ctx->lang, N_("%s: the life of the %s with tag %lld ends")), z->name, k->role,
	    (long long)k->tag);
	buf_printf(&kind, "retires %lld%c", (long long)k->number, '\0');
	buf_printf(&d, "%s", k->name);
	event_put(b, ctx, z, kind.p, k->retires, strcmp(k->role, "ZSK") != 0, &s, &d);
}

static void
lines_put(struct buf *b, const char *head, const struct told_lines *l)
{
	for (size_t i = 0; i < l->n; i++)
		buf_printf(b, "%s %s\n", head, l->v[i]);
}

static void
demand_put(struct buf *b, const struct cmd_ctx *ctx, const struct told_zone *z, const struct told_todo *t)
{
	_cleanup_(buf_done) struct buf s = BUF_INIT, d = BUF_INIT, kind = BUF_INIT;

	if (!told_is_urgent(t))
		return;
	buf_printf(&s, "%s: %s", z->name, tr(ctx->lang, t->text));
	buf_printf(&d, "%s\n", t->key);
	lines_put(&d, "+", &t->add);
	lines_put(&d, "-", &t->del);
	buf_printf(&kind, "%s %s%c", t->act, t->key, '\0');
	event_put(b, ctx, z, kind.p, t->since == TOLD_NONE ? ctx->now : t->since, true, &s, &d);
}

static int
ical(const struct cmd_ctx *ctx, const struct zone_report *r, const struct dname *only)
{
	_cleanup_(buf_done) struct buf b = BUF_INIT;
	char name[DNAME_STRLEN];

	ical_begin(&b, sv_str(tr(ctx->lang, N_("Keys of signed zones"))));
	for (size_t i = 0; i < r->told.n; i++) {
		const struct told_zone *z = &r->told.v[i];

		if (!asked(z, only, name))
			continue;
		next_put(&b, ctx, z);
		for (size_t k = 0; k < z->n_keys; k++)
			retirement_put(&b, ctx, z, &z->keys[k]);
		for (size_t t = 0; t < z->n_todo; t++)
			demand_put(&b, ctx, z, &z->todo[t]);
	}
	ical_end(&b);
	return cmd_out(&b);
}

/* --- text, JSON --- */

/* Is it as the configuration wants it? Files cannot tell. */
static bool
is_well(const struct told_zone *z, const struct zone_report *r, int64_t now)
{
	return r->from_files || (told_state(z, now) > TOLD_KEPT && (!z->by_zone || z->served));
}

/* By name: programs read it. */
static void
json_show(const struct cmd_ctx *ctx, const struct zone_report *r, const struct dname *only, struct buf *b)
{
	struct json j = json_on(b, true);
	char name[DNAME_STRLEN];

	json_open(&j, '{');
	json_kv_str(&j, "from", r->from_files ? "files" : "service");
	json_key(&j, "zones");
	json_open(&j, '[');
	for (size_t i = 0; i < r->told.n; i++) {
		if (!asked(&r->told.v[i], only, name))
			continue;
		json_open(&j, '{');
		told_json(&j, &r->told.v[i], ctx->now, true, ctx->lang);
		json_close(&j, '}');
	}
	json_close(&j, ']');
	json_close(&j, '}');
	buf_char(b, '\n');
}

/* What needs the reader first. */
static void
text_show(const struct cmd_ctx *ctx, const struct zone_report *r, const struct dname *only, struct buf *b)
{
	char name[DNAME_STRLEN];

	for (int s = 0; s < TOLD_STATE_MAX; s++)
		for (size_t i = 0; i < r->told.n; i++)
			if ((int)told_state(&r->told.v[i], ctx->now) == s && asked(&r->told.v[i], only, name))
				zone_status_print(ctx, &r->told.v[i], r, b);
}

static int
show(const struct cmd_ctx *ctx, const struct zone_report *r, const struct dname *only)
{
	_cleanup_(buf_done) struct buf b = BUF_INIT;
	char name[DNAME_STRLEN];
	int rc = EXIT_GOOD;

	if (ctx->json)
		json_show(ctx, r, only, &b);
	else
		text_show(ctx, r, only, &b);
	for (size_t i = 0; i < r->told.n; i++)
		if (asked(&r->told.v[i], only, name) && !is_well(&r->told.v[i], r, ctx->now))
			rc = EXIT_REJECTED;
	return cmd_out(&b) == 0 ? rc : EXIT_CANNOT;
}

static int
run(struct cmd_ctx *ctx, void *state, int argc, char **argv)
{
	const struct work *w = state;
	struct zone_report r;
	struct dname zone;
	const struct dname *only = argc == 1 ? &zone : NULL;
	int rc;

	if (argc > 1 || (w->nagios && w->ical))
		return cmd_usage(ctx, "%s", tr(ctx->lang, N_("give one zone, or none for all; --nagios and --ical exclude each other")));
	if (argc == 1 && dname_parse(sv_str(argv[0]), NULL, &zone) < 0)
		return cmd_usage(ctx, tr(ctx->lang, N_("%s is no domain name")), argv[0]);
	if (only != NULL)
		dns_lower(zone.w, zone.len);
	rc = zone_report_read(ctx, only, &r);
	if (rc != EXIT_GOOD && w->nagios) {
		printf("SEKISHO ZONES UNKNOWN - the state of the keys cannot be read\n");
		rc = 3;
	} else if (rc == EXIT_GOOD)
		rc = w->nagios ? nagios(ctx, &r, only) : w->ical ? ical(ctx, &r, only) : show(ctx, &r, only);
	zone_report_done(&r);
	return rc;
}

extern const struct cmd cmd_zone_status;
const struct cmd cmd_zone_status = {
	.area = "zone", .verb = "status", .args = "[ZONE]",
	.summary = N_("keys of signed zones, what is waited for, what comes next, what you must do"),
	.opts = opts, .opt = opt, .state_size = sizeof(struct work),
	.run = run,
};
