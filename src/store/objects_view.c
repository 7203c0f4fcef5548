/*
 * The reader of the object store: no lock, no write, no more than a map to
 * read. What makes that right:
 *
 * - LMDB never writes into a page that the newest state, or a state that a
 *   reader of its table holds, refers to. This reader is in no table; the
 *   writer's pin (a read transaction of its own, begun before we look) stands
 *   for it: what was there at the pin or came later, and goes later, keeps its
 *   pages until the pin ends.
 * - The two meta pages are written in turn, by one pwrite() each, the number
 *   of the transaction last. LMDB takes the one with the higher number. The
 *   one that we read is written again only after the other one has become the
 *   newer: so, when the newest number is the same after the copy as before,
 *   nobody wrote to what was copied. view_begin() asks for that, and tries
 *   again. Bytes of one pwrite() arrive in ascending order (a processor may
 *   show them to another one out of order for nanoseconds): the two looks
 *   stand far more than that apart, on both sides of a system of locks and an
 *   allocation.
 * - A writer that set the file aside made a new one: its identity is looked
 *   at with each new view.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "store/internal.h"
#include "sys/file.h"
#include "sys/statedir.h"

#define PATH_ROOM	(OBJECTS_PATH_MAX + 32)
#define TRIES_MAX	100	/* the writer commits a few times a second */

struct objects_reader {
	char			 folder[OBJECTS_PATH_MAX];
	objects_digest_fn	 digest;
	MDB_env			*env;
	MDB_dbi			 t[T_MAX];
	uint64_t		 identity;	/* of the file */
	struct sv		 map;		/* where LMDB has mapped it, if we know */
	unsigned		 n_views;
};

struct objects_view {
	struct objects_reader	*reader;
	MDB_txn			*txn;
	struct facts_state	 facts;
};

/* --- the reader --- */

static void
path_of(const struct objects_reader *r, char path[static PATH_ROOM])
{
	(void)snprintf(path, PATH_ROOM, "%s/%s", r->folder, OBJECTS_FILE);
}

static void
env_close(struct objects_reader *r)
{
	if (r->env != NULL)
		mdb_env_close(r->env);
	r->env = NULL;
	r->map = (struct sv){ NULL, 0 };
}

struct objects_reader *
objects_reader_free(struct objects_reader *r)
{
	if (r == NULL)
		return NULL;
	env_close(r);
	free(r);
	return NULL;
}

static int
format_look(struct objects_reader *r, MDB_txn *txn)
{
	MDB_val k = val_of("format", 6), v;
	int rc = lmdb_rc(mdb_get(txn, r->t[T_META], &k, &v));

	if (rc < 0)
		return rc;
	return sv_eq_str(val_sv(&v), OBJECTS_FORMAT) ? 0 : SE_FORMAT;
}

static int
tables_find(struct objects_reader *r)
{
	MDB_txn *txn;
	int rc;

	if ((rc = lmdb_rc(mdb_txn_begin(r->env, NULL, MDB_RDONLY, &txn))) < 0)
		return rc;
	if ((rc = tables_open(txn, false, r->t)) == 0 && (rc = format_look(r, txn)) == 0)
		rc = map_place(r->env, txn, r->t, &r->map);
	if (rc < 0) {
		mdb_txn_abort(txn);
		return rc;
	}
	/* A commit keeps the handles of the tables. */
	return lmdb_rc(mdb_txn_commit(txn));
}

static int
env_open(struct objects_reader *r)
{
	const unsigned flags = MDB_RDONLY | MDB_NOLOCK | MDB_NOTLS | MDB_NORDAHEAD;
	char path[PATH_ROOM];
	struct file_head h;
	int rc;

	path_of(r, path);
	r->identity = file_identity(path);
	if ((rc = file_head_read(path, &h)) < 0)
		return rc;
	if ((rc = lmdb_rc(mdb_env_create(&r->env))) < 0 ||
	    (rc = lmdb_rc(mdb_env_set_maxdbs(r->env, T_MAX))) < 0 ||
	    (rc = lmdb_rc(mdb_env_open(r->env, r->folder, flags, 0))) < 0 ||
	    (rc = tables_find(r)) < 0) {
		env_close(r);
		return rc;
	}
	return 0;
}

int
objects_reader_open(const char *folder, objects_digest_fn digest, struct objects_reader **ret)
{
	_cleanup_(objects_reader_freep) struct objects_reader *r = calloc(1, sizeof(*r));
	int rc;

	if (r == NULL)
		return -ENOMEM;
	if (strlen(folder) >= sizeof(r->folder))
		return -ENAMETOOLONG;
	(void)snprintf(r->folder, sizeof(r->folder), "%s", folder);
	r->digest = digest;
	if ((rc = env_open(r)) < 0)
		return rc;
	*ret = TAKE_PTR(r);
	return 0;
}

void
objects_reader_forget(struct objects_reader *r)
{
	file_forget(r->map);
}

/* --- views --- */

struct objects_view *
objects_view_free(struct objects_view *v)
{
	if (v == NULL)
		return NULL;
	if (v->txn != NULL)
		mdb_txn_abort(v->txn);
	v->reader->n_views--;
	free(v);
	return NULL;
}

