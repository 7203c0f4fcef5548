/* Denial: bit maps of types, and the NSEC chain. */
#include <string.h>

#include "dnssec/audit_internal.h"

/* --- bit maps (RFC 4034 section 4.1.2) --- */

struct bitmap {
	uint8_t	*p;
	size_t	 n, window;		/* window: where the last one begins */
};

/* Types in ascending order. */
static void
bitmap_add(struct bitmap *b, uint16_t type)
{
	uint8_t byte = (uint8_t)((type & 0xff) / 8);

	if (b->n == 0 || b->p[b->window] != type >> 8) {
		b->window = b->n;
		b->p[b->n++] = (uint8_t)(type >> 8);
		b->p[b->n++] = 0;
	}
	while (b->p[b->window + 1] <= byte) {
		b->p[b->n++] = 0;
		b->p[b->window + 1]++;
	}
	b->p[b->window + 2 + byte] |= (uint8_t)(0x80 >> (type & 7));
}

/*
 * What the types of a name should be. RRSIG and NSEC stand for what ought to
 * be there: a signature that is missing is told elsewhere.
 */
void
bitmap_want(struct worker *w, const struct znode *node, enum name_kind kind, bool nsec)
{
	struct bitmap b = { .p = w->want };
	bool sig = nsec || kind == NAME_DATA || (kind == NAME_CUT && node_has(node, RR_DS));
	size_t pos = 0;
	struct zrrset set;

	while (kind != NAME_ENT && znode_next(node, &pos, &set)) {
		if (set.n_rrs == 0 || set.type == RR_RRSIG || set.type == RR_NSEC ||
		    set.type == RR_NSEC3)
			continue;
		if (kind == NAME_CUT && set.type != RR_NS && set.type != RR_DS)
			continue;
		if (set.type > RR_RRSIG && sig) {
			bitmap_add(&b, RR_RRSIG);
			sig = false;
		}
		if (set.type > RR_NSEC && nsec) {
			bitmap_add(&b, RR_NSEC);
			nsec = false;
		}
		bitmap_add(&b, set.type);
	}
	if (sig)
		bitmap_add(&b, RR_RRSIG);
	if (nsec)
		bitmap_add(&b, RR_NSEC);
	w->want_n = b.n;
}

/* A window of the map; false at its end or where it is no map. */
static bool
window_next(struct rd *r, uint8_t *ret_window, struct sv *ret)
{
	uint8_t len;

	if (rd_left(r) == 0)
		return false;
	*ret_window = rd_u8(r);
	len = rd_u8(r);
	if (len == 0 || len > 32)
		r->bad = true;
	*ret = rd_slice(r, len);
	return !r->bad;
}

/* That window's bits; none if the map has no such window. */
static struct sv
window_find(struct sv bitmap, uint8_t window)
{
	struct rd r = rd_sv(bitmap);
	uint8_t at;
	struct sv bits;

	while (window_next(&r, &at, &bits))
		if (at == window)
			return bits;
	return (struct sv){ 0 };
}

static bool
bit_is_set(struct sv bits, unsigned i)
{
	return i / 8 < bits.n && ((uint8_t)bits.p[i / 8] & 0x80 >> (i & 7)) != 0;
}

/* Windows ascend, and none ends in zeros. */
static bool
bitmap_form_ok(struct sv bitmap)
{
	struct rd r = rd_sv(bitmap);
	uint8_t window;
	struct sv bits;
	int last = -1;

	while (window_next(&r, &window, &bits)) {
		if (window <= last || bits.p[bits.n - 1] == 0)
			return false;
		last = window;
	}
	return rd_done(&r);
}

/* The types that are in one map and not in the other; of thousands, the first. */
static void
bitmap_say(struct worker *w, struct sv in, struct sv not_in, enum audit_code code)
{
	struct rd r = rd_sv(in);
	unsigned left = AUDIT_BITMAP_TOLD;
	uint8_t window;
	struct sv bits, other;

	while (window_next(&r, &window, &bits)) {
		other = window_find(not_in, window);
		for (unsigned i = 0; i < bits.n * 8; i++) {
			if (!bit_is_set(bits, i) || bit_is_set(other, i))
				continue;
			if (left-- == 0)
				return;
			worker_say(w, &CAUSE_TYPE(code, (uint16_t)((unsigned)window << 8 | i)));
		}
	}
}

