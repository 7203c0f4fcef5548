/*
 * Validations from the object store: what is known is not computed, what is
 * the same stands, a point is judged on the newest data that makes it whole.
 */
#include "live_kit.h"

static void
test_known(void **state)
{
	struct scene s;
	struct routes *r;
	unsigned all;

	scene_init(&s, *state, true);
	r = run(&s, NULL);
	assert_int_equal(r->payloads.n_vrps, 1);
	all = s.n_asked;
	assert_int_equal(all, 5);	/* manifest twice, list, ROA twice */
	/* Another process, the same store: nothing is computed again. */
	(void)routes_free(r);
	r = run(&s, NULL);
	assert_int_equal(s.n_asked, 0);
	assert_int_equal(r->n_moved, 0);
	assert_int_equal(r->payloads.n_vrps, 1);
	/* The same process: the point stands as it is. */
	r = run(&s, r);
	assert_int_equal(s.n_asked, 0);
	assert_int_equal(r->n_moved, 1);
	assert_int_equal(r->payloads.n_vrps, 1);
	/* One more ROA: only what is new is computed. */
	world_again(&s, "\2", 60);
	world_roa(&s.w, "a.roa", &roa, NULL);
	world_roa(&s.w, "b.roa", &roa2, NULL);
	world_manifest(&s.w);
	publish(&s);
	r = run(&s, r);
	assert_int_equal(r->n_moved, 0);
	assert_int_equal(r->payloads.n_vrps, 2);
	/*
	 * The manifest twice, both ROAs' new certificates, b's content. The list
	 * and what a's key signed are byte for byte as before.
	 */
	assert_int_equal(s.n_asked, 5);
	(void)routes_free(r);
	scene_done(&s);

	scene_init(&s, *state, false);	/* --no-facts */
	r = run(&s, NULL);
	assert_int_equal(s.n_asked, all);
	(void)routes_free(r);
	r = run(&s, NULL);
	assert_int_equal(s.n_asked, all);
	assert_int_equal(r->payloads.n_vrps, 1);
	(void)routes_free(r);
	scene_done(&s);
}

/* A new state of the server: the same name, other content of the same size. */
static void
step(struct scene *s, const char *number, const struct roa_spec *spec)
{
	world_again(s, number, 60);
	world_roa(&s->w, "a.roa", spec, NULL);
	world_manifest(&s->w);
	publish(s);
}

/*
 * A source that did not change is not looked at, point by point; one that may
 * have changed in the last second that was seen is.
 */
static void
test_still(void **state)
{
	struct scene s;
	struct routes *r;

	scene_init(&s, *state, true);
	r = run(&s, run(&s, NULL));
	assert_int_equal(r->n_moved, 1);
	assert_int_equal(s.n_still, 0);	/* NOW is the newest second */
	s.clock = NOW + 1;
	{
		struct buf b = BUF_INIT;

		record(&b, TA_URI, s.w.ta);
		record(&b, TA_URI ".other", s.w.ta);
		stage(&s, s.ta, &b);	/* another source moves on */
	}
	r = run(&s, run(&s, r));
	assert_int_equal(r->n_moved, 1);
	assert_int_equal(s.n_still, 1);
	s.clock = NOW + 2;
	step(&s, "\2", &roa2);
	r = run(&s, r);
	assert_int_equal(s.n_still, 0);
	assert_int_equal(r->payloads.vrps[0].asn, 64501);
	step(&s, "\3", &roa);		/* in the same second */
	r = run(&s, r);
	assert_int_equal(s.n_still, 0);
	assert_int_equal(r->payloads.vrps[0].asn, 64500);
	r = run(&s, run(&s, r));
	assert_int_equal(r->n_moved, 1);
	assert_int_equal(s.n_still, 0);
	(void)routes_free(r);
	scene_done(&s);
}

/*
 * A place that is empty stands, too: who certifies a million of them costs
 * everybody one look at each, not a judgement. What comes there is judged.
 */
