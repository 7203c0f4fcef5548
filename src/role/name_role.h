/*
 * name: looks at name servers, for role key: what do all servers of a zone and
 * of its parent really give out? For role seal: do all servers have the record of
 * a key that signs mail (name_mail.h)? It also sends the NOTIFY that tells a parent
 * of new CDS records (RFC 9859). It has no key, reads no file after
 * /etc/resolv.conf, and writes nothing.
 *
 * A *round* (name_look.c) looks at one zone:
 *
 *	parent	the enclosing zone: SOA questions to the resolver, upwards
 *	names	NS of both, from the resolver; then from each server of the
 *		parent (delegation, and its own set) and of the zone. Whatever
 *		anybody names is a server: a resolver may have asked any.
 *	address	A and AAAA of each name from the resolver, and the glue that
 *		servers of the parent give
 *	ask	each address, by TCP, without recursion: the parent's for DS,
 *		the zone's for SOA, DNSKEY (and both for NS)
 *	tell	what was seen goes to key (app/zone_seen.h); signatures have
 *		been verified here, so that key reads no stranger's
 *
 * The resolver is asked by UDP (a port and an id at random, the question
 * compared), by TCP where the answer is cut or somebody guesses at answers.
 * What it says decides only whom we ask, never what a zone has: nobody who
 * is not on the path to a server can put words into its mouth. Where the
 * resolver fails on a question (SERVFAIL), it is asked again with CD set: a
 * zone that is bogus has to be looked at more than any other.
 *
 * COMPLETE is a round, for one side, when every server answered properly:
 * with AA, for the right zone, within our limits. What does not count:
 *
 *  - a name that surely has no address (nobody can ask it), and addresses that
 *    cannot be anybody's server (loopback and the like, unless dns.hosts has
 *    them): SEEN_NO_ADDRESS
 *  - an address of a family to which this machine has no route, if the same
 *    name has another address that answered: a host without IPv6 does not
 *    wait for ever, and a server that has only IPv6 is not forgotten by it.
 *    (dns.look-families: ipv4 says that IPv6 is not to be looked at, at all.)
 *  - other instances of an anycast address, hidden primaries, servers that are
 *    named nowhere: no question reaches them by intention. Their delay is
 *    what dns.policies[].child-propagation and the safety margins are for.
 *
 * A name whose addresses could not be looked up counts: it may have some. The
 * zone's side needs one server of the parent that gave the delegation.
 *
 * Who speaks with strangers here: dns/wire.h reads messages, into pools with a
 * cap; a round has a deadline, a number of exchanges at a time, and a number
 * of signatures that it verifies.
 */
#ifndef ROLE_NAME_ROLE_H
#define ROLE_NAME_ROLE_H

#include "app/dns_stub.h"
#include "app/zone_list.h"
#include "app/zone_seen.h"
#include "base/pool.h"
#include "dns/wire.h"
#include "net/dnsask.h"
#include "role/role.h"

#define NAME_ROUNDS_MAX		12	/* zones that are looked at at a time */
#define NAME_ASKS_MAX		16	/* exchanges of a round at a time */
#define NAME_NOTIFIES_MAX	32
#define NAME_KEYS_MAX		8	/* keys of mail that are looked at at a time */
#define NAME_KEY_ASKS_MAX	8	/* exchanges of each */
#define NAME_TALKS_MAX		(NAME_ROUNDS_MAX * NAME_ASKS_MAX + NAME_NOTIFIES_MAX + \
	NAME_KEYS_MAX * NAME_KEY_ASKS_MAX)
#define NAME_NAMES_MAX		64	/* NS names of both sides; 13 and 13 are common */
#define NAME_ROUND_SEC		60
#define NAME_CHECKS_MAX		256	/* signatures verified in a round; 26 servers with the same cost six */
#define NAME_TWINS_MAX		4	/* keys of one tag and algorithm that are tried (CVE-2023-50387) */
#define NAME_ASK_MSEC		5000	/* connect and answer; the kernel sends SYN again after one second */
#define NAME_ASK_TRIES		2
#define NAME_POOL_MAX		((size_t)8 << 20)	/* sets, signatures: SEEN_OCTETS_MAX and the raw ones */

