/* What an answer says: nothing but octets in, values out. See role/name_role.h. */
#include <errno.h>
#include <stdlib.h>

#include "base/err.h"
#include "role/name_role.h"

/* --- a set --- */

struct gathering {
	struct sv	 one[SEEN_SET_RRS_MAX];
	size_t		 n;
};

static int
by_octets(const void *a, const void *b)
{
	return sv_cmp(*(const struct sv *)a, *(const struct sv *)b);
}

/* A copy of the data behind what out has already. */
static int
data_add(struct gathering *g, uint16_t type, struct sv rdata, struct wr *out)
{
	uint8_t *p;

	if (!rdata_ok(type, rdata))
		return -EBADMSG;
	if (g->n == ARRAY_LEN(g->one) || (p = wr_reserve(out, rdata.n)) == NULL)
		return SE_LIMIT;
	memcpy(p, rdata.p, rdata.n);
	rdata_canonical(type, p, rdata.n);
	g->one[g->n++] = (struct sv){ (const char *)p, rdata.n };
	return 0;
}

/* In canonical order without doubles (RFC 4034 section 6.3), each behind its length. */
static uint16_t
data_write(struct gathering *g, struct wr *out, struct sv *ret)
{
	size_t from = out->len;
	uint16_t n = 0;

	qsort(g->one, g->n, sizeof(g->one[0]), by_octets);
	for (size_t i = 0; i < g->n; i++) {
		if (i > 0 && sv_eq(g->one[i], g->one[i - 1]))
			continue;
		wr_be16(out, (uint16_t)g->one[i].n);
		wr_bytes(out, g->one[i].p, g->one[i].n);
		n++;
	}
	*ret = (struct sv){ (const char *)out->buf + from, out->len - from };
	return n;
}

static uint16_t
sig_covers(struct sv rdata)
{
	struct rd r = rd_sv(rdata);

	return rd_be16(&r);
}

int
answer_set(struct sv wire, uint8_t *room, const struct dname *name, uint16_t type, struct wr *out,
    struct answer_set *ret)
{
	struct gathering rrs = { .n = 0 }, sigs = { .n = 0 };
	struct answer_set a = { .ttl = 0 };
	enum dns_section s;
	struct dns_rr rr;
	struct dmsg m;
	int rc, bad = 0;

	if (dmsg_open(&m, wire, room) < 0)
		return -EBADMSG;
	while ((rc = dmsg_next(&m, &s, &rr)) > 0 && bad == 0) {
		if (s != DNS_ANSWER || rr.class != DNS_CLASS_IN || !dname_eq(rr.owner, name))
			continue;
		if (rr.type == RR_RRSIG && sig_covers(rr.rdata) == type)
			bad = data_add(&sigs, RR_RRSIG, rr.rdata, out);
		else if (rr.type == type)
			bad = data_add(&rrs, type, rr.rdata, out);
		/* RFC 2181 section 8: with the highest bit set, it is zero. */
		if (rr.type == type && rr.ttl <= INT32_MAX && rr.ttl > a.ttl)
			a.ttl = rr.ttl;
	}
	if (rc < 0 || bad < 0)
		return rc < 0 ? -EBADMSG : bad;
	a.n = data_write(&rrs, out, &a.rrs);
	a.n_sigs = data_write(&sigs, out, &a.sigs);
	if (!wr_done(out))
		return SE_LIMIT;
	*ret = a;
	return 0;
}

/* --- names and addresses --- */

bool
answer_soa(struct sv wire, uint8_t *room, enum dns_section where, struct dname *ret_owner)
{
	enum dns_section s;
	struct dns_rr rr;
	struct dmsg m;
	bool got = false;
	int rc;

	if (dmsg_open(&m, wire, room) < 0)
		return false;
	while ((rc = dmsg_next(&m, &s, &rr)) > 0)
		if (s == where && rr.type == RR_SOA && rr.class == DNS_CLASS_IN && !got) {
			*ret_owner = *rr.owner;
			dns_lower(ret_owner->w, ret_owner->len);
			got = true;
		}
	return rc == 0 && got;
}

int
answer_ns(struct sv wire, uint8_t *room, const struct dname *name,
    void (*fn)(void *, const struct dname *), void *arg)
{
	enum dns_section s;
	struct dname target;
	struct dns_rr rr;
	struct dmsg m;
	int rc;

	if (dmsg_open(&m, wire, room) < 0)
		return -EBADMSG;
	while ((rc = dmsg_next(&m, &s, &rr)) > 0) {
		struct rd r;

		if ((s != DNS_ANSWER && s != DNS_AUTHORITY) || rr.type != RR_NS ||
		    rr.class != DNS_CLASS_IN || !dname_eq(rr.owner, name))
			continue;
		r = rd_sv(rr.rdata);
		dname_rd(&r, &target);
		if (!rd_done(&r))
			return -EBADMSG;
		dns_lower(target.w, target.len);
		fn(arg, &target);
	}
	return rc < 0 ? -EBADMSG : 0;
}

int
answer_addrs(struct sv wire, uint8_t *room, enum dns_section where,
    void (*fn)(void *, const struct dname *owner, const struct ip_prefix *), void *arg)
{
	enum dns_section s;
	struct dns_rr rr;
	struct dmsg m;
	int rc;

	if (dmsg_open(&m, wire, room) < 0)
		return -EBADMSG;
	while ((rc = dmsg_next(&m, &s, &rr)) > 0) {
		bool v4 = rr.type == RR_A && rr.rdata.n == 4, v6 = rr.type == RR_AAAA && rr.rdata.n == 16;
		struct ip_prefix a = { .af = v4 ? IP_V4 : IP_V6 };
		struct dname owner;

		if (s != where || rr.class != DNS_CLASS_IN || (!v4 && !v6))
			continue;
		memcpy(a.addr, rr.rdata.p, rr.rdata.n);
		a.len = ip_bits(a.af);
		owner = *rr.owner;
		dns_lower(owner.w, owner.len);
		fn(arg, &owner, &a);
	}
	return rc < 0 ? -EBADMSG : 0;
}
