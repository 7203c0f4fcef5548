/*
 * Scenarios, each with its times by hand. In this world all servers of the
 * zone have a version after 60 s, the registry acts after 1000 s and the last
 * server of the parent 100 s later; so
 *	K = 60 + 3600 + 3600	a DNSKEY set is everywhere, the old one nowhere
 *	S = 60 + 86400 + 3600	the same of signatures
 *	D = 1100 + 86400 + 3600	and of a DS set
 */
#include "keystate_world.h"

#define K	7260
#define S	90060
#define D	91100
#define R	(3 * DAY)	/* when the scenarios begin, with a zone that is secure */

static struct world w;

/* KSK (or CSK) 1 and ZSK 2, the DS at the parent. */
static void
begin(void)
{
	world_run(&w, T0 + R);
	assert_int_equal(state_of(&w, 1, KS_REC_DS), KS_OMNIPRESENT);
}

static void
initial(void **state UNUSED)
{
	world_init(&w);
	world_run(&w, T0 + R);
	assert_int_equal(when(&w, KS_ACT_DNSKEY_PUBLISH, 1, 0), 0);
	assert_int_equal(when(&w, KS_ACT_DNSKEY_PUBLISH, 2, 0), 0);
	assert_int_equal(when(&w, KS_ACT_SIGN_START, 2, 0), 0);
	/* The absence of keys and of signatures lives for the longest TTL. */
	assert_int_equal(when(&w, KS_ACT_DS_SUBMIT, 1, 0), S);
	assert_int_equal(w.st.keys[0].records[KS_REC_DS].since - T0, S + D);
	assert_int_equal(w.st.keys[0].active - T0, S);
	assert_int_equal(w.st.keys[1].active - T0, 0);
	assert_int_equal(state_of(&w, 1, KS_REC_KEYSIG), KS_OMNIPRESENT);
	assert_int_equal(state_of(&w, 1, KS_REC_ZONESIG), KS_HIDDEN);
	assert_int_equal(state_of(&w, 2, KS_REC_ZONESIG), KS_OMNIPRESENT);
	assert_int_equal(w.step.next, TIME_NEVER);
	world_done(&w);
}

/* The zone has longer TTLs than its policy says; whoever looks has seen it. */
static void
longer_ttl(void **state UNUSED)
{
	struct keystate_child c = { .complete = true, .dnskey_oldest = 1, .data_oldest = 2, .ttl_max = 2 * DAY };
	struct keystate_observations seen = { &c, NULL };

	world_init(&w);
	c.at = T0;
	assert_int_equal(keystate_next(&w.st, &w.policy, &seen, T0, &w.fs, &w.step), 0);
	for (int i = 0; i < SERVERS; i++)
		w.child[i].data_ttl = 2 * DAY;
	world_run(&w, T0 + R);
	assert_int_equal(when(&w, KS_ACT_DS_SUBMIT, 1, 0), S + DAY);
	world_done(&w);
}

/* Calls that change nothing say the same again; a crash loses no demand. */
static void
the_same_again(void **state UNUSED)
{
	world_init(&w);
	world_run(&w, T0 + S + 10);
	for (int i = 0; i < 3; i++) {
		struct keystate before = w.st;
		bool notify = false, cds = false;

		world_call(&w);
		assert_memory_equal(&before, &w.st, sizeof(before));
		for (size_t a = 0; a < w.step.n_actions; a++) {
			notify = notify || w.step.actions[a].act == KS_ACT_NOTIFY;
			cds = cds || w.step.actions[a].act == KS_ACT_CDS;
			assert_false(w.step.actions[a].fresh);
			assert_int_equal(w.step.actions[a].since - T0, S);
		}
		assert_true(notify && cds);
		assert_int_equal(w.step.pub.cds, 1);
		assert_true(waits(&w, KS_WAIT_PARENT));
	}
	world_run(&w, T0 + R);
	assert_int_equal(w.step.pub.cds, 0);	/* rollover only */
	world_done(&w);
}

static void
roll(uint32_t number)
{
	assert_int_equal(keystate_command(&w.st, KS_CMD_ROLL, number, w.now), 0);
}

static void
zsk_prepublish(void **state UNUSED)
{
	world_init(&w);
	begin();
	roll(2);
	world_run(&w, T0 + R + 5 * DAY);
	assert_int_equal(when(&w, KS_ACT_DNSKEY_PUBLISH, 3, 0), R);
	assert_int_equal(when(&w, KS_ACT_SIGN_START, 3, 0), R + K);
	assert_int_equal(when(&w, KS_ACT_SIGN_STOP, 2, 0), R + K);
	assert_int_equal(when(&w, KS_ACT_DNSKEY_WITHDRAW, 2, 0), R + K + S);
	assert_int_equal(when(&w, KS_ACT_DELETE, 2, 0), R + K + S + K);
	assert_int_equal(when(&w, KS_ACT_DS_SUBMIT, 0, R), -1);
	world_done(&w);
}

