/* What a row's octets mean, for who writes and who reads them. */
#ifndef MAIL_ROW_INTERNAL_H
#define MAIL_ROW_INTERNAL_H

#include "mail/row.h"

#define MAIL_ROW_VERSION	1

enum {			/* of a policy */
	ROW_STRICT_DKIM = 1 << 0,
	ROW_STRICT_SPF = 1 << 1,
	ROW_TESTING = 1 << 2,
	ROW_POLICY_ALL = (1 << 3) - 1
};

enum {			/* of what is alike */
	ROW_DKIM_ALIGNED = 1 << 0,
	ROW_SPF_ALIGNED = 1 << 1,
	ROW_SPF_HELO = 1 << 2,
	ROW_ENVELOPE_FROM = 1 << 3,
	ROW_ALIKE_ALL = (1 << 4) - 1
};

#define ROW_FO_ALL	(DMARC_FO_ALL | DMARC_FO_ANY | DMARC_FO_DKIM | DMARC_FO_SPF)

#endif
