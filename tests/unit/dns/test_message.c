/* Messages: written, read again, and as strangers would write them. */
#include "wire_kit.h"

static uint8_t room[DNS_RDATA_MAX];

static void
round_trip(void **state)
{
	struct kit *k = *state;
	const struct rec *rs[] = {
		rec(k, "example.", RR_SOA, 3600, "ns1.example. host.example. 7 2 3 4 5"),
		rec(k, "example.", RR_NS, 3600, "ns1.example."),
		rec(k, "example.", RR_MX, 60, "10 mail.example."),
		rec(k, "a.b.c.example.", RR_A, 0, "192.0.2.1"),
		rec(k, "b.c.example.", RR_SRV, 60, "1 2 53 a.b.c.example."),
		rec(k, "b.c.example.", RR_NAPTR, 60, "1 2 \"s\" \"x\" \"\" a.b.c.example."),
		rec(k, "x.example.", RR_MINFO, 60, "a.b.c.example. x.example."),
		rec(k, "x.example.", RR_TXT, 60, "\"a.b.c.example.\""),
		rec(k, ".", RR_NS, 60, "b.c.example."),
		rec(k, "a.x.example.", RR_PTR, 60, "a.b.example."),	/* "a" below others */
	};
	const struct dns_head h = { .id = 4711, .flags = DNS_QR | DNS_AA, .opcode = DNS_OP_QUERY };
	const struct dname q = nm("example.");
	uint8_t buf[1024];
	size_t plain = DNS_HEAD_LEN, n;
	struct dns_question got;
	enum dns_section s;
	struct dmsg_wr w;
	struct dns_rr rr;
	struct dmsg m;

	dmsg_begin(&w, buf, sizeof(buf), &h);
	assert_int_equal(dmsg_put_question(&w, &q, RR_AXFR), 0);
	for (size_t i = 0; i < ARRAY_LEN(rs); i++) {
		assert_int_equal(dmsg_put(&w, i < 7 ? DNS_ANSWER : DNS_ADDITIONAL, &rs[i]->rr), 0);
		plain += rs[i]->owner.len + 10u + rs[i]->rr.rdata.n;
	}
	n = dmsg_end(&w);
	assert_true(n > 0 && n + 80 < plain);
	assert_int_equal(dmsg_open(&m, SV_OF(buf, n), room), 0);
	assert_int_equal(m.head.id, 4711);
	assert_int_equal(m.head.flags, DNS_QR | DNS_AA);
	assert_int_equal(dmsg_question(&m, &got), 1);
	assert_true(dname_eq(&got.name, &q) && got.type == RR_AXFR);
	for (size_t i = 0; i < ARRAY_LEN(rs); i++) {
		assert_int_equal(dmsg_next(&m, &s, &rr), 1);
		assert_int_equal(s, i < 7 ? DNS_ANSWER : DNS_ADDITIONAL);
		assert_true(rr_same(&rr, &rs[i]->rr));
	}
	assert_int_equal(dmsg_next(&m, &s, &rr), 0);
	/* No head of it is a message, nor is it with an octet behind. */
	for (size_t cut = 0; cut < n; cut++) {
		int rc = dmsg_open(&m, SV_OF(buf, cut), room);

		while (rc >= 0 && (rc = dmsg_next(&m, &s, &rr)) > 0)
			;
		assert_int_equal(rc, -EBADMSG);
	}
	assert_int_equal(dmsg_open(&m, SV_OF(buf, n + 1), room), 0);
	while ((n = (size_t)dmsg_next(&m, &s, &rr)) == 1)
		;
	assert_int_equal((int)n, -EBADMSG);
}

