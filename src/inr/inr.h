/*
 * inr: Internet number resources as values that all of Sekisho shares.
 *
 * What the RPKI says in the end is small: a set of validated ROA payloads
 * (VRPs, RFC 6811 section 2), a set of BGPsec router keys (RFC 8209) and a set
 * of ASPAs, one per customer. They leave the validator as a `struct payloads`,
 * are merged (RTR wants each VRP once, and the union of all ASPAs of a
 * customer), and become a snapshot. With them goes a table of the CAs that
 * were met, how each fared and whose child it is: who issued a payload is
 * what the drop guard has to know when the payload is gone.
 *
 * A snapshot is a file (or a memfd): immutable, versioned, checksummed,
 * mapped by its readers. Its centre is the answer to an RTR Reset Query,
 * byte for byte: all payloads as version 2 PDUs in the order of 8210bis
 * section 11.2. That is also the look-up index, since this order is the
 * exact reverse of vrp_cmp() within a family and the PDUs of a family are
 * equally long, so a binary search works on them as they lie. Nothing is
 * kept twice: 700,000 VRPs are 20 MB, a router more costs a sendfile(), and
 * versions 0 and 1 are a first part of it that differs in one byte a PDU
 * (snapshot_pdus()): the order by PDU type is the order of the versions.
 *
 *	header		magic, format, sums, times, serial, session ids, counts
 *	tas		names of the trust anchors
 *	pdus		IPv4, IPv6, router keys, ASPA: ready version 2 PDUs
 *	expiry		4 bytes for each payload: seconds after the earliest
 *	ta		1 byte for each payload
 *	ca		4 bytes for each payload: a row of the CA table, or none
 *	key index	offset of each router key's PDU
 *	aspa index	offset of each ASPA's PDU
 *	cas		32 bytes for each CA, by ascending id
 *	ca text		their URIs and codes
 *	report		JSON text of the producer, opaque here
 *
 * Who trusts whom: a snapshot is made by a process that read dirty bytes.
 * snapshot_open() therefore believes nothing: every offset, count, order,
 * host bit and both sums are checked before the first look-up (only the sums
 * may be left to somebody who has just compared them: the store, for the
 * roles that it hands a snapshot to). The header
 * has a sum of its own, so that the store can stamp serial and session ids
 * (snapshot_stamp()) without touching the body.
 *
 * A delta is a merge of two snapshots (delta_new()), kept as a small list of
 * what changed with the state before and after; deltas of several steps
 * compose (delta_compose()) into the minimal set that 8210bis section 5.3
 * demands: what cancels out is not mentioned, an ASPA that changed is one
 * announcement (it replaces), and nothing unknown is withdrawn.
 *
 * The drop guard (guard_losses(), guard_decide()) is arithmetic on the snapshot
 * that is published and the payloads that are to follow it: which payloads
 * would be lost only because somebody failed, and are those so many that the
 * old ones had better stay for a while?
 *
 * Time is an argument. A payload expires with the earliest link of its chain;
 * snapshot_payloads() gives those that are still good, for a new snapshot.
 */
#ifndef INR_INR_H
#define INR_INR_H

#include <stdbool.h>
#include <stdint.h>

#include "base/ip.h"
#include "base/pool.h"
#include "base/rd.h"
#include "base/sv.h"
#include "base/util.h"
#include "inr/limits.h"

/*
 * Ascending order (vrp_cmp): family, addr, max_len, len, asn. The order in
 * which RTR version 2 announces (8210bis section 11.2.1) is its exact reverse
 * within a family, so one sorted array serves look-up and protocol.
 */
struct vrp {
	uint8_t		addr[16];	/* network order, host bits zero */
	uint8_t		len, max_len;
	uint8_t		af;		/* enum ip_af */
	uint8_t		ta;		/* index into payloads.tas */
	uint32_t	asn;
	uint32_t	ca;		/* index into payloads.cas; not part of vrp_cmp() */
	int64_t		expires;	/* earliest in the whole chain */
};

/* Any index that is not below n_cas means: none. So does this. */
#define PAYLOAD_CA_NONE	UINT32_MAX

struct aspa {
	uint32_t	 customer;
	uint32_t	 n_providers;
	const uint32_t	*providers;	/* ascending, unique; AS 0 alone or absent */
	int64_t		 expires;
	uint8_t		 ta;
	uint32_t	 ca;
};

/* RFC 8608 section 3.1 knows P-256 only: 91 bytes. Room for P-521. */
#define ROUTER_SPKI_MAX	160

