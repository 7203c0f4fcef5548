/* See app/json_pull.h. RFC 8259, strictly. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "app/json_pull.h"
#include "base/err.h"

#define BUF_LEN		(64 * 1024)

int
json_pull_init(struct json_pull *r, json_read_fn read, void *arg)
{
	*r = (struct json_pull){ .read = read, .arg = arg, .line = 1 };
	return (r->buf = malloc(BUF_LEN)) == NULL ? -ENOMEM : 0;
}

void
json_pull_done(struct json_pull *r)
{
	free(r->buf);
	r->buf = NULL;
}

/* --- characters --- */

int
json_fail(struct json_pull *r, int rc)
{
	if (r->rc == 0)
		r->rc = rc;
	return -1;
}

static bool
fill(struct json_pull *r)
{
	long n;

	if (r->rc < 0)
		return false;
	n = r->read(r->arg, r->buf, BUF_LEN);
	if (n < 0)
		(void)json_fail(r, (int)n);
	r->at = 0;
	r->len = n > 0 ? (size_t)n : 0;
	return n > 0;
}

/* The next byte without taking it; -1 at the end or after a failure. */
static inline int
peek(struct json_pull *r)
{
	if (r->at == r->len && !fill(r))
		return -1;
	return (unsigned char)r->buf[r->at];
}

static inline int
take(struct json_pull *r)
{
	int c = peek(r);

	if (c >= 0)
		r->at++;
	if (c == '\n')
		r->line++;
	return c;
}

int
json_peek(struct json_pull *r)
{
	int c;

	while ((c = peek(r)) == ' ' || c == '\n' || c == '\t' || c == '\r')
		(void)take(r);
	return c;
}

/* Take exactly this character or fail. */
static bool
json_expect(struct json_pull *r, int want)
{
	if (json_peek(r) == want) {
		(void)take(r);
		return true;
	}
	(void)json_fail(r, SE_SYNTAX);
	return false;
}

/* --- scalars --- */

static void
text_add(struct json_text *v, int c)
{
	if (v->n < JSON_TEXT_MAX)
		v->text[v->n++] = (char)c;
	else
		v->long_one = true;
}

static void
text_add_utf8(struct json_text *v, uint32_t u)
{
	if (u >= 0xd800 && u < 0xe000)
		u = 0xfffd;		/* halves of pairs: no name we compare has them */
	if (u < 0x80) {
		text_add(v, (int)u);
		return;
	}
	if (u < 0x800) {
		text_add(v, (int)(0xc0 | u >> 6));
	} else {
		text_add(v, (int)(0xe0 | u >> 12));
		text_add(v, (int)(0x80 | (u >> 6 & 0x3f)));
	}
	text_add(v, (int)(0x80 | (u & 0x3f)));
}

static int
hex_digit(int c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

static void
read_escape(struct json_pull *r, struct json_text *v)
{
	static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
	int c = take(r);
	const char *p = c > 0 ? strchr(from, c) : NULL;
	uint32_t u = 0;

	if (p != NULL) {
		text_add(v, to[p - from]);
		return;
	}
	if (c != 'u') {
		(void)json_fail(r, SE_SYNTAX);
		return;
	}
	for (int i = 0; i < 4; i++) {
		int d = hex_digit(take(r));

		if (d < 0) {
			(void)json_fail(r, SE_SYNTAX);
			return;
		}
		u = u << 4 | (uint32_t)d;
	}
	text_add_utf8(v, u);
}

static void
read_string(struct json_pull *r, struct json_text *v)
{
	int c;

	v->kind = JSON_STRING;
	v->n = 0;
	v->long_one = false;
	(void)take(r);
	while ((c = take(r)) != '"') {
		if (c < 0x20) {		/* a control, or the end */
			(void)json_fail(r, SE_SYNTAX);
			return;
		}
		if (c == '\\')
			read_escape(r, v);
		else
			text_add(v, c);
		if (r->rc < 0)
			return;
	}
}

static void
read_digits(struct json_pull *r, struct json_text *v)
{
	int c, n = 0;

	while ((c = peek(r)) >= '0' && c <= '9') {
		text_add(v, take(r));
		n++;
	}
	if (n == 0)
		(void)json_fail(r, SE_SYNTAX);
}

static void
read_number(struct json_pull *r, struct json_text *v)
{
	int c;

	v->kind = JSON_NUMBER;
	v->n = 0;
	v->long_one = false;
	if (peek(r) == '-')
		text_add(v, take(r));
	if (peek(r) == '0')
		text_add(v, take(r));	/* no digit may follow: the caller sees it */
	else
		read_digits(r, v);
	if (peek(r) == '.') {
		text_add(v, take(r));
		read_digits(r, v);
	}
	if ((c = peek(r)) != 'e' && c != 'E')
		return;
	text_add(v, take(r));
	if ((c = peek(r)) == '+' || c == '-')
		text_add(v, take(r));
	read_digits(r, v);
}

static void
read_word(struct json_pull *r, struct json_text *v)
{
	static const char *const words[] = { "true", "false", "null" };
	int c;

	v->kind = JSON_WORD;
	v->n = 0;
	v->long_one = false;
	while ((c = peek(r)) >= 'a' && c <= 'z' && v->n < 8)
		text_add(v, take(r));
	for (size_t i = 0; i < ARRAY_LEN(words); i++)
		if (sv_eq_str((struct sv){ v->text, v->n }, words[i]))
			return;
	(void)json_fail(r, SE_SYNTAX);
}

/* --- structure --- */

bool
json_next_item(struct json_pull *r, int close, bool *first)
{
	int c = json_peek(r);

	if (c == close) {
		(void)take(r);
		r->depth--;
		return false;
	}
	if (!*first && !json_expect(r, ','))
		return false;
	if (!*first && json_peek(r) == close) {
		(void)json_fail(r, SE_SYNTAX);
		return false;
	}
	*first = false;
	return r->rc == 0;
}

bool
json_next_key(struct json_pull *r, bool *first, struct json_text *key)
{
	if (!json_next_item(r, '}', first))
		return false;
	if (json_peek(r) != '"') {
		(void)json_fail(r, SE_SYNTAX);
		return false;
	}
	read_string(r, key);
	return json_expect(r, ':') && r->rc == 0;
}

bool
json_enter(struct json_pull *r, int open)
{
	if (++r->depth > JSON_PULL_DEPTH)
		(void)json_fail(r, SE_LIMIT);
	return json_expect(r, open);
}

static void
skip_composite(struct json_pull *r, int open)
{
	struct json_text v = { 0 };
	bool first = true;

	if (!json_enter(r, open))
		return;
	if (open == '{')
		while (json_next_key(r, &first, &v))
			json_value(r, &v);
	else
		while (json_next_item(r, ']', &first))
			json_value(r, &v);
}

void
json_value(struct json_pull *r, struct json_text *v)
{
	int c = json_peek(r);

	if (c == '"') {
		read_string(r, v);
	} else if (c == '{' || c == '[') {
		skip_composite(r, c);
		v->kind = JSON_COMPOSITE;
		v->n = 0;
	} else if (c == '-' || (c >= '0' && c <= '9')) {
		read_number(r, v);
	} else {
		read_word(r, v);
	}
}
