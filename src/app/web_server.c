#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "app/web_server.h"
#include "sys/clock.h"
#include "sys/proc.h"

#define MINUTE_USEC	((int64_t)WEB_POINT_SEC * 1000000)

struct listener {
	struct web_server	*ws;
	struct httpd		*httpd;
	bool			 loopback;
};

struct waiting {
	struct http_conn	*conn;
	uint32_t		 id;		/* 0: not asked yet */
	enum lang		 lang;
	int64_t			 deadline;	/* monotonic microseconds */
	char			*subject;
};

struct web_server {
	struct loop		*loop;
	struct web_server_ops	 ops;
	struct listener		 listeners[WEB_LISTENERS_MAX];
	unsigned		 n_listeners;
	struct web_conf		 conf;
	struct web_data		*data;
	json_t			*routers, *house, *validate, *mail, *reports, *history;
	struct told		 names;
	uint64_t		 n_histories;
	struct web_sources	 sources;
	struct web_points	*points;
	struct loop_timer	*minute;
	struct web_stats	 stats;
	struct waiting		 queue[WEB_QUEUE_MAX];	/* the first is asked */
	unsigned		 n_queue;
	uint32_t		 last_id;
	bool			 validate_down;	/* as the parent says */
	struct loop_timer	*timer;
};

static void
count(struct web_server *ws, const struct http_res *res)
{
	ws->stats.by_class[res->status / 100 % 6]++;
}

/* --- questions --- */

static void queue_next(struct web_server *);

static void
queue_drop(struct web_server *ws, unsigned i)
{
	free(ws->queue[i].subject);
	memmove(&ws->queue[i], &ws->queue[i + 1],
	    (ws->n_queue - i - 1) * sizeof(ws->queue[0]));
	ws->n_queue--;
}

/* Answer entry i and forget it. */
static void
queue_reply(struct web_server *ws, unsigned i, struct http_res *res, enum web_explained how)
{
	struct http_conn *conn = ws->queue[i].conn;

	ws->stats.explained[how]++;
	count(ws, res);
	queue_drop(ws, i);
	httpd_reply(conn, res);
}

static void
queue_fail(struct web_server *ws, unsigned i, enum web_explained how)
{
	struct http_res res = { 0 };

	web_explain_error(&res, ws->queue[i].lang, how);
	queue_reply(ws, i, &res, how);
}

/* Entries are in the order of their deadlines. */
static void
timer_arm(struct web_server *ws)
{
	if (ws->n_queue == 0)
		loop_timer_stop(ws->timer);
	else
		(void)loop_timer_set(ws->timer, ws->queue[0].deadline - clock_mono_usec());
}

static void
on_timer(void *arg)
{
	struct web_server *ws = arg;

	while (ws->n_queue > 0 && ws->queue[0].deadline <= clock_mono_usec())
		queue_fail(ws, 0, WEB_EXPLAIN_TIMEOUT);
	queue_next(ws);
}

static void
queue_next(struct web_server *ws)
{
	while (!ws->validate_down && ws->n_queue > 0 && ws->queue[0].id == 0) {
		struct waiting *w = &ws->queue[0];

		if (++ws->last_id == 0)
			ws->last_id = 1;
		w->id = ws->last_id;
		if (ws->ops.ask(ws->ops.arg, w->id, w->lang, sv_str(w->subject)) < 0)
			queue_fail(ws, 0, WEB_EXPLAIN_FAILED);
	}
	timer_arm(ws);
}

static bool
queue_add(struct web_server *ws, struct http_conn *conn, const struct web_question *q)
{
	struct waiting *w = &ws->queue[ws->n_queue];
	char *subject;

	if (ws->n_queue == WEB_QUEUE_MAX || (subject = malloc(q->subject.n + 1)) == NULL)
		return false;
	memcpy(subject, q->subject.p, q->subject.n);
	subject[q->subject.n] = '\0';
	*w = (struct waiting){ conn, 0, q->lang,
	    clock_mono_usec() + ws->ops.ask_usec, subject };
	ws->n_queue++;
	/* Asked from the loop: the request is not held before we return. */
	if (ws->n_queue == 1)
		(void)loop_timer_set(ws->timer, 0);
	return true;
}

void
web_server_answer(struct web_server *ws, uint32_t id, uint32_t code, struct sv json)
{
	struct http_res res = { 0 };

	if (ws->n_queue == 0 || id == 0 || ws->queue[0].id != id)
		return;
	web_explained(&res, ws->queue[0].lang, code, json);
	queue_reply(ws, 0, &res, res.status < 500 ? WEB_EXPLAIN_OK : WEB_EXPLAIN_FAILED);
	queue_next(ws);
}

/* --- requests --- */

static enum http_verdict
on_request(void *arg, struct http_conn *conn, const struct http_req *req,
    struct http_res *res)
{
	struct listener *l = arg;
	struct web_server *ws = l->ws;
	struct web_question q;
	struct web_ctx ctx = {
		.now = ws->ops.now(ws->ops.arg),
		.loopback = l->loopback,
		.conf = &ws->conf,
		.data = ws->data,
		.routers = ws->routers,
		.house = ws->house, .validate = ws->validate, .names = &ws->names,
		.mail = ws->mail, .reports = ws->reports,
		.history = ws->history, .n_histories = ws->n_histories,
		.sources = &ws->sources,
		.points = ws->points,
		.stats = &ws->stats,
	};

	if (web_handle(&ctx, req, res, &q) == WEB_ASK) {
		if (queue_add(ws, conn, &q))
			return HTTP_HOLD;
		web_explain_error(res, q.lang, WEB_EXPLAIN_BUSY);
		ws->stats.explained[WEB_EXPLAIN_BUSY]++;
	}
	count(ws, res);
	return HTTP_DONE;
}

