/* What may stand in the head of a report's mail, and in the name of its file. */
#ifndef MAIL_REPORT_INTERNAL_H
#define MAIL_REPORT_INTERNAL_H

#include "mail/report.h"

/* A domain of A-labels: one of U-labels has no place in an ASCII header. */
bool	 report_domain_ok(struct sv);
/* RFC 5322's dot-atoms, less what sendmail programs or shells read in another way. */
bool	 report_address_ok(struct sv);
/* Letters and digits, REPORT_ID_MAX at most. */
bool	 report_id_ok(struct sv);

#endif
