/* What the lab's servers take and hold, so that a slip of the pen ends by itself. */
#ifndef LAB_SERVE_LIMITS_H
#define LAB_SERVE_LIMITS_H

#define SERVE_HOSTS_MAX		512	/* the real RPKI has some 60 */
#define SERVE_CONNS_MAX		1024	/* at once; a fetcher opens a few for each host */
#define SERVE_RSYNCS_MAX	64	/* children at once */
#define SERVE_HEAD_MAX		(16 * 1024) /* a request's head; ours are 300 bytes */
#define SERVE_IDLE_SEC		60	/* a connection on which nothing moves */
#define SERVE_MUTE_SEC		600	/* one that a rule keeps slow or silent */
#define SERVE_RULES_MAX		4096
#define SERVE_LINE_MAX		1024	/* of a script */
#define SERVE_SCRIPT_MAX	(1 << 20)
#define SERVE_TEXT_MAX		256	/* a URL or host in a rule */
#define SERVE_NUMBER_MAX	((uint64_t)1 << 40) /* rates, sizes, counts, seconds of a rule */
#define SERVE_NOTIFICATION_MAX	((size_t)64 << 20) /* one that we change in memory */
#define SERVE_DELTAS_MAX	100000	/* in it */
#define SERVE_CHUNK_MIN		1024	/* least room for a piece of a body */
#define SERVE_PATH_MAX		2048
#define SERVE_STEPS_MAX		1000	/* of a moving world; LAB_STEPS_MAX */
#define SERVE_MODULES_MAX	64	/* rsync modules of one host */
#define SERVE_FILES_MAX		200000	/* that rsync-many makes */

#endif
