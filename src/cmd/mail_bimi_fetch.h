/* sekisho mail bimi: the files of a mark from where its record says. */
#ifndef CMD_MAIL_BIMI_FETCH_H
#define CMD_MAIL_BIMI_FETCH_H

#include "app/mail_bimi.h"
#include "cmd/cmd.h"

#define BIMI_HOSTS_MAX	1024	/* octets of all --host */

struct bimi_fetch {
	const char	*ca_file;	/* NULL: the system's */
	char		 hosts[BIMI_HOSTS_MAX];
	bool		 wants_evidence;
};

/* false: there is no room for it. */
bool	 bimi_fetch_host(struct bimi_fetch *, const char *line);
/*
 * What the record in in->out names, into in->svg and in->pem (in the pool). 0; 1: not all of it
 * came, and why are findings; an exit status, told, where nothing could be asked.
 */
int	 bimi_fetch_run(const struct cmd_ctx *, const struct bimi_fetch *, struct pool *, struct findings *,
	    struct mail_bimi_in *in) MUST_USE;

#endif
