/*
 * dns/wire: messages between name servers.
 *
 * Bytes and `now` go in, bytes and findings come out; sockets, lengths in
 * front of TCP messages, timeouts and retries are the caller's.
 *
 * Reading (struct dmsg) goes through a message record by record. Names may
 * point back into the message (RFC 1035 section 4.1.4): only strictly
 * backwards, so that every chain ends and costs no more than the name is
 * long. Names inside data are decompressed for the types that RFC 3597
 * section 4 lists, for no others. Data themselves are not judged here:
 * rdata_ok(), and the zone that takes them, do that.
 *
 * Writing (struct dmsg_wr) compresses owners, and the names inside the data of
 * RFC 1035's types, with a table of bounded size. A record that does not fit
 * leaves the message as it was; room for OPT and TSIG is kept aside.
 *
 * TSIG (RFC 8945): a struct tsig goes with one exchange, a request and its
 * answer of one or many messages. It signs what we send (each message of a
 * stream) and verifies what comes (up to TSIG_UNSIGNED_MAX messages between
 * two signed ones); what is wrong is a finding TSIG_*. Secrets are wiped.
 *
 * A transfer in (struct xfr_in) is fed with messages. A whole zone streams
 * through to the caller's add(), into a zone_builder; differences are gathered
 * first (struct xfr_diff), a chain of them condensed into one, and handed over
 * only when the last message came, into a zone_edit: a transfer that breaks
 * leaves nothing half done. A transfer out (struct xfr_out) walks a zone, or a
 * chain of differences, and fills one message after the other.
 *
 * A difference has a form in bytes (xfr_diff_write()), which a store appends
 * to its journal: with lengths and a checksum, read back strictly.
 *
 * Not here: DNS over TLS (who holds the socket does that), TKEY and GSS-TSIG,
 * SIG(0), dynamic update, mDNS, any class but IN, and resolving.
 *
 * RFCs: 1035, 2181, 3597 (messages), 6891 (EDNS), 8914 (EDE), 5001 (NSID),
 * 8945 (TSIG), 5936 (AXFR), 1995 (IXFR), 1996 (NOTIFY), 9859 (generalized
 * NOTIFY), 1982 (serials).
 */
#ifndef DNS_WIRE_H
#define DNS_WIRE_H

#include "base/ip.h"
#include "crypto/hmac.h"
#include "dns/zone.h"

enum wire_code {
#define F FINDING_ENUM_
#include "dns/wire_findings.def"
#undef F
	WIRE_CODE_MAX
};
extern const struct finding_def wire_findings[WIRE_CODE_MAX];

/* --- numbers --- */

enum dns_section {
	DNS_QUESTION,
	DNS_ANSWER,
	DNS_AUTHORITY,
	DNS_ADDITIONAL,
	DNS_SECTION_MAX
};

#define DNS_QR		0x8000
#define DNS_AA		0x0400
#define DNS_TC		0x0200
#define DNS_RD		0x0100
#define DNS_RA		0x0080
#define DNS_AD		0x0020
#define DNS_CD		0x0010

enum dns_opcode {
	DNS_OP_QUERY = 0,
	DNS_OP_NOTIFY = 4,
	DNS_OP_UPDATE = 5
};

/* RFC 1035, 2136, 6891 and 8945; the latter's above 15 stand in TSIG only. */
enum dns_rcode {
	DNS_NOERROR = 0,
	DNS_FORMERR = 1,
	DNS_SERVFAIL = 2,
	DNS_NXDOMAIN = 3,
	DNS_NOTIMP = 4,
	DNS_REFUSED = 5,
	DNS_NOTAUTH = 9,
	DNS_NOTZONE = 10,
	DNS_BADVERS = 16,
	DNS_BADSIG = 16,
	DNS_BADKEY = 17,
	DNS_BADTIME = 18,
	DNS_BADTRUNC = 22
};

