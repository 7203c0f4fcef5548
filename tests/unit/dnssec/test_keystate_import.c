/* Keys of another signer in the middle of their lives: its plans are kept, and nobody sees a break. */
#include "keystate_world.h"

static struct world w;

#define SETTLE	(DAY + HOUR)	/* the longest TTL, with its safety */

/* A zone that somebody else has signed for long: key 1 the KSK, 2 the ZSK, more in its DNSKEY set. */
static void
foreign(uint64_t dnskey)
{
	world_init(&w);
	w.policy.zsk_lifetime = 90 * DAY;
	assert_int_equal(world_key(&w, KS_KSK, 13, KS_GOAL_OMNIPRESENT, KS_FLAG_BACKED_UP, T0 - YEAR), 1);
	assert_int_equal(world_key(&w, KS_ZSK, 13, KS_GOAL_OMNIPRESENT, KS_FLAG_BACKED_UP, T0 - 20 * DAY), 2);
	for (int i = 0; i < SERVERS; i++) {
		w.child[i].dnskey = dnskey;
		w.child[i].dnskey_ttl = HOUR;
		w.child[i].dnskey_sigs = 2;
		w.child[i].zone_sigs = 4;
		w.ds[i] = 2;
	}
	w.ds_registry = 2;
	keystate_distrust(&w.st);
}

static struct keystate_key *
key(uint32_t number)
{
	int place = keystate_find(&w.st, number);

	assert_true(place >= 0);
	return &w.st.keys[place];
}

/* The end that was planned there, not the life that the policy gives. */
static void
planned_end(void **state UNUSED)
{
	foreign(6);
	key(2)->end = T0 + 10 * DAY;
	world_run(&w, T0 + 30 * DAY);
	assert_int_equal(when(&w, KS_ACT_SIGN_START, 3, 0), 10 * DAY);
	assert_int_equal(when(&w, KS_ACT_SIGN_STOP, 2, 0), 10 * DAY);
	/* Its successor lives by the policy. */
	assert_int_equal(key(3)->end, 0);
	world_run(&w, T0 + 101 * DAY);
	assert_int_equal(when(&w, KS_ACT_SIGN_START, 4, 0), 100 * DAY);
	assert_int_equal(w.n_bogus, 0);
	world_done(&w);
}

/* It should have been rolled while nobody signed: as soon as all is seen. */
static void
end_passed(void **state UNUSED)
{
	foreign(6);
	key(2)->end = T0 - DAY;
	world_run(&w, T0 + 10 * DAY);
	assert_in_range(when(&w, KS_ACT_SIGN_START, 3, 0), SETTLE, SETTLE + DAY);
	assert_int_equal(w.n_bogus, 0);
	world_done(&w);
}

/* Its successor is published already, and waits for the day. */
static void
half_rolled(void **state UNUSED)
{
	foreign(14);
	assert_int_equal(world_key(&w, KS_ZSK, 13, KS_GOAL_OMNIPRESENT, KS_FLAG_BACKED_UP, TIME_NEVER), 3);
	key(2)->end = T0 + 3 * DAY;
	key(2)->successor = 3;
	key(3)->predecessor = 2;
	world_run(&w, T0 + 20 * DAY);
	assert_int_equal(when(&w, KS_ACT_SIGN_START, 3, 0), 3 * DAY);
	assert_int_equal(when(&w, KS_ACT_SIGN_STOP, 2, 0), 3 * DAY);
	assert_true(when(&w, KS_ACT_DNSKEY_WITHDRAW, 2, 0) > 3 * DAY);
	/* No other key was made for it. */
	assert_int_equal(keystate_find(&w.st, 4), -1);
	assert_int_equal(w.n_bogus, 0);
	world_done(&w);
}

/* A KSK on its way out, key 1; its successor signs already. The parent still has the old DS. */
static void
ksk_between(void)
{
	foreign(14);
	w.policy.zsk_lifetime = 0;
	assert_int_equal(world_key(&w, KS_KSK, 13, KS_GOAL_OMNIPRESENT, KS_FLAG_BACKED_UP, T0 - DAY), 3);
	key(1)->goal = KS_GOAL_HIDDEN;
	for (int i = 0; i < SERVERS; i++)
		w.child[i].dnskey_sigs = 2 | 8;
}

