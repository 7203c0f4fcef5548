#include <errno.h>

#include "../tap.h"
#include "base/sv.h"

static void
equality(void **state UNUSED)
{
	assert_true(sv_eq(SV("abc"), SV("abc")));
	assert_false(sv_eq(SV("abc"), SV("abd")));
	assert_false(sv_eq(SV("abc"), SV("ab")));
	assert_true(sv_eq((struct sv){ NULL, 0 }, SV("")));
	assert_true(sv_eq_str(SV("x"), "x"));
	assert_true(sv_eq(sv_str(NULL), SV("")));
	assert_true(sv_caseeq(SV("RsYnC"), SV("rsync")));
	assert_false(sv_caseeq(SV("a"), SV("aa")));
	/* ASCII only: '[' is '{' without bit 5 */
	assert_false(sv_caseeq(SV("["), SV("{")));
}

static void
heads_and_tails(void **state UNUSED)
{
	assert_true(sv_starts(SV("rsync://x"), SV("rsync://")));
	assert_true(sv_starts(SV("x"), SV("")));
	assert_false(sv_starts(SV("rs"), SV("rsync")));
	assert_true(sv_ends(SV("a.roa"), SV(".roa")));
	assert_false(sv_ends(SV("roa"), SV(".roa")));
	assert_int_equal(sv_skip(SV("ab"), 5).n, 0);
	assert_int_equal(sv_take(SV("ab"), 5).n, 2);
	assert_null(sv_skip((struct sv){ NULL, 0 }, 3).p);
}

static void
searching(void **state UNUSED)
{
	assert_int_equal(sv_find(SV("a/b/c"), '/'), 1);
	assert_int_equal(sv_rfind(SV("a/b/c"), '/'), 3);
	assert_int_equal(sv_find(SV("abc"), '/'), 3);
	assert_int_equal(sv_rfind(SV("abc"), '/'), 3);
	assert_int_equal(sv_find((struct sv){ NULL, 0 }, 'x'), 0);
	assert_true(sv_eq(sv_trim(SV(" \t a b\r\n")), SV("a b")));
	assert_int_equal(sv_trim(SV(" \r\n\t")).n, 0);
}

static void
order(void **state UNUSED)
{
	assert_true(sv_cmp(SV("a"), SV("b")) < 0);
	assert_true(sv_cmp(SV("ab"), SV("a")) > 0);
	assert_int_equal(sv_cmp(SV("a"), SV("a")), 0);
	assert_true(sv_cmp(SV("\x7f"), SV("\x80")) < 0);	/* unsigned */
}

static void
cutting(void **state UNUSED)
{
	struct sv s = SV("k=v=w");

	assert_true(sv_eq(sv_cut(&s, '='), SV("k")));
	assert_true(sv_eq(s, SV("v=w")));
	s = SV("none");
	assert_true(sv_eq(sv_cut(&s, '='), SV("none")));
	assert_int_equal(s.n, 0);
}

static void
lines(void **state UNUSED)
{
	struct sv s = SV("a\r\n\nlast"), line;

	assert_true(sv_line(&s, &line));
	assert_true(sv_eq(line, SV("a")));
	assert_true(sv_line(&s, &line));
	assert_int_equal(line.n, 0);
	assert_true(sv_line(&s, &line));
	assert_true(sv_eq(line, SV("last")));
	assert_false(sv_line(&s, &line));
}

static void
words(void **state UNUSED)
{
	struct sv s = SV("  one\ttwo \n"), w;

	assert_true(sv_word(&s, &w));
	assert_true(sv_eq(w, SV("one")));
	assert_true(sv_word(&s, &w));
	assert_true(sv_eq(w, SV("two")));
	assert_false(sv_word(&s, &w));
	assert_true(sv_eq(w, SV("two")));	/* untouched */
}

static void
numbers(void **state UNUSED)
{
	static const struct {
		const char	*text;
		uint64_t	 min, max;
		int		 rc;
		uint64_t	 value;
	} rows[] = {
		{ "0", 0, 10, 0, 0 },
		{ "10", 0, 10, 0, 10 },
		{ "11", 0, 10, -EINVAL, 0 },
		{ "1", 2, 10, -EINVAL, 0 },
		{ "007", 0, 10, 0, 7 },
		{ "18446744073709551615", 0, UINT64_MAX, 0, UINT64_MAX },
		{ "18446744073709551616", 0, UINT64_MAX, -EINVAL, 0 },
		{ "99999999999999999999", 0, UINT64_MAX, -EINVAL, 0 },
		{ "000000000000000000001", 0, UINT64_MAX, -EINVAL, 0 },
		{ "", 0, 10, -EINVAL, 0 },
		{ "-1", 0, 10, -EINVAL, 0 },
		{ "+1", 0, 10, -EINVAL, 0 },
		{ " 1", 0, 10, -EINVAL, 0 },
		{ "1 ", 0, 10, -EINVAL, 0 },
		{ "0x1", 0, 10, -EINVAL, 0 },
		{ "\xb1", 0, 10, -EINVAL, 0 },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		uint64_t v = 42;

		assert_int_equal(num_u64(sv_str(rows[i].text), rows[i].min,
		    rows[i].max, &v), rows[i].rc);
		assert_int_equal(v, rows[i].rc < 0 ? 42 : rows[i].value);
	}
}

static void
numbers_32(void **state UNUSED)
{
	uint32_t v = 42;

	assert_int_equal(num_u32(SV("4294967295"), 0, UINT32_MAX, &v), 0);
	assert_int_equal(v, UINT32_MAX);
	assert_int_equal(num_u32(SV("4294967296"), 0, UINT32_MAX, &v), -EINVAL);
	assert_int_equal(v, UINT32_MAX);
}

/* Each byte at each place, against the plain rule. */
static void
graphic(void **state UNUSED)
{
	char text[19];

	assert_true(sv_graphic((struct sv){ NULL, 0 }));
	for (size_t n = 1; n <= sizeof(text); n++)
		for (size_t at = 0; at < n; at++)
			for (unsigned c = 0; c < 256; c++) {
				memset(text, at % 2 == 0 ? '!' : '~', sizeof(text));
				text[at] = (char)c;
				assert_int_equal(sv_graphic((struct sv){ text, n }),
				    c >= 0x21 && c <= 0x7e);
			}
}

static void
ascii(void **state UNUSED)
{
	char text[3] = "ab";

	assert_true(sv_ascii((struct sv){ NULL, 0 }));
	for (unsigned at = 0; at < 2; at++)
		for (unsigned c = 0; c < 256; c++) {
			memcpy(text, "ab", sizeof(text));
			text[at] = (char)c;
			assert_int_equal(sv_ascii((struct sv){ text, 2 }), c < 0x80);
		}
}

TESTS_MAIN("base/sv", T(ascii), T(graphic), T(equality), T(heads_and_tails), T(searching), T(order),
    T(cutting), T(lines), T(words), T(numbers), T(numbers_32))
