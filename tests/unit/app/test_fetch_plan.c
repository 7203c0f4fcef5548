/* The schedule of fetching, with virtual time. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "app/fetch_plan.h"
#include "base/buf.h"

#define SEC		((int64_t)1000)
#define MIN		(60 * SEC)
#define HOUR		(60 * MIN)
#define START		(1000 * HOUR)
#define REFRESH		(10 * MIN)

static const struct fetch_plan_conf conf_default = {
	.refresh_ms = REFRESH, .rrdp = true, .rsync = FETCH_RSYNC_FALLBACK };

static struct fetch_wanted
want(struct fetch_plan *p, const char *lines, int64_t now)
{
	struct fetch_wanted w;

	assert_int_equal(fetch_plan_want(p, sv_str(lines), now, &w), 0);
	return w;
}

static const struct fetch_place *
place(const struct fetch_plan *p, const char *key)
{
	for (size_t i = 0; i < fetch_plan_count(p); i++)
		if (strcmp(fetch_plan_at(p, i)->key, key) == 0)
			return fetch_plan_at(p, i);
	return NULL;
}

static struct fetch_place *
start(struct fetch_plan *p, const char *key, int64_t now)
{
	struct fetch_place *f = fetch_plan_next(p, now);

	if (key == NULL) {
		assert_null(f);
		return NULL;
	}
	assert_non_null(f);
	assert_string_equal(f->key, key);
	assert_true(f->running);
	return f;
}

static void
done(struct fetch_plan *p, struct fetch_place *f, bool ok, bool has_data, int64_t now)
{
	const struct fetch_outcome o = { .ok = ok, .has_data = has_data };

	fetch_plan_done(p, f, &o, now);
	assert_false(f->running);
}

#define KEY	"3082a0ff"	/* of a TAL, in hex */
#define TA	"ta\thouse\t" KEY "\thttps://ta.example/house.cer rsync://ta.example/ta/house.cer\n"
#define REPO	"repo\thttps://rrdp.example/n.xml\trsync://rsync.example/repo/\thouse\t5\n"
#define OLD	"repo\t-\trsync://old.example/repo/\thouse\t1\n"

/* --- reading the list --- */

static void
test_lines(void **state)
{
	_cleanup_(fetch_plan_freep) struct fetch_plan *p = fetch_plan_new(&conf_default, 1);
	struct fetch_wanted w = want(p, TA REPO OLD, START);
	const struct fetch_place *f;

	(void)state;
	assert_int_equal(w.n_lines, 3);
	assert_int_equal(w.n_bad + w.n_over, 0);
	assert_int_equal(fetch_plan_count(p), 4);
	f = place(p, "ta:house");
	assert_int_equal(f->kind, PLACE_TA);
	assert_int_equal(f->n_uris, 2);
	assert_string_equal(f->uris[1], "rsync://ta.example/ta/house.cer");
	assert_int_equal(f->spki.n, 4);
	assert_memory_equal(f->spki.p, "\x30\x82\xa0\xff", 4);
	f = place(p, "https://rrdp.example/n.xml");
	assert_int_equal(f->kind, PLACE_RRDP);
	assert_string_equal(f->host, "rrdp.example");
	assert_int_equal(f->n_cas, 5);
	assert_true(fetch_place_due(f));
	assert_false(fetch_place_due(place(p, "rsync://rsync.example/repo/")));
	assert_true(fetch_place_due(place(p, "rsync://old.example/repo/")));
}

