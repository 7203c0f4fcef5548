/* The API's answers: status, findings, VRPs, routers. */
#include <stdlib.h>
#include <string.h>

#include "app/web_internal.h"
#include "base/timefmt.h"

void
web_raw(struct json *j, const char *key, const json_t *v)
{
	char *text = v == NULL ? NULL : json_dumps(v, JSON_COMPACT | JSON_ENCODE_ANY);

	json_key(j, key);
	if (text == NULL)
		json_nil(j);
	else
		json_raw(j, sv_str(text));
	free(text);
}

static enum web_result
finish(struct web_call *c, struct json *j)
{
	json_close(j, '}');
	buf_char(&c->res->body, '\n');
	return WEB_DONE;
}

/* --- status --- */

static void
organisation_json(struct json *j, const struct web_conf *conf)
{
	char s[IP_PREFIX_STRLEN];

	json_key(j, "organisation");
	json_open(j, '{');
	json_kv_str(j, "name", conf->org_name);
	json_kv_u32s(j, "asns", conf->asns, conf->n_asns);
	json_key(j, "prefixes");
	json_open(j, '[');
	for (size_t i = 0; i < conf->n_prefixes; i++)
		json_str(j, ip_prefix_str(&conf->prefixes[i], s));
	json_close(j, ']');
	json_close(j, '}');
}

static size_t
ta_index(const struct snapshot *s, const char *name)
{
	size_t i = 0;

	while (i < s->n_tas && strcmp(s->tas[i], name) != 0)
		i++;
	return i;
}

/* One trust anchor: counts of what is in service, the rest of the report. */
static void
ta_json(struct json *j, const struct web_data *d, size_t i, const char *name,
    const json_t *reported)
{
	bool known = i < d->snap.n_tas;

	json_open(j, '{');
	json_kv_str(j, "name", name);
	json_kv_str(j, "uri", json_string_value(json_object_get(reported, "uri")));
	json_kv_u64(j, "vrps4", known ? d->tas[i].v4 : 0);
	json_kv_u64(j, "vrps6", known ? d->tas[i].v6 : 0);
	json_kv_u64(j, "aspas", known ? d->tas[i].aspas : 0);
	json_kv_u64(j, "router_keys", known ? d->tas[i].keys : 0);
	json_kv_u64(j, "objects", web_report_u64(reported, "objects"));
	json_close(j, '}');
}

/* A trust anchor that gave nothing is in the report only: the worst news. */
static void
tas_json(struct json *j, const struct web_data *d)
{
	json_t *reported = web_report_array(d, "tas"), *ta;
	bool told[TA_MAX] = { 0 };
	size_t k;

	json_key(j, "tas");
	json_open(j, '[');
	json_array_foreach(reported, k, ta) {
		const char *name = json_string_value(json_object_get(ta, "name"));
		size_t i;

		if (name == NULL || k >= TA_MAX)
			continue;
		if ((i = ta_index(&d->snap, name)) < TA_MAX)
			told[i] = true;
		ta_json(j, d, i, name, ta);
	}
	for (size_t i = 0; i < d->snap.n_tas; i++)
		if (!told[i])
			ta_json(j, d, i, d->snap.tas[i], NULL);
	json_close(j, ']');
}

bool
web_guard(const struct web_data *d, struct web_guard *ret)
{
	const json_t *g = json_object_get(d->report, "guard");

	*ret = (struct web_guard){ web_report_u64(g, "held"), TIME_NEVER,
	    json_string_value(json_object_get(g, "hash")) };
	if (ret->held == 0 || ret->hash == NULL)
		return false;
	if (time_parse(sv_str(json_string_value(json_object_get(g, "until"))), &ret->until) < 0)
		ret->until = TIME_NEVER;
	return true;
}

/* What the drop guard holds back; null: nothing. */
static void
guard_json(struct json *j, const struct web_data *d)
{
	struct web_guard g;

	json_key(j, "guard");
	if (!web_guard(d, &g)) {
		json_nil(j);
		return;
	}
	json_open(j, '{');
	json_kv_u64(j, "held", g.held);
	json_kv_end(j, "until", g.until);
	json_kv_str(j, "hash", g.hash);
	json_close(j, '}');
}

