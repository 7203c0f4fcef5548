#include <errno.h>

#include "app/routes.h"

/*
 * Look-ups for explanations and reports, made when the first one asks: a run
 * every few seconds has none. A URI found twice keeps its first place; what a
 * broken certificate leads to comes last, since it may name others' objects.
 */
static int
index_objects(struct routes *r, struct map *m, struct rpki_point *pt)
{
	int rc = 0;

	for (size_t k = 0; k < pt->n_objects && rc == 0; k++) {
		struct routes_object *x = pool_alloc(r->pool, sizeof(*x));

		if (x == NULL)
			return -ENOMEM;
		*x = (struct routes_object){ &pt->objects[k], pt };
		rc = map_add(m, pt->objects[k].uri, x);
		if (rc == -EEXIST)
			rc = 0;
	}
	return rc;
}

static int
index_points(struct routes *r, struct map *m, bool lost, bool reported)
{
	int rc = 0;

	for (size_t i = 0; i < r->n_points && rc == 0; i++) {
		struct rpki_point *pt = r->points[i];

		if (pt->ca->lost == lost && (reported ? pt->findings.head != NULL : !pt->thin))
			rc = index_objects(r, m, pt);
	}
	return rc;
}

static int
index_cas(struct routes *r)
{
	int rc = 0;

	for (size_t i = 0; i < r->n_points && rc == 0; i++) {
		struct rpki_point *pt = r->points[i];

		rc = map_add(&r->by_ca, (struct sv){ (const char *)&pt->ca, sizeof(pt->ca) }, pt);
		if (rc == -EEXIST)
			rc = 0;
	}
	return rc;
}

int
routes_index(struct routes *r)
{
	int rc;

	if (r->indexed)
		return 0;
	if ((rc = index_cas(r)) < 0 ||
	    (rc = index_points(r, &r->objects, false, false)) < 0 ||
	    (rc = index_points(r, &r->objects, true, false)) < 0)
		return rc;
	r->indexed = true;
	return 0;
}

/* In the walk, what a broken certificate leads to last. */
static bool
stands_before(const struct routes *r, size_t i, const struct rpki_point *other)
{
	size_t k = 0;

	if (r->points[i]->ca->lost != other->ca->lost)
		return other->ca->lost;
	while (k < r->n_points && r->points[k] != other)
		k++;
	return i < k;
}

int
routes_index_late(struct routes *r, size_t i)
{
	struct rpki_point *pt = r->points[i];
	int rc = 0;

	if (!r->indexed)
		return 0;
	for (size_t k = 0; k < pt->n_objects && rc == 0; k++) {
		struct routes_object *x = map_find(&r->objects, pt->objects[k].uri);

		if (x != NULL && x->pt != pt && stands_before(r, i, x->pt))
			*x = (struct routes_object){ &pt->objects[k], pt };
	}
	return index_objects(r, &r->objects, pt);
}

int
routes_index_reported(struct routes *r)
{
	int rc = index_points(r, &r->reported, false, true);

	return rc == 0 ? index_points(r, &r->reported, true, true) : rc;
}

const struct routes_object *
routes_object(const struct routes *r, struct sv uri)
{
	return map_find(&r->objects, uri);
}

const struct rpki_point *
routes_point(const struct routes *r, const struct rpki_ca *ca)
{
	return map_find(&r->by_ca, (struct sv){ (const char *)&ca, sizeof(ca) });
}
