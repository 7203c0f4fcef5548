/*
 * Rows and reports in tables: nothing twice, nothing lost. In an SQLite file, or where
 * SEKISHO_REPORTS says: an address to which a number is added, one database a test.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "../tap.h"
#include "base/buf.h"
#include "base/err.h"
#include "store/reports.h"

#define DAY	20000
#define T0	(DAY * (int64_t)REPORTS_DAY_SEC)

/* --- a store of its own --- */

struct world {
	char		 where[256], folder[64];
	struct reports	*r;
	struct pool	*pool;
	struct buf	 seen;		/* what was handed out, as text */
};

static bool
on_server(void)
{
	return getenv("SEKISHO_REPORTS") != NULL;
}

static void
world_init(struct world *w, unsigned n)
{
	*w = (struct world){ .pool = pool_new(1 << 20) };
	(void)snprintf(w->folder, sizeof(w->folder), "/tmp/reports.XXXXXX");
	assert_non_null(mkdtemp(w->folder));
	if (on_server())
		(void)snprintf(w->where, sizeof(w->where), "%s%u", getenv("SEKISHO_REPORTS"), n);
	else
		(void)snprintf(w->where, sizeof(w->where), "%s/reports.db", w->folder);
	assert_int_equal(reports_open(w->where, &w->r), 0);
}

static void
world_done(struct world *w)
{
	static const char *const names[] = { "", "-wal", "-shm", "-sender", "-sender-journal" };
	char path[512];

	(void)reports_free(w->r);
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		(void)snprintf(path, sizeof(path), "%s%s", w->where, names[i]);
		(void)unlink(path);
	}
	assert_int_equal(rmdir(w->folder), 0);
	buf_done(&w->seen);
	(void)pool_free(w->pool);
}

static struct reports_row
row(const char *id, int64_t at, const char *alike)
{
	static const struct sv names[] = { { "example.com", 11 }, { "a.example", 9 } };

	return (struct reports_row){ .node = SV("mx1"), .queue_id = sv_str(id), .at = at,
		.domain = SV("example.com"), .policy = SV("\1p=none"), .alike = sv_str(alike),
		.rua = SV("mailto:d@example.com"), .is_wanted = true, .act = REPORTS_PASSED,
		.names = names, .n_names = 2 };
}

/* A segment of as many. *ret_new: rows that were not there. */
static int
take(struct reports *r, const struct reports_row *rows, size_t n, unsigned *ret_new)
{
	int rc = reports_begin(r);
	uint64_t is_new = 0;

	*ret_new = 0;
	if (rc < 0)
		return rc;
	rc = reports_add(r, rows, n, &is_new);
	for (size_t i = 0; i < n && rc == 0; i++)
		*ret_new += (is_new >> i & 1) != 0;
	return reports_end(r, rc);
}

static void
took(struct world *w, const struct reports_row *rows, size_t n, unsigned want)
{
	unsigned n_new;

	assert_int_equal(take(w->r, rows, n, &n_new), 0);
	assert_int_equal(n_new, want);
}

static void
said(struct world *w, const char *want)
{
	buf_char(&w->seen, '\0');
	assert_string_equal(w->seen.p, want);
	w->seen.len = 0;
}

/* --- what is handed out --- */

static int
sum_put(void *arg, struct sv alike, uint64_t count)
{
	struct world *w = arg;

	buf_printf(&w->seen, "%.*s=%llu ", SV_ARG(alike), (unsigned long long)count);
	return 0;
}

static int
domain_put(void *arg, int64_t day, struct sv domain)
{
	struct world *w = arg;

	buf_printf(&w->seen, "%lld:%.*s ", (long long)(day - DAY), SV_ARG(domain));
	return 0;
}

static int
report_put(void *arg, const struct reports_report *x)
{
	struct world *w = arg;

	buf_printf(&w->seen, "%llu:%lld:%.*s ", (unsigned long long)x->id,
	    (long long)(x->day - DAY), SV_ARG(x->policy));
	return 0;
}

static int
sending_put(void *arg, const struct reports_sending *s)
{
	struct world *w = arg;

	buf_printf(&w->seen, "%llu>%.*s:%u:%llu:%lld:%.*s ", (unsigned long long)s->report.id,
	    SV_ARG(s->address), s->state,
	    (unsigned long long)s->attempts, (long long)s->next, SV_ARG(s->error));
	return 0;
}

