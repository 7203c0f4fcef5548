/* Judged points as bytes: what is read is what was judged, and nobody's lie beyond the CA's own. */
#include "all.h"
#include "same.h"

#define BUILD	SV("a build of ours")
#define COMMA	,

static const struct roa_entry disorder_v[] = {
	{ { .addr = { 10, 3 }, .len = 16, .af = IP_V4 }, 16 },
	{ { .addr = { 10, 2 }, .len = 16, .af = IP_V4 }, 16 },
};
static const struct roa_spec disorder = { 64502, disorder_v, ARRAY_LEN(disorder_v) };

struct scene {
	struct kit		k;
	struct world		w;
	struct rpki_opt		opt;
	struct rpki_point	pt;	/* from its bytes */
	struct buf		kept;
	uint8_t			print[SHA256_LEN];
};

/* As a daemon judges: where nothing was found, without objects. */
static int
scene_check(struct scene *s, int64_t now, struct rpki_point *ret)
{
	struct rpki_source src = { .get = kit_world_get, .arg = &s->w };
	struct rpki_opt opt = { .now = now, .keep_objects = true, .thin = true };

	return rpki_point_check(&s->w.ca, &src, &opt, ret);
}

/* One of everything; with findings, or without. */
static void
scene_found(struct scene *s, const struct keys *keys, bool found)
{
	memset(s, 0, sizeof(*s));
	s->k = kit_new();
	kit_clear(&s->k);
	s->opt.now = NOW;
	world_init(&s->w, keys, s->k.pool);
	world_all(&s->w);
	if (found) {
		world_add(&s->w, "y.txt", SV("not judged"));
		world_roa(&s->w, "z.roa", &disorder, NULL);
	}
	world_crl(&s->w, NULL, 0);
	world_manifest(&s->w);
	assert_int_equal(scene_check(s, NOW, &s->pt), 0);
	assert_int_equal(s->pt.findings.n_kept, found ? 2 : 0);
	assert_int_equal(s->pt.thin, !found);
	assert_int_equal(s->pt.files.n > 0, !found);
	assert_true(rpki_point_keepable(&s->pt));
	assert_int_equal(rpki_point_fingerprint(&s->w.ca, &s->opt, BUILD, s->print), 0);
	assert_int_equal(rpki_point_write(&s->pt, s->print, &s->kept), 0);
}

static void
scene_init(struct scene *s, const struct keys *keys)
{
	scene_found(s, keys, false);
}

static void
scene_done(struct scene *s)
{
	buf_done(&s->kept);
	rpki_point_done(&s->pt);
	kit_done(&s->k);
}

/* Does the reader take what is in .kept now? */
static bool
taken(struct scene *s)
{
	struct rpki_point pt;
	bool ok;

	assert_int_equal(rpki_point_read(&s->w.ca, buf_get(&s->kept), s->print, &pt, &ok), 0);
	if (ok)
		rpki_point_done(&pt);
	return ok;
}

static void
test_round(void **state)
{
	struct buf again = BUF_INIT;
	struct rpki_point pt;
	struct scene s;
	bool ok;

	scene_init(&s, *state);
	assert_int_equal(s.pt.n_children, 2);
	assert_int_equal(s.pt.n_vrps, 2);
	assert_int_equal(s.pt.n_aspas, 2);
	assert_int_equal(s.pt.n_router_keys, 16);
	assert_int_equal(rpki_point_read(&s.w.ca, buf_get(&s.kept), s.print, &pt, &ok), 0);
	assert_true(ok);
	assert_true(pt.thin);
	assert_int_equal(pt.n_objects, 0);
	same_point(&s.pt, &pt);
	assert_int_equal(rpki_point_write(&pt, s.print, &again), 0);
	same_sv(buf_get(&s.kept), buf_get(&again));
	assert_int_equal(rpki_point_same(&s.pt, &pt, &ok), 0);
	assert_true(ok);
	pt.vrps[1].max_len++;
	assert_int_equal(rpki_point_same(&s.pt, &pt, &ok), 0);
	assert_false(ok);
	rpki_point_done(&pt);
	buf_done(&again);
	scene_done(&s);
}

