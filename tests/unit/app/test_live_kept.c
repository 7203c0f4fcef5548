/*
 * What was judged stands over a restart, for this build, under this CA, for a
 * day at most from its judgement: whoever wrote it, and whatever he wrote.
 */
#include "../rpki/same.h"
#include "live_kit.h"

static void
place_of(const struct scene *s, uint8_t ret[static SHA256_LEN])
{
	crypto_sha256_2(MFT_URI, sizeof(MFT_URI) - 1, s->w.ca.ski.p, s->w.ca.ski.n, ret);
}

struct row {
	uint8_t		hash[SHA256_LEN];
	int64_t		since;
	struct buf	kept;
};

static struct row
row_get(struct scene *s)
{
	struct objects_reader *r = NULL;
	struct objects_view *v = NULL;
	struct row row = { .kept = BUF_INIT };
	struct objects_point p;
	uint8_t key[SHA256_LEN];

	place_of(s, key);
	assert_int_equal(objects_reader_open(s->dir, crypto_sha256, &r), 0);
	assert_int_equal(objects_view_new(r, &v), 0);
	assert_int_equal(objects_view_kept(v, key, &p), 0);
	memcpy(row.hash, p.hash, SHA256_LEN);
	row.since = p.since;
	buf_sv(&row.kept, p.kept);
	objects_view_free(v);
	objects_reader_free(r);
	return row;
}

static void
row_put(struct scene *s, const struct row *row)
{
	struct buf b = BUF_INIT;
	uint8_t key[SHA256_LEN], len[4];

	place_of(s, key);
	put_be32(len, (uint32_t)row->kept.len);
	buf_bytes(&b, key, sizeof(key));
	buf_bytes(&b, row->hash, SHA256_LEN);
	buf_bytes(&b, len, sizeof(len));
	buf_sv(&b, buf_get(&row->kept));
	assert_int_equal(objects_points_put(s->store, buf_get(&b), row->since), 0);
	buf_done(&b);
}

/* The row as it is, read; its fingerprint goes to print. */
static void
row_read(struct scene *s, const struct row *row, uint8_t print[static SHA256_LEN],
    struct rpki_point *ret)
{
	bool ok;

	memcpy(print, row->kept.p, SHA256_LEN);
	assert_int_equal(rpki_point_read(&s->w.ca, buf_get(&row->kept), print, ret, &ok), 0);
	assert_true(ok);
}

/* Another process' first run. */
static struct routes *
run_anew(struct scene *s)
{
	scene_restart(s, true);
	return run(s, NULL);
}

static uint64_t
n_kept(struct scene *s)
{
	return live_counts(s->live).n_kept;
}

static void
test_stands(void **state)
{
	struct routes *judged, *r;
	struct row before, after;
	struct scene s;

	scene_init(&s, *state, true);
	judged = run(&s, NULL);
	assert_int_equal(n_kept(&s), 0);
	before = row_get(&s);
	assert_int_equal(before.since, NOW);
	assert_true(before.kept.len > 0);
	s.now = NOW + 3600;
	r = run_anew(&s);
	assert_int_equal(n_kept(&s), 1);
	assert_int_equal(s.n_asked + live_counts(s.live).n_facts, 0);	/* nothing was parsed */
	assert_true(r->points[0]->thin);
	assert_int_equal(r->points[0]->judged, NOW);		/* reading is no judgement */
	judged->points[0]->ca = r->points[0]->ca;
	assert_int_equal(r->points[0]->until, judged->points[0]->until);
	same_payloads(judged->points[0], r->points[0]);
	assert_int_equal(r->n_vrps_all, judged->n_vrps_all);
	assert_int_equal(r->n_verified, judged->n_verified);
	assert_memory_equal(r->count, judged->count, sizeof(r->count));
	assert_memory_equal(r->payloads.vrps, judged->payloads.vrps, sizeof(struct vrp));
	/* It moves on as any other, and nothing of it was written again. */
	r = run(&s, r);
	assert_int_equal(r->n_moved, 1);
	after = row_get(&s);
	assert_int_equal(after.since, NOW);
	same_sv(buf_get(&before.kept), buf_get(&after.kept));
	buf_done(&before.kept);
	buf_done(&after.kept);
	(void)routes_free(judged);
	(void)routes_free(r);
	scene_done(&s);
}

