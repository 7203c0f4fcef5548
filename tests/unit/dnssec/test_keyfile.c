/* Private key files as BIND and ldns write them, and what is refused. */
#include <errno.h>

#include "../tap.h"
#include "base/pool.h"
#include "base/timefmt.h"
#include "dnssec/dnssec.h"
#include "dnssec/keyfile.h"

/* Made by dnssec-keygen for this test; it never signed anything. */
static const char ec[] =
    "Private-key-format: v1.3\n"
    "Algorithm: 13 (ECDSAP256SHA256)\n"
    "PrivateKey: jVqvFQDrlAngvAZKcj4OrsHfi7vjDma7gPUHQSObN7M=\n"
    "Created: 20261122141718\n"
    "Publish: 20261122141719\n"
    "Activate: 20261122141720\n";

static int
parse(const char *text, struct keyfile *kf, const struct finding_def **ret_def)
{
	_cleanup_(pool_freep) struct pool *pool = pool_new(1 << 16);
	struct findings fs;
	int rc;

	findings_init(&fs, pool);
	rc = keyfile_parse(sv_str(text), &fs, kf);
	*ret_def = fs.head == NULL ? NULL : fs.head->def;
	return rc;
}

static void
test_ec(void **state)
{
	_cleanup_(crypto_priv_freep) struct crypto_priv *key = NULL;
	const struct finding_def *def;
	struct keyfile kf;
	int64_t want;

	(void)state;
	assert_int_equal(parse(ec, &kf, &def), 0);
	assert_null(def);
	assert_int_equal(kf.alg, 13);
	assert_int_equal(kf.numbers.private_key.n, 32);
	assert_int_equal(crypto_priv_import(kf.alg, &kf.numbers, &key), 0);
	assert_int_equal(time_parse(SV("2026-11-22T14:17:20Z"), &want), 0);
	assert_int_equal(kf.time[KEYFILE_ACTIVATE], want);
	assert_int_equal(kf.time[KEYFILE_CREATED], want - 2);
	assert_int_equal(kf.time[KEYFILE_DELETE], TIME_NEVER);
	keyfile_done(&kf);
	for (size_t i = 0; i < sizeof(kf.room); i++)
		assert_int_equal(kf.room[i], 0);
}

static void
test_rsa_numbers(void **state)
{
	const struct finding_def *def;
	struct keyfile kf;

	(void)state;
	assert_int_equal(parse("Private-key-format: v1.2\nAlgorithm: 8 (RSASHA256)\n"
	    "Modulus: AQI=\nPublicExponent: AQAB\nPrivateExponent: Aw==\nPrime1: BA==\n"
	    "Prime2: BQ==\nExponent1: Bg==\nExponent2: Bw==\nCoefficient: CA==\n", &kf, &def), 0);
	assert_int_equal(kf.numbers.n.n, 2);
	assert_memory_equal(kf.numbers.e.p, "\1\0\1", 3);
	assert_memory_equal(kf.numbers.qinv.p, "\10", 1);
}

static void
test_token(void **state)
{
	const struct finding_def *def;
	struct keyfile kf;

	(void)state;
	assert_int_equal(parse("Private-key-format: v1.3\nAlgorithm: 8 (RSASHA256)\n"
	    "Engine: cGtjczExAA==\nLabel: pkcs11:object=zsk\nFuture: x\n", &kf, &def), 0);
	assert_true(sv_eq_str(kf.label, "pkcs11:object=zsk"));
	assert_int_equal(kf.numbers.n.n, 0);
}

