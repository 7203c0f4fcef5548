/* The NSEC3 chains: in each a record for each name, and no other (RFC 5155 section 7.1). */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "dnssec/audit_internal.h"

bool
nsec3_read(struct sv rdata, bool with_next, struct nsec3 *ret)
{
	struct rd r = rd_sv(rdata);

	*ret = (struct nsec3){ 0 };
	ret->alg = rd_u8(&r);
	ret->flags = rd_u8(&r);
	ret->iterations = rd_be16(&r);
	ret->salt = rd_slice(&r, rd_u8(&r));
	if (with_next) {
		ret->next = rd_slice(&r, rd_u8(&r));
		ret->bitmap = rd_slice(&r, rd_left(&r));
	}
	return rd_done(&r);
}

bool
nsec3_of(const struct znode *node, struct nsec3 *ret)
{
	struct zrrset set;
	struct sv rest, rdata;

	if (!znode_find(node, RR_NSEC3, &set))
		return false;
	rest = set.rrs;
	return zdata_next(&rest, &rdata) && nsec3_read(rdata, true, ret);
}

static struct sv
hash_sv(const uint8_t hash[static NSEC3_HASH_LEN])
{
	return (struct sv){ (const char *)hash, NSEC3_HASH_LEN };
}

/* --- a name without its record --- */

const struct znode *
nsec3_cover(const struct zone *z, const uint8_t hash[static NSEC3_HASH_LEN])
{
	static const uint8_t last[NSEC3_HASH_LEN] = {
		0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
		0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
	};
	const struct znode *n = zone_find_le(z, ZONE_NSEC3, hash_sv(hash));

	return n != NULL ? n : zone_find_le(z, ZONE_NSEC3, hash_sv(last));
}

static bool
covered_by_optout(const struct audit *a, const struct chain *c,
    const uint8_t hash[static NSEC3_HASH_LEN])
{
	const struct znode *n = chain_cover(a, c, hash);
	struct nsec3 r;

	return n != NULL && nsec3_of(n, &r) && (r.flags & NSEC3_OPTOUT) != 0;
}

static bool
is_insecure(const struct znode *n)
{
	return node_is_cut(n) && !node_has(n, RR_DS);
}

/* Does anything but insecure delegations stand below? */
static bool
ent_is_needed(const struct zone *z, struct sv key)
{
	struct zone_it it = zone_seek(z, ZONE_NAMES, key);
	const struct znode *n, *cut = NULL;

	while ((n = zone_next(&it)) != NULL) {
		struct sv k = znode_key(n), c;

		if (!dkey_within((const uint8_t *)k.p, k.n, (const uint8_t *)key.p, key.n))
			return false;
		if (cut != NULL) {
			c = znode_key(cut);
			if (dkey_within((const uint8_t *)k.p, k.n, (const uint8_t *)c.p, c.n))
				continue;
		}
		cut = NULL;
		if (!node_exists(n))
			continue;
		if (!is_insecure(n))
			return true;
		cut = n;
	}
	return false;
}

/*
 * Of a change: what is below was judged before. Only what changed can have
 * made the record needed, unless the record itself went.
 */
static bool
ent_may_be_absent(struct worker *w, const struct znode *node, struct sv key,
    const uint8_t hash[static NSEC3_HASH_LEN])
{
	if (!is_insecure(node))
		return false;
	if (w->sparse && !change_had(w->a, hash))
		return true;
	return !ent_is_needed(w->a->z, key);
}

static void
absent(struct worker *w, const struct place *p)
{
	bool optout = covered_by_optout(w->a, p->chain, p->hash);
	enum audit_code code = optout ? DNS_OPTOUT_SPAN : DNS_DENIAL_MISSING;

	if (p->kind == NAME_ENT) {
		if (optout && ent_may_be_absent(w, p->node, p->key, p->hash))
			return;
		code = DNS_DENIAL_ENT;
	} else if (p->kind == NAME_CUT && is_insecure(p->node)) {
		w->out->counts.n_optout += p->chain == &w->a->denial.chains[0];
		if (optout)
			return;
		code = DNS_OPTOUT_COVER;
	}
	worker_say(w, &CAUSE_TYPE(code, RR_NSEC3));
}

/* --- a chain that leads through records of other parameters --- */

