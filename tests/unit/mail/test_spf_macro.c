/* Macros, as explanations show them and as names are asked for. */
#include "../tap.h"
#include "dns_fake.h"
#include "mail/spf.h"

#define POOL_MAX	(256 * 1024)
#define L41		"abcdefghijklmnopqrstuvwxyzabcdefghijklmno"
#define L50		"abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwx"

/* From sender, HELO and client to what stands in exp's text. */
static const struct {
	const char	*text, *sender, *helo, *client;
	const char	*expected;		/* "": there is no explanation */
} texts[] = {
	{ "no macro", "a@x.example", "h.example", "192.0.2.1", "no macro" },
	{ "%{s} %{l} %{o} %{d}", "a.b@x.example", "h", "192.0.2.1",
	  "a.b@x.example a.b x.example x.example" },
	{ "%{l}", "@x.example", "h", "192.0.2.1", "postmaster" },
	{ "%{s}", "x.example", "h", "192.0.2.1", "postmaster@x.example" },
	{ "%{s}", "\"a@b\"@x.example", "h", "192.0.2.1", "\"a@b\"@x.example" },
	{ "%{h} %{v} %{i} %{c}", "a@x.example", "h.e", "192.0.2.1",
	  "h.e in-addr 192.0.2.1 192.0.2.1" },
	{ "%{v} %{c}", "a@x.example", "h.e", "2001:DB8::1", "ip6 2001:db8::1" },
	{ "%{ir}", "a@x.example", "h", "192.0.2.1", "1.2.0.192" },
	{ "%{i3}", "a@x.example", "h", "192.0.2.1", "0.2.1" },
	{ "%{i4r}", "a@x.example", "h", "2001:db8::1", "1.0.0.2" },	/* the first four */
	{ "%{i9}", "a@x.example", "h", "::ffff:192.0.2.1", "192.0.2.1" },
	{ "%{l-} %{lr-} %{l1r-} %{l1-}", "strong-bad@x.example", "h", "192.0.2.1",
	  "strong.bad bad.strong strong bad" },
	{ "%{l+-r}", "a@x.example", "h", "192.0.2.1", "" },	/* delimiters stand last */
	{ "%{lr+-}", "a-b+c@x.example", "h", "192.0.2.1", "c.b.a" },
	{ "%{l}", "a-b.c@x.example", "h", "192.0.2.1", "a-b.c" },
	{ "%{iR} %{I2}", "a@x.example", "h", "192.0.2.1", "1.2.0.192 2.1" },
	{ "%{i}", "a@x.example", "h", "2001:db8:abcd:ef00::1",
	  "2.0.0.1.0.D.B.8.A.B.C.D.E.F.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.1" },
	{ "%{l4294967296}", "a.b@x.example", "h", "192.0.2.1", "a.b" },
	{ "%{d}", "a@x.example.", "h", "192.0.2.1", "x.example" },
	{ "%{lr}", "a..b@x.example", "h", "192.0.2.1", "b..a" },
	{ "%{l99999999999999999999}", "a.b@x.example", "h", "192.0.2.1", "a.b" },
	{ "%{r} %{t}", "a@x.example", "h", "192.0.2.1", "unknown 1790000000" },
	{ "%{S} %{L}", "a b~c@x.example", "h", "192.0.2.1",
	  "a%20b~c%40x.example a%20b~c" },
	{ "%{l}", "a b@x.example", "h", "192.0.2.1", "a b" },
	{ "%%%_%-%%{l}", "a@x.example", "h", "192.0.2.1", "% %20%{l}" },
	{ "%{p}", "a@x.example", "h", "192.0.2.1", "in.x.example" },
	{ "%{p}", "a@x.example", "h", "192.0.2.2", "away.example" },	/* the other is a lie */
	{ "%{p2}", "a@x.example", "h", "192.0.2.1", "x.example" },
	{ "%{p}", "a@x.example", "h", "192.0.2.3", "unknown" },
	{ "%{p}", "a@x.example", "h", "192.0.2.4", "unknown" },	/* no answer */
	{ "%{p}", "a@x.example", "h", "192.0.2.5", "x.example" },
	{ "%{p}", "a@x.example", "h", "2001:db8::1", "in.x.example" },
	{ "%", "a@x.example", "h", "192.0.2.1", "" },
	{ "%{x}", "a@x.example", "h", "192.0.2.1", "" },
	{ "caf\xc3\xa9", "a@x.example", "h", "192.0.2.1", "" },
	{ "%{l}", "caf\xc3\xa9@x.example", "h", "192.0.2.1", "" },
	{ "%{s}%{s}%{s}%{s}%{s}%{s}%{s}%{s}%{s}%{s}%{s}%{s}%{s}%{s}%{s}%{s}",
	  L50 "@x.example", "h", "192.0.2.1",
	  L50 "@x.example" L50 "@x.example" L50 "@x.example" L50 "@x.example"
	  L50 "@x.example" L50 "@x.example" L50 "@x.example" L50 "@x.example"
	  L50 "@x.example" L50 "@x.example" L50 "@x.example" L50 "@x.example"
	  L50 "@x.example" L50 "@x.example" L50 "@x.example" L50 "@x.example" },
	/* 1,020 octets */
	{ "%{s}%{s}%{s}%{s}%{s}%{s}%{s}%{s}%{s}%{s}%{s}%{s}%{s}%{s}%{s}%{s}%{s}",
	  L50 "@x.example", "h", "192.0.2.1", "" },
};

