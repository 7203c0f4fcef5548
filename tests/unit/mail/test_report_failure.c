/* Failure reports: the whole of one, and what must not be in any. */
#include <errno.h>
#include <stdio.h>

#include "../tap.h"
#include "mail/report.h"

#define SIG	"DKIM-Signature: v=1; a=rsa-sha256; d=example.com; s=s1;\r\n\th=From; bh=AA==; b=AA==\r\n"

static const char message[] =
	"Return-Path: <bounce-secretname@example.com>\r\n"
	"Received: from client.example (client.example [192.0.2.9]) for <secretname@mx.example>\r\n"
	SIG
	"DKIM-Signature: v=1; d=example.com; s=s2; b=AA==; z=Subject:secretsubject\r\n"
	"DKIM-Signature: no tags at all, secretname\r\n"
	"ARC-Seal: i=1; a=rsa-sha256; d=list.example; s=s; b=AbCdEfGhIjKlMnOp==; cv=none\r\n"
	"From: =?utf-8?q?Secretname?= <secretname@EXAMPLE.com>\r\n"
	"To: Secretname <secretname@mx.example>, other.secretname@mx.example\r\n"
	"Cc: secretname@mx.example <broken\r\n"
	"Subject: secretsubject\r\n"
	"Date: Sun, 22 Nov 2026 04:06:50 +0000 (secretname's clock)\r\n"
	"Message-ID: <1@example.com>\r\n"
	"List-Id: \x01list\r\n"
	"List-Id: Friends of secretname <friends.list.example>\r\n"
	"List-Unsubscribe: <mailto:leave-secretname@list.example>\r\n"
	"X-Auth-User: secretname\r\n"
	"Content-Type: text/plain; name=secretsubject.txt\r\n"
	"X-User: secretname\r\n"
	"MIME-Version: 1.0 (secretname's machine)\r\n"
	"\r\n"
	"secretbody\r\n";

struct world {
	struct pool		*pool;
	struct mail_head	 head;
	struct mail_address	 sender;
	struct report_failure	 f;
	struct report_failure_mail m;
};

static struct world
world_of(void)
{
	struct world w = { .pool = pool_new(MAIL_POOL_MAX) };
	struct findings fs;
	struct sv body;

	assert_non_null(w.pool);
	findings_init(&fs, w.pool);
	mail_head_init(&w.head, w.pool);
	assert_int_equal(mail_head_parse(&w.head, SV(message), &body, &fs), 0);
	assert_int_equal(mail_envelope(w.pool, SV("bounce-secretname@example.com"), &w.sender), 0);
	w.m = (struct report_failure_mail){ .from = SV("dmarc@example.net"), .to = SV("ruf@example.com"),
		.submitter = SV("mx.example.net"), .domain = SV("example.com"), .id = SV("0123abc"),
		.agent = SV("Sekisho/0.1.0"), .at = 1795320420, .incidents = 2 };
	w.f = (struct report_failure){ .domain = SV("example.com"), .arrived = 1795320410,
		.auth_results = SV("mx.example.net;\r\n dmarc=fail header.from=example.com"),
		.dkim_failed = true, .spf_failed = true, .dkim_domain = SV("example.com"),
		.dkim_selector = SV("s1"), .spf_domain = SV("example.com"), .spf_record = SV("v=spf1 \"\\\n-all"),
		.delivery = REPORT_REJECTED, .key = SV("0123456789abcdef") };
	assert_int_equal(ip_prefix_parse_host(SV("2001:db8::1"), &w.f.source), 0);
	return w;
}

/* NUL-terminated; the caller frees. */
static struct buf
written(struct world *w)
{
	struct buf b = BUF_INIT, feedback = BUF_INIT, head = BUF_INIT;

	w->f.head = &w->head;
	assert_int_equal(report_failure_write(&feedback, &head, w->pool, &w->f), 0);
	w->m.feedback = buf_get(&feedback);
	w->m.head = buf_get(&head);
	assert_true(feedback.len + head.len <= REPORT_FAILURE_MAX);
	assert_int_equal(report_failure_mail_write(&b, &w->m), 0);
	buf_done(&feedback);
	buf_done(&head);
	buf_char(&b, '\0');
	return b;
}

