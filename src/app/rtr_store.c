/* What RTR clients are served: one snapshot, the steps that led to it. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "app/rtr_server_internal.h"
#include "base/err.h"
#include "base/timefmt.h"
#include "sys/file.h"
#include "sys/memfd.h"
#include "sys/stream.h"

/* inr's limits make at most half of this; a fence for foreign files. */
#define SNAPSHOT_FILE_MAX	(1024ull * 1024 * 1024)

struct rtr_body_ref *
rtr_body_unref(struct rtr_body_ref *b)
{
	if (b == NULL || --b->refs > 0)
		return NULL;
	fd_close(&b->fd);
	free(b);
	return NULL;
}

/* Takes fd over, also when it fails. */
static int
body_new(int fd, int64_t off, size_t len, int64_t expires, struct rtr_body_ref **ret)
{
	struct rtr_body_ref *b = malloc(sizeof(*b));

	if (b == NULL) {
		fd_close(&fd);
		return -ENOMEM;
	}
	*b = (struct rtr_body_ref){ fd, off, len, expires, 1 };
	*ret = b;
	return 0;
}

static struct rtr_body_ref *
body_ref(struct rtr_body_ref *b)
{
	b->refs++;
	return b;
}

void
rtr_store_init(struct rtr_store *st)
{
	*st = (struct rtr_store){ .fd = -1 };
}

static void
ready_forget(struct rtr_store *st)
{
	for (unsigned i = 0; i < st->n_ready; i++)
		(void)rtr_body_unref(st->ready[i].body);
	st->n_ready = st->next_ready = 0;
}

static void
steps_forget(struct rtr_store *st)
{
	for (unsigned i = 0; i < st->n_steps; i++)
		(void)delta_free(st->steps[i]);
	st->n_steps = 0;
	ready_forget(st);
}

static void
full_forget(struct rtr_store *st)
{
	for (unsigned v = 0; v < RTR_VERSIONS; v++)
		st->full[v] = rtr_body_unref(st->full[v]);
}

void
rtr_store_done(struct rtr_store *st)
{
	steps_forget(st);
	full_forget(st);
	fd_close(&st->fd);
	rtr_store_init(st);
}

/* From the store, or made here: its sums were compared, its form was not, by us. */
static int
snapshot_map(int fd, struct file_map *ret_map, struct snapshot *ret)
{
	int rc = memfd_map(fd, true, SNAPSHOT_FILE_MAX, ret_map);

	if (rc < 0)
		return rc;
	rc = snapshot_open(ret_map->data.p, ret_map->data.n, NULL, ret);
	if (rc < 0)
		file_unmap(ret_map);
	return rc;
}

/* The one that is served: it was looked at when it came, and cannot be written to. */
static int
served_map(const struct rtr_store *st, struct file_map *ret_map, struct snapshot *ret)
{
	int rc = memfd_map(st->fd, true, SNAPSHOT_FILE_MAX, ret_map);

	if (rc < 0)
		return rc;
	if (ret_map->data.n != st->served.size) {
		file_unmap(ret_map);
		return -EBADMSG;
	}
	snapshot_view_at(&st->served, ret_map->data.p, ret);
	return 0;
}

static bool
same_sessions(const struct rtr_store *st, const struct snapshot *s)
{
	return st->fd >= 0 &&
	    memcmp(st->served.stamp.session, s->stamp.session, sizeof(st->served.stamp.session)) == 0;
}

static void
step_add(struct rtr_store *st, struct delta *d)
{
	if (st->n_steps == STEPS_MAX) {
		(void)delta_free(st->steps[0]);
		memmove(st->steps, st->steps + 1, (STEPS_MAX - 1) * sizeof(st->steps[0]));
		st->n_steps--;
	}
	st->steps[st->n_steps++] = d;
}

/*
 * Keep what leads from the old snapshot to the new one, or, where nothing
 * does (other sessions, a serial that does not go up, too much change),
 * forget all steps: routers then start anew.
 */
static void
step_make(struct rtr_store *st, const struct snapshot *now)
{
	struct file_map map = { 0 };
	struct snapshot old;
	struct delta *d = NULL;
	int rc = -ENOENT;

	ready_forget(st);
	if (same_sessions(st, now)) {
		if (now->stamp.serial == st->served.stamp.serial)
			return;		/* the same payloads with other times */
		if ((int32_t)(now->stamp.serial - st->served.stamp.serial) > 0 &&
		    (rc = served_map(st, &map, &old)) == 0) {
			rc = delta_new(&old, now, &d);
			file_unmap(&map);
		}
	}
	if (rc < 0)
		steps_forget(st);
	else
		step_add(st, d);
}

/* Version 2 is in the file; the others are a copy of it with another byte. */
static int
full_from(struct rtr_store *st, const struct snapshot *s, uint8_t version,
    struct rtr_body_ref **ret)
{
	uint8_t *room = NULL;
	size_t off, len;
	int fd = -1, rc;

	snapshot_pdus(s, version, &off, &len);
	if (version == RTR_VERSION_MAX || len == 0) {
		rc = fd_dup(st->fd, &fd);
	} else if ((rc = memfd_room("rtr-full", len, &fd, &room)) == 0) {
		snapshot_pdus_write(s, version, room);
		off = 0;
		if ((rc = memfd_room_done(fd, room, len)) < 0)
			fd_close(&fd);
	}
	return rc < 0 ? rc : body_new(fd, (int64_t)off, len, st->served.earliest, ret);
}