#define DNS_RCODE_STRLEN	10
/* "REFUSED", or "RCODE23". tsig: 16 is BADSIG, not BADVERS. */
const char *dns_rcode_str(unsigned rcode, bool tsig, char dst[static DNS_RCODE_STRLEN]);

/* --- reading a message (message.c) --- */

#define DNS_HEAD_LEN	12

struct dns_head {
	uint16_t	id, flags;	/* flags without opcode and rcode */
	uint8_t		opcode, rcode;
	uint16_t	n[DNS_SECTION_MAX];
};

struct dns_question {
	struct dname	name;
	uint16_t	type, class;
};

struct dmsg {
	struct sv	 wire;
	struct dns_head	 head;
	struct rd	 r;		/* at the next record */
	size_t		 at;		/* where the last record began */
	unsigned	 section;
	uint16_t	 left;		/* records left in it */
	struct dname	 owner;
	uint8_t		*room;
};

/* A name that may be compressed; rd stands in wire. */
void	 dname_rd_wire(struct rd *, struct sv wire, struct dname *ret);
/*
 * Begin to read; room (DNS_RDATA_MAX octets) is for decompressed data.
 * -EBADMSG: not even a header.
 */
int	 dmsg_open(struct dmsg *, struct sv wire, uint8_t *room) MUST_USE;
/* 1 and the next question; 0: no more; -EBADMSG. */
int	 dmsg_question(struct dmsg *, struct dns_question *ret) MUST_USE;
/*
 * 1 and the next record (questions that are left are passed over), valid until the
 * next call; 0: the message has ended, and nothing is behind it; -EBADMSG.
 */
int	 dmsg_next(struct dmsg *, enum dns_section *ret_section, struct dns_rr *ret) MUST_USE;

/* --- EDNS (edns.c) --- */

enum edns_option {
	EDNS_NSID = 3,
	EDNS_COOKIE = 10,
	EDNS_EDE = 15
};

struct edns {
	bool		present, dnssec_ok;
	uint8_t		version;
	uint8_t		rcode_high;	/* bits 4 to 11 of the rcode */
	uint16_t	udp_size;
	struct sv	options;
};

/* From an OPT record. -EBADMSG: options that do not fit, or an owner that is not the root. */
int	 edns_parse(const struct dns_rr *, struct edns *ret) MUST_USE;
/* The next option; false at the end. */
bool	 edns_next(struct sv *options, uint16_t *ret_code, struct sv *ret_data);
void	 edns_option_write(struct wr *, uint16_t code, struct sv data);
/* An extended error (RFC 8914); text may be empty. -EBADMSG. */
int	 ede_parse(struct sv data, uint16_t *ret_code, struct sv *ret_text) MUST_USE;
void	 ede_write(struct wr *, uint16_t code, struct sv text);
/* The registry's name, NULL if it has none. */
const char *ede_name(uint16_t code);

/* --- writing a message (message.c) --- */

/* Offsets of names that later ones may point at. */
struct dmsg_slot {
	uint16_t	at;		/* of a label; 0: empty */
	uint16_t	above;		/* of the name behind that label, 0: the root */
};

struct dmsg_wr {
	struct wr	 w;
	size_t		 keep;		/* octets at the end for OPT and TSIG only */
	struct dns_head	 head;
	struct dmsg_slot names[DMSG_NAMES];
};

/* The counts of the head are ours. cap beyond 65535 is not used. */
void	 dmsg_begin(struct dmsg_wr *, uint8_t *buf, size_t cap, const struct dns_head *);
void	 dmsg_keep(struct dmsg_wr *, size_t n);
/* -ENOSPC: does not fit, and nothing was changed. Sections in their order. */
int	 dmsg_put_question(struct dmsg_wr *, const struct dname *, uint16_t type) MUST_USE;
int	 dmsg_put(struct dmsg_wr *, enum dns_section, const struct dns_rr *) MUST_USE;
/* Into the room that was kept. */
int	 dmsg_put_edns(struct dmsg_wr *, const struct edns *) MUST_USE;
/* Back to the questions, with TC. */
void	 dmsg_truncate(struct dmsg_wr *);
/* Octets of the whole message; 0: it did not fit. */
size_t	 dmsg_end(struct dmsg_wr *);
/* Octets that dmsg_put_edns() takes. */
static inline size_t
edns_len(const struct edns *e)
{
	return 11 + e->options.n;
}

