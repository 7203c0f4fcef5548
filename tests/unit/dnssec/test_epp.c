/*
 * EPP commands beside the examples of RFC 5910 sections 4.3, 5.2.1 and 5.2.5, element by element;
 * and which records a change names. (That all of it is of the schema: tests/peer/test_epp_schema.py.)
 */
#include <errno.h>
#include <expat.h>
#include <stdio.h>

#include "../tap.h"
#include "dnssec/dnssec.h"
#include "dnssec/epp.h"

#define HEAD_OF(attr) "<?xml version=\"1.0\" encoding=\"UTF-8\" standalone=\"no\"?>" \
		"<epp xmlns=\"urn:ietf:params:xml:ns:epp-1.0\"><command><update>" \
		"<domain:update xmlns:domain=\"urn:ietf:params:xml:ns:domain-1.0\">" \
		"<domain:name>example.com</domain:name></domain:update></update><extension>" \
		"<secDNS:update" attr " xmlns:secDNS=\"urn:ietf:params:xml:ns:secDNS-1.1\">"
#define HEAD	HEAD_OF("")
#define TAIL	"</secDNS:update></extension><clTRID>ABC-12345</clTRID></command></epp>"
#define ALL	"<secDNS:rem><secDNS:all>true</secDNS:all></secDNS:rem>"
#define LIFE	"<secDNS:maxSigLife>605900</secDNS:maxSigLife>"
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
	struct epp_record old = { RDATA(ds_old), { 0 } }, new = { RDATA(ds_new), { 0 } };
	struct epp_update u = { .zone = &zone, .form = EPP_DS, .rem = &old, .n_rem = 1, .add = &new,
		.n_add = 1, .trid = SV("ABC-12345") };

	(void)state;
	assert_int_equal(epp_update_write(&b, &u), 0);
	same(&b, HEAD "<secDNS:rem>" DS("12345", "38EC35D5B3A34B33C99B") "</secDNS:rem>"
	    "<secDNS:add>" DS("12346", "38EC35D5B3A34B44C39B") "</secDNS:add>" TAIL);
	b.len = 0;		/* "Urgent, Replacing all DS Data" */
	u.rem_all = u.urgent = true;
	u.n_rem = 0;
	assert_int_equal(epp_update_write(&b, &u), 0);
	same(&b, HEAD_OF(" urgent=\"true\"") ALL "<secDNS:add>" DS("12346", "38EC35D5B3A34B44C39B") "</secDNS:add>" TAIL);
}

static void
test_keys(void **state)
{
	_cleanup_(buf_done) struct buf b = BUF_INIT;
	struct dname zone = name("example.com");
	struct epp_record k = { { 0 }, RDATA(key) };
	struct epp_update u = { .zone = &zone, .form = EPP_DNSKEY, .rem_all = true, .add = &k,
		.n_add = 1, .trid = SV("ABC-12345") };

	(void)state;
	assert_int_equal(epp_update_write(&b, &u), 0);
	same(&b, HEAD ALL "<secDNS:add>" KEY "</secDNS:add>" TAIL);
	b.len = 0;		/* "Adding and Removing Key Data …, and Setting maxSigLife" */
	u.rem_all = false;
	u.rem = &k;
	u.n_rem = 1;
	u.max_sig_life = 605900;
	assert_int_equal(epp_update_write(&b, &u), 0);
	same(&b, HEAD "<secDNS:rem>" KEY "</secDNS:rem><secDNS:add>" KEY "</secDNS:add>"
	    "<secDNS:chg>" LIFE "</secDNS:chg>" TAIL);
}

static void
test_all(void **state)
{
	_cleanup_(buf_done) struct buf b = BUF_INIT;
	struct dname zone = name("example.com");
	struct epp_update u = { .zone = &zone, .rem_all = true, .trid = SV("ABC-12345") };

	(void)state;
	assert_int_equal(epp_update_write(&b, &u), 0);
	same(&b, HEAD ALL TAIL);
	b.len = 0;		/* "Updating the maxSigLife" */
	u.rem_all = false;
	u.max_sig_life = 605900;
	assert_int_equal(epp_update_write(&b, &u), 0);
	same(&b, HEAD "<secDNS:chg>" LIFE "</secDNS:chg>" TAIL);
}

