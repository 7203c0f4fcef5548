/* SLURM: what is refused and why, what applies, and what is written. */
#include "../tap.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "app/slurm.h"
#include "base/base64.h"
#include "base/timefmt.h"

#define HEAD	"{\"slurmVersion\":1,\"validationOutputFilters\":{"
#define MID	"},\"locallyAddedAssertions\":{"
#define EMPTY_F	"\"prefixFilters\":[],\"bgpsecFilters\":[]"
#define EMPTY_A	"\"prefixAssertions\":[],\"bgpsecAssertions\":[]"
#define END	"}}"
#define PF(x)	HEAD "\"prefixFilters\":[" x "],\"bgpsecFilters\":[]" MID EMPTY_A END
#define BF(x)	HEAD "\"prefixFilters\":[],\"bgpsecFilters\":[" x "]" MID EMPTY_A END
#define PA(x)	HEAD EMPTY_F MID "\"prefixAssertions\":[" x "],\"bgpsecAssertions\":[]" END
#define BA(x)	HEAD EMPTY_F MID "\"prefixAssertions\":[],\"bgpsecAssertions\":[" x "]" END
#define HEAD2	"{\"slurmVersion\":2,\"validationOutputFilters\":{" EMPTY_F ",\"aspaFilters\":["
#define MID2	"]},\"locallyAddedAssertions\":{" EMPTY_A ",\"aspaAssertions\":["
#define END2	"]}}"
#define AF(x)	HEAD2 x MID2 END2
#define AA(x)	HEAD2 MID2 x END2

#define SKI	"MTIzNDU2Nzg5MDEyMzQ1Njc4OTA"
#define KEY	"MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEgFcjQ_g__LAQerAH2Mpp-GucoDAGBbhIqD33wNPsXxnAGb-mtZ7XQrVO9DQ6UlAShtig5-QfEKpTtFgiqfiAFQ"
#define KEY_SKI	"XUJQ4tgdREjYop786R0p_wdeyeI"
#define KEY_SHORT "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEgFcjQ_g__LAQerAH2Mpp-GucoDAGBbhIqD33wNPsXxnAGb-mtZ7XQrVO9DQ6UlAShtig5-QfEKpTtFgiqfiA"
#define KEY_LONG "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEgFcjQ_g__LAQerAH2Mpp-GucoDAGBbhIqD33wNPsXxnAGb-mtZ7XQrVO9DQ6UlAShtig5-QfEKpTtFgiqfiAFQAA"
#define RSA_LIKE "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQgDQgAEgFcjQ_g__LAQerAH2Mpp-GucoDAGBbhIqD33wNPsXxnAGb-mtZ7XQrVO9DQ6UlAShtig5-QfEKpTtFgiqfiAFQ"

struct world {
	struct slurm	*s;
	struct pool	*pool;
	struct findings	 fs;
	char		 codes[2048];
};

static void
world_init(struct world *w)
{
	w->s = slurm_new();
	w->pool = pool_new(1 << 20);
	assert_non_null(w->s);
	assert_non_null(w->pool);
	findings_init(&w->fs, w->pool);
}

static void
world_done(struct world *w)
{
	w->s = slurm_free(w->s);
	w->pool = pool_free(w->pool);
}

/* "CODE CODE …" of all findings so far. */
static const char *
codes(struct world *w)
{
	size_t n = 0;

	w->codes[0] = '\0';
	for (const struct finding *f = w->fs.head; f != NULL && n < sizeof(w->codes); f = f->next)
		n += (size_t)snprintf(w->codes + n, sizeof(w->codes) - n, "%s%s", n > 0 ? " " : "",
		    f->def->code);
	return w->codes;
}

