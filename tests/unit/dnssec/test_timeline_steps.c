/* Stories, steps, the search for the earliest time, what is seen, the table. */
#include <errno.h>

#include "../tap.h"
#include "timeline_world.h"

/* A ZSK that is published at 10000 and does not sign yet. */
#define PUBLISHED							\
	"key k 13\nkey z1 13\nkey z2 13\nds d k\nserve d 0 never 86400\n"	\
	"dnskey one keys k z1 sigs k:0:never\nserve one 0 10000 3600\n"	\
	"dnskey both keys k z1 z2 sigs k:0:never\nserve both 10000 never 3600\n"	\
	"data s1 A sigs z1:0:never\nserve s1 0 never 300\ndata s2 A sigs z2:0:never\n"

/* Codes of the first bad state's story. */
static void
story_of(const char *text, const char *want)
{
	struct timeline *h = read_history(text);
	struct timeline_verdict v;
	struct said s;

	said_init(&s);
	assert_int_equal(timeline_check(h, TIMELINE_EVER, &v), 0);
	timeline_report(h, &v, TIMELINE_EVER, &s.fs);
	assert_codes(&s.fs, want);
	timeline_verdict_done(&v);
	said_done(&s);
	(void)timeline_free(h);
}

#define ONE_KEY	"key c 13\nkey o 8\nds d c\nds dd c o\nds n none\nserve d 0 never 60\n"	\
		"dnskey k keys c sigs c:0:never\nserve k 0 never 60\n"

static void
test_stories(void **state)
{
	(void)state;
	story_of(PUBLISHED, "ROLL_SAFE ");
	story_of("key a 13\nkey b 13\nds d a\nserve d 0 50 100\ndnskey k keys b sigs b:0:never\nserve k 60 never 5\n",
	    "ROLL_CACHED ROLL_SERVED ROLL_BOGUS_KEYS ROLL_NO_COMMON_KEY ");
	story_of("key a 13\nkey b 13\nds d a\nserve d 0 50 100\ndnskey k keys a b sigs b:0:never\nserve k 0 9 5\n",
	    "ROLL_SERVED ROLL_SERVED ROLL_BOGUS_KEYS ROLL_KEYS_UNSIGNED ");
	story_of("key a 13\nds d a\nserve d 0 50 100\ndnskey k keys a sigs a:0:40\nserve k 0 30 15\n",
	    "ROLL_CACHED ROLL_SERVED ROLL_BOGUS_KEYS ROLL_SIG_LATE ");
	story_of("skew 5\nkey a 13\nds d a\nserve d 0 50 100\ndnskey k keys a sigs a:30:never\nserve k 30 60 15\n",
	    "ROLL_SERVED ROLL_SERVED ROLL_BOGUS_KEYS ROLL_SIG_EARLY ");
	story_of(ONE_KEY "data s A unsigned\nserve s 7 8 9\n",
	    "ROLL_SERVED ROLL_SERVED ROLL_SERVED ROLL_BOGUS_DATA ROLL_DATA_UNSIGNED ");
	story_of(ONE_KEY "data s A sigs o:0:never\nserve s 7 8 9\n",
	    "ROLL_SERVED ROLL_SERVED ROLL_SERVED ROLL_BOGUS_DATA ROLL_NO_ALGORITHM ");
	story_of(ONE_KEY "strict no\ndata s A sigs o:0:never\nserve s 7 8 9\n",
	    "ROLL_SERVED ROLL_SERVED ROLL_SERVED ROLL_BOGUS_DATA ROLL_KEY_MISSING ");
	story_of(ONE_KEY "data s A sigs c:0:10\nserve s 7 8 9\ndata t A sigs c:0:12\nserve t 7 8 9\n",
	    "ROLL_CACHED ROLL_SERVED ROLL_SERVED ROLL_BOGUS_DATA ROLL_SIG_LATE ROLL_OTHERS ");
	/* An old line with a long TTL, and one that is served now: the nearer truth is told. */
	story_of(ONE_KEY "data u A unsigned\nserve u 0 1 900\nserve u 1 9 5\n",
	    "ROLL_SERVED ROLL_SERVED ROLL_SERVED ROLL_BOGUS_DATA ROLL_DATA_UNSIGNED ");
	story_of("key a 13\nkey b 13\nds d a\nserve d 0 9 900\nserve d 20 40 1\ndnskey k keys b sigs\nserve k 25 50 5\n",
	    "ROLL_SERVED ROLL_SERVED ROLL_BOGUS_KEYS ROLL_NO_COMMON_KEY ");
	story_of(ONE_KEY "serve n 5 6 7\nsecure 0 8\n", "ROLL_SERVED ROLL_INSECURE ");
	story_of("strict no\nkey a 13\nkey b 8\nds d a b\nserve d 0 9 1\ndnskey k keys a sigs a:50:60\nserve k 0 9 5\n",
	    "ROLL_SERVED ROLL_SERVED ROLL_BOGUS_KEYS ROLL_NO_COMMON_KEY ROLL_SIG_EARLY ");
}

