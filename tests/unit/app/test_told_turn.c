/* Pages of zones, and whose turn it is: each once, in order, and nothing is forgotten. */
#include <string.h>

#include "../tap.h"
#include "app/told_turn.h"

#define MANY	600

static void
queue(void **state UNUSED)
{
	struct turn_queue q;
	size_t n = 9;

	assert_int_equal(turn_queue_init(&q, 3), 0);
	assert_false(turn_queue_take(&q, &n));
	for (unsigned round = 0; round < 5; round++) {
		turn_queue_add(&q, 2);
		turn_queue_add(&q, 0);
		turn_queue_add(&q, 2);
		turn_queue_add(&q, 3);		/* there is none */
		assert_int_equal(q.n_in, 2);
		assert_true(turn_queue_take(&q, &n));
		assert_int_equal(n, 2);
		turn_queue_add(&q, 2);
		assert_true(turn_queue_take(&q, &n));
		assert_int_equal(n, 0);
		assert_true(turn_queue_take(&q, &n));
		assert_int_equal(n, 2);
		assert_false(turn_queue_take(&q, &n));
	}
	turn_queue_done(&q);
}

/* A page: its zones counted in seen, its object in text. */
static size_t
page(struct told_turn *t, unsigned *seen, struct buf *b)
{
	struct json j = json_on(b, false);
	size_t n = 0, i;

	b->len = 0;
	json_open(&j, '{');
	told_turn_begin(t, &j);
	for (; told_turn_next(t, &j, &i); n++)
		seen[i]++;
	told_turn_end(t, &j);
	json_close(&j, '}');
	assert_int_equal(b->rc, 0);
	return n;
}

static void
pages(void **state UNUSED)
{
	static unsigned seen[MANY];
	struct buf b = BUF_INIT;
	struct told_turn t;

	assert_int_equal(told_turn_init(&t, MANY), 0);
	assert_true(told_turn_waits(&t));
	assert_int_equal(page(&t, seen, &b), TOLD_PAGE_ZONES);
	assert_true(sv_eq_str(buf_get(&b), "{\"next\":256,\"left\":344}"));
	told_turn_changed(&t, 3);	/* was told, and is again */
	told_turn_changed(&t, 599);	/* its turn comes */
	assert_int_equal(page(&t, seen, &b), TOLD_PAGE_ZONES);
	assert_true(sv_eq_str(buf_get(&b), "{\"more\":true,\"next\":512,\"left\":88}"));
	assert_int_equal(page(&t, seen, &b), 89);
	assert_true(sv_eq_str(buf_get(&b), "{\"more\":true,\"next\":600,\"left\":0}"));
	for (size_t i = 0; i < MANY; i++)
		assert_int_equal(seen[i], i == 3 ? 2 : 1);
	assert_false(told_turn_waits(&t));
	told_turn_changed(&t, 5);
	told_turn_changed(&t, 5);
	assert_true(told_turn_waits(&t));
	assert_int_equal(page(&t, seen, &b), 1);
	assert_int_equal(seen[5], 2);
	/* All anew: what has changed is among them, once. */
	told_turn_changed(&t, 7);
	told_turn_all(&t);
	memset(seen, 0, sizeof(seen));
	for (size_t n = 0; n < MANY;)
		n += page(&t, seen, &b);
	for (size_t i = 0; i < MANY; i++)
		assert_int_equal(seen[i], 1);
	assert_false(told_turn_waits(&t));
	told_turn_done(&t);
	buf_done(&b);
}

/* For who asks: from any zone on, and nothing is remembered. */
static void
from(void **state UNUSED)
{
	static unsigned seen[MANY];
	struct told_turn t = TOLD_TURN_FROM(MANY, 590);
	struct buf b = BUF_INIT;

	assert_int_equal(page(&t, seen, &b), 10);
	assert_true(sv_eq_str(buf_get(&b), "{\"more\":true,\"next\":600,\"left\":0}"));
	assert_int_equal(seen[589] + seen[590] + seen[599], 2);
	t = TOLD_TURN_FROM(MANY, 5000);
	assert_int_equal(page(&t, seen, &b), 0);
	buf_done(&b);
}

TESTS_MAIN("app-told-turn", T(queue), T(pages), T(from))