static const struct {
	const char	*text, *codes;
} texts[] = {
	{ HEAD EMPTY_F MID EMPTY_A END, "" },
	{ AF(""), "" },
	/* section 3.1 */
	{ "", "RPKI_SLURM_JSON" },
	{ "[]", "RPKI_SLURM_JSON" },
	{ "{\"slurmVersion\":1", "RPKI_SLURM_JSON" },
	{ "{\"slurmVersion\":1,\"slurmVersion\":1}", "RPKI_SLURM_JSON" },
	{ HEAD EMPTY_F MID EMPTY_A END "x", "RPKI_SLURM_JSON" },
	{ HEAD EMPTY_F MID EMPTY_A "},\"comment\":\"x\"}", "RPKI_SLURM_MEMBER" },
	{ HEAD EMPTY_F ",\"aspaFilters\":[]" MID EMPTY_A END, "RPKI_SLURM_MEMBER" },
	{ HEAD EMPTY_F ",\"prefixAssertions\":[]" MID EMPTY_A END, "RPKI_SLURM_MEMBER" },
	{ PF("{\"asn\":1,\"maxPrefixLength\":24}"), "RPKI_SLURM_MEMBER" },
	{ PF("{\"asn\":1,\"Comment\":\"x\"}"), "RPKI_SLURM_MEMBER" },
	{ PF("{\"asn\":1,\"customerAsn\":1}"), "RPKI_SLURM_MEMBER" },
	/* section 3.2 */
	{ "{}", "RPKI_SLURM_MISSING RPKI_SLURM_MISSING RPKI_SLURM_VERSION" },
	{ "{\"slurmVersion\":\"1\",\"validationOutputFilters\":{},\"locallyAddedAssertions\":{}}",
	  "RPKI_SLURM_VERSION" },
	{ "{\"slurmVersion\":3,\"validationOutputFilters\":{},\"locallyAddedAssertions\":{}}",
	  "RPKI_SLURM_VERSION" },
	{ "{\"slurmVersion\":1,\"validationOutputFilters\":[],\"locallyAddedAssertions\":{" EMPTY_A "}}",
	  "RPKI_SLURM_TYPE" },
	{ HEAD "\"prefixFilters\":[]" MID EMPTY_A END, "RPKI_SLURM_MISSING" },
	{ HEAD EMPTY_F MID "\"prefixAssertions\":{},\"bgpsecAssertions\":[]" END, "RPKI_SLURM_TYPE" },
	{ PF("[]"), "RPKI_SLURM_TYPE" },
	/* section 3.3.1 */
	{ PF("{\"prefix\":\"192.0.2.0/24\"},{\"asn\":0},{\"prefix\":\"2001:DB8::/32\",\"asn\":4294967295}"), "" },
	{ PF("{}"), "RPKI_SLURM_EMPTY" },
	{ PF("{\"comment\":\"x\"}"), "RPKI_SLURM_EMPTY" },
	{ PF("{\"comment\":1,\"asn\":1}"), "RPKI_SLURM_TYPE" },
	{ PF("{\"asn\":\"AS1\"}"), "RPKI_SLURM_TYPE" },
	{ PF("{\"asn\":1.0}"), "RPKI_SLURM_TYPE" },
	{ PF("{\"asn\":null}"), "RPKI_SLURM_TYPE" },
	{ PF("{\"asn\":-1}"), "RPKI_SLURM_VALUE" },
	{ PF("{\"asn\":4294967296}"), "RPKI_SLURM_VALUE" },
	{ PF("{\"prefix\":\"192.0.2.0\"}"), "RPKI_SLURM_VALUE" },
	{ PF("{\"prefix\":\"192.0.2.1/24\"}"), "RPKI_SLURM_VALUE" },
	{ PF("{\"prefix\":\"192.0.2.0/33\"}"), "RPKI_SLURM_VALUE" },
	/* section 3.3.2 */
	{ BF("{\"asn\":1},{\"SKI\":\"" SKI "\"},{\"asn\":2,\"SKI\":\"" SKI "\",\"comment\":\"x\"}"), "" },
	{ BF("{\"comment\":\"x\"}"), "RPKI_SLURM_EMPTY" },
	{ BF("{\"SKI\":\"" SKI "=\"}"), "RPKI_SLURM_BASE64" },
	{ BF("{\"SKI\":\"MTIzNDU2Nzg5MDEyMzQ1Njc4OQ\"}"), "RPKI_SLURM_BASE64" },
	{ BF("{\"SKI\":\"XUJQ4tgdREjYop786R0p/wdeyeI\"}"), "RPKI_SLURM_BASE64" },
	{ BF("{\"SKI\":\"31323334353637383930313233343536373839\"}"), "RPKI_SLURM_BASE64" },
	{ BF("{\"routerPublicKey\":\"" KEY "\",\"asn\":1}"), "RPKI_SLURM_MEMBER" },
	/* section 3.4.1 */
	{ PA("{\"asn\":1,\"prefix\":\"192.0.2.0/24\",\"maxPrefixLength\":32}"), "" },
	{ PA("{\"asn\":0,\"prefix\":\"0.0.0.0/0\",\"maxPrefixLength\":0}"), "" },
	{ PA("{\"asn\":1}"), "RPKI_SLURM_MISSING" },
	{ PA("{\"prefix\":\"192.0.2.0/24\"}"), "RPKI_SLURM_MISSING" },
	{ PA("{\"asn\":1,\"prefix\":\"192.0.2.0/24\",\"maxPrefixLength\":23}"), "RPKI_SLURM_VALUE" },
	{ PA("{\"asn\":1,\"prefix\":\"192.0.2.0/24\",\"maxPrefixLength\":33}"), "RPKI_SLURM_VALUE" },
	{ PA("{\"asn\":1,\"prefix\":\"192.0.2.0/24\",\"maxPrefixLength\":256}"), "RPKI_SLURM_VALUE" },
	{ PA("{\"asn\":1,\"prefix\":\"192.0.2.0/24\",\"maxLength\":24}"), "RPKI_SLURM_MEMBER" },
	/* section 3.4.2 */
	{ BA("{\"asn\":1,\"SKI\":\"" KEY_SKI "\",\"routerPublicKey\":\"" KEY "\"}"), "" },
	{ BA("{\"asn\":1,\"SKI\":\"" SKI "\",\"routerPublicKey\":\"" KEY "\"}"), "RPKI_SLURM_SKI" },
	{ BA("{\"asn\":1,\"SKI\":\"" SKI "\",\"routerPublicKey\":\"Ymx1YmI\"}"), "RPKI_SLURM_KEY" },
	{ BA("{\"asn\":1,\"SKI\":\"" SKI "\",\"routerPublicKey\":\"" RSA_LIKE "\"}"), "RPKI_SLURM_KEY" },
	{ BA("{\"asn\":1,\"SKI\":\"" SKI "\",\"routerPublicKey\":\"" KEY_SHORT "\"}"), "RPKI_SLURM_KEY" },
	{ BA("{\"asn\":1,\"SKI\":\"" SKI "\",\"routerPublicKey\":\"" KEY_LONG "\"}"), "RPKI_SLURM_KEY" },
	{ BA("{\"asn\":1}"), "RPKI_SLURM_MISSING RPKI_SLURM_MISSING" },
	/* the ASPA draft */
	{ AF("{\"customerAsn\":1}"), "" },
	{ AF("{\"customerAsid\":1}"), "RPKI_SLURM_NAME" },
	{ AF("{\"customerAsn\":1,\"customerAsid\":1}"), "RPKI_SLURM_MEMBER" },
	{ AF("{\"customerAsn\":0}"), "RPKI_SLURM_VALUE" },
	{ AF("{\"comment\":\"\"}"), "RPKI_SLURM_MISSING" },
	{ AA("{\"customerAsn\":1,\"providerAsns\":[2,3],\"comment\":\"\"}"), "" },
	{ AA("{\"customerAsn\":1,\"providerAsns\":[0]}"), "" },
	{ AA("{\"customerAsn\":1,\"providers\":[2,3]}"), "RPKI_SLURM_NAME" },
	{ AA("{\"customerAsn\":1,\"providerAsns\":[]}"), "RPKI_SLURM_PROVIDERS" },
	{ AA("{\"customerAsn\":1,\"providerAsns\":[0,2]}"), "RPKI_SLURM_PROVIDERS" },
	{ AA("{\"customerAsn\":1,\"providerAsns\":[3,2]}"), "RPKI_SLURM_PROVIDERS" },
	{ AA("{\"customerAsn\":1,\"providerAsns\":[2,2]}"), "RPKI_SLURM_PROVIDERS" },
	{ AA("{\"customerAsn\":2,\"providerAsns\":[2]}"), "RPKI_SLURM_PROVIDERS" },
	{ AA("{\"customerAsn\":1,\"providerAsns\":[\"2\"]}"), "RPKI_SLURM_TYPE" },
	{ AA("{\"customerAsn\":1,\"providerAsns\":[4294967296]}"), "RPKI_SLURM_VALUE" },
	{ AA("{\"customerAsn\":1}"), "RPKI_SLURM_MISSING" },
};

