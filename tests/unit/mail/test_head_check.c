/* Heads that programs read differently (RFC 5322; "Composition Kills", USENIX Security 2020). */
#include "mail_kit.h"

#define END	MAIL_CODE_MAX
#define FROM	"From: a@example.jp\r\n"

/* A whole head, and what is found, by mail_head_parse() too. */
static const struct {
	const char	*text;
	enum mail_code	 codes[6];
} heads[] = {
	/* honest ones */
	{ FROM "To: x@b.jp\r\nSubject: one\r\n two\r\n\tthree\r\n\r\n", { END } },
	{ FROM "X:\r\n a\r\nX:\r\nReceived: 1\r\nReceived: 2\r\n\r\n", { END } },
	{ "From: \"Name\"\r\n <a@example.jp>\r\n\r\n", { END } },
	/* how many From */
	{ "To: x@b.jp\r\n\r\n", { MAIL_FROM_NONE, END } },
	{ "", { MAIL_FROM_NONE, END } },
	{ "X-From: a@example.jp\r\n\r\n", { MAIL_FROM_NONE, END } },
	{ FROM "From: b@example.com\r\n\r\n", { MAIL_FROM_TWICE, END } },
	{ FROM "fROM: b@example.com\r\n\r\n", { MAIL_FROM_TWICE, END } },
	{ FROM "From : b@example.com\r\n\r\n", { MAIL_FIELD_BLANK, MAIL_FROM_TWICE, END } },
	{ FROM "From\t: b@example.com\r\n\r\n", { MAIL_FIELD_BLANK, MAIL_FROM_TWICE, END } },
	{ FROM "From\r\n : b@example.com\r\n\r\n",
	  { MAIL_FIELD_BLANK, MAIL_FROM_TWICE, END } },
	{ FROM " From: b@example.com\r\n\r\n", { MAIL_ADDRESS_SYNTAX, END } },	/* a fold */
	{ " From: b@example.com\r\n" FROM "\r\n", { MAIL_HEAD_LINE, END } },
	{ FROM "Fr\r\n om: b@example.com\r\n\r\n", { MAIL_HEAD_LINE, END } },
	{ FROM "From b@example.com\r\n\r\n", { MAIL_HEAD_LINE, END } },
	{ FROM "\x80" "From: b@example.com\r\n\r\n", { MAIL_HEAD_LINE, END } },
	{ FROM "From\xc2\xa0: b@example.com\r\n\r\n", { MAIL_HEAD_LINE, END } },
	/* breaks */
	{ FROM "To: x\rFrom: b@example.com\r\n\r\n", { MAIL_FIELD_BREAK, END } },
	{ FROM "To: x\r\r\n y\r\n\r\n", { MAIL_FIELD_BREAK, END } },
	{ FROM "To: x\r\n \r\n y\r\n\r\n", { MAIL_FIELD_FOLD, END } },
	{ FROM "To: x\r\n \t\r\n\r\n", { MAIL_FIELD_FOLD, END } },
	{ FROM "To: x\r\n\t\r\n\r\n", { MAIL_FIELD_FOLD, END } },
	{ FROM "To:\r\n x\r\n\r\n", { END } },
	{ FROM "To: x\nFrom: b@example.com\r\n\r\n", { MAIL_HEAD_LINE_END, MAIL_FROM_TWICE, END } },
	{ "From: a@example.jp\n\nFrom: b@example.com\n", { END } },
	/* whom From names */
	{ "From:\r\n\r\n", { MAIL_FROM_EMPTY, END } },
	{ "From: \r\n\r\n", { MAIL_FROM_EMPTY, END } },
	{ "From: <>\r\n\r\n", { MAIL_ADDRESS_NULL, END } },
	{ "From: undisclosed:;\r\n\r\n",
	  { MAIL_ADDRESS_GROUP, MAIL_FROM_EMPTY, MAIL_FROM_GROUP, END } },
	{ "From: g: a@b.jp;\r\n\r\n", { MAIL_ADDRESS_GROUP, MAIL_FROM_GROUP, END } },
	{ "From: g: a@b.jp, c@d.jp\r\n\r\n", { MAIL_ADDRESS_GROUP, MAIL_ADDRESS_SYNTAX, END } },
	{ "From: a@b.jp, c@d.jp\r\n\r\n", { MAIL_FROM_AUTHORS, END } },
	{ "From: a@b.jp, a@b.jp\r\n\r\n", { MAIL_FROM_AUTHORS, END } },
	{ "From: a@example.net>\r\n\r\n", { MAIL_ADDRESS_SYNTAX, END } },
	{ "From: a@example.net(.example.com\r\n\r\n", { MAIL_ADDRESS_COMMENT, END } },
	{ "From: <@a.jp,@b.jp:c@d.jp>\r\n\r\n", { MAIL_ADDRESS_ROUTE, END } },
	{ "From: b@example.com <a@example.net>\r\n\r\n", { MAIL_ADDRESS_TWO, END } },
	{ "From: a..b@example.jp\r\n\r\n", { MAIL_ADDRESS_DOTS, END } },
	/* fields of which there is one */
	{ FROM "Subject: x\r\nX: y\r\nsubject: z\r\n\r\n", { MAIL_FIELD_TWICE, END } },
	{ FROM "Sender: x\r\nSender: x\r\nDate: x\r\nDate: x\r\nDate: x\r\n\r\n",
	  { MAIL_FIELD_TWICE, MAIL_FIELD_TWICE, END } },
	{ FROM "Content-Type: x\r\nContent-Type: y\r\n\r\n", { MAIL_FIELD_TWICE, END } },
};