static void
zsk_double_signature(void **state UNUSED)
{
	world_init(&w);
	w.policy.zsk_roll = POLICY_ZSK_DOUBLE_SIGNATURE;
	begin();
	roll(2);
	world_run(&w, T0 + R + 5 * DAY);
	assert_int_equal(when(&w, KS_ACT_DNSKEY_PUBLISH, 3, 0), R);
	assert_int_equal(when(&w, KS_ACT_SIGN_START, 3, 0), R);
	assert_int_equal(when(&w, KS_ACT_SIGN_STOP, 2, 0), R + K);
	assert_int_equal(when(&w, KS_ACT_DNSKEY_WITHDRAW, 2, 0), R + S);
	world_done(&w);
}

/* A key's life ends: its successor is everywhere just before. */
static void
zsk_by_lifetime(void **state UNUSED)
{
	const int64_t life = 30 * DAY, lead = 300 + 3600 + 3600;

	world_init(&w);
	w.policy.zsk_lifetime = (uint32_t)life;
	world_run(&w, T0 + 70 * DAY);
	assert_int_equal(when(&w, KS_ACT_DNSKEY_PUBLISH, 3, 0), life - lead);
	assert_int_equal(when(&w, KS_ACT_SIGN_START, 3, 0), life);
	assert_int_equal(when(&w, KS_ACT_DNSKEY_WITHDRAW, 2, 0), life + S);
	assert_int_equal(when(&w, KS_ACT_SIGN_START, 4, 0), 2 * life);
	assert_int_equal(w.step.next_why, KS_WAIT_LIFETIME);
	assert_int_equal(w.step.next - T0, 3 * life - lead);
	world_done(&w);
}

static void
ksk_double_ksk(void **state UNUSED)
{
	world_init(&w);
	begin();
	roll(1);
	world_run(&w, T0 + R + 5 * DAY);
	assert_int_equal(when(&w, KS_ACT_DNSKEY_PUBLISH, 3, 0), R);
	assert_int_equal(when(&w, KS_ACT_DS_SUBMIT, 3, 0), R + K);
	assert_int_equal(when(&w, KS_ACT_DS_WITHDRAW, 1, 0), R + K);
	assert_int_equal(when(&w, KS_ACT_DNSKEY_WITHDRAW, 1, 0), R + K + D);
	assert_int_equal(when(&w, KS_ACT_DELETE, 1, 0), R + K + D + K);
	assert_int_equal(when(&w, KS_ACT_SIGN_START, 0, R), -1);
	world_done(&w);
}

static void
ksk_double_ds(void **state UNUSED)
{
	world_init(&w);
	w.policy.ksk_roll = POLICY_KSK_DOUBLE_DS;
	begin();
	roll(1);
	world_run(&w, T0 + R + 6 * DAY);
	assert_int_equal(when(&w, KS_ACT_DS_SUBMIT, 3, 0), R);
	assert_int_equal(when(&w, KS_ACT_DNSKEY_PUBLISH, 3, 0), R + D);
	assert_int_equal(when(&w, KS_ACT_DNSKEY_WITHDRAW, 1, 0), R + D);
	assert_int_equal(when(&w, KS_ACT_DS_WITHDRAW, 1, 0), R + D + K);
	assert_int_equal(when(&w, KS_ACT_DELETE, 1, 0), R + D + K + D);
	world_done(&w);
}

static void
csk_rolls(void **state UNUSED)
{
	for (uint32_t method = 0; method < 2; method++) {
		bool twice = method == POLICY_CSK_DOUBLE_SIGNATURE;

		world_init(&w);
		w.policy.keys = POLICY_CSK;
		w.policy.csk_roll = method;
		begin();
		roll(1);
		world_run(&w, T0 + R + 5 * DAY);
		assert_int_equal(when(&w, KS_ACT_DNSKEY_PUBLISH, 2, 0), R);
		assert_int_equal(when(&w, KS_ACT_SIGN_START, 2, 0), twice ? R : R + K);
		assert_int_equal(when(&w, KS_ACT_SIGN_STOP, 1, 0), R + K);
		assert_int_equal(when(&w, KS_ACT_DS_SUBMIT, 2, 0), R + K);
		assert_int_equal(when(&w, KS_ACT_DNSKEY_WITHDRAW, 1, 0), R + K + D);
		world_done(&w);
	}
}

