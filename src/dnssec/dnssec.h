/*
 * dnssec: keys and signatures of zones, as values. What enters are zones
 * (dns/zone.h), keys and a time; what leaves are signed zones and findings.
 * Four doors:
 *
 *	dnssec/dnssec.h		algorithms, DNSKEY and DS, the signer (this file)
 *	dnssec/audit.h		does a signed zone hold? (written apart from the signer)
 *	dnssec/timeline.h	is there a cache in which a step breaks the zone?
 *	dnssec/keystate.h	what is the next step of a key?
 *
 * The signer makes a signed version out of an unsigned one. Private keys are
 * nothing it knows: signatures come from a callback that gets batches, in this
 * process or from another. It has no threads: a run is cut into jobs that the
 * caller may spread over processors.
 *
 *	signer_begin	checks policy and keys, finds out what is to be done
 *	signer_hash	job: the names of a block for the NSEC3 chain
 *	signer_chain	once: sorts the chain
 *	signer_block	job: signs the names of a block, or a piece of the chain
 *	signer_end	once: the apex, the serial, the new version
 *
 * A first run signs all. A later one gets the last signed version, both
 * unsigned versions and the state of the last run, and touches only what
 * changed, the neighbours of that in the chain, and what expires soon: all
 * else stays the same node, byte for byte. When keys or the kind of denial
 * changed, or when there is no state (after a start), all names are looked at,
 * and signatures that still serve are kept.
 *
 * Another kind of denial (NSEC, NSEC3, opt-out, a salt) is one version: the old
 * chain goes and the new one comes in it, whole; RFC 5155 sections 10.4 and 10.5
 * let records be added and removed "all at once". There is no half of a chain
 * to be seen, as a secondary takes a version wholly or not, by AXFR or IXFR
 * (RFC 1995 section 4 has it apply a difference as one). And caches need no
 * wait, unlike with keys: a proof of denial lies in the one message that it
 * proves something for, made by one server of one version, with its signatures;
 * it never needs a record of another message, so that no mix of old and new
 * chain is ever asked for (RFC 4035 section 4.5: such a response is cached as
 * one). A resolver that makes answers of cached NSEC or NSEC3 records (RFC 8198)
 * keeps both kinds apart, and NSEC3 of different parameters (RFC 5155 section
 * 8.2); what an old record denies is still not there, and a name that came
 * meanwhile is hidden for the record's TTL, as it is without such a change. The
 * first step of section 10.4 is never due: no algorithm that we sign with is
 * older than NSEC3. tests/peer/test_denial_change.py shows it.
 *
 * Authority (RFC 4035 section 2): names below a delegation or a DNAME, and the
 * NS and glue at a delegation, are not signed; DS at a delegation is. Empty
 * non-terminals have NSEC3 records; with opt-out, insecure delegations and
 * names above only such have none (RFC 5155 section 7.1). TTLs of NSEC and
 * NSEC3 are the lesser of the SOA's MINIMUM and TTL (RFC 9077).
 *
 * At the apex DNSKEY, CDS and CDNSKEY come from the caller's keys and from
 * nowhere else; what the unsigned zone holds of them, or of RRSIG, NSEC,
 * NSEC3 and NSEC3PARAM, is left out with a finding. A key is its rdata, never
 * its tag: where two keys share one, a signature is kept only when it was
 * verified which of them made it.
 *
 * Not here: signing with SHA-1, DSA or GOST (RFC 9905, RFC 9906), white lies,
 * ZONEMD.
 *
 * RFCs: 4033 to 4035, 5155, 6840, 6605, 5702, 8080, 7344 and 8078 (CDS), 9077,
 * 9276, 9904 (algorithms), 1982 (serials).
 */
#ifndef DNSSEC_DNSSEC_H
#define DNSSEC_DNSSEC_H

#include "crypto/dnskey.h"
#include "dns/zone.h"
#include "dnssec/limits.h"

