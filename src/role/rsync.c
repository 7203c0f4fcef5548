/*
 * rsync: keeps the rsync program, and what it brings. role/rsync_role.h tells
 * who may what, and why.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "role/rsync_role.h"
#include "sys/clock.h"
#include "sys/proc.h"

_Static_assert(sizeof(struct box_request) <= BOX_PACKET_MAX &&
    sizeof(struct box_reply) <= BOX_PACKET_MAX, "one packet each");

void
rsync_tree_path(const struct rsync_role *rr, uint32_t n, char *ret, size_t size)
{
	(void)snprintf(ret, size, "%s/%u", rr->scratch, n);
}

struct tree_limits
rsync_limits(const struct rsync_role *rr)
{
	return (struct tree_limits){ .names = RSYNC_NAMES_MAX,
	    .bytes = (uint64_t)rr->max_mb * 1024 * 1024, .file = RPKI_OBJECT_SIZE_MAX };
}

/* --- trees --- */

static void
tree_drop(struct rsync_role *rr, struct tree_of *t)
{
	char folder[4200];
	int rc;

	rsync_tree_path(rr, t->n, folder, sizeof(folder));
	if ((rc = tree_remove(folder)) < 0)
		role_log(rr->role, LOG_LEVEL_WARN, "cannot remove %s: %s", folder, err_str(rc));
	free(t->module);
	t->module = NULL;
	t->bytes = 0;
}

/* Rows stay where they are: jobs point to them. A free one has no module. */
static struct tree_of *
tree_oldest(struct rsync_role *rr)
{
	struct tree_of *oldest = NULL;

	for (unsigned i = 0; i < rr->n_trees; i++) {
		struct tree_of *t = &rr->trees[i];

		if (t->module != NULL && !t->busy && (oldest == NULL || t->used < oldest->used))
			oldest = t;
	}
	return oldest;
}

static void
trees_trim(struct rsync_role *rr)
{
	uint64_t max = (uint64_t)rr->max_mb * 1024 * 1024 * RSYNC_DISK_TREES, all = 0;
	struct tree_of *t;

	for (unsigned i = 0; i < rr->n_trees; i++)
		all += rr->trees[i].bytes;
	while (all > max && (t = tree_oldest(rr)) != NULL) {
		all -= t->bytes;
		tree_drop(rr, t);
	}
}

static struct tree_of *
tree_row(struct rsync_role *rr)
{
	struct tree_of *t;

	for (unsigned i = 0; i < rr->n_trees; i++)
		if (rr->trees[i].module == NULL)
			return &rr->trees[i];
	if (rr->n_trees < RSYNC_TREES_MAX)
		return &rr->trees[rr->n_trees++];
	if ((t = tree_oldest(rr)) != NULL)
		tree_drop(rr, t);
	return t;
}

/* The folder of that module, as it was left; a new one if there is none. */
static int
tree_take(struct rsync_role *rr, struct sv module, struct tree_of **ret)
{
	struct tree_of *t = NULL;
	char folder[4200];
	int rc;

	for (unsigned i = 0; i < rr->n_trees && t == NULL; i++)
		if (rr->trees[i].module != NULL && sv_eq_str(module, rr->trees[i].module))
			t = &rr->trees[i];
	if (t != NULL && t->busy)
		return -EBUSY;
	if (t == NULL) {
		if ((t = tree_row(rr)) == NULL)
			return -EBUSY;
		*t = (struct tree_of){ .n = ++rr->last_tree };
		rsync_tree_path(rr, t->n, folder, sizeof(folder));
		if ((rc = tree_make(folder)) < 0)
			return rc;
		if ((t->module = strndup(module.p, module.n)) == NULL)
			return -ENOMEM;
	}
	t->busy = true;
	t->used = clock_mono_usec();
	*ret = t;
	return 0;
}

/* --- requests --- */