static void
test_absent(void **state)
{
	struct scene s;
	struct routes *r;
	struct buf b = BUF_INIT;

	scene_init(&s, *state, true);
	stage(&s, s.module, &b);	/* the server has nothing */
	r = run(&s, NULL);
	assert_true(r->points[0]->failed && findings_of(r, RPKI_MFT_MISSING) == 1);
	r = run(&s, r);
	assert_int_equal(r->n_moved, 1);
	assert_true(r->points[0]->failed && findings_of(r, RPKI_MFT_MISSING) == 1);
	s.now = live_next(r);		/* once a day it is */
	r = run(&s, r);
	assert_int_equal(r->n_moved, 0);
	s.now = NOW;
	publish(&s);
	r = run(&s, r);
	assert_int_equal(r->n_moved, 0);
	assert_int_equal(r->payloads.n_vrps, 1);
	/* What was good once is no empty place: it is judged on that. */
	b = (struct buf)BUF_INIT;
	stage(&s, s.module, &b);
	r = run(&s, run(&s, r));
	assert_int_equal(r->n_moved, 0);
	assert_int_equal(r->payloads.n_vrps, 1);
	(void)routes_free(r);
	scene_done(&s);
}

/* Time alone: what stood is judged again at the moment that live_next() said. */
static void
test_time(void **state)
{
	struct scene s;
	struct routes *r;
	int64_t due;

	scene_init(&s, *state, true);
	r = run(&s, NULL);
	/* Rotation: before the day is over, not all at one moment, on a grid. */
	due = live_next(r);
	assert_true(due > NOW + DAY - 6 * 3600 - 900 && due <= NOW + DAY && due % 900 == 0);
	s.now = due - 1;
	r = run(&s, r);
	assert_int_equal(r->n_moved, 1);
	assert_int_equal(live_next(r), due);
	s.now = due;
	r = run(&s, r);
	assert_int_equal(r->n_moved, 0);
	assert_int_equal(live_counts(s.live).n_kept, 0);
	assert_int_equal(r->payloads.n_vrps, 1);
	assert_int_equal(live_next(r), NOW + DAY + 1);	/* nextUpdate has passed */
	s.now = NOW + DAY;
	r = run(&s, r);
	assert_int_equal(r->n_moved, 1);
	assert_int_equal(r->payloads.n_vrps, 1);
	s.now = NOW + DAY + 1;
	r = run(&s, r);
	assert_int_equal(r->n_moved, 0);
	assert_int_equal(r->payloads.n_vrps, 0);
	assert_true(findings_of(r, RPKI_MFT_STALE) > 0);
	s.now = NOW + 100;
	r = run(&s, r);
	assert_int_equal(r->payloads.n_vrps, 1);
	s.now = NOW;			/* the clock is set back: nothing stands */
	r = run(&s, r);
	assert_int_equal(r->n_moved, 0);
	assert_int_equal(r->payloads.n_vrps, 1);
	(void)routes_free(r);
	scene_done(&s);
}

