/* Content lines: what may stand in them, and where they are folded. */
#include "out/ical.h"

#include <stdio.h>

#include "base/json.h"

#define LINE_MAX_OCTETS	75	/* RFC 5545 section 3.1, without the line end */

/* One content line: octets of the line so far. */
struct line {
	struct buf	*b;
	size_t		 used;
};

/* n octets that stay together. */
static void
put(struct line *l, const char *p, size_t n)
{
	if (l->used + n > LINE_MAX_OCTETS) {
		buf_str(l->b, "\r\n ");
		l->used = 1;
	}
	buf_bytes(l->b, p, n);
	l->used += n;
}

static void
put_str(struct line *l, const char *s)
{
	for (; *s != '\0'; s++)
		put(l, s, 1);
}

static void
end(struct line *l)
{
	buf_str(l->b, "\r\n");
	l->used = 0;
}

/*
 * TEXT (RFC 5545 section 3.3.11). A line end is \n, whatever its form; other
 * controls are no text, and a byte that is no UTF-8 becomes U+FFFD.
 */
static struct sv
put_char(struct line *l, struct sv s)
{
	size_t n = utf8_len(s);
	unsigned char c = (unsigned char)s.p[0];

	if (n == 0) {
		put(l, "\xef\xbf\xbd", 3);
		return sv_skip(s, 1);
	}
	if (c == '\r' && s.n > 1 && s.p[1] == '\n')
		return sv_skip(s, 1);
	if (c == '\n' || c == '\r')
		put(l, "\\n", 2);
	else if (c == ',' || c == ';' || c == '\\')
		put(l, (const char[]){ '\\', (char)c }, 2);
	else if (c >= 0x20 ? c != 0x7f : c == '\t')
		put(l, s.p, n);
	return sv_skip(s, n);
}

static void
text_line(struct buf *b, const char *name, struct sv text)
{
	struct line l = { b, 0 };

	put_str(&l, name);
	put(&l, ":", 1);
	while (text.n > 0)
		text = put_char(&l, text);
	end(&l);
}

static void
uid_line(struct buf *b, struct sv uid)
{
	struct line l = { b, 0 };
	char hex[4];

	put_str(&l, "UID:");
	for (size_t i = 0; i < uid.n; i++) {
		char c = uid.p[i];

		if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
		    c == '.' || c == '-' || c == '@') {
			put(&l, &c, 1);
			continue;
		}
		snprintf(hex, sizeof(hex), "%%%02X", (unsigned)(unsigned char)c);
		put(&l, hex, 3);
	}
	end(&l);
}

static void
time_line(struct buf *b, const char *name, int64_t at)
{
	struct civil c;

	time_to_civil(at, &c);
	buf_printf(b, "%s:%04d%02d%02dT%02d%02d%02dZ\r\n", name, c.year, c.mon, c.day, c.hour, c.min, c.sec);
}

void
ical_begin(struct buf *b, struct sv name)
{
	buf_str(b, "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//Sekisho//zone plan//EN\r\n"
	    "CALSCALE:GREGORIAN\r\nMETHOD:PUBLISH\r\n");
	text_line(b, "X-WR-CALNAME", name);
}

void
ical_event(struct buf *b, const struct ical_event *e, int64_t stamp)
{
	buf_str(b, "BEGIN:VEVENT\r\n");
	uid_line(b, e->uid);
	time_line(b, "DTSTAMP", stamp);
	/* RFC 5545 section 3.8.7.4: an integer of 31 bits that grows; minutes last until 6053. */
	buf_printf(b, "SEQUENCE:%lld\r\n", (long long)max_i64(stamp / 60, 0));
	time_line(b, "DTSTART", e->at);
	if (e->length_sec > 0)
		buf_printf(b, "DURATION:PT%uS\r\n", e->length_sec);
	text_line(b, "SUMMARY", e->summary);
	if (e->description.n > 0)
		text_line(b, "DESCRIPTION", e->description);
	buf_str(b, "TRANSP:TRANSPARENT\r\n");
	if (e->alarm_sec > 0) {
		buf_printf(b, "BEGIN:VALARM\r\nACTION:DISPLAY\r\nTRIGGER:-PT%uS\r\n", e->alarm_sec);
		text_line(b, "DESCRIPTION", e->summary);
		buf_str(b, "END:VALARM\r\n");
	}
	buf_str(b, "END:VEVENT\r\n");
}

void
ical_end(struct buf *b)
{
	buf_str(b, "END:VCALENDAR\r\n");
}
