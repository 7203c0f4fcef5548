/* What we sign verifies, breaks when it should, and is folded. */
#include <errno.h>

#include "base/err.h"
#include "dkim_kit.h"

#define MESSAGE	"From: Taro <taro@example.jp>\r\nTo: x@example.com\r\nSubject: A  test\r\n of folds\r\n" \
		"Received: from a\r\nList-Id: <l.example.jp>\r\nReceived: from b\r\n\r\nHello.\r\n\r\nBye. \r\n"

static int
sign(struct kit *k, struct dkim_sign *s, struct sv message, struct sv *ret)
{
	struct mail_body_want want = { .canon = s->body_canon, .max = UINT64_MAX };
	struct mail_head head;
	struct sv body, field;
	int rc;

	findings_init(&k->fs, k->pool);
	mail_head_init(&head, k->pool);
	assert_int_equal(mail_head_parse(&head, message, &body, &k->fs), 0);
	kit_body(body, &want, 1);
	if ((rc = dkim_sign(k->pool, &head, want.digest, s, &field)) == 0)
		*ret = sv_str(pool_printf(k->pool, "%.*s\r\n%.*s", SV_ARG(field), SV_ARG(message)));
	return rc;
}

static void
test_all_ways(void **state)
{
	static const uint8_t algs[] = { 8, 15 };

	(void)state;
	for (unsigned i = 0; i < 8; i++) {
		_cleanup_(crypto_priv_freep) struct crypto_priv *key = NULL;
		struct dkim_sign s = {
			.domain = SV("example.jp"), .selector = SV("s"), .identity = SV("Taro;=|@news.Example.jp"),
			.head_canon = i & 1, .body_canon = i >> 1 & 1, .time = KIT_NOW, .expiry = KIT_NOW + 1,
		};
		struct sv text = SV(""), left, line;
		struct kit k;

		assert_int_equal(crypto_priv_generate(algs[i >> 2], 1024, &key), 0);
		s.by = dkim_signer_of(key);
		kit_init(&k);
		kit_publish(&k, "s._domainkey.example.jp", kit_record(&k, key, ""));
		assert_int_equal(sign(&k, &s, SV(MESSAGE), &text), 0);
		kit_check(&k, text, KIT_NOW);
		assert_int_equal(k.dkim.n, 1);
		assert_int_equal(k.v[0].why, DKIM_FINE);
		assert_int_equal(k.dkim.sigs[0].head_canon, s.head_canon);
		assert_int_equal(k.dkim.sigs[0].body_canon, s.body_canon);
		assert_int_equal(k.dkim.sigs[0].time, KIT_NOW);
		assert_int_equal(k.dkim.sigs[0].expiry, KIT_NOW + 1);
		assert_false(k.dkim.sigs[0].has_length);
		assert_true(sv_eq(k.dkim.sigs[0].identity, SV("Taro;=|@news.Example.jp")));
		for (left = sv_take(text, text.n - strlen(MESSAGE)); sv_line(&left, &line);)
			assert_in_range(line.n + (line.p[0] == '\t' ? 7 : 0), 1, 78);
		kit_check(&k, kit_change(&k, text, "Hello", "Jello"), KIT_NOW);
		assert_int_equal(k.v[0].why, DKIM_BODY_CHANGED);
		kit_done(&k);
	}
}

/* A field more, on top: what an attacker would add, and what a list adds. */
static const struct {
	const char	*added;
	bool		 passes;
} additions[] = {
	{ "From: a@example.net", false },
	{ "Subject: B", false },
	{ "To: a@example.net", false },
	{ "Cc: a@example.net", false },
	{ "Reply-To: a@example.net", false },
	{ "Date: today", false },
	{ "Message-ID: <a@b>", false },
	{ "MIME-Version: 1.0", false },
	{ "Content-Type: text/html", false },
	{ "In-Reply-To: <a@b>", false },
	{ "References: <a@b>", false },
	{ "List-Id: <other.example.jp>", false },	/* there was one */
	{ "List-Unsubscribe: <mailto:x@example.jp>", true },
	{ "Received: from c", true },
	{ "Resent-From: a@example.net", true },
	{ "X-Spam: no", true },
};