/* --- a query, as a server reads it (query.c) --- */

struct dns_query {
	struct dns_head		head;
	struct dns_question	q;
	struct edns		edns;		/* its options lie in the message */
	bool			has_soa;	/* IXFR: in authority; NOTIFY: in answer */
	uint32_t		serial;
	uint16_t		rcode;		/* what it earns already: FORMERR, NOTIMP, BADVERS */
};

/*
 * QUERY and NOTIFY of one question, with at most an OPT and a TSIG behind.
 * -EBADMSG: nothing that could be answered (no header, or an answer itself).
 */
int	 dns_query_parse(struct sv wire, uint8_t *room, struct dns_query *ret) MUST_USE;
/*
 * Begin the answer: header, question, and room kept for its OPT (if the query
 * had one) and for keep octets of TSIG.
 */
void	 dns_answer_begin(struct dmsg_wr *, uint8_t *buf, size_t cap, const struct dns_query *,
	    uint16_t flags, size_t keep);
/* rcode, OPT with the options (EDE …; room for them is up to the caller), length. */
size_t	 dns_answer_end(struct dmsg_wr *, const struct dns_query *, unsigned rcode,
	    struct sv options);

/* A query of ours; recursion is not desired. Octets, 0: does not fit. */
size_t	 dns_query_write(uint8_t *buf, size_t cap, uint16_t id, const struct dname *, uint16_t type,
	    const struct edns *);
/* Is it an answer to it at all: id, opcode, QR, and the question, if it is there? */
bool	 dns_is_answer(struct dmsg *, uint16_t id, enum dns_opcode, const struct dname *,
	    uint16_t type);
/*
 * Is this the answer to it? XFR_MISMATCH, XFR_FORMAT, XFR_RCODE and XFR_TRUNCATED are the
 * findings; false then. What did not come from the one asked is the caller's to drop.
 */
bool	 dns_answer_check(struct dmsg *, uint16_t id, enum dns_opcode, const struct dname *,
	    uint16_t type, struct findings *);
/* The serial of a zone as its server says. 0, or -EBADMSG with a finding. */
int	 soa_answer_parse(struct sv wire, uint8_t *room, uint16_t id, const struct dname *zone,
	    struct findings *, uint32_t *ret_serial) MUST_USE;
/* Of SOA data; -EBADMSG. */
int	 soa_serial(struct sv rdata, uint32_t *ret) MUST_USE;

/* --- NOTIFY (RFC 1996, RFC 9859) --- */

/*
 * type SOA, or CDS, CDNSKEY, CSYNC (generalized). soa: the new one, as a hint; may be NULL.
 */
size_t	 notify_write(uint8_t *buf, size_t cap, uint16_t id, const struct dname *, uint16_t type,
	    const struct dns_rr *soa);

struct dsync {
	uint16_t	type;		/* whose change is to be told: CDS, CSYNC */
	uint8_t		scheme;		/* 1: NOTIFY */
	uint16_t	port;
	struct dname	target;
};

#define DSYNC_NOTIFY	1
int	 dsync_parse(struct sv rdata, struct dsync *ret) MUST_USE;
/*
 * Where a parent says whom to tell about a child: "child._dsync.parent", and
 * "_dsync.parent" for all (child NULL). -EINVAL: not below it. -E2BIG.
 */
int	 dsync_name(const struct dname *child, const struct dname *parent, struct dname *ret) MUST_USE;

/* --- TSIG (tsig_key.c, tsig.c) --- */

