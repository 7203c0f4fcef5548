/*
 * What the audit's files share. A *worker* does one unit: it walks names,
 * gathers signatures in its batch and says what it finds to its sink.
 */
#ifndef DNSSEC_AUDIT_INTERNAL_H
#define DNSSEC_AUDIT_INTERNAL_H

#include "dnssec/audit.h"
#include "dnssec/dnssec.h"

/* --- what is said (audit_say.c) --- */

/* Types of a unit in ascending order; what has no room is counted as type 0. */
struct type_counts {
	struct audit_type_count	t[AUDIT_TYPES_MAX];
	size_t			n;
};

/* One unit's output. */
struct sink {
	struct audit_group	*groups;
	size_t			 n_groups, cap_groups;
	uint8_t			(*hashes)[NSEC3_HASH_LEN];	/* of names that were looked at */
	size_t			 n_hashes, cap_hashes;
	struct audit_counts	 counts;
	uint64_t		 key_sigs[AUDIT_KEYS_MAX];
	uint64_t		 n_matched;	/* NSEC3 records that a name accounts for */
	uint64_t		 n_beside;	/* NSEC records where NSEC3 is in force */
	/* Bit n: key n signed it at the apex. */
	uint64_t		 signs_dnskey, signs_cds, signs_cdnskey;
	uint64_t		 tried_dnskey;	/* … signed the keys with a fault that is told */
	struct type_counts	 types;
	int64_t			 first_expiry, last_inception;
	struct dname		 first_name;
	uint16_t		 first_type;
	bool			 again;		/* only a full audit can tell */
	int			 rc;		/* sticky */
};

/* The cause of a group. */
struct cause {
	enum audit_code	code;
	uint16_t	type, tag;
	uint8_t		alg;
	bool		has_type, has_key, has_alg;
	uint8_t		values;
	uint64_t	is, wanted;
};

#define CAUSE(c)		((struct cause){ .code = (c) })
#define CAUSE_TYPE(c, t)	((struct cause){ .code = (c), .type = (t), .has_type = true })

void	 sink_init(struct sink *);
void	 sink_done(struct sink *);
void	 sink_say(struct sink *, const struct cause *, const struct dname *);
void	 sink_count(struct sink *, uint16_t type, unsigned n_sigs);
void	 sink_hash(struct sink *, const uint8_t hash[static NSEC3_HASH_LEN]);
/* dst += src */
void	 sink_merge(struct sink *dst, const struct sink *src);
/* By severity, then count. */
void	 sink_sort(struct sink *);

/* --- the context (audit.c) --- */

struct akey {
	struct sv		 rdata;		/* in the zone */
	struct dnskey		 k;
	uint16_t		 tag;
	uint8_t			 alg_i;		/* of algs; NO_ALG */
	bool			 zone, revoked;	/* zone: flag and protocol allow it */
	bool			 anchored;
	struct crypto_pub	*pub;		/* NULL: not computed here, or no key */
};
#define NO_ALG	0xff

/* An NSEC3 chain in force. */
struct chain {
	struct sv	 salt;
	uint16_t	 iterations;
	uint8_t		 hash_alg;
	bool		 hashable;		/* names can be hashed: known algorithm, bounded cost */
	const struct znode **members;		/* ascending; NULL: all records there are */
	size_t		 n;
};

struct denial {
	enum audit_denial kind;			/* what is in force */
	struct chain	 chains[AUDIT_CHAINS_MAX];	/* with AUDIT_NSEC3 */
	unsigned	 n_chains;
	bool		 mixed;			/* NSEC3 records are not all of chains[0] */
	uint64_t	 n_members, n_strays;	/* strays: of no chain in force */
	uint32_t	 ttl;			/* wanted, RFC 9077 */
};

/* What a change needs (audit_change.c). */
struct change;

struct audit {
	struct zone		*z;
	const struct audit_opts	*opts;
	uint32_t		 now;		/* as RRSIG times are, modulo 2^32 */
	struct dname		 apex;
	struct znode		*apex_node;	/* NULL: nothing there */
	bool			 is_signed;	/* any DNSSEC record at the apex */
	bool			 has_keys;	/* keys that may sign: signatures are looked at */
	struct akey		 keys[AUDIT_KEYS_MAX];
	size_t			 n_keys;
	uint8_t			 algs[AUDIT_ALGS_MAX];
	unsigned		 n_algs;
	struct denial		 denial;
	struct sink		 own;		/* of begin, the units merged so far, end */
	struct sink		**outs;		/* of units that are done and not merged */
	size_t			 n_units, n_merged;
	bool			 merging;	/* a thread is at it */
	struct change		*change;	/* NULL: a full audit */
};

