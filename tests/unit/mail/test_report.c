/* Aggregate reports: both forms of one row, strangers' text, and the mail around it. */
#include <errno.h>
#include <stdio.h>

#include "../tap.h"
#include "mail/report.h"

#define NBSP	"\xc2\xa0"

static const struct report_meta meta = {
	.org_name = { "Example, Inc.", 13 }, .email = { "dmarc@example.net", 17 },
	.report_id = { "0123abc", 7 }, .begin = 1795219200, .end = 1795305599,
	.generator = { "Sekisho", 7 },
};
static const struct report_policy policy = {
	.domain = { "example.com", 11 }, .method = DMARC_TREEWALK, .p = DMARC_POLICY_REJECT,
	.sp = DMARC_POLICY_QUARANTINE, .np = DMARC_POLICY_NONE, .fo = DMARC_FO_ANY | DMARC_FO_SPF,
	.strict_spf = true, .testing = true, .pct = 50,
};

static struct report_row
row_of(void)
{
	static const struct report_dkim sig = { { "example.com", 11 }, { "s1", 2 }, MAIL_FAIL,
		{ "body <changed>", 14 } };
	static const struct report_reason reason = { REPORT_TEST_MODE, { "t=y", 3 } };
	struct report_row r = { .count = 3, .disposition = REPORT_PASS, .spf_aligned = true,
		.reasons = &reason, .n_reasons = 1, .header_from = SV("example.com"),
		.has_envelope_from = true, .envelope_from = SV("b.example.com"), .dkim = &sig,
		.n_dkim = 1, .spf_domain = SV("b.example.com"), .spf = MAIL_PASS };

	assert_int_equal(ip_prefix_parse_host(SV("2001:db8::1"), &r.source), 0);
	return r;
}

static void
is_text(struct buf *b, const char *want)
{
	buf_char(b, '\0');
	assert_int_equal(b->rc, 0);
	assert_string_equal(b->p, want);
	buf_done(b);
}

static const char *const whole[REPORT_FORM_MAX] = {
	[REPORT_RFC9990] =
	    "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
	    "<feedback xmlns=\"urn:ietf:params:xml:ns:dmarc-2.0\">\n"
	    "  <version>1.0</version>\n"
	    "  <report_metadata>\n"
	    "    <org_name>Example, Inc.</org_name>\n"
	    "    <email>dmarc@example.net</email>\n"
	    "    <report_id>0123abc</report_id>\n"
	    "    <date_range>\n"
	    "      <begin>1795219200</begin>\n"
	    "      <end>1795305599</end>\n"
	    "    </date_range>\n"
	    "    <generator>Sekisho</generator>\n"
	    "  </report_metadata>\n"
	    "  <policy_published>\n"
	    "    <domain>example.com</domain>\n"
	    "    <discovery_method>treewalk</discovery_method>\n"
	    "    <p>reject</p>\n"
	    "    <sp>quarantine</sp>\n"
	    "    <np>none</np>\n"
	    "    <fo>1:s</fo>\n"
	    "    <adkim>r</adkim>\n"
	    "    <aspf>s</aspf>\n"
	    "    <testing>y</testing>\n"
	    "  </policy_published>\n"
	    "  <record>\n"
	    "    <row>\n"
	    "      <source_ip>2001:db8::1</source_ip>\n"
	    "      <count>3</count>\n"
	    "      <policy_evaluated>\n"
	    "        <disposition>pass</disposition>\n"
	    "        <dkim>fail</dkim>\n"
	    "        <spf>pass</spf>\n"
	    "        <reason>\n"
	    "          <type>policy_test_mode</type>\n"
	    "          <comment>t=y</comment>\n"
	    "        </reason>\n"
	    "      </policy_evaluated>\n"
	    "    </row>\n"
	    "    <identifiers>\n"
	    "      <header_from>example.com</header_from>\n"
	    "      <envelope_from>b.example.com</envelope_from>\n"
	    "    </identifiers>\n"
	    "    <auth_results>\n"
	    "      <dkim>\n"
	    "        <domain>example.com</domain>\n"
	    "        <selector>s1</selector>\n"
	    "        <result>fail</result>\n"
	    "        <human_result>body &lt;changed&gt;</human_result>\n"
	    "      </dkim>\n"
	    "      <spf>\n"
	    "        <domain>b.example.com</domain>\n"
	    "        <scope>mfrom</scope>\n"
	    "        <result>pass</result>\n"
	    "      </spf>\n"
	    "    </auth_results>\n"
	    "  </record>\n"
	    "</feedback>\n",
	[REPORT_RFC7489] =
	    "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
	    "<feedback>\n"
	    "  <version>1.0</version>\n"
	    "  <report_metadata>\n"
	    "    <org_name>Example, Inc.</org_name>\n"
	    "    <email>dmarc@example.net</email>\n"
	    "    <report_id>0123abc</report_id>\n"
	    "    <date_range>\n"
	    "      <begin>1795219200</begin>\n"
	    "      <end>1795305599</end>\n"
	    "    </date_range>\n"
	    "  </report_metadata>\n"
	    "  <policy_published>\n"
	    "    <domain>example.com</domain>\n"
	    "    <adkim>r</adkim>\n"
	    "    <aspf>s</aspf>\n"
	    "    <p>reject</p>\n"
	    "    <sp>quarantine</sp>\n"
	    "    <pct>50</pct>\n"
	    "    <fo>1:s</fo>\n"
	    "  </policy_published>\n"
	    "  <record>\n"
	    "    <row>\n"
	    "      <source_ip>2001:db8:0:0:0:0:0:1</source_ip>\n"
	    "      <count>3</count>\n"
	    "      <policy_evaluated>\n"
	    "        <disposition>none</disposition>\n"
	    "        <dkim>fail</dkim>\n"
	    "        <spf>pass</spf>\n"
	    "        <reason>\n"
	    "          <type>other</type>\n"
	    "          <comment>t=y</comment>\n"
	    "        </reason>\n"
	    "      </policy_evaluated>\n"
	    "    </row>\n"
	    "    <identifiers>\n"
	    "      <envelope_from>b.example.com</envelope_from>\n"
	    "      <header_from>example.com</header_from>\n"
	    "    </identifiers>\n"
	    "    <auth_results>\n"
	    "      <dkim>\n"
	    "        <domain>example.com</domain>\n"
	    "        <selector>s1</selector>\n"
	    "        <result>fail</result>\n"
	    "        <human_result>body &lt;changed&gt;</human_result>\n"
	    "      </dkim>\n"
	    "      <spf>\n"
	    "        <domain>b.example.com</domain>\n"
	    "        <scope>mfrom</scope>\n"
	    "        <result>pass</result>\n"
	    "      </spf>\n"
	    "    </auth_results>\n"
	    "  </record>\n"
	    "</feedback>\n",
};

