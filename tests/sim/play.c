/* The play itself: time passes, the engine is asked, the world obeys. */
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>

#include "play.h"

#define HOUR	3600
#define DAY	86400
#define YEAR	(365 * DAY)

void
play_log(struct play *p, const char *format, ...)
{
	char line[256];
	va_list ap;

	if (!p->verbose)
		return;
	va_start(ap, format);
	vsnprintf(line, sizeof(line), format, ap);
	va_end(ap);
	buf_printf(&p->log, "# %" PRId64 " %s\n", p->now, line);
}

static uint32_t
pick(struct dice *d, const uint32_t *v, size_t n)
{
	return v[dice_in(d, 0, (int64_t)n - 1)];
}
#define PICK(d, ...)	pick(d, (const uint32_t[]){ __VA_ARGS__ },	\
			    ARRAY_LEN(((const uint32_t[]){ __VA_ARGS__ })))

static void
policy_draw(struct dice *d, struct dnssec_policy *p)
{
	*p = policy_default();
	p->keys = PICK(d, POLICY_SPLIT, POLICY_SPLIT, POLICY_CSK);
	p->algorithm = PICK(d, 8, 13, 13, 15);
	p->ksk_lifetime = PICK(d, 0, 120 * DAY, 365 * DAY);
	p->zsk_lifetime = PICK(d, 0, 60 * DAY, 90 * DAY);
	p->csk_lifetime = PICK(d, 0, 120 * DAY, 365 * DAY);
	p->zsk_roll = PICK(d, POLICY_ZSK_PREPUBLISH, POLICY_ZSK_DOUBLE_SIGNATURE);
	p->ksk_roll = PICK(d, POLICY_KSK_DOUBLE_KSK, POLICY_KSK_DOUBLE_DS);
	p->csk_roll = PICK(d, POLICY_CSK_PREPUBLISH, POLICY_CSK_DOUBLE_SIGNATURE);
	p->backup_required = PICK(d, 0, 1);
	p->strict_algorithms = PICK(d, POLICY_STRICT_DNSKEY, POLICY_STRICT_DS, POLICY_STRICT_NONE);
	p->dnskey_ttl = PICK(d, 0, 300, HOUR, DAY);
	p->max_zone_ttl = PICK(d, 0, 300, HOUR, DAY, 2 * DAY);
	p->validity = PICK(d, 14 * DAY, 30 * DAY);
	p->refresh = PICK(d, 5 * DAY, 7 * DAY);
	p->jitter = PICK(d, 0, 12 * HOUR);
	p->clock_skew = PICK(d, 0, 10, 60);	/* the simulator tries each second of it */
	p->child_propagation = PICK(d, 0, 300, HOUR);
	p->publish_safety = PICK(d, 0, 0, HOUR);
	p->retire_safety = PICK(d, 0, 0, HOUR);
	p->parent_ds_ttl = PICK(d, 0, HOUR, DAY);
	p->parent_propagation = PICK(d, 0, 600, HOUR);
	p->registration_delay = PICK(d, 600, HOUR, DAY, 5 * DAY);
	p->cds = PICK(d, POLICY_CDS_ROLLOVER, POLICY_CDS_ALWAYS);
	p->ds_handover = PICK(d, POLICY_BY_CDS, POLICY_BY_EPP, POLICY_BY_PERSON);
}

/*
 * The longest outage of a server at which signatures still hold: made anew when
 * refresh is left, seen by the last server so much later, and cached then.
 */
static int64_t
stuck_max(const struct play *p)
{
	const struct dnssec_policy *pol = &p->policy;

	return (int64_t)pol->refresh - p->gap_sec - 2 * (int64_t)pol->child_propagation - pol->clock_skew -
	    max_i64(pol->max_zone_ttl, pol->dnskey_ttl) - 1;
}

static int
servers_draw(struct play *p)
{
	struct dice *d = &p->dice;
	struct zone_plan child = {
		p->end, p->policy.child_propagation, stuck_max(p), 3 * DAY, p->calm ? 0 : 40 * DAY };
	struct zone_plan parent = {
		p->end, p->policy.parent_propagation, 5 * DAY, 3 * DAY, p->calm ? 0 : 60 * DAY };
	int rc;

	rc = zone_init(&p->child, d, (size_t)dice_in(d, 1, 4), &child);
	return rc < 0 ? rc : zone_init(&p->parent, d, (size_t)dice_in(d, 1, 3), &parent);
}

