/*
 * sekisho mail reports: what its files share.
 *
 *	mail_reports.c		the command and its options
 *	mail_reports_list.c	reports, each with those whom it goes to
 *	mail_reports_queue.c	how it stands now: below the list
 *	mail_reports_waiting.c	what is made when
 *	mail_reports_one.c	one report: all that is known of it, or its text
 */
#ifndef CMD_MAIL_REPORTS_H
#define CMD_MAIL_REPORTS_H

#include "cmd/mail_store.h"
#include "store/reports_tally.h"

struct mail_reports_work {
	struct cmd_ctx		*ctx;
	uint32_t		 limit, part;	/* 0: not given */
	uint64_t		 id;		/* of --show and --xml */
	bool			 is_show, is_xml, is_waiting;
	struct reports_wish	 wish;
	struct pool		*pool;
	struct mail_store	 store;
	struct buf		 b;
	struct json		 j;
};

/* Into b: 0, or a code of store/reports.h. */
int	 mail_reports_list(struct mail_reports_work *) MUST_USE;
int	 mail_reports_waiting(struct mail_reports_work *) MUST_USE;
int	 mail_reports_show(struct mail_reports_work *) MUST_USE;

/* The end of an object in JSON, or lines. */
int	 mail_reports_queue(struct mail_reports_work *) MUST_USE;
/* "due", … for programs; and for people (a msgid). */
extern const char *const mail_reports_states[REPORTS_WISHED_MAX];
const char *mail_reports_state_text(unsigned wished);
/* enum reports_wished */
unsigned mail_reports_state(const struct reports_listed *);

/* To standard output: an exit code. */
int	 mail_reports_xml(struct mail_reports_work *) MUST_USE;

#endif
