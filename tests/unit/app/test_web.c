/* The routes as a pure function: who may ask, and what is answered. */
#include <stdlib.h>

#include "../tap.h"
#include "app/web_api.h"

#define NOW	1795000000

static const char report[] = "{\"built\":1,\"at\":2,\"duration_ms\":1500,"
    "\"tas\":[{\"name\":\"alpha\",\"uri\":\"u\",\"objects\":9},{\"name\":\"silent\"}],"
    "\"objects\":[{\"type\":\"roa\",\"verdict\":\"valid\",\"count\":3},"
    "{\"type\":\"\",\"verdict\":\"valid\",\"count\":3},"
    "{\"type\":\"bad\\nlabel\",\"verdict\":\"valid\",\"count\":3}],"
    "\"findings_total\":{\"REJECT\":2,\"WARN\":1,\"NOTE\":0},"
    "\"findings_by_code\":[{\"code\":\"RPKI_X\",\"severity\":\"REJECT\",\"count\":2}],"
    "\"findings\":["
    "{\"code\":\"RPKI_X\",\"severity\":\"REJECT\",\"ours\":true,\"args\":{\"file\":\"f\"},"
    "\"text\":{\"en\":\"english\",\"ja\":\"日本語\"},\"remedy\":{\"en\":\"mend\"}},"
    "{\"code\":\"RPKI_X\",\"severity\":\"REJECT\",\"ours\":false},"
    "{\"code\":\"RPKI_Y\",\"severity\":\"WARN\",\"ours\":false},7]}";

struct world {
	struct web_conf		 conf;
	struct web_data		*data;
	uint8_t			*map;
	struct web_stats	 stats;
	struct web_sources	 sources;
	struct web_points	 points;
	struct web_ctx		 ctx;
	struct http_req		 req;
	struct http_res		 res;
	struct web_question	 question;
	json_t			*json;		/* the last body */
};

/* No cryptography here: a sum that snapshot_open() computes alike. */
static void
digest(const void *p, size_t n, uint8_t ret[static SNAPSHOT_SUM_LEN])
{
	uint64_t h = 0;

	for (size_t i = 0; i < n; i++)
		h = h * 31 + ((const uint8_t *)p)[i];
	memset(ret, 0, SNAPSHOT_SUM_LEN);
	memcpy(ret, &h, sizeof(h));
}

static struct vrp
vrp(const char *prefix, uint8_t max_len, uint32_t asn, uint8_t ta)
{
	struct ip_prefix px;
	struct vrp v = { .max_len = max_len, .asn = asn, .ta = ta, .expires = NOW + 1000 };

	assert_int_equal(ip_prefix_parse(sv_str(prefix), &px), 0);
	memcpy(v.addr, px.addr, sizeof(v.addr));
	v.len = px.len;
	v.af = px.af;
	return v;
}

static void
data_make(struct world *w, const char *text)
{
	struct vrp vrps[] = {
		vrp("192.0.2.0/24", 24, 64496, 0), vrp("198.51.100.0/24", 25, 64497, 1),
		vrp("2001:db8::/32", 48, 64496, 0),
	};
	struct payloads p = { .vrps = vrps, .n_vrps = ARRAY_LEN(vrps),
	    .tas = { "alpha", "beta" }, .n_tas = 2 };
	struct snapshot_stamp stamp = { 7, { 1, 2, 3 } };
	size_t size;

	qsort(vrps, ARRAY_LEN(vrps), sizeof(vrps[0]), vrp_cmp);
	assert_int_equal(snapshot_size(&p, strlen(text), &size), 0);
	w->map = calloc(1, size);
	assert_int_equal(snapshot_build(&p, NOW - 60, &stamp, sv_str(text), digest,
	    w->map, size), 0);
	assert_int_equal(web_data_new(w->map, size, digest, &w->data), 0);
	w->ctx.data = w->data;
}

static int
setup(void **state)
{
	struct world *w = calloc(1, sizeof(*w));

	assert_int_equal(web_conf_init(&w->conf, SV(""), SV("Org"), SV("AS64496\n"),
	    SV("192.0.2.0/24\n\n2001:db8::/32")), 0);
	w->ctx = (struct web_ctx){ .now = NOW, .loopback = true, .conf = &w->conf,
	    .stats = &w->stats, .sources = &w->sources, .points = &w->points };
	data_make(w, report);
	*state = w;
	return 0;
}

static int
teardown(void **state)
{
	struct world *w = *state;

	http_res_done(&w->res);
	json_decref(w->json);
	json_decref(w->ctx.routers);
	json_decref(w->ctx.house);
	json_decref(w->ctx.validate);
	json_decref(w->ctx.history);
	web_sources_done(&w->sources);
	web_conf_done(&w->conf);
	(void)web_data_free(w->data);
	free(w->map);
	free(w);
	return 0;
}

/* A request as a well-behaved client sends it; then change w->req. */
static void
request(struct world *w, const char *path)
{
	w->req = (struct http_req){ .path = sv_str(path) };
	w->req.headers[HTTP_HOST] = SV("localhost:8283");
}

static void
param(struct world *w, const char *key, const char *value)
{
	w->req.query[w->req.n_query++] = (struct http_param){ sv_str(key), sv_str(value) };
}

static unsigned
ask(struct world *w)
{
	http_res_done(&w->res);
	json_decref(w->json);
	w->json = NULL;
	if (web_handle(&w->ctx, &w->req, &w->res, &w->question) == WEB_ASK)
		return 0;
	if (w->res.body.len > 0)
		w->json = json_loadb(w->res.body.p, w->res.body.len, 0, NULL);
	return w->res.status;
}

static unsigned
get(struct world *w, const char *path, const char *key, const char *value)
{
	request(w, path);
	if (key != NULL)
		param(w, key, value);
	return ask(w);
}

