/* EPP commands beside the examples of RFC 5910 sections 5.2.1 and 5.2.5, element by element. */
#include <errno.h>
#include <expat.h>
#include <stdio.h>

#include "../tap.h"
#include "dnssec/dnssec.h"
#include "dnssec/epp.h"

#define HEAD	"<?xml version=\"1.0\" encoding=\"UTF-8\" standalone=\"no\"?>" \
		"<epp xmlns=\"urn:ietf:params:xml:ns:epp-1.0\"><command><update>" \
		"<domain:update xmlns:domain=\"urn:ietf:params:xml:ns:domain-1.0\">" \
		"<domain:name>example.com</domain:name></domain:update></update><extension>" \
		"<secDNS:update xmlns:secDNS=\"urn:ietf:params:xml:ns:secDNS-1.1\">"
#define TAIL	"</secDNS:update></extension><clTRID>ABC-12345</clTRID></command></epp>"
#define DS(tag, digest) "<secDNS:dsData><secDNS:keyTag>" tag "</secDNS:keyTag><secDNS:alg>3</secDNS:alg>" \
		"<secDNS:digestType>1</secDNS:digestType><secDNS:digest>" digest "</secDNS:digest></secDNS:dsData>"
#define KEY	"<secDNS:keyData><secDNS:flags>257</secDNS:flags><secDNS:protocol>3</secDNS:protocol>" \
		"<secDNS:alg>1</secDNS:alg><secDNS:pubKey>AQPJ////4Q==</secDNS:pubKey></secDNS:keyData>"

/* --- XML as a list of what it says --- */

struct said {
	struct buf	b;
	struct buf	text;
};

static void XMLCALL
on_begin(void *arg, const XML_Char *name, const XML_Char **attrs)
{
	struct said *s = arg;

	buf_printf(&s->b, "<%s", name);
	for (; *attrs != NULL; attrs += 2)
		buf_printf(&s->b, " %s=%s", attrs[0], attrs[1]);
	buf_char(&s->b, '\n');
	s->text.len = 0;
}

static void XMLCALL
on_text(void *arg, const XML_Char *p, int n)
{
	buf_bytes(&((struct said *)arg)->text, p, (size_t)n);
}

static void XMLCALL
on_end(void *arg, const XML_Char *name)
{
	struct said *s = arg;
	struct sv text = sv_trim(buf_get(&s->text));

	buf_printf(&s->b, "%.*s>%s\n", SV_ARG(text), name);
	s->text.len = 0;
}

/* Names come with their spaces written out, whatever their prefixes are. */
static void
said(struct sv xml, struct buf *ret)
{
	struct said s = { .b = BUF_INIT };
	XML_Parser p = XML_ParserCreateNS("UTF-8", '|');

	XML_SetUserData(p, &s);
	XML_SetElementHandler(p, on_begin, on_end);
	XML_SetCharacterDataHandler(p, on_text);
	assert_int_equal(XML_Parse(p, xml.p, (int)xml.n, 1), XML_STATUS_OK);
	XML_ParserFree(p);
	buf_sv(ret, buf_get(&s.b));
	buf_char(ret, '\0');
	buf_done(&s.b);
	buf_done(&s.text);
}

static void
same(const struct buf *ours, const char *theirs)
{
	_cleanup_(buf_done) struct buf a = BUF_INIT, b = BUF_INIT;

	said(buf_get(ours), &a);
	said(sv_str(theirs), &b);
	assert_string_equal(a.p, b.p);
}

/* --- records of the examples --- */

static const uint8_t ds_old[] = { 0x30, 0x39, 3, 1, 0x38, 0xec, 0x35, 0xd5, 0xb3, 0xa3, 0x4b, 0x33, 0xc9, 0x9b };
static const uint8_t ds_new[] = { 0x30, 0x3a, 3, 1, 0x38, 0xec, 0x35, 0xd5, 0xb3, 0xa3, 0x4b, 0x44, 0xc3, 0x9b };
static const uint8_t key[] = { 1, 1, 3, 1, 0x01, 0x03, 0xc9, 0xff, 0xff, 0xff, 0xe1 };

#define RDATA(a)	((struct sv){ (const char *)(a), sizeof(a) })

static struct dname
name(const char *text)
{
	struct dname d;

	assert_int_equal(dname_parse(sv_str(text), NULL, &d), 0);
	return d;
}

