/* How many names objects have, and since when those that have none. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "store/stage_internal.h"

#define FILTER_PROBES	4

/* --- the list of the dead --- */

void
dead_key(int64_t since, const uint8_t *hash, uint8_t ret[static DEAD_KEY_LEN])
{
	struct wr w = wr_mem(ret, DEAD_KEY_LEN);

	wr_be64(&w, (uint64_t)since);
	wr_bytes(&w, hash, OBJECTS_HASH_LEN);
}

static int
dead_move(struct objects *o, MDB_txn *txn, const uint8_t *hash, int64_t from, int64_t to)
{
	uint8_t key[DEAD_KEY_LEN];
	MDB_val k = val_of(key, sizeof(key)), none = val_of("", 0);
	int rc;

	dead_key(from, hash, key);
	if ((rc = lmdb_rc(mdb_del(txn, o->t[T_DEAD], &k, NULL))) < 0)
		return rc == -ENOENT ? SE_SUM : rc;
	dead_key(to, hash, key);
	return lmdb_rc(mdb_put(txn, o->t[T_DEAD], &k, &none, 0));
}

int
ref_renew(struct objects *o, MDB_txn *txn, MDB_cursor *refs, const uint8_t *hash, struct ref *f,
    int64_t now)
{
	uint8_t buf[REF_LEN];
	MDB_val k = val_of(hash, OBJECTS_HASH_LEN), v = val_of(buf, REF_LEN);
	int rc;

	if (f->count > 0 || f->since == now)
		return 0;
	if ((rc = dead_move(o, txn, hash, f->since, now)) < 0)
		return rc;
	f->since = now;
	ref_write(f, buf);
	return lmdb_rc(mdb_cursor_put(refs, &k, &v, MDB_CURRENT));
}

/* --- references --- */

void
ref_changes_done(struct ref_changes *r)
{
	free(r->v);
	*r = (struct ref_changes){ 0 };
}

int
ref_change(struct ref_changes *r, const uint8_t *hash, int by, const struct change *from)
{
	if (r->n == r->cap) {
		size_t cap = r->cap == 0 ? 1024 : r->cap * 2;
		struct ref_change *v = reallocarray(r->v, cap, sizeof(*v));

		if (v == NULL)
			return -ENOMEM;
		r->v = v;
		r->cap = cap;
	}
	memcpy(r->v[r->n].hash, hash, OBJECTS_HASH_LEN);
	r->v[r->n].from = from;
	r->v[r->n++].by = by;
	return 0;
}

/* The object gets its first name or loses its last. */
static int
dead_change(struct objects *o, MDB_txn *txn, const uint8_t *hash, struct ref *f, bool dead,
    int64_t now)
{
	uint8_t key[DEAD_KEY_LEN];
	MDB_val k = val_of(key, sizeof(key)), none = val_of("", 0);
	int rc;

	if (dead) {
		f->since = now;
		dead_key(now, hash, key);
		return lmdb_rc(mdb_put(txn, o->t[T_DEAD], &k, &none, 0));
	}
	dead_key(f->since, hash, key);
	rc = lmdb_rc(mdb_del(txn, o->t[T_DEAD], &k, NULL));
	return rc == -ENOENT ? SE_SUM : rc;
}

/* --- what is not there --- */

/* Bloom's filter: a hash of SHA-256 has its numbers in it. */
struct probe {
	struct rd	 r;
	size_t		 byte;
	uint8_t		 bit;
};

static bool
probe_next(struct probe *p)
{
	uint32_t n = rd_be32(&p->r) >> (32 - OBJECTS_FILTER_BITS);

	p->byte = n / 8;
	p->bit = (uint8_t)(1 << n % 8);
	return !p->r.bad;
}

bool
ref_absent(const struct objects *o, const uint8_t *hash)
{
	struct probe p = { .r = rd_mem(hash, FILTER_PROBES * 4) };

	while (o->filter != NULL && probe_next(&p))
		if ((o->filter[p.byte] & p.bit) == 0)
			return true;
	return false;
}

static void
filter_add(struct objects *o, const uint8_t *hash)
{
	struct probe p = { .r = rd_mem(hash, FILTER_PROBES * 4) };

	while (o->filter != NULL && probe_next(&p))
		o->filter[p.byte] |= p.bit;
}

