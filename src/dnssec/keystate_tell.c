/* What a state demands and waits for, said anew at every call. */
#include "dnssec/keystate_internal.h"

/* Whoever looks, looks every few minutes; a day without is a fault. */
#define UNSEEN_MAX	86400

void
ks_act(struct ks_run *r, const struct keystate_action *a)
{
	if (r->step->n_actions < KEYSTATE_ACTIONS_MAX)
		r->step->actions[r->step->n_actions++] = *a;
}

void
ks_next_at(struct ks_run *r, int64_t at, enum ks_wait why)
{
	if (at <= r->st->now || at >= r->step->next)
		return;
	r->step->next = at;
	r->step->next_why = why;
}

void
ks_wait_add(struct ks_run *r, const struct keystate_wait *w)
{
	if (r->step->n_waits < KEYSTATE_WAITS_MAX)
		r->step->waits[r->step->n_waits++] = *w;
}

/* No DS is asked for, but some cache may have one. */
static bool
ds_left(const struct keystate *st)
{
	for (size_t i = 0; i < st->n_sets; i++)
		if (st->sets[i].kind == KS_DS && (st->sets[i].keys != 0 || st->sets[i].foreign))
			return true;
	return false;
}

/* Keys of the DS sets that a server was seen to have; nothing was: of all. */
static uint32_t
ds_today(const struct keystate *st)
{
	uint32_t seen = 0, all = 0;

	for (size_t i = 0; i < st->n_sets; i++) {
		const struct keystate_set *s = &st->sets[i];

		if (s->kind != KS_DS || s->gone != TIME_NEVER)
			continue;
		all |= s->keys;
		seen |= s->seen ? s->keys : 0;
	}
	return seen != 0 ? seen : all;
}

static void
publication(struct ks_run *r)
{
	const struct keystate *st = r->st;
	struct keystate_publication *pub = &r->step->pub;
	struct ks_plan now = ks_plan_now(st);
	uint32_t cds = r->policy->cds;

	*pub = (struct keystate_publication){ .valid = !st->unproven, .dnskey = now.dnskey,
	    .dnskey_sigs = now.dnskey_sigs, .zone_sigs = now.zone_sigs,
	    .dnskey_seq = st->seq[KS_DNSKEY], .data_seq = st->seq[KS_DATA],
	    .denial = r->policy->denial };
	if (cds == POLICY_CDS_NEVER || now.dnskey == 0 || st->ds_alarm)
		return;
	if (cds == POLICY_CDS_ALWAYS || !st->ds_done)
		pub->cds = st->ds_want;
	/* RFC 8078 section 4: asked for until the parent has followed. */
	pub->cds_delete = !r->policy->secure && st->ds_want == 0 && ds_left(st);
	if (pub->cds == 0 && !pub->cds_delete)
		return;
	/* RFC 7344 section 4.1: by a key that the DS set of today has, too. */
	pub->cds_sigs = now.dnskey_sigs & ~ks_mask_flags(st, KS_FLAG_LOST);
	if (ds_left(st) && (pub->cds_sigs & ds_today(st)) == 0) {
		pub->cds = pub->cds_sigs = 0;
		pub->cds_delete = false;
	}
}

/* Waiting with nobody looking is waiting for ever. */
static void
unseen_tell(struct ks_run *r, const char *side, int64_t last)
{
	if (r->st->now - last > UNSEEN_MAX)
		finding_add(r->fs, &keystate_findings[KEY_UNSEEN], FA_MSG("side", side),
		    FA_TIME("last", last));
}

