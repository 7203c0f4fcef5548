/*
 * report: sums up what milter judged, and reports it to the domains' owners.
 *
 *	report.c	the role: configuration, a turn now and then, what is told
 *	report_turn.c	one turn: its parts, and what fails in them
 *	report_take.c	segments of this node's journals into the store
 *	report_send.c	reports are made, addressed, sent and forgotten
 *	report_failure.c	the same of failure reports
 *	report_complaint.c	complaints about mail, noted
 *
 * A TURN is work that may block: a database, name servers, a mail server. It
 * runs on a thread beside the role's loop (sys/task.h). One owns struct
 * report_work at a time: the turn while it runs, the loop between turns. So
 * there are no locks; what a turn has to say to the log it leaves behind, and
 * status answers with how it was after the last one. Each part of it has so many
 * seconds (report_turn.c) and one mail, transaction or round of questions more
 * at the most, so that none starves the others; what is left is for the next.
 *
 * NOTHING IS LOST OR DOUBLED. A segment is removed after its rows are in the
 * store; who does not know whether they are gives it again, and its rows are
 * known (store/reports.h). A mail is noted when it was taken; who is killed
 * between both sends it again, with the same Message-ID and file name, so at
 * most one mail for each kill is there twice, and known to be one.
 *
 * MANY NODES of one store: each takes in its own rows; the one that has the
 * lock does the rest, and the others look for it each minute.
 *
 * WHAT FAILS says so once, and once when it works again (enum report_trouble).
 * It is tried again after a second, two, four …; rows stay in the journal and
 * reports in the store meanwhile.
 */
#ifndef ROLE_REPORT_ROLE_H
#define ROLE_REPORT_ROLE_H

#include <stdatomic.h>

#include "app/mail_cache.h"
#include "app/mail_dns.h"
#include "app/mail_failures.h"
#include "app/mail_out.h"
#include "app/mail_reports_told.h"
#include "role/role.h"
#include "store/reports_tally.h"

#define REPORT_IDLE_USEC	INT64_C(2000000)	/* between turns; as soon as a segment is sealed … */
#define REPORT_BUSY_USEC	INT64_C(50000)		/* … or where work was left */
#define REPORT_LOOK_USEC	INT64_C(60000000)	/* for the lock, and for reports whose time has come */
#define REPORT_TELL_USEC	INT64_C(10000000)	/* the page, after a change */
#define REPORT_PRUNE_USEC	INT64_C(3600000000)
#define REPORT_STORE_WAIT_SEC	60			/* at the most, for a store that is away */
#define REPORT_OUT_WAIT_SEC	300			/* for a mail server */
#define REPORT_DNS_SEC		20			/* for all questions of one round */
#define REPORT_AGAIN_USEC	INT64_C(2000000)	/* until the DNS is asked again about those whom it … */
#define REPORT_AGAIN_MAX_USEC	INT64_C(600000000)	/* … did not tell; if that took long, as long */
#define REPORT_LINES_MAX	16			/* for the log, of one turn */
#define REPORT_LINE_MAX		700

/* What does not work now. */
enum report_trouble {
	REPORT_NO_STORE,
	REPORT_NO_JOURNAL,
	REPORT_NO_WAY,			/* nobody takes mails */
	REPORT_NO_NAMES,		/* the DNS cannot be asked */
	REPORT_TROUBLES
};

struct report_wait {
	bool		 is_on;
	unsigned	 n;		/* failures in a row */
	int64_t		 next_usec;	/* not before */
	int64_t		 since;
	char		 what[REPORT_LINE_MAX];
};

/* Since the role began. */
struct report_counts {
	uint64_t	rows, known, bad;	/* taken in; known: they came again */
	uint64_t	damaged;		/* segments put aside */
	uint64_t	made, addressed;
	uint64_t	sent, later, refused;
	uint64_t	complaints;		/* noted */
	uint64_t	failures, alike, over, failures_sent;	/* failure reports: taken in … */
};

/* "store", "journal", "via", "dns": app/mail_health.h has texts. */
const char *report_trouble_word(enum report_trouble);

