/* Two bodies by their lines: the same in front, the same at the end, and what is between. */
#include "mail/diff_internal.h"

static bool
is_blank(char c)
{
	return c == ' ' || c == '\t';
}

static bool
is_space(char c)
{
	return is_blank(c) || c == '\r' || c == '\n';
}

static struct sv
blanks_strip(struct sv s)
{
	while (s.n > 0 && is_blank(s.p[s.n - 1]))
		s.n--;
	return s;
}

/* RFC 6376 section 3.4.4: no blanks at the end of a line, and each run of them is one space. */
static bool
lines_alike(struct sv x, struct sv y)
{
	x = blanks_strip(x);
	y = blanks_strip(y);
	while (x.n > 0 && y.n > 0) {
		bool blank = is_blank(x.p[0]);

		if (blank != is_blank(y.p[0]) || (!blank && x.p[0] != y.p[0]))
			return false;
		do
			x = sv_skip(x, 1);
		while (blank && x.n > 0 && is_blank(x.p[0]));
		do
			y = sv_skip(y, 1);
		while (blank && y.n > 0 && is_blank(y.p[0]));
	}
	return x.n == y.n;
}

/* The last line, without its end; false: there is none. */
static bool
line_last(struct sv *s, struct sv *ret)
{
	size_t at;

	if (s->n == 0)
		return false;
	if (s->p[s->n - 1] == '\n')
		s->n--;
	at = sv_rfind(*s, '\n');
	*ret = at == s->n ? *s : sv_skip(*s, at + 1);
	s->n -= ret->n;
	if (ret->n > 0 && ret->p[ret->n - 1] == '\r')
		ret->n--;
	return true;
}

/* Empty lines at the end of a body count for nothing (section 3.4.3). */
static struct sv
end_strip(struct sv s)
{
	while (s.n > 0 && is_space(s.p[s.n - 1]))
		s.n--;
	return s;
}

/* Lines that are alike in front of both are taken off. */
static size_t
front_take(struct sv *x, struct sv *y)
{
	struct sv a = *x, b = *y, line_a, line_b;
	size_t n = 0;

	while (sv_line(&a, &line_a) && sv_line(&b, &line_b) && lines_alike(line_a, line_b)) {
		*x = a;
		*y = b;
		n++;
	}
	return n;
}

static size_t
back_take(struct sv *x, struct sv *y)
{
	struct sv a = *x, b = *y, line_a, line_b;
	size_t n = 0;

	while (line_last(&a, &line_a) && line_last(&b, &line_b) && lines_alike(line_a, line_b)) {
		*x = a;
		*y = b;
		n++;
	}
	return n;
}

static size_t
lines_count(struct sv s)
{
	struct sv line;
	size_t n = 0;

	while (sv_line(&s, &line))
		n++;
	return n;
}

/*
 * Where all of x stands within y, and what is around it. Places are tried until that has cost as
 * much as reading y once.
 */
static bool
inside_find(struct sv x, struct sv y, struct sv *ret_front, struct sv *ret_back)
{
	struct sv first, line, left = y, from = y, rest = x;
	size_t n_read = 0;

	if (!sv_line(&rest, &first))
		return false;
	for (; sv_line(&left, &line) && n_read <= y.n; from = left) {
		struct sv a = x, b = from;

		if (!lines_alike(first, line))
			continue;
		(void)front_take(&a, &b);
		if (a.n == 0) {
			*ret_front = sv_take(y, y.n - from.n);
			*ret_back = b;
			return true;
		}
		n_read += from.n - b.n;
	}
	return false;
}

/* A line of "-- ", "___" and the like is none that anybody wants to see. */
static bool
is_rule(struct sv s)
{
	for (size_t i = 0; i < s.n; i++)
		if (!is_space(s.p[i]) && s.p[i] != '-' && s.p[i] != '_' && s.p[i] != '=' && s.p[i] != '*')
			return false;
	return true;
}

