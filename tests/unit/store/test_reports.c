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
#include "store/reports_internal.h"
#include "store/reports_tally.h"

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

static int
volume_put(void *arg, const struct reports_seen *s)
{
	struct world *w = arg;

	buf_printf(&w->seen, "%.*s:%lld-%lld:%llu ", SV_ARG(s->domain), (long long)(s->first - T0),
	    (long long)(s->last - T0), (unsigned long long)s->n_messages);
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
	assert_int_equal(reports_unaddressed(w.r, 0, 100, report_put, &w), 0);
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
	assert_int_equal(reports_unaddressed(w.r, 0, 100, report_put, &w), 0);
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
	said(&w, "1>a@x.example:1:2:1728000000: 1>b@x.example:2:1:1728000003:550 unknown ");
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
	assert_int_equal(reports_unaddressed(w.r, 0, 100, report_put, &w), 0);
	assert_int_equal(reports_rows(w.r, 2, sum_put, &w), 0);
	assert_int_equal(reports_waiting(w.r, DAY + 9, domain_put, &w), 0);
	said(&w, "2:1:\1p=none x=1 2:example.com ");
	assert_int_equal(reports_make(w.r, SV("example.com"), DAY + 2, T0, &n), 0);
	assert_int_equal(reports_unaddressed(w.r, 0, 100, report_put, &w), 0);
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

/* --- counts, and what a person asks --- */

static int
tally_put(void *arg, const struct reports_tally *t)
{
	struct world *w = arg;

	buf_printf(&w->seen, "%lld:%u/%u/%u=%llu ", (long long)(t->at - T0), t->dmarc, t->arc,
	    (unsigned)t->act, (unsigned long long)t->n);
	return 0;
}

static int
count_put(void *arg, int64_t day, enum reports_count what, uint64_t n)
{
	struct world *w = arg;

	buf_printf(&w->seen, "%lld:%u=%llu ", (long long)(day - DAY), (unsigned)what,
	    (unsigned long long)n);
	return 0;
}

static int
failing_put(void *arg, struct sv address, uint64_t failures, int64_t at)
{
	struct world *w = arg;

	buf_printf(&w->seen, "%.*s:%llu:%lld ", SV_ARG(address), (unsigned long long)failures,
	    (long long)(at - T0));
	return 0;
}

static int
listed_put(void *arg, const struct reports_listed *l)
{
	struct world *w = arg;
	const struct reports_sending *s = &l->sending;

	buf_printf(&w->seen, "%llu:%lld:%.*s>%.*s:%u:%llu:%d ", (unsigned long long)s->report.id,
	    (long long)(s->report.day - DAY), SV_ARG(s->report.domain), SV_ARG(s->address),
	    (unsigned)s->state, (unsigned long long)s->attempts, l->is_addressed);
	return 0;
}

static void
test_tally(void **state)
{
	struct reports_row rows[] = { row("a", T0 + 3599, "x"), row("b", T0 + 3600, "x"),
	    row("c", T0, "x"), row("d", T0 + 86400, "x"), row("e", T0 + 7, "x") };
	uint64_t totals[REPORTS_N_MAX] = { 0 };
	uint64_t is_new = 0;
	struct world w;
	bool is_more;

	(void)state;
	world_init(&w, 9);
	rows[0].dmarc = rows[2].dmarc = 2;
	rows[4].dmarc = 2;
	rows[4].arc = 1;
	rows[3].act = REPORTS_REJECTED;
	took(&w, rows, 5, 5);
	took(&w, rows, 5, 0);			/* what comes again counts no more */
	assert_int_equal(reports_tally(w.r, 0, 3600, tally_put, &w), 0);
	said(&w, "0:2/0/0=2 0:2/1/0=1 3600:0/0/0=1 86400:0/0/2=1 ");
	rows[0].queue_id = SV("f");		/* a segment that is not taken in the end */
	assert_int_equal(reports_begin(w.r), 0);
	assert_int_equal(reports_add(w.r, rows, 1, &is_new), 0);
	assert_int_equal(reports_end(w.r, -EBADMSG), -EBADMSG);
	took(&w, rows, 1, 1);
	assert_int_equal(reports_tally(w.r, 0, 1, tally_put, &w), 0);	/* kept by the hour, no finer */
	said(&w, "0:2/0/0=3 0:2/1/0=1 3600:0/0/0=1 86400:0/0/2=1 ");
	assert_int_equal(reports_tally(w.r, T0, 86400, tally_put, &w), 0);
	said(&w, "0:0/0/0=1 0:2/0/0=3 0:2/1/0=1 86400:0/0/2=1 ");
	assert_int_equal(reports_tally(w.r, T0 + 3600, 3600, tally_put, &w), 0);
	said(&w, "3600:0/0/0=1 86400:0/0/2=1 ");
	assert_int_equal(reports_totals(w.r, totals), 0);
	assert_int_equal(totals[REPORTS_N_ROWS], 6);
	assert_int_equal(reports_prune(w.r, &(struct reports_keep){ DAY + 2, DAY + 1 }, &is_more), 0);
	assert_int_equal(reports_tally(w.r, 0, 3600, tally_put, &w), 0);
	said(&w, "86400:0/0/2=1 ");
	assert_int_equal(reports_totals(w.r, totals), 0);
	assert_int_equal(totals[REPORTS_N_ROWS], 6);
	world_done(&w);
}

/* Three reports: one to two addresses, one to nobody, one of which nobody has said yet. */
static void
counts_make(struct world *w)
{
	static const struct sv to[] = { { "b@x.example", 11 }, { "a@x.example", 11 } };
	const struct reports_outcome later = { REPORTS_DUE, false, T0 + 86400, 500, { "451", 3 } };
	const struct reports_outcome gone = { REPORTS_GIVEN_UP, true, T0 + 86407, 0, { "550", 3 } };
	const struct reports_outcome good = { REPORTS_SENT, false, T0 + 86400, 0, { "", 0 } };
	struct reports_row rows[] = { row("a", T0, "x"), row("b", T0, "x"), row("c", T0 + 86400,
	    "x"), row("d", T0 + 2 * 86400, "x") };
	unsigned n = 0;

	rows[1].domain = SV("b.example");
	took(w, rows, 4, 4);
	assert_int_equal(reports_make(w->r, SV("example.com"), DAY, T0 + 9, &n), 0);
	assert_int_equal(reports_make(w->r, SV("b.example"), DAY, T0 + 10, &n), 0);
	assert_int_equal(reports_make(w->r, SV("example.com"), DAY + 1, T0 + 86401, &n), 0);
	assert_int_equal(reports_address(w->r, 1, to, 2, T0 + 9), 0);
	assert_int_equal(reports_address(w->r, 2, to, 0, T0 + 10), 0);
	assert_int_equal(reports_tried(w->r, 1, to[0], &later), 0);
	assert_int_equal(reports_tried(w->r, 1, to[0], &good), 0);
	assert_int_equal(reports_tried(w->r, 1, to[1], &gone), 0);
	assert_int_equal(reports_tried(w->r, 1, to[1], &gone), 0);
	assert_int_equal(reports_tried(w->r, 9, to[1], &gone), -ENOENT);	/* counts nowhere */
}

static void
test_counts(void **state)
{
	static const struct sv to[] = { { "c@x.example", 11 } };
	uint64_t totals[REPORTS_N_MAX] = { 0 };
	struct reports_now now;
	struct world w;

	(void)state;
	world_init(&w, 10);
	assert_int_equal(reports_now(w.r, &now), 0);
	assert_int_equal(now.due_made, -1);
	assert_int_equal(now.waiting_day, -1);
	assert_int_equal(reports_totals(w.r, totals), 0);
	assert_int_equal(totals[REPORTS_N_ROWS], 0);
	counts_make(&w);
	assert_int_equal(reports_counts(w.r, DAY, count_put, &w), 0);
	said(&w, "0:1=2 0:2=1 1:1=1 1:3=1 1:4=1 1:5=2 ");
	/* Of a later version. */
	assert_int_equal(reports_count(w.r, REPORTS_N_MAX, DAY + 2, 7), 0);
	assert_int_equal(reports_counts(w.r, DAY + 2, count_put, &w), 0);
	said(&w, "");
	assert_int_equal(reports_totals(w.r, totals), 0);
	assert_int_equal(totals[REPORTS_N_MADE], 3);
	assert_int_equal(totals[REPORTS_N_NO_ADDRESS], 1);
	assert_int_equal(totals[REPORTS_N_SENT], 1);
	assert_int_equal(totals[REPORTS_N_GIVEN_UP], 2);
	assert_int_equal(reports_now(w.r, &now), 0);
	assert_int_equal(now.n_due, 0);
	assert_int_equal(now.n_unaddressed, 1);
	assert_int_equal(now.waiting_day, DAY + 2);
	assert_int_equal(now.n_domains, 2);
	assert_int_equal(reports_address(w.r, 3, to, 1, T0 + 90000), 0);
	assert_int_equal(reports_now(w.r, &now), 0);
	assert_int_equal(now.n_due, 1);
	assert_int_equal(now.due_made, T0 + 86401);
	assert_int_equal(reports_failing(w.r, 2, T0, 9, failing_put, &w), 0);
	said(&w, "a@x.example:2:86407 ");
	assert_int_equal(reports_failing(w.r, 3, T0, 9, failing_put, &w), 0);
	assert_int_equal(reports_failing(w.r, 2, T0 + 86408, 9, failing_put, &w), 0);
	said(&w, "");
	assert_int_equal(reports_given_up(w.r, 9, sending_put, &w), 0);
	said(&w, "1>a@x.example:2:2:1728086407:550 ");
	world_done(&w);
}

static void
test_list(void **state)
{
	static const struct {
		struct reports_wish	 wish;
		const char		*want;
	} rows[] = {
		{ { { "", 0 }, -1, -1, 9, 0 }, "3:1:example.com>:0:0:0 2:0:b.example>:0:0:1 "
		    "1:0:example.com>a@x.example:2:2:1 1:0:example.com>b@x.example:1:2:1 " },
		{ { { "", 0 }, -1, -1, 2, 0 }, "3:1:example.com>:0:0:0 2:0:b.example>:0:0:1 " },
		{ { { "b.example", 9 }, -1, -1, 9, 0 }, "2:0:b.example>:0:0:1 " },
		{ { { "", 0 }, DAY + 1, -1, 9, 0 }, "3:1:example.com>:0:0:0 " },
		{ { { "", 0 }, -1, REPORTS_SENT, 9, 0 }, "1:0:example.com>b@x.example:1:2:1 " },
		{ { { "", 0 }, -1, REPORTS_DUE, 9, 0 }, "" },
		{ { { "b.example", 9 }, DAY + 1, -1, 9, 0 }, "" },
		{ { { "b.example", 9 }, DAY, -1, 9, 0 }, "2:0:b.example>:0:0:1 " },
		{ { { "", 0 }, -1, REPORTS_ASKING, 9, 0 }, "3:1:example.com>:0:0:0 " },
		{ { { "", 0 }, -1, REPORTS_NOBODY, 9, 0 }, "2:0:b.example>:0:0:1 " },
		{ { { "b.example", 9 }, -1, REPORTS_SENT, 9, 0 }, "" },
		{ { { "", 0 }, -1, -1, 9, DAY + 1 }, "3:1:example.com>:0:0:0 " },
		{ { { "", 0 }, -1, -1, 9, DAY + 2 }, "" },
		{ { { "example.com", 11 }, -1, -1, 1, DAY }, "3:1:example.com>:0:0:0 " },
	};
	struct reports_report found;
	struct reports *ro;
	struct world w;

	(void)state;
	world_init(&w, 11);
	counts_make(&w);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		assert_int_equal(reports_list(w.r, &rows[i].wish, listed_put, &w), 0);
		said(&w, rows[i].want);
	}
	assert_int_equal(reports_report(w.r, 2, w.pool, &found), 0);
	assert_true(sv_eq(found.domain, SV("b.example")));
	assert_true(sv_eq(found.policy, SV("\1p=none")));
	assert_int_equal(found.made, T0 + 10);
	assert_int_equal(reports_report(w.r, 4, w.pool, &found), -ENOENT);
	/* Beside who writes: it sees all, and changes nothing. */
	assert_int_equal(reports_open_ro(w.where, &ro), 0);
	assert_int_equal(reports_list(ro, &rows[4].wish, listed_put, &w), 0);
	said(&w, rows[4].want);
	assert_int_equal(reports_complain(ro, SV("a.example"), T0, 1), -EROFS);
	(void)reports_free(ro);
	world_done(&w);
}

