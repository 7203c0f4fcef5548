/*
 * store/reports: rows of judged messages, and the reports made of them.
 *
 * What enters is rows, a segment of a milter's journal at a time; what leaves
 * is sums. The tables are in an SQLite file, or, where many nodes work
 * together, in PostgreSQL ("postgresql://…"); the statements are the same.
 *
 * NOTHING IS COUNTED TWICE. A row is known by its node, queue id and time. A
 * segment is one transaction: it is in with all that follows from it (what is
 * known of the domains it speaks of), or not at all. Whoever does not know how
 * a transaction ended, because the connection broke, gives the segment again.
 *
 * A row waits for a report, or belongs to one, or to none (nobody asked).
 * reports_make() puts all that wait of one domain and day into a report, one
 * for each policy that was seen (RFC 9990 section 3.1: "a single report MUST
 * contain data for one policy configuration", several for a period are fine).
 * A row that comes later goes into a further report of its own day, with an
 * identifier of its own; so each row is in one report, and a report once made
 * never changes: it can be written again for each attempt to send it.
 *
 * Octets are compared, never understood: policy, what is alike, addresses
 * (mail/row.h).
 *
 * ONE SENDS. reports_lock() is for the node that makes and sends reports:
 * PostgreSQL's advisory lock, or a lock on a file. It ends with the connection.
 *
 * Codes: SE_CLOSED: the connection is gone, open again and repeat; -EAGAIN,
 * -EBUSY: others were in the way, repeat; SE_LOCKED; -ENOSPC; SE_FORMAT: tables
 * of another version; -EBADMSG: no database, or not ours.
 *
 * While a function hands out rows, nothing else may be asked of the same store.
 */
#ifndef STORE_REPORTS_H
#define STORE_REPORTS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/pool.h"
#include "base/sv.h"
#include "base/util.h"

#define REPORTS_DAY_SEC		86400
#define REPORTS_ERROR_MAX	400	/* octets of what a mail program said; the others are cut off */

/* Days since 1970, UTC. */
static inline int64_t
reports_day(int64_t at)
{
	return at / REPORTS_DAY_SEC;
}

struct reports;
/* A path, or "postgresql://…". Makes the tables where there are none. */
int	 reports_open(const char *where, struct reports **ret) MUST_USE;
/* Only to look, while others work. -ENOENT: no file; SE_FORMAT also where no tables are. */
int	 reports_open_ro(const char *where, struct reports **ret) MUST_USE;
struct reports *reports_free(struct reports *);
DEFINE_CLEANUP(struct reports, reports_free)
/* 0: nobody else has it; SE_LOCKED. */
int	 reports_lock(struct reports *) MUST_USE;

/* --- taking rows in --- */

enum reports_act {
	REPORTS_PASSED,
	REPORTS_QUARANTINED,
	REPORTS_REJECTED,
	REPORTS_ACT_MAX
};

struct reports_row {
	struct sv	 node, queue_id;
	int64_t		 at;
	struct sv	 domain;	/* whose policy it is */
	struct sv	 policy, alike, rua;
	bool		 is_wanted;	/* its owner wants reports */
	enum reports_act act;
	unsigned	 dmarc, arc;	/* how they went: counted (store/reports_tally.h), not understood */
	const struct sv	*names;		/* domains that were authenticated, each once */
	size_t		 n_names;
};

#define REPORTS_ADD_MAX		64	/* rows at a time: a server is a way off, and is asked once for all */

/*
 * begin, add …, end: one transaction; so are reports that are made or addressed between both.
 * After any failure: end with its code. *ret_new: those that were not there, a bit each from
 * the lowest.
 */
int	 reports_begin(struct reports *) MUST_USE;
int	 reports_add(struct reports *, const struct reports_row *, size_t n,
	    uint64_t *ret_new) MUST_USE;
/* rc 0: commit. Otherwise nothing of it was; rc is returned. */
int	 reports_end(struct reports *, int rc) MUST_USE;

/* --- authenticated domains, as they are known here --- */

struct reports_seen {
	struct sv	domain;
	int64_t		first, last;
	uint64_t	n_messages, n_acts[REPORTS_ACT_MAX], n_complaints;
};
/* -ENOENT. domain in the pool. */
int	 reports_seen(struct reports *, struct sv domain, struct pool *,
	    struct reports_seen *ret) MUST_USE;
int	 reports_complain(struct reports *, struct sv domain, int64_t at, uint64_t n) MUST_USE;
typedef int (*reports_seen_fn)(void *arg, const struct reports_seen *);
/* Those with the most messages first. */
int	 reports_seen_each(struct reports *, uint64_t max, reports_seen_fn, void *arg) MUST_USE;

