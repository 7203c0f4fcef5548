/* Chains of ARC: sealed here, damaged in each way that there is a code for, validated. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "../tap.h"
#include "base/base64.h"
#include "dns_fake.h"
#include "mail/arc_internal.h"

#define NOW	INT64_C(1795400000)
#define NONE	ARC_CODE_MAX

static const char plain[] =
    "From: a@example.jp\r\nTo: list@example.org\r\nSubject: hello\r\nDate: Mon, 23 Nov 2026 04:00:00 +0000\r\n"
    "\r\nThe body.\r\n";

static const struct dkim_sign_name from_only[] = {
	{ { "From", 4 }, DKIM_OVER_NEVER },
	{ { "Subject", 7 }, DKIM_OVER_NEVER },
};

struct world {
	struct dns_fake		*dns;
	struct crypto_priv	*key;
	struct pool		*pool;		/* of one message */
	struct findings		 fs;
	struct mail_head	 head;
	struct sv		 body;
	struct arc		 arc;
	struct mail_body_want	 want;		/* of the whole body */
};

static int
setup(void **state)
{
	struct world *w = calloc(1, sizeof(*w));
	char text[400], der[400], b64[600];
	struct sv pub;
	size_t n;

	assert_non_null(w);
	*state = w;
	w->dns = dns_fake_new();
	assert_non_null(w->dns);
	assert_int_equal(crypto_priv_generate(8, 1024, &w->key), 0);
	/* RSAPublicKey (RFC 8017 appendix A.1.1) of RFC 3110's form: e of 3 octets, n of 128. */
	pub = crypto_priv_public(w->key);
	assert_int_equal(pub.n, 1 + 3 + 128);
	memcpy(der, "\x30\x81\x89\x02\x81\x81\x00", 7);
	memcpy(der + 7, pub.p + 4, 128);
	memcpy(der + 135, "\x02\x03", 2);
	memcpy(der + 137, pub.p + 1, 3);
	n = base64_encode(b64, der, 140);
	(void)snprintf(text, sizeof(text), "v=DKIM1; k=rsa; p=%.*s", (int)n, b64);
	assert_int_equal(dns_fake_add_txt(w->dns, SV("sel._domainkey.example.org"), sv_str(text)), 0);
	assert_int_equal(dns_fake_fail(w->dns, SV("sel._domainkey.down.example")), 0);
	dns_fake_slow(w->dns, true);
	return 0;
}

static int
teardown(void **state)
{
	struct world *w = *state;

	(void)pool_free(w->pool);
	(void)crypto_priv_free(w->key);
	(void)dns_fake_free(w->dns);
	free(w);
	return 0;
}

static void
digest(struct world *w, struct mail_body_want *wants, size_t n)
{
	_cleanup_(mail_body_freep) struct mail_body *b = NULL;

	assert_int_equal(mail_body_new(wants, n, &b), 0);
	mail_body_feed(b, w->body);
	mail_body_end(b);
}

static void
load(struct world *w, struct sv text)
{
	(void)pool_free(w->pool);
	w->pool = pool_new(MAIL_POOL_MAX);
	assert_non_null(w->pool);
	findings_init(&w->fs, w->pool);
	mail_head_init(&w->head, w->pool);
	assert_int_equal(mail_head_parse(&w->head, text, &w->body, &w->fs), 0);
	assert_int_equal(arc_begin(w->pool, &w->head, &w->arc), 0);
	digest(w, w->arc.wants, w->arc.n_wants);
	w->want = (struct mail_body_want){ .canon = MAIL_RELAXED, .max = UINT64_MAX };
	digest(w, &w->want, 1);
}

static struct arc_sealer
sealer(const struct world *w)
{
	return (struct arc_sealer){ .domain = SV("example.org"), .selector = SV("sel"), .by = dkim_signer_of(w->key), .time = NOW,
	    .names = from_only, .n_names = ARRAY_LEN(from_only) };
}

