/* Marks at the gate: fields from outside go, ours come where a mark is known, and no message waits for one. */
#include <errno.h>
#include <pthread.h>
#include <stdio.h>

#include "app/mail_marks.h"
#include "base/err.h"
#include "mail_gate_kit.h"

#define MARK	"<svg version=\"1.2\" baseProfile=\"tiny-ps\"/>"

struct world {
	struct gate_kit		 k;
	struct mail_marks	*marks;
};

static void
world_init(struct world *w)
{
	gate_kit_init(&w->k);
	w->marks = mail_marks_new();
	assert_non_null(w->marks);
	w->k.conf.bimi = MAIL_GATE_BIMI_ALL;
	w->k.world.marks = w->marks;
	gate_kit_dns(&w->k, "a.example", "v=spf1 ip4:192.0.2.7 -all");
	gate_kit_dns(&w->k, "_dmarc.a.example", "v=DMARC1; p=reject");
	gate_kit_dns(&w->k, "default._bimi.a.example", "v=BIMI1; l=https://a.example/a.svg; a=; avp=brand");
	gate_kit_dns(&w->k, "v.example", "v=spf1 ip4:192.0.2.7 -all");
	gate_kit_dns(&w->k, "_dmarc.v.example", "v=DMARC1; p=quarantine");
	gate_kit_dns(&w->k, "default._bimi.v.example",
	    "v=BIMI1; l=https://v.example/a.svg; a=https://v.example/a.pem");
	gate_kit_dns(&w->k, "n.example", "v=spf1 ip4:192.0.2.7 -all");
	gate_kit_dns(&w->k, "_dmarc.n.example", "v=DMARC1; p=none");
	gate_kit_dns(&w->k, "default._bimi.n.example", "v=BIMI1; l=https://n.example/a.svg");
	gate_kit_dns(&w->k, "no.example", "v=spf1 ip4:192.0.2.7 -all");
	gate_kit_dns(&w->k, "_dmarc.no.example", "v=DMARC1; p=reject");
	gate_kit_dns(&w->k, "f.example", "v=spf1 ip4:192.0.2.7 -all");
	gate_kit_dns(&w->k, "_dmarc.f.example", "v=DMARC1; p=reject");
	assert_int_equal(dns_fake_fail(w->k.dns, SV("default._bimi.f.example")), 0);
}

static void
world_done(struct world *w)
{
	gate_kit_done(&w->k);
	(void)mail_marks_free(w->marks);
}

static void
play(struct world *w, const char *domain, const char *more)
{
	char message[1000], sender[100];

	(void)snprintf(sender, sizeof(sender), "x@%s", domain);
	(void)snprintf(message, sizeof(message),
	    "From: x@%s\nTo: y@here.test\nDate: Mon, 23 Nov 2026 04:00:00 +0000\n%s\nHi\n", domain, more);
	gate_kit_from(&w->k, "192.0.2.7", sender);
	gate_kit_play(&w->k, message);
	assert_int_equal(w->k.out.act, MAIL_ACT_ACCEPT);
}

/* What is told: the key that a mark is asked for under, as the DNS above has it. */
static void
mark_add(struct world *w, const char *domain, const char *evidence, enum bimi_result result,
    enum bimi_authority authority, int64_t until)
{
	char location[100];
	const struct mail_mark_key key = { .location = { location, (size_t)snprintf(location, sizeof(location),
		"https://%s/a.svg", domain) },
		.org = sv_str(domain), .author = sv_str(domain), .domain = sv_str(domain),
		.selector = SV("default"), .evidence = sv_str(evidence) };
	const struct mail_mark mark = { .result = result, .authority = authority, .made = GATE_NOW, .until = until,
		.why = result == BIMI_FAIL ? SV("no answer") : SV(""), .svg = result == BIMI_FAIL ? SV("") : SV(MARK) };
	struct buf b = BUF_INIT;

	assert_int_equal(mail_mark_write(&b, &key, &mark), 0);
	assert_int_equal(mail_marks_add(w->marks, buf_get(&b), GATE_NOW), 0);
	buf_done(&b);
}

static size_t
n_wanted(struct world *w)
{
	struct sv octets;
	size_t n = 0;

	while (mail_marks_next(w->marks, w->k.pool, &octets) == 1) {
		struct mail_mark_key key;

		assert_int_equal(mail_mark_key_read(octets, &key), 0);
		n++;
	}
	return n;
}

static bool
has(struct world *w, const char *part)
{
	return strstr(edits_text(&w->k), part) != NULL;
}

