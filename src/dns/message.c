/* Reading and writing messages (RFC 1035 section 4). */
#include <errno.h>
#include <stdio.h>

#include "dns/wire.h"
#include "dns/wire_internal.h"

#define FLAGS		(DNS_QR | DNS_AA | DNS_TC | DNS_RD | DNS_RA | DNS_AD | DNS_CD)
#define POINTER		0xc0
#define POINTER_MAX	0x3fff		/* the farthest that one can point */

/*
 * RFC 3597 section 4: "Receiving servers MUST decompress domain names in RRs
 * of well-known type, and SHOULD also decompress RRs of type RP, AFSDB, RT,
 * SIG, PX, NXT, NAPTR, and SRV"; what we send is compressed for the well-known
 * types of RFC 1035 only.
 */
static const struct name_layout {
	uint16_t	type;
	uint8_t		lead;		/* octets in front */
	uint8_t		n_strings;	/* character-strings behind them */
	uint8_t		n_names;
	bool		compress;
} layouts[] = {
	{ RR_NS,	0, 0, 1, true },
	{ RR_SOA,	0, 0, 2, true },
	{ RR_CNAME,	0, 0, 1, true },
	{ RR_PTR,	0, 0, 1, true },
	{ RR_MX,	2, 0, 1, true },
	{ RR_SRV,	6, 0, 1, false },
	{ RR_NAPTR,	4, 3, 1, false },
	{ RR_RP,	0, 0, 2, false },
	{ RR_AFSDB,	2, 0, 1, false },
	{ RR_RT,	2, 0, 1, false },
	{ RR_PX,	2, 0, 2, false },
	{ RR_SIG,	18, 0, 1, false },
	{ RR_NXT,	0, 0, 1, false },
	{ RR_MD,	0, 0, 1, true },
	{ RR_MF,	0, 0, 1, true },
	{ RR_MB,	0, 0, 1, true },
	{ RR_MG,	0, 0, 1, true },
	{ RR_MR,	0, 0, 1, true },
	{ RR_MINFO,	0, 0, 2, true },
};

static const struct name_layout *
layout_find(uint16_t type)
{
	for (size_t i = 0; i < ARRAY_LEN(layouts); i++)
		if (layouts[i].type == type)
			return &layouts[i];
	return NULL;
}

const char *
dns_rcode_str(unsigned rcode, bool tsig, char dst[static DNS_RCODE_STRLEN])
{
	static const char names[][DNS_RCODE_STRLEN] = {
		"NOERROR", "FORMERR", "SERVFAIL", "NXDOMAIN", "NOTIMP", "REFUSED",
		"YXDOMAIN", "YXRRSET", "NXRRSET", "NOTAUTH", "NOTZONE", "DSOTYPENI",
		"RCODE12", "RCODE13", "RCODE14", "RCODE15", "BADVERS", "BADKEY",
		"BADTIME", "BADMODE", "BADNAME", "BADALG", "BADTRUNC", "BADCOOKIE",
	};

	if (rcode == DNS_BADSIG && tsig)
		(void)snprintf(dst, DNS_RCODE_STRLEN, "BADSIG");
	else if (rcode < ARRAY_LEN(names))
		(void)snprintf(dst, DNS_RCODE_STRLEN, "%s", names[rcode]);
	else
		(void)snprintf(dst, DNS_RCODE_STRLEN, "RCODE%u", rcode & 0xfff);
	return dst;
}

/* --- reading --- */

/*
 * One label more, at rd. Each pointer must lead to before where the labels began that it
 * ends (limit), so the chain goes strictly down.
 */
static int
label_rd(struct rd *r, struct sv wire, size_t *limit, unsigned *jumps, struct rd *behind,
    struct dname *n)
{
	uint8_t len = rd_u8(r);
	const uint8_t *p;
	size_t to;

	if ((len & POINTER) == POINTER) {
		to = (size_t)(len & ~POINTER) << 8 | rd_u8(r);
		if (r->bad || to < DNS_HEAD_LEN || to >= *limit || *jumps >= DNS_POINTERS_MAX)
			return -EBADMSG;
		if ((*jumps)++ == 0)
			*behind = *r;
		*limit = to;
		*r = rd_sv(sv_skip(wire, to));
		return 1;
	}
	p = rd_bytes(r, len);
	if (r->bad || len > DNS_LABEL_MAX || (size_t)n->len + 1 + len > DNS_NAME_MAX)
		return -EBADMSG;
	n->w[n->len] = len;
	if (len > 0)
		memcpy(n->w + n->len + 1, p, len);
	n->len = (uint8_t)(n->len + 1 + len);
	return len > 0;
}

