/* SPF records as text: what can be read, what cannot and where, what should be mended. */
#include <stdio.h>

#include "../tap.h"
#include "mail/spf.h"

#define POOL_MAX	(256 * 1024)

static struct spf_record *
parse(struct pool *pool, const char *text, struct findings *fs)
{
	struct spf_record *r = NULL;

	findings_init(fs, pool);
	assert_int_equal(spf_record_parse(pool, sv_str(text), fs, &r), 0);
	return r;
}

static bool
has_code(const struct findings *fs, enum spf_code code)
{
	for (const struct finding *f = fs->head; f != NULL; f = f->next)
		if (f->def == &spf_findings[code])
			return true;
	return false;
}

/* --- what can be read --- */

static const struct {
	const char		*text, *domain;
	enum spf_mechanism	 mechanism;
	enum mail_result	 result;
	unsigned		 len4, len6;
} terms[] = {
	{ "all", "", SPF_ALL, MAIL_PASS, 0, 0 },
	{ "-ALL", "", SPF_ALL, MAIL_FAIL, 0, 0 },
	{ "~all", "", SPF_ALL, MAIL_SOFTFAIL, 0, 0 },
	{ "?a", "", SPF_A, MAIL_NEUTRAL, 32, 128 },
	{ "+a:b.example/24", "b.example", SPF_A, MAIL_PASS, 24, 128 },
	{ "mx//64", "", SPF_MX, MAIL_PASS, 32, 64 },
	{ "mx:b.example/0//0", "b.example", SPF_MX, MAIL_PASS, 0, 0 },
	{ "a:b/c.example", "b/c.example", SPF_A, MAIL_PASS, 32, 128 },
	{ "a:b/8.example.", "b/8.example.", SPF_A, MAIL_PASS, 32, 128 },
	{ "a:%{d/}/9", "%{d/}", SPF_A, MAIL_PASS, 9, 128 },
	{ "a:b%%", "b%%", SPF_A, MAIL_PASS, 32, 128 },
	{ "a:%{d}.x-1y", "%{d}.x-1y", SPF_A, MAIL_PASS, 32, 128 },
	{ "include:%{ir}.%{v}._spf.%{d2}", "%{ir}.%{v}._spf.%{d2}", SPF_INCLUDE, MAIL_PASS, 0, 0 },
	{ "exists:%{l255r.-+,/_=}.x", "%{l255r.-+,/_=}.x", SPF_EXISTS, MAIL_PASS, 0, 0 },
	{ "ptr", "", SPF_PTR, MAIL_PASS, 0, 0 },
	{ "ptr:b.example", "b.example", SPF_PTR, MAIL_PASS, 0, 0 },
	{ "ip4:192.0.2.77/24", "", SPF_IP4, MAIL_PASS, 0, 0 },
	{ "ip6:2001:db8::1", "", SPF_IP6, MAIL_PASS, 0, 0 },
};

static void
test_terms(void **state)
{
	struct pool *pool = pool_new(POOL_MAX);
	struct findings fs;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(terms); i++) {
		char text[128];
		struct spf_record *r;

		(void)snprintf(text, sizeof(text), "v=spf1  %s ", terms[i].text);
		r = parse(pool, text, &fs);
		assert_non_null(r);
		assert_int_equal(r->n, 1);
		assert_true(sv_eq_str(r->terms[0].text, terms[i].text));
		assert_true(sv_eq_str(r->terms[0].domain, terms[i].domain));
		assert_int_equal(r->terms[0].mechanism, terms[i].mechanism);
		assert_int_equal(r->terms[0].result, terms[i].result);
		assert_int_equal(r->terms[0].len4, terms[i].len4);
		assert_int_equal(r->terms[0].len6, terms[i].len6);
		pool_reset(pool);
	}
	(void)pool_free(pool);
}

static void
test_networks(void **state)
{
	struct pool *pool = pool_new(POOL_MAX);
	char text[IP_PREFIX_STRLEN];
	struct findings fs;
	struct spf_record *r = parse(pool, "v=spf1 ip4:192.0.2.77/24 ip4:192.0.2.1 "
	    "ip6:2001:db8:ff::1/33 ip6:::192.0.2.1/0", &fs);

	(void)state;
	assert_non_null(r);
	assert_int_equal(r->n, 4);
	assert_string_equal(ip_prefix_str(&r->terms[0].network, text), "192.0.2.0/24");
	assert_string_equal(ip_prefix_str(&r->terms[1].network, text), "192.0.2.1/32");
	assert_string_equal(ip_prefix_str(&r->terms[2].network, text), "2001:db8::/33");
	assert_string_equal(ip_prefix_str(&r->terms[3].network, text), "::/0");
	(void)pool_free(pool);
}

