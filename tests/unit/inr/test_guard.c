#include <stdio.h>

#include "../tap.h"
#include "world.h"

#define HOLD	1000
#define HERE	UINT32_MAX	/* no parent */

static uint32_t
ca_add(struct payloads *p, uint64_t id, uint32_t parent, enum payload_ca_state st)
{
	return world_ca(p, id, parent, st, "rsync://host/m/x.mft",
	    st == PCA_GOOD ? "" : "RPKI_MFT_STALE");
}

static void
vrp_by(struct payloads *p, const char *px, int64_t expires, uint32_t ca)
{
	world_vrp(p, px, 24, 64496, expires);
	p->vrps[p->n_vrps - 1].ca = ca;
}

static bool
always(void *arg, const struct vrp *v)
{
	const uint32_t *asn = arg;

	return v->asn == *asn;
}

struct outcome {
	struct payloads		 next;	/* with what is held */
	struct guard_counts	 counts;
	struct guard_decision	 d;
};

static void
guard_run(const struct guard_limits *l, const struct snapshot *old, struct payloads *next,
    int64_t now, const uint8_t *released, struct outcome *o)
{
	struct payloads lost;
	size_t dropped;

	assert_int_equal(payloads_merge(next, &dropped), 0);
	assert_int_equal(guard_losses(old, next, now, &lost, &o->counts), 0);
	assert_int_equal(guard_decide(l, &o->counts, now, released, world_digest, &lost, &o->d), 0);
	assert_int_equal(lost.n_vrps + lost.n_aspas + lost.n_router_keys, o->d.n_held);
	assert_int_equal(payloads_append(next, &lost), 0);
	assert_int_equal(payloads_merge(next, &dropped), 0);
	assert_int_equal(lost.n_vrps + lost.n_cas, 0);
	o->next = *next;
}

/* root - a - b, and c beside a: one prefix each, and a key and an ASPA of b. */
static void
family(struct payloads *p, enum payload_ca_state a, enum payload_ca_state b)
{
	uint32_t root = ca_add(p, 100, HERE, PCA_GOOD);
	uint32_t ca_a = ca_add(p, 30, root, a), ca_b = ca_add(p, 20, ca_a, b);
	uint32_t ca_c = ca_add(p, 10, root, PCA_GOOD);

	if (a <= PCA_RETAINED)
		vrp_by(p, "10.1.0.0/24", 5000, ca_a);
	if (b <= PCA_RETAINED) {
		vrp_by(p, "10.2.0.0/24", 5000, ca_b);
		vrp_by(p, "10.2.1.0/24", 200, ca_b);
		world_aspa(p, 7, WORLD_LIST(8), 6000);
		p->aspas[p->n_aspas - 1].ca = ca_b;
		world_router_key(p, 1, 7, 7000);
		p->router_keys[p->n_router_keys - 1].ca = ca_b;
	}
	vrp_by(p, "10.3.0.0/24", 5000, ca_c);
}

static void
old_family(uint8_t **buf, struct snapshot *s)
{
	struct payloads p = { 0 };

	family(&p, PCA_GOOD, PCA_GOOD);
	assert_int_equal(world_snapshot(&p, 1, buf, s), 0);
	payloads_done(&p);
}

static const struct guard_limits all = { .hold_sec = HOLD };

