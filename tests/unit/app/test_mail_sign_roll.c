/* Keys of the house, played with a clock that is an argument. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "../tap.h"
#include "app/mail_sign_roll.h"
#include "base/err.h"

#define T0	1795400000	/* 2026-11-23 */
#define DAY	86400
#define SLACK	2

struct world {
	struct pool		*pool;
	struct mail_roll	 r;
	int64_t			 now;
};

static int
setup(void **state)
{
	struct world *w = calloc(1, sizeof(*w));

	assert_non_null(w);
	w->pool = pool_new(1 << 20);
	assert_non_null(w->pool);
	w->now = T0;
	*state = w;
	return 0;
}

static int
teardown(void **state)
{
	struct world *w = *state;

	(void)pool_free(w->pool);
	free(w);
	return 0;
}

static struct mail_roll_key *
make(struct world *w, const char *domain, const char *selector, enum dkim_alg alg)
{
	struct mail_roll_key k = { .domain = sv_str(domain), .selector = sv_str(selector), .alg = alg, .made = w->now };

	assert_int_equal(mail_roll_add(&w->r, w->pool, &k), 0);
	return mail_roll_find(&w->r, k.domain, k.selector);
}

static struct mail_roll_key *
key(const struct world *w, const char *selector)
{
	return mail_roll_find(&w->r, SV("example.jp"), sv_str(selector));
}

static enum mail_roll_state
state_of(const struct world *w, const char *selector)
{
	return mail_roll_at(&w->r, key(w, selector), w->now).state;
}

static void
see(struct world *w, const char *selector, unsigned has, unsigned other, unsigned silent, uint32_t ttl)
{
	const struct mail_roll_look l = { has, other, silent, ttl };

	mail_roll_see(key(w, selector), &l, w->now);
}

static void
test_life(void **state)
{
	struct world *w = *state;
	struct mail_roll_now n;

	(void)make(w, "example.jp", "a", DKIM_RSA_SHA256);
	assert_int_equal(state_of(w, "a"), MAIL_ROLL_MADE);
	assert_int_equal(mail_roll_next(&w->r, w->now), 0);
	w->now += 100;
	see(w, "a", 0, 2, 0, 900);
	assert_int_equal(state_of(w, "a"), MAIL_ROLL_MADE);
	w->now += 100;
	see(w, "a", 1, 1, 0, 900);
	assert_int_equal(state_of(w, "a"), MAIL_ROLL_PUBLISHED);
	w->now += 100;
	see(w, "a", 1, 0, 1, 900);		/* who is silent may have the old answer */
	assert_int_equal(state_of(w, "a"), MAIL_ROLL_PUBLISHED);
	w->now += 100;
	see(w, "a", 2, 0, 0, 60);		/* what was seen before may be remembered for 900 */
	n = mail_roll_at(&w->r, key(w, "a"), w->now);
	assert_int_equal(n.state, MAIL_ROLL_SEEN);
	assert_int_equal(n.since, w->now);
	assert_int_equal(n.until, w->now + 900 + SLACK);
	assert_int_equal(mail_roll_next(&w->r, w->now), n.until);
	w->now = n.until - 1;
	assert_int_equal(state_of(w, "a"), MAIL_ROLL_SEEN);
	w->now++;
	n = mail_roll_at(&w->r, key(w, "a"), w->now);
	assert_int_equal(n.state, MAIL_ROLL_IN_USE);
	assert_int_equal(n.until, 0);
	w->now += 365 * DAY;
	see(w, "a", 2, 0, 0, 60);
	assert_int_equal(state_of(w, "a"), MAIL_ROLL_IN_USE);
}

/* Looks at a record that is served do not begin its wait anew. */
static void
test_seen_once(void **state)
{
	struct world *w = *state;

	(void)make(w, "example.jp", "a", DKIM_RSA_SHA256);
	see(w, "a", 2, 0, 0, 900);
	w->now += 800;
	see(w, "a", 2, 0, 0, 5000);
	see(w, "a", 0, 0, 2, 0);
	see(w, "a", 1, 0, 1, 0);
	w->now += 100 + SLACK;
	assert_int_equal(state_of(w, "a"), MAIL_ROLL_IN_USE);
}

