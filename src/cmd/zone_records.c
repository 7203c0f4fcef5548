#include "cmd/zone.h"
#include "cmd/zone_records.h"

#include <errno.h>

#include "app/zone_file.h"
#include "base/err.h"
#include "base/finding.h"
#include "sys/file.h"

#define RECORDS_FILE_MAX	((size_t)1 << 30)	/* bytes: a zone of some million names, signed */

static bool
is_wanted(const struct dns_rr *rr, const struct dname *zone, uint16_t type)
{
	/* RFC 4034 section 3.1: what an RRSIG covers stands in its first two octets. */
	return rr->type == type && rr->class == DNS_CLASS_IN && dname_eq(rr->owner, zone) &&
	    (type != RR_RRSIG || (rr->rdata.n > 2 && rr->rdata.p[0] == 0 && rr->rdata.p[1] == RR_DNSKEY));
}

static int
records_take(struct pool *pool, struct zonefile *zf, const struct dname *zone, uint16_t type,
    struct zone_records *ret)
{
	struct dns_rr rr;
	int rc;

	while ((rc = zonefile_next(zf, &rr)) == 1) {
		if (!is_wanted(&rr, zone, type))
			continue;
		if (ret->n == ZONE_RECORDS_MAX)
			return SE_LIMIT;
		ret->ttl = rr.ttl;
		ret->rdata[ret->n] = pool_sv(pool, rr.rdata);
		if (ret->rdata[ret->n++].p == NULL)
			return -ENOMEM;
	}
	return rc;
}

int
zone_records_read(struct pool *pool, const char *path, const struct dname *zone, uint16_t type,
    struct zone_records *ret)
{
	struct zonefile_opts o = { .origin = *zone, .name = sv_str(path), .has_ttl = true };
	_cleanup_(zonefile_freep) struct zonefile *zf = NULL;
	struct file_map map;
	struct zone_text t;
	struct findings fs;
	int rc = file_map(path, RECORDS_FILE_MAX, &map);

	*ret = (struct zone_records){ .n = 0 };
	if (rc < 0)
		return rc;
	findings_init(&fs, pool);
	t.rest = map.data;
	zf = zonefile_new(&o, zone_text_read, &t, &fs);
	rc = zf == NULL ? -ENOMEM : records_take(pool, zf, zone, type, ret);
	file_unmap(&map);
	return rc == 0 && findings_reject(&fs) ? SE_SYNTAX : rc;
}

int
zone_records_get(const struct cmd_ctx *ctx, struct pool *pool, const char *path, const struct dname *zone,
    uint16_t type, struct zone_records *ret)
{
	int rc = zone_records_read(pool, path, zone, type, ret);

	if (rc == 0)
		return 0;
	cmd_err(tr(ctx->lang, N_("cannot read %s: %s")), path, zone_read_why(ctx, rc));
	return EXIT_CANNOT;
}
