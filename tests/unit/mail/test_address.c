/* Addresses of a From, which all readers cut alike or do not; of the envelope; domains. */
#include <errno.h>

#include "mail_kit.h"

#define END	MAIL_CODE_MAX

/* Good ones: "display|local|domain" each, and the warnings. */
static const struct {
	const char	*value, *is;
	enum mail_code	 codes[3];
} good[] = {
	{ "", "", { END } },
	{ " \r\n ", "", { END } },
	{ " a@example.jp", "|a|example.jp;", { END } },
	{ "a@EXAMPLE.jp\t", "|a|EXAMPLE.jp;", { END } },
	{ " <a@example.jp>", "|a|example.jp;", { END } },
	{ " Name <a@example.jp>", "Name|a|example.jp;", { END } },
	{ "Name<a@example.jp>", "Name|a|example.jp;", { END } },
	{ "\"Na, m\\\"e@x <\" <a@example.jp>", "Na, m\"e@x <|a|example.jp;", { END } },
	{ "John Q. Public <a@example.jp>", "John Q. Public|a|example.jp;", { END } },
	{ "\"A\"  B\r\n \"C  D\" <a@example.jp>", "A B C  D|a|example.jp;", { END } },
	{ "\r\n Name\r\n\t<a@example.jp>\r\n ", "Name|a|example.jp;", { END } },
	{ "< a@example.jp\t>", "|a|example.jp;", { END } },
	{ "a+b=c/d!x@example.jp", "|a+b=c/d!x|example.jp;", { END } },
	/* quoted local parts; those that Japanese mobile carriers gave out */
	{ "\"a b\"@example.jp", "|a b|example.jp;", { END } },
	{ "<\"a..b.\"@example.jp>", "|a..b.|example.jp;", { END } },
	{ "a..b@example.jp", "|a..b|example.jp;", { MAIL_ADDRESS_DOTS, END } },
	{ "<.a@example.jp>", "|.a|example.jp;", { MAIL_ADDRESS_DOTS, END } },
	{ "N <a.@example.jp>", "N|a.|example.jp;", { MAIL_ADDRESS_DOTS, END } },
	/* comments where they hurt nobody */
	{ "root@example.jp (Cron Daemon)", "|root|example.jp;", { END } },
	{ "Name (Dept. (x) \\) y) <a@example.jp>", "Name|a|example.jp;", { END } },
	{ "Name <a@example.jp> (x)\r\n ", "Name|a|example.jp;", { END } },
	/* the address once more in place of the name */
	{ "a@example.jp <a@example.jp>", "|a|example.jp;", { END } },
	{ "A@Example.jp <a@example.jp>", "|A|Example.jp;", { END } },
	/* several, and groups */
	{ "a@b.jp, N <c@d.jp>,e@f.jp", "|a|b.jp;N|c|d.jp;|e|f.jp;", { END } },
	{ "staff: a@b.jp, N <c@d.jp>;", "|a|b.jp;N|c|d.jp;", { MAIL_ADDRESS_GROUP, END } },
	{ "staff:;", "", { MAIL_ADDRESS_GROUP, END } },
	{ "\"x y\" z: ; , a@b.jp", "|a|b.jp;", { MAIL_ADDRESS_GROUP, END } },
	/* RFC 6532 */
	{ "\xe9\x96\xa2\xe6\x89\x80 <\xe9\x96\xa2@\xe4\xbe\x8b.jp>",
	  "\xe9\x96\xa2\xe6\x89\x80|\xe9\x96\xa2|\xe4\xbe\x8b.jp;", { END } },
	/* encoded words in names */
	{ "=?utf-8?q?M=C3=BCller=2C_Hans?= <a@example.jp>",
	  "=?utf-8?q?M=C3=BCller=2C_Hans?=|a|example.jp;", { END } },
	{ "=?ISO-2022-JP?B?GyRCPCgbKEI=?= <a@example.jp>",
	  "=?ISO-2022-JP?B?GyRCPCgbKEI=?=|a|example.jp;", { END } },	/* "<(" is a letter there */
	{ "=?utf-8?q?a=40b.jp?= <a@example.jp>", "=?utf-8?q?a=40b.jp?=|a|example.jp;", { END } },
	{ "\"=?utf-8?b?PA\" <a@example.jp>", "=?utf-8?b?PA|a|example.jp;", { END } },	/* no end */
	{ "=?utf-8?b?YQ===!=?= <a@example.jp>", "=?utf-8?b?YQ===!=?=|a|example.jp;", { END } },
	{ "=?utf-8?q?a=2C\r\n b?= <a@example.jp>", "=?utf-8?q?a=2C b?=|a|example.jp;", { END } },
	{ "=?utf-8?x?=3C?= <a@example.jp>", "=?utf-8?x?=3C?=|a|example.jp;", { END } },
	{ "=?utf-8?q?a?b=3C? <a@example.jp>", "=?utf-8?q?a?b=3C?|a|example.jp;", { END } },
};

