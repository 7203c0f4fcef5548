/* Messages to an SMTP server by libcurl; smtp.h tells the story. */
#include <curl/curl.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/err.h"
#include "base/hash.h"
#include "net/smtp.h"
#include "sys/clock.h"
#include "sys/net_tcp.h"
#include "sys/stream.h"

#define USEC		1000000
#define URL_LEN		512
#define PROXY_LEN	108	/* of a PROXY line, with its CRLF (section 2.1 of its description) */
#define PORT_FIRST	32768	/* ports of clients: any will do */
#define POLL_MSEC	100
#define CONNECT_MSEC	5000
#define CONNECT_SEC	10L	/* plain */

struct smtp_slot {
	CURL			*easy;
	struct smtp_run		*run;
	struct curl_slist	*to;
	struct smtp_mail	 mail;
	size_t			 off;		/* of its text: read so far */
	int64_t			 begun;
	bool			 busy;
	enum smtp_stage		 stage;
	char			 url[URL_LEN];
	char			 reply[SMTP_REPLY_MAX];
	char			 error[CURL_ERROR_SIZE];
};

struct smtp_run {
	const struct smtp_conf	*conf;
	const struct smtp_calls	*calls;
	struct sockaddr_storage	 server;
	unsigned		 server_len;
	CURLM			*multi;
	struct curl_slist	*connect_to;
	struct smtp_slot	*slots;
	unsigned		 n_busy, n_sockets;
	uint64_t		 n_begun;
	int64_t			 begun;
	bool			 is_dry;	/* next() has no more */
};

/* --- the socket --- */

static int
proxy_write(char ret[static PROXY_LEN], const struct ip_prefix *client, unsigned n)
{
	char addr[IP_ADDR_STRLEN];
	bool v4 = client->af == IP_V4;

	return snprintf(ret, PROXY_LEN, "PROXY %s %s %s %u 25\r\n", v4 ? "TCP4" : "TCP6",
	    ip_addr_str(client->addr, client->af, addr), v4 ? "127.0.0.1" : "::1",
	    PORT_FIRST + n % 32000);
}

/*
 * libcurl 7.88 connects a socket that is CURL_SOCKOPT_ALREADY_CONNECTED once more, which fails
 * (EISCONN); later ones do not (Debian 12 has 7.88.1; seen 2026-11-23). On a socket that began to
 * connect without blocking, one more connect() says 0 when it has come through, so both are
 * content.
 */
static bool
socket_connect(const struct smtp_run *r, int fd)
{
	if (connect(fd, (const struct sockaddr *)&r->server, r->server_len) < 0 &&
	    errno != EINPROGRESS)
		return false;
	return tcp_wait(fd, true, CONNECT_MSEC) == 0 && tcp_dialled(fd) == 0;
}

/* A PROXY line fits into any socket's buffer: it goes in one piece, or not at all. */
static curl_socket_t
on_socket(void *arg, curlsocktype purpose UNUSED, struct curl_sockaddr *a UNUSED)
{
	struct smtp_slot *s = arg;
	const struct smtp_run *r = s->run;
	char line[PROXY_LEN];
	int n = proxy_write(line, &s->mail.client, s->run->n_sockets++);
	int fd = socket(r->server.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd < 0)
		return CURL_SOCKET_BAD;
	if (socket_connect(r, fd) && send(fd, line, (size_t)n, MSG_NOSIGNAL) == n)
		return fd;
	(void)close(fd);
	return CURL_SOCKET_BAD;
}

static int
on_socket_made(void *arg UNUSED, curl_socket_t fd UNUSED, curlsocktype purpose UNUSED)
{
	return CURL_SOCKOPT_ALREADY_CONNECTED;
}

static bool
is_loopback(const struct sockaddr_storage *ss)
{
	struct ip_prefix host = tcp_host_of(ss);
	static const uint8_t one[16] = { [15] = 1 };

	return host.af == IP_V4 ? host.addr[0] == 127 : memcmp(host.addr, one, sizeof(one)) == 0;
}

/* --- one message --- */

