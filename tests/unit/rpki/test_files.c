/*
 * A point whose manifest changed: files that are as they were are not read, and
 * what comes out is what comes out of all the bytes.
 */
#include "all.h"
#include "same.h"

#define N_ALL	8	/* manifest, list, six files */

struct scene {
	struct kit		k;
	struct world		w;
	struct rpki_opt		opt;
	struct rpki_point	before, with, without;
};

static void
judge(struct scene *s, const struct rpki_point *before, struct rpki_point *pt)
{
	struct rpki_source src = { .get = kit_world_get, .arg = &s->w, .before = before };

	s->w.n_get = 0;
	assert_int_equal(rpki_point_check(&s->w.ca, &src, &s->opt, pt), 0);
}

static void
scene_init(struct scene *s, const struct keys *keys)
{
	memset(s, 0, sizeof(*s));
	s->k = kit_new();
	kit_clear(&s->k);
	s->opt = (struct rpki_opt){ .now = NOW, .keep_objects = true, .thin = true };
	world_init(&s->w, keys, s->k.pool);
	world_all(&s->w);
	world_crl(&s->w, NULL, 0);
	world_manifest(&s->w);
	judge(s, NULL, &s->before);
	assert_true(s->before.thin && s->before.files.n > 0);
	assert_int_equal(s->before.n_objects, 0);
	assert_int_equal(s->w.n_get, N_ALL);
}

static void
scene_done(struct scene *s)
{
	rpki_point_done(&s->before);
	rpki_point_done(&s->with);
	rpki_point_done(&s->without);
	kit_done(&s->k);
}

/* The next manifest and list of revoked certificates. */
static void
issue(struct scene *s, const struct crl_item *revoked, size_t n)
{
	for (size_t i = 0; i < s->w.n; i++)
		if (strcmp(s->w.files[i].name, "ta.crl") == 0)
			s->w.files[i] = s->w.files[--s->w.n];
	s->w.mft_number = SV("\2");
	s->w.mft_later = 60;
	world_crl(&s->w, revoked, n);
	world_manifest(&s->w);
}

/* With and without the past; how many files were read with it. */
static unsigned
both(struct scene *s)
{
	unsigned n;

	judge(s, &s->before, &s->with);
	n = s->w.n_get;
	judge(s, NULL, &s->without);
	return n;
}

static void
outcome_same(const struct scene *s)
{
	const struct rpki_point *a = &s->with, *b = &s->without;

	assert_int_equal(a->failed, b->failed);
	assert_int_equal(a->thin, b->thin);
	assert_int_equal(a->n_objects, b->n_objects);
	assert_memory_equal(a->count, b->count, sizeof(a->count));
	assert_memory_equal(a->findings.n_by_severity, b->findings.n_by_severity,
	    sizeof(a->findings.n_by_severity));
	assert_int_equal(a->n_vrps, b->n_vrps);
	assert_int_equal(a->n_aspas, b->n_aspas);
	assert_int_equal(a->n_router_keys, b->n_router_keys);
	assert_int_equal(a->n_children, b->n_children);
}

/* All but how long it stands without another look. */
static void
points_same(const struct rpki_point *with, const struct rpki_point *without)
{
	struct rpki_point x = *without;

	assert_true(with->until <= x.until);
	x.until = with->until;
	same_point(with, &x);
}

static void
test_again(void **state)
{
	static const struct roa_spec other = { 64502, roa_v, 1 };
	struct scene s;
	bool same;

	scene_init(&s, *state);
	world_roa(&s.w, "f.roa", &other, NULL);
	issue(&s, NULL, 0);
	assert_int_equal(both(&s), 3);	/* manifest, list, the new file */
	assert_int_equal(rpki_point_same(&s.with, &s.without, &same), 0);
	assert_true(same);
	points_same(&s.with, &s.without);
	/* And once more, from a past that has files of two ages. */
	rpki_point_done(&s.before);
	s.before = s.with;
	rpki_point_done(&s.without);
	s.opt.now = NOW + 3600;
	issue(&s, NULL, 0);
	assert_int_equal(both(&s), 2);
	points_same(&s.with, &s.without);
	/* Not longer than the oldest of its files: at the most a day from NOW. */
	assert_true(s.with.until <= NOW + DAY);
	scene_done(&s);
}

/* Revoked, renamed, another list: nothing of that is remembered. */
static void
test_judged(void **state)
{
	static const struct crl_item gone = { SV("\x00\x11"), NOW - 60 };
	struct scene s;

	scene_init(&s, *state);
	issue(&s, &gone, 1);
	(void)both(&s);
	outcome_same(&s);
	assert_int_equal(s.with.count[RPKI_ROA][V_REJECTED], 1);
	assert_false(s.with.thin);
	scene_done(&s);

	scene_init(&s, *state);
	s.w.files[0].name = pool_strdup(s.k.pool, "z.roa");
	issue(&s, NULL, 0);
	(void)both(&s);
	outcome_same(&s);
	assert_false(s.with.thin);	/* RPKI_CERT_LOCATION */
	scene_done(&s);

	scene_init(&s, *state);
	s.before.crl_uri = SV(HOST "other.crl");
	issue(&s, NULL, 0);
	assert_int_equal(both(&s), N_ALL);
	outcome_same(&s);
	scene_done(&s);
}

static void
test_a_day(void **state)
{
	struct scene s;

	scene_init(&s, *state);
	issue(&s, NULL, 0);
	s.opt.now = NOW + DAY - 1;	/* the share of this key is more than a second */
	assert_int_equal(both(&s), N_ALL);
	outcome_same(&s);
	scene_done(&s);
	/* From before the clock was set back. */
	scene_init(&s, *state);
	issue(&s, NULL, 0);
	s.opt.now = NOW - 1;
	assert_int_equal(both(&s), N_ALL);
	outcome_same(&s);
	scene_done(&s);
}

/* Records that end anywhere: what can be read of them may be used, no more. */
static void
test_cut(void **state)
{
	struct scene s;
	struct sv files;

	scene_init(&s, *state);
	issue(&s, NULL, 0);
	files = s.before.files;
	for (size_t n = 0; n < files.n; n++) {
		s.before.files = sv_take(files, n);
		(void)both(&s);
		outcome_same(&s);
		points_same(&s.with, &s.without);
		rpki_point_done(&s.with);
		rpki_point_done(&s.without);
	}
	s.before.files = files;
	assert_int_equal(both(&s), 2);
	scene_done(&s);
}

int
main(void)
{
	const struct CMUnitTest tests[] = { T(test_again), T(test_judged), T(test_a_day), T(test_cut) };

	return cmocka_run_group_tests_name("rpki files", tests, keys_setup, keys_teardown);
}
