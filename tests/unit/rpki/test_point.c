/* A publication point as a whole, in memory. */
#include "kit.h"

static const struct roa_entry roa_v[] = {
	{ { .addr = { 10, 1 }, .len = 16, .af = IP_V4 }, 24 },
};
static const struct roa_spec roa = { 64500, roa_v, ARRAY_LEN(roa_v) };
static const uint32_t providers[] = { 64501, 64502 };
static const struct aspa_spec aspa = { 64500, providers, ARRAY_LEN(providers) };

static void
point_start(void **state, struct kit *k, struct world *w)
{
	*k = kit_new();
	kit_clear(k);
	world_init(w, *state, k->pool);
}

static void
point_check(struct world *w, unsigned tolerate, struct rpki_point *pt)
{
	assert_int_equal(world_check(w, tolerate, pt), 0);
}

static void
clean(void **state)
{
	struct kit k;
	struct world w;
	struct rpki_point pt;

	point_start(state, &k, &w);
	world_roa(&w, "a.roa", &roa, NULL);
	world_aspa(&w, "b.asa", &aspa, NULL);
	world_crl(&w, NULL, 0);
	world_manifest(&w);
	point_check(&w, 0, &pt);
	assert_true(only(&pt.findings, RPKI_CODE_MAX));
	assert_false(pt.failed);
	assert_int_equal(pt.n_vrps, 1);
	assert_int_equal(pt.vrps[0].asn, 64500);
	assert_int_equal(pt.vrps[0].max_len, 24);
	assert_int_equal(pt.n_aspas, 1);
	assert_int_equal(pt.aspas[0].n_providers, 2);
	assert_int_equal(pt.expires, NOW + DAY);	/* manifest and CRL, not the chain */
	assert_int_equal(pt.vrps[0].expires, NOW + DAY);
	assert_int_equal(pt.n_verified, 3 + 4);
	rpki_point_done(&pt);
	kit_done(&k);
}

/* The last second counts, the next one does not. */
static void
edges_of_time(void **state)
{
	static const struct {
		int64_t		now;
		bool		failed;
	} rows[] = {
		{ NOW - DAY, false }, { NOW - DAY - 1, true },
		{ NOW + DAY, false }, { NOW + DAY + 1, true },
	};
	struct kit k;
	struct world w;

	point_start(state, &k, &w);
	world_roa(&w, "a.roa", &roa, NULL);
	world_crl(&w, NULL, 0);
	world_manifest(&w);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct rpki_source src = { .get = kit_world_get, .arg = &w };
		struct rpki_opt opt = { .now = rows[i].now };
		struct rpki_point pt;

		assert_int_equal(rpki_point_check(&w.ca, &src, &opt, &pt), 0);
		assert_int_equal(pt.failed, rows[i].failed);
		assert_int_equal(pt.n_vrps, !rows[i].failed);
		rpki_point_done(&pt);
	}
	kit_done(&k);
}

/* A point that takes more memory than it may: a finding, and nothing of it is used. */
static void
memory_full(void **state)
{
	struct kit k;
	struct world w;

	point_start(state, &k, &w);
	world_roa(&w, "a.roa", &roa, NULL);
	world_crl(&w, NULL, 0);
	world_manifest(&w);
	for (size_t max = 64; max <= 16 * 1024; max *= 2) {
		struct rpki_source src = { .get = kit_world_get, .arg = &w };
		struct rpki_opt opt = { .now = NOW, .pool_max = max };
		struct rpki_point pt;

		assert_int_equal(rpki_point_check(&w.ca, &src, &opt, &pt), 0);
		assert_true(pt.failed == (n_of(&pt.findings, RPKI_POINT_LARGE) == 1));
		assert_int_equal(pt.n_vrps, !pt.failed);
		assert_true(max > 64 || pt.failed);
		rpki_point_done(&pt);
	}
	kit_done(&k);
}

