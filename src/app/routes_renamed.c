/* CAs whose manifest has a new file name (RFC 9981 sections 2 and 3). */
#include <errno.h>
#include <string.h>

#include "app/routes.h"

/* The points of the run before that were good and are still there, by their CAs' keys. */
static int
keys_index(struct routes *prev)
{
	int rc = 0;

	for (size_t i = 0; i < prev->n_points && !prev->keyed && rc == 0; i++) {
		struct rpki_point *pt = prev->points[i];

		if (pt == NULL || pt->failed || pt->ca->lost)
			continue;
		if ((rc = map_add(&prev->by_key, pt->ca->ski, &prev->up[i])) == -EEXIST)
			rc = 0;
	}
	prev->keyed = rc == 0;
	return rc;
}

static struct sv
file_name(struct sv uri)
{
	return sv_skip(uri, sv_rfind(uri, '/') + 1);
}

/* Anybody may certify a key; only who did it before speaks of this CA. */
static bool
same_parent(const struct rpki_ca *a, const struct rpki_ca *b)
{
	if (a->parent == NULL || b->parent == NULL)
		return a->parent == b->parent && a->ta == b->ta;
	return sv_eq(a->parent->ski, b->parent->ski);
}

int
routes_renamed(struct routes *prev, const struct rpki_ca *ca, uint32_t *ret_i, struct rpki_seen *ret)
{
	const struct rpki_point *pt;
	const uint32_t *up;
	int rc;

	*ret = (struct rpki_seen){ .name = { NULL, 0 } };
	*ret_i = 0;
	if ((rc = keys_index(prev)) < 0)
		return rc;
	if ((up = map_find(&prev->by_key, ca->ski)) == NULL ||
	    (pt = prev->points[up - prev->up]) == NULL || !same_parent(pt->ca, ca) ||
	    sv_eq(file_name(pt->ca->mft_uri), file_name(ca->mft_uri)))
		return 0;
	*ret_i = (uint32_t)(up - prev->up);
	ret->this_update = pt->mft_this;
	ret->name = file_name(pt->ca->mft_uri);
	memcpy(ret->hash, pt->mft_hash, SHA256_LEN);
	return 0;
}
