/* A flow while it becomes a message: what its author wrote, then step by step. */
#ifndef LAB_MAIL_PLAN_H
#define LAB_MAIL_PLAN_H

#include "lab/mail_internal.h"

struct lab_mail_plan {
	const struct lab_mail		*w;
	const struct lab_mail_row	*row;
	uint32_t			 variant;
	uint32_t			 n_received;
	int64_t				 at;	/* of the step */
	struct pool			*pool;	/* of one step */
	struct buf			 head, body;	/* lines with CRLF; the head without the empty one */
};

#endif
