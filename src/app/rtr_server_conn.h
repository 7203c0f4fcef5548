/* Shared by rtr_server.c (the door, time, who comes) and rtr_server_conn.c (one connection). */
#ifndef APP_RTR_SERVER_CONN_H
#define APP_RTR_SERVER_CONN_H

#include "app/link.h"
#include "app/rtr_server_internal.h"
#include "sys/clock.h"
#include "sys/net_tcp.h"

#define IN_MAX		512		/* pipelined queries we hold; the rest waits in TCP */
#define TURN_MAX	(512 * 1024)	/* bytes for one router before the next has its turn */
#define ACCEPT_TURN	64
#define TICK_USEC	1000000
#define GOODBYE_SEC	2		/* for a peer to read our last words */
#define SHAKE_SEC	10		/* for a TLS handshake: half a dozen round trips */
#define MUTE_SEC	1		/* who is silent so long may lose his place */
#define READS_MAX	8		/* of one router that TLS holds more of, before others */
#define LISTEN_MAX	16
#define DAY_SEC		86400

struct client {
	struct rtr_server	*server;
	struct client		*next, **prev;
	struct loop_io		*io;
	struct link		 link;
	struct tcp_name		 name;
	struct rtr_peer		*peer;		/* NULL: there were too many addresses */
	enum rtr_transport	 transport;
	bool			 shaking;	/* TLS is not done yet */
	int64_t			 since;		/* wall clock */
	struct rtr_session	 session;
	struct rtr_reply	 reply;
	struct rtr_body_ref	*body;
	size_t			 head_at, tail_at;
	int64_t			 body_at;
	bool			 busy;		/* a reply is on its way */
	bool			 leaving;	/* all is said; waiting for their end */
	int64_t			 left_at;
	uint8_t			 in[IN_MAX];
	size_t			 in_at, in_len;
};

struct listener {
	struct rtr_server	*server;
	struct loop_io		*io;
	int			 fd;
	bool			 tls;
};

struct rtr_server {
	struct loop		*loop;
	struct loop_timer	*tick;
	struct rtr_server_conf	 conf;
	struct rtr_server_ops	 ops;
	struct rtr_store	 store;
	struct client		*clients;
	uint32_t		 n_clients;
	struct listener		 listeners[LISTEN_MAX];
	unsigned		 n_listen;
	struct rtr_access	 access;
	struct rtr_peers	 peers;
	struct rtr_told		 told;
	struct tls_ctx		*tls;
	bool			 tls_client;	/* certificates of routers are asked for */
	int64_t			 tls_until, tls_told;
	bool			 paused;	/* accepting, until the next tick */
	bool			 told_expired;
	bool			 loading;	/* history comes in */
	uint64_t		 n_accepted, n_refused, n_denied, n_tls_failed;
	uint64_t		 n_full, n_delta, n_faults, n_errors;
	uint64_t		 n_sent, n_received;	/* bytes, of those who left */
	void			(*done)(void *);
	void			*done_arg;
	int64_t			 stop_at;	/* monotonic; 0: not stopping */
};

static inline int64_t
wall_now(const struct rtr_server *s)
{
	return clock_now() + s->conf.clock_offset;
}

static inline int64_t
mono_now(void)
{
	return clock_mono_usec() / 1000000;
}

void	 rtr_server_say(const struct rtr_server *s, enum log_level level, const char *fmt,
	    ...) PRINTF(3, 4);
bool	 rtr_server_has_data(const struct rtr_server *s);
struct rtr_view	 rtr_server_view(struct rtr_server *s);
void	 rtr_conn_wait(struct client *c);
void	 rtr_conn_free(struct client *c, bool abort);
void	 rtr_server_refusal_tell(struct rtr_server *s, const struct tcp_name *name,
	    const char *why, const char *more);
void	 rtr_conn_fault(struct client *c);
bool	 rtr_conn_reply(struct client *c);
bool	 rtr_conn_pump(struct client *c);
bool	 rtr_conn_go_on(struct client *c);
void	 rtr_conn_event(void *arg, int fd, unsigned what);

#endif