static const char *
header(const struct world *w, const char *name)
{
	for (unsigned i = 0; i < w->res.n_headers; i++)
		if (strcmp(w->res.headers[i].name, name) == 0)
			return w->res.headers[i].value;
	return NULL;
}

static struct sv
body(const struct world *w)
{
	return w->res.fixed.n > 0 ? w->res.fixed : buf_get(&w->res.body);
}

static bool
has(const struct world *w, const char *text)
{
	return body(w).n > 0 && memmem(body(w).p, body(w).n, text, strlen(text)) != NULL;
}

static const char *
error(const struct world *w)
{
	const char *s = json_string_value(json_object_get(w->json, "error"));

	return s == NULL ? "" : s;
}

/* --- who may ask --- */

static void
hosts(void **state)
{
	static const struct {
		const char	*host;
		unsigned	 status;
	} rows[] = {
		{ "localhost", 200 }, { "LOCALHOST:80", 200 }, { "127.0.0.1:8283", 200 },
		{ "[::1]:8283", 200 }, { "evil.example", 403 }, { "localhost.evil.example", 403 },
		{ "127.0.0.1.evil.example:80", 403 }, { "localhost:0", 403 },
		{ "localhost:80:80", 403 }, { "192.0.2.1", 403 }, { "", 403 },
	};
	struct world *w = *state;

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		static const char *const paths[] = { "/", "/api/v1/status", "/metrics", "/healthz" };

		for (size_t k = 0; k < ARRAY_LEN(paths); k++) {
			request(w, paths[k]);
			w->req.headers[HTTP_HOST] = sv_str(rows[i].host);
			assert_int_equal(ask(w), rows[i].status);
		}
	}
	request(w, "/");
	w->req.headers[HTTP_HOST] = (struct sv){ 0 };
	assert_int_equal(ask(w), 403);
}

static void
cross_site(void **state)
{
	struct world *w = *state;
	static const struct {
		const char	*site, *mode, *origin;
		unsigned	 page, api;
	} rows[] = {
		{ "same-origin", "cors", NULL, 200, 200 },
		{ "none", "navigate", NULL, 200, 200 },
		{ "cross-site", "no-cors", NULL, 403, 403 },
		{ "same-site", "cors", NULL, 403, 403 },
		{ "cross-site", "navigate", NULL, 200, 403 },
		{ NULL, NULL, "http://localhost:8283", 200, 200 },
		{ NULL, NULL, "http://localhost:1", 403, 403 },
		{ NULL, NULL, "http://evil.example", 403, 403 },
		{ NULL, NULL, "null", 403, 403 },
		{ "same-origin", "cors", "http://evil.example", 403, 403 },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		request(w, "/");
		w->req.headers[HTTP_FETCH_SITE] = sv_str(rows[i].site);
		w->req.headers[HTTP_FETCH_MODE] = sv_str(rows[i].mode);
		w->req.headers[HTTP_ORIGIN] = sv_str(rows[i].origin);
		assert_int_equal(ask(w), rows[i].page);
		w->req.path = SV("/api/v1/status");
		assert_int_equal(ask(w), rows[i].api);
	}
}

static unsigned
with_token(struct world *w, const char *path, const char *authorization)
{
	request(w, path);
	w->req.headers[HTTP_HOST] = SV("sekisho.example:8283");
	w->req.headers[HTTP_AUTHORIZATION] = sv_str(authorization);
	return ask(w);
}

static void
tokens(void **state)
{
	struct world *w = *state;
	struct web_conf conf;

	w->ctx.loopback = false;
	assert_int_equal(with_token(w, "/", NULL), 401);	/* none configured */
	assert_int_equal(with_token(w, "/", "Bearer "), 401);
	assert_int_equal(web_conf_init(&conf, SV("s3cret"), SV(""), SV(""), SV("")), 0);
	w->ctx.conf = &conf;
	assert_int_equal(with_token(w, "/", NULL), 200);
	assert_int_equal(with_token(w, "/app.js", NULL), 200);
	assert_int_equal(with_token(w, "/healthz", NULL), 200);
	assert_int_equal(with_token(w, "/metrics", NULL), 401);
	assert_non_null(header(w, "WWW-Authenticate"));
	assert_int_equal(with_token(w, "/api/v1/status", NULL), 401);
	assert_int_equal(with_token(w, "/nowhere", NULL), 401);
	assert_int_equal(with_token(w, "/api/v1/status", "Bearer s3cre"), 401);
	assert_int_equal(with_token(w, "/api/v1/status", "Bearer s3cret2"), 401);
	assert_int_equal(with_token(w, "/api/v1/status", "Bearer S3cret"), 401);
	assert_int_equal(with_token(w, "/api/v1/status", "Basic s3cret"), 401);
	assert_int_equal(with_token(w, "/api/v1/status", "bearer s3cret"), 200);
	assert_int_equal(with_token(w, "/metrics", "Bearer s3cret"), 200);
	assert_false(has(w, "s3cret"));
	web_conf_done(&conf);
}

static void
loopback_names(void **state UNUSED)
{
	assert_true(web_is_loopback(SV("127.0.0.1:8283")));
	assert_true(web_is_loopback(SV("[::1]:8283")));
	assert_false(web_is_loopback(SV("0.0.0.0:8283")));
	assert_false(web_is_loopback(SV("[::]:8283")));
	assert_false(web_is_loopback(SV("192.0.2.1:127")));
}

static void
conf_lists(void **state UNUSED)
{
	struct web_conf c;

	assert_true(web_conf_init(&c, SV(""), SV(""), SV("ASx"), SV("")) < 0);
	assert_true(web_conf_init(&c, SV(""), SV(""), SV("AS1"), SV("192.0.2.1/24")) < 0);
	assert_null(c.asns);
}

/* --- pages, headers, languages --- */

