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
 * Whose mail it is decides what happens (mail/policy.h):
 *
 *			others	own	relay
 *	judged		yes	no	no
 *	results removed	yes	yes	no	(and fields of marks, mail/bimi.h)
 *	results added	yes	no	no	(and a mark that is known and may be shown)
 *	signed		no	by the author's domain	no
 *	sealed		with a seal	no	with a seal, and results of ours
 *	a row		yes	no	no
 *
 * What is refused has no changes. Whether a message will leave again is not
 * known here (aliases and sieve are behind us), so with a seal configured all
 * mail of others that is let in is sealed: configure one where mail is
 * forwarded. What programs read differently is neither signed nor sealed.
 *
 * A list changes what it forwards, so that it has to be sealed behind it: there its
 * host is a relay, and the seal says what the first gate found (the uppermost results
 * of ours in the message; also of the chain that it came with).
 *
 * Signatures cover no field that is removed or added here (Authentication-Results
 * is in none of the lists), so they hold over the head as it goes out.
 *
 * A gate does not fail: what could not be done is in the verdict (on_failure of
 * the policy), also when memory ran out on the way. After a temporary refusal
 * there is no row, as the message comes again under another queue id.
 *
 * A configuration is immutable and shared by all messages; a gate belongs to one
 * message, and one thread.
 */
#ifndef APP_MAIL_GATE_H
#define APP_MAIL_GATE_H

#include "app/mail_failure.h"
#include "app/mail_marks.h"
#include "app/mail_sign.h"
#include "mail/policy.h"
#include "mail/row.h"

enum mail_gate_bimi {
	MAIL_GATE_BIMI_NONE,
	MAIL_GATE_BIMI_ALL,		/* also a mark for which nobody vouches */
	MAIL_GATE_BIMI_VOUCHED
};

/* Of which messages their domain's owner hears at once (app/mail_failure.h). */
struct mail_gate_failures {
	struct sv	key;		/* by which people become words; empty: of none */
	bool		with_parts;	/* also fo=d and fo=s */
	bool		with_subject;
};

struct mail_gate_conf {
	struct sv		 authserv_id;	/* RFC 8601 section 2.2 */
	const struct sv		*aliases;	/* further names whose results may not come from outside */
	size_t			 n_aliases;	/* (".example.jp": all below it, too) */
	struct sv		 node;		/* of rows; also the receiver of SPF's %{r} */
	struct mail_policy	 policy;	/* what is done with what (mail/policy.h) */
	const struct mail_sign_table *signs;	/* whose mail is signed; NULL: nobody's … */
	bool			 signs_unknown;	/* … or nobody has said: own mail waits, as policy says */
	struct sv		 seal_domain, seal_selector;	/* of ARC; empty: no seal */
	const struct psl_ctx_st	*psl;		/* NULL: nothing by RFC 7489 */
	struct mail_gate_failures failures;
	enum mail_gate_bimi	 bimi;		/* are marks shown? */
};

/* What a gate needs of the world. Each thread has its own, or they are safe to share. */
struct mail_gate_world {
	struct mail_ask	 ask;		/* is copied: nothing is missing in this one */
	/* After MAIL_WAIT: get what is missing. 0; negative: could not be done. */
	int		(*fill)(void *arg, struct mail_ask *);
	void		*fill_arg;
	/* Who signs: app/mail_sign.h. NULL: nobody can. */
	const struct mail_signer *signer;
	/* The table as it is now: keys may have changed since the message began. NULL: as it was then. */
	const struct mail_sign_table *signs;
	struct dkim_pubs *pubs;		/* keys made ready (mail/dkim.h); NULL: none are kept */
	struct mail_marks *marks;	/* known marks of domains; NULL: none are */
	int64_t		 now;
};

/* What is known before the first field. Texts are copied. */
struct mail_gate_mail {
	bool		 has_client;	/* false: by a local program (no network address) */
	struct ip_prefix client;	/* a host */
	struct sv	 helo, sender, queue_id;	/* sender without angle brackets */
	const struct sv	*recipients;			/* the same */
	size_t		 n_recipients;
	struct sv	 login;		/* SASL ({auth_authen}); empty: none */
	bool		 writes_lists;	/* the MTA writes lists of addresses anew behind us: Sendmail */
};

/* Changes of the head, to be made in this order. */
struct mail_gate_edit {
	/*
	 * Of the index-th field of that name, from 1, letter case free. The last of a name comes
	 * first, so it is the same whether the MTA counts as it stood at first or as it stands.
	 */
	bool		 is_removal;
	struct sv	 name, value;	/* else: put on top; value begins behind the colon, folds in LF */
	uint32_t	 index;
};

struct mail_gate_out {
	enum mail_act		 act;
	unsigned		 reply;		/* 550, 451 …; of a refusal */
	struct sv		 enhanced;	/* "5.7.26" */
	struct sv		 text;		/* one line for a person; of a quarantine: the reason */
	const struct mail_gate_edit *edits;
	size_t			 n_edits;
	bool			 has_row;
	struct mail_row		 row;
	bool			 has_report;	/* of a failure */
	struct mail_failure	 report;
	/* for counters and logs */
	enum mail_who		 who;
	unsigned		 n_signed;
	bool			 is_sealed;
	bool			 has_mark;	/* fields for one were added */
	int			 failure;	/* why it could not be judged; 0: it was */
	int			 sign_failure;	/* why a signature or the seal is missing; 0: none is */
};

struct mail_gate;
/* conf stays the caller's, and as long as the gate. -ENOMEM: mail_gate_without() says what to do. */
int	 mail_gate_new(const struct mail_gate_conf *, const struct mail_gate_mail *,
	    struct mail_gate **ret) MUST_USE;
struct mail_gate *mail_gate_free(struct mail_gate *);
DEFINE_CLEANUP(struct mail_gate, mail_gate_free)
/* A field as libmilter gives it: LF in its folds, leading blank kept. */
void	 mail_gate_field(struct mail_gate *, struct sv name, struct sv value);
/* The end of the head; then the body, in pieces. */
void	 mail_gate_head_end(struct mail_gate *);
void	 mail_gate_body(struct mail_gate *, struct sv piece);
/* The verdict, once; *ret lives as long as the gate. */
void	 mail_gate_end(struct mail_gate *, const struct mail_gate_world *, struct mail_gate_out *ret);
/* The verdict for a message without a gate. */
void	 mail_gate_without(const struct mail_gate_conf *, struct mail_gate_out *ret);

#endif
