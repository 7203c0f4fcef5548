/*
 * rpki: the objects of the RPKI and the judgement on them.
 *
 * What enters are bytes (DER, from a mapped file, an RRDP snapshot or the
 * store), the issuer's already judged certificate, and `now`; what leaves are
 * values and findings. Nothing here opens a file, looks at a clock or logs.
 *
 *   tal_parse()            a trust anchor locator (RFC 8630)
 *   rpki_ta_check()        the certificate it leads to
 *   rpki_point_check()     one publication point: all a CA has issued
 *
 * A publication point is the unit of work and one parallel job. Its check
 * walks RFC 9286 section 6 from top to bottom: the manifest (a signed object,
 * RFC 6488), its own EE certificate, the CRL that certificate names, the
 * presence and hash of every listed file. Any of these failing fails the
 * whole point: nothing of it is used. Then each file is judged by itself:
 * CA certificates become the children; ROAs (RFC 9582), ASPAs
 * (draft-ietf-sidrops-aspa-profile) and router certificates (RFC 8209) become
 * payloads; Ghostbusters (RFC 6493) and TAKs (RFC 9691) say whom to call and
 * which key comes next; the rest is counted as not judged. A bad file costs only itself.
 *
 * Within a point, everything is parsed first, all signatures are verified in
 * one batch (crypto_verify_batch), and then judged: the parser never waits
 * for arithmetic, and the arithmetic can be done in lanes.
 *
 * Parsing has two halves: the structure (DER reader, der.c) fills a struct
 * of slices into the input; then the profile's rules are applied to the
 * struct, one finding a broken rule. A broken structure ends the object with
 * one RPKI_DER_* finding.
 *
 * Resources (rfc3779.c) are sorted ranges, both families in 16 bytes; a
 * certificate that inherits shares its issuer's list by pointer. Validity is
 * the minimum over the chain: every payload carries the earliest of all
 * notAfter and nextUpdate above it.
 *
 * What real repositories break harmlessly is let pass by named switches
 * (enum rpki_tolerance), each with date and share where it is defined.
 *
 * Three things let a caller that keeps objects do nothing twice. It may give
 * files by the hash that the manifest lists (rpki_source.get_hash); it may do
 * the arithmetic elsewhere, or remember it (.verify); and a judged point says
 * until when the same bytes are judged the same way (rpki_point.until), so
 * that it may stand as it is while its CA is the same (rpki_ca_same(),
 * rpki_point_rebase()). What the chain above says of time is therefore not
 * mixed into what the point says: rpki_point_expiry() joins them. Over a
 * restart it stands as bytes (rpki_point_write(), rpki_point_read()), under a
 * fingerprint of all that it was judged by.
 *
 * A manifest must be newer than the one judged good before (RFC 9286 section
 * 4.2.1): the caller remembers that one and shows it (rpki_source.seen).
 * Where the CA gave its manifest another file name, numbers start anew, and it
 * is told (RFC 9981 section 2): rpki_seen.name.
 *
 * Not done on purpose: path building (the tree is walked from the top, the
 * issuer is always known), OpenSSL's CMS and X.509 (FACTS: 243 us a ROA
 * against 46 us), remembering verdicts (facts are another folder's business).
 */
#ifndef RPKI_RPKI_H
#define RPKI_RPKI_H

#include <stdbool.h>
#include <stdint.h>

#include "base/finding.h"
#include "base/pool.h"
#include "base/rd.h"
#include "crypto/crypto.h"
#include "inr/inr.h"
#include "rpki/limits.h"
#include "rpki/write.h"

/* The level of the ASPA profile that is implemented. */
#define RPKI_ASPA_DRAFT	"draft-ietf-sidrops-aspa-profile-27"

enum rpki_code {
#define F FINDING_ENUM_
#include "rpki/findings.def"
#undef F
	RPKI_CODE_MAX
};
extern const struct finding_def rpki_findings[RPKI_CODE_MAX];