static void
test_modifiers(void **state)
{
	struct pool *pool = pool_new(POOL_MAX);
	struct findings fs;
	struct spf_record *r = parse(pool,
	    "V=SPF1 Redirect=%{d2} m.x-1_y=a/b:%{c} EXP=e.example moo= -all", &fs);

	(void)state;
	assert_non_null(r);
	assert_int_equal(r->n, 1);
	assert_true(sv_eq_str(r->redirect, "%{d2}"));
	assert_true(sv_eq_str(r->redirect_term, "Redirect=%{d2}"));
	assert_true(sv_eq_str(r->exp, "e.example"));
	assert_int_equal(r->n_unknown, 2);
	assert_true(sv_eq_str(r->unknown, "m.x-1_y"));
	r = parse(pool, "v=spf1", &fs);
	assert_non_null(r);
	assert_int_equal(r->n, 0);
	(void)pool_free(pool);
}

/* --- what cannot --- */

static const struct {
	const char	*text;
	unsigned	 position;
} faults[] = {
	{ "v=spf1 moo", 8 },
	{ "v=spf1 -all moo mx", 13 },
	{ "v=spf1 ipv4:192.0.2.1", 8 },
	{ "v=spf1 all.", 8 },
	{ "v=spf1 all:x.example", 11 },
	{ "v=spf1 -all/8", 12 },
	{ "v=spf1 =x", 8 },
	{ "v=spf1 1x=y", 8 },
	{ "v=spf1 a/b=c", 9 },
	{ "v=spf1 redirect:x.example", 8 },
	{ "v=spf1 --all", 8 },
	{ "v=spf1 a\x7f", 8 },
	{ "v=spf1 mx\t-all", 8 },
	/* domains */
	{ "v=spf1 a:", 10 },
	{ "v=spf1 a:/24", 10 },
	{ "v=spf1 include", 15 },
	{ "v=spf1 include:", 16 },
	{ "v=spf1 exists", 14 },
	{ "v=spf1 exp=", 12 },
	{ "v=spf1 redirect=", 17 },
	{ "v=spf1 a:example", 10 },
	{ "v=spf1 a:example.", 10 },
	{ "v=spf1 a:%{d}example", 14 },
	{ "v=spf1 a:%{d}.", 14 },		/* a final dot follows a top label only */
	{ "v=spf1 a:x.-com", 12 },
	{ "v=spf1 a:x.com-", 12 },
	{ "v=spf1 a:x.123", 12 },
	{ "v=spf1 a:x.c_m", 12 },
	{ "v=spf1 a:x..", 12 },
	{ "v=spf1 a:192.0.2.1", 10 },
	{ "v=spf1 a:x\x80y.com", 11 },
	{ "v=spf1 exists:x.example/24", 17 },
	{ "v=spf1 ptr/24", 11 },
	/* macros */
	{ "v=spf1 a:%x.com", 10 },
	{ "v=spf1 a:x%", 11 },
	{ "v=spf1 a:%{", 10 },
	{ "v=spf1 a:%{}.com", 10 },
	{ "v=spf1 a:%{d.com", 10 },
	{ "v=spf1 a:%{x}", 10 },
	{ "v=spf1 a:%{d0}", 10 },
	{ "v=spf1 a:%{d000}", 10 },
	{ "v=spf1 a:%{dr2}", 10 },
	{ "v=spf1 a:%{d!}", 10 },
	{ "v=spf1 exp=%{c}", 12 },
	{ "v=spf1 a:%{r}", 10 },
	{ "v=spf1 a:%{T}", 10 },
	{ "v=spf1 moo=%abc", 12 },
	/* lengths and networks */
	{ "v=spf1 a/33", 10 },
	{ "v=spf1 a/032", 10 },
	{ "v=spf1 a//129", 11 },
	{ "v=spf1 a/24/64", 13 },
	{ "v=spf1 a/24/16", 9 },
	{ "v=spf1 a:x.example/24/16", 12 },
	{ "v=spf1 a/", 9 },
	{ "v=spf1 a/99999999999999999999", 10 },
	{ "v=spf1 ip4", 11 },
	{ "v=spf1 ip4:", 12 },
	{ "v=spf1 ip4/24", 11 },
	{ "v=spf1 ip4:192.0.2", 12 },
	{ "v=spf1 ip4:192.0.2.01", 12 },
	{ "v=spf1 ip4:192.0.2.1:25", 12 },
	{ "v=spf1 ip4:192.0.2.1/", 22 },
	{ "v=spf1 ip4:192.0.2.1//24", 22 },
	{ "v=spf1 ip4:192.0.2.1/33", 22 },
	{ "v=spf1 ip4:2001:db8::1", 12 },
	{ "v=spf1 ip6:192.0.2.1", 12 },
	{ "v=spf1 ip6:2001:db8::1/129", 24 },
	{ "v=spf1 ip6:2001:db8::1%eth0", 12 },
};

static void
test_faults(void **state)
{
	struct pool *pool = pool_new(POOL_MAX);
	struct findings fs;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(faults); i++) {
		assert_null(parse(pool, faults[i].text, &fs));
		assert_int_equal(fs.n_kept, 1);
		assert_true(has_code(&fs, SPF_SYNTAX));
		assert_string_equal(fs.head->args[1].key, "position");
		if (fs.head->args[1].u != faults[i].position)
			fail_msg("%s: at %u", faults[i].text, (unsigned)fs.head->args[1].u);
		pool_reset(pool);
	}
	(void)pool_free(pool);
}