static void
prepend(struct buf *msg, struct sv a, struct sv b, struct sv c)
{
	struct buf all = BUF_INIT;

	buf_printf(&all, "%.*s\r\n%.*s\r\n%.*s\r\n", SV_ARG(a), SV_ARG(b), SV_ARG(c));
	buf_sv(&all, buf_get(msg));
	buf_done(msg);
	*msg = all;
}

/* One hop more. */
static void
hop(struct world *w, struct buf *msg, enum mail_result chain, const struct arc_sealer *with)
{
	struct arc_sealed set = { .is_made = false };
	struct authres found;
	struct authres_result *r;
	char id[32];

	load(w, buf_get(msg));
	(void)snprintf(id, sizeof(id), "mx%u.example", w->arc.n + 1);
	authres_init(&found, w->pool, sv_str(id));
	assert_int_equal(authres_add(&found, AUTHRES_SPF, MAIL_PASS, &r), 0);
	assert_int_equal(arc_seal(w->pool, &w->arc, chain, &found, w->want.digest, with, &set), 0);
	assert_true(set.is_made);
	assert_int_equal(set.instance, w->arc.n + 1);
	prepend(msg, set.seal, set.ams, set.results);
}

static void
hops(struct world *w, struct buf *msg, unsigned n)
{
	struct arc_sealer with = sealer(w);

	for (unsigned i = 0; i < n; i++)
		hop(w, msg, msg->len == sizeof(plain) - 1 ? MAIL_NONE : MAIL_PASS, &with);
}

static void
replace_all(struct buf *msg, const char *from, const char *to)
{
	struct buf out = BUF_INIT;
	struct sv left = buf_get(msg);
	size_t n = strlen(from), hits = 0;

	while (left.n > 0) {
		if (n > 0 && sv_starts(left, sv_str(from))) {
			buf_str(&out, to);
			left = sv_skip(left, n);
			hits++;
		} else {
			buf_char(&out, left.p[0]);
			left = sv_skip(left, 1);
		}
	}
	assert_true(n == 0 || hits > 0);
	buf_done(msg);
	*msg = out;
}

/* The verdict; in how many rounds it came: *ret_rounds. */
static struct arc_verdict
check(struct world *w, struct pool *pool, unsigned *ret_rounds)
{
	struct mail_ask ask = { .find = dns_fake_find, .arg = w->dns };
	struct arc_verdict v = { .result = MAIL_RESULT_MAX };
	int rc = MAIL_WAIT;

	dns_fake_forget(w->dns);
	for (*ret_rounds = 0; *ret_rounds < 10; (*ret_rounds)++) {
		pool_reset(pool);
		findings_init(&w->fs, pool);
		if ((rc = arc_check(&w->arc, NOW, pool, &ask, &w->fs, &v)) <= 0)
			break;
		dns_fake_learn(w->dns, &ask);
	}
	assert_int_equal(rc, 0);
	return v;
}

static bool
has_code(const struct findings *fs, enum arc_code code)
{
	for (const struct finding *f = fs->head; f != NULL; f = f->next)
		if (f->def == &arc_findings[code])
			return true;
	return false;
}