static void
list_print(struct buf *b, const struct mail_address *a, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		buf_sv(b, a[i].display);
		buf_char(b, '|');
		buf_sv(b, a[i].local);
		buf_char(b, '|');
		buf_sv(b, a[i].domain);
		buf_char(b, ';');
	}
}

static void
test_good(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(good); i++) {
		struct pool *pool = pool_new(MAIL_POOL_MAX);
		struct mail_address *a = NULL;
		struct buf b = BUF_INIT;
		struct findings fs;
		size_t n = 0;

		findings_init(&fs, pool);
		assert_int_equal(mail_addresses(pool, sv_str(good[i].value), &fs, &a, &n), 0);
		codes_are(&fs, good[i].codes, good[i].value);
		list_print(&b, a, n);
		sv_is(buf_get(&b), good[i].is);
		buf_done(&b);
		(void)pool_free(pool);
	}
}

/* In doubt: the list is empty, and the last code says why. */
static const struct {
	const char	*value;
	enum mail_code	 code;
} bad[] = {
	/* trailing junk (OpenDMARC passed "user@example.net>" over), and what is missing */
	{ "user@example.net>", MAIL_ADDRESS_SYNTAX },
	{ "<user@example.net", MAIL_ADDRESS_SYNTAX },
	{ "N <user@example.net> x", MAIL_ADDRESS_SYNTAX },
	{ "N <user@example.net>>", MAIL_ADDRESS_SYNTAX },
	{ "<<user@example.net>>", MAIL_ADDRESS_SYNTAX },
	{ "<a@b.jp> <c@d.jp>", MAIL_ADDRESS_SYNTAX },
	{ "a@b.jp c@d.jp", MAIL_ADDRESS_SYNTAX },
	{ "a@b.jp@c.jp", MAIL_ADDRESS_SYNTAX },
	{ "<a@b.jp@c.jp>", MAIL_ADDRESS_SYNTAX },
	{ "<a@b.jp,c@d.jp>", MAIL_ADDRESS_SYNTAX },
	{ "a@b.jp; c@d.jp", MAIL_ADDRESS_SYNTAX },
	{ "a@b.jp,", MAIL_ADDRESS_SYNTAX },
	{ ",a@b.jp", MAIL_ADDRESS_SYNTAX },
	{ "a@b.jp,,c@d.jp", MAIL_ADDRESS_SYNTAX },
	{ "user", MAIL_ADDRESS_SYNTAX },
	{ "Name user", MAIL_ADDRESS_SYNTAX },
	{ "\"user@example.net\"", MAIL_ADDRESS_SYNTAX },
	{ "@example.net", MAIL_ADDRESS_SYNTAX },
	{ "user@", MAIL_ADDRESS_SYNTAX },
	{ "N <@>", MAIL_ADDRESS_ROUTE },
	{ "\"\"@example.net", MAIL_ADDRESS_SYNTAX },
	{ "\"a <b@c.jp>", MAIL_ADDRESS_SYNTAX },
	{ "\"a\\", MAIL_ADDRESS_SYNTAX },
	{ "Name a@b.jp", MAIL_ADDRESS_SYNTAX },
	{ "\"x\"a@b.jp", MAIL_ADDRESS_SYNTAX },
	/* blanks and folds within */
	{ "a @b.jp", MAIL_ADDRESS_SYNTAX },
	{ "a@ b.jp", MAIL_ADDRESS_SYNTAX },
	{ "<a@b.jp .com>", MAIL_ADDRESS_SYNTAX },
	{ "a@b.jp\r\n .com", MAIL_ADDRESS_SYNTAX },
	{ "a@b.jp\r\n", MAIL_ADDRESS_SYNTAX },
	{ "a@b.jp\r\nTo: x", MAIL_ADDRESS_SYNTAX },
	{ "a@b.jp\rc", MAIL_ADDRESS_SYNTAX },
	{ "\x01" "a@b.jp", MAIL_ADDRESS_SYNTAX },
	{ "\"a\nb\" <a@b.jp>", MAIL_ADDRESS_SYNTAX },
	{ "\"a\\\nb\" <a@b.jp>", MAIL_ADDRESS_SYNTAX },
	/* comments (CVE-2020-12272) */
	{ "user@example.net(.example.com", MAIL_ADDRESS_COMMENT },
	{ "user@example.net(.example.com)", MAIL_ADDRESS_COMMENT },
	{ "user@(x)example.net", MAIL_ADDRESS_COMMENT },
	{ "user(x)@example.net", MAIL_ADDRESS_COMMENT },
	{ "<user@example.net(x)>", MAIL_ADDRESS_COMMENT },
	{ "<user@example.net (x)>", MAIL_ADDRESS_COMMENT },
	{ "<(x)user@example.net>", MAIL_ADDRESS_COMMENT },
	{ "<user (x) @example.net>", MAIL_ADDRESS_COMMENT },
	{ "(x) user@example.net", MAIL_ADDRESS_COMMENT },
	{ "(x)<user@example.net>", MAIL_ADDRESS_COMMENT },
	{ "a@b.jp, (x) c@d.jp", MAIL_ADDRESS_COMMENT },
	{ "g: (x) c@d.jp;", MAIL_ADDRESS_COMMENT },
	{ "user@example.net (b@example.com)", MAIL_ADDRESS_COMMENT },
	{ "N (<b@example.com>) <user@example.net>", MAIL_ADDRESS_COMMENT },
	{ "user@example.net (<)", MAIL_ADDRESS_COMMENT },
	{ "user@example.net (\\>)", MAIL_ADDRESS_COMMENT },
	{ "user@example.net (x", MAIL_ADDRESS_SYNTAX },
	{ "user@example.net (x\\", MAIL_ADDRESS_SYNTAX },
	{ "user@example.net ((x)", MAIL_ADDRESS_SYNTAX },
	{ "user@example.net (x\r)", MAIL_ADDRESS_SYNTAX },
	{ "user@example.net (x))", MAIL_ADDRESS_SYNTAX },
	/* routes */
	{ "<@a.jp,@b.jp:c@d.jp>", MAIL_ADDRESS_ROUTE },
	{ "N <@a.jp:c@d.jp>", MAIL_ADDRESS_ROUTE },
	/* null */
	{ "<>", MAIL_ADDRESS_NULL },
	{ "Name < >", MAIL_ADDRESS_NULL },
	/* domains */
	{ "a@\"b.jp\"", MAIL_ADDRESS_QUOTED },
	{ "a@b\".jp\"", MAIL_ADDRESS_QUOTED },
	{ "<a@\"b.jp\">", MAIL_ADDRESS_QUOTED },
	{ "a@[192.0.2.1]", MAIL_ADDRESS_LITERAL },
	{ "a@b..jp", MAIL_ADDRESS_DOMAIN },
	{ "a@b.jp.", MAIL_ADDRESS_DOMAIN },
	{ "a@.b.jp", MAIL_ADDRESS_DOMAIN },
	{ "a@-b.jp", MAIL_ADDRESS_DOMAIN },
	{ "a@b$c.jp", MAIL_ADDRESS_DOMAIN },
	{ "a@xn--a.jp", MAIL_ADDRESS_DOMAIN },
	{ "a@\xef\xbd\x85x.jp", MAIL_ADDRESS_DOMAIN },
	{ "a@b\\.jp", MAIL_ADDRESS_SYNTAX },
	/* encoded words */
	{ "=?utf-8?q?a=40b.jp?=", MAIL_ADDRESS_SYNTAX },
	{ "=?utf-8?q?a?=@b.jp", MAIL_ADDRESS_ENCODED },
	{ "<=?utf-8?q?a=40b.jp?=@c.jp>", MAIL_ADDRESS_ENCODED },
	{ "a@=?utf-8?q?b.jp?=", MAIL_ADDRESS_ENCODED },
	{ "=?utf-8?q?=3Cb=40c.jp=3E?= <a@b.jp>", MAIL_ADDRESS_ENCODED },
	{ "=?utf-8?B?PGJAYy5qcD4=?= <a@b.jp>", MAIL_ADDRESS_ENCODED },
	{ "\"=?utf-8?B?YgBA?=\" <a@b.jp>", MAIL_ADDRESS_ENCODED },	/* a NUL */
	{ "x =?us-ascii?q?ok?= =?us-ascii?Q?b=0D=0A?= <a@b.jp>", MAIL_ADDRESS_ENCODED },
	{ "a@b.jp (=?us-ascii?Q?=3c?=)", MAIL_ADDRESS_ENCODED },
	{ "=?iso-2022-jp?B?GyRCPCgbKEI8?= <a@b.jp>", MAIL_ADDRESS_ENCODED },	/* after it */
	{ "=?utf-8?q?=1B$=3C?= <a@b.jp>", MAIL_ADDRESS_ENCODED },	/* no shift here */
	{ "=?utf-8?q?(?=)=3C?= <a@b.jp>", MAIL_ADDRESS_ENCODED },	/* without its comment */
	{ "=?utf-8?q?a=\r\n =3C?= <a@b.jp>", MAIL_ADDRESS_ENCODED },
	{ "=?utf-8?q?a?b=3C?= <a@b.jp>", MAIL_ADDRESS_ENCODED },	/* "?" within */
	{ "=?utf-8?B?Y?Tw?= <a@b.jp>", MAIL_ADDRESS_ENCODED },
	{ "=?utf-8?B?PA?= <a@b.jp>", MAIL_ADDRESS_ENCODED },		/* no padding */
	{ "=?utf-8?B?PB=?= <a@b.jp>", MAIL_ADDRESS_ENCODED },
	{ "=?utf-8?B?YTw?= <a@b.jp>", MAIL_ADDRESS_ENCODED },
	{ "=?utf-8?B?YQ==PGJA?= <a@b.jp>", MAIL_ADDRESS_ENCODED },
	{ "=?utf-8?B?YTw=YmJi?= <a@b.jp>", MAIL_ADDRESS_ENCODED },
	{ "=?utf-8?B?!P*G-J_A==?= <a@b.jp>", MAIL_ADDRESS_ENCODED },
	/* quoted local parts that hide an address */
	{ "\"b@example.com\"@example.net", MAIL_ADDRESS_LOCAL },
	{ "<\"<b@example.com>\"@example.net>", MAIL_ADDRESS_LOCAL },
	{ "\"a\\\"b\"@example.net", MAIL_ADDRESS_LOCAL },
	/* two addresses */
	{ "b@example.com <a@example.net>", MAIL_ADDRESS_TWO },
	{ "b@example.net <a@example.net>", MAIL_ADDRESS_TWO },
	{ "a@example.net (x) <a@example.com>", MAIL_ADDRESS_TWO },
	/* groups that do not end, or are within another */
	{ "g: a@b.jp", MAIL_ADDRESS_SYNTAX },
	{ "g: a@b.jp; x", MAIL_ADDRESS_SYNTAX },
	{ "g: h: a@b.jp;;", MAIL_ADDRESS_SYNTAX },
	{ ": a@b.jp;", MAIL_ADDRESS_SYNTAX },
	{ "g:,;", MAIL_ADDRESS_SYNTAX },
	/* octets that are no UTF-8 */
	{ "M\xfcller <a@b.jp>", MAIL_ADDRESS_UTF8 },
	{ "a@b.jp (\xe9\x96)", MAIL_ADDRESS_UTF8 },
};

