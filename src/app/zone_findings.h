/* Findings of app's work on zones. */
#ifndef APP_ZONE_FINDINGS_H
#define APP_ZONE_FINDINGS_H

#include "base/finding.h"

enum zone_finding {
#define F FINDING_ENUM_
#include "app/zone_findings.def"
#undef F
	ZONE_FINDING_MAX
};
extern const struct finding_def zone_findings[ZONE_FINDING_MAX];

#endif
