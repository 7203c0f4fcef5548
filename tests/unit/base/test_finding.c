#include "../tap.h"
#include "base/finding.h"

#define LEVEL_ROW(code, sev)	\
	{ #code, SEV_##sev, "RFC 0 section 1", "{n} and {who} in {px}, {n}", "r", "h", "g", "b" }

static const struct finding_def defs[] = {
	LEVEL_ROW(T_NOTE, NOTE),
	LEVEL_ROW(T_WARN, WARN),
	LEVEL_ROW(T_REJECT, REJECT),
};

static void
order_and_counts(void **state UNUSED)
{
	_cleanup_(pool_freep) struct pool *p = pool_new(1 << 20);
	struct findings fs;
	size_t i = 0;

	findings_init(&fs, p);
	assert_false(findings_reject(&fs));
	for (i = 0; i < 6; i++) {
		fs.subject = i % 2 == 0 ? SV("even") : SV("odd");
		finding_add(&fs, &defs[i % 3], FA_U("n", i));
	}
	assert_int_equal(fs.n_kept, 6);
	for (int s = 0; s < SEV_MAX; s++)
		assert_int_equal(fs.n_by_severity[s], 2);
	assert_true(findings_reject(&fs));
	i = 0;
	for (const struct finding *f = fs.head; f != NULL; f = f->next, i++) {
		assert_ptr_equal(f->def, &defs[i % 3]);
		assert_int_equal(f->args[0].u, i);
		assert_true(sv_eq(f->subject, i % 2 == 0 ? SV("even") : SV("odd")));
	}
	assert_int_equal(i, 6);
}

static void
arguments_are_copied(void **state UNUSED)
{
	_cleanup_(pool_freep) struct pool *p = pool_new(1 << 20);
	struct findings fs;
	char who[] = "alice", subject[] = "s1";

	findings_init(&fs, p);
	fs.subject = sv_str(subject);
	finding_add(&fs, &defs[0], FA_STR("who", who), FA_HEX("n", "\x01\xff", 2));
	memset(who, 'x', 5);
	memset(subject, 'x', 2);
	assert_true(sv_eq(fs.head->args[0].s, SV("alice")));
	assert_true(sv_eq(fs.head->subject, SV("s1")));
}

static void
cap(void **state UNUSED)
{
	_cleanup_(pool_freep) struct pool *p = pool_new(64 << 20);
	struct findings fs;

	findings_init(&fs, p);
	for (int i = 0; i < FINDINGS_MAX + 10; i++)
		finding_add0(&fs, &defs[2]);
	assert_int_equal(fs.n_kept, FINDINGS_MAX);
	assert_int_equal(fs.n_dropped, 10);
	assert_int_equal(fs.n_by_severity[SEV_REJECT], FINDINGS_MAX + 10);
}

static void
without_memory_it_still_counts(void **state UNUSED)
{
	_cleanup_(pool_freep) struct pool *p = pool_new(8);
	struct findings fs;

	findings_init(&fs, p);
	finding_add(&fs, &defs[2], FA_U("n", 1));
	assert_null(fs.head);
	assert_int_equal(fs.n_dropped, 1);
	assert_true(findings_reject(&fs));
}

static void
append(void **state UNUSED)
{
	_cleanup_(pool_freep) struct pool *p = pool_new(1 << 20);
	struct pool *q = pool_new(1 << 20);
	struct findings a, b;

	findings_init(&a, p);
	findings_init(&b, q);
	a.subject = SV("a");
	finding_add0(&a, &defs[0]);
	b.subject = SV("b");
	finding_add(&b, &defs[2], FA_STR("who", "bob"));
	b.n_dropped = 3;
	b.n_by_severity[SEV_REJECT] += 3;
	findings_append(&a, &b);
	q = pool_free(q);		/* deep copies only */
	assert_int_equal(a.n_kept, 2);
	assert_int_equal(a.n_dropped, 3);
	assert_int_equal(a.n_by_severity[SEV_REJECT], 4);
	assert_true(sv_eq(a.head->next->subject, SV("b")));
	assert_true(sv_eq(a.head->next->args[0].s, SV("bob")));
	assert_true(sv_eq(a.subject, SV("a")));
}

static void
text(void **state UNUSED)
{
	_cleanup_(pool_freep) struct pool *p = pool_new(1 << 20);
	struct ip_prefix px = { .af = IP_V4, .len = 8, .addr = { 10 } };
	struct buf b = BUF_INIT;
	struct findings fs;

	findings_init(&fs, p);
	finding_add(&fs, &defs[0], FA_PREFIX("px", px), FA_U("n", 7));
	finding_text(&b, fs.head, LANG_EN);
	assert_true(sv_eq(buf_get(&b), SV("7 and ? in 10.0.0.0/8, 7")));
	buf_done(&b);
}

/* Words that somebody made in both languages: each reader gets his own. */
static void
languages(void **state UNUSED)
{
	_cleanup_(pool_freep) struct pool *p = pool_new(1 << 20);
	const struct farg args[] = { FA_STR("n", "seven"), FA_STR("n_ja", "7") };
	struct buf en = BUF_INIT, ja = BUF_INIT;
	struct findings fs;

	findings_init(&fs, p);
	finding_add_args(&fs, &defs[0], args, 2);
	finding_text(&en, fs.head, LANG_EN);
	finding_text(&ja, fs.head, LANG_JA);
	assert_true(sv_starts(buf_get(&en), SV("seven and ")) && sv_starts(buf_get(&ja), SV("7 and ")));
	buf_done(&en);
	buf_done(&ja);
}

/* A reason of ours is translated, a stranger's text that looks like one is not. */
static void
reasons(void **state UNUSED)
{
	_cleanup_(pool_freep) struct pool *p = pool_new(1 << 20);
	const char *msg = N_("the list is empty");
	const struct farg args[] = { FA_MSG("n", msg), FA_STR("n", msg) };

	for (size_t i = 0; i < ARRAY_LEN(args); i++) {
		struct buf b = BUF_INIT;
		struct findings fs;

		findings_init(&fs, p);
		finding_add_args(&fs, &defs[0], &args[i], 1);
		finding_text(&b, fs.head, LANG_JA);
		assert_true(sv_starts(buf_get(&b), sv_str(tr(i == 0 ? LANG_JA : LANG_EN, msg))));
		buf_done(&b);
	}
	assert_true(strcmp(tr(LANG_JA, msg), msg) != 0);
}

static void
values(void **state UNUSED)
{
	static const struct {
		struct farg	 a;
		const char	*want;
	} rows[] = {
		{ { .type = FARG_U64, .u = UINT64_MAX }, "18446744073709551615" },
		{ { .type = FARG_TIME, .u = 1691132400 }, "2023-08-04T07:00:00Z" },
		{ { .type = FARG_TIME, .u = (uint64_t)-1 }, "1969-12-31T23:59:59Z" },
		{ { .type = FARG_ASN, .u = 64496 }, "AS64496" },
		{ { .type = FARG_HEX, .s = { "\x00\xab", 2 } }, "00ab" },
		{ { .type = FARG_STR, .s = { "{n}", 3 } }, "{n}" },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct buf b = BUF_INIT;

		farg_print(&b, &rows[i].a);
		assert_true(sv_eq(buf_get(&b), sv_str(rows[i].want)));
		buf_done(&b);
	}
}

static void
as_json(void **state UNUSED)
{
	_cleanup_(pool_freep) struct pool *p = pool_new(1 << 20);
	struct buf b = BUF_INIT;
	struct json j = json_on(&b, false);
	struct findings fs;

	findings_init(&fs, p);
	fs.subject = SV("rsync://x/\"y\"");
	finding_add(&fs, &defs[1], FA_U("n", 7), FA_STR("who", "a\nb"));
	finding_json(&j, fs.head, LANG_EN);
	assert_true(sv_eq(buf_get(&b), SV("{\"subject\":\"rsync://x/\\\"y\\\"\","
	    "\"code\":\"T_WARN\",\"severity\":\"WARN\",\"clause\":\"RFC 0 section 1\","
	    "\"args\":{\"n\":7,\"who\":\"a\\nb\"},\"text\":\"7 and a\\nb in ?, 7\"}")));
	buf_done(&b);
}

static void
severities(void **state UNUSED)
{
	assert_string_equal(severity_name(SEV_NOTE), "NOTE");
	assert_string_equal(severity_name(SEV_WARN), "WARN");
	assert_string_equal(severity_name(SEV_REJECT), "REJECT");
	assert_string_equal(severity_name(SEV_MAX), "?");
}

TESTS_MAIN("base/finding", T(order_and_counts), T(arguments_are_copied), T(cap),
    T(without_memory_it_still_counts), T(append), T(text), T(languages), T(reasons), T(values),
    T(as_json), T(severities))
