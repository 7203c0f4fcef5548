/*
 * What was seen, and what it proves. "At" is when the questions began: what no
 * server gave out in that round, no cache took from a server since then.
 */
#include "dnssec/keystate_internal.h"

/* --- sets of ours --- */

static int64_t
margin(const struct ks_run *r, enum ks_kind kind)
{
	return kind == KS_DNSKEY ? r->policy->publish_safety : r->policy->retire_safety;
}

static void
set_gone(const struct ks_run *r, struct keystate_set *s, int64_t at)
{
	s->gone = at;
	s->until = at + s->ttl_sec + margin(r, s->kind);
}

static void
hold_from(struct ks_run *r, int64_t at)
{
	const struct dnssec_policy *p = r->policy;
	uint32_t ttl = p->max_zone_ttl > p->dnskey_ttl ? p->max_zone_ttl : p->dnskey_ttl;
	uint32_t safety = p->publish_safety > p->retire_safety ? p->publish_safety : p->retire_safety;

	ttl = p->parent_ds_ttl > ttl ? p->parent_ds_ttl : ttl;
	for (size_t i = 0; i < r->st->n_sets; i++)
		ttl = r->st->sets[i].ttl_sec > ttl ? r->st->sets[i].ttl_sec : ttl;
	r->st->hold_until = max_i64(r->st->hold_until, at + ttl + safety);
}

/* All servers have oldest or newer: what is older is gone. */
static void
child_older_gone(struct ks_run *r, enum ks_kind kind, uint32_t oldest, int64_t at)
{
	struct keystate *st = r->st;

	for (size_t i = 0; i < st->n_sets; i++) {
		struct keystate_set *s = &st->sets[i];

		if (s->kind != kind || s->seq == 0)
			continue;
		if (s->seq < oldest && s->gone == TIME_NEVER)
			set_gone(r, s, at);
		if (s->seq >= oldest && s->gone != TIME_NEVER) {
			s->gone = s->until = TIME_NEVER;	/* a server went back */
			finding_add(r->fs, &keystate_findings[KEY_SERVER_BACK], FA_U("version", s->seq));
			hold_from(r, at);
		}
	}
}

/* A version that is older than any that we still know of. */
static bool
child_unknown(const struct keystate *st, enum ks_kind kind, uint32_t oldest)
{
	uint32_t known = st->seq[kind];

	for (size_t i = 0; i < st->n_sets; i++)
		if (st->sets[i].kind == kind && st->sets[i].seq != 0 && st->sets[i].seq < known)
			known = st->sets[i].seq;
	return oldest != 0 && oldest < known;
}

/* --- sets of others: contents --- */

static struct keystate_set *
other_find(struct keystate *st, enum ks_kind kind, const struct keystate_seen *seen)
{
	for (size_t i = 0; i < st->n_sets; i++) {
		struct keystate_set *s = &st->sets[i];

		if (s->kind == kind && s->seq == 0 && s->keys == seen->keys &&
		    s->sigs == seen->sigs && s->foreign == seen->foreign)
			return s;
	}
	return NULL;
}

/* Served at that time: alive, until it is seen no more. */
static struct keystate_set *
other_seen(struct ks_run *r, enum ks_kind kind, const struct keystate_seen *seen, int64_t at)
{
	struct keystate *st = r->st;
	struct keystate_set *s = other_find(st, kind, seen);

	if (s == NULL) {
		struct keystate_set new = { .kind = kind, .keys = seen->keys, .sigs = seen->sigs,
		    .foreign = seen->foreign, .ttl_sec = seen->ttl_sec, .from = at };

		if (ks_set_add(st, &new) < 0) {
			finding_add0(r->fs, &keystate_findings[KEY_TOO_MANY]);
			hold_from(r, at);
			return NULL;
		}
		s = &st->sets[st->n_sets - 1];
	}
	s->ttl_sec = s->ttl_sec > seen->ttl_sec && s->seen ? s->ttl_sec : seen->ttl_sec;
	s->seen = true;
	s->gone = s->until = TIME_NEVER;
	return s;
}

static bool
listed(const struct keystate_set *s, const struct keystate_seen *seen, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (s->keys == seen[i].keys && s->sigs == seen[i].sigs && s->foreign == seen[i].foreign)
			return true;
	return false;
}

