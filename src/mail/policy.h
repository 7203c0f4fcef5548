/*
 * mail/policy: what is done with a message, after all has been said of it.
 *
 * What enters: what the operator wants (struct mail_policy), the message as it
 * was judged (mail/judge.h), and the findings on its head. What leaves: one
 * act, the SMTP reply with a sentence that a person understands, and what a
 * report says of it (RFC 9990: the disposition as done, and why it is not what
 * the domain's owner asked for).
 *
 * WHO. mail_who_find() says whose mail it is, before anything is judged:
 *
 *	others	judged, marked with our results, let in or not, reported
 *	own	of a user who logged in, or from a network of one's own: not
 *		judged, but signed
 *	relay	from a host of one's own that has judged it already: left alone
 *
 * THE ORDER. A head that programs read differently has no author who could be
 * held to anything: on_doubt. Then DMARC: where it passed the message is let
 * in; where it failed, what the owner asks for (after t=y) holds, unless a
 * path of the operator's says that mail which comes this way fails without
 * being forged; where the DNS did not answer, on_temperror, as rejecting then
 * would be final for what may be a fault of ours. Where a record was found all the
 * same, that is on_unproven: nothing if it asks for nothing or a path is believed;
 * but a stranger can sign with a name of the victim's whose look-up fails, so what
 * asks to be protected is asked for again rather than let in. Nor is rejected, for good, what
 * has a chain of ARC that could not be looked up, if on_unproven is to ask again. Without a
 * DMARC record, SPF alone may decide (on_spf_fail).
 *
 * PATHS. A path is believed as far as it can prove where it is:
 *
 *	client	a prefix of addresses of a forwarder
 *	sealer	a domain whose ARC seals are believed. The chain has to pass, and its
 *		newest message signature to cover all of the body; from
 *		the newest set on, each sealer has to be on the list until one says
 *		that DMARC passed for this author when it came in. A sealer that is
 *		believed says what it saw, not what those before it say.
 *	list	a DKIM signature of the list's domain that passes, covers all of the
 *		body and the List-Id, and that List-Id
 *
 * LISTS WITHOUT A PATH. RFC 9989 section 7.4 does not want mail to be rejected
 * for p=reject alone, as it is in the way of lists and forwarders. What looks
 * like one (a List-Id, or a chain of ARC that passes) is on_indirect's. Anybody
 * can look like one; so that is best a quarantine, and no acceptance.
 *
 * SENTENCES are ASCII without "%" (libmilter takes it for a format), at most
 * MAIL_POLICY_TEXT_MAX octets; strangers' words in them are bounded, and what
 * could end a line or move a cursor is "?". Codes are RFC 3463's and 7372's.
 *
 * Not here: spam, viruses, rates; what looks good or bad but is not said by
 * somebody who can be held to it.
 */
#ifndef MAIL_POLICY_H
#define MAIL_POLICY_H

#include "mail/judge.h"
#include "mail/report.h"

/* --- what the operator wants --- */

enum mail_act {
	MAIL_ACT_ACCEPT,
	MAIL_ACT_QUARANTINE,
	MAIL_ACT_REJECT,
	MAIL_ACT_TEMPFAIL,		/* the client asks again */
	MAIL_ACT_MAX
};
/* "accept", "quarantine", "reject", "tempfail": the words of the configuration. */
const char *mail_act_name(enum mail_act);
/* -EINVAL. */
int	 mail_act_parse(struct sv, enum mail_act *ret) MUST_USE;

/* A way by which mail comes that DMARC fails and nobody forged. */
enum mail_path_kind {
	MAIL_PATH_CLIENT,		/* client */
	MAIL_PATH_SEALER,		/* domain */
	MAIL_PATH_LIST,			/* domain; list_id, or empty: any that ends in the domain */
	MAIL_PATH_MAX
};
struct mail_path {
	enum mail_path_kind	 kind;
	struct ip_prefix	 client;
	struct dname		 domain;
	struct sv		 list_id;
	struct sv		 comment;	/* for reports; may be empty, and is not used for a sealer */
};

