/*
 * Zone text, audited at a fixed time; behind a line ";;" a second version. It ends, and
 * the gate from the first to the second says what a full audit says.
 * Most inputs are audited when all signatures have ended: arithmetic is not what is fuzzed.
 */
#include <stdlib.h>
#include <string.h>

#include "dns/zone.h"
#include "dnssec/audit.h"

#define NOW	1780000000	/* the seeds are signed around it, for two months */
#define TEXT_MAX (64 * 1024)

int	 LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static int
text_read(void *arg, char *dst, size_t cap, size_t *ret_n)
{
	struct sv *rest = arg;

	*ret_n = min_size(cap, rest->n);
	if (*ret_n > 0)
		memcpy(dst, rest->p, *ret_n);
	*rest = sv_skip(*rest, *ret_n);
	return 0;
}

static struct zone *
zone_of(struct sv text, struct findings *fs)
{
	struct zonefile_opts opts = { .name = SV("fuzz"), .has_ttl = true, .ttl = 3600 };
	struct zone *z = NULL;
	struct dns_rr rr;

	if (dname_parse(SV("example."), NULL, &opts.origin) < 0)
		abort();
	_cleanup_(zonefile_freep) struct zonefile *f = zonefile_new(&opts, text_read, &text, fs);
	_cleanup_(zone_builder_freep) struct zone_builder *b = zone_builder_new(&opts.origin, fs);
	if (f == NULL || b == NULL)
		return NULL;
	while (zonefile_next(f, &rr) > 0)
		if (zone_builder_add(b, &rr) < 0)
			return NULL;
	return zone_builder_done(b, &z) < 0 ? NULL : z;
}

static struct audit_result *
audited(struct zone *z, const struct audit_opts *opts, struct findings *fs)
{
	struct audit_result *r = NULL;

	if (audit_zone(z, opts, &r) < 0)
		return NULL;
	audit_findings(r, fs);
	return r;
}

/* From one version to the next, if the first passed. */
static void
gate(struct zone *old, struct zone *new, const struct audit_opts *opts, struct findings *fs)
{
	_cleanup_(audit_result_freep) struct audit_result *passed = audited(old, opts, fs);
	_cleanup_(audit_result_freep) struct audit_result *full = audited(new, opts, fs);
	_cleanup_(audit_result_freep) struct audit_result *r = NULL;

	if (passed == NULL || full == NULL || audit_change(old, passed, new, opts, &r) < 0)
		return;
	if (passed->state != AUDIT_GOOD && r->state == AUDIT_GOOD)
		abort();
	if (r->state != AUDIT_AGAIN && (r->state == AUDIT_BAD) != (full->state == AUDIT_BAD))
		abort();
}

/* One in 64; the seeds' last line makes them so (FNV-1a). */
static bool
is_for_gate(const uint8_t *data, size_t n)
{
	uint32_t h = 2166136261u;

	for (size_t i = 0; i < n; i++)
		h = (h ^ data[i]) * 16777619u;
	return h >> 26 == 0;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static const char cut[] = "\n;;\n";
	struct sv text = { (const char *)data, min_size(n, TEXT_MAX) }, second;
	const char *at = memmem(text.p, text.n, cut, sizeof(cut) - 1);
	struct audit_opts opts = { .now = NOW };
	_cleanup_(pool_freep) struct pool *pool = pool_new(16 * 1024 * 1024);
	struct findings fs;

	if (pool == NULL)
		return 0;
	findings_init(&fs, pool);
	second = at == NULL ? text : sv_skip(text, (size_t)(at - text.p) + 1);
	text.n = at == NULL ? text.n : (size_t)(at - text.p);
	_cleanup_(zone_unrefp) struct zone *old = zone_of(text, &fs), *new = zone_of(second, &fs);
	if (old == NULL || new == NULL)
		return 0;
	if (is_for_gate(data, n)) {
		gate(old, new, &opts, &fs);
		return 0;
	}
	opts.now += 365 * 86400;
	(void)audit_result_free(audited(new, &opts, &fs));
	return 0;
}
