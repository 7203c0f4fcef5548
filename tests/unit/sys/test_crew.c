/* Threads that call what may never return; trials in a child. */
#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "../tap.h"
#include "sys/clock.h"
#include "sys/crew.h"

#define SEC	1000000LL

static atomic_bool	go;		/* what hangs may return */
static atomic_int	n_ran, n_over, n_late, n_freed;

struct work {
	struct crew_job	 job;
	bool		 hangs;
};

static void
nap(void)
{
	const struct timespec ts = { 0, 1000000 };

	(void)nanosleep(&ts, NULL);
}

static void
run(struct crew_job *j, unsigned i UNUSED)
{
	while (((struct work *)j)->hangs && !go)
		nap();
	n_ran++;
}

static void
over(struct crew_job *j UNUSED, bool late)
{
	n_over++;
	n_late += late;
}

static void
done(struct crew_job *j)
{
	n_freed++;
	free(j);
}

static void
add(struct crew *c, bool hangs, int64_t limit, int64_t wait)
{
	struct work *w = calloc(1, sizeof(*w));

	assert_non_null(w);
	w->hangs = hangs;
	w->job = (struct crew_job){ .run = run, .over = over, .free = done, .limit_usec = limit,
	    .wait_usec = wait };
	assert_int_equal(crew_add(c, &w->job), 0);
}

/* Until the number is reached; the bound is for a machine that is broken. */
static void
until(atomic_int *n, int want)
{
	for (unsigned i = 0; i < 60000 && *n < want; i++)
		nap();
	assert_int_equal(*n, want);
}

static void
begin(void)
{
	go = false;
	n_ran = n_over = n_late = n_freed = 0;
}

static unsigned
taken(struct crew *c)
{
	struct crew_job *j;
	unsigned n = 0;

	for (; (j = crew_next(c)) != NULL; n++)
		j->free(j);
	return n;
}

static void
test_work(void **state UNUSED)
{
	struct crew *c = crew_new(3);
	unsigned idle;

	begin();
	assert_non_null(c);
	for (int i = 0; i < 200; i++)
		add(c, false, SEC, 0);
	until(&n_over, 200);
	assert_int_equal(n_late, 0);
	assert_int_equal(taken(c), 200);
	assert_int_equal(crew_look(c, clock_mono_usec() + 100 * SEC), 0);
	while (crew_busy(c, &idle) > 0)
		nap();
	assert_int_equal(idle, 3);
	assert_true(crew_stop(c, 60 * SEC));
	assert_int_equal(n_freed, 200);
}

/* One that hangs is late, once; the others work on; when it returns, it is freed. */
static void
test_hang(void **state UNUSED)
{
	struct crew *c = crew_new(2);
	unsigned idle;

	begin();
	add(c, true, SEC, 0);
	for (int i = 0; i < 10; i++)
		add(c, false, SEC, 0);
	until(&n_over, 10);
	assert_int_equal(n_late, 0);
	assert_int_equal(crew_look(c, clock_mono_usec()), 0);
	assert_int_equal(crew_look(c, clock_mono_usec() + 2 * SEC), 1);
	assert_int_equal(n_late, 1);
	assert_int_equal(crew_look(c, clock_mono_usec() + 3 * SEC), 1);
	assert_int_equal(n_late, 1);
	assert_int_equal(crew_busy(c, &idle), 1);
	assert_int_equal(idle, 1);
	assert_int_equal(taken(c), 10);
	go = true;
	until(&n_freed, 11);
	assert_int_equal(taken(c), 0);
	assert_true(crew_stop(c, 60 * SEC));
}

/* What waits behind it is late by its own limit, and is never run. */
static void
test_wait(void **state UNUSED)
{
	struct crew *c = crew_new(1);
	unsigned idle;

	begin();
	add(c, true, SEC, 0);
	for (idle = 1; idle > 0; )
		(void)crew_busy(c, &idle);
	add(c, false, SEC, 2 * SEC);
	add(c, false, SEC, 0);
	add(c, false, SEC, 2 * SEC);
	assert_int_equal(crew_look(c, clock_mono_usec() + 3 * SEC), 1);
	assert_int_equal(n_late, 3);
	assert_int_equal(taken(c), 2);
	go = true;
	until(&n_ran, 2);
	assert_true(crew_stop(c, 60 * SEC));
	assert_int_equal(n_freed, 4);
}

static void
test_stop(void **state UNUSED)
{
	struct crew *c = crew_new(1);
	unsigned idle;

	begin();
	add(c, true, SEC, 0);
	for (idle = 1; idle > 0; )
		(void)crew_busy(c, &idle);
	add(c, false, SEC, 0);
	assert_false(crew_stop(c, 20000));
	assert_int_equal(n_late, 2);
	assert_int_equal(taken(c), 1);
	go = true;
	until(&n_freed, 2);
	assert_int_equal(n_over, 2);
	assert_true(crew_stop(c, 60 * SEC));
}

static void
add_one(void *arg)
{
	(*(int *)arg)++;
}

static void
test_do(void **state UNUSED)
{
	struct crew *c = crew_new(2);
	int n = 0;

	crew_do(c, add_one, &n);
	assert_int_equal(n, 1);
	assert_true(crew_stop(c, 60 * SEC));
}

static void
test_full(void **state UNUSED)
{
	struct crew *c = crew_new(1);
	struct work w = { .job = { .run = run, .free = done, .limit_usec = SEC } };
	unsigned idle;

	begin();
	add(c, true, SEC, 0);
	for (idle = 1; idle > 0; )
		(void)crew_busy(c, &idle);
	for (int i = 0; i < CREW_JOBS_MAX; i++)
		add(c, false, SEC, 0);
	assert_int_equal(crew_add(c, &w.job), -EBUSY);
	go = true;
	assert_true(crew_stop(c, 60 * SEC));
	assert_int_equal(n_freed, CREW_JOBS_MAX + 1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_work),
		cmocka_unit_test(test_hang),
		cmocka_unit_test(test_wait),
		cmocka_unit_test(test_stop),
		cmocka_unit_test(test_full),
		cmocka_unit_test(test_do),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
