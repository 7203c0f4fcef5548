/* Zone files, compressed or not, and what their names say. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "app/zone_file.h"
#include "base/err.h"
#include "sys/atomicfile.h"
#include "sys/file.h"

#define PATH_LEN_MAX	4096		/* of a file that a zone includes */
#define GZ_BUFFER	(128 * 1024)

/* The last part of the path. */
static struct sv
base_name(const char *path)
{
	struct sv s = sv_str(path);
	size_t slash = sv_rfind(s, '/');

	return slash < s.n ? sv_skip(s, slash + 1) : s;
}

/* Longest first: each is cut off once, in this order. */
static const char *const suffixes[] = { ".gz", ".signed", ".zone", ".db" };

int
zone_file_apex(const char *path, struct dname *ret)
{
	struct sv s = base_name(path);

	for (size_t i = 0; i < ARRAY_LEN(suffixes); i++)
		if (sv_ends(s, sv_str(suffixes[i])))
			s = sv_take(s, s.n - strlen(suffixes[i]));
	if (sv_starts(s, SV("db.")))
		s = sv_skip(s, 3);
	if (sv_eq(s, SV("root"))) {
		*ret = DNAME_ROOT;
		return 0;
	}
	if (s.n == 0 || sv_eq(s, SV("-")) || dname_parse(s, NULL, ret) < 0)
		return -ENOENT;
	return 0;
}

static bool
is_plain(uint8_t c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	    c == '-' || c == '_';
}

void
zone_file_name(struct buf *b, const struct dname *zone)
{
	struct dname d = *zone;

	dns_lower(d.w, d.len);
	for (const uint8_t *w = d.w; w[0] != 0; w += 1 + w[0]) {
		for (unsigned i = 1; i <= w[0]; i++) {
			if (is_plain(w[i]))
				buf_char(b, (char)w[i]);
			else
				buf_printf(b, "%%%02X", w[i]);
		}
		buf_char(b, '.');
	}
	if (d.len == 1)
		buf_char(b, '.');
}

/* --- reading --- */

/*
 * A pipe may be named by a person, as in <(zcat zone); by a zone's text never: to open it waits
 * for a writer, and /dev/zero does not end.
 */
static int
gz_open(const char *path, bool pipe, gzFile *ret)
{
	gzFile f;

	if (strcmp(path, "-") == 0 && pipe) {
		f = gzdopen(0, "rb");
	} else {
		if (file_is_dir(path))
			return -EISDIR;
		if (!pipe && file_is_special(path))
			return -EINVAL;
		f = gzopen(path, "rb");
	}
	if (f == NULL)
		return errno == 0 ? -ENOMEM : -errno;
	(void)gzbuffer(f, GZ_BUFFER);
	*ret = f;
	return 0;
}

static int
gz_read(void *arg, char *dst, size_t cap, size_t *ret_n)
{
	gzFile f = arg;
	int n = gzread(f, dst, (unsigned)min_size(cap, 1 << 30)), e = 0;

	if (n >= 0) {
		*ret_n = (size_t)n;
		return 0;
	}
	(void)gzerror(f, &e);
	return e == Z_ERRNO && errno != 0 ? -errno : SE_FORMAT;
}

int
zone_text_read(void *arg, char *dst, size_t cap, size_t *ret_n)
{
	struct zone_text *t = arg;
	struct sv s = sv_take(t->rest, cap);

	if (s.n > 0)
		memcpy(dst, s.p, s.n);
	t->rest = sv_skip(t->rest, s.n);
	*ret_n = s.n;
	return 0;
}

/* A relative path begins at the folder of the file that names it. */
static int
include_open(void *arg, struct sv path, void **ret)
{
	struct sv from = sv_str(arg);
	size_t slash = sv_rfind(from, '/');
	char full[PATH_LEN_MAX];
	gzFile f = NULL;
	int n, rc;

	if (path.n == 0 || path.p[0] == '/' || slash == from.n)
		n = snprintf(full, sizeof(full), "%.*s", SV_ARG(path));
	else
		n = snprintf(full, sizeof(full), "%.*s%.*s", (int)slash + 1, from.p, SV_ARG(path));
	if (n < 0 || (size_t)n >= sizeof(full) || (rc = gz_open(full, false, &f)) < 0)
		return n < 0 || (size_t)n >= sizeof(full) ? -ENAMETOOLONG : rc;
	*ret = f;
	return 0;
}

static void
include_close(void *arg, void *file)
{
	(void)arg;
	(void)gzclose_r(file);
}

/* The zone's name is known, or the first record is the SOA and says it. */
static int
apex_of(const struct zone_file_opts *o, const struct dname *named, const struct dns_rr *rr,
    struct dname *ret)
{
	if (o->apex != NULL)
		*ret = *o->apex;
	else if (rr->type == RR_SOA)
		*ret = *rr->owner;
	else if (named != NULL)
		*ret = *named;
	else
		return SE_USAGE;
	return 0;
}

static int
records_read(struct zonefile *zf, const struct zone_file_opts *o, const struct dname *named,
    struct findings *fs, struct zone **ret)
{
	_cleanup_(zone_builder_freep) struct zone_builder *b = NULL;
	struct dname apex;
	struct dns_rr rr;
	int rc;

	while ((rc = zonefile_next(zf, &rr)) == 1) {
		if (b == NULL) {
			if ((rc = apex_of(o, named, &rr, &apex)) < 0)
				return rc;
			if ((b = zone_builder_new(&apex, fs)) == NULL)
				return -ENOMEM;
		}
		if ((rc = zone_builder_add(b, &rr)) < 0)
			return rc;
	}
	if (rc < 0)
		return rc;
	if (b != NULL)
		return zone_builder_done(b, ret);
	if (o->apex == NULL && named == NULL)
		return SE_USAGE;
	*ret = zone_new(o->apex != NULL ? o->apex : named);
	return *ret == NULL ? -ENOMEM : 0;
}

int
zone_file_read(const char *path, const struct zone_file_opts *o, struct findings *fs,
    struct zone **ret)
{
	struct zonefile_opts zo = { .origin = DNAME_ROOT, .name = base_name(path),
		.has_ttl = o->ttl > 0, .ttl = o->ttl };
	_cleanup_(zonefile_freep) struct zonefile *zf = NULL;
	struct dname named;
	bool has_name = zone_file_apex(path, &named) == 0;
	gzFile f = NULL;
	int rc;

	if (o->apex != NULL)
		zo.origin = *o->apex;
	else if (has_name)
		zo.origin = named;
	if (o->include) {
		zo.include_open = include_open;
		zo.include_close = include_close;
		zo.include_arg = (void *)(uintptr_t)path;
	}
	if ((rc = gz_open(path, o->pipe, &f)) < 0)
		return rc;
	if ((zf = zonefile_new(&zo, gz_read, f, fs)) == NULL)
		rc = -ENOMEM;
	else
		rc = records_read(zf, o, has_name ? &named : NULL, fs, ret);
	(void)gzclose_r(f);
	return rc;
}

/* --- writing --- */

int
zone_file_write(const char *path, const struct zone *z, unsigned flags)
{
	_cleanup_(atomicfile_done) struct atomicfile f;
	struct buf b = BUF_SINK(fd_write_all, &f.fd);
	int rc = atomicfile_open(&f, path);

	if (rc < 0)
		return rc;
	zone_print(&b, z, flags);
	rc = buf_flush(&b);
	buf_done(&b);
	return rc < 0 ? rc : atomicfile_commit(&f);
}