static void
test_create(void **state)
{
	_cleanup_(buf_done) struct buf b = BUF_INIT;
	struct epp_record both = { RDATA(ds_old), RDATA(key) };
	struct epp_update u = { .add = &both, .n_add = 1, .max_sig_life = 605900 };

	(void)state;
	assert_int_equal(epp_create_write(&b, &u), 0);
	same(&b, "<extension><secDNS:create xmlns:secDNS=\"urn:ietf:params:xml:ns:secDNS-1.1\">"
	    LIFE DS("12345", "38EC35D5B3A34B33C99B") "</secDNS:create></extension>");
	b.len = 0;
	u.max_sig_life = 0;
	u.form = EPP_DNSKEY;
	assert_int_equal(epp_create_write(&b, &u), 0);
	same(&b, "<extension><secDNS:create xmlns:secDNS=\"urn:ietf:params:xml:ns:secDNS-1.1\">"
	    KEY "</secDNS:create></extension>");
	u.rem_all = true;
	assert_int_equal(epp_create_write(&b, &u), -EINVAL);
	u.rem_all = false;
	u.n_add = 0;
	assert_int_equal(epp_create_write(&b, &u), -EINVAL);
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
	const struct epp_record old = { RDATA(ds_old), RDATA(key) };
	const struct epp_record cut = { sv_take(RDATA(ds_old), 3), sv_take(RDATA(key), 3) };
	const struct epp_update bad[] = {
		{ .zone = &root, .rem_all = true, .trid = SV("ABC") },
		{ .zone = &zone, .trid = SV("ABC") },
		{ .zone = &zone, .rem_all = true, .rem = &old, .n_rem = 1, .trid = SV("ABC") },
		{ .zone = &zone, .rem_all = true, .trid = SV("AB") },
		{ .zone = &zone, .rem_all = true, .trid = SV("A B") },
		{ .zone = &zone, .form = EPP_DNSKEY, .add = &cut, .n_add = 1, .trid = SV("ABC") },
		{ .zone = &zone, .form = EPP_DS, .add = &cut, .n_add = 1, .trid = SV("ABC") },
		{ .zone = &zone, .form = EPP_DS, .add = &old, .n_add = EPP_RECORDS_MAX + 1, .trid = SV("ABC") },
		{ .zone = &zone, .form = EPP_DS_KEY, .add = &old, .n_add = 1, .trid = SV("ABC") },	/* not of this key */
		{ .zone = &zone, .rem_all = true, .max_sig_life = EPP_SIG_LIFE_MAX + 1, .trid = SV("ABC") },
		{ .zone = &zone, .form = EPP_FORM_MAX, .rem_all = true, .trid = SV("ABC") },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		assert_int_equal(epp_update_write(&b, &bad[i]), -EINVAL);
		assert_int_equal(b.len, 0);
	}
}

/* --- which records --- */

#define N_KEYS	3

struct change {
	struct pool		*pool;
	struct dname		 zone;
	uint8_t			 key_room[N_KEYS][8], ds_room[N_KEYS][8][DS_RDATA_MAX];
	struct sv		 key[N_KEYS], ds[N_KEYS][8];	/* by digest type */
	struct sv		 want[N_KEYS], standing[N_KEYS];
	struct epp_wish		 w;
	struct epp_update	 u;
};

static void
change_init(struct change *c)
{
	static const uint8_t types[] = { 1, 2, 4 };
	size_t n;

	*c = (struct change){ .pool = pool_new(1u << 20), .zone = name("example.com") };
	for (unsigned i = 0; i < N_KEYS; i++) {
		memcpy(c->key_room[i], (uint8_t[]){ 1, 1, 3, 13, 7, 7, 7, (uint8_t)i }, 8);
		c->key[i] = RDATA(c->key_room[i]);
		for (size_t t = 0; t < ARRAY_LEN(types); t++) {
			assert_int_equal(ds_write(&c->zone, c->key[i], types[t], c->ds_room[i][types[t]], &n), 0);
			c->ds[i][types[t]] = (struct sv){ (const char *)c->ds_room[i][types[t]], n };
		}
	}
	c->w = (struct epp_wish){ .zone = &c->zone, .digests = 1 << 2, .want = c->want, .known = c->key,
		.n_known = N_KEYS, .standing = c->standing };
}

static void
change_done(struct change *c)
{
	c->pool = pool_free(c->pool);
}

/* A key that stays (0), one that comes (1), one that goes (2). */
static void
roll(struct change *c)
{
	change_init(c);
	c->want[0] = c->key[0];
	c->want[1] = c->key[1];
	c->w.n_want = 2;
	c->standing[0] = c->ds[0][2];
	c->standing[1] = c->ds[2][2];
	c->w.n_standing = 2;
	c->w.seen = c->w.difference = true;
}