static void
head_is(struct sv text, const enum mail_code *codes)
{
	struct pool *pool = pool_new(MAIL_POOL_MAX);
	struct mail_head h;
	struct findings fs;
	struct sv body;

	findings_init(&fs, pool);
	mail_head_init(&h, pool);
	assert_int_equal(mail_head_parse(&h, text, &body, &fs), 0);
	mail_head_check(&h, &fs);
	codes_are(&fs, codes, text.p);
	(void)pool_free(pool);
}

static void
test_heads(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(heads); i++)
		head_is(sv_str(heads[i].text), heads[i].codes);
}

static void
test_nul(void **state)
{
	(void)state;
	head_is(SV(FROM "To: x\0y\r\n\r\n"), CODES(MAIL_FIELD_NUL));
	head_is(SV("From: a@b.jp\0\r\n\r\n"), CODES(MAIL_FIELD_NUL, MAIL_ADDRESS_SYNTAX));
	head_is(SV(FROM "\0From: b@example.com\r\n\r\n"), CODES(MAIL_HEAD_LINE));
	head_is(SV(FROM "From\0: b@example.com\r\n\r\n"), CODES(MAIL_HEAD_LINE));
}

/* Whether From stands behind what was not read, nobody knows. */
static void
test_large(void **state)
{
	static char text[MAIL_FIELD_MAX + 10];

	(void)state;
	memset(text, 'a', MAIL_FIELD_MAX + 1);
	memcpy(text, "From: ", 6);
	memcpy(text + MAIL_FIELD_MAX + 1, "\r\n\r\n", 5);
	head_is(sv_str(text), CODES(MAIL_HEAD_LIMIT));
}

/* A milter's values may have what a line cannot. */
static void
test_added(void **state)
{
	struct pool *pool = pool_new(MAIL_POOL_MAX);
	struct mail_head h;
	struct findings fs;

	(void)state;
	findings_init(&fs, pool);
	mail_head_init(&h, pool);
	assert_int_equal(mail_head_add(&h, SV("From"), SV("\n \"N\"\n\t<a@b.jp>"), &fs), 0);
	assert_int_equal(mail_head_add(&h, SV("Subject"), SV(" x\nFrom: b@c.jp"), &fs), 0);
	assert_int_equal(mail_head_add(&h, SV("To"), SV(" x\n"), &fs), 0);
	assert_int_equal(mail_head_add(&h, SV("Cc"), SV("\n"), &fs), 0);
	assert_int_equal(mail_head_add(&h, SV("Date"), SV(" x\n\n y"), &fs), 0);
	mail_head_check(&h, &fs);
	codes_are(&fs, CODES(MAIL_FIELD_BREAK, MAIL_FIELD_BREAK, MAIL_FIELD_BREAK,
	    MAIL_FIELD_BREAK), "added");
	(void)pool_free(pool);
}

/* Without memory for its author a head is no good one: the pool says so. */
static void
test_no_memory(void **state)
{
	struct pool *pool = pool_new(4096 + 200), *said = pool_new(1000);
	struct mail_head h;
	struct findings fs;

	(void)state;
	findings_init(&fs, said);
	mail_head_init(&h, pool);
	assert_int_equal(mail_head_add(&h, SV("From"), SV(" a@b.jp"), &fs), 0);
	while (pool_alloc(pool, 16) != NULL)
		;
	mail_head_check(&h, &fs);
	assert_true(pool_has_failed(pool));
	codes_are(&fs, CODES(), "no memory");
	(void)pool_free(said);
	(void)pool_free(pool);
}

TESTS_MAIN("head_check", T(test_heads), T(test_nul), T(test_large), T(test_added), T(test_no_memory))