/* An RRSIG's fields (RFC 4034 section 3.1). */
struct rrsig {
	uint16_t	 covered, tag;
	uint8_t		 alg, labels;
	uint32_t	 ttl, expiration, inception;
	struct dname	 signer;
	struct sv	 head, sig;	/* head: what is signed of it */
};
bool	 rrsig_read(struct sv rdata, struct rrsig *ret);

struct nsec3 {
	uint8_t		 alg, flags;
	uint16_t	 iterations;
	struct sv	 salt, next, bitmap;
};
#define NSEC3_OPTOUT	0x01
/* with_next false: an NSEC3PARAM, which ends behind the salt. */
bool	 nsec3_read(struct sv rdata, bool with_next, struct nsec3 *ret);

/* --- signatures (audit_sig.c) --- */

enum verdict {
	SIG_OK,
	SIG_UNCOMPUTED,		/* of a key whose algorithm we do not compute: taken as good */
	SIG_TRIED,		/* in the batch */
	SIG_FAULT		/* .code says which */
};

struct sigwork {
	enum verdict	verdict;
	enum audit_code	code;
	uint16_t	tag;
	uint8_t		alg, alg_i;
	unsigned	key;		/* of keys */
	size_t		check;		/* in the batch */
	uint32_t	inception, expiration;
};

struct setwork {
	const struct znode	*node;
	enum zone_part		 part;
	uint16_t		 type;
	uint32_t		 ttl;
	size_t			 first, n;	/* of sigs */
};

/* What one signature is over: its own head, and records in the batch's bytes. */
struct covered {
	struct sv	head;
	size_t		off, len;
	uint8_t		alg;
};

struct batch {
	struct setwork	*sets;
	struct sigwork	*sigs;
	struct crypto_verify *checks;
	struct covered	*covered;	/* of each check */
	size_t		 n_sets, cap_sets, n_sigs, cap_sigs, n_checks, cap_checks, cap_covered;
	uint8_t		*bytes, *tbs;	/* tbs: of the checks that are computed next */
	size_t		 n_bytes, cap_bytes, cap_tbs;
};

enum name_kind {
	NAME_DATA,		/* authoritative */
	NAME_CUT,		/* a delegation */
	NAME_ENT
};

/* A name and its place in one NSEC3 chain. */
struct place {
	const struct chain	*chain;
	const struct znode	*node;	/* at the key; of an empty non-terminal: the first below it */
	struct sv		 key;
	enum name_kind		 kind;
	uint8_t			 hash[NSEC3_HASH_LEN];
};

/* Names that wait to be hashed together (audit_hash.c). */
struct hashwork {
	size_t		n;
	struct place	place[AUDIT_HASHES];
	struct dname	name[AUDIT_HASHES];
};

struct worker {
	struct audit	*a;
	struct sink	*out;
	struct batch	 b;
	struct hashwork	*h;		/* with the first name that has to be hashed */
	/* The walk (audit_node.c). */
	const struct znode *prev;	/* the last name that exists; NULL: none known */
	struct sv	 cut;		/* names below it are occluded, if has_cut */
	bool		 has_cut, cut_is_dname;
	struct dname	 name;		/* of the node at hand */
	uint8_t		 want[TYPE_BITMAP_MAX];	/* a bit map under construction */
	size_t		 want_n;
	bool		 collect;	/* gather hashes, say nothing */
	bool		 sparse;	/* of a change: nodes come from here and there */
};

struct worker *worker_new(struct audit *, struct sink *);
struct worker *worker_free(struct worker *);
DEFINE_CLEANUP(struct worker, worker_free)

/* All RRs of the set and its signatures into the batch; name is w->name. */
void	 sig_set(struct worker *, enum zone_part, const struct znode *, const struct zrrset *);
void	 sig_flush(struct worker *);

/* --- names (audit_node.c) --- */

