/* Local filters and assertions on the payloads of a run. */
#include "app/routes.h"
#include "base/timefmt.h"

/* As when the run had ended: by trust anchor, and what expires first. */
static void
recount(struct routes *r)
{
	const struct payloads *p = &r->payloads;

	r->earliest = TIME_NEVER;
	for (size_t i = 0; i < r->n_tas; i++)
		r->tas[i].n_v4 = r->tas[i].n_v6 = r->tas[i].n_aspas = 0;
	for (size_t i = 0; i < p->n_vrps; i++) {
		r->earliest = min_i64(r->earliest, p->vrps[i].expires);
		if (p->vrps[i].ta >= r->n_tas)
			continue;
		if (p->vrps[i].af == IP_V4)
			r->tas[p->vrps[i].ta].n_v4++;
		else
			r->tas[p->vrps[i].ta].n_v6++;
	}
	for (size_t i = 0; i < p->n_router_keys; i++)
		r->earliest = min_i64(r->earliest, p->router_keys[i].expires);
	for (size_t i = 0; i < p->n_aspas; i++) {
		r->earliest = min_i64(r->earliest, p->aspas[i].expires);
		if (p->aspas[i].ta < r->n_tas)
			r->tas[p->aspas[i].ta].n_aspas++;
	}
}

int
routes_slurm(struct routes *r, struct slurm *s, const struct findings *fs)
{
	uint64_t before[SEV_MAX];
	int rc = slurm_apply(s, r->now, &r->payloads);

	if (rc < 0)
		return rc;
	r->slurm = s;
	recount(r);
	for (int i = 0; i < SEV_MAX; i++)
		before[i] = r->findings.n_by_severity[i];
	findings_append(&r->findings, fs);
	slurm_effects(s, &r->findings);
	for (int i = 0; i < SEV_MAX; i++)
		r->n_by_severity[i] += r->findings.n_by_severity[i] - before[i];
	return 0;
}
