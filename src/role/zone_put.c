/* What the store is to keep of a zone (role/zone_keep.h), and whether it has it. */
#include <errno.h>
#include <string.h>

#include "base/err.h"
#include "role/zone_role.h"
#include "sys/file.h"
#include "sys/memfd.h"

/* A journal that is larger than its image, and than this, is cut. */
#define JOURNAL_MIN	((uint64_t)4 << 20)
_Static_assert(2 * ZONE_HISTORY_MIN <= JOURNAL_MIN, "what stays of a journal is not long itself");
#define AGAIN_SEC	60		/* after one that could not be cut */

/* --- on a thread --- */

struct counted {
	int		fd;
	uint64_t	n;
};

static int
count_write(void *arg, const void *p, size_t n)
{
	struct counted *c = arg;

	c->n += n;
	return fd_write_all(&c->fd, p, n);
}

static int
piece_of(struct zone_work *w, const struct zone_piece *p, int (*fill)(struct zone_work *,
    const struct zone_piece *, struct buf *))
{
	struct counted c = { .fd = -1 };
	struct buf b = BUF_SINK(count_write, &c);
	struct zone_piece *piece = &w->piece[w->n_pieces];
	int rc;

	if (w->n_pieces == ZONE_PIECES_MAX)
		return -E2BIG;
	if ((rc = memfd_new("zone", &c.fd)) < 0)
		return rc;
	if ((rc = fill(w, p, &b)) == 0)
		rc = buf_flush(&b);
	buf_done(&b);
	if (rc == 0)
		rc = memfd_seal(c.fd);
	if (rc < 0) {
		fd_close(&c.fd);
		return rc;
	}
	*piece = *p;
	piece->fd = c.fd;
	piece->octets = c.n;
	w->n_pieces++;
	return 0;
}

/* The version of that side that is to be in service. */
static const struct zone *
version_of(const struct zone_work *w, enum keep_side side)
{
	const struct zone_version *v = w->task == TASK_COMPACT ? &w->z->now : &w->next;

	return side == KEEP_IN ? v->plain : v->signed_zone;
}

static int
image_fill(struct zone_work *w, const struct zone_piece *p, struct buf *b)
{
	return zone_image_write(b, version_of(w, p->side), p->epoch);
}

static int
text_fill(struct zone_work *w, const struct zone_piece *p UNUSED, struct buf *b)
{
	zone_print(b, w->next.signed_zone, 0);
	return b->rc;
}

static int
journal_fill(struct zone_work *w, const struct zone_piece *p, struct buf *b)
{
	const struct zone_history *h = &w->z->history;
	uint8_t head[KEEP_HEAD_LEN] = { 0 };
	int rc = 0;

	put_be32(head, KEEP_MAGIC);
	put_be32(head + 8, (uint32_t)(p->epoch >> 32));
	put_be32(head + 12, (uint32_t)p->epoch);
	buf_bytes(b, head, sizeof(head));
	if (w->task != TASK_COMPACT || p->side != KEEP_OUT)
		return b->rc;
	for (size_t i = 0; i < h->n && rc == 0; i++)
		rc = xfr_diff_write(b, h->v[i]->diff);
	return rc;
}

static int
entry_fill(struct zone_work *w, const struct zone_piece *p, struct buf *b)
{
	return xfr_diff_write(b, p->side == KEEP_IN ? w->got.diff : w->step->diff);
}

/* All of it anew, under a new epoch. */
static int
side_whole(struct zone_work *w, enum keep_side side)
{
	struct zone_kept *k = &w->kept[side];
	struct zone_piece p = { .side = side, .kind = KEEP_IMAGE };
	int rc;

	k->epoch = k->epoch >= (uint64_t)w->at ? k->epoch + 1 : (uint64_t)w->at;
	p.epoch = k->epoch;
	if ((rc = piece_of(w, &p, image_fill)) < 0)
		return rc;
	k->image_octets = w->piece[w->n_pieces - 1].octets;
	p.kind = KEEP_JOURNAL;
	if ((rc = piece_of(w, &p, journal_fill)) < 0)
		return rc;
	k->journal_octets = w->piece[w->n_pieces - 1].octets;
	return 0;
}

static int
side_entry(struct zone_work *w, enum keep_side side)
{
	struct zone_kept *k = &w->kept[side];
	const struct zone_piece p = { .side = side, .kind = KEEP_ENTRY, .at = k->journal_octets };
	int rc = piece_of(w, &p, entry_fill);

	if (rc == 0)
		k->journal_octets += w->piece[w->n_pieces - 1].octets;
	return rc;
}

static int
in_pieces(struct zone_work *w)
{
	uint32_t from, to;

	if (w->got.whole != NULL || (w->got.diff != NULL && w->kept[KEEP_IN].epoch == 0))
		return side_whole(w, KEEP_IN);
	if (w->got.diff == NULL)
		return 0;
	return xfr_diff_serials(w->got.diff, &from, &to) ? side_entry(w, KEEP_IN) : side_whole(w, KEEP_IN);
}

