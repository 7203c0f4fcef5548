#include <errno.h>
#include <stdio.h>

#include "../tap.h"
#include "base/hash.h"

static void
depends_on_key_and_text(void **state UNUSED)
{
	uint64_t a, b;

	hash_seed(1, 2);
	a = hash_bytes("abc", 3);
	assert_int_equal(hash_bytes("abc", 3), a);
	assert_true(hash_bytes("abd", 3) != a);
	assert_true(hash_bytes("abc\0", 4) != a);
	hash_seed(1, 3);
	b = hash_bytes("abc", 3);
	assert_true(a != b);
	hash_seed(2, 2);
	assert_true(hash_bytes("abc", 3) != a);
}

/*
 * SipHash-1-3 with key 00 01 … 0f of the empty text and of one zero byte, as
 * the reference implementation gives them.
 */
static void
reference_vectors(void **state UNUSED)
{
	static const uint8_t zero[1] = { 0 };

	hash_seed(0x0706050403020100, 0x0f0e0d0c0b0a0908);
	assert_int_equal(hash_bytes("", 0), 0xabac0158050fc4dc);
	assert_int_equal(hash_bytes(zero, 1), 0xc9f49bf37d57ca93);
}

static void
every_length(void **state UNUSED)
{
	uint8_t text[64];
	uint64_t seen[64];

	memset(text, 0x5a, sizeof(text));
	for (size_t n = 0; n < sizeof(text); n++) {
		seen[n] = hash_bytes(text, n);
		for (size_t k = 0; k < n; k++)
			assert_true(seen[k] != seen[n]);
	}
}

static void
map_many(void **state UNUSED)
{
	static char keys[5000][8];
	struct map m = { 0 };

	assert_null(map_find(&m, SV("x")));
	for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
		(void)snprintf(keys[i], sizeof(keys[i]), "k%zu", i);
		assert_int_equal(map_add(&m, sv_str(keys[i]), keys[i]), 0);
	}
	assert_int_equal(m.n, ARRAY_LEN(keys));
	for (size_t i = 0; i < ARRAY_LEN(keys); i++)
		assert_ptr_equal(map_find(&m, sv_str(keys[i])), keys[i]);
	assert_null(map_find(&m, SV("k5000")));
	map_done(&m);
	assert_int_equal(m.cap, 0);
	map_done(&m);
}

/* Room that is there beforehand, keys hashed by the caller: the same map. */
static void
map_hashed(void **state UNUSED)
{
	static char keys[5000][8];
	struct map m = { 0 }, other = { 0 };
	size_t cap;

	assert_int_equal(map_reserve(&m, 5000), 0);
	cap = m.cap;
	for (size_t i = 0; i < 5000; i++) {
		struct sv key;

		(void)snprintf(keys[i], sizeof(keys[i]), "k%zu", i);
		key = sv_str(keys[i]);
		assert_int_equal(map_add_hashed(&m, key, hash_bytes(key.p, key.n), keys[i]), 0);
		assert_int_equal(map_add(&other, key, keys[i]), 0);
	}
	assert_int_equal(m.cap, cap);
	assert_int_equal(map_add_hashed(&m, SV("k1"), hash_bytes("k1", 2), keys), -EEXIST);
	for (size_t i = 0; i < 5000; i++) {
		struct sv key = sv_str(keys[i]);

		assert_ptr_equal(map_find(&m, key), keys[i]);
		assert_ptr_equal(map_find_hashed(&other, key, hash_bytes(key.p, key.n)), keys[i]);
	}
	assert_null(map_find_hashed(&m, SV("x"), hash_bytes("x", 1)));
	/* What is there survives a larger room; a hash that two keys share is no key. */
	assert_int_equal(map_reserve(&m, 50000), 0);
	assert_ptr_equal(map_find(&m, sv_str(keys[77])), keys[77]);
	assert_int_equal(map_add_hashed(&m, SV("p"), 9, keys[1]), 0);
	assert_int_equal(map_add_hashed(&m, SV("q"), 9, keys[2]), 0);
	assert_ptr_equal(map_find_hashed(&m, SV("q"), 9), keys[2]);
	assert_int_equal(map_reserve(&m, SIZE_MAX), -ENOMEM);
	map_done(&m);
	map_done(&other);
}

static void
map_twice(void **state UNUSED)
{
	struct map m = { 0 };
	int a, b;

	assert_int_equal(map_add(&m, SV("k"), &a), 0);
	assert_int_equal(map_add(&m, SV("k"), &b), -EEXIST);
	assert_ptr_equal(map_find(&m, SV("k")), &a);
	assert_int_equal(map_add(&m, (struct sv){ NULL, 0 }, &b), 0);
	assert_ptr_equal(map_find(&m, SV("")), &b);
	map_done(&m);
}

static void
hex(void **state UNUSED)
{
	uint8_t raw[4] = { 0x00, 0x7f, 0x80, 0xff }, back[4];
	char text[9];

	assert_string_equal(hex_encode(text, raw, 4), "007f80ff");
	assert_int_equal(hex_decode(back, 4, SV("007F80fF")), 0);
	assert_memory_equal(back, raw, 4);
	assert_int_equal(hex_decode(back, 4, SV("007f80f")), -EINVAL);
	assert_int_equal(hex_decode(back, 4, SV("007f80fff")), -EINVAL);
	assert_int_equal(hex_decode(back, 1, SV("g0")), -EINVAL);
	assert_int_equal(hex_decode(back, 1, SV("0:")), -EINVAL);
	assert_int_equal(hex_decode(back, 0, SV("")), 0);
}

TESTS_MAIN("base/hash", T(depends_on_key_and_text), T(reference_vectors),
    T(every_length), T(map_many), T(map_hashed), T(map_twice), T(hex))
