/* What role report says of itself, for sekisho status. */
#ifndef CMD_STATUS_REPORT_H
#define CMD_STATUS_REPORT_H

#include <jansson.h>

#include "cmd/cmd.h"

/* status NULL: there is no such role, or it does not answer. */
void	status_report_print(const struct cmd_ctx *, const json_t *status);

#endif
