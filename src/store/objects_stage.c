/*
 * Stages: batches of records in, names changed in one transaction. Records
 * come from a process that talks to strangers; nothing of them is believed:
 * lengths are read through struct rd, hashes are computed here.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "store/internal.h"

/* One name to change. Followed by [old hash][SHA-256 of a long URI][URI]. */
struct change {
	uint32_t	seq;		/* in the stage: records of one URI in their order */
	uint16_t	uri_len;
	uint8_t		op, has_old;
	uint8_t		hash[OBJECTS_HASH_LEN];
	uint8_t		more[];
};

struct objects_stage {
	struct objects		*objects;
	struct objects_stage	*next;
	uint32_t		 source;
	bool			 replace;
	int			 rc;		/* what made it useless */
	struct pool		*pool;
	struct change		**changes;
	size_t			 n, cap;
	uint64_t		 bytes;		/* new objects put for it */
	size_t			 memory;	/* counted in objects->staged */
};

/* A record as it came. */
struct record {
	enum objects_op	 op;
	bool		 has_old;
	struct sv	 uri, bytes;
	const uint8_t	*old;
	uint8_t		 hash[OBJECTS_HASH_LEN];
};

/* --- the life of a stage --- */

int
objects_stage_new(struct objects *o, uint32_t source, bool replace, struct objects_stage **ret)
{
	struct objects_stage *s = calloc(1, sizeof(*s));

	if (s == NULL)
		return -ENOMEM;
	if ((s->pool = pool_new(OBJECTS_STAGE_POOL_MAX)) == NULL) {
		free(s);
		return -ENOMEM;
	}
	s->objects = o;
	s->source = source;
	s->replace = replace;
	s->next = o->stages;
	o->stages = s;
	*ret = s;
	return 0;
}

/* Its memory goes; it stays, to say why. */
static void
stage_empty(struct objects_stage *s, int rc)
{
	s->pool = pool_free(s->pool);
	free(s->changes);
	s->changes = NULL;
	s->n = s->cap = 0;
	s->objects->staged -= s->memory;
	s->memory = 0;
	s->rc = rc;
}

void
objects_stage_abort(struct objects_stage *s)
{
	struct objects_stage **p;

	if (s == NULL)
		return;
	for (p = &s->objects->stages; *p != s; )
		p = &(*p)->next;
	*p = s->next;
	stage_empty(s, 0);
	free(s);
}

static void
memory_count(struct objects_stage *s)
{
	struct objects *o = s->objects;
	size_t now = pool_used(s->pool) + s->cap * sizeof(s->changes[0]);
	struct objects_stage *largest;

	o->staged += now - s->memory;
	s->memory = now;
	while (o->staged > OBJECTS_STAGED_MAX) {
		largest = o->stages;
		for (struct objects_stage *x = o->stages; x != NULL; x = x->next)
			if (x->memory > largest->memory)
				largest = x;
		stage_empty(largest, SE_LIMIT);
	}
}

/* --- records --- */

/* Which operations have what. */
static bool
record_sound(const struct record *r, bool replace)
{
	switch (r->op) {
	case OBJECTS_PUBLISH:
		return !(replace && r->has_old);
	case OBJECTS_WITHDRAW:
		return !replace && r->bytes.n == 0;
	case OBJECTS_NAME:
		return replace && r->has_old && r->bytes.n == 0;
	}
	return false;
}

static int
record_read(struct rd *in, bool replace, struct record *ret)
{
	struct record r = { .op = (enum objects_op)rd_u8(in) };
	uint8_t has_old = rd_u8(in);
	uint16_t uri_len = rd_be16(in);
	uint32_t len = rd_be32(in);

	r.has_old = has_old == 1;
	if (has_old > 1)
		return -EBADMSG;
	if (r.has_old)
		r.old = rd_bytes(in, OBJECTS_HASH_LEN);
	r.uri = rd_slice(in, uri_len);
	r.bytes = rd_slice(in, len);
	if (in->bad || !text_valid(r.uri) || !record_sound(&r, replace))
		return -EBADMSG;
	if (len > OBJECTS_OBJECT_MAX)
		return SE_LIMIT;
	*ret = r;
	return 0;
}

