/*
 * mail/dmarc: does what passed speak for the domain in From, and what does its
 * owner ask to be done with a message for which nothing does?
 *
 * What enters: the domains of the authors, the result of SPF for MAIL FROM and
 * those of the DKIM signatures, and the answers of a resolver. What leaves: a
 * result in the words of RFC 8601, the record that decided and where it was
 * found, how each identifier stands to the author's domain, what the owner
 * asks for, and each name that was looked at on the way.
 *
 * THE WALK (RFC 9989 section 4.10). "_dmarc." is asked at the author's domain,
 * then at each of its parents up to the top; a name of more than eight labels
 * is cut to seven after the first question, so there are never more than
 * eight. All of these names are known from the beginning, and are asked at the
 * same time. A record with psd=n or psd=y ends the walk. Then (section 4.10.2)
 *
 *	psd=n		that name is the organizational domain
 *	psd=y		the name one label below is, unless the walk began there
 *	neither		the shortest name with a record is
 *	no record	the name at which the walk began is
 *
 * The policy is that of the author's domain, or else of its organizational
 * domain, or else of the public suffix (section 4.10.1): p= at the author's own
 * record, sp= where the author's domain is below, np= where it does not exist
 * at all (NXDOMAIN to a question for A; RFC 8020).
 *
 * An identifier that passed is aligned if it has the author's organizational
 * domain, or, where the record wants it strict, is the same name. An
 * organizational domain is always a tail of the name, so an identifier that
 * does not end in the author's needs no walk of its own.
 *
 * THE RECORD (section 4.7 and 4.8). Only "v=DMARC1" in the first place makes a
 * record; everything behind it is read tag by tag, and what is wrong in a tag
 * costs that tag alone: "Syntax errors in the remainder of the record MUST be
 * discarded in favor of default values (if any) or ignored outright." A tag
 * that is there twice says two things, so neither counts (RFC 6376 would throw
 * the whole list away, and with it the protection of a domain whose reports
 * were asked for twice). Names of tags but the first are lower case (RFC 6376 section 3.2:
 * "Tags MUST be interpreted in a case-sensitive manner"), their values are not.
 * p= missing, or one of p, sp, np not valid: p=none if there is an address for
 * reports, else the record does nothing (section 4.10.1).
 *
 * WITHOUT AN ANSWER from the DNS nothing is passed or failed that hangs on it
 * (section 5.3.6): the result is temperror. That holds for SPF's and DKIM's
 * questions, too, as far as their domain could have spoken for the author. What
 * does not hang on it stands: the same name is aligned whatever stands above it.
 *
 * SEVERAL AUTHORS (section 11.5): each domain is judged, and the strictest
 * policy among those that fail holds; beyond DMARC_AUTHORS_MAX the evaluation
 * is incomplete, and that is permerror.
 *
 * THE OLDER ANSWER. Many receivers still have RFC 7489, where a list of public
 * suffixes says what the organizational domain is. With such a list (libpsl;
 * the caller reads it, as nothing here reads files) that answer is computed
 * beside, in the same shape; DMARC_DIFFERS says where the two do. np= is read
 * there as RFC 9091 has it (no A, AAAA and MX); a record of a public suffix
 * counts only for those in that experiment's registry, so it does not count.
 * pct= is told, never drawn.
 *
 * Not here: overrides by local policy, whether an external address wants the
 * reports (RFC 9990 section 4), and the reports themselves.
 */
#ifndef MAIL_DMARC_H
#define MAIL_DMARC_H

#include "mail/mail.h"

enum dmarc_code {
#define F FINDING_ENUM_
#include "mail/dmarc_findings.def"
#undef F
	DMARC_CODE_MAX
};
extern const struct finding_def dmarc_findings[DMARC_CODE_MAX];

/* --- the record --- */

enum dmarc_policy {		/* in the order of their strictness */
	DMARC_POLICY_NONE,
	DMARC_POLICY_QUARANTINE,
	DMARC_POLICY_REJECT,
	DMARC_POLICY_MAX
};
/* "none", "quarantine", "reject" */
const char *dmarc_policy_name(enum dmarc_policy);

enum dmarc_tag {
	DMARC_P,
	DMARC_SP,
	DMARC_NP,
	DMARC_TAG_MAX
};
const char *dmarc_tag_name(enum dmarc_tag);

enum dmarc_psd {
	DMARC_PSD_UNKNOWN,	/* psd=u, the default */
	DMARC_PSD_YES,
	DMARC_PSD_NO
};

enum dmarc_fo {			/* section 4.7, "fo" */
	DMARC_FO_ALL = 1 << 0,	/* 0: all mechanisms failed, the default */
	DMARC_FO_ANY = 1 << 1,	/* 1 */
	DMARC_FO_DKIM = 1 << 2,	/* d */
	DMARC_FO_SPF = 1 << 3	/* s */
};

/* A mailto: address for reports, percent-decoded; never one that needs quotes. */
struct dmarc_uri {
	struct sv	local, domain;
	struct dname	name;		/* of the domain */
};

