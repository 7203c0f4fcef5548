/* Words that were nearly written. */
#include "../tap.h"
#include "base/near.h"

static void
nearest(void **state UNUSED)
{
	char wide[NEAR_MAX + 2];
	unsigned best = UINT_MAX;

	assert_true(near_check(SV("verfy"), SV("verify"), &best));
	assert_int_equal(best, 1);
	assert_false(near_check(SV("verfy"), SV("verify"), &best));	/* no nearer */
	assert_true(near_check(SV("verify"), SV("verify"), &best));
	assert_int_equal(best, 0);
	best = UINT_MAX;
	assert_true(near_check(SV("ab"), SV("b"), &best));
	assert_false(near_check(SV("ab"), SV("xy"), &best));
	assert_true(near_check(SV("cleint"), SV("client"), &best) == false);	/* 2, and best is 1 */
	best = UINT_MAX;
	assert_true(near_check(SV("cleint"), SV("client"), &best));
	assert_int_equal(best, 2);
	best = UINT_MAX;
	assert_false(near_check(SV("nosuch"), SV("json"), &best));
	assert_false(near_check(SV(""), SV("a"), &best));
	memset(wide, 'a', sizeof(wide));
	assert_true(near_check((struct sv){ wide, NEAR_MAX }, (struct sv){ wide, NEAR_MAX }, &best));
	best = UINT_MAX;
	assert_false(near_check((struct sv){ wide, NEAR_MAX + 1 }, (struct sv){ wide, NEAR_MAX }, &best));
	assert_false(near_check((struct sv){ wide, NEAR_MAX }, (struct sv){ wide, NEAR_MAX + 1 }, &best));
	assert_int_equal(best, UINT_MAX);
}

TESTS_MAIN("base/near", T(nearest))
