/*
 * mail/judge: all that can be said of one message, by all the standards.
 *
 * What enters is a head, a body in pieces, the envelope as far as it is
 * known, and the answers of the DNS; what leaves is the evidence of each
 * engine side by side: SPF for MAIL FROM and for HELO, each signature, the
 * ARC chain, DMARC by RFC 9989 and by RFC 7489. Nothing is decided here that
 * those do not decide; which domain each of them spoke for is passed from one
 * to the next, and that is all.
 *
 *	mail_judge_begin()	the head becomes values: who is in From, which
 *				signatures there are, which digests they want
 *	mail_judge_body()	the body goes by once, for all of them
 *	mail_judge_check()	the DNS is asked, and all is judged. MAIL_WAIT: get
 *				the answers and call again, from a pool that was
 *				reset; what the first two made stays, and so does
 *				all arithmetic: digests of the head and signatures
 *				are computed once, those of DKIM and ARC together
 *
 * All engines are asked each time, also those behind one that waits, so that
 * their questions are under way at the same time: DMARC's walk depends on
 * nothing but From, and is asked while SPF still is.
 *
 * Without a client's address, or without sender and HELO, there is no SPF; the
 * others stand. A message whose author is in doubt (several From, an address
 * that two programs read differently) has no author: DMARC says permerror.
 *
 * A message can be made so that its values fill a pool. That is no lack of memory, for which a
 * milter would have it sent again for ever: such a message is not judged (is_too_much), its DMARC
 * is permerror, and MAIL_TOO_MUCH, a REJECT, says so.
 *
 * mail_judge_say() writes what was found as Authentication-Results.
 * mail/story.h says what it most likely means.
 */
#ifndef MAIL_JUDGE_H
#define MAIL_JUDGE_H

#include "mail/arc.h"
#include "mail/authres.h"
#include "mail/dkim.h"
#include "mail/dmarc.h"
#include "mail/message.h"
#include "mail/spf.h"

struct mail_judge_in {
	bool		 has_client;
	struct ip_prefix client;	/* a host */
	struct sv	 helo;		/* empty: not known */
	bool		 has_sender;
	struct sv	 sender;	/* without angle brackets; empty: the null sender */
	struct sv	 receiver;	/* our name, for %{r} of SPF */
	int64_t		 now;
	bool		 is_advice;	/* what the owner of an SPF record should mend, too */
	const struct psl_ctx_st *psl;	/* NULL: nothing by RFC 7489 */
	struct dkim_pubs *pubs;		/* kept from message to message, by threads too; or NULL */
};

struct mail_judge {
	const struct mail_head	*head;
	struct mail_address	*authors;
	size_t			 n_authors;	/* 0: none without doubt */
	struct dkim		 dkim;
	struct arc		 arc;
	bool			 is_too_much;	/* to be judged, and told */
	/* private */
	struct dname		*names;		/* of the authors */
	struct mail_body_want	*wants;		/* of DKIM, then of ARC */
	struct mail_body	*body;
};

/*
 * head stays the caller's, and as long as the judge. 0; -ENOMEM. What is wrong with the head
 * are findings; a REJECT says that the message may not be taken for what it seems.
 */
int	 mail_judge_begin(struct pool *, const struct mail_head *, struct findings *,
	    struct mail_judge *ret) MUST_USE;
void	 mail_judge_done(struct mail_judge *);
/* The body, or its pieces; then its end. */
void	 mail_judge_body(struct mail_judge *, struct sv piece);
void	 mail_judge_body_end(struct mail_judge *);

struct mail_judge_out {
	bool			 has_spf, has_helo;
	struct spf_out		 spf;		/* of MAIL FROM; of HELO with the null sender */
	struct spf_out		 helo;		/* of HELO beside it (RFC 7208 section 2.3) */
	struct dkim_verdict	*dkim;		/* beside mail_judge's dkim.sigs */
	size_t			 n_dkim;
	struct arc_verdict	 arc;
	struct dmarc_out	 dmarc;
	bool			 is_too_much;	/* there is nothing but a permerror */
};

/* 0; MAIL_WAIT: see above; negative: it could not be done. */
int	 mail_judge_check(const struct mail_judge *, const struct mail_judge_in *, struct pool *,
	    struct mail_ask *, struct findings *, struct mail_judge_out *ret) MUST_USE;
/* As results for a field of ours. id: who says so. -ENOMEM. */
int	 mail_judge_say(const struct mail_judge *, const struct mail_judge_in *,
	    const struct mail_judge_out *, struct sv id, struct pool *, struct authres *ret) MUST_USE;

#endif