static void
headers(void **state)
{
	static const char *const paths[] = { "/", "/app.js", "/api/v1/status", "/nowhere" };
	struct world *w = *state;

	for (size_t i = 0; i < ARRAY_LEN(paths); i++) {
		const char *csp;

		(void)get(w, paths[i], NULL, NULL);
		csp = header(w, "Content-Security-Policy");
		assert_true(csp != NULL && strstr(csp, "default-src 'none'") != NULL);
		assert_null(strstr(csp, "unsafe"));
		assert_string_equal(header(w, "X-Content-Type-Options"), "nosniff");
		assert_string_equal(header(w, "Referrer-Policy"), "no-referrer");
		assert_string_equal(header(w, "Cache-Control"), i < 2 ? "no-cache" : "no-store");
		assert_true(w->res.n_headers < HTTP_HEADERS_MAX);
	}
}

static void
page(void **state)
{
	struct world *w = *state;
	const char *etag;

	assert_int_equal(get(w, "/", NULL, NULL), 200);
	assert_true(has(w, "<html lang=\"en\">") && !has(w, "{{"));
	assert_int_equal(get(w, "/", "lang", "ja"), 200);
	assert_true(has(w, "<html lang=\"ja\">") && has(w, "トラストアンカー") && !has(w, "{{"));
	assert_int_equal(get(w, "/app.js", NULL, NULL), 200);
	assert_string_equal(header(w, "Content-Type"), "text/javascript; charset=utf-8");
	assert_non_null(etag = header(w, "ETag"));
	w->req.headers[HTTP_IF_NONE_MATCH] = sv_str(etag);
	assert_int_equal(ask(w), 304);
	assert_int_equal(body(w).n, 0);
	assert_int_equal(get(w, "/../etc/passwd", NULL, NULL), 404);
	assert_int_equal(get(w, "/index.html", NULL, NULL), 404);
}

static void
languages(void **state)
{
	static const struct {
		const char	*accept, *lang;
	} rows[] = {
		{ "", "en" }, { "ja", "ja" }, { "ja-JP,ja;q=0.9,en;q=0.8", "ja" },
		{ "en-US,ja;q=0.9", "en" }, { "fr, ja;q=0.5, en;q=0.4", "ja" },
		{ "fr;q=1, de", "en" }, { "ja;q=0, en;q=0.1", "en" }, { ",,;;q=,", "en" },
		{ "en;q=0.123,ja;q=0.124", "ja" },
		{ "en,ja", "en" }, { "ja,en", "ja" }, { "jam", "en" },
	};
	struct world *w = *state;

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		request(w, "/");
		w->req.headers[HTTP_ACCEPT_LANGUAGE] = sv_str(rows[i].accept);
		(void)ask(w);
		assert_true(has(w, rows[i].lang[0] == 'j' ? "lang=\"ja\">" : "lang=\"en\">"));
	}
	assert_int_equal(get(w, "/api/v1/strings", "lang", "ja"), 200);
	assert_string_equal(json_string_value(json_object_get(w->json, "tas")), "トラストアンカー");
	assert_int_equal(get(w, "/api/v1/strings", "lang", "xx"), 400);
}

/* --- answers --- */

static json_t *
at(json_t *j, const char *key, size_t i)
{
	json_t *v = json_object_get(j, key);

	return json_is_array(v) ? json_array_get(v, i) : v;
}

static void
status(void **state)
{
	struct world *w = *state;
	json_t *data;

	assert_int_equal(get(w, "/api/v1/status", NULL, NULL), 200);
	assert_string_equal(json_string_value(at(w->json, "health", 0)), "ok");
	data = at(w->json, "data", 0);
	assert_int_equal(json_integer_value(at(data, "vrps4", 0)), 2);
	assert_int_equal(json_integer_value(at(data, "vrps6", 0)), 1);
	assert_int_equal(json_integer_value(at(data, "router_keys", 0)), 0);
	assert_int_equal(json_integer_value(at(data, "age_seconds", 0)), 60);
	assert_int_equal(json_integer_value(at(data, "expires", 0)), NOW + 1000);
	/* reported ones first, then beta, which only the snapshot knows */
	assert_int_equal(json_array_size(json_object_get(data, "tas")), 3);
	assert_int_equal(json_integer_value(at(at(data, "tas", 0), "vrps4", 0)), 1);
	assert_int_equal(json_integer_value(at(at(data, "tas", 1), "vrps4", 0)), 0);
	assert_string_equal(json_string_value(at(at(data, "tas", 2), "name", 0)), "beta");
	w->ctx.data = NULL;
	assert_int_equal(get(w, "/api/v1/status", NULL, NULL), 200);
	assert_true(json_is_null(at(w->json, "data", 0)));
}

static size_t
n_findings(struct world *w, const char *key, const char *value)
{
	assert_int_equal(get(w, "/api/v1/findings", key, value), 200);
	return json_array_size(json_object_get(w->json, "findings"));
}

static void
findings(void **state)
{
	struct world *w = *state;
	json_t *f;

	assert_int_equal(n_findings(w, NULL, NULL), 3);
	assert_int_equal(n_findings(w, "severity", "WARN"), 1);
	assert_int_equal(n_findings(w, "severity", "NOTE"), 0);
	assert_int_equal(n_findings(w, "ours", "1"), 1);
	assert_int_equal(n_findings(w, "limit", "2"), 2);
	assert_int_equal(json_integer_value(at(w->json, "matched", 0)), 3);
	assert_int_equal(get(w, "/api/v1/findings", "lang", "ja"), 200);
	f = at(w->json, "findings", 0);
	assert_string_equal(json_string_value(at(f, "text", 0)), "日本語");
	assert_string_equal(json_string_value(at(f, "remedy", 0)), "mend");
	assert_string_equal(json_string_value(at(at(f, "details", 0), "label", 0)), "ファイル");
	assert_int_equal(get(w, "/api/v1/findings", "severity", "BAD"), 400);
	assert_int_equal(get(w, "/api/v1/findings", "limit", "0"), 400);
	assert_int_equal(get(w, "/api/v1/findings", "limit", "501"), 400);
	assert_int_equal(get(w, "/api/v1/findings", "severty", "WARN"), 400);
	w->ctx.data = NULL;
	assert_int_equal(get(w, "/api/v1/findings", NULL, NULL), 503);
	assert_string_equal(error(w), "no_data");
}

