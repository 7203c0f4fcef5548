/*
 * mail/report: DMARC's reports, as they are sent.
 *
 * What enters: who reports, the policy that was found, and the rows of a day,
 * one after the other. What leaves: the XML of RFC 9990 (or, for receivers
 * that read only the older form, of RFC 7489 appendix C), written into a buffer
 * as the rows come, so that a report of a million rows needs no room; and the
 * mail around it.
 *
 * One report has one policy domain and one policy (RFC 9990 section 3.1). A row
 * is a source address with all that was found alike; how many messages, its
 * count, is the caller's sum. The elements stand in the order of RFC 9990's
 * tables, which is the older schema's order, too, where that has one.
 *
 * Domains, selectors and comments are strangers' text: what XML 1.0 cannot
 * hold (controls, broken UTF-8) becomes U+FFFD, and the five marks of XML
 * become entities. Local parts of addresses are never written: neither form
 * has a place for them, and a report is about domains.
 *
 * Where the two forms differ:
 *
 *			RFC 9990			RFC 7489
 *	namespace	urn:ietf:params:xml:ns:dmarc-2.0	none
 *	disposition	pass, of p=quarantine or reject	none
 *	policy		np, testing, discovery_method	pct
 *	override	policy_test_mode		other
 *	SPF		MAIL FROM only			HELO, too
 *	IPv6		RFC 5952			eight groups always
 *
 * Whoever names an address in rua= names whom he likes, so each that is not of
 * the policy domain's own organization is asked for first: it has to publish
 * that it wants the reports (report_to_check()).
 *
 * Failure reports (RFC 9991) tell of one message what an aggregate report sums
 * up, and are off unless somebody turns them on: what they tell is redacted
 * (report_failure_write()).
 *
 * Not here: gzip (the caller's, as it has the library), sending, and when.
 */
#ifndef MAIL_REPORT_H
#define MAIL_REPORT_H

#include "base/buf.h"
#include "base/ip.h"
#include "mail/authres.h"
#include "mail/dmarc.h"
#include "mail/message.h"

enum report_code {
#define F FINDING_ENUM_
#include "mail/report_findings.def"
#undef F
	REPORT_CODE_MAX
};
extern const struct finding_def report_findings[REPORT_CODE_MAX];

enum report_form {
	REPORT_RFC9990,
	REPORT_RFC7489,
	REPORT_FORM_MAX
};

/* Who reports, and about when. Texts may be empty where they say so. */
struct report_meta {
	struct sv	org_name, email;
	struct sv	contact;		/* extra_contact_info; may be empty */
	struct sv	report_id;		/* letters and digits (a file's name holds it, too) */
	int64_t		begin, end;		/* seconds since 1970, UTC */
	struct sv	error;			/* on the record; may be empty */
	struct sv	generator;		/* name and version */
};

/* What was published; where the record is silent, its default. */
struct report_policy {
	struct sv		domain;		/* the policy domain */
	enum dmarc_method	method;
	enum dmarc_policy	p, sp, np;
	unsigned		fo;		/* enum dmarc_fo */
	bool			strict_dkim, strict_spf, testing;
	uint32_t		pct;		/* of the older form only */
};

/* What was done with the messages. */
enum report_disposition {
	REPORT_NONE,
	REPORT_PASS,			/* DMARC passed, and what fails is asked to be stopped */
	REPORT_QUARANTINE,
	REPORT_REJECT,
	REPORT_DISPOSITION_MAX
};

/* Why it is not what the policy asks for. */
enum report_override {
	REPORT_LOCAL_POLICY,
	REPORT_MAILING_LIST,
	REPORT_OTHER,
	REPORT_TEST_MODE,		/* t=y */
	REPORT_TRUSTED_FORWARDER,
	REPORT_OVERRIDE_MAX
};

struct report_reason {
	enum report_override	type;
	struct sv		comment;	/* may be empty */
};

struct report_dkim {
	struct sv		domain, selector;
	enum mail_result	result;
	struct sv		human;		/* may be empty */
};

struct report_row {
	struct ip_prefix		 source;	/* a host */
	uint64_t			 count;
	enum report_disposition		 disposition;
	bool				 dkim_aligned, spf_aligned;
	const struct report_reason	*reasons;
	size_t				 n_reasons;
	struct sv			 header_from;
	bool				 has_envelope_from;	/* empty: the null sender */
	struct sv			 envelope_from;
	struct sv			 envelope_to;	/* may be empty: not told */
	const struct report_dkim	*dkim;		/* the most telling first; REPORT_DKIM_MAX are written */
	size_t				 n_dkim;
	struct sv			 spf_domain;	/* empty: SPF was not checked */
	bool				 spf_helo;	/* its scope */
	enum mail_result		 spf;
	struct sv			 spf_human;	/* may be empty */
};

/* One report is begin, one row or more, end. */
void	 report_begin(struct buf *, enum report_form, const struct report_meta *,
	    const struct report_policy *);
void	 report_row(struct buf *, enum report_form, const struct report_row *);
void	 report_end(struct buf *);

/* --- to whom (report_to.c) --- */

enum report_to {
	REPORT_TO_GOOD,			/* of the same organization, or it says that it wants them */
	REPORT_TO_BAD,			/* send nothing there */
	REPORT_TO_LATER,		/* the DNS did not answer: ask again */
	REPORT_TO_MAX
};

struct report_address {
	struct dmarc_uri	uri;
	enum report_to		verdict;
};

