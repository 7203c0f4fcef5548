/* What status and reload share: finding the daemon's control socket. */
#ifndef CMD_CTL_CLIENT_H
#define CMD_CTL_CLIENT_H

#include "base/buf.h"
#include "cmd/cmd.h"

/* Ask the daemon of --state or of the configuration; an error is printed. */
int	 ctl_client_ask(const struct cmd_ctx *, const char *line, int msec,
	    struct buf *ret) MUST_USE;
/* The same; that no daemon is there is no error (-ENOENT), and nothing is printed. */
int	 ctl_client_try(const struct cmd_ctx *, const char *line, int msec,
	    struct buf *ret) MUST_USE;

#endif