/* Another manifest: judged from its bytes, and that is kept. */
static void
test_changes(void **state)
{
	struct routes *r;
	struct scene s;

	scene_init(&s, *state, true);
	(void)routes_free(run(&s, NULL));
	world_again(&s, "\2", 60);
	world_roa(&s.w, "b.roa", &roa2, NULL);
	world_manifest(&s.w);
	publish(&s);
	for (uint64_t i = 0; i < 2; i++) {
		r = run_anew(&s);
		assert_int_equal(n_kept(&s), i);
		assert_int_equal(r->payloads.n_vrps, 1);
		assert_int_equal(r->payloads.vrps[0].asn, 64501);
		(void)routes_free(r);
	}
	scene_done(&s);
}

/* Where the newest is not what was judged good, it is judged. */
static void
test_retained(void **state)
{
	struct routes *r;
	struct scene s;

	scene_init(&s, *state, true);
	(void)routes_free(run(&s, NULL));
	world_again(&s, "\2", 60);
	world_roa(&s.w, "a.roa", &roa2, NULL);
	world_manifest(&s.w);
	s.w.files[1].absent = true;
	publish(&s);
	for (int i = 0; i < 3; i++) {
		r = run_anew(&s);
		assert_int_equal(n_kept(&s), 0);
		assert_int_equal(findings_of(r, RPKI_POINT_RETAINED), 1);
		assert_int_equal(r->payloads.vrps[0].asn, 64500);
		(void)routes_free(r);
	}
	scene_done(&s);
}

/* What a report says of findings: whose they are, too. */
static void
findings_said(struct routes *r, struct buf *ret)
{
	static const uint32_t asn = 64500;
	const struct ours ours = { .asns = &asn, .n_asns = 1 };
	struct buf b = BUF_INIT;
	const char *at;

	ret->len = 0;
	assert_int_equal(routes_report(r, &ours, &b), 0);
	buf_char(&b, '\0');
	assert_non_null(at = strstr(b.p, "\"findings\":["));
	assert_non_null(strstr(at, "\"ours\":true"));
	buf_str(ret, at);
	buf_done(&b);
}

/* Warnings and notes are said again, and again as ours. */
static void
test_findings(void **state)
{
	static const struct roa_entry v[] = { { { .addr = { 10, 2 }, .len = 16, .af = IP_V4 }, 24 },
	    { { .addr = { 10, 1 }, .len = 16, .af = IP_V4 }, 24 } };
	static const struct roa_spec disordered = { 64500, v, ARRAY_LEN(v) };
	struct buf want = BUF_INIT, got = BUF_INIT;
	struct routes *r;
	struct scene s;

	scene_init(&s, *state, true);
	world_again(&s, "\2", 60);
	world_roa(&s.w, "a.roa", &disordered, NULL);
	world_add(&s.w, "b.txt", SV("what nobody judges"));
	world_manifest(&s.w);
	publish(&s);
	for (uint64_t i = 0; i < 2; i++) {
		r = run_anew(&s);
		assert_int_equal(n_kept(&s), i);
		assert_int_equal(findings_of(r, RPKI_ROA_ORDER), 1);
		assert_int_equal(findings_of(r, RPKI_NOT_JUDGED), 1);
		assert_int_equal(r->n_by_severity[SEV_WARN] + r->n_by_severity[SEV_NOTE], 2);
		assert_int_equal(r->payloads.n_vrps, 2);
		findings_said(r, i == 0 ? &want : &got);
		(void)routes_free(r);
	}
	same_sv(buf_get(&want), buf_get(&got));
	buf_done(&want);
	buf_done(&got);
	scene_done(&s);
}

/* --no-facts: nothing is believed, and nothing is touched. */
static void
test_no_facts(void **state)
{
	struct row before, after;
	struct routes *r;
	struct scene s;

	scene_init(&s, *state, true);
	(void)routes_free(run(&s, NULL));
	before = row_get(&s);
	scene_restart(&s, false);
	s.now = NOW + 60;
	r = run(&s, NULL);
	assert_int_equal(n_kept(&s), 0);
	assert_int_equal(s.n_asked, 5);
	assert_int_equal(r->payloads.n_vrps, 1);
	after = row_get(&s);
	assert_int_equal(after.since, NOW);
	same_sv(buf_get(&before.kept), buf_get(&after.kept));
	buf_done(&before.kept);
	buf_done(&after.kept);
	(void)routes_free(r);
	scene_done(&s);
}

