/* Reports: made of the rows that wait, read again for each attempt to send them. */
#include <errno.h>

#include "store/reports_internal.h"

/* --- what waits --- */

struct waiting_walk {
	reports_domain_fn	 fn;
	void			*arg;
};

static int
waiting_give(void *arg, const struct sql_value *v)
{
	const struct waiting_walk *w = arg;

	return w->fn(w->arg, v[0].i, v[1].b);
}

int
reports_waiting(struct reports *r, int64_t before, reports_domain_fn fn, void *arg)
{
	const struct sql_value v[] = { SQL_I(before) };
	struct waiting_walk w = { fn, arg };

	return reports_run(r, SQL_WAITING, v, waiting_give, &w);
}

/* --- making --- */

struct policies {
	struct pool	*pool;
	struct sv	 found[REPORTS_POLICIES_MAX];
	unsigned	 n;
};

static int
policy_take(void *arg, const struct sql_value *v)
{
	struct policies *p = arg;

	if (p->n == REPORTS_POLICIES_MAX)	/* the others wait for the next time */
		return 0;
	p->found[p->n] = pool_sv(p->pool, v[0].b);
	return p->found[p->n++].p == NULL ? -ENOMEM : 0;
}

static int
number_take(void *arg, const struct sql_value *v)
{
	*(int64_t *)arg = v[0].i;
	return 0;
}

static int
report_make(struct reports *r, const struct reports_report *x)
{
	int64_t id = 0;
	int rc;

	if ((rc = reports_run(r, SQL_NUMBER_NEXT, NULL, NULL, NULL)) < 0 ||
	    (rc = reports_run(r, SQL_NUMBER, NULL, number_take, &id)) < 0)
		return rc;
	const struct sql_value add[] = { SQL_I(id), SQL_I(x->day), SQL_I(x->made), SQL_B(x->domain),
	    SQL_B(x->policy) };
	const struct sql_value claim[] = { SQL_I(id), SQL_I(x->day), SQL_B(x->domain),
	    SQL_B(x->policy) };

	if ((rc = reports_run(r, SQL_REPORT_ADD, add, NULL, NULL)) < 0)
		return rc;
	if ((rc = reports_run(r, SQL_ROWS_CLAIM, claim, NULL, NULL)) < 0)
		return rc;
	return reports_count(r, REPORTS_N_MADE, reports_day(x->made), 1);
}

static int
reports_of(struct reports *r, struct policies *p, struct reports_report *x)
{
	const struct sql_value v[] = { SQL_I(x->day), SQL_B(x->domain) };
	int rc = reports_run(r, SQL_POLICIES, v, policy_take, p);

	for (unsigned i = 0; i < p->n && rc == 0; i++) {
		x->policy = p->found[i];
		rc = report_make(r, x);
	}
	return rc;
}

int
reports_make(struct reports *r, struct sv domain, int64_t day, int64_t now, unsigned *ret)
{
	_cleanup_(pool_freep) struct pool *pool = pool_new(REPORTS_POLICIES_MAX * 1024);
	struct reports_report x = { .day = day, .made = now, .domain = domain };
	struct policies p = { .pool = pool };
	int rc;

	if (pool == NULL)
		return -ENOMEM;
	if ((rc = reports_start(r)) < 0 || (rc = reports_finish(r, reports_of(r, &p, &x))) < 0)
		return rc;
	*ret = p.n;
	return 0;
}

/* --- until when --- */

int
reports_last(struct reports *r, int64_t *ret)
{
	int64_t found = 0;
	int rc = reports_run(r, SQL_LAST, NULL, number_take, &found);

	if (rc == 0)
		*ret = found;
	return rc;
}

int
reports_last_put(struct reports *r, int64_t last)
{
	const struct sql_value v[] = { SQL_I(last) };

	return reports_run(r, SQL_LAST_PUT, v, NULL, NULL);
}

/* --- reading --- */

struct report_walk {
	reports_report_fn	 fn;
	void			*arg;
};

static int
report_give(void *arg, const struct sql_value *v)
{
	const struct report_walk *w = arg;
	const struct reports_report x = { (uint64_t)v[0].i, v[1].i, v[2].i, v[3].b, v[4].b };

	return w->fn(w->arg, &x);
}

int
reports_unaddressed(struct reports *r, uint64_t after, uint64_t max, reports_report_fn fn, void *arg)
{
	const struct sql_value v[] = { SQL_I(after), SQL_I(max) };
	struct report_walk w = { fn, arg };

	return reports_run(r, SQL_UNADDRESSED, v, report_give, &w);
}

struct sum_walk {
	reports_sum_fn	 fn;
	void		*arg;
};

static int
sum_give(void *arg, const struct sql_value *v)
{
	const struct sum_walk *w = arg;

	return w->fn(w->arg, v[0].b, (uint64_t)v[1].i);
}

int
reports_rows(struct reports *r, uint64_t id, reports_sum_fn fn, void *arg)
{
	const struct sql_value v[] = { SQL_I(id) };
	struct sum_walk w = { fn, arg };

	return reports_run(r, SQL_ROWS_SUM, v, sum_give, &w);
}

struct octets {
	struct pool	*pool;
	struct sv	 found;
	bool		 is_there;
};

static int
octets_take(void *arg, const struct sql_value *v)
{
	struct octets *o = arg;

	o->is_there = true;
	o->found = pool_sv(o->pool, v[0].b);
	return o->found.p == NULL ? -ENOMEM : 0;
}

int
reports_rua(struct reports *r, struct sv domain, struct pool *pool, struct sv *ret)
{
	const struct sql_value v[] = { SQL_B(domain) };
	struct octets o = { .pool = pool };
	int rc = reports_run(r, SQL_OWNER_FIND, v, octets_take, &o);

	if (rc < 0)
		return rc;
	if (!o.is_there)
		return -ENOENT;
	*ret = o.found;
	return 0;
}