static void
refused(void **state UNUSED)
{
	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		struct world w;

		world_init(&w);
		assert_int_equal(slurm_json_parse(w.s, sv_str(texts[i].text), "t.slurm", &w.fs), 0);
		if (strcmp(codes(&w), texts[i].codes) != 0)
			fail_msg("%s: %s, not %s", texts[i].text, w.codes, texts[i].codes);
		world_done(&w);
	}
}

/* Beyond each limit there is a finding, and no memory is taken for it. */
static void
limits(void **state UNUSED)
{
	static const struct {
		const char	*head, *one, *tail;
		size_t		 n;
		const char	*codes;
	} rows[] = {
		{ HEAD "\"prefixFilters\":[{\"asn\":1}", ",{\"asn\":1}", "],\"bgpsecFilters\":[]" MID EMPTY_A END,
		  SLURM_ENTRIES_MAX - 1, "" },
		{ HEAD "\"prefixFilters\":[{\"asn\":1}", ",{\"asn\":1}", "],\"bgpsecFilters\":[]" MID EMPTY_A END,
		  SLURM_ENTRIES_MAX, "RPKI_SLURM_LIMIT" },
		{ HEAD "\"prefixFilters\":[{\"asn\":1,\"comment\":\"", "x", "\"}],\"bgpsecFilters\":[]" MID EMPTY_A END,
		  SLURM_COMMENT_MAX, "" },
		{ HEAD "\"prefixFilters\":[{\"asn\":1,\"comment\":\"", "x", "\"}],\"bgpsecFilters\":[]" MID EMPTY_A END,
		  SLURM_COMMENT_MAX + 1, "RPKI_SLURM_LIMIT" },
		{ HEAD2 MID2 "{\"customerAsn\":1,\"providerAsns\":[2", ",2", "]}" END2,
		  RPKI_ASPA_PROVIDERS_MAX, "RPKI_SLURM_LIMIT" },
		{ "", "    ", HEAD EMPTY_F MID EMPTY_A END, SLURM_SIZE_MAX / 4, "RPKI_SLURM_LIMIT" },
		{ "", "[", "", 100000, "RPKI_SLURM_JSON" },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct buf b = BUF_INIT;
		struct world w;

		world_init(&w);
		buf_str(&b, rows[i].head);
		for (size_t k = 0; k < rows[i].n; k++)
			buf_str(&b, rows[i].one);
		buf_str(&b, rows[i].tail);
		assert_int_equal(slurm_json_parse(w.s, buf_get(&b), "t", &w.fs), 0);
		if (strcmp(codes(&w), rows[i].codes) != 0)
			fail_msg("row %zu: %s", i, w.codes);
		buf_done(&b);
		world_done(&w);
	}
}

