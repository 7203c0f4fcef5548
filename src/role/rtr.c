/*
 * rtr: talks to routers. It gets listening sockets from the parent and
 * snapshots from the store, and serves the latter on the former; it parses
 * nothing but queries of 8 and 12 bytes (and TLS, where it is spoken), opens
 * nothing and writes nothing: certificates and keys come from the parent.
 */
#include <errno.h>

#include <stdlib.h>

#include "app/rtr_server.h"
#include "base/err.h"
#include "role/role.h"
#include "sys/clock.h"
#include "sys/memfd.h"

#define TELL_USEC	1000000		/* the page is told once a second at most … */
#define TELL_ALWAYS	10		/* … and every so many seconds, should it have restarted */
#define TELL_CLIENTS	1000		/* connections listed: 200 kB of JSON a second */

struct rtr_role {
	struct rtr_server	*server;
	struct loop_timer	*tell;
	bool			 changed;
	unsigned		 untold;	/* seconds */
};

static void
on_log(void *arg, enum log_level level, const char *text)
{
	role_log(arg, level, "%s", text);
}

static void
on_changed(void *arg)
{
	struct role *r = arg;
	struct rtr_role *st = r->state;

	st->changed = true;
}

/* Until the configuration comes nobody is served: the loop has not begun. */
static int
server(struct role *r)
{
	struct rtr_role *st = r->state;
	const struct rtr_server_conf conf = {
		.timers = RTR_TIMERS_DEFAULT,
		.max_clients = RTR_CLIENTS_MAX,
		.max_version = RTR_VERSION_MAX,
		.clock_offset = role_now(r) - clock_now(),
	};
	const struct rtr_server_ops ops = { on_log, on_changed, r };

	if (st->server == NULL)
		st->server = rtr_server_new(r->loop, &conf, &ops);
	return st->server == NULL ? -ENOMEM : 0;
}

static int
on_listen(struct role *r, enum role_id from UNUSED, void *msg)
{
	struct msg_listen *m = msg;
	struct rtr_role *st = r->state;
	int rc = server(r);

	if (rc == 0)
		rc = rtr_server_listen(st->server, m->sock, m->tls != 0);
	if (rc == 0)
		m->sock = -1;			/* the server's now */
	return rc;
}

/* Prefixes, one a line; the parent has checked them. */
static int
prefixes_read(struct sv text, size_t max, struct ip_prefix **ret, size_t *ret_n)
{
	struct ip_prefix *list = reallocarray(NULL, max, sizeof(*list));
	struct sv line;
	size_t n = 0;

	*ret = list;
	if (list == NULL)
		return -ENOMEM;
	while (sv_line(&text, &line)) {
		if (n == max)
			return SE_LIMIT;
		if (ip_prefix_parse_host(line, &list[n++]) < 0)
			return -EBADMSG;
	}
	*ret_n = n;
	return 0;
}

static void
list_free(struct ip_prefix **p)
{
	free(*p);
}

static int
admit(struct role *r, const struct msg_rtr_conf *m)
{
	struct rtr_role *st = r->state;
	_cleanup_(list_free) struct ip_prefix *allow = NULL, *md5 = NULL;
	struct rtr_admission a = { .tls_client = m->tls_ca.n > 0 };
	enum tls_why why = TLS_WHY_NONE;
	int rc;

	if ((rc = prefixes_read(m->allow, RTR_ALLOW_MAX, &allow, &a.n_allow)) < 0 ||
	    (rc = prefixes_read(m->md5, RTR_MD5_MAX, &md5, &a.n_md5)) < 0)
		return rc;
	a.allow = allow;
	a.md5 = md5;
	/* The parent made the same from the same bytes: this is memory, or a bug. */
	if (m->tls_cert.n > 0 && (rc = tls_ctx_new(&(struct tls_ctx_conf){
	    .server = true, .certs = m->tls_cert, .key = m->tls_key,
	    .anchors = m->tls_ca }, &a.tls, &why)) < 0) {
		role_log(r, LOG_LEVEL_ERROR, "rtr.tls: %s", tls_why_text(why));
		return rc;
	}
	return rtr_server_admit(st->server, &a);
}

