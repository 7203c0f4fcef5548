/*
 * Why a payload is in one of two results only, or another in each, as far as
 * we know: a result of ours has its CAs' states and what the guard holds; the
 * history says what became of a payload that went; the configuration has
 * local filters. What nobody here knows is said to be unknown.
 */
#ifndef CMD_RPKI_DIFF_CAUSE_H
#define CMD_RPKI_DIFF_CAUSE_H

#include "cmd/rpki_state.h"

enum diff_why {
	WHY_UNKNOWN,		/* never seen here; .at: since the record begins */
	/* ours has it, the other one has not, or another */
	WHY_EXPIRED,		/* .at */
	WHY_LOCAL,		/* asserted by us; .text: SLURM or the exception's owner */
	WHY_HELD,		/* by the drop guard, since .at; .code */
	WHY_OLDER,		/* its CA's newest data cannot be used; .code, .speaker */
	WHY_NEW,		/* here since .at */
	WHY_CHANGED,		/* an ASPA: these providers since .at */
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
	int64_t		at;		/* 0: not known, or none */
	const char	*state;		/* of who speaks, or NULL */
	char		code[PAYLOAD_CA_CODE_MAX + 1];
	char		speaker[512];	/* URI of the manifest of who speaks */
	char		text[160];
};

/* A payload of any kind. */
struct diff_item {
	enum history_kind	 kind;
	const void		*p;	/* struct vrp, aspa, or router_key */
	uint32_t		 asn, ca;
	uint8_t			 ta;
	int64_t			 expires;
	bool			 both;	/* the other result has another one in its place */
};
struct diff_item diff_item(enum history_kind, const void *);

struct diff_causes;

/*
 * s: ours; older: the other one, if that is ours, too, else NULL. state: the
 * folder with the history, or "". What is not there (no history, no
 * configuration) is done without. NULL: no memory.
 */
struct diff_causes *diff_causes_new(const struct cmd_ctx *, const struct snapshot *s,
	    const struct snapshot *older, const char *state);
struct diff_causes *diff_causes_free(struct diff_causes *);
/* here: it is of s; else it is the other one's. ta: its trust anchor's name there. */
void	 diff_cause_find(struct diff_causes *, const struct diff_item *, bool here,
	    const char *ta, struct diff_cause *ret);
const char *diff_why_name(enum diff_why);	/* "gone-failed" … */
void	 diff_cause_text(struct buf *, const struct diff_cause *, enum lang);
/*
 * Members of an open object: "cause", and what there is of "time", "state",
 * "code", "speaker", "who".
 */
void	 diff_cause_json(struct json *, const struct diff_cause *);

#endif
