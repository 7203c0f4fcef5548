#include "../tap.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "app/conf.h"
#include "base/err.h"

struct bad {
	const char	*text;
	enum conf_errc	 code;
	unsigned	 line, col;
	const char	*meant;
};

static const struct bad bads[] = {
	{ "rtr:\n  refesh: 3\n", CONF_E_UNKNOWN, 2, 3, "refresh" },
	{ "rtrr:\n  refresh: 3\n", CONF_E_UNKNOWN, 1, 1, "rtr" },
	{ "xyz: 1\n", CONF_E_UNKNOWN, 1, 1, "" },
	{ "? [a]\n: 1\n", CONF_E_TYPE, 1, 3, "" },
	{ "rtr:\n  refresh: 0\n", CONF_E_RANGE, 2, 12, "" },
	{ "rtr:\n  refresh: 86401\n", CONF_E_RANGE, 2, 12, "" },
	{ "rtr:\n  refresh: 4294967296\n", CONF_E_TYPE, 2, 12, "" },
	{ "rtr:\n  refresh: 99999d\n", CONF_E_TYPE, 2, 12, "" },
	{ "rtr:\n  refresh: soon\n", CONF_E_TYPE, 2, 12, "" },
	{ "rtr:\n  refresh:\n", CONF_E_TYPE, 2, 11, "" },
	{ "rtr:\n  refresh: ~\n", CONF_E_TYPE, 2, 12, "" },
	{ "rtr:\n  refresh: [5]\n", CONF_E_TYPE, 2, 12, "" },
	{ "rtr:\n  refresh: {a: 1}\n", CONF_E_TYPE, 2, 12, "" },
	{ "rtr: 5\n", CONF_E_TYPE, 1, 6, "" },
	{ "rtr: [5]\n", CONF_E_TYPE, 1, 6, "" },
	{ "- a\n", CONF_E_TYPE, 1, 1, "" },
	{ "rtr:\n  refresh: 5\n  refresh: 6\n", CONF_E_DUPLICATE, 3, 3, "" },
	{ "rtr:\n  refresh: 5\nrtr:\n  retry: 6\n", CONF_E_DUPLICATE, 3, 1, "" },
	{ "rtr: &a\n  refresh: 5\n", CONF_E_FANCY, 1, 6, "" },
	{ "state: &a /x\nuser: *a\n", CONF_E_FANCY, 1, 8, "" },
	{ "state: !!str /x\n", CONF_E_FANCY, 1, 8, "" },
	{ "state: /x\n---\nstate: /y\n", CONF_E_FANCY, 2, 1, "" },
	{ "organisation:\n  roles: [isp, registri]\n", CONF_E_TYPE, 2, 16, "registry" },
	{ "organisation:\n  asns: [AS64496, ASX]\n", CONF_E_TYPE, 2, 19, "" },
	{ "organisation:\n  prefixes: 192.0.2.1/24\n", CONF_E_TYPE, 2, 13, "" },
	{ "organisation:\n  zones: [a b]\n", CONF_E_TYPE, 2, 11, "" },
	{ "rtr:\n  listen: localhost:323\n", CONF_E_TYPE, 2, 11, "" },
	{ "rtr:\n  listen: 127.0.0.1\n", CONF_E_TYPE, 2, 11, "" },
	{ "rtr:\n  listen: 127.0.0.1:65536\n", CONF_E_TYPE, 2, 11, "" },
	{ "rtr:\n  listen: \"::1:323\"\n", CONF_E_TYPE, 2, 11, "" },
	{ "rtr:\n  expire: 1h\n", CONF_E_RULE, 2, 3, "" },
	{ "web:\n  listen: 0.0.0.0:8283\n", CONF_E_RULE, 2, 3, "" },
	{ "rpki:\n  exceptions: 5\n", CONF_E_TYPE, 2, 15, "" },
	{ "rpki:\n  exceptions: [5]\n", CONF_E_TYPE, 2, 16, "" },
	{ "rpki:\n  exceptions:\n    - acton: assert\n", CONF_E_UNKNOWN, 3, 7, "action" },
	{ "rpki:\n  exceptions:\n    - action: asert\n", CONF_E_TYPE, 3, 15, "assert" },
	{ "rpki:\n  exceptions:\n    - asn: 1\n      asn: 2\n", CONF_E_DUPLICATE, 4, 7, "" },
	{ "rpki:\n  exceptions:\n    - asn: {a: 1}\n", CONF_E_TYPE, 3, 12, "" },
	{ "rpki:\n  exceptions:\n    - [asn, 1]\n", CONF_E_TYPE, 3, 7, "" },
	{ "rpki:\n  exceptions:\n    - &a {asn: 1}\n", CONF_E_FANCY, 3, 7, "" },
	{ "rpki:\n  exceptions:\n    - until: soon\n", CONF_E_TYPE, 3, 14, "" },
	{ "rpki:\n  exceptions:\n    - until: 2026-02-30\n", CONF_E_TYPE, 3, 14, "" },
	{ "rpki:\n  exceptions:\n    - max-length: 129\n", CONF_E_RANGE, 3, 19, "" },
	{ "rpki:\n  \"exceptions[].asn\": 1\n", CONF_E_UNKNOWN, 2, 3, "exceptions" },
	{ "rpki:\n  exceptions: []\n  exceptions: []\n", CONF_E_DUPLICATE, 3, 3, "" },
	{ "a: \"b\n", CONF_E_UNKNOWN, 1, 1, "" },
	{ "state: \"b\n", CONF_E_YAML, 0, 0, "" },
	{ "state: [b\n", CONF_E_TYPE, 1, 8, "" },
	{ "state: \"a\\0b\"\n", CONF_E_TYPE, 1, 8, "" },
	{ "\xff\xfe\n", CONF_E_YAML, 0, 0, "" },
};