struct tsig_key {
	struct dname		name;		/* lower case */
	enum crypto_hmac_alg	alg;
	/* Octets of MAC that we send and want: crypto_hmac_len(), or fewer ("hmac-sha256-128"). */
	uint8_t			mac_len;
	uint8_t			secret_len;
	uint8_t			secret[TSIG_SECRET_MAX];
};

void	 tsig_key_wipe(struct tsig_key *);
/* "hmac-sha256" … "hmac-md5.sig-alg.reg.int". */
const char *tsig_alg_str(enum crypto_hmac_alg);
/*
 * "[algorithm:]name:base64", as dig and kdig take it; without an algorithm it is
 * hmac-sha256. -EINVAL with a finding.
 */
int	 tsig_key_parse(struct sv, struct findings *, struct tsig_key *ret) MUST_USE;

struct tsig_keys {
	struct tsig_key	*keys;
	size_t		 n;
};

/*
 * BIND's form: any number of
 *	key NAME { algorithm NAME; secret "BASE64"; };
 * with its comments. -EINVAL with findings that name the line: not one key is
 * taken from a file with an error. -ENOMEM.
 */
int	 tsig_keys_parse(struct sv text, struct sv file, struct findings *, struct tsig_keys *ret) MUST_USE;
/* The same text; the buffer holds a secret. */
void	 tsig_key_print(struct buf *, const struct tsig_key *);
const struct tsig_key *tsig_keys_find(const struct tsig_keys *, const struct dname *);
/* Wipes. */
void	 tsig_keys_done(struct tsig_keys *);
static inline void
tsig_keys_donep(struct tsig_keys *k)
{
	tsig_keys_done(k);
}

/* What became of a message. Whatever is not OK or NONE has a finding. */
enum tsig_verdict {
	TSIG_OK,
	TSIG_NONE,		/* no TSIG, none needed */
	TSIG_LATER,		/* unsigned in a stream: trust it when TSIG_OK comes */
	TSIG_FAILED,
	TSIG_VERDICT_MAX
};

/*
 * One exchange. Zero it, or use tsig_begin(); tsig_done() in the end. The keys
 * outlive it. A server: tsig_request(), then tsig_sign() for each message of
 * the answer. A client: tsig_begin(), tsig_sign() the request, tsig_answer()
 * for each message, tsig_finish().
 */
struct tsig {
	const struct tsig_key	*key;		/* NULL: nothing is signed */
	struct crypto_hmac	*h;
	uint8_t			 mac[CRYPTO_HMAC_LEN_MAX];	/* of the message before */
	uint8_t			 mac_len;
	uint8_t			 sign_len;	/* octets of MAC that we send */
	bool			 server;
	bool			 stream;	/* behind the first answer */
	bool			 genuine;	/* the last answer was signed by who has the key */
	unsigned		 n_unsigned;	/* since the last signed one */
	uint64_t		 time_sent;	/* of the last one that we signed */
	/* What a server's answer says about the request. */
	uint16_t		 error, fudge;
	uint64_t		 time_signed;
	struct dname		 name, alg;	/* as the request has them: also of keys we have not */
};

/* key NULL: an exchange without. -ENOMEM. */
int	 tsig_begin(struct tsig *, const struct tsig_key *key) MUST_USE;
void	 tsig_done(struct tsig *);
/* Octets that tsig_sign() adds. */
size_t	 tsig_room(const struct tsig *);
/*
 * Append the signature to a message of *len octets in a room of cap; nothing
 * without a key. -ENOSPC.
 */
int	 tsig_sign(struct tsig *, uint8_t *msg, size_t *len, size_t cap, int64_t now) MUST_USE;
/*
 * A server's view of a request. TSIG_FAILED: answer with *ret_rcode (FORMERR or NOTAUTH)
 * and no data, through tsig_sign() all the same. < 0: no memory.
 */
int	 tsig_request(struct tsig *, const struct tsig_keys *, struct sv wire, uint8_t *room,
	    int64_t now, struct findings *, uint16_t *ret_rcode) MUST_USE;
