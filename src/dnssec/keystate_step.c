/*
 * The steps of rolls, in the order in which they are tried. A step says which
 * set would be right next; the gate says whether it may be, or when. What
 * passes in one call is published together.
 *
 * Every way of rolling comes out of these:
 *	pre-publication	a DNSKEY is added; once it is everywhere, signatures swap
 *	double signature	DNSKEY and signatures are added together
 *	double-KSK	the DNSKEY signs at once; once it is everywhere, the DS swaps
 *	double-DS	the DS is added; once it is everywhere, the DNSKEYs swap
 *	an algorithm	signatures, DNSKEYs, the DS; back in the order that the gate
 *			leaves: DNSKEYs, signatures (RFC 6781 section 4.1.4)
 */
#include "dnssec/keystate_internal.h"

struct stepper {
	struct ks_run		*run;
	struct keystate		*st;
	struct ks_plan		 plan;
	uint32_t		 lost;
	uint32_t		 unable;	/* keys that cannot sign anything new: lost, or not ours */
	uint32_t		 leaving;	/* keys that are to go */
	uint32_t		 hurried;	/* keys that somebody else may hold */
};

static const struct keystate_key *
key_at(const struct stepper *s, int i)
{
	return &s->st->keys[i];
}

static uint32_t
same_alg(const struct stepper *s, uint32_t mask, uint8_t alg)
{
	for (int i = 0; i < KEYSTATE_KEYS_MAX; i++)
		if (s->st->keys[i].alg != alg)
			mask &= ~ks_bit(i);
	return mask;
}

static uint32_t
mask_role(const struct stepper *s, bool (*of)(const struct keystate_key *))
{
	uint32_t mask = 0;

	for (int i = 0; i < KEYSTATE_KEYS_MAX; i++)
		if (s->st->keys[i].number != 0 && of(key_at(s, i)))
			mask |= ks_bit(i);
	return mask;
}

/* May it be used at all? */
static bool
usable(const struct stepper *s, const struct keystate_key *k)
{
	if (ks_is(k, KS_FLAG_EXTERNAL))
		return true;
	if (ks_is(k, KS_FLAG_LOST | KS_FLAG_COMPROMISED | KS_FLAG_REVOKED))
		return false;
	return !s->run->policy->backup_required || ks_is(k, KS_FLAG_BACKED_UP);
}

/* Its predecessor is in use until its life ends. */
static bool
preparing(const struct stepper *s, const struct keystate_key *k)
{
	int place = keystate_find(s->st, k->predecessor);

	return place >= 0 && key_at(s, place)->goal == KS_GOAL_OMNIPRESENT &&
	    key_at(s, place)->alg == k->alg;
}

static bool
double_signature(const struct stepper *s, const struct keystate_key *k)
{
	const struct dnssec_policy *p = s->run->policy;
	uint32_t old = same_alg(s, s->plan.zone_sigs, k->alg);

	if ((old & s->lost) != 0)
		return false;		/* a lost key signs nothing twice */
	if ((old & s->hurried) != 0)
		return true;		/* one wait less */
	return k->role == KS_CSK ? p->csk_roll == POLICY_CSK_DOUBLE_SIGNATURE :
	    p->zsk_roll == POLICY_ZSK_DOUBLE_SIGNATURE;
}

static bool
double_ds(const struct stepper *s, const struct keystate_key *k)
{
	uint32_t old = same_alg(s, s->plan.dnskey_sigs | s->plan.ds, k->alg);

	if ((old & s->lost) != 0)
		return ks_signs_keys(k);	/* the old one signs no set that has the new one */
	return k->role == KS_KSK && old != 0 && (old & s->hurried) == 0 &&
	    s->run->policy->ksk_roll == POLICY_KSK_DOUBLE_DS;
}

/* --- trying --- */

static void
wait_for_gate(struct stepper *s, enum ks_record rec, const struct keystate_key *k,
    const struct ks_verdict *v)
{
	struct keystate_wait w = { KS_WAIT_STEP, rec, k->number, v->ready };

	if (v->ready != TIME_NEVER)
		w.why = KS_WAIT_CACHES;
	else if (v->blocker != NULL)
		w.why = v->blocker->kind == KS_DS ? KS_WAIT_PARENT : KS_WAIT_CHILD;
	ks_wait_add(s->run, &w);
}

