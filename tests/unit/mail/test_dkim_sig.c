/* Signature fields as values: each tag, and each way to be none. */
#include <errno.h>

#include "../tap.h"
#include "mail/dkim.h"

#define BH	"bh=2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8=; "
#define BASE	"v=1; a=rsa-sha256; d=example.jp; s=sel; h=From:To; " BH "b=AQID"

static struct dkim_sig
parse(struct pool *pool, enum dkim_kind kind, const char *value)
{
	struct mail_field *f = pool_alloc(pool, sizeof(*f));
	struct dkim_sig s;

	assert_non_null(f);
	f->raw = sv_str(pool_printf(pool, "DKIM-Signature:%s", value));
	f->name = sv_take(f->raw, 14);
	f->value = sv_skip(f->raw, 15);
	assert_int_equal(dkim_sig_parse(pool, kind, f, &s), 0);
	return s;
}

static void
test_values(void **state)
{
	struct pool *pool = pool_new(65536);
	struct dkim_sig s;
	char text[DNAME_STRLEN];

	(void)state;
	s = parse(pool, DKIM_SIGNATURE, " v=1; a=ed25519-sha256;\r\n c=relaxed/simple; d=Example.JP;\r\n\ts=a.b; "
	    "h= from : To\r\n : subject; i=Jos=C3=A9\r\n @News.example.jp; l=17; t=1; x=2; q=http:dns/txt; "
	    "z=From:a|To:b; unknown=1; " BH "b= AQ\r\n\tID ;");
	assert_int_equal(s.why, DKIM_FINE);
	assert_int_equal(s.alg, DKIM_ED25519_SHA256);
	assert_int_equal(s.head_canon, MAIL_RELAXED);
	assert_int_equal(s.body_canon, MAIL_SIMPLE);
	assert_true(sv_eq(s.domain, SV("Example.JP")));
	assert_true(sv_eq(s.selector, SV("a.b")));
	assert_true(sv_eq(s.identity, SV("Jos\xc3\xa9@News.example.jp")));
	assert_string_equal(dname_str(&s.key_name, text), "a.b._domainkey.example.jp.");
	assert_string_equal(dname_str(&s.identity_name, text), "news.example.jp.");
	assert_int_equal(s.n_names, 3);
	assert_true(sv_eq(s.names[1], SV("To")));
	assert_true(s.signs_from);
	assert_true(s.has_length && s.length == 17 && s.has_time && s.time == 1 && s.has_expiry && s.expiry == 2);
	assert_true(sv_eq(s.b, SV("\1\2\3")));
	assert_true(sv_eq(sv_take(sv_skip(s.field->raw, s.b_at), s.b_len), SV(" AQ\r\n\tID ")));
	assert_int_equal(s.bh[0], 0xda);
	s = parse(pool, DKIM_SIGNATURE, BASE "; c=relaxed");
	assert_int_equal(s.head_canon, MAIL_RELAXED);
	assert_int_equal(s.body_canon, MAIL_SIMPLE);
	s = parse(pool, DKIM_SIGNATURE, BASE);
	assert_int_equal(s.why, DKIM_FINE);
	assert_int_equal(s.head_canon, MAIL_SIMPLE);
	assert_true(dname_eq(&s.identity_name, &s.domain_name));
	assert_false(s.has_length || s.has_time || s.has_expiry);
	(void)pool_free(pool);
}

#define L63	"abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyzabcdefghijk"