enum dnssec_code {
#define F FINDING_ENUM_
#include "dnssec/findings.def"
#undef F
	DNSSEC_CODE_MAX
};
extern const struct finding_def dnssec_findings[DNSSEC_CODE_MAX];

/* --- algorithms (alg.c, algs.def) --- */

/* RFC 2119's words, as the registries' columns use them (RFC 9904). */
enum alg_level {
	ALG_MUST_NOT,
	ALG_NOT_RECOMMENDED,
	ALG_MAY,
	ALG_RECOMMENDED,
	ALG_MUST,
	ALG_LEVEL_MAX
};
const char *alg_level_str(enum alg_level);	/* "MUST NOT" … */

/* A row of "DNS Security Algorithm Numbers" or of "Digest Algorithms" (DS). */
struct dnssec_alg {
	uint8_t		 number;
	const char	*name;		/* the registry's mnemonic */
	enum alg_level	 use_sign;	/* digests: for delegation */
	enum alg_level	 use_verify;
	enum alg_level	 implement_sign, implement_verify;
	bool		 advised;	/* should one begin with it today? */
	const char	*advice;	/* why, or why not: a msgid */
};

/* NULL: not in the registry. */
const struct dnssec_alg *dnssec_alg_find(uint8_t number);
const struct dnssec_alg *dnssec_digest_find(uint8_t number);
/* A mnemonic in any case, or a number of the registry; NULL: neither. */
const struct dnssec_alg *dnssec_alg_parse(struct sv);
const struct dnssec_alg *dnssec_digest_parse(struct sv);
const struct dnssec_alg *dnssec_algs(size_t *ret_n);
const struct dnssec_alg *dnssec_digests(size_t *ret_n);

/* --- DNSKEY, DS, CDS, CDNSKEY (dnskey.c) --- */

#define DNSKEY_ZONE		0x0100
#define DNSKEY_REVOKE		0x0080	/* RFC 5011 section 7 */
#define DNSKEY_SEP		0x0001
#define DNSKEY_RDATA_MAX	(4 + CRYPTO_DNSKEY_MAX)
#define DS_RDATA_MAX		(4 + SHA384_LEN)

struct dnskey {
	uint16_t	 flags;
	uint8_t		 protocol, alg;
	struct sv	 public_key;
};

/* -EBADMSG. public_key lies in rdata. */
int	 dnskey_parse(struct sv rdata, struct dnskey *ret) MUST_USE;
/* Its octets; 0 where the public key is too long. */
size_t	 dnskey_write(const struct dnskey *, uint8_t dst[static DNSKEY_RDATA_MAX]);
/* RFC 4034 appendix B, and B.1 for algorithm 1. */
uint16_t dnskey_tag(struct sv rdata);
/* Octets of a signature by this key; 0: not an algorithm that we sign with, or no such key. */
size_t	 dnskey_sig_len(struct sv rdata);

struct ds {
	uint16_t	 tag;
	uint8_t		 alg, digest_type;
	struct sv	 digest;
};
int	 ds_parse(struct sv rdata, struct ds *ret) MUST_USE;
/* DS and CDS of a DNSKEY. -ENOTSUP: a digest other than 1 (only to compare), 2 and 4. */
int	 ds_write(const struct dname *owner, struct sv dnskey, uint8_t digest_type,
	    uint8_t dst[static DS_RDATA_MAX], size_t *ret_n) MUST_USE;
/* Does the DS name this key? Also false for digests that we do not know. */
bool	 ds_matches(struct sv ds, const struct dname *owner, struct sv dnskey);
/* "Remove all DS" (RFC 8078 section 4): the two records' data. */
struct sv cds_delete(void);
struct sv cdnskey_delete(void);

/* --- denial (nsec.c) --- */

/* Hash of a lower-case name (RFC 5155 section 5). */
void	 nsec3_hash(const struct dname *, struct sv salt, unsigned iterations,
	    uint8_t ret[static NSEC3_HASH_LEN]);
