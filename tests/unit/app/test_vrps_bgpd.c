/* Sets of bgpd.conf, and which lists a file of payloads has. */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "../tap.h"
#include "app/vrps_bgpd.h"
#include "app/watch_compare.h"
#include "app/watch_source.h"
#include "base/err.h"
#include "base/timefmt.h"

static void
sets(void **state UNUSED)
{
	struct payloads p = { 0 };
	uint64_t line;

	assert_int_equal(vrps_bgpd_read(SV("# made by hand\nroa-set {\n"
	    "\t192.0.2.0/24 maxlen 25 source-as 64496 expires 1753530481\n"
	    "\t2001:db8::/32 source-as 0\n}\n\n"
	    "aspa-set {\n\tcustomer-as 64496 expires 7 provider-as { 64497, 64498 }\n"
	    "\tcustomer-as 64499 provider-as { 0 }\n}\n"), &p, &line), 0);
	assert_int_equal(p.n_vrps, 2);
	assert_int_equal(p.vrps[0].max_len, 25);
	assert_int_equal(p.vrps[0].asn, 64496);
	assert_true(p.vrps[0].expires == 1753530481);
	assert_int_equal(p.vrps[1].max_len, 32);
	assert_true(p.vrps[1].expires == TIME_NEVER);
	assert_int_equal(p.n_aspas, 2);
	assert_int_equal(p.aspas[0].n_providers, 2);
	assert_int_equal(p.aspas[0].providers[1], 64498);
	assert_int_equal(p.aspas[1].providers[0], 0);
	assert_string_equal(p.tas[0], "-");
	payloads_done(&p);
}

static void
no_sets(void **state UNUSED)
{
	static const struct {
		const char	*text;
		uint64_t	 line;
	} bad[] = {
		{ "roa-set", 1 },
		{ "roa-set {\n192.0.2.0/24 source-as 1\n", 3 },
		{ "roa-set {\n192.0.2.1/24 source-as 1\n}", 2 },
		{ "roa-set {\n192.0.2.0/24 maxlen 23 source-as 1\n}", 2 },
		{ "roa-set {\n192.0.2.0/24 maxlen 33 source-as 1\n}", 2 },
		{ "roa-set {\n192.0.2.0/24\n}", 3 },
		{ "roa-set {\n192.0.2.0/24 source-as x }", 2 },
		{ "roa-set {\n192.0.2.0/24 source-as 1 expires -1 }", 2 },
		{ "roa-set { }\nprefix-set { }", 2 },
		{ "aspa-set { customer-as 1 }", 1 },
		{ "aspa-set { customer-as 1 provider-as { } }", 1 },
		{ "aspa-set { customer-as 1 provider-as { 2, x } }", 1 },
		{ "aspa-set { customer-as 1 provider-as { 2", 1 },
	};

	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		struct payloads p = { 0 };
		uint64_t line = 0;

		assert_true(vrps_bgpd_is(sv_str(bad[i].text)));
		assert_int_equal(vrps_bgpd_read(sv_str(bad[i].text), &p, &line), SE_SYNTAX);
		assert_int_equal(line, bad[i].line);
		payloads_done(&p);
	}
	assert_false(vrps_bgpd_is(SV("")));
	assert_false(vrps_bgpd_is(SV("{\"roas\":[]}")));
	assert_false(vrps_bgpd_is(SV("# roa-set {\n")));
	assert_false(vrps_bgpd_is(SV("ASN,IP Prefix,Max Length\n")));
}

/* More than one doubling of the room. */
static void
many(void **state UNUSED)
{
	_cleanup_(buf_done) struct buf b = BUF_INIT;
	struct payloads p = { 0 };
	uint64_t line;

	buf_str(&b, "roa-set {\n");
	for (unsigned i = 0; i < 1000; i++)
		buf_printf(&b, "10.%u.%u.0/24 source-as %u\n", i / 256, i % 256, i);
	buf_str(&b, "}\naspa-set { customer-as 1 provider-as {");
	for (unsigned i = 2; i < 500; i++)
		buf_printf(&b, " %u", i);
	buf_str(&b, " } }\n");
	assert_int_equal(vrps_bgpd_read(buf_get(&b), &p, &line), 0);
	assert_int_equal(p.n_vrps, 1000);
	assert_int_equal(p.vrps[999].asn, 999);
	assert_int_equal(p.aspas[0].n_providers, 498);
	payloads_done(&p);
}

/* --- what a file can tell --- */

