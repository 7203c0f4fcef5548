/* The reports' tables in PostgreSQL. */
#include <errno.h>
#include <libpq-fe.h>
#include <stdio.h>

#include "base/err.h"
#include "base/rd.h"
#include "store/reports_internal.h"

enum {			/* pg_type.dat; in all versions */
	OID_BYTEA = 17,
	OID_INT8 = 20
};

/* "SEKISHO", and which lock of ours. */
#define LOCK_SENDER	"6000284856842997504"
#define LOCK_SCHEMA	"6000284856842997505"

/* --- codes --- */

/* The beginning of an SQLSTATE (its appendix A), as ours. */
static const struct {
	const char	*state;
	int		 rc;
} states[] = {
	{ "08", SE_CLOSED },		/* connection exception */
	{ "57P", SE_CLOSED },		/* the server is stopped, crashed, starting */
	{ "53300", SE_CLOSED },		/* too many connections */
	{ "40", -EAGAIN },		/* serialization, deadlock */
	{ "55P03", -EAGAIN },		/* lock not available */
	{ "53100", -ENOSPC },
	{ "53200", -ENOMEM },
	{ "42501", -EACCES },
	{ "25006", -EROFS },		/* a standby */
	{ "28", -EACCES },
	{ "3D", -ENOENT },		/* no such database */
	{ "42P01", SE_FORMAT },		/* no such table */
	{ "42703", SE_FORMAT },		/* no such column */
};

static int
result_rc(const PGconn *c, const PGresult *r)
{
	struct sv state = sv_str(PQresultErrorField(r, PG_DIAG_SQLSTATE));

	for (size_t i = 0; i < ARRAY_LEN(states); i++)
		if (sv_starts(state, sv_str(states[i].state)))
			return states[i].rc;
	return PQstatus(c) != CONNECTION_OK ? SE_CLOSED : -EIO;
}

static int
result_end(const PGconn *c, PGresult *r)
{
	ExecStatusType s = PQresultStatus(r);
	int rc = s == PGRES_COMMAND_OK || s == PGRES_TUPLES_OK ? 0 : result_rc(c, r);

	PQclear(r);
	return rc;
}

/* --- the connection --- */

static void
silent(void *arg, const PGresult *r)
{
	(void)arg;
	(void)r;
}

static int
server_exec(void *arg, const char *sql)
{
	return result_end(arg, PQexec(arg, sql));
}

/*
 * A server that is gone without a word (its cable, its power) is noticed within half a
 * minute. The address may say otherwise, as what stands behind counts.
 */
static int
server_open(const char *where, bool is_ro, void **ret)
{
	const char *const keys[] = { "connect_timeout", "tcp_user_timeout", "keepalives_idle",
	    "keepalives_interval", "keepalives_count", "application_name", "dbname", NULL };
	const char *const values[] = { "10", "30000", "10", "5", "4", "sekisho", where, NULL };
	PGconn *c = PQconnectdbParams(keys, values, 1);
	int rc;

	if (c == NULL)
		return -ENOMEM;
	if (PQstatus(c) != CONNECTION_OK) {
		rc = PQconnectionNeedsPassword(c) || PQconnectionUsedPassword(c) ? -EACCES : SE_CLOSED;
		PQfinish(c);
		return rc;
	}
	(void)PQsetNoticeReceiver(c, silent, NULL);
	if (is_ro && (rc = server_exec(c, "SET default_transaction_read_only = on")) < 0) {
		PQfinish(c);
		return rc;
	}
	*ret = c;
	return 0;
}

static void
server_free(void *arg)
{
	if (arg != NULL)
		PQfinish(arg);
}

static int
server_prepare(void *arg, unsigned i, const struct sql_statement *s)
{
	Oid types[SQL_ARGS_MAX];
	char name[16];
	int n = 0;

	for (; s->args[n] != '\0'; n++)
		types[n] = s->args[n] == 'i' ? OID_INT8 : OID_BYTEA;
	(void)snprintf(name, sizeof(name), "s%u", i);
	return result_end(arg, PQprepare(arg, name, s->sql, n, types));
}

/* --- statements --- */

static int
statement_send(PGconn *c, unsigned i, const struct sql_statement *s, const struct sql_value *args)
{
	const char *values[SQL_ARGS_MAX];
	int lens[SQL_ARGS_MAX], binary[SQL_ARGS_MAX], n = 0;
	uint8_t numbers[SQL_ARGS_MAX][8];
	char name[16];

	for (; s->args[n] != '\0'; n++) {
		const char *octets = args[n].b.n > 0 ? args[n].b.p : "";	/* NULL is SQL's NULL */
		uint64_t v = (uint64_t)args[n].i;

		put_be32(numbers[n], (uint32_t)(v >> 32));
		put_be32(numbers[n] + 4, (uint32_t)v);
		values[n] = s->args[n] == 'i' ? (const char *)numbers[n] : octets;
		lens[n] = s->args[n] == 'i' ? 8 : (int)args[n].b.n;
		binary[n] = 1;
	}
	(void)snprintf(name, sizeof(name), "s%u", i);
	return PQsendQueryPrepared(c, name, n, values, lens, binary, 1) == 1 ? 0 : SE_CLOSED;
}

