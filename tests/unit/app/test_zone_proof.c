/*
 * The second opinion. keystate's gate and dnssec/timeline were written apart:
 * here both judge every step of the years that test_keystate_years.c plays, at
 * random, and have to agree. Steps that no gate would let pass are refused.
 */
#include <stdlib.h>

#include "app/zone_proof.h"
#include "base/err.h"
#include "dnssec/keystate_internal.h"

static int proven_next(struct keystate *, const struct dnssec_policy *, const struct keystate_observations *,
    int64_t, struct findings *, struct keystate_step *);

#define LIVES		12
#define keystate_next	proven_next
int years_main(void);
#define main		years_main
#include "../dnssec/test_keystate_years.c"
#undef main
#undef keystate_next

static unsigned n_steps;

static bool
is_proven(const struct keystate *before, const struct keystate *after, const struct dnssec_policy *p, int64_t now)
{
	struct pool *pool = pool_new(16 << 20);
	struct findings fs;
	bool safe = false;

	findings_init(&fs, pool);
	assert_int_equal(zone_proof_step(before, after, p, now, &fs, &safe), 0);
	assert_int_equal(safe, fs.n_by_severity[SEV_REJECT] == 0 || safe);
	(void)pool_free(pool);
	return safe;
}

static int
proven_next(struct keystate *st, const struct dnssec_policy *p, const struct keystate_observations *o,
    int64_t now, struct findings *fs, struct keystate_step *step)
{
	struct keystate held = *st;
	struct keystate_step none;
	struct findings quiet;
	int rc;

	findings_init(&quiet, fs->pool);
	held.hold = true;
	if ((rc = keystate_next(&held, p, o, now, &quiet, &none)) < 0)
		return rc;
	held.hold = st->hold;
	if ((rc = keystate_next(st, p, o, now, fs, step)) < 0 || !zone_proof_is_step(&held, st))
		return rc;
	n_steps++;
	assert_true(is_proven(&held, st, p, now));
	return rc;
}

static void
agree(void **state)
{
	years(state);
	assert_true(n_steps > 100);
}

/* --- any state, reachable or not --- */

/*
 * Why the service never sees a refusal. The gate passes a plan if every mix of
 * sets with something new in it holds; a mix is new if it has a set that the
 * step makes. What timeline finds bad after the step and not before it has to
 * have such a set in it, too, as all others are the same on both sides. So it
 * would have to be a mix that the gate let pass; and there timeline is not
 * stricter: it takes a set to be cached until gone + TTL, the gate a margin
 * longer, and both ask for the same algorithms (the gate for those of the
 * DNSKEY set, too). Only "silently insecure" is not the gate's: the steps see
 * to it (ds_del, unsign). Here that is tried with states that no life leads to:
 * any keys, revoked ones and strangers' DS among them, in any sets, and any
 * plan. What is left for the proof to refuse is a fault of the gate, and that
 * is what it is for.
 */
#define MIX_KEYS	5
#define MIX_STATES	200000		/* SEKISHO_SIM=long: a hundred times that */

static uint64_t mix_seed = 88172645463325252u;

static uint32_t
mix_rand(uint32_t n)
{
	mix_seed ^= mix_seed << 13;
	mix_seed ^= mix_seed >> 7;
	mix_seed ^= mix_seed << 17;
	return (uint32_t)(mix_seed >> 32) % n;
}

static uint32_t
mix_keys(void)
{
	return mix_rand(1u << MIX_KEYS);
}

static void
mix_set(struct keystate *st, const struct dnssec_policy *p, enum ks_kind kind, bool newest)
{
	struct keystate_set s = { .kind = kind, .ttl_sec = mix_rand(3) * 1000, .from = T0 - 5000,
	    .gone = TIME_NEVER, .until = TIME_NEVER };

	s.keys = kind == KS_DATA ? 0 : mix_keys();
	s.sigs = kind == KS_DS ? 0 : mix_keys() & (mix_rand(4) == 0 ? UINT32_MAX : s.keys | mix_keys());
	s.foreign = kind == KS_DS && mix_rand(8) == 0 && !newest;
	s.seq = kind == KS_DS ? 0 : st->next_seq++;
	if (!newest && mix_rand(3) > 0) {
		s.gone = T0 - mix_rand(2500);
		s.until = s.gone + s.ttl_sec + (kind == KS_DNSKEY ? p->publish_safety : p->retire_safety);
	}
	if (newest && kind == KS_DS)
		st->ds_want = s.keys;
	if (newest && kind != KS_DS)
		st->seq[kind] = s.seq;
	if (ks_alive(&s, T0))
		assert_int_equal(ks_set_add(st, &s), 0);
}

