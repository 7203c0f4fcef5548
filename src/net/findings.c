/* The rows of findings.def. */
#include "net/net.h"

const struct finding_def fetch_findings[FETCH_CODE_MAX] = {
#define F FINDING_ROW_
#include "net/findings.def"
#undef F
};
