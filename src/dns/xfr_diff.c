/* A difference between two versions of a zone: the net of what went and came. */
#include <errno.h>
#include <stdlib.h>

#include "base/hash.h"
#include "dns/wire.h"
#include "dns/wire_internal.h"

/* A record; key is the owner, the type and the data, in canonical form. */
struct entry {
	struct sv	key;
	uint32_t	ttl_del, ttl_add;
	uint8_t		owner_len;
	bool		del, add;	/* both: its TTL changed; none: it came and went */
};

struct xfr_diff {
	struct dname	 zone;
	struct pool	*pool;		/* keys */
	struct map	 by_key;	/* to the entry's number plus one */
	struct entry	*entries;
	size_t		 n, cap;
	size_t		 n_del, n_add;
	uint8_t		 room[DNS_NAME_MAX + 2 + DNS_RDATA_MAX];	/* a key in the making */
};

struct xfr_diff *
xfr_diff_new(const struct dname *zone, size_t max)
{
	_cleanup_(xfr_diff_freep) struct xfr_diff *d = calloc(1, sizeof(*d));

	if (d == NULL || (d->pool = pool_new(max == 0 ? XFR_DIFF_MAX : max)) == NULL)
		return NULL;
	d->zone = *zone;
	return TAKE_PTR(d);
}

struct xfr_diff *
xfr_diff_free(struct xfr_diff *d)
{
	if (d == NULL)
		return NULL;
	map_done(&d->by_key);
	(void)pool_free(d->pool);
	free(d->entries);
	free(d);
	return NULL;
}

static struct sv
key_make(struct xfr_diff *d, const struct dns_rr *rr)
{
	struct wr w = wr_mem(d->room, sizeof(d->room));
	uint8_t *data;

	wr_bytes(&w, rr->owner->w, rr->owner->len);
	dns_lower(d->room, w.len);
	wr_be16(&w, rr->type);
	data = d->room + w.len;
	wr_bytes(&w, rr->rdata.p, rr->rdata.n);
	if (!w.bad && rdata_ok(rr->type, rr->rdata))
		rdata_canonical(rr->type, data, rr->rdata.n);
	return (struct sv){ (const char *)d->room, w.bad ? 0 : w.len };
}

static int
entries_more(struct xfr_diff *d)
{
	size_t cap = d->cap == 0 ? 64 : d->cap * 2;
	struct entry *more;

	if (d->n < d->cap)
		return 0;
	if (d->n >= XFR_DIFF_RRS_MAX)
		return SE_LIMIT;
	more = reallocarray(d->entries, cap, sizeof(*more));
	if (more == NULL)
		return -ENOMEM;
	d->entries = more;
	d->cap = cap;
	return 0;
}

/* The record's entry, made if it is new. */
static int
entry_get(struct xfr_diff *d, const struct dns_rr *rr, struct entry **ret)
{
	struct sv key = key_make(d, rr);
	uint64_t hash = hash_bytes(key.p, key.n);
	uintptr_t at = (uintptr_t)map_find_hashed(&d->by_key, key, hash);
	int rc;

	if (key.n == 0 || rr->class != DNS_CLASS_IN)
		return -EINVAL;
	if (at == 0) {
		if ((rc = entries_more(d)) < 0)
			return rc;
		key = pool_sv(d->pool, key);
		if (key.p == NULL)
			return pool_is_full(d->pool) ? SE_LIMIT : -ENOMEM;
		d->entries[d->n] = (struct entry){ .key = key, .owner_len = rr->owner->len };
		at = ++d->n;
		if ((rc = map_add_hashed(&d->by_key, key, hash, (void *)at)) < 0)
			return rc;
	}
	*ret = &d->entries[at - 1];
	return 0;
}

int
xfr_diff_del(struct xfr_diff *d, const struct dns_rr *rr)
{
	struct entry *e;
	int rc = entry_get(d, rr, &e);

	if (rc < 0)
		return rc;
	if (e->add) {
		e->add = false;
		d->n_add--;
		return 0;
	}
	if (e->del)
		return -ENOENT;
	e->del = true;
	e->ttl_del = rr->ttl;
	d->n_del++;
	return 0;
}