static const char *const rows[][3] = {
	{ "1.2.0.192.in-addr.arpa", "PTR", "y.example" },
	{ "1.2.0.192.in-addr.arpa", "PTR", "in.x.example" },
	{ "in.x.example", "A", "192.0.2.1" },
	{ "in.x.example", "AAAA", "2001:db8::1" },
	{ "y.example", "A", "192.0.2.1" },
	{ "2.2.0.192.in-addr.arpa", "PTR", "in.x.example" },
	{ "2.2.0.192.in-addr.arpa", "PTR", "away.example" },
	{ "away.example", "A", "192.0.2.9" },
	{ "away.example", "A", "192.0.2.2" },
	{ "5.2.0.192.in-addr.arpa", "PTR", "z.x.example" },
	{ "5.2.0.192.in-addr.arpa", "PTR", "x.example" },
	{ "z.x.example", "A", "192.0.2.5" },
	{ "x.example", "A", "192.0.2.5" },
	{ "1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa", "PTR",
	  "in.x.example" },
};

static struct dns_fake *
dns_make(const char *record, const char *text)
{
	struct dns_fake *d = dns_fake_new();

	assert_non_null(d);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		assert_int_equal(dns_fake_add(d, rows[i][0], rows[i][1], rows[i][2]), 0);
	assert_int_equal(dns_fake_fail(d, SV("4.2.0.192.in-addr.arpa")), 0);
	assert_int_equal(dns_fake_add_txt(d, SV("x.example"), sv_str(record)), 0);
	if (text != NULL)
		assert_int_equal(dns_fake_add_txt(d, SV("e.example"), sv_str(text)), 0);
	return d;
}

static void
check(struct dns_fake *d, struct pool *pool, const char *sender, const char *helo,
    const char *client, struct findings *fs, struct spf_out *ret)
{
	struct spf_in in = { .sender = sv_str(sender), .helo = sv_str(helo), .now = 1790000000,
	    .limits = SPF_LIMITS_DEFAULT };
	struct mail_ask ask = { .find = dns_fake_find, .arg = d };

	assert_int_equal(ip_prefix_parse_host(sv_str(client), &in.client), 0);
	findings_init(fs, pool);
	assert_int_equal(spf_check(&in, &ask, pool, fs, ret), 0);
}

static void
test_texts(void **state)
{
	struct pool *pool = pool_new(POOL_MAX);

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		struct dns_fake *d = dns_make("v=spf1 exp=e.example -all", texts[i].text);
		struct spf_out out;
		struct findings fs;

		check(d, pool, texts[i].sender, texts[i].helo, texts[i].client, &fs, &out);
		assert_int_equal(out.result, MAIL_FAIL);
		if (!sv_eq_str(out.explanation, texts[i].expected))
			fail_msg("%s: %.*s", texts[i].text, SV_ARG(out.explanation));
		assert_int_equal(fs.n_kept, texts[i].expected[0] == '\0');
		if (fs.n_kept > 0)
			assert_ptr_equal(fs.head->def, &spf_findings[SPF_EXP_IGNORED]);
		(void)dns_fake_free(d);
		pool_reset(pool);
	}
	(void)pool_free(pool);
}

