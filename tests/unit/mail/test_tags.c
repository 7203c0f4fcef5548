/* Lists of tag=value: good ones, and each way to be none. */
#include "../tap.h"
#include "mail/tags.h"

static const struct {
	const char		*text;
	enum mail_tags_error	 error;
	size_t			 at, n;		/* tags before the fault */
} lists[] = {
	{ "v=1", MAIL_TAGS_OK, 0, 1 },
	{ "v=1;", MAIL_TAGS_OK, 0, 1 },
	{ "v=1; \r\n ", MAIL_TAGS_OK, 0, 1 },
	{ " v = 1 ; a_1=b=c;\r\n\tq=", MAIL_TAGS_OK, 0, 3 },
	{ "v=1;V=2", MAIL_TAGS_OK, 0, 2 },
	{ "d=\xe4\xbe\x8b.jp", MAIL_TAGS_OK, 0, 1 },
	{ "", MAIL_TAGS_SYNTAX, 0, 0 },
	{ " ", MAIL_TAGS_SYNTAX, 0, 0 },
	{ ";", MAIL_TAGS_SYNTAX, 0, 0 },
	{ "v=1;;", MAIL_TAGS_SYNTAX, 4, 1 },
	{ "v=1; ;a=b", MAIL_TAGS_SYNTAX, 4, 1 },
	{ "v=1; a", MAIL_TAGS_SYNTAX, 4, 1 },
	{ "v=1; =a", MAIL_TAGS_SYNTAX, 4, 1 },
	{ "1=v", MAIL_TAGS_SYNTAX, 0, 0 },
	{ "_v=1", MAIL_TAGS_SYNTAX, 0, 0 },
	{ "v-1=1", MAIL_TAGS_SYNTAX, 0, 0 },
	{ "v w=1", MAIL_TAGS_SYNTAX, 0, 0 },
	{ "v=1; d=a\1b", MAIL_TAGS_SYNTAX, 4, 1 },
	{ "v=1; d=a\177", MAIL_TAGS_SYNTAX, 4, 1 },
	{ "v=1; v=1", MAIL_TAGS_DOUBLE, 4, 1 },
	{ "v=1; bh=1; b=2; bh=", MAIL_TAGS_DOUBLE, 15, 3 },
};

static void
test_lists(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(lists); i++) {
		struct mail_tags tags;
		size_t at = 0;

		assert_int_equal(mail_tags_parse(sv_str(lists[i].text), &tags, &at), lists[i].error);
		assert_int_equal(at, lists[i].at);
		assert_int_equal(tags.n, lists[i].n);
	}
}

static void
test_nul(void **state)
{
	struct mail_tags tags;
	size_t at;

	(void)state;
	assert_int_equal(mail_tags_parse(SV("d=a\0b"), &tags, &at), MAIL_TAGS_SYNTAX);
}

static void
test_values(void **state)
{
	struct pool *pool = pool_new(64);
	struct mail_tags tags;
	struct sv s;
	size_t at;

	(void)state;
	assert_non_null(pool);
	assert_int_equal(mail_tags_parse(SV("v=1; b= ab\r\n\tcd= ;bh=x"), &tags, &at), MAIL_TAGS_OK);
	assert_true(sv_eq(mail_tag_get(&tags, "b"), SV("ab\r\n\tcd=")));
	assert_true(sv_eq(tags.tag[1].raw, SV(" ab\r\n\tcd= ")));
	assert_true(sv_eq(mail_tag_get(&tags, "bh"), SV("x")));
	assert_null(mail_tag_get(&tags, "B").p);
	assert_null(mail_tag_get(&tags, "h").p);
	s = mail_unfold(pool, mail_tag_get(&tags, "b"));
	assert_true(sv_eq(s, SV("abcd=")));
	assert_null(mail_unfold(pool, (struct sv){ "x", 1000 }).p);
	(void)pool_free(pool);
}

static void
test_many(void **state)
{
	struct buf b = BUF_INIT;
	struct mail_tags tags;
	size_t at = 0, full = 0;

	(void)state;
	for (unsigned i = 0; i <= MAIL_TAGS_MAX; i++) {
		full = b.len;
		buf_printf(&b, "t%u=%u;", i, i);
	}
	assert_int_equal(mail_tags_parse((struct sv){ b.p, full }, &tags, &at), MAIL_TAGS_OK);
	assert_int_equal(tags.n, MAIL_TAGS_MAX);
	assert_int_equal(mail_tags_parse(buf_get(&b), &tags, &at), MAIL_TAGS_MANY);
	assert_int_equal(at, full);
	buf_done(&b);
}

TESTS_MAIN("tags", T(test_lists), T(test_nul), T(test_values), T(test_many))
