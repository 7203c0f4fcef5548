/* Whose turn it is: one zone at a time, and of that the first thing that it needs. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "role/zone_role.h"
#include "sys/clock.h"
#include "sys/file.h"

#define LOOK_USEC	1000000		/* at the sources; a change is taken when it stood still so long */
#define SOURCES_MAX	2048		/* files that are looked at in a second; of more, one after the other */

void
zone_stir(struct zone_role *zr)
{
	(void)loop_timer_set(zr->timer, 1);
}

void
zone_wake(struct zone_one *z)
{
	turn_queue_add(&z->zr->due, (size_t)(z - z->zr->zones));
	zone_stir(z->zr);
}

int
zone_turns_init(struct zone_role *zr)
{
	size_t n = zr->list.n;
	int rc;

	zr->n_unloaded = n;
	zr->life = (uint64_t)clock_mono_usec();
	if ((rc = turn_queue_init(&zr->due, n)) < 0 || (rc = turn_queue_init(&zr->fetches, n)) < 0 ||
	    (rc = told_turn_init(&zr->telling, n)) < 0)
		return rc;
	zr->again = calloc(SOURCES_MAX, sizeof(*zr->again));
	return zr->again == NULL ? -ENOMEM : 0;
}

/* On the thread. */
static void
work_run(void *arg)
{
	struct zone_role *zr = arg;

	if (zr->work.task == TASK_AUDIT)
		zone_audit_slice(zr);
	else
		zone_work(&zr->work);
}

/* --- what a former life left --- */

static int
recall(struct zone_role *zr, struct zone_one *z)
{
	struct msg_zone_recall m = { .zone = zone_wire(z) };
	const struct msg_key_ask ask = { .zone = zone_wire(z) };

	/* Here, one after the other: thousands at once would be more than anybody reads. */
	if (!z->keys.told)
		(void)msg_key_ask_send(zr->role, ROLE_KEY, &ask);
	zr->work.z = z;
	zr->work.task = TASK_LOAD;
	zr->phase = ZONE_RECALLING;
	zr->first_req = zr->req + 1;
	for (m.side = 0; m.side < KEEP_SIDE_MAX; m.side++) {
		m.req = ++zr->req;
		/* A store that is down hears us when it says that it lives. */
		(void)msg_zone_recall_send(zr->role, ROLE_STORE, &m);
	}
	return 0;
}

int
zone_on_recalled(struct role *r, enum role_id from UNUSED, void *msg)
{
	struct zone_role *zr = r->state;
	struct msg_zone_recalled *m = msg;
	struct zone_work *w = &zr->work;
	unsigned side = m->req - zr->first_req;

	if (zr->phase != ZONE_RECALLING || side >= KEEP_SIDE_MAX || w->image[side] >= 0)
		return 0;
	w->image[side] = m->image;
	w->journal[side] = m->journal;
	m->image = m->journal = -1;
	for (side = 0; side < KEEP_SIDE_MAX; side++)
		if (w->image[side] < 0)
			return 0;
	w->jobs = zr->jobs;
	w->at = role_now(r);
	zr->phase = ZONE_WORKING;
	zr->task = task_start(r->loop, work_run, zone_work_ended, zr);
	return zr->task == NULL ? -ENOMEM : 0;
}

/* --- whose turn it is --- */

/* Is there something to do for it, and can it be done? */
static bool
zone_is_due(struct zone_one *z, int64_t now)
{
	if (!z->keys.told || !zone_keys_serve(&z->keys) || now < z->retry_at)
		return false;
	/* Of a source that is gone the version that was read of it last is signed on. */
	if (z->now.plain == NULL && (zone_is_fed(z) ? !z->in.has_got : z->seen == 0))
		return false;
	if (z->wanted || z->in.has_got)
		return true;
	if (zone_keys_unsigned(&z->keys) && z->now.generation == z->keys.generation)
		return false;
	if (z->now.signed_zone == NULL || z->now.state == NULL)
		return zone_is_fed(z) || z->now.plain != NULL || z->seen != z->tried;
	return now >= sign_state_due(z->now.state);
}

static int
task_begin(struct zone_role *zr, struct zone_one *z, enum zone_task task)
{
	struct zone_work *w = &zr->work;

	w->z = z;
	w->task = task;
	w->line = &zr->line;
	w->jobs = zr->jobs;
	w->at = role_now(zr->role);
	zr->phase = ZONE_WORKING;
	zr->task = task_start(zr->role->loop, work_run, zone_work_ended, zr);
	return zr->task == NULL ? -ENOMEM : 0;
}

