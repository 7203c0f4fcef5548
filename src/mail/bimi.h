/*
 * mail/bimi: the mark that a domain wants to have shown beside its mail, and
 * whether it may (draft-brand-indicators-for-message-identification-10; mark
 * certificates: draft-fetch-validation-vmc-wchuang-11, RFC 9399).
 *
 * What enters: the author's domain with DMARC's verdict, the answers of a
 * resolver, and, once somebody has fetched them, the octets of the evidence
 * (a chain of certificates in PEM) and of the image. What leaves: the record
 * and where it was found, whether the evidence holds and which image is in it,
 * and the fields that a receiver adds for its own webmail. Nothing is fetched
 * here, and no image is looked into: that needs expat and zlib, which are
 * app's (app/mail_svg.h).
 *
 *	bimi_check()		may it be shown at all, and what is published?
 *	bimi_evidence_check()	the certificate that vouches for the image
 *	bimi_fields_write()	BIMI-Location, BIMI-Indicator, BIMI-Logo-Preference
 *	bimi_say()		bimi=pass …, for Authentication-Results
 *
 * WHEN (section 7.1): one author, DMARC passed, and the policy is one that is
 * enforced: not p=none, nor sp=none, at the author's domain and at its
 * organizational domain, and all of it. For "all of it" the draft has pct=100
 * beside p=quarantine; RFC 9989 has no pct, but t=y, which makes none of
 * quarantine: so quarantine with t=y is not enforced, either. A mark without that
 * would be shown beside forged mail.
 *
 * WHERE (section 7.2): SELECTOR._bimi.DOMAIN, then the same at the
 * organizational domain. The selector is "default", or what BIMI-Selector says,
 * if a signature that DMARC counts covers that field (section 5.5): anybody
 * may add the field on the way. lps=true asks for one more name, made of the
 * author's local part (section 4.5).
 *
 * EVIDENCE: the certificate's names hold the domain; its purpose is this one
 * (id-kp-BrandIndicatorforMessageIdentification); each signature of the chain,
 * each time, up to a root that the operator trusts for marks; the image in its
 * logotype extension, with the digest that stands beside it. Revocation is not
 * asked for (the certificates have CRLs, to be fetched by whoever fetches).
 *
 * REMOVED from what comes from outside (section 7.8): bimi_removed(). Those are
 * for one's own mail programs, and a stranger may write the same.
 */
#ifndef MAIL_BIMI_H
#define MAIL_BIMI_H

#include "base/buf.h"
#include "crypto/crypto.h"
#include "mail/authres.h"
#include "mail/dkim.h"
#include "mail/dmarc.h"

enum bimi_code {
#define F FINDING_ENUM_
#include "mail/bimi_findings.def"
#undef F
	BIMI_CODE_MAX
};
extern const struct finding_def bimi_findings[BIMI_CODE_MAX];

/* --- what is published --- */

struct bimi_record {
	struct sv	text;
	struct sv	location, evidence;	/* l=, a=: https URIs; empty: none */
	bool		is_bad;			/* a tag is missing or wrong: it cannot be used */
	bool		by_local_part;		/* lps=true */
	bool		has_preference;		/* avp= with a word that is known */
	bool		is_personal;		/* avp=personal */
};
/* 0: *ret is NULL where the text is no record (its first tag is not v=BIMI1). -ENOMEM. */
int	 bimi_record_parse(struct pool *, struct sv text, struct findings *,
	    struct bimi_record **ret) MUST_USE;

enum bimi_result {		/* the words of section 7.7 */
	BIMI_NONE_FOUND,	/* none */
	BIMI_PASS,
	BIMI_FAIL,
	BIMI_TEMPERROR,
	BIMI_DECLINED,
	BIMI_SKIPPED,
	BIMI_RESULT_MAX
};
/* "none", "pass" … */
const char *bimi_result_name(enum bimi_result);

struct bimi_in {
	const struct dmarc_out	*dmarc;
	struct sv		 local;		/* of the author, for lps=; may be empty */
	struct sv		 selector;	/* bimi_selector_find(); empty: "default" */
	bool			 is_preview;	/* no message: the policy counts, and no verdict */
};

struct bimi_out {
	enum bimi_result	 result;	/* pass: there is a record that can be used */
	const char		*why;		/* a few words of ours (a msgid) where it is not pass; else NULL */
	struct dname		 author;
	struct dname		 domain;	/* at which the record stands */
	struct sv		 selector;
	const struct bimi_record *record;	/* NULL: none */
};
/* 0; MAIL_WAIT; -ENOMEM. */
int	 bimi_check(const struct bimi_in *, struct mail_ask *, struct pool *, struct findings *,
	    struct bimi_out *ret) MUST_USE;
/*
 * The selector that a message asks for; empty: there is none that counts, and why is a finding.
 * dkim and verdicts stand beside each other; dmarc's first author decides.
 */
int	 bimi_selector_find(const struct mail_head *, const struct dkim *, const struct dkim_verdict *,
	    const struct dmarc_out *, struct pool *, struct findings *, struct sv *ret) MUST_USE;

/* --- the evidence --- */

struct bimi_evidence {
	bool		is_good;		/* all of it holds, up to a root that is trusted */
	bool		has_logo;
	struct sv	logo;			/* octets, as they stand in the certificate: */
	bool		is_gzip;		/* they are compressed */
	bool		has_digest;		/* SHA-256 that the certificate has of it */
	uint8_t		digest[SHA256_LEN];
	int64_t		from, to;		/* of the leaf */
	struct sv	mark;			/* "Registered Mark", "Prior Use Mark" …; empty: not told */
	struct sv	holder;			/* the subject's organization; empty: not told */
};
struct bimi_evidence_in {
	struct sv		 pem;		/* the leaf first */
	struct sv		 roots;		/* PEM of those that are trusted; empty: none is */
	const struct bimi_out	*out;		/* whose names it has to hold */
	int64_t			 now;
};
/* 0, with findings for what does not hold; -ENOMEM. */
int	 bimi_evidence_check(const struct bimi_evidence_in *, struct pool *, struct findings *,
	    struct bimi_evidence *ret) MUST_USE;
/* Is that the image, plain, or as it stands there, for which the certificate vouches? */
bool	 bimi_digest_ok(const struct bimi_evidence *, struct sv svg);

/* --- what is added, and what goes --- */

/* Fields that only we may write: the names, NULL at the end. */
const char *const *bimi_removed(void);
/* Whole fields with CRLF; nothing unless the result is pass. svg: plain; empty: no BIMI-Indicator. */
void	 bimi_fields_write(struct buf *, const struct bimi_out *, bool from_evidence, struct sv svg);

enum bimi_authority {
	BIMI_UNCHECKED,
	BIMI_VOUCHED,
	BIMI_DISPROVED
};
/* One result for a field of ours. svg as above. -ENOMEM. */
int	 bimi_say(const struct bimi_out *, enum bimi_authority, struct sv svg, struct pool *,
	    struct authres *) MUST_USE;

#endif