struct sv
diff_text_shown(struct sv s)
{
	struct sv line = SV("");

	while (sv_line(&s, &line) && is_rule(line))
		;
	return sv_take(sv_trim(line), MAIL_DIFF_QUOTE_MAX);
}

static void
differing_note(struct mail_diff_body *b, unsigned i, struct sv s)
{
	b->n_lines[i] = lines_count(s);
	b->n_octets[i] = s.n;
	b->shown[i] = diff_text_shown(s);
}

/* Lines that differ by ">" before "From " alone, as mailboxes write them (mboxo, mboxrd). */
static bool
is_quoted(struct sv x, struct sv y)
{
	struct sv a, b;
	bool any = false;

	for (;;) {
		bool is_x = sv_line(&x, &a), is_y = sv_line(&y, &b);

		if (!is_x || !is_y)
			return any && is_x == is_y;
		if (lines_alike(a, b))
			continue;
		if (b.n != a.n + 1 || b.p[0] != '>' || !lines_alike(a, sv_skip(b, 1)))
			return false;
		while (sv_starts(a, SV(">")))
			a = sv_skip(a, 1);
		if (!sv_starts(a, SV("From ")))
			return false;
		any = true;
	}
}

bool
diff_text_is_wrapped(struct sv x, struct sv y)
{
	for (;;) {
		while (x.n > 0 && is_space(x.p[0]))
			x = sv_skip(x, 1);
		while (y.n > 0 && is_space(y.p[0]))
			y = sv_skip(y, 1);
		if (x.n == 0 || y.n == 0)
			return x.n == y.n;
		if (x.p[0] != y.p[0])
			return false;
		x = sv_skip(x, 1);
		y = sv_skip(y, 1);
	}
}

static void
ends_note(struct mail_diff_body *b, unsigned i, struct sv s)
{
	for (size_t at = sv_find(s, '\n'); at < s.n && !(b->has_crlf[i] && b->has_lf[i]);
	    at = sv_find(s, '\n')) {
		bool cr = at > 0 && s.p[at - 1] == '\r';

		b->has_crlf[i] |= cr;
		b->has_lf[i] |= !cr;
		s = sv_skip(s, at + 1);
	}
}

/* x is what BEFORE has between what both have, y what AFTER has there. */
static enum mail_diff_where
where_is(struct sv x, struct sv y, size_t n_front, size_t n_back)
{
	if (x.n == 0 && y.n == 0)
		return DIFF_NOWHERE;
	if (x.n == 0 && n_back == 0)
		return DIFF_AT_END;
	if (x.n == 0 && n_front == 0)
		return DIFF_AT_BEGIN;
	return y.n == 0 && n_back == 0 && n_front > 0 ? DIFF_CUT : DIFF_INSIDE;
}

void
diff_lines_compare(struct sv before, struct sv after, struct mail_diff_body *ret)
{
	struct sv x = end_strip(before), y = end_strip(after), front, back;
	size_t n_front, n_back;

	ends_note(ret, 0, before);
	ends_note(ret, 1, after);
	ret->is_quoted = is_quoted(x, y);
	n_front = front_take(&x, &y);
	n_back = back_take(&x, &y);
	ret->where = where_is(x, y, n_front, n_back);
	if (ret->where == DIFF_NOWHERE)
		return;
	ret->line = n_front + 1;
	if (n_front == 0 && inside_find(end_strip(before), end_strip(after), &front, &back) &&
	    front.n > 0 && back.n > 0) {
		ret->where = DIFF_AT_BOTH;
		y = back;
		ret->line = 1;
	}
	differing_note(ret, 0, ret->where == DIFF_AT_BOTH ? SV("") : x);
	differing_note(ret, 1, y);
	if (ret->where == DIFF_AT_BOTH) {
		ret->n_lines[1] += lines_count(front);
		ret->n_octets[1] += front.n;
	}
	ret->is_wrapped = diff_text_is_wrapped(before, after);
}
