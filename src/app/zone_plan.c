#include "app/zone_plan.h"

#include <errno.h>
#include <stdio.h>

#include "base/err.h"

#define YEAR		(365 * (int64_t)86400)
#define ROUNDS_MAX	64		/* at one second: a key made, backed up, published, seen */

struct play {
	struct zone_plan		*plan;
	const struct zone_plan_opts	*o;
	struct pool			*pool;
	struct keystate			*st;
	struct dnssec_policy		 policy;
	struct keystate_history		*history;
	struct keystate_step		 step;
	int64_t				 now;
	int64_t				 child_due, parent_due;	/* all servers have the newest by then */
	uint32_t			 child_seq[KS_KIND_MAX];
	int64_t				 ds_since;	/* of the demand that parent_due is of */
	int64_t				 told, cds, arrived;	/* demands that have their events */
	enum ks_wait			 woke;		/* what ended just now */
	bool				 quiet;		/* before now: nothing is told */
};

/* --- events --- */

static void
ds_numbers(const struct play *p, uint32_t bits, struct zone_plan_event *e)
{
	for (unsigned i = 0; i < KEYSTATE_KEYS_MAX; i++)
		if ((bits >> i & 1) != 0)
			e->ds[e->n_ds++] = p->st->keys[i].number;
}

static int
event_add(struct play *p, const struct zone_plan_event *e)
{
	struct zone_plan *plan = p->plan;

	if (p->quiet)
		return 0;
	if (plan->n_events == ZONE_PLAN_EVENTS_MAX)
		return SE_LIMIT;
	plan->events[plan->n_events] = *e;
	plan->events[plan->n_events].at = p->now;
	plan->events[plan->n_events++].waited = p->woke;
	return 0;
}

static int
key_note(struct play *p, const struct keystate_key *k, bool exists)
{
	struct zone_plan *plan = p->plan;
	struct zone_plan_key *new;

	if (zone_plan_key(plan, k->number) != NULL)
		return 0;
	if (plan->n_keys == ZONE_PLAN_KEYS_MAX)
		return SE_LIMIT;
	new = &plan->keys[plan->n_keys++];
	*new = (struct zone_plan_key){ .number = k->number, .bits = k->bits, .role = k->role, .alg = k->alg,
		.tag = k->tag, .exists = exists, .public_len = exists ? k->public_len : 0 };
	memcpy(new->public_key, k->public_key, new->public_len);
	return 0;
}

const struct zone_plan_key *
zone_plan_key(const struct zone_plan *plan, uint32_t number)
{
	for (size_t i = 0; i < plan->n_keys; i++)
		if (plan->keys[i].number == number)
			return &plan->keys[i];
	return NULL;
}

/* --- obeying --- */

/* A stand-in for a key that does not exist yet: nothing looks at its octets. */
static int
generate(struct play *p, const struct keystate_action *a)
{
	char public_key[32];
	struct keystate_newkey new = { .role = a->role, .alg = a->alg, .bits = a->bits, .goal = a->goal };
	uint32_t number;
	int rc;

	snprintf(public_key, sizeof(public_key), "planned %u", p->st->next_number);
	new.public_key = sv_str(public_key);
	if ((rc = keystate_add_key(p->st, &new, p->now, &number)) < 0)
		return rc;
	if ((rc = key_note(p, &p->st->keys[keystate_find(p->st, number)], false)) < 0)
		return rc;
	return event_add(p, &(struct zone_plan_event){ .act = KS_ACT_GENERATE, .key = number });
}

/* The demand for a DS set, once; each call says it again until it has arrived. */
static int
hand_over(struct play *p, const struct keystate_action *a)
{
	struct zone_plan_event e = { .act = a->act,
		.who = a->act == KS_ACT_TELL ? ZONE_PLAN_PERSON : ZONE_PLAN_SEKISHO };

	int64_t *told = a->act == KS_ACT_CDS || a->act == KS_ACT_CDS_DELETE ? &p->cds : &p->told;

	if (*told == a->since)
		return 0;
	*told = a->since;
	ds_numbers(p, a->ds, &e);
	return event_add(p, &e);
}

