/*
 * The earliest safe time of a step.
 *
 * All bounds of the history with the step at x are fixed, or x plus an edit's
 * delay (a moving beginning), or that plus a TTL (a moving end). When a
 * signature counts does not depend on x. So a bad state is one of fixed bad
 * seconds that some stretches of being alive have in common; as x grows, it
 * can come up in many ways, but it can vanish in one only: a moving beginning
 * reaches a fixed end of one of its own versions, of its signatures or of the
 * window. So whoever finds a bad state at x may go on to where that state
 * vanishes: there, or later, is the first safe x. It is not assumed that later
 * is safer.
 */
#include <errno.h>
#include <stdlib.h>

#include "base/err.h"
#include "dnssec/timeline_internal.h"

/* Times in a growing array. */
struct times {
	int64_t	*v;
	size_t	 n, cap;
	int	 rc;
};

static void
times_add(struct times *t, int64_t at)
{
	if (t->rc < 0 || at == TIME_NEVER || at == INT64_MIN)
		return;
	if (t->n == t->cap) {
		size_t cap = max_size(2 * t->cap, 256);
		int64_t *v = reallocarray(t->v, cap, sizeof(*v));

		if (v == NULL) {
			t->rc = -ENOMEM;
			return;
		}
		t->v = v;
		t->cap = cap;
	}
	t->v[t->n++] = at;
}

static void
times_done(struct times *t)
{
	free(t->v);
}

static int
by_value(const void *x, const void *y)
{
	const int64_t *a = x, *b = y;

	return (*a > *b) - (*a < *b);
}

static void
times_sort(struct times *t)
{
	size_t n = 0;

	if (t->n == 0)
		return;
	qsort(t->v, t->n, sizeof(*t->v), by_value);
	for (size_t i = 0; i < t->n; i++)
		if (n == 0 || t->v[i] != t->v[n - 1])
			t->v[n++] = t->v[i];
	t->n = n;
}

static void
span_add(struct times *t, struct timeline_span s)
{
	times_add(t, s.from);
	times_add(t, s.until);
}

static void
version_bounds(const struct timeline *h, const struct timeline_version *v, struct times *ret)
{
	for (size_t k = 0; k < v->n_serves; k++) {
		span_add(ret, v->serves[k].at);
		times_add(ret, timeline_cached_until(&v->serves[k]));
	}
	for (size_t k = 0; k < v->n_sigs; k++)
		span_add(ret, timeline_usable(h, &v->sigs[k]));
}

struct search {
	const struct timeline		*h;
	const struct timeline_step	*step;
	struct timeline_span		 window;
	int64_t				 x;	/* the last place tried */
	uint64_t			 work_left;
};

/* A bad state, and what its versions were before the step. */
struct witness {
	struct timeline_bad	bad;
	int			origins[3];
};

/* Where the state may vanish behind x, in order. */
static int
places_of(const struct search *s, const struct witness *w, struct times *ret)
{
	struct times fixed = { 0 };

	span_add(&fixed, s->window);
	for (size_t i = 0; i < s->h->n_secures && w->bad.ill == TIMELINE_INSECURE; i++)
		span_add(&fixed, s->h->secures[i]);
	for (size_t i = 0; i < ARRAY_LEN(w->origins); i++)
		if (w->origins[i] >= 0)
			version_bounds(s->h, &s->h->versions[w->origins[i]], &fixed);
	times_sort(&fixed);
	for (size_t i = 0; i < fixed.n; i++)
		for (size_t k = 0; k < s->step->n_edits; k++) {
			int64_t at = fixed.v[i] - s->step->edits[k].after_sec;

			if (at > s->x && at < TIMELINE_TIME_MAX - TIMELINE_TTL_MAX)
				times_add(ret, at);
		}
	if (fixed.rc < 0)
		ret->rc = fixed.rc;
	times_done(&fixed);
	times_sort(ret);
	return ret->rc;
}

static int
apply_at(struct search *s, int64_t x, struct timeline **ret)
{
	uint64_t cost = s->h->n_versions / 16 + 1;

	if (cost > s->work_left)
		return SE_LIMIT;
	s->work_left -= cost;
	s->x = x;
	return timeline_apply(s->h, s->step, x, ret);
}

