/* Queries and their answers, NOTIFY, DSYNC, serials. */
#include "wire_kit.h"

static uint8_t room[DNS_RDATA_MAX];

static void
serials(void **state UNUSED)
{
	assert_true(serial_gt(1, 0));
	assert_false(serial_gt(0, 1));
	assert_false(serial_gt(5, 5));
	assert_true(serial_gt(0, UINT32_MAX));		/* RFC 1982: around the circle */
	assert_true(serial_gt(0x80000000, 1));
	assert_false(serial_gt(0x80000000, 0));		/* half apart: neither */
	assert_false(serial_gt(0, 0x80000000));
}

/* A query with what the caller puts behind its question. */
static size_t
query(uint8_t *buf, size_t cap, const struct dns_head *h, const char *name, uint16_t type,
    enum dns_section s, const struct dns_rr *rr)
{
	const struct dname n = nm(name);
	struct dmsg_wr w;

	dmsg_begin(&w, buf, cap, h);
	assert_int_equal(dmsg_put_question(&w, &n, type), 0);
	if (rr != NULL)
		assert_int_equal(dmsg_put(&w, s, rr), 0);
	return dmsg_end(&w);
}

static void
as_a_server(void **state)
{
	struct kit *k = *state;
	const struct rec *soa = rec(k, "EXAMPLE.", RR_SOA, 0, ". . 9 0 0 0 0");
	const struct rec *other = rec(k, "com.", RR_SOA, 0, ". . 9 0 0 0 0");
	const struct dns_head ask = { .id = 5 }, tell = { .opcode = DNS_OP_NOTIFY, .flags = DNS_AA };
	const struct dns_head answer = { .flags = DNS_QR }, update = { .opcode = DNS_OP_UPDATE };
	const struct {
		const struct dns_head	*head;
		uint16_t		 type;
		enum dns_section	 section;
		const struct rec	*rec;
		int			 rcode;		/* -1: not answered at all */
		bool			 has_soa;
	} rows[] = {
		{ &ask, RR_AXFR, DNS_ANSWER, NULL, DNS_NOERROR, false },
		{ &ask, RR_IXFR, DNS_AUTHORITY, soa, DNS_NOERROR, true },
		{ &ask, RR_IXFR, DNS_AUTHORITY, other, DNS_FORMERR, false },
		{ &ask, RR_IXFR, DNS_ANSWER, NULL, DNS_FORMERR, false },
		{ &tell, RR_SOA, DNS_ANSWER, NULL, DNS_NOERROR, false },
		{ &tell, RR_SOA, DNS_ANSWER, soa, DNS_NOERROR, true },
		{ &tell, RR_CDS, DNS_ANSWER, NULL, DNS_NOERROR, false },
		{ &answer, RR_SOA, DNS_ANSWER, NULL, -1, false },
		{ &update, RR_SOA, DNS_ANSWER, NULL, DNS_NOTIMP, false },
	};
	struct dns_query q;
	uint8_t buf[512];
	size_t n;

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		n = query(buf, sizeof(buf), rows[i].head, "example.", rows[i].type, rows[i].section,
		    rows[i].rec != NULL ? &rows[i].rec->rr : NULL);
		if (rows[i].rcode < 0) {
			assert_int_equal(dns_query_parse(SV_OF(buf, n), room, &q), -EBADMSG);
			continue;
		}
		assert_int_equal(dns_query_parse(SV_OF(buf, n), room, &q), 0);
		assert_int_equal(q.rcode, rows[i].rcode);
		assert_int_equal(q.has_soa, rows[i].has_soa);
		if (q.has_soa)
			assert_int_equal(q.serial, 9);
	}
	assert_int_equal(dns_query_parse(SV_OF(buf, 11), room, &q), -EBADMSG);
}

static uint16_t
rcode_of(struct sv wire)
{
	struct dns_query q;

	assert_int_equal(dns_query_parse(wire, room, &q), 0);
	return q.rcode;
}

#define Q	"\7example\0\0\6\0\1"
#define OPT(v)	"\0\0\51\4\320\0" v "\0\0\0\0"

