#include <errno.h>

#include "../tap.h"
#include "base/err.h"

static void
ours(void **state UNUSED)
{
	assert_string_equal(err_name(SE_LIMIT), "SE_LIMIT");
	assert_int_equal(err_cat(SE_LIMIT), ERR_LIMIT);
	assert_int_equal(err_cat(SE_PEER), ERR_PROTO);
	assert_true(strlen(err_str(SE_SUM)) > 0);
}

static void
systems(void **state UNUSED)
{
	assert_string_equal(err_name(-ENOENT), "ENOENT");
	assert_string_equal(err_str(-ENOENT), "No such file or directory");
	assert_int_equal(err_cat(-ENOENT), ERR_IO);
}

static void
unknown(void **state UNUSED)
{
	assert_non_null(err_str(-999999));
	assert_non_null(err_str(5));
	assert_non_null(err_name(-999999));
}

TESTS_MAIN("base/err", T(ours), T(systems), T(unknown))