/* RFC 6781 section 4.1.4: signatures, keys, DS; then keys, signatures. */
static void
algorithm(void **state UNUSED)
{
	world_init(&w);
	begin();
	w.policy.algorithm = 15;
	world_run(&w, T0 + R + 8 * DAY);
	assert_int_equal(when(&w, KS_ACT_SIGN_START, 4, 0), R);
	assert_int_equal(when(&w, KS_ACT_DNSKEY_PUBLISH, 3, 0), R + S);
	assert_int_equal(when(&w, KS_ACT_DNSKEY_PUBLISH, 4, 0), R + S);
	assert_int_equal(when(&w, KS_ACT_DS_SUBMIT, 3, 0), R + S + K);
	assert_int_equal(when(&w, KS_ACT_DNSKEY_WITHDRAW, 1, 0), R + S + K + D);
	assert_int_equal(when(&w, KS_ACT_DNSKEY_WITHDRAW, 2, 0), R + S + K + D);
	assert_int_equal(when(&w, KS_ACT_SIGN_STOP, 2, 0), R + S + K + D + K);
	assert_int_equal(when(&w, KS_ACT_DELETE, 2, 0), R + S + K + D + K + S);
	world_done(&w);

	/* Who only has to hold what the DS set names is faster. */
	world_init(&w);
	w.policy.strict_algorithms = POLICY_STRICT_DS;
	begin();
	w.policy.algorithm = 15;
	world_run(&w, T0 + R + 8 * DAY);
	assert_int_equal(when(&w, KS_ACT_SIGN_START, 4, 0), R);
	assert_int_equal(when(&w, KS_ACT_DNSKEY_PUBLISH, 3, 0), R);
	assert_int_equal(when(&w, KS_ACT_DS_SUBMIT, 3, 0), R + S);
	world_done(&w);
}

/* One CSK becomes two keys, and two become one. */
static void
split_and_back(void **state UNUSED)
{
	world_init(&w);
	w.policy.keys = POLICY_CSK;
	begin();
	w.policy.keys = POLICY_SPLIT;
	world_run(&w, T0 + R + 5 * DAY);
	assert_int_equal(when(&w, KS_ACT_DNSKEY_PUBLISH, 2, 0), R);
	assert_int_equal(when(&w, KS_ACT_DNSKEY_PUBLISH, 3, 0), R);
	assert_int_equal(when(&w, KS_ACT_SIGN_START, 3, 0), R + K);
	assert_int_equal(when(&w, KS_ACT_DS_SUBMIT, 2, 0), R + K);
	assert_int_equal(when(&w, KS_ACT_DNSKEY_WITHDRAW, 1, 0), R + K + D);
	w.policy.keys = POLICY_CSK;
	world_run(&w, T0 + 2 * R + 10 * DAY);
	assert_int_equal(when(&w, KS_ACT_DNSKEY_PUBLISH, 4, 0), R + 5 * DAY);
	assert_int_equal(when(&w, KS_ACT_SIGN_START, 4, 0), R + 5 * DAY + K);
	assert_int_equal(when(&w, KS_ACT_DNSKEY_WITHDRAW, 2, 0), R + 5 * DAY + K + D);
	assert_int_equal(when(&w, KS_ACT_DNSKEY_WITHDRAW, 3, 0), R + 5 * DAY + K + S);
	world_done(&w);
}

static void
policy_of_denial(void **state UNUSED)
{
	struct keystate before;

	world_init(&w);
	begin();
	before = w.st;
	w.policy.denial = POLICY_NSEC3;
	world_now(&w);
	assert_int_equal(w.step.pub.denial, POLICY_NSEC3);
	assert_memory_equal(&before, &w.st, sizeof(before));	/* no matter of keys */
	world_done(&w);
}

static void
insecure_and_back(void **state UNUSED)
{
	world_init(&w);
	begin();
	w.policy.secure = 0;
	w.was_secure = false;
	world_now(&w);
	assert_true(w.step.pub.cds_delete);
	assert_int_equal(w.step.pub.cds_sigs, 1);
	assert_int_equal(w.step.pub.cds, 0);
	world_run(&w, T0 + R + 5 * DAY);
	assert_int_equal(when(&w, KS_ACT_DS_WITHDRAW, 1, 0), R);
	assert_int_equal(when(&w, KS_ACT_DNSKEY_WITHDRAW, 1, 0), R + D);
	assert_int_equal(when(&w, KS_ACT_SIGN_STOP, 2, 0), R + D);
	assert_int_equal(w.step.pub.zone_sigs, 0);
	assert_false(w.step.pub.cds_delete);
	assert_int_equal(when(&w, KS_ACT_DELETE, 1, 0), R + D + K);
	assert_int_equal(when(&w, KS_ACT_DELETE, 2, 0), R + D + S);
	w.policy.secure = 1;
	world_run(&w, T0 + R + 9 * DAY);
	assert_int_equal(when(&w, KS_ACT_DNSKEY_PUBLISH, 3, 0), R + 5 * DAY);
	assert_int_equal(when(&w, KS_ACT_DS_SUBMIT, 3, 0), R + 5 * DAY + S);
	world_done(&w);
}

