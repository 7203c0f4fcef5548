/* The encodings of a body: RFC 2045 sections 6.7 and 6.8, as programs read them. */
#include <errno.h>

#include "base/base64.h"
#include "base/hash.h"
#include "mail/mime.h"

/* "Any characters outside of the base64 alphabet are to be ignored"; it ends with its padding. */
static size_t
base64_take(uint8_t *out, struct sv text)
{
	struct base64 b = { 0 };
	size_t n = 0, more;

	while (text.n > 0) {
		size_t n_taken = base64_part(&b, out + n, text, &more);

		n += more;
		text = sv_skip(text, n_taken);
		if (b.n_pad > 0)
			break;
		text = sv_skip(text, 1);
	}
	if (base64_end(&b, out + n, &more) == 0)
		n += more;
	return n;
}

/* One line: blanks at its end are none of the text, "=" at its end joins it to the next one. */
static size_t
quoted_line(uint8_t *out, struct sv line, bool has_end)
{
	size_t n = 0;
	bool is_soft;

	while (line.n > 0 && (line.p[line.n - 1] == ' ' || line.p[line.n - 1] == '\t' ||
	    line.p[line.n - 1] == '\r'))
		line.n--;
	if ((is_soft = sv_ends(line, SV("="))))
		line.n--;
	while (line.n > 0) {
		size_t n_taken = 1;

		out[n] = (uint8_t)line.p[0];
		if (line.p[0] == '=' && hex_decode(&out[n], 1, sv_take(sv_skip(line, 1), 2)) == 0)
			n_taken = 3;
		n++;
		line = sv_skip(line, n_taken);
	}
	if (has_end && !is_soft) {
		out[n++] = '\r';
		out[n++] = '\n';
	}
	return n;
}

static size_t
quoted_take(uint8_t *out, struct sv text)
{
	size_t n = 0;

	while (text.n > 0) {
		size_t end = sv_find(text, '\n');

		n += quoted_line(out + n, sv_take(text, end), end < text.n);
		text = sv_skip(text, end + 1);
	}
	return n;
}

int
mime_decode(struct pool *pool, enum mime_encoding encoding, struct sv body, struct sv *ret)
{
	/* A line of one LF becomes CRLF; base64 needs less. */
	size_t room = encoding == MIME_QUOTED ? 2 * body.n : base64_room(body.n) + BASE64_END_MAX;
	uint8_t *out;

	if (encoding == MIME_IDENTITY || encoding == MIME_UNKNOWN) {
		*ret = sv_take(body, encoding == MIME_IDENTITY ? body.n : 0);
		return 0;
	}
	if ((out = pool_alloc(pool, room + 1)) == NULL)
		return -ENOMEM;
	*ret = (struct sv){ (const char *)out,
		encoding == MIME_QUOTED ? quoted_take(out, body) : base64_take(out, body) };
	return 0;
}
