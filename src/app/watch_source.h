/*
 * A list of payloads in a file, as a side of `rpki diff` and `rtr diff`:
 * JSON of any validator or SLURM (app/vrps_json.h), CSV (app/vrps_csv.h), or
 * bgpd's sets (app/vrps_bgpd.h), told apart by how it begins.
 */
#ifndef APP_WATCH_SOURCE_H
#define APP_WATCH_SOURCE_H

#include "base/finding.h"
#include "inr/inr.h"

struct watch_source {
	const char	*format;	/* "JSON", "SLURM", "CSV", "OpenBGPD" */
	unsigned	 kinds;		/* bits of enum watch_kind: it has such a list */
	uint64_t	 line;		/* of a failure; 0: not known */
	uint64_t	 n_bad;		/* rows that are no payloads; left out */
	uint64_t	 n_filters;	/* of SLURM; they do nothing here */
};

/*
 * Merged payloads; payloads_done() in any case. The system's codes, or those
 * of the readers.
 */
int	 watch_source_read(const char *path, struct findings *, struct payloads *ret,
	    struct watch_source *ret_info) MUST_USE;

#endif