/* --- switches --- */

enum rpki_tolerance {
	/*
	 * RFC 9589 (May 2024) made signing-time mandatory. RIPE's pilot of
	 * 2023-08 has it in all of its objects; the BBN suite of 2011 in few.
	 */
	RPKI_TOL_NO_SIGNING_TIME = 1 << 0,
	/*
	 * RFC 6487 section 4.4 wants PrintableString, but UTF8String is met:
	 * objects of APNIC (RIPE-NCC/rpki-commons#27, 2020-10), issuer names
	 * that Krill writes (NLnetLabs/krill#1394, 2026-08, open) below a
	 * PrintableString subject. The share today is not known; letters and
	 * attributes are compared either way. On by default.
	 */
	RPKI_TOL_NAME_STRING = 1 << 1,
	/* RFC 8360's policy is accepted and over-claims are cut. Off. */
	RPKI_TOL_RFC8360 = 1 << 2,
};
#define RPKI_TOL_DEFAULT	RPKI_TOL_NAME_STRING

/* --- resources (RFC 3779) --- */

struct ip_range {
	uint8_t	min[16], max[16];	/* IPv4: first four bytes, rest 0 / 0 */
};

struct as_range {
	uint32_t min, max;
};

struct ip_res {
	bool			 present, inherit;
	size_t			 n;
	const struct ip_range	*r;	/* ascending, disjoint */
};

struct as_res {
	bool			 present, inherit;
	size_t			 n;
	const struct as_range	*r;
};

struct resources {
	struct ip_res	v4, v6;
	struct as_res	as;
};

bool	 ip_res_covers(const struct ip_res *, const uint8_t min[static 16],
	    const uint8_t max[static 16]);
bool	 ip_res_covers_prefix(const struct resources *, const struct ip_prefix *);
bool	 as_res_covers(const struct as_res *, uint32_t min, uint32_t max);
/* "192.0.2.0/24", "10.0.0.0-10.0.2.255", "AS64496-AS64511"; one a call. */
void	 ip_range_print(struct buf *, const struct ip_range *, uint8_t af);
void	 as_range_print(struct buf *, const struct as_range *);

/* --- certificates --- */

enum cert_kind {
	CERT_TA,
	CERT_CA,
	CERT_EE,
	CERT_ROUTER,		/* of a BGPsec router, RFC 8209 */
};

/* All slices point into the parsed bytes. */
struct cert {
	struct sv	 tbs, sig;
	uint8_t		 tbs_digest[SHA256_LEN];	/* room for cert_verify_item() */
	struct sv	 serial;		/* INTEGER content */
	struct sv	 issuer, subject;	/* Name, whole encoding */
	int64_t		 not_before, not_after;
	struct sv	 spki;			/* whole encoding */
	struct sv	 modulus;
	uint32_t	 exponent;
	struct sv	 ski, aki;		/* key identifiers, 20 bytes or empty */
	struct sv	 crl_uri, aia_uri;
	struct sv	 repo_uri, mft_uri, notify_uri, object_uri;
	struct resources res;			/* as written */
	bool		 is_ca, policy_v2, is_router;
};

/*
 * Read a certificate and judge it by itself (structure and profile of its
 * kind; not signature, time, issuer). NULL in *ret if the structure is
 * broken; otherwise the certificate, flawed or not: see the findings.
 * Returns -ENOMEM, or 0.
 */
int	 cert_parse(struct pool *, struct sv der, enum cert_kind, unsigned tolerate,
	    struct findings *, struct cert **ret) MUST_USE;

/* --- objects by their file name --- */

enum rpki_type {
	RPKI_CER,
	RPKI_CRL,
	RPKI_MFT,
	RPKI_ROA,
	RPKI_ASA,
	RPKI_GBR,
	RPKI_TAK,
	RPKI_SPL,
	RPKI_RSC,
	RPKI_OTHER,
	RPKI_TYPE_MAX
};
/* By the ending of a name or URI. */
enum rpki_type rpki_type_of(struct sv name);
/* "roa" */
const char	*rpki_type_name(enum rpki_type);

