#include "app/rtr_server.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/link.h"
#include "app/rtr_server_internal.h"
#include "base/err.h"
#include "base/timefmt.h"
#include "sys/clock.h"
#include "sys/file.h"
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

static int64_t
wall_now(const struct rtr_server *s)
{
	return clock_now() + s->conf.clock_offset;
}

static int64_t
mono_now(void)
{
	return clock_mono_usec() / 1000000;
}

static void say(const struct rtr_server *, enum log_level, const char *, ...) PRINTF(3, 4);

static void
say(const struct rtr_server *s, enum log_level level, const char *fmt, ...)
{
	char text[LOG_LINE_MAX];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	s->ops.log(s->ops.arg, level, text);
}

/* --- what sessions see --- */

static bool
has_data(const struct rtr_server *s)
{
	const struct rtr_store *st = &s->store;

	/*
	 * An empty set is data, too: when all has expired or was withdrawn,
	 * routers are to forget it now, not when their own timer runs out.
	 */
	return !s->loading && st->fd >= 0 && wall_now(s) < st->earliest;
}

static bool
delta_held(void *arg, uint32_t from)
{
	return rtr_store_delta_held(arg, from);
}

static struct rtr_view
view(struct rtr_server *s)
{
	return (struct rtr_view){
		.has_data = has_data(s),
		.stamp = s->store.stamp,
		.timers = s->conf.timers,
		.min_version = s->conf.min_version,
		.max_version = s->conf.max_version,
		.delta_held = delta_held,
		.arg = &s->store,
	};
}

/* --- the end of a client --- */

/* To be woken when the socket can do what is to be done next. */
static void
client_wait(struct client *c)
{
	bool to_write = c->busy || link_flush(&c->link) == 0;

	(void)loop_io_set(c->io, (c->busy ? 0 : LOOP_READ) | (to_write ? LOOP_WRITE : 0));
}

static void
client_free(struct client *c, bool abort)
{
	struct rtr_server *s = c->server;

	*c->prev = c->next;
	if (c->next != NULL)
		c->next->prev = c->prev;
	s->n_clients--;
	s->n_sent += c->link.n_sent;
	s->n_received += c->link.n_received;
	rtr_peer_leave(c->peer, c->link.n_sent, c->link.n_received, mono_now());
	c->body = rtr_body_unref(c->body);
	c->io = loop_io_del(c->io);
	link_done(&c->link, abort);
	free(c);
	s->ops.changed(s->ops.arg);
}

/* Let the peer read our last bytes: closing now could throw them away. */
static void
client_leave(struct client *c)
{
	link_finish(&c->link);
	c->busy = false;
	c->leaving = true;
	c->left_at = mono_now();
	client_wait(c);
}

/*
 * One line for each address in an hour: who knocks all night shall not fill
 * the log. The counts are exact.
 */
static void
refusal_tell(struct rtr_server *s, const struct tcp_name *name, const char *why, const char *more)
{
	switch (rtr_told_ask(&s->told, &name->addr, mono_now())) {
	case RTR_TELL:
		say(s, LOG_LEVEL_WARN, "router %s: %s%s%s (said once an hour)",
		    name->text, why, more[0] != '\0' ? ": " : "", more);
		break;
	case RTR_TELL_LAST:
		say(s, LOG_LEVEL_WARN, "many strange addresses ask for RTR; the refusals of "
		    "this hour are counted, not logged");
		break;
	case RTR_TELL_NOT:
		break;
	}
}

/* --- sending --- */

static void
client_fault(struct client *c)
{
	const struct rtr_reply *r = &c->reply;

	if (r->why == NULL)
		return;
	c->server->n_faults++;
	if (r->why == &rtr_findings[RTR_ERROR_REPORT_RECEIVED]) {
		c->server->n_errors++;
		if (c->peer != NULL)
			c->peer->n_errors++;
	}
	say(c->server, r->why->severity == SEV_NOTE ? LOG_LEVEL_DEBUG : LOG_LEVEL_WARN,
	    "router %s: %s (%u)%s", c->name.text, r->why->code, r->detail,
	    r->close ? ", connection closed" : "");
}