/* The words of `printf %s WHAT | openssl dgst -sha256 -mac HMAC -macopt key:0123456789abcdef`. */
#define WORD_SENDER	"RiB57ysUJxDp"		/* bounce-secretname */
#define WORD		"1WN3xOdzDmZ_"		/* secretname */
#define WORD_OTHER	"n_1NdgSQV8kO"		/* other.secretname */

static const char want[] =
	"From: <dmarc@example.net>\n"
	"To: <ruf@example.com>\n"
	"Subject: DMARC failure report for example.com\n"
	"Date: Sun, 22 Nov 2026 04:07:00 +0000\n"
	"Message-ID: <0123abc@mx.example.net>\n"
	"Auto-Submitted: auto-generated\n"
	"MIME-Version: 1.0\n"
	"Content-Type: multipart/report; report-type=feedback-report;\n"
	" boundary=\"=_0123abc\"\n"
	"\n"
	"--=_0123abc\n"
	"Content-Type: text/plain; charset=us-ascii\n"
	"\n"
	"A message in the name of example.com was not authenticated in all ways (RFC 9991).\n"
	"You get this as the ruf= tag of its DMARC record asks for it.\n"
	"Addresses in it are replaced by words (RFC 6590): the same word is the same address.\n"
	"\n"
	"--=_0123abc\n"
	"Content-Type: message/feedback-report\n"
	"\n"
	"Feedback-Type: auth-failure\n"
	"Version: 1\n"
	"User-Agent: Sekisho/0.1.0\n"
	"Auth-Failure: dmarc\n"
	"Authentication-Results: mx.example.net;\n"
	" dmarc=fail header.from=example.com\n"
	"Identity-Alignment: dkim, spf\n"
	"DKIM-Domain: example.com\n"
	"DKIM-Identity: @example.com\n"
	"DKIM-Selector: s1\n"
	"SPF-DNS: txt : example.com : \"v=spf1 \\\"\\\\?-all\"\n"
	"Delivery-Result: reject\n"
	"Original-Mail-From: <" WORD_SENDER "@example.com>\n"
	"Arrival-Date: Sun, 22 Nov 2026 04:06:50 +0000\n"
	"Source-IP: 2001:db8::1\n"
	"Reported-Domain: example.com\n"
	"Incidents: 2\n"
	"\n"
	"--=_0123abc\n"
	"Content-Type: text/rfc822-headers; charset=us-ascii\n"
	"\n"
	"Return-Path: <" WORD_SENDER "@example.com>\n"
	"DKIM-Signature: v=1; a=rsa-sha256; d=example.com; s=s1;\n"
	"\th=From; bh=AA==; b=AA==\n"
	"DKIM-Signature: v=1; d=example.com; s=s2; b=AA==; z=redacted\n"
	"DKIM-Signature: [not readable]\n"
	"ARC-Seal: i=1; a=rsa-sha256; d=list.example; s=s; b=AbCdEfGh; cv=none\n"
	"From: <" WORD "@example.com>\n"
	"To: <" WORD "@mx.example>,\n"
	" <" WORD_OTHER "@mx.example>\n"
	"Cc: [not readable]\n"
	"Subject: [redacted]\n"
	"Date: Sun, 22 Nov 2026 04:06:50 +0000\n"
	"Message-ID: <1@example.com>\n"
	"List-Id: [not readable]\n"
	"List-Id: <friends.list.example>\n"
	"MIME-Version: 1.0\n"
	"\n"
	"--=_0123abc--\n";

static void
whole(void **state UNUSED)
{
	struct world w = world_of();
	struct buf b;

	w.f.mail_from = &w.sender;
	b = written(&w);
	assert_string_equal(b.p, want);
	buf_done(&b);
	(void)pool_free(w.pool);
}