enum rpki_verdict {
	V_VALID,
	V_REJECTED,
	V_NOT_JUDGED,
	V_LOST,		/* good or bad, its publication point failed */
	V_MAX
};
const char	*rpki_verdict_name(enum rpki_verdict);

/* Whom to call (RFC 6493): the first value of each property, maybe empty. */
struct gbr {
	struct sv	fn, org, adr, tel, email;
};

struct tak_key {
	struct sv	spki, modulus;		/* modulus: its magnitude */
	uint32_t	exponent;
	uint8_t		ski[SHA1_LEN];
	size_t		n_uris;
	struct sv	uris[RPKI_TAL_URIS_MAX];	/* of the certificate */
};

/* The keys of a trust anchor (RFC 9691). */
struct tak {
	struct tak_key	current, predecessor, successor;
	bool		has_predecessor, has_successor;
};

struct rpki_object {
	struct sv		 uri;
	enum rpki_type		 type;
	enum rpki_verdict	 verdict;
	int64_t			 not_before, not_after;	/* its own; 0: unknown */
	uint8_t			 hash[SHA256_LEN];
	/* ROA and ASPA content that could be read, whatever the verdict. */
	size_t			 n_vrps;
	struct vrp		*vrps;
	struct aspa		*aspa;
	struct resources	 res;		/* EE or CA resources as written */
	/* The same of a router's certificate, a Ghostbusters record and a TAK. */
	size_t			 n_router_keys;
	struct router_key	*router_keys;	/* ta and expires are the point's to set */
	struct gbr		*gbr;
	struct tak		*tak;
};

/* --- CAs and publication points --- */

/* A judged CA; its slices live in the pool of the point that issued it. */
struct rpki_ca {
	struct rpki_ca		*parent;	/* NULL: a trust anchor */
	unsigned		 depth, ta;	/* ta: index of the trust anchor */
	struct sv		 uri;		/* of its certificate */
	struct sv		 subject, ski;
	struct sv		 modulus;
	uint32_t		 exponent;
	struct sv		 repo_uri, mft_uri, notify_uri;
	struct resources	 res;		/* effective: nothing inherits */
	int64_t			 not_before, not_after;
	int64_t			 own_expires;	/* without what is above its issuer's point */
	int64_t			 expires;	/* earliest in the chain down to here */
	uint64_t		 chain;		/* of the keys and the anchor above, a hash */
	bool			 lost;		/* only followed for explanations */
};

/*
 * The manifest that was last judged good at a place: by whoever remembers,
 * from its own bytes (rpki_mft_seen()).
 */
struct rpki_seen {
	uint8_t		hash[SHA256_LEN];
	struct sv	number;		/* INTEGER content */
	int64_t		this_update;
	struct sv	name;		/* its file, if that is another than the CA's now */
};

/*
 * Where a point's files come from. get() fills *ret with bytes that live as
 * long as the pool; -ENOENT if there is no such object, another negative
 * code if it could not be read.
 */
struct rpki_source {
	int	(*get)(void *arg, struct pool *, struct sv uri, struct sv *ret);
	void	*arg;
	/*
	 * The bytes with that SHA-256, which their keeper has computed; -ENOENT:
	 * it has none. NULL: files come from get() and are hashed here.
	 */
	int	(*get_hash)(void *arg, struct pool *, const uint8_t hash[static SHA256_LEN],
		    struct sv *ret);
	/* As crypto_verify_batch(); modulus and exponent are always set. NULL: that. */
	int	(*verify)(void *arg, struct crypto_verify *, size_t n);
	const struct rpki_seen *seen;	/* NULL: nothing is remembered */
	/*
	 * The point as it was judged before, with these switches and under a CA that
	 * is the same (rpki_ca_same()): its files need not be parsed again. NULL: all.
	 */
	const struct rpki_point *before;
};