/* RFC 9286 section 6.6: an incomplete new state leaves the old one in use. */
static void
test_retained(void **state)
{
	struct buf b = BUF_INIT;
	struct scene s;
	struct routes *r;
	bool more = true;

	scene_init(&s, *state, true);
	r = run(&s, NULL);
	world_again(&s, "\2", 60);
	world_roa(&s.w, "a.roa", &roa2, NULL);
	world_manifest(&s.w);
	s.w.files[1].absent = true;
	publish(&s);
	r = run(&s, r);
	assert_int_equal(findings_of(r, RPKI_POINT_RETAINED), 1);
	assert_int_equal(findings_of(r, RPKI_MFT_FILE_MISSING), 1);
	assert_int_equal(r->payloads.n_vrps, 1);
	assert_int_equal(r->payloads.vrps[0].asn, 64500);
	assert_int_equal(r->payloads.cas[0].state, PCA_RETAINED);
	/* Its files are nameless, but held: collection leaves them. */
	for (int i = 0; i < 50 && more; i++)
		assert_int_equal(objects_gc(s.store, NOW + 7200, 100, &more), 0);
	(void)routes_free(r);
	r = run(&s, NULL);
	assert_int_equal(r->payloads.n_vrps, 1);
	/* Not past its expiry. */
	s.now = NOW + DAY + 1;
	r = run(&s, r);
	assert_int_equal(r->payloads.n_vrps, 0);
	assert_int_equal(findings_of(r, RPKI_POINT_RETAINED), 0);
	/* Healed. */
	s.now = NOW;
	s.w.files[1].absent = false;
	publish(&s);
	r = run(&s, r);
	assert_int_equal(findings_of(r, RPKI_POINT_RETAINED), 0);
	assert_int_equal(r->payloads.vrps[0].asn, 64501);
	/* The server withdraws all of it, the manifest too. */
	record(&b, "rsync://host.example/x/other.cer", SV("x"));
	stage(&s, s.module, &b);
	r = run(&s, r);
	assert_int_equal(findings_of(r, RPKI_POINT_RETAINED), 1);
	assert_int_equal(findings_of(r, RPKI_MFT_MISSING), 1);
	assert_int_equal(r->payloads.n_vrps, 1);
	assert_int_equal(r->payloads.cas[0].state, PCA_RETAINED);
	(void)routes_free(r);
	scene_done(&s);
}

/* RFC 9286 section 4.2.1: older, or as old, is not believed. */
static void
test_regression(void **state)
{
	const struct {
		const char	*number;
		int64_t		 later;
		enum rpki_code	 code;
	} rows[] = {
		{ "\4", 120, RPKI_MFT_NUMBER_OLD },
		{ "\5", 120, RPKI_MFT_NUMBER_OLD },
		{ "\6", 30, RPKI_MFT_TIME_OLD },
	};
	struct scene s;
	struct routes *r;

	scene_init(&s, *state, true);
	world_again(&s, "\5", 60);
	world_roa(&s.w, "a.roa", &roa, NULL);
	world_manifest(&s.w);
	publish(&s);
	r = run(&s, NULL);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		world_again(&s, rows[i].number, rows[i].later);
		world_roa(&s.w, "a.roa", &roa2, NULL);
		world_manifest(&s.w);
		publish(&s);
		r = run(&s, r);
		assert_int_equal(findings_of(r, rows[i].code), 1);
		assert_int_equal(findings_of(r, RPKI_POINT_RETAINED), 1);
		assert_int_equal(r->payloads.n_vrps, 1);
		assert_int_equal(r->payloads.vrps[0].asn, 64500);
	}
	/* Two octets are more than one, whatever the first says. */
	world_again(&s, "\1\1", 180);
	world_roa(&s.w, "a.roa", &roa2, NULL);
	world_manifest(&s.w);
	publish(&s);
	r = run(&s, r);
	assert_int_equal(findings_of(r, RPKI_MFT_NUMBER_OLD), 0);
	assert_int_equal(r->payloads.vrps[0].asn, 64501);
	(void)routes_free(r);
	scene_done(&s);
}

/* The trust anchor is certified anew, with its manifest under this name. */
static void
rename_to(struct scene *s, const char *name, const char *number, int64_t later, const struct roa_spec *what)
{
	struct buf b = BUF_INIT;

	world_ta(&s->w, name);
	record(&b, TA_URI, s->w.ta);
	stage(s, s->ta, &b);
	world_again(s, number, later);
	world_roa(&s->w, "a.roa", what, NULL);
	world_manifest(&s->w);
	publish(s);
}