static void
odd_queries(void **state UNUSED)
{
	assert_int_equal(rcode_of(SV("\0\1\0\0\0\1\0\0\0\0\0\0" Q)), DNS_NOERROR);
	assert_int_equal(rcode_of(SV("\0\1\0\0\0\2\0\0\0\0\0\0" Q Q)), DNS_FORMERR);
	assert_int_equal(rcode_of(SV("\0\1\0\0\0\0\0\0\0\0\0\0")), DNS_FORMERR);
	assert_int_equal(rcode_of(SV("\0\1\0\0\0\1\0\0\0\0\0\0" Q "x")), DNS_FORMERR);
	assert_int_equal(rcode_of(SV("\0\1\0\0\0\1\0\0\0\0\0\0" "\7example\0\0\6\0\3")), DNS_REFUSED);
	assert_int_equal(rcode_of(SV("\0\1\0\0\0\1\0\0\0\0\0\1" Q OPT("\0"))), DNS_NOERROR);
	assert_int_equal(rcode_of(SV("\0\1\0\0\0\1\0\0\0\0\0\1" Q OPT("\1"))), DNS_BADVERS);
	assert_int_equal(rcode_of(SV("\0\1\0\0\0\1\0\0\0\0\0\2" Q OPT("\0") OPT("\0"))), DNS_FORMERR);
	/* OPT anywhere else is none. */
	assert_int_equal(rcode_of(SV("\0\1\0\0\0\1\0\1\0\0\0\0" Q OPT("\0"))), DNS_FORMERR);
}

static void
answers(void **state)
{
	struct kit *k = *state;
	const struct rec *soa = rec(k, "example.", RR_SOA, 60, "ns. host. 12 0 0 0 0");
	const struct edns e = { .udp_size = 1232, .dnssec_ok = true };
	const struct dname zone = nm("example."), com = nm("com.");
	uint8_t buf[512], out[512];
	size_t n = dns_query_write(buf, sizeof(buf), 77, &zone, RR_SOA, &e);
	struct findings *fs = &k->fs;
	struct dns_query q;
	struct dmsg_wr w;
	uint32_t serial = 0;
	struct edns got;
	enum dns_section s;
	struct dns_rr rr;
	struct dmsg m;

	assert_int_equal(dns_query_parse(SV_OF(buf, n), room, &q), 0);
	assert_true(q.edns.present && q.edns.dnssec_ok);
	dns_answer_begin(&w, out, sizeof(out), &q, DNS_AA, 0);
	assert_int_equal(dmsg_put(&w, DNS_ANSWER, &soa->rr), 0);
	n = dns_answer_end(&w, &q, DNS_NOERROR, SV(""));
	assert_int_equal(soa_answer_parse(SV_OF(out, n), room, 77, &zone, fs, &serial), 0);
	assert_int_equal(serial, 12);
	assert_null(fs->head);
	/* Other id, other zone, cut off, no SOA, not a message. */
	assert_int_equal(soa_answer_parse(SV_OF(out, n), room, 78, &zone, fs, &serial), -EBADMSG);
	assert_int_equal(soa_answer_parse(SV_OF(out, n), room, 77, &com, fs, &serial), -EBADMSG);
	assert_int_equal(soa_answer_parse(SV_OF(buf, n), room, 77, &zone, fs, &serial), -EBADMSG);
	assert_int_equal(n_found(fs, XFR_MISMATCH), 3);
	out[2] |= DNS_TC >> 8;
	assert_int_equal(soa_answer_parse(SV_OF(out, n), room, 77, &zone, fs, &serial), -EBADMSG);
	assert_int_equal(n_found(fs, XFR_TRUNCATED), 1);
	out[2] &= (uint8_t)~(DNS_TC >> 8);
	assert_int_equal(soa_answer_parse(SV_OF(out, n - 1), room, 77, &zone, fs, &serial), -EBADMSG);
	assert_int_equal(soa_answer_parse(SV_OF(out, 3), room, 77, &zone, fs, &serial), -EBADMSG);
	assert_int_equal(n_found(fs, XFR_FORMAT), 2);

	dns_answer_begin(&w, out, sizeof(out), &q, DNS_AA, 0);
	n = dns_answer_end(&w, &q, DNS_NOERROR, SV(""));
	assert_int_equal(soa_answer_parse(SV_OF(out, n), room, 77, &zone, fs, &serial), -EBADMSG);
	assert_int_equal(n_found(fs, XFR_NO_SOA), 1);
	dns_answer_begin(&w, out, sizeof(out), &q, 0, 0);
	n = dns_answer_end(&w, &q, DNS_BADVERS, SV(""));
	assert_int_equal(dmsg_open(&m, SV_OF(out, n), room), 0);
	assert_int_equal(m.head.rcode, 0);
	assert_int_equal(dmsg_next(&m, &s, &rr), 1);
	assert_int_equal(edns_parse(&rr, &got), 0);
	assert_int_equal(got.rcode_high, 1);
	/* RFC 4035 section 3: CD is copied, AD is not; of a NOTIFY neither. */
	for (uint8_t op = DNS_OP_QUERY; op <= DNS_OP_NOTIFY; op += DNS_OP_NOTIFY) {
		q.head.opcode = op;
		q.head.flags = DNS_RD | DNS_CD | DNS_AD | DNS_RA;
		dns_answer_begin(&w, out, sizeof(out), &q, DNS_AA, 0);
		n = dns_answer_end(&w, &q, DNS_NOERROR, SV(""));
		assert_int_equal(dmsg_open(&m, SV_OF(out, n), room), 0);
		assert_int_equal(m.head.flags, DNS_QR | DNS_AA | DNS_RD | (op == DNS_OP_QUERY ? DNS_CD : 0));
	}
	q.head.opcode = DNS_OP_QUERY;
	dns_answer_begin(&w, out, sizeof(out), &q, 0, 0);
	n = dns_answer_end(&w, &q, DNS_REFUSED, SV(""));
	assert_int_equal(soa_answer_parse(SV_OF(out, n), room, 77, &zone, fs, &serial), -EBADMSG);
	assert_int_equal(n_found(fs, XFR_RCODE), 1);
}

