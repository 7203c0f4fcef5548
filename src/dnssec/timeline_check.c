/*
 * The verdict over all states. For each DNSKEY version: with which DS versions
 * is it good, and when; and what of the data does not fit then. DS versions of
 * the same algorithms ask the same of data, so that data are judged once for
 * all of them.
 */
#include <errno.h>
#include <stdlib.h>

#include "base/err.h"
#include "dnssec/timeline_internal.h"

#define SCRATCH_SIZE_MAX	((size_t)64 << 20)	/* sets of one DNSKEY version */

static const char *const ill_names[TIMELINE_ILL_MAX] = {
	[TIMELINE_BOGUS_KEYS] = "BOGUS_KEYS",
	[TIMELINE_BOGUS_DATA] = "BOGUS_DATA",
	[TIMELINE_INSECURE] = "INSECURE",
};

const char *
timeline_ill_name(enum timeline_ill ill)
{
	return ill < TIMELINE_ILL_MAX ? ill_names[ill] : "?";
}

/* A version with what is asked of it again and again. */
struct item {
	const struct timeline_version	*v;
	int				 index;
	struct set			 alive;	/* within the window */
	struct algs			 algs;	/* DS */
	struct set			 good;	/* DS: with the DNSKEY version at hand */
};

struct check {
	const struct timeline	*h;
	struct item		*ds, *dnskeys, *data;
	size_t			 n_ds, n_dnskeys, n_data;
	struct set_maker	 keep, scratch;
	struct timeline_bad	*bads;
	size_t			 n_bads, cap;
	uint64_t		 n_states;
	unsigned		*same_as;
};

/* --- what was found --- */

static int
by_version(const struct timeline_bad *a, const struct timeline_bad *b)
{
	if (a->ds != b->ds)
		return a->ds < b->ds ? -1 : 1;
	if (a->dnskey != b->dnskey)
		return a->dnskey < b->dnskey ? -1 : 1;
	return (a->data > b->data) - (a->data < b->data);
}

static int
by_time(const void *x, const void *y)
{
	const struct timeline_bad *a = x, *b = y;

	if (a->at.from != b->at.from)
		return a->at.from < b->at.from ? -1 : 1;
	if (a->ill != b->ill)
		return a->ill < b->ill ? -1 : 1;
	return by_version(a, b);
}

/* The longest first of those that begin together. */
static int
by_ill(const void *x, const void *y)
{
	const struct timeline_bad *a = x, *b = y;

	if (a->ill != b->ill)
		return a->ill < b->ill ? -1 : 1;
	if (a->at.from != b->at.from)
		return a->at.from < b->at.from ? -1 : 1;
	if (a->at.until != b->at.until)
		return a->at.until > b->at.until ? -1 : 1;
	return by_version(a, b);
}

/* Drop the states that add nothing to the union of their kind. */
static size_t
bads_thin(struct timeline_bad *v, size_t n)
{
	size_t kept = 0;

	if (n == 0)
		return 0;
	qsort(v, n, sizeof(*v), by_ill);
	for (size_t i = 0; i < n; i++)
		if (kept == 0 || v[i].ill != v[kept - 1].ill || v[i].at.until > v[kept - 1].at.until)
			v[kept++] = v[i];
	return kept;
}

static int
bads_room(struct check *c)
{
	struct timeline_bad *more;
	size_t cap = max_size(2 * c->cap, 64);

	if (c->n_bads < c->cap)
		return 0;
	if (c->n_bads >= TIMELINE_BADS_MAX) {
		c->n_bads = bads_thin(c->bads, c->n_bads);
		return c->n_bads > TIMELINE_BADS_MAX / 2 ? SE_LIMIT : 0;
	}
	if ((more = reallocarray(c->bads, cap, sizeof(*more))) == NULL)
		return -ENOMEM;
	c->bads = more;
	c->cap = cap;
	return 0;
}

static int
bads_add(struct check *c, enum timeline_ill ill, struct set when, int ds, int dnskey, int data)
{
	int rc;

	for (size_t i = 0; i < when.n; i++) {
		if ((rc = bads_room(c)) < 0)
			return rc;
		c->bads[c->n_bads++] = (struct timeline_bad){ ill, when.v[i], ds, dnskey, data };
		c->n_states++;
	}
	return 0;
}

/* --- what is there --- */

/* Data of equal signatures at equal times side by side, the first one first. */
static int
by_content(const void *x, const void *y)
{
	const struct item *a = x, *b = y;
	int rc;

	if (a->v->n_sigs != b->v->n_sigs)
		return a->v->n_sigs < b->v->n_sigs ? -1 : 1;
	for (size_t i = 0; i < a->v->n_sigs; i++) {
		const struct timeline_sig *s = &a->v->sigs[i], *t = &b->v->sigs[i];

		if (s->key != t->key)
			return s->key < t->key ? -1 : 1;
		if (s->inc != t->inc)
			return s->inc < t->inc ? -1 : 1;
		if (s->exp != t->exp)
			return s->exp < t->exp ? -1 : 1;
	}
	if ((rc = set_cmp(a->alive, b->alive)) != 0)
		return rc;
	return (a->index > b->index) - (a->index < b->index);
}

