/*
 * The gate: may these sets be published beside all that some cache holds?
 *
 * A cache has one DS set, one DNSKEY set and, for each name, one set of data,
 * each from any moment within its TTL: all mixes are possible. A mix of which
 * nothing is new is no concern of the step, as it is there with and without it.
 */
#include "dnssec/keystate_internal.h"

/* Every alive set of a kind, and behind them what the plan adds. */
struct mix {
	const struct keystate_set *sets[KS_KIND_MAX][KEYSTATE_SETS_MAX + 2];
	size_t			   n[KS_KIND_MAX];
	size_t			   n_old[KS_KIND_MAX];	/* those behind are the plan's */
	struct keystate_set	   fresh[KS_KIND_MAX][2];
};

/* A bit for each algorithm of the keys; they are few, so by place of the first. */
static uint32_t
algs_of(const struct keystate *st, uint32_t keys)
{
	uint32_t firsts = 0;

	for (int i = 0; i < KEYSTATE_KEYS_MAX; i++) {
		int first = 0;

		if ((keys & ks_bit(i)) == 0)
			continue;
		while (first < i && st->keys[first].alg != st->keys[i].alg)
			first++;
		firsts |= ks_bit(first);
	}
	return firsts;
}

/* Do the good keys stand for every algorithm of those that must be stood for? */
static bool
covers(const struct keystate *st, uint32_t good, uint32_t must)
{
	return good != 0 && (algs_of(st, must) & ~algs_of(st, good)) == 0;
}

static bool
mix_holds(const struct keystate *st, const struct dnssec_policy *p, uint32_t revoked,
    const struct keystate_set *d, const struct keystate_set *k, const struct keystate_set *s)
{
	uint32_t entry, signers, need_entry = 0, need_data = 0;

	if (d->keys == 0)	/* insecure; or only DS of strangers, which no step can mend */
		return true;
	if (p->strict_algorithms != POLICY_STRICT_NONE)
		need_entry = need_data = d->keys;
	if (p->strict_algorithms == POLICY_STRICT_DNSKEY)
		need_data |= k->keys;
	entry = d->keys & k->keys & k->sigs & ~revoked;
	signers = k->keys & s->sigs & ~revoked;
	return covers(st, entry, need_entry) && covers(st, signers, need_data & ~revoked);
}

static void
mix_init(struct mix *m, const struct keystate *st, int64_t now)
{
	*m = (struct mix){ 0 };
	for (size_t i = 0; i < st->n_sets; i++) {
		enum ks_kind kind = st->sets[i].kind;

		if (ks_alive(&st->sets[i], now))
			m->sets[kind][m->n[kind]++] = &st->sets[i];
	}
	for (int kind = 0; kind < KS_KIND_MAX; kind++)
		m->n_old[kind] = m->n[kind];
}

static void
mix_add(struct mix *m, enum ks_kind kind, uint32_t keys, uint32_t sigs)
{
	struct keystate_set *s = &m->fresh[kind][m->n[kind] - m->n_old[kind]];

	*s = (struct keystate_set){ .kind = kind, .keys = keys, .sigs = sigs,
	    .gone = TIME_NEVER, .until = TIME_NEVER };
	m->sets[kind][m->n[kind]++] = s;
}

/* What the plan changes. A parent may first add and then remove, so the union comes too. */
static void
mix_add_plan(struct mix *m, const struct keystate *st, const struct ks_plan *plan)
{
	struct ks_plan was = ks_plan_now(st);

	if (plan->dnskey != was.dnskey || plan->dnskey_sigs != was.dnskey_sigs)
		mix_add(m, KS_DNSKEY, plan->dnskey, plan->dnskey_sigs);
	if (plan->zone_sigs != was.zone_sigs)
		mix_add(m, KS_DATA, 0, plan->zone_sigs);
	if (plan->ds == was.ds)
		return;
	mix_add(m, KS_DS, plan->ds, 0);
	mix_add(m, KS_DS, plan->ds | was.ds, 0);
}

static bool
stays(const struct keystate *st, const struct keystate_set *s)
{
	if (s->gone != TIME_NEVER)
		return false;
	if (s->kind == KS_DS)
		return s->keys == st->ds_want && !s->foreign;
	return s->seq == st->seq[s->kind];
}

/*
 * A mix that fails ends when the first of its old sets ends; those that stay
 * newest never do. (What is still served has no end yet.)
 */