static void
options(void **state UNUSED)
{
	struct world w = world_of();
	struct buf b;

	w.f.with_subject = true;
	w.f.dkim_failed = false;
	w.f.dkim_domain = w.f.spf_domain = SV("");
	w.f.delivery = REPORT_SPAM;
	b = written(&w);
	assert_non_null(strstr(b.p, "\nSubject: secretsubject\n"));
	assert_non_null(strstr(b.p, ">\nSubject: FW: secretsubject\nDate:"));
	assert_non_null(strstr(b.p, "\nIdentity-Alignment: spf\n"));
	assert_non_null(strstr(b.p, "\nOriginal-Mail-From: <>\n"));
	assert_non_null(strstr(b.p, "\nDelivery-Result: spam\n"));
	assert_null(strstr(b.p, "DKIM-Domain"));
	assert_null(strstr(b.p, "SPF-DNS"));
	buf_done(&b);
	w.f.spf_failed = false;
	w.f.key = SV("another key, 16+ octets");
	w.f.all_results = SV("mx.example.net; spf=pass;\r\n dmarc=pass");
	b = written(&w);
	assert_non_null(strstr(b.p, "\nIdentity-Alignment: none\n"));
	assert_non_null(strstr(b.p, "headers; charset=us-ascii\n\nAuthentication-Results: mx.example.net; spf=pass;\n dmarc=pass\nRet"));
	assert_null(strstr(b.p, WORD));
	buf_done(&b);
	(void)pool_free(w.pool);
}

static void
refused(void **state UNUSED)
{
	static const struct {
		size_t		at;		/* of a struct sv in the report */
		const char	*text;
	} rows[] = {
		{ offsetof(struct report_failure, domain), "a b" },
		{ offsetof(struct report_failure, auth_results), "a\x80" },
		{ offsetof(struct report_failure, all_results), "a\x80" },
		{ offsetof(struct report_failure, dkim_domain), "a\nb" },
		{ offsetof(struct report_failure, dkim_selector), "a\nb" },
		{ offsetof(struct report_failure, dkim_identity), "a\nb" },
		{ offsetof(struct report_failure, spf_domain), "a b" },
		{ offsetof(struct report_failure, key), "123456789012345" },
	}, mails[] = {
		{ offsetof(struct report_failure_mail, from), "a@b\nBcc: c@d" },
		{ offsetof(struct report_failure_mail, to), "a b@c" },
		{ offsetof(struct report_failure_mail, submitter), "a\nb" },
		{ offsetof(struct report_failure_mail, domain), "a b" },
		{ offsetof(struct report_failure_mail, id), "a-b" },
		{ offsetof(struct report_failure_mail, agent), "" },
		{ offsetof(struct report_failure_mail, agent), "a\x01" },
		{ offsetof(struct report_failure_mail, agent), "a\nBcc: c@d" },
		{ offsetof(struct report_failure_mail, feedback), "a\x80" },
		{ offsetof(struct report_failure_mail, head), "a\x80" },
	};
	struct world w = world_of();
	struct buf b = BUF_INIT;

	w.f.head = &w.head;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct report_failure f = w.f;
		struct sv text = sv_str(rows[i].text);

		memcpy((char *)&f + rows[i].at, &text, sizeof(text));
		assert_int_equal(report_failure_write(&b, &b, w.pool, &f), -EINVAL);
		assert_int_equal(b.len, 0);
	}
	w.f.auth_failure = REPORT_AUTH_REVOKED;
	w.f.dkim_domain = SV("");
	assert_int_equal(report_failure_write(&b, &b, w.pool, &w.f), -EINVAL);
	for (size_t i = 0; i < ARRAY_LEN(mails); i++) {
		struct report_failure_mail m = w.m;
		struct sv text = sv_str(mails[i].text);

		memcpy((char *)&m + mails[i].at, &text, sizeof(text));
		assert_int_equal(report_failure_mail_write(&b, &m), -EINVAL);
		assert_int_equal(b.len, 0);
	}
	(void)pool_free(w.pool);
}

