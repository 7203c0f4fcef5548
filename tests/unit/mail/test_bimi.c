/* Marks: records, where they are looked for, when they may be shown, and what is said of them. */
#include <errno.h>
#include <stdio.h>

#include "dns_fake.h"
#include "mail/bimi.h"
#include "mail_kit.h"

/* --- records --- */

#define L	"https://example.com/a.svg"

static const struct {
	const char	*text;
	bool		 is_none, is_bad;
	const char	*location, *evidence;
	const char	*code;		/* the only finding, or NULL */
} records[] = {
	{ "v=BIMI1; l=" L "; a=https://example.com/a.pem;", false, false, L, "https://example.com/a.pem", NULL },
	{ "v=BIMI1;l=" L, false, false, L, "", NULL },
	{ "v=BIMI1; l=; a=;", false, false, "", "", NULL },
	{ "v=BIMI1; l=HTTPS://Example.com/a.svg; x=y", false, false, "HTTPS://Example.com/a.svg", "", NULL },
	{ "v=bimi1; l=" L, true, false, "", "", NULL },
	{ "l=" L "; v=BIMI1", true, false, "", "", NULL },
	{ "V=BIMI1; l=" L, true, false, "", "", NULL },
	{ "hello", true, false, "", "", NULL },
	{ "v=BIMI1", false, true, "", "", "BIMI_TAG" },
	{ "v=BIMI1; L=" L, false, true, "", "", "BIMI_TAG" },
	{ "v=BIMI1; l=http://example.com/a.svg", false, true, "", "", "BIMI_TAG" },
	{ "v=BIMI1; l=https://localhost/a.svg", false, true, "", "", "BIMI_TAG" },
	{ "v=BIMI1; l=https://u@example.com/a.svg", false, true, "", "", "BIMI_TAG" },
	{ "v=BIMI1; l=https://example.com/a,b.svg", false, true, "", "", "BIMI_TAG" },
	{ "v=BIMI1; l=https://example.com/a\">.svg", false, true, "", "", "BIMI_TAG" },
	{ "v=BIMI1; l=https://example.com/a.PNG", false, true, "", "", "BIMI_TAG" },
	{ "v=BIMI1; l=" L "; a=self", false, true, L, "", "BIMI_TAG" },
	{ "v=BIMI1; l=" L "; l=" L, false, true, L, "", "BIMI_TAG" },
	{ "v=BIMI1; l=" L "; avp=logo", false, false, L, "", "BIMI_PREFERENCE" },
};

static void
records_read(void **state UNUSED)
{
	struct pool *pool = pool_new(MAIL_POOL_MAX);

	for (size_t i = 0; i < ARRAY_LEN(records); i++) {
		struct bimi_record *r = NULL;
		struct findings fs;

		findings_init(&fs, pool);
		assert_int_equal(bimi_record_parse(pool, sv_str(records[i].text), &fs, &r), 0);
		if ((r == NULL) != records[i].is_none || (r != NULL && r->is_bad != records[i].is_bad))
			print_message("# %s\n", records[i].text);
		assert_int_equal(r == NULL, records[i].is_none);
		assert_int_equal(fs.head != NULL, records[i].code != NULL);
		if (fs.head != NULL)
			assert_string_equal(fs.head->def->code, records[i].code);
		if (r == NULL)
			continue;
		assert_int_equal(r->is_bad, records[i].is_bad);
		sv_is(r->location, records[i].location);
		sv_is(r->evidence, records[i].evidence);
	}
	(void)pool_free(pool);
}

/* --- the whole --- */

struct row {
	const char	*zone;		/* lines: a name and the text of its TXT record; "!name": fails */
	const char	*author, *selector, *local;
	bool		 is_preview, dmarc_fails;
	const char	*want;		/* result, domain, selector, and codes */
};

#define D	"_dmarc.example.com v=DMARC1; p=reject\n"
#define B	"default._bimi.example.com v=BIMI1; l=" L "\n"

