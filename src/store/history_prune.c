/* The history throws away: old rows, rows beyond the limits, points that are too fine. */
#include <errno.h>
#include <stdio.h>

#include "store/history_writer.h"

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
	return history_exec(h->db, sql);
}

static int
delete_some(struct history *h, const char *fmt, int64_t arg, bool *ret_more)
{
	char sql[512];
	int rc;

	(void)snprintf(sql, sizeof(sql), fmt, (long long)arg, HISTORY_PRUNE_ROWS);
	rc = history_exec(h->db, sql);
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
	if ((rc = history_exec(h->db, sql)) < 0 || *ret_more)
		return rc;
	/* The last publication stays, whatever its age: it says where we are. */
	(void)snprintf(sql, sizeof(sql), "DELETE FROM publication WHERE id < %lld AND id <"
	    " (SELECT max(id) FROM publication)", (long long)pub);
	if ((rc = history_exec(h->db, sql)) < 0 ||
	    (rc = history_exec(h->db, "DELETE FROM ca WHERE used <"
	    " (SELECT coalesce(min(pub), (SELECT max(id) FROM publication), 0) FROM change)")) < 0)
		return rc;
	if ((rc = thin(h, 300, 3600, now - 2 * 86400)) < 0 ||
	    (rc = thin(h, 3600, 86400, now - 32 * 86400)) < 0)
		return rc;
	(void)snprintf(sql, sizeof(sql), "DELETE FROM point WHERE at < %lld", (long long)cutoff);
	return history_exec(h->db, sql);
}

int
history_prune(struct history *h, int64_t now, bool *ret_more)
{
	int rc;

	*ret_more = false;
	if (h->to != NULL)
		return -EBUSY;
	if ((rc = history_run(h, ST_BEGIN)) < 0)
		return rc;
	return history_finish(h, prune(h, now, ret_more));
}
