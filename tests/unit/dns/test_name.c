/* Names: text, wire form, canonical order, keys. */
#include <errno.h>
#include <stdlib.h>

#include "../tap.h"
#include "dns/dns.h"

static struct dname
name(const char *text)
{
	struct dname d;

	assert_int_equal(dname_parse(sv_str(text), NULL, &d), 0);
	return d;
}

/* RFC 4034 section 6.1's example, in its order. */
static const char *const ordered[] = {
	"example.", "a.example.", "yljkjljk.a.example.", "Z.a.example.", "zABC.a.EXAMPLE.",
	"z.example.", "\\001.z.example.", "*.z.example.", "\\200.z.example.",
};

static void
test_canonical_order(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(ordered); i++)
		for (size_t k = 0; k < ARRAY_LEN(ordered); k++) {
			struct dname a = name(ordered[i]), b = name(ordered[k]);
			int d = dname_cmp(&a, &b);

			assert_int_equal(d < 0, i < k);
			assert_int_equal(d > 0, i > k);
			assert_int_equal(dname_eq(&a, &b), i == k);
		}
}

/* The keys say the same as the names. */
static void
test_keys_order(void **state)
{
	static const char *const more[] = {
		"example.", "\\000.example.", "a.\\000.example.", "\\000\\000.example.",
		"\\000\\001.example.", "\\001.example.", "\\001\\000.example.", "\\002.example.",
		"a.example.", "\\000.a.example.", "a\\000.example.", "b.a\\000.example.",
		"a\\001.example.", "ab.example.",
	};
	struct dname apex = name("example.");

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(more); i++)
		for (size_t k = 0; k < ARRAY_LEN(more); k++) {
			struct dname a = name(more[i]), b = name(more[k]);
			struct dkey x, y;
			int d;

			assert_int_equal(dkey_of(&a, &apex, &x), 0);
			assert_int_equal(dkey_of(&b, &apex, &y), 0);
			d = dkey_cmp(x.b, x.len, y.b, y.len);
			assert_int_equal(d < 0, dname_cmp(&a, &b) < 0);
			assert_int_equal(d > 0, dname_cmp(&a, &b) > 0);
			assert_int_equal(dkey_within(x.b, x.len, y.b, y.len), dname_within(&a, &b));
		}
}

static void
test_keys_back(void **state)
{
	struct dname apex = name("Example.Org."), low = name("example.org.");

	(void)state;
	srand(7);
	for (unsigned round = 0; round < 2000; round++) {
		struct dname d = apex, back;
		unsigned labels = 0;
		struct dkey k;

		for (unsigned n = (unsigned)rand() % 6; n > 0; n--) {
			char label[8];
			size_t len = 1 + (size_t)rand() % sizeof(label);

			for (size_t i = 0; i < len; i++)
				label[i] = (char)(rand() % 3 == 0 ? rand() % 3 : rand() % 256);
			assert_int_equal(dname_prepend((struct sv){ label, len }, &d, &d), 0);
			labels++;
		}
		assert_int_equal(dkey_of(&d, &apex, &k), 0);
		assert_int_equal(dkey_labels(k.b, k.len), labels);
		dkey_name(k.b, k.len, &low, &back);
		assert_true(dname_eq(&d, &back));
		dns_lower(d.w, d.len);
		assert_memory_equal(back.w, d.w, d.len);
		if (labels > 0) {
			struct dname up;
			struct dkey ku;

			assert_int_equal(dname_parent(&d, &up), 0);
			assert_int_equal(dkey_of(&up, &apex, &ku), 0);
			assert_int_equal(dkey_parent(k.b, k.len), ku.len);
		}
	}
}

/* The longest name and the longest key that can be. */
static void
test_keys_longest(void **state)
{
	struct dname d = DNAME_ROOT, root = DNAME_ROOT, back;
	const char zeros[63] = { 0 };
	struct dkey k;

	(void)state;
	for (unsigned i = 0; i < 3; i++)
		assert_int_equal(dname_prepend((struct sv){ zeros, 63 }, &d, &d), 0);
	assert_int_equal(dname_prepend((struct sv){ zeros, 62 }, &d, &d), -E2BIG);
	assert_int_equal(dname_prepend((struct sv){ zeros, 61 }, &d, &d), 0);
	assert_int_equal(d.len, DNS_NAME_MAX);
	assert_int_equal(dkey_of(&d, &root, &k), 0);
	assert_true(k.len <= DNS_KEY_MAX);
	assert_int_equal(k.len, 2 * 250 + 4);
	dkey_name(k.b, k.len, &root, &back);
	assert_int_equal(back.len, d.len);
	assert_memory_equal(back.w, d.w, d.len);
}