bool
bitmap_holds(const struct worker *w, struct sv bitmap)
{
	return sv_eq((struct sv){ (const char *)w->want, w->want_n }, bitmap);
}

void
bitmap_check(struct worker *w, uint16_t type, struct sv bitmap)
{
	struct sv want = { (const char *)w->want, w->want_n };

	if (bitmap_holds(w, bitmap))
		return;
	if (!bitmap_form_ok(bitmap)) {
		worker_say(w, &CAUSE_TYPE(DNS_BITMAP_FORM, type));
		return;
	}
	bitmap_say(w, want, bitmap, DNS_BITMAP_MISSING);
	bitmap_say(w, bitmap, want, DNS_BITMAP_EXTRA);
}

/* --- NSEC --- */

static bool
nsec_read(const struct znode *node, struct zrrset *ret_set, struct dname *ret_next,
    struct sv *ret_bitmap)
{
	struct sv rest, rdata;
	struct rd r;

	if (!znode_find(node, RR_NSEC, ret_set) || ret_set->n_rrs == 0)
		return false;
	rest = ret_set->rrs;
	if (!zdata_next(&rest, &rdata))
		return false;
	r = rd_sv(rdata);
	dname_rd(&r, ret_next);
	*ret_bitmap = rd_slice(&r, rd_left(&r));
	return !r.bad;
}

void
nsec_name(struct worker *w, const struct znode *node, enum name_kind kind)
{
	struct zrrset set;
	struct dname next;
	struct sv bitmap;

	if (!nsec_read(node, &set, &next, &bitmap)) {
		worker_say(w, &CAUSE_TYPE(DNS_DENIAL_MISSING, RR_NSEC));
		return;
	}
	if (set.n_rrs > 1)
		worker_say(w, &CAUSE_TYPE(DNS_DENIAL_MANY, RR_NSEC));
	if (set.ttl != w->a->denial.ttl) {
		struct cause c = CAUSE_TYPE(DNS_DENIAL_TTL, RR_NSEC);

		c.values = AUDIT_NUMBERS;
		c.is = set.ttl;
		c.wanted = w->a->denial.ttl;
		worker_say(w, &c);
	}
	bitmap_want(w, node, kind, true);
	bitmap_check(w, RR_NSEC, bitmap);
}

/* Is there such a name, with authority? */
static bool
name_is_there(const struct zone *z, const struct dname *name)
{
	const struct znode *n, *cut;
	struct dkey k;
	struct sv key;

	if (!dname_within(name, zone_apex(z)) || dkey_of(name, zone_apex(z), &k) < 0)
		return false;
	key = (struct sv){ (const char *)k.b, k.len };
	n = zone_find(z, ZONE_NAMES, key);
	return n != NULL && node_exists(n) && !key_occluded(z, key, &cut);
}

/* What is wrong with a record that leads from prev to next instead of to here. */
static enum audit_code
link_fault(const struct audit *a, const struct dname *prev, const struct dname *next)
{
	if (!name_is_there(a->z, next))
		return DNS_CHAIN_NEXT;
	if (dname_eq(next, &a->apex))
		return DNS_CHAIN_GAP;
	return dname_cmp(next, prev) <= 0 ? DNS_CHAIN_LOOP : DNS_CHAIN_GAP;
}

void
nsec_link(struct worker *w, const struct znode *node)
{
	const struct znode *prev = w->prev;
	struct dname next, prev_name;
	struct zrrset set;
	struct sv bitmap;

	(void)node;
	if (prev == NULL || !nsec_read(prev, &set, &next, &bitmap) || dname_eq(&next, &w->name))
		return;
	znode_name(w->a->z, ZONE_NAMES, prev, &prev_name);
	sink_say(w->out, &CAUSE_TYPE(link_fault(w->a, &prev_name, &next), RR_NSEC), &prev_name);
}

void
nsec_beside(struct worker *w, const struct znode *node, enum name_kind kind)
{
	if (!node_has(node, RR_NSEC))
		return;
	w->out->n_beside++;
	nsec_name(w, node, kind);
}
