/* The text form: what is taken, what is refused and where, and the way back. */
#include <errno.h>

#include "../tap.h"
#include "dnssec/timeline_limits.h"
#include "timeline_world.h"

static const char whole[] =
	"skew 300\nstrict no\n"
	"key k 13\nkey z 8\n"
	"secure 0 never\nsecure 5 9\n"
	"ds d k z\nserve d 0 never 86400\nserve d 7 9 0\n"
	"ds n none\n"
	"dnskey ks keys k z sigs k:0:never z:1:2\nserve ks 1 2 3\n"
	"dnskey empty keys sigs\n"
	"data s A sigs z:0:1099511627776\n"
	"data u TXT unsigned\nserve u 0 1099511627776 2147483647\n";

static void
test_round(void **state)
{
	struct timeline *h = read_history(whole);
	struct buf b = BUF_INIT;

	(void)state;
	timeline_print(h, &b);
	assert_text(&b, whole);
	(void)timeline_free(h);
}

/* In any order, with comments, blanks and an empty end. */
static void
test_loose(void **state)
{
	struct timeline *h = read_history("  serve d 0 never 60 # how long\r\n\n#\nds d k\n\tkey k 15\ndata s A sigs");
	struct buf b = BUF_INIT;

	(void)state;
	timeline_print(h, &b);
	assert_text(&b, "skew 0\nstrict yes\nkey k 15\nds d k\nserve d 0 never 60\ndata s A unsigned\n");
	(void)timeline_free(h);
}

static void
refused_at(const char *text, unsigned line)
{
	struct timeline *h = NULL;
	struct said s;

	said_init(&s);
	if (timeline_parse(sv_str(text), &s.fs, &h) != SE_SYNTAX)
		fail_msg("taken: %s", text);
	assert_null(h);
	assert_codes(&s.fs, "ROLL_TEXT ");
	if (s.fs.head->args[0].u != line)
		fail_msg("line %u, not %u: %s", (unsigned)s.fs.head->args[0].u, line, text);
	said_done(&s);
}

