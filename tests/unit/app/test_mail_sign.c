/* mail.sign[] as it is configured, the table that comes of it, and who signs by it. */
#include <errno.h>
#include <stdio.h>

#include "../tap.h"
#include "app/mail_sign.h"
#include "app/mail_sign_conf.h"
#include "base/err.h"

/* --- the configuration --- */

#define ROW(domain, selector)	"    - domain: " domain "\n      selector: " selector "\n      key: /k/a.pem\n"

static const struct {
	const char	*rows;
	enum conf_errc	 code;
	unsigned	 line;
} confs[] = {
	{ ROW("example.jp", "s1"), CONF_OK, 0 },
	{ ROW("example.jp", "s1") ROW(".example.jp", "s1") ROW("example.jp", "s2") ROW("a.example", "s1"), CONF_OK, 0 },
	{ ROW("xn--r8jz45g.jp", "s_1.tokyo-2"), CONF_OK, 0 },
	{ ROW("example.jp", "s1") ROW("EXAMPLE.jp", "S1"), CONF_E_RULE, 6 },
	{ ROW(".example.jp", "s1") ROW(".example.jp", "s1"), CONF_E_RULE, 6 },
	{ ROW("jp", "s1"), CONF_E_TYPE, 3 },
	{ ROW("example.jp.", "s1"), CONF_E_TYPE, 3 },
	{ ROW("..example.jp", "s1"), CONF_E_TYPE, 3 },
	{ ROW("'*.example.jp'", "s1"), CONF_E_TYPE, 3 },
	{ ROW("\xe4\xbe\x8b\xe3\x81\x88.jp", "s1"), CONF_E_TYPE, 3 },
	{ ROW("example.jp", "a;b"), CONF_E_TYPE, 3 },
	{ ROW("example.jp", "s."), CONF_E_TYPE, 3 },
	{ "    - domain: example.jp\n      selector: s1\n", CONF_E_MISSING, 3 },
	{ "    - domain: example.jp\n      key: k\n", CONF_E_MISSING, 3 },
	{ "    - selector: s\n      key: k\n", CONF_E_MISSING, 3 },
	{ "    - domain: example.jp\n      selector: s\n      key: \"a\\tb\"\n", CONF_E_TYPE, 3 },
};

static void
test_conf(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(confs); i++) {
		_cleanup_(conf_freep) struct conf *c = NULL;
		struct conf_error err = { .code = CONF_OK };
		char text[2048];
		int rc;

		(void)snprintf(text, sizeof(text), "mail:\n  sign:\n%s", confs[i].rows);
		rc = app_conf_parse(sv_str(text), "c", &c, &err);
		if (err.code != confs[i].code || err.line != confs[i].line)
			print_message("row %zu: %d in line %u\n", i, err.code, err.line);
		assert_int_equal(rc == 0, confs[i].code == CONF_OK);
		assert_int_equal(err.code, confs[i].code);
		assert_int_equal(err.line, confs[i].line);
	}
}

static void
test_conf_text(void **state)
{
	_cleanup_(conf_freep) struct conf *c = NULL;
	_cleanup_(buf_done) struct buf b = BUF_INIT;
	struct conf_error err;

	(void)state;
	assert_int_equal(app_conf_parse(SV("mail:\n  sign:\n" ROW("example.jp", "s1") ROW(".example.jp", "s1")), "c",
	    &c, &err), 0);
	mail_sign_conf_text(c, &b);
	assert_true(sv_eq(buf_get(&b), SV("3\texample.jp\ts1\t/k/a.pem\n6\t.example.jp\ts1\t/k/a.pem\n")));
}

/* --- the table --- */

static const char table[] =
    "1\ted25519-sha256\texample.jp\te\n"
    "2\trsa-sha256\texample.jp\tr\n"
    "3\trsa-sha256\texample.jp\tr2\n"
    "4\trsa-sha256\t.example.jp\tsub\n"
    "5\trsa-sha256\t.b.example.jp\tb\n"
    "6\ted25519-sha256\tExample.com\te\n"
    "7\trsa-sha256\t.jp.example\tx\n"
    "8\trsa-sha256\texample.net\ta\n"
    "9\trsa-sha256\texample.net\tb\n";

static const struct {
	const char	*author;
	uint32_t	 keys[MAIL_SIGN_KEYS + 1];	/* 0: the end */
	const char	*domain;
} finds[] = {
	{ "example.jp", { 2, 1 }, "example.jp" },
	{ "EXAMPLE.JP", { 2, 1 }, "example.jp" },
	{ "a.example.jp", { 4 }, "example.jp" },
	{ "x.y.example.jp", { 4 }, "example.jp" },
	{ "b.example.jp", { 4 }, "example.jp" },
	{ "c.B.example.jp", { 5 }, "b.example.jp" },
	{ "example.com", { 6 }, "Example.com" },
	{ "example.net", { 8 }, "example.net" },	/* one of an algorithm */
	{ "a.example.com", { 0 }, NULL },
	{ "jp.example", { 0 }, NULL },
	{ "badexample.jp", { 0 }, NULL },
	{ "jp", { 0 }, NULL },
	{ ".", { 0 }, NULL },
};

