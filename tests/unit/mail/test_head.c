/* Fields as they stand and as a milter gives them; their canonical forms. */
#include <stdio.h>
#include <stdlib.h>

#include "mail_kit.h"

struct world {
	struct pool	*pool;
	struct findings	 fs;
	struct mail_head head;
	struct sv	 body;
};

static void
world_init(struct world *w)
{
	w->pool = pool_new(MAIL_POOL_MAX);
	assert_non_null(w->pool);
	findings_init(&w->fs, w->pool);
	mail_head_init(&w->head, w->pool);
}

static void
world_parse(struct world *w, struct sv text)
{
	world_init(w);
	assert_int_equal(mail_head_parse(&w->head, text, &w->body, &w->fs), 0);
}

static void
world_done(struct world *w)
{
	(void)pool_free(w->pool);
}

static void
test_parse(void **state)
{
	static const char text[] = "From: a@example.jp\r\nSubject: one\r\n two\r\nEmpty:\r\n"
	    "sUBJECT :\tthree\r\n\r\nbody\r\n";
	struct world w;

	(void)state;
	world_parse(&w, sv_str(text));
	codes_are(&w.fs, CODES(), "head");
	sv_is(w.body, "body\r\n");
	assert_int_equal(w.head.n, 4);
	sv_is(w.head.fields[1].raw, "Subject: one\r\n two");
	sv_is(w.head.fields[1].name, "Subject");
	sv_is(w.head.fields[1].value, " one\r\n two");
	assert_ptr_equal(w.head.fields[1].raw.p, text + 20);	/* a slice, no copy */
	sv_is(w.head.fields[2].value, "");
	sv_is(w.head.fields[3].raw, "sUBJECT :\tthree");
	sv_is(w.head.fields[3].name, "sUBJECT");
	assert_int_equal(mail_head_count(&w.head, SV("subject")), 2);
	assert_ptr_equal(mail_head_last(&w.head, SV("SUBJECT"), 0), &w.head.fields[3]);
	assert_ptr_equal(mail_head_last(&w.head, SV("SUBJECT"), 1), &w.head.fields[1]);
	assert_null(mail_head_last(&w.head, SV("SUBJECT"), 2));
	assert_null(mail_head_last(&w.head, SV("To"), 0));
	assert_int_equal(mail_head_count(&w.head, SV("To")), 0);
	world_done(&w);
}

/* Whole messages: which fields, what body, which codes. */
static const struct {
	const char	*text, *fields, *body;
	enum mail_code	 codes[4];
} messages[] = {
#define END	MAIL_CODE_MAX
	{ "", "", "", { END } },
	{ "\r\n", "", "", { END } },
	{ "\nbody", "", "body", { END } },
	{ "A: b", "A: b|", "", { END } },
	{ "A: b\r\n", "A: b|", "", { END } },
	{ "A: b\r\n\r\n", "A: b|", "", { END } },
	{ "A: b\r\n\r\n\r\nc: d", "A: b|", "\r\nc: d", { END } },
	/* LF alone ends all lines: a file of Unix */
	{ "A: b\n c\n\td\nE: f\n\nbody\n", "A: b\r\n c\r\n\td|E: f|", "body\n", { END } },
	/* Both kinds: where a field ends is in doubt, and said */
	{ "A: b\r\nC: d\nFrom: e\r\n\r\nx", "A: b|C: d|From: e|", "x", { MAIL_HEAD_LINE_END, END } },
	{ "A: b\r\n\nx", "A: b|", "x", { MAIL_HEAD_LINE_END, END } },
	{ "A: b\nC: d\r\nE: f\n\nx", "A: b|C: d|E: f|", "x", { MAIL_HEAD_LINE_END, END } },
	/* CR alone ends nothing */
	{ "A: b\rC: d\r\n\r\nx", "A: b\rC: d|", "x", { END } },
	{ "A: b\r\n\r\r\nC: d\r\n\r\nx", "A: b|C: d|", "x", { MAIL_HEAD_LINE, END } },
	/* No fields */
	{ " A: b\r\nC: d\r\n\r\nx", "C: d|", "x", { MAIL_HEAD_LINE, END } },
	{ "A: b\r\nno field\r\n C: d\r\nE: f\r\n\r\nx", "A: b|E: f|", "x", { MAIL_HEAD_LINE, END } },
	{ ": b\r\n \r\nC d: e\r\n\r\nx", "", "x", { MAIL_HEAD_LINE, MAIL_HEAD_LINE, END } },
	{ "Fr\xc3\xb6m: b\r\nFrom\x01: b\r\n\r\nx", "", "x", { MAIL_HEAD_LINE, MAIL_HEAD_LINE, END } },
	/* Blanks before the colon, even in folds, are no part of the name */
	{ "From\r\n : b\r\n\r\nx", "From\r\n : b|", "x", { END } },
	/* A mailbox's file */
	{ "From a@b.example Mon Nov 23 04:00:00 2026\nA: b\n\nx", "A: b|", "x", { MAIL_HEAD_MBOX, END } },
	{ "From x", "", "", { MAIL_HEAD_MBOX, END } },
	{ "From\tx\n\nx", "", "x", { MAIL_HEAD_LINE, END } },
	{ "From : a@b.example\n\nx", "From : a@b.example|", "x", { END } },
	{ "A: b\nFrom a@b.example Mon Nov 23 04:00:00 2026\n\nx", "A: b|", "x", { MAIL_HEAD_LINE, END } },
};