static void
child_spec(struct world *w, const char *name, struct cert_spec *c, unsigned key)
{
	*c = spec_below(w, key, true);
	c->repo = HOST "child/";
	c->mft = HOST "child/child.mft";
	c->notify = "https://rpki.example/notification.xml";
	(void)name;
}

/* A child that inherits, one with its own list; both keep what they hold after the parse. */
static void
children(void **state)
{
	struct kit k;
	struct world w;
	struct cert_spec c;
	struct rpki_point pt;

	point_start(state, &k, &w);
	child_spec(&w, "c.cer", &c, 4);
	c.res.ip[0].inherit = c.res.as.inherit = true;
	world_add(&w, "c.cer", cert_make(&w, &c, 0, NULL));
	child_spec(&w, "d.cer", &c, 5);
	c.res.ip[1].v = &doc6;
	c.res.ip[1].n = 1;
	world_add(&w, "d.cer", cert_make(&w, &c, 0, NULL));
	world_crl(&w, NULL, 0);
	world_manifest(&w);
	point_check(&w, 0, &pt);
	assert_true(only(&pt.findings, RPKI_CODE_MAX));
	assert_int_equal(pt.n_children, 2);
	assert_int_equal(pt.children[0].depth, 1);
	assert_ptr_equal(pt.children[0].res.v4.r, w.ca.res.v4.r);
	assert_int_equal(pt.children[0].res.as.n, 1);
	assert_int_equal(pt.children[1].res.v6.n, 1);
	assert_int_equal(pt.children[1].res.v4.n, 0);
	assert_int_equal(pt.children[1].expires, NOW + DAY);
	assert_true(sv_eq(pt.children[1].ski, key_ski(*state, 5)));
	rpki_point_done(&pt);
	kit_done(&k);
}

/*
 * Two levels that inherit move to the next run, issuers first: neither may
 * keep the lists of the trust anchor of the run before, which are freed.
 */
static void
moves_inherited(void **state UNUSED)
{
	struct ip_range lists[3] = { 0 };
	struct rpki_ca tas[3], a, b;
	struct rpki_point of_ta = { .children = &a, .n_children = 1 };
	struct rpki_point of_a = { .children = &b, .n_children = 1 };

	for (size_t i = 0; i < ARRAY_LEN(tas); i++)
		tas[i] = (struct rpki_ca){ .res.v4 = { .present = true, .n = 1, .r = &lists[i] } };
	a = (struct rpki_ca){ .parent = &tas[0], .res = tas[0].res };
	b = (struct rpki_ca){ .parent = &a, .res = a.res };
	of_ta.ca = &tas[0];
	of_a.ca = &a;
	of_ta.base = of_a.base = tas[0].res;
	for (size_t i = 1; i < ARRAY_LEN(tas); i++) {
		rpki_point_rebase(&of_ta, &tas[i]);
		rpki_point_rebase(&of_a, &a);
		assert_ptr_equal(a.res.v4.r, &lists[i]);
		assert_ptr_equal(b.res.v4.r, &lists[i]);
		assert_ptr_equal(a.parent, &tas[i]);
	}
}

/* The key of a CA above, and the last certificate of a too long chain. */
static void
loop_and_depth(void **state)
{
	struct kit k;
	struct world w;
	struct cert_spec c;
	struct rpki_point pt;

	point_start(state, &k, &w);
	child_spec(&w, "c.cer", &c, 0);
	c.res.as.inherit = true;
	world_add(&w, "c.cer", cert_make(&w, &c, 0, NULL));
	world_crl(&w, NULL, 0);
	world_manifest(&w);
	point_check(&w, 0, &pt);
	assert_true(only(&pt.findings, RPKI_LOOP));
	assert_int_equal(pt.n_children, 0);
	rpki_point_done(&pt);
	w.n = 0;
	child_spec(&w, "c.cer", &c, 4);
	c.res.as.inherit = true;
	world_add(&w, "c.cer", cert_make(&w, &c, 0, NULL));
	world_crl(&w, NULL, 0);
	world_manifest(&w);
	for (unsigned d = RPKI_DEPTH_MAX - 2; d < RPKI_DEPTH_MAX; d++) {
		w.ca.depth = d;
		point_check(&w, 0, &pt);
		assert_true(only(&pt.findings, d + 1 < RPKI_DEPTH_MAX ? RPKI_CODE_MAX : RPKI_DEPTH));
		assert_int_equal(pt.n_children, d + 1 < RPKI_DEPTH_MAX);
		rpki_point_done(&pt);
	}
	kit_done(&k);
}

