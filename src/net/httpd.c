/* libmicrohttpd in our loop; net.h tells the story. */
#include <errno.h>
#include <microhttpd.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "net/net.h"

enum conn_state {
	CONN_NEW,		/* headers seen, no body expected */
	CONN_HELD,		/* suspended; the handler answers later */
	CONN_ANSWERED,		/* answer there, not queued yet */
};

struct http_conn {
	struct httpd		*h;
	struct MHD_Connection	*mhd;
	enum conn_state		 state;
	struct http_res		 res;
	struct http_conn	*prev, *next;
};

struct httpd {
	struct MHD_Daemon	*mhd;
	struct loop_io		*io;
	struct loop_timer	*timer;
	http_fn			 fn;
	void			*arg;
	struct http_conn	*conns;
};

static const char *const header_names[HTTP_HEADER_MAX] = {
	[HTTP_HOST] = "Host",
	[HTTP_ORIGIN] = "Origin",
	[HTTP_FETCH_SITE] = "Sec-Fetch-Site",
	[HTTP_FETCH_MODE] = "Sec-Fetch-Mode",
	[HTTP_AUTHORIZATION] = "Authorization",
	[HTTP_ACCEPT_LANGUAGE] = "Accept-Language",
	[HTTP_IF_NONE_MATCH] = "If-None-Match",
};

/* --- the loop --- */

static void
timer_arm(struct httpd *h)
{
	MHD_UNSIGNED_LONG_LONG msec = 0;

	if (MHD_get_timeout(h->mhd, &msec) == MHD_YES)
		(void)loop_timer_set(h->timer, (int64_t)msec * 1000);
	else
		loop_timer_stop(h->timer);
}

static void
daemon_run(struct httpd *h)
{
	(void)MHD_run(h->mhd);
	timer_arm(h);
}

static void
on_io(void *arg, int fd UNUSED, unsigned what UNUSED)
{
	daemon_run(arg);
}

static void
on_timer(void *arg)
{
	daemon_run(arg);
}

/* --- a request --- */

struct gather {
	struct http_req	*req;
	unsigned	 seen[HTTP_HEADER_MAX];
	unsigned	 status;	/* 0 or why it is refused */
};

static bool
is_text(struct sv s)
{
	while (s.n > 0) {
		size_t n = utf8_len(s);

		if (n == 0 || s.p[0] == '\0')
			return false;
		s = sv_skip(s, n);
	}
	return true;
}

static enum MHD_Result
on_header(void *arg, enum MHD_ValueKind kind UNUSED, const char *key,
    size_t key_n, const char *value, size_t value_n)
{
	struct gather *g = arg;
	struct sv k = { key, key_n };

	for (unsigned i = 0; i < HTTP_HEADER_MAX; i++) {
		if (!sv_caseeq(k, sv_str(header_names[i])))
			continue;
		if (g->seen[i]++ > 0 && i != HTTP_ACCEPT_LANGUAGE)
			g->status = MHD_HTTP_BAD_REQUEST;
		g->req->headers[i] = (struct sv){ value == NULL ? "" : value, value_n };
	}
	return MHD_YES;
}

static enum MHD_Result
on_param(void *arg, enum MHD_ValueKind kind UNUSED, const char *key,
    size_t key_n, const char *value, size_t value_n)
{
	struct gather *g = arg;
	struct http_req *req = g->req;
	struct http_param p = {
		.key = { key, key_n },
		.value = { value == NULL ? "" : value, value_n },
	};

	if (req->n_query >= HTTP_QUERY_MAX || value_n > HTTP_VALUE_MAX ||
	    !is_text(p.value)) {
		g->status = MHD_HTTP_BAD_REQUEST;
		return MHD_NO;
	}
	for (unsigned i = 0; i < req->n_query; i++)
		if (sv_eq(req->query[i].key, p.key))
			g->status = MHD_HTTP_BAD_REQUEST;
	req->query[req->n_query++] = p;
	return MHD_YES;
}

static unsigned
req_gather(struct MHD_Connection *mhd, const char *path, const char *method,
    struct http_req *req)
{
	struct gather g = { .req = req };

