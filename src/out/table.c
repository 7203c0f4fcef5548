#include "base/json.h"
#include "out/table.h"

/* East Asian wide and full-width letters (UAX #11, roughly). */
static bool
is_wide(uint32_t cp)
{
	return (cp >= 0x1100 && cp <= 0x115f) || (cp >= 0x2e80 && cp <= 0xa4cf) ||
	    (cp >= 0xac00 && cp <= 0xd7a3) || (cp >= 0xf900 && cp <= 0xfaff) ||
	    (cp >= 0xfe30 && cp <= 0xfe4f) || (cp >= 0xff00 && cp <= 0xff60) ||
	    (cp >= 0x20000 && cp <= 0x3fffd);
}

static uint32_t
code_point(const unsigned char *p, size_t n)
{
	uint32_t cp = n == 1 ? p[0] : p[0] & (0xffu >> (n + 1));

	for (size_t i = 1; i < n; i++)
		cp = cp << 6 | (p[i] & 0x3fu);
	return cp;
}

unsigned
text_cells(struct sv s)
{
	unsigned cells = 0;

	while (s.n > 0) {
		size_t n = utf8_len(s);

		cells++;
		if (n > 0 && is_wide(code_point((const unsigned char *)s.p, n)))
			cells++;
		s = sv_skip(s, n == 0 ? 1 : n);
	}
	return cells;
}

void
table_cell(struct buf *b, const char *text, unsigned width, bool right)
{
	unsigned cells = text_cells(sv_str(text));

	if (!right)
		buf_str(b, text);
	for (; cells < width; cells++)
		buf_char(b, ' ');
	if (right)
		buf_str(b, text);
}

void
table_num(struct buf *b, uint64_t v, unsigned width)
{
	struct buf t = BUF_INIT;

	buf_u64(&t, v);
	for (size_t n = t.len; n < width; n++)
		buf_char(b, ' ');
	buf_sv(b, buf_get(&t));
	buf_done(&t);
}
