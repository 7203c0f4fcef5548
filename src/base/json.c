#include "base/err.h"
#include "base/json.h"

size_t
utf8_len(struct sv s)
{
	const unsigned char *p = (const unsigned char *)s.p;
	size_t n;
	uint32_t cp, min;

	if (s.n == 0)
		return 0;
	if (p[0] < 0x80)
		return 1;
	if (p[0] >= 0xc2 && p[0] <= 0xdf) {
		n = 2;
		cp = p[0] & 0x1fu;
		min = 0x80;
	} else if ((p[0] & 0xf0) == 0xe0) {
		n = 3;
		cp = p[0] & 0x0fu;
		min = 0x800;
	} else if (p[0] >= 0xf0 && p[0] <= 0xf4) {
		n = 4;
		cp = p[0] & 0x07u;
		min = 0x10000;
	} else
		return 0;
	if (s.n < n)
		return 0;
	for (size_t i = 1; i < n; i++) {
		if ((p[i] & 0xc0) != 0x80)
			return 0;
		cp = cp << 6 | (p[i] & 0x3fu);
	}
	if (cp < min || cp > 0x10ffff || (cp >= 0xd800 && cp <= 0xdfff))
		return 0;
	return n;
}

static void
newline(struct json *j)
{
	if (!j->pretty)
		return;
	buf_char(j->b, '\n');
	for (unsigned i = 0; i < j->depth; i++)
		buf_str(j->b, "  ");
}

/* Whatever comes before a value: a comma, a new line, or nothing. */
static void
lead(struct json *j)
{
	if (j->after_key) {
		j->after_key = false;
		return;
	}
	if (j->depth == 0)
		return;
	if (j->more[j->depth - 1])
		buf_char(j->b, ',');
	j->more[j->depth - 1] = true;
	newline(j);
}

void
json_open(struct json *j, char c)
{
	lead(j);
	buf_char(j->b, c);
	if (j->depth < JSON_DEPTH_MAX)
		j->more[j->depth++] = false;
	else
		j->b->rc = SE_LIMIT;
}

void
json_close(struct json *j, char c)
{
	bool any = false;

	if (j->depth > 0)
		any = j->more[--j->depth];
	if (any)
		newline(j);
	buf_char(j->b, c);
}

static void
escape(struct buf *b, unsigned char c)
{
	switch (c) {
	case '"':
		buf_str(b, "\\\"");
		break;
	case '\\':
		buf_str(b, "\\\\");
		break;
	case '\n':
		buf_str(b, "\\n");
		break;
	case '\t':
		buf_str(b, "\\t");
		break;
	default:
		buf_printf(b, "\\u%04x", c);
	}
}

static void
quoted(struct buf *b, struct sv s)
{
	size_t run = 0;

	buf_char(b, '"');
	while (run < s.n) {
		unsigned char c = (unsigned char)s.p[run];
		size_t n;

		if (c >= 0x20 && c < 0x7f && c != '"' && c != '\\') {
			run++;
			continue;
		}
		buf_bytes(b, s.p, run);
		s = sv_skip(s, run);
		run = 0;
		n = utf8_len(s);
		if (n == 0)
			buf_str(b, "\xef\xbf\xbd");
		else if (n == 1)
			escape(b, c);
		else
			buf_bytes(b, s.p, n);
		s = sv_skip(s, n == 0 ? 1 : n);
	}
	buf_bytes(b, s.p, run);
	buf_char(b, '"');
}

void
json_key_sv(struct json *j, struct sv k)
{
	lead(j);
	quoted(j->b, k);
	buf_str(j->b, j->pretty ? ": " : ":");
	j->after_key = true;
}

void
json_key(struct json *j, const char *k)
{
	json_key_sv(j, sv_str(k));
}

void
json_sv(struct json *j, struct sv s)
{
	lead(j);
	quoted(j->b, s);
}

void
json_str(struct json *j, const char *s)
{
	if (s == NULL)
		json_nil(j);
	else
		json_sv(j, sv_str(s));
}

void
json_u64(struct json *j, uint64_t v)
{
	lead(j);
	buf_u64(j->b, v);
}

void
json_i64(struct json *j, int64_t v)
{
	lead(j);
	if (v < 0)
		buf_char(j->b, '-');
	buf_u64(j->b, v < 0 ? -(uint64_t)v : (uint64_t)v);
}

void
json_bool(struct json *j, bool v)
{
	lead(j);
	buf_str(j->b, v ? "true" : "false");
}

void
json_nil(struct json *j)
{
	lead(j);
	buf_str(j->b, "null");
}

void
json_raw(struct json *j, struct sv s)
{
	lead(j);
	buf_sv(j->b, s);
}
