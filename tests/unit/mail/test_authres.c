/* Authentication-Results and Received-SPF: what is read, what is written, whose it is. */
#include <errno.h>
#include <stdio.h>

#include "../tap.h"
#include "base/err.h"
#include "mail/authres.h"

static struct pool *
pool(void)
{
	struct pool *p = pool_new(MAIL_POOL_MAX);

	assert_non_null(p);
	return p;
}

/* What was read on one line: id|method/version=word(comment)reason[type.name=value]… */
static struct sv
shape(struct buf *b, const struct authres *a)
{
	b->len = 0;
	buf_sv(b, a->id);
	for (const struct authres_result *r = a->results; r != NULL; r = r->next) {
		buf_printf(b, "|%.*s/%u=%.*s", SV_ARG(r->method_name), r->version, SV_ARG(r->word));
		if (r->comment.n > 0)
			buf_printf(b, "(%.*s)", SV_ARG(r->comment));
		if (r->reason.p != NULL)
			buf_printf(b, "{%.*s}", SV_ARG(r->reason));
		for (const struct authres_property *p = r->properties; p != NULL; p = p->next)
			buf_printf(b, "[%.*s.%.*s=%.*s]", SV_ARG(p->ptype), SV_ARG(p->name), SV_ARG(p->value));
	}
	return buf_get(b);
}

#define ANY	AUTHRES_CODE_MAX	/* no finding */

