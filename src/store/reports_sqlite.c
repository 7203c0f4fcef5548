/* The reports' tables in an SQLite file. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/err.h"
#include "store/history_internal.h"
#include "store/reports_internal.h"

#define BUSY_MSEC	2000

struct file {
	sqlite3		*db, *lock;
	sqlite3_stmt	*st[SQL_MAX];
	char		*path;
};

static int
exec(sqlite3 *db, const char *sql)
{
	return history_rc(sqlite3_exec(db, sql, NULL, NULL, NULL));
}

static int
file_exec(void *arg, const char *sql)
{
	const struct file *f = arg;

	return exec(f->db, sql);
}

static void
file_free(void *arg)
{
	struct file *f = arg;

	if (f == NULL)
		return;
	for (unsigned i = 0; i < SQL_MAX; i++)
		(void)sqlite3_finalize(f->st[i]);
	(void)sqlite3_close(f->db);
	(void)sqlite3_close(f->lock);
	free(f->path);
	free(f);
}

/*
 * FULL, not NORMAL as the history: with NORMAL a power failure may take back what was
 * committed, and the journal's segment is removed on our word.
 */
static int
settle(sqlite3 *db)
{
	char pages[64], cache[64];
	int rc, persist = 1;

	(void)sqlite3_busy_timeout(db, BUSY_MSEC);
	/* Who may only read can, also while nobody writes: -wal and -shm stay. */
	(void)sqlite3_file_control(db, NULL, SQLITE_FCNTL_PERSIST_WAL, &persist);
	(void)snprintf(pages, sizeof(pages), "PRAGMA max_page_count = %u", REPORTS_PAGES_MAX);
	(void)snprintf(cache, sizeof(cache), "PRAGMA cache_size = -%u", REPORTS_CACHE_KB);
	if ((rc = exec(db, cache)) < 0 || (rc = exec(db, "PRAGMA journal_mode = WAL")) < 0 ||
	    (rc = exec(db, "PRAGMA synchronous = FULL")) < 0)
		return rc;
	return exec(db, pages);
}

/*
 * What a large statement has to remember goes beside the tables, as files without a name: a day
 * of a domain with a million messages is no question of memory, and a role writes nowhere else.
 */
static int
temporary_beside(const char *where)
{
	size_t at = sv_rfind(sv_str(where), '/');
	bool has_folder = where[at] == '/';
	char *folder = sqlite3_mprintf("%.*s", at > 1 && has_folder ? (int)at : 1,
	    has_folder ? where : ".");

	if (folder == NULL)
		return -ENOMEM;
	sqlite3_free(sqlite3_temp_directory);
	sqlite3_temp_directory = folder;	/* SQLite's, for all connections of this process */
	return 0;
}

static int
db_open(const char *where, bool is_ro, sqlite3 **ret)
{
	int how = is_ro ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE;
	int rc = is_ro ? 0 : temporary_beside(where);

	if (rc < 0)
		return rc;
	rc = history_rc(sqlite3_open_v2(where, ret, how | SQLITE_OPEN_NOMUTEX, NULL));
	if (rc == 0 && is_ro)
		(void)sqlite3_busy_timeout(*ret, BUSY_MSEC);
	return rc < 0 || is_ro ? rc : settle(*ret);
}

static int
file_open(const char *where, bool is_ro, void **ret)
{
	struct file *f = calloc(1, sizeof(*f));
	int rc = -ENOMEM;

	if (f == NULL)
		return -ENOMEM;
	if ((f->path = sv_dup(sv_str(where))) != NULL)
		rc = db_open(where, is_ro, &f->db);
	if (rc < 0) {
		file_free(f);
		return rc;
	}
	*ret = f;
	return 0;
}

static int
file_prepare(void *arg, unsigned i, const struct sql_statement *s)
{
	struct file *f = arg;

	return history_rc(sqlite3_prepare_v3(f->db, s->sql, -1, SQLITE_PREPARE_PERSISTENT,
	    &f->st[i], NULL));
}

/* "$3" is a name to SQLite: its place is where it stands first in the text. */
static void
bind_all(sqlite3_stmt *st, const struct sql_statement *s, const struct sql_value *args)
{
	for (unsigned i = 0; s->args[i] != '\0'; i++) {
		const char name[] = { '$', (char)('1' + i), '\0' };
		int at = sqlite3_bind_parameter_index(st, name);

		if (s->args[i] == 'i')
			bind_i64(st, at, args[i].i);
		else
			bind_bytes(st, at, args[i].b.p, args[i].b.n);
	}
}

static int
row_give(sqlite3_stmt *st, const char *columns, sql_fn fn, void *arg)
{
	struct sql_value v[SQL_ARGS_MAX] = { 0 };

	for (int i = 0; columns[i] != '\0'; i++)
		if (columns[i] == 'i')
			v[i].i = sqlite3_column_int64(st, i);
		else
			v[i].b = col_sv(st, i);
	return fn(arg, v);
}

static int
file_run(void *db, unsigned i, const struct sql_statement *s, const struct sql_value *args,
    sql_fn fn, void *arg, uint64_t *ret_changed)
{
	struct file *f = db;
	sqlite3_stmt *st = f->st[i];
	int rc = 0, step;

	(void)sqlite3_reset(st);
	bind_all(st, s, args);
	while (rc == 0 && (step = sqlite3_step(st)) != SQLITE_DONE)
		rc = step != SQLITE_ROW ? history_rc(step) :
		    fn == NULL ? 0 : row_give(st, s->columns, fn, arg);
	(void)sqlite3_reset(st);
	(void)sqlite3_clear_bindings(st);
	*ret_changed = (uint64_t)sqlite3_changes(f->db);
	return rc;
}

static int
file_run_all(void *db, unsigned i, const struct sql_statement *s, const struct sql_value *args,
    size_t n, uint64_t *ret_changed)
{
	size_t n_args = strlen(s->args);
	uint64_t changed, all = 0;
	int rc = 0;

	for (size_t k = 0; k < n && rc == 0; k++)
		if ((rc = file_run(db, i, s, args + k * n_args, NULL, NULL, &changed)) == 0)
			all |= (uint64_t)(changed > 0) << k;
	*ret_changed = all;
	return rc;
}

/* A database of its own beside it, for its lock alone: the system frees it with the process. */
static int
file_lock(void *arg)
{
	struct file *f = arg;
	char *path;
	int rc;

	if (f->lock != NULL)
		return 0;
	if ((path = sqlite3_mprintf("%s-sender", f->path)) == NULL)
		return -ENOMEM;
	rc = history_rc(sqlite3_open_v2(path, &f->lock, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE,
	    NULL));
	sqlite3_free(path);
	if (rc == 0)
		rc = exec(f->lock, "BEGIN EXCLUSIVE");
	if (rc == 0)
		return 0;
	(void)sqlite3_close(f->lock);
	f->lock = NULL;
	return rc == -EBUSY ? SE_LOCKED : rc;
}

const struct sql_driver sql_sqlite = {
	.open = file_open, .free = file_free, .exec = file_exec, .prepare = file_prepare,
	.run = file_run, .run_all = file_run_all, .lock = file_lock, .begin = "BEGIN IMMEDIATE",
	.begin_schema = "BEGIN IMMEDIATE",
};
