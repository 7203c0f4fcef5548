/* What zone.c, znode.c, zone_build.c, zone_diff.c and zone_print.c share. */
#ifndef DNS_ZONE_INTERNAL_H
#define DNS_ZONE_INTERNAL_H

#include "dns/zone.h"

struct znode {
	uint32_t refs;
	uint16_t key_len : 15;
	uint16_t is_empty : 1;		/* no sets */
	uint8_t	 body[];		/* key, then the sets (znode.c) */
};

struct zblock {
	uint32_t	 refs;
	uint32_t	 n;		/* at least 1 */
	struct znode	*node[ZONE_BLOCK_NODES];
};

struct zpart {
	struct zblock	**blk;
	size_t		 n_blk, n_node;
};

struct zone {
	uint32_t	 refs;
	struct dname	 apex;		/* lower case */
	struct zpart	 part[ZONE_PART_MAX];
};

/* Versions are shared between threads: counts are atomic, contents never change. */
static inline void
ref_take(uint32_t *refs)
{
	(void)__atomic_fetch_add(refs, 1, __ATOMIC_RELAXED);
}

/* true: it was the last one. What other threads did with it has happened before. */
static inline bool
ref_drop(uint32_t *refs)
{
	return __atomic_fetch_sub(refs, 1, __ATOMIC_ACQ_REL) == 1;
}

static inline int
znode_cmp_key(const struct znode *n, struct sv key)
{
	return dkey_cmp(n->body, n->key_len, (const uint8_t *)key.p, key.n);
}

/* The first version, of nodes in ascending order, each key once (zone.c). */
int	 zone_of_nodes(const struct dname *apex, struct znode *const *const node[ZONE_PART_MAX],
	    const size_t n[ZONE_PART_MAX], struct zone **ret) MUST_USE;

/* --- a node under construction (znode.c) --- */

struct zrec {
	uint16_t type;			/* of the set: an RRSIG's is what it covers */
	bool	 is_sig;
	uint32_t ttl;
	uint32_t off, len;		/* its data in bytes */
};

struct zdraft {
	struct zrec	*rec;
	size_t		 n_rec, cap_rec;
	uint8_t		*bytes;
	size_t		 n_bytes, cap_bytes;
	bool		 mixed_ttl;	/* zdraft_node() met records of one set with different TTLs */
	uint16_t	 mixed_type;	/* … of this type */
};

void	 zdraft_reset(struct zdraft *);
void	 zdraft_done(struct zdraft *);
/* Canonical data. -ENOMEM, -E2BIG (ZONE_NODE_SIZE_MAX). */
int	 zdraft_add(struct zdraft *, uint16_t type, bool is_sig, uint32_t ttl, struct sv rdata) MUST_USE;
int	 zdraft_add_node(struct zdraft *, const struct znode *) MUST_USE;
/* Of rec[i]. */
struct sv zdraft_data(const struct zdraft *, size_t i);
/*
 * Sorted, without doubles, the lowest TTL of a set for all of it (RFC 2181
 * section 5.2). 0 with *ret NULL where nothing is left; -ENOMEM, -E2BIG.
 */
int	 zdraft_node(struct zdraft *, struct sv key, struct znode **ret) MUST_USE;

/* --- where a record belongs (zone_build.c) --- */

struct zplace {
	enum zone_part	 part;
	struct dkey	 key;		/* or the hash */
	uint16_t	 type;		/* of the set */
	bool		 is_sig;
};

/* -ENOENT: not in this zone. */
int	 zplace_of(const struct dname *apex, const struct dns_rr *, struct zplace *ret) MUST_USE;

/* Can a zone hold it? If not, that is a finding. */
bool	 zone_rr_storable(const struct dns_rr *, const struct dname *apex, struct findings *);

/* A copy of its data in canonical form, in dst. */
struct sv zone_rr_canonical(const struct dns_rr *, uint8_t dst[static DNS_RDATA_MAX]);

#endif
