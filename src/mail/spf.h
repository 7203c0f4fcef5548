/*
 * mail/spf: may this client send for that domain (RFC 7208)?
 *
 * What enters is the client's address, the name it gave with HELO, the
 * envelope's sender, and the answers of the DNS; what leaves is one of seven
 * results, the term that made it and in whose record it stands, and the trail
 * of all that was tried, in its order, so that a person can follow it.
 *
 * A record is read whole before anything is asked for it: "if there are any
 * syntax errors anywhere in the record, check_host() returns immediately with
 * the result 'permerror', without further interpretation or evaluation"
 * (section 4.6). What is read is a table of terms, and a term is a row of the
 * table of mechanisms: what it may carry, whether it counts among the ten that
 * ask the DNS, and the function that matches it. There is no second list.
 *
 *	spf_record.c	which of the TXT is it; terms and modifiers
 *	spf_term.c	one term: networks, lengths, domain-specs
 *	spf_macro.c	%{…}: what stands there, and is it allowed
 *	spf_expand.c	what comes of it
 *	spf_match.c	does a mechanism match
 *	spf_ptr.c	names of the client that its addresses confirm
 *	spf_ahead.c	questions that can be seen coming
 *	spf_check.c	a record's terms in their order; include, redirect
 *	spf_start.c	the identity that is checked; the result
 *	spf_exp.c	exp=: the owner's words to whom is refused
 *	spf_advise.c	what its owner should mend
 *
 * Bounds. Section 4.6.4 limits terms that ask (10), names of one "mx" (10) and
 * of one "ptr" (10), and terms whose question finds nothing (2); a record that
 * includes itself would do so until the limit, so that is an error at once,
 * with the same result and a better code (SPF_LOOP). Record, terms, expansions
 * and explanation have limits in limits.h.
 *
 * Where the standard leaves a choice:
 *  - A name that cannot be asked for (a label of 64 octets, two dots) finds
 *    nothing (section 4.8 leaves it open; the test suite prefers this).
 *  - More than ten MX are an error even if one of the first matches: their
 *    order is the resolver's, and a result may not depend on it.
 *  - If one MX host cannot be looked up and another matches, it matches: "if
 *    any address matches, the mechanism matches" (section 5.4).
 *  - What finds nothing is counted by term, as section 4.6.4 says: three IPv6
 *    only hosts of one "mx" are one for a client of IPv4.
 *  - An unknown modifier may hold any macro; known ones not %{c}, %{r}, %{t}
 *    (section 7.2: only in explanations).
 *
 * RFC 8616: U-labels of the sender's and HELO's domain become A-labels before
 * anything is asked or expanded. A local part of other octets than ASCII
 * matches nothing that has %{s} or %{l}; nor does one longer than a name.
 *
 * What is not here: PRA (RFC 4407), type 99 as a source (section 3.1), guesses
 * for domains without a record. Received-SPF: mail/authres.h.
 */
#ifndef MAIL_SPF_H
#define MAIL_SPF_H

#include "base/ip.h"
#include "mail/mail.h"

enum spf_code {
#define F FINDING_ENUM_
#include "mail/spf_findings.def"
#undef F
	SPF_CODE_MAX
};
extern const struct finding_def spf_findings[SPF_CODE_MAX];

/* --- a record --- */

enum spf_mechanism {
	SPF_ALL,
	SPF_INCLUDE,
	SPF_A,
	SPF_MX,
	SPF_PTR,
	SPF_IP4,
	SPF_IP6,
	SPF_EXISTS,
	SPF_MECHANISM_MAX
};

struct spf_term {
	struct sv		text;		/* as it stands in the record */
	struct sv		domain;		/* its domain-spec; .n is 0: none */
	struct ip_prefix	network;	/* ip4, ip6 */
	enum spf_mechanism	mechanism;
	enum mail_result	result;		/* of its qualifier */
	uint8_t			len4, len6;	/* a, mx: bits that count */
};