/* SRV's target is not compressed (RFC 3597 section 4), the owner in front of it is. */
static void
only_old_types(void **state)
{
	struct kit *k = *state;
	const struct rec *srv = rec(k, "srv.example.", RR_SRV, 60, "1 2 53 ns.example.");
	const struct rec *mx = rec(k, "mx.example.", RR_MX, 60, "1 ns.example.");
	uint8_t buf[512];
	struct dmsg_wr w;
	size_t at;

	dmsg_begin(&w, buf, sizeof(buf), &(struct dns_head){ .id = 1 });
	assert_int_equal(dmsg_put(&w, DNS_ANSWER, &srv->rr), 0);
	at = w.w.len;
	assert_int_equal(at, DNS_HEAD_LEN + 13 + 10 + 6 + 12);
	assert_int_equal(dmsg_put(&w, DNS_ANSWER, &mx->rr), 0);
	/* "mx" + pointer; "ns" + pointer: SRV's target is no place to point at. */
	assert_int_equal(w.w.len - at, 3 + 2 + 10 + 2 + 3 + 2);
}

/* Case is kept: a name that differs in case is written in its own letters. */
static void
letters_kept(void **state)
{
	struct kit *k = *state;
	const struct rec *a = rec(k, "a.EXAMPLE.", RR_A, 60, "192.0.2.1");
	const struct rec *b = rec(k, "a.example.", RR_A, 60, "192.0.2.1");
	const struct rec *const rs[] = { a, b, a, b };
	uint8_t buf[512];
	enum dns_section s;
	struct dmsg_wr w;
	struct dns_rr rr;
	struct dmsg m;

	dmsg_begin(&w, buf, sizeof(buf), &(struct dns_head){ .id = 1 });
	for (size_t i = 0; i < ARRAY_LEN(rs); i++)
		assert_int_equal(dmsg_put(&w, DNS_ANSWER, &rs[i]->rr), 0);
	assert_int_equal(dmsg_open(&m, SV_OF(buf, dmsg_end(&w)), room), 0);
	for (size_t i = 0; i < ARRAY_LEN(rs); i++) {
		assert_int_equal(dmsg_next(&m, &s, &rr), 1);
		assert_memory_equal(rr.owner->w, rs[i]->owner.w, rr.owner->len);
	}
}

/* More names than there are slots, and beyond what pointers reach. */
static void
many_names(void **state)
{
	struct kit *k = *state;
	static uint8_t buf[DNS_MSG_MAX];
	struct rec *a = rec(k, "example.", RR_A, 60, "192.0.2.1");
	enum dns_section s;
	struct dmsg_wr w;
	struct dns_rr rr;
	struct dmsg m;
	char text[64];
	unsigned n = 0;

	dmsg_begin(&w, buf, sizeof(buf), &(struct dns_head){ .id = 1 });
	do {
		(void)snprintf(text, sizeof(text), "%u.h%u.example.", n % 3, n / 2);
		a->owner = nm(text);
	} while (dmsg_put(&w, DNS_ANSWER, &a->rr) == 0 && ++n < 10000);
	assert_true(n > 2000 && n < 10000);
	assert_int_equal(dmsg_open(&m, SV_OF(buf, dmsg_end(&w)), room), 0);
	for (unsigned i = 0; i < n; i++) {
		(void)snprintf(text, sizeof(text), "%u.h%u.example.", i % 3, i / 2);
		a->owner = nm(text);
		assert_int_equal(dmsg_next(&m, &s, &rr), 1);
		assert_true(rr_same(&rr, &a->rr));
	}
	assert_int_equal(dmsg_next(&m, &s, &rr), 0);
}

