/*
 * app/mail_health: is something wrong with rows and reports of mail?
 *
 * What enters is a few numbers of the store, its journals and the time; what
 * leaves is one degree for each thing that can go wrong. The page and role
 * report (for "sekisho status --nagios") ask here, so that they never differ. Pure.
 *
 *	told		role report is silent: its store is away, or it is down
 *	journal		rows wait in the mail filter's journal, and are not taken
 *	rows		past days have no report
 *	queue		a report waits for more than a day to be sent, and none goes out
 *	given_up	many reports were given up
 *
 * Each is known by an age, the last by a share; from when on it is a warning,
 * and from when on bad, stands below with its reason.
 *
 * A report that one receiver does not take is nothing to wake anybody for. A
 * queue that stands still, or rows that nobody takes, are: after days they
 * become reports that nobody will get.
 */
#ifndef APP_MAIL_HEALTH_H
#define APP_MAIL_HEALTH_H

#include <stdbool.h>
#include <stdint.h>

#include "base/sv.h"

/* A segment is taken as soon as it is closed; after a while away, a queue of them in minutes. */
#define MAIL_HEALTH_JOURNAL_WARN_SEC	(15 * 60)
#define MAIL_HEALTH_JOURNAL_BAD_SEC	(6 * 3600)	/* the journal has room for a day of many mails */
/* Role report tells its numbers each minute; where it cannot, its store is away or it is down. */
#define MAIL_HEALTH_TOLD_WARN_SEC	(15 * 60)
#define MAIL_HEALTH_TOLD_BAD_SEC	(6 * 3600)
/* A day's reports are made before the next ends; what comes late, a day after. */
#define MAIL_HEALTH_ROWS_WARN_SEC	(2 * 86400 + 2 * 3600)	/* after the day's end */
#define MAIL_HEALTH_ROWS_BAD_SEC	(4 * 86400)
/* Some receiver is always down for days: that others get theirs shows that we are not. */
#define MAIL_HEALTH_QUEUE_WARN_SEC	86400
#define MAIL_HEALTH_QUEUE_BAD_SEC	(2 * 86400)	/* after three days reports are given up */
/* Of a hundred mails that went out or were given up since yesterday, so many given up. */
#define MAIL_HEALTH_GIVEN_UP_WARN	1
#define MAIL_HEALTH_GIVEN_UP_BAD	50
#define MAIL_HEALTH_GIVEN_UP_FEW	10	/* fewer are never bad: a small house has one receiver that is gone */

enum mail_health_what {
	MAIL_HEALTH_TOLD,	/* nothing is heard of reports */
	MAIL_HEALTH_JOURNAL,	/* rows that the mail filter wrote are not taken */
	MAIL_HEALTH_ROWS,	/* rows of past days have no report */
	MAIL_HEALTH_QUEUE,	/* a report waits for more than a day, and none was sent since yesterday */
	MAIL_HEALTH_GIVEN_UP,	/* reports were given up since yesterday */
	MAIL_HEALTH_MAX
};
enum mail_health {		/* as those of monitoring systems */
	MAIL_HEALTH_GOOD,
	MAIL_HEALTH_WARN,
	MAIL_HEALTH_BAD
};

struct mail_health_facts {
	int64_t		now;
	int64_t		told_at;	/* when role report told this; -1: it was asked of the store itself */
	int64_t		journal_at;	/* since when some of its segments have not been taken; -1: all are */
	int64_t		rows_day;	/* the oldest day (its beginning) of which rows wait; -1 */
	int64_t		due_made;	/* when the oldest report that is still due was made; -1 */
	uint64_t	n_sent, n_given_up;	/* mails, since yesterday began */
};

enum mail_health mail_health(const struct mail_health_facts *, enum mail_health_what);
/* Is it to be told by an alarm? A warning of the share is not. */
bool	 mail_health_is_alarm(const struct mail_health_facts *, enum mail_health_what);
/* -1: none has this word. */
int	 mail_health_find(struct sv word);
/* "told", "journal", "rows", "queue", "given_up" */
const char *mail_health_word(enum mail_health_what);
/* What is wrong, in a sentence without its end; and what to do: msgids. */
const char *mail_health_text(enum mail_health_what);
const char *mail_health_remedy(enum mail_health_what);

/*
 * What does not work at this moment, and is tried again by itself: of "store", "journal", "via"
 * or "dns", as role report names it. A msgid as above, also for what is none of these.
 */
const char *mail_trouble_text(const char *of);

#endif
