/* Whose turn it is: one zone at a time, and of that the first thing that it needs. */
#include <errno.h>

#include "role/zone_role.h"
#include "sys/file.h"

#define LOOK_USEC	1000000		/* at the sources; a change is taken when it stood still so long */

void
zone_stir(struct zone_role *zr)
{
	(void)loop_timer_set(zr->timer, 1);
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

/* --- what a former life left --- */

static int
recall(struct zone_role *zr, struct zone_one *z)
{
	struct msg_zone_recall m = { .zone = zone_wire(z) };

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

/* --- the rest of its life --- */

/* --- whose turn it is --- */

/* Is there something to do for it, and can it be done? */
static bool
zone_is_due(struct zone_one *z, int64_t now)
{
	if (!z->keys.told || !zone_keys_serve(&z->keys) || now < z->retry_at)
		return false;
	if (zone_is_fed(z) ? z->now.plain == NULL && !z->in.has_got : z->seen == 0)
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
	/* A source that was refused and still is there: what is in service is signed on. */
	if (w->read && z->now.plain != NULL && z->seen == z->tried) {
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

/* A change is taken when two looks saw the same. */
static void
source_look(struct zone_one *z)
{
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
	z->seen = stamp;
}

/* The first thing that one zone after the other needs. */
static int
work_find(struct zone_role *zr, int64_t now)
{
	for (size_t i = 0; i < zr->list.n; i++)
		if (!zr->zones[i].loaded && now >= zr->zones[i].retry_at)
			return recall(zr, &zr->zones[i]);
	for (size_t i = 0; i < zr->list.n; i++) {
		struct zone_one *z = &zr->zones[zr->turn++ % zr->list.n];

		if (z->loaded && zone_is_due(z, now))
			return sign_begin(zr, z);
	}
	for (size_t i = 0; i < zr->list.n; i++)
		if (zone_compact_due(&zr->zones[i]) && now >= zr->zones[i].retry_at)
			return task_begin(zr, &zr->zones[i], TASK_COMPACT);
	if (!zone_audit_due(zr, now))
		return 0;
	if (zone_audit_begin(zr) < 0)
		return 0;
	return task_begin(zr, zr->recheck.z, TASK_AUDIT);
}

void
zone_on_timer(void *arg)
{
	struct zone_role *zr = arg;
	int64_t now = role_now(zr->role);
	int rc = 0;

	(void)loop_timer_set(zr->timer, LOOK_USEC);
	for (size_t i = 0; i < zr->list.n; i++) {
		source_look(&zr->zones[i]);
		zone_in_look(&zr->zones[i], now);
		zone_notify_look(&zr->zones[i]);
	}
	zone_out_look(zr);
	zone_web_tell(zr, now);
	if (zr->phase == ZONE_IDLE)
		rc = work_find(zr, now);
	if (rc < 0)
		role_stop(zr->role, rc);
}
