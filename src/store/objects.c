/* The writer of the object store: opening, transactions, all that is small. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "store/internal.h"
#include "sys/crash.h"
#include "sys/file.h"

#define DAY_SEC		(24 * 3600)

/* --- transactions --- */

static int
txn_begin_as(struct objects *o, unsigned flags, MDB_txn **ret)
{
	int rc;

	crash_mark_arm(true);
	if ((rc = lmdb_rc(mdb_txn_begin(o->env, NULL, flags, ret))) < 0)
		crash_mark_arm(false);
	return rc;
}

int
txn_begin(struct objects *o, MDB_txn **ret)
{
	return txn_begin_as(o, 0, ret);
}

int
txn_begin_lazy(struct objects *o, MDB_txn **ret)
{
	int rc = txn_begin_as(o, 0, ret);

	if (rc == 0)
		(void)mdb_env_set_flags(o->env, MDB_NOMETASYNC, 1);
	return rc;
}

int
txn_look(struct objects *o, MDB_txn **ret)
{
	return txn_begin_as(o, MDB_RDONLY, ret);
}

/*
 * LMDB has no room or no memory: that is what it also says of a list of free
 * pages that is rubbish. Once in each life it is worth a look.
 */
static int
room_doubt(struct objects *o, int rc)
{
	char path[OBJECTS_PATH_MAX + 32];

	if (o->walked || (rc != SE_LIMIT && rc != -ENOMEM))
		return rc;
	o->walked = true;
	(void)snprintf(path, sizeof(path), "%s/%s", o->folder, OBJECTS_FILE);
	return file_walk(path, true) == SE_SUM ? SE_SUM : rc;
}

/* LMDB calls it EIO when the disk took a part of what it wrote. */
static int
commit(struct objects *o, MDB_txn *txn)
{
	int rc = mdb_txn_commit(txn), fd;

	if (rc == EIO && mdb_env_get_fd(o->env, &fd) == 0 && fd_is_full(fd))
		return -ENOSPC;
	return lmdb_rc(rc);
}

int
txn_end(struct objects *o, MDB_txn *txn, int rc)
{
	if (rc == 0)
		rc = commit(o, txn);
	else
		mdb_txn_abort(txn);
	(void)mdb_env_set_flags(o->env, MDB_NOMETASYNC, 0);
	crash_mark_arm(false);
	rc = room_doubt(o, rc);
	/* LMDB saw damage and told us instead of crashing: the same to us. */
	if (rc == SE_SUM && !o->damaged) {
		o->damaged = true;
		crash_mark_put(o->mark);
	}
	return rc;
}

int
pages_used(struct objects *o, MDB_txn *txn, uint64_t *ret)
{
	uint64_t pages = 2;		/* the meta pages */
	MDB_stat st;
	int rc;

	/* LMDB's own two tables: free pages, and the table of tables. */
	for (MDB_dbi i = 0; i < 2; i++) {
		if ((rc = lmdb_rc(mdb_stat(txn, i, &st))) < 0)
			return rc;
		pages += st.ms_branch_pages + st.ms_leaf_pages + st.ms_overflow_pages;
	}
	for (int i = 0; i < T_MAX; i++) {
		if ((rc = lmdb_rc(mdb_stat(txn, o->t[i], &st))) < 0)
			return rc;
		pages += st.ms_branch_pages + st.ms_leaf_pages + st.ms_overflow_pages;
	}
	*ret = pages * o->page;
	return 0;
}

int
room_check(struct objects *o, MDB_txn *txn, uint64_t more)
{
	uint64_t used, most = o->max_bytes - o->max_bytes / 8;
	int rc;

	if ((rc = pages_used(o, txn, &used)) < 0)
		return rc;
	return more > most || used > most - more ? SE_LIMIT : 0;
}

void
rows_touched(struct objects *o, size_t n)
{
	if ((o->n_touched += n) < OBJECTS_TOUCHED_MAX)
		return;
	o->n_touched = 0;
	file_forget(o->map);
}

int
rows(MDB_txn *txn, MDB_dbi t, uint64_t *ret)
{
	MDB_stat st;
	int rc = lmdb_rc(mdb_stat(txn, t, &st));

	if (rc == 0)
		*ret = st.ms_entries;
	return rc;
}

/* --- hashes --- */

