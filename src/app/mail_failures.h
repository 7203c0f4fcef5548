/*
 * app/mail_failures: failure reports, from a milter's segments to mails that
 * have been sent (RFC 9991). The milter's half is app/mail_failure.h; the
 * tables are store/reports_mails.h.
 *
 * For role report's worker, each time it takes in rows: with the segments of
 * STATE/mail-failures (app/mail_journal.h: list, map, remove) instead of
 * STATE/mail-rows,
 *
 *	mail_failures_take()	a segment into the tables, whole or not at all;
 *				then mail_journal_remove(), as with rows
 *	mail_failures_address()	to whom do they go (RFC 9991 section 4)?
 *	mail_failures_send()	what is due, to a function that sends
 *	mail_failures_prune()	what is old enough is forgotten
 *
 * and where the configuration has no mail.failure-reports (conf->per_day is 0),
 * none of them.
 *
 * AGAIN. A report that fails for now is tried after 5, 15 minutes, an hour, and
 * then every 4 hours; it is "almost immediately" of use, so one that is a day
 * old is not sent any more. Who refuses three in a row gets none for a month; the
 * reports of the day go on, as what is refused here may be a stranger's text. Who
 * refuses those gets none of these, either.
 *
 * NO LOOPS. The mails have the null sender in their envelope, say
 * Auto-Submitted, and are sent from a domain that authenticates ("Email streams
 * carrying DMARC failure reports SHOULD be DMARC aligned").
 *
 * Here are no clock, no sockets and no threads.
 */
#ifndef APP_MAIL_FAILURES_H
#define APP_MAIL_FAILURES_H

#include "app/mail_reports.h"
#include "store/reports_mails.h"

#define MAIL_FAILURES_FOLDER	"mail-failures"	/* in the state directory */
#define MAIL_FAILURES_GATHER_SEC 600		/* like incidents come together; reports are for people */
#define MAIL_FAILURES_END_SEC	86400		/* after the message came */
#define MAIL_FAILURES_KEEP_SEC	(3 * 86400)	/* identities; a segment that comes again comes sooner */
#define MAIL_FAILURES_BATCH_MAX	50		/* mails of one round, 32 KB each at most */

struct mail_failures_conf {
	struct sv	email, submitter;	/* who reports: as in struct mail_reports_conf */
	struct sv	agent;			/* our name and version */
	uint64_t	per_domain, per_day;	/* mails of a day; 0: nobody makes any */
};

struct mail_failures_taken {
	uint64_t	n[REPORTS_MAIL_ADDED_MAX];
	uint64_t	n_bad;		/* octets that are no report, passed over */
	uint64_t	lost;		/* octets at the end of the segment that are no frame */
};
/* One transaction. The codes of store/reports.h; -EBADMSG: it is no segment. */
int	 mail_failures_take(struct reports *, const struct mail_failures_conf *, struct sv segment,
	    struct mail_failures_taken *ret) MUST_USE;
/*
 * *ret: of how many it is known now. What the DNS does not say waits, for a day at most. One
 * batch; dns->after is where the next begins, 0 when all had their turn.
 */
int	 mail_failures_address(struct reports *, struct mail_reports_dns *, struct findings *,
	    int64_t now, unsigned *ret) MUST_USE;
/* A mail (RFC 5322 lines that end in LF) to one address, with the null sender. As mail_reports_send_fn. */
typedef enum mail_reports_sent (*mail_failures_send_fn)(void *arg, struct sv to, struct sv mail,
	    struct sv *ret_error);
/* All that is due, MAIL_FAILURES_BATCH_MAX at most, or until the first AWAY; *ret: attempts. */
int	 mail_failures_send(struct reports *, const struct mail_failures_conf *, int64_t now,
	    mail_failures_send_fn, void *arg, unsigned *ret) MUST_USE;
int	 mail_failures_prune(struct reports *, int64_t now, bool *ret_more) MUST_USE;

/* Pure: when is it tried again, or not again? */
struct reports_outcome mail_failures_outcome(const struct reports_mail_sending *,
	    enum mail_reports_sent, struct sv error, int64_t now);

#endif