/* The body that the session asked for. */
static int
client_body(struct client *c)
{
	struct rtr_server *s = c->server;
	const struct rtr_reply *r = &c->reply;

	if (r->body == RTR_BODY_FULL) {
		s->n_full++;
		return rtr_store_full(&s->store, r->version, &c->body);
	}
	if (r->body == RTR_BODY_DELTA) {
		s->n_delta++;
		return rtr_store_delta(&s->store, r->version, r->from, &c->body);
	}
	return 0;
}

/* A reply was made: begin to send it. False: the client is gone. */
static bool
client_reply(struct client *c)
{
	int rc;

	client_fault(c);
	c->head_at = c->tail_at = 0;
	if ((rc = client_body(c)) < 0) {
		say(c->server, LOG_LEVEL_ERROR, "router %s: no answer could be made (%s), connection closed",
		    c->name.text, err_str(rc));
		client_free(c, true);
		return false;
	}
	c->body_at = c->body != NULL ? c->body->off : 0;
	c->busy = true;
	return true;
}

/* What is left of one run of bytes; 1 all sent, 0 later, <0 broken. */
static int
send_bytes(struct client *c, const uint8_t *p, size_t n, size_t *at, bool more)
{
	long sent;

	if (*at == n)
		return 1;
	if ((sent = link_write(&c->link, p + *at, n - *at, more)) < 0)
		return sent == -EAGAIN ? 0 : (int)sent;
	*at += (size_t)sent;
	rtr_session_progress(&c->session, mono_now());
	return *at == n;
}

static int
send_body(struct client *c, size_t *budget)
{
	const struct rtr_body_ref *b = c->body;
	size_t left;
	long sent;

	if (b == NULL)
		return 1;
	if (wall_now(c->server) >= b->expires)
		return SE_STALE;
	while ((left = b->len - (size_t)(c->body_at - b->off)) > 0) {
		if (*budget == 0)
			return 0;
		sent = link_sendfile(&c->link, b->fd, &c->body_at, min_size(left, *budget));
		if (sent == -EAGAIN)
			return 0;
		if (sent <= 0)
			return sent == 0 ? -EIO : (int)sent;
		*budget -= min_size((size_t)sent, *budget);
		rtr_session_progress(&c->session, mono_now());
	}
	return 1;
}

static int
client_send(struct client *c)
{
	const struct rtr_reply *r = &c->reply;
	size_t budget = TURN_MAX;
	int rc;

	if ((rc = send_bytes(c, r->head, r->head_len, &c->head_at, r->tail_len > 0)) <= 0)
		return rc;
	if ((rc = send_body(c, &budget)) <= 0)
		return rc;
	if ((rc = send_bytes(c, r->tail, r->tail_len, &c->tail_at, false)) <= 0)
		return rc;
	return link_flush(&c->link);
}

/* False: the client is gone or leaving. */
static bool
client_pump(struct client *c)
{
	int rc = client_send(c);

	if (rc < 0) {
		if (rc == SE_STALE)
			say(c->server, LOG_LEVEL_WARN,
			    "router %s: data expired while it was sent, connection closed",
			    c->name.text);
		client_free(c, true);
		return false;
	}
	if (rc == 0) {
		client_wait(c);
		return true;
	}
	c->busy = false;
	c->body = rtr_body_unref(c->body);
	rtr_session_sent(&c->session, mono_now());
	if (c->reply.close) {
		client_leave(c);
		return false;
	}
	c->server->ops.changed(c->server->ops.arg);
	return true;
}

/* --- receiving --- */

/*
 * Answer what lies in c->in, one query after the other, as far as the
 * connection takes it. False: the client is gone or leaving.
 */
static bool
client_go_on(struct client *c)
{
	while (!c->busy && c->in_at < c->in_len) {
		struct rd in = rd_mem(c->in + c->in_at, c->in_len - c->in_at);
		struct rtr_view v = view(c->server);
		bool reply = rtr_session_input(&c->session, &v, mono_now(), &in, &c->reply);

		c->in_at = c->in_len - rd_left(&in);
		if (reply && (!client_reply(c) || !client_pump(c)))
			return false;
	}
	return true;
}

