/* What a reader sees of reports: the numbers of a small store, and the size of the worst one. */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../tap.h"
#include "app/mail_reports.h"
#include "app/mail_reports_told.h"
#include "base/buf.h"
#include "mail/mail.h"

#define DAY	20000		/* 2024-10-04 */
#define T0	(DAY * (int64_t)REPORTS_DAY_SEC)

struct world {
	char		 folder[64], where[256];
	struct reports	*r;
	json_t		*told;
	size_t		 len;
};

static void
world_init(struct world *w)
{
	*w = (struct world){ 0 };
	(void)snprintf(w->folder, sizeof(w->folder), "/tmp/told.XXXXXX");
	assert_non_null(mkdtemp(w->folder));
	(void)snprintf(w->where, sizeof(w->where), "%s/reports.db", w->folder);
	assert_int_equal(reports_open(w->where, &w->r), 0);
}

static void
world_done(struct world *w)
{
	static const char *const names[] = { "", "-wal", "-shm" };
	char path[512];

	(void)reports_free(w->r);
	json_decref(w->told);
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		(void)snprintf(path, sizeof(path), "%s%s", w->where, names[i]);
		(void)unlink(path);
	}
	assert_int_equal(rmdir(w->folder), 0);
}

static void
tell_more(struct world *w, int64_t now, const struct mail_reports_more *more)
{
	struct buf b = BUF_INIT;

	assert_int_equal(mail_reports_told(w->r, now, more, &b), 0);
	json_decref(w->told);
	w->told = json_loadb(b.p, b.len, JSON_REJECT_DUPLICATES, NULL);
	assert_non_null(w->told);
	w->len = b.len;
	buf_done(&b);
}

static void
tell(struct world *w, int64_t now)
{
	const struct mail_reports_more more = { .journal_at = -1, .trouble_of = SV("via"),
		.trouble = SV("mx.example: 421 busy"), .trouble_since = T0 };

	tell_more(w, now, &more);
}

static void
take(struct world *w, const struct reports_row *rows, size_t n)
{
	uint64_t is_new;

	assert_int_equal(reports_begin(w->r), 0);
	assert_int_equal(reports_end(w->r, reports_add(w->r, rows, n, &is_new)), 0);
}

static void
is_text(const json_t *j, const char *want)
{
	char *text = json_dumps(j, JSON_COMPACT | JSON_SORT_KEYS | JSON_ENCODE_ANY);

	assert_string_equal(text, want);
	free(text);
}

static void
test_empty(void **state)
{
	struct world w;

	(void)state;
	world_init(&w);
	tell(&w, T0);
	is_text(json_object_get(w.told, "hours"), "[]");
	is_text(json_object_get(w.told, "queue"),
	    "{\"due\":0,\"oldest\":null,\"unaddressed\":0,\"waiting_since\":null}");
	is_text(json_object_get(w.told, "dead_total"), "0");
	is_text(json_object_get(w.told, "journal_since"), "null");
	is_text(json_object_get(w.told, "trouble"),
	    "{\"of\":\"via\",\"since\":1728000000,\"what\":\"mx.example: 421 busy\"}");
	tell_more(&w, T0, &(struct mail_reports_more){ .journal_at = T0 - 5, .trouble = SV("old") });
	is_text(json_object_get(w.told, "now"), "1728000000");
	is_text(json_object_get(w.told, "journal_since"), "1727999995");
	is_text(json_object_get(w.told, "trouble"), "null");
	world_done(&w);
}

static struct reports_row
row(const char *id, int64_t at, enum mail_result dmarc, enum mail_result arc, enum reports_act act)
{
	static const struct sv name = { "example.com", 11 };

	return (struct reports_row){ .node = SV("mx"), .queue_id = sv_str(id), .at = at,
		.domain = name, .policy = SV("p"), .alike = SV("x"), .rua = SV("r"),
		.is_wanted = true, .act = act, .dmarc = dmarc, .arc = arc, .names = &name,
		.n_names = dmarc == MAIL_PASS };
}

