/*
 * Memory that runs out at the n-th request, for every n: in our code (malloc
 * and calloc are wrapped by the linker) and in OpenSSL's. Nothing may crash,
 * leak or be judged bad: the answer is a negative code, or what it is with
 * memory.
 */
#include "kit.h"

#include <openssl/crypto.h>

void	*__real_malloc(size_t);
void	*__real_calloc(size_t, size_t);
void	*__real_realloc(void *, size_t);
void	*__wrap_malloc(size_t);
void	*__wrap_calloc(size_t, size_t);
void	*__wrap_realloc(void *, size_t);

static unsigned long left;	/* 0: never fails */
static bool hit;

static bool
fails(void)
{
	if (left == 0 || --left > 0)
		return false;
	hit = true;
	return true;
}

void *
__wrap_malloc(size_t n)
{
	return fails() ? NULL : __real_malloc(n);
}

void *
__wrap_calloc(size_t n, size_t size)
{
	return fails() ? NULL : __real_calloc(n, size);
}

void *
__wrap_realloc(void *p, size_t n)
{
	return fails() ? NULL : __real_realloc(p, n);
}

static void *
ssl_malloc(size_t n, const char *file UNUSED, int line UNUSED)
{
	return fails() ? NULL : __real_malloc(n);
}

static void *
ssl_realloc(void *p, size_t n, const char *file UNUSED, int line UNUSED)
{
	return fails() ? NULL : __real_realloc(p, n);
}

static void
ssl_free(void *p, const char *file UNUSED, int line UNUSED)
{
	free(p);
}

/* Run it with the n-th request failing, from the first to the last. */
static unsigned long
each(int (*run)(void *), void *arg)
{
	unsigned long n = 0;

	do {
		left = ++n;
		hit = false;
		int rc = run(arg);

		left = 0;
		if (rc < -1)
			fail_msg("request %lu: wrong answer %d", n, rc);
	} while (hit);
	assert_int_equal(run(arg), 0);
	return n - 1;
}

/* 0: all as it should be; -1: negative; else what was wrong. */
static int
run_point(void *arg)
{
	struct world *w = arg;
	struct rpki_point pt;
	int rc = world_check(w, 0, &pt);

	if (rc == 0 && (pt.n_vrps != 2 || pt.n_aspas != 1 || pt.n_children != 1))
		rc = -1000;
	else if (rc == 0 && findings_reject(&pt.findings))
		rc = -1001;
	else if (rc < 0)
		rc = -1;
	rpki_point_done(&pt);
	return rc;
}

/* The same, objects kept and lost ones followed. */
static int
run_keep(void *arg)
{
	struct world *w = arg;
	struct rpki_source src = { .get = kit_world_get, .arg = w };
	struct rpki_opt opt = { .now = NOW, .keep_objects = true, .follow_lost = true };
	struct rpki_point pt;
	int rc = rpki_point_check(&w->ca, &src, &opt, &pt);

	if (rc == 0 && (pt.n_vrps != 2 || pt.n_aspas != 1 || pt.n_objects != 6))
		rc = -1000;
	else if (rc < 0)
		rc = -1;
	rpki_point_done(&pt);
	return rc;
}

static int
run_ta(void *arg)
{
	struct world *w = arg;
	_cleanup_(pool_freep) struct pool *pool = pool_new(1 << 20);
	struct rpki_opt opt = { .now = NOW };
	struct findings fs;
	struct rpki_ca ca;
	bool ok;
	int rc;

	if (pool == NULL)
		return -1;
	findings_init(&fs, pool);
	rc = rpki_ta_check(pool, &w->tal, w->files[0].bytes, &opt, &fs, &ca, &ok);
	if (rc == 0 && !ok)
		return -1000;
	return rc < 0 ? -1 : 0;
}

static int
take(void *arg UNUSED, struct sv uri UNUSED, struct sv bytes UNUSED)
{
	return 0;
}

