/* Descriptions: what is refused, and on which line. */
#include "judge.h"

#define WORLD	"ta t {\nresources 10.0.0.0/8 AS1-AS9\n"

static const struct {
	const char	*text;
	unsigned	 line;
	const char	*word;
} refused[] = {
	{ "", 0, "" },
	{ "# nothing\n", 0, "" },
	{ "nonsense\n", 1, "nonsense" },
	{ "ca x {\n}\n", 1, "ca" },
	{ "ta t\n", 1, "ta" },
	{ "ta t [\n", 1, "[" },
	{ "ta ../t {\n}\n", 1, "../t" },
	{ "ta a.b {\n}\n", 1, "a.b" },
	{ "ta t {\n", 1, "t" },
	{ "}\n", 1, "}" },
	{ WORLD "}\nat 2026-01-01\n", 4, "at" },
	{ "at noon\n", 1, "noon" },
	{ "host a/b\n", 1, "a/b" },
	{ "seed -1\n", 1, "-1" },
	{ WORLD "resources 10.0.0.1/8\n}\n", 3, "10.0.0.1/8" },
	{ WORLD "resources AS9-AS1\n}\n", 3, "AS9-AS1" },
	{ WORLD "resources 10.0.1.0-10.0.0.0\n}\n", 3, "10.0.1.0-10.0.0.0" },
	{ WORLD "resources 10.0.1.0-2001:db8::\n}\n", 3, "10.0.1.0-2001:db8::" },
	{ WORLD "resources inherit\n}\n", 0, "t" },
	{ WORLD "valid -1h\n}\n", 3, "valid" },
	{ WORLD "valid -1h +3x\n}\n", 3, "+3x" },
	{ WORLD "crl -1h later\n}\n", 3, "later" },
	{ WORLD "number 99999999999999999999\n}\n", 3, "99999999999999999999" },
	{ WORLD "rrdp http://x/\n}\n", 3, "http://x/" },
	{ WORLD "roa AS1\n}\n", 3, "roa" },
	{ WORLD "roa one 10.0.0.0/8\n}\n", 3, "one" },
	{ WORLD "roa AS1 10.0.0.0\n}\n", 3, "10.0.0.0" },
	{ WORLD "roa AS1 10.0.0.0/8-33\n}\n", 3, "10.0.0.0/8-33" },
	{ WORLD "roa AS1 10.0.0.0/8-7\n}\n", 3, "10.0.0.0/8-7" },
	{ WORLD "roa AS1 10.0.0.0/8 name a/b\n}\n", 3, "a/b" },
	{ WORLD "aspa AS1\n}\n", 3, "aspa" },
	{ WORLD "aspa AS1 up\n}\n", 3, "up" },
	{ WORLD "host x\n}\n", 3, "host" },
	{ "steps 1001\n", 1, "1001" },
	{ "every -1h\n", 1, "-1h" },
	{ "churn 1001\n", 1, "1001" },
	{ "ta t from 2 until 1 {\n}\n", 1, "ta" },
	{ "ta t sometime {\n}\n", 1, "ta" },
	{ WORLD "roa AS1 10.0.0.0/8 from 3 until 3\n}\n", 3, "roa" },
	{ WORLD "roa AS1 10.0.0.0/8 from now\n}\n", 3, "now" },
	{ WORLD "server a/b\n}\n", 3, "a/b" },
	{ WORLD "children 0\n}\n", 3, "0" },
	{ WORLD "children 200001\n}\n", 3, "200001" },
	{ WORLD "children 2 away\n}\n", 3, "away" },
	{ WORLD "ca c {\ntak\n}\n}\n", 4, "tak" },
	{ WORLD "tak successor\n}\n", 3, "tak" },
	{ WORLD "tak heir t\n}\n", 3, "tak" },
	{ WORLD "tak successor t successor t\n}\n", 3, "tak" },
	{ WORLD "tak successor nobody\n}\n", 3, "nobody" },
	{ WORLD "tak predecessor c\nca c {\nresources AS1\n}\n}\n", 3, "c" },
	{ WORLD "steps 2\n}\n", 3, "steps" },
	{ WORLD "fault bad-luck\n}\n", 3, "bad-luck" },
	{ WORLD "fault expired-crl in t\n}\n", 3, "fault" },
};

