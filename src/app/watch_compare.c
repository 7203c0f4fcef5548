#include "app/watch_compare.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct walk {
	const struct payloads *const *p;
	unsigned	 n;
	size_t		 at[WATCH_SOURCES_MAX];
	size_t		 keep;
	struct watch_diff *d;
};

const char *
watch_kind_name(enum watch_kind k)
{
	static const char *const names[WATCH_KIND_MAX] = { "vrp", "aspa", "router-key" };

	return k < WATCH_KIND_MAX ? names[k] : "unknown";
}

void
watch_diff_done(struct watch_diff *d)
{
	free(d->entries);
	*d = (struct watch_diff){ 0 };
}

/* --- the three kinds --- */

static size_t
kind_n(const struct payloads *p, enum watch_kind k)
{
	return k == WATCH_VRP ? p->n_vrps : k == WATCH_ASPA ? p->n_aspas : p->n_router_keys;
}

static int
aspa_cmp(const struct aspa *a, const struct aspa *b)
{
	if (a->customer != b->customer)
		return a->customer < b->customer ? -1 : 1;
	for (uint32_t i = 0; i < a->n_providers && i < b->n_providers; i++)
		if (a->providers[i] != b->providers[i])
			return a->providers[i] < b->providers[i] ? -1 : 1;
	return a->n_providers < b->n_providers ? -1 : a->n_providers > b->n_providers;
}

static int
kind_cmp(enum watch_kind k, const struct payloads *p, size_t i, const struct payloads *q, size_t j)
{
	if (k == WATCH_VRP)
		return vrp_cmp(&p->vrps[i], &q->vrps[j]);
	if (k == WATCH_ASPA)
		return aspa_cmp(&p->aspas[i], &q->aspas[j]);
	return router_key_cmp(&p->router_keys[i], &q->router_keys[j]);
}

/* --- where only the maximum length differs --- */

/* VRPs of one address stand together: has any this length and AS number? */
static bool
prefix_held(const struct payloads *p, const struct vrp *v)
{
	struct vrp low = *v;
	size_t lo = 0, hi = p->n_vrps;

	low.max_len = low.len = 0;
	low.asn = 0;
	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (vrp_cmp(&p->vrps[mid], &low) < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	for (; lo < p->n_vrps && p->vrps[lo].af == v->af &&
	    memcmp(p->vrps[lo].addr, v->addr, sizeof(v->addr)) == 0; lo++)
		if (p->vrps[lo].len == v->len && p->vrps[lo].asn == v->asn)
			return true;
	return false;
}

static bool
is_maxlen_only(const struct walk *w, const struct vrp *v)
{
	for (unsigned i = 0; i < w->n; i++)
		if (!prefix_held(w->p[i], v))
			return false;
	return true;
}

/* Has a source that lacks this ASPA another one of the customer? */
static bool
is_other_aspa(const struct walk *w, const struct watch_entry *e)
{
	for (unsigned i = 0; i < w->n; i++) {
		const struct payloads *p = w->p[i];

		if ((e->in >> i & 1) != 0)
			continue;
		for (size_t k = w->at[i] > 0 ? w->at[i] - 1 : 0;
		    k < p->n_aspas && p->aspas[k].customer <= e->asn; k++)
			if (p->aspas[k].customer == e->asn)
				return true;
	}
	return false;
}

/* --- merging --- */

static int
entry_keep(struct walk *w, const struct watch_entry *e)
{
	struct watch_diff *d = w->d;

	if (d->n_entries == w->keep)
		return 0;
	if (d->n_entries == d->cap) {
		size_t cap = d->cap == 0 ? 64 : d->cap * 2;
		struct watch_entry *q = reallocarray(d->entries, cap, sizeof(*q));

		if (q == NULL)
			return -ENOMEM;
		d->entries = q;
		d->cap = cap;
	}
	d->entries[d->n_entries++] = *e;
	return 0;
}

static void
entry_fill(const struct walk *w, struct watch_entry *e, size_t at)
{
	const struct payloads *p = w->p[e->source];

	if (e->kind == WATCH_VRP) {
		e->vrp = p->vrps[at];
		e->asn = e->vrp.asn;
		e->ta = e->vrp.ta;
		e->maxlen_only = is_maxlen_only(w, &e->vrp);
	} else if (e->kind == WATCH_ASPA) {
		e->aspa = &p->aspas[at];
		e->asn = e->aspa->customer;
		e->ta = e->aspa->ta;
		e->providers_differ = is_other_aspa(w, e);
	} else {
		e->asn = p->router_keys[at].asn;
		e->ta = p->router_keys[at].ta;
	}
}

static void
entry_count(struct walk *w, const struct watch_entry *e)
{
	bool single = (e->in & (e->in - 1)) == 0;

	w->d->n_differ[e->kind]++;
	w->d->n_maxlen += e->maxlen_only;
	for (unsigned i = 0; i < w->n; i++) {
		struct watch_side *s = &w->d->side[i];

		if ((e->in >> i & 1) == 0)
			s->n_missing++;
		else if (single) {
			s->n_only++;
			s->n_only_by_ta[e->ta < TA_MAX ? e->ta : 0]++;
		}
	}
}

/* The least entry of all and who has it; false: all are at their end. */
static bool
least_next(struct walk *w, enum watch_kind k, struct watch_entry *e, size_t *ret_at)
{
	unsigned best = w->n;

	*e = (struct watch_entry){ .kind = k };
	for (unsigned i = 0; i < w->n; i++) {
		int c;

		if (w->at[i] == kind_n(w->p[i], k))
			continue;
		c = best == w->n ? -1 : kind_cmp(k, w->p[i], w->at[i], w->p[best], w->at[best]);
		if (c > 0)
			continue;
		e->in = (uint8_t)((c < 0 ? 0 : e->in) | 1u << i);
		if (c < 0)
			best = i;
	}
	if (best == w->n)
		return false;
	e->source = (uint8_t)best;
	*ret_at = w->at[best];
	return true;
}

static int
kind_compare(struct walk *w, enum watch_kind k)
{
	const unsigned all = (1u << w->n) - 1;
	struct watch_entry e;
	size_t at;
	int rc;

	memset(w->at, 0, sizeof(w->at));
	while (least_next(w, k, &e, &at)) {
		for (unsigned i = 0; i < w->n; i++)
			w->at[i] += e.in >> i & 1;
		if (e.in == all) {
			w->d->n_common++;
			continue;
		}
		entry_fill(w, &e, at);
		entry_count(w, &e);
		if ((rc = entry_keep(w, &e)) < 0)
			return rc;
	}
	return 0;
}

int
watch_compare(const struct payloads *const *p, unsigned n, unsigned kinds, size_t keep,
    struct watch_diff *ret)
{
	struct walk w = { .p = p, .n = n, .keep = keep, .d = ret };
	int rc = 0;

	*ret = (struct watch_diff){ .n_sources = n };
	for (unsigned i = 0; i < n; i++)
		for (unsigned k = 0; k < WATCH_KIND_MAX; k++)
			ret->side[i].n[k] = kind_n(p[i], k);
	for (unsigned k = 0; k < WATCH_KIND_MAX && rc == 0; k++)
		if ((kinds >> k & 1) != 0)
			rc = kind_compare(&w, k);
	if (rc < 0)
		watch_diff_done(ret);
	return rc;
}
