/* The reports' store: opening, transactions, and rows that are taken in. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "store/reports_internal.h"

/* --- statements --- */

int
reports_run(struct reports *r, enum reports_sql i, const struct sql_value *args, sql_fn fn,
    void *arg)
{
	uint64_t changed;

	return r->driver->run(r->db, i, &reports_sql[i], args, fn, arg, &changed);
}

int
reports_change(struct reports *r, enum reports_sql i, const struct sql_value *args, uint64_t *ret)
{
	return r->driver->run(r->db, i, &reports_sql[i], args, NULL, NULL, ret);
}

int
reports_exec(struct reports *r, const char *sql)
{
	return r->driver->exec(r->db, sql);
}

int
reports_start(struct reports *r)
{
	return r->is_open ? 0 : reports_exec(r, r->driver->begin);
}

int
reports_finish(struct reports *r, int rc)
{
	if (r->is_open)
		return rc;
	if (rc == 0 && (rc = reports_exec(r, "COMMIT")) == 0)
		return 0;
	if (reports_exec(r, "ROLLBACK") < 0)	/* the connection is gone, and with it the transaction */
		return rc;
	return rc;
}

/* --- opening --- */

struct reports *
reports_free(struct reports *r)
{
	if (r == NULL)
		return NULL;
	reports_delta_done(r);
	reports_tally_done(r);
	if (r->driver != NULL && r->db != NULL)
		r->driver->free(r->db);
	free(r);
	return NULL;
}

static int
number_take(void *arg, const struct sql_value *v)
{
	*(int64_t *)arg = v[0].i;
	return 0;
}

/* Tables of another version are left as they are: their CREATEs are all "IF NOT EXISTS". */
static int
tables_make(struct reports *r)
{
	int rc = reports_exec(r, r->driver->begin_schema);

	return rc < 0 ? rc : reports_finish(r, reports_exec(r, reports_schema));
}

/* The version first: what other tables lack is no failure of the database. */
static int
tables_use(struct reports *r)
{
	int64_t version = 0;
	int rc = r->driver->prepare(r->db, SQL_VERSION, &reports_sql[SQL_VERSION]);

	if (rc < 0 || (rc = reports_run(r, SQL_VERSION, NULL, number_take, &version)) < 0)
		return rc == -EIO ? SE_FORMAT : rc;
	if (version != REPORTS_SCHEMA)
		return SE_FORMAT;
	for (unsigned i = SQL_VERSION + 1; i < SQL_MAX && rc == 0; i++)
		rc = r->driver->prepare(r->db, i, &reports_sql[i]);
	return rc;
}

static bool
is_server(struct sv where)
{
	return sv_starts(where, SV("postgresql://")) || sv_starts(where, SV("postgres://"));
}

static int
store_open(const char *where, bool is_ro, struct reports **ret)
{
	_cleanup_(reports_freep) struct reports *r = calloc(1, sizeof(*r));
	int rc;

	if (r == NULL)
		return -ENOMEM;
	r->driver = is_server(sv_str(where)) ? &sql_postgresql : &sql_sqlite;
	if ((rc = r->driver->open(where, is_ro, &r->db)) < 0 || (!is_ro && (rc = tables_make(r)) < 0) ||
	    (rc = tables_use(r)) < 0)
		return rc;
	*ret = TAKE_PTR(r);
	return 0;
}

int
reports_open(const char *where, struct reports **ret)
{
	return store_open(where, false, ret);
}

int
reports_open_ro(const char *where, struct reports **ret)
{
	return store_open(where, true, ret);
}

int
reports_lock(struct reports *r)
{
	return r->driver->lock(r->db);
}

/* --- rows --- */

int
reports_begin(struct reports *r)
{
	int rc;

	reports_delta_done(r);
	reports_tally_done(r);
	if ((r->pool = pool_new(REPORTS_DELTA_POOL_MAX)) == NULL)
		return -ENOMEM;
	rc = reports_exec(r, r->driver->begin);
	r->is_open = rc == 0;
	return rc;
}

#define ROW_ARGS	8

