/* The clock, the validators, and the book of what went wrong. */
#include <errno.h>
#include <stdlib.h>

#include "fleet.h"

const char *const fleet_names[FLEET_MAX] = { "auto", "joint", "sets", "step", "jump" };

struct list {
	int			*v;
	size_t			 n;
};

struct sim {
	const struct history	*h;
	struct fleet		 fleet;
	/* Offsets of clocks: those of lo to hi must all like a signature. */
	int64_t			 lo, hi;
	bool			 each;
	uint8_t			*holds;		/* [version][key]: the key is in the set */
	uint8_t			*signs;		/* [version][key]: with a signature that counts now */
	/* Versions of each kind that some cache may hold now. */
	struct list		 ds, dnskey, data;
	struct bads		 now, before;	/* by ds, dnskey, data, kind */
	struct bads		 all;
	int64_t			*grid;		/* jump: ticks at which something may change */
	size_t			 n_grid, grid_at;
	int64_t			 end;
	int			 rc;		/* sticky */
};

static void
bads_add(struct sim *sim, struct bads *b, struct bad bad)
{
	struct bad *p;

	if (b->n == b->cap) {
		p = reallocarray(b->v, b->cap == 0 ? 16 : b->cap * 2, sizeof(*p));
		if (p == NULL) {
			sim->rc = -ENOMEM;
			return;
		}
		b->v = p;
		b->cap = b->cap == 0 ? 16 : b->cap * 2;
	}
	b->v[b->n++] = bad;
}

void
bads_done(struct bads *b)
{
	free(b->v);
	*b = (struct bads){ 0 };
}

/* Validators of all clocks in question accept this signature at t. */
static bool
accepted(const struct sim *sim, const struct sig *s, int64_t t)
{
	for (int64_t off = sim->lo; off <= sim->hi; off++) {
		int64_t clock = t + off;

		if (clock < s->inc || clock > s->exp)
			return false;
	}
	return true;
}

static void
sign_now(struct sim *sim, int version, int64_t t)
{
	const struct version *v = &sim->h->versions[version];
	uint8_t *signs = sim->signs + (size_t)version * sim->h->n_keys;

	memset(signs, 0, sim->h->n_keys);
	for (size_t i = 0; i < v->n_sigs; i++)
		signs[v->sigs[i].key] |= accepted(sim, &v->sigs[i], t);
}

static bool
flag(const struct sim *sim, const uint8_t *table, int version, unsigned key)
{
	return table[(size_t)version * sim->h->n_keys + key] != 0;
}

/* A key of the DS set, of this algorithm, is in the DNSKEY set and signs it. */
static bool
entry_holds(const struct sim *sim, const struct version *ds, int dnskey, uint8_t alg)
{
	for (size_t i = 0; i < ds->n_keys; i++) {
		unsigned key = ds->keys[i];

		if (sim->h->keys[key].alg == alg && flag(sim, sim->holds, dnskey, key) &&
		    flag(sim, sim->signs, dnskey, key))
			return true;
	}
	return false;
}

static bool
keys_hold(const struct sim *sim, int ds, int dnskey)
{
	const struct version *d = &sim->h->versions[ds];
	size_t n = 0;

	for (size_t i = 0; i < d->n_keys; i++)
		n += entry_holds(sim, d, dnskey, sim->h->keys[d->keys[i]].alg);
	return sim->h->strict ? n == d->n_keys : n > 0;
}

/* A key of the DNSKEY set, of this algorithm (or any), signs the data. */
static bool
data_signed(const struct sim *sim, int dnskey, int data, const uint8_t *alg)
{
	const struct version *k = &sim->h->versions[dnskey];

	for (size_t i = 0; i < k->n_keys; i++) {
		unsigned key = k->keys[i];

		if ((alg == NULL || sim->h->keys[key].alg == *alg) &&
		    flag(sim, sim->signs, data, key))
			return true;
	}
	return false;
}