static int
obey(struct play *p, const struct keystate_action *a, bool *changed)
{
	struct zone_plan_event e = { .act = a->act, .key = a->key };
	int rc;

	switch (a->act) {
	case KS_ACT_GENERATE:
		*changed = true;
		return generate(p, a);
	case KS_ACT_BACKUP:
	case KS_ACT_DELETE:
		*changed = true;
		e.who = a->act == KS_ACT_BACKUP ? ZONE_PLAN_PERSON : ZONE_PLAN_SEKISHO;
		if ((rc = event_add(p, &e)) < 0)
			return rc;
		rc = keystate_command(p->st, a->act == KS_ACT_BACKUP ? KS_CMD_BACKED_UP : KS_CMD_DELETED,
		    a->key, p->now);
		return rc == -EBUSY ? 0 : rc;
	case KS_ACT_DNSKEY_PUBLISH:
	case KS_ACT_DNSKEY_WITHDRAW:
	case KS_ACT_SIGN_START:
	case KS_ACT_SIGN_STOP:
		return a->fresh ? event_add(p, &e) : 0;
	case KS_ACT_DS_SUBMIT:
	case KS_ACT_CDS:
	case KS_ACT_CDS_DELETE:
	case KS_ACT_NOTIFY:
	case KS_ACT_TELL:
		return a->key == 0 ? hand_over(p, a) : 0;	/* of one key: the set says it all */
	case KS_ACT_DS_WITHDRAW:
	case KS_ACT_MAX:
	default:
		return 0;
	}
}

/* A key that was made or backed up lets the engine go on at once. */
static int
obey_all(struct play *p, bool *changed)
{
	int rc = 0;

	*changed = false;
	for (size_t i = 0; i < p->step.n_actions && rc == 0; i++)
		rc = obey(p, &p->step.actions[i], changed);
	return rc;
}

/* --- what is seen, and when --- */

static void
due_set(struct play *p)
{
	const struct keystate *st = p->st;

	for (int kind = KS_DNSKEY; kind <= KS_DATA; kind++) {
		if (st->seq[kind] == p->child_seq[kind])
			continue;
		p->child_seq[kind] = st->seq[kind];
		p->child_due = p->now + p->policy.child_propagation;
	}
	if (!st->ds_done && st->ds_since != p->ds_since) {
		p->ds_since = st->ds_since;
		p->parent_due = max_i64(p->now, st->ds_since + (int64_t)p->policy.registration_delay +
		    p->policy.parent_propagation);
	}
}

static int
ask(struct play *p)
{
	const struct keystate *st = p->st;
	struct keystate_child c = { .at = p->now, .complete = true,
		.dnskey_oldest = st->seq[KS_DNSKEY], .data_oldest = st->seq[KS_DATA] };
	struct keystate_parent d = { .at = p->now, .complete = true, .n_ds = 1,
		.ds[0] = { .keys = st->ds_want, .ttl_sec = p->policy.parent_ds_ttl } };
	struct keystate_observations seen = {
		.child = p->now >= p->child_due ? &c : NULL,
		.parent = p->now >= p->parent_due && !st->ds_alarm ? &d : NULL };
	struct zone_plan_event e = { .act = KS_ACT_MAX, .who = ZONE_PLAN_PARENT };
	int rc = 0;

	if (seen.parent != NULL && !st->ds_done && p->arrived != st->ds_since) {
		p->arrived = st->ds_since;
		ds_numbers(p, st->ds_want, &e);
		p->woke = KS_WAIT_PARENT;
		rc = event_add(p, &e);
	}
	if (rc == 0)
		rc = keystate_next(p->st, &p->policy, &seen, p->now, &p->plan->fs, &p->step);
	return rc;
}

/* Nothing left to wait for but the ends of lives. */
static bool
idle(const struct play *p)
{
	if (p->step.held || p->now < p->child_due || !p->st->ds_done)
		return false;
	for (size_t i = 0; i < p->step.n_waits; i++)
		if (p->step.waits[i].why != KS_WAIT_NOTHING && p->step.waits[i].why != KS_WAIT_LIFETIME)
			return false;
	return true;
}

/* All there is to be done at this second. */
static int
second(struct play *p)
{
	bool changed = true;
	int rc;

	for (unsigned i = 0; i < ROUNDS_MAX && changed; i++) {
		uint32_t seq = p->st->seq[KS_DNSKEY] + p->st->seq[KS_DATA];
		int64_t ds = p->st->ds_since;

		if ((rc = ask(p)) < 0 || (rc = obey_all(p, &changed)) < 0)
			return rc;
		if ((rc = keystate_history_add(p->history, p->st)) < 0)
			return rc;
		due_set(p);
		/* Servers that follow at once may be seen at once. */
		changed = changed || (seq != p->st->seq[KS_DNSKEY] + p->st->seq[KS_DATA] && p->child_due <= p->now) ||
		    (ds != p->st->ds_since && p->parent_due <= p->now);
	}
	return changed ? SE_LIMIT : 0;
}

static int64_t
next_time(struct play *p)
{
	int64_t next = p->step.next > p->now ? p->step.next : TIME_NEVER;

	p->woke = p->step.next_why;
	if (p->child_due > p->now && p->child_due < next) {
		next = p->child_due;
		p->woke = KS_WAIT_CHILD;
	}
	if (p->parent_due > p->now && p->parent_due < next) {
		next = p->parent_due;
		p->woke = KS_WAIT_PARENT;
	}
	return next;
}