int
hash_cmp(const void *a, const void *b)
{
	return memcmp(a, b, OBJECTS_HASH_LEN);
}

int
hashes_sorted(struct sv hashes, size_t max, uint8_t **ret, size_t *ret_n)
{
	size_t n = hashes.n / OBJECTS_HASH_LEN, n_kept = 0;
	bool sorted = true;
	uint8_t *v;

	if (hashes.n % OBJECTS_HASH_LEN != 0)
		return -EBADMSG;
	if ((v = malloc(max_size(hashes.n, 1))) == NULL)
		return -ENOMEM;
	if (n > 0)
		memcpy(v, hashes.p, hashes.n);
	for (size_t i = 1; i < n && sorted; i++)
		sorted = hash_cmp(v + (i - 1) * OBJECTS_HASH_LEN, v + i * OBJECTS_HASH_LEN) <= 0;
	if (!sorted)
		qsort(v, n, OBJECTS_HASH_LEN, hash_cmp);
	/* Each once: a manifest can name one object 200,000 times, and must not fill the list. */
	for (size_t i = 0; i < n; i++) {
		const uint8_t *h = v + i * OBJECTS_HASH_LEN;

		if (n_kept == 0 || hash_cmp(v + (n_kept - 1) * OBJECTS_HASH_LEN, h) != 0)
			memmove(v + n_kept++ * OBJECTS_HASH_LEN, h, OBJECTS_HASH_LEN);
	}
	if (n_kept > max) {
		free(v);
		return SE_LIMIT;
	}
	*ret = v;
	*ret_n = n_kept;
	return 0;
}

/* --- sources --- */

int
source_get(struct objects *o, MDB_txn *txn, uint32_t id, struct objects_source *ret)
{
	uint8_t key[4];
	MDB_val k = val_of(key, 4), v;
	int rc;

	put_be32(key, id);
	if ((rc = lmdb_rc(mdb_get(txn, o->t[T_SOURCE], &k, &v))) < 0)
		return rc;
	return source_parse(id, &v, ret);
}

int
source_put(struct objects *o, MDB_txn *txn, const struct objects_source *s)
{
	uint8_t key[4];
	MDB_val k = val_of(key, 4), v;
	uint8_t *buf;
	int rc;

	if (s->state.n > OBJECTS_STATE_MAX)
		return SE_LIMIT;
	if ((buf = malloc(SOURCE_LEN_MAX)) == NULL)
		return -ENOMEM;
	put_be32(key, s->id);
	v = val_of(buf, source_write(s, buf));
	rc = lmdb_rc(mdb_put(txn, o->t[T_SOURCE], &k, &v, 0));
	free(buf);
	return rc;
}

/* Ids are never used again, so that an old view never meets another's names. */
static int
id_next(struct objects *o, MDB_txn *txn, uint32_t *ret)
{
	MDB_val k = val_of("next", 4), v;
	uint8_t next[4];
	uint32_t id = 1;
	int rc = lmdb_rc(mdb_get(txn, o->t[T_META], &k, &v));

	if (rc == 0)
		rc = id_parse(&v, &id);
	if (rc < 0 && rc != -ENOENT)
		return rc;
	if (id == UINT32_MAX)
		return SE_LIMIT;
	put_be32(next, id + 1);
	v = val_of(next, 4);
	*ret = id;
	return lmdb_rc(mdb_put(txn, o->t[T_META], &k, &v, 0));
}

static int	source_drop(struct objects *, MDB_txn *, uint32_t id);

/*
 * Rows are made when a source is opened, before its server has said a word.
 * So that names which never gave anything cannot shut out all new ones, the
 * one of them goes that nobody has asked for the longest.
 */
static int
source_make_room(struct objects *o, MDB_txn *txn)
{
	struct objects_source s, worst = { .wanted = INT64_MAX };
	MDB_cursor *c;
	MDB_val k, v;
	uint32_t id;
	int rc;

	if ((rc = lmdb_rc(mdb_cursor_open(txn, o->t[T_SOURCE], &c))) < 0)
		return rc;
	while ((rc = lmdb_rc(mdb_cursor_get(c, &k, &v, MDB_NEXT))) == 0 &&
	    (rc = id_parse(&k, &id)) == 0 && (rc = source_parse(id, &v, &s)) == 0)
		if (s.n_names == 0 && s.wanted < worst.wanted)
			worst = s;
	mdb_cursor_close(c);
	if (rc != -ENOENT)
		return rc;
	return worst.wanted == INT64_MAX ? SE_LIMIT : source_drop(o, txn, worst.id);
}

