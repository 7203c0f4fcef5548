/*
 * fetch: talks to publication servers. It reaches the network and the store
 * (by frames), and nothing else: no file, no key, no other process. What it
 * parses are the heads and files of strangers' servers; what it hands on are
 * batches of objects that it did not look into. app/fetch_plan.h tells when
 * which server is asked; role/fetch_role.h what the files of this role do.
 */
#include <errno.h>
#include <stdlib.h>

#include "base/err.h"
#include "role/fetch_role.h"
#include "sys/clock.h"
#include "sys/file.h"
#include "sys/memfd.h"
#include "sys/proc.h"

#define USER_AGENT	"sekisho/" SEKISHO_VERSION
/* Far above what is read of it; a memfd costs its sender. */
#define LINES_MAX	((size_t)1024 * 1024 * 1024)
/* The plan is asked at least so often: places are forgotten, clocks are odd. */
#define WAKE_MAX_MS	60000

int64_t
fetch_mono_ms(void)
{
	return clock_mono_usec() / 1000;
}

/* --- forgetting --- */

static void
forget_opened(void *arg, int rc, struct sv state UNUSED, uint64_t names UNUSED)
{
	struct fetch_role *fr = arg;

	if (rc < 0) {
		fr->forgetting = stage_close(fr->forgetting);
		return;
	}
	/* A stage that replaces everything by nothing. */
	stage_begin(fr->forgetting, true);
	stage_commit(fr->forgetting, SV(""));
}

static void
forget_room(void *arg UNUSED)
{
}

static void
forget_done(void *arg, int rc UNUSED, uint64_t changed UNUSED, uint64_t names UNUSED)
{
	struct fetch_role *fr = arg;

	fr->forgetting = stage_close(fr->forgetting);
	fetch_schedule(fr);
}

static void
forget_one(struct fetch_role *fr)
{
	static const struct stage_ops ops = { forget_opened, forget_room, forget_done };
	char key[FETCH_KEY_MAX + 1];

	if (fr->forgetting != NULL || !fetch_plan_forget(fr->plan, fetch_mono_ms(), key))
		return;
	role_log(fr->role, LOG_LEVEL_NOTICE, "%s: not wanted any more, its objects go", key);
	fr->forgetting = stage_open(fr->stages, sv_str(key), &ops, fr);
}

/* --- the schedule --- */

static void
wake(void *arg)
{
	struct fetch_role *fr = arg;
	struct fetch_place *f;
	int64_t ms;
	int rc;

	if (fr->runs == NULL && role_resolver_changed(fr->role, fr->resolver))
		return;
	while ((f = fetch_plan_next(fr->plan, fetch_mono_ms())) != NULL)
		if ((rc = run_start(fr, f)) < 0) {
			role_log(fr->role, LOG_LEVEL_ERROR, "%s: %s", f->key, err_str(rc));
			role_stop(fr->role, rc);
			return;
		}
	forget_one(fr);
	ms = fetch_plan_wake(fr->plan, fetch_mono_ms());
	ms = ms < 0 || ms > WAKE_MAX_MS ? WAKE_MAX_MS : ms;
	(void)loop_timer_set(fr->timer, ms * 1000 + 1000);
}

/* From the loop, so that no attempt starts within the end of another. */
void
fetch_schedule(struct fetch_role *fr)
{
	(void)loop_timer_set(fr->timer, 0);
}

/* --- frames --- */

static int
conf_apply(struct role *r, const struct msg_fetch_conf *m)
{
	struct fetch_role *fr = r->state;
	const struct fetch_plan_conf plan = {
		.refresh_ms = (int64_t)m->refresh * 1000,
		.rrdp = m->rrdp != 0,
		.rsync = (enum fetch_rsync)m->rsync,
	};
	uint64_t random;
	int rc;

	if (m->rsync > FETCH_RSYNC_ALWAYS || m->refresh == 0 || m->timeout == 0 || m->max_mb == 0)
		return -EBADMSG;
	if ((rc = random_fill(&random, sizeof(random))) < 0)
		return rc;
	fr->role = r;
	fr->timeout_sec = m->timeout;
	fr->max_mb = m->max_mb;
	/* The keeper of rsync answers to us what a former life of ours asked. */
	fr->last_req = (uint32_t)(random >> 32);
	if ((fr->plan = fetch_plan_new(&plan, random)) == NULL ||
	    (fr->stages = stages_new(r)) == NULL ||
	    (fr->timer = loop_timer_add(r->loop, wake, fr)) == NULL)
		return -ENOMEM;
	return 0;
}