static const struct {
	const char		*value, *shape;		/* NULL: refused */
	enum authres_code	 code;
} reads[] = {
	/* RFC 8601 appendix B */
	{ " example.org 1; none", "example.org", ANY },
	{ " example.com;\r\n          spf=pass smtp.mailfrom=example.net",
	  "example.com|spf/1=pass[smtp.mailfrom=example.net]", ANY },
	{ " example.com;\r\n auth=pass (cram-md5) smtp.auth=sender@example.net;\r\n"
	  " spf=pass smtp.mailfrom=example.net",
	  "example.com|auth/1=pass(cram-md5)[smtp.auth=sender@example.net]|spf/1=pass[smtp.mailfrom=example.net]", ANY },
	{ " example.com;\r\n dkim=pass reason=\"good signature\"\r\n  header.i=@mail-router.example.net;\r\n"
	  " dkim=fail reason=\"bad signature\"\r\n  header.i=@newyork.example.com",
	  "example.com|dkim/1=pass{good signature}[header.i=@mail-router.example.net]"
	  "|dkim/1=fail{bad signature}[header.i=@newyork.example.com]", ANY },
	/* the strangest one of appendix B.7 */
	{ " foo.example.net (foobar) 1 (baz);\r\n    dkim (Because I like it) / 1 (One yay) = (wait for it) fail\r\n"
	  "      policy (A dot can go here) . (like that) expired\r\n"
	  "      (this surprised me) = (as I wasn't expecting it) 1362471462",
	  "foo.example.net|dkim/1=fail[policy.expired=1362471462]", ANY },
	{ "a; none", "a", ANY },
	{ "a;none (nothing was asked)", "a", ANY },
	{ "\"a \\\"b\\\\ c\";spf=pass", "a \"b\\ c|spf/1=pass", ANY },
	{ "a; dkim/2=pass header.d=b", "a|dkim/2=pass[header.d=b]", ANY },
	{ "a; x-y2=odd", "a|x-y2/1=odd", ANY },
	{ "a; spf=pass (one (two) \\) three) (four) smtp.helo=b", "a|spf/1=pass(one (two) ) three)[smtp.helo=b]", ANY },
	{ "a; spf=pass smtp.mailfrom=\"b c\"@d.example", "a|spf/1=pass[smtp.mailfrom=\"b c\"@d.example]", ANY },
	{ "a; spf=pass smtp.mailfrom=x.y+z@d.example smtp.rcptto=\"a\r\n\tb\"", "a|spf/1=pass"
	  "[smtp.mailfrom=x.y+z@d.example][smtp.rcptto=a b]", ANY },
	{ "a; spf=pass smtp.mailfrom=\xe6\x97\xa5@\xe6\x9c\xac.example", "a|spf/1=pass"
	  "[smtp.mailfrom=\xe6\x97\xa5@\xe6\x9c\xac.example]", ANY },
	{ "a; spf=pass smtp.a=\"b\"smtp.c=d", "a|spf/1=pass[smtp.a=b][smtp.c=d]", ANY },
	{ "\"b@c.example\"; spf=pass reason=\"d@e.example\" smtp.mailfrom=\"f@g.example\"",
	  "b@c.example|spf/1=pass{d@e.example}[smtp.mailfrom=f@g.example]", ANY },
	/* what large providers write */
	{ "mx.google.com;\r\n dkim=pass header.i=@g.example header.s=20230601 header.b=Nm4/k=w8;\r\n"
	  " dmarc=pass (p=NONE sp=QUARANTINE dis=NONE) header.from=g.example",
	  "mx.google.com|dkim/1=pass[header.i=@g.example][header.s=20230601][header.b=Nm4/k=w8]"
	  "|dmarc/1=pass(p=NONE sp=QUARANTINE dis=NONE)[header.from=g.example]", AUTHRES_VALUE },
	{ "mx.microsoft.com 1; spf=pass smtp.mailfrom=m.example; dmarc=pass action=none header.from=m.example; "
	  "arc=none", "mx.microsoft.com|spf/1=pass[smtp.mailfrom=m.example]|dmarc/1=pass[header.from=m.example]"
	  "|arc/1=none", AUTHRES_KEY },
	{ "a; spf=pass;", "a|spf/1=pass", AUTHRES_EMPTY },
	{ "a; arc=pass smtp.remote-ip=2001:db8::1", "a|arc/1=pass[smtp.remote-ip=2001:db8::1]", AUTHRES_VALUE },
	{ "a; spf=none smtp.mailfrom= smtp.helo=b", "a|spf/1=none[smtp.mailfrom=smtp.helo=b]", AUTHRES_VALUE },
	{ "a; spf=none smtp.mailfrom=; dkim=none", "a|spf/1=none[smtp.mailfrom=]|dkim/1=none", AUTHRES_VALUE },
	{ "a; spf=pass reason=d@e.example", "a|spf/1=pass{d@e.example}", AUTHRES_VALUE },
	{ "a; spf=none smtp.helo=b reason=late", "a|spf/1=none[smtp.helo=b]", AUTHRES_KEY },
	{ "a; spf=none smtp.mailfrom=\"x\\\"y\"@b", "a|spf/1=none[smtp.mailfrom=\"x\\\"y\"@b]", AUTHRES_VALUE },
	/* what is broken */
	{ "", NULL, AUTHRES_ID },
	{ ";", NULL, AUTHRES_ID },
	{ "a", NULL, AUTHRES_ID },
	{ "spf=pass; dkim=pass", NULL, AUTHRES_ID },
	{ "a b; spf=pass", NULL, AUTHRES_ID },
	{ "\"a\"1; spf=pass", NULL, AUTHRES_ID },
	{ "\"\"; spf=pass", NULL, AUTHRES_ID },
	{ "a 2; spf=pass", NULL, AUTHRES_VERSION },
	{ "a 99999999999; spf=pass", NULL, AUTHRES_VERSION },
	{ "a; ", NULL, AUTHRES_METHOD },
	{ "a;; spf=pass", NULL, AUTHRES_METHOD },
	{ "a; spf", NULL, AUTHRES_METHOD },
	{ "a; spf=", NULL, AUTHRES_METHOD },
	{ "a; spf-=pass", NULL, AUTHRES_METHOD },
	{ "a; spf=pass/x", NULL, AUTHRES_METHOD },
	{ "a; spf pass", NULL, AUTHRES_METHOD },
	{ "a; none; spf=pass", NULL, AUTHRES_METHOD },
	{ "a; spf=pass; none", NULL, AUTHRES_METHOD },
	{ "a; spf=pass smtp", NULL, AUTHRES_PROPERTY },
	{ "a; spf=pass smtp.=b", NULL, AUTHRES_PROPERTY },
	{ "a; spf=pass smtp.x", NULL, AUTHRES_PROPERTY },
	{ "a; spf=pass \"x\"", NULL, AUTHRES_PROPERTY },
	{ "a; spf=pass smtp.x=y) z", NULL, AUTHRES_PROPERTY },
	{ "a; spf=pass smtp.x=\"b\tc\"@d", NULL, AUTHRES_PROPERTY },
	{ "a; spf=pass (b", NULL, AUTHRES_OPEN },
	{ "a; spf=pass (b\\)", NULL, AUTHRES_OPEN },
	{ "a; spf=pass ((b)", NULL, AUTHRES_OPEN },
	{ "a; spf=pass reason=\"b; dkim=pass", NULL, AUTHRES_OPEN },
	{ "a; spf=pass reason=\"b\\", NULL, AUTHRES_OPEN },
	{ "a; spf=pass smtp.helo=b\001c", NULL, AUTHRES_OCTET },
	{ "a; spf=pass (\x7f)", NULL, AUTHRES_OCTET },
	{ "a; spf=pass (\xff)", NULL, AUTHRES_OCTET },
	{ "a; spf=pass (\xc0\x80)", NULL, AUTHRES_OCTET },
};