/* The next one in the links of the chain, if it is of no chain in force; else NULL. */
static const struct znode *
stray_next(const struct audit *a, const struct znode *from)
{
	const struct znode *n;
	struct nsec3 r;

	if (!nsec3_of(from, &r) || (n = zone_find(a->z, ZONE_NSEC3, r.next)) == NULL ||
	    !node_has(n, RR_NSEC3) || chain_of(a, n) != NULL)
		return NULL;
	return n;
}

/* Then nsec3_link() tells of it. */
static bool
stray_is_linked(const struct audit *a, const struct place *p, const struct znode *record)
{
	const struct znode *n = chain_cover(a, p->chain, p->hash);

	for (unsigned i = 0; i < AUDIT_STRAYS_LINKED && n != NULL; i++)
		if ((n = stray_next(a, n)) == record)
			return true;
	return false;
}

/* It stands where the chain's record of this name belongs: no chance would put it there. */
static void
params_check(struct worker *w, const struct place *p, const struct znode *record)
{
	if (chain_of(w->a, record) == p->chain)
		w->out->n_matched++;
	else if (!stray_is_linked(w->a, p, record))
		worker_say_at(w, &CAUSE_TYPE(DNS_NSEC3_PARAM, RR_NSEC3), ZONE_NSEC3, record);
}

/* --- names --- */

/*
 * RFC 5155 section 7.1: the map has all types of the name but what NSEC3 brings
 * with it. Where NSEC stands beside the chain that is NSEC, and its signature.
 * While named changes the kind it leaves them out (lib/dns/nsec3.c, seen
 * 2026-11), though dnssec-verify asks for them; nothing breaks either way.
 */
static void
nsec3_bitmap(struct worker *w, const struct place *p, struct sv bitmap)
{
	if (p->kind != NAME_ENT && node_has(p->node, RR_NSEC)) {
		bitmap_want(w, p->node, p->kind, true);
		if (bitmap_holds(w, bitmap))
			return;
	}
	bitmap_want(w, p->node, p->kind, false);
	bitmap_check(w, RR_NSEC3, bitmap);
}

void
nsec3_place(struct worker *w, const struct place *p)
{
	const struct znode *record;
	struct nsec3 r;

	if (w->collect || w->sparse)
		sink_hash(w->out, p->hash);
	if (w->collect)
		return;
	record = zone_find(w->a->z, ZONE_NSEC3, hash_sv(p->hash));
	if (record == NULL || !nsec3_of(record, &r)) {
		absent(w, p);
		return;
	}
	params_check(w, p, record);
	nsec3_bitmap(w, p, r.bitmap);
}

/* The empty non-terminals of which this node is the first below. */
void
nsec3_ents(struct worker *w, const struct znode *node)
{
	struct sv key = znode_key(node), prev = { 0 };
	struct dname name = w->name;
	size_t len = key.n;

	if (w->prev != NULL)
		prev = znode_key(w->prev);
	while (len > 0 && (len = dkey_parent((const uint8_t *)key.p, len)) > 0) {
		struct sv up = sv_take(key, len);
		const struct znode *n;

		if (!w->sparse && w->prev != NULL && dkey_within((const uint8_t *)prev.p, prev.n,
		    (const uint8_t *)up.p, up.n))
			break;
		if ((w->sparse || w->prev == NULL) &&
		    (n = zone_find(w->a->z, ZONE_NAMES, up)) != NULL && node_exists(n))
			continue;
		dkey_name((const uint8_t *)up.p, up.n, &w->a->apex, &w->name);
		nsec3_name(w, node, up, NAME_ENT);
	}
	w->name = name;
}

/* --- the records --- */

static void
say3(struct worker *w, enum audit_code code)
{
	worker_say(w, &CAUSE_TYPE(code, RR_NSEC3));
}

static void
nsec3_fields(struct worker *w, const struct zrrset *set, const struct nsec3 *r)
{
	const struct denial *d = &w->a->denial;

	if ((r->flags & ~NSEC3_OPTOUT) != 0)
		say3(w, DNS_NSEC3_FLAGS);
	if (set->ttl != d->ttl) {
		struct cause c = CAUSE_TYPE(DNS_DENIAL_TTL, RR_NSEC3);

		c.values = AUDIT_NUMBERS;
		c.is = set->ttl;
		c.wanted = d->ttl;
		worker_say(w, &c);
	}
}

