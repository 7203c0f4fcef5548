/* /metrics and /healthz. */
#include <string.h>

#include "app/web_internal.h"
#include "base/ip.h"
#include "base/timefmt.h"
#include "out/metrics.h"

#define PUT(m, id, v, ...) do {						\
	const struct sv l_[] = { __VA_ARGS__ };				\
	if (metric_u64((m), METRIC_##id, l_, (unsigned)ARRAY_LEN(l_), (v)) < 0) \
		(m)->b->rc = -1;					\
} while (0)
#define PUT0(m, id, v) do {						\
	if (metric_u64((m), METRIC_##id, NULL, 0, (v)) < 0)		\
		(m)->b->rc = -1;					\
} while (0)

/* Addresses with series of their own: as many as the rtr role keeps. */
#define WEB_PEERS_MAX	1024
/* Servers likewise: eight times as many as there are today. */
#define WEB_SERVERS_MAX	500
#define WEB_LABEL_MAX	256	/* bytes of a server's name; longer ones are counted only */

static struct sv
member(const json_t *o, const char *key)
{
	return sv_str(json_string_value(json_object_get(o, key)));
}

/* What may be a label of ours: a word of letters, digits, "_", "-", "." */
static bool
is_word(struct sv s)
{
	for (size_t i = 0; i < s.n; i++) {
		char c = s.p[i];

		if (!((c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
		    (c >= '0' && c <= '9') || c == '_' || c == '-' || c == '.'))
			return false;
	}
	return s.n > 0 && s.n <= 64;
}

static void
payload_metrics(struct metrics *m, const struct web_data *d)
{
	const struct snapshot *s = &d->snap;

	for (size_t i = 0; i < s->n_tas; i++) {
		PUT(m, VRPS, d->tas[i].v4, sv_str(s->tas[i]), SV("ipv4"));
		PUT(m, VRPS, d->tas[i].v6, sv_str(s->tas[i]), SV("ipv6"));
	}
	for (size_t i = 0; i < s->n_tas; i++)
		PUT(m, ASPAS, d->tas[i].aspas, sv_str(s->tas[i]));
	for (size_t i = 0; i < s->n_tas; i++)
		PUT(m, ROUTER_KEYS, d->tas[i].keys, sv_str(s->tas[i]));
}

static void
guard_metrics(struct metrics *m, const struct web_data *d)
{
	struct web_guard g;
	bool holds = web_guard(d, &g);

	PUT0(m, GUARD_HELD, holds ? g.held : 0);
	if (holds && g.until >= 0 && g.until != TIME_NEVER)
		PUT0(m, GUARD_UNTIL, (uint64_t)g.until);
}

static void
object_metrics(struct metrics *m, const struct web_data *d)
{
	json_t *rows = web_report_array(d, "objects"), *o;
	size_t i;

	json_array_foreach(rows, i, o)
		if (i < WEB_CODES_MAX && is_word(member(o, "type")) &&
		    is_word(member(o, "verdict")))
			PUT(m, OBJECTS, web_report_u64(o, "count"),
			    member(o, "type"), member(o, "verdict"));
}

static void
severity_metrics(struct metrics *m, const struct web_data *d)
{
	static const char *const severities[] = { "REJECT", "WARN", "NOTE" };
	json_t *total = json_object_get(d->report, "findings_total");

	for (size_t i = 0; i < ARRAY_LEN(severities); i++)
		PUT(m, FINDINGS, web_report_u64(total, severities[i]), sv_str(severities[i]));
}

/* Also those of servers, before there is any data. */
static void
code_metrics(struct metrics *m, const struct web_ctx *ctx)
{
	json_t *rows = web_findings_by_code(ctx), *o;
	size_t i;

	json_array_foreach(rows, i, o)
		if (i < WEB_CODES_MAX && is_word(member(o, "code")) &&
		    is_word(member(o, "severity")))
			PUT(m, FINDING_CODES, web_report_u64(o, "count"),
			    member(o, "code"), member(o, "severity"));
	json_decref(rows);
}

static void
time_metrics(struct metrics *m, const struct web_data *d, int64_t now)
{
	const struct snapshot *s = &d->snap;
	int64_t age = now > s->built ? now - s->built : 0;

	PUT0(m, SERIAL, s->stamp.serial);
	PUT0(m, AGE, (uint64_t)age);
	if (s->built >= 0)
		PUT0(m, BUILT, (uint64_t)s->built);
	if (s->earliest >= 0 && s->earliest != TIME_NEVER)
		PUT0(m, EXPIRY, (uint64_t)s->earliest);
	if (json_object_get(d->report, "duration_ms") != NULL &&
	    metric_milli(m, METRIC_DURATION, NULL, 0,
	    web_report_u64(d->report, "duration_ms")) < 0)
		m->b->rc = -1;
}

static uint64_t
less(uint64_t a, uint64_t b)
{
	return a > b ? a - b : 0;
}

/* One run of validate, from its status. What it has not said is not there. */
static void
run_metrics(struct metrics *m, const json_t *v)
{
	uint64_t n = web_report_u64(v, "points"), stood = web_report_u64(v, "points_as_before");
	uint64_t kept = web_report_u64(v, "points_kept"), runs = web_report_u64(v, "runs");
	uint64_t failed = web_report_u64(v, "failed");
	int64_t next;

	if (v == NULL)
		return;
	PUT(m, RUNS, less(runs, failed), SV("good"));
	PUT(m, RUNS, failed, SV("failed"));
	if (runs > 0)
		PUT0(m, RUN_LAST, web_report_u64(v, "last_run"));
	if (json_object_get(v, "duration_usec") != NULL &&
	    metric_milli(m, METRIC_RUN_DURATION, NULL, 0, web_report_u64(v, "duration_usec") / 1000) < 0)
		m->b->rc = -1;
	if (json_object_get(v, "points") != NULL) {
		PUT(m, RUN_POINTS, less(n, stood + kept), SV("judged"));
		PUT(m, RUN_POINTS, stood, SV("as_before"));
		PUT(m, RUN_POINTS, kept, SV("kept"));
	}
	if (json_object_get(v, "pins_lost") == NULL)
		return;			/* files: there is no object store */
	PUT(m, RUN_SIGNATURES, web_report_u64(v, "signatures_known"), SV("known"));
	PUT(m, RUN_SIGNATURES, web_report_u64(v, "signatures_computed"), SV("computed"));
	if (time_parse(member(v, "next_by_time"), &next) == 0 && next >= 0 && next != TIME_NEVER)
		PUT0(m, RUN_NEXT, (uint64_t)next);
	PUT0(m, RUN_PINS_LOST, web_report_u64(v, "pins_lost"));
}

/* The same servers for both families: the first of the list. */
static void
server_metrics(struct metrics *m, const struct web_source_list *list)
{
	static const struct {
		const char	*key;
		enum metric	 id;
	} families[] = {
		{ "good_at", METRIC_FETCH_LAST },
		{ "failures", METRIC_FETCH_ROW },
	};

	for (size_t f = 0; f < ARRAY_LEN(families); f++)
		for (size_t i = 0, n = 0; i < list->n && n < WEB_SERVERS_MAX; i++) {
			const struct sv label = sv_str(list->rows[i].key);

			if (label.n > WEB_LABEL_MAX)
				continue;
			n++;
			if (json_is_integer(json_object_get(list->rows[i].o, families[f].key)) &&
			    metric_u64(m, families[f].id, &label, 1,
			    web_report_u64(list->rows[i].o, families[f].key)) < 0)
				m->b->rc = -1;
		}
}

static void
fetch_metrics(struct metrics *m, const struct web_sources *s)
{
	struct web_source_list list;
	const char *code;
	json_t *n;

	if (s->by_key == NULL || web_sources_sort(s, &list) < 0)
		return;
	for (int i = 0; i < WEB_SOURCE_MAX; i++)
		PUT(m, FETCH_SERVERS, list.n_by_state[i],
		    sv_str(web_source_state_name((enum web_source_state)i)));
	server_metrics(m, &list);
	web_source_list_done(&list);
	PUT(m, FETCH_ATTEMPTS, s->n_attempts[1], SV("good"));
	PUT(m, FETCH_ATTEMPTS, s->n_attempts[0], SV("failed"));
	json_object_foreach(s->by_code, code, n)
		PUT(m, FETCH_FAILURES, (uint64_t)json_integer_value(n), sv_str(code));
	PUT0(m, FETCH_BYTES, s->bytes);
}

/* An address as the rtr role writes it. */
static bool
is_address(struct sv s)
{
	struct ip_prefix px;

	return sv_find(s, '/') == s.n && ip_prefix_parse_host(s, &px) == 0;
}

static const char *const transports[] = { "tcp", "md5", "tls" };

static void
transport_metrics(struct metrics *m, json_t *peers)
{
	json_t *p;
	size_t i;

	json_array_foreach(peers, i, p)
		for (size_t t = 0; i < WEB_PEERS_MAX && t < ARRAY_LEN(transports); t++)
			if (is_address(member(p, "address")) && web_report_u64(p, transports[t]) > 0)
				PUT(m, RTR_PEER_CLIENTS, web_report_u64(p, transports[t]),
				    member(p, "address"), sv_str(transports[t]));
}

/* One family after the other, as the format demands. */
static void
peer_metrics(struct metrics *m, json_t *peers)
{
	static const struct {
		const char	*key;
		enum metric	 id;
	} families[] = {
		{ "since", METRIC_RTR_PEER_SINCE },
		{ "version", METRIC_RTR_PEER_VERSION },
		{ "serial", METRIC_RTR_PEER_SERIAL },
		{ "accepted", METRIC_RTR_PEER_ACCEPTED },
		{ "sent", METRIC_RTR_PEER_SENT },
		{ "received", METRIC_RTR_PEER_RECEIVED },
		{ "errors", METRIC_RTR_PEER_ERRORS },
	};
	json_t *p;
	size_t i;

	transport_metrics(m, peers);
	for (size_t f = 0; f < ARRAY_LEN(families); f++)
		json_array_foreach(peers, i, p) {
			const struct sv label = member(p, "address");

			if (i >= WEB_PEERS_MAX || !is_address(label) ||
			    json_object_get(p, families[f].key) == NULL)
				continue;
			if (metric_u64(m, families[f].id, &label, 1,
			    web_report_u64(p, families[f].key)) < 0)
				m->b->rc = -1;
		}
}

static void
router_totals(struct metrics *m, json_t *routers)
{
	static const char *const results[] = { "accepted", "too_many", "denied", "tls_failed" };
	json_t *by = json_object_get(routers, "n_by_transport");
	json_t *totals = json_object_get(routers, "totals");

	if (!json_is_object(totals))
		return;
	for (size_t t = 0; t < ARRAY_LEN(transports); t++)
		PUT(m, RTR_TRANSPORTS, web_report_u64(by, transports[t]), sv_str(transports[t]));
	for (size_t i = 0; i < ARRAY_LEN(results); i++)
		PUT(m, RTR_CONNECTIONS, web_report_u64(totals, results[i]), sv_str(results[i]));
	PUT0(m, RTR_SENT, web_report_u64(totals, "sent"));
	PUT0(m, RTR_RECEIVED, web_report_u64(totals, "received"));
	PUT0(m, RTR_ERRORS, web_report_u64(totals, "errors"));
}

static void
router_metrics(struct metrics *m, json_t *routers)
{
	json_t *by = json_object_get(routers, "n_by_version"), *v;
	const char *version;

	if (!json_is_object(by))
		return;
	json_object_foreach(by, version, v)
		if (is_word(sv_str(version)))
			PUT(m, RTR_CLIENTS, web_report_u64(by, version), sv_str(version));
	router_totals(m, routers);
	peer_metrics(m, json_object_get(routers, "peers"));
	if (json_object_get(routers, "tls_until") != NULL)
		PUT0(m, RTR_TLS_EXPIRY, web_report_u64(routers, "tls_until"));
}

static void
crypto_metric(struct metrics *m, const json_t *crypto)
{
	if (is_word(member(crypto, "path")) && is_word(member(crypto, "why")))
		PUT(m, CRYPTO_PATH, 1, member(crypto, "path"), member(crypto, "why"));
}

static void
house_metrics(struct metrics *m, json_t *house)
{
	json_t *roles = json_object_get(house, "roles"), *r;
	size_t i;

	if (!json_is_array(roles))
		return;
	json_array_foreach(roles, i, r)
		if (is_word(member(r, "name")))
			PUT(m, ROLE_READY, json_is_true(json_object_get(r, "ready")),
			    member(r, "name"));
	json_array_foreach(roles, i, r)
		if (is_word(member(r, "name")))
			PUT(m, ROLE_RESTARTS, web_report_u64(r, "restarts"), member(r, "name"));
}

static void
own_metrics(struct metrics *m, const struct web_stats *st)
{
	static const char *const classes[6] = { [2] = "2xx", "3xx", "4xx", "5xx" };
	static const char *const results[WEB_EXPLAIN_MAX] = {
		[WEB_EXPLAIN_OK] = "answered",
		[WEB_EXPLAIN_BUSY] = "busy",
		[WEB_EXPLAIN_TIMEOUT] = "timeout",
		[WEB_EXPLAIN_FAILED] = "failed",
	};

	for (size_t i = 2; i < ARRAY_LEN(classes); i++)
		PUT(m, HTTP_REQUESTS, st->by_class[i], sv_str(classes[i]));
	for (size_t i = 0; i < WEB_EXPLAIN_MAX; i++)
		PUT(m, EXPLAINS, st->explained[i], sv_str(results[i]));
}

enum web_result
web_metrics(struct web_call *c)
{
	const struct web_ctx *ctx = c->ctx;
	struct metrics m = metrics_on(&c->res->body);

	http_res_header(c->res, "Content-Type", METRICS_TYPE);
	http_res_header(c->res, "Cache-Control", "no-store");
	http_res_header(c->res, "X-Content-Type-Options", "nosniff");
	PUT(&m, BUILD, 1, SV(SEKISHO_VERSION));
	crypto_metric(&m, json_object_get(ctx->house, "crypto"));
	PUT0(&m, HEALTHY, web_health(ctx) == WEB_OK);
	if (ctx->data != NULL) {
		payload_metrics(&m, ctx->data);
		guard_metrics(&m, ctx->data);
		object_metrics(&m, ctx->data);
		severity_metrics(&m, ctx->data);
	}
	code_metrics(&m, ctx);
	if (ctx->data != NULL)
		time_metrics(&m, ctx->data, ctx->now);
	run_metrics(&m, ctx->validate);
	fetch_metrics(&m, ctx->sources);
	router_metrics(&m, ctx->routers);
	house_metrics(&m, ctx->house);
	web_zone_metrics(&m, ctx->names);
	web_mail_metrics(&m, ctx->mail, ctx->reports, ctx->now);
	own_metrics(&m, ctx->stats);
	if (metrics_end(&m) < 0)
		return web_error(c, WEB_FAILED);
	return WEB_DONE;
}

enum web_result
web_healthz(struct web_call *c)
{
	enum web_health h = web_health(c->ctx);

	http_res_header(c->res, "Content-Type", "text/plain; charset=utf-8");
	http_res_header(c->res, "Cache-Control", "no-store");
	http_res_header(c->res, "X-Content-Type-Options", "nosniff");
	c->res->status = h == WEB_OK ? 200 : 503;
	buf_str(&c->res->body, web_health_name(h));
	buf_char(&c->res->body, '\n');
	return WEB_DONE;
}