static bool
data_holds(const struct sim *sim, int ds, int dnskey, int data)
{
	const struct version *d = &sim->h->versions[ds];

	if (!sim->h->strict)
		return data_signed(sim, dnskey, data, NULL);
	for (size_t i = 0; i < d->n_keys; i++) {
		if (!data_signed(sim, dnskey, data, &sim->h->keys[d->keys[i]].alg))
			return false;
	}
	return true;
}

static bool
wanted_secure(const struct history *h, int64_t t)
{
	for (size_t i = 0; i < h->n_secure; i++) {
		if (h->secure[i].from <= t && t < h->secure[i].until)
			return true;
	}
	return false;
}

static void
note(struct sim *sim, enum bad_kind kind, int ds, int dnskey, int data, int64_t t)
{
	bads_add(sim, &sim->now, (struct bad){ kind, ds, dnskey, data, { t, t + 1 } });
}

/* All resolvers that hold this DS set and this DNSKEY set. */
static void
judge_pair(struct sim *sim, int ds, int dnskey, int64_t t)
{
	if (!fleet_met(&sim->fleet, ds, dnskey, -1))
		return;
	if (!keys_hold(sim, ds, dnskey)) {
		note(sim, BOGUS_KEYS, ds, dnskey, -1, t);
		return;
	}
	for (size_t i = 0; i < sim->data.n; i++) {
		int data = sim->data.v[i];

		if (fleet_met(&sim->fleet, ds, dnskey, data) && !data_holds(sim, ds, dnskey, data))
			note(sim, BOGUS_DATA, ds, dnskey, data, t);
	}
}

/* All resolvers, their validators' clocks being lo to hi off. */
static void
judge_clocks(struct sim *sim, int64_t t, int64_t lo, int64_t hi)
{
	sim->lo = lo;
	sim->hi = hi;
	for (size_t i = 0; i < sim->dnskey.n; i++)
		sign_now(sim, sim->dnskey.v[i], t);
	for (size_t i = 0; i < sim->data.n; i++)
		sign_now(sim, sim->data.v[i], t);
	for (size_t i = 0; i < sim->ds.n; i++) {
		int ds = sim->ds.v[i];

		if (!fleet_met(&sim->fleet, ds, -1, -1))
			continue;
		if (!sim->h->versions[ds].none) {
			for (size_t j = 0; j < sim->dnskey.n; j++)
				judge_pair(sim, ds, sim->dnskey.v[j], t);
		} else if (wanted_secure(sim->h, t)) {
			note(sim, INSECURE, ds, -1, -1, t);
		}
	}
}

static int
state_cmp(const void *va, const void *vb)
{
	const struct bad *a = va, *b = vb;

	if (a->ds != b->ds)
		return a->ds < b->ds ? -1 : 1;
	if (a->dnskey != b->dnskey)
		return a->dnskey < b->dnskey ? -1 : 1;
	if (a->data != b->data)
		return a->data < b->data ? -1 : 1;
	return (int)a->kind - (int)b->kind;
}

/* What was bad before and still is, is one story; what ended at t is told. */
static void
bads_merge(struct sim *sim, int64_t t)
{
	struct bads *now = &sim->now, *before = &sim->before, swap;
	size_t n = 0, j = 0;

	if (now->n > 1)
		qsort(now->v, now->n, sizeof(*now->v), state_cmp);
	for (size_t i = 0; i < now->n; i++) {	/* several clocks may see the same */
		if (n == 0 || state_cmp(&now->v[n - 1], &now->v[i]) != 0)
			now->v[n++] = now->v[i];
	}
	now->n = n;
	for (size_t i = 0; i < before->n; i++) {
		while (j < now->n && state_cmp(&now->v[j], &before->v[i]) < 0)
			j++;
		if (j < now->n && state_cmp(&now->v[j], &before->v[i]) == 0) {
			now->v[j].span.from = before->v[i].span.from;
			continue;
		}
		before->v[i].span.until = t;
		bads_add(sim, &sim->all, before->v[i]);
	}
	swap = *before;
	*before = *now;
	*now = swap;
	now->n = 0;
}