/* Two hundred fields of a kilobyte: some as they are, all by their names. */
static void
long_head(void **state UNUSED)
{
	struct world w = world_of();
	struct findings fs;
	static char value[950];
	struct buf b;
	size_t n = 0;

	findings_init(&fs, w.pool);
	(void)memset(value, 'x', sizeof(value));
	memcpy(value, " s=", 3);
	for (unsigned i = 0; i < 300; i++)
		assert_int_equal(mail_head_add(&w.head, SV("ARC-Message-Signature"),
		    i % 2 == 0 ? SV(" i=1; d=a.example") : SV(" d=a.example; b=AAAA; x=" "y"), &fs), 0);
	for (unsigned i = 0; i < 20; i++)
		assert_int_equal(mail_head_add(&w.head, SV("DKIM-Signature"), (struct sv){ value, sizeof(value) }, &fs), 0);
	b = written(&w);
	for (const char *p = b.p; (p = strstr(p, "\nARC-Message-Signature:")) != NULL; p++)
		n++;
	assert_true(n > 150);
	buf_done(&b);
	(void)pool_free(w.pool);
	w = world_of();
	for (unsigned i = 0; i < 20; i++)
		assert_int_equal(mail_head_add(&w.head, SV("DKIM-Signature"), (struct sv){ value, sizeof(value) }, &fs), 0);
	b = written(&w);
	assert_non_null(strstr(b.p, "\nDKIM-Signature: [left out]\nDKIM-Signature: [left out]\n"));
	assert_true(b.len < REPORT_FAILURE_MAX);
	buf_done(&b);
	(void)pool_free(w.pool);
}

/* RFC 5965 section 2: the message's own, where it may be seen; on one line, as nobody's folds are ours. */
static void
subjects(void **state UNUSED)
{
	static const char own[] = "Subject: DMARC failure report for example.com";
	static char longer[1501];		/* lines that may be sent, and no one line */
	static const struct {
		const char	*value, *want;
	} rows[] = {
		{ longer, own }, { " a", "Subject: FW: a" }, { "a", "Subject: FW: a" }, { " a\r\n\tb\r\n \r\n c", "Subject: FW: a\tb  c" },
		{ " =?utf-8?B?5pel?=", "Subject: FW: =?utf-8?B?5pel?=" }, { " \xe6\x97\xa5", own }, { "", own }, { " [redacted]", own },
	};

	(void)memset(longer, 'x', sizeof(longer) - 1);
	memcpy(longer + 750, "\r\n ", 3);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct world w = world_of();
		struct findings fs;
		char want_line[100];
		struct buf b;

		findings_init(&fs, w.pool);
		mail_head_init(&w.head, w.pool);
		assert_int_equal(mail_head_add(&w.head, SV("SUBJECT"), sv_str(rows[i].value), &fs), 0);
		w.f.with_subject = true;
		b = written(&w);
		(void)snprintf(want_line, sizeof(want_line), ">\n%s\nDate:", rows[i].want);
		if (strstr(b.p, want_line) == NULL)
			print_message("# %s\n%.200s\n", rows[i].want, b.p);
		assert_non_null(strstr(b.p, want_line));
		buf_done(&b);
		(void)pool_free(w.pool);
	}
}

