/* Complaints out: the whole of one, what must not be in any, and read again by our own reader. */
#include <errno.h>

#include "../tap.h"
#include "mail/feedback.h"

static const char message[] =
	"Return-Path: <bounce-secretname@example.com>\r\n"
	"Received: from client.example (client.example [192.0.2.9]) for <secretname@mx.example>\r\n"
	"From: Secretname <secretname@example.com>\r\n"
	"To: <secretname@mx.example>\r\n"
	"Subject: secretsubject\r\n"
	"Message-ID: <1@example.com>\r\n"
	"CFBL-Address: fbl@example.com; report=arf\r\n"
	"CFBL-Feedback-ID: 111:222:333\r\n"
	"Feedback-ID: 1:2:3:x\r\n"
	"List-Unsubscribe: <https://example.com/secretname>\r\n"
	"\r\n"
	"secretbody\r\n";

struct world {
	struct pool		*pool;
	struct mail_head	 head;
	struct mail_address	 sender, recipient;
	struct feedback_out	 f;
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
	assert_int_equal(mail_envelope(w.pool, SV("secretname@mx.example"), &w.recipient), 0);
	w.f = (struct feedback_out){ .type = FEEDBACK_ABUSE, .from = SV("abuse@example.net"),
		.to = SV("fbl@example.com"), .submitter = SV("mx.example.net"), .id = SV("0123abc"),
		.agent = SV("Sekisho/0.1.0"), .domain = SV("example.com"),
		.auth_results = SV(" mx.example.net;\r\n\tdkim=pass header.d=example.com"), .at = 1795320420,
		.arrived = 1795320410, .has_source = true, .incidents = 1, .key = SV("0123456789abcdef") };
	assert_int_equal(ip_prefix_parse_host(SV("2001:db8::1"), &w.f.source), 0);
	return w;
}

/* NUL-terminated; the caller frees. */
static struct buf
written(struct world *w)
{
	struct buf b = BUF_INIT;

	w->f.head = &w->head;
	assert_int_equal(feedback_write(&b, w->pool, &w->f), 0);
	buf_char(&b, '\0');
	return b;
}

/* As in test_report_failure.c: the same key makes the same words. */
#define WORD_SENDER	"RiB57ysUJxDp"
#define WORD		"1WN3xOdzDmZ_"

static const char want[] =
	"From: <abuse@example.net>\n"
	"To: <fbl@example.com>\n"
	"Subject: Complaint for example.com\n"
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
	"This is a complaint (abuse) about a message of example.com (RFC 5965).\n"
	"It came from 2001:db8::1 on Sun, 22 Nov 2026 04:06:50 +0000.\n"
	"Addresses in it are replaced by words (RFC 6590): the same word is the same address.\n"
	"\n"
	"--=_0123abc\n"
	"Content-Type: message/feedback-report\n"
	"\n"
	"Feedback-Type: abuse\n"
	"Version: 1\n"
	"User-Agent: Sekisho/0.1.0\n"
	"Authentication-Results: mx.example.net;\n"
	"\tdkim=pass header.d=example.com\n"
	"Original-Mail-From: <" WORD_SENDER "@example.com>\n"
	"Original-Rcpt-To: <" WORD "@mx.example>\n"
	"Arrival-Date: Sun, 22 Nov 2026 04:06:50 +0000\n"
	"Source-IP: 2001:db8::1\n"
	"Reporting-MTA: dns; mx.example.net\n"
	"Reported-Domain: example.com\n"
	"Incidents: 1\n"
	"\n"
	"--=_0123abc\n"
	"Content-Type: text/rfc822-headers; charset=us-ascii\n"
	"\n"
	"Return-Path: <" WORD_SENDER "@example.com>\n"
	"From: <" WORD "@example.com>\n"
	"To: <" WORD "@mx.example>\n"
	"Subject: [redacted]\n"
	"Message-ID: <1@example.com>\n"
	"CFBL-Address: fbl@example.com; report=arf\n"
	"CFBL-Feedback-ID: 111:222:333\n"
	"Feedback-ID: 1:2:3:x\n"
	"\n"
	"--=_0123abc--\n";

static void
whole(void **state UNUSED)
{
	struct world w = world_of();
	struct buf b;

	w.f.mail_from = &w.sender;
	w.f.recipient = &w.recipient;
	b = written(&w);
	assert_string_equal(b.p, want);
	buf_done(&b);
	(void)pool_free(w.pool);
}

