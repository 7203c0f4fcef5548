/*
 * The gate: what changed since a version that passed, and what that touches.
 *
 * A node is looked at if it differs, if the authority over it differs (a
 * delegation or DNAME above it came or went), or if it is the next name in the
 * chain behind such a one. An NSEC3 record that differs in more than its next
 * hash has to belong to a name that was looked at; otherwise only a full audit
 * can tell whose it is.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "dnssec/audit_internal.h"

struct item {
	enum zone_part		 part;
	struct sv		 key;
	const struct znode	*old, *new;	/* NULL: not there */
	bool			 all;		/* or only its place in the chain */
	bool			 differs;
};

struct change {
	struct zone			*old, *z;
	const struct audit_result	*passed;
	struct item			*items;
	size_t				 n, cap;
	bool				 again, apex;
};

struct change *
change_free(struct change *c)
{
	if (c == NULL)
		return NULL;
	(void)zone_unref(c->old);
	(void)zone_unref(c->z);
	free(c->items);
	free(c);
	return NULL;
}

static int
item_add(struct change *c, const struct item *it)
{
	size_t cap = c->cap == 0 ? 256 : c->cap * 2;
	struct item *p;

	if (c->n == c->cap) {
		if ((p = reallocarray(c->items, cap, sizeof(*p))) == NULL)
			return -ENOMEM;
		c->items = p;
		c->cap = cap;
	}
	c->items[c->n++] = *it;
	return 0;
}

/* --- what is to be looked at --- */

static int
diff_add(void *arg, enum zone_part part, const struct znode *old, const struct znode *new)
{
	struct item it = { .part = part, .key = znode_key(new != NULL ? new : old), .old = old,
	    .new = new, .all = true, .differs = true };

	return item_add(arg, &it);
}

/* The next name in the chain. */
static int
behind_add(struct change *c, struct sv key)
{
	const struct znode *n = name_behind(c->z, key);
	struct item it = { .part = ZONE_NAMES, .new = n };

	if (n == NULL)
		return 0;
	it.key = znode_key(n);
	return item_add(c, &it);
}

static int
behind3_add(struct change *c, struct sv key)
{
	struct zone_it at = zone_seek(c->z, ZONE_NSEC3, key);
	const struct znode *n = zone_next(&at);
	struct item it = { .part = ZONE_NSEC3 };

	if (n != NULL && sv_eq(znode_key(n), key))
		n = zone_next(&at);
	if (n == NULL) {
		at = zone_begin(c->z, ZONE_NSEC3);
		n = zone_next(&at);
	}
	if (n == NULL)
		return 0;
	it.key = znode_key(n);
	it.new = n;
	return item_add(c, &it);
}

/* 0: names below are this zone's; else what hides them. */
static unsigned
hides(const struct znode *n)
{
	if (n == NULL)
		return 0;
	return (node_is_cut(n) ? 1u : 0) | (node_has(n, RR_DNAME) ? 2u : 0);
}

/* Authority changed: all names below are looked at. */
static int
below_add(struct change *c, struct sv key)
{
	struct zone_it at = zone_seek(c->z, ZONE_NAMES, key);
	struct sv last = key;
	const struct znode *n;
	int rc = 0;

	while (rc == 0 && (n = zone_next(&at)) != NULL) {
		struct sv k = znode_key(n);
		struct item it = { .part = ZONE_NAMES, .key = k, .old = n, .new = n, .all = true };

		if (!dkey_within((const uint8_t *)k.p, k.n, (const uint8_t *)key.p, key.n))
			break;
		last = k;
		if (k.n > key.n)
			rc = item_add(c, &it);
	}
	return rc < 0 ? rc : behind_add(c, last);
}

static int
neighbours_add(struct change *c)
{
	size_t n = c->n;
	int rc = 0;

	for (size_t i = 0; i < n && rc == 0; i++) {
		struct item it = c->items[i];

		if (it.part == ZONE_NSEC3)
			rc = behind3_add(c, it.key);
		else if ((rc = behind_add(c, it.key)) == 0 && hides(it.old) != hides(it.new))
			rc = below_add(c, it.key);
	}
	return rc;
}

static int
item_cmp(const void *pa, const void *pb)
{
	const struct item *a = pa, *b = pb;

	if (a->part != b->part)
		return (int)a->part - (int)b->part;
	return dkey_cmp((const uint8_t *)a->key.p, a->key.n, (const uint8_t *)b->key.p, b->key.n);
}

/* Each key once; the one that differs knows both versions. */
static void
items_merge(struct change *c)
{
	size_t n = 0;

	if (c->n == 0)
		return;
	qsort(c->items, c->n, sizeof(*c->items), item_cmp);
	for (size_t i = 1; i < c->n; i++) {
		struct item *to = &c->items[n], *it = &c->items[i];

		if (item_cmp(to, it) != 0) {
			c->items[++n] = *it;
			continue;
		}
		it->all |= to->all;
		if (to->differs)
			it->differs = true;
		if (to->differs || it->old == NULL)
			it->old = to->old;
		if (it->new == NULL)
			it->new = to->new;
		*to = *it;
	}
	c->n = n + 1;
}

