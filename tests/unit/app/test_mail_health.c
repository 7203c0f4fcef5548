/* Which numbers are a warning, and which are bad: the second before, and the second after. */
#include "../tap.h"
#include "app/mail_health.h"
#include "base/util.h"

#define AT	INT64_C(1728000000)
#define NONE	-1

static const struct {
	struct mail_health_facts	facts;
	enum mail_health		want[MAIL_HEALTH_MAX];	/* told, journal, rows, queue, given up */
} rows[] = {
	{ { AT, NONE, NONE, NONE, NONE, 0, 0 }, { 0, 0, 0, 0, 0 } },
	{ { AT, AT - 900, NONE, NONE, NONE, 9, 0 }, { 0, 0, 0, 0, 0 } },
	{ { AT, AT - 901, NONE, NONE, NONE, 9, 0 }, { 1, 0, 0, 0, 0 } },
	{ { AT, AT - 6 * 3600 - 1, NONE, NONE, NONE, 9, 0 }, { 2, 0, 0, 0, 0 } },
	{ { AT, NONE, AT - 900, NONE, NONE, 9, 0 }, { 0, 0, 0, 0, 0 } },
	{ { AT, NONE, AT - 901, NONE, NONE, 9, 0 }, { 0, 1, 0, 0, 0 } },
	{ { AT, NONE, AT - 6 * 3600, NONE, NONE, 9, 0 }, { 0, 1, 0, 0, 0 } },
	{ { AT, NONE, AT - 6 * 3600 - 1, NONE, NONE, 9, 0 }, { 0, 2, 0, 0, 0 } },
	/* A day's reports may be made until 22 h after its end, late rows' a day later. */
	{ { AT + 22 * 3600, NONE, NONE, AT - 2 * 86400, NONE, 9, 0 }, { 0, 0, 0, 0, 0 } },
	{ { AT + 2 * 3600, NONE, NONE, AT - 3 * 86400, NONE, 9, 0 }, { 0, 0, 0, 0, 0 } },
	{ { AT + 2 * 3600 + 1, NONE, NONE, AT - 3 * 86400, NONE, 9, 0 }, { 0, 0, 1, 0, 0 } },
	{ { AT + 1, NONE, NONE, AT - 5 * 86400, NONE, 9, 0 }, { 0, 0, 2, 0, 0 } },
	{ { AT, NONE, NONE, NONE, AT - 86400, 9, 0 }, { 0, 0, 0, 0, 0 } },
	{ { AT, NONE, NONE, NONE, AT - 86401, 0, 0 }, { 0, 0, 0, 1, 0 } },
	{ { AT, NONE, NONE, NONE, AT - 2 * 86400 - 1, 0, 0 }, { 0, 0, 0, 2, 0 } },
	/* One goes out: the others' receivers are down. */
	{ { AT, NONE, NONE, NONE, AT - 2 * 86400 - 1, 1, 0 }, { 0, 0, 0, 0, 0 } },
	/* One of thousands is that receiver's; half of them is ours. */
	{ { AT, NONE, NONE, NONE, NONE, 1000, 1 }, { 0, 0, 0, 0, 0 } },
	{ { AT, NONE, NONE, NONE, NONE, 99, 1 }, { 0, 0, 0, 0, 1 } },
	{ { AT, NONE, NONE, NONE, NONE, 51, 49 }, { 0, 0, 0, 0, 1 } },
	{ { AT, NONE, NONE, NONE, NONE, 50, 50 }, { 0, 0, 0, 0, 2 } },
	{ { AT, NONE, NONE, NONE, NONE, 0, 9 }, { 0, 0, 0, 0, 1 } },
	{ { AT, NONE, NONE, NONE, NONE, 0, 10 }, { 0, 0, 0, 0, 2 } },
};

static void
test_degrees(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		for (unsigned w = 0; w < MAIL_HEALTH_MAX; w++)
			if (mail_health(&rows[i].facts, (enum mail_health_what)w) != rows[i].want[w])
				fail_msg("row %zu, %s", i, mail_health_word((enum mail_health_what)w));
}

/* Who reads alarms hears of all that stands still, and of a share only when it is bad. */
static void
test_alarms(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		for (unsigned w = 0; w < MAIL_HEALTH_MAX; w++)
			assert_int_equal(mail_health_is_alarm(&rows[i].facts, (enum mail_health_what)w),
			    rows[i].want[w] > (w == MAIL_HEALTH_GIVEN_UP));
	for (int w = 0; w < MAIL_HEALTH_MAX; w++)
		assert_int_equal(mail_health_find(sv_str(mail_health_word((enum mail_health_what)w))), w);
	assert_int_equal(mail_health_find(SV("queu")), -1);
}

/* Each thing that is wrong has its own words. */
static void
test_words(void **state)
{
	static const struct {
		const char	*word, *text, *remedy;
	} said[] = {
		{ "told", "nothing has been heard", "whether role report runs" },
		{ "journal", "wait in the mail filter's journal", "reaches its store" },
		{ "rows", "rows of past days", "may write to its store" },
		{ "queue", "has waited for more than a day to be sent", "--only due" },
		{ "given_up", "were given up", "--only given-up" },
	};
	static const char *const troubles[][2] = {
		{ "store", "mail.reporting.store" }, { "journal", "journal of judged mail" },
		{ "via", "mail.reporting.via" }, { "dns", "mail.resolver" },
		{ "something", "something does not work" }, { "", "something does not work" },
	};

	(void)state;
	for (unsigned w = 0; w < MAIL_HEALTH_MAX; w++) {
		assert_string_equal(mail_health_word((enum mail_health_what)w), said[w].word);
		assert_non_null(strstr(mail_health_text((enum mail_health_what)w), said[w].text));
		assert_non_null(strstr(mail_health_remedy((enum mail_health_what)w), said[w].remedy));
	}
	for (size_t i = 0; i < ARRAY_LEN(troubles); i++)
		assert_non_null(strstr(mail_trouble_text(troubles[i][0]), troubles[i][1]));
}

TESTS_MAIN("mail_health", T(test_degrees), T(test_alarms), T(test_words))
