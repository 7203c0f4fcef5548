/* What renderers draw: one row for each stretch in which a version is served. */
#include <errno.h>
#include <stdlib.h>

#include "dnssec/timeline_internal.h"

/* A row and what it is sorted by first. */
struct sortable {
	struct timeline_row	row;
	enum timeline_kind	kind;
};

static int
by_kind(const void *x, const void *y)
{
	const struct sortable *a = x, *b = y;

	if (a->kind != b->kind)
		return a->kind < b->kind ? -1 : 1;
	if (a->row.from != b->row.from)
		return a->row.from < b->row.from ? -1 : 1;
	if (a->row.version != b->row.version)
		return a->row.version < b->row.version ? -1 : 1;
	return (a->row.until > b->row.until) - (a->row.until < b->row.until);
}

struct timeline_row *
timeline_rows(const struct timeline *h, struct pool *pool, size_t *ret_n)
{
	struct timeline_row *rows;
	struct sortable *all;
	size_t n = 0;

	for (size_t i = 0; i < h->n_versions; i++)
		n += h->versions[i].n_serves;
	all = pool_calloc(pool, n + 1, sizeof(*all));
	rows = pool_calloc(pool, n + 1, sizeof(*rows));
	if (all == NULL || rows == NULL)
		return NULL;
	n = 0;
	for (size_t i = 0; i < h->n_versions; i++)
		for (size_t k = 0; k < h->versions[i].n_serves; k++) {
			const struct timeline_serve *s = &h->versions[i].serves[k];

			all[n++] = (struct sortable){
				.row = { (unsigned)i, s->at.from, s->at.until, timeline_cached_until(s) },
				.kind = h->versions[i].kind,
			};
		}
	qsort(all, n, sizeof(*all), by_kind);
	for (size_t i = 0; i < n; i++)
		rows[i] = all[i].row;
	*ret_n = n;
	return rows;
}

/* Names are ASCII: a byte is a cell. */
static size_t
widest_id(const struct timeline *h)
{
	size_t n = 0;

	for (size_t i = 0; i < h->n_versions; i++)
		n = max_size(n, h->versions[i].id.n);
	return n;
}

int
timeline_table(const struct timeline *h, struct buf *b, enum lang lang)
{
	_cleanup_(pool_freep) struct pool *pool = pool_new(TIMELINE_SIZE_MAX);
	const char *format = tr(lang, N_("%-6s  %-*s  served from %s until %-20s  in caches until %s\n"));
	int width = (int)widest_id(h);
	struct timeline_row *rows;
	size_t n;

	if (pool == NULL || (rows = timeline_rows(h, pool, &n)) == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++) {
		char from[TIME_STRLEN], until[TIME_STRLEN], cached[TIME_STRLEN];
		const struct timeline_version *v = &h->versions[rows[i].version];

		buf_printf(b, format, timeline_kind_name(v->kind), width, v->id.p,
		    time_str(rows[i].from, from), time_str(rows[i].until, until),
		    time_str(rows[i].cached_until, cached));
	}
	return b->rc;
}
