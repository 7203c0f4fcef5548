/* The signer: the examples of the RFCs, odd zones, keys, serials, each finding. */
#include "sign_kit.h"

#define SOA(apex)	apex " SOA ns1." apex " bugs." apex " 7 3600 300 3600000 1800"

/* RFC 4035 appendix A, unsigned (its SOA has a MINIMUM of 3600). */
static const char *const rfc4035[] = {
	"example. SOA ns1.example. bugs.x.w.example. 1081539377 3600 300 3600000 3600",
	"example. NS ns1.example.", "example. NS ns2.example.", "example. MX 1 xx.example.",
	"a.example. NS ns1.a.example.", "a.example. NS ns2.a.example.",
	"a.example. DS 57855 5 1 B6DCD485719ADCA18E5F3D48A2331627FDD3636B",
	"ns1.a.example. A 192.0.2.5", "ns2.a.example. A 192.0.2.6",
	"ai.example. A 192.0.2.9", "ai.example. HINFO \"KLH-10\" \"ITS\"",
	"ai.example. AAAA 2001:db8::f00:baa9",
	"b.example. NS ns1.b.example.", "b.example. NS ns2.b.example.",
	"ns1.b.example. A 192.0.2.7", "ns2.b.example. A 192.0.2.8",
	"ns1.example. A 192.0.2.1", "ns2.example. A 192.0.2.2",
	"*.w.example. MX 1 ai.example.", "x.w.example. MX 1 xx.example.",
	"x.y.w.example. MX 1 xx.example.",
	"xx.example. A 192.0.2.10", "xx.example. HINFO \"KLH-10\" \"TOPS-20\"",
	"xx.example. AAAA 2001:db8::f00:baaa",
};

static void
test_rfc4035(void **state)
{
	struct kit *k = kit_new("example.");
	char *chain;

	(void)state;
	kit_key(k, 256, 13, 1, SIGN_USE_PUBLISH | SIGN_USE_ZONE);
	kit_key(k, 257, 13, 2, SIGN_USE_PUBLISH | SIGN_USE_DNSKEY);
	assert_int_equal(kit_run(k, kit_zone(k, rfc4035, ARRAY_LEN(rfc4035)), false), 0);
	chain = kit_chain(k, ZONE_NAMES, RR_NSEC);
	assert_string_equal(chain,
	    "example. a.example. NS SOA MX RRSIG NSEC DNSKEY\n"
	    "a.example. ai.example. NS DS RRSIG NSEC\n"
	    "ai.example. b.example. A HINFO AAAA RRSIG NSEC\n"
	    "b.example. ns1.example. NS RRSIG NSEC\n"
	    "ns1.example. ns2.example. A RRSIG NSEC\n"
	    "ns2.example. *.w.example. A RRSIG NSEC\n"
	    "*.w.example. x.w.example. MX RRSIG NSEC\n"
	    "x.w.example. x.y.w.example. MX RRSIG NSEC\n"
	    "x.y.w.example. xx.example. MX RRSIG NSEC\n"
	    "xx.example. example. A HINFO AAAA RRSIG NSEC\n");
	free(chain);
	kit_free(k);
}

/* RFC 5155 appendix A, with its salt, its iterations and Opt-Out. */
static const char *const rfc5155[] = {
	"example. SOA ns1.example. bugs.x.w.example. 1 3600 300 3600000 3600",
	"example. NS ns1.example.", "example. NS ns2.example.", "example. MX 1 xx.example.",
	"2t7b4g4vsa5smi47k61mv5bv1a22bojr.example. A 192.0.2.127",
	"a.example. NS ns1.a.example.", "a.example. NS ns2.a.example.",
	"a.example. DS 58470 5 1 3079F1593EBAD6DC121E202A8B766A6A4837206C",
	"ns1.a.example. A 192.0.2.5", "ns2.a.example. A 192.0.2.6",
	"ai.example. A 192.0.2.9", "ai.example. HINFO \"KLH-10\" \"ITS\"",
	"ai.example. AAAA 2001:db8::f00:baa9",
	"c.example. NS ns1.c.example.", "c.example. NS ns2.c.example.",
	"ns1.c.example. A 192.0.2.7", "ns2.c.example. A 192.0.2.8",
	"ns1.example. A 192.0.2.1", "ns2.example. A 192.0.2.2",
	"*.w.example. MX 1 ai.example.", "x.w.example. MX 1 xx.example.",
	"x.y.w.example. MX 1 xx.example.",
	"xx.example. A 192.0.2.10", "xx.example. HINFO \"KLH-10\" \"TOPS-20\"",
	"xx.example. AAAA 2001:db8::f00:baaa",
};

