/* Addresses as text, places, the map, the bound number of exchanges. */
#include "../tap.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/err.h"
#include "net/dnsask.h"
#include "sys/net_tcp.h"
#include "sys/file.h"
#include "sys/net_udp.h"

static void
text(void **st UNUSED)
{
	static const struct {
		const char	*in, *out;	/* NULL: refused */
	} cases[] = {
		{ "192.0.2.1", "192.0.2.1" }, { "192.0.2.1:53", "192.0.2.1" }, { "192.0.2.1:5300", "192.0.2.1:5300" },
		{ "2001:db8::1", "2001:db8::1" }, { "[2001:db8::1]:53", "2001:db8::1" },
		{ "[2001:db8::1]:5300", "[2001:db8::1]:5300" }, { "[192.0.2.1]:53", NULL }, { "192.0.2.0/24", NULL },
		{ "192.0.2.1:0", NULL }, { "192.0.2.1:65536", NULL }, { "ns.example:53", NULL }, { "", NULL },
		{ "[2001:db8::1]", NULL }, { "2001:db8::1%eth0", NULL }, { "192.0.2.1/32", NULL },
	};
	char s[DNSASK_TO_STRLEN];

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct dnsask_to to;
		int rc = dnsask_to_parse(sv_str(cases[i].in), &to);

		if (rc != (cases[i].out == NULL ? -EINVAL : 0))
			fail_msg("%s: %d", cases[i].in, rc);
		if (rc == 0)
			assert_string_equal(dnsask_to_str(&to, s), cases[i].out);
	}
}

static void
places(void **st UNUSED)
{
	static const struct {
		const char	*addr;
		bool		 place;
	} cases[] = {
		{ "192.0.2.1", true }, { "10.0.0.1", true }, { "8.8.8.8", true }, { "127.0.0.1", false },
		{ "0.0.0.0", false }, { "169.254.1.1", false }, { "224.0.0.251", false }, { "255.255.255.255", false },
		{ "2001:db8::1", true }, { "fd00::1", true }, { "::1", false }, { "::", false }, { "fe80::1", false },
		{ "ff02::fb", false }, { "::ffff:127.0.0.1", false }, { "223.255.255.255", true },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct ip_prefix a;

		assert_int_equal(ip_prefix_parse_host(sv_str(cases[i].addr), &a), 0);
		if (dnsask_addr_is_place(&a) != cases[i].place)
			fail_msg("%s", cases[i].addr);
	}
}

struct end {
	int		 rc;
	unsigned	 n;
	struct loop	*loop;
	bool		 ours;
};

static bool
match(void *arg, struct sv wire)
{
	const struct end *e = arg;

	return e->ours && wire.n > 0;
}

static void
done(void *arg, int rc, struct sv wire UNUSED)
{
	struct end *e = arg;

	e->rc = rc;
	e->n++;
	loop_stop(e->loop);
}

/* A server that listens and says nothing; the map leads there. */
static void
numbers(void **st UNUSED)
{
	struct end e = { .loop = loop_new() };
	struct dnsask_question q = { .tcp = true, .message = SV("?"), .msec = 20, .match = match, .done = done,
		.arg = &e };
	struct dnsask_talk *talk[2], *none;
	_cleanup_(fd_close) int fd = -1;
	struct dnsask *a = NULL;
	struct tcp_name bound;
	char line[200];

	assert_int_equal(tcp_listen("127.0.0.1:0", &fd, &bound), 0);
	assert_int_equal(dnsask_new(e.loop, 2, &a), 0);
	(void)snprintf(line, sizeof(line), "192.0.2.1=%s", bound.text);
	assert_int_equal(dnsask_map_add(a, sv_str(line)), 0);
	assert_int_equal(dnsask_map_add(a, SV("192.0.2.1")), -EINVAL);
	assert_int_equal(dnsask_map_add(a, SV("x=127.0.0.1:53")), -EINVAL);
	assert_int_equal(dnsask_to_parse(SV("192.0.2.1"), &q.to), 0);
	assert_true(dnsask_is_mapped(a, &q.to.addr));
	assert_int_equal(dnsask_ask(a, &q, &talk[0]), 0);
	assert_int_equal(dnsask_ask(a, &q, &talk[1]), 0);
	assert_int_equal(dnsask_ask(a, &q, &none), SE_LIMIT);
	assert_int_equal(dnsask_busy(a), 2);
	dnsask_cancel(talk[1]);
	assert_int_equal(dnsask_busy(a), 1);
	assert_int_equal(loop_run(e.loop), 0);
	assert_int_equal(e.rc, -ETIMEDOUT);
	assert_int_equal(e.n, 1);
	assert_int_equal(dnsask_busy(a), 0);
	q.message = (struct sv){ line, DNSASK_MESSAGE_MAX + 1 };
	assert_int_equal(dnsask_ask(a, &q, &none), SE_LIMIT);
	/* Its place was given back; one that is under way at the end goes with it. */
	q.message = SV("?");
	assert_int_equal(dnsask_ask(a, &q, &talk[0]), 0);
	a = dnsask_free(a);
	assert_int_equal(e.n, 1);
	e.loop = loop_free(e.loop);
}

