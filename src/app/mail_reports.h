/*
 * app/mail_reports: from rows to reports that have been sent.
 *
 * What enters is segments of the milters' journals (app/mail_journal.h), the
 * store, the DNS and the time; what leaves is mails, handed to whoever sends
 * them, and what became of each is noted in the store (store/reports.h).
 *
 *	mail_reports_take()	a segment into the tables, whole or not at all
 *	mail_reports_due()	whose report is made now?
 *	mail_reports_address()	to whom does it go (RFC 9990 section 4)?
 *	mail_reports_write()	its text, packed, in parts of a size that is taken
 *	mail_reports_send()	what is due, to a function that sends
 *	mail_reports_outcome()	how it went: again when, or not again
 *
 * WHEN. A domain has a moment of the day of its own, by a digest of its name,
 * from MAIL_REPORTS_FIRST_SEC after midnight (UTC) on, so that a provider with
 * a hundred thousand of them does not send them all at once, and each receiver
 * gets ours at the same time every day. Then the report of the day before is
 * made.
 *
 * LATE ROWS. A node that was away delivers its segments later. RFC 9990 section
 * 3.5.4: "In the situation of a partial time frame overlap, there is no clear
 * way to distinguish the impact of the overlap", so a later report never spans
 * the earlier day as well. What came too late goes into a further report of its
 * own day, the same period with a Report-ID of its own, at the domain's next
 * moment (section 3.2 has "multiple reports for the same period", and
 * identifiers are what tells a duplicate from an addition).
 *
 * AGAIN. An attempt that fails for now is repeated after 1, 4, 8, 16 hours and
 * so on, until three days after the report was made. One that fails for good is
 * not; an address that did so MAIL_REPORTS_DEAD_MAX times in a row gets none
 * for a month. A repeated report is the same, octet by octet, under the same
 * identifier and file name (section 3.5.2: "MUST use the same filename").
 *
 * SIZE. The "!10m" behind an address is no limit any more (RFC 9989 section
 * 4.8). But mail has one everywhere, so a report that would make a larger mail
 * than the configuration says goes in parts, each a report of its own by form.
 *
 * Here are no clock, no sockets and no threads.
 */
#ifndef APP_MAIL_REPORTS_H
#define APP_MAIL_REPORTS_H

#include "app/mail.h"
#include "mail/report.h"
#include "mail/row.h"
#include "store/reports.h"

#define MAIL_REPORTS_FIRST_SEC	(2 * 3600)	/* after midnight: segments of a minute, nodes restarted */
#define MAIL_REPORTS_SPREAD_SEC	(20 * 3600)	/* moments lie within; two hours are left for the queue */
#define MAIL_REPORTS_END_SEC	(3 * 86400)	/* after a report was made; MTAs give up after five days */
#define MAIL_REPORTS_ASK_SEC	(12 * 3600)	/* the same: so long those whom the DNS knows wait for the others */
#define MAIL_REPORTS_DEAD_MAX	3		/* failures for good in a row: three days of them */
#define MAIL_REPORTS_DEAD_SEC	(30 * 86400)	/* then it is tried once more: people mend things */
#define MAIL_REPORTS_TO_MAX	DMARC_URIS_MAX	/* addresses of one report: "limits on supported URIs" */
#define MAIL_REPORTS_DUE_MAX	1000		/* domains of one round: others can be served between two */
#define MAIL_REPORTS_ADDRESS_MAX 50		/* reports of one round: MAIL_DNS_POOL_MAX has 300 answers */
#define MAIL_REPORTS_BATCH_MAX	100		/* attempts of one round */
#define MAIL_REPORTS_MAIL_MIN	((size_t)512 * 1024) /* octets of a mail: zlib holds back up to 64 KB */
#define MAIL_REPORTS_ID_LEN	32		/* letters of an identifier, without a part's number */

struct mail_reports_conf {
	struct sv		 org_name, email, contact;	/* contact may be empty */
	struct sv		 submitter;	/* our domain */
	struct sv		 generator;
	enum report_form	 form;
	size_t			 mail_max;	/* octets of a mail */
};

/* --- in --- */

