/* What the files of the signer share. */
#ifndef DNSSEC_SIGN_INTERNAL_H
#define DNSSEC_SIGN_INTERNAL_H

#include "base/pool.h"
#include "dnssec/dnssec.h"

/* --- keys (sign_keys.c) --- */

struct skey {
	const struct sign_key	*k;
	size_t			 sig_len;
	bool			 ambiguous;	/* another key has, or had, its tag; or the last version is suspect */
	struct crypto_pub	*pub;		/* of ambiguous ones only */
};

/* --- a run --- */

/*
 * A member of the NSEC3 chain: the name that is the first key_len octets of the
 * node's key. A shorter one than that is an empty non-terminal above the node.
 */
struct link {
	uint8_t			 hash[NSEC3_HASH_LEN];
	uint16_t		 key_len;
	const struct znode	*node;
};

struct links {
	struct link	*v;
	size_t		 n, cap;
	bool		 failed;
};

struct svs {
	struct sv	*v;
	size_t		 n, cap;
};

struct schange {
	struct sv	 key;
	struct znode	*node;
	bool		 owned;		/* else it is one of the input */
};

/* What a job did. */
struct sjob {
	struct sv	 first;		/* its names, or hashes, begin here */
	struct schange	*change;
	size_t		 n, cap;
	int64_t		 min_expiry;
	struct sign_stats stats;
	uint64_t	 n_stripped, n_occluded, n_stray;
	struct sv	 occluded, stray;	/* the first one's key */
	bool		 done, changed;
	int		 rc;
};

/* ours of the apex: DNSKEY, CDS, CDNSKEY, NSEC3PARAM */
#define APEX_SETS_MAX	4

struct signer {
	struct sign_input	 in;
	struct sign_policy	 policy;
	struct findings		*fs;
	struct pool		*pool;
	const struct dname	*apex;
	const struct zone	*z;		/* to be signed */
	const struct zone	*base;		/* what the changes are changes of */
	const struct zone	*last;		/* signatures to keep, or NULL */
	bool			 all;
	uint32_t		 nsec_ttl;
	struct skey		 key[SIGN_KEYS_MAX];
	size_t			 n_keys;
	struct zrrset		 apex_set[APEX_SETS_MAX];
	size_t			 n_apex_sets;

	struct links		*hashed;	/* by block of the zone; all names */
	size_t			 n_hashed;
	struct links		 chain;		/* sorted; else only members that are new or changed */
	struct svs		 touched;	/* names to look at, sorted */
	struct svs		 hashes;	/* members of the chain to look at, sorted */
	struct svs		 gone;		/* members that are no more, sorted */

	struct sjob		*job;		/* pieces of the chain first, then names */
	size_t			 n_jobs, n_chain_jobs;
	size_t			 n_settled;	/* jobs whose nodes stand in z already */
	struct zone		*own;		/* z, where it was handed over */
	size_t			 n_input_nsec3;
	struct sign_stats	 stats;
};

static inline bool
sign_has_nsec3(const struct signer *s)
{
	return s->policy.denial == SIGN_NSEC3;
}

int	 svs_add(struct svs *, struct sv) MUST_USE;
/* Ascending, each once. */
void	 svs_sort(struct svs *);
bool	 svs_has(const struct svs *, struct sv);
int	 links_add(struct links *, const struct link *) MUST_USE;

/* Checks them and makes the sets of the apex. 0 also where findings refuse them; -ENOMEM. */
int	 sign_keys_begin(struct signer *) MUST_USE;
void	 sign_keys_done(struct signer *);
/* Octets of a set's records, in canonical order; the data are copied into the pool. */
int	 sign_set_make(struct pool *, uint16_t type, uint32_t ttl, struct sv *rdata, size_t n,
	    struct zrrset *ret) MUST_USE;

/* --- standing (sign_zone.c) --- */

enum standing {
	ST_GONE,			/* nothing there but what a signer makes */
	ST_AUTH,
	ST_CUT,				/* a delegation */
	ST_BELOW			/* below one, or below a DNAME */
};

/* A place in canonical order, and what covers the names behind it. */
struct walk {
	const struct zone	*z;
	bool			 covered;
	struct sv		 cover;
};

/* Types of the input that a signed zone does not take over. */
bool	 sign_is_stripped(uint16_t type, bool at_apex);
bool	 sign_is_cut(const struct znode *);
/* Does it take all names below it from the zone: a delegation, or a DNAME? */
bool	 sign_covers(const struct znode *);
/* To come to the key, as if all before it had been walked. */
struct walk walk_to(const struct zone *, struct sv key);
enum standing walk_standing(struct walk *, const struct znode *);
/* The standing of a node alone; NULL is gone. */
enum standing sign_standing(const struct zone *, const struct znode *);
/* Is a name of that standing in the NSEC (NSEC3) chain? */
bool	 sign_in_chain(const struct signer *, const struct znode *, enum standing);
/* Neighbours in the NSEC chain; the apex's (empty) key at the end. */
struct sv sign_next_key(const struct zone *, const struct znode *);
struct sv sign_prev_key(const struct zone *, struct sv key);
/* Some member of the chain below the name: it is an empty non-terminal then. NULL: none. */
const struct znode *sign_below(const struct signer *, const struct zone *, struct sv key);