/* One key of one AS (RFC 8209, RFC 8210 section 5.10). */
struct router_key {
	uint8_t		ski[20];
	uint32_t	asn;
	uint32_t	ca;
	uint8_t		ta;
	uint8_t		spki_len;
	uint8_t		spki[ROUTER_SPKI_MAX];	/* DER SubjectPublicKeyInfo */
	int64_t		expires;
};

enum payload_ca_state {		/* from good to bad */
	PCA_GOOD,
	PCA_RETAINED,		/* older data is used: the newest could not be */
	PCA_FAILED,		/* its publication point gave nothing */
	PCA_LOST,		/* not reached: its certificate or an ancestor was bad */
	PCA_MAX
};
const char	*payload_ca_state_name(enum payload_ca_state);	/* "good" … */

#define PAYLOAD_CA_CODE_MAX	63	/* bytes; a finding's code */
#define PAYLOAD_CA_DEPTH_MAX	64	/* a chain of parents ends below this */

/*
 * A CA that was met. The producer adds a parent before its children. id is a
 * hash of the manifest's URI and the key identifier that never changes, so
 * that two runs can be compared; two rows of one id are one publication
 * point seen twice, and become one row: the better state of the two in the
 * place of the first.
 */
struct payload_ca {
	uint64_t	 id;
	int64_t		 held_since;	/* the guard holds its payloads; 0: it does not */
	struct sv	 uri;		/* of its manifest */
	struct sv	 code;		/* why the state is not good: a finding's code */
	uint32_t	 parent;	/* index into the same table, or PAYLOAD_CA_NONE */
	uint8_t		 state;		/* enum payload_ca_state */
	uint8_t		 ta;
};

#define TA_MAX		64	/* trust anchors in one run: 5 exist, labs have a few */
#define TA_NAME_MAX	63	/* bytes; the TAL's file name without ".tal" */

struct payloads {
	struct vrp	*vrps;		/* heap */
	size_t		 n_vrps;
	struct aspa	*aspas;		/* heap; providers lists are heap, too */
	size_t		 n_aspas;
	struct router_key *router_keys;	/* heap */
	size_t		 n_router_keys;
	struct payload_ca *cas;		/* heap; uri and code point anywhere that lasts */
	size_t		 n_cas;
	char		*ca_text;	/* heap: owned text of cas, or NULL */
	char		 tas[TA_MAX][TA_NAME_MAX + 1];
	size_t		 n_tas;
};

int	 vrp_cmp(const void *, const void *);	/* qsort-style, order above */
/* 8210bis section 11.2.2: ski, length of spki, spki, asn. */
int	 router_key_cmp(const void *, const void *);
/* Family, lengths, host bits: could a ROA have said this? */
bool	 vrp_is_sound(const struct vrp *);

/* Frees what it points to and makes it empty; not the struct itself. */
void	 payloads_done(struct payloads *);
/*
 * Sort, make unique. Of equal VRPs and router keys the one that expires last
 * stays, with its CA. ASPAs of one customer become their union without AS 0
 * (8210bis section 5.12), which expires with the first of them unless all
 * said the same. ASPAs that do not fit a PDU (ASPA_PROVIDERS_MAX) are dropped
 * and counted. The CA table is sorted by id, and all indexes follow. -ENOMEM.
 */
int	 payloads_merge(struct payloads *, size_t *ret_n_dropped) MUST_USE;
/*
 * All of `from` goes to `to` and `from` is empty then; indexes of CAs and
 * trust anchors follow. To be merged again. -ENOMEM, or -E2BIG (too many
 * trust anchors): nothing moved.
 */
int	 payloads_append(struct payloads *to, struct payloads *from) MUST_USE;
/* In a merged table: the index, or PAYLOAD_CA_NONE. */
uint32_t payload_ca_find(const struct payloads *, uint64_t id);
/* The index of the name, added if it is new; -E2BIG, -EINVAL. */
int	 payloads_ta(struct payloads *, struct sv name);

/* --- payload PDUs: the same bytes in snapshots, deltas and on the wire --- */

#define RTR_VERSIONS	3		/* 0, 1 and 2 */
#define RTR_KEY_VERSION		1	/* the first that has router keys, RFC 8210 */
#define RTR_ASPA_VERSION	2
#define RTR_PDU_MAX	65535		/* 8210bis section 5.1 */
#define RTR_HEAD_LEN	8
#define RTR_IPV4_LEN	20
#define RTR_IPV6_LEN	32
#define RTR_ASPA_MIN	12		/* a withdrawal */
#define RTR_KEY_MIN	32		/* without the key itself */
/* What fits an ASPA PDU; the profile's own limit is lower. */
#define ASPA_PROVIDERS_MAX	((RTR_PDU_MAX - RTR_ASPA_MIN) / 4)