static void
test_roll(void **state)
{
	struct world *w = *state;
	int64_t retired;

	(void)make(w, "example.jp", "a", DKIM_RSA_SHA256);
	see(w, "a", 2, 0, 0, 10);
	w->now += 200 * DAY;
	(void)make(w, "example.jp", "b", DKIM_RSA_SHA256);
	(void)make(w, "example.jp", "e", DKIM_ED25519_SHA256);
	(void)make(w, "example.com", "c", DKIM_RSA_SHA256);
	assert_int_equal(state_of(w, "a"), MAIL_ROLL_IN_USE);
	see(w, "b", 2, 0, 0, 300);
	assert_int_equal(state_of(w, "a"), MAIL_ROLL_IN_USE);
	retired = w->now + 300 + SLACK;
	assert_int_equal(mail_roll_at(&w->r, key(w, "a"), w->now).until, retired);
	assert_int_equal(mail_roll_next(&w->r, w->now), retired);
	w->now = retired;
	assert_int_equal(state_of(w, "a"), MAIL_ROLL_RETIRED);
	assert_int_equal(state_of(w, "b"), MAIL_ROLL_IN_USE);
	assert_int_equal(state_of(w, "e"), MAIL_ROLL_MADE);
	assert_int_equal(mail_roll_next(&w->r, w->now), retired + MAIL_ROLL_KEEP_SEC);
	w->now = retired + MAIL_ROLL_KEEP_SEC - 1;
	assert_int_equal(state_of(w, "a"), MAIL_ROLL_RETIRED);
	w->now++;
	assert_int_equal(state_of(w, "a"), MAIL_ROLL_WITHDRAWN);
	see(w, "e", 2, 0, 0, 10);
	w->now += 10 + SLACK;
	assert_int_equal(state_of(w, "e"), MAIL_ROLL_IN_USE);	/* beside that of RSA */
	assert_int_equal(state_of(w, "b"), MAIL_ROLL_IN_USE);
	mail_roll_del(&w->r, key(w, "a"));
	assert_int_equal(w->r.n, 3);
	assert_int_equal(state_of(w, "b"), MAIL_ROLL_IN_USE);
}

/* The new record is gone again: the old key signs, as its own is there. */
static void
test_lost(void **state)
{
	struct world *w = *state;

	(void)make(w, "example.jp", "a", DKIM_RSA_SHA256);
	see(w, "a", 2, 0, 0, 10);
	w->now += DAY;
	(void)make(w, "example.jp", "b", DKIM_RSA_SHA256);
	see(w, "b", 2, 0, 0, 10);
	w->now += DAY;
	assert_int_equal(state_of(w, "a"), MAIL_ROLL_RETIRED);
	see(w, "b", 1, 1, 0, 700);
	assert_int_equal(state_of(w, "b"), MAIL_ROLL_PUBLISHED);
	assert_int_equal(state_of(w, "a"), MAIL_ROLL_IN_USE);
	see(w, "b", 0, 2, 0, 700);
	assert_int_equal(state_of(w, "b"), MAIL_ROLL_MADE);
	w->now += 10;
	see(w, "b", 2, 0, 0, 10);
	w->now += 700 + SLACK - 1;
	assert_int_equal(state_of(w, "a"), MAIL_ROLL_IN_USE);
	w->now++;
	assert_int_equal(state_of(w, "b"), MAIL_ROLL_IN_USE);
	assert_int_equal(state_of(w, "a"), MAIL_ROLL_RETIRED);
}

/* Never seen, and overtaken. */
static void
test_overtaken(void **state)
{
	struct world *w = *state;

	(void)make(w, "example.jp", "a", DKIM_RSA_SHA256);
	(void)make(w, "example.jp", "b", DKIM_RSA_SHA256);
	see(w, "b", 1, 0, 0, UINT32_MAX);
	assert_int_equal(key(w, "b")->ttl_sec, MAIL_ROLL_TTL_MAX);
	w->now += MAIL_ROLL_TTL_MAX + SLACK;
	assert_int_equal(state_of(w, "a"), MAIL_ROLL_RETIRED);
}

/*
 * A year of an operator who rolls each quarter, looks twice a day, and publishes when it suits; each
 * hour somebody may ask who signs. The last: a cache's answer is never older than what it may remember.
 */
