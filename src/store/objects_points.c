/* What was judged good, and what the validator keeps of it: see objects.h. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "store/internal.h"

struct record {
	const uint8_t	*key, *hash;
	struct sv	 kept;
};

static bool
record_read(struct rd *r, struct record *ret)
{
	static const uint8_t zeros[OBJECTS_HASH_LEN];
	size_t n;

	ret->key = rd_bytes(r, OBJECTS_HASH_LEN);
	ret->hash = rd_bytes(r, OBJECTS_HASH_LEN);
	n = rd_be32(r);
	ret->kept = rd_slice(r, n);
	return !r->bad && n <= OBJECTS_KEPT_MAX && hash_cmp(ret->hash, zeros) != 0;
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

/* --- a row --- */

/* All but what is kept. */
static size_t
head_write(const struct objects_point *p, uint8_t ret[static POINT_HEAD_MAX])
{
	struct wr w = wr_mem(ret, POINT_HEAD_MAX);

	wr_bytes(&w, p->hash, OBJECTS_HASH_LEN);
	wr_be64(&w, (uint64_t)p->born);
	wr_u8(&w, (uint8_t)p->n_past);
	for (size_t i = 0; i < p->n_past; i++) {
		wr_bytes(&w, p->past[i].hash, OBJECTS_HASH_LEN);
		wr_be64(&w, (uint64_t)p->past[i].until);
	}
	return w.len;
}

/* LMDB makes room for the value, which is filled where it will lie. */
static int
row_put(struct objects *o, MDB_txn *txn, const uint8_t *key, struct sv head, struct sv kept,
    int64_t now)
{
	MDB_val k = val_of(key, OBJECTS_HASH_LEN), v = { 0 };
	struct wr w;
	int rc;

	v.mv_size = head.n + (kept.n > 0 ? 8 + kept.n : 0);
	if ((rc = lmdb_rc(mdb_put(txn, o->t[T_POINT], &k, &v, MDB_RESERVE))) < 0)
		return rc;
	w = wr_mem(v.mv_data, v.mv_size);
	wr_bytes(&w, head.p, head.n);
	if (kept.n > 0) {
		wr_be64(&w, (uint64_t)now);
		wr_bytes(&w, kept.p, kept.n);
	}
	return wr_done(&w) ? 0 : SE_SUM;
}

static void
past_prune(struct objects_point *p, int64_t now)
{
	size_t n = 0;

	for (size_t i = 0; i < p->n_past; i++) {
		p->past[n] = p->past[i];
		p->past[n].until = min_i64(p->past[i].until, now);	/* a clock was set back */
		n += p->past[n].until > now - OBJECTS_PAST_AGE;
	}
	p->n_past = n;
}

/*
 * What was told until now may be the last truth before a liar. So it is not
 * pushed out by what comes after it: a past that is full takes nothing more.
 */
static void
past_add(struct objects_point *p, int64_t now)
{
	for (size_t i = 0; i < p->n_past; i++)
		if (hash_cmp(p->past[i].hash, p->hash) == 0) {
			p->past[i].until = now;
			return;
		}
	if (p->n_past == OBJECTS_PAST_MAX)
		return;
	p->past[p->n_past].hash = p->hash;
	p->past[p->n_past++].until = now;
}