/* The dates of a story: the DS was fetched in its last second, and is kept to its end. */
static void
test_story_dates(void **state)
{
	struct timeline *h = read_history("key a 13\nkey b 13\nds d a\nserve d 0 50 100\n"
	    "dnskey k keys b sigs b:0:never\nserve k 60 never 5\n");
	struct timeline_verdict v;
	struct buf b = BUF_INIT;
	struct said s;

	(void)state;
	said_init(&s);
	assert_int_equal(timeline_check(h, TIMELINE_EVER, &v), 0);
	timeline_story(h, &v.bads[0], &s.fs);
	assert_int_equal(s.fs.head->args[0].u, 49);
	assert_int_equal(s.fs.head->args[3].u, 149);
	assert_int_equal(s.fs.head->next->args[0].u, 60);
	assert_int_equal(v.bads[0].at.from, 60);
	assert_int_equal(v.bads[0].at.until, 150);
	timeline_story_text(&b, &s.fs, LANG_JA);
	buf_char(&b, '\0');
	assert_non_null(strstr(b.p, "1970-01-01T00:00:49Z"));
	assert_null(strstr(b.p, "resolver"));	/* not one line fell back to English */
	buf_done(&b);
	timeline_verdict_done(&v);
	said_done(&s);
	(void)timeline_free(h);
}

static void
test_assumptions(void **state)
{
	struct timeline *h = read_history("skew 5\n");
	struct said s;

	(void)state;
	said_init(&s);
	timeline_assumptions(h, &s.fs);
	timeline_strict_set(h, false);
	timeline_assumptions(h, &s.fs);
	assert_codes(&s.fs, "ROLL_ASSUME_MIX ROLL_ASSUME_TTL ROLL_ASSUME_BOGUS ROLL_ASSUME_SKEW ROLL_ASSUME_STRICT "
	    "ROLL_ASSUME_MIX ROLL_ASSUME_TTL ROLL_ASSUME_BOGUS ROLL_ASSUME_SKEW ROLL_ASSUME_LAX ");
	said_done(&s);
	(void)timeline_free(h);
}

static void
earliest_is(const char *text, const char *step_text, int64_t not_before, int64_t want, const char *fs_codes,
    const char *why_codes)
{
	struct timeline *h = read_history(text);
	struct timeline_step step;
	struct said s, why;
	int64_t x = -1;

	said_init(&s);
	said_init(&why);
	assert_int_equal(timeline_step_parse(h, sv_str(step_text), &s.fs, &step), 0);
	assert_int_equal(timeline_earliest(h, &step, not_before, (struct timeline_span){ not_before, TIME_NEVER },
	    &s.fs, &why.fs, &x), 0);
	assert_int_equal(x, want);
	assert_codes(&s.fs, fs_codes);
	assert_codes(&why.fs, why_codes);
	said_done(&s);
	said_done(&why);
	(void)timeline_free(h);
}

