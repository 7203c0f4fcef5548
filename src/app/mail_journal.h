/*
 * app/mail_journal: the milter's own memory of rows, until others have them.
 *
 * A verdict leaves the milter only when its row is on the disk, so neither a
 * database that is away nor kill -9 nor a power failure costs one. What enters
 * is octets (mail/row.h makes them, and nothing here looks inside); what
 * leaves is segments, each with rows of some seconds, to be handed on. Whoever
 * took a segment in says so, and only then it is removed; where that is not
 * heard, he gets it again, and knows its rows.
 *
 *	00000000001795219201.open	is written
 *	00000000001795219201.rows	sealed: will not change any more
 *	00000000001795219201.damaged	kept for a person to look at
 *
 * A segment is 16 octets of head (magic, number), then frames: length, CRC-32
 * of number and octets, octets. After a crash the last frame may be half
 * there: mail_journal_open() cuts it off, and says so. Its row was never
 * acknowledged, as an acknowledgement comes after fdatasync(2).
 *
 * GROUP COMMIT. Many threads append at a time. The first one to come writes
 * for all that have gathered, with one fdatasync; those that come meanwhile
 * wait, and one of them is the next to write. Threads meet in mail_journal.c
 * only.
 *
 * A full disk is a code; nothing half-written stays in the way of the next
 * append.
 */
#ifndef APP_MAIL_JOURNAL_H
#define APP_MAIL_JOURNAL_H

#include <stdbool.h>
#include <stdint.h>

#include "base/pool.h"
#include "base/sv.h"
#include "base/util.h"

#define MAIL_JOURNAL_ROW_MAX	(32 * 1024)	/* octets; MAIL_ROW_MAX of mail/limits.h has 24 KB */
#define MAIL_JOURNAL_BATCH_MAX	(1024 * 1024)	/* octets under one fdatasync: some 4,000 usual rows */
#define MAIL_JOURNAL_SEGMENT_MAX (64 * 1024 * 1024)	/* octets; one is mapped, and one transaction */
#define MAIL_JOURNAL_SEGMENTS_MAX 1024		/* sealed ones that wait: with 4 MB each, a day of 100 rows/s */
#define MAIL_JOURNAL_FEW	32	/* that wait: more, and nobody is in a hurry for the next one … */
#define MAIL_JOURNAL_SLOW_SEC	600	/* … so it is open for so long: with 1,024 of them, a week */
#define MAIL_JOURNAL_PATH_MAX	4096

struct mail_journal_conf {
	const char	*folder;	/* is there, and nobody else's */
	uint64_t	 segment_bytes;	/* sealed beyond; MAIL_JOURNAL_SEGMENT_MAX at most */
	unsigned	 segment_sec;	/* sealed when that old, unless many wait already */
};

/* What a crash had left, for the log. */
struct mail_journal_found {
	unsigned	n_waiting;	/* segments that nobody has acknowledged */
	unsigned	n_cut;		/* segments with half a row at their end */
	uint64_t	cut_len;	/* octets of it */
	unsigned	n_damaged;
};

/* --- who writes; all but open and free by any thread --- */

struct mail_journal;
int	 mail_journal_open(const struct mail_journal_conf *, int64_t now, struct mail_journal **ret,
	    struct mail_journal_found *) MUST_USE;
/* Seals what is there. No thread may be in append. */
struct mail_journal *mail_journal_free(struct mail_journal *);
DEFINE_CLEANUP(struct mail_journal, mail_journal_free)
/*
 * 0: the row is on the disk. -ENOSPC, -EDQUOT, …: it is not (or nobody can say so); SE_LIMIT:
 * too many segments wait, or the row is too long; -EINVAL: an empty one.
 */
int	 mail_journal_append(struct mail_journal *, int64_t now, struct sv row) MUST_USE;
/* Now and then, so that few rows need not wait for many: seals what is old, or what there is. */
int	 mail_journal_turn(struct mail_journal *, int64_t now, bool at_once) MUST_USE;

/* --- who reads; knows nothing of threads --- */

/* The sealed ones, in the order in which they were written. */
int	 mail_journal_list(const char *folder, struct pool *, uint64_t **ret,
	    size_t *ret_n) MUST_USE;
int	 mail_journal_path(const char *folder, uint64_t number,
	    char ret[static MAIL_JOURNAL_PATH_MAX]) MUST_USE;
/*
 * The rows of a segment's octets. 0 or what fn said; -EBADMSG: it is none. *ret_lost: octets
 * at its end that are no rows (the disk's fault, if it was sealed).
 */
typedef int (*mail_journal_fn)(void *arg, struct sv row);
int	 mail_journal_read(struct sv octets, mail_journal_fn, void *arg,
	    uint64_t *ret_lost) MUST_USE;
/* It was taken in. 0 also when it is gone. */
int	 mail_journal_remove(const char *folder, uint64_t number) MUST_USE;
/* It cannot be, or not all of it: it is "NUMBER.damaged" from now on. */
int	 mail_journal_damaged(const char *folder, uint64_t number) MUST_USE;

#endif