/* The file at the path is another one, or it has outgrown our map. */
static int
reader_renew(struct objects_reader *r, bool grown)
{
	char path[PATH_ROOM];

	path_of(r, path);
	if (!grown && r->env != NULL && file_identity(path) == r->identity)
		return 0;
	if (r->n_views > 0)
		return -EAGAIN;
	env_close(r);
	return env_open(r);
}

/* Begin at a meta page that nobody writes to: see above. */
static int
view_begin(struct objects_reader *r, MDB_txn **ret)
{
	for (int i = 0; i < TRIES_MAX; i++) {
		MDB_envinfo before, after;
		MDB_txn *txn;
		int rc;

		if ((rc = lmdb_rc(mdb_env_info(r->env, &before))) < 0 ||
		    (rc = lmdb_rc(mdb_txn_begin(r->env, NULL, MDB_RDONLY, &txn))) < 0)
			return rc;
		rc = lmdb_rc(mdb_env_info(r->env, &after));
		if (rc == 0 && before.me_last_txnid == after.me_last_txnid &&
		    before.me_last_pgno == after.me_last_pgno &&
		    mdb_txn_id(txn) == before.me_last_txnid) {
			*ret = txn;
			return 0;
		}
		mdb_txn_abort(txn);
	}
	return -EAGAIN;
}

/* Look into each table, so that no later look-up changes the transaction. */
static int
tables_touch(struct objects_view *v)
{
	MDB_stat st;
	int rc = 0;

	for (int i = 0; i < T_MAX && rc == 0; i++)
		rc = lmdb_rc(mdb_stat(v->txn, v->reader->t[i], &st));
	return rc < 0 ? rc : facts_state_get(v->txn, v->reader->t, &v->facts);
}

int
objects_view_new(struct objects_reader *r, struct objects_view **ret)
{
	_cleanup_(objects_view_freep) struct objects_view *v = NULL;
	MDB_txn *txn;
	int rc;

	if ((rc = reader_renew(r, false)) < 0)
		return rc;
	rc = view_begin(r, &txn);
	if (rc == -EAGAIN && (rc = reader_renew(r, true)) == 0)
		rc = view_begin(r, &txn);
	if (rc < 0)
		return rc;
	if ((v = calloc(1, sizeof(*v))) == NULL) {
		mdb_txn_abort(txn);
		return -ENOMEM;
	}
	v->reader = r;
	v->txn = txn;
	r->n_views++;
	if ((rc = tables_touch(v)) < 0)
		return rc;
	*ret = TAKE_PTR(v);
	return 0;
}

/* --- looking --- */

static int
look(struct objects_view *v, enum table t, const void *key, size_t len, MDB_val *ret)
{
	MDB_val k = val_of(key, len);

	return lmdb_rc(mdb_get(v->txn, v->reader->t[t], &k, ret));
}

int
objects_view_get(struct objects_view *v, const uint8_t hash[static OBJECTS_HASH_LEN],
    struct sv *ret)
{
	uint8_t key[PACK_KEY_LEN];
	struct ref f;
	MDB_val val;
	int rc;

	if ((rc = look(v, T_REF, hash, OBJECTS_HASH_LEN, &val)) < 0 ||
	    (rc = ref_parse(&val, &f)) < 0)
		return rc;
	pack_key(f.pack, key);
	if ((rc = look(v, T_PACK, key, sizeof(key), &val)) < 0)
		return rc == -ENOENT ? SE_SUM : rc;
	return pack_slice(&val, f.at, f.size, ret);
}

static int
hash_of(const MDB_val *val, uint8_t ret[static OBJECTS_HASH_LEN])
{
	struct rd r = rd_mem(val->mv_data, val->mv_size);
	const uint8_t *p = rd_bytes(&r, OBJECTS_HASH_LEN);

	if (p == NULL)
		return SE_SUM;
	memcpy(ret, p, OBJECTS_HASH_LEN);
	return 0;
}

int
objects_view_name(struct objects_view *v, uint32_t source, struct sv uri,
    uint8_t ret_hash[static OBJECTS_HASH_LEN])
{
	uint8_t key[NAME_KEY_MAX];
	MDB_val val;
	int rc;

	if (!text_valid(uri))
		return -ENOENT;
	rc = look(v, T_NAME, key, name_key(source, uri, v->reader->digest, key), &val);
	return rc < 0 ? rc : hash_of(&val, ret_hash);
}

int
objects_view_source(struct objects_view *v, struct sv key, struct objects_source *ret)
{
	uint8_t tk[TEXT_KEY_MAX], id_key[4];
	uint32_t id;
	MDB_val val;
	int rc;

	if (!text_valid(key))
		return -ENOENT;
	rc = look(v, T_KEY, tk, text_key(key, v->reader->digest, tk), &val);
	if (rc < 0 || (rc = id_parse(&val, &id)) < 0)
		return rc;
	put_be32(id_key, id);
	if ((rc = look(v, T_SOURCE, id_key, 4, &val)) < 0)
		return rc;
	return source_parse(id, &val, ret);
}