static int
seen_put(void *arg, const struct reports_seen *s)
{
	struct world *w = arg;

	buf_printf(&w->seen, "%.*s:%lld-%lld:%llu:%llu/%llu/%llu:%llu ", SV_ARG(s->domain),
	    (long long)(s->first - T0), (long long)(s->last - T0),
	    (unsigned long long)s->n_messages, (unsigned long long)s->n_acts[0],
	    (unsigned long long)s->n_acts[1],
	    (unsigned long long)s->n_acts[2], (unsigned long long)s->n_complaints);
	return 0;
}

/* --- tests --- */

static void
test_once(void **state)
{
	struct world w;
	struct reports_row rows[] = { row("a", T0, "x"), row("b", T0 + 5, "x"), row("c", T0 + 2,
	    "y") };
	struct reports_seen s;
	unsigned n = 0;

	(void)state;
	world_init(&w, 1);
	rows[2].act = REPORTS_REJECTED;
	took(&w, rows, 3, 3);
	took(&w, rows, 3, 0);			/* the same segment again */
	rows[0].at++;				/* its queue id came again */
	took(&w, rows, 3, 1);
	rows[0].node = SV("mx2");
	took(&w, rows, 3, 1);
	assert_int_equal(reports_seen_each(w.r, 10, seen_put, &w), 0);
	said(&w, "a.example:0-5:5:4/0/1:0 example.com:0-5:5:4/0/1:0 ");
	assert_int_equal(reports_make(w.r, SV("example.com"), DAY, T0 + 90000, &n), 0);
	assert_int_equal(n, 1);
	assert_int_equal(reports_rows(w.r, 1, sum_put, &w), 0);
	said(&w, "x=4 y=1 ");
	assert_int_equal(reports_complain(w.r, SV("a.example"), T0 + 9, 2), 0);
	assert_int_equal(reports_seen(w.r, SV("a.example"), w.pool, &s), 0);
	assert_int_equal(s.n_complaints, 2);
	assert_int_equal(s.n_messages, 5);
	assert_int_equal(s.last, T0 + 9);
	assert_int_equal(reports_seen(w.r, SV("b.example"), w.pool, &s), -ENOENT);
	world_done(&w);
}

static void
test_whole_or_nothing(void **state)
{
	struct world w;
	const struct reports_row one = row("a", T0, "x");
	struct reports_seen s;
	uint64_t is_new = 0;

	(void)state;
	world_init(&w, 2);
	assert_int_equal(reports_begin(w.r), 0);
	assert_int_equal(reports_add(w.r, &one, 1, &is_new), 0);
	assert_int_equal(is_new, 1);
	assert_int_equal(reports_end(w.r, -EBADMSG), -EBADMSG);
	assert_int_equal(reports_waiting(w.r, DAY + 1, domain_put, &w), 0);
	said(&w, "");
	assert_int_equal(reports_seen(w.r, SV("example.com"), w.pool, &s), -ENOENT);
	assert_int_equal(reports_begin(w.r), 0);
	assert_int_equal(reports_add(w.r, &one, 1, &is_new), 0);
	w.r = reports_free(w.r);			/* the process ends in the middle */
	assert_int_equal(reports_open(w.where, &w.r), 0);
	took(&w, &one, 1, 1);
	world_done(&w);
}

static void
test_reports(void **state)
{
	struct world w;
	struct reports_row rows[] = { row("a", T0, "x"), row("b", T0 + 5, "x"), row("c", T0 + 2,
	    "y"), row("d", T0 + 90000, "x"), row("e", T0, "z"), row("f", T0 + 1, "z") };
	struct reports_row late = row("g", T0 + 7, "y");
	struct sv rua;
	unsigned n = 0;

	(void)state;
	world_init(&w, 3);
	rows[1].policy = SV("\1p=reject");
	rows[1].rua = SV("mailto:new@example.com");
	rows[4].is_wanted = false;
	rows[5].domain = SV("b.example");
	took(&w, rows, 6, 6);
	assert_int_equal(reports_waiting(w.r, DAY + 1, domain_put, &w), 0);
	said(&w, "0:b.example 0:example.com ");
	assert_int_equal(reports_waiting(w.r, DAY + 2, domain_put, &w), 0);
	said(&w, "0:b.example 0:example.com 1:example.com ");
	assert_int_equal(reports_make(w.r, SV("example.com"), DAY, T0 + 90000, &n), 0);
	assert_int_equal(n, 2);				/* of two policies */
	assert_int_equal(reports_make(w.r, SV("example.com"), DAY, T0 + 90001, &n), 0);
	assert_int_equal(n, 0);
	assert_int_equal(reports_unaddressed(w.r, report_put, &w), 0);
	said(&w, "1:0:\1p=none 2:0:\1p=reject ");
	assert_int_equal(reports_rows(w.r, 1, sum_put, &w), 0);
	said(&w, "x=1 y=1 ");
	took(&w, &late, 1, 1);				/* a made report never changes */
	assert_int_equal(reports_rows(w.r, 1, sum_put, &w), 0);
	said(&w, "x=1 y=1 ");
	assert_int_equal(reports_make(w.r, SV("example.com"), DAY, T0 + 99000, &n), 0);
	assert_int_equal(n, 1);
	assert_int_equal(reports_rows(w.r, 2, sum_put, &w), 0);
	assert_int_equal(reports_rows(w.r, 3, sum_put, &w), 0);
	said(&w, "x=1 y=1 ");
	assert_int_equal(reports_rua(w.r, SV("example.com"), w.pool, &rua), 0);
	assert_true(sv_eq(rua, SV("mailto:d@example.com")));	/* of the newest row: d */
	assert_int_equal(reports_rua(w.r, SV("none.example"), w.pool, &rua), -ENOENT);
	assert_int_equal(reports_rows(w.r, 0, sum_put, &w), 0);	/* those that wait are no report's */
	said(&w, "");
	world_done(&w);
}

