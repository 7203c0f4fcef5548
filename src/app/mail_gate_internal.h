/* What the files of the gate share. */
#ifndef APP_MAIL_GATE_INTERNAL_H
#define APP_MAIL_GATE_INTERNAL_H

#include "app/mail_gate.h"

/* Fields whose index among those of their name may be needed. */
enum gate_watched {
	GATE_RESULTS,		/* Authentication-Results */
	GATE_MARK,		/* of a quarantine */
	GATE_BIMI,		/* as many as bimi_removed() has */
	GATE_WATCHED_MAX = GATE_BIMI + 3
};

struct mail_gate {
	const struct mail_gate_conf	*conf;
	/*
	 * Three pools, as a message can be made that fills one: the message; its judgement, begun
	 * anew after each wait; and what is made of it: the decision, the changes, the row.
	 */
	struct pool			*kept, *again, *made;
	struct pool			*bimi;		/* NULL: no mark was looked for */
	enum mail_who			 who;
	struct mail_judge_in		 in;
	struct sv			 queue_id;
	struct sv			 envelope_to;	/* the domain of all recipients, or empty */
	bool				 is_utf8;	/* an address that only SMTPUTF8 can carry */
	bool				 writes_lists;	/* as of struct mail_gate_mail */
	struct mail_head		 head;
	struct findings			 fs;		/* on the head */
	struct mail_judge		 judge;
	/* Who signs or seals, and the digest that they need: a judge's, or one of its own. */
	const struct mail_sign_key	*keys;
	size_t				 n_keys;
	struct mail_body_want		 own_want;
	const struct mail_body_want	*want;		/* NULL: nobody needs one */
	struct mail_body		*own_body;	/* NULL: the judge has that digest */
	int				 failure;	/* the first */
	struct sv			*ours;		/* names whose results may not come from outside */
	uint32_t			 n_watched[GATE_WATCHED_MAX];	/* so far */
	struct mail_gate_edit		*edits;		/* removals first */
	size_t				 n_edits, n_removals, edits_cap;
};

/* --- changes (mail_gate_edit.c) --- */

int	 gate_edits_init(struct mail_gate *) MUST_USE;
/*
 * A field goes by: is it one that must not come from outside? Each is seen, also those for which
 * the head has no room. -ENOMEM.
 */
int	 gate_edits_see(struct mail_gate *, struct sv name, struct sv value) MUST_USE;
/* mail_gate_list.c: the value as the MTA will write it behind us, where that is known. -ENOMEM. */
int	 gate_list(struct mail_gate *, struct sv name, struct sv *value) MUST_USE;
/* The last one has been seen: it is to be removed first. */
void	 gate_edits_turn(struct mail_gate *);
/* Put on top; CRLF in folds becomes LF. field: "Name: …". -ENOMEM. */
int	 gate_edits_add(struct mail_gate *, struct sv field) MUST_USE;
/* Our results. -ENOMEM. */
int	 gate_edits_say(struct mail_gate *, const struct authres *) MUST_USE;
/* That it is quarantined, for that reason. -ENOMEM. */
int	 gate_edits_mark(struct mail_gate *, struct sv reason) MUST_USE;

/* --- the mark (mail_gate_bimi.c) --- */

#define GATE_BIMI_ROUNDS_MAX	8	/* waits for the DNS: two names, and one of the local part */

/* Its result, and its fields where it may be shown. -ENOMEM. */
int	 gate_bimi(struct mail_gate *, const struct mail_gate_world *, const struct mail_judge_out *,
	    struct authres *results, struct mail_gate_out *) MUST_USE;

/* --- signatures (mail_gate_sign.c) --- */

/* Would a seal be made of this message, if there is a key? */
bool	 gate_is_sealing(const struct mail_gate *);
/* Who will sign, or seal: known as soon as the head is. -ENOMEM. */
int	 gate_sign_begin(struct mail_gate *) MUST_USE;
/* At the end: by the keys of now. */
void	 gate_sign_renew(struct mail_gate *, const struct mail_gate_world *);
/* Fields for own mail. Negative: one could not be made. */
int	 gate_sign(struct mail_gate *, const struct mail_gate_world *, struct mail_gate_out *) MUST_USE;

/* --- the seal (mail_gate_seal.c) --- */

/* Over what was found. Negative: it could not be made. */
int	 gate_seal(struct mail_gate *, const struct mail_gate_world *, const struct mail_judge_out *,
	    struct authres *results, struct mail_gate_out *) MUST_USE;

/* Over what another gate of ours found, as it stands in the message; without that there is none. */
int	 gate_seal_relay(struct mail_gate *, const struct mail_gate_world *,
	    struct mail_gate_out *) MUST_USE;

/* --- the row (mail_gate_row.c) --- */

/* false: there is nobody whose domain it could be noted for. 0; -ENOMEM. */
int	 gate_row(const struct mail_gate *, const struct mail_gate_world *, const struct mail_judge_out *,
	    const struct mail_decision *, struct mail_gate_out *) MUST_USE;

/* --- the failure report (mail_gate_failure.c) --- */

void	 gate_failure(const struct mail_gate *, const struct mail_gate_world *, const struct mail_judge_out *,
	    const struct mail_decision *, struct mail_gate_out *);

#endif