void
dname_rd_wire(struct rd *r, struct sv wire, struct dname *ret)
{
	size_t limit = r->bad ? 0 : (size_t)(r->p - (const uint8_t *)wire.p);
	struct rd at = *r, behind = *r;
	struct dname n;
	unsigned jumps = 0;
	int rc;

	n.len = 0;
	do {
		rc = label_rd(&at, wire, &limit, &jumps, &behind, &n);
	} while (rc > 0);
	if (rc < 0) {
		r->bad = true;
		return;
	}
	*r = jumps > 0 ? behind : at;
	ret->len = n.len;
	memcpy(ret->w, n.w, n.len);
}

static void
head_rd(struct rd *r, struct dns_head *h)
{
	uint16_t bits;

	h->id = rd_be16(r);
	bits = rd_be16(r);
	h->flags = bits & FLAGS;
	h->opcode = (bits >> 11) & 15;
	h->rcode = bits & 15;
	for (size_t i = 0; i < DNS_SECTION_MAX; i++)
		h->n[i] = rd_be16(r);
}

int
dmsg_open(struct dmsg *m, struct sv wire, uint8_t *room)
{
	m->wire = wire;
	m->r = rd_sv(wire);
	m->at = DNS_HEAD_LEN;
	m->section = DNS_QUESTION;
	m->room = room;
	head_rd(&m->r, &m->head);
	m->left = m->head.n[DNS_QUESTION];
	return m->r.bad || wire.n > DNS_MSG_MAX ? -EBADMSG : 0;
}

int
dmsg_question(struct dmsg *m, struct dns_question *ret)
{
	if (m->section != DNS_QUESTION || m->left == 0)
		return 0;
	dname_rd_wire(&m->r, m->wire, &ret->name);
	ret->type = rd_be16(&m->r);
	ret->class = rd_be16(&m->r);
	m->left--;
	return m->r.bad ? -EBADMSG : 1;
}

static void
octets_copy(struct wr *w, struct rd *r, size_t n)
{
	const uint8_t *p = rd_bytes(r, n);

	if (p != NULL)
		wr_bytes(w, p, n);
}

/* The data of a type with names, decompressed into room. */
static int
data_rd(struct dmsg *m, const struct name_layout *l, struct rd *r, struct sv *ret)
{
	struct wr w = wr_mem(m->room, DNS_RDATA_MAX);
	struct dname n;
	uint8_t len;

	octets_copy(&w, r, l->lead);
	for (unsigned i = 0; i < l->n_strings && !r->bad; i++) {
		len = rd_u8(r);
		wr_u8(&w, len);
		octets_copy(&w, r, len);
	}
	for (unsigned i = 0; i < l->n_names && !r->bad; i++) {
		dname_rd_wire(r, m->wire, &n);
		if (!r->bad)
			wr_bytes(&w, n.w, n.len);
	}
	octets_copy(&w, r, rd_left(r));
	*ret = (struct sv){ (const char *)m->room, w.len };
	return r->bad || !wr_done(&w) ? -EBADMSG : 0;
}

static int
rr_rd(struct dmsg *m, struct dns_rr *ret)
{
	struct rd *r = &m->r, data;
	const struct name_layout *l;
	uint16_t len;

	m->at = (size_t)(r->p - (const uint8_t *)m->wire.p);
	dname_rd_wire(r, m->wire, &m->owner);
	ret->owner = &m->owner;
	ret->type = rd_be16(r);
	ret->class = rd_be16(r);
	ret->ttl = rd_be32(r);
	ret->line = 0;
	len = rd_be16(r);
	data = rd_sub(r, len);
	if (r->bad)
		return -EBADMSG;
	/*
	 * RFC 2181 section 8: "Implementations should treat TTL values received with the
	 * most significant bit set as if the entire value received was zero." OPT has
	 * other things there.
	 */
	if (ret->ttl > INT32_MAX && ret->type != RR_OPT)
		ret->ttl = 0;
	if ((l = layout_find(ret->type)) != NULL && len > 0)
		return data_rd(m, l, &data, &ret->rdata);
	ret->rdata = (struct sv){ (const char *)data.p, len };
	return 0;
}