static void
files_many(void **state UNUSED)
{
	struct world w;

	world_init(&w);
	for (int i = 0; i < SLURM_FILES_MAX; i++)
		assert_int_equal(slurm_json_parse(w.s, SV(AF("")), "t", &w.fs), 0);
	assert_int_equal(slurm_json_parse(w.s, SV(AF("")), "t", &w.fs), -E2BIG);
	world_done(&w);
}

/* RFC 8416 section 4.2, and the same for customers. */
static const struct {
	const char	*a, *b;
	size_t		 n;		/* overlaps */
} pairs[] = {
	{ PF("{\"prefix\":\"192.0.2.0/25\"}"), PF("{\"prefix\":\"192.0.2.128/25\"}"), 0 },
	{ PF("{\"prefix\":\"192.0.2.0/24\"}"), PF("{\"prefix\":\"192.0.2.128/25\"}"), 1 },
	{ PF("{\"prefix\":\"192.0.2.128/25\"}"), PF("{\"prefix\":\"192.0.2.0/24\"}"), 1 },
	{ PF("{\"prefix\":\"192.0.2.0/24\"}"), PF("{\"prefix\":\"192.0.2.0/24\"}"), 1 },
	{ PF("{\"prefix\":\"0.0.0.0/0\"}"), PF("{\"prefix\":\"::/0\"}"), 0 },
	{ PF("{\"prefix\":\"192.0.2.0/24\"},{\"prefix\":\"192.0.2.0/24\"}"), PF("{\"asn\":1}"), 0 },
	{ PF("{\"asn\":1}"), PF("{\"asn\":1}"), 0 },
	{ PF("{\"prefix\":\"10.0.0.0/8\"},{\"prefix\":\"10.1.0.0/16\"}"),
	  PA("{\"asn\":1,\"prefix\":\"10.1.2.0/24\"},{\"asn\":1,\"prefix\":\"11.0.0.0/8\"}"), 1 },
	{ PF("{\"prefix\":\"10.1.2.0/24\"}"),
	  PA("{\"asn\":1,\"prefix\":\"10.0.0.0/8\"},{\"asn\":2,\"prefix\":\"10.0.0.0/8\"}"), 1 },
	{ BF("{\"asn\":1}"), BF("{\"asn\":1,\"SKI\":\"" SKI "\"}"), 1 },
	{ BF("{\"SKI\":\"" SKI "\"}"), BF("{\"SKI\":\"" SKI "\"}"), 0 },
	{ BF("{\"asn\":1}"), PF("{\"asn\":1}"), 0 },
	{ BF("{\"asn\":1}"), BA("{\"asn\":1,\"SKI\":\"" KEY_SKI "\",\"routerPublicKey\":\"" KEY "\"}"), 1 },
	{ AF("{\"customerAsn\":1}"), AA("{\"customerAsn\":1,\"providerAsns\":[2]}"), 1 },
	{ AF("{\"customerAsn\":1}"), AA("{\"customerAsn\":2,\"providerAsns\":[1]}"), 0 },
};