static void
test_sending(void **state)
{
	static const struct sv to[] = { { "b@x.example", 11 }, { "a@x.example", 11 },
	    { "b@x.example", 11 } };
	struct reports_outcome later = { REPORTS_DUE, false, T0, 500, { "451 busy", 8 } };
	struct reports_outcome gone = { REPORTS_GIVEN_UP, true, T0 + 3, 0, { "550 unknown", 11 } };
	struct reports_outcome good = { REPORTS_SENT, false, T0, 0, { "", 0 } };
	const struct reports_row one = row("a", T0, "x");
	struct world w;
	uint64_t failures;
	unsigned n = 0;
	int64_t at;

	(void)state;
	world_init(&w, 4);
	took(&w, &one, 1, 1);
	assert_int_equal(reports_make(w.r, SV("example.com"), DAY, T0, &n), 0);
	assert_int_equal(reports_address(w.r, 1, to, 3, 100), 0);
	assert_int_equal(reports_address(w.r, 1, to, 1, 100), -EEXIST);
	assert_int_equal(reports_address(w.r, 2, to, 1, 100), -EEXIST);
	assert_int_equal(reports_unaddressed(w.r, report_put, &w), 0);
	assert_int_equal(reports_due(w.r, 99, 10, sending_put, &w), 0);
	said(&w, "");
	assert_int_equal(reports_due(w.r, 100, 10, sending_put, &w), 0);
	said(&w, "1>a@x.example:0:0:100: 1>b@x.example:0:0:100: ");
	assert_int_equal(reports_due(w.r, 100, 1, sending_put, &w), 0);
	said(&w, "1>a@x.example:0:0:100: ");
	assert_int_equal(reports_tried(w.r, 1, to[1], &later), 0);
	assert_int_equal(reports_tried(w.r, 1, to[0], &gone), 0);
	assert_int_equal(reports_tried(w.r, 9, to[0], &gone), -ENOENT);
	assert_int_equal(reports_failures(w.r, to[0], &failures, &at), 0);
	assert_int_equal(failures, 1);
	assert_int_equal(at, T0 + 3);
	assert_int_equal(reports_due(w.r, 499, 10, sending_put, &w), 0);
	said(&w, "");
	assert_int_equal(reports_tried(w.r, 1, to[1], &good), 0);
	assert_int_equal(reports_sendings(w.r, 1, sending_put, &w), 0);
	said(&w, "1>a@x.example:1:2:0: 1>b@x.example:2:1:0:550 unknown ");
	assert_int_equal(reports_tried(w.r, 1, to[0], &good), 0);
	assert_int_equal(reports_failures(w.r, to[0], &failures, &at), 0);
	assert_int_equal(failures, 0);
	world_done(&w);
}

/* One sends; when it is gone, another one may. */
static void
test_lock(void **state)
{
	struct reports *other;
	struct world w;

	(void)state;
	world_init(&w, 5);
	assert_int_equal(reports_open(w.where, &other), 0);
	assert_int_equal(reports_lock(w.r), 0);
	assert_int_equal(reports_lock(w.r), 0);
	assert_int_equal(reports_lock(other), SE_LOCKED);
	w.r = reports_free(w.r);
	for (unsigned i = 0; i < 200 && reports_lock(other) == SE_LOCKED; i++)
		(void)usleep(10000);		/* a server notices in its own time */
	assert_int_equal(reports_lock(other), 0);
	assert_int_equal(reports_open(w.where, &w.r), 0);
	assert_int_equal(reports_lock(w.r), SE_LOCKED);
	(void)reports_free(other);
	world_done(&w);
}