static void
failed(void **state UNUSED)
{
	struct payloads next = { 0 };
	struct outcome o;
	struct snapshot s;
	uint8_t *buf = NULL;
	uint32_t b;

	old_family(&buf, &s);
	family(&next, PCA_GOOD, PCA_FAILED);
	guard_run(&all, &s, &next, 300, NULL, &o);
	assert_int_equal(o.counts.ta[0].n_vrps, 3);
	assert_int_equal(o.counts.ta[0].vrps[LOSS_FAILURE], 1);
	assert_int_equal(o.counts.ta[0].vrps[LOSS_EXPIRED], 1);
	assert_int_equal(o.counts.ta[0].others[LOSS_FAILURE], 2);
	assert_int_equal(o.d.n_held, 3);
	assert_true(o.d.until == 300 + HOLD);
	assert_int_equal(next.n_vrps, 3);
	assert_int_equal(next.n_router_keys, 1);
	assert_int_equal(next.aspas[0].expires, 6000);
	assert_int_equal(next.n_cas, 4);
	b = payload_ca_find(&next, 20);
	assert_int_equal(next.cas[b].state, PCA_FAILED);	/* not made worse */
	assert_int_equal(next.cas[b].held_since, 300);
	assert_int_equal(next.vrps[1].ca, b);
	assert_int_equal(next.cas[payload_ca_find(&next, 30)].held_since, 0);
	payloads_done(&next);
	free(buf);
}

static void
withdrawn(void **state UNUSED)
{
	struct payloads next = { 0 };
	struct outcome o;
	struct snapshot s;
	uint8_t *buf = NULL;

	old_family(&buf, &s);
	(void)ca_add(&next, 100, HERE, PCA_GOOD);	/* root names nobody any more */
	guard_run(&all, &s, &next, 100, NULL, &o);
	assert_int_equal(o.d.n_held, 0);
	assert_true(o.d.until == INT64_MAX);
	assert_int_equal(o.counts.ta[0].vrps[LOSS_SIGNED], 4);
	assert_int_equal(o.counts.ta[0].others[LOSS_SIGNED], 2);
	assert_int_equal(next.n_cas, 1);
	payloads_done(&next);
	free(buf);
}

/* What hangs below a failed CA need not be in the new table. */
static void
below(void **state UNUSED)
{
	struct payloads next = { 0 };
	struct outcome o;
	struct snapshot s;
	uint8_t *buf = NULL;
	uint32_t root;

	old_family(&buf, &s);
	root = ca_add(&next, 100, HERE, PCA_RETAINED);
	(void)ca_add(&next, 30, root, PCA_FAILED);
	guard_run(&all, &s, &next, 100, NULL, &o);
	assert_int_equal(o.counts.ta[0].vrps[LOSS_FAILURE], 3);	/* a and b, not c */
	assert_int_equal(o.counts.ta[0].vrps[LOSS_SIGNED], 1);
	assert_int_equal(next.n_cas, 3);
	assert_int_equal(next.cas[payload_ca_find(&next, 20)].state, PCA_LOST);
	assert_true(sv_eq_str(next.cas[payload_ca_find(&next, 20)].code, "RPKI_MFT_STALE"));
	assert_int_equal(next.cas[payload_ca_find(&next, 20)].parent, payload_ca_find(&next, 30));
	payloads_done(&next);
	free(buf);
}

static void
anchor_gone(void **state UNUSED)
{
	struct payloads next = { 0 };
	struct outcome o;
	struct snapshot s;
	uint8_t *buf = NULL;

	old_family(&buf, &s);
	(void)payloads_ta(&next, SV("lab"));
	guard_run(&all, &s, &next, 100, NULL, &o);
	assert_int_equal(o.d.n_held, 6);
	payloads_done(&next);
	/* A new one in its place, which has not been fetched yet: the old one's stay … */
	(void)payloads_ta(&next, SV("another"));
	guard_run(&all, &s, &next, 100, NULL, &o);
	assert_int_equal(o.counts.ta[0].vrps[LOSS_FAILURE], 4);
	assert_int_equal(o.d.n_held, 6);
	assert_int_equal(next.n_tas, 2);
	payloads_done(&next);
	/* … until it works: it is the operator who does not want the old one any more. */
	(void)ca_add(&next, 10, PAYLOAD_CA_NONE, PCA_GOOD);
	memcpy(next.tas[0], "another", sizeof("another"));
	guard_run(&all, &s, &next, 100, NULL, &o);
	assert_int_equal(o.d.n_held, 0);
	assert_int_equal(o.counts.ta[0].vrps[LOSS_LOCAL], 4);
	assert_int_equal(next.n_tas, 1);
	payloads_done(&next);
	free(buf);
}

