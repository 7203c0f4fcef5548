/*
 * mail/feedback: complaints about messages, as operators send them to each
 * other (RFC 5965, ARF; RFC 6449 and 6650 on how).
 *
 * IN: what enters is a whole message, a stranger's; what leaves are the fields
 * of its report as values, the head of the message that is complained of, and
 * (feedback_about()) which of our own domains it is about and by which words
 * its sender knows the recipient again. A complaint is a hint: anybody can write
 * one, and nothing in it is verified here. Whoever acts on it first judges the
 * mail that brought it (mail/judge.h: is it from an operator that is known?).
 *
 * The form is the standard's: multipart/report of a text for people, the part
 * message/feedback-report, and the message or its head. Real senders leave it,
 * and are read with a finding, as a complaint that is not understood helps
 * nobody: another multipart, report-type missing, a report encoded in base64,
 * addresses in brackets, no User-Agent, or no report at all but the message as
 * an attachment, as a provider's feedback loop had it for years. What stands
 * once and is there twice counts as it stands first (RFC 5965 section 3.2:
 * "MUST NOT appear more than once").
 *
 * OUT: feedback_write() makes such a mail about a message, for an operator that
 * asked for it or is known to want it. Its recipient complains of its sender,
 * so both are people: local parts become words by a key (RFC 6590), there are no
 * names, no subject, no Received fields and no body. What is left is enough for
 * the sender's operator: source address, time, Message-ID, signatures, and the
 * tokens that senders put there for this (CFBL-Feedback-ID of RFC 9477,
 * Feedback-ID), by which they find the recipient without his address.
 *
 * Bounded: FEEDBACK_* of mail/limits.h, those of mail/mime.h and mail_head.
 * Failure reports of DMARC have the same form: they are read here, too, and
 * are written by mail/report.h.
 */
#ifndef MAIL_FEEDBACK_H
#define MAIL_FEEDBACK_H

#include "base/buf.h"
#include "base/ip.h"
#include "mail/authres.h"
#include "mail/dkim.h"
#include "mail/message.h"

enum feedback_code {
#define F FINDING_ENUM_
#include "mail/feedback_findings.def"
#undef F
	FEEDBACK_CODE_MAX
};
extern const struct finding_def feedback_findings[FEEDBACK_CODE_MAX];

enum feedback_type {		/* RFC 5965 section 7.3 and its registry */
	FEEDBACK_ABUSE,
	FEEDBACK_AUTH_FAILURE,
	FEEDBACK_FRAUD,
	FEEDBACK_NOT_SPAM,
	FEEDBACK_VIRUS,
	FEEDBACK_OTHER,		/* that word, or one that we do not know */
	FEEDBACK_TYPE_MAX
};
/* "abuse" … */
const char *feedback_type_name(enum feedback_type);

struct feedback_list {
	struct sv	v[FEEDBACK_LIST_MAX];
	size_t		n;
};

/* Texts are unfolded, and without control characters; empty where there is no such field. */
struct feedback {
	bool			 has_report;	/* false: only the message, from which nothing else is known */
	enum feedback_type	 type;
	struct sv		 type_word;	/* as written */
	struct sv		 version, agent, envelope_id, reporter;	/* reporter: Reporting-MTA */
	bool			 has_source, has_arrival;
	struct ip_prefix	 source;	/* a host */
	uint32_t		 port;		/* RFC 6692; 0: not told */
	int64_t			 arrived;
	bool			 has_mail_from;
	struct mail_address	 mail_from;	/* local.n is 0: the null sender. Local parts may be redacted */
	uint64_t		 incidents;	/* 1 where nothing is said */
	struct feedback_list	 results;	/* Authentication-Results: values, for authres_parse() */
	struct feedback_list	 recipients, domains, uris;	/* as written */
	/* of RFC 6591 */
	struct sv		 auth_failure, delivery, alignment, dkim_domain, dkim_selector;
	bool			 has_original;
	struct mail_head	 original;	/* of the message that is complained of */
};

/*
 * 0 with *ret, or NULL and a finding (REJECT): it is no complaint. -ENOMEM. The pool needs
 * MAIL_POOL_MAX; slices of message stay in *ret.
 */
int	 feedback_parse(struct pool *, struct sv message, struct findings *, struct feedback **ret) MUST_USE;

/*
 * A date of RFC 5322 section 3.3 with the older forms of 4.3: years of two digits, zones with
 * names. -EINVAL.
 */
int	 feedback_date_parse(struct sv, int64_t *ret) MUST_USE;

/* --- about whom --- */

enum feedback_by {		/* the first that names one of ours */
	FEEDBACK_BY_DKIM,	/* d= of a signature in the original; unverified */
	FEEDBACK_BY_MAIL_FROM,
	FEEDBACK_BY_FROM,	/* of the original */
	FEEDBACK_BY_REPORTED,	/* Reported-Domain: who reports may have it from anywhere */
	FEEDBACK_BY_MAX
};
/* A msgid. */
const char *feedback_by_name(enum feedback_by);