static const struct {
	const char	*value;
	enum dkim_code	 why;
	const char	*what;
} bad[] = {
	{ "", DKIM_SIG_TAGS, "" },
	{ "v=1; a=rsa-sha256; a=rsa-sha256", DKIM_SIG_TAGS, "a=rsa-sha256" },
	{ "v=1", DKIM_SIG_MISSING, "a" },
	{ "a=rsa-sha256; d=example.jp; s=s; h=From; " BH "b=AQID", DKIM_SIG_MISSING, "v" },
	{ "v=1; a=rsa-sha256; s=s; h=From; " BH "b=AQID", DKIM_SIG_MISSING, "d" },
	{ "v=1; a=rsa-sha256; d=example.jp; h=From; " BH "b=AQID", DKIM_SIG_MISSING, "s" },
	{ "v=1; a=rsa-sha256; d=example.jp; s=s; h=From; " BH, DKIM_SIG_MISSING, "b" },
	{ "v=1; a=rsa-sha256; d=example.jp; s=s; h=From; b=AQID", DKIM_SIG_MISSING, "bh" },
	{ "v=1; a=rsa-sha256; d=example.jp; s=s; " BH "b=AQID", DKIM_SIG_MISSING, "h" },
	{ "v=2; a=rsa-sha256; d=example.jp; s=s; h=From; " BH "b=AQID", DKIM_SIG_VERSION, "2" },
	{ "v=1; a=RSA-SHA256; d=example.jp; s=s; h=From; " BH "b=AQID", DKIM_SIG_ALGORITHM, "RSA-SHA256" },
	{ "v=1; a=; d=example.jp; s=s; h=From; " BH "b=AQID", DKIM_SIG_ALGORITHM, "" },
	{ "v=1; a=rsa-sha1; d=example.jp; s=s; h=From; bh=2jUSOH9NhtVGCQWNr9BrIAPreKQ=; b=AQID",
	  DKIM_SIG_SHA1, "rsa-sha1" },
	{ "v=1; a=rsa-sha256; d=jp; s=s; h=From; " BH "b=AQID", DKIM_SIG_VALUE, "d" },
	{ "v=1; a=rsa-sha256; d=example.jp.; s=s; h=From; " BH "b=AQID", DKIM_SIG_VALUE, "d" },
	{ "v=1; a=rsa-sha256; d=exam ple.jp; s=s; h=From; " BH "b=AQID", DKIM_SIG_VALUE, "d" },
	{ "v=1; a=rsa-sha256; d=\"example.jp\"; s=s; h=From; " BH "b=AQID", DKIM_SIG_VALUE, "d" },
	{ "v=1; a=rsa-sha256; d=example.jp; s=; h=From; " BH "b=AQID", DKIM_SIG_VALUE, "s" },
	{ "v=1; a=rsa-sha256; d=example.jp; s=a..b; h=From; " BH "b=AQID", DKIM_SIG_VALUE, "s" },
	{ "v=1; a=rsa-sha256; d=example.jp; s=" L63 "." L63 "." L63 "." L63 "; h=From; " BH "b=AQID",
	  DKIM_SIG_VALUE, "s" },
	{ "v=1; a=rsa-sha256; d=example.jp; s=" L63 "." L63 "." L63 ".abcdefghijklmnopqrstuvwxyzabcd"
	  "efghijklmnopqrstuvw; h=From; " BH "b=AQID", DKIM_SIG_VALUE, "s" },
	{ "v=1; a=rsa-sha256; d=example.jp; s=s; h=From; " BH "b=", DKIM_SIG_VALUE, "b" },
	{ "v=1; a=rsa-sha256; d=example.jp; s=s; h=From; " BH "b=A!", DKIM_SIG_VALUE, "b" },
	{ "v=1; a=rsa-sha256; d=example.jp; s=s; h=From; bh=AQID; b=AQID", DKIM_SIG_VALUE, "bh" },
	{ "v=1; a=rsa-sha256; d=example.jp; s=s; h=From; bh=AAAA2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8=;"
	  " b=AQID", DKIM_SIG_VALUE, "bh" },
	{ "v=1; a=rsa-sha256; d=example.jp; s=s; h=; " BH "b=AQID", DKIM_SIG_VALUE, "h" },
	{ "v=1; a=rsa-sha256; d=example.jp; s=s; h=From::To; " BH "b=AQID", DKIM_SIG_VALUE, "h" },
	{ "v=1; a=rsa-sha256; d=example.jp; s=s; h=From:a b; " BH "b=AQID", DKIM_SIG_VALUE, "h" },
	{ BASE "; c=nofws", DKIM_SIG_VALUE, "c" },
	{ BASE "; c=relaxed/", DKIM_SIG_VALUE, "c" },
	{ BASE "; c=relaxed/simple/simple", DKIM_SIG_VALUE, "c" },
	{ BASE "; l=-1", DKIM_SIG_VALUE, "l" },
	{ BASE "; l=99999999999999999999999", DKIM_SIG_VALUE, "l" },
	{ BASE "; t=soon", DKIM_SIG_VALUE, "t" },
	{ BASE "; x=1000000000000", DKIM_SIG_VALUE, "x" },
	{ BASE "; i=example.jp", DKIM_SIG_VALUE, "i" },
	{ BASE "; i=a=4@example.jp", DKIM_SIG_VALUE, "i" },
	{ BASE "; i=a=c3@example.jp", DKIM_SIG_VALUE, "i" },
	{ BASE "; i=@example.com", DKIM_SIG_IDENTITY, "@example.com" },
	{ BASE "; i=@jp", DKIM_SIG_IDENTITY, "@jp" },
	{ BASE "; i=@notexample.jp", DKIM_SIG_IDENTITY, "@notexample.jp" },
	{ BASE "; q=http", DKIM_SIG_QUERY, "http" },
	{ BASE "; q=", DKIM_SIG_QUERY, "" },
	{ BASE "; t=5; x=5", DKIM_SIG_TIMES, "x" },
	{ "v=1; a=rsa-sha256; d=example.jp; s=s; h=To:Subject; " BH "b=AQID", DKIM_SIG_FROM, "h" },
};

