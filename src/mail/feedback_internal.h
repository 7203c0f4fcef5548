/* What the files of mail/feedback share. */
#ifndef MAIL_FEEDBACK_INTERNAL_H
#define MAIL_FEEDBACK_INTERNAL_H

#include "mail/feedback.h"

/* The fields of message/feedback-report into *f; what is wrong are findings. 0; -ENOMEM. */
int	 feedback_fields_parse(struct pool *, struct sv text, struct findings *, struct feedback *f) MUST_USE;
/* A value without its comments, and without blanks around it; .p is NULL without memory. */
struct sv feedback_plain(struct pool *, struct sv);
#endif