/* Versions that had routers before will have them again: ready at once. */
static void
full_prepare(struct rtr_store *st, const struct snapshot *s, const bool used[static RTR_VERSIONS])
{
	for (uint8_t v = 0; v < RTR_VERSIONS; v++)
		if (used[v] && full_from(st, s, v, &st->full[v]) < 0)
			st->full[v] = NULL;	/* then when it is asked for */
}

int
rtr_store_use(struct rtr_store *st, int fd, bool history, bool *ret_replaced)
{
	bool used[RTR_VERSIONS];
	struct file_map map = { 0 };
	struct snapshot s;
	int mine, rc;

	if ((rc = snapshot_map(fd, &map, &s)) < 0)
		return rc;
	*ret_replaced = !history || !same_sessions(st, &s) ||
	    (int32_t)(s.stamp.serial - st->served.stamp.serial) > 0;
	if (!*ret_replaced || (rc = fd_dup(fd, &mine)) < 0) {
		file_unmap(&map);
		return rc;
	}
	step_make(st, &s);
	for (uint8_t v = 0; v < RTR_VERSIONS; v++)
		used[v] = st->full[v] != NULL;
	full_forget(st);
	fd_close(&st->fd);
	st->fd = mine;
	st->served = s;
	full_prepare(st, &s, used);
	file_unmap(&map);
	return 0;
}

/* The first step that starts at this serial; n_steps if there is none. */
static unsigned
step_find(const struct rtr_store *st, uint32_t from)
{
	unsigned i = 0;

	while (i < st->n_steps && st->steps[i]->from != from)
		i++;
	return i;
}

bool
rtr_store_delta_held(const struct rtr_store *st, uint32_t from)
{
	return step_find(st, from) < st->n_steps;
}

static int
full_make(struct rtr_store *st, uint8_t version, struct rtr_body_ref **ret)
{
	struct file_map map = { 0 };
	struct snapshot s;
	int rc;

	if ((rc = served_map(st, &map, &s)) < 0)
		return rc;
	rc = full_from(st, &s, version, ret);
	file_unmap(&map);
	return rc;
}

int
rtr_store_full(struct rtr_store *st, uint8_t version, struct rtr_body_ref **ret)
{
	int rc;

	if (st->fd < 0)
		return -ENOENT;
	if (st->full[version] == NULL &&
	    (rc = full_make(st, version, &st->full[version])) < 0)
		return rc;
	*ret = body_ref(st->full[version]);
	return 0;
}

static int
delta_body(const struct rtr_store *st, const struct delta *d, uint8_t version,
    struct rtr_body_ref **ret)
{
	size_t len = delta_pdus_len(d, version);
	uint8_t *room = NULL;
	struct wr w;
	int fd = -1, rc;

	if ((rc = memfd_room("rtr-delta", len + 1, &fd, &room)) < 0)
		return rc;
	w = wr_mem(room, len);
	delta_pdus_write(d, version, &w);
	len = w.len;
	if ((rc = memfd_room_done(fd, room, delta_pdus_len(d, version) + 1)) < 0) {
		fd_close(&fd);
		return rc;
	}
	return body_new(fd, 0, len, st->served.earliest, ret);
}

/* All steps from the i-th on as one; *ret_own is to be freed by the caller. */
static int
steps_compose(const struct rtr_store *st, unsigned i, const struct delta **ret,
    struct delta **ret_own)
{
	const struct delta *d = st->steps[i];
	struct delta *own = NULL;

	while (++i < st->n_steps) {
		struct delta *next;
		int rc = delta_compose(d, st->steps[i], &next);

		(void)delta_free(own);
		if (rc < 0)
			return rc;
		d = own = next;
	}
	*ret = d;
	*ret_own = own;
	return 0;
}

static void
ready_add(struct rtr_store *st, struct rtr_body_ref *b, uint8_t version, uint32_t from)
{
	struct rtr_ready *r = &st->ready[st->next_ready];

	if (st->n_ready == READY_MAX)
		(void)rtr_body_unref(r->body);
	else
		st->n_ready++;
	*r = (struct rtr_ready){ body_ref(b), from, version };
	st->next_ready = (st->next_ready + 1) % READY_MAX;
}

int
rtr_store_delta(struct rtr_store *st, uint8_t version, uint32_t from,
    struct rtr_body_ref **ret)
{
	unsigned i = step_find(st, from);
	struct delta *own = NULL;
	const struct delta *d;
	int rc;

	for (unsigned k = 0; k < st->n_ready; k++)
		if (st->ready[k].from == from && st->ready[k].version == version) {
			*ret = body_ref(st->ready[k].body);
			return 0;
		}
	if (i == st->n_steps)
		return -ENOENT;
	if ((rc = steps_compose(st, i, &d, &own)) < 0)
		return rc;
	rc = delta_body(st, d, version, ret);
	(void)delta_free(own);
	if (rc == 0)
		ready_add(st, *ret, version, from);
	return rc;
}