/*
 * A broken certificate is followed to say what is lost, but only to a place
 * and a key that are some: a key identifier of any length and a URI without
 * end would stop the whole walk.
 */
static void
lost_children(void **state)
{
	static char longest[3 * RPKI_URI_MAX];
	struct kit k;
	struct world w;
	struct cert_spec c;
	struct rpki_opt opt = { .now = NOW, .keep_objects = true, .follow_lost = true };
	struct rpki_source src = { .get = kit_world_get, .arg = &w };
	struct rpki_point pt;

	point_start(state, &k, &w);
	for (int i = 0; i < 4; i++) {
		child_spec(&w, "", &c, 4);
		c.res.as.inherit = true;
		c.not_after = NOW - 60;			/* each is lost */
		if (i == 1)
			c.ski = (struct sv){ longest, sizeof(longest) };
		if (i == 2)
			c.repo = NULL;
		if (i == 3) {
			memset(longest, 'x', sizeof(longest) - 1);
			memcpy(longest, "rsync://a.example/m/", 20);
			c.mft = longest;
		}
		world_add(&w, pool_printf(k.pool, "c%d.cer", i), cert_make(&w, &c, 0, NULL));
	}
	world_crl(&w, NULL, 0);
	world_manifest(&w);
	assert_int_equal(rpki_point_check(&w.ca, &src, &opt, &pt), 0);
	assert_int_equal(n_of(&pt.findings, RPKI_CERT_EXPIRED), 4);
	assert_int_equal(pt.n_children, 1);
	assert_true(pt.children[0].lost);
	rpki_point_done(&pt);
	kit_done(&k);
}

/* --- RFC 8360 --- */

/* The same certificate with the policy and the extensions of RFC 8360. */
static void
make_v2(struct wr *tbs)
{
	static const uint8_t cp[] = { 6, 8, 0x2b, 6, 1, 5, 5, 7, 0x0e, 2 };
	static const uint8_t cp2[] = { 6, 8, 0x2b, 6, 1, 5, 5, 7, 0x0e, 3 };
	static const uint8_t ip[] = { 6, 8, 0x2b, 6, 1, 5, 5, 7, 1, 7 };
	static const uint8_t ip2[] = { 6, 8, 0x2b, 6, 1, 5, 5, 7, 1, 28 };
	static const uint8_t as[] = { 6, 8, 0x2b, 6, 1, 5, 5, 7, 1, 8 };
	static const uint8_t as2[] = { 6, 8, 0x2b, 6, 1, 5, 5, 7, 1, 29 };

	assert_int_equal(bytes_swap(tbs->buf, tbs->len, cp, cp2, sizeof(cp)), 1);
	assert_true(bytes_swap(tbs->buf, tbs->len, ip, ip2, sizeof(ip)) +
	    bytes_swap(tbs->buf, tbs->len, as, as2, sizeof(as)) > 0);
}

static void
make_policy_v2(struct wr *tbs)
{
	static const uint8_t cp[] = { 6, 8, 0x2b, 6, 1, 5, 5, 7, 0x0e, 2 };
	static const uint8_t cp2[] = { 6, 8, 0x2b, 6, 1, 5, 5, 7, 0x0e, 3 };

	assert_int_equal(bytes_swap(tbs->buf, tbs->len, cp, cp2, sizeof(cp)), 1);
}

