/* The pure parts of the lab's servers: rules, request heads, dates, notifications, bodies. */
#include "../tap.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <zlib.h>

#include "base/err.h"
#include "lab/serve.h"

/* --- rules --- */

static void
globs(void **state UNUSED)
{
	static const struct {
		const char	*pattern, *text;
		bool		 matches;
	} rows[] = {
		{ "*", "", true }, { "*", "anything", true }, { "", "", true }, { "", "x", false },
		{ "a*c", "abbc", true }, { "a*c", "ac", true }, { "a*c", "acd", false },
		{ "?.example", "a.example", true }, { "?.example", ".example", false },
		{ "*.example", "a.b.example", true }, { "a*b*c", "a1b2b3c", true },
		{ "a*b*c", "a1b2b3", false }, { "**", "x", true }, { "/rrdp/*.xml", "/rrdp/d/1.xml", true },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		if (serve_glob(sv_str(rows[i].pattern), sv_str(rows[i].text)) != rows[i].matches)
			fail_msg("%s %s", rows[i].pattern, rows[i].text);
}

static void
rules_refused(void **state UNUSED)
{
	static const struct {
		const char	*line, *word;
	} rows[] = {
		{ "a", "a" }, { "a /x", "a /x" }, { "a nothing", "nothing" },
		{ "a stall max", "max" }, { "a stall max=", "max=" }, { "a stall max=-1", "max=-1" },
		{ "a stall max=99999999999999999999", "max=99999999999999999999" },
		{ "a stall to=b", "to=b" }, { "a redirect to=", "to=" }, { "a stall from", "from" },
		{ "a stall from x", "from" }, { "a stall until 3m", "until" }, { "a stall times 0", "times" },
		{ "a stall every 0", "every" }, { "a stall /x", "/x" },
	};
	struct serve_script s = { 0 };

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct lab_error e = { 0 };

		assert_int_equal(serve_rule_add(&s, sv_str(rows[i].line), &e), -EINVAL);
		assert_non_null(e.msg);
		if (!sv_eq_str(e.word, rows[i].word))
			fail_msg("%s: %.*s", rows[i].line, SV_ARG(e.word));
	}
	assert_int_equal(s.n, 0);
	serve_script_done(&s);
}

static struct serve_strike
ask(struct serve_script *s, enum serve_at at, const char *host, const char *path, unsigned doc,
    uint64_t step)
{
	const struct serve_case c = {
		.at = at, .host = sv_str(host), .path = sv_str(path), .doc = doc, .step = step,
		.time_sec = step * 60,
	};

	return serve_script_pick(s, &c);
}

static struct serve_script
script(const char *text)
{
	struct serve_script s = { 0 };
	struct lab_error e = { 0 };

	assert_int_equal(serve_script_parse(&s, sv_str(text), &e), 0);
	return s;
}

static void
rules_struck(void **state UNUSED)
{
	struct serve_script s = script("# rules\n\na.example slow-body rate=7 # slowly\n"
	    "*.example /x/* not-found times 1\n* redirect to=https://z/ every 3\n"
	    "a.example huge-snapshot max=5 from 2 until 240s\n");
	struct serve_strike k;

	assert_int_equal(s.n, 4);
	k = ask(&s, SERVE_AT_SEND, "a.example", "/", SERVE_OTHER, 0);
	assert_true(k.on);
	assert_int_equal(k.b, SERVE_B_SLOW_BODY);
	assert_int_equal(k.number, 7);
	assert_false(ask(&s, SERVE_AT_SEND, "b.example", "/", SERVE_OTHER, 0).on);
	k = ask(&s, SERVE_AT_ANSWER, "b.example", "/x/y", SERVE_OTHER, 0);
	assert_int_equal(k.b, SERVE_B_NOT_FOUND);
	/* Once only; then the next rule is asked, for the first of three. */
	assert_false(ask(&s, SERVE_AT_ANSWER, "b.example", "/x/y", SERVE_OTHER, 0).on);
	assert_false(ask(&s, SERVE_AT_ANSWER, "b", "/", SERVE_OTHER, 0).on);
	k = ask(&s, SERVE_AT_ANSWER, "b", "/", SERVE_OTHER, 0);
	assert_true(k.on);
	assert_string_equal(k.text, "https://z/");
	assert_false(ask(&s, SERVE_AT_DOC, "a.example", "/", SERVE_SNAPSHOT, 1).on);
	assert_false(ask(&s, SERVE_AT_DOC, "a.example", "/", SERVE_NOTIFICATION, 2).on);
	assert_true(ask(&s, SERVE_AT_DOC, "a.example", "/", SERVE_SNAPSHOT, 2).on);
	assert_true(ask(&s, SERVE_AT_DOC, "a.example", "/", SERVE_SNAPSHOT, 3).on);
	assert_false(ask(&s, SERVE_AT_DOC, "a.example", "/", SERVE_SNAPSHOT, 4).on);
	assert_int_equal(serve_script_heal(&s, SV("a.example"), SV("slow-body")), 1);
	assert_int_equal(serve_script_heal(&s, SV("*"), (struct sv){ NULL, 0 }), 3);
	serve_script_done(&s);
}