enum rtr_payload_type {
	RTR_IPV4_PREFIX = 4,
	RTR_IPV6_PREFIX = 6,
	RTR_ROUTER_KEY = 9,
	RTR_ASPA = 11,
};

void	 vrp_pdu_write(struct wr *, uint8_t version, bool announce, const struct vrp *);
/* providers in host order; n 0 and announce false for a withdrawal. */
void	 aspa_pdu_write(struct wr *, uint8_t version, bool announce, uint32_t customer,
	    const uint32_t *providers, uint32_t n);
void	 router_key_pdu_write(struct wr *, uint8_t version, bool announce,
	    const struct router_key *);
/* The part after the 8 bytes of header; -EBADMSG: short, no key, or too long a key. */
int	 router_key_pdu_parse(struct rd *body, struct router_key *ret) MUST_USE;
/*
 * The part after the 8 bytes of header. The length was checked against the
 * type; -EBADMSG if it is short or the values are not sound. ta, expires: 0.
 */
int	 vrp_pdu_parse(struct rd *body, uint8_t type, struct vrp *ret, bool *ret_announce) MUST_USE;

/* --- snapshot --- */

#define SNAPSHOT_MAGIC		"SEKISNAP"
#define SNAPSHOT_FORMAT		2
#define SNAPSHOT_SUM_LEN	32

/* crypto_sha256(); an argument because inr stands beside crypto. */
typedef void (*snapshot_digest_fn)(const void *, size_t, uint8_t ret[static SNAPSHOT_SUM_LEN]);

struct snapshot_stamp {
	uint32_t	serial;
	uint16_t	session[RTR_VERSIONS];	/* distinct */
};

/* The order is the order in the file. */
enum snapshot_section {
	SNAP_TAS,
	SNAP_PDU4,
	SNAP_PDU6,
	SNAP_PDU_KEY,
	SNAP_PDU_ASPA,
	SNAP_EXPIRY,
	SNAP_TA,
	SNAP_CA,
	SNAP_KEY_INDEX,
	SNAP_ASPA_INDEX,
	SNAP_CAS,
	SNAP_CA_TEXT,
	SNAP_REPORT,
	SNAP_SECTION_MAX
};

/* An opened snapshot: a view; the mapping stays the caller's. */
struct snapshot {
	const uint8_t	*map;
	size_t		 size;
	struct snapshot_stamp stamp;
	int64_t		 built;
	int64_t		 earliest, latest;	/* expiry; TIME_NEVER if empty */
	size_t		 n_v4, n_v6, n_router_keys, n_aspas, n_tas, n_cas;
	struct sv	 section[SNAP_SECTION_MAX];
	char		 tas[TA_MAX][TA_NAME_MAX + 1];
};

static inline size_t
snapshot_n_vrps(const struct snapshot *s)
{
	return s->n_v4 + s->n_v6;
}

/* Bytes that snapshot_build() will need; the payloads are merged. -E2BIG. */
int	 snapshot_size(const struct payloads *, size_t report_len, size_t *ret) MUST_USE;
/* Fill buf (zeroed, as a new memfd is) of exactly that size. */
int	 snapshot_build(const struct payloads *, int64_t now, const struct snapshot_stamp *,
	    struct sv report, snapshot_digest_fn, uint8_t *buf, size_t size) MUST_USE;
/*
 * Check everything; SE_FORMAT (not ours or another format), SE_SUM, -EBADMSG
 * (any other damage), ret untouched then. digest NULL: all but the body's sum
 * and the head's, for who has it from somebody that looked at them.
 */
int	 snapshot_open(const void *map, size_t size, snapshot_digest_fn,
	    struct snapshot *ret) MUST_USE;
/* The view of an opened snapshot onto the same bytes at another place. */
void	 snapshot_view_at(const struct snapshot *, const void *map, struct snapshot *ret);
/* Write serial and session ids into a built snapshot's header. */
int	 snapshot_stamp(uint8_t *buf, size_t size, const struct snapshot_stamp *,
	    snapshot_digest_fn) MUST_USE;
/* Does it carry the same payloads (expiry times, CAs and report aside)? */
bool	 snapshot_same(const struct snapshot *, const struct snapshot *);