static int
out_pieces(struct zone_work *w)
{
	int rc;

	if (w->kept[KEEP_OUT].epoch == 0 || (!w->same && w->step == NULL))
		return side_whole(w, KEEP_OUT);
	if (w->same)
		return 0;
	rc = side_entry(w, KEEP_OUT);
	if (rc == 0)
		w->step->octets = w->piece[w->n_pieces - 1].octets;
	return rc;
}

int
zone_pieces(struct zone_work *w)
{
	const struct zone_piece text = { .text = true };
	int rc;

	memcpy(w->kept, w->z->kept, sizeof(w->kept));
	if ((rc = in_pieces(w)) < 0 || (rc = out_pieces(w)) < 0)
		return rc;
	if (w->z->e->output[0] == '\0' || (w->same && !w->z->text_wanted))
		return 0;
	return piece_of(w, &text, text_fill);
}

static bool
side_is_long(const struct zone_kept *k)
{
	return k->epoch != 0 && k->journal_octets > JOURNAL_MIN && k->journal_octets > k->image_octets;
}

int
zone_pieces_compact(struct zone_work *w)
{
	int rc = 0;

	memcpy(w->kept, w->z->kept, sizeof(w->kept));
	for (unsigned side = 0; side < KEEP_SIDE_MAX && rc == 0; side++)
		if (side_is_long(&w->kept[side]) && version_of(w, side) != NULL)
			rc = side_whole(w, side);
	return rc;
}

/* --- in the loop --- */

bool
zone_compact_due(const struct zone_one *z, int64_t now)
{
	if (now < z->compact_at && z->compact_at - now <= AGAIN_SEC)
		return false;
	return (side_is_long(&z->kept[KEEP_IN]) && z->now.plain != NULL) ||
	    (side_is_long(&z->kept[KEEP_OUT]) && z->now.signed_zone != NULL);
}

void
zone_compact_failed(struct zone_one *z, int rc)
{
	char name[DNAME_STRLEN];

	z->compact_at = role_now(z->zr->role) + AGAIN_SEC;
	role_log(z->zr->role, LOG_LEVEL_ERROR, "%s: its journal cannot be cut: %s, trying again",
	    zone_name(z, name), err_str(rc));
}

static void
piece_send(struct zone_role *zr, struct zone_piece *p, uint32_t req)
{
	const struct zone_one *z = zr->work.z;
	struct msg_zone_put text = { .req = req, .zone = zone_wire(z), .text = p->fd };
	struct msg_zone_keep keep = { .req = req, .zone = zone_wire(z), .side = p->side, .kind = p->kind,
	    .at = p->at, .octets = p->fd };
	int rc;

	if (p->text) {
		(void)zone_serial(zr->work.next.signed_zone, &text.serial);
		rc = msg_zone_put_send(zr->role, ROLE_STORE, &text);
	} else
		rc = msg_zone_keep_send(zr->role, ROLE_STORE, &keep);
	if (rc < 0)
		role_log(zr->role, LOG_LEVEL_ERROR, "cannot give a zone to the store: %s", err_str(rc));
}

/*
 * One after the other: a journal of a new epoch without its image would be the end of what
 * was kept. True: all are on the disk.
 */
static bool
next_send(struct zone_role *zr)
{
	struct zone_work *w = &zr->work;

	for (size_t i = 0; i < w->n_pieces; i++)
		if (!w->piece[i].done) {
			piece_send(zr, &w->piece[i], zr->first_req + (uint32_t)i);
			return false;
		}
	return true;
}

void
zone_put_begin(struct zone_role *zr)
{
	zr->phase = ZONE_PUTTING;
	zr->first_req = zr->req + 1;
	zr->req += (uint32_t)zr->work.n_pieces;
	(void)next_send(zr);
}

/*
 * An image is on the disk, and what belongs to it is not: what we know of these files is
 * not so any more. Entries behind the old journal would be lost in the next life.
 */
static void
halves_forget(struct zone_work *w)
{
	for (size_t i = 0; i < w->n_pieces; i++)
		if (w->piece[i].done && !w->piece[i].text && w->piece[i].kind == KEEP_IMAGE)
			w->z->kept[w->piece[i].side] = (struct zone_kept){ 0 };
}

int
zone_put_answer(struct zone_role *zr, const struct msg_zone_kept *m)
{
	struct zone_work *w = &zr->work;
	size_t i = m->req - zr->first_req;

	if (m->req == 0) {		/* a store of a new life */
		(void)next_send(zr);
		return 0;
	}
	if (i >= w->n_pieces || w->piece[i].done)
		return 0;
	/* Somebody was at its files: they are written anew. */
	if (m->code == -ERANGE && w->piece[i].kind == KEEP_ENTRY)
		w->z->kept[w->piece[i].side] = (struct zone_kept){ 0 };
	if (m->code < 0) {
		halves_forget(w);
		return (int)m->code;
	}
	w->piece[i].done = true;
	fd_close(&w->piece[i].fd);
	return next_send(zr);
}