/* What nobody holds need not be looked at. */
static void
look(struct sim *sim)
{
	sim->ds.n = sim->dnskey.n = sim->data.n = 0;
	for (size_t i = 0; i < sim->h->n_versions; i++) {
		unsigned slot = sim->h->versions[i].slot;
		struct list *l = slot == SLOT_DS ? &sim->ds :
		    slot == SLOT_DNSKEY ? &sim->dnskey : &sim->data;

		if (fleet_may_hold(&sim->fleet, (int)i))
			l->v[l->n++] = (int)i;
	}
}

static void
judge(struct sim *sim, int64_t t)
{
	look(sim);
	if (sim->each) {
		for (int64_t off = -sim->h->skew_sec; off <= sim->h->skew_sec; off++)
			judge_clocks(sim, t, off, off);
	} else {
		judge_clocks(sim, t, -sim->h->skew_sec, sim->h->skew_sec);
	}
	bads_merge(sim, t);
}

/* The jump's grid: a superset of the ticks at which anybody says anything new. */
static void
grid_add(struct sim *sim, int64_t tick)
{
	int64_t *p;

	if ((sim->n_grid & (sim->n_grid - 1)) == 0) {
		p = reallocarray(sim->grid, sim->n_grid == 0 ? 1 : sim->n_grid * 2, sizeof(*p));
		if (p == NULL) {
			sim->rc = -ENOMEM;
			return;
		}
		sim->grid = p;
	}
	sim->grid[sim->n_grid++] = tick;
}

static void
grid_sig(struct sim *sim, const struct sig *s)
{
	for (int64_t off = -sim->h->skew_sec; off <= sim->h->skew_sec; off++) {
		if (s->inc != NEVER)
			grid_add(sim, 2 * (s->inc + off));
		if (s->exp != NEVER)
			grid_add(sim, 2 * (s->exp + off + 1));
		if (!sim->each && off < sim->h->skew_sec)
			off = sim->h->skew_sec - 1;	/* only the first and the last count */
	}
}

static void
grid_span(struct sim *sim, const struct span *s)
{
	if (s->from != NEVER)
		grid_add(sim, 2 * s->from);
	if (s->until != NEVER) {
		grid_add(sim, 2 * s->until - 1);	/* the last moment to fetch */
		grid_add(sim, 2 * s->until);
	}
}

static int
tick_cmp(const void *va, const void *vb)
{
	const int64_t *a = va, *b = vb;

	return *a < *b ? -1 : *a > *b;
}

static void
grid_make(struct sim *sim)
{
	for (size_t i = 0; i < sim->h->n_versions; i++) {
		const struct version *v = &sim->h->versions[i];

		for (size_t j = 0; j < v->n_serves; j++)
			grid_span(sim, &v->serves[j].span);
		for (size_t j = 0; j < v->n_sigs && v->n_serves > 0; j++)
			grid_sig(sim, &v->sigs[j]);
	}
	for (size_t i = 0; i < sim->h->n_secure; i++)
		grid_span(sim, &sim->h->secure[i]);
	if (sim->rc == 0 && sim->n_grid > 0)
		qsort(sim->grid, sim->n_grid, sizeof(*sim->grid), tick_cmp);
}

/* After an odd tick comes its second: only then a cache is judged. */
static int64_t
tick_next(struct sim *sim, int64_t now)
{
	int64_t next, copies;

	if (sim->fleet.kind != FLEET_JUMP || now % 2 != 0)
		return now + 1;
	while (sim->grid_at < sim->n_grid && sim->grid[sim->grid_at] <= now)
		sim->grid_at++;
	next = sim->grid_at < sim->n_grid ? sim->grid[sim->grid_at] : sim->end;
	copies = fleet_next(&sim->fleet, now);
	if (copies < next - now)
		next = now + copies;
	return min_i64(next, sim->end);
}

static void
last_time(int64_t *last, int64_t t)
{
	if (t != NEVER)
		*last = max_i64(*last, t);
}