static void
refusals(void **state UNUSED)
{
	for (size_t i = 0; i < ARRAY_LEN(refused); i++) {
		struct lab_error e = { 0 };
		struct lab_world *w = NULL;

		assert_int_equal(lab_text_parse(sv_str(refused[i].text), &judge_opts, &e, &w), -EINVAL);
		assert_null(w);
		assert_non_null(e.msg);
		if (refused[i].line > 0 && refused[i].line != e.line)
			fail_msg("%s: line %u", refused[i].text, e.line);
		assert_true(sv_eq_str(e.word, refused[i].word));
	}
}

/* A fault that nothing in the world fits. */
static void
no_place(void **state UNUSED)
{
	static const struct {
		const char	*text, *fault, *at;
	} rows[] = {
		{ WORLD "}\n", "expired-ee", "" },
		{ WORLD "}\n", "expired-ca", "" },		/* only below a trust anchor */
		{ WORLD "}\n", "expired-crl", "nobody" },
		{ WORLD "}\n", "revoked-ca", "t" },
		{ WORLD "roa AS1 10.0.0.0/8\n}\n", "roa-order", "t" },
		{ WORLD "roa AS1 10.0.0.0/32\n}\n", "roa-overclaim", "t" },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct lab_error e = { 0 };
		struct lab_world *w = NULL;

		assert_int_equal(lab_text_parse(sv_str(rows[i].text), &judge_opts, &e, &w), 0);
		assert_int_equal(lab_fault_add(w, sv_str(rows[i].fault), sv_str(rows[i].at), &e), 0);
		assert_int_equal(lab_build(w, &e), -EINVAL);
		assert_true(sv_eq_str(e.word, rows[i].fault));
		(void)lab_free(w);
	}
}

/* Ranges are sorted and merged, ROAs and providers sorted. */
static void
canonical(void **state UNUSED)
{
	static const char text[] = "ta t {\n"
	    "resources 10.1.0.0/16 10.0.0.0/16 10.0.128.0-10.2.0.255 255.255.255.0/24\n"
	    "resources AS7 AS1-AS3 AS4 AS2-AS5 2001:db8:1::/48 2001:db8::/48\n"
	    "roa AS1 2001:db8::/48 10.1.0.0/16 10.0.0.0/16-24 10.0.0.0/16\n"
	    "aspa AS2 AS9 AS3 AS7\n}\n";
	struct lab_world *w = world_make(sv_str(text), NULL);
	const struct lab_obj *o = w->cas->objs;
	struct judged *j;

	assert_int_equal(w->cas->cert->res.n_ip[0], 2);
	assert_int_equal(w->cas->cert->res.n_ip[1], 1);
	assert_int_equal(w->cas->cert->res.n_as, 2);
	assert_int_equal(w->cas->cert->res.as[0].max, 5);
	while (o->kind != LAB_ROA)
		o = o->next;
	assert_int_equal(o->n_pfx, 4);
	assert_int_equal(o->pfx[0].max_len, 16);
	assert_int_equal(o->pfx[1].max_len, 24);
	assert_int_equal(o->pfx[3].px.af, IP_V6);
	assert_int_equal(o->next->providers[0], 3);
	j = judge(w, RPKI_TOL_DEFAULT);
	if (j->n_warn + j->n_reject > 0)
		fail_msg("%s", j->last);
	assert_int_equal(j->n_vrps, 4);
	assert_int_equal(j->n_aspas, 1);
	free(j);
	(void)lab_free(w);
}

/* "at" and "seed" of the text yield to the options. */
static void
options_win(void **state UNUSED)
{
	static const char text[] = "at 2020-01-01T00:00:00Z\nseed 5\n" WORLD "}\n";
	struct lab_opts lo = { .jobs = 1 };
	struct lab_error e = { 0 };
	struct lab_world *w = NULL;

	assert_int_equal(lab_text_parse(sv_str(text), &lo, &e, &w), 0);
	assert_int_equal(w->now, 1577836800);
	assert_int_equal(w->seed, 5);
	w = lab_free(w);
	lo = (struct lab_opts){ .now = 7, .now_given = true, .seed = 8, .seed_given = true };
	assert_int_equal(lab_text_parse(sv_str(text), &lo, &e, &w), 0);
	assert_int_equal(w->now, 7);
	assert_int_equal(w->seed, 8);
	(void)lab_free(w);
}

TESTS_MAIN("lab text", T(refusals), T(no_place), T(canonical), T(options_win))
