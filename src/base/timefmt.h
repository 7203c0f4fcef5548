/*
 * Times are int64_t seconds since 1970-01-01T00:00:00Z without leap seconds.
 * Only text and calendar here; the clock itself is sys/clock, and protocol
 * code gets "now" as an argument.
 */
#ifndef BASE_TIMEFMT_H
#define BASE_TIMEFMT_H

#include <stdint.h>

#include "base/sv.h"

#define TIME_STRLEN	21	/* "2026-11-21T09:30:00Z" */
#define TIME_NEVER	INT64_MAX

struct civil {
	int	year;			/* 0..9999 */
	int	mon, day;		/* 1..12, 1..31 */
	int	hour, min, sec;
};

/* -EINVAL for a day or time that does not exist. */
int		 time_from_civil(const struct civil *, int64_t *ret) MUST_USE;
void		 time_to_civil(int64_t, struct civil *ret);
/* RFC 3339 with "Z" or an offset; a bare date; or "@" and Unix seconds. */
int		 time_parse(struct sv, int64_t *ret) MUST_USE;
/* RFC 3339 in UTC; "never" for TIME_NEVER; years clamp to 0..9999. */
const char	*time_str(int64_t, char buf[static TIME_STRLEN]);
/* RFC 5322 section 3.3, in UTC: "Sun, 22 Nov 2026 04:06:50 +0000"; 1970 for what is before. */
#define TIME_MAIL_STRLEN	32
const char	*time_mail_str(int64_t, char buf[static TIME_MAIL_STRLEN]);

#endif
