/* What the tests of app/live share: a trust anchor with its server in an object store, and runs. */
#ifndef TESTS_UNIT_APP_LIVE_KIT_H
#define TESTS_UNIT_APP_LIVE_KIT_H

#include "../rpki/kit.h"

#include <ftw.h>
#include <unistd.h>

#include "app/live.h"
#include "base/err.h"
#include "store/objects.h"

#define MODULE	"rsync://rpki.example/repo/"

struct scene {
	struct kit		 k;
	struct world		 w;
	char			 dir[64], tal[80];
	struct objects		*store;
	struct live		*live;
	uint32_t		 ta, module;
	unsigned		 n_asked;	/* signatures that had to be computed */
	int64_t			 now, clock;	/* of validate, of the store */
	uint64_t		 n_still;
	bool			 thin;		/* objects are left out where nothing was found */
};

static const struct roa_entry roa_v[] = { { { .addr = { 10, 1 }, .len = 16, .af = IP_V4 }, 24 } };
static const struct roa_entry roa_v2[] = { { { .addr = { 10, 2 }, .len = 16, .af = IP_V4 }, 24 } };
UNUSED static const struct roa_spec roa = { 64500, roa_v, 1 };
UNUSED static const struct roa_spec roa2 = { 64501, roa_v2, 1 };

UNUSED static int
remove_one(const char *path, const struct stat *st UNUSED, int type UNUSED, struct FTW *f UNUSED)
{
	return remove(path);
}

/* The part of role verify: computes, and what verifies is a fact from then on. */
UNUSED static int
compute(void *arg, unsigned job UNUSED, struct crypto_verify *v, size_t n)
{
	struct scene *s = arg;
	uint8_t fact[CRYPTO_FACT_LEN], names[64][CRYPTO_FACT_LEN];
	size_t n_ok = 0;
	int rc = crypto_verify_batch(v, n);

	assert_true(n <= 64);
	s->n_asked += (unsigned)n;
	for (size_t i = 0; i < n; i++)
		if (v[i].ok) {
			crypto_fact(&v[i], names[n_ok]);
			assert_int_equal(objects_facts_put(s->store,
			    (struct sv){ (const char *)names[n_ok++], CRYPTO_FACT_LEN }, NOW), 0);
		}
	if (n_ok == n && n > 1) {
		crypto_fact_all(names[0], n, fact);
		assert_int_equal(objects_facts_put(s->store,
		    (struct sv){ (const char *)fact, sizeof(fact) }, NOW), 0);
	}
	return rc;
}

UNUSED static void
record(struct buf *b, const char *uri, struct sv bytes)
{
	const size_t u = strlen(uri);
	const uint8_t head[8] = { OBJECTS_PUBLISH, 0, (uint8_t)(u >> 8), (uint8_t)u,
	    (uint8_t)(bytes.n >> 24), (uint8_t)(bytes.n >> 16), (uint8_t)(bytes.n >> 8),
	    (uint8_t)bytes.n };

	buf_bytes(b, head, sizeof(head));
	buf_str(b, uri);
	buf_sv(b, bytes);
}

UNUSED static void
stage(struct scene *s, uint32_t source, struct buf *b)
{
	struct objects_change ch;
	struct objects_stage *st;

	assert_int_equal(objects_stage_new(s->store, source, true, &st), 0);
	assert_int_equal(objects_stage_batch(st, buf_get(b), s->clock), 0);
	assert_int_equal(objects_stage_commit(st, SV("state"), s->clock, &ch), 0);
	buf_done(b);
}

/* What the server has now: all files of the world and its manifest. */
UNUSED static void
publish(struct scene *s)
{
	struct buf b = BUF_INIT;

	for (size_t i = 0; i < s->w.n; i++)
		if (!s->w.files[i].absent)
			record(&b, world_uri(&s->w, s->w.files[i].name), s->w.files[i].bytes);
	record(&b, world_uri(&s->w, s->w.mft_name), s->w.mft);
	stage(s, s->module, &b);
}

