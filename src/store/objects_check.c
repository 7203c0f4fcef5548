/*
 * Everything in the object store against everything else: names against
 * references, references against packs and the list of the dead, sources
 * against their names, LMDB's pages against their number.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "store/internal.h"

struct check {
	struct objects		*o;
	MDB_txn			*txn;
	bool			 bytes;
	const char		*what;
	struct ref_changes	 named;		/* one for each name */
	uint64_t		 n_dead;	/* references with count 0 */
	uint64_t		 n_placed;	/* objects that lie where their reference says */
	uint64_t		 n_fresh;
	size_t			 at;		/* in named, sorted */
};

static int
bad(struct check *c, const char *what)
{
	c->what = what;
	return SE_SUM;
}

/* fn for each row in the order of keys. */
static int
rows_each(struct check *c, MDB_dbi t, int (*fn)(struct check *, const MDB_val *, const MDB_val *))
{
	MDB_cursor *cur;
	MDB_val k, v;
	int rc;

	if ((rc = lmdb_rc(mdb_cursor_open(c->txn, t, &cur))) < 0)
		return rc;
	while ((rc = lmdb_rc(mdb_cursor_get(cur, &k, &v, MDB_NEXT))) == 0)
		if ((rc = fn(c, &k, &v)) < 0)
			break;
	mdb_cursor_close(cur);
	return rc == -ENOENT ? 0 : rc;
}

static uint64_t
rows_count(struct check *c, MDB_dbi t)
{
	MDB_stat st;

	return mdb_stat(c->txn, t, &st) == MDB_SUCCESS ? st.ms_entries : UINT64_MAX;
}

/* --- names and sources --- */

static int
name_row(struct check *c, const MDB_val *k, const MDB_val *v)
{
	uint8_t key[NAME_KEY_MAX];
	struct name name;
	struct rd r;
	size_t n;

	if (name_row_parse(k, v, &name) < 0 || !text_valid(name.uri))
		return bad(c, "a name cannot be read");
	r = rd_mem(k->mv_data, k->mv_size);
	n = name_key(rd_be32(&r), name.uri, c->o->digest, key);
	if (!sv_eq(val_sv(k), (struct sv){ (const char *)key, n }))
		return bad(c, "a name has another's key");
	return ref_change(&c->named, name.hash, 1, NULL);
}

struct tally {
	uint64_t	names, bytes;
};

static int
source_tally(struct check *c, uint32_t id, struct tally *ret)
{
	uint8_t key[4];
	MDB_val k = val_of(key, 4), v, h, rv;
	struct tally t = { 0 };
	struct name name;
	struct ref f;
	MDB_cursor *cur;
	int rc;

	put_be32(key, id);
	if ((rc = lmdb_rc(mdb_cursor_open(c->txn, c->o->t[T_NAME], &cur))) < 0)
		return rc;
	rc = lmdb_rc(mdb_cursor_get(cur, &k, &v, MDB_SET_RANGE));
	while (rc == 0 && memcmp(k.mv_data, key, 4) == 0 && (rc = name_row_parse(&k, &v, &name)) == 0) {
		h = val_of(name.hash, OBJECTS_HASH_LEN);
		if ((rc = lmdb_rc(mdb_get(c->txn, c->o->t[T_REF], &h, &rv))) < 0 ||
		    (rc = ref_parse(&rv, &f)) < 0)
			break;
		t.names++;
		t.bytes += f.size;
		rc = lmdb_rc(mdb_cursor_get(cur, &k, &v, MDB_NEXT));
	}
	mdb_cursor_close(cur);
	*ret = t;
	return rc == -ENOENT ? 0 : rc;
}

static int
source_row(struct check *c, const MDB_val *k, const MDB_val *v)
{
	uint8_t tk[TEXT_KEY_MAX];
	struct objects_source s;
	struct tally t;
	uint32_t id, again;
	MDB_val key, found;
	int rc;

	if (id_parse(k, &id) < 0 || source_parse(id, v, &s) < 0)
		return bad(c, "a source cannot be read");
	key = val_of(tk, text_key(s.key, c->o->digest, tk));
	if (mdb_get(c->txn, c->o->t[T_KEY], &key, &found) != MDB_SUCCESS ||
	    id_parse(&found, &again) < 0 || again != id)
		return bad(c, "a source's key leads elsewhere");
	if ((rc = source_tally(c, id, &t)) < 0)
		return rc;
	if (t.names != s.n_names || t.bytes != s.bytes)
		return bad(c, "a source's numbers are not those of its names");
	return 0;
}

