/* AXFR (RFC 5936) and IXFR (RFC 1995) as they come in, message by message. */
#include <errno.h>
#include <stdlib.h>

#include "dns/wire.h"
#include "dns/wire_internal.h"

#define SOA_MAX		(2 * DNS_NAME_MAX + 20)

enum stage {
	AT_FIRST,		/* the SOA that all begins with */
	AT_SECOND,		/* which tells a whole zone from differences */
	AT_FULL,
	AT_DEL, AT_ADD,		/* in a sequence of differences */
	AT_END
};

struct xfr_in {
	struct xfr_in_opts	 o;
	struct findings		*fs;
	enum stage		 stage;
	bool			 is_diff;
	int			 over;		/* the result that it ended with; 0: it goes on */
	uint32_t		 serial;	/* of the version to come */
	uint32_t		 at;		/* reached by the differences so far */
	struct dns_rr		 soa;		/* the first one */
	uint8_t			 soa_data[SOA_MAX];
	struct xfr_diff		*diff;
	uint64_t		 n_records, n_bytes;
	uint8_t			 room[DNS_RDATA_MAX];
};

struct xfr_in *
xfr_in_new(const struct xfr_in_opts *o, struct findings *fs)
{
	struct xfr_in *x = calloc(1, sizeof(*x));

	if (x == NULL)
		return NULL;
	x->o = *o;
	x->fs = fs;
	x->o.ixfr = o->ixfr && o->has_serial;
	if (x->o.records_max == 0)
		x->o.records_max = XFR_RECORDS_MAX;
	if (x->o.bytes_max == 0)
		x->o.bytes_max = XFR_BYTES_MAX;
	return x;
}

struct xfr_in *
xfr_in_free(struct xfr_in *x)
{
	if (x != NULL)
		(void)xfr_diff_free(x->diff);
	free(x);
	return NULL;
}

/* RFC 1995 section 3: the SOA of the version that the client has, in the authority section. */
size_t
xfr_in_query(const struct xfr_in *x, uint8_t *buf, size_t cap)
{
	static const uint8_t names[2] = { 0, 0 };
	const struct dns_head h = { .id = x->o.id };
	uint8_t data[22] = { 0 };
	const struct dns_rr soa = { .owner = &x->o.zone, .type = RR_SOA, .class = DNS_CLASS_IN,
	    .rdata = { (const char *)data, sizeof(data) } };
	struct dmsg_wr w;

	memcpy(data, names, sizeof(names));
	put_be32(data + sizeof(names), x->o.serial);
	dmsg_begin(&w, buf, cap, &h);
	if (dmsg_put_question(&w, &x->o.zone, x->o.ixfr ? RR_IXFR : RR_AXFR) < 0 ||
	    (x->o.ixfr && dmsg_put(&w, DNS_AUTHORITY, &soa) < 0))
		return 0;
	return dmsg_end(&w);
}

/* --- how it ends --- */

static int
fail(struct xfr_in *x, enum wire_code code)
{
	finding_add0(x->fs, &wire_findings[code]);
	return XFR_IN_FAILED;
}

static int
fail_serial(struct xfr_in *x, enum wire_code code, uint32_t serial)
{
	finding_add(x->fs, &wire_findings[code], FA_U("serial", serial));
	return XFR_IN_FAILED;
}

static int
over_limit(struct xfr_in *x, uint64_t limit)
{
	finding_add(x->fs, &wire_findings[XFR_LIMIT], FA_U("limit", limit));
	return XFR_IN_FAILED;
}

/* Differences that do not fit: the zone can still be had as a whole. */
static int
diff_failed(struct xfr_in *x, int rc, const struct dns_rr *rr)
{
	char name[DNAME_STRLEN], type[RRTYPE_STRLEN];

	if (rc == SE_LIMIT) {
		(void)over_limit(x, XFR_DIFF_MAX);
		return XFR_IN_AXFR;
	}
	if (rc != -EEXIST && rc != -ENOENT && rc != -EINVAL)
		return rc;
	finding_add(x->fs, &wire_findings[XFR_DIFF_CONTRADICTS],
	    FA_STR("name", dname_str(rr->owner, name)), FA_STR("type", rrtype_str(rr->type, type)));
	return XFR_IN_AXFR;
}

/* --- records: XFR_IN_MORE, another result, or negative --- */