static bool
has_code(const struct findings *fs, enum authres_code code)
{
	for (const struct finding *f = fs->head; f != NULL; f = f->next)
		if (f->def == &authres_findings[code])
			return true;
	return false;
}

/* Whatever can be read is written so that it is read as the same, and without a finding. */
static void
check_again(struct pool *p, const struct authres *a, const char *want)
{
	struct buf text = BUF_INIT, again = BUF_INIT;
	struct authres *b = NULL;
	struct findings fs;

	findings_init(&fs, p);
	authres_write(&text, a, sizeof("Authentication-Results:") - 1, true);
	assert_int_equal(text.rc, 0);
	assert_int_equal(authres_parse(p, buf_get(&text), &fs, &b), 0);
	assert_null(fs.head);
	assert_non_null(b);
	assert_true(sv_eq(shape(&again, b), sv_str(want)));
	buf_done(&text);
	buf_done(&again);
}

static void
test_read(void **state)
{
	struct buf b = BUF_INIT;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(reads); i++) {
		struct pool *p = pool();
		struct authres *a = NULL;
		struct findings fs;

		findings_init(&fs, p);
		assert_int_equal(authres_parse(p, sv_str(reads[i].value), &fs, &a), 0);
		if (reads[i].code == ANY ? fs.head != NULL : !has_code(&fs, reads[i].code))
			fail_msg("%s: finding %s", reads[i].value, fs.head == NULL ? "none" : fs.head->def->code);
		assert_true(findings_reject(&fs) == (reads[i].shape == NULL));
		assert_true((a == NULL) == (reads[i].shape == NULL));
		if (a != NULL) {
			if (!sv_eq(shape(&b, a), sv_str(reads[i].shape)))
				fail_msg("%s: %.*s", reads[i].value, SV_ARG(buf_get(&b)));
			check_again(p, a, reads[i].shape);
		}
		(void)pool_free(p);
	}
	buf_done(&b);
}

static void
limits_with(const char *head, const char *part, unsigned n, const char *tail, bool good)
{
	struct pool *p = pool();
	struct buf b = BUF_INIT;
	struct authres *a = NULL;
	struct findings fs;

	findings_init(&fs, p);
	buf_str(&b, head);
	for (unsigned i = 0; i < n; i++)
		buf_str(&b, part);
	buf_str(&b, tail);
	assert_int_equal(authres_parse(p, buf_get(&b), &fs, &a), 0);
	assert_true((a != NULL) == good);
	assert_true(has_code(&fs, AUTHRES_LIMIT) == !good);
	buf_done(&b);
	(void)pool_free(p);
}