/* A new state of the CA: files are added by the caller between the two. */
UNUSED static void
world_again(struct scene *s, const char *number, int64_t later)
{
	s->w.n = 0;
	s->w.mft_number = sv_str(number);
	s->w.mft_later = later;
	world_crl(&s->w, NULL, 0);
}

/* Another process looks at the same store. */
UNUSED static void
scene_restart(struct scene *s, bool facts)
{
	const struct live_conf lc = { .objects = s->dir, .facts = facts, .thickens = true,
	    .verify = compute, .arg = s };

	s->live = live_free(s->live);
	assert_non_null(s->live = live_new(&lc));
}

UNUSED static void
scene_init(struct scene *s, const struct keys *keys, bool facts)
{
	const struct objects_conf oc = { .folder = s->dir, .max_bytes = (uint64_t)256 << 20,
	    .grace_sec = 3600, .digest = crypto_sha256 };
	struct objects_found found;
	struct objects_source src;
	struct buf b = BUF_INIT;
	char key[1024];
	FILE *f;

	*s = (struct scene){ .k = kit_new(), .now = NOW, .clock = NOW };
	kit_clear(&s->k);
	(void)snprintf(s->dir, sizeof(s->dir), "%s/sekisho-live-XXXXXX",
	    access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
	assert_non_null(mkdtemp(s->dir));
	world_init(&s->w, keys, s->k.pool);
	(void)snprintf(s->tal, sizeof(s->tal), "%s/lab.tal", s->dir);
	key[base64_encode(key, s->w.tal.spki.p, s->w.tal.spki.n)] = '\0';
	assert_non_null(f = fopen(s->tal, "w"));
	fprintf(f, "%s\n\n%s\n", TA_URI, key);
	assert_int_equal(fclose(f), 0);
	assert_int_equal(objects_open(&oc, &s->store, &found), 0);
	assert_int_equal(objects_source(s->store, SV(LIVE_TA_PREFIX "lab"), NOW, &src), 0);
	s->ta = src.id;
	assert_int_equal(objects_source(s->store, SV(MODULE), NOW, &src), 0);
	s->module = src.id;
	record(&b, TA_URI, s->w.ta);
	stage(s, s->ta, &b);
	scene_restart(s, facts);
	world_again(s, "\1", 0);
	world_roa(&s->w, "a.roa", &roa, NULL);
	world_manifest(&s->w);
	publish(s);
}

UNUSED static void
scene_done(struct scene *s)
{
	s->live = live_free(s->live);
	s->store = objects_free(s->store);
	(void)nftw(s->dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
	kit_done(&s->k);
}

/* One run; what was good is remembered and older data is held, as the roles do. */
UNUSED static struct routes *
run(struct scene *s, struct routes *prev)
{
	const char *tals[] = { s->tal };
	struct routes_conf conf = { .tals = tals, .n_tals = 1, .now = s->now, .jobs = 1,
	    .keep = true, .thin = s->thin, .prev = prev, .backend = live_backend(s->live) };
	struct buf points = BUF_INIT, holds = BUF_INIT;
	struct routes *r = NULL;

	s->n_asked = 0;
	assert_int_equal(live_begin(s->live), 0);
	assert_int_equal(routes_run(&conf, &r), 0);
	assert_false(r->incomplete);
	assert_int_equal(live_points(s->live, r, &points), 0);
	assert_int_equal(live_holds(s->live, r, &holds), 0);
	s->n_still = live_counts(s->live).n_still;
	live_followed(s->live);
	live_end(s->live);
	assert_int_equal(objects_points_put(s->store, buf_get(&points), s->now), 0);
	assert_int_equal(objects_hold(s->store, buf_get(&holds)), 0);
	buf_done(&points);
	buf_done(&holds);
	(void)routes_free(prev);
	return r;
}

UNUSED static bool
count_one(void *arg, const struct finding *f)
{
	unsigned *n = ((void **)arg)[0];

	*n += f->def == ((void **)arg)[1];
	return true;
}

UNUSED static unsigned
findings_of(const struct routes *r, enum rpki_code code)
{
	unsigned n = 0;
	void *arg[2] = { &n, (void *)(uintptr_t)&rpki_findings[code] };

	routes_findings(r, count_one, arg);
	return n;
}

#endif