static void
row_args(const struct reports_row *row, struct sql_value v[static ROW_ARGS])
{
	const struct sql_value a[ROW_ARGS] = {
		SQL_B(row->node), SQL_B(row->queue_id), SQL_I(row->at), SQL_I(reports_day(row->at)),
		SQL_B(row->domain), SQL_B(row->policy), SQL_B(row->alike),
		SQL_I(row->is_wanted ? 0 : -1),
	};

	memcpy(v, a, sizeof(a));
}

int
reports_add(struct reports *r, const struct reports_row *rows, size_t n, uint64_t *ret_new)
{
	struct sql_value v[REPORTS_ADD_MAX * ROW_ARGS] = { 0 };
	uint64_t is_new = 0;
	int rc;

	if (n > REPORTS_ADD_MAX)
		return SE_LIMIT;
	for (size_t i = 0; i < n; i++)
		row_args(&rows[i], &v[i * ROW_ARGS]);
	rc = r->driver->run_all(r->db, SQL_ROW_ADD, &reports_sql[SQL_ROW_ADD], v, n, &is_new);
	for (size_t i = 0; i < n && rc == 0; i++)
		if ((is_new & UINT64_C(1) << i) != 0 && (rc = reports_delta_add(r, &rows[i])) == 0)
			rc = reports_tally_add(r, &rows[i]);
	if (rc == 0)
		*ret_new = is_new;
	return rc;
}

int
reports_end(struct reports *r, int rc)
{
	if (rc == 0)
		rc = reports_delta_write(r);
	if (rc == 0)
		rc = reports_tally_write(r);
	r->is_open = false;
	rc = reports_finish(r, rc);
	reports_delta_done(r);
	reports_tally_done(r);
	return rc;
}

/* --- forgetting --- */

/* Some of what a statement deletes; *ret_more: there may be more of it. */
static int
slice_prune(struct reports *r, enum reports_sql i, int64_t before, bool *ret_more)
{
	const struct sql_value v[] = { SQL_I(before), SQL_I(REPORTS_PRUNE_ROWS) };
	uint64_t changed;
	int rc = reports_change(r, i, v, &changed);

	if (rc == 0)
		*ret_more = *ret_more || changed >= REPORTS_PRUNE_ROWS;
	return rc;
}

/* Reports stay as long as any of their rows does. */
static int
all_prune(struct reports *r, const struct reports_keep *k, bool *ret_more)
{
	const struct sql_value day[] = { SQL_I(k->rows) };
	const struct sql_value at[] = { SQL_I(k->names * REPORTS_DAY_SEC) };
	/* While a row may wait for its report, it is known where that goes. */
	const struct sql_value owner[] = { SQL_I(min_i64(k->rows, k->names) * REPORTS_DAY_SEC) };
	const struct sql_value count[] = { SQL_I(min_i64(k->rows, k->names)) };
	int rc;

	if ((rc = slice_prune(r, SQL_PRUNE_ROWS, k->rows * REPORTS_DAY_SEC, ret_more)) < 0 ||
	    (rc = slice_prune(r, SQL_PRUNE_SEEN, k->names * REPORTS_DAY_SEC, ret_more)) < 0 ||
	    *ret_more)
		return rc;
	if ((rc = reports_run(r, SQL_PRUNE_SENDINGS, day, NULL, NULL)) < 0 ||
	    (rc = reports_run(r, SQL_PRUNE_REPORTS, day, NULL, NULL)) < 0 ||
	    (rc = reports_run(r, SQL_PRUNE_FAILING, at, NULL, NULL)) < 0)
		return rc;
	if ((rc = reports_run(r, SQL_PRUNE_OWNERS, owner, NULL, NULL)) < 0 ||
	    (rc = reports_run(r, SQL_PRUNE_TALLY, owner, NULL, NULL)) < 0)
		return rc;
	return reports_run(r, SQL_PRUNE_COUNTS, count, NULL, NULL);
}

int
reports_prune(struct reports *r, const struct reports_keep *k, bool *ret_more)
{
	int rc = reports_start(r);

	*ret_more = false;
	return rc < 0 ? rc : reports_finish(r, all_prune(r, k, ret_more));
}