/* --- what a full audit has to judge --- */

static bool
same_records(const struct znode *a, const struct znode *b, uint16_t type)
{
	struct zrrset x = { 0 }, y = { 0 };

	(void)znode_find(a, type, &x);
	(void)znode_find(b, type, &y);
	return sv_eq(x.rrs, y.rrs);
}

/* MINIMUM and TTL make the TTL of all denial. */
static bool
same_soa(const struct znode *a, const struct znode *b)
{
	struct zrrset x, y;
	struct sv p, q;

	if (!znode_find(a, RR_SOA, &x) || !znode_find(b, RR_SOA, &y) || x.ttl != y.ttl ||
	    !zdata_next(&x.rrs, &p) || !zdata_next(&y.rrs, &q) || p.n < 4 || q.n < 4)
		return false;
	return sv_eq(sv_skip(p, p.n - 4), sv_skip(q, q.n - 4));
}

static bool
apex_same(const struct item *it)
{
	return it->old != NULL && it->new != NULL && same_soa(it->old, it->new) &&
	    same_records(it->old, it->new, RR_DNSKEY) &&
	    same_records(it->old, it->new, RR_NSEC3PARAM) &&
	    hides(it->old) == hides(it->new);
}

/* Does the last verdict still hold at this time for what did not change? */
static bool
passed_holds(const struct audit_result *r, int64_t now)
{
	return r->state == AUDIT_GOOD && r->first_expiry >= now && r->last_inception <= now;
}

static int
items_gather(struct change *c)
{
	int rc = zone_diff(c->old, c->z, diff_add, c);

	for (size_t i = 0; rc == 0 && i < c->n; i++)
		if (c->items[i].part == ZONE_NAMES && c->items[i].key.n == 0) {
			c->apex = true;
			c->again |= !apex_same(&c->items[i]);
		}
	if (rc == 0 && !c->again)
		rc = neighbours_add(c);
	if (rc < 0)
		return rc;
	items_merge(c);
	return 0;
}

int
audit_begin_change(struct zone *old, const struct audit_result *passed, struct zone *z,
    const struct audit_opts *opts, struct audit **ret)
{
	_cleanup_(change_freep) struct change *c = calloc(1, sizeof(*c));
	int rc;

	if (c == NULL)
		return -ENOMEM;
	c->old = zone_ref(old);
	c->z = zone_ref(z);
	c->passed = passed;
	c->again = !passed_holds(passed, opts->now) || passed->mixed;
	if (!c->again && (rc = items_gather(c)) < 0)
		return rc;
	if (c->again)
		c->n = 0;
	return audit_new(z, opts, TAKE_PTR(c), ret);
}

/* --- chains --- */

static bool
is_foreign(const struct audit *a, const struct item *it)
{
	const struct denial *d = &a->denial;
	const struct chain *c = &d->chains[0];
	struct nsec3 r;

	if (it->new == NULL)
		return false;
	if (it->part == ZONE_NAMES)
		return d->kind == AUDIT_NSEC3 && node_has(it->new, RR_NSEC);
	return nsec3_of(it->new, &r) && (d->kind != AUDIT_NSEC3 || r.alg != c->hash_alg ||
	    r.iterations != c->iterations || !sv_eq(r.salt, c->salt));
}

void
change_chains(struct audit *a)
{
	struct change *c = a->change;

	c->again |= a->denial.kind != c->passed->denial || a->denial.n_chains > 1;
	for (size_t i = 0; i < c->n && !c->again; i++)
		c->again = is_foreign(a, &c->items[i]);
	if (c->again)
		c->n = 0;
}

/* --- units --- */

size_t
change_n_units(const struct change *c)
{
	return (c->n + ZONE_BLOCK_NODES - 1) / ZONE_BLOCK_NODES;
}

bool
change_had(const struct audit *a, const uint8_t hash[static NSEC3_HASH_LEN])
{
	return zone_find(a->change->old, ZONE_NSEC3,
	    (struct sv){ (const char *)hash, NSEC3_HASH_LEN }) != NULL;
}

bool
change_has_apex(const struct audit *a)
{
	return a->change->apex && !a->change->again;
}

/* The first name at or below that exists with authority; NULL: none does. */
static const struct znode *
first_alive(const struct zone *z, struct sv key)
{
	struct zone_it it = zone_seek(z, ZONE_NAMES, key);
	const struct znode *n, *cut;

	if (key_occluded(z, key, &cut))
		return NULL;
	while ((n = zone_next(&it)) != NULL) {
		struct sv k = znode_key(n);

		if (!dkey_within((const uint8_t *)k.p, k.n, (const uint8_t *)key.p, key.n))
			return NULL;
		if (node_exists(n))
			return n;
	}
	return NULL;
}