static void
data_json(struct json *j, const struct web_ctx *ctx)
{
	const struct web_data *d = ctx->data;
	const int64_t now = ctx->now;
	json_t *codes = web_findings_by_code(ctx);
	const struct snapshot *s = &d->snap;

	json_open(j, '{');
	json_kv_u64(j, "serial", s->stamp.serial);
	json_kv_i64(j, "built", s->built);
	json_kv_i64(j, "age_seconds", now - s->built);
	json_kv_end(j, "expires", s->earliest);
	web_raw(j, "at", json_object_get(d->report, "at"));
	web_raw(j, "duration_ms", json_object_get(d->report, "duration_ms"));
	json_kv_u64(j, "vrps4", s->n_v4);
	json_kv_u64(j, "vrps6", s->n_v6);
	json_kv_u64(j, "aspas", s->n_aspas);
	json_kv_u64(j, "router_keys", s->n_router_keys);
	guard_json(j, d);
	tas_json(j, d);
	web_raw(j, "objects", web_report_array(d, "objects"));
	web_raw(j, "findings_total", json_object_get(d->report, "findings_total"));
	web_raw(j, "findings_by_code", codes);
	json_close(j, '}');
	json_decref(codes);
}

enum web_result
web_status(struct web_call *c)
{
	const struct web_ctx *ctx = c->ctx;
	struct json j = json_on(&c->res->body, false);

	json_open(&j, '{');
	json_kv_str(&j, "version", SEKISHO_VERSION);
	json_kv_str(&j, "health", web_health_name(web_health(ctx)));
	json_kv_str(&j, "health_routes", web_health_name(web_health_routes(ctx)));
	json_kv_i64(&j, "now", ctx->now);
	organisation_json(&j, ctx->conf);
	json_key(&j, "data");
	if (ctx->data != NULL)
		data_json(&j, ctx);
	else
		json_nil(&j);
	json_kv_bool(&j, "names_only", web_names_only(ctx));
	web_zones_status(&j, ctx);
	web_mail_status(&j, ctx);
	json_kv_u64(&j, "histories", ctx->n_histories);
	web_raw(&j, "routers", json_object_get(ctx->routers, "n_by_version"));
	web_raw(&j, "crypto", json_object_get(ctx->house, "crypto"));
	web_raw(&j, "roles", json_object_get(ctx->house, "roles"));
	return finish(c, &j);
}

/* --- findings --- */

/* args with their keys in the reader's language: [{"label","value"}…]. */
static json_t *
details_in(json_t *args, enum lang lang)
{
	json_t *list = json_array(), *value;
	const char *key;

	if (list == NULL || !json_is_object(args))
		return list;
	json_object_foreach(args, key, value) {
		json_t *row = json_object();

		(void)json_object_set_new(row, "label", json_string(tr(lang, key)));
		(void)json_object_set(row, "value", value);
		(void)json_array_append_new(list, row);
	}
	return list;
}

/* text and remedy are {"en","ja"}: keep the reader's. */
static json_t *
finding_in(const json_t *f, enum lang lang)
{
	static const char *const keys[] = { "text", "remedy" };
	json_t *copy = json_copy((json_t *)(uintptr_t)f);

	for (size_t i = 0; copy != NULL && i < ARRAY_LEN(keys); i++) {
		json_t *both = json_object_get(f, keys[i]);
		json_t *one = json_object_get(both, lang_name(lang));

		if (json_is_object(both))
			(void)json_object_set(copy, keys[i],
			    one != NULL ? one : json_object_get(both, "en"));
	}
	if (copy != NULL)
		(void)json_object_set_new(copy, "details",
		    details_in(json_object_get(f, "args"), lang));
	return copy;
}

struct finding_filter {
	struct sv	severity;	/* p NULL: any */
	bool		ours;
	uint32_t	limit;
};

static int
filter_parse(const struct http_req *req, struct finding_filter *ret)
{
	struct sv limit = http_query(req, "limit"), ours = http_query(req, "ours");
	struct sv sev = http_query(req, "severity");

	*ret = (struct finding_filter){ sev, ours.p != NULL, WEB_FINDINGS_DEFAULT };
	if (sev.p != NULL && !sv_eq(sev, SV("REJECT")) && !sv_eq(sev, SV("WARN")) &&
	    !sv_eq(sev, SV("NOTE")))
		return -1;
	if (ours.p != NULL && !sv_eq(ours, SV("1")))
		return -1;
	if (limit.p != NULL && num_u32(limit, 1, WEB_FINDINGS_MAX, &ret->limit) < 0)
		return -1;
	return 0;
}

static bool
filter_pass(const struct finding_filter *f, const json_t *finding)
{
	const char *sev = json_string_value(json_object_get(finding, "severity"));

	if (!json_is_object(finding))
		return false;
	if (f->ours && !json_is_true(json_object_get(finding, "ours")))
		return false;
	return f->severity.p == NULL || (sev != NULL && sv_eq_str(f->severity, sev));
}

