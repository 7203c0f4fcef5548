/* What nobody needs any more, a slice at a time: see objects.h. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "store/internal.h"

/* --- names of sources that are gone --- */

static int
gone_first(struct objects *o, MDB_txn *txn, uint32_t *ret)
{
	MDB_cursor *c;
	MDB_val k, v;
	int rc;

	if ((rc = lmdb_rc(mdb_cursor_open(txn, o->t[T_GONE], &c))) < 0)
		return rc;
	rc = lmdb_rc(mdb_cursor_get(c, &k, &v, MDB_FIRST));
	if (rc == 0)
		rc = id_parse(&k, ret);
	mdb_cursor_close(c);
	return rc;
}

/* Up to n of them; *ret_all: no more are there. */
static int
names_del(MDB_cursor *c, uint32_t id, unsigned n, struct ref_changes *refs, bool *ret_all)
{
	uint8_t key[4];
	MDB_val k = val_of(key, 4), v;
	struct name name;
	int rc;

	put_be32(key, id);
	rc = lmdb_rc(mdb_cursor_get(c, &k, &v, MDB_SET_RANGE));
	while (rc == 0 && n-- > 0) {
		if (memcmp(k.mv_data, key, 4) != 0)
			break;
		if ((rc = name_row_parse(&k, &v, &name)) < 0 ||
		    (rc = ref_change(refs, name.hash, -1, NULL)) < 0 ||
		    (rc = lmdb_rc(mdb_cursor_del(c, 0))) < 0)
			return rc;
		rc = lmdb_rc(mdb_cursor_get(c, &k, &v, MDB_NEXT));
	}
	*ret_all = rc == -ENOENT || (rc == 0 && memcmp(k.mv_data, key, 4) != 0);
	return rc == -ENOENT ? 0 : rc;
}

static int
gone_slice(struct objects *o, MDB_txn *txn, uint32_t id, int64_t now, unsigned n)
{
	struct ref_changes refs = { 0 };
	uint64_t bytes = 0;
	uint8_t key[4];
	MDB_val k = val_of(key, 4);
	MDB_cursor *c;
	bool all = false;
	int rc;

	if ((rc = lmdb_rc(mdb_cursor_open(txn, o->t[T_NAME], &c))) < 0)
		return rc;
	rc = names_del(c, id, n, &refs, &all);
	mdb_cursor_close(c);
	if (rc == 0)
		rc = ref_changes_apply(o, txn, &refs, NULL, now, &bytes);
	ref_changes_done(&refs);
	put_be32(key, id);
	return rc == 0 && all ? lmdb_rc(mdb_del(txn, o->t[T_GONE], &k, NULL)) : rc;
}

/* --- objects without a name --- */

static bool
is_held(const struct objects *o, const uint8_t *hash)
{
	return o->n_held > 0 &&
	    bsearch(hash, o->held, o->n_held, OBJECTS_HASH_LEN, hash_cmp) != NULL;
}

static int
object_del(struct objects *o, MDB_txn *txn, const uint8_t *hash, int64_t since)
{
	MDB_val k = val_of(hash, OBJECTS_HASH_LEN), v;
	struct ref f;
	int rc = lmdb_rc(mdb_get(txn, o->t[T_REF], &k, &v));

	rows_touched(o, 1);
	if (rc == 0)
		rc = ref_parse(&v, &f);
	if (rc < 0)
		return rc == -ENOENT ? SE_SUM : rc;
	/* Never take what is alive, whatever the list says. */
	if (f.count > 0 || f.since != since)
		return SE_SUM;
	if ((rc = lmdb_rc(mdb_del(txn, o->t[T_REF], &k, NULL))) < 0)
		return rc == -ENOENT ? SE_SUM : rc;
	return life_lose(o, txn, f.pack, f.size);
}

