/* What the readers of BIND's files share. */
#ifndef DNSSEC_KEYFILE_INTERNAL_H
#define DNSSEC_KEYFILE_INTERNAL_H

#include "base/timefmt.h"
#include "dnssec/keyfile.h"

/* YYYYMMDDHHMMSS, UTC. */
int	 keyfile_time_parse(struct sv, int64_t *ret) MUST_USE;

#endif
