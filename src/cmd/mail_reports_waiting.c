/* What is not made yet: of which domain and day rows wait, and when their report is made. */
#include <errno.h>
#include <stdlib.h>

#include "app/mail_reports.h"
#include "cmd/mail_reports.h"
#include "out/escape.h"
#include "out/table.h"

#define WHEN_CELLS	22
#define DAY_CELLS	12

struct entry {
	int64_t		 at, day;
	struct sv	 domain;
};

struct entries {
	struct mail_reports_work *w;
	int64_t		 last;		/* until then all that was due is made */
	struct entry	*v;
	size_t		 n, cap;
};

/*
 * The first moment behind last; what came late waits for the next one of its domain
 * (app/mail_reports.h).
 */
static int64_t
moment(const struct entries *e, struct sv domain, int64_t day)
{
	int64_t at = mail_reports_moment(domain, day);

	if (at <= e->last)
		at += ((e->last - at) / REPORTS_DAY_SEC + 1) * REPORTS_DAY_SEC;
	return at;
}

static int
on_waiting(void *arg, int64_t day, struct sv domain)
{
	struct entries *e = arg;
	struct entry *more;

	if (e->w->wish.domain.n > 0 && !sv_eq(domain, e->w->wish.domain))
		return 0;
	if (e->n == e->cap) {
		size_t cap = e->cap == 0 ? 1024 : 2 * e->cap;

		if ((more = reallocarray(e->v, cap, sizeof(*more))) == NULL)
			return -ENOMEM;
		e->v = more;
		e->cap = cap;
	}
	e->v[e->n] = (struct entry){ moment(e, domain, day), day, pool_sv(e->w->pool, domain) };
	return e->v[e->n++].domain.p == NULL ? -ENOMEM : 0;
}

static int
entry_cmp(const void *a, const void *b)
{
	const struct entry *x = a, *y = b;

	if (x->at != y->at)
		return x->at < y->at ? -1 : 1;
	if (x->day != y->day)
		return x->day < y->day ? -1 : 1;
	return sv_cmp(x->domain, y->domain);
}

static void
entry_put(struct mail_reports_work *w, const struct entry *x)
{
	char at[TIME_STRLEN], day[DAY_STRLEN];

	if (w->ctx->json) {
		json_open(&w->j, '{');
		json_kv_sv(&w->j, "domain", x->domain);
		json_kv_i64(&w->j, "day", x->day * REPORTS_DAY_SEC);
		json_kv_i64(&w->j, "at", x->at);
		json_close(&w->j, '}');
		return;
	}
	table_cell(&w->b, time_str(x->at, at), WHEN_CELLS, false);
	table_cell(&w->b, mail_store_day(x->day * REPORTS_DAY_SEC, day), DAY_CELLS, false);
	escape_term(&w->b, x->domain);
	buf_char(&w->b, '\n');
}

static void
text_put(struct mail_reports_work *w, const struct entries *e, size_t n)
{
	enum lang lang = w->ctx->lang;

	if (n > 0) {
		table_cell(&w->b, tr(lang, N_("is made")), WHEN_CELLS, false);
		table_cell(&w->b, tr(lang, N_("about")), DAY_CELLS, false);
		buf_printf(&w->b, "%s\n", tr(lang, N_("domain")));
	}
	for (size_t i = 0; i < n; i++)
		entry_put(w, &e->v[i]);
	if (e->n == 0)
		buf_printf(&w->b, "%s\n", tr(lang, N_("no row waits for a report")));
	else
		buf_printf(&w->b, tr(lang, N_("reports to be made: %llu; shown: %llu\n")), (unsigned long long)e->n,
		    (unsigned long long)n);
	if (n > 0 && e->v[0].at <= w->ctx->now)
		buf_printf(&w->b, "%s\n", tr(lang,
		    N_("some of these times are past: is sekisho serve at work? (sekisho status)")));
}

static void
json_put(struct mail_reports_work *w, const struct entries *e, size_t n)
{
	json_open(&w->j, '{');
	json_kv_i64(&w->j, "now", w->ctx->now);
	json_key(&w->j, "waiting");
	json_open(&w->j, '[');
	for (size_t i = 0; i < n; i++)
		entry_put(w, &e->v[i]);
	json_close(&w->j, ']');
	json_kv_u64(&w->j, "waiting_total", e->n);
	json_close(&w->j, '}');
	buf_char(&w->b, '\n');
}

int
mail_reports_waiting(struct mail_reports_work *w)
{
	struct entries e = { .w = w };
	size_t n;
	int rc;

	if ((rc = reports_last(w->store.reports, &e.last)) == 0)
		rc = reports_waiting(w->store.reports, INT64_MAX, on_waiting, &e);
	if (rc == 0) {
		if (e.n > 0)
			qsort(e.v, e.n, sizeof(*e.v), entry_cmp);
		n = min_size(e.n, w->wish.max);
		(w->ctx->json ? json_put : text_put)(w, &e, n);
		rc = w->b.rc;
	}
	free(e.v);
	return rc;
}