static void
rules_bounded(void **state UNUSED)
{
	struct serve_script s = { 0 };
	struct lab_error e = { 0 };
	char line[SERVE_LINE_MAX + 10];
	int rc = 0;

	for (size_t i = 0; i < SERVE_RULES_MAX && rc == 0; i++)
		rc = serve_rule_add(&s, SV("a stall"), &e);
	assert_int_equal(rc, 0);
	assert_int_equal(serve_rule_add(&s, SV("a stall"), &e), SE_LIMIT);
	serve_script_done(&s);
	memset(line, 'a', sizeof(line));
	assert_int_equal(serve_rule_add(&s, (struct sv){ line, sizeof(line) }, &e), SE_LIMIT);
	/* All or nothing. */
	assert_int_equal(serve_script_parse(&s, SV("a stall\nb stall\nc\n"), &e), -EINVAL);
	assert_int_equal(e.line, 3);
	assert_int_equal(s.n, 0);
	serve_script_done(&s);
}

/* --- heads --- */

static void
heads(void **state UNUSED)
{
	static const struct {
		const char	*text;
		unsigned	 bad;
		bool		 keep, gzip;
	} rows[] = {
		{ "GET /a HTTP/1.1\r\n\r\n", 0, true, false },
		{ "HEAD /a?b=../ HTTP/1.1\r\n\r\n", 0, true, false },
		{ "GET /a HTTP/1.0\r\n\r\n", 0, false, false },
		{ "GET /a HTTP/1.0\nConnection: Keep-Alive\n\n", 0, true, false },
		{ "GET /a HTTP/1.1\r\nconnection: x, close\r\n\r\n", 0, false, false },
		{ "GET https://h/a HTTP/1.1\r\nAccept-Encoding: br, GZIP;q=0.5\r\n\r\n", 0, true, true },
		{ "GET /a HTTP/1.1\r\nAccept-Encoding: gzip;q=0\r\n\r\n", 0, true, false },
		{ "GET /a HTTP/1.1\r\nContent-Length: 0\r\n\r\n", 0, true, false },
		{ "GET /a HTTP/1.1\r\nContent-Length: 1\r\n\r\n", 400, false, false },
		{ "GET /a HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n", 400, false, false },
		{ "PUT /a HTTP/1.1\r\n\r\n", 405, false, false },
		{ "GET /a HTTP/3\r\n\r\n", 505, false, false },
		{ "GET /a\r\n\r\n", 400, false, false }, { "\r\n\r\n", 400, false, false },
		{ "GET a HTTP/1.1\r\n\r\n", 404, false, false },
		{ "GET /../a HTTP/1.1\r\n\r\n", 404, false, false },
		{ "GET /a/./b HTTP/1.1\r\n\r\n", 404, false, false },
		{ "GET /%2e%2e HTTP/1.1\r\n\r\n", 404, false, false },
		{ "GET https:// HTTP/1.1\r\n\r\n", 400, false, false },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct sv text = sv_str(rows[i].text);
		struct serve_req r;

		assert_int_equal(serve_head_len(text), text.n);
		for (size_t n = 0; n + 1 < text.n; n++)
			assert_int_equal(serve_head_len(sv_take(text, n)), 0);
		serve_req_parse(text, &r);
		if (r.bad != rows[i].bad || r.keep_alive != rows[i].keep || r.gzip != rows[i].gzip)
			fail_msg("%s: %u %d %d", rows[i].text, r.bad, r.keep_alive, r.gzip);
	}
}

