/* Zone text: what is read, what is refused and where, however the text is cut. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "../tap.h"
#include "dns/dns.h"

struct text {
	struct sv	rest;
	size_t		portion;
	int		rc;		/* of the read behind the last */
};

static int
text_read(void *arg, char *dst, size_t cap, size_t *ret_n)
{
	struct text *t = arg;

	*ret_n = min_size(min_size(cap, t->portion), t->rest.n);
	if (*ret_n == 0 && t->rc < 0)
		return t->rc;
	if (*ret_n > 0)
		memcpy(dst, t->rest.p, *ret_n);
	t->rest = sv_skip(t->rest, *ret_n);
	return 0;
}

static unsigned n_opened;

/* Files to be included; "self" is without end. */
static int
include_open(void *arg UNUSED, struct sv path, void **ret)
{
	static const struct {
		const char *name, *text;
	} files[] = {
		{ "one", "b A 192.0.2.2\n$ORIGIN far.\nc A 192.0.2.3\n$TTL 9\n" },
		{ "inherits", "  A 192.0.2.9" },
		{ "self", "$INCLUDE self\n" },
		{ "bad file", "x A 1.2.3\n" },
	};
	struct text *t;

	for (size_t i = 0; i < ARRAY_LEN(files); i++)
		if (sv_eq_str(path, files[i].name)) {
			t = calloc(1, sizeof(*t));
			assert_non_null(t);
			n_opened++;
			*t = (struct text){ sv_str(files[i].text), 3, 0 };
			*ret = t;
			return 0;
		}
	return -ENOENT;
}

static void
include_close(void *arg UNUSED, void *file)
{
	free(file);
}

/* Codes that were found. */
static bool seen[DNS_CODE_MAX];

/* The records as text, and "CODE file line column" of each fault. */
static int
read_all(struct sv text, size_t portion, bool includes, bool ttl, struct buf *b)
{
	_cleanup_(pool_freep) struct pool *pool = pool_new(1 << 20);
	_cleanup_(zonefile_freep) struct zonefile *z = NULL;
	struct text t = { text, portion, 0 };
	struct zonefile_opts o = { .origin = { .len = 9, .w = "\7example" }, .name = SV("f"),
		.has_ttl = ttl, .ttl = 5, .include_close = include_close };
	struct findings fs;
	struct dns_rr rr;
	int rc;

	assert_non_null(pool);
	findings_init(&fs, pool);
	o.include_open = includes ? include_open : NULL;
	z = zonefile_new(&o, text_read, &t, &fs);
	assert_non_null(z);
	while ((rc = zonefile_next(z, &rr)) == 1)
		rr_print(b, &rr);
	for (const struct finding *f = fs.head; f != NULL; f = f->next) {
		assert_int_equal(f->def->severity, SEV_REJECT);
		seen[f->def - dns_findings] = true;
		buf_printf(b, "%s %.*s %u %u\n", f->def->code, SV_ARG(f->args[0].s),
		    (unsigned)f->args[1].u, (unsigned)f->args[2].u);
	}
	buf_char(b, '\0');
	return rc;
}

struct row {
	const char *text, *want;
};

static void
rows_check(const struct row *rows, size_t n, bool includes, bool ttl)
{
	static const size_t portions[] = { SIZE_MAX, 1, 7 };

	for (size_t i = 0; i < n; i++)
		for (size_t k = 0; k < ARRAY_LEN(portions); k++) {
			_cleanup_(buf_done) struct buf b = BUF_INIT;

			assert_int_equal(read_all(sv_str(rows[i].text), portions[k], includes, ttl, &b), 0);
			assert_string_equal(b.p, rows[i].want);
		}
}