static void
others_observe(struct ks_run *r, enum ks_kind kind, const struct keystate_seen *seen, size_t n,
    const struct keystate_child *c)
{
	for (size_t i = 0; i < n; i++)
		(void)other_seen(r, kind, &seen[i], c->at);
	/* Who serves a version without a number may serve any that we saw. */
	if (!c->complete || (kind == KS_DNSKEY ? c->dnskey_oldest : c->data_oldest) == 0)
		return;
	for (size_t i = 0; i < r->st->n_sets; i++) {
		struct keystate_set *s = &r->st->sets[i];

		if (s->kind == kind && s->seq == 0 && s->gone == TIME_NEVER && !listed(s, seen, n))
			set_gone(r, s, c->at);
	}
}

/* --- the servers of the zone --- */

static void
child_observe(struct ks_run *r, const struct keystate_child *c)
{
	struct keystate *st = r->st;

	others_observe(r, KS_DNSKEY, c->dnskey, c->n_dnskey, c);
	others_observe(r, KS_DATA, c->data, c->n_data, c);
	for (size_t i = 0; i < st->n_sets; i++) {	/* a zone need not keep to its policy */
		struct keystate_set *s = &st->sets[i];

		if (s->kind == KS_DATA && s->gone == TIME_NEVER && s->ttl_sec < c->ttl_max)
			s->ttl_sec = c->ttl_max;
	}
	if (!c->complete)
		return;
	st->child_at = c->at;
	if (child_unknown(st, KS_DNSKEY, c->dnskey_oldest) || child_unknown(st, KS_DATA, c->data_oldest)) {
		finding_add(r->fs, &keystate_findings[KEY_SERVER_BACK],
		    FA_U("version", c->dnskey_oldest < c->data_oldest ? c->dnskey_oldest : c->data_oldest));
		hold_from(r, c->at);
	}
	/* Nobody has what was not published: that would be a number of another state. */
	if (c->dnskey_oldest != 0 && c->dnskey_oldest <= st->seq[KS_DNSKEY])
		child_older_gone(r, KS_DNSKEY, c->dnskey_oldest, c->at);
	if (c->data_oldest != 0 && c->data_oldest <= st->seq[KS_DATA])
		child_older_gone(r, KS_DATA, c->data_oldest, c->at);
}

/* --- the servers of the parent --- */

/* Whatever was asked for by now has come by then, or never will. */
static int64_t
ds_latest(const struct ks_run *r)
{
	return r->st->ds_since + (int64_t)r->policy->registration_delay + r->policy->parent_propagation;
}

/* Between the old and the new set, a part of each is no surprise; nothing at all is. */
static bool
ds_expected(const struct keystate *st, const struct keystate_seen *d)
{
	if (!d->foreign && d->keys == st->ds_want)
		return true;
	if (d->keys == 0)
		return !d->foreign && st->ds_none_ok;
	if (st->ds_done && st->ds_before == 0)
		return false;
	return !d->foreign && (d->keys & ~(st->ds_want | st->ds_before)) == 0;
}

/*
 * One that was asked for and never seen may still be on its way; and so may one
 * that was there when it was asked for: what is seen may be the older one.
 */
static bool
ds_may_come(const struct ks_run *r, const struct keystate_set *s, int64_t at)
{
	const struct keystate *st = r->st;

	if (s->keys == st->ds_want && !s->foreign)
		return true;
	return (!s->seen || s->again) && at < ds_latest(r);
}

static void
parent_settle(struct ks_run *r, const struct keystate_parent *p)
{
	struct keystate *st = r->st;
	bool pending = false;

	st->parent_at = p->at;
	for (size_t i = 0; i < st->n_sets; i++) {
		struct keystate_set *s = &st->sets[i];

		if (s->kind != KS_DS || s->gone != TIME_NEVER || listed(s, p->ds, p->n_ds))
			continue;
		if (!ds_may_come(r, s, p->at))
			set_gone(r, s, p->at);
		else if (s->keys != st->ds_want)
			pending = true;
	}
	if (p->n_ds != 1 || p->ds[0].foreign || p->ds[0].keys != st->ds_want)
		return;
	st->ds_done = true;
	for (size_t i = 0; i < st->n_sets; i++)
		if (p->at >= ds_latest(r) && st->sets[i].kind == KS_DS)
			st->sets[i].again = false;
	if (pending)
		return;
	st->ds_before = 0;
	st->ds_none_ok = false;
}

/* Of a set that is seen: must the one that is wanted be asked for anew? */
static bool
ds_overtook(struct keystate *st, const struct keystate_seen *d)
{
	const struct keystate_set *s = other_find(st, KS_DS, d);

	if (d->keys == st->ds_want)
		return false;
	/* All servers had the right one, or this was asked for earlier and taken back. */
	return st->ds_done || (s != NULL && !s->seen && !s->again);
}