struct rpki_opt {
	int64_t		 now;
	unsigned	 tolerate;
	size_t		 pool_max;	/* memory of one point; 0: RPKI_POINT_POOL_MAX */
	bool		 keep_objects;	/* fill rpki_point.objects for every file */
	bool		 thin;		/* … but not where nothing was found: rpki_point_thicken() */
	bool		 follow_lost;	/* read below failed points, for explanations */
};

/* What one publication point gave. All memory is in .pool. */
struct rpki_point {
	struct pool		*pool;
	const struct rpki_ca	*ca;
	bool			 failed;
	bool			 mft_found;	/* there was a manifest, good or bad */
	struct sv		 crl_uri;
	struct sv		 mft_aia;	/* where its signer says its own certificate is */
	int64_t			 expires;	/* min of manifest and CRL; see rpki_point_expiry() */
	int64_t			 judged, until;	/* the same bytes give the same in [judged, until) */
	int64_t			 mft_this, mft_next, crl_next;
	uint8_t			 mft_hash[SHA256_LEN];	/* if .mft_found */
	struct resources	 base;		/* ca->res as the children share it; rebase's */
	uint64_t		 ca_id;		/* the caller's: the CA's name for ever; 0: none yet */
	int64_t			 gathered;	/* the caller's: rpki_point_expiry() when it took the payloads */
	uint64_t		 contest;	/* the caller's: what it chose between; 0: one */
	bool			 named;		/* the caller's: a server has its manifest now */
	bool			 absent;	/* the caller's: no server has one, and none ever was good */
	bool			 stored;	/* the caller's: it is kept as it stands */
	bool			 retained;	/* the caller's: judged on older data than the newest */
	bool			 thin;		/* of rpki_point_read(): few or no objects are known */
	struct sv		 files;		/* what is remembered of them: point_files.c */
	struct pool		*more;		/* of rpki_point_thicken(); may be NULL */
	struct rpki_object	*objects;
	size_t			 n_objects;
	uint32_t		 count[RPKI_TYPE_MAX][V_MAX];
	struct rpki_ca		*children;
	size_t			 n_children;
	struct vrp		*vrps;		/* usable ones, unsorted */
	size_t			 n_vrps;
	struct aspa		*aspas;
	size_t			 n_aspas;
	struct router_key	*router_keys;
	size_t			 n_router_keys;
	struct findings		 findings;
	uint32_t		 n_verified;	/* signatures */
};

/*
 * Judge one publication point. Returns 0, or negative if it could not be
 * done (memory, arithmetic); the point is to be freed either way.
 */
int	 rpki_point_check(const struct rpki_ca *, const struct rpki_source *,
	    const struct rpki_opt *, struct rpki_point *ret) MUST_USE;
void	 rpki_point_done(struct rpki_point *);

/* Payloads of the point are good until the smaller of this and their own. */
static inline int64_t
rpki_point_expiry(const struct rpki_point *pt)
{
	return pt->ca->expires < pt->expires ? pt->ca->expires : pt->expires;
}

/*
 * Would b's point be judged as a's was? Everything but the times of the
 * certificate and of the chain is the same.
 */
bool	 rpki_ca_same(const struct rpki_ca *a, const struct rpki_ca *b);
/*
 * A judged point moves below a new rpki_ca of the same CA (rpki_ca_same); the
 * old one and what it points to may be freed then.
 */
void	 rpki_point_rebase(struct rpki_point *, const struct rpki_ca *);

/*
 * --- judged points as bytes; point_keep.c ---
 *
 * Only good points in which nothing was rejected. A thin point, read back, has
 * of its objects those alone that were found to be strange and still gave
 * something: with uri, type and payloads, for reports.
 */
bool	 rpki_point_keepable(const struct rpki_point *);
/*
 * SHA-256 of all that a verdict depends on beside the bytes: what
 * rpki_ca_same() compares, the switches, and who judges (build). -ENOMEM.
 */