/* One field, as others see it: nobody is in it. */
static void
fields(void **state UNUSED)
{
	static const struct {
		const char	*name, *value, *want;
	} rows[] = {
		{ "DKIM-Signature", " d=a.example; i=secretname@a.example; b=AA", " d=a.example; i=" WORD "@a.example; b=AA" },
		{ "DKIM-Signature", " d=a.example;\r\n\ti=secretname@a.example", " d=a.example;\n\ti=" WORD "@a.example" },
		{ "DKIM-Signature", " d=a.example; i=@a.example", " d=a.example; i=@a.example" },
		{ "DKIM-Signature", " d=a.example; i=secretname=40a.example", " d=a.example; i=redacted" },
		{ "DKIM-Signature", " i=1; d=a.example", " i=1; d=a.example" },
		{ "DKIM-Signature", " i=; d=a.example;;", " [not readable]" },
		{ "DKIM-Signature", " d=a.example; i=;", " d=a.example; i=;" },
		{ "DKIM-Signature", " b=AAAA\r\n\tBBBB\r\n CCCC; dara=secretname; s=x@secretname", " b=AAAABBBB; dara=redacted; s=redacted" },
		{ "ARC-Message-Signature", " i=2; bh=47DE=; b=0123456789", " i=2; bh=47DE=; b=01234567" },
		{ "Message-ID", " (secret) <5.1@a.example> secret", " <5.1@a.example>" },
		{ "Message-ID", " <secret name@a.example>", " [not readable]" },
		{ "Message-ID", " secretname", " [not readable]" },
		{ "Message-ID", " <secretname@a.example", " [not readable]" },
		{ "List-Id", " \"secretname's\"\r\n <l.a.example>", " <l.a.example>" },
		{ "Date", " (secret) Mon, 23 Nov 2026 04:00:00 +0900", " [not readable]" },
		{ "Date", " Mon, 23 Nov 2026 04:00:00 +0900 (JST)", " Mon, 23 Nov 2026 04:00:00 +0900" },
		{ "Date", " secret'name", " [not readable]" },
		{ "MIME-Version", " 1.0 (secret)", " 1.0" },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct world w = world_of();
		struct findings fs;
		char want_line[256];
		struct buf b;

		findings_init(&fs, w.pool);
		mail_head_init(&w.head, w.pool);
		assert_int_equal(mail_head_add(&w.head, sv_str(rows[i].name), sv_str(rows[i].value), &fs), 0);
		b = written(&w);
		(void)snprintf(want_line, sizeof(want_line), "\n%s:%s\n", rows[i].name, rows[i].want);
		if (strstr(b.p, want_line) == NULL)
			print_message("# %s:%s\n%s", rows[i].name, rows[i].value, strstr(b.p, "rfc822-headers"));
		assert_non_null(strstr(b.p, want_line));
		assert_null(strstr(b.p, "secret"));
		buf_done(&b);
		(void)pool_free(w.pool);
	}
}

/* Programs that make a Message-ID of who writes, or to whom. */
static void
named(void **state UNUSED)
{
	struct world w = world_of();
	struct findings fs;
	struct buf b;

	findings_init(&fs, w.pool);
	assert_int_equal(mail_head_add(&w.head, SV("Message-ID"), SV(" <4.1-SecretName-9@example.com>"), &fs), 0);
	b = written(&w);
	assert_null(strcasestr(b.p, "secretname"));
	assert_non_null(strstr(b.p, "\nMessage-ID: <1@example.com>\n"));
	assert_non_null(strstr(b.p, "\nMessage-ID: <WxiDyE2qTOYw@example.com>\n"));
	buf_done(&b);
	(void)pool_free(w.pool);
}

/* No line that a server may refuse (RFC 5322 section 2.1.1), whatever comes. */
static void
long_lines(void **state UNUSED)
{
	static const char *const names[] = { "DKIM-Signature", "ARC-Seal", "Message-ID", "Date", "List-Id", "Subject" };
	static char value[3000], record[REPORT_RECORD_MAX];
	struct world w = world_of();
	struct findings fs;
	struct buf b;
	struct sv left, line;

	findings_init(&fs, w.pool);
	(void)memset(value, 'x', sizeof(value));
	memcpy(value, " d=a.test; bh=", 14);
	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		assert_int_equal(mail_head_add(&w.head, sv_str(names[i]), (struct sv){ value, sizeof(value) }, &fs), 0);
	for (size_t i = 0; i < sizeof(record); i++)
		record[i] = i % 30 == 29 ? ' ' : '"';
	w.f.with_subject = true;
	w.f.spf_record = (struct sv){ record, sizeof(record) };
	for (unsigned turn = 0; turn < 2; turn++) {
		b = written(&w);
		for (left = buf_get(&b); sv_line(&left, &line);)
			assert_true(line.n <= MAIL_LINE_SENT_MAX);
		assert_non_null(strstr(b.p, "\nDKIM-Signature: [left out]\n"));
		assert_non_null(strstr(b.p, "\nSubject: [left out]\n"));
		assert_int_equal(strstr(b.p, "\nSPF-DNS: txt") != NULL, turn == 0);
		buf_done(&b);
		(void)memset(record, 'x', sizeof(record));
	}
	w.f.auth_results = (struct sv){ value, 2000 };
	assert_int_equal(report_failure_write(&b, &b, w.pool, &w.f), -EINVAL);
	(void)pool_free(w.pool);
}

TESTS_MAIN("mail report_failure", T(whole), T(options), T(refused), T(long_head), T(subjects), T(fields), T(named),
    T(long_lines))
