/* What a resolver's message says to a question: octets in, values out; see app/mail_dns.h. */
#include <errno.h>

#include "app/mail_dns_internal.h"

/* One pass over the answer section: fn for each record of that name and type. */
static int
records_each(struct sv wire, uint8_t *room, const struct dname *name, uint16_t type,
    int (*fn)(void *arg, const struct dns_rr *), void *arg)
{
	enum dns_section s;
	struct dns_rr rr;
	struct dmsg m;
	int rc, bad = 0;

	if (dmsg_open(&m, wire, room) < 0)
		return -EBADMSG;
	while (bad == 0 && (rc = dmsg_next(&m, &s, &rr)) > 0)
		if (s == DNS_ANSWER && rr.class == DNS_CLASS_IN && rr.type == type &&
		    dname_eq(rr.owner, name))
			bad = fn(arg, &rr);
	return bad < 0 ? bad : rc;
}

/* Their number, the last one's name (of an alias), and the lowest TTL. */
struct seen_rrs {
	size_t		n;
	struct dname	target;
	uint32_t	ttl;
};

static int
count(void *arg, const struct dns_rr *rr)
{
	struct rd r = rd_sv(rr->rdata);
	struct seen_rrs *c = arg;
	/* RFC 2181 section 8: with the highest bit set, it is zero. */
	uint32_t ttl = rr->ttl > INT32_MAX ? 0 : rr->ttl;

	if (rr->type == RR_CNAME) {
		dname_rd(&r, &c->target);
		if (!rd_done(&r))
			return -EBADMSG;
	}
	c->ttl = ttl < c->ttl ? ttl : c->ttl;
	c->n++;
	return 0;
}

static int
take(void *arg, const struct dns_rr *rr)
{
	return answer_room_add(arg, rr->type, rr->rdata);
}

static int
set_take(struct sv wire, uint8_t *room, struct pool *pool, const struct dname *name, uint16_t type,
    const struct seen_rrs *seen, struct mail_answer *ret)
{
	struct answer_room a;
	int rc = answer_room_init(&a, pool, seen->n);

	if (rc == 0)
		rc = records_each(wire, room, name, type, take, &a);
	if (rc == 0)
		*ret = (struct mail_answer){ .rcode = MAIL_DNS_FOUND, .ttl_sec = seen->ttl,
			.n = a.n, .rdata = a.rdata };
	return rc;
}

int
wire_answer(struct sv wire, uint8_t *room, struct pool *pool, const struct mail_question *q,
    struct mail_answer *ret, const char **ret_why)
{
	struct seen_rrs c = { .ttl = UINT32_MAX };
	struct dname name = q->name;
	struct dns_head h;
	int rc = answer_head(wire, &h);

	for (unsigned i = 0; rc == 0 && i <= MAIL_DNS_ALIASES_MAX; i++) {
		c.n = 0;
		if ((rc = records_each(wire, room, &name, q->type, count, &c)) < 0)
			return rc;
		if (c.n > 0)
			return set_take(wire, room, pool, &name, q->type, &c, ret);
		if ((rc = records_each(wire, room, &name, RR_CNAME, count, &c)) < 0)
			return rc;
		if (c.n == 0) {
			/* RFC 6604 section 3: the code is that of the last name of the chain. */
			ret->rcode = h.rcode == DNS_NXDOMAIN ? MAIL_DNS_NXDOMAIN : MAIL_DNS_NODATA;
			return 0;
		}
		name = c.target;
	}
	if (rc < 0)
		return rc;
	ret->rcode = MAIL_DNS_FAILED;
	*ret_why = N_("its aliases (CNAME) go round, or are too many");
	return 0;
}