static void
forms(void **state UNUSED)
{
	struct report_row r = row_of();

	for (unsigned f = 0; f < REPORT_FORM_MAX; f++) {
		struct buf b = BUF_INIT;

		report_begin(&b, f, &meta, &policy);
		report_row(&b, f, &r);
		report_end(&b);
		is_text(&b, whole[f]);
	}
}

/* What a stranger wrote, and how the element looks. */
static const struct {
	struct sv	 text;
	const char	*want;
} strangers[] = {
	{ SV("a&b<c>\"'"), "a&amp;b&lt;c&gt;&quot;&apos;" },
	{ SV("]]>"), "]]&gt;" },
	{ SV("a\0b\n\t\x7f"), "a\xef\xbf\xbd" "b\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd" },
	{ SV("\xff" "a\xe2\x82"), "\xef\xbf\xbd" "a\xef\xbf\xbd\xef\xbf\xbd" },
	{ SV("\xef\xbf\xbe\xef\xbf\xbf\xef\xbf\xbd"), "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd" },
	{ SV("\xed\xa0\x80"), "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd" },
	{ SV("\xe4\xbe\x8b\xf0\x9f\x93\xa7" NBSP), "\xe4\xbe\x8b\xf0\x9f\x93\xa7" NBSP },
};

static void
text(void **state UNUSED)
{
	for (size_t i = 0; i < ARRAY_LEN(strangers); i++) {
		struct report_row r = row_of();
		struct buf b = BUF_INIT;
		char want[200];

		r.header_from = strangers[i].text;
		(void)snprintf(want, sizeof(want), "<header_from>%s</header_from>\n", strangers[i].want);
		report_row(&b, REPORT_RFC9990, &r);
		buf_char(&b, '\0');
		assert_non_null(strstr(b.p, want));
		buf_done(&b);
	}
}

static size_t
times(struct buf *b, const char *what)
{
	size_t n = 0;

	buf_char(b, '\0');
	for (const char *p = b->p; (p = strstr(p, what)) != NULL; p++)
		n++;
	buf_done(b);
	*b = (struct buf)BUF_INIT;
	return n;
}

/* What is not there, and what there is too much of. */
static void
edges(void **state UNUSED)
{
	static struct report_dkim sigs[REPORT_DKIM_MAX + 1];
	struct report_row r = row_of();
	struct buf b = BUF_INIT;

	for (size_t i = 0; i < ARRAY_LEN(sigs); i++)
		sigs[i] = *r.dkim;
	r.dkim = sigs;
	r.n_dkim = ARRAY_LEN(sigs);
	report_row(&b, REPORT_RFC9990, &r);
	assert_int_equal(times(&b, "<dkim>\n"), REPORT_DKIM_MAX);
	r.n_dkim = 0;
	r.spf_domain = SV("");
	r.has_envelope_from = false;
	report_row(&b, REPORT_RFC9990, &r);
	assert_int_equal(times(&b, "envelope_from") + times(&b, "<domain>"), 0);
	report_row(&b, REPORT_RFC7489, &r);	/* that schema wants both */
	assert_int_equal(times(&b, "<envelope_from>"), 1);
	r.spf_domain = SV("mx.example");
	r.spf_helo = true;
	report_row(&b, REPORT_RFC9990, &r);
	assert_int_equal(times(&b, "<scope>"), 0);
	report_row(&b, REPORT_RFC7489, &r);
	assert_int_equal(times(&b, "<scope>helo</scope>"), 1);
}

