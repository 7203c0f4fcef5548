#include "../tap.h"
#include "base/tr.h"

static void
languages(void **state UNUSED)
{
	static const struct {
		const char	*name;
		enum lang	 lang;
	} rows[] = {
		{ "ja", LANG_JA }, { "ja_JP.UTF-8", LANG_JA }, { "ja-JP", LANG_JA },
		{ "ja.eucJP", LANG_JA }, { "jam", LANG_EN }, { "en", LANG_EN },
		{ "C", LANG_EN }, { "", LANG_EN }, { "j", LANG_EN }, { "fr_FR", LANG_EN },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		assert_int_equal(lang_parse(sv_str(rows[i].name)), rows[i].lang);
	assert_true(lang_known(SV("en")));
	assert_true(lang_known(SV("ja")));
	assert_false(lang_known(SV("ja_JP")));
	assert_string_equal(lang_name(LANG_JA), "ja");
	assert_string_equal(lang_name(LANG_EN), "en");
}

static void
unknown_text_stays(void **state UNUSED)
{
	static const char text[] = "a text that no table has";

	assert_ptr_equal(tr(LANG_JA, text), text);
	assert_ptr_equal(tr(LANG_EN, text), text);
}

static void
known_text(void **state UNUSED)
{
	static const char text[] = "the configuration file";

	assert_ptr_equal(tr(LANG_EN, text), text);
	assert_string_not_equal(tr(LANG_JA, text), text);
}

/* bsearch() finds every row only if po2c.py sorted as strcmp() does. */
static void
sorted(void **state UNUSED)
{
	static const struct {
		const char	*msgid, *text;
	} ja[] = {
#include "tr_ja.inc"
	};

	assert_true(ARRAY_LEN(ja) > 10);
	for (size_t i = 0; i < ARRAY_LEN(ja); i++) {
		assert_string_equal(tr(LANG_JA, ja[i].msgid), ja[i].text);
		assert_true(i == 0 || strcmp(ja[i - 1].msgid, ja[i].msgid) < 0);
	}
}

TESTS_MAIN("base/tr", T(languages), T(unknown_text_stays), T(known_text), T(sorted))