static bool
is_soa(const struct xfr_in *x, const struct dns_rr *rr)
{
	return rr->type == RR_SOA && rr->class == DNS_CLASS_IN && dname_eq(rr->owner, &x->o.zone);
}

static int
take_first(struct xfr_in *x, const struct dns_rr *rr)
{
	if (!is_soa(x, rr) || soa_serial(rr->rdata, &x->serial) < 0 || rr->rdata.n > SOA_MAX)
		return fail(x, XFR_NO_SOA);
	memcpy(x->soa_data, rr->rdata.p, rr->rdata.n);
	x->soa = *rr;
	x->soa.owner = &x->o.zone;
	x->soa.rdata.p = (const char *)x->soa_data;
	x->stage = AT_SECOND;
	if (x->o.has_serial && serial_gt(x->o.serial, x->serial))
		finding_add(x->fs, &wire_findings[XFR_SERIAL_BACK], FA_U("serial", x->serial),
		    FA_U("our_serial", x->o.serial));
	return XFR_IN_MORE;
}

static int
take_full(struct xfr_in *x, const struct dns_rr *rr)
{
	int rc;

	if (is_soa(x, rr)) {
		/* RFC 5936 section 2.2: "the last message MUST conclude with the same SOA". */
		if (!sv_eq(rr->rdata, x->soa.rdata))
			return fail(x, XFR_SOA_DIFFERS);
		x->stage = AT_END;
		return XFR_IN_MORE;
	}
	rc = x->o.add(x->o.arg, rr);
	return rc < 0 ? rc : XFR_IN_MORE;
}

static int
diff_begin(struct xfr_in *x, const struct dns_rr *soa)
{
	int rc;

	if (x->diff == NULL && (x->diff = xfr_diff_new(&x->o.zone, 0)) == NULL)
		return -ENOMEM;
	x->is_diff = true;
	x->stage = AT_DEL;
	rc = xfr_diff_del(x->diff, soa);
	return rc < 0 ? diff_failed(x, rc, soa) : XFR_IN_MORE;
}

/*
 * RFC 1995 section 4: "If incremental zone transfer is not available, the entire zone is
 * returned": the second record tells, an SOA with the serial that was asked for begins
 * differences.
 */
static int
take_second(struct xfr_in *x, const struct dns_rr *rr)
{
	uint32_t serial;
	int rc;

	if (x->o.ixfr && is_soa(x, rr) && soa_serial(rr->rdata, &serial) == 0 &&
	    serial != x->serial) {
		x->at = x->o.serial;
		if (serial != x->o.serial) {
			(void)fail_serial(x, XFR_DIFF_CHAIN, serial);
			return XFR_IN_AXFR;
		}
		return diff_begin(x, rr);
	}
	x->stage = AT_FULL;
	if ((rc = x->o.full(x->o.arg)) < 0 || (rc = x->o.add(x->o.arg, &x->soa)) < 0)
		return rc;
	return take_full(x, rr);
}

/* An SOA between differences: from removals to additions, or to the next sequence. */
static int
take_diff_soa(struct xfr_in *x, const struct dns_rr *rr)
{
	uint32_t serial;
	int rc;

	if (soa_serial(rr->rdata, &serial) < 0)
		return fail(x, XFR_FORMAT);
	if (x->stage == AT_DEL ? !serial_gt(serial, x->at) : serial != x->at) {
		(void)fail_serial(x, XFR_DIFF_CHAIN, serial);
		return XFR_IN_AXFR;
	}
	if (x->stage == AT_ADD && serial == x->serial) {
		x->stage = AT_END;
		return XFR_IN_MORE;
	}
	if (x->stage == AT_ADD)
		return diff_begin(x, rr);
	x->stage = AT_ADD;
	x->at = serial;
	rc = xfr_diff_add(x->diff, rr);
	return rc < 0 ? diff_failed(x, rc, rr) : XFR_IN_MORE;
}

static int
take_diff(struct xfr_in *x, const struct dns_rr *rr)
{
	int rc;

	if (is_soa(x, rr))
		return take_diff_soa(x, rr);
	rc = x->stage == AT_ADD ? xfr_diff_add(x->diff, rr) : xfr_diff_del(x->diff, rr);
	return rc < 0 ? diff_failed(x, rc, rr) : XFR_IN_MORE;
}

