/* The folder's own: what the files that write the history share. */
#ifndef STORE_HISTORY_WRITER_H
#define STORE_HISTORY_WRITER_H

#include "store/history_internal.h"

enum phase {
	PH_VRPS,
	PH_KEYS,
	PH_ASPAS,
	PH_END,
};

enum statement {
	ST_BEGIN,
	ST_COMMIT,
	ST_ROLLBACK,
	ST_PUB,
	ST_PUB_END,
	ST_CA,
	ST_CHANGE,
	ST_OPEN_FINDINGS,
	ST_FINDING_NEW,
	ST_FINDING_END,
	ST_POINT,
	ST_ALARM_PUT,
	ST_ALARM_DEL,
	ST_EVENT,
	ST_MAX
};

struct history {
	sqlite3			*db;
	sqlite3_stmt		*st[ST_MAX];
	struct history_reader	 reader;
	history_digest_fn	 digest;
	unsigned		 keep_days;
	uint64_t		 rows_max;
	/* of the publication that is being recorded */
	const struct snapshot	*from, *to;
	enum phase		 phase;
	size_t			 i, j;
	int64_t			 at, pub;
	uint64_t		 n_came, n_went;
	struct history_filters	 was, is;	/* in force in from, in to */
	/* of the findings that hold */
	uint64_t		 n_severity[3];
	uint8_t			 sum[HISTORY_SUM_LEN];
	bool			 has_sum;
};

/* A statement, fresh; one that gives no rows is stepped by history_done(). */
sqlite3_stmt	*history_use(struct history *, enum statement);
int		 history_done(sqlite3_stmt *) MUST_USE;
int		 history_run(struct history *, enum statement);
/* The end of a transaction, whichever it is to be. */
int		 history_finish(struct history *, int rc) MUST_USE;
int		 history_exec(sqlite3 *, const char *sql) MUST_USE;

#endif
