/*
 * Packs: objects lie in them one behind the other, some 128 KB together, and
 * are never written again where they lie. What of a pack is still alive is
 * counted beside it (table `life`); when nothing is, it goes.
 *
 * A pack is *thin* when less than half of it, or of a pack of the usual size,
 * is alive: holes that the dead left, and what small deltas bring. Thin ones
 * are in a list, and when they are many, or their holes are a pack together,
 * GC puts what is alive of them into new packs. So all others are at least
 * half alive, the thin ones a constant, and an object is moved as often as
 * half of what lies around it has died, and some two or three times more if
 * it came in a small delta.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "store/stage_internal.h"

/* --- what is alive of a pack --- */

static int
life_parse(const MDB_val *val, struct life *ret)
{
	struct rd r = rd_mem(val->mv_data, val->mv_size);
	struct life l = { .size = rd_be32(&r) };

	l.live = rd_be32(&r);
	if (!rd_done(&r) || l.live == 0 || l.live > l.size)
		return SE_SUM;
	*ret = l;
	return 0;
}

int
life_get(struct objects *o, MDB_txn *txn, uint64_t pack, struct life *ret)
{
	uint8_t key[PACK_KEY_LEN];
	MDB_val k = val_of(key, sizeof(key)), v;
	int rc;

	pack_key(pack, key);
	if ((rc = lmdb_rc(mdb_get(txn, o->t[T_LIFE], &k, &v))) < 0)
		return rc == -ENOENT ? SE_SUM : rc;
	return life_parse(&v, ret);
}

uint32_t
pack_target(const struct objects *o)
{
	/* With LMDB's head of 16 bytes it is whole pages. */
	size_t usual = OBJECTS_PACK_PAGES * o->page - 16;

	return (uint32_t)min_size(usual, o->max_bytes / OBJECTS_PACK_SHARE);
}

static bool
is_thin(const struct objects *o, struct life l)
{
	/* Two that are thin for being small fit into one: see the heads. */
	return l.live < max_size(l.size, pack_target(o) - 2 * PACK_HEAD) / 2;
}

int
life_put(struct objects *o, MDB_txn *txn, uint64_t pack, struct life l)
{
	uint8_t key[PACK_KEY_LEN], buf[8];
	MDB_val k = val_of(key, sizeof(key)), v = val_of(buf, sizeof(buf)), none = val_of("", 0);
	struct wr w = wr_mem(buf, sizeof(buf));
	int rc;

	pack_key(pack, key);
	wr_be32(&w, l.size);
	wr_be32(&w, l.live);
	if ((rc = lmdb_rc(mdb_put(txn, o->t[T_LIFE], &k, &v, 0))) < 0 || !is_thin(o, l))
		return rc;
	rc = lmdb_rc(mdb_put(txn, o->t[T_THIN], &k, &none, MDB_NOOVERWRITE));
	return rc == -EEXIST ? 0 : rc;
}

int
life_lose(struct objects *o, MDB_txn *txn, uint64_t pack, uint32_t size)
{
	struct life l;
	int rc;

	if ((rc = life_get(o, txn, pack, &l)) < 0)
		return rc;
	if ((uint64_t)size + PACK_ENTRY > l.live)
		return SE_SUM;
	l.live -= size + PACK_ENTRY;
	return l.live > 0 ? life_put(o, txn, pack, l) : pack_del(o, txn, pack);
}

int
pack_del(struct objects *o, MDB_txn *txn, uint64_t pack)
{
	static const enum table tables[] = { T_LIFE, T_THIN, T_FRESH };
	uint8_t key[PACK_KEY_LEN];
	MDB_val k = val_of(key, sizeof(key));
	int rc;

	rows_touched(o, 1);
	pack_key(pack, key);
	rc = lmdb_rc(mdb_del(txn, o->t[T_PACK], &k, NULL));
	if (rc == -ENOENT)
		return SE_SUM;
	for (size_t i = 0; i < ARRAY_LEN(tables) && rc == 0; i++) {
		rc = lmdb_rc(mdb_del(txn, o->t[tables[i]], &k, NULL));
		if (rc == -ENOENT)
			rc = 0;
	}
	return rc;
}

/* --- writing --- */

/* Higher than any that is there, or was in this life. */
static int
pack_id_next(struct objects *o, MDB_txn *txn, uint64_t *ret)
{
	uint64_t last = 0;
	MDB_cursor *c;
	MDB_val k, v;
	int rc;

	if ((rc = lmdb_rc(mdb_cursor_open(txn, o->t[T_PACK], &c))) < 0)
		return rc;
	rc = lmdb_rc(mdb_cursor_get(c, &k, &v, MDB_LAST));
	if (rc == 0)
		rc = pack_id(&k, &last);
	mdb_cursor_close(c);
	if (rc < 0 && rc != -ENOENT)
		return rc;
	if (last < o->last_pack)
		last = o->last_pack;
	if (last == UINT64_MAX)
		return SE_LIMIT;
	*ret = o->last_pack = last + 1;
	return 0;
}

