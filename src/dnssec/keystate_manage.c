/*
 * Which keys are wanted: what the policy needs, whose life ends, what an
 * operator said. Only goals change here; what they lead to, and when, is for
 * the steps and their gate.
 */
#include "dnssec/keystate_internal.h"

#include <errno.h>

struct need {
	enum ks_role	role;
	uint32_t	bits;
	uint32_t	standby;
};

#define SPOILED	(KS_FLAG_LOST | KS_FLAG_COMPROMISED | KS_FLAG_REVOKED)

static bool
is_ours(const struct keystate_key *k)
{
	return k->number != 0 && !ks_is(k, KS_FLAG_EXTERNAL);
}

/* Is it what the policy asks for? */
static bool
fits(const struct ks_run *r, const struct keystate_key *k, const struct need *n)
{
	return is_ours(k) && k->role == n->role && k->alg == r->policy->algorithm &&
	    (!ks_alg_rsa(k->alg) || k->bits == n->bits);
}

static bool
ready(const struct ks_run *r, const struct keystate_key *k)
{
	return !ks_is(k, SPOILED) && (!r->policy->backup_required || ks_is(k, KS_FLAG_BACKED_UP));
}

/* The newest that fits, with this goal, not spoiled. */
static struct keystate_key *
holder_find(struct ks_run *r, const struct need *n, enum ks_goal goal)
{
	struct keystate_key *best = NULL;

	for (int i = 0; i < KEYSTATE_KEYS_MAX; i++) {
		struct keystate_key *k = &r->st->keys[i];

		if (fits(r, k, n) && k->goal == goal && !ks_is(k, SPOILED) &&
		    (best == NULL || k->number > best->number))
			best = k;
	}
	return best;
}

/* A retired one that still is in the zone, and that nothing good has followed. */
static struct keystate_key *
returner_find(struct ks_run *r, const struct need *n)
{
	const struct keystate_set *cur = ks_current(r->st, KS_DNSKEY);
	struct keystate_key *best = NULL;

	for (int i = 0; i < KEYSTATE_KEYS_MAX; i++) {
		struct keystate_key *k = &r->st->keys[i];

		if (fits(r, k, n) && k->goal == KS_GOAL_HIDDEN && !ks_is(k, SPOILED) &&
		    (cur->keys & ks_bit(i)) != 0 && (best == NULL || k->number > best->number))
			best = k;
	}
	return best;
}

static void
generate(struct ks_run *r, const struct need *n, enum ks_goal goal, uint32_t predecessor, int64_t since)
{
	ks_act(r, &(struct keystate_action){ .act = KS_ACT_GENERATE, .since = since,
	    .key = predecessor, .role = n->role, .alg = (uint8_t)r->policy->algorithm,
	    .bits = n->bits, .goal = goal });
	ks_wait_add(r, &(struct keystate_wait){ KS_WAIT_KEY, KS_REC_DNSKEY, predecessor, TIME_NEVER });
}

static void
retire(struct keystate_key *k)
{
	k->goal = KS_GOAL_HIDDEN;
	k->flags &= ~(uint32_t)KS_FLAG_ASKED;
}

/* --- a key in use: its successor comes in time --- */

static struct keystate_key *
successor_of(struct ks_run *r, const struct keystate_key *k)
{
	int place = keystate_find(r->st, k->successor);

	if (place < 0 || r->st->keys[place].goal != KS_GOAL_OMNIPRESENT ||
	    ks_is(&r->st->keys[place], SPOILED))
		return NULL;
	return &r->st->keys[place];
}

/* Take a spare, or ask for a new one. */
static struct keystate_key *
successor_make(struct ks_run *r, const struct need *n, struct keystate_key *old, int64_t since)
{
	struct keystate_key *spare = holder_find(r, n, KS_GOAL_STANDBY);

	if (spare == NULL || !ready(r, spare)) {
		generate(r, n, KS_GOAL_OMNIPRESENT, old == NULL ? 0 : old->number, since);
		return NULL;
	}
	spare->goal = KS_GOAL_OMNIPRESENT;
	if (old != NULL) {
		spare->predecessor = old->number;
		old->successor = spare->number;
	}
	return spare;
}

static void
overdue(struct ks_run *r, const struct keystate_key *k, int64_t end)
{
	if (r->now >= end)
		finding_add(r->fs, &keystate_findings[KEY_OVERDUE], FA_U("key", k->number),
		    FA_U("tag", k->tag), FA_TIME("end", end));
}