/* What TLS says of its failure, for the log. */
static void
tls_fault_tell(struct client *c)
{
	c->server->n_tls_failed++;
	refusal_tell(c->server, &c->name, tls_why_text(tls_why(c->link.tls)),
	    tls_detail(c->link.tls));
}

/* 1: read; 0: wait; -1: the client is gone. */
static int
client_take(struct client *c)
{
	long n = link_read(&c->link, c->in, sizeof(c->in));

	if (n == -EAGAIN)
		return 0;
	if (n <= 0) {
		/* Routers that just close a TLS connection are many, and no fault. */
		if (n == SE_PEER && tls_why(c->link.tls) != TLS_WHY_TRUNCATED)
			tls_fault_tell(c);
		if (n == 0)
			link_finish(&c->link);		/* close_notify wants its answer */
		client_free(c, n < 0);
		return -1;
	}
	if (c->leaving)
		return 1;
	c->in_at = 0;
	c->in_len = (size_t)n;
	return client_go_on(c) ? 1 : -1;
}

/*
 * Over TCP what is left wakes us again. What TLS holds does not: it is read
 * on, up to a limit; then the writable socket wakes us when others had their
 * turn.
 */
static void
client_read(struct client *c)
{
	int rc = 1;

	for (unsigned i = 0; rc == 1 && !c->busy && i < READS_MAX; i++) {
		if ((rc = client_take(c)) < 0)
			return;
		if (c->link.tls == NULL)
			break;
	}
	client_wait(c);
	if (rc == 1 && !c->busy && link_held(&c->link))
		(void)loop_io_set(c->io, LOOP_READ | LOOP_WRITE);
}

/*
 * RFC 8210 section 9.2: "when authenticating the router's certificate, the
 * cache MUST check the IP address of the TLS connection against these
 * iPAddress identities and SHOULD reject the connection if none of the
 * iPAddress identities match the connection."
 */
static bool
router_certified(struct client *c)
{
	char host[IP_ADDR_STRLEN], shown[TLS_NAME_LEN];

	if (!c->server->tls_client)
		return true;
	(void)ip_addr_str(c->name.addr.addr, c->name.addr.af, host);
	if (tls_peer_is(c->link.tls, sv_str(host)))
		return true;
	c->server->n_tls_failed++;
	refusal_tell(c->server, &c->name, "its certificate has no iPAddress of this connection",
	    tls_peer_name(c->link.tls, shown));
	return false;
}

static void
client_shake(struct client *c)
{
	int rc = link_shake(&c->link);

	if (rc == 0) {
		client_wait(c);
		return;
	}
	if (rc == SE_PEER)
		tls_fault_tell(c);
	if (rc < 0) {			/* not abrupt: the alert says what is wrong */
		client_free(c, false);
		return;
	}
	c->shaking = false;
	if (!router_certified(c)) {
		client_leave(c);
		return;
	}
	rtr_session_init(&c->session, mono_now());
	client_read(c);
}

static void
client_event(void *arg, int fd UNUSED, unsigned what)
{
	struct client *c = arg;

	if (c->shaking) {
		client_shake(c);
		return;
	}
	if ((what & LOOP_WRITE) != 0 && c->busy && (!client_pump(c) || !client_go_on(c)))
		return;
	if (!c->busy)
		client_read(c);
}

/* --- coming --- */

static void
client_link(struct rtr_server *s, struct client *c)
{
	c->next = s->clients;
	c->prev = &s->clients;
	if (c->next != NULL)
		c->next->prev = &c->next;
	s->clients = c;
	s->n_clients++;
	s->n_accepted++;
	c->peer = rtr_peers_join(&s->peers, &c->name.addr, mono_now());
	s->ops.changed(s->ops.arg);
}