/* --- references --- */

static int
dead_row(struct check *c, const struct ref *f, const MDB_val *k)
{
	uint8_t key[DEAD_KEY_LEN];
	MDB_val d = val_of(key, sizeof(key)), v;

	c->n_dead++;
	dead_key(f->since, k->mv_data, key);
	return mdb_get(c->txn, c->o->t[T_DEAD], &d, &v) == MDB_SUCCESS ? 0 :
	    bad(c, "an object without a name is not in the list of the dead");
}

static int
ref_row(struct check *c, const MDB_val *k, const MDB_val *v)
{
	uint32_t count = 0;
	struct ref f;

	if (k->mv_size != OBJECTS_HASH_LEN || ref_parse(v, &f) < 0)
		return bad(c, "a reference cannot be read");
	if (c->at < c->named.n && hash_cmp(c->named.v[c->at].hash, k->mv_data) < 0)
		return bad(c, "a name's object is unknown");
	for (; c->at < c->named.n && hash_cmp(c->named.v[c->at].hash, k->mv_data) == 0; c->at++)
		count++;
	if (count != f.count)
		return bad(c, "an object has another number of names");
	return count == 0 ? dead_row(c, &f, k) : 0;
}

/* --- packs --- */

static bool
has_row(struct check *c, enum table t, const MDB_val *k)
{
	MDB_val key = *k, v;

	return mdb_get(c->txn, c->o->t[t], &key, &v) == MDB_SUCCESS;
}

/* Does it lie there for a reference? */
static int
object_look(struct check *c, uint64_t pack, const struct pack_object *p, uint64_t *live)
{
	MDB_val k = val_of(p->hash, OBJECTS_HASH_LEN), v;
	uint8_t hash[OBJECTS_HASH_LEN];
	struct ref f;
	int rc = lmdb_rc(mdb_get(c->txn, c->o->t[T_REF], &k, &v));

	if (rc == -ENOENT)
		return 0;
	if (rc < 0 || (rc = ref_parse(&v, &f)) < 0)
		return rc;
	if (f.pack != pack || f.at != p->at)
		return 0;
	if (f.size != p->bytes.n)
		return bad(c, "an object has another size");
	c->n_placed++;
	*live += PACK_ENTRY + f.size;
	if (!c->bytes)
		return 0;
	c->o->digest(p->bytes.p, p->bytes.n, hash);
	return hash_cmp(hash, p->hash) == 0 ? 0 : bad(c, "an object has another hash");
}

static int
pack_row(struct check *c, const MDB_val *k, const MDB_val *v)
{
	struct pack_object one;
	struct life l = { 0 };
	uint64_t id, live = 0;
	struct pack p;
	int rc;

	if (pack_id(k, &id) < 0 || pack_open(v, &p) < 0)
		return bad(c, "a pack cannot be read");
	while (pack_next(&p, &one))
		if ((rc = object_look(c, id, &one, &live)) < 0)
			return rc;
	if (live == 0) {
		c->n_fresh++;
		return has_row(c, T_FRESH, k) ? 0 : bad(c, "a pack holds nothing, and nobody fills it");
	}
	if (life_get(c->o, c->txn, id, &l) < 0 || l.size != v->mv_size - PACK_HEAD ||
	    l.live != live)
		return bad(c, "a pack's numbers are not those of what it holds");
	return l.live >= l.size / 2 || has_row(c, T_THIN, k) ? 0 :
	    bad(c, "a thin pack is not in the list of those");
}

static int
thin_row(struct check *c, const MDB_val *k, const MDB_val *v UNUSED)
{
	return has_row(c, T_LIFE, k) ? 0 : bad(c, "a pack that is not there is said to be thin");
}