void
nsec3_node(struct worker *w, const struct znode *node)
{
	struct zrrset set;
	struct nsec3 r;

	znode_name(w->a->z, ZONE_NSEC3, node, &w->name);
	if (!znode_find(node, RR_NSEC3, &set))
		return;
	if (set.n_rrs == 0) {
		say3(w, DNS_SIG_ORPHAN);
		return;
	}
	if (w->a->denial.kind == AUDIT_NO_DENIAL) {
		say3(w, DNS_DENIAL_EXTRA);
		return;
	}
	if (set.n_rrs > 1)
		say3(w, DNS_DENIAL_MANY);
	if (nsec3_of(node, &r))
		nsec3_fields(w, &set, &r);
	if (w->a->has_keys)
		sig_set(w, ZONE_NSEC3, node, &set);
}

static bool
is_member(const struct audit *a, const struct chain *c, struct sv hash)
{
	const struct znode *n = zone_find(a->z, ZONE_NSEC3, hash);

	return n != NULL && (c->members == NULL || chain_of(a, n) == c);
}

static struct sv
first_member(const struct audit *a, const struct chain *c)
{
	struct zone_it it = zone_begin(a->z, ZONE_NSEC3);

	return znode_key(c->members != NULL ? c->members[0] : zone_next(&it));
}

void
nsec3_link(struct worker *w, const struct znode *prev, const struct znode *node)
{
	const struct audit *a = w->a;
	const struct chain *c = chain_of(a, node);
	enum audit_code code = DNS_CHAIN_GAP;
	const struct znode *stray;
	struct nsec3 r;

	if (c == NULL)
		return;
	if (c->members != NULL)
		prev = chain_before(c, node);
	for (unsigned i = 0; c->members != NULL && i < AUDIT_STRAYS_LINKED &&
	    (stray = stray_next(a, prev)) != NULL; i++) {
		worker_say_at(w, &CAUSE_TYPE(DNS_NSEC3_PARAM, RR_NSEC3), ZONE_NSEC3, stray);
		prev = stray;
	}
	if (!nsec3_of(prev, &r) || sv_eq(r.next, znode_key(node)))
		return;
	if (!is_member(a, c, r.next))
		code = DNS_CHAIN_NEXT;
	else if (sv_cmp(r.next, znode_key(prev)) <= 0 &&
	    sv_cmp(znode_key(node), znode_key(prev)) > 0 && !sv_eq(r.next, first_member(a, c)))
		code = DNS_CHAIN_LOOP;
	worker_say_at(w, &CAUSE_TYPE(code, RR_NSEC3), ZONE_NSEC3, prev);
}

const struct znode *
nsec3_before(const struct zone *z, struct zone_it it)
{
	const struct znode *n = zone_prev(&it);

	if (n != NULL)
		return n;
	it = zone_block(z, ZONE_NSEC3, zone_n_blocks(z, ZONE_NSEC3));
	return zone_prev(&it);
}

/* --- records that no name accounts for --- */

static int
hash_cmp(const void *a, const void *b)
{
	return memcmp(a, b, NSEC3_HASH_LEN);
}

/* The hashes of all names, in order. */
static int
hashes_collect(struct audit *a, struct sink *s)
{
	_cleanup_(worker_freep) struct worker *w = worker_new(a, s);
	struct zone_it it = zone_begin(a->z, ZONE_NAMES);
	const struct znode *n;

	if (w == NULL)
		return -ENOMEM;
	w->collect = true;
	while ((n = zone_next(&it)) != NULL && s->rc == 0)
		audit_walk_node(w, n);
	nsec3_flush(w);
	if (s->n_hashes > 1)
		qsort(s->hashes, s->n_hashes, sizeof(*s->hashes), hash_cmp);
	return s->rc;
}

int
nsec3_extras(struct audit *a)
{
	struct zone_it it = zone_begin(a->z, ZONE_NSEC3);
	const struct znode *n;
	struct sink s;
	int rc;

	sink_init(&s);
	rc = hashes_collect(a, &s);
	while (rc == 0 && (n = zone_next(&it)) != NULL) {
		const struct chain *c = chain_of(a, n);
		struct dname name;

		if (c == NULL || !c->hashable || !node_has(n, RR_NSEC3) || (s.n_hashes > 0 &&
		    bsearch(znode_key(n).p, s.hashes, s.n_hashes, sizeof(*s.hashes), hash_cmp) != NULL))
			continue;
		znode_name(a->z, ZONE_NSEC3, n, &name);
		sink_say(&a->own, &CAUSE_TYPE(DNS_DENIAL_EXTRA, RR_NSEC3), &name);
	}
	sink_done(&s);
	return rc;
}