static int
run_rrdp(void *arg UNUSED)
{
	static const char text[] = "<snapshot xmlns=\"http://www.ripe.net/rpki/rrdp\" version=\"1\" "
	    "session_id=\"9df4b597-af9e-4dca-bdda-719cce2c4e28\" serial=\"1\">"
	    "<publish uri=\"rsync://a.example/b/c.roa\">AAAA</publish></snapshot>";
	_cleanup_(rrdp_snapshot_freep) struct rrdp_snapshot *s = rrdp_snapshot_new(take, NULL);
	int rc = s == NULL ? -ENOMEM : rrdp_snapshot_feed(s, text, sizeof(text) - 1, true);

	/* expat's own malloc is not wrapped; ours gives -ENOMEM. */
	return rc == 0 ? 0 : rc == -ENOMEM ? -1 : -1000;
}

static void
world_fill(struct world *w, const struct keys *k, struct pool *pool)
{
	static const struct roa_entry v[] = { { { .addr = { 10, 1 }, .len = 16, .af = IP_V4 }, 24 } };
	static const struct roa_spec roa = { 64500, v, 1 };
	static const uint32_t p[] = { 64501, 64502 };
	static const struct aspa_spec aspa = { 64500, p, 2 };
	struct cert_spec c;

	world_init(w, k, pool);
	world_roa(w, "a.roa", &roa, NULL);
	world_roa(w, "b.roa", &roa, NULL);
	world_aspa(w, "c.asa", &aspa, NULL);
	c = spec_below(w, 4, true);
	c.repo = HOST "child/";
	c.mft = HOST "child/child.mft";
	c.res.ip[0].v = &ten;
	c.res.ip[0].n = 1;
	c.res.as.v = &doc_as;
	c.res.as.n = 1;
	world_add(w, "d.cer", cert_make(w, &c, 0, NULL));
	world_crl(w, NULL, 0);
	world_manifest(w);
}

static void
point(void **state)
{
	struct kit k = kit_new();
	struct world w;

	kit_clear(&k);
	world_fill(&w, *state, k.pool);
	printf("# %lu requests for memory\n", each(run_point, &w));
	kit_done(&k);
}

static void
point_keep(void **state)
{
	struct kit k = kit_new();
	struct world w;

	kit_clear(&k);
	world_fill(&w, *state, k.pool);
	printf("# %lu requests for memory\n", each(run_keep, &w));
	kit_done(&k);
}

static void
anchor(void **state)
{
	struct cert_spec c = { .serial = SV("\1"), .issuer = "ta", .subject = "ta",
	    .not_before = NOW - DAY, .not_after = NOW + DAY, .ca = true, .repo = HOST, .mft = MFT_URI,
	    .res.as = { &doc_as, 1, false } };
	const struct keys *keys = *state;
	struct kit k = kit_new();
	struct world w;

	kit_clear(&k);
	world_init(&w, keys, k.pool);
	c.spki = crypto_signer_spki(keys->v[0]);
	c.ski = key_ski(keys, 0);
	world_add(&w, "ta.cer", cert_make(&w, &c, 0, NULL));
	printf("# %lu requests for memory\n", each(run_ta, &w));
	kit_done(&k);
}

static void
snapshot(void **state UNUSED)
{
	assert_true(each(run_rrdp, NULL) > 1);
}

/* A pool that is too small for the object: the same, by the cap. */
static void
small_pools(void **state)
{
	struct kit k = kit_new();
	struct world w;

	kit_clear(&k);
	world_fill(&w, *state, k.pool);
	for (size_t i = 0; i < 4; i++)
		for (size_t cap = 0; cap < 6000; cap += 16) {
			_cleanup_(pool_freep) struct pool *pool = pool_new(cap);
			struct rpki_opt opt = { .now = NOW };
			struct rpki_object o;
			struct findings fs;
			struct sv ski, aki, aia;
			int rc;

			assert_non_null(pool);
			findings_init(&fs, pool);
			rc = rpki_object_check(pool, pool_sv(k.pool, sv_str(world_uri(&w, w.files[i].name))),
			    w.files[i].bytes, &opt, &fs, &o, &ski, &aki, &aia);
			if (rc == 0 && !pool_is_full(pool))
				assert_false(findings_reject(&fs));
		}
	kit_done(&k);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(point), T(point_keep), T(anchor), T(snapshot), T(small_pools),
	};

	if (CRYPTO_set_mem_functions(ssl_malloc, ssl_realloc, ssl_free) != 1)
		return 1;
	return cmocka_run_group_tests_name("rpki without memory", tests, keys_setup, keys_teardown);
}
