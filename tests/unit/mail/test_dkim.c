/* Whole messages: the standard's own, and one signed message in all the ways to break it. */
#include "dkim_kit.h"

/* --- RFC 8463 appendix A --- */

static const char standard[] =
    "DKIM-Signature: v=1; a=ed25519-sha256; c=relaxed/relaxed;\r\n"
    " d=football.example.com; i=@football.example.com;\r\n"
    " q=dns/txt; s=brisbane; t=1528637909; h=from : to :\r\n"
    " subject : date : message-id : from : subject : date;\r\n"
    " bh=2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8=;\r\n"
    " b=/gCrinpcQOoIfuHNQIbq4pgh9kyIK3AQUdt9OdqQehSwhEIug4D11Bus\r\n"
    " Fa3bT3FY5OsU7ZbnKELq+eXdp1Q1Dw==\r\n"
    "DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/relaxed;\r\n"
    " d=football.example.com; i=@football.example.com;\r\n"
    " q=dns/txt; s=test; t=1528637909; h=from : to : subject :\r\n"
    " date : message-id : from : subject : date;\r\n"
    " bh=2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8=;\r\n"
    " b=F45dVWDfMbQDGHJFlXUNB2HKfbCeLRyhDXgFpEL8GwpsRe0IeIixNTe3\r\n"
    " DhCVlUrSjV4BwcVcOF6+FF3Zo9Rpo1tFOeS9mPYQTnGdaSGsgeefOsk2Jz\r\n"
    " dA+L10TeYt9BgDfQNZtKdN1WO//KgIqXP7OdEFE4LjFYNcUxZQ4FADY+8=\r\n"
    "From: Joe SixPack <joe@football.example.com>\r\n"
    "To: Suzie Q <suzie@shopping.example.net>\r\n"
    "Subject: Is dinner ready?\r\n"
    "Date: Fri, 11 Jul 2003 21:00:37 -0700 (PDT)\r\n"
    "Message-ID: <20030712040037.46341.5F8J@football.example.com>\r\n"
    "\r\n"
    "Hi.\r\n"
    "\r\n"
    "We lost the game.  Are you hungry yet?\r\n"
    "\r\n"
    "Joe.\r\n";

static void
test_standard(void **state)
{
	struct kit k;

	(void)state;
	kit_init(&k);
	kit_publish(&k, "brisbane._domainkey.football.example.com",
	    "v=DKIM1; k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=");
	kit_publish(&k, "test._domainkey.football.example.com",
	    "v=DKIM1; k=rsa; p=MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQDkHlOQoBTzWRiGs5V6NpP3id"
	    "Y6Wk08a5qhdR6wy5bdOKb2jLQiY/J16JYi0Qvx/byYzCNb3W91y3FutACDfzwQ"
	    "/BC/e/8uBsCR+yz1Lxj+PL6lHvqMKrM3rG4hstT5QjvHO9PzoxZyVYLzBfO2Ee"
	    "C3Ip3G+2kryOTIKT+l/K4w3QIDAQAB");
	dns_fake_slow(k.dns, true);
	dns_fake_secure(k.dns, true);
	kit_check(&k, sv_str(standard), KIT_NOW);
	assert_int_equal(k.n_waits, 1);			/* both keys were asked for together */
	assert_int_equal(dns_fake_learned(k.dns), 2);
	assert_int_equal(k.dkim.n, 2);
	for (size_t i = 0; i < 2; i++) {
		assert_int_equal(k.v[i].result, MAIL_PASS);
		assert_int_equal(k.v[i].why, DKIM_FINE);
		assert_true(k.v[i].body_holds && k.v[i].head_holds && k.v[i].secure && k.v[i].has_key);
		assert_int_equal(k.v[i].n_surplus, 0);
		assert_ptr_equal(k.v[i].fields[0], mail_head_last(&k.head, SV("From"), 0));
		assert_null(k.v[i].fields[5]);		/* the second "from" is not there */
	}
	assert_int_equal(k.v[0].key_bits, 256);
	assert_int_equal(k.v[1].key_bits, 1024);
	assert_int_equal(k.fs.n_kept, 1);
	assert_true(kit_has(&k, DKIM_KEY_SMALL));
	kit_done(&k);
}

/* --- one message, broken in many ways --- */

