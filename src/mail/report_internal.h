/* What may stand in a report's mail, and what its writers share. */
#ifndef MAIL_REPORT_INTERNAL_H
#define MAIL_REPORT_INTERNAL_H

#include "crypto/hmac.h"
#include "mail/report.h"

/* A domain of A-labels: one of U-labels has no place in an ASCII header. */
bool	 report_domain_ok(struct sv);
/* RFC 5322's dot-atoms, less what sendmail programs or shells read in another way. */
bool	 report_address_ok(struct sv);
/* Letters and digits, REPORT_ID_MAX at most. */
bool	 report_id_ok(struct sv);
/* Printable ASCII and folds: nothing that this mail's own reader could take for more. */
bool	 report_text_ok(struct sv);
/* No line of it is longer than SMTP has to take. */
bool	 report_lines_ok(struct sv);
/* Lines of a field, or of one of ours, with LF. */
void	 report_lines_put(struct buf *, struct sv);

/* --- what others may see of a message (report_redact.c, report_redact_sig.c) --- */

struct report_redact {
	struct buf		*b;
	struct crypto_hmac	*mac;		/* its key makes the words */
	struct pool		*pool;
	const struct mail_head	*head;
	struct sv		*people;	/* local parts in the head: report_redact_head() finds them */
	size_t			 n_people;
	bool			 with_subject;
	bool			 with_tokens;	/* those by which a sender knows recipients again */
	size_t			 max;		/* octets of fields; those beyond are named; 0: all */
};
/* Can it be guessed? */
bool	 report_key_ok(struct sv key);
void	 report_redact_word(const struct report_redact *, struct sv local);
/* "<word@domain>" */
void	 report_redact_address(const struct report_redact *, const struct mail_address *);
/* 0; -ENOMEM. */
int	 report_redact_head(struct report_redact *) MUST_USE;
/* Of DKIM or ARC; 0. */
int	 report_redact_signature(const struct report_redact *, const struct mail_field *);

/* --- a mail of RFC 5965 (report_frame.c): begin, words for people, feedback, its fields, end --- */

struct report_frame {
	struct sv	from, to, submitter, id, agent;		/* as in struct report_failure_mail */
	int64_t		at;
};
bool	 report_frame_ok(const struct report_frame *);	/* to: several with "," between, too */
/* RFC 5965 section 3.5: "must be a 32-bit unsigned integer". */
uint64_t report_incidents(uint64_t);
/* what about: the Subject, unless the head has one that is not redacted. */
void	 report_frame_begin(struct buf *, const struct report_frame *, const char *what, struct sv about,
	    struct sv head);
void	 report_frame_part(struct buf *, const struct report_frame *, const char *type);
void	 report_frame_feedback(struct buf *, const struct report_frame *, const char *type);
/* The head, written before, as the third part, and the end. */
void	 report_frame_end(struct buf *, const struct report_frame *, struct sv head);

#endif
