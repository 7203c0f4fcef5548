/*
 * Points that stand over a restart have no list of objects (rpki_point.thin),
 * and an explanation shows objects. In such a point all is valid: so what it
 * gave tells whether a question concerns it, and only then it is judged from
 * its bytes again.
 */
#include <errno.h>

#include "app/routes_answer.h"

/* Can the point list this file? */
static bool
names_uri(const struct rpki_ca *ca, struct sv uri)
{
	struct sv name = sv_skip(uri, ca->repo_uri.n);

	if (sv_eq(uri, ca->mft_uri))
		return true;
	if (ca->repo_uri.n == 0 || !sv_starts(uri, ca->repo_uri))
		return false;
	if (ca->repo_uri.p[ca->repo_uri.n - 1] != '/')
		name = sv_skip(name, sv_starts(name, SV("/")));
	return sv_find(name, '/') == name.n;
}

static bool
concerns(const struct answer *a, const struct rpki_point *pt)
{
	if (!pt->thin)
		return false;
	if (!a->by_prefix && !a->by_asn)
		return names_uri(pt->ca, a->subject);
	for (size_t i = 0; i < pt->n_vrps; i++)
		if (answer_wants_vrp(a, &pt->vrps[i]))
			return true;
	for (size_t i = 0; i < pt->n_aspas; i++)
		if (answer_wants_aspa(a, &pt->aspas[i]))
			return true;
	return false;
}

bool
routes_thin(const struct routes *r, struct sv subject)
{
	struct answer a = { .r = r, .subject = sv_trim(subject) };

	if (answer_subject(&a) < 0)
		return false;
	for (size_t i = 0; i < r->n_points; i++)
		if (concerns(&a, r->points[i]))
			return true;
	return false;
}

int
routes_thicken(struct routes *r, const struct routes_backend *b, struct sv subject)
{
	struct answer a = { .r = r, .subject = sv_trim(subject) };
	int rc = answer_subject(&a);

	for (size_t i = 0; i < r->n_points && rc == 0; i++) {
		if (!concerns(&a, r->points[i]))
			continue;
		rc = b->thicken(b->arg, &r->opt, r->points[i]);
		if (rc == 0 && !r->points[i]->thin)
			rc = routes_index_late(r, i);
	}
	return rc == -EINVAL ? 0 : rc;	/* no question at all lacks nothing */
}
