/* The queue of questions: one out at a time, a few wait, each has its time. */
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "../tap.h"
#include "app/web_server.h"

#define CLIENTS_MAX	(WEB_QUEUE_MAX + 4)
#define HOUSE(ready)	SV("{\"roles\":[{\"name\":\"validate\",\"ready\":" ready "}]}")

struct client {
	struct world	*w;
	int		 fd;
	struct loop_io	*io;
	unsigned	 status;	/* 0: no answer yet */
};

struct world {
	struct loop		*loop;
	struct web_server	*ws;
	struct loop_timer	*timer;
	uint16_t		 port;
	unsigned		 n_asked;
	uint32_t		 last_id;
	char			 subject[64];
	bool			 nobody;
	struct client		 clients[CLIENTS_MAX];
};

static int64_t
now(void *arg UNUSED)
{
	return 1795000000;
}

static int
ask(void *arg, uint32_t id, enum lang lang UNUSED, struct sv subject)
{
	struct world *w = arg;

	if (w->nobody)
		return -1;
	w->n_asked++;
	w->last_id = id;
	(void)snprintf(w->subject, sizeof(w->subject), "%.*s", SV_ARG(subject));
	return 0;
}

static void
on_stop(void *arg)
{
	loop_stop(((struct world *)arg)->loop);
}

/* Let the loop run for a moment. */
static void
pass(struct world *w, int msec)
{
	(void)loop_timer_set(w->timer, (int64_t)msec * 1000);
	(void)loop_run(w->loop);
}

/* Until *what is at least n; a loaded machine may take its time. */
static void
until(struct world *w, const unsigned *what, unsigned n)
{
	for (int i = 0; i < 12000 && *what < n; i++)
		pass(w, 5);
	assert_true(*what >= n);
}

static void
on_answer(void *arg, int fd, unsigned what UNUSED)
{
	struct client *c = arg;
	char text[4096];
	ssize_t n = read(fd, text, sizeof(text));
	uint32_t status;

	if (n > 12 && num_u32((struct sv){ text + 9, 3 }, 100, 599, &status) == 0)
		c->status = status;
	if (n <= 0)
		c->io = loop_io_del(c->io);
}

static struct client *
client(struct world *w, unsigned i)
{
	static const char text[] = "GET /api/v1/explain?subject=AS%u HTTP/1.1\r\n"
	    "Host: localhost\r\nConnection: close\r\n\r\n";
	struct sockaddr_in sa = { .sin_family = AF_INET, .sin_port = htons(w->port),
	    .sin_addr = { htonl(INADDR_LOOPBACK) } };
	struct client *c = &w->clients[i];
	char buf[256];
	int n = snprintf(buf, sizeof(buf), text, i);

	c->w = w;
	c->fd = socket(AF_INET, SOCK_STREAM, 0);
	assert_int_equal(connect(c->fd, (struct sockaddr *)&sa, sizeof(sa)), 0);
	assert_int_equal(write(c->fd, buf, (size_t)n), n);
	c->io = loop_io_add(w->loop, c->fd, LOOP_READ, on_answer, c);
	return c;
}

static int
setup_in(void **state, int64_t ask_usec)
{
	struct world *w = calloc(1, sizeof(*w));
	const struct web_server_ops ops = { .now = now, .ask = ask, .arg = w,
	    .ask_usec = ask_usec };
	struct sockaddr_in sa = { .sin_family = AF_INET,
	    .sin_addr = { htonl(INADDR_LOOPBACK) } };
	socklen_t n = sizeof(sa);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);

	if (bind(fd, (struct sockaddr *)&sa, n) < 0 || listen(fd, 64) < 0 ||
	    getsockname(fd, (struct sockaddr *)&sa, &n) < 0)
		return -1;
	w->port = ntohs(sa.sin_port);
	w->loop = loop_new();
	w->timer = loop_timer_add(w->loop, on_stop, w);
	*state = w;
	if (web_server_new(w->loop, &ops, &w->ws) < 0)
		return -1;
	return web_server_listen(w->ws, fd, SV("127.0.0.1:1"));
}

static int
setup(void **state)
{
	return setup_in(state, 0);
}

