/* rtr diff: what it found out (rtr_diff.c), and how that is told (…_show.c). */
#ifndef CMD_RTR_DIFF_H
#define CMD_RTR_DIFF_H

#include "app/watch_compare.h"
#include "cmd/rtr_watch.h"
#include "sys/stream.h"

struct diff_source {
	struct buf		 name;		/* NUL-terminated: path or address */
	bool			 is_file, down;
	unsigned		 kinds;		/* of a file: bits of enum watch_kind */
	unsigned		 n_lost;	/* times that the connection ended */
	struct file_stamp	 stamp;
	struct payloads		 file;
	struct watch_cache	*cache;
	struct findings		 findings;
	struct vrp		*before;
	size_t			 n_before;
	struct watch_lag_stat	 lag;
};

struct rtr_diff {
	struct cmd_ctx		*ctx;
	struct rtr_dial		 dial;
	struct rtr_watch_dial	 how;
	uint32_t		 version, timeout_sec, list, watch_sec, interval_sec, lag_sec;
	uint32_t		 warn, crit;
	bool			 version_given, list_given, nagios;
	struct diff_source	 sources[WATCH_SOURCES_MAX];
	unsigned		 n_sources, n_files;
	struct pool		*pool;
	struct findings		 findings;
	struct watch_diff	 diff;
	unsigned		 kinds;		/* that all sources can tell */
	struct watch_lag	*lag;
};

const struct payloads *diff_payloads(const struct diff_source *);
/* Prints all; an exit code. */
int	 diff_show(struct rtr_diff *);

#endif
