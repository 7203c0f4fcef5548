/* Records removed and added, as a transfer says them: the next version. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/pool.h"
#include "dns/zone_internal.h"

struct op {
	enum zone_part	 part;
	uint16_t	 type;
	bool		 is_sig, is_add;
	uint32_t	 ttl;
	struct sv	 key, rdata;	/* in the pool */
	size_t		 seq;
};

struct zone_edit {
	struct zone	*old;
	struct findings	*fs;
	struct pool	*pool;
	struct op	*op;
	size_t		 n, cap;
	struct zdraft	 was, draft;	/* of one name: as it is, as it will be */
	uint8_t		 canon[DNS_RDATA_MAX];
};

struct zone_edit *
zone_edit_new(struct zone *old, struct findings *fs)
{
	struct zone_edit *e = calloc(1, sizeof(*e));

	if (e == NULL)
		return NULL;
	e->old = zone_ref(old);
	e->fs = fs;
	if ((e->pool = pool_new(ZONE_EDIT_POOL_MAX)) == NULL)
		return zone_edit_free(e);
	return e;
}

struct zone_edit *
zone_edit_free(struct zone_edit *e)
{
	if (e == NULL)
		return NULL;
	(void)zone_unref(e->old);
	(void)pool_free(e->pool);
	zdraft_done(&e->was);
	zdraft_done(&e->draft);
	free(e->op);
	free(e);
	return NULL;
}

static int
edit_op(struct zone_edit *e, const struct dns_rr *rr, bool is_add)
{
	struct zplace at;
	struct op *op;
	int rc;

	if (!zone_rr_storable(rr, zone_apex(e->old), e->fs))
		return -EINVAL;
	if ((rc = zplace_of(zone_apex(e->old), rr, &at)) < 0)
		return rc;
	if (e->n == e->cap) {
		size_t cap = max_size(64, 2 * e->cap);

		if ((op = reallocarray(e->op, cap, sizeof(*op))) == NULL)
			return -ENOMEM;
		e->op = op;
		e->cap = cap;
	}
	op = &e->op[e->n];
	*op = (struct op){ .part = at.part, .type = at.type, .is_sig = at.is_sig,
		.is_add = is_add, .ttl = rr->ttl, .seq = e->n,
		.key = pool_sv(e->pool, (struct sv){ (const char *)at.key.b, at.key.len }),
		.rdata = pool_sv(e->pool, zone_rr_canonical(rr, e->canon)) };
	if (op->key.p == NULL || op->rdata.p == NULL)
		return pool_is_full(e->pool) ? -E2BIG : -ENOMEM;
	e->n++;
	return 0;
}

int
zone_edit_del(struct zone_edit *e, const struct dns_rr *rr)
{
	return edit_op(e, rr, false);
}

int
zone_edit_add(struct zone_edit *e, const struct dns_rr *rr)
{
	return edit_op(e, rr, true);
}

static int
key_cmp(struct sv a, struct sv b)
{
	return dkey_cmp((const uint8_t *)a.p, a.n, (const uint8_t *)b.p, b.n);
}

/* The order of a node's records (zdraft_node()). */
static int
data_cmp(const struct op *op, uint16_t type, bool is_sig, struct sv rdata)
{
	if (op->type != type)
		return op->type < type ? -1 : 1;
	if (op->is_sig != is_sig)
		return op->is_sig ? 1 : -1;
	return sv_cmp(op->rdata, rdata);
}

static bool
same_name(const struct op *a, const struct op *b)
{
	return a->part == b->part && sv_eq(a->key, b->key);
}

/* By place and record; there, in the order in which they came. */
static int
op_qsort(const void *a, const void *b)
{
	const struct op *x = a, *y = b;
	int d = (int)x->part - (int)y->part;

	if (d == 0)
		d = key_cmp(x->key, y->key);
	if (d == 0)
		d = data_cmp(x, y->type, y->is_sig, y->rdata);
	return d != 0 ? d : x->seq < y->seq ? -1 : 1;
}

