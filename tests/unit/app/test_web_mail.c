/* Mail by the API: what is told, what is wrong, and what is not known. */
#include "app/mail_health.h"
#include "base/tr.h"
#include "web_kit.h"

#define DAY	86400

static json_t *
member(json_t *o, const char *key)
{
	return json_object_get(o, key);
}

/* As role report tells it, so much as matters here. */
static json_t *
reports_of(int64_t at, int64_t oldest, int sent, int given_up)
{
	return json_pack("{s:I, s:n, s:{s:i, s:I, s:n}, s:[{s:I, s:i, s:i}, {s:I, s:i, s:i}]}",
	    "now", (json_int_t)at, "journal_since", "queue", "due", 1, "oldest", (json_int_t)oldest,
	    "waiting_since", "reports",
	    "day", (json_int_t)(NOW - NOW % DAY - 5 * DAY), "sent", 0, "given_up", 99,
	    "day", (json_int_t)(NOW - NOW % DAY - DAY), "sent", sent, "given_up", given_up);
}

static const struct {
	int64_t		 told, oldest;		/* seconds ago */
	int		 sent, given_up;
	const char	*what[3];
	bool		 bad[3];
} rows[] = {
	{ 20, 60, 30, 0, { NULL }, { false } },
	{ 20, DAY + 1, 30, 0, { NULL }, { false } },
	{ 20, DAY + 1, 0, 0, { "queue" }, { false } },
	{ 20, 60, 30, 1, { "given_up" }, { false } },
	{ 3600, 60, 30, 0, { "told" }, { false } },
	{ 20, 3 * DAY, 0, 40, { "queue", "given_up" }, { true, true } },
	{ DAY, DAY + 1, 0, 0, { "told", "queue" }, { true, false } },
};

static void
trouble(void **state)
{
	struct world *w = *state;

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		size_t n = 0;

		w->ctx.reports = reports_of(NOW - rows[i].told, NOW - rows[i].oldest, rows[i].sent,
		    rows[i].given_up);
		assert_int_equal(get(w, "/api/v1/mail", "lang", "ja"), 200);
		for (; n < 3 && rows[i].what[n] != NULL; n++) {
			json_t *t = at(w->json, "trouble", n);

			assert_string_equal(json_string_value(member(t, "what")), rows[i].what[n]);
			assert_int_equal(json_is_true(member(t, "bad")), rows[i].bad[n]);
			assert_true(json_string_length(member(t, "text")) > 0);
			assert_true(json_string_length(member(t, "remedy")) > 0);
		}
		assert_int_equal(json_array_size(member(w->json, "trouble")), n);
		assert_int_equal(get(w, "/api/v1/status", NULL, NULL), 200);
		assert_int_equal(json_integer_value(member(member(w->json, "mail"), "trouble")), n);
		json_decref(w->ctx.reports);
		w->ctx.reports = NULL;
	}
}

static void
said_is(json_t *t, enum lang lang, const char *text, const char *remedy)
{
	assert_string_equal(json_string_value(member(t, "text")), tr(lang, text));
	assert_string_equal(json_string_value(member(t, "remedy")), tr(lang, remedy));
}

/* Rows that nobody takes, days without a report: what is wrong and what to do, in both languages. */
static void
trouble_of_rows(void **state)
{
	static const enum lang langs[] = { LANG_EN, LANG_JA };
	struct world *w = *state;

	w->ctx.reports = json_pack("{s:I, s:I, s:{s:I, s:n}}", "now", (json_int_t)NOW,
	    "journal_since", (json_int_t)NOW - DAY, "queue", "waiting_since",
	    (json_int_t)(NOW - NOW % DAY - 4 * DAY), "oldest");
	for (size_t i = 0; i < ARRAY_LEN(langs); i++) {
		assert_int_equal(get(w, "/api/v1/mail", "lang", langs[i] == LANG_JA ? "ja" : "en"), 200);
		assert_int_equal(json_array_size(member(w->json, "trouble")), 2);
		assert_true(json_is_true(member(at(w->json, "trouble", 0), "bad")));
		assert_true(json_is_false(member(at(w->json, "trouble", 1), "bad")));
		said_is(at(w->json, "trouble", 0), langs[i], mail_health_text(MAIL_HEALTH_JOURNAL),
		    mail_health_remedy(MAIL_HEALTH_JOURNAL));
		said_is(at(w->json, "trouble", 1), langs[i], mail_health_text(MAIL_HEALTH_ROWS),
		    mail_health_remedy(MAIL_HEALTH_ROWS));
	}
	json_decref(w->ctx.reports);
	w->ctx.reports = NULL;
}

