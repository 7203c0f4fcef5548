/* Exceptions: what an entry must say, what it becomes, and when it ends. */
#include "../tap.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "app/exceptions.h"
#include "base/err.h"
#include "base/hash.h"
#include "base/timefmt.h"

#define DAY	86400
#define JAN_1	1767225600		/* 2026-01-01T00:00:00Z */
#define WHO	"owner: noc, reason: \"x: y\", until: 2026-01-31"

/* A key of P-256, and its identifier in three spellings. */
#define KEY	"MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE3db8mQe5xQCedsQtAox9boiBcIAi" \
	"1rgJdUJLouU0of87lQpTOARETAr5guShZwhm+d9EVobzOfEewVJPFS1y+g=="
#define SKI_HEX	"fe8bf914068aedb23dad770dd5b81b8d86041db9"
#define SKI_COLONS "\"FE:8B:F9:14:06:8A:ED:B2:3D:AD:77:0D:D5:B8:1B:8D:86:04:1D:B9\""
#define SKI_URL	"\"_ov5FAaK7bI9rXcN1bgbjYYEHbk\""

static int
conf_of(const char *entries, struct conf **ret, struct conf_error *e)
{
	char text[8192];

	(void)snprintf(text, sizeof(text), "rpki:\n  exceptions:\n%s", entries);
	return app_conf_parse(sv_str(text), "t.conf", ret, e);
}

/* --- what is refused, and where --- */

