/*
 * store: what Sekisho keeps. Today that is snapshots; other tables come with
 * the pillars that need them.
 *
 * A snapshot enters as bytes that a process made which had read what
 * strangers wrote. It is checked completely (snapshot_open), gets its serial
 * and session ids, is written beside its place, fsynced, renamed, the folder
 * fsynced; only then it is the current one and may be announced. So at every
 * moment, a power failure included, the folder holds complete snapshots and
 * at most one temporary file.
 *
 *	snapshots/00000000000000000042.snap	generation 42
 *
 * The generation only says which is newer. The serial (RTR's) is in the
 * header and grows only when the payloads differ: a run that found the same
 * replaces the file of its serial, with new times and report. The last `keep`
 * serials stay, for deltas.
 *
 * Session ids are random, made with the first snapshot, and live in the
 * headers. They change when history is lost: if the newest file is damaged
 * and an older one is served instead, then its serial was already followed by
 * another one that routers may have seen, so the older one is stamped anew
 * and the routers start from the beginning (RFC 8210 section 5.1).
 *
 * Payloads expire with the earliest link of their chain. store_expire() makes
 * a snapshot without those that have, whatever happens to the validator.
 *
 * What enters: sealed bytes, "now". What leaves: descriptors, read-only.
 * What can fail: the disk. Then the last good snapshot stays current, and
 * the caller logs one line.
 */
#ifndef STORE_STORE_H
#define STORE_STORE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/util.h"
#include "inr/inr.h"
#include "sys/memfd.h"

struct store;

/* What store_open() found, for the log. */
struct store_found {
	unsigned	n_good;		/* snapshots kept */
	unsigned	n_left_over;	/* temporary files removed */
	unsigned	n_damaged;	/* refused; renamed to NAME.damaged */
	unsigned	n_dropped;	/* good ones without a use */
	bool		new_session;
};

struct store_conf {
	const char		*folder;	/* …/snapshots */
	unsigned		 keep;		/* serials, >= 1 */
	snapshot_digest_fn	 digest;
};

/* Read the folder, mend what a crash left. Another store there: SE_LOCKED. */
int	 store_open(const struct store_conf *, struct store **ret,
	    struct store_found *found) MUST_USE;
struct store *store_free(struct store *);

/*
 * Take a new snapshot: buf is a private, writable copy (memfd_map_copy) and is
 * stamped in place. *ret_changed: a new serial. SE_FORMAT, SE_SUM, -EBADMSG:
 * it is no snapshot; the disk's codes: it was not stored.
 */
int	 store_put(struct store *, uint8_t *buf, size_t size, bool *ret_changed) MUST_USE;
/* Make one without what has expired at now, if anything has. */
int	 store_expire(struct store *, int64_t now, bool *ret_changed) MUST_USE;

/* NULL: there is none yet. Valid until the next put or expire. */
const struct snapshot *store_current(const struct store *);
/* The current one in a mapping of the caller's, not checked again; -ENOENT. */
int	 store_current_map(const struct store *, struct file_map *map, struct snapshot *ret) MUST_USE;
/* The kept ones, oldest first; the last is the current one. */
size_t	 store_count(const struct store *);
uint32_t store_serial(const struct store *, size_t i);
int	 store_fd(const struct store *, size_t i);	/* read-only, stays the store's */

DEFINE_CLEANUP(struct store, store_free)

#endif
