/*
 * DS sets that do not come as they were asked for: others' doings, a registry
 * that is late, demands that were taken back, states that are not trusted. In
 * the world of keystate_world.h, with the times of test_keystate.c.
 */
#include "keystate_world.h"

#define K	7260
#define D	91100
#define R	(3 * DAY)

static struct world w;

/* KSK 1 and ZSK 2, the DS at the parent. */
static void
begin(void)
{
	world_run(&w, T0 + R);
	assert_int_equal(state_of(&w, 1, KS_REC_DS), KS_OMNIPRESENT);
}

static void
roll(uint32_t number)
{
	assert_int_equal(keystate_command(&w.st, KS_CMD_ROLL, number, w.now), 0);
}

static void
ds_by_others(void **state UNUSED)
{
	world_init(&w);
	begin();
	w.bad_allowed = true;
	w.ds[0] = w.ds[1] = 0;			/* a transfer dropped it */
	world_now(&w);
	assert_true(found(&w, KEY_DS_LOST));
	assert_true(w.step.held && waits(&w, KS_WAIT_DS_ALARM));
	roll(1);
	roll(2);
	world_run(&w, T0 + R + 9 * DAY);
	assert_int_equal(when(&w, KS_ACT_DNSKEY_PUBLISH, 0, 1), -1);	/* nothing moves */
	assert_int_equal(w.step.pub.dnskey, 3);
	w.ds[0] = w.ds[1] = 2;			/* it is back: on it goes */
	world_run(&w, T0 + R + 19 * DAY);
	assert_int_equal(when(&w, KS_ACT_DNSKEY_PUBLISH, 3, 0), R + 9 * DAY);
	assert_int_equal(w.n_bogus, 0);
	world_done(&w);

	world_init(&w);
	begin();
	w.bad_allowed = true;
	w.stranger[1] = true;			/* on one server only */
	world_now(&w);
	assert_true(found(&w, KEY_DS_CHANGED));
	assert_true(w.step.held);
	assert_int_equal(keystate_command(&w.st, KS_CMD_ACCEPT_DS, 0, w.now), -EBUSY);
	w.stranger[1] = false;
	world_now(&w);
	assert_false(w.step.held);
	world_done(&w);

	/* One of two that were wanted and there. */
	world_init(&w);
	w.policy.ksk_roll = POLICY_KSK_DOUBLE_DS;
	begin();
	roll(1);
	world_run(&w, T0 + R + D - 10);
	w.ds[0] = 8;
	w.bad_allowed = true;
	for (int i = 0; i < 2; i++, w.now++) {	/* and it stays an alarm */
		world_now(&w);
		assert_true(found(&w, KEY_DS_CHANGED));
	}
	world_done(&w);

	/* A key of ours, but not the one that was asked for. */
	world_init(&w);
	begin();
	roll(1);
	world_run(&w, T0 + R + K + D - 10);
	w.ds[0] = 2;
	world_now(&w);
	assert_true(found(&w, KEY_DS_CHANGED));
	assert_int_equal(keystate_command(&w.st, KS_CMD_ACCEPT_DS, 0, w.now), 0);
	world_run(&w, T0 + R + 6 * DAY);
	assert_int_equal(w.n_bogus, 0);
	/* One server led to it until the registry was asked again. */
	assert_int_equal(when(&w, KS_ACT_DNSKEY_WITHDRAW, 1, 0), R + K + D - 10 + D - 100);
	world_done(&w);
}

/* Seen while it was asked for again: that was the older one, and it may come once more. */
static void
asked_again(void **state UNUSED)
{
	world_init(&w);
	begin();
	w.st.ds_since = w.now;
	w.st.ds_before = 2;
	w.st.sets[w.st.n_sets++] = (struct keystate_set){ .kind = KS_DS, .keys = 2, .ttl_sec = DAY,
	    .seen = true, .again = true, .from = w.now - DAY, .gone = TIME_NEVER, .until = TIME_NEVER };
	world_run(&w, T0 + R + DAY + HOUR - 1);	/* registration and propagation */
	assert_int_equal(w.st.sets[w.st.n_sets - 1].gone, TIME_NEVER);
	assert_int_equal(w.st.ds_before, 2);
	world_run(&w, T0 + R + DAY + HOUR);
	assert_int_equal(w.st.sets[w.st.n_sets - 1].gone - T0, R + DAY + HOUR);
	world_done(&w);

	/* What is still there is not what comes too late. */
	world_init(&w);
	begin();
	w.st.ds_since = w.now - 100;
	w.st.ds_done = false;
	w.st.ds_before = 2;
	w.st.sets[w.st.n_sets++] = (struct keystate_set){ .kind = KS_DS, .keys = 2, .ttl_sec = DAY,
	    .again = true, .from = w.now - DAY, .gone = TIME_NEVER, .until = TIME_NEVER };
	w.ds[1] = 4;
	w.bad_allowed = true;
	world_now(&w);
	assert_true(w.st.sets[w.st.n_sets - 1].seen);
	assert_int_equal(w.st.ds_since, w.now - 100);
	world_done(&w);
}