/* The first second, and one after which nothing can change any more. */
static void
bounds(const struct history *h, int64_t *ret_first, int64_t *ret_last)
{
	int64_t first = NEVER, last = 0, ttl = 0;

	for (size_t i = 0; i < h->n_versions; i++) {
		const struct version *v = &h->versions[i];

		for (size_t j = 0; j < v->n_serves; j++) {
			first = min_i64(first, v->serves[j].span.from);
			last_time(&last, v->serves[j].span.from);
			last_time(&last, v->serves[j].span.until);
			ttl = max_i64(ttl, v->serves[j].ttl_sec);
		}
		for (size_t j = 0; j < v->n_sigs; j++) {
			last_time(&last, v->sigs[j].inc);
			last_time(&last, v->sigs[j].exp);
		}
	}
	for (size_t i = 0; i < h->n_secure; i++) {
		last_time(&last, h->secure[i].from);
		last_time(&last, h->secure[i].until);
	}
	*ret_first = first;
	*ret_last = last + ttl + h->skew_sec + 2;
}

/* Long lives get the fleet that holds them. */
static enum fleet_kind
fleet_choose(const struct history *h, int64_t first, int64_t last)
{
	int64_t ticks = 0;

	for (size_t i = 0; i < h->n_versions; i++)
		ticks = max_i64(ticks, version_ticks(&h->versions[i]));
	return last - first <= 1000 && ticks < 128 ? FLEET_SETS : FLEET_JUMP;
}

static int
sim_tables(struct sim *sim)
{
	const struct history *h = sim->h;
	size_t n = h->n_versions + 1;

	sim->holds = calloc(n, h->n_keys + 1);
	sim->signs = calloc(n, h->n_keys + 1);
	sim->ds.v = calloc(n, sizeof(int));
	sim->dnskey.v = calloc(n, sizeof(int));
	sim->data.v = calloc(n, sizeof(int));
	if (sim->holds == NULL || sim->signs == NULL || sim->ds.v == NULL ||
	    sim->dnskey.v == NULL || sim->data.v == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < h->n_versions; i++) {
		const struct version *v = &h->versions[i];

		for (size_t j = 0; j < v->n_keys; j++)
			sim->holds[i * h->n_keys + v->keys[j]] = 1;
	}
	return 0;
}

static void
sim_done(struct sim *sim)
{
	fleet_done(&sim->fleet);
	free(sim->holds);
	free(sim->signs);
	free(sim->ds.v);
	free(sim->dnskey.v);
	free(sim->data.v);
	free(sim->grid);
	bads_done(&sim->now);
	bads_done(&sim->before);
	bads_done(&sim->all);
}

static void
sim_play(struct sim *sim, int64_t first)
{
	int64_t now = 2 * first, ticks = 0, next;

	for (;;) {
		fleet_tick(&sim->fleet, ticks, now);
		if (now % 2 == 0)
			judge(sim, now / 2);
		if (now >= sim->end || sim->rc < 0)
			break;
		next = tick_next(sim, now);
		ticks = next - now;
		now = next;
	}
	for (size_t i = 0; i < sim->before.n; i++) {	/* these last */
		sim->before.v[i].span.until = NEVER;
		bads_add(sim, &sim->all, sim->before.v[i]);
	}
}

int
sim_run(const struct history *h, enum fleet_kind kind, bool each, struct bads *ret)
{
	_cleanup_(sim_done) struct sim sim = { .h = h, .each = each };
	int64_t first, last;
	int rc;

	bounds(h, &first, &last);
	if (first == NEVER) {	/* nothing is ever served */
		*ret = (struct bads){ 0 };
		return 0;
	}
	sim.end = 2 * last;
	if (kind == FLEET_AUTO)
		kind = fleet_choose(h, first, last);
	rc = fleet_init(&sim.fleet, h, kind);
	if (rc == 0)
		rc = sim_tables(&sim);
	if (rc < 0)
		return rc;
	if (kind == FLEET_JUMP)
		grid_make(&sim);
	if (sim.rc == 0)
		sim_play(&sim, first);
	if (sim.rc < 0)
		return sim.rc;
	*ret = sim.all;
	sim.all = (struct bads){ 0 };
	return 0;
}