struct name_role;

/* --- what an answer says (name_answer.c); pure --- */

struct answer_set {
	uint16_t	 n;
	uint32_t	 ttl;			/* the longest */
	struct sv	 rrs;			/* n times u16 length, data: canonical, sorted */
	uint16_t	 n_sigs;
	struct sv	 sigs;			/* the same of the RRSIGs that cover it */
};

/*
 * The set of that type at name in the answer section, and its signatures, written to
 * out (twice 64 KiB is enough; slices point there). -EBADMSG; SE_LIMIT.
 */
int	 answer_set(struct sv wire, uint8_t *room, const struct dname *, uint16_t type,
	    struct wr *out, struct answer_set *ret) MUST_USE;
/* Of the SOA in authority (a negative answer) or answer; false: there is none. */
bool	 answer_soa(struct sv wire, uint8_t *room, enum dns_section, struct dname *ret_owner);
/* NS records at name in answer or authority: fn for each target (lower case). */
int	 answer_ns(struct sv wire, uint8_t *room, const struct dname *,
	    void (*fn)(void *, const struct dname *), void *arg) MUST_USE;
/* All A and AAAA records of a section: fn for each; they belong to owner (lower case). */
int	 answer_addrs(struct sv wire, uint8_t *room, enum dns_section,
	    void (*fn)(void *, const struct dname *owner, const struct ip_prefix *), void *arg) MUST_USE;

/* --- signatures (name_verify.c) --- */

/* Whose signatures these are; rows (n_sigs of SEEN_SIG_LEN octets) to w. budget goes down. */
int	 signers_find(const struct dname *zone, uint16_t type, const struct answer_set *,
	    struct sv dnskeys, unsigned *budget, uint8_t *room, size_t room_len, struct wr *w) MUST_USE;

/* --- a round (name_look.c, name_look_talk.c, name_look_end.c) --- */

enum look_phase {
	LOOK_NOT_YET,
	LOOK_ASKED,
	LOOK_DONE,
	LOOK_FAILED
};

struct look_name {
	struct dname	 name;
	unsigned	 sides;		/* bits of enum seen_side */
	enum look_phase	 family[2];	/* A, AAAA */
};

struct look_server {
	enum seen_side	 side;
	size_t		 name;
	struct ip_prefix addr;
	enum look_phase	 phase;
	enum seen_state	 state;
	unsigned	 step, tries;
	bool		 serial_seen;
	uint32_t	 serial;
	uint16_t	 set, dnskey_sigs, soa_sigs;
};

enum look_what {
	LOOK_PARENT,
	LOOK_NS,		/* .index: enum seen_side */
	LOOK_ADDR,		/* .index: name; .family */
	LOOK_SERVER,		/* .index: server */
};

struct look;

struct look_ask {
	struct look		*look;
	bool			 busy;
	enum look_what		 what;
	size_t			 index;
	unsigned		 family;
	struct stub		 stub;
	struct dnsask_talk	*talk;	/* LOOK_SERVER */
	uint16_t		 id, type;
	struct dname		 name;
	struct answer_set	 soa;	/* waits for the keys; in the look's pool */
};

/* Lists of signatures that were verified already: the raw ones. */
struct look_raw {
	uint16_t		 dnskeys;	/* the set they were verified with */
	uint16_t		 type;
	struct sv		 rrs, sigs;
};

struct look {
	struct name_role	*nr;
	struct name_zone	*z;
	struct pool		*pool;
	struct loop_timer	*deadline;
	int64_t			 at, began_usec;
	enum look_phase		 parent, ns[SEEN_SIDE_MAX];
	struct dname		 climb;		/* whose SOA is asked for */
	bool			 overflow[SEEN_SIDE_MAX];
	bool			 delegation;	/* a server of the parent said whom it names, or nobody */
	bool			 resolver_ok, late, ended;
	unsigned		 budget;
	size_t			 n_names, n_servers, octets;
	struct look_name	 names[NAME_NAMES_MAX];
	struct look_server	 servers[SEEN_SERVERS_MAX];
	struct look_raw		 raw[SEEN_SIGS_MAX];	/* as seen.sigs */
	struct look_ask		 asks[NAME_ASKS_MAX];
	struct seen		 seen;
};

