/* Zones and keys by the API, the calendar, the metrics and the health. */
#include <errno.h>

#include "web_kit.h"

#define DAY	86400

static const char zones[] = "{\"served\":2,\"good\":1,\"signatures\":77,\"list\":["
    "{\"zone\":\"a.example.\",\"served\":true,\"good\":true,\"serial\":7,\"horizon\":1795500000,\"next_signing\":1795100000,"
    "\"refusals\":3,\"refused_by\":{\"source\":2,\"audit\":1},\"sign_usec\":1234567},"
    "{\"zone\":\"b.example.\",\"served\":true,\"good\":false,\"why\":\"the zone file has errors\",\"why_since\":1794999000,"
    "\"horizon\":1796000000,\"sign_usec\":1000000}]}";
static const char keys[] = "{\"zones\":[{\"zone\":\"a.example.\",\"state\":\"ready\",\"why\":\"\",\"held\":true,\"ds_done\":false,"
    "\"ds_since\":1794900000,\"next\":1795050000,\"next_why\":\"until the life of the key ends\",\"keys\":["
    "{\"number\":1,\"role\":\"KSK\",\"tag\":11,\"name\":\"Ka.example.+013+00011\",\"goal\":\"omnipresent\",\"retires\":1799000000,"
    "\"dnskey\":[\"omnipresent\",1],\"keysig\":[\"omnipresent\",1],\"ds\":[\"omnipresent\",1]},"
    "{\"number\":2,\"role\":\"ZSK\",\"tag\":12,\"name\":\"Ka.example.+013+00012\",\"goal\":\"omnipresent\","
    "\"dnskey\":[\"rumoured\",1]}],"
    "\"waits\":[{\"why\":\"until the life of the key ends\",\"record\":\"ds\",\"key\":1,\"until\":1795600000},"
    "{\"why\":\"until the life of the key ends\",\"record\":\"ds\",\"key\":1,\"until\":1795700000}],"
    "\"todo\":[{\"act\":\"tell\",\"since\":1794900000,\"text\":\"enter the DS set at the registrar\","
    "\"ds\":[\"a.example. IN DS 11 13 2 AB\"]},{\"act\":\"backup\",\"key\":2}]}]}";

static void
two_zones(struct world *w)
{
	assert_int_equal(told_zones(&w->names, sv_str(zones)), 0);
	assert_int_equal(told_keys(&w->names, sv_str(keys)), 0);
}

static json_t *
member(json_t *o, const char *key)
{
	return json_object_get(o, key);
}

static int64_t
integer(json_t *o, const char *key)
{
	assert_true(json_is_integer(member(o, key)));
	return json_integer_value(member(o, key));
}

static void
list(void **state)
{
	struct world *w = *state;
	json_t *row;

	assert_int_equal(get(w, "/api/v1/zones", NULL, NULL), 200);
	assert_int_equal(integer(w->json, "total"), 0);
	assert_int_equal(get(w, "/api/v1/status", NULL, NULL), 200);
	assert_true(json_is_null(member(w->json, "zones")));
	two_zones(w);
	assert_int_equal(get(w, "/api/v1/zones", NULL, NULL), 200);
	assert_int_equal(integer(w->json, "total"), 2);
	assert_int_equal(integer(member(w->json, "counts"), "act"), 1);
	row = at(w->json, "zones", 0);		/* what broke stands before what waits */
	assert_string_equal(json_string_value(member(row, "zone")), "b.example.");
	assert_string_equal(json_string_value(member(row, "state")), "kept");
	assert_int_equal(integer(row, "why_since"), 1794999000);
	assert_null(member(row, "keys"));
	assert_int_equal(get(w, "/api/v1/zones", "state", "act"), 200);
	assert_int_equal(json_array_size(member(w->json, "zones")), 1);
	assert_int_equal(integer(w->json, "matched"), 1);
	assert_int_equal(get(w, "/api/v1/zones", "q", "B.EX"), 200);
	assert_int_equal(integer(w->json, "matched"), 1);
	assert_int_equal(get(w, "/api/v1/zones", "limit", "1"), 200);
	assert_int_equal(json_array_size(member(w->json, "zones")), 1);
	assert_int_equal(integer(w->json, "matched"), 2);
	assert_int_equal(get(w, "/api/v1/zones", "state", "odd"), 400);
	assert_int_equal(get(w, "/api/v1/zones", "limit", "0"), 400);
	assert_int_equal(get(w, "/api/v1/zones", "x", "1"), 400);
	assert_int_equal(get(w, "/api/v1/status", NULL, NULL), 200);
	assert_int_equal(integer(member(w->json, "zones"), "horizon"), 1795500000);
	assert_int_equal(integer(member(w->json, "zones"), "next_key_event"), 1795050000);
}

