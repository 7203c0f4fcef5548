/*
 * The earliest safe time of a step.
 *
 * All bounds of the history with the step at x are fixed, or x plus an edit's
 * delay (a moving beginning), or that plus a TTL (a moving end). When a
 * signature counts does not depend on x. So a bad state is one of fixed bad
 * seconds that some stretches of being alive have in common; as x grows, it
 * can come up in many ways, but it can vanish in one only: a moving beginning
 * reaches a fixed end. Hence the first safe x is the first one allowed or one
 * at which that happens, and trying these in order finds it exactly: it is not
 * assumed that later is safer.
 *
 * The state that was bad at one place mostly is at the next, too: it is asked
 * first, and alone.
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
fixed_bounds(const struct timeline *h, struct timeline_span window, struct times *ret)
{
	span_add(ret, window);
	for (size_t i = 0; i < h->n_secures; i++)
		span_add(ret, h->secures[i]);
	for (size_t i = 0; i < h->n_versions; i++) {
		const struct timeline_version *v = &h->versions[i];

		for (size_t k = 0; k < v->n_serves; k++) {
			span_add(ret, v->serves[k].at);
			times_add(ret, timeline_cached_until(&v->serves[k]));
		}
		for (size_t k = 0; k < v->n_sigs; k++)
			span_add(ret, timeline_usable(h, &v->sigs[k]));
	}
	times_sort(ret);
}

static int
candidates(const struct timeline *h, const struct timeline_step *step, int64_t not_before,
    struct timeline_span window, struct times *ret)
{
	struct times fixed = { 0 };

	fixed_bounds(h, window, &fixed);
	times_add(ret, not_before);
	for (size_t i = 0; i < fixed.n; i++)
		for (size_t k = 0; k < step->n_edits; k++) {
			int64_t at = fixed.v[i] - step->edits[k].after_sec;

			if (ret->n > TIMELINE_PLACES_MAX)
				ret->rc = SE_LIMIT;
			if (at > not_before && at < TIMELINE_TIME_MAX - TIMELINE_TTL_MAX)
				times_add(ret, at);
		}
	if (fixed.rc < 0)
		ret->rc = fixed.rc;
	times_done(&fixed);
	times_sort(ret);
	return ret->rc;
}

struct search {
	const struct timeline		*h;
	const struct timeline_step	*step;
	struct timeline_span		 window;
	struct timeline_bad		 last;	/* of the place before */
	bool				 has_last;
	uint64_t			 work_left;
};

/* Is the last bad state still bad somewhere in the window? */
static int
still_bad(struct search *s, const struct timeline *edited, bool *ret)
{
	_cleanup_(pool_freep) struct pool *pool = pool_new(TIMELINE_SIZE_MAX);
	struct set_maker m = { .pool = pool, .work_max = s->work_left };
	struct set ill;

	if (pool == NULL)
		return -ENOMEM;
	ill = set_and(&m, rule_state(edited, &m, &s->last), set_of(&m, &s->window, 1));
	s->work_left -= m.work;
	*ret = ill.n > 0;
	return m.rc;
}

static int
try_at(struct search *s, int64_t x, bool *ret_safe)
{
	_cleanup_(timeline_freep) struct timeline *edited = NULL;
	struct timeline_verdict v;
	bool bad;
	int rc;

	s->work_left -= min_size(s->work_left, s->h->n_versions);
	if ((rc = timeline_apply(s->h, s->step, x, &edited)) < 0)
		return rc;
	*ret_safe = false;
	if (s->has_last && ((rc = still_bad(s, edited, &bad)) < 0 || bad))
		return rc;
	if ((rc = timeline_check_spending(edited, s->window, &s->work_left, &v)) < 0)
		return rc;
	*ret_safe = v.n_bads == 0;
	s->has_last = v.n_bads > 0;
	if (s->has_last)
		s->last = v.bads[0];
	timeline_verdict_done(&v);
	return 0;
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
	_cleanup_(times_done) struct times places = { 0 };
	struct search s = { .h = h, .step = step, .window = window, .work_left = TIMELINE_SEARCH_WORK_MAX };
	bool safe = false;
	size_t i;
	int rc;

	if (!timeline_time_ok(not_before))
		return -ERANGE;
	if ((rc = candidates(h, step, not_before, window, &places)) < 0)
		return rc;
	for (i = 0; i < places.n && !safe; i++)
		if ((rc = try_at(&s, places.v[i], &safe)) < 0)
			return rc;
	if (safe) {
		int64_t x = places.v[i - 1];

		finding_add(fs, &roll_findings[ROLL_EARLIEST], FA_TIME("at", x));
		if (why != NULL && x > not_before && (rc = tell_at(h, step, x - 1, window, why)) < 0)
			return rc;
		*ret_x = x;
		return 0;
	}
	finding_add(fs, &roll_findings[ROLL_NEVER], FA_TIME("from", not_before));
	if (why != NULL && ((rc = tell_anyway(h, window, why)) < 0 ||
	    (rc = tell_at(h, step, places.v[places.n - 1], window, why)) < 0))
		return rc;
	*ret_x = TIME_NEVER;
	return 0;
}