static void
ds_unexpected(struct ks_run *r, const struct keystate_seen *d)
{
	if (d->keys == 0 && !d->foreign)
		finding_add0(r->fs, &keystate_findings[KEY_DS_LOST]);
	else
		finding_add0(r->fs, &keystate_findings[KEY_DS_CHANGED]);
}

/*
 * A demand that was taken back may come true all the same, behind the one that
 * took it back: a registry that was told "as it is now" had nothing to do. So
 * it is told again. (A set that nobody asked for is an alarm, and for people.)
 */
static void
parent_observe(struct ks_run *r, const struct keystate_parent *p)
{
	struct keystate *st = r->st;
	bool alarm = false, again = false;

	for (size_t i = 0; i < p->n_ds; i++) {
		bool expected = ds_expected(st, &p->ds[i]);

		again = again || (expected && ds_overtook(st, &p->ds[i]));
		(void)other_seen(r, KS_DS, &p->ds[i], p->at);
		if (expected)
			continue;
		alarm = true;
		ds_unexpected(r, &p->ds[i]);
	}
	if (again) {
		st->ds_done = false;
		st->ds_since = st->now;
	}
	if (alarm)
		st->ds_alarm = true;
	else if (p->complete)
		st->ds_alarm = false;
	if (p->complete)
		parent_settle(r, p);
}

/* --- timers in the place of eyes --- */

static void
timers(struct ks_run *r)
{
	struct keystate *st = r->st;
	const struct dnssec_policy *p = r->policy;

	for (int kind = KS_DNSKEY; kind <= KS_DATA && p->timers_child; kind++) {
		const struct keystate_set *cur = ks_current(st, (enum ks_kind)kind);
		int64_t at = cur->from + p->child_propagation;

		if (at <= r->now && at > st->child_at)
			child_older_gone(r, (enum ks_kind)kind, st->seq[kind], at);
	}
	if (p->timers_parent && !st->ds_done && st->parent_at < st->ds_since) {
		struct keystate_parent as_if = { .complete = true, .n_ds = 1, .at = st->ds_since +
		    (int64_t)p->registration_delay + p->parent_propagation,
		    .ds[0] = { .keys = st->ds_want, .ttl_sec = p->parent_ds_ttl } };

		if (as_if.at <= r->now)
			parent_observe(r, &as_if);
	}
}

/* --- a state that is not trusted --- */

static void
adopt_kind(struct ks_run *r, enum ks_kind kind, const struct keystate_seen *seen, size_t n, int64_t at)
{
	struct keystate *st = r->st;

	for (size_t i = 0; i < n; i++) {
		struct keystate_set s = { .kind = kind, .keys = seen[i].keys, .sigs = seen[i].sigs,
		    .foreign = seen[i].foreign, .ttl_sec = seen[i].ttl_sec, .seen = true, .from = at,
		    .gone = TIME_NEVER, .until = TIME_NEVER };

		if (i == 0 && kind != KS_DS)
			s.seq = st->seq[kind] = st->next_seq++;
		/* Sixteen of each kind fit into an empty list. */
		if (ks_set_add(st, &s) < 0)
			return;
	}
}

/* DS records of no key that we know; none of one that we know: nothing to go on from. */
static bool
strangers(const struct keystate_parent *p, bool *ret_alone)
{
	bool any = false;

	*ret_alone = true;
	for (size_t i = 0; i < p->n_ds; i++) {
		any = any || p->ds[i].foreign;
		*ret_alone = *ret_alone && p->ds[i].keys == 0;
	}
	return any;
}

/*
 * What the parent has is what is wanted. What the old state had asked for may
 * still come, and is no surprise then.
 */
static void
adopt_ds(struct ks_run *r, const struct keystate_parent *p)
{
	struct keystate *st = r->st;
	struct keystate_seen asked = { .keys = st->ds_want, .ttl_sec = r->policy->parent_ds_ttl };
	bool coming = !st->ds_done;

	adopt_kind(r, KS_DS, p->ds, p->n_ds, p->at);
	st->ds_before = coming ? st->ds_want | st->ds_before : 0;
	st->ds_none_ok = coming && st->ds_none_ok;
	st->ds_since = coming ? min_i64(st->ds_since, p->at) : p->at;
	st->ds_want = 0;
	for (size_t i = 0; i < p->n_ds; i++)
		st->ds_want |= p->ds[i].keys;
	st->ds_done = p->n_ds == 1 && !p->ds[0].foreign;
	if (p->n_ds > 1)	/* the parent is between two sets: which is the newer, nobody knows */
		adopt_kind(r, KS_DS, &(struct keystate_seen){ .keys = st->ds_want,
		    .ttl_sec = r->policy->parent_ds_ttl }, 1, p->at);
	if (!coming || asked.keys == st->ds_want)
		return;
	adopt_kind(r, KS_DS, &asked, 1, p->at);
	st->sets[st->n_sets - 1].seen = false;
}