static void
test_domains(void **state)
{
	static const struct {
		struct reports_seen_wish wish;
		uint64_t	 n, messages;
		const char	*want;
	} rows[] = {
		{ { { "", 0 }, 0, 0, REPORTS_BY_MESSAGES, 9 }, 5, 13,
		    "example.com:0-7:5 a.example:0-7:3 b.a.example:0-7:3 \1.example:7-7:1 xa.example:3-3:1 " },
		{ { { "", 0 }, 0, 0, REPORTS_BY_MESSAGES, 1 }, 5, 13, "example.com:0-7:5 " },
		{ { { "a.example", 9 }, 0, 0, REPORTS_BY_NAME, 9 }, 2, 6, "a.example:0-7:3 b.a.example:0-7:3 " },
		{ { { "example", 7 }, 0, 0, REPORTS_BY_STOPPED, 2 }, 4, 8, "\1.example:7-7:1 xa.example:3-3:1 " },
		{ { { "", 0 }, T0 + 3, 0, REPORTS_BY_FIRST, 9 }, 2, 2, "\1.example:7-7:1 xa.example:3-3:1 " },
		{ { { "", 0 }, 0, T0 + 7, REPORTS_BY_LAST, 1 }, 4, 12, "\1.example:7-7:1 " },
		{ { { "", 0 }, 0, 0, REPORTS_BY_COMPLAINTS, 1 }, 5, 13, "b.a.example:0-7:3 " },
		{ { { ".example", 8 }, 0, 0, REPORTS_BY_NAME, 9 }, 0, 0, "" },
		{ { { "", 0 }, T0 + 8, 0, REPORTS_BY_NAME, 9 }, 0, 0, "" },
	};
	static const struct sv both[] = { { "a.example", 9 }, { "b.a.example", 11 }, { "example.com", 11 } };
	static const struct sv near[] = { { "xa.example", 10 }, { "example.com", 11 } };
	static const struct sv odd[] = { { "\1.example", 9 }, { "example.com", 11 } };
	struct reports_row taken[] = { row("a", T0, "x"), row("b", T0 + 3, "x"), row("c", T0 + 7, "x"),
	    row("d", T0 + 5, "x"), row("e", T0 + 7, "x") };
	struct world w;

	(void)state;
	world_init(&w, 13);
	for (size_t i = 0; i < ARRAY_LEN(taken); i++) {
		taken[i].names = i == 1 ? near : i == 2 ? odd : both;
		taken[i].n_names = i == 1 || i == 2 ? 2 : 3;
	}
	taken[1].act = REPORTS_REJECTED;
	taken[2].act = REPORTS_QUARANTINED;
	took(&w, taken, ARRAY_LEN(taken), ARRAY_LEN(taken));
	assert_int_equal(reports_complain(w.r, SV("b.a.example"), T0 + 2, 3), 0);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct reports_seen_sum sum;

		assert_int_equal(reports_seen_list(w.r, &rows[i].wish, &sum, volume_put, &w), 0);
		said(&w, rows[i].want);
		assert_int_equal(sum.n, rows[i].n);
		assert_int_equal(sum.seen.n_messages, rows[i].messages);
		assert_int_equal(sum.seen.n_complaints, i == 4 || sum.n == 0 ? 0 : 3);
		assert_int_equal(sum.seen.last, sum.n == 0 ? 0 : T0 + 7);
	}
	world_done(&w);
}