#define N3	" 1 1 12 AABBCCDD "

static void
test_rfc5155(void **state)
{
	struct kit *k = kit_new("example.");
	char *chain;

	(void)state;
	kit_key(k, 257, 13, 1, ALL_USES);
	k->policy.denial = SIGN_NSEC3;
	k->policy.opt_out = k->policy.allow_iterations = true;
	k->policy.iterations = 12;
	k->policy.salt_len = 4;
	memcpy(k->policy.salt, "\xaa\xbb\xcc\xdd", 4);
	assert_int_equal(kit_run(k, kit_zone(k, rfc5155, ARRAY_LEN(rfc5155)), false), 0);
	assert_true(kit_found(k, SIGN_NSEC3_COSTLY));
	chain = kit_chain(k, ZONE_NSEC3, RR_NSEC3);
	assert_string_equal(chain,
	    "0p9mhaveqvm6t7vbl5lop2u3t2rp3tom.example." N3 "2t7b4g4vsa5smi47k61mv5bv1a22bojr NS SOA MX RRSIG DNSKEY NSEC3PARAM\n"
	    "2t7b4g4vsa5smi47k61mv5bv1a22bojr.example." N3 "2vptu5timamqttgl4luu9kg21e0aor3s A RRSIG\n"
	    "2vptu5timamqttgl4luu9kg21e0aor3s.example." N3 "35mthgpgcu1qg68fab165klnsnk3dpvl MX RRSIG\n"
	    "35mthgpgcu1qg68fab165klnsnk3dpvl.example." N3 "b4um86eghhds6nea196smvmlo4ors995 NS DS RRSIG\n"
	    "b4um86eghhds6nea196smvmlo4ors995.example." N3 "gjeqe526plbf1g8mklp59enfd789njgi MX RRSIG\n"
	    "gjeqe526plbf1g8mklp59enfd789njgi.example." N3 "ji6neoaepv8b5o6k4ev33abha8ht9fgc A HINFO AAAA RRSIG\n"
	    "ji6neoaepv8b5o6k4ev33abha8ht9fgc.example." N3 "k8udemvp1j2f7eg6jebps17vp3n8i58h\n"
	    "k8udemvp1j2f7eg6jebps17vp3n8i58h.example." N3 "kohar7mbb8dc2ce8a9qvl8hon4k53uhi\n"
	    "kohar7mbb8dc2ce8a9qvl8hon4k53uhi.example." N3 "q04jkcevqvmu85r014c7dkba38o0ji5r A RRSIG\n"
	    "q04jkcevqvmu85r014c7dkba38o0ji5r.example." N3 "r53bq7cc2uvmubfu5ocmm6pers9tk9en A RRSIG\n"
	    "r53bq7cc2uvmubfu5ocmm6pers9tk9en.example." N3 "t644ebqk9bibcna874givr6joj62mlhv MX RRSIG\n"
	    "t644ebqk9bibcna874givr6joj62mlhv.example." N3 "0p9mhaveqvm6t7vbl5lop2u3t2rp3tom A HINFO AAAA RRSIG\n");
	free(chain);
	kit_free(k);
}

/* --- odd zones --- */

static const char *const small[] = {
	"example. SOA ns1.example. bugs.example. 7 3600 300 3600000 1800",
	"example. NS ns1.example.", "ns1.example. A 192.0.2.1", "www.example. A 192.0.2.2",
};

static struct kit *
small_kit(void)
{
	struct kit *k = kit_new("example.");

	kit_key(k, 257, 13, 1, ALL_USES);
	return k;
}

static struct zone *
small_zone(struct kit *k, const char *more)
{
	const char *rows[ARRAY_LEN(small) + 1];

	memcpy(rows, small, sizeof(small));
	rows[ARRAY_LEN(small)] = more;
	return kit_zone(k, rows, ARRAY_LEN(small) + (more != NULL));
}

static void
assert_chain(const char *origin, const char *const *row, size_t n, enum sign_denial denial,
    bool opt_out, const char *want)
{
	struct kit *k = kit_new(origin);
	bool nsec3 = denial == SIGN_NSEC3;
	char *chain;

	kit_key(k, 257, 13, 1, ALL_USES);
	k->policy.denial = denial;
	k->policy.opt_out = opt_out;
	assert_int_equal(kit_run(k, kit_zone(k, row, n), false), 0);
	chain = kit_chain(k, nsec3 ? ZONE_NSEC3 : ZONE_NAMES, nsec3 ? RR_NSEC3 : RR_NSEC);
	if (want != NULL)
		assert_string_equal(chain, want);
	free(chain);
	kit_free(k);
}