static void
answer(struct rsync_role *rr, uint32_t req, bool ok, uint64_t changed, uint64_t bytes,
    enum fetch_code code, const char *detail)
{
	const struct msg_rsync_answer m = {
		.req = req, .ok = ok, .changed = changed, .bytes = bytes,
		.code = sv_str(ok ? "" : fetch_findings[code].code),
		.detail = sv_take(sv_str(ok ? "" : detail), 512),
	};

	rr->n_ok += ok;
	rr->n_failed += !ok;
	rr->bytes += bytes;
	if (msg_rsync_answer_send(rr->role, ROLE_FETCH, &m) < 0)
		role_log(rr->role, LOG_LEVEL_ERROR, "cannot answer fetch");
}

static struct rsync_job *
job_free(struct rsync_job *job)
{
	if (job == NULL)
		return NULL;
	job->walk = tree_close(job->walk);
	job->stage = stage_close(job->stage);
	if (job->deadline != NULL)
		(void)loop_timer_del(job->deadline);
	if (job->tree != NULL)
		job->tree->busy = false;
	free(job->uri);
	free(job->key);
	free((char *)(uintptr_t)job->spki.p);
	free(job);
	return NULL;
}
DEFINE_CLEANUP(struct rsync_job, job_free)

void
rsync_job_end(struct rsync_job *job, bool ok, enum fetch_code code, const char *detail)
{
	struct rsync_role *rr = job->rr;
	struct rsync_job **at = &rr->jobs;
	struct tree_of *t = job->tree;
	bool keep = !job->single && (ok || code != FETCH_RSYNC_SIZE);

	while (*at != job)
		at = &(*at)->next;
	*at = job->next;
	if (ok)
		t->bytes = job->bytes;
	answer(rr, job->req, ok, job->changed, job->bytes, code, detail);
	(void)job_free(job);
	if (!keep)
		tree_drop(rr, t);
	trees_trim(rr);
}

/* The box has its own; it did not keep it. The tree is not ours until it ends. */
static void
deadline(void *arg)
{
	struct rsync_job *job = arg;

	if (job->committing)
		return;
	role_log(job->rr->role, LOG_LEVEL_WARN, "%s: no end in time", job->uri);
	rsync_job_end(job, false, FETCH_RSYNC_TIME, "");
}

static int
bytes_keep(struct sv s, struct sv *ret)
{
	char *copy;

	if (s.n == 0)
		return 0;
	if ((copy = malloc(s.n)) == NULL)
		return -ENOMEM;
	memcpy(copy, s.p, s.n);
	*ret = (struct sv){ copy, s.n };
	return 0;
}

static int
job_new(struct rsync_role *rr, const struct msg_rsync_ask *m, struct rsync_job **ret)
{
	_cleanup_(job_freep) struct rsync_job *job = calloc(1, sizeof(*job));
	int64_t usec = ((int64_t)rr->timeout_sec * 2 + RSYNC_GRACE_SEC) * 1000000;
	int rc;

	if (job == NULL)
		return -ENOMEM;
	job->rr = rr;
	job->id = ++rr->last_job;
	job->req = m->req;
	job->single = !sv_ends(m->module, SV("/"));
	if ((rc = bytes_keep(m->spki, &job->spki)) < 0)
		return rc;
	if ((job->uri = strndup(m->module.p, m->module.n)) == NULL ||
	    (job->key = strndup(m->key.p, m->key.n)) == NULL ||
	    (job->deadline = loop_timer_add(rr->role->loop, deadline, job)) == NULL)
		return -ENOMEM;
	if ((rc = tree_take(rr, m->module, &job->tree)) < 0 ||
	    (rc = loop_timer_set(job->deadline, usec)) < 0)
		return rc;
	*ret = TAKE_PTR(job);
	return 0;
}