static const char *
rov(struct world *w, const char *prefix, const char *asn)
{
	request(w, "/api/v1/vrps");
	param(w, "prefix", prefix);
	param(w, "asn", asn);
	assert_int_equal(ask(w), 200);
	return json_string_value(json_object_get(w->json, "state"));
}

static void
vrps(void **state)
{
	struct world *w = *state;

	assert_string_equal(rov(w, "192.0.2.0/24", "64496"), "valid");
	assert_true(json_is_true(at(at(w->json, "vrps", 0), "ours", 0)));
	assert_string_equal(rov(w, "192.0.2.0/25", "AS64496"), "invalid");
	assert_string_equal(rov(w, "198.51.100.128/25", "AS64497"), "valid");
	assert_true(json_is_false(at(at(w->json, "vrps", 0), "ours", 0)));
	assert_string_equal(rov(w, "203.0.113.0/24", "AS1"), "not-found");
	assert_int_equal(get(w, "/api/v1/vrps", "asn", "AS64496"), 200);
	assert_int_equal(json_integer_value(at(w->json, "matched", 0)), 2);
	assert_int_equal(get(w, "/api/v1/vrps", "prefix", "2001:db8::1"), 200);
	assert_int_equal(json_integer_value(at(w->json, "matched", 0)), 1);
	assert_int_equal(get(w, "/api/v1/vrps", NULL, NULL), 400);
	assert_int_equal(get(w, "/api/v1/vrps", "prefix", "192.0.2.1/24"), 400);
	assert_string_equal(error(w), "bad_prefix");
	assert_int_equal(get(w, "/api/v1/vrps", "asn", "4294967296"), 400);
	assert_string_equal(error(w), "bad_asn");
}

static void
health(void **state)
{
	struct world *w = *state;

	assert_int_equal(get(w, "/healthz", NULL, NULL), 200);
	w->ctx.now = NOW + 999;
	assert_int_equal(get(w, "/healthz", NULL, NULL), 200);
	w->ctx.now = NOW + 1000;
	assert_int_equal(get(w, "/healthz", NULL, NULL), 503);
	assert_true(has(w, "expired"));
	w->ctx.data = NULL;
	assert_int_equal(get(w, "/healthz", NULL, NULL), 503);
	assert_true(has(w, "no_data"));
}

/* The routers as the rtr role tells them; a stranger's address is no label. */
static void
router_metrics_by_client(void **state)
{
	struct world *w = *state;

	w->ctx.routers = json_loads("{\"n_by_version\":{\"2\":3},\"n_by_transport\":{\"tcp\":1,\"tls\":2},"
	    "\"totals\":{\"accepted\":9,\"denied\":4,\"sent\":5000,\"received\":80,\"errors\":1},"
	    "\"tls_until\":1800000000,\"peers\":["
	    "{\"address\":\"192.0.2.1\",\"tcp\":1,\"md5\":0,\"tls\":2,\"since\":1795000000,"
	    "\"version\":2,\"serial\":7,\"accepted\":3,\"sent\":4000,\"received\":70,\"errors\":1},"
	    "{\"address\":\"2001:db8::1\",\"tcp\":0,\"accepted\":6,\"sent\":1000,\"received\":10,\"errors\":0},"
	    "{\"address\":\"evil\\\"} 1\",\"tcp\":1,\"sent\":66},{\"address\":\"192.0.2.0/24\",\"sent\":66},7]}", 0, NULL);
	assert_non_null(w->ctx.routers);
	assert_int_equal(get(w, "/metrics", NULL, NULL), 200);
	assert_true(has(w, "sekisho_rtr_client_connections{client=\"192.0.2.1\",transport=\"tls\"} 2\n"));
	assert_true(has(w, "sekisho_rtr_client_serial{client=\"192.0.2.1\"} 7\n"));
	assert_true(has(w, "sekisho_rtr_client_connected_timestamp_seconds{client=\"192.0.2.1\"} 1795000000\n"));
	assert_true(has(w, "sekisho_rtr_client_sent_bytes_total{client=\"2001:db8::1\"} 1000\n"));
	assert_true(has(w, "sekisho_rtr_client_errors_total{client=\"192.0.2.1\"} 1\n"));
	assert_true(has(w, "sekisho_rtr_connections_total{result=\"denied\"} 4\n"));
	assert_true(has(w, "sekisho_rtr_sent_bytes_total 5000\n"));
	assert_true(has(w, "sekisho_rtr_clients_by_transport{transport=\"tls\"} 2\n"));
	assert_true(has(w, "sekisho_rtr_tls_expiry_timestamp_seconds 1800000000\n"));
	/* Gone: its counters stay, its serial does not. */
	assert_false(has(w, "sekisho_rtr_client_serial{client=\"2001:db8::1\"}"));
	assert_false(has(w, "evil") || has(w, " 66\n") || has(w, "192.0.2.0/24"));
	assert_true(sv_ends(body(w), SV("# EOF\n")));
}

