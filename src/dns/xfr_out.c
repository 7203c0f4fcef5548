/* A zone, or what changed in it, as messages of AXFR (RFC 5936) and IXFR (RFC 1995). */
#include <errno.h>
#include <stdlib.h>

#include "dns/wire.h"
#include "dns/wire_internal.h"

enum stage {
	AT_BEGIN,		/* the SOA */
	AT_BODY,
	AT_LAST,		/* the SOA again */
	AT_END
};

struct xfr_out {
	struct dns_query	 q;
	struct zone		*z;
	enum stage		 stage;
	struct dns_rr		 soa;		/* lies in the zone */
	bool			 lone;		/* the SOA is all there is to say */
	/* AXFR: where the walk is. */
	struct zone_it		 it;
	struct znode		*node;
	size_t			 pos;		/* in its RRsets */
	struct zrrset		 set;
	struct sv		 rrs, sigs;	/* what is left of the set */
	struct dname		 owner;
	/* IXFR: which difference, which side. */
	const struct xfr_diff *const *chain;
	size_t			 n_chain, i_chain;
	struct xfr_diff_it	 side;
	/* The record that did not fit into the last message. */
	struct dns_rr		 next;
	bool			 has_next, began;
};

static struct xfr_out *
out_new(const struct dns_query *q, struct zone *z)
{
	_cleanup_(xfr_out_freep) struct xfr_out *x = calloc(1, sizeof(*x));
	struct znode *apex = zone_apex_node(z);
	struct zrrset soa;
	struct sv rest, rdata;

	if (x == NULL || apex == NULL || !znode_find(apex, RR_SOA, &soa))
		return NULL;
	rest = soa.rrs;
	if (!zdata_next(&rest, &rdata))
		return NULL;
	x->q = *q;
	x->q.edns.options = (struct sv){ NULL, 0 };
	x->z = zone_ref(z);
	x->soa = (struct dns_rr){ .owner = zone_apex(z), .type = RR_SOA, .class = DNS_CLASS_IN,
	    .ttl = soa.ttl, .rdata = rdata };
	return TAKE_PTR(x);
}

struct xfr_out *
xfr_out_free(struct xfr_out *x)
{
	if (x != NULL)
		(void)zone_unref(x->z);
	free(x);
	return NULL;
}

struct xfr_out *
xfr_out_axfr(const struct dns_query *q, struct zone *z)
{
	struct xfr_out *x = out_new(q, z);

	if (x != NULL)
		x->it = zone_begin(z, ZONE_NAMES);
	return x;
}

/* Does the chain lead from one serial to the other without a gap? */
static bool
chain_ok(const struct xfr_diff *const *chain, size_t n, uint32_t from, uint32_t to)
{
	uint32_t a, b;

	for (size_t i = 0; i < n; i++) {
		if (!xfr_diff_serials(chain[i], &a, &b) || a != from)
			return false;
		from = b;
	}
	return n == 0 || from == to;
}

int
xfr_out_ixfr(const struct dns_query *q, struct zone *z, const struct xfr_diff *const *chain,
    size_t n, struct xfr_out **ret)
{
	_cleanup_(xfr_out_freep) struct xfr_out *x = NULL;
	uint32_t serial;

	if (!zone_serial(z, &serial) || !chain_ok(chain, n, q->serial, serial))
		return -EINVAL;
	if ((x = out_new(q, z)) == NULL)
		return -ENOMEM;
	x->chain = chain;
	x->n_chain = n;
	x->lone = n == 0;
	if (n > 0)
		x->side = xfr_diff_begin(chain[0], false);
	*ret = TAKE_PTR(x);
	return 0;
}

/* --- records in turn --- */

/* The next RRset of the walk; false when the zone has ended. */
static bool
walk_set(struct xfr_out *x)
{
	while (x->node == NULL || !znode_next(x->node, &x->pos, &x->set)) {
		x->pos = 0;
		x->node = zone_next(&x->it);
		if (x->node == NULL && x->it.part == ZONE_NSEC3)
			return false;
		if (x->node == NULL)
			x->it = zone_begin(x->z, ZONE_NSEC3);
		else
			znode_name(x->z, x->it.part, x->node, &x->owner);
	}
	/* The SOA goes first and last, its signatures stand where they stand. */
	x->rrs = x->set.type == RR_SOA ? (struct sv){ NULL, 0 } : x->set.rrs;
	x->sigs = x->set.sigs;
	return true;
}

static bool
walk(struct xfr_out *x, struct dns_rr *ret)
{
	*ret = (struct dns_rr){ .owner = &x->owner, .class = DNS_CLASS_IN };
	for (;;) {
		if (zdata_next(&x->rrs, &ret->rdata)) {
			ret->type = x->set.type;
			ret->ttl = x->set.ttl;
			return true;
		}
		if (zdata_next(&x->sigs, &ret->rdata)) {
			ret->type = RR_RRSIG;
			ret->ttl = x->set.sig_ttl;
			return true;
		}
		if (!walk_set(x))
			return false;
	}
}

static bool
diffs(struct xfr_out *x, struct dns_rr *ret)
{
	while (!xfr_diff_next(&x->side, ret)) {
		if (x->side.add && ++x->i_chain == x->n_chain)
			return false;
		x->side = xfr_diff_begin(x->chain[x->i_chain], !x->side.add);
	}
	return true;
}

/* The SOA, what lies between, the SOA. */
static bool
next(struct xfr_out *x, struct dns_rr *ret)
{
	if (x->has_next) {
		x->has_next = false;
		*ret = x->next;
		return true;
	}
	if (x->stage == AT_BODY) {
		if (x->chain == NULL ? walk(x, ret) : diffs(x, ret))
			return true;
		x->stage = AT_LAST;
	}
	if (x->stage == AT_END)
		return false;
	x->stage = x->stage == AT_BEGIN && !x->lone ? AT_BODY : AT_END;
	*ret = x->soa;
	return true;
}

/* --- messages --- */

static void
begin(struct xfr_out *x, struct dmsg_wr *w, uint8_t *buf, size_t cap, size_t keep)
{
	/* RFC 5936 section 2.2.1: the question is in the first message; later it may go. */
	if (x->began)
		x->q.q.type = 0;
	x->began = true;
	dns_answer_begin(w, buf, cap, &x->q, DNS_AA, keep);
}

int
xfr_out_next(struct xfr_out *x, uint8_t *buf, size_t cap, size_t keep, size_t *ret_len)
{
	struct dmsg_wr w;
	size_t n = 0, len;

	if (x->stage == AT_END && !x->has_next)
		return 0;
	begin(x, &w, buf, cap, keep);
	while (next(x, &x->next)) {
		if (dmsg_put(&w, DNS_ANSWER, &x->next) < 0) {
			x->has_next = true;
			break;
		}
		n++;
	}
	if (n == 0 || (len = dns_answer_end(&w, &x->q, DNS_NOERROR, (struct sv){ NULL, 0 })) == 0)
		return SE_LIMIT;
	*ret_len = len;
	return 1;
}

/* RFC 1995 section 2: what does not fit is told by the SOA alone. */
int
xfr_out_udp(struct xfr_out *x, uint8_t *buf, size_t cap, size_t keep, size_t *ret_len)
{
	int rc = xfr_out_next(x, buf, cap, keep, ret_len);

	if (rc < 0 || (x->stage == AT_END && !x->has_next))
		return rc;
	x->stage = AT_BEGIN;
	x->lone = true;
	x->has_next = x->began = false;
	return xfr_out_next(x, buf, cap, keep, ret_len);
}