static const struct {
	unsigned	 n;
	const char	*from, *to;	/* each of them in the sealed message */
	enum arc_code	 why;
	uint32_t	 at;
} damages[] = {
	{ 0, "", "", NONE, 0 },
	{ 1, "", "", NONE, 0 },
	{ 3, "", "", NONE, 0 },
	{ 2, "Date: ", "Date:  ", NONE, 0 },		/* not signed, and relaxed */
	{ 2, "Subject: hello", "Subject:  hello ", NONE, 0 },
	{ 2, "cv=pass", "cv=PASS", ARC_SEAL_CHANGED, 2 },
	{ 2, "cv=pass", "cv=fail", ARC_CV_FAIL, 2 },
	{ 2, "cv=none", "cv=fail", ARC_CV, 1 },
	{ 2, "cv=none", "cv=pass", ARC_CV, 1 },
	{ 2, "cv=pass", "cv=none", ARC_CV, 2 },
	{ 2, " cv=pass;", "", ARC_CV, 2 },
	{ 2, "ARC-Seal: i=2", "ARC-Seal: i=0", ARC_INSTANCE, 0 },
	{ 2, "ARC-Seal: i=2", "ARC-Seal: i=51", ARC_INSTANCE, 0 },
	{ 2, "ARC-Seal: i=2", "ARC-Seal: i=x", ARC_INSTANCE, 0 },
	{ 2, "ARC-Message-Signature: i=1; ", "ARC-Message-Signature: ", ARC_INSTANCE, 0 },
	{ 2, "ARC-Authentication-Results: i=1;", "ARC-Authentication-Results: i=1", ARC_INSTANCE, 0 },
	{ 2, "ARC-Authentication-Results: i=1;", "ARC-Authentication-Results: I=1;", ARC_INSTANCE, 0 },
	{ 2, "ARC-Authentication-Results: i=1;", "ARC-Authentication-Results: i;", ARC_INSTANCE, 0 },
	{ 2, "ARC-Authentication-Results: i=1;", "ARC-Authentication-Results: (x) i = 01 ;", ARC_SEAL_CHANGED, 2 },
	{ 3, "ARC-Seal: i=3", "ARC-Seal: i=2", ARC_DOUBLE, 2 },
	{ 2, "ARC-Message-Signature: i=2", "X-Message-Signature: i=2", ARC_MISSING, 2 },
	{ 2, "ARC-Seal: i=1", "X-Seal: i=1", ARC_MISSING, 1 },
	{ 3, "i=2;", "i=5;", ARC_GAP, 2 },
	{ 2, "i=1;", "i=3;", ARC_GAP, 1 },
	{ 2, "Subject: hello", "Subject: [list] hello", ARC_AMS_HEAD, 2 },
	{ 2, "The body.", "The body, and more.", ARC_AMS_BODY, 2 },
	{ 2, "a=rsa-sha256; c=", "a=rsa-sha1; c=", ARC_AMS_FIELD, 2 },
	{ 2, "h=From:", "h=To:", ARC_AMS_FIELD, 2 },
	{ 2, "h=From:", "h=arc-seal:From:", ARC_AMS_COVERS_SEAL, 2 },
	{ 2, "relaxed; d=example.org", "relaxed; d=other.example", ARC_AMS_KEY, 2 },
	{ 2, "relaxed; d=example.org", "relaxed; d=down.example", ARC_KEY_DNS, 2 },
	{ 2, "a=rsa-sha256; cv=pass", "a=rsa-sha1; cv=pass", ARC_SEAL_FIELD, 2 },
	{ 2, "cv=pass;", "h=from; cv=pass;", ARC_SEAL_NAMES, 2 },
	{ 2, "cv=pass; d=example.org", "cv=pass; d=other.example", ARC_SEAL_KEY, 2 },
	{ 2, "cv=pass; d=example.org", "cv=pass; d=down.example", ARC_KEY_DNS, 2 },
	{ 2, "mx2.example", "mx9.example", ARC_SEAL_CHANGED, 2 },
	{ 3, "mx1.example", "mx9.example", ARC_SEAL_CHANGED, 3 },
};