static int
on_conf(struct role *r, enum role_id from UNUSED, void *msg)
{
	struct fetch_role *fr = r->state;
	const struct msg_fetch_conf *m = msg;
	_cleanup_(buf_done) struct buf ca = BUF_INIT;
	struct fetch_conf conf = { .user_agent = USER_AGENT, .hosts = m->hosts };
	int rc;

	if (fr->plan != NULL)
		return -EBADMSG;		/* a new one is a new process */
	buf_sv(&ca, m->ca_file);
	buf_char(&ca, '\0');
	if (ca.rc < 0)
		return ca.rc;
	conf.ca_file = ca.p;
	if ((rc = fetcher_new(r->loop, &conf, &fr->fetcher)) < 0) {
		role_log(r, LOG_LEVEL_ERROR, "cannot fetch: %s (fetch.ca-file is \"%s\"; "
		    "fetch.hosts needs NAME:PORT=ADDRESS:PORT)", err_str(rc), ca.p);
		return rc;
	}
	if ((rc = role_resolver(r, &fr->resolver)) < 0)
		return rc;
	return conf_apply(r, m);
}

static int
on_want(struct role *r, enum role_id from UNUSED, void *msg)
{
	struct fetch_role *fr = r->state;
	const struct msg_sources_want *m = msg;
	struct fetch_wanted old = fr->wanted;
	struct file_map map;
	int rc;

	if (fr->plan == NULL)
		return -EBADMSG;
	if ((rc = memfd_map(m->lines, false, LINES_MAX, &map)) < 0) {
		role_log(r, LOG_LEVEL_ERROR, "the list of what is wanted: %s, keeping the old one",
		    err_str(rc));
		return 0;
	}
	rc = fetch_plan_want(fr->plan, map.data, fetch_mono_ms(), &fr->wanted);
	file_unmap(&map);
	if (rc < 0)
		return rc;
	if (fr->wanted.n_bad + fr->wanted.n_over > 0 &&
	    (fr->wanted.n_bad != old.n_bad || fr->wanted.n_over != old.n_over))
		role_log(r, LOG_LEVEL_WARN, "of %zu places that certificates name, %zu are "
		    "no URIs and %zu are more than can be followed", fr->wanted.n_lines,
		    fr->wanted.n_bad, fr->wanted.n_over);
	fetch_schedule(fr);
	return 0;
}

static int
on_now(struct role *r, enum role_id from UNUSED, void *msg)
{
	struct fetch_role *fr = r->state;
	const struct msg_fetch_now *m = msg;

	if (fr->plan == NULL)
		return -EBADMSG;
	if (fetch_plan_now(fr->plan, m->key, fetch_mono_ms()))
		fetch_schedule(fr);
	return 0;
}

static int
on_opened(struct role *r, enum role_id from UNUSED, void *msg)
{
	return stages_on_opened(((struct fetch_role *)r->state)->stages, msg);
}

static int
on_batch(struct role *r, enum role_id from UNUSED, void *msg)
{
	return stages_on_batch(((struct fetch_role *)r->state)->stages, msg);
}

static int
on_commit(struct role *r, enum role_id from UNUSED, void *msg)
{
	return stages_on_commit(((struct fetch_role *)r->state)->stages, msg);
}

static int
on_rsync(struct role *r, enum role_id from UNUSED, void *msg)
{
	runs_rsync_answer(r->state, msg);
	return 0;
}

/* --- life --- */

static int
fetch_role_start(struct role *r)
{
	const struct msg_sources_ask ask = { 0 };

	fetch_schedule(r->state);
	return msg_sources_ask_send(r, ROLE_VALIDATE, &ask);
}

static void
fetch_role_status(struct role *r, struct json *j)
{
	const struct fetch_role *fr = r->state;

	if (fr->plan != NULL)
		fetch_status_json(fr, j);
}

static void
fetch_role_stop(struct role *r)
{
	struct fetch_role *fr = r->state;

	runs_stop(fr);
	fr->fetcher = fetcher_free(fr->fetcher);
	fr->plan = fetch_plan_free(fr->plan);
}

static const struct role_handler handlers[] = {
	{ MSG_fetch_conf, on_conf },
	{ MSG_sources_want, on_want },
	{ MSG_fetch_now, on_now },
	{ MSG_source_opened, on_opened },
	{ MSG_batch_done, on_batch },
	{ MSG_commit_done, on_commit },
	{ MSG_rsync_answer, on_rsync },
	{ MSG_webhook, fetch_on_webhook },
};

int
main(void)
{
	static const struct role_def def = {
		.id = ROLE_FETCH,
		.handlers = handlers,
		.n_handlers = ARRAY_LEN(handlers),
		.conf = MSG_fetch_conf,
		.state_size = sizeof(struct fetch_role),
		.sandbox = &sandbox_fetch,
		.start = fetch_role_start,
		.status = fetch_role_status,
		.stop = fetch_role_stop,
	};

	return role_main(&def);
}