static void
test_limits(void **state)
{
	struct pool *p = pool_new(64);
	struct authres *a = NULL;
	struct findings fs;

	(void)state;
	limits_with("a", "; spf=pass", AUTHRES_RESULTS_MAX, "", true);
	limits_with("a", "; spf=pass", AUTHRES_RESULTS_MAX + 1, "", false);
	limits_with("a; spf=pass", " smtp.a=b", AUTHRES_PROPERTIES_MAX, "", true);
	limits_with("a; spf=pass", " smtp.a=b", AUTHRES_PROPERTIES_MAX + 1, "", false);
	limits_with("a; spf=pass smtp.a=", "b", AUTHRES_VALUE_MAX, "", true);
	limits_with("a; spf=pass smtp.a=", "b", AUTHRES_VALUE_MAX + 1, "", false);
	limits_with("a; spf=pass smtp.a=\"\"@", "b", AUTHRES_VALUE_MAX, "", false);
	limits_with("a; spf=pass reason=\"", "b", AUTHRES_VALUE_MAX, "\"", true);
	limits_with("a; spf=pass reason=\"", "b", AUTHRES_VALUE_MAX + 1, "\"", false);
	limits_with("", "b", AUTHRES_VALUE_MAX, "; spf=pass", true);
	limits_with("", "b", AUTHRES_VALUE_MAX + 1, "; spf=pass", false);
	findings_init(&fs, p);
	assert_int_equal(authres_parse(p, SV("a; spf=pass"), &fs, &a), -ENOMEM);
	(void)pool_free(p);
}

/* RFC 8601 section 4.1 */
static void
test_find(void **state)
{
	static const char value[] = "a; spf/2=pass; spf=odd; spf=pass weird.x=y; spf=softfail smtp.helo=h "
	    "SMTP.MailFrom=m; dkim=softfail; arc=temperror; iprev=none; dmarc=policy; DKIM=pass; dkim=fail; other=pass";
	struct pool *p = pool();
	const struct authres_result *r;
	struct authres *a = NULL;
	struct findings fs;

	(void)state;
	findings_init(&fs, p);
	assert_int_equal(authres_parse(p, SV(value), &fs, &a), 0);
	assert_non_null(a);
	r = authres_find(a, AUTHRES_SPF, NULL);
	assert_non_null(r);
	assert_int_equal(r->result, MAIL_SOFTFAIL);
	assert_true(sv_eq_str(authres_property_find(r, "smtp", "mailfrom"), "m"));
	assert_null(authres_property_find(r, "header", "mailfrom").p);
	assert_null(authres_find(a, AUTHRES_SPF, r));
	r = authres_find(a, AUTHRES_DKIM, NULL);
	assert_int_equal(r->result, MAIL_PASS);
	r = authres_find(a, AUTHRES_DKIM, r);
	assert_int_equal(r->result, MAIL_FAIL);
	assert_null(authres_find(a, AUTHRES_DKIM, r));
	assert_null(authres_find(a, AUTHRES_ARC, NULL));
	assert_null(authres_find(a, AUTHRES_IPREV, NULL));
	assert_null(authres_find(a, AUTHRES_DMARC, NULL));
	assert_null(authres_find(a, AUTHRES_AUTH, NULL));
	assert_null(authres_find(a, AUTHRES_OTHER, NULL));
	assert_string_equal(authres_method_name(AUTHRES_METHOD_MAX), "");
	(void)pool_free(p);
}

