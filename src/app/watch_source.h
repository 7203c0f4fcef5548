/*
 * A list of payloads in a file, as a side of `rtr diff`: JSON of any
 * validator (app/vrps_json.h), or CSV as validators write it, one VRP a line:
 * "AS64496,192.0.2.0/24,24[,TRUST ANCHOR…]". A head line, empty lines and
 * comments are passed over; any other line that is no VRP is counted.
 */
#ifndef APP_WATCH_SOURCE_H
#define APP_WATCH_SOURCE_H

#include "base/finding.h"
#include "inr/inr.h"

/* A file of twenty times today's size; what is larger is no such list. */
#define WATCH_FILE_MAX	(2ull * 1024 * 1024 * 1024)

/*
 * Merged payloads; payloads_done() in any case. SE_FORMAT: neither of the
 * two; the system's codes; vrps_json_read()'s.
 */
int	 watch_source_read(const char *path, struct findings *, struct payloads *ret,
	    uint64_t *ret_n_bad) MUST_USE;
bool	 watch_source_is_csv(const char *path);	/* by its name: *.csv */
/* Text of a CSV; SE_FORMAT when no line is a VRP. Not merged. */
int	 watch_csv_parse(struct sv text, struct payloads *ret, uint64_t *ret_n_bad) MUST_USE;

#endif