static int
setup_hasty(void **state)
{
	return setup_in(state, 100000);
}

static int
teardown(void **state)
{
	struct world *w = *state;

	for (unsigned i = 0; i < CLIENTS_MAX; i++) {
		(void)loop_io_del(w->clients[i].io);
		if (w->clients[i].w != NULL)
			(void)close(w->clients[i].fd);
	}
	w->ws = web_server_free(w->ws);
	(void)loop_timer_del(w->timer);
	(void)loop_free(w->loop);
	free(w);
	return 0;
}

static void
one_at_a_time(void **state)
{
	struct world *w = *state;
	struct client *a = client(w, 0), *b;

	until(w, &w->n_asked, 1);
	b = client(w, 1);
	pass(w, 40);
	assert_int_equal(w->n_asked, 1);
	assert_string_equal(w->subject, "AS0");
	/* What the life before us was told was asked under another number. */
	for (uint32_t id = 0; id < 10; id++)
		web_server_answer(w->ws, id, 0, SV("{}"));
	pass(w, 40);
	assert_int_equal(a->status, 0);
	web_server_answer(w->ws, w->last_id, 0, SV("{}"));
	until(w, &a->status, 1);
	assert_int_equal(a->status, 200);
	assert_int_equal(b->status, 0);
	until(w, &w->n_asked, 2);
	assert_string_equal(w->subject, "AS1");
	web_server_answer(w->ws, w->last_id, 3, SV("{}"));
	until(w, &b->status, 1);
	assert_int_equal(b->status, 502);
}

static void
times_out(void **state)
{
	struct world *w = *state;
	struct client *a = client(w, 0);

	until(w, &a->status, 1);
	assert_int_equal(a->status, 504);
	assert_int_equal(w->n_asked, 1);
}

static void
bounded(void **state)
{
	struct world *w = *state;
	unsigned busy = 0;

	for (unsigned i = 0; i < CLIENTS_MAX; i++)
		(void)client(w, i);
	for (int turn = 0; turn < 12000 && busy < CLIENTS_MAX - WEB_QUEUE_MAX; turn++) {
		pass(w, 5);
		busy = 0;
		for (unsigned i = 0; i < CLIENTS_MAX; i++)
			busy += w->clients[i].status == 503;
	}
	assert_int_equal(busy, CLIENTS_MAX - WEB_QUEUE_MAX);
	assert_int_equal(w->n_asked, 1);
}

static void
nobody_there(void **state)
{
	struct world *w = *state;
	struct client *a = client(w, 0);

	w->nobody = true;
	until(w, &a->status, 1);
	assert_int_equal(a->status, 502);
}

/* The validator dies with the question and is started again. */
static void
asked_again(void **state)
{
	struct world *w = *state;
	struct client *a = client(w, 0);
	uint32_t first;

	until(w, &w->n_asked, 1);
	first = w->last_id;
	assert_int_equal(web_server_house(w->ws, HOUSE("false")), 0);
	pass(w, 40);
	assert_int_equal(w->n_asked, 1);
	assert_int_equal(web_server_house(w->ws, HOUSE("true")), 0);
	assert_int_equal(w->n_asked, 2);
	web_server_answer(w->ws, first, 0, SV("{}"));	/* of the dead one: ignored */
	pass(w, 20);
	assert_int_equal(a->status, 0);
	web_server_answer(w->ws, w->last_id, 0, SV("{}"));
	until(w, &a->status, 1);
	assert_int_equal(a->status, 200);
	assert_true(web_server_house(w->ws, SV("[]")) < 0);
	assert_true(web_server_routers(w->ws, SV("")) < 0);
	assert_true(web_server_history(w->ws, SV("[]")) < 0);
	assert_int_equal(web_server_history(w->ws, SV("{}")), 0);
}

#define W(fn)	cmocka_unit_test_setup_teardown(fn, setup, teardown)
#define H(fn)	cmocka_unit_test_setup_teardown(fn, setup_hasty, teardown)

TESTS_MAIN("app-web-server",
    W(one_at_a_time), H(times_out), W(bounded), W(nobody_there), W(asked_again))