static void
records(void **state UNUSED)
{
	static const struct row rows[] = {
		{ "", "" },
		{ "\n \n\t; x\n;y\n\r\n", "" },
		{ "a A 192.0.2.1\n", "a.example.\t5\tIN\tA\t192.0.2.1\n" },
		{ "a A 192.0.2.1", "a.example.\t5\tIN\tA\t192.0.2.1\n" },
		{ "\xef\xbb\xbf" "a A 192.0.2.1", "a.example.\t5\tIN\tA\t192.0.2.1\n" },
		{ "a 1h in a 192.0.2.1\r\n\tIN 7 A 192.0.2.2\r\n",
		    "a.example.\t3600\tIN\tA\t192.0.2.1\na.example.\t7\tIN\tA\t192.0.2.2\n" },
		/* RFC 1035 section 5.1: the last TTL said; RFC 2308 section 4: $TTL is before it. */
		{ "a 7 A 192.0.2.1\nb A 192.0.2.1\n$TTL 8\nc A 192.0.2.1\nd 9 A 192.0.2.1\ne A 192.0.2.1\n",
		    "a.example.\t7\tIN\tA\t192.0.2.1\nb.example.\t7\tIN\tA\t192.0.2.1\n"
		    "c.example.\t8\tIN\tA\t192.0.2.1\nd.example.\t9\tIN\tA\t192.0.2.1\n"
		    "e.example.\t8\tIN\tA\t192.0.2.1\n" },
		/* RFC 2308 section 4: signatures have one in their data; it does not become the next record's. */
		{ "$TTL 8\na RRSIG A 13 2 60 20261201000000 20261101000000 1 @ AAAA\n"
		    "a 9 RRSIG A 13 2 60 20261201000000 20261101000000 1 @ AAAA\na A 192.0.2.1\n",
		    "a.example.\t60\tIN\tRRSIG\tA 13 2 60 20261201000000 20261101000000 1 example. AAAA\n"
		    "a.example.\t9\tIN\tRRSIG\tA 13 2 60 20261201000000 20261101000000 1 example. AAAA\n"
		    "a.example.\t8\tIN\tA\t192.0.2.1\n" },
		{ "@ MX 10 @\n$ORIGIN sub\n  NS a\na NS b.\n$origin .\nc NS d\n",
		    "example.\t5\tIN\tMX\t10 example.\nexample.\t5\tIN\tNS\ta.sub.example.\n"
		    "a.sub.example.\t5\tIN\tNS\tb.\nc.\t5\tIN\tNS\td.\n" },
		{ "a SOA ns root ( 1 ; serial )\n 1h 1m\n1w\n\t5 ) ; end\nb A 192.0.2.1\n",
		    "a.example.\t5\tIN\tSOA\tns.example. root.example. 1 3600 60 604800 5\n"
		    "b.example.\t5\tIN\tA\t192.0.2.1\n" },
		{ "a TXT \"one;two\" three\\ four \"\" \"a\\\"b\"\n",
		    "a.example.\t5\tIN\tTXT\t\"one;two\" \"three four\" \"\" \"a\\\"b\"\n" },
		{ "a TXT \"x\ny\" z ; \"\n  TXT ( \"p\"\n\"q\" )\n",
		    "a.example.\t5\tIN\tTXT\t\"x\\010y\" \"z\"\na.example.\t5\tIN\tTXT\t\"p\" \"q\"\n" },
		{ "a\\.b A 192.0.2.1\n\\@ A 192.0.2.1\n\\$x A 192.0.2.1\nin A 192.0.2.1\n",
		    "a\\.b.example.\t5\tIN\tA\t192.0.2.1\n\\@.example.\t5\tIN\tA\t192.0.2.1\n"
		    "\\$x.example.\t5\tIN\tA\t192.0.2.1\nin.example.\t5\tIN\tA\t192.0.2.1\n" },
		{ "a TYPE65280 \\# 3 01 0 203\nb A \\# 4 c0000201\nc APL\n",
		    "a.example.\t5\tIN\tTYPE65280\t\\# 3 010203\nb.example.\t5\tIN\tA\t192.0.2.1\n"
		    "c.example.\t5\tIN\tAPL\n" },
		/* The same text is another name below another origin. */
		{ "a A 192.0.2.1\na A 192.0.2.2\n$ORIGIN x.\na A 192.0.2.3\n",
		    "a.example.\t5\tIN\tA\t192.0.2.1\na.example.\t5\tIN\tA\t192.0.2.2\na.x.\t5\tIN\tA\t192.0.2.3\n" },
	};

	rows_check(rows, ARRAY_LEN(rows), false, true);
}

