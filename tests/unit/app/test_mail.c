/* Mails to the operator: addresses, headers nobody else can write, the body. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "../tap.h"
#include "app/mail.h"
#include "base/base64.h"

#define AT	1795320410	/* 2026-11-22T04:06:50Z, a Sunday */

static void
addresses(void **state UNUSED)
{
	static const char *const good[] = { "noc@example.net", "a.b+c@x-y.example", "r\x6f@e",
	    "o'neil@example.jp", "x@192.example" };
	static const char *const bad[] = { "", "@", "noc", "@example.net", "noc@", "-f@example.net",
	    "a b@example.net", "a@b c", "a\n@example.net", "a@example.net\nBcc: x@example.org",
	    "\"a\"@example.net", "a@@example.net", ".a@example.net", "a.@example.net", "a..b@c",
	    "a@.c", "a@c.", "a@c..d", "a@-c", "a@c-", "a@[192.0.2.1]", "|cat@example.net",
	    "a,b@example.net", "<a@b>", "a(b)@c", "\xe9@example.net", "a@\xe3\x81\x82.jp", "a;b@c" };
	char big[300];

	for (size_t i = 0; i < ARRAY_LEN(good); i++)
		assert_int_equal(mail_address_check(sv_str(good[i])), 0);
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		assert_int_equal(mail_address_check(sv_str(bad[i])), -EINVAL);
	(void)snprintf(big, sizeof(big), "%065d@example.net", 1);
	assert_int_equal(mail_address_check(sv_str(big)), -EINVAL);
	assert_int_equal(mail_address_check(sv_skip(sv_str(big), 1)), 0);
	(void)snprintf(big, sizeof(big), "a@%064d.net", 1);
	assert_int_equal(mail_address_check(sv_str(big)), -EINVAL);
}

static struct sv
write_it(struct buf *b, struct sv subject, struct sv body)
{
	static const struct sv to[] = { { "a@example.net", 13 }, { "b@example.net", 13 } };
	const struct mail m = { .from = SV("s@rpki.example"), .to = to, .n_to = 2,
	    .id = SV("alarm.1-2.3"), .subject = subject, .body = body, .at = AT };

	b->len = 0;
	assert_int_equal(mail_write(&m, b), 0);
	return buf_get(b);
}

static void
headers(void **state UNUSED)
{
	_cleanup_(buf_done) struct buf b = BUF_INIT;

	(void)write_it(&b, SV("[Sekisho] ALARM_DATA"), SV("x"));
	buf_char(&b, '\0');
	assert_string_equal(b.p, "From: Sekisho <s@rpki.example>\n"
	    "To: a@example.net,\n b@example.net\n"
	    "Subject: [Sekisho] ALARM_DATA\n"
	    "Date: Sun, 22 Nov 2026 04:06:50 +0000\n"
	    "Message-ID: <alarm.1-2.3@rpki.example>\n"
	    "Auto-Submitted: auto-generated\n"
	    "MIME-Version: 1.0\n"
	    "Content-Type: text/plain; charset=utf-8\n"
	    "Content-Transfer-Encoding: quoted-printable\n\nx\n");
}

static void
refused(void **state UNUSED)
{
	_cleanup_(buf_done) struct buf b = BUF_INIT;
	struct sv to = SV("a@example.net"), bad = SV("a@example.net\nX: y");
	struct mail m = { .from = SV("s@rpki.example"), .to = &to, .n_to = 1, .id = SV("a"), .at = AT };
	static const char *const ids[] = { "", "a b", "a\n", ".a", "a.", "a..b", "a@b", "a>" };

	assert_int_equal(mail_write(&m, &b), 0);
	for (size_t i = 0; i < ARRAY_LEN(ids); i++) {
		m.id = sv_str(ids[i]);
		assert_int_equal(mail_write(&m, &b), -EINVAL);
	}
	m.id = SV("a");
	m.to = &bad;
	assert_int_equal(mail_write(&m, &b), -EINVAL);
	m.to = &to;
	m.from = bad;
	assert_int_equal(mail_write(&m, &b), -EINVAL);
	m.from = to;
	m.n_to = 0;
	assert_int_equal(mail_write(&m, &b), -EINVAL);
}

/* The subject as a reader of RFC 2047 sees it; each line within its length. */
static void
subject_read(struct sv mail, struct buf *ret)
{
	struct sv line;

	while (sv_line(&mail, &line) && !sv_starts(line, SV("Subject: ")))
		;
	line = sv_skip(line, 9);
	do {
		uint8_t bytes[64];
		size_t n;

		assert_true(line.n <= 76);
		assert_true(sv_starts(line, SV("=?utf-8?B?")) && sv_ends(line, SV("?=")));
		line = sv_take(sv_skip(line, 10), line.n - 12);
		assert_int_equal(base64_decode(bytes, line, &n), 0);
		buf_bytes(ret, bytes, n);
		/* whole characters */
		assert_true((bytes[0] & 0xc0) != 0x80);
		(void)sv_line(&mail, &line);
	} while (sv_starts(line, SV(" ")) && (line = sv_skip(line, 1)).n > 0);
	assert_true(sv_starts(line, SV("Date: ")));
	buf_char(ret, '\0');
}