static int
client_new(struct rtr_server *s, int fd, const struct tcp_name *name, bool tls)
{
	struct client *c = calloc(1, sizeof(*c));

	if (c == NULL)
		return -ENOMEM;
	c->server = s;
	c->link.fd = fd;
	c->name = *name;
	c->since = wall_now(s);
	c->shaking = tls;
	c->transport = tls ? RTR_OVER_TLS : rtr_access_signed(&s->access, &name->addr) ?
	    RTR_OVER_MD5 : RTR_OVER_TCP;
	rtr_session_init(&c->session, mono_now());
	if ((tls && (c->link.tls = tls_new(s->tls, (struct sv){ 0 }, wall_now(s))) == NULL) ||
	    (c->io = loop_io_add(s->loop, fd, LOOP_READ, client_event, c)) == NULL) {
		(void)tls_free(c->link.tls);
		free(c);
		return -ENOMEM;
	}
	client_link(s, c);
	return 0;
}

static void
listen_pause(struct rtr_server *s, bool pause)
{
	for (unsigned i = 0; i < s->n_listen; i++)
		(void)loop_io_set(s->listeners[i].io, pause ? 0 : LOOP_READ);
	s->paused = pause;
}

/*
 * All places are taken: of those who have not asked for anything (TLS is not
 * done, or no query came) the oldest makes room. So strangers who only
 * connect cannot keep routers out.
 */
static bool
mute_evict(struct rtr_server *s)
{
	struct client *oldest = NULL;

	for (struct client *c = s->clients; c != NULL; c = c->next)
		if (!c->session.negotiated && !c->leaving && !c->busy &&
		    mono_now() - c->session.opened >= MUTE_SEC)
			oldest = c;		/* the newest stands first */
	if (oldest == NULL)
		return false;
	s->n_refused++;
	client_free(oldest, true);
	return true;
}

/* Is there a place for it, and may it come? Otherwise it is closed and counted. */
static bool
client_admit(struct listener *l, int *fd, const struct tcp_name *name)
{
	struct rtr_server *s = l->server;

	if (!rtr_access_allows(&s->access, &name->addr, l->tls)) {
		s->n_denied++;
		refusal_tell(s, name, "not in rtr.allow (nor rtr.md5), connection refused", "");
	} else if (s->n_clients >= s->conf.max_clients && !mute_evict(s)) {
		s->n_refused++;
	} else if (!l->tls || s->tls != NULL) {
		return true;
	}
	tcp_abort(fd);
	return false;
}

static void
listen_event(void *arg, int fd, unsigned what UNUSED)
{
	struct listener *l = arg;
	struct rtr_server *s = l->server;
	struct tcp_name name;
	int c = -1, rc;

	for (unsigned i = 0; i < ACCEPT_TURN; i++) {
		if ((rc = tcp_accept(fd, &c, &name)) == -EAGAIN)
			return;
		if (rc == 0 && !client_admit(l, &c, &name))
			continue;
		if (rc == 0 && (rc = client_new(s, c, &name, l->tls)) < 0)
			fd_close(&c);
		if (rc < 0) {		/* out of descriptors or memory: take a breath */
			say(s, LOG_LEVEL_ERROR, "no router can be accepted: %s", err_str(rc));
			listen_pause(s, true);
			return;
		}
	}
}

int
rtr_server_listen(struct rtr_server *s, int fd, bool tls)
{
	struct listener *l = &s->listeners[s->n_listen];

	if (s->n_listen == LISTEN_MAX)
		return -E2BIG;
	*l = (struct listener){ .server = s, .fd = fd, .tls = tls };
	if ((l->io = loop_io_add(s->loop, fd, LOOP_READ, listen_event, l)) == NULL)
		return -ENOMEM;
	s->n_listen++;
	return 0;
}

/* --- time --- */

static void
client_tick(struct client *c)
{
	struct rtr_server *s = c->server;
	struct rtr_view v = view(s);
	struct rtr_reply r;
	bool was_busy = c->busy;

	if (c->leaving) {
		if (mono_now() - c->left_at >= GOODBYE_SEC)
			client_free(c, true);
		return;
	}
	if (c->shaking) {
		if (mono_now() - c->session.opened >= SHAKE_SEC) {
			s->n_tls_failed++;
			refusal_tell(s, &c->name, "no TLS handshake in time", "");
			client_free(c, true);
		}
		return;
	}
	/* "any unrevoked, unexpired certificate": not only at the beginning. */
	if (c->link.tls != NULL && wall_now(s) > tls_peer_until(c->link.tls)) {
		refusal_tell(s, &c->name, "its certificate has expired, connection closed", "");
		client_free(c, true);
		return;
	}
	if (!rtr_session_tick(&c->session, &v, mono_now(), &r))
		return;
	c->reply = r;
	if (was_busy) {			/* stalled in the midst of an answer */
		client_fault(c);
		client_free(c, true);
		return;
	}
	if (client_reply(c) && client_pump(c) && client_go_on(c))
		client_wait(c);
}

