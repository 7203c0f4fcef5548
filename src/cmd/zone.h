/* What the commands of area "zone" share: reading a zone file, anchors, findings. */
#ifndef CMD_ZONE_H
#define CMD_ZONE_H

#include "base/pool.h"
#include "cmd/cmd.h"
#include "dns/zone.h"
#include "dnssec/audit.h"

#define ZONE_POOL_MAX		((size_t)256 << 20)	/* findings, and what options say */
#define ZONE_ANCHORS_MAX	64			/* a DS set has two, a root anchor file three */

struct zone_args {
	struct dname		 apex;
	bool			 has_apex, include, nagios;
	uint32_t		 jobs;
	struct pool		*pool;
	struct findings		 fs;
	struct audit_anchor	 anchor[ZONE_ANCHORS_MAX];
	size_t			 n_anchors;
};

/* Rows for a command's options; the state begins with a struct zone_args. */
#define ZONE_FILE_OPTS \
	{ "zone", 0, "NAME", N_("the zone's name (else from the file's SOA record, or from its name)") }, \
	{ "include", 0, NULL, N_("follow $INCLUDE in the file") }, \
	{ "jobs", 'j', "N", N_("processors to use (all of them)") }
#define ZONE_ANCHOR_OPTS \
	{ "ds", 0, "DATA", N_("a DS record of the parent: \"TAG ALGORITHM DIGESTTYPE DIGEST\"; may be repeated") }, \
	{ "anchor", 0, "FILE", N_("a file of DS or DNSKEY records that vouch for the zone's keys") }

/* 0 or EXIT_USAGE; also for an option that is none of these. */
int	 zone_args_opt(const struct cmd_ctx *, struct zone_args *, const struct cmd_opt *,
	    const char *arg);
/* Reads the one file of argv: 0, or an exit code, after saying why. */
/* Why a file could not be read, in the words of one who named it. */
const char *zone_read_why(const struct cmd_ctx *, int rc);
int	 zone_args_read(const struct cmd_ctx *, struct zone_args *, int argc, char **argv,
	    struct zone **ret);
/* The .done of commands whose state begins with a struct zone_args. */
void	 zone_state_done(void *state);

/* Findings with remedies: REJECT first, each on a line of its own. */
void	 zone_findings_print(const struct cmd_ctx *, const struct findings *, struct buf *);
void	 zone_findings_json(const struct cmd_ctx *, const struct findings *, struct json *);

#endif
