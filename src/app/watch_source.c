#include "app/watch_source.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "app/vrps_json.h"
#include "base/err.h"
#include "base/timefmt.h"
#include "sys/file.h"
#include "sys/stream.h"

#define VRPS_LINES_MAX	(8u * 1024 * 1024)	/* as inr's VRPS_MAX */
#define AS_HEAD		SV("AS")

static int
row_room(struct payloads *p, size_t *cap)
{
	size_t want = *cap == 0 ? 4096 : *cap * 2;
	struct vrp *q;

	if (p->n_vrps < *cap)
		return 0;
	if (p->n_vrps >= VRPS_LINES_MAX)
		return SE_LIMIT;
	if ((q = reallocarray(p->vrps, want, sizeof(*q))) == NULL)
		return -ENOMEM;
	p->vrps = q;
	*cap = want;
	return 0;
}

/* A line that is a VRP. False: it is not. */
static bool
row_parse(struct sv line, struct vrp *v, struct sv *ret_ta)
{
	struct sv asn = sv_trim(sv_cut(&line, ',')), prefix = sv_trim(sv_cut(&line, ','));
	struct sv max = sv_trim(sv_cut(&line, ','));
	struct ip_prefix px;
	uint32_t n;

	if (sv_starts(asn, AS_HEAD))
		asn = sv_skip(asn, AS_HEAD.n);
	*v = (struct vrp){ .ca = PAYLOAD_CA_NONE, .expires = TIME_NEVER };
	if (num_u32(asn, 0, UINT32_MAX, &v->asn) < 0 || ip_prefix_parse(prefix, &px) < 0)
		return false;
	if (max.n == 0)
		n = px.len;
	else if (num_u32(max, 0, 128, &n) < 0)
		return false;
	memcpy(v->addr, px.addr, sizeof(v->addr));
	v->af = px.af;
	v->len = px.len;
	v->max_len = (uint8_t)n;
	*ret_ta = sv_trim(sv_cut(&line, ','));
	return vrp_is_sound(v);
}

/* Names in quotes, none, or too many of them: no name. */
static uint8_t
ta_index(struct payloads *p, struct sv name)
{
	int i = payloads_ta(p, name.n > 0 && name.n <= TA_NAME_MAX ? name : SV("-"));

	return i < 0 ? 0 : (uint8_t)i;
}

int
watch_csv_parse(struct sv text, struct payloads *p, uint64_t *ret_n_bad)
{
	size_t cap = 0, n_lines = 0;
	uint64_t n_bad = 0;
	struct sv line, ta;
	int rc;

	while (sv_line(&text, &line)) {
		struct vrp v;

		line = sv_trim(line);
		if (line.n == 0 || line.p[0] == '#')
			continue;
		n_lines++;
		if (!row_parse(line, &v, &ta)) {
			n_bad += n_lines > 1;	/* the first may be the head */
			continue;
		}
		if ((rc = row_room(p, &cap)) < 0)
			return rc;
		v.ta = ta_index(p, ta);
		p->vrps[p->n_vrps++] = v;
	}
	*ret_n_bad = n_bad;
	return p->n_vrps > 0 ? 0 : SE_FORMAT;
}

static int
csv_read(const char *path, struct payloads *p, uint64_t *ret_n_bad)
{
	struct file_map map = { 0 };
	int rc = file_map(path, WATCH_FILE_MAX, &map);

	if (rc < 0)
		return rc;
	rc = watch_csv_parse(map.data, p, ret_n_bad);
	file_unmap(&map);
	return rc;
}

static int
json_read(const char *path, struct findings *fs, struct payloads *p, uint64_t *ret_n_bad)
{
	_cleanup_(fd_close) int fd = -1;
	struct file_stamp stamp;
	struct vrps_info info = { 0 };
	int rc = stream_open(path, WATCH_FILE_MAX, &fd, &stamp);

	if (rc == 0)
		rc = vrps_json_read(stream_read, &fd, fs, p, &info);
	*ret_n_bad = info.n_bad;
	return rc;
}

bool
watch_source_is_csv(const char *path)
{
	return sv_ends(sv_str(path), SV(".csv"));
}

int
watch_source_read(const char *path, struct findings *fs, struct payloads *ret,
    uint64_t *ret_n_bad)
{
	size_t dropped;
	int rc;

	*ret_n_bad = 0;
	*ret = (struct payloads){ 0 };
	rc = watch_source_is_csv(path) ? csv_read(path, ret, ret_n_bad) :
	    json_read(path, fs, ret, ret_n_bad);
	return rc < 0 ? rc : payloads_merge(ret, &dropped);
}
