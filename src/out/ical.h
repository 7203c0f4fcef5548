/*
 * A calendar file (RFC 5545) of key events, for the calendar that an operator
 * looks at anyway. An event is known again by its UID: whoever makes the file
 * gives the same UID to the same event, so that a calendar which reads the
 * file a second time moves events instead of doubling them; SEQUENCE is the
 * time of making, which only grows. All times are UTC, so that no time zones
 * need to be told. Lines are folded at 75 octets between characters.
 */
#ifndef OUT_ICAL_H
#define OUT_ICAL_H

#include "base/buf.h"
#include "base/timefmt.h"

struct ical_event {
	struct sv	 uid;		/* any text: what is no letter or digit becomes %XX */
	int64_t		 at;
	uint32_t	 length_sec;	/* 0: a moment */
	uint32_t	 alarm_sec;	/* remind so long before; 0: no reminder */
	struct sv	 summary, description;
};

/* name: what calendars call it. */
void	 ical_begin(struct buf *, struct sv name);
/* stamp: now. */
void	 ical_event(struct buf *, const struct ical_event *, int64_t stamp);
void	 ical_end(struct buf *);

#endif