/* The kernel has no route for a connection to everybody: it says so at once, and sends nothing. */
static void
routes(void **st UNUSED)
{
	struct end e = { .loop = loop_new() };
	struct dnsask_question q = { .tcp = true, .message = SV("?"), .msec = 1000, .match = match, .done = done,
		.arg = &e };
	struct dnsask_talk *none;
	struct dnsask *a = NULL;

	assert_int_equal(dnsask_new(e.loop, 1, &a), 0);
	assert_int_equal(dnsask_to_parse(SV("255.255.255.255"), &q.to), 0);
	assert_int_equal(dnsask_ask(a, &q, &none), -ENETUNREACH);
	assert_int_equal(e.n, 0);
	assert_int_equal(dnsask_busy(a), 0);
	a = dnsask_free(a);
	e.loop = loop_free(e.loop);
}

/* --- datagrams that are not the answer --- */

struct liar {
	unsigned	n_lies;
};

static void
lie(void *arg, int fd, unsigned what UNUSED)
{
	const struct liar *l = arg;
	struct udp_peer from;
	char room[16];

	while (udp_receive(fd, room, sizeof(room), &from) > 0) {
		for (unsigned i = 0; i < l->n_lies; i++)
			assert_int_equal(udp_answer(fd, "no", 2, &from), 0);
		assert_int_equal(udp_answer(fd, "yes", 3, &from), 0);
	}
}

static bool
is_yes(void *arg UNUSED, struct sv wire)
{
	return sv_eq(wire, SV("yes"));
}

static void
strays(void **st UNUSED)
{
	struct end e = { .loop = loop_new() };
	struct dnsask_question q = { .message = SV("?"), .msec = 20000, .match = is_yes, .done = done, .arg = &e };
	static const struct {
		unsigned	n_lies;
		int		rc;
	} rows[] = { { 0, 0 }, { 1, 0 }, { DNSASK_STRAYS_MAX - 1, 0 }, { DNSASK_STRAYS_MAX, SE_PEER }, { 1, 0 } };
	_cleanup_(fd_close) int fd = -1;
	struct dnsask *a = NULL;
	struct dnsask_talk *talk;
	struct tcp_name bound;
	struct loop_io *io;
	struct liar l;

	assert_int_equal(udp_listen("127.0.0.1:0", &fd, &bound), 0);
	assert_int_equal(dnsask_to_parse(sv_str(bound.text), &q.to), 0);
	assert_non_null(io = loop_io_add(e.loop, fd, LOOP_READ, lie, &l));
	assert_int_equal(dnsask_new(e.loop, 1, &a), 0);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		l.n_lies = rows[i].n_lies;
		assert_int_equal(dnsask_ask(a, &q, &talk), 0);
		assert_int_equal(loop_run(e.loop), 0);
		assert_int_equal(e.rc, rows[i].rc);
		assert_int_equal(e.n, i + 1);
	}
	a = dnsask_free(a);
	io = loop_io_del(io);
	e.loop = loop_free(e.loop);
}

TESTS_MAIN("net/dnsask", T(text), T(places), T(numbers), T(routes), T(strays))
