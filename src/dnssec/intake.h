/*
 * intake: a customer, a reseller or a registrar hands in DS or DNSKEY records
 * for a zone. Would they break it? May they go upward?
 *
 * What enters are values: the zone's name, the DNSKEY RRset that its servers
 * give now with its RRSIGs, the records that were entered, the DS records that
 * stand at the parent, and the time. What leaves are findings; REJECT among
 * them: do not send it on. Nobody is asked, nothing is sent. Where servers
 * give different DNSKEY sets, ask once for each of them.
 *
 * The records entered are taken for the whole DS set that shall be: a DNSKEY
 * stands for its DS with SHA-256. Checked are
 *
 *	form		is it a DS, or a key of a zone? Is its digest as long as its type
 *			says, the key one of its algorithm? Is it said twice, or the request
 *			to remove all (RFC 8078 section 4)?
 *	levels		algorithm and digest, by the registries' levels for new
 *			delegations (algs.def; RFC 9904, 9905, 9906); and those that few
 *			validators know
 *	the key		is there a key that the DS names, bit for bit? One of
 *			the same tag with another digest is most often a typing
 *			error, or the DS of another zone; the digest alone may fit while
 *			tag or algorithm do not; the key may be revoked, or no zone's key
 *	the signature	does that key sign the DNSKEY set now, in time and
 *			in truth? It is verified, not only looked up by tag. Does it end soon?
 *	the set		for each algorithm of the DS set a key that is named
 *			and signs (RFC 4035 section 2.2): if one has none,
 *			validators that want each of them find the zone bogus
 *	digests		the same among the DS with the strongest digest type alone:
 *			validators ignore weaker ones beside it (RFC 4509 section 3)
 *	leftovers	DS records at the parent that name no key any more, and
 *			keys that share a tag; an island that becomes secure for the first time
 *	denial		NSEC3 iterations with which validators take the zone for unsigned
 *
 * A DS that names no key is a warning, not a refusal, while another one of its
 * algorithm holds: a key may be announced before it is published (RFC 6781
 * section 4.1.2, double-DS).
 *
 * What is entered comes as text (intake_text_parse()): a record as in a zone
 * file, with or without owner, TTL and class, what dig or a signer printed, a
 * DNSKEY file, the labelled lines of a registrar's page, or the JSON of an API.
 *
 * What single registries take beyond the levels (DS or keys, their own lists of
 * algorithms, how many, and what their EPP knows) stands in registry.def, each row
 * with its source and date; intake_registry_check() compares. As such lists grow
 * old, it warns and does not refuse.
 *
 * Not here: CDS, and the registry itself.
 *
 * RFCs: 4034 sections 2, 3 and 5, 4035 sections 2.2 and 5.2, 4509 section 3, 5011
 * (revoked keys), 6840 section 5.11, 8078 section 4, 9276, 9904 to 9906.
 */
#ifndef DNSSEC_INTAKE_H
#define DNSSEC_INTAKE_H

#include "base/finding.h"
#include "dns/zone.h"

enum intake_code {
#define F FINDING_ENUM_
#include "dnssec/intake_findings.def"
#undef F
	INTAKE_CODE_MAX
};
extern const struct finding_def intake_findings[INTAKE_CODE_MAX];

#define INTAKE_RECORDS_MAX	32	/* of each kind; a roll of several signers has eight */

struct intake_record {
	uint16_t	type;		/* RR_DS or RR_DNSKEY */
	struct sv	rdata;
};

struct intake_input {
	struct dname			 zone;
	const struct sv			*keys, *sigs;	/* data of the DNSKEY records, of RRSIGs over them */
	size_t				 n_keys, n_sigs;
	const struct intake_record	*entered;
	size_t				 n_entered;
	const struct sv			*standing;	/* data of the DS records at the parent now */
	size_t				 n_standing;
	bool				 parent_known;	/* .standing is all that it gives */
	const struct sv			*nsec3param;	/* data of the zone's NSEC3PARAM records */
	size_t				 n_nsec3param;
	int64_t				 now;
};

/* 0 with findings; SE_LIMIT: more records than INTAKE_RECORDS_MAX; -ENOMEM. */
int	 intake_check(const struct intake_input *, struct findings *) MUST_USE;

/* --- what is entered, as text (intake_text.c) --- */

#define INTAKE_TEXT_MAX		65536	/* bytes: 32 DNSKEY records of 4,096 bits have 25,000 */
#define INTAKE_LINE_MAX		8192	/* of one record: the longest RSA key in hexadecimal and blanks */

/*
 * DS, DNSKEY, CDS and CDNSKEY records of the zone, one a line (or in parentheses),
 * labelled lines ("Key Tag: 60485"), or JSON. RRSIG records that came along are left
 * out. What is no record is a finding (INTAKE_FORM, INTAKE_OTHER_NAME) and left out, too.
 * SE_LIMIT; -ENOMEM. Data lie in the pool.
 */
int	 intake_text_parse(struct pool *, const struct dname *zone, struct sv text, struct findings *,
	    struct intake_record ret[static INTAKE_RECORDS_MAX], size_t *ret_n) MUST_USE;

/* --- what single registries take (intake_registry.c, registry.def) --- */

enum intake_form {
	INTAKE_FORM_DS	= 1 << 0,
	INTAKE_FORM_KEY	= 1 << 1
};

/* What its EPP does not know of RFC 5910. */
enum {
	INTAKE_EPP_NO_LIFE	= 1 << 0,	/* maxSigLife */
	INTAKE_EPP_NO_URGENT	= 1 << 1,	/* "urgent" */
	INTAKE_EPP_OWN		= 1 << 2	/* secDNS at all: it has objects of its own */
};

/* Of a list: numbers of 31 and more stand for each other; none has a list with single ones of them. */
#define INTAKE_OTHERS	31

struct intake_registry {
	const char	*tld;			/* "com"; "": all others */
	unsigned	 forms;			/* enum intake_form; 0: not known */
	uint32_t	 algs, digests;		/* bit n: number n is taken; 0: no list known */
	unsigned	 max;			/* DS records (or keys) of one zone; 0: not known */
	unsigned	 epp;
	const char	*source, *date;		/* where it was read, and of when that is */
};

const struct intake_registry *intake_registries(size_t *ret_n);
/* By the last label; never NULL. */
const struct intake_registry *intake_registry_find(const struct dname *zone);
struct epp_update;
/*
 * RFC 5910 section 5.2.5: who does not know maxSigLife or "urgent" answers 2102, and nothing is
 * changed. Takes out of a command what the registry is known to refuse; what was taken out, and
 * INTAKE_EPP_OWN where the command has to be translated.
 */
unsigned intake_registry_cut(const struct intake_registry *, struct epp_update *);
/* The forms it takes, where policy (POLICY_DS_…) does not know better; 0: not known. */
unsigned intake_registry_forms(const struct intake_registry *, uint32_t ds_interface);
void	 intake_registry_check(const struct intake_registry *, const struct intake_input *,
	    struct findings *);

#endif
