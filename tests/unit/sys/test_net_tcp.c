/* TCP on loopback: names, secrets (RFC 2385), what is held for a slow peer. */
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <sys/socket.h>

#include "../tap.h"
#include "base/err.h"
#include "sys/file.h"
#include "sys/net_tcp.h"

static int
accepted(int l, struct tcp_name *ret)
{
	int c = -1;

	if (tcp_wait(l, false, 1000) < 0 || tcp_accept(l, &c, ret) < 0)
		return -1;
	return c;
}

static void
names(void **state UNUSED)
{
	static const struct { const char *listen; bool mapped; const char *host; } cases[] = {
		{ "127.0.0.1:0", false, "127.0.0.1" }, { "[::1]:0", false, "::1" },
		{ "[::]:0", true, "127.0.0.1" },	/* mapped, and told as IPv4 */
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		_cleanup_(fd_close) int l = -1, c = -1, s = -1;
		struct tcp_name at, who;
		char to[TCP_TEXT_MAX + 16], host[IP_ADDR_STRLEN];

		assert_int_equal(tcp_listen(cases[i].listen, &l, &at), 0);
		(void)snprintf(to, sizeof(to), "%s%s", cases[i].mapped ? "127.0.0.1" : "",
		    cases[i].mapped ? strrchr(at.text, ':') : at.text);
		assert_int_equal(tcp_connect(to, 2000, &c), 0);
		assert_true((s = accepted(l, &who)) >= 0);
		assert_string_equal(ip_addr_str(who.addr.addr, who.addr.af, host), cases[i].host);
		assert_int_equal(who.addr.len, ip_bits(who.addr.af));
	}
}

static struct tcp_secret
secret(const char *peers, const char *key)
{
	struct tcp_secret s = { .len = (uint8_t)strlen(key) };

	assert_int_equal(ip_prefix_parse_host(sv_str(peers), &s.peers), 0);
	memcpy(s.key, key, s.len);
	return s;
}

static bool
reaches(const char *to, const char *key)
{
	_cleanup_(fd_close) int c = -1;

	return tcp_connect_md5(to, 300, sv_str(key), &c) == 0;
}

static bool
kernel_signs(void)
{
	_cleanup_(fd_close) int l = -1;
	struct tcp_secret s = secret("127.0.0.1", "x");
	struct tcp_name at;

	return tcp_listen_md5("127.0.0.1:0", &s, 1, &l, &at) == 0;
}

static void
secrets(void **state UNUSED)
{
	const struct tcp_secret all[] = { secret("127.0.0.0/30", "key"), secret("2001:db8::/32", "other") };
	struct tcp_secret changed = secret("127.0.0.0/30", "new"), none = secret("127.0.0.0/30", "");
	_cleanup_(fd_close) int l = -1;
	struct tcp_name at;

	if (!kernel_signs())
		skip();
	assert_int_equal(tcp_listen_md5("127.0.0.1:0", all, 2, &l, &at), 0);
	assert_true(reaches(at.text, "key"));
	assert_false(reaches(at.text, "Key"));
	assert_false(reaches(at.text, ""));
	assert_int_equal(tcp_md5(l, &all[1]), -EAFNOSUPPORT);
	assert_int_equal(tcp_md5_all(l, all, 2), 0);
	assert_int_equal(tcp_md5(l, &changed), 0);
	assert_true(reaches(at.text, "new"));
	assert_false(reaches(at.text, "key"));
	assert_int_equal(tcp_md5(l, &none), 0);
	assert_int_equal(tcp_md5(l, &none), -ENOENT);
	assert_true(reaches(at.text, ""));
	assert_false(reaches(at.text, "new"));
}

static void
longest(void **state UNUSED)
{
	char key[TCP_MD5_MAX + 2];
	int c = -1;

	memset(key, 'k', sizeof(key));
	key[TCP_MD5_MAX + 1] = '\0';
	assert_int_equal(tcp_connect_md5("127.0.0.1:9", 300, sv_str(key), &c), SE_LIMIT);
	assert_int_equal(c, -1);
}

/* A peer that reads nothing: the kernel takes its window and 128 kB, and no more. */
static void
slow_peer(void **state UNUSED)
{
	_cleanup_(fd_close) int l = -1, c = -1, s = -1;
	static uint8_t bytes[256 * 1024];
	struct tcp_name at, who;
	int small = 4096, unsent = 0;
	socklen_t len = sizeof(unsent);
	uint64_t taken = 0;
	long n;

	assert_int_equal(tcp_listen("127.0.0.1:0", &l, &at), 0);
	assert_int_equal(tcp_connect(at.text, 1000, &c), 0);
	assert_int_equal(setsockopt(c, SOL_SOCKET, SO_RCVBUF, &small, sizeof(small)), 0);
	assert_true((s = accepted(l, &who)) >= 0);
	assert_int_equal(getsockopt(s, IPPROTO_TCP, TCP_NOTSENT_LOWAT, &unsent, &len), 0);
	assert_int_equal(unsent, 128 * 1024);
	while ((n = tcp_write(s, bytes, sizeof(bytes), false)) > 0)
		taken += (uint64_t)n;
	assert_int_equal(n, -EAGAIN);
	assert_true(taken < 4 * sizeof(bytes));
}

TESTS_MAIN("sys net_tcp", T(names), T(secrets), T(longest), T(slow_peer))