static void
no_ca(void **state UNUSED)
{
	struct payloads p = { 0 }, next = { 0 };
	struct outcome o;
	struct snapshot s;
	uint8_t *buf = NULL;

	vrp_by(&p, "10.1.0.0/24", 5000, PAYLOAD_CA_NONE);
	assert_int_equal(world_snapshot(&p, 1, &buf, &s), 0);
	(void)payloads_ta(&next, SV("lab"));
	guard_run(&all, &s, &next, 100, NULL, &o);
	assert_int_equal(o.counts.ta[0].vrps[LOSS_LOCAL], 1);
	assert_int_equal(o.d.n_held, 0);
	payloads_done(&p);
	payloads_done(&next);
	free(buf);
}

/* 10 CAs with 10 VRPs each; n of them fail. */
static void
field(struct payloads *p, unsigned n_failed)
{
	uint32_t root = ca_add(p, 1000, HERE, PCA_GOOD);
	char px[32];

	for (unsigned i = 0; i < 10; i++) {
		bool fails = i < n_failed;
		uint32_t ca = ca_add(p, i + 1, root, fails ? PCA_FAILED : PCA_GOOD);

		for (unsigned k = 0; k < 10 && !fails; k++) {
			(void)snprintf(px, sizeof(px), "10.%u.%u.0/24", i, k);
			world_vrp(p, px, 24, 64000 + i, 5000);
			p->vrps[p->n_vrps - 1].ca = ca;
		}
	}
}

static void
thresholds(void **state UNUSED)
{
	static const struct {
		uint32_t	permille, min;
		unsigned	n_failed;
		size_t		n_held, n_small;
	} rows[] = {
		{ 200, 0, 1, 0, 10 }, { 200, 0, 2, 20, 0 }, { 101, 0, 1, 0, 10 },
		{ 100, 0, 1, 10, 0 }, { 0, 11, 1, 0, 10 }, { 0, 10, 1, 10, 0 },
		{ 1000, 0, 9, 0, 90 }, { 1000, 0, 10, 100, 0 },
	};
	uint32_t our_asn = 64001;

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct guard_limits l = { .share_permille = rows[i].permille,
			.min_vrps = rows[i].min, .hold_sec = HOLD };
		struct payloads p = { 0 }, next = { 0 };
		struct snapshot s;
		struct outcome o;
		uint8_t *buf = NULL;

		field(&p, 0);
		assert_int_equal(world_snapshot(&p, 1, &buf, &s), 0);
		field(&next, rows[i].n_failed);
		guard_run(&l, &s, &next, 100, NULL, &o);
		assert_int_equal(o.d.n_held, rows[i].n_held);
		assert_int_equal(o.d.n_small, rows[i].n_small);
		payloads_done(&next);
		/* What is ours is held however little it is. */
		l.is_our_vrp = always;
		l.arg = &our_asn;
		field(&next, 3);
		l.min_vrps = 1000;
		guard_run(&l, &s, &next, 100, NULL, &o);
		assert_int_equal(o.d.n_held, 10);
		assert_int_equal(o.d.n_small, 20);
		payloads_done(&next);
		payloads_done(&p);
		free(buf);
	}
}