static int
dead_read(const MDB_val *k, int64_t *ret_since, uint8_t ret_hash[static OBJECTS_HASH_LEN])
{
	struct rd r = rd_mem(k->mv_data, k->mv_size);
	const uint8_t *hash;

	*ret_since = (int64_t)rd_be64(&r);
	hash = rd_bytes(&r, OBJECTS_HASH_LEN);
	if (hash == NULL || !rd_done(&r))
		return SE_SUM;
	memcpy(ret_hash, hash, OBJECTS_HASH_LEN);
	return 0;
}

/* Where the last slice ended; held objects are not looked at again in one pass. */
static int
dead_start(struct objects *o, MDB_cursor *c, MDB_val *k)
{
	MDB_val v;

	if (!o->gc_under_way)
		return lmdb_rc(mdb_cursor_get(c, k, &v, MDB_FIRST));
	*k = val_of(o->gc_at, DEAD_KEY_LEN);
	return lmdb_rc(mdb_cursor_get(c, k, &v, MDB_SET_RANGE));
}

static int
dead_slice(struct objects *o, MDB_txn *txn, int64_t now, unsigned n, bool *ret_more)
{
	uint8_t hash[OBJECTS_HASH_LEN];
	int64_t since;
	MDB_cursor *c;
	MDB_val k, v;
	int rc;

	*ret_more = false;
	if ((rc = lmdb_rc(mdb_cursor_open(txn, o->t[T_DEAD], &c))) < 0)
		return rc;
	rc = dead_start(o, c, &k);
	while (rc == 0 && (rc = dead_read(&k, &since, hash)) == 0) {
		/* All that follow are younger. */
		if (since > now || now - since < o->grace_sec)
			break;
		if (n-- == 0) {
			dead_key(since, hash, o->gc_at);
			*ret_more = true;
			break;
		}
		if (!is_held(o, hash) &&
		    ((rc = object_del(o, txn, hash, since)) < 0 ||
		    (rc = lmdb_rc(mdb_cursor_del(c, 0))) < 0))
			break;
		rc = lmdb_rc(mdb_cursor_get(c, &k, &v, MDB_NEXT));
	}
	mdb_cursor_close(c);
	return rc == -ENOENT ? 0 : rc;
}

/* --- all --- */

struct slice {
	struct objects	*o;
	MDB_txn		*txn;
	int64_t		 now;
	unsigned	 n;
	size_t		 let_go;
	bool		 orphans, dead, dead_more, more;
};

/* One kind of work after the other: what dies first need not be moved. */
static int
slice_do(struct slice *s)
{
	struct objects *o = s->o;
	uint32_t id;
	int rc;

	/* What was held comes before what is dead: it must not be taken for that. */
	if ((rc = let_go_slice(o, s->txn, s->now, s->n, &s->let_go)) < 0)
		return rc;
	if ((s->more = s->let_go < o->n_let_go))
		return 0;
	if ((rc = orphans_slice(o, s->txn, s->n, &s->more)) < 0 || s->more)
		return rc;
	s->orphans = true;
	if ((rc = gone_first(o, s->txn, &id)) == 0) {
		s->more = true;
		return gone_slice(o, s->txn, id, s->now, s->n);
	}
	if (rc != -ENOENT)
		return rc;
	s->dead = true;
	if (o->held_known && ((rc = dead_slice(o, s->txn, s->now, s->n, &s->dead_more)) < 0 ||
	    s->dead_more)) {
		s->more = true;
		return rc;
	}
	return thin_slice(o, s->txn, s->n, &s->more);
}

int
objects_gc(struct objects *o, int64_t now, unsigned n, bool *ret_more)
{
	struct slice s = { .o = o, .now = now, .n = n };
	int rc;

	if ((rc = txn_begin(o, &s.txn)) < 0)
		return rc;
	rc = slice_do(&s);
	/* An empty transaction costs LMDB nothing: no page was touched. */
	if ((rc = txn_end(o, s.txn, rc)) < 0)
		return rc;
	let_go_done(o, s.let_go);
	if (s.orphans)
		o->orphans = false;
	if (s.dead)
		o->gc_under_way = s.dead_more;
	*ret_more = s.more;
	return 0;
}