static const struct {
	const char	*entry;
	enum conf_errc	 code;		/* CONF_OK: taken */
	const char	*found;
} rules[] = {
	{ "{action: assert, prefix: 192.0.2.0/24, asn: 64496, " WHO "}", CONF_OK, "" },
	{ "{action: assert, prefix: 192.0.2.0/24, asn: 0, max-length: 24, ticket: T1, " WHO "}", CONF_OK, "" },
	{ "{action: filter, prefix: 192.0.2.0/24, " WHO "}", CONF_OK, "" },
	{ "{action: filter, asn: 64496, " WHO "}", CONF_OK, "" },
	{ "{action: filter, customer: 64496, " WHO "}", CONF_OK, "" },
	{ "{action: assert, customer: 64496, providers: [64498, 64497], " WHO "}", CONF_OK, "" },
	{ "{action: assert, customer: 64496, providers: 0, " WHO "}", CONF_OK, "" },
	{ "{action: filter, router-asn: 64496, " WHO "}", CONF_OK, "" },
	{ "{action: filter, ski: " SKI_HEX ", " WHO "}", CONF_OK, "" },
	{ "{action: filter, router-asn: 0, ski: " SKI_URL ", " WHO "}", CONF_OK, "" },
	{ "{action: assert, router-asn: 64496, router-key: " KEY ", " WHO "}", CONF_OK, "" },
	{ "{action: assert, router-asn: 64496, ski: " SKI_COLONS ", router-key: " KEY ", " WHO "}", CONF_OK, "" },
	{ "{action: assert, router-asn: 64496, " WHO "}", CONF_E_MISSING, "router-key" },
	{ "{action: assert, router-key: " KEY ", " WHO "}", CONF_E_MISSING, "router-asn" },
	{ "{action: filter, router-asn: 1, router-key: " KEY ", " WHO "}", CONF_E_RULE, "router-key" },
	{ "{action: filter, router-asn: 1, asn: 1, " WHO "}", CONF_E_RULE, "asn" },
	{ "{action: filter, ski: " SKI_HEX ", customer: 1, " WHO "}", CONF_E_RULE, "customer" },
	{ "{action: filter, ski: 0011, " WHO "}", CONF_E_TYPE, "ski" },
	{ "{action: filter, ski: x" SKI_HEX ", " WHO "}", CONF_E_TYPE, "ski" },
	{ "{action: assert, router-asn: 1, ski: 0000000000000000000000000000000000000000, router-key: "
	  KEY ", " WHO "}", CONF_E_TYPE, "router-key, ski" },
	{ "{action: assert, router-asn: 1, router-key: MFkwEwYH, " WHO "}", CONF_E_TYPE, "router-key, ski" },
	{ "{action: assert, router-asn: 1, router-key: \"!\", " WHO "}", CONF_E_TYPE, "router-key, ski" },
	{ "{}", CONF_E_MISSING, "action" },
	{ "{prefix: 192.0.2.0/24, " WHO "}", CONF_E_MISSING, "action" },
	{ "{action: filter, asn: 1, reason: x, until: 2026-01-31}", CONF_E_MISSING, "owner" },
	{ "{action: filter, asn: 1, owner: \"\", reason: x, until: 2026-01-31}", CONF_E_MISSING, "owner" },
	{ "{action: filter, asn: 1, owner: x, until: 2026-01-31}", CONF_E_MISSING, "reason" },
	{ "{action: filter, asn: 1, owner: x, reason: x}", CONF_E_MISSING, "until" },
	{ "{action: filter, asn: 1, owner: \"a\\tb\", reason: x, until: 2026-01-31}", CONF_E_TYPE, "owner" },
	{ "{action: filter, asn: 1, owner: x, reason: \"a\\nb\", until: 2026-01-31}", CONF_E_TYPE, "reason" },
	{ "{action: filter, asn: 1, reason: x, until: 2026-01-31,"
	  " owner: 1234567890123456789012345678901234567890123456789}", CONF_E_LIMIT, "owner" },
	{ "{action: filter, " WHO "}", CONF_E_MISSING, "prefix" },
	{ "{action: assert, prefix: 192.0.2.0/24, " WHO "}", CONF_E_MISSING, "asn" },
	{ "{action: assert, asn: 1, " WHO "}", CONF_E_MISSING, "prefix" },
	{ "{action: filter, asn: 1, providers: 2, " WHO "}", CONF_E_RULE, "providers" },
	{ "{action: filter, prefix: 192.0.2.0/24, max-length: 25, " WHO "}", CONF_E_RULE, "max-length" },
	{ "{action: assert, prefix: 192.0.2.0/24, asn: 1, max-length: 23, " WHO "}", CONF_E_RULE, "max-length" },
	{ "{action: assert, prefix: 192.0.2.0/24, asn: 1, max-length: 33, " WHO "}", CONF_E_RULE, "max-length" },
	{ "{action: filter, asn: 1, customer: 2, " WHO "}", CONF_E_RULE, "customer, prefix, asn" },
	{ "{action: filter, customer: 0, " WHO "}", CONF_E_RANGE, "customer" },
	{ "{action: filter, customer: 1, providers: 2, " WHO "}", CONF_E_RULE, "providers" },
	{ "{action: assert, customer: 1, " WHO "}", CONF_E_MISSING, "providers" },
	{ "{action: assert, customer: 1, providers: [1], " WHO "}", CONF_E_RULE, "customer, providers" },
	{ "{action: assert, customer: 1, providers: [2, 2], " WHO "}", CONF_E_RULE, "customer, providers" },
	{ "{action: assert, customer: 1, providers: [0, 2], " WHO "}", CONF_E_RULE, "customer, providers" },
};

static void
refused(void **state UNUSED)
{
	for (size_t i = 0; i < ARRAY_LEN(rules); i++) {
		struct conf *c = NULL;
		struct conf_error e;
		char entry[768];
		int rc;

		/* The second entry, so that the line is not the first's. */
		(void)snprintf(entry, sizeof(entry),
		    "    - {action: filter, asn: 9, " WHO "}\n    - %s\n", rules[i].entry);
		rc = conf_of(entry, &c, &e);
		if ((rc == 0) != (rules[i].code == CONF_OK) || (rc < 0 && (e.code != rules[i].code ||
		    e.line != 4 || strcmp(e.found, rules[i].found) != 0)))
			fail_msg("%s: code %d, line %u, %s", rules[i].entry, e.code, e.line, e.found);
		conf_free(c);
	}
}