static void
options(void **state UNUSED)
{
	struct world w = world_of();
	struct mail_address odd;
	struct findings fs;
	struct buf b;

	w.f.mail_from = &w.sender;
	w.f.with_sender = w.f.with_subject = true;
	w.f.has_source = false;
	w.f.auth_results = SV("");
	w.f.type = FEEDBACK_NOT_SPAM;
	w.f.arrived = 0;
	b = written(&w);
	assert_null(strstr(b.p, "Arrival-Date"));
	assert_non_null(strstr(b.p, "\nOriginal-Mail-From: <bounce-secretname@example.com>\n"));
	assert_non_null(strstr(b.p, "\nReturn-Path: <" WORD_SENDER "@example.com>\n"));
	assert_non_null(strstr(b.p, "\nSubject: secretsubject\n"));
	assert_non_null(strstr(b.p, "\nSubject: FW: secretsubject\n"));
	assert_null(strstr(b.p, "It came"));
	assert_non_null(strstr(b.p, "\nFeedback-Type: not-spam\n"));
	assert_null(strstr(b.p, "Source-IP"));
	assert_null(strstr(b.p, "Original-Rcpt-To"));
	assert_null(strstr(b.p, "Authentication-Results"));
	buf_done(&b);
	/* the sender's own identifier, in which he has put somebody */
	findings_init(&fs, w.pool);
	assert_int_equal(mail_head_add(&w.head, SV("Message-ID"), SV(" <2.secretname@example.com> (x)"), &fs), 0);
	b = written(&w);
	assert_non_null(strstr(b.p, "\nMessage-ID: <2.secretname@example.com>\n"));
	buf_done(&b);
	/* RFC 9477 section 3.5, "MUST contain the Message-ID": as it is, where it is none of the standard's; a list's not */
	assert_int_equal(mail_head_add(&w.head, SV("Message-ID"), SV(" 8787KJ.mail@example.com"), &fs), 0);
	assert_int_equal(mail_head_add(&w.head, SV("List-Id"), SV(" secretname"), &fs), 0);
	b = written(&w);
	assert_non_null(strstr(b.p, "\nMessage-ID: 8787KJ.mail@example.com\nList-Id: [not readable]\n"));
	buf_done(&b);
	/* an address that is more than a word goes as a word all the same */
	assert_int_equal(mail_envelope(w.pool, SV("\"a b\"@example.com"), &odd), 0);
	w.f.mail_from = &odd;
	b = written(&w);
	assert_null(strstr(b.p, "a b@example.com"));
	buf_done(&b);
	w.f.mail_from = NULL;
	w.f.to = SV("f@a.test,g@b.test");
	w.f.incidents = UINT64_C(1) << 32;
	b = written(&w);
	assert_non_null(strstr(b.p, "\nTo: <f@a.test>,\n <g@b.test>\nSubject:"));
	assert_non_null(strstr(b.p, "\nIncidents: 4294967295\n"));
	assert_non_null(strstr(b.p, "\nOriginal-Mail-From: <>\n"));
	buf_done(&b);
	(void)pool_free(w.pool);
}

static void
refused(void **state UNUSED)
{
	static const struct {
		size_t		at;		/* of a struct sv in the complaint */
		const char	*text;
	} rows[] = {
		{ offsetof(struct feedback_out, from), "a@b\nBcc: c@d" },
		{ offsetof(struct feedback_out, to), "a b@c" },
		{ offsetof(struct feedback_out, submitter), "a\nb" },
		{ offsetof(struct feedback_out, domain), "a b" },
		{ offsetof(struct feedback_out, id), "a-b" },
		{ offsetof(struct feedback_out, to), "a@b.test,a b@c.test" },
		{ offsetof(struct feedback_out, agent), "" },
		{ offsetof(struct feedback_out, agent), "a\nSource-IP: 192.0.2.1" },
		{ offsetof(struct feedback_out, agent), "a@b" },
		{ offsetof(struct feedback_out, auth_results), "a\x80" },
		{ offsetof(struct feedback_out, key), "123456789012345" },
	};
	struct world w = world_of();
	struct buf b = BUF_INIT;

	w.f.head = &w.head;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct feedback_out f = w.f;
		struct sv text = sv_str(rows[i].text);

		memcpy((char *)&f + rows[i].at, &text, sizeof(text));
		assert_int_equal(feedback_write(&b, w.pool, &f), -EINVAL);
		assert_int_equal(b.len, 0);
	}
	w.f.type = FEEDBACK_AUTH_FAILURE;
	assert_int_equal(feedback_write(&b, w.pool, &w.f), -EINVAL);
	(void)pool_free(w.pool);
}

static void
round_trip(void **state UNUSED)
{
	struct world w = world_of();
	struct pool *pool = pool_new(MAIL_POOL_MAX);
	struct feedback_about about;
	struct feedback *f = NULL;
	struct findings fs;
	struct dname ours;
	struct buf b;

	findings_init(&fs, pool);
	w.f.mail_from = &w.sender;
	w.f.recipient = &w.recipient;
	b = written(&w);
	assert_int_equal(feedback_parse(pool, buf_get(&b), &fs, &f), 0);
	assert_null(fs.head);
	assert_int_equal(f->type, w.f.type);
	assert_int_equal(f->arrived, w.f.arrived);
	assert_int_equal(ip_prefix_cmp(&f->source, &w.f.source), 0);
	assert_true(sv_eq(f->agent, w.f.agent) && sv_eq(f->domains.v[0], w.f.domain));
	assert_true(dname_eq(&f->mail_from.name, &w.sender.name));
	assert_int_equal(f->incidents, 1);
	assert_int_equal(mail_domain(SV("example.com"), &ours), 0);
	assert_int_equal(feedback_about(f, &ours, 1, pool, &fs, &about), 0);
	assert_true(about.is_ours);
	assert_true(sv_eq(about.tokens[FEEDBACK_TOKEN_CFBL], SV("111:222:333")));
	buf_done(&b);
	(void)pool_free(pool);
	(void)pool_free(w.pool);
}

TESTS_MAIN("mail feedback_write", T(whole), T(options), T(refused), T(round_trip))