/* Is the state still bad somewhere in the window, with the step at x? */
static int
still_bad(struct search *s, const struct timeline_bad *bad, int64_t x, bool *ret)
{
	_cleanup_(timeline_freep) struct timeline *edited = NULL;
	_cleanup_(pool_freep) struct pool *pool = pool_new(TIMELINE_SIZE_MAX);
	struct set_maker m = { .pool = pool };
	struct set ill;
	int rc;

	if (pool == NULL)
		return -ENOMEM;
	if ((rc = apply_at(s, x, &edited)) < 0)
		return rc;
	m.work_max = s->work_left;
	ill = set_and(&m, rule_state(edited, &m, bad), set_of(&m, &s->window, 1));
	s->work_left -= m.work;
	*ret = ill.n > 0;
	return m.rc;
}

/* Is all safe with the step at x? If not: the first bad state. */
static int
try_at(struct search *s, int64_t x, bool *ret_safe, struct witness *ret)
{
	_cleanup_(timeline_freep) struct timeline *edited = NULL;
	struct timeline_verdict v;
	int rc;

	if ((rc = apply_at(s, x, &edited)) < 0 ||
	    (rc = timeline_check_spending(edited, s->window, &s->work_left, &v)) < 0)
		return rc;
	*ret_safe = v.n_bads == 0;
	if (v.n_bads > 0) {
		const int parts[3] = { v.bads[0].ds, v.bads[0].dnskey, v.bads[0].data };

		ret->bad = v.bads[0];
		for (size_t i = 0; i < ARRAY_LEN(parts); i++)
			ret->origins[i] = parts[i] < 0 ? -1 : (int)edited->versions[parts[i]].origin;
	}
	timeline_verdict_done(&v);
	return 0;
}

/* Go on to where the state vanishes. 1: there; 0: nowhere. */
static int
leave_behind(struct search *s, const struct witness *w)
{
	_cleanup_(times_done) struct times places = { 0 };
	bool bad = true;
	int rc;

	if ((rc = places_of(s, w, &places)) < 0)
		return rc;
	for (size_t i = 0; i < places.n && bad; i++)
		if ((rc = still_bad(s, &w->bad, places.v[i], &bad)) < 0)
			return rc;
	return !bad;
}

static int
search_run(struct search *s, int64_t not_before, bool *ret_safe)
{
	struct witness w;
	int rc;

	s->x = not_before;
	do {
		if ((rc = try_at(s, s->x, ret_safe, &w)) < 0)
			return rc;
	} while (!*ret_safe && (rc = leave_behind(s, &w)) > 0);
	return rc < 0 ? rc : 0;
}

/* The story of the step taken at x. */
static int
tell_at(const struct timeline *h, const struct timeline_step *step, int64_t x, struct timeline_span window,
    struct findings *why)
{
	_cleanup_(timeline_freep) struct timeline *edited = NULL;
	struct timeline_verdict v;
	int rc;

	if ((rc = timeline_apply(h, step, x, &edited)) < 0 || (rc = timeline_check(edited, window, &v)) < 0)
		return rc;
	finding_add(why, &roll_findings[ROLL_TAKEN_AT], FA_TIME("at", x));
	timeline_report(edited, &v, window, why);
	timeline_verdict_done(&v);
	return 0;
}

/* Bad whatever is done with the step: say so first. */
static int
tell_anyway(const struct timeline *h, struct timeline_span window, struct findings *why)
{
	struct timeline_verdict v;
	int rc;

	if ((rc = timeline_check(h, window, &v)) < 0)
		return rc;
	if (v.n_bads > 0) {
		finding_add0(why, &roll_findings[ROLL_ANYWAY]);
		timeline_report(h, &v, window, why);
	}
	timeline_verdict_done(&v);
	return 0;
}

int
timeline_earliest(const struct timeline *h, const struct timeline_step *step, int64_t not_before,
    struct timeline_span window, struct findings *fs, struct findings *why, int64_t *ret_x)
{
	struct search s = { .h = h, .step = step, .window = window, .work_left = TIMELINE_SEARCH_WORK_MAX };
	bool safe = false;
	int rc;

	if (!timeline_time_ok(not_before))
		return -ERANGE;
	if ((rc = search_run(&s, not_before, &safe)) < 0)
		return rc;
	if (safe) {
		finding_add(fs, &roll_findings[ROLL_EARLIEST], FA_TIME("at", s.x));
		if (why != NULL && s.x > not_before && (rc = tell_at(h, step, s.x - 1, window, why)) < 0)
			return rc;
		*ret_x = s.x;
		return 0;
	}
	finding_add(fs, &roll_findings[ROLL_NEVER], FA_TIME("from", not_before));
	if (why != NULL && ((rc = tell_anyway(h, window, why)) < 0 || (rc = tell_at(h, step, s.x, window, why)) < 0))
		return rc;
	*ret_x = TIME_NEVER;
	return 0;
}