/* New sets are signed by those who can; a set that stays keeps its old signatures. */
static bool
plan_signed(const struct stepper *s, struct ks_plan *plan)
{
	struct ks_plan was = ks_plan_now(s->st);

	if (plan->dnskey != was.dnskey || plan->dnskey_sigs != was.dnskey_sigs)
		plan->dnskey_sigs &= ~s->unable;
	if (plan->zone_sigs != was.zone_sigs)
		plan->zone_sigs &= ~s->unable;
	return (plan->dnskey == 0 || plan->dnskey_sigs != 0) &&
	    (plan->dnskey == 0 || plan->zone_sigs != 0);
}

static bool
attempt(struct stepper *s, const struct ks_plan *want, enum ks_record rec, int place)
{
	struct ks_plan plan = *want;
	struct ks_verdict v = { .ready = TIME_NEVER };

	if (plan_signed(s, &plan))
		v = ks_gate(s->st, s->run->policy, &plan, s->st->now);
	if (!v.ok) {
		wait_for_gate(s, rec, key_at(s, place), &v);
		return false;
	}
	s->plan = plan;
	return true;
}

/* --- coming in --- */

static bool
zonesig_add(struct stepper *s, int i)
{
	const struct keystate_key *k = key_at(s, i);
	struct ks_plan plan = s->plan;
	uint32_t same = same_alg(s, plan.zone_sigs, k->alg);

	if (k->goal != KS_GOAL_OMNIPRESENT || !ks_signs_zone(k) || ks_is(k, KS_FLAG_EXTERNAL) ||
	    plan.zone_sigs == 0 || (plan.zone_sigs & ks_bit(i)) != 0)
		return false;
	if (same != 0 && (preparing(s, k) || !double_signature(s, k)))
		return false;
	plan.zone_sigs |= ks_bit(i);
	if (same != 0)			/* of a new algorithm, signatures come before the key */
		plan.dnskey |= ks_bit(i);
	if (same != 0 && ks_signs_keys(k))
		plan.dnskey_sigs |= ks_bit(i);
	return attempt(s, &plan, KS_REC_ZONESIG, i);
}

/* A zone that was not signed: DNSKEY set and signatures appear together. */
static bool
first_sign(struct stepper *s)
{
	struct ks_plan plan = s->plan;
	int first = -1;

	if (plan.dnskey != 0 || plan.zone_sigs != 0)
		return false;
	for (int i = 0; i < KEYSTATE_KEYS_MAX; i++) {
		const struct keystate_key *k = key_at(s, i);

		if (k->number == 0 || k->goal != KS_GOAL_OMNIPRESENT || !usable(s, k))
			continue;
		plan.dnskey |= ks_bit(i);
		if (ks_is(k, KS_FLAG_EXTERNAL))
			continue;
		if (ks_signs_keys(k))
			plan.dnskey_sigs |= ks_bit(i);
		if (ks_signs_zone(k))
			plan.zone_sigs |= ks_bit(i);
		first = i;
	}
	if (first < 0 || plan.dnskey_sigs == 0 || plan.zone_sigs == 0)
		return false;
	return attempt(s, &plan, KS_REC_DNSKEY, first);
}

/* Of double-DS: in with the new key and out with the old, in one set. */
static void
dnskey_swap(const struct stepper *s, struct ks_plan *plan, int i)
{
	uint32_t out = same_alg(s, s->leaving & plan->dnskey, key_at(s, i)->alg);

	out &= mask_role(s, ks_signs_keys) & ~s->plan.zone_sigs;
	plan->dnskey &= ~out;
	plan->dnskey_sigs &= ~out;
}

