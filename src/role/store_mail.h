/*
 * The store role's mails: what is told of alarms waits in the history, so it
 * outlives a restart; role mail sends it. One mail at a time has all that
 * wait, no more often than alarm.mail.gap. One that is not taken is tried
 * again, the same one, after 15 s, then twice as long, up to an hour; what
 * waited for MAIL_KEEP_SEC is given up, and the log says so.
 */
#ifndef ROLE_STORE_MAIL_H
#define ROLE_STORE_MAIL_H

#include "app/alarm_mail.h"
#include "role/role.h"
#include "store/history.h"

struct store_mail;

/* The history must outlive it. NULL: no memory. */
struct store_mail *store_mail_new(struct role *, struct history *);
struct store_mail *store_mail_free(struct store_mail *);
int	 store_mail_conf(struct store_mail *, const struct msg_store_conf *) MUST_USE;
/* After the sandbox has closed: what an earlier life left is sent. */
int	 store_mail_start(struct store_mail *) MUST_USE;
/* One that is told; f NULL: its end. */
int	 store_mail_note(struct store_mail *, enum alarm_event, const char *key,
	    const struct finding *f) MUST_USE;
void	 store_mail_sent(struct store_mail *, const struct msg_mail_done *);

#endif