#define VRP	(1u << WATCH_VRP)
#define ASPA	(1u << WATCH_ASPA)
#define KEY	(1u << WATCH_KEY)
#define SPKI	"MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEgFcjQ_g__LAQerAH2Mpp-GucoDAGBbhI" \
	"qD33wNPsXxnAGb-mtZ7XQrVO9DQ6UlAShtig5-QfEKpTtFgiqfiAFQ"
#define SKI	"XUJQ4tgdREjYop786R0p_wdeyeI"	/* 5D4250E2… */

static const struct {
	const char	*text, *format;
	unsigned	 kinds;
	size_t		 n_vrps, n_aspas, n_keys;
	uint64_t	 n_bad, n_filters;
} files[] = {
	{ "ASN,Prefix,Max prefix length\nAS1,10.0.0.0/8,8\n", "CSV", VRP, 1, 0, 0, 0, 0 },
	{ "roa-set {\n}\n", "OpenBGPD", VRP, 0, 0, 0, 0, 0 },
	{ "roa-set { }\naspa-set { customer-as 1 provider-as { 2 } }", "OpenBGPD", VRP | ASPA,
	    0, 1, 0, 0, 0 },
	{ "{\"roas\":[{\"asn\":\"AS1\",\"prefix\":\"10.0.0.0/8\",\"maxLength\":8},{}]}", "JSON",
	    VRP, 1, 0, 0, 1, 0 },
	{ "{\"roas\":[],\"aspas\":[],\"bgpsec_keys\":[]}", "JSON", VRP | ASPA | KEY, 0, 0, 0, 0, 0 },
	{ "{ \"router-keys\" : [ {\"asn\":\"AS7\",\"ski\":\"" SKI "\",\"spki\":\"" SPKI "\"} ]}",
	    "JSON", KEY, 0, 0, 1, 0, 0 },
	{ "{\"slurmVersion\":1,\"validationOutputFilters\":{\"prefixFilters\":[{\"asn\":1}],"
	    "\"bgpsecFilters\":[]},\"locallyAddedAssertions\":{\"prefixAssertions\":["
	    "{\"asn\":1,\"prefix\":\"10.0.0.0/8\",\"maxPrefixLength\":9}],\"bgpsecAssertions\":["
	    "{\"asn\":7,\"SKI\":\"" SKI "\",\"routerPublicKey\":\"" SPKI "\"}]}}", "SLURM",
	    VRP | KEY, 1, 0, 1, 0, 1 },
	{ "{\"slurmVersion\":2,\"locallyAddedAssertions\":{\"aspaAssertions\":["
	    "{\"customerAsn\":1,\"providerAsns\":[2,3]}]}}", "SLURM", ASPA, 0, 1, 0, 0, 0 },
};

static int
file_read_kinds(const char *text, struct payloads *p, struct watch_source *w)
{
	char path[] = "/tmp/sekisho-test-XXXXXX";
	struct pool *pool = pool_new(1 << 20);
	struct findings fs;
	int fd = mkstemp(path), rc;

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	assert_int_equal(close(fd), 0);
	findings_init(&fs, pool);
	rc = watch_source_read(path, &fs, p, w);
	(void)pool_free(pool);
	assert_int_equal(unlink(path), 0);
	return rc;
}

static void
kinds(void **state UNUSED)
{
	struct watch_source w;
	struct payloads p;

	for (size_t i = 0; i < ARRAY_LEN(files); i++) {
		assert_int_equal(file_read_kinds(files[i].text, &p, &w), 0);
		assert_string_equal(w.format, files[i].format);
		assert_int_equal(w.kinds, files[i].kinds);
		assert_int_equal(p.n_vrps, files[i].n_vrps);
		assert_int_equal(p.n_aspas, files[i].n_aspas);
		assert_int_equal(p.n_router_keys, files[i].n_keys);
		assert_int_equal(w.n_bad, files[i].n_bad);
		assert_int_equal(w.n_filters, files[i].n_filters);
		if (p.n_router_keys > 0)
			assert_int_equal(p.router_keys[0].ski[19], 0xe2);
		payloads_done(&p);
	}
	assert_int_equal(file_read_kinds("{\"slurmVersion\":1}", &p, &w), SE_FORMAT);
	payloads_done(&p);
	assert_int_equal(file_read_kinds("", &p, &w), SE_SYNTAX);
	payloads_done(&p);
	assert_int_equal(file_read_kinds("{\"locallyAddedAssertions\":{\"prefixAssertions\":[", &p, &w),
	    SE_SYNTAX);
	payloads_done(&p);
}

TESTS_MAIN("app vrps_bgpd", T(sets), T(no_sets), T(many), T(kinds))
