/*
 * app/mail_gate: one message at the gate, from the client's address to a verdict.
 *
 * What enters is what an MTA tells a filter, in its order: the connection, the
 * envelope, fields one by one, the body in pieces. What leaves is a verdict
 * with its SMTP reply, the changes of the head (forged results removed, ours
 * added, signatures, a seal of ARC), and a row for the reports. No sockets, no
 * threads and no libmilter here: role/milter.c has those, and a test plays an
 * MTA with a table.
 *
 * A configuration is immutable and shared by all messages; a gate belongs to one
 * message, and one thread.
 */
#ifndef APP_MAIL_GATE_H
#define APP_MAIL_GATE_H

#include "app/mail_sign.h"
#include "mail/policy.h"
#include "mail/row.h"

struct mail_gate_conf {
	struct sv		 authserv_id;	/* RFC 8601 section 2.2 */
	struct sv		 node;		/* of rows */
	struct mail_policy	 policy;	/* what is done with what (mail/policy.h) */
	const struct mail_sign_table *signs;	/* whose mail is signed; NULL: nobody's */
	struct sv		 seal_domain, seal_selector;	/* of ARC; empty: no seal */
	const struct psl_ctx_st	*psl;		/* NULL: nothing by RFC 7489 */
};

/* What a gate needs of the world. Each thread has its own, or they are safe to share. */
struct mail_gate_world {
	/* After MAIL_WAIT: get what is missing. 0; negative: could not be done. */
	struct mail_ask	 ask;
	int		(*fill)(void *arg, struct mail_ask *);
	void		*fill_arg;
	/* Who signs: app/mail_sign.h. NULL: nobody can. */
	const struct mail_signer *signer;
	int64_t		 now;
};

/* What is known before the first field. Texts are copied. */
struct mail_gate_mail {
	bool		 has_client;	/* false: by a local program (no network address) */
	struct ip_prefix client;
	struct sv	 helo, sender, queue_id;	/* sender without angle brackets */
	const struct sv	*recipients;			/* the same */
	size_t		 n_recipients;
	struct sv	 login;		/* SASL ({auth_authen}); empty: none */
};

enum mail_gate_act {
	MAIL_GATE_ACCEPT,
	MAIL_GATE_REJECT,		/* reply, enhanced, text */
	MAIL_GATE_TEMPFAIL,		/* the same */
	MAIL_GATE_QUARANTINE,		/* text: the reason */
	MAIL_GATE_DISCARD
};

/* Changes of the head, to be made in this order. */
struct mail_gate_edit {
	bool		 is_removal;	/* of the index-th field of that name, from 1, as it stood at first */
	struct sv	 name, value;	/* else: put on top; value begins behind the colon, folds in LF */
	uint32_t	 index;
};

struct mail_gate_out {
	enum mail_gate_act	 act;
	unsigned		 reply;		/* 550, 451 … */
	struct sv		 enhanced;	/* "5.7.1" */
	struct sv		 text;		/* one line for a person */
	const struct mail_gate_edit *edits;
	size_t			 n_edits;
	bool			 has_row;
	struct mail_row		 row;
};

struct mail_gate;
/* conf stays the caller's, and as long as the gate. -ENOMEM. */
int	 mail_gate_new(const struct mail_gate_conf *, const struct mail_gate_mail *,
	    struct mail_gate **ret) MUST_USE;
struct mail_gate *mail_gate_free(struct mail_gate *);
DEFINE_CLEANUP(struct mail_gate, mail_gate_free)
/* A field as libmilter gives it: LF in its folds, leading blank kept. -ENOMEM. */
int	 mail_gate_field(struct mail_gate *, struct sv name, struct sv value) MUST_USE;
/* The end of the head; then the body, in pieces. -ENOMEM. */
int	 mail_gate_head_end(struct mail_gate *) MUST_USE;
void	 mail_gate_body(struct mail_gate *, struct sv piece);
/* The verdict; *ret lives as long as the gate. Negative: it could not be given. */
int	 mail_gate_end(struct mail_gate *, const struct mail_gate_world *,
	    struct mail_gate_out *ret) MUST_USE;

#endif
