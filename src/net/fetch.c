/*
 * libcurl in our loop; net.h tells the story. The only threads here are those
 * of libcurl's resolver, one for each look-up; nothing of ours runs in them.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/err.h"
#include "base/pool.h"
#include "net/fetch.h"
#include "sys/clock.h"
#include "sys/file.h"

#define MSEC	1000		/* microseconds */
/* How often the clocks of all fetches are looked at. */
#define TICK	(100 * MSEC)

struct fetcher {
	struct loop		*loop;
	struct loop_timer	*curl_timer, *pump, *tick;
	CURLM			*multi;
	struct fetch		*first;
	unsigned		 n_running, max_conns;
	struct host_map		*maps;
	size_t			 n_maps;
	struct pool		*pool;		/* of the CA file */
	struct sv		 ca;
	char			*user_agent;
	bool			 ticking;
};

void
fetch_fail(struct fetch *f, enum fetch_code code, const struct farg *args, unsigned n)
{
	if (f->why != NULL)
		return;
	f->why = &fetch_findings[code];
	f->n_args = n;
	for (unsigned i = 0; i < n; i++)
		f->args[i] = args[i];
}

/* --- libcurl's sockets and its timer --- */

static void
pump_soon(struct fetcher *r)
{
	(void)loop_timer_set(r->pump, 0);
}

static void
curl_act(struct fetcher *r, curl_socket_t s, int what)
{
	int running;

	(void)curl_multi_socket_action(r->multi, s, what, &running);
	pump_soon(r);
}

static void
on_socket(void *arg, int fd, unsigned what)
{
	curl_act(arg, fd, ((what & LOOP_READ) != 0 ? CURL_CSELECT_IN : 0) |
	    ((what & LOOP_WRITE) != 0 ? CURL_CSELECT_OUT : 0));
}

static void
on_curl_timer(void *arg)
{
	curl_act(arg, CURL_SOCKET_TIMEOUT, 0);
}

static int
curl_on_timer(CURLM *m UNUSED, long msec, void *arg)
{
	struct fetcher *r = arg;

	if (msec < 0)
		loop_timer_stop(r->curl_timer);
	else
		(void)loop_timer_set(r->curl_timer, (int64_t)msec * MSEC);
	return 0;
}

static int
curl_on_socket(CURL *easy UNUSED, curl_socket_t s, int what, void *arg, void *sock)
{
	struct fetcher *r = arg;
	struct loop_io *io = sock;
	unsigned want = 0;

	if (what == CURL_POLL_REMOVE) {
		if (io != NULL)
			(void)loop_io_del(io);
		(void)curl_multi_assign(r->multi, s, NULL);
		return 0;
	}
	want |= (what & CURL_POLL_IN) != 0 ? LOOP_READ : 0;
	want |= (what & CURL_POLL_OUT) != 0 ? LOOP_WRITE : 0;
	if (io != NULL)
		return loop_io_set(io, want) < 0 ? -1 : 0;
	if ((io = loop_io_add(r->loop, s, want, on_socket, r)) == NULL)
		return -1;
	(void)curl_multi_assign(r->multi, s, io);
	return 0;
}

/*
 * The last look at the address before the connection: libcurl connects to
 * what it shows here, and to nothing else.
 */
static curl_socket_t
curl_on_open(void *arg, curlsocktype purpose UNUSED, struct curl_sockaddr *a)
{
	struct fetch *f = arg;
	const char *block = fetch_sockaddr_block(&a->addr, f->address);

	if (f->mapped != NULL && !sockaddr_same(&a->addr, &f->mapped->to)) {
		f->block = "?";
		return CURL_SOCKET_BAD;
	}
	if (f->mapped == NULL && block != NULL) {
		f->block = block;
		return CURL_SOCKET_BAD;
	}
	return socket(a->family, a->socktype | SOCK_CLOEXEC, a->protocol);
}

/* --- the fetcher --- */

static int
ca_read(struct fetcher *r, const char *path)
{
	if (path == NULL || path[0] == '\0')
		path = "/etc/ssl/certs/ca-certificates.crt";
	if ((r->pool = pool_new(2 * (size_t)FETCH_CA_BYTES_MAX)) == NULL)
		return -ENOMEM;
	return file_read(r->pool, FILE_CWD, path, FETCH_CA_BYTES_MAX, &r->ca);
}

