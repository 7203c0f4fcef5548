/* Complaints in: the standard's example, what real senders make of it, whose it is, dates. */
#include <errno.h>
#include <stdio.h>

#include "mail/feedback_internal.h"
#include "mail_kit.h"

#define TOP	"From: <abusedesk@example.com>\n" \
		"Subject: FW: Earn money\n" \
		"Content-Type: multipart/report; report-type=feedback-report;\n" \
		"     boundary=\"b\"\n\n--b\n\ntext\n"
#define REPORT	"--b\nContent-Type: message/feedback-report\n\n"
#define NEEDED	"Feedback-Type: abuse\nUser-Agent: SomeGenerator/1.0\nVersion: 1\n"
#define THIRD	"--b\nContent-Type: message/rfc822\n\n"
#define ORIGINAL THIRD "From: <spammer@example.net>\nMessage-ID: <8787@example.net>\n\nbody\n--b--\n"
#define ALL	TOP REPORT NEEDED ORIGINAL

struct world {
	struct pool	*pool;
	struct findings	 fs;
	struct feedback	*f;
};

static struct world
world_of(const char *message)
{
	struct world w = { .pool = pool_new(MAIL_POOL_MAX) };

	assert_non_null(w.pool);
	findings_init(&w.fs, w.pool);
	assert_int_equal(feedback_parse(w.pool, sv_str(message), &w.fs, &w.f), 0);
	return w;
}

/* The shape of RFC 5965's appendix B, each field with a value. */
static const char whole_text[] =
	TOP REPORT NEEDED
	"Original-Mail-From: <somespammer@example.net>\n"
	"Original-Rcpt-To: <user@example.com>\n"
	"Original-Rcpt-To: <other@example.com>\n"
	"Original-Envelope-Id: 123\n"
	"Arrival-Date: Thu, 8 Mar 2005 14:00:00 EDT\n"
	"Reporting-MTA: dns; mail.example.com\n"
	"Source-IP: 192.0.2.1\n"
	"Source-Port: 4711\n"
	"Authentication-Results: mail.example.com;\n"
	"               spf=fail smtp.mail=somespammer@example.com\n"
	"Reported-Domain: example.net\n"
	"Reported-Uri: http://example.net/earn_money.html\n"
	"Reported-Uri: mailto:user@example.com\n"
	"Incidents: 3\n"
	"Auth-Failure: dmarc\nDelivery-Result: spam\nIdentity-Alignment: none\nDKIM-Domain: example.net\n"
	"DKIM-Selector: s\n\n"
	ORIGINAL;

static void
whole(void **state UNUSED)
{
	struct world w = world_of(whole_text);
	const struct feedback *f = w.f;
	char text[IP_ADDR_STRLEN];

	assert_null(w.fs.head);
	assert_true(f->has_report && f->has_original && f->has_source && f->has_arrival && f->has_mail_from);
	assert_int_equal(f->type, FEEDBACK_ABUSE);
	sv_is(f->agent, "SomeGenerator/1.0");
	sv_is(f->version, "1");
	sv_is(f->envelope_id, "123");
	sv_is(f->reporter, "dns; mail.example.com");
	assert_string_equal(ip_addr_str(f->source.addr, f->source.af, text), "192.0.2.1");
	assert_int_equal(f->port, 4711);
	assert_int_equal(f->arrived, 1110304800);	/* 18:00 UTC */
	sv_is(f->mail_from.local, "somespammer");
	assert_int_equal(f->incidents, 3);
	assert_int_equal(f->results.n, 1);
	sv_is(f->results.v[0], "mail.example.com;               spf=fail smtp.mail=somespammer@example.com");
	assert_int_equal(f->recipients.n, 2);
	sv_is(f->recipients.v[1], "<other@example.com>");
	sv_is(f->domains.v[0], "example.net");
	assert_int_equal(f->uris.n, 2);
	sv_is(f->auth_failure, "dmarc");
	sv_is(f->delivery, "spam");
	sv_is(f->alignment, "none");
	sv_is(f->dkim_domain, "example.net");
	sv_is(f->dkim_selector, "s");
	assert_int_equal(f->original.n, 2);
	(void)pool_free(w.pool);
}

#define END	FEEDBACK_CODE_MAX

