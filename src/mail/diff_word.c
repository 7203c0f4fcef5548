/* Fields as they read: encoded words (RFC 2047) decoded. */
#include "base/base64.h"
#include "base/hash.h"
#include "mail/diff_internal.h"

#define PART	192	/* letters of base64 decoded at a time */

/* Letters that are none of base64 are passed over (RFC 2045 section 6.8). */
static void
letters_decode(struct buf *b, struct sv text)
{
	struct base64 state = { 0 };
	uint8_t out[PART];
	size_t n;

	while (text.n > 0) {
		struct sv part = sv_take(text, PART);
		size_t n_taken = base64_part(&state, out, part, &n);

		buf_bytes(b, out, n);
		text = sv_skip(text, n_taken);
		if (n_taken == part.n)
			continue;
		text = sv_skip(text, 1);
		if (state.n_pad > 0)
			state = (struct base64){ 0 };
	}
	if (base64_end(&state, out, &n) == 0)
		buf_bytes(b, out, n);
}

/* Section 4.2. */
static void
quoted_decode(struct buf *b, struct sv s)
{
	while (s.n > 0) {
		char c = s.p[0] == '_' ? ' ' : s.p[0];
		size_t n = c == '=' && hex_decode(&c, 1, sv_take(sv_skip(s, 1), 2)) == 0 ? 3 : 1;

		buf_char(b, c);
		s = sv_skip(s, n);
	}
}

/* "=?charset?B?text?=" at the head of *s is taken off. false: there is none. */
static bool
word_take(struct sv *s, char *ret_encoding, struct sv *ret_text)
{
	struct sv rest = sv_skip(*s, 2), encoding;

	if (!sv_starts(*s, SV("=?")) || sv_cut(&rest, '?').n == 0)
		return false;
	encoding = sv_cut(&rest, '?');
	*ret_text = sv_cut(&rest, '?');
	if (!sv_starts(rest, SV("=")) || encoding.n != 1)
		return false;
	*ret_encoding = (char)(encoding.p[0] | 0x20);
	if (*ret_encoding != 'b' && *ret_encoding != 'q')
		return false;
	*s = sv_skip(rest, 1);
	return true;
}

static void
word_put(struct buf *b, char encoding, struct sv text)
{
	if (encoding == 'b')
		letters_decode(b, text);
	else
		quoted_decode(b, text);
}

static bool
is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* White space between two encoded words is none of the text (RFC 2047 section 6.2). */
void
diff_words_decode(struct buf *b, struct sv s)
{
	bool was_word = false, is_word, blank = false;
	struct sv text;
	char encoding;

	for (s = sv_trim(s); s.n > 0;) {
		if (is_space(s.p[0])) {
			blank = true;
			s = sv_skip(s, 1);
			continue;
		}
		is_word = word_take(&s, &encoding, &text);
		if (blank && b->len > 0 && !(was_word && is_word))
			buf_char(b, ' ');
		if (is_word)
			word_put(b, encoding, text);
		else {
			buf_char(b, s.p[0]);
			s = sv_skip(s, 1);
		}
		was_word = is_word;
		blank = false;
	}
}