static void
test_messages(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(messages); i++) {
		struct buf b = BUF_INIT;
		struct world w;

		world_parse(&w, sv_str(messages[i].text));
		for (size_t k = 0; k < w.head.n; k++) {
			buf_sv(&b, w.head.fields[k].raw);
			buf_char(&b, '|');
		}
		sv_is(buf_get(&b), messages[i].fields);
		sv_is(w.body, messages[i].body);
		codes_are(&w.fs, messages[i].codes, messages[i].text);
		buf_done(&b);
		world_done(&w);
	}
}

static void
test_add(void **state)
{
	struct world w;

	(void)state;
	world_init(&w);
	assert_int_equal(mail_head_add(&w.head, SV("Subject"), SV(" one\n two\r\n\tthree"),
	    &w.fs), 0);
	assert_int_equal(mail_head_add(&w.head, SV("To"), SV(""), &w.fs), 0);
	codes_are(&w.fs, CODES(), "head");
	assert_int_equal(mail_head_add(&w.head, SV(""), SV("x"), &w.fs), 0);
	assert_int_equal(mail_head_add(&w.head, SV("a b"), SV("x"), &w.fs), 0);
	codes_are(&w.fs, CODES(MAIL_HEAD_LINE, MAIL_HEAD_LINE), "head");
	assert_int_equal(w.head.n, 2);
	sv_is(w.head.fields[0].raw, "Subject: one\r\n two\r\n\tthree");
	sv_is(w.head.fields[0].value, " one\r\n two\r\n\tthree");
	sv_is(w.head.fields[1].raw, "To:");
	sv_is(w.head.fields[1].name, "To");
	world_done(&w);
}

/* --- limits: one less is taken, one more is said, and then nothing is taken --- */

static void
full_is(struct world *w, size_t n)
{
	assert_true(w->head.is_full);
	codes_are(&w->fs, CODES(MAIL_HEAD_LIMIT), "head");
	assert_int_equal(w->head.n, n);
	assert_int_equal(mail_head_add(&w->head, SV("To"), SV(" x"), &w->fs), 0);
	codes_are(&w->fs, CODES(MAIL_HEAD_LIMIT), "head");
	assert_int_equal(w->head.n, n);
	world_done(w);
}

static void
test_many(void **state)
{
	struct world w;

	(void)state;
	world_init(&w);
	for (size_t i = 0; i < MAIL_FIELDS_MAX; i++)
		assert_int_equal(mail_head_add(&w.head, SV("X"), SV(" y"), &w.fs), 0);
	assert_false(w.head.is_full);
	assert_int_equal(w.head.n, MAIL_FIELDS_MAX);
	sv_is(w.head.fields[MAIL_FIELDS_MAX - 1].raw, "X: y");
	assert_int_equal(mail_head_add(&w.head, SV("X"), SV(" y"), &w.fs), 0);
	full_is(&w, MAIL_FIELDS_MAX);
}

