/* Real sockets on the loopback; client and server share one thread. */
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../tap.h"
#include "net/net.h"

#define ANSWER_MAX	65536
#define WAIT_USEC	60000000

struct world {
	struct loop		*loop;
	struct httpd		*httpd;
	uint16_t		 port;
	struct http_conn	*held;
	bool			 mute;		/* who is held stays so */
	unsigned		 n_calls;
	char			 seen[512];
	char			 answer[ANSWER_MAX];
	size_t			 n_answer;
	struct loop_timer	*late;
};

static void
stop(void *arg)
{
	loop_stop(((struct world *)arg)->loop);
}

static void
reply_held(void *arg)
{
	struct world *w = arg;
	struct http_res res = { .status = 200 };

	buf_str(&res.body, "late");
	httpd_reply(w->held, &res);
	w->held = NULL;
}

static enum http_verdict
handle(void *arg, struct http_conn *conn, const struct http_req *req, struct http_res *res)
{
	struct world *w = arg;
	struct sv a = http_query(req, "a"), host = req->headers[HTTP_HOST];

	w->n_calls++;
	(void)snprintf(w->seen, sizeof(w->seen), "%d %.*s a=%.*s host=%.*s",
	    req->head, SV_ARG(req->path), SV_ARG(a), SV_ARG(host));
	if (sv_eq(req->path, SV("/hold"))) {
		w->held = conn;
		w->late = loop_timer_add(w->loop, reply_held, w);
		if (!w->mute)
			(void)loop_timer_set(w->late, 20000);
		return HTTP_HOLD;
	}
	res->status = 200;
	http_res_header(res, "X-Test", "yes");
	if (sv_eq(req->path, SV("/fixed")))
		res->fixed = SV("constant");
	else
		buf_str(&res->body, "hello");
	return HTTP_DONE;
}

static void
on_answer(void *arg, int fd, unsigned what UNUSED)
{
	struct world *w = arg;
	ssize_t n = read(fd, w->answer + w->n_answer, ANSWER_MAX - 1 - w->n_answer);

	if (n > 0)
		w->n_answer += (size_t)n;
	w->answer[w->n_answer] = '\0';
	if (n <= 0)
		loop_stop(w->loop);
}

/* Send bytes as they are and read until the server closes. */
static const char *
exchange(struct world *w, struct sv text)
{
	struct sockaddr_in sa = { .sin_family = AF_INET, .sin_port = htons(w->port),
	    .sin_addr = { htonl(INADDR_LOOPBACK) } };
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	struct loop_timer *limit = loop_timer_add(w->loop, stop, w);
	struct loop_io *io;

	w->n_answer = 0;
	w->answer[0] = w->seen[0] = '\0';
	assert_int_equal(connect(fd, (struct sockaddr *)&sa, sizeof(sa)), 0);
	assert_int_equal(write(fd, text.p, text.n), (ssize_t)text.n);
	io = loop_io_add(w->loop, fd, LOOP_READ, on_answer, w);
	(void)loop_timer_set(limit, WAIT_USEC);
	(void)loop_run(w->loop);
	(void)loop_io_del(io);
	(void)loop_timer_del(limit);
	(void)close(fd);
	return w->answer;
}

static int
setup(void **state)
{
	struct world *w = calloc(1, sizeof(*w));
	struct sockaddr_in sa = { .sin_family = AF_INET,
	    .sin_addr = { htonl(INADDR_LOOPBACK) } };
	socklen_t n = sizeof(sa);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);

	w->loop = loop_new();
	if (bind(fd, (struct sockaddr *)&sa, n) < 0 || listen(fd, 8) < 0 ||
	    getsockname(fd, (struct sockaddr *)&sa, &n) < 0)
		return -1;
	w->port = ntohs(sa.sin_port);
	*state = w;
	return httpd_new(w->loop, fd, handle, w, &w->httpd);
}

static int
teardown(void **state)
{
	struct world *w = *state;

	w->httpd = httpd_free(w->httpd);
	(void)loop_timer_del(w->late);
	(void)loop_free(w->loop);
	free(w);
	return 0;
}

#define TAIL	"Host: h\r\nConnection: close\r\n\r\n"

static bool
status_is(const char *answer, const char *status)
{
	return sv_starts(sv_skip(sv_str(answer), 9), sv_str(status));
}

static void
answers(void **state)
{
	struct world *w = *state;
	const char *a = exchange(w, SV("GET /x%20y?a=1%2B2&b=%E9%96%A2 HTTP/1.1\r\n" TAIL));

	assert_true(status_is(a, "200") && strstr(a, "X-Test: yes") != NULL);
	assert_true(sv_ends(sv_str(a), SV("\r\n\r\nhello")));
	assert_string_equal(w->seen, "0 /x y a=1+2 host=h");
	a = exchange(w, SV("GET /fixed HTTP/1.1\r\n" TAIL));
	assert_true(sv_ends(sv_str(a), SV("\r\n\r\nconstant")));
}