/* What others make of the form, and what is said of it. */
static const struct {
	const char		*message;
	bool			 is_none;
	enum feedback_code	 codes[5];
} rows[] = {
	{ ALL, false, { END } },
	{ "Subject: please remove me\n\ntext\n", true, { FEEDBACK_NONE, END } },
	{ "", true, { FEEDBACK_NONE, END } },
	/* a provider's loop: the message as it is, and no report */
	{ "Content-Type: multipart/mixed; boundary=b\n\n" ORIGINAL, false, { FEEDBACK_BARE, END } },
	{ "Content-Type: message/rfc822\n\nFrom: a@b.example\n\n", false, { FEEDBACK_BARE, END } },
	{ "Content-Type: multipart/mixed; boundary=b\n\n" REPORT NEEDED ORIGINAL, false, { FEEDBACK_FORM, END } },
	{ "Content-Type: multipart/report; boundary=b\n\n--b\n\ntext\n" REPORT NEEDED ORIGINAL, false, { FEEDBACK_FORM, END } },
	/* RFC 5965 section 2: a text for people, the report, the message, in this order; the text may have parts */
	{ "Content-Type: multipart/report; report-type=feedback-report; boundary=b\n\n" REPORT NEEDED ORIGINAL, false,
	  { FEEDBACK_FORM, END } },
	{ "Content-Type: multipart/report; report-type=feedback-report; boundary=b\n\n" REPORT NEEDED "--b\n\ntext\n" ORIGINAL, false,
	  { FEEDBACK_FORM, END } },
	{ TOP THIRD "From: a@b.example\n\n" REPORT NEEDED "--b--\n", false, { FEEDBACK_FORM, END } },
	{ TOP "--b\n\nmore\n" REPORT NEEDED ORIGINAL, false, { FEEDBACK_FORM, END } },
	{ "Content-Type: multipart/report; report-type=feedback-report; boundary=b\n\n--b\n"
	  "Content-Type: multipart/alternative; boundary=c\n\n--c\n\na\n--c\n\nb\n--c--\n" REPORT NEEDED ORIGINAL, false, { END } },
	{ TOP "--b\nContent-Type: message/feedback-report\nContent-Transfer-Encoding: base64\n\n"
	  "RmVlZGJhY2stVHlwZTogYWJ1c2UKVXNlci1BZ2VudDogYQpWZXJzaW9uOiAxCg==\n" ORIGINAL, false, { FEEDBACK_FORM, END } },
	{ TOP REPORT NEEDED THIRD "From: a@b.example\n", false, { FEEDBACK_FORM, END } },
	{ TOP REPORT "\n\n" NEEDED ORIGINAL, false, { END } },
	{ TOP REPORT "Feedback-Type: abuse\n" ORIGINAL, false, { FEEDBACK_MISSING, FEEDBACK_MISSING, END } },
	/* RFC 6591 sections 3.1, 3.2.1 */
	{ TOP REPORT "Feedback-Type: auth-failure\nUser-Agent: a\nVersion: 1\n" ORIGINAL, false, { FEEDBACK_MISSING, FEEDBACK_MISSING, END } },
	{ TOP REPORT "Feedback-Type: auth-failure\nUser-Agent: a\nVersion: 1\nAuth-Failure: spf (x)\n"
	  "Authentication-Results: a.example; spf=fail\n" ORIGINAL, false, { END } },
	{ TOP REPORT NEEDED "Source-IP: 192.0.2.1\nSource-IP: 192.0.2.2\n" ORIGINAL, false, { FEEDBACK_DOUBLE, END } },
	{ TOP REPORT NEEDED "Source-IP: unknown\n" ORIGINAL, false, { FEEDBACK_VALUE, END } },
	{ TOP REPORT NEEDED "Source-IP: 192.0.2.0/24\n" ORIGINAL, false, { FEEDBACK_VALUE, END } },
	{ TOP REPORT NEEDED "Arrival-Date: yesterday\nIncidents: -1\nSource-Port: 65536\n" ORIGINAL, false,
	  { FEEDBACK_VALUE, FEEDBACK_VALUE, FEEDBACK_VALUE, END } },
	{ TOP REPORT NEEDED "Original-Mail-From: <a b>\n" ORIGINAL, false, { FEEDBACK_VALUE, END } },
	/* RFC 5965 section 3.2: "if both are present, the report is malformed" */
	{ TOP REPORT NEEDED "Arrival-Date: 8 Mar 2005 14:00:00 EST\nReceived-Date: 9 Mar 2005 14:00:00 EST\n" ORIGINAL, false,
	  { FEEDBACK_DOUBLE, END } },
	{ TOP REPORT NEEDED "Received-Date: 8 Mar 2005 14:00:00 EST\n" ORIGINAL, false, { END } },
	/* section 3.5: "must be a 32-bit unsigned integer" */
	{ TOP REPORT NEEDED "Incidents: 4294967295\n" ORIGINAL, false, { END } },
	{ TOP REPORT NEEDED "Incidents: 4294967296\n" ORIGINAL, false, { FEEDBACK_VALUE, END } },
	/* section 3.5: [CFWS] around nearly all values */
	{ TOP REPORT "Feedback-Type: (a) abuse (b)\nUser-Agent: a (b)\nVersion: (a) 1\n"
	  "Incidents: 2 (a (b\\)) c)\n (d)\nSource-Port: (a) 25\nSource-IP: (from) 192.0.2.1\n"
	  "Arrival-Date: (a) 8 Mar 2005 14:00:00 -0500\nOriginal-Mail-From: (<) <\"a(b\"@c.example> (>)\n" ORIGINAL, false,
	  { END } },
	{ TOP REPORT "Feedback-Type: opt-out\nUser-Agent: a\nVersion: 0.1\n" ORIGINAL, false, { FEEDBACK_TYPE, END } },
	{ TOP REPORT "Feedback-Type: Other\nUser-Agent: a\nVersion: 0.1\n" ORIGINAL, false, { END } },
	{ TOP REPORT "Feedback-Type:\nUser-Agent: a\nVersion: 1\n" ORIGINAL, false, { FEEDBACK_VALUE, END } },
	{ TOP REPORT NEEDED "--b--\n", false, { FEEDBACK_ORIGINAL, END } },
	{ TOP REPORT NEEDED THIRD "\nbody only\n--b--\n", false, { FEEDBACK_ORIGINAL, END } },
	{ TOP REPORT NEEDED "--b\nContent-Type: Text/RFC822-Headers\nContent-Transfer-Encoding: quoted-printable\n\n"
	  "From: a=40b.example\n--b--\n", false, { END } },
};