static int
job_start(struct rsync_role *rr, const struct msg_rsync_ask *m)
{
	struct box_request req = { 0 };
	struct rsync_job *job = NULL;
	int rc = job_new(rr, m, &job);

	if (rc < 0)
		return rc;
	req.job = job->id;
	req.tree = job->tree->n;
	memcpy(req.uri, m->module.p, m->module.n);
	if ((rc = box_ask(rr->box, (struct sv){ (const char *)&req, sizeof(req) })) < 0) {
		(void)job_free(job);
		return rc;
	}
	job->next = rr->jobs;
	rr->jobs = job;
	return 0;
}

/* Fetch has checked it; a bad one here is fetch's fault, or not fetch. */
static bool
uri_good(struct sv uri)
{
	if (uri.n == 0 || uri.n > FETCH_KEY_MAX || !rsync_uri_valid(uri))
		return false;
	for (size_t i = 0; i < uri.n; i++)
		/* The daemon expands patterns; nobody publishes under such names. */
		if (memchr("*?[\\@", uri.p[i], 5) != NULL &&
		    !(uri.p[i] == '[' && i == SV("rsync://").n))
			return false;
	return true;
}

static unsigned
jobs_count(const struct rsync_role *rr)
{
	unsigned n = 0;

	for (const struct rsync_job *j = rr->jobs; j != NULL; j = j->next)
		n++;
	return n;
}

static int
on_ask(struct role *r, enum role_id from UNUSED, void *msg)
{
	struct rsync_role *rr = r->state;
	const struct msg_rsync_ask *m = msg;
	int rc;

	if (rr->scratch == NULL)
		return -EBADMSG;
	if (!uri_good(m->module))
		answer(rr, m->req, false, 0, 0, FETCH_RSYNC, "the URI cannot be used");
	else if (rr->box < 0)
		answer(rr, m->req, false, 0, 0, FETCH_RSYNC_HERE,
		    "there is no rsync program here (fetch.rsync-program)");
	else if (jobs_count(rr) >= RSYNC_JOBS_MAX)
		answer(rr, m->req, false, 0, 0, FETCH_RSYNC_HERE, "too many at one time");
	else if ((rc = job_start(rr, m)) < 0)
		answer(rr, m->req, false, 0, 0, FETCH_RSYNC_HERE, err_str(rc));
	return 0;
}

/* --- the box --- */

static void
reply(struct rsync_role *rr, struct sv s)
{
	struct rsync_job *job = rr->jobs;
	struct box_reply b;

	if (s.n != sizeof(b))
		return;
	memcpy(&b, s.p, sizeof(b));
	b.detail[sizeof(b.detail) - 1] = '\0';
	while (job != NULL && job->id != b.job)
		job = job->next;
	if (job == NULL || job->walk != NULL || job->walked)
		return;			/* its deadline was before */
	if (b.ok)
		rsync_store(job);
	else
		rsync_job_end(job, false, b.code < FETCH_CODE_MAX ?
		    (enum fetch_code)b.code : FETCH_RSYNC, b.detail);
}

static void
on_box(void *arg, int fd, unsigned what UNUSED)
{
	struct rsync_role *rr = arg;
	char packet[BOX_PACKET_MAX];
	int n = box_answer(fd, packet);

	if (n > 0)
		reply(rr, (struct sv){ packet, (size_t)n });
	else if (n != -EAGAIN) {
		role_log(rr->role, LOG_LEVEL_ERROR, "the box has ended, starting anew");
		role_stop(rr->role, -EPIPE);
	}
}

static int
box_make(struct role *r)
{
	struct rsync_role *rr = r->state;
	const struct box_conf c = { .kind = &box_rsync, .program = rr->program, .folder = rr->scratch,
	    .job = rsync_box_job, .arg = rr, .no_sandbox = role_no_sandbox(r) };
	const char *what;
	pid_t pid;
	int rc;

	if (!proc_can_run(rr->program)) {
		role_log(r, LOG_LEVEL_WARN, "%s cannot be run; without fetch.rsync-program, "
		    "what is published by rsync only is not fetched", rr->program);
		return 0;
	}
	if ((rc = box_new(&c, &rr->box, &pid, &what)) < 0) {
		role_log(r, LOG_LEVEL_ERROR, "cannot make the box of rsync (%s: %s); does this "
		    "kernel have Landlock and seccomp? --no-sandbox runs without", what, err_str(rc));
		return rc;
	}
	rr->io = loop_io_add(r->loop, rr->box, LOOP_READ, on_box, rr);
	return rr->io == NULL ? -ENOMEM : 0;
}

