/*
 * The second opinion. keystate's gate and dnssec/timeline were written apart:
 * here both judge every step of the years that test_keystate_years.c plays, at
 * random, and have to agree. Steps that no gate would let pass are refused.
 */
#include "app/zone_proof.h"
#include "base/err.h"

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
	const struct CMUnitTest tests[] = { T(refuses), T(broken_before), T(strangers), T(agree) };

	return cmocka_run_group_tests_name("zone_proof", tests, NULL, NULL);
}
