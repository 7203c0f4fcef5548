/* Mark certificates: chains that hold, and each thing that may be wrong with one. */
#include "bimi_certs.h"
#include "mail/bimi.h"
#include "mail_kit.h"

#define NOW	1800000000	/* 2027-01-15 */

static const struct {
	const char	*pem, *roots, *domain;
	int64_t		 now;
	bool		 has_logo;
	const char	*codes;
} rows[] = {
	{ PEM_LEAF PEM_INT, PEM_ROOT, "example.com", NOW, true, "" },
	{ "words\n" PEM_LEAF "words\r\n" PEM_INT PEM_ROOT, PEM_WEB PEM_ROOT, "example.com", NOW, true, "" },
	{ PEM_LEAF PEM_PLAIN PEM_INT, PEM_ROOT, "example.com", NOW, true, "" },	/* another one between them */
	{ PEM_PLAIN, PEM_ROOT, "example.com", NOW, true, "" },	/* RSA with SHA-512, no intermediate */
	{ PEM_LEAF PEM_INT, PEM_ROOT, "example.org", NOW, true, "" },	/* by the name of the record */
	{ PEM_LEAF PEM_INT, PEM_ROOT, "example.net", NOW, true, "BIMI_CERT_NAME " },
	{ PEM_LEAF PEM_INT, PEM_ROOT, "example.com", 4000000000, true, "BIMI_CERT_TIME BIMI_CERT_TIME BIMI_CERT_TIME " },
	{ PEM_LEAF PEM_INT, PEM_ROOT, "example.com", 0, true, "BIMI_CERT_TIME BIMI_CERT_TIME BIMI_CERT_TIME " },
	{ PEM_LEAF PEM_INT, "", "example.com", NOW, true, "BIMI_CERT_CHAIN " },
	{ PEM_LEAF PEM_INT, PEM_INT, "example.com", NOW, true, "" },
	{ PEM_LEAF, PEM_ROOT, "example.com", NOW, true, "BIMI_CERT_CHAIN " },
	{ PEM_LEAF PEM_WEB, PEM_ROOT, "example.com", NOW, true, "BIMI_CERT_CHAIN " },
	{ PEM_LEAF PEM_INT, PEM_PLAIN, "example.com", NOW, true, "BIMI_CERT_CHAIN " },	/* no CA */
	{ PEM_SUB PEM_LEAF PEM_INT, PEM_ROOT, "example.com", NOW, true, "BIMI_CERT_CHAIN " },	/* one's own CA */
	{ PEM_SUB, PEM_LEAF, "example.com", NOW, true, "BIMI_CERT_CHAIN " },
	{ PEM_RSA384, PEM_ROOT, "example.com", NOW, true, "BIMI_CERT_CHAIN BIMI_CERT_CHAIN " },
	{ PEM_LEAF PEM_INT, "-----BEGIN CERTIFICATE-----\nx\n", "example.com", NOW, false, "BIMI_CERT_CHAIN " },
	{ PEM_WEB PEM_INT, PEM_ROOT, "example.com", NOW, false, "BIMI_CERT BIMI_CERT_LOGO " },
	{ PEM_PNG PEM_INT, PEM_ROOT, "example.com", NOW, false, "BIMI_CERT_LOGO " },
	{ PEM_BROKEN PEM_INT, PEM_ROOT, "example.com", NOW, false, "BIMI_CERT_LOGO " },
	{ PEM_ODD PEM_INT, PEM_ROOT, "example.com", NOW, true, "BIMI_CERT " },
	{ "", PEM_ROOT, "example.com", NOW, false, "BIMI_CERT " },
	{ "-----BEGIN CERTIFICATE-----\nAAAA\n", PEM_ROOT, "example.com", NOW, false, "BIMI_CERT " },
	{ "-----BEGIN CERTIFICATE-----\n!\n-----END CERTIFICATE-----\n", PEM_ROOT, "example.com", NOW, false, "BIMI_CERT " },
	{ "-----BEGIN CERTIFICATE-----\nMAMCAQA=\n-----END CERTIFICATE-----\n", PEM_ROOT, "example.com", NOW, false,
	  "BIMI_CERT_DER " },
	{ PEM_LEAF PEM_INT PEM_INT PEM_INT PEM_INT PEM_INT PEM_INT PEM_INT PEM_INT, PEM_ROOT, "example.com", NOW, false,
	  "BIMI_CERT " },
};