#define TOLD	"ROLL_TAKEN_AT ROLL_CACHED ROLL_SERVED ROLL_SERVED ROLL_BOGUS_DATA ROLL_KEY_MISSING "

static void
test_earliest(void **state)
{
	(void)state;
	/* Published at 10000, TTL 3600. */
	earliest_is(PUBLISHED, "stop s1\nserve s2 300\n", 10000, 13600, "ROLL_EARLIEST ", TOLD);
	earliest_is(PUBLISHED, "stop s1\nserve s2 300\n", 20000, 20000, "ROLL_EARLIEST ", "");
	/* The old key 300 after that, or 299 and never. */
	earliest_is(PUBLISHED, "stop s1\nserve s2 300\nwithdraw z1 after 300\n", 10000, 13600, "ROLL_EARLIEST ", TOLD);
	earliest_is(PUBLISHED, "stop s1\nserve s2 300\nwithdraw z1 after 299\n", 10000, TIME_NEVER, "ROLL_NEVER ",
	    "ROLL_TAKEN_AT ROLL_CACHED ROLL_SERVED ROLL_SERVED ROLL_BOGUS_DATA ROLL_KEY_MISSING ");
	/* Nothing else signs. */
	earliest_is(PUBLISHED, "unsign z1", 10000, TIME_NEVER, "ROLL_NEVER ",
	    "ROLL_TAKEN_AT ROLL_SERVED ROLL_SERVED ROLL_SERVED ROLL_BOGUS_DATA ROLL_DATA_UNSIGNED ");
	/* Bad as it is. */
	earliest_is(ONE_KEY "data s A sigs c:0:100\nserve s 0 never 10\ndata t A sigs c:0:never\n", "serve t 10", 0,
	    TIME_NEVER, "ROLL_NEVER ",
	    "ROLL_ANYWAY ROLL_SERVED ROLL_SERVED ROLL_SERVED ROLL_BOGUS_DATA ROLL_SIG_LATE "
	    "ROLL_TAKEN_AT ROLL_SERVED ROLL_SERVED ROLL_SERVED ROLL_BOGUS_DATA ROLL_SIG_LATE ");
	/* The DS away at once is safe; to be unsigned a day later only. */
	earliest_is(ONE_KEY "data s A sigs c:0:never\ndata u A unsigned\nserve s 0 never 10\nsecure 0 never\n",
	    "insecure-ok\nstop d\nserve n 5\nstop s after 60\nserve u 10 after 60", 500, 500, "ROLL_EARLIEST ", "");
	earliest_is(ONE_KEY "data s A sigs c:0:never\ndata u A unsigned\nserve s 0 never 10\nsecure 0 1000\n",
	    "stop d\nserve n 5\nstop s after 60\nserve u 10 after 60", 500, 1000, "ROLL_EARLIEST ",
	    "ROLL_TAKEN_AT ROLL_SERVED ROLL_INSECURE ");
}

/* .nz again, asked before: a day after the DS has changed (2023-05-29T00:00:00Z). */
static void
test_earliest_nz(void **state)
{
	(void)state;
	earliest_is("key old 8\nkey new 8\nkey z 8\nds ds-old old\nds ds-new new\n"
	    "dnskey set-both keys old new z sigs old:0:never new:0:never\ndnskey set-new keys new z sigs new:0:never\n"
	    "data soa SOA sigs z:0:never\nserve soa 1680000000 never 3600\nserve set-both 1685000000 never 3600\n"
	    "serve ds-old 1680000000 1685318400 86400\nserve ds-new 1685318400 never 86400\n",
	    "stop set-both\nserve set-new 3600\n", 1685340000, 1685404800, "ROLL_EARLIEST ",
	    "ROLL_TAKEN_AT ROLL_CACHED ROLL_SERVED ROLL_BOGUS_KEYS ROLL_NO_COMMON_KEY ");
}