static int
on_conf(struct role *r, enum role_id from UNUSED, void *msg)
{
	const struct msg_rtr_conf *m = msg;
	struct rtr_role *st = r->state;
	const struct rtr_server_conf conf = {
		.timers = { m->refresh, m->retry, m->expire },
		.max_clients = m->max_clients,
		.max_version = (uint8_t)(m->max_version <= RTR_VERSION_MAX ?
		    m->max_version : RTR_VERSION_MAX),
		.clock_offset = role_now(r) - clock_now(),
	};
	int rc = server(r);

	if (rc < 0)
		return rc;
	/* The parent checked each range; that expire is the largest is for us. */
	if (!rtr_timers_ok(&conf.timers)) {
		role_log(r, LOG_LEVEL_ERROR, "rtr.expire must be larger than rtr.refresh "
		    "and rtr.retry, keeping the intervals before");
		return 0;
	}
	rtr_server_configure(st->server, &conf);
	return admit(r, m);
}

static int
on_snapshot(struct role *r, enum role_id from UNUSED, void *msg)
{
	const struct msg_snapshot_use *m = msg;
	struct rtr_role *st = r->state;
	int rc = server(r);

	if (rc < 0)
		return rc;
	if ((rc = rtr_server_use(st->server, m->snapshot, m->behind)) < 0)
		role_log(r, LOG_LEVEL_ERROR, "snapshot with serial %u cannot be used: %s, "
		    "keeping old data", m->serial, err_str(rc));
	st->changed = true;
	return 0;
}

static void
tell(void *arg)
{
	struct role *r = arg;
	struct rtr_role *st = r->state;
	_cleanup_(buf_done) struct buf b = BUF_INIT;
	struct json j = json_on(&b, false);
	struct msg_rtr_clients m = { .json = -1 };
	int rc = -ENOMEM;

	(void)loop_timer_set(st->tell, TELL_USEC);
	if (!st->changed && ++st->untold < TELL_ALWAYS)
		return;
	rtr_server_clients_json(st->server, &j, TELL_CLIENTS);
	if (b.rc == 0 && (rc = memfd_of("routers", buf_get(&b), &m.json)) == 0)
		rc = msg_rtr_clients_send(r, ROLE_WEB, &m);
	fd_close(&m.json);
	if (rc < 0)
		return;			/* next time */
	st->changed = false;
	st->untold = 0;
}

static int
start(struct role *r)
{
	struct rtr_role *st = r->state;
	const struct msg_snapshot_ask ask = { .history = 1 };

	st->tell = loop_timer_add(r->loop, tell, r);
	if (st->tell == NULL || loop_timer_set(st->tell, TELL_USEC) < 0)
		return -ENOMEM;
	st->changed = true;
	return msg_snapshot_ask_send(r, ROLE_STORE, &ask);
}

static void
status(struct role *r, struct json *j)
{
	struct rtr_role *st = r->state;
	struct rtr_server_stat s;

	rtr_server_stat(st->server, &s);
	json_kv_bool(j, "serving", s.has_data);
	json_kv_u64(j, "serial", s.serial);
	json_kv_u64(j, "vrps", s.n_v4 + s.n_v6);
	json_kv_u64(j, "router_keys", s.n_router_keys);
	json_kv_u64(j, "aspas", s.n_aspas);
	json_kv_u64(j, "deltas", s.n_deltas);
	json_kv_u64(j, "clients", s.n_clients);
	json_kv_u64(j, "refused", s.n_refused);
	json_kv_u64(j, "denied", s.n_denied);
	json_kv_u64(j, "tls_failed", s.n_tls_failed);
	json_kv_u64(j, "tcp", s.n_by_transport[RTR_OVER_TCP]);
	json_kv_u64(j, "md5", s.n_by_transport[RTR_OVER_MD5]);
	json_kv_u64(j, "tls", s.n_by_transport[RTR_OVER_TLS]);
	json_kv_u64(j, "full_answers", s.n_full);
	json_kv_u64(j, "delta_answers", s.n_delta);
	json_kv_u64(j, "faults", s.n_faults);
}

static void
gone(void *arg UNUSED)
{
}

/* We shall be back: routers keep their data (8210bis section 8.5). */
static void
stop(struct role *r)
{
	struct rtr_role *st = r->state;

	rtr_server_stop(st->server, RTR_ERR_RESTART, gone, r);
	st->server = rtr_server_free(st->server);
}

static const struct role_handler handlers[] = {
	{ MSG_listen, on_listen },
	{ MSG_rtr_conf, on_conf },
	{ MSG_snapshot_use, on_snapshot },
};

int
main(void)
{
	static const struct role_def def = {
		.id = ROLE_RTR,
		.handlers = handlers, .n_handlers = ARRAY_LEN(handlers),
		.conf = MSG_rtr_conf,
		.state_size = sizeof(struct rtr_role),
		.sandbox = &sandbox_rtr,
		.start = start, .status = status, .stop = stop,
	};

	return role_main(&def);
}
