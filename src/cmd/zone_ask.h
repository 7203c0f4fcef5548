/*
 * Questions to name servers, for commands that look at a zone as it is served:
 * over TCP, so that nobody off the path can answer, to all servers at once.
 * Names of servers and their addresses come from a resolver; what the servers
 * themselves say does not pass through its cache.
 */
#ifndef CMD_ZONE_ASK_H
#define CMD_ZONE_ASK_H

#include "base/pool.h"
#include "cmd/cmd.h"
#include "dns/wire.h"

#define ASK_SERVERS_MAX	64	/* addresses of one zone: 13 names have 26 */
#define ASK_GIVEN_MAX	16	/* --server; one a name server */
#define ASK_RRS_MAX	64	/* records of one set */
#define ASK_MSEC	5000	/* for a connection, question and answer */

/* Options of a command. */
struct ask_opts {
	const char	*resolver;			/* NULL: /etc/resolv.conf */
	const char	*server[ASK_GIVEN_MAX], *parent[ASK_GIVEN_MAX];
	size_t		 n_server, n_parent;
	uint32_t	 timeout_sec;			/* 0: ASK_MSEC */
};

#define ZONE_ASK_OPTS \
	{ "server", 0, "ADDR[:PORT]", N_("ask this server of the zone, and no others; may be repeated") }, \
	{ "parent-server", 0, "ADDR[:PORT]", N_("ask this server of the parent, and no others; may be repeated") }, \
	{ "resolver", 0, "ADDR[:PORT]", N_("ask this resolver for servers and their addresses (that of /etc/resolv.conf)") }, \
	{ "timeout", 0, "SECONDS", N_("how long to wait for a server (5)") }

struct ask_server {
	const char	*name;		/* "ns1.example.jp.", or as it was given */
	const char	*address;	/* "192.0.2.1:53" */
};

struct ask_servers {
	struct ask_server s[ASK_SERVERS_MAX];
	size_t		  n;
};

/* A question, and what came of it. */
struct ask {
	const struct ask_server	*server;
	struct dname		 name;
	uint16_t		 type;
	bool			 recurse;
	/* The answer. */
	int			 rc;		/* 0, or why there is none */
	uint16_t		 id;
	uint8_t			 rcode;
	bool			 aa;
	uint8_t			*wire;		/* on the heap; ask_done() */
	size_t			 len;
};

/* The records of one name and type in an answer. */
struct ask_rrs {
	struct sv	 rdata[ASK_RRS_MAX];	/* in the pool */
	size_t		 n;
	uint32_t	 ttl;			/* of the last one */
};

/* Was it one of ZONE_ASK_OPTS? *ret_rc is 0 or EXIT_USAGE then. */
bool	 ask_opt(const struct cmd_ctx *, struct ask_opts *, const struct cmd_opt *, const char *arg,
	    int *ret_rc);
/* "192.0.2.1", "[2001:db8::1]:5353", "2001:db8::1": with a port, in the pool; NULL: no memory. */
const char *ask_address(struct pool *, const char *text);
/* --server or --parent-server as servers. -ENOMEM. */
int	 ask_given(struct pool *, const char *const *given, size_t n, struct ask_servers *ret) MUST_USE;

/* All at once; each has its rc. */
void	 ask_all(struct ask *, size_t n, const struct ask_opts *);
void	 ask_done(struct ask *, size_t n);
/* Of a section; owner NULL: of any name. -EBADMSG, -ENOMEM; SE_LIMIT: more than ASK_RRS_MAX. */
int	 ask_records(struct pool *, const struct ask *, enum dns_section, const struct dname *owner, uint16_t type,
	    struct ask_rrs *ret) MUST_USE;
/* "connection timed out", "REFUSED", "not authoritative"; a msgid or a code's name. */
const char *ask_why(const struct ask *);
/* Has this machine no way there at all (no IPv6)? */
bool	 ask_is_unreachable(const struct ask *);

/*
 * Who serves the zone, and who its parent: from the options, else by the
 * resolver and the delegation. 0; -ENOENT: not to be found (ret is as far as it went).
 */
int	 ask_parents(struct pool *, const struct ask_opts *, const struct dname *zone,
	    struct ask_servers *ret) MUST_USE;
int	 ask_servers(struct pool *, const struct ask_opts *, const struct dname *zone,
	    const struct ask_servers *parents, struct ask_servers *ret) MUST_USE;
/* Addresses of these names (NS data), added. */
int	 ask_addresses(struct pool *, const struct ask_opts *, const struct ask_rrs *names,
	    struct ask_servers *ret) MUST_USE;

#endif