static void
policy_log(struct play *p)
{
	size_t n;
	const struct policy_row *rows = policy_rows(&n);

	for (size_t i = 0; i < n; i++)
		play_log(p, "policy %s %u", rows[i].name, policy_get(&p->policy, &rows[i]));
	play_log(p, "asked each %" PRId64 " s, %zu servers, %zu of the parent", p->gap_sec,
	    p->child.n_servers, p->parent.n_servers);
}

int
play_init(struct play *p, uint64_t seed, int64_t years, bool verbose)
{
	struct numbers none = { 0 };
	int rc;

	*p = (struct play){ .dice = { seed }, .verbose = verbose,
		.now = PLAY_START, .end = PLAY_START + years * YEAR };
	policy_draw(&p->dice, &p->policy);
	p->gap_sec = PICK(&p->dice, 600, HOUR, 4 * HOUR, 12 * HOUR);
	/* The registry looks and enters within what the policy was told. */
	p->scan_sec = max_i64(p->policy.registration_delay / 2, 60);
	p->entry_sec = p->policy.registration_delay / 2;
	p->trouble_every = PICK(&p->dice, 0, 20 * DAY, 60 * DAY);
	p->calm = dice_percent(&p->dice, 30);
	p->next_look = p->next_scan = p->idle_at = p->now;
	p->next_trouble = p->trouble_every == 0 ? NEVER : p->now + p->trouble_every;
	rc = servers_draw(p);
	if (rc < 0)
		return rc;
	policy_log(p);
	keystate_init(&p->ks, p->now);
	parent_publish(p, none, false, false);
	for (size_t i = 0; i < p->parent.n_servers; i++)
		p->parent.issues[0].at[i] = 0;
	signer_step(p);
	late_init(p);
	return p->rc;
}

void
play_done(struct play *p)
{
	zone_done(&p->child);
	zone_done(&p->parent);
	free(p->child_issues);
	free(p->parent_issues);
	free(p->contents);
	buf_done(&p->log);
	p->own = keystate_history_free(p->own);
	*p = (struct play){ 0 };
}

/* For how long it has been waiting for anything but the end of a key's life. */
static void
busy_track(struct play *p)
{
	bool busy = p->step.held;

	for (size_t i = 0; i < p->step.n_waits; i++)
		busy |= p->step.waits[i].why != KS_WAIT_NOTHING &&
		    p->step.waits[i].why != KS_WAIT_LIFETIME;
	if (!busy)
		p->idle_at = p->now;
	if ((p->now - p->idle_at) / DAY > p->counts.busy_days && (p->now - p->idle_at) / DAY % 10 == 0) {
		play_log(p, "ds wanted %08x, done %d, alarm %d", p->ks.ds_want, p->ks.ds_done,
		    p->ks.ds_alarm);
		for (size_t i = 0; i < p->step.n_waits; i++)
			play_log(p, "stuck: waits for %d key %u record %d until %" PRId64,
			    (int)p->step.waits[i].why, p->step.waits[i].key,
			    (int)p->step.waits[i].record, p->step.waits[i].until);
	}
	p->counts.busy_days = (unsigned)max_i64(p->counts.busy_days, (p->now - p->idle_at) / DAY);
}

static void
ask(struct play *p)
{
	_cleanup_(pool_freep) struct pool *pool = pool_new(1 << 20);
	struct keystate_observations obs = { NULL, NULL };
	struct dnssec_policy policy = p->policy;
	struct play_seen seen;
	struct findings fs;
	int rc;

	if (p->next_look <= p->now) {
		play_look(p, &seen);
		obs.child = dice_percent(&p->dice, 95) ? &seen.child : NULL;
		obs.parent = dice_percent(&p->dice, 95) ? &seen.parent : NULL;
		p->next_look = p->now + p->gap_sec;
	}
	findings_init(&fs, pool);
	if (p->sleepy) {
		policy.publish_safety += DAY;
		policy.retire_safety += DAY;
	}
	rc = keystate_next(&p->ks, &policy, &obs, p->now, &fs, &p->step);
	p->counts.calls++;
	p->counts.alarms += findings_reject(&fs);
	busy_track(p);
	if (rc < 0) {
		play_log(p, "keystate_next: %d", rc);
		p->rc = rc;
		return;
	}
	if (p->own != NULL)
		p->rc = keystate_history_add(p->own, &p->ks);
	late_seen(p, obs.child, obs.parent);
	late_judge(p);
}