enum feedback_token {		/* the best first */
	FEEDBACK_TOKEN_CFBL,	/* CFBL-Feedback-ID, of our own making (RFC 9477) */
	FEEDBACK_TOKEN_ID,	/* Feedback-ID */
	FEEDBACK_TOKEN_PATH,	/* the local part of an envelope sender of ours: VERP has the recipient in it */
	FEEDBACK_TOKEN_LIST,	/* List-ID */
	FEEDBACK_TOKEN_MESSAGE,	/* Message-ID: a log has the rest */
	FEEDBACK_TOKEN_MAX
};
/* "CFBL-Feedback-ID" …; Return-Path for the envelope sender. */
const char *feedback_token_name(enum feedback_token);

struct feedback_about {
	bool		 is_ours;
	size_t		 which;		/* of the domains given */
	enum feedback_by by;
	struct dname	 name;		/* as it stands there: that domain, or one below */
	struct sv	 tokens[FEEDBACK_TOKEN_MAX];	/* .n is 0: none */
};
/*
 * ours: domains (with all below) whose users' mail it may be. FEEDBACK_FOREIGN where it is none of
 * them. 0; -ENOMEM.
 */
int	 feedback_about(const struct feedback *, const struct dname *ours, size_t n_ours, struct pool *,
	    struct findings *, struct feedback_about *ret) MUST_USE;

/* --- against whom does it count? (feedback_note.c) --- */

enum feedback_note_why {
	FEEDBACK_NOTED,
	FEEDBACK_NOTE_NO_RESULTS,	/* no Authentication-Results: it did not come through our gate */
	FEEDBACK_NOTE_NOT_OURS,		/* the uppermost is another's: anybody can write one */
	FEEDBACK_NOTE_NOBODY,		/* nothing passed: no domain is behind it */
	FEEDBACK_NOTE_FOREIGN,		/* a complaint about mail that is not ours */
	FEEDBACK_NOTE_KIND,		/* not-spam, auth-failure, or a kind that we do not know */
	FEEDBACK_NOTE_UNSIGNED,		/* it came for a CFBL-Address, and its author's domain did not sign it */
	FEEDBACK_NOTE_MAX
};
/* A msgid: why nothing is counted. */
const char *feedback_note_text(enum feedback_note_why);

#define FEEDBACK_NAMES_MAX	(FEEDBACK_LIST_MAX)

struct feedback_note {
	enum feedback_note_why	 why;
	struct sv		 names[FEEDBACK_NAMES_MAX];	/* domains, A-labels, each once */
	size_t			 n;
};
/*
 * head: of the mail at hand. Only the uppermost Authentication-Results is believed, and only if
 * it is of an identifier of ours. f NULL: one of our users complains of this message, and it
 * counts against the domains that it authenticated. Else it is a complaint that another operator
 * sent; it counts against our own domain that about names, if somebody stands for it. 0; -ENOMEM.
 */
int	 feedback_note(const struct mail_head *head, const struct feedback *f,
	    const struct feedback_about *about, const struct dname *ours, const struct sv *ids,
	    size_t n_ids, struct pool *, struct feedback_note *ret) MUST_USE;

/* --- out --- */

/*
 * To whom, as the message itself says: its CFBL-Address fields, "a list of addresses, each of which
 * should receive a report" (RFC 9477 section 3.2). Of an address, the domain has a signature that
 * passed and covers the field (and CFBL-Feedback-ID, if there is one), and the author's domain one
 * that passed. results: of the message's check, beside sigs. *ret: with "," between; .n is 0:
 * nowhere. -ENOMEM.
 */
int	 feedback_cfbl(const struct mail_head *, const struct dname *author, const struct dkim_sig *sigs,
	    const enum mail_result *results, size_t n, struct pool *, struct sv *ret) MUST_USE;

struct feedback_out {
	enum feedback_type	 type;		/* not FEEDBACK_AUTH_FAILURE: see mail/report.h */
	struct sv		 from, to;	/* addresses, without "<>"; to: one, or several with "," between */
	struct sv		 submitter;	/* the domain of who reports */
	struct sv		 id;		/* letters and digits */
	struct sv		 agent;		/* our name and version */
	struct sv		 domain;	/* of the operator that it goes to: Reported-Domain */
	struct sv		 auth_results;	/* the field's value, as we wrote it; or empty */
	int64_t			 at, arrived;	/* arrived: 0 is not told */
	bool			 has_source;
	struct ip_prefix	 source;
	const struct mail_address *mail_from;	/* NULL: the null sender */
	const struct mail_address *recipient;	/* who complains, as a word; NULL: not told */
	uint64_t		 incidents;	/* messages alike */
	const struct mail_head	*head;
	struct sv		 key;		/* for redaction, REPORT_KEY_MIN octets at least; secret */
	bool			 with_sender;	/* the envelope sender as it is: VERP needs it, and it is theirs */
	bool			 with_subject;
};
/* RFC 5322 lines that end in LF. -EINVAL: a text could mean more than itself in a header; -ENOMEM. */
int	 feedback_write(struct buf *, struct pool *, const struct feedback_out *) MUST_USE;

#endif
