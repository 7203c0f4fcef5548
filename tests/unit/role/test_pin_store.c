/* A pin is renewed while it is read, and only so long: with a clock of our own. */
#include "kit.h"

#include <errno.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/hash.h"

static int64_t	fake_mono(void);
#define clock_mono_usec	fake_mono
#include "../../../src/role/store_objects.c"
#undef clock_mono_usec

#define MINUTE	(60 * INT64_C(1000000))

static int64_t mono = 1000 * MINUTE;
static struct store_objects *the_store;
static uint32_t pin;
static int64_t code;

static int64_t
fake_mono(void)
{
	return mono;
}

static void
sent(enum msg_type type, enum role_id to, const void *msg)
{
	assert_int_equal(to, ROLE_VALIDATE);
	if (type == MSG_pinned) {
		code = ((const struct msg_pinned *)msg)->code;
		pin = ((const struct msg_pinned *)msg)->pin;
	} else if (type == MSG_unpinned)
		code = ((const struct msg_unpinned *)msg)->code;
	else
		fail();
}

struct store_objects *
store_objects_of(struct role *r UNUSED)
{
	return the_store;
}

/* --- cases --- */

static int
remove_one(const char *path, const struct stat *st UNUSED, int type UNUSED, struct FTW *f UNUSED)
{
	return remove(path);
}

static void
minutes_pass(unsigned n)
{
	mono += n * MINUTE;
	kit_now += n * 60;
	on_gc_timer(the_store);
}

static void
keep(struct role *r, uint32_t which)
{
	struct msg_pin_keep m = { .pin = which };

	assert_int_equal(store_on_pin_keep(r, ROLE_VALIDATE, &m), 0);
}

static int64_t
pin_now(struct role *r)
{
	struct msg_pin m = { .req = 1 };

	code = -1;
	assert_int_equal(store_on_pin(r, ROLE_VALIDATE, &m), 0);
	return code;
}

static int64_t
unpin_now(struct role *r)
{
	struct msg_unpin m = { .pin = pin };

	code = -1;
	assert_int_equal(store_on_unpin(r, ROLE_VALIDATE, &m), 0);
	return code;
}

static void
renewed(void **state)
{
	struct role *r = *state;

	assert_int_equal(pin_now(r), 0);
	for (unsigned i = 0; i < 9; i++) {
		minutes_pass(14);
		keep(r, pin);
	}
	assert_int_equal(unpin_now(r), 0);
}

static void
forgotten(void **state)
{
	struct role *r = *state;

	assert_int_equal(pin_now(r), 0);
	minutes_pass(14);
	keep(r, pin + 1);		/* another's */
	minutes_pass(2);
	assert_int_equal(unpin_now(r), SE_STALE);
}

/* Six hours and a quarter, whatever it says. */
static void
not_for_ever(void **state)
{
	struct role *r = *state;
	unsigned n = 0;

	assert_int_equal(pin_now(r), 0);
	for (; the_store->pinned && n < 1000; n++) {
		minutes_pass(10);
		keep(r, pin);
	}
	assert_in_range(n, 6 * 6, 6 * 6 + 2);
	assert_int_equal(unpin_now(r), SE_STALE);
}

static int
setup(void **state)
{
	static struct role r;
	static char dir[] = "/tmp/sekisho-pin-XXXXXX";
	const struct msg_store_conf m = { .state = sv_str(mkdtemp(dir)), .objects_mb = 16, .grace = 3600 };

	hash_seed(1, 2);
	kit_sent = sent;
	r.loop = loop_new();
	*state = &r;
	if (store_objects_new(&r, &m, &the_store) < 0)
		return -1;
	return store_objects_start(the_store);
}

static int
teardown(void **state)
{
	char dir[sizeof(the_store->folder)];

	(void)snprintf(dir, sizeof(dir), "%.*s", (int)(strlen(the_store->folder) - strlen("/objects")),
	    the_store->folder);
	the_store = store_objects_free(the_store);
	(void)loop_free(((struct role *)*state)->loop);
	return nftw(dir, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(renewed),
		cmocka_unit_test(forgotten),
		cmocka_unit_test(not_for_ever),
	};

	return cmocka_run_group_tests_name("role/pin", tests, setup, teardown);
}
