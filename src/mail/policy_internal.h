/* What the files of mail/policy share. */
#ifndef MAIL_POLICY_INTERNAL_H
#define MAIL_POLICY_INTERNAL_H

#include "mail/policy.h"

/* Why a message is not just let in. */
enum policy_cause {
	POLICY_NO_CAUSE,
	POLICY_DMARC,
	POLICY_SPF,
	POLICY_DNS,
	POLICY_DOUBT,
	POLICY_FAILURE,
	POLICY_UNSIGNED,
	POLICY_CAUSE_MAX
};
/* The reply for an act: 550 and "5.7.26" …; nothing for what is let in. */
void	 policy_reply(enum policy_cause, enum mail_act, struct mail_decision *ret);

/* The first that makes a head doubtful; NULL: none was kept. */
const struct finding *policy_doubt_find(const struct findings *head);

/* --- sentences (policy_text.c) --- */

/* A line of ASCII that nothing can end or move: see mail/policy.h. .p is NULL without memory. */
struct sv policy_line(struct pool *, struct sv text, size_t max);
/* The sentence for an act; the policy's help stands at its end. .p is NULL without memory. */
struct sv policy_text(const struct mail_policy *, const struct mail_policy_in *, enum policy_cause,
	    enum mail_act, struct pool *);

/* --- paths (policy_path.c) --- */

/* 0; 1: a path is believed, for that reason; -ENOMEM. */
int	 policy_path_find(const struct mail_policy *, const struct mail_policy_in *, struct pool *,
	    struct report_reason *ret) MUST_USE;
/* Does it look like a list's or a forwarder's? The same. */
int	 policy_indirect_find(const struct mail_policy_in *, struct pool *,
	    struct report_reason *ret) MUST_USE;

#endif
