/* Mail in the one line for monitoring. */
#ifndef CMD_STATUS_MAIL_H
#define CMD_STATUS_MAIL_H

#include <jansson.h>

/*
 * 0 good, 1 a warning, 2 critical, as monitoring has it; *ret_why: "" or what is wrong. milter and
 * report are what these roles say of themselves, NULL where there is none or it does not answer.
 */
int	 status_mail_worst(const json_t *milter, const json_t *report, const char **ret_why);

#endif