/* --- planted --- */

/* What is planted is not believed, and what is judged instead takes its place. */
static void
refused(struct scene *s, const struct row *row)
{
	struct routes *r;

	row_put(s, row);
	r = run_anew(s);
	assert_int_equal(n_kept(s), 0);
	assert_false(r->points[0]->thin);
	assert_int_equal(r->payloads.n_vrps, 1);
	assert_int_equal(r->payloads.vrps[0].asn, 64500);
	(void)routes_free(r);
	r = run_anew(s);
	assert_int_equal(n_kept(s), 1);
	assert_int_equal(r->payloads.n_vrps, 1);
	(void)routes_free(r);
}

static void
test_planted(void **state)
{
	const struct rpki_opt other = { .tolerate = RPKI_TOL_RFC8360 };
	uint8_t print[SHA256_LEN], of_other[SHA256_LEN];
	struct row row, x;
	struct rpki_point pt;
	struct scene s;

	scene_init(&s, *state, true);
	(void)routes_free(run(&s, NULL));
	row = row_get(&s);
	row_read(&s, &row, print, &pt);
	s.now = NOW + 60;
	x = (struct row){ .since = NOW + 30 };
	memcpy(x.hash, row.hash, SHA256_LEN);
	pt.judged = NOW + 30;		/* what honest runs do not write */
#define PLANT(print_) do {						\
	x.kept.len = 0;							\
	assert_int_equal(rpki_point_write(&pt, (print_), &x.kept), 0);	\
	refused(&s, &x);						\
} while (0)
	/* Another CA, build or switch: the fingerprint is another. */
	print[7] ^= 1;
	PLANT(print);
	print[7] ^= 1;
	assert_int_equal(rpki_point_fingerprint(&s.w.ca, &(struct rpki_opt){ 0 },
	    SV("another build"), of_other), 0);
	PLANT(of_other);
	assert_int_equal(rpki_point_fingerprint(&s.w.ca, &other, SV("x"), of_other), 0);
	PLANT(of_other);
	/* Of another manifest. */
	pt.mft_hash[3] ^= 1;
	PLANT(print);
	pt.mft_hash[3] ^= 1;
	/* From the future: of the run, or of the store that was given it. */
	pt.judged = NOW + 61;
	x.since = NOW + 61;
	PLANT(print);
	pt.judged = NOW + 31;
	x.since = NOW + 30;
	PLANT(print);
	pt.judged = NOW + 30;
	x.since = NOW + 61;
	PLANT(print);
	x.since = NOW + 30;
	/* Over. */
	pt.until = NOW + 60;
	PLANT(print);
	/* Rubbish. */
	x.kept.len = 0;
	buf_str(&x.kept, "rubbish");
	refused(&s, &x);
	x.kept.len = 0;
	buf_sv(&x.kept, buf_get(&row.kept));
	x.kept.len--;
	refused(&s, &x);
	for (int i = 0; i < 5000; i++)
		buf_str(&x.kept, "rubbish");
	refused(&s, &x);
#undef PLANT
	rpki_point_done(&pt);
	buf_done(&row.kept);
	buf_done(&x.kept);
	scene_done(&s);
}

/* The honest row with one VRP more, as if judged at that time. */
static struct row
lie_make(struct scene *s, const struct vrp *v, int64_t judged, int64_t until)
{
	uint8_t print[SHA256_LEN];
	struct row row = row_get(s);
	struct rpki_point pt;
	struct vrp both[2];

	row_read(s, &row, print, &pt);
	both[0] = pt.vrps[0];
	both[1] = *v;
	both[1].expires = pt.expires;
	pt.vrps = both;
	pt.n_vrps = 2;
	pt.judged = judged;
	pt.until = until;
	row.since = judged;
	row.kept.len = 0;
	assert_int_equal(rpki_point_write(&pt, print, &row.kept), 0);
	rpki_point_done(&pt);
	return row;
}

