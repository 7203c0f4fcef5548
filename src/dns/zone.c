/* Versions of a zone: blocks, walking, and the next version by whole nodes. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/base32.h"
#include "dns/zone_internal.h"

static struct zblock *
block_unref(struct zblock *b)
{
	if (b == NULL || !ref_drop(&b->refs))
		return NULL;
	for (uint32_t i = 0; i < b->n; i++)
		(void)znode_unref(b->node[i]);
	free(b);
	return NULL;
}

/* The references of the nodes pass over to the block. */
static struct zblock *
block_new(struct znode *const *node, size_t n)
{
	struct zblock *b = malloc(sizeof(*b));

	if (b == NULL)
		return NULL;
	b->refs = 1;
	b->n = (uint32_t)n;
	memcpy(b->node, node, n * sizeof(*node));
	return b;
}

static void
part_done(struct zpart *p)
{
	for (size_t i = 0; i < p->n_blk; i++)
		(void)block_unref(p->blk[i]);
	free(p->blk);
}

struct zone *
zone_new(const struct dname *apex)
{
	struct zone *z = calloc(1, sizeof(*z));

	if (z == NULL)
		return NULL;
	z->refs = 1;
	z->apex = *apex;
	dns_lower(z->apex.w, z->apex.len);
	return z;
}

struct zone *
zone_ref(struct zone *z)
{
	if (z != NULL)
		ref_take(&z->refs);
	return z;
}

struct zone *
zone_unref(struct zone *z)
{
	if (z == NULL || !ref_drop(&z->refs))
		return NULL;
	for (unsigned i = 0; i < ZONE_PART_MAX; i++)
		part_done(&z->part[i]);
	free(z);
	return NULL;
}

const struct dname *
zone_apex(const struct zone *z)
{
	return &z->apex;
}

size_t
zone_n_nodes(const struct zone *z, enum zone_part part)
{
	return z->part[part].n_node;
}

size_t
zone_n_blocks(const struct zone *z, enum zone_part part)
{
	return z->part[part].n_blk;
}

/* --- walking --- */

/* The last block that begins at or before the key; 0 if there is none. */
static size_t
block_of(const struct zpart *p, struct sv key)
{
	size_t lo = 0, hi = p->n_blk;

	while (hi - lo > 1) {
		size_t mid = lo + (hi - lo) / 2;

		if (znode_cmp_key(p->blk[mid]->node[0], key) <= 0)
			lo = mid;
		else
			hi = mid;
	}
	return lo;
}

