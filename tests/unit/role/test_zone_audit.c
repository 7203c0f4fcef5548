/* The audit of what is in service: for ever, in slices, one zone after the other; what it finds, and what comes of that. */
#include "../dnssec/audit_kit.h"
#include "kit.h"

#include "sys/clock.h"

static int64_t fake_usec = 1000000, fake_step;

/* Each look at the clock takes a while. */
static int64_t
fake_mono(void)
{
	return fake_usec += fake_step;
}
#define clock_mono_usec fake_mono
#include "../../../src/role/zone_audit.c"
#undef clock_mono_usec

/* --- the rest of the role --- */

static struct {
	unsigned	n_told, n_why, n_changed;
	bool		has_bad, has_expired;
} said;

const char *
zone_name(const struct zone_one *z, char dst[static DNAME_STRLEN])
{
	return dname_str(&z->e->name, dst);
}

void
zone_findings_tell(struct zone_role *zr UNUSED, const struct zone_one *z UNUSED, const struct findings *fs,
    enum log_level level)
{
	assert_int_equal(level, LOG_LEVEL_ERROR);
	for (const struct finding *f = fs->head; f != NULL; f = f->next) {
		said.has_bad |= f->def == &audit_rows[DNS_SIG_BAD];
		said.has_expired |= f->def == &audit_rows[DNS_SIG_EXPIRED];
	}
	said.n_told++;
}

void
zone_why(struct zone_one *z UNUSED, const char *what UNUSED, const char *more UNUSED)
{
	said.n_why++;
}

void
zone_changed(struct zone_one *z UNUSED)
{
	said.n_changed++;
}

bool
zone_is_unsigned(const struct zone *z)
{
	struct zrrset set;

	return !znode_find(zone_apex_node(z), RR_DNSKEY, &set);
}

/* --- a role with zones --- */

#define ZONES	3
#define DAY	86400

struct world {
	struct audit_kit	*kit;
	struct zone_role	 zr;
	struct zone_one		 z[ZONES];
	struct zone_list_entry	 e[ZONES];
};

static void
serve(struct zone_one *z, struct zone *version)
{
	(void)zone_unref(z->now.signed_zone);
	z->now.signed_zone = zone_ref(version);
	z->now.stamp = 7;
}

/* One whose DNSKEY set is not there is not signed. */
static struct world *
world_new(unsigned n)
{
	struct world *w = calloc(1, sizeof(*w));

	assert_non_null(w);
	w->kit = kit_new(KIT_NSEC3);	/* names and chain: two units */
	(void)kit_good(w->kit);
	kit_now = KIT_NOW;
	fake_step = 0;
	said = (__typeof__(said)){ 0 };
	w->zr = (struct zone_role){ .zones = w->z, .list = { .v = w->e, .n = n }, .pool = pool_new(1 << 20) };
	for (unsigned i = 0; i < n; i++) {
		w->e[i].name = w->kit->apex;
		w->e[i].policy.audit_interval = DAY;
		w->z[i] = (struct zone_one){ .zr = &w->zr, .e = &w->e[i], .loaded = true, .audited_at = KIT_NOW };
		serve(&w->z[i], w->kit->z);
	}
	return w;
}

static void
world_free(struct world *w)
{
	recheck_done(&w->zr.recheck);
	for (unsigned i = 0; i < ZONES; i++) {
		(void)zone_unref(w->z[i].now.signed_zone);
		(void)audit_result_free(w->z[i].now.audit);
		(void)sign_state_free(w->z[i].now.state);
	}
	(void)pool_free(w->zr.pool);
	kit_free(w->kit);
	free(w);
}

/* What the loop does with a turn that nobody else wants; false: there is nothing to do. */
static bool
turn(struct world *w)
{
	if (!zone_audit_due(&w->zr, kit_now))
		return false;
	assert_int_equal(zone_audit_begin(&w->zr), 0);
	zone_audit_slice(&w->zr);
	zone_audit_ended(&w->zr);
	return true;
}

/* All that is due; how many slices that took. */
static unsigned
turns(struct world *w)
{
	unsigned n = 0;

	while (turn(w)) {
		n++;
		fake_usec += 60000000;		/* the rest is over */
		assert_true(n < 1000);
	}
	return n;
}

static struct zone *
spoilt(struct world *w, const char *script)
{
	return kit_script(w->kit, w->kit->z, script);
}

/* --- tests --- */

static void
for_ever(void **st UNUSED)
{
	struct world *w = world_new(1);

	assert_int_equal(turns(w), 0);
	for (unsigned day = 1; day <= 6; day++) {	/* signatures last for two weeks */
		kit_now = KIT_NOW + day * DAY - 1;
		assert_int_equal(turns(w), 0);
		kit_now++;
		assert_int_equal(turns(w), 1);
		assert_int_equal(w->z[0].audited_at, kit_now);
	}
	assert_int_equal(said.n_told, 0);
	assert_false(w->z[0].wanted);
	w->e[0].policy.audit_interval = 60;
	kit_now += 59;
	assert_int_equal(turns(w), 0);
	kit_now++;
	assert_int_equal(turns(w), 1);
	world_free(w);
}

