/* One validation: from the objects to bytes for the other roles. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/timefmt.h"
#include "crypto/crypto.h"
#include "role/validate.h"
#include "sys/file.h"

#define LOCAL_POOL_MAX	((size_t)64 << 20)	/* findings about SLURM files */
#define FINDINGS_LINES_MAX	200000	/* of one run, in the object log */

void
run_init(struct run *r)
{
	memset(r, 0, sizeof(*r));
	r->next = TIME_NEVER;
	r->snapshot = r->findings = r->wants = r->points = r->holds = r->touched = -1;
}

void
run_done(struct run *r)
{
	int *const fds[] = { &r->snapshot, &r->findings, &r->wants, &r->points,
	    &r->holds, &r->touched };

	for (size_t i = 0; i < ARRAY_LEN(fds); i++)
		fd_close(fds[i]);
	buf_done(&r->complaints);
	r->routes = routes_free(r->routes);
	r->local = slurm_free(r->local);
}

static int
snapshot_make(struct run *r)
{
	const struct snapshot_stamp none = { 0, { 0, 1, 2 } };
	const struct payloads *p = &r->routes->payloads;
	_cleanup_(buf_done) struct buf report = BUF_INIT;
	uint8_t *map;
	size_t size;
	int rc, done;

	if ((rc = routes_report(r->routes, r->ours, &report)) < 0 ||
	    (rc = snapshot_size(p, report.len, &size)) < 0 ||
	    (rc = memfd_room("snapshot", size, &r->snapshot, &map)) < 0)
		return rc;
	rc = snapshot_build(p, r->routes->now, &none, buf_get(&report), crypto_sha256, map, size);
	done = memfd_room_done(r->snapshot, map, size);
	return rc < 0 ? rc : done;
}

struct lines {
	struct buf	b;
	size_t		n;
};

/* No time in the line: the store sees by the bytes that nothing is new. */
static bool
line_add(void *arg, const struct finding *f)
{
	struct lines *l = arg;
	struct json j = json_on(&l->b, false);

	if (l->n++ >= FINDINGS_LINES_MAX)
		return false;
	finding_json(&j, f, LANG_EN);
	buf_char(&l->b, '\n');
	return true;
}

static int
findings_make(struct run *r)
{
	struct lines l = { .b = BUF_INIT };
	int rc;

	routes_findings(r->routes, line_add, &l);
	rc = l.b.rc;
	if (rc == 0)
		rc = memfd_of("findings", buf_get(&l.b), &r->findings);
	buf_done(&l.b);
	return rc;
}

/* What would be lost only because something failed, and is much or ours. */
static int
guard_apply(struct run *r)
{
	struct payloads *p = &r->routes->payloads, lost = { 0 };
	struct guard_counts counts;
	size_t dropped;
	int rc;

	if (r->published == NULL || r->limits.share_permille == 0)
		return 0;
	rc = guard_losses(r->published, p, r->routes->now, &lost, &counts);
	if (rc == 0)
		rc = guard_decide(&r->limits, &counts, r->routes->now,
		    r->has_released ? r->released : NULL,
		    crypto_sha256, &lost, &r->guard);
	if (rc == 0 && r->guard.n_held > 0) {
		rc = payloads_append(p, &lost);
		if (rc == 0)
			rc = payloads_merge(p, &dropped);
		if (rc == 0)
			rc = routes_guard_note(r->routes, &r->guard);
	}
	payloads_done(&lost);
	return rc;
}

/*
 * Filters and assertions come after the guard: what is local is never held.
 * A set that is refused leaves the one before it in force.
 */
static int
local_apply(struct run *r)
{
	_cleanup_(pool_freep) struct pool *pool = NULL;
	struct findings fs;
	int64_t next = TIME_NEVER;
	int rc;

	if (r->n_slurm == 0 && r->exceptions.n == 0)
		return 0;
	if ((pool = pool_new(LOCAL_POOL_MAX)) == NULL)
		return -ENOMEM;
	findings_init(&fs, pool);
	rc = exceptions_load(r->slurm, r->n_slurm, r->exceptions, r->routes->now, &fs,
	    &r->conf.complain, &r->local, &next);
	if (rc == -ENOMEM)
		return rc;
	r->next = min_i64(r->next, next);
	if (r->local == NULL) {
		complain(&r->conf.complain, "the local filters and assertions are refused "
		    "(see the findings); those before them stay in force");
		r->local_kept = true;
	}
	if (r->local != NULL || r->local_before != NULL)
		return routes_slurm(r->routes, r->local != NULL ? r->local : r->local_before, &fs);
	findings_append(&r->routes->findings, &fs);
	return 0;
}

