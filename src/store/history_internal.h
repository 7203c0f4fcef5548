/* The folder's own: what the history's writer and its readers share. */
#ifndef STORE_HISTORY_INTERNAL_H
#define STORE_HISTORY_INTERNAL_H

#include <sqlite3.h>

#include "store/history.h"
#include "store/limits.h"

#define HISTORY_APPLICATION	0x53454b49	/* "SEKI" */
#define HISTORY_SCHEMA		1
#define HISTORY_PATH_MAX	4096

/* Came later than the others, and files without it are as good. */
#define HISTORY_MAIL_TABLE	"CREATE TABLE IF NOT EXISTS mail(id INTEGER PRIMARY KEY" \
	" AUTOINCREMENT, at INTEGER, key TEXT, text TEXT)"

struct history_reader {
	sqlite3	*db;
	bool	 borrowed;	/* the writer's */
};

/* SQLite's code as ours; 0 for ROW and DONE. */
int	 history_rc(int sqlite_rc);
/* A number that a statement without arguments gives; 0 rows: 0. */
int	 history_number(sqlite3 *, const char *sql, int64_t *ret);

/* Into a statement; text and bytes must last until it was stepped. */
static inline void
bind_u64(sqlite3_stmt *st, int i, uint64_t v)
{
	(void)sqlite3_bind_int64(st, i, (sqlite3_int64)v);
}

static inline void
bind_i64(sqlite3_stmt *st, int i, int64_t v)
{
	(void)sqlite3_bind_int64(st, i, v);
}

static inline void
bind_sv(sqlite3_stmt *st, int i, struct sv s)
{
	(void)sqlite3_bind_text(st, i, s.n > 0 ? s.p : "", (int)s.n, SQLITE_STATIC);
}

static inline struct sv
col_sv(sqlite3_stmt *st, int i)
{
	const void *p = sqlite3_column_blob(st, i);

	return (struct sv){ p, p == NULL ? 0 : (size_t)sqlite3_column_bytes(st, i) };
}

static inline void
bind_bytes(sqlite3_stmt *st, int i, const void *p, size_t n)
{
	(void)sqlite3_bind_blob(st, i, n > 0 ? p : "", (int)n, SQLITE_STATIC);
}

#endif
