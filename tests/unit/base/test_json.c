#include "../tap.h"
#include "base/err.h"
#include "base/json.h"

static void
check_text(struct sv in, const char *want)
{
	struct buf b = BUF_INIT;
	struct json j = json_on(&b, false);

	json_sv(&j, in);
	assert_true(sv_eq(buf_get(&b), sv_str(want)));
	buf_done(&b);
}

static void
escapes(void **state UNUSED)
{
	static const struct {
		struct sv	 in;
		const char	*want;
	} rows[] = {
		{ SV(""), "\"\"" },
		{ SV("plain"), "\"plain\"" },
		{ SV("\"\\/"), "\"\\\"\\\\/\"" },
		{ SV("a\nb\tc"), "\"a\\nb\\tc\"" },
		{ SV("\0\x1f\x7f"), "\"\\u0000\\u001f\\u007f\"" },
		{ SV("関所"), "\"関所\"" },
		{ SV("\xf0\x9f\x9a\xa7"), "\"\xf0\x9f\x9a\xa7\"" },
		/* not UTF-8: lone tail, cut off, overlong, surrogate, too high */
		{ SV("\x80"), "\"\xef\xbf\xbd\"" },
		{ SV("a\xe3\x81"), "\"a\xef\xbf\xbd\xef\xbf\xbd\"" },
		{ SV("\xc0\xaf"), "\"\xef\xbf\xbd\xef\xbf\xbd\"" },
		{ SV("\xed\xa0\x80"), "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\"" },
		{ SV("\xf4\x90\x80\x80!"), "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd!\"" },
		{ SV("\xff"), "\"\xef\xbf\xbd\"" },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		check_text(rows[i].in, rows[i].want);
}

static void
sample(struct json *j)
{
	json_open(j, '{');
	json_kv_u64(j, "n", UINT64_MAX);
	json_kv_i64(j, "min", INT64_MIN);
	json_key(j, "list");
	json_open(j, '[');
	json_bool(j, true);
	json_nil(j);
	json_raw(j, SV("{}"));
	json_close(j, ']');
	json_key(j, "empty");
	json_open(j, '[');
	json_close(j, ']');
	json_kv_str(j, "none", NULL);
	json_close(j, '}');
}

static void
compact(void **state UNUSED)
{
	struct buf b = BUF_INIT;
	struct json j = json_on(&b, false);

	sample(&j);
	assert_true(sv_eq(buf_get(&b), SV("{\"n\":18446744073709551615,"
	    "\"min\":-9223372036854775808,\"list\":[true,null,{}],"
	    "\"empty\":[],\"none\":null}")));
	buf_done(&b);
}

static void
pretty(void **state UNUSED)
{
	struct buf b = BUF_INIT;
	struct json j = json_on(&b, true);

	sample(&j);
	assert_true(sv_eq(buf_get(&b), SV("{\n  \"n\": 18446744073709551615,\n"
	    "  \"min\": -9223372036854775808,\n  \"list\": [\n    true,\n"
	    "    null,\n    {}\n  ],\n  \"empty\": [],\n  \"none\": null\n}")));
	buf_done(&b);
}

static void
too_deep(void **state UNUSED)
{
	struct buf b = BUF_INIT;
	struct json j = json_on(&b, false);

	for (int i = 0; i < JSON_DEPTH_MAX; i++)
		json_open(&j, '[');
	assert_int_equal(b.rc, 0);
	json_open(&j, '[');
	assert_int_equal(b.rc, SE_LIMIT);
	buf_done(&b);
}

static void
utf8_lengths(void **state UNUSED)
{
	assert_int_equal(utf8_len(SV("")), 0);
	assert_int_equal(utf8_len(SV("a")), 1);
	assert_int_equal(utf8_len(SV("\xc2\x80")), 2);
	assert_int_equal(utf8_len(SV("\xe0\xa0\x80")), 3);
	assert_int_equal(utf8_len(SV("\xe0\x9f\x80")), 0);
	assert_int_equal(utf8_len(SV("\xf0\x90\x80\x80")), 4);
	assert_int_equal(utf8_len(SV("\xf0\x8f\x80\x80")), 0);
	assert_int_equal(utf8_len(SV("\xc2")), 0);
	assert_int_equal(utf8_len(SV("\xc2x")), 0);
}

TESTS_MAIN("base/json", T(escapes), T(compact), T(pretty), T(too_deep),
    T(utf8_lengths))