static void	on_pump(void *);
static void	on_tick(void *);

static int
fetcher_init(struct fetcher *r, const struct fetch_conf *conf)
{
	int rc;

	r->max_conns = conf->max_conns != 0 ? conf->max_conns : FETCH_CONNS_MAX;
	if ((rc = host_maps_parse(conf->hosts, &r->maps, &r->n_maps)) < 0)
		return rc;
	if ((rc = ca_read(r, conf->ca_file)) < 0)
		return rc;
	if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
		return -ENOMEM;
	r->multi = curl_multi_init();
	r->user_agent = strdup(conf->user_agent != NULL ? conf->user_agent : "sekisho/" SEKISHO_VERSION);
	r->curl_timer = loop_timer_add(r->loop, on_curl_timer, r);
	r->pump = loop_timer_add(r->loop, on_pump, r);
	r->tick = loop_timer_add(r->loop, on_tick, r);
	if (r->multi == NULL || r->user_agent == NULL || r->curl_timer == NULL ||
	    r->pump == NULL || r->tick == NULL)
		return -ENOMEM;
	(void)curl_multi_setopt(r->multi, CURLMOPT_SOCKETFUNCTION, curl_on_socket);
	(void)curl_multi_setopt(r->multi, CURLMOPT_SOCKETDATA, r);
	(void)curl_multi_setopt(r->multi, CURLMOPT_TIMERFUNCTION, curl_on_timer);
	(void)curl_multi_setopt(r->multi, CURLMOPT_TIMERDATA, r);
	(void)curl_multi_setopt(r->multi, CURLMOPT_PIPELINING, (long)CURLPIPE_NOTHING);
	(void)curl_multi_setopt(r->multi, CURLMOPT_MAXCONNECTS, (long)r->max_conns);
	return 0;
}

int
fetcher_new(struct loop *loop, const struct fetch_conf *conf, struct fetcher **ret)
{
	_cleanup_(fetcher_freep) struct fetcher *r = calloc(1, sizeof(*r));
	int rc;

	if (r == NULL)
		return -ENOMEM;
	r->loop = loop;
	if ((rc = fetcher_init(r, conf)) < 0)
		return rc;
	*ret = TAKE_PTR(r);
	return 0;
}

static void
fetch_free(struct fetch *f)
{
	struct fetcher *r = f->fetcher;

	if (f->phase == FETCH_RUNNING)
		r->n_running--;
	if (f->prev != NULL)
		f->prev->next = f->next;
	else if (r->first == f)
		r->first = f->next;
	if (f->next != NULL)
		f->next->prev = f->prev;
	if (f->easy != NULL) {
		(void)curl_multi_remove_handle(r->multi, f->easy);
		curl_easy_cleanup(f->easy);
	}
	curl_slist_free_all(f->headers);
	curl_slist_free_all(f->connect_to);
	fetch_body_reset(f);
	free(f);
}

struct fetcher *
fetcher_free(struct fetcher *r)
{
	if (r == NULL)
		return NULL;
	while (r->first != NULL)
		fetch_free(r->first);
	if (r->multi != NULL)
		(void)curl_multi_cleanup(r->multi);
	if (r->curl_timer != NULL)
		(void)loop_timer_del(r->curl_timer);
	if (r->pump != NULL)
		(void)loop_timer_del(r->pump);
	if (r->tick != NULL)
		(void)loop_timer_del(r->tick);
	free(r->maps);
	free(r->user_agent);
	(void)pool_free(r->pool);
	free(r);
	return NULL;
}

/* --- one fetch: its beginning --- */

static void
limits_fill(struct fetch_limits *l)
{
	l->max_wire = l->max_wire != 0 ? l->max_wire : FETCH_WIRE_MAX;
	l->max_bytes = l->max_bytes != 0 ? l->max_bytes : FETCH_BYTES_MAX;
	l->connect_msec = l->connect_msec != 0 ? l->connect_msec : FETCH_CONNECT_MSEC;
	l->total_msec = l->total_msec != 0 ? l->total_msec : FETCH_TOTAL_MSEC;
	l->rate_bytes = l->rate_bytes != 0 ? l->rate_bytes : FETCH_RATE_BYTES;
	l->rate_msec = l->rate_msec != 0 ? l->rate_msec : FETCH_RATE_MSEC;
}