static int
point_put(struct objects *o, MDB_txn *txn, const struct record *rec, int64_t now)
{
	struct objects_point p = { .hash = rec->hash, .born = now };
	MDB_val k = val_of(rec->key, OBJECTS_HASH_LEN), v;
	uint8_t head[POINT_HEAD_MAX];
	int rc = lmdb_rc(mdb_get(txn, o->t[T_POINT], &k, &v));

	if (rc == 0 && (rc = point_parse(&v, &p)) == 0) {
		past_prune(&p, now);
		if (hash_cmp(p.hash, rec->hash) != 0)
			past_add(&p, now);
		p.hash = rec->hash;
	}
	if (rc < 0 && rc != -ENOENT)
		return rc;
	k.mv_size = head_write(&p, head);
	return row_put(o, txn, rec->key, (struct sv){ (const char *)head, k.mv_size }, rec->kept, now);
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

/* A key, u16 length, a head: of all rows. */
static int
heads_copy(struct objects *o, MDB_txn *txn, struct buf *b)
{
	uint8_t head[POINT_HEAD_MAX];
	struct objects_point p;
	MDB_cursor *c;
	MDB_val k, v;
	size_t n;
	int rc;

	if ((rc = lmdb_rc(mdb_cursor_open(txn, o->t[T_POINT], &c))) < 0)
		return rc;
	while ((rc = lmdb_rc(mdb_cursor_get(c, &k, &v, MDB_NEXT))) == 0 &&
	    (rc = k.mv_size == OBJECTS_HASH_LEN ? point_parse(&v, &p) : SE_SUM) == 0) {
		n = head_write(&p, head);
		buf_bytes(b, k.mv_data, OBJECTS_HASH_LEN);
		buf_bytes(b, (const uint8_t[2]){ (uint8_t)(n >> 8), (uint8_t)n }, 2);
		buf_bytes(b, head, n);
	}
	mdb_cursor_close(c);
	return rc == -ENOENT ? b->rc : rc;
}

/*
 * What is kept has outgrown its share: of CAs that went, or what a validator
 * that lied made up. It goes; what is judged anew is kept again.
 */
static int
kept_drop(struct objects *o, MDB_txn *txn)
{
	_cleanup_(buf_done) struct buf b = BUF_INIT;
	struct rd r;
	int rc = heads_copy(o, txn, &b);

	if (rc < 0)
		return rc;
	rc = lmdb_rc(mdb_drop(txn, o->t[T_POINT], 0));
	r = rd_sv(buf_get(&b));
	while (rc == 0 && rd_left(&r) > 0) {
		const uint8_t *key = rd_bytes(&r, OBJECTS_HASH_LEN);
		size_t n = rd_be16(&r);

		rc = row_put(o, txn, key, rd_slice(&r, n), SV(""), 0);
	}
	return rc;
}

static int
time_cmp(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return x < y ? -1 : x > y;
}

/* Of all rows, in order of time; *ret is NULL where there are none. */
static int
births_sorted(struct objects *o, MDB_txn *txn, int64_t **ret, size_t *ret_n)
{
	struct objects_point p;
	uint64_t n = 0;
	size_t i = 0;
	MDB_cursor *c;
	MDB_val k, v;
	int rc;

	if ((rc = rows(txn, o->t[T_POINT], &n)) < 0)
		return rc;
	if ((*ret = calloc(n + 1, sizeof(**ret))) == NULL)
		return -ENOMEM;
	if ((rc = lmdb_rc(mdb_cursor_open(txn, o->t[T_POINT], &c))) < 0)
		return rc;
	while ((rc = lmdb_rc(mdb_cursor_get(c, &k, &v, MDB_NEXT))) == 0 &&
	    (rc = point_parse(&v, &p)) == 0 && i < n)
		(*ret)[i++] = p.born;
	mdb_cursor_close(c);
	if (rc != -ENOENT)
		return rc < 0 ? rc : SE_SUM;
	qsort(*ret, i, sizeof(**ret), time_cmp);
	*ret_n = i;
	return 0;
}

static int
born_del(struct objects *o, MDB_txn *txn, int64_t from)
{
	struct objects_point p;
	MDB_cursor *c;
	MDB_val k, v;
	int rc;

	if ((rc = lmdb_rc(mdb_cursor_open(txn, o->t[T_POINT], &c))) < 0)
		return rc;
	while ((rc = lmdb_rc(mdb_cursor_get(c, &k, &v, MDB_NEXT))) == 0 &&
	    (rc = point_parse(&v, &p)) == 0)
		if (p.born >= from && (rc = lmdb_rc(mdb_cursor_del(c, 0))) < 0)
			break;
	mdb_cursor_close(c);
	return rc == -ENOENT ? 0 : rc;
}

/*
 * Nobody takes out what is no longer: CAs that went, or what a validator that
 * lied made up. When the table is full, the half that came last goes: what a
 * liar fills it with came after the truth. Of that, the next run brings again
 * what is judged good.
 */
static int
young_drop(struct objects *o, MDB_txn *txn)
{
	int64_t *born = NULL;
	size_t n = 0;
	int rc = births_sorted(o, txn, &born, &n);

	if (rc == 0 && n > 0)
		rc = born_del(o, txn, born[n / 2]);
	free(born);
	return rc;
}

static uint64_t
rows_max(const struct objects *o)
{
	uint64_t n = o->max_bytes / OBJECTS_POINT_SHARE;

	return n < OBJECTS_POINTS_MAX ? n : OBJECTS_POINTS_MAX;
}

/* Records of n rows and so many bytes are to come. */
static int
points_room(struct objects *o, MDB_txn *txn, uint64_t n, uint64_t bytes)
{
	uint64_t have = 0, kept = 0;
	int rc;

	if ((rc = room_check(o, txn, bytes)) < 0 || (rc = rows(txn, o->t[T_POINT], &have)) < 0)
		return rc;
	if (have + n > rows_max(o) && (rc = young_drop(o, txn)) < 0)
		return rc;
	if ((rc = table_bytes(o, txn, &kept)) < 0)
		return rc;
	return kept + bytes > o->max_bytes / OBJECTS_KEPT_SHARE ? kept_drop(o, txn) : 0;
}

/* --- all --- */

/* How many records, from here, make a slice; at least one, of many rows a part. */
static void
slice_find(const struct objects *o, struct rd r, uint64_t *ret_n, uint64_t *ret_bytes)
{
	const uint8_t *start = r.p;
	struct record rec;

	for (*ret_n = *ret_bytes = 0; rd_left(&r) > 0 && *ret_bytes < OBJECTS_KEPT_SLICE &&
	    *ret_n <= rows_max(o) / 4; ++*ret_n) {
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

	slice_find(o, *r, &n, &bytes);
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