/* What we know of a server from the round before: what was said is not said again. */
struct name_known {
	enum seen_side	 side;
	enum seen_state	 state;
	struct ip_prefix addr;
	struct dname	 name;
	bool		 serial_seen, told;
	bool		 late;		/* others had a newer version in that round */
	bool		 behind;	/* … and in the round before it was the same: told */
	uint32_t	 serial;
};

struct name_zone {
	struct dname	 name;
	struct look	*look;		/* under way */
	int64_t		 due_usec;	/* on the monotonic clock; 0: at once */
	int64_t		 due_at;	/* the same for people */
	int64_t		 want_usec;	/* key wants another one after the one under way; 0: no */
	int64_t		 at;		/* of the last round; 0: none */
	uint32_t	 took_sec;
	unsigned	 n_bad;		/* rounds in a row that were not complete */
	uint64_t	 n_rounds;
	bool		 complete[SEEN_SIDE_MAX];
	struct dname	 parent;
	bool		 has_parent;
	bool		 told_lists, told_overflow;	/* the log knows that lists are not complete */
	struct name_known *known;
	size_t		 n_known;
};

struct notify;
struct key_look;

struct name_role {
	struct role		*role;
	struct dns_stubs	 stubs;
	bool			 resolver_fixed;	/* by the configuration */
	unsigned		 families;	/* bit 0: IPv4, bit 1: IPv6; 0: what has a route */
	uint32_t		 interval;
	int64_t			 born_usec;
	struct name_zone	*zones;
	size_t			 n_zones, turn;
	struct map		 by_name;
	int64_t			 armed_usec;	/* the timer's; 0: it does not run */
	unsigned		 n_looks;
	struct loop_timer	*timer;
	uint64_t		 n_rounds, n_complete, n_notified;
	unsigned		 n_deaf;	/* rounds in a row in which the resolver said nothing */
	struct notify		*notifies[NAME_NOTIFIES_MAX];
	struct key_look		*keys[NAME_KEYS_MAX];	/* of mail */
	uint64_t		 n_keys;		/* looked at */
	uint8_t			 room[DNS_RDATA_MAX];
	uint8_t			 out[2 * 65536];	/* of answer_set() */
	uint8_t			 rows[SEEN_SIG_ROWS_MAX * SEEN_SIG_LEN];
	uint8_t			 signed_octets[65536 + SEEN_SET_RRS_MAX * (DNS_NAME_MAX + 10)];
};

/* -ENOMEM */
int	 look_begin(struct name_role *, struct name_zone *) MUST_USE;
void	 look_free(struct look *);
/* Start what can be started; at the end tells key. */
void	 look_pump(struct look *);
/* A server, or its name with a side; what is there already is left. */
void	 look_name_add(struct look *, const struct dname *, enum seen_side);
void	 look_addr_add(struct look *, const struct dname *, const struct ip_prefix *);
/* name_look_talk.c: begin to ask the server; its phase says what came of it at once. */
void	 look_server_ask(struct look_ask *);
/* name_look_end.c */
void	 look_end(struct look *);

/* name.c: a round is over. ok: complete on both sides. */
void	 zone_looked(struct name_role *, struct name_zone *, bool resolver_ok);

/* name_notify.c */
int	 notify_begin(struct name_role *, const struct msg_notify_ask *) MUST_USE;

/* name_mail.c: the record of a key of mail, for role seal. -ENOMEM */
int	 key_look_begin(struct name_role *, const struct msg_seal_look *) MUST_USE;

/* name_tell.c */
void	 known_update(struct name_role *, struct name_zone *, const struct seen *);
void	 names_json(const struct name_role *, struct json *);

#endif