static void
mix_state(struct keystate *st, struct dnssec_policy *p)
{
	static const uint8_t algs[] = { 13, 13, 8, 15 };

	memset(st, 0, sizeof(*st));
	st->now = T0;
	st->next_seq = 1;
	p->strict_algorithms = mix_rand(3);
	p->secure = mix_rand(4) > 0;
	p->publish_safety = mix_rand(2) * 600;
	p->retire_safety = mix_rand(2) * 600;
	p->parent_ds_ttl = 1000;
	p->dnskey_ttl = p->max_zone_ttl = 1000;
	for (unsigned i = 0; i < MIX_KEYS; i++)
		st->keys[i] = (struct keystate_key){ .number = i + 1, .tag = (uint16_t)mix_rand(3),
		    .alg = algs[mix_rand(ARRAY_LEN(algs))], .role = (enum ks_role)mix_rand(KS_ROLE_MAX),
		    .flags = mix_rand(8) == 0 ? KS_FLAG_REVOKED : 0 };
	for (int kind = 0; kind < KS_KIND_MAX; kind++) {
		for (unsigned n = mix_rand(3); n > 0; n--)
			mix_set(st, p, (enum ks_kind)kind, false);
		mix_set(st, p, (enum ks_kind)kind, true);
	}
}

/* A few bits of what is, as steps change it. */
static struct ks_plan
mix_plan(const struct keystate *st)
{
	struct ks_plan plan = ks_plan_now(st);
	uint32_t *parts[] = { &plan.dnskey, &plan.dnskey_sigs, &plan.zone_sigs, &plan.ds };

	for (unsigned n = 1 + mix_rand(3); n > 0; n--)
		*parts[mix_rand(4)] ^= UINT32_C(1) << mix_rand(MIX_KEYS);
	if (mix_rand(20) == 0)
		plan = (struct ks_plan){ .ds = plan.ds };
	return plan;
}

/* As commit() of keystate_step.c makes it. */
static void
mix_publish(struct keystate *st, enum ks_kind kind, uint32_t keys, uint32_t sigs)
{
	struct keystate_set s = { .kind = kind, .keys = keys, .sigs = sigs, .ttl_sec = 1000, .from = T0,
	    .gone = TIME_NEVER, .until = TIME_NEVER };

	if (kind != KS_DS)
		s.seq = st->seq[kind] = st->next_seq++;
	assert_int_equal(ks_set_add(st, &s), 0);
}

static void
any_state(void **state UNUSED)
{
	struct dnssec_policy p = policy_default();
	struct keystate before, after;
	const char *sim = getenv("SEKISHO_SIM");
	unsigned n_states = sim != NULL && strcmp(sim, "long") == 0 ? 100 * MIX_STATES : MIX_STATES;
	unsigned n_passed = 0, n_broken = 0;

	for (unsigned i = 0; i < n_states; i++) {
		struct ks_plan was, plan;

		mix_state(&before, &p);
		was = ks_plan_now(&before);
		plan = mix_plan(&before);
		if ((plan.ds == 0 && was.ds != 0 && p.secure) || !ks_gate(&before, &p, &plan, T0).ok)
			continue;
		after = before;
		if (plan.dnskey != was.dnskey || plan.dnskey_sigs != was.dnskey_sigs)
			mix_publish(&after, KS_DNSKEY, plan.dnskey, plan.dnskey_sigs);
		if (plan.zone_sigs != was.zone_sigs)
			mix_publish(&after, KS_DATA, 0, plan.zone_sigs);
		if (plan.ds != was.ds)
			mix_publish(&after, KS_DS, plan.ds, 0);
		after.ds_want = plan.ds;
		if (!zone_proof_is_step(&before, &after))
			continue;
		n_passed++;
		n_broken += ks_broken(&before, &p, T0);
		if (!is_proven(&before, &after, &p, T0))
			fail_msg("state %u", i);
	}
	print_message("# %u plans passed, %u of them where something was broken before\n", n_passed, n_broken);
	assert_true(n_passed > MIX_STATES / 100 && n_broken > 0);
}

/* --- steps that nobody may take --- */

static struct world v;

/* A zone at rest, with KSK and ZSK: keys 1 and 2 in places 0 and 1. */
static void
rest(void)
{
	world_init(&v);
	v.policy.backup_required = 0;
	world_run(&v, T0 + 30 * DAY);
	assert_true(v.st.ds_done && v.st.ds_want != 0);
}