/* The clock goes on over restarts (a snapshot is all that is kept). */
static void
clock_and_release(void **state UNUSED)
{
	struct payloads p = { 0 }, next = { 0 };
	uint8_t *buf = NULL, *buf2 = NULL, hash[SNAPSHOT_SUM_LEN];
	struct snapshot s;
	struct outcome o;

	field(&p, 0);
	assert_int_equal(world_snapshot(&p, 1, &buf, &s), 0);
	payloads_done(&p);
	field(&next, 1);
	guard_run(&all, &s, &next, 100, NULL, &o);
	assert_true(o.d.until == 100 + HOLD);
	assert_int_equal(world_snapshot(&next, 2, &buf2, &s), 0);
	payloads_done(&next);
	free(buf);

	field(&next, 2);	/* another fails later: its own clock */
	guard_run(&all, &s, &next, 600, NULL, &o);
	assert_int_equal(o.d.n_held, 20);
	assert_true(o.d.until == 100 + HOLD);
	memcpy(hash, o.d.hash, sizeof(hash));
	payloads_done(&next);

	field(&next, 2);
	guard_run(&all, &s, &next, 100 + HOLD, NULL, &o);
	assert_int_equal(o.d.n_held, 10);
	assert_int_equal(o.d.n_overdue, 10);
	assert_true(o.d.until == 100 + 2 * HOLD);
	assert_memory_not_equal(hash, o.d.hash, sizeof(hash));
	payloads_done(&next);

	field(&next, 2);	/* the hash names that set … */
	guard_run(&all, &s, &next, 600, hash, &o);
	assert_int_equal(o.d.n_held, 0);
	assert_int_equal(o.d.n_released, 20);
	assert_int_equal(next.n_vrps, 80);
	payloads_done(&next);

	field(&next, 3);	/* … and no other */
	guard_run(&all, &s, &next, 600, hash, &o);
	assert_int_equal(o.d.n_held, 30);
	payloads_done(&next);

	field(&next, 1);	/* a clock that was set back: not for ever */
	guard_run(&all, &s, &next, 50, NULL, &o);
	assert_true(o.d.until == 50 + HOLD);
	payloads_done(&next);
	free(buf2);
}

/* What expires before the clock runs out goes then: somebody must look at that moment. */
static void
until_expiry(void **state UNUSED)
{
	struct payloads p = { 0 }, next = { 0 };
	uint8_t *buf = NULL;
	struct snapshot s;
	struct outcome o;

	field(&p, 0);
	p.vrps[3].expires = 400;
	assert_int_equal(world_snapshot(&p, 1, &buf, &s), 0);
	payloads_done(&p);
	field(&next, 1);
	guard_run(&all, &s, &next, 100, NULL, &o);
	assert_int_equal(o.d.n_held, 10);
	assert_true(o.d.until == 400);
	payloads_done(&next);
	field(&next, 1);
	guard_run(&all, &s, &next, 400, NULL, &o);
	assert_int_equal(o.d.n_held, 9);
	assert_true(o.d.until == 400 + HOLD);
	payloads_done(&next);
	free(buf);
}

/* --- random worlds against what we know about them --- */

#define N_CAS		12
#define N_PAYLOADS	40
#define ROUNDS		12

struct node {
	int		parent;		/* lower; -1: a trust anchor */
	unsigned	ta;
	bool		fails, gone;	/* gone: its issuer took it back, for good */
	int64_t		since;
};

struct truth {
	uint32_t	r;
	struct node	ca[N_CAS];
	struct {
		unsigned	ca;
		int64_t		expires;
		bool		gone, published;
	} p[N_PAYLOADS];
	int64_t		now;
};

enum status { WORKS, FAILS, GONE };

static uint32_t
dice(struct truth *t, uint32_t n)
{
	t->r = t->r * 1103515245 + 12345;
	return (t->r >> 16) % n;
}

/* From the top: the first thing that is wrong decides. */
static enum status
status_of(const struct truth *t, unsigned ca)
{
	enum status up = t->ca[ca].parent < 0 ? WORKS :
	    status_of(t, (unsigned)t->ca[ca].parent);

	if (up != WORKS)
		return up;
	return t->ca[ca].gone ? GONE : t->ca[ca].fails ? FAILS : WORKS;
}

static bool
above_fails(const struct truth *t, unsigned ca)
{
	return t->ca[ca].parent >= 0 && status_of(t, (unsigned)t->ca[ca].parent) == FAILS;
}

