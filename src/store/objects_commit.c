/*
 * A commit: the names and the state of a source change in one transaction,
 * and what the stage put into packs gets its rows.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "store/stage_internal.h"

struct commit {
	struct objects_stage	*s;
	MDB_txn			*txn;
	MDB_cursor		*names;
	struct ref_changes	 refs;
	struct objects_change	 change;
};

static int
row_put(struct commit *c, const struct change *ch, unsigned flags)
{
	uint8_t key[NAME_KEY_MAX], value[OBJECTS_HASH_LEN + OBJECTS_KEY_MAX];
	struct wr w = wr_mem(value, sizeof(value));
	MDB_val k = val_of(key, change_key(c->s->source, ch, key)), v;
	struct sv uri = change_uri(ch);

	wr_bytes(&w, ch->hash, OBJECTS_HASH_LEN);
	if (uri.n > TEXT_DIRECT_MAX)
		wr_bytes(&w, uri.p, uri.n);
	v = val_of(value, w.len);
	return lmdb_rc(mdb_cursor_put(c->names, &k, &v, flags));
}

static int
name_new(struct commit *c, const struct change *ch, unsigned flags)
{
	int rc = row_put(c, ch, flags);

	c->change.n_new++;
	return rc < 0 ? rc : ref_change(&c->refs, ch->hash, 1, ch);
}

static int
name_replace(struct commit *c, const struct change *ch, const uint8_t *old)
{
	int rc;

	if (hash_cmp(old, ch->hash) == 0)
		return 0;
	c->change.n_replaced++;
	if ((rc = ref_change(&c->refs, old, -1, NULL)) < 0 ||
	    (rc = ref_change(&c->refs, ch->hash, 1, ch)) < 0)
		return rc;
	return row_put(c, ch, MDB_CURRENT);
}

static int
name_gone(struct commit *c, const uint8_t *old)
{
	int rc;

	c->change.n_gone++;
	if ((rc = ref_change(&c->refs, old, -1, NULL)) < 0)
		return rc;
	return lmdb_rc(mdb_cursor_del(c->names, 0));
}

/*
 * What all records of one URI make of it, one after the other. *last: the
 * record whose object it has then, NULL: the one that it had before.
 */
static int
fold(struct change *const *v, size_t n, const uint8_t *hash, bool *there, const struct change **last)
{
	for (size_t i = 0; i < n; i++) {
		const struct change *c = v[i];
		bool matches = *there && c->has_old && hash_cmp(c->more, hash) == 0;

		if (c->op == OBJECTS_PUBLISH) {
			if (*there != c->has_old || (*there && !matches))
				return SE_STALE;
			hash = c->hash;
			*last = c;
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
	uint8_t key[NAME_KEY_MAX], was[OBJECTS_HASH_LEN] = { 0 };
	MDB_val k = val_of(key, change_key(c->s->source, v[0], key)), val;
	const struct change *last = NULL;
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
	}
	if ((rc = fold(v, n, was, &there, &last)) < 0)
		return rc;
	if (before && !there)
		return name_gone(c, was);
	if (before)
		return last == NULL ? 0 : name_replace(c, last, was);
	return there ? name_new(c, last, 0) : 0;
}

static int
delta_apply(struct commit *c)
{
	struct change *const *v = c->s->changes;
	int rc = 0;

	for (size_t i = 0, end; i < c->s->n && rc == 0; i = end) {
		for (end = i + 1; end < c->s->n && change_key_cmp(v[i], v[end]) == 0; )
			end++;
		rows_touched(c->s->objects, 1);
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
		rows_touched(c->s->objects, 1);
		if (d < 0)
			rc = name_gone(c, name.hash);
		else if (d == 0)
			rc = name_replace(c, ch, name.hash);
		else
			rc = name_new(c, ch, 0);
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
		rc = name_new(c, v[i], MDB_APPEND);
	return rc;
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

/* Its packs are now what they hold for the rows that were made. */
static int
packs_settle(struct commit *c)
{
	struct objects *o = c->s->objects;
	uint8_t key[PACK_KEY_LEN];
	MDB_val k = val_of(key, sizeof(key));
	int rc = 0;

	for (size_t i = 0; i < c->s->n_packs && rc == 0; i++) {
		const struct stage_pack *p = &c->s->packs[i];

		pack_key(p->id, key);
		rc = lmdb_rc(mdb_del(c->txn, o->t[T_FRESH], &k, NULL));
		if (rc == -ENOENT)
			return SE_SUM;
		if (rc == 0)
			rc = p->life.live > 0 ? life_put(o, c->txn, p->id, p->life) :
			    pack_del(o, c->txn, p->id);
	}
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
	    (rc = ref_changes_apply(o, c->txn, &c->refs, c->s, now, &src.bytes)) < 0 ||
	    (rc = packs_settle(c)) < 0)
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
	if (rc == 0)
		s->n_packs = 0;		/* they are everybody's */
	objects_stage_abort(s);
	if (rc == 0)
		*ret = c.change;
	return rc;
}