/* Everything anew from what is seen now. What was before lives for its TTL: all waits. */
static bool
adopt(struct ks_run *r, const struct keystate_observations *seen)
{
	struct keystate *st = r->st;
	const struct keystate_child *c = seen->child;
	const struct keystate_parent *p = seen->parent;
	bool alarm, alone;

	if (c == NULL || p == NULL || !c->complete || !p->complete || c->n_dnskey == 0 ||
	    c->n_data == 0 || p->n_ds == 0)
		return false;
	alarm = strangers(p, &alone);
	if (alarm) {
		finding_add0(r->fs, &keystate_findings[KEY_DS_CHANGED]);
		st->ds_alarm = true;
	}
	/* That "no DS" is wanted would be the wrong end of it: somebody would remove it. */
	if (alarm && alone && r->policy->secure)
		return false;
	st->n_sets = 0;
	adopt_kind(r, KS_DNSKEY, c->dnskey, c->n_dnskey, c->at);
	adopt_kind(r, KS_DATA, c->data, c->n_data, c->at);
	adopt_ds(r, p);
	st->ds_alarm = alarm;
	st->child_at = c->at;
	st->parent_at = p->at;
	st->unproven = false;
	hold_from(r, max_i64(c->at, p->at));
	return true;
}

/* --- all of it --- */

static bool
newer(const struct ks_run *r, int64_t at, int64_t last)
{
	if (at <= r->now && at >= last)
		return true;
	finding_add(r->fs, &keystate_findings[KEY_CLOCK_BACK], FA_TIME("now", at),
	    FA_TIME("last", at > r->now ? r->now : last));
	return false;
}

/* What was served before we came has TTLs that nobody told; its absence has one, too. */
static void
ttls_fill(struct ks_run *r)
{
	const struct dnssec_policy *p = r->policy;

	for (size_t i = 0; i < r->st->n_sets; i++) {
		struct keystate_set *s = &r->st->sets[i];

		if (s->ttl_sec != 0)
			continue;
		s->ttl_sec = s->kind == KS_DS ? p->parent_ds_ttl :
		    s->kind == KS_DNSKEY && s->keys != 0 ? p->dnskey_ttl : p->max_zone_ttl;
	}
}

static void
alarm_wait(struct ks_run *r)
{
	if (r->st->ds_alarm)
		ks_wait_add(r, &(struct keystate_wait){ KS_WAIT_DS_ALARM, KS_REC_DS, 0, TIME_NEVER });
}

bool
ks_observe(struct ks_run *r, const struct keystate_observations *seen)
{
	struct keystate *st = r->st;
	bool adopted = st->unproven;

	if (r->now < st->now) {
		finding_add(r->fs, &keystate_findings[KEY_CLOCK_BACK], FA_TIME("now", r->now),
		    FA_TIME("last", st->now));
		ks_wait_add(r, &(struct keystate_wait){ KS_WAIT_CLOCK, 0, 0, st->now });
		r->step->next = st->now;
		r->step->next_why = KS_WAIT_CLOCK;
		return false;
	}
	st->now = r->now;
	ttls_fill(r);
	if (st->unproven && !adopt(r, seen)) {
		ks_wait_add(r, &(struct keystate_wait){ KS_WAIT_PROOF, 0, 0, TIME_NEVER });
		alarm_wait(r);
		return false;
	}
	if (!adopted && seen->child != NULL && newer(r, seen->child->at, st->child_at))
		child_observe(r, seen->child);
	if (!adopted && seen->parent != NULL && newer(r, seen->parent->at, st->parent_at))
		parent_observe(r, seen->parent);
	timers(r);
	ks_sets_purge(st, r->now);
	alarm_wait(r);
	if (st->hold)
		ks_wait_add(r, &(struct keystate_wait){ KS_WAIT_OPERATOR, 0, 0, TIME_NEVER });
	if (r->now < st->hold_until)
		ks_wait_add(r, &(struct keystate_wait){ KS_WAIT_SETTLE, 0, 0, st->hold_until });
	return !st->ds_alarm && !st->hold && r->now >= st->hold_until;
}