static void
test_bad_lines(void **state)
{
	static const char *const bad[] = {
		"", "ta", "ta\t\t" KEY "\thttps://a.example/x.cer", "ta\thouse\t" KEY "\t",
		"ta\thouse\t" KEY "\tftp://a/b", "ta\ta b\t" KEY "\thttps://a.example/x.cer",
		"ta\thouse\t" KEY "\thttps://u:p@a.example/x.cer",
		"ta\thouse\thttps://a.example/x.cer", "ta\thouse\t\thttps://a.example/x.cer",
		"ta\thouse\t308\thttps://a.example/x.cer", "ta\thouse\t3x\thttps://a.example/x.cer",
		"repo", "repo\t-\trsync://a.example/m/\tnowhere\t1",
		"repo\t-\trsync://a.example/m/x/\thouse\t1", "repo\t-\trsync://a.example/m\thouse\t1",
		"repo\t-\trsync://a.example/../\thouse\t1", "repo\t-\thttps://a.example/m/\thouse\t1",
		"repo\thttp://a.example/n.xml\trsync://a.example/m/\thouse\t1",
		"repo\thttps://u@a.example/n.xml\trsync://a.example/m/\thouse\t1",
		"repo\t-\trsync://a.example/m/\thouse\t-1", "repo\t-\trsync://a.example/m/\thouse\t",
		"repo\t-\trsync://a.example/m/\thouse\t1\t2", "ta\tx\t" KEY "\thttps://:.example/a.cer",
		"rsync\t-", "TA\tx\t" KEY "\thttps://a.example/x",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		_cleanup_(fetch_plan_freep) struct fetch_plan *p = fetch_plan_new(&conf_default, 1);
		_cleanup_(buf_done) struct buf b = BUF_INIT;
		struct fetch_wanted w;

		buf_printf(&b, TA "%s\n" OLD, bad[i]);
		assert_int_equal(fetch_plan_want(p, buf_get(&b), START, &w), 0);
		if (w.n_bad != 1 || fetch_plan_count(p) != 2)
			fail_msg("line %zu: bad %zu, places %zu", i, w.n_bad, fetch_plan_count(p));
	}
}

static void
test_hosts(void **state)
{
	static const struct { const char *uri, *host; } cases[] = {
		{ "https://Example.NET/x", "example.net" }, { "https://a.b:8443/x", "a.b" },
		{ "rsync://[2001:DB8::1]:873/m/", "2001:db8::1" }, { "https://u@h/x", "h" },
		{ "https:///x", NULL }, { "", NULL }, { "x", NULL }, { "https://:1/", NULL },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		char host[64] = "";
		int rc = fetch_host(sv_str(cases[i].uri), host, sizeof(host));

		if (cases[i].host == NULL)
			assert_true(rc < 0);
		else
			assert_string_equal(host, cases[i].host);
	}
}

/* Certificates under one trust anchor that name another's server take nothing from it. */
static void
test_strangers_host(void **state)
{
	static const char key[] = "https://rrdp.example/n.xml";
	struct fetch_plan *p = fetch_plan_new(&conf_default, 1);
	struct buf b = BUF_INIT;

	(void)state;
	buf_printf(&b, "ta\tone\t" KEY "\thttps://ta.example/1.cer\nta\ttwo\t" KEY "\thttps://ta.example/2.cer\n");
	for (unsigned i = 0; i < FETCH_PER_HOST_MAX; i++)
		buf_printf(&b, "repo\thttps://rrdp.example/%u.xml\trsync://bad.example/m/\tone\t1\n", i);
	for (unsigned i = 0; i < FETCH_PER_DOMAIN_MAX; i++)
		buf_printf(&b, "repo\thttps://h%u.rrdp.example/n.xml\trsync://bad.example/m/\tone\t1\n", i);
	buf_printf(&b, "repo\t%s\trsync://good.example/m/\ttwo\t100\n", key);
	buf_char(&b, '\0');
	(void)want(p, b.p, START);
	assert_non_null(place(p, key));
	assert_true(place(p, key)->wanted);
	buf_done(&b);
	(void)fetch_plan_free(p);
}

/* One trust anchor names 10,000 servers of 10,000 domains: the other keeps its share. */
static void
test_shares(void **state)
{
	_cleanup_(fetch_plan_freep) struct fetch_plan *p = fetch_plan_new(&conf_default, 1);
	_cleanup_(buf_done) struct buf b = BUF_INIT;
	struct fetch_wanted w;
	struct fetch_place *f;

	(void)state;
	/* A server that works, from a first list. */
	want(p, "ta\tevil\t" KEY "\thttps://e.example/e.cer\n"
	    "repo\thttps://worked.example/n.xml\trsync://worked.example/m/\tevil\t1\n", START);
	while ((f = fetch_plan_next(p, START)) != NULL)
		done(p, f, true, true, START);
	buf_str(&b, "ta\tevil\t" KEY "\thttps://e.example/e.cer\nta\tgood\t" KEY "\thttps://g.example/g.cer\n");
	for (int i = 0; i < 10000; i++)
		buf_printf(&b, "repo\thttps://n%d.e%d.example%d/n.xml\trsync://n%d.e%d.example%d/m/\tevil\t%d\n",
		    i, i, i, i, i, i, 1000);
	buf_str(&b, "repo\thttps://worked.example/n.xml\trsync://worked.example/m/\tevil\t1\n");
	buf_str(&b, "repo\thttps://big.example/n.xml\trsync://big.example/m/\tgood\t9\n"
	    "repo\thttps://small.example/n.xml\trsync://small.example/m/\tgood\t1\n");
	w = want(p, buf_get(&b).p == NULL ? "" : (buf_char(&b, '\0'), b.p), START);
	assert_int_equal(w.n_bad, 0);
	assert_int_equal(w.n_over, 10001 - FETCH_PLACES_MAX / 2);
	assert_true(fetch_plan_count(p) <= 2 * FETCH_PLACES_MAX + FETCH_TAS_MAX);
	assert_non_null(place(p, "https://small.example/n.xml"));
	assert_true(place(p, "https://worked.example/n.xml")->wanted);
	/* The good one's servers are asked in the first round, the bigger one first. */
	start(p, "ta:good", START);
	start(p, "https://big.example/n.xml", START);
	(void)fetch_plan_next(p, START);
	(void)fetch_plan_next(p, START);
	assert_true(place(p, "https://small.example/n.xml")->running);
}

