/* Reading the history, while another process writes it. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "store/history_internal.h"
#include "sys/file.h"

#define BUSY_MSEC	2000

const char *
history_cause_name(enum history_cause c)
{
	static const char *const names[HC_MAX] = {
		[HC_NONE] = "none", [HC_SIGNED] = "signed", [HC_EXPIRED] = "expired",
		[HC_FAILED] = "failed", [HC_LOCAL] = "local", [HC_TA] = "ta",
	};

	return c < HC_MAX ? names[c] : "unknown";
}

int
history_rc(int rc)
{
	static const struct {
		int	sqlite, ours;
	} map[] = {
		{ SQLITE_OK, 0 }, { SQLITE_ROW, 0 }, { SQLITE_DONE, 0 },
		{ SQLITE_NOMEM, -ENOMEM }, { SQLITE_FULL, -ENOSPC },
		{ SQLITE_CORRUPT, -EBADMSG }, { SQLITE_NOTADB, -EBADMSG },
		{ SQLITE_CANTOPEN, -ENOENT }, { SQLITE_READONLY, -EROFS },
		{ SQLITE_PERM, -EACCES }, { SQLITE_AUTH, -EACCES },
		{ SQLITE_BUSY, -EBUSY }, { SQLITE_LOCKED, -EBUSY },
		{ SQLITE_TOOBIG, SE_LIMIT },
	};

	for (size_t i = 0; i < ARRAY_LEN(map); i++)
		if ((rc & 0xff) == map[i].sqlite)
			return map[i].ours;
	return -EIO;
}

int
history_number(sqlite3 *db, const char *sql, int64_t *ret)
{
	sqlite3_stmt *st;
	int rc = sqlite3_prepare_v2(db, sql, -1, &st, NULL);

	if (rc != SQLITE_OK)
		return history_rc(rc);
	*ret = 0;
	if ((rc = sqlite3_step(st)) == SQLITE_ROW)
		*ret = sqlite3_column_int64(st, 0);
	(void)sqlite3_finalize(st);
	return history_rc(rc);
}

/* --- opening --- */

static int
schema_check(sqlite3 *db)
{
	int64_t app, version;
	int rc;

	if ((rc = history_number(db, "PRAGMA application_id", &app)) < 0 ||
	    (rc = history_number(db, "PRAGMA user_version", &version)) < 0)
		return rc;
	return app == HISTORY_APPLICATION && version == HISTORY_SCHEMA ? 0 : SE_FORMAT;
}

/* "file:PATH?…": what means something in a URI is written as %xx. */
static void
uri_of(struct buf *b, const char *path, const char *query)
{
	buf_str(b, "file:");
	for (; *path != '\0'; path++)
		if (*path == '?' || *path == '#' || *path == '%')
			buf_printf(b, "%%%02x", (unsigned)*path);
		else
			buf_char(b, *path);
	buf_str(b, query);
	buf_char(b, '\0');
}

static int
try_open(const char *path, const char *query, sqlite3 **ret)
{
	_cleanup_(buf_done) struct buf b = BUF_INIT;
	sqlite3 *db = NULL;
	int rc;

	uri_of(&b, path, query);
	if (b.rc < 0)
		return b.rc;
	rc = history_rc(sqlite3_open_v2(b.p, &db,
	    SQLITE_OPEN_READONLY | SQLITE_OPEN_URI | SQLITE_OPEN_NOMUTEX, NULL));
	if (rc == 0)
		(void)sqlite3_busy_timeout(db, BUSY_MSEC);
	if (rc == 0)
		rc = schema_check(db);
	if (rc < 0) {
		(void)sqlite3_close(db);
		return rc;
	}
	*ret = db;
	return 0;
}

/*
 * The writer leaves -wal and -shm where they are, so that who may only read
 * can. In a copy without them nothing is written any more: "immutable".
 */
int
history_reader_open(const char *path, struct history_reader **ret)
{
	struct history_reader *r;
	sqlite3 *db = NULL;
	int rc;

	if (file_signature(path, 0) == 0)
		return -ENOENT;
	rc = try_open(path, "?mode=ro", &db);
	if (rc == -ENOENT || rc == -EROFS)
		rc = try_open(path, "?mode=ro&immutable=1", &db);
	if (rc < 0)
		return rc;
	if ((r = calloc(1, sizeof(*r))) == NULL) {
		(void)sqlite3_close(db);
		return -ENOMEM;
	}
	r->db = db;
	*ret = r;
	return 0;
}

struct history_reader *
history_reader_free(struct history_reader *r)
{
	if (r == NULL)
		return NULL;
	if (!r->borrowed)
		(void)sqlite3_close(r->db);
	free(r);
	return NULL;
}

/* --- columns --- */

