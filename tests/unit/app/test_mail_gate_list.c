/* Lists of addresses as Sendmail 8.17 was seen to write them (tests/peer/test_milter_sendmail.py). */
#include "mail_gate_kit.h"
#include "app/mail_gate_internal.h"

static const struct {
	const char	*name, *in, *out;	/* out NULL: as it is */
} rows[] = {
	{ "To", " a@x.test", NULL },
	{ "To", " a@x.test, b@y.test", NULL },
	{ "To", " a@x.test,b@y.test", " a@x.test, b@y.test" },
	{ "cc", " a@x.test ,\n\tb@y.test", " a@x.test, b@y.test" },
	{ "From", "A <a@x.test>,B <b@y.test>", " A <a@x.test>, B <b@y.test>" },
	{ "Reply-To", " \"A, B\" <a@x.test>,c@y.test", " \"A, B\" <a@x.test>, c@y.test" },
	{ "To", " \"A\\\"B\" <a@x.test>,c@y.test", " \"A\\\"B\" <a@x.test>, c@y.test" },
	{ "To", " a@x.test (Name),b@y.test (N, (M))", " a@x.test (Name), b@y.test (N, (M))" },
	{ "To", " ,a@x.test,,b@y.test,", " a@x.test, b@y.test" },
	{ "To", " A. B <a@x.test>", " \"A. B\" <a@x.test>" },
	{ "To", " O'B<a@x.test> ,B <c@d.test>", " \"O'B\"<a@x.test>, B <c@d.test>" },
	{ "To", " <a@x.test>,<\"b,c\"@y.test>", " <a@x.test>, <\"b,c\"@y.test>" },
	{ "Sender", "", NULL },
	/* what it treats in ways of its own */
	{ "To", " g: a@x.test,b@y.test;", NULL },
	{ "To", " \"a@x.test,b@y.test", NULL },
	{ "To", " (a@x.test,b@y.test", NULL },
	{ "To", " <a@x.test,b@y.test", NULL },
	{ "To", " \"a\\", NULL },
	/* no list */
	{ "Subject", " a,b", NULL },
	{ "X-To", " a,b", NULL },
};

/* A list of one blank is as good as an empty one: relaxed forms are the same. */
static bool
same(struct sv got, const char *in, const char *out)
{
	return sv_eq(got, sv_str(out != NULL ? out : in)) || (in[0] == '\0' && sv_eq(got, SV(" ")));
}

static void
test_rows(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct mail_gate g = { .kept = pool_new(65536), .writes_lists = true, .who = MAIL_WHO_OWN };
		struct sv value = sv_str(rows[i].in);

		assert_non_null(g.kept);
		assert_int_equal(gate_list(&g, sv_str(rows[i].name), &value), 0);
		if (!same(value, rows[i].in, rows[i].out))
			print_error("%s:%s -> %.*s\n", rows[i].name, rows[i].in, SV_ARG(value));
		assert_true(same(value, rows[i].in, rows[i].out));
		/* What was written is written so again. */
		assert_int_equal(gate_list(&g, sv_str(rows[i].name), &value), 0);
		assert_true(same(value, rows[i].in, rows[i].out));
		(void)pool_free(g.kept);
	}
}

/* Mail that is judged stays as it came, and so does all mail of Postfix. */
static void
test_others(void **state)
{
	struct mail_gate g = { .writes_lists = true, .who = MAIL_WHO_OTHERS };
	struct sv value = SV(" a,b");

	(void)state;
	assert_int_equal(gate_list(&g, SV("To"), &value), 0);
	assert_true(sv_eq(value, SV(" a,b")));
	g = (struct mail_gate){ .who = MAIL_WHO_OWN };
	assert_int_equal(gate_list(&g, SV("To"), &value), 0);
	assert_true(sv_eq(value, SV(" a,b")));
}

TESTS_MAIN("mail_gate_list", T(test_rows), T(test_others))
