/* A validator's list of payloads from a file, plain or compressed by bzip2. */
#include <bzlib.h>
#include <errno.h>
#include <stdlib.h>

#include "app/vrps_feed.h"
#include "base/err.h"
#include "lab/internal.h"
#include "sys/file.h"

struct source {
	struct sv	 rest;
	bz_stream	 z;
	bool		 packed, ended;
	uint64_t	 n;		/* bytes given out */
};

/* A file may be several streams one behind the other, as pbzip2 writes them. */
static int
source_next(struct source *s)
{
	if (s->ended) {
		if (s->rest.n == 0)
			return 0;
		(void)BZ2_bzDecompressEnd(&s->z);
		s->z = (bz_stream){ 0 };
		s->ended = false;
		if (BZ2_bzDecompressInit(&s->z, 0, 0) != BZ_OK)
			return -ENOMEM;
	}
	return 1;
}

static long
source_unpack(struct source *s, void *buf, size_t n)
{
	size_t got = 0;

	while (got == 0) {
		size_t feed = min_size(s->rest.n, 1 << 20);
		int rc = source_next(s);

		if (rc <= 0)
			return rc;
		s->z.next_in = (char *)(uintptr_t)s->rest.p;
		s->z.avail_in = (unsigned)feed;
		s->z.next_out = buf;
		s->z.avail_out = (unsigned)n;
		rc = BZ2_bzDecompress(&s->z);
		s->rest = sv_skip(s->rest, feed - s->z.avail_in);
		got = n - s->z.avail_out;
		s->ended = rc == BZ_STREAM_END;
		/* cut off: nothing left to feed, and nothing comes any more */
		if ((rc != BZ_OK && !s->ended) || (rc == BZ_OK && got == 0 && feed == 0))
			return SE_SYNTAX;
	}
	return (long)got;
}

static long
source_read(void *arg, void *buf, size_t n)
{
	struct source *s = arg;
	long got;

	if (s->packed)
		got = source_unpack(s, buf, n);
	else {
		got = (long)min_size(n, s->rest.n);
		if (got > 0)
			memcpy(buf, s->rest.p, (size_t)got);
		s->rest = sv_skip(s->rest, (size_t)got);
	}
	if (got > 0)
		s->n += (uint64_t)got;
	return s->n > LAB_LIST_PLAIN_MAX ? SE_LIMIT : got;
}

static int
list_read(struct source *s, struct payloads *ret, uint64_t *ret_line, uint64_t *ret_bad)
{
	_cleanup_(pool_freep) struct pool *pool = pool_new(1 << 20);
	struct vrps_info info = { 0 };
	struct findings fs;
	int rc;

	if (pool == NULL)
		return -ENOMEM;
	findings_init(&fs, pool);
	rc = vrps_json_read(source_read, s, &fs, ret, &info);
	*ret_line = info.line;
	*ret_bad = info.n_bad;
	return rc;
}

int
lab_list_read(struct sv data, struct payloads *ret, uint64_t *ret_line, uint64_t *ret_bad)
{
	struct source s = { .rest = data, .packed = sv_starts(data, SV("BZh")) };
	int rc;

	*ret_line = *ret_bad = 0;
	if (s.packed && BZ2_bzDecompressInit(&s.z, 0, 0) != BZ_OK)
		return -ENOMEM;
	rc = list_read(&s, ret, ret_line, ret_bad);
	if (s.packed)
		(void)BZ2_bzDecompressEnd(&s.z);
	return rc;
}

int
lab_list_file(const char *path, struct payloads *ret, uint64_t *ret_line, uint64_t *ret_bad)
{
	struct file_map m;
	int rc = file_map(path, LAB_LIST_MAX, &m);

	*ret_line = *ret_bad = 0;
	if (rc < 0)
		return rc;
	rc = lab_list_read(m.data, ret, ret_line, ret_bad);
	file_unmap(&m);
	return rc;
}
