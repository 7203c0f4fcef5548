/* Sets of whole seconds as sorted half-open intervals that never touch. */
#include <errno.h>
#include <stdlib.h>

#include "base/err.h"
#include "dnssec/timeline_internal.h"

static const struct set empty;

void
set_spend(struct set_maker *m, uint64_t work)
{
	if (m->rc == 0 && work > m->work_max - m->work)
		m->rc = SE_LIMIT;
	if (m->rc == 0)
		m->work += work;
}

struct timeline_span *
set_room(struct set_maker *m, size_t n)
{
	struct timeline_span *v;

	set_spend(m, n + 1);
	if (m->rc < 0)
		return NULL;
	if ((v = pool_calloc(m->pool, n + 1, sizeof(*v))) == NULL)
		m->rc = pool_is_full(m->pool) ? SE_LIMIT : -ENOMEM;
	return v;
}

static int
by_from(const void *a, const void *b)
{
	const struct timeline_span *x = a, *y = b;

	if (x->from != y->from)
		return x->from < y->from ? -1 : 1;
	return 0;
}

struct set
set_of(struct set_maker *m, struct timeline_span *v, size_t n)
{
	struct set r = { 0 };

	if (n == 0 || (r.v = set_room(m, n)) == NULL)
		return empty;
	qsort(v, n, sizeof(*v), by_from);
	for (size_t i = 0; i < n; i++) {
		if (v[i].until <= v[i].from)
			continue;
		if (r.n > 0 && v[i].from <= r.v[r.n - 1].until)
			r.v[r.n - 1].until = max_i64(r.v[r.n - 1].until, v[i].until);
		else
			r.v[r.n++] = v[i];
	}
	return r;
}

struct set
set_and(struct set_maker *m, struct set a, struct set b)
{
	struct set r = { 0 };
	size_t i = 0, k = 0;

	if (a.n == 0 || b.n == 0 || (r.v = set_room(m, a.n + b.n)) == NULL)
		return empty;
	while (i < a.n && k < b.n) {
		struct timeline_span s = { max_i64(a.v[i].from, b.v[k].from), min_i64(a.v[i].until, b.v[k].until) };

		if (s.from < s.until)
			r.v[r.n++] = s;
		if (a.v[i].until < b.v[k].until)
			i++;
		else
			k++;
	}
	return r;
}

struct set
set_or(struct set_maker *m, struct set a, struct set b)
{
	struct timeline_span *both;

	if (a.n == 0 || b.n == 0)
		return a.n == 0 ? b : a;
	if ((both = set_room(m, a.n + b.n)) == NULL)
		return empty;
	memcpy(both, a.v, a.n * sizeof(*both));
	memcpy(both + a.n, b.v, b.n * sizeof(*both));
	return set_of(m, both, a.n + b.n);
}

struct set
set_minus(struct set_maker *m, struct set a, struct set b)
{
	struct set r = { 0 };
	size_t k = 0;

	if (a.n == 0 || b.n == 0)
		return a;
	if ((r.v = set_room(m, a.n + b.n)) == NULL)
		return empty;
	for (size_t i = 0; i < a.n; i++) {
		int64_t from = a.v[i].from, until = a.v[i].until;

		while (k < b.n && b.v[k].until <= from)
			k++;
		/* The last one that reaches into this interval may reach into the next, too. */
		for (size_t at = k; at < b.n && b.v[at].from < until && from < until; at++) {
			if (b.v[at].from > from)
				r.v[r.n++] = (struct timeline_span){ from, b.v[at].from };
			from = b.v[at].until;
		}
		if (from < until)
			r.v[r.n++] = (struct timeline_span){ from, until };
	}
	return r;
}

int
set_cmp(struct set a, struct set b)
{
	if (a.n != b.n)
		return a.n < b.n ? -1 : 1;
	return a.n == 0 ? 0 : memcmp(a.v, b.v, a.n * sizeof(*a.v));
}

bool
set_has(struct set a, int64_t at)
{
	size_t lo = 0, hi = a.n;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (a.v[mid].until <= at)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo < a.n && a.v[lo].from <= at;
}