static int
source_make(struct objects *o, MDB_txn *txn, struct sv key, int64_t now,
    struct objects_source *ret)
{
	struct objects_source s = { .key = key, .wanted = now };
	uint8_t tk[TEXT_KEY_MAX], id[4];
	MDB_val k = val_of(tk, text_key(key, o->digest, tk)), v = val_of(id, 4);
	uint64_t n = 0;
	int rc;

	if ((rc = rows(txn, o->t[T_SOURCE], &n)) < 0)
		return rc;
	if (n >= OBJECTS_SOURCES_MAX && (rc = source_make_room(o, txn)) < 0)
		return rc;
	if ((rc = room_check(o, txn, OBJECTS_STATE_MAX)) < 0 || (rc = id_next(o, txn, &s.id)) < 0)
		return rc;
	put_be32(id, s.id);
	if ((rc = lmdb_rc(mdb_put(txn, o->t[T_KEY], &k, &v, 0))) < 0)
		return rc;
	*ret = s;
	return source_put(o, txn, &s);
}

static int
source_find(struct objects *o, MDB_txn *txn, struct sv key, struct objects_source *ret)
{
	uint8_t tk[TEXT_KEY_MAX];
	MDB_val k = val_of(tk, text_key(key, o->digest, tk)), v;
	uint32_t id;
	int rc;

	if ((rc = lmdb_rc(mdb_get(txn, o->t[T_KEY], &k, &v))) < 0 ||
	    (rc = id_parse(&v, &id)) < 0)
		return rc;
	rc = source_get(o, txn, id, ret);
	return rc == -ENOENT ? SE_SUM : rc;
}

/* Its slices move into our own memory. */
static int
source_keep(struct objects *o, const struct objects_source *s, struct objects_source *ret)
{
	MDB_val v = val_of(o->source, source_write(s, o->source));

	return source_parse(s->id, &v, ret);
}

static int
source_open(struct objects *o, MDB_txn *txn, struct sv key, int64_t now,
    struct objects_source *ret)
{
	struct objects_source s = { 0 };
	int rc = source_find(o, txn, key, &s);

	if (rc == -ENOENT)
		rc = source_make(o, txn, key, now, &s);
	else if (rc == 0) {
		s.wanted = now;
		rc = source_put(o, txn, &s);
	}
	return rc < 0 ? rc : source_keep(o, &s, ret);
}

int
objects_source(struct objects *o, struct sv key, int64_t now, struct objects_source *ret)
{
	struct objects_source s = { 0 };
	MDB_txn *txn;
	int rc;

	if (!text_valid(key))
		return -EINVAL;
	if ((rc = txn_look(o, &txn)) < 0)
		return rc;
	if ((rc = source_find(o, txn, key, &s)) == 0)
		rc = source_keep(o, &s, &s);
	rc = txn_end(o, txn, rc);
	/* The day is enough: looking something up is no write. */
	if (rc == -ENOENT || (rc == 0 && (now - s.wanted >= DAY_SEC || now < s.wanted))) {
		if ((rc = txn_begin(o, &txn)) < 0)
			return rc;
		rc = txn_end(o, txn, source_open(o, txn, key, now, &s));
	}
	if (rc == 0)
		*ret = s;
	return rc;
}

int
objects_source_checked(struct objects *o, uint32_t id, struct sv state, int64_t now)
{
	struct objects_source s;
	MDB_txn *txn;
	int rc;

	if (state.n > OBJECTS_STATE_MAX)
		return SE_LIMIT;
	if ((rc = txn_begin(o, &txn)) < 0)
		return rc;
	if ((rc = source_get(o, txn, id, &s)) == 0) {
		s.checked = now;
		s.state = state;
		rc = source_put(o, txn, &s);
	}
	return txn_end(o, txn, rc);
}

