/* A plan as files: a picture, a calendar, a table, and the history that the proof read. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "cmd/zone_plan.h"
#include "crypto/crypto.h"
#include "out/escape.h"
#include "out/ical.h"
#include "out/svg_timeline.h"
#include "sys/atomicfile.h"
#include "sys/file.h"

#define MARKS_MAX	60	/* events below the picture: two pages; the calendar has all */
#define ALARM_PERSON	86400	/* who has to do something, is told a day before */
#define EVENT_SEC	900

/* --- SVG --- */

struct chart {
	const struct cmd_ctx	*ctx;
	const struct plan_work	*w;
	struct pool		*pool;
	struct svg_row		*rows;
	size_t			 n_rows;
	struct svg_timeline	 svg;
};

static struct sv
pool_buf(struct pool *pool, struct buf *b)
{
	struct sv s = b->rc == 0 ? pool_sv(pool, buf_get(b)) : (struct sv){ 0 };

	buf_done(b);
	return s;
}

/* What a version holds: "k1 + k2, signed by k1". */
static struct sv
label_of(struct chart *c, const struct timeline_version *v)
{
	struct buf b = BUF_INIT;

	zone_version_print(c->ctx, c->w->proof, v, &b);
	return pool_buf(c->pool, &b);
}

static struct sv
group_of(const struct chart *c, enum timeline_kind kind)
{
	return sv_str(tr(c->ctx->lang, zone_kind_text(kind)));
}

static struct svg_row *
row_of(struct chart *c, enum timeline_kind kind, struct sv label)
{
	struct sv group = group_of(c, kind);
	struct svg_row *r;

	for (size_t i = 0; i < c->n_rows; i++)
		if (sv_eq(c->rows[i].group, group) && sv_eq(c->rows[i].label, label))
			return &c->rows[i];
	if (c->n_rows == SVG_ROWS_MAX)
		return NULL;
	r = &c->rows[c->n_rows];
	*r = (struct svg_row){ .group = group, .label = label, .color = (unsigned)c->n_rows };
	c->n_rows++;
	return r;
}

/* Signatures that are renewed make one bar: the same keys, still served. */
static int
bar_add(struct chart *c, struct svg_row *r, const struct timeline_row *t)
{
	struct svg_bar *bars, *last = NULL;

	if (r->n_bars > 0)
		last = (struct svg_bar *)(uintptr_t)&r->bars[r->n_bars - 1];
	if (last != NULL && t->from <= last->until) {
		last->until = max_i64(last->until, t->until);
		last->cached_until = max_i64(last->cached_until, t->cached_until);
		return 0;
	}
	if ((bars = pool_calloc(c->pool, r->n_bars + 1, sizeof(*bars))) == NULL)
		return -ENOMEM;
	if (r->n_bars > 0)
		memcpy(bars, r->bars, r->n_bars * sizeof(*bars));
	bars[r->n_bars] = (struct svg_bar){ t->from, t->until, t->cached_until };
	r->bars = bars;
	r->n_bars++;
	return 0;
}

static int
rows_make(struct chart *c)
{
	size_t n;
	struct timeline_row *t = timeline_rows(c->w->proof, c->pool, &n);
	int rc = 0;

	c->rows = pool_calloc(c->pool, SVG_ROWS_MAX, sizeof(*c->rows));
	if (t == NULL || c->rows == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < n && rc == 0; i++) {
		const struct timeline_version *v = timeline_version(c->w->proof, t[i].version);
		struct svg_row *r;

		if (t[i].cached_until <= c->svg.from || t[i].from >= c->svg.until)
			continue;
		r = row_of(c, v->kind, label_of(c, v));
		rc = r == NULL ? SE_LIMIT : bar_add(c, r, &t[i]);
	}
	return rc;
}

/* A line for each event. */
static int
marks_make(struct chart *c)
{
	const struct zone_plan *plan = &c->w->plan;
	struct svg_mark *marks = pool_calloc(c->pool, MARKS_MAX, sizeof(*marks));
	struct sv *notes = pool_calloc(c->pool, plan->n_keys + 2, sizeof(*notes));
	size_t n = 0;

	if (marks == NULL || notes == NULL)
		return -ENOMEM;
	for (; n < plan->n_events && n < MARKS_MAX; n++) {
		struct buf b = BUF_INIT;

		buf_printf(&b, "%s: ", tr(c->ctx->lang, plan_who_text(plan->events[n].who)));
		plan_event_print(c->ctx, &plan->events[n], &b);
		marks[n] = (struct svg_mark){ plan->events[n].at, pool_buf(c->pool, &b) };
	}
	if (n < plan->n_events) {
		struct buf b = BUF_INIT;

		buf_printf(&b, tr(c->ctx->lang, N_("… and %zu more events: the table and the calendar have all")),
		    plan->n_events - n);
		notes[c->svg.n_notes++] = pool_buf(c->pool, &b);
	}
	for (size_t i = 0; i < plan->n_keys && i < MARKS_MAX; i++) {
		struct buf b = BUF_INIT;

		plan_key_print(c->ctx, &plan->keys[i], &b);
		notes[c->svg.n_notes++] = pool_buf(c->pool, &b);
	}
	c->svg.marks = marks;
	c->svg.n_marks = n;
	c->svg.notes = notes;
	return 0;
}