static size_t
on_read(char *p, size_t size, size_t n, void *arg)
{
	struct smtp_slot *s = arg;
	struct sv part = sv_take(sv_skip(s->mail.text, s->off), size * n);

	if (part.n > 0)
		memcpy(p, part.p, part.n);
	s->off += part.n;
	return part.n;
}

/* The last line of a reply that says no, or of any. */
static size_t
on_line(char *p, size_t size, size_t n, void *arg)
{
	struct smtp_slot *s = arg;
	struct sv line = sv_trim((struct sv){ p, size * n });
	bool refused = s->reply[0] == '4' || s->reply[0] == '5';

	if (!refused || (line.n > 0 && (line.p[0] == '4' || line.p[0] == '5')))
		(void)snprintf(s->reply, sizeof(s->reply), "%.*s", SV_ARG(sv_take(line,
		    sizeof(s->reply) - 1)));
	return size * n;
}

/* The last command that was sent: what the reply is about. */
static int
on_debug(CURL *e UNUSED, curl_infotype type, char *p, size_t n, void *arg)
{
	static const struct {
		struct sv	verb;
		enum smtp_stage	stage;
	} verbs[] = {
		{ { "EHLO", 4 }, SMTP_HELLO }, { { "HELO", 4 }, SMTP_HELLO },
		{ { "MAIL", 4 }, SMTP_SENDER }, { { "RCPT", 4 }, SMTP_RECIPIENT },
		{ { "DATA", 4 }, SMTP_TEXT },
	};
	struct smtp_slot *s = arg;

	if (type == CURLINFO_HEADER_IN && s->stage == SMTP_SILENT)
		s->stage = SMTP_HELLO;
	for (size_t i = 0; type == CURLINFO_HEADER_OUT && i < ARRAY_LEN(verbs); i++)
		if (s->stage != SMTP_SILENT && sv_starts((struct sv){ p, n }, verbs[i].verb))
			s->stage = verbs[i].stage;
	return 0;
}

/* A name for each (client, HELO): smtp.h says why. */
static void
url_make(struct smtp_slot *s)
{
	uint64_t h = hash_bytes(&s->mail.client.addr, sizeof(s->mail.client.addr));

	if (s->run->conf->plain) {
		(void)snprintf(s->url, sizeof(s->url), "smtp://%s/%s", s->run->conf->server,
		    s->mail.helo);
		return;
	}
	h ^= hash_bytes(s->mail.helo, strlen(s->mail.helo)) * 3;
	(void)snprintf(s->url, sizeof(s->url), "smtp://c%016llx.lab.invalid:25/%s",
	    (unsigned long long)h,
	    s->mail.helo);
}

static int
slot_set(struct smtp_slot *s)
{
	CURL *e = s->easy;

	for (size_t i = 0; i < s->mail.n_to; i++) {
		struct curl_slist *l = curl_slist_append(s->to, s->mail.to[i]);

		if (l == NULL)
			return -ENOMEM;
		s->to = l;
	}
	url_make(s);
	if (curl_easy_setopt(e, CURLOPT_URL, s->url) != CURLE_OK ||
	    curl_easy_setopt(e, CURLOPT_MAIL_FROM, s->mail.sender) != CURLE_OK ||
	    curl_easy_setopt(e, CURLOPT_MAIL_RCPT, s->to) != CURLE_OK ||
	    curl_easy_setopt(e, CURLOPT_INFILESIZE_LARGE, (curl_off_t)s->mail.text.n) != CURLE_OK)
		return -ENOMEM;
	return 0;
}

static int
slot_begin(struct smtp_slot *s)
{
	int rc;

	s->off = 0;
	s->stage = SMTP_SILENT;
	s->reply[0] = s->error[0] = '\0';
	s->begun = clock_mono_usec();
	curl_slist_free_all(s->to);
	s->to = NULL;
	if ((rc = slot_set(s)) < 0)
		return rc;
	if (curl_multi_add_handle(s->run->multi, s->easy) != CURLM_OK)
		return -ENOMEM;
	s->busy = true;
	s->run->n_busy++;
	s->run->n_begun++;
	return 0;
}

