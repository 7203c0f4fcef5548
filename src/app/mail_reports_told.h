/*
 * app/mail_reports_told: what a reader of the page sees of reports.
 *
 * Role report makes this text now and then and after each round of sending, and
 * sends it to role web (report_told), which shows it on the page and in the
 * metrics. It is an object:
 *
 *	now		when it was made
 *	journal_since	since when segments of the filter's journal have been waiting to be
 *			taken into the store, without a pause; or null
 *	trouble		what does not work at this moment: {"of", "what", "since"}, or null
 *	columns		what the numbers of hours and days are
 *	hours		[[hour's beginning, numbers…]…]: of the last 48 those that have any
 *	days		[[day's beginning, numbers…]…]: of the last 30, by UTC as reports are
 *	totals		counters: {"rows", "made", "no_address", "sent", "failed", "given_up"}
 *	reports		the same of the last 14 days, by the day on which it happened:
 *			{"day", "made", "no_address", "sent", "failed", "given_up"}
 *	queue		{"due", "oldest", "unaddressed", "waiting_since"}: mails that are to
 *			be sent; when the oldest report among them was made, or null; reports
 *			of which it is not known yet to whom they go; the oldest day of which
 *			rows wait for a report, or null
 *	next		mails that are tried next: {"id", "domain", "day", "address",
 *			"attempts", "next", "error"}
 *	given_up	those that were given up last: the same members
 *	dead		addresses past hope: {"address", "failures", "at"}
 *	dead_total	how many
 *	domains		those with the most messages: {"domain", "first", "last",
 *			"messages", "passed", "quarantined", "rejected", "complaints"}
 *	domains_total	how many are known
 *
 * Lists are cut so that all of it fits MAIL_REPORTS_TOLD_MAX, whatever names
 * strangers choose; totals are exact. Days are given as their beginning.
 */
#ifndef APP_MAIL_REPORTS_TOLD_H
#define APP_MAIL_REPORTS_TOLD_H

#include "app/mail_health.h"
#include "base/buf.h"
#include "store/reports.h"

#define MAIL_REPORTS_TOLD_MAX	48000	/* octets; as a member of a message (FRAME_MAX is 65536) */
#define MAIL_REPORTS_TOLD_HOURS	48
#define MAIL_REPORTS_TOLD_DAYS	30
#define MAIL_REPORTS_TOLD_HAPPENED 14	/* days: four times what a mail may wait */
#define MAIL_REPORTS_TOLD_DOMAINS 50	/* what a reader looks at */
#define MAIL_REPORTS_TOLD_NEXT	20
#define MAIL_REPORTS_TOLD_DEAD	20

/* Of the store; journal_at is the caller's to say, -1 until then. */
int	 mail_reports_facts(struct reports *, int64_t now, struct mail_health_facts *ret) MUST_USE;
/* What the store does not know. */
struct mail_reports_more {
	int64_t		 journal_at;		/* -1: no segment waits */
	struct sv	 trouble_of;		/* mail_trouble_text(); empty: all works */
	struct sv	 trouble;		/* what was said */
	int64_t		 trouble_since;
};
/* The text into an empty buf. The codes of store/reports.h. */
int	 mail_reports_told(struct reports *, int64_t now, const struct mail_reports_more *,
	    struct buf *json) MUST_USE;

#endif