/* Someone thinks better of it while the keys are still there: they stay. */
static void
insecure_regretted(void **state UNUSED)
{
	world_init(&w);
	begin();
	w.policy.secure = 0;
	world_run(&w, T0 + R + 20000);
	w.policy.secure = 1;
	w.was_secure = false;
	w.bad_allowed = true;		/* DS is absent: that was wanted */
	world_run(&w, T0 + R + 5 * DAY);
	assert_int_equal(w.n_bogus, 0);
	assert_int_equal(when(&w, KS_ACT_DS_SUBMIT, 1, R), R + 20000);
	assert_int_equal(when(&w, KS_ACT_DNSKEY_WITHDRAW, 0, 0), -1);
	assert_int_equal(state_of(&w, 1, KS_REC_DS), KS_OMNIPRESENT);
	world_done(&w);
}

static void
zsk_compromised(void **state UNUSED)
{
	struct keystate_break harm;
	struct keystate_hand hand = { .no_ds = true, .no_data = true };

	world_init(&w);
	begin();
	assert_int_equal(keystate_command(&w.st, KS_CMD_COMPROMISED, 2, w.now), 0);
	world_now(&w);
	assert_true(found(&w, KEY_COMPROMISED));
	/* Faster than the method of the policy, and safe. */
	world_run(&w, T0 + R + 5 * DAY);
	assert_int_equal(when(&w, KS_ACT_SIGN_START, 3, 0), R);
	assert_int_equal(when(&w, KS_ACT_SIGN_STOP, 2, 0), R + K);
	assert_int_equal(when(&w, KS_ACT_DNSKEY_WITHDRAW, 2, 0), R + S);
	world_done(&w);

	/* Out with it at once: what breaks, and until when. */
	world_init(&w);
	begin();
	hand.dnskey = hand.dnskey_sigs = 1;
	keystate_whatif(&w.st, &w.policy, &hand, w.now, &harm);
	assert_true(harm.broken);
	assert_int_equal(harm.until, TIME_NEVER);	/* data stay signed by the key */
	hand = (struct keystate_hand){ .no_ds = true, .dnskey = 1, .dnskey_sigs = 1, .zone_sigs = 1 };
	keystate_whatif(&w.st, &w.policy, &hand, w.now, &harm);
	assert_true(harm.broken);
	assert_int_equal(harm.until - T0, R + DAY + 300);
	assert_int_equal(harm.data.sigs, 2);
	hand = (struct keystate_hand){ .no_ds = true, .no_data = true, .dnskey = 3, .dnskey_sigs = 1 };
	keystate_whatif(&w.st, &w.policy, &hand, w.now, &harm);
	assert_false(harm.broken);
	world_done(&w);
}

static void
ksk_compromised(void **state UNUSED)
{
	world_init(&w);
	w.policy.ksk_roll = POLICY_KSK_DOUBLE_DS;	/* would trust it for longer */
	begin();
	assert_int_equal(keystate_command(&w.st, KS_CMD_COMPROMISED, 1, w.now), 0);
	world_run(&w, T0 + R + 5 * DAY);
	assert_int_equal(when(&w, KS_ACT_DNSKEY_PUBLISH, 3, 0), R);
	assert_int_equal(when(&w, KS_ACT_DS_WITHDRAW, 1, 0), R + K);
	assert_int_equal(when(&w, KS_ACT_DNSKEY_WITHDRAW, 1, 0), R + K + D);
	world_done(&w);
}

/* Nobody can sign a DNSKEY set that has the new key: its DS comes first. */
static void
ksk_lost(void **state UNUSED)
{
	world_init(&w);
	begin();
	assert_int_equal(keystate_command(&w.st, KS_CMD_LOST, 1, w.now), 0);
	world_now(&w);
	assert_true(found(&w, KEY_LOST));
	assert_int_equal(w.step.pub.cds, 0);		/* nobody could sign it */
	assert_int_equal(w.step.pub.dnskey, 3);		/* and the set stays as it was */
	assert_int_equal(w.step.pub.dnskey_sigs, 1);
	world_run(&w, T0 + R + 5 * DAY);
	assert_int_equal(when(&w, KS_ACT_DS_SUBMIT, 3, 0), R);
	assert_int_equal(when(&w, KS_ACT_DNSKEY_PUBLISH, 3, 0), R + D);
	assert_int_equal(when(&w, KS_ACT_DNSKEY_WITHDRAW, 1, 0), R + D);
	assert_int_equal(when(&w, KS_ACT_DS_WITHDRAW, 1, 0), R + D + K);
	assert_false(found(&w, KEY_LOST));
	world_done(&w);
}

