/*
 * dns/zone: a zone in memory.
 *
 * Workload: a million names are loaded once, mostly in order; then a thousand
 * of them change, again and again, and each time the whole has a new version
 * while readers (a transfer out, an audit) still walk the old one. So a zone
 * is *immutable* and shared: a list of blocks of up to ZONE_BLOCK_NODES nodes,
 * in canonical order; a new version copies the blocks that a change touches
 * and shares all others (zone_apply()). What two versions share is the same
 * pointer, so their difference costs what changed (zone_diff()).
 *
 * A node is all there is at one name: one allocation, of a key (struct dkey)
 * and its RRsets in ascending order of type. An RRset carries its signatures:
 * the RRSIGs that cover it stand behind its records. RRSIGs that cover nothing
 * at that name make a set of that type with no records (n_rrs 0), so that an
 * audit can see them. Records are in canonical form and order (RFC 4034
 * section 6), doubles removed (section 6.3), each as a 16-bit length and data:
 * the very bytes that are signed.
 *
 * NSEC3 records live in a part of their own, under their 20-octet hash: the
 * chain is in hash order there, and names are not mixed with hashes. Only a
 * name of one label of 32 base32hex letters below the apex with an NSEC3 (or
 * its RRSIG) goes there; anything stranger stays among the names.
 *
 * Owners are lower case from here on, as are the names that canonical form
 * lowers in data. (As Knot does; BIND keeps the letters of the file.)
 *
 * Reference counts are atomic, so any thread may take and give back versions
 * while another one makes the next: whoever holds a reference may read.
 *
 *	zone_builder	records in any order -> the first version
 *	zone_edit	records added and removed -> the next version
 *	zone_apply	whole nodes replaced -> the next version (the signer)
 *	zone_it		walk; zone_find, zone_find_le
 *	zone_diff	what changed between two versions, by RRset
 */
#ifndef DNS_ZONE_H
#define DNS_ZONE_H

#include "dns/dns.h"

#define ZONE_BLOCK_NODES	128
#define NSEC3_HASH_LEN		20

enum zone_part {
	ZONE_NAMES,
	ZONE_NSEC3,
	ZONE_PART_MAX
};

/* --- a node --- */

struct znode;

/* A view into a node; valid as long as it. */
struct zrrset {
	uint16_t	 type;
	uint16_t	 n_rrs, n_sigs;
	uint32_t	 ttl;		/* of the records; of the RRSIGs where there are none */
	uint32_t	 sig_ttl;	/* of the RRSIGs (RFC 4034 section 3: the same) */
	struct sv	 rrs;		/* n_rrs times: be16 length, data */
	struct sv	 sigs;		/* n_sigs times the same, RRSIG data */
};

/* rrs or sigs: the next data; false at the end. */
bool	 zdata_next(struct sv *rest, struct sv *ret_rdata);

/* The octets of struct dkey, or of the hash. */
struct sv znode_key(const struct znode *);
unsigned znode_n_rrsets(const struct znode *);
/* The RRsets in turn: *pos is 0 at first. */
bool	 znode_next(const struct znode *, size_t *pos, struct zrrset *ret);
bool	 znode_find(const struct znode *, uint16_t type, struct zrrset *ret);
struct znode *znode_ref(struct znode *);
struct znode *znode_unref(struct znode *);
DEFINE_CLEANUP(struct znode, znode_unref)
/*
 * A node of these sets, copied; they are in ascending order of type and in
 * canonical form. NULL: no memory. A set without records and signatures is
 * left out.
 */
struct znode *znode_new(struct sv key, const struct zrrset *, size_t n) MUST_USE;

/* --- a version --- */

struct zone;

struct zone	*zone_ref(struct zone *);
struct zone	*zone_unref(struct zone *);
DEFINE_CLEANUP(struct zone, zone_unref)
const struct dname *zone_apex(const struct zone *);
/* Nodes of a part; and the blocks they stand in, the units of parallel work. */
size_t	 zone_n_nodes(const struct zone *, enum zone_part);
size_t	 zone_n_blocks(const struct zone *, enum zone_part);

/* NULL where there is none. */
struct znode *zone_find(const struct zone *, enum zone_part, struct sv key);
/* The node itself, or the last one before it; NULL if the key is before all. */
struct znode *zone_find_le(const struct zone *, enum zone_part, struct sv key);
/* The apex's node (key of no octets), NULL in an empty zone. */
struct znode *zone_apex_node(const struct zone *);
/* The SOA's serial; false where there is no SOA. */
bool	 zone_serial(const struct zone *, uint32_t *ret);

