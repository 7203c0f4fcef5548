/* Algorithms, DNSKEY, DS: the vectors of RFC 4034, 4509, 6605; and policies and serials. */
#include "sign_kit.h"

static struct sv
rdata_of(uint16_t type, const char *text, uint8_t dst[static DNS_RDATA_MAX])
{
	size_t n;

	assert_int_equal(rdata_parse(type, sv_str(text), NULL, dst, &n), 0);
	return (struct sv){ (char *)dst, n };
}

static const struct {
	const char	*owner, *dnskey;
	uint16_t	 tag;
	const char	*ds[2];
} vectors[] = {
	{ "dskey.example.com.", "256 3 5 AQOeiiR0GOMYkDshWoSKz9XzfwJr1AYtsmx3TGkJaNXVbfi/2pHm822aJ5iI9BMz"
	    "NXxeYCmZDRD99WYwYqUSdjMmmAphXdvxegXd/M5+X7OrzKBaMbCVdFLUUh6DhweJBjEVv5f2wwjM9Xzc"
	    "nOf+EPbtG9DMBmADjFDc2w/rljwvFw==", 60485,
	    { "60485 5 1 2BB183AF5F22588179A53B0A98631FAD1A292118",
	    "60485 5 2 D4B7D520E7BB5F0F67674A0CCEB1E3E0614B93C4F9E99B8383F6A1E4469DA50A" } },
	{ "Example.Net.", "257 3 13 GojIhhXUN/u4v54ZQqGSnyhWJwaubCvTmeexv7bR6edbkrSqQpF64cYbcB7wNcP+"
	    "e+MAnLr+Wi9xMWyQLc8NAA==", 55648,
	    { "55648 13 2 b4c8c1fe2e7477127b27115656ad6256f424625bf5c1e2770ce6d6e37df61d17" } },
	{ "example.net.", "257 3 14 xKYaNhWdGOfJ+nPrL8/arkwf2EY3MDJ+SErKivBVSum1w/egsXvSADtNJhyem5RC"
	    "OpgQ6K8X1DRSEkrbYQ+OB+v8/uX45NBwY8rp65F6Glur8I/mlVNgF6W/qTI37m40", 10771,
	    { "10771 14 4 72d7b62976ce06438e9c0bf319013cf801f09ecc84b8d7e9495f27e305c6a9b0"
	    "563a9b5f4d288405c3008a946df983d6" } },
};

static void
test_vectors(void **state)
{
	static uint8_t room[DNS_RDATA_MAX], room2[DNS_RDATA_MAX];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(vectors); i++) {
		struct sv key = rdata_of(RR_DNSKEY, vectors[i].dnskey, room), ds;
		struct dname owner;

		assert_int_equal(dname_parse(sv_str(vectors[i].owner), NULL, &owner), 0);
		assert_int_equal(dnskey_tag(key), vectors[i].tag);
		for (size_t j = 0; j < 2 && vectors[i].ds[j] != NULL; j++) {
			ds = rdata_of(RR_DS, vectors[i].ds[j], room2);
			assert_true(ds_matches(ds, &owner, key));
			room2[ds.n - 1] ^= 1;
			assert_false(ds_matches(ds, &owner, key));
		}
	}
}

static void
test_tag_rsamd5(void **state)
{
	/* Appendix B.1: of a modulus that ends in 12 34 56, 0x1234. */
	static const uint8_t key[] = { 1, 0, 3, 1, 3, 1, 0, 1, 0xff, 0xee, 0x12, 0x34, 0x56 };

	(void)state;
	assert_int_equal(dnskey_tag((struct sv){ (const char *)key, sizeof(key) }), 0x1234);
}

static void
test_dnskey(void **state)
{
	static const uint8_t rsa[] = { 1, 1, 3, 8, 3, 1, 0, 1, 0, 0xab, 0xcd };
	static uint8_t room[DNSKEY_RDATA_MAX];
	struct dnskey k, again;
	struct ds ds;
	uint8_t out[DS_RDATA_MAX];
	struct dname root = DNAME_ROOT;
	size_t n;

	(void)state;
	assert_int_equal(dnskey_parse((struct sv){ "\1\1\3", 3 }, &k), -EBADMSG);
	assert_int_equal(ds_parse((struct sv){ "\1\1\3", 3 }, &ds), -EBADMSG);
	assert_int_equal(dnskey_parse((struct sv){ (const char *)rsa, sizeof(rsa) }, &k), 0);
	assert_int_equal(k.flags, 257);
	assert_int_equal(dnskey_sig_len((struct sv){ (const char *)rsa, sizeof(rsa) }), 2);
	n = dnskey_write(&k, room);
	assert_int_equal(n, sizeof(rsa));
	assert_memory_equal(room, rsa, n);
	assert_int_equal(dnskey_parse((struct sv){ (char *)room, n }, &again), 0);
	assert_int_equal(ds_write(&root, (struct sv){ (char *)room, n }, 3, out, &n), -ENOTSUP);
	assert_int_equal(cds_delete().n, 5);
	assert_memory_equal(cds_delete().p, "\0\0\0\0\0", 5);
	assert_memory_equal(cdnskey_delete().p, "\0\0\3\0\0", 5);
}