	req->head = strcmp(method, MHD_HTTP_METHOD_HEAD) == 0;
	req->path = sv_str(path);
	if (req->path.n > HTTP_PATH_MAX)
		return MHD_HTTP_URI_TOO_LONG;
	if (!is_text(req->path))
		return MHD_HTTP_BAD_REQUEST;
	(void)MHD_get_connection_values_n(mhd, MHD_HEADER_KIND, on_header, &g);
	(void)MHD_get_connection_values_n(mhd, MHD_GET_ARGUMENT_KIND, on_param, &g);
	return g.status;
}

/* Before anything else is read: the status that refuses it, or 0. */
static unsigned
req_refuse(struct MHD_Connection *mhd, const char *method)
{
	const char *len = MHD_lookup_connection_value(mhd, MHD_HEADER_KIND,
	    MHD_HTTP_HEADER_CONTENT_LENGTH);

	if (strcmp(method, MHD_HTTP_METHOD_GET) != 0 &&
	    strcmp(method, MHD_HTTP_METHOD_HEAD) != 0)
		return MHD_HTTP_METHOD_NOT_ALLOWED;
	if ((len != NULL && strcmp(len, "0") != 0) ||
	    MHD_lookup_connection_value(mhd, MHD_HEADER_KIND,
	    MHD_HTTP_HEADER_TRANSFER_ENCODING) != NULL)
		return MHD_HTTP_BAD_REQUEST;
	return 0;
}

/* Queue res; takes its body over. */
static enum MHD_Result
res_queue(struct MHD_Connection *mhd, struct http_res *res)
{
	struct MHD_Response *r;
	enum MHD_Result ok;

	if (res->body.rc < 0) {
		http_res_done(res);
		res->status = MHD_HTTP_INTERNAL_SERVER_ERROR;
	}
	if (res->body.len > 0) {
		r = MHD_create_response_from_buffer(res->body.len, res->body.p,
		    MHD_RESPMEM_MUST_FREE);
		if (r != NULL)
			res->body = (struct buf)BUF_INIT;	/* the library's now */
	} else
		r = MHD_create_response_from_buffer(res->fixed.n,
		    (void *)(uintptr_t)res->fixed.p, MHD_RESPMEM_PERSISTENT);
	if (r == NULL)
		return MHD_NO;
	for (unsigned i = 0; i < res->n_headers; i++)
		(void)MHD_add_response_header(r, res->headers[i].name, res->headers[i].value);
	ok = MHD_queue_response(mhd, res->status, r);
	MHD_destroy_response(r);
	http_res_done(res);
	return ok;
}

/* An answer without a handler: only what the status says. */
static enum MHD_Result
refuse(struct MHD_Connection *mhd, unsigned status)
{
	struct http_res res = { .status = status };

	http_res_header(&res, "X-Content-Type-Options", "nosniff");
	http_res_header(&res, "Cache-Control", "no-store");
	if (status == MHD_HTTP_METHOD_NOT_ALLOWED)
		http_res_header(&res, "Allow", "GET, HEAD");
	return res_queue(mhd, &res);
}

static struct http_conn *
conn_new(struct httpd *h, struct MHD_Connection *mhd)
{
	struct http_conn *c = calloc(1, sizeof(*c));

	if (c == NULL)
		return NULL;
	c->h = h;
	c->mhd = mhd;
	c->next = h->conns;
	if (c->next != NULL)
		c->next->prev = c;
	h->conns = c;
	return c;
}

static void
conn_free(struct http_conn *c)
{
	if (c->next != NULL)
		c->next->prev = c->prev;
	if (c->prev != NULL)
		c->prev->next = c->next;
	else
		c->h->conns = c->next;
	http_res_done(&c->res);
	free(c);
}

static enum MHD_Result
conn_handle(struct http_conn *c, const char *path, const char *method)
{
	struct http_req req = { 0 };
	unsigned status = req_gather(c->mhd, path, method, &req);

	if (status != 0)
		return refuse(c->mhd, status);
	if (c->h->fn(c->h->arg, c, &req, &c->res) == HTTP_DONE)
		return res_queue(c->mhd, &c->res);
	c->state = CONN_HELD;
	MHD_suspend_connection(c->mhd);
	return MHD_YES;
}