/* The i-th VRP (i < snapshot_n_vrps()) in ascending order, IPv4 first. */
void	 snapshot_vrp(const struct snapshot *, size_t i, struct vrp *ret);
uint8_t	 snapshot_vrp_ta(const struct snapshot *, size_t i);	/* its trust anchor alone */
/*
 * How many VRPs from the i-th of a and the j-th of b on (i, j <=
 * snapshot_n_vrps()) are the same in both (expiry, CA aside); max at most. It
 * may stop where families end.
 */
size_t	 snapshot_common(const struct snapshot *a, size_t i, const struct snapshot *b, size_t j,
	    size_t max);

struct snapshot_aspa {
	uint32_t	 customer, n_providers;
	struct rd	 providers;	/* rd_be32() gives them, ascending */
	int64_t		 expires;
	uint8_t		 ta;
	uint32_t	 ca;
};
/* The i-th ASPA (i < n_aspas) by ascending customer. */
void	 snapshot_aspa(const struct snapshot *, size_t i, struct snapshot_aspa *ret);
bool	 snapshot_aspa_find(const struct snapshot *, uint32_t customer,
	    struct snapshot_aspa *ret);
/* The i-th router key (i < n_router_keys) in router_key_cmp() order. */
void	 snapshot_router_key(const struct snapshot *, size_t i, struct router_key *ret);

/* A row of the CA table; the slices point into the mapping. */
struct snapshot_ca {
	struct payload_ca ca;
	uint32_t	 index;
};
/* The i-th CA (i < n_cas) by ascending id. */
void	 snapshot_ca(const struct snapshot *, size_t i, struct snapshot_ca *ret);
bool	 snapshot_ca_find(const struct snapshot *, uint64_t id, struct snapshot_ca *ret);
/* JSON text of the producer, maybe empty. */
static inline struct sv
snapshot_report(const struct snapshot *s)
{
	return s->section[SNAP_REPORT];
}

/*
 * All payloads that are still good after `now` go to a new payloads (heap;
 * payloads_done()). It is merged already. -ENOMEM.
 */
int	 snapshot_payloads(const struct snapshot *, int64_t now, struct payloads *ret) MUST_USE;
/*
 * The ready PDUs of a version: version 2 lies in the file at *ret_off; the
 * others are copies of the first *ret_len bytes there with another first byte
 * in each PDU (snapshot_pdus_write()): version 1 has no ASPAs, version 0 no
 * router keys either.
 */
void	 snapshot_pdus(const struct snapshot *, uint8_t version, size_t *ret_off,
	    size_t *ret_len);
/* buf has room for *ret_len of snapshot_pdus(). */
void	 snapshot_pdus_write(const struct snapshot *, uint8_t version, uint8_t *buf);

/* --- look-up --- */

/* All VRPs that cover a prefix, shortest first. */
struct cover {
	const struct snapshot	*s;
	struct ip_prefix	 px;
	unsigned		 len;		/* prefix length being tried */
	uint8_t			 addr[16];	/* … and px cut to it */
	size_t			 start, i, end;	/* VRPs with that address */
};

void	 cover_init(struct cover *, const struct snapshot *, const struct ip_prefix *);
bool	 cover_next(struct cover *, struct vrp *ret);

enum rov {			/* RFC 6811 section 2 */
	ROV_NOT_FOUND,
	ROV_VALID,
	ROV_INVALID,
	ROV_MAX
};

enum rov snapshot_rov(const struct snapshot *, const struct ip_prefix *, uint32_t asn);
/* Does this covering VRP match the route (prefix, asn)? */
bool	 vrp_matches(const struct vrp *, const struct ip_prefix *, uint32_t asn);
const char *rov_name(enum rov);		/* "not-found", "valid", "invalid" */

/* --- delta --- */

struct vrp_change {
	struct vrp	vrp;
	bool		announce;
};

struct key_change {
	struct router_key key;
	bool		announce;
};

struct aspa_list {
	bool		 present;
	uint32_t	 n;
	const uint32_t	*providers;
};

struct aspa_change {
	uint32_t	 customer;
	struct aspa_list before, after;
};

struct delta {
	struct pool	*pool;			/* owns all of it */
	uint32_t	 from, to;		/* serials */
	struct vrp_change *vrps;		/* vrp_cmp() order */
	size_t		 n_vrps;
	struct key_change *keys;		/* router_key_cmp() order */
	size_t		 n_keys;
	struct aspa_change *aspas;		/* ascending customers */
	size_t		 n_aspas;
};

/*
 * What leads from a to b. -E2BIG: more than DELTA_CHANGES_MAX (a router had
 * better start anew); -ENOMEM.
 */
int	 delta_new(const struct snapshot *a, const struct snapshot *b,
	    struct delta **ret) MUST_USE;