static void
overlaps(void **state UNUSED)
{
	for (size_t i = 0; i < ARRAY_LEN(pairs); i++) {
		struct world w;

		world_init(&w);
		assert_int_equal(slurm_json_parse(w.s, sv_str(pairs[i].a), "a", &w.fs), 0);
		assert_int_equal(slurm_json_parse(w.s, sv_str(pairs[i].b), "b", &w.fs), 0);
		assert_int_equal(w.fs.n_kept, 0);
		assert_int_equal(slurm_check(w.s, &w.fs), 0);
		if (w.fs.n_kept != pairs[i].n)
			fail_msg("pair %zu: %zu overlaps", i, w.fs.n_kept);
		if (pairs[i].n > 0)
			assert_string_equal(w.fs.head->def->code, "RPKI_SLURM_OVERLAP");
		world_done(&w);
	}
}

/* --- applying --- */

static struct vrp
vrp(const char *px, unsigned max, uint32_t asn)
{
	struct vrp v = { .max_len = (uint8_t)max, .asn = asn, .expires = 1000, .ca = PAYLOAD_CA_NONE };
	struct ip_prefix p;

	assert_int_equal(ip_prefix_parse(sv_str(px), &p), 0);
	memcpy(v.addr, p.addr, 16);
	v.af = p.af;
	v.len = p.len;
	return v;
}

