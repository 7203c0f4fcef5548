#include "app/rtr_server.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/rtr_server_conn.h"
#include "base/err.h"
#include "base/timefmt.h"
#include "sys/file.h"

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
	    (c->io = loop_io_add(s->loop, fd, LOOP_READ, rtr_conn_event, c)) == NULL) {
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
	rtr_conn_free(oldest, true);
	return true;
}

/* Is there a place for it, and may it come? Otherwise it is closed and counted. */
static bool
client_admit(struct listener *l, int *fd, const struct tcp_name *name)
{
	struct rtr_server *s = l->server;

	if (!rtr_access_allows(&s->access, &name->addr, l->tls)) {
		s->n_denied++;
		rtr_server_refusal_tell(s, name, "not in rtr.allow (nor rtr.md5), connection refused", "");
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
			rtr_server_say(s, LOG_LEVEL_ERROR, "no router can be accepted: %s", err_str(rc));
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
	struct rtr_view v = rtr_server_view(s);
	struct rtr_reply r;
	bool was_busy = c->busy;

	if (c->leaving) {
		if (mono_now() - c->left_at >= GOODBYE_SEC)
			rtr_conn_free(c, true);
		return;
	}
	if (c->shaking) {
		if (mono_now() - c->session.opened >= SHAKE_SEC) {
			s->n_tls_failed++;
			rtr_server_refusal_tell(s, &c->name, "no TLS handshake in time", "");
			rtr_conn_free(c, true);
		}
		return;
	}
	/* "any unrevoked, unexpired certificate": not only at the beginning. */
	if (c->link.tls != NULL && wall_now(s) > tls_peer_until(c->link.tls)) {
		rtr_server_refusal_tell(s, &c->name, "its certificate has expired, connection closed", "");
		rtr_conn_free(c, true);
		return;
	}
	if (!rtr_session_tick(&c->session, &v, mono_now(), &r))
		return;
	c->reply = r;
	if (was_busy) {			/* stalled in the midst of an answer */
		rtr_conn_fault(c);
		rtr_conn_free(c, true);
		return;
	}
	if (rtr_conn_reply(c) && rtr_conn_pump(c) && rtr_conn_go_on(c))
		rtr_conn_wait(c);
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
	    wall_now(s) >= s->store.served.earliest;
	char at[TIME_STRLEN];

	if (expired && !s->told_expired)
		rtr_server_say(s, LOG_LEVEL_ERROR, "the data expired at %s and is not served any more",
		    time_str(s->store.served.earliest, at));
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
		rtr_server_say(s, LOG_LEVEL_ERROR, "the certificate of rtr.tls expired at %s: routers refuse it; "
		    "install a new one and reload", time_str(s->tls_until, at));
	else
		rtr_server_say(s, LOG_LEVEL_WARN, "the certificate of rtr.tls expires at %s, in %lld days; "
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
		rtr_conn_free(s->clients, false);
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
		rtr_server_say(s, LOG_LEVEL_NOTICE, "router %s: not allowed any more, connection closed",
		    c->name.text);
		rtr_conn_free(c, true);
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
			rtr_conn_free(c, true);
		else if (rtr_conn_reply(c))
			(void)rtr_conn_pump(c);
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
		.has_data = rtr_server_has_data(s),
		.serial = s->store.served.stamp.serial,
		.n_v4 = s->store.served.n_v4, .n_v6 = s->store.served.n_v6, .n_aspas = s->store.served.n_aspas,
		.n_router_keys = s->store.served.n_router_keys,
		.built = s->store.served.built, .earliest = s->store.served.earliest,
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