static void
limits_and_rooms(void **state)
{
	struct kit *k = *state;
	const struct rec *big = rec(k, "long-name-one.example.", RR_TXT, 60, "\"0123456789\"");
	const struct rec *com = rec(k, "long-name-one.com.", RR_TXT, 60, "\"0123456789\"");
	const struct rec *ns = rec(k, "example.", RR_NS, 60, "deep.in.the.example.");
	const struct dname q = nm("example.");
	const struct edns e = { .udp_size = 1232, .dnssec_ok = true };
	uint8_t buf[128], before[128];
	struct dmsg_wr w;
	enum dns_section s;
	struct dns_rr rr;
	struct edns got;
	struct dmsg m;
	size_t len;

	dmsg_begin(&w, buf, sizeof(buf), &(struct dns_head){ .id = 1 });
	dmsg_keep(&w, edns_len(&e));
	assert_int_equal(dmsg_put_question(&w, &q, RR_SOA), 0);
	while (dmsg_put(&w, DNS_ANSWER, &big->rr) == 0)
		;
	len = w.w.len;
	memcpy(before, buf, len);
	assert_int_equal(dmsg_put(&w, DNS_ANSWER, &ns->rr), -ENOSPC);
	assert_int_equal(w.w.len, len);
	assert_memory_equal(before, buf, len);
	assert_true(len + edns_len(&e) <= sizeof(buf));
	assert_int_equal(dmsg_put_edns(&w, &e), 0);
	assert_int_equal(dmsg_put_edns(&w, &e), -ENOSPC);
	assert_int_equal(dmsg_open(&m, SV_OF(buf, dmsg_end(&w)), room), 0);
	assert_int_equal(m.head.n[DNS_ADDITIONAL], 1);

	dmsg_truncate(&w);
	assert_int_equal(dmsg_put_edns(&w, &e), 0);
	assert_int_equal(dmsg_open(&m, SV_OF(buf, dmsg_end(&w)), room), 0);
	assert_int_equal(m.head.flags, DNS_TC);
	assert_int_equal(m.head.n[DNS_QUESTION], 1);
	assert_int_equal(m.head.n[DNS_ANSWER], 0);
	assert_int_equal(dmsg_next(&m, &s, &rr), 1);
	assert_int_equal(edns_parse(&rr, &got), 0);
	assert_int_equal(got.udp_size, 1232);
	assert_int_equal(dmsg_next(&m, &s, &rr), 0);
	/* What was cut away is no place to point at. */
	dmsg_truncate(&w);
	assert_int_equal(dmsg_put(&w, DNS_ANSWER, &com->rr), 0);	/* the same label in that place */
	assert_int_equal(dmsg_put(&w, DNS_ANSWER, &big->rr), 0);
	assert_int_equal(dmsg_open(&m, SV_OF(buf, dmsg_end(&w)), room), 0);
	assert_int_equal(dmsg_next(&m, &s, &rr), 1);
	assert_true(rr_same(&rr, &com->rr));
	assert_int_equal(dmsg_next(&m, &s, &rr), 1);
	assert_true(rr_same(&rr, &big->rr));
	dmsg_truncate(&w);
	assert_int_equal(dmsg_put(&w, DNS_ANSWER, &ns->rr), 0);
	assert_int_equal(dmsg_open(&m, SV_OF(buf, dmsg_end(&w)), room), 0);
	assert_int_equal(dmsg_next(&m, &s, &rr), 1);
	assert_true(rr_same(&rr, &ns->rr));
}

/* --- what strangers write --- */

#define HEAD	"\0\1\0\0\0\0\0\1\0\0\0\0"	/* one answer; names begin at 12 */
#define A63	"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define A64	A63 "a"
#define REST	"\0\1\0\1\0\0\0\0\0\0"		/* A IN 0, no data */

static const struct {
	struct sv	wire;
	bool		good;
} hostile[] = {
	{ SV(HEAD "\0" REST), true },
	{ SV(HEAD "\1a\0" REST), true },
	{ SV(HEAD "\300\14" REST), false },			/* at itself */
	{ SV(HEAD "\300\15" REST), false },			/* into itself */
	{ SV(HEAD "\300\20" REST), false },			/* forward */
	{ SV(HEAD "\300\0" REST), false },			/* into the header */
	{ SV(HEAD "\1a\300\14" REST), false },			/* at its own beginning */
	{ SV(HEAD "\100a" REST), false },			/* RFC 2671's labels, gone */
	{ SV(HEAD "\200a" REST), false },
	{ SV(HEAD "\100" A64 "\0" REST), false },			/* a label of 64 octets */
	{ SV(HEAD "\77" A63 "\0" REST), true },
	{ SV(HEAD "\1a"), false },
	{ SV(HEAD "\300"), false },
	{ SV(HEAD "\0\0\1\0\1\0\0\0\0\0\5abcd"), false },	/* data that do not fit */
	{ SV(HEAD "\0\0\2\0\1\0\0\0\0\0\2\300\14"), true },	/* NS: the root, by a pointer */
	{ SV(HEAD "\0\0\2\0\1\0\0\0\0\0\2\300\27"), false },	/* at itself, in data */
	{ SV(HEAD "\0\0\2\0\1\0\0\0\0\0\3\1a\0\0"), false },	/* one octet too many */
	{ SV(HEAD "\0\0\2\0\1\0\0\0\0\0\1\300\14"), false },	/* half a pointer */
	{ SV(HEAD "\0\0\2\0\1\0\0\0\0\0\0"), true },		/* no data at all: update has them */
};