/* libcurl ends a connection with QUIT and waits two minutes for the answer (7.88): not of one that hangs. */
static void
slot_hang_up(struct smtp_slot *s)
{
	curl_socket_t fd = CURL_SOCKET_BAD;

	if (curl_easy_getinfo(s->easy, CURLINFO_ACTIVESOCKET, &fd) == CURLE_OK && fd != CURL_SOCKET_BAD)
		(void)shutdown(fd, SHUT_RDWR);
}

static void
slot_end(struct smtp_slot *s, CURLcode code)
{
	struct smtp_result res = { .usec = clock_mono_usec() - s->begun };
	long reply = 0;
	bool is_told;

	(void)curl_easy_getinfo(s->easy, CURLINFO_RESPONSE_CODE, &reply);
	if (code == CURLE_OPERATION_TIMEDOUT)
		slot_hang_up(s);
	(void)curl_multi_remove_handle(s->run->multi, s->easy);
	s->busy = false;
	s->run->n_busy--;
	res.accepted = code == CURLE_OK;
	res.stage = s->stage;
	if (res.accepted)
		res.reply = 250;
	else if (reply >= 400 && reply < 600)
		res.reply = (unsigned)reply;
	/* Of a connection that we made ourselves libcurl's own text names another port. */
	is_told = s->error[0] != '\0' && (s->run->conf->plain || code != CURLE_COULDNT_CONNECT);
	res.text = sv_str(res.reply > 0 ? s->reply : is_told ? s->error : curl_easy_strerror(code));
	s->run->calls->done(s->run->calls->arg, &s->mail, &res);
}

/* Whose connection it is. */
static int
slot_init_way(struct smtp_slot *s)
{
	CURL *e = s->easy;

	if (s->run->conf->plain)
		return curl_easy_setopt(e, CURLOPT_CONNECTTIMEOUT, CONNECT_SEC) == CURLE_OK ? 0 : -ENOMEM;
	if (curl_easy_setopt(e, CURLOPT_CONNECT_TO, s->run->connect_to) != CURLE_OK ||
	    curl_easy_setopt(e, CURLOPT_OPENSOCKETFUNCTION, on_socket) != CURLE_OK ||
	    curl_easy_setopt(e, CURLOPT_OPENSOCKETDATA, s) != CURLE_OK ||
	    curl_easy_setopt(e, CURLOPT_SOCKOPTFUNCTION, on_socket_made) != CURLE_OK)
		return -ENOMEM;
	return 0;
}

static int
slot_init(struct smtp_slot *s, struct smtp_run *r)
{
	CURL *e = s->easy = curl_easy_init();

	s->run = r;
	if (e == NULL)
		return -ENOMEM;
	if (curl_easy_setopt(e, CURLOPT_UPLOAD, 1L) != CURLE_OK ||
	    curl_easy_setopt(e, CURLOPT_PROTOCOLS_STR, "smtp") != CURLE_OK ||
	    curl_easy_setopt(e, CURLOPT_PROXY, "") != CURLE_OK ||
	    curl_easy_setopt(e, CURLOPT_NOSIGNAL, 1L) != CURLE_OK ||
	    curl_easy_setopt(e, CURLOPT_TIMEOUT, (long)r->conf->timeout_sec) != CURLE_OK ||
	    curl_easy_setopt(e, CURLOPT_VERBOSE, 1L) != CURLE_OK ||
	    curl_easy_setopt(e, CURLOPT_DEBUGFUNCTION, on_debug) != CURLE_OK ||
	    curl_easy_setopt(e, CURLOPT_DEBUGDATA, s) != CURLE_OK ||
	    curl_easy_setopt(e, CURLOPT_READFUNCTION, on_read) != CURLE_OK ||
	    curl_easy_setopt(e, CURLOPT_READDATA, s) != CURLE_OK ||
	    curl_easy_setopt(e, CURLOPT_HEADERFUNCTION, on_line) != CURLE_OK ||
	    curl_easy_setopt(e, CURLOPT_HEADERDATA, s) != CURLE_OK ||
	    curl_easy_setopt(e, CURLOPT_ERRORBUFFER, s->error) != CURLE_OK ||
	    curl_easy_setopt(e, CURLOPT_PRIVATE, s) != CURLE_OK)
		return -ENOMEM;
	return slot_init_way(s);
}

