#include <errno.h>
#include <stdio.h>

#include "../tap.h"
#include "app/vrps_json.h"
#include "base/err.h"
#include "base/timefmt.h"
#include "rtr/rtr.h"

struct got {
	struct pool		*pool;
	struct findings		 fs;
	struct payloads		 p;
	struct vrps_info	 info;
};

/* One byte at a time: no token may need a buffer of its own. */
static long
one_byte(void *arg, void *to, size_t n UNUSED)
{
	struct sv *s = arg;

	if (s->n == 0)
		return 0;
	memcpy(to, s->p, 1);
	*s = sv_skip(*s, 1);
	return 1;
}

static int
read_text(struct got *g, const char *text)
{
	struct sv s = sv_str(text);

	memset(g, 0, sizeof(*g));
	g->pool = pool_new(1 << 20);
	findings_init(&g->fs, g->pool);
	return vrps_json_read(one_byte, &s, &g->fs, &g->p, &g->info);
}

static void
done(struct got *g)
{
	payloads_done(&g->p);
	(void)pool_free(g->pool);
}

/* A real key (AS 15562, 2022), as rpki-client and as Routinator write it. */
#define CLIENT_KEY "{ \"asn\": 15562, \"ski\": \"5D4250E2D81D4448D8A29EFCE91D29FF075EC9E2\", " \
	"\"pubkey\": \"MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEgFcjQ/g//LAQerAH2Mpp+GucoDAGBbhI" \
	"qD33wNPsXxnAGb+mtZ7XQrVO9DQ6UlAShtig5+QfEKpTtFgiqfiAFQ==\", \"ta\": \"ripe\", " \
	"\"expires\": 1668013479 }"
#define ROUTINATOR_KEY "{\"asn\":\"AS15562\",\"SKI\":\"5d4250e2d81d4448d8a29efce91d29ff075ec9e2\"," \
	"\"routerPublicKey\":\"MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEgFcjQ_g__LAQerAH2Mpp-GucoDAGBbhI" \
	"qD33wNPsXxnAGb-mtZ7XQrVO9DQ6UlAShtig5-QfEKpTtFgiqfiAFQ\",\"ta\":\"lab\"}"

static void
router_key_check(const struct got *g)
{
	const struct router_key *k = &g->p.router_keys[0];

	assert_int_equal(g->p.n_router_keys, 1);
	assert_int_equal(k->asn, 15562);
	assert_int_equal(k->ski[0], 0x5d);
	assert_int_equal(k->ski[19], 0xe2);
	assert_int_equal(k->spki_len, 91);
	assert_int_equal(k->spki[0], 0x30);
	assert_int_equal(k->spki[90], 0x15);
	assert_int_equal(k->ca, PAYLOAD_CA_NONE);
}

static void
rpki_client(void **state UNUSED)
{
	struct got g;

	assert_int_equal(read_text(&g, "{\n\t\"metadata\": { \"buildtime\": \"x\", \"a\": [ ] },\n"
	    "\"roas\": [ { \"asn\": 13335, \"prefix\": \"1.0.0.0/24\", \"maxLength\": 24, "
	    "\"ta\": \"apnic\", \"expires\": 1753530481 },\n"
	    "{ \"asn\": 0, \"prefix\": \"2001:db8::/32\", \"maxLength\": 48, \"ta\": \"ripe\", "
	    "\"expires\": 5 } ], \"bgpsec_keys\": [ " CLIENT_KEY " ],\n"
	    "\"aspas\": [ { \"customer_asid\": 945, \"expires\": 7, \"providers\": [ 2, 1 ] } ] }\n"), 0);
	assert_int_equal(g.p.n_vrps, 2);
	assert_int_equal(g.p.vrps[0].asn, 13335);
	assert_int_equal(g.p.vrps[0].expires, 1753530481);
	assert_string_equal(g.p.tas[g.p.vrps[1].ta], "ripe");
	assert_int_equal(g.p.vrps[1].max_len, 48);
	assert_int_equal(g.p.n_aspas, 1);
	assert_int_equal(g.p.aspas[0].n_providers, 2);
	assert_string_equal(g.p.tas[g.p.aspas[0].ta], "-");
	assert_int_equal(g.info.n_rows, 4);
	router_key_check(&g);
	assert_int_equal(g.p.router_keys[0].expires, 1668013479);
	assert_null(g.fs.head);
	done(&g);
}