int	 rpki_point_fingerprint(const struct rpki_ca *, const struct rpki_opt *, struct sv build,
	    uint8_t ret[static SHA256_LEN]) MUST_USE;
/* Appends at most RPKI_KEPT_MAX bytes; SE_LIMIT: nothing, they were more. */
int	 rpki_point_write(const struct rpki_point *, const uint8_t fingerprint[static SHA256_LEN],
	    struct buf *) MUST_USE;
/*
 * A thin point of that CA. *ret_ok false: bytes of another fingerprint, or
 * such as nobody can have judged; nothing is to be freed. It is the caller's
 * to compare the manifest's hash and the times with what is now. -ENOMEM.
 */
int	 rpki_point_read(const struct rpki_ca *, struct sv, const uint8_t fingerprint[static SHA256_LEN],
	    struct rpki_point *ret, bool *ret_ok) MUST_USE;
/* From when to when such bytes hold, as they say; false: they are too short. */
bool	 rpki_point_kept_times(struct sv, int64_t *ret_judged, int64_t *ret_until);
/* Do both, that may be kept, say the same but for when? -ENOMEM, SE_LIMIT. */
int	 rpki_point_same(const struct rpki_point *a, const struct rpki_point *b, bool *ret) MUST_USE;
/* A thin point takes the objects of the same point judged with .keep_objects, which is done. */
void	 rpki_point_thicken(struct rpki_point *, struct rpki_point *full);

/*
 * Is this a manifest that the CA has signed? Then its number and time; slices
 * of bytes. Nothing else of it is judged: it was judged good once.
 */
int	 rpki_mft_seen(struct pool *, const struct rpki_ca *, struct sv bytes,
	    const struct rpki_source *, const struct rpki_opt *,
	    struct rpki_seen *ret, bool *ret_ok) MUST_USE;
/* All file hashes of a manifest, SHA256_LEN bytes each, each once, in the pool. */
int	 rpki_mft_hashes(struct pool *, struct sv bytes, struct sv *ret) MUST_USE;

/* --- trust anchors --- */

struct tal {
	char		 name[TA_NAME_MAX + 1];
	size_t		 n_uris;
	struct sv	 uris[RPKI_TAL_URIS_MAX];
	struct sv	 spki;		/* DER */
};

/*
 * Read a TAL (RFC 8630 section 2.2) into the pool. SE_SYNTAX: it is none, and
 * *ret_why says why (a msgid), *ret_line where.
 */
int	 tal_parse(struct pool *, struct sv text, struct tal *ret,
	    const char **ret_why, unsigned *ret_line) MUST_USE;

/*
 * Judge a trust anchor's certificate against its TAL. On success *ret is
 * filled with slices of der; *ret_ok says whether it may be used.
 */
int	 rpki_ta_check(struct pool *, const struct tal *, struct sv der,
	    const struct rpki_opt *, struct findings *, struct rpki_ca *ret,
	    bool *ret_ok) MUST_USE;

/*
 * Read one object alone, without its chain: structure, profile, and the
 * signature by the certificate inside. For `explain FILE` and the corpus.
 */
int	 rpki_object_check(struct pool *, struct sv uri, struct sv der,
	    const struct rpki_opt *, struct findings *, struct rpki_object *ret,
	    struct sv *ret_ski, struct sv *ret_aki, struct sv *ret_aia) MUST_USE;

/*
 * Is this the self-issued certificate of exactly this key? Structure only;
 * to find a trust anchor among many files.
 */
bool	 rpki_cert_is_anchor(struct pool *, struct sv der, struct sv spki);

/* --- RRDP snapshots (RFC 8182) --- */

struct rrdp_snapshot;
/* One published object; bytes are the parser's. Negative ends the parse. */
typedef int	(*rrdp_object_fn)(void *arg, struct sv uri, struct sv bytes);

