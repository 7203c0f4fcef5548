/*
 * audit: does a signed zone hold?
 *
 * What enters is a zone (dns/zone.h), a time, and what the parent or a trust
 * anchor says of its keys; what leaves is everything that is wrong, grouped by
 * cause and counted. It is written apart from the signer and shares none of
 * its code for authority, chains and bit maps: what both would get wrong in
 * the same way nobody would see. Keys and DS are read by dnssec/dnssec.h.
 *
 *	audit_begin	reads the apex: keys, algorithms, kind of denial
 *	audit_unit	job: the names, or the NSEC3 chain, of one block
 *	audit_end	merges: anchors, CDS, what no name accounts for
 *
 * Units may run on any thread in any order; each writes its own output only.
 * Memory is taken for a unit, never for an RRset; signatures are verified in
 * batches of AUDIT_BATCH.
 *
 * An RRset is well signed if for each algorithm of the DNSKEY RRset (keys for
 * zones, not revoked) one signature verifies (RFC 4035 section 2.2, RFC 6840
 * section 5.11). A bad signature beside a good one of its algorithm is
 * superfluous, a warning; otherwise it has the code of its own fault. Nothing
 * is told twice: a signature that ended is not tried, one that was tried and
 * failed is not missing. Where keys share algorithm and tag, up to
 * AUDIT_TAG_TRIES of them are tried (CVE-2023-50387 is what happens without
 * such a bound).
 *
 * Names exist if they hold more than NSEC and RRSIG and are not below a
 * delegation or a DNAME. Each one has to stand in the chain, with exactly its
 * types; so do, with NSEC3, the names above it that hold nothing. With opt-out
 * an insecure delegation may be left out, and a name above nothing else, if
 * the record that covers its hash says so (RFC 5155 section 6).
 *
 * A zone may have several chains (RFC 5155 section 7.3; sections 10.4 and 10.5
 * where the kind changes). Each one that NSEC3PARAM names has to be whole, and
 * is judged; without NSEC3PARAM that is the NSEC chain. What else stands there
 * is a note, see audit_chains.c.
 *
 * A *group* is a code with its cause (type, algorithm, key tag): ten thousand
 * expired signatures of one key are one group, with the exact count and some
 * of the names. audit_findings() makes findings of groups.
 *
 * The gate. Before a version is published it is compared with the last one
 * that passed: only nodes that changed and their neighbours in the chain are
 * looked at, all else keeps its fact (audit_begin_change()). The verdict,
 * whether anything has to be rejected, is that of a full audit; warnings are of what
 * was looked at. Where that cannot be known (other keys, another chain or more
 * than one, a signature of old that ended) the state is AUDIT_AGAIN: do the whole.
 *
 * Not here: the parent's zone, other servers, answers (a server can spoil a
 * good zone), ZONEMD, and the targets of MX or SRV.
 *
 * RFCs: 4033 to 4035, 4592 (wildcards), 5011 (revoked keys), 5155, 6672
 * (DNAME), 6840, 7344 and 8078 (CDS), 9077 (TTLs of denial), 9276, 9904, 9905.
 */
#ifndef DNSSEC_AUDIT_H
#define DNSSEC_AUDIT_H

#include "dns/zone.h"
#include "dnssec/limits.h"

enum audit_code {
#define F FINDING_ENUM_
#include "dnssec/audit_findings.def"
#undef F
	AUDIT_CODE_MAX
};
extern const struct finding_def audit_rows[AUDIT_CODE_MAX];

/* What vouches for the zone's keys. */
struct audit_anchor {
	uint16_t	type;		/* RR_DS or RR_DNSKEY */
	struct sv	rdata;
};

struct audit_opts {
	int64_t				 now;
	const struct audit_anchor	*anchors;	/* none: the chain of trust is not looked at */
	size_t				 n_anchors;
	uint32_t			 horizon_sec;	/* tell of signatures that end within it */
};

enum audit_state {
	AUDIT_UNSIGNED,		/* no DNSSEC at all */
	AUDIT_GOOD,		/* signed, and nothing to reject */
	AUDIT_BAD,		/* signed or not: something has to be rejected */
	AUDIT_AGAIN,		/* of a change: only a full audit can tell */
	AUDIT_STATE_MAX
};
const char *audit_state_str(enum audit_state);		/* "good" … */

