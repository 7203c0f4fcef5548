/* What people paste, and what single registries take. */
#include "../tap.h"
#include "base/err.h"
#include "dnssec/dnssec.h"
#include "dnssec/epp.h"
#include "dnssec/intake.h"
#include "dnssec/keystate.h"

#define DIGEST	"00112233445566778899AABBCCDDEEFF00112233445566778899AABBCCDDEEFF"
#define KEY	"W0KktCOOcQ0Zg5CE8YejASqYtkco3/ZRM5oshaUXmJj8jP9dEj5woDiY9PA2hZp+4ikmFUZkRz647XIKtW+Okg=="

struct read {
	struct pool		*pool;
	struct findings		 fs;
	struct dname		 zone;
	struct intake_record	 r[INTAKE_RECORDS_MAX];
	size_t			 n;
	int			 rc;
};

static void
read_init(struct read *r, const char *zone, struct sv text)
{
	*r = (struct read){ .pool = pool_new(1u << 20) };
	findings_init(&r->fs, r->pool);
	assert_int_equal(dname_parse(sv_str(zone), NULL, &r->zone), 0);
	r->rc = intake_text_parse(r->pool, &r->zone, text, &r->fs, r->r, &r->n);
}

/* These records as text, "DS …" or "DNSKEY …", and this code or none. */
static void
reads(const char *text, const char *want, const char *code)
{
	struct buf b = BUF_INIT;
	char type[RRTYPE_STRLEN];
	struct read r;

	read_init(&r, "example.jp.", sv_str(text));
	assert_int_equal(r.rc, 0);
	for (size_t i = 0; i < r.n; i++) {
		buf_printf(&b, "%s ", rrtype_str(r.r[i].type, type));
		rdata_print(&b, r.r[i].type, r.r[i].rdata);
		buf_char(&b, '\n');
	}
	buf_char(&b, '\0');
	assert_string_equal(b.p, want);
	assert_string_equal(r.fs.head == NULL ? "" : r.fs.head->def->code, code);
	buf_done(&b);
	r.pool = pool_free(r.pool);
}

static void
test_forms(void **state)
{
	const char *ds = "DS 60485 13 2 " DIGEST "\n", *key = "DNSKEY 257 3 13 " KEY "\n";

	(void)state;
	reads("60485 13 2 " DIGEST, ds, "");
	reads("DS 60485 13 2 " DIGEST, ds, "");
	reads("example.jp. IN DS 60485 13 2 " DIGEST "\r\n", ds, "");
	reads("Example.JP 3600 in ds 60485 13 2 00112233445566778899aabbccddeeff 00112233445566778899aabbccddeeff", ds, "");
	reads("@ 1d CDS 60485 13 2 " DIGEST " ; the new one", ds, "");
	reads("IN 3600 DS ( 60485 13 2\n  00112233445566778899AABBCCDDEEFF ; half\n  00112233445566778899AABBCCDDEEFF )\n", ds, "");
	reads("257 3 13 " KEY, key, "");
	reads("; key-signing key 63300, created 2026-11-22T17:39:11Z\nexample.jp. IN DNSKEY 257 3 13 " KEY "\n", key, "");
	reads("example.jp. CDNSKEY 257 3 13 " KEY "\n\n60485 13 2 " DIGEST, "DNSKEY 257 3 13 " KEY "\nDS 60485 13 2 " DIGEST "\n", "");
	reads("", "", "");
	reads("; nothing\n\n", "", "");
}

static void
test_labels(void **state)
{
	(void)state;
	reads("Key Tag: 60485\nAlgorithm: 13 (ECDSA P-256)\nDigest Type: 2 - SHA-256\nDigest: " DIGEST "\n",
	    "DS 60485 13 2 " DIGEST "\n", "");
	reads("keyTag:60485\n\ndigest-type: 2\ndigest: " DIGEST "\nalgorithm: 13\nFlags: 257\nprotocol: 3\nAlgorithm: 13\nPublic Key: " KEY "\n",
	    "DS 60485 13 2 " DIGEST "\nDNSKEY 257 3 13 " KEY "\n", "");
	reads("Key Tag: 60485\nAlgorithm: 13\n", "", "INTAKE_FORM");
	reads("Key Tag: 60485\nAlgorithm:\nDigest Type: 2\nDigest: " DIGEST "\n", "", "INTAKE_FORM");
}

