/* --crypto WAY: how the commands that verify do it (app/crypto_choice.h). */
#ifndef CMD_CRYPTO_OPT_H
#define CMD_CRYPTO_OPT_H

#include "cmd/cmd.h"

/* Takes it, for this process; serve hands it on. 0, or EXIT_USAGE. */
int	crypto_opt(struct cmd_ctx *, const char *arg);
/* A line for --version: what is in use unless something is asked for. 0, or EXIT_CANNOT. */
int	crypto_opt_version(const struct cmd_ctx *);

#endif
