/* What `rpki validate` and `rpki explain` have in common: their inputs. */
#ifndef CMD_RPKI_H
#define CMD_RPKI_H

#include "app/exceptions.h"
#include "app/live.h"
#include "app/routes_out.h"
#include "cmd/cmd.h"
#include "sys/conf.h"

#define RPKI_INPUTS_MAX		64
#define RPKI_OURS_MAX		4096

struct rpki_inputs {
	const char		*trees[INPUT_TREES_MAX];
	const char		*rrdp[RPKI_INPUTS_MAX];
	const char		*tals[RPKI_INPUTS_MAX];
	struct routes_out	 outs[RPKI_INPUTS_MAX];
	size_t			 n_trees, n_rrdp, n_tals, n_outs;
	uint32_t		 jobs, points_max;
	unsigned		 tolerate_on, tolerate_off;
	bool			 nagios;
	const char		*slurms[SLURM_FILES_MAX];
	size_t			 n_slurms;
	struct slurm		*local;		/* both of it; NULL: there is none */
	struct pool		*pool;		/* of: */
	struct findings		 findings;
	struct conf		*conf;
	uint32_t		 asns[RPKI_OURS_MAX];
	struct ip_prefix	 prefixes[RPKI_OURS_MAX];
	struct ours		 ours;
	struct live		*live;		/* the object store of a daemon; NULL: files */
	char			 objects[4200];
	bool			 no_facts;
};

/* The rows that both tables begin with. */
#define RPKI_INPUT_OPTS \
	{ "rrdp", 0, "FILE", N_("an RRDP snapshot (.xml or .xml.gz); may be repeated") },	\
	{ "tree", 0, "DIR", N_("a folder of host/module/path; may be repeated") },		\
	{ "tal", 0, "FILE|DIR", N_("trust anchor locators; may be repeated") },		\
	{ "jobs", 'j', "N", N_("parallel jobs (default: one per processor)") },		\
	{ "tolerate", 0, "NAME", N_("let pass: no-signing-time, name-string, rfc8360") },	\
	{ "strict", 0, "NAME", N_("do not let pass what is let pass by default: name-string") }, \
	{ "rfc8360", 0, NULL, N_("the same as --tolerate rfc8360") },				\
	{ "slurm", 0, "FILE", N_("a SLURM file (RFC 8416) of local filters and assertions; may be repeated") }, \
	{ "no-facts", 0, NULL, N_("with the object store: compute every signature, believe none from before") }, \
	{ "max-points", 0, "N", N_("publication points of one trust anchor, at most (default 500000)") }

int	rpki_inputs_opt(struct cmd_ctx *, struct rpki_inputs *, const struct cmd_opt *,
	    const char *arg);
/* Fill up from the configuration, check that there is something to do. */
int	rpki_inputs_finish(struct cmd_ctx *, struct rpki_inputs *, struct routes_conf *ret);
/* Each on a line of stderr. */
void	rpki_findings_show(const struct cmd_ctx *, const struct findings *);
/* --slurm or rpki.slurm, and rpki.exceptions, on what came out of a run. */
int	rpki_local_apply(struct rpki_inputs *, struct routes *, const struct complain *);
/*
 * routes_run(), again and again while the daemon writes in the store that is
 * read; complains.
 */
int	rpki_inputs_run(struct cmd_ctx *, struct rpki_inputs *, struct routes_conf *,
	    struct routes **ret);
void	rpki_inputs_done(struct rpki_inputs *);

#endif