static void
metrics(void **state)
{
	struct world *w = *state;

	w->ctx.routers = json_loads("{\"n_by_version\":{\"0\":1,\"2\":5,\"x\\\"y\":1}}", 0, NULL);
	w->ctx.house = json_loads("{\"roles\":[{\"name\":\"rtr\",\"ready\":true,\"restarts\":2},"
	    "{\"name\":\"x y\"},7]}", 0, NULL);
	w->stats.by_class[4] = 3;
	assert_int_equal(get(w, "/metrics", NULL, NULL), 200);
	assert_string_equal(header(w, "Content-Type"),
	    "application/openmetrics-text; version=1.0.0; charset=utf-8");
	assert_true(has(w, "sekisho_vrps{ta=\"alpha\",family=\"ipv4\"} 1\n"));
	assert_true(has(w, "sekisho_vrps{ta=\"beta\",family=\"ipv6\"} 0\n"));
	assert_true(has(w, "sekisho_objects{type=\"roa\",verdict=\"valid\"} 3\n"));
	assert_true(has(w, "sekisho_findings{severity=\"REJECT\"} 2\n"));
	assert_true(has(w, "sekisho_data_age_seconds 60\n"));
	assert_true(has(w, "sekisho_validation_duration_seconds 1.500\n"));
	assert_true(has(w, "sekisho_rtr_clients{version=\"2\"} 5\n"));
	assert_true(has(w, "sekisho_http_requests_total{code=\"4xx\"} 3\n"));
	assert_true(has(w, "sekisho_role_ready{role=\"rtr\"} 1\n"));
	assert_true(has(w, "sekisho_role_restarts_total{role=\"rtr\"} 2\n"));
	assert_true(sv_ends(body(w), SV("# EOF\n")));
	assert_false(has(w, "label") || has(w, "type=\"\"") || has(w, "x\\\"y"));
	w->ctx.data = NULL;
	assert_int_equal(get(w, "/metrics", NULL, NULL), 200);
	assert_true(has(w, "sekisho_healthy 0\n") && !has(w, "sekisho_vrps"));
}

/* Of a run: what validate tells; what it does not tell is not there. */
static void
run_metrics(void **state)
{
	struct world *w = *state;

	assert_int_equal(get(w, "/metrics", NULL, NULL), 200);
	assert_false(has(w, "sekisho_validate_"));
	w->ctx.validate = json_loads("{\"runs\":7,\"failed\":2,\"last_run\":1795305600,"
	    "\"signatures_known\":40,\"signatures_computed\":3,\"pins_lost\":1,"
	    "\"next_by_time\":\"2026-11-22T00:00:00Z\",\"points\":100,\"points_as_before\":90,"
	    "\"points_kept\":8,\"duration_usec\":1234567}", 0, NULL);
	assert_int_equal(get(w, "/metrics", NULL, NULL), 200);
	assert_true(has(w, "sekisho_validate_runs_total{result=\"good\"} 5\n"));
	assert_true(has(w, "sekisho_validate_runs_total{result=\"failed\"} 2\n"));
	assert_true(has(w, "sekisho_validate_last_run_timestamp_seconds 1795305600\n"));
	assert_true(has(w, "sekisho_validate_last_duration_seconds 1.234\n"));
	assert_true(has(w, "sekisho_validate_points{how=\"judged\"} 2\n"));
	assert_true(has(w, "sekisho_validate_points{how=\"as_before\"} 90\n"));
	assert_true(has(w, "sekisho_validate_points{how=\"kept\"} 8\n"));
	assert_true(has(w, "sekisho_validate_signatures{how=\"known\"} 40\n"));
	assert_true(has(w, "sekisho_validate_signatures{how=\"computed\"} 3\n"));
	assert_true(has(w, "sekisho_validate_next_timestamp_seconds 1795305600\n"));
	assert_true(has(w, "sekisho_validate_pins_lost_total 1\n"));
	json_decref(w->ctx.validate);
	w->ctx.validate = json_loads("{\"runs\":\"x\",\"next_by_time\":7,\"pins_lost\":-1}", 0, NULL);
	assert_int_equal(get(w, "/metrics", NULL, NULL), 200);
	assert_true(has(w, "sekisho_validate_runs_total{result=\"good\"} 0\n"));
	assert_false(has(w, "sekisho_validate_next_") || has(w, "sekisho_validate_points"));
}

/* A report of any shape harms nobody. */
static void
strange_reports(void **state)
{
	static const char *const texts[] = {
		"", "x", "[]", "{}", "{\"tas\":7,\"objects\":{},\"findings\":[1,[],{\"text\":5}]}",
		("{\"tas\":[1,{\"name\":5}],\"objects\":[7],\"findings_total\":[],"
		"\"findings_by_code\":[{\"code\":1}],\"duration_ms\":\"x\"}"),
		"{\"findings_total\":{\"REJECT\":-5},\"duration_ms\":-1}",
		"{\"guard\":7}", "{\"guard\":{\"held\":\"x\"}}", "{\"guard\":{\"held\":3}}",
		"{\"guard\":{\"held\":3,\"until\":\"soon\",\"hash\":\"h\"}}",
	};
	static const char *const paths[] = { "/api/v1/status", "/api/v1/findings", "/metrics" };
	struct world *w = *state;

	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		w->data = web_data_free(w->data);
		free(w->map);
		data_make(w, texts[i]);
		for (size_t k = 0; k < ARRAY_LEN(paths); k++)
			assert_int_equal(get(w, paths[k], NULL, NULL), 200);
	}
}

static void
routers(void **state)
{
	struct world *w = *state;

	assert_int_equal(get(w, "/api/v1/routers", NULL, NULL), 200);
	assert_true(json_is_null(at(w->json, "routers", 0)));
	w->ctx.routers = json_loads("{\"clients\":[{\"address\":\"a\"}]}", 0, NULL);
	assert_int_equal(get(w, "/api/v1/routers", NULL, NULL), 200);
	assert_string_equal(json_string_value(at(at(w->json, "routers", 0), "address", 0)), "a");
}

/* --- publication servers --- */

static int
source(struct world *w, const char *key, bool ok, int64_t when, const char *json)
{
	return web_sources_put(&w->sources, sv_str(key), ok, when, sv_str(json));
}