/* RFC 9981 section 2: a new file name, and numbers start anew; it is told. Times go on. */
static void
test_renamed(void **state)
{
	struct scene s;
	struct routes *r;

	scene_init(&s, *state, true);
	rename_to(&s, "ta.mft", "\5", 60, &roa);
	r = run(&s, NULL);
	assert_int_equal(findings_of(r, RPKI_MFT_RENAMED), 0);
	rename_to(&s, "new.mft", "\1", 120, &roa2);
	r = run(&s, r);
	assert_int_equal(findings_of(r, RPKI_MFT_RENAMED), 1);
	assert_int_equal(findings_of(r, RPKI_MFT_NUMBER_OLD), 0);
	assert_int_equal(r->payloads.n_vrps, 1);
	assert_int_equal(r->payloads.vrps[0].asn, 64501);
	/* While nothing is new it stays told; the next manifest ends it, and its number counts. */
	r = run(&s, r);
	assert_int_equal(findings_of(r, RPKI_MFT_RENAMED), 1);
	rename_to(&s, "new.mft", "\1", 180, &roa);
	r = run(&s, r);
	assert_int_equal(findings_of(r, RPKI_MFT_RENAMED), 0);
	assert_int_equal(findings_of(r, RPKI_MFT_NUMBER_OLD), 1);
	assert_int_equal(r->payloads.vrps[0].asn, 64501);
	rename_to(&s, "new.mft", "\2", 180, &roa);
	r = run(&s, r);
	assert_int_equal(findings_of(r, RPKI_MFT_RENAMED) + findings_of(r, RPKI_MFT_NUMBER_OLD), 0);
	assert_int_equal(r->payloads.vrps[0].asn, 64500);
	/* An old manifest under another name is a replay. */
	rename_to(&s, "again.mft", "\7", 170, &roa2);
	r = run(&s, r);
	assert_int_equal(findings_of(r, RPKI_MFT_RENAMED), 1);
	assert_int_equal(findings_of(r, RPKI_MFT_TIME_OLD), 1);
	assert_int_equal(r->payloads.n_vrps, 0);
	(void)routes_free(r);
	scene_done(&s);
}

/* The memory of what was good may be another's lie: it is verified each time. */
static void
test_planted(void **state)
{
	uint8_t pair[2 * SHA256_LEN + 4] = { 0 }, other[SHA1_LEN] = { 9 };
	struct scene s;
	struct routes *r;
	struct world liar, w;
	uint8_t *forged;
	struct buf b = BUF_INIT;
	struct objects_source src;

	scene_init(&s, *state, true);
	/* Signed by another key, with a number that nothing can exceed. */
	world_child(&liar, *state, s.k.pool, "ta", 3, HOST, TA_URI);
	liar.mft_number = SV("\x7f\xff\xff\xff");
	liar.mft_later = DAY - 100;
	world_crl(&liar, NULL, 0);
	world_manifest(&liar);
	assert_int_equal(objects_source(s.store, SV("rsync://liar.example/repo/"), NOW, &src), 0);
	record(&b, "rsync://liar.example/repo/x.mft", liar.mft);
	/* In the CA's name, but its last octet of signature is another. */
	w = s.w;
	w.mft_number = SV("\x7f\xff\xff\xff");
	w.mft_later = DAY - 100;
	world_manifest(&w);
	assert_non_null(forged = pool_alloc(s.k.pool, w.mft.n));
	memcpy(forged, w.mft.p, w.mft.n);
	forged[w.mft.n - 1] ^= 1;
	record(&b, "rsync://liar.example/repo/y.mft", (struct sv){ (const char *)forged, w.mft.n });
	record(&b, "rsync://liar.example/repo/x.txt", (struct sv){ (const char *)other, sizeof(other) });
	stage(&s, src.id, &b);
	crypto_sha256_2(MFT_URI, sizeof(MFT_URI) - 1, s.w.ca.ski.p, s.w.ca.ski.n, pair);
	for (int i = 0; i < 4; i++) {
		if (i == 3)
			crypto_sha256(forged, w.mft.n, pair + SHA256_LEN);
		else if (i == 0)
			crypto_sha256(liar.mft.p, liar.mft.n, pair + SHA256_LEN);
		else if (i == 1)
			crypto_sha256(other, sizeof(other), pair + SHA256_LEN);
		else
			memset(pair + SHA256_LEN, 7, SHA256_LEN);	/* there is no such object */
		assert_int_equal(objects_points_put(s.store,
		    (struct sv){ (const char *)pair, sizeof(pair) }, NOW), 0);
		r = run(&s, NULL);
		assert_int_equal(r->payloads.n_vrps, 1);
		assert_int_equal(findings_of(r, RPKI_MFT_NUMBER_OLD), 0);
		assert_int_equal(findings_of(r, RPKI_POINT_RETAINED), 0);
		(void)routes_free(r);
	}
	scene_done(&s);
}