static void
test_refused(void **state)
{
	static const struct {
		const char		*text;
		enum dnssec_code	 code;
	} rows[] = {
		{ "example.jp. IN DNSKEY 257 3 13 AAAA\n", KEYFILE_SYNTAX },
		{ "Private-key-format: v2.0\n", KEYFILE_VALUE },
		{ "Private-key-format: v1.3\nAlgorithm: x\n", KEYFILE_VALUE },
		{ "Private-key-format: v1.3\nAlgorithm: 256\n", KEYFILE_VALUE },
		{ "Private-key-format: v1.3\nAlgorithm: 13\nPrivateKey: ***\n", KEYFILE_VALUE },
		{ "Private-key-format: v1.3\nAlgorithm: 13\nPrivateKey:\n", KEYFILE_VALUE },
		{ "Private-key-format: v1.3\nAlgorithm: 13\nPrivateKey: AA==\nPrivateKey: AA==\n",
		    KEYFILE_VALUE },
		{ "Private-key-format: v1.3\nAlgorithm: 13\nPrivateKey: AA==\nCreated: 2026\n",
		    KEYFILE_VALUE },
		{ "Private-key-format: v1.3\nAlgorithm: 13\nPrivateKey: AA==\nCreated: 20260230000000\n",
		    KEYFILE_VALUE },
		{ "Algorithm: 13\nPrivateKey: AA==\n", KEYFILE_MISSING },
		{ "Private-key-format: v1.3\nPrivateKey: AA==\n", KEYFILE_MISSING },
		{ "Private-key-format: v1.3\nAlgorithm: 13\n", KEYFILE_MISSING },
		{ "Private-key-format: v1.3\nAlgorithm: 8\nModulus: AQI=\nPublicExponent: AQAB\n",
		    KEYFILE_MISSING },
		{ "", KEYFILE_MISSING },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const struct finding_def *def;
		struct keyfile kf;

		assert_int_equal(parse(rows[i].text, &kf, &def), -EBADMSG);
		assert_ptr_equal(def, &dnssec_findings[rows[i].code]);
	}
}

/* Written by named 9.18 in the middle of a roll of a ZSK (dnssec-policy). */
static const char bind[] =
    "; This is the state of key 8555, for example.jp.\n"
    "Algorithm: 13\n"
    "Length: 256\n"
    "Lifetime: 2592000\n"
    "Successor: 31190\n"
    "KSK: no\n"
    "ZSK: yes\n"
    "Generated: 20261122205330 (Sun Nov 22 20:53:30 2026)\n"
    "Published: 20261122205330 (Sun Nov 22 20:53:30 2026)\n"
    "Active: 20261122205330 (Sun Nov 22 20:53:30 2026)\n"
    "Retired: 20261222205330 (Tue Dec 22 20:53:30 2026)\n"
    "Removed: 20261231210030 (Thu Dec 31 21:00:30 2026)\n"
    "DNSKEYChange: 20261122205330 (Sun Nov 22 20:53:30 2026)\n"
    "ZRRSIGChange: 20261122205330 (Sun Nov 22 20:53:30 2026)\n"
    "DNSKEYState: omnipresent\n"
    "ZRRSIGState: unretentive\n"
    "GoalState: hidden\n";

static void
test_state(void **state)
{
	static const char *const bad[] = { "", "nothing\n", "GoalState: hidden\n", "Algorithm: x\n", "Algorithm:\n",
	    "Algorithm: 13\nRetired: 2026\n", "Algorithm: 13\nGoalState: perhaps\n" };
	struct bind_state s;
	unsigned line;
	int64_t want;

	(void)state;
	assert_int_equal(bind_state_parse(sv_str(bind), &s, &line), 0);
	assert_int_equal(time_parse(SV("2026-12-22T20:53:30Z"), &want), 0);
	assert_int_equal(s.retired, want);
	assert_int_equal(s.removed, want + 9 * 86400 + 420);
	assert_int_equal(s.active, want - 2592000);
	assert_int_equal(s.lifetime, 2592000);
	assert_int_equal(s.successor, 31190);
	assert_int_equal(s.predecessor, 0);
	assert_int_equal(s.dnskey, BIND_OMNIPRESENT);
	assert_int_equal(s.data, BIND_UNRETENTIVE);
	assert_int_equal(s.ds, BIND_NA);
	assert_int_equal(s.goal, BIND_HIDDEN);
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		s.lifetime = 77;
		assert_int_equal(bind_state_parse(sv_str(bad[i]), &s, &line), -EBADMSG);
		assert_int_equal(s.lifetime, 77);
	}
}

TESTS_MAIN("keyfile", T(test_ec), T(test_rsa_numbers), T(test_token), T(test_refused), T(test_state))
