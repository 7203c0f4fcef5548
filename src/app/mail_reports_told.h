/*
 * app/mail_reports_told: what a reader of the page sees of reports.
 *
 * Role report makes this text now and then and after each round of sending, and
 * sends it to role web (report_told), which shows it on the page and in the
 * metrics. "sekisho status" may show it as well. It is an object:
 *
 *	now		when it was made
 *	columns		what the numbers of hours and days are
 *	hours		[[hour's beginning, numbers…]…], the last 48 that have any
 *	days		[[day's beginning, numbers…]…], the last 30 that have any
 *	domains		those with the most messages: {"domain", "first", "last",
 *			"messages", "passed", "quarantined", "rejected", "complaints"}
 *	domains_total	how many are known
 *	waiting		rows that no report has yet: {"rows", "oldest_day"}
 *	queue		sendings: {"due", "sent", "given_up", "oldest"}; oldest: when the
 *			oldest report that is still due was made, or null
 *	next		those of them that are tried next: {"id", "domain", "day",
 *			"address", "attempts", "next", "error"}
 *	failed		those that were given up last: the same members
 *	reports		by day on which they were made: {"day", "made", "due", "sent",
 *			"given_up", "unaddressed", "no_address"}
 *	dead		addresses past hope: {"address", "failures", "at"}
 *	dead_total	how many
 *
 * Lists are cut so that all of it fits MAIL_REPORTS_TOLD_MAX, whatever names
 * strangers choose; totals are exact.
 */
#ifndef APP_MAIL_REPORTS_TOLD_H
#define APP_MAIL_REPORTS_TOLD_H

#include "base/buf.h"
#include "store/reports.h"

#define MAIL_REPORTS_TOLD_MAX	48000	/* octets; as a member of a message (FRAME_MAX is 65536) */
#define MAIL_REPORTS_TOLD_HOURS	48
#define MAIL_REPORTS_TOLD_DAYS	30
#define MAIL_REPORTS_TOLD_DOMAINS 50	/* what a reader looks at */
#define MAIL_REPORTS_TOLD_NEXT	20
#define MAIL_REPORTS_TOLD_DEAD	20

/* The text into an empty buf. The codes of store/reports.h. */
int	 mail_reports_told(struct reports *, int64_t now, struct buf *json) MUST_USE;

#endif
