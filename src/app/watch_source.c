#include "app/watch_source.h"

#include "app/vrps_bgpd.h"
#include "app/vrps_csv.h"
#include "app/vrps_json.h"
#include "app/watch_compare.h"
#include "sys/file.h"
#include "sys/stream.h"

/* Texts that are told by their beginning; all else must be JSON. */
static const struct {
	const char	*format;
	bool		(*is)(struct sv text);
	int		(*read)(struct sv text, struct payloads *, uint64_t *ret_line);
} texts[] = {
	{ "CSV", vrps_csv_is, vrps_csv_read },
	{ "OpenBGPD", vrps_bgpd_is, vrps_bgpd_read },
};

/* 1: it was read; 0: it is none of them. */
static int
text_read(const char *path, struct payloads *p, struct watch_source *w)
{
	struct file_map map = { 0 };
	int rc = file_map(path, VRPS_JSON_MAX, &map);

	for (size_t i = 0; rc == 0 && i < ARRAY_LEN(texts); i++) {
		if (!texts[i].is(map.data))
			continue;
		w->format = texts[i].format;
		w->kinds = 1u << WATCH_VRP;
		rc = texts[i].read(map.data, p, &w->line);
		rc = rc < 0 ? rc : 1;
	}
	/* bgpd has no list of keys; one of ASPAs only where there are some. */
	if (p->n_aspas > 0)
		w->kinds |= 1u << WATCH_ASPA;
	file_unmap(&map);
	return rc;
}

static int
json_read(const char *path, struct findings *fs, struct payloads *p, struct watch_source *w)
{
	_cleanup_(fd_close) int fd = -1;
	struct file_stamp stamp;
	struct vrps_info info = { 0 };
	int rc = stream_open(path, VRPS_JSON_MAX, &fd, &stamp);

	if (rc < 0)
		return rc;
	rc = vrps_json_read_any(stream_read, &fd, fs, p, &info);
	w->format = (info.lists & VRPS_SLURM) != 0 ? "SLURM" : "JSON";
	w->kinds = ((info.lists & VRPS_ROAS) != 0 ? 1u << WATCH_VRP : 0) |
	    ((info.lists & VRPS_ASPAS) != 0 ? 1u << WATCH_ASPA : 0) |
	    ((info.lists & VRPS_KEYS) != 0 ? 1u << WATCH_KEY : 0);
	w->line = info.line;
	w->n_bad = info.n_bad;
	w->n_filters = info.n_filters;
	return rc;
}

int
watch_source_read(const char *path, struct findings *fs, struct payloads *ret,
    struct watch_source *ret_info)
{
	size_t dropped;
	int rc;

	*ret = (struct payloads){ 0 };
	*ret_info = (struct watch_source){ .format = "JSON" };
	rc = text_read(path, ret, ret_info);
	if (rc == 0)
		rc = json_read(path, fs, ret, ret_info);
	return rc < 0 ? rc : payloads_merge(ret, &dropped);
}
