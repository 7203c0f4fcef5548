/*
 * app/mail_bimi: a mark judged by all that was fetched for it: the image of l=,
 * the evidence of a=, and whether both are the same image.
 */
#ifndef APP_MAIL_BIMI_H
#define APP_MAIL_BIMI_H

#include "app/mail_svg.h"

struct mail_bimi_in {
	const struct bimi_out	*out;		/* what the DNS has; its result is pass */
	struct sv		 svg;		/* of l=, as it came; empty: not fetched */
	struct sv		 pem, roots;	/* of a=; empty: not fetched. mail/bimi.h */
	int64_t			 now;
};

struct mail_bimi {
	enum bimi_result	 result;	/* fail where something does not hold */
	enum bimi_authority	 authority;
	struct bimi_evidence	 evidence;
	struct sv		 svg;		/* plain; empty: none, or none that may be shown */
};
/* 0; -ENOMEM. */
int	 mail_bimi_judge(const struct mail_bimi_in *, struct pool *, struct findings *,
	    struct mail_bimi *ret) MUST_USE;

#endif
