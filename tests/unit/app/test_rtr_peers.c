/* Who may come, who came, and what is said of strangers: all of it bounded. */
#include "../tap.h"

#include "../../../src/app/rtr_peers.c"

static struct ip_prefix
px(const char *text)
{
	struct ip_prefix p;

	assert_int_equal(ip_prefix_parse_host(sv_str(text), &p), 0);
	return p;
}

static bool
allows(const struct rtr_access *a, const char *host, bool tls)
{
	const struct ip_prefix h = px(host);

	return rtr_access_allows(a, &h, tls);
}

static void
access(void **state UNUSED)
{
	struct rtr_access a = { 0 };
	const struct ip_prefix list[] = { px("192.0.2.0/25"), px("2001:db8::/32") };
	const struct ip_prefix md5[] = { px("198.51.100.7") };
	const struct rtr_admission both = { .allow = list, .n_allow = 2, .md5 = md5, .n_md5 = 1 };
	const struct rtr_admission secrets = { .md5 = md5, .n_md5 = 1 };
	const struct rtr_admission many = { .allow = list, .n_allow = RTR_ALLOW_MAX + 1 };

	assert_true(allows(&a, "203.0.113.1", false));		/* no list: everybody */
	assert_int_equal(rtr_access_set(&a, &secrets), 0);
	assert_true(allows(&a, "198.51.100.7", false));
	assert_false(allows(&a, "198.51.100.8", false));
	assert_true(allows(&a, "127.1.2.3", false) && allows(&a, "::1", false));
	assert_true(allows(&a, "203.0.113.1", true));		/* TLS has its own */
	assert_int_equal(rtr_access_set(&a, &both), 0);
	assert_true(allows(&a, "192.0.2.127", false) && allows(&a, "192.0.2.1", true));
	assert_false(allows(&a, "192.0.2.128", false) || allows(&a, "192.0.2.128", true));
	assert_true(allows(&a, "2001:db8:ffff::1", false));
	assert_false(allows(&a, "198.51.100.7", false) || allows(&a, "127.0.0.1", false));
	assert_true(rtr_access_signed(&a, &md5[0]));
	assert_false(rtr_access_signed(&a, &list[0]));
	/* Too many: the list before stays. */
	assert_int_equal(rtr_access_set(&a, &many), -E2BIG);
	assert_true(allows(&a, "192.0.2.1", false) && !allows(&a, "192.0.2.200", false));
	rtr_access_done(&a);
}

static struct ip_prefix
nth(unsigned i)
{
	struct ip_prefix p = { .af = IP_V4, .len = 32, .addr = { 10, (uint8_t)(i >> 16),
	    (uint8_t)(i >> 8), (uint8_t)i } };

	return p;
}

static void
peers(void **state UNUSED)
{
	struct rtr_peers ps = { 0 };
	struct ip_prefix h = nth(0);
	struct rtr_peer *p = rtr_peers_join(&ps, &h, 1), *q;

	assert_non_null(p);
	assert_ptr_equal(rtr_peers_join(&ps, &h, 2), p);
	assert_int_equal(p->n_now, 2);
	rtr_peer_leave(p, 100, 10, 3);
	rtr_peer_leave(p, 5, 1, 3);
	assert_int_equal(p->n_now, 0);
	/* Its counts stay, for the next time. */
	assert_ptr_equal(rtr_peers_join(&ps, &h, 4), p);
	assert_int_equal(p->sent, 105);
	assert_int_equal(p->n_accepted, 3);
	/* A thousand others; then only who has left makes room. */
	for (unsigned i = 1; i < RTR_PEERS_MAX; i++) {
		h = nth(i);
		assert_non_null(rtr_peers_join(&ps, &h, 5));
	}
	h = nth(RTR_PEERS_MAX);
	assert_null(rtr_peers_join(&ps, &h, 6));
	rtr_peer_leave(NULL, 1, 1, 6);
	rtr_peer_leave(&ps.list[7], 1, 1, 9);
	rtr_peer_leave(&ps.list[5], 1, 1, 8);
	q = rtr_peers_join(&ps, &h, 10);
	assert_ptr_equal(q, &ps.list[5]);
	assert_int_equal(q->sent, 0);
	assert_int_equal(ps.n, RTR_PEERS_MAX);
	rtr_peers_done(&ps);
}

static void
told(void **state UNUSED)
{
	struct rtr_told t = { 0 };
	struct ip_prefix h = px("2001:db8::1"), same_64 = px("2001:db8::2"), other = px("2001:db8:0:1::1");
	unsigned lines = 0, last = 0;

	assert_int_equal(rtr_told_ask(&t, &h, 1000), RTR_TELL);
	assert_int_equal(rtr_told_ask(&t, &h, 1001), RTR_TELL_NOT);
	assert_int_equal(rtr_told_ask(&t, &same_64, 1001), RTR_TELL_NOT);
	assert_int_equal(rtr_told_ask(&t, &other, 1001), RTR_TELL);
	for (unsigned i = 0; i < 5000; i++) {
		struct ip_prefix p = nth(i);
		enum rtr_tell tell = rtr_told_ask(&t, &p, 1002);

		lines += tell == RTR_TELL;
		last += tell == RTR_TELL_LAST;
	}
	assert_int_equal(lines, TOLD_MAX - 2);
	assert_int_equal(last, 1);
	assert_int_equal(rtr_told_ask(&t, &h, 1000 + TOLD_SEC - 1), RTR_TELL_NOT);
	assert_int_equal(rtr_told_ask(&t, &h, 1000 + 2 * TOLD_SEC), RTR_TELL);
}

TESTS_MAIN("app rtr_peers", T(access), T(peers), T(told))
