#include "../tap.h"
#include "out/escape.h"

struct row {
	struct sv	in, want;
};

static void
check(void (*fn)(struct buf *, struct sv), const struct row *rows, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		struct buf b = BUF_INIT;

		fn(&b, rows[i].in);
		if (!sv_eq(buf_get(&b), rows[i].want))
			fail_msg("row %zu: %.*s", i, SV_ARG(buf_get(&b)));
		buf_done(&b);
	}
}

static void
terminal(void **state UNUSED)
{
	static const struct row rows[] = {
		{ SV(""), SV("") },
		{ SV("rsync://a/関所.roa"), SV("rsync://a/関所.roa") },
		{ SV("\x1b[31mred\x07"), SV("\\x1b[31mred\\x07") },
		{ SV("a\nb\r\tc\0d"), SV("a\\x0ab\\x0d\\x09c\\x00d") },
		{ SV("\xc2\x9b" "2J"), SV("\\x9b2J") },
		{ SV("\xe2\x80\xae" "gpj.exe"), SV("\\u202egpj.exe") },
		{ SV("\xe2\x81\xa6x\xe2\x81\xa9"), SV("\\u2066x\\u2069") },
		{ SV("\xe2\x80\x8b\xef\xbb\xbf\xe2\x80\xa8"), SV("\\u200b\\ufeff\\u2028") },
		{ SV("\xff\x80!"), SV("\\xff\\x80!") },
		{ SV("\xf3\xa0\x81\x81"), SV("\\ue0041") },
		{ SV("\xf0\x9f\x9a\xa7"), SV("\xf0\x9f\x9a\xa7") },
	};

	check(escape_term, rows, ARRAY_LEN(rows));
}

static void
csv(void **state UNUSED)
{
	static const struct row rows[] = {
		{ SV(""), SV("") },
		{ SV("AS64496"), SV("AS64496") },
		{ SV("a,b"), SV("\"a,b\"") },
		{ SV("a\"b"), SV("\"a\"\"b\"") },
		{ SV("a\r\nb"), SV("\"a\r\nb\"") },
		{ SV("=HYPERLINK(\"x\")"), SV("\"'=HYPERLINK(\"\"x\"\")\"") },
		{ SV("+1"), SV("\"'+1\"") },
		{ SV("-1"), SV("\"'-1\"") },
		{ SV("@a"), SV("\"'@a\"") },
		{ SV("\tx"), SV("\"'\tx\"") },
		{ SV("a=b"), SV("a=b") },
		{ SV("\xff"), SV("\xef\xbf\xbd") },
	};

	check(escape_csv, rows, ARRAY_LEN(rows));
}

static void
html(void **state UNUSED)
{
	static const struct row rows[] = {
		{ SV("<script>alert('1')</script>"),
		    SV("&lt;script&gt;alert(&#39;1&#39;)&lt;/script&gt;") },
		{ SV("\" onload=\"x&y"), SV("&quot; onload=&quot;x&amp;y") },
		{ SV("関所 \xc3\x28"), SV("関所 \xef\xbf\xbd(") },
	};

	check(escape_html, rows, ARRAY_LEN(rows));
}

static void
label(void **state UNUSED)
{
	static const struct row rows[] = {
		{ SV("ripe"), SV("ripe") },
		{ SV("a\"} 1\nevil 2"), SV("a\\\"} 1\\nevil 2") },
		{ SV("a\\b"), SV("a\\\\b") },
		{ SV("a\rb\x7f"), SV("a?b?") },
		{ SV("\xff"), SV("\xef\xbf\xbd") },
	};

	check(escape_label, rows, ARRAY_LEN(rows));
}

static void
json_html(void **state UNUSED)
{
	static const struct row rows[] = {
		{ SV("{\"a\":\"</script><!--&\"}"),
		    SV("{\"a\":\"\\u003c/script\\u003e\\u003c!--\\u0026\"}") },
		{ SV("\"\xe2\x80\xa8\xe2\x80\xa9\""), SV("\"\\u2028\\u2029\"") },
		{ SV("\"関\xff\""), SV("\"関\xef\xbf\xbd\"") },
	};

	check(escape_json_html, rows, ARRAY_LEN(rows));
}

TESTS_MAIN("out-escape",
    T(terminal), T(csv), T(html), T(label), T(json_html))
