/* What was judged good, and what the validator keeps of it: see objects.h. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "store/internal.h"

struct record {
	const uint8_t	*key, *hash;
	struct sv	 kept;
};

static bool
record_read(struct rd *r, struct record *ret)
{
	size_t n;

	ret->key = rd_bytes(r, OBJECTS_HASH_LEN);
	ret->hash = rd_bytes(r, OBJECTS_HASH_LEN);
	n = rd_be32(r);
	ret->kept = rd_slice(r, n);
	return !r->bad && n <= OBJECTS_KEPT_MAX;
}

/* Are these records, all of them? */
static int
records_check(struct sv records)
{
	struct rd r = rd_sv(records);
	struct record rec;
	size_t n = 0;

	while (rd_left(&r) > 0) {
		if (!record_read(&r, &rec))
			return -EBADMSG;
		if (++n > OBJECTS_POINTS_MAX)
			return SE_LIMIT;
	}
	return rd_done(&r) ? 0 : -EBADMSG;
}

/* LMDB makes room for the value, which is filled where it will lie. */
static int
row_put(struct objects *o, MDB_txn *txn, const struct record *rec, int64_t now)
{
	MDB_val k = val_of(rec->key, OBJECTS_HASH_LEN), v = { 0 };
	struct wr w;
	int rc;

	v.mv_size = OBJECTS_HASH_LEN + (rec->kept.n > 0 ? 8 + rec->kept.n : 0);
	if ((rc = lmdb_rc(mdb_put(txn, o->t[T_POINT], &k, &v, MDB_RESERVE))) < 0)
		return rc;
	w = wr_mem(v.mv_data, v.mv_size);
	wr_bytes(&w, rec->hash, OBJECTS_HASH_LEN);
	if (rec->kept.n > 0) {
		wr_be64(&w, (uint64_t)now);
		wr_bytes(&w, rec->kept.p, rec->kept.n);
	}
	return wr_done(&w) ? 0 : SE_SUM;
}

static int
point_put(struct objects *o, MDB_txn *txn, const struct record *rec, int64_t now)
{
	static const uint8_t zeros[OBJECTS_HASH_LEN];
	MDB_val k = val_of(rec->key, OBJECTS_HASH_LEN);
	int rc;

	if (hash_cmp(rec->hash, zeros) != 0)
		return row_put(o, txn, rec, now);
	rc = lmdb_rc(mdb_del(txn, o->t[T_POINT], &k, NULL));
	return rc == -ENOENT ? 0 : rc;
}

/* --- room --- */

static int
table_bytes(struct objects *o, MDB_txn *txn, uint64_t *ret)
{
	MDB_stat st;
	int rc = lmdb_rc(mdb_stat(txn, o->t[T_POINT], &st));

	if (rc == 0)
		*ret = (st.ms_branch_pages + st.ms_leaf_pages + st.ms_overflow_pages) * o->page;
	return rc;
}

/* All keys and hashes, as records that keep nothing. */
static int
hashes_copy(struct objects *o, MDB_txn *txn, uint8_t **ret, size_t *ret_n)
{
	struct objects_point p;
	uint64_t n = 0;
	uint8_t *all;
	struct wr w;
	MDB_cursor *c;
	MDB_val k, v;
	int rc;

	if ((rc = rows(txn, o->t[T_POINT], &n)) < 0)
		return rc;
	if ((all = malloc(n * 2 * OBJECTS_HASH_LEN + 1)) == NULL)
		return -ENOMEM;
	w = wr_mem(all, n * 2 * OBJECTS_HASH_LEN);
	if ((rc = lmdb_rc(mdb_cursor_open(txn, o->t[T_POINT], &c))) == 0) {
		while ((rc = lmdb_rc(mdb_cursor_get(c, &k, &v, MDB_NEXT))) == 0 &&
		    (rc = point_parse(&v, &p)) == 0) {
			wr_bytes(&w, k.mv_data, min_size(k.mv_size, OBJECTS_HASH_LEN));
			wr_bytes(&w, p.hash, OBJECTS_HASH_LEN);
		}
		mdb_cursor_close(c);
	}
	if (rc != -ENOENT || !wr_done(&w)) {
		free(all);
		return rc == -ENOENT || rc == 0 ? SE_SUM : rc;
	}
	*ret = all;
	*ret_n = n;
	return 0;
}

/*
 * What is kept has outgrown its share: of CAs that went, or what a validator
 * that lied made up. It goes; what is judged anew is kept again.
 */
static int
kept_drop(struct objects *o, MDB_txn *txn)
{
	uint8_t *all = NULL;
	size_t n = 0;
	int rc = hashes_copy(o, txn, &all, &n);

	if (rc < 0)
		return rc;
	rc = lmdb_rc(mdb_drop(txn, o->t[T_POINT], 0));
	for (size_t i = 0; i < n && rc == 0; i++) {
		const uint8_t *key = all + i * 2 * OBJECTS_HASH_LEN;
		struct record rec = { key, key + OBJECTS_HASH_LEN, { NULL, 0 } };

		rc = row_put(o, txn, &rec, 0);
	}
	free(all);
	return rc;
}

/* Records of n rows and so many bytes are to come. */
static int
points_room(struct objects *o, MDB_txn *txn, uint64_t n, uint64_t bytes)
{
	uint64_t have = 0, kept = 0;
	int rc;

	if ((rc = room_check(o, txn, bytes)) < 0 || (rc = rows(txn, o->t[T_POINT], &have)) < 0 ||
	    (rc = table_bytes(o, txn, &kept)) < 0)
		return rc;
	/*
	 * Nobody takes out what is no longer: CAs that went, or what a validator
	 * that lied made up. When it is full it starts anew; the next run brings
	 * again what is judged good.
	 */
	if (have + n > OBJECTS_POINTS_MAX)
		return lmdb_rc(mdb_drop(txn, o->t[T_POINT], 0));
	return kept + bytes > o->max_bytes / OBJECTS_KEPT_SHARE ? kept_drop(o, txn) : 0;
}

/* --- all --- */

/* How many records, from here, make a slice; at least one. */
static void
slice_find(struct rd r, uint64_t *ret_n, uint64_t *ret_bytes)
{
	const uint8_t *start = r.p;
	struct record rec;

	for (*ret_n = *ret_bytes = 0; rd_left(&r) > 0 && *ret_bytes < OBJECTS_KEPT_SLICE; ++*ret_n) {
		(void)record_read(&r, &rec);
		*ret_bytes = (uint64_t)(r.p - start);
	}
}

static int
slice_put(struct objects *o, struct rd *r, int64_t now)
{
	uint64_t n, bytes;
	struct record rec;
	MDB_txn *txn;
	int rc;

	slice_find(*r, &n, &bytes);
	if ((rc = txn_begin(o, &txn)) < 0)
		return rc;
	rc = points_room(o, txn, n, bytes);
	for (; n > 0 && rc == 0; n--) {
		(void)record_read(r, &rec);
		rows_touched(o, 1);
		/* Alone it is more than the share: only the hash. */
		if (rec.kept.n > o->max_bytes / OBJECTS_KEPT_SHARE)
			rec.kept.n = 0;
		rc = point_put(o, txn, &rec, now);
	}
	return txn_end(o, txn, rc);
}

int
objects_points_put(struct objects *o, struct sv records, int64_t now)
{
	struct rd r = rd_sv(records);
	int rc = records_check(records);

	while (rc == 0 && rd_left(&r) > 0)
		rc = slice_put(o, &r, now);
	return rc;
}