static const struct {
	const char		*value;
	enum authres_claim	 claim;
} claims[] = {
	{ " mx.example.jp; spf=pass", AUTHRES_OURS },
	{ " mx.example.jp; all that follows is \"broken", AUTHRES_OURS },
	{ "MX.Example.JP;", AUTHRES_OURS },
	{ "mx.example.jp.; spf=pass", AUTHRES_OURS },
	{ "\"mx.example.jp\"; spf=pass", AUTHRES_OURS },
	{ "\"m\\x.example.jp\"; spf=pass", AUTHRES_OURS },
	{ "(hello (you)) mx.example.jp (again) 1 (and); spf=pass", AUTHRES_OURS },
	{ "mx.example.jp 7; spf=pass", AUTHRES_OURS },
	{ "\r\n\tmx.example.jp\r\n ; spf=pass", AUTHRES_OURS },
	{ "\"mx.example.jp/relay\"; spf=pass", AUTHRES_OURS },
	{ "\"mx.example.jp host\"; spf=pass", AUTHRES_OURS },
	{ "mail.\xe9\x96\xa2\xe6\x89\x80.example; spf=pass", AUTHRES_OURS },	/* 関所 */
	{ "mail.xn--kou6sf13a.example; spf=pass", AUTHRES_FOREIGN },
	{ "MAIL.XN--8OUS75I.example; spf=pass", AUTHRES_OURS },
	{ "a.b.within.example; spf=pass", AUTHRES_OURS },
	{ "within.example; spf=pass", AUTHRES_OURS },
	{ "notwithin.example; spf=pass", AUTHRES_FOREIGN },
	{ "ours; spf=pass", AUTHRES_OURS },
	{ "mx.example.jp.evil.example; spf=pass", AUTHRES_FOREIGN },
	{ "xmx.example.jp; spf=pass", AUTHRES_FOREIGN },
	{ "other.example; spf=pass", AUTHRES_FOREIGN },
	{ "other.example 1; spf=pass", AUTHRES_FOREIGN },
	{ "other.example 2; spf=pass", AUTHRES_VERSIONED },
	{ "", AUTHRES_UNREADABLE },
	{ "mx.example.jp", AUTHRES_UNREADABLE },
	{ "mx.example.jp spf=pass", AUTHRES_UNREADABLE },
	{ "mx.example.jp/relay; spf=pass", AUTHRES_UNREADABLE },
	{ "<mx.example.jp>; spf=pass", AUTHRES_UNREADABLE },
	{ "spf=pass; mx.example.jp", AUTHRES_UNREADABLE },
	/* what UTS 46 would map to ours, and IDNA does not know: full-width letters, U+3002, U+200B */
	{ "\xef\xbd\x8dx.example.jp; spf=pass", AUTHRES_UNREADABLE },
	{ "mx.example\xe3\x80\x82jp; spf=pass", AUTHRES_UNREADABLE },
	{ "mx.exam\xe2\x80\x8bple.jp; spf=pass", AUTHRES_UNREADABLE },
	{ "(mx.example.jp; spf=pass", AUTHRES_UNREADABLE },
	{ "other.example; spf=pass (\001)", AUTHRES_UNREADABLE },
};

static void
test_claim(void **state)
{
	static const struct sv ours[] = { SV("mx.example.jp"), SV(".within.example"), SV("ours"),
	    SV("mail.xn--8ous75i.example") };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(claims); i++) {
		struct pool *p = pool();
		enum authres_claim c = authres_claim(p, sv_str(claims[i].value), ours, ARRAY_LEN(ours));

		if (c != claims[i].claim)
			fail_msg("%s: %d", claims[i].value, c);
		(void)pool_free(p);
	}
}

static struct authres_result *
add(struct authres *a, enum authres_method m, enum mail_result result)
{
	struct authres_result *r = NULL;

	assert_int_equal(authres_add(a, m, result, &r), 0);
	return r;
}

static void
property(struct authres *a, struct authres_result *r, const char *type, const char *name, struct sv value)
{
	assert_int_equal(authres_property_add(a, r, type, name, value), 0);
}