/* --- signatures and nodes (sign_node.c) --- */

struct smake {
	unsigned		 key;
	struct crypto_make	 make;
};

struct splan {
	struct sv		 key;
	const struct znode	*base, *input;
	struct zrrset		*set;
	size_t			 n_sets;
	bool			 fresh;		/* signatures are to be made */
};

/* One job at work. */
struct swork {
	struct signer	*s;
	struct sjob	*out;
	enum zone_part	 part;
	struct pool	*pool;
	struct smake	*make;
	size_t		 n_make, cap_make;
	struct splan	*plan;
	size_t		 n_plans, cap_plans;
};

int	 swork_begin(struct swork *, struct signer *, struct sjob *, enum zone_part) MUST_USE;
void	 swork_done(struct swork *);
/* Signs what was planned, and puts the nodes that are not as before into the job. */
int	 swork_run(struct swork *) MUST_USE;
/* Forgets what was planned. */
void	 swork_reset(struct swork *);
/* Is the plan what the base has? */
bool	 splan_is_base(const struct splan *);
/* serial: of the SOA at the apex. */
int	 swork_name(struct swork *, const struct znode *input, const struct znode *base,
	    enum standing, uint32_t serial) MUST_USE;
/* bitmap: of the last version where l is NULL. */
int	 swork_nsec3(struct swork *, const uint8_t *hash, const struct link *l,
	    const uint8_t *next) MUST_USE;
int	 swork_remove(struct swork *, struct sv key) MUST_USE;

/* --- one set's signatures (sign_set.c) --- */

/* Gives the set its signatures; last: the name's node that was signed before, or NULL. */
int	 swork_sign(struct swork *, struct splan *, const struct dname *owner,
	    const struct znode *last, struct zrrset *) MUST_USE;

/* An RRSIG's fields. */
struct rrsig {
	uint16_t	 type;
	uint8_t		 alg, labels;
	uint32_t	 ttl, expires, begins;
	uint16_t	 tag;
	struct sv	 signer;	/* a name in wire form */
	struct sv	 head, sig;	/* data up to the signature; the signature */
};
int	 rrsig_parse(struct sv rdata, struct rrsig *ret) MUST_USE;
/* RFC 4034 section 3.1.5: the time nearest to now of which these are the last 32 bits. */
int64_t	 rrsig_time(uint32_t, int64_t now);
/* The earliest end of the node's signatures, and of those over keys; TIME_NEVER without any. */
void	 znode_expiry(const struct znode *, int64_t now, int64_t *ret, int64_t *ret_keys);
static inline bool
sign_is_key_type(uint16_t type)
{
	return type == RR_DNSKEY || type == RR_CDS || type == RR_CDNSKEY;
}

/* --- the NSEC3 chain (sign_chain.c) --- */

int	 chain_hash_block(struct signer *, size_t block) MUST_USE;
int	 chain_all(struct signer *) MUST_USE;
int	 chain_touched(struct signer *) MUST_USE;
/* The member behind the hash. */
const uint8_t *chain_next(const struct signer *, const uint8_t *hash);
const struct link *chain_find(const struct signer *, struct sv hash);

/* --- the end (sign_end.c) --- */

void	 job_done(struct sjob *);
static inline enum zone_part
job_part(const struct signer *s, size_t i)
{
	return i < s->n_chain_jobs ? ZONE_NSEC3 : ZONE_NAMES;
}

/* --- what is to be looked at (sign_change.c) --- */

int	 change_touch(struct signer *) MUST_USE;

/* --- between runs (sign_state.c) --- */

/* Signatures of the names from first to the next range's first end no earlier. */
struct srange {
	struct sv	 first;
	int64_t		 min_expiry;
};

struct sign_state {
	struct pool		*pool;
	struct sign_policy	 policy;
	struct sign_key		*key;
	size_t			 n_keys;
	uint32_t		 nsec_ttl;
	struct srange		*range[ZONE_PART_MAX];
	size_t			 n_ranges[ZONE_PART_MAX];
	int64_t			 keys_expiry;	/* of signatures over keys */
};

/* Must all names be looked at? */
bool	 state_is_other(const struct signer *);
/* changes: what was applied to get the zone. */
int	 state_make(struct signer *, const struct zone *signed_zone,
	    const struct zchange *changes[ZONE_PART_MAX], const size_t n[ZONE_PART_MAX],
	    struct sign_state **ret) MUST_USE;

#endif