/* More than its CA holds: nobody can have judged so. */
static void
test_lie_beyond(void **state)
{
	const struct vrp v = { .addr = { 11 }, .len = 8, .max_len = 8, .af = IP_V4, .asn = 666 };
	struct scene s;
	struct row lie;

	scene_init(&s, *state, true);
	(void)routes_free(run(&s, NULL));
	lie = lie_make(&s, &v, NOW, NOW + DAY);
	s.now = NOW + 60;
	refused(&s, &lie);
	buf_done(&lie.kept);
	scene_done(&s);
}

/*
 * Within what its CA holds it is believed, for a day and not longer: in one
 * process, over restarts every hour, and whatever it says of its end.
 */
static void
test_lie(void **state)
{
	const struct vrp v = { .addr = { 10, 9 }, .len = 16, .max_len = 16, .af = IP_V4, .asn = 666 };
	struct routes *r;
	struct scene s;
	struct row lie;
	int64_t ended;

	for (int restarts = 0; restarts < 2; restarts++) {
		scene_init(&s, *state, true);
		(void)routes_free(run(&s, NULL));
		lie = lie_make(&s, &v, NOW, NOW + DAY + 1);
		row_put(&s, &lie);
		r = run_anew(&s);
		assert_int_equal(n_kept(&s), 1);
		assert_int_equal(r->payloads.n_vrps, 2);	/* this is what it can do */
		assert_true(live_next(r) <= NOW + DAY);
		for (ended = 0, s.now = NOW + 3600; s.now <= NOW + DAY; s.now += 3600) {
			if (restarts) {
				(void)routes_free(r);
				r = run_anew(&s);
			} else
				r = run(&s, r);
			if (ended == 0 && r->payloads.n_vrps == 1)
				ended = s.now;
			assert_int_equal(r->payloads.n_vrps, ended == 0 ? 2 : 1);
		}
		assert_true(ended > NOW + 17 * 3600 && ended <= NOW + DAY);
		(void)routes_free(r);
		buf_done(&lie.kept);
		scene_done(&s);
	}
}

/* --- explanations --- */

static const struct ours nobody;

/* What the run answers; .rc is -EAGAIN if it needs objects. */
static int
explain(struct routes *r, const char *subject, struct buf *ret)
{
	ret->len = 0;
	return routes_explain(r, &nobody, sv_str(subject), LANG_EN, ret);
}

static void
thicken(struct scene *s, struct routes *r, const char *subject)
{
	assert_int_equal(live_begin(s->live), 0);
	assert_int_equal(routes_thicken(r, live_backend(s->live), sv_str(subject)), 0);
	live_end(s->live);
}

/*
 * From a thin point as from bytes, whatever is asked, and in whatever order. It
 * was read back, or judged without its objects.
 */
static void
explain_all(const struct keys *keys, bool found, bool judged)
{
	static const struct roa_entry v[] = { { { .addr = { 10, 4 }, .len = 16, .af = IP_V4 }, 24 },
	    { { .addr = { 10, 3 }, .len = 16, .af = IP_V4 }, 24 } };
	static const struct roa_spec disordered = { 64500, v, ARRAY_LEN(v) };
	static const struct {
		const char	*subject;
		bool		 needs;
	} rows[] = {
		{ "10.1.0.0/16 64500", true }, { "10.1.2.0/25 64500", true }, { "10.1.0.0/16 1", true },
		{ "10.1.0.0/16", true }, { "10.2.0.0/16", false }, { "64500", true }, { "64501", true },
		{ "64499", false }, { HOST "a.roa", true }, { HOST "b.asa", true }, { CRL_URI, true },
		{ HOST "c.roa", true },
		{ MFT_URI, true }, { TA_URI, true }, { HOST "none.roa", true },
		{ HOST "sub/a.roa", false }, { "rsync://other.example/m/a.roa", false },
		{ "nonsense", false },
	};
	static const uint32_t providers[] = { 64502 };
	static const struct aspa_spec aspa = { 64501, providers, 1 };
	struct buf want = BUF_INIT, got = BUF_INIT;
	struct routes *fat, *thin;
	struct scene s;

	scene_init(&s, keys, !judged);
	world_again(&s, "\2", 60);
	world_roa(&s.w, "a.roa", &roa, NULL);
	world_aspa(&s.w, "b.asa", &aspa, NULL);
	if (found)
		world_roa(&s.w, "c.roa", &disordered, NULL);
	world_manifest(&s.w);
	publish(&s);
	fat = run(&s, NULL);
	s.thin = judged;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		for (int all = 0; all < 2; all++) {
			int rc = explain(fat, rows[i].subject, &want);

			thin = judged ? run(&s, NULL) : run_anew(&s);
			assert_true(thin->points[0]->thin);
			if (all)	/* something else was asked before */
				thicken(&s, thin, "64500");
			else
				assert_int_equal(routes_thin(thin, sv_str(rows[i].subject)), rows[i].needs);
			if (rows[i].needs && !all) {
				assert_int_equal(explain(thin, rows[i].subject, &got), -EAGAIN);
				thicken(&s, thin, rows[i].subject);
				assert_false(thin->points[0]->thin);
			}
			assert_int_equal(explain(thin, rows[i].subject, &got), rc);
			same_sv(buf_get(&want), buf_get(&got));
			/* It moves with its objects. */
			thin = run(&s, thin);
			assert_int_equal(thin->n_moved, 1);
			assert_int_equal(explain(thin, rows[i].subject, &got), rc);
			same_sv(buf_get(&want), buf_get(&got));
			(void)routes_free(thin);
		}
	(void)routes_free(fat);
	buf_done(&want);
	buf_done(&got);
	scene_done(&s);
}