static void
faults(void **state UNUSED)
{
	/* The last line shows that the reader goes on behind the fault. */
	static const struct row rows[] = {
		{ "a A ( 192.0.2.1\n\n", "ZONE_PAREN f 1 5\n" },
		{ "a A ( 192.0.2.1\nb A 192.0.2.1\n",
		    "b.example.\t5\tIN\tA\t192.0.2.1\nZONE_RDATA f 2 1\nZONE_PAREN f 1 5\n" },
		{ "a A 192.0.2.1 )\nb A 192.0.2.1\n", "b.example.\t5\tIN\tA\t192.0.2.1\nZONE_PAREN f 1 15\n" },
		{ "a IP (\n x\n)\nb A 192.0.2.1\n", "b.example.\t5\tIN\tA\t192.0.2.1\nZONE_TYPE f 1 3\n" },
		{ "a IP (\nb A 192.0.2.1\n",
		    "b.example.\t5\tIN\tA\t192.0.2.1\nZONE_TYPE f 1 3\nZONE_PAREN f 1 6\n" },
		{ "a TXT \"x\nb A 192.0.2.1\n", "b.example.\t5\tIN\tA\t192.0.2.1\nZONE_QUOTE f 1 7\n" },
		{ "a TXT \"x\nb TXT \"y\"\n", "b.example.\t5\tIN\tTXT\t\"y\"\nZONE_QUOTE f 1 7\n" },
		{ "a TXT x\"y\"\nb TXT \"x\"\"y\"\nc TXT \"\\\"\n", "ZONE_QUOTE f 1 8\nZONE_QUOTE f 2 7\nZONE_QUOTE f 3 7\n" },
		{ "\"a\" A 192.0.2.1\n A 192.0.2.2\n", "ZONE_NAME f 1 1\n" },
		{ "a A 192.0.2.1 \001\nb A \001\n", "ZONE_CHARACTER f 1 15\nZONE_CHARACTER f 2 5\n" },
		{ "\n A 192.0.2.1\n", "ZONE_NO_OWNER f 2 2\n" },
		/* What inherits a name that is none has none, and that was said. */
		{ "a..b A 192.0.2.1\n A 192.0.2.2\nb A 192.0.2.3\n A 192.0.2.4\n",
		    "b.example.\t5\tIN\tA\t192.0.2.3\nb.example.\t5\tIN\tA\t192.0.2.4\nZONE_NAME f 1 1\n" },
		{ "a A 1\n A 192.0.2.2\n", "a.example.\t5\tIN\tA\t192.0.2.2\nZONE_RDATA f 1 5\n" },
		{ "a 1x A 192.0.2.1\na 2147483648 A 192.0.2.1\n$TTL -1\n$TTL\n",
		    "ZONE_TTL f 1 3\nZONE_TTL f 2 3\nZONE_TTL f 3 6\nZONE_DIRECTIVE f 4 5\n" },
		{ "a CH A 192.0.2.1\na CLASS4 A 192.0.2.1\n", "ZONE_CLASS f 1 3\nZONE_CLASS f 2 3\n" },
		{ "a FOO x\na\na IN\na \"A\" 192.0.2.1\na 5 6 A 192.0.2.1\na IN IN A 192.0.2.1\na TYPE65536 \\# 0\n",
		    "ZONE_TYPE f 1 3\nZONE_TYPE f 2 2\nZONE_TYPE f 3 5\nZONE_TYPE f 4 3\nZONE_TYPE f 5 5\n"
		    "ZONE_TYPE f 6 6\nZONE_TYPE f 7 3\n" },
		{ "a OPT \\# 0\na ANY \\# 0\na TYPE200 \\# 0\n",
		    "ZONE_META_TYPE f 1 3\nZONE_META_TYPE f 2 3\nZONE_META_TYPE f 3 3\n" },
		{ "a A 192.0.2.1 x\na MX 10\na TXT\na TYPE65280 x\na A \\# 3 010203\n",
		    "ZONE_RDATA f 1 15\nZONE_RDATA f 2 8\nZONE_RDATA f 3 6\nZONE_RDATA f 4 13\nZONE_RDATA f 5 16\n" },
		{ "$FOO 1\n$ORIGIN\n$ORIGIN a b\n$ORIGIN ..\n$TTL 1 2\n$ORIGIN \"a\"\n",
		    "ZONE_DIRECTIVE f 1 1\nZONE_DIRECTIVE f 2 8\nZONE_DIRECTIVE f 3 11\nZONE_NAME f 4 9\n"
		    "ZONE_DIRECTIVE f 5 8\nZONE_DIRECTIVE f 6 9\n" },
		{ "$GENERATE 1-9 a$ A 192.0.2.$\nb A 192.0.2.1\n",
		    "b.example.\t5\tIN\tA\t192.0.2.1\nZONE_GENERATE f 1 1\n" },
		{ "$INCLUDE one\n", "ZONE_INCLUDE_REFUSED f 1 10\n" },
		{ "a A (\n192.0.2.1\n192.0.2.2 )\n", "ZONE_RDATA f 3 1\n" },
	};
	static const struct row no_ttl[] = {
		{ "a A 192.0.2.1\na 5 A 192.0.2.2\na A 192.0.2.3\n",
		    "a.example.\t5\tIN\tA\t192.0.2.2\na.example.\t5\tIN\tA\t192.0.2.3\nZONE_NO_TTL f 1 3\n" },
	};

	rows_check(rows, ARRAY_LEN(rows), false, true);
	rows_check(no_ttl, ARRAY_LEN(no_ttl), false, false);
}

