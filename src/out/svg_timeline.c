/* Where things stand: labels left, bars right of them, dates and marks below. */
#include "out/svg_timeline.h"

#include <errno.h>
#include <stdio.h>

#include "base/err.h"
#include "base/json.h"
#include "out/escape.h"
#include "out/table.h"

#define LEFT	12		/* pixels, all of them */
#define CELL	7		/* one letter of a label, roughly */
#define ROW	22
#define BAR	14
#define HEAD	64
#define PLOT	860
#define COLORS	6
#define TICKS	8

struct drawing {
	struct buf			*b;
	const struct svg_timeline	*t;
	unsigned			 x0;		/* where the plot begins */
	unsigned			 y;
};

static const char style[] =
    "<style>\n"
    "svg{--bg:#fff;--fg:#1d2430;--dim:#5a6472;--line:#d5dae1;"
    "--c0:#2563a8;--c1:#1f7a4d;--c2:#a8590c;--c3:#7b3fa0;--c4:#b0304f;--c5:#17727d}\n"
    "@media (prefers-color-scheme:dark){svg{--bg:#14181f;--fg:#e8ebf0;--dim:#a3adba;--line:#38414e;"
    "--c0:#6aa9ec;--c1:#5cc492;--c2:#e5a257;--c3:#c08be0;--c4:#ef7d98;--c5:#5bc0cc}}\n"
    "text{font:13px system-ui,sans-serif;fill:var(--fg)}\n"
    ".bg{fill:var(--bg)}.h{font-size:17px;font-weight:600}.g{font-weight:600}.d{font-size:11px;fill:var(--dim)}\n"
    ".tick{stroke:var(--line)}.mark{stroke:var(--dim);stroke-dasharray:3 3}\n"
    ".k{fill:none;stroke-width:1.5}.n{font-size:11px;font-weight:600}\n";

/* XML 1.0 has no place for controls and U+FFFE, U+FFFF, not even escaped. */
static void
xml_put(struct buf *b, struct sv s)
{
	while (s.n > 0) {
		size_t n = utf8_len(s);
		struct sv one = sv_take(s, n == 0 ? 1 : n);
		bool is_none = (n == 1 && (unsigned char)one.p[0] < 0x20) ||
		    (n == 3 && memcmp(one.p, "\xef\xbf", 2) == 0 && (unsigned char)one.p[2] >= 0xbe);

		if (is_none)
			buf_str(b, "\xef\xbf\xbd");
		else
			escape_html(b, one);
		s = sv_skip(s, one.n);
	}
}

static void
text_put(struct drawing *d, unsigned x, unsigned y, const char *class, struct sv text)
{
	buf_printf(d->b, "<text x=\"%u\" y=\"%u\" class=\"%s\">", x, y, class);
	xml_put(d->b, text);
	buf_str(d->b, "</text>\n");
}

static unsigned
x_of(const struct drawing *d, int64_t at)
{
	int64_t span = d->t->until - d->t->from;

	at = min_i64(max_i64(at, d->t->from), d->t->until);
	/* In doubles: a span may have 40 bits. */
	return d->x0 + (unsigned)((double)(at - d->t->from) / (double)span * (double)PLOT + 0.5);
}

static void
styles(struct drawing *d)
{
	buf_str(d->b, style);
	for (unsigned i = 0; i < COLORS; i++)
		buf_printf(d->b, ".s%u{fill:var(--c%u)}.c%u{fill:url(#p%u)}.k%u{stroke:var(--c%u)}", i, i, i, i, i, i);
	buf_str(d->b, "\n</style>\n<defs>");
	for (unsigned i = 0; i < COLORS; i++)
		buf_printf(d->b, "<pattern id=\"p%u\" width=\"6\" height=\"6\" patternUnits=\"userSpaceOnUse\" "
		    "patternTransform=\"rotate(45)\"><rect width=\"2.5\" height=\"6\" fill=\"var(--c%u)\"/></pattern>", i, i);
	buf_str(d->b, "</defs>\n");
}

/* --- times --- */