static void
test_ds(void **state)
{
	_cleanup_(buf_done) struct buf b = BUF_INIT;
	struct dname zone = name("Example.COM");
	struct sv old = RDATA(ds_old), new = RDATA(ds_new);
	struct epp_update u = { .zone = &zone, .form = EPP_DS, .rem = &old, .n_rem = 1, .add = &new,
		.n_add = 1, .trid = SV("ABC-12345") };

	(void)state;
	assert_int_equal(epp_update_write(&b, &u), 0);
	same(&b, HEAD "<secDNS:rem>" DS("12345", "38EC35D5B3A34B33C99B") "</secDNS:rem>"
	    "<secDNS:add>" DS("12346", "38EC35D5B3A34B44C39B") "</secDNS:add>" TAIL);
}

static void
test_keys(void **state)
{
	_cleanup_(buf_done) struct buf b = BUF_INIT;
	struct dname zone = name("example.com");
	struct sv k = RDATA(key);
	struct epp_update u = { .zone = &zone, .form = EPP_DNSKEY, .rem_all = true, .add = &k,
		.n_add = 1, .trid = SV("ABC-12345") };

	(void)state;
	assert_int_equal(epp_update_write(&b, &u), 0);
	same(&b, HEAD "<secDNS:rem><secDNS:all>true</secDNS:all></secDNS:rem><secDNS:add>" KEY "</secDNS:add>" TAIL);
}

static void
test_all(void **state)
{
	_cleanup_(buf_done) struct buf b = BUF_INIT;
	struct dname zone = name("example.com");
	struct epp_update u = { .zone = &zone, .rem_all = true, .trid = SV("ABC-12345") };

	(void)state;
	assert_int_equal(epp_update_write(&b, &u), 0);
	same(&b, HEAD "<secDNS:rem><secDNS:all>true</secDNS:all></secDNS:rem>" TAIL);
}

static void
test_create(void **state)
{
	_cleanup_(buf_done) struct buf b = BUF_INIT;
	struct sv old = RDATA(ds_old);

	(void)state;
	assert_int_equal(epp_create_write(&b, EPP_DS, &old, 1), 0);
	same(&b, "<extension><secDNS:create xmlns:secDNS=\"urn:ietf:params:xml:ns:secDNS-1.1\">"
	    DS("12345", "38EC35D5B3A34B33C99B") "</secDNS:create></extension>");
	assert_int_equal(epp_create_write(&b, EPP_DS, &old, 0), -EINVAL);
}

/* What XML would take for markup. */
static void
test_escaped(void **state)
{
	_cleanup_(buf_done) struct buf b = BUF_INIT, s = BUF_INIT;
	struct dname zone = name("a&b<c>'\".example");
	struct epp_update u = { .zone = &zone, .rem_all = true, .trid = SV("<&>") };

	(void)state;
	assert_int_equal(epp_update_write(&b, &u), 0);
	said(buf_get(&b), &s);
	assert_non_null(strstr(s.p, "\na&b<c>'\\\".example>urn:ietf:params:xml:ns:domain-1.0|name\n"));
	assert_non_null(strstr(s.p, "\n<&>>urn:ietf:params:xml:ns:epp-1.0|clTRID\n"));
}

static void
test_refused(void **state)
{
	_cleanup_(buf_done) struct buf b = BUF_INIT;
	struct dname zone = name("example.com"), root = name(".");
	struct sv k = RDATA(key), shorter = sv_take(k, 3), old = RDATA(ds_old);
	const struct epp_update bad[] = {
		{ .zone = &root, .rem_all = true, .trid = SV("ABC") },
		{ .zone = &zone, .trid = SV("ABC") },
		{ .zone = &zone, .rem_all = true, .rem = &old, .n_rem = 1, .trid = SV("ABC") },
		{ .zone = &zone, .rem_all = true, .trid = SV("AB") },
		{ .zone = &zone, .rem_all = true, .trid = SV("A B") },
		{ .zone = &zone, .form = EPP_DNSKEY, .add = &shorter, .n_add = 1, .trid = SV("ABC") },
		{ .zone = &zone, .form = EPP_DS, .add = &shorter, .n_add = 1, .trid = SV("ABC") },
		{ .zone = &zone, .form = EPP_DS, .add = &old, .n_add = EPP_RECORDS_MAX + 1, .trid = SV("ABC") },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		assert_int_equal(epp_update_write(&b, &bad[i]), -EINVAL);
		assert_int_equal(b.len, 0);
	}
}

TESTS_MAIN("dnssec/epp", T(test_ds), T(test_keys), T(test_all), T(test_create), T(test_escaped),
    T(test_refused))