static void
evidence_of(struct pool *pool, size_t i, struct findings *fs, struct bimi_evidence *e)
{
	struct bimi_out out = { .selector = SV("default") };
	struct bimi_evidence_in in = { .pem = sv_str(rows[i].pem), .roots = sv_str(rows[i].roots), .out = &out,
		.now = rows[i].now };

	assert_int_equal(mail_domain(sv_str(rows[i].domain), &out.domain), 0);
	out.author = out.domain;
	findings_init(fs, pool);
	assert_int_equal(bimi_evidence_check(&in, pool, fs, e), 0);
}

static void
chains(void **state UNUSED)
{
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct pool *pool = pool_new(MAIL_POOL_MAX);
		struct bimi_evidence e;
		struct buf b = BUF_INIT;
		struct findings fs;

		evidence_of(pool, i, &fs, &e);
		for (const struct finding *f = fs.head; f != NULL; f = f->next)
			buf_printf(&b, "%s ", f->def->code);
		if (!sv_eq_str(buf_get(&b), rows[i].codes))
			print_message("# row %zu\n", i);
		sv_is(buf_get(&b), rows[i].codes);
		assert_int_equal(e.is_good, rows[i].codes[0] == '\0');
		assert_int_equal(e.has_logo, rows[i].has_logo);
		buf_done(&b);
		(void)pool_free(pool);
	}
}

static void
image(void **state UNUSED)
{
	struct pool *pool = pool_new(MAIL_POOL_MAX);
	struct bimi_evidence e;
	struct findings fs;

	evidence_of(pool, 0, &fs, &e);
	assert_true(e.is_gzip && e.has_digest);
	assert_true(bimi_digest_ok(&e, e.logo));
	assert_false(bimi_digest_ok(&e, SV(MARK_SVG)));
	sv_is(e.mark, "Registered Mark");
	sv_is(e.holder, "Example KK");
	evidence_of(pool, 3, &fs, &e);
	assert_false(e.is_gzip);
	sv_is(e.logo, MARK_SVG);
	assert_true(bimi_digest_ok(&e, SV(MARK_SVG)));
	(void)pool_free(pool);
}

/* Nothing that a bit more or less in the file makes is good, and all of it ends. */
static void
flips(void **state UNUSED)
{
	static const char pem[] = PEM_LEAF PEM_INT;
	struct bimi_out out = { .selector = SV("default") };
	char text[sizeof(pem)];
	size_t n_good = 0;

	assert_int_equal(mail_domain(SV("example.com"), &out.domain), 0);
	out.author = out.domain;
	for (size_t i = 30; i < sizeof(pem) - 1; i += 7) {
		struct pool *pool = pool_new(MAIL_POOL_MAX);
		struct bimi_evidence_in in = { .pem = { text, sizeof(pem) - 1 }, .roots = SV(PEM_ROOT), .out = &out, .now = NOW };
		struct bimi_evidence e;
		struct findings fs;

		memcpy(text, pem, sizeof(pem));
		text[i] = text[i] == 'A' ? 'B' : 'A';
		findings_init(&fs, pool);
		assert_int_equal(bimi_evidence_check(&in, pool, &fs, &e), 0);
		assert_int_equal(e.is_good, fs.head == NULL);
		n_good += e.is_good;
		(void)pool_free(pool);
	}
	assert_int_equal(n_good, 0);
}

TESTS_MAIN("mail bimi_evidence", T(chains), T(image), T(flips))