static void
routinator(void **state UNUSED)
{
	struct got g;

	assert_int_equal(read_text(&g, "{\"roas\":[{\"asn\":\"AS64496\",\"prefix\":\"192.0.2.0/24\","
	    "\"maxLength\":24,\"ta\":\"lab\"},{\"prefix\":\"10.0.0.0/8\",\"asn\":\"64497\"}],"
	    "\"routerKeys\":[" ROUTINATOR_KEY "],\"aspas\":[{\"customer\":\"AS1\",\"providers\":[\"AS2\"],\"ta\":\"lab\"}]}"), 0);
	assert_int_equal(g.p.n_vrps, 2);
	assert_int_equal(g.p.vrps[0].asn, 64496);
	assert_true(g.p.vrps[0].expires == TIME_NEVER);
	assert_int_equal(g.p.vrps[1].max_len, 8);	/* not said: the prefix's own */
	assert_int_equal(g.p.aspas[0].customer, 1);
	router_key_check(&g);
	assert_true(g.p.router_keys[0].expires == TIME_NEVER);
	assert_null(g.fs.head);
	done(&g);
}

static void
router_key_rows(void **state UNUSED)
{
	static const char *const rows[] = {
		"{}", "7", "{\"asn\":1,\"ski\":\"%s\"}", "{\"asn\":1,\"pubkey\":\"AAAA\"}",
		"{\"ski\":\"%s\",\"pubkey\":\"AAAA\"}",
		"{\"asn\":1,\"ski\":\"%s0\",\"pubkey\":\"AAAA\"}",
		"{\"asn\":1,\"ski\":\"%s\",\"pubkey\":\"AA*A\"}",
		"{\"asn\":1,\"ski\":\"%s\",\"pubkey\":\"\"}",
		"{\"asn\":1,\"ski\":\"%s\",\"pubkey\":7}",
	};
	char row[256], text[1024], key[600];
	struct got g;

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const char *ski = "00112233445566778899aabbccddeeff00112233", *at = strstr(rows[i], "%s");

		(void)snprintf(row, sizeof(row), "%.*s%s%s", at == NULL ? (int)strlen(rows[i]) :
		    (int)(at - rows[i]), rows[i], at == NULL ? "" : ski, at == NULL ? "" : at + 2);
		(void)snprintf(text, sizeof(text), "{\"roas\":[],\"bgpsec_keys\":[%s]}", row);
		assert_int_equal(read_text(&g, text), 0);
		assert_int_equal(g.p.n_router_keys, 0);
		assert_int_equal(g.info.n_bad, 1);
		assert_ptr_equal(g.fs.head->def, &rtr_findings[RTR_VRPS_ROW]);
		done(&g);
	}
	for (size_t n = 216; n <= 500; n += 4) {	/* 160 bytes are served, more are not */
		memset(key, 'A', n);
		key[n] = '\0';
		if (n == 216)
			memcpy(key + 212, "AA==", 4);
		(void)snprintf(text, sizeof(text), "{\"roas\":[],\"bgpsec_keys\":[{\"asn\":1,"
		    "\"ski\":\"00112233445566778899aabbccddeeff00112233\",\"pubkey\":\"%s\"}]}", key);
		assert_int_equal(read_text(&g, text), 0);
		assert_int_equal(g.p.n_router_keys, n == 216);
		assert_int_equal(g.info.n_long_keys, n != 216);
		if (n != 216)
			assert_ptr_equal(g.fs.head->def, &rtr_findings[RTR_VRPS_SKIPPED]);
		done(&g);
	}
}

