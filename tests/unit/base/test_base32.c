/* base32hex: the vectors of RFC 4648 section 10, lengths and bits that cannot be. */
#include <errno.h>

#include "../tap.h"
#include "base/base32.h"

static void
test_vectors(void **state)
{
	static const struct {
		const char *bytes, *text;
	} rows[] = {
		{ "", "" }, { "f", "co" }, { "fo", "cpng" }, { "foo", "cpnmu" },
		{ "foob", "cpnmuog" }, { "fooba", "cpnmuoj1" }, { "foobar", "cpnmuoj1e8" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct sv b = sv_str(rows[i].bytes), t = sv_str(rows[i].text);
		char text[32];
		uint8_t bytes[32];
		size_t n;

		assert_int_equal(BASE32HEX_LEN(b.n), t.n);
		base32hex_encode(text, b.p, b.n);
		assert_memory_equal(text, t.p, t.n);
		assert_int_equal(base32hex_decode(bytes, t, &n), 0);
		assert_int_equal(n, b.n);
		assert_memory_equal(bytes, b.p, b.n);
	}
}

static void
test_case_is_free(void **state)
{
	uint8_t bytes[8];
	size_t n;

	(void)state;
	assert_int_equal(base32hex_decode(bytes, SV("CpNmUoG"), &n), 0);
	assert_int_equal(n, 4);
	assert_memory_equal(bytes, "foob", 4);
}

static void
test_refused(void **state)
{
	static const char *const rows[] = {
		"w0", "c ", "co=", "c",		/* a letter alone is no byte */
		"cp1", "cpnmuo",		/* three, six: the same */
		"cv",				/* bits left over */
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		uint8_t bytes[8];
		size_t n = 77;

		assert_int_equal(base32hex_decode(bytes, sv_str(rows[i]), &n), -EINVAL);
		assert_int_equal(n, 77);
	}
}

TESTS_MAIN("base32", T(test_vectors), T(test_case_is_free), T(test_refused))