struct mail_policy {
	enum mail_act	 on_reject;	/* DMARC failed, and its owner asks to reject */
	enum mail_act	 on_quarantine;
	enum mail_act	 on_indirect;	/* the same of what looks like a list or a forwarder, if milder */
	enum mail_act	 on_spf_fail;	/* no DMARC record, and SPF says fail */
	enum mail_act	 on_temperror;	/* the DNS did not answer */
	enum mail_act	 on_unproven;	/* the same, and there is a record that asks for something */
	enum mail_act	 on_doubt;	/* programs differ in who the author is, or where the head ends */
	enum mail_act	 on_failure;	/* it could not be judged: no memory, a fault of ours */
	enum mail_act	 on_unsigned;	/* own mail that could not be signed now */
	const struct mail_path *paths;
	size_t		 n_paths;
	const struct ip_prefix *own, *relays;
	size_t		 n_own, n_relays;
	struct sv	 help;		/* behind each refusal: "See https://…"; may be empty */
	/*
	 * Quarantine is a field of that name with the reason, for those who file mail; empty: the MTA
	 * holds it. Such fields from outside are removed.
	 */
	struct sv	 mark;
};
/* What is asked for is done; what is not known is let in. */
#define MAIL_POLICY_ENFORCE	((struct mail_policy){			\
	.on_reject = MAIL_ACT_REJECT, .on_quarantine = MAIL_ACT_QUARANTINE,	\
	.on_indirect = MAIL_ACT_QUARANTINE, .on_spf_fail = MAIL_ACT_ACCEPT,	\
	.on_temperror = MAIL_ACT_ACCEPT, .on_unproven = MAIL_ACT_TEMPFAIL,	\
	.on_doubt = MAIL_ACT_REJECT, .on_failure = MAIL_ACT_ACCEPT,		\
	.on_unsigned = MAIL_ACT_TEMPFAIL })
/* Nothing is refused; reports say so. */
#define MAIL_POLICY_OBSERVE	((struct mail_policy){ .on_unsigned = MAIL_ACT_ACCEPT })

/* --- whose mail --- */

enum mail_who {
	MAIL_WHO_OTHERS,
	MAIL_WHO_OWN,
	MAIL_WHO_RELAY,
	MAIL_WHO_MAX
};
/* client: NULL for a program on this host, which is one's own. */
enum mail_who mail_who_find(const struct mail_policy *, const struct ip_prefix *client, bool has_login);

/* --- the decision --- */

struct mail_decision {
	enum mail_act		 act;
	/* of a refusal: 550, "5.7.26" … */
	unsigned		 reply;
	struct sv		 enhanced;
	struct sv		 text;		/* and the reason of a quarantine; else empty */
	/* for the report */
	enum report_disposition	 disposition;
	const struct report_reason *reasons;
	size_t			 n_reasons;
};

struct mail_policy_in {
	const struct mail_judge		*judge;
	const struct mail_judge_in	*in;
	const struct mail_judge_out	*out;
	const struct findings		*head;	/* of mail_head_add() and mail_judge_begin() */
};
/* Do programs read the head in different ways? Then it is neither signed nor sealed. */
bool	 mail_policy_doubt(const struct findings *head);
/* All in the pool, or pointing into the policy. -ENOMEM. */
int	 mail_policy_check(const struct mail_policy *, const struct mail_policy_in *, struct pool *,
	    struct mail_decision *ret) MUST_USE;
/* What is done without a judgement (on_failure), and with own mail without a signature. */
struct mail_decision mail_policy_failure(const struct mail_policy *);
/* The same for a message that is too large to be judged: a doubt, as somebody made it so. */
struct mail_decision mail_policy_too_much(const struct mail_policy *);
struct mail_decision mail_policy_unsigned(const struct mail_policy *);

#endif
