/* What every unit test includes: cmocka and the headers that it wants first. */
#ifndef TESTS_UNIT_TAP_H
#define TESTS_UNIT_TAP_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/util.h"

/* The whole of a test program's main(). */
#define TESTS_MAIN(name, ...)						\
int									\
main(void)								\
{									\
	const struct CMUnitTest tests[] = { __VA_ARGS__ };		\
									\
	return cmocka_run_group_tests_name(name, tests, NULL, NULL);	\
}

#define T(fn)	cmocka_unit_test(fn)

#endif
