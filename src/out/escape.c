#include "base/json.h"
#include "out/escape.h"

static uint32_t
utf8_value(struct sv s, size_t n)
{
	static const unsigned char head[5] = { 0, 0x7f, 0x1f, 0x0f, 0x07 };
	uint32_t cp = (unsigned char)s.p[0] & head[n];

	for (size_t i = 1; i < n; i++)
		cp = cp << 6 | ((unsigned char)s.p[i] & 0x3fu);
	return cp;
}

/* Characters that change how others are shown, or are not shown at all. */
static const struct {
	uint32_t	first, last;
} unseen[] = {
	{ 0x0000, 0x001f },	/* C0: escape sequences, line ends */
	{ 0x007f, 0x009f },	/* DEL and C1 */
	{ 0x00ad, 0x00ad },	/* soft hyphen */
	{ 0x061c, 0x061c },	/* Arabic letter mark */
	{ 0x180e, 0x180e },
	{ 0x200b, 0x200f },	/* zero width, left and right marks */
	{ 0x2028, 0x202e },	/* separators, embeddings, overrides */
	{ 0x2060, 0x206f },	/* joiners, isolates */
	{ 0xfeff, 0xfeff },
	{ 0xfff9, 0xfffb },
	{ 0xe0000, 0xe007f },	/* tags */
};

static bool
is_unseen(uint32_t cp)
{
	for (size_t i = 0; i < ARRAY_LEN(unseen); i++)
		if (cp >= unseen[i].first && cp <= unseen[i].last)
			return true;
	return false;
}

void
escape_term(struct buf *b, struct sv s)
{
	while (s.n > 0) {
		size_t n = utf8_len(s);
		uint32_t cp = n == 0 ? (unsigned char)s.p[0] : utf8_value(s, n);

		if (n == 0 || (is_unseen(cp) && cp < 0x100))
			buf_printf(b, "\\x%02x", cp);
		else if (is_unseen(cp))
			buf_printf(b, "\\u%04x", cp);
		else
			buf_bytes(b, s.p, n);
		s = sv_skip(s, n == 0 ? 1 : n);
	}
}

/* Copy one character, or U+FFFD for a byte that is none. */
static struct sv
copy_char(struct buf *b, struct sv s)
{
	size_t n = utf8_len(s);

	if (n == 0)
		buf_str(b, "\xef\xbf\xbd");
	else
		buf_bytes(b, s.p, n);
	return sv_skip(s, n == 0 ? 1 : n);
}

void
escape_csv(struct buf *b, struct sv s)
{
	bool formula = s.n > 0 && memchr("=+-@\t\r", s.p[0], 6) != NULL;
	bool quote = formula;

	for (size_t i = 0; i < s.n && !quote; i++)
		quote = memchr(",\"\r\n", s.p[i], 4) != NULL;
	if (quote)
		buf_char(b, '"');
	if (formula)
		buf_char(b, '\'');
	while (s.n > 0) {
		if (s.p[0] == '"')
			buf_char(b, '"');
		s = copy_char(b, s);
	}
	if (quote)
		buf_char(b, '"');
}

void
escape_html(struct buf *b, struct sv s)
{
	static const struct {
		char		 c;
		const char	*entity;
	} rows[] = {
		{ '&', "&amp;" }, { '<', "&lt;" }, { '>', "&gt;" },
		{ '"', "&quot;" }, { '\'', "&#39;" },
	};

	while (s.n > 0) {
		size_t i = 0;

		while (i < ARRAY_LEN(rows) && rows[i].c != s.p[0])
			i++;
		if (i < ARRAY_LEN(rows)) {
			buf_str(b, rows[i].entity);
			s = sv_skip(s, 1);
		} else
			s = copy_char(b, s);
	}
}

void
escape_label(struct buf *b, struct sv s)
{
	while (s.n > 0) {
		char c = s.p[0];

		if (c == '\\' || c == '"')
			buf_char(b, '\\');
		if (c == '\n') {
			buf_str(b, "\\n");
			s = sv_skip(s, 1);
		} else if ((unsigned char)c < 0x20 || c == 0x7f) {
			buf_char(b, '?');	/* no other escape exists */
			s = sv_skip(s, 1);
		} else
			s = copy_char(b, s);
	}
}

void
escape_json_html(struct buf *b, struct sv s)
{
	while (s.n > 0) {
		size_t n = utf8_len(s);
		uint32_t cp = n == 0 ? 0xfffd : utf8_value(s, n);

		if (cp == '<' || cp == '>' || cp == '&' || cp == 0x2028 || cp == 0x2029) {
			buf_printf(b, "\\u%04x", cp);
			s = sv_skip(s, n);
		} else
			s = copy_char(b, s);
	}
}
