/*
 * Years at random: policies, slow servers, lost observations, late people,
 * commands at bad moments, files edited. Every resolver is asked at every
 * event; and what was begun comes to its end.
 */
#include "keystate_world.h"

#ifndef LIVES
#define LIVES 12
#endif

static struct world w;
static uint32_t seed;

static uint32_t
dice(uint32_t n)
{
	seed = seed * 1664525 + 1013904223;
	return (seed >> 8) % n;
}

static void
policy_any(struct dnssec_policy *p)
{
	static const uint32_t ttls[] = { 60, 3600, 86400 };

	p->keys = dice(2);
	p->zsk_roll = dice(2);
	p->ksk_roll = dice(2);
	p->csk_roll = dice(2);
	p->strict_algorithms = dice(3);
	p->dnskey_ttl = ttls[dice(3)];
	p->max_zone_ttl = ttls[dice(3)];
	p->parent_ds_ttl = ttls[dice(3)];
	p->zsk_lifetime = (30 + dice(60)) * DAY;
	p->csk_lifetime = (60 + dice(60)) * DAY;
	p->ksk_lifetime = (60 + dice(60)) * DAY;
	p->standby_zsk = dice(2);
	p->standby_ksk = dice(2);
	p->publish_safety = dice(2) * 600;
	p->retire_safety = dice(2) * 600;
	p->cds = dice(3);
	p->ds_handover = dice(3);
	p->backup_required = dice(2);
}

static uint32_t
any_key(void)
{
	for (int i = 0; i < 40; i++) {
		uint32_t n = w.st.keys[dice(KEYSTATE_KEYS_MAX)].number;

		if (n != 0)
			return n;
	}
	return 0;
}

/* Keys that people turn to; each number is taken, so that they never run out of bits. */
static void
mischief(void)
{
	uint32_t n = any_key();
	struct keystate *st = &w.st;

	switch (dice(10)) {
	case 0:
		(void)!keystate_command(st, KS_CMD_ROLL, n, w.now);
		break;
	case 1:
		(void)!keystate_command(st, KS_CMD_CANCEL, n, w.now);
		break;
	case 2:
		(void)!keystate_command(st, KS_CMD_COMPROMISED, n, w.now);
		break;
	case 3:
		w.policy.algorithm = dice(2) == 0 ? 13 : 15;
		break;
	case 4:
		w.policy.keys = dice(2);
		break;
	case 5:
		w.child_blind = !w.child_blind;
		break;
	case 6:
		w.parent_blind = !w.parent_blind;
		break;
	case 7:		/* goals, edited; and all else has to be seen anew */
		if (n != 0)
			st->keys[keystate_find(st, n)].goal = (enum ks_goal)dice(KS_GOAL_MAX);
		break;
	case 8:
		w.generate_delay = dice(5) * DAY;
		break;
	default:
		w.child_delay[dice(SERVERS)] = dice(7200);
		w.parent_delay[dice(SERVERS)] = dice(7200);
		break;
	}
}

static unsigned
one_life(uint32_t from)
{
	unsigned rolls = 0;

	seed = from;
	world_init(&w);
	policy_any(&w.policy);
	for (int i = 0; i < SERVERS; i++)
		w.child[i].dnskey_ttl = w.child[i].data_ttl = w.policy.max_zone_ttl;
	w.policy.registration_delay = 3 * DAY;
	w.policy.parent_propagation = 7200;
	w.registry_delay = dice(3 * DAY);
	w.backup_delay = dice(2) * dice(DAY);
	w.registry_mid = dice(2) * (w.registry_delay / 2);
	if (w.policy.strict_algorithms == POLICY_STRICT_NONE)
		w.policy.strict_algorithms = POLICY_STRICT_DNSKEY;
	while (w.now < T0 + 2 * YEAR && w.st.next_number < 50) {
		world_run(&w, w.now + HOUR + dice(9 * DAY));
		mischief();
	}
	/* All look again, and nobody disturbs: everything settles. */
	w.child_blind = w.parent_blind = false;
	w.generate_delay = 0;
	w.policy.zsk_lifetime = w.policy.ksk_lifetime = w.policy.csk_lifetime = 0;
	world_run(&w, w.now + 40 * DAY);
	rolls = w.st.next_number;
	assert_int_equal(w.n_bogus, 0);
	assert_false(w.step.held);
	assert_true(w.st.ds_done);
	assert_int_equal(w.st.n_sets, KS_KIND_MAX);
	assert_int_equal(w.step.next, TIME_NEVER);
	for (size_t i = 0; i < w.step.n_actions; i++)
		assert_true(w.step.actions[i].act == KS_ACT_CDS);
	world_done(&w);
	return rolls;
}

static void
years(void **state UNUSED)
{
	unsigned rolls = 0;

	for (uint32_t i = 1; i <= LIVES; i++)
		rolls += one_life(i * 7919);
	assert_true(rolls > LIVES * 20);	/* it was no quiet life */
}

TESTS_MAIN("keystate_years", T(years))
