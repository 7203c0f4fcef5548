/*
 * validate: reads what strangers wrote, and owns nothing. On a schedule, when
 * its inputs change, and when told so, it walks the repositories
 * (app/routes.h) and hands a sealed snapshot to the store; the last run stays
 * in memory to answer the page's questions.
 *
 * A run that could not read all of its inputs is this machine's trouble, not
 * the objects': nothing is published then, and the last good data stays.
 *
 * Landlock holds on to folders, not to names: an input that was not there at
 * the start, or whose folder was replaced, cannot be reached from within.
 * Then this process ends, and the parent starts one that can.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/timefmt.h"
#include "role/crypto.h"
#include "role/validate.h"
#include "sys/clock.h"
#include "sys/par.h"
#include "sys/statedir.h"

#define LOOK_SEC	5	/* between looks at the inputs, at least */
#define LOOK_SHARE	50	/* a look may take this part of the time */
#define UNSETTLED_MAX	5	/* runs over inputs that changed meanwhile, unpublished */
#define UNSETTLED_SEC	1

/* --- configuration --- */

/* Lines of text to NUL-terminated strings in the pool. */
static int
lines_copy(struct pool *pool, struct sv text, const char ***ret, size_t *ret_n)
{
	const char **v = pool_calloc(pool, VALIDATE_PATHS_MAX, sizeof(*v));
	struct sv line;
	size_t n = 0;

	if (v == NULL)
		return -ENOMEM;
	while (sv_line(&text, &line)) {
		if (line.n == 0)
			continue;
		if (n == VALIDATE_PATHS_MAX)
			return SE_LIMIT;
		if ((v[n++] = pool_sv(pool, line).p) == NULL)
			return -ENOMEM;
	}
	*ret = v;
	*ret_n = n;
	return 0;
}

static size_t
lines_count(struct sv text)
{
	struct sv line;
	size_t n = 0;

	while (sv_line(&text, &line))
		n++;
	return n;
}

static int
ours_copy(struct validate_role *st, struct sv asns, struct sv prefixes)
{
	uint32_t *a = pool_calloc(st->pool, lines_count(asns) + 1, sizeof(*a));
	struct ip_prefix *p = pool_calloc(st->pool, lines_count(prefixes) + 1, sizeof(*p));
	struct sv line;

	if (a == NULL || p == NULL)
		return -ENOMEM;
	st->ours.asns = a;
	st->ours.prefixes = p;
	while (sv_line(&asns, &line))
		if (asn_parse(line, &a[st->ours.n_asns++]) < 0)
			return -EBADMSG;
	while (sv_line(&prefixes, &line))
		if (ip_prefix_parse(line, &p[st->ours.n_prefixes++]) < 0)
			return -EBADMSG;
	return 0;
}

/*
 * Of an RRDP file its folder: it is replaced often, and the new one must be
 * reachable. Of anything else it alone: beside a TAL may lie a secret.
 */
static int
path_open(struct role *r, const char *path, bool replaced)
{
	struct validate_role *st = r->state;
	size_t slash = sv_rfind(sv_str(path), '/');
	const char *dir = path;
	int rc;

	if (path[0] == '\0' || st->n_held == VALIDATE_PATHS_MAX)
		return path[0] == '\0' ? 0 : SE_LIMIT;
	if (replaced && slash < strlen(path))
		dir = pool_printf(st->pool, "%.*s", slash > 0 ? (int)slash : 1, path);
	if (dir == NULL)
		return -ENOMEM;
	st->held[st->n_held].path = dir;
	st->held[st->n_held++].identity = file_identity(dir);
	if ((rc = role_path(r, dir, SANDBOX_READ)) < 0)
		role_log(r, LOG_LEVEL_ERROR, "cannot read %s: %s", dir, err_str(rc));
	return rc == -ENOENT || rc == -EACCES ? 0 : rc;
}

static bool
our_asn(void *ours, uint32_t asn)
{
	return ours_asn(ours, asn);
}

static bool
our_vrp(void *ours, const struct vrp *v)
{
	struct ip_prefix px = { .af = v->af, .len = v->len };

	memcpy(px.addr, v->addr, sizeof(px.addr));
	return ours_asn(ours, v->asn) || ours_prefix(ours, &px);
}

static int
on_local(struct role *r, enum role_id from UNUSED, void *msg)
{
	const struct msg_validate_local *m = msg;
	struct validate_role *st = r->state;
	int rc;

	if (st->pool != NULL)
		return -EBADMSG;	/* before the configuration, once */
	if ((st->pool = pool_new(4 * 1024 * 1024)) == NULL)
		return -ENOMEM;
	if ((rc = lines_copy(st->pool, m->slurm, &st->slurm, &st->n_slurm)) < 0)
		return rc;
	st->exceptions = pool_sv(st->pool, m->exceptions);
	if (st->exceptions.p == NULL)
		return -ENOMEM;
	/* The file, not its folder: beside it may lie a secret. See inputs_moved(). */
	for (size_t i = 0; i < st->n_slurm && rc == 0; i++)
		rc = path_open(r, st->slurm[i], false);
	st->n_held_local = st->n_held;
	return rc;
}

