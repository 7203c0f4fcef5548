/* Connections of secondaries: slow ones go, others are served meanwhile, and no flood keeps anybody out. */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "kit.h"

#include "sys/clock.h"

static int64_t fake_usec = 1000000;

static int64_t
fake_mono(void)
{
	return fake_usec;
}
#define clock_mono_usec fake_mono
#include "../../../src/role/zone_out.c"
#undef clock_mono_usec

#define MESSAGE	16000

/* --- what is answered: to 'A' a zone without end, to 'S' ten octets --- */

static unsigned n_made;

bool
zone_question_judge(struct zone_question *q, struct sv wire)
{
	if (wire.n == 0 || (wire.p[0] != 'A' && wire.p[0] != 'S'))
		return false;
	q->out = wire.p[0] == 'A' ? (struct xfr_out *)(uintptr_t)&n_made : NULL;
	return true;
}

int
zone_question_answer(struct zone_question *q, uint8_t *buf, size_t cap, size_t *ret_len)
{
	*ret_len = q->out != NULL ? MESSAGE : 10;
	assert_true(cap >= *ret_len);
	memset(buf, q->out != NULL ? 'a' : 's', *ret_len);
	n_made++;
	return 1;
}

void
zone_question_done(struct zone_question *q)
{
	*q = (struct zone_question){ .zr = q->zr, .from = q->from };
}

/* --- a server, and its clients --- */

static struct role role;
static struct zone_role zr;
static struct loop_timer *pause_timer;
static struct tcp_name place;

static void
pause_over(void *arg UNUSED)
{
	loop_stop(role.loop);
}

/* The loop goes round for so long. */
static void
spin(unsigned msec)
{
	assert_int_equal(loop_timer_set(pause_timer, msec * 1000), 0);
	assert_int_equal(loop_run(role.loop), 0);
}

static int
setup(void **st UNUSED)
{
	const struct rlimit files = { 2048, 2048 };
	struct msg_listen m = { .udp = 0 };

	(void)setrlimit(RLIMIT_NOFILE, &files);
	fake_usec = 1000000;
	role.loop = loop_new();
	zr = (struct zone_role){ .role = &role };
	assert_int_equal(tcp_listen("127.0.0.1:0", &m.sock, &place), 0);
	assert_int_equal(zone_out_init(&zr), 0);
	assert_int_equal(zone_out_listen(&zr, &m), 0);
	pause_timer = loop_timer_add(role.loop, pause_over, NULL);
	return 0;
}

static int
teardown(void **st UNUSED)
{
	while (zr.server->conns != NULL)
		conn_free(zr.server->conns);
	(void)loop_io_del(zr.server->places[0].io);
	close(zr.server->places[0].fd);
	free(zr.server);
	(void)tsig_seen_free(zr.seen);
	(void)loop_timer_del(pause_timer);
	role.loop = loop_free(role.loop);
	return 0;
}

/* From 127.0.0.n; with a small buffer there is less on the way. */
static int
dial(unsigned n)
{
	struct sockaddr_in us = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(0x7f000000 + n) };
	struct sockaddr_storage to;
	socklen_t len = sizeof(to);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), size = 4096;

	assert_true(fd >= 0);
	assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size)), 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&us, sizeof(us)), 0);
	assert_int_equal(getsockname(zr.server->places[0].fd, (struct sockaddr *)&to, &len), 0);
	assert_true(connect(fd, (struct sockaddr *)&to, len) == 0 || errno == EINPROGRESS);
	spin(2);
	return fd;
}

static void
ask(int fd, char what)
{
	const char m[] = { 0, 1, what };

	assert_int_equal(send(fd, m, sizeof(m), MSG_NOSIGNAL), sizeof(m));
	spin(2);
}

/* Octets that were there, at most max; negative: the connection is no more. */
static long
take(int fd, size_t max)
{
	static char room[1 << 16];
	size_t n = 0;

	while (n < max) {
		ssize_t got = recv(fd, room, min_size(max - n, sizeof(room)), 0);

		if (got < 0 && errno == EAGAIN)
			return (long)n;
		if (got <= 0)
			return n > 0 ? (long)n : -1;
		n += (size_t)got;
	}
	return (long)n;
}

static void
look(unsigned sec)
{
	fake_usec += (int64_t)sec * 1000000;
	zone_out_look(&zr);
}

/* --- tests --- */

static const struct conn *
busy(void)
{
	const struct conn *c = zr.server->conns;

	while (c != NULL && !c->busy)
		c = c->next;
	return c;
}

/*
 * Others are served meanwhile. How long the busy one had taken nothing when it was closed; that
 * its system takes a last octet late, in the time of the machine, is no reason to close it.
 */