static void
forms(void **state UNUSED)
{
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct world w = world_of(rows[i].message);
		const struct finding *found = w.fs.head;
		size_t n = 0;

		for (; found != NULL && found->def == &feedback_findings[rows[i].codes[n]]; n++)
			found = found->next;
		if (found != NULL || rows[i].codes[n] != END)
			print_message("# row %zu, finding %zu: %s\n", i, n, found == NULL ? "-" : found->def->code);
		assert_null(found);
		assert_int_equal(rows[i].codes[n], END);
		assert_int_equal(w.f == NULL, rows[i].is_none);
		(void)pool_free(w.pool);
	}
}

/* Comments are none of a value, but of those that have parentheses of their own. */
static void
comments(void **state UNUSED)
{
	struct world w = world_of(TOP REPORT NEEDED "Incidents: 2 (a)\nReported-Domain: (a) b.example (c)\n"
	    "Original-Mail-From: (<) <\"a(b\"@c.example> (>)\nReported-URI: http://d.example/(e)\n"
	    "Original-Envelope-Id: a(b)\nDKIM-Domain: f.example (g\n" ORIGINAL);

	assert_null(w.fs.head);
	assert_int_equal(w.f->incidents, 2);
	sv_is(w.f->domains.v[0], "b.example");
	sv_is(w.f->mail_from.local, "a(b");
	sv_is(w.f->uris.v[0], "http://d.example/(e)");
	sv_is(w.f->envelope_id, "a(b)");
	sv_is(w.f->dkim_domain, "f.example");
	(void)pool_free(w.pool);
}

