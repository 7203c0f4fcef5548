/* What the files of `zone plan` share. */
#ifndef CMD_ZONE_PLAN_H
#define CMD_ZONE_PLAN_H

#include "app/zone_plan.h"
#include "cmd/zone_proof.h"

#define PLAN_OPTIONS_MAX	32

enum plan_out { PLAN_SVG, PLAN_ICAL, PLAN_CSV, PLAN_HISTORY, PLAN_OUT_MAX };

struct plan_work {
	struct zone_today	 today;
	const char		*keystate, *roll;
	const char		*options[PLAN_OPTIONS_MAX];	/* of the policy */
	size_t			 n_options;
	const char		*out[PLAN_OUT_MAX];		/* files; NULL: not wanted */
	struct zone_plan_opts	 o;
	/* What came of it. */
	bool			 has_apex;		/* the zone's name is known: DS can be told */
	struct dname		 apex;
	struct zone_plan	 plan;
	struct timeline		*proof;
	struct timeline_verdict	 verdict;
	struct findings		 story, assumed;
};

/* A state that is not trusted proves nothing. */
static inline bool
plan_is_proven(const struct plan_work *w)
{
	return w->verdict.n_bads == 0 && !w->plan.state.unproven;
}

/* zone_plan_show.c */
const char *plan_action_word(enum ks_action);	/* the same in all languages */
const char *plan_who_word(enum zone_plan_who);
const char *plan_who_text(enum zone_plan_who);	/* msgid */
/* "k3" */
void	 plan_key_name(struct buf *, uint32_t number);
/* "k3: KSK 12345 ECDSAP256SHA256" */
void	 plan_key_print(const struct cmd_ctx *, const struct zone_plan_key *, struct buf *);
/* What happens, in one phrase. */
void	 plan_event_print(const struct cmd_ctx *, const struct zone_plan_event *, struct buf *);
void	 plan_title_print(const struct cmd_ctx *, const struct plan_work *, struct buf *);
void	 plan_text(const struct cmd_ctx *, const struct plan_work *, struct buf *);
void	 plan_json(const struct cmd_ctx *, const struct plan_work *, struct buf *);

/* zone_plan_out.c: the files that were asked for: 0 or an exit code */
int	 plan_files_write(const struct cmd_ctx *, const struct plan_work *);

#endif
