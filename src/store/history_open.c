/* The history's file: its tables, statements and how it is opened. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "store/history_writer.h"
#include "sys/statedir.h"

static const char *const statements[ST_MAX] = {
	[ST_BEGIN] = "BEGIN IMMEDIATE",
	[ST_COMMIT] = "COMMIT",
	[ST_ROLLBACK] = "ROLLBACK",
	[ST_PUB] = "INSERT INTO publication(at, serial, s0, s1, s2, kind, v4, v6, aspas, keys,"
	    " came, went) VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, 0, 0)",
	[ST_PUB_END] = "UPDATE publication SET came = ?2, went = ?3 WHERE id = ?1",
	[ST_CA] = "INSERT INTO ca(id, uri, used) VALUES(?1, ?2, ?3)"
	    " ON CONFLICT(id) DO UPDATE SET uri = excluded.uri, used = excluded.used",
	[ST_CHANGE] = "INSERT INTO change(pub, kind, announce, cause, state, af, lo, len, max_len,"
	    " asn, ta, ca, speaker, code, before, after)"
	    " VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16)",
	[ST_OPEN_FINDINGS] = "SELECT key, id FROM finding WHERE until IS NULL ORDER BY key",
	[ST_FINDING_NEW] = "INSERT INTO finding(key, since, severity, code, subject, line)"
	    " VALUES(?1, ?2, ?3, ?4, ?5, ?6)",
	[ST_FINDING_END] = "UPDATE finding SET until = ?2 WHERE id = ?1",
	[ST_POINT] = "INSERT OR REPLACE INTO point(at, span, serial, v4, v6, aspas, keys, reject,"
	    " warn, note, held) VALUES(?1, 300, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
	[ST_ALARM_PUT] = "INSERT OR REPLACE INTO alarm(key, code, json, since, told, ended)"
	    " VALUES(?1, ?2, ?3, ?4, ?5, ?6)",
	[ST_ALARM_DEL] = "DELETE FROM alarm WHERE key = ?1",
	[ST_EVENT] = "INSERT INTO event(at, code, json) VALUES(?1, ?2, ?3)",
};

static const char schema[] =
    "BEGIN;"
    "CREATE TABLE publication(id INTEGER PRIMARY KEY, at INTEGER, serial INTEGER, s0 INTEGER,"
    " s1 INTEGER, s2 INTEGER, kind INTEGER, v4 INTEGER, v6 INTEGER, aspas INTEGER,"
    " keys INTEGER, came INTEGER, went INTEGER);"
    "CREATE TABLE ca(id INTEGER PRIMARY KEY, uri TEXT, used INTEGER);"
    "CREATE INDEX ca_uri ON ca(uri);"
    "CREATE TABLE change(id INTEGER PRIMARY KEY, pub INTEGER, kind INTEGER, announce INTEGER,"
    " cause INTEGER, state INTEGER, af INTEGER, lo BLOB, len INTEGER, max_len INTEGER,"
    " asn INTEGER, ta TEXT, ca INTEGER, speaker INTEGER, code TEXT, before BLOB, after BLOB);"
    "CREATE INDEX change_prefix ON change(af, lo, len) WHERE kind = 0;"
    "CREATE INDEX change_asn ON change(asn);"
    "CREATE INDEX change_ca ON change(ca);"
    "CREATE TABLE finding(id INTEGER PRIMARY KEY, key INTEGER, since INTEGER, until INTEGER,"
    " severity INTEGER, code TEXT, subject TEXT, line TEXT);"
    "CREATE INDEX finding_open ON finding(key) WHERE until IS NULL;"
    "CREATE INDEX finding_subject ON finding(subject);"
    "CREATE TABLE point(at INTEGER, span INTEGER, serial INTEGER, v4 INTEGER, v6 INTEGER,"
    " aspas INTEGER, keys INTEGER, reject INTEGER, warn INTEGER, note INTEGER, held INTEGER,"
    " PRIMARY KEY(at, span)) WITHOUT ROWID;"
    "CREATE TABLE alarm(key TEXT PRIMARY KEY, code TEXT, json TEXT, since INTEGER,"
    " told INTEGER, ended INTEGER) WITHOUT ROWID;"
    "CREATE TABLE event(id INTEGER PRIMARY KEY, at INTEGER, code TEXT, json TEXT);"
    "PRAGMA application_id = 1397050185;"	/* HISTORY_APPLICATION */
    "PRAGMA user_version = 1;"
    "COMMIT;";

