/* One connection of a router: what it sees, is sent, says, and how it ends. */
#include "app/rtr_server.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/rtr_server_conn.h"
#include "base/err.h"
#include "base/timefmt.h"
#include "sys/file.h"

void
rtr_server_say(const struct rtr_server *s, enum log_level level, const char *fmt, ...)
{
	char text[LOG_LINE_MAX];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	s->ops.log(s->ops.arg, level, text);
}

/* --- what sessions see --- */

bool
rtr_server_has_data(const struct rtr_server *s)
{
	const struct rtr_store *st = &s->store;

	/*
	 * An empty set is data, too: when all has expired or was withdrawn,
	 * routers are to forget it now, not when their own timer runs out.
	 */
	return !s->loading && st->fd >= 0 && wall_now(s) < st->served.earliest;
}

static bool
delta_held(void *arg, uint32_t from)
{
	return rtr_store_delta_held(arg, from);
}

struct rtr_view
rtr_server_view(struct rtr_server *s)
{
	return (struct rtr_view){
		.has_data = rtr_server_has_data(s),
		.stamp = s->store.served.stamp,
		.timers = s->conf.timers,
		.min_version = s->conf.min_version,
		.max_version = s->conf.max_version,
		.delta_held = delta_held,
		.arg = &s->store,
	};
}

/* --- the end of a client --- */

/* To be woken when the socket can do what is to be done next. */
void
rtr_conn_wait(struct client *c)
{
	bool to_write = c->busy || link_flush(&c->link) == 0;

	(void)loop_io_set(c->io, (c->busy ? 0 : LOOP_READ) | (to_write ? LOOP_WRITE : 0));
}

void
rtr_conn_free(struct client *c, bool abort)
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
	rtr_conn_wait(c);
}

/*
 * One line for each address in an hour: who knocks all night shall not fill
 * the log. The counts are exact.
 */
void
rtr_server_refusal_tell(struct rtr_server *s, const struct tcp_name *name, const char *why,
    const char *more)
{
	switch (rtr_told_ask(&s->told, &name->addr, mono_now())) {
	case RTR_TELL:
		rtr_server_say(s, LOG_LEVEL_WARN, "router %s: %s%s%s (said once an hour)",
		    name->text, why, more[0] != '\0' ? ": " : "", more);
		break;
	case RTR_TELL_LAST:
		rtr_server_say(s, LOG_LEVEL_WARN, "many strange addresses ask for RTR; the refusals of "
		    "this hour are counted, not logged");
		break;
	case RTR_TELL_NOT:
		break;
	}
}

/* --- sending --- */

void
rtr_conn_fault(struct client *c)
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
	rtr_server_say(c->server, r->why->severity == SEV_NOTE ? LOG_LEVEL_DEBUG : LOG_LEVEL_WARN,
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
bool
rtr_conn_reply(struct client *c)
{
	int rc;

	rtr_conn_fault(c);
	c->head_at = c->tail_at = 0;
	if ((rc = client_body(c)) < 0) {
		rtr_server_say(c->server, LOG_LEVEL_ERROR,
		    "router %s: no answer could be made (%s), connection closed",
		    c->name.text, err_str(rc));
		rtr_conn_free(c, true);
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
bool
rtr_conn_pump(struct client *c)
{
	int rc = client_send(c);

	if (rc < 0) {
		if (rc == SE_STALE)
			rtr_server_say(c->server, LOG_LEVEL_WARN,
			    "router %s: data expired while it was sent, connection closed",
			    c->name.text);
		rtr_conn_free(c, true);
		return false;
	}
	if (rc == 0) {
		rtr_conn_wait(c);
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
bool
rtr_conn_go_on(struct client *c)
{
	while (!c->busy && c->in_at < c->in_len) {
		struct rd in = rd_mem(c->in + c->in_at, c->in_len - c->in_at);
		struct rtr_view v = rtr_server_view(c->server);
		bool reply = rtr_session_input(&c->session, &v, mono_now(), &in, &c->reply);

		c->in_at = c->in_len - rd_left(&in);
		if (reply && (!rtr_conn_reply(c) || !rtr_conn_pump(c)))
			return false;
	}
	return true;
}

/* What TLS says of its failure, for the log. */
static void
tls_fault_tell(struct client *c)
{
	c->server->n_tls_failed++;
	rtr_server_refusal_tell(c->server, &c->name, tls_why_text(tls_why(c->link.tls)),
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
		rtr_conn_free(c, n < 0);
		return -1;
	}
	if (c->leaving)
		return 1;
	c->in_at = 0;
	c->in_len = (size_t)n;
	return rtr_conn_go_on(c) ? 1 : -1;
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
	rtr_conn_wait(c);
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
	rtr_server_refusal_tell(c->server, &c->name, "its certificate has no iPAddress of this connection",
	    tls_peer_name(c->link.tls, shown));
	return false;
}

static void
client_shake(struct client *c)
{
	int rc = link_shake(&c->link);

	if (rc == 0) {
		rtr_conn_wait(c);
		return;
	}
	if (rc == SE_PEER)
		tls_fault_tell(c);
	if (rc < 0) {			/* not abrupt: the alert says what is wrong */
		rtr_conn_free(c, false);
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

void
rtr_conn_event(void *arg, int fd UNUSED, unsigned what)
{
	struct client *c = arg;

	if (c->shaking) {
		client_shake(c);
		return;
	}
	if ((what & LOOP_WRITE) != 0 && c->busy && (!rtr_conn_pump(c) || !rtr_conn_go_on(c)))
		return;
	if (!c->busy)
		client_read(c);
}