static void
doubt_is(struct sv value, enum mail_code code)
{
	struct pool *pool = pool_new(MAIL_POOL_MAX);
	struct mail_address *a = NULL;
	const struct finding *last;
	struct findings fs;
	size_t n = 7;

	findings_init(&fs, pool);
	assert_int_equal(mail_addresses(pool, value, &fs, &a, &n), 0);
	if (fs.n_by_severity[SEV_REJECT] != 1)
		print_message("# %.*s\n", SV_ARG(value));
	assert_int_equal(fs.n_by_severity[SEV_REJECT], 1);
	for (last = fs.head; last->next != NULL;)
		last = last->next;
	if (last->def != &mail_findings[code])
		print_message("# %.*s\n", SV_ARG(value));
	assert_string_equal(last->def->code, mail_findings[code].code);
	assert_int_equal(n, 0);
	(void)pool_free(pool);
}

static void
test_bad(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		doubt_is(sv_str(bad[i].value), bad[i].code);
	doubt_is(SV("a@b.jp\0.example.com"), MAIL_ADDRESS_SYNTAX);
	doubt_is(SV("\"a\0\" <a@b.jp>"), MAIL_ADDRESS_SYNTAX);
	doubt_is(SV("a@b.jp (\0)"), MAIL_ADDRESS_SYNTAX);
}