struct spf_record {
	struct sv	text;
	struct spf_term	*terms;
	size_t		n;
	struct sv	redirect, exp;		/* domain-specs; .n is 0: none */
	struct sv	redirect_term;		/* as it stands there */
	unsigned	n_unknown;		/* modifiers that nobody knows */
	struct sv	unknown;		/* the first of them */
};

/*
 * The record's text, from "v=spf1" on. 0: *ret, all in the pool or pointing into text, or
 * NULL with what is wrong among the findings. -ENOMEM.
 */
int	 spf_record_parse(struct pool *, struct sv text, struct findings *,
	    struct spf_record **ret) MUST_USE;
/* Notes and warnings on a record that can be read: what its owner should mend. */
void	 spf_record_advise(const struct spf_record *, struct findings *);

/* --- an evaluation --- */

enum spf_identity {
	SPF_MAILFROM,
	SPF_HELO,		/* the sender is empty: section 2.4 */
	SPF_IDENTITY_MAX
};
/* "mailfrom", "helo" (section 9.1). */
const char *spf_identity_name(enum spf_identity);

struct spf_limits {
	unsigned n_lookups;	/* terms that ask the DNS */
	unsigned n_void;	/* of these, terms that find nothing */
};
#define SPF_LIMITS_DEFAULT	((struct spf_limits){ SPF_LOOKUPS_MAX, SPF_VOID_MAX })

struct spf_in {
	struct ip_prefix client;	/* a host; IPv4 in IPv6 counts as IPv4 */
	struct sv	 helo;
	struct sv	 sender;	/* without angle brackets; may be empty */
	struct sv	 receiver;	/* our name, for %{r}; empty: "unknown" */
	int64_t		 now;		/* for %{t} */
	struct spf_limits limits;
	bool		 is_advice;	/* what the owner should mend, too; asks for type 99 */
};

enum spf_outcome {
	SPF_STEP_NO,		/* no match */
	SPF_STEP_MATCH,
	SPF_STEP_ERROR,		/* the evaluation ended here */
	SPF_STEP_GOES,		/* a record was found, a redirect followed */
	SPF_OUTCOME_MAX
};
/* "no match" …: a msgid */
const char *spf_outcome_name(enum spf_outcome);

/* One step of the trail: a record that was fetched, a term, a redirect. */
struct spf_step {
	struct spf_step	*next;
	unsigned	 depth;		/* 0: the domain's own record */
	bool		 is_record;	/* text is the record, else a term */
	enum spf_outcome outcome;
	struct sv	 domain;	/* in whose record */
	struct sv	 text;
	struct sv	 asked;		/* the name that was asked for; .n is 0: none */
	uint16_t	 type;
	enum mail_rcode	 rcode;
	struct sv	 found;		/* the name that matched; .n is 0: nothing to name */
	const char	*why;		/* a msgid, or NULL */
};

struct spf_out {
	enum mail_result result;
	enum spf_identity identity;
	struct sv	 domain;	/* of the identity, A-labels */
	struct dname	 name;		/* the same for the DNS; .len is 0: it has no such form */
	struct sv	 sender;	/* with "postmaster" where there was no local part */
	struct sv	 term;		/* that matched; .n is 0: none */
	struct sv	 term_domain;	/* the record in which it stands */
	struct sv	 explanation;	/* .n is 0: none */
	unsigned	 n_lookups, n_void;
	bool		 is_secure;	/* all answers were validated with DNSSEC */
	struct spf_step	*steps;
};

/* A host; IPv4 in IPv6 becomes IPv4 (section 5), as a server that listens for both gives it. */
struct ip_prefix spf_client(struct ip_prefix);
/*
 * Section 4. 0: *ret, which points into the pool and into in. MAIL_WAIT: see mail/mail.h.
 * -ENOMEM.
 */
int	 spf_check(const struct spf_in *, struct mail_ask *, struct pool *, struct findings *,
	    struct spf_out *ret) MUST_USE;

#endif
