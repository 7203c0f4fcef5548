/* Counts over time, and what a person asks. */
#include <errno.h>
#include <stdlib.h>

#include "store/reports_internal.h"
#include "store/reports_tally.h"

/* --- counting --- */

static int
cell_new(struct reports *r, const struct reports_tally *key, struct reports_tally **ret)
{
	struct reports_tally *more;

	if (r->n_cells == r->cap_cells) {
		size_t cap = r->cap_cells == 0 ? 64 : 2 * r->cap_cells;

		if ((more = reallocarray(r->cells, cap, sizeof(*more))) == NULL)
			return -ENOMEM;
		r->cells = more;
		r->cap_cells = cap;
	}
	r->cells[r->n_cells] = *key;
	*ret = &r->cells[r->n_cells++];
	return 0;
}

static int
cell_cmp(const void *a, const void *b)
{
	const struct reports_tally *x = a, *y = b;

	if (x->at != y->at)
		return x->at < y->at ? -1 : 1;
	if (x->dmarc != y->dmarc)
		return x->dmarc < y->dmarc ? -1 : 1;
	if (x->arc != y->arc)
		return x->arc < y->arc ? -1 : 1;
	return (int)x->act - (int)y->act;
}

/* From the end: rows come in the order of time, and so mostly of one hour. */
int
reports_tally_add(struct reports *r, const struct reports_row *row)
{
	const struct reports_tally key = { .at = row->at - row->at % REPORTS_HOUR_SEC,
	    .dmarc = row->dmarc, .arc = row->arc, .act = row->act };
	struct reports_tally *cell = NULL;
	int rc;

	for (size_t i = r->n_cells; i > 0 && cell == NULL; i--)
		if (cell_cmp(&r->cells[i - 1], &key) == 0)
			cell = &r->cells[i - 1];
	if (cell == NULL && (rc = cell_new(r, &key, &cell)) < 0)
		return rc;
	cell->n++;
	return 0;
}

int
reports_count(struct reports *r, enum reports_count what, int64_t day, uint64_t n)
{
	const struct sql_value ever[] = { SQL_I(REPORTS_EVER), SQL_I(what), SQL_I(n) };
	const struct sql_value then[] = { SQL_I(day), SQL_I(what), SQL_I(n) };
	int rc = n == 0 ? 0 : reports_run(r, SQL_COUNT_ADD, ever, NULL, NULL);

	return rc < 0 || n == 0 || day < 0 ? rc : reports_run(r, SQL_COUNT_ADD, then, NULL, NULL);
}

/*
 * The last of a transaction, as all nodes write the same few rows, and in an order, so that
 * they wait for each other, never in a circle.
 */
int
reports_tally_write(struct reports *r)
{
	uint64_t all = 0;
	int rc = 0;

	if (r->n_cells > 0)
		qsort(r->cells, r->n_cells, sizeof(*r->cells), cell_cmp);
	for (size_t i = 0; i < r->n_cells && rc == 0; i++) {
		const struct reports_tally *c = &r->cells[i];
		const struct sql_value v[] = { SQL_I(c->at), SQL_I(c->dmarc), SQL_I(c->arc),
		    SQL_I(c->act), SQL_I(c->n) };

		rc = reports_run(r, SQL_TALLY_ADD, v, NULL, NULL);
		all += c->n;
	}
	return rc < 0 ? rc : reports_count(r, REPORTS_N_ROWS, REPORTS_EVER, all);
}

void
reports_tally_done(struct reports *r)
{
	free(r->cells);
	r->cells = NULL;
	r->n_cells = r->cap_cells = 0;
}

/* --- asked for --- */

struct tally_walk {
	reports_tally_fn fn;
	void		*arg;
};

static int
tally_give(void *arg, const struct sql_value *v)
{
	const struct tally_walk *w = arg;
	const struct reports_tally t = { .at = v[0].i, .dmarc = (unsigned)v[1].i,
	    .arc = (unsigned)v[2].i, .act = (enum reports_act)v[3].i, .n = (uint64_t)v[4].i };

	return t.act >= 0 && t.act < REPORTS_ACT_MAX ? w->fn(w->arg, &t) : 0;
}

int
reports_tally(struct reports *r, int64_t since, int64_t sec, reports_tally_fn fn, void *arg)
{
	const struct sql_value v[] = { SQL_I(since), SQL_I(sec) };
	struct tally_walk w = { fn, arg };

	return reports_run(r, SQL_TALLY, v, tally_give, &w);
}

struct counts_walk {
	reports_counts_fn fn;
	void		*arg;
};