static void
test_damages(void **state)
{
	struct world *w = *state;
	struct pool *pool = pool_new(MAIL_POOL_MAX);

	for (size_t i = 0; i < ARRAY_LEN(damages); i++) {
		struct buf msg = BUF_INIT;
		struct arc_verdict v;
		unsigned rounds;

		buf_str(&msg, plain);
		hops(w, &msg, damages[i].n);
		replace_all(&msg, damages[i].from, damages[i].to);
		load(w, buf_get(&msg));
		v = check(w, pool, &rounds);
		if (v.why != damages[i].why)
			fail_msg("%u %s -> %s: %s at %u", damages[i].n, damages[i].from, damages[i].to,
			    v.why == NONE ? "fine" : arc_findings[v.why].code, v.at);
		assert_int_equal(v.at, damages[i].at);
		assert_int_equal(v.result, damages[i].n == 0 ? MAIL_NONE : v.why == NONE ? MAIL_PASS : MAIL_FAIL);
		assert_true(findings_reject(&w->fs) == (v.why != NONE));
		assert_true(v.why == NONE || has_code(&w->fs, v.why));
		if (rounds != (w->arc.why == ARC_FINE && w->arc.n > 0))
			fail_msg("%s -> %s: %u rounds", damages[i].from, damages[i].to, rounds);
		buf_done(&msg);
	}
	(void)pool_free(pool);
}

/* Who seals a chain that he should have refused does not mend it: the first seal stays broken. */
static void
test_first_seal(void **state)
{
	struct world *w = *state;
	struct pool *pool = pool_new(MAIL_POOL_MAX);
	struct buf msg = BUF_INIT;
	struct arc_verdict v;
	unsigned rounds;

	buf_str(&msg, plain);
	hops(w, &msg, 1);
	replace_all(&msg, "mx1.example", "mx9.example");
	hops(w, &msg, 2);
	load(w, buf_get(&msg));
	v = check(w, pool, &rounds);
	assert_int_equal(v.why, ARC_SEAL_CHANGED);
	assert_int_equal(v.at, 1);
	assert_int_equal(v.seals[2].why, NONE);
	buf_done(&msg);
	(void)pool_free(pool);
}

/* A list that changes the subject, between two that do not. */
static void
test_oldest_pass(void **state)
{
	struct world *w = *state;
	struct pool *pool = pool_new(MAIL_POOL_MAX);
	struct buf msg = BUF_INIT, text = BUF_INIT;
	struct arc_verdict v;
	struct authres a;
	unsigned rounds;

	buf_str(&msg, plain);
	hops(w, &msg, 2);
	load(w, buf_get(&msg));
	v = check(w, pool, &rounds);
	assert_true(v.has_oldest_pass);
	assert_int_equal(v.oldest_pass, 0);
	assert_false(has_code(&w->fs, ARC_OLDER));
	replace_all(&msg, "Subject: hello", "Subject: [list] hello");
	hops(w, &msg, 2);
	load(w, buf_get(&msg));
	v = check(w, pool, &rounds);
	assert_int_equal(v.result, MAIL_PASS);
	assert_int_equal(v.oldest_pass, 3);
	assert_true(has_code(&w->fs, ARC_OLDER));
	assert_int_equal(v.ams[1].why, ARC_AMS_HEAD);
	assert_int_equal(v.ams[0].why, ARC_AMS_HEAD);
	assert_true(v.ams[1].body_holds);
	assert_false(v.ams[1].head_holds);
	assert_int_equal(v.seals[3].key_bits, 1024);
	authres_init(&a, pool, SV("mx"));
	assert_int_equal(arc_verdict_add(&a, &v, SV("192.0.2.1")), 0);
	v.result = MAIL_FAIL;
	assert_int_equal(arc_verdict_add(&a, &v, (struct sv){ NULL, 0 }), 0);
	authres_write(&text, &a, 23, false);
	assert_true(sv_eq(buf_get(&text), SV(" mx;\r\n\tarc=pass smtp.remote-ip=192.0.2.1 header.oldest-pass=3;\r\n"
	    "\tarc=fail")));
	buf_done(&text);
	buf_done(&msg);
	(void)pool_free(pool);
}

static void
test_time(void **state)
{
	struct world *w = *state;
	struct pool *pool = pool_new(MAIL_POOL_MAX);
	struct arc_sealer with = sealer(w);
	struct buf msg = BUF_INIT;
	struct arc_verdict v;
	unsigned rounds;

	buf_str(&msg, plain);
	with.time = NOW + DKIM_SKEW_SEC + 1;
	hop(w, &msg, MAIL_NONE, &with);
	load(w, buf_get(&msg));
	v = check(w, pool, &rounds);
	assert_int_equal(v.why, ARC_AMS_TIME);
	assert_true(has_code(&w->fs, ARC_AMS_TIME));
	buf_done(&msg);
	(void)pool_free(pool);
}