static uint64_t
col_u64(sqlite3_stmt *st, int i)
{
	return (uint64_t)sqlite3_column_int64(st, i);
}

static int
prepare(struct history_reader *r, const char *sql, sqlite3_stmt **ret)
{
	return history_rc(sqlite3_prepare_v2(r->db, sql, -1, ret, NULL));
}

/* --- changes --- */

static const char select_changes[] =
    "SELECT p.at, p.serial, c.kind, c.announce, c.cause, c.state, c.af, c.lo, c.len,"
    " c.max_len, c.asn, c.ta, a.uri, s.uri, c.code, c.before, c.after, c.id"
    " FROM change c JOIN publication p ON p.id = c.pub"
    " LEFT JOIN ca a ON a.id = c.ca LEFT JOIN ca s ON s.id = c.speaker"
    " WHERE p.at >= ?1 AND p.at < ?2 AND ";

static void
change_of(sqlite3_stmt *st, struct history_change *c)
{
	struct sv lo = col_sv(st, 7);

	*c = (struct history_change){
		.id = sqlite3_column_int64(st, 17),
		.at = sqlite3_column_int64(st, 0), .serial = (uint32_t)col_u64(st, 1),
		.kind = (uint8_t)col_u64(st, 2), .announce = col_u64(st, 3) != 0,
		.cause = (uint8_t)col_u64(st, 4), .state = (uint8_t)col_u64(st, 5),
		.prefix = { .af = (uint8_t)col_u64(st, 6), .len = (uint8_t)col_u64(st, 8) },
		.max_len = (uint8_t)col_u64(st, 9), .asn = (uint32_t)col_u64(st, 10),
		.ta = col_sv(st, 11), .ca = col_sv(st, 12), .speaker = col_sv(st, 13),
		.code = col_sv(st, 14), .before = col_sv(st, 15), .after = col_sv(st, 16),
		.had = sqlite3_column_type(st, 15) != SQLITE_NULL,
		.has = sqlite3_column_type(st, 16) != SQLITE_NULL,
	};
	if (lo.n > 0)
		memcpy(c->prefix.addr, lo.p, min_size(lo.n, sizeof(c->prefix.addr)));
}

/*
 * A covering prefix begins with our address cut to its length: one look into
 * the index for each length. What is inside lies between our first address
 * and our last.
 */
static void
prefix_where(struct buf *b, const struct ip_prefix *p)
{
	buf_str(b, "c.kind = 0 AND c.af = ?3 AND ((c.lo BETWEEN ?4 AND ?5 AND c.len >= ?6)");
	if (p->len > 0)
		buf_str(b, " OR (c.lo, c.len) IN (VALUES ");
	for (int l = 0; l < p->len; l++)
		buf_printf(b, "%s(?%d,%d)", l > 0 ? "," : "", 8 + l, l);
	buf_str(b, p->len > 0 ? "))" : ")");
}

static void
prefix_bind(sqlite3_stmt *st, const struct ip_prefix *p)
{
	uint8_t a[16], last[16];

	memcpy(last, p->addr, 16);
	for (unsigned i = p->len; i < ip_bits(p->af); i++)
		last[i / 8] |= (uint8_t)(0x80 >> (i % 8));
	bind_u64(st, 3, p->af);
	(void)sqlite3_bind_blob(st, 4, p->addr, 16, SQLITE_TRANSIENT);
	(void)sqlite3_bind_blob(st, 5, last, 16, SQLITE_TRANSIENT);
	bind_u64(st, 6, p->len);
	for (unsigned l = 0; l < p->len; l++) {
		memcpy(a, p->addr, 16);
		ip_mask(a, l);
		(void)sqlite3_bind_blob(st, 8 + (int)l, a, 16, SQLITE_TRANSIENT);
	}
}

static int
changes_prepare(struct history_reader *r, const struct history_query *q, sqlite3_stmt **ret)
{
	_cleanup_(buf_done) struct buf b = BUF_INIT;

	buf_str(&b, select_changes);
	if (q->by_prefix)
		prefix_where(&b, &q->prefix);
	else if (q->by_asn)
		buf_str(&b, "c.asn = ?3");
	else if (q->ca.n > 0)
		buf_str(&b, "c.ca IN (SELECT id FROM ca WHERE uri >= ?3 AND substr(uri, 1, length(?3)) = ?3)");
	else
		buf_str(&b, "1");
	if (q->kinds != 0)
		buf_printf(&b, " AND (%u >> c.kind) & 1", q->kinds);
	buf_str(&b, " ORDER BY c.id DESC LIMIT ?7");
	buf_char(&b, '\0');
	return b.rc < 0 ? b.rc : prepare(r, b.p, ret);
}