static void
v2_roa(void **state)
{
	static const struct {
		unsigned	tolerate;
		edit_fn		edit;
		enum rpki_code	code;
		size_t		n_vrps;
	} rows[] = {
		{ 0, make_v2, RPKI_CERT_POLICY_V2, 0 },
		{ RPKI_TOL_RFC8360, make_v2, RPKI_CODE_MAX, 1 },
		/* The policy of one, the extensions of the other. */
		{ RPKI_TOL_RFC8360, make_policy_v2, RPKI_CERT_POLICY, 0 },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct kit k;
		struct world w;
		struct rpki_point pt;

		point_start(state, &k, &w);
		world_roa(&w, "a.roa", &roa, rows[i].edit);
		world_crl(&w, NULL, 0);
		world_manifest(&w);
		point_check(&w, rows[i].tolerate, &pt);
		assert_true(only(&pt.findings, rows[i].code));
		assert_int_equal(pt.n_vrps, rows[i].n_vrps);
		rpki_point_done(&pt);
		kit_done(&k);
	}
}

/*
 * An EE certificate over-claims. Under RFC 8360 it is cut, and what was cut
 * off may not be spoken for: neither by a ROA nor by an ASPA.
 */
static void
v2_overclaim(void **state)
{
	static const struct write_ip_range eleven = { { 11 }, { 11, 255, 255, 255 } };
	static const struct roa_entry far[] = { { { .addr = { 11 }, .len = 8, .af = IP_V4 }, 8 } };
	static const struct roa_spec far_roa = { 64500, far, 1 };
	static const struct aspa_spec far_aspa = { 65000, providers, ARRAY_LEN(providers) };
	struct write_ip_range both[2] = { ten, eleven };
	struct kit k;
	struct world w;
	struct cert_spec c;
	struct wr content;
	struct rpki_point pt;

	point_start(state, &k, &w);
	c = spec_below(&w, 2, false);
	c.object = world_uri(&w, "a.roa");
	c.res.ip[0].v = both;
	c.res.ip[0].n = 2;
	content = wr_new(w.pool, 1024);
	roa_write(&content, &far_roa);
	world_add(&w, "a.roa", cms_make(&w, OID_CT_ROA, wr_sv(&content), cert_make(&w, &c, 0, make_v2), 2));
	world_aspa(&w, "b.asa", &far_aspa, make_v2);
	world_crl(&w, NULL, 0);
	world_manifest(&w);
	point_check(&w, RPKI_TOL_RFC8360, &pt);
	assert_int_equal(n_of(&pt.findings, RPKI_CERT_OVERCLAIM_CUT), 2);
	assert_int_equal(n_of(&pt.findings, RPKI_ROA_OVERCLAIM), 1);
	assert_int_equal(pt.n_vrps, 0);
	assert_int_equal(pt.n_aspas, 0);
	rpki_point_done(&pt);
	kit_done(&k);
}

/* --- revocation, hashes, presence --- */

static void
revoked(void **state)
{
	struct kit k;
	struct world w;
	struct crl_item item = { SV("\0\x11"), NOW - 60 };	/* the first serial given */
	struct rpki_point pt;

	point_start(state, &k, &w);
	world_roa(&w, "a.roa", &roa, NULL);
	world_roa(&w, "b.roa", &roa, NULL);
	world_crl(&w, &item, 1);
	world_manifest(&w);
	point_check(&w, 0, &pt);
	assert_true(only(&pt.findings, RPKI_CERT_REVOKED));
	assert_int_equal(pt.n_vrps, 1);
	rpki_point_done(&pt);
	kit_done(&k);
}

/*
 * Files changed behind the manifest's back, here and there among good ones:
 * hashed together, each is told by its own name.
 */
