#include <errno.h>

#include "../tap.h"
#include "base/timefmt.h"

static void
parse(void **state UNUSED)
{
	static const struct {
		const char	*text;
		int64_t		 t;
	} rows[] = {
		{ "1970-01-01T00:00:00Z", 0 },
		{ "1970-01-01", 0 },
		{ "2023-08-04T07:00:00Z", 1691132400 },
		{ "2023-08-04t07:00:00z", 1691132400 },
		{ "2023-08-04 07:00:00Z", 1691132400 },
		{ "2023-08-04T16:00:00+09:00", 1691132400 },
		{ "2023-08-03T22:30:00-08:30", 1691132400 },
		{ "2023-08-04T07:00:00.999Z", 1691132400 },
		{ "2000-02-29T12:00:00Z", 951825600 },
		{ "2038-01-19T03:14:08Z", 2147483648 },
		{ "9999-12-31T23:59:59Z", 253402300799 },
		{ "1969-12-31T23:59:59Z", -1 },
		{ "@0", 0 },
		{ "@1691132400", 1691132400 },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		int64_t t = 42;

		assert_int_equal(time_parse(sv_str(rows[i].text), &t), 0);
		assert_int_equal(t, rows[i].t);
	}
}

static void
refused(void **state UNUSED)
{
	static const char *const rows[] = {
		"", "@", "@x", "@-1", "2023", "2023-08", "2023-13-01", "2023-00-01",
		"2023-02-29", "1900-02-29", "2023-04-31", "2023-08-00",
		"2023-08-04T", "2023-08-04T07:00:00", "2023-08-04T24:00:00Z",
		"2023-08-04T07:60:00Z", "2023-08-04T07:00:60Z",
		"2023-08-04T07:00Z", "2023-08-04T07:00:00+9:00",
		"2023-08-04T07:00:00+24:00", "2023-08-04T07:00:00+0900",
		"2023-08-04T07:00:00ZZ", "2023-08-04X07:00:00Z", " 2023-08-04",
		"20230804T070000Z", "23-08-04", "2023-8-4", "@253402300800",
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		int64_t t = 42;

		assert_int_equal(time_parse(sv_str(rows[i]), &t), -EINVAL);
		assert_int_equal(t, 42);
	}
}

/* Every day of 800 years, both ways. */
static void
calendar(void **state UNUSED)
{
	struct civil prev = { .year = 1599, .mon = 12, .day = 31 };
	int64_t first;

	assert_int_equal(time_parse(SV("1600-01-01"), &first), 0);
	for (int64_t d = 0; d < 800 * 366; d++) {
		struct civil c;
		int64_t back;

		time_to_civil(first + d * 86400 + 86399, &c);
		assert_true(c.day == prev.day + 1 || c.day == 1);
		assert_true(c.day != 1 || prev.day >= 28);
		assert_int_equal(c.hour * 10000 + c.min * 100 + c.sec, 235959);
		assert_int_equal(time_from_civil(&c, &back), 0);
		assert_int_equal(back, first + d * 86400 + 86399);
		prev = c;
	}
}

static void
print(void **state UNUSED)
{
	char buf[TIME_STRLEN];

	assert_string_equal(time_str(1691132400, buf), "2023-08-04T07:00:00Z");
	assert_string_equal(time_str(-1, buf), "1969-12-31T23:59:59Z");
	assert_string_equal(time_str(TIME_NEVER, buf), "never");
	assert_string_equal(time_str(TIME_NEVER - 1, buf), "9999-12-31T23:59:59Z");
	assert_string_equal(time_str(INT64_MIN, buf), "0000-01-01T00:00:00Z");
}

/* As `date -uR -d @N` prints them. */
static void
mail(void **state UNUSED)
{
	char buf[TIME_MAIL_STRLEN];

	assert_string_equal(time_mail_str(0, buf), "Thu, 1 Jan 1970 00:00:00 +0000");
	assert_string_equal(time_mail_str(1795320410, buf), "Sun, 22 Nov 2026 04:06:50 +0000");
	assert_string_equal(time_mail_str(1709164799, buf), "Wed, 28 Feb 2024 23:59:59 +0000");
	assert_string_equal(time_mail_str(-5, buf), "Thu, 1 Jan 1970 00:00:00 +0000");
	assert_string_equal(time_mail_str(INT64_MAX, buf), "Fri, 31 Dec 9999 23:59:59 +0000");
}

static void
print_then_parse(void **state UNUSED)
{
	char buf[TIME_STRLEN];

	for (int64_t t = -62167219200; t < 253402300799; t += 1234567891) {
		int64_t back;

		assert_int_equal(time_parse(sv_str(time_str(t, buf)), &back), 0);
		assert_int_equal(back, t);
	}
}

TESTS_MAIN("base/timefmt", T(parse), T(refused), T(calendar), T(print),
    T(mail), T(print_then_parse))