static void
sources(void **state UNUSED)
{
	static const char *const texts[][2] = {
		{ "Source-IP: [192.0.2.7]\n", "192.0.2.7" }, { "Source-IP: IPv6:2001:db8::7\n", "2001:db8::7" },
		{ "Source-IP: [IPv6:2001:db8::7] (mx)\n", "2001:db8::7" },
		{ "source-ip:\t192.0.2.7 (a comment)\n", "192.0.2.7" },
	};

	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		char message[1024], text[IP_ADDR_STRLEN];
		struct world w;

		(void)snprintf(message, sizeof(message), "%s%s%s", TOP REPORT NEEDED, texts[i][0], ORIGINAL);
		w = world_of(message);
		assert_true(w.f->has_source);
		assert_string_equal(ip_addr_str(w.f->source.addr, w.f->source.af, text), texts[i][1]);
		(void)pool_free(w.pool);
	}
}

static void
limits(void **state UNUSED)
{
	struct buf b = BUF_INIT;
	size_t n_limit = 0;
	struct world w;

	buf_str(&b, TOP REPORT NEEDED "Reported-URI: http://");
	for (unsigned i = 0; i <= FEEDBACK_VALUE_MAX; i++)
		buf_char(&b, 'a');
	buf_str(&b, "\n");
	for (unsigned i = 0; i < FEEDBACK_LIST_MAX; i++)
		buf_str(&b, "Reported-URI: \001\n");
	while (b.len < 2 * FEEDBACK_REPORT_MAX)
		buf_str(&b, "X: y\n");
	buf_str(&b, THIRD "From: a@b.example\n");
	while (b.len < 3 * FEEDBACK_ORIGINAL_MAX)
		buf_str(&b, "A: b\n");
	for (unsigned i = 0; i < MIME_PARTS_MAX; i++)
		buf_str(&b, "--b\n\n");
	buf_char(&b, '\0');
	w = world_of(b.p);
	for (const struct finding *f = w.fs.head; f != NULL; f = f->next)
		n_limit += f->def == &feedback_findings[FEEDBACK_LIMIT];
	assert_int_equal(n_limit, 5);
	assert_int_equal(w.f->uris.n, FEEDBACK_LIST_MAX);
	assert_int_equal(w.f->uris.v[0].n, FEEDBACK_VALUE_MAX - 1);	/* without its blank */
	sv_is(w.f->uris.v[1], "?");
	(void)pool_free(w.pool);
	buf_done(&b);
}

static struct dname
name_of(const char *text)
{
	struct dname name;

	assert_int_equal(mail_domain(sv_str(text), &name), 0);
	return name;
}

#define SIGNED	"DKIM-Signature: v=1; a=rsa-sha256; d=news.customer.example; s=s; h=From; bh=AA==; b=AA==\n"

static const struct {
	const char	*fields, *head;		/* of the report, of the message */
	int		 by;			/* -1: none of ours */
	size_t		 which;
	const char	*tokens[FEEDBACK_TOKEN_MAX];
} abouts[] = {
	{ "", "DKIM-Signature: v=1; d=x.example; s=s\n" SIGNED "From: a@isp.example\nFeedback-ID: c:r:m\n", FEEDBACK_BY_DKIM, 2,
	  { NULL, "c:r:m" } },
	{ "Original-Mail-From: <bounce+bob=there.example@isp.example>\n", "From: a@x.example\nList-Id: <l.isp.example>\n",
	  FEEDBACK_BY_MAIL_FROM, 0, { NULL, NULL, "bounce+bob=there.example", "<l.isp.example>" } },
	{ "Original-Mail-From: <>\nReported-Domain: Customer.Example\n", "Return-Path: <>\nA: b\n",
	  FEEDBACK_BY_REPORTED, 1, { NULL } },
	{ "Reported-Domain: a b\n", "Return-Path: <v@isp.example>\nCFBL-Feedback-ID: 17\n", FEEDBACK_BY_MAIL_FROM, 0,
	  { "17", NULL, "v" } },
	{ "Original-Mail-From: <v@x.example>\n", "From: A <a@sub.isp.example>\nMessage-ID: <1@x>\n", FEEDBACK_BY_FROM, 0,
	  { NULL, NULL, NULL, NULL, "<1@x>" } },
	{ "Original-Mail-From: <v@notisp.example>\n", "From: broken <\n", -1, 0, { NULL } },
	/* RFC 9477 section 5.2: blanks and comments are none of the identifier */
	{ "", "From: a@isp.example\nCFBL-Feedback-ID: 3789e1ae (a) 1938\n\t:aa2f \n", FEEDBACK_BY_FROM, 0, { "3789e1ae1938:aa2f" } },
	/* RFC 5965 section 2, g: the third part before the second */
	{ "Original-Mail-From: <v@customer.example>\n", "Return-Path: <w@isp.example>\n", FEEDBACK_BY_MAIL_FROM, 0,
	  { NULL, NULL, "w" } },
	{ "Reported-Domain: customer.example\n", "From: a@isp.example\n", FEEDBACK_BY_FROM, 0, { NULL } },
};