static enum ks_wait
first_wait(const struct play *p)
{
	for (size_t i = 0; i < p->step.n_waits; i++)
		if (p->step.waits[i].why != KS_WAIT_NOTHING && p->step.waits[i].why != KS_WAIT_LIFETIME)
			return p->step.waits[i].why;
	return KS_WAIT_NOTHING;
}

/* From p->now until that time, or until it is idle. */
static int
run(struct play *p, int64_t until, bool to_idle)
{
	for (;;) {
		int64_t next;
		int rc = second(p);

		if (rc < 0)
			return rc;
		p->plan->finished = idle(p);
		if (to_idle && p->plan->finished)
			return 0;
		next = next_time(p);
		if (next > until) {
			p->plan->endless = next != TIME_NEVER;
			p->plan->stuck = next == TIME_NEVER && !p->plan->finished ? first_wait(p) : KS_WAIT_NOTHING;
			if (to_idle || until <= p->now)
				return 0;
			p->now = until;		/* nothing happens until then: say so to the history */
			return second(p);
		}
		p->now = next;
	}
}

/* --- all of it --- */

static uint32_t
in_use(const struct keystate *st, enum ks_role role)
{
	uint32_t number = 0;

	for (unsigned i = 0; i < KEYSTATE_KEYS_MAX; i++)
		if (st->keys[i].number > number && st->keys[i].role == role &&
		    st->keys[i].goal == KS_GOAL_OMNIPRESENT && (st->keys[i].flags & KS_FLAG_EXTERNAL) == 0)
			number = st->keys[i].number;
	return number;
}

static int
roll_begin(struct play *p)
{
	uint32_t number = p->o->key;

	switch (p->o->roll) {
	case ZONE_PLAN_EMERGENCY:
		return keystate_command(p->st, KS_CMD_COMPROMISED, number, p->now);
	case ZONE_PLAN_KSK:
	case ZONE_PLAN_ZSK:
	case ZONE_PLAN_CSK:
		if (number == 0)
			number = in_use(p->st, (enum ks_role)(p->o->roll - ZONE_PLAN_KSK));
		return number == 0 ? -ENOENT : keystate_command(p->st, KS_CMD_ROLL, number, p->now);
	default:
		return 0;
	}
}

/* Up to now nothing new is wanted, but what is under way goes on. */
static int
catch_up(struct play *p)
{
	int64_t now = p->o->now;
	int rc;

	if (p->now >= now)
		return 0;
	p->quiet = true;
	rc = run(p, now - 1, false);
	p->quiet = false;
	p->now = now;
	return rc;
}

static int
play(struct play *p)
{
	bool to_idle = p->o->roll != ZONE_PLAN_LIFETIMES && p->o->until == TIME_NEVER;
	int rc = catch_up(p);

	if (rc < 0)
		return rc;
	p->plan->from = p->now;
	p->woke = KS_WAIT_NOTHING;
	p->policy = p->o->policy;
	for (unsigned i = 0; i < KEYSTATE_KEYS_MAX && rc == 0; i++)
		if (p->st->keys[i].number != 0)
			rc = key_note(p, &p->st->keys[i], p->st->keys[i].public_len > 0 &&
			    p->st->keys[i].tag != 0);
	if (rc == 0)
		rc = roll_begin(p);
	if (rc == 0)
		rc = run(p, p->o->until != TIME_NEVER ? p->o->until : p->now + (to_idle ? 10 : 1) * YEAR, to_idle);
	p->plan->end = p->now;
	return rc;
}

int
zone_plan_make(const struct keystate *st, const struct zone_plan_opts *o, struct pool *pool,
    struct zone_plan *ret)
{
	_cleanup_(keystate_history_freep) struct keystate_history *history = keystate_history_new();
	struct zone_plan plan = { .state = *st };
	struct play p = { .plan = &plan, .o = o, .pool = pool, .st = &plan.state, .policy = o->before,
		.history = history, .now = st->now, .told = -1, .cds = -1, .arrived = -1, .ds_since = -1 };
	int rc;

	findings_init(&plan.fs, pool);
	plan.events = pool_calloc(pool, ZONE_PLAN_EVENTS_MAX, sizeof(*plan.events));
	plan.keys = pool_calloc(pool, ZONE_PLAN_KEYS_MAX, sizeof(*plan.keys));
	if (history == NULL || plan.events == NULL || plan.keys == NULL)
		return -ENOMEM;
	/* What is there was seen long ago; what is on its way began with the state. */
	memcpy(p.child_seq, st->seq, sizeof(p.child_seq));
	p.child_due = st->now;
	p.parent_due = st->now;
	due_set(&p);
	if ((rc = play(&p)) == 0)
		rc = keystate_history_write(history, &o->policy, 0, &plan.history);
	if (rc < 0) {
		buf_done(&plan.history);
		return rc;
	}
	*ret = plan;
	return 0;
}

void
zone_plan_done(struct zone_plan *plan)
{
	buf_done(&plan->history);
}