struct rrdp_snapshot *rrdp_snapshot_new(rrdp_object_fn, void *arg);
struct rrdp_snapshot *rrdp_snapshot_free(struct rrdp_snapshot *);
DEFINE_CLEANUP(struct rrdp_snapshot, rrdp_snapshot_free)
/*
 * The next piece (n <= INT_MAX); last with the final one. 0, SE_SYNTAX,
 * SE_LIMIT, -ENOMEM or what the callback said (-EEXIST: a URI twice).
 */
int	 rrdp_snapshot_feed(struct rrdp_snapshot *, const void *, size_t n,
	    bool last) MUST_USE;
/* After a failure: why (a msgid) and the line. */
const char *rrdp_snapshot_why(const struct rrdp_snapshot *, unsigned long *ret_line);
/* How many objects were larger than RPKI_OBJECT_SIZE_MAX and left out; the first. */
uint64_t rrdp_snapshot_large(const struct rrdp_snapshot *, const char **ret_uri);

/*
 * --- RRDP (RFC 8182, RFC 9674, RFC 9697); rrdp_*.c ---
 *
 * The fetcher's part without the fetching: three parsers that eat pieces
 * (notification, snapshot, delta), what is remembered of a server (struct
 * rrdp_state), and the decision what to fetch (rrdp_plan()).
 *
 * Attributes are judged by the schema of RFC 8182 section 3.5: those it does
 * not name (and elements, and text outside of publish) end the parse, as a
 * missing one does; XML itself forbids doubled ones. Stricter than the
 * schema: a session_id has the form of a UUID (section 3.5.1.3) in either
 * case, hashes have 64 digits, URIs of files are https at the notification's
 * origin (RFC 9674 section 3.2), URIs of objects are rsync. Looser: a delta
 * file may be empty, and the list of deltas may be in any order and have
 * gaps, as real ones have: what stands before the newest gap is cut. An object
 * above RPKI_OBJECT_SIZE_MAX is as if it were not published (a finding): its
 * manifest misses it, and only its CA bears that.
 */
enum rrdp_code {
#define F FINDING_ENUM_
#include "rpki/rrdp_findings.def"
#undef F
	RRDP_CODE_MAX
};
extern const struct finding_def rrdp_findings[RRDP_CODE_MAX];

/* A file that the notification names. */
struct rrdp_link {
	uint64_t	serial;
	struct sv	uri;			/* NUL-terminated */
	uint8_t		hash[SHA256_LEN];
};

struct rrdp_notification {
	char			 session[RRDP_SESSION_LEN + 1];	/* lower case */
	uint64_t		 serial;
	struct rrdp_link	 snapshot;
	struct rrdp_link	*deltas;	/* ascending, no gap, the last has .serial */
	size_t			 n_deltas;
	size_t			 n_listed;	/* before what lies behind a gap was cut */
	bool			 unsorted;
	uint64_t		 gap;		/* newest serial that is missing; 0: none */
};

enum rrdp_op {				/* as enum objects_op of the store */
	RRDP_PUBLISH = 1,
	RRDP_WITHDRAW = 2,
};

struct rrdp_change {
	enum rrdp_op	op;
	bool		has_hash;		/* it replaces (or withdraws) this one: */
	uint8_t		hash[SHA256_LEN];
	struct sv	uri;			/* NUL-terminated */
	struct sv	bytes;			/* DER; the parser's, until the next one */
};
/* A negative code ends the parse and is what the feed returns. */
typedef int	(*rrdp_change_fn)(void *arg, const struct rrdp_change *);

struct rrdp_parser;

/* All three: NULL without memory. */
/* uri: as in the certificate; the origin of all else. The pool keeps the result. */
struct rrdp_parser *rrdp_notification_new(struct pool *, struct sv uri);
/*
 * session and serial as the notification says (else a finding); session NULL:
 * whatever it says.
 */