static void
test_odd(void **state)
{
	static const char *const root[] = {
		". SOA a. b. 1 1 1 1 1", ". NS a.", "jp. NS a.jp.", "a.jp. A 192.0.2.1",
	};
	static const char *const alone[] = { "example. SOA a. b. 1 1 1 1 1" };
	static const char *const dname[] = {
		"example. SOA a. b. 1 1 1 1 1", "example. DNAME other.", "www.example. A 192.0.2.1",
	};
	static const char *const high[] = {
		"example. SOA a. b. 1 1 1 1 1", "a.example. TYPE65280 \\# 1 00", "a.example. TLSA 3 1 1 00",
		"b.example. TYPE1234 \\# 0",
	};

	(void)state;
	assert_chain(".", root, ARRAY_LEN(root), SIGN_NSEC, false,
	    ". jp. NS SOA RRSIG NSEC DNSKEY\njp. . NS RRSIG NSEC\n");
	assert_chain("example.", alone, 1, SIGN_NSEC, false,
	    "example. example. SOA RRSIG NSEC DNSKEY\n");
	assert_chain("example.", alone, 1, SIGN_NSEC3, true,
	    "3msev9usmd4br9s97v51r2tdvmr9iqo1.example. 1 1 0 - 3msev9usmd4br9s97v51r2tdvmr9iqo1 SOA RRSIG DNSKEY NSEC3PARAM\n");
	assert_chain("example.", dname, ARRAY_LEN(dname), SIGN_NSEC, false,
	    "example. example. SOA DNAME RRSIG NSEC DNSKEY\n");
	assert_chain("example.", high, ARRAY_LEN(high), SIGN_NSEC, false,
	    "example. a.example. SOA RRSIG NSEC DNSKEY\n"
	    "a.example. b.example. RRSIG NSEC TLSA TYPE65280\n"
	    "b.example. example. RRSIG NSEC TYPE1234\n");
}

/* The only signature of a set; its labels. */
static unsigned
labels_at(const struct kit *k, const char *owner, uint16_t type)
{
	struct dname d;
	struct dkey key;
	struct zrrset set;
	const struct znode *n;
	struct sv rest, rdata;

	assert_int_equal(dname_parse(sv_str(owner), NULL, &d), 0);
	assert_int_equal(dkey_of(&d, &k->apex, &key), 0);
	n = zone_find(k->s, ZONE_NAMES, (struct sv){ (char *)key.b, key.len });
	assert_non_null(n);
	assert_true(znode_find(n, type, &set));
	rest = set.sigs;
	return zdata_next(&rest, &rdata) ? (uint8_t)rdata.p[3] : 99;
}

static void
test_labels(void **state)
{
	struct kit *k = small_kit();

	(void)state;
	assert_int_equal(kit_run(k, small_zone(k, "*.x.example. A 192.0.2.1"), false), 0);
	assert_int_equal(labels_at(k, "*.x.example.", RR_A), 2);
	assert_int_equal(labels_at(k, "www.example.", RR_A), 2);
	assert_int_equal(labels_at(k, "example.", RR_SOA), 1);
	kit_free(k);
}

static void
test_ttls(void **state)
{
	struct kit *k = small_kit();
	struct zrrset set;

	(void)state;
	assert_int_equal(kit_run(k, small_zone(k, NULL), false), 0);
	assert_true(znode_find(zone_apex_node(k->s), RR_NSEC, &set));
	assert_int_equal(set.ttl, 1800);	/* RFC 9077: the MINIMUM is less than the TTL */
	assert_true(znode_find(zone_apex_node(k->s), RR_SOA, &set));
	assert_int_equal(set.ttl, 3600);
	assert_int_equal(set.sig_ttl, 3600);
	kit_free(k);
}

/* --- findings --- */

static void
found_with(struct kit *k, const char *more, enum dnssec_code code)
{
	(void)kit_run(k, small_zone(k, more), false);
	assert_true(kit_found(k, code));
	kit_free(k);
}