/* More than a message carries. */
static void
too_many(void **state UNUSED)
{
	struct conf *c = NULL;
	struct conf_error e;
	struct buf b = BUF_INIT;

	buf_str(&b, "rpki:\n  exceptions:\n");
	for (int i = 0; i < 2000; i++)
		buf_str(&b, "    - {action: filter, asn: 4294967295, " WHO "}\n");
	assert_int_equal(app_conf_parse(buf_get(&b), "t.conf", &c, &e), SE_LIMIT);
	assert_int_equal(e.code, CONF_E_LIMIT);
	buf_done(&b);
}

/* --- from the configuration to SLURM --- */

static const char entries[] =
    "    - action: filter\n      prefix: 198.51.100.0/24\n      asn: AS64497\n"
    "      owner: noc\n      reason: the ROA is wrong, customer told\n      ticket: NOC-17\n"
    "      until: 2026-01-31\n"
    "    - action: assert\n      prefix: 2001:db8::/32\n      max-length: 48\n      asn: 64496\n"
    "      owner: 山田 <noc>\n      reason: \"renumbering\"\n      until: 2026-01-10T12:00:00Z\n"
    "    - action: assert\n      customer: 64496\n      providers: [64498, AS64497]\n"
    "      owner: noc\n      reason: r\n      until: 2026-03-01\n"
    "    - action: filter\n      customer: 64499\n"
    "      owner: noc\n      reason: r\n      until: 2026-03-01\n";

struct world {
	struct conf		*c;
	struct pool		*pool;
	struct slurm		*s;
	struct findings		 fs;
	struct exceptions	 xs;
};

static void
world_init(struct world *w, const char *text)
{
	struct conf_error e;
	struct buf b = BUF_INIT;

	*w = (struct world){ .pool = pool_new(1 << 20), .s = slurm_new() };
	assert_true(w->pool != NULL && w->s != NULL);
	findings_init(&w->fs, w->pool);
	if (conf_of(text, &w->c, &e) < 0)
		fail_msg("line %u: code %d %s", e.line, e.code, e.found);
	exceptions_text(w->c, &b);
	assert_int_equal(exceptions_parse(w->pool, buf_get(&b), &w->xs), 0);
	buf_done(&b);
}

static void
world_done(struct world *w)
{
	conf_free(w->c);
	w->s = slurm_free(w->s);
	w->pool = pool_free(w->pool);
}

static void
carried(void **state UNUSED)
{
	struct world w;
	const struct exception *x;

	world_init(&w, entries);
	assert_int_equal(w.xs.n, 4);
	x = &w.xs.v[0];
	assert_int_equal(x->line, 3);
	assert_int_equal(x->entry.kind, SLURM_PREFIX_FILTER);
	assert_true(x->entry.has_asn && x->entry.asn == 64497 && x->entry.px.len == 24);
	assert_true(sv_eq_str(x->owner, "noc") && sv_eq_str(x->ticket, "NOC-17"));
	assert_true(x->entry.expires == JAN_1 + 31 * DAY);	/* the 31st still counts */
	x = &w.xs.v[1];
	assert_int_equal(x->entry.kind, SLURM_PREFIX_ASSERTION);
	assert_true(x->entry.has_max_len && x->entry.max_len == 48);
	assert_true(x->entry.expires == JAN_1 + 9 * DAY + DAY / 2);
	for (const char *p = x->entry.ta; *p != '\0'; p++)
		assert_true((unsigned char)*p < 0x80 && *p != '<' && *p != ' ');
	x = &w.xs.v[2];
	assert_int_equal(x->entry.kind, SLURM_ASPA_ASSERTION);
	assert_true(x->entry.n_providers == 2 && x->entry.providers[0] == 64497);
	assert_int_equal(w.xs.v[3].entry.kind, SLURM_ASPA_FILTER);
	world_done(&w);
}