/* One pack of these objects, all of them. */
static int
pack_write(struct objects *o, MDB_txn *txn, struct pack_object **v, size_t n, uint32_t size,
    uint64_t *ret)
{
	uint8_t key[PACK_KEY_LEN];
	MDB_val k = val_of(key, sizeof(key)), val = val_of(NULL, PACK_HEAD + size);
	struct wr w;
	int rc;

	if ((rc = pack_id_next(o, txn, ret)) < 0)
		return rc;
	pack_key(*ret, key);
	if ((rc = lmdb_rc(mdb_put(txn, o->t[T_PACK], &k, &val, MDB_RESERVE | MDB_APPEND))) < 0)
		return rc == -EEXIST ? SE_SUM : rc;
	w = wr_mem(val.mv_data, val.mv_size);
	wr_be32(&w, (uint32_t)n);
	for (size_t i = 0; i < n; i++) {
		wr_bytes(&w, v[i]->hash, OBJECTS_HASH_LEN);
		wr_be32(&w, (uint32_t)v[i]->bytes.n);
	}
	for (size_t i = 0; i < n; i++) {
		v[i]->pack = *ret;
		v[i]->at = (uint32_t)w.len;
		wr_bytes(&w, v[i]->bytes.p, v[i]->bytes.n);
	}
	return wr_done(&w) && w.len == w.cap ? 0 : SE_SUM;
}

static uint32_t
weight(const struct pack_object *p)
{
	return PACK_ENTRY + (uint32_t)p->bytes.n;
}

struct packing {
	struct objects		*o;
	MDB_txn			*txn;
	struct pack_object	**v;	/* of the pack that is being filled */
	size_t			 n;
	uint32_t		 size;
	int			(*made)(void *, uint64_t, uint32_t);
	void			*arg;
};

static int
packing_flush(struct packing *p)
{
	uint64_t id;
	int rc;

	if (p->n == 0)
		return 0;
	if ((rc = pack_write(p->o, p->txn, p->v, p->n, p->size, &id)) == 0)
		rc = p->made(p->arg, id, p->size);
	p->n = 0;
	p->size = 0;
	return rc;
}

/* A large one has a pack of its own, before which nothing small is cut off. */
static int
packing_alone(const struct packing *p, struct pack_object *v)
{
	struct packing one = *p;

	one.v = &v;
	one.n = 1;
	one.size = weight(v);
	return packing_flush(&one);
}

/* Packs of equal size, so that the last one is not a small one. */
static uint32_t
packing_share(const struct objects *o, const struct pack_object *v, size_t n, uint32_t most)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < n; i++)
		if (weight(&v[i]) <= pack_target(o) / 2)
			sum += weight(&v[i]);
	return (uint32_t)(sum / (sum / most + 1));
}

int
packs_write(struct objects *o, MDB_txn *txn, struct pack_object *v, size_t n,
    int (*made)(void *arg, uint64_t pack, uint32_t size), void *arg)
{
	const uint32_t most = pack_target(o) - PACK_HEAD;
	const uint32_t share = packing_share(o, v, n, most);
	struct packing p = { .o = o, .txn = txn, .made = made, .arg = arg };
	int rc = 0;

	if ((p.v = calloc(n + 1, sizeof(*p.v))) == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < n && rc == 0; i++) {
		if (weight(&v[i]) > pack_target(o) / 2) {
			rc = packing_alone(&p, &v[i]);
			continue;
		}
		if (p.size + weight(&v[i]) > most)
			rc = packing_flush(&p);
		p.v[p.n++] = &v[i];
		p.size += weight(&v[i]);
		if (rc == 0 && p.size >= share && i + 1 < n)
			rc = packing_flush(&p);
	}
	if (rc == 0)
		rc = packing_flush(&p);
	free(p.v);
	return rc;
}

/* --- packs that no commit took over --- */

static bool
has_owner(const struct objects *o, uint64_t pack)
{
	for (const struct objects_stage *s = o->stages; s != NULL; s = s->next)
		if (stage_pack_find(s, pack) != NULL)
			return true;
	return false;
}

static bool
has_life(const struct objects *o, MDB_txn *txn, const MDB_val *key)
{
	MDB_val k = *key, v;

	return mdb_get(txn, o->t[T_LIFE], &k, &v) != MDB_NOTFOUND;
}

int
orphans_slice(struct objects *o, MDB_txn *txn, unsigned n, bool *ret_more)
{
	uint8_t key[PACK_KEY_LEN];
	MDB_val k = val_of(key, sizeof(key)), v;
	MDB_cursor *c;
	uint64_t id = 0;
	int rc;

	*ret_more = false;
	if (!o->orphans)
		return 0;
	if ((rc = lmdb_rc(mdb_cursor_open(txn, o->t[T_FRESH], &c))) < 0)
		return rc;
	rc = lmdb_rc(mdb_cursor_get(c, &k, &v, MDB_FIRST));
	while (rc == 0 && (rc = pack_id(&k, &id)) == 0) {
		if (!has_owner(o, id)) {
			if (n-- == 0) {
				*ret_more = true;
				break;
			}
			/* Never take what is alive, whatever the list says. */
			if (has_life(o, txn, &k)) {
				rc = SE_SUM;
				break;
			}
			if ((rc = pack_del(o, txn, id)) < 0)
				break;
		}
		pack_key(id + 1, key);
		k = val_of(key, sizeof(key));
		rc = lmdb_rc(mdb_cursor_get(c, &k, &v, MDB_SET_RANGE));
	}
	mdb_cursor_close(c);
	return rc == -ENOENT ? 0 : rc;
}
