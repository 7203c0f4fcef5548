/*
 * zonetext_dump ORIGIN TTL FILE...: what our reader reads, in the form of
 * zscan_dump.c; "p TEXT" behind each record is the record printed.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "dns/dns.h"

static int
file_read(void *arg, char *dst, size_t cap, size_t *ret_n)
{
	*ret_n = fread(dst, 1, cap, arg);
	return ferror((FILE *)arg) ? -EIO : 0;
}

static int
include_open(void *arg, struct sv path, void **ret)
{
	char name[4096];

	(void)snprintf(name, sizeof(name), "%s/%.*s", (const char *)arg, SV_ARG(path));
	*ret = fopen(name, "rb");
	return *ret == NULL ? -ENOENT : 0;
}

static void
include_close(void *arg UNUSED, void *file)
{
	(void)fclose(file);
}

static void
hex(const void *bytes, size_t n)
{
	const uint8_t *p = bytes;

	if (n == 0)
		putchar('-');
	for (size_t i = 0; i < n; i++)
		printf("%02x", p[i]);
}

static void
record(const struct dns_rr *rr)
{
	_cleanup_(buf_done) struct buf b = BUF_INIT;

	printf("r ");
	hex(rr->owner->w, rr->owner->len);
	printf(" %u %u %u ", rr->type, rr->class, rr->ttl);
	hex(rr->rdata.p, rr->rdata.n);
	rr_print(&b, rr);
	printf("\np %.*s", SV_ARG(buf_get(&b)));
}

static void
faults(const struct findings *fs)
{
	for (const struct finding *f = fs->head; f != NULL; f = f->next) {
		_cleanup_(buf_done) struct buf b = BUF_INIT;

		finding_text(&b, f, LANG_EN);
		printf("e %llu %s %.*s\n", (unsigned long long)f->args[1].u, f->def->code,
		    SV_ARG(buf_get(&b)));
	}
}

static int
dump(struct zonefile_opts *o, const char *path)
{
	_cleanup_(zonefile_freep) struct zonefile *z = NULL;
	_cleanup_(pool_freep) struct pool *pool = pool_new(1 << 20);
	FILE *f = fopen(path, "rb");
	struct findings fs;
	struct dns_rr rr;
	int rc;

	if (pool == NULL || f == NULL)
		return 2;
	findings_init(&fs, pool);
	o->name = sv_str(path);
	if ((z = zonefile_new(o, file_read, f, &fs)) == NULL)
		return 2;
	printf("= %s\n", path);
	while ((rc = zonefile_next(z, &rr)) == 1)
		record(&rr);
	faults(&fs);
	(void)fclose(f);
	return rc < 0 ? 2 : 0;
}

int
main(int argc, char **argv)
{
	char folder[4096];
	struct zonefile_opts o = { .has_ttl = true, .include_open = include_open,
		.include_close = include_close, .include_arg = folder };

	if (argc < 4 || dname_parse(sv_str(argv[1]), NULL, &o.origin) < 0 ||
	    ttl_parse(sv_str(argv[2]), &o.ttl) < 0)
		return 2;
	for (int i = 3; i < argc; i++) {
		char *slash = strrchr(argv[i], '/');

		(void)snprintf(folder, sizeof(folder), "%.*s",
		    slash == NULL ? 1 : (int)(slash - argv[i]), slash == NULL ? "." : argv[i]);
		if (dump(&o, argv[i]) != 0)
			return 2;
	}
	return 0;
}