/* --- all of them --- */

/* Microseconds until the next one may begin. */
static int64_t
turn_in(const struct smtp_run *r)
{
	int64_t due;

	if (r->conf->rate == 0)
		return 0;
	due = r->begun + (int64_t)(r->n_begun * USEC / r->conf->rate);
	return max_i64(0, due - clock_mono_usec());
}

static int
fill(struct smtp_run *r)
{
	int rc = 0;

	for (unsigned i = 0; i < r->conf->parallel && rc == 0 && !r->is_dry; i++) {
		struct smtp_slot *s = &r->slots[i];

		if (s->busy)
			continue;
		if (turn_in(r) > 0)
			break;
		s->mail = (struct smtp_mail){ 0 };
		if (!r->calls->next(r->calls->arg, i, &s->mail))
			r->is_dry = true;
		else
			rc = slot_begin(s);
	}
	return rc;
}

static void
reap(struct smtp_run *r)
{
	CURLMsg *m;
	int left;

	while ((m = curl_multi_info_read(r->multi, &left)) != NULL) {
		CURLcode code = m->data.result;
		char *slot = NULL;

		if (m->msg != CURLMSG_DONE || curl_easy_getinfo(m->easy_handle, CURLINFO_PRIVATE,
		    &slot) != CURLE_OK)
			continue;
		slot_end((struct smtp_slot *)(void *)slot, code);
	}
}

static int
go(struct smtp_run *r)
{
	int rc = 0, running;

	r->begun = clock_mono_usec();
	while ((rc = fill(r)) == 0 && (r->n_busy > 0 || !r->is_dry)) {
		int64_t wait = r->is_dry || r->n_busy == r->conf->parallel ? POLL_MSEC :
		    (turn_in(r) + 999) / 1000;

		if (curl_multi_perform(r->multi, &running) != CURLM_OK ||
		    ((unsigned)running == r->n_busy && curl_multi_poll(r->multi, NULL, 0,
		    (int)min_i64(wait, POLL_MSEC), NULL) != CURLM_OK))
			return -EIO;
		reap(r);
	}
	return rc;
}

static int
run_init(struct smtp_run *r)
{
	int rc;

	if (!r->conf->plain && (rc = tcp_address(r->conf->server, &r->server, &r->server_len)) < 0)
		return rc;
	if (!r->conf->plain && !r->conf->anywhere && !is_loopback(&r->server))
		return -EPERM;
	/* A name that nobody looks up: the address is not used. */
	r->connect_to = curl_slist_append(NULL, "::127.0.0.1:25");
	r->slots = calloc(r->conf->parallel, sizeof(r->slots[0]));
	if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK || (r->multi =
	    curl_multi_init()) == NULL ||
	    r->connect_to == NULL || r->slots == NULL)
		return -ENOMEM;
	if (curl_multi_setopt(r->multi, CURLMOPT_MAXCONNECTS, (long)r->conf->parallel) != CURLM_OK)
		return -ENOMEM;
	for (unsigned i = 0; i < r->conf->parallel; i++)
		if ((rc = slot_init(&r->slots[i], r)) < 0)
			return rc;
	return 0;
}

static void
run_done(struct smtp_run *r)
{
	for (unsigned i = 0; r->slots != NULL && i < r->conf->parallel; i++) {
		if (r->slots[i].busy)
			(void)curl_multi_remove_handle(r->multi, r->slots[i].easy);
		curl_easy_cleanup(r->slots[i].easy);
		curl_slist_free_all(r->slots[i].to);
	}
	free(r->slots);
	(void)curl_multi_cleanup(r->multi);
	curl_slist_free_all(r->connect_to);
}

int
smtp_run(const struct smtp_conf *conf, const struct smtp_calls *calls)
{
	struct smtp_run r = { .conf = conf, .calls = calls };
	int rc = conf->parallel > 0 ? run_init(&r) : -EINVAL;

	if (rc == 0)
		rc = go(&r);
	run_done(&r);
	return rc;
}