/* The one that has waited longest is first; unsigned and unserved ones have nothing to be verified. */
static void
one_after_the_other(void **st UNUSED)
{
	struct world *w = world_new(ZONES);
	struct zone *bare = kit_zone(&w->kit->apex, sv_str(kit_text));

	w->z[0].audited_at = KIT_NOW - DAY;
	w->z[1].audited_at = KIT_NOW - DAY - 5;
	w->z[2].audited_at = 0;
	serve(&w->z[2], bare);
	assert_true(turn(w));
	assert_int_equal(w->z[1].audited_at, KIT_NOW);
	assert_int_equal(w->z[0].audited_at, KIT_NOW - DAY);
	fake_usec += 1;
	assert_int_equal(turns(w), 1);
	assert_int_equal(w->z[0].audited_at, KIT_NOW);
	assert_int_equal(w->z[2].audited_at, 0);
	(void)zone_unref(bare);
	world_free(w);
}

/* A slice ends after its time, and nine times as long others have the processor. */
static void
slices(void **st UNUSED)
{
	struct world *w = world_new(1);
	struct zone_recheck *r = &w->zr.recheck;
	unsigned n = 0;

	kit_now += DAY;
	fake_step = SLICE_USEC;
	for (;; n++) {
		size_t at = r->at;

		assert_true(turn(w));
		if (r->audit == NULL)
			break;
		assert_int_equal(r->at, at + 1);
		assert_false(zone_audit_due(&w->zr, kit_now));
		assert_true(r->next_usec >= fake_usec + REST * SLICE_USEC - 2 * fake_step);
		assert_int_equal(w->z[0].audited_at, KIT_NOW);
		fake_usec = r->next_usec;
	}
	assert_true(n >= 1);
	assert_int_equal(w->z[0].audited_at, KIT_NOW + DAY);
	assert_int_equal(said.n_told, 0);
	world_free(w);
}

static void
finds(void **st UNUSED)
{
	struct world *w = world_new(2);
	struct zone *bad = spoilt(w, "flip mail A");

	serve(&w->z[1], bad);
	kit_now += DAY;
	assert_int_equal(turns(w), 2);
	assert_true(said.has_bad);
	assert_int_equal(said.n_told, 1);
	assert_int_equal(said.n_why, 1);
	assert_int_equal(said.n_changed, 1);
	assert_int_equal(w->z[1].n_refused[REFUSED_AUDIT], 1);
	/* It stays, and all of it is made anew. */
	assert_ptr_equal(w->z[1].now.signed_zone, bad);
	assert_true(w->z[1].wanted && w->z[1].suspect);
	assert_int_equal(w->z[1].now.stamp, 0);
	assert_false(w->z[0].wanted || w->z[0].suspect);
	/* Still there a day later: told again. */
	kit_now += DAY;
	assert_int_equal(turns(w), 2);
	assert_int_equal(said.n_told, 2);
	(void)zone_unref(bad);
	world_free(w);
}

/* Signatures that nobody made anew: when they ended is known still, for the alarm. */
static void
time_goes(void **st UNUSED)
{
	struct world *w = world_new(1);
	int64_t end = sign_state_horizon(w->kit->state);

	kit_now = end + 1;
	w->z[0].now.horizon = end;
	w->z[0].now.state = TAKE_PTR(w->kit->state);
	assert_int_equal(turns(w), 1);
	assert_true(said.has_expired);
	assert_int_equal(w->z[0].now.horizon, end);
	assert_null(w->z[0].now.state);
	assert_true(w->z[0].suspect);
	world_free(w);
}

/* A version that comes while the one before is verified was compared with that one, and only so. */
static void
changes_meanwhile(void **st UNUSED)
{
	struct world *w = world_new(1);
	struct zone *bad = spoilt(w, "flip mail A"), *next = kit_script(w->kit, bad, "add new A 192.0.2.1");

	serve(&w->z[0], bad);
	kit_now += DAY;
	fake_step = SLICE_USEC;
	assert_true(turn(w));
	assert_non_null(w->zr.recheck.audit);
	serve(&w->z[0], next);
	fake_usec = w->zr.recheck.next_usec;
	(void)turns(w);
	assert_int_equal(said.n_told, 1);
	assert_true(w->z[0].suspect && w->z[0].wanted);

	/* … unless that one was verified as a whole. */
	w->z[0].suspect = w->z[0].wanted = false;
	serve(&w->z[0], bad);
	kit_now += DAY;
	fake_usec = w->zr.recheck.next_usec;
	assert_true(turn(w));
	assert_non_null(w->zr.recheck.audit);
	serve(&w->z[0], w->kit->z);
	w->z[0].audited_at = kit_now + 1;
	kit_now += 2;
	fake_usec = w->zr.recheck.next_usec;
	(void)turns(w);
	assert_int_equal(said.n_told, 1);
	assert_false(w->z[0].suspect || w->z[0].wanted);
	assert_int_equal(w->z[0].audited_at, kit_now - 1);
	(void)zone_unref(bad);
	(void)zone_unref(next);
	world_free(w);
}

/* Nobody waits for a time that is not to come: the clock was a year ahead. */
static void
clock_set_back(void **st UNUSED)
{
	struct world *w = world_new(1);

	w->z[0].audited_at = KIT_NOW + 365 * DAY;
	assert_int_equal(turns(w), 1);
	assert_int_equal(w->z[0].audited_at, KIT_NOW);
	assert_int_equal(turns(w), 0);
	world_free(w);
}

TESTS_MAIN("zone_audit", T(for_ever), T(one_after_the_other), T(slices), T(finds), T(time_goes),
    T(changes_meanwhile), T(clock_set_back))