static int
row_give(const PGresult *r, const char *columns, sql_fn fn, void *arg)
{
	struct sql_value v[SQL_ARGS_MAX] = { 0 };

	for (int i = 0; columns[i] != '\0'; i++) {
		const char *p = PQgetvalue(r, 0, i);
		int n = PQgetlength(r, 0, i);

		if (i >= PQnfields(r) || PQgetisnull(r, 0, i) || (columns[i] == 'i' && n != 8) ||
		    PQftype(r, i) != (columns[i] == 'i' ? OID_INT8 : OID_BYTEA))
			return -EBADMSG;
		if (columns[i] == 'i')
			v[i].i = (int64_t)be64_at((const uint8_t *)p);
		else
			v[i].b = (struct sv){ p, (size_t)n };
	}
	return fn(arg, v);
}

static int
result_take(const PGconn *c, const PGresult *r, const char *columns, sql_fn fn, void *arg,
    uint64_t *changed)
{
	switch (PQresultStatus(r)) {
	case PGRES_SINGLE_TUPLE:
		return fn == NULL ? 0 : row_give(r, columns, fn, arg);
	case PGRES_TUPLES_OK:
		return 0;
	case PGRES_COMMAND_OK:
		if (num_u64(sv_str(PQcmdTuples((PGresult *)(uintptr_t)r)), 0, UINT64_MAX,
		    changed) < 0)
			*changed = 0;
		return 0;
	default:
		return result_rc(c, r);
	}
}

/* Row by row, so that an answer of millions needs no room. All of it is read, always. */
static int
server_run(void *db, unsigned i, const struct sql_statement *s, const struct sql_value *args,
    sql_fn fn, void *arg, uint64_t *ret_changed)
{
	PGresult *r;
	int rc = statement_send(db, i, s, args);

	*ret_changed = 0;
	if (rc < 0)
		return rc;
	(void)PQsetSingleRowMode(db);
	while ((r = PQgetResult(db)) != NULL) {
		if (rc == 0)
			rc = result_take(db, r, s->columns, fn, arg, ret_changed);
		PQclear(r);
	}
	return rc == 0 && PQstatus(db) != CONNECTION_OK ? SE_CLOSED : rc;
}

/* --- many at a time: libpq's pipeline --- */

static int
all_send(PGconn *c, unsigned i, const struct sql_statement *s, const struct sql_value *args,
    size_t n)
{
	size_t n_args = strlen(s->args);
	int rc;

	for (size_t k = 0; k < n; k++)
		if ((rc = statement_send(c, i, s, args + k * n_args)) < 0)
			return rc;
	return PQpipelineSync(c) == 1 ? 0 : SE_CLOSED;
}

/*
 * A result, then NULL, for each; then the end of the pipeline. After a failure the server
 * passes over the others, and each says so.
 */
static int
all_take(PGconn *c, const struct sql_statement *s, size_t n, uint64_t *ret_changed)
{
	size_t n_results = 0, n_nothing = 0;
	bool is_over = false;
	int rc = 0;

	while (!is_over && n_nothing <= n + 1 && PQstatus(c) == CONNECTION_OK) {
		PGresult *r = PQgetResult(c);
		uint64_t changed = 0;

		n_nothing += r == NULL;
		is_over = r != NULL && PQresultStatus(r) == PGRES_PIPELINE_SYNC;
		if (r != NULL && !is_over && rc == 0 && n_results < n &&
		    (rc = result_take(c, r, s->columns, NULL, NULL, &changed)) == 0)
			*ret_changed |= (uint64_t)(changed > 0) << n_results++;
		PQclear(r);
	}
	return rc < 0 ? rc : is_over && n_results == n ? 0 : SE_CLOSED;
}

static int
server_run_all(void *db, unsigned i, const struct sql_statement *s, const struct sql_value *args,
    size_t n, uint64_t *ret_changed)
{
	int rc;

	*ret_changed = 0;
	if (PQenterPipelineMode(db) != 1)
		return SE_CLOSED;
	if ((rc = all_send(db, i, s, args, n)) == 0)
		rc = all_take(db, s, n, ret_changed);
	/* What is in the middle of something cannot be used any more. */
	return PQexitPipelineMode(db) != 1 ? SE_CLOSED : rc;
}

/* The server frees it when this connection ends, whatever ends it. */
static int
server_lock(void *db)
{
	PGresult *r = PQexec(db, "SELECT pg_try_advisory_lock(" LOCK_SENDER ")");
	bool has = PQresultStatus(r) == PGRES_TUPLES_OK &&
	    sv_eq_str(sv_str(PQgetvalue(r, 0, 0)), "t");
	int rc = result_end(db, r);

	return rc < 0 ? rc : has ? 0 : SE_LOCKED;
}

const struct sql_driver sql_postgresql = {
	.open = server_open, .free = server_free, .exec = server_exec, .prepare = server_prepare,
	.run = server_run, .run_all = server_run_all, .lock = server_lock, .begin = "BEGIN",
	/* CREATE … IF NOT EXISTS by two at a time fails for one of them. */
	.begin_schema = "BEGIN; SELECT pg_advisory_xact_lock(" LOCK_SCHEMA ")",
};
