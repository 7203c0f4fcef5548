/*
 * store/reports_tally: counts over time, for a person who looks at them.
 *
 * What enters is what store/reports.h is given anyway: rows that were taken in,
 * and what became of reports. What leaves are counts, lists cut short where the
 * caller says, and how it stands now.
 *
 * A message is counted in its hour by how DMARC and ARC went and what was done
 * with it, in the transaction that takes its row in, so nothing is counted
 * twice. What became of reports is counted by day and altogether, in the
 * transaction that notes it. Neither names a domain or an address.
 *
 * Counts follow the clock of the node that judged, in UTC, as the days of
 * reports do: for a reader elsewhere an hour is the same hour, a day begins at
 * another of his. Who counts is one transaction with who stores, so that after
 * kill -9 both are there or neither.
 *
 * Not done here: counts by domain (store/reports.h has those that were seen),
 * by sender or by receiver; those would be data of people.
 *
 * Workload: a segment has some ten cells, a day some hundred; an answer reads
 * what is shown, never the rows themselves, of which there are millions.
 */
#ifndef STORE_REPORTS_TALLY_H
#define STORE_REPORTS_TALLY_H

#include "store/reports.h"

struct reports_tally {
	int64_t		 at;		/* the beginning of its hour or day, UTC */
	unsigned	 dmarc, arc;	/* as in reports_row */
	enum reports_act act;
	uint64_t	 n;
};
typedef int (*reports_tally_fn)(void *arg, const struct reports_tally *);
/* From that time on, in its order; sec: of an hour or a day, summed up so. */
int	 reports_tally(struct reports *, int64_t since, int64_t sec, reports_tally_fn,
	    void *arg) MUST_USE;

/* What happened to reports; REPORTS_N_ROWS: rows that were new. */
enum reports_count {
	REPORTS_N_ROWS,
	REPORTS_N_MADE,
	REPORTS_N_NO_ADDRESS,	/* made, and nobody may get it */
	REPORTS_N_SENT,		/* mails that were taken */
	REPORTS_N_FAILED,	/* attempts that failed for now */
	REPORTS_N_GIVEN_UP,	/* mails that will not be tried again */
	REPORTS_N_MAX
};
/* Ever: counters, which only grow. */
int	 reports_totals(struct reports *, uint64_t ret[static REPORTS_N_MAX]) MUST_USE;
/* Of days from that one on, in their order; rows are in the tally. */
typedef int (*reports_counts_fn)(void *arg, int64_t day, enum reports_count, uint64_t n);
int	 reports_counts(struct reports *, int64_t day, reports_counts_fn, void *arg) MUST_USE;

/* How it stands now. */
struct reports_now {
	uint64_t	n_due;		/* mails that are to be sent */
	int64_t		due_made;	/* when the oldest report among them was made; -1: none */
	int64_t		waiting_day;	/* the oldest day of which rows wait for a report; -1: none */
	uint64_t	n_unaddressed;	/* made; it is not known yet to whom they go */
	uint64_t	n_domains;	/* that were seen authenticated */
};
int	 reports_now(struct reports *, struct reports_now *ret) MUST_USE;
/* Mails that were given up, the newest first. */
int	 reports_given_up(struct reports *, uint64_t max, reports_sending_fn, void *arg) MUST_USE;
/* Addresses that failed for good so often in a row, since then; the newest first. */
typedef int (*reports_failing_fn)(void *arg, struct sv address, uint64_t failures, int64_t at);
int	 reports_failing(struct reports *, uint64_t failures, int64_t since, uint64_t max,
	    reports_failing_fn, void *arg) MUST_USE;

/* --- a person looks for reports --- */

struct reports_wish {
	struct sv	domain;		/* .n is 0: any */
	int64_t		day;		/* -1: any */
	int		state;		/* enum reports_state, or one of those below, -1: any */
	uint64_t	max;
	int64_t		since;		/* days from that one on, where day is -1; 0: any */
};
enum reports_wished {
	REPORTS_ASKING = REPORTS_STATE_MAX,	/* nobody has said yet to whom it goes */
	REPORTS_NOBODY,				/* to nobody */
	REPORTS_WISHED_MAX
};
struct reports_listed {
	struct reports_sending	sending;	/* address: .n is 0: none (yet) */
	bool			is_addressed;	/* it is known to whom it goes */
};
/* The newest first, one for each address. */
typedef int (*reports_listed_fn)(void *arg, const struct reports_listed *);
int	 reports_list(struct reports *, const struct reports_wish *, reports_listed_fn,
	    void *arg) MUST_USE;
/* -ENOENT. Texts in the pool. */
int	 reports_report(struct reports *, uint64_t id, struct pool *,
	    struct reports_report *ret) MUST_USE;

#endif