/* Before, in the last week, at the end, after it. */
static const struct {
	int64_t		 now;
	size_t		 n_work, n_ends, n_expired;
	int64_t		 next;
} moments[] = {
	{ JAN_1, 4, 0, 0, JAN_1 + 2 * DAY + DAY / 2 },
	{ JAN_1 + 2 * DAY + DAY / 2 - 1, 4, 0, 0, JAN_1 + 2 * DAY + DAY / 2 },
	{ JAN_1 + 2 * DAY + DAY / 2, 4, 1, 0, JAN_1 + 9 * DAY + DAY / 2 },
	{ JAN_1 + 9 * DAY + DAY / 2 - 1, 4, 1, 0, JAN_1 + 9 * DAY + DAY / 2 },
	{ JAN_1 + 9 * DAY + DAY / 2, 3, 0, 1, JAN_1 + 24 * DAY },
	{ JAN_1 + 31 * DAY - 1, 3, 1, 1, JAN_1 + 31 * DAY },
	{ JAN_1 + 31 * DAY, 2, 0, 2, JAN_1 + (31 + 28 + 1 - 7) * DAY },
	{ JAN_1 + (31 + 28 + 1) * DAY, 0, 0, 4, TIME_NEVER },
};

static void
ends(void **state UNUSED)
{
	for (size_t i = 0; i < ARRAY_LEN(moments); i++) {
		size_t n_ends = 0, n_expired = 0;
		struct world w;
		int64_t next;

		world_init(&w, entries);
		assert_int_equal(exceptions_compile(&w.xs, moments[i].now, w.s, &w.fs, &next), 0);
		for (const struct finding *f = w.fs.head; f != NULL; f = f->next) {
			n_ends += strcmp(f->def->code, "RPKI_EXCEPTION_ENDS") == 0;
			n_expired += strcmp(f->def->code, "RPKI_EXCEPTION_EXPIRED") == 0;
		}
		if (w.s->n != moments[i].n_work || n_ends != moments[i].n_ends ||
		    n_expired != moments[i].n_expired || next != moments[i].next)
			fail_msg("moment %zu: %zu work, %zu end, %zu expired, next %lld", i, w.s->n,
			    n_ends, n_expired, (long long)(next - JAN_1));
		world_done(&w);
	}
}

/* An asserted payload ends with its exception. */
static void
applied(void **state UNUSED)
{
	struct payloads p = { 0 };
	struct world w;
	int64_t next;

	world_init(&w, entries);
	assert_int_equal(exceptions_apply(&w.xs, JAN_1, &p, &w.fs, &next), 0);
	assert_int_equal(p.n_vrps, 1);
	assert_int_equal(p.n_aspas, 1);
	assert_true(p.vrps[0].expires == JAN_1 + 9 * DAY + DAY / 2);
	assert_string_equal(p.tas[p.aspas[0].ta], "exception-noc");
	assert_true(p.aspas[0].n_providers == 2 && p.aspas[0].providers[0] == 64497);
	payloads_done(&p);
	assert_int_equal(exceptions_apply(&w.xs, JAN_1 + 365 * DAY, &p, &w.fs, &next), 0);
	assert_int_equal(p.n_vrps + p.n_aspas, 0);
	payloads_done(&p);
	world_done(&w);
}