int
objects_view_point(struct objects_view *v, const uint8_t key[static OBJECTS_HASH_LEN],
    uint8_t ret_hash[static OBJECTS_HASH_LEN])
{
	MDB_val val;
	int rc = look(v, T_POINT, key, OBJECTS_HASH_LEN, &val);

	return rc < 0 ? rc : hash_of(&val, ret_hash);
}

int
objects_view_kept(struct objects_view *v, const uint8_t key[static OBJECTS_HASH_LEN],
    struct objects_point *ret)
{
	MDB_val val;
	int rc = look(v, T_POINT, key, OBJECTS_HASH_LEN, &val);

	return rc < 0 ? rc : point_parse(&val, ret);
}

enum objects_fact
objects_view_fact(struct objects_view *v, const uint8_t fact[static OBJECTS_HASH_LEN])
{
	enum table young = v->facts.young == 1 ? T_FACT1 : T_FACT0;
	enum table old = v->facts.young == 1 ? T_FACT0 : T_FACT1;
	MDB_val val;

	if (look(v, young, fact, OBJECTS_HASH_LEN, &val) == 0)
		return OBJECTS_FACT_YOUNG;
	return look(v, old, fact, OBJECTS_HASH_LEN, &val) == 0 ? OBJECTS_FACT_OLD :
	    OBJECTS_FACT_NONE;
}

/* --- lists --- */

int
objects_view_names(struct objects_view *v, uint32_t source,
    bool (*fn)(void *arg, struct sv uri, const uint8_t *hash), void *arg)
{
	uint8_t key[4];
	MDB_val k = val_of(key, 4), val;
	struct name name;
	MDB_cursor *c;
	int rc;

	put_be32(key, source);
	if ((rc = lmdb_rc(mdb_cursor_open(v->txn, v->reader->t[T_NAME], &c))) < 0)
		return rc;
	rc = lmdb_rc(mdb_cursor_get(c, &k, &val, MDB_SET_RANGE));
	while (rc == 0 && k.mv_size > 4 && memcmp(k.mv_data, key, 4) == 0) {
		if ((rc = name_row_parse(&k, &val, &name)) < 0 || !fn(arg, name.uri, name.hash))
			break;
		rc = lmdb_rc(mdb_cursor_get(c, &k, &val, MDB_NEXT));
	}
	mdb_cursor_close(c);
	return rc == -ENOENT ? 0 : rc;
}

/* Each row of a table, until fn returns false or fails. */
static int
table_each(struct objects_view *v, enum table t,
    int (*fn)(void *arg, const MDB_val *, const MDB_val *, bool *go_on), void *arg)
{
	bool go_on = true;
	MDB_cursor *c;
	MDB_val k, val;
	int rc;

	if ((rc = lmdb_rc(mdb_cursor_open(v->txn, v->reader->t[t], &c))) < 0)
		return rc;
	while (go_on && (rc = lmdb_rc(mdb_cursor_get(c, &k, &val, MDB_NEXT))) == 0)
		if ((rc = fn(arg, &k, &val, &go_on)) < 0)
			break;
	mdb_cursor_close(c);
	return rc == -ENOENT ? 0 : rc;
}

struct sources_each {
	bool	(*fn)(void *, const struct objects_source *);
	void	*arg;
};

static int
source_row(void *arg, const MDB_val *k, const MDB_val *val, bool *go_on)
{
	const struct sources_each *e = arg;
	struct objects_source s;
	uint32_t id;
	int rc;

	if ((rc = id_parse(k, &id)) < 0 || (rc = source_parse(id, val, &s)) < 0)
		return rc;
	*go_on = e->fn(e->arg, &s);
	return 0;
}

int
objects_view_sources(struct objects_view *v,
    bool (*fn)(void *arg, const struct objects_source *), void *arg)
{
	struct sources_each e = { fn, arg };

	return table_each(v, T_SOURCE, source_row, &e);
}

uint64_t
objects_view_n_points(struct objects_view *v)
{
	MDB_stat st;

	return mdb_stat(v->txn, v->reader->t[T_POINT], &st) == 0 ? st.ms_entries : 0;
}

struct points_each {
	bool	(*fn)(void *, const uint8_t *, const uint8_t *);
	void	*arg;
};

static int
point_row(void *arg, const MDB_val *k, const MDB_val *val, bool *go_on)
{
	const struct points_each *e = arg;
	struct objects_point p;

	if (k->mv_size != OBJECTS_HASH_LEN || point_parse(val, &p) < 0)
		return SE_SUM;
	*go_on = e->fn(e->arg, k->mv_data, p.hash);
	return 0;
}

int
objects_view_points(struct objects_view *v,
    bool (*fn)(void *arg, const uint8_t *key, const uint8_t *hash), void *arg)
{
	struct points_each e = { fn, arg };

	return table_each(v, T_POINT, point_row, &e);
}

uint64_t
objects_view_commits(struct objects_view *v)
{
	MDB_envinfo info;

	if (mdb_env_info(mdb_txn_env(v->txn), &info) != 0)
		return UINT64_MAX;
	return info.me_last_txnid - mdb_txn_id(v->txn);
}
