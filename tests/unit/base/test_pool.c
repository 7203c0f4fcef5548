#include "../tap.h"
#include "base/pool.h"

static void
zeroed_and_aligned(void **state UNUSED)
{
	_cleanup_(pool_freep) struct pool *p = pool_new(1 << 20);

	assert_non_null(p);
	for (size_t n = 0; n < 3000; n += 7) {
		unsigned char *a = pool_alloc(p, n);

		assert_non_null(a);
		assert_int_equal((uintptr_t)a % 16, 0);
		for (size_t i = 0; i < n; i++)
			assert_int_equal(a[i], 0);
		memset(a, 0xa5, n);
	}
}

static void
cap(void **state UNUSED)
{
	_cleanup_(pool_freep) struct pool *p = pool_new(100);

	assert_null(pool_alloc(p, 101));
	assert_non_null(pool_alloc(p, 50));
	assert_null(pool_alloc(p, 60));
	assert_non_null(pool_alloc(p, 10));
	assert_null(pool_alloc(p, SIZE_MAX));
	assert_true(pool_used(p) <= 100);
}

static void
calloc_overflow(void **state UNUSED)
{
	_cleanup_(pool_freep) struct pool *p = pool_new(SIZE_MAX);

	assert_null(pool_calloc(p, SIZE_MAX / 2, 3));
	assert_null(pool_calloc(p, 1ul << 32, 1ul << 32));
	assert_non_null(pool_calloc(p, 3, 5));
	assert_non_null(pool_calloc(p, 0, 5));
}

static void
larger_than_a_chunk(void **state UNUSED)
{
	_cleanup_(pool_freep) struct pool *p = pool_new(8 << 20);
	char *a = pool_alloc(p, 5 << 20), *b = pool_alloc(p, 16);

	assert_non_null(a);
	assert_non_null(b);
	a[0] = a[(5 << 20) - 1] = 1;
}

static void
reset(void **state UNUSED)
{
	_cleanup_(pool_freep) struct pool *p = pool_new(1 << 20);
	unsigned char *a;

	pool_reset(p);			/* of an empty one */
	for (int round = 0; round < 3; round++) {
		for (int i = 0; i < 100; i++) {
			a = pool_alloc(p, 1000);
			assert_non_null(a);
			for (size_t k = 0; k < 1000; k++)
				assert_int_equal(a[k], 0);
			memset(a, 0xff, 1000);
		}
		pool_reset(p);
		assert_int_equal(pool_used(p), 0);
	}
}

static void
spare(void **state UNUSED)
{
	_cleanup_(pool_freep) struct pool *p = pool_new(4096);

	pool_spare(p, 100);		/* no less than the cap */
	assert_non_null(pool_alloc(p, 4000));
	assert_null(pool_alloc(p, 1000));
	assert_true(pool_is_full(p) && pool_has_failed(p));
	pool_spare(p, 2000);
	assert_false(pool_is_full(p) || pool_has_failed(p));
	assert_non_null(pool_alloc(p, 1000));
	assert_null(pool_alloc(p, 1500));
	pool_spare(p, SIZE_MAX);	/* nothing to add it to */
	assert_null(pool_alloc(p, 1500));
	assert_true(pool_is_full(p));
	pool_reset(p);
	assert_false(pool_is_full(p) || pool_has_failed(p));
	assert_null(pool_alloc(p, 4097));
	assert_non_null(pool_alloc(p, 4000));
}

static void
copies(void **state UNUSED)
{
	_cleanup_(pool_freep) struct pool *p = pool_new(4096);
	struct sv s = pool_sv(p, (struct sv){ "a\0b", 3 });

	assert_int_equal(s.n, 3);
	assert_memory_equal(s.p, "a\0b", 4);	/* NUL-terminated */
	assert_string_equal(pool_strdup(p, "xyz"), "xyz");
	assert_string_equal(pool_printf(p, "%d-%s", 7, "x"), "7-x");
	assert_int_equal(pool_sv(p, SV("")).n, 0);
	assert_non_null(pool_sv(p, (struct sv){ NULL, 0 }).p);
}

static void
copies_without_room(void **state UNUSED)
{
	_cleanup_(pool_freep) struct pool *p = pool_new(4);

	assert_null(pool_sv(p, SV("12345")).p);
	assert_int_equal(pool_sv(p, SV("12345")).n, 0);
	assert_null(pool_strdup(p, "1234"));
	assert_null(pool_printf(p, "%s", "1234"));
}

static void
free_of_nothing(void **state UNUSED)
{
	assert_null(pool_free(NULL));
}

TESTS_MAIN("base/pool", T(zeroed_and_aligned), T(cap), T(calloc_overflow),
    T(larger_than_a_chunk), T(reset), T(spare), T(copies), T(copies_without_room),
    T(free_of_nothing))
