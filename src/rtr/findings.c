/* The rows of findings.def. */
#include "rtr/rtr.h"

#define F FINDING_ROW_
const struct finding_def rtr_findings[RTR_FINDING_MAX] = {
#include "rtr/findings.def"
};
#undef F
