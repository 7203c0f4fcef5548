/* What the files of mail diff share: one message at two places, judged, and compared. */
#ifndef CMD_MAIL_DIFF_H
#define CMD_MAIL_DIFF_H

#include "cmd/mail.h"
#include "mail/diff.h"

struct mail_diff_case {
	struct mail_case	 side[2];	/* before, after; the DNS is the first one's */
	struct pool		*pool;
	struct findings		 fs;
	struct mail_diff	 d;
};

/* Signatures that were lost: broken, or taken out. */
static inline size_t
mail_diff_lost(const struct mail_diff *d)
{
	return d->n_fate[DIFF_BROKEN] + d->n_fate[DIFF_GONE];
}

void	 mail_diff_print(const struct cmd_ctx *, const struct mail_diff_case *, struct buf *);
void	 mail_diff_json(const struct cmd_ctx *, const struct mail_diff_case *, struct buf *);

#endif