/* --- state --- */

static void
point_note(struct web_server *ws)
{
	web_points_add(ws->points, ws->ops.now(ws->ops.arg), ws->data, &ws->sources);
}

static void
on_minute(void *arg)
{
	struct web_server *ws = arg;

	web_sources_prune(&ws->sources, ws->ops.now(ws->ops.arg));
	point_note(ws);
	(void)loop_timer_set(ws->minute, MINUTE_USEC);
}

int
web_server_new(struct loop *loop, const struct web_server_ops *ops,
    struct web_server **ret)
{
	struct web_server *ws = calloc(1, sizeof(*ws));
	int rc;

	if (ws == NULL)
		return -ENOMEM;
	ws->loop = loop;
	ws->ops = *ops;
	if (ws->ops.ask_usec == 0)
		ws->ops.ask_usec = (int64_t)WEB_ASK_SEC * 1000000;
	ws->timer = loop_timer_add(loop, on_timer, ws);
	ws->minute = loop_timer_add(loop, on_minute, ws);
	ws->points = calloc(1, sizeof(*ws->points));
	rc = web_conf_init(&ws->conf, SV(""), SV(""), SV(""), SV(""));
	/* Answers to a former life come to us: no question of ours has their numbers. */
	if (rc == 0)
		rc = random_fill(&ws->last_id, sizeof(ws->last_id));
	if (ws->timer == NULL || ws->minute == NULL || ws->points == NULL || rc < 0 ||
	    loop_timer_set(ws->minute, MINUTE_USEC) < 0) {
		(void)web_server_free(ws);
		return -ENOMEM;
	}
	*ret = ws;
	return 0;
}

struct web_server *
web_server_free(struct web_server *ws)
{
	if (ws == NULL)
		return NULL;
	for (unsigned i = 0; i < ws->n_listeners; i++)
		(void)httpd_free(ws->listeners[i].httpd);
	while (ws->n_queue > 0)
		queue_drop(ws, 0);
	(void)loop_timer_del(ws->timer);
	(void)loop_timer_del(ws->minute);
	web_conf_done(&ws->conf);
	(void)web_data_free(ws->data);
	json_decref(ws->routers);
	web_sources_done(&ws->sources);
	json_decref(ws->house);
	json_decref(ws->validate);
	json_decref(ws->mail);
	json_decref(ws->reports);
	told_done(&ws->names);
	json_decref(ws->history);
	free(ws->points);
	free(ws);
	return NULL;
}

int
web_server_listen(struct web_server *ws, int fd, struct sv address)
{
	struct listener *l = &ws->listeners[ws->n_listeners];
	int rc;

	if (ws->n_listeners == WEB_LISTENERS_MAX)
		return -E2BIG;
	*l = (struct listener){ ws, NULL, web_is_loopback(address) };
	if ((rc = httpd_new(ws->loop, fd, on_request, l, &l->httpd)) < 0)
		return rc;
	ws->n_listeners++;
	return 0;
}

void
web_server_conf(struct web_server *ws, struct web_conf *conf)
{
	web_conf_done(&ws->conf);
	ws->conf = *conf;
	*conf = (struct web_conf){ 0 };
}

void
web_server_data(struct web_server *ws, struct web_data *data)
{
	(void)web_data_free(ws->data);
	ws->data = data;
	point_note(ws);
}

static int
object_swap(json_t **slot, struct sv text)
{
	json_t *j = json_loadb(text.p == NULL ? "" : text.p, text.n, 0, NULL);

	if (!json_is_object(j)) {
		json_decref(j);
		return -EBADMSG;
	}
	json_decref(*slot);
	*slot = j;
	return 0;
}

int
web_server_routers(struct web_server *ws, struct sv json)
{
	return object_swap(&ws->routers, json);
}

static bool
role_down(const json_t *house, const char *name)
{
	json_t *roles = json_object_get(house, "roles"), *r;
	size_t i;

	json_array_foreach(roles, i, r) {
		const char *n = json_string_value(json_object_get(r, "name"));

		if (n != NULL && strcmp(n, name) == 0)
			return !json_is_true(json_object_get(r, "ready"));
	}
	return false;
}

int
web_server_validate(struct web_server *ws, struct sv json)
{
	return object_swap(&ws->validate, json);
}

int
web_server_mail(struct web_server *ws, struct sv json)
{
	return object_swap(&ws->mail, json);
}

int
web_server_reports(struct web_server *ws, struct sv json)
{
	return object_swap(&ws->reports, json);
}

int
web_server_zones(struct web_server *ws, struct sv json)
{
	return told_zones(&ws->names, json);
}

int
web_server_keys(struct web_server *ws, struct sv json)
{
	return told_keys(&ws->names, json);
}

int
web_server_history(struct web_server *ws, struct sv json)
{
	int rc = json.n > WEB_HISTORY_MAX ? -EBADMSG : object_swap(&ws->history, json);

	ws->n_histories += rc == 0;
	return rc;
}

int
web_server_source(struct web_server *ws, struct sv key, bool ok, int64_t at, struct sv json)
{
	return web_sources_put(&ws->sources, key, ok, at, json);
}

/*
 * A question that was out when the validator died is lost: it is asked
 * again when the next one works, within its time.
 */
int
web_server_house(struct web_server *ws, struct sv json)
{
	int rc = object_swap(&ws->house, json);

	if (rc < 0)
		return rc;
	ws->validate_down = role_down(ws->house, "validate");
	if (ws->validate_down && ws->n_queue > 0)
		ws->queue[0].id = 0;
	queue_next(ws);
	return 0;
}
