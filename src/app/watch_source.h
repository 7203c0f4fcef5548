/*
 * A list of payloads in a file, as a side of `rtr diff`: JSON of any
 * validator (app/vrps_json.h) or CSV (app/vrps_csv.h), told apart by the
 * first line.
 */
#ifndef APP_WATCH_SOURCE_H
#define APP_WATCH_SOURCE_H

#include "base/finding.h"
#include "inr/inr.h"

/*
 * Merged payloads; payloads_done() in any case. is_csv: it can tell VRPs
 * only. The system's codes, or those of the two readers.
 */
int	 watch_source_read(const char *path, struct findings *, struct payloads *ret,
	    bool *ret_is_csv) MUST_USE;

#endif