static void
truth_begin(struct truth *t, uint32_t seed)
{
	*t = (struct truth){ .r = seed * 7919 + 1, .now = 1000 };
	for (unsigned i = 0; i < N_CAS; i++) {
		t->ca[i].parent = i < 2 ? -1 : (int)dice(t, i);
		t->ca[i].ta = i < 2 ? i : t->ca[t->ca[i].parent].ta;
	}
	for (unsigned i = 0; i < N_PAYLOADS; i++) {
		t->p[i].ca = dice(t, N_CAS);
		t->p[i].expires = 1200 + dice(t, 6000);
	}
}

static void
truth_step(struct truth *t)
{
	t->now += dice(t, 400);
	for (unsigned i = 0; i < N_CAS; i++) {
		if (dice(t, 6) == 0)
			t->ca[i].fails = !t->ca[i].fails;
		if (i >= 2 && dice(t, 25) == 0)
			t->ca[i].gone = true;
	}
	for (unsigned i = 0; i < N_PAYLOADS; i++)
		t->p[i].gone = t->p[i].gone || dice(t, 30) == 0;
}

/* One payload of a kind that its number decides. */
static void
payload_put(struct payloads *p, const struct truth *t, unsigned i, uint32_t ca)
{
	char px[32];

	if (i % 5 == 0) {
		world_aspa(p, i + 1, WORLD_LIST(8), t->p[i].expires);
		p->aspas[p->n_aspas - 1].ca = ca;
		p->aspas[p->n_aspas - 1].ta = (uint8_t)t->ca[t->p[i].ca].ta;
	} else if (i % 5 == 1) {
		world_router_key(p, (uint8_t)i, i + 1, t->p[i].expires);
		p->router_keys[p->n_router_keys - 1].ca = ca;
		p->router_keys[p->n_router_keys - 1].ta = (uint8_t)t->ca[t->p[i].ca].ta;
	} else {
		(void)snprintf(px, sizeof(px), "10.0.%u.0/24", i);
		world_vrp(p, px, 24, 1, t->p[i].expires);
		p->vrps[p->n_vrps - 1].ca = ca;
		p->vrps[p->n_vrps - 1].ta = (uint8_t)t->ca[t->p[i].ca].ta;
	}
}

static int
payload_of(const struct payloads *p, size_t kind, size_t i)
{
	if (kind == 0)
		return (int)p->aspas[i].customer - 1;
	if (kind == 1)
		return (int)p->router_keys[i].asn - 1;
	return p->vrps[i].addr[2];
}

/* What a validator sees; rows below a failure it may know or not. */
static void
validate(struct truth *t, struct payloads *p)
{
	uint32_t row[N_CAS];
	bool blind[2] = { dice(t, 2) == 0, dice(t, 2) == 0 };

	(void)payloads_ta(p, SV("lab"));
	(void)payloads_ta(p, SV("other"));
	for (unsigned i = 0; i < N_CAS; i++) {
		enum status st = status_of(t, i);
		int parent = t->ca[i].parent;

		row[i] = PAYLOAD_CA_NONE;
		if (st == GONE || (above_fails(t, i) &&
		    (dice(t, 2) == 0 || row[parent] == PAYLOAD_CA_NONE)))
			continue;
		if (parent < 0 && st == FAILS && blind[i])
			continue;
		row[i] = ca_add(p, i * 77 % 101, parent < 0 ? HERE : row[parent],
		    st == WORKS ? dice(t, 2) == 0 ? PCA_GOOD : PCA_RETAINED :
		    above_fails(t, i) ? PCA_LOST : PCA_FAILED);
		p->cas[p->n_cas - 1].ta = (uint8_t)t->ca[i].ta;
	}
	for (unsigned i = 0; i < N_PAYLOADS; i++)
		if (status_of(t, t->p[i].ca) == WORKS && !t->p[i].gone &&
		    t->p[i].expires > t->now)
			payload_put(p, t, i, row[t->p[i].ca]);
}