/* What signers, dig, pages and APIs give out; blanks that nobody sees; names for numbers. */
static void
test_pasted(void **state)
{
	const char *ds = "DS 60485 13 2 " DIGEST "\n", *key = "DNSKEY 257 3 13 " KEY "\n";

	(void)state;
	reads("; <<>> DiG 9.18.24 <<>> example.jp DNSKEY +dnssec +multiline\n;; flags: qr aa\n\n;; ANSWER SECTION:\n"
	    "example.jp.\t3600 IN DNSKEY 257 3 13 (\n\t\t\t\t" KEY "\n\t\t\t\t) ; KSK; alg = ECDSAP256SHA256 ; key id = 60485\n"
	    "example.jp.\t3600 IN RRSIG DNSKEY 13 2 3600 (\n\t20261206000000 20261122000000 60485 example.jp.\n\tAAAA )\n",
	    key, "INTAKE_SKIPPED");
	reads("DS = example.jp. IN DS 60485 13 2 " DIGEST " ; ( SHA256 digest )\n"
	    "CSK DNSKEY = example.jp. IN DNSKEY 257 3 13 " KEY " ; ( ECDSAP256SHA256 )\n",
	    "DS 60485 13 2 " DIGEST "\nDNSKEY 257 3 13 " KEY "\n", "");
	reads("DS Record: example.jp. 3600 IN DS 60485 13 2 " DIGEST, ds, "");
	reads("\xef\xbb\xbf" "60485\xc2\xa0" "13\xe3\x80\x80" "2 " DIGEST "\xe2\x80\x8b\n", ds, "");
	reads("Key ID: 60485\nAlgorithm: ECDSA Curve P-256 with SHA-256 (13)\nDigest Algorithm: SHA-256\nDigest: " DIGEST "\n", ds, "");
	reads("Key Tag: 60485\nAlgorithm: ECDSAP256SHA256\nDigest Type: sha256\nDigest: " DIGEST "\n", ds, "");
	reads("Flags: 257 (KSK)\nProtocol: 3\nAlgorithm: 13\nPublic Key: " KEY "\n", key, "");
	reads("Key Tag: 60485\nAlgorithm: nothing that we know\nDigest Type: 2\nDigest: " DIGEST "\n", "", "INTAKE_FORM");
}

static void
test_json(void **state)
{
	const char *ds = "DS 60485 13 2 " DIGEST "\n", *both = "DS 60485 13 2 " DIGEST "\nDNSKEY 257 3 13 " KEY "\n";

	(void)state;
	reads("{\"keyTag\":60485,\"algorithm\":13,\"digestType\":2,\"digest\":\"" DIGEST "\"}", ds, "");
	/* RDAP (RFC 9083 section 5.3) */
	reads("{\"objectClassName\":\"domain\",\"ldhName\":\"example.jp\",\"secureDNS\":{\"delegationSigned\":true,\"dsData\":"
	    "[{\"keyTag\":60485,\"algorithm\":13,\"digestType\":2,\"digest\":\"" DIGEST "\",\"events\":[{\"eventAction\":\"x\"}]}],"
	    "\"keyData\":[{\"flags\":257,\"protocol\":3,\"publicKey\":\"" KEY "\",\"algorithm\":13}]}}", both, "");
	/* An API that says all of it, in strings, with escaped slashes; no protocol. */
	reads("{\"result\":{\"algorithm\":\"13\",\"digest\":\"" DIGEST "\",\"digest_algorithm\":\"SHA256\",\"digest_type\":\"2\","
	    "\"flags\":257,\"key_tag\":60485,\"key_type\":\"ECDSAP256SHA256\",\"public_key\":\"W0KktCOOcQ0Zg5CE8YejASqYtkco3\\/ZRM5oshaUXmJj8jP9dEj5woDiY9PA2hZp+4ikmFUZkRz647XIKtW+Okg==\"},"
	    "\"errors\":[],\"success\":true}", both, "");
	/* Records as text. */
	reads("{\"ds\":[\"60485 13 2 " DIGEST "\"],\"dnskey\":\"257 3 13 " KEY "\"}", both, "");
	reads("[ { \"DSRecord\" : \"example.jp. 3600 IN DS 60485 13 2 " DIGEST "\" } ]", ds, "");
	/* DNS over HTTPS: the signature beside it is left out. */
	reads("{\"Answer\":[{\"name\":\"example.jp.\",\"type\":43,\"TTL\":60,\"data\":\"60485 13 2 " DIGEST "\"},"
	    "{\"name\":\"example.jp.\",\"type\":46,\"data\":\"ds 13 2 60 1 2 3 jp. AAAA\"}]}", ds, "INTAKE_SKIPPED");
	reads("{}", "", "");
	reads("{\"keyTag\":60485,\"digestType\":2,\"digest\":\"" DIGEST "\"}", "", "INTAKE_FORM");
	reads("{\"ds\":\"example.com. IN DS 60485 13 2 " DIGEST "\"}", "", "INTAKE_OTHER_NAME");
	reads("{\"ds\":\"60485 13 2 " DIGEST "\"", ds, "INTAKE_FORM");
	reads("{\"ds\" \"60485 13 2 " DIGEST "\"}", "", "INTAKE_FORM");
	reads("{\"ds\":null,\"x\":\"\\u3042\\n\"} x", "", "INTAKE_FORM");
	reads("[\"", "", "INTAKE_FORM");
}