static int
source_drop(struct objects *o, MDB_txn *txn, uint32_t id)
{
	struct objects_source s;
	uint8_t tk[TEXT_KEY_MAX], key[4];
	MDB_val k, none = val_of("", 0);
	int rc;

	if ((rc = source_get(o, txn, id, &s)) < 0)
		return rc;
	k = val_of(tk, text_key(s.key, o->digest, tk));
	if ((rc = lmdb_rc(mdb_del(txn, o->t[T_KEY], &k, NULL))) < 0)
		return rc;
	put_be32(key, id);
	k = val_of(key, 4);
	if ((rc = lmdb_rc(mdb_del(txn, o->t[T_SOURCE], &k, NULL))) < 0)
		return rc;
	return lmdb_rc(mdb_put(txn, o->t[T_GONE], &k, &none, 0));
}

int
objects_source_del(struct objects *o, uint32_t id)
{
	MDB_txn *txn;
	int rc;

	if ((rc = txn_begin(o, &txn)) < 0)
		return rc;
	return txn_end(o, txn, source_drop(o, txn, id));
}

static int
sources_old(struct objects *o, MDB_txn *txn, int64_t before, uint32_t *ids, unsigned *ret_n)
{
	struct objects_source s;
	MDB_cursor *c;
	MDB_val k, v;
	unsigned n = 0;
	uint32_t id;
	int rc;

	if ((rc = lmdb_rc(mdb_cursor_open(txn, o->t[T_SOURCE], &c))) < 0)
		return rc;
	while ((rc = lmdb_rc(mdb_cursor_get(c, &k, &v, MDB_NEXT))) == 0 &&
	    (rc = id_parse(&k, &id)) == 0 && (rc = source_parse(id, &v, &s)) == 0)
		if (s.wanted < before && n < OBJECTS_SOURCES_MAX)
			ids[n++] = id;
	mdb_cursor_close(c);
	*ret_n = n;
	return rc == -ENOENT ? 0 : rc;
}

int
objects_sources_expire(struct objects *o, int64_t before, unsigned *ret_n)
{
	uint32_t *ids = calloc(OBJECTS_SOURCES_MAX, sizeof(*ids));
	MDB_txn *txn;
	unsigned n = 0;
	int rc;

	if (ids == NULL)
		return -ENOMEM;
	if ((rc = txn_begin(o, &txn)) == 0) {
		rc = sources_old(o, txn, before, ids, &n);
		for (unsigned i = 0; i < n && rc == 0; i++)
			rc = source_drop(o, txn, ids[i]);
		rc = txn_end(o, txn, rc);
	}
	free(ids);
	if (rc == 0)
		*ret_n = n;
	return rc;
}

/* --- facts --- */

static int
facts_state_put(struct objects *o, MDB_txn *txn, const struct facts_state *s)
{
	uint8_t buf[9];
	struct wr w = wr_mem(buf, sizeof(buf));
	MDB_val k = val_of("facts", 5), v;

	wr_u8(&w, s->young);
	wr_be64(&w, (uint64_t)s->since);
	v = val_of(buf, w.len);
	return lmdb_rc(mdb_put(txn, o->t[T_META], &k, &v, 0));
}

static MDB_dbi
facts_table(const struct objects *o, const struct facts_state *s, bool old)
{
	return o->t[(s->young == 1) != old ? T_FACT1 : T_FACT0];
}

/* Turn the generations when it is time; n more are to come. */
static int
facts_turn(struct objects *o, MDB_txn *txn, size_t n, int64_t now, struct facts_state *s)
{
	uint64_t have = 0;
	int rc;

	if ((rc = facts_state_get(txn, o->t, s)) < 0 ||
	    (rc = rows(txn, facts_table(o, s, false), &have)) < 0)
		return rc;
	/* A time to come is a clock that was set back: it would stop the turning. */
	if (have + n <= OBJECTS_FACTS_MAX && s->since <= now && now - s->since < OBJECTS_FACTS_AGE)
		return 0;
	if ((rc = lmdb_rc(mdb_drop(txn, facts_table(o, s, true), 0))) < 0)
		return rc;
	s->young = !s->young;
	s->since = now;
	return facts_state_put(o, txn, s);
}

static int
fact_put(MDB_txn *txn, MDB_dbi t, const uint8_t *fact)
{
	MDB_val k = val_of(fact, OBJECTS_HASH_LEN), none = val_of("", 0);
	int rc = lmdb_rc(mdb_put(txn, t, &k, &none, MDB_NOOVERWRITE));

	return rc == -EEXIST ? 0 : rc;
}

