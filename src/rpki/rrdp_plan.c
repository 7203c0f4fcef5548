/*
 * What to fetch of an RRDP server, and what was found out about it
 * (RFC 8182 section 3.4.1, RFC 9697).
 */
#include "rpki/rpki.h"

const struct finding_def rrdp_findings[RRDP_CODE_MAX] = {
#define F FINDING_ROW_
#include "rpki/rrdp_findings.def"
#undef F
};
