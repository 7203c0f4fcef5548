/* DER edits: each operation on a small value, and paths that lead nowhere. */
#include "../tap.h"

#include <errno.h>
#include <stdlib.h>

#include "base/hash.h"
#include "lab/internal.h"

/* SEQUENCE { INTEGER 1, SEQUENCE { OID 2.5.29.99, OCTET STRING { SEQUENCE { INTEGER 7 } } }, NULL } */
#define BEFORE	"3013020101300c0603551d630405300302010705" "00"

static const struct {
	const char	*path;
	enum lab_op	 op;
	const char	*arg, *want;
} rows[] = {
	{ "0", LAB_DROP, NULL, "3010300c0603551d63040530030201070500" },
	{ "0", LAB_TWICE, NULL, "3016020101020101300c0603551d63040530030201070500" },
	{ "0", LAB_SWAP, NULL, "3013300c0603551d6304053003020107020101" "0500" },
	{ "0", LAB_TAG, "0a", "30130a0101300c0603551d63040530030201070500" },
	{ "0", LAB_VALUE, "0203", "301402020203300c0603551d63040530030201070500" },
	{ "0", LAB_REPLACE, "", "3010300c0603551d63040530030201070500" },
	{ "0", LAB_PAD, NULL, "301402020001300c0603551d63040530030201070500" },
	{ "0", LAB_FLIP, NULL, "3013020100300c0603551d63040530030201070500" },
	{ "0", LAB_LONG, NULL, "301402810101300c0603551d63040530030201070500" },
	{ "0", LAB_INDEFINITE, NULL, "30150280010000300c0603551d63040530030201070500" },
	{ "$", LAB_DROP, NULL, "3011020101300c0603551d6304053003020107" },
	{ "$", LAB_BEFORE, "0101ff", "3016020101300c0603551d63040530030201070101ff0500" },
	{ "", LAB_APPEND, "0500", "3015020101300c0603551d630405300302010705000500" },
	{ "", LAB_TAIL, "00", BEFORE "00" },
	{ "", LAB_CUT, NULL, "3013020101300c0603551d630405300302010705" },
	{ "x:2.5.29.99/$/>/0", LAB_VALUE, "08", "3013020101300c0603551d63040530030201080500" },
	{ "x:2.5.29.99/1/>", LAB_VALUE, "", "3010020101" "30090603551d630402" "3000" "0500" },
	{ "x:2.5.29.99/0", LAB_DROP, NULL, "300e02010130070405300302010705" "00" },
};

static uint8_t *
bytes_of(const char *hex, size_t *ret_n)
{
	uint8_t *p = malloc(strlen(hex) / 2 + 1);

	assert_non_null(p);
	*ret_n = strlen(hex) / 2;
	assert_int_equal(hex_decode(p, *ret_n, sv_str(hex)), 0);
	return p;
}

static void
operations(void **state UNUSED)
{
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct lab_edit e = { LAB_AT_TBS, rows[i].op, rows[i].path, rows[i].arg };
		struct lab_edits list = { &e, NULL };
		char hex[256];
		size_t n;
		uint8_t *p = bytes_of(BEFORE, &n);

		/* another stage: untouched */
		assert_int_equal(lab_edit(&list, LAB_AT_OBJECT, &p, &n), 0);
		assert_string_equal(hex_encode(hex, p, n), BEFORE);
		assert_int_equal(lab_edit(&list, LAB_AT_TBS, &p, &n), 0);
		assert_string_equal(hex_encode(hex, p, n), rows[i].want);
		free(p);
	}
}

static void
nowhere(void **state UNUSED)
{
	static const char *const paths[] = {
		"3", "0/0", "x:2.5.29.98", "x:1", "1/1/>/1", "1/0/>", "$/$", "?", "-1",
	};

	for (size_t i = 0; i < ARRAY_LEN(paths); i++) {
		struct lab_edit e = { LAB_AT_TBS, LAB_DROP, paths[i], NULL };
		struct lab_edits list = { &e, NULL };
		size_t n;
		uint8_t *p = bytes_of(BEFORE, &n);

		assert_int_equal(lab_edit(&list, LAB_AT_TBS, &p, &n), -ENOENT);
		free(p);
	}
}

/* Lengths that grow over 127 and 255 take their octets from all above. */
static void
lengths(void **state UNUSED)
{
	static const size_t sizes[] = { 0x60, 0x7f, 0x80, 0xff, 0x100, 0x1000, 0x10000 };

	for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
		char *arg = calloc(2, sizes[i] + 1);
		struct lab_edit e = { LAB_AT_TBS, LAB_VALUE, "0", arg };
		struct lab_edit back = { LAB_AT_TBS, LAB_VALUE, "0", "01" };
		struct lab_edits list = { &e, NULL }, undo = { &back, NULL };
		char hex[256];
		size_t n;
		uint8_t *p = bytes_of(BEFORE, &n);

		assert_non_null(arg);
		memset(arg, 'a', 2 * sizes[i]);
		assert_int_equal(lab_edit(&list, LAB_AT_TBS, &p, &n), 0);
		assert_true(n > sizes[i]);
		assert_int_equal(lab_edit(&undo, LAB_AT_TBS, &p, &n), 0);
		assert_string_equal(hex_encode(hex, p, n), BEFORE);
		free(p);
		free(arg);
	}
}

TESTS_MAIN("lab edit", T(operations), T(nowhere), T(lengths))
