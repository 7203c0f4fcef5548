#include <errno.h>
#include <stdlib.h>

#include "base/sv.h"

char *
sv_dup(struct sv s)
{
	char *p = malloc(s.n + 1);

	if (p == NULL)
		return NULL;
	if (s.n > 0)
		memcpy(p, s.p, s.n);
	p[s.n] = '\0';
	return p;
}

bool
sv_eq_str(struct sv a, const char *b)
{
	return sv_eq(a, sv_str(b));
}

static char
lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

bool
sv_caseeq(struct sv a, struct sv b)
{
	if (a.n != b.n)
		return false;
	for (size_t i = 0; i < a.n; i++)
		if (lower(a.p[i]) != lower(b.p[i]))
			return false;
	return true;
}

bool
sv_starts(struct sv s, struct sv head)
{
	return s.n >= head.n && sv_eq(sv_take(s, head.n), head);
}

bool
sv_ends(struct sv s, struct sv tail)
{
	return s.n >= tail.n && sv_eq(sv_skip(s, s.n - tail.n), tail);
}

size_t
sv_find(struct sv s, char c)
{
	const char *p = s.n == 0 ? NULL : memchr(s.p, c, s.n);

	return p == NULL ? s.n : (size_t)(p - s.p);
}

size_t
sv_rfind(struct sv s, char c)
{
	const char *p = s.n == 0 ? NULL : memrchr(s.p, c, s.n);

	return p == NULL ? s.n : (size_t)(p - s.p);
}

#define EACH	0x0101010101010101u

/* Eight letters at a time: URIs are looked through by the ten thousand. */
bool
sv_ascii(struct sv s)
{
	for (size_t i = 0; i < s.n; i++)
		if ((unsigned char)s.p[i] >= 0x80)
			return false;
	return true;
}

bool
sv_graphic(struct sv s)
{
	uint64_t w, bad = 0;
	size_t i = 0;

	for (; i + 8 <= s.n; i += 8) {
		memcpy(&w, s.p + i, 8);
		/* A borrow or carry comes only out of a letter that is bad itself. */
		bad |= ((w - EACH * 0x21) & ~w) | (w + EACH) | w;
	}
	for (; i < s.n; i++)
		if (s.p[i] <= ' ' || s.p[i] > '~')
			return false;
	return (bad & EACH * 0x80) == 0;
}

static bool
blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

struct sv
sv_trim(struct sv s)
{
	while (s.n > 0 && blank(s.p[0]))
		s = sv_skip(s, 1);
	while (s.n > 0 && blank(s.p[s.n - 1]))
		s.n--;
	return s;
}

int
sv_cmp(struct sv a, struct sv b)
{
	size_t n = min_size(a.n, b.n);
	int c = n == 0 ? 0 : memcmp(a.p, b.p, n);

	if (c != 0)
		return c;
	return (a.n > b.n) - (a.n < b.n);
}

struct sv
sv_cut(struct sv *s, char c)
{
	size_t i = sv_find(*s, c);
	struct sv head = sv_take(*s, i);

	*s = sv_skip(*s, i + 1);
	return head;
}

bool
sv_line(struct sv *s, struct sv *ret_line)
{
	struct sv line;

	if (s->n == 0)
		return false;
	line = sv_cut(s, '\n');
	if (line.n > 0 && line.p[line.n - 1] == '\r')
		line.n--;
	*ret_line = line;
	return true;
}

bool
sv_word(struct sv *s, struct sv *ret_word)
{
	size_t i = 0;

	while (s->n > 0 && blank(s->p[0]))
		*s = sv_skip(*s, 1);
	while (i < s->n && !blank(s->p[i]))
		i++;
	if (i == 0)
		return false;
	*ret_word = sv_take(*s, i);
	*s = sv_skip(*s, i);
	return true;
}

int
num_u64(struct sv s, uint64_t min, uint64_t max, uint64_t *ret)
{
	uint64_t v = 0;

	if (s.n == 0 || s.n > 20)
		return -EINVAL;
	for (size_t i = 0; i < s.n; i++) {
		unsigned d = (unsigned)(unsigned char)s.p[i] - '0';

		if (d > 9 || __builtin_mul_overflow(v, 10, &v) ||
		    __builtin_add_overflow(v, d, &v))
			return -EINVAL;
	}
	if (v < min || v > max)
		return -EINVAL;
	*ret = v;
	return 0;
}

int
num_u32(struct sv s, uint32_t min, uint32_t max, uint32_t *ret)
{
	uint64_t v;
	int rc = num_u64(s, min, max, &v);

	if (rc < 0)
		return rc;
	*ret = (uint32_t)v;
	return 0;
}