static void
test_additions(void **state)
{
	_cleanup_(crypto_priv_freep) struct crypto_priv *key = NULL;

	(void)state;
	assert_int_equal(crypto_priv_generate(15, 0, &key), 0);
	for (size_t i = 0; i < ARRAY_LEN(additions); i++) {
		struct dkim_sign s = { .domain = SV("example.jp"), .selector = SV("s"), .by = dkim_signer_of(key),
			.head_canon = MAIL_RELAXED, .body_canon = MAIL_RELAXED };
		struct sv text;
		struct kit k;

		kit_init(&k);
		kit_publish(&k, "s._domainkey.example.jp", kit_record(&k, key, ""));
		assert_int_equal(sign(&k, &s, SV(MESSAGE), &text), 0);
		text = sv_str(pool_printf(k.pool, "%s\r\n%.*s", additions[i].added, SV_ARG(text)));
		kit_check(&k, text, KIT_NOW);
		assert_int_equal(k.v[0].result, additions[i].passes ? MAIL_PASS : MAIL_FAIL);
		kit_done(&k);
	}
}

static void
test_two(void **state)
{
	_cleanup_(crypto_priv_freep) struct crypto_priv *rsa = NULL, *ed = NULL;
	struct dkim_sign s = { .domain = SV("example.jp"), .selector = SV("r") };
	struct sv text;
	struct kit k;

	(void)state;
	assert_int_equal(crypto_priv_generate(8, 1024, &rsa), 0);
	assert_int_equal(crypto_priv_generate(15, 0, &ed), 0);
	kit_init(&k);
	kit_publish(&k, "r._domainkey.example.jp", kit_record(&k, rsa, ""));
	kit_publish(&k, "e._domainkey.example.jp", kit_record(&k, ed, ""));
	s.by = dkim_signer_of(rsa);
	assert_int_equal(sign(&k, &s, SV(MESSAGE), &text), 0);
	s.by = dkim_signer_of(ed);
	s.selector = SV("e");
	assert_int_equal(sign(&k, &s, text, &text), 0);
	kit_check(&k, text, KIT_NOW);
	assert_int_equal(k.dkim.n, 2);
	assert_int_equal(k.v[0].sig->alg, DKIM_ED25519_SHA256);
	assert_int_equal(k.v[0].result, MAIL_PASS);
	assert_int_equal(k.v[1].result, MAIL_PASS);
	kit_done(&k);
}

/* DKIM-Signature in its own h= is the other ones (RFC 6376 section 3.5). */
static void
test_signs_signature(void **state)
{
	const struct dkim_sign_name names[] = {
		{ SV("From"), DKIM_OVER_ALWAYS }, { SV("DKIM-Signature"), DKIM_OVER_ALWAYS },
	};
	_cleanup_(crypto_priv_freep) struct crypto_priv *key = NULL;
	struct dkim_sign s = { .domain = SV("example.jp"), .selector = SV("s") };
	struct sv text;
	struct kit k;

	(void)state;
	assert_int_equal(crypto_priv_generate(15, 0, &key), 0);
	s.by = dkim_signer_of(key);
	kit_init(&k);
	kit_publish(&k, "s._domainkey.example.jp", kit_record(&k, key, ""));
	assert_int_equal(sign(&k, &s, SV(MESSAGE), &text), 0);
	s.names = names;
	s.n_names = 2;
	assert_int_equal(sign(&k, &s, text, &text), 0);
	kit_check(&k, text, KIT_NOW);
	assert_int_equal(k.v[0].result, MAIL_PASS);
	assert_int_equal(k.v[1].result, MAIL_PASS);
	assert_int_equal(k.v[0].sig->n_names, 4);
	assert_ptr_equal(k.v[0].fields[2], k.v[1].sig->field);
	assert_null(k.v[0].fields[3]);
	kit_done(&k);
}

static const struct {
	const char	*domain, *selector, *identity, *message;
	int64_t		 expiry;
	int		 rc;
	const char	*has;		/* in the field */
} edges[] = {
	{ "example.jp", "s", "", MESSAGE, 0, 0, " d=example.jp;" },
	{ "EXAMPLE.jp", "s.T", "@a.example.JP", MESSAGE, 0, 0, " d=example.jp; s=s.t;" },
	{ "\xe4\xbe\x8b\xe3\x81\x88.jp", "s", "", MESSAGE, 0, 0, " d=xn--r8jz45g.jp;" },
	{ "example.jp", "s", "\xe5\xa4\xaa@example.jp", MESSAGE, 0, 0, "i==E5=A4=AA@example.jp;" },
	{ "jp", "s", "", MESSAGE, 0, -EINVAL, NULL },
	{ "", "s", "", MESSAGE, 0, -EINVAL, NULL },
	{ "example.jp; x=1", "s", "", MESSAGE, 0, -EINVAL, NULL },
	{ "example.jp", "", "", MESSAGE, 0, -EINVAL, NULL },
	{ "example.jp", "s\r\nBcc: x", "", MESSAGE, 0, -EINVAL, NULL },
	{ "example.jp", "s", "example.jp", MESSAGE, 0, -EINVAL, NULL },
	{ "example.jp", "s", "@example.com", MESSAGE, 0, -EINVAL, NULL },
	{ "example.jp", "s", "@jp", MESSAGE, 0, -EINVAL, NULL },
	{ "example.jp", "s", "", MESSAGE, KIT_NOW, -EINVAL, NULL },
	{ "example.jp", "s", "", "To: x@example.jp\r\n\r\n", 0, -EINVAL, NULL },
};