/*
 * A client's view of a message of the answer: a verdict. One that FAILED and is not
 * genuine may come from anybody: by UDP it is dropped, and the wait goes on (RFC 8945
 * section 5.4); nothing of the exchange has changed.
 */
int	 tsig_answer(struct tsig *, struct sv wire, uint8_t *room, int64_t now,
	    struct findings *) MUST_USE;
/* The answer is complete: was its last message signed? */
bool	 tsig_finish(struct tsig *, struct findings *);

/*
 * When who signed last (tsig_seen.c), so that a request that is sent again by
 * somebody else is not taken twice. Of TSIG_SEEN_MAX the oldest are forgotten.
 */
struct tsig_seen;
struct tsig_seen *tsig_seen_new(void);
struct tsig_seen *tsig_seen_free(struct tsig_seen *);
DEFINE_CLEANUP(struct tsig_seen, tsig_seen_free)
/*
 * A request that is TSIG_OK: false with a finding if it was signed before the last one;
 * answer with NOTAUTH then, through tsig_sign().
 */
bool	 tsig_seen_take(struct tsig_seen *, struct tsig *, const struct dname *zone,
	    const struct ip_prefix *from, struct findings *);

/* --- a difference (xfr_diff.c) --- */

/*
 * What is to be removed from one version of a zone and added to make the next:
 * the net of it, so that the order does not count.
 */
struct xfr_diff;
/* max: octets of records, beyond it SE_LIMIT; 0: XFR_DIFF_MAX. NULL: no memory. */
struct xfr_diff	*xfr_diff_new(const struct dname *zone, size_t max);
struct xfr_diff	*xfr_diff_free(struct xfr_diff *);
DEFINE_CLEANUP(struct xfr_diff, xfr_diff_free)
/*
 * In the order of the changes: removing what was added before cancels both, and the
 * other way round. -EEXIST: added twice; -ENOENT: removed twice; -ENOMEM; SE_LIMIT.
 */
int	 xfr_diff_del(struct xfr_diff *, const struct dns_rr *) MUST_USE;
int	 xfr_diff_add(struct xfr_diff *, const struct dns_rr *) MUST_USE;
/* Another one that goes on where this one ended. */
int	 xfr_diff_append(struct xfr_diff *, const struct xfr_diff *) MUST_USE;
/* All that a new version changes. */
int	 xfr_diff_zones(struct zone *old, struct zone *new, size_t max, struct xfr_diff **ret) MUST_USE;
const struct dname *xfr_diff_zone(const struct xfr_diff *);
/* The serials it leads from and to: false unless one SOA goes and one comes. */
bool	 xfr_diff_serials(const struct xfr_diff *, uint32_t *ret_old, uint32_t *ret_new);
size_t	 xfr_diff_n_del(const struct xfr_diff *);
size_t	 xfr_diff_n_add(const struct xfr_diff *);

/* Records of one side, the SOA first. */
struct xfr_diff_it {
	const struct xfr_diff	*d;
	bool			 add, soa_done;
	size_t			 i;
	struct dname		 owner;
};
struct xfr_diff_it xfr_diff_begin(const struct xfr_diff *, bool add);
/* Valid until the next call. */
bool	 xfr_diff_next(struct xfr_diff_it *, struct dns_rr *ret);
/* Removals and additions into an edit; codes of zone_edit_del(), zone_edit_add(). */
int	 xfr_diff_edit(const struct xfr_diff *, struct zone_edit *) MUST_USE;

/*
 * As bytes, for a journal (the format stands in xfr_journal.c). -EINVAL: no serials.
 */
int	 xfr_diff_write(struct buf *, const struct xfr_diff *) MUST_USE;
/*
 * The next one: 1; 0 at the end; SE_SUM: the entry is cut off or not what was written;
 * SE_FORMAT: not an entry. In both cases rd stands where the entry begins, so that a
 * store can cut its file there. max as above, the zone's name must be this one.
 */