static void
dates(void **state UNUSED)
{
	char text[SERVE_DATE_LEN];
	int64_t t, back;

	assert_string_equal(serve_date(784111777, text), "Sun, 06 Nov 1994 08:49:37 GMT");
	for (t = 0; t < 4102444800; t += 86400 * 97 + 12345) {
		assert_int_equal(serve_date_parse(sv_str(serve_date(t, text)), &back), 0);
		assert_int_equal(back, t);
	}
	assert_int_equal(serve_date_parse(SV("Sun, 06 Nov 1994 08:49:37 CET"), &back), -EINVAL);
	assert_int_equal(serve_date_parse(SV("Sun, 06 Xyz 1994 08:49:37 GMT"), &back), -EINVAL);
	assert_int_equal(serve_date_parse(SV("Sun, 32 Nov 1994 08:49:37 GMT"), &back), -EINVAL);
	assert_int_equal(serve_date_parse(SV("784111777"), &back), -EINVAL);
}

/* --- notifications --- */

#define HEX	"0000000000000000000000000000000000000000000000000000000000000000"
#define TEXT	"<?xml version=\"1.0\"?>\n<!-- a > comment -->\n<notification version='1' " \
		"session_id='9df4b597' serial='3' xmlns='x'>\n  <snapshot hash='" HEX "' uri='https://h/s'/>" \
		"<delta serial='3' uri='https://h/3' hash='" HEX "'/>\n" \
		"<delta serial='2' uri='https://h/2' hash='" HEX "'></delta></notification>"

static void
notification_round(void **state UNUSED)
{
	_cleanup_(pool_freep) struct pool *pool = pool_new(1 << 20);
	_cleanup_(buf_done) struct buf b = BUF_INIT, again = BUF_INIT;
	struct serve_notification n;

	assert_int_equal(serve_notification_parse(pool, SV(TEXT), &n), 0);
	assert_int_equal(n.serial, 3);
	assert_int_equal(n.n_deltas, 2);
	assert_true(sv_eq_str(n.session, "9df4b597"));
	assert_true(sv_eq_str(n.snapshot.uri, "https://h/s"));
	serve_notification_write(&n, &b);
	assert_int_equal(serve_doc_kind(buf_get(&b)), SERVE_NOTIFICATION);
	assert_int_equal(serve_notification_parse(pool, buf_get(&b), &n), 0);
	serve_notification_write(&n, &again);
	assert_true(sv_eq(buf_get(&b), buf_get(&again)));
}

static void
notification_refused(void **state UNUSED)
{
	static const char *const rows[] = {
		"", "<", "<snapshot serial='1'/>", "<notification>", "<notification serial='1'>",
		"<notification serial='1' session_id='a'>", ("<notification serial='x' session_id='a'>"
		"<snapshot uri='u' hash='h'/>"), "<notification serial='1' session_id='a'><snapshot uri='u'/>",
		"<notification serial='1' session_id='a'><snapshot uri='u' hash='h'/><delta uri='u' hash='h'/>",
		"<notification serial='1' session_id=", "<notification serial='1' session_id='a",
	};
	_cleanup_(pool_freep) struct pool *pool = pool_new(1 << 20);
	struct serve_notification n;

	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		if (serve_notification_parse(pool, sv_str(rows[i]), &n) != -EINVAL)
			fail_msg("%s", rows[i]);
}

/* Each change leaves a notification that can be read, and differs from what it was. */
static void
notification_changed(void **state UNUSED)
{
	size_t n_changed = 0;

	for (unsigned i = 0; i < SERVE_B_MAX; i++) {
		_cleanup_(pool_freep) struct pool *pool = pool_new(1 << 20);
		_cleanup_(buf_done) struct buf b = BUF_INIT, a = BUF_INIT;
		struct serve_strike k = { .on = true, .b = (enum serve_b)i, .number = 1, .text = "other" };
		struct serve_notification n;

		assert_int_equal(serve_notification_parse(pool, SV(TEXT), &n), 0);
		serve_notification_write(&n, &a);
		if (serve_notification_change(pool, &k, &n) == -EOPNOTSUPP)
			continue;
		n_changed++;
		serve_notification_write(&n, &b);
		assert_int_equal(serve_doc_kind(buf_get(&b)), SERVE_NOTIFICATION);
		assert_false(sv_eq(buf_get(&a), buf_get(&b)));
	}
	assert_int_equal(n_changed, 12);
}

static void
uris(void **state UNUSED)
{
	struct sv host, path;

	assert_true(serve_uri_split(SV("https://a.example:444/b/c"), &host, &path));
	assert_true(sv_eq_str(host, "a.example:444") && sv_eq_str(path, "/b/c"));
	assert_false(serve_uri_split(SV("http://a/b"), &host, &path));
	assert_false(serve_uri_split(SV("https:///b"), &host, &path));
	assert_false(serve_uri_split(SV("https://a"), &host, &path));
}

/* --- bodies --- */