static void
clients_tick(struct rtr_server *s)
{
	struct client *next;

	for (struct client *c = s->clients; c != NULL; c = next) {
		next = c->next;
		client_tick(c);
	}
}

static void
expiry_tell(struct rtr_server *s)
{
	bool expired = !s->loading && s->store.fd >= 0 &&
	    wall_now(s) >= s->store.earliest;
	char at[TIME_STRLEN];

	if (expired && !s->told_expired)
		say(s, LOG_LEVEL_ERROR, "the data expired at %s and is not served any more",
		    time_str(s->store.earliest, at));
	s->told_expired = expired;
}

/* Before the own certificate expires, once a day. */
static void
certificate_tell(struct rtr_server *s)
{
	int64_t now = wall_now(s), left = s->tls_until - now;
	char at[TIME_STRLEN];

	if (s->tls == NULL || s->tls_until == TIME_NEVER || left > RTR_TLS_WARN_SEC ||
	    (s->tls_told != 0 && now - s->tls_told < DAY_SEC))
		return;
	s->tls_told = now;
	if (left < 0)
		say(s, LOG_LEVEL_ERROR, "the certificate of rtr.tls expired at %s: routers refuse it; "
		    "install a new one and reload", time_str(s->tls_until, at));
	else
		say(s, LOG_LEVEL_WARN, "the certificate of rtr.tls expires at %s, in %lld days; "
		    "install a new one and reload", time_str(s->tls_until, at),
		    (long long)(left / DAY_SEC));
}

static void
server_tick(void *arg)
{
	struct rtr_server *s = arg;

	(void)loop_timer_set(s->tick, TICK_USEC);
	if (s->paused && s->stop_at == 0)
		listen_pause(s, false);
	expiry_tell(s);
	certificate_tell(s);
	clients_tick(s);
	if (s->stop_at != 0 && (s->n_clients == 0 || mono_now() > s->stop_at)) {
		s->stop_at = INT64_MAX;
		s->done(s->done_arg);
	}
}

/* --- the door --- */

struct rtr_server *
rtr_server_new(struct loop *loop, const struct rtr_server_conf *conf,
    const struct rtr_server_ops *ops)
{
	struct rtr_server *s = calloc(1, sizeof(*s));

	if (s == NULL)
		return NULL;
	s->loop = loop;
	s->conf = *conf;
	s->ops = *ops;
	rtr_store_init(&s->store);
	s->tick = loop_timer_add(loop, server_tick, s);
	if (s->tick == NULL || loop_timer_set(s->tick, TICK_USEC) < 0)
		return rtr_server_free(s);
	return s;
}

struct rtr_server *
rtr_server_free(struct rtr_server *s)
{
	if (s == NULL)
		return NULL;
	while (s->clients != NULL)
		client_free(s->clients, false);
	for (unsigned i = 0; i < s->n_listen; i++) {
		s->listeners[i].io = loop_io_del(s->listeners[i].io);
		fd_close(&s->listeners[i].fd);
	}
	if (s->tick != NULL)
		s->tick = loop_timer_del(s->tick);
	rtr_store_done(&s->store);
	rtr_access_done(&s->access);
	rtr_peers_done(&s->peers);
	s->tls = tls_ctx_free(s->tls);
	free(s);
	return NULL;
}

void
rtr_server_configure(struct rtr_server *s, const struct rtr_server_conf *conf)
{
	s->conf = *conf;
}

/* Who is not allowed any more goes at once. */
static void
clients_admit_again(struct rtr_server *s)
{
	struct client *next;

	for (struct client *c = s->clients; c != NULL; c = next) {
		next = c->next;
		if (rtr_access_allows(&s->access, &c->name.addr, c->link.tls != NULL))
			continue;
		s->n_denied++;
		say(s, LOG_LEVEL_NOTICE, "router %s: not allowed any more, connection closed",
		    c->name.text);
		client_free(c, true);
	}
}