/* The parent has not followed yet. */
static void
hand_over(struct ks_run *r)
{
	const struct keystate *st = r->st;
	const struct keystate_publication *pub = &r->step->pub;
	struct keystate_action a = { .since = st->ds_since, .fresh = st->ds_since == st->now,
	    .ds = st->ds_want, .ds_add = st->ds_want & ~st->ds_before,
	    .ds_del = st->ds_before & ~st->ds_want };
	int64_t due;

	if (pub->cds != 0 || pub->cds_delete) {
		a.act = pub->cds_delete ? KS_ACT_CDS_DELETE : KS_ACT_CDS;
		ks_act(r, &a);
	}
	if (st->ds_done || st->unproven || st->ds_alarm)
		return;
	/* Someone thought better of it: what takes the DS away is said no more, not even late. */
	if (st->ds_want == 0 && r->policy->secure)
		return;
	a.act = r->policy->ds_handover == POLICY_BY_CDS ? KS_ACT_NOTIFY :
	    r->policy->ds_handover == POLICY_BY_EPP ? KS_ACT_DS_SUBMIT : KS_ACT_TELL;
	if (a.act == KS_ACT_NOTIFY && pub->cds == 0 && !pub->cds_delete)
		a.act = KS_ACT_TELL;	/* there are no CDS records that a NOTIFY could mean */
	ks_act(r, &a);
	ks_wait_add(r, &(struct keystate_wait){ KS_WAIT_PARENT, KS_REC_DS, 0, TIME_NEVER });
	due = st->ds_since + (int64_t)r->policy->registration_delay + r->policy->parent_propagation;
	if (st->now > due)
		finding_add(r->fs, &keystate_findings[KEY_DS_LATE], FA_TIME("since", st->ds_since));
	unseen_tell(r, N_("parent zone"), max_i64(st->parent_at, st->ds_since));
}

/* Servers of the zone that have an older version: nothing older is proven to be gone. */
static void
child_wait(struct ks_run *r)
{
	for (size_t i = 0; i < r->st->n_sets; i++) {
		const struct keystate_set *s = &r->st->sets[i];

		if (s->kind == KS_DS || s->gone != TIME_NEVER || s->seq == 0 ||
		    s->seq == r->st->seq[s->kind])
			continue;
		ks_wait_add(r, &(struct keystate_wait){ KS_WAIT_CHILD,
		    s->kind == KS_DNSKEY ? KS_REC_DNSKEY : KS_REC_ZONESIG, 0, TIME_NEVER });
		unseen_tell(r, N_("zone itself"), max_i64(r->st->child_at,
		    ks_current(r->st, s->kind)->from));
		return;
	}
}

static bool
hidden(const struct keystate_key *k)
{
	for (int rec = 0; rec < KS_REC_MAX; rec++)
		if (k->records[rec].state != KS_HIDDEN)
			return false;
	return true;
}

static void
keys_tell(struct ks_run *r)
{
	for (int i = 0; i < KEYSTATE_KEYS_MAX; i++) {
		const struct keystate_key *k = &r->st->keys[i];
		struct keystate_action a = { .key = k->number, .role = k->role, .alg = k->alg,
		    .since = k->created };

		if (k->number == 0)
			continue;
		if (k->goal != KS_GOAL_HIDDEN && r->policy->backup_required &&
		    !ks_is(k, KS_FLAG_BACKED_UP | KS_FLAG_EXTERNAL)) {
			a.act = KS_ACT_BACKUP;
			ks_act(r, &a);
			finding_add(r->fs, &keystate_findings[KEY_NOT_BACKED_UP],
			    FA_U("key", k->number), FA_U("tag", k->tag));
			ks_wait_add(r, &(struct keystate_wait){ KS_WAIT_BACKUP, KS_REC_DNSKEY, k->number, TIME_NEVER });
		}
		if (k->goal == KS_GOAL_HIDDEN && hidden(k) && (r->st->ds_before & ks_bit(i)) == 0) {
			a.act = KS_ACT_DELETE;
			a.since = k->records[KS_REC_DNSKEY].since;
			ks_act(r, &a);
		}
	}
}

/* When to look at the servers again; timers, where policy lets them stand for eyes. */
static void
timers_next(struct ks_run *r)
{
	const struct dnssec_policy *p = r->policy;

	for (size_t i = 0; i < r->st->n_sets && p->timers_child; i++)
		if (r->st->sets[i].seq != 0)
			ks_next_at(r, r->st->sets[i].from + p->child_propagation, KS_WAIT_CHILD);
	for (size_t i = 0; i < r->st->n_sets; i++) {
		const struct keystate_set *s = &r->st->sets[i];
		bool may_come = s->kind == KS_DS && s->gone == TIME_NEVER &&
		    (!s->seen || s->again);

		/* A demand that was taken back cannot come later than this. */
		if (may_come && (s->keys != r->st->ds_want || p->timers_parent))
			ks_next_at(r, r->st->ds_since + (int64_t)p->registration_delay +
			    p->parent_propagation, KS_WAIT_PARENT);
	}
}