static bool
same_content(const struct item *a, const struct item *b)
{
	struct item twin = *b;

	twin.index = a->index;
	return by_content(a, &twin) == 0;
}

static void
data_condense(struct check *c)
{
	size_t n = 0;

	if (c->n_data == 0)
		return;
	qsort(c->data, c->n_data, sizeof(*c->data), by_content);
	for (size_t i = 0; i < c->n_data; i++) {
		if (n == 0 || !same_content(&c->data[n - 1], &c->data[i]))
			c->data[n++] = c->data[i];
		c->same_as[c->data[i].index] = (unsigned)c->data[n - 1].index;
	}
	c->n_data = n;
}

/* The versions of one kind that are alive within the window. */
static int
items_of(struct check *c, enum timeline_kind kind, struct set window, struct item **ret, size_t *ret_n)
{
	struct item *all = pool_calloc(c->keep.pool, c->h->n_versions + 1, sizeof(*all));
	size_t n = 0;

	if (all == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < c->h->n_versions; i++) {
		const struct timeline_version *v = &c->h->versions[i];
		struct item *it = &all[n];

		if (v->kind != kind)
			continue;
		it->v = v;
		it->index = (int)i;
		it->alive = set_and(&c->keep, rule_alive(&c->keep, v), window);
		if (kind == TIMELINE_DS)
			algs_of(c->h, v, &it->algs);
		if (it->alive.n > 0)
			n++;
	}
	*ret = all;
	*ret_n = n;
	return c->keep.rc;
}

/* Cheap: is there no hope that they meet? */
static bool
apart(struct set a, struct set b)
{
	return a.n == 0 || b.n == 0 || a.v[0].from >= b.v[b.n - 1].until || b.v[0].from >= a.v[a.n - 1].until;
}

/* --- the states --- */

static int
check_insecure(struct check *c)
{
	struct set secure = rule_secure(c->h, &c->keep);
	int rc;

	for (size_t i = 0; i < c->n_ds && secure.n > 0; i++) {
		struct item *d = &c->ds[i];

		if (d->v->n_keys == 0 && (rc = bads_add(c, TIMELINE_INSECURE,
		    set_and(&c->keep, d->alive, secure), d->index, -1, -1)) < 0)
			return rc;
	}
	return c->keep.rc;
}

/* Fills in d->good for each DS version. */
static int
check_keys(struct check *c, const struct item *k, const struct key_bits *in_dnskey)
{
	struct set_maker *m = &c->scratch;
	struct key_bits in_ds;
	int rc;

	for (size_t i = 0; i < c->n_ds; i++) {
		struct item *d = &c->ds[i];
		struct set met, good;

		d->good = (struct set){ 0 };
		if (d->v->n_keys == 0 || apart(d->alive, k->alive))
			continue;
		met = set_and(m, d->alive, k->alive);
		if (met.n == 0)
			continue;
		key_bits_of(d->v, &in_ds);
		good = rule_keys_good(c->h, m, &d->algs, &in_ds, k->v, in_dnskey);
		d->good = set_and(m, met, good);
		if ((rc = bads_add(c, TIMELINE_BOGUS_KEYS, set_minus(m, met, good), d->index, k->index, -1)) < 0)
			return rc;
	}
	return m->rc;
}

/* Do both DS versions ask the same of data? */
static bool
same_demand(const struct check *c, const struct item *a, const struct item *b)
{
	if (!c->h->strict)
		return true;
	return a->algs.n == b->algs.n && memcmp(a->algs.v, b->algs.v, a->algs.n) == 0;
}

/* When some DS version like the first-th makes k good; empty if an earlier one was like it. */
static struct set
demand_times(struct check *c, size_t first)
{
	struct set times = { 0 };

	for (size_t i = 0; i < first; i++)
		if (c->ds[i].good.n > 0 && same_demand(c, &c->ds[i], &c->ds[first]))
			return times;
	for (size_t i = first; i < c->n_ds; i++)
		if (c->ds[i].good.n > 0 && same_demand(c, &c->ds[i], &c->ds[first]))
			times = set_or(&c->scratch, times, c->ds[i].good);
	return times;
}

static int
check_one_data(struct check *c, size_t first, struct set times, const struct item *k,
    const struct key_bits *in_dnskey, const struct item *s)
{
	struct set_maker *m = &c->scratch;
	struct set ill;
	int rc;

	ill = set_and(m, times, s->alive);
	if (ill.n > 0)
		ill = set_minus(m, ill, rule_data_good(c->h, m, &c->ds[first].algs, in_dnskey, s->v));
	for (size_t i = first; i < c->n_ds && ill.n > 0; i++) {
		const struct item *d = &c->ds[i];

		if (d->good.n > 0 && same_demand(c, d, &c->ds[first]) &&
		    (rc = bads_add(c, TIMELINE_BOGUS_DATA, set_and(m, ill, d->good), d->index, k->index,
		    s->index)) < 0)
			return rc;
	}
	return m->rc;
}

