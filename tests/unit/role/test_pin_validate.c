/* While a run reads, validate says so again and again. */
#include "kit.h"

#include <stdlib.h>

#include "../../../src/role/validate_live.c"

static unsigned n_kept;
static struct msg_pin_keep kept;

static void
sent(enum msg_type type, enum role_id to, const void *msg)
{
	assert_int_equal(type, MSG_pin_keep);
	assert_int_equal(to, ROLE_STORE);
	kept = *(const struct msg_pin_keep *)msg;
	n_kept++;
}

void
run_local_give(struct validate_role *st UNUSED, struct run *run UNUSED)
{
}

void
run_local_take(struct validate_role *st UNUSED, struct run *run UNUSED)
{
}

bool
run_local_changed(const struct validate_role *st UNUSED)
{
	return false;
}

bool
inputs_moved(struct role *r UNUSED)
{
	return false;
}

bool
question_waits(const struct validate_role *st UNUSED, const struct question *q UNUSED)
{
	return false;
}

void
question_answer(struct role *r UNUSED, const struct question *q UNUSED)
{
}

void
run_logged(struct role *r UNUSED, int rc UNUSED)
{
}

static void
stop(void *arg)
{
	loop_stop(arg);
}

static void
renews(void **state UNUSED)
{
	struct vlive l = { .stage = RUNNING, .pin = 7 };
	struct validate_role st = { .is_live = true, .vlive = &l };
	struct role r = { .loop = loop_new(), .state = &st };
	struct loop_timer *end = loop_timer_add(r.loop, stop, r.loop);

	kit_sent = sent;
	st.timer = loop_timer_add(r.loop, on_timer, &r);
	(void)loop_timer_set(st.timer, 0);
	(void)loop_timer_set(end, 10000);
	assert_int_equal(loop_run(r.loop), 0);
	assert_int_equal(n_kept, 1);
	assert_int_equal(kept.pin, 7);
	assert_int_equal(l.stage, RUNNING);
	(void)loop_timer_del(end);
	(void)loop_timer_del(st.timer);
	(void)loop_free(r.loop);
	assert_true(KEEP_SEC * 3 < 15 * 60);
}

TESTS_MAIN("role/pin-validate", T(renews))