static void
test_find(void **state)
{
	_cleanup_(mail_sign_table_freep) struct mail_sign_table *t = NULL;

	(void)state;
	assert_int_equal(mail_sign_table_parse(SV(table), &t), 0);
	for (size_t i = 0; i < ARRAY_LEN(finds); i++) {
		const struct mail_sign_key *keys = NULL;
		struct dname author;
		size_t n, want = 0;

		assert_int_equal(dname_parse(sv_str(finds[i].author), NULL, &author), 0);
		while (finds[i].keys[want] != 0)
			want++;
		n = mail_sign_find(t, &author, &keys);
		assert_int_equal(n, want);
		for (size_t k = 0; k < n; k++) {
			assert_int_equal(keys[k].key, finds[i].keys[k]);
			assert_true(sv_eq_str(keys[k].domain, finds[i].domain));
		}
	}
}

static void
test_seal(void **state)
{
	_cleanup_(mail_sign_table_freep) struct mail_sign_table *t = NULL;

	(void)state;
	assert_int_equal(mail_sign_table_parse(SV(table), &t), 0);
	assert_int_equal(mail_sign_seal(t, SV("example.jp"), SV("r2"))->key, 3);
	assert_int_equal(mail_sign_seal(t, SV("example.jp"), SV("e"))->key, 1);
	assert_int_equal(mail_sign_seal(t, SV("example.JP"), SV(""))->key, 2);
	assert_int_equal(mail_sign_seal(t, SV("example.com"), SV(""))->key, 6);
	assert_null(mail_sign_seal(t, SV("example.com"), SV("r")));
	assert_null(mail_sign_seal(t, SV("example.org"), SV("")));
}

static const char *const broken[] = {
	"x\trsa-sha256\texample.jp\ts\n", "1\trsa-sha1\texample.jp\ts\n", "1\trsa-sha256\t\ts\n",
	"1\trsa-sha256\texample.jp\n", "1\trsa-sha256\texample.jp\ts\tmore\n", "1\trsa-sha256\ta..b\ts\n", "\n",
	"-1\trsa-sha256\texample.jp\ts\n", "4294967296\trsa-sha256\texample.jp\ts\n",
};

static void
test_broken(void **state)
{
	_cleanup_(mail_sign_table_freep) struct mail_sign_table *t = NULL;
	_cleanup_(buf_done) struct buf b = BUF_INIT;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(broken); i++)
		assert_int_equal(mail_sign_table_parse(sv_str(broken[i]), &t), -EBADMSG);
	for (size_t i = 0; i <= MAIL_SIGN_ROWS_MAX; i++)
		buf_str(&b, "\n");
	assert_int_equal(mail_sign_table_parse(buf_get(&b), &t), SE_LIMIT);
	assert_null(t);
	assert_int_equal(mail_sign_table_parse(SV(""), &t), 0);
	assert_int_equal(mail_sign_find(t, &(struct dname){ .w = { 0 }, .len = 1 }, NULL), 0);
}

static void
test_put(void **state)
{
	_cleanup_(buf_done) struct buf b = BUF_INIT;
	const struct mail_sign_key k = { SV("example.jp"), SV("s"), DKIM_ED25519_SHA256, 7 };

	(void)state;
	mail_sign_key_put(&b, &k, false);
	mail_sign_key_put(&b, &k, true);
	assert_true(sv_eq(buf_get(&b), SV("7\ted25519-sha256\texample.jp\ts\n7\ted25519-sha256\t.example.jp\ts\n")));
}

/* --- signing --- */

static int
other_sign(void *arg, uint32_t key, const uint8_t digest[static SHA256_LEN], struct pool *pool, struct sv *ret_b)
{
	(void)pool;
	*(uint32_t *)arg = key;
	*ret_b = (struct sv){ (const char *)digest, 1 };
	return key == 9 ? -ENOENT : 0;
}

static void
test_by(void **state)
{
	uint32_t asked = 0;
	const struct mail_signer signer = { other_sign, &asked };
	const struct mail_sign_key k = { .alg = DKIM_ED25519_SHA256, .key = 7 }, gone = { .alg = DKIM_RSA_SHA256, .key = 9 };
	struct mail_sign_by by = { &signer, &k };
	struct dkim_signer s = mail_sign_by(&by);
	uint8_t digest[SHA256_LEN] = { 'd' };
	struct sv b;

	(void)state;
	assert_int_equal(s.alg, DKIM_ED25519_SHA256);
	assert_int_equal(s.sign(s.arg, digest, NULL, &b), 0);
	assert_int_equal(asked, 7);
	assert_true(sv_eq(b, SV("d")));
	by.key = &gone;
	assert_int_equal(s.sign(s.arg, digest, NULL, &b), -ENOENT);
}

TESTS_MAIN("mail_sign", T(test_conf), T(test_conf_text), T(test_find), T(test_seal), T(test_broken), T(test_put),
    T(test_by))