/* Of n names together, which takes a fraction of the time (crypto/digest.h). */
void	 nsec3_hash_many(const struct dname *, size_t n, struct sv salt, unsigned iterations,
	    uint8_t (*ret)[NSEC3_HASH_LEN]);
/* Its owner name: base32hex, lower case, below the apex. -E2BIG: too long an apex. */
int	 nsec3_owner(const uint8_t hash[static NSEC3_HASH_LEN], const struct dname *apex,
	    struct dname *ret) MUST_USE;
/* Type bit maps (RFC 4034 section 4.1.2) of ascending types; at most 32 * 34 octets each 256 types. */
#define TYPE_BITMAP_MAX	(256 * 34)
size_t	 type_bitmap_write(const uint16_t *types, size_t n, uint8_t dst[static TYPE_BITMAP_MAX]);

/* --- policy (sign_policy.c) --- */

enum sign_denial {
	SIGN_NSEC,
	SIGN_NSEC3
};
enum sign_serial {
	SIGN_SERIAL_KEEP,		/* as in the unsigned zone */
	SIGN_SERIAL_INCREMENT,
	SIGN_SERIAL_UNIXTIME,
	SIGN_SERIAL_DATE		/* YYYYMMDDnn, in UTC */
};

struct sign_policy {
	uint32_t	 validity_sec;		/* a signature's life, from now on */
	uint32_t	 refresh_sec;		/* made anew so long before its end */
	uint32_t	 inception_sec;		/* begins so long before now: others' clocks */
	uint32_t	 jitter_sec;		/* life is shortened by up to so much */
	uint32_t	 dnskey_validity_sec;	/* of DNSKEY, CDS and CDNSKEY; no jitter */
	uint32_t	 dnskey_refresh_sec;
	uint32_t	 dnskey_ttl_sec;
	enum sign_denial denial;
	bool		 opt_out;
	bool		 allow_iterations;	/* else more than 0 is refused (RFC 9276) */
	uint16_t	 iterations;
	uint8_t		 salt_len, salt[255];
	enum sign_serial serial;
};

/* What we advise: NSEC, 14 days and 7, jitter 1 day, serials that increment. */
void	 sign_policy_init(struct sign_policy *);
/* Findings; the jitter that will be used is returned (it may be less than was asked for). */
uint32_t sign_policy_check(const struct sign_policy *, struct findings *);
/*
 * The next serial. unsigned_serial is that of the new unsigned version; last: that of the
 * signed version in service, NULL at first. *ret_moves: is it later than last (RFC 1982)?
 */
uint32_t sign_serial_next(enum sign_serial, uint32_t unsigned_serial, const uint32_t *last,
	    int64_t now, bool *ret_moves);
/* When an RRset's signature ends: the same for the same owner, type and time. */
int64_t	 sign_expiry(const struct sign_policy *, struct sv owner_key, uint16_t type, int64_t now);

/* --- keys --- */

enum sign_use {
	SIGN_USE_PUBLISH	= 1 << 0,	/* in the DNSKEY RRset */
	SIGN_USE_DNSKEY		= 1 << 1,	/* signs DNSKEY, CDS and CDNSKEY */
	SIGN_USE_ZONE		= 1 << 2,	/* signs all else */
	SIGN_USE_KEEP		= 1 << 3,	/* signs no longer; what it signed serves until refresh */
	SIGN_USE_CDS		= 1 << 4	/* the parent shall have its DS */
};

struct sign_key {
	struct sv	 rdata;		/* DNSKEY; the key's identity */
	uint8_t		 alg;
	uint16_t	 tag;		/* never its identity */
	unsigned	 uses;
	void		*arg;		/* the caller's, for sign_fn */
};
/* Sets alg and tag. -EBADMSG: no DNSKEY. */
int	 sign_key_init(struct sign_key *, struct sv rdata, unsigned uses, void *arg) MUST_USE;

