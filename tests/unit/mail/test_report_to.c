/* Who gets reports: the organization's own addresses, those that say so, and nobody else. */
#include <errno.h>
#include <stdio.h>

#include "../tap.h"
#include "dns_fake.h"
#include "mail/report.h"

struct row {
	const char	*zone;		/* lines: a name and the text of its TXT record; "!name": fails */
	const char	*where, *rua;	/* rua: a record's tag */
	const char	*want;		/* "local@domain" behind "+", "-" or "?" */
	const char	*codes;
};

#define P	"_dmarc.example.com v=DMARC1; p=none\n"
#define AT	"example.com._report._dmarc.red.example.net "

static const struct row rows[] = {
	/* one organization: nothing is asked for */
	{ P, "example.com", "mailto:a@example.com", "+a@example.com ", "" },
	{ P, "example.com", "mailto:a@mail.example.com", "+a@mail.example.com ", "" },
	{ P "_dmarc.mail.example.com v=DMARC1; p=none", "mail.example.com", "mailto:a@example.com", "+a@example.com ", "" },
	/* without any record each name is its own organization */
	{ "", "example.com", "mailto:a@example.com", "+a@example.com ", "" },
	/* the example of RFC 9990 section 4 */
	{ AT "v=DMARC1", "example.com", "mailto:r@red.example.net", "+r@red.example.net ", "" },
	{ AT "v=DMARC1;", "example.com", "mailto:r@red.example.net", "+r@red.example.net ", "" },
	{ "", "example.com", "mailto:r@red.example.net", "-r@red.example.net ", "REPORT_TO_REFUSED " },
	{ AT "hello", "example.com", "mailto:r@red.example.net", "-r@red.example.net ", "REPORT_TO_REFUSED " },
	{ AT "p=none; v=DMARC1", "example.com", "mailto:r@red.example.net", "-r@red.example.net ", "REPORT_TO_REFUSED " },
	{ AT "hello\n" AT "v=DMARC1", "example.com", "mailto:r@red.example.net", "+r@red.example.net ", "" },
	/* it is asked of the name at which the record stands, not of its organization */
	{ P AT "v=DMARC1", "mail.example.com", "mailto:r@red.example.net", "-r@red.example.net ", "REPORT_TO_REFUSED " },
	{ "_dmarc.example.com v=DMARC1; p=none; psd=y\n", "a.example.com", "mailto:r@b.example.com",
	  "-r@b.example.com ", "REPORT_TO_REFUSED " },
	/* other addresses in their place */
	{ AT "v=DMARC1; rua=mailto:x@red.example.net", "example.com", "mailto:r@red.example.net", "+x@red.example.net ",
	  "REPORT_TO_MOVED " },
	{ AT "v=DMARC1; rua=mailto:x@red.example.net,mailto:y@RED.example.net", "example.com", "mailto:r@red.example.net",
	  "+x@red.example.net +y@RED.example.net ", "REPORT_TO_MOVED " },
	{ AT "v=DMARC1; rua=mailto:x@example.org", "example.com", "mailto:r@red.example.net", "-r@red.example.net ",
	  "REPORT_TO_ELSEWHERE " },
	{ AT "v=DMARC1; rua=mailto:x@red.example.net,mailto:y@example.org", "example.com", "mailto:r@red.example.net",
	  "-r@red.example.net ", "REPORT_TO_ELSEWHERE " },
	{ AT "v=DMARC1; rua=mailto:x@a.red.example.net", "example.com", "mailto:r@red.example.net", "-r@red.example.net ",
	  "REPORT_TO_ELSEWHERE " },	/* "the same destination host" */
	{ AT "v=DMARC1; ruf=mailto:x@red.example.net", "example.com", "mailto:r@red.example.net", "+r@red.example.net ", "" },
	/* the DNS is silent */
	{ "!example.com._report._dmarc.red.example.net", "example.com", "mailto:r@red.example.net", "?r@red.example.net ",
	  "REPORT_TO_DNS " },
	{ "!_dmarc.red.example.net", "example.com", "mailto:r@red.example.net", "?r@red.example.net ", "REPORT_TO_DNS " },
	{ "!_dmarc.example.com", "example.com", "mailto:r@red.example.net,mailto:a@example.com",
	  "?r@red.example.net +a@example.com ", "REPORT_TO_DNS " },
	/* several, each for itself */
	{ P AT "v=DMARC1", "example.com", "mailto:a@example.com,mailto:r@red.example.net,mailto:b@blue.example.net",
	  "+a@example.com +r@red.example.net -b@blue.example.net ", "REPORT_TO_REFUSED " },
	/* a name too long to be asked */
	{ "", "a23456789012345678901234567890123456789012345678901234567890.b23456789012345678901234567890123456789012345678901234567890.c23456789012345678901234567890123456789012345678901234567890.example.com",
	  "mailto:r@d23456789012345678901234567890123456789012345678901234567890.example.net",
	  "-r@d23456789012345678901234567890123456789012345678901234567890.example.net ", "REPORT_TO_REFUSED " },
};

