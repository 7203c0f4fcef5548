/* The rows of zone_findings.def. */
#include "app/zone_findings.h"

#define F FINDING_ROW_
const struct finding_def zone_findings[ZONE_FINDING_MAX] = {
#include "app/zone_findings.def"
};
#undef F
