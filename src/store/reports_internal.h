/*
 * The reports' tables and the two that hold them: a driver runs a statement of
 * the table with numbers and octets, and knows nothing of what they mean.
 */
#ifndef STORE_REPORTS_INTERNAL_H
#define STORE_REPORTS_INTERNAL_H

#include "base/hash.h"
#include "store/limits.h"
#include "store/reports.h"
#include "store/reports_tally.h"

#define REPORTS_SCHEMA		2
#define REPORTS_HOUR_SEC	3600
#define REPORTS_EVER		(-1)	/* a "day": all of them */

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
	SQL_SEEN_LIST,
	SQL_SEEN_SUM,
	SQL_OWNER_PUT,
	SQL_OWNER_FIND,
	SQL_WAITING,
	SQL_POLICIES,
	SQL_NUMBER_NEXT,
	SQL_NUMBER,
	SQL_LAST,
	SQL_LAST_PUT,
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
	SQL_TALLY_ADD,
	SQL_TALLY,
	SQL_COUNT_ADD,
	SQL_COUNTS,
	SQL_NOW,
	SQL_GIVEN_UP,
	SQL_FAILING,
	SQL_LIST,
	SQL_LIST_DAYS,
	SQL_LIST_OF,
	SQL_REPORT_FIND,
	SQL_PRUNE_ROWS,
	SQL_PRUNE_SENDINGS,
	SQL_PRUNE_REPORTS,
	SQL_PRUNE_SEEN,
	SQL_PRUNE_FAILING,
	SQL_PRUNE_OWNERS,
	SQL_PRUNE_TALLY,
	SQL_PRUNE_COUNTS,
	SQL_MAIL_KNOWN_ADD,
	SQL_MAIL_JOIN,
	SQL_MAIL_COUNT,
	SQL_MAIL_NUMBER_NEXT,
	SQL_MAIL_NUMBER,
	SQL_MAIL_ADD,
	SQL_MAIL_UNADDRESSED,
	SQL_MAIL_ADDRESSED,
	SQL_MAIL_SENDING_ADD,
	SQL_MAIL_DUE,
	SQL_MAIL_TRIED,
	SQL_MAIL_NOW,
	SQL_PRUNE_MAILS,
	SQL_PRUNE_MAIL_SENDINGS,
	SQL_PRUNE_MAIL_KNOWN,
	SQL_MAX
};

/* "i": a number, "b": octets; $1, $2 … in sql are of the types in args. */
struct sql_statement {
	const char	*sql, *args, *columns;
};
#define SQL_ARGS_MAX	11
extern const struct sql_statement reports_sql[SQL_MAX];
extern const char reports_schema[];	/* all of it, again without harm */

/* 0, or what ends the walk. Octets are good until it returns. */
typedef int (*sql_fn)(void *arg, const struct sql_value *);

struct sql_driver {
	/* is_ro: only reads are possible, and nothing is made. */
	int	(*open)(const char *where, bool is_ro, void **ret);
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
	/* of the transaction that is open from reports_begin() to reports_end() */
	bool			is_open;
	struct pool		*pool;
	struct map		 names;
	struct reports_delta	**deltas;
	size_t			 n_deltas, cap_deltas;
	struct reports_tally	*cells;
	size_t			 n_cells, cap_cells;
};

int	 reports_run(struct reports *, enum reports_sql, const struct sql_value *, sql_fn,
	    void *arg) MUST_USE;
int	 reports_change(struct reports *, enum reports_sql, const struct sql_value *,
	    uint64_t *ret) MUST_USE;
int	 reports_exec(struct reports *, const char *sql) MUST_USE;
/* A transaction, or a part of the one that is open. */
int	 reports_start(struct reports *) MUST_USE;
/* COMMIT, or ROLLBACK and rc; of a part: rc, as who began decides. */
int	 reports_finish(struct reports *, int rc) MUST_USE;
/* What the rows told of names, written; then forgotten by reports_delta_done(). */
int	 reports_delta_add(struct reports *, const struct reports_row *) MUST_USE;
int	 reports_delta_write(struct reports *) MUST_USE;
void	 reports_delta_done(struct reports *);
/* The same of counts. */
int	 reports_tally_add(struct reports *, const struct reports_row *) MUST_USE;
int	 reports_tally_write(struct reports *) MUST_USE;
void	 reports_tally_done(struct reports *);
/* Once more, ever and on that day (negative: on none). */
int	 reports_count(struct reports *, enum reports_count, int64_t day, uint64_t n) MUST_USE;
/* What is sent: reports, and mails that are ready. Statements of the same columns for each. */
struct reports_sent_sql {
	enum reports_sql addressed, add, tried;
};
/* In a transaction of the caller's. -EEXIST: it has its addresses. */
int	 reports_sent_address(struct reports *, const struct reports_sent_sql *, uint64_t id,
	    const struct sv *to, size_t n, int64_t next) MUST_USE;
/* Likewise; key: of who fails. -ENOENT: it does not go there. */
int	 reports_sent_tried(struct reports *, const struct reports_sent_sql *, uint64_t id,
	    struct sv address, struct sv key, const struct reports_outcome *) MUST_USE;
enum reports_state reports_state_of(int64_t);
/* Of the ten columns of SENDING (reports_sql.c). */
struct reports_sending reports_sending_of(const struct sql_value *);

#endif
