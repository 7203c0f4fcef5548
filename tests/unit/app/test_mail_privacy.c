/* Which acts a configuration performs, which data it keeps, and which words that needs. */
#include "../tap.h"
#include "app/mail_privacy.h"

#define ON	"mail:\n  milter:\n    listen: unix:/run/milter\n"
#define ALWAYS	(PRIVACY_READ | PRIVACY_REWRITE | PRIVACY_SEND)

static const struct {
	const char	*conf;
	unsigned	 acts;
	size_t		 n_data, n_consent;
} rows[] = {
	{ "", 0, 0, 0 },
	{ "mail:\n  policy: enforce\n", 0, 0, 0 },	/* nothing is handed over */
	{ ON, ALWAYS, 2, 5 },
	{ ON "  reports: aggregate\n  reporting: {email: dmarc@a.example}\n", ALWAYS | PRIVACY_KEEP |
	    PRIVACY_REPORT, 5, 7 },
	{ ON "  reports: none\n", ALWAYS, 2, 5 },
	{ ON "  reports: aggregate\n  failure-reports: dmarc\n  reporting: {email: dmarc@a.example}\n", ALWAYS | PRIVACY_KEEP |
	    PRIVACY_REPORT, 6, 8 },
	{ ON "  reports: aggregate\n  failure-reports: all\n  failure: {subject: shown}\n"
	    "  reporting: {email: dmarc@a.example}\n", ALWAYS | PRIVACY_KEEP | PRIVACY_REPORT, 6, 9 },
	{ ON "  complaints: [{domain: a.example, to: fbl@a.example}]\n", ALWAYS | PRIVACY_REPORT, 3, 6 },
	{ ON "  bimi: check\n", ALWAYS | PRIVACY_KEEP, 3, 6 },
	{ ON "  policy: enforce\n", ALWAYS | PRIVACY_REJECT, 2, 6 },
	{ ON "  policy: observe\n  on-reject: accept\n", ALWAYS, 2, 5 },
	{ ON "  on-temperror: tempfail\n", ALWAYS | PRIVACY_REJECT, 2, 6 },
};

static struct conf *
conf_of(const char *text)
{
	struct conf *c = NULL;
	struct conf_error e;

	assert_int_equal(app_conf_parse(sv_str(text), "test.conf", &c, &e), 0);
	return c;
}

static size_t
data_count(const struct conf *c)
{
	size_t n = 0;

	while (privacy_data(c, n) != NULL)
		n++;
	return n;
}

static size_t
consent_count(const struct conf *c)
{
	size_t n = 0;

	while (privacy_consent(c, n) != NULL)
		n++;
	return n;
}

static void
configurations(void **state UNUSED)
{
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct conf *c = conf_of(rows[i].conf);

		assert_int_equal(privacy_acts(c), rows[i].acts);
		assert_int_equal(data_count(c), rows[i].n_data);
		assert_int_equal(consent_count(c), rows[i].n_consent);
		c = conf_free(c);
	}
}

static void
how_long(void **state UNUSED)
{
	struct conf *c = conf_of(ON "  reports: aggregate\n"
	    "  reporting: {email: dmarc@a.example, keep-rows: 30d}\n");
	struct buf b = BUF_INIT;

	privacy_how_long(c, privacy_data(c, 2), LANG_EN, &b);
	assert_true(sv_ends(buf_get(&b), SV(" (mail.reporting.keep-rows: 30d)")));
	b.len = 0;
	privacy_how_long(c, privacy_data(c, 4), LANG_JA, &b);
	assert_true(sv_ends(buf_get(&b), SV(" (mail.reporting.keep-domains: 400d)")));
	b.len = 0;
	privacy_how_long(c, privacy_data(c, 0), LANG_EN, &b);
	assert_false(sv_ends(buf_get(&b), SV(")")));
	buf_done(&b);
	c = conf_free(c);
}

/* The first row switches mail on at all: privacy_acts() counts on that. */
static void
table(void **state UNUSED)
{
	assert_string_equal(privacy_options[0].path, "mail.milter.listen");
	for (size_t i = 0; i < privacy_n_options; i++) {
		assert_int_equal(privacy_options[i].acts != 0, privacy_options[i].when[0] != '\0');
		assert_int_equal(privacy_options[i].acts != 0, privacy_options[i].what[0] != '\0');
	}
	for (unsigned act = 1; act < PRIVACY_ACT_END; act <<= 1)
		assert_string_not_equal(privacy_act_name(act), "");
	assert_string_equal(privacy_act_name(PRIVACY_SEND), "send-to-third-parties");
}

TESTS_MAIN("app mail_privacy", T(configurations), T(how_long), T(table))