/* The first node of the block at or behind the key; n if there is none. */
static unsigned
node_of(const struct zblock *b, struct sv key, bool *ret_same)
{
	unsigned lo = 0, hi = b->n;

	*ret_same = false;
	while (lo < hi) {
		unsigned mid = lo + (hi - lo) / 2;
		int d = znode_cmp_key(b->node[mid], key);

		if (d == 0) {
			*ret_same = true;
			return mid;
		}
		if (d < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

/* The node of the key; with `before`, the last one before it where there is none. */
static struct znode *
part_find(const struct zpart *p, struct sv key, bool before)
{
	const struct zblock *b;
	unsigned i;
	bool same;

	if (p->n_blk == 0)
		return NULL;
	b = p->blk[block_of(p, key)];
	i = node_of(b, key, &same);
	if (same)
		return b->node[i];
	return before && i > 0 ? b->node[i - 1] : NULL;
}

struct znode *
zone_find(const struct zone *z, enum zone_part part, struct sv key)
{
	return part_find(&z->part[part], key, false);
}

struct znode *
zone_find_le(const struct zone *z, enum zone_part part, struct sv key)
{
	return part_find(&z->part[part], key, true);
}

struct znode *
zone_apex_node(const struct zone *z)
{
	return zone_find(z, ZONE_NAMES, (struct sv){ 0 });
}

bool
zone_serial(const struct zone *z, uint32_t *ret)
{
	const struct znode *n = zone_apex_node(z);
	struct zrrset soa;
	struct sv rest, rdata;
	struct rd r;

	if (n == NULL || !znode_find(n, RR_SOA, &soa))
		return false;
	rest = soa.rrs;
	if (!zdata_next(&rest, &rdata) || rdata.n < 22)
		return false;
	r = rd_sv(sv_skip(rdata, rdata.n - 20));
	*ret = rd_be32(&r);
	return true;
}

struct zone_it
zone_begin(const struct zone *z, enum zone_part part)
{
	return (struct zone_it){ .z = z, .part = part };
}

struct zone_it
zone_block(const struct zone *z, enum zone_part part, size_t block)
{
	return (struct zone_it){ .z = z, .part = part, .block = block };
}

struct zone_it
zone_seek(const struct zone *z, enum zone_part part, struct sv key)
{
	const struct zpart *p = &z->part[part];
	struct zone_it it = { .z = z, .part = part };
	bool same;

	if (p->n_blk == 0)
		return it;
	it.block = block_of(p, key);
	it.i = node_of(p->blk[it.block], key, &same);
	return it;
}

struct znode *
zone_next(struct zone_it *it)
{
	const struct zpart *p = &it->z->part[it->part];

	if (it->block < p->n_blk && it->i >= p->blk[it->block]->n) {
		it->block++;
		it->i = 0;
	}
	if (it->block >= p->n_blk)
		return NULL;
	return p->blk[it->block]->node[it->i++];
}

struct znode *
zone_prev(struct zone_it *it)
{
	const struct zpart *p = &it->z->part[it->part];

	if (it->i == 0) {
		if (it->block == 0)
			return NULL;
		it->block--;
		it->i = p->blk[it->block]->n;
	}
	return p->blk[it->block]->node[--it->i];
}

void
znode_name(const struct zone *z, enum zone_part part, const struct znode *n, struct dname *ret)
{
	char label[BASE32HEX_LEN(NSEC3_HASH_LEN)];

	if (part == ZONE_NAMES) {
		dkey_name(n->body, n->key_len, &z->apex, ret);
		return;
	}
	base32hex_encode(label, n->body, NSEC3_HASH_LEN);
	/* It was such a name when it came in. */
	(void)!dname_prepend((struct sv){ label, sizeof(label) }, &z->apex, ret);
}

/* --- the next version --- */

/* The blocks of a part that is being made, and nodes that are in none yet. */
struct part_out {
	struct zpart	 part;
	size_t		 cap_blk;
	struct znode	*pending[2 * ZONE_BLOCK_NODES];
	size_t		 n_pending;
};

static int
out_block(struct part_out *o, struct zblock *b)
{
	if (o->part.n_blk == o->cap_blk) {
		size_t cap = max_size(8, 2 * o->cap_blk);
		struct zblock **p = reallocarray(o->part.blk, cap, sizeof(*p));

		if (p == NULL)
			return -ENOMEM;
		o->part.blk = p;
		o->cap_blk = cap;
	}
	o->part.blk[o->part.n_blk++] = b;
	o->part.n_node += b->n;
	return 0;
}

/* The first n that are pending become a block. */
static int
out_cut(struct part_out *o, size_t n)
{
	struct zblock *b = block_new(o->pending, n);

	if (b == NULL)
		return -ENOMEM;
	memmove(o->pending, o->pending + n, (o->n_pending - n) * sizeof(*o->pending));
	o->n_pending -= n;
	if (out_block(o, b) < 0) {
		(void)block_unref(b);
		return -ENOMEM;
	}
	return 0;
}

static int
out_node(struct part_out *o, struct znode *n)
{
	if (o->n_pending == ARRAY_LEN(o->pending) && out_cut(o, ZONE_BLOCK_NODES) < 0)
		return -ENOMEM;
	o->pending[o->n_pending++] = znode_ref(n);
	return 0;
}

/* What is pending goes into one block, or two of the same size. */
static int
out_flush(struct part_out *o)
{
	if (o->n_pending > ZONE_BLOCK_NODES && out_cut(o, o->n_pending / 2) < 0)
		return -ENOMEM;
	return o->n_pending > 0 ? out_cut(o, o->n_pending) : 0;
}

static void
out_done(struct part_out *o)
{
	for (size_t i = 0; i < o->n_pending; i++)
		(void)znode_unref(o->pending[i]);
	part_done(&o->part);
}

/* A block and the changes that fall on it. */
static int
block_merge(struct part_out *o, const struct zblock *b, const struct zchange *c, size_t n)
{
	uint32_t i = 0;
	int rc = 0;

	for (size_t k = 0; rc == 0 && k < n; k++) {
		int d = -1;

		while (rc == 0 && i < b->n && (d = znode_cmp_key(b->node[i], c[k].key)) < 0)
			rc = out_node(o, b->node[i++]);
		if (i < b->n && d == 0)
			i++;			/* replaced, or gone */
		if (rc == 0 && c[k].node != NULL)
			rc = out_node(o, c[k].node);
	}
	while (rc == 0 && i < b->n)
		rc = out_node(o, b->node[i++]);
	return rc;
}

/* How many of the changes stand before the node. */
static size_t
changes_before(const struct zchange *c, size_t n, const struct znode *node)
{
	size_t lo = 0, hi = n;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (znode_cmp_key(node, c[mid].key) > 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

static int
part_apply(struct part_out *o, const struct zpart *old, const struct zchange *c, size_t n)
{
	static const struct zblock none;
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < old->n_blk; i++) {
		struct zblock *b = old->blk[i];
		size_t k = i + 1 < old->n_blk ?
		    changes_before(c, n, old->blk[i + 1]->node[0]) : n;

		if (k > 0) {
			rc = block_merge(o, b, c, k);
			c += k;
			n -= k;
		} else if ((rc = out_flush(o)) == 0 && (rc = out_block(o, b)) == 0) {
			ref_take(&b->refs);
		}
	}
	if (rc == 0 && n > 0)		/* there was no block */
		rc = block_merge(o, &none, c, n);
	return rc == 0 ? out_flush(o) : rc;
}

int
zone_of_nodes(const struct dname *apex, struct znode *const *const node[ZONE_PART_MAX],
    const size_t n[ZONE_PART_MAX], struct zone **ret)
{
	_cleanup_(zone_unrefp) struct zone *z = zone_new(apex);

	if (z == NULL)
		return -ENOMEM;
	for (unsigned part = 0; part < ZONE_PART_MAX; part++) {
		struct part_out o = { 0 };
		int rc = 0;

		for (size_t i = 0; rc == 0 && i < n[part]; i++)
			rc = out_node(&o, node[part][i]);
		if (rc == 0)
			rc = out_flush(&o);
		if (rc < 0) {
			out_done(&o);
			return rc;
		}
		z->part[part] = o.part;
	}
	*ret = TAKE_PTR(z);
	return 0;
}

int
zone_apply(struct zone *old, const struct zchange *changes[ZONE_PART_MAX],
    const size_t n[ZONE_PART_MAX], struct zone **ret)
{
	_cleanup_(zone_unrefp) struct zone *z = zone_new(&old->apex);

	if (z == NULL)
		return -ENOMEM;
	for (unsigned i = 0; i < ZONE_PART_MAX; i++) {
		struct part_out o = { 0 };
		int rc = part_apply(&o, &old->part[i], changes[i], n[i]);

		if (rc < 0) {
			out_done(&o);
			return rc;
		}
		z->part[i] = o.part;
	}
	*ret = TAKE_PTR(z);
	return 0;
}