int
xfr_diff_add(struct xfr_diff *d, const struct dns_rr *rr)
{
	struct entry *e;
	int rc = entry_get(d, rr, &e);

	if (rc < 0)
		return rc;
	if (e->add)
		return -EEXIST;
	if (e->del && e->ttl_del == rr->ttl) {
		e->del = false;
		d->n_del--;
		return 0;
	}
	e->add = true;
	e->ttl_add = rr->ttl;
	d->n_add++;
	return 0;
}

int
xfr_diff_append(struct xfr_diff *d, const struct xfr_diff *other)
{
	struct xfr_diff_it it = xfr_diff_begin(other, false);
	struct dns_rr rr;
	int rc;

	while (xfr_diff_next(&it, &rr))
		if ((rc = xfr_diff_del(d, &rr)) < 0)
			return rc;
	it = xfr_diff_begin(other, true);
	while (xfr_diff_next(&it, &rr))
		if ((rc = xfr_diff_add(d, &rr)) < 0)
			return rc;
	return 0;
}

const struct dname *
xfr_diff_zone(const struct xfr_diff *d)
{
	return &d->zone;
}

size_t
xfr_diff_n_del(const struct xfr_diff *d)
{
	return d->n_del;
}

size_t
xfr_diff_n_add(const struct xfr_diff *d)
{
	return d->n_add;
}

/* --- reading it --- */

static uint16_t
entry_type(const struct entry *e)
{
	struct rd r = rd_sv(sv_skip(e->key, e->owner_len));

	return rd_be16(&r);
}

static struct sv
entry_rdata(const struct entry *e)
{
	return sv_skip(e->key, e->owner_len + 2u);
}

static bool
entry_is_soa(const struct xfr_diff *d, const struct entry *e)
{
	return entry_type(e) == RR_SOA && e->owner_len == d->zone.len;
}

static bool
entry_on(const struct entry *e, bool add)
{
	return add ? e->add : e->del;
}

/* The only SOA of one side; NULL if there is none, or several. */
static const struct entry *
soa_find(const struct xfr_diff *d, bool add)
{
	const struct entry *found = NULL;

	for (size_t i = 0; i < d->n; i++) {
		const struct entry *e = &d->entries[i];

		if (!entry_on(e, add) || !entry_is_soa(d, e))
			continue;
		if (found != NULL)
			return NULL;
		found = e;
	}
	return found;
}

bool
xfr_diff_serials(const struct xfr_diff *d, uint32_t *ret_old, uint32_t *ret_new)
{
	const struct entry *old = soa_find(d, false), *new = soa_find(d, true);
	uint32_t o, n;

	if (old == NULL || new == NULL || soa_serial(entry_rdata(old), &o) < 0 ||
	    soa_serial(entry_rdata(new), &n) < 0)
		return false;
	*ret_old = o;
	*ret_new = n;
	return true;
}

struct xfr_diff_it
xfr_diff_begin(const struct xfr_diff *d, bool add)
{
	return (struct xfr_diff_it){ .d = d, .add = add };
}

static void
entry_rr(struct xfr_diff_it *it, const struct entry *e, struct dns_rr *ret)
{
	it->owner.len = e->owner_len;
	memcpy(it->owner.w, e->key.p, e->owner_len);
	*ret = (struct dns_rr){
		.owner = &it->owner,
		.type = entry_type(e),
		.class = DNS_CLASS_IN,
		.ttl = it->add ? e->ttl_add : e->ttl_del,
		.rdata = entry_rdata(e),
	};
}

/* Twice over the entries: the SOA, then all others. */
bool
xfr_diff_next(struct xfr_diff_it *it, struct dns_rr *ret)
{
	const struct entry *e;

	for (;;) {
		if (it->i == it->d->n) {
			if (it->soa_done)
				return false;
			it->soa_done = true;
			it->i = 0;
			continue;
		}
		e = &it->d->entries[it->i++];
		if (!entry_on(e, it->add) || entry_is_soa(it->d, e) == it->soa_done)
			continue;
		entry_rr(it, e, ret);
		return true;
	}
}