static const struct row rows[] = {
	{ D B, "example.com", "", "", false, false, "pass example.com default" },
	{ D B, "news.example.com", "", "", false, false, "pass example.com default" },
	{ D B "default._bimi.news.example.com v=BIMI1; l=; a=;", "news.example.com", "", "", false, false,
	  "declined news.example.com default BIMI_REFUSED" },
	/* a selector that is only at the organizational domain */
	{ D "x._bimi.example.com v=BIMI1; l=" L "\n" B, "news.example.com", "x", "", false, false, "pass example.com x" },
	{ D B, "example.com", "x", "", false, false, "none example.com x BIMI_NONE" },
	{ D, "example.com", "", "", false, false, "none example.com default BIMI_NONE" },
	{ D "default._bimi.example.com hello\n" B, "example.com", "", "", false, false, "pass example.com default" },
	{ D B B, "example.com", "", "", false, false, "fail example.com default BIMI_RECORDS" },
	{ D "default._bimi.example.com v=BIMI1; l=http://x.example/", "example.com", "", "", false, false,
	  "fail example.com default BIMI_TAG" },
	{ D "default._bimi.example.com v=BIMI1; l=; a=https://example.com/a.pem", "example.com", "", "", false, false,
	  "fail example.com default" },
	{ D "!default._bimi.example.com", "example.com", "", "", false, false, "temperror example.com default BIMI_DNS" },
	{ D B "!default._bimi.news.example.com", "news.example.com", "", "", false, false,
	  "temperror news.example.com default BIMI_DNS" },
	{ "!_dmarc.example.com\n" B, "example.com", "", "", false, false, "temperror" },
	/* the policy: draft section 7.1 */
	{ D B, "example.com", "", "", false, true, "skipped" },
	{ D B, "example.com", "", "", true, true, "pass example.com default" },
	{ B, "example.com", "", "", true, true, "skipped BIMI_POLICY" },
	{ "_dmarc.example.com v=DMARC1; p=none\n" B, "example.com", "", "", false, false, "skipped BIMI_POLICY" },
	{ "_dmarc.example.com v=DMARC1; p=reject; sp=none\n" B, "example.com", "", "", false, false, "skipped BIMI_POLICY" },
	{ "_dmarc.example.com v=DMARC1; p=quarantine; pct=99\n" B, "example.com", "", "", false, false, "skipped BIMI_POLICY" },
	{ "_dmarc.example.com v=DMARC1; p=reject; pct=99\n" B, "example.com", "", "", false, false, "pass example.com default" },
	{ "_dmarc.example.com v=DMARC1; p=quarantine; t=y\n" B, "example.com", "", "", false, false, "skipped BIMI_POLICY" },
	{ "_dmarc.example.com v=DMARC1; p=reject; t=y\n" B, "example.com", "", "", false, false, "pass example.com default" },
	/* of the organizational domain, too, though the author's own is what DMARC applies */
	{ "_dmarc.example.com v=DMARC1; p=none\n_dmarc.news.example.com v=DMARC1; p=reject\n" B, "news.example.com", "", "",
	  false, false, "skipped BIMI_POLICY" },
	/* lps: section 4.5 */
	{ D "default._bimi.example.com v=BIMI1; l=" L "; lps=true\na-b._bimi.example.com v=BIMI1; l=" L "\n", "example.com", "",
	  "_a._.b.+x", false, false, "pass example.com a-b" },
	{ D "default._bimi.example.com v=BIMI1; l=; a=; lps=true\n", "example.com", "", "a", false, false,
	  "declined example.com default BIMI_REFUSED" },
	{ D "default._bimi.example.com v=BIMI1; l=" L "; lps=true\na._bimi.example.com v=BIMI1\n", "example.com", "", "a",
	  false, false, "pass example.com default BIMI_TAG" },
	{ D "default._bimi.example.com v=BIMI1; l=" L "; lps=true\n", "example.com", "", "a!b", false, false,
	  "pass example.com default" },
	{ D "default._bimi.example.com v=BIMI1; l=" L "; lps=true\n", "example.com", "", "Default", false, false,
	  "pass example.com default" },
};

static void
zone_fill(struct dns_fake *dns, struct sv text)
{
	struct sv line;

	while (sv_line(&text, &line)) {
		struct sv name = sv_cut(&line, ' ');

		if (sv_starts(name, SV("!")))
			assert_int_equal(dns_fake_fail(dns, sv_skip(name, 1)), 0);
		else if (name.n > 0)
			assert_int_equal(dns_fake_add_txt(dns, name, line), 0);
	}
}

struct world {
	struct dns_fake	*dns;
	struct pool	*pool;
	struct mail_ask	 ask;
	struct dname	 author;
	struct findings	 fs;
	struct dmarc_out dmarc;
	struct bimi_out	 out;
};