static void
includes(void **state UNUSED)
{
	static const struct row rows[] = {
		/* Origin and name come back, the TTL stays. */
		{ "a A 192.0.2.1\n$INCLUDE one\n A 192.0.2.4\nd A 192.0.2.5",
		    "a.example.\t5\tIN\tA\t192.0.2.1\nb.example.\t5\tIN\tA\t192.0.2.2\n"
		    "c.far.\t5\tIN\tA\t192.0.2.3\na.example.\t9\tIN\tA\t192.0.2.4\nd.example.\t9\tIN\tA\t192.0.2.5\n" },
		{ "$INCLUDE \"one\" sub ; x\n", "b.sub.example.\t5\tIN\tA\t192.0.2.2\nc.far.\t5\tIN\tA\t192.0.2.3\n" },
		{ "a A 192.0.2.1\n$INCLUDE inherits\n", "a.example.\t5\tIN\tA\t192.0.2.1\na.example.\t5\tIN\tA\t192.0.2.9\n" },
		{ "$INCLUDE \"bad file\"\nb A 192.0.2.2\n", "b.example.\t5\tIN\tA\t192.0.2.2\nZONE_RDATA bad file 1 5\n" },
		{ "$INCLUDE one\n A 192.0.2.4\n", "b.example.\t5\tIN\tA\t192.0.2.2\nc.far.\t5\tIN\tA\t192.0.2.3\nZONE_NO_OWNER f 2 2\n" },
		{ "$INCLUDE none\n", "ZONE_INCLUDE_OPEN f 1 10\n" },
		{ "$INCLUDE\n$INCLUDE one ..\n$INCLUDE one a b\n$INCLUDE one \"x\"\n",
		    "ZONE_DIRECTIVE f 1 9\nZONE_NAME f 2 14\nZONE_DIRECTIVE f 3 16\nZONE_DIRECTIVE f 4 14\n" },
	};

	static const struct row self[] = {
		{ "$INCLUDE self\na A 192.0.2.1\n", "a.example.\t5\tIN\tA\t192.0.2.1\nZONE_INCLUDE_DEPTH self 1 10\n" },
	};

	rows_check(rows, ARRAY_LEN(rows), true, true);
	n_opened = 0;
	rows_check(self, ARRAY_LEN(self), true, true);
	assert_int_equal(n_opened, 3 * ZONEFILE_INCLUDE_MAX);
}

/* A text of so many bytes: what stands at its ends, and a filling. */
static struct sv
filled(const char *begin, char fill, size_t n, const char *end, struct buf *b)
{
	buf_str(b, begin);
	for (size_t i = 0; i < n; i++)
		buf_char(b, fill);
	buf_str(b, end);
	return buf_get(b);
}

static void
limits(void **state UNUSED)
{
	static const struct {
		const char	*begin;
		char		 fill;
		size_t		 n;
		const char	*end, *want;
	} rows[] = {
		/* A comment of any length is no entry's text beyond the limit. */
		{ "a A 192.0.2.1 ;", 'x', ZONEFILE_ENTRY_MAX - 100, "\n", "a.example.\t5\tIN\tA\t192.0.2.1\n" },
		{ "a A ", ' ', ZONEFILE_ENTRY_MAX - 100, "192.0.2.1\n", "a.example.\t5\tIN\tA\t192.0.2.1\n" },
		{ "a A ", ' ', 2 * ZONEFILE_ENTRY_MAX, "192.0.2.1\nb A 192.0.2.2\n",
		    "b.example.\t5\tIN\tA\t192.0.2.2\nZONE_TOO_LONG f 1 1\n" },
		{ "a A (", '\n', 2 * ZONEFILE_ENTRY_MAX, "192.0.2.1 )\nb A 192.0.2.2\n",
		    "b.example.\t5\tIN\tA\t192.0.2.2\nZONE_PAREN f 1 5\nZONE_PAREN f 1048577 11\n" },
		{ "a TYPE65280 \\# 65535 ", '0', 2 * 65535, "\nb A 192.0.2.2\n", NULL },
		{ "a TYPE65280 \\# 65535 ", '0', 2 * 65536, "\n", "ZONE_RDATA f 1 131094\n" },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		_cleanup_(buf_done) struct buf b = BUF_INIT, out = BUF_INIT;
		struct sv text = filled(rows[i].begin, rows[i].fill, rows[i].n, rows[i].end, &b);

		assert_int_equal(read_all(text, SIZE_MAX, false, true, &out), 0);
		if (rows[i].want != NULL)
			assert_string_equal(out.p, rows[i].want);
		else
			assert_true(out.len > 131000);
	}
}