static void
test_faults(void **state)
{
	(void)state;
	reads("hello", "", "INTAKE_FORM");
	reads("60485 13 2 001122334", "", "INTAKE_FORM");
	reads("60485 13 2", "", "INTAKE_FORM");
	reads("65536 13 2 " DIGEST, "", "INTAKE_FORM");
	reads("IN DS ( 60485 13 2 " DIGEST, "", "INTAKE_FORM");
	reads("example.jp. IN A 192.0.2.1", "", "INTAKE_FORM");
	reads("example.com. IN DS 60485 13 2 " DIGEST, "", "INTAKE_OTHER_NAME");
	reads("www.example.jp. DS 60485 13 2 " DIGEST "\n60485 13 2 " DIGEST, "DS 60485 13 2 " DIGEST "\n", "INTAKE_OTHER_NAME");
}

static void
test_limits(void **state)
{
	static char text[INTAKE_TEXT_MAX + 1];
	struct buf b = BUF_INIT;
	struct read r;

	(void)state;
	memset(text, '\n', sizeof(text));
	read_init(&r, "example.jp.", (struct sv){ text, INTAKE_TEXT_MAX });
	assert_int_equal(r.rc, 0);
	r.pool = pool_free(r.pool);
	read_init(&r, "example.jp.", (struct sv){ text, INTAKE_TEXT_MAX + 1 });
	assert_int_equal(r.rc, SE_LIMIT);
	r.pool = pool_free(r.pool);
	memset(text, '[', 16);		/* deeper than any */
	read_init(&r, "example.jp.", (struct sv){ text, 16 });
	assert_int_equal(r.rc, SE_LIMIT);
	r.pool = pool_free(r.pool);
	memset(text, ' ', INTAKE_LINE_MAX);
	read_init(&r, "example.jp.", (struct sv){ text, INTAKE_LINE_MAX - 1 });
	assert_int_equal(r.rc, 0);
	r.pool = pool_free(r.pool);
	read_init(&r, "example.jp.", (struct sv){ text, INTAKE_LINE_MAX });
	assert_int_equal(r.rc, SE_LIMIT);
	r.pool = pool_free(r.pool);
	for (size_t i = 0; i <= INTAKE_RECORDS_MAX; i++)
		buf_str(&b, "60485 13 2 " DIGEST "\n");
	read_init(&r, "example.jp.", buf_get(&b));
	assert_int_equal(r.rc, SE_LIMIT);
	r.pool = pool_free(r.pool);
	buf_done(&b);
}

/* What the registry of this zone says to that. */
static void
says(const char *zone, const char *text, size_t copies, const char *code)
{
	struct intake_input in = { .n_entered = 0 };
	struct intake_record many[INTAKE_RECORDS_MAX];
	const struct intake_registry *reg;
	struct read r;

	read_init(&r, zone, sv_str(text));
	assert_int_equal(r.n, 1);
	for (size_t i = 0; i < copies; i++)
		many[i] = r.r[0];
	in.zone = r.zone;
	in.entered = many;
	in.n_entered = copies;
	reg = intake_registry_find(&r.zone);
	intake_registry_check(reg, &in, &r.fs);
	assert_string_equal(r.fs.head == NULL ? "" : r.fs.head->def->code, code);
	r.pool = pool_free(r.pool);
}