enum reports_seen_sort {	/* the largest first; names in their order */
	REPORTS_BY_MESSAGES,
	REPORTS_BY_COMPLAINTS,
	REPORTS_BY_STOPPED,	/* quarantined and rejected */
	REPORTS_BY_LAST,
	REPORTS_BY_FIRST,
	REPORTS_BY_NAME,
	REPORTS_SORT_MAX
};
struct reports_seen_wish {
	struct sv	 below;		/* that domain, and all below it; .n is 0: any */
	int64_t		 first, last;	/* seen at first, and last, since then */
	enum reports_seen_sort sort;
	uint64_t	 max;
};
struct reports_seen_sum {
	struct reports_seen seen;	/* all of them as one; no domain; first and last are 0 without any */
	uint64_t	 n;
};
/* *ret_sum: of all that are wished for, also beyond max. */
int	 reports_seen_list(struct reports *, const struct reports_seen_wish *,
	    struct reports_seen_sum *ret_sum, reports_seen_fn, void *arg) MUST_USE;

/* --- making reports --- */

typedef int (*reports_domain_fn)(void *arg, int64_t day, struct sv domain);
/* Domains of which rows wait for a report, of days before that one. */
int	 reports_waiting(struct reports *, int64_t before, reports_domain_fn, void *arg) MUST_USE;

struct reports_report {
	uint64_t	id;		/* never used again */
	int64_t		day, made;
	struct sv	domain, policy;
};
/* *ret: how many. */
int	 reports_make(struct reports *, struct sv domain, int64_t day, int64_t now,
	    unsigned *ret) MUST_USE;
/* Until when all that was due is made (app/mail_reports.h: last); 0: nobody has said. */
int	 reports_last(struct reports *, int64_t *ret) MUST_USE;
int	 reports_last_put(struct reports *, int64_t) MUST_USE;

typedef int (*reports_report_fn)(void *arg, const struct reports_report *);
/* Those that are made and of which nobody has said yet to whom they go, with numbers behind after. */
int	 reports_unaddressed(struct reports *, uint64_t after, uint64_t max, reports_report_fn,
	    void *arg) MUST_USE;

typedef int (*reports_sum_fn)(void *arg, struct sv alike, uint64_t count);
/* Its rows, those that are alike summed up; always in the same order. */
int	 reports_rows(struct reports *, uint64_t id, reports_sum_fn, void *arg) MUST_USE;
/* Where the domain's owner wanted reports when last heard of. -ENOENT. */
int	 reports_rua(struct reports *, struct sv domain, struct pool *, struct sv *ret) MUST_USE;

/* --- sending them --- */

enum reports_state {
	REPORTS_DUE,
	REPORTS_SENT,
	REPORTS_GIVEN_UP,
	REPORTS_STATE_MAX
};

struct reports_sending {
	struct reports_report report;
	struct sv	 address, error;
	enum reports_state state;
	uint64_t	 attempts;
	int64_t		 next;		/* not before; of what is over: when that was */
};
/* To whom, and when at first. Said once: no address twice, and none afterwards. */
int	 reports_address(struct reports *, uint64_t id, const struct sv *to, size_t n,
	    int64_t next) MUST_USE;
typedef int (*reports_sending_fn)(void *arg, const struct reports_sending *);
int	 reports_due(struct reports *, int64_t now, uint64_t max, reports_sending_fn,
	    void *arg) MUST_USE;
/* Of one report, for a person. */
int	 reports_sendings(struct reports *, uint64_t id, reports_sending_fn, void *arg) MUST_USE;

struct reports_outcome {
	enum reports_state state;	/* of this sending now */
	bool		 is_failure;	/* for good: counts against the address */
	int64_t		 at, next;
	struct sv	 error;
};
int	 reports_tried(struct reports *, uint64_t id, struct sv address,
	    const struct reports_outcome *) MUST_USE;
/* How often in a row it failed for good; 0 after a success. *ret_at: when last. */
int	 reports_failures(struct reports *, struct sv address, uint64_t *ret,
	    int64_t *ret_at) MUST_USE;

/* --- forgetting --- */

struct reports_keep {
	int64_t		 rows;		/* the first day of which rows and reports stay */
	int64_t		 names;		/* domains that were not seen since that day are forgotten */
	/* counts (store/reports_tally.h) stay as long as either does */
};
/* A slice at a time. What is not sent by then will not be. */
int	 reports_prune(struct reports *, const struct reports_keep *, bool *ret_more) MUST_USE;

#endif