static void
test_many(void **state)
{
	static char text[(MAIL_ADDRESSES_MAX + 1) * 5];
	struct pool *pool = pool_new(MAIL_POOL_MAX);
	struct mail_address *a = NULL;
	struct findings fs;
	size_t n = 0;

	(void)state;
	for (size_t i = 0; i < sizeof(text); i++)
		text[i] = "a@bc,"[i % 5];
	findings_init(&fs, pool);
	assert_int_equal(mail_addresses(pool, (struct sv){ text, MAIL_ADDRESSES_MAX * 5 - 1 }, &fs,
	    &a, &n), 0);
	codes_are(&fs, CODES(), "many");
	assert_int_equal(n, MAIL_ADDRESSES_MAX);
	doubt_is((struct sv){ text, sizeof(text) - 1 }, MAIL_ADDRESS_MANY);
	(void)pool_free(pool);
}

/* Without memory that is said, and nothing else. */
static void
test_no_memory(void **state)
{
	struct pool *pool = pool_new(200);
	struct mail_address *a = NULL;
	struct findings fs;
	size_t n = 7;

	(void)state;
	findings_init(&fs, pool);
	assert_int_equal(mail_addresses(pool, SV("a@example.jp"), &fs, &a, &n), -ENOMEM);
	assert_int_equal(n, 7);
	assert_null(a);
	(void)pool_free(pool);
}

