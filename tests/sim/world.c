/* Servers, their delays and outages. */
#include <errno.h>
#include <stdlib.h>

#include "world.h"

static int
outages_draw(struct server *s, struct dice *d, const struct zone_plan *p)
{
	static const unsigned kinds[] = {
		OUTAGE_SILENT, OUTAGE_UNSEEN, OUTAGE_STUCK, OUTAGE_STUCK | OUTAGE_SILENT,
		OUTAGE_STUCK | OUTAGE_UNSEEN };
	int64_t t = dice_in(d, 0, 2 * p->every);

	while (t < p->until && p->every > 0) {
		unsigned kind = kinds[dice_in(d, 0, (int64_t)ARRAY_LEN(kinds) - 1)];
		int64_t max = kind & OUTAGE_STUCK ? p->stuck_max : p->silent_max;
		/* Mostly short; sometimes as long as may be. */
		int64_t len = dice_percent(d, 70) ? dice_in(d, 1, max / 10) : dice_in(d, 1, max);
		struct outage *o;

		if (max > 0) {
			o = reallocarray(s->outages, s->n_outages + 1, sizeof(*o));
			if (o == NULL)
				return -ENOMEM;
			s->outages = o;
			o[s->n_outages++] = (struct outage){ kind, { t, t + len } };
		}
		t += len + dice_in(d, 1, 2 * p->every);
	}
	return 0;
}

int
zone_init(struct zone *z, struct dice *d, size_t n_servers, const struct zone_plan *p)
{
	int rc = 0;

	*z = (struct zone){ .n_servers = n_servers };
	for (size_t i = 0; i < n_servers && rc == 0; i++) {
		z->servers[i].delay_max = dice_in(d, 0, p->delay_max);
		z->servers[i].delay_min = dice_in(d, 0, z->servers[i].delay_max);
		rc = outages_draw(&z->servers[i], d, p);
	}
	return rc;
}

void
zone_done(struct zone *z)
{
	for (size_t i = 0; i < z->n_servers; i++)
		free(z->servers[i].outages);
	free(z->issues);
	*z = (struct zone){ 0 };
}

/* When a server that is offered something at t takes it. */
static int64_t
taken(const struct server *s, int64_t t)
{
	for (size_t i = 0; i < s->n_outages; i++) {
		const struct outage *o = &s->outages[i];

		if (o->kind & OUTAGE_STUCK && o->span.from <= t && t < o->span.until)
			t = o->span.until + s->delay_max;
	}
	return t;
}

int
zone_publish(struct zone *z, struct dice *d, int64_t now, size_t *ret)
{
	struct issue *is = reallocarray(z->issues, z->n_issues + 1, sizeof(*is));

	if (is == NULL)
		return -ENOMEM;
	z->issues = is;
	is += z->n_issues;
	*is = (struct issue){ .published = now };
	for (size_t i = 0; i < z->n_servers; i++) {
		const struct server *s = &z->servers[i];

		is->at[i] = taken(s, now + dice_in(d, s->delay_min, s->delay_max));
	}
	*ret = z->n_issues++;
	return 0;
}

static bool
answers(const struct server *s, int64_t t)
{
	for (size_t i = 0; i < s->n_outages; i++) {
		const struct outage *o = &s->outages[i];

		if (o->kind & (OUTAGE_SILENT | OUTAGE_UNSEEN) && o->span.from <= t && t < o->span.until)
			return false;
	}
	return true;
}

int
zone_ask(const struct zone *z, size_t server, int64_t now)
{
	if (!answers(&z->servers[server], now))
		return -1;
	/* Never back: the newest of those that have arrived. */
	for (size_t i = z->n_issues; i > 0; i--) {
		if (z->issues[i - 1].at[server] <= now)
			return (int)i - 1;
	}
	return -1;
}

int64_t
zone_everywhere(const struct zone *z, size_t issue)
{
	int64_t last = 0;

	for (size_t s = 0; s < z->n_servers; s++) {
		int64_t first = NEVER;

		for (size_t i = issue; i < z->n_issues; i++)
			first = min_i64(first, z->issues[i].at[s]);
		last = max_i64(last, first);
	}
	return last;
}

/* Without the times at which the server answers nobody. */
static void
spans_heard(const struct server *s, struct span whole, size_t issue,
    void (*span)(void *arg, size_t issue, struct span), void *arg)
{
	for (size_t i = 0; i < s->n_outages && whole.from < whole.until; i++) {
		const struct outage *o = &s->outages[i];

		if (!(o->kind & OUTAGE_SILENT) || o->span.until <= whole.from ||
		    o->span.from >= whole.until)
			continue;
		if (whole.from < o->span.from)
			span(arg, issue, (struct span){ whole.from, o->span.from });
		whole.from = o->span.until;
	}
	if (whole.from < whole.until)
		span(arg, issue, whole);
}

void
zone_spans(const struct zone *z, size_t issue,
    void (*span)(void *arg, size_t issue, struct span), void *arg)
{
	for (size_t s = 0; s < z->n_servers; s++) {
		struct span whole = { z->issues[issue].at[s], NEVER };

		for (size_t i = issue + 1; i < z->n_issues; i++)
			whole.until = min_i64(whole.until, z->issues[i].at[s]);
		if (whole.from < whole.until)
			spans_heard(&z->servers[s], whole, issue, span, arg);
	}
}