#define MESSAGE	"Received: from a\r\n\tby b\r\nFrom: Taro <taro@example.jp>\r\nTo: x@example.com\r\n" \
		"Subject: A  test\r\nX-One: 1\r\nX-One: 2\r\n\r\nHello.\r\n\r\nBye. \r\n"
#define TAGS	"v=1; a=rsa-sha256; c=relaxed/relaxed; d=example.jp; s=s; h=From:To:Subject:Subject:X-One"

static const struct {
	const char		*tags;		/* NULL: TAGS */
	const char		*from, *to;	/* what was changed behind the signer */
	const char		*record;	/* of the key: tags before p=; NULL: none there; "=": as it is */
	int64_t			 now;		/* 0: KIT_NOW */
	enum mail_result	 result;
	enum dkim_code		 why, note;
	bool			 body_holds, head_holds;
} cases[] = {
	{ NULL, NULL, NULL, "", 0, MAIL_PASS, DKIM_FINE, DKIM_KEY_SMALL, true, true },
	{ NULL, "Received: from a", "Received: from c", "", 0, MAIL_PASS, DKIM_FINE, DKIM_FINE, true, true },
	{ NULL, "Subject: A  test", "subject :A\r\n\ttest ", "", 0, MAIL_PASS, DKIM_FINE, DKIM_FINE, true, true },
	{ NULL, "Bye. \r\n", "Bye.\r\n\r\n\r\n", "", 0, MAIL_PASS, DKIM_FINE, DKIM_FINE, true, true },
	{ NULL, "X-One: 1", "X-One: 7", "", 0, MAIL_PASS, DKIM_FINE, DKIM_FINE, true, true },
	/* from the bottom up: the last X-One is the signed one, and so a new one on top is not */
	{ NULL, "X-One: 2", "X-One: 7", "", 0, MAIL_FAIL, DKIM_HEAD_CHANGED, DKIM_FINE, true, false },
	{ NULL, "X-One: 2\r\n", "X-One: 2\r\nX-One: 3\r\n", "", 0, MAIL_FAIL, DKIM_HEAD_CHANGED, DKIM_FINE, true, false },
	{ NULL, "X-One: 1\r\n", "X-One: 1\r\nX-One: 1\r\n", "", 0, MAIL_PASS, DKIM_FINE, DKIM_FINE, true, true },
	{ NULL, "Subject: A  test", "Subject: [list] A  test", "", 0, MAIL_FAIL, DKIM_HEAD_CHANGED, DKIM_FINE, true, false },
	/* oversigned: a second one breaks it wherever it stands */
	{ NULL, "Received", "Subject: more\r\nReceived", "", 0, MAIL_FAIL, DKIM_HEAD_CHANGED, DKIM_FINE, true, false },
	{ NULL, "a=rsa", "a= rsa", "", 0, MAIL_FAIL, DKIM_HEAD_CHANGED, DKIM_FINE, true, false },
	{ NULL, "Bye. \r\n", "Bye.\r\n-- \r\nthe list\r\n", "", 0, MAIL_FAIL, DKIM_BODY_CHANGED, DKIM_FINE, false, true },
	{ NULL, "test\r\nX-One: 1\r\nX-One: 2\r\n\r\nHello", "y\r\n\r\nBye", "", 0, MAIL_FAIL, DKIM_ALL_CHANGED, DKIM_FINE,
	  false, false },
	{ "v=1; a=rsa-sha256; d=example.jp; s=s; h=From", "Subject: A  test", "Subject: B", "", 0, MAIL_PASS,
	  DKIM_FINE, DKIM_FINE, true, true },
	{ "v=1; a=rsa-sha256; d=example.jp; s=s; h=From", "From: Taro", "From:  Taro", "", 0, MAIL_FAIL,
	  DKIM_HEAD_CHANGED, DKIM_FINE, true, false },
	{ "v=1; a=rsa-sha256; d=example.jp; s=s; h=From", "Bye. ", "Bye.", "", 0, MAIL_FAIL, DKIM_BODY_CHANGED,
	  DKIM_FINE, false, true },
	/* l= */
	{ TAGS "; l=8", "Bye. \r\n", "What else?\r\n", "", 0, MAIL_PASS, DKIM_FINE, DKIM_BODY_SURPLUS, true, true },
	{ TAGS "; l=0", NULL, NULL, "", 0, MAIL_PASS, DKIM_FINE, DKIM_BODY_SURPLUS, true, true },
	{ TAGS "; l=8", "Hello", "Cello", "", 0, MAIL_FAIL, DKIM_BODY_CHANGED, DKIM_FINE, false, true },
	{ TAGS "; l=16", NULL, NULL, "", 0, MAIL_PASS, DKIM_FINE, DKIM_KEY_SMALL, true, true },
	{ TAGS "; l=17", NULL, NULL, "", 0, MAIL_FAIL, DKIM_BODY_SHORT, DKIM_FINE, true, true },
	/* time */
	{ TAGS "; t=1795400000; x=1795400100", NULL, NULL, "", 1795400100, MAIL_PASS, DKIM_FINE, DKIM_FINE, true, true },
	{ TAGS "; t=1795400000; x=1795400100", NULL, NULL, "", 1795400101, MAIL_POLICY, DKIM_EXPIRED, DKIM_FINE, true, true },
	{ TAGS "; t=1795400300", NULL, NULL, "", 1795400000, MAIL_PASS, DKIM_FINE, DKIM_FINE, true, true },
	{ TAGS "; t=1795400301", NULL, NULL, "", 1795400000, MAIL_POLICY, DKIM_FUTURE, DKIM_FINE, true, true },
	/* a signature that does not hold is not called expired */
	{ TAGS "; x=1795400100", "To: x", "To: y", "", 1795400101, MAIL_FAIL, DKIM_HEAD_CHANGED, DKIM_FINE, true, false },
	/* the field */
	{ NULL, "v=1", "v=2", "", 0, MAIL_NEUTRAL, DKIM_SIG_VERSION, DKIM_FINE, false, false },
	{ NULL, "rsa-sha256", "rsa-sha1", "", 0, MAIL_PERMERROR, DKIM_SIG_SHA1, DKIM_FINE, false, false },
	{ NULL, "h=From:", "h=", "", 0, MAIL_PERMERROR, DKIM_SIG_FROM, DKIM_FINE, false, false },
	{ NULL, "bh=", "bh=;x=", "", 0, MAIL_NEUTRAL, DKIM_SIG_VALUE, DKIM_FINE, false, false },
	{ TAGS "; i=@example.com", NULL, NULL, "", 0, MAIL_PERMERROR, DKIM_SIG_IDENTITY, DKIM_FINE, false, false },
	/* the key */
	{ NULL, NULL, NULL, NULL, 0, MAIL_PERMERROR, DKIM_KEY_NONE, DKIM_FINE, true, false },
	{ NULL, NULL, NULL, "t=y; ", 0, MAIL_PASS, DKIM_FINE, DKIM_KEY_TESTING, true, true },
	{ NULL, "To: x", "To: y", "t=y; ", 0, MAIL_FAIL, DKIM_HEAD_CHANGED, DKIM_KEY_TESTING, true, false },
	{ TAGS "; i=@a.example.jp", NULL, NULL, "", 0, MAIL_PASS, DKIM_FINE, DKIM_FINE, true, true },
	{ TAGS "; i=@a.example.jp", NULL, NULL, "t=s; ", 0, MAIL_PERMERROR, DKIM_KEY_STRICT, DKIM_FINE, true, false },
	{ NULL, NULL, NULL, "h=sha1; ", 0, MAIL_PERMERROR, DKIM_KEY_HASH, DKIM_FINE, true, false },
	{ NULL, NULL, NULL, "s=x; ", 0, MAIL_PERMERROR, DKIM_KEY_SERVICE, DKIM_FINE, true, false },
	{ NULL, NULL, NULL, "k=ed25519; ", 0, MAIL_PERMERROR, DKIM_KEY_DER, DKIM_FINE, true, false },
	{ NULL, NULL, NULL, "p=; x", 0, MAIL_PERMERROR, DKIM_KEY_REVOKED, DKIM_FINE, true, false },
};