/* --- the envelope --- */

static const struct {
	const char	*text, *local, *domain;
	int		 rc;
} envelopes[] = {
	{ "", "", "", -ENOENT },
	{ "a@example.jp", "a", "example.jp", 0 },
	{ "a..b.@example.jp", "a..b.", "example.jp", 0 },
	{ "a(b@example.jp", "a(b", "example.jp", 0 },
	{ "a@b@example.jp", "a@b", "example.jp", 0 },
	{ "\"a\\\"@ b\"@example.jp", "a\"@ b", "example.jp", 0 },
	{ "\"@example.jp", "\"", "example.jp", 0 },
	{ "\"\\\"@example.jp", "\\", "example.jp", 0 },
	{ "@a.jp,@b.jp:c@example.jp", "c", "example.jp", 0 },
	{ "\xe9\x96\xa2@\xe4\xbe\x8b.jp", "\xe9\x96\xa2", "\xe4\xbe\x8b.jp", 0 },
	{ "postmaster", "", "", -EINVAL },
	{ "@example.jp", "", "", -EINVAL },
	{ "@a.jp:@example.jp", "", "", -EINVAL },
	{ "a@", "", "", -EINVAL },
	{ "a\r\nb@example.jp", "", "", -EINVAL },
	{ "a\x7f@example.jp", "", "", -EINVAL },
	{ "a@[192.0.2.1]", "", "", -EINVAL },
	{ "a@example..jp", "", "", -EINVAL },
	{ "a@example.jp>", "", "", -EINVAL },
};

static void
test_envelope(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(envelopes); i++) {
		struct pool *pool = pool_new(1000);
		struct mail_address a = { .name = { .len = 0 } };

		assert_int_equal(mail_envelope(pool, sv_str(envelopes[i].text), &a),
		    envelopes[i].rc);
		sv_is(a.local, envelopes[i].local);
		sv_is(a.domain, envelopes[i].domain);
		assert_int_equal(a.name.len > 0, envelopes[i].rc == 0);
		(void)pool_free(pool);
	}
}

