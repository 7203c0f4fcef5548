/* The findings of app's watch parts: of a cache, of several, of none. */
#ifndef APP_WATCH_FINDINGS_H
#define APP_WATCH_FINDINGS_H

#include "base/finding.h"

#define F FINDING_ENUM_
enum watch_finding {
#include "app/watch_findings.def"
	WATCH_FINDING_MAX
};
#undef F
extern const struct finding_def watch_findings[WATCH_FINDING_MAX];

#endif
