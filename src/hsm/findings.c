/* The rows of findings.def. */
#include "hsm/hsm.h"

const struct finding_def hsm_findings[HSM_FINDING_MAX] = {
#define F FINDING_ROW_
#include "hsm/findings.def"
#undef F
};