/* What is asked for, from a term and a sender. */
static const struct {
	const char	*spec, *sender;
	const char	*asked;			/* "": nothing can match */
} names[] = {
	{ "%{l}.%{d}", "a.b@x.example", "a.b.x.example" },
	{ "y.%{d2}.example.", "a@x.example", "y.x.example.example" },
	{ "%{d}", "a@x.example.", "x.example" },
	{ "%{l}.%{d}", "\xc3\xa9@x.example", "" },		/* RFC 8616 section 4 */
	{ "%{s}", "\xc3\xa9@x.example", "" },
	{ "%{o}.y.example", "\xc3\xa9@x.example", "x.example.y.example" },
	/* section 7.3: 253 octets, labels at the left go first */
	{ "%{l}.%{l}.%{l}.%{l}.%{l}.%{d}", L50 "@x.example",
	  L50 "." L50 "." L50 "." L50 ".x.example" },
	/* 253 octets, and one more */
	{ "%{l}." L50 "." L50 "." L50 "." L41 ".example", L50 "@x.example",
	  L50 "." L50 "." L50 "." L50 "." L41 ".example" },
	{ "%{l}." L50 "." L50 "." L50 ".x" L41 ".example", L50 "@x.example",
	  L50 "." L50 "." L50 ".x" L41 ".example" },
	{ "abc." L50 "." L50 "." L50 "." L50 "." L50 ".x.example", "a@x.example",
	  L50 "." L50 "." L50 "." L50 ".x.example" },
	{ "%{s}.%{s}.%{s}.%{s}.%{s}.%{s}.%{s}.%{s}.%{s}.%{s}.%{s}.%{s}.%{s}.%{s}.%{s}.%{s}.%{s}",
	  L50 "@x.example",
	  "example." L50 "@x.example." L50 "@x.example." L50 "@x.example." L50 "@x.example" },
	{ "%{d}.x" L50 L50 L50 L50 L50 L50 L50 L50 L50 ".y.example", "a@x.example", "y.example" },
	{ "%{l}%{l}%{l}%{l}%{l}%{l}%{l}%{l}%{l}%{l}%{l}%{l}%{l}%{l}%{l}%{l}%{l}%{l}%{l}%{l}%{l}%{l}.%{d}",
	  L50 "@x.example", "x.example" },
};

static void
test_names(void **state)
{
	struct pool *pool = pool_new(POOL_MAX);

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		_cleanup_(buf_done) struct buf b = BUF_INIT;
		struct dns_fake *d;
		struct spf_out out;
		struct findings fs;

		buf_str(&b, "v=spf1 exists:");
		buf_str(&b, names[i].spec);
		buf_char(&b, '\0');
		d = dns_make(b.p, NULL);
		check(d, pool, names[i].sender, "h", "192.0.2.1", &fs, &out);
		if (out.steps->next == NULL)
			fail_msg("%s", names[i].spec);
		if (!sv_eq_str(out.steps->next->asked, names[i].asked))
			fail_msg("%s: %.*s", names[i].spec, SV_ARG(out.steps->next->asked));
		assert_int_equal(out.result, out.steps->next->rcode == MAIL_DNS_FOUND &&
		    out.steps->next->type == RR_A ? MAIL_PASS : MAIL_NEUTRAL);
		(void)dns_fake_free(d);
		pool_reset(pool);
	}
	(void)pool_free(pool);
}

/* A local part that no limit of SMTP allows costs nothing, and matches nothing. */
static void
test_long_local(void **state)
{
	struct pool *pool = pool_new(POOL_MAX);
	struct dns_fake *d = dns_make("v=spf1 exists:%{l}.x.example -all", NULL);
	char sender[SPF_VALUE_MAX + 12];
	struct spf_out out;
	struct findings fs;

	(void)state;
	memset(sender, 'a', sizeof(sender));
	memcpy(sender + SPF_VALUE_MAX + 1, "@x.example", sizeof("@x.example"));
	check(d, pool, sender, "h", "192.0.2.1", &fs, &out);
	assert_int_equal(out.result, MAIL_FAIL);
	assert_int_equal(out.steps->next->asked.n, 0);
	(void)dns_fake_free(d);
	(void)pool_free(pool);
}

TESTS_MAIN("spf_macro", T(test_texts), T(test_names), T(test_long_local))