/* A point that was read moves to another CA as one that was judged does. */
static void
test_moves(void **state)
{
	struct rpki_point pt;
	struct ip_range v4;
	struct rpki_ca ca;
	struct scene s;
	bool ok;

	scene_init(&s, *state);
	assert_int_equal(rpki_point_read(&s.w.ca, buf_get(&s.kept), s.print, &pt, &ok), 0);
	assert_true(ok);
	ca = s.w.ca;
	v4 = ca.res.v4.r[0];
	ca.res.v4.r = &v4;
	rpki_point_rebase(&pt, &ca);
	assert_ptr_equal(pt.children[0].res.v4.r, &v4);
	assert_ptr_equal(pt.children[0].parent, &ca);
	assert_true(pt.children[1].res.v4.r != &v4);
	rpki_point_done(&pt);
	scene_done(&s);
}

/* Objects come later, from the same bytes. */
static void
test_thick(void **state)
{
	struct rpki_point pt, full;
	struct scene s;
	bool ok;

	scene_found(&s, *state, true);
	assert_int_equal(rpki_point_read(&s.w.ca, buf_get(&s.kept), s.print, &pt, &ok), 0);
	assert_true(ok);
	assert_int_equal(scene_check(&s, NOW + 60, &full), 0);
	assert_int_equal(rpki_point_same(&pt, &full, &ok), 0);	/* judged at another time */
	assert_true(ok);
	rpki_point_thicken(&pt, &full);
	assert_int_equal(rpki_point_same(&pt, &s.pt, &ok), 0);
	assert_true(ok);
	assert_false(pt.thin);
	assert_int_equal(pt.n_objects, s.w.n + 1);
	assert_null(full.pool);
	rpki_point_done(&pt);
	scene_done(&s);
}

static void
test_fingerprint(void **state)
{
	static const struct ip_range other = { { 10 }, { 10, 255, 255, 254 } };
	static const struct as_range others = { 64496, 64510 };
	uint8_t print[16][SHA256_LEN];
	struct rpki_ca ca, above;
	struct rpki_opt opt;
	struct scene s;
	size_t n = 0;

	scene_init(&s, *state);
#define ANOTHER(what) do {							\
	ca = s.w.ca;								\
	opt = s.opt;								\
	what;									\
	assert_int_equal(rpki_point_fingerprint(&ca, &opt, BUILD, print[n]), 0); \
	for (size_t i = 0; i < n; i++)						\
		assert_memory_not_equal(print[i], print[n], SHA256_LEN);	\
	n++;									\
} while (0)
	ANOTHER((void)0);
	assert_memory_equal(print[0], s.print, SHA256_LEN);
	ANOTHER(opt.tolerate = RPKI_TOL_RFC8360);
	ANOTHER(opt.pool_max = 4096);
	ANOTHER(ca.depth++);
	ANOTHER(ca.ta++);
	ANOTHER(ca.exponent = 3);
	ANOTHER(ca.uri.n--);
	ANOTHER(ca.subject.n--);
	ANOTHER(ca.ski = key_ski(*state, 6));
	ANOTHER(ca.modulus.n--);
	ANOTHER(ca.repo_uri.n--);
	ANOTHER(ca.mft_uri.n--);
	ANOTHER(ca.notify_uri = SV("https://rpki.example/x.xml"));
	ANOTHER(ca.res.v4.r = &other);
	ANOTHER(ca.res.as.r = &others);
	ANOTHER((above = s.w.ca, ca.parent = &above));
