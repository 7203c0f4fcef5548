/* A field in its canonical forms (RFC 6376 sections 3.4.1 and 3.4.2). */
#include "mail/message.h"

static bool
is_blank(char c)
{
	return c == ' ' || c == '\t';
}

/* A line end that white space follows is a fold (RFC 5322 section 2.2.3). */
static bool
is_fold(struct sv s)
{
	return s.n >= 3 && s.p[0] == '\r' && s.p[1] == '\n' && is_blank(s.p[2]);
}

/* A space between two words stays, too. */
static bool
is_plain(struct sv s, size_t at)
{
	unsigned char c = (unsigned char)s.p[at];

	if (c > ' ')
		return true;
	if (c == ' ')
		return at + 1 < s.n && (unsigned char)s.p[at + 1] > ' ';
	return c != '\t' && c != '\r';
}

/* Octets that stay as they are, the first of them known to be one. */
static size_t
plain_run(struct sv s)
{
	size_t n = 1;

	while (n < s.n && is_plain(s, n))
		n++;
	return n;
}

static void
lower_add(struct buf *b, struct sv s)
{
	for (size_t i = 0; i < s.n; i++)
		buf_char(b, s.p[i] >= 'A' && s.p[i] <= 'Z' ? (char)(s.p[i] | 0x20) : s.p[i]);
}

/*
 * "Convert all sequences of one or more WSP characters to a single SP character", folds among
 * them; none stays at the ends.
 */
static void
value_relax(struct buf *b, struct sv s)
{
	bool blank = false, is_first = true;

	while (s.n > 0) {
		size_t n;

		if (is_blank(s.p[0]) || is_fold(s)) {
			blank = true;
			s = sv_skip(s, is_fold(s) ? 3 : 1);
			continue;
		}
		if (blank && !is_first)
			buf_char(b, ' ');
		blank = is_first = false;
		n = plain_run(s);
		buf_sv(b, sv_take(s, n));
		s = sv_skip(s, n);
	}
}

void
mail_field_canon(struct buf *b, const struct mail_field *f, enum mail_canon canon)
{
	if (canon == MAIL_SIMPLE) {
		buf_sv(b, f->raw);
		return;
	}
	lower_add(b, f->name);
	buf_char(b, ':');
	value_relax(b, f->value);
}