static void
test_prune(void **state)
{
	static const struct sv to[] = { { "a@x.example", 11 } };
	struct reports_row rows[] = { row("a", T0, "x"), row("b", T0 + 86400, "x"), row("c",
	    T0 + 2 * 86400, "x") };
	static const struct sv once[] = { { "a.example", 9 }, { "once.example", 12 } };
	struct reports_seen s;
	bool is_more = true;
	struct world w;
	unsigned n = 0;

	(void)state;
	world_init(&w, 6);
	rows[0].names = once;
	took(&w, rows, 3, 3);
	assert_int_equal(reports_seen(w.r, SV("once.example"), w.pool, &s), 0);
	for (int64_t day = DAY; day < DAY + 2; day++)
		assert_int_equal(reports_make(w.r, SV("example.com"), day, T0, &n), 0);
	assert_int_equal(reports_address(w.r, 1, to, 1, 100), 0);
	assert_int_equal(reports_prune(w.r, &(struct reports_keep){ DAY + 1, DAY + 2 }, &is_more),
	    0);
	assert_false(is_more);
	assert_int_equal(reports_seen(w.r, SV("once.example"), w.pool, &s), -ENOENT);
	assert_int_equal(reports_seen(w.r, SV("a.example"), w.pool, &s), 0);
	assert_int_equal(s.n_messages, 3);
	assert_int_equal(reports_rows(w.r, 1, sum_put, &w), 0);
	assert_int_equal(reports_due(w.r, 100, 10, sending_put, &w), 0);
	said(&w, "");
	assert_int_equal(reports_unaddressed(w.r, report_put, &w), 0);
	assert_int_equal(reports_rows(w.r, 2, sum_put, &w), 0);
	assert_int_equal(reports_waiting(w.r, DAY + 9, domain_put, &w), 0);
	said(&w, "2:1:\1p=none x=1 2:example.com ");
	assert_int_equal(reports_make(w.r, SV("example.com"), DAY + 2, T0, &n), 0);
	assert_int_equal(reports_unaddressed(w.r, report_put, &w), 0);
	said(&w, "2:1:\1p=none 3:2:\1p=none ");	/* a number is never used again */
	world_done(&w);
}

/* Any octets: no text of a database's own alphabet. */
static void
test_octets(void **state)
{
	char every[256];
	struct reports_row r = row("q", T0, "");
	struct world w;
	unsigned n = 0;

	(void)state;
	world_init(&w, 7);
	for (unsigned i = 0; i < 256; i++)
		every[i] = (char)i;
	r.node = r.queue_id = r.domain = r.policy = r.rua = r.alike = (struct sv){ every, 256 };
	r.names = &r.domain;
	r.n_names = 1;
	took(&w, &r, 1, 1);
	took(&w, &r, 1, 0);
	assert_int_equal(reports_make(w.r, r.domain, DAY, T0, &n), 0);
	assert_int_equal(n, 1);
	r.queue_id = SV("other");
	r.alike = SV("");
	took(&w, &r, 1, 1);
	assert_int_equal(reports_make(w.r, r.domain, DAY, T0, &n), 0);
	assert_int_equal(reports_rows(w.r, 2, sum_put, &w), 0);
	said(&w, "=1 ");
	world_done(&w);
}

static void
test_strange(void **state)
{
	struct reports *r = NULL;
	char path[128];
	struct world w;
	FILE *f;

	(void)state;
	world_init(&w, 8);
	if (on_server()) {
		assert_int_equal(reports_open("postgresql://127.0.0.1:1/none", &r), SE_CLOSED);
		world_done(&w);
		return;
	}
	(void)snprintf(path, sizeof(path), "%s/strange", w.folder);
	assert_non_null(f = fopen(path, "w"));
	for (unsigned i = 0; i < 500; i++)
		(void)fputs("no database\n", f);
	assert_int_equal(fclose(f), 0);
	assert_int_equal(reports_open(path, &r), -EBADMSG);
	assert_int_equal(unlink(path), 0);
	(void)snprintf(path, sizeof(path), "%s/none/strange", w.folder);
	assert_int_equal(reports_open(path, &r), -ENOENT);
	assert_null(r);
	world_done(&w);
}

TESTS_MAIN("reports", T(test_once), T(test_whole_or_nothing), T(test_reports), T(test_sending),
    T(test_lock), T(test_prune), T(test_octets), T(test_strange))