static int
check_data(struct check *c, const struct item *k, const struct key_bits *in_dnskey)
{
	int rc;

	for (size_t i = 0; i < c->n_ds; i++) {
		struct set times = { 0 };

		if (c->ds[i].good.n > 0)
			times = demand_times(c, i);
		for (size_t s = 0; s < c->n_data && times.n > 0; s++) {
			set_spend(&c->scratch, s % 64 == 0);	/* looking costs, too */
			if (!apart(times, c->data[s].alive) &&
			    (rc = check_one_data(c, i, times, k, in_dnskey, &c->data[s])) < 0)
				return rc;
		}
		if (c->scratch.rc < 0)
			return c->scratch.rc;
	}
	return 0;
}

static int
check_states(struct check *c)
{
	struct key_bits in_dnskey;
	int rc;

	if ((rc = check_insecure(c)) < 0)
		return rc;
	for (size_t i = 0; i < c->n_dnskeys; i++) {
		const struct item *k = &c->dnskeys[i];

		pool_reset(c->scratch.pool);
		key_bits_of(k->v, &in_dnskey);
		if ((rc = check_keys(c, k, &in_dnskey)) < 0 || (rc = check_data(c, k, &in_dnskey)) < 0)
			return rc;
	}
	return 0;
}

static int
check_run(struct check *c, struct timeline_span window)
{
	struct set within;
	int rc;

	within = set_of(&c->keep, &window, 1);
	if ((rc = items_of(c, TIMELINE_DS, within, &c->ds, &c->n_ds)) < 0 ||
	    (rc = items_of(c, TIMELINE_DNSKEY, within, &c->dnskeys, &c->n_dnskeys)) < 0 ||
	    (rc = items_of(c, TIMELINE_DATA, within, &c->data, &c->n_data)) < 0)
		return rc;
	data_condense(c);
	return check_states(c);
}

/* --- the verdict --- */

/* Of the sorted list: one interval for those of a kind that overlap or touch. */
static int
verdict_merge(struct timeline_verdict *v)
{
	size_t n = 0;

	if (v->n_bads == 0)
		return 0;
	if ((v->merged = calloc(v->n_bads, sizeof(*v->merged))) == NULL)
		return -ENOMEM;
	memcpy(v->merged, v->bads, v->n_bads * sizeof(*v->merged));
	qsort(v->merged, v->n_bads, sizeof(*v->merged), by_ill);
	for (size_t i = 0; i < v->n_bads; i++) {
		struct timeline_bad *last = n > 0 ? &v->merged[n - 1] : NULL, *next = &v->merged[i];

		if (last != NULL && last->ill == next->ill && next->at.from <= last->at.until)
			last->at.until = max_i64(last->at.until, next->at.until);
		else
			v->merged[n++] = *next;
	}
	v->n_merged = n;
	qsort(v->merged, n, sizeof(*v->merged), by_time);
	return 0;
}

void
timeline_verdict_done(struct timeline_verdict *v)
{
	free(v->bads);
	free(v->merged);
	free(v->same_as);
	memset(v, 0, sizeof(*v));
}

int
timeline_check_spending(const struct timeline *h, struct timeline_span window, uint64_t *work_left,
    struct timeline_verdict *ret)
{
	_cleanup_(pool_freep) struct pool *keep = pool_new(TIMELINE_SIZE_MAX);
	_cleanup_(pool_freep) struct pool *scratch = pool_new(SCRATCH_SIZE_MAX);
	struct check c = { .h = h };
	struct timeline_verdict v = { 0 };
	int rc;

	if (keep == NULL || scratch == NULL)
		return -ENOMEM;
	if ((c.same_as = calloc(h->n_versions + 1, sizeof(*c.same_as))) == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < h->n_versions; i++)
		c.same_as[i] = (unsigned)i;
	c.keep = (struct set_maker){ .pool = keep, .work_max = *work_left };
	c.scratch = (struct set_maker){ .pool = scratch, .work_max = *work_left };
	rc = check_run(&c, window);
	*work_left -= min_size(*work_left, c.keep.work + c.scratch.work);
	v = (struct timeline_verdict){
		.bads = c.bads, .n_bads = c.n_bads, .n_states = c.n_states, .same_as = c.same_as,
	};
	if (rc == 0 && v.n_bads > 0)
		qsort(v.bads, v.n_bads, sizeof(*v.bads), by_time);
	if (rc == 0)
		rc = verdict_merge(&v);
	if (rc < 0) {
		timeline_verdict_done(&v);
		return rc;
	}
	*ret = v;
	return 0;
}

int
timeline_check(const struct timeline *h, struct timeline_span window, struct timeline_verdict *ret)
{
	uint64_t work = TIMELINE_WORK_MAX;

	return timeline_check_spending(h, window, &work, ret);
}
