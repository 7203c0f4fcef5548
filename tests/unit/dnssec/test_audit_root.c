/* Real root zones, at their dates, with their anchors: clean. And what is not: every class of fault in each. */
#include <stdio.h>
#include <stdlib.h>
#include <zlib.h>

#include "audit_kit.h"

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

/* --- every class of fault, in each zone --- */

/* "%" is each of the names, "$" each type that is signed there. Nobody has the root's private keys: what
 * was changed is, beside its own fault, no longer what was signed. */
static const char *const names[] = { "@", "com", "jp", "arpa" };
static const struct fault {
	const char	*class, *script;
	enum audit_code	 code;
	bool		 below;			/* not at the apex */
} faults[] = {
	{ "corrupt", "flip % $", DNS_SIG_BAD, false },
	{ "corrupt", "patch % $ 18 056C6F63616C00", DNS_SIG_SIGNER, false },	/* "local." */
	{ "corrupt", "add com DS 1 8 2 000102030405060708090A0B0C0D0E0F101112131415161718191A1B1C1D1E1F",
	    DNS_SIG_BAD, false },
	{ "corrupt", "add @ NS ns.example.", DNS_SIG_BAD, false },
	{ "expired", "patch % $ 8 40000000;patch % $ 12 3F000000", DNS_SIG_EXPIRED, false },
	{ "expired", "patch % $ 8 70000000;patch % $ 12 6F000000", DNS_SIG_EARLY, false },
	{ "missing", "unsign % $", DNS_SIG_MISSING, false },
	{ "missing", "drop % NSEC", DNS_DENIAL_MISSING, false },
	{ "missing", "drop com DS", DNS_BITMAP_EXTRA, false },
	{ "missing", "drop @ DNSKEY", DNS_DNSKEY_MISSING, false },
	{ "wrong key", "patch % $ 16 0001", DNS_SIG_NO_KEY, false },
	{ "wrong key", "patch % $ 2 0D", DNS_SIG_NO_KEY, false },
	{ "ttl", "ttl % $ 60", DNS_SIG_TTL_ORIGINAL, false },
	{ "ttl", "sigttl % $ 60", DNS_SIG_TTL, false },
	{ "bitmap", "n1 % types=NS,RRSIG,NSEC", DNS_BITMAP_MISSING, false },
	{ "bitmap", "n1 % types=NS,DS,TXT,RRSIG,NSEC", DNS_BITMAP_EXTRA, false },
	{ "chain", "n1 % next=zw", DNS_CHAIN_GAP, false },
	{ "chain", "n1 % next=nothere", DNS_CHAIN_NEXT, false },
	{ "chain", "n1 % next=aaa", DNS_CHAIN_LOOP, true },
	{ "chain", "n1 % next=@", DNS_CHAIN_GAP, false },
	{ "chain", "node %", DNS_CHAIN_NEXT, true },
	{ "extra name", "add nothere TXT x", DNS_DENIAL_MISSING, false },
	{ "extra name", "add nothere NS ns.nic.jp.", DNS_DENIAL_MISSING, false },
	{ "extra name", "add nothere NSEC zw. TXT RRSIG NSEC", DNS_DENIAL_EXTRA, false },
	{ "extra name", "add a.nothere NSEC3 1 0 0 - 0p9mhaveqvm6t7vbl5lop2u3t2rp3tom A", DNS_DENIAL_EXTRA, false },
};
/* The DS class is of what vouches for the keys: test_root() has one, these the others. */
static const struct {
	const char	*ds;
	enum audit_code	 code;
} ds_faults[] = {
	{ "19036 8 2 0000000000000000000000000000000000000000000000000000000000000000", DNS_DS_MISMATCH },
	{ "20326 8 2 0000000000000000000000000000000000000000000000000000000000000000", DNS_DS_MISMATCH },
	{ "20326 13 2 E06D44B80B8F1D39A95C0B0D7C65D08458E880409BBC683457104237C7F8EC8D", DNS_DS_MISMATCH },
};