static void
aspa_put(struct payloads *p, uint32_t customer, uint32_t provider)
{
	uint32_t *l = calloc(1, sizeof(*l));

	assert_non_null(l);
	*l = provider;
	p->aspas[p->n_aspas++] = (struct aspa){ .customer = customer, .n_providers = 1,
	    .providers = l, .expires = 1000, .ca = PAYLOAD_CA_NONE };
}

static void
payloads_make(struct payloads *p)
{
	const struct vrp vrps[] = {
		vrp("192.0.2.0/24", 24, 64496), vrp("192.0.2.0/24", 25, 64497),
		vrp("192.0.2.128/25", 25, 64498), vrp("192.0.0.0/16", 24, 64496),
		vrp("192.0.3.0/24", 24, 64499), vrp("0.0.0.0/0", 0, 0),
		vrp("2001:db8::/32", 48, 64496), vrp("2001:db8:1::/48", 48, 64500),
	};
	size_t dropped;

	memset(p, 0, sizeof(*p));
	assert_int_equal(payloads_ta(p, SV("ta")), 0);
	p->vrps = calloc(ARRAY_LEN(vrps), sizeof(*p->vrps));
	p->aspas = calloc(3, sizeof(*p->aspas));
	p->router_keys = calloc(3, sizeof(*p->router_keys));
	assert_true(p->vrps != NULL && p->aspas != NULL && p->router_keys != NULL);
	memcpy(p->vrps, vrps, sizeof(vrps));
	p->n_vrps = ARRAY_LEN(vrps);
	aspa_put(p, 64496, 64500);
	aspa_put(p, 64497, 64500);
	aspa_put(p, 64498, 64500);
	for (uint8_t i = 0; i < 3; i++) {
		struct router_key *k = &p->router_keys[p->n_router_keys++];

		memset(k->ski, '1' + i, sizeof(k->ski));
		*k = (struct router_key){ .asn = 64496 + i / 2u, .ca = PAYLOAD_CA_NONE, .spki_len = 91,
		    .expires = 1000, .ski = { (uint8_t)('1' + i) } };
	}
	assert_int_equal(payloads_merge(p, &dropped), 0);
}

#define SKI_1	"MQAAAAAAAAAAAAAAAAAAAAAAAAA"