/* Days and hours, then weeks and months: the first step that gives few ticks. */
static int64_t
tick_step(int64_t span)
{
	static const int64_t steps[] = { 60, 300, 900, 3600, 3 * 3600, 6 * 3600, 12 * 3600, 86400,
	    2 * 86400, 7 * 86400, 14 * 86400, 28 * 86400, 91 * 86400, 182 * 86400, 364 * 86400 };

	for (size_t i = 0; i < ARRAY_LEN(steps); i++)
		if (span / steps[i] <= TICKS)
			return steps[i];
	return (span / TICKS / (364 * 86400) + 1) * 364 * 86400;
}

static void
time_put(struct drawing *d, int64_t at, bool has_hour, unsigned x, unsigned y)
{
	struct civil c;
	char s[48];

	time_to_civil(at, &c);
	snprintf(s, sizeof(s), "%04d-%02d-%02d", c.year, c.mon, c.day);
	buf_printf(d->b, "<text x=\"%u\" y=\"%u\" class=\"d\" text-anchor=\"middle\">%s</text>\n", x, y, s);
	if (!has_hour)
		return;
	snprintf(s, sizeof(s), "%02d:%02d", c.hour, c.min);
	buf_printf(d->b, "<text x=\"%u\" y=\"%u\" class=\"d\" text-anchor=\"middle\">%s</text>\n", x, y + 13, s);
}

static void
ticks(struct drawing *d, unsigned bottom)
{
	int64_t step = tick_step(d->t->until - d->t->from);
	int64_t at = (d->t->from + step - 1) / step * step;

	for (; at <= d->t->until; at += step) {
		unsigned x = x_of(d, at);

		buf_printf(d->b, "<line class=\"tick\" x1=\"%u\" y1=\"%u\" x2=\"%u\" y2=\"%u\"/>\n", x, HEAD - 8, x, bottom);
		time_put(d, at, step < 86400, x, bottom + 14);
	}
}

/* Does another moment begin with this mark? */
static bool
is_new(const struct svg_timeline *t, size_t i)
{
	return i == 0 || t->marks[i].at != t->marks[i - 1].at;
}

/* Numbers that would cover each other become a range over the first of them. */
static void
marks(struct drawing *d, unsigned bottom)
{
	unsigned n = 0, first = 0, x_first = 0;

	for (size_t i = 0; i < d->t->n_marks; i++) {
		unsigned x = x_of(d, d->t->marks[i].at);
		bool more = false;

		if (!is_new(d->t, i))
			continue;
		n++;
		if (first == 0) {
			first = n;
			x_first = x;
		}
		buf_printf(d->b, "<line class=\"mark\" x1=\"%u\" y1=\"%u\" x2=\"%u\" y2=\"%u\"/>", x, HEAD - 10, x, bottom);
		for (size_t k = i + 1; k < d->t->n_marks && !more; k++)
			more = is_new(d->t, k) && x_of(d, d->t->marks[k].at) < x_first + 20;
		if (more)
			continue;
		buf_printf(d->b, "<text x=\"%u\" y=\"%u\" class=\"n\" text-anchor=\"middle\">%u", (x_first + x) / 2, HEAD - 12, first);
		if (n > first)
			buf_printf(d->b, "–%u", n);
		buf_str(d->b, "</text>\n");
		first = 0;
	}
}

static void
marks_list(struct drawing *d, unsigned y)
{
	char head[48], when[TIME_STRLEN];
	unsigned n = 0;

	for (size_t i = 0; i < d->t->n_marks; i++) {
		if (is_new(d->t, i)) {
			snprintf(head, sizeof(head), "%u  %s", ++n, time_str(d->t->marks[i].at, when));
			text_put(d, LEFT, y, "n", sv_str(head));
		}
		text_put(d, LEFT + 190, y, "", d->t->marks[i].text);
		y += 18;
	}
	for (size_t i = 0; i < d->t->n_notes; i++, y += 18)
		text_put(d, LEFT, y, "d", d->t->notes[i]);
}

/* --- rows --- */

static void
rect(struct drawing *d, const char *class, unsigned color, int64_t from, int64_t until)
{
	unsigned x = x_of(d, from), w = x_of(d, until) - x;

	buf_printf(d->b, "<rect class=\"%s%u\" x=\"%u\" y=\"%u\" width=\"%u\" height=\"%u\"/>", class, color, x,
	    d->y + 4, w == 0 ? 1 : w, BAR);
}