/*
 * A validate that lied: it says that something else was good last, and that
 * nothing is held, while the server is bad. The next one finds the last state,
 * whether the older one is still whole or has been collected.
 */
static void
lie_told(struct scene *s, const uint8_t manifest[static SHA256_LEN])
{
	uint8_t r[2 * SHA256_LEN + 4] = { 0 };

	crypto_sha256_2(MFT_URI, sizeof(MFT_URI) - 1, s->w.ca.ski.p, s->w.ca.ski.n, r);
	memcpy(r + SHA256_LEN, manifest, SHA256_LEN);
	assert_int_equal(objects_points_put(s->store, (struct sv){ (const char *)r, sizeof(r) },
	    s->now), 0);
	assert_int_equal(objects_hold(s->store, (struct sv){ NULL, 0 }), 0);
}

static void
lies_tell(struct scene *s, struct sv older, bool collects)
{
	uint8_t hash[SHA256_LEN] = { 0 };
	bool more = true;

	for (uint8_t i = 1; i < 30; i++) {
		hash[0] = i;
		lie_told(s, hash);
	}
	crypto_sha256(older.p, older.n, hash);
	lie_told(s, hash);
	if (!collects)
		return;
	s->now += 12 * 3600;
	for (int i = 0; i < 50 && more; i++)
		assert_int_equal(objects_gc(s->store, s->now, 100, &more), 0);
	assert_false(more);
}

static void
world_as(struct scene *s, const char *number, int64_t later, const struct roa_spec *spec)
{
	world_again(s, number, later);
	world_roa(&s->w, "a.roa", spec, NULL);
	world_manifest(&s->w);
}

static void
test_lied(void **state)
{
	struct scene s;
	struct routes *r;
	struct sv older;

	for (int i = 0; i < 4; i++) {
		const bool replays = i % 2 == 1, collects = i < 2;

		scene_init(&s, *state, true);
		older = s.w.mft;
		(void)routes_free(run(&s, NULL));
		world_as(&s, "\2", 60, &roa2);		/* the last state */
		publish(&s);
		(void)routes_free(run(&s, NULL));
		world_as(&s, "\3", 120, &roa);		/* a bad one */
		s.w.files[1].absent = true;
		publish(&s);
		r = run(&s, NULL);
		assert_int_equal(r->payloads.vrps[0].asn, 64501);
		(void)routes_free(r);
		lies_tell(&s, older, collects);
		if (replays) {		/* the server helps the liar, or who sits before it */
			world_as(&s, "\1", 0, &roa);
			s.w.mft = older;
			publish(&s);
		}
		scene_restart(&s, true);
		for (int k = 0; k < 2; k++) {
			r = run(&s, NULL);
			assert_int_equal(r->payloads.n_vrps, 1);
			assert_int_equal(r->payloads.vrps[0].asn, 64501);
			assert_int_equal(findings_of(r, RPKI_POINT_RETAINED), 1);
			assert_int_equal(findings_of(r, RPKI_MFT_NUMBER_OLD), replays);
			(void)routes_free(r);
		}
		/* It heals, and all is as ever. */
		world_as(&s, "\4", 180, &roa);
		publish(&s);
		r = run(&s, NULL);
		assert_int_equal(r->payloads.vrps[0].asn, 64500);
		assert_int_equal(findings_of(r, RPKI_POINT_RETAINED), 0);
		(void)routes_free(r);
		scene_done(&s);
	}
}