static void
head_has_no_body(void **state)
{
	struct world *w = *state;
	const char *a = exchange(w, SV("HEAD / HTTP/1.1\r\n" TAIL));

	assert_true(status_is(a, "200") && strstr(a, "Content-Length: 5") != NULL);
	assert_true(sv_ends(sv_str(a), SV("\r\n\r\n")));
	assert_true(w->seen[0] == '1');
}

static void
keeps_alive(void **state)
{
	struct world *w = *state;

	(void)exchange(w, SV("GET / HTTP/1.1\r\nHost: h\r\n\r\nGET / HTTP/1.1\r\n" TAIL));
	assert_int_equal(w->n_calls, 2);
}

static void
holds(void **state)
{
	struct world *w = *state;
	const char *a = exchange(w, SV("GET /hold HTTP/1.1\r\n" TAIL));

	assert_true(status_is(a, "200") && sv_ends(sv_str(a), SV("late")));
}

/* The server ends while a question is open: no answer, no leak. */
static void
ends_while_held(void **state)
{
	struct world *w = *state;
	struct sockaddr_in sa = { .sin_family = AF_INET, .sin_port = htons(w->port),
	    .sin_addr = { htonl(INADDR_LOOPBACK) } };
	struct loop_timer *limit = loop_timer_add(w->loop, stop, w);
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	assert_int_equal(connect(fd, (struct sockaddr *)&sa, sizeof(sa)), 0);
	assert_true(write(fd, "GET /hold HTTP/1.1\r\n" TAIL, 20 + sizeof(TAIL) - 1) > 0);
	w->mute = true;
	for (int i = 0; i < 6000 && w->held == NULL; i++) {
		(void)loop_timer_set(limit, 10000);
		(void)loop_run(w->loop);
	}
	assert_non_null(w->held);
	(void)loop_timer_del(limit);
	(void)close(fd);
}

static void
refuses(void **state)
{
	static const struct {
		struct sv	 text;
		const char	*status;
	} rows[] = {
		{ SV("POST / HTTP/1.1\r\nContent-Length: 1\r\n" TAIL "x"), "405" },
		{ SV("DELETE / HTTP/1.1\r\n" TAIL), "405" },
		{ SV("OPTIONS / HTTP/1.1\r\n" TAIL), "405" },
		{ SV("GET / HTTP/1.1\r\nContent-Length: 5\r\n" TAIL "hello"), "400" },
		{ SV("GET / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n" TAIL "0\r\n\r\n"), "400" },
		{ SV("GET /?a=1&a=2 HTTP/1.1\r\n" TAIL), "400" },
		{ SV("GET /?a=%00 HTTP/1.1\r\n" TAIL), "400" },
		{ SV("GET /?a=%ff HTTP/1.1\r\n" TAIL), "400" },
		{ SV("GET /%ff HTTP/1.1\r\n" TAIL), "400" },
		{ SV("GET / HTTP/1.1\r\nHost: evil\r\n" TAIL), "400" },
		{ SV("GET /?a=1&b=1&c=1&d=1&e=1&f=1&g=1&h=1&i=1 HTTP/1.1\r\n" TAIL), "400" },
	};
	struct world *w = *state;

	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		if (!status_is(exchange(w, rows[i].text), rows[i].status))
			fail_msg("row %zu: %.60s", i, w->answer);
	assert_int_equal(w->n_calls, 0);
}

static void
bounds(void **state)
{
	struct world *w = *state;
	static char text[2 * HTTPD_CONN_MEM];
	struct buf b = BUF_INIT;

	memset(text, 'a', sizeof(text));
	buf_printf(&b, "GET /%.*s HTTP/1.1\r\n" TAIL, HTTP_PATH_MAX, text);
	assert_true(status_is(exchange(w, buf_get(&b)), "414"));
	b.len = 0;
	buf_printf(&b, "GET /?a=%.*s HTTP/1.1\r\n" TAIL, HTTP_VALUE_MAX + 1, text);
	assert_true(status_is(exchange(w, buf_get(&b)), "400"));
	b.len = 0;
	buf_str(&b, "GET / HTTP/1.1\r\nX: ");
	buf_bytes(&b, text, sizeof(text));
	buf_str(&b, "\r\n" TAIL);
	assert_true(status_is(exchange(w, buf_get(&b)), "431"));
	assert_int_equal(w->n_calls, 0);
	buf_done(&b);
}

#define W(fn)	cmocka_unit_test_setup_teardown(fn, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		W(answers), W(head_has_no_body), W(keeps_alive), W(holds),
		W(ends_while_held), W(refuses), W(bounds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
