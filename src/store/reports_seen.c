/*
 * What rows tell of domains: gathered for a transaction, written at its end in the order
 * of their names, so that two nodes at a time wait for each other, never in a circle.
 */
#include <errno.h>
#include <stdlib.h>

#include "base/buf.h"
#include "store/reports_internal.h"

void
reports_delta_done(struct reports *r)
{
	map_done(&r->names);
	r->names = (struct map){ 0 };
	free(r->deltas);
	r->deltas = NULL;
	r->n_deltas = r->cap_deltas = 0;
	r->pool = pool_free(r->pool);
}

static int
delta_keep(struct reports *r, struct reports_delta *d)
{
	struct reports_delta **more;

	if (r->n_deltas == r->cap_deltas) {
		size_t cap = r->cap_deltas == 0 ? 256 : 2 * r->cap_deltas;

		if ((more = reallocarray(r->deltas, cap, sizeof(struct reports_delta *))) == NULL)
			return -ENOMEM;
		r->deltas = more;
		r->cap_deltas = cap;
	}
	r->deltas[r->n_deltas++] = d;
	return map_add(&r->names, d->seen.domain, d);
}

static int
delta_of(struct reports *r, struct sv name, struct reports_delta **ret)
{
	struct reports_delta *d = map_find(&r->names, name);

	if (d == NULL) {
		if ((d = pool_calloc(r->pool, 1, sizeof(*d))) == NULL ||
		    (d->seen.domain = pool_sv(r->pool, name)).p == NULL)
			return -ENOMEM;
		d->seen.first = INT64_MAX;
		d->asked_at = -1;
		if (delta_keep(r, d) < 0)
			return -ENOMEM;
	}
	*ret = d;
	return 0;
}

static int
rua_add(struct reports *r, const struct reports_row *row)
{
	struct reports_delta *d;
	int rc = delta_of(r, row->domain, &d);

	if (rc < 0 || row->at < d->asked_at)
		return rc;
	d->asked_at = row->at;
	if (!sv_eq(d->rua, row->rua) && (d->rua = pool_sv(r->pool, row->rua)).p == NULL)
		return -ENOMEM;
	return 0;
}

int
reports_delta_add(struct reports *r, const struct reports_row *row)
{
	struct reports_delta *d;
	int rc;

	for (size_t i = 0; i < row->n_names; i++) {
		if ((rc = delta_of(r, row->names[i], &d)) < 0)
			return rc;
		d->is_seen = true;
		d->seen.first = min_i64(d->seen.first, row->at);
		d->seen.last = max_i64(d->seen.last, row->at);
		d->seen.n_messages++;
		d->seen.n_acts[row->act]++;
	}
	return row->is_wanted ? rua_add(r, row) : 0;
}

static int
delta_cmp(const void *a, const void *b)
{
	const struct reports_delta *const *x = a, *const *y = b;

	return sv_cmp((*x)->seen.domain, (*y)->seen.domain);
}

static int
seen_write(struct reports *r, const struct reports_seen *s)
{
	const struct sql_value v[] = {
		SQL_B(s->domain), SQL_I(s->first), SQL_I(s->last), SQL_I(s->n_messages),
		SQL_I(s->n_acts[REPORTS_PASSED]), SQL_I(s->n_acts[REPORTS_QUARANTINED]),
		SQL_I(s->n_acts[REPORTS_REJECTED]), SQL_I(s->n_complaints),
	};

	return reports_run(r, SQL_SEEN_ADD, v, NULL, NULL);
}

/* One table after the other: each in the order of names. */
int
reports_delta_write(struct reports *r)
{
	int rc = 0;

	if (r->n_deltas > 0)
		qsort(r->deltas, r->n_deltas, sizeof(struct reports_delta *), delta_cmp);
	for (size_t i = 0; i < r->n_deltas && rc == 0; i++)
		if (r->deltas[i]->is_seen)
			rc = seen_write(r, &r->deltas[i]->seen);
	for (size_t i = 0; i < r->n_deltas && rc == 0; i++) {
		const struct reports_delta *d = r->deltas[i];
		const struct sql_value v[] = { SQL_B(d->seen.domain), SQL_I(d->asked_at),
		    SQL_B(d->rua) };

		if (d->asked_at >= 0)
			rc = reports_run(r, SQL_OWNER_PUT, v, NULL, NULL);
	}
	return rc;
}

/* --- asked for --- */

struct seen_walk {
	reports_seen_fn	 fn;
	void		*arg;
};

static int
seen_give(void *arg, const struct sql_value *v)
{
	const struct seen_walk *w = arg;
	const struct reports_seen s = {
		.domain = v[0].b, .first = v[1].i, .last = v[2].i, .n_messages = (uint64_t)v[3].i,
		.n_acts = { (uint64_t)v[4].i, (uint64_t)v[5].i, (uint64_t)v[6].i },
		.n_complaints = (uint64_t)v[7].i,
	};

	return w->fn(w->arg, &s);
}

static int
seen_take(void *arg, const struct reports_seen *s)
{
	*(struct reports_seen *)arg = *s;
	return 0;
}

int
reports_seen(struct reports *r, struct sv domain, struct pool *pool, struct reports_seen *ret)
{
	const struct sql_value v[] = { SQL_B(domain) };
	struct reports_seen s = { .first = -1 };
	struct seen_walk w = { seen_take, &s };
	int rc = reports_run(r, SQL_SEEN_FIND, v, seen_give, &w);

	if (rc < 0)
		return rc;
	if (s.first < 0)
		return -ENOENT;
	if ((s.domain = pool_sv(pool, domain)).p == NULL)
		return -ENOMEM;
	*ret = s;
	return 0;
}

int
reports_seen_each(struct reports *r, uint64_t max, reports_seen_fn fn, void *arg)
{
	const struct sql_value v[] = { SQL_I(max) };
	struct seen_walk w = { fn, arg };

	return reports_run(r, SQL_SEEN_EACH, v, seen_give, &w);
}

static int
sum_take(void *arg, const struct sql_value *v)
{
	*(struct reports_seen_sum *)arg = (struct reports_seen_sum){
		.seen = {
			.first = v[1].i, .last = v[2].i, .n_messages = (uint64_t)v[3].i,
			.n_acts = { (uint64_t)v[4].i, (uint64_t)v[5].i, (uint64_t)v[6].i },
			.n_complaints = (uint64_t)v[7].i,
		},
		.n = (uint64_t)v[0].i,
	};
	return 0;
}

int
reports_seen_list(struct reports *r, const struct reports_seen_wish *wish,
    struct reports_seen_sum *ret_sum, reports_seen_fn fn, void *arg)
{
	_cleanup_(buf_done) struct buf below = BUF_INIT;
	struct seen_walk w = { fn, arg };
	int rc;

	buf_char(&below, '.');
	buf_sv(&below, wish->below);
	if (below.rc < 0)
		return below.rc;
	const struct sql_value v[] = { SQL_I(wish->last), SQL_I(wish->first), SQL_B(wish->below),
	    SQL_B(buf_get(&below)), SQL_I(wish->sort), SQL_I(wish->max) };

	rc = reports_run(r, SQL_SEEN_SUM, v, sum_take, ret_sum);
	return rc < 0 ? rc : reports_run(r, SQL_SEEN_LIST, v, seen_give, &w);
}

int
reports_complain(struct reports *r, struct sv domain, int64_t at, uint64_t n)
{
	const struct reports_seen s = { .domain = domain, .first = at, .last = at,
	    .n_complaints = n };

	return seen_write(r, &s);
}