static void
test_caps(void **state)
{
	_cleanup_(fetch_plan_freep) struct fetch_plan *p = fetch_plan_new(&conf_default, 1);
	_cleanup_(buf_done) struct buf b = BUF_INIT;
	struct fetch_wanted w;

	(void)state;
	buf_str(&b, TA);
	for (int i = 0; i < 100; i++)
		buf_printf(&b, "repo\thttps://one.example/%d.xml\trsync://one.example/m%d/\thouse\t1\n", i, i);
	for (int i = 0; i < 700; i++)
		buf_printf(&b, "repo\t-\trsync://h%d.many.test/m/\thouse\t1\n", i);
	buf_char(&b, '\0');
	w = want(p, b.p, START);
	assert_int_equal(w.n_over, 800 - FETCH_PER_HOST_MAX - FETCH_PER_DOMAIN_MAX);
}

/* A stranger below one anchor names another's server many times. */
static void
test_caps_of_each(void **state)
{
	_cleanup_(fetch_plan_freep) struct fetch_plan *p = fetch_plan_new(&conf_default, 1);
	_cleanup_(buf_done) struct buf b = BUF_INIT;

	(void)state;
	buf_str(&b, "ta\tevil\t" KEY "\thttps://evil.example/a.cer\n" TA);
	for (int i = 0; i < 600; i++)
		buf_printf(&b, "repo\thttps://rrdp.big.test/%d.xml\trsync://x.big.test/m%d/\tevil\t9\n", i, i);
	buf_str(&b, "repo\thttps://rrdp.big.test/n.xml\trsync://rsync.big.test/m/\thouse\t1\n");
	buf_char(&b, '\0');
	(void)want(p, b.p, START);
	assert_true(place(p, "https://rrdp.big.test/n.xml")->wanted);
}

static void
test_modes(void **state)
{
	struct fetch_plan_conf c = conf_default;

	(void)state;
	for (int rrdp = 0; rrdp < 2; rrdp++)
		for (int m = FETCH_RSYNC_NEVER; m <= FETCH_RSYNC_ALWAYS; m++) {
			_cleanup_(fetch_plan_freep) struct fetch_plan *p = NULL;
			unsigned n[PLACE_KIND_MAX] = { 0 };
			struct fetch_place *f;

			c.rrdp = rrdp;
			c.rsync = (enum fetch_rsync)m;
			p = fetch_plan_new(&c, 1);
			want(p, TA REPO, START);
			while ((f = fetch_plan_next(p, START)) != NULL)
				n[f->kind]++;
			assert_int_equal(n[PLACE_TA], 1);
			assert_int_equal(n[PLACE_RRDP], rrdp);
			assert_int_equal(n[PLACE_RSYNC], m == FETCH_RSYNC_ALWAYS ||
			    (m == FETCH_RSYNC_FALLBACK && !rrdp));
		}
}

/* --- time --- */

static void
test_refresh(void **state)
{
	_cleanup_(fetch_plan_freep) struct fetch_plan *p = fetch_plan_new(&conf_default, 1);
	int64_t now = START, lo = INT64_MAX, hi = 0;

	(void)state;
	want(p, REPO, now);		/* no such trust anchor */
	assert_int_equal(fetch_plan_wake(p, now), -1);
	want(p, TA, now);
	for (int i = 0; i < 200; i++) {
		struct fetch_place *f = start(p, "ta:house", now);
		int64_t wake;

		assert_int_equal(fetch_plan_wake(p, now), -1);	/* it is running */
		done(p, f, true, true, now);
		start(p, NULL, now);
		wake = fetch_plan_wake(p, now);
		start(p, NULL, now + wake - 1);
		lo = wake < lo ? wake : lo;
		hi = wake > hi ? wake : hi;
		now += wake;
	}
	/* +-10 %, and all of it is used. */
	assert_true(lo >= REFRESH * 9 / 10 && lo < REFRESH * 92 / 100);
	assert_true(hi <= REFRESH * 11 / 10 && hi > REFRESH * 108 / 100);
}