enum audit_denial {
	AUDIT_NO_DENIAL,
	AUDIT_NSEC,
	AUDIT_NSEC3
};

struct audit_example {
	struct dname	name;
	uint64_t	is, wanted;	/* numbers, or a time (.is) */
};

enum audit_values {
	AUDIT_NO_VALUE,
	AUDIT_NUMBER,		/* .is */
	AUDIT_NUMBERS,		/* .is, .wanted */
	AUDIT_TIME		/* .is */
};

struct audit_group {
	enum audit_code		 code;
	uint16_t		 type;		/* with has_type */
	uint16_t		 tag;		/* with has_key */
	uint8_t			 alg;		/* with has_key or has_alg */
	bool			 has_type, has_key, has_alg;
	uint8_t			 values;	/* enum audit_values, of the examples */
	uint8_t			 n_examples;
	uint64_t		 n;		/* exact */
	struct audit_example	 example[AUDIT_EXAMPLES];
};

struct audit_key_use {
	uint16_t	flags, tag;
	uint8_t		alg;
	bool		anchored;	/* an anchor names it */
	bool		signs_dnskey;	/* … and its signature over the DNSKEY RRset verifies */
	unsigned	bits;		/* 0: not an algorithm that we compute */
	uint64_t	n_sigs;		/* verified */
};

struct audit_type_count {
	uint16_t	type;
	uint64_t	n_rrsets, n_sigs;
};

struct audit_counts {
	uint64_t	n_names;	/* that exist, without glue */
	uint64_t	n_delegations, n_secure;	/* secure: with DS */
	uint64_t	n_glue;		/* names below delegations */
	uint64_t	n_ents;		/* empty non-terminals (counted with NSEC3 only) */
	uint64_t	n_sigs;		/* that verified, or whose algorithm we do not compute */
	uint64_t	n_optout;	/* insecure delegations without NSEC3 */
};

struct audit_result {
	enum audit_state	 state;
	enum audit_denial	 denial;
	bool			 mixed;		/* several chains, whole or not */
	uint16_t		 iterations;	/* of the first */
	uint8_t			 salt_len;
	struct dname		 apex;
	int64_t			 now;
	struct audit_group	*groups;	/* REJECT first; then by count */
	size_t			 n_groups;
	uint64_t		 n_by_severity[SEV_MAX];
	struct audit_counts	 counts;
	struct audit_key_use	*keys;
	size_t			 n_keys;
	struct audit_type_count	*types;		/* ascending */
	size_t			 n_types;
	/* The first signature to end; INT64_MAX: none. */
	int64_t			 first_expiry;
	struct dname		 first_name;
	uint16_t		 first_type;
	/* And the last to begin: before that, this verdict does not hold. */
	int64_t			 last_inception;
};
struct audit_result *audit_result_free(struct audit_result *);
DEFINE_CLEANUP(struct audit_result, audit_result_free)
/* One finding a group; its subject is the first of its names. */
void	 audit_findings(const struct audit_result *, struct findings *);
bool	 audit_has(const struct audit_result *, enum audit_code);

struct audit;
/* What opts points to must stay until audit_free(). -ENOMEM. */
int	 audit_begin(struct zone *, const struct audit_opts *, struct audit **ret) MUST_USE;
/*
 * The same for a version that came from old, which passed with that result
 * (given the same anchors). If it did not pass, all is AUDIT_AGAIN.
 */
int	 audit_begin_change(struct zone *old, const struct audit_result *, struct zone *,
	    const struct audit_opts *, struct audit **ret) MUST_USE;
struct audit *audit_free(struct audit *);
DEFINE_CLEANUP(struct audit, audit_free)
size_t	 audit_n_units(const struct audit *);
/* 0 to n - 1, each once. -ENOMEM, or what the arithmetic says. */
int	 audit_unit(struct audit *, size_t i) MUST_USE;
/* After all units; -EINVAL if one failed or is missing. */
int	 audit_end(struct audit *, struct audit_result **ret) MUST_USE;
/* All of it on this thread. */
int	 audit_zone(struct zone *, const struct audit_opts *, struct audit_result **ret) MUST_USE;
int	 audit_change(struct zone *old, const struct audit_result *, struct zone *,
	    const struct audit_opts *, struct audit_result **ret) MUST_USE;

#endif