static int
sign_begin(struct zone_role *zr, struct zone_one *z)
{
	struct zone_work *w = &zr->work;
	int rc;

	w->stamp = z->seen;
	w->read = !zone_is_fed(z) && (z->now.plain == NULL || z->seen != z->now.stamp);
	/* A source that was refused and still is there, or is gone: what is in service is signed on. */
	if (w->read && z->now.plain != NULL && (z->seen == z->tried || z->seen == 0)) {
		w->read = false;
		w->stamp = z->now.stamp;
	}
	if (z->in.has_got) {
		w->got = z->in.got;
		z->in.got = (struct zone_got){ 0 };
		z->in.has_got = false;
	}
	if ((rc = zone_keys_copy(&z->keys, &w->keys)) < 0)
		return rc;
	z->wanted = false;
	return task_begin(zr, z, TASK_SIGN);
}

/* A change is taken when two looks, a second from each other, saw the same. */
void
zone_source_look(struct zone_one *z)
{
	struct zone_role *zr = z->zr;
	uint64_t stamp;

	if (zone_is_fed(z))
		return;
	stamp = file_signature(z->e->file, 0);
	if (stamp == 0 && (z->seen != 0 || z->why[0] == '\0'))
		zone_why(z, "its zone file is not there", z->e->file);
	if (stamp != 0 && stamp == z->seen && stamp != z->now.stamp && stamp != z->tried)
		z->wanted = true;
	if (stamp != 0 && z->seen == 0 && z->now.plain != NULL)
		z->wanted = true;	/* it is there again */
	if (stamp != z->seen && zr->list.n > SOURCES_MAX && zr->n_again < SOURCES_MAX)
		zr->again[zr->n_again++] = (uint32_t)(z - zr->zones);
	z->seen = stamp;
}

static void
sources_look(struct zone_role *zr)
{
	size_t n = zr->n_again;

	for (size_t i = 0; i < n; i++)
		zone_source_look(&zr->zones[zr->again[i]]);
	for (size_t i = 0; i < zr->list.n && i < SOURCES_MAX; i++)
		zone_source_look(&zr->zones[zr->look_turn++ % zr->list.n]);
	zr->n_again -= n;
	memmove(zr->again, zr->again + n, zr->n_again * sizeof(*zr->again));
}

static bool
zone_has_work(struct zone_one *z, int64_t now)
{
	return z->loaded && (zone_is_due(z, now) || zone_compact_due(z, now));
}

/* Each second, all of them: what may have become due by time alone. */
static void
all_look(struct zone_role *zr, int64_t now)
{
	sources_look(zr);
	for (size_t i = 0; i < zr->list.n; i++) {
		zone_in_look(&zr->zones[i], now);
		zone_notify_look(&zr->zones[i]);
		if (zone_has_work(&zr->zones[i], now))
			turn_queue_add(&zr->due, i);
	}
	zone_out_look(zr);
}

static int
load_find(struct zone_role *zr, int64_t now)
{
	for (size_t i = 0; i < zr->list.n; i++) {
		struct zone_one *z = &zr->zones[zr->load_turn++ % zr->list.n];

		if (!z->loaded && now >= z->retry_at)
			return recall(zr, z);
	}
	return 0;
}

/* The first thing that one zone after the other needs. */
static int
work_find(struct zone_role *zr, int64_t now, bool all)
{
	int rc = zr->n_unloaded > 0 ? load_find(zr, now) : 0;
	size_t i;

	if (rc < 0 || zr->phase != ZONE_IDLE)
		return rc;
	while (turn_queue_take(&zr->due, &i)) {
		struct zone_one *z = &zr->zones[i];

		zone_in_look(z, now);
		if (!z->loaded)
			continue;
		if (zone_is_due(z, now))
			return sign_begin(zr, z);
		if (zone_compact_due(z, now))
			return task_begin(zr, z, TASK_COMPACT);
	}
	if ((!all && zr->recheck.z == NULL) || !zone_audit_due(zr, now) || zone_audit_begin(zr) < 0)
		return 0;
	return task_begin(zr, zr->recheck.z, TASK_AUDIT);
}

void
zone_on_timer(void *arg)
{
	struct zone_role *zr = arg;
	int64_t now = role_now(zr->role), mono = clock_mono_usec();
	bool all = zr->looked_usec == 0 || mono - zr->looked_usec >= LOOK_USEC;
	size_t i;
	int rc = 0;

	if (all) {
		zr->looked_usec = mono;
		all_look(zr, now);
	}
	(void)loop_timer_set(zr->timer, max_i64(zr->looked_usec + LOOK_USEC - mono, 1));
	while (zr->n_fetches < ZONE_FETCHES_MAX && turn_queue_take(&zr->fetches, &i))
		zone_in_look(&zr->zones[i], now);
	zone_web_tell(zr, now);
	if (zr->phase == ZONE_IDLE)
		rc = work_find(zr, now, all);
	if (rc < 0)
		role_stop(zr->role, rc);
}
