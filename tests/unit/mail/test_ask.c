/* Results by name; names as policies write them; questions whose answers are not there yet. */
#include <errno.h>
#include <stdio.h>

#include "../tap.h"
#include "mail/mail.h"

static void
test_results(void **state)
{
	enum mail_result r = MAIL_RESULT_MAX;

	(void)state;
	for (unsigned i = 0; i < MAIL_RESULT_MAX; i++) {
		assert_int_equal(mail_result_parse(sv_str(mail_result_name(i)), &r), 0);
		assert_int_equal(r, i);
	}
	assert_int_equal(mail_result_parse(SV("SoftFail"), &r), 0);
	assert_int_equal(r, MAIL_SOFTFAIL);
	assert_int_equal(mail_result_parse(SV("bad"), &r), -EINVAL);
	assert_int_equal(r, MAIL_SOFTFAIL);
	assert_string_equal(mail_result_name(MAIL_RESULT_MAX), "?");
	assert_string_equal(mail_rcode_name(MAIL_DNS_NXDOMAIN), "no such name");
	assert_string_equal(mail_rcode_name(MAIL_DNS_MAX), "?");
}

#define L63	"abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyzabcdefghijk"

static const struct {
	const char	*text, *wire;	/* NULL: it is no name */
} names[] = {
	{ "example.com", "\7example\3com" },
	{ "example.com.", "\7example\3com" },
	{ "a", "\1a" },
	{ "a\\.b c", "\2a\\\3b c" },		/* no escapes: a backslash is an octet */
	{ L63 ".com", "\77" L63 "\3com" },
	{ "", NULL },
	{ ".", NULL },
	{ "a..", NULL },
	{ "a..b", NULL },
	{ ".a", NULL },
	{ L63 "x.com", NULL },
	{ L63 "." L63 "." L63 ".abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyzabcdefghi",
	  "\77" L63 "\77" L63 "\77" L63 "\75abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyzabcdefghi" },
	{ L63 "." L63 "." L63 ".abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyzabcdefghij", NULL },
};

static void
test_names(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		struct dname d = { .len = 77 };
		int rc = mail_name(sv_str(names[i].text), &d);

		assert_int_equal(rc, names[i].wire == NULL ? -EINVAL : 0);
		if (rc < 0) {
			assert_int_equal(d.len, 77);
			continue;
		}
		assert_int_equal(d.len, strlen(names[i].wire) + 1);
		assert_memory_equal(d.w, names[i].wire, d.len);
	}
}

static void
test_texts(void **state)
{
	struct pool *pool = pool_new(4096);
	struct dname root = DNAME_ROOT, d;
	char room[DNAME_STRLEN];

	(void)state;
	assert_non_null(pool);
	assert_int_equal(mail_name(SV("Mail.example"), &d), 0);
	assert_true(sv_eq_str(mail_name_str(&d, room), "Mail.example"));
	assert_true(sv_eq_str(mail_name_text(pool, &d), "Mail.example"));
	assert_true(sv_eq_str(mail_name_str(&root, room), "."));
	(void)pool_free(pool);
}

static const struct mail_answer none = { .rcode = MAIL_DNS_NXDOMAIN };

static const struct mail_answer *
only_txt(void *arg, const struct mail_question *q)
{
	(*(unsigned *)arg)++;
	return q->type == RR_TXT ? &none : NULL;
}

static void
test_wait(void **state)
{
	unsigned n_asked = 0;
	struct mail_ask ask = { .find = only_txt, .arg = &n_asked };
	const struct mail_answer *a = NULL;
	struct dname d, upper;
	char text[32];

	(void)state;
	assert_int_equal(mail_name(SV("example.com"), &d), 0);
	assert_int_equal(mail_name(SV("EXAMPLE.com"), &upper), 0);
	assert_int_equal(mail_ask(&ask, &d, RR_TXT, &a), 0);
	assert_ptr_equal(a, &none);
	assert_int_equal(ask.n_missing, 0);
	a = NULL;
	assert_int_equal(mail_ask(&ask, &d, RR_A, &a), MAIL_WAIT);
	assert_int_equal(mail_ask(&ask, &upper, RR_A, &a), MAIL_WAIT);
	assert_int_equal(mail_ask(&ask, &d, RR_AAAA, &a), MAIL_WAIT);
	assert_null(a);
	assert_int_equal(ask.n_missing, 2);		/* letter case is no other question */
	assert_int_equal(ask.missing[1].type, RR_AAAA);
	for (unsigned i = 0; i < 2 * MAIL_MISSING_MAX; i++) {
		(void)snprintf(text, sizeof(text), "h%u.example", i);
		assert_int_equal(mail_name(sv_str(text), &d), 0);
		assert_int_equal(mail_ask(&ask, &d, RR_A, &a), MAIL_WAIT);
	}
	assert_int_equal(ask.n_missing, MAIL_MISSING_MAX);
	assert_int_equal(n_asked, 4 + 2 * MAIL_MISSING_MAX);
}

static void
test_txt(void **state)
{
	struct pool *pool = pool_new(1024);
	struct sv s;

	(void)state;
	assert_non_null(pool);
	s = mail_txt(pool, SV("\3v=s\0\4pf1 "));
	assert_true(sv_eq(s, SV("v=spf1 ")));
	s = mail_txt(pool, SV("\0"));
	assert_non_null(s.p);
	assert_int_equal(s.n, 0);
	assert_null(pool_alloc(pool, 2000));
	(void)pool_free(pool);
}

TESTS_MAIN("ask", T(test_results), T(test_names), T(test_texts), T(test_wait), T(test_txt))