static void
refused(void **state UNUSED)
{
	for (size_t i = 0; i < ARRAY_LEN(bads); i++) {
		struct conf_error e;
		struct conf *c = NULL;
		struct buf b = BUF_INIT;
		int rc = app_conf_parse(sv_str(bads[i].text), "t.conf", &c, &e);

		if (rc >= 0 || e.code != bads[i].code ||
		    (bads[i].line != 0 && (e.line != bads[i].line || e.col != bads[i].col)) ||
		    strcmp(e.meant, bads[i].meant) != 0)
			fail_msg("%s: rc %d code %d at %u:%u meant \"%s\"", bads[i].text,
			    rc, e.code, e.line, e.col, e.meant);
		assert_null(c);
		for (int l = 0; l < LANG_MAX; l++) {
			b.len = 0;
			conf_error_text(&e, (enum lang)l, &b);
			assert_true(b.len > strlen("t.conf:"));
		}
		buf_done(&b);
	}
}

/* What is said of it: on one line, and time spans as one writes them. */
static void
said(void **state UNUSED)
{
	static const struct {
		const char	*text, *want;
	} rows[] = {
		{ "mail: {reporting: {keep-rows: 1}}\n", "t.conf:1:31: \"1\" is out of range; expected: "
		  "a time span such as 90, 15m, 2h or 1d (4d - 400d)" },
		{ "mail: {reporting: {timeout: 1}}\n", "t.conf:1:29: \"1\" is out of range; expected: "
		  "a time span such as 90, 15m, 2h or 1d (2 - 10m)" },
		{ "mail: {policy: \"a\\nb\\e[m\"}\n", "t.conf:1:16: found \"a?b?[m\"; expected: "
		  "one of the known words (observe enforce)" },
		{ "mail: {help: \"a\\nb\\e[m\"}\n", "t.conf:1:8: this does not fit: a?b?[m; expected: "
		  "a sentence in ASCII, without %, of 200 octets at the most" },
		{ "mail: {reporting: {org-name: \"a\\eb\"}}\n", "t.conf:1:20: this does not fit: a?b; expected: "
		  "one line of text without control characters" },
		{ "mail: {reporting: {contact: \"a\\nb\"}}\n", "t.conf:1:20: this does not fit: a?b; expected: "
		  "one line of text without control characters" },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct conf_error e;
		struct conf *c = NULL;
		struct buf b = BUF_INIT;

		assert_true(app_conf_parse(sv_str(rows[i].text), "t.conf", &c, &e) < 0);
		conf_error_text(&e, LANG_EN, &b);
		buf_char(&b, '\0');
		assert_string_equal(b.p, rows[i].want);
		buf_done(&b);
	}
}

static struct conf *
good(const char *text)
{
	struct conf_error e;
	struct conf *c = NULL;

	if (app_conf_parse(sv_str(text), "/etc/x/t.conf", &c, &e) < 0)
		fail_msg("%s: code %d at %u:%u", text, e.code, e.line, e.col);
	return c;
}

/* An empty file is a good one: every row has its default. */
static void
defaults(void **state UNUSED)
{
	static const char *const empties[] = { "", "---\n", "# only words\n", "rtr:\n", "{}\n" };

	for (size_t i = 0; i < ARRAY_LEN(empties); i++) {
		struct conf *c = good(empties[i]);

		assert_string_equal(app_conf_str(c, CONF_STATE), "/var/lib/sekisho");
		assert_int_equal(app_conf_u32(c, CONF_RTR_REFRESH), 3600);
		assert_int_equal(app_conf_u32(c, CONF_RPKI_INTERVAL), 600);
		assert_int_equal(c->values[CONF_STATE].line, 0);
		conf_free(c);
	}
}

