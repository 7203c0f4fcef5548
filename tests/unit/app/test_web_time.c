/* Publication servers, the guard, and how it was over time. */
#include "web_kit.h"

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

TESTS_MAIN("app-web-time",
    W(servers), W(servers_filtered), W(sources_bounded), W(guard_told), W(points), W(history))