static void
expand(const char *script, const char *name, const char *type, char *dst, size_t n)
{
	size_t len = 0;

	for (; *script != '\0'; script++) {
		const char *put = *script == '%' ? name : *script == '$' ? type : NULL;
		int k = put != NULL ? snprintf(dst + len, n - len, "%s", put) :
		    snprintf(dst + len, n - len, "%c", *script);

		assert_true(k > 0 && (size_t)k < n - len);
		len += (size_t)k;
	}
}

struct root_kit {
	struct audit_kit	 k;
	struct zone		*z;
	struct audit_result	*good;
};

/* By the gate, which asks for the whole where it cannot tell; the first of each fault wholly anyway. */
static void
spoil(struct root_kit *rk, const struct fault *f, const char *name, const char *type, bool whole)
{
	_cleanup_(audit_result_freep) struct audit_result *r = NULL, *all = NULL;
	char script[256];
	struct zone *z;

	expand(f->script, name, type, script, sizeof(script));
	z = kit_script(&rk->k, rk->z, script);
	assert_int_equal(audit_change(rk->z, rk->good, z, &rk->k.opts, &r), 0);
	if (r->state != AUDIT_AGAIN && (r->state != AUDIT_BAD || !audit_has(r, f->code)))
		fail_msg("%s, \"%s\": no %s by the gate", f->class, script, audit_rows[f->code].code);
	if (whole || r->state == AUDIT_AGAIN)
		assert_int_equal(audit_zone(z, &rk->k.opts, &all), 0);
	if (all != NULL && (all->state != AUDIT_BAD || !audit_has(all, f->code)))
		fail_msg("%s, \"%s\": no %s", f->class, script, audit_rows[f->code].code);
	(void)zone_unref(z);
}

/* How often it was tried. */
static unsigned
fault_everywhere(struct root_kit *rk, const struct fault *f)
{
	bool each = strchr(f->script, '%') != NULL, typed = strchr(f->script, '$') != NULL;
	unsigned n = 0;

	for (size_t i = 0; i < (each ? ARRAY_LEN(names) : 1); i++) {
		struct kit_at at = kit_at(&rk->k, sv_str(names[i]));
		const struct znode *node = zone_find(rk->z, ZONE_NAMES, kit_at_key(&at));
		char type[RRTYPE_STRLEN];
		struct zrrset set;
		size_t pos = 0;

		assert_non_null(node);
		if (f->below && i == 0)
			continue;
		while (znode_next(node, &pos, &set)) {
			if (set.n_sigs == 0 && typed)
				continue;
			spoil(rk, f, names[i], rrtype_str(set.type, type), n++ == 0);
			if (!typed)
				break;
		}
	}
	return n;
}

static void
test_faults(void **state)
{
	static uint8_t rdata[DNS_RDATA_MAX];
	struct root_kit rk = { .k.anchor = { RR_DS, { (const char *)rdata, 0 } },
	    .k.opts = { .anchors = &rk.k.anchor, .n_anchors = 1 } };

	(void)state;
	rk.k.apex = DNAME_ROOT;
	for (unsigned i = 0; i < ARRAY_LEN(roots); i++) {
		unsigned n = 0;

		if ((rk.z = root_read(&roots[i])) == NULL)
			skip();
		rk.k.opts.now = roots[i].now;
		assert_int_equal(rdata_parse(RR_DS, sv_str(roots[i].ds), &rk.k.apex, rdata, &rk.k.anchor.rdata.n), 0);
		check(rk.z, roots[i].now, roots[i].ds, AUDIT_GOOD, 0, &rk.good);
		for (size_t j = 0; j < ARRAY_LEN(faults); j++)
			n += fault_everywhere(&rk, &faults[j]);
		for (size_t j = 0; j < ARRAY_LEN(ds_faults); j++)
			check(rk.z, roots[i].now, ds_faults[j].ds, AUDIT_BAD, ds_faults[j].code, NULL);
		print_message("# %s: %u faults\n", roots[i].file, n);
		(void)audit_result_free(rk.good);
		(void)zone_unref(rk.z);
	}
}

TESTS_MAIN("dnssec/audit_root", T(test_root), T(test_faults))