int	 xfr_diff_parse(struct rd *, const struct dname *zone, size_t max,
	    struct xfr_diff **ret) MUST_USE;

/* --- a transfer in (xfr_in.c) --- */

struct xfr_in_opts {
	struct dname	 zone;
	uint16_t	 id;		/* of the query: unpredictable */
	bool		 ixfr;		/* differences since serial are wanted */
	bool		 udp;		/* one message: a lone SOA means "ask by TCP" */
	bool		 has_serial;
	uint32_t	 serial;	/* of what we have */
	/* Limits; 0: those of limits.h. */
	uint64_t	 records_max, bytes_max;
	/*
	 * A whole zone begins: what was added before is void. Then its records,
	 * the SOA once. A negative code of theirs ends the transfer.
	 */
	int		(*full)(void *arg);
	int		(*add)(void *arg, const struct dns_rr *);
	void		*arg;
};

enum xfr_in_result {
	XFR_IN_MORE,
	XFR_IN_FULL,		/* the whole zone has been added */
	XFR_IN_DIFF,		/* take xfr_in_diff() */
	XFR_IN_CURRENT,		/* what we have is what they have */
	XFR_IN_TCP,		/* ask again by TCP */
	XFR_IN_AXFR,		/* ask again by AXFR: no IXFR there, or one that is wrong (a finding) */
	XFR_IN_FAILED,		/* a finding says why */
	XFR_IN_MAX
};

struct xfr_in;
struct xfr_in	*xfr_in_new(const struct xfr_in_opts *, struct findings *);
struct xfr_in	*xfr_in_free(struct xfr_in *);
DEFINE_CLEANUP(struct xfr_in, xfr_in_free)
/* The query. Octets, 0: does not fit. */
size_t	 xfr_in_query(const struct xfr_in *, uint8_t *buf, size_t cap);
/* The next message (verified, if it is to be): a result, or negative. */
int	 xfr_in_message(struct xfr_in *, struct sv wire) MUST_USE;
/* The connection has ended: a finding unless the transfer had. */
void	 xfr_in_end(struct xfr_in *);
/* After XFR_IN_DIFF; the caller's from then on. */
struct xfr_diff	*xfr_in_diff(struct xfr_in *);
/* The serial of the version that is being transferred; false before it is known. */
bool	 xfr_in_serial(const struct xfr_in *, uint32_t *ret);
uint64_t xfr_in_n_records(const struct xfr_in *);

/* --- a transfer out (xfr_out.c) --- */

struct xfr_out;
/* The whole zone. NULL: no memory, or a zone without SOA. */
struct xfr_out	*xfr_out_axfr(const struct dns_query *, struct zone *);
/*
 * Differences from the query's serial to the zone's: each continues the one
 * before it. n 0: nothing new, only the SOA. -EINVAL: the chain does not lead
 * from there to there (answer by AXFR instead). The differences outlive it.
 */
int	 xfr_out_ixfr(const struct dns_query *, struct zone *, const struct xfr_diff *const *chain,
	    size_t n, struct xfr_out **ret) MUST_USE;
struct xfr_out	*xfr_out_free(struct xfr_out *);
DEFINE_CLEANUP(struct xfr_out, xfr_out_free)
/*
 * The next message of up to cap octets, keep of them left free for TSIG: its
 * octets in *ret_len and 1; 0: all was sent; SE_LIMIT: one record is larger
 * than a message. XFR_MESSAGE_MAX is a good cap.
 */
int	 xfr_out_next(struct xfr_out *, uint8_t *buf, size_t cap, size_t keep, size_t *ret_len) MUST_USE;
/* Does it all fit into one message of cap? (UDP: else only the SOA is sent.) */
int	 xfr_out_udp(struct xfr_out *, uint8_t *buf, size_t cap, size_t keep, size_t *ret_len) MUST_USE;

#endif
