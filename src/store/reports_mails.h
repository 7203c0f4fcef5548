/*
 * store/reports_mails: mails that are ready to be sent: failure reports of the
 * milters (RFC 9991), and complaints that are handed over (RFC 5965).
 *
 * What enters is octets of a mail to be (app/mail_failure.h; nothing here looks
 * inside), known by node, queue id and time as a row is, so that a segment that
 * is taken twice, or a process that is killed in the middle, doubles none.
 *
 * LIKE INCIDENTS. RFC 9991 section 2: "the aim is not to count each and every
 * failure, but rather to report different failure paths." A mail waits for a
 * while before anybody is asked about its addresses; what comes meanwhile and is
 * alike raises its count of incidents, and is no mail of its own. Of the
 * others per_domain a day are kept for a domain, and per_day in all; what is
 * beyond is counted, and forgotten.
 *
 * A mail that is alike but comes later is a further one, within the same limits:
 * an owner who mends something wants to see whether it helped.
 *
 * REFUSED. What is in such a mail is in part a stranger's, who can put there what
 * a filter refuses: so refusals do not count against the address as those of a
 * day's reports do (reports_failures()), but against "ruf:ADDRESS". Codes as in store/reports.h. While a function hands out
 * mails, nothing else may be asked of the same store.
 */
#ifndef STORE_REPORTS_MAILS_H
#define STORE_REPORTS_MAILS_H

#include "store/reports.h"

#define REPORTS_MAILS_REFUSED	"ruf:"

struct reports_mail {
	uint64_t	 id;		/* of the store; not of what is added */
	struct sv	 node, queue_id;	/* of what is added */
	int64_t		 at;
	struct sv	 domain;	/* whose policy asks for it */
	struct sv	 alike;		/* of what is added; the same octets: the same failure path */
	struct sv	 octets;
	uint64_t	 incidents;	/* read: messages alike, itself too */
};

struct reports_mails_limits {
	uint64_t	per_domain, per_day;	/* mails of a day of one domain, and of all */
};

enum reports_mails_added {
	REPORTS_MAIL_NEW,
	REPORTS_MAIL_JOINED,	/* one more incident of one that waits */
	REPORTS_MAIL_KNOWN,	/* it was taken before */
	REPORTS_MAIL_OVER,	/* more than the limits allow */
	REPORTS_MAIL_ADDED_MAX
};
/* Between reports_begin() and reports_end(). */
int	 reports_mails_add(struct reports *, const struct reports_mail *,
	    const struct reports_mails_limits *, enum reports_mails_added *ret) MUST_USE;

typedef int (*reports_mail_fn)(void *arg, const struct reports_mail *);
/*
 * Those that have gathered since before that time, and of which nobody has said to whom they go;
 * with numbers behind after.
 */
int	 reports_mails_unaddressed(struct reports *, int64_t before, uint64_t after, uint64_t max,
	    reports_mail_fn, void *arg) MUST_USE;
/* To whom, and when at first. Said once: -EEXIST. */
int	 reports_mails_address(struct reports *, uint64_t id, const struct sv *to, size_t n,
	    int64_t next) MUST_USE;

struct reports_mail_sending {
	struct reports_mail mail;
	struct sv	 address, error;
	enum reports_state state;
	uint64_t	 attempts;
	int64_t		 next;
};
typedef int (*reports_mail_sending_fn)(void *arg, const struct reports_mail_sending *);
int	 reports_mails_due(struct reports *, int64_t now, uint64_t max,
	    reports_mail_sending_fn, void *arg) MUST_USE;
/* How it went: is_failure counts against the address. -ENOENT. */
int	 reports_mails_tried(struct reports *, uint64_t id, struct sv address,
	    const struct reports_outcome *) MUST_USE;
/* How often in a row failure reports to it were refused; as reports_failures(). */
int	 reports_mails_failures(struct reports *, struct sv address, uint64_t *ret,
	    int64_t *ret_at) MUST_USE;

/* How it stands, for a person. */
struct reports_mails_now {
	uint64_t	n_gathering;	/* nobody has said yet to whom they go */
	uint64_t	n_due, n_sent, n_given_up;	/* mails to an address, of those that are kept */
};
int	 reports_mails_now(struct reports *, struct reports_mails_now *ret) MUST_USE;

/* Forgets what came before that time, a slice at a time. */
int	 reports_mails_prune(struct reports *, int64_t before, bool *ret_more) MUST_USE;

#endif