static void
changed(void **state)
{
	const char *digit;
	char name[16];
	struct kit k;
	struct world w;
	struct rpki_point pt;

	for (int every = 1; every <= 9; every += 4) {
		point_start(state, &k, &w);
		for (int i = 0; i < 62; i++) {
			(void)snprintf(name, sizeof(name), "x%02d.roa", i);
			world_roa(&w, name, &roa, NULL);
		}
		world_crl(&w, NULL, 0);
		world_manifest(&w);
		for (int i = 0; i < 62; i += every)
			w.files[i].bytes.n--;
		point_check(&w, 0, &pt);
		assert_true(pt.failed);
		assert_int_equal(n_of(&pt.findings, RPKI_MFT_FILE_HASH), (61 + every) / every);
		assert_int_equal(n_of(&pt.findings, RPKI_MFT_FILE_MISSING), 0);
		for (const struct finding *f = pt.findings.head; f != NULL; f = f->next) {
			if (f->def != &rpki_findings[RPKI_MFT_FILE_HASH])
				continue;
			digit = f->subject.p + f->subject.n - 6;
			assert_int_equal(((digit[0] - '0') * 10 + digit[1] - '0') % every, 0);
		}
		rpki_point_done(&pt);
		kit_done(&k);
	}
}

/* A manifest of many absent files: some are named, the point fails, cost is bounded. */
static void
absent(void **state)
{
	char name[16];
	struct kit k;
	struct world w;
	struct rpki_point pt;

	point_start(state, &k, &w);
	world_roa(&w, "a.roa", &roa, NULL);
	for (int i = 0; i < 62; i++) {
		(void)snprintf(name, sizeof(name), "x%02d.roa", i);
		world_add(&w, name, (struct sv){ NULL, 0 });
	}
	world_crl(&w, NULL, 0);
	world_manifest(&w);
	point_check(&w, 0, &pt);
	assert_true(pt.failed);
	assert_int_equal(pt.n_vrps, 0);
	assert_int_equal(n_of(&pt.findings, RPKI_POINT_FAILED), 1);
	assert_int_equal(n_of(&pt.findings, RPKI_MFT_FILE_MISSING), 62);
	rpki_point_done(&pt);
	kit_done(&k);
}

static void
no_manifest(void **state)
{
	struct kit k;
	struct world w;
	struct rpki_point pt;

	point_start(state, &k, &w);
	point_check(&w, 0, &pt);
	assert_true(pt.failed);
	assert_int_equal(n_of(&pt.findings, RPKI_MFT_MISSING), 1);
	assert_int_equal(n_of(&pt.findings, RPKI_POINT_FAILED), 1);
	rpki_point_done(&pt);
	kit_done(&k);
}

/* A manifest that nobody signed: there is nothing to hash. */
static void
no_signer(void **state)
{
	struct kit k;
	struct world w;
	struct rpki_point pt;
	struct wr out;
	struct cms *cms;
	struct sv bits;
	size_t at[5];

	point_start(state, &k, &w);
	world_crl(&w, NULL, 0);
	world_manifest(&w);
	assert_int_equal(cms_parse(k.pool, w.mft, RPKI_MFT, 0, &k.fs, &cms), 0);
	out = wr_new(k.pool, w.mft.n + 64);
	at[0] = wder_open(&out, WDER_SEQ);
	wder_oid(&out, OID_SIGNED_DATA);
	at[1] = wder_open(&out, WDER_CTX(0));
	at[2] = wder_open(&out, WDER_SEQ);
	/* All between the head and the signers: version, digests, content, certificate. */
	bits = sv_skip(w.mft, (size_t)((const char *)memmem(w.mft.p, w.mft.n, "\2\1\3\x31", 4) - w.mft.p));
	bits.n = (size_t)(cms->ee->sig.p + cms->ee->sig.n - bits.p);
	wr_bytes(&out, bits.p, bits.n);
	wder_tlv(&out, WDER_SET, NULL, 0);
	for (int i = 2; i >= 0; i--)
		wder_close(&out, at[i]);
	w.mft = wr_sv(&out);
	point_check(&w, 0, &pt);
	assert_true(pt.failed);
	assert_int_equal(n_of(&pt.findings, RPKI_CMS_SIGNERS), 1);
	rpki_point_done(&pt);
	kit_done(&k);
}

