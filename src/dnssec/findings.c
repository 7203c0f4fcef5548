/* The rows of findings.def. */
#include "dnssec/dnssec.h"

#define F FINDING_ROW_
const struct finding_def dnssec_findings[DNSSEC_CODE_MAX] = {
#include "dnssec/findings.def"
};
#undef F