static void
test_edges(void **state)
{
	_cleanup_(crypto_priv_freep) struct crypto_priv *key = NULL;

	(void)state;
	assert_int_equal(crypto_priv_generate(15, 0, &key), 0);
	for (size_t i = 0; i < ARRAY_LEN(edges); i++) {
		struct dkim_sign s = { .domain = sv_str(edges[i].domain), .selector = sv_str(edges[i].selector),
			.identity = sv_str(edges[i].identity), .by = dkim_signer_of(key), .time = KIT_NOW, .expiry = edges[i].expiry };
		struct sv text = SV("");
		struct kit k;

		kit_init(&k);
		assert_int_equal(sign(&k, &s, sv_str(edges[i].message), &text), edges[i].rc);
		if (edges[i].has != NULL && strstr(text.p, edges[i].has) == NULL)
			print_message("%s\n", text.p);
		if (edges[i].has != NULL)
			assert_non_null(strstr(text.p, edges[i].has));
		kit_done(&k);
	}
}

static void
test_refusals(void **state)
{
	const struct dkim_sign_name no_from[] = { { SV("To"), DKIM_OVER_NEVER } };
	_cleanup_(crypto_priv_freep) struct crypto_priv *key = NULL, *ec = NULL;
	struct dkim_sign s = { .domain = SV("example.jp"), .selector = SV("s") };
	struct buf b = BUF_INIT;
	struct sv text;
	struct kit k;

	(void)state;
	assert_int_equal(crypto_priv_generate(15, 0, &key), 0);
	assert_int_equal(crypto_priv_generate(13, 0, &ec), 0);
	kit_init(&k);
	s.by = dkim_signer_of(ec);
	assert_int_equal(sign(&k, &s, SV(MESSAGE), &text), -ENOTSUP);
	s.by = dkim_signer_of(key);
	s.names = no_from;
	s.n_names = 1;
	assert_int_equal(sign(&k, &s, SV(MESSAGE), &text), -EINVAL);
	s.names = NULL;
	for (unsigned i = 0; i < DKIM_NAMES_MAX; i++)
		buf_str(&b, "To: x\r\n");
	buf_str(&b, MESSAGE);
	assert_int_equal(sign(&k, &s, buf_get(&b), &text), SE_LIMIT);
	buf_done(&b);
	kit_done(&k);
}

/* An empty body, no body at all, both forms. */
static void
test_bodies(void **state)
{
	static const char *const messages[] = {
		"From: a@example.jp\r\n\r\n", "From: a@example.jp\r\n", "From: a@example.jp\r\n\r\n\r\n\r\n",
		"From: a@example.jp\r\n\r\n \r\n", "From: a@example.jp\r\n\r\nno end",
	};
	_cleanup_(crypto_priv_freep) struct crypto_priv *key = NULL;

	(void)state;
	assert_int_equal(crypto_priv_generate(15, 0, &key), 0);
	for (size_t i = 0; i < 2 * ARRAY_LEN(messages); i++) {
		struct dkim_sign s = { .domain = SV("example.jp"), .selector = SV("s"), .by = dkim_signer_of(key),
			.head_canon = i % 2, .body_canon = i % 2 };
		struct sv text;
		struct kit k;

		kit_init(&k);
		kit_publish(&k, "s._domainkey.example.jp", kit_record(&k, key, ""));
		assert_int_equal(sign(&k, &s, sv_str(messages[i / 2]), &text), 0);
		kit_check(&k, text, KIT_NOW);
		assert_int_equal(k.v[0].result, MAIL_PASS);
		kit_done(&k);
	}
}

TESTS_MAIN("dkim_sign", T(test_all_ways), T(test_additions), T(test_two), T(test_signs_signature), T(test_edges),
    T(test_refusals), T(test_bodies))