struct mail_reports_taken {
	uint64_t	n_new, n_known;	/* rows; known: they came again */
	uint64_t	n_bad;		/* octets that are no row, passed over */
	uint64_t	lost;		/* octets at the end of the segment that are no frame */
};
/* One transaction. The codes of store/reports.h; -EBADMSG: it is no segment. */
int	 mail_reports_take(struct reports *, struct sv segment,
	    struct mail_reports_taken *ret) MUST_USE;

/* --- when (mail_reports_plan.c: pure) --- */

/* The moment of the domain for that day's report. */
int64_t	 mail_reports_moment(struct sv domain, int64_t day);
/* Does a moment for what waits of that day lie behind last, and not behind now? */
bool	 mail_reports_is_time(struct sv domain, int64_t day, int64_t last, int64_t now);

enum mail_reports_sent {
	MAIL_REPORTS_GOOD,
	MAIL_REPORTS_LATER,	/* it failed for now */
	MAIL_REPORTS_NEVER,	/* it failed for good */
	MAIL_REPORTS_AWAY	/* nobody was there to take it: not an attempt; the others wait, too */
};
struct reports_outcome mail_reports_outcome(const struct reports_sending *, enum mail_reports_sent,
	    struct sv error, int64_t now);
/* Is an address past hope that failed so often, the last time then? */
bool	 mail_reports_is_dead(uint64_t failures, int64_t at, int64_t now);

/* --- out --- */

/*
 * Makes the reports whose time came after last, of MAIL_REPORTS_DUE_MAX domains at most; *ret:
 * how many. *ret_more: there are others; ask again, with the same last.
 */
int	 mail_reports_due(struct reports *, int64_t last, int64_t now, unsigned *ret,
	    bool *ret_more) MUST_USE;

/* The DNS, as in app/mail_gate.h. fill: get what is missing; negative: it could not be done. */
struct mail_reports_dns {
	struct mail_ask	 ask;
	int		(*fill)(void *arg, struct mail_ask *);
	void		*fill_arg;
	bool		(*is_over)(void *fill_arg);	/* of app/mail_failures.h only: before each mail */
	size_t		 max;		/* reports of one round; 0: MAIL_REPORTS_ADDRESS_MAX */
	uint64_t	 after;		/* those behind this one have their turn; then it is the last of them */
	bool		 has_more;	/* there may be more behind that */
	bool		 has_room;	/* false: the answers were too large for so many; try fewer */
};
/*
 * Says of reports that are made to whom they go. Where the DNS does not answer, they wait: after
 * 0 begins anew.
 */
int	 mail_reports_address(struct reports *, struct mail_reports_dns *, struct findings *,
	    int64_t now, unsigned *ret) MUST_USE;

/* Part n (from 0) of a report, packed. Nothing may be asked of the store meanwhile. */
typedef int (*mail_reports_part_fn)(void *arg, unsigned n, const struct report_meta *,
	    struct sv gz);
int	 mail_reports_write(struct reports *, const struct mail_reports_conf *,
	    const struct reports_report *, mail_reports_part_fn, void *arg) MUST_USE;

/* A mail to one address. *ret_error: what was said, for a person; it must last until the next call. */
typedef enum mail_reports_sent (*mail_reports_send_fn)(void *arg, const struct report_mail *,
	    struct sv *ret_error);
/*
 * What became of an attempt that the store could not note: a full disk, a server that went. It
 * is the caller's from one call to the next, of the same store, empty at first: it is noted
 * before anything else is sent, so that nobody gets the same mail each time until it can be.
 */
struct mail_reports_unnoted {
	bool			is_there;
	uint64_t		report;
	struct reports_outcome	outcome;
	size_t			address_len;
	char			address[MAIL_ADDRESS_MAX], error[REPORTS_ERROR_MAX];
};
/* All that is due now, MAIL_REPORTS_BATCH_MAX at most, or until the first AWAY; *ret: attempts. */
int	 mail_reports_send(struct reports *, const struct mail_reports_conf *, int64_t now,
	    mail_reports_send_fn, void *arg, struct mail_reports_unnoted *, unsigned *ret) MUST_USE;

#endif