static void
test_backoff(void **state)
{
	_cleanup_(fetch_plan_freep) struct fetch_plan *p = fetch_plan_new(&conf_default, 1);
	int64_t now = START, base = MIN;

	(void)state;
	want(p, TA, now);
	for (int i = 0; i < 20; i++) {
		struct fetch_place *f = start(p, "ta:house", now);
		int64_t wake;

		done(p, f, false, false, now);
		wake = fetch_plan_wake(p, now);
		assert_true(wake >= base * 3 / 4 && wake <= base * 5 / 4);
		assert_true(wake <= HOUR);
		now += wake;
		base = base * 2 > HOUR ? HOUR : base * 2;
	}
	done(p, start(p, "ta:house", now), true, true, now);
	assert_true(fetch_plan_wake(p, now) >= REFRESH * 9 / 10);
	now += fetch_plan_wake(p, now);
	done(p, start(p, "ta:house", now), false, true, now);
	assert_true(fetch_plan_wake(p, now) <= MIN * 5 / 4);	/* a first failure again */
}

static void
test_retry_after(void **state)
{
	static const struct { int64_t asked, got; } cases[] = {
		{ 10 * MIN, 10 * MIN }, { 24 * HOUR, HOUR } };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		_cleanup_(fetch_plan_freep) struct fetch_plan *p = fetch_plan_new(&conf_default, 1);
		const struct fetch_outcome o = { .retry_after_ms = cases[i].asked };

		want(p, TA, START);
		fetch_plan_done(p, start(p, "ta:house", START), &o, START);
		assert_int_equal(fetch_plan_wake(p, START), cases[i].got);
	}
}

static void
test_wanted_again(void **state)
{
	_cleanup_(fetch_plan_freep) struct fetch_plan *p = fetch_plan_new(&conf_default, 1);
	char key[FETCH_KEY_MAX + 1];
	struct fetch_place *f;

	(void)state;
	want(p, TA OLD, START);
	while ((f = fetch_plan_next(p, START)) != NULL)
		done(p, f, true, true, START);
	/* A new one is due at once, the others are not. */
	want(p, TA OLD REPO, START + 1);
	done(p, start(p, "https://rrdp.example/n.xml", START + 1), true, true, START + 1);
	start(p, NULL, START + 1);
	/* What nobody wants is not fetched, and gone after a day. */
	want(p, TA, START + SEC);
	assert_false(fetch_place_due(place(p, "rsync://old.example/repo/")));
	assert_false(fetch_plan_forget(p, START + MIN, key));
	/* The new one's module was never asked: it is not kept for a day. */
	assert_true(fetch_plan_forget(p, START + SEC + MIN, key));
	assert_false(fetch_plan_forget(p, START + FETCH_FORGET_MS, key));
	want(p, TA OLD, START + 2 * SEC);
	start(p, "rsync://old.example/repo/", START + 2 * SEC);	/* wanted again: at once */
	assert_true(fetch_plan_forget(p, START + SEC + FETCH_FORGET_MS, key));
	assert_false(fetch_plan_forget(p, START + SEC + FETCH_FORGET_MS, key));
	assert_null(place(p, "https://rrdp.example/n.xml"));
	assert_non_null(place(p, "ta:house"));
	/* The map is whole: a known key is found, not made again. */
	want(p, TA OLD, START + 3 * SEC);
	assert_int_equal(fetch_plan_count(p), 2);
}

static void
test_now(void **state)
{
	_cleanup_(fetch_plan_freep) struct fetch_plan *p = fetch_plan_new(&conf_default, 1);
	struct fetch_place *f;

	(void)state;
	want(p, TA OLD, START);
	while ((f = fetch_plan_next(p, START)) != NULL)
		done(p, f, true, true, START);
	assert_false(fetch_plan_now(p, SV("rsync://nobody.example/x/"), START));
	assert_true(fetch_plan_now(p, SV("rsync://old.example/repo/"), START));
	start(p, "rsync://old.example/repo/", START);
	start(p, NULL, START);
	assert_true(fetch_plan_now(p, SV(""), START));
	start(p, "ta:house", START);
}