static int
on_conf(struct role *r, enum role_id from UNUSED, void *msg)
{
	const struct msg_validate_conf *m = msg;
	struct validate_role *st = r->state;
	int rc;

	if (st->tals != NULL || st->pool == NULL)
		return -EBADMSG;	/* the parent restarts us instead */
	if ((st->tals = pool_sv(st->pool, m->tals).p) == NULL)
		return -ENOMEM;
	if ((rc = lines_copy(st->pool, m->trees, &st->trees, &st->n_trees)) < 0 ||
	    (rc = lines_copy(st->pool, m->rrdp, &st->rrdp, &st->n_rrdp)) < 0 ||
	    (rc = ours_copy(st, m->org_asns, m->org_prefixes)) < 0)
		return rc;
	st->is_live = m->objects.n > 0;
	if ((st->objects = pool_sv(st->pool, m->objects).p) == NULL)
		return -ENOMEM;
	st->facts = m->facts != 0;
	st->settle_sec = m->settle;
	st->limits = (struct guard_limits){ .share_permille = m->guard_share,
	    .min_vrps = m->guard_min, .hold_sec = m->guard_hold,
	    .is_our_vrp = our_vrp, .is_our_asn = our_asn, .arg = &st->ours };
	st->interval = m->interval;
	st->jobs = m->jobs != 0 ? m->jobs : par_cpus();
	rc = path_open(r, st->tals, false);
	for (size_t i = 0; i < st->n_trees && rc == 0; i++)
		rc = path_open(r, st->trees[i], false);
	for (size_t i = 0; i < st->n_rrdp && rc == 0; i++)
		rc = path_open(r, st->rrdp[i], true);
	if (rc == 0 && st->is_live)
		rc = path_open(r, st->objects, false);
	return rc;
}

/* --- a run --- */

static void
complain_log(void *arg, const char *text)
{
	struct role *r = arg;
	struct validate_role *st = r->state;

	/* A trouble that stays is said at its first run only. */
	if (!st->complained)
		role_log(r, LOG_LEVEL_ERROR, "%s", text);
}

static uint64_t
inputs_signature(const struct validate_role *st)
{
	return input_signature(st->trees, st->n_trees) * 31 ^
	    input_signature(st->rrdp, st->n_rrdp) * 37 ^
	    input_signature(st->slurm, st->n_slurm) * 41 ^
	    file_signature(st->tals, 1);
}

/*
 * Somebody wrote while we read: half of the old and half of the new world
 * together may be a world that never was. Read again, but not for ever: a
 * folder that never comes to rest is read as it is.
 */
static bool
is_unsettled(struct validate_role *st)
{
	uint64_t sig = inputs_signature(st);

	if (sig == st->signature || ++st->n_unsettled > UNSETTLED_MAX) {
		st->n_unsettled = 0;
		return false;
	}
	return true;
}

void
run_local_give(struct validate_role *st, struct run *run)
{
	run->slurm = st->slurm;
	run->n_slurm = st->n_slurm;
	run->exceptions = st->exceptions;
	run->local_before = st->local;
	st->local_signature = input_signature(st->slurm, st->n_slurm);
}

bool
run_local_changed(const struct validate_role *st)
{
	return st->local_signature != input_signature(st->slurm, st->n_slurm);
}

void
run_local_take(struct validate_role *st, struct run *run)
{
	if (run->local_kept)
		return;
	st->local = slurm_free(st->local);
	st->local = TAKE_PTR(run->local);
}

static int
run_send(struct role *r, const struct run *run)
{
	struct msg_snapshot_new snap = { .snapshot = run->snapshot };
	struct msg_objects found = { .lines = run->findings };
	int rc = msg_snapshot_new_send(r, ROLE_STORE, &snap);

	return rc < 0 ? rc : msg_objects_send(r, ROLE_STORE, &found);
}