int
dmsg_next(struct dmsg *m, enum dns_section *ret_section, struct dns_rr *ret)
{
	struct dns_question q;
	int rc;

	while ((rc = dmsg_question(m, &q)) > 0)
		;
	if (rc < 0)
		return rc;
	while (m->left == 0) {
		if (m->section == DNS_ADDITIONAL)
			return rd_done(&m->r) ? 0 : -EBADMSG;
		m->left = m->head.n[++m->section];
	}
	if (rr_rd(m, ret) < 0) {
		m->r.bad = true;
		return -EBADMSG;
	}
	m->left--;
	*ret_section = (enum dns_section)m->section;
	return 1;
}

/* --- writing --- */

void
dmsg_begin(struct dmsg_wr *m, uint8_t *buf, size_t cap, const struct dns_head *h)
{
	m->w = wr_mem(buf, min_size(cap, DNS_MSG_MAX));
	(void)wr_reserve(&m->w, DNS_HEAD_LEN);
	m->keep = 0;
	m->head = *h;
	memset(m->head.n, 0, sizeof(m->head.n));
	memset(m->names, 0, sizeof(m->names));
}

void
dmsg_keep(struct dmsg_wr *m, size_t n)
{
	m->keep = n;
}

/*
 * The slot of a label with the name behind it, or the empty one where it would go; NULL:
 * neither within reach.
 */
static struct dmsg_slot *
slot_find(struct dmsg_wr *m, const uint8_t *label, uint16_t above)
{
	size_t n = (size_t)label[0] + 1;
	uint32_t h = 2166136261u ^ above;
	struct dmsg_slot *s;
	const uint8_t *at;

	for (size_t i = 0; i < n; i++)
		h = (h ^ label[i]) * 16777619u;
	h ^= h >> 15;
	for (unsigned i = 0; i < DMSG_PROBES; i++) {
		s = &m->names[(h + i) % DMSG_NAMES];
		at = m->w.buf + s->at;
		if (s->at == 0 ||
		    (s->above == above && at[0] == label[0] && memcmp(at, label, n) == 0))
			return s;
	}
	return NULL;
}

/* Offsets of the labels in a name, without the root's; their number. */
static unsigned
labels_of(const uint8_t *name, uint8_t at[static DNS_LABELS_MAX])
{
	unsigned n = 0;

	for (size_t i = 0; name[i] != 0 && n < DNS_LABELS_MAX; i += (size_t)name[i] + 1)
		at[n++] = (uint8_t)i;
	return n;
}

static void
name_put(struct dmsg_wr *m, const uint8_t *name)
{
	uint8_t at[DNS_LABELS_MAX];
	unsigned n = labels_of(name, at), written = n;
	size_t start = m->w.len;
	struct dmsg_slot *s;
	uint16_t above = 0;

	while (written > 0 && (s = slot_find(m, name + at[written - 1], above)) != NULL &&
	    s->at != 0) {
		above = s->at;
		written--;
	}
	if (written == n) {
		wr_bytes(&m->w, name, dname_len_at(name));
	} else {
		wr_bytes(&m->w, name, at[written]);
		wr_be16(&m->w, (uint16_t)(POINTER << 8 | above));
	}
	/* The labels that stand here may be pointed at, as far as pointers reach. */
	while (!m->w.bad && written > 0 && start + at[written - 1] <= POINTER_MAX) {
		s = slot_find(m, name + at[written - 1], above);
		if (s == NULL || s->at != 0)
			return;
		s->at = (uint16_t)(start + at[--written]);
		s->above = above;
		above = s->at;
	}
}

/* What was written behind len is void, and so are the names in it. */
static void
cut(struct dmsg_wr *m, size_t len)
{
	m->w.len = len;
	m->w.bad = false;
	for (size_t i = 0; i < DMSG_NAMES; i++)
		if (m->names[i].at >= len)
			m->names[i] = (struct dmsg_slot){ 0, 0 };
}

