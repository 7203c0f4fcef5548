/* What the tests of the routes share: a world with data, requests, answers. */
#ifndef TESTS_UNIT_APP_WEB_KIT_H
#define TESTS_UNIT_APP_WEB_KIT_H

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
	struct told		 names;
	struct web_ctx		 ctx;
	struct http_req		 req;
	struct http_res		 res;
	struct web_question	 question;
	json_t			*json;		/* the last body */
};

/* No cryptography here: a sum that snapshot_open() computes alike. */
UNUSED static void
digest(const void *p, size_t n, uint8_t ret[static SNAPSHOT_SUM_LEN])
{
	uint64_t h = 0;

	for (size_t i = 0; i < n; i++)
		h = h * 31 + ((const uint8_t *)p)[i];
	memset(ret, 0, SNAPSHOT_SUM_LEN);
	memcpy(ret, &h, sizeof(h));
}

UNUSED static struct vrp
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

UNUSED static void
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

UNUSED static int
setup(void **state)
{
	struct world *w = calloc(1, sizeof(*w));

	assert_int_equal(web_conf_init(&w->conf, SV(""), SV("Org"), SV("AS64496\n"),
	    SV("192.0.2.0/24\n\n2001:db8::/32")), 0);
	w->ctx = (struct web_ctx){ .now = NOW, .loopback = true, .conf = &w->conf,
	    .stats = &w->stats, .sources = &w->sources, .points = &w->points,
	    .names = &w->names };
	data_make(w, report);
	*state = w;
	return 0;
}

UNUSED static int
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
	told_done(&w->names);
	web_conf_done(&w->conf);
	(void)web_data_free(w->data);
	free(w->map);
	free(w);
	return 0;
}

/* A request as a well-behaved client sends it; then change w->req. */
UNUSED static void
request(struct world *w, const char *path)
{
	w->req = (struct http_req){ .path = sv_str(path) };
	w->req.headers[HTTP_HOST] = SV("localhost:8283");
}

UNUSED static void
param(struct world *w, const char *key, const char *value)
{
	w->req.query[w->req.n_query++] = (struct http_param){ sv_str(key), sv_str(value) };
}

UNUSED static unsigned
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

UNUSED static unsigned
get(struct world *w, const char *path, const char *key, const char *value)
{
	request(w, path);
	if (key != NULL)
		param(w, key, value);
	return ask(w);
}

UNUSED static const char *
header(const struct world *w, const char *name)
{
	for (unsigned i = 0; i < w->res.n_headers; i++)
		if (strcmp(w->res.headers[i].name, name) == 0)
			return w->res.headers[i].value;
	return NULL;
}

UNUSED static struct sv
body(const struct world *w)
{
	return w->res.fixed.n > 0 ? w->res.fixed : buf_get(&w->res.body);
}

UNUSED static bool
has(const struct world *w, const char *text)
{
	return body(w).n > 0 && memmem(body(w).p, body(w).n, text, strlen(text)) != NULL;
}

UNUSED static const char *
error(const struct world *w)
{
	const char *s = json_string_value(json_object_get(w->json, "error"));

	return s == NULL ? "" : s;
}

UNUSED static json_t *
at(json_t *j, const char *key, size_t i)
{
	json_t *v = json_object_get(j, key);

	return json_is_array(v) ? json_array_get(v, i) : v;
}

UNUSED static int
source(struct world *w, const char *key, bool ok, int64_t when, const char *json)
{
	return web_sources_put(&w->sources, sv_str(key), ok, when, sv_str(json));
}

/* Good; failing since long; failing since now; never; and a trust anchor that fails. */
UNUSED static void
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

#define W(fn)	cmocka_unit_test_setup_teardown(fn, setup, teardown)

#endif