static void
bar(struct drawing *d, const struct svg_row *r, const struct svg_bar *s)
{
	unsigned color = r->color % COLORS;
	char from[TIME_STRLEN], until[TIME_STRLEN], cached[TIME_STRLEN];

	if (s->from >= d->t->until || s->cached_until <= d->t->from)
		return;
	buf_str(d->b, "<g><title>");
	xml_put(d->b, r->label);
	buf_printf(d->b, ": %s – %s (%s)</title>", time_str(max_i64(s->from, 0), from), time_str(s->until, until),
	    time_str(s->cached_until, cached));
	if (s->until > d->t->from)
		rect(d, "s", color, s->from, s->until);
	if (s->cached_until > s->until && s->until < d->t->until) {
		rect(d, "c", color, s->until, s->cached_until);
		rect(d, "k k", color, s->until, s->cached_until);
	}
	buf_str(d->b, "</g>\n");
}

static void
rows(struct drawing *d)
{
	struct sv group = { 0 };

	for (size_t i = 0; i < d->t->n_rows; i++) {
		const struct svg_row *r = &d->t->rows[i];

		if (!sv_eq(group, r->group)) {
			text_put(d, LEFT, d->y + 15, "g", r->group);
			d->y += ROW;
			group = r->group;
		}
		text_put(d, LEFT + 10, d->y + 15, "", r->label);
		for (size_t k = 0; k < r->n_bars; k++)
			bar(d, r, &r->bars[k]);
		d->y += ROW;
	}
}

/* The widest label, and the height of all rows. */
static void
measure(const struct svg_timeline *t, unsigned *ret_width, unsigned *ret_height)
{
	struct sv group = { 0 };
	unsigned cells = 12, n = 0;

	for (size_t i = 0; i < t->n_rows; i++) {
		unsigned c = text_cells(t->rows[i].label);

		cells = c > cells ? c : cells;
		n += sv_eq(group, t->rows[i].group) ? 1 : 2;
		group = t->rows[i].group;
	}
	*ret_width = (cells > 60 ? 60 : cells) * CELL + 10;
	*ret_height = n * ROW;
}

static void
legend(struct drawing *d, unsigned y)
{
	unsigned x = d->x0;

	buf_printf(d->b, "<rect class=\"s0\" x=\"%u\" y=\"%u\" width=\"26\" height=\"%u\"/>", x, y - 11, BAR);
	text_put(d, x + 34, y, "d", d->t->served);
	x += 50 + text_cells(d->t->served) * CELL;
	buf_printf(d->b, "<rect class=\"c0\" x=\"%u\" y=\"%u\" width=\"26\" height=\"%u\"/>"
	    "<rect class=\"k k0\" x=\"%u\" y=\"%u\" width=\"26\" height=\"%u\"/>", x, y - 11, BAR, x, y - 11, BAR);
	text_put(d, x + 34, y, "d", d->t->cached);
}

int
svg_timeline_write(struct buf *b, const struct svg_timeline *t)
{
	struct drawing d = { .b = b, .t = t, .y = HEAD };
	unsigned width, height, bottom, total;

	if (t->n_rows > SVG_ROWS_MAX || t->n_marks > SVG_ROWS_MAX || t->n_notes > SVG_ROWS_MAX)
		return SE_LIMIT;
	if (t->from >= t->until || t->until == TIME_NEVER || t->from < 0)
		return -ERANGE;
	measure(t, &width, &height);
	d.x0 = LEFT + width + 16;
	bottom = HEAD + height;
	total = bottom + 64 + (unsigned)(t->n_marks + t->n_notes) * 18 + 10;
	buf_printf(b, "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %u %u\" width=\"%u\" height=\"%u\" "
	    "role=\"img\">\n<title>", d.x0 + PLOT + 48, total, d.x0 + PLOT + 48, total);
	xml_put(b, t->title);
	buf_str(b, "</title>\n");
	styles(&d);
	buf_str(b, "<rect class=\"bg\" width=\"100%\" height=\"100%\"/>\n");
	text_put(&d, LEFT, 26, "h", t->title);
	ticks(&d, bottom);
	rows(&d);
	marks(&d, bottom);
	legend(&d, bottom + 46);
	marks_list(&d, bottom + 74);
	buf_str(b, "</svg>\n");
	return b->rc;
}
