/* What the files of the gate share. */
#ifndef APP_MAIL_GATE_INTERNAL_H
#define APP_MAIL_GATE_INTERNAL_H

#include "app/mail_gate.h"

struct mail_gate {
	const struct mail_gate_conf	*conf;
	struct pool			*kept;		/* the message, and the changes of its head */
	struct pool			*again;		/* the judgement: begun anew after each wait */
	enum mail_who			 who;
	struct mail_judge_in		 in;
	struct sv			 queue_id;
	struct sv			 envelope_to;	/* the domain of all recipients, or empty */
	bool				 is_utf8;	/* an address that only SMTPUTF8 can carry */
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
	struct mail_gate_edit		*edits;
	size_t				 n_edits, edits_cap;
};

/* --- changes (mail_gate_edit.c) --- */

/* What must not come from outside: results in our name, marks of a quarantine. -ENOMEM. */
int	 gate_edits_clean(struct mail_gate *) MUST_USE;
/* Put on top; CRLF in folds becomes LF. field: "Name: …". -ENOMEM. */
int	 gate_edits_add(struct mail_gate *, struct sv field) MUST_USE;
/* Our results. -ENOMEM. */
int	 gate_edits_say(struct mail_gate *, const struct authres *) MUST_USE;
/* That it is quarantined, for that reason. -ENOMEM. */
int	 gate_edits_mark(struct mail_gate *, struct sv reason) MUST_USE;

/* --- signatures (mail_gate_sign.c) --- */

/* Who will sign, or seal: known as soon as the head is. -ENOMEM. */
int	 gate_sign_begin(struct mail_gate *) MUST_USE;
/* Fields for own mail, or the seal of others'. Negative: one could not be made. */
int	 gate_sign(struct mail_gate *, const struct mail_gate_world *, struct mail_gate_out *) MUST_USE;
int	 gate_seal(struct mail_gate *, const struct mail_gate_world *, const struct mail_judge_out *,
	    struct authres *results, struct mail_gate_out *) MUST_USE;

/* --- the row (mail_gate_row.c) --- */

/* false: there is nobody whose domain it could be noted for. 0; -ENOMEM. */
int	 gate_row(const struct mail_gate *, const struct mail_gate_world *, const struct mail_judge_out *,
	    const struct mail_decision *, struct mail_gate_out *) MUST_USE;

#endif
