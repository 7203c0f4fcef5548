/* Worlds that move: what a step changes, and that it is the same step twice. */
#include "judge.h"

#define HEAD	"steps 9\nevery 10m\n"
#define MOVING	HEAD "ta t {\nserver a.lab.example\nresources 10.0.0.0/8 AS1-AS99\n" \
	"ca one {\nserver b.lab.example\nresources 10.1.0.0/16 AS1\n" \
	"roa AS1 10.1.0.0/24\nroa AS1 10.1.1.0/24 from 1\nroa AS1 10.1.2.0/24 until 2\n" \
	"fault missing-manifest from 3 until 4\n}\n" \
	"ca two from 5 {\nresources 10.2.0.0/16\nroa AS2 10.2.0.0/24\n}\n}\n"

/* A whole world in memory at some step: every object is made again. */
static struct lab_world *
world_at(const char *text, uint32_t step)
{
	struct lab_error e = { 0 };
	struct lab_world *w = NULL;
	struct lab_batch b = { 0 };

	assert_int_equal(lab_text_parse(sv_str(text), &judge_opts, &e, &w), 0);
	if (lab_build(w, &e) < 0)
		fail_msg("%s", e.msg);
	while (w->step < step) {
		for (size_t i = 0; i < w->n_objs; i++) {
			w->objs[i]->dirty = false;
			w->objs[i]->published = lab_alive(w, w->objs[i]) && !w->objs[i]->hidden;
		}
		assert_int_equal(lab_step_next(w), 0);
		b.n = 0;
		for (size_t i = 0; i < w->n_objs; i++)
			assert_int_equal(lab_batch_add(&b, w->objs[i]), 0);
		if (lab_batch_make(w, &b, &e) < 0)
			fail_msg("step %u: %s", w->step, e.msg);
		/* the judge looks for what is published */
		for (size_t i = 0; i < w->n_objs; i++)
			w->objs[i]->hidden |= !lab_alive(w, w->objs[i]);
	}
	lab_batch_done(&b);
	return w;
}

static size_t
vrps_at(const char *text, uint32_t step, unsigned *ret_bad)
{
	struct lab_world *w = world_at(text, step);
	struct judged *j = judge(w, RPKI_TOL_DEFAULT);
	size_t n = j->n_vrps;

	*ret_bad = j->n_reject + j->n_warn;
	free(j);
	(void)lab_free(w);
	return n;
}

static void
described(void **state UNUSED)
{
	static const struct { uint32_t step; size_t n; bool good; } rows[] = {
		{ 0, 2, true }, { 1, 3, true }, { 2, 2, true }, { 3, 0, false },
		{ 4, 2, true }, { 5, 3, true },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		unsigned bad;
		size_t n = vrps_at(MOVING, rows[i].step, &bad);

		if (n != rows[i].n || (bad == 0) != rows[i].good)
			fail_msg("step %u: %zu VRPs, %u findings", rows[i].step, n, bad);
	}
}

/* A trust anchor's list of keys, with another successor at each step. */
static void
successors(void **state UNUSED)
{
	static const char text[] = HEAD "ta old {\nresources 10.0.0.0/8\ntak until 1\n"
	    "tak predecessor b successor a from 1 until 2\ntak successor b name keys from 2 until 3\n"
	    "tak name wrong from 3 until 4\nfault tak-key at wrong\n}\n"
	    "ta a {\nresources 10.0.0.0/8\n}\nta b {\nserver b.example\nresources 10.0.0.0/8\n}\n";
	static const char *const next[] = { NULL, "rsync://lab.example/ta/a.cer",
	    "https://b.example/ta/b.cer", NULL, NULL };

	for (uint32_t step = 0; step < ARRAY_LEN(next); step++) {
		struct lab_world *w = world_at(text, step);
		struct judged *j = judge(w, RPKI_TOL_DEFAULT);

		assert_int_equal(j->n_code[RPKI_TAK_SUCCESSOR], next[step] != NULL);
		assert_int_equal(j->n_code[RPKI_TAK_PLACE], step == 3);
		assert_int_equal(j->n_warn + j->n_reject, step == 3);
		if (next[step] != NULL)
			assert_non_null(strstr(j->last, next[step]));
		free(j);
		(void)lab_free(w);
	}
}