/* Safe, then not, then safe again: later is not always safer. */
static void
test_not_monotone(void **state)
{
	static const char text[] = ONE_KEY "data s A sigs c:0:20000\nserve s 0 30000 3600\n"
	    "data t A sigs c:0:15000\ndata u A sigs c:0:never\n";
	struct timeline *h = read_history(text);
	struct timeline_span window = { 25000, TIME_NEVER };
	struct timeline_step step;
	struct said s;
	int64_t x;

	(void)state;
	said_init(&s);
	/* s is bad from 20001 on wherever it is still cached: it has to stop at 16401 at the latest. */
	earliest_is(text, "stop s\nserve u 60", 0, 0, "ROLL_EARLIEST ", "");
	earliest_is(text, "stop s\nserve u 60", 16401, 16401, "ROLL_EARLIEST ", "");
	earliest_is(text, "stop s\nserve u 60", 16402, TIME_NEVER, "ROLL_NEVER ",
	    "ROLL_ANYWAY ROLL_SERVED ROLL_SERVED ROLL_SERVED ROLL_BOGUS_DATA ROLL_SIG_LATE "
	    "ROLL_TAKEN_AT ROLL_SERVED ROLL_SERVED ROLL_SERVED ROLL_BOGUS_DATA ROLL_SIG_LATE ");
	/* In a window from 25000 on: early enough to be out of the caches by then, x + 3600 <= 25000. */
	assert_int_equal(timeline_step_parse(h, SV("stop s\nserve u 60"), &s.fs, &step), 0);
	assert_int_equal(timeline_earliest(h, &step, 21400, window, &s.fs, NULL, &x), 0);
	assert_int_equal(x, 21400);
	assert_int_equal(timeline_earliest(h, &step, 21401, window, &s.fs, NULL, &x), 0);
	assert_true(x == TIME_NEVER);
	said_done(&s);
	(void)timeline_free(h);
}

/* What if the step were taken by hand, now? */
static void
test_whatif(void **state)
{
	struct timeline *h = read_history(PUBLISHED), *then = NULL;
	struct timeline_step step;
	struct buf b = BUF_INIT;
	struct said s;
	unsigned made;

	(void)state;
	said_init(&s);
	assert_int_equal(timeline_step_parse(h, SV("withdraw z1\nunsign k after 5"), &s.fs, &step), 0);
	assert_int_equal(timeline_apply(h, &step, 20000, &then), 0);
	verdict_lines(then, &b);
	/* both-z1 without z1 at once, and from 20005 on one that nobody signs. */
	assert_text(&b, "BOGUS_DATA 20000 23605 d both-z1 s1\nBOGUS_KEYS 20005 never d both-z1-k -\n");
	verdict_lines(h, &b);
	assert_text(&b, "");		/* the history itself is as it was */
	/* What is made stands behind the five: one-z1, both-z1, and these without k's signature. */
	assert_int_equal(timeline_version_find(then, SV("both-z1-k"), &made), 0);
	assert_int_equal(timeline_version(then, made)->n_keys, 2);	/* k is still in it */
	assert_int_equal(timeline_version(then, made)->n_sigs, 0);
	(void)timeline_free(then);
	assert_int_equal(timeline_apply(h, &step, -1, &then), -ERANGE);
	said_done(&s);
	(void)timeline_free(h);
}

/* Bounds of edits: what has not begun yet never does. */
static void
test_edits(void **state)
{
	struct timeline *h = read_history("ds n none\nserve n 5 10 1\nserve n 20 30 1\nsecure 0 7\nsecure 20 30\n");
	struct timeline *then = NULL;
	struct timeline_step step;
	struct buf b = BUF_INIT;
	struct said s;

	(void)state;
	said_init(&s);
	assert_int_equal(timeline_step_parse(h, SV("stop n\ninsecure-ok after 1"), &s.fs, &step), 0);
	assert_int_equal(timeline_apply(h, &step, 5, &then), 0);
	timeline_print(then, &b);
	assert_text(&b, "skew 0\nstrict yes\nsecure 0 6\nds n none\n");
	(void)timeline_free(then);
	assert_int_equal(timeline_apply(h, &step, 20, &then), 0);
	timeline_print(then, &b);
	assert_text(&b, "skew 0\nstrict yes\nsecure 0 7\nsecure 20 21\nds n none\nserve n 5 10 1\n");
	(void)timeline_free(then);
	said_done(&s);
	(void)timeline_free(h);
}

