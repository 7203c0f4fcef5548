/*
 * Stages: batches of records in, names changed in one transaction. Records
 * come from a process that talks to strangers; nothing of them is believed:
 * lengths are read through struct rd, hashes are computed here.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "store/stage_internal.h"

/* A record as it came. */
struct record {
	enum objects_op	 op;
	bool		 has_old;
	struct sv	 uri, bytes;
	const uint8_t	*old;
	uint8_t		 hash[OBJECTS_HASH_LEN];
	/* If it is PUBLISH and its bytes are not in the store yet: */
	bool		 is_new;
	uint64_t	 pack;
	uint32_t	 at;
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
	/* What no commit took over has no owner now; GC finds it. */
	if (s->n_packs > 0)
		s->objects->orphans = true;
	free(s->packs);
	s->packs = NULL;
	s->n_packs = s->cap_packs = 0;
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
	size_t now = pool_used(s->pool) + s->cap * sizeof(s->changes[0]) +
	    s->cap_packs * sizeof(s->packs[0]);
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

static int
stage_pack_add(struct objects_stage *s, uint64_t id, uint32_t size)
{
	if (s->n_packs == s->cap_packs) {
		size_t cap = s->cap_packs == 0 ? 16 : s->cap_packs * 2;
		struct stage_pack *v = reallocarray(s->packs, cap, sizeof(*v));

		if (v == NULL)
			return -ENOMEM;
		s->packs = v;
		s->cap_packs = cap;
	}
	s->packs[s->n_packs++] = (struct stage_pack){ id, { size, 0 } };
	return 0;
}

struct packing_for {
	struct objects_stage	*s;
	MDB_txn			*txn;
};

static int
pack_made(void *arg, uint64_t pack, uint32_t size)
{
	struct packing_for *f = arg;
	uint8_t key[PACK_KEY_LEN];
	MDB_val k = val_of(key, sizeof(key)), none = val_of("", 0);
	int rc;

	pack_key(pack, key);
	rc = lmdb_rc(mdb_put(f->txn, f->s->objects->t[T_FRESH], &k, &none, 0));
	return rc < 0 ? rc : stage_pack_add(f->s, pack, size);
}

static int
stage_pack_cmp(const void *a, const void *b)
{
	const struct stage_pack *x = a, *y = b;

	return (x->id > y->id) - (x->id < y->id);
}

struct stage_pack *
stage_pack_find(const struct objects_stage *s, uint64_t id)
{
	const struct stage_pack key = { .id = id };

	if (s->n_packs == 0)
		return NULL;
	return bsearch(&key, s->packs, s->n_packs, sizeof(s->packs[0]), stage_pack_cmp);
}

/* Put what is new into packs, in the order in which it came: neighbours are read together. */
static int
objects_pack(struct objects_stage *s, MDB_txn *txn, struct record *records, size_t n, size_t n_new)
{
	struct packing_for f = { s, txn };
	struct pack_object *v;
	size_t k = 0;
	int rc;

	if (n_new == 0)
		return 0;
	if ((v = calloc(n_new, sizeof(*v))) == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++)
		if (records[i].is_new)
			v[k++] = (struct pack_object){ .hash = records[i].hash,
			    .bytes = records[i].bytes };
	rc = packs_write(s->objects, txn, v, n_new, pack_made, &f);
	for (size_t i = 0, j = 0; i < n && rc == 0; i++) {
		if (!records[i].is_new)
			continue;
		records[i].pack = v[j].pack;
		records[i].at = v[j++].at;
	}
	free(v);
	return rc;
}

static int
object_look(struct objects_stage *s, MDB_txn *txn, MDB_cursor *refs, struct record *r, int64_t now)
{
	MDB_val k = val_of(r->hash, OBJECTS_HASH_LEN), v;
	struct ref f;
	int rc = -ENOENT;

	if (!ref_absent(s->objects, r->hash)) {
		rows_touched(s->objects, 1);
		rc = lmdb_rc(mdb_cursor_get(refs, &k, &v, MDB_SET));
	}
	if (rc == -ENOENT) {
		r->is_new = true;
		s->bytes += r->bytes.n;
		return 0;
	}
	if (rc < 0 || (rc = ref_parse(&v, &f)) < 0)
		return rc;
	return ref_renew(s->objects, txn, refs, r->hash, &f, now);
}

static int
record_cmp(const void *a, const void *b)
{
	const struct record *const *x = a, *const *y = b;

	return hash_cmp((*x)->hash, (*y)->hash);
}

/* v is in the order of hashes: so the tree is walked once, and equals stand together. */
static int
objects_look(struct objects_stage *s, MDB_txn *txn, struct record **v, size_t n, int64_t now,
    size_t *ret_new)
{
	MDB_cursor *refs;
	size_t n_new = 0;
	int rc;

	if ((rc = lmdb_rc(mdb_cursor_open(txn, s->objects->t[T_REF], &refs))) < 0)
		return rc;
	for (size_t i = 0; i < n && rc == 0; i++) {
		if (i > 0 && record_cmp(&v[i - 1], &v[i]) == 0)
			continue;
		rc = object_look(s, txn, refs, v[i], now);
		n_new += v[i]->is_new;
	}
	mdb_cursor_close(refs);
	/* A share of the store for each, so that one server cannot fill it. */
	if (rc == 0 && s->bytes > s->objects->max_bytes / OBJECTS_STAGE_SHARE)
		return SE_LIMIT;
	*ret_new = n_new;
	return rc;
}

/* The same bytes under other names lie where the first ones do. */
static void
places_share(struct record **v, size_t n)
{
	for (size_t i = 1; i < n; i++)
		if (record_cmp(&v[i - 1], &v[i]) == 0) {
			v[i]->pack = v[i - 1]->pack;
			v[i]->at = v[i - 1]->at;
		}
}

static int
batch_put(struct objects_stage *s, struct record *records, size_t n, uint64_t bytes, int64_t now)
{
	struct record **v = calloc(n + 1, sizeof(*v));
	size_t n_put = 0, n_new = 0;
	MDB_txn *txn;
	int rc;

	if (v == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++)
		if (records[i].op == OBJECTS_PUBLISH)
			v[n_put++] = &records[i];
	if (n_put > 1)
		qsort(v, n_put, sizeof(*v), record_cmp);
	if (n_put == 0)
		rc = 0;
	else if ((rc = txn_begin_lazy(s->objects, &txn)) == 0) {
		if ((rc = room_check(s->objects, txn, bytes + n_put * PACK_ENTRY)) == 0 &&
		    (rc = objects_look(s, txn, v, n_put, now, &n_new)) == 0)
			rc = objects_pack(s, txn, records, n, n_new);
		rc = txn_end(s->objects, txn, rc);
	}
	if (rc == 0)
		places_share(v, n_put);
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
	c->pack = r->pack;
	c->at = r->at;
	c->size = (uint32_t)r->bytes.n;
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

struct sv
change_uri(const struct change *c)
{
	size_t tail_len = c->uri_len > TEXT_DIRECT_MAX ? OBJECTS_HASH_LEN : 0;

	return (struct sv){ (const char *)change_tail(c) + tail_len, c->uri_len };
}

size_t
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

int
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