/* A field with a name and a value of so many octets. */
static int
x_add(struct world *w, size_t n_name, size_t n_value)
{
	static char x[MAIL_FIELD_MAX];

	memset(x, 'x', sizeof(x));
	return mail_head_add(&w->head, (struct sv){ x, n_name }, (struct sv){ x, n_value }, &w->fs);
}

static void
test_large(void **state)
{
	size_t n = 0;
	struct world w;

	(void)state;
	world_init(&w);
	assert_int_equal(x_add(&w, 1, MAIL_FIELD_MAX - 1), 0);
	full_is(&w, 0);
	world_init(&w);
	for (; n + MAIL_FIELD_MAX <= MAIL_HEADER_MAX; n += MAIL_FIELD_MAX)
		assert_int_equal(x_add(&w, 1, MAIL_FIELD_MAX - 2), 0);
	assert_false(w.head.is_full);
	n = MAIL_HEADER_MAX - n + 1;
	assert_int_equal(x_add(&w, 1, n - 2), 0);
	full_is(&w, MAIL_HEADER_MAX / MAIL_FIELD_MAX);
	world_init(&w);
	assert_int_equal(x_add(&w, MAIL_NAME_FIELD_MAX, 0), 0);
	assert_int_equal(x_add(&w, MAIL_NAME_FIELD_MAX + 1, 0), 0);
	full_is(&w, 1);
}

/* 10 MB of header, and a body: the body is found, and the cost is small. */
static void
test_huge(void **state)
{
	size_t n = 10u << 20;
	char *text = malloc(n);
	struct world w;

	(void)state;
	assert_non_null(text);
	for (size_t i = 0; i < n; i++)
		text[i] = "a b\n"[i % 4];
	memcpy(text + n - 6, "x\n\nend", 6);
	world_parse(&w, (struct sv){ text, n });
	sv_is(w.body, "end");
	assert_true(w.head.is_full);
	assert_int_equal(w.head.n, 0);
	assert_int_equal(w.fs.n_kept, MAIL_FIELDS_MAX + 1);
	world_done(&w);
	free(text);
}

/* --- canonical forms --- */

static const struct {
	const char	*raw, *relaxed;
} canons[] = {
	/* section 3.4.5 */
	{ "A: X ", "a:X" },
	{ "B : Y\t\r\n\tZ  ", "b:Y Z" },
	/* others */
	{ "Subject: test", "subject:test" },
	{ "X:", "x:" },
	{ "X: \t ", "x:" },
	{ "X:\r\n \r\n ", "x:" },
	{ "X:\r\n a\r\n \r\n\tb", "x:a b" },
	{ "FROM \t : A\tB  \r\n   C", "from:A B C" },
	{ "X: a\r\nb", "x:a\r\nb" },		/* no fold: an octet follows that is no blank */
	{ "X: a\rb\r c\n d", "x:a\rb\r c\n d" },
	{ "X: a:b : c", "x:a:b : c" },
	{ "X: \xe9\x96\xa2 \xe6\x89\x80", "x:\xe9\x96\xa2 \xe6\x89\x80" },
};

static void
test_canon(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(canons); i++) {
		struct sv raw = sv_str(canons[i].raw);
		size_t colon = sv_find(raw, ':');
		struct mail_field f = { raw, sv_trim(sv_take(raw, colon)), sv_skip(raw, colon + 1) };
		struct buf b = BUF_INIT;

		mail_field_canon(&b, &f, MAIL_SIMPLE);
		sv_is(buf_get(&b), canons[i].raw);
		b.len = 0;
		mail_field_canon(&b, &f, MAIL_RELAXED);
		sv_is(buf_get(&b), canons[i].relaxed);
		buf_done(&b);
	}
}

TESTS_MAIN("head", T(test_parse), T(test_messages), T(test_add), T(test_many), T(test_large),
    T(test_huge), T(test_canon))