/* Rows that are JSON but no payloads: left out, the rest stays. */
static void
bad_rows(void **state UNUSED)
{
	static const char *const rows[] = {
		"{}", "[]", "null", "5", "\"x\"",
		"{\"asn\":1}", "{\"prefix\":\"10.0.0.0/8\"}",
		"{\"asn\":-1,\"prefix\":\"10.0.0.0/8\"}",
		"{\"asn\":4294967296,\"prefix\":\"10.0.0.0/8\"}",
		"{\"asn\":1.0,\"prefix\":\"10.0.0.0/8\"}",
		"{\"asn\":true,\"prefix\":\"10.0.0.0/8\"}",
		"{\"asn\":[1],\"prefix\":\"10.0.0.0/8\"}",
		"{\"asn\":1,\"prefix\":\"10.0.0.1/8\"}",
		"{\"asn\":1,\"prefix\":\"10.0.0.0/33\"}",
		"{\"asn\":1,\"prefix\":\"10.0.0.0/8\",\"maxLength\":7}",
		"{\"asn\":1,\"prefix\":\"10.0.0.0/8\",\"maxLength\":33}",
		"{\"asn\":1,\"prefix\":\"10.0.0.0/8\",\"maxLength\":\"9\"}",
		"{\"asn\":1,\"prefix\":\"10.0.0.0/8\",\"expires\":\"soon\"}",
		"{\"asn\":1,\"prefix\":\"10.0.0.0/8\",\"ta\":\"\"}",
	};
	char text[256];

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct got g;

		assert_true(snprintf(text, sizeof(text), "{\"roas\":[%s,"
		    "{\"asn\":1,\"prefix\":\"10.0.0.0/8\"}]}", rows[i]) < (int)sizeof(text));
		assert_int_equal(read_text(&g, text), 0);
		assert_int_equal(g.p.n_vrps, 1);
		assert_int_equal(g.info.n_bad, 1);
		assert_ptr_equal(g.fs.head->def, &rtr_findings[RTR_VRPS_ROW]);
		done(&g);
	}
}

static void
bad_aspas(void **state UNUSED)
{
	static const char *const rows[] = {
		"{}", "{\"customer\":1}", "{\"customer\":1,\"providers\":[]}",
		"{\"customer\":1,\"providers\":7}", "{\"customer\":1,\"providers\":[\"x\"]}",
		"{\"providers\":[1]}",
	};
	char text[256];

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct got g;

		(void)snprintf(text, sizeof(text), "{\"roas\":[],\"aspas\":[%s]}", rows[i]);
		assert_int_equal(read_text(&g, text), 0);
		assert_int_equal(g.p.n_aspas, 0);
		assert_int_equal(g.info.n_bad, 1);
		done(&g);
	}
}

static void
no_json(void **state UNUSED)
{
	static const char *const rows[] = {
		"", "x", "{", "[", "{\"roas\":[}", "{\"roas\":[{}", "{\"roas\":[{},]}",
		"{\"roas\":[],}", "{\"roas\":[]} x", "{\"roas\" []}", "{roas:[]}",
		"{\"roas\":[{\"asn\":01}]}", "{\"roas\":[{\"asn\":1.}]}",
		"{\"roas\":[{\"asn\":+1}]}", "{\"roas\":[{\"asn\":1e}]}",
		"{\"roas\":[{\"a\":\"\\q\"}]}", "{\"roas\":[{\"a\":\"\\u12g4\"}]}",
		"{\"roas\":[{\"a\":\"\n\"}]}", "{\"roas\":[tru]}", "{\"roas\":[nulll]}",
		"{\"roas\":[{}{}]}", "{\"roas\":[] \"aspas\":[]}", "[]",
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct got g;

		assert_int_equal(read_text(&g, rows[i]), SE_SYNTAX);
		done(&g);
	}
}

static void
other_json(void **state UNUSED)
{
	static const char *const rows[] = {
		"{}", "{\"roas\":{}}", "{\"ROAS\":[]}", "{\"metadata\":{\"roas\":[]}}",
	};
	struct got g;

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		assert_int_equal(read_text(&g, rows[i]), SE_FORMAT);
		done(&g);
	}
	assert_int_equal(read_text(&g, "{\"\\u0072oas\":[{\"asn\":\"\\u0041S7\","
	    "\"prefix\":\"10.0.0.0\\/8\",\"ta\":\"\\u3042\"}]}"), 0);
	assert_int_equal(g.p.vrps[0].asn, 7);
	assert_string_equal(g.p.tas[0], "\u3042");
	done(&g);
}

static void
limits(void **state UNUSED)
{
	char deep[100];
	struct got g;

	memset(deep, '[', sizeof(deep));
	memcpy(deep, "{\"a\":", 5);
	deep[sizeof(deep) - 1] = '\0';
	assert_int_equal(read_text(&g, deep), SE_LIMIT);
	done(&g);
	assert_int_equal(read_text(&g, "{\n\n\"roas\": [\n!"), SE_SYNTAX);
	assert_int_equal(g.info.line, 4);
	done(&g);
}

TESTS_MAIN("app vrps_json", T(rpki_client), T(routinator), T(router_key_rows), T(bad_rows), T(bad_aspas),
    T(no_json), T(other_json), T(limits))