static void
enough(void **state UNUSED)
{
	_cleanup_(buf_done) struct buf b = BUF_INIT, out = BUF_INIT;
	struct sv text = filled("", '\n', 0, "", &b), line;
	unsigned n = 0;

	for (unsigned i = 0; i < 3 * ZONEFILE_ERRORS_MAX; i++)
		buf_str(&b, "a FOO x\n");
	assert_int_equal(read_all(buf_get(&b), SIZE_MAX, false, true, &out), 0);
	text = sv_take(buf_get(&out), out.len - 1);
	while (sv_line(&text, &line))
		n++;
	assert_int_equal(n, ZONEFILE_ERRORS_MAX + 1);
	assert_true(sv_starts(line, SV("ZONE_ERRORS f 100 1")));
}

/* The tests above met each code. */
static void
each_code(void **state UNUSED)
{
	static const enum dns_code codes[] = { ZONE_PAREN, ZONE_QUOTE, ZONE_CHARACTER, ZONE_TOO_LONG, ZONE_NO_OWNER,
		ZONE_NAME, ZONE_TTL, ZONE_NO_TTL, ZONE_CLASS, ZONE_TYPE, ZONE_META_TYPE, ZONE_RDATA, ZONE_DIRECTIVE,
		ZONE_GENERATE, ZONE_INCLUDE_REFUSED, ZONE_INCLUDE_OPEN, ZONE_INCLUDE_DEPTH, ZONE_ERRORS };

	for (size_t i = 0; i < ARRAY_LEN(codes); i++)
		assert_true(seen[codes[i]]);
}

/* A failure to read is no fault of the text. */
static void
unreadable(void **state UNUSED)
{
	_cleanup_(pool_freep) struct pool *pool = pool_new(1 << 20);
	_cleanup_(zonefile_freep) struct zonefile *z = NULL;
	struct text t = { SV("a 1 A 192.0.2.1\nb 1 A 192.0.2.2"), 4, -EIO };
	struct zonefile_opts o = { .origin = DNAME_ROOT, .name = SV("f") };
	struct findings fs;
	struct dns_rr rr;

	findings_init(&fs, pool);
	z = zonefile_new(&o, text_read, &t, &fs);
	assert_non_null(z);
	assert_int_equal(zonefile_next(z, &rr), -EIO);
	assert_null(fs.head);
}

/* Each record's line, and that of one over several is where it begins. */
static void
lines(void **state UNUSED)
{
	static const unsigned want[] = { 2, 3, 6, 7 };
	_cleanup_(pool_freep) struct pool *pool = pool_new(1 << 20);
	_cleanup_(zonefile_freep) struct zonefile *z = NULL;
	struct text t = { SV("\na 1 A 192.0.2.1\n TXT (\n\"x\ny\" )\nb A 192.0.2.2\nc A 192.0.2.3"), 5, 0 };
	struct zonefile_opts o = { .origin = DNAME_ROOT, .name = SV("f") };
	struct findings fs;
	struct dns_rr rr;

	findings_init(&fs, pool);
	z = zonefile_new(&o, text_read, &t, &fs);
	assert_non_null(z);
	for (size_t i = 0; i < ARRAY_LEN(want); i++) {
		assert_int_equal(zonefile_next(z, &rr), 1);
		assert_int_equal(rr.line, want[i]);
		assert_int_equal(rr.class, DNS_CLASS_IN);
	}
	assert_int_equal(zonefile_next(z, &rr), 0);
	assert_int_equal(zonefile_next(z, &rr), 0);
}

TESTS_MAIN("dns/zonefile", T(records), T(faults), T(includes), T(limits), T(enough), T(each_code), T(unreadable), T(lines))
