/*
 * What is answered to a question. We are the hidden primary of other name
 * servers and no server for anybody else: SOA, NS and DNSKEY of the apex, AXFR
 * and IXFR, for those who may have the zone; NOTIFY, from those who may say
 * so. Everything else is refused.
 */
#include <errno.h>
#include <stdlib.h>

#include "base/err.h"
#include "role/zone_role.h"

#define UDP_MIN		512		/* without EDNS */
#define UDP_MAX		1232		/* EDNS_OUR_SIZE: no fragments */
#define EDE_NOT_READY	14
#define EDE_PROHIBITED	18
#define EDE_NOT_AUTH	20
#define EDE_NOT_SUPPORTED 21
#define EDE_LEN		6		/* without text */
#define REFUSAL_SEC	60		/* between two lines in the log */

static void
refuse(struct zone_question *q, enum dns_rcode rcode, int ede)
{
	q->rcode = (uint16_t)rcode;
	q->ede = ede;
}

/*
 * What somebody asked in vain is logged (RFC 8945 section 5.2, RFC 1996 section 3.10),
 * but strangers write no log full: a line a minute, which counts the others.
 */
static void
refusal_tell(const struct zone_question *q, const struct dname *name, const char *what)
{
	struct zone_role *zr = q->zr;
	char zone[DNAME_STRLEN], host[IP_ADDR_STRLEN];
	int64_t now = role_now(zr->role);

	if (now - zr->refusal_told < REFUSAL_SEC && now >= zr->refusal_told) {
		zr->n_refusals_untold++;
		return;
	}
	role_log(zr->role, LOG_LEVEL_WARN, "%s, asked by %s: %s (%u others were refused since the last such line)",
	    dname_str(name, zone), ip_addr_str(q->from->addr, q->from->af, host), what, zr->n_refusals_untold);
	zr->refusal_told = now;
	zr->n_refusals_untold = 0;
}

/* --- NOTIFY --- */

static bool
may_notify(const struct zone_question *q, const struct dname *key)
{
	const struct zone_list_entry *e = q->z->e;

	if (e->hear.n > 0)
		return zone_peers_allow(&e->hear, q->from, key);
	/* RFC 1996 section 3.10 asks for no more than that; it is a hint. */
	for (size_t i = 0; i < e->primaries.n; i++)
		if (ip_prefix_cmp(&e->primaries.v[i].addr, q->from) == 0)
			return true;
	return false;
}

static void
judge_notify(struct zone_question *q, const struct dname *key)
{
	if (q->z == NULL || !zone_is_fed(q->z))
		refuse(q, DNS_NOTAUTH, EDE_NOT_AUTH);
	else if (q->q.q.type != RR_SOA)
		refuse(q, DNS_NOTIMP, EDE_NOT_SUPPORTED);
	else if (!may_notify(q, key)) {
		/* RFC 1996 section 3.10: ignored, and told; the answer spares the sender its repetitions. */
		refuse(q, DNS_REFUSED, EDE_PROHIBITED);
		refusal_tell(q, &q->q.q.name, "NOTIFY from who is none of its primaries");
	} else
		zone_in_notified(q->z, q->from, q->q.has_soa, q->q.serial);
}

/* --- transfers --- */

/* The steps from the serial to now; they stay until the question is done. */
static int
steps_take(struct zone_question *q, size_t first)
{
	const struct zone_history *h = &q->z->history;
	size_t n = h->n - first;

	if ((q->steps = calloc(n, sizeof(struct zone_step *))) == NULL ||
	    (q->diffs = calloc(n, sizeof(struct xfr_diff *))) == NULL)
		return -ENOMEM;
	for (; q->n_steps < n; q->n_steps++) {
		struct zone_step *s = h->v[first + q->n_steps];

		s->refs++;
		q->steps[q->n_steps] = s;
		q->diffs[q->n_steps] = s->diff;
	}
	return 0;
}

/* -EINVAL: by AXFR instead. */
static int
ixfr(struct zone_question *q)
{
	const struct zone_history *h = &q->z->history;
	struct zone *zone = q->z->now.signed_zone;
	size_t first = h->n, octets = 0;
	uint32_t serial;
	int rc;

	if (!zone_serial(zone, &serial))
		return -EINVAL;
	if (q->q.serial == serial || serial_gt(q->q.serial, serial))
		return xfr_out_ixfr(&q->q, zone, NULL, 0, &q->out);
	while (first > 0 && (first == h->n || h->v[first]->from != q->q.serial))
		octets += h->v[--first]->octets;
	/* RFC 1995 section 5: what would be longer than the zone is not kept, let alone sent. */
	if (first == h->n || h->v[first]->from != q->q.serial || (q->z->kept[KEEP_OUT].image_octets > 0 &&
	    octets > q->z->kept[KEEP_OUT].image_octets))
		return -EINVAL;
	if ((rc = steps_take(q, first)) < 0)
		return rc;
	return xfr_out_ixfr(&q->q, zone, q->diffs, q->n_steps, &q->out);
}

