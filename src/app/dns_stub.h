/*
 * Questions to a recursive resolver, repeated until they are answered: by UDP
 * (a port and an id at random, the question compared), by TCP where the
 * answer is cut or somebody guesses at answers, and of the next resolver
 * where one does not answer. On the loop; reads nothing of an answer but its
 * head.
 */
#ifndef APP_DNS_STUB_H
#define APP_DNS_STUB_H

#include "dns/wire.h"
#include "net/dnsask.h"

#define DNS_STUB_MSEC		3000	/* for one try */
#define DNS_STUB_TRIES		3
#define DNS_STUB_RESOLVERS_MAX	3	/* resolv.conf(5): "up to MAXNS (currently 3)" */

/* Whom to ask, and what all questions share. */
struct dns_stubs {
	struct dnsask		*asker;
	struct dnsask_to	 resolver[DNS_STUB_RESOLVERS_MAX];	/* one at least */
	unsigned		 n_resolvers;
	uint64_t		 n_failed;
	uint8_t			*room;		/* DNS_RDATA_MAX octets: to read messages */
};

/* How much is wanted of an answer. */
enum dns_stub_mode {
	DNS_STUB_BOGUS_TOO,	/* with signatures; asked again with CD if it does not validate */
	DNS_STUB_STRICT,	/* with signatures; what does not validate is no answer */
	DNS_STUB_SHORT		/* the same without signatures: AD tells (RFC 6840 section 5.7) */
};

typedef void (*stub_fn)(void *arg, int rc, struct sv answer);

struct stub {
	struct dns_stubs	*all;
	struct dnsask_talk	*talk;
	struct dname		 name;
	uint16_t		 type, id;
	unsigned		 tries;
	bool			 tcp, cd;
	enum dns_stub_mode	 mode;
	uint8_t			 rcode;		/* of the last answer: SERVFAIL … */
	stub_fn			 done;
	void			*arg;
};

/* < 0: it could not be sent, and done is not called. done: rc 0 is NOERROR or NXDOMAIN. */
int	 stub_ask(struct stub *, struct dns_stubs *, const struct dname *, uint16_t type,
	    enum dns_stub_mode, stub_fn, void *arg) MUST_USE;
void	 stub_cancel(struct stub *);

/*
 * The first max name servers of /etc/resolv.conf that can be read; without one it is this
 * machine, as resolv.conf(5) says. -ENOMEM.
 */
int	 stubs_resolvers_read(struct dns_stubs *, unsigned max) MUST_USE;

/* Octets of a question as we ask it; 0: does not fit. */
size_t	 question_write(uint8_t *, size_t cap, uint16_t id, const struct dname *, uint16_t type,
	    uint16_t flags, bool dnssec_ok);
/* A new id that nobody can guess. */
uint16_t question_id(void);

/* Is it the answer to this question? */
bool	 answer_is(struct sv wire, uint8_t *room, uint16_t id, enum dns_opcode, const struct dname *,
	    uint16_t type);
/* Flags and rcode. -EBADMSG: not even a head. */
int	 answer_head(struct sv wire, struct dns_head *ret) MUST_USE;

#endif
