/* How the running daemon verifies signatures, for people. */
#ifndef CMD_STATUS_CRYPTO_H
#define CMD_STATUS_CRYPTO_H

#include <jansson.h>

#include "cmd/cmd.h"

/* One line. house: with its "crypto"; details: of each role, by name, its line of the answer. */
void	status_crypto_print(const struct cmd_ctx *, const json_t *house, const json_t *details);

#endif