static int
facts_write(struct objects *o, MDB_txn *txn, const uint8_t *v, size_t n, bool known,
    int64_t now)
{
	struct facts_state s;
	MDB_val k, ignored;
	int rc;

	if ((rc = facts_turn(o, txn, n, now, &s)) < 0 || (rc = room_check(o, txn, n * 64)) < 0)
		return rc;
	for (size_t i = 0; i < n && rc == 0; i++) {
		k = val_of(v + i * OBJECTS_HASH_LEN, OBJECTS_HASH_LEN);
		rows_touched(o, 1);
		if (known)
			rc = lmdb_rc(mdb_get(txn, facts_table(o, &s, true), &k, &ignored));
		if (rc == 0)
			rc = fact_put(txn, facts_table(o, &s, false), k.mv_data);
		if (rc == -ENOENT)
			rc = 0;
	}
	return rc;
}

static int
facts_take(struct objects *o, struct sv facts, bool known, int64_t now)
{
	uint8_t *v;
	MDB_txn *txn;
	size_t n;
	int rc;

	if ((rc = hashes_sorted(facts, OBJECTS_FACTS_MAX, &v, &n)) < 0)
		return rc;
	if ((rc = txn_begin(o, &txn)) == 0)
		rc = txn_end(o, txn, facts_write(o, txn, v, n, known, now));
	free(v);
	return rc;
}

int
objects_facts_put(struct objects *o, struct sv facts, int64_t now)
{
	return facts_take(o, facts, false, now);
}

int
objects_facts_touch(struct objects *o, struct sv facts, int64_t now)
{
	return facts_take(o, facts, true, now);
}

/* --- pins --- */

int
objects_pin(struct objects *o, uint32_t *ret_pin)
{
	for (size_t i = 0; i < OBJECTS_PINS_MAX; i++) {
		int rc;

		if (o->pins[i].txn != NULL)
			continue;
		rc = lmdb_rc(mdb_txn_begin(o->env, NULL, MDB_RDONLY, &o->pins[i].txn));
		if (rc < 0) {
			o->pins[i].txn = NULL;
			return rc;
		}
		*ret_pin = o->pins[i].id = ++o->last_pin;
		return 0;
	}
	return SE_LIMIT;
}

void
objects_unpin(struct objects *o, uint32_t pin)
{
	for (size_t i = 0; i < OBJECTS_PINS_MAX; i++) {
		if (o->pins[i].txn == NULL || o->pins[i].id != pin)
			continue;
		mdb_txn_abort(o->pins[i].txn);
		o->pins[i].txn = NULL;
	}
}

/* --- numbers --- */

static int
stat_read(struct objects *o, MDB_txn *txn, struct objects_stat *s)
{
	uint64_t facts0 = 0, facts1 = 0;
	const struct {
		enum table	 t;
		uint64_t	*n;
	} counts[] = {
		{ T_REF, &s->n_objects }, { T_NAME, &s->n_names }, { T_SOURCE, &s->n_sources },
		{ T_DEAD, &s->n_dead }, { T_POINT, &s->n_points }, { T_PACK, &s->n_packs },
		{ T_THIN, &s->n_thin }, { T_FRESH, &s->n_fresh },
		{ T_FACT0, &facts0 }, { T_FACT1, &facts1 },
	};
	int rc = pages_used(o, txn, &s->bytes_used);

	for (size_t i = 0; i < ARRAY_LEN(counts) && rc == 0; i++)
		rc = rows(txn, o->t[counts[i].t], counts[i].n);
	s->n_facts = facts0 + facts1;
	s->bytes_max = o->max_bytes;
	return rc;
}

int
objects_stat(struct objects *o, struct objects_stat *ret)
{
	struct objects_stat s = { 0 };
	MDB_envinfo info;
	MDB_txn *txn;
	int rc;

	if ((rc = txn_look(o, &txn)) < 0 ||
	    (rc = txn_end(o, txn, stat_read(o, txn, &s))) < 0 ||
	    (rc = lmdb_rc(mdb_env_info(o->env, &info))) < 0)
		return rc;
	s.bytes_file = (info.me_last_pgno + 1) * o->page;
	*ret = s;
	return 0;
}

void
objects_forget(struct objects *o)
{
	rows_touched(o, OBJECTS_TOUCHED_MAX);
}