static int
round_of(struct world *w, const struct row *r)
{
	const struct dmarc_ident spf = { r->dmarc_fails ? MAIL_FAIL : MAIL_PASS, w->author };
	const struct dmarc_in in = { .authors = &w->author, .n_authors = 1, .spf = &spf };
	const struct bimi_in bimi = { .dmarc = &w->dmarc, .local = sv_str(r->local), .selector = sv_str(r->selector),
		.is_preview = r->is_preview };
	struct findings unsaid;
	int rc;

	pool_reset(w->pool);
	findings_init(&unsaid, w->pool);
	findings_init(&w->fs, w->pool);
	if ((rc = dmarc_check(&in, &w->ask, w->pool, &unsaid, &w->dmarc)) != 0)
		return rc;
	return bimi_check(&bimi, &w->ask, w->pool, &w->fs, &w->out);
}

static struct world
world_of(const struct row *r, bool is_slow)
{
	struct world w = { .dns = dns_fake_new(), .pool = pool_new(MAIL_POOL_MAX) };
	int rc;

	assert_true(w.dns != NULL && w.pool != NULL);
	zone_fill(w.dns, sv_str(r->zone));
	dns_fake_slow(w.dns, is_slow);
	w.ask = (struct mail_ask){ .find = dns_fake_find, .arg = w.dns };
	assert_int_equal(mail_domain(sv_str(r->author), &w.author), 0);
	while ((rc = round_of(&w, r)) == MAIL_WAIT)
		dns_fake_learn(w.dns, &w.ask);
	assert_int_equal(rc, 0);
	return w;
}

static void
world_done(struct world *w)
{
	w->dns = dns_fake_free(w->dns);
	w->pool = pool_free(w->pool);
}

static struct sv
world_print(struct world *w, struct buf *b)
{
	char text[DNAME_STRLEN];

	b->len = 0;
	buf_str(b, bimi_result_name(w->out.result));
	if (w->out.domain.len > 0) {
		(void)dname_str(&w->out.domain, text);
		buf_printf(b, " %.*s %.*s", (int)strlen(text) - 1, text, SV_ARG(w->out.selector));
	}
	for (const struct finding *f = w->fs.head; f != NULL; f = f->next)
		buf_printf(b, " %s", f->def->code);
	return buf_get(b);
}

static void
checks(void **state UNUSED)
{
	struct buf b = BUF_INIT;

	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		for (int slow = 0; slow < 2; slow++) {
			struct world w = world_of(&rows[i], slow != 0);

			if (!sv_eq_str(world_print(&w, &b), rows[i].want))
				print_message("# row %zu\n", i);
			sv_is(buf_get(&b), rows[i].want);
			world_done(&w);
		}
	buf_done(&b);
}

static void
authors(void **state UNUSED)
{
	struct dmarc_out none = { .n_authors = 0 };
	struct bimi_in in = { .dmarc = &none };
	struct mail_ask ask = { 0 };
	struct findings fs;
	struct bimi_out out;

	findings_init(&fs, NULL);
	assert_int_equal(bimi_check(&in, &ask, NULL, &fs, &out), 0);
	assert_int_equal(out.result, BIMI_SKIPPED);
}

/* --- BIMI-Selector --- */

static const struct {
	const char	*fields, *names;	/* of the message; in h= */
	enum dmarc_align align;
	const char	*want;
	bool		 is_told;
} selectors[] = {
	{ "BIMI-Selector: v=BIMI1; s=brand;\r\n", "bimi-selector", DMARC_ALIGN_SAME, "brand", false },
	{ "BIMI-Selector: v=BIMI1; s=a.b-1\r\n", "BIMI-Selector", DMARC_ALIGN_ORG, "a.b-1", false },
	{ "BIMI-Selector: v=BIMI1; s=brand\r\n", "From", DMARC_ALIGN_SAME, "", true },
	{ "BIMI-Selector: v=BIMI1; s=brand\r\n", "BIMI-Selector", DMARC_ALIGN_OTHER, "", true },
	{ "BIMI-Selector: s=brand; v=BIMI1\r\n", "BIMI-Selector", DMARC_ALIGN_SAME, "", true },
	{ "BIMI-Selector: v=BIMI1; s=a..b\r\n", "BIMI-Selector", DMARC_ALIGN_SAME, "", true },
	{ "BIMI-Selector: v=BIMI1; s=-b\r\n", "BIMI-Selector", DMARC_ALIGN_SAME, "", true },
	{ "BIMI-Selector: v=BIMI1; s=a_b\r\n", "BIMI-Selector", DMARC_ALIGN_SAME, "", true },
	{ "BIMI-Selector: v=BIMI1; s=a\r\nBIMI-Selector: v=BIMI1; s=b\r\n", "BIMI-Selector", DMARC_ALIGN_SAME, "", true },
	{ "", "BIMI-Selector", DMARC_ALIGN_SAME, "", false },
};

