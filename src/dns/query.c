/* Queries and answers as both sides make and read them; NOTIFY; DSYNC. */
#include <errno.h>

#include "dns/wire.h"
#include "dns/wire_internal.h"

int
soa_serial(struct sv rdata, uint32_t *ret)
{
	struct rd r = rd_sv(rdata);
	struct dname n;
	uint32_t serial;

	dname_rd(&r, &n);
	dname_rd(&r, &n);
	serial = rd_be32(&r);
	if (r.bad || rd_left(&r) != 16)
		return -EBADMSG;
	*ret = serial;
	return 0;
}

/* --- a server's side --- */

static bool
query_rr(struct dns_query *q, enum dns_section s, const struct dns_rr *rr)
{
	enum dns_section soa = q->head.opcode == DNS_OP_NOTIFY ? DNS_ANSWER : DNS_AUTHORITY;

	if (rr->type == RR_OPT) {
		if (s != DNS_ADDITIONAL || q->edns.present)
			return false;	/* RFC 6891 section 6.1.1: more than one is a FORMERR */
		return edns_parse(rr, &q->edns) == 0;
	}
	if (rr->type != RR_SOA || s != soa || !dname_eq(rr->owner, &q->q.name))
		return true;
	if (q->has_soa || soa_serial(rr->rdata, &q->serial) < 0)
		return false;
	q->has_soa = true;
	return true;
}

static bool
query_rrs(struct dmsg *m, struct dns_query *q)
{
	enum dns_section s;
	struct dns_rr rr;
	int rc;

	if (q->head.n[DNS_QUESTION] != 1 || dmsg_question(m, &q->q) != 1)
		return false;
	while ((rc = dmsg_next(m, &s, &rr)) > 0)
		if (!query_rr(q, s, &rr))
			return false;
	return rc == 0 && (q->q.type != RR_IXFR || q->has_soa || q->head.opcode != DNS_OP_QUERY);
}

int
dns_query_parse(struct sv wire, uint8_t *room, struct dns_query *ret)
{
	struct dns_query q = { .rcode = DNS_NOERROR };
	struct dmsg m;

	if (dmsg_open(&m, wire, room) < 0 || (m.head.flags & DNS_QR) != 0)
		return -EBADMSG;
	q.head = m.head;
	q.q.name = DNAME_ROOT;
	if (m.head.opcode != DNS_OP_QUERY && m.head.opcode != DNS_OP_NOTIFY)
		q.rcode = DNS_NOTIMP;
	else if (!query_rrs(&m, &q))
		q.rcode = DNS_FORMERR;
	else if (q.edns.present && q.edns.version > 0)
		q.rcode = DNS_BADVERS;
	else if (q.q.class != DNS_CLASS_IN)
		q.rcode = DNS_REFUSED;
	*ret = q;
	return 0;
}

void
dns_answer_begin(struct dmsg_wr *w, uint8_t *buf, size_t cap, const struct dns_query *q,
    uint16_t flags, size_t keep)
{
	/* RFC 1035 section 4.1.1; RFC 4035 section 3: "MUST copy the CD bit", and ignore AD. */
	uint16_t copied = q->head.opcode == DNS_OP_QUERY ? DNS_RD | DNS_CD : DNS_RD;
	const struct dns_head h = {
		.id = q->head.id,
		.opcode = q->head.opcode,
		.flags = (uint16_t)(DNS_QR | flags | (q->head.flags & copied)),
	};
	static const struct edns none = { .present = false };

	dmsg_begin(w, buf, cap, &h);
	dmsg_keep(w, keep + (q->edns.present ? edns_len(&none) : 0));
	/* A question that could not be read is not repeated. */
	if (q->q.type != 0 && q->q.class == DNS_CLASS_IN &&
	    dmsg_put_question(w, &q->q.name, q->q.type) < 0)
		w->w.bad = true;
}

size_t
dns_answer_end(struct dmsg_wr *w, const struct dns_query *q, unsigned rcode, struct sv options)
{
	const struct edns e = {
		.present = true,
		.dnssec_ok = q->edns.dnssec_ok,
		.udp_size = EDNS_OUR_SIZE,
		.rcode_high = (uint8_t)(rcode >> 4),
		.options = options,
	};

	w->head.rcode = rcode & 15;
	if (q->edns.present && dmsg_put_edns(w, &e) < 0)
		return 0;
	return dmsg_end(w);
}

/* --- a client's side --- */

static size_t
ask(uint8_t *buf, size_t cap, const struct dns_head *h, const struct dname *name, uint16_t type,
    const struct dns_rr *answer, const struct edns *e)
{
	struct dmsg_wr w;

	dmsg_begin(&w, buf, cap, h);
	if (dmsg_put_question(&w, name, type) < 0)
		return 0;
	if (answer != NULL && dmsg_put(&w, DNS_ANSWER, answer) < 0)
		return 0;
	if (e != NULL && dmsg_put_edns(&w, e) < 0)
		return 0;
	return dmsg_end(&w);
}

