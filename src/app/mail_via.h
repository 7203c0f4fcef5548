/*
 * app/mail_via: who delivers a mail of ours, as the configuration says it.
 *
 *	smtp://127.0.0.1:25	a mail server; also a name, or [2001:db8::1]; port 25 unless given
 *	sendmail:/usr/bin/msmtp	a program that takes a mail as sendmail(8) does
 *
 * Pure.
 */
#ifndef APP_MAIL_VIA_H
#define APP_MAIL_VIA_H

#include <stdbool.h>

#include "base/sv.h"
#include "base/util.h"

#define MAIL_VIA_MAX	300

struct mail_via {
	bool		 is_smtp;
	char		 where[MAIL_VIA_MAX];	/* "HOST:PORT", or the program's path */
};

/* -EINVAL */
int	 mail_via_parse(struct sv, struct mail_via *ret) MUST_USE;

#endif
