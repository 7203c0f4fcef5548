/*
 * web: the page, the API and the metrics. It gets listening sockets, the
 * snapshot in service and what others say of themselves, all through frames;
 * questions go to validate. It opens nothing and writes nothing.
 */
#include <errno.h>

#include "app/web_server.h"
#include "base/err.h"
#include "role/role.h"
#include "sys/memfd.h"

struct web_role {
	struct web_server	*ws;
	struct file_map		 map;		/* of the snapshot in service */
	bool			 has_data;
	uint32_t		 serial;
};

/* --- what the server needs of us --- */

static int64_t
web_now(void *arg)
{
	return role_now(arg);
}

static int
web_ask(void *arg, uint32_t id, enum lang lang, struct sv subject)
{
	const struct msg_explain_ask m = {
		.id = id, .lang = (uint32_t)lang, .subject = subject,
	};

	return msg_explain_ask_send(arg, ROLE_VALIDATE, &m);
}

/* The server comes into being with the first frame that needs it. */
static int
server(struct role *r, struct web_server **ret)
{
	struct web_role *st = r->state;
	const struct web_server_ops ops = { .now = web_now, .ask = web_ask, .arg = r };
	int rc = 0;

	if (st->ws == NULL)
		rc = web_server_new(r->loop, &ops, &st->ws);
	if (rc == 0)
		*ret = st->ws;
	return rc;
}

/* --- frames --- */

static int
on_listen(struct role *r, enum role_id from UNUSED, void *msg)
{
	struct msg_listen *m = msg;
	struct web_server *ws = NULL;
	int rc = server(r, &ws);

	if (rc == 0)
		rc = web_server_listen(ws, m->sock, m->address);
	if (rc == 0)
		m->sock = -1;			/* the server's now */
	return rc;
}

static int
on_conf(struct role *r, enum role_id from UNUSED, void *msg)
{
	const struct msg_web_conf *m = msg;
	struct web_conf conf;
	struct web_server *ws = NULL;
	int rc = server(r, &ws);

	if (rc == 0)
		rc = web_conf_init(&conf, m->token, m->org_name, m->org_asns, m->org_prefixes);
	if (rc == 0)
		web_server_conf(ws, &conf);
	return rc;
}

static int
data_use(struct role *r, const struct msg_snapshot_use *m)
{
	struct web_role *st = r->state;
	struct web_data *data = NULL;
	struct web_server *ws = NULL;
	struct file_map map;
	int rc;

	if ((rc = server(r, &ws)) < 0 ||
	    (rc = memfd_map(m->snapshot, true, SIZE_MAX, &map)) < 0)
		return rc;
	/* The store has just compared the sums. */
	if ((rc = web_data_new(map.data.p, map.data.n, NULL, &data)) < 0) {
		file_unmap(&map);
		return rc;
	}
	web_server_data(ws, data);		/* the old view is gone … */
	if (st->has_data)
		file_unmap(&st->map);		/* … and then its map */
	st->map = map;
	st->has_data = true;
	st->serial = m->serial;
	return 0;
}

static int
on_use(struct role *r, enum role_id from UNUSED, void *msg)
{
	const struct msg_snapshot_use *m = msg;
	int rc;

	if (m->behind > 0)
		return 0;			/* history: the router's business */
	if ((rc = data_use(r, m)) < 0)
		role_log(r, LOG_LEVEL_ERROR, "snapshot %u: %s, keeping old data",
		    m->serial, err_str(rc));
	return 0;
}

static int
on_answer(struct role *r, enum role_id from UNUSED, void *msg)
{
	struct web_role *st = r->state;
	const struct msg_explain_answer *m = msg;
	struct file_map map = { 0 };
	int rc;

	if (st->ws == NULL)
		return -EBADMSG;		/* nobody asked */
	if ((rc = memfd_map(m->json, false, WEB_REPORT_MAX, &map)) < 0)
		role_log(r, LOG_LEVEL_WARN, "answer %u of validate: %s, ignoring",
		    m->id, err_str(rc));
	web_server_answer(st->ws, m->id, rc < 0 ? 3 : m->code, map.data);
	if (rc == 0)
		file_unmap(&map);
	return 0;
}

static int
on_clients(struct role *r, enum role_id from UNUSED, void *msg)
{
	const struct msg_rtr_clients *m = msg;
	struct web_server *ws = NULL;
	struct file_map map = { 0 };
	int rc = server(r, &ws);

	if (rc < 0)
		return rc;
	if (memfd_map(m->json, false, WEB_REPORT_MAX, &map) < 0 ||
	    web_server_routers(ws, map.data) < 0)
		role_log(r, LOG_LEVEL_WARN, "the list of routers is no JSON, ignoring");
	file_unmap(&map);
	return 0;
}

static int
on_zones(struct role *r, enum role_id from UNUSED, void *msg)
{
	const struct msg_zone_told *m = msg;
	struct web_server *ws = NULL;
	struct file_map map = { 0 };
	int rc = server(r, &ws);

	if (rc < 0)
		return rc;
	if (memfd_map(m->json, false, WEB_REPORT_MAX, &map) < 0 || web_server_zones(ws, map.data) < 0)
		role_log(r, LOG_LEVEL_WARN, "the list of zones is no JSON, ignoring");
	file_unmap(&map);
	return 0;
}