static void
about(void **state UNUSED)
{
	/* of two that hold it the longer one counts */
	const struct dname ours[] = { name_of("isp.example"), name_of("customer.example"), name_of("news.customer.example") };

	for (size_t i = 0; i < ARRAY_LEN(abouts); i++) {
		struct feedback_about a;
		char message[2048];
		struct world w;

		(void)snprintf(message, sizeof(message), "%s%s%s%s\n--b--\n", TOP REPORT NEEDED, abouts[i].fields, THIRD,
		    abouts[i].head);
		w = world_of(message);
		findings_init(&w.fs, w.pool);
		assert_int_equal(feedback_about(w.f, ours, ARRAY_LEN(ours), w.pool, &w.fs, &a), 0);
		assert_int_equal(a.is_ours, abouts[i].by >= 0);
		assert_int_equal(w.fs.head != NULL && w.fs.head->def == &feedback_findings[FEEDBACK_FOREIGN],
		    abouts[i].by < 0);
		if (a.is_ours) {
			assert_int_equal(a.by, abouts[i].by);
			assert_int_equal(a.which, abouts[i].which);
		}
		for (unsigned t = 0; t < FEEDBACK_TOKEN_MAX; t++)
			sv_is(a.tokens[t], abouts[i].tokens[t] == NULL ? "" : abouts[i].tokens[t]);
		(void)pool_free(w.pool);
	}
}

static void
names(void **state UNUSED)
{
	assert_string_equal(feedback_type_name(FEEDBACK_NOT_SPAM), "not-spam");
	assert_string_equal(feedback_token_name(FEEDBACK_TOKEN_PATH), "Return-Path");
	assert_string_equal(feedback_by_name(FEEDBACK_BY_DKIM), "a signature's domain");
}

static const struct {
	const char	*text;
	int64_t		 want;		/* -1: none */
} dates[] = {
	{ "Sun, 22 Nov 2026 04:06:50 +0000", 1795320410 },
	{ "22 Nov 2026 13:06:50 +0900 (JST)", 1795320410 },
	{ "22 nov 26 13:06:50 JST", 1795320410 },
	{ "Sat, 21 Nov 2026 23:06:50 -0500", 1795320410 },
	{ "Sat, 21 Nov 2026 23:06:50 EST", 1795320410 },
	{ "Sun,22 Nov 2026 04:06 GMT", 1795320360 },
	{ "22 Nov 2026 04:06:50", 1795320410 },
	{ "22 Nov 2026 04:06:60 Z", 1795320419 },
	{ "1 Jan 70 00:00:00 +0000", 0 },
	{ "1 Jan 100 00:00:00 +0000", 946684800 },
	{ "31 Feb 2026 04:06:50 +0000", -1 },
	{ "22 Nov 2026 24:06:50 +0000", -1 },
	{ "22 Nov 2026 4:06:50:1 +0000", -1 },
	{ "22 Nov 2026 04:06:50 +000", -1 },
	{ "22 Now 2026 04:06:50 +0000", -1 },
	{ "22 Nov 6 04:06:50 +0000", -1 },
	{ "22 Nov 2026", -1 },
	{ "2026-11-22", -1 },
	{ "", -1 },
};

static void
dates_read(void **state UNUSED)
{
	for (size_t i = 0; i < ARRAY_LEN(dates); i++) {
		int64_t at = -1;
		int rc = feedback_date_parse(sv_str(dates[i].text), &at);

		if (at != dates[i].want)
			print_message("# %s\n", dates[i].text);
		assert_int_equal(at, dates[i].want);
		assert_int_equal(rc, dates[i].want < 0 ? -EINVAL : 0);
	}
}

TESTS_MAIN("mail feedback", T(whole), T(forms), T(comments), T(sources), T(limits), T(about), T(names), T(dates_read))