struct dmarc_record {
	struct sv		 text;
	unsigned		 has, bad;	/* 1 << enum dmarc_tag: there; there, and no policy */
	enum dmarc_policy	 says[DMARC_TAG_MAX];	/* where it is there and good */
	enum dmarc_psd		 psd;
	bool			 testing;	/* t=y */
	bool			 strict_dkim, strict_spf;
	unsigned		 fo;		/* enum dmarc_fo */
	bool			 has_uri;	/* rua has one that is well-formed, of whatever scheme */
	struct dmarc_uri	*rua, *ruf;
	size_t			 n_rua, n_ruf;
	bool			 has_pct;	/* RFC 7489, for information */
	uint32_t		 pct;
};

/*
 * 0: *ret is NULL where the text is no DMARC record (its first tag is not v=DMARC1).
 * -ENOMEM. What is wrong in it is a finding.
 */
int	 dmarc_record_parse(struct pool *, struct sv text, struct findings *,
	    struct dmarc_record **ret) MUST_USE;
/*
 * What the record asks for a name: at the record's own name, below it, or below it and
 * non-existent. false: it is not to be applied at all (section 4.10.1). legacy: as RFC 7489
 * has it, to which a bad np= is nothing.
 */
bool	 dmarc_record_policy(const struct dmarc_record *, enum dmarc_tag want, bool legacy,
	    enum dmarc_policy *ret, enum dmarc_tag *ret_tag);

/* --- the evaluation --- */

/* A result of SPF (MAIL FROM; with an empty one its HELO) or of one signature (its d=). */
struct dmarc_ident {
	enum mail_result	result;
	struct dname		name;
};

struct dmarc_in {
	const struct dname		*authors;	/* A-labels; one, seldom more, never the root */
	size_t				 n_authors;
	const struct dmarc_ident	*spf;		/* NULL: was not checked */
	const struct dmarc_ident	*dkim;
	size_t				 n_dkim;
	const struct psl_ctx_st		*psl;		/* libpsl's psl_ctx_t; NULL: no older answer */
};

enum dmarc_align {
	DMARC_ALIGN_SAME,	/* the same name */
	DMARC_ALIGN_ORG,	/* the same organizational domain, and relaxed is enough */
	DMARC_ALIGN_STRICT,	/* not the same name, and the record wants that */
	DMARC_ALIGN_OTHER,	/* another organizational domain */
	DMARC_ALIGN_FAILED,	/* it did not pass */
	DMARC_ALIGN_UNKNOWN,	/* the DNS did not answer */
	DMARC_ALIGN_UNCHECKED,	/* no record applies, or beyond DMARC_WALKS_MAX */
	DMARC_ALIGN_MAX
};
/* A msgid. */
const char *dmarc_align_name(enum dmarc_align);
static inline bool
dmarc_aligned(enum dmarc_align a)
{
	return a == DMARC_ALIGN_SAME || a == DMARC_ALIGN_ORG;
}

/* One name at which a record was looked for. */
struct dmarc_step {
	struct dname			 name;		/* without "_dmarc." */
	enum mail_rcode			 rcode;
	unsigned			 n_records;	/* DMARC records there; several: none counts */
	const struct dmarc_record	*record;	/* NULL: there is none that counts */
};

enum dmarc_method {
	DMARC_TREEWALK,
	DMARC_PSL
};
/* "treewalk", "psl": the words of RFC 9990. */
const char *dmarc_method_name(enum dmarc_method);

/* One author's domain by one of the two standards. */
struct dmarc_view {
	enum dmarc_method		 method;
	enum mail_result		 result;	/* pass, fail, none, temperror */
	bool				 has_org;
	struct dname			 org;		/* the author's organizational domain */
	const struct dmarc_record	*record;	/* NULL: none applies */
	bool				 is_void;	/* there is one, and it says nothing that holds */
	struct dname			 where;		/* the record's domain */
	enum dmarc_tag			 tag;		/* that decided */
	enum dmarc_policy		 policy;	/* what it says */
	bool				 is_sure;	/* of it: the DNS said whether np= holds */
	enum dmarc_policy		 disposition;	/* asked for: after t=y, and none unless it fails */
	enum dmarc_align		 spf;
	enum dmarc_align		*dkim;		/* beside dmarc_in's */
	bool				 spf_aligned, dkim_aligned;
	const struct dmarc_step		*steps[DMARC_QUERIES_MAX];
	size_t				 n_steps;
};

struct dmarc_author {
	struct dname		name;
	struct dmarc_view	now;		/* RFC 9989 */
	struct dmarc_view	legacy;		/* RFC 7489, where there is a list */
};

/* Over all authors: fail, temperror, none and pass in that order. */
struct dmarc_verdict {
	enum mail_result		 result;
	enum dmarc_policy		 disposition;
	const struct dmarc_author	*author;	/* who decided; NULL: permerror */
};

struct dmarc_out {
	struct dmarc_author	*authors;
	size_t			 n_authors;	/* different ones */
	struct dmarc_verdict	 now, legacy;
	bool			 has_legacy;
	bool			 differs;	/* in result or disposition */
};

/* 0; MAIL_WAIT; -ENOMEM. */
int	 dmarc_check(const struct dmarc_in *, struct mail_ask *, struct pool *, struct findings *,
	    struct dmarc_out *ret) MUST_USE;

/* --- public suffixes --- */

/* The organizational domain by RFC 7489 section 3.2: the name itself where it is a suffix. */
void	 dmarc_psl_org(const struct psl_ctx_st *, const struct dname *, struct dname *ret);

#endif