static void
test_year(void **state)
{
	struct world *w = *state;
	unsigned signing = 0, hours = 0, made = 0;
	int64_t published[5] = { 0 };
	char names[5][4];

	for (w->now = T0; w->now < T0 + 365 * DAY; w->now += 3600, hours++) {
		int64_t at = w->now - T0;
		unsigned n = 0;

		if (at % (91 * DAY) == 0) {
			(void)snprintf(names[made], sizeof(names[0]), "s%u", made);
			(void)make(w, "example.jp", names[made], DKIM_RSA_SHA256);
			published[made] = w->now + 30 * 3600 + made * 5 * 3600;
			made++;
		}
		for (unsigned i = 0; i < made && at % (DAY / 2) == 0; i++) {
			bool there = w->now >= published[i];

			see(w, names[i], there ? 3 : 0, there ? 0 : 3, 0, 3600);
		}
		for (unsigned i = 0; i < made; i++) {
			if (state_of(w, names[i]) != MAIL_ROLL_IN_USE)
				continue;
			n++;
			/* Nobody can still remember that it was not there. */
			assert_true(w->now >= published[i] + 3600);
		}
		assert_true(n <= 1);
		signing += n;
	}
	assert_int_equal(made, 5);
	/* All but the first days, before the first record was there and known. */
	assert_in_range(hours - signing, 36, 60);
	assert_int_equal(state_of(w, names[3]), MAIL_ROLL_IN_USE);
	assert_int_equal(state_of(w, names[2]), MAIL_ROLL_WITHDRAWN);
}

static void
test_text(void **state)
{
	struct world *w = *state;
	_cleanup_(buf_done) struct buf b = BUF_INIT, again = BUF_INIT;
	struct mail_roll r;

	(void)make(w, "example.jp", "a", DKIM_RSA_SHA256);
	see(w, "a", 2, 0, 0, 900);
	(void)make(w, "example.jp", "b", DKIM_ED25519_SHA256);
	mail_roll_write(&w->r, &b);
	assert_true(sv_eq(buf_get(&b), SV("sekisho mail keys 1\n"
	    "example.jp\ta\trsa-sha256\t1795400000\t1795400000\t1795400000\t1795400000\t900\n"
	    "example.jp\tb\ted25519-sha256\t1795400000\t0\t0\t0\t0\n")));
	assert_int_equal(mail_roll_parse(buf_get(&b), w->pool, &r), 0);
	mail_roll_write(&r, &again);
	assert_true(sv_eq(buf_get(&b), buf_get(&again)));
	assert_int_equal(mail_roll_add(&r, w->pool, &w->r.keys[0]), -EEXIST);
}

static const char *const broken[] = {
	"", "sekisho mail keys 2\n", "sekisho mail keys 1\nexample.jp\n", "sekisho mail keys 1\n\n",
	"sekisho mail keys 1\nexample.jp\ta\trsa-sha1\t1\t0\t0\t0\t0\n",
	"sekisho mail keys 1\nexample.jp\ta\trsa-sha256\t1\t0\t0\t0\t604801\n",
	"sekisho mail keys 1\nexample.jp\ta\trsa-sha256\t1\t0\t0\t0\t0\t0\n",
	"sekisho mail keys 1\nexample.jp\ta\trsa-sha256\t-1\t0\t0\t0\t0\n",
	"sekisho mail keys 1\nexample.jp\ta\trsa-sha256\t1\t0\t9223372036854775807\t0\t0\n",
	"sekisho mail keys 1\n\ta\trsa-sha256\t1\t0\t0\t0\t0\n",
	"sekisho mail keys 1\nexample.jp\ta b\trsa-sha256\t1\t0\t0\t0\t0\n",
	"sekisho mail keys 1\nexample.jp\x7f\ta\trsa-sha256\t1\t0\t0\t0\t0\n",
};

static void
test_broken(void **state)
{
	struct world *w = *state;
	struct mail_roll r;

	for (size_t i = 0; i < ARRAY_LEN(broken); i++)
		assert_int_equal(mail_roll_parse(sv_str(broken[i]), w->pool, &r), -EBADMSG);
	assert_string_equal(mail_roll_state_name(MAIL_ROLL_IN_USE), "in use");
	assert_string_equal(mail_roll_state_name(MAIL_ROLL_STATE_MAX), "");
}

#define S(fn)	cmocka_unit_test_setup_teardown(fn, setup, teardown)

TESTS_MAIN("mail_sign_roll", S(test_life), S(test_seen_once), S(test_roll), S(test_lost), S(test_overtaken),
    S(test_year), S(test_text), S(test_broken))