static void
test_change_replaces(void **state)
{
	struct change c;

	(void)state;
	roll(&c);
	c.w.difference = false;
	assert_int_equal(epp_change(&c.w, c.pool, &c.u), 0);
	assert_true(c.u.rem_all && c.u.n_rem == 0 && c.u.n_add == 2);
	assert_true(sv_eq(c.u.add[0].ds, c.ds[0][2]) && sv_eq(c.u.add[1].ds, c.ds[1][2]));
	c.w.difference = true;		/* nobody has looked: it cannot be named */
	c.w.seen = false;
	assert_int_equal(epp_change(&c.w, c.pool, &c.u), 0);
	assert_true(c.u.rem_all && c.u.n_rem == 0 && c.u.n_add == 2);
	change_done(&c);
}

static void
test_change_differs(void **state)
{
	_cleanup_(buf_done) struct buf b = BUF_INIT;
	struct change c;

	(void)state;
	roll(&c);
	assert_int_equal(epp_change(&c.w, c.pool, &c.u), 0);
	assert_true(!c.u.rem_all && c.u.n_rem == 1 && c.u.n_add == 1);
	assert_true(sv_eq(c.u.rem[0].ds, c.ds[2][2]) && sv_eq(c.u.add[0].ds, c.ds[1][2]));
	c.standing[1].n -= 1;		/* one that nobody here knows goes by its own fields */
	assert_int_equal(epp_change(&c.w, c.pool, &c.u), 0);
	assert_true(c.u.n_rem == 1 && sv_eq(c.u.rem[0].ds, c.standing[1]) && c.u.rem[0].key.n == 0);
	c.standing[1] = c.ds[1][2];	/* it is there already: nothing is said */
	assert_int_equal(epp_change(&c.w, c.pool, &c.u), 0);
	assert_true(!c.u.rem_all && c.u.n_rem == 0 && c.u.n_add == 0);
	c.u.trid = SV("ABC");
	assert_int_equal(epp_update_write(&b, &c.u), -EINVAL);
	change_done(&c);
}

static void
test_change_digests(void **state)
{
	_cleanup_(buf_done) struct buf b = BUF_INIT;
	struct change c;

	(void)state;
	roll(&c);
	c.w.form = EPP_DS_KEY;
	c.w.digests = 1 << 2 | 1 << 4;
	assert_int_equal(epp_change(&c.w, c.pool, &c.u), 0);
	assert_true(c.u.n_rem == 1 && c.u.n_add == 3);
	assert_true(sv_eq(c.u.add[0].ds, c.ds[0][4]) && sv_eq(c.u.add[1].ds, c.ds[1][2]) &&
	    sv_eq(c.u.add[2].ds, c.ds[1][4]) && sv_eq(c.u.add[2].key, c.key[1]));
	c.u.trid = SV("ABC");		/* each key fits its DS */
	assert_int_equal(epp_update_write(&b, &c.u), 0);
	c.standing[1] = c.ds[0][1];	/* an old digest of a key that stays goes, too */
	assert_int_equal(epp_change(&c.w, c.pool, &c.u), 0);
	assert_true(c.u.n_rem == 1 && sv_eq(c.u.rem[0].ds, c.ds[0][1]));
	c.w.digests = 1 << 3;
	assert_int_equal(epp_change(&c.w, c.pool, &c.u), -ENOTSUP);
	change_done(&c);
}

static void
test_change_keys(void **state)
{
	struct change c;

	(void)state;
	roll(&c);
	c.w.form = EPP_DNSKEY;
	c.want[2] = c.key[1];		/* said twice */
	c.w.n_want = 3;
	assert_int_equal(epp_change(&c.w, c.pool, &c.u), 0);
	assert_true(!c.u.rem_all && c.u.n_rem == 1 && c.u.n_add == 1);
	assert_true(sv_eq(c.u.rem[0].key, c.key[2]) && sv_eq(c.u.add[0].key, c.key[1]));
	c.w.n_known = 2;		/* a DS whose key nobody knows: it cannot be named as a key */
	assert_int_equal(epp_change(&c.w, c.pool, &c.u), 0);
	assert_true(c.u.rem_all && c.u.n_rem == 0 && c.u.n_add == 2);
	change_done(&c);
}

TESTS_MAIN("dnssec/epp", T(test_ds), T(test_keys), T(test_all), T(test_create), T(test_escaped),
    T(test_refused), T(test_change_replaces), T(test_change_differs), T(test_change_digests), T(test_change_keys))