static int
run_once(struct role *r)
{
	struct validate_role *st = r->state;
	_cleanup_(run_done) struct run run;

	run_init(&run);
	run.conf = (struct routes_conf){
		.trees = st->trees, .n_trees = st->n_trees,
		.rrdp = st->rrdp, .n_rrdp = st->n_rrdp,
		.tals = &st->tals, .n_tals = 1, .now = role_now(r), .jobs = st->jobs,
		.tolerate = RPKI_TOL_DEFAULT, .keep = true,
		.complain = { complain_log, r, LANG_EN },
	};
	run.ours = &st->ours;
	run_local_give(st, &run);
	run_work(&run);
	if (run.routes != NULL && is_unsettled(st))
		return -EAGAIN;
	if (run.rc < 0 || (run.rc = run_send(r, &run)) < 0)
		return run.rc;
	role_log(r, LOG_LEVEL_DEBUG, "%zu points, %zu VRPs in %lld ms", run.routes->n_points,
	    run.routes->payloads.n_vrps, (long long)(run.routes->duration_usec / 1000));
	st->last = routes_free(st->last);
	run_local_take(st, &run);
	st->last = TAKE_PTR(run.routes);
	st->local_next = run.next;
	return 0;
}

/* Once for a trouble that stays, and when it is over. */
static void	run_tell(struct role *);

void
run_logged(struct role *r, int rc)
{
	struct validate_role *st = r->state;

	st->n_runs++;
	st->ran_at = role_now(r);
	st->failed = rc < 0;
	if (rc < 0) {
		st->n_failed++;
		if (!st->complained)
			role_log(r, LOG_LEVEL_ERROR, "no validation: %s, keeping old data",
			    err_str(rc));
	} else if (st->complained)
		role_log(r, LOG_LEVEL_NOTICE, "validation works again");
	st->complained = rc < 0;
	run_tell(r);
}

/* --- when --- */

/*
 * Another file or folder is there now, which the sandbox does not let us read:
 * end, and be started with what is there.
 */
bool
inputs_moved(struct role *r)
{
	const struct validate_role *st = r->state;
	size_t n = st->is_live ? st->n_held_local : st->n_held;	/* the store tells of its own */

	for (size_t i = 0; i < n; i++) {
		uint64_t id = file_identity(st->held[i].path);

		if (id == 0 || id == st->held[i].identity)
			continue;
		role_log(r, LOG_LEVEL_NOTICE, "%s is another one now; starting anew to reach it",
		    st->held[i].path);
		role_stop(r, 0);
		return true;
	}
	return false;
}

static void
look(void *arg)
{
	struct role *r = arg;
	struct validate_role *st = r->state;
	int64_t t0 = clock_mono_usec(), took, now = role_now(r);
	uint64_t sig;

	if (inputs_moved(r))
		return;
	sig = inputs_signature(st);
	took = clock_mono_usec() - t0;
	if (sig != st->signature || now >= st->next || now < st->ran_at) {
		/* Before the run: what changes meanwhile is seen by the next look. */
		st->signature = sig;
		st->local_next = TIME_NEVER;
		int rc = run_once(r);

		if (rc == -EAGAIN) {	/* the inputs are in motion */
			st->next = 0;
			(void)loop_timer_set(st->timer, UNSETTLED_SEC * 1000000LL);
			return;
		}
		run_logged(r, rc);
		st->next = min_i64(role_now(r) + st->interval, st->local_next);
	}
	took = took * LOOK_SHARE;
	(void)loop_timer_set(st->timer,
	    took > LOOK_SEC * 1000000LL ? took : LOOK_SEC * 1000000LL);
}

static int
on_now(struct role *r, enum role_id from UNUSED, void *msg UNUSED)
{
	struct validate_role *st = r->state;

	if (st->is_live) {
		vlive_now(r);
		return 0;
	}
	st->next = 0;
	st->complained = false;
	return loop_timer_set(st->timer, 0);
}

/* --- questions --- */

static int
error_json(struct buf *b, const char *text)
{
	struct json j = json_on(b, false);

	b->len = 0;
	json_open(&j, '{');
	json_kv_str(&j, "error", text);
	json_close(&j, '}');
	return b->rc;
}

void
question_answer(struct role *r, const struct question *q)
{
	struct validate_role *st = r->state;
	struct msg_explain_answer a = { .id = q->id };
	_cleanup_(buf_done) struct buf b = BUF_INIT;
	_cleanup_(fd_close) int fd = -1;
	int rc = st->last == NULL ? SE_STALE :
	    routes_explain(st->last, &st->ours, sv_str(q->subject), q->lang, &b);

	if (st->last == NULL) {
		a.code = 3;
		rc = error_json(&b, tr(q->lang, N_("no validation has been done yet; try again soon")));
	} else if (rc == -EINVAL) {
		a.code = 2;
		rc = error_json(&b, tr(q->lang,
		    N_("write a prefix, \"PREFIX ASN\", an AS number or a URI")));
	} else if (rc == -EAGAIN) {
		a.code = 3;
		rc = error_json(&b, tr(q->lang,
		    N_("objects that were judged before this start have to be read again; try again soon")));
	} else if (rc < 0) {
		a.code = 3;
		rc = error_json(&b, err_str(rc));
	}
	if (rc < 0 || (rc = memfd_of("explain", buf_get(&b), &fd)) < 0) {
		role_log(r, LOG_LEVEL_ERROR, "cannot answer: %s", err_str(rc));
		return;
	}
	a.json = fd;
	(void)msg_explain_answer_send(r, q->from, &a);
}

