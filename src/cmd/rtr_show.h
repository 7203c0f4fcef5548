/* What both rtr commands print. */
#ifndef CMD_RTR_SHOW_H
#define CMD_RTR_SHOW_H

#include "base/finding.h"
#include "cmd/cmd.h"

/* Each on a line of stderr; without -v the first five from *done on. */
void	 rtr_findings_show(const struct cmd_ctx *, const struct findings *, unsigned *done);

#endif
