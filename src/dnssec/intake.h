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
 *	form		is it a DS, or a key of a zone that is not revoked?
 *	levels		algorithm and digest, by the registries' levels for new
 *			delegations (algs.def; RFC 9904, 9905, 9906)
 *	the key		is there a key that the DS names, bit for bit? One of
 *			the same tag with another digest is most often a typing
 *			error, or the DS of another zone
 *	the signature	does that key sign the DNSKEY set now, in time and
 *			in truth? It is verified, not only looked up by tag
 *	the set		for each algorithm of the DS set a key that is named
 *			and signs (RFC 4035 section 2.2): if one has none,
 *			validators that want each of them find the zone bogus
 *	leftovers	DS records at the parent that name no key any more, and
 *			keys that share a tag
 *
 * A DS that names no key is a warning, not a refusal, while another one of its
 * algorithm holds: a key may be announced before it is published (RFC 6781
 * section 4.1.2, double-DS).
 *
 * Not here: what single registries take (their own lists of algorithms, DS or
 * DNSKEY, how many), CDS, and the registry itself.
 *
 * RFCs: 4034 sections 2, 3 and 5, 4035 sections 2.2 and 5.2, 5011 (revoked
 * keys), 6840 section 5.11, 9904.
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
	int64_t				 now;
};

/* 0 with findings; SE_LIMIT: more records than INTAKE_RECORDS_MAX; -ENOMEM. */
int	 intake_check(const struct intake_input *, struct findings *) MUST_USE;

#endif
