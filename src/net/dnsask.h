/*
 * net/dnsask: questions to name servers, by UDP or TCP, on the loop.
 *
 * What enters: the octets of a question, and whom to ask. What leaves: the
 * octets of the answer, or why there is none, in a callback, exactly once for
 * each question. Nothing is resolved here, nothing is read of the messages,
 * and nothing is asked twice: who asks knows what an answer must look like
 * and when to ask again (dns/wire.h is the place to read them).
 *
 * UDP: each question has a socket of its own, which is connected, so that
 * the kernel picks its port at random and drops what comes from elsewhere.
 * A datagram from the right address that is not the answer (the caller's
 * match() says so) is late, or the work of a forger who guesses: it is dropped,
 * and the wait goes on (RFC 5452 section 9.1). After DNSASK_STRAYS_MAX of them
 * the exchange ends with SE_PEER, and should be done again by TCP, where
 * guessing is hopeless (section 9.3).
 *
 * TCP: length and message in one write (RFC 7766 section 8). Further questions
 * may follow in the same connection, one after the other: dnsask_more() in the
 * callback. A server that has closed it meanwhile is connected to once more,
 * which is no failure (RFC 7766 section 6.2.3).
 *
 * Numbers are bounded: so many exchanges at a time as dnsask_new() is told,
 * made at once with it; beyond them SE_LIMIT, and who asks has a queue. Each
 * exchange has a deadline for each question, connecting included. Answers by
 * TCP take as much memory as they have octets, 64 KiB at most.
 *
 * The map is for tests and labs: a server with the address on the left is
 * reached at the address and port on the right.
 */
#ifndef NET_DNSASK_H
#define NET_DNSASK_H

#include <stdbool.h>
#include <stdint.h>

#include "base/ip.h"
#include "base/sv.h"
#include "sys/loop.h"

#define DNSASK_PORT		53
#define DNSASK_MESSAGE_MAX	1024	/* octets: a NOTIFY with its SOA has under 900 */
#define DNSASK_STRAYS_MAX 16	/* datagrams that are not the answer: a few may be late */
#define DNSASK_MAP_MAX		256	/* a lab with a hundred name servers */

struct dnsask_to {
	struct ip_prefix addr;		/* a host */
	uint16_t	 port;
};

#define DNSASK_TO_STRLEN	(IP_ADDR_STRLEN + 9)
/* "192.0.2.1", or with a port that is not 53 "192.0.2.1:5300", "[2001:db8::1]:5300". */
const char *dnsask_to_str(const struct dnsask_to *, char dst[static DNSASK_TO_STRLEN]);
/* The same read; IPv6 also without brackets where no port follows. -EINVAL. */
int	 dnsask_to_parse(struct sv, struct dnsask_to *ret) MUST_USE;
/*
 * Is it an address that the world can reach? (IANA's special-purpose registries, as of
 * November 2026.) Private ones may well be name servers; loopback, link-local,
 * unspecified and multicast ones never are: dnsask_addr_is_place().
 */
bool	 dnsask_addr_is_place(const struct ip_prefix *);

struct dnsask;
struct dnsask_talk;

/* max: exchanges at a time. */
int	 dnsask_new(struct loop *, unsigned max, struct dnsask **ret) MUST_USE;
/* Ends all that is under way without a callback. */
struct dnsask *dnsask_free(struct dnsask *);
/* "ADDRESS=ADDRESS:PORT". -EINVAL. */
int	 dnsask_map_parse(struct sv line, struct ip_prefix *ret_from, struct dnsask_to *ret) MUST_USE;
/* -EINVAL; SE_LIMIT. */
int	 dnsask_map_add(struct dnsask *, struct sv line) MUST_USE;
/* Is this address on the left of the map? */
bool	 dnsask_is_mapped(const struct dnsask *, const struct ip_prefix *);

struct dnsask_question {
	struct dnsask_to to;
	bool		 tcp;
	struct sv	 message;	/* copied */
	unsigned	 msec;
	/* Are these octets the answer? */
	bool		(*match)(void *arg, struct sv octets);
	/*
	 * rc 0 with the answer, which is gone after the call; or -ETIMEDOUT, -ECONNREFUSED …,
	 * SE_CLOSED (TCP: the server closed), SE_PEER (not the answer; by UDP, again and again).
	 */
	void		(*done)(void *arg, int rc, struct sv octets);
	void		*arg;
};

/*
 * 0: done will be called. Else it will not: SE_LIMIT; -ENETUNREACH: this machine has no
 * route to there (no such family of addresses included); or the system's code.
 */
int	 dnsask_ask(struct dnsask *, const struct dnsask_question *, struct dnsask_talk **ret) MUST_USE;
/* Within done of an answer by TCP: another question to the same server, with the same callbacks. */
int	 dnsask_more(struct dnsask_talk *, struct sv message) MUST_USE;
/* No callback comes any more. Not within done. */
void	 dnsask_cancel(struct dnsask_talk *);
/* How many are under way. */
unsigned dnsask_busy(const struct dnsask *);

#endif