static void
zsk_lost(void **state UNUSED)
{
	world_init(&w);
	w.policy.zsk_roll = POLICY_ZSK_DOUBLE_SIGNATURE;	/* cannot be */
	begin();
	assert_int_equal(keystate_command(&w.st, KS_CMD_LOST, 2, w.now), 0);
	world_run(&w, T0 + R + 5 * DAY);
	assert_int_equal(when(&w, KS_ACT_DNSKEY_PUBLISH, 3, 0), R);
	assert_int_equal(when(&w, KS_ACT_SIGN_START, 3, 0), R + K);
	assert_int_equal(when(&w, KS_ACT_DNSKEY_WITHDRAW, 2, 0), R + K + S);
	world_done(&w);
}

static void
two_at_once(void **state UNUSED)
{
	world_init(&w);
	begin();
	roll(1);
	roll(2);
	world_run(&w, T0 + R + 5 * DAY);
	assert_int_equal(when(&w, KS_ACT_DS_SUBMIT, 3, 0), R + K);
	assert_int_equal(when(&w, KS_ACT_SIGN_START, 4, 0), R + K);
	assert_int_equal(when(&w, KS_ACT_DNSKEY_WITHDRAW, 1, 0), R + K + D);
	assert_int_equal(when(&w, KS_ACT_DNSKEY_WITHDRAW, 2, 0), R + K + S);
	world_done(&w);
}

static void
cancelled(void **state UNUSED)
{
	/* Before the parent was asked; and after it has followed. */
	static const int64_t at[] = { 5000, 20000 };
	static const int64_t out[] = { 5000, 20000 + D };

	for (size_t i = 0; i < ARRAY_LEN(at); i++) {
		world_init(&w);
		begin();
		roll(1);
		world_run(&w, T0 + R + at[i]);
		assert_int_equal(keystate_command(&w.st, KS_CMD_CANCEL, 3, w.now), 0);
		world_run(&w, T0 + R + 6 * DAY);
		assert_int_equal(when(&w, KS_ACT_DNSKEY_WITHDRAW, 3, 0), R + out[i]);
		assert_int_equal(when(&w, KS_ACT_DNSKEY_WITHDRAW, 1, 0), -1);
		assert_int_equal(state_of(&w, 1, KS_REC_DS), KS_OMNIPRESENT);
		assert_int_equal(w.step.next, TIME_NEVER);
		world_done(&w);
	}
}

static void
cancelled_by_life(void **state UNUSED)
{
	world_init(&w);
	w.policy.zsk_lifetime = 30 * DAY;
	world_run(&w, T0 + 30 * DAY - 100);
	assert_int_equal(keystate_command(&w.st, KS_CMD_CANCEL, 2, w.now), 0);
	world_run(&w, T0 + 40 * DAY);
	assert_true(found(&w, KEY_OVERDUE));
	assert_int_equal(when(&w, KS_ACT_SIGN_START, 3, 0), -1);
	assert_int_equal(keystate_command(&w.st, KS_CMD_CANCEL, 2, w.now), -EBUSY);
	roll(2);
	world_run(&w, T0 + 50 * DAY);
	assert_int_equal(when(&w, KS_ACT_DNSKEY_WITHDRAW, 2, 0), 40 * DAY + K + S);
	world_done(&w);
}

static void
clock_back(void **state UNUSED)
{
	struct keystate before;

	world_init(&w);
	begin();
	roll(2);
	world_now(&w);
	before = w.st;
	w.now -= 7 * DAY;
	world_call(&w);
	assert_true(found(&w, KEY_CLOCK_BACK));
	assert_true(w.step.held && waits(&w, KS_WAIT_CLOCK));
	assert_memory_equal(&before, &w.st, sizeof(before));
	assert_int_equal(w.step.next, before.now);
	assert_true(w.step.pub.valid);
	w.now += 7 * DAY;
	world_run(&w, T0 + R + 5 * DAY);
	assert_int_equal(when(&w, KS_ACT_SIGN_START, 3, 0), R + K);
	world_done(&w);
}