static void
test_algs(void **state)
{
	size_t n, n_advised = 0;
	const struct dnssec_alg *a = dnssec_algs(&n);

	(void)state;
	for (size_t i = 0; i < n; i++) {
		assert_ptr_equal(dnssec_alg_find(a[i].number), &a[i]);
		assert_ptr_equal(dnssec_alg_parse(sv_str(a[i].name)), &a[i]);
		assert_true(a[i].use_sign <= a[i].use_verify);	/* more is taken than made */
		assert_true(a[i].implement_sign <= a[i].implement_verify);
		n_advised += a[i].advised;
	}
	assert_int_equal(n_advised, 1);
	assert_ptr_equal(dnssec_alg_parse(SV("ecdsap256sha256")), dnssec_alg_find(13));
	assert_ptr_equal(dnssec_alg_parse(SV("13")), dnssec_alg_find(13));
	assert_null(dnssec_alg_parse(SV("RSASHA3")));
	assert_null(dnssec_alg_find(2));
	assert_int_equal(dnssec_alg_find(5)->use_sign, ALG_MUST_NOT);
	assert_int_equal(dnssec_alg_find(10)->use_sign, ALG_NOT_RECOMMENDED);
	assert_int_equal(dnssec_alg_find(12)->use_verify, ALG_MUST_NOT);
	assert_string_equal(alg_level_str(dnssec_alg_find(8)->implement_sign), "MUST");
	assert_ptr_equal(dnssec_digest_parse(SV("sha-256")), dnssec_digest_find(2));
	assert_int_equal(dnssec_digest_find(1)->use_sign, ALG_MUST_NOT);
	assert_int_equal(dnssec_digest_find(1)->implement_verify, ALG_MUST);
	assert_true(dnssec_digests(&n)[2].advised);
}

static void
test_bitmap(void **state)
{
	static const uint16_t some[] = { RR_A, RR_MX, RR_RRSIG, RR_NSEC, 1234 };
	/* RFC 4034 section 4.3: the example's bit map. */
	static const uint8_t want[37] = { 0x00, 0x06, 0x40, 0x01, 0x00, 0x00, 0x00, 0x03,
		0x04, 0x1b, [36] = 0x20 };
	static uint16_t all[65536 - 1];
	static uint8_t out[TYPE_BITMAP_MAX];

	(void)state;
	assert_int_equal(type_bitmap_write(some, ARRAY_LEN(some), out), sizeof(want));
	assert_memory_equal(out, want, sizeof(want));
	assert_int_equal(type_bitmap_write(NULL, 0, out), 0);
	for (size_t i = 0; i < ARRAY_LEN(all); i++)
		all[i] = (uint16_t)(i + 1);
	assert_int_equal(type_bitmap_write(all, ARRAY_LEN(all), out), TYPE_BITMAP_MAX);
}

static uint32_t
next(enum sign_serial how, uint32_t from, const uint32_t *last, int64_t now, bool want_moves)
{
	bool moves;
	uint32_t s = sign_serial_next(how, from, last, now, &moves);

	assert_int_equal(moves, want_moves);
	return s;
}