static int
counts_give(void *arg, const struct sql_value *v)
{
	const struct counts_walk *w = arg;

	if (v[1].i < 0 || v[1].i >= REPORTS_N_MAX)
		return 0;
	return w->fn(w->arg, v[0].i, (enum reports_count)v[1].i, (uint64_t)v[2].i);
}

int
reports_counts(struct reports *r, int64_t day, reports_counts_fn fn, void *arg)
{
	const struct sql_value v[] = { SQL_I(day), SQL_I(INT64_MAX) };
	struct counts_walk w = { fn, arg };

	return reports_run(r, SQL_COUNTS, v, counts_give, &w);
}

static int
total_take(void *arg, int64_t day UNUSED, enum reports_count what, uint64_t n)
{
	((uint64_t *)arg)[what] = n;
	return 0;
}

int
reports_totals(struct reports *r, uint64_t ret[static REPORTS_N_MAX])
{
	const struct sql_value v[] = { SQL_I(REPORTS_EVER), SQL_I(REPORTS_EVER) };
	uint64_t found[REPORTS_N_MAX] = { 0 };
	struct counts_walk w = { total_take, found };
	int rc = reports_run(r, SQL_COUNTS, v, counts_give, &w);

	if (rc == 0)
		memcpy(ret, found, sizeof(found));
	return rc;
}

static int
now_take(void *arg, const struct sql_value *v)
{
	*(struct reports_now *)arg = (struct reports_now){
		.n_due = (uint64_t)v[0].i, .due_made = v[1].i, .waiting_day = v[2].i,
		.n_unaddressed = (uint64_t)v[3].i, .n_domains = (uint64_t)v[4].i,
	};
	return 0;
}

int
reports_now(struct reports *r, struct reports_now *ret)
{
	return reports_run(r, SQL_NOW, NULL, now_take, ret);
}

struct failing_walk {
	reports_failing_fn fn;
	void		*arg;
};

static int
failing_give(void *arg, const struct sql_value *v)
{
	const struct failing_walk *w = arg;

	return w->fn(w->arg, v[0].b, (uint64_t)v[1].i, v[2].i);
}

int
reports_failing(struct reports *r, uint64_t failures, int64_t since, uint64_t max,
    reports_failing_fn fn, void *arg)
{
	const struct sql_value v[] = { SQL_I(failures), SQL_I(since), SQL_I(max) };
	struct failing_walk w = { fn, arg };

	return reports_run(r, SQL_FAILING, v, failing_give, &w);
}

/* --- a person looks for reports --- */

struct listed_walk {
	reports_listed_fn fn;
	void		*arg;
};

static int
listed_give(void *arg, const struct sql_value *v)
{
	const struct listed_walk *w = arg;
	struct reports_listed l = { .is_addressed = v[10].i != 0 };

	l.sending = reports_sending_of(v);
	return w->fn(w->arg, &l);
}

int
reports_list(struct reports *r, const struct reports_wish *wish, reports_listed_fn fn, void *arg)
{
	const struct sql_value v[] = { SQL_I(wish->state), SQL_I(wish->max),
	    SQL_I(wish->day < 0 ? wish->since : wish->day),
	    SQL_I(wish->day < 0 ? INT64_MAX : wish->day), SQL_B(wish->domain) };
	enum reports_sql i = wish->domain.n > 0 ? SQL_LIST_OF : wish->day >= 0 || wish->since > 0 ?
	    SQL_LIST_DAYS : SQL_LIST;
	struct listed_walk w = { fn, arg };

	return reports_run(r, i, v, listed_give, &w);
}

struct found {
	struct pool		*pool;
	struct reports_report	 report;
	bool			 is_there;
};

static int
report_take(void *arg, const struct sql_value *v)
{
	struct found *f = arg;

	f->report = (struct reports_report){ (uint64_t)v[0].i, v[1].i, v[2].i,
	    pool_sv(f->pool, v[3].b), pool_sv(f->pool, v[4].b) };
	f->is_there = true;
	return f->report.domain.p == NULL || f->report.policy.p == NULL ? -ENOMEM : 0;
}

int
reports_report(struct reports *r, uint64_t id, struct pool *pool, struct reports_report *ret)
{
	const struct sql_value v[] = { SQL_I(id) };
	struct found f = { .pool = pool };
	int rc = reports_run(r, SQL_REPORT_FIND, v, report_take, &f);

	if (rc < 0)
		return rc;
	if (!f.is_there)
		return -ENOENT;
	*ret = f.report;
	return 0;
}