static int64_t
gone_after(int other, int quick)
{
	const struct conn *c;
	int64_t moved = 0;

	for (unsigned n = 0; n < 100 && (c = busy()) != NULL; n++) {
		moved = c->moved;
		look(fake_usec - moved < IDLE_SEC * INT64_C(1000000) ? 5 : 1);
		assert_true(busy() == NULL || fake_usec - c->moved <= IDLE_SEC * INT64_C(1000000));
		ask(other, 'S');
		assert_int_equal(take(other, 100), 12);
		ask(quick, 'S');
		assert_int_equal(take(quick, 100), 12);
	}
	assert_null(busy());
	return fake_usec - moved;
}

static void
who_takes_nothing(void **st UNUSED)
{
	int stuck = dial(1), other = dial(2), quick = dial(3);
	unsigned made;
	long n = 0;

	ask(stuck, 'A');
	spin(20);
	made = n_made;
	spin(20);
	/* Its buffers are full: nothing more is made for it, and all that it holds is one message. */
	assert_int_equal(n_made, made);
	assert_true(zr.server->conns->stream.out_cap <= DNS_MSG_MAX);
	assert_true(gone_after(other, quick) > IDLE_SEC * INT64_C(1000000));
	assert_int_equal(zr.server->n_conns, 2);
	assert_int_equal(zr.server->n_dropped, 1);
	ask(quick, 'A');
	for (unsigned i = 0; i < 1000 && n < 1000000; i++) {
		n += take(quick, 1 << 16);
		spin(1);
	}
	assert_true(n >= 1000000);
	close(stuck);
	close(other);
	close(quick);
}

/* Who takes so many octets in a second for so long; how long it was let. */
static unsigned
taking(unsigned octets, unsigned most)
{
	int fd = dial(1);
	unsigned sec = 0;

	ask(fd, 'A');
	spin(20);
	for (; sec < most && zr.server->n_conns > 0; sec += 10) {
		(void)take(fd, octets * 10);
		spin(1);
		look(10);
	}
	close(fd);
	spin(2);
	return sec;
}

static void
who_takes_little(void **st UNUSED)
{
	/* A little is on the way, in the buffers of both systems. */
	unsigned sec = taking(SLOW_OCTETS * 9 / 10, 20000);

	assert_true(sec > SLOW_SEC && sec < 2 * SLOW_SEC);
	assert_int_equal(zr.server->n_dropped, 1);
	assert_int_equal(taking(10 * SLOW_OCTETS, 3000), 3000);
	assert_int_equal(zr.server->n_dropped, 1);
}

static void
one_host(void **st UNUSED)
{
	int fd[HOST_CONNS_MAX], more;

	for (unsigned i = 0; i < HOST_CONNS_MAX; i++) {
		fd[i] = dial(1);
		fake_usec++;
	}
	assert_int_equal(zr.server->n_conns, HOST_CONNS_MAX);
	more = dial(1);
	assert_int_equal(zr.server->n_conns, HOST_CONNS_MAX);
	assert_int_equal(zr.server->n_dropped, 1);
	assert_int_equal(take(fd[0], 1), -1);
	assert_int_equal(take(fd[1], 1), 0);
	ask(more, 'S');
	assert_int_equal(take(more, 100), 12);
	/* Those that are being answered stay. */
	for (unsigned i = 1; i < HOST_CONNS_MAX; i++)
		ask(fd[i], 'A');
	ask(more, 'A');
	close(fd[0]);
	fd[0] = dial(1);
	assert_int_equal(zr.server->n_conns, HOST_CONNS_MAX);
	assert_int_equal(zr.server->n_dropped, 2);
	assert_int_equal(take(fd[0], 1), -1);
	assert_true(take(fd[1], 1) == 1);
	for (unsigned i = 0; i < HOST_CONNS_MAX; i++)
		close(fd[i]);
	close(more);
}

static void
many_hosts(void **st UNUSED)
{
	int fd[CONNS_MAX], more, stuck;

	for (unsigned i = 0; i < CONNS_MAX; i++) {
		fd[i] = dial(1 + i / HOST_CONNS_MAX);
		fake_usec++;
	}
	assert_int_equal(zr.server->n_conns, CONNS_MAX);
	ask(fd[0], 'A');			/* the oldest, but busy */
	for (unsigned i = 0; i < 3; i++) {	/* secondaries come all the same */
		more = dial(200 + i);
		ask(more, 'S');
		assert_int_equal(take(more, 100), 12);
		assert_int_equal(zr.server->n_conns, CONNS_MAX);
		close(more);
		spin(2);
		stuck = dial(100);
		assert_int_equal(zr.server->n_conns, CONNS_MAX);
		close(stuck);
		spin(2);
		close(fd[i + 1]);
		fd[i + 1] = dial(50 + i);	/* and the flood goes on */
	}
	assert_true(take(fd[0], 1) == 1);
	for (unsigned i = 0; i < CONNS_MAX; i++)
		close(fd[i]);
}

TESTS_MAIN("zone_out", cmocka_unit_test_setup_teardown(who_takes_nothing, setup, teardown),
    cmocka_unit_test_setup_teardown(who_takes_little, setup, teardown),
    cmocka_unit_test_setup_teardown(one_host, setup, teardown),
    cmocka_unit_test_setup_teardown(many_hosts, setup, teardown))