static void
test_write(void **state)
{
	static const char want[] =
	    " mx.example.jp;\r\n"
	    "\tspf=pass reason=\"not \\\"listed\\\"\" smtp.mailfrom=a@xn--8ous75i.example;\r\n"
	    "\tdkim=fail (1024 bits \\(weak\\)?) header.d=example.jp header.s=2026\r\n"
	    "\theader.b=\"a/b=\" header.i=\"??@example.jp\";\r\n"
	    "\tdmarc=none header.from=\"x?; spf=pass?\";\r\n"
	    "\tiprev=pass policy.iprev=\"2001:db8::1\"";
	struct pool *p = pool();
	struct buf b = BUF_INIT;
	struct authres a;
	struct authres_result *r;
	static char longer[AUTHRES_VALUE_MAX + 1];

	(void)state;
	memset(longer, 'x', sizeof(longer));
	authres_init(&a, p, SV("mx.example.jp"));
	r = add(&a, AUTHRES_SPF, MAIL_PASS);
	r->reason = SV("not \"listed\"");
	property(&a, r, "smtp", "mailfrom", SV("a@\xe9\x96\xa2\xe6\x89\x80.example"));
	r = add(&a, AUTHRES_DKIM, MAIL_FAIL);
	r->comment = SV("1024 bits (weak)\r");
	property(&a, r, "header", "d", SV("example.jp"));
	property(&a, r, "header", "s", SV("2026"));
	property(&a, r, "header", "b", SV("a/b="));
	property(&a, r, "header", "i", SV("\xc3\xa4\xff@example.jp"));
	property(&a, r, "header", "z", (struct sv){ longer, sizeof(longer) });
	r = add(&a, AUTHRES_DMARC, MAIL_NONE);
	property(&a, r, "header", "from", SV("x\r; spf=pass\n"));
	r = add(&a, AUTHRES_IPREV, MAIL_PASS);
	property(&a, r, "policy", "iprev", SV("2001:db8::1"));
	authres_write(&b, &a, sizeof("Authentication-Results:") - 1, false);
	assert_int_equal(b.rc, 0);
	if (!sv_eq(buf_get(&b), SV(want)))
		fail_msg("%.*s", SV_ARG(buf_get(&b)));
	b.len = 0;
	authres_init(&a, p, SV("\xe9\x96\xa2\xe6\x89\x80.example"));
	authres_write(&b, &a, 23, true);
	assert_true(sv_eq(buf_get(&b), SV(" \xe9\x96\xa2\xe6\x89\x80.example; none")));
	b.len = 0;
	authres_write(&b, &a, 23, false);
	assert_true(sv_eq(buf_get(&b), SV(" xn--8ous75i.example; none")));
	buf_done(&b);
	for (unsigned i = 0; i < AUTHRES_RESULTS_MAX; i++)
		(void)add(&a, AUTHRES_AUTH, MAIL_PASS);
	assert_int_equal(authres_add(&a, AUTHRES_AUTH, MAIL_PASS, &r), SE_LIMIT);
	(void)pool_free(p);
}

