/* Writing the history: what came, what went and why, a slice at a time. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/rd.h"
#include "store/history_internal.h"
#include "sys/statedir.h"

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

struct open_finding {
	int64_t	key, id;
};

struct new_finding {
	int64_t		key;
	struct sv	line;
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
	/* of the findings that hold */
	uint64_t		 n_severity[3];
	uint8_t			 sum[HISTORY_SUM_LEN];
	bool			 has_sum;
};

/* --- statements --- */

static sqlite3_stmt *
use(struct history *h, enum statement s)
{
	(void)sqlite3_reset(h->st[s]);
	(void)sqlite3_clear_bindings(h->st[s]);
	return h->st[s];
}

/* One that gives no rows. */
static int
done(sqlite3_stmt *st)
{
	int rc = history_rc(sqlite3_step(st));

	(void)sqlite3_reset(st);
	return rc;
}

static int
run(struct history *h, enum statement s)
{
	return done(use(h, s));
}

/* The end of a transaction, whichever it is to be. */
static int
finish(struct history *h, int rc)
{
	if (rc == 0)
		rc = run(h, ST_COMMIT);
	if (rc < 0 && !sqlite3_get_autocommit(h->db))
		(void)run(h, ST_ROLLBACK);
	return rc;
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

static int
exec(sqlite3 *db, const char *sql)
{
	return history_rc(sqlite3_exec(db, sql, NULL, NULL, NULL));
}

/* Before the first table: what a file is for ever. Then what a connection is. */
static int
settle(sqlite3 *db)
{
	char pages[64];
	int persist = 1, rc;

	(void)sqlite3_busy_timeout(db, 2000);
	(void)snprintf(pages, sizeof(pages), "PRAGMA max_page_count = %d", HISTORY_PAGES_MAX);
	if ((rc = exec(db, "PRAGMA journal_mode = WAL")) < 0 ||
	    (rc = exec(db, "PRAGMA synchronous = NORMAL")) < 0 ||
	    (rc = exec(db, "PRAGMA temp_store = MEMORY")) < 0 ||
	    (rc = exec(db, "PRAGMA journal_size_limit = " HISTORY_WAL_BYTES)) < 0 ||
	    (rc = exec(db, pages)) < 0)
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
		return exec(db, schema);
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
		rc = exec(h->db, HISTORY_MAIL_TABLE);
	for (int i = 0; i < ST_MAX && rc == 0; i++)
		rc = history_rc(sqlite3_prepare_v3(h->db, statements[i], -1,
		    SQLITE_PREPARE_PERSISTENT, &h->st[i], NULL));
	/* An empty write, so that -wal and -shm are there before a sandbox closes. */
	if (rc == 0 && (rc = run(h, ST_BEGIN)) == 0)
		rc = finish(h, exec(h->db, "PRAGMA user_version = 1"));
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

/* --- why is it gone? --- */

/* What is stored of one change. */
struct row {
	enum history_kind	 kind;
	bool			 announce;
	uint8_t			 af, len, max_len, ta;
	const uint8_t		*lo;
	uint32_t		 asn, ca;
	int64_t			 expires;
	const uint8_t		*before, *after;
	size_t			 n_before, n_after;
};

struct why {
	enum history_cause	 cause;
	bool			 spoken;
	struct snapshot_ca	 speaker;
};

static bool
ta_there(const struct snapshot *s, const char *name)
{
	for (size_t i = 0; i < s->n_tas; i++)
		if (strcmp(s->tas[i], name) == 0)
			return true;
	return false;
}

/* The CA itself in the new table, or the nearest above it that is there. */
static bool
speaker_find(const struct history *h, uint32_t ca, struct snapshot_ca *ret)
{
	for (unsigned depth = 0; depth < PAYLOAD_CA_DEPTH_MAX && ca < h->from->n_cas; depth++) {
		struct snapshot_ca x;

		snapshot_ca(h->from, ca, &x);
		if (snapshot_ca_find(h->to, x.ca.id, ret))
			return true;
		ca = x.ca.parent;
	}
	return false;
}

static struct why
why_gone(const struct history *h, const struct row *r)
{
	struct why w = { .cause = HC_TA };

	/* store_expire() leaves the time of building as it was. */
	if (r->expires <= h->at || r->expires <= h->to->built ||
	    (h->to->built == h->from->built && r->expires <= h->at + 2))
		w.cause = HC_EXPIRED;
	else if (r->ca >= h->from->n_cas)
		w.cause = HC_LOCAL;
	if (w.cause == HC_LOCAL || !ta_there(h->to, h->from->tas[r->ta]))
		return w;
	w.spoken = speaker_find(h, r->ca, &w.speaker);
	if (w.cause == HC_TA)
		w.cause = w.spoken && w.speaker.ca.state == PCA_GOOD ? HC_SIGNED : HC_FAILED;
	return w;
}

/* --- rows --- */

static int
ca_write(struct history *h, const struct payload_ca *ca)
{
	sqlite3_stmt *st = use(h, ST_CA);

	bind_u64(st, 1, ca->id);
	bind_sv(st, 2, ca->uri);
	bind_i64(st, 3, h->pub);
	return done(st);
}

static void
row_bind(const struct history *h, sqlite3_stmt *st, const struct row *r)
{
	const struct snapshot *s = r->announce ? h->to : h->from;

	bind_i64(st, 1, h->pub);
	bind_u64(st, 2, r->kind);
	bind_u64(st, 3, r->announce);
	bind_u64(st, 6, r->af);
	if (r->lo != NULL)
		bind_bytes(st, 7, r->lo, 16);
	bind_u64(st, 8, r->len);
	bind_u64(st, 9, r->max_len);
	bind_u64(st, 10, r->asn);
	bind_sv(st, 11, sv_str(s->tas[r->ta]));
	if (r->before != NULL)
		bind_bytes(st, 15, r->before, r->n_before);
	if (r->after != NULL)
		bind_bytes(st, 16, r->after, r->n_after);
}

static int
row_write(struct history *h, const struct row *r)
{
	const struct snapshot *s = r->announce ? h->to : h->from;
	struct snapshot_ca ca;
	struct why w = { 0 };
	sqlite3_stmt *st;
	int rc = 0;

	if (!r->announce)
		w = why_gone(h, r);
	if (r->ca < s->n_cas) {
		snapshot_ca(s, r->ca, &ca);
		rc = ca_write(h, &ca.ca);
	}
	if (rc == 0 && w.spoken)
		rc = ca_write(h, &w.speaker.ca);
	if (rc < 0)
		return rc;
	st = use(h, ST_CHANGE);
	row_bind(h, st, r);
	bind_u64(st, 4, w.cause);
	bind_u64(st, 5, w.spoken ? w.speaker.ca.state : PCA_GOOD);
	if (r->ca < s->n_cas)
		bind_u64(st, 12, ca.ca.id);
	if (w.spoken) {
		bind_u64(st, 13, w.speaker.ca.id);
		bind_sv(st, 14, w.speaker.ca.code);
	}
	h->n_came += r->announce;
	h->n_went += !r->announce;
	return done(st);
}

static int
vrp_row(struct history *h, const struct vrp *v, bool announce)
{
	const struct row r = {
		.kind = HK_VRP, .announce = announce, .af = v->af, .len = v->len,
		.max_len = v->max_len, .ta = v->ta, .lo = v->addr, .asn = v->asn,
		.ca = v->ca, .expires = v->expires,
	};

	return row_write(h, &r);
}

static int
key_row(struct history *h, const struct router_key *k, bool announce)
{
	const struct row r = {
		.kind = HK_KEY, .announce = announce, .ta = k->ta, .asn = k->asn, .ca = k->ca,
		.expires = k->expires,
		.before = announce ? NULL : k->ski, .n_before = sizeof(k->ski),
		.after = announce ? k->ski : NULL, .n_after = sizeof(k->ski),
	};

	return row_write(h, &r);
}

/* Either may be NULL. One that changed was announced anew. */
static int
aspa_row(struct history *h, const struct snapshot_aspa *x, const struct snapshot_aspa *y)
{
	const struct snapshot_aspa *a = y != NULL ? y : x;
	const struct row r = {
		.kind = HK_ASPA, .announce = y != NULL, .ta = a->ta, .asn = a->customer,
		.ca = a->ca, .expires = a->expires,
		.before = x != NULL ? x->providers.p : NULL,
		.n_before = x != NULL ? (size_t)4 * x->n_providers : 0,
		.after = y != NULL ? y->providers.p : NULL,
		.n_after = y != NULL ? (size_t)4 * y->n_providers : 0,
	};

	return row_write(h, &r);
}

/* --- the walk: both lists ascend --- */

static int
vrps_step(struct history *h)
{
	size_t na = snapshot_n_vrps(h->from), nb = snapshot_n_vrps(h->to);
	struct vrp x, y;
	int cmp, rc = 0;

	if (h->i >= na && h->j >= nb)
		return 1;
	if (h->i < na)
		snapshot_vrp(h->from, h->i, &x);
	if (h->j < nb)
		snapshot_vrp(h->to, h->j, &y);
	cmp = h->i >= na ? 1 : h->j >= nb ? -1 : vrp_cmp(&x, &y);
	if (cmp != 0)
		rc = cmp < 0 ? vrp_row(h, &x, false) : vrp_row(h, &y, true);
	h->i += cmp <= 0;
	h->j += cmp >= 0;
	return rc;
}

static int
keys_step(struct history *h)
{
	size_t na = h->from->n_router_keys, nb = h->to->n_router_keys;
	struct router_key x, y;
	int cmp, rc = 0;

	if (h->i >= na && h->j >= nb)
		return 1;
	if (h->i < na)
		snapshot_router_key(h->from, h->i, &x);
	if (h->j < nb)
		snapshot_router_key(h->to, h->j, &y);
	cmp = h->i >= na ? 1 : h->j >= nb ? -1 : router_key_cmp(&x, &y);
	if (cmp != 0)
		rc = cmp < 0 ? key_row(h, &x, false) : key_row(h, &y, true);
	h->i += cmp <= 0;
	h->j += cmp >= 0;
	return rc;
}

static bool
aspa_same(const struct snapshot_aspa *x, const struct snapshot_aspa *y)
{
	return x->n_providers == y->n_providers && memcmp(x->providers.p, y->providers.p,
	    (size_t)4 * x->n_providers) == 0;
}

static int
aspas_step(struct history *h)
{
	size_t na = h->from->n_aspas, nb = h->to->n_aspas;
	struct snapshot_aspa x = { 0 }, y = { 0 };
	bool has_x = h->i < na, has_y = h->j < nb;
	int rc = 0;

	if (!has_x && !has_y)
		return 1;
	if (has_x)
		snapshot_aspa(h->from, h->i, &x);
	if (has_y)
		snapshot_aspa(h->to, h->j, &y);
	if (has_x && has_y && x.customer != y.customer) {
		has_x = x.customer < y.customer;
		has_y = !has_x;
	}
	if (!has_x || !has_y || !aspa_same(&x, &y))
		rc = aspa_row(h, has_x ? &x : NULL, has_y ? &y : NULL);
	h->i += has_x;
	h->j += has_y;
	return rc;
}

/* 0: one comparison done; 1: the list is at its end. */
static int
phase_step(struct history *h)
{
	switch (h->phase) {
	case PH_VRPS:
		return vrps_step(h);
	case PH_KEYS:
		return keys_step(h);
	case PH_ASPAS:
		return aspas_step(h);
	case PH_END:
		break;
	}
	return 1;
}

/* --- a publication --- */

bool
history_busy(const struct history *h)
{
	return h->to != NULL;
}

void
history_abort(struct history *h)
{
	if (h->to == NULL)
		return;
	h->from = h->to = NULL;
	(void)run(h, ST_ROLLBACK);
}

static int
publication_write(struct history *h, enum history_pub kind)
{
	const struct snapshot *s = h->to;
	sqlite3_stmt *st = use(h, ST_PUB);
	int rc;

	bind_i64(st, 1, h->at);
	bind_u64(st, 2, s->stamp.serial);
	for (int i = 0; i < RTR_VERSIONS; i++)
		bind_u64(st, 3 + i, s->stamp.session[i]);
	bind_u64(st, 6, kind);
	bind_u64(st, 7, s->n_v4);
	bind_u64(st, 8, s->n_v6);
	bind_u64(st, 9, s->n_aspas);
	bind_u64(st, 10, s->n_router_keys);
	rc = done(st);
	h->pub = sqlite3_last_insert_rowid(h->db);
	return rc;
}

int
history_begin(struct history *h, const struct snapshot *from, const struct snapshot *to,
    int64_t at)
{
	struct snapshot_stamp last;
	enum history_pub kind = from != NULL ? HP_DELTA :
	    history_last(h, &last) ? HP_GAP : HP_BASELINE;
	int rc;

	if (h->to != NULL)
		return -EBUSY;
	if ((rc = run(h, ST_BEGIN)) < 0)
		return rc;
	h->from = from;
	h->to = to;
	h->at = at;
	h->phase = from != NULL ? PH_VRPS : PH_END;
	h->i = h->j = 0;
	h->n_came = h->n_went = 0;
	if ((rc = publication_write(h, kind)) < 0)
		history_abort(h);
	return rc;
}

static int
publication_end(struct history *h)
{
	sqlite3_stmt *st = use(h, ST_PUB_END);
	int rc;

	bind_i64(st, 1, h->pub);
	bind_u64(st, 2, h->n_came);
	bind_u64(st, 3, h->n_went);
	rc = finish(h, done(st));
	h->from = h->to = NULL;
	return rc;
}

int
history_step(struct history *h, size_t n, bool *ret_done)
{
	int rc = 0;

	*ret_done = false;
	for (; n > 0 && h->phase != PH_END; n--) {
		if ((rc = phase_step(h)) < 0) {
			history_abort(h);
			return rc;
		}
		if (rc == 1) {
			h->phase++;
			h->i = h->j = 0;
		}
	}
	if (h->phase != PH_END)
		return 0;
	*ret_done = true;
	return publication_end(h);
}

/* --- findings --- */

static int
i64_cmp(int64_t a, int64_t b)
{
	return a < b ? -1 : a > b;
}

static int
new_cmp(const void *a, const void *b)
{
	return i64_cmp(((const struct new_finding *)a)->key, ((const struct new_finding *)b)->key);
}

/* "key":"VALUE" as base/json.c writes it; escapes stay as they are. */
static struct sv
member(struct sv line, const char *key)
{
	struct sv k = sv_str(key), v;

	for (size_t i = 0; i + k.n <= line.n; i++)
		if (line.p[i] == '"' && memcmp(line.p + i, k.p, k.n) == 0) {
			v = sv_skip(line, i + k.n);
			for (i = 0; i < v.n && v.p[i] != '"'; i++)
				i += v.p[i] == '\\';
			return sv_take(v, i);
		}
	return (struct sv){ 0 };
}

static unsigned
severity_of(struct sv line)
{
	struct sv s = member(line, "\"severity\":\"");

	return sv_eq_str(s, "REJECT") ? 2 : sv_eq_str(s, "WARN") ? 1 : 0;
}

static int64_t
key_of(const struct history *h, struct sv line)
{
	uint8_t sum[HISTORY_SUM_LEN];
	int64_t key;

	h->digest(line.p, line.n, sum);
	memcpy(&key, sum, sizeof(key));
	return key;
}

/* Sorted, each once. */
static size_t
lines_read(const struct history *h, struct sv text, struct new_finding *v)
{
	struct sv line;
	size_t n = 0, k = 0;

	while (n < HISTORY_FINDINGS_MAX && sv_line(&text, &line))
		if (line.n >= 2 && line.p[0] == '{')
			v[n++] = (struct new_finding){ key_of(h, line), line };
	qsort(v, n, sizeof(*v), new_cmp);
	for (size_t i = 0; i < n; i++)
		if (i == 0 || v[i].key != v[k - 1].key)
			v[k++] = v[i];
	return k;
}

static int
open_read(struct history *h, struct open_finding *v, size_t *ret_n)
{
	sqlite3_stmt *st = use(h, ST_OPEN_FINDINGS);
	size_t n = 0;
	int rc;

	while ((rc = sqlite3_step(st)) == SQLITE_ROW && n < HISTORY_FINDINGS_MAX)
		v[n++] = (struct open_finding){ sqlite3_column_int64(st, 0),
		    sqlite3_column_int64(st, 1) };
	(void)sqlite3_reset(st);
	*ret_n = n;
	return history_rc(rc);
}

static int
finding_new(struct history *h, const struct new_finding *f, int64_t at)
{
	sqlite3_stmt *st = use(h, ST_FINDING_NEW);

	bind_i64(st, 1, f->key);
	bind_i64(st, 2, at);
	bind_u64(st, 3, severity_of(f->line));
	bind_sv(st, 4, member(f->line, "\"code\":\""));
	bind_sv(st, 5, member(f->line, "\"subject\":\""));
	bind_sv(st, 6, f->line.n <= HISTORY_LINE_MAX ? f->line : SV("{}"));
	return done(st);
}

static int
finding_end(struct history *h, int64_t id, int64_t at)
{
	sqlite3_stmt *st = use(h, ST_FINDING_END);

	bind_i64(st, 1, id);
	bind_i64(st, 2, at);
	return done(st);
}

static int
findings_merge(struct history *h, const struct open_finding *a, size_t na,
    const struct new_finding *b, size_t nb, int64_t at, struct history_counts *c)
{
	size_t i = 0, j = 0;
	int rc = 0;

	while (rc == 0 && (i < na || j < nb)) {
		int cmp = i == na ? 1 : j == nb ? -1 : i64_cmp(a[i].key, b[j].key);

		if (cmp < 0) {
			rc = finding_end(h, a[i].id, at);
			c->n_gone++;
		} else if (cmp > 0 && c->n_new < HISTORY_FINDINGS_NEW_MAX) {
			rc = finding_new(h, &b[j], at);
			c->n_new++;
		} else if (cmp > 0)
			c->n_left_out++;
		i += cmp <= 0;
		j += cmp >= 0;
	}
	return rc;
}

static int
findings_write(struct history *h, struct sv text, int64_t at, struct open_finding *a,
    struct new_finding *b, struct history_counts *ret)
{
	size_t na, nb = lines_read(h, text, b);
	int rc = run(h, ST_BEGIN);

	if (rc < 0)
		return rc;
	if ((rc = open_read(h, a, &na)) == 0)
		rc = findings_merge(h, a, na, b, nb, at, ret);
	rc = finish(h, rc);
	if (rc < 0)
		return rc;
	memset(h->n_severity, 0, sizeof(h->n_severity));
	for (size_t i = 0; i < nb; i++)
		h->n_severity[severity_of(b[i].line)]++;
	return 0;
}

int
history_findings(struct history *h, struct sv text, int64_t at, struct history_counts *ret)
{
	uint8_t sum[HISTORY_SUM_LEN];
	struct open_finding *a;
	struct new_finding *b;
	int rc = -ENOMEM;

	*ret = (struct history_counts){ 0 };
	if (h->to != NULL)
		return -EBUSY;
	h->digest(text.n > 0 ? text.p : "", text.n, sum);
	if (h->has_sum && memcmp(sum, h->sum, sizeof(sum)) == 0)
		return 0;
	a = calloc(HISTORY_FINDINGS_MAX, sizeof(*a));
	b = calloc(HISTORY_FINDINGS_MAX, sizeof(*b));
	if (a != NULL && b != NULL)
		rc = findings_write(h, text, at, a, b, ret);
	free(a);
	free(b);
	/* What was left out comes with the next run. */
	h->has_sum = rc == 0 && ret->n_left_out == 0;
	memcpy(h->sum, sum, sizeof(sum));
	return rc;
}

/* --- points --- */

/* VRPs of CAs whose payloads the guard holds. */
static uint64_t
held_count(const struct snapshot *s)
{
	struct snapshot_ca ca;
	bool any = false;
	uint64_t n = 0;
	struct vrp v;

	for (size_t i = 0; i < s->n_cas && !any; i++) {
		snapshot_ca(s, i, &ca);
		any = ca.ca.held_since != 0;
	}
	for (size_t i = 0; any && i < snapshot_n_vrps(s); i++) {
		snapshot_vrp(s, i, &v);
		if (v.ca >= s->n_cas)
			continue;
		snapshot_ca(s, v.ca, &ca);
		n += ca.ca.held_since != 0;
	}
	return n;
}

int
history_point(struct history *h, const struct snapshot *s, int64_t at)
{
	sqlite3_stmt *st = use(h, ST_POINT);

	bind_i64(st, 1, at - at % 300);
	bind_u64(st, 2, s->stamp.serial);
	bind_u64(st, 3, s->n_v4);
	bind_u64(st, 4, s->n_v6);
	bind_u64(st, 5, s->n_aspas);
	bind_u64(st, 6, s->n_router_keys);
	bind_u64(st, 7, h->n_severity[2]);
	bind_u64(st, 8, h->n_severity[1]);
	bind_u64(st, 9, h->n_severity[0]);
	bind_u64(st, 10, held_count(s));
	return done(st);
}

/* --- throwing away --- */

/* Points between two times into one for each span. */
static int
thin(struct history *h, int from, int to, int64_t before)
{
	char sql[512];

	(void)snprintf(sql, sizeof(sql), "INSERT OR REPLACE INTO point SELECT at - at %% %d, %d,"
	    " max(serial), avg(v4), avg(v6), avg(aspas), avg(keys), avg(reject), avg(warn),"
	    " avg(note), max(held) FROM point WHERE span = %d AND at < %lld GROUP BY at / %d;"
	    "DELETE FROM point WHERE span = %d AND at < %lld",
	    to, to, from, (long long)(before - before % to), to,
	    from, (long long)(before - before % to));
	return exec(h->db, sql);
}

static int
delete_some(struct history *h, const char *fmt, int64_t arg, bool *ret_more)
{
	char sql[512];
	int rc;

	(void)snprintf(sql, sizeof(sql), fmt, (long long)arg, HISTORY_PRUNE_ROWS);
	rc = exec(h->db, sql);
	*ret_more = *ret_more || sqlite3_changes(h->db) == HISTORY_PRUNE_ROWS;
	return rc;
}

/* The first id that stays: by age, or because there are too many. */
static int
first_kept(struct history *h, int64_t cutoff, int64_t *ret_pub, int64_t *ret_id)
{
	char sql[256];
	int64_t last;
	int rc;

	(void)snprintf(sql, sizeof(sql), "SELECT coalesce(min(id), (SELECT max(id) + 1 FROM"
	    " publication), 0) FROM publication WHERE at >= %lld", (long long)cutoff);
	if ((rc = history_number(h->db, sql, ret_pub)) < 0 ||
	    (rc = history_number(h->db, "SELECT coalesce(max(id), 0) FROM change", &last)) < 0)
		return rc;
	*ret_id = last > (int64_t)h->rows_max ? last - (int64_t)h->rows_max + 1 : 0;
	return 0;
}

static int
prune(struct history *h, int64_t now, bool *ret_more)
{
	int64_t cutoff = now - (int64_t)h->keep_days * 86400, pub, id;
	char sql[256];
	int rc;

	if ((rc = first_kept(h, cutoff, &pub, &id)) < 0 ||
	    (rc = delete_some(h, "DELETE FROM change WHERE id IN (SELECT id FROM change"
	    " WHERE pub < %lld ORDER BY id LIMIT %d)", pub, ret_more)) < 0 ||
	    (rc = delete_some(h, "DELETE FROM change WHERE id IN (SELECT id FROM change"
	    " WHERE id < %lld ORDER BY id LIMIT %d)", id, ret_more)) < 0 ||
	    (rc = delete_some(h, "DELETE FROM finding WHERE id IN (SELECT id FROM finding"
	    " WHERE until < %lld LIMIT %d)", cutoff, ret_more)) < 0 ||
	    (rc = delete_some(h, "DELETE FROM event WHERE id IN (SELECT id FROM event"
	    " WHERE at < %lld LIMIT %d)", cutoff, ret_more)) < 0)
		return rc;
	(void)snprintf(sql, sizeof(sql), "DELETE FROM finding WHERE until IS NOT NULL AND id <="
	    " (SELECT coalesce(max(id), 0) - %u FROM finding)", HISTORY_FINDING_ROWS_MAX);
	if ((rc = exec(h->db, sql)) < 0 || *ret_more)
		return rc;
	/* The last publication stays, whatever its age: it says where we are. */
	(void)snprintf(sql, sizeof(sql), "DELETE FROM publication WHERE id < %lld AND id <"
	    " (SELECT max(id) FROM publication)", (long long)pub);
	if ((rc = exec(h->db, sql)) < 0 ||
	    (rc = exec(h->db, "DELETE FROM ca WHERE used <"
	    " (SELECT coalesce(min(pub), (SELECT max(id) FROM publication), 0) FROM change)")) < 0)
		return rc;
	if ((rc = thin(h, 300, 3600, now - 2 * 86400)) < 0 ||
	    (rc = thin(h, 3600, 86400, now - 32 * 86400)) < 0)
		return rc;
	(void)snprintf(sql, sizeof(sql), "DELETE FROM point WHERE at < %lld", (long long)cutoff);
	return exec(h->db, sql);
}

int
history_prune(struct history *h, int64_t now, bool *ret_more)
{
	int rc;

	*ret_more = false;
	if (h->to != NULL)
		return -EBUSY;
	if ((rc = run(h, ST_BEGIN)) < 0)
		return rc;
	return finish(h, prune(h, now, ret_more));
}

/* --- alarms and events --- */

int
history_alarm_put(struct history *h, const struct history_alarm *a)
{
	sqlite3_stmt *st = use(h, ST_ALARM_PUT);

	bind_sv(st, 1, a->key);
	bind_sv(st, 2, a->code);
	bind_sv(st, 3, a->json);
	bind_i64(st, 4, a->since);
	bind_i64(st, 5, a->told);
	bind_i64(st, 6, a->ended);
	return done(st);
}

int
history_alarm_del(struct history *h, struct sv key)
{
	sqlite3_stmt *st = use(h, ST_ALARM_DEL);

	bind_sv(st, 1, key);
	return done(st);
}

int
history_event(struct history *h, int64_t at, struct sv code, struct sv json)
{
	sqlite3_stmt *st = use(h, ST_EVENT);

	bind_i64(st, 1, at);
	bind_sv(st, 2, code);
	bind_sv(st, 3, json);
	return done(st);
}
