/* What the files of mail/story share. */
#ifndef MAIL_STORY_INTERNAL_H
#define MAIL_STORY_INTERNAL_H

#include <errno.h>

#include "mail/story.h"

struct story_of {
	struct pool			*pool;
	const struct mail_judge		*j;
	const struct mail_judge_in	*in;
	const struct mail_judge_out	*out;
	struct mail_story		*s;
};

/* Once each; the weights go up. */
void	 evidence_add(struct mail_story *, enum mail_evidence_code, struct sv what);
bool	 evidence_has(const struct mail_story *, enum mail_evidence_code);
/* All that can be seen (story_evidence.c). */
void	 story_evidence(struct story_of *);

#endif
