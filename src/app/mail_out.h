/*
 * app/mail_out: a mail of ours, ready to the last octet, is handed to who delivers it.
 *
 * What enters is an address and lines; what leaves is whether somebody has
 * taken the responsibility for it, or what he said instead:
 *
 *	MAIL_REPORTS_GOOD	it was taken: the mail system has it now, and its queue
 *	MAIL_REPORTS_LATER	not now (4xx; EX_TEMPFAIL), or it is not known whether
 *	MAIL_REPORTS_NEVER	never: this address, this mail (5xx at RCPT TO, or behind it)
 *	MAIL_REPORTS_AWAY	nobody was there, or he takes nothing at all from us: no
 *				mail is to blame, and none needs to be tried for a while
 *
 * It blocks: for a thread beside a role's loop. SMTP is spoken by libcurl
 * (net/smtp.h), without TLS and passwords, as with the mail system of this
 * machine. A sendmail program runs in a box (sys/box.h), which is made before
 * the role's own sandbox closes; a mail of megabytes goes to it as a file in
 * memory. One that is set-group-id to write to a spool (Postfix' and Exim's)
 * cannot work in there, a client of SMTP (msmtp) can.
 *
 * TWICE. Who took a mail and died before he said so gets it again, with the
 * same Message-ID. No way of handing over avoids that (RFC 5321 section
 * 4.2.5); the other mistake, none at all, does not happen.
 */
#ifndef APP_MAIL_OUT_H
#define APP_MAIL_OUT_H

#include "app/mail_reports.h"
#include "app/mail_via.h"

#define MAIL_OUT_SAID_MAX	480	/* octets of what was said */

struct mail_out_conf {
	struct mail_via	 via;
	const char	*sender;	/* of reports' envelopes; "": none, so nobody is told of bounces */
	const char	*helo;		/* this machine's name */
	const char	*folder;	/* for a program: absolute, nobody else's */
	uint32_t	 timeout_sec;	/* of one mail */
	bool		 no_sandbox;
};

struct mail_out;
/*
 * Before the sandbox closes; texts of conf stay the caller's. *ret_what: what failed. -ENOEXEC:
 * the program cannot be run.
 */
int	 mail_out_new(const struct mail_out_conf *, struct mail_out **ret,
	    const char **ret_what) MUST_USE;
struct mail_out *mail_out_free(struct mail_out *);
DEFINE_CLEANUP(struct mail_out, mail_out_free)

/* The box is gone, and nothing goes out any more: start anew. */
bool	 mail_out_is_broken(const struct mail_out *);

/*
 * sender: of the envelope, "" for none. text: lines that end in LF. *ret_said: printable; until
 * the next call.
 */
enum mail_reports_sent mail_out_send(struct mail_out *, const char *sender, struct sv to,
	    struct sv text, struct sv *ret_said);
/* The same of a report, from conf's sender: a mail_reports_send_fn. */
enum mail_reports_sent mail_out_report(void *out, const struct report_mail *, struct sv *ret_said);

#endif