/* Good; failing since long; failing since now; never; and a trust anchor that fails. */
static void
five_sources(struct world *w)
{
	static const char fail[] = "{\"kind\":\"rrdp\",\"code\":\"FETCH_STATUS\",\"failures\":2,"
	    "\"args\":{\"url\":\"u<b>\",\"status\":503},\"bytes\":5,\"data\":true,"
	    "\"findings\":[{\"code\":\"FETCH_STATUS\"},{\"code\":\"FETCH_DNS\",\"args\":{\"host\":\"h\"}}]}";

	assert_int_equal(source(w, "good", true, NOW - 10, "{\"bytes\":100,\"failures\":0}"), 0);
	assert_int_equal(source(w, "long", true, NOW - 900, "{}"), 0);
	assert_int_equal(source(w, "long", false, NOW - 800, fail), 0);
	assert_int_equal(source(w, "long", false, NOW - 5, fail), 0);
	assert_int_equal(source(w, "short", false, NOW - 6, fail), 0);
	assert_int_equal(source(w, "never", false, NOW - 700,
	    "{\"code\":\"NO_SUCH_CODE\",\"uri\":\"https://Never.example/\"}"), 0);
	assert_int_equal(source(w, "anchor", false, NOW - 1, "{\"kind\":\"ta\",\"data\":true}"), 0);
}

/* The fetcher's findings are counted as the validator's are; codes of nobody are not. */
static void
server_findings(void **state)
{
	struct world *w = *state;

	five_sources(w);
	assert_int_equal(source(w, "odd", false, NOW, "{\"code\":\"RPKI_MFT_STALE\",\"findings\":"
	    "[7,{\"code\":\"NO_SUCH_CODE\"},{\"code\":\"RPKI_MFT_STALE\"}]}"), 0);
	assert_int_equal(get(w, "/metrics", NULL, NULL), 200);
	assert_true(has(w, "sekisho_findings_by_code{code=\"RPKI_X\",severity=\"REJECT\"} 2\n"));
	assert_true(has(w, "sekisho_findings_by_code{code=\"FETCH_STATUS\",severity=\"REJECT\"} 2\n"));
	assert_true(has(w, "sekisho_findings_by_code{code=\"FETCH_DNS\",severity=\"REJECT\"} 2\n"));
	assert_false(has(w, "NO_SUCH_CODE"));
	assert_int_equal(get(w, "/api/v1/status", NULL, NULL), 200);
	assert_true(has(w, "{\"code\":\"FETCH_DNS\",\"severity\":\"REJECT\",\"count\":2}"));
	w->ctx.data = NULL;
	assert_int_equal(get(w, "/metrics", NULL, NULL), 200);
	assert_true(has(w, "sekisho_findings_by_code{code=\"FETCH_DNS\",severity=\"REJECT\"} 2\n"));
	assert_false(has(w, "RPKI_X"));
	/* One that is good again has none. */
	assert_int_equal(source(w, "long", true, NOW, "{}"), 0);
	assert_int_equal(get(w, "/metrics", NULL, NULL), 200);
	assert_true(has(w, "sekisho_findings_by_code{code=\"FETCH_DNS\",severity=\"REJECT\"} 1\n"));
}

/* The keys of the answer, with spaces between. */
static const char *
keys_told(struct world *w)
{
	static char text[200];
	json_t *list = json_object_get(w->json, "servers"), *o;
	size_t i, n = 0;

	text[0] = '\0';
	json_array_foreach(list, i, o)
		n += (size_t)snprintf(text + n, sizeof(text) - n, "%s%s", i > 0 ? " " : "",
		    json_string_value(json_object_get(o, "key")));
	return text;
}

static void
servers(void **state)
{
	struct world *w = *state;
	json_t *o;

	assert_int_equal(get(w, "/api/v1/servers", NULL, NULL), 200);
	assert_int_equal(json_integer_value(at(w->json, "total", 0)), 0);
	five_sources(w);
	assert_int_equal(get(w, "/api/v1/servers", NULL, NULL), 200);
	assert_string_equal(keys_told(w), "anchor long short never good");
	assert_int_equal(json_integer_value(at(at(w->json, "counts", 0), "failing", 0)), 3);
	assert_int_equal(json_integer_value(at(at(w->json, "counts", 0), "never", 0)), 1);
	o = at(w->json, "servers", 1);
	assert_int_equal(json_integer_value(at(o, "since", 0)), NOW - 800);
	assert_int_equal(json_integer_value(at(o, "good_at", 0)), NOW - 900);
	assert_string_equal(json_string_value(at(o, "severity", 0)), "REJECT");
	assert_non_null(strstr(json_string_value(at(o, "text", 0)), "503"));
	assert_int_equal(json_array_size(json_object_get(o, "findings")), 1);
	o = at(w->json, "servers", 3);		/* a code that this program does not know */
	assert_string_equal(json_string_value(at(o, "code", 0)), "NO_SUCH_CODE");
	assert_null(json_object_get(o, "text"));
	assert_true(json_is_null(at(o, "good_at", 0)));
	/* It answers again: good since now. */
	assert_int_equal(source(w, "long", true, NOW, "{}"), 0);
	assert_int_equal(get(w, "/api/v1/servers", "state", "failing"), 200);
	assert_string_equal(keys_told(w), "anchor short");
}

static void
servers_filtered(void **state)
{
	struct world *w = *state;

	five_sources(w);
	assert_int_equal(get(w, "/api/v1/servers", "q", "nEVER.ex"), 200);
	assert_string_equal(keys_told(w), "never");
	assert_int_equal(get(w, "/api/v1/servers", "q", "fetch_status"), 200);
	assert_string_equal(keys_told(w), "long short");
	assert_int_equal(get(w, "/api/v1/servers", "limit", "2"), 200);
	assert_string_equal(keys_told(w), "anchor long");
	assert_int_equal(json_integer_value(at(w->json, "matched", 0)), 5);
	assert_int_equal(get(w, "/api/v1/servers", "state", "bad"), 400);
	assert_int_equal(get(w, "/api/v1/servers", "limit", "0"), 400);
	assert_int_equal(get(w, "/api/v1/servers", "lang", "ja"), 200);
	assert_true(has(w, "次") || has(w, "サーバ"));
}

