/* The routes as a pure function: who may ask, and what is answered. */
#include "web_kit.h"

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
routers(void **state)
{
	struct world *w = *state;

	assert_int_equal(get(w, "/api/v1/routers", NULL, NULL), 200);
	assert_true(json_is_null(at(w->json, "routers", 0)));
	w->ctx.routers = json_loads("{\"clients\":[{\"address\":\"a\"}]}", 0, NULL);
	assert_int_equal(get(w, "/api/v1/routers", NULL, NULL), 200);
	assert_string_equal(json_string_value(at(at(w->json, "routers", 0), "address", 0)), "a");
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

TESTS_MAIN("app-web",
    W(hosts), W(cross_site), W(tokens), T(loopback_names), T(conf_lists),
    W(headers), W(page), W(languages), W(status), W(findings), W(vrps), W(routers),
    W(questions), W(explained))
