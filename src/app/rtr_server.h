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
 * nothing but its own socket.
 */
#ifndef APP_RTR_SERVER_H
#define APP_RTR_SERVER_H

#include "base/json.h"
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
/* Takes a bound, listening socket over. */
int	 rtr_server_listen(struct rtr_server *, int fd) MUST_USE;
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

struct rtr_server_stat {
	uint32_t	n_clients, n_by_version[RTR_VERSIONS], n_unknown;
	uint64_t	n_accepted, n_refused, n_full, n_delta, n_faults;
	bool		has_data;	/* and it is not expired */
	uint32_t	serial;
	size_t		n_v4, n_v6, n_aspas;
	int64_t		built, earliest;
	unsigned	n_deltas;	/* serials behind that can be served */
};

void	 rtr_server_stat(const struct rtr_server *, struct rtr_server_stat *ret);
/*
 * {"clients":[{"address","version","serial","since","state"}…],
 * "n_by_version":{…}}: at most max clients are listed, the numbers are exact.
 */
void	 rtr_server_clients_json(const struct rtr_server *, struct json *, unsigned max);

#endif