static void
sources_bounded(void **state)
{
	struct world *w = *state;
	char key[20];

	assert_true(source(w, "x", true, NOW, "[]") < 0);
	assert_true(source(w, "x", true, NOW, "") < 0);
	assert_true(source(w, "x", true, NOW, "{\"a\":1,\"a\":2}") < 0);
	assert_int_equal(json_object_size(w->sources.by_key), 0);
	for (unsigned i = 0; i < WEB_SOURCES_MAX + 10; i++) {
		(void)snprintf(key, sizeof(key), "s%u", i);
		assert_int_equal(source(w, key, false, NOW - (int64_t)i, "{\"code\":\"FETCH_DNS\",\"bytes\":2}"), 0);
	}
	assert_int_equal(json_object_size(w->sources.by_key), WEB_SOURCES_MAX);
	assert_int_equal(get(w, "/api/v1/servers", NULL, NULL), 200);
	assert_int_equal(json_array_size(json_object_get(w->json, "servers")), WEB_SOURCES_DEFAULT);
	/* Series are fewer than servers, totals are exact. */
	assert_int_equal(get(w, "/metrics", NULL, NULL), 200);
	assert_true(has(w, "sekisho_fetch_servers{state=\"never\"} 4096\n"));
	assert_true(has(w, "sekisho_fetch_failures_total{code=\"FETCH_DNS\"} 4106\n"));
	assert_true(has(w, "sekisho_fetch_bytes_total 8212\n"));
	/* Those that nobody wants any more are forgotten. */
	web_sources_prune(&w->sources, NOW + WEB_SOURCE_FORGET_SEC - 9);
	assert_int_equal(json_object_size(w->sources.by_key), 10);
}

static void
fetch_metrics(void **state)
{
	struct world *w = *state;

	assert_int_equal(get(w, "/metrics", NULL, NULL), 200);
	assert_false(has(w, "sekisho_fetch"));
	five_sources(w);
	assert_int_equal(source(w, "quote\"\n", true, NOW, "{\"failures\":0}"), 0);
	assert_int_equal(get(w, "/metrics", NULL, NULL), 200);
	assert_true(has(w, "sekisho_fetch_servers{state=\"failing\"} 3\n"));
	assert_true(has(w, "sekisho_fetch_servers{state=\"good\"} 2\n"));
	assert_true(has(w, "sekisho_fetch_server_failures{server=\"long\"} 2\n"));
	assert_true(has(w, "sekisho_fetch_last_success_timestamp_seconds{server=\"quote\\\"\\n\"} 1795000000\n"));
	assert_false(has(w, "sekisho_fetch_last_success_timestamp_seconds{server=\"never\"}"));
	assert_true(has(w, "sekisho_fetch_attempts_total{result=\"failed\"} 5\n"));
	assert_true(has(w, "sekisho_fetch_failures_total{code=\"FETCH_STATUS\"} 3\n"));
	assert_false(has(w, "NO_SUCH_CODE"));
	assert_true(sv_ends(body(w), SV("# EOF\n")));
}

/* --- the guard --- */

static void
guard_told(void **state)
{
	struct world *w = *state;
	json_t *g;

	assert_int_equal(get(w, "/metrics", NULL, NULL), 200);
	assert_true(has(w, "sekisho_guard_held_payloads 0\n"));
	assert_false(has(w, "sekisho_guard_until"));
	assert_int_equal(get(w, "/api/v1/status", NULL, NULL), 200);
	assert_true(json_is_null(at(at(w->json, "data", 0), "guard", 0)));
	w->data = web_data_free(w->data);
	free(w->map);
	data_make(w, "{\"guard\":{\"held\":12,\"until\":\"2026-11-22T04:00:00Z\",\"hash\":\"abcd\"}}");
	assert_int_equal(get(w, "/metrics", NULL, NULL), 200);
	assert_true(has(w, "sekisho_guard_held_payloads 12\n"));
	assert_true(has(w, "sekisho_guard_until_timestamp_seconds 1795320000\n"));
	assert_int_equal(get(w, "/api/v1/status", NULL, NULL), 200);
	g = at(at(w->json, "data", 0), "guard", 0);
	assert_int_equal(json_integer_value(at(g, "held", 0)), 12);
	assert_int_equal(json_integer_value(at(g, "until", 0)), 1795320000);
	assert_string_equal(json_string_value(at(g, "hash", 0)), "abcd");
	assert_int_equal(get(w, "/healthz", NULL, NULL), 200);	/* the data are good */
}

/* --- over time --- */

static json_t *
point(struct world *w, size_t i)
{
	return json_array_get(json_object_get(w->json, "points"), i);
}

static void
points(void **state)
{
	struct world *w = *state;
	json_t *names;
	size_t n;

	web_points_add(&w->points, NOW, NULL, &w->sources);
	assert_int_equal(w->points.n, 0);
	five_sources(w);
	for (unsigned i = 0; i < 3 * WEB_POINTS_MAX; i++)
		web_points_add(&w->points, NOW + (int64_t)i * WEB_POINT_SEC, w->data, &w->sources);
	assert_in_range(w->points.n, WEB_POINTS_MAX / 2, WEB_POINTS_MAX);
	for (size_t i = 1; i < w->points.n; i++)
		assert_true(w->points.p[i].at > w->points.p[i - 1].at);
	assert_int_equal(w->points.p[0].at, NOW);
	assert_true(w->points.p[0].span > WEB_POINT_SEC);
	/* The clock went back; and twice in one second. */
	n = w->points.n;
	web_points_add(&w->points, NOW, w->data, &w->sources);
	web_points_add(&w->points, w->points.p[n - 1].at, w->data, &w->sources);
	assert_int_equal(w->points.n, n);
	assert_int_equal(get(w, "/api/v1/history", NULL, NULL), 200);
	names = json_object_get(w->json, "columns");
	assert_int_equal(json_array_size(names), json_array_size(point(w, 0)));
	for (size_t i = 0; i < json_array_size(names); i++) {
		const char *name = json_string_value(json_array_get(names, i));
		json_int_t v = json_integer_value(json_array_get(point(w, 0), i));

		if (strcmp(name, "vrps4") == 0 || strcmp(name, "reject") == 0)
			assert_int_equal(v, 2);
		if (strcmp(name, "age") == 0)
			assert_int_equal(v, 60);
		if (strcmp(name, "failing") == 0)
			assert_int_equal(v, 3);
	}
}

