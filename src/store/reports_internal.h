/*
 * The reports' tables and the two that hold them: a driver runs a statement of
 * the table with numbers and octets, and knows nothing of what they mean.
 */
#ifndef STORE_REPORTS_INTERNAL_H
#define STORE_REPORTS_INTERNAL_H

#include "base/hash.h"
#include "store/limits.h"
#include "store/reports.h"

#define REPORTS_SCHEMA		1

struct sql_value {
	int64_t		 i;
	struct sv	 b;
};
#define SQL_I(v)	((struct sql_value){ .i = (int64_t)(v) })
#define SQL_B(v)	((struct sql_value){ .b = (v) })

enum reports_sql {
	SQL_VERSION,
	SQL_ROW_ADD,
	SQL_SEEN_ADD,
	SQL_SEEN_FIND,
	SQL_SEEN_EACH,
	SQL_OWNER_PUT,
	SQL_OWNER_FIND,
	SQL_WAITING,
	SQL_POLICIES,
	SQL_NUMBER_NEXT,
	SQL_NUMBER,
	SQL_REPORT_ADD,
	SQL_ROWS_CLAIM,
	SQL_UNADDRESSED,
	SQL_ADDRESSED,
	SQL_ROWS_SUM,
	SQL_SENDING_ADD,
	SQL_DUE,
	SQL_SENDINGS,
	SQL_TRIED,
	SQL_FAILED,
	SQL_FAILED_NOT,
	SQL_FAILURES,
	SQL_PRUNE_ROWS,
	SQL_PRUNE_SENDINGS,
	SQL_PRUNE_REPORTS,
	SQL_PRUNE_SEEN,
	SQL_PRUNE_FAILING,
	SQL_PRUNE_OWNERS,
	SQL_MAX
};

/* "i": a number, "b": octets; $1, $2 … in sql are of the types in args. */
struct sql_statement {
	const char	*sql, *args, *columns;
};
#define SQL_ARGS_MAX	10
extern const struct sql_statement reports_sql[SQL_MAX];
extern const char reports_schema[];	/* all of it, again without harm */

/* 0, or what ends the walk. Octets are good until it returns. */
typedef int (*sql_fn)(void *arg, const struct sql_value *);

struct sql_driver {
	int	(*open)(const char *where, void **ret);
	void	(*free)(void *db);
	/* Statements without rows, several between ";". */
	int	(*exec)(void *db, const char *sql);
	int	(*prepare)(void *db, unsigned i, const struct sql_statement *);
	/* fn NULL: no rows are wanted. *ret_changed: rows that were written. */
	int	(*run)(void *db, unsigned i, const struct sql_statement *,
		    const struct sql_value *args, sql_fn, void *arg, uint64_t *ret_changed);
	/* One statement n times, REPORTS_ADD_MAX at most; *ret_changed: those that wrote a row. */
	int	(*run_all)(void *db, unsigned i, const struct sql_statement *,
		    const struct sql_value *args, size_t n, uint64_t *ret_changed);
	int	(*lock)(void *db);
	const char *begin, *begin_schema;
};
extern const struct sql_driver sql_sqlite, sql_postgresql;

/* What a transaction learned of a name, to be written at its end. */
struct reports_delta {
	struct reports_seen seen;
	int64_t		 asked_at;	/* when the owner's rua was read; -1: it was not */
	struct sv	 rua;
	bool		 is_seen;
};

struct reports {
	const struct sql_driver	*driver;
	void			*db;
	/* of the transaction that takes rows in */
	struct pool		*pool;
	struct map		 names;
	struct reports_delta	**deltas;
	size_t			 n_deltas, cap_deltas;
};

int	 reports_run(struct reports *, enum reports_sql, const struct sql_value *, sql_fn,
	    void *arg) MUST_USE;
int	 reports_change(struct reports *, enum reports_sql, const struct sql_value *,
	    uint64_t *ret) MUST_USE;
int	 reports_exec(struct reports *, const char *sql) MUST_USE;
/* COMMIT, or ROLLBACK and rc. */
int	 reports_finish(struct reports *, int rc) MUST_USE;
/* What the rows told of names, written; then forgotten by reports_delta_done(). */
int	 reports_delta_add(struct reports *, const struct reports_row *) MUST_USE;
int	 reports_delta_write(struct reports *) MUST_USE;
void	 reports_delta_done(struct reports *);

#endif
