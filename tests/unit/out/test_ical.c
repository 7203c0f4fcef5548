/* RFC 5545: lines, folds, escapes; the same event has the same UID. */
#include "../tap.h"

#include "base/json.h"
#include "out/ical.h"

static void
make(struct buf *b, struct sv uid, struct sv summary, int64_t stamp)
{
	const struct ical_event e = { .uid = uid, .at = 1763802000, .length_sec = 900, .alarm_sec = 86400,
		.summary = summary, .description = summary };

	ical_begin(b, SV("Sekisho"));
	ical_event(b, &e, stamp);
	ical_end(b);
	buf_char(b, '\0');
	b->len--;
}

/* Every line ends with CR LF, has 75 octets at most, and holds whole characters. */
static void
lines_check(const struct buf *b)
{
	struct sv rest = buf_get(b);

	while (rest.n > 0) {
		size_t n = sv_find(rest, '\n');
		struct sv line;

		assert_true(n < rest.n && n > 0 && rest.p[n - 1] == '\r');
		line = sv_take(rest, n - 1);
		assert_true(line.n <= 75);
		rest = sv_skip(rest, n + 1);
		while (line.n > 0) {
			size_t len = utf8_len(line);

			assert_true(len > 0);
			assert_true((unsigned char)line.p[0] >= 0x20 || line.p[0] == '\t');
			line = sv_skip(line, len);
		}
	}
}

static void
hostile(void **state UNUSED)
{
	static const struct sv names[] = {
		SV("x\r\nEND:VEVENT\r\nBEGIN:VEVENT"), SV("a\nb\rc"), SV(",;\\:\""), SV("\x00\x01\x1b\x7f"),
		SV("\xff\xc0\xaf"), SV("鍵を入れ替える鍵を入れ替える鍵を入れ替える鍵を入れ替える鍵を入れ替える"),
		SV("1234567890123456789012345678901234567890123456789012345678901234567890,,,,,,,"),
	};

	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		struct buf b = BUF_INIT;
		const char *p;
		unsigned events = 0;

		make(&b, names[i], names[i], 1763800000);
		lines_check(&b);
		for (p = b.p; (p = strstr(p, "\r\nBEGIN:VEVENT\r\n")) != NULL; p++)
			events++;
		assert_int_equal(events, 1);
		buf_done(&b);
	}
}

static void
form(void **state UNUSED)
{
	struct buf b = BUF_INIT;

	make(&b, SV("key 1@example.jp"), SV("roll, now; \\ or\nlater"), 1763800000);
	assert_non_null(strstr(b.p, "UID:key%201@example.jp\r\n"));
	assert_non_null(strstr(b.p, "DTSTAMP:20251122T082640Z\r\n"));
	assert_non_null(strstr(b.p, "DTSTART:20251122T090000Z\r\n"));
	assert_non_null(strstr(b.p, "SUMMARY:roll\\, now\\; \\\\ or\\nlater\r\n"));
	assert_non_null(strstr(b.p, "TRIGGER:-PT86400S\r\n"));
	assert_non_null(strstr(b.p, "BEGIN:VALARM\r\nACTION:DISPLAY\r\n"));
	buf_done(&b);
}

/* An escape is two octets that a fold must not part. */
static void
fold_keeps_escapes(void **state UNUSED)
{
	for (size_t n = 60; n < 80; n++) {
		char s[128];
		struct buf b = BUF_INIT;

		memset(s, 'a', n);
		s[n] = ',';
		make(&b, SV("u"), (struct sv){ s, n + 1 }, 0);
		lines_check(&b);
		assert_null(strstr(b.p, "\\\r\n"));
		buf_done(&b);
	}
}

TESTS_MAIN("out/ical", T(hostile), T(form), T(fold_keeps_escapes))