static bool
dnskey_add(struct stepper *s, int i)
{
	const struct keystate_key *k = key_at(s, i);
	struct ks_plan plan = s->plan;
	bool by_ds = ks_signs_keys(k) && double_ds(s, k);

	if (k->goal == KS_GOAL_HIDDEN || (plan.dnskey & ks_bit(i)) != 0 || plan.dnskey == 0)
		return false;
	if (by_ds && (k->goal == KS_GOAL_STANDBY || preparing(s, k)))
		return false;
	if (by_ds && !ks_everywhere(s->st, i, KS_REC_DS, s->st->now)) {
		ks_wait_add(s->run, &(struct keystate_wait){ KS_WAIT_STEP, KS_REC_DNSKEY,
		    k->number, TIME_NEVER });
		return false;
	}
	plan.dnskey |= ks_bit(i);
	if (ks_signs_keys(k) && !ks_is(k, KS_FLAG_EXTERNAL))
		plan.dnskey_sigs |= ks_bit(i);
	if (by_ds)
		dnskey_swap(s, &plan, i);
	return attempt(s, &plan, KS_REC_DNSKEY, i);
}

static bool
zonesig_swap(struct stepper *s, int i)
{
	const struct keystate_key *k = key_at(s, i);
	struct ks_plan plan = s->plan;
	uint32_t out = same_alg(s, s->leaving & plan.zone_sigs, k->alg);

	if (k->goal != KS_GOAL_OMNIPRESENT || !ks_signs_zone(k) || ks_is(k, KS_FLAG_EXTERNAL) ||
	    (plan.zone_sigs & ks_bit(i)) != 0 || out == 0)
		return false;
	plan.zone_sigs = (plan.zone_sigs & ~out) | ks_bit(i);
	return attempt(s, &plan, KS_REC_ZONESIG, i);
}

/*
 * The parent is asked once all caches can follow (double-DS: before anything
 * else, as its DS alone leads nowhere and harms nobody).
 */
static bool
ds_add(struct stepper *s, int i)
{
	const struct keystate_key *k = key_at(s, i);
	struct ks_plan plan = s->plan;
	bool by_ds = double_ds(s, k);

	if (k->goal == KS_GOAL_HIDDEN || !ks_signs_keys(k) || (plan.ds & ks_bit(i)) != 0 ||
	    (k->goal == KS_GOAL_STANDBY && !by_ds) || (!by_ds && preparing(s, k)))
		return false;
	if (!by_ds && (!ks_everywhere(s->st, i, KS_REC_DNSKEY, s->st->now) ||
	    (!ks_is(k, KS_FLAG_EXTERNAL) && !ks_everywhere(s->st, i, KS_REC_KEYSIG, s->st->now)))) {
		ks_wait_add(s->run, &(struct keystate_wait){ KS_WAIT_STEP, KS_REC_DS, k->number, TIME_NEVER });
		return false;
	}
	plan.ds |= ks_bit(i);
	if (!by_ds)
		plan.ds &= ~s->leaving;
	return attempt(s, &plan, KS_REC_DS, i);
}

/* --- going out --- */

static bool
ds_del(struct stepper *s, int i)
{
	struct ks_plan plan = s->plan;

	if ((s->leaving & plan.ds & ks_bit(i)) == 0)
		return false;
	plan.ds &= ~ks_bit(i);
	if (plan.ds == 0 && s->run->policy->secure)
		return false;		/* silently insecure: never by a roll */
	return attempt(s, &plan, KS_REC_DS, i);
}

static bool
zonesig_del(struct stepper *s, int i)
{
	struct ks_plan plan = s->plan;

	if ((s->leaving & plan.zone_sigs & ks_bit(i)) == 0)
		return false;
	plan.zone_sigs &= ~ks_bit(i);
	if ((plan.zone_sigs & ~s->leaving) == 0)
		return false;
	return attempt(s, &plan, KS_REC_ZONESIG, i);
}

/* For the last DS set that has the key to be forgotten. */
static void
ds_wait(struct stepper *s, int i)
{
	struct keystate_wait wait = { KS_WAIT_STEP, KS_REC_DNSKEY, key_at(s, i)->number, 0 };

	for (size_t n = 0; n < s->st->n_sets; n++) {
		const struct keystate_set *set = &s->st->sets[n];

		if (set->kind == KS_DS && (set->keys & ks_bit(i)) != 0 && ks_alive(set, s->st->now))
			wait.until = max_i64(wait.until, set->until);
	}
	if (wait.until == 0)			/* asked for in this very call */
		wait.until = TIME_NEVER;
	else
		wait.why = wait.until == TIME_NEVER ? KS_WAIT_PARENT : KS_WAIT_CACHES;
	ks_wait_add(s->run, &wait);
}