/* --- the search against trying every second --- */

static uint32_t
dice(uint64_t *seed, uint32_t n)
{
	*seed = *seed * 6364136223846793005u + 1442695040888963407u;
	return (uint32_t)(*seed >> 33) % n;
}

#define LATEST	40

static void
random_sigs(uint64_t *seed, struct buf *b)
{
	for (unsigned k = 0; k < 3; k++)
		if (dice(seed, 3) > 0) {
			buf_printf(b, " k%u:%u:", k, dice(seed, 4) == 0 ? dice(seed, LATEST) : 0);
			if (dice(seed, 3) == 0)
				buf_u64(b, dice(seed, LATEST));
			else
				buf_str(b, "never");
		}
}

static void
random_serve(uint64_t *seed, struct buf *b, char kind, unsigned i)
{
	uint32_t from = dice(seed, 20);

	if (dice(seed, 4) == 0)
		return;
	buf_printf(b, "serve %c%u %u ", kind, i, from);
	if (dice(seed, 2) == 0)
		buf_printf(b, "%u", from + 1 + dice(seed, 20));
	else
		buf_str(b, "never");
	buf_printf(b, " %u\n", dice(seed, 6));
}

static void
random_history(uint64_t *seed, struct buf *b)
{
	b->len = 0;
	buf_printf(b, "key k0 8\nkey k1 8\nkey k2 13\nskew %u\n", dice(seed, 3) / 2);
	buf_printf(b, "strict %s\nsecure 0 %u\n", dice(seed, 4) > 0 ? "yes" : "no", 1 + dice(seed, LATEST));
	for (unsigned i = 0; i < 2; i++) {
		buf_printf(b, "ds d%u %s\n", i, ((const char *[]){ "k0", "k1", "k0 k1", "k2 k0", "none" })[dice(seed, 5)]);
		random_serve(seed, b, 'd', i);
		buf_printf(b, "dnskey n%u keys %s sigs", i, ((const char *[]){ "k0 k1", "k0 k1 k2", "k0" })[dice(seed, 3)]);
		random_sigs(seed, b);
		buf_printf(b, "\ndata s%u A sigs", i);
		random_sigs(seed, b);
		buf_char(b, '\n');
		random_serve(seed, b, 'n', i);
		random_serve(seed, b, 's', i);
	}
	buf_char(b, '\0');
}

static void
random_step(uint64_t *seed, struct buf *b)
{
	static const char *const versions[] = { "d0", "d1", "n0", "n1", "s0", "s1" };
	static const char *const of_keys[] = { "withdraw", "unsign", "publish", "sign", "sign-keys", "ds-add", "ds-del" };

	b->len = 0;
	for (unsigned i = 0, n = 1 + dice(seed, 3); i < n; i++) {
		switch (dice(seed, 8)) {
		case 0:
		case 1:
			buf_printf(b, "stop %s", versions[dice(seed, 6)]);
			break;
		case 2:
		case 3:
			buf_printf(b, "serve %s %u", versions[dice(seed, 6)], dice(seed, 6));
			break;
		case 4:
		case 5:
		case 6:
			buf_printf(b, "%s k%u", of_keys[dice(seed, ARRAY_LEN(of_keys))], dice(seed, 3));
			break;
		default:
			buf_str(b, "insecure-ok");
		}
		buf_printf(b, " after %u\n", dice(seed, 3) * 3);
	}
}