static void
test_refused(void **state)
{
	static const struct {
		const char	*text;
		unsigned	 line;
	} rows[] = {
		{ "bogus", 1 }, { "key", 1 }, { "key k", 1 }, { "key k 256", 1 }, { "key k -1", 1 }, { "key k 8 8", 1 },
		{ "key a:b 8", 1 }, { "key none 8", 1 }, { "key sigs 8", 1 }, { "key k 8\nkey k 8", 2 },
		{ "skew", 1 }, { "skew x", 1 }, { "skew 31622401", 1 }, { "skew 1\n\nskew 1", 3 }, { "skew never", 1 },
		{ "strict", 1 }, { "strict maybe", 1 }, { "strict yes\nstrict yes", 2 },
		{ "ds", 1 }, { "ds d", 1 }, { "ds d k", 1 }, { "key k 8\nds d k none", 2 }, { "key k 8\nds d none k", 2 },
		{ "ds d none\nds d none", 2 }, { "ds d none\ndata d A unsigned", 2 },
		{ "dnskey k", 1 }, { "dnskey k sigs", 1 }, { "dnskey k keys", 1 }, { "dnskey k keys x sigs", 1 },
		{ "key k 8\ndnskey s keys k sigs x:0:1", 2 }, { "key k 8\ndnskey s keys k sigs k:0", 2 },
		{ "key k 8\ndnskey s keys k sigs k:never:never", 2 }, { "key k 8\ndnskey s keys k sigs k:0:1:2", 2 },
		{ "data s", 1 }, { "data s A", 1 }, { "data s A signed", 1 }, { "data s A unsigned sigs", 1 },
		{ "data s unsigned unsigned", 1 },
		{ "serve x 0 1 1", 1 }, { "ds d none\nserve d 0", 2 }, { "ds d none\nserve d 0 0 1", 2 },
		{ "ds d none\nserve d 2 1 1", 2 }, { "ds d none\nserve d never never 1", 2 },
		{ "ds d none\nserve d 0 1 2147483648", 2 }, { "ds d none\nserve d 0 1099511627777 0", 2 },
		{ "ds d none\nserve d 0 1 never", 2 }, { "ds d none\nserve d 0 1 1 1", 2 },
		{ "secure", 1 }, { "secure 0", 1 }, { "secure 1 1", 1 }, { "secure 0 1 2", 1 },
		{ "key k\xff 8", 1 },
		{ "key a123456789012345678901234567890123456789012345678901234567890123 8", 1 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		refused_at(rows[i].text, rows[i].line);
}

/* One of each more than the limit. */
static void
test_limits(void **state)
{
	struct buf b = BUF_INIT;

	(void)state;
	for (unsigned i = 0; i <= TIMELINE_KEYS_MAX; i++)
		buf_printf(&b, "key k%u 8\n", i);
	buf_char(&b, '\0');
	refused_at(b.p, TIMELINE_KEYS_MAX + 1);
	b.len = 0;
	for (unsigned i = 0; i <= TIMELINE_VERSIONS_MAX; i++)
		buf_printf(&b, "ds d%u none\n", i);
	buf_char(&b, '\0');
	refused_at(b.p, TIMELINE_VERSIONS_MAX + 1);
	b.len = 0;
	buf_str(&b, "ds d none\n");
	for (unsigned i = 0; i <= TIMELINE_PARTS_MAX; i++)
		buf_printf(&b, "serve d %u never 0\n", i);
	buf_char(&b, '\0');
	refused_at(b.p, TIMELINE_PARTS_MAX + 2);
	b.len = 0;
	buf_str(&b, "key k 8\ndata s A sigs");
	for (unsigned i = 0; i <= TIMELINE_PARTS_MAX; i++)
		buf_printf(&b, " k:%u:never", i);
	buf_char(&b, '\0');
	refused_at(b.p, 2);
	b.len = 0;
	for (unsigned i = 0; i <= TIMELINE_TEXT_MAX; i++)
		buf_char(&b, '\n');
	buf_char(&b, '\0');
	refused_at(b.p, 0);
	buf_done(&b);
}

/* The model refuses what the text form would, by code. */
static void
test_model(void **state)
{
	_cleanup_(timeline_freep) struct timeline *h = timeline_new();
	struct timeline_sig sig = { .inc = -1, .exp = 5 };
	struct timeline_serve serve = { { 5, 5 }, 1 };
	unsigned k, d, s;

	(void)state;
	assert_int_equal(timeline_key_add(h, SV("k"), 8, &k), 0);
	assert_int_equal(timeline_key_add(h, SV("k"), 8, &k), -EEXIST);
	assert_int_equal(timeline_key_add(h, SV("a b"), 8, &k), -EINVAL);
	assert_int_equal(timeline_version_add(h, TIMELINE_DS, SV("d"), SV(""), &d), 0);
	assert_int_equal(timeline_version_add(h, TIMELINE_DS, SV("e"), SV("A"), &s), -EINVAL);
	assert_int_equal(timeline_version_add(h, TIMELINE_DATA, SV("s"), SV(""), &s), -EINVAL);
	assert_int_equal(timeline_version_add(h, TIMELINE_DATA, SV("s"), SV("A"), &s), 0);
	assert_int_equal(timeline_version_key(h, d, k), 0);
	assert_int_equal(timeline_version_key(h, d, k), 0);
	assert_int_equal(timeline_version(h, d)->n_keys, 1);
	assert_int_equal(timeline_version_key(h, s, k), -EINVAL);
	assert_int_equal(timeline_version_sig(h, d, &sig), -EINVAL);
	assert_int_equal(timeline_version_sig(h, s, &sig), -ERANGE);
	assert_int_equal(timeline_serve_add(h, s, &serve), -ERANGE);
	assert_int_equal(timeline_version_find(h, SV("s"), &k), 0);
	assert_int_equal(k, s);
	assert_int_equal(timeline_version_find(h, SV("t"), &k), -ENOENT);
	assert_int_equal(timeline_key_find(h, SV("t"), &k), -ENOENT);
	assert_null(timeline_version(h, 2));
	assert_null(timeline_key(h, 1));
}

static void
test_step_text(void **state)
{
	static const char step_text[] = "stop d\nserve n 900 after 5\nwithdraw k after 60\nunsign z\n"
	    "insecure-ok after 2147483647\n";
	static const char *const refused[] = {
		"halt d", "stop", "stop x", "serve d", "serve d x", "withdraw d", "unsign d", "stop d after",
		"stop d after x", "stop d 5", "stop d after 5 5", "insecure-ok d", "stop d after 2147483648",
	};
	struct timeline *h = read_history(whole);
	struct timeline_step step;
	struct buf b = BUF_INIT;
	struct said s;

	(void)state;
	said_init(&s);
	assert_int_equal(timeline_step_parse(h, sv_str(step_text), &s.fs, &step), 0);
	assert_int_equal(step.n_edits, 5);
	timeline_step_print(h, &step, &b);
	assert_text(&b, step_text);
	for (size_t i = 0; i < ARRAY_LEN(refused); i++)
		if (timeline_step_parse(h, sv_str(refused[i]), &s.fs, &step) != SE_SYNTAX)
			fail_msg("taken: %s", refused[i]);
	assert_int_equal(s.fs.n_kept, ARRAY_LEN(refused));
	for (unsigned i = 0; i <= TIMELINE_EDITS_MAX; i++)
		buf_str(&b, "stop d\n");
	assert_int_equal(timeline_step_parse(h, buf_get(&b), &s.fs, &step), SE_SYNTAX);
	buf_done(&b);
	said_done(&s);
	(void)timeline_free(h);
}

TESTS_MAIN("timeline_text", T(test_round), T(test_loose), T(test_refused), T(test_limits), T(test_model),
    T(test_step_text))
