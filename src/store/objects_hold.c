/*
 * What the validator's older data needs, and what it needed: see objects.h.
 *
 * A list replaces the one before it. Whatever was in that one lives for
 * OBJECTS_PAST_AGE still, at least: who made the new list may have been taken
 * over, and the next one will want it back. That stands in the list of the
 * dead, as if it had lost its last name later, and so on the disk: a restart of
 * this process, whose first list may be such a one, costs nothing of it.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "store/internal.h"

/* Those of a (sorted) that are not in b, behind what is in `to`, as far as there is room. */
static size_t
hashes_without(const uint8_t *a, size_t n_a, const uint8_t *b, size_t n_b, uint8_t *to, size_t room)
{
	size_t j = 0, n = 0;

	for (size_t i = 0; i < n_a && n < room; i++) {
		const uint8_t *h = a + i * OBJECTS_HASH_LEN;

		while (j < n_b && hash_cmp(b + j * OBJECTS_HASH_LEN, h) < 0)
			j++;
		if (j < n_b && hash_cmp(b + j * OBJECTS_HASH_LEN, h) == 0)
			continue;
		memcpy(to + n++ * OBJECTS_HASH_LEN, h, OBJECTS_HASH_LEN);
	}
	return n;
}

/* What came first stays: a flood of lists pushes nothing out. */
static int
let_go(struct objects *o, const uint8_t *next, size_t n_next)
{
	size_t room = min_size(o->n_held, OBJECTS_HOLD_MAX - o->n_let_go);
	uint8_t *v;

	if (room == 0)
		return 0;
	if ((v = reallocarray(o->let_go, o->n_let_go + room, OBJECTS_HASH_LEN)) == NULL)
		return -ENOMEM;
	o->let_go = v;
	o->n_let_go += hashes_without(o->held, o->n_held, next, n_next,
	    v + o->n_let_go * OBJECTS_HASH_LEN, room);
	return 0;
}

int
objects_hold(struct objects *o, struct sv hashes)
{
	uint8_t *v;
	size_t n;
	int rc;

	if ((rc = hashes_sorted(hashes, OBJECTS_HOLD_MAX, &v, &n)) < 0)
		return rc;
	if ((rc = let_go(o, v, n)) < 0) {
		free(v);
		return rc;
	}
	free(o->held);
	o->held = v;
	o->n_held = n;
	o->held_known = true;
	return 0;
}

/* Nameless: as if it had lost its name so late that it lives for OBJECTS_PAST_AGE. */
static int
grace_anew(struct objects *o, MDB_txn *txn, MDB_cursor *refs, const uint8_t *hash, int64_t now)
{
	int64_t since = now + max_i64(OBJECTS_PAST_AGE - o->grace_sec, 0);
	MDB_val k = val_of(hash, OBJECTS_HASH_LEN), v;
	struct ref f;
	int rc = lmdb_rc(mdb_cursor_get(refs, &k, &v, MDB_SET));

	if (rc < 0)
		return rc == -ENOENT ? 0 : rc;
	if ((rc = ref_parse(&v, &f)) < 0 || f.since >= since)
		return rc;
	return ref_renew(o, txn, refs, hash, &f, since);
}

/* Also what is held still says so, now and then. */
static int
held_again(struct objects *o, int64_t now)
{
	if (!o->held_known || (o->held_told <= now && now - o->held_told < OBJECTS_HOLD_AGAIN))
		return 0;
	o->held_told = now;
	return let_go(o, NULL, 0);
}

int
let_go_slice(struct objects *o, MDB_txn *txn, int64_t now, unsigned n, size_t *ret_n)
{
	MDB_cursor *refs;
	int rc;

	*ret_n = 0;
	if ((rc = held_again(o, now)) < 0 || o->n_let_go == 0)
		return rc;
	if ((rc = lmdb_rc(mdb_cursor_open(txn, o->t[T_REF], &refs))) < 0)
		return rc;
	for (size_t i = o->n_let_go; i > 0 && *ret_n < n && rc == 0; i--, ++*ret_n)
		rc = grace_anew(o, txn, refs, o->let_go + (i - 1) * OBJECTS_HASH_LEN, now);
	mdb_cursor_close(refs);
	return rc;
}

void
let_go_done(struct objects *o, size_t n)
{
	o->n_let_go -= n;
	if (o->n_let_go > 0)
		return;
	free(o->let_go);
	o->let_go = NULL;
}
