/* What is kept for routers: snapshots come and go, deltas follow. */
#include <errno.h>
#include <stdio.h>

#include "../inr/world.h"
#include "../tap.h"
#include "app/rtr_server_internal.h"
#include "base/err.h"
#include "crypto/crypto.h"
#include "sys/file.h"
#include "sys/memfd.h"
#include "sys/stream.h"

/* Prefixes 10.0.0.0/16 … by the bits; a sealed memfd as the store sends it. */
static int
snapshot_fd(unsigned bits, uint32_t serial, uint16_t session, int64_t expires)
{
	const struct snapshot_stamp st = { serial, { session, (uint16_t)(session + 1),
	    (uint16_t)(session + 2) } };
	struct payloads p = { 0 };
	size_t size, dropped;
	uint8_t *map;
	int fd = -1;

	for (unsigned i = 0; i < 8; i++) {
		char px[32];

		(void)snprintf(px, sizeof(px), "10.%u.0.0/16", i);
		if (bits & 1u << i)
			world_vrp(&p, px, 16, 64496, expires);
	}
	assert_int_equal(payloads_merge(&p, &dropped), 0);
	assert_int_equal(snapshot_size(&p, 0, &size), 0);
	assert_int_equal(memfd_room("test", size, &fd, &map), 0);
	assert_int_equal(snapshot_build(&p, 0, &st, SV(""), crypto_sha256, map, size), 0);
	assert_int_equal(memfd_room_done(fd, map, size), 0);
	payloads_done(&p);
	return fd;
}

static void
use(struct rtr_store *st, unsigned bits, uint32_t serial, uint16_t session, bool history,
    bool want_replaced)
{
	int fd = snapshot_fd(bits, serial, session, 5000);
	bool replaced = false;

	assert_int_equal(rtr_store_use(st, fd, history, &replaced), 0);
	assert_int_equal(replaced, want_replaced);
	fd_close(&fd);
}

static size_t
delta_len(struct rtr_store *st, uint32_t from)
{
	struct rtr_body_ref *b = NULL;
	size_t n;

	assert_int_equal(rtr_store_delta(st, 1, from, &b), 0);
	assert_int_equal(b->expires, 5000);
	n = b->len;
	(void)rtr_body_unref(b);
	return n;
}

static void
steps(void **state UNUSED)
{
	struct rtr_body_ref *b = NULL, *again = NULL;
	struct rtr_store st;

	rtr_store_init(&st);
	assert_int_equal(rtr_store_full(&st, 2, &b), -ENOENT);
	use(&st, 1, 1, 10, false, true);
	use(&st, 3, 2, 10, false, true);
	use(&st, 6, 3, 10, false, true);
	assert_true(rtr_store_delta_held(&st, 1));
	assert_true(rtr_store_delta_held(&st, 2));
	assert_false(rtr_store_delta_held(&st, 3));	/* the current one */
	assert_int_equal(delta_len(&st, 1), 3 * 20);
	assert_int_equal(delta_len(&st, 2), 2 * 20);
	use(&st, 1, 4, 10, false, true);
	assert_int_equal(delta_len(&st, 1), 0);		/* all cancelled out */
	assert_int_equal(rtr_store_delta(&st, 1, 9, &b), -ENOENT);
	assert_int_equal(rtr_store_full(&st, 0, &b), 0);
	assert_int_equal(rtr_store_full(&st, 0, &again), 0);
	assert_ptr_equal(b, again);			/* one for all routers */
	use(&st, 2, 5, 10, false, true);
	assert_int_equal(b->len, 20);			/* who is sent it keeps it */
	(void)rtr_body_unref(b);
	(void)rtr_body_unref(again);
	rtr_store_done(&st);
}

/* Another session, a serial that goes back: routers start anew. */
static void
breaks(void **state UNUSED)
{
	struct rtr_store st;

	rtr_store_init(&st);
	use(&st, 1, 1, 10, false, true);
	use(&st, 3, 2, 10, false, true);
	use(&st, 3, 2, 10, false, true);		/* the same again */
	assert_true(rtr_store_delta_held(&st, 1));
	use(&st, 7, 3, 20, false, true);
	assert_false(rtr_store_delta_held(&st, 1));
	assert_false(rtr_store_delta_held(&st, 2));
	use(&st, 3, 4, 20, false, true);
	assert_true(rtr_store_delta_held(&st, 3));
	use(&st, 1, 2, 20, false, true);
	assert_false(rtr_store_delta_held(&st, 3));
	/* Wrapping is going up (RFC 1982). */
	use(&st, 1, UINT32_MAX, 30, false, true);
	use(&st, 3, 0, 30, false, true);
	assert_true(rtr_store_delta_held(&st, UINT32_MAX));
	rtr_store_done(&st);
}

/* The store's history again: what is not newer is passed over. */
static void
history(void **state UNUSED)
{
	struct rtr_store st;

	rtr_store_init(&st);
	use(&st, 1, 1, 10, true, true);
	use(&st, 3, 2, 10, true, true);
	use(&st, 7, 3, 10, false, true);
	assert_true(rtr_store_delta_held(&st, 1));
	use(&st, 1, 1, 10, true, false);
	use(&st, 3, 2, 10, true, false);
	use(&st, 7, 3, 10, false, true);
	assert_true(rtr_store_delta_held(&st, 1));
	assert_true(rtr_store_delta_held(&st, 2));
	rtr_store_done(&st);
}

static void
many(void **state UNUSED)
{
	struct rtr_store st;

	rtr_store_init(&st);
	for (uint32_t i = 1; i <= STEPS_MAX + 10; i++)
		use(&st, i % 255 + 1, i, 10, false, true);
	assert_int_equal(st.n_steps, STEPS_MAX);
	assert_false(rtr_store_delta_held(&st, 9));
	assert_true(rtr_store_delta_held(&st, 10));
	for (uint32_t i = 10; i < STEPS_MAX + 10; i++)	/* more than are kept ready */
		(void)delta_len(&st, i);
	assert_int_equal(st.n_ready, READY_MAX);
	rtr_store_done(&st);
}

static void
damaged(void **state UNUSED)
{
	struct rtr_store st;
	bool replaced;
	int fd = -1;

	rtr_store_init(&st);
	use(&st, 1, 1, 10, false, true);
	assert_int_equal(memfd_of("bad", SV("SEKISNAP but no more"), &fd), 0);
	assert_int_equal(rtr_store_use(&st, fd, false, &replaced), SE_FORMAT);
	fd_close(&fd);
	assert_int_equal(memfd_new("open", &fd), 0);	/* not sealed: it could change */
	assert_true(rtr_store_use(&st, fd, false, &replaced) < 0);
	fd_close(&fd);
	assert_int_equal(st.served.stamp.serial, 1);
	rtr_store_done(&st);
}

TESTS_MAIN("app rtr_store", T(steps), T(breaks), T(history), T(many), T(damaged))