static void
mix_failed(struct ks_verdict *v, const struct keystate_set *const members[KS_KIND_MAX],
    const struct mix *m, const struct keystate *st)
{
	const struct keystate_set *first = NULL;

	for (int kind = 0; kind < KS_KIND_MAX; kind++) {
		const struct keystate_set *s = members[kind];
		bool fresh = s == &m->fresh[kind][0] || s == &m->fresh[kind][1];
		bool changes = m->n[kind] > m->n_old[kind];

		if (fresh || (!changes && stays(st, s)))
			continue;
		if (first == NULL || s->until < first->until)
			first = s;
	}
	if (v->ok || first == NULL || first->until > v->ready) {
		v->ready = first == NULL ? TIME_NEVER : first->until;
		v->blocker = first;
		for (int kind = 0; kind < KS_KIND_MAX; kind++)
			v->bad[kind] = *members[kind];
	}
	v->ok = false;
}

static struct ks_verdict
mix_judge(const struct mix *m, const struct keystate *st, const struct dnssec_policy *p, bool old)
{
	struct ks_verdict v = { .ok = true, .ready = INT64_MIN };
	uint32_t revoked = ks_mask_flags(st, KS_FLAG_REVOKED);

	for (size_t d = 0; d < m->n[KS_DS]; d++)
		for (size_t k = 0; k < m->n[KS_DNSKEY]; k++)
			for (size_t s = 0; s < m->n[KS_DATA]; s++) {
				const struct keystate_set *const members[KS_KIND_MAX] = {
				    m->sets[KS_DS][d], m->sets[KS_DNSKEY][k], m->sets[KS_DATA][s] };
				bool any_new = d >= m->n_old[KS_DS] || k >= m->n_old[KS_DNSKEY] ||
				    s >= m->n_old[KS_DATA];

				if (any_new == old)
					continue;
				if (!mix_holds(st, p, revoked, members[0], members[1], members[2]))
					mix_failed(&v, members, m, st);
			}
	return v;
}

struct ks_verdict
ks_gate(const struct keystate *st, const struct dnssec_policy *p, const struct ks_plan *plan,
    int64_t now)
{
	struct mix m;

	mix_init(&m, st, now);
	mix_add_plan(&m, st, plan);
	return mix_judge(&m, st, p, false);
}

bool
ks_broken(const struct keystate *st, const struct dnssec_policy *p, int64_t now)
{
	struct mix m;

	mix_init(&m, st, now);
	return !mix_judge(&m, st, p, true).ok;
}

struct ks_plan
ks_plan_now(const struct keystate *st)
{
	const struct keystate_set *k = ks_current(st, KS_DNSKEY), *s = ks_current(st, KS_DATA);

	return (struct ks_plan){ k->keys, k->sigs, s->sigs, st->ds_want };
}

/*
 * When a step by hand has done its harm. What is still served now is taken to
 * be replaced by what the hand publishes, after the delays of the policy.
 */
void
keystate_whatif(const struct keystate *st, const struct dnssec_policy *p,
    const struct keystate_hand *hand, int64_t now, struct keystate_break *ret)
{
	struct keystate then = *st;
	struct ks_plan plan = ks_plan_now(st);
	struct ks_verdict v;

	plan.dnskey = hand->no_dnskey ? plan.dnskey : hand->dnskey;
	plan.dnskey_sigs = hand->no_dnskey ? plan.dnskey_sigs : hand->dnskey_sigs;
	plan.zone_sigs = hand->no_data ? plan.zone_sigs : hand->zone_sigs;
	plan.ds = hand->no_ds ? plan.ds : hand->ds;
	for (size_t i = 0; i < then.n_sets; i++) {
		struct keystate_set *s = &then.sets[i];
		bool kept = s->kind == KS_DS ? hand->no_ds :
		    s->kind == KS_DNSKEY ? hand->no_dnskey : hand->no_data;

		if (s->gone != TIME_NEVER || kept)
			continue;
		s->until = now + s->ttl_sec + (s->kind == KS_DS ?
		    (int64_t)p->registration_delay + p->parent_propagation : p->child_propagation);
	}
	v = ks_gate(&then, p, &plan, now);
	*ret = (struct keystate_break){ .broken = !v.ok, .until = v.ok ? now : v.ready,
	    .ds = v.bad[KS_DS], .dnskey = v.bad[KS_DNSKEY], .data = v.bad[KS_DATA] };
}
