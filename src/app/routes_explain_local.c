/* What is local (RFC 8416) in an explanation: see routes_explain.c. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/routes_answer.h"

static bool
local_filters(const struct answer *a, const struct slurm_entry *e, const struct hit *h)
{
	if (h->v != NULL)
		return slurm_filters_vrp(e, a->r->now, h->v);
	return e->kind == SLURM_ASPA_FILTER && e->expires > a->r->now &&
	    e->asn == h->o->aspa->customer;
}

/* Good payloads that a filter takes out; it is marked. */
static void
local_filter(struct answer *a)
{
	size_t n = 0;

	for (size_t i = 0; i < a->n_good; i++) {
		bool gone = false;

		for (size_t k = 0; k < a->r->slurm->n; k++)
			if (local_filters(a, &a->r->slurm->entries[k], &a->good[i]))
				gone = a->local[k].used = true;
		if (!gone)
			a->good[n++] = a->good[i];
		else if (a->by_prefix && a->by_asn && hit_matches(a, &a->good[i]))
			a->local_cut = true;
	}
	a->n_good = n;
}

struct sv
answer_local_source(const struct answer *a, size_t i)
{
	const struct slurm_entry *e = &a->r->slurm->entries[i];
	const char *file = a->r->slurm->files[e->file];
	struct local *l = &a->local[i];

	if (sv_starts(e->where, sv_str(file)))	/* an exception names its place wholly */
		return e->where;
	(void)snprintf(l->source, sizeof(l->source), "%.*s: %.*s", LOCAL_SOURCE_MAX / 2, file,
	    SV_ARG(sv_take(e->where, LOCAL_SOURCE_MAX / 2 - 3)));
	return sv_str(l->source);
}

static int
local_assert(struct answer *a, size_t i)
{
	const struct slurm_entry *e = &a->r->slurm->entries[i];
	struct local *l = &a->local[i];
	struct hit h = { &l->o, &a->local_pt, NULL };
	bool vrp = e->kind == SLURM_PREFIX_ASSERTION;

	if ((!vrp && e->kind != SLURM_ASPA_ASSERTION) || e->expires <= a->r->now)
		return 0;
	l->o = (struct rpki_object){ .uri = answer_local_source(a, i), .verdict = V_VALID,
	    .type = vrp ? RPKI_ROA : RPKI_ASA, .aspa = vrp ? NULL : &l->aspa };
	l->aspa = (struct aspa){ .customer = e->asn, .n_providers = e->n_providers,
	    .providers = e->providers, .expires = e->expires };
	l->v = (struct vrp){ .len = e->px.len, .af = e->px.af, .asn = e->asn, .ta = UINT8_MAX,
	    .max_len = e->has_max_len ? e->max_len : e->px.len, .expires = e->expires };
	memcpy(l->v.addr, e->px.addr, sizeof(l->v.addr));
	if (vrp && answer_wants_vrp(a, &l->v))
		h.v = &l->v;
	else if (vrp || a->by_prefix || !a->by_asn || e->asn != a->asn)
		return 0;
	l->used = true;
	return answer_good_add(a, h);
}

int
answer_local(struct answer *a)
{
	const struct slurm *s = a->r->slurm;
	int rc = 0;

	if (s == NULL || s->n == 0)
		return 0;
	if ((a->local = calloc(s->n, sizeof(*a->local))) == NULL)
		return -ENOMEM;
	local_filter(a);
	for (size_t i = 0; i < s->n && rc == 0; i++)
		rc = local_assert(a, i);
	return rc;
}
