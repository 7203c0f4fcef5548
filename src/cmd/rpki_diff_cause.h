/*
 * Why a payload is in one of two results only, as far as we know: the one of
 * them that is ours has its CAs' states and what the guard holds; the history
 * says what became of a payload that went; the configuration has local
 * filters. What nobody here knows is said to be unknown.
 */
#ifndef CMD_RPKI_DIFF_CAUSE_H
#define CMD_RPKI_DIFF_CAUSE_H

#include "cmd/rpki_state.h"

enum diff_why {
	WHY_UNKNOWN,		/* never seen here; .at: since the record begins */
	/* ours has it, the other one has not */
	WHY_EXPIRED,		/* .at */
	WHY_LOCAL,		/* asserted by us; .text: SLURM or the exception's owner */
	WHY_HELD,		/* by the drop guard, since .at; .code */
	WHY_OLDER,		/* its CA's newest data cannot be used; .code, .speaker */
	WHY_NEW,		/* here since .at */
	WHY_THERE,		/* good here; the other's view differs */
	/* ours has not */
	WHY_FILTERED,		/* .text: which entry */
	WHY_GONE_EXPIRED,	/* .at */
	WHY_GONE_FAILED,	/* its CA failed, at .at; .code, .speaker */
	WHY_GONE_SIGNED,	/* its CA took it away */
	WHY_GONE_LOCAL,		/* it was a local assertion */
	WHY_GONE_TA,
	WHY_NO_TA,		/* ours has no such trust anchor */
	WHY_MAX
};

struct diff_cause {
	enum diff_why	why;
	int64_t		at;		/* 0: none */
	char		code[PAYLOAD_CA_CODE_MAX + 1];
	char		speaker[512];	/* URI of the manifest of who speaks */
	char		text[160];
};

struct diff_causes;

/* What is not there (no history, no configuration) is done without. NULL: no memory. */
struct diff_causes *diff_causes_new(const struct cmd_ctx *, const struct snapshot *);
struct diff_causes *diff_causes_free(struct diff_causes *);
/* The other one has it, ours has not. ta: its name there. */
void	 diff_cause_missing(struct diff_causes *, const struct vrp *, const char *ta,
	    struct diff_cause *ret);
/* Ours has it: v is of our snapshot. */
void	 diff_cause_extra(struct diff_causes *, const struct vrp *, struct diff_cause *ret);
const char *diff_why_name(enum diff_why);	/* "gone-failed" … */
void	 diff_cause_text(struct buf *, const struct diff_cause *, enum lang);
/* Members of an open object: "cause", and what there is of "time", "code", "speaker", "who". */
void	 diff_cause_json(struct json *, const struct diff_cause *);

#endif