static void
standby(void **state UNUSED)
{
	world_init(&w);
	w.policy.standby_zsk = w.policy.standby_ksk = 1;
	world_run(&w, T0 + R);
	assert_int_equal(state_of(&w, 3, KS_REC_DNSKEY), KS_OMNIPRESENT);
	assert_int_equal(state_of(&w, 3, KS_REC_DS), KS_HIDDEN);
	assert_int_equal(state_of(&w, 4, KS_REC_DNSKEY), KS_OMNIPRESENT);
	assert_int_equal(state_of(&w, 4, KS_REC_ZONESIG), KS_HIDDEN);
	assert_int_equal(keystate_command(&w.st, KS_CMD_COMPROMISED, 2, w.now), 0);
	assert_int_equal(keystate_command(&w.st, KS_CMD_COMPROMISED, 1, w.now), 0);
	world_run(&w, T0 + R + 5 * DAY);
	assert_int_equal(when(&w, KS_ACT_SIGN_STOP, 2, 0), R);		/* no wait at all */
	assert_int_equal(when(&w, KS_ACT_DS_SUBMIT, 3, 0), R);
	assert_int_equal(when(&w, KS_ACT_DNSKEY_WITHDRAW, 2, 0), R + S);
	assert_int_equal(when(&w, KS_ACT_DNSKEY_WITHDRAW, 1, 0), R + D);
	assert_int_equal(state_of(&w, 6, KS_REC_DNSKEY), KS_OMNIPRESENT);	/* and new spares */
	world_done(&w);

	/* With double-DS the spare KSK waits at the parent. */
	world_init(&w);
	w.policy.standby_ksk = 1;
	w.policy.ksk_roll = POLICY_KSK_DOUBLE_DS;
	world_run(&w, T0 + 6 * DAY);
	assert_int_equal(state_of(&w, 3, KS_REC_DS), KS_OMNIPRESENT);
	assert_int_equal(state_of(&w, 3, KS_REC_DNSKEY), KS_HIDDEN);
	assert_int_equal(keystate_command(&w.st, KS_CMD_LOST, 1, w.now), 0);
	world_run(&w, T0 + 12 * DAY);
	assert_int_equal(when(&w, KS_ACT_DNSKEY_PUBLISH, 3, 0), 6 * DAY);
	world_done(&w);
}

/* Keys of another signer: what is seen is believed, and then the longest TTL waited for. */
static void
import(void **state UNUSED)
{
	world_init(&w);
	assert_int_equal(world_key(&w, KS_KSK, 8, KS_GOAL_OMNIPRESENT, KS_FLAG_BACKED_UP, T0 - YEAR), 1);
	assert_int_equal(world_key(&w, KS_ZSK, 8, KS_GOAL_OMNIPRESENT, KS_FLAG_BACKED_UP, T0 - DAY), 2);
	for (int i = 0; i < SERVERS; i++) {
		w.child[i].dnskey = 6;
		w.child[i].dnskey_ttl = HOUR;
		w.child[i].dnskey_sigs = 2;
		w.child[i].zone_sigs = 4;
		w.ds[i] = 2;
	}
	w.ds_registry = 2;
	w.child_blind = true;
	keystate_distrust(&w.st);
	world_now(&w);
	assert_false(w.step.pub.valid);
	assert_true(waits(&w, KS_WAIT_PROOF));
	w.child_blind = false;
	world_run(&w, T0 + 1000);
	assert_true(w.step.pub.valid);
	assert_int_equal(w.step.pub.dnskey, 3);
	assert_int_equal(w.step.pub.dnskey_sigs, 1);
	assert_int_equal(w.step.pub.zone_sigs, 2);
	assert_true(w.step.held && waits(&w, KS_WAIT_SETTLE));
	assert_int_equal(state_of(&w, 1, KS_REC_DS), KS_OMNIPRESENT);
	/* Then the algorithm of the policy comes in, by the ordinary way. */
	world_run(&w, T0 + 12 * DAY);
	assert_int_equal(when(&w, KS_ACT_SIGN_START, 4, 0), DAY + HOUR);
	assert_int_equal(when(&w, KS_ACT_SIGN_STOP, 2, 0), DAY + HOUR + S + K + D + K);
	world_done(&w);
}

static void
nobody_looks(void **state UNUSED)
{
	world_init(&w);
	w.child_blind = true;
	world_run(&w, T0 + 30 * DAY);
	assert_int_equal(when(&w, KS_ACT_DS_SUBMIT, 0, 0), -1);
	assert_true(waits(&w, KS_WAIT_CHILD));
	assert_true(found(&w, KEY_UNSEEN));
	w.child_blind = false;
	w.parent_blind = true;
	world_run(&w, T0 + 60 * DAY);
	assert_int_equal(when(&w, KS_ACT_DS_SUBMIT, 1, 0), 30 * DAY + DAY + HOUR);
	assert_int_equal(state_of(&w, 1, KS_REC_DS), KS_RUMOURED);
	assert_true(found(&w, KEY_UNSEEN) && found(&w, KEY_DS_LATE));
	assert_true(waits(&w, KS_WAIT_PARENT));
	world_done(&w);

	/* Timers, for those who trust them. */
	world_init(&w);
	w.child_blind = w.parent_blind = true;
	w.policy.timers_child = w.policy.timers_parent = 1;
	world_run(&w, T0 + 30 * DAY);
	assert_int_equal(when(&w, KS_ACT_DS_SUBMIT, 1, 0), 300 + DAY + HOUR);
	assert_int_equal(w.st.keys[0].records[KS_REC_DS].since - T0,
	    300 + DAY + HOUR + DAY + HOUR + DAY + HOUR);
	world_done(&w);
}