static void
pointers(void **state UNUSED)
{
	enum dns_section s;
	struct dns_rr rr;
	struct dmsg m;

	for (size_t i = 0; i < ARRAY_LEN(hostile); i++) {
		assert_int_equal(dmsg_open(&m, hostile[i].wire, room), 0);
		if (!hostile[i].good) {
			int rc = dmsg_next(&m, &s, &rr);

			assert_int_equal(rc > 0 ? dmsg_next(&m, &s, &rr) : rc, -EBADMSG);
			continue;
		}
		assert_int_equal(dmsg_next(&m, &s, &rr), 1);
		assert_int_equal(dmsg_next(&m, &s, &rr), 0);
	}
}

/* Pointers at pointers: as many as a name may have labels, and no more. */
static void
pointer_chain(void **state UNUSED)
{
	uint8_t wire[DNS_HEAD_LEN + 1 + 2 * 200];
	struct dname n;
	struct wr w = wr_mem(wire, sizeof(wire));
	struct rd r;

	(void)wr_reserve(&w, DNS_HEAD_LEN);
	wr_u8(&w, 0);
	wr_be16(&w, 0xc000 | DNS_HEAD_LEN);
	for (unsigned i = 1; i < 200; i++)
		wr_be16(&w, (uint16_t)(0xc000 | (w.len - 2)));
	for (unsigned i = 1; i <= 200; i++) {
		r = rd_mem(wire, w.len);
		(void)rd_bytes(&r, DNS_HEAD_LEN + 1 + 2 * (i - 1));
		dname_rd_wire(&r, SV_OF(wire, w.len), &n);
		assert_int_equal(r.bad, i > DNS_POINTERS_MAX);
		if (!r.bad)
			assert_int_equal(n.len, 1);
	}
}

/* 255 octets are a name, 256 are none, however they are put together. */
static void
long_names(void **state UNUSED)
{
	uint8_t wire[400];
	struct wr w = wr_mem(wire, sizeof(wire));
	struct dname n;
	struct rd r;

	(void)wr_reserve(&w, DNS_HEAD_LEN);
	for (unsigned i = 0; i < 126; i++)
		wr_bytes(&w, "\1a", 2);
	wr_u8(&w, 0);			/* 253 octets */
	wr_bytes(&w, "\1b\300\14", 4);
	wr_bytes(&w, "\2bb\300\14", 5);
	r = rd_mem(wire, w.len);
	(void)rd_bytes(&r, DNS_HEAD_LEN + 253);
	dname_rd_wire(&r, SV_OF(wire, w.len), &n);
	assert_false(r.bad);
	assert_int_equal(n.len, 255);
	dname_rd_wire(&r, SV_OF(wire, w.len), &n);
	assert_true(r.bad);
}

/* --- EDNS --- */