static int
take(struct xfr_in *x, const struct dns_rr *rr)
{
	if (++x->n_records > x->o.records_max)
		return over_limit(x, x->o.records_max);
	switch (x->stage) {
	case AT_FIRST:
		return take_first(x, rr);
	case AT_SECOND:
		return take_second(x, rr);
	case AT_FULL:
		return take_full(x, rr);
	case AT_DEL:
	case AT_ADD:
		return take_diff(x, rr);
	case AT_END:
		break;
	}
	return fail(x, XFR_AFTER_END);
}

/* --- messages --- */

/* What can be told from the header alone. */
static int
take_head(struct xfr_in *x, struct dmsg *m)
{
	uint16_t type = x->o.ixfr ? RR_IXFR : RR_AXFR;
	bool is_answer = dns_is_answer(m, x->o.id, DNS_OP_QUERY, &x->o.zone, type);

	if (is_answer && x->o.ixfr && x->n_records == 0) {
		if (m->head.rcode == DNS_NOTIMP || m->head.rcode == DNS_FORMERR)
			return XFR_IN_AXFR;
		if (x->o.udp && (m->head.flags & DNS_TC) != 0)
			return XFR_IN_TCP;
	}
	/* Behind its question already, where it has one. */
	return is_answer && m->head.rcode == DNS_NOERROR && (m->head.flags & DNS_TC) == 0 ?
	    XFR_IN_MORE : XFR_IN_FAILED;
}

static int
take_answers(struct xfr_in *x, struct dmsg *m)
{
	enum dns_section s;
	struct dns_rr rr;
	int rc, got;

	while ((got = dmsg_next(m, &s, &rr)) > 0) {
		if (s != DNS_ANSWER)
			continue;
		if ((rc = take(x, &rr)) != XFR_IN_MORE)
			return rc;
	}
	return got < 0 ? fail(x, XFR_FORMAT) : XFR_IN_MORE;
}

/* A message is read: where are we? */
static int
settle(struct xfr_in *x)
{
	if (x->stage == AT_END)
		return x->is_diff ? XFR_IN_DIFF : XFR_IN_FULL;
	/* RFC 1995 section 2: a lone SOA: nothing is newer, or it does not fit. */
	if (x->stage == AT_SECOND && x->o.ixfr) {
		if (!serial_gt(x->serial, x->o.serial))
			return XFR_IN_CURRENT;
		if (x->o.udp)
			return XFR_IN_TCP;
	}
	return x->o.udp ? fail(x, XFR_UNFINISHED) : XFR_IN_MORE;
}

static int
message(struct xfr_in *x, struct sv wire)
{
	struct dmsg m;
	int rc;

	x->n_bytes += wire.n;
	if (x->n_bytes > x->o.bytes_max)
		return over_limit(x, x->o.bytes_max);
	if (dmsg_open(&m, wire, x->room) < 0)
		return fail(x, XFR_FORMAT);
	if ((rc = take_head(x, &m)) != XFR_IN_MORE) {
		if (rc == XFR_IN_FAILED && dmsg_open(&m, wire, x->room) == 0)
			(void)dns_answer_check(&m, x->o.id, DNS_OP_QUERY, &x->o.zone,
			    x->o.ixfr ? RR_IXFR : RR_AXFR, x->fs);
		return rc;
	}
	if (m.head.n[DNS_ANSWER] == 0)
		return fail(x, XFR_EMPTY);
	rc = take_answers(x, &m);
	return rc == XFR_IN_MORE ? settle(x) : rc;
}

int
xfr_in_message(struct xfr_in *x, struct sv wire)
{
	int rc = x->over;

	if (rc == XFR_IN_MORE)
		rc = message(x, wire);
	else if (rc == XFR_IN_FULL || rc == XFR_IN_DIFF || rc == XFR_IN_CURRENT)
		rc = fail(x, XFR_AFTER_END);
	x->over = rc;
	return rc;
}

void
xfr_in_end(struct xfr_in *x)
{
	if (x->over == XFR_IN_MORE)
		x->over = fail(x, XFR_UNFINISHED);
}

struct xfr_diff *
xfr_in_diff(struct xfr_in *x)
{
	return x->over == XFR_IN_DIFF ? TAKE_PTR(x->diff) : NULL;
}

bool
xfr_in_serial(const struct xfr_in *x, uint32_t *ret)
{
	if (x->stage == AT_FIRST)
		return false;
	*ret = x->serial;
	return true;
}

uint64_t
xfr_in_n_records(const struct xfr_in *x)
{
	return x->n_records;
}