/*
 * The library calls this once with the headers (no answer then, or it would
 * give up keep-alive), again with the whole request, and again after a
 * resume.
 */
static enum MHD_Result
on_request(void *arg, struct MHD_Connection *mhd, const char *path,
    const char *method, const char *version UNUSED, const char *upload UNUSED,
    size_t *upload_size, void **con)
{
	struct http_conn *c = *con;
	unsigned status;

	if (c == NULL) {
		if ((status = req_refuse(mhd, method)) != 0)
			return refuse(mhd, status);
		*con = conn_new(arg, mhd);
		return *con == NULL ? MHD_NO : MHD_YES;
	}
	if (*upload_size > 0)
		return MHD_NO;
	if (c->state == CONN_ANSWERED)
		return res_queue(mhd, &c->res);
	if (c->state == CONN_HELD)
		return MHD_NO;			/* the daemon is going down */
	return conn_handle(c, path, method);
}

static void
on_completed(void *arg UNUSED, struct MHD_Connection *mhd UNUSED, void **con,
    enum MHD_RequestTerminationCode why UNUSED)
{
	if (*con != NULL)
		conn_free(*con);
	*con = NULL;
}

void
httpd_reply(struct http_conn *c, struct http_res *res)
{
	c->res = *res;
	*res = (struct http_res){ 0 };
	c->state = CONN_ANSWERED;
	MHD_resume_connection(c->mhd);
	(void)loop_timer_set(c->h->timer, 0);
}

/* --- life --- */

static void
log_nothing(void *arg UNUSED, const char *fmt UNUSED, va_list ap UNUSED)
{
	/* What clients do wrong is no news of this machine. */
}

static struct MHD_Daemon *
daemon_start(struct httpd *h, int fd)
{
	return MHD_start_daemon(MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME, 0,
	    NULL, NULL, on_request, h,
	    MHD_OPTION_EXTERNAL_LOGGER, log_nothing, NULL,
	    MHD_OPTION_LISTEN_SOCKET, fd,
	    MHD_OPTION_CONNECTION_LIMIT, (unsigned)HTTPD_CONNS_MAX,
	    MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)HTTPD_CONN_MEM,
	    MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)HTTPD_IDLE_SEC,
	    MHD_OPTION_NOTIFY_COMPLETED, on_completed, NULL,
	    MHD_OPTION_STRICT_FOR_CLIENT, 1,
	    MHD_OPTION_END);
}

int
httpd_new(struct loop *loop, int fd, http_fn fn, void *arg, struct httpd **ret)
{
	struct httpd *h = calloc(1, sizeof(*h));
	const union MHD_DaemonInfo *info;

	if (h == NULL)
		return -ENOMEM;
	h->fn = fn;
	h->arg = arg;
	if ((h->mhd = daemon_start(h, fd)) == NULL) {
		free(h);
		return -EIO;
	}
	info = MHD_get_daemon_info(h->mhd, MHD_DAEMON_INFO_EPOLL_FD);
	if (info != NULL)
		h->io = loop_io_add(loop, info->epoll_fd, LOOP_READ, on_io, h);
	h->timer = loop_timer_add(loop, on_timer, h);
	if (h->io == NULL || h->timer == NULL) {
		(void)httpd_free(h);
		return -ENOMEM;
	}
	timer_arm(h);
	*ret = h;
	return 0;
}

struct httpd *
httpd_free(struct httpd *h)
{
	if (h == NULL)
		return NULL;
	/* The library wants every connection resumed before it stops. */
	for (struct http_conn *c = h->conns; c != NULL; c = c->next)
		if (c->state == CONN_HELD)
			MHD_resume_connection(c->mhd);
	MHD_stop_daemon(h->mhd);
	(void)loop_io_del(h->io);
	(void)loop_timer_del(h->timer);
	free(h);
	return NULL;
}