int
rtr_server_admit(struct rtr_server *s, const struct rtr_admission *a)
{
	int64_t from;
	int rc = rtr_access_set(&s->access, a);

	if (rc < 0) {
		(void)tls_ctx_free(a->tls);
		return rc;
	}
	(void)tls_ctx_free(s->tls);
	s->tls = a->tls;
	s->tls_client = a->tls_client;
	s->tls_told = 0;
	s->tls_until = TIME_NEVER;
	if (s->tls != NULL)
		tls_ctx_validity(s->tls, &from, &s->tls_until);
	certificate_tell(s);
	clients_admit_again(s);
	return 0;
}

int
rtr_server_use(struct rtr_server *s, int fd, uint32_t behind)
{
	bool replaced = false;
	int rc = rtr_store_use(&s->store, fd, behind > 0, &replaced);

	if (rc < 0)
		return rc;
	s->loading = behind > 0 && (s->loading || replaced);
	if (behind > 0)
		return 0;
	expiry_tell(s);
	clients_tick(s);		/* Serial Notify to all who wait */
	return 0;
}

void
rtr_server_forget(struct rtr_server *s)
{
	s->loading = false;
	rtr_store_done(&s->store);
}

void
rtr_server_stop(struct rtr_server *s, enum rtr_error_code code, void (*done)(void *), void *arg)
{
	struct client *next;

	s->done = done;
	s->done_arg = arg;
	s->stop_at = mono_now() + GOODBYE_SEC;
	listen_pause(s, true);
	for (struct client *c = s->clients; c != NULL; c = next) {
		bool busy = c->busy;

		next = c->next;
		if (c->leaving)
			continue;
		if (!rtr_session_end(&c->session, code, &c->reply) || busy)
			client_free(c, true);
		else if (client_reply(c))
			(void)client_pump(c);
	}
	(void)loop_timer_set(s->tick, s->n_clients == 0 ? 0 : TICK_USEC / 10);
}

void
rtr_server_stat(const struct rtr_server *s, struct rtr_server_stat *ret)
{
	*ret = (struct rtr_server_stat){
		.n_clients = s->n_clients,
		.n_accepted = s->n_accepted, .n_refused = s->n_refused,
		.n_denied = s->n_denied, .n_tls_failed = s->n_tls_failed,
		.n_full = s->n_full, .n_delta = s->n_delta, .n_faults = s->n_faults,
		.n_errors = s->n_errors, .n_sent = s->n_sent, .n_received = s->n_received,
		.tls_until = s->tls != NULL ? s->tls_until : TIME_NEVER,
		.has_data = has_data(s),
		.serial = s->store.stamp.serial,
		.n_v4 = s->store.n_v4, .n_v6 = s->store.n_v6, .n_aspas = s->store.n_aspas,
		.n_router_keys = s->store.n_router_keys,
		.built = s->store.built, .earliest = s->store.earliest,
		.n_deltas = s->store.n_steps,
	};
	for (const struct client *c = s->clients; c != NULL; c = c->next) {
		ret->n_by_transport[c->transport]++;
		ret->n_sent += c->link.n_sent;
		ret->n_received += c->link.n_received;
		if (c->session.negotiated)
			ret->n_by_version[c->session.version]++;
		else
			ret->n_unknown++;
	}
}

static const char *
client_state(const struct client *c)
{
	if (c->leaving)
		return "leaving";
	if (c->busy)
		return "sending";
	return c->session.established ? "idle" : "new";
}

static const char *const transports[RTR_OVER_MAX] = {
	[RTR_OVER_TCP] = "tcp", [RTR_OVER_MD5] = "md5", [RTR_OVER_TLS] = "tls",
};