size_t
dns_query_write(uint8_t *buf, size_t cap, uint16_t id, const struct dname *name, uint16_t type,
    const struct edns *e)
{
	return ask(buf, cap, &(struct dns_head){ .id = id }, name, type, NULL, e);
}

/* RFC 1996 section 3.7: the SOA may be there, and is a hint that nobody need believe. */
size_t
notify_write(uint8_t *buf, size_t cap, uint16_t id, const struct dname *name, uint16_t type,
    const struct dns_rr *soa)
{
	return ask(buf, cap,
	    &(struct dns_head){ .id = id, .flags = DNS_AA, .opcode = DNS_OP_NOTIFY }, name, type,
	    soa, NULL);
}

bool
dns_is_answer(struct dmsg *m, uint16_t id, enum dns_opcode op, const struct dname *name,
    uint16_t type)
{
	struct dns_question q;

	if (m->head.id != id || m->head.opcode != op || (m->head.flags & DNS_QR) == 0)
		return false;
	/* Errors often come without their question, as do later messages of a transfer. */
	if (m->head.n[DNS_QUESTION] == 0)
		return true;
	return m->head.n[DNS_QUESTION] == 1 && dmsg_question(m, &q) == 1 && q.type == type &&
	    q.class == DNS_CLASS_IN && dname_eq(&q.name, name);
}

bool
dns_answer_check(struct dmsg *m, uint16_t id, enum dns_opcode op, const struct dname *name,
    uint16_t type, struct findings *fs)
{
	char rcode[DNS_RCODE_STRLEN];

	if (!dns_is_answer(m, id, op, name, type)) {
		finding_add0(fs, &wire_findings[XFR_MISMATCH]);
		return false;
	}
	if (m->head.rcode != DNS_NOERROR) {
		(void)dns_rcode_str(m->head.rcode, false, rcode);
		finding_add(fs, &wire_findings[XFR_RCODE], FA_STR("rcode", rcode));
		return false;
	}
	if ((m->head.flags & DNS_TC) != 0) {
		finding_add0(fs, &wire_findings[XFR_TRUNCATED]);
		return false;
	}
	return true;
}

int
soa_answer_parse(struct sv wire, uint8_t *room, uint16_t id, const struct dname *zone,
    struct findings *fs, uint32_t *ret_serial)
{
	enum dns_section s;
	struct dns_rr rr;
	struct dmsg m;
	bool got = false;
	uint32_t serial;
	int rc;

	if (dmsg_open(&m, wire, room) < 0) {
		finding_add0(fs, &wire_findings[XFR_FORMAT]);
		return -EBADMSG;
	}
	if (!dns_answer_check(&m, id, DNS_OP_QUERY, zone, RR_SOA, fs))
		return -EBADMSG;
	while ((rc = dmsg_next(&m, &s, &rr)) > 0)
		if (s == DNS_ANSWER && rr.type == RR_SOA && dname_eq(rr.owner, zone) && !got)
			got = soa_serial(rr.rdata, &serial) == 0;
	if (rc < 0 || !got) {
		finding_add0(fs, &wire_findings[rc < 0 ? XFR_FORMAT : XFR_NO_SOA]);
		return -EBADMSG;
	}
	*ret_serial = serial;
	return 0;
}

/* --- whom to tell (RFC 9859) --- */

int
dsync_parse(struct sv rdata, struct dsync *ret)
{
	struct rd r = rd_sv(rdata);
	struct dsync d;

	d.type = rd_be16(&r);
	d.scheme = rd_u8(&r);
	d.port = rd_be16(&r);
	dname_rd(&r, &d.target);
	if (!rd_done(&r))
		return -EBADMSG;
	*ret = d;
	return 0;
}

/* RFC 9859 section 4.1: the label stands between the child's labels and the parent's name. */
int
dsync_name(const struct dname *child, const struct dname *parent, struct dname *ret)
{
	struct dname n;
	size_t head;
	int rc;

	rc = dname_prepend(SV("_dsync"), parent, &n);
	if (rc < 0)
		return rc;
	if (child != NULL) {
		if (!dname_within(child, parent) || child->len == parent->len)
			return -EINVAL;
		head = (size_t)child->len - parent->len;
		if (head + n.len > DNS_NAME_MAX)
			return -E2BIG;
		memmove(n.w + head, n.w, n.len);
		memcpy(n.w, child->w, head);
		n.len = (uint8_t)(n.len + head);
	}
	*ret = n;
	return 0;
}