/* Whatever octets a value has, what is written holds one statement, and no line is begun by it. */
static void
test_no_way_out(void **state)
{
	static const char nasty[] = { '\r', '\n', '"', '\\', '(', ')', ';', '=', ' ', '\t', '@', '.', 0, 1, 0x7f, 'a',
	    (char)0xff, (char)0xc3, (char)0xa4 };
	uint32_t seed = 1;

	(void)state;
	for (unsigned round = 0; round < 20000; round++) {
		struct pool *p = pool();
		struct buf b = BUF_INIT;
		struct authres a, *again = NULL;
		struct authres_result *r;
		struct findings fs;
		char text[12];

		for (size_t i = 0; i < sizeof(text); i++) {
			seed = seed * 1664525 + 1013904223;
			text[i] = nasty[(seed >> 16) % sizeof(nasty)];
		}
		authres_init(&a, p, SV("id"));
		r = add(&a, AUTHRES_SPF, MAIL_FAIL);
		r->comment = (struct sv){ text, 4 };
		r->reason = (struct sv){ text + 4, 4 };
		property(&a, r, "smtp", "mailfrom", (struct sv){ text + 8, 4 });
		authres_write(&b, &a, 23, round % 2 > 0);
		for (size_t i = 0; i + 2 < b.len; i++)
			assert_false(b.p[i] == '\n' && b.p[i + 1] != '\t');
		findings_init(&fs, p);
		assert_int_equal(authres_parse(p, buf_get(&b), &fs, &again), 0);
		assert_non_null(again);
		assert_null(fs.head);
		assert_int_equal(again->n, 1);
		assert_int_equal(again->results->comment.n > 0, 1);
		assert_non_null(again->results->reason.p);
		assert_non_null(again->results->properties);
		assert_null(again->results->properties->next);
		buf_done(&b);
		(void)pool_free(p);
	}
}

/* The example of RFC 7208 section 9.1, and what else is in use. */
static void
test_received_spf(void **state)
{
	static const char want[] =
	    " pass\r\n"
	    "\t(mybox.example.org: domain of myname@example.com designates 192.0.2.1 as permitted sender)\r\n"
	    "\treceiver=mybox.example.org; client-ip=\"2001:db8::1\";\r\n"
	    "\tenvelope-from=\"myname@example.com\"; helo=foo.example.com;\r\n"
	    "\tproblem=\"\\\"?\"";
	struct received_spf r = { .result = MAIL_PASS,
	    .comment = SV("mybox.example.org: domain of myname@example.com designates 192.0.2.1 as permitted sender"),
	    .receiver = SV("mybox.example.org"), .client_ip = SV("2001:db8::1"),
	    .envelope_from = SV("myname@example.com"), .helo = SV("foo.example.com"), .problem = SV("\"\n") }, again;
	struct pool *p = pool();
	struct buf b = BUF_INIT;

	(void)state;
	received_spf_write(&b, &r, false);
	if (!sv_eq(buf_get(&b), SV(want)))
		fail_msg("%.*s", SV_ARG(buf_get(&b)));
	assert_int_equal(received_spf_parse(p, buf_get(&b), &again), 0);
	assert_int_equal(again.result, MAIL_PASS);
	assert_true(sv_eq(again.comment, r.comment));
	assert_true(sv_eq(again.receiver, r.receiver));
	assert_true(sv_eq(again.client_ip, r.client_ip));
	assert_true(sv_eq(again.envelope_from, r.envelope_from));
	assert_true(sv_eq_str(again.problem, "\"?"));
	assert_null(again.mechanism.p);
	assert_int_equal(received_spf_parse(p, SV(" SoftFail (a; helo=x) client-ip=2001:db8::1 helo=a helo=b;; x-y=z "
	    "identity = mailfrom; mechanism=ip4:192.0.2.0/24"), &again), 0);
	assert_int_equal(again.result, MAIL_SOFTFAIL);
	assert_true(sv_eq_str(again.client_ip, "2001:db8::1"));
	assert_true(sv_eq_str(again.helo, "a"));
	assert_true(sv_eq_str(again.identity, "mailfrom"));
	assert_true(sv_eq_str(again.mechanism, "ip4:192.0.2.0/24"));
	assert_int_equal(received_spf_parse(p, SV("odd (pass)"), &again), -EINVAL);
	assert_int_equal(received_spf_parse(p, SV(""), &again), -EINVAL);
	assert_int_equal(received_spf_parse(p, SV("pass helo=\001"), &again), -EINVAL);
	buf_done(&b);
	(void)pool_free(p);
}

TESTS_MAIN("authres", T(test_read), T(test_limits), T(test_find), T(test_claim), T(test_write),
    T(test_no_way_out), T(test_received_spf))