static void
test_input_findings(void **state)
{
	static const char *const no_soa[] = { "example. NS ns1.example." };
	struct kit *k = small_kit();

	(void)state;
	assert_int_equal(kit_run(k, kit_zone(k, no_soa, 1), false), 1);
	assert_true(kit_found(k, SIGN_NO_SOA));
	kit_free(k);
	found_with(small_kit(), "example. DNSKEY 257 3 13 AAAA", SIGN_INPUT_KEYS);
	found_with(small_kit(), "example. CDS 0 0 0 00", SIGN_INPUT_KEYS);
	found_with(small_kit(), "www.example. NSEC example. A", SIGN_INPUT_SIGNED);
	found_with(small_kit(), "example. ZONEMD 7 1 1 B6DCD485719ADCA18E5F3D48A2331627FDD3636BB6DCD485719ADCA18E5F3D48B6DCD485719ADCA18E5F3D48A2331627",
	    SIGN_ZONEMD);
	found_with(small_kit(), "www.example. DS 1 13 2 B6DCD485719ADCA18E5F3D48A2331627FDD3636BB6DCD485719ADCA18E5F3D48",
	    SIGN_DS_STRAY);
}

static void
test_occluded(void **state)
{
	static const char *const rows[] = {
		"example. SOA a. b. 1 1 1 1 1", "a.example. NS ns.a.example.", "ns.a.example. A 192.0.2.1",
		"b.a.example. MX 1 a.", "c.a.example. TXT x",
	};
	struct kit *k = small_kit();

	(void)state;
	assert_int_equal(kit_run(k, kit_zone(k, rows, 3), false), 0);
	assert_false(kit_found(k, SIGN_OCCLUDED));
	assert_int_equal(kit_run(k, kit_zone(k, rows, ARRAY_LEN(rows)), true), 0);
	assert_true(kit_found(k, SIGN_OCCLUDED));
	assert_int_equal(k->fs.head->args[0].u, 2);
	kit_free(k);
}

/* --- with and without the unsigned version in memory --- */

static void
settled(const struct sign_input *in, struct findings *fs, struct zone **ret)
{
	_cleanup_(signer_freep) struct signer *s = NULL;
	_cleanup_(sign_state_freep) struct sign_state *state = NULL;

	assert_int_equal(signer_begin(in, fs, &s), 0);
	for (size_t i = 0; i < signer_n_hash(s); i++)
		signer_hash(s, i);
	assert_int_equal(signer_chain(s), 0);
	for (size_t i = 0; i < signer_n_blocks(s); i++) {
		signer_block(s, i);
		assert_int_equal(signer_settle(s), 0);
	}
	assert_int_equal(signer_end(s, ret, &state), 0);
	assert_true(sign_state_horizon(state) > NOW);
}

static struct zone *
many(struct kit *k)
{
	static const char *const data[] = {
		"A 192.0.2.1", "NS ns.other.", "DS 1 13 2 B6DCD485719ADCA18E5F3D48A2331627FDD3636BB6DCD485719ADCA18E5F3D48",
		"MX 1 a.", "NS ns.other.",
	};
	static char room[1500][160];
	const char *row[1500];

	row[0] = "example. SOA a. b. 1 1 1 1 1";
	for (unsigned i = 1; i < ARRAY_LEN(row); i++) {
		(void)snprintf(room[i], sizeof(room[i]), "%sn%u.example. %s", i % 7 == 0 ? "a.b.c." : "",
		    i * 7919 % 1009, data[i % ARRAY_LEN(data)]);
		row[i] = room[i];
	}
	return kit_zone(k, row, ARRAY_LEN(row));
}

static void
test_settle(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 3; i++) {
		struct kit *k = small_kit();
		struct sign_input in = { .keys = k->keys, .policy = &k->policy, .now = NOW,
			.sign = kit_sign, .sign_arg = k, .take_unsigned = true };
		struct buf a = BUF_INIT, b = BUF_INIT;
		struct zone *z = NULL;

		k->policy.denial = i == 0 ? SIGN_NSEC : SIGN_NSEC3;
		k->policy.opt_out = i == 2;
		assert_int_equal(kit_run(k, many(k), false), 0);
		in.now_unsigned = many(k);
		settled(&in, &k->fs, &z);
		zone_print(&a, k->s, 0);
		zone_print(&b, z, 0);
		assert_true(a.len > 100000);
		assert_true(sv_eq(buf_get(&a), buf_get(&b)));
		buf_done(&a);
		buf_done(&b);
		(void)zone_unref(z);
		kit_free(k);
	}
}

TESTS_MAIN("dnssec/sign", T(test_rfc4035), T(test_rfc5155), T(test_odd), T(test_labels), T(test_ttls),
    T(test_input_findings), T(test_occluded), T(test_settle))
