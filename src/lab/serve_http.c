/* A request's head, and dates (RFC 9112 and RFC 9110), as far as the lab needs them. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/timefmt.h"
#include "lab/serve.h"

size_t
serve_head_len(struct sv in)
{
	for (size_t i = 0; i < in.n; i++) {
		if (in.p[i] != '\n')
			continue;
		if (i + 1 < in.n && in.p[i + 1] == '\n')
			return i + 2;
		if (i + 2 < in.n && in.p[i + 1] == '\r' && in.p[i + 2] == '\n')
			return i + 3;
	}
	return 0;
}

/* Is the token in a list such as "gzip, deflate;q=0"? "q=0" takes it back. */
static bool
list_has(struct sv list, struct sv token)
{
	while (list.n > 0) {
		struct sv item = sv_cut(&list, ','), name = sv_cut(&item, ';');

		if (sv_caseeq(sv_trim(name), token))
			return !sv_eq(sv_trim(item), SV("q=0"));
	}
	return false;
}

static void
header_parse(struct serve_req *r, struct sv name, struct sv value)
{
	if (sv_caseeq(name, SV("host")))
		r->host = value;
	else if (sv_caseeq(name, SV("if-none-match")))
		r->if_none_match = value;
	else if (sv_caseeq(name, SV("if-modified-since")))
		(void)!serve_date_parse(value, &r->if_modified_since);
	else if (sv_caseeq(name, SV("accept-encoding")))
		r->gzip = list_has(value, SV("gzip"));
	else if (sv_caseeq(name, SV("connection"))) {
		if (list_has(value, SV("close")))
			r->keep_alive = false;
		else if (list_has(value, SV("keep-alive")))
			r->keep_alive = true;
	} else if ((sv_caseeq(name, SV("content-length")) && !sv_eq(value, SV("0"))) ||
	    sv_caseeq(name, SV("transfer-encoding")))
		r->bad = 400;		/* nothing that we serve takes a body */
}

/* A path that stays below its folder. */
static bool
path_ok(struct sv path)
{
	if (path.n == 0 || path.n > SERVE_PATH_MAX / 2 || path.p[0] != '/')
		return false;
	while (path.n > 0) {
		struct sv part = sv_cut(&path, '/');

		if (sv_eq(part, SV(".")) || sv_eq(part, SV("..")))
			return false;
		for (size_t i = 0; i < part.n; i++)
			if (part.p[i] <= ' ' || part.p[i] >= 0x7f || part.p[i] == '%')
				return false;
	}
	return true;
}

static unsigned
request_line(struct serve_req *r, struct sv line)
{
	struct sv method = sv_cut(&line, ' '), target = sv_cut(&line, ' '), host;

	if (!sv_eq(line, SV("HTTP/1.1")) && !sv_eq(line, SV("HTTP/1.0")))
		return sv_starts(line, SV("HTTP/")) ? 505 : 400;
	r->http10 = sv_eq(line, SV("HTTP/1.0"));
	r->keep_alive = !r->http10;
	r->head = sv_eq(method, SV("HEAD"));
	if (!r->head && !sv_eq(method, SV("GET")))
		return 405;
	if (sv_starts(target, SV("https://")) && !serve_uri_split(target, &host, &target))
		return 400;
	r->path = sv_take(target, sv_find(target, '?'));
	return path_ok(r->path) ? 0 : 404;
}

void
serve_req_parse(struct sv head, struct serve_req *ret)
{
	struct sv line, value;

	*ret = (struct serve_req){ .if_modified_since = -1 };
	if (!sv_line(&head, &line)) {
		ret->bad = 400;
		return;
	}
	ret->bad = request_line(ret, sv_trim(line));
	while (sv_line(&head, &line) && (line = sv_trim(line)).n > 0) {
		struct sv name;

		value = line;
		name = sv_cut(&value, ':');
		header_parse(ret, name, sv_trim(value));
	}
	if (ret->bad != 0)
		ret->keep_alive = false;
}

/* --- dates (RFC 9110 section 5.6.7) --- */

static const char *const days[] = { "Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed" };
static const char *const months[] = {
	"Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
};

const char *
serve_date(int64_t t, char buf[static SERVE_DATE_LEN])
{
	struct civil c;
	int64_t day;

	if (t < 0)
		t = 0;
	time_to_civil(t, &c);
	day = t / 86400;		/* 1970-01-01 was a Thursday */
	(void)snprintf(buf, SERVE_DATE_LEN, "%s, %02u %s %04u %02u:%02u:%02u GMT",
	    days[day % 7], (unsigned)c.day % 100, months[(c.mon + 11) % 12],
	    (unsigned)c.year % 10000, (unsigned)c.hour % 100, (unsigned)c.min % 100,
	    (unsigned)c.sec % 100);
	return buf;
}

static int
clock_parse(struct sv s, struct civil *c)
{
	uint32_t hour, min, sec;
	struct sv h = sv_cut(&s, ':'), m = sv_cut(&s, ':');

	if (num_u32(h, 0, 23, &hour) < 0 || num_u32(m, 0, 59, &min) < 0 || num_u32(s, 0, 60, &sec) < 0)
		return -EINVAL;
	c->hour = (int)hour;
	c->min = (int)min;
	c->sec = (int)sec;
	return 0;
}

int
serve_date_parse(struct sv s, int64_t *ret)
{
	struct civil c = { 0 };
	struct sv w[6];
	uint32_t day, year;

	for (unsigned i = 0; i < ARRAY_LEN(w); i++)
		if (!sv_word(&s, &w[i]))
			return -EINVAL;
	if (num_u32(w[1], 1, 31, &day) < 0 || num_u32(w[3], 1970, 9999, &year) < 0)
		return -EINVAL;
	c.day = (int)day;
	c.year = (int)year;
	for (int i = 0; i < 12; i++)
		if (sv_eq_str(w[2], months[i]))
			c.mon = i + 1;
	if (c.mon == 0 || clock_parse(w[4], &c) < 0 || !sv_eq(w[5], SV("GMT")))
		return -EINVAL;
	return time_from_civil(&c, ret);
}

const char *
serve_reason(unsigned status)
{
	static const struct {
		unsigned	 status;
		const char	*text;
	} rows[] = {
		{ 200, "OK" }, { 301, "Moved Permanently" }, { 302, "Found" }, { 304, "Not Modified" },
		{ 400, "Bad Request" }, { 404, "Not Found" }, { 405, "Method Not Allowed" },
		{ 429, "Too Many Requests" }, { 431, "Request Header Fields Too Large" },
		{ 500, "Internal Server Error" }, { 503, "Service Unavailable" },
		{ 505, "HTTP Version Not Supported" },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		if (rows[i].status == status)
			return rows[i].text;
	return "Unknown";
}
