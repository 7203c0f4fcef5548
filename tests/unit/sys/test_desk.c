/* Threads ask, the loop answers; and what they borrow ends with the last of them. */
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

#include "../tap.h"
#include "base/err.h"
#include "sys/desk.h"
#include "sys/lend.h"

#define THREADS	8
#define ROUNDS	100
#define NEVER	100U		/* is not answered */
#define LONG	102U		/* with more than there is room for */

struct hall {
	struct loop		*loop;
	struct loop_timer	*timer, *watch;
	struct desk		*desk;
	atomic_uint		 running, answered, refused, late, too_long, other;
	/* the loop's: questions of which the answer comes later */
	struct {
		uint64_t	id;
		unsigned	q;
	} later[THREADS];
	unsigned		 n_later;
};

static int
on_question(void *arg, uint64_t id, const void *question)
{
	struct hall *h = arg;
	unsigned q;

	memcpy(&q, question, sizeof(q));
	if (q % 2 == 1)
		return -ENOENT;
	if (q == NEVER)
		return 0;
	h->later[h->n_later].id = id;
	h->later[h->n_later++].q = q;
	return loop_timer_set(h->timer, 1);
}

static void
on_timer(void *arg)
{
	struct hall *h = arg;

	for (unsigned i = 0; i < h->n_later; i++) {
		unsigned a[2] = { 2 * h->later[i].q, 0 };

		desk_answer(h->desk, h->later[i].id + 1000000, 0, a, sizeof(a[0]));	/* nobody's */
		desk_answer(h->desk, h->later[i].id, 7, a,
		    h->later[i].q == LONG ? sizeof(a) : sizeof(a[0]));
	}
	h->n_later = 0;
}

static void
on_watch(void *arg)
{
	struct hall *h = arg;

	if (atomic_load(&h->running) == 0 || loop_timer_set(h->watch, 2000) < 0)
		loop_stop(h->loop);
}

static void
ask(struct hall *h, unsigned q)
{
	unsigned a = 0;
	size_t n = 0;
	int rc = desk_ask(h->desk, &q, q == NEVER ? 2000 : 20000000, &a, sizeof(a), &n);

	atomic_fetch_add(rc == -ENOENT ? &h->refused : rc == -ETIMEDOUT ? &h->late :
	    rc == SE_LIMIT ? &h->too_long : rc == 7 && n == sizeof(a) && a == 2 * q ? &h->answered :
	    &h->other, 1);
}

static void *
asker(void *arg)
{
	struct hall *h = arg;

	for (unsigned i = 0; i < ROUNDS; i++)
		ask(h, i);
	ask(h, NEVER);
	ask(h, LONG);
	atomic_fetch_sub(&h->running, 1);
	return NULL;
}

static void
test_desk(void **state)
{
	struct hall h = { .loop = loop_new(), .running = THREADS };
	pthread_t threads[THREADS];

	(void)state;
	h.timer = loop_timer_add(h.loop, on_timer, &h);
	h.watch = loop_timer_add(h.loop, on_watch, &h);
	assert_int_equal(loop_timer_set(h.watch, 1), 0);
	assert_int_equal(desk_new(h.loop, on_question, &h, &h.desk), 0);
	for (unsigned i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, asker, &h), 0);
	assert_int_equal(loop_run(h.loop), 0);
	for (unsigned i = 0; i < THREADS; i++)
		assert_int_equal(pthread_join(threads[i], NULL), 0);
	assert_int_equal(atomic_load(&h.answered), THREADS * ROUNDS / 2);
	assert_int_equal(atomic_load(&h.refused), THREADS * ROUNDS / 2);
	assert_int_equal(atomic_load(&h.late), THREADS);
	assert_int_equal(atomic_load(&h.too_long), THREADS);
	assert_int_equal(atomic_load(&h.other), 0);
	h.desk = desk_free(h.desk);
	(void)loop_timer_del(h.timer);
	(void)loop_timer_del(h.watch);
	(void)loop_free(h.loop);
}

/* --- lend --- */

static void
ended(void *thing)
{
	++*(unsigned *)thing;
}

static void
test_lend(void **state)
{
	struct lend *l = lend_new(ended);
	unsigned a = 0, b = 0;
	struct lent *x, *y, *z;

	(void)state;
	assert_null(lend_take(l));
	assert_null(lent_thing(NULL));
	lend_back(l, NULL);
	assert_int_equal(lend_set(l, &a), 0);
	x = lend_take(l);
	y = lend_take(l);
	assert_ptr_equal(lent_thing(x), &a);
	assert_int_equal(lend_set(l, &b), 0);
	z = lend_take(l);
	assert_ptr_equal(lent_thing(z), &b);
	lend_back(l, x);
	assert_int_equal(a, 0);
	lend_back(l, y);
	assert_int_equal(a, 1);
	lend_back(l, z);
	assert_int_equal(b, 0);
	(void)lend_free(l);
	assert_int_equal(b, 1);
	assert_int_equal(a, 1);
}

TESTS_MAIN("desk",
    T(test_desk),
    T(test_lend))