/* Two servers show different states: the newer is used, and stands while they show the same two. */
static void
source_show(struct scene *s, uint32_t source, const char *mark)
{
	struct buf b = BUF_INIT;

	for (size_t i = 0; i < s->w.n; i++)
		record(&b, world_uri(&s->w, s->w.files[i].name), s->w.files[i].bytes);
	record(&b, MFT_URI, s->w.mft);
	record(&b, MODULE "mark.txt", sv_str(mark));	/* something of it moves each time */
	stage(s, source, &b);
}

static void
test_contested(void **state)
{
	const char *notify = "https://rpki.example/n.xml";
	struct cert_spec c;
	struct objects_source src;
	struct world old, newer;
	struct buf b = BUF_INIT;
	struct scene s;
	struct routes *r = NULL;

	scene_init(&s, *state, true);
	c = (struct cert_spec){ .serial = SV("\1"), .issuer = "ta", .subject = "ta",
	    .not_before = NOW - DAY, .not_after = NOW + 365 * DAY, .spki = s.w.tal.spki,
	    .ski = key_ski(*state, 0), .ca = true, .repo = HOST, .mft = MFT_URI, .notify = notify,
	    .res = { .ip = { { &ten, 1, false }, { &doc6, 1, false } }, .as = { &doc_as, 1, false } } };
	record(&b, TA_URI, cert_make(&s.w, &c, 0, NULL));
	stage(&s, s.ta, &b);
	assert_int_equal(objects_source(s.store, sv_str(notify), NOW, &src), 0);
	old = s.w;
	for (int i = 0; i < 4; i++) {
		char mark[2] = { (char)('0' + i), '\0' };

		s.w = old;
		if (i < 2) {
			source_show(&s, src.id, mark);
			world_as(&s, "\2", 60, &roa2);
		} else {			/* the other one has moved on, and is newer */
			world_as(&s, "\3", 90, &roa);
			source_show(&s, src.id, mark);
			s.w = newer;
		}
		if (i == 0)
			newer = s.w;
		s.w = i < 2 ? newer : s.w;
		source_show(&s, s.module, mark);
		s.clock++;
		r = run(&s, r);
		assert_int_equal(s.n_still, 0);
		assert_int_equal(r->n_moved, i % 2);
		assert_int_equal(r->payloads.vrps[0].asn, i < 2 ? 64501 : 64500);
		assert_int_equal(findings_of(r, RPKI_POINT_RETAINED), 0);
	}
	(void)routes_free(r);
	scene_done(&s);
}

/* The same for a trust anchor's certificate. */
static void
test_lied_anchor(void **state)
{
	uint8_t r[2 * SHA256_LEN + 4] = { 0 };
	struct buf b = BUF_INIT;
	struct scene s;
	struct routes *got;

	scene_init(&s, *state, true);
	(void)routes_free(run(&s, NULL));
	record(&b, TA_URI ".other", SV("no certificate"));
	stage(&s, s.ta, &b);
	got = run(&s, NULL);
	assert_int_equal(got->payloads.n_vrps, 1);
	crypto_sha256_2(LIVE_TA_PREFIX, sizeof(LIVE_TA_PREFIX), s.w.tal.spki.p, s.w.tal.spki.n, r);
	(void)routes_free(got);
	for (uint8_t i = 1; i < 20; i++) {
		r[SHA256_LEN] = i;
		assert_int_equal(objects_points_put(s.store, (struct sv){ (const char *)r, sizeof(r) },
		    s.now), 0);
	}
	scene_restart(&s, true);
	got = run(&s, NULL);
	assert_int_equal(got->payloads.n_vrps, 1);
	(void)routes_free(got);
	scene_done(&s);
}

static bool
nobody(void *arg UNUSED, struct sv key UNUSED)
{
	return false;
}