static bool
dnskey_del(struct stepper *s, int i)
{
	struct ks_plan plan = s->plan;

	if ((s->leaving & plan.dnskey & ks_bit(i)) == 0 || (plan.ds & ks_bit(i)) != 0)
		return false;
	/* Another DS may carry the zone meanwhile; but one that leads nowhere is no order. */
	if (ks_record_state(s->st, i, KS_REC_DS, s->st->now) != KS_HIDDEN) {
		ds_wait(s, i);
		return false;
	}
	if ((plan.zone_sigs & ks_bit(i)) != 0 && (plan.zone_sigs & ~s->leaving) == 0)
		return false;		/* it still does the work */
	plan.dnskey &= ~ks_bit(i);
	plan.dnskey_sigs &= ~ks_bit(i);
	if ((plan.dnskey_sigs & ~s->leaving) == 0)
		return false;
	return attempt(s, &plan, KS_REC_DNSKEY, i);
}

/* No DS is in any cache: keys and signatures may go, all at once. */
static bool
unsign(struct stepper *s)
{
	struct ks_plan plan = { 0 };
	int any = 0;

	if (s->run->policy->secure || s->plan.ds != 0 || s->plan.dnskey == 0)
		return false;
	while (any < KEYSTATE_KEYS_MAX - 1 && (s->plan.dnskey & ks_bit(any)) == 0)
		any++;
	return attempt(s, &plan, KS_REC_DNSKEY, any);
}

typedef bool (*step_fn)(struct stepper *, int place);
static const step_fn coming[] = { zonesig_add, dnskey_add, zonesig_swap, ds_add };
static const step_fn going[] = { ds_del, zonesig_del, dnskey_del };

/* ZSKs before KSKs: with an algorithm's first DNSKEY its signatures have to hold. */
static bool
pass(struct stepper *s)
{
	bool moved = first_sign(s);

	for (size_t f = 0; f < ARRAY_LEN(coming); f++)
		for (int ksk = 0; ksk < 2; ksk++)
			for (int i = 0; i < KEYSTATE_KEYS_MAX; i++)
				if (key_at(s, i)->number != 0 && usable(s, key_at(s, i)) &&
				    (key_at(s, i)->role == KS_KSK) == (ksk == 1))
					moved = coming[f](s, i) || moved;
	for (size_t f = 0; f < ARRAY_LEN(going); f++)
		for (int ksk = 1; ksk >= 0; ksk--)
			for (int i = 0; i < KEYSTATE_KEYS_MAX; i++)
				if (key_at(s, i)->number != 0 && (key_at(s, i)->role == KS_KSK) == (ksk == 1))
					moved = going[f](s, i) || moved;
	return unsign(s) || moved;
}

/* --- what passed becomes the newest --- */

/* What of says of DS sets stands in each of them. */
static void
act_bits(struct stepper *s, uint32_t was, uint32_t is, enum ks_action on, enum ks_action off,
    struct keystate_action of)
{
	of.fresh = true;
	of.since = s->st->now;
	for (int i = 0; i < KEYSTATE_KEYS_MAX; i++) {
		if (((was ^ is) & ks_bit(i)) == 0)
			continue;
		of.act = (is & ks_bit(i)) != 0 ? on : off;
		of.key = key_at(s, i)->number;
		of.role = key_at(s, i)->role;
		of.alg = key_at(s, i)->alg;
		ks_act(s->run, &of);
	}
}

static int
publish(struct stepper *s, enum ks_kind kind, uint32_t keys, uint32_t sigs, uint32_t ttl)
{
	struct keystate_set set = { .kind = kind, .keys = keys, .sigs = sigs, .ttl_sec = ttl,
	    .from = s->st->now, .gone = TIME_NEVER, .until = TIME_NEVER };

	set.seq = kind == KS_DS ? 0 : s->st->next_seq++;
	if (kind != KS_DS)
		s->st->seq[kind] = set.seq;
	return ks_set_add(s->st, &set);
}