/* pass, fail, of it with ARC, none, error, quarantined, rejected. */
static void
test_results(void **state)
{
	const struct reports_row rows[] = {
		row("a", T0 - 86400 * 30, MAIL_PASS, MAIL_NONE, REPORTS_PASSED),	/* too old */
		row("b", T0 - 86400, MAIL_PASS, MAIL_NONE, REPORTS_PASSED),
		row("c", T0 + 1, MAIL_PASS, MAIL_PASS, REPORTS_PASSED),
		row("d", T0 + 2, MAIL_FAIL, MAIL_NONE, REPORTS_REJECTED),
		row("e", T0 + 3, MAIL_FAIL, MAIL_PASS, REPORTS_PASSED),
		row("f", T0 + 4, MAIL_FAIL, MAIL_FAIL, REPORTS_QUARANTINED),
		row("g", T0 + 3600, MAIL_NONE, MAIL_NONE, REPORTS_PASSED),
		row("h", T0 + 3601, MAIL_TEMPERROR, MAIL_NONE, REPORTS_PASSED),
	};
	struct world w;

	(void)state;
	world_init(&w);
	take(&w, rows, ARRAY_LEN(rows));
	tell(&w, T0 + 7200);
	is_text(json_object_get(w.told, "columns"),
	    "[\"pass\",\"fail\",\"fail_arc\",\"none\",\"error\",\"quarantined\",\"rejected\"]");
	is_text(json_object_get(w.told, "hours"), "[[1727913600,1,0,0,0,0,0,0],"
	    "[1728000000,1,3,1,0,0,1,1],[1728003600,0,0,0,1,1,0,0]]");
	is_text(json_object_get(w.told, "days"), "[[1727913600,1,0,0,0,0,0,0],"
	    "[1728000000,1,3,1,1,1,1,1]]");
	is_text(json_object_get(w.told, "domains"), "[{\"complaints\":0,\"domain\":\"example.com\","
	    "\"first\":1725408000,\"last\":1728000001,\"messages\":3,\"passed\":3,"
	    "\"quarantined\":0,\"rejected\":0}]");
	is_text(json_object_get(w.told, "domains_total"), "1");
	is_text(json_object_get(json_object_get(w.told, "queue"), "waiting_since"), "1725408000");
	tell(&w, T0 + 86400 * 2);		/* hours slide away one by one */
	is_text(json_object_get(w.told, "hours"), "[[1728003600,0,0,0,1,1,0,0]]");
	world_done(&w);
}

/* Those with the most messages first; what was done with them stands under its name. */
static void
test_domains(void **state)
{
	static const enum reports_act acts[] = { REPORTS_REJECTED, REPORTS_REJECTED, REPORTS_REJECTED,
		REPORTS_QUARANTINED, REPORTS_QUARANTINED, REPORTS_PASSED };
	struct reports_row one = row("z", T0, MAIL_PASS, MAIL_NONE, REPORTS_PASSED);
	struct sv name = SV("a.example");
	struct world w;

	(void)state;
	world_init(&w);
	one.names = &name;
	take(&w, &one, 1);
	name = SV("b.example");
	for (size_t i = 0; i < ARRAY_LEN(acts); i++) {
		char id[8];

		(void)snprintf(id, sizeof(id), "b%zu", i);
		one.queue_id = sv_str(id);
		one.act = acts[i];
		take(&w, &one, 1);
	}
	tell(&w, T0 + 60);
	is_text(json_object_get(w.told, "domains"), "[{\"complaints\":0,\"domain\":\"b.example\","
	    "\"first\":1728000000,\"last\":1728000000,\"messages\":6,\"passed\":1,"
	    "\"quarantined\":2,\"rejected\":3},{\"complaints\":0,\"domain\":\"a.example\","
	    "\"first\":1728000000,\"last\":1728000000,\"messages\":1,\"passed\":1,"
	    "\"quarantined\":0,\"rejected\":0}]");
	world_done(&w);
}