/* Of failures: the ruf= of the permission counts, not its rua=. */
static const struct row ruf_rows[] = {
	{ AT "v=DMARC1; rua=mailto:x@red.example.net", "example.com", "mailto:r@red.example.net", "+r@red.example.net ",
	  "" },
	{ AT "v=DMARC1; ruf=mailto:x@red.example.net", "example.com", "mailto:r@red.example.net", "+x@red.example.net ",
	  "REPORT_TO_MOVED " },
	{ AT "v=DMARC1; ruf=mailto:x@example.org", "example.com", "mailto:r@red.example.net", "-r@red.example.net ",
	  "REPORT_TO_ELSEWHERE " },
	{ "", "example.com", "mailto:r@red.example.net", "-r@red.example.net ", "REPORT_TO_REFUSED " },
};

static struct dns_fake *
zone_of(struct sv text)
{
	struct dns_fake *d = dns_fake_new();
	struct sv line;

	assert_non_null(d);
	while (sv_line(&text, &line)) {
		struct sv name = sv_cut(&line, ' ');

		if (name.n > 0 && name.p[0] == '!')
			assert_int_equal(dns_fake_fail(d, sv_skip(name, 1)), 0);
		else if (name.n > 0)
			assert_int_equal(dns_fake_add_txt(d, name, line), 0);
	}
	return d;
}

static const struct dmarc_record *
record_of(struct pool *pool, const char *rua)
{
	struct findings fs;
	struct dmarc_record *r = NULL;
	const char *text = pool_printf(pool, "v=DMARC1; p=none; rua=%s", rua);

	findings_init(&fs, pool);
	assert_int_equal(dmarc_record_parse(pool, sv_str(text), &fs, &r), 0);
	assert_non_null(r);
	assert_true(r->n_rua > 0);
	return r;
}

/* Asks until all answers are there; how often is the result. */
static unsigned
row_run(const struct row *row, bool is_ruf, bool is_slow)
{
	static const char signs[REPORT_TO_MAX] = { '+', '-', '?' };
	_cleanup_(dns_fake_freep) struct dns_fake *d = zone_of(sv_str(row->zone));
	_cleanup_(pool_freep) struct pool *pool = pool_new(MAIL_POOL_MAX), *keep = pool_new(MAIL_POOL_MAX);
	struct mail_ask ask = { .find = dns_fake_find, .arg = d };
	const struct dmarc_record *r = record_of(keep, row->rua);
	struct report_address *to = NULL;
	char got[1000] = "", codes[200] = "";
	struct findings fs;
	struct dname where;
	unsigned n_rounds = 0;
	size_t n = 0;
	int rc;

	assert_int_equal(mail_name(sv_str(row->where), &where), 0);
	dns_fake_slow(d, is_slow);
	for (;; n_rounds++) {
		pool_reset(pool);
		findings_init(&fs, pool);
		rc = (is_ruf ? report_to_check_ruf : report_to_check)(&where, r->rua, r->n_rua, &ask,
		    pool, &fs, &to, &n);
		if (rc != MAIL_WAIT)
			break;
		assert_true(is_slow && ask.n_missing > 0 && n_rounds < 10);
		dns_fake_learn(d, &ask);
	}
	assert_int_equal(rc, 0);
	for (size_t i = 0; i < n; i++) {
		size_t used = strlen(got);

		(void)snprintf(got + used, sizeof(got) - used, "%c%.*s@%.*s ", signs[to[i].verdict],
		    SV_ARG(to[i].uri.local), SV_ARG(to[i].uri.domain));
	}
	for (const struct finding *f = fs.head; f != NULL; f = f->next) {
		size_t used = strlen(codes);

		(void)snprintf(codes + used, sizeof(codes) - used, "%s ", f->def->code);
	}
	assert_string_equal(got, row->want);
	assert_string_equal(codes, row->codes);
	return n_rounds;
}

static void
verdicts(void **state UNUSED)
{
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		(void)row_run(&rows[i], false, false);
	for (size_t i = 0; i < ARRAY_LEN(ruf_rows); i++)
		(void)row_run(&ruf_rows[i], true, false);
}

/* Walks first, then the permissions: all that can be asked at once is. */
static void
rounds(void **state UNUSED)
{
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		assert_in_range(row_run(&rows[i], false, true), 1, 2);
}

static void
no_memory(void **state UNUSED)
{
	_cleanup_(dns_fake_freep) struct dns_fake *d = zone_of(sv_str(P AT "v=DMARC1; rua=mailto:x@red.example.net"));
	_cleanup_(pool_freep) struct pool *keep = pool_new(MAIL_POOL_MAX);
	const struct dmarc_record *r = record_of(keep, "mailto:r@red.example.net");
	struct mail_ask ask = { .find = dns_fake_find, .arg = d };
	struct dname where;
	int rc = -ENOMEM;

	assert_int_equal(mail_name(SV("example.com"), &where), 0);
	for (size_t cap = 1024; rc == -ENOMEM; cap += 512) {
		_cleanup_(pool_freep) struct pool *pool = pool_new(cap);
		struct report_address *to = NULL;
		struct findings fs;
		size_t n = 0;

		assert_true(cap < MAIL_POOL_MAX);
		findings_init(&fs, pool);
		rc = report_to_check(&where, r->rua, r->n_rua, &ask, pool, &fs, &to, &n);
		assert_int_equal(to != NULL, rc == 0);
	}
	assert_int_equal(rc, 0);
}

TESTS_MAIN("mail report_to", T(verdicts), T(rounds), T(no_memory))