static int
svg_write(const struct cmd_ctx *ctx, const struct plan_work *w, struct buf *b)
{
	struct chart c = { .ctx = ctx, .w = w, .pool = w->today.args.pool };
	int64_t span = max_i64(w->plan.end - w->plan.from, 86400);
	struct buf title = BUF_INIT;
	int rc;

	plan_title_print(ctx, w, &title);
	c.svg.title = pool_buf(c.pool, &title);
	c.svg.served = sv_str(tr(ctx->lang, N_("on the servers")));
	c.svg.cached = sv_str(tr(ctx->lang, N_("in caches only")));
	c.svg.from = max_i64(w->plan.from - span / 20, 0);
	c.svg.until = w->plan.end + span / 20;
	if ((rc = rows_make(&c)) < 0 || (rc = marks_make(&c)) < 0)
		return rc;
	c.svg.rows = c.rows;
	c.svg.n_rows = c.n_rows;
	return svg_timeline_write(b, &c.svg);
}

/* --- calendar --- */

/* How often this has happened to this key before: the same in each plan. */
static unsigned
nth(const struct zone_plan *plan, size_t event)
{
	const struct zone_plan_event *e = &plan->events[event];
	unsigned n = 0;

	for (size_t i = 0; i < event; i++)
		n += plan->events[i].act == e->act && plan->events[i].key == e->key &&
		    plan->events[i].n_ds == e->n_ds &&
		    memcmp(plan->events[i].ds, e->ds, sizeof(e->ds)) == 0;
	return n;
}

#define KEY_REF_LEN	24

/*
 * What a key is called in a UID. A state gives its keys numbers for good; from a
 * zone file they are numbered as they are met, and the next file may have them
 * in another order: there a key is known by itself, and one to come by its place
 * among those of its role.
 */
static void
key_ref(const struct plan_work *w, uint32_t number, char dst[static KEY_REF_LEN])
{
	const struct zone_plan_key *k = zone_plan_key(&w->plan, number);
	uint8_t sum[SHA256_LEN];
	unsigned n = 0;

	if (w->keystate != NULL || k == NULL)
		(void)snprintf(dst, KEY_REF_LEN, "k%u", number);
	else if (k->exists) {
		crypto_sha256(k->public_key, k->public_len, sum);
		(void)snprintf(dst, KEY_REF_LEN, "%u-%02x%02x%02x%02x", k->alg, sum[0], sum[1], sum[2], sum[3]);
	} else {
		for (size_t i = 0; i < w->plan.n_keys; i++)
			n += w->plan.keys[i].role == k->role && !w->plan.keys[i].exists &&
			    w->plan.keys[i].number <= number;
		(void)snprintf(dst, KEY_REF_LEN, "%s%u", keystate_role_name(k->role), n);
	}
}

static int
ref_cmp(const void *a, const void *b)
{
	return strcmp(a, b);
}

static struct sv
uid_make(const struct plan_work *w, size_t event, struct pool *pool)
{
	const struct zone_plan_event *e = &w->plan.events[event];
	char zone[DNAME_STRLEN], refs[KEYSTATE_KEYS_MAX][KEY_REF_LEN], key[KEY_REF_LEN];
	struct buf b = BUF_INIT;

	key_ref(w, e->key, key);
	for (unsigned i = 0; i < e->n_ds; i++)
		key_ref(w, e->ds[i], refs[i]);
	qsort(refs, e->n_ds, sizeof(refs[0]), ref_cmp);
	buf_printf(&b, "%s-%s", plan_action_word(e->act), key);
	for (unsigned i = 0; i < e->n_ds; i++)
		buf_printf(&b, "-%s", refs[i]);
	buf_printf(&b, "-%u@", nth(&w->plan, event));
	buf_str(&b, w->has_apex ? dname_str(&w->apex, zone) : "zone.");
	buf_str(&b, "sekisho");
	return pool_buf(pool, &b);
}