static void
test_queue(void **state)
{
	static const struct sv to[] = { { "a@x.example", 11 }, { "b@x.example", 11 } };
	const struct reports_row one = row("a", T0, MAIL_PASS, MAIL_NONE, REPORTS_PASSED);
	const struct reports_outcome later = { REPORTS_DUE, false, T0 + 90100, T0 + 93700,
	    { "451 busy", 8 } };
	const struct reports_outcome gone = { REPORTS_GIVEN_UP, true, T0 + 90200, 0, { "550 no", 6 } };
	struct world w;
	unsigned n;

	(void)state;
	world_init(&w);
	take(&w, &one, 1);
	assert_int_equal(reports_make(w.r, SV("example.com"), DAY, T0 + 90000, &n), 0);
	tell(&w, T0 + 90001);
	is_text(json_object_get(w.told, "queue"),
	    "{\"due\":0,\"oldest\":null,\"unaddressed\":1,\"waiting_since\":null}");
	assert_int_equal(reports_address(w.r, 1, to, 2, T0 + 90000), 0);
	assert_int_equal(reports_tried(w.r, 1, to[0], &later), 0);
	for (unsigned i = 0; i < MAIL_REPORTS_DEAD_MAX; i++)
		assert_int_equal(reports_tried(w.r, 1, to[1], &gone), 0);
	tell(&w, T0 + 90300);
	is_text(json_object_get(w.told, "queue"),
	    "{\"due\":1,\"oldest\":1728090000,\"unaddressed\":0,\"waiting_since\":null}");
	is_text(json_object_get(w.told, "next"), "[{\"address\":\"a@x.example\",\"attempts\":1,"
	    "\"day\":1728000000,\"domain\":\"example.com\",\"error\":\"451 busy\",\"id\":1,"
	    "\"next\":1728093700}]");
	is_text(json_object_get(w.told, "dead"),
	    "[{\"address\":\"b@x.example\",\"at\":1728090200,\"failures\":3}]");
	is_text(json_object_get(w.told, "reports"), "[{\"day\":1728086400,\"failed\":1,"
	    "\"given_up\":3,\"made\":1,\"no_address\":0,\"sent\":0}]");
	is_text(json_object_get(json_object_get(w.told, "totals"), "rows"), "1");
	tell(&w, T0 + 86400 * 14);		/* what happened is told for so many days */
	assert_int_equal(json_array_size(json_object_get(w.told, "reports")), 1);
	tell(&w, T0 + 86400 * 15);
	is_text(json_object_get(w.told, "reports"), "[]");
	tell(&w, T0 + 90200 + MAIL_REPORTS_DEAD_SEC);	/* a month later there is hope again */
	is_text(json_object_get(w.told, "dead"), "[]");
	world_done(&w);
}

static void
is_first(const struct world *w, const char *key, const char *member, const char *want)
{
	is_text(json_object_get(json_array_get(json_object_get(w->told, key), 0), member), want);
}

/* More than is shown: lists end where they are to, totals do not. */
static void
test_many(void **state)
{
	struct reports_outcome gone = { REPORTS_GIVEN_UP, true, T0, 0, { "550", 3 } };
	struct reports_row one = row("a", T0, MAIL_PASS, MAIL_NONE, REPORTS_PASSED);
	struct world w;
	unsigned made;

	(void)state;
	world_init(&w);
	for (unsigned i = 0; i < MAIL_REPORTS_TOLD_DOMAINS + 3; i++) {
		char name[16], good[24], dead[24];
		struct sv domain, to[2];

		(void)snprintf(name, sizeof(name), "d%u.example", i);
		(void)snprintf(good, sizeof(good), "a@%s", name);
		(void)snprintf(dead, sizeof(dead), "b@%s", name);
		domain = one.domain = one.queue_id = sv_str(name);
		to[0] = sv_str(good);
		to[1] = sv_str(dead);
		one.names = &domain;
		take(&w, &one, 1);
		if (i > MAIL_REPORTS_TOLD_DEAD)
			continue;
		assert_int_equal(reports_make(w.r, domain, DAY, T0 + 90000 + i, &made), 0);
		assert_int_equal(reports_address(w.r, i + 1, to, 2, T0 + 90000 - i), 0);
		gone.at = T0 + i;
		for (unsigned k = 0; k < MAIL_REPORTS_DEAD_MAX; k++)
			assert_int_equal(reports_tried(w.r, i + 1, to[1], &gone), 0);
	}
	tell(&w, T0 + 90001);
	assert_int_equal(json_array_size(json_object_get(w.told, "domains")), MAIL_REPORTS_TOLD_DOMAINS);
	is_text(json_object_get(w.told, "domains_total"), "53");
	assert_int_equal(json_array_size(json_object_get(w.told, "next")), MAIL_REPORTS_TOLD_NEXT);
	is_text(json_object_get(json_object_get(w.told, "queue"), "due"), "21");
	is_text(json_object_get(json_object_get(w.told, "queue"), "oldest"), "1728090000");
	assert_int_equal(json_array_size(json_object_get(w.told, "dead")), MAIL_REPORTS_TOLD_DEAD);
	is_text(json_object_get(w.told, "dead_total"), "21");
	/* The first that is tried; what was given up, and who failed, last. */
	is_first(&w, "next", "id", "21");
	is_first(&w, "given_up", "id", "21");
	is_first(&w, "dead", "address", "\"b@d20.example\"");
	world_done(&w);
}