static int
on_keys(struct role *r, enum role_id from UNUSED, void *msg)
{
	const struct msg_key_told *m = msg;
	struct web_server *ws = NULL;
	struct file_map map = { 0 };
	int rc = server(r, &ws);

	if (rc < 0)
		return rc;
	if (memfd_map(m->json, false, WEB_REPORT_MAX, &map) < 0 || web_server_keys(ws, map.data) < 0)
		role_log(r, LOG_LEVEL_WARN, "the list of keys is no JSON, ignoring");
	file_unmap(&map);
	return 0;
}

static int
on_source(struct role *r, enum role_id from UNUSED, void *msg)
{
	const struct msg_source_result *m = msg;
	struct web_server *ws = NULL;
	int rc = server(r, &ws);

	if (rc == 0 && web_server_source(ws, m->key, m->ok != 0, m->at, m->json) == -EBADMSG)
		role_log(r, LOG_LEVEL_WARN, "the state of a server is no JSON, ignoring");
	return rc;
}

static int
on_run(struct role *r, enum role_id from UNUSED, void *msg)
{
	const struct msg_run_told *m = msg;
	struct web_server *ws = NULL;
	int rc = server(r, &ws);

	if (rc == 0 && web_server_validate(ws, m->json) < 0)
		role_log(r, LOG_LEVEL_WARN, "what validate tells of its run is no JSON, ignoring");
	return rc;
}

static int
on_mail(struct role *r, enum role_id from UNUSED, void *msg)
{
	const struct msg_milter_told *m = msg;
	struct web_server *ws = NULL;
	int rc = server(r, &ws);

	if (rc == 0 && web_server_mail(ws, m->json) < 0)
		role_log(r, LOG_LEVEL_WARN, "what the mail filter tells is no JSON, ignoring");
	return rc;
}

static int
on_reports(struct role *r, enum role_id from UNUSED, void *msg)
{
	const struct msg_report_told *m = msg;
	struct web_server *ws = NULL;
	int rc = server(r, &ws);

	if (rc == 0 && web_server_reports(ws, m->json) < 0)
		role_log(r, LOG_LEVEL_WARN, "what is told of mail's reports is no JSON, ignoring");
	return rc;
}

static int
on_house(struct role *r, enum role_id from UNUSED, void *msg)
{
	struct web_server *ws = NULL;
	const struct msg_house *m = msg;
	int rc = server(r, &ws);

	if (rc == 0 && web_server_house(ws, m->json) < 0)
		role_log(r, LOG_LEVEL_WARN, "the state of the house is no JSON, ignoring");
	return rc;
}

static int
on_history(struct role *r, enum role_id from UNUSED, void *msg)
{
	const struct msg_history *m = msg;
	struct web_server *ws = NULL;
	struct file_map map = { 0 };
	int rc = server(r, &ws);

	if (rc < 0)
		return rc;
	if (memfd_map(m->json, false, WEB_HISTORY_MAX, &map) < 0 ||
	    web_server_history(ws, map.data) < 0)
		role_log(r, LOG_LEVEL_WARN, "the history is no JSON, ignoring");
	file_unmap(&map);
	return 0;
}

/* --- life --- */

static int
web_start(struct role *r)
{
	const struct msg_snapshot_ask ask = { .history = 0 };
	const struct msg_history_ask history = { 0 };
	const struct msg_told_ask told = { 0 };
	const struct msg_run_ask run = { 0 };
	int rc = msg_snapshot_ask_send(r, ROLE_STORE, &ask);

	if (rc == 0)
		rc = msg_run_ask_send(r, ROLE_VALIDATE, &run);
	if (rc == 0)
		rc = msg_history_ask_send(r, ROLE_STORE, &history);
	if (rc == 0)
		rc = msg_told_ask_send(r, ROLE_ZONE, &told);
	return rc < 0 ? rc : msg_told_ask_send(r, ROLE_KEY, &told);
}

static void
web_status_members(struct role *r, struct json *j)
{
	const struct web_role *st = r->state;

	json_kv_bool(j, "data", st->has_data);
	json_kv_u64(j, "serial", st->serial);
}

static void
web_stop(struct role *r)
{
	struct web_role *st = r->state;

	st->ws = web_server_free(st->ws);
}

static const struct role_handler handlers[] = {
	{ MSG_listen, on_listen },
	{ MSG_web_conf, on_conf },
	{ MSG_snapshot_use, on_use },
	{ MSG_explain_answer, on_answer },
	{ MSG_rtr_clients, on_clients },
	{ MSG_house, on_house },
	{ MSG_history, on_history },
	{ MSG_source_result, on_source },
	{ MSG_run_told, on_run },
	{ MSG_milter_told, on_mail },
	{ MSG_report_told, on_reports },
	{ MSG_zone_told, on_zones },
	{ MSG_key_told, on_keys },
};

int
main(void)
{
	static const struct role_def def = {
		.id = ROLE_WEB,
		.handlers = handlers,
		.n_handlers = ARRAY_LEN(handlers),
		.conf = MSG_web_conf,
		.state_size = sizeof(struct web_role),
		.sandbox = &sandbox_web,
		.start = web_start,
		.status = web_status_members,
		.stop = web_stop,
	};

	return role_main(&def);
}