static const struct lab_obj *
manifest_of(const struct lab_world *w, const char *ca)
{
	for (const struct lab_ca *c = w->cas; c != NULL; c = c->next)
		if (strcmp(c->name, ca) == 0)
			return c->mft;
	fail_msg("no CA %s", ca);
	return NULL;
}

/* Who is touched reissues with a higher number; who is not, keeps the bytes. */
static void
touched_only(void **state UNUSED)
{
	struct lab_world *a = world_at(MOVING, 0), *b = world_at(MOVING, 2);
	const struct lab_obj *x = manifest_of(a, "one"), *y = manifest_of(b, "one");

	assert_int_equal(y->ca->number, x->ca->number + 2);
	assert_memory_not_equal(x->hash, y->hash, sizeof(x->hash));
	assert_true(y->mft.this_update > x->mft.this_update);
	assert_memory_equal(manifest_of(a, "t")->hash, manifest_of(b, "t")->hash, SHA256_LEN);
	/* the ROA that ended is revoked */
	assert_int_equal(y->ca->crl->crl.n_revoked, x->ca->crl->crl.n_revoked + 1);
	(void)lab_free(a);
	(void)lab_free(b);
}

static void
churn(void **state UNUSED)
{
	_cleanup_(buf_done) struct buf text = BUF_INIT;
	struct lab_world *a, *b;
	size_t n_changed = 0;
	unsigned bad;

	buf_str(&text, HEAD "churn 100\n");
	lab_scale(&text, 4, 10);
	buf_char(&text, '\0');
	for (uint32_t step = 1; step <= 3; step++) {
		/* a sixth is added, as many withdrawn: never far from 4 * (10 + 5) */
		size_t n = vrps_at(text.p, step, &bad);

		assert_int_equal(bad, 0);
		assert_in_range(n, 45, 75);
	}
	a = world_at(text.p, 3);
	b = world_at(text.p, 3);
	assert_int_equal(a->n_objs, b->n_objs);
	for (size_t i = 0; i < a->n_objs; i++) {
		assert_memory_equal(a->objs[i]->hash, b->objs[i]->hash, SHA256_LEN);
		n_changed += a->objs[i]->born > 0 || a->objs[i]->until != LAB_STEP_NEVER;
	}
	assert_in_range(n_changed, 10, 14);	/* four in each step, some twice */
	(void)lab_free(a);
	(void)lab_free(b);
}

/* Half of a manifest's time is over: renewed without another reason. */
static void
renewal(void **state UNUSED)
{
	static const char text[] = "steps 3\nevery 6h\nta t {\nresources 10.0.0.0/8\n"
	    "roa AS1 10.0.0.0/8\n}\n";
	struct lab_world *w = world_at(text, 3);

	assert_int_equal(w->cas->issued, 2);	/* 12 h and the hour before */
	(void)lab_free(w);
}

static void
refused(void **state UNUSED)
{
	static const char *const faults[] = { "ta-key", "key-1024", "repeated-ca" };

	for (size_t i = 0; i < ARRAY_LEN(faults); i++) {
		_cleanup_(buf_done) struct buf b = BUF_INIT;
		struct lab_error e = { 0 };
		struct lab_world *w = NULL;

		buf_printf(&b, "ta t {\nresources 10.0.0.0/8\nca c {\nresources 10.0.0.0/9\n"
		    "roa AS1 10.0.0.0/9\n}\n}\nfault %s at %s from 1 until 2\n", faults[i],
		    i == 0 ? "t" : "c");
		assert_int_equal(lab_text_parse(buf_get(&b), &judge_opts, &e, &w), 0);
		assert_int_equal(lab_build(w, &e), -EINVAL);
		assert_true(sv_eq_str(e.word, faults[i]));
		(void)lab_free(w);
	}
}

/* The many children of one CA: all certified by it, none with a place. */
static void
children(void **state UNUSED)
{
	static const char text[] = "ta t {\nserver a.example\nresources 10.0.0.0/8\nca c {\n"
	    "resources 10.0.0.0/9\nchildren 40 apart\n}\n}\n";
	struct lab_world *w = world_make(sv_str(text), NULL);
	struct judged *j = judge(w, RPKI_TOL_DEFAULT);

	assert_int_equal(j->n_points, 2 + 40);
	assert_int_equal(j->n_code[RPKI_MFT_MISSING], 40);
	free(j);
	(void)lab_free(w);
}

TESTS_MAIN("lab step", T(described), T(touched_only), T(churn), T(renewal), T(refused),
    T(children), T(successors))