static bool
demanded(void)
{
	for (size_t i = 0; i < w.step.n_actions; i++) {
		enum ks_action act = w.step.actions[i].act;

		if (act == KS_ACT_NOTIFY || act == KS_ACT_TELL || act == KS_ACT_CDS_DELETE ||
		    act == KS_ACT_DS_SUBMIT || act == KS_ACT_DS_WITHDRAW)
			return true;
	}
	return false;
}

/* The DS of key 3 was asked for, then that of key 1 again: the registry had that. */
static void
taken_back(int64_t blind, int64_t mid)
{
	world_init(&w);
	begin();
	w.registry_content = true;
	w.registry_mid = mid;
	roll(1);
	world_run(&w, T0 + R + K + 10);
	assert_int_equal(keystate_command(&w.st, KS_CMD_CANCEL, 3, w.now), 0);
	w.parent_blind = blind > 0;
	world_run(&w, T0 + R + K + 20 + blind);
	w.parent_blind = false;
}

/* It comes true all the same: the right set is asked for anew, and comes. */
static void
taken_back_too_late(void **state UNUSED)
{
	/* All had been seen to have the right one; nobody had looked; both come first. */
	static const int64_t blind[] = { 0, 2000, 0 }, mid[] = { 0, 0, 200 }, again[] = { 1000, 2020, 800 };

	for (size_t i = 0; i < ARRAY_LEN(blind); i++) {
		taken_back(blind[i], mid[i]);
		assert_int_equal(w.st.ds_done, blind[i] == 0);
		world_run(&w, T0 + R + K + again[i]);
		assert_false(w.st.ds_done || w.st.ds_alarm);
		assert_true(demanded() && w.step.pub.cds == 1);
		assert_int_equal(when(&w, KS_ACT_NOTIFY, 0, R + K + 11), R + K + again[i]);
		world_run(&w, T0 + R + 6 * DAY);
		assert_int_equal(w.ds[1], 2);
		assert_true(w.st.ds_done);
		assert_int_equal(when(&w, KS_ACT_NOTIFY, 0, R + K + again[i] + 1), mid[i] == 0 ? -1 : R + K + 1000);
		assert_int_equal(when(&w, KS_ACT_DNSKEY_WITHDRAW, 3, 0), R + K + again[i] + D);
		assert_int_equal(w.step.next, TIME_NEVER);
		/* Now nobody asks for it any more. */
		w.bad_allowed = true;
		w.ds[0] = w.ds[1] = 8;
		w.stranger[0] = w.stranger[1] = true;
		world_now(&w);
		assert_true(found(&w, KEY_DS_CHANGED));
		assert_true(w.step.held && !demanded());
		assert_true(w.st.ds_done);
		world_done(&w);
	}
}

/* A registry takes longer than TTLs do: what was asked for and never seen still comes. */
static void
taken_back_in_time(void **state UNUSED)
{
	const int64_t slow = 20 * HOUR;

	world_init(&w);
	w.policy.parent_ds_ttl = HOUR;
	begin();
	w.registry_delay = slow;
	roll(1);
	world_run(&w, T0 + R + K + 10);
	assert_int_equal(keystate_command(&w.st, KS_CMD_CANCEL, 3, w.now), 0);
	for (int64_t t = HOUR; t < slow; t += HOUR)	/* there is somebody who looks */
		world_run(&w, T0 + R + K + t);
	world_run(&w, T0 + R + K + slow - 1);
	assert_int_equal(state_of(&w, 3, KS_REC_DS), KS_UNRETENTIVE);
	assert_int_equal(state_of(&w, 1, KS_REC_DS), KS_RUMOURED);
	world_run(&w, T0 + R + 6 * DAY);
	/* Its DS was at the last server until the cancellation arrived there. */
	assert_int_equal(when(&w, KS_ACT_DNSKEY_WITHDRAW, 3, 0), R + K + slow + 10 + 100 + HOUR + HOUR);
	assert_int_equal(w.n_bogus, 0);
	world_done(&w);
}

/* What removes the DS is demanded no more once security is wanted again. */
static void
removal_regretted(void **state UNUSED)
{
	static const uint32_t ways[] = { POLICY_BY_CDS, POLICY_BY_EPP, POLICY_BY_PERSON };

	for (size_t i = 0; i < ARRAY_LEN(ways); i++) {
		world_init(&w);
		w.policy.ds_handover = ways[i];
		begin();
		w.policy.secure = 0;
		w.no_person = true;
		world_now(&w);
		assert_true(demanded());
		w.policy.secure = 1;
		assert_int_equal(keystate_command(&w.st, KS_CMD_HOLD, 0, w.now), 0);
		world_now(&w);
		assert_false(demanded());
		assert_int_equal(w.st.ds_want, 0);
		assert_int_equal(keystate_command(&w.st, KS_CMD_RELEASE, 0, w.now), 0);
		world_now(&w);
		assert_int_equal(w.st.ds_want, 1);
		world_done(&w);
	}
}