static const struct {
	const char	*text;
	size_t		 n_vrps, n_keys, n_aspas;
	size_t		 effect;	/* of the first entry */
} effects[] = {
	{ PF(""), 8, 3, 3, 0 },
	/* equal or covered; what covers the filter stays */
	{ PF("{\"prefix\":\"192.0.2.0/24\"}"), 5, 3, 3, 3 },
	{ PF("{\"prefix\":\"192.0.2.128/25\"}"), 7, 3, 3, 1 },
	{ PF("{\"prefix\":\"192.0.0.0/16\"}"), 3, 3, 3, 5 },
	{ PF("{\"prefix\":\"0.0.0.0/0\"}"), 2, 3, 3, 6 },
	{ PF("{\"prefix\":\"::/0\"}"), 6, 3, 3, 2 },
	{ PF("{\"prefix\":\"192.0.2.0/25\"}"), 8, 3, 3, 0 },
	{ PF("{\"prefix\":\"198.51.100.0/24\"}"), 8, 3, 3, 0 },
	{ PF("{\"asn\":64496}"), 5, 3, 3, 3 },
	{ PF("{\"asn\":64496},{\"asn\":64496,\"prefix\":\"192.0.2.0/24\"}"), 5, 3, 3, 3 },
	{ PF("{\"asn\":0}"), 7, 3, 3, 1 },
	{ PF("{\"asn\":64496,\"prefix\":\"192.0.2.0/24\"}"), 7, 3, 3, 1 },
	{ PF("{\"asn\":1}"), 8, 3, 3, 0 },
	{ BF("{\"asn\":64496}"), 8, 1, 3, 2 },
	{ BF("{\"SKI\":\"" SKI_1 "\"}"), 8, 2, 3, 1 },
	{ BF("{\"asn\":64496,\"SKI\":\"" SKI_1 "\"}"), 8, 2, 3, 1 },
	{ BF("{\"asn\":64497,\"SKI\":\"" SKI_1 "\"}"), 8, 3, 3, 0 },
	{ AF("{\"customerAsn\":64497}"), 8, 3, 2, 1 },
	{ AF("{\"customerAsn\":1}"), 8, 3, 3, 0 },
	{ PA("{\"asn\":1,\"prefix\":\"192.0.2.0/24\"}"), 9, 3, 3, 1 },
	{ PA("{\"asn\":64496,\"prefix\":\"192.0.2.0/24\"}"), 8, 3, 3, 0 },
	{ PA("{\"asn\":64497,\"prefix\":\"192.0.2.0/24\",\"maxPrefixLength\":25}"), 8, 3, 3, 0 },
	{ BA("{\"asn\":1,\"SKI\":\"" KEY_SKI "\",\"routerPublicKey\":\"" KEY "\"}"), 8, 4, 3, 1 },
	{ AA("{\"customerAsn\":1,\"providerAsns\":[2,3]}"), 8, 3, 4, 1 },
	/* no implicit filter: a union */
	{ AA("{\"customerAsn\":64496,\"providerAsns\":[64501]}"), 8, 3, 3, 1 },
	{ AA("{\"customerAsn\":64496,\"providerAsns\":[64500]}"), 8, 3, 3, 0 },
};

static void
applied(void **state UNUSED)
{
	for (size_t i = 0; i < ARRAY_LEN(effects); i++) {
		struct payloads p;
		struct world w;

		world_init(&w);
		payloads_make(&p);
		assert_int_equal(slurm_json_parse(w.s, sv_str(effects[i].text), "t", &w.fs), 0);
		assert_string_equal(codes(&w), "");
		assert_int_equal(slurm_apply(w.s, 500, &p), 0);
		if (p.n_vrps != effects[i].n_vrps || p.n_router_keys != effects[i].n_keys ||
		    p.n_aspas != effects[i].n_aspas)
			fail_msg("row %zu: %zu VRPs, %zu keys, %zu ASPAs", i, p.n_vrps,
			    p.n_router_keys, p.n_aspas);
		if (w.s->n > 0)
			assert_int_equal(w.s->entries[0].n_effect, effects[i].effect);
		slurm_effects(w.s, &w.fs);
		assert_string_equal(codes(&w), w.s->n > 0 && effects[i].effect == 0 ?
		    "RPKI_SLURM_IDLE" : "");
		payloads_done(&p);
		world_done(&w);
	}
}

static const char union_text[] =
    HEAD "\"prefixFilters\":[{\"prefix\":\"0.0.0.0/0\"},{\"prefix\":\"::/0\"}],\"bgpsecFilters\":[]" MID
    "\"prefixAssertions\":[{\"asn\":64496,\"prefix\":\"192.0.2.0/24\",\"maxPrefixLength\":26}],"
    "\"bgpsecAssertions\":[]" END;

/* Filters touch the RPKI's payloads only; what is asserted bears its mark. */
static void
order(void **state UNUSED)
{
	struct payloads p;
	struct world w;

	world_init(&w);
	payloads_make(&p);
	assert_int_equal(slurm_json_parse(w.s, SV(union_text), "t", &w.fs), 0);
	assert_int_equal(slurm_apply(w.s, 500, &p), 0);
	assert_int_equal(p.n_vrps, 1);
	assert_int_equal(p.vrps[0].max_len, 26);
	assert_string_equal(p.tas[p.vrps[0].ta], "slurm");
	assert_true(p.vrps[0].expires == TIME_NEVER);
	assert_true(p.vrps[0].ca >= p.n_cas);
	payloads_done(&p);
	world_done(&w);
}

