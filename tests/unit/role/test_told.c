/* What the fetcher told of each source, as lines of the object log. */
#include "../tap.h"

#include "base/hash.h"
#include "role/validate_told.h"

#define ONE	"{\"code\":\"A\",\"args\":{\"x\":[1,\"]}\"]}}"
#define TWO	"{\"code\":\"B\"}"

static void
are(struct told *t, const char *want)
{
	_cleanup_(buf_done) struct buf b = BUF_INIT;

	told_lines(t, &b);
	assert_true(sv_eq_str(buf_get(&b), want));
}

static bool
put(struct told *t, const char *key, const char *json)
{
	return told_put(t, sv_str(key), sv_str(json));
}

static void
lines(void **state UNUSED)
{
	_cleanup_(told_freep) struct told *t = told_new();

	assert_true(put(t, "a", "{\"code\":\"A\",\"findings\":[" ONE "," TWO "]}"));
	assert_true(put(t, "b", "{\"findings\":[" TWO "]}"));
	are(t, ONE "\n" TWO "\n" TWO "\n");
	assert_false(put(t, "b", "{\"next\":1,\"findings\":[" TWO "]}"));
	assert_true(put(t, "a", "{\"findings\":[]}"));
	are(t, TWO "\n");
	assert_false(put(t, "c", "{}"));
}

/* An attempt's findings are said once, also when the next attempt is good at once. */
static void
missed(void **state UNUSED)
{
	_cleanup_(told_freep) struct told *t = told_new();
	_cleanup_(buf_done) struct buf b = BUF_INIT;

	assert_true(put(t, "a", "{\"findings\":[" ONE "," TWO "]}"));
	assert_true(put(t, "a", "{\"findings\":[" TWO "]}"));
	assert_true(put(t, "b", "{\"findings\":[" TWO "]}"));
	assert_true(put(t, "b", "{\"findings\":[]}"));
	assert_true(told_lines(t, &b));
	assert_true(sv_eq_str(buf_get(&b), ONE "\n" TWO "\n" TWO "\n"));
	b.len = 0;
	assert_false(told_lines(t, &b));
	assert_true(sv_eq_str(buf_get(&b), TWO "\n"));
	/* What was said is not said again when it ends. */
	assert_true(put(t, "a", "{\"findings\":[]}"));
	b.len = 0;
	assert_false(told_lines(t, &b));
	assert_int_equal(b.len, 0);
}

/* A fetcher that was taken over makes no lines of its own. */
static void
forged(void **state UNUSED)
{
	static const char *const bad[] = {
		"{\"findings\":[{\"code\":\"A\n{\\\"code\\\":\\\"FORGED\\\"}\"}]}",
		"{\"findings\":[{\"code\":\n\"A\"}]}",
		"{\"findings\":[{\"code\":\"A\033[2J\"}]}",
		"{\"x\":\"\t\",\"findings\":[" ONE "]}",
	};
	_cleanup_(told_freep) struct told *t = told_new();

	assert_true(put(t, "a", "{\"findings\":[" TWO "]}"));
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		assert_false(put(t, "a", bad[i]));
		assert_false(put(t, "b", bad[i]));
	}
	are(t, TWO "\n");
}

static int
setup(void **state UNUSED)
{
	hash_seed(1, 2);
	return 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(lines), cmocka_unit_test(missed),
	    cmocka_unit_test(forged) };

	return cmocka_run_group_tests_name("role/told", tests, setup, NULL);
}