/* Asked for while it runs: once more right after, however it went, and only once. */
static void
test_now_running(void **state)
{
	(void)state;
	for (int ok = 0; ok < 2; ok++) {
		_cleanup_(fetch_plan_freep) struct fetch_plan *p = fetch_plan_new(&conf_default, 1);
		struct fetch_place *f;

		want(p, TA, START);
		f = start(p, "ta:house", START);
		assert_true(fetch_plan_now(p, SV("ta:house"), START));
		assert_true(fetch_plan_now(p, SV(""), START));
		start(p, NULL, START + SEC);
		done(p, f, ok == 1, true, START + SEC);
		assert_int_equal(f->failures, ok == 0);
		assert_ptr_equal(start(p, "ta:house", START + SEC), f);
		done(p, f, true, true, START + 2 * SEC);
		start(p, NULL, START + 2 * SEC);
	}
}

/* --- fallback --- */

static void
test_fallback(void **state)
{
	_cleanup_(fetch_plan_freep) struct fetch_plan *p = fetch_plan_new(&conf_default, 1);
	const char *rrdp = "https://rrdp.example/n.xml", *rsync = "rsync://rsync.example/repo/";
	int64_t now = START, ok_at;

	(void)state;
	want(p, TA REPO, now);
	done(p, start(p, "ta:house", now), true, true, now);
	/* Nothing of it yet: rsync at once. */
	done(p, start(p, rrdp, now), false, false, now);
	done(p, start(p, rsync, now), true, true, now);
	/* RRDP works: rsync rests. */
	now += 2 * MIN;
	done(p, start(p, rrdp, now), true, true, now);
	ok_at = now;
	assert_false(fetch_place_due(place(p, rsync)));
	/* RRDP fails: data are young, so rsync waits 30 to 60 minutes. */
	for (;;) {
		struct fetch_place *f;

		now += fetch_plan_wake(p, now);
		if ((f = fetch_plan_next(p, now)) == NULL)
			continue;
		if (f->kind == PLACE_RSYNC)
			break;
		done(p, f, f->kind == PLACE_TA, true, now);
	}
	assert_true(now - ok_at >= 30 * MIN);
	assert_true(now - ok_at <= 60 * MIN);
	/* … and is asked every ten minutes while that lasts. */
	assert_true(fetch_place_due(place(p, rsync)));
}

/* After a restart the store has data whose age nobody knows: no stampede. */
static void
test_fallback_restart(void **state)
{
	_cleanup_(fetch_plan_freep) struct fetch_plan *p = fetch_plan_new(&conf_default, 1);

	(void)state;
	want(p, TA REPO, START);
	done(p, start(p, "ta:house", START), true, true, START);
	done(p, start(p, "https://rrdp.example/n.xml", START), false, true, START);
	start(p, NULL, START);
}

/* --- crowds --- */

static void
test_slots(void **state)
{
	_cleanup_(fetch_plan_freep) struct fetch_plan *p = fetch_plan_new(&conf_default, 1);
	_cleanup_(buf_done) struct buf b = BUF_INIT;
	struct fetch_place *f;
	unsigned n = 0;

	(void)state;
	buf_str(&b, TA);
	for (int i = 0; i < 8; i++)
		buf_printf(&b, "repo\thttps://same.test/%d.xml\trsync://same.test/%d/\thouse\t9\n", i, i);
	for (int i = 0; i < 100; i++)
		buf_printf(&b, "repo\thttps://n%d.d%d/n.xml\trsync://n%d.d%d/m/\thouse\t1\n", i, i, i, i);
	buf_char(&b, '\0');
	want(p, b.p, START);
	for (unsigned same = 0; (f = fetch_plan_next(p, START)) != NULL; n++) {
		same += strcmp(f->host, "same.test") == 0;
		assert_true(same <= FETCH_PER_HOST_SLOTS);
	}
	assert_int_equal(n, 1 + FETCH_SLOTS_DOUBTFUL);	/* the trust anchor, and new ones */
}

/*
 * An hour of 60 servers that work (one fails now and then) and 300 that take
 * the whole five minutes and then fail: each that works is seen every ten
 * minutes, all the time, and the slow ones get their turns, too.
 */
struct job {
	struct fetch_place	*f;
	int64_t			 ends;
};

