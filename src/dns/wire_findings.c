/* The rows behind wire_findings[]. */
#include "dns/wire.h"

const struct finding_def wire_findings[WIRE_CODE_MAX] = {
#define F FINDING_ROW_
#include "dns/wire_findings.def"
#undef F
};