/* What the other signer had asked for is asked for again. */
static void
ksk_half_rolled(void **state UNUSED)
{
	ksk_between();
	world_run(&w, T0 + 20 * DAY);
	assert_int_equal(when(&w, KS_ACT_DS_SUBMIT, 3, 0), SETTLE);
	assert_true(when(&w, KS_ACT_DNSKEY_WITHDRAW, 1, 0) > SETTLE);
	assert_int_equal(keystate_find(&w.st, 1), -1);
	assert_int_equal(w.n_bogus, 0);
	assert_false(found(&w, KEY_DS_CHANGED));
	world_done(&w);
}

/* It comes true before we asked: nobody here knows why, so an operator says that it is right. */
static void
ds_in_between(void **state UNUSED)
{
	ksk_between();
	world_run(&w, T0 + HOUR);
	for (int i = 0; i < SERVERS; i++)
		w.ds[i] = 8;
	w.ds_registry = 8;
	world_run(&w, T0 + 3 * DAY);
	assert_true(found(&w, KEY_DS_CHANGED));
	assert_int_equal(when(&w, KS_ACT_DNSKEY_WITHDRAW, 1, 0), -1);
	assert_int_equal(keystate_command(&w.st, KS_CMD_ACCEPT_DS, 0, w.now), 0);
	world_run(&w, T0 + 20 * DAY);
	assert_true(when(&w, KS_ACT_DNSKEY_WITHDRAW, 1, 0) > 3 * DAY);
	assert_int_equal(keystate_find(&w.st, 1), -1);
	assert_int_equal(w.n_bogus, 0);
	world_done(&w);
}

static void
taken(void **state UNUSED)
{
	static struct keystate here, before;
	unsigned n = 77;

	foreign(14);
	assert_int_equal(world_key(&w, KS_ZSK, 13, KS_GOAL_OMNIPRESENT, KS_FLAG_BACKED_UP, TIME_NEVER), 3);
	key(2)->end = T0 + 3 * DAY;
	key(2)->successor = 3;
	key(3)->predecessor = 2;
	keystate_init(&here, T0);
	assert_int_equal(keystate_take(&here, &w.st, T0, &n), 0);
	assert_int_equal(n, 3);
	assert_int_equal(here.keys[1].end, T0 + 3 * DAY);
	assert_int_equal(here.keys[1].active, T0 - 20 * DAY);
	assert_int_equal(here.keys[2].active, TIME_NEVER);
	assert_int_equal(here.keys[1].successor, here.keys[2].number);
	assert_int_equal(here.keys[2].predecessor, here.keys[1].number);
	/* A second time there is nothing to take, and what became of them stays. */
	here.keys[1].end = T0 + DAY;
	before = here;
	assert_int_equal(keystate_take(&here, &w.st, T0 + DAY, &n), 0);
	assert_int_equal(n, 0);
	assert_memory_equal(&here, &before, sizeof(here));
	/* No room for all: none. */
	keystate_init(&here, T0);
	here.next_number = UINT32_MAX - 1;
	before = here;
	n = 77;
	assert_int_equal(keystate_take(&here, &w.st, T0, &n), SE_LIMIT);
	assert_int_equal(n, 77);
	assert_memory_equal(&here, &before, sizeof(here));
	world_done(&w);
}

/* As text, and what is no such text. */
static void
written(void **state UNUSED)
{
	static const char *const bad[] = { "end 9 5\n", "end 2 0\n", "end 2 never\n", "end 2 5\nend 2 6\n", "end 2\n" };
	struct buf a = BUF_INIT, b = BUF_INIT;
	static struct keystate again;
	unsigned line;

	foreign(6);
	keystate_write(&w.st, &b);
	key(2)->end = T0 + 3 * DAY;
	keystate_write(&w.st, &a);
	assert_int_equal(keystate_parse(buf_get(&a), &again, &line, &w.fs), 0);
	assert_null(w.fs.head);
	assert_memory_equal(&again, &w.st, sizeof(again));
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		size_t at = 0;

		while (!sv_starts(sv_skip(buf_get(&b), at), SV("\nds ")))
			at++;
		a.len = 0;
		buf_sv(&a, sv_take(buf_get(&b), at + 1));
		buf_str(&a, bad[i]);
		buf_sv(&a, sv_skip(buf_get(&b), at + 1));
		assert_int_equal(keystate_parse(buf_get(&a), &again, &line, &w.fs), SE_SYNTAX);
	}
	world_done(&w);
	buf_done(&a);
	buf_done(&b);
}

TESTS_MAIN("keystate_import", T(planned_end), T(end_passed), T(half_rolled), T(ksk_half_rolled), T(ds_in_between), T(taken), T(written))