/* First a, then b (b->from == a->to); the minimal set for both. */
int	 delta_compose(const struct delta *a, const struct delta *b,
	    struct delta **ret) MUST_USE;
struct delta *delta_free(struct delta *);
/* The PDUs for a version in the order of 8210bis section 11.2. */
size_t	 delta_pdus_len(const struct delta *, uint8_t version);
void	 delta_pdus_write(const struct delta *, uint8_t version, struct wr *);

static inline bool
delta_empty(const struct delta *d)
{
	return d->n_vrps == 0 && d->n_keys == 0 && d->n_aspas == 0;
}

DEFINE_CLEANUP(struct delta, delta_free)

/* --- drop guard --- */

/*
 * What is published is compared with what is to follow. A payload that is
 * missing there was either taken away by somebody who has the right to
 * (its CA works, or the nearest CA above that the new table knows: signed),
 * or it went because something failed. Only the latter can be held back, and
 * not longer than until it expires or its CA's clock has run out. The clock
 * (payload_ca.held_since) is in the published snapshot, so it outlives us,
 * and it starts anew only after the CA has worked again.
 *
 * What the new table must contain: a row for every CA that was met, also for
 * those that failed and those whose certificate was rejected (PCA_LOST). What
 * is not in it was not issued any more. Local additions (SLURM) are made
 * after the guard, and never held. An ASPA counts as missing if its customer
 * has none at all: one that changed was signed.
 *
 * The published snapshot may be the last word of a validator that was taken
 * over. What it made up is gone with the next run of a true one, with one
 * exception: payloads that it attached to a CA that really fails, as the true
 * one judges it, look like what that CA lost. A CA that works or stands on
 * older data, and one that no chain leads to, holds nothing. Nobody but the CA
 * could tell which of them it signed: its objects are what is missing. So that
 * is bounded, and not prevented:
 *
 *	in time		by guard-hold from the first true run: a clock of the
 *			snapshot that is not in the past does not count. (One that
 *			is too old ends a true hold: the guard is lost, nothing else)
 *	in effect	payloads are added, none is taken away: a route whose own
 *			ROA is valid stays valid; one without may become invalid
 *	in secret	a hold is a finding, an audit entry and a metric at once;
 *			its hash, said to "sekisho rpki release", ends it
 */
enum guard_loss {
	LOSS_EXPIRED,
	LOSS_SIGNED,		/* taken away by a CA that works */
	LOSS_LOCAL,		/* no CA issued it, or its trust anchor is not configured, nor a new one that fails */
	LOSS_FAILURE,
	LOSS_MAX
};

struct guard_counts {
	struct {
		uint64_t	n_vrps;		/* published and not expired */
		uint64_t	vrps[LOSS_MAX];
		uint64_t	others[LOSS_MAX];	/* router keys and ASPAs */
	} ta[TA_MAX];			/* as old->tas */
};

struct guard_limits {
	uint32_t	 share_permille;	/* of a trust anchor's VRPs, and … */
	uint32_t	 min_vrps;		/* … no fewer than these: then all are held */
	int64_t		 hold_sec;
	/* Whatever the share: what is ours is held. NULL: nothing is. */
	bool		(*is_our_vrp)(void *arg, const struct vrp *);
	bool		(*is_our_asn)(void *arg, uint32_t asn);
	void		*arg;
};

struct guard_decision {
	size_t		 n_held;	/* payloads of all kinds; 0: nothing is held */
	size_t		 n_small;	/* let go: too few to be held */
	size_t		 n_overdue;	/* let go: held long enough */
	size_t		 n_released;	/* let go: somebody named this set's hash */
	uint8_t		 hash[SNAPSHOT_SUM_LEN];	/* of the set, held or released */
	int64_t		 until;		/* the first clock to run out; TIME_NEVER */
};

/*
 * next is merged. ret_lost (heap; payloads_done()) gets what would be lost by
 * failure, merged, with the rows of its CAs. -ENOMEM.
 */
int	 guard_losses(const struct snapshot *old, const struct payloads *next, int64_t now,
	    struct payloads *ret_lost, struct guard_counts *ret) MUST_USE;
/*
 * Leaves in `lost` what is to be held. Then payloads_append(next, lost) and
 * payloads_merge(next) give what is to be published. The hash is over the
 * held payloads as PDUs; `released` (or NULL) is the one that was let go by
 * hand. -ENOMEM.
 */
int	 guard_decide(const struct guard_limits *, const struct guard_counts *, int64_t now,
	    const uint8_t *released, snapshot_digest_fn, struct payloads *lost,
	    struct guard_decision *ret) MUST_USE;

#endif