static void
one(void **state)
{
	struct world *w = *state;

	two_zones(w);
	assert_int_equal(get(w, "/api/v1/zone", "name", "c.example."), 404);
	assert_string_equal(error(w), "no_zone");
	assert_int_equal(get(w, "/api/v1/zone", NULL, NULL), 404);
	assert_int_equal(get(w, "/api/v1/zone", "name", "a.example."), 200);
	assert_int_equal(json_array_size(member(w->json, "keys")), 2);
	assert_string_equal(json_string_value(member(at(w->json, "keys", 1), "life")), "coming");
	assert_string_equal(json_string_value(at(at(w->json, "todo", 0), "ds", 0)), "a.example. IN DS 11 13 2 AB");
	assert_string_equal(json_string_value(member(at(w->json, "waits", 0), "key")), "Ka.example.+013+00011");
	request(w, "/api/v1/zone");
	param(w, "name", "a.example.");
	param(w, "lang", "ja");
	assert_int_equal(ask(w), 200);
	assert_string_not_equal(json_string_value(member(w->json, "to_do")), "enter the DS set at the registrar");
}

static size_t
times(const struct world *w, const char *text)
{
	struct sv s = body(w);
	const char *p;
	size_t n = 0;

	while (s.n > 0 && (p = memmem(s.p, s.n, text, strlen(text))) != NULL) {
		s = sv_skip(s, (size_t)(p - s.p) + strlen(text));
		n++;
	}
	return n;
}

static void
calendar(void **state)
{
	struct world *w = *state;

	assert_int_equal(get(w, "/zones.ics", NULL, NULL), 200);
	assert_string_equal(header(w, "Content-Type"), "text/calendar; charset=utf-8");
	assert_true(sv_starts(body(w), SV("BEGIN:VCALENDAR\r\n")) && sv_ends(body(w), SV("END:VCALENDAR\r\n")));
	assert_int_equal(times(w, "BEGIN:VEVENT"), 0);
	two_zones(w);
	assert_int_equal(get(w, "/zones.ics", NULL, NULL), 200);
	/* Of a: two demands, the end of a key, one step (not twice), the next event, the horizon. */
	assert_int_equal(times(w, "BEGIN:VEVENT"), 7);
	assert_int_equal(times(w, "\r\nUID:retires-Ka.example.%2B013%2B00011@a.example.sekisho\r\n"), 1);
	assert_int_equal(times(w, "\r\nUID:step-ds-Ka.example.%2B013%2B00011@a.example.sekisho\r\n"), 1);
	assert_int_equal(times(w, "\r\nUID:next@a.example.sekisho\r\n"), 1);
	assert_int_equal(times(w, "\r\nUID:horizon@b.example.sekisho\r\n"), 1);
	assert_int_equal(times(w, "\r\nUID:tell@a.example.sekisho\r\n"), 1);
	assert_true(has(w, "a.example. IN DS 11 13 2 AB"));
	assert_int_equal(get(w, "/zones.ics", "zone", "b.example."), 200);
	assert_int_equal(times(w, "BEGIN:VEVENT"), 1);
	assert_int_equal(get(w, "/zones.ics", "zone", "c.example."), 404);
	request(w, "/zones.ics");
	w->req.headers[HTTP_FETCH_SITE] = SV("cross-site");
	assert_int_equal(ask(w), 403);
	w->ctx.loopback = false;
	assert_int_equal(get(w, "/zones.ics", NULL, NULL), 401);
}

static void
metrics(void **state)
{
	struct world *w = *state;

	assert_int_equal(get(w, "/metrics", NULL, NULL), 200);
	assert_false(has(w, "sekisho_keys") || has(w, "sekisho_zone"));
	two_zones(w);
	assert_int_equal(get(w, "/metrics", NULL, NULL), 200);
	assert_true(has(w, "sekisho_zone_signing_seconds_total 2.234\n"));
	assert_true(has(w, "sekisho_zone_refusals_by_reason_total{reason=\"source\"} 2\n"));
	assert_true(has(w, "sekisho_zone_refusals_by_reason_total{reason=\"audit\"} 1\n"));
	assert_true(has(w, "sekisho_zone_refusals_by_reason_total{reason=\"signing\"} 0\n"));
	assert_true(has(w, "sekisho_keys{zone=\"a.example.\",role=\"KSK\",state=\"active\"} 1\n"));
	assert_true(has(w, "sekisho_keys{zone=\"a.example.\",role=\"KSK\",state=\"coming\"} 0\n"));
	assert_true(has(w, "sekisho_keys{zone=\"a.example.\",role=\"ZSK\",state=\"coming\"} 1\n"));
	assert_false(has(w, "role=\"CSK\"") || has(w, "sekisho_keys{zone=\"b.example.\""));
	assert_true(has(w, "sekisho_zone_next_key_event_timestamp_seconds{zone=\"a.example.\"} 1795050000\n"));
	assert_true(has(w, "sekisho_zone_keys_to_back_up{zone=\"a.example.\"} 1\n"));
	assert_true(has(w, "sekisho_zone_ds_demand_timestamp_seconds{zone=\"a.example.\"} 1794900000\n"));
	assert_true(has(w, "sekisho_zone_ds_unexpected{zone=\"a.example.\"} 0\n"));
	assert_true(has(w, "sekisho_zone_keys_held{zone=\"a.example.\"} 1\n"));
	assert_true(has(w, "sekisho_zone_keys_unusable{zone=\"a.example.\"} 0\n"));
	assert_true(has(w, "sekisho_zone_step_refused{zone=\"a.example.\"} 0\n"));
	assert_true(has(w, "sekisho_zone_todo{zone=\"a.example.\"} 2\n"));
	assert_false(has(w, "sekisho_zone_todo{zone=\"b.example.\"}"));
	assert_true(sv_ends(body(w), SV("# EOF\n")));
	/* The parent has followed. */
	assert_int_equal(told_keys(&w->names, SV("{\"zones\":[{\"zone\":\"a.example.\",\"ds_done\":true,\"ds_since\":5}]}")), 0);
	assert_int_equal(get(w, "/metrics", NULL, NULL), 200);
	assert_false(has(w, "sekisho_zone_ds_demand"));
}