static void
test_bad(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		struct pool *pool = pool_new(65536);
		struct dkim_sig s = parse(pool, DKIM_SIGNATURE, bad[i].value);

		if (s.why != bad[i].why)
			print_message("%s\n", bad[i].value);
		assert_int_equal(s.why, bad[i].why);
		if (!sv_eq_str(s.what, bad[i].what))
			print_message("%s: %.*s\n", bad[i].value, SV_ARG(s.what));
		assert_true(sv_eq_str(s.what, bad[i].what));
		(void)pool_free(pool);
	}
}

/* What is wrong in one tag does not hide the others: findings name the domain. */
static void
test_rest(void **state)
{
	struct pool *pool = pool_new(65536);
	struct dkim_sig s;

	(void)state;
	s = parse(pool, DKIM_SIGNATURE, "v=3; a=rsa-md5; d=example.jp; s=sel; h=To");
	assert_int_equal(s.why, DKIM_SIG_VERSION);
	assert_true(sv_eq(s.domain, SV("example.jp")));
	assert_true(sv_eq(s.selector, SV("sel")));
	assert_true(sv_eq(s.alg_text, SV("rsa-md5")));
	(void)pool_free(pool);
}

static void
test_limits(void **state)
{
	struct pool *pool = pool_new(1 << 20);
	struct buf b = BUF_INIT;
	struct dkim_sig s;

	(void)state;
	buf_str(&b, BASE "; x=1; ");
	b.len = strlen("v=1; a=rsa-sha256; d=example.jp; s=sel; ");
	buf_str(&b, BH "b=AQID; h=From");
	for (unsigned i = 1; i < DKIM_NAMES_MAX; i++)
		buf_str(&b, ":To");
	s = parse(pool, DKIM_SIGNATURE, pool_printf(pool, "%.*s", (int)b.len, b.p));
	assert_int_equal(s.why, DKIM_FINE);
	assert_int_equal(s.n_names, DKIM_NAMES_MAX);
	s = parse(pool, DKIM_SIGNATURE, pool_printf(pool, "%.*s:To", (int)b.len, b.p));
	assert_int_equal(s.why, DKIM_SIG_LIMIT);
	b.len = 0;
	buf_str(&b, "v=1; a=rsa-sha256; d=example.jp; s=sel; h=From; " BH "b=");
	for (unsigned i = 0; i < DKIM_BASE64_MAX / 4 + 1; i++)
		buf_str(&b, "AAAA");
	s = parse(pool, DKIM_SIGNATURE, pool_printf(pool, "%.*s", (int)b.len, b.p));
	assert_int_equal(s.why, DKIM_SIG_VALUE);
	assert_true(sv_eq(s.what, SV("b")));
	buf_done(&b);
	(void)pool_free(pool);
}

static void
test_no_memory(void **state)
{
	struct pool *pool = pool_new(40);
	struct mail_field f = { .value = SV(BASE), .raw = SV(BASE) };
	struct dkim_sig s;

	(void)state;
	assert_int_equal(dkim_sig_parse(pool, DKIM_SIGNATURE, &f, &s), -ENOMEM);
	(void)pool_free(pool);
}

/* RFC 8617 sections 4.1.2 and 4.1.3: the same with other tags. */
static void
test_arc(void **state)
{
	struct pool *pool = pool_new(65536);
	struct dkim_sig s;

	(void)state;
	s = parse(pool, DKIM_ARC_MESSAGE, "i=2; a=rsa-sha256; c=relaxed/relaxed; d=example.jp; s=sel; h=From:To; " BH "b=AQID");
	assert_int_equal(s.why, DKIM_FINE);
	assert_int_equal(s.instance, 2);
	s = parse(pool, DKIM_ARC_MESSAGE, "i=51; a=rsa-sha256; d=example.jp; s=sel; h=From:To; " BH "b=AQID");
	assert_int_equal(s.why, DKIM_SIG_VALUE);
	assert_true(sv_eq(s.what, SV("i")));
	s = parse(pool, DKIM_ARC_SEAL, "i=1; a=rsa-sha256; cv=none; d=example.jp; s=sel; t=7; b=AQID");
	assert_int_equal(s.why, DKIM_FINE);
	assert_true(sv_eq(s.chain, SV("none")));
	assert_int_equal(s.time, 7);
	s = parse(pool, DKIM_ARC_SEAL, "i=1; a=rsa-sha256; d=example.jp; s=sel; b=AQID");
	assert_int_equal(s.why, DKIM_SIG_MISSING);
	assert_true(sv_eq(s.what, SV("cv")));
	(void)pool_free(pool);
}

static void
test_names(void **state)
{
	(void)state;
	assert_string_equal(dkim_alg_name(DKIM_RSA_SHA256), "rsa-sha256");
	assert_string_equal(dkim_alg_name(DKIM_ALG_MAX), "");
}

TESTS_MAIN("dkim_sig", T(test_values), T(test_bad), T(test_rest), T(test_limits), T(test_no_memory),
    T(test_arc), T(test_names))