static void
lifetime_manage(struct ks_run *r, const struct need *n, struct keystate_key *k)
{
	uint32_t life = policy_lifetime(r->policy, n->role), lead = policy_lead(r->policy, n->role);
	struct keystate_key *next = successor_of(r, k);
	bool asked = ks_is(k, KS_FLAG_ASKED);
	int64_t end = k->end != 0 ? k->end :
	    life == 0 || k->active == TIME_NEVER ? TIME_NEVER : k->active + life;

	if (ks_is(k, KS_FLAG_NO_ROLL) && !asked) {
		overdue(r, k, end);
		return;
	}
	if (!asked && (end == TIME_NEVER || r->now < end - lead)) {
		if (end != TIME_NEVER)
			ks_wait_add(r, &(struct keystate_wait){ KS_WAIT_LIFETIME, KS_REC_DNSKEY,
			    k->number, end - lead });
		return;
	}
	if (next == NULL)
		next = successor_make(r, n, k, asked ? r->now : end - lead);
	if (asked || r->now >= end) {
		if (next != NULL && ready(r, next))
			retire(k);
		else if (!asked)
			overdue(r, k, end);
		return;
	}
	ks_wait_add(r, &(struct keystate_wait){ KS_WAIT_LIFETIME, KS_REC_ZONESIG, k->number, end });
}

/* --- what the policy needs --- */

/* Is there a key that does the work, or will once the gate lets it? */
static bool
need_manage(struct ks_run *r, const struct need *n)
{
	struct keystate_key *k = holder_find(r, n, KS_GOAL_OMNIPRESENT), *old;

	if (k == NULL && (k = returner_find(r, n)) != NULL)
		k->goal = KS_GOAL_OMNIPRESENT;
	if (k == NULL) {
		k = successor_make(r, n, NULL, r->now);
		return k != NULL;
	}
	/* The newest may be on its way in: then its predecessor's life decides. */
	int place = keystate_find(r->st, k->predecessor);

	old = place < 0 ? NULL : &r->st->keys[place];
	if (old != NULL && old->goal == KS_GOAL_OMNIPRESENT && fits(r, old, n) && !ks_is(old, SPOILED))
		lifetime_manage(r, n, old);
	else
		lifetime_manage(r, n, k);
	return ready(r, k);
}

static void
standby_manage(struct ks_run *r, const struct need *n)
{
	uint32_t have = 0;

	for (int i = 0; i < KEYSTATE_KEYS_MAX; i++) {
		struct keystate_key *k = &r->st->keys[i];

		if (k->number == 0 || k->goal != KS_GOAL_STANDBY || k->role != n->role ||
		    ks_is(k, KS_FLAG_EXTERNAL))
			continue;
		if (!fits(r, k, n) || ks_is(k, SPOILED) || have == n->standby)
			k->goal = KS_GOAL_HIDDEN;
		else
			have++;
	}
	if (have < n->standby)
		generate(r, n, KS_GOAL_STANDBY, 0, r->now);
}

/* Keys of another policy, spoiled ones, and those that were meanwhile followed. */
static void
misfits_retire(struct ks_run *r, const struct need *needs, size_t n_needs, bool all_met)
{
	for (int i = 0; i < KEYSTATE_KEYS_MAX; i++) {
		struct keystate_key *k = &r->st->keys[i];
		bool fit = false;

		if (!is_ours(k) || k->goal == KS_GOAL_HIDDEN)
			continue;
		for (size_t n = 0; n < n_needs; n++)
			fit = fit || fits(r, k, &needs[n]);
		if (ks_is(k, SPOILED) || (!fit && (all_met || k->active == TIME_NEVER)))
			retire(k);
	}
}

static void
spoiled_tell(struct ks_run *r)
{
	const struct keystate_set *k = ks_current(r->st, KS_DNSKEY), *s = ks_current(r->st, KS_DATA);

	for (int i = 0; i < KEYSTATE_KEYS_MAX; i++) {
		const struct keystate_key *key = &r->st->keys[i];
		bool used = ((k->keys | k->sigs | s->sigs | r->st->ds_want) & ks_bit(i)) != 0;

		if (key->number == 0 || !used)
			continue;
		if (ks_is(key, KS_FLAG_LOST))
			finding_add(r->fs, &keystate_findings[KEY_LOST], FA_U("key", key->number),
			    FA_U("tag", key->tag));
		if (ks_is(key, KS_FLAG_COMPROMISED))
			finding_add(r->fs, &keystate_findings[KEY_COMPROMISED],
			    FA_U("key", key->number), FA_U("tag", key->tag));
	}
}

static void
insecure_manage(struct ks_run *r)
{
	for (int i = 0; i < KEYSTATE_KEYS_MAX; i++)
		if (r->st->keys[i].number != 0)
			retire(&r->st->keys[i]);
}

void
ks_manage(struct ks_run *r)
{
	const struct dnssec_policy *p = r->policy;
	const struct need split[] = { { KS_KSK, p->ksk_bits, p->standby_ksk },
	    { KS_ZSK, p->zsk_bits, p->standby_zsk } };
	const struct need csk[] = { { KS_CSK, p->ksk_bits, 0 } };
	const struct need *needs = p->keys == POLICY_CSK ? csk : split;
	size_t n = p->keys == POLICY_CSK ? ARRAY_LEN(csk) : ARRAY_LEN(split);
	bool all = true;

	spoiled_tell(r);
	if (!p->secure) {
		insecure_manage(r);
		return;
	}
	for (size_t i = 0; i < n; i++)
		all = need_manage(r, &needs[i]) && all;
	for (size_t i = 0; i < n && all; i++)
		standby_manage(r, &needs[i]);
	misfits_retire(r, needs, n, all);
}