/* Bytes that a function of the run writes, as a sealed memfd. */
static int
bytes_make(const char *name, int rc, struct buf *b, int *ret_fd)
{
	if (rc == 0 && b->len > 0)
		rc = memfd_of(name, buf_get(b), ret_fd);
	buf_done(b);
	return rc;
}

static int
live_make(struct run *r)
{
	struct buf wants = BUF_INIT, points = BUF_INIT, holds = BUF_INIT;
	struct sv touched;
	int rc;

	rc = bytes_make("wants", live_wants(r->live, r->routes, &wants), &wants, &r->wants);
	if (rc == 0)
		rc = bytes_make("points", live_points(r->live, r->routes, &points),
		    &points, &r->points);
	if (rc == 0)
		rc = bytes_make("holds", live_holds(r->live, r->routes, &holds), &holds, &r->holds);
	touched = live_touched(r->live);
	if (rc == 0 && touched.n > 0)
		rc = memfd_of("touched", touched, &r->touched);
	r->counts = live_counts(r->live);
	r->next = min_i64(r->next, live_next(r->routes));
	r->settled = !r->is_first || live_settled(r->live, r->routes, r->known, r->known_arg);
	if (rc == 0)
		live_followed(r->live);
	return rc;
}

/* Questions wait for the end of the run, which is the next moment with a pin. */
static int
questions_thicken(struct run *r)
{
	int rc = 0;

	for (size_t i = 0; i < r->n_questions && rc == 0; i++)
		rc = routes_thicken(r->routes, r->conf.backend, sv_str(r->questions[i].subject));
	return rc;
}

/*
 * Nothing at all was found, and points failed: that is no RPKI without
 * payloads but one that we could not read (a full disk, no network). An empty
 * first set would make a router believe this cache instead of its other one;
 * no set is No Data Available (8210bis section 12, code 2).
 */
static bool
is_void(const struct run *r)
{
	const struct routes *x = r->routes;
	bool failed = false;

	for (size_t i = 0; i < x->n_points && !failed; i++)
		failed = x->points[i]->failed;
	return r->is_first && failed && x->payloads.n_vrps == 0 && x->payloads.n_aspas == 0 &&
	    x->payloads.n_router_keys == 0;
}

static int
work(struct run *r)
{
	bool publish;
	int rc = 0;

	if (r->live != NULL) {
		if ((rc = live_begin(r->live)) < 0)
			return rc;
		r->conf.backend = live_backend(r->live);
	}
	if ((rc = routes_run(&r->conf, &r->routes)) < 0)
		return rc;
	if (r->live != NULL && ((rc = questions_thicken(r)) < 0 || (rc = live_make(r)) < 0))
		return rc;
	if (r->routes->incomplete)
		return -EIO;
	publish = r->live == NULL || r->may_publish || r->settled;
	if (!publish)
		return 0;
	/* No anchor at all: an empty mount or disk, not a change of the RPKI. */
	if (r->routes->n_tas_found == 0) {
		if (r->live == NULL)
			return -ENOENT;
		complain(&r->conf.complain, "no trust anchor's certificate has been fetched, "
		    "keeping old data");
		return 0;
	}
	if (r->live != NULL && is_void(r)) {
		complain(&r->conf.complain, "nothing could be judged good yet; not publishing "
		    "an empty result (see \"sekisho status\")");
		return 0;
	}
	if ((rc = guard_apply(r)) < 0 || (rc = local_apply(r)) < 0 ||
	    (rc = snapshot_make(r)) < 0)
		return rc;
	return findings_make(r);
}

void
run_work(struct run *r)
{
	r->rc = work(r);
	if (r->live != NULL)
		live_end(r->live);
}
