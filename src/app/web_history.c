/* Counts and ages over time, and what changed of what is ours. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "app/web_internal.h"

/* The order of a row; the store's points have those before "age". */
static const char *const columns[] = {
	"at", "span", "serial", "vrps4", "vrps6", "aspas", "router_keys",
	"reject", "warn", "note", "held", "age", "good", "failing", "never",
};
#define STORED_COLUMNS	11

/* --- points of our own --- */

/* Full: of the older half every second one goes. */
static void
points_thin(struct web_points *ps)
{
	size_t keep = 0, half = ps->n / 2;

	for (size_t i = 0; i < ps->n; i++) {
		if (i < half && i % 2 != 0) {
			ps->p[keep - 1].span += ps->p[i].span;
			continue;
		}
		ps->p[keep++] = ps->p[i];
	}
	ps->n = keep;
}

static struct web_point
point_make(int64_t now, const struct web_data *d, const struct web_sources *s)
{
	struct web_point point = { .at = now, .span = WEB_POINT_SEC }, *p = &point;
	json_t *total = json_object_get(d->report, "findings_total");
	uint64_t states[WEB_SOURCE_MAX];

	p->serial = d->snap.stamp.serial;
	p->n[WP_V4] = d->snap.n_v4;
	p->n[WP_V6] = d->snap.n_v6;
	p->n[WP_ASPAS] = d->snap.n_aspas;
	p->n[WP_KEYS] = d->snap.n_router_keys;
	p->n[WP_REJECT] = web_report_u64(total, "REJECT");
	p->n[WP_WARN] = web_report_u64(total, "WARN");
	p->n[WP_NOTE] = web_report_u64(total, "NOTE");
	p->n[WP_HELD] = web_report_u64(json_object_get(d->report, "guard"), "held");
	p->n[WP_AGE] = p->at > d->snap.built ? (uint64_t)(p->at - d->snap.built) : 0;
	web_sources_count(s, states);
	p->n[WP_GOOD] = states[WEB_SOURCE_GOOD];
	p->n[WP_FAILING] = states[WEB_SOURCE_FAILING];
	p->n[WP_NEVER] = states[WEB_SOURCE_NEVER];
	return point;
}

void
web_points_add(struct web_points *ps, int64_t now, const struct web_data *d,
    const struct web_sources *s)
{
	if (d == NULL || (ps->n > 0 && ps->p[ps->n - 1].at > now))
		return;
	if (ps->n > 0 && ps->p[ps->n - 1].at == now)
		ps->n--;		/* the later one of a second counts */
	if (ps->n == WEB_POINTS_MAX)
		points_thin(ps);
	ps->p[ps->n++] = point_make(now, d, s);
}

static void
point_put(struct json *j, const struct web_point *p)
{
	json_open(j, '[');
	json_i64(j, p->at);
	json_u64(j, p->span);
	json_u64(j, p->serial);
	for (size_t i = 0; i < WP_MAX; i++)
		json_u64(j, p->n[i]);
	json_close(j, ']');
}

/* --- points of the store: what was before this process --- */

static bool
stored_good(const json_t *row, int64_t before)
{
	if (json_array_size(row) < STORED_COLUMNS)
		return false;
	for (size_t i = 0; i < STORED_COLUMNS; i++)
		if (json_integer_value(json_array_get(row, i)) < 0 ||
		    !json_is_integer(json_array_get(row, i)))
			return false;
	return json_integer_value(json_array_get(row, 0)) < before;
}

static void
stored_put(struct json *j, const json_t *points, int64_t before)
{
	json_t *row;
	size_t i, k;

	json_array_foreach(points, i, row) {
		if (!stored_good(row, before))
			continue;
		json_open(j, '[');
		for (k = 0; k < ARRAY_LEN(columns); k++)
			if (k < STORED_COLUMNS)
				json_i64(j, json_integer_value(json_array_get(row, k)));
			else
				json_nil(j);
		json_close(j, ']');
	}
}

static void
points_put(struct json *j, const struct web_ctx *ctx)
{
	const struct web_points *ps = ctx->points;
	int64_t first = ps->n > 0 ? ps->p[0].at : INT64_MAX;

	json_key(j, "columns");
	json_open(j, '[');
	for (size_t i = 0; i < ARRAY_LEN(columns); i++)
		json_str(j, columns[i]);
	json_close(j, ']');
	json_key(j, "points");
	json_open(j, '[');
	stored_put(j, json_object_get(ctx->history, "points"), first);
	for (size_t i = 0; i < ps->n; i++)
		point_put(j, &ps->p[i]);
	/* And this moment, so that the plots agree with the rest of the page. */
	if (ctx->data != NULL && ps->n > 0 && ps->p[ps->n - 1].at < ctx->now) {
		const struct web_point now = point_make(ctx->now, ctx->data, ctx->sources);

		point_put(j, &now);
	}
	json_close(j, ']');
}

/* --- changes of what is ours --- */

static bool
change_ours(const struct web_conf *conf, const json_t *o)
{
	const char *prefix = json_string_value(json_object_get(o, "prefix"));
	struct ip_prefix px;

	if (web_ours_asn(conf, (uint32_t)web_report_u64(o, "asn")))
		return true;
	return prefix != NULL && ip_prefix_parse(sv_str(prefix), &px) == 0 &&
	    web_ours_prefix(conf, &px);
}

static void
changes_put(struct json *j, const struct web_ctx *ctx)
{
	json_t *list = json_object_get(ctx->history, "changes"), *o;
	uint64_t n = 0;
	size_t i;

	json_key(j, "changes");
	json_open(j, '[');
	json_array_foreach(list, i, o) {
		char *text;

		if (!json_is_object(o) || !change_ours(ctx->conf, o) || n++ >= WEB_CHANGES_MAX ||
		    (text = json_dumps(o, JSON_COMPACT)) == NULL)
			continue;
		json_raw(j, sv_str(text));
		free(text);
	}
	json_close(j, ']');
	json_kv_u64(j, "changes_total", n);
}

enum web_result
web_history(struct web_call *c)
{
	const struct web_ctx *ctx = c->ctx;
	json_t *since = json_object_get(ctx->history, "recorded_since");
	struct json j = json_on(&c->res->body, false);

	json_open(&j, '{');
	json_kv_i64(&j, "now", ctx->now);
	points_put(&j, ctx);
	changes_put(&j, ctx);
	json_kv_bool(&j, "recorded", ctx->history != NULL);
	json_key(&j, "recorded_since");
	if (json_is_integer(since))
		json_i64(&j, json_integer_value(since));
	else
		json_nil(&j);
	json_close(&j, '}');
	buf_char(&c->res->body, '\n');
	return WEB_DONE;
}