/* --- domains --- */

#define L63	"abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyzabcdefghijk"

static const struct {
	const char	*text, *name;		/* NULL: none */
} domains[] = {
	{ "example.jp", "example.jp." },
	{ "Example.JP", "example.jp." },
	{ "a_b.Example.jp", "a_b.example.jp." },
	{ "_x.example.jp", "_x.example.jp." },
	{ "r3---sn.example", "r3---sn.example." },
	{ "localhost", "localhost." },
	{ L63 ".jp", L63 ".jp." },
	{ L63 "l.jp", NULL },
	{ L63 "." L63 "." L63 "." L63 ".jp", NULL },
	{ "", NULL }, { ".", NULL }, { "a.", NULL }, { ".a", NULL }, { "a..b", NULL },
	{ "-a.b", NULL }, { "a-.b", NULL }, { "a_.b", NULL }, { "a b.c", NULL }, { "a!.b", NULL },
	{ "a@b.c", NULL }, { "[192.0.2.1]", NULL }, { "a\\.b", NULL },
	/* U-labels and A-labels */
	{ "\xe6\x97\xa5\xe6\x9c\xac.jp", "xn--wgv71a.jp." },
	{ "XN--wgv71A.jp", "xn--wgv71a.jp." },
	{ "xn--wgv71a.\xe6\x97\xa5\xe6\x9c\xac", "xn--wgv71a.xn--wgv71a." },
	{ "\xc3\xa4.DE", "xn--4ca.de." },
	{ "fa\xc3\x9f.de", "xn--fa-hia.de." },		/* not "fass": the transition is over */
	{ "a_b.\xe6\x97\xa5\xe6\x9c\xac", "a_b.xn--wgv71a." },
	{ "xn--a.jp", NULL }, { "xn--.jp", NULL }, { "xn--abc-.jp", NULL }, { "xn--ls8h.jp", NULL },
	{ "\xe2\x98\x83.net", NULL },			/* a symbol: IDNA2008 has none */
	{ "-\xe6\x97\xa5.jp", NULL },
	{ "1\xd7\x90.com", NULL },			/* RFC 5893 */
	{ "\xff.jp", NULL }, { "\xe6\x97.jp", NULL },
	/* what UTS 46 maps to other names, and some programs do not */
	{ "\xc3\x84.de", NULL },			/* a capital */
	{ "e\xcc\x81.com", NULL },			/* not composed */
	{ "\xef\xbd\x85x.com", NULL },			/* full width */
	{ "\xe6\x97\xa5\xe3\x80\x82jp", NULL },		/* U+3002 for a dot */
	{ "a\xe2\x80\x8b" "b.com", NULL },		/* a space of no width */
	{ "a\xc2\xad" "b.com", NULL },			/* a soft hyphen */
	{ "\xe6\x97\xa5\xe6\x9c\xac.jp.", NULL },
	{ "\xe6\x97\xa5(x).jp", NULL },
};

static void
test_domains(void **state)
{
	static char longest[2000];
	struct dname d = { .len = 0 };
	char text[DNAME_STRLEN];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(domains); i++) {
		int rc = mail_domain(sv_str(domains[i].text), &d);

		if ((rc == 0) != (domains[i].name != NULL))
			print_message("# %s\n", domains[i].text);
		assert_int_equal(rc, domains[i].name == NULL ? -EINVAL : 0);
		if (rc == 0)
			assert_string_equal(dname_str(&d, text), domains[i].name);
	}
	assert_int_equal(mail_domain(SV("a.b\0.c"), &d), -EINVAL);
	assert_int_equal(mail_domain(SV("\xe6\x97\xa5\0.c"), &d), -EINVAL);
	for (size_t i = 0; i < sizeof(longest); i++)
		longest[i] = "\xe6\x97\xa5"[i % 3];
	for (size_t n = 1; n <= sizeof(longest); n++)
		assert_true(mail_domain((struct sv){ longest, n }, &d) == 0 || n % 3 != 0 ||
		    n > 63);
}

TESTS_MAIN("address", T(test_good), T(test_bad), T(test_many), T(test_no_memory), T(test_envelope),
    T(test_domains))