int
xfr_diff_edit(const struct xfr_diff *d, struct zone_edit *z)
{
	struct xfr_diff_it it = xfr_diff_begin(d, false);
	struct dns_rr rr;
	int rc;

	while (xfr_diff_next(&it, &rr))
		if ((rc = zone_edit_del(z, &rr)) < 0)
			return rc;
	it = xfr_diff_begin(d, true);
	while (xfr_diff_next(&it, &rr))
		if ((rc = zone_edit_add(z, &rr)) < 0)
			return rc;
	return 0;
}

/* --- from two versions --- */

struct versions {
	struct xfr_diff		*d;
	const struct zone	*old, *new;
	struct dname		 owner;
};

static int
put(struct versions *v, bool add, uint16_t type, uint32_t ttl, struct sv rdata)
{
	const struct dns_rr rr = { .owner = &v->owner, .type = type, .class = DNS_CLASS_IN,
	    .ttl = ttl, .rdata = rdata };

	return add ? xfr_diff_add(v->d, &rr) : xfr_diff_del(v->d, &rr);
}

/* Records of one owner and type: both lists are in canonical order. */
static int
lists_diff(struct versions *v, uint16_t type, struct sv old, uint32_t old_ttl, struct sv new,
    uint32_t new_ttl)
{
	struct sv a, b;
	bool has_a = zdata_next(&old, &a), has_b = zdata_next(&new, &b);
	int order, rc;

	while (has_a || has_b) {
		order = !has_a ? 1 : !has_b ? -1 : sv_cmp(a, b);
		rc = 0;
		if (order < 0 || (order == 0 && old_ttl != new_ttl))
			rc = put(v, false, type, old_ttl, a);
		if (rc == 0 && (order > 0 || (order == 0 && old_ttl != new_ttl)))
			rc = put(v, true, type, new_ttl, b);
		if (rc < 0)
			return rc;
		if (order <= 0)
			has_a = zdata_next(&old, &a);
		if (order >= 0)
			has_b = zdata_next(&new, &b);
	}
	return 0;
}

static int
sets_diff(struct versions *v, const struct zrrset *old, const struct zrrset *new)
{
	static const struct zrrset none = { .type = 0 };
	const struct zrrset *o = old == NULL ? &none : old, *n = new == NULL ? &none : new;
	int rc = lists_diff(v, old != NULL ? o->type : n->type, o->rrs, o->ttl, n->rrs, n->ttl);

	if (rc < 0)
		return rc;
	return lists_diff(v, RR_RRSIG, o->sigs, o->sig_ttl, n->sigs, n->sig_ttl);
}

static int
node_diff(void *arg, enum zone_part part, const struct znode *old, const struct znode *new)
{
	struct versions *v = arg;
	size_t at = 0, bt = 0;
	struct zrrset a, b;
	bool has_a = old != NULL && znode_next(old, &at, &a);
	bool has_b = new != NULL && znode_next(new, &bt, &b);
	int order, rc;

	znode_name(v->new, part, old != NULL ? old : new, &v->owner);
	while (has_a || has_b) {
		order = !has_a ? 1 : !has_b ? -1 : (int)a.type - (int)b.type;
		rc = sets_diff(v, order <= 0 ? &a : NULL, order >= 0 ? &b : NULL);
		if (rc < 0)
			return rc;
		if (order <= 0)
			has_a = znode_next(old, &at, &a);
		if (order >= 0)
			has_b = znode_next(new, &bt, &b);
	}
	return 0;
}

int
xfr_diff_zones(struct zone *old, struct zone *new, size_t max, struct xfr_diff **ret)
{
	_cleanup_(xfr_diff_freep) struct xfr_diff *d = xfr_diff_new(zone_apex(new), max);
	struct versions v = { .d = d, .old = old, .new = new };
	int rc;

	if (d == NULL)
		return -ENOMEM;
	if ((rc = zone_diff(old, new, node_diff, &v)) < 0)
		return rc;
	*ret = TAKE_PTR(d);
	return 0;
}