static bool
is_slow(const struct fetch_place *f)
{
	return strncmp(f->host, "slow", 4) == 0;
}

static void
crowd_lines(struct buf *b)
{
	buf_str(b, TA);
	for (int i = 0; i < 60; i++)
		buf_printf(b, "repo\thttps://fine%d.d%d/n.xml\trsync://fine%d.d%d/m/\thouse\t%d\n", i, i, i, i, 60 - i);
	for (int i = 0; i < 300; i++)
		buf_printf(b, "repo\thttps://slow%d.s%d/n.xml\trsync://slow%d.s%d/m/\thouse\t1\n", i, i, i, i);
	buf_char(b, '\0');
}

static void
crowd_start(struct fetch_plan *p, struct job *jobs, unsigned *n, int64_t now, unsigned *spread)
{
	struct fetch_place *f;

	while ((f = fetch_plan_next(p, now)) != NULL) {
		assert_true(*n < FETCH_SLOTS + FETCH_RSYNC_SLOTS);
		jobs[(*n)++] = (struct job){ f, now + (is_slow(f) ? 5 * MIN : 3 * SEC) };
		if (!is_slow(f) && now > START + 20 * MIN)
			spread[now / MIN % 10]++;
	}
}

static void
crowd_end(struct fetch_plan *p, struct job *jobs, unsigned *n, int64_t now, unsigned *turn)
{
	for (unsigned i = 0; i < *n; i++) {
		struct fetch_place *f = jobs[i].f;
		bool fails = strcmp(f->host, "fine7.d7") == 0 && ++*turn % 3 == 0;

		if (jobs[i].ends > now)
			continue;
		jobs[i--] = jobs[--*n];
		done(p, f, !is_slow(f) && !fails, !is_slow(f), now);
	}
}

static void
test_hour(void **state)
{
	_cleanup_(fetch_plan_freep) struct fetch_plan *p = fetch_plan_new(&conf_default, 42);
	_cleanup_(buf_done) struct buf b = BUF_INIT;
	struct job jobs[FETCH_SLOTS + FETCH_RSYNC_SLOTS];
	unsigned n = 0, turn = 0, spread[10] = { 0 }, slow_tried = 0;
	int64_t worst = 0;

	(void)state;
	crowd_lines(&b);
	want(p, b.p, START);
	for (int64_t now = START; now < START + HOUR; now += SEC) {
		crowd_end(p, jobs, &n, now, &turn);
		crowd_start(p, jobs, &n, now, spread);
		for (size_t i = 0; now > START + MIN && i < fetch_plan_count(p); i++) {
			const struct fetch_place *f = fetch_plan_at(p, i);
			int64_t age = now - f->last_ok;

			if (f->kind == PLACE_RRDP && !is_slow(f) && strcmp(f->host, "fine7.d7") != 0 &&
			    age > worst)
				worst = age;
		}
	}
	print_message("# oldest data of a server that works: %lld s\n", (long long)(worst / SEC));
	assert_true(worst <= REFRESH * 11 / 10 + 10 * SEC);
	for (size_t i = 0; i < fetch_plan_count(p); i++)
		slow_tried += is_slow(fetch_plan_at(p, i)) &&
		    fetch_plan_at(p, i)->kind == PLACE_RRDP && fetch_plan_at(p, i)->tries > 0;
	assert_true(slow_tried >= 60 / 5 * (FETCH_SLOTS_DOUBTFUL - 2));
	/* Jitter: by the second and third round the first minute's crowd has spread. */
	for (size_t i = 0, sum = 0; i < 10; i++) {
		sum += spread[i];
		if (i == 9)
			for (size_t k = 0; k < 10; k++)
				assert_true(spread[k] < sum / 2);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lines),
		cmocka_unit_test(test_bad_lines),
		cmocka_unit_test(test_hosts),
		cmocka_unit_test(test_strangers_host),
		cmocka_unit_test(test_shares),
		cmocka_unit_test(test_caps),
		cmocka_unit_test(test_caps_of_each),
		cmocka_unit_test(test_modes),
		cmocka_unit_test(test_refresh),
		cmocka_unit_test(test_backoff),
		cmocka_unit_test(test_retry_after),
		cmocka_unit_test(test_wanted_again),
		cmocka_unit_test(test_now),
		cmocka_unit_test(test_fallback),
		cmocka_unit_test(test_fallback_restart),
		cmocka_unit_test(test_slots),
		cmocka_unit_test(test_now_running),
		cmocka_unit_test(test_hour),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
