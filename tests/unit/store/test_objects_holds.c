/* What nobody names dies, unless and until it is held. */
#include "../tap.h"
#include "objects_kit.h"
#include "store/limits.h"

#include <errno.h>

/* One manifest that names an object without end does not fill the list for all. */
static void
holds_once(void **state UNUSED)
{
	const size_t n = (size_t)3 * 1000 * 1000;
	struct objects *o = kit_open();
	uint32_t id = kit_source(o, "https://x/n.xml");
	uint8_t *held = malloc(n * OBJECTS_HASH_LEN);

	assert_non_null(held);
	kit_many(o, id, 100, 0);
	kit_many(o, id, 50, 50);
	for (size_t i = 0; i < n; i++)
		memcpy(held + i * OBJECTS_HASH_LEN, kit_hash(i == n / 2 ? "object 3" : "object 7").p,
		    OBJECTS_HASH_LEN);
	assert_int_equal(objects_hold(o, (struct sv){ (const char *)held, n * OBJECTS_HASH_LEN }), 0);
	(void)kit_gc(o, NOW + GRACE, 10);
	assert_int_equal(kit_stat(o).n_objects, 52);
	/* But each is counted: more than the limit are refused. */
	for (size_t i = 0; i < n; i++)
		memcpy(held + i * OBJECTS_HASH_LEN, &i, sizeof(i));
	assert_int_equal(objects_hold(o, (struct sv){ (const char *)held, n * OBJECTS_HASH_LEN }),
	    SE_LIMIT);
	free(held);
	objects_free(o);
}

/* Nothing dies before a hold, before its grace, or while it is held or named. */
static void
collects(void **state UNUSED)
{
	struct objects *o = kit_open();
	uint32_t id = kit_source(o, "https://x/n.xml");
	uint8_t held[2 * OBJECTS_HASH_LEN];
	bool more;

	kit_many(o, id, 100, 0);
	kit_many(o, id, 50, 50);
	assert_int_equal(kit_stat(o).n_dead, 50);
	assert_int_equal(objects_gc(o, NOW + 10 * GRACE, 1000, &more), 0);
	assert_false(more);
	assert_int_equal(kit_stat(o).n_objects, 100);
	memcpy(held, kit_hash("object 7").p, OBJECTS_HASH_LEN);
	memcpy(held + OBJECTS_HASH_LEN, kit_hash("object 3").p, OBJECTS_HASH_LEN);
	assert_int_equal(objects_hold(o, (struct sv){ (const char *)held, 63 }), -EBADMSG);
	assert_int_equal(objects_hold(o, (struct sv){ (const char *)held, sizeof(held) }), 0);
	(void)kit_gc(o, NOW + GRACE - 1, 10);
	assert_int_equal(kit_stat(o).n_objects, 100);
	/* 50 that may be looked at, 10 a slice. */
	assert_int_equal(kit_gc(o, NOW + GRACE, 10), 5 + (50 % 10 != 0));
	assert_int_equal(kit_stat(o).n_objects, 52);
	assert_int_equal(kit_stat(o).n_dead, 2);
	kit_sound(o);
	/* No longer held: a liar may have said so. Nor do its next lists shorten that. */
	assert_int_equal(objects_hold(o, (struct sv){ NULL, 0 }), 0);
	(void)kit_gc(o, NOW + GRACE, 10);
	assert_int_equal(objects_hold(o, (struct sv){ (const char *)held, OBJECTS_HASH_LEN }), 0);
	assert_int_equal(objects_hold(o, (struct sv){ NULL, 0 }), 0);
	(void)kit_gc(o, NOW + GRACE + OBJECTS_PAST_AGE - 1, 1);
	assert_int_equal(kit_stat(o).n_objects, 52);
	/* Let go at NOW + GRACE, and again where it was seen. */
	(void)kit_gc(o, NOW + GRACE + OBJECTS_PAST_AGE, 1);
	assert_int_equal(kit_stat(o).n_objects, 51);
	(void)kit_gc(o, NOW + GRACE + 2 * OBJECTS_PAST_AGE - 1, 10);
	assert_int_equal(kit_stat(o).n_objects, 50);
	kit_sound(o);
	objects_free(o);
}

/* What is held is not lost with a restart after which the first list is a lie. */
static void
held_over_restart(void **state UNUSED)
{
	struct objects *o = kit_open();
	uint32_t id = kit_source(o, "https://x/n.xml");
	const int64_t old = NOW + 100 * GRACE;

	kit_many(o, id, 10, 0);
	kit_many(o, id, 5, 5);
	assert_int_equal(objects_hold(o, kit_hash("object 3")), 0);
	for (int64_t t = NOW; t <= old; t += OBJECTS_HOLD_AGAIN / 2)
		(void)kit_gc(o, t, 10);
	assert_int_equal(kit_stat(o).n_objects, 6);
	objects_free(o);
	o = kit_open();
	assert_int_equal(objects_hold(o, (struct sv){ NULL, 0 }), 0);
	(void)kit_gc(o, old + OBJECTS_PAST_AGE - 2 * OBJECTS_HOLD_AGAIN, 10);
	assert_int_equal(kit_stat(o).n_objects, 6);
	(void)kit_gc(o, old + OBJECTS_PAST_AGE, 10);
	assert_int_equal(kit_stat(o).n_objects, 5);
	kit_sound(o);
	objects_free(o);
}

#define S(fn)	cmocka_unit_test_setup_teardown(fn, kit_setup, kit_teardown)

TESTS_MAIN("objects holds", S(holds_once), S(collects), S(held_over_restart))
