/*
 * What was seen at the servers of a zone and of its parent in one round, as
 * bytes: role name asks and writes it (into a memfd), role key reads it. All
 * numbers are in network order.
 *
 *	"SEEN", u8 1 (version)
 *	u8 length, zone; u8 length, parent (0: not found); names in wire form
 *	u64 at (when the round began), u32 seconds it took
 *	u8 complete: bit 0 parent, bit 1 zone
 *	u16 n sets	u16 type (DS, DNSKEY), u32 TTL, u16 n, u32 length,
 *			n times u16 length, data: canonical order, no doubles
 *	u16 n sigs	u16 type covered (DNSKEY, SOA), u16 n, n times
 *			u8 algorithm, u16 tag, u32 original TTL, u32 expires,
 *			u32 begins, u16 key
 *	u16 n servers	u8 side, u8 state, u8 flags, u8 family (0, 4, 6), 16 address,
 *			u8 length, name; u32 serial, u16 set,
 *			u16 sigs of DNSKEY, u16 sigs of SOA
 *
 * Servers that gave the same refer to the same set: 26 servers cost little
 * more than one. A *server* is one address of one name. Its set is the DS set
 * of a server of the parent, the DNSKEY set of a server of the zone; with
 * state SEEN_ANSWERED and no set, it said with authority that there is none.
 *
 * A signature's key is its place in the DNSKEY set of the same server, found
 * by verifying it (times are not judged), not by its tag; SEEN_NONE: none of
 * these keys made it, or it is of an algorithm that we do not know. Nobody
 * has to read the signatures of strangers after that.
 *
 * The serial was asked for first: what else a server gave is of that version,
 * or of one that came in the seconds between.
 *
 * complete: every server that a resolver may ask was asked, and answered
 * properly (SEEN_EXCUSED ones do not count). What that is, and which servers
 * are excused, stands in role/name_role.h.
 *
 * The octets come from a process that reads what strangers write: the reader
 * is strict and is fuzzed.
 */
#ifndef APP_ZONE_SEEN_H
#define APP_ZONE_SEEN_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/ip.h"
#include "base/rd.h"
#include "dns/dns.h"

/* Addresses of both sides together; the root and .com have 26 each. */
#define SEEN_SERVERS_MAX	128
#define SEEN_SETS_MAX		128	/* sets that differ, DS and DNSKEY */
#define SEEN_SIGS_MAX		256	/* lists that differ */
#define SEEN_SET_RRS_MAX	64	/* keys in a set; RSA with 4096 bits each fit a message */
#define SEEN_SIG_ROWS_MAX	64	/* signatures of one set */
#define SEEN_OCTETS_MAX		((size_t)4 << 20) /* 64 sets as large as a message holds */

#define SEEN_NONE		0xffff	/* no set, no list, no key */

enum seen_side {
	SEEN_PARENT,
	SEEN_ZONE,
	SEEN_SIDE_MAX
};

enum seen_state {
	SEEN_ANSWERED,		/* all that it was asked, with authority */
	SEEN_SILENT,		/* no answer in time, or no connection */
	SEEN_LAME,		/* it answers, but not with authority for that zone */
	SEEN_BROKEN,		/* it answers what cannot be read, or more than our limits */
	SEEN_NO_ROUTE,		/* this machine has no route to that family of addresses */
	SEEN_NO_ADDRESS,	/* it is certain that this name has no address */
	SEEN_UNKNOWN,		/* its addresses could not be looked up */
	SEEN_STATE_MAX
};
const char *seen_state_name(enum seen_state);	/* "answered" …; stable, for JSON */

enum {
	SEEN_EXCUSED = 1 << 0,		/* completeness does not need it */
	SEEN_HAS_SERIAL = 1 << 1,	/* zone: .serial is set */
};

struct seen_server {
	enum seen_side		 side;
	enum seen_state		 state;
	unsigned		 flags;
	struct ip_prefix	 addr;		/* a host; af 0: none is known */
	struct dname		 name;		/* of the NS record; lower case */
	uint32_t		 serial;
	uint16_t		 set;		/* DS or DNSKEY; SEEN_NONE */
	uint16_t		 dnskey_sigs, soa_sigs;	/* zone; SEEN_NONE */
};

struct seen_set {
	uint16_t	 type;
	uint16_t	 n;
	uint32_t	 ttl;
	struct sv	 rrs;		/* n times u16 length, data: zdata_next() of dns/zone.h */
};

struct seen_sig {
	uint8_t		 alg;
	uint16_t	 tag;
	uint32_t	 ttl, expires, begins;
	uint16_t	 key;		/* place in the server's DNSKEY set; SEEN_NONE */
};

struct seen_sigs {
	uint16_t	 type;		/* covered */
	uint16_t	 n;
	struct sv	 rows;		/* seen_sig_next() */
};

/* Some 60 KiB: on the heap, please. Slices point into the octets that were read. */
struct seen {
	struct dname		 zone, parent;	/* lower case */
	bool			 has_parent;
	int64_t			 at;
	uint32_t		 took_sec;
	bool			 complete[SEEN_SIDE_MAX];
	size_t			 n_sets, n_sigs, n_servers;
	struct seen_set		 sets[SEEN_SETS_MAX];
	struct seen_sigs	 sigs[SEEN_SIGS_MAX];
	struct seen_server	 servers[SEEN_SERVERS_MAX];
};

/* -EBADMSG: not such octets. *ret is used as room, also on failure. */
int	 seen_parse(struct sv, struct seen *ret) MUST_USE;
/* SE_LIMIT: more than SEEN_OCTETS_MAX. */
int	 seen_write(const struct seen *, struct buf *) MUST_USE;
/* The next row; false at the end. */
bool	 seen_sig_next(struct sv *rows, struct seen_sig *ret);
/* A row at the end of w: 17 octets. */
#define SEEN_SIG_LEN	17
void	 seen_sig_write(struct wr *, const struct seen_sig *);

#endif