static void
test_cases(void **state)
{
	_cleanup_(crypto_priv_freep) struct crypto_priv *key = NULL;

	(void)state;
	assert_int_equal(crypto_priv_generate(8, 1024, &key), 0);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct sv text;
		struct kit k;

		kit_init(&k);
		text = kit_sign(&k, key, cases[i].tags == NULL ? TAGS : cases[i].tags, SV(MESSAGE));
		if (cases[i].from != NULL)
			text = kit_change(&k, text, cases[i].from, cases[i].to);
		if (cases[i].record != NULL)
			kit_publish(&k, "s._domainkey.example.jp", kit_record(&k, key, cases[i].record));
		kit_check(&k, text, cases[i].now == 0 ? KIT_NOW : cases[i].now);
		assert_int_equal(k.dkim.n, 1);
		if (k.v[0].why != cases[i].why)
			print_message("case %zu: %s\n", i, k.v[0].why == DKIM_FINE ? "fine" : dkim_findings[k.v[0].why].code);
		assert_int_equal(k.v[0].why, cases[i].why);
		assert_int_equal(k.v[0].result, cases[i].result);
		assert_int_equal(k.v[0].body_holds, cases[i].body_holds);
		assert_int_equal(k.v[0].head_holds, cases[i].head_holds);
		assert_int_equal(kit_has(&k, DKIM_BODY_SURPLUS), cases[i].note == DKIM_BODY_SURPLUS);
		if (cases[i].why != DKIM_FINE)
			assert_true(kit_has(&k, cases[i].why));
		if (cases[i].note != DKIM_FINE)
			assert_true(kit_has(&k, cases[i].note));
		kit_done(&k);
	}
}