/* Who has no routes is not told that they are missing; who has, is. */
static void
health(void **state)
{
	struct world *w = *state;

	two_zones(w);
	w->ctx.data = NULL;
	assert_int_equal(get(w, "/healthz", NULL, NULL), 503);
	w->ctx.house = json_loads("{\"roles\":[{\"name\":\"web\"},{\"name\":\"zone\"},7]}", 0, NULL);
	assert_int_equal(get(w, "/healthz", NULL, NULL), 200);
	assert_int_equal(get(w, "/api/v1/status", NULL, NULL), 200);
	assert_true(json_is_true(member(w->json, "names_only")));
	w->ctx.now = 1795500000;
	assert_int_equal(get(w, "/healthz", NULL, NULL), 503);
	assert_true(sv_eq(body(w), SV("zones\n")));
	assert_int_equal(get(w, "/api/v1/status", NULL, NULL), 200);
	assert_string_equal(json_string_value(member(w->json, "health_routes")), "ok");
	json_decref(w->ctx.house);
	w->ctx.house = json_loads("{\"roles\":[{\"name\":\"zone\"},{\"name\":\"validate\"}]}", 0, NULL);
	assert_int_equal(get(w, "/healthz", NULL, NULL), 503);
	assert_true(sv_eq(body(w), SV("no_data\n")));
}

/* Whatever is told: every route answers, and what it answers is JSON. */
static void
hostile(void **state)
{
	static const char *const docs[] = {
		("{\"list\":[{\"zone\":\"\\\"\\n{}\",\"why\":\"</script>\"}],\"zones\":[{\"zone\":\"\\\"\\n{}\",\"keys\":[{\"name\":\"\\r\\nX: y\","
		"\"role\":\"\\\"\"}],\"todo\":[{\"act\":\"\\r\\nEND:VCALENDAR\",\"text\":\"a\\nb\"}],\"next\":1}]}"),
		"{\"list\":[{\"zone\":\"z.\",\"horizon\":253402300800,\"serial\":1e400}]}",
		"{\"zones\":[{\"zone\":\"z.\",\"next\":9223372036854775806,\"keys\":[{\"retires\":9223372036854775806}]}]}",
	};
	static const char *const paths[] = { "/metrics", "/zones.ics", "/api/v1/zones", "/api/v1/status" };
	struct world *w = *state;

	for (size_t i = 0; i < ARRAY_LEN(docs); i++) {
		int rc = told_zones(&w->names, sv_str(docs[i]));

		assert_true(rc == 0 || rc == -EBADMSG);
		rc = told_keys(&w->names, sv_str(docs[i]));
		assert_true(rc == 0 || rc == -EBADMSG);
		for (size_t k = 0; k < ARRAY_LEN(paths); k++) {
			assert_int_equal(get(w, paths[k], NULL, NULL), 200);
			assert_true(k < 2 || w->json != NULL);
			/* A year has four digits. */
			assert_true(k != 1 || i != 2 || times(w, "BEGIN:VEVENT") == 0);
		}
	}
	assert_int_equal(told_zones(&w->names, sv_str(docs[0])), 0);
	assert_int_equal(told_keys(&w->names, sv_str(docs[0])), 0);
	assert_int_equal(get(w, "/zones.ics", NULL, NULL), 200);
	assert_int_equal(times(w, "\r\nEND:VCALENDAR\r\n"), 1);
	assert_int_equal(get(w, "/metrics", NULL, NULL), 200);
	assert_true(has(w, "zone=\"\\\"\\n{}\""));
}

TESTS_MAIN("app-web-zones", W(list), W(one), W(calendar), W(metrics), W(health), W(hostile))
