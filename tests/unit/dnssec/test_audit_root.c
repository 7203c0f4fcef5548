/* Real root zones, at their dates, with their anchors: clean. And what is not. */
#include <stdio.h>
#include <stdlib.h>
#include <zlib.h>

#include "dns/zone.h"
#include "dnssec/audit.h"
#include "../tap.h"

#define DS_2010	"19036 8 2 49AAC11D7B6F6446702E54A1607371607A1A41855200FD2CE1CDDE32F24E8FB5"
#define DS_2017	"20326 8 2 E06D44B80B8F1D39A95C0B0D7C65D08458E880409BBC683457104237C7F8EC8D"
#define AT_2017	1503345600	/* 2017-08-21T20:00:00Z */
#define AT_2020	1603137600	/* 2020-10-19T20:00:00Z */

struct root {
	const char	*file;
	int64_t		 now;
	const char	*ds;
	uint64_t	 n_delegations;
};

static const struct root roots[] = {
	{ "root-20170821.zone.gz", AT_2017, DS_2010, 1547 },
	{ "root-20201019.zone.gz", AT_2020, DS_2017, 1508 },
};

static int
gz_read(void *arg, char *dst, size_t cap, size_t *ret_n)
{
	int n = gzread(arg, dst, (unsigned)cap);

	if (n < 0)
		return -5;
	*ret_n = (size_t)n;
	return 0;
}

/* NULL: the data are not here. */
static struct zone *
root_read(const struct root *r)
{
	_cleanup_(pool_freep) struct pool *pool = pool_new(1 << 20);
	struct zonefile_opts opts = { .origin = DNAME_ROOT, .name = SV("root") };
	const char *data = getenv("SEKISHO_DATA"), *src = getenv("SEKISHO_SRC");
	struct zone *z = NULL;
	struct findings fs;
	struct dns_rr rr;
	char path[1024];
	gzFile f;
	int rc;

	if (data != NULL)
		(void)snprintf(path, sizeof(path), "%s/dns/zones/%s", data, r->file);
	else
		(void)snprintf(path, sizeof(path), "%s/../shared/data/dns/zones/%s",
		    src == NULL ? "." : src, r->file);
	if ((f = gzopen(path, "rb")) == NULL)
		return NULL;
	findings_init(&fs, pool);
	_cleanup_(zonefile_freep) struct zonefile *text = zonefile_new(&opts, gz_read, f, &fs);
	_cleanup_(zone_builder_freep) struct zone_builder *b = zone_builder_new(&opts.origin, &fs);
	while ((rc = zonefile_next(text, &rr)) > 0)
		assert_int_equal(zone_builder_add(b, &rr), 0);
	assert_int_equal(rc, 0);
	assert_false(findings_reject(&fs));
	assert_int_equal(zone_builder_done(b, &z), 0);
	(void)gzclose(f);
	return z;
}

static void
check(struct zone *z, int64_t now, const char *ds, enum audit_state state, enum audit_code reject,
    struct audit_result **ret)
{
	struct dname apex = DNAME_ROOT;
	static uint8_t rdata[DNS_RDATA_MAX];
	struct audit_anchor anchor = { RR_DS, { (const char *)rdata, 0 } };
	struct audit_opts opts = { .now = now, .anchors = &anchor, .n_anchors = 1 };
	struct audit_result *r = NULL;

	assert_int_equal(rdata_parse(RR_DS, sv_str(ds), &apex, rdata, &anchor.rdata.n), 0);
	assert_int_equal(audit_zone(z, &opts, &r), 0);
	assert_int_equal(r->state, state);
	for (size_t i = 0; i < r->n_groups; i++)
		if (audit_rows[r->groups[i].code].severity == SEV_REJECT)
			assert_int_equal(r->groups[i].code, reject);
	assert_true(state == AUDIT_GOOD || audit_has(r, reject));
	if (ret != NULL)
		*ret = r;
	else
		(void)audit_result_free(r);
}

static void
test_root(void **state)
{
	(void)state;
	for (unsigned i = 0; i < ARRAY_LEN(roots); i++) {
		_cleanup_(zone_unrefp) struct zone *z = root_read(&roots[i]);
		_cleanup_(audit_result_freep) struct audit_result *r = NULL;

		if (z == NULL)
			skip();
		check(z, roots[i].now, roots[i].ds, AUDIT_GOOD, 0, &r);
		assert_int_equal(r->counts.n_delegations, roots[i].n_delegations);
		assert_int_equal(r->n_by_severity[SEV_WARN], 0);
		assert_int_equal(r->denial, AUDIT_NSEC);
		/* A month later, a month before, and under the other's anchor. */
		check(z, roots[i].now + 30 * 86400, roots[i].ds, AUDIT_BAD, DNS_SIG_EXPIRED, NULL);
		check(z, roots[i].now - 60 * 86400, roots[i].ds, AUDIT_BAD, DNS_SIG_EARLY, NULL);
		check(z, roots[i].now, i == 0 ? DS_2017 : DS_2010, AUDIT_BAD,
		    i == 0 ? DNS_DS_SILENT : DNS_DS_MISMATCH, NULL);
	}
}

TESTS_MAIN("dnssec/audit_root", T(test_root))