/*
 * NSD 4.6.1's own differences add records of the apex that are there already
 * (2026-11-22, tests/peer/test_xfr.py). Nothing is lost by it.
 */
static int
double_tell(struct zone_edit *e, const struct op *op)
{
	char name[DNAME_STRLEN] = "", type[RRTYPE_STRLEN];
	struct dname d;

	if (op->part == ZONE_NAMES) {
		dkey_name((const uint8_t *)op->key.p, op->key.n, zone_apex(e->old), &d);
		(void)dname_str(&d, name);
	}
	finding_add(e->fs, &dns_findings[DNS_ZONE_EDIT_DOUBLE], FA_STR("name", name),
	    FA_STR("type", rrtype_str(op->is_sig ? RR_RRSIG : op->type, type)));
	return 0;
}

/* All that is said of one record, op[*i] on, which is there with that TTL or is not. */
static int
edit_record(struct zone_edit *e, size_t *i, bool is_there, uint32_t ttl)
{
	const struct op *first = &e->op[*i];
	int rc = 0;

	for (; rc == 0 && *i < e->n; (*i)++) {
		const struct op *op = &e->op[*i];

		if (!same_name(op, first) || data_cmp(op, first->type, first->is_sig, first->rdata) != 0)
			break;
		if (op->is_add && is_there)
			rc = op->ttl == ttl ? double_tell(e, op) : -EEXIST;
		else if (!op->is_add && !is_there)
			rc = -ENOENT;
		is_there = op->is_add;
		ttl = op->ttl;
	}
	if (rc < 0 || !is_there)
		return rc;
	return zdraft_add(&e->draft, first->type, first->is_sig, ttl, first->rdata);
}

/*
 * All that is said of one name, op[*i] on: its records and what is said of them
 * stand in one order, so that a name of 65535 records costs a walk.
 */
static int
edit_name(struct zone_edit *e, size_t *i, struct zchange *ret)
{
	const struct op *first = &e->op[*i];
	const struct znode *old = zone_find(e->old, first->part, first->key);
	size_t k = 0;
	int rc = 0;

	zdraft_reset(&e->was);
	zdraft_reset(&e->draft);
	if (old != NULL)
		rc = zdraft_add_node(&e->was, old);
	for (bool more = true; rc == 0 && (more || k < e->was.n_rec);) {
		const struct op *op = &e->op[*i];
		const struct zrec *r = k < e->was.n_rec ? &e->was.rec[k] : NULL;
		struct sv data = r != NULL ? zdraft_data(&e->was, k) : (struct sv){ 0 };
		int d = !more ? 1 : r == NULL ? -1 : data_cmp(op, r->type, r->is_sig, data);

		if (d > 0)
			rc = zdraft_add(&e->draft, r->type, r->is_sig, r->ttl, data);
		else
			rc = edit_record(e, i, d == 0, d == 0 ? r->ttl : 0);
		k += d >= 0;
		more = *i < e->n && same_name(&e->op[*i], first);
	}
	ret->key = first->key;
	return rc < 0 ? rc : zdraft_node(&e->draft, first->key, &ret->node);
}

int
zone_edit_done(struct zone_edit *e, struct zone **ret)
{
	struct zchange *c = calloc(max_size(1, e->n), sizeof(*c));
	const struct zchange *part[ZONE_PART_MAX] = { c, c };
	size_t n[ZONE_PART_MAX] = { 0 }, n_c = 0;
	int rc = 0;

	if (c == NULL)
		return -ENOMEM;
	if (e->n > 0)
		qsort(e->op, e->n, sizeof(*e->op), op_qsort);
	for (size_t i = 0; rc == 0 && i < e->n;) {
		enum zone_part p = e->op[i].part;

		if ((rc = edit_name(e, &i, &c[n_c])) < 0)
			break;
		n_c++;
		n[p]++;
	}
	part[ZONE_NSEC3] = c + n[ZONE_NAMES];
	if (rc == 0)
		rc = zone_apply(e->old, part, n, ret);
	for (size_t i = 0; i < n_c; i++)
		(void)znode_unref(c[i].node);
	free(c);
	return rc;
}