/*
 * Which of a record's addresses get reports: RFC 9990 section 4, so that nobody can have a
 * stranger flooded. where: the domain at which the record was found. *ret has an entry for
 * each, or for each that stands in its place. 0; MAIL_WAIT; -ENOMEM.
 */
int	 report_to_check(const struct dname *where, const struct dmarc_uri *rua, size_t n,
	    struct mail_ask *, struct pool *, struct findings *, struct report_address **ret,
	    size_t *ret_n) MUST_USE;
/* The same for failure reports: RFC 9991 section 4, "substituting the "ruf" tag". */
int	 report_to_check_ruf(const struct dname *where, const struct dmarc_uri *ruf, size_t n,
	    struct mail_ask *, struct pool *, struct findings *, struct report_address **ret,
	    size_t *ret_n) MUST_USE;

/* --- the mail around it (report_mail.c) --- */

struct report_mail {
	struct sv		 from, to;	/* addresses, without "<>" */
	struct sv		 submitter;	/* the domain of who reports */
	struct sv		 domain;	/* the policy domain */
	const struct report_meta *meta;		/* its identifier and times */
	int64_t			 at;
	struct sv		 data;		/* the report: gzip, or */
	bool			 is_plain;	/* XML as it is */
	enum report_form	 form;
};

/*
 * RFC 5322 lines that end in LF, for a sendmail program: subject and file name as RFC 9990
 * section 3.5.2 has them, the same for the same report, so that a second copy is known to be
 * one. -EINVAL: an address, a domain or the identifier could mean more than itself in a header.
 */
int	 report_mail_write(struct buf *, const struct report_mail *) MUST_USE;

/* --- is one message reported? (report_asked.c; RFC 9989 section 4.7, "fo") --- */

enum report_mechanism {
	REPORT_ALIGNED,		/* it passed, for an aligned domain */
	REPORT_NOT_ALIGNED,
	REPORT_UNKNOWN		/* the DNS did not answer: nobody's failure */
};

struct report_asked {
	unsigned		fo;		/* enum dmarc_fo */
	bool			with_parts;	/* fo=d and fo=s are heard, too */
	enum report_mechanism	dkim, spf;
	bool			dkim_failed, spf_failed;	/* a signature, SPF: "regardless of its alignment" */
};

enum report_about {
	REPORT_ABOUT_NOTHING,
	REPORT_ABOUT_DMARC,
	REPORT_ABOUT_DKIM,
	REPORT_ABOUT_SPF,
	REPORT_ABOUT_MAX
};
enum report_about report_asked(const struct report_asked *);
/* What says of itself that a program wrote it: no report is made about a report. */
bool	 report_is_answer(const struct mail_head *);
/* Results as others may see them: local parts of addresses, comments and reasons are taken off. */
void	 report_results_redact(struct authres *);
/* Those of one method, the first max of them. */
void	 report_results_keep(struct authres *, enum authres_method, size_t max);

/* --- of one message (report_failure.c; RFC 9991, 6591) --- */

enum report_delivery {			/* RFC 6591 section 3.2.2 */
	REPORT_DELIVERED,
	REPORT_SPAM,
	REPORT_POLICY,
	REPORT_REJECTED,
	REPORT_OTHER_WAY,
	REPORT_DELIVERY_MAX
};

enum report_auth_failure {		/* RFC 6591 section 3.3, and RFC 9991 section 4 */
	REPORT_AUTH_DMARC,
	REPORT_AUTH_SIGNATURE,
	REPORT_AUTH_BODYHASH,
	REPORT_AUTH_REVOKED,
	REPORT_AUTH_SPF,
	REPORT_AUTH_MAX
};

struct report_failure {
	struct sv		 domain;	/* the policy domain */
	int64_t			 arrived;
	struct ip_prefix	 source;	/* a host */
	const struct mail_address *mail_from;	/* NULL: the null sender */
	struct sv		 auth_results;	/* the field's value, redacted: of one method */
	struct sv		 all_results;	/* of all, for the message's head; or empty */
	enum report_auth_failure auth_failure;
	bool			 dkim_failed, spf_failed;	/* to authenticate an aligned identity */
	struct sv		 dkim_domain, dkim_selector;	/* of an aligned signature that failed; or empty */
	struct sv		 dkim_identity;	/* the domain of its i=; empty: dkim_domain */
	struct sv		 spf_domain, spf_record;	/* of an aligned one that failed; or empty */
	enum report_delivery	 delivery;
	const struct mail_head	*head;
	struct sv		 key;		/* for redaction, REPORT_KEY_MIN octets at least; secret */
	bool			 with_subject;
};
/*
 * What a report says of the message, redacted, as lines: its feedback and its head, together
 * REPORT_FAILURE_MAX octets at most (a field that is too much for that is told by its name).
 * Made where the message is; who sends it needs nothing else. -EINVAL: a text could mean more
 * than itself there; -ENOMEM.
 */
int	 report_failure_write(struct buf *ret_feedback, struct buf *ret_head, struct pool *,
	    const struct report_failure *) MUST_USE;

struct report_failure_mail {
	struct sv	from, to, submitter, domain;	/* as in struct report_mail */
	struct sv	id;		/* letters and digits */
	struct sv	agent;		/* our name and version */
	int64_t		at;
	uint64_t	incidents;	/* messages alike */
	struct sv	feedback, head;	/* of report_failure_write() */
};
/* RFC 5322 lines that end in LF. -EINVAL as for report_mail_write(). */
int	 report_failure_mail_write(struct buf *, const struct report_failure_mail *) MUST_USE;

#endif
