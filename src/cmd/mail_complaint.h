/* sekisho mail complaint: what its files share. */
#ifndef CMD_MAIL_COMPLAINT_H
#define CMD_MAIL_COMPLAINT_H

#include "cmd/mail.h"
#include "mail/feedback.h"

struct complaint {
	struct pool		*pool;
	struct mail_case	 m;		/* the mail, and its options where it is judged */
	struct conf		*conf;		/* NULL: there is none */
	struct dname		*own;
	size_t			 n_own;
	bool			 is_note, is_send;
	const char		*to, *from, *key;
	struct findings		 fs;
	struct feedback		*f;		/* NULL: it is none */
	struct feedback_about	 about;
	struct feedback_note	 note;
};

/* Against whom it counts: found (where it is shown), and handed to the daemon. 0, or an exit code. */
int	 complaint_note_find(const struct cmd_ctx *, struct complaint *) MUST_USE;
int	 complaint_note_send(const struct cmd_ctx *, const struct complaint *) MUST_USE;
/* "make FILE": a complaint about a message, to standard output. */
int	 complaint_make(const struct cmd_ctx *, struct complaint *, const char *name) MUST_USE;

#endif