int
history_changes(struct history_reader *r, const struct history_query *q,
    history_change_fn fn, void *arg)
{
	struct history_change c;
	sqlite3_stmt *st;
	int rc = changes_prepare(r, q, &st);

	if (rc < 0)
		return rc;
	bind_i64(st, 1, q->since);
	bind_i64(st, 2, q->until);
	if (q->by_prefix)
		prefix_bind(st, &q->prefix);
	else if (q->by_asn)
		bind_u64(st, 3, q->asn);
	else if (q->ca.n > 0)
		bind_sv(st, 3, q->ca);
	bind_u64(st, 7, q->limit);
	while ((rc = sqlite3_step(st)) == SQLITE_ROW) {
		change_of(st, &c);
		if (!fn(arg, &c))
			break;
	}
	(void)sqlite3_finalize(st);
	return history_rc(rc);
}

/* --- the rest --- */

int
history_findings_of(struct history_reader *r, struct sv subject, struct sv code,
    int64_t since, int64_t until, size_t limit, history_finding_fn fn, void *arg)
{
	struct history_finding f;
	sqlite3_stmt *st;
	int rc = prepare(r, "SELECT since, until, code, subject, line FROM finding"
	    " WHERE subject >= ?1 AND substr(subject, 1, length(?1)) = ?1"
	    " AND (?2 = '' OR code = ?2) AND since < ?4 AND (until IS NULL OR until >= ?3)"
	    " ORDER BY id DESC LIMIT ?5", &st);

	if (rc < 0)
		return rc;
	bind_sv(st, 1, subject);
	bind_sv(st, 2, code);
	bind_i64(st, 3, since);
	bind_i64(st, 4, until);
	bind_u64(st, 5, limit);
	while ((rc = sqlite3_step(st)) == SQLITE_ROW) {
		f = (struct history_finding){ sqlite3_column_int64(st, 0),
		    sqlite3_column_int64(st, 1), col_sv(st, 2), col_sv(st, 3), col_sv(st, 4) };
		if (!fn(arg, &f))
			break;
	}
	(void)sqlite3_finalize(st);
	return history_rc(rc);
}

int
history_publications(struct history_reader *r, size_t limit, history_publication_fn fn,
    void *arg)
{
	struct history_publication p;
	sqlite3_stmt *st;
	int rc = prepare(r, "SELECT at, serial, kind, v4, v6, aspas, keys, came, went"
	    " FROM publication ORDER BY id DESC LIMIT ?1", &st);

	if (rc < 0)
		return rc;
	bind_u64(st, 1, limit);
	while ((rc = sqlite3_step(st)) == SQLITE_ROW) {
		p = (struct history_publication){ sqlite3_column_int64(st, 0),
		    (uint32_t)col_u64(st, 1), (uint8_t)col_u64(st, 2), col_u64(st, 3),
		    col_u64(st, 4), col_u64(st, 5), col_u64(st, 6), col_u64(st, 7),
		    col_u64(st, 8) };
		if (!fn(arg, &p))
			break;
	}
	(void)sqlite3_finalize(st);
	return history_rc(rc);
}

int
history_points(struct history_reader *r, size_t limit, history_point_fn fn, void *arg)
{
	struct history_point_row p;
	sqlite3_stmt *st;
	int rc = prepare(r, "SELECT * FROM (SELECT at, span, serial, v4, v6, aspas, keys,"
	    " reject, warn, note, held FROM point ORDER BY at DESC LIMIT ?1) ORDER BY at", &st);

	if (rc < 0)
		return rc;
	bind_u64(st, 1, limit);
	while ((rc = sqlite3_step(st)) == SQLITE_ROW) {
		p = (struct history_point_row){ sqlite3_column_int64(st, 0),
		    (uint32_t)col_u64(st, 1), (uint32_t)col_u64(st, 2), col_u64(st, 3),
		    col_u64(st, 4), col_u64(st, 5), col_u64(st, 6), col_u64(st, 7),
		    col_u64(st, 8), col_u64(st, 9), col_u64(st, 10) };
		if (!fn(arg, &p))
			break;
	}
	(void)sqlite3_finalize(st);
	return history_rc(rc);
}

int
history_alarms(struct history_reader *r, history_alarm_fn fn, void *arg)
{
	struct history_alarm a;
	sqlite3_stmt *st;
	int rc = prepare(r, "SELECT key, code, json, since, told, ended FROM alarm"
	    " ORDER BY since, key", &st);

	if (rc < 0)
		return rc;
	while ((rc = sqlite3_step(st)) == SQLITE_ROW) {
		a = (struct history_alarm){ col_sv(st, 0), col_sv(st, 1), col_sv(st, 2),
		    sqlite3_column_int64(st, 3), sqlite3_column_int64(st, 4),
		    sqlite3_column_int64(st, 5) };
		if (!fn(arg, &a))
			break;
	}
	(void)sqlite3_finalize(st);
	return history_rc(rc);
}