int
ref_filter_begin(struct objects *o, MDB_txn *txn)
{
	uint64_t n = 0;
	int rc = rows(txn, o->t[T_REF], &n);

	free(o->filter);
	o->filter = NULL;
	if (rc < 0 || n > 0)
		return rc;
	o->filter = calloc(1, (size_t)1 << (OBJECTS_FILTER_BITS - 3));
	return o->filter == NULL ? -ENOMEM : 0;
}

/* --- rows --- */

/* The first row of an object whose bytes are in a pack of this stage. */
static int
ref_new(struct objects_stage *s, MDB_cursor *refs, const struct ref_change *r, int64_t by,
    uint64_t *bytes)
{
	struct stage_pack *p = stage_pack_find(s, r->from->pack);
	const struct ref f = { .count = (uint32_t)by, .size = r->from->size,
	    .pack = r->from->pack, .at = r->from->at };
	uint8_t buf[REF_LEN];
	MDB_val k = val_of(r->hash, OBJECTS_HASH_LEN), v = val_of(buf, REF_LEN);

	if (p == NULL || by <= 0 || by > UINT32_MAX)
		return SE_SUM;
	p->life.live += PACK_ENTRY + f.size;
	*bytes += (uint64_t)by * f.size;
	filter_add(s->objects, r->hash);
	ref_write(&f, buf);
	return lmdb_rc(mdb_cursor_put(refs, &k, &v, MDB_NOOVERWRITE));
}

static int
ref_apply(struct objects *o, MDB_txn *txn, MDB_cursor *refs, const struct ref_change *r,
    int64_t by, int64_t now, uint64_t *bytes)
{
	uint8_t buf[REF_LEN];
	MDB_val k = val_of(r->hash, OBJECTS_HASH_LEN), v;
	struct ref f;
	int64_t count;
	int rc = lmdb_rc(mdb_cursor_get(refs, &k, &v, MDB_SET));

	if (rc < 0 || (rc = ref_parse(&v, &f)) < 0)
		return rc;
	count = f.count + by;
	if (count < 0 || count > UINT32_MAX)
		return SE_SUM;
	if ((f.count == 0) != (count == 0) &&
	    (rc = dead_change(o, txn, r->hash, &f, count == 0, now)) < 0)
		return rc;
	f.count = (uint32_t)count;
	*bytes += (uint64_t)(by * (int64_t)f.size);	/* modulo 2^64 it is a subtraction, too */
	if (by == 0)
		return 0;
	ref_write(&f, buf);
	v = val_of(buf, REF_LEN);
	return lmdb_rc(mdb_cursor_put(refs, &k, &v, MDB_CURRENT));
}

/* All changes of one object. */
static int
ref_group(struct objects *o, MDB_txn *txn, MDB_cursor *refs, const struct ref_change *r,
    size_t n, struct objects_stage *s, int64_t now, uint64_t *bytes)
{
	const struct ref_change *place = r;
	int64_t by = 0;
	int rc;

	for (size_t i = 0; i < n; i++) {
		by += r[i].by;
		if (r[i].from != NULL && r[i].from->pack != 0)
			place = &r[i];
	}
	if ((rc = ref_apply(o, txn, refs, r, by, now, bytes)) != -ENOENT)
		return rc;
	if (by < 0)
		return SE_SUM;
	if (s == NULL || place->from == NULL || place->from->pack == 0)
		return SE_STALE;
	return ref_new(s, refs, place, by, bytes);
}

int
ref_changes_apply(struct objects *o, MDB_txn *txn, struct ref_changes *r,
    struct objects_stage *s, int64_t now, uint64_t *bytes)
{
	MDB_cursor *refs;
	int rc;

	if (r->n == 0)
		return 0;
	qsort(r->v, r->n, sizeof(r->v[0]), hash_cmp);	/* the hash stands first */
	if ((rc = lmdb_rc(mdb_cursor_open(txn, o->t[T_REF], &refs))) < 0)
		return rc;
	for (size_t i = 0, end; i < r->n && rc == 0; i = end) {
		rows_touched(o, 1);
		for (end = i; end < r->n && hash_cmp(r->v[end].hash, r->v[i].hash) == 0; end++)
			;
		rc = ref_group(o, txn, refs, r->v + i, end - i, s, now, bytes);
	}
	mdb_cursor_close(refs);
	return rc;
}
