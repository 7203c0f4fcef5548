/*
 * The RTR server on the event loop: sockets, snapshots and clients. What is
 * said to a router is decided by rtr/session; this file moves bytes. Used by
 * the rtr role and by `sekisho rtr serve`.
 *
 * A snapshot arrives as a descriptor (sealed memfd or read-only file). It is
 * mapped while it is checked and compared with the one before, then only the
 * descriptor stays: a full answer is a sendfile() of the file's PDU section.
 * Versions 0 and 1 get a memfd of their own when their first router comes.
 * Deltas are small memfds, made when asked for and shared. So memory does
 * not grow with the number of routers, and one that reads slowly holds
 * nothing but its own socket and a struct client: 1.4 kB, over TLS 36 kB
 * (measured, November 2026; the buffers of crypto/tls.h are fixed). What the
 * kernel holds for it is bounded by sys/net_tcp.
 *
 * Who may come: rtr_server_admit(). A listener is for TCP or for TLS; MD5
 * signatures (RFC 2385) are the kernel's and the listening socket's, this
 * file only names such connections. Who is refused is closed at accept,
 * counted, and logged once an hour for each address.
 */
#ifndef APP_RTR_SERVER_H
#define APP_RTR_SERVER_H

#include "base/ip.h"
#include "base/json.h"
#include "crypto/tls.h"
#include "rtr/rtr.h"
#include "sys/log.h"
#include "sys/loop.h"

#define RTR_CLIENTS_MAX		512	/* default; a large network has as many routers */
#define RTR_CLIENTS_LIMIT	4096	/* what may be configured */

struct rtr_server;

struct rtr_server_conf {
	struct rtr_timers timers;
	uint32_t	max_clients;
	uint8_t		min_version, max_version;
	int64_t		clock_offset;	/* added to the wall clock */
};

struct rtr_server_ops {
	/* For the operator; the text is English and without line end. */
	void	(*log)(void *arg, enum log_level, const char *text);
	/* Somebody came, went or was served. */
	void	(*changed)(void *arg);
	void	*arg;
};

/* NULL: no memory. */
struct rtr_server *rtr_server_new(struct loop *, const struct rtr_server_conf *,
    const struct rtr_server_ops *);
/* Closes all connections at once. */
struct rtr_server *rtr_server_free(struct rtr_server *);
/* Takes a bound, listening socket over; tls: see rtr_server_admit(). */
int	 rtr_server_listen(struct rtr_server *, int fd, bool tls) MUST_USE;

#define RTR_ALLOW_MAX		4096	/* prefixes of a network's routers; more than fit a frame */
#define RTR_MD5_MAX		64	/* secrets; each is a key in the kernel */
#define RTR_TLS_WARN_SEC	(14 * 86400)	/* before the certificate expires */

/* Who may connect, and how it is known. */
struct rtr_admission {
	const struct ip_prefix	*allow, *md5;	/* md5: those with a secret */
	size_t			 n_allow, n_md5;
	struct tls_ctx		*tls;		/* NULL: TLS listeners refuse all */
	bool			 tls_client;	/* the context asks for certificates */
};
/*
 * From now on; who is connected and not allowed any more is closed. An empty
 * allow means everybody, but where there are secrets: then those whom they
 * are for, and this machine (not for TLS). The lists are copied, the context
 * is taken over (also on failure, -ENOMEM or -E2BIG).
 */
int	 rtr_server_admit(struct rtr_server *, const struct rtr_admission *) MUST_USE;
/* New timers and limits count for answers from now on. */
void	 rtr_server_configure(struct rtr_server *, const struct rtr_server_conf *);
/*
 * Serve this snapshot from now on; the descriptor stays the caller's. When
 * its session ids are those of the one before, the delta between them is
 * kept. On an error (snapshot_open()'s codes) the old one stays in service.
 * behind: so many newer ones follow at once (history, for the deltas);
 * nothing is served from those, and none that we know already is read again.
 */
int	 rtr_server_use(struct rtr_server *, int fd, uint32_t behind) MUST_USE;
/* Forget snapshot and deltas; routers get "No Data Available". */
void	 rtr_server_forget(struct rtr_server *);
/*
 * Say goodbye (RTR_ERR_RESTART or RTR_ERR_SHUTDOWN) to all and take no new
 * ones; done() is called when all are gone or after two seconds.
 */
void	 rtr_server_stop(struct rtr_server *, enum rtr_error_code, void (*done)(void *), void *);

enum rtr_transport {
	RTR_OVER_TCP,
	RTR_OVER_MD5,
	RTR_OVER_TLS,
	RTR_OVER_MAX
};

struct rtr_server_stat {
	uint32_t	n_clients, n_by_version[RTR_VERSIONS], n_unknown;
	uint32_t	n_by_transport[RTR_OVER_MAX];
	uint64_t	n_accepted, n_refused;	/* refused: there were too many */
	uint64_t	n_denied, n_tls_failed;
	uint64_t	n_full, n_delta, n_faults, n_errors;
	uint64_t	n_sent, n_received;	/* bytes on the wire, of all time */
	int64_t		tls_until;		/* of our certificates; TIME_NEVER: no TLS */
	bool		has_data;	/* and it is not expired */
	uint32_t	serial;
	size_t		n_v4, n_v6, n_router_keys, n_aspas;
	int64_t		built, earliest;
	unsigned	n_deltas;	/* serials behind that can be served */
};

void	 rtr_server_stat(const struct rtr_server *, struct rtr_server_stat *ret);
/*
 * {"clients":[{"address","version","serial","since","state","transport",
 * "sent","received"}…], "peers":[{"address","tcp","md5","tls","since",
 * "version","serial","accepted","sent","received","errors"}…],
 * "n_by_version":{…},"n_by_transport":{…},"totals":{…},"tls_until"}.
 * clients: connections, at most max; peers: addresses that came since the
 * start, at most RTR_PEERS_MAX, those that are connected surely. The totals
 * are exact.
 */
#define RTR_PEERS_MAX		1024
void	 rtr_server_clients_json(struct rtr_server *, struct json *, unsigned max);

#endif