static void
body_all(struct serve_body *b, size_t step, struct buf *to)
{
	char *p = malloc(step);
	long n;

	assert_non_null(p);
	while ((n = serve_body_read(b, p, step)) > 0)
		buf_bytes(to, p, (size_t)n);
	assert_int_equal(n, 0);
	assert_int_equal(serve_body_read(b, p, step), 0);
	free(p);
}

static void
unit_abc(struct buf *b, uint64_t i)
{
	buf_printf(b, "%llu,", (unsigned long long)i);
}

static void
body_plain(void **state UNUSED)
{
	for (size_t step = SERVE_CHUNK_MIN; step < 4 * SERVE_CHUNK_MIN; step += 777) {
		struct serve_body b = SERVE_BODY_INIT;
		_cleanup_(buf_done) struct buf all = BUF_INIT;

		buf_str(&b.mem, "head ");
		b.unit = unit_abc;
		b.max = 5000;
		buf_str(&b.tail, " tail");
		assert_int_equal(serve_body_size(&b), 10);
		body_all(&b, step, &all);
		assert_int_equal(all.len, 5010);
		assert_memory_equal(all.p, "head 0,1,2,3,", 13);
		assert_memory_equal(all.p + 5005, " tail", 5);
		serve_body_done(&b);
	}
}

/* Chunks, read again (RFC 9112 section 7.1). */
static void
body_chunked(void **state UNUSED)
{
	struct serve_body b = SERVE_BODY_INIT;
	_cleanup_(buf_done) struct buf all = BUF_INIT;
	struct sv rest, line;
	size_t sum = 0;

	b.unit = unit_abc;
	b.max = 100000;
	b.chunked = true;
	body_all(&b, 3000, &all);
	rest = buf_get(&all);
	while (sv_line(&rest, &line) && line.n > 0) {
		size_t n = 0;

		for (size_t i = 0; i < line.n; i++)
			n = n * 16 + (size_t)(line.p[i] <= '9' ? line.p[i] - '0' : line.p[i] - 'a' + 10);
		assert_true(n + 2 <= rest.n);
		assert_memory_equal(rest.p + n, "\r\n", 2);
		sum += n;
		rest = sv_skip(rest, n + 2);
	}
	assert_int_equal(sum, 100000);
	assert_int_equal(rest.n, 0);
	serve_body_done(&b);
}

static size_t
gunzip(struct sv packed, char *to, size_t n)
{
	z_stream z = { 0 };

	assert_int_equal(inflateInit2(&z, 15 + 16), Z_OK);
	z.next_in = (Bytef *)(uintptr_t)packed.p;
	z.avail_in = (uInt)packed.n;
	z.next_out = (Bytef *)to;
	z.avail_out = (uInt)n;
	assert_int_equal(inflate(&z, Z_FINISH), Z_STREAM_END);	/* checks sum and size */
	assert_int_equal(z.avail_in, 0);
	assert_int_equal(inflateEnd(&z), Z_OK);
	return z.total_out;
}

static void
body_gzip(void **state UNUSED)
{
	struct serve_body b = SERVE_BODY_INIT;
	_cleanup_(buf_done) struct buf all = BUF_INIT;
	char *plain = malloc(300000);

	assert_non_null(plain);
	b.unit = unit_abc;
	b.max = 200000;
	assert_int_equal(serve_body_gzip(&b), 0);
	body_all(&b, 1500, &all);
	assert_true(all.len < 150000);
	assert_int_equal(gunzip(buf_get(&all), plain, 300000), 200000);
	assert_memory_equal(plain, "0,1,2,3,4,", 10);
	serve_body_done(&b);
	free(plain);
}

static void
body_bomb(void **state UNUSED)
{
	struct serve_body b = SERVE_BODY_INIT;
	_cleanup_(buf_done) struct buf all = BUF_INIT;
	char *plain = malloc(4 << 20);
	size_t n;

	assert_non_null(plain);
	assert_int_equal(serve_body_bomb(&b, 3000000), 0);
	body_all(&b, 5000, &all);
	assert_true(all.len < 8000);
	n = gunzip(buf_get(&all), plain, 4 << 20);
	assert_true(n >= 3000000 && n <= 3000000 + (1 << 20) + 100);
	assert_memory_equal(plain + n - 10, "          ", 10);
	serve_body_done(&b);
	free(plain);
}

TESTS_MAIN("lab/serve", T(globs), T(rules_refused), T(rules_struck), T(rules_bounded), T(heads), T(dates),
    T(notification_round), T(notification_refused), T(notification_changed), T(uris), T(body_plain),
    T(body_chunked), T(body_gzip), T(body_bomb))