/* A name that is no more left no record behind. */
static void
dead_check(struct worker *w, struct sv key)
{
	uint8_t hash[NSEC3_HASH_LEN];
	const struct znode *n;

	nsec3_hash_key(w->a, key, hash);
	sink_hash(w->out, hash);
	n = zone_find(w->a->z, ZONE_NSEC3, (struct sv){ (const char *)hash, sizeof(hash) });
	if (n != NULL)
		worker_say_at(w, &CAUSE_TYPE(DNS_DENIAL_EXTRA, RR_NSEC3), ZONE_NSEC3, n);
}

/* A name that went: so may those above it, or they are empty now. */
static void
gone_check(struct worker *w, struct sv key)
{
	const struct zone *z = w->a->z;

	if (w->a->denial.kind != AUDIT_NSEC3 || !w->a->denial.chains[0].hashable)
		return;
	for (; key.n > 0; key = sv_take(key, dkey_parent((const uint8_t *)key.p, key.n))) {
		const struct znode *n = first_alive(z, key);

		if (n == NULL) {
			dead_check(w, key);
		} else if (!sv_eq(znode_key(n), key)) {
			dkey_name((const uint8_t *)key.p, key.n, &w->a->apex, &w->name);
			nsec3_name(w, n, key, NAME_ENT);
		}
	}
}

static void
item_name(struct worker *w, const struct item *it)
{
	if (it->new != NULL) {
		audit_walk_to(w, it->new);
		if (it->all)
			audit_walk_node(w, it->new);
		else
			audit_walk_denial(w, it->new);
	}
	if (it->all && (it->new == NULL || first_alive(w->a->z, it->key) != it->new))
		gone_check(w, it->key);
}

static void
item_nsec3(struct worker *w, const struct item *it)
{
	const struct znode *prev;

	if (it->new == NULL)
		return;
	if (it->all)
		nsec3_node(w, it->new);
	prev = nsec3_before(w->a->z, zone_seek(w->a->z, ZONE_NSEC3, it->key));
	if (prev != NULL)
		nsec3_link(w, prev, it->new);
}

void
change_unit(struct worker *w, size_t unit)
{
	const struct change *c = w->a->change;
	size_t end = min_size(c->n, (unit + 1) * ZONE_BLOCK_NODES);

	w->sparse = true;
	for (size_t i = unit * ZONE_BLOCK_NODES; i < end && w->out->rc == 0; i++)
		if (c->items[i].part == ZONE_NAMES)
			item_name(w, &c->items[i]);
		else
			item_nsec3(w, &c->items[i]);
}

/* --- the end --- */

static int
hash_cmp(const void *a, const void *b)
{
	return memcmp(a, b, NSEC3_HASH_LEN);
}

static bool
looked_at(const struct audit *a, struct sv hash)
{
	return a->own.n_hashes > 0 && bsearch(hash.p, a->own.hashes, a->own.n_hashes,
	    sizeof(*a->own.hashes), hash_cmp) != NULL;
}

/* Only the next hash is another: whose record it is did not change. */
static bool
same_name(const struct item *it)
{
	struct nsec3 x, y;

	return it->old != NULL && it->new != NULL && nsec3_of(it->old, &x) &&
	    nsec3_of(it->new, &y) && x.flags == y.flags && sv_eq(x.bitmap, y.bitmap);
}

static bool
opts_out(const struct zone *z, struct sv hash)
{
	const struct znode *n = nsec3_cover(z, (const uint8_t *)hash.p);
	struct nsec3 r;

	return n != NULL && nsec3_of(n, &r) && (r.flags & NSEC3_OPTOUT) != 0;
}

/* Insecure delegations were covered here, and who knows which. */
static bool
lost_optout(const struct change *c, const struct item *it)
{
	return opts_out(c->old, it->key) && !opts_out(c->z, it->key);
}

void
change_end(struct audit *a)
{
	struct change *c = a->change;
	bool again = c->again || a->denial.kind != c->passed->denial;

	if (a->own.n_hashes > 1)
		qsort(a->own.hashes, a->own.n_hashes, sizeof(*a->own.hashes), hash_cmp);
	for (size_t i = 0; i < c->n && !again; i++) {
		const struct item *it = &c->items[i];

		if (it->part != ZONE_NSEC3 || !it->differs)
			continue;
		again = (!same_name(it) && !looked_at(a, it->key)) || lost_optout(c, it);
	}
	a->own.again |= again;
}

void
change_times(const struct audit *a, struct audit_result *r)
{
	const struct audit_result *p = a->change->passed;

	r->last_inception = max_i64(r->last_inception, p->last_inception);
	if (p->first_expiry < r->first_expiry) {
		r->first_expiry = p->first_expiry;
		r->first_name = p->first_name;
		r->first_type = p->first_type;
	}
}