static void
test_words(void **state)
{
	struct guard_decision d = { .n_held = 3, .until = NOW + 60 };
	char hex[2048], *line;
	struct buf b = BUF_INIT;
	struct scene s;
	struct routes *r;

	scene_init(&s, *state, true);
	r = run(&s, NULL);
	assert_int_equal(live_begin(s.live), 0);
	assert_int_equal(live_wants(s.live, r, &b), 0);
	hex_encode(hex, s.w.tal.spki.p, s.w.tal.spki.n);
	line = pool_printf(s.k.pool, "ta\tlab\t%s\t" TA_URI "\nrepo\t-\t" MODULE "\tlab\t1\n", hex);
	assert_true(sv_eq_str(buf_get(&b), line));
	buf_done(&b);
	assert_true(live_settled(s.live, r, nobody, NULL));	/* the store has answers of all */
	live_end(s.live);
	assert_int_equal(routes_guard_note(r, &d), 0);
	assert_int_equal(findings_of(r, RPKI_GUARD_HOLDING), 1);
	(void)routes_free(r);
	assert_true(sv_eq_str(live_module(SV("rsync://h/m/a/b.mft")), "rsync://h/m/"));
	assert_int_equal(live_module(SV("rsync://h/m")).n, 0);
	assert_int_equal(live_module(SV("https://h/m/")).n, 0);
	scene_done(&s);
}

/*
 * Two levels that inherit: when the lower point moves, the upper one has
 * already been given the new lists, and the old ones are about to be freed.
 */
static void
test_rebase(void **state UNUSED)
{
	const struct ip_range old = { { 10 }, { 11 } }, new = { { 10 }, { 11 } };
	const struct rpki_ca ta1 = { .res.v4 = { .present = true, .n = 1, .r = &old } };
	const struct rpki_ca ta2 = { .res.v4 = { .present = true, .n = 1, .r = &new } };
	struct rpki_ca a = { .res = ta1.res, .own_expires = 7 };
	struct rpki_ca b = { .res = ta1.res, .own_expires = 9 };
	struct rpki_point top = { .ca = &ta1, .base = ta1.res, .children = &a, .n_children = 1 };
	struct rpki_point mid = { .ca = &a, .base = a.res, .children = &b, .n_children = 1 };

	assert_true(rpki_ca_same(&ta1, &ta2));
	rpki_point_rebase(&top, &ta2);
	assert_ptr_equal(a.res.v4.r, &new);
	rpki_point_rebase(&mid, &a);
	assert_ptr_equal(b.res.v4.r, &new);
	assert_ptr_equal(b.parent, &a);
	assert_int_equal(b.expires, 0);		/* of the anchor above */
}

/*
 * One CA's children may name some places, not all that there are; places that
 * have given something are not counted among them, one line each.
 */
static void
test_wants_caps(void **state)
{
	static const char *const known[] = { "rsync://h300.example/m/", "https://n.example/n.xml" };
	_cleanup_(buf_done) struct buf b = BUF_INIT;
	struct rpki_point *pts[400], p[400];
	struct rpki_ca ta = { .repo_uri = SV(MODULE) }, cas[400];
	struct routes_ta anchor = { .tal = { .name = "lab" } };
	struct routes r = { .tas = &anchor, .n_tas = 1, .points = pts, .n_points = ARRAY_LEN(pts) };
	struct buf names = BUF_INIT;
	struct objects_source src;
	struct sv rest, line;
	struct scene s;
	unsigned n = 0, n_known = 0;

	scene_init(&s, *state, true);
	for (size_t i = 0; i < ARRAY_LEN(known); i++) {
		assert_int_equal(objects_source(s.store, sv_str(known[i]), NOW, &src), 0);
		record(&names, "rsync://x.example/m/x.mft", s.w.mft);
		stage(&s, src.id, &names);
	}
	/* One that was opened, and never gave anything. */
	assert_int_equal(objects_source(s.store, SV("rsync://h301.example/m/"), NOW, &src), 0);
	for (size_t i = 0; i < ARRAY_LEN(pts); i++) {
		const char *uri = pool_printf(s.k.pool, "rsync://h%zu.example/m/", i);

		cas[i] = (struct rpki_ca){ .parent = i + 1 < ARRAY_LEN(pts) ? &ta : &cas[0],
		    .repo_uri = sv_str(uri), .notify_uri = i == 310 || i == 311 ? sv_str(known[1]) : SV("") };
		p[i] = (struct rpki_point){ .ca = &cas[i] };
		pts[i] = &p[i];
	}
	assert_int_equal(live_begin(s.live), 0);
	assert_int_equal(live_wants(s.live, &r, &b), 0);
	rest = buf_get(&b);
	while (sv_line(&rest, &line)) {
		n += sv_starts(line, SV("repo\t"));
		n_known += sv_eq_str(line, "repo\t-\trsync://h300.example/m/\tlab\t1") ||
		    sv_eq_str(line, "repo\thttps://n.example/n.xml\trsync://h310.example/m/\tlab\t1");
	}
	assert_int_equal(n_known, 2);
	assert_int_equal(n, 256 + 1 + 2);	/* the last one has another parent */
	live_end(s.live);
	scene_done(&s);
}