void
ks_tell(struct ks_run *r)
{
	publication(r);
	hand_over(r);
	child_wait(r);
	keys_tell(r);
	timers_next(r);
	for (size_t i = 0; i < r->st->n_sets; i++)
		ks_next_at(r, r->st->sets[i].until, KS_WAIT_CACHES);
	for (size_t i = 0; i < r->step->n_waits; i++)
		ks_next_at(r, r->step->waits[i].until, r->step->waits[i].why);
}

/* --- words --- */

const char *const ks_role_names[KS_ROLE_MAX] = { "ksk", "zsk", "csk" };
static const char *const record_names[KS_REC_MAX] = { "dnskey", "keysig", "zonesig", "ds" };
const char *const ks_state_names[KS_STATE_MAX] = { "hidden", "rumoured", "omnipresent",
    "unretentive" };
const char *const ks_goal_names[KS_GOAL_MAX] = { "hidden", "omnipresent", "standby" };

static const char *const wait_texts[KS_WAIT_MAX] = {
	[KS_WAIT_NOTHING] = N_("nothing is waited for"),
	[KS_WAIT_CACHES] = N_("until caches have forgotten the older records"),
	[KS_WAIT_CHILD] = N_("until all servers of the zone are seen to have its newest version"),
	[KS_WAIT_PARENT] = N_("until all servers of the parent are seen to have the wanted DS set"),
	[KS_WAIT_STEP] = N_("another step comes first"),
	[KS_WAIT_LIFETIME] = N_("until the life of the key ends"),
	[KS_WAIT_KEY] = N_("for a key that is to be generated"),
	[KS_WAIT_BACKUP] = N_("until the key is marked as backed up"),
	[KS_WAIT_CLOCK] = N_("until the clock has caught up: it went back"),
	[KS_WAIT_SETTLE] = N_("until the longest TTL has passed, as what was served before is not known"),
	[KS_WAIT_DS_ALARM] = N_("until the DS set at the parent is explained: nobody here asked for it"),
	[KS_WAIT_OPERATOR] = N_("until an operator releases it"),
	[KS_WAIT_PROOF] = N_("until the servers of the zone and of the parent were seen"),
};

static const char *const action_texts[KS_ACT_MAX] = {
	[KS_ACT_GENERATE] = N_("generate a key"),
	[KS_ACT_BACKUP] = N_("back the key up, and say so"),
	[KS_ACT_DNSKEY_PUBLISH] = N_("publish the DNSKEY record"),
	[KS_ACT_DNSKEY_WITHDRAW] = N_("withdraw the DNSKEY record"),
	[KS_ACT_SIGN_START] = N_("sign the zone with the key"),
	[KS_ACT_SIGN_STOP] = N_("stop signing the zone with the key"),
	[KS_ACT_DS_SUBMIT] = N_("hand the DS set over to the registry"),
	[KS_ACT_DS_WITHDRAW] = N_("have the DS record withdrawn"),
	[KS_ACT_CDS] = N_("publish CDS and CDNSKEY records"),
	[KS_ACT_CDS_DELETE] = N_("publish the CDS and CDNSKEY records that ask for deletion"),
	[KS_ACT_NOTIFY] = N_("notify the parent of the CDS records"),
	[KS_ACT_TELL] = N_("enter the DS set at the registrar"),
	[KS_ACT_DELETE] = N_("the key may be deleted"),
};

const char *
keystate_role_name(enum ks_role r)
{
	return ks_role_names[r];
}

const char *
keystate_record_name(enum ks_record r)
{
	return record_names[r];
}

const char *
keystate_state_name(enum ks_state s)
{
	return ks_state_names[s];
}

const char *
keystate_goal_name(enum ks_goal g)
{
	return ks_goal_names[g];
}

const char *
keystate_wait_text(enum ks_wait w)
{
	return wait_texts[w];
}

const char *
keystate_action_text(enum ks_action a)
{
	return action_texts[a];
}
