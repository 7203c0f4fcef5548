#include "app/rtr_server.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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
#define LISTEN_MAX	8

struct client {
	struct rtr_server	*server;
	struct client		*next, **prev;
	struct loop_io		*io;
	int			 fd;
	struct tcp_name		 name;
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

struct rtr_server {
	struct loop		*loop;
	struct loop_timer	*tick;
	struct rtr_server_conf	 conf;
	struct rtr_server_ops	 ops;
	struct rtr_store	 store;
	struct client		*clients;
	uint32_t		 n_clients;
	int			 listen_fd[LISTEN_MAX];
	struct loop_io		*listen_io[LISTEN_MAX];
	unsigned		 n_listen;
	bool			 paused;	/* accepting, until the next tick */
	bool			 told_expired;
	bool			 loading;	/* history comes in */
	uint64_t		 n_accepted, n_refused, n_full, n_delta, n_faults;
	void			(*done)(void *);
	void			*done_arg;
	int64_t			 stop_at;	/* monotonic; 0: not stopping */
};

static void	client_go_on(struct client *);

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

static void
client_free(struct client *c, bool abort)
{
	struct rtr_server *s = c->server;

	*c->prev = c->next;
	if (c->next != NULL)
		c->next->prev = c->prev;
	s->n_clients--;
	c->body = rtr_body_unref(c->body);
	c->io = loop_io_del(c->io);
	if (abort)
		tcp_abort(&c->fd);
	else
		fd_close(&c->fd);
	free(c);
	s->ops.changed(s->ops.arg);
}

/* Let the peer read our last bytes: closing now could throw them away. */
static void
client_leave(struct client *c)
{
	tcp_finish(c->fd);
	c->busy = false;
	c->leaving = true;
	c->left_at = mono_now();
	(void)loop_io_set(c->io, LOOP_READ);
}

/* --- sending --- */

static void
client_fault(struct client *c)
{
	const struct rtr_reply *r = &c->reply;

	if (r->why == NULL)
		return;
	c->server->n_faults++;
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
	if ((sent = tcp_write(c->fd, p + *at, n - *at, more)) < 0)
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
		sent = tcp_sendfile(c->fd, b->fd, &c->body_at, min_size(left, *budget));
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
	return send_bytes(c, r->tail, r->tail_len, &c->tail_at, false);
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
		(void)loop_io_set(c->io, LOOP_WRITE);
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

/* Answer what lies in c->in, one query after the other, as far as TCP takes it. */
static void
client_go_on(struct client *c)
{
	while (!c->busy && c->in_at < c->in_len) {
		struct rd in = rd_mem(c->in + c->in_at, c->in_len - c->in_at);
		struct rtr_view v = view(c->server);
		bool reply = rtr_session_input(&c->session, &v, mono_now(), &in, &c->reply);

		c->in_at = c->in_len - rd_left(&in);
		if (reply && (!client_reply(c) || !client_pump(c)))
			return;
	}
	if (!c->busy)
		(void)loop_io_set(c->io, LOOP_READ);
}

static void
client_read(struct client *c)
{
	long n = tcp_read(c->fd, c->in, sizeof(c->in));

	if (n == -EAGAIN)
		return;
	if (n <= 0) {
		client_free(c, n < 0);
		return;
	}
	if (c->leaving)
		return;
	c->in_at = 0;
	c->in_len = (size_t)n;
	client_go_on(c);
}

static void
client_event(void *arg, int fd UNUSED, unsigned what)
{
	struct client *c = arg;

	if ((what & LOOP_WRITE) != 0 && c->busy) {
		if (client_pump(c) && !c->busy)
			client_go_on(c);
		return;
	}
	if ((what & LOOP_READ) != 0)
		client_read(c);
}

/* --- coming --- */

static int
client_new(struct rtr_server *s, int fd, const struct tcp_name *name)
{
	struct client *c = calloc(1, sizeof(*c));

	if (c == NULL)
		return -ENOMEM;
	c->server = s;
	c->fd = fd;
	c->name = *name;
	c->since = wall_now(s);
	rtr_session_init(&c->session, mono_now());
	if ((c->io = loop_io_add(s->loop, fd, LOOP_READ, client_event, c)) == NULL) {
		free(c);
		return -ENOMEM;
	}
	c->next = s->clients;
	c->prev = &s->clients;
	if (c->next != NULL)
		c->next->prev = &c->next;
	s->clients = c;
	s->n_clients++;
	s->n_accepted++;
	s->ops.changed(s->ops.arg);
	return 0;
}

static void
listen_pause(struct rtr_server *s, bool pause)
{
	for (unsigned i = 0; i < s->n_listen; i++)
		(void)loop_io_set(s->listen_io[i], pause ? 0 : LOOP_READ);
	s->paused = pause;
}

static void
listen_event(void *arg, int fd, unsigned what UNUSED)
{
	struct rtr_server *s = arg;
	struct tcp_name name;
	int c = -1, rc;

	for (unsigned i = 0; i < ACCEPT_TURN; i++) {
		if ((rc = tcp_accept(fd, &c, &name)) == -EAGAIN)
			return;
		if (rc == 0 && s->n_clients >= s->conf.max_clients) {
			s->n_refused++;
			tcp_abort(&c);
			continue;
		}
		if (rc == 0 && (rc = client_new(s, c, &name)) < 0)
			fd_close(&c);
		if (rc < 0) {		/* out of descriptors or memory: take a breath */
			say(s, LOG_LEVEL_ERROR, "no router can be accepted: %s", err_str(rc));
			listen_pause(s, true);
			return;
		}
	}
}

int
rtr_server_listen(struct rtr_server *s, int fd)
{
	struct loop_io *io;

	if (s->n_listen == LISTEN_MAX)
		return -E2BIG;
	if ((io = loop_io_add(s->loop, fd, LOOP_READ, listen_event, s)) == NULL)
		return -ENOMEM;
	s->listen_fd[s->n_listen] = fd;
	s->listen_io[s->n_listen++] = io;
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
	if (!rtr_session_tick(&c->session, &v, mono_now(), &r))
		return;
	c->reply = r;
	if (was_busy) {			/* stalled in the midst of an answer */
		client_fault(c);
		client_free(c, true);
		return;
	}
	if (client_reply(c) && client_pump(c) && !c->busy)
		client_go_on(c);
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

static void
server_tick(void *arg)
{
	struct rtr_server *s = arg;

	(void)loop_timer_set(s->tick, TICK_USEC);
	if (s->paused && s->stop_at == 0)
		listen_pause(s, false);
	expiry_tell(s);
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
		s->listen_io[i] = loop_io_del(s->listen_io[i]);
		fd_close(&s->listen_fd[i]);
	}
	if (s->tick != NULL)
		s->tick = loop_timer_del(s->tick);
	rtr_store_done(&s->store);
	free(s);
	return NULL;
}

void
rtr_server_configure(struct rtr_server *s, const struct rtr_server_conf *conf)
{
	s->conf = *conf;
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
		.n_full = s->n_full, .n_delta = s->n_delta, .n_faults = s->n_faults,
		.has_data = has_data(s),
		.serial = s->store.stamp.serial,
		.n_v4 = s->store.n_v4, .n_v6 = s->store.n_v6, .n_aspas = s->store.n_aspas,
		.built = s->store.built, .earliest = s->store.earliest,
		.n_deltas = s->store.n_steps,
	};
	for (const struct client *c = s->clients; c != NULL; c = c->next) {
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

void
rtr_server_clients_json(const struct rtr_server *s, struct json *j, unsigned max)
{
	struct rtr_server_stat st;
	unsigned n = 0;

	rtr_server_stat(s, &st);
	json_open(j, '{');
	json_key(j, "clients");
	json_open(j, '[');
	for (const struct client *c = s->clients; c != NULL && n < max; c = c->next, n++) {
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
		json_close(j, '}');
	}
	json_close(j, ']');
	json_key(j, "n_by_version");
	json_open(j, '{');
	for (unsigned v = 0; v < RTR_VERSIONS; v++) {
		char key[2] = { (char)('0' + v), '\0' };

		json_kv_u64(j, key, st.n_by_version[v]);
	}
	json_close(j, '}');
	json_close(j, '}');
}
