/* Thin packs become fewer: see objects_pack.c. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "store/internal.h"

struct picked {
	uint64_t	id;
	struct life	life;
};

struct repack {
	struct objects		*o;
	MDB_txn			*txn;
	struct picked		*picked;
	size_t			 n_picked, cap_picked;
	uint64_t		 n_old, live;	/* objects that were ever in them; bytes */
	uint8_t			*bytes;		/* hashes and bytes of what is alive */
	size_t			 len;
	struct pack_object	*objects;
	size_t			 n;
};

static int
thin_count(struct repack *r, uint64_t *ret)
{
	MDB_stat st;
	int rc = lmdb_rc(mdb_stat(r->txn, r->o->t[T_THIN], &st));

	if (rc == 0)
		*ret = st.ms_entries;
	return rc;
}

/* fn for thin packs, the oldest first, until it says that it is enough. */
static int
thin_each(struct repack *r, bool (*fn)(struct repack *, const struct picked *))
{
	struct picked p;
	MDB_cursor *c;
	MDB_val k, v;
	int rc;

	if ((rc = lmdb_rc(mdb_cursor_open(r->txn, r->o->t[T_THIN], &c))) < 0)
		return rc;
	while ((rc = lmdb_rc(mdb_cursor_get(c, &k, &v, MDB_NEXT))) == 0)
		if ((rc = pack_id(&k, &p.id)) < 0 ||
		    (rc = life_get(r->o, r->txn, p.id, &p.life)) < 0 || !fn(r, &p))
			break;
	mdb_cursor_close(c);
	return rc == -ENOENT ? 0 : rc;
}

static bool
holes_add(struct repack *r, const struct picked *p)
{
	r->live += p->life.size - p->life.live;
	return r->live < pack_target(r->o);
}

/* Is it time? */
static int
thin_enough(struct repack *r, bool *ret)
{
	uint64_t n = 0;
	int rc;

	*ret = false;
	if ((rc = thin_count(r, &n)) < 0 || n == 0)
		return rc;
	r->live = 0;
	if (n < OBJECTS_THIN_MAX && (rc = thin_each(r, holes_add)) < 0)
		return rc;
	*ret = n >= OBJECTS_THIN_MAX || r->live >= pack_target(r->o);
	r->live = 0;
	return 0;
}

/* Two at least: so each slice leaves less to do than there was. */
static bool
pick(struct repack *r, const struct picked *p)
{
	uint64_t most = (uint64_t)OBJECTS_REPACK_MAX * pack_target(r->o);

	if (r->n_picked == r->cap_picked || (r->n_picked >= 2 && r->live + p->life.live > most))
		return false;
	r->picked[r->n_picked++] = *p;
	r->live += p->life.live;
	return true;
}

static int
pack_get(struct repack *r, uint64_t id, struct pack *ret)
{
	uint8_t key[PACK_KEY_LEN];
	MDB_val k = val_of(key, sizeof(key)), v;
	int rc;

	pack_key(id, key);
	if ((rc = lmdb_rc(mdb_get(r->txn, r->o->t[T_PACK], &k, &v))) < 0)
		return rc == -ENOENT ? SE_SUM : rc;
	return pack_open(&v, ret);
}

/* As many as have so many objects together, but two at least. */
static int
picked_cut(struct repack *r, unsigned n)
{
	size_t keep = 0;
	struct pack p;
	int rc;

	r->n_old = r->live = 0;
	for (; keep < r->n_picked; keep++) {
		if ((rc = pack_get(r, r->picked[keep].id, &p)) < 0)
			return rc;
		if (keep >= 2 && r->n_old + p.n > n)
			break;
		r->n_old += p.n;
		r->live += r->picked[keep].life.live;
	}
	r->n_picked = keep;
	return 0;
}

/* Does the row of this object say that it lies here? */
static int
is_alive(struct repack *r, uint64_t id, const struct pack_object *p)
{
	MDB_val k = val_of(p->hash, OBJECTS_HASH_LEN), v;
	struct ref f;
	int rc = lmdb_rc(mdb_get(r->txn, r->o->t[T_REF], &k, &v));

	rows_touched(r->o, 1);
	if (rc == -ENOENT)
		return 0;
	if (rc < 0 || (rc = ref_parse(&v, &f)) < 0)
		return rc;
	return f.pack == id && f.at == p->at && f.size == p->bytes.n;
}