struct rrdp_parser *rrdp_full_new(const char *session, uint64_t serial,
	    rrdp_change_fn, void *arg);
struct rrdp_parser *rrdp_delta_new(const char *session, uint64_t serial,
	    rrdp_change_fn, void *arg);
struct rrdp_parser *rrdp_parser_free(struct rrdp_parser *);
DEFINE_CLEANUP(struct rrdp_parser, rrdp_parser_free)
/*
 * The next piece (n <= INT_MAX); last with the final one. 0, SE_SYNTAX (see
 * the report), SE_LIMIT, -ENOMEM, or what the callback said. Sticky.
 */
int	 rrdp_parser_feed(struct rrdp_parser *, const void *, size_t n, bool last) MUST_USE;
/* After the last feed returned 0; NULL before. The pool's. */
const struct rrdp_notification *rrdp_parser_notification(const struct rrdp_parser *);
const char *rrdp_parser_session(const struct rrdp_parser *);	/* "" before it is known */
uint64_t rrdp_parser_serial(const struct rrdp_parser *);
/*
 * What was wrong or strange, as findings (the caller sets their subject, the
 * notification's URI; file: the URI of what was parsed). Nothing is added
 * for -ENOMEM and for the callback's codes.
 */
void	 rrdp_parser_report(const struct rrdp_parser *, struct sv file, struct findings *);

/* What is remembered of a server between two looks at it. */
struct rrdp_known {
	uint64_t	serial;
	uint8_t		hash[SHA256_LEN];
};

struct rrdp_state {
	char			session[RRDP_SESSION_LEN + 1];	/* "": nothing is known */
	uint64_t		serial;
	char			etag[RRDP_VALIDATOR_MAX + 1];	/* as sent; "": none */
	char			modified[RRDP_VALIDATOR_MAX + 1];
	size_t			n_known;			/* ascending by serial */
	struct rrdp_known	known[RRDP_KNOWN_MAX];
};
/* At most RRDP_STATE_MAX bytes. */
void	 rrdp_state_write(const struct rrdp_state *, struct wr *);
/*
 * SE_FORMAT: not a state of this version; the server is then one that was
 * never seen. Empty bytes are a state that knows nothing.
 */
int	 rrdp_state_parse(struct sv, struct rrdp_state *ret) MUST_USE;
/*
 * The state after all that the notification says has been taken over.
 * Without etag and modified: those are set by who saw the headers, and only
 * if they have at most RRDP_VALIDATOR_MAX bytes.
 */
void	 rrdp_state_set(struct rrdp_state *, const struct rrdp_notification *);

enum rrdp_todo {
	RRDP_NOTHING,			/* what is there is what we have */
	RRDP_DELTAS,			/* all of .deltas, in their order */
	RRDP_SNAPSHOT,
};

struct rrdp_plan {
	enum rrdp_todo		 todo;
	const struct rrdp_link	*deltas;	/* of the notification */
	size_t			 n_deltas;
	/*
	 * The state stays as it was, validators included: the notification is
	 * older than what we have (a cache behind the times).
	 */
	bool			 keep_state;
	enum rrdp_code		 why;		/* RRDP_CODE_MAX: all as usual */
	uint64_t		 known_serial, serial;
	uint64_t		 delta_serial;	/* that changed, or is missing */
	uint64_t		 n_wanted, limit;
};
/*
 * What to fetch, from what we know and what the server says. deltas_max:
 * more than so many are not worth it (0: RRDP_DELTAS_PLAN_MAX).
 */
void	 rrdp_plan(const struct rrdp_state *, const struct rrdp_notification *,
	    size_t deltas_max, struct rrdp_plan *ret);
void	 rrdp_plan_report(const struct rrdp_plan *, struct findings *);

/* --- URIs --- */

/* rsync://host/module/path…: no "..", no empty or hidden parts, printable. */
bool	 rsync_uri_valid(struct sv);
bool	 https_uri_valid(struct sv);
/* RFC 6454: scheme, host (letter case free) and port (443 if unsaid) are the same. */
bool	 https_same_origin(struct sv, struct sv);