#undef ANOTHER
	/* Times of the chain are nobody's matter here. */
	ca = s.w.ca;
	ca.expires--;
	ca.not_after--;
	assert_int_equal(rpki_point_fingerprint(&ca, &s.opt, BUILD, print[1]), 0);
	assert_memory_equal(print[1], s.print, SHA256_LEN);
	assert_int_equal(rpki_point_fingerprint(&ca, &s.opt, SV("another build"), print[1]), 0);
	assert_memory_not_equal(print[1], s.print, SHA256_LEN);
	assert_true(taken(&s));
	s.print[0] ^= 1;
	assert_false(taken(&s));
	scene_done(&s);
}

static void
test_not_kept(void **state)
{
	struct rpki_ca lost;
	struct rpki_point pt;
	struct scene s;

	scene_init(&s, *state);
#define NOT_WITH(what) do { pt = s.pt; what; assert_false(rpki_point_keepable(&pt)); } while (0)
	NOT_WITH(pt.failed = true);
	NOT_WITH(pt.retained = true);
	NOT_WITH((lost = *pt.ca, lost.lost = true, pt.ca = &lost));
	NOT_WITH(pt.count[RPKI_ROA][V_REJECTED] = 1);
	NOT_WITH(pt.expires = INT64_C(1) << 40);
#undef NOT_WITH
	/* Of what was found here nobody knows which object it is of. */
	pt = s.pt;
	pt.thin = false;
	findings_init(&pt.findings, pt.pool);
	pt.findings.subject = SV("x");
	finding_add0(&pt.findings, F(RPKI_ROA_ORDER));
	assert_false(rpki_point_keepable(&pt));
	pt.thin = true;
	assert_true(rpki_point_keepable(&pt));
	finding_add(&pt.findings, F(RPKI_ROA_ORDER), FA_MSG("why", "a text of ours"));
	assert_false(rpki_point_keepable(&pt));
	findings_init(&pt.findings, pt.pool);
	finding_add0(&pt.findings, F(RPKI_ROA_PREFIX));
	assert_false(rpki_point_keepable(&pt));
	scene_done(&s);
}

/* Warnings and notes come back, with the objects that a report asks for. */
static void
test_found(void **state)
{
	static const uint8_t bytes[] = { 1, 2, 255 };
	const struct ip_prefix px = { .addr = { 10, 7 }, .len = 16, .af = IP_V4 };
	struct rpki_point pt;
	struct scene s;
	bool ok;

	scene_found(&s, *state, true);
	for (int more = 0; more < 2; more++) {
		if (more) {	/* whatever an argument can be */
			s.pt.findings.subject = s.pt.objects[s.pt.n_objects - 1].uri;
			finding_add(&s.pt.findings, F(RPKI_ROA_ORDER), FA_U("count", UINT64_MAX),
			    FA_TIME("until", -5), FA_SV("uri", SV("\x1b[2J")), FA_ASN("asn", UINT32_MAX),
			    FA_PREFIX("prefix", px), FA_HEX("hex", bytes, sizeof(bytes)));
			s.kept.len = 0;
			assert_int_equal(rpki_point_write(&s.pt, s.print, &s.kept), 0);
		}
		assert_int_equal(rpki_point_read(&s.w.ca, buf_get(&s.kept), s.print, &pt, &ok), 0);
		assert_true(ok);
		same_point(&s.pt, &pt);
		assert_int_equal(pt.count[RPKI_OTHER][V_NOT_JUDGED], 1);
		assert_int_equal(pt.n_objects, 1);
		assert_int_equal(pt.objects[0].n_vrps, 2);
		assert_int_equal(pt.objects[0].vrps[1].asn, 64502);
		rpki_point_done(&pt);
	}
	scene_done(&s);
}