static void
history(void **state)
{
	struct world *w = *state;

	assert_int_equal(get(w, "/api/v1/history", NULL, NULL), 200);
	assert_true(json_is_false(at(w->json, "recorded", 0)));
	web_points_add(&w->points, NOW, w->data, &w->sources);
	w->ctx.history = json_loads("{\"recorded_since\":5,\"points\":[[100,300,1,2,3,4,5,6,7,8,9],"
	    "[200,300,1,2,3,4,5,6,7,8],[200,300,1,2,3,4,5,6,7,8,-1],[200,300,1,2,3,4,5,6,7,8,\"x\"],7,"
	    "[1795000000,300,1,2,3,4,5,6,7,8,9]],\"changes\":["
	    "{\"at\":9,\"kind\":\"vrp\",\"asn\":1,\"prefix\":\"192.0.2.0/25\"},"
	    "{\"at\":8,\"kind\":\"vrp\",\"asn\":1,\"prefix\":\"198.51.100.0/24\"},"
	    "{\"at\":7,\"kind\":\"aspa\",\"asn\":64496},{\"at\":6},7]}", 0, NULL);
	assert_non_null(w->ctx.history);
	assert_int_equal(get(w, "/api/v1/history", NULL, NULL), 200);
	/* One of the store, which is older than ours, and ours. */
	assert_int_equal(json_array_size(json_object_get(w->json, "points")), 2);
	assert_int_equal(json_integer_value(json_array_get(point(w, 0), 0)), 100);
	assert_true(json_is_null(json_array_get(point(w, 0), 11)));
	assert_int_equal(json_integer_value(json_array_get(point(w, 1), 0)), NOW);
	assert_int_equal(json_integer_value(at(w->json, "changes_total", 0)), 2);
	/* Later this moment is told, too, though it was not noted. */
	w->ctx.now = NOW + 9;
	assert_int_equal(get(w, "/api/v1/history", NULL, NULL), 200);
	assert_int_equal(json_array_size(json_object_get(w->json, "points")), 3);
	assert_int_equal(json_integer_value(json_array_get(point(w, 2), 0)), NOW + 9);
	assert_int_equal(json_integer_value(json_array_get(point(w, 2), 11)), 69);
	assert_int_equal(w->points.n, 1);
	assert_int_equal(json_integer_value(at(at(w->json, "changes", 1), "at", 0)), 7);
	assert_int_equal(json_integer_value(at(w->json, "recorded_since", 0)), 5);
}

static void
questions(void **state)
{
	struct world *w = *state;

	request(w, "/api/v1/explain");
	param(w, "subject", "  192.0.2.0/24 AS1 ");
	param(w, "lang", "ja");
	assert_int_equal(ask(w), 0);
	assert_true(sv_eq(w->question.subject, SV("192.0.2.0/24 AS1")));
	assert_int_equal(w->question.lang, LANG_JA);
	assert_int_equal(get(w, "/api/v1/explain", NULL, NULL), 400);
	assert_int_equal(get(w, "/api/v1/explain", "subject", " "), 400);
	assert_int_equal(get(w, "/api/v1/explain", "subject", "a\nb"), 400);
	assert_int_equal(get(w, "/api/v1/explain", "subjekt", "x"), 400);
}

static void
explained(void **state)
{
	static const struct {
		uint32_t	 code;
		struct sv	 json;
		unsigned	 status;
		const char	*error;
	} rows[] = {
		{ 0, SV("{\"state\":\"Valid\"}"), 200, "" },
		{ 1, SV("{\"state\":\"Invalid\"}"), 200, "" },
		{ 0, SV(""), 502, "failed" },
		{ 0, SV("[1]"), 502, "failed" },
		{ 1, SV("{\"cut\":"), 502, "failed" },
		{ 2, SV("{\"error\":\"no subject\"}"), 400, "not_understood" },
		{ 2, SV("rubbish"), 400, "not_understood" },
		{ 3, SV("{\"error\":\"no data\"}"), 502, "failed" },
		{ 99, SV("{}"), 502, "failed" },
	};
	struct world *w = *state;

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		http_res_done(&w->res);
		web_explained(&w->res, LANG_EN, rows[i].code, rows[i].json);
		assert_int_equal(w->res.status, rows[i].status);
		assert_string_equal(header(w, "Cache-Control"), "no-store");
		json_decref(w->json);
		w->json = json_loadb(w->res.body.p, w->res.body.len, 0, NULL);
		assert_string_equal(error(w), rows[i].error);
	}
	http_res_done(&w->res);
	web_explain_error(&w->res, LANG_JA, WEB_EXPLAIN_TIMEOUT);
	assert_int_equal(w->res.status, 504);
	http_res_done(&w->res);
	web_explain_error(&w->res, LANG_JA, WEB_EXPLAIN_BUSY);
	assert_int_equal(w->res.status, 503);
	assert_non_null(header(w, "Retry-After"));
}

#define W(fn)	cmocka_unit_test_setup_teardown(fn, setup, teardown)

TESTS_MAIN("app-web",
    W(hosts), W(cross_site), W(tokens), T(loopback_names), T(conf_lists),
    W(headers), W(page), W(languages), W(status), W(findings), W(vrps),
    W(health), W(metrics), W(run_metrics), W(server_findings), W(router_metrics_by_client),
    W(strange_reports), W(routers), W(questions),
    W(servers), W(servers_filtered), W(sources_bounded), W(fetch_metrics), W(guard_told),
    W(points), W(history),
    W(explained))
