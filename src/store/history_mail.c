/* The table mail: few rows, seldom; so no statements are kept. */
#include "store/history_internal.h"

static sqlite3 *
db(struct history *h)
{
	return history_reader_of(h)->db;
}

/* A statement without rows; *ret_n: how many it changed. */
static int
change(struct history *h, sqlite3_stmt *st, size_t *ret_n)
{
	int rc = history_rc(sqlite3_step(st));

	*ret_n = rc == 0 ? (size_t)sqlite3_changes(db(h)) : 0;
	(void)sqlite3_finalize(st);
	return rc;
}

static int
remove_to(struct history *h, const char *sql, int64_t limit, size_t *ret_n)
{
	sqlite3_stmt *st;
	int rc = history_rc(sqlite3_prepare_v2(db(h), sql, -1, &st, NULL));

	*ret_n = 0;
	if (rc < 0)
		return rc;
	bind_i64(st, 1, limit);
	return change(h, st, ret_n);
}

int
history_mail_put(struct history *h, const struct history_mail *m, size_t *ret_lost)
{
	sqlite3_stmt *st;
	size_t n;
	int rc = history_rc(sqlite3_prepare_v2(db(h), "INSERT INTO mail(at, key, text)"
	    " VALUES(?1, ?2, ?3)", -1, &st, NULL));

	*ret_lost = 0;
	if (rc < 0)
		return rc;
	bind_i64(st, 1, m->at);
	bind_sv(st, 2, m->key);
	bind_sv(st, 3, m->text);
	if ((rc = change(h, st, &n)) < 0)
		return rc;
	return remove_to(h, "DELETE FROM mail WHERE id <= (SELECT max(id) FROM mail) - ?1",
	    HISTORY_MAILS_MAX, ret_lost);
}

int
history_mail_del(struct history *h, int64_t id)
{
	size_t n;

	return remove_to(h, "DELETE FROM mail WHERE id <= ?1", id, &n);
}

int
history_mail_expire(struct history *h, int64_t before, size_t *ret_lost)
{
	return remove_to(h, "DELETE FROM mail WHERE at < ?1", before, ret_lost);
}

int
history_mails(struct history_reader *r, int64_t upto, history_mail_fn fn, void *arg)
{
	sqlite3_stmt *st;
	int rc = history_rc(sqlite3_prepare_v2(r->db, "SELECT id, at, key, text FROM mail"
	    " WHERE id <= ?1 ORDER BY id", -1, &st, NULL));

	if (rc < 0)
		return rc;
	bind_i64(st, 1, upto);
	while ((rc = sqlite3_step(st)) == SQLITE_ROW) {
		const struct history_mail m = { sqlite3_column_int64(st, 0),
		    sqlite3_column_int64(st, 1), col_sv(st, 2), col_sv(st, 3) };

		if (!fn(arg, &m))
			break;
	}
	(void)sqlite3_finalize(st);
	return history_rc(rc);
}