/* A copy: what LMDB shows may move while it writes. */
static void
take(struct repack *r, const struct pack_object *p)
{
	uint8_t *to = r->bytes + r->len;

	memcpy(to, p->hash, OBJECTS_HASH_LEN);
	if (p->bytes.n > 0)
		memcpy(to + OBJECTS_HASH_LEN, p->bytes.p, p->bytes.n);
	r->objects[r->n++] = (struct pack_object){ .hash = to,
	    .bytes = { (const char *)to + OBJECTS_HASH_LEN, p->bytes.n } };
	r->len += OBJECTS_HASH_LEN + p->bytes.n;
}

static int
pack_take(struct repack *r, const struct picked *from)
{
	struct pack_object one;
	uint64_t live = 0;
	struct pack p;
	int rc;

	if ((rc = pack_get(r, from->id, &p)) < 0)
		return rc;
	while (pack_next(&p, &one)) {
		if ((rc = is_alive(r, from->id, &one)) < 0)
			return rc;
		if (rc == 0)
			continue;
		live += PACK_ENTRY + one.bytes.n;
		if (live > from->life.live)
			return SE_SUM;
		take(r, &one);
	}
	return live == from->life.live ? 0 : SE_SUM;
}

static int
pack_made(void *arg, uint64_t pack, uint32_t size)
{
	struct repack *r = arg;

	return life_put(r->o, r->txn, pack, (struct life){ size, size });
}

/* The rows say where they are now. */
static int
refs_move(struct repack *r)
{
	MDB_cursor *c;
	int rc;

	if ((rc = lmdb_rc(mdb_cursor_open(r->txn, r->o->t[T_REF], &c))) < 0)
		return rc;
	for (size_t i = 0; i < r->n && rc == 0; i++) {
		MDB_val k = val_of(r->objects[i].hash, OBJECTS_HASH_LEN), v;
		uint8_t buf[REF_LEN];
		struct ref f;

		if ((rc = lmdb_rc(mdb_cursor_get(c, &k, &v, MDB_SET))) < 0 ||
		    (rc = ref_parse(&v, &f)) < 0)
			break;
		f.pack = r->objects[i].pack;
		f.at = r->objects[i].at;
		ref_write(&f, buf);
		v = val_of(buf, REF_LEN);
		rc = lmdb_rc(mdb_cursor_put(c, &k, &v, MDB_CURRENT));
	}
	mdb_cursor_close(c);
	return rc == -ENOENT ? SE_SUM : rc;
}

static int
repack(struct repack *r)
{
	int rc = 0;

	r->bytes = malloc(r->live);
	r->objects = calloc(r->live / PACK_ENTRY + 1, sizeof(*r->objects));
	if (r->bytes == NULL || r->objects == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < r->n_picked && rc == 0; i++)
		rc = pack_take(r, &r->picked[i]);
	if (rc == 0)
		rc = packs_write(r->o, r->txn, r->objects, r->n, pack_made, r);
	if (rc == 0)
		rc = refs_move(r);
	for (size_t i = 0; i < r->n_picked && rc == 0; i++)
		rc = pack_del(r->o, r->txn, r->picked[i].id);
	return rc;
}

int
thin_slice(struct objects *o, MDB_txn *txn, unsigned n, bool *ret_more)
{
	struct repack r = { .o = o, .txn = txn, .cap_picked = max_size(n, 2) };
	int rc;

	*ret_more = false;
	if ((rc = thin_enough(&r, ret_more)) < 0 || !*ret_more)
		return rc;
	if ((r.picked = calloc(r.cap_picked, sizeof(*r.picked))) == NULL)
		return -ENOMEM;
	if ((rc = thin_each(&r, pick)) == 0 && (rc = picked_cut(&r, n)) == 0 &&
	    (rc = repack(&r)) == 0)
		rc = thin_enough(&r, ret_more);
	free(r.picked);
	free(r.bytes);
	free(r.objects);
	return rc;
}