static void
edns_options(void **state)
{
	struct kit *k = *state;
	uint8_t opts[64], buf[128];
	struct wr o = wr_mem(opts, sizeof(opts));
	const struct dname com = nm("com.");
	struct sv rest, data, text;
	enum dns_section s;
	struct dmsg_wr w;
	struct dns_rr rr;
	struct edns e;
	struct dmsg m;
	uint16_t code;

	(void)k;
	edns_option_write(&o, EDNS_NSID, SV("ns1"));
	ede_write(&o, 7, SV("expired"));
	assert_true(wr_done(&o));
	dmsg_begin(&w, buf, sizeof(buf), &(struct dns_head){ .id = 1 });
	assert_int_equal(dmsg_put_edns(&w, &(struct edns){ .udp_size = 4096, .rcode_high = 1,
	    .dnssec_ok = true, .options = SV_OF(opts, o.len) }), 0);
	assert_int_equal(dmsg_open(&m, SV_OF(buf, dmsg_end(&w)), room), 0);
	assert_int_equal(dmsg_next(&m, &s, &rr), 1);
	assert_int_equal(edns_parse(&rr, &e), 0);
	assert_true(e.present && e.dnssec_ok);
	assert_int_equal(e.udp_size, 4096);
	assert_int_equal(e.rcode_high, 1);
	assert_int_equal(e.version, 0);
	rest = e.options;
	assert_true(edns_next(&rest, &code, &data));
	assert_int_equal(code, EDNS_NSID);
	assert_true(sv_eq_str(data, "ns1"));
	assert_true(edns_next(&rest, &code, &data));
	assert_int_equal(code, EDNS_EDE);
	assert_int_equal(ede_parse(data, &code, &text), 0);
	assert_int_equal(code, 7);
	assert_string_equal(ede_name(code), "Signature Expired");
	assert_true(sv_eq_str(text, "expired"));
	assert_false(edns_next(&rest, &code, &data));
	assert_null(ede_name(9999));
	assert_int_equal(ede_parse(SV("\7"), &code, &text), -EBADMSG);
	rr.rdata = SV("\0\3\0\4abc");
	assert_int_equal(edns_parse(&rr, &e), -EBADMSG);
	rr.rdata = SV("");
	assert_int_equal(edns_parse(&rr, &e), 0);
	rr.owner = &com;
	assert_int_equal(edns_parse(&rr, &e), -EBADMSG);
}

/* RFC 2181 section 8: a TTL above 2^31 - 1 is none; OPT's octets are no TTL. */
static void
ttls(void **state)
{
	static const struct { uint32_t wire, read; } t[] = {
		{ 0, 0 }, { INT32_MAX, INT32_MAX }, { UINT32_C(0x80000000), 0 }, { UINT32_MAX, 0 },
	};
	const struct edns e = { .udp_size = 1232, .version = 0, .rcode_high = 0x81, .dnssec_ok = true };
	const struct dns_head h = { .id = 1, .flags = DNS_QR };
	const struct rec *a = rec(*state, "example.", RR_A, 0, "192.0.2.1");
	struct dns_rr want = a->rr, rr;
	enum dns_section s;
	struct dmsg_wr w;
	uint8_t buf[128];
	struct dmsg m;
	size_t n;

	for (size_t i = 0; i < ARRAY_LEN(t); i++) {
		want.ttl = t[i].wire;
		dmsg_begin(&w, buf, sizeof(buf), &h);
		assert_int_equal(dmsg_put(&w, DNS_ANSWER, &want), 0);
		assert_int_equal(dmsg_put_edns(&w, &e), 0);
		n = dmsg_end(&w);
		assert_int_equal(dmsg_open(&m, SV_OF(buf, n), room), 0);
		assert_int_equal(dmsg_next(&m, &s, &rr), 1);
		assert_int_equal(rr.ttl, t[i].read);
		assert_int_equal(dmsg_next(&m, &s, &rr), 1);
		assert_int_equal(rr.ttl, UINT32_C(0x81008000));
	}
}

static void
rcodes(void **state UNUSED)
{
	char dst[DNS_RCODE_STRLEN];

	assert_string_equal(dns_rcode_str(DNS_REFUSED, false, dst), "REFUSED");
	assert_string_equal(dns_rcode_str(16, false, dst), "BADVERS");
	assert_string_equal(dns_rcode_str(16, true, dst), "BADSIG");
	assert_string_equal(dns_rcode_str(22, true, dst), "BADTRUNC");
	assert_string_equal(dns_rcode_str(4095, false, dst), "RCODE4095");
}

TESTS_MAIN("dns/message", TK(round_trip), TK(only_old_types), TK(letters_kept), TK(many_names),
    TK(limits_and_rooms), T(pointers), T(pointer_chain), T(long_names), TK(edns_options), TK(ttls),
    T(rcodes))