static struct report_mail
mail_of(void)
{
	return (struct report_mail){ .from = SV("dmarc@example.net"), .to = SV("rua@example.com"),
		.submitter = SV("mx.example.net"), .domain = SV("example.com"), .meta = &meta,
		.at = 1795320410, .data = SV("\x1f\x8b 57 octets are one line, and there are some more than that") };
}

static void
mail(void **state UNUSED)
{
	struct report_mail m = mail_of();
	struct buf b = BUF_INIT;

	assert_int_equal(report_mail_write(&b, &m), 0);
	is_text(&b,
	    "From: <dmarc@example.net>\n"
	    "To: <rua@example.com>\n"
	    "Subject: Report Domain: example.com\n"
	    " Submitter: mx.example.net\n"
	    " Report-ID: <0123abc>\n"
	    "Date: Sun, 22 Nov 2026 04:06:50 +0000\n"
	    "Message-ID: <0123abc@mx.example.net>\n"
	    "Auto-Submitted: auto-generated\n"
	    "MIME-Version: 1.0\n"
	    "Content-Type: multipart/mixed; boundary=\"=_0123abc\"\n"
	    "\n"
	    "--=_0123abc\n"
	    "Content-Type: text/plain; charset=us-ascii\n"
	    "\n"
	    "This is a DMARC aggregate report (RFC 9990).\n"
	    "\n"
	    "Policy domain: example.com\n"
	    "Reported by:   mx.example.net\n"
	    "From:          2026-11-21T00:00:00Z\n"
	    "To:            2026-11-21T23:59:59Z\n"
	    "\n"
	    "It was asked for by the rua= tag of the DMARC record. To get no more of\n"
	    "them, remove the address from that tag.\n"
	    "\n"
	    "--=_0123abc\n"
	    "Content-Type: application/gzip\n"
	    "Content-Transfer-Encoding: base64\n"
	    "Content-Disposition: attachment;\n"
	    " filename=\"mx.example.net!example.com!1795219200!1795305599!0123abc.xml.gz\"\n"
	    "\n"
	    "H4sgNTcgb2N0ZXRzIGFyZSBvbmUgbGluZSwgYW5kIHRoZXJlIGFyZSBzb21lIG1vcmUgdGhhbiB0\n"
	    "aGF0\n"
	    "--=_0123abc--\n");
	m.is_plain = true;
	assert_int_equal(report_mail_write(&b, &m), 0);
	assert_int_equal(times(&b, "0123abc.xml\""), 1);
	m.form = REPORT_RFC7489;
	assert_int_equal(report_mail_write(&b, &m), 0);
	assert_int_equal(times(&b, "Report-ID: <0123abc@mx.example.net>\n"), 1);
}

/* What would be more than itself in a header or in a file's name. */
static void
refused(void **state UNUSED)
{
	static const char *const addresses[] = { "", "a", "@b", "a@", "-a@b", "a b@c", "a\n@b", "a@b\nBcc: c@d",
		"<a@b>", "a@b c", "\"a\"@b", "a,b@c", "a@b@c d", "\xe4\xbe\x8b@b" };
	static const char *const domains[] = { "", "a b", "a\nb", "a!b", "a/b", "a\"b", "<a>", "\xe4\xbe\x8b.jp" };
	struct buf b = BUF_INIT;

	for (size_t i = 0; i < ARRAY_LEN(addresses); i++) {
		struct report_mail m = mail_of();

		m.to = sv_str(addresses[i]);
		assert_int_equal(report_mail_write(&b, &m), -EINVAL);
		m = mail_of();
		m.from = sv_str(addresses[i]);
		assert_int_equal(report_mail_write(&b, &m), -EINVAL);
	}
	for (size_t i = 0; i < ARRAY_LEN(domains); i++) {
		struct report_mail m = mail_of();
		struct report_meta other = meta;

		m.domain = sv_str(domains[i]);
		assert_int_equal(report_mail_write(&b, &m), -EINVAL);
		m = mail_of();
		m.submitter = sv_str(domains[i]);
		assert_int_equal(report_mail_write(&b, &m), -EINVAL);
		m = mail_of();
		m.meta = &other;
		other.report_id = sv_str(domains[i]);
		assert_int_equal(report_mail_write(&b, &m), -EINVAL);
	}
	assert_int_equal(b.len, 0);
}

TESTS_MAIN("mail report", T(forms), T(text), T(edges), T(mail), T(refused))