static void
busy_answer(struct role *r, enum role_id from, uint32_t id)
{
	struct msg_explain_answer a = { .id = id, .code = 3 };
	_cleanup_(buf_done) struct buf b = BUF_INIT;
	_cleanup_(fd_close) int fd = -1;

	if (error_json(&b, "too many questions wait; try again soon") < 0 ||
	    memfd_of("explain", buf_get(&b), &fd) < 0)
		return;
	a.json = fd;
	(void)msg_explain_answer_send(r, from, &a);
}

bool
question_waits(const struct validate_role *st, const struct question *q)
{
	return st->is_live && !q->taken && st->last != NULL &&
	    routes_thin(st->last, sv_str(q->subject));
}

/*
 * While a run works, its points belong to it: the question waits. So it does
 * when it needs what only a run may read.
 */
static int
on_explain(struct role *r, enum role_id from, void *msg)
{
	const struct msg_explain_ask *m = msg;
	struct validate_role *st = r->state;
	struct question q = { .id = m->id, .from = from,
	    .lang = m->lang < LANG_MAX ? (enum lang)m->lang : LANG_EN };
	bool busy = vlive_busy(st);

	(void)snprintf(q.subject, sizeof(q.subject), "%.*s", SV_ARG(m->subject));
	if (!busy && !question_waits(st, &q))
		question_answer(r, &q);
	else if (st->n_questions == QUESTIONS_MAX)
		busy_answer(r, from, m->id);
	else {
		st->questions[st->n_questions++] = q;
		if (!busy)
			vlive_now(r);
	}
	return 0;
}

/* --- life --- */

static int
start(struct role *r)
{
	struct validate_role *st = r->state;

	if (st->is_live)
		return vlive_start(r);
	if ((st->timer = loop_timer_add(r->loop, look, r)) == NULL)
		return -ENOMEM;
	return loop_timer_set(st->timer, 0);
}

static void
status(struct role *r, struct json *j)
{
	struct validate_role *st = r->state;

	json_kv_u64(j, "runs", st->n_runs);
	json_kv_u64(j, "failed", st->n_failed);
	json_kv_bool(j, "last_good", st->n_runs > 0 && !st->failed);
	json_kv_i64(j, "last_run", st->ran_at);
	if (st->vlive != NULL)
		vlive_status(st, j);
	if (st->last == NULL)
		return;
	json_kv_u64(j, "points", st->last->n_points);
	json_kv_u64(j, "points_as_before", st->last->n_moved);
	json_kv_u64(j, "vrps", st->last->payloads.n_vrps);
	json_kv_i64(j, "duration_usec", st->last->duration_usec);
}

/* For the metrics; what cannot be told now is told with the next run. */
static void
run_tell(struct role *r)
{
	_cleanup_(buf_done) struct buf b = BUF_INIT;
	struct json j = json_on(&b, false);
	struct msg_run_told m;

	json_open(&j, '{');
	status(r, &j);
	json_close(&j, '}');
	m.json = buf_get(&b);
	if (b.rc == 0)
		(void)msg_run_told_send(r, ROLE_WEB, &m);
}

static int
on_run_ask(struct role *r, enum role_id from UNUSED, void *msg UNUSED)
{
	run_tell(r);
	return 0;
}

static const struct role_handler handlers[] = {
	{ MSG_validate_conf, on_conf },
	{ MSG_validate_now, on_now },
	{ MSG_explain_ask, on_explain },
	{ MSG_validate_local, on_local },
	{ MSG_ring, vlive_on_ring },
	{ MSG_objects_changed, vlive_on_changed },
	{ MSG_source_result, vlive_on_result },
	{ MSG_sources_ask, vlive_on_ask },
	{ MSG_pinned, vlive_on_pinned },
	{ MSG_unpinned, vlive_on_unpinned },
	{ MSG_snapshot_use, vlive_on_use },
	{ MSG_guard_release, vlive_on_release },
	{ MSG_run_ask, on_run_ask },
};

int
main(void)
{
	static const struct role_def def = {
		.id = ROLE_VALIDATE,
		.handlers = handlers, .n_handlers = ARRAY_LEN(handlers),
		.conf = MSG_validate_conf,
		.state_size = sizeof(struct validate_role),
		.sandbox = &sandbox_validate,
		.crypto = &role_crypto,
		.start = start, .status = status,
	};

	return role_main(&def);
}