static struct keystate_set *
newest(struct keystate *st, enum ks_kind kind)
{
	for (size_t i = 0; i < st->n_sets; i++)
		if (st->sets[i].kind == kind && (kind == KS_DS ? st->sets[i].keys == st->ds_want :
		    st->sets[i].seq == st->seq[kind]))
			return &st->sets[i];
	fail();
	return NULL;
}

/* Another set in the place of the newest, from now on; the old one is still served. */
static void
replace(struct keystate *st, enum ks_kind kind, uint32_t keys, uint32_t sigs)
{
	struct keystate_set s = *newest(st, kind);

	s.keys = keys;
	s.sigs = sigs;
	s.from = st->now;
	if (kind == KS_DS)
		st->ds_want = keys;
	else
		s.seq = st->seq[kind] = st->next_seq++;
	st->sets[st->n_sets++] = s;
}

static bool
passes(const struct keystate *after)
{
	assert_true(zone_proof_is_step(&v.st, after));
	return is_proven(&v.st, after, &v.policy, v.st.now);
}

static void
refuses(void **state UNUSED)
{
	struct keystate st;
	uint32_t ksk, zsk, new;

	rest();
	ksk = newest(&v.st, KS_DNSKEY)->sigs;
	zsk = newest(&v.st, KS_DATA)->sigs;
	assert_true(ksk != 0 && zsk != 0 && ksk != zsk);
	new = UINT32_C(1) << keystate_find(&v.st, world_key(&v, KS_KSK, 13, KS_GOAL_OMNIPRESENT, KS_FLAG_BACKED_UP, 0));

	st = v.st;			/* one key more harms nobody */
	replace(&st, KS_DNSKEY, ksk | zsk | new, ksk | new);
	assert_true(passes(&st));
	st = v.st;			/* the KSK goes, and the DS names it */
	replace(&st, KS_DNSKEY, zsk | new, new);
	assert_false(passes(&st));
	st = v.st;			/* the ZSK goes, and all is signed with it */
	replace(&st, KS_DNSKEY, ksk, ksk);
	assert_false(passes(&st));
	st = v.st;			/* signed with a key that is not published */
	replace(&st, KS_DATA, 0, new);
	assert_false(passes(&st));
	st = v.st;			/* unsigned below a DS */
	replace(&st, KS_DATA, 0, 0);
	assert_false(passes(&st));
	st = v.st;			/* DS of a key that is not published */
	replace(&st, KS_DS, new, 0);
	assert_false(passes(&st));
	st = v.st;			/* beside the old one it harms nobody */
	replace(&st, KS_DS, ksk | new, 0);
	assert_true(passes(&st));
	st = v.st;			/* no DS at all: silently insecure … */
	replace(&st, KS_DS, 0, 0);
	assert_false(passes(&st));
	v.policy.secure = 0;		/* … unless that is wanted */
	assert_true(passes(&st));
	world_done(&v);
}

/* What was broken before is no reason to keep it broken; what the step adds is. */
static void
broken_before(void **state UNUSED)
{
	struct keystate st;
	uint32_t ksk, zsk;

	rest();
	ksk = newest(&v.st, KS_DNSKEY)->sigs;
	zsk = newest(&v.st, KS_DATA)->sigs;
	replace(&v.st, KS_DATA, 0, 0);	/* somebody edited the files: old caches are right, new ones are not */
	st = v.st;
	replace(&st, KS_DATA, 0, zsk);
	assert_true(passes(&st));
	st = v.st;
	replace(&st, KS_DNSKEY, ksk, ksk);
	assert_true(passes(&st));	/* bogus for ever it was before */
	v.st.sets[v.st.n_sets - 1].gone = v.st.now + 10;
	v.st.sets[v.st.n_sets - 1].until = v.st.now + 10 + DAY;
	st = v.st;
	replace(&st, KS_DNSKEY, ksk, ksk);
	assert_false(passes(&st));	/* but not for longer than a day */
	world_done(&v);
}

/* A DS of a key that nobody knows is the alarm's business, not the proof's. */
static void
strangers(void **state UNUSED)
{
	struct keystate st;

	rest();
	newest(&v.st, KS_DS)->foreign = true;
	st = v.st;
	replace(&st, KS_DNSKEY, newest(&v.st, KS_DNSKEY)->keys, newest(&v.st, KS_DNSKEY)->sigs);
	assert_true(passes(&st));
	world_done(&v);
}

int
main(void)
{
	const struct CMUnitTest tests[] = { T(refuses), T(broken_before), T(strangers), T(any_state), T(agree) };

	return cmocka_run_group_tests_name("zone_proof", tests, NULL, NULL);
}
