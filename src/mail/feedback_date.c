/* Dates of mail: RFC 5322 sections 3.3 and 4.3. */
#include <errno.h>

#include "base/timefmt.h"
#include "mail/feedback_internal.h"

static int
month_parse(struct sv s, int *ret)
{
	static const char names[] = "JanFebMarAprMayJunJulAugSepOctNovDec";

	for (int i = 0; i < 12; i++)
		if (sv_caseeq(s, (struct sv){ names + 3 * i, 3 })) {
			*ret = i + 1;
			return 0;
		}
	return -EINVAL;
}

/* Section 4.3: 00 to 49 are of this century; 50 to 99, and three digits, count from 1900. */
static int
year_parse(struct sv s, int *ret)
{
	uint32_t y;

	if (s.n < 2 || num_u32(s, 0, 9999, &y) < 0)
		return -EINVAL;
	if (s.n < 4)
		y += s.n == 2 && y < 50 ? 2000 : 1900;
	*ret = (int)y;
	return 0;
}

static int
clock_parse(struct sv s, struct civil *c)
{
	struct sv hour = sv_cut(&s, ':'), min = sv_cut(&s, ':');
	uint32_t h, m, sec = 0;

	if (num_u32(hour, 0, 23, &h) < 0 || num_u32(min, 0, 59, &m) < 0 ||
	    (s.n > 0 && num_u32(s, 0, 60, &sec) < 0))
		return -EINVAL;
	c->hour = (int)h;
	c->min = (int)m;
	c->sec = sec == 60 ? 59 : (int)sec;	/* a leap second; our times have none */
	return 0;
}

/* Seconds east. A name that nobody knows "SHOULD be considered equivalent to "-0000"". */
static int
zone_parse(struct sv s, int64_t *ret)
{
	static const struct {
		const char	*name;
		int		 hours;
	} names[] = { { "EST", -5 }, { "EDT", -4 }, { "CST", -6 }, { "CDT", -5 }, { "MST", -7 },
		{ "MDT", -6 }, { "PST", -8 }, { "PDT", -7 }, { "JST", 9 } };
	uint32_t hhmm;

	*ret = 0;
	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		if (sv_caseeq(s, sv_str(names[i].name)))
			*ret = names[i].hours * (int64_t)3600;
	if (s.n == 0 || (s.p[0] != '+' && s.p[0] != '-'))
		return 0;
	if (s.n != 5 || num_u32(sv_skip(s, 1), 0, 9959, &hhmm) < 0)
		return -EINVAL;
	*ret = (int64_t)(hhmm / 100) * 3600 + (int64_t)(hhmm % 100) * 60;
	if (s.p[0] == '-')
		*ret = -*ret;
	return 0;
}

int
feedback_date_parse(struct sv s, int64_t *ret)
{
	struct sv text = sv_take(s, sv_find(s, '(')), w[5] = { { NULL, 0 } };
	struct civil c = { .mon = 0 };
	int64_t at, east;
	uint32_t day;

	if (sv_find(text, ',') < text.n)
		(void)sv_cut(&text, ',');	/* the day's name */
	for (size_t i = 0; i < ARRAY_LEN(w) && sv_word(&text, &w[i]);)
		i++;
	if (num_u32(w[0], 1, 31, &day) < 0 || month_parse(w[1], &c.mon) < 0 || year_parse(w[2], &c.year) < 0 ||
	    clock_parse(w[3], &c) < 0 || zone_parse(w[4], &east) < 0)
		return -EINVAL;
	c.day = (int)day;
	if (time_from_civil(&c, &at) < 0)
		return -EINVAL;
	*ret = at - east;
	return 0;
}