/* Each a point that could not have been judged good for this CA. */
static void
test_lies(void **state)
{
	struct rpki_ca *c;
	char files[1024];
	struct vrp v;
	struct scene s;

	scene_init(&s, *state);
	c = s.pt.children;
	assert_true(s.pt.files.n <= sizeof(files));
#define LIE(place, value) do {							\
	__typeof__(place) was_ = (place);					\
	(place) = (value);							\
	s.kept.len = 0;								\
	assert_int_equal(rpki_point_write(&s.pt, s.print, &s.kept), 0);		\
	assert_false(taken(&s));						\
	(place) = was_;								\
} while (0)
	v = s.pt.vrps[0];
	v.addr[0] = 11;
	LIE(s.pt.vrps[0], v);				/* not the CA's addresses */
	v = s.pt.vrps[0];
	v.len = 7;
	v.addr[1] = 0;
	LIE(s.pt.vrps[0], v);				/* more than the CA's */
	LIE(s.pt.vrps[0].max_len, 15);
	LIE(s.pt.vrps[0].max_len, 33);
	LIE(s.pt.vrps[0].len, 14);			/* host bits */
	LIE(s.pt.vrps[0].af, IP_V6);
	LIE(s.pt.vrps[0].expires, s.pt.until - 2);
	LIE(s.pt.aspas[0].customer, 64512);
	LIE(s.pt.aspas[0].customer, 64501);		/* its own provider */
	LIE(s.pt.aspas[0].providers, (const uint32_t[]) { 1 COMMA 1 COMMA 2 });
	LIE(s.pt.aspas[0].providers, (const uint32_t[]) { 0 COMMA 1 COMMA 2 });
	LIE(s.pt.aspas[0].n_providers, 0);
	LIE(s.pt.router_keys[3].asn, 64512);
	LIE(s.pt.router_keys[3].spki[0], 0x31);
	LIE(s.pt.judged, s.pt.until);
	LIE(s.pt.until, s.pt.expires + 2);
	LIE(s.pt.until, INT64_MAX);
	LIE(s.pt.expires, s.pt.mft_next + 1);
	LIE(s.pt.mft_this, s.pt.judged + 1);
	LIE(s.pt.count[RPKI_MFT][V_VALID], 2);
	LIE(s.pt.count[RPKI_CER][V_VALID], 1);		/* of two children */
	LIE(s.pt.count[RPKI_ASA][V_VALID], 3);
	LIE(s.pt.count[RPKI_ROA][V_VALID], 0);
	LIE(s.pt.count[RPKI_ROA][V_VALID], RPKI_MFT_FILES_MAX);
	LIE(s.pt.count[RPKI_SPL][V_VALID], 1);
	LIE(s.pt.mft_aia, SV("ftp://x"));
	LIE(s.pt.files, sv_take(s.pt.files, s.pt.files.n - 1));
	LIE(s.pt.files, sv_skip(s.pt.files, 64 + 5 + 2));	/* without a.roa, its VRPs are nobody's */
	memcpy(files, s.pt.files.p, s.pt.files.n);
	files[56] = 1;					/* judged in a far future */
	LIE(s.pt.files, ((struct sv){ files COMMA s.pt.files.n }));
	LIE(s.pt.crl_uri, SV("rsync://rpki.example/repo/ta.roa"));
	LIE(c[1].ski, key_ski(*state, 0));		/* a loop */
	LIE(c[1].uri, SV("rsync://rpki.example/repo/sub/e.cer"));
	LIE(c[1].uri, SV("rsync://rpki.example/other/e.cer"));
	LIE(c[1].uri, SV("rsync://rpki.example/repo/e.roa"));
	LIE(c[1].repo_uri, SV("rsync://rpki.example/"));
	LIE(c[1].mft_uri, SV("http://rpki.example/repo/e.mft"));
	LIE(c[1].notify_uri, SV("http://rpki.example/n.xml"));
	LIE(c[1].subject, SV("x"));
	LIE(c[1].modulus, ((struct sv){ (const char[256]){ 1 } COMMA 256 }));
	LIE(c[1].not_after, s.pt.until - 2);
	LIE(c[1].not_before, s.pt.judged + 1);
	LIE(c[1].res.v4.r, (&(struct ip_range){ { 9 } COMMA { 10 COMMA 2 } }));
	LIE(c[1].res.v4.r, (&(struct ip_range){ { 10 COMMA 3 } COMMA { 10 COMMA 2 } }));
	LIE(c[1].res.v6.r, (&(struct ip_range){ { 9 } COMMA { 10 COMMA 2 } }));