static int
judge_transfer(struct zone_question *q)
{
	int rc = q->q.q.type == RR_IXFR ? ixfr(q) : -EINVAL;

	if (rc == -EINVAL && (q->out = xfr_out_axfr(&q->q, q->z->now.signed_zone)) == NULL)
		rc = -ENOMEM;
	if (rc == -ENOMEM)
		return rc;
	q->z->n_out += !q->udp;
	return 0;
}

/* --- everything else --- */

static int
judge_query(struct zone_question *q, const struct dname *key)
{
	uint16_t type = q->q.q.type;

	/* RFC 5936 section 2.2.1: NotAuth is what is said of a zone that is not served here. */
	if (q->z == NULL)
		refuse(q, type == RR_AXFR || type == RR_IXFR ? DNS_NOTAUTH : DNS_REFUSED, EDE_NOT_AUTH);
	else if (!zone_peers_allow(&q->z->e->transfer, q->from, key))
		refuse(q, DNS_REFUSED, EDE_PROHIBITED);
	else if (q->z->now.signed_zone == NULL)
		refuse(q, DNS_SERVFAIL, EDE_NOT_READY);
	else if (type == RR_AXFR && q->udp)	/* RFC 5936 section 4.2: not defined */
		refuse(q, DNS_FORMERR, -1);
	else if (type == RR_AXFR || type == RR_IXFR)
		return judge_transfer(q);
	else if (type != RR_SOA && type != RR_NS && type != RR_DNSKEY)
		refuse(q, DNS_REFUSED, EDE_NOT_SUPPORTED);
	return 0;
}

static struct zone_one *
zone_of(struct zone_role *zr, const struct dname *name)
{
	for (size_t i = 0; i < zr->list.n; i++)
		if (dname_eq(&zr->list.v[i].name, name))
			return &zr->zones[i];
	return NULL;
}

/* Who asks: a verdict, and an rcode if that is FAILED. Negative: no memory. */
static int
judge_signature(struct zone_question *q, struct sv wire, uint16_t *ret_rcode)
{
	_cleanup_(buf_done) struct buf b = BUF_INIT;
	struct zone_role *zr = q->zr;
	struct findings fs;
	int verdict;

	pool_reset(zr->pool);
	findings_init(&fs, zr->pool);
	verdict = tsig_request(&q->tsig, &zr->tsig, wire, zr->room, role_now(zr->role), &fs, ret_rcode);
	if (verdict == TSIG_OK && q->q.rcode == 0 &&
	    !tsig_seen_take(zr->seen, &q->tsig, &q->q.q.name, q->from, &fs)) {
		*ret_rcode = DNS_NOTAUTH;
		verdict = TSIG_FAILED;
	}
	if (verdict == TSIG_FAILED && fs.head != NULL) {
		buf_printf(&b, "%s: ", fs.head->def->code);
		finding_text(&b, fs.head, LANG_EN);
		buf_char(&b, '\0');
		refusal_tell(q, &q->q.q.name, b.rc == 0 ? b.p : fs.head->def->code);
	}
	return verdict;
}

bool
zone_question_judge(struct zone_question *q, struct sv wire)
{
	struct zone_role *zr = q->zr;
	const struct dname *key;
	uint16_t rcode;
	int verdict, rc = 0;

	q->ede = -1;
	if (dns_query_parse(wire, zr->room, &q->q) < 0 || (verdict = judge_signature(q, wire, &rcode)) < 0)
		return false;
	q->rcode = verdict == TSIG_FAILED ? rcode : q->q.rcode;
	if (q->rcode != 0)
		return true;
	key = verdict == TSIG_OK ? &q->tsig.key->name : NULL;
	q->z = zone_of(zr, &q->q.q.name);
	if (q->q.head.opcode == DNS_OP_NOTIFY)
		judge_notify(q, key);
	else
		rc = judge_query(q, key);
	if (rc < 0)
		refuse(q, DNS_SERVFAIL, -1);
	return true;
}

/* --- the answer --- */