static void
test_surplus(void **state)
{
	_cleanup_(crypto_priv_freep) struct crypto_priv *key = NULL;
	struct kit k;

	(void)state;
	assert_int_equal(crypto_priv_generate(15, 0, &key), 0);
	kit_init(&k);
	kit_publish(&k, "s._domainkey.example.jp", kit_record(&k, key, ""));
	kit_check(&k, kit_sign(&k, key, "v=1; a=ed25519-sha256; d=example.jp; s=s; h=From; l=3", SV(MESSAGE)), KIT_NOW);
	assert_int_equal(k.v[0].result, MAIL_PASS);
	assert_int_equal(k.v[0].n_surplus, strlen("Hello.\r\n\r\nBye. \r\n") - 3);
	assert_int_equal(k.fs.n_kept, 1);
	kit_done(&k);
}

/* Ed25519 whose key is RSA's, and the other way. */
static void
test_types(void **state)
{
	_cleanup_(crypto_priv_freep) struct crypto_priv *rsa = NULL, *ed = NULL;
	struct kit k;

	(void)state;
	assert_int_equal(crypto_priv_generate(8, 1024, &rsa), 0);
	assert_int_equal(crypto_priv_generate(15, 0, &ed), 0);
	kit_init(&k);
	kit_publish(&k, "s._domainkey.example.jp", kit_record(&k, ed, ""));
	kit_check(&k, kit_sign(&k, rsa, TAGS, SV(MESSAGE)), KIT_NOW);
	assert_int_equal(k.v[0].why, DKIM_KEY_TYPE);
	assert_true(kit_has(&k, DKIM_KEY_TYPE));
	kit_done(&k);
}

/* Two keys under one name: whichever fits. */
static void
test_several(void **state)
{
	_cleanup_(crypto_priv_freep) struct crypto_priv *one = NULL, *two = NULL, *three = NULL;
	const struct crypto_priv *signers[3];
	struct kit k;

	(void)state;
	assert_int_equal(crypto_priv_generate(8, 1024, &one), 0);
	assert_int_equal(crypto_priv_generate(8, 1024, &two), 0);
	assert_int_equal(crypto_priv_generate(8, 1024, &three), 0);
	signers[0] = one;
	signers[1] = two;
	signers[2] = three;
	kit_init(&k);
	kit_publish(&k, "s._domainkey.example.jp", kit_record(&k, one, ""));
	kit_publish(&k, "s._domainkey.example.jp", kit_record(&k, two, ""));
	for (size_t i = 0; i < 3; i++) {
		kit_check(&k, kit_sign(&k, signers[i], TAGS, SV(MESSAGE)), KIT_NOW);
		assert_int_equal(k.v[0].result, i < 2 ? MAIL_PASS : MAIL_FAIL);
		assert_true(kit_has(&k, DKIM_KEY_SEVERAL));
	}
	kit_done(&k);
}