static int
packs_check(struct check *c)
{
	int rc;

	if ((rc = rows_each(c, c->o->t[T_PACK], pack_row)) < 0 ||
	    (rc = rows_each(c, c->o->t[T_THIN], thin_row)) < 0)
		return rc;
	if (c->n_placed != rows_count(c, c->o->t[T_REF]))
		return bad(c, "an object is not there");
	if (c->n_fresh != rows_count(c, c->o->t[T_FRESH]) ||
	    c->n_fresh + rows_count(c, c->o->t[T_LIFE]) != rows_count(c, c->o->t[T_PACK]))
		return bad(c, "a pack that is not there is counted");
	return 0;
}

/* --- LMDB's pages --- */

struct pages {
	uint64_t	free, last;
	bool		odd;
};

/* A row of LMDB's list of free pages: their number, then they, descending. */
static int
free_row(const MDB_val *v, struct pages *p)
{
	const size_t *ids = v->mv_data;

	if (v->mv_size < sizeof(*ids) || v->mv_size / sizeof(*ids) - 1 < ids[0])
		return SE_SUM;
	for (size_t i = 1; i <= ids[0]; i++)
		p->odd = p->odd || ids[i] < 2 || ids[i] > p->last ||
		    (i > 1 && ids[i] >= ids[i - 1]);
	p->free += ids[0];
	return 0;
}

static int
pages_check(struct check *c)
{
	struct pages p = { 0 };
	MDB_envinfo info;
	uint64_t used;
	MDB_cursor *cur;
	MDB_val k, v;
	int rc;

	if ((rc = lmdb_rc(mdb_env_info(c->o->env, &info))) < 0 ||
	    (rc = pages_used(c->o, c->txn, &used)) < 0 ||
	    (rc = lmdb_rc(mdb_cursor_open(c->txn, 0, &cur))) < 0)
		return rc;
	p.last = info.me_last_pgno;
	while ((rc = lmdb_rc(mdb_cursor_get(cur, &k, &v, MDB_NEXT))) == 0)
		if ((rc = free_row(&v, &p)) < 0)
			break;
	mdb_cursor_close(cur);
	if (rc < 0 && rc != -ENOENT)
		return bad(c, "the list of free pages cannot be read");
	if (p.odd || p.free + used / c->o->page != p.last + 1)
		return bad(c, "pages are lost or used twice");
	return 0;
}

/* --- all --- */

static int
check_all(struct check *c)
{
	int rc;

	if ((rc = pages_check(c)) < 0 ||
	    (rc = rows_each(c, c->o->t[T_NAME], name_row)) < 0)
		return rc;
	if (c->named.n > 0)
		qsort(c->named.v, c->named.n, sizeof(c->named.v[0]), hash_cmp);
	if ((rc = rows_each(c, c->o->t[T_REF], ref_row)) < 0)
		return rc;
	if (c->at != c->named.n)
		return bad(c, "a name's object is unknown");
	if (c->n_dead != rows_count(c, c->o->t[T_DEAD]))
		return bad(c, "the list of the dead has more than the dead");
	if ((rc = packs_check(c)) < 0)
		return rc;
	if (rows_count(c, c->o->t[T_KEY]) != rows_count(c, c->o->t[T_SOURCE]))
		return bad(c, "a key has no source");
	return rows_each(c, c->o->t[T_SOURCE], source_row);
}

int
objects_check(struct objects *o, bool bytes, const char **ret_what)
{
	struct check c = { .o = o, .bytes = bytes, .what = "a table cannot be read" };
	char path[OBJECTS_PATH_MAX + 32];
	int rc;

	*ret_what = NULL;
	(void)snprintf(path, sizeof(path), "%s/%s", o->folder, OBJECTS_FILE);
	if ((rc = txn_look(o, &c.txn)) < 0)
		return rc;
	/* First without LMDB: it may not survive what is to be found. */
	if ((rc = file_walk(path, true)) == 0)
		rc = check_all(&c);
	else
		c.what = "its pages do not fit together";
	rc = txn_end(o, c.txn, rc);
	ref_changes_done(&c.named);
	if (rc == SE_SUM)
		*ret_what = c.what;
	return rc;
}
