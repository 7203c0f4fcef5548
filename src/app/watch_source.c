#include "app/watch_source.h"

#include "app/vrps_csv.h"
#include "app/vrps_json.h"
#include "sys/file.h"
#include "sys/stream.h"

/* 1: it was read; 0: it is no CSV. */
static int
csv_read(const char *path, struct payloads *p)
{
	struct file_map map = { 0 };
	uint64_t line;
	int rc = file_map(path, VRPS_JSON_MAX, &map);

	if (rc < 0)
		return rc;
	if (vrps_csv_is(map.data)) {
		rc = vrps_csv_read(map.data, p, &line);
		rc = rc < 0 ? rc : 1;
	}
	file_unmap(&map);
	return rc;
}

static int
json_read(const char *path, struct findings *fs, struct payloads *p)
{
	_cleanup_(fd_close) int fd = -1;
	struct file_stamp stamp;
	struct vrps_info info = { 0 };
	int rc = stream_open(path, VRPS_JSON_MAX, &fd, &stamp);

	return rc < 0 ? rc : vrps_json_read(stream_read, &fd, fs, p, &info);
}

int
watch_source_read(const char *path, struct findings *fs, struct payloads *ret, bool *ret_is_csv)
{
	size_t dropped;
	int rc;

	*ret = (struct payloads){ 0 };
	rc = csv_read(path, ret);
	*ret_is_csv = rc == 1;
	if (rc == 0)
		rc = json_read(path, fs, ret);
	return rc < 0 ? rc : payloads_merge(ret, &dropped);
}