static void
test_explain(void **state)
{
	explain_all(*state, false, false);
	explain_all(*state, true, false);
	explain_all(*state, false, true);
}

/* Who asks for what was made up finds it out, and ends it. */
static void
test_doubt(void **state)
{
	const struct vrp v = { .addr = { 10, 9 }, .len = 16, .max_len = 16, .af = IP_V4, .asn = 666 };
	struct buf got = BUF_INIT;
	struct routes *r;
	struct scene s;
	struct row lie;

	scene_init(&s, *state, true);
	(void)routes_free(run(&s, NULL));
	lie = lie_make(&s, &v, NOW, NOW + DAY + 1);
	row_put(&s, &lie);
	r = run_anew(&s);
	assert_int_equal(r->payloads.n_vrps, 2);
	thicken(&s, r, "666");
	assert_true(r->points[0]->thin);
	assert_int_equal(explain(r, "666", &got), -EAGAIN);
	assert_int_equal(live_next(r), 0);		/* at once */
	r = run(&s, r);
	assert_int_equal(r->n_moved + n_kept(&s), 0);
	assert_int_equal(r->payloads.n_vrps, 1);
	assert_int_equal(explain(r, "666", &got), 0);
	(void)routes_free(r);
	/* What was judged instead is kept for the next process. */
	s.now = NOW + 1;
	r = run_anew(&s);
	assert_int_equal(r->payloads.n_vrps, 1);
	(void)routes_free(r);
	buf_done(&got);
	buf_done(&lie.kept);
	scene_done(&s);
}

/* Its objects have gone from the store: it stands no longer, in no process. */
static void
test_gone(void **state)
{
	struct buf b = BUF_INIT;
	struct routes *r;
	struct scene s;
	bool more = true;

	scene_init(&s, *state, true);
	(void)routes_free(run(&s, NULL));
	/* The server has the manifest, and nothing else of it. */
	record(&b, MFT_URI, s.w.mft);
	stage(&s, s.module, &b);
	for (int i = 0; i < 50 && more; i++)
		assert_int_equal(objects_gc(s.store, NOW + 7200, 100, &more), 0);
	r = run_anew(&s);
	assert_int_equal(n_kept(&s), 1);
	thicken(&s, r, "64500");
	assert_true(r->points[0]->thin);
	for (int i = 0; i < 2; i++) {
		r = run(&s, r);
		assert_int_equal(n_kept(&s), 0);
		assert_int_equal(r->payloads.n_vrps, 0);
		assert_true(findings_of(r, RPKI_MFT_FILE_MISSING) > 0);
		if (i == 0) {
			(void)routes_free(r);
			scene_restart(&s, true);
			r = NULL;
		}
	}
	(void)routes_free(r);
	scene_done(&s);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_stands), T(test_changes), T(test_retained), T(test_findings), T(test_no_facts),
		T(test_planted), T(test_lie_beyond), T(test_lie), T(test_explain), T(test_doubt),
		T(test_gone),
	};

	return cmocka_run_group_tests_name("app live kept", tests, keys_setup, keys_teardown);
}
