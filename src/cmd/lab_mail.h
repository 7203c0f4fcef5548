/* sekisho lab mail: what its files share. */
#ifndef CMD_LAB_MAIL_H
#define CMD_LAB_MAIL_H

#include "cmd/cmd.h"
#include "lab/mail.h"

#define LAB_MAIL_WAYS_MAX	500	/* connections at a time: as many processes on the other side */

struct lab_mail_state {
	const char	*world, *send;
	uint64_t	 seed;
	bool		 seed_given, anywhere;
	uint32_t	 jobs, rate, count, parallel, variants, first_port;
};

/* Send messages of the world, and say what came of them: an exit code. */
int	 lab_mail_send(const struct cmd_ctx *, const struct lab_mail_state *,
    const struct lab_mail *);

#endif