static bool
safe_at(const struct timeline *h, const struct timeline_step *step, int64_t x, struct timeline_span window)
{
	struct timeline *then = NULL;
	struct timeline_verdict v;
	bool safe;

	assert_int_equal(timeline_apply(h, step, x, &then), 0);
	assert_int_equal(timeline_check(then, window, &v), 0);
	safe = v.n_bads == 0;
	timeline_verdict_done(&v);
	(void)timeline_free(then);
	return safe;
}

static void
test_search_is_exact(void **state)
{
	struct buf text = BUF_INIT, edits = BUF_INIT;
	unsigned n_now = 0, n_later = 0, n_never = 0;
	uint64_t seed = 20230529;

	(void)state;
	for (unsigned round = 0; round < 1500; round++) {
		struct timeline_span window = { dice(&seed, 30), dice(&seed, 2) == 0 ? TIME_NEVER : 60 };
		int64_t not_before = dice(&seed, 10), want = TIME_NEVER, x;
		struct timeline_step step;
		struct timeline *h;
		struct said s;

		random_history(&seed, &text);
		random_step(&seed, &edits);
		h = read_history(text.p);
		said_init(&s);
		assert_int_equal(timeline_step_parse(h, buf_get(&edits), &s.fs, &step), 0);
		/* No bound lies beyond 60: behind it nothing changes any more. */
		for (int64_t at = not_before; at < 80 && want == TIME_NEVER; at++)
			if (safe_at(h, &step, at, window))
				want = at;
		assert_int_equal(timeline_earliest(h, &step, not_before, window, &s.fs, NULL, &x), 0);
		if (x != want)
			fail_msg("%" PRId64 ", not %" PRId64 ":\n%s%.*s", x, want, text.p, SV_ARG(buf_get(&edits)));
		n_never += want == TIME_NEVER;
		n_now += want == not_before;
		n_later += want > not_before && want != TIME_NEVER;
		said_done(&s);
		(void)timeline_free(h);
	}
	/* The dice show all that there is. */
	assert_true(n_now > 100 && n_later > 50 && n_never > 100);
	buf_done(&text);
	buf_done(&edits);
}

/* --- what is seen --- */

static void
test_observations(void **state)
{
	struct timeline *h = read_history("ds d none\nserve d 100 200 60\nserve d 300 400 60\nds e none\n");
	const struct timeline_version *v = timeline_version(h, 0);

	(void)state;
	assert_int_equal(timeline_seen(h, 0, 150), 0);
	assert_int_equal(v->serves[0].at.until, 200);
	/* Between the lines: some server still has the old one, and nobody knows how long. */
	assert_int_equal(timeline_seen(h, 0, 250), 0);
	assert_true(v->serves[0].at.until == TIME_NEVER);
	assert_int_equal(timeline_gone(h, 0, 260), 0);
	assert_int_equal(v->serves[0].at.until, 260);
	assert_int_equal(v->serves[1].at.from, 300);
	assert_int_equal(v->serves[1].at.until, 400);
	/* Before its time. */
	assert_int_equal(timeline_gone(h, 0, 100), 0);
	assert_int_equal(timeline_seen(h, 0, 50), 0);
	assert_int_equal(v->serves[0].at.from, 50);
	assert_int_equal(timeline_seen(h, 1, 50), -ENOENT);
	assert_int_equal(timeline_seen(h, 1, -1), -ERANGE);
	assert_int_equal(timeline_gone(h, 1, -1), -ERANGE);
	(void)timeline_free(h);
}

/* Secondaries follow 50 seconds late: the old one is served so much longer. */
static void
test_widen(void **state)
{
	struct timeline *h = read_history(ONE_KEY "serve n 0 100 10\nserve n 200 never 10\ndata u A unsigned\nserve u 0 1 1\n");
	const struct timeline_version *n = timeline_version(h, 2);

	(void)state;
	assert_int_equal(timeline_widen(h, TIMELINE_DS, 50), 0);
	assert_int_equal(n->serves[0].at.from, 0);
	assert_int_equal(n->serves[0].at.until, 150);
	assert_true(n->serves[1].at.until == TIME_NEVER);
	assert_int_equal(timeline_version(h, 4)->serves[0].at.until, 1);
	(void)timeline_free(h);
}

