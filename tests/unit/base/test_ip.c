#include <errno.h>

#include "../tap.h"
#include "base/ip.h"

static struct ip_prefix
px(const char *text)
{
	struct ip_prefix p = { 0 };

	assert_int_equal(ip_prefix_parse(sv_str(text), &p), 0);
	return p;
}

/* Text that is read and printed the same. */
static void
round_trip(void **state UNUSED)
{
	static const char *const rows[] = {
		"0.0.0.0/0", "192.0.2.0/24", "192.0.2.1/32", "128.0.0.0/1",
		"10.1.2.128/25", "::/0", "2001:db8::/32", "2001:db8::1/128",
		"8000::/1", "2001:db8:0:8000::/49", "::ffff:192.0.2.0/120",
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct ip_prefix p = px(rows[i]);
		char buf[IP_PREFIX_STRLEN];

		assert_string_equal(ip_prefix_str(&p, buf), rows[i]);
	}
}

static void
refused(void **state UNUSED)
{
	static const char *const rows[] = {
		"", "/", "/8", "192.0.2.0", "192.0.2.0/", "192.0.2.0/33",
		"192.0.2.1/24", "192.0.2/24", "192.0.2.0/-1", "192.0.2.0/24 ",
		" 192.0.2.0/24", "192.0.2.0/24/24", "256.0.0.0/8", "01.2.3.4/32",
		"2001:db8::/129", "2001:db8::1/127", "2001:db8/32", ":::/0",
		"192.0.2.0/2x", "1.2.3.4.5/32",
		"1111:2222:3333:4444:5555:6666:7777:8888:9999:aaaa:bbbb/128",
	};
	struct ip_prefix p = { .len = 77 };

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		assert_int_equal(ip_prefix_parse(sv_str(rows[i]), &p), -EINVAL);
		assert_int_equal(p.len, 77);
	}
	assert_int_equal(ip_prefix_parse((struct sv){ "10.0.0.0\0/8", 11 }, &p), -EINVAL);
}

static void
host(void **state UNUSED)
{
	struct ip_prefix p;

	assert_int_equal(ip_prefix_parse_host(SV("192.0.2.7"), &p), 0);
	assert_int_equal(p.len, 32);
	assert_int_equal(p.af, IP_V4);
	assert_int_equal(ip_prefix_parse_host(SV("2001:db8::7"), &p), 0);
	assert_int_equal(p.len, 128);
	assert_int_equal(ip_prefix_parse_host(SV("10.0.0.0/8"), &p), 0);
	assert_int_equal(p.len, 8);
	assert_int_equal(ip_prefix_parse_host(SV("10.0.0.1/8"), &p), -EINVAL);
}

static void
covers(void **state UNUSED)
{
	static const struct {
		const char	*a, *b;
		bool		 yes;
	} rows[] = {
		{ "10.0.0.0/8", "10.1.0.0/16", true },
		{ "10.0.0.0/8", "10.0.0.0/8", true },
		{ "10.1.0.0/16", "10.0.0.0/8", false },
		{ "10.0.0.0/8", "11.0.0.0/16", false },
		{ "0.0.0.0/0", "255.255.255.255/32", true },
		{ "0.0.0.0/0", "::/0", false },
		{ "::/0", "::/128", true },
		{ "2001:db8::/33", "2001:db8:8000::/48", false },
		{ "2001:db8::/33", "2001:db8:7fff::/48", true },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct ip_prefix a = px(rows[i].a), b = px(rows[i].b);

		assert_int_equal(ip_prefix_covers(&a, &b), rows[i].yes);
	}
}

static void
order(void **state UNUSED)
{
	static const char *const ascending[] = {
		"0.0.0.0/0", "10.0.0.0/8", "10.0.0.0/9", "10.128.0.0/9",
		"255.255.255.255/32", "::/0", "::/128", "2001:db8::/32",
	};

	for (size_t i = 0; i < ARRAY_LEN(ascending); i++)
		for (size_t k = 0; k < ARRAY_LEN(ascending); k++) {
			struct ip_prefix a = px(ascending[i]), b = px(ascending[k]);
			int c = ip_prefix_cmp(&a, &b);

			assert_int_equal((c > 0) - (c < 0), (i > k) - (i < k));
		}
}

static void
mask(void **state UNUSED)
{
	for (unsigned len = 0; len <= 128; len++) {
		uint8_t a[16];

		memset(a, 0xff, sizeof(a));
		assert_int_equal(ip_is_masked(a, len), len >= 128);
		ip_mask(a, len);
		assert_true(ip_is_masked(a, len));
		for (unsigned bit = 0; bit < 128; bit++)
			assert_int_equal(a[bit / 8] >> (7 - bit % 8) & 1, bit < len);
	}
}

static void
as_numbers(void **state UNUSED)
{
	char buf[ASN_STRLEN];
	uint32_t n = 7;

	assert_int_equal(asn_parse(SV("AS64496"), &n), 0);
	assert_int_equal(n, 64496);
	assert_int_equal(asn_parse(SV("as4294967295"), &n), 0);
	assert_int_equal(n, UINT32_MAX);
	assert_string_equal(asn_str(n, buf), "AS4294967295");
	assert_int_equal(asn_parse(SV("0"), &n), 0);
	assert_int_equal(n, 0);
	assert_int_equal(asn_parse(SV("AS4294967296"), &n), -EINVAL);
	assert_int_equal(asn_parse(SV("AS"), &n), -EINVAL);
	assert_int_equal(asn_parse(SV("AS1.10"), &n), -EINVAL);
	assert_int_equal(asn_parse(SV("ASAS1"), &n), -EINVAL);
	assert_int_equal(n, 0);
}

TESTS_MAIN("base/ip", T(round_trip), T(refused), T(host), T(covers), T(order),
    T(mask), T(as_numbers))