/* What is not of exceptions_text() is refused whole. */
static void
text_broken(void **state UNUSED)
{
	static const char *const lines[] = {
		"", "1", "1\tassert\t192.0.2.0/24\t\t\t\t\t5\to\tr\t", "1\tassert\t\t1\t\t\t\t5\to\tr\t",
		"1\tdrop\t192.0.2.0/24\t1\t\t\t\t5\to\tr\t", "1\tfilter\t192.0.2.1/24\t\t\t\t\t5\to\tr\t",
		"1\tfilter\t\t\t\t\t\t5\to\tr\t", "1\tfilter\t\t1\t\t\t\t-5\to\tr\t",
		"1\tfilter\t\t1\t\t\t\t5\t\tr\t", "1\tfilter\t\t1\t\t\t\t5\to\t\t",
		"1\tfilter\t\t1\t24\t\t\t5\to\tr\t", "1\tassert\t192.0.2.0/24\t1\t33\t\t\t5\to\tr\t",
		"1\tfilter\t\t1\t\t2\t\t5\to\tr\t", "1\tassert\t\t\t\t2\t\t5\to\tr\t",
		"1\tfilter\t\t1\t\t\t\t5\to\tr\t\t1\t\t", "1\tassert\t\t\t\t\t\t5\to\tr\t\t1\t" SKI_HEX "\t00",
		"1\tfilter\t\t\t\t\t\t5\to\tr\t\t1\t00\t", "1\tfilter\t\t1\t\t\t\t5\to\tr\t\t\t\t\tx",
		"1\tassert\t\t\t\t2\tx\t5\to\tr\t", "1\tfilter\t\t1\t\t\t2\t5\to\tr\t",
	};
	struct pool *pool = pool_new(1 << 20);
	struct exceptions xs;

	assert_int_equal(exceptions_parse(pool, SV("1\tfilter\t\t1\t\t\t\t5\to\tr\t\n"), &xs), 0);
	assert_int_equal(xs.n, 1);
	for (size_t i = 0; i < ARRAY_LEN(lines); i++) {
		char text[256];

		(void)snprintf(text, sizeof(text), "1\tfilter\t\t1\t\t\t\t5\to\tr\t\n%s\n", lines[i]);
		if (exceptions_parse(pool, sv_str(text), &xs) != -EBADMSG)
			fail_msg("taken: %s", lines[i]);
	}
	(void)pool_free(pool);
}

/* RFC 8416 sections 3.3.2 and 3.4.2: both ways, with owner, reason and end. */
static void
router_keys(void **state UNUSED)
{
	static const char text[] = "    - {action: assert, router-asn: 64496, router-key: " KEY ", " WHO "}\n"
	    "    - {action: assert, router-asn: 64497, router-key: " KEY ", " WHO "}\n"
	    "    - {action: filter, router-asn: 64498, ski: " SKI_COLONS ", " WHO "}\n";
	static const char key_64498[] = "    - {action: assert, router-asn: 64498, router-key: " KEY ", "
	    "owner: noc, reason: r, until: 2027-01-01}\n";
	struct payloads p = { 0 };
	struct world w, before;
	int64_t next;

	world_init(&before, key_64498);
	assert_int_equal(exceptions_apply(&before.xs, JAN_1, &p, &before.fs, &next), 0);
	assert_int_equal(p.n_router_keys, 1);
	world_init(&w, text);
	assert_int_equal(w.xs.v[2].entry.kind, SLURM_BGPSEC_FILTER);
	assert_true(w.xs.v[2].entry.has_ski && w.xs.v[2].entry.has_asn);
	assert_int_equal(exceptions_apply(&w.xs, JAN_1, &p, &w.fs, &next), 0);
	assert_int_equal(p.n_router_keys, 2);
	for (size_t i = 0; i < 2; i++) {
		char hex[2 * SHA1_LEN + 1];

		assert_int_equal(p.router_keys[i].asn, 64496 + i);
		assert_string_equal(hex_encode(hex, p.router_keys[i].ski, SHA1_LEN), SKI_HEX);
		assert_string_equal(p.tas[p.router_keys[i].ta], "exception-noc");
		assert_true(p.router_keys[i].expires == JAN_1 + 31 * DAY);
	}
	assert_int_equal(exceptions_apply(&w.xs, JAN_1 + 31 * DAY, &p, &w.fs, &next), 0);
	assert_true(w.fs.n_by_severity[SEV_WARN] >= 3);
	payloads_done(&p);
	world_done(&w);
	world_done(&before);
}

TESTS_MAIN("app/exceptions", T(refused), T(too_many), T(carried), T(ends), T(applied), T(router_keys),
    T(text_broken))
