/* The rows of findings.def. */
#include "dns/dns.h"

#define F FINDING_ROW_
const struct finding_def dns_findings[DNS_CODE_MAX] = {
#include "dns/findings.def"
};
#undef F