/* Asked for: it may appear from now on, and until it has, the old one may stay. */
static int
ds_ask(struct stepper *s)
{
	struct keystate *st = s->st;

	st->ds_none_ok = st->ds_want == 0 || (st->ds_none_ok && !st->ds_done);
	st->ds_before |= st->ds_want;
	st->ds_want = s->plan.ds;
	st->ds_since = st->now;
	st->ds_done = false;
	for (size_t i = 0; i < st->n_sets; i++)
		if (st->sets[i].kind == KS_DS && st->sets[i].keys == st->ds_want && !st->sets[i].foreign) {
			st->sets[i].again = st->sets[i].gone == TIME_NEVER;
			st->sets[i].gone = st->sets[i].until = TIME_NEVER;
			st->sets[i].seen = false;
			return 0;
		}
	return publish(s, KS_DS, s->plan.ds, 0, s->run->policy->parent_ds_ttl);
}

static void
first_use(struct stepper *s)
{
	for (int i = 0; i < KEYSTATE_KEYS_MAX; i++) {
		struct keystate_key *k = &s->st->keys[i];
		uint32_t used = k->role == KS_KSK ? s->plan.ds & s->plan.dnskey : s->plan.zone_sigs;

		if (k->number != 0 && k->goal == KS_GOAL_OMNIPRESENT && k->active == TIME_NEVER &&
		    (used & ks_bit(i)) != 0)
			k->active = s->st->now;
	}
}

static int
commit(struct stepper *s)
{
	const struct dnssec_policy *p = s->run->policy;
	struct ks_plan was = ks_plan_now(s->st);
	const struct keystate_action of_ds = { .ds = s->plan.ds, .ds_add = s->plan.ds & ~was.ds,
	    .ds_del = was.ds & ~s->plan.ds }, none = { 0 };
	int rc = 0;

	act_bits(s, was.dnskey, s->plan.dnskey, KS_ACT_DNSKEY_PUBLISH, KS_ACT_DNSKEY_WITHDRAW, none);
	act_bits(s, was.zone_sigs, s->plan.zone_sigs, KS_ACT_SIGN_START, KS_ACT_SIGN_STOP, none);
	act_bits(s, was.ds, s->plan.ds, KS_ACT_DS_SUBMIT, KS_ACT_DS_WITHDRAW, of_ds);
	if (was.dnskey != s->plan.dnskey || was.dnskey_sigs != s->plan.dnskey_sigs)
		rc = publish(s, KS_DNSKEY, s->plan.dnskey, s->plan.dnskey_sigs, p->dnskey_ttl);
	if (rc == 0 && was.zone_sigs != s->plan.zone_sigs)
		rc = publish(s, KS_DATA, 0, s->plan.zone_sigs, p->max_zone_ttl);
	if (rc == 0 && was.ds != s->plan.ds)
		rc = ds_ask(s);
	first_use(s);
	return rc;
}

int
ks_steps(struct ks_run *r)
{
	struct stepper s = { .run = r, .st = r->st, .plan = ks_plan_now(r->st),
	    .lost = ks_mask_flags(r->st, KS_FLAG_LOST),
	    .unable = ks_mask_flags(r->st, KS_FLAG_LOST | KS_FLAG_EXTERNAL),
	    .hurried = ks_mask_flags(r->st, KS_FLAG_COMPROMISED) };
	size_t n_waits = r->step->n_waits;
	bool moved;

	for (int i = 0; i < KEYSTATE_KEYS_MAX; i++)
		if (r->st->keys[i].number != 0 && r->st->keys[i].goal == KS_GOAL_HIDDEN)
			s.leaving |= ks_bit(i);
	/* Each pass settles a bit of the plan, so there are few. Waits are those of the last. */
	for (unsigned i = 0; i < KS_REC_MAX * KEYSTATE_KEYS_MAX; i++) {
		r->step->n_waits = n_waits;
		moved = pass(&s);
		if (!moved)
			break;
	}
	if (ks_broken(r->st, r->policy, r->st->now))
		finding_add0(r->fs, &keystate_findings[KEY_BROKEN]);
	return commit(&s);
}