/* A validator that came from a server goes back as it came, if it is harmless. */
static bool
header_add(struct curl_slist **list, const char *name, struct sv value)
{
	char line[FETCH_HEADER_MAX + 32];
	struct curl_slist *l;

	if (value.n > FETCH_HEADER_MAX)
		return true;
	for (size_t i = 0; i < value.n; i++)
		if (value.p[i] < ' ' || value.p[i] > '~')
			return true;
	(void)snprintf(line, sizeof(line), "%s: %.*s", name, SV_ARG(value));
	if ((l = curl_slist_append(*list, line)) == NULL)
		return false;
	*list = l;
	return true;
}

static bool
headers_make(struct fetch *f, const struct fetch_req *req)
{
	f->conditional = req->etag.n > 0 || req->modified.n > 0;
	f->post = req->post.n > 0;
	/* No waiting for "100 Continue": it is small. */
	if (f->post && (!header_add(&f->headers, "Content-Type", SV("application/json")) ||
	    !header_add(&f->headers, "Expect", SV(""))))
		return false;
	return header_add(&f->headers, "Accept-Encoding", SV("gzip")) &&
	    header_add(&f->headers, "Accept", SV("*/*")) &&
	    (req->etag.n == 0 || header_add(&f->headers, "If-None-Match", req->etag)) &&
	    (req->modified.n == 0 || header_add(&f->headers, "If-Modified-Since", req->modified));
}