static void
test_table(void **state)
{
	struct timeline *h = read_history(PUBLISHED), *late;
	struct timeline_row *rows;
	struct buf b = BUF_INIT;
	struct said s;
	size_t n;

	(void)state;
	said_init(&s);
	assert_non_null(rows = timeline_rows(h, s.pool, &n));
	assert_int_equal(n, 4);
	assert_int_equal(rows[1].version, 1);
	assert_int_equal(rows[1].from, 0);
	assert_int_equal(rows[1].until, 10000);
	assert_int_equal(rows[1].cached_until, 13600);
	assert_true(rows[3].cached_until == TIME_NEVER);
	assert_int_equal(timeline_table(h, &b, LANG_EN), 0);
	buf_char(&b, '\0');
	assert_non_null(strstr(b.p, "\ndnskey  one   "));
	assert_non_null(strstr(b.p, "1970-01-01T03:46:40Z\n"));
	buf_done(&b);
	/* By time, not by name. */
	late = read_history("ds d none\nds e none\nserve d 5 6 7\nserve e 1 2 3\n");
	assert_non_null(rows = timeline_rows(late, s.pool, &n));
	assert_int_equal(rows[0].version, 1);
	said_done(&s);
	(void)timeline_free(late);
	(void)timeline_free(h);
}

/* Keys that come: what is new to caches has to be waited for, each kind in its own way. */
static void
key_edits_are(const char *step_text, int64_t want)
{
	struct timeline *h = read_history("skew 0\nkey k 13\nkey a 13\nkey b 13\nkey n 13\nkey c 15\nsecure 0 never\n"
	    "ds d k\nserve d 0 never 100\ndnskey q keys k a sigs k:0:never\nserve q 0 never 50\n"
	    "data s A sigs a:0:never\nserve s 0 never 30\n");
	struct timeline_step step;
	struct said s;
	int64_t x = -1;

	said_init(&s);
	assert_int_equal(timeline_step_parse(h, sv_str(step_text), &s.fs, &step), 0);
	assert_int_equal(timeline_earliest(h, &step, 1000, (struct timeline_span){ 1000, TIME_NEVER }, &s.fs, NULL, &x), 0);
	assert_int_equal(x, want);
	said_done(&s);
	(void)timeline_free(h);
}

static void
test_key_edits(void **state)
{
	(void)state;
	key_edits_are("ds-del k", TIME_NEVER);			/* silently insecure */
	key_edits_are("ds-del k\ninsecure-ok", 1000);
	key_edits_are("ds-add b", 1000);			/* leads nowhere, and harms nobody */
	key_edits_are("ds-add c", TIME_NEVER);			/* another algorithm: it does */
	key_edits_are("publish b\nsign b after 50\nunsign a after 50", 1000);
	key_edits_are("publish b\nsign b after 49\nunsign a after 49", TIME_NEVER);
	key_edits_are("publish n\nsign-keys n\nds-add n after 50\nds-del k after 50\nunsign k after 150", 1000);
	key_edits_are("publish n\nsign-keys n\nds-add n after 50\nds-del k after 50\nunsign k after 149", TIME_NEVER);
	key_edits_are("publish n\nsign-keys n\nds-add n after 49\nds-del k after 49", TIME_NEVER);
	key_edits_are("publish n\nds-add n after 50\nds-del k after 50", TIME_NEVER);
}

TESTS_MAIN("timeline_steps", T(test_stories), T(test_story_dates), T(test_assumptions), T(test_earliest), T(test_earliest_nz),
    T(test_not_monotone), T(test_whatif), T(test_edits), T(test_key_edits), T(test_search_is_exact), T(test_observations), T(test_widen), T(test_table))