/* All of them, before anything is done about one. */
static int
records_count(struct sv batch, bool replace, size_t *ret_n, uint64_t *ret_bytes)
{
	struct rd in = rd_sv(batch);
	struct record r;
	int rc;

	*ret_n = 0;
	*ret_bytes = 0;
	while (rd_left(&in) > 0) {
		if ((rc = record_read(&in, replace, &r)) < 0)
			return rc;
		++*ret_n;
		*ret_bytes += r.bytes.n;
	}
	return rd_done(&in) ? 0 : -EBADMSG;
}

static void
records_read(struct objects_stage *s, struct sv batch, struct record *v, size_t n)
{
	struct rd in = rd_sv(batch);

	for (size_t i = 0; i < n; i++) {
		if (record_read(&in, s->replace, &v[i]) < 0)
			return;		/* records_count() read the same */
		if (v[i].op == OBJECTS_PUBLISH)
			s->objects->digest(v[i].bytes.p, v[i].bytes.n, v[i].hash);
		else if (v[i].op == OBJECTS_NAME)
			memcpy(v[i].hash, v[i].old, OBJECTS_HASH_LEN);
	}
}

/* --- objects --- */

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

/* It is there: if it has no name yet, its grace begins again. */
static int
object_again(struct objects *o, MDB_txn *txn, MDB_cursor *refs, const uint8_t *hash,
    struct ref *f, int64_t now)
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

static int
object_new(struct objects *o, MDB_txn *txn, MDB_cursor *refs, const struct record *r,
    int64_t now)
{
	struct ref f = { 0, (uint32_t)r->bytes.n, now };
	uint8_t buf[REF_LEN], key[DEAD_KEY_LEN];
	MDB_val k = val_of(r->hash, OBJECTS_HASH_LEN), v = val_of(r->bytes.p, r->bytes.n);
	MDB_val ref = val_of(buf, REF_LEN), d = val_of(key, sizeof(key)), none = val_of("", 0);
	int rc;

	ref_write(&f, buf);
	dead_key(now, r->hash, key);
	if ((rc = lmdb_rc(mdb_put(txn, o->t[T_OBJ], &k, &v, MDB_NOOVERWRITE))) < 0)
		return rc == -EEXIST ? SE_SUM : rc;
	if ((rc = lmdb_rc(mdb_cursor_put(refs, &k, &ref, MDB_NOOVERWRITE))) < 0)
		return rc;
	return lmdb_rc(mdb_put(txn, o->t[T_DEAD], &d, &none, 0));
}

static int
object_put(struct objects_stage *s, MDB_txn *txn, MDB_cursor *refs, const struct record *r,
    int64_t now)
{
	MDB_val k = val_of(r->hash, OBJECTS_HASH_LEN), v;
	struct ref f;
	int rc = lmdb_rc(mdb_cursor_get(refs, &k, &v, MDB_SET));

	if (rc == -ENOENT) {
		s->bytes += r->bytes.n;
		return object_new(s->objects, txn, refs, r, now);
	}
	if (rc < 0 || (rc = ref_parse(&v, &f)) < 0)
		return rc;
	return object_again(s->objects, txn, refs, r->hash, &f, now);
}

static int
record_cmp(const void *a, const void *b)
{
	const struct record *const *x = a, *const *y = b;

	return hash_cmp((*x)->hash, (*y)->hash);
}

static int
objects_put(struct objects_stage *s, MDB_txn *txn, struct record **v, size_t n, int64_t now)
{
	MDB_cursor *refs;
	int rc;

	if ((rc = lmdb_rc(mdb_cursor_open(txn, s->objects->t[T_REF], &refs))) < 0)
		return rc;
	for (size_t i = 0; i < n && rc == 0; i++)
		rc = object_put(s, txn, refs, v[i], now);
	mdb_cursor_close(refs);
	/* A share of the store for each, so that one server cannot fill it. */
	if (rc == 0 && s->bytes > s->objects->max_bytes / OBJECTS_STAGE_SHARE)
		return SE_LIMIT;
	return rc;
}