static void
values(void **state UNUSED)
{
	struct conf *c = good("organisation: {name: \"Ex: 例\", asns: AS64496,\n"
	    "  prefixes: [192.0.2.0/24, \"2001:db8::/32\"], roles: []}\n"
	    "rpki: {tals: tals, tree: /abs, interval: 15m}\n"
	    "rtr: {listen: [\"127.0.0.1:0\", \"[::1]:323\"], max-clients: 4}\n");
	struct buf b = BUF_INIT;

	assert_string_equal(app_conf_str(c, CONF_ORG_NAME), "Ex: 例");
	assert_int_equal(c->values[CONF_ORG_ASNS].items[0].u, 64496);
	assert_int_equal(c->values[CONF_ORG_PREFIXES].n, 2);
	assert_int_equal(c->values[CONF_ORG_PREFIXES].items[1].px.len, 32);
	assert_int_equal(c->values[CONF_ORG_ROLES].n, 0);
	assert_string_equal(app_conf_str(c, CONF_RPKI_TALS), "/etc/x/tals");
	assert_string_equal(app_conf_str(c, CONF_RPKI_TREE), "/abs");
	assert_int_equal(app_conf_u32(c, CONF_RPKI_INTERVAL), 900);
	assert_int_equal(c->values[CONF_RTR_LISTEN].items[1].u, 323);
	assert_int_equal(app_conf_u32(c, CONF_RTR_MAX_CLIENTS), 4);
	assert_int_equal(c->values[CONF_RPKI_INTERVAL].line, 3);
	app_conf_lines(c, CONF_ORG_PREFIXES, &b);
	assert_true(sv_eq(buf_get(&b), SV("192.0.2.0/24\n2001:db8::/32")));
	buf_done(&b);
	conf_free(c);
}

static void
override(void **state UNUSED)
{
	struct conf *c = good("state: /a\n");
	struct conf_error e;

	assert_int_equal(conf_override(c, CONF_STATE, SV("rel"), &e), 0);
	assert_string_equal(app_conf_str(c, CONF_STATE), "rel");
	assert_true(conf_override(c, CONF_RTR_REFRESH, SV("x"), &e) < 0);
	assert_int_equal(e.code, CONF_E_TYPE);
	conf_free(c);
}

/* Too long a list, too large a file, deeper than any row. */
static void
limits(void **state UNUSED)
{
	struct buf b = BUF_INIT;
	struct conf *c = NULL;
	struct conf_error e;

	buf_str(&b, "organisation:\n  zones:\n");
	for (int i = 0; i <= CONF_LIST_MAX; i++)
		buf_str(&b, "  - a.example\n");
	assert_true(app_conf_parse(buf_get(&b), "t", &c, &e) < 0);
	assert_int_equal(e.code, CONF_E_LIMIT);
	b.len = 0;
	buf_str(&b, "organisation:\n  prefixes:\n");
	for (int i = 0; i < 3000; i++)
		buf_printf(&b, "  - 10.%d.%d.0/24\n", i / 256, i % 256);
	assert_true(app_conf_parse(buf_get(&b), "t", &c, &e) < 0);
	assert_int_equal(e.code, CONF_E_LIMIT);
	b.len = 0;
	while (b.len <= CONF_SIZE_MAX)
		buf_str(&b, "# as long as it takes, and no option in it, but 64 octets a line\n");
	assert_true(app_conf_parse(buf_get(&b), "t", &c, &e) < 0);
	assert_int_equal(e.code, CONF_E_LIMIT);
	b.len = 0;
	for (int i = 0; i < 100000; i++)
		buf_char(&b, '[');
	assert_true(app_conf_parse(buf_get(&b), "t", &c, &e) < 0);
	buf_done(&b);
}

static void
no_file(void **state UNUSED)
{
	struct conf *c = NULL;
	struct conf_error e;

	assert_int_equal(app_conf_load("/nonexistent/x.conf", NULL, &c, &e), -ENOENT);
	assert_int_equal(e.code, CONF_E_FILE);
	assert_true(app_conf_load("/", NULL, &c, &e) < 0);
	assert_int_equal(e.code, CONF_E_FILE);
}

TESTS_MAIN("sys/conf", T(refused), T(said), T(defaults), T(values), T(override), T(limits), T(no_file))
