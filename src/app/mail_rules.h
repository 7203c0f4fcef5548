/*
 * app/mail_rules: what the operator wants done with mail, as text on its way
 * from the parent, which reads the configuration, to role milter. One rule a
 * line:
 *
 *	policy observe|enforce			first; the acts that it stands for
 *	on-reject|on-quarantine|… ACT		other than those
 *	own|relay PREFIX
 *	alias NAME				whose results may not come from outside
 *	client PREFIX TAB COMMENT		paths; the comment may be empty
 *	sealer NAME TAB COMMENT
 *	list NAME SPACE LIST-ID TAB COMMENT	the List-Id, too
 *	help TEXT
 *	mark NAME				the field of what is quarantined
 *
 * Whoever writes it has checked it (app/mail_conf.h); a line that cannot be
 * read is a fault of ours.
 */
#ifndef APP_MAIL_RULES_H
#define APP_MAIL_RULES_H

#include "mail/policy.h"

#define MAIL_RULES_MAX		40000		/* octets of text: some hundred networks and paths */
#define MAIL_RULES_LINES_MAX	2000

struct mail_rules {
	struct mail_policy	 policy;
	const struct sv		*aliases;
	size_t			 n_aliases;
};
/* All in the pool. -EBADMSG; -ENOMEM. */
int	 mail_rules_read(struct sv text, struct pool *, struct mail_rules *ret) MUST_USE;

#endif