static void
late_people(void **state UNUSED)
{
	world_init(&w);
	w.policy.zsk_lifetime = 30 * DAY;
	w.generate_delay = 2 * DAY;
	w.backup_delay = 3 * DAY;
	world_run(&w, T0 + 3 * DAY);
	assert_true(found(&w, KEY_NOT_BACKED_UP));
	assert_true(waits(&w, KS_WAIT_BACKUP));
	assert_int_equal(w.step.pub.dnskey, 0);
	world_run(&w, T0 + 5 * DAY);
	assert_int_equal(when(&w, KS_ACT_SIGN_START, 2, 0), 5 * DAY);
	world_run(&w, T0 + 36 * DAY);
	assert_true(found(&w, KEY_OVERDUE));
	world_run(&w, T0 + 60 * DAY);
	/* 35 days less the lead, and 5 days of people. */
	assert_int_equal(when(&w, KS_ACT_DNSKEY_PUBLISH, 3, 0), 35 * DAY - 7500 + 5 * DAY);
	assert_int_equal(when(&w, KS_ACT_SIGN_START, 3, 0), 35 * DAY - 7500 + 5 * DAY + K);
	world_done(&w);
}

/* A registrar that adds first and removes a day later; and one that forgets to. */
static void
parent_in_between(void **state UNUSED)
{
	world_init(&w);
	w.policy.registration_delay = 7 * DAY;
	w.registry_delay = 2 * DAY;
	w.registry_mid = DAY;
	world_run(&w, T0 + 6 * DAY);
	roll(1);
	world_run(&w, T0 + 8 * DAY);
	assert_false(found(&w, KEY_DS_CHANGED));
	assert_int_equal(w.ds[1], 2 | 8);
	assert_int_equal(state_of(&w, 1, KS_REC_DS), KS_UNRETENTIVE);
	world_run(&w, T0 + 20 * DAY);
	assert_int_equal(when(&w, KS_ACT_DNSKEY_WITHDRAW, 1, 0),
	    6 * DAY + K + 2 * DAY + 100 + DAY + HOUR);
	world_done(&w);

	world_init(&w);
	begin();
	w.no_person = true;
	roll(1);
	world_run(&w, T0 + R + 20000);
	w.ds[0] = w.ds[1] = 2 | 8;
	world_run(&w, T0 + R + 30 * DAY);
	assert_int_equal(when(&w, KS_ACT_DNSKEY_WITHDRAW, 1, 0), -1);
	assert_true(waits(&w, KS_WAIT_PARENT) && found(&w, KEY_DS_LATE));
	world_done(&w);
}

/* A secondary comes back from its backup. */
static void
server_back(void **state UNUSED)
{
	struct publication old;

	world_init(&w);
	begin();
	old = w.child[1];
	roll(2);
	world_run(&w, T0 + R + K + 100);
	w.child[1] = old;
	w.bad_allowed = true;
	world_now(&w);
	assert_true(found(&w, KEY_SERVER_BACK));
	assert_true(w.step.held);
	world_run(&w, T0 + R + 9 * DAY);
	assert_int_equal(when(&w, KS_ACT_DNSKEY_WITHDRAW, 2, 0), -1);
	w.child[1] = w.child[0];
	world_run(&w, T0 + R + 14 * DAY);
	assert_true(when(&w, KS_ACT_DNSKEY_WITHDRAW, 2, 0) > R + 9 * DAY + DAY);
	world_done(&w);
}

/* Another provider's keys (RFC 8901, model 2): published, never signed with. */
static void
external(void **state UNUSED)
{
	uint32_t ksk, zsk;

	world_init(&w);
	begin();
	ksk = world_key(&w, KS_KSK, 13, KS_GOAL_OMNIPRESENT, KS_FLAG_EXTERNAL, 0);
	zsk = world_key(&w, KS_ZSK, 13, KS_GOAL_OMNIPRESENT, KS_FLAG_EXTERNAL, 0);
	world_run(&w, T0 + R + 6 * DAY);
	assert_int_equal(when(&w, KS_ACT_DNSKEY_PUBLISH, ksk, 0), R);
	assert_int_equal(when(&w, KS_ACT_DNSKEY_PUBLISH, zsk, 0), R);
	assert_int_equal(when(&w, KS_ACT_DS_SUBMIT, ksk, 0), R + K);
	assert_int_equal(w.step.pub.dnskey_sigs, 1);
	assert_int_equal(w.step.pub.zone_sigs, 2);
	assert_int_equal(w.st.keys[0].goal, KS_GOAL_OMNIPRESENT);	/* ours stay */
	assert_int_equal(keystate_command(&w.st, KS_CMD_RETIRE, ksk, w.now), 0);
	assert_int_equal(keystate_command(&w.st, KS_CMD_RETIRE, zsk, w.now), 0);
	world_run(&w, T0 + R + 12 * DAY);
	assert_int_equal(when(&w, KS_ACT_DS_WITHDRAW, ksk, 0), R + 6 * DAY);
	assert_int_equal(w.st.n_sets, 3);
	world_done(&w);
}

