#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/timefmt.h"

#define DAY	86400

static bool
leap(int y)
{
	return (y % 4 == 0 && y % 100 != 0) || y % 400 == 0;
}

static int
month_days(int y, int m)
{
	static const int days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };

	return m == 2 && leap(y) ? 29 : days[m - 1];
}

/* Days since 1970-01-01; eras of 400 years begin on March 1st. */
static int64_t
days_from_civil(int y, int m, int d)
{
	int64_t yy = m <= 2 ? y - 1 : y;
	int64_t era = (yy >= 0 ? yy : yy - 399) / 400;
	int64_t yoe = yy - era * 400;
	int64_t doy = (153 * (m + (m > 2 ? -3 : 9)) + 2) / 5 + d - 1;
	int64_t doe = yoe * 365 + yoe / 4 - yoe / 100 + doy;

	return era * 146097 + doe - 719468;
}

int
time_from_civil(const struct civil *c, int64_t *ret)
{
	if (c->year < 0 || c->year > 9999 || c->mon < 1 || c->mon > 12 ||
	    c->day < 1 || c->day > month_days(c->year, c->mon) ||
	    c->hour < 0 || c->hour > 23 || c->min < 0 || c->min > 59 ||
	    c->sec < 0 || c->sec > 59)
		return -EINVAL;
	*ret = days_from_civil(c->year, c->mon, c->day) * DAY +
	    c->hour * 3600 + c->min * 60 + c->sec;
	return 0;
}

void
time_to_civil(int64_t t, struct civil *c)
{
	int64_t day = t / DAY, sec = t % DAY, era, doe, yoe, doy, mp;

	if (sec < 0) {
		sec += DAY;
		day--;
	}
	day += 719468;
	era = (day >= 0 ? day : day - 146096) / 146097;
	doe = day - era * 146097;
	yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
	doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
	mp = (5 * doy + 2) / 153;
	c->day = (int)(doy - (153 * mp + 2) / 5 + 1);
	c->mon = (int)(mp < 10 ? mp + 3 : mp - 9);
	c->year = (int)(yoe + era * 400 + (c->mon <= 2));
	c->hour = (int)(sec / 3600);
	c->min = (int)(sec / 60 % 60);
	c->sec = (int)(sec % 60);
}

static int
field(struct sv *s, size_t n, char end, int *ret)
{
	uint32_t v;

	if (s->n < n || num_u32(sv_take(*s, n), 0, 9999, &v) < 0)
		return -EINVAL;
	*s = sv_skip(*s, n);
	if (end != '\0') {
		if (s->n == 0 || s->p[0] != end)
			return -EINVAL;
		*s = sv_skip(*s, 1);
	}
	*ret = (int)v;
	return 0;
}

/* "Z" or "+09:00"; fractions of a second are read and dropped. */
static int
zone_parse(struct sv s, int *ret_off_sec)
{
	int h, m, sign;

	if (s.n > 0 && s.p[0] == '.') {
		s = sv_skip(s, 1);
		while (s.n > 0 && s.p[0] >= '0' && s.p[0] <= '9')
			s = sv_skip(s, 1);
	}
	if (s.n == 1 && (s.p[0] == 'Z' || s.p[0] == 'z')) {
		*ret_off_sec = 0;
		return 0;
	}
	if (s.n != 6 || (s.p[0] != '+' && s.p[0] != '-'))
		return -EINVAL;
	sign = s.p[0] == '-' ? -1 : 1;
	s = sv_skip(s, 1);
	if (field(&s, 2, ':', &h) < 0 || field(&s, 2, '\0', &m) < 0 ||
	    h > 23 || m > 59)
		return -EINVAL;
	*ret_off_sec = sign * (h * 3600 + m * 60);
	return 0;
}

int
time_parse(struct sv s, int64_t *ret)
{
	struct civil c = { 0 };
	uint64_t u;
	int64_t t;
	int off;

	if (s.n > 1 && s.p[0] == '@') {
		if (num_u64(sv_skip(s, 1), 0, 253402300799, &u) < 0)
			return -EINVAL;
		*ret = (int64_t)u;
		return 0;
	}
	if (field(&s, 4, '-', &c.year) < 0 || field(&s, 2, '-', &c.mon) < 0 ||
	    field(&s, 2, '\0', &c.day) < 0)
		return -EINVAL;
	if (s.n == 0)
		return time_from_civil(&c, ret);
	if (s.p[0] != 'T' && s.p[0] != 't' && s.p[0] != ' ')
		return -EINVAL;
	s = sv_skip(s, 1);
	if (field(&s, 2, ':', &c.hour) < 0 || field(&s, 2, ':', &c.min) < 0 ||
	    field(&s, 2, '\0', &c.sec) < 0 || zone_parse(s, &off) < 0 ||
	    time_from_civil(&c, &t) < 0)
		return -EINVAL;
	*ret = t - off;
	return 0;
}

const char *
time_str(int64_t t, char buf[static TIME_STRLEN])
{
	struct civil c;

	if (t == TIME_NEVER) {
		memcpy(buf, "never", 6);
		return buf;
	}
	if (t < -62167219200)		/* 0000-01-01 */
		t = -62167219200;
	if (t > 253402300799)		/* 9999-12-31T23:59:59Z */
		t = 253402300799;
	time_to_civil(t, &c);
	(void)snprintf(buf, TIME_STRLEN, "%04u-%02u-%02uT%02u:%02u:%02uZ",
	    (unsigned)c.year % 10000, (unsigned)c.mon % 100,
	    (unsigned)c.day % 100, (unsigned)c.hour % 100,
	    (unsigned)c.min % 100, (unsigned)c.sec % 100);
	return buf;
}

const char *
time_mail_str(int64_t at, char buf[static TIME_MAIL_STRLEN])
{
	static const char days[] = "ThuFriSatSunMonTueWed";	/* 1970-01-01 was the first */
	static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
	struct civil c;

	at = min_i64(max_i64(at, 0), 253402300799);	/* 9999-12-31T23:59:59Z */
	time_to_civil(at, &c);
	(void)snprintf(buf, TIME_MAIL_STRLEN, "%.3s, %u %.3s %04u %02u:%02u:%02u +0000",
	    days + at / 86400 % 7 * 3, (unsigned)c.day % 100, months + (c.mon - 1) * 3,
	    (unsigned)c.year % 10000, (unsigned)c.hour % 100, (unsigned)c.min % 100,
	    (unsigned)c.sec % 100);
	return buf;
}
