/* The picture is XML, whatever the names hold; bars stand where their times are. */
#include "../tap.h"

#include <errno.h>
#include <expat.h>
#include <stdlib.h>

#include "base/err.h"
#include "out/svg_timeline.h"

struct seen {
	unsigned	scripts, rects, links, titles;
	bool		in_label;
	struct buf	text;
};

static void XMLCALL
element(void *arg, const XML_Char *name, const XML_Char **attrs)
{
	struct seen *s = arg;

	s->scripts += strcmp(name, "script") == 0 || strcmp(name, "foreignObject") == 0;
	s->rects += strcmp(name, "rect") == 0;
	s->titles += strcmp(name, "title") == 0;
	for (; *attrs != NULL; attrs += 2)
		s->links += strncmp(attrs[0], "on", 2) == 0 || strstr(attrs[0], "href") != NULL;
}

static void XMLCALL
text(void *arg, const XML_Char *p, int n)
{
	struct seen *s = arg;

	buf_bytes(&s->text, p, (size_t)n);
}

/* Well-formed, or the test fails. */
static void
read_back(const struct buf *b, struct seen *s)
{
	XML_Parser x = XML_ParserCreate("UTF-8");

	*s = (struct seen){ 0 };
	XML_SetUserData(x, s);
	XML_SetElementHandler(x, element, NULL);
	XML_SetCharacterDataHandler(x, text);
	if (XML_Parse(x, b->p, (int)b->len, 1) != XML_STATUS_OK)
		fail_msg("%s at line %lu", XML_ErrorString(XML_GetErrorCode(x)), XML_GetCurrentLineNumber(x));
	XML_ParserFree(x);
	buf_char(&s->text, '\0');
}

static const struct svg_bar bars[] = { { 100000, 200000, 286400 }, { 300000, TIME_NEVER, TIME_NEVER } };

static struct svg_timeline
picture(const struct svg_row *rows, size_t n)
{
	return (struct svg_timeline){ .title = SV("keys"), .served = SV("served"), .cached = SV("cached"),
		.from = 0, .until = 400000, .rows = rows, .n_rows = n };
}

static void
hostile(void **state UNUSED)
{
	static const struct sv names[] = {
		SV("</text><script>alert(1)</script>"), SV("\" onload=\"x"), SV("]]>&amp;<!--"),
		SV("a\x01\x02\x1b[31m\x7f"), SV("\xff\xfe\xc0\xaf"), SV("鍵 ③"), SV("\xef\xbf\xbf\xed\xa0\x80"), SV(""),
	};

	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		const struct svg_row row = { .group = names[i], .label = names[i], .bars = bars, .n_bars = 2 };
		const struct svg_mark mark = { 5, names[i] };
		struct svg_timeline t = picture(&row, 1);
		struct buf b = BUF_INIT;
		struct seen s;

		t.title = names[i];
		t.marks = &mark;
		t.n_marks = 1;
		assert_int_equal(svg_timeline_write(&b, &t), 0);
		read_back(&b, &s);
		assert_int_equal(s.scripts, 0);
		assert_int_equal(s.links, 0);
		if (i == 0)
			assert_non_null(strstr(s.text.p, "<script>alert(1)</script>"));
		buf_done(&s.text);
		buf_done(&b);
	}
}

static void
places(void **state UNUSED)
{
	const struct svg_row row = { .group = SV("DS"), .label = SV("k1"), .bars = bars, .n_bars = 2 };
	struct svg_timeline t = picture(&row, 1);
	struct buf b = BUF_INIT;
	struct seen s;

	assert_int_equal(svg_timeline_write(&b, &t), 0);
	buf_char(&b, '\0');
	/* A quarter of the plot wide, beginning a quarter from its left; then its cached part. */
	assert_non_null(strstr(b.p, "width=\"215\" height=\"14\"/><rect class=\"c0\""));
	b.len--;
	read_back(&b, &s);
	/* Background, six patterns, three of the legend, three and one of the bars. */
	assert_int_equal(s.rects, 1 + 6 + 3 + 3 + 1);
	assert_int_equal(s.titles, 1 + 2);
	buf_done(&s.text);
	buf_done(&b);
}

static void
limits(void **state UNUSED)
{
	struct svg_row *rows = calloc(SVG_ROWS_MAX + 1, sizeof(*rows));
	struct svg_timeline t = picture(rows, SVG_ROWS_MAX + 1);
	struct buf b = BUF_INIT;

	assert_int_equal(svg_timeline_write(&b, &t), SE_LIMIT);
	t.n_rows = 0;
	t.until = t.from;
	assert_int_equal(svg_timeline_write(&b, &t), -ERANGE);
	t.until = TIME_NEVER;
	assert_int_equal(svg_timeline_write(&b, &t), -ERANGE);
	assert_int_equal(b.len, 0);
	/* From a minute to ten thousand years: few ticks, and an end. */
	for (int64_t span = 1; span < INT64_C(400000000000); span *= 7) {
		t.until = t.from + span;
		b.len = 0;
		assert_int_equal(svg_timeline_write(&b, &t), 0);
		assert_true(b.len < 8000);
	}
	free(rows);
	buf_done(&b);
}

TESTS_MAIN("out/svg_timeline", T(hostile), T(places), T(limits))