/* --- what an operator says --- */

/* Back to the old key: the new one goes, and no life's end brings another. */
static int
roll_cancel(struct keystate *st, struct keystate_key *k)
{
	int place = keystate_find(st, k->goal == KS_GOAL_OMNIPRESENT && k->successor == 0 ?
	    k->predecessor : k->number);
	struct keystate_key *old = place < 0 ? NULL : &st->keys[place];
	int next = old == NULL ? -1 : keystate_find(st, old->successor);

	if (old == NULL || next < 0 || ks_is(old, SPOILED))
		return -EBUSY;
	st->keys[next].goal = KS_GOAL_HIDDEN;
	st->keys[next].predecessor = 0;
	old->goal = KS_GOAL_OMNIPRESENT;
	old->successor = 0;
	old->flags = (old->flags & ~(uint32_t)KS_FLAG_ASKED) | KS_FLAG_NO_ROLL;
	return 0;
}

static int
key_delete(struct keystate *st, int place, int64_t now)
{
	struct keystate_key *k = &st->keys[place];

	for (int rec = 0; rec < KS_REC_MAX; rec++)
		if (ks_record_state(st, place, (enum ks_record)rec, now) != KS_HIDDEN)
			return -EBUSY;
	if (k->goal != KS_GOAL_HIDDEN || (st->ds_before & ks_bit(place)) != 0)
		return -EBUSY;
	ks_sets_purge(st, now);
	for (int i = 0; i < KEYSTATE_KEYS_MAX; i++) {
		if (st->keys[i].predecessor == k->number)
			st->keys[i].predecessor = 0;
		if (st->keys[i].successor == k->number)
			st->keys[i].successor = 0;
	}
	*k = (struct keystate_key){ 0 };
	return 0;
}

/* The newest set of the parent is what is wanted, and nothing is an alarm any more. */
static int
ds_accept(struct keystate *st)
{
	uint32_t seen = 0;

	if (st->parent_at == 0)		/* what nobody has looked at cannot be accepted */
		return -EBUSY;
	for (size_t i = 0; i < st->n_sets; i++) {
		const struct keystate_set *s = &st->sets[i];

		if (s->kind != KS_DS || !s->seen || s->gone != TIME_NEVER)
			continue;
		if (s->foreign)
			return -EBUSY;
		seen |= s->keys;
	}
	st->ds_before |= st->ds_want;
	st->ds_want = seen;
	st->ds_none_ok = seen == 0;
	st->ds_alarm = false;
	st->ds_done = false;
	st->ds_since = st->now;
	return 0;
}

static int
key_command(struct keystate *st, enum keystate_command cmd, int place, int64_t now)
{
	struct keystate_key *k = &st->keys[place];

	switch (cmd) {
	case KS_CMD_ROLL:
		if (k->goal != KS_GOAL_OMNIPRESENT || ks_is(k, KS_FLAG_EXTERNAL))
			return -EBUSY;
		k->flags = (k->flags | KS_FLAG_ASKED) & ~(uint32_t)KS_FLAG_NO_ROLL;
		return 0;
	case KS_CMD_CANCEL:
		return roll_cancel(st, k);
	case KS_CMD_BACKED_UP:
		k->flags |= KS_FLAG_BACKED_UP;
		return 0;
	case KS_CMD_COMPROMISED:
		k->flags |= KS_FLAG_COMPROMISED;
		return 0;
	case KS_CMD_LOST:
		k->flags |= KS_FLAG_LOST;
		return 0;
	case KS_CMD_FOUND:
		k->flags &= ~(uint32_t)KS_FLAG_LOST;
		return 0;
	case KS_CMD_DELETED:
		return key_delete(st, place, now);
	case KS_CMD_RETIRE:
		if (!ks_is(k, KS_FLAG_EXTERNAL))
			return -EBUSY;
		k->goal = KS_GOAL_HIDDEN;
		return 0;
	default:
		return -EINVAL;
	}
}

int
keystate_command(struct keystate *st, enum keystate_command cmd, uint32_t number, int64_t now)
{
	int place;

	switch (cmd) {
	case KS_CMD_HOLD:
		st->hold = true;
		return 0;
	case KS_CMD_RELEASE:
		st->hold = false;
		return 0;
	case KS_CMD_ACCEPT_DS:
		return ds_accept(st);
	default:
		place = keystate_find(st, number);
		return place < 0 ? -ENOENT : key_command(st, cmd, place, now);
	}
}