enum web_result
web_findings(struct web_call *c)
{
	const struct web_data *d = c->ctx->data;
	struct json j = json_on(&c->res->body, false);
	struct finding_filter filter;
	uint64_t matched = 0;
	json_t *f, *all;
	size_t i;

	if (filter_parse(c->req, &filter) < 0)
		return web_error(c, WEB_BAD_PARAM);
	if (d == NULL)
		return web_error(c, WEB_NO_DATA);
	all = web_report_array(d, "findings");
	json_open(&j, '{');
	web_raw(&j, "total", json_object_get(d->report, "findings_total"));
	json_key(&j, "findings");
	json_open(&j, '[');
	json_array_foreach(all, i, f) {
		json_t *one;
		char *text;

		if (!filter_pass(&filter, f) || matched++ >= filter.limit)
			continue;
		one = finding_in(f, c->lang);
		if ((text = json_dumps(one, JSON_COMPACT)) != NULL)
			json_raw(&j, sv_str(text));
		free(text);
		json_decref(one);
	}
	json_close(&j, ']');
	json_kv_u64(&j, "matched", matched);
	json_kv_u64(&j, "listed", json_array_size(all));
	return finish(c, &j);
}

/* --- VRPs --- */

struct vrp_rows {
	struct json		*j;
	const struct web_ctx	*ctx;
	uint64_t		 n;
};

static void
vrp_row(struct vrp_rows *rows, const struct vrp *v)
{
	const struct snapshot *s = &rows->ctx->data->snap;
	struct ip_prefix px = { .len = v->len, .af = v->af };
	struct json *j = rows->j;
	char text[IP_PREFIX_STRLEN];

	if (rows->n++ >= WEB_VRPS_MAX)
		return;
	memcpy(px.addr, v->addr, sizeof(px.addr));
	json_open(j, '{');
	json_kv_str(j, "prefix", ip_prefix_str(&px, text));
	json_kv_u64(j, "maxLength", v->max_len);
	json_kv_u64(j, "asn", v->asn);
	json_kv_str(j, "ta", v->ta < s->n_tas ? s->tas[v->ta] : NULL);
	json_kv_end(j, "expires", v->expires);
	json_kv_bool(j, "ours", web_ours_asn(rows->ctx->conf, v->asn) ||
	    web_ours_prefix(rows->ctx->conf, &px));
	json_close(j, '}');
}

/* Covering VRPs; the AS number does not narrow them, it decides the state. */
static void
vrps_covering(struct vrp_rows *rows, const struct ip_prefix *px)
{
	struct cover cover;
	struct vrp v;

	cover_init(&cover, &rows->ctx->data->snap, px);
	while (cover_next(&cover, &v))
		vrp_row(rows, &v);
}

static void
vrps_of_asn(struct vrp_rows *rows, uint32_t asn)
{
	const struct snapshot *s = &rows->ctx->data->snap;
	struct vrp v;

	for (size_t i = 0; i < snapshot_n_vrps(s); i++) {
		snapshot_vrp(s, i, &v);
		if (v.asn == asn)
			vrp_row(rows, &v);
	}
}

enum web_result
web_vrps(struct web_call *c)
{
	struct sv prefix = http_query(c->req, "prefix"), as = http_query(c->req, "asn");
	struct json j = json_on(&c->res->body, false);
	struct vrp_rows rows = { &j, c->ctx, 0 };
	struct ip_prefix px;
	uint32_t asn = 0;

	if (prefix.p == NULL && as.p == NULL)
		return web_error(c, WEB_BAD_PARAM);
	if (prefix.p != NULL && ip_prefix_parse_host(sv_trim(prefix), &px) < 0)
		return web_error(c, WEB_BAD_PREFIX);
	if (as.p != NULL && asn_parse(sv_trim(as), &asn) < 0)
		return web_error(c, WEB_BAD_ASN);
	if (c->ctx->data == NULL)
		return web_error(c, WEB_NO_DATA);
	json_open(&j, '{');
	if (prefix.p != NULL && as.p != NULL)
		json_kv_str(&j, "state", rov_name(snapshot_rov(&c->ctx->data->snap, &px, asn)));
	json_key(&j, "vrps");
	json_open(&j, '[');
	if (prefix.p != NULL)
		vrps_covering(&rows, &px);
	else
		vrps_of_asn(&rows, asn);
	json_close(&j, ']');
	json_kv_u64(&j, "matched", rows.n);
	return finish(c, &j);
}

/* --- routers --- */

enum web_result
web_routers(struct web_call *c)
{
	struct json j = json_on(&c->res->body, false);

	json_open(&j, '{');
	web_raw(&j, "routers", json_object_get(c->ctx->routers, "clients"));
	web_raw(&j, "n_by_version", json_object_get(c->ctx->routers, "n_by_version"));
	web_raw(&j, "n_by_transport", json_object_get(c->ctx->routers, "n_by_transport"));
	web_raw(&j, "totals", json_object_get(c->ctx->routers, "totals"));
	return finish(c, &j);
}

