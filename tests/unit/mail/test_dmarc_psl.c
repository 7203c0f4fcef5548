/*
 * Organizational domains by the list of public suffixes: our use of libpsl, with the tests
 * that the list's makers publish (SEKISHO_DATA/mail/psl), also with the names of the IDN
 * lines as A-labels, which is how names stand in the DNS.
 */
#include <errno.h>
#include <idn2.h>
#include <stdlib.h>

#include "mail/dmarc.h"
#include "psl_kit.h"

static void
org_is(const psl_ctx_t *psl, const char *name, const char *want)
{
	struct dname d, org;
	char text[DNAME_STRLEN];

	assert_int_equal(mail_name(sv_str(name), &d), 0);
	dmarc_psl_org(psl, &d, &org);
	assert_string_equal(dname_str(&org, text), want);
}

static void
test_org(void **state)
{
	psl_ctx_t *psl = psl_parse("com\njp\nco.jp\n*.kobe.jp\n!city.kobe.jp\n");
	struct dname d = { .len = 7, .w = "\1a\3com" }, org;

	(void)state;
	org_is(psl, "com", "com.");			/* a suffix has itself */
	org_is(psl, "example.com", "example.com.");
	org_is(psl, "A.B.Example.COM", "Example.COM.");
	org_is(psl, "a.co.jp", "a.co.jp.");
	org_is(psl, "b.a.co.jp", "a.co.jp.");
	org_is(psl, "c.kobe.jp", "c.kobe.jp.");
	org_is(psl, "a.b.c.kobe.jp", "b.c.kobe.jp.");
	org_is(psl, "a.city.kobe.jp", "city.kobe.jp.");
	org_is(psl, "a.b.unlisted", "b.unlisted.");	/* the rule "*" */
	org_is(psl, "a b.example.com", "a\\032b.example.com.");	/* no such name was ever registered */
	dmarc_psl_org(psl, &DNAME_ROOT, &org);
	assert_int_equal(org.len, 1);
	/* a dot within a label is none between two */
	d = (struct dname){ .len = 9, .w = "\3x.a\3com" };
	dmarc_psl_org(psl, &d, &org);
	assert_true(dname_eq(&d, &org));
	psl_free(psl);
}

/* --- the makers' tests --- */

/* A name as mail has it: A-labels; .n is 0: it is none. */
static bool
name_of(struct sv text, bool idn, struct dname *ret)
{
	char in[300], *ace = NULL;
	bool ok;

	(void)snprintf(in, sizeof(in), "%.*s", SV_ARG(text));
	if (!idn)
		return mail_name(text, ret) == 0;
	ok = idn2_to_ascii_8z(in, &ace, IDN2_NONTRANSITIONAL) == IDN2_OK && mail_name(sv_str(ace), ret) == 0;
	idn2_free(ace);
	return ok;
}

static bool
ascii(struct sv s)
{
	for (size_t i = 0; i < s.n; i++)
		if ((unsigned char)s.p[i] > 0x7e)
			return false;
	return true;
}

/* "null" is what they say of a suffix: there we give the name itself. */
static void
line_check(const psl_ctx_t *psl, struct sv name, struct sv want, unsigned *n)
{
	bool idn = !ascii(name);
	struct dname d, org, wanted;

	if (sv_eq(name, SV("null")) || !name_of(name, idn, &d))
		return;				/* no name, or one with a leading dot */
	dmarc_psl_org(psl, &d, &org);
	if (sv_eq(want, SV("null")))
		wanted = d;
	else
		assert_true(name_of(want, !ascii(want), &wanted));
	if (!dname_eq(&org, &wanted)) {
		char text[DNAME_STRLEN];

		fail_msg("%.*s: %s, not %.*s", SV_ARG(name), dname_str(&org, text), SV_ARG(want));
	}
	*n += idn ? 1000 : 1;
}

/* "a.example.com example.com" */
static bool
line_words(struct sv line, struct sv *name, struct sv *want)
{
	return sv_word(&line, name) && sv_word(&line, want);
}

/* "checkPublicSuffix('a.example.com', 'example.com');" */
static bool
line_calls(struct sv line, struct sv *name, struct sv *want)
{
	static const char head[] = "checkPublicSuffix(";
	struct sv *out[] = { name, want };

	if (!sv_starts(line, SV(head)))
		return false;
	line = sv_skip(line, sizeof(head) - 1);
	for (int i = 0; i < 2; i++) {
		*out[i] = sv_trim(sv_cut(&line, i == 0 ? ',' : ')'));
		if (sv_starts(*out[i], SV("'")))
			*out[i] = sv_take(sv_skip(*out[i], 1), out[i]->n - 2);
	}
	return true;
}

static unsigned
file_check(const char *path, const psl_ctx_t *psl, bool (*read)(struct sv, struct sv *, struct sv *))
{
	FILE *f = fopen(path, "r");
	char line[512];
	unsigned n = 0;

	assert_non_null(f);
	while (fgets(line, sizeof(line), f) != NULL) {
		struct sv s = sv_trim(sv_str(line)), name, want;

		if (s.n > 0 && !sv_starts(s, SV("//")) && read(s, &name, &want))
			line_check(psl, name, want, &n);
	}
	(void)fclose(f);
	return n;
}

static void
test_files(void **state)
{
	const char *data = getenv("SEKISHO_DATA"), *src = getenv("SEKISHO_SRC");
	char path[3][4096];
	static const char *const files[] = { "public_suffix_list.dat", "tests.txt", "test_psl.txt" };
	psl_ctx_t *psl;

	(void)state;
	for (unsigned i = 0; i < ARRAY_LEN(files); i++)
		(void)snprintf(path[i], sizeof(path[i]), "%s%s/mail/psl/%s", data != NULL ? data :
		    src != NULL ? src : ".", data != NULL ? "" : "/../shared/data", files[i]);
	psl = psl_load_file(path[0]);
	if (psl == NULL)
		skip();
	/* 64 lines of ASCII (nine of them A-labels), 9 with U-labels */
	assert_int_equal(file_check(path[1], psl, line_words), 9064);
	assert_int_equal(file_check(path[2], psl, line_calls), 9064);
	psl_free(psl);
}

TESTS_MAIN("dmarc_psl", T(test_org), T(test_files))