static void
test_keys_outside(void **state)
{
	struct dname apex = name("example."), a = name("badexample."), b = name(".");
	struct dkey k;

	(void)state;
	assert_int_equal(dkey_of(&a, &apex, &k), -ENOENT);
	assert_int_equal(dkey_of(&b, &apex, &k), -ENOENT);
	/* "\007example" ends like example. on the wire, and is no such name. */
	a = name("x\\007example.");
	assert_int_equal(dkey_of(&a, &apex, &k), -ENOENT);
	assert_false(dname_within(&a, &apex));
}

static void
test_text(void **state)
{
	static const struct {
		const char *text, *origin, *printed;	/* printed NULL: refused */
	} rows[] = {
		{ ".", NULL, "." },
		{ "@", "example.", "example." },
		{ "@", NULL, "\\@." },
		{ "www", "Example.", "www.Example." },
		{ "www.", "example.", "www." },
		{ "a.b", NULL, "a.b." },
		{ "a\\.b.", NULL, "a\\.b." },
		{ "\\097\\046\\000.", NULL, "a\\.\\000." },
		{ "\\\"\\;\\(\\)\\\\.", NULL, "\\\"\\;\\(\\)\\\\." },
		{ "a b.", NULL, "a\\032b." },
		{ "\\255.", NULL, "\\255." },
		{ "", "example.", NULL },
		{ "..", NULL, NULL },
		{ ".a", NULL, NULL },
		{ "a..b", NULL, NULL },
		{ "\\256.", NULL, NULL },
		{ "\\25", NULL, NULL },
		{ "\\", NULL, NULL },
		{ "\\1x2.", NULL, NULL },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct dname origin = name(rows[i].origin == NULL ? "." : rows[i].origin), d;
		char text[DNAME_STRLEN];
		int rc = dname_parse(sv_str(rows[i].text), rows[i].origin == NULL ? NULL : &origin, &d);

		assert_int_equal(rc, rows[i].printed == NULL ? -EINVAL : 0);
		if (rc == 0)
			assert_string_equal(dname_str(&d, text), rows[i].printed);
	}
}

static void
test_text_limits(void **state)
{
	char text[300];
	struct dname d, origin;

	(void)state;
	memset(text, 'a', sizeof(text));
	assert_int_equal(dname_parse((struct sv){ text, 63 }, NULL, &d), 0);
	assert_int_equal(dname_parse((struct sv){ text, 64 }, NULL, &d), -EINVAL);
	text[63] = text[127] = text[191] = '.';
	/* 3 * 64 + 62 + 1 = 255 */
	assert_int_equal(dname_parse((struct sv){ text, 192 + 61 }, NULL, &d), 0);
	assert_int_equal(d.len, DNS_NAME_MAX);
	assert_int_equal(dname_parse((struct sv){ text, 192 + 62 }, NULL, &d), -EINVAL);
	origin = name("b.");
	assert_int_equal(dname_parse((struct sv){ text, 192 + 59 }, &origin, &d), 0);
	assert_int_equal(dname_parse((struct sv){ text, 192 + 60 }, &origin, &d), -EINVAL);
}

static void
test_wire(void **state)
{
	static const struct {
		const char	*bytes;
		size_t		 n, len;	/* len 0: refused */
	} rows[] = {
		{ "", 1, 1 },
		{ "\1a", 3, 3 },
		{ "\1a", 2, 0 },		/* no end */
		{ "\2a", 3, 0 },
		{ "\100a", 3, 0 },		/* no label of 64 */
		{ "\300\0", 2, 0 },		/* a pointer */
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct rd r = rd_mem(rows[i].bytes, rows[i].n);
		struct dname d = { .len = 99 };

		dname_rd(&r, &d);
		assert_int_equal(r.bad, rows[i].len == 0);
		assert_int_equal(d.len, rows[i].len == 0 ? 99 : rows[i].len);
		if (rows[i].len > 0) {
			assert_int_equal(dname_len_at(d.w), d.len);
			assert_true(rd_done(&r));
		}
	}
}

static void
test_wire_too_long(void **state)
{
	uint8_t w[300];
	struct dname d = { .len = 99 };
	struct rd r;

	(void)state;
	memset(w, 1, sizeof(w));	/* labels of one octet, without end */
	r = rd_mem(w, sizeof(w));
	dname_rd(&r, &d);
	assert_true(r.bad);
	w[254] = 0;
	r = rd_mem(w, sizeof(w));
	dname_rd(&r, &d);
	assert_false(r.bad);
	assert_int_equal(d.len, 255);
	assert_int_equal(dname_labels(d.w), DNS_LABELS_MAX);
}

TESTS_MAIN("name", T(test_canonical_order), T(test_keys_order), T(test_keys_back),
    T(test_keys_longest), T(test_keys_outside), T(test_text), T(test_text_limits), T(test_wire),
    T(test_wire_too_long))
