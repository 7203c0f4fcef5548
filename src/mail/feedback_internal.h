/* What the files of mail/feedback share. */
#ifndef MAIL_FEEDBACK_INTERNAL_H
#define MAIL_FEEDBACK_INTERNAL_H

#include "mail/feedback.h"

/* The fields of message/feedback-report into *f; what is wrong are findings. 0; -ENOMEM. */
int	 feedback_fields_parse(struct pool *, struct sv text, struct findings *, struct feedback *f) MUST_USE;
/*
 * A date of RFC 5322 section 3.3 with the older forms of 4.3: years of two digits, zones with
 * names. -EINVAL.
 */
int	 feedback_date_parse(struct sv, int64_t *ret) MUST_USE;

#endif