/* In the order of their hashes: so the trees are walked once. */
static int
batch_put(struct objects_stage *s, struct record *records, size_t n, uint64_t bytes, int64_t now)
{
	struct record **v = calloc(n + 1, sizeof(*v));
	size_t n_put = 0;
	MDB_txn *txn;
	int rc;

	if (v == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++)
		if (records[i].op == OBJECTS_PUBLISH)
			v[n_put++] = &records[i];
	qsort(v, n_put, sizeof(*v), record_cmp);
	if (n_put == 0)
		rc = 0;
	else if ((rc = txn_begin(s->objects, &txn)) == 0) {
		if ((rc = room_check(s->objects, txn, bytes)) == 0)
			rc = objects_put(s, txn, v, n_put, now);
		rc = txn_end(s->objects, txn, rc);
	}
	free(v);
	return rc;
}

/* --- changes --- */

static int
changes_room(struct objects_stage *s, size_t more)
{
	size_t cap = max_size(s->n + more, s->cap * 2);
	struct change **v;

	if (s->n + more > OBJECTS_STAGE_NAMES_MAX)
		return SE_LIMIT;
	if (s->n + more <= s->cap)
		return 0;
	if ((v = reallocarray(s->changes, cap, sizeof(*v))) == NULL)
		return -ENOMEM;
	s->changes = v;
	s->cap = cap;
	return 0;
}

static int
change_add(struct objects_stage *s, const struct record *r)
{
	size_t old_len = r->has_old ? OBJECTS_HASH_LEN : 0;
	size_t tail_len = r->uri.n > TEXT_DIRECT_MAX ? OBJECTS_HASH_LEN : 0;
	size_t len = old_len + tail_len + r->uri.n;
	struct change *c = pool_alloc(s->pool, sizeof(*c) + len);
	struct wr w;

	if (c == NULL)
		return pool_is_full(s->pool) ? SE_LIMIT : -ENOMEM;
	c->seq = (uint32_t)s->n;
	c->op = (uint8_t)r->op;
	c->has_old = r->has_old;
	c->uri_len = (uint16_t)r->uri.n;
	memcpy(c->hash, r->hash, OBJECTS_HASH_LEN);
	w = wr_mem(c->more, len);
	wr_bytes(&w, r->old, old_len);
	if (tail_len > 0)
		s->objects->digest(r->uri.p, r->uri.n, wr_reserve(&w, tail_len));
	wr_bytes(&w, r->uri.p, r->uri.n);
	s->changes[s->n++] = c;
	return 0;
}

static const uint8_t *
change_tail(const struct change *c)
{
	return c->more + (c->has_old ? OBJECTS_HASH_LEN : 0);
}

static struct sv
change_uri(const struct change *c)
{
	size_t tail_len = c->uri_len > TEXT_DIRECT_MAX ? OBJECTS_HASH_LEN : 0;

	return (struct sv){ (const char *)change_tail(c) + tail_len, c->uri_len };
}

/* The key of its row, without hashing again. */
static size_t
change_key(uint32_t source, const struct change *c, uint8_t ret[static NAME_KEY_MAX])
{
	struct wr w = wr_mem(ret, NAME_KEY_MAX);
	struct sv uri = change_uri(c);

	wr_be32(&w, source);
	wr_bytes(&w, uri.p, min_size(uri.n, TEXT_DIRECT_MAX));
	if (uri.n > TEXT_DIRECT_MAX)
		wr_bytes(&w, change_tail(c), OBJECTS_HASH_LEN);
	return w.len;
}

/* As LMDB orders the keys; 0: the same URI. */
static int
change_key_cmp(const struct change *a, const struct change *b)
{
	struct sv x = change_uri(a), y = change_uri(b);
	int d = sv_cmp(sv_take(x, TEXT_DIRECT_MAX), sv_take(y, TEXT_DIRECT_MAX));

	if (d != 0)
		return d;
	if (x.n > TEXT_DIRECT_MAX && y.n > TEXT_DIRECT_MAX)
		return hash_cmp(change_tail(a), change_tail(b));
	return (x.n > TEXT_DIRECT_MAX) - (y.n > TEXT_DIRECT_MAX);
}