/* An AMS that no sealer of ours would make. */
static struct sv
ams_by_hand(struct world *w, const char *names)
{
	char *text = pool_printf(w->pool, "ARC-Message-Signature: i=1; a=rsa-sha256; c=relaxed/relaxed; d=example.org;"
	    " s=sel; h=%s; bh=", names), bh[48], b64[200];
	struct mail_field self;
	struct dkim_sig sig;
	uint8_t out[SHA256_LEN];
	struct sv b;

	assert_non_null(text);
	bh[base64_encode(bh, w->want.digest, SHA256_LEN)] = '\0';
	text = pool_printf(w->pool, "%s%s; b=", text, bh);
	assert_non_null(text);
	self = (struct mail_field){ sv_str(text), sv_take(sv_str(text), 21), sv_skip(sv_str(text), 22) };
	assert_int_equal(dkim_sig_parse(w->pool, DKIM_ARC_MESSAGE, &self, &sig), 0);
	assert_int_equal(dkim_head_digest(&w->head, &sig, NULL, out), 0);
	assert_int_equal(dkim_digest_sign(w->pool, w->key, out, &b), 0);
	b64[base64_encode(b64, b.p, b.n)] = '\0';
	return sv_str(pool_printf(w->pool, "%s%s", text, b64));
}

static void
test_covers(void **state)
{
	struct world *w = *state;
	struct pool *pool = pool_new(MAIL_POOL_MAX);
	struct arc_sealer with = sealer(w);
	struct arc_sealed set = { .results = SV("ARC-Authentication-Results: i=1; all (but readable") };
	struct buf msg = BUF_INIT;
	struct arc_verdict v;
	unsigned rounds;

	buf_str(&msg, plain);
	load(w, buf_get(&msg));
	set.ams = ams_by_hand(w, "from:authentication-results");
	assert_int_equal(arc_seal_over(w->pool, &w->arc, MAIL_NONE, &with, &set), 0);
	prepend(&msg, set.seal, set.ams, set.results);
	load(w, buf_get(&msg));
	v = check(w, pool, &rounds);
	assert_int_equal(v.result, MAIL_PASS);
	assert_true(has_code(&w->fs, ARC_AMS_COVERS));
	buf_done(&msg);
	(void)pool_free(pool);
}

/* 50 sets hold, with keys asked for in one question; there is no 51st. */
static void
test_limit(void **state)
{
	struct world *w = *state;
	struct pool *pool = pool_new(MAIL_POOL_MAX);
	struct arc_sealer with = sealer(w);
	struct arc_sealed set = { .is_made = true };
	struct buf msg = BUF_INIT;
	struct arc_verdict v;
	struct authres found;
	unsigned rounds;

	buf_str(&msg, plain);
	hops(w, &msg, ARC_SETS_MAX);
	load(w, buf_get(&msg));
	v = check(w, pool, &rounds);
	assert_int_equal(v.result, MAIL_PASS);
	assert_int_equal(rounds, 1);
	authres_init(&found, w->pool, SV("mx"));
	assert_int_equal(arc_seal(w->pool, &w->arc, MAIL_PASS, &found, w->want.digest, &with, &set), 0);
	assert_false(set.is_made);
	prepend(&msg, SV("ARC-Seal: i=51; cv=pass"), SV("X: y"), SV("X: y"));
	load(w, buf_get(&msg));
	v = check(w, pool, &rounds);
	assert_int_equal(v.why, ARC_LIMIT);
	assert_true(has_code(&w->fs, ARC_LIMIT));
	assert_int_equal(arc_seal(w->pool, &w->arc, MAIL_FAIL, &found, w->want.digest, &with, &set), 0);
	assert_false(set.is_made);
	buf_done(&msg);
	(void)pool_free(pool);
}