/* --- statements --- */

sqlite3_stmt *
history_use(struct history *h, enum statement s)
{
	(void)sqlite3_reset(h->st[s]);
	(void)sqlite3_clear_bindings(h->st[s]);
	return h->st[s];
}

/* One that gives no rows. */
int
history_done(sqlite3_stmt *st)
{
	int rc = history_rc(sqlite3_step(st));

	(void)sqlite3_reset(st);
	return rc;
}

int
history_run(struct history *h, enum statement s)
{
	return history_done(history_use(h, s));
}

/* The end of a transaction, whichever it is to be. */
int
history_finish(struct history *h, int rc)
{
	if (rc == 0)
		rc = history_run(h, ST_COMMIT);
	if (rc < 0 && !sqlite3_get_autocommit(h->db))
		(void)history_run(h, ST_ROLLBACK);
	return rc;
}

int
history_exec(sqlite3 *db, const char *sql)
{
	return history_rc(sqlite3_exec(db, sql, NULL, NULL, NULL));
}

/* --- opening --- */

struct history *
history_free(struct history *h)
{
	if (h == NULL)
		return NULL;
	history_abort(h);
	for (int i = 0; i < ST_MAX; i++)
		(void)sqlite3_finalize(h->st[i]);
	(void)sqlite3_close(h->db);
	free(h);
	return NULL;
}

/* Before the first table: what a file is for ever. Then what a connection is. */
static int
settle(sqlite3 *db)
{
	char pages[64];
	int persist = 1, rc;

	(void)sqlite3_busy_timeout(db, 2000);
	(void)snprintf(pages, sizeof(pages), "PRAGMA max_page_count = %d", HISTORY_PAGES_MAX);
	if ((rc = history_exec(db, "PRAGMA journal_mode = WAL")) < 0 ||
	    (rc = history_exec(db, "PRAGMA synchronous = NORMAL")) < 0 ||
	    (rc = history_exec(db, "PRAGMA temp_store = MEMORY")) < 0 ||
	    (rc = history_exec(db, "PRAGMA journal_size_limit = " HISTORY_WAL_BYTES)) < 0 ||
	    (rc = history_exec(db, pages)) < 0)
		return rc;
	/* The -wal stays, so that who may only read can, at any time. */
	return history_rc(sqlite3_file_control(db, NULL, SQLITE_FCNTL_PERSIST_WAL, &persist));
}

static int
tables_make(sqlite3 *db, bool *ret_made)
{
	int64_t app, version, n;
	int rc;

	if ((rc = history_number(db, "PRAGMA application_id", &app)) < 0 ||
	    (rc = history_number(db, "PRAGMA user_version", &version)) < 0 ||
	    (rc = history_number(db, "SELECT count(*) FROM sqlite_master", &n)) < 0)
		return rc;
	*ret_made = n == 0 && app == 0;
	if (*ret_made)
		return history_exec(db, schema);
	return app == HISTORY_APPLICATION && version == HISTORY_SCHEMA ? 0 : SE_FORMAT;
}

static int
severities_count(struct history *h)
{
	sqlite3_stmt *st;
	int rc = sqlite3_prepare_v2(h->db, "SELECT severity, count(*) FROM finding"
	    " WHERE until IS NULL GROUP BY severity", -1, &st, NULL);

	if (rc != SQLITE_OK)
		return history_rc(rc);
	while ((rc = sqlite3_step(st)) == SQLITE_ROW) {
		int64_t s = sqlite3_column_int64(st, 0);

		if (s >= 0 && s < 3)
			h->n_severity[s] = (uint64_t)sqlite3_column_int64(st, 1);
	}
	(void)sqlite3_finalize(st);
	return history_rc(rc);
}