static void
easy_secure(struct fetch *f)
{
	struct fetcher *r = f->fetcher;
	struct curl_blob ca = {
		.data = (void *)(uintptr_t)r->ca.p, .len = r->ca.n, .flags = CURL_BLOB_NOCOPY,
	};

	(void)curl_easy_setopt(f->easy, CURLOPT_PROTOCOLS_STR, "https");
	(void)curl_easy_setopt(f->easy, CURLOPT_FOLLOWLOCATION, 0L);
	(void)curl_easy_setopt(f->easy, CURLOPT_PROXY, "");	/* nor that of the environment */
	(void)curl_easy_setopt(f->easy, CURLOPT_NETRC, (long)CURL_NETRC_IGNORED);
	(void)curl_easy_setopt(f->easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
	(void)curl_easy_setopt(f->easy, CURLOPT_SSL_VERIFYPEER, 1L);
	(void)curl_easy_setopt(f->easy, CURLOPT_SSL_VERIFYHOST, 2L);
	(void)curl_easy_setopt(f->easy, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
	(void)curl_easy_setopt(f->easy, CURLOPT_CAINFO_BLOB, &ca);
	(void)curl_easy_setopt(f->easy, CURLOPT_CAPATH, NULL);
	(void)curl_easy_setopt(f->easy, CURLOPT_NOSIGNAL, 1L);
	(void)curl_easy_setopt(f->easy, CURLOPT_OPENSOCKETFUNCTION, curl_on_open);
	(void)curl_easy_setopt(f->easy, CURLOPT_OPENSOCKETDATA, f);
}

static int
easy_make(struct fetch *f)
{
	if ((f->easy = curl_easy_init()) == NULL)
		return -ENOMEM;
	easy_secure(f);
	(void)curl_easy_setopt(f->easy, CURLOPT_PRIVATE, f);
	(void)curl_easy_setopt(f->easy, CURLOPT_ERRORBUFFER, f->error);
	(void)curl_easy_setopt(f->easy, CURLOPT_USERAGENT, f->fetcher->user_agent);
	(void)curl_easy_setopt(f->easy, CURLOPT_HTTPHEADER, f->headers);
	(void)curl_easy_setopt(f->easy, CURLOPT_HEADERFUNCTION, fetch_on_header);
	(void)curl_easy_setopt(f->easy, CURLOPT_HEADERDATA, f);
	(void)curl_easy_setopt(f->easy, CURLOPT_WRITEFUNCTION, fetch_on_body);
	(void)curl_easy_setopt(f->easy, CURLOPT_WRITEDATA, f);
	(void)curl_easy_setopt(f->easy, CURLOPT_CONNECTTIMEOUT_MS, (long)f->limits.connect_msec);
	(void)curl_easy_setopt(f->easy, CURLOPT_MAXFILESIZE_LARGE, (curl_off_t)f->limits.max_wire);
	/*
	 * Else libcurl waits in our loop for the resolver's thread when a fetch
	 * ends that still looks its name up: one mute name server would hold
	 * all others up. The thread ends by itself.
	 */
	(void)curl_easy_setopt(f->easy, CURLOPT_QUICK_EXIT, 1L);
	return 0;
}

static void
url_refuse(struct fetch *f, struct sv url, const char *why)
{
	(void)snprintf(f->url.text, sizeof(f->url.text), "%.*s", SV_ARG(url));
	FAIL(f, FETCH_URL, FA_STR("url", f->url.text), FA_MSG("what", why));
}

static bool
post_set(struct fetch *f, struct sv body)
{
	return body.n == 0 || (curl_easy_setopt(f->easy, CURLOPT_POSTFIELDSIZE_LARGE,
	    (curl_off_t)body.n) == CURLE_OK &&
	    curl_easy_setopt(f->easy, CURLOPT_COPYPOSTFIELDS, body.p) == CURLE_OK);
}

int
fetch_start(struct fetcher *r, const struct fetch_req *req, fetch_data_fn data,
    fetch_done_fn done, void *arg, struct fetch **ret)
{
	struct fetch *f = calloc(1, sizeof(*f)), **end = &r->first, *last = NULL;
	const char *why = NULL;
	bool scheme;
	int rc;

	if (f == NULL)
		return -ENOMEM;
	f->fetcher = r;
	f->limits = req->limits;
	limits_fill(&f->limits);
	f->same_origin = req->same_origin;
	f->data = data;
	f->done = done;
	f->arg = arg;
	rc = fetch_url_parse(req->url, NULL, &f->url, &why, &scheme);
	if (rc == -EINVAL)
		url_refuse(f, req->url, why);
	else if (rc == 0) {
		f->origin = f->url;
		if (req->origin.n > 0 &&
		    fetch_url_parse(req->origin, NULL, &f->origin, &why, &scheme) < 0)
			url_refuse(f, req->origin, why);
	}
	if (rc == -ENOMEM || !headers_make(f, req) || easy_make(f) < 0 || !post_set(f, req->post)) {
		fetch_free(f);
		return -ENOMEM;
	}
	for (; *end != NULL; end = &(*end)->next)
		last = *end;
	f->prev = last;
	*end = f;
	pump_soon(r);
	if (ret != NULL)
		*ret = f;
	return 0;
}

/* --- its end --- */

static const char *
copy_what(struct fetch *f, const char *text)
{
	(void)snprintf(f->what, sizeof(f->what), "%s", text);
	return f->what;
}

static void
fetch_finish(struct fetch *f)
{
	struct fetch_result res = { 0 };
	struct fetcher *r = f->fetcher;
	curl_off_t retry = 0;
	fetch_done_fn done = f->done;
	bool dead = f->phase == FETCH_DEAD;

	(void)curl_easy_getinfo(f->easy, CURLINFO_RETRY_AFTER, &retry);
	/* Also libcurl's own mistakes about the handle end here. */
	(void)curl_multi_remove_handle(r->multi, f->easy);
	if (f->phase == FETCH_RUNNING)
		r->n_running--;
	f->phase = FETCH_DEAD;
	if (dead)
		return;
	res.why = f->rc == 0 ? f->why : NULL;
	memcpy(res.args, f->args, sizeof(res.args));
	res.n_args = f->n_args;
	res.rc = f->rc;
	res.status = f->status;
	res.url = sv_str(f->url.text);
	res.etag = sv_str(f->etag);
	res.modified = sv_str(f->modified);
	res.type = sv_str(f->type);
	res.retry_after_sec = retry < 0 ? 0 : (uint32_t)(retry < FETCH_RETRY_AFTER_MAX ? retry :
	    FETCH_RETRY_AFTER_MAX);
	res.wire = f->wire;
	res.bytes = f->bytes;
	res.msec = f->started == 0 ? 0 : (clock_mono_usec() - f->started) / MSEC;
	pump_soon(r);
	done(f->arg, &res);
}

/* What libcurl says went wrong, as ours. */
static const struct {
	CURLcode	curl;
	enum fetch_code	code;
} failures[] = {
	{ CURLE_URL_MALFORMAT, FETCH_URL },
	{ CURLE_UNSUPPORTED_PROTOCOL, FETCH_HTTP },
	{ CURLE_COULDNT_RESOLVE_HOST, FETCH_DNS },
	{ CURLE_COULDNT_CONNECT, FETCH_CONNECT },
	{ CURLE_OPERATION_TIMEDOUT, FETCH_CONNECT_TIME },	/* we keep the others */
	{ CURLE_SSL_CONNECT_ERROR, FETCH_TLS },
	{ CURLE_PEER_FAILED_VERIFICATION, FETCH_TLS },
	{ CURLE_SSL_CERTPROBLEM, FETCH_TLS },
	{ CURLE_SSL_CIPHER, FETCH_TLS },
	{ CURLE_SSL_ISSUER_ERROR, FETCH_TLS },
	{ CURLE_SSL_CACERT_BADFILE, FETCH_TLS },
	{ CURLE_SSL_INVALIDCERTSTATUS, FETCH_TLS },
	{ CURLE_PARTIAL_FILE, FETCH_BODY },
	{ CURLE_GOT_NOTHING, FETCH_BODY },
	{ CURLE_RECV_ERROR, FETCH_BODY },
	{ CURLE_SEND_ERROR, FETCH_BODY },
	{ CURLE_FILESIZE_EXCEEDED, FETCH_TOO_LARGE },
	/* 7.88: a header line of more than 100 KB. */
	{ CURLE_OUT_OF_MEMORY, FETCH_HEADERS },
};

static void
curl_fail(struct fetch *f, CURLcode rc)
{
	const char *what = copy_what(f, f->error[0] != '\0' ? f->error : curl_easy_strerror(rc));
	enum fetch_code code = FETCH_HTTP;

	for (size_t i = 0; i < ARRAY_LEN(failures); i++)
		if (failures[i].curl == rc)
			code = failures[i].code;
	if (code == FETCH_CONNECT && f->block != NULL)
		code = FETCH_ADDRESS;
	/* A header of HTTP/1.x cannot exhaust memory before it has begun. */
	if (rc == CURLE_OUT_OF_MEMORY && f->in_body)
		f->rc = -ENOMEM;
	fetch_fail(f, code, (const struct farg[]){
	    FA_STR("host", f->url.host), FA_STR("url", f->url.text), FA_STR("what", what) }, 3);
	switch (code) {
	case FETCH_ADDRESS:
		f->args[1] = FA_STR("address", f->address);
		f->args[2] = FA_STR("block", f->block);
		break;
	case FETCH_CONNECT_TIME:
		f->args[2] = FA_U("limit", f->limits.connect_msec);
		break;
	case FETCH_TOO_LARGE:
		f->args[0] = FA_U("limit", f->limits.max_wire);
		f->args[2] = FA_MSG("what", N_("as sent"));
		break;
	case FETCH_HEADERS:
		f->args[2] = FA_U("limit", FETCH_HEADERS_BYTES_MAX);
		break;
	default:
		break;
	}
}

static void
redirect_refuse(struct fetch *f, enum fetch_code code)
{
	FAIL(f, code, FA_STR("url", f->url.text), FA_STR("to", f->location),
	    FA_U("limit", FETCH_REDIRECTS_MAX));
}

/* Judge where it leads; true: go there. */
static bool
redirect_judge(struct fetch *f)
{
	struct fetch_url to;
	const char *why = N_("it is too long");
	bool scheme = false;

	if (f->location_long ||
	    fetch_url_parse(sv_str(f->location), &f->url, &to, &why, &scheme) < 0) {
		if (scheme)
			redirect_refuse(f, FETCH_REDIRECT_SCHEME);
		else
			FAIL(f, FETCH_URL, FA_STR("url", f->location_long ? f->url.text : f->location),
			    FA_MSG("what", why));
		return false;
	}
	/* RFC 9674 section 3.2: a client does not follow to another origin. */
	if (f->same_origin && !fetch_url_same_origin(&to, &f->origin)) {
		redirect_refuse(f, FETCH_REDIRECT_ORIGIN);
		return false;
	}
	if (++f->n_redirects > FETCH_REDIRECTS_MAX) {
		redirect_refuse(f, FETCH_REDIRECT_MANY);
		return false;
	}
	f->url = to;
	return true;
}

static bool
is_redirect(const struct fetch *f)
{
	return (f->status == 301 || f->status == 302 || f->status == 303 || f->status == 307 ||
	    f->status == 308) && (f->location[0] != '\0' || f->location_long);
}

/* The status says how it ended, whatever became of the body of an error. */
static bool
status_judge(struct fetch *f)
{
	if (f->status == 200 || (f->status == 304 && f->conditional) ||
	    (f->post && f->status / 100 == 2))
		return true;
	FAIL(f, FETCH_STATUS, FA_STR("url", f->url.text), FA_U("status", f->status));
	return false;
}

static bool	hop_begin(struct fetch *);

/* libcurl is done with this hop. */
static void
hop_end(struct fetch *f, CURLcode rc)
{
	/* Its body, if any, was not wanted: that is no failure. */
	bool cut = rc == CURLE_WRITE_ERROR && f->status != 200 && f->status != 0;

	if (f->why != NULL || f->rc != 0)
		return fetch_finish(f);
	if (rc != CURLE_OK && !cut) {
		curl_fail(f, rc);
		return fetch_finish(f);
	}
	if (!f->post && is_redirect(f)) {
		(void)curl_multi_remove_handle(f->fetcher->multi, f->easy);
		if (!redirect_judge(f) || !hop_begin(f))
			fetch_finish(f);
		return;
	}
	if (!status_judge(f))
		return fetch_finish(f);
	/* All came, but the receiver has not taken all of it. */
	f->fetcher->n_running--;
	f->phase = FETCH_DRAINING;
	if (f->is_paused)
		return;
	fetch_body_end(f);
	fetch_finish(f);
}

static bool
hop_begin(struct fetch *f)
{
	struct fetcher *r = f->fetcher;

	fetch_body_reset(f);
	f->hop_started = clock_mono_usec();
	f->window_at = 0;
	f->block = NULL;
	f->error[0] = '\0';
	f->mapped = host_map_find(r->maps, r->n_maps, &f->url);
	curl_slist_free_all(f->connect_to);
	f->connect_to = f->mapped != NULL ? curl_slist_append(NULL, f->mapped->connect_to) : NULL;
	(void)curl_easy_setopt(f->easy, CURLOPT_CONNECT_TO, f->connect_to);
	(void)curl_easy_setopt(f->easy, CURLOPT_URL, f->url.text);
	if ((f->mapped != NULL && f->connect_to == NULL) ||
	    curl_multi_add_handle(r->multi, f->easy) != CURLM_OK) {
		f->rc = -ENOMEM;
		return false;
	}
	return true;
}

/* --- time --- */

static void
window_begin(struct fetch *f, int64_t now)
{
	f->window_at = now;
	f->window_bytes = f->wire + f->header_bytes;
}

/* libcurl keeps the time to connect; the rest is ours, because of pauses. */
static void
time_judge(struct fetch *f, int64_t now)
{
	uint64_t got = f->wire + f->header_bytes - f->window_bytes;
	curl_off_t ready = 0;

	if (now - f->started - f->paused > (int64_t)f->limits.total_msec * MSEC) {
		FAIL(f, FETCH_TIME, FA_STR("url", f->url.text), FA_U("limit", f->limits.total_msec),
		    FA_U("bytes", f->wire));
		return;
	}
	if (f->window_at == 0) {
		(void)curl_easy_getinfo(f->easy, CURLINFO_PRETRANSFER_TIME_T, &ready);
		if (ready > 0)
			window_begin(f, now);
		return;
	}
	if (now - f->window_at < (int64_t)f->limits.rate_msec * MSEC)
		return;
	if (got < f->limits.rate_bytes) {
		FAIL(f, FETCH_SLOW, FA_STR("url", f->url.text), FA_U("bytes", got),
		    FA_U("window", f->limits.rate_msec), FA_U("limit", f->limits.rate_bytes));
		return;
	}
	window_begin(f, now);
}

static void
on_tick(void *arg)
{
	struct fetcher *r = arg;
	int64_t now = clock_mono_usec();

	r->ticking = false;
	for (struct fetch *f = r->first; f != NULL; f = f->next)
		if (f->phase == FETCH_RUNNING && !f->is_paused && f->why == NULL)
			time_judge(f, now);
	pump_soon(r);
}

/* --- the pump: what must not happen within a callback of libcurl's --- */

static struct fetch *
find_phase(struct fetcher *r, enum fetch_phase phase)
{
	struct fetch *f = r->first;

	while (f != NULL && f->phase != phase)
		f = f->next;
	return f;
}

static void
pump_results(struct fetcher *r)
{
	CURLMsg *m;
	int left;

	while ((m = curl_multi_info_read(r->multi, &left)) != NULL) {
		struct fetch *f = NULL;

		if (m->msg != CURLMSG_DONE)
			continue;
		(void)curl_easy_getinfo(m->easy_handle, CURLINFO_PRIVATE, (char **)&f);
		if (f->phase == FETCH_RUNNING)
			hop_end(f, m->data.result);
	}
}

static void
resume(struct fetch *f)
{
	f->is_resumed = false;
	f->is_paused = false;
	f->paused += clock_mono_usec() - f->paused_at;
	f->window_at = 0;
	if (!fetch_body_drain(f))
		return fetch_finish(f);
	if (f->is_paused)
		return;
	if (f->phase == FETCH_RUNNING) {
		(void)curl_easy_pause(f->easy, CURLPAUSE_CONT);
		return;
	}
	fetch_body_end(f);
	fetch_finish(f);
}

/* One that must be resumed, or that the clock has judged; NULL: none. */
static struct fetch *
find_due(struct fetcher *r)
{
	for (struct fetch *f = r->first; f != NULL; f = f->next)
		if ((f->phase == FETCH_RUNNING && f->why != NULL) ||
		    ((f->phase == FETCH_RUNNING || f->phase == FETCH_DRAINING) && f->is_resumed))
			return f;
	return NULL;
}

static void
pump_start(struct fetcher *r)
{
	struct fetch *f;

	while (r->n_running < r->max_conns && (f = find_phase(r, FETCH_WAITING)) != NULL) {
		f->phase = FETCH_RUNNING;
		r->n_running++;
		f->started = clock_mono_usec();
		if (f->why != NULL || !hop_begin(f))
			fetch_finish(f);
	}
}

static void
on_pump(void *arg)
{
	struct fetcher *r = arg;
	struct fetch *f;

	pump_results(r);
	while ((f = find_due(r)) != NULL) {
		if (f->why != NULL)
			fetch_finish(f);
		else
			resume(f);
	}
	while ((f = find_phase(r, FETCH_DEAD)) != NULL)
		fetch_free(f);
	pump_start(r);
	/* Not again with each byte that comes: a slow server would stop the clock. */
	if (!r->ticking && find_phase(r, FETCH_RUNNING) != NULL)
		r->ticking = loop_timer_set(r->tick, TICK) >= 0;
}

void
fetch_resume(struct fetch *f)
{
	f->is_resumed = f->is_paused;
	pump_soon(f->fetcher);
}

void
fetch_cancel(struct fetch *f)
{
	if (f->phase == FETCH_RUNNING)
		f->fetcher->n_running--;
	f->phase = FETCH_DEAD;
	pump_soon(f->fetcher);
}

void
fetch_result_report(const struct fetch_result *res, struct findings *fs)
{
	if (res->why != NULL)
		finding_add_args(fs, res->why, res->args, res->n_args);
}
