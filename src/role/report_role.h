/*
 * report: sums up what milter judged, and reports it to the domains' owners.
 */
#ifndef ROLE_REPORT_ROLE_H
#define ROLE_REPORT_ROLE_H

#include "role/role.h"

struct report_role {
	struct role	*role;
};

#endif
