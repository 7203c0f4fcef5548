/*
 * Any file of the format of openspf.org's test suite for RFC 7208, as TAP:
 *
 *	spf-suite FILE
 *
 * One line a test: scenario, name, the results that are right, the one that was found, the
 * explanation, and the codes of what is wrong with records. Status 1: one at least failed; 3: the
 * file cannot be read. Each evaluation begins with no answers, and goes on when those that it
 * asked for have come.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mail/spf.h"
#include "suite.h"

#define ROUNDS_MAX	64		/* an evaluation that asks longer never ends */
#define NOW		1790000000	/* %{t} */

static void
field_print(struct sv s)
{
	for (size_t i = 0; i < s.n; i++)
		(void)putchar(s.p[i] < ' ' || s.p[i] == 0x7f || s.p[i] == '#' ? '?' : s.p[i]);
}

static bool
is_among(struct suite *s, yaml_node_t *list, const char *word)
{
	for (size_t i = 0; i < suite_count(list); i++)
		if (sv_eq(suite_text(suite_item(s, list, i)), sv_str(word)))
			return true;
	return false;
}

/* "DEFAULT" stands for the receiver's own words: we have none of the domain's. */
static bool
explanation_ok(struct sv expected, struct sv found)
{
	if (expected.p == NULL)
		return true;
	if (sv_eq(expected, SV("DEFAULT")))
		return found.n == 0;
	return sv_eq(expected, found);
}

static void
codes_print(const struct findings *fs)
{
	for (const struct finding *f = fs->head; f != NULL; f = f->next)
		(void)printf(" %s", f->def->code);
	(void)putchar('\n');
}

static void
result_print(struct suite *s, yaml_node_t *test, struct sv scenario, struct sv name,
    const struct spf_out *out, bool is_ok, struct suite_tally *t)
{
	yaml_node_t *expected = suite_get(s, test, "result");

	(void)printf("%sok %u - ", is_ok ? "" : "not ", ++t->n);
	field_print(scenario);
	(void)printf(" / ");
	field_print(name);
	(void)printf(": expected ");
	for (size_t i = 0; i < suite_count(expected); i++) {
		(void)printf("%s", i > 0 ? " or " : "");
		field_print(suite_text(suite_item(s, expected, i)));
	}
	(void)printf(", found %s", mail_result_name(out->result));
	if (suite_get(s, test, "explanation") != NULL) {
		(void)printf("; explanation expected \"");
		field_print(suite_field(s, test, "explanation"));
		(void)printf("\"");
	}
	(void)printf("; explanation \"");
	field_print(out->explanation);
	(void)printf("\"");
	t->n_failed += !is_ok;
}

/* 0; -1: it does not end, or cannot. */
static int
evaluate(const struct spf_in *in, struct dns_fake *d, struct pool *pool, struct findings *fs,
    struct spf_out *ret)
{
	struct mail_ask ask = { .find = dns_fake_find, .arg = d };

	for (unsigned i = 0; i < ROUNDS_MAX; i++) {
		int rc;

		pool_reset(pool);
		findings_init(fs, pool);
		if ((rc = spf_check(in, &ask, pool, fs, ret)) <= 0)
			return rc;
		if (ask.n_missing == 0)
			return -1;
		dns_fake_learn(d, &ask);
	}
	return -1;
}

static void
test_run(struct suite *s, yaml_node_t *test, struct sv scenario, struct sv name, struct dns_fake *d,
    struct suite_tally *t)
{
	_cleanup_(pool_freep) struct pool *pool = pool_new(MAIL_POOL_MAX);
	struct spf_in in = { .helo = suite_field(s, test, "helo"),
	    .sender = suite_field(s, test, "mailfrom"), .now = NOW,
	    .limits = SPF_LIMITS_DEFAULT };
	struct spf_out out = { .result = MAIL_RESULT_MAX };
	struct findings fs;
	bool is_ok;

	if (pool == NULL)
		abort();
	findings_init(&fs, pool);
	dns_fake_forget(d);
	is_ok = ip_prefix_parse_host(suite_field(s, test, "host"), &in.client) == 0 &&
	    evaluate(&in, d, pool, &fs, &out) == 0 &&
	    is_among(s, suite_get(s, test, "result"), mail_result_name(out.result)) &&
	    explanation_ok(suite_field(s, test, "explanation"), out.explanation);
	result_print(s, test, scenario, name, &out, is_ok, t);
	codes_print(&fs);
}

static int
scenario_run(struct suite *s, struct suite_tally *t)
{
	_cleanup_(dns_fake_freep) struct dns_fake *d = dns_fake_new();
	struct sv scenario = suite_field(s, suite_root(s), "description");
	yaml_node_t *tests = suite_get(s, suite_root(s), "tests");
	int rc;

	if (d == NULL)
		abort();
	if ((rc = suite_zone(s, suite_get(s, suite_root(s), "zonedata"), d)) < 0)
		return rc;
	dns_fake_slow(d, true);
	for (size_t i = 0; i < suite_count(tests); i++)
		test_run(s, suite_item(s, tests, i), scenario, suite_key(s, tests, i), d, t);
	return 0;
}

int
main(int argc, char **argv)
{
	return suite_main(argc, argv, scenario_run);
}
