/* Every fault causes its finding, and nobody else's payload appears. */
#include "judge.h"

/* What follows from another finding and is no second fault. */
static const struct {
	const char	*fault;
	enum rpki_code	 also;
} consequences[] = {
	{ "overclaim-8360", RPKI_CERT_OVERCLAIM },
	{ "many-files", RPKI_CRL_MISSING },	/* the list was not read */
	{ "expired-mft-ee", RPKI_MFT_EE_TIME },
	{ "clock-ahead", RPKI_CRL_NOT_YET },
	{ "clock-ahead", RPKI_CERT_NOT_YET },
	{ "cms-no-signer", RPKI_CMS_DIGEST },	/* nobody signed a digest */
	{ "attr-no-digest", RPKI_CMS_DIGEST },
};

static bool
is_consequence(const char *fault, enum rpki_code c)
{
	for (size_t i = 0; i < ARRAY_LEN(consequences); i++)
		if (c == consequences[i].also && strcmp(fault, consequences[i].fault) == 0)
			return true;
	return c == RPKI_POINT_FAILED || c == RPKI_NOT_JUDGED;
}

static unsigned
others(const struct judged *j, const char *fault, const char *expected, const char **ret_first)
{
	unsigned n = 0;

	for (unsigned c = 0; c < RPKI_CODE_MAX; c++) {
		if (j->n_code[c] == 0 || is_consequence(fault, (enum rpki_code)c) ||
		    (expected != NULL && strcmp(rpki_findings[c].code, expected) == 0))
			continue;
		*ret_first = rpki_findings[c].code;
		n++;
	}
	return n;
}

static bool
has_code(const struct judged *j, const char *code)
{
	for (unsigned c = 0; c < RPKI_CODE_MAX; c++)
		if (j->n_code[c] > 0 && strcmp(rpki_findings[c].code, code) == 0)
			return true;
	return false;
}

static bool
fault_fits(struct sv text, struct lab_fault_info f, const struct judged *clean)
{
	struct lab_world *w = world_make(text, f.name);
	struct judged *j = judge(w, RPKI_TOL_DEFAULT);
	const char *other = NULL;
	bool good = true;

	if (f.code != NULL && !has_code(j, f.code)) {
		printf("# %s: expected %s, last was %s\n", f.name, f.code, j->last);
		good = false;
	}
	if (others(j, f.name, f.code, &other) > 0) {
		printf("# %s: also %s\n", f.name, other);
		good = false;
	}
	for (size_t i = 0; i < j->n_vrps; i++)
		if (!judged_has(clean, &j->vrps[i])) {
			printf("# %s: a payload that the clean world has not\n", f.name);
			good = false;
			break;
		}
	free(j);
	(void)lab_free(w);
	return good;
}

static void
each_fault(void **state UNUSED)
{
	struct sv text;
	char *mem = description("faults.lab", &text);
	struct lab_world *w = world_make(text, NULL);
	struct judged *clean = judge(w, RPKI_TOL_DEFAULT);
	const char *only = getenv("FAULT");
	unsigned bad = 0;

	(void)lab_free(w);
	for (size_t i = 0; i < lab_n_faults(); i++) {
		struct lab_fault_info f = lab_fault_info(i);

		/* seen by the walk in app/routes only: corpus/test_faults.py */
		if (f.code != NULL && strcmp(f.code, "RPKI_POINT_REPEATED") == 0)
			continue;
		if (only == NULL || strcmp(only, f.name) == 0)
			bad += !fault_fits(text, f, clean);
	}
	free(clean);
	free(mem);
	assert_int_equal(bad, 0);
}

static void
clean_world(void **state UNUSED)
{
	struct sv text;
	char *mem = description("faults.lab", &text);
	struct lab_world *w = world_make(text, NULL);
	struct judged *j = judge(w, RPKI_TOL_DEFAULT);

	if (j->n_warn + j->n_reject > 0)
		fail_msg("%s", j->last);
	/* a signed prefix list, an unknown file */
	assert_int_equal(j->n_code[RPKI_NOT_JUDGED], 2);
	assert_int_equal(j->n_points, 5);
	assert_int_equal(j->n_vrps, 8);
	assert_int_equal(j->n_aspas, 1);
	free(j);
	(void)lab_free(w);
	free(mem);
}

/* The same worlds with the switch that lets them pass. */
static void
tolerated(void **state UNUSED)
{
	static const struct {
		const char	*fault;
		unsigned	 tolerate;
		enum rpki_code	 code;
	} rows[] = {
		{ "no-signing-time", RPKI_TOL_NO_SIGNING_TIME, RPKI_CMS_SIGNING_TIME_LET },
		{ "overclaim-8360", RPKI_TOL_RFC8360, RPKI_CERT_OVERCLAIM_CUT },
	};
	struct sv text;
	char *mem = description("faults.lab", &text);

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct lab_world *w = world_make(text, rows[i].fault);
		struct judged *j = judge(w, RPKI_TOL_DEFAULT | rows[i].tolerate);

		assert_true(j->n_code[rows[i].code] > 0);
		assert_int_equal(j->n_reject, 0);
		assert_int_equal(j->n_vrps, 8);
		free(j);
		(void)lab_free(w);
	}
	free(mem);
}

TESTS_MAIN("lab faults", T(clean_world), T(each_fault), T(tolerated))