static int
db_open(struct history *h, const char *path, bool *ret_made)
{
	int rc = history_rc(sqlite3_open_v2(path, &h->db, SQLITE_OPEN_READWRITE |
	    SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX, NULL));

	if (rc == 0)
		rc = settle(h->db);
	if (rc == 0)
		rc = tables_make(h->db, ret_made);
	if (rc == 0)
		rc = history_exec(h->db, HISTORY_MAIL_TABLE);
	for (int i = 0; i < ST_MAX && rc == 0; i++)
		rc = history_rc(sqlite3_prepare_v3(h->db, statements[i], -1,
		    SQLITE_PREPARE_PERSISTENT, &h->st[i], NULL));
	/* An empty write, so that -wal and -shm are there before a sandbox closes. */
	if (rc == 0 && (rc = history_run(h, ST_BEGIN)) == 0)
		rc = history_finish(h, history_exec(h->db, "PRAGMA user_version = 1"));
	return rc == 0 ? severities_count(h) : rc;
}

static struct history *
made(const struct history_conf *c)
{
	struct history *h = calloc(1, sizeof(*h));

	if (h == NULL)
		return NULL;
	h->digest = c->digest;
	h->keep_days = c->keep_days;
	h->rows_max = c->rows_max > 0 ? c->rows_max : HISTORY_ROWS_MAX;
	return h;
}

/* Out of the way, for a person to look at; its -wal and -shm mean nothing then. */
static int
set_aside(const char *path)
{
	char to[HISTORY_PATH_MAX + 16];
	int rc;

	(void)snprintf(to, sizeof(to), "%s.damaged", path);
	if ((rc = file_rename(path, to)) < 0)
		return rc;
	(void)snprintf(to, sizeof(to), "%s-wal", path);
	(void)file_remove(to);
	(void)snprintf(to, sizeof(to), "%s-shm", path);
	return file_remove(to);
}

int
history_open(const struct history_conf *c, struct history **ret, struct history_found *found)
{
	struct history *h;
	int rc;

	*found = (struct history_found){ 0 };
	if (strlen(c->path) >= HISTORY_PATH_MAX)
		return SE_LIMIT;
	if ((h = made(c)) == NULL)
		return -ENOMEM;
	rc = db_open(h, c->path, &found->made);
	if (rc == -EBADMSG) {
		h = history_free(h);
		if ((rc = set_aside(c->path)) < 0)
			return rc;
		found->damaged = true;
		if ((h = made(c)) == NULL)
			return -ENOMEM;
		rc = db_open(h, c->path, &found->made);
	}
	if (rc < 0) {
		(void)history_free(h);
		return rc;
	}
	h->reader = (struct history_reader){ .db = h->db, .borrowed = true };
	*ret = h;
	return 0;
}

void
history_keep(struct history *h, unsigned days)
{
	h->keep_days = days;
}

struct history_reader *
history_reader_of(struct history *h)
{
	return &h->reader;
}

bool
history_last(struct history *h, struct snapshot_stamp *ret)
{
	sqlite3_stmt *st;
	bool found = false;

	if (sqlite3_prepare_v2(h->db, "SELECT serial, s0, s1, s2 FROM publication"
	    " ORDER BY id DESC LIMIT 1", -1, &st, NULL) != SQLITE_OK)
		return false;
	if (sqlite3_step(st) == SQLITE_ROW) {
		found = true;
		ret->serial = (uint32_t)sqlite3_column_int64(st, 0);
		for (int i = 0; i < RTR_VERSIONS; i++)
			ret->session[i] = (uint16_t)sqlite3_column_int(st, 1 + i);
	}
	(void)sqlite3_finalize(st);
	return found;
}

/* --- alarms and events --- */

int
history_alarm_put(struct history *h, const struct history_alarm *a)
{
	sqlite3_stmt *st = history_use(h, ST_ALARM_PUT);

	bind_sv(st, 1, a->key);
	bind_sv(st, 2, a->code);
	bind_sv(st, 3, a->json);
	bind_i64(st, 4, a->since);
	bind_i64(st, 5, a->told);
	bind_i64(st, 6, a->ended);
	return history_done(st);
}

int
history_alarm_del(struct history *h, struct sv key)
{
	sqlite3_stmt *st = history_use(h, ST_ALARM_DEL);

	bind_sv(st, 1, key);
	return history_done(st);
}

int
history_event(struct history *h, int64_t at, struct sv code, struct sv json)
{
	sqlite3_stmt *st = history_use(h, ST_EVENT);

	bind_i64(st, 1, at);
	bind_sv(st, 2, code);
	bind_sv(st, 3, json);
	return history_done(st);
}