static void
test_serials(void **state)
{
	const uint32_t five = 5, last = UINT32_MAX, date = 2026092105;

	(void)state;
	assert_true(serial_gt(1, 0));
	assert_true(serial_gt(0, UINT32_MAX));
	assert_false(serial_gt(UINT32_MAX, 0));
	assert_false(serial_gt(7, 7));
	assert_int_equal(next(SIGN_SERIAL_KEEP, 7, NULL, NOW, true), 7);
	assert_int_equal(next(SIGN_SERIAL_KEEP, 7, &five, NOW, true), 7);
	assert_int_equal(next(SIGN_SERIAL_KEEP, 5, &five, NOW, false), 5);
	assert_int_equal(next(SIGN_SERIAL_INCREMENT, 7, NULL, NOW, true), 8);
	assert_int_equal(next(SIGN_SERIAL_INCREMENT, 7, &five, NOW, true), 7);
	assert_int_equal(next(SIGN_SERIAL_INCREMENT, 3, &five, NOW, true), 6);
	assert_int_equal(next(SIGN_SERIAL_INCREMENT, UINT32_MAX, &last, NOW, true), 0);
	assert_int_equal(next(SIGN_SERIAL_UNIXTIME, 3, &five, NOW, true), NOW);
	assert_int_equal(next(SIGN_SERIAL_UNIXTIME, 3, &last, 100, true), 100);
	assert_int_equal(next(SIGN_SERIAL_DATE, 3, &five, NOW, true), 2026092100);
	assert_int_equal(next(SIGN_SERIAL_DATE, 3, &date, NOW, true), 2026092106);
}

/* No signature ends before it would be made anew, or lives longer than the policy says. */
static void
test_jitter(void **state)
{
	static const uint32_t jitter[] = { 0, 1, DAY, 7 * DAY, UINT32_MAX - 1 };
	struct sign_policy p;

	(void)state;
	sign_policy_init(&p);
	for (size_t i = 0; i < ARRAY_LEN(jitter); i++) {
		int64_t least = INT64_MAX, most = 0;

		p.jitter_sec = jitter[i];
		for (unsigned n = 0; n < 2000; n++) {
			char key[16];
			int len = snprintf(key, sizeof(key), "%u", n);
			int64_t e = sign_expiry(&p, (struct sv){ key, (size_t)len }, RR_A, NOW);

			assert_int_equal(e, sign_expiry(&p, (struct sv){ key, (size_t)len }, RR_A, NOW));
			least = min_i64(least, e - NOW);
			most = max_i64(most, e - NOW);
		}
		assert_true(most <= p.validity_sec);
		assert_true(least > p.refresh_sec);
		if (jitter[i] >= DAY)		/* it is spread over all of it */
			assert_true(most - least > DAY * 9 / 10);
		if (jitter[i] == 0)
			assert_int_equal(most, least);
	}
	p.jitter_sec = DAY;			/* another period, another share */
	assert_int_not_equal(sign_expiry(&p, SV("a"), RR_A, NOW) - NOW,
	    sign_expiry(&p, SV("a"), RR_A, NOW + 14 * DAY) - NOW - 14 * DAY);
	assert_int_not_equal(sign_expiry(&p, SV("a"), RR_A, NOW), sign_expiry(&p, SV("a"), RR_AAAA, NOW));
}

static bool
policy_found(struct kit *k, enum dnssec_code code)
{
	findings_init(&k->fs, k->pool);
	(void)sign_policy_check(&k->policy, &k->fs);
	return kit_found(k, code);
}

static void
test_policy(void **state)
{
	struct kit *k = kit_new("example.");

	(void)state;
	assert_int_equal(sign_policy_check(&k->policy, &k->fs), DAY);
	assert_null(k->fs.head);
	k->policy.jitter_sec = 6 * DAY;
	assert_true(policy_found(k, SIGN_JITTER));
	assert_int_equal(sign_policy_check(&k->policy, &k->fs), 7 * DAY / 2);
	k->policy.refresh_sec = k->policy.validity_sec;
	assert_true(policy_found(k, SIGN_POLICY_TIMES));
	sign_policy_init(&k->policy);
	k->policy.dnskey_validity_sec = UINT32_MAX;
	assert_true(policy_found(k, SIGN_POLICY_TIMES));
	sign_policy_init(&k->policy);
	k->policy.iterations = 1;
	assert_false(policy_found(k, SIGN_NSEC3_ITERATIONS));	/* of no account with NSEC */
	k->policy.denial = SIGN_NSEC3;
	assert_true(policy_found(k, SIGN_NSEC3_ITERATIONS));
	k->policy.allow_iterations = true;
	assert_true(policy_found(k, SIGN_NSEC3_COSTLY));
	k->policy.iterations = 51;
	assert_true(policy_found(k, SIGN_NSEC3_ITERATIONS));
	k->policy.iterations = 0;
	assert_false(policy_found(k, SIGN_NSEC3_COSTLY));
	k->policy.salt_len = 1;
	assert_true(policy_found(k, SIGN_NSEC3_COSTLY));
	kit_free(k);
}

TESTS_MAIN("dnssec/dnskey", T(test_vectors), T(test_tag_rsamd5), T(test_dnskey), T(test_algs),
    T(test_bitmap), T(test_serials), T(test_jitter), T(test_policy))