static int
change_cmp(const void *a, const void *b)
{
	const struct change *const *x = a, *const *y = b;
	int d = change_key_cmp(*x, *y);

	if (d != 0)
		return d;
	return ((*x)->seq > (*y)->seq) - ((*x)->seq < (*y)->seq);
}

static int
batch_take(struct objects_stage *s, struct sv batch, int64_t now)
{
	struct record *records;
	uint64_t bytes;
	size_t n;
	int rc;

	if (batch.n > OBJECTS_BATCH_MAX)
		return SE_LIMIT;
	if ((rc = records_count(batch, s->replace, &n, &bytes)) < 0 || n == 0)
		return rc;
	if ((rc = changes_room(s, n)) < 0)
		return rc;
	if ((records = calloc(n, sizeof(*records))) == NULL)
		return -ENOMEM;
	records_read(s, batch, records, n);
	rc = batch_put(s, records, n, bytes, now);
	for (size_t i = 0; i < n && rc == 0; i++)
		rc = change_add(s, &records[i]);
	free(records);
	return rc;
}

int
objects_stage_batch(struct objects_stage *s, struct sv batch, int64_t now)
{
	int rc;

	if (s->rc < 0)
		return s->rc;
	if ((rc = batch_take(s, batch, now)) < 0) {
		stage_empty(s, rc);
		return rc;
	}
	memory_count(s);
	return s->rc;
}

/* --- references --- */

void
ref_changes_done(struct ref_changes *r)
{
	free(r->v);
	*r = (struct ref_changes){ 0 };
}

int
ref_change(struct ref_changes *r, const uint8_t *hash, int by)
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

static int
ref_apply(struct objects *o, MDB_txn *txn, MDB_cursor *refs, const uint8_t *hash, int64_t by,
    int64_t now, uint64_t *bytes)
{
	uint8_t buf[REF_LEN];
	MDB_val k = val_of(hash, OBJECTS_HASH_LEN), v;
	struct ref f;
	int64_t count;
	int rc = lmdb_rc(mdb_cursor_get(refs, &k, &v, MDB_SET));

	if (rc == -ENOENT)
		return by < 0 ? SE_SUM : SE_STALE;
	if (rc < 0 || (rc = ref_parse(&v, &f)) < 0)
		return rc;
	count = f.count + by;
	if (count < 0 || count > UINT32_MAX)
		return SE_SUM;
	if ((f.count == 0) != (count == 0) &&
	    (rc = dead_change(o, txn, hash, &f, count == 0, now)) < 0)
		return rc;
	f.count = (uint32_t)count;
	*bytes += (uint64_t)(by * (int64_t)f.size);	/* modulo 2^64 it is a subtraction, too */
	if (by == 0)
		return 0;
	ref_write(&f, buf);
	v = val_of(buf, REF_LEN);
	return lmdb_rc(mdb_cursor_put(refs, &k, &v, MDB_CURRENT));
}

int
ref_changes_apply(struct objects *o, MDB_txn *txn, struct ref_changes *r, int64_t now,
    uint64_t *bytes)
{
	MDB_cursor *refs;
	int rc;

	if (r->n == 0)
		return 0;
	qsort(r->v, r->n, sizeof(r->v[0]), hash_cmp);	/* the hash stands first */
	if ((rc = lmdb_rc(mdb_cursor_open(txn, o->t[T_REF], &refs))) < 0)
		return rc;
	for (size_t i = 0, end; i < r->n && rc == 0; i = end) {
		int64_t by = 0;

		for (end = i; end < r->n && hash_cmp(r->v[end].hash, r->v[i].hash) == 0; end++)
			by += r->v[end].by;
		rc = ref_apply(o, txn, refs, r->v[i].hash, by, now, bytes);
	}
	mdb_cursor_close(refs);
	return rc;
}

/* --- the commit --- */

struct commit {
	struct objects_stage	*s;
	MDB_txn			*txn;
	MDB_cursor		*names;
	struct ref_changes	 refs;
	struct objects_change	 change;
};