/* The state is to be taken anew, and the parent has a stranger's DS. */
static void
strangers_adopted(void **state UNUSED)
{
	world_init(&w);
	begin();
	w.bad_allowed = true;
	w.ds[0] = w.ds[1] = 0;
	w.stranger[0] = w.stranger[1] = true;
	keystate_distrust(&w.st);
	world_run(&w, T0 + R + 4 * DAY);
	assert_true(found(&w, KEY_DS_CHANGED));
	assert_true(w.step.held && waits(&w, KS_WAIT_DS_ALARM) && waits(&w, KS_WAIT_PROOF));
	assert_false(w.step.pub.valid || demanded());
	assert_int_equal(w.st.ds_want, 1);
	w.stranger[1] = false;		/* one server has none at all: no better */
	world_now(&w);
	assert_true(w.step.held && w.st.unproven);
	w.stranger[0] = false;
	w.ds[0] = w.ds[1] = 2;
	world_run(&w, T0 + R + 8 * DAY);
	assert_false(w.step.held || w.st.ds_alarm || demanded());
	assert_int_equal(w.st.ds_want, 1);
	assert_true(w.st.ds_done);
	/* Beside the right one it is an alarm as well, at once. */
	w.stranger[0] = w.stranger[1] = true;
	keystate_distrust(&w.st);
	world_now(&w);
	assert_true(found(&w, KEY_DS_CHANGED) && waits(&w, KS_WAIT_DS_ALARM));
	assert_true(w.step.pub.valid && !demanded());
	assert_int_equal(w.st.ds_want, 1);
	/* Who wants no DS at all has not to wait for the right one. */
	w.policy.secure = 0;
	w.ds[0] = w.ds[1] = 0;
	keystate_distrust(&w.st);
	world_now(&w);
	assert_int_equal(w.st.ds_want, 0);
	assert_false(w.st.unproven);
	world_done(&w);
}

/* Of two KSKs one is lost: new DNSKEY sets are signed by the other, before and after it is out. */
static void
one_ksk_lost(void **state UNUSED)
{
	world_init(&w);
	world_key(&w, KS_KSK, 13, KS_GOAL_OMNIPRESENT, KS_FLAG_BACKED_UP, T0 - YEAR);
	world_key(&w, KS_KSK, 13, KS_GOAL_OMNIPRESENT, KS_FLAG_BACKED_UP, T0 - YEAR);
	world_key(&w, KS_ZSK, 13, KS_GOAL_OMNIPRESENT, KS_FLAG_BACKED_UP, T0 - DAY);
	for (int i = 0; i < SERVERS; i++) {
		w.child[i].dnskey = 14;
		w.child[i].dnskey_sigs = 6;
		w.child[i].zone_sigs = 8;
		w.ds[i] = 6;
	}
	w.ds_registry = 6;
	keystate_distrust(&w.st);
	begin();
	assert_int_equal(w.step.pub.dnskey_sigs, 3);
	assert_int_equal(keystate_command(&w.st, KS_CMD_LOST, 1, w.now), 0);
	roll(3);
	world_now(&w);
	assert_int_equal(w.step.pub.dnskey, 15);
	assert_int_equal(w.step.pub.dnskey_sigs, 2);
	world_run(&w, T0 + R + 6 * DAY);
	assert_int_equal(when(&w, KS_ACT_DNSKEY_WITHDRAW, 1, 0), R + D);
	assert_int_equal(w.step.pub.dnskey_sigs, 2);
	world_done(&w);
}

/* No new signatures are said to be of a ZSK that is lost: of two algorithms, neither then. */
static void
zsk_lost_algorithm(void **state UNUSED)
{
	world_init(&w);
	begin();
	assert_int_equal(keystate_command(&w.st, KS_CMD_LOST, 2, w.now), 0);
	w.policy.algorithm = 15;
	world_run(&w, T0 + R + DAY);
	assert_int_equal(w.step.pub.zone_sigs, 2);
	assert_int_equal(w.step.pub.data_seq, w.st.seq[KS_DATA]);
	assert_int_equal(when(&w, KS_ACT_SIGN_START, 0, R), -1);
	world_done(&w);
}

TESTS_MAIN("keystate_ds", T(ds_by_others), T(asked_again), T(taken_back_too_late),
    T(taken_back_in_time), T(removal_regretted), T(strangers_adopted), T(one_ksk_lost),
    T(zsk_lost_algorithm))