/* Did it fit, in front of what is kept? Else as if it had not been tried. */
static int
settle(struct dmsg_wr *m, size_t before, size_t keep, enum dns_section s)
{
	if (!m->w.bad && m->w.len + keep <= m->w.cap && m->head.n[s] < UINT16_MAX) {
		m->head.n[s]++;
		return 0;
	}
	cut(m, before);
	return -ENOSPC;
}

int
dmsg_put_question(struct dmsg_wr *m, const struct dname *name, uint16_t type)
{
	size_t before = m->w.len;

	if (m->w.bad)
		return -ENOSPC;
	name_put(m, name->w);
	wr_be16(&m->w, type);
	wr_be16(&m->w, DNS_CLASS_IN);
	return settle(m, before, m->keep, DNS_QUESTION);
}

/* Data of RFC 1035's types with their names compressed; others as they are. */
static void
data_put(struct dmsg_wr *m, uint16_t type, struct sv rdata)
{
	const struct name_layout *l = layout_find(type);
	struct rd r = rd_sv(rdata);
	struct dname n;

	if (l == NULL || !l->compress || !rdata_ok(type, rdata)) {
		wr_bytes(&m->w, rdata.p, rdata.n);
		return;
	}
	wr_bytes(&m->w, rd_bytes(&r, l->lead), l->lead);
	for (unsigned i = 0; i < l->n_names; i++) {
		dname_rd(&r, &n);
		name_put(m, n.w);
	}
	wr_bytes(&m->w, r.p, rd_left(&r));
}

static int
rr_put(struct dmsg_wr *m, enum dns_section s, const struct dns_rr *rr, size_t keep)
{
	size_t before = m->w.len, data;
	uint8_t *len;

	if (m->w.bad)
		return -ENOSPC;
	name_put(m, rr->owner->w);
	wr_be16(&m->w, rr->type);
	wr_be16(&m->w, rr->class);
	wr_be32(&m->w, rr->ttl);
	len = wr_reserve(&m->w, 2);
	data = m->w.len;
	data_put(m, rr->type, rr->rdata);
	if (!m->w.bad)
		put_be16(len, (uint16_t)(m->w.len - data));
	return settle(m, before, keep, s);
}

int
dmsg_put(struct dmsg_wr *m, enum dns_section s, const struct dns_rr *rr)
{
	return rr_put(m, s, rr, m->keep);
}

int
dmsg_put_edns(struct dmsg_wr *m, const struct edns *e)
{
	static const struct dname root = { .len = 1 };
	const struct dns_rr opt = {
		.owner = &root,
		.type = RR_OPT,
		.class = e->udp_size,
		.ttl = (uint32_t)e->rcode_high << 24 | (uint32_t)e->version << 16 |
		    (e->dnssec_ok ? EDNS_DO : 0),
		.rdata = e->options,
	};

	return rr_put(m, DNS_ADDITIONAL, &opt, 0);
}

/* Behind the questions: they are read again, as they may be of any length. */
void
dmsg_truncate(struct dmsg_wr *m)
{
	struct sv wire = { (const char *)m->w.buf, m->w.len };
	struct rd r = rd_sv(wire);
	struct dname n;

	(void)rd_bytes(&r, DNS_HEAD_LEN);
	for (unsigned i = 0; i < m->head.n[DNS_QUESTION]; i++) {
		dname_rd_wire(&r, wire, &n);
		(void)rd_be32(&r);
	}
	m->head.flags |= DNS_TC;
	memset(m->head.n + DNS_ANSWER, 0, sizeof(m->head.n) - sizeof(m->head.n[0]));
	if (!r.bad)
		cut(m, m->w.len - rd_left(&r));
}

size_t
dmsg_end(struct dmsg_wr *m)
{
	struct wr w = wr_mem(m->w.buf, DNS_HEAD_LEN);

	if (m->w.bad)
		return 0;
	wr_be16(&w, m->head.id);
	wr_be16(&w, (uint16_t)(m->head.flags | (m->head.opcode & 15) << 11 | (m->head.rcode & 15)));
	for (size_t i = 0; i < DNS_SECTION_MAX; i++)
		wr_be16(&w, m->head.n[i]);
	return wr_done(&w) ? m->w.len : 0;
}
