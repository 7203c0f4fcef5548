/*
 * Zone text as items (RFC 1035 section 5.1): words, quoted texts, ends of
 * entries. Blanks, comments and parentheses are dealt with here.
 */
#include <errno.h>

#include "dns/zonefile_internal.h"

enum {
	PLAIN,
	BLANK,
	NEWLINE,
	COMMENT,
	OPEN,
	CLOSE,
	QUOTE,
	ESCAPE,
	CONTROL,
};

/* Octets above 126 are kept as they are: texts in UTF-8 are common. */
static const uint8_t classes[256] = {
	[0x00 ... 0x08] = CONTROL, [0x0b ... 0x0c] = CONTROL, [0x0e ... 0x1f] = CONTROL,
	[0x7f] = CONTROL,
	[' '] = BLANK, ['\t'] = BLANK, ['\r'] = BLANK, ['\n'] = NEWLINE,
	[';'] = COMMENT, ['('] = OPEN, [')'] = CLOSE, ['"'] = QUOTE, ['\\'] = ESCAPE,
};

static inline uint8_t
class_of(char c)
{
	return classes[(uint8_t)c];
}

void
lex_init(struct lex *lx, struct text_at at, const char *end, bool final)
{
	lx->now = lx->at = at;
	lx->end = end;
	lx->final = final;
	lx->lenient = lx->held = lx->bad = false;
	lx->depth = 0;
	lx->fault = TF_MISSING;
}

static enum lex_kind
bad_at(struct lex *lx, enum dns_code code, struct text_at at)
{
	lx->at = at;
	(void)lex_fault(lx, code);
	return LEX_BAD;
}

/* The text that is there has ended. */
static enum lex_kind
ran_out(struct lex *lx)
{
	if (!lx->final)
		return LEX_MORE;
	lx->now.p = lx->end;
	lx->at = lx->now;
	lx->item = (struct sv){ lx->end, 0 };
	if (lx->depth > 0)
		return bad_at(lx, ZONE_PAREN, lx->open);
	return LEX_END;
}

static void
newline(struct lex *lx)
{
	lx->now.p++;
	lx->now.line_at = lx->now.p;
	lx->now.line++;
}

/* Something that ends an item, or nothing more; false: the text must go on first. */
static bool
is_delimited(const struct lex *lx, const char *p)
{
	if (p == lx->end)
		return lx->final;
	return class_of(*p) != PLAIN && class_of(*p) != QUOTE && class_of(*p) != ESCAPE;
}

/* From behind the first quotation mark to behind the second. */
static enum lex_kind
quoted(struct lex *lx, enum lex_kind kind)
{
	struct text_at begin = lx->now;
	const char *p = begin.p, *end = lx->end;

	for (; p < end && *p != '"'; p++) {
		if (*p == '\\') {
			lx->escaped = true;
			p++;		/* what it escapes is no mark */
			if (p == end)
				break;
		}
		if (*p == '\n') {
			lx->now.line_at = p + 1;
			lx->now.line++;
		}
	}
	lx->now.p = p < end ? p + 1 : end;
	if (p < end && is_delimited(lx, p + 1))
		return kind;
	if (!lx->final && (p == end || p + 1 == end))
		return LEX_MORE;
	begin.p--;
	return bad_at(lx, ZONE_QUOTE, begin);
}

static enum lex_kind
quoted_item(struct lex *lx)
{
	const char *begin = ++lx->now.p;
	enum lex_kind kind = quoted(lx, LEX_QUOTED);

	lx->item = (struct sv){ begin, (size_t)(lx->now.p - begin) };
	if (kind == LEX_QUOTED)
		lx->item.n--;
	return kind;
}

static enum lex_kind
word(struct lex *lx)
{
	const char *p = lx->now.p, *end = lx->end;
	enum lex_kind kind = LEX_WORD;

	for (;; p++) {
		while (p < end && class_of(*p) == PLAIN)
			p++;
		if (p == end || class_of(*p) != ESCAPE)
			break;
		lx->escaped = true;
		if (++p == end || class_of(*p) == CONTROL || *p == '\n' || *p == '\r')
			break;
	}
	if (p == end && !lx->final)
		return LEX_MORE;
	if (p < end && *p == '"' && p[-1] == '=') {
		lx->now.p = p + 1;
		kind = quoted(lx, LEX_PAIR);
		p = lx->now.p;
	} else if (p < end && *p == '"') {
		return bad_at(lx, ZONE_QUOTE, (struct text_at){ p, lx->now.line_at, lx->now.line });
	}
	lx->item = (struct sv){ lx->at.p, (size_t)(p - lx->at.p) };
	lx->now.p = p;
	return kind;
}

static enum lex_kind
next(struct lex *lx)
{
	for (;;) {
		const char *p = lx->now.p;

		if (p == lx->end)
			return ran_out(lx);
		switch (class_of(*p)) {
		case BLANK:
			lx->now.p++;
			break;
		case NEWLINE:
			lx->at = lx->now;
			newline(lx);
			if (lx->depth > 0)
				break;
			lx->item = (struct sv){ p, 0 };
			return LEX_END;
		case COMMENT:
			p = memchr(p, '\n', (size_t)(lx->end - p));
			if (p == NULL)
				return ran_out(lx);
			lx->now.p = p;
			break;
		case OPEN:
			if (lx->depth++ == 0)
				lx->open = lx->now;
			lx->now.p++;
			break;
		case CLOSE:
			if (lx->depth == 0)
				return bad_at(lx, ZONE_PAREN, lx->now);
			lx->depth--;
			lx->now.p++;
			break;
		case CONTROL:
			if (!lx->lenient)
				return bad_at(lx, ZONE_CHARACTER, lx->now);
			lx->now.p++;
			break;
		case QUOTE:
			lx->at = lx->now;
			lx->escaped = false;
			return quoted_item(lx);
		default:
			lx->at = lx->now;
			lx->escaped = false;
			return word(lx);
		}
	}
}

enum lex_kind
lex_next(struct lex *lx)
{
	if (lx->held)
		lx->held = false;
	else
		lx->kind = next(lx);
	return lx->kind;
}

/* The octet of what follows a backslash; *s moves behind it. */
static int
escape_octet(struct sv *s, uint8_t *ret)
{
	uint32_t v;

	if (s->n == 0)
		return -EINVAL;
	if (s->p[0] < '0' || s->p[0] > '9') {
		*ret = (uint8_t)s->p[0];
		*s = sv_skip(*s, 1);
		return 0;
	}
	if (s->n < 3 || num_u32(sv_take(*s, 3), 0, 255, &v) < 0)
		return -EINVAL;
	*ret = (uint8_t)v;
	*s = sv_skip(*s, 3);
	return 0;
}

int
text_octets(struct sv s, uint8_t *dst, size_t cap, size_t *ret_n)
{
	size_t n = 0;

	while (s.n > 0) {
		char c = s.p[0];

		if (n == cap)
			return -E2BIG;
		s = sv_skip(s, 1);
		if (c != '\\')
			dst[n++] = (uint8_t)c;
		else if (escape_octet(&s, &dst[n++]) < 0)
			return -EINVAL;
	}
	*ret_n = n;
	return 0;
}
