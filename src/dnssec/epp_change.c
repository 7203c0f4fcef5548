/* Which DS or DNSKEY records a registry is told: the whole set, or what differs from what its servers give. */
#include <errno.h>
#include <string.h>

#include "base/err.h"
#include "dnssec/dnssec.h"
#include "dnssec/epp.h"

struct change {
	const struct epp_wish	*w;
	struct pool		*pool;
	struct epp_record	*add, *rem;
	size_t			 n_add, n_rem;
};

static bool
is_among(struct sv one, const struct sv *list, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (sv_eq(list[i], one))
			return true;
	return false;
}

static bool
is_added(const struct change *c, struct sv ds)
{
	for (size_t i = 0; i < c->n_add; i++)
		if (sv_eq(c->add[i].ds, ds))
			return true;
	return false;
}

static bool
has_standing(const struct epp_wish *w, struct sv key)
{
	for (size_t i = 0; i < w->n_standing; i++)
		if (ds_matches(w->standing[i], w->zone, key))
			return true;
	return false;
}

/* The key that a DS names; empty: nobody here knows it. */
static struct sv
key_named(const struct epp_wish *w, struct sv ds)
{
	for (size_t i = 0; i < w->n_known; i++)
		if (ds_matches(ds, w->zone, w->known[i]))
			return w->known[i];
	return (struct sv){ 0 };
}

static int
put(struct epp_record *list, size_t *n, struct sv ds, struct sv key)
{
	if (*n == EPP_RECORDS_MAX)
		return SE_LIMIT;
	list[(*n)++] = (struct epp_record){ ds, key };
	return 0;
}

/* A DS of each digest type that the registry is to have. */
static int
ds_add(struct change *c, struct sv key)
{
	uint8_t room[DS_RDATA_MAX];
	size_t n;
	int rc = 0;

	for (unsigned type = 1; type < 32 && rc == 0; type++) {
		struct sv ds;

		if ((c->w->digests >> type & 1) == 0)
			continue;
		if ((rc = ds_write(c->w->zone, key, (uint8_t)type, room, &n)) < 0)
			return rc;
		ds = pool_sv(c->pool, (struct sv){ (const char *)room, n });
		rc = ds.p == NULL ? -ENOMEM : is_added(c, ds) ? 0 : put(c->add, &c->n_add, ds, key);
	}
	return rc;
}

static int
set_make(struct change *c)
{
	const struct epp_wish *w = c->w;
	int rc = 0;

	for (size_t i = 0; i < w->n_want && rc == 0; i++) {
		if (w->form != EPP_DNSKEY)
			rc = ds_add(c, w->want[i]);
		else if (!is_among(w->want[i], w->want, i))
			rc = put(c->add, &c->n_add, (struct sv){ 0 }, w->want[i]);
	}
	return rc;
}

/* May the difference be named, record by record? */
static bool
is_exact(const struct epp_wish *w)
{
	if (!w->difference || !w->seen)
		return false;
	for (size_t i = 0; i < w->n_standing && w->form == EPP_DNSKEY; i++)
		if (key_named(w, w->standing[i]).n == 0)
			return false;
	return true;
}

static int
ds_differ(struct change *c)
{
	const struct epp_wish *w = c->w;
	size_t n = 0;
	int rc = 0;

	for (size_t i = 0; i < w->n_standing && rc == 0; i++)
		if (!is_added(c, w->standing[i]) && !is_among(w->standing[i], w->standing, i))
			rc = put(c->rem, &c->n_rem, w->standing[i], key_named(w, w->standing[i]));
	for (size_t i = 0; i < c->n_add; i++)
		if (!is_among(c->add[i].ds, w->standing, w->n_standing))
			c->add[n++] = c->add[i];
	c->n_add = n;
	return rc;
}

static int
keys_differ(struct change *c)
{
	const struct epp_wish *w = c->w;
	size_t n = 0;
	int rc = 0;

	for (size_t i = 0; i < w->n_known && rc == 0; i++)
		if (!is_among(w->known[i], w->want, w->n_want) && !is_among(w->known[i], w->known, i) &&
		    has_standing(w, w->known[i]))
			rc = put(c->rem, &c->n_rem, (struct sv){ 0 }, w->known[i]);
	for (size_t i = 0; i < c->n_add; i++)
		if (!has_standing(w, c->add[i].key))
			c->add[n++] = c->add[i];
	c->n_add = n;
	return rc;
}

int
epp_change(const struct epp_wish *w, struct pool *pool, struct epp_update *ret)
{
	struct change c = { .w = w, .pool = pool };
	bool exact = is_exact(w);
	int rc;

	c.add = pool_alloc(pool, EPP_RECORDS_MAX * sizeof(*c.add));
	c.rem = pool_alloc(pool, EPP_RECORDS_MAX * sizeof(*c.rem));
	if (c.add == NULL || c.rem == NULL)
		return -ENOMEM;
	if ((rc = set_make(&c)) == 0 && exact)
		rc = w->form == EPP_DNSKEY ? keys_differ(&c) : ds_differ(&c);
	if (rc < 0)
		return rc;
	ret->zone = w->zone;
	ret->form = w->form;
	ret->rem_all = !exact;
	ret->add = c.add;
	ret->n_add = c.n_add;
	ret->rem = c.rem;
	ret->n_rem = c.n_rem;
	return 0;
}