void
play_run(struct play *p)
{
	while (p->now < p->end && p->rc == 0) {
		int64_t next;

		world_step(p);
		ask(p);
		if (p->rc < 0)
			return;
		signer_step(p);
		world_obey(p);
		next = min_i64(world_next(p), p->next_look);
		if (p->step.next > p->now)
			next = min_i64(next, p->step.next);
		p->now = max_i64(next, p->now + 1);
	}
}

/* --- what was served --- */

static void
names_print(struct buf *b, const struct play *p, const struct numbers *n, const struct content *sig)
{
	for (uint32_t i = 0; i < PLAY_KEYS_MAX; i++) {
		if (!numbers_has(n, i) || p->algs[i] == 0)
			continue;
		if (sig == NULL)
			buf_printf(b, " K%u", i);
		else
			buf_printf(b, " K%u:%" PRId64 ":%" PRId64, i, sig->inc, sig->exp);
	}
}

static void
content_print(struct buf *b, const struct play *p, const struct content *c)
{
	switch (c->id[0]) {
	case 'k':
		buf_printf(b, "dnskey %s keys", c->id);
		names_print(b, p, &c->keys, NULL);
		buf_str(b, " sigs");
		names_print(b, p, &c->sigs, c);
		break;
	case 's':
		buf_printf(b, "data %s A sigs", c->id);
		names_print(b, p, &c->sigs, c);
		break;
	default:
		buf_printf(b, "ds %s", c->id);
		names_print(b, p, &c->keys, NULL);
		buf_str(b, c->foreign ? " X" : numbers_none(&c->keys) ? " none" : "");
		break;
	}
	buf_char(b, '\n');
}

struct printer {
	const struct play	*p;
	struct buf		*b;
	size_t			 content;
};

static void
span_print(void *arg, size_t issue, struct span s)
{
	const struct printer *pr = arg;
	const struct content *c = &pr->p->contents[pr->content];

	(void)issue;
	buf_printf(pr->b, "serve %s %" PRId64 " ", c->id, s.from);
	if (s.until == NEVER)
		buf_str(pr->b, "never");
	else
		buf_printf(pr->b, "%" PRId64, s.until);
	buf_printf(pr->b, " %u\n", c->ttl_sec);
}

static void
zone_print(struct buf *b, const struct play *p, const struct zone *z, size_t issue, size_t content)
{
	struct printer pr = { p, b, content };

	zone_spans(z, issue, span_print, &pr);
}

void
play_history(const struct play *p, struct buf *b)
{
	buf_printf(b, "key X 13\nskew %u\nstrict %s\n", p->policy.clock_skew,
	    p->policy.strict_algorithms == POLICY_STRICT_NONE ? "no" : "yes");
	for (uint32_t i = 0; i < PLAY_KEYS_MAX; i++) {
		if (p->algs[i] != 0)
			buf_printf(b, "key K%u %u\n", i, p->algs[i]);
	}
	for (size_t i = 0; i < p->n_contents; i++)
		content_print(b, p, &p->contents[i]);
	for (size_t i = 0; i < p->parent.n_issues; i++)
		zone_print(b, p, &p->parent, i, p->parent_issues[i]);
	for (size_t i = 0; i < p->child.n_issues; i++) {
		zone_print(b, p, &p->child, i, p->child_issues[i].dnskey);
		for (size_t j = 0; j < PLAY_CLASSES; j++)
			zone_print(b, p, &p->child, i, p->child_issues[i].data[j]);
	}
	for (size_t i = 0; i < p->n_secure; i++)
		buf_printf(b, "secure %" PRId64 " %" PRId64 "\n", p->secure[i].from,
		    min_i64(p->secure[i].until, p->end));
	if (p->secure_open)
		buf_printf(b, "secure %" PRId64 " %" PRId64 "\n", p->secure[p->n_secure].from, p->end);
}