/* RFC 8617 section 5.1.2: the set that says so covers itself alone, and is the last. */
static void
test_failed(void **state)
{
	struct world *w = *state;
	struct pool *pool = pool_new(MAIL_POOL_MAX);
	struct arc_sealer with = sealer(w);
	struct arc_sealed set = { .is_made = true };
	struct authres found;
	struct buf msg = BUF_INIT;
	struct arc_verdict v;
	unsigned rounds;

	buf_str(&msg, plain);
	hops(w, &msg, 1);
	replace_all(&msg, "cv=none", "cv=pass");
	hop(w, &msg, MAIL_FAIL, &with);
	load(w, buf_get(&msg));
	v = check(w, pool, &rounds);
	assert_int_equal(v.why, ARC_CV_FAIL);
	assert_int_equal(v.at, 2);
	authres_init(&found, w->pool, SV("mx"));
	assert_int_equal(arc_seal(w->pool, &w->arc, MAIL_FAIL, &found, w->want.digest, &with, &set), 0);
	assert_false(set.is_made);
	buf_done(&msg);
	(void)pool_free(pool);
}

static void
refused(struct world *w, const char *text, enum mail_result chain, const struct arc_sealer *with, int rc)
{
	struct arc_sealed set = { .is_made = false };
	struct authres found;

	load(w, sv_str(text));
	authres_init(&found, w->pool, SV("mx"));
	assert_int_equal(arc_seal(w->pool, &w->arc, chain, &found, w->want.digest, with, &set), rc);
	assert_false(set.is_made);
}

static void
test_refused(void **state)
{
	static const struct dkim_sign_name seal[] = { { { "From", 4 }, DKIM_OVER_NEVER },
	    { { "arc-SEAL", 8 }, DKIM_OVER_ALWAYS } };
	struct world *w = *state;
	struct arc_sealer with = sealer(w);
	struct crypto_priv *ecdsa = NULL;

	refused(w, plain, MAIL_PASS, &with, -EINVAL);
	refused(w, plain, MAIL_FAIL, &with, -EINVAL);
	refused(w, plain, MAIL_TEMPERROR, &with, -EINVAL);
	refused(w, "From: a@b\r\nARC-Seal: i=1; cv=none\r\n\r\n", MAIL_NONE, &with, -EINVAL);
	refused(w, "From: a@b\r\nARC-Seal: i=1; cv=none\r\n\r\n", MAIL_PASS, &with, -EINVAL);
	refused(w, "To: a@b\r\n\r\n", MAIL_NONE, &with, -EINVAL);
	with.domain = SV("example..org");
	refused(w, plain, MAIL_NONE, &with, -EINVAL);
	with.domain = SV("org");
	refused(w, plain, MAIL_NONE, &with, -EINVAL);
	with = sealer(w);
	with.selector = SV("a;b");
	refused(w, plain, MAIL_NONE, &with, -EINVAL);
	with = sealer(w);
	with.names = seal;
	refused(w, plain, MAIL_NONE, &with, -EINVAL);
	with = sealer(w);
	assert_int_equal(crypto_priv_generate(13, 0, &ecdsa), 0);
	with.by = dkim_signer_of(ecdsa);
	refused(w, plain, MAIL_NONE, &with, -ENOTSUP);
	with = sealer(w);
	with.seal_order = "i a cv d s t";
	refused(w, plain, MAIL_NONE, &with, -EINVAL);
	(void)crypto_priv_free(ecdsa);
	assert_string_equal(arc_part_name(ARC_PART_MAX), "");
}

#define S(fn)	cmocka_unit_test_setup_teardown(fn, setup, teardown)

TESTS_MAIN("arc", S(test_damages), S(test_first_seal), S(test_oldest_pass), S(test_time), S(test_covers),
    S(test_limit), S(test_failed), S(test_refused))