/* A place before a node. Reading only: it holds no reference. */
struct zone_it {
	const struct zone	*z;
	enum zone_part		 part;
	size_t			 block;
	unsigned		 i;
};

struct zone_it zone_begin(const struct zone *, enum zone_part);
/* The first node of a block. */
struct zone_it zone_block(const struct zone *, enum zone_part, size_t block);
/* The first node at or behind the key. */
struct zone_it zone_seek(const struct zone *, enum zone_part, struct sv key);
/* The next node, NULL at the end of the part. */
struct znode *zone_next(struct zone_it *);
/* The node before the place; NULL at the beginning. The place moves to before it. */
struct znode *zone_prev(struct zone_it *);

/* The owner of a node as a name (of an NSEC3: its hash in base32hex). */
void	 znode_name(const struct zone *, enum zone_part, const struct znode *, struct dname *ret);

/* --- making versions --- */

/* node NULL: the key's node goes. The key outlives the call. */
struct zchange {
	struct sv	 key;
	struct znode	*node;		/* the caller keeps its own reference */
};

/* An empty zone. NULL: no memory. */
struct zone	*zone_new(const struct dname *apex);
/* Changes in ascending order of key, each key once. -ENOMEM, old is as it was. */
int	 zone_apply(struct zone *old, const struct zchange *changes[ZONE_PART_MAX],
	    const size_t n[ZONE_PART_MAX], struct zone **ret) MUST_USE;

struct zone_builder;
struct zone_builder *zone_builder_new(const struct dname *apex, struct findings *);
struct zone_builder *zone_builder_free(struct zone_builder *);
DEFINE_CLEANUP(struct zone_builder, zone_builder_free)
/*
 * Any order. A record that the zone cannot hold (another class, outside the
 * zone, a meta type, data that are not well-formed) is a finding, and left out.
 */
int	 zone_builder_add(struct zone_builder *, const struct dns_rr *) MUST_USE;
/* The zone, also where findings said that it is no good. The builder is empty then. */
int	 zone_builder_done(struct zone_builder *, struct zone **ret) MUST_USE;

/*
 * Records removed and added, as IXFR says them; what is said of one name is
 * played in the order in which it was said, so several differences may follow.
 * -ENOENT: a record to be removed is not there; -EEXIST: one to be added is,
 * with another TTL (RFC 1995 knows neither: the transfer is then done anew by
 * AXFR). One that is there with its TTL is a warning.
 */
struct zone_edit;
struct zone_edit *zone_edit_new(struct zone *, struct findings *);
struct zone_edit *zone_edit_free(struct zone_edit *);
DEFINE_CLEANUP(struct zone_edit, zone_edit_free)
int	 zone_edit_del(struct zone_edit *, const struct dns_rr *) MUST_USE;
int	 zone_edit_add(struct zone_edit *, const struct dns_rr *) MUST_USE;
int	 zone_edit_done(struct zone_edit *, struct zone **ret) MUST_USE;

/* --- differences --- */

/*
 * fn(arg, part, old, new): a node that is not the same in both, in order of
 * key; old or new is NULL where it is not there. Blocks and nodes that the two share
 * are passed over unread. A negative code of fn ends it and is returned.
 */
int	 zone_diff(const struct zone *old, const struct zone *new,
	    int (*fn)(void *arg, enum zone_part, const struct znode *old, const struct znode *new),
	    void *arg) MUST_USE;

/* --- a zone as bytes (zone_image.c says how) --- */

/* number: the caller's, given back. The code of the buffer. */
int	 zone_image_write(struct buf *, const struct zone *, uint64_t number) MUST_USE;
/*
 * SE_SUM: cut off, or not what was written; SE_FORMAT: no image of this zone. Findings are
 * of records that no zone holds (SE_FORMAT then).
 */
int	 zone_image_read(struct sv, const struct dname *zone, struct findings *, uint64_t *ret_number,
	    struct zone **ret) MUST_USE;

/* --- a zone as text --- */

/* How much is left out of zone_print(). */
enum zone_print_flags {
	ZONE_PRINT_UNSIGNED = 1 << 0,	/* no RRSIG, NSEC, NSEC3, NSEC3PARAM */
};
/* SOA first, then all names in order, then NSEC3: one record a line. */
void	 zone_print(struct buf *, const struct zone *, unsigned flags);
void	 znode_print(struct buf *, const struct zone *, enum zone_part, const struct znode *);

#endif