static void
test_read_only(void **state)
{
	struct reports *r = NULL;
	struct world w;

	(void)state;
	world_init(&w, 12);
	w.r = reports_free(w.r);
	assert_int_equal(reports_open_ro(w.where, &r), 0);	/* nobody writes now */
	r = reports_free(r);
	if (on_server()) {
		assert_int_equal(reports_open_ro(getenv("SEKISHO_REPORTS_EMPTY"), &r), SE_FORMAT);
	} else {
		char path[128];
		FILE *f;

		(void)snprintf(path, sizeof(path), "%s/empty", w.folder);
		assert_int_equal(reports_open_ro(path, &r), -ENOENT);
		assert_non_null(f = fopen(path, "w"));
		assert_int_equal(fclose(f), 0);
		assert_int_equal(reports_open_ro(path, &r), SE_FORMAT);
		assert_int_equal(unlink(path), 0);
	}
	assert_null(r);
	world_done(&w);
}

#define SLICES_ROWS	(100 * REPORTS_ADD_MAX)

/* More than one slice of what is forgotten, two rows a second; what is younger stays. */
static void
test_slices(void **state)
{
	struct reports_row rows[REPORTS_ADD_MAX];
	struct reports_row young = row("young", T0 + 86400, "x");
	char ids[REPORTS_ADD_MAX][16];
	unsigned n_slices = 0;
	bool is_more = true;
	struct world w;

	(void)state;
	world_init(&w, 14);
	for (unsigned i = 0; i < SLICES_ROWS; i++) {
		unsigned k = i % REPORTS_ADD_MAX;

		(void)snprintf(ids[k], sizeof(ids[k]), "%u", i);
		rows[k] = row(ids[k], T0 + i / 2, "x");
		if (k == REPORTS_ADD_MAX - 1)
			took(&w, rows, REPORTS_ADD_MAX, REPORTS_ADD_MAX);
	}
	took(&w, &young, 1, 1);
	for (; is_more && n_slices < 10; n_slices++)
		assert_int_equal(reports_prune(w.r, &(struct reports_keep){ DAY + 1, DAY }, &is_more), 0);
	assert_true(n_slices > 1 && !is_more);
	assert_int_equal(reports_waiting(w.r, DAY + 9, domain_put, &w), 0);
	said(&w, "1:example.com ");
	took(&w, rows, 1, 1);				/* as if it had never been there */
	world_done(&w);
}

TESTS_MAIN("reports", T(test_once), T(test_whole_or_nothing), T(test_reports), T(test_sending),
    T(test_lock), T(test_prune), T(test_slices), T(test_octets), T(test_strange), T(test_tally),
    T(test_counts), T(test_list), T(test_read_only), T(test_domains))