/* What is broken before a step is said, and does not keep it from being mended. */
static void
broken(void **state UNUSED)
{
	world_init(&w);
	world_key(&w, KS_KSK, 13, KS_GOAL_OMNIPRESENT, KS_FLAG_BACKED_UP, T0 - YEAR);
	world_key(&w, KS_ZSK, 13, KS_GOAL_OMNIPRESENT, KS_FLAG_BACKED_UP, T0 - DAY);
	w.bad_allowed = true;
	for (int i = 0; i < SERVERS; i++) {
		w.child[i].dnskey = w.child[i].dnskey_sigs = w.child[i].zone_sigs = 4;
		w.ds[i] = 2;
	}
	w.ds_registry = 2;
	keystate_distrust(&w.st);
	world_run(&w, T0 + DAY + HOUR + 10);
	assert_true(found(&w, KEY_BROKEN));
	assert_int_equal(when(&w, KS_ACT_DNSKEY_PUBLISH, 1, 0), DAY + HOUR);
	world_run(&w, T0 + 4 * DAY);
	assert_false(found(&w, KEY_BROKEN));
	world_done(&w);
}

static void
commands(void **state UNUSED)
{
	struct keystate_newkey new = { .role = KS_ZSK, .alg = 13, .goal = KS_GOAL_OMNIPRESENT };
	uint32_t number = 77;

	world_init(&w);
	begin();
	assert_int_equal(keystate_command(&w.st, KS_CMD_ROLL, 9, w.now), -ENOENT);
	assert_int_equal(keystate_command(&w.st, KS_CMD_ROLL, 0, w.now), -ENOENT);
	assert_int_equal(keystate_command(&w.st, KS_CMD_DELETED, 1, w.now), -EBUSY);
	assert_int_equal(keystate_command(&w.st, KS_CMD_CANCEL, 1, w.now), -EBUSY);
	assert_int_equal(keystate_command(&w.st, KS_CMD_RETIRE, 1, w.now), -EBUSY);
	assert_int_equal(keystate_add_key(&w.st, &new, w.now, &number), -EINVAL);
	new.public_key = SV("K\x02");
	assert_int_equal(keystate_add_key(&w.st, &new, w.now, &number), -EEXIST);
	for (unsigned i = 0; i < KEYSTATE_KEYS_MAX - 2; i++) {
		char public[2] = { 'X', (char)i };

		new.public_key = (struct sv){ public, 2 };
		assert_int_equal(keystate_add_key(&w.st, &new, w.now, &number), 0);
	}
	new.public_key = SV("one more");
	number = 77;
	assert_int_equal(keystate_add_key(&w.st, &new, w.now, &number), SE_LIMIT);
	assert_int_equal(number, 77);
	assert_int_equal(keystate_command(&w.st, KS_CMD_HOLD, 0, w.now), 0);
	roll(2);
	world_now(&w);
	assert_true(w.step.held && waits(&w, KS_WAIT_OPERATOR));
	assert_int_equal(keystate_command(&w.st, KS_CMD_RELEASE, 0, w.now), 0);
	world_now(&w);
	assert_false(w.step.held);
	world_done(&w);
}

/* Servers that answer differently each time: it stops, and says so. */
static void
too_many(void **state UNUSED)
{
	world_init(&w);
	begin();
	for (unsigned i = 0; i < 20 && !found(&w, KEY_TOO_MANY); i++) {
		struct keystate_child c = { .at = ++w.now, .complete = false };
		struct keystate_observations seen = { &c, NULL };

		for (; c.n_dnskey < KEYSTATE_SEEN_MAX; c.n_dnskey++)
			c.dnskey[c.n_dnskey] = (struct keystate_seen){ 3,
			    i * 16 + (uint32_t)c.n_dnskey + 4, 3600, false };
		assert_int_equal(keystate_next(&w.st, &w.policy, &seen, w.now, &w.fs, &w.step), 0);
	}
	assert_true(found(&w, KEY_TOO_MANY));
	assert_true(w.step.held);
	assert_int_equal(w.step.pub.dnskey, 3);
	world_done(&w);
}

TESTS_MAIN("keystate", T(initial), T(longer_ttl), T(the_same_again), T(zsk_prepublish), T(zsk_double_signature),
    T(zsk_by_lifetime), T(ksk_double_ksk), T(ksk_double_ds), T(csk_rolls), T(algorithm),
    T(split_and_back), T(policy_of_denial), T(insecure_and_back), T(insecure_regretted),
    T(zsk_compromised), T(ksk_compromised), T(ksk_lost), T(zsk_lost), T(two_at_once),
    T(cancelled), T(cancelled_by_life), T(clock_back), T(standby), T(import),
    T(nobody_looks), T(late_people), T(parent_in_between), T(server_back), T(external), T(broken),
    T(commands), T(too_many))