/* --- every byte matters --- */

/*
 * Any single change in manifest, CRL or ROA costs a payload or is without
 * effect; no payload comes that was not there. (The corpus does the same on
 * a larger world, here in each build.)
 */
static void
mutations(void **state)
{
	struct kit k;
	struct world w;

	point_start(state, &k, &w);
	world_roa(&w, "a.roa", &roa, NULL);
	world_crl(&w, NULL, 0);
	world_manifest(&w);
	for (size_t step = 0; step < w.mft.n + w.crl.n; step += 3) {
		struct sv *v = step < w.mft.n ? &w.mft : &w.files[1].bytes;
		size_t at = step < w.mft.n ? step : step - w.mft.n;
		char *p = malloc(v->n);
		struct sv keep = *v;
		struct rpki_point pt;

		assert_non_null(p);
		memcpy(p, v->p, v->n);
		p[at] = (char)(p[at] ^ (1 << (at % 8)));
		v->p = p;
		point_check(&w, 0, &pt);
		if (pt.n_vrps != 0 || !pt.failed)
			fail_msg("byte %zu of %s", at, v == &w.mft ? "the manifest" : "the CRL");
		rpki_point_done(&pt);
		*v = keep;
		free(p);
	}
	kit_done(&k);
}

/* --- one object alone --- */

static void
object_alone(void **state)
{
	static const struct {
		const char		*uri;
		enum rpki_code		 code;
		enum rpki_verdict	 verdict;
	} rows[] = {
		{ HOST "a.roa", RPKI_CODE_MAX, V_VALID },
		{ HOST "a.mft", RPKI_CMS_CONTENT_TYPE, V_REJECTED },
		{ HOST "a.gbr", RPKI_CMS_CONTENT_TYPE, V_REJECTED },
		{ HOST "a.tak", RPKI_CMS_CONTENT_TYPE, V_REJECTED },
		{ HOST "a.spl", RPKI_NOT_JUDGED, V_NOT_JUDGED },
		{ HOST "a.xyz", RPKI_NOT_JUDGED, V_NOT_JUDGED },
		{ HOST "a.cer", RPKI_DER_TAG, V_REJECTED },
		{ HOST "a.crl", RPKI_DER_TAG, V_REJECTED },
	};
	struct rpki_opt opt = { .now = NOW };
	struct kit k;
	struct world w;

	point_start(state, &k, &w);
	world_roa(&w, "a.roa", &roa, NULL);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct findings fs;
		struct rpki_object o;
		struct sv ski = { 0 }, aki = { 0 }, aia = { 0 };

		findings_init(&fs, k.pool);
		assert_int_equal(rpki_object_check(k.pool, sv_str(rows[i].uri), w.files[0].bytes, &opt,
		    &fs, &o, &ski, &aki, &aia), 0);
		assert_int_equal(o.verdict, rows[i].verdict);
		if (rows[i].code == RPKI_CODE_MAX) {
			assert_true(only(&fs, RPKI_CODE_MAX));
			assert_true(sv_eq(ski, key_ski(*state, 2)));
			assert_true(sv_eq(aki, key_ski(*state, 0)));
		} else
			assert_true(n_of(&fs, rows[i].code) > 0);
	}
	kit_done(&k);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(clean), T(edges_of_time), T(memory_full), T(children), T(moves_inherited), T(loop_and_depth), T(lost_children), T(v2_roa), T(v2_overclaim),
		T(revoked), T(absent), T(changed), T(no_manifest), T(no_signer), T(mutations), T(object_alone),
	};

	return cmocka_run_group_tests_name("rpki point", tests, keys_setup, keys_teardown);
}