/* Whether all is well, from the same store: what went out is of yesterday and today. */
static void
test_facts(void **state)
{
	static const struct sv to[] = { { "a@x.example", 11 }, { "b@x.example", 11 },
		{ "c@x.example", 11 } };
	const struct reports_row rows[] = { row("a", T0, MAIL_PASS, MAIL_NONE, REPORTS_PASSED),
		row("b", T0 + 86400, MAIL_PASS, MAIL_NONE, REPORTS_PASSED) };
	const struct reports_outcome sent = { REPORTS_SENT, false, T0 + 90100, 0, { "", 0 } };
	const struct reports_outcome gone = { REPORTS_GIVEN_UP, true, T0 + 86400 * 2, 0, { "550", 3 } };
	const struct reports_outcome later = { REPORTS_DUE, false, T0 + 86400 * 2, T0 + 86400 * 9,
	    { "451", 3 } };
	static const struct {
		int64_t		 day;
		uint64_t	 n_sent, n_given_up;
	} want[] = { { 1, 1, 0 }, { 2, 1, 2 }, { 3, 0, 2 }, { 4, 0, 0 } };
	struct mail_health_facts f;
	struct world w;
	unsigned n;

	(void)state;
	world_init(&w);
	assert_int_equal(mail_reports_facts(w.r, T0, &f), 0);
	assert_true(f.told_at == -1 && f.journal_at == -1 && f.rows_day == -1 && f.due_made == -1);
	assert_true(f.now == T0 && f.n_sent == 0 && f.n_given_up == 0);
	take(&w, rows, ARRAY_LEN(rows));
	assert_int_equal(reports_make(w.r, SV("example.com"), DAY, T0 + 90000, &n), 0);
	assert_int_equal(reports_address(w.r, 1, to, 3, T0 + 90000), 0);
	assert_int_equal(reports_tried(w.r, 1, to[0], &sent), 0);
	for (size_t i = 0; i < ARRAY_LEN(want); i++) {
		assert_int_equal(mail_reports_facts(w.r, T0 + want[i].day * 86400, &f), 0);
		assert_int_equal(f.n_sent, want[i].n_sent);
		assert_int_equal(f.n_given_up, want[i].n_given_up);
		assert_int_equal(f.rows_day, T0 + 86400);
		assert_int_equal(f.due_made, T0 + 90000);
		if (i > 0)
			continue;
		assert_int_equal(reports_tried(w.r, 1, to[1], &gone), 0);
		assert_int_equal(reports_tried(w.r, 1, to[1], &gone), 0);
		assert_int_equal(reports_tried(w.r, 1, to[2], &later), 0);
	}
	world_done(&w);
}

/* Names of strangers as long and as odd as can be: lists are cut, the object is whole. */
static void
test_worst(void **state)
{
	char odd[400];
	struct sv name = { odd, sizeof(odd) }, to = { odd, sizeof(odd) };
	struct reports_outcome gone = { REPORTS_GIVEN_UP, true, T0, 0, { odd, sizeof(odd) } };
	struct reports_row one = row("a", T0, MAIL_FAIL, MAIL_PASS, REPORTS_PASSED);
	struct world w;
	unsigned n;

	(void)state;
	world_init(&w);
	(void)memset(odd, '\1', sizeof(odd));
	for (unsigned i = 0; i < 60; i++) {
		char id[8];

		(void)snprintf(id, sizeof(id), "%u", i);
		odd[0] = (char)('A' + i);
		one.queue_id = sv_str(id);
		one.at = T0 - i * (int64_t)3600;
		one.names = &name;
		one.n_names = 1;
		one.domain = name;
		take(&w, &one, 1);
		assert_int_equal(reports_make(w.r, name, reports_day(one.at), T0, &n), 0);
		assert_int_equal(reports_address(w.r, i + 1, &to, 1, T0), 0);
		for (unsigned k = 0; k < 3 && i % 2 == 0; k++)
			assert_int_equal(reports_tried(w.r, i + 1, to, &gone), 0);
	}
	tell(&w, T0);
	assert_true(w.len <= MAIL_REPORTS_TOLD_MAX);
	assert_true(json_array_size(json_object_get(w.told, "domains")) > 5);
	assert_true(json_array_size(json_object_get(w.told, "next")) > 1);
	assert_true(json_array_size(json_object_get(w.told, "given_up")) > 0);
	assert_true(json_array_size(json_object_get(w.told, "dead")) > 0);
	is_text(json_object_get(w.told, "dead_total"), "30");
	is_text(json_object_get(w.told, "domains_total"), "60");
	world_done(&w);
}

TESTS_MAIN("mail_reports_told", T(test_empty), T(test_results), T(test_domains),
    T(test_queue), T(test_many), T(test_facts), T(test_worst))