static void
client_json(const struct client *c, struct json *j)
{
	json_open(j, '{');
	json_kv_str(j, "address", c->name.text);
	json_key(j, "version");
	if (c->session.negotiated)
		json_u64(j, c->session.version);
	else
		json_nil(j);
	json_kv_u64(j, "serial", c->session.serial);
	json_kv_i64(j, "since", c->since);
	json_kv_str(j, "state", client_state(c));
	json_kv_str(j, "transport", transports[c->transport]);
	json_kv_u64(j, "sent", c->link.n_sent);
	json_kv_u64(j, "received", c->link.n_received);
	json_close(j, '}');
}

/* The connections of an address that are alive, into its row. */
static void
peers_gather(struct rtr_server *s)
{
	for (size_t i = 0; i < s->peers.n; i++)
		s->peers.list[i].now = (struct rtr_peer_now){ .since = INT64_MAX };
	for (const struct client *c = s->clients; c != NULL; c = c->next) {
		struct rtr_peer_now *now = c->peer == NULL ? NULL : &c->peer->now;

		if (now == NULL)
			continue;
		now->n[c->transport]++;
		now->sent += c->link.n_sent;
		now->received += c->link.n_received;
		now->since = min_i64(now->since, c->since);
		if (!c->session.established)
			continue;
		/* Of several the one that is furthest behind (RFC 1982). */
		if (!now->established || (int32_t)(c->session.serial - now->serial) < 0)
			now->serial = c->session.serial;
		now->version = c->session.version;
		now->established = true;
	}
}

static void
peer_json(const struct rtr_peer *p, struct json *j)
{
	char host[IP_ADDR_STRLEN];

	json_open(j, '{');
	json_kv_str(j, "address", ip_addr_str(p->host.addr, p->host.af, host));
	for (int t = 0; t < RTR_OVER_MAX; t++)
		json_kv_u64(j, transports[t], p->now.n[t]);
	if (p->n_now > 0)
		json_kv_i64(j, "since", p->now.since);
	if (p->now.established) {
		json_kv_u64(j, "version", p->now.version);
		json_kv_u64(j, "serial", p->now.serial);
	}
	json_kv_u64(j, "accepted", p->n_accepted);
	json_kv_u64(j, "sent", p->sent + p->now.sent);
	json_kv_u64(j, "received", p->received + p->now.received);
	json_kv_u64(j, "errors", p->n_errors);
	json_close(j, '}');
}

static void
totals_json(const struct rtr_server_stat *st, struct json *j)
{
	json_key(j, "n_by_version");
	json_open(j, '{');
	for (unsigned v = 0; v < RTR_VERSIONS; v++) {
		char key[2] = { (char)('0' + v), '\0' };

		json_kv_u64(j, key, st->n_by_version[v]);
	}
	json_close(j, '}');
	json_key(j, "n_by_transport");
	json_open(j, '{');
	for (int t = 0; t < RTR_OVER_MAX; t++)
		json_kv_u64(j, transports[t], st->n_by_transport[t]);
	json_close(j, '}');
	json_key(j, "totals");
	json_open(j, '{');
	json_kv_u64(j, "accepted", st->n_accepted);
	json_kv_u64(j, "too_many", st->n_refused);
	json_kv_u64(j, "denied", st->n_denied);
	json_kv_u64(j, "tls_failed", st->n_tls_failed);
	json_kv_u64(j, "sent", st->n_sent);
	json_kv_u64(j, "received", st->n_received);
	json_kv_u64(j, "errors", st->n_errors);
	json_close(j, '}');
	if (st->tls_until != TIME_NEVER)
		json_kv_i64(j, "tls_until", st->tls_until);
}

void
rtr_server_clients_json(struct rtr_server *s, struct json *j, unsigned max)
{
	struct rtr_server_stat st;
	unsigned n = 0;

	rtr_server_stat(s, &st);
	peers_gather(s);
	json_open(j, '{');
	json_key(j, "clients");
	json_open(j, '[');
	for (const struct client *c = s->clients; c != NULL && n < max; c = c->next, n++)
		client_json(c, j);
	json_close(j, ']');
	json_key(j, "peers");
	json_open(j, '[');
	for (size_t i = 0; i < s->peers.n; i++)
		peer_json(&s->peers.list[i], j);
	json_close(j, ']');
	totals_json(&st, j);
	json_close(j, '}');
}