static void
test_registries(void **state)
{
	const char *ds = "60485 13 2 " DIGEST, *key = "257 3 13 " KEY;
	struct dname zone;
	size_t n;

	(void)state;
	assert_int_equal(dname_parse(SV("www.EXAMPLE.Com."), NULL, &zone), 0);
	assert_string_equal(intake_registry_find(&zone)->tld, "com");
	assert_int_equal(dname_parse(SV("com."), NULL, &zone), 0);
	assert_string_equal(intake_registry_find(&zone)->tld, "com");
	assert_int_equal(dname_parse(SV("example.test."), NULL, &zone), 0);
	assert_string_equal(intake_registry_find(&zone)->tld, "");
	zone = DNAME_ROOT;
	assert_string_equal(intake_registry_find(&zone)->tld, "");
	says("example.com.", ds, 10, "");
	says("example.com.", ds, 11, "INTAKE_REGISTRY_MANY");
	says("example.com.", key, 1, "INTAKE_REGISTRY_DS");
	says("example.eu.", key, 1, "");
	says("example.eu.", ds, 1, "INTAKE_REGISTRY_KEY");
	says("example.nz.", ds, 1, "");
	says("example.nz.", "60485 15 2 " DIGEST, 1, "INTAKE_REGISTRY_ALG");
	says("example.nz.", "60485 200 2 " DIGEST, 1, "INTAKE_REGISTRY_ALG");
	says("example.nz.", "60485 13 4 " DIGEST "00112233445566778899AABBCCDDEEFF", 1, "INTAKE_REGISTRY_DIGEST");
	says("example.nz.", "257 3 15 " KEY, 1, "INTAKE_REGISTRY_ALG");
	says("example.test.", key, INTAKE_RECORDS_MAX, "");
	says("example.jp.", ds, INTAKE_RECORDS_MAX, "");
	says("example.jp.", key, 1, "INTAKE_REGISTRY_DS");
	says("example.de.", key, 1, "");
	says("example.de.", "257 3 15 " KEY, 1, "INTAKE_REGISTRY_ALG");
	/* A list of what is not taken: all others are. */
	says("example.se.", "60485 15 2 " DIGEST, 1, "");
	says("example.se.", "60485 253 2 " DIGEST, 1, "");
	says("example.se.", "60485 7 2 " DIGEST, 1, "INTAKE_REGISTRY_ALG");
	says("example.se.", "60485 13 1 00112233445566778899AABBCCDDEEFF00112233", 1, "INTAKE_REGISTRY_DIGEST");
	assert_int_equal(intake_registry_forms(intake_registry_find(&zone), POLICY_DS_KEY), INTAKE_FORM_KEY);
	assert_int_equal(intake_registry_forms(intake_registry_find(&zone), POLICY_DS_REGISTRY), 0);
	assert_int_equal(intake_registry_forms(intake_registry_find(&zone), POLICY_DS_DS), INTAKE_FORM_DS);
	assert_int_equal(intake_registry_forms(intake_registry_find(&zone), POLICY_DS_BOTH), INTAKE_FORM_DS | INTAKE_FORM_KEY);
	for (const struct intake_registry *r = intake_registries(&n); n > 0; n--, r++) {
		assert_true(r->source[0] != '\0' && strlen(r->date) == 10);
		assert_true(r->max <= INTAKE_RECORDS_MAX);
	}
}

/* What a registry's EPP is known to refuse is not sent to it. */
static void
test_cut(void **state)
{
	static const struct {
		const char	*zone;
		unsigned	 cut;
		uint32_t	 life;
		bool		 urgent;
	} rows[] = {
		{ "example.jp.", 0, 86400, true },
		{ "example.uk.", INTAKE_EPP_NO_LIFE | INTAKE_EPP_NO_URGENT, 0, false },
		{ "example.dk.", INTAKE_EPP_NO_LIFE, 0, true },
		{ "example.cz.", INTAKE_EPP_OWN, 86400, true },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct epp_update u = { .max_sig_life = 86400, .urgent = true }, plain = { 0 };
		struct dname zone;

		assert_int_equal(dname_parse(sv_str(rows[i].zone), NULL, &zone), 0);
		assert_int_equal(intake_registry_cut(intake_registry_find(&zone), &u), rows[i].cut);
		assert_int_equal(u.max_sig_life, rows[i].life);
		assert_int_equal(u.urgent, rows[i].urgent);
		assert_int_equal(intake_registry_cut(intake_registry_find(&zone), &plain), rows[i].cut & INTAKE_EPP_OWN);
	}
}

TESTS_MAIN("dnssec/intake_text", T(test_forms), T(test_labels), T(test_pasted), T(test_json), T(test_faults), T(test_limits),
    T(test_registries), T(test_cut))