struct sign_keys {
	const struct sign_key	*keys;
	size_t			 n;
	unsigned		 cds_digests;	/* bit n: CDS of digest type n */
	bool			 cdnskey;	/* CDNSKEY beside CDS */
	bool			 cds_delete;	/* both say "remove all DS"; uses of keys do not count */
};

/*
 * Make signatures with one key: 0 when all were made. May be called from
 * several threads at once. Room for a signature is dnskey_sig_len(key->rdata).
 */
typedef int (*sign_fn)(void *arg, const struct sign_key *, struct crypto_make *, size_t n);

/* --- the signer --- */

/* What a run leaves for the next: keys, policy, and when signatures end. */
struct sign_state;
struct sign_state *sign_state_free(struct sign_state *);
DEFINE_CLEANUP(struct sign_state, sign_state_free)
/*
 * When the next run is due (the earliest end of a signature less refresh). Each run makes what
 * is due by then and no more: who waits for an hour's worth has fewer versions.
 */
int64_t	 sign_state_due(const struct sign_state *);
/* The earliest end of any signature: the horizon. */
int64_t	 sign_state_horizon(const struct sign_state *);

struct sign_input {
	struct zone		*now_unsigned;	/* the version to sign */
	bool			 take_unsigned;	/* the reference passes to the signer (signer_settle()) */
	struct zone		*last_unsigned;	/* of the last run; NULL: all names are looked at */
	struct zone		*last_signed;	/* NULL: nothing to keep */
	bool			 suspect;	/* it did not pass: signatures of it are kept if they verify */
	const struct sign_state	*last_state;	/* NULL: all names are looked at */
	struct sign_keys	 keys;
	const struct sign_policy *policy;
	int64_t			 now;
	sign_fn			 sign;
	void			*sign_arg;
};

struct sign_stats {
	uint64_t	n_names;	/* looked at */
	uint64_t	n_nodes;	/* made anew */
	uint64_t	n_sigs;		/* made */
	uint64_t	n_kept;		/* signatures that serve on, of the names looked at */
	bool		all;		/* were all names looked at? */
	bool		changed;	/* is there a new version? */
};

struct signer;
/*
 * What the input points to must stay until signer_free(). *ret is NULL where
 * findings say that it cannot be signed so (REJECT, also one that was there
 * before); a zone that was to be taken is still the caller's then, as it is on
 * failure.
 */
int	 signer_begin(const struct sign_input *, struct findings *, struct signer **ret) MUST_USE;
struct signer *signer_free(struct signer *);
DEFINE_CLEANUP(struct signer, signer_free)
/* Jobs 0 to n - 1, in any order, on any thread. */
size_t	 signer_n_hash(const struct signer *);
void	 signer_hash(struct signer *, size_t i);
/* Between the two; -EEXIST with a finding: two names have one hash. */
int	 signer_chain(struct signer *) MUST_USE;
size_t	 signer_n_blocks(const struct signer *);
void	 signer_block(struct signer *, size_t i);
/*
 * Where take_unsigned handed the unsigned version over, a first run may put up
 * what finished jobs made, in between and while none runs: names that are
 * replaced go at once, so that both versions never stand in memory as a whole.
 * Jobs are then given in ascending order. Otherwise it does nothing.
 */
int	 signer_settle(struct signer *) MUST_USE;
/*
 * The signed version (the last one itself, if nothing changed), and the state
 * for the next run. Negative: a job or a key failed, and there is neither.
 */
int	 signer_end(struct signer *, struct zone **ret, struct sign_state **ret_state) MUST_USE;
void	 signer_stats(const struct signer *, struct sign_stats *ret);
/* All of the above on this thread. *ret is NULL where findings refuse it. */
int	 sign_zone(const struct sign_input *, struct findings *, struct zone **ret,
	    struct sign_state **ret_state, struct sign_stats *ret_stats) MUST_USE;

#endif