static int
ical_write(const struct cmd_ctx *ctx, const struct plan_work *w, struct buf *b)
{
	struct pool *pool = w->today.args.pool;
	struct buf title = BUF_INIT;
	char zone[DNAME_STRLEN];

	plan_title_print(ctx, w, &title);
	ical_begin(b, pool_buf(pool, &title));
	for (size_t i = 0; i < w->plan.n_events; i++) {
		const struct zone_plan_event *e = &w->plan.events[i];
		const struct zone_plan_key *k = zone_plan_key(&w->plan, e->key);
		struct ical_event cal = { .uid = uid_make(w, i, pool), .at = e->at, .length_sec = EVENT_SEC,
			.alarm_sec = e->who == ZONE_PLAN_PERSON ? ALARM_PERSON : 0 };
		struct buf s = BUF_INIT, d = BUF_INIT;

		if (w->has_apex)
			buf_printf(&s, "%s ", dname_str(&w->apex, zone));
		buf_printf(&s, "%s ", tr(ctx->lang, plan_who_text(e->who)));
		plan_event_print(ctx, e, &s);
		cal.summary = pool_buf(pool, &s);
		if (k != NULL)
			plan_key_print(ctx, k, &d);
		for (unsigned n = 0; n < e->n_ds; n++) {
			plan_key_print(ctx, zone_plan_key(&w->plan, e->ds[n]), &d);
			buf_char(&d, '\n');
		}
		cal.description = pool_buf(pool, &d);
		ical_event(b, &cal, ctx->now);
	}
	ical_end(b);
	return b->rc;
}

/* --- table, history --- */

static int
csv_write(const struct cmd_ctx *ctx, const struct plan_work *w, struct buf *b)
{
	char at[TIME_STRLEN];

	buf_str(b, "at,who,action,key,ds,text\n");
	for (size_t i = 0; i < w->plan.n_events; i++) {
		const struct zone_plan_event *e = &w->plan.events[i];
		struct buf text = BUF_INIT;

		buf_printf(b, "%s,%s,%s,", time_str(e->at, at), plan_who_word(e->who), plan_action_word(e->act));
		if (e->key != 0)
			plan_key_name(b, e->key);
		buf_char(b, ',');
		for (unsigned k = 0; k < e->n_ds; k++) {
			buf_str(b, k == 0 ? "" : " ");
			plan_key_name(b, e->ds[k]);
		}
		buf_char(b, ',');
		plan_event_print(ctx, e, &text);
		escape_csv(b, buf_get(&text));
		buf_char(b, '\n');
		buf_done(&text);
	}
	return b->rc;
}

static int
history_write(const struct cmd_ctx *ctx, const struct plan_work *w, struct buf *b)
{
	buf_str(b, "# ");
	plan_title_print(ctx, w, b);
	buf_char(b, '\n');
	for (size_t i = 0; i < w->plan.n_keys; i++) {
		buf_str(b, "# ");
		plan_key_print(ctx, &w->plan.keys[i], b);
		buf_char(b, '\n');
	}
	buf_sv(b, buf_get(&w->plan.history));
	return b->rc;
}

typedef int (*write_fn)(const struct cmd_ctx *, const struct plan_work *, struct buf *);

static int
file_out(const struct cmd_ctx *ctx, const struct plan_work *w, const char *path, write_fn write)
{
	_cleanup_(atomicfile_done) struct atomicfile f = { .fd = -1 };
	struct buf b;
	int rc = atomicfile_open(&f, path);

	if (rc == 0) {
		b = (struct buf)BUF_SINK(fd_write_all, &f.fd);
		rc = write(ctx, w, &b);
		if (rc == 0)
			rc = buf_flush(&b);
		buf_done(&b);
	}
	if (rc == 0 && (rc = atomicfile_commit(&f)) == 0)
		return 0;
	cmd_err(tr(ctx->lang, N_("cannot write %s: %s")), path, err_str(rc));
	return EXIT_CANNOT;
}

int
plan_files_write(const struct cmd_ctx *ctx, const struct plan_work *w)
{
	static const write_fn fns[PLAN_OUT_MAX] = { svg_write, ical_write, csv_write, history_write };

	for (unsigned i = 0; i < PLAN_OUT_MAX; i++) {
		int rc = w->out[i] == NULL ? 0 : file_out(ctx, w, w->out[i], fns[i]);

		if (rc != 0)
			return rc;
	}
	return 0;
}