/* Section 7.8: from others, and from our own users; also where no marks are shown. */
static void
test_removed(void **state UNUSED)
{
	static const char fields[] = "BIMI-Location: v=BIMI1; l=https://evil.example/x.svg\nbimi-indicator: AAAA\n"
	    "BIMI-Indicator: BBBB\nBIMI-Logo-Preference: avp=brand\nBIMI-Selector: v=BIMI1; s=default\n";
	struct world w;

	world_init(&w);
	w.k.conf.bimi = MAIL_GATE_BIMI_NONE;
	play(&w, "a.example", fields);
	assert_true(sv_starts(sv_str(edits_text(&w.k)), SV("-BIMI-Logo-Preference 1\n-BIMI-Indicator 2\n"
	    "-bimi-indicator 1\n-BIMI-Location 1\n+Auth")));
	assert_false(has(&w, "bimi="));
	assert_int_equal(n_wanted(&w), 0);
	gate_kit_from(&w.k, "", "x@here.test");
	gate_kit_play(&w.k, "From: x@here.test\nBIMI-Indicator: BBBB\n\nHi\n");
	text_is(edits_text(&w.k), "-BIMI-Indicator 1\n");
	world_done(&w);
}

static void
test_unknown_then_known(void **state UNUSED)
{
	struct world w;

	world_init(&w);
	play(&w, "a.example", "");
	assert_true(has(&w, "bimi=skipped (the mark is not known yet)"));
	assert_false(has(&w, "BIMI-"));
	assert_false(w.k.out.has_mark);
	play(&w, "a.example", "");
	assert_int_equal(n_wanted(&w), 1);	/* two messages, one question */
	mark_add(&w, "a.example", "", BIMI_PASS, BIMI_UNCHECKED, GATE_NOW + 86400);
	play(&w, "a.example", "BIMI-Location: v=BIMI1; l=https://evil.example/x.svg\n");
	assert_true(w.k.out.has_mark);
	assert_int_equal(n_wanted(&w), 0);
	assert_true(has(&w, "bimi=pass header.d=a.example header.selector=default"));
	assert_true(has(&w, "policy.authority=none"));
	assert_true(has(&w, "-BIMI-Location 1\n"));
	assert_true(has(&w, "+BIMI-Location: v=BIMI1;\n l=https://a.example/a.svg\n+BIMI-Indicator:\n PHN2"));
	assert_true(has(&w, "+BIMI-Logo-Preference: avp=brand;\n"));
	world_done(&w);
}

/* What ends soon is shown, and asked for again; what has ended is not known. */
static void
test_ends(void **state UNUSED)
{
	struct world w;

	world_init(&w);
	mark_add(&w, "a.example", "", BIMI_PASS, BIMI_UNCHECKED, GATE_NOW + 60);
	play(&w, "a.example", "");
	assert_true(w.k.out.has_mark);
	assert_int_equal(n_wanted(&w), 1);
	w.k.world.now = GATE_NOW + 61;
	play(&w, "a.example", "");
	assert_true(has(&w, "bimi=skipped"));
	assert_int_equal(n_wanted(&w), 1);
	world_done(&w);
}

static void
test_failed(void **state UNUSED)
{
	struct world w;

	world_init(&w);
	mark_add(&w, "a.example", "", BIMI_FAIL, BIMI_UNCHECKED, GATE_NOW + 3600);
	play(&w, "a.example", "");
	assert_true(has(&w, "bimi=fail (no answer)"));
	assert_false(has(&w, "BIMI-"));
	assert_int_equal(n_wanted(&w), 0);
	world_done(&w);
}

static void
test_vouched(void **state UNUSED)
{
	struct world w;

	world_init(&w);
	w.k.conf.bimi = MAIL_GATE_BIMI_VOUCHED;
	play(&w, "a.example", "");
	assert_true(has(&w, "bimi=skipped (no evidence, which is asked for here)"));
	assert_int_equal(n_wanted(&w), 0);
	mark_add(&w, "v.example", "https://v.example/a.pem", BIMI_PASS, BIMI_VOUCHED, GATE_NOW + 86400);
	play(&w, "v.example", "");
	assert_true(has(&w, "bimi=pass") && has(&w, "policy.authority=pass"));
	assert_true(has(&w, "+BIMI-Location: v=BIMI1;\n a=https://v.example/a.pem\n"));
	world_done(&w);
}

static void
test_others(void **state UNUSED)
{
	static const struct {
		const char	*domain, *says;
	} rows[] = {
		{ "n.example", "bimi=skipped (the DMARC policy is not enforced)" },
		{ "no.example", "bimi=none" },
		{ "f.example", "bimi=temperror (the DNS did not answer)" },
	};
	struct world w;

	world_init(&w);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		play(&w, rows[i].domain, "");
		text_has(sv_str(edits_text(&w.k)), rows[i].says);
		assert_false(has(&w, "BIMI-"));
	}
	assert_int_equal(n_wanted(&w), 0);
	world_done(&w);
}

/* A mark of one record is none of another. */
static void
test_key(void **state UNUSED)
{
	struct world w;

	world_init(&w);
	mark_add(&w, "a.example", "https://a.example/other.pem", BIMI_PASS, BIMI_VOUCHED, GATE_NOW + 86400);
	play(&w, "a.example", "");
	assert_true(has(&w, "bimi=skipped"));
	world_done(&w);
}