static void
subjects(void **state UNUSED)
{
	_cleanup_(buf_done) struct buf b = BUF_INIT, got = BUF_INIT, s = BUF_INIT;

	for (int i = 0; i < 40; i++)
		buf_str(&s, "\xe9\x96\xa2\xe6\x89\x80 ");		/* 関所 */
	subject_read(write_it(&b, buf_get(&s), SV("")), &got);
	assert_int_equal(got.len - 1, s.len);
	assert_memory_equal(got.p, s.p, s.len);
	got.len = 0;
	/* A line end, a control, a wrong byte, an override of direction, an overlong '/'. */
	subject_read(write_it(&b, SV("\xe9\x96\xa2\r\nBcc: x@y\x01\xff\xe2\x80\xae\xc0\xaf\xe9\x96"),
	    SV("")), &got);
	assert_string_equal(got.p, "\xe9\x96\xa2??Bcc: x@y???" "??" "??");
	got.len = 0;
	(void)write_it(&b, SV("a\r\nBcc: x@y"), SV(""));
	buf_char(&b, '\0');
	assert_non_null(strstr(b.p, "\nSubject: a??Bcc: x@y\nDate: "));
	subject_read(write_it(&b, SV("=?utf-8?Q?=0A?="), SV("")), &got);
	assert_string_equal(got.p, "=?utf-8?Q?=0A?=");
	/* What is too long is cut between characters. */
	for (int i = 0; i < 100; i++)
		buf_str(&s, "\xe9\x96\xa2");
	got.len = 0;
	subject_read(write_it(&b, buf_get(&s), SV("")), &got);
	assert_true(got.len - 1 <= MAIL_SUBJECT_MAX && got.len - 1 > MAIL_SUBJECT_MAX - 3);
}

/* The body, decoded; no line too long, none with a dot or "From " at its head. */
static void
body_read(struct sv mail, struct buf *ret)
{
	struct sv line;

	while (sv_line(&mail, &line) && line.n > 0)
		;
	while (sv_line(&mail, &line)) {
		bool soft = sv_ends(line, SV("="));

		assert_true(line.n <= 76);
		assert_true(line.n == 0 || (line.p[0] != '.' && line.p[0] != 'F'));
		assert_true(line.n == 0 || line.p[line.n - 1] != ' ');
		for (size_t i = 0; i < line.n - (soft ? 1 : 0); i++) {
			uint8_t byte[1];

			assert_true(line.p[i] >= ' ' && line.p[i] <= '~');
			if (line.p[i] != '=') {
				buf_char(ret, line.p[i]);
				continue;
			}
			byte[0] = (uint8_t)((line.p[i + 1] - (line.p[i + 1] > '9' ? 'A' - 10 : '0')) << 4 |
			    (line.p[i + 2] - (line.p[i + 2] > '9' ? 'A' - 10 : '0')));
			buf_bytes(ret, byte, 1);
			i += 2;
		}
		if (!soft)
			buf_char(ret, '\n');
	}
}

static void
bodies(void **state UNUSED)
{
	_cleanup_(buf_done) struct buf b = BUF_INIT, got = BUF_INIT, s = BUF_INIT;

	buf_str(&s, ".\nFrom x\n\nsome = words \n");
	for (int i = 0; i < 30; i++)
		buf_str(&s, ".Fab\xe3\x81\x82 ");
	buf_char(&s, '\n');
	body_read(write_it(&b, SV("s"), buf_get(&s)), &got);
	assert_int_equal(got.len, s.len);
	assert_memory_equal(got.p, s.p, s.len);
	got.len = 0;
	body_read(write_it(&b, SV("s"), SV("a\rb\x1b[1m\tc")), &got);
	assert_memory_equal(got.p, "a?b?[1m?c\n", 10);
	/* The worst: every byte becomes three. */
	s.len = got.len = 0;
	for (int i = 0; i < 2 * MAIL_BODY_MAX; i++)
		buf_char(&s, '=');
	body_read(write_it(&b, SV("s"), buf_get(&s)), &got);
	assert_int_equal(got.len, MAIL_BODY_MAX + 1);
	assert_true(b.len <= MAIL_MAX);
}

TESTS_MAIN("mail", T(addresses), T(headers), T(refused), T(subjects), T(bodies))
