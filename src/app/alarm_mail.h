/*
 * app/alarm_mail: what a mail says of alarms. The store keeps a row for each
 * that was told and not mailed yet (store/history.h); a mail has all that
 * wait, as far as they fit.
 */
#ifndef APP_ALARM_MAIL_H
#define APP_ALARM_MAIL_H

#include "base/buf.h"
#include "base/finding.h"
#include "base/tr.h"

/* How an alarm is told. */
enum alarm_event {
	ALARM_NOTE,		/* happened */
	ALARM_BEGIN,
	ALARM_STILL,		/* holds, and is said again */
	ALARM_END,
};

/* A paragraph: when, what, the finding, what to do. f NULL: only the key (an end). */
void	 alarm_mail_text(struct buf *, enum alarm_event, const char *key, const struct finding *f,
	    int64_t at, enum lang);

struct alarm_mail {
	struct sv	org;		/* may be empty */
	enum lang	lang;
	size_t		n;		/* paragraphs in it */
	size_t		n_routes, n_zones, n_keys, n_reports;	/* of what they are */
	uint64_t	n_more;		/* that did not fit */
	struct buf	codes;		/* "ALARM_LOST, ALARM_CA" */
	struct buf	body;
	char		head[256];	/* of the only one: its key */
};

void	 alarm_mail_init(struct alarm_mail *, struct sv org, enum lang);
void	 alarm_mail_done(struct alarm_mail *);
/* false: it does not fit any more. key: CODE, blank, subject. */
bool	 alarm_mail_add(struct alarm_mail *, struct sv key, struct sv text);
/* The subject line, and the last words of the body. */
int	 alarm_mail_end(struct alarm_mail *, struct buf *subject) MUST_USE;

#endif