/* --- life --- */

static int
on_conf(struct role *r, enum role_id from UNUSED, void *msg)
{
	struct rsync_role *rr = r->state;
	const struct msg_rsync_conf *m = msg;
	int rc;

	if (rr->scratch != NULL || m->timeout == 0 || m->max_mb == 0)
		return -EBADMSG;
	rr->role = r;
	rr->box = -1;
	rr->timeout_sec = m->timeout;
	rr->max_mb = m->max_mb;
	rr->no_sandbox = role_no_sandbox(r);
	if ((rr->program = strndup(m->program.p, m->program.n)) == NULL ||
	    (rr->scratch = strndup(m->scratch.p, m->scratch.n)) == NULL ||
	    (rr->hosts = strndup(m->hosts.n > 0 ? m->hosts.p : "", m->hosts.n)) == NULL ||
	    (rr->stages = stages_new(r)) == NULL)
		return -ENOMEM;
	if ((rc = tree_remove(rr->scratch)) < 0 || (rc = tree_make(rr->scratch)) < 0) {
		role_log(r, LOG_LEVEL_ERROR, "%s: %s", rr->scratch, err_str(rc));
		return rc;
	}
	if ((rc = box_make(r)) < 0)
		return rc;
	return role_path(r, rr->scratch, SANDBOX_WRITE);
}

/* What our former life was asked will not be answered any more. */
static int
rsync_start(struct role *r)
{
	const struct msg_rsync_answer m = { .req = 0 };

	return msg_rsync_answer_send(r, ROLE_FETCH, &m);
}

static int
on_opened(struct role *r, enum role_id from UNUSED, void *msg)
{
	return stages_on_opened(((struct rsync_role *)r->state)->stages, msg);
}

static int
on_batch(struct role *r, enum role_id from UNUSED, void *msg)
{
	return stages_on_batch(((struct rsync_role *)r->state)->stages, msg);
}

static int
on_commit(struct role *r, enum role_id from UNUSED, void *msg)
{
	return stages_on_commit(((struct rsync_role *)r->state)->stages, msg);
}

static void
rsync_status(struct role *r, struct json *j)
{
	const struct rsync_role *rr = r->state;
	uint64_t disk = 0, trees = 0;

	for (unsigned i = 0; i < rr->n_trees; i++) {
		disk += rr->trees[i].bytes;
		trees += rr->trees[i].module != NULL;
	}
	json_kv_bool(j, "program", rr->box >= 0);
	json_kv_u64(j, "running", jobs_count(rr));
	json_kv_u64(j, "fetched", rr->n_ok);
	json_kv_u64(j, "failed", rr->n_failed);
	json_kv_u64(j, "bytes", rr->bytes);
	json_kv_u64(j, "trees", trees);
	json_kv_u64(j, "disk", disk);
}

static const struct role_handler handlers[] = {
	{ MSG_rsync_conf, on_conf },
	{ MSG_rsync_ask, on_ask },
	{ MSG_source_opened, on_opened },
	{ MSG_batch_done, on_batch },
	{ MSG_commit_done, on_commit },
};

int
main(void)
{
	static const struct role_def def = {
		.id = ROLE_RSYNC,
		.handlers = handlers,
		.n_handlers = ARRAY_LEN(handlers),
		.conf = MSG_rsync_conf,
		.state_size = sizeof(struct rsync_role),
		.sandbox = &sandbox_rsync,
		.start = rsync_start,
		.status = rsync_status,
	};

	return role_main(&def);
}