/* --- SLURM (RFC 8416, draft-ietf-sidrops-aspa-slurm-04) --- */

enum slurm_kind {		/* in the order of the file */
	SLURM_PREFIX_FILTER,
	SLURM_BGPSEC_FILTER,
	SLURM_ASPA_FILTER,
	SLURM_PREFIX_ASSERTION,
	SLURM_BGPSEC_ASSERTION,
	SLURM_ASPA_ASSERTION,
	SLURM_KIND_MAX
};

struct slurm_entry {
	enum slurm_kind	 kind;
	uint32_t	 file;		/* index into .files: where it stands */
	struct sv	 where;		/* "prefixFilters[3]", or words for people */
	bool		 has_asn, has_max_len, has_ski;
	uint32_t	 asn;		/* of ASPAs: the customer */
	struct ip_prefix px;		/* .af 0: none */
	uint8_t		 max_len;	/* without one: px.len */
	uint8_t		 ski[SHA1_LEN];
	struct sv	 spki;
	const uint32_t	*providers;	/* ascending, unique */
	uint32_t	 n_providers;
	struct sv	 comment;	/* .p NULL: none */
	const char	*ta;		/* asserted payloads carry this name; NULL: "slurm" */
	int64_t		 expires;	/* and end then; so does a filter */
	uint64_t	 n_effect;	/* by slurm_apply(): removed, or added (0 or 1) */
};

/* One or more files together: they have an effect as a whole or not at all. */
struct slurm {
	struct pool		*pool;
	struct slurm_entry	*entries;
	size_t			 n, cap;
	const char		*files[SLURM_FILES_MAX];
	size_t			 n_files;
};

struct slurm	*slurm_new(void);
struct slurm	*slurm_free(struct slurm *);
DEFINE_CLEANUP(struct slurm, slurm_free)
/* A file's index for its entries; -E2BIG, -ENOMEM. */
int		 slurm_file(struct slurm *, const char *name) MUST_USE;
/* Takes the entry; what it points to is in .pool or lasts. -E2BIG, -ENOMEM. */
int		 slurm_add(struct slurm *, const struct slurm_entry *) MUST_USE;
/* The member's name: "prefixFilters" … */
const char	*slurm_kind_name(enum slurm_kind);
static inline bool
slurm_is_filter(enum slurm_kind k)
{
	return k <= SLURM_ASPA_FILTER;
}
/* The SubjectPublicKeyInfo of a P-256 key (RFC 8608 section 3.1)? */
bool		 slurm_key_sound(struct sv spki);
/* Do the files contradict each other (RFC 8416 section 4.2)? To findings; -ENOMEM. */
int		 slurm_check(const struct slurm *, struct findings *) MUST_USE;
/*
 * Filters, then assertions, on merged payloads, which are merged afterwards.
 * Entries that have expired at `now` do nothing. -ENOMEM, or -E2BIG (no room
 * for the trust anchor's name): the payloads are useless then.
 */
int		 slurm_apply(struct slurm *, int64_t now, struct payloads *) MUST_USE;
/* After it: entries without effect. */
void		 slurm_effects(const struct slurm *, struct findings *);
/* Does a filter at work at `now` take this one out? Any other entry: false. */
bool		 slurm_filters_vrp(const struct slurm_entry *, int64_t now, const struct vrp *);
bool		 slurm_filters_key(const struct slurm_entry *, int64_t now, const struct router_key *);
bool		 slurm_filters_aspa(const struct slurm_entry *, int64_t now, uint32_t customer);
/* What entry does, for one line: "192.0.2.0/24 AS64496", "64496 64497,64498". */
void		 slurm_entry_print(struct buf *, const struct slurm_entry *);
/* As a file; version 1 unless something needs 2. */
void		 slurm_write(const struct slurm *, struct buf *);

#endif