static void
test_dns(void **state)
{
	_cleanup_(crypto_priv_freep) struct crypto_priv *key = NULL;
	struct kit k;

	(void)state;
	assert_int_equal(crypto_priv_generate(8, 1024, &key), 0);
	kit_init(&k);
	assert_int_equal(dns_fake_fail(k.dns, SV("s._domainkey.example.jp")), 0);
	kit_check(&k, kit_sign(&k, key, TAGS, SV(MESSAGE)), KIT_NOW);
	assert_int_equal(k.v[0].result, MAIL_TEMPERROR);
	assert_int_equal(k.v[0].why, DKIM_KEY_DNS);
	assert_int_equal(k.v[0].rcode, MAIL_DNS_FAILED);
	assert_true(k.v[0].is_asked);
	assert_false(k.v[0].has_key);
	kit_done(&k);
}

/* Each code of a key's record comes out at the top, too. */
static void
test_key_codes(void **state)
{
	static const struct {
		const char	*record;
		enum dkim_code	 why;
	} rows[] = {
		{ "what", DKIM_KEY_TAGS },
		{ "v=DKIM2; p=AQID", DKIM_KEY_VERSION },
		{ "v=DKIM1", DKIM_KEY_MISSING },
		{ "v=DKIM1; p=A", DKIM_KEY_BASE64 },
		{ "v=DKIM1; p=MBwwDQYJKoZIhvcNAQEBBQADCwAwCAIDAIWFAgED", DKIM_KEY_SHORT },
	};
	_cleanup_(crypto_priv_freep) struct crypto_priv *key = NULL;

	(void)state;
	assert_int_equal(crypto_priv_generate(8, 1024, &key), 0);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct kit k;

		kit_init(&k);
		kit_publish(&k, "s._domainkey.example.jp", rows[i].record);
		kit_check(&k, kit_sign(&k, key, TAGS, SV(MESSAGE)), KIT_NOW);
		assert_int_equal(k.v[0].result, MAIL_PERMERROR);
		assert_int_equal(k.v[0].why, rows[i].why);
		assert_true(kit_has(&k, rows[i].why));
		kit_done(&k);
	}
}

/* No signature at all; and a thousand of them. */
static void
test_numbers(void **state)
{
	_cleanup_(crypto_priv_freep) struct crypto_priv *key = NULL;
	struct kit k;
	struct sv text;
	struct buf b = BUF_INIT;

	(void)state;
	assert_int_equal(crypto_priv_generate(8, 1024, &key), 0);
	kit_init(&k);
	kit_check(&k, SV(MESSAGE), KIT_NOW);
	assert_int_equal(k.dkim.n, 0);
	assert_int_equal(k.dkim.n_wants, 0);
	assert_int_equal(k.fs.n_kept, 0);
	kit_publish(&k, "s._domainkey.example.jp", kit_record(&k, key, ""));
	text = kit_sign(&k, key, TAGS, SV(MESSAGE));
	text.n -= strlen(MESSAGE);
	for (unsigned i = 0; i < 1000; i++)
		buf_sv(&b, text);
	buf_str(&b, MESSAGE);
	kit_check(&k, buf_get(&b), KIT_NOW);
	assert_int_equal(k.dkim.n, DKIM_SIGS_MAX);
	assert_int_equal(k.dkim.n_more, 1000 - DKIM_SIGS_MAX);
	for (size_t i = 0; i < DKIM_SIGS_MAX; i++)
		assert_int_equal(k.v[i].result, MAIL_PASS);
	assert_true(kit_has(&k, DKIM_SIG_MANY));
	buf_done(&b);
	kit_done(&k);
}

static void
test_results(void **state)
{
	(void)state;
	assert_int_equal(dkim_result(DKIM_FINE), MAIL_PASS);
	for (unsigned i = 0; i < DKIM_CODE_MAX; i++)
		if (dkim_findings[i].severity == SEV_REJECT)
			assert_int_not_equal(dkim_result(i), MAIL_PASS);
		else if (i != DKIM_SIG_MANY)
			assert_int_equal(dkim_result(i), MAIL_PASS);
}

TESTS_MAIN("dkim", T(test_standard), T(test_cases), T(test_surplus), T(test_types), T(test_several), T(test_dns),
    T(test_key_codes), T(test_numbers), T(test_results))
