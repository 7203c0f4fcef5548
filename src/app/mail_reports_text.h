/*
 * app/mail_reports_text: the text of a report that was packed, for a person.
 *
 * What enters is a part as mail_reports_write() gives it (app/mail_reports.h);
 * what leaves is its XML, in pieces, as a report may have a hundred megabytes.
 */
#ifndef APP_MAIL_REPORTS_TEXT_H
#define APP_MAIL_REPORTS_TEXT_H

#include "base/sv.h"
#include "base/util.h"

/* -EBADMSG: it is not packed by us, or not all of it is there; or what fn said. */
typedef int (*mail_reports_piece_fn)(void *arg, struct sv);
int	 mail_reports_text(struct sv gz, mail_reports_piece_fn, void *arg) MUST_USE;

#endif
