/*
 * Zone text (the first octet says in what portions it comes; a file that is
 * included is the text itself): what is read can be printed and read as the
 * same, however the text is cut; and each fault is a finding.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "dns/dns.h"

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

struct text {
	struct sv	all, rest;
	size_t		portion;
	struct text	*next;		/* open ones, to be closed */
};

static int
text_read(void *arg, char *dst, size_t cap, size_t *ret_n)
{
	struct text *t = arg;

	*ret_n = min_size(min_size(cap, t->portion), t->rest.n);
	if (*ret_n > 0)
		memcpy(dst, t->rest.p, *ret_n);
	t->rest = sv_skip(t->rest, *ret_n);
	return 0;
}

static int
include_open(void *arg, struct sv path UNUSED, void **ret)
{
	const struct text *top = arg;
	struct text *t = malloc(sizeof(*t));

	if (t == NULL)
		abort();
	*t = (struct text){ .all = top->all, .rest = top->all, .portion = top->portion };
	*ret = t;
	return 0;
}

static void
include_close(void *arg UNUSED, void *file)
{
	free(file);
}

/* The records' text; *ret_faults: how many REJECTs. */
static struct buf
zone_read(struct sv text, size_t portion, bool include, uint64_t *ret_faults)
{
	struct text t = { .all = text, .rest = text, .portion = portion };
	struct zonefile_opts o = { .origin = { .len = 9, .w = "\7example" }, .name = SV("fuzz"),
		.include_close = include_close, .include_arg = &t };
	_cleanup_(pool_freep) struct pool *pool = pool_new(1 << 20);
	_cleanup_(zonefile_freep) struct zonefile *z = NULL;
	struct buf b = BUF_INIT;
	struct findings fs;
	struct dns_rr rr;
	int rc;

	if (pool == NULL)
		abort();
	findings_init(&fs, pool);
	if (include)
		o.include_open = include_open;
	if ((z = zonefile_new(&o, text_read, &t, &fs)) == NULL)
		abort();
	while ((rc = zonefile_next(z, &rr)) == 1) {
		if (!rdata_ok(rr.type, rr.rdata) || rr.ttl > INT32_MAX || rr.line == 0)
			abort();
		rr_print(&b, &rr);
	}
	if (rc != 0 || fs.n_dropped > 0)
		abort();
	*ret_faults = fs.n_by_severity[SEV_REJECT];
	return b;
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
	struct sv text = { (const char *)bytes + 1, n - 1 };
	uint64_t faults[3];
	struct buf once, twice, again;

	if (n < 1)
		return 0;
	once = zone_read(text, SIZE_MAX, true, &faults[0]);
	twice = zone_read(text, 1u + bytes[0], true, &faults[1]);
	again = zone_read(buf_get(&once), SIZE_MAX, false, &faults[2]);
	if (faults[0] != faults[1] || faults[2] != 0 || !sv_eq(buf_get(&once), buf_get(&twice)) ||
	    !sv_eq(buf_get(&once), buf_get(&again)))
		abort();
	buf_done(&once);
	buf_done(&twice);
	buf_done(&again);
	return 0;
}
