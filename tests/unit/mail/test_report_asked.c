/* Which messages are reported by themselves: fo= by what was found, what programs wrote, and results as others see them. */
#include "../tap.h"
#include "mail/report.h"

#define A	REPORT_ALIGNED
#define N	REPORT_NOT_ALIGNED
#define U	REPORT_UNKNOWN
#define FO_0	DMARC_FO_ALL
#define FO_1	DMARC_FO_ANY
#define FO_D	DMARC_FO_DKIM
#define FO_S	DMARC_FO_SPF

/* How DKIM and SPF stand, and whether either failed by itself. */
static const struct found {
	enum report_mechanism	dkim, spf;
	bool			dkim_failed, spf_failed;
} founds[] = {
	{ A, A, false, false }, { A, N, false, false }, { N, A, false, false }, { N, N, false, false },
	{ A, A, true, false }, { A, N, false, true }, { N, N, true, true }, { U, N, false, true },
	{ N, U, true, false }, { U, U, false, false }, { A, U, false, false },
};

/* A letter for each of founds: "-" nothing, "m" DMARC, "d" DKIM, "s" SPF. */
static const struct {
	unsigned	 fo;
	bool		 with_parts;
	const char	*want;
} rows[] = {
	{ FO_0, false, "---m--m----" },
	{ FO_1, false, "-mmm-mmmm--" },
	{ FO_D, false, "-----------" },
	{ FO_S, false, "-----------" },
	{ 0, true, "-----------" },
	{ FO_0, true, "---m--m----" },
	{ FO_D, true, "----d-d-d--" },
	{ FO_S, true, "-----sss---" },
	{ FO_D | FO_S, true, "----dsdsd--" },
	{ FO_0 | FO_D | FO_S, true, "---mdsmsd--" },
	{ FO_1 | FO_D, true, "-mmmdmmmm--" },
};

static void
fo(void **state UNUSED)
{
	static const char letters[REPORT_ABOUT_MAX + 1] = "-mds";

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		char got[ARRAY_LEN(founds) + 1] = { 0 };

		for (size_t k = 0; k < ARRAY_LEN(founds); k++) {
			const struct found *f = &founds[k];
			const struct report_asked a = { rows[i].fo, rows[i].with_parts, f->dkim, f->spf,
			    f->dkim_failed, f->spf_failed };

			got[k] = letters[report_asked(&a)];
		}
		assert_string_equal(got, rows[i].want);
	}
}

static void
answers(void **state UNUSED)
{
	static const struct {
		const char	*name, *value;
		bool		 is_answer;
	} heads[] = {
		{ "Auto-Submitted", " auto-generated", true },
		{ "auto-submitted", " Auto-Replied; owner-email=x@y", true },
		{ "Auto-Submitted", " no", false },
		{ "Auto-Submitted", " NO ; x=y", false },
		{ "Content-Type", " Multipart/Report; report-type=feedback-report", true },
		{ "Content-Type", " message/feedback-report", true },
		{ "Content-Type", " multipart/mixed; boundary=multipart/report", false },
		{ "X-Auto-Submitted", " auto-generated", false },
	};

	for (size_t i = 0; i < ARRAY_LEN(heads); i++) {
		struct pool *pool = pool_new(MAIL_POOL_MAX);
		struct mail_head head;
		struct findings fs;

		findings_init(&fs, pool);
		mail_head_init(&head, pool);
		assert_int_equal(mail_head_add(&head, sv_str(heads[i].name), sv_str(heads[i].value), &fs), 0);
		assert_int_equal(report_is_answer(&head), heads[i].is_answer);
		(void)pool_free(pool);
	}
}

static void
results(void **state UNUSED)
{
	struct pool *pool = pool_new(MAIL_POOL_MAX);
	struct buf b = BUF_INIT;
	struct authres *a;
	struct findings fs;

	findings_init(&fs, pool);
	assert_int_equal(authres_parse(pool, SV("mx.test; spf=fail (secretname) smtp.mailfrom=\"secret@name\"@a.test;"
	    " spf=none smtp.mailfrom=secretname; auth=pass smtp.auth=secretname smtp.rcptto=secretname; dkim=fail reason=\"secretname\" header.d=a.test"
	    " header.i=secretname@s.a.test; dmarc=fail header.from=a.test"), &fs, &a), 0);
	assert_non_null(a);
	report_results_redact(a);
	authres_write(&b, a, 1000, false);
	buf_char(&b, '\0');
	assert_null(strstr(b.p, "secret"));
	assert_non_null(strstr(b.p, "smtp.mailfrom=a.test"));
	assert_non_null(strstr(b.p, "smtp.mailfrom=redacted"));
	assert_non_null(strstr(b.p, "header.i=@s.a.test"));
	assert_non_null(strstr(b.p, "header.from=a.test"));
	buf_done(&b);
	report_results_keep(a, AUTHRES_SPF, 9);
	assert_int_equal(a->n, 2);
	report_results_keep(a, AUTHRES_SPF, 1);
	assert_int_equal(a->n, 1);
	assert_true(a->results->result == MAIL_FAIL && a->results->next == NULL);
	report_results_keep(a, AUTHRES_DKIM, 9);
	assert_true(a->n == 0 && a->results == NULL);
	(void)pool_free(pool);
}

TESTS_MAIN("mail report_asked", T(fo), T(answers), T(results))