bool	 node_exists(const struct znode *);
bool	 node_has(const struct znode *, uint16_t type);	/* with records */
bool	 node_is_cut(const struct znode *);		/* a delegation below the apex */
/* Is the key below a delegation or a DNAME? *ret: the topmost. */
bool	 key_occluded(const struct zone *, struct sv key, const struct znode **ret);
/* The existing names before and behind a key, around the end too; NULL: none, or too far. */
const struct znode *name_before(const struct zone *, struct sv key);
const struct znode *name_behind(const struct zone *, struct sv key);
/* Where the walk stands before this node. */
void	 audit_walk_to(struct worker *, const struct znode *);
void	 audit_walk_node(struct worker *, const struct znode *);
/* Only that it stands in the chain. */
void	 audit_walk_denial(struct worker *, const struct znode *);
void	 worker_say(struct worker *, const struct cause *);
void	 worker_say_at(struct worker *, const struct cause *, enum zone_part, const struct znode *);

/* --- which chains (audit_chains.c) --- */

int	 denial_begin(struct audit *) MUST_USE;
/* After the merge: what stands beside the chains in force. */
void	 denial_end(struct audit *);
void	 denial_done(struct audit *);
/* Whose record that is; NULL: it is of no chain in force. */
const struct chain *chain_of(const struct audit *, const struct znode *);
/* The last member at or before the hash, around the beginning too; NULL: there is none. */
const struct znode *chain_cover(const struct audit *, const struct chain *,
	    const uint8_t hash[static NSEC3_HASH_LEN]);
/* The member before this one, around too; of a chain with a list. */
const struct znode *chain_before(const struct chain *, const struct znode *member);

/* --- denial (audit_denial.c, audit_nsec3.c) --- */

void	 nsec_name(struct worker *, const struct znode *, enum name_kind);
/* Where NSEC3 is in force: the record need not be there, but has to be true. */
void	 nsec_beside(struct worker *, const struct znode *, enum name_kind);
/* The record of w->prev against its successor. */
void	 nsec_link(struct worker *, const struct znode *);
void	 nsec3_ents(struct worker *, const struct znode *);
void	 nsec3_node(struct worker *, const struct znode *);
void	 nsec3_link(struct worker *, const struct znode *prev, const struct znode *);
/* The last record at or before the hash, around the beginning too; NULL: there is none. */
const struct znode *nsec3_cover(const struct zone *, const uint8_t hash[static NSEC3_HASH_LEN]);
/* The record before this place, around too. */
const struct znode *nsec3_before(const struct zone *, struct zone_it);
/* The NSEC3 record of a node of that part; false: none. */
bool	 nsec3_of(const struct znode *, struct nsec3 *ret);
/* Its record in the chain, by its hash; name is w->name. */
void	 nsec3_place(struct worker *, const struct place *);
/* Records that no name accounts for. */
int	 nsec3_extras(struct audit *);
void	 bitmap_want(struct worker *, const struct znode *, enum name_kind, bool nsec);
/* Is it the one wanted? */
bool	 bitmap_holds(const struct worker *, struct sv bitmap);
void	 bitmap_check(struct worker *, uint16_t type, struct sv bitmap);

/* --- names that are hashed (audit_hash.c) --- */

/*
 * A name of the walk, w->name, that has this key: its places in all chains are looked at, by
 * nsec3_flush() at the latest. The key stands in a zone or in the change.
 */
void	 nsec3_name(struct worker *, const struct znode *, struct sv key, enum name_kind);
void	 nsec3_flush(struct worker *);
/* By itself, in the first chain. */
void	 nsec3_hash_key(const struct audit *, struct sv key, uint8_t ret[static NSEC3_HASH_LEN]);

/* --- the apex (audit_apex.c) --- */

int	 apex_begin(struct audit *) MUST_USE;
void	 apex_end(struct audit *);
void	 keys_done(struct audit *);

/* --- one audit (audit.c) --- */

/* change: NULL for all of the zone; owned from here on, also by failure. */
int	 audit_new(struct zone *, const struct audit_opts *, struct change *, struct audit **ret) MUST_USE;

/* --- changes (audit_change.c) --- */

size_t	 change_n_units(const struct change *);
void	 change_unit(struct worker *, size_t);
/* Did the version before have an NSEC3 record of this hash? */
bool	 change_had(const struct audit *, const uint8_t hash[static NSEC3_HASH_LEN]);
/* Of a change: may it have brought another chain? Then nothing of it is judged. */
void	 change_chains(struct audit *);
/* Was the apex looked at? */
bool	 change_has_apex(const struct audit *);
/* After the merge: does any change remain unexplained? */
void	 change_end(struct audit *);
/* What was not looked at keeps its times. */
void	 change_times(const struct audit *, struct audit_result *);
struct change *change_free(struct change *);
DEFINE_CLEANUP(struct change, change_free)

#endif