/* Who issues without measure is left out; the others below other anchors are not. */
static void
test_room(void **state)
{
	struct vrp v = { .addr = { 10 }, .len = 8, .max_len = 8, .af = IP_V4, .asn = 7 };
	struct rpki_ca big = { .mft_uri = SV("rsync://big.example/m/a.mft") };
	struct rpki_ca small = { .mft_uri = SV("rsync://small.example/m/a.mft"), .ta = 1,
	    .expires = TIME_NEVER };
	struct rpki_point p[] = { { .ca = &big, .n_vrps = 5000000 },
	    { .ca = &small, .n_vrps = 1, .vrps = &v, .expires = NOW } };
	struct rpki_point *pts[] = { &p[0], &p[1] };
	uint32_t up[] = { 0, 0 };
	struct routes_ta tas[2] = { { .tal = { .name = "one" } }, { .tal = { .name = "two" } } };
	struct kit k = kit_new();
	struct routes r = { .pool = k.pool, .tas = tas, .n_tas = 2, .points = pts, .n_points = 2,
	    .up = up, .n_vrps_all = 1 };

	(void)state;
	findings_init(&r.findings, k.pool);
	assert_int_equal(routes_gather(&r, NULL), 0);
	assert_int_equal(r.payloads.n_vrps, 1);
	assert_int_equal(r.payloads.vrps[0].asn, 7);
	r.n_points = 0;			/* the points' findings are not there */
	assert_int_equal(findings_of(&r, RPKI_PAYLOADS_MANY), 1);
	payloads_done(&r.payloads);
	kit_done(&k);
}

/* The same place and key under another issuer is another row. */
static void
test_ca_id(void **state UNUSED)
{
	const struct rpki_ca a = { .mft_uri = SV("rsync://a/m/a.mft"), .ski = SV("a") };
	const struct rpki_ca b = { .mft_uri = SV("rsync://b/m/b.mft"), .ski = SV("b") };
	struct rpki_ca x = { .mft_uri = SV("rsync://x/m/x.mft"), .ski = SV("x") };
	uint64_t of_a;

	x.parent = (struct rpki_ca *)(uintptr_t)&a;
	of_a = routes_ca_id(&x);
	assert_true(routes_ca_id(&x) == of_a);
	x.parent = (struct rpki_ca *)(uintptr_t)&b;
	assert_true(routes_ca_id(&x) != of_a);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_room),
		cmocka_unit_test(test_ca_id),
		cmocka_unit_test(test_rebase),
		cmocka_unit_test(test_wants_caps),
		cmocka_unit_test(test_known),
		cmocka_unit_test(test_time),
		cmocka_unit_test(test_still),
		cmocka_unit_test(test_absent),
		cmocka_unit_test(test_retained),
		cmocka_unit_test(test_regression), cmocka_unit_test(test_renamed),
		cmocka_unit_test(test_planted),
		cmocka_unit_test(test_lied),
		cmocka_unit_test(test_lied_anchor),
		cmocka_unit_test(test_contested),
		cmocka_unit_test(test_words),
	};

	return cmocka_run_group_tests_name("app live", tests, keys_setup, keys_teardown);
}