static void
notify(void **state)
{
	struct kit *k = *state;
	const struct rec *soa = rec(k, "example.", RR_SOA, 60, "ns. host. 12 0 0 0 0");
	const struct dname zone = nm("example.");
	uint8_t buf[512], out[512];
	struct dns_query q;
	struct dmsg_wr w;
	struct dmsg m;
	size_t n;

	n = notify_write(buf, sizeof(buf), 3, &zone, RR_SOA, &soa->rr);
	assert_int_equal(dns_query_parse(SV_OF(buf, n), room, &q), 0);
	assert_int_equal(q.head.opcode, DNS_OP_NOTIFY);
	assert_int_equal(q.head.flags, DNS_AA);
	assert_true(q.has_soa && q.serial == 12);
	dns_answer_begin(&w, out, sizeof(out), &q, DNS_AA, 0);
	n = dns_answer_end(&w, &q, DNS_NOERROR, SV(""));
	assert_int_equal(dmsg_open(&m, SV_OF(out, n), room), 0);
	assert_true(dns_answer_check(&m, 3, DNS_OP_NOTIFY, &zone, RR_SOA, &k->fs));
	assert_int_equal(dmsg_open(&m, SV_OF(out, n), room), 0);
	assert_false(dns_answer_check(&m, 3, DNS_OP_QUERY, &zone, RR_SOA, &k->fs));

	n = notify_write(buf, sizeof(buf), 4, &zone, RR_CDS, NULL);
	assert_int_equal(dns_query_parse(SV_OF(buf, n), room, &q), 0);
	assert_int_equal(q.q.type, RR_CDS);
	assert_false(q.has_soa);
	assert_int_equal(notify_write(buf, 20, 4, &zone, RR_CDS, NULL), 0);
}

static void
dsync(void **state)
{
	struct kit *k = *state;
	const struct rec *r = rec(k, "_dsync.example.", RR_DSYNC, 60, "CDS NOTIFY 5300 scan.example.");
	const struct dname parent = nm("example."), child = nm("a.child.example.");
	const struct dname other = nm("child.com."), target = nm("scan.example.");
	struct dname n, want = nm("a.child._dsync.example.");
	struct dsync d;

	assert_int_equal(dsync_parse(r->rr.rdata, &d), 0);
	assert_int_equal(d.type, RR_CDS);
	assert_int_equal(d.scheme, DSYNC_NOTIFY);
	assert_int_equal(d.port, 5300);
	assert_true(dname_eq(&d.target, &target));
	assert_int_equal(dsync_parse(sv_take(r->rr.rdata, 8), &d), -EBADMSG);
	assert_int_equal(dsync_name(&child, &parent, &n), 0);
	assert_true(dname_eq(&n, &want));
	assert_int_equal(dsync_name(NULL, &parent, &n), 0);
	want = nm("_dsync.example.");
	assert_true(dname_eq(&n, &want));
	assert_int_equal(dsync_name(&other, &parent, &n), -EINVAL);
	assert_int_equal(dsync_name(&parent, &parent, &n), -EINVAL);
}

TESTS_MAIN("dns/query", T(serials), TK(as_a_server), T(odd_queries), TK(answers), TK(notify), TK(dsync))