static void
test_doubles(void **state)
{
	struct pool *pool = pool_new(POOL_MAX);
	struct findings fs;

	(void)state;
	assert_null(parse(pool, "v=spf1 exp=a.example -all EXP=a.example", &fs));
	assert_true(has_code(&fs, SPF_MODIFIER_DOUBLE));
	assert_null(parse(pool, "v=spf1 redirect=a.example redirect=b.example", &fs));
	assert_true(has_code(&fs, SPF_MODIFIER_DOUBLE));
	assert_non_null(parse(pool, "v=spf1 moo=1 moo=2", &fs));
	(void)pool_free(pool);
}

/* All errors are told, up to a limit; sizes have theirs. */
static void
test_limits(void **state)
{
	struct pool *pool = pool_new(POOL_MAX);
	char text[SPF_RECORD_MAX + 2] = "v=spf1";
	size_t n = strlen(text);
	struct findings fs;

	(void)state;
	assert_null(parse(pool, "v=spf1 moo a/99 -all ip4:x", &fs));
	assert_int_equal(fs.n_kept, 3);
	for (unsigned i = 0; i < SPF_TERMS_MAX; i++, n += 2)
		memcpy(text + n, " x", 3);
	assert_null(parse(pool, text, &fs));
	assert_int_equal(fs.n_kept, SPF_ERRORS_MAX);
	memcpy(text + n, " x", 3);
	assert_null(parse(pool, text, &fs));
	assert_true(has_code(&fs, SPF_RECORD_LARGE));
	memset(text + 6, ' ', SPF_RECORD_MAX - 6);
	text[SPF_RECORD_MAX] = '\0';
	assert_non_null(parse(pool, text, &fs));
	memcpy(text + 6, " a:", 3);
	memset(text + 9, 'x', SPF_SPEC_MAX - 8);
	memcpy(text + SPF_SPEC_MAX + 1, ".example ", 9);
	assert_non_null(parse(pool, text, &fs));
	memcpy(text + SPF_SPEC_MAX + 1, "x.example", 9);
	assert_null(parse(pool, text, &fs));
	assert_true(has_code(&fs, SPF_SYNTAX));
	memset(text + 6, ' ', SPF_RECORD_MAX - 6);
	text[SPF_RECORD_MAX] = ' ';
	text[SPF_RECORD_MAX + 1] = '\0';
	assert_null(parse(pool, text, &fs));
	assert_true(has_code(&fs, SPF_RECORD_LARGE));
	(void)pool_free(pool);
}

/* --- advice --- */

#define NETS10	" ip4:192.0.2.1 ip4:192.0.2.2 ip4:192.0.2.3 ip4:192.0.2.4 ip4:192.0.2.5" \
		" ip4:192.0.2.6 ip4:192.0.2.7 ip4:192.0.2.8 ip4:192.0.2.9 ip4:192.0.2.10"

static const struct {
	const char	*text;
	enum spf_code	 code;		/* SPF_CODE_MAX: nothing to say */
} advice[] = {
	{ "v=spf1 mx -all", SPF_CODE_MAX },
	{ "v=spf1 redirect=a.example", SPF_CODE_MAX },
	{ "v=spf1 +all", SPF_PLUS_ALL },
	{ "v=spf1 ?ptr -all", SPF_PTR_USED },
	{ "v=spf1 mx", SPF_NO_DEFAULT },
	{ "v=spf1 -all mx", SPF_AFTER_ALL },
	{ "v=spf1 -all redirect=a.example", SPF_REDIRECT_UNUSED },
	{ "v=spf1 redirct=a.example -all", SPF_MODIFIER_UNKNOWN },
	{ "v=spf1" NETS10 NETS10 NETS10 NETS10 NETS10 NETS10 NETS10 " -all", SPF_RECORD_LONG },
	{ "v=spf1 a a a a a a a a a a a -all", SPF_LOOKUPS_OWN },
	{ "v=spf1 a a a a a a a a a a -all", SPF_CODE_MAX },
};

static void
test_advice(void **state)
{
	struct pool *pool = pool_new(POOL_MAX);
	struct findings fs;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(advice); i++) {
		struct spf_record *r = parse(pool, advice[i].text, &fs);

		assert_non_null(r);
		spf_record_advise(r, &fs);
		assert_int_equal(fs.n_kept, advice[i].code == SPF_CODE_MAX ? 0 : 1);
		if (fs.n_kept > 0)
			assert_true(has_code(&fs, advice[i].code));
		pool_reset(pool);
	}
	(void)pool_free(pool);
}

TESTS_MAIN("spf_record", T(test_terms), T(test_networks), T(test_modifiers), T(test_faults),
    T(test_doubles), T(test_limits), T(test_advice))