#undef LIE
	s.kept.len = 0;
	assert_int_equal(rpki_point_write(&s.pt, s.print, &s.kept), 0);
	assert_true(taken(&s));
	scene_done(&s);
}

/* Cut anywhere, longer, each octet changed: never taken for what it is not. */
static void
test_damage(void **state)
{
	struct scene s;
	size_t whole;

	scene_found(&s, *state, true);
	whole = s.kept.len;
	for (s.kept.len = 0; s.kept.len < whole; s.kept.len++)
		assert_false(taken(&s));
	buf_char(&s.kept, '\0');
	assert_false(taken(&s));
	s.kept.len = whole;
	for (size_t i = 0; i < whole; i++)
		for (int bit = 0; bit < 8; bit += 7) {
			struct buf again = BUF_INIT;
			struct rpki_point pt;
			bool ok;

			s.kept.p[i] = (char)(s.kept.p[i] ^ 1 << bit);
			assert_int_equal(rpki_point_read(&s.w.ca, buf_get(&s.kept), s.print, &pt, &ok), 0);
			if (ok) {
				assert_int_equal(rpki_point_write(&pt, s.print, &again), 0);
				same_sv(buf_get(&s.kept), buf_get(&again));
				rpki_point_done(&pt);
			}
			buf_done(&again);
			s.kept.p[i] = (char)(s.kept.p[i] ^ 1 << bit);
		}
	assert_true(taken(&s));
	scene_done(&s);
}

static void
test_limit(void **state)
{
	struct rpki_point pt;
	struct scene s;
	struct vrp *v = calloc(RPKI_KEPT_MAX / 11, sizeof(*v));

	assert_non_null(v);
	scene_init(&s, *state);
	pt = s.pt;
	pt.vrps = v;
	pt.n_vrps = RPKI_KEPT_MAX / 11;
	for (size_t i = 0; i < pt.n_vrps; i++)
		v[i] = (struct vrp){ .af = IP_V4, .expires = pt.expires };
	s.kept.len = 7;
	assert_int_equal(rpki_point_write(&pt, s.print, &s.kept), SE_LIMIT);
	assert_int_equal(s.kept.len, 7);
	free(v);
	scene_done(&s);
}

/* The seeds of fuzz_point_keep are points as they are written; anew: SEEDS=1 */
static void
test_seed(void **state)
{
	static const uint8_t none[SHA256_LEN];
	static char bytes[16384];
	const char *src = getenv("SEKISHO_SRC");
	char path[4096];
	struct scene s;
	size_t n;
	FILE *f;

	for (int found = 0; found < 2; found++) {
		scene_found(&s, *state, found);
		s.kept.len = 0;
		assert_int_equal(rpki_point_write(&s.pt, none, &s.kept), 0);
		(void)snprintf(path, sizeof(path), "%s/tests/fuzz/corpus/point_keep/%s.bin",
		    src != NULL ? src : ".", found ? "found" : "all");
		if (getenv("SEEDS") != NULL) {
			assert_non_null(f = fopen(path, "wb"));
			assert_int_equal(fwrite(s.kept.p, 1, s.kept.len, f), s.kept.len);
			assert_int_equal(fclose(f), 0);
		}
		assert_non_null(f = fopen(path, "rb"));
		n = fread(bytes, 1, sizeof(bytes), f);
		(void)fclose(f);
		same_sv(buf_get(&s.kept), (struct sv){ bytes, n });
		scene_done(&s);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_round), T(test_moves), T(test_thick), T(test_fingerprint), T(test_not_kept), T(test_found),
		T(test_lies), T(test_damage), T(test_limit), T(test_seed),
	};

	return cmocka_run_group_tests_name("rpki keep", tests, keys_setup, keys_teardown);
}