/* An entry with an end does nothing from then on, be it filter or assertion. */
static void
ends(void **state UNUSED)
{
	for (int64_t now = 499; now <= 500; now++) {
		struct payloads p;
		struct world w;

		world_init(&w);
		payloads_make(&p);
		assert_int_equal(slurm_json_parse(w.s, SV(union_text), "t", &w.fs), 0);
		assert_int_equal(slurm_json_parse(w.s, SV(PF("{\"asn\":64499}")), "u", &w.fs), 0);
		for (size_t i = 0; i < w.s->n; i++)
			w.s->entries[i].expires = 500;
		assert_int_equal(slurm_apply(w.s, now, &p), 0);
		assert_int_equal(p.n_vrps, now < 500 ? 1 : 8);
		payloads_done(&p);
		world_done(&w);
	}
}

/* No name is left for what is asserted: no payload may point nowhere. */
static void
tas_full(void **state UNUSED)
{
	struct payloads p;
	struct world w;
	char name[16];

	world_init(&w);
	payloads_make(&p);
	for (int i = 1; i < TA_MAX; i++) {
		(void)snprintf(name, sizeof(name), "ta%d", i);
		assert_int_equal(payloads_ta(&p, sv_str(name)), i);
	}
	assert_int_equal(slurm_json_parse(w.s, SV(union_text), "t", &w.fs), 0);
	assert_int_equal(slurm_apply(w.s, 500, &p), -E2BIG);
	payloads_done(&p);
	world_done(&w);
}

/* --- writing --- */

static void
round_trip(void **state UNUSED)
{
	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		struct buf one = BUF_INIT, two = BUF_INIT;
		struct world w, again;

		world_init(&w);
		world_init(&again);
		assert_int_equal(slurm_json_parse(w.s, sv_str(texts[i].text), "t", &w.fs), 0);
		if (!findings_reject(&w.fs)) {
			slurm_write(w.s, &one);
			assert_int_equal(slurm_json_parse(again.s, buf_get(&one), "t", &again.fs), 0);
			assert_false(findings_reject(&again.fs));
			assert_int_equal(again.s->n, w.s->n);
			slurm_write(again.s, &two);
			assert_true(sv_eq(buf_get(&one), buf_get(&two)));
		}
		buf_done(&one);
		buf_done(&two);
		world_done(&w);
		world_done(&again);
	}
}

static void
base64url(void **state UNUSED)
{
	static const struct {
		const char	*text;
		int		 rc;
		size_t		 n;
	} rows[] = {
		{ "", 0, 0 }, { "-_-_", 0, 3 }, { "AA", 0, 1 }, { "AAA", 0, 2 }, { "A", -EINVAL, 0 },
		{ "AB", -EINVAL, 0 }, { "AAB", -EINVAL, 0 }, { "AA==", -EINVAL, 0 }, { "++++", -EINVAL, 0 },
		{ "//8", -EINVAL, 0 }, { "AA AA", -EINVAL, 0 }, { "AAAAA", -EINVAL, 0 },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		uint8_t bytes[16];
		char text[16];
		size_t n = 0;

		if (base64url_decode(bytes, sv_str(rows[i].text), &n) != rows[i].rc || n != rows[i].n)
			fail_msg("\"%s\": %zu bytes", rows[i].text, n);
		if (rows[i].rc == 0) {
			assert_int_equal(base64url_encode(text, bytes, n), strlen(rows[i].text));
			assert_memory_equal(text, rows[i].text, strlen(rows[i].text));
		}
	}
}

TESTS_MAIN("app/slurm", T(refused), T(limits), T(files_many), T(overlaps), T(applied), T(order),
    T(ends), T(tas_full), T(round_trip), T(base64url))
