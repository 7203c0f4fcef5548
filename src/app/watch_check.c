/* What is to be known of a cache that does all right, too. */
#include "app/watch_cache.h"

#define EXPIRE_LONG	86400	/* a day: what was withdrawn counts until then */

#define F FINDING_ROW_
const struct finding_def watch_findings[WATCH_FINDING_MAX] = {
#include "app/watch_findings.def"
};
#undef F

/*
 * RFC 8210 section 6 bounds each timer; rtr says when a bound is broken. That
 * they leave a router time to try again is what the bounds are for.
 */
static void
timers_check(const struct watch_facts *f, struct findings *fs)
{
	const struct rtr_timers *t = &f->timers;

	if (f->version == 0)
		return;		/* it does not tell any */
	if (t->expire_sec < (uint64_t)t->refresh_sec + 2ull * t->retry_sec)
		finding_add(fs, &watch_findings[WATCH_EXPIRE_SHORT],
		    FA_U("expire", t->expire_sec), FA_U("refresh", t->refresh_sec),
		    FA_U("retry", t->retry_sec));
	if (t->expire_sec > EXPIRE_LONG)
		finding_add(fs, &watch_findings[WATCH_EXPIRE_LONG],
		    FA_U("expire", t->expire_sec));
}

static void
age_check(const struct watch_facts *f, const struct watch_limits *l, struct findings *fs)
{
	if (l->max_age_sec > 0 && l->age_sec > l->max_age_sec)
		finding_add(fs, &watch_findings[WATCH_STALE], FA_U("seconds", l->age_sec),
		    FA_U("limit", l->max_age_sec));
	else if (f->n_serials == 0 && l->age_sec <= l->watched_sec)
		finding_add(fs, &watch_findings[WATCH_AGE_UNKNOWN],
		    FA_U("seconds", l->watched_sec));
}

static void
serials_check(const struct watch_facts *f, struct findings *fs)
{
	if (f->to_current == WATCH_RESET)
		finding_add0(fs, &watch_findings[WATCH_NO_DELTA]);
	else if (f->to_previous == WATCH_RESET)
		finding_add0(fs, &watch_findings[WATCH_DELTA_SHORT]);
}

void
watch_check(const struct watch_facts *f, const struct watch_limits *l, struct findings *fs)
{
	size_t n = f->n_v4 + f->n_v6;

	if (f->connected && l->plain && !l->local)
		finding_add0(fs, &watch_findings[WATCH_PLAIN]);
	if (f->no_data)
		finding_add0(fs, &watch_findings[WATCH_NO_DATA]);
	if (!f->synced)
		return;
	if (f->version < f->asked)
		finding_add(fs, &watch_findings[WATCH_VERSION_LOW], FA_U("asked", f->asked),
		    FA_U("version", f->version));
	if (n < l->min_vrps)
		finding_add(fs, &watch_findings[WATCH_FEW_VRPS], FA_U("count", n),
		    FA_U("least", l->min_vrps));
	serials_check(f, fs);
	timers_check(f, fs);
	age_check(f, l, fs);
}