static int
set_put(struct dmsg_wr *w, enum dns_section section, const struct dname *owner, uint16_t type, uint32_t ttl,
    struct sv rest)
{
	struct dns_rr rr = { .owner = owner, .type = type, .class = DNS_CLASS_IN, .ttl = ttl };
	int rc = 0;

	while (rc == 0 && zdata_next(&rest, &rr.rdata))
		rc = dmsg_put(w, section, &rr);
	return rc;
}

/*
 * No such data (DNSKEY of a zone without keys): RFC 2308 section 3: "MUST include the SOA
 * record of the zone in the authority section", with the lesser of its TTL and MINIMUM.
 */
static int
nothing_put(const struct zone_question *q, struct dmsg_wr *w)
{
	struct zone *zone = q->z->now.signed_zone;
	struct zrrset set;
	struct sv rest, rdata;
	struct rd r;

	if (!znode_find(zone_apex_node(zone), RR_SOA, &set))
		return 0;
	rest = set.rrs;
	if (!zdata_next(&rest, &rdata) || rdata.n < 4)
		return 0;
	r = rd_sv(sv_skip(rdata, rdata.n - 4));
	return set_put(w, DNS_AUTHORITY, zone_apex(zone), RR_SOA, (uint32_t)min_size(set.ttl, rd_be32(&r)), set.rrs);
}

static int
records_put(const struct zone_question *q, struct dmsg_wr *w)
{
	struct zone *zone = q->z->now.signed_zone;
	struct znode *apex = zone_apex_node(zone);
	struct zrrset set;
	int rc;

	if (apex == NULL)
		return 0;
	if (!znode_find(apex, q->q.q.type, &set))
		return nothing_put(q, w);
	rc = set_put(w, DNS_ANSWER, zone_apex(zone), set.type, set.ttl, set.rrs);
	if (rc == 0 && q->q.edns.dnssec_ok)
		rc = set_put(w, DNS_ANSWER, zone_apex(zone), RR_RRSIG, set.sig_ttl, set.sigs);
	return rc;
}

static size_t
plain_answer(struct zone_question *q, uint8_t *buf, size_t cap)
{
	bool query = q->q.head.opcode == DNS_OP_QUERY;
	uint8_t options[EDE_LEN];
	struct wr o = wr_mem(options, sizeof(options));
	struct dmsg_wr w;

	if (q->ede >= 0 && q->q.edns.present)
		ede_write(&o, (uint16_t)q->ede, SV(""));
	dns_answer_begin(&w, buf, cap, &q->q, q->rcode == 0 ? DNS_AA : 0, tsig_room(&q->tsig) + o.len);
	if (q->rcode == 0 && query && records_put(q, &w) < 0)
		dmsg_truncate(&w);
	return dns_answer_end(&w, &q->q, q->rcode, (struct sv){ (const char *)options, o.len });
}

static size_t
udp_room(const struct zone_question *q, size_t cap)
{
	size_t n = q->q.edns.present ? max_size(q->q.edns.udp_size, UDP_MIN) : UDP_MIN;

	return min_size(cap, min_size(n, UDP_MAX));
}

/* 1, 0 when the transfer has ended, negative. One record may need the largest message. */
static int
transfer_answer(struct zone_question *q, uint8_t *buf, size_t cap, size_t *ret_len)
{
	size_t keep = tsig_room(&q->tsig);
	int rc;

	if (q->udp)
		return xfr_out_udp(q->out, buf, cap, keep, ret_len);
	rc = xfr_out_next(q->out, buf, min_size(cap, XFR_MESSAGE_MAX), keep, ret_len);
	return rc == SE_LIMIT ? xfr_out_next(q->out, buf, cap, keep, ret_len) : rc;
}

int
zone_question_answer(struct zone_question *q, uint8_t *buf, size_t cap, size_t *ret_len)
{
	int rc;

	cap = q->udp ? udp_room(q, cap) : cap;
	if (q->out != NULL) {
		if ((rc = transfer_answer(q, buf, cap, ret_len)) <= 0)
			return rc;
	} else if ((*ret_len = plain_answer(q, buf, cap)) == 0)
		return SE_LIMIT;
	rc = tsig_sign(&q->tsig, buf, ret_len, cap, role_now(q->zr->role));
	return rc < 0 ? rc : 1;
}

void
zone_question_done(struct zone_question *q)
{
	q->out = xfr_out_free(q->out);
	for (size_t i = 0; i < q->n_steps; i++)
		(void)zone_step_unref(q->steps[i]);
	free(q->steps);
	free(q->diffs);
	tsig_done(&q->tsig);
	*q = (struct zone_question){ .zr = q->zr, .from = q->from, .udp = q->udp, .ede = -1 };
}