/* What must be published, and how much of it is held. */
static size_t
expect(struct truth *t, bool want[static N_PAYLOADS], bool released)
{
	size_t n_held = 0;

	for (unsigned i = 0; i < N_CAS; i++)
		if (status_of(t, i) != FAILS)
			t->ca[i].since = 0;
	for (unsigned i = 0; i < N_PAYLOADS; i++) {
		struct node *ca = &t->ca[t->p[i].ca];
		enum status st = status_of(t, t->p[i].ca);
		bool lives = t->p[i].expires > t->now;

		want[i] = st == WORKS && !t->p[i].gone && lives;
		if (st != FAILS || !t->p[i].published || !lives)
			continue;
		if (ca->since == 0)
			ca->since = t->now;
		want[i] = t->now < ca->since + HOLD && !released;
		n_held += want[i];
	}
	return n_held;
}

static void
check_published(struct truth *t, const struct payloads *p, const bool *want)
{
	size_t n[3] = { p->n_aspas, p->n_router_keys, p->n_vrps };

	for (unsigned i = 0; i < N_PAYLOADS; i++)
		t->p[i].published = false;
	for (size_t kind = 0; kind < 3; kind++)
		for (size_t i = 0; i < n[kind]; i++)
			t->p[payload_of(p, kind, i)].published = true;
	for (unsigned i = 0; i < N_PAYLOADS; i++)
		assert_int_equal(t->p[i].published, want[i]);
	for (size_t i = 0; i < p->n_vrps; i++)
		assert_true(p->vrps[i].expires == t->p[p->vrps[i].addr[2]].expires);
}

static void
round_play(struct truth *t, struct snapshot *s, uint8_t **buf)
{
	struct payloads next = { 0 }, copy = { 0 };
	bool want[N_PAYLOADS];
	struct truth replay = *t;
	struct outcome o, o2;
	size_t n_held;
	uint8_t *fresh = NULL;

	validate(t, &next);
	validate(&replay, &copy);
	n_held = expect(t, want, false);
	guard_run(&all, s, &next, t->now, NULL, &o);
	assert_int_equal(o.d.n_held, n_held);
	assert_true(n_held == 0 || o.d.until > t->now);
	/* The hash lets it go, one flipped bit does not. */
	o.d.hash[3] ^= 1;
	guard_run(&all, s, &copy, t->now, o.d.hash, &o2);
	assert_int_equal(o2.d.n_held, n_held);
	payloads_done(&copy);
	o.d.hash[3] ^= 1;
	if (n_held > 0 && dice(t, 4) == 0) {
		payloads_done(&next);
		validate(&replay, &next);
		guard_run(&all, s, &next, t->now, o.d.hash, &o2);
		assert_int_equal(o2.d.n_released, n_held);
		(void)expect(t, want, true);
	}
	check_published(t, &next, want);
	assert_int_equal(world_snapshot(&next, s->stamp.serial + 1, &fresh, s), 0);
	payloads_done(&next);
	free(*buf);
	*buf = fresh;
}

static void
random_worlds(void **state UNUSED)
{
	size_t n_held = 0;

	for (uint32_t seed = 0; seed < 400; seed++) {
		struct payloads p = { 0 };
		struct truth t;
		struct snapshot s;
		uint8_t *buf = NULL;
		bool want[N_PAYLOADS];

		truth_begin(&t, seed);
		validate(&t, &p);
		(void)expect(&t, want, false);
		check_published(&t, &p, want);
		assert_int_equal(world_snapshot(&p, 1, &buf, &s), 0);
		payloads_done(&p);
		for (unsigned i = 0; i < ROUNDS; i++) {
			truth_step(&t);
			round_play(&t, &s, &buf);
			for (unsigned k = 0; k < N_PAYLOADS; k++)
				n_held += t.p[k].published &&
				    status_of(&t, t.p[k].ca) == FAILS;
		}
		free(buf);
	}
	assert_true(n_held > 1000);	/* or nothing was tried */
}

TESTS_MAIN("inr guard", T(failed), T(withdrawn), T(below), T(anchor_gone), T(no_ca),
    T(thresholds), T(clock_and_release), T(until_expiry),
    T(random_worlds))