static int
row_put(struct commit *c, const struct change *ch, const uint8_t *hash, unsigned flags)
{
	uint8_t key[NAME_KEY_MAX], value[OBJECTS_HASH_LEN + OBJECTS_KEY_MAX];
	struct wr w = wr_mem(value, sizeof(value));
	MDB_val k = val_of(key, change_key(c->s->source, ch, key)), v;
	struct sv uri = change_uri(ch);

	wr_bytes(&w, hash, OBJECTS_HASH_LEN);
	if (uri.n > TEXT_DIRECT_MAX)
		wr_bytes(&w, uri.p, uri.n);
	v = val_of(value, w.len);
	return lmdb_rc(mdb_cursor_put(c->names, &k, &v, flags));
}

static int
name_new(struct commit *c, const struct change *ch, const uint8_t *hash, unsigned flags)
{
	int rc = row_put(c, ch, hash, flags);

	c->change.n_new++;
	return rc < 0 ? rc : ref_change(&c->refs, hash, 1);
}

static int
name_replace(struct commit *c, const struct change *ch, const uint8_t *old, const uint8_t *hash)
{
	int rc;

	if (hash_cmp(old, hash) == 0)
		return 0;
	c->change.n_replaced++;
	if ((rc = ref_change(&c->refs, old, -1)) < 0 || (rc = ref_change(&c->refs, hash, 1)) < 0)
		return rc;
	return row_put(c, ch, hash, MDB_CURRENT);
}

static int
name_gone(struct commit *c, const uint8_t *old)
{
	int rc;

	c->change.n_gone++;
	if ((rc = ref_change(&c->refs, old, -1)) < 0)
		return rc;
	return lmdb_rc(mdb_cursor_del(c->names, 0));
}

/* What all records of one URI make of it, one after the other. */
static int
fold(struct change *const *v, size_t n, uint8_t hash[static OBJECTS_HASH_LEN], bool *there)
{
	for (size_t i = 0; i < n; i++) {
		const struct change *c = v[i];
		bool matches = *there && c->has_old && hash_cmp(c->more, hash) == 0;

		if (c->op == OBJECTS_PUBLISH) {
			if (*there != c->has_old || (*there && !matches))
				return SE_STALE;
			memcpy(hash, c->hash, OBJECTS_HASH_LEN);
			*there = true;
		} else {
			if (!*there || (c->has_old && !matches))
				return SE_STALE;
			*there = false;
		}
	}
	return 0;
}

static int
group_apply(struct commit *c, struct change *const *v, size_t n)
{
	uint8_t key[NAME_KEY_MAX], was[OBJECTS_HASH_LEN], hash[OBJECTS_HASH_LEN] = { 0 };
	MDB_val k = val_of(key, change_key(c->s->source, v[0], key)), val;
	struct name name;
	bool there, before;
	int rc = lmdb_rc(mdb_cursor_get(c->names, &k, &val, MDB_SET_KEY));

	there = before = rc == 0;
	if (rc < 0 && rc != -ENOENT)
		return rc;
	if (before) {
		if ((rc = name_row_parse(&k, &val, &name)) < 0)
			return rc;
		memcpy(was, name.hash, OBJECTS_HASH_LEN);
		memcpy(hash, was, OBJECTS_HASH_LEN);
	}
	if ((rc = fold(v, n, hash, &there)) < 0)
		return rc;
	if (before && there)
		return name_replace(c, v[0], was, hash);
	if (before)
		return name_gone(c, was);
	return there ? name_new(c, v[0], hash, 0) : 0;
}

static int
delta_apply(struct commit *c)
{
	struct change *const *v = c->s->changes;
	int rc = 0;

	for (size_t i = 0, end; i < c->s->n && rc == 0; i = end) {
		for (end = i + 1; end < c->s->n && change_key_cmp(v[i], v[end]) == 0; )
			end++;
		rc = group_apply(c, v + i, end - i);
	}
	return rc;
}

/* The row that stands at the cursor, if it is of this source; else -ENOENT. */
static int
row_at(struct commit *c, MDB_cursor_op op, MDB_val *k, MDB_val *v)
{
	uint8_t key[4];
	int rc;

	put_be32(key, c->s->source);
	if (op == MDB_SET_RANGE)
		*k = val_of(key, 4);
	if ((rc = lmdb_rc(mdb_cursor_get(c->names, k, v, op))) < 0)
		return rc;
	return k->mv_size > 4 && memcmp(k->mv_data, key, 4) == 0 ? 0 : -ENOENT;
}

