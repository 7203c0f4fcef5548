/*
 * mark: fetches the marks (BIMI) that domains publish, judges them, keeps what
 * came of it, and tells role milter.
 *
 *	mark.c		the role: configuration, questions and answers, status
 *	mark_job.c	one mark on its way: its turn, the fetching, the verdict
 *	mark_keep.c	what is known: files below STATE/marks
 *	mark_rate.c	how often who may make us fetch
 *
 * WHO MAKES US FETCH. Whoever sends a mail that passes DMARC: a stranger, who
 * has chosen the addresses, too. So mail could make this host knock at others'
 * doors, as often as mail comes. Against that: a mark is fetched once a day
 * (once an hour where it was of no use), and by domain, by server and in all
 * fetching is counted, over an hour (MARK_PER_…). Who is beyond is not answered;
 * his mail is shown without a mark. Wildcards in somebody's own zone are one
 * organizational domain, and one count.
 *
 * A SLOW OR HOSTILE SERVER costs its own turn: MARK_RUNNING_MAX are under way
 * at a time, one for each organizational domain, each with a time (20 s) and
 * sizes (app/mail_mark_fetch.h); what is unpacked is bounded by app/mail_svg.h;
 * what waits is bounded by MARK_QUEUE_MAX, and for each of them, too.
 *
 * WHAT IS KEPT are files of app/mail_mark.h's form, named by the SHA-256 of
 * their keys, made by rename: a kill at any moment leaves the old one or the
 * new one. They are bounded in number and octets; the oldest goes. Results
 * that are bad are kept, too, or each mail would be a question again.
 *
 * Nothing here speaks for long to anybody who waits: a milter that asks for
 * what is not known hears of it when it is there, and asks again if it has not.
 */
#ifndef ROLE_MARK_ROLE_H
#define ROLE_MARK_ROLE_H

#include "app/mail_mark.h"
#include "app/mail_mark_fetch.h"
#include "role/role.h"

#define MARK_KEPT_MAX		4096		/* marks: a large host's correspondents that have one */
#define MARK_KEPT_BYTES_MAX	((uint64_t)64 << 20)
#define MARK_QUEUE_MAX		128		/* that wait; beyond that they are asked for again */
#define MARK_QUEUE_PER_ORG	8		/* of them, so that nobody takes all places */
#define MARK_RUNNING_MAX	4		/* fetched at a time */
#define MARK_PER_HOUR		1200		/* fetched within an hour: one in three seconds … */
#define MARK_PER_ORG		20		/* … for one organizational domain: its subdomains' and selectors' */
#define MARK_PER_SERVER		120		/* … from one server: some hold the marks of many */
#define MARK_GOOD_SEC		86400		/* fetched again after a day, or at the certificate's end */
#define MARK_BAD_SEC		3600
#define MARK_AHEAD_SEC		3600		/* asked for so long before its end: fetched anew */
#define MARK_ROOTS_MAX		((size_t)256 * 1024)	/* octets of PEM */

/* --- how often (mark_rate.c) --- */

#define RATE_PLACES		1024		/* for each kind; two that share one count as one */

struct rate_place {
	int64_t		from;		/* the hour begins */
	uint32_t	n;
};
struct mark_rate {
	struct rate_place	all, orgs[RATE_PLACES], servers[RATE_PLACES];
};
/* May it be fetched now? Counted if so. */
bool	 mark_rate_take(struct mark_rate *, const struct mail_mark_key *, int64_t now);

/* --- what is known (mark_keep.c) --- */

struct mark_kept {
	uint8_t		id[SHA256_LEN];
	int64_t		made;
	uint32_t	n;		/* octets */
};
struct mark_keep {
	char			*folder;
	struct mark_kept	*list;		/* MARK_KEPT_MAX */
	size_t			 n;
	uint64_t		 bytes;
	unsigned		 n_damaged;	/* files that were none of ours, removed */
};
/* Looks what is there; ends what has ended. */
int	 mark_keep_open(struct mark_keep *, struct sv folder, int64_t now) MUST_USE;
void	 mark_keep_done(struct mark_keep *);
/* Octets of app/mail_mark.h by those of their key, in the pool. 0; -ENOENT; … */
int	 mark_keep_read(const struct mark_keep *, struct sv key, struct pool *, struct sv *ret) MUST_USE;
/* What is older than any may be goes: nobody's mail is remembered longer than is said. */
void	 mark_keep_sweep(struct mark_keep *, int64_t now);
/* On the disk when it returns 0. */
int	 mark_keep_put(struct mark_keep *, struct sv key, struct sv octets, int64_t made) MUST_USE;

/* --- one mark on its way (mark_job.c) --- */

struct mark_job;
struct mark_state {
	struct role		*role;
	struct fetcher		*fetcher;
	struct loop_timer	*timer;
	struct mark_keep	 keep;
	struct mark_rate	 rate;
	struct pool		*pool;		/* of the configuration: the roots */
	struct sv		 roots;		/* PEM; empty: evidence is not looked at */
	uint32_t		 timeout_msec;
	uint64_t		 resolver;	/* signature of its files */
	struct mark_job		*jobs;
	unsigned		 n_jobs, n_running;
	uint64_t		 n_asked, n_known, n_fetched, n_good, n_bad, n_refused, n_unkept;
};
/* Fetched when its turn comes, if there is room and it may be. key: its octets. -ENOMEM. */
int	 mark_job_add(struct mark_state *, struct sv key) MUST_USE;
/* Those whose turn it is begin. From the loop only. */
void	 mark_jobs_run(struct mark_state *);
void	 mark_jobs_stop(struct mark_state *);
/* Told to role milter. */
int	 mark_tell(struct mark_state *, struct sv octets) MUST_USE;

#endif