/* A flood of domains: what is wanted has a bound, and so has what is known. */
static void
test_bounds(void **state UNUSED)
{
	struct mail_marks_counts n;
	struct world w;

	world_init(&w);
	for (unsigned i = 0; i < 4 * MAIL_MARKS_MAX; i++) {
		char name[40];

		(void)snprintf(name, sizeof(name), "d%u.example", i);
		mark_add(&w, name, "", BIMI_PASS, BIMI_UNCHECKED, GATE_NOW + 86400);
	}
	n = mail_marks_count(w.marks);
	assert_true(n.n <= MAIL_MARKS_MAX && n.n > MAIL_MARKS_MAX / 2);
	for (unsigned i = 0; i < 4 * MAIL_MARKS_WANTED_MAX; i++) {
		char name[40];
		const struct mail_mark_key key = { sv_str((snprintf(name, sizeof(name), "w%u.example", i), name)),
			SV("a"), SV("d"), SV("s"), SV("l"), SV("") };
		struct mail_mark mark;

		assert_int_equal(mail_marks_find(w.marks, &key, GATE_NOW, w.k.pool, &mark), 0);
	}
	assert_int_equal(n_wanted(&w), MAIL_MARKS_WANTED_MAX);
	world_done(&w);
}

/* --- threads, for the sanitizer --- */

#define THREADS	4
#define DOMAINS	40

static void *
look(void *arg)
{
	struct mail_marks *marks = arg;
	struct pool *pool = pool_new(1 << 20);
	unsigned n = 0;

	for (unsigned i = 0; i < 2000; i++) {
		char domain[40], location[60];
		const struct mail_mark_key key = { .org = { domain, (size_t)snprintf(domain, sizeof(domain), "d%u.example",
			i % DOMAINS) }, .author = sv_str(domain), .domain = sv_str(domain), .selector = SV("default"),
			.location = { location, (size_t)snprintf(location, sizeof(location), "https://%s/a.svg", domain) } };
		struct mail_mark mark;

		pool_reset(pool);
		if (mail_marks_find(marks, &key, GATE_NOW, pool, &mark) == 1)
			n += sv_eq(mark.svg, SV(MARK));
	}
	(void)pool_free(pool);
	return n > 0 ? marks : NULL;
}

static void
test_threads(void **state UNUSED)
{
	pthread_t threads[THREADS];
	struct world w;
	void *found;

	world_init(&w);
	for (unsigned i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, look, w.marks), 0);
	for (unsigned i = 0; i < 4 * DOMAINS; i++) {
		char name[40];

		(void)snprintf(name, sizeof(name), "d%u.example", i % DOMAINS);
		mark_add(&w, name, "", BIMI_PASS, BIMI_UNCHECKED, GATE_NOW + 86400 + i);
		(void)n_wanted(&w);
	}
	for (unsigned i = 0; i < THREADS; i++)
		assert_int_equal(pthread_join(threads[i], &found), 0);
	assert_ptr_equal(look(w.marks), w.marks);
	assert_int_equal(mail_marks_count(w.marks).n, DOMAINS);
	world_done(&w);
}

static void
test_octets(void **state UNUSED)
{
	const struct mail_mark_key key = { SV("o"), SV("a"), SV("b"), SV("c"), SV("https://l"), SV("") };
	const struct mail_mark mark = { .result = BIMI_PASS, .authority = BIMI_VOUCHED, .made = 7, .until = -1,
		.why = SV(""), .svg = SV(MARK) };
	struct mail_mark_key key2;
	struct mail_mark mark2;
	struct buf b = BUF_INIT;
	static char big[MAIL_MARK_SVG_MAX + 1];

	assert_int_equal(mail_mark_write(&b, &key, &mark), 0);
	assert_int_equal(mail_mark_read(buf_get(&b), &key2, &mark2), 0);
	assert_true(sv_eq(key2.location, key.location) && sv_eq(mark2.svg, mark.svg) && mark2.until == -1 &&
	    mark2.made == 7 && mark2.result == BIMI_PASS && mark2.authority == BIMI_VOUCHED);
	for (size_t i = 0; i < b.len; i++) {
		assert_int_equal(mail_mark_read(sv_take(buf_get(&b), i), &key2, &mark2), SE_SYNTAX);
		b.p[i] ^= 1;
		assert_int_equal(mail_mark_read(buf_get(&b), &key2, &mark2), SE_SYNTAX);
		b.p[i] ^= 1;
	}
	buf_done(&b);
	b = (struct buf)BUF_INIT;
	assert_int_equal(mail_mark_write(&b, &key, &(struct mail_mark){ .why = SV("a)\r\nX: y") }), -E2BIG);
	memset(big, 'a', sizeof(big));
	assert_int_equal(mail_mark_write(&b, &key, &(struct mail_mark){ .svg = { big, sizeof(big) } }), -E2BIG);
	assert_int_equal(mail_mark_key_write(&b, &(struct mail_mark_key){ .location = { big, MAIL_MARK_URI_MAX + 1 } }),
	    -E2BIG);
	buf_done(&b);
}

TESTS_MAIN("mail_gate_bimi", T(test_removed), T(test_unknown_then_known), T(test_ends), T(test_failed),
    T(test_vouched), T(test_others), T(test_key), T(test_bounds), T(test_threads), T(test_octets))