static void
selector(void **state UNUSED)
{
	struct pool *pool = pool_new(MAIL_POOL_MAX);

	for (size_t i = 0; i < ARRAY_LEN(selectors); i++) {
		const struct sv name = sv_str(selectors[i].names);
		enum dmarc_align align = selectors[i].align;
		struct dmarc_author author = { .now = { .dkim = &align } };
		const struct dmarc_out dmarc = { .authors = &author, .n_authors = 1 };
		struct dkim_sig sig = { .names = &name, .n_names = 1 };
		const struct dkim dkim = { .sigs = &sig, .n = 1 };
		const struct dkim_verdict verdict = { .sig = &sig, .result = MAIL_PASS };
		struct mail_head head;
		struct findings fs;
		struct sv body, got;

		findings_init(&fs, pool);
		mail_head_init(&head, pool);
		assert_int_equal(mail_head_parse(&head, sv_str(selectors[i].fields), &body, &fs), 0);
		assert_int_equal(bimi_selector_find(&head, &dkim, &verdict, &dmarc, pool, &fs, &got), 0);
		sv_is(got, selectors[i].want);
		assert_int_equal(fs.head != NULL && fs.head->def == &bimi_findings[BIMI_SELECTOR], selectors[i].is_told);
	}
	(void)pool_free(pool);
}

/* --- what is said --- */

static const struct row said = { D "default._bimi.example.com v=BIMI1; l=" L "; a=https://example.com/a.pem; avp=personal\n",
	"news.example.com", "", "", false, false, "" };

static void
fields(void **state UNUSED)
{
	struct world w = world_of(&said, false);
	struct buf b = BUF_INIT;

	bimi_fields_write(&b, &w.out, true, SV("<svg>012345678901234567890123456789012345678901234567890</svg>"));
	sv_is(buf_get(&b), "BIMI-Location: v=BIMI1;\r\n a=https://example.com/a.pem\r\nBIMI-Indicator:\r\n "
	    "PHN2Zz4wMTIzNDU2Nzg5MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDEyMzQ1Njc4\r\n OTA8L3N2Zz4=\r\n"
	    "BIMI-Logo-Preference: avp=personal;\r\n");
	b.len = 0;
	bimi_fields_write(&b, &w.out, false, SV(""));
	sv_is(buf_get(&b), "BIMI-Location: v=BIMI1;\r\n l=" L "\r\nBIMI-Logo-Preference: avp=personal;\r\n");
	b.len = 0;
	w.out.result = BIMI_FAIL;
	bimi_fields_write(&b, &w.out, false, SV(""));
	assert_int_equal(b.len, 0);
	assert_string_equal(bimi_removed()[0], "BIMI-Location");
	assert_null(bimi_removed()[3]);
	buf_done(&b);
	world_done(&w);
}

static struct sv
say_of(struct world *w, enum bimi_authority authority, const char *svg, struct buf *b)
{
	struct authres a;

	b->len = 0;
	authres_init(&a, w->pool, SV("mx.example.net"));
	assert_int_equal(bimi_say(&w->out, authority, sv_str(svg), w->pool, &a), 0);
	authres_write(b, &a, 24, false);
	return buf_get(b);
}

static void
results(void **state UNUSED)
{
	struct world w = world_of(&said, false), skipped = world_of(&rows[13], false);
	struct buf b = BUF_INIT;

	/* the last 8 digits of `printf '<svg/>' | sha256sum` */
	sv_is(say_of(&w, BIMI_VOUCHED, "<svg/>", &b), " mx.example.net;\r\n\tbimi=pass header.d=example.com "
	    "header.selector=default\r\n\tpolicy.authority=pass\r\n\tpolicy.authority-uri=\"https://example.com/a.pem\"\r\n\t"
	    "policy.indicator-hash=049be9e6 policy.logo-preference=personal");
	sv_is(say_of(&skipped, BIMI_UNCHECKED, "", &b), " mx.example.net;\r\n\tbimi=skipped (DMARC did not pass)");
	buf_done(&b);
	world_done(&w);
	world_done(&skipped);
}

TESTS_MAIN("mail bimi", T(records_read), T(checks), T(authors), T(selector), T(fields), T(results))