/* What does not work now, in somebody else's words. */
static void
trouble_now(void **state)
{
	struct world *w = *state;
	json_t *t;

	w->ctx.reports = json_pack("{s:I, s:{s:s, s:s, s:i}}", "now", (json_int_t)NOW, "trouble", "of", "via",
	    "what", "mx.example: 421 <busy>", "since", 7);
	assert_int_equal(get(w, "/api/v1/mail", NULL, NULL), 200);
	t = at(w->json, "trouble", 0);
	assert_string_equal(json_string_value(member(t, "what")), "via");
	assert_string_equal(json_string_value(member(t, "said")), "mx.example: 421 <busy>");
	assert_int_equal(get(w, "/api/v1/mail", "lang", "ja"), 200);
	t = at(w->json, "trouble", 0);
	assert_string_equal(json_string_value(member(t, "text")), tr(LANG_JA, mail_trouble_text("via")));
	assert_true(json_is_false(member(t, "bad")));
	assert_int_equal(get(w, "/api/v1/status", NULL, NULL), 200);
	assert_int_equal(json_integer_value(member(member(w->json, "mail"), "trouble")), 1);
	json_decref(w->ctx.reports);
	w->ctx.reports = NULL;
}

/* No mail; a filter alone; a role that has not spoken; one that has. */
static void
known(void **state)
{
	struct world *w = *state;

	assert_int_equal(get(w, "/api/v1/status", NULL, NULL), 200);
	assert_true(json_is_null(member(w->json, "mail")));
	assert_int_equal(get(w, "/api/v1/mail", NULL, NULL), 200);
	assert_true(json_is_null(member(w->json, "filter")));
	w->ctx.house = json_pack("{s:[{s:s}]}", "roles", "name", "milter");
	assert_int_equal(get(w, "/api/v1/status", NULL, NULL), 200);
	assert_true(json_is_false(member(member(w->json, "mail"), "kept")));
	json_decref(w->ctx.house);
	w->ctx.house = NULL;
	w->ctx.mail = json_pack("{s:i}", "accepted", 7);
	assert_int_equal(get(w, "/api/v1/mail", NULL, NULL), 200);
	assert_int_equal(json_integer_value(member(member(w->json, "filter"), "accepted")), 7);
	assert_true(json_is_false(member(w->json, "kept")));
	assert_true(json_is_null(member(w->json, "reports")));
	w->ctx.house = json_pack("{s:[{s:s}, {s:s}]}", "roles", "name", "milter", "name", "report");
	assert_int_equal(get(w, "/api/v1/mail", NULL, NULL), 200);
	assert_true(json_is_true(member(w->json, "kept")));
	assert_int_equal(get(w, "/api/v1/status", NULL, NULL), 200);
	assert_true(json_is_true(member(member(w->json, "mail"), "kept")));
	assert_true(json_is_true(member(w->json, "names_only")));
	assert_true(json_is_null(member(w->json, "zones")));
	w->ctx.reports = json_loads("{\"now\":\"x\",\"queue\":7,\"reports\":[3,[],{}]}", 0, NULL);
	assert_int_equal(get(w, "/api/v1/mail", NULL, NULL), 200);
	assert_int_equal(json_array_size(member(w->json, "trouble")), 0);
	assert_int_equal(get(w, "/api/v1/mail", "q", "x"), 400);
	json_decref(w->ctx.mail);
	json_decref(w->ctx.house);
	json_decref(w->ctx.reports);
	w->ctx.mail = w->ctx.house = w->ctx.reports = NULL;
}

TESTS_MAIN("app-web-mail", W(trouble), W(trouble_of_rows), W(trouble_now), W(known))