/* For status, of the last turn. */
struct report_seen {
	struct report_counts n;
	struct report_wait troubles[REPORT_TROUBLES];
	struct reports_now now;
	struct reports_mails_now failures;
	struct mail_health_facts facts;	/* told_at: of the last time, or the start */
	bool		 has_now, sends;
	uint64_t	 segments;	/* that wait in the journal */
	int64_t		 error_at;	/* of a mail; 0: none */
	char		 error[REPORT_LINE_MAX];
};

#define REPORT_COMPLAINTS_MAX	16		/* that wait for a turn: the control socket has as many clients */
#define REPORT_COMPLAINT_LEN	3600		/* names of one, as the message has it */

struct report_complaint {
	uint32_t	 req;
	int		 rc;			/* after the turn; 1: it had none */
	char		 names[REPORT_COMPLAINT_LEN + 1];
};

struct report_work {
	struct role		*role;		/* its clock, nothing else */
	atomic_bool		 is_stopped;
	/* of the configuration */
	struct pool		*pool;
	const char		*rows;
	const char		*failures;	/* the folder of failure reports; NULL: none are made */
	struct mail_failures_conf failures_conf;
	const char		*store_where;
	const char		*store_name;	/* for people: no secret */
	struct mail_reports_conf conf;
	struct mail_dns_resolvers resolvers;
	uint32_t		 keep_rows, keep_names;
	struct mail_out		*out;
	struct mail_cache	*cache;
	/* between turns */
	struct reports		*store;		/* NULL: to be opened */
	int64_t			 look_usec, tell_usec, prune_usec;
	uint64_t		 address_after, failures_after;
	size_t			 address_max;	/* of one round */
	int64_t			 pass_usec, again_usec, failures_again_usec;
	struct mail_reports_unnoted unnoted;
	bool			 is_behind;	/* segments are left */
	bool			 is_changed;	/* since the page was told */
	int64_t			 behind_since;	/* segments were left after each turn since then, as told */
	uint64_t		 named;		/* the last segment that the log was told of */
	struct report_seen	 seen;
	struct report_complaint	 complaints[REPORT_COMPLAINTS_MAX];	/* of the next turn */
	size_t			 n_complaints;
	/* of this turn */
	int64_t			 end_usec;	/* of its part */
	bool			 has_more;
	struct buf		 told;		/* for the page; empty: nothing new */
	unsigned		 n_lines;
	struct {
		enum log_level	 level;
		char		 text[REPORT_LINE_MAX];
	}			 lines[REPORT_LINES_MAX];
};

/* --- report_turn.c --- */

void	 report_turn(void *work);
bool	 report_is_over(const struct report_work *);
void	 report_say(struct report_work *, enum log_level, const char *fmt, ...) PRINTF(3, 4);
/* It fails, and is tried again later; it works. Each is said when it changes. */
void	 report_fails(struct report_work *, enum report_trouble, const char *why);
void	 report_works(struct report_work *, enum report_trouble);
bool	 report_may(const struct report_work *, enum report_trouble);

/* --- report_take.c; the codes of store/reports.h --- */

int	 report_take(struct report_work *) MUST_USE;

/* --- report_send.c; the same, for who has the lock --- */

int	 report_make(struct report_work *) MUST_USE;
int	 report_address(struct report_work *) MUST_USE;
int	 report_send(struct report_work *) MUST_USE;
int	 report_prune(struct report_work *) MUST_USE;

/* The DNS of one batch, and what it is asked with; both until the batch is over. */
struct report_asking {
	struct report_work	*w;
	struct mail_dns		*dns;
	struct mail_reports_dns	 d;
	unsigned		 n;
};
/* When that is asked again which was asked about from began to now (clock_mono_usec()). */
int64_t	 report_again(int64_t began);
/* false: it cannot be asked now. */
bool	 report_asking_init(struct report_work *, struct report_asking *, uint64_t after);
void	 report_asking_done(struct report_asking *);

/* --- report_complaint.c; the same --- */

int	 report_complaints_note(struct report_work *) MUST_USE;

/* --- report_failure.c; the same --- */

int	 report_failures_take(struct report_work *) MUST_USE;
int	 report_failures_out(struct report_work *) MUST_USE;

#endif