/* Before the next change, at it, or after it. */
static int
row_cmp(const struct commit *c, const MDB_val *k, const struct change *ch)
{
	uint8_t key[NAME_KEY_MAX];
	size_t n = change_key(c->s->source, ch, key);

	return sv_cmp(val_sv(k), (struct sv){ (const char *)key, n });
}

/* Two sorted lists, the table and the stage, become one. */
static int
snapshot_merge(struct commit *c)
{
	size_t i = 0;
	MDB_val k, v;
	struct name name;
	int row = row_at(c, MDB_SET_RANGE, &k, &v), rc = 0;

	while (rc == 0 && (row == 0 || i < c->s->n)) {
		const struct change *ch = i < c->s->n ? c->s->changes[i] : NULL;
		int d = row < 0 ? 1 : ch == NULL ? -1 : row_cmp(c, &k, ch);

		if (row < 0 && row != -ENOENT)
			return row;
		if (row == 0 && (rc = name_row_parse(&k, &v, &name)) < 0)
			return rc;
		if (d < 0)
			rc = name_gone(c, name.hash);
		else if (d == 0)
			rc = name_replace(c, ch, name.hash, ch->hash);
		else
			rc = name_new(c, ch, ch->hash, 0);
		i += d >= 0;
		/* Also after an insertion: the next row is the one that was seen. */
		if (rc == 0 && row == 0)
			row = row_at(c, MDB_NEXT, &k, &v);
	}
	return rc;
}

/* The source has no names yet, and those of all others come before it. */
static bool
is_last(struct commit *c)
{
	MDB_val k, v;
	uint32_t id;
	struct rd r;

	if (mdb_cursor_get(c->names, &k, &v, MDB_LAST) != MDB_SUCCESS)
		return true;
	r = rd_mem(k.mv_data, k.mv_size);
	id = rd_be32(&r);
	return id < c->s->source;
}

static int
snapshot_apply(struct commit *c)
{
	struct change *const *v = c->s->changes;
	int rc = 0;

	for (size_t i = 1; i < c->s->n; i++)
		if (change_key_cmp(v[i - 1], v[i]) == 0)
			return -EEXIST;
	if (!is_last(c))
		return snapshot_merge(c);
	for (size_t i = 0; i < c->s->n && rc == 0; i++)
		rc = name_new(c, v[i], v[i]->hash, MDB_APPEND);
	return rc;
}

static int
names_apply(struct commit *c)
{
	int rc;

	if (c->s->n > 1)
		qsort(c->s->changes, c->s->n, sizeof(c->s->changes[0]), change_cmp);
	rc = lmdb_rc(mdb_cursor_open(c->txn, c->s->objects->t[T_NAME], &c->names));
	if (rc < 0)
		return rc;
	rc = c->s->replace ? snapshot_apply(c) : delta_apply(c);
	mdb_cursor_close(c->names);
	return rc;
}

static int
commit_apply(struct commit *c, struct sv state, int64_t now)
{
	struct objects *o = c->s->objects;
	struct objects_source src;
	int rc;

	if ((rc = source_get(o, c->txn, c->s->source, &src)) < 0 ||
	    (rc = room_check(o, c->txn, c->s->memory)) < 0 ||
	    (rc = names_apply(c)) < 0 ||
	    (rc = ref_changes_apply(o, c->txn, &c->refs, now, &src.bytes)) < 0)
		return rc;
	src.n_names += c->change.n_new - c->change.n_gone;
	src.checked = now;
	if (c->change.n_new + c->change.n_replaced + c->change.n_gone > 0)
		src.changed = now;
	src.state = state;
	return source_put(o, c->txn, &src);
}

int
objects_stage_commit(struct objects_stage *s, struct sv state, int64_t now,
    struct objects_change *ret)
{
	struct commit c = { .s = s };
	int rc = s->rc;

	if (rc == 0 && (rc = txn_begin(s->objects, &c.txn)) == 0)
		rc = txn_end(s->objects, c.txn, commit_apply(&c, state, now));
	ref_changes_done(&c.refs);
	objects_stage_abort(s);
	if (rc == 0)
		*ret = c.change;
	return rc;
}
