/* Differences, their journal, transfers in and out. */
#include "wire_kit.h"

#include "base/err.h"
#include "crypto/crypto.h"

#define ZONE	"example."

static uint8_t room[DNS_RDATA_MAX];

static struct rec *
soa(struct kit *k, unsigned serial)
{
	char text[80];

	(void)snprintf(text, sizeof(text), "ns.example. host.example. %u 2 3 4 5", serial);
	return rec(k, ZONE, RR_SOA, 3600, text);
}

/* n-th host. */
static struct rec *
host(struct kit *k, unsigned n, uint32_t ttl)
{
	char name[40], addr[40];

	(void)snprintf(name, sizeof(name), "h%u.example.", n);
	(void)snprintf(addr, sizeof(addr), "192.0.2.%u", n % 256);
	return rec(k, name, RR_A, ttl, addr);
}

/* --- differences --- */

static struct xfr_diff *
diff_new(size_t max)
{
	const struct dname zone = nm(ZONE);
	struct xfr_diff *d = xfr_diff_new(&zone, max);

	assert_non_null(d);
	return d;
}

static void
net_of_it(void **state)
{
	struct kit *k = *state;
	_cleanup_(xfr_diff_freep) struct xfr_diff *d = diff_new(0), *e = diff_new(0);
	const struct rec *a = host(k, 1, 60), *b = host(k, 2, 60), *b600 = host(k, 2, 600);
	const struct rec *b_case = rec(k, "H2.EXAMPLE.", RR_A, 60, "192.0.2.2");
	struct xfr_diff_it it;
	uint32_t from, to;
	struct dns_rr rr;

	assert_false(xfr_diff_serials(d, &from, &to));
	assert_int_equal(xfr_diff_del(d, &soa(k, 5)->rr), 0);
	assert_int_equal(xfr_diff_del(d, &a->rr), 0);
	assert_int_equal(xfr_diff_del(d, &a->rr), -ENOENT);
	assert_int_equal(xfr_diff_add(d, &soa(k, 6)->rr), 0);
	assert_int_equal(xfr_diff_add(d, &b->rr), 0);
	assert_int_equal(xfr_diff_add(d, &b_case->rr), -EEXIST);
	assert_true(xfr_diff_serials(d, &from, &to));
	assert_int_equal(from, 5);
	assert_int_equal(to, 6);
	/* The next step takes some of it back, and changes a TTL. */
	assert_int_equal(xfr_diff_del(e, &soa(k, 6)->rr), 0);
	assert_int_equal(xfr_diff_del(e, &b->rr), 0);
	assert_int_equal(xfr_diff_add(e, &soa(k, 9)->rr), 0);
	assert_int_equal(xfr_diff_add(e, &b600->rr), 0);
	assert_int_equal(xfr_diff_add(e, &a->rr), 0);
	assert_int_equal(xfr_diff_append(d, e), 0);
	assert_true(xfr_diff_serials(d, &from, &to));
	assert_int_equal(from, 5);
	assert_int_equal(to, 9);
	assert_int_equal(xfr_diff_n_del(d), 1);
	assert_int_equal(xfr_diff_n_add(d), 2);
	it = xfr_diff_begin(d, true);
	assert_true(xfr_diff_next(&it, &rr));
	assert_int_equal(rr.type, RR_SOA);
	assert_true(xfr_diff_next(&it, &rr));
	assert_true(rr_same(&rr, &b600->rr));
	assert_false(xfr_diff_next(&it, &rr));
	/* Gone again: the same as if it had never been. */
	assert_int_equal(xfr_diff_del(d, &b600->rr), 0);
	assert_int_equal(xfr_diff_n_add(d), 1);
}

static void
net_limits(void **state)
{
	struct kit *k = *state;
	_cleanup_(xfr_diff_freep) struct xfr_diff *d = diff_new(200);
	struct rec *chaos = host(k, 1, 60);
	int rc = 0;

	for (unsigned i = 0; i < 50 && rc == 0; i++)
		rc = xfr_diff_add(d, &host(k, i, 60)->rr);
	assert_int_equal(rc, SE_LIMIT);
	chaos->rr.class = 3;
	assert_int_equal(xfr_diff_add(d, &chaos->rr), -EINVAL);
}

/* --- the journal --- */

static struct xfr_diff *
step(struct kit *k, unsigned from, unsigned to)
{
	struct xfr_diff *d = diff_new(0);

	assert_int_equal(xfr_diff_del(d, &soa(k, from)->rr), 0);
	assert_int_equal(xfr_diff_del(d, &host(k, from, 60)->rr), 0);
	assert_int_equal(xfr_diff_add(d, &host(k, to, 60)->rr), 0);
	assert_int_equal(xfr_diff_add(d, &rec(k, "h1.example.", RR_TXT, to, "\"two\"")->rr), 0);
	assert_int_equal(xfr_diff_add(d, &rec(k, "h1.example.", RR_MX, to, "7 h2.example.")->rr), 0);
	assert_int_equal(xfr_diff_add(d, &soa(k, to)->rr), 0);
	return d;
}

static void
journal(void **state)
{
	struct kit *k = *state;
	const struct dname zone = nm(ZONE), other = nm("com.");
	struct buf b = BUF_INIT, again = BUF_INIT;
	struct xfr_diff *d;
	struct rd r;
	size_t end[3];

	for (unsigned i = 0; i < ARRAY_LEN(end); i++) {
		d = step(k, 10 + i, 11 + i);
		assert_int_equal(xfr_diff_write(&b, d), 0);
		end[i] = b.len;
		(void)xfr_diff_free(d);
	}
	r = rd_mem(b.p, b.len);
	for (unsigned i = 0; i < ARRAY_LEN(end); i++) {
		assert_int_equal(xfr_diff_parse(&r, &zone, 0, &d), 1);
		assert_int_equal(r.p - (const uint8_t *)b.p, end[i]);
		assert_int_equal(xfr_diff_write(&again, d), 0);
		(void)xfr_diff_free(d);
	}
	assert_int_equal(xfr_diff_parse(&r, &zone, 0, &d), 0);
	assert_int_equal(again.len, b.len);
	assert_memory_equal(again.p, b.p, b.len);
	r = rd_mem(b.p, b.len);
	assert_int_equal(xfr_diff_parse(&r, &other, 0, &d), SE_FORMAT);
	assert_ptr_equal(r.p, b.p);
	assert_int_equal(xfr_diff_parse(&r, &zone, 40, &d), SE_LIMIT);
	d = diff_new(0);			/* without SOA it leads nowhere */
	assert_int_equal(xfr_diff_write(&again, d), -EINVAL);
	(void)xfr_diff_free(d);
	buf_done(&b);
	buf_done(&again);
}

/* What was cut off or changed is seen, and the cursor stays where it can be mended. */
static void
journal_broken(void **state)
{
	struct kit *k = *state;
	const struct dname zone = nm(ZONE);
	struct xfr_diff *d = step(k, 1, 2), *got = NULL;
	struct buf b = BUF_INIT;
	struct rd r;

	assert_int_equal(xfr_diff_write(&b, d), 0);
	(void)xfr_diff_free(d);
	for (size_t n = 1; n < b.len; n++) {
		r = rd_mem(b.p, n);
		assert_int_equal(xfr_diff_parse(&r, &zone, 0, &got), SE_SUM);
		assert_ptr_equal(r.p, b.p);
		assert_false(r.bad);
	}
	for (size_t i = 0; i < b.len; i++) {
		b.p[i] ^= 1;
		r = rd_mem(b.p, b.len);
		assert_int_equal(xfr_diff_parse(&r, &zone, 0, &got), i < 4 ? SE_FORMAT : SE_SUM);
		b.p[i] ^= 1;
	}
	assert_null(got);
	buf_done(&b);
}

/* An entry with this body and the sum that belongs to it. */
static int
parse_body(struct sv body)
{
	const struct dname zone = nm(ZONE);
	uint8_t wire[512], sum[SHA256_LEN];
	struct wr w = wr_mem(wire, sizeof(wire));
	struct xfr_diff *d = NULL;
	struct rd r;
	int rc;

	wr_bytes(&w, "SKX1", 4);
	wr_be32(&w, (uint32_t)body.n);
	wr_bytes(&w, body.p, body.n);
	crypto_sha256(wire, w.len, sum);
	wr_bytes(&w, sum, 16);
	r = rd_mem(wire, w.len);
	rc = xfr_diff_parse(&r, &zone, 0, &d);
	(void)xfr_diff_free(d);
	return rc;
}

#define B_ZONE	"\7example\0"
#define B_SER	"\0\0\0\1\0\0\0\2"
#define B_SOA(n) "\0\6\0\0\0\74\0\26\0\0\0\0\0" n "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"
#define B_A	"\0\1\0\0\0\74\0\4\300\0\2\1"
#define B_N(d, a) "\0\0\0" d "\0\0\0" a

static void
journal_strict(void **state UNUSED)
{
	static const struct sv bad[] = {
		SV(B_ZONE B_SER B_N("\0", "\0")),
		SV(B_ZONE B_SER B_N("\1", "\1") B_ZONE B_SOA("\1")),
		SV(B_ZONE B_SER B_N("\1", "\1") B_ZONE B_SOA("\1") B_ZONE B_SOA("\2") "\0"),
		SV(B_ZONE B_SER B_N("\1", "\1") B_ZONE B_SOA("\1") B_ZONE B_SOA("\3")),
		SV(B_ZONE B_SER B_N("\1", "\1") B_ZONE B_SOA("\2") B_ZONE B_SOA("\2")),
		SV(B_ZONE B_SER B_N("\1", "\1") B_ZONE B_SOA("\3") B_ZONE B_SOA("\2")),
		SV(B_ZONE B_SER B_N("\1", "\1") "\377" B_SOA("\1") B_ZONE B_SOA("\2")),
		SV(B_ZONE B_SER B_N("\1", "\2") B_ZONE B_SOA("\1") B_ZONE B_A B_ZONE B_SOA("\2")),
		SV(B_ZONE B_SER B_N("\1", "\2") B_ZONE B_SOA("\1") B_ZONE B_SOA("\2") "\377" B_SOA("\2")),
		SV(B_ZONE B_SER B_N("\1", "\3") B_ZONE B_SOA("\1") B_ZONE B_SOA("\2") "\377" B_A "\377" B_A),
		SV(B_ZONE B_SER B_N("\2", "\2") B_ZONE B_SOA("\1") "\377" B_A B_ZONE B_SOA("\2") "\377" B_A),
		SV(B_ZONE B_SER B_N("\1", "\2") B_ZONE B_SOA("\1") B_ZONE B_SOA("\2") "\3com\0" B_A),
		SV(B_ZONE B_SER B_N("\1", "\2") B_ZONE B_SOA("\1") B_ZONE B_SOA("\2") "\377"
		    "\0\1\0\0\0\74\0\3\300\0\2"),		/* an address of three octets */
		SV(B_ZONE B_SER B_N("\1", "\2") B_ZONE B_SOA("\1") B_ZONE B_SOA("\2") "\377"
		    "\0\372\0\0\0\74\0\0"),			/* TSIG */
	};

	assert_int_equal(parse_body(SV(B_ZONE B_SER B_N("\1", "\1") B_ZONE B_SOA("\1") B_ZONE B_SOA("\2"))), 1);
	assert_int_equal(parse_body(SV(B_ZONE B_SER B_N("\1", "\2") B_ZONE B_SOA("\1") B_ZONE B_SOA("\2")
	    "\377" B_A)), 1);
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		assert_int_equal(parse_body(bad[i]), SE_FORMAT);
}

/* --- zones --- */

static const char rrsig[] = "%s 13 2 3600 20261222000000 20261122000000 %u example. AAAA";

static void
build_add(struct kit *k, struct zone_builder *b, const char *owner, uint16_t type, uint32_t ttl,
    const char *data)
{
	assert_int_equal(zone_builder_add(b, &rec(k, owner, type, ttl, data)->rr), 0);
}

/* A signed zone of n hosts; its serial is one of its hosts' numbers, too. */
static struct zone *
zone_make(struct kit *k, unsigned serial, unsigned n)
{
	const struct dname apex = nm(ZONE);
	_cleanup_(zone_builder_freep) struct zone_builder *b = zone_builder_new(&apex, &k->fs);
	char text[128];
	struct zone *z;

	assert_non_null(b);
	assert_int_equal(zone_builder_add(b, &soa(k, serial)->rr), 0);
	(void)snprintf(text, sizeof(text), rrsig, "SOA", serial);
	build_add(k, b, ZONE, RR_RRSIG, 3600, text);
	build_add(k, b, ZONE, RR_NS, 3600, "ns.example.");
	build_add(k, b, ZONE, RR_NS, 3600, "ns.other.");
	build_add(k, b, ZONE, RR_NSEC3PARAM, 0, "1 0 0 -");
	build_add(k, b, "0p9mhaveqvm6t7vbl5lop2u3t2rp3tom.example.", RR_NSEC3, 60,
	    "1 0 0 - 2t7b4g4vsa5smi47k61mv5bv1a22bojr NS SOA RRSIG");
	build_add(k, b, "0p9mhaveqvm6t7vbl5lop2u3t2rp3tom.example.", RR_RRSIG, 60,
	    "NSEC3 13 2 60 20261222000000 20261122000000 1 example. AAAA");
	for (unsigned i = 0; i < n; i++) {
		const struct rec *h = host(k, i, i == 3 ? serial * 60 : 60);

		assert_int_equal(zone_builder_add(b, &h->rr), 0);
	}
	assert_int_equal(zone_builder_add(b, &host(k, 1000 + serial, 60)->rr), 0);
	(void)snprintf(text, sizeof(text), rrsig, "A", serial);
	build_add(k, b, "h5.example.", RR_RRSIG, 60, text);
	if (serial % 2 == 0)
		build_add(k, b, "h5.example.", RR_AAAA, 60, "2001:db8::1");
	build_add(k, b, "lone.example.", RR_RRSIG, 60, text);
	assert_int_equal(zone_builder_done(b, &z), 0);
	return z;
}

static void
same_zone(const struct zone *a, const struct zone *b)
{
	struct buf ta = BUF_INIT, tb = BUF_INIT;

	zone_print(&ta, a, 0);
	zone_print(&tb, b, 0);
	assert_true(ta.len > 0 && ta.len == tb.len);
	assert_memory_equal(ta.p, tb.p, ta.len);
	buf_done(&ta);
	buf_done(&tb);
}

static struct zone *
edited(struct kit *k, struct zone *z, const struct xfr_diff *d)
{
	_cleanup_(zone_edit_freep) struct zone_edit *e = zone_edit_new(z, &k->fs);
	struct zone *ret;

	assert_non_null(e);
	assert_int_equal(xfr_diff_edit(d, e), 0);
	assert_int_equal(zone_edit_done(e, &ret), 0);
	return ret;
}

static void
diff_of_zones(void **state)
{
	struct kit *k = *state;
	_cleanup_(zone_unrefp) struct zone *a = zone_make(k, 1, 30), *b = zone_make(k, 2, 25);
	_cleanup_(zone_unrefp) struct zone *c = NULL, *d = NULL;
	_cleanup_(xfr_diff_freep) struct xfr_diff *there = NULL, *back = NULL, *none = NULL;
	uint32_t from, to;

	assert_int_equal(xfr_diff_zones(a, b, 0, &there), 0);
	assert_true(xfr_diff_serials(there, &from, &to));
	assert_int_equal(from, 1);
	assert_int_equal(to, 2);
	/* SOA and its RRSIG, hosts 25 to 29, 3 (TTL), 1001; RRSIGs of h5 and lone. */
	assert_int_equal(xfr_diff_n_del(there), 2 + 5 + 1 + 1 + 2);
	assert_int_equal(xfr_diff_n_add(there), 2 + 1 + 1 + 2 + 1);
	c = edited(k, a, there);
	same_zone(c, b);
	assert_int_equal(xfr_diff_zones(b, a, 0, &back), 0);
	d = edited(k, c, back);
	same_zone(d, a);
	assert_int_equal(xfr_diff_zones(a, d, 0, &none), 0);
	assert_int_equal(xfr_diff_n_del(none) + xfr_diff_n_add(none), 0);
}

/* --- out, and in again --- */

struct taker {
	struct zone_builder	*b;
	struct findings		*fs;
	unsigned		 n_full, n_add;
	int			 rc;
};

static int
take_full(void *arg)
{
	struct taker *t = arg;
	const struct dname apex = nm(ZONE);

	(void)zone_builder_free(t->b);
	t->b = zone_builder_new(&apex, t->fs);
	assert_non_null(t->b);
	t->n_full++;
	return 0;
}

static int
take_add(void *arg, const struct dns_rr *rr)
{
	struct taker *t = arg;

	t->n_add++;
	return t->rc < 0 ? t->rc : zone_builder_add(t->b, rr);
}

static struct xfr_in *
in_new(struct kit *k, struct taker *t, uint32_t serial, bool ixfr, bool udp)
{
	struct xfr_in *x = xfr_in_new(&(struct xfr_in_opts){ .zone = nm(ZONE), .id = 99, .ixfr = ixfr,
	    .has_serial = serial != 0, .serial = serial, .udp = udp, .full = take_full,
	    .add = take_add, .arg = t }, &k->fs);

	assert_non_null(x);
	*t = (struct taker){ .fs = &k->fs };
	return x;
}

static void
query_of(const struct xfr_in *x, struct dns_query *q)
{
	static uint8_t buf[512];
	size_t n = xfr_in_query(x, buf, sizeof(buf));

	assert_true(n > 0);
	assert_int_equal(dns_query_parse(SV_OF(buf, n), room, q), 0);
	assert_int_equal(q->rcode, 0);
	assert_int_equal(q->head.id, 99);
}

/* All messages of out into in, each of up to cap octets; the result, and their number. */
static int
pump(struct xfr_out *out, struct xfr_in *in, size_t cap, unsigned *ret_n)
{
	static uint8_t buf[DNS_MSG_MAX];
	int rc, got = XFR_IN_MORE;
	struct dmsg m;
	size_t len;

	*ret_n = 0;
	while ((rc = xfr_out_next(out, buf, cap, 100, &len)) > 0) {
		assert_true(len <= cap - 100);
		assert_int_equal(dmsg_open(&m, SV_OF(buf, len), room), 0);
		assert_int_equal(m.head.n[DNS_QUESTION], *ret_n == 0);
		assert_int_equal(m.head.flags, DNS_QR | DNS_AA);
		assert_int_equal(got, XFR_IN_MORE);
		got = xfr_in_message(in, SV_OF(buf, len));
		++*ret_n;
	}
	assert_int_equal(rc, 0);
	return got;
}

static void
whole_zone(void **state)
{
	struct kit *k = *state;
	_cleanup_(zone_unrefp) struct zone *a = zone_make(k, 7, 300);
	static const size_t caps[] = { 512, 1000, 4096, XFR_MESSAGE_MAX, DNS_MSG_MAX };
	unsigned n, n_before = 1000;
	uint32_t serial;

	for (size_t i = 0; i < ARRAY_LEN(caps); i++) {
		_cleanup_(zone_unrefp) struct zone *b = NULL;
		struct taker t;
		_cleanup_(xfr_in_freep) struct xfr_in *in = in_new(k, &t, 0, false, false);
		_cleanup_(xfr_out_freep) struct xfr_out *out = NULL;
		struct dns_query q;

		query_of(in, &q);
		assert_int_equal(q.q.type, RR_AXFR);
		assert_non_null(out = xfr_out_axfr(&q, a));
		assert_false(xfr_in_serial(in, &serial));
		assert_int_equal(pump(out, in, caps[i], &n), XFR_IN_FULL);
		assert_true(n <= n_before);
		n_before = n;
		xfr_in_end(in);
		assert_int_equal(t.n_full, 1);
		assert_int_equal(t.n_add + 1, xfr_in_n_records(in));
		assert_true(xfr_in_serial(in, &serial) && serial == 7);
		assert_int_equal(zone_builder_done(t.b, &b), 0);
		(void)zone_builder_free(t.b);
		same_zone(a, b);
	}
	assert_int_equal(n_before, 1);
	assert_null(k->fs.head);
}

static void
too_large(void **state)
{
	struct kit *k = *state;
	_cleanup_(zone_unrefp) struct zone *a = zone_make(k, 7, 3);
	struct taker t;
	_cleanup_(xfr_in_freep) struct xfr_in *in = in_new(k, &t, 0, false, false);
	_cleanup_(xfr_out_freep) struct xfr_out *out = NULL;
	struct dns_query q;
	uint8_t buf[64];
	size_t len;

	query_of(in, &q);
	assert_non_null(out = xfr_out_axfr(&q, a));
	assert_int_equal(xfr_out_next(out, buf, sizeof(buf), 0, &len), SE_LIMIT);
}

static void
differences(void **state)
{
	struct kit *k = *state;
	_cleanup_(zone_unrefp) struct zone *a = zone_make(k, 1, 30), *b = zone_make(k, 2, 40);
	_cleanup_(zone_unrefp) struct zone *c = zone_make(k, 3, 30), *got = NULL;
	_cleanup_(xfr_diff_freep) struct xfr_diff *ab = NULL, *bc = NULL, *in_diff = NULL;
	struct taker t;
	_cleanup_(xfr_in_freep) struct xfr_in *in = in_new(k, &t, 1, true, false);
	_cleanup_(xfr_out_freep) struct xfr_out *out = NULL;
	const struct xfr_diff *chain[2];
	struct dns_query q;
	unsigned n;

	assert_int_equal(xfr_diff_zones(a, b, 0, &ab), 0);
	assert_int_equal(xfr_diff_zones(b, c, 0, &bc), 0);
	chain[0] = ab;
	chain[1] = bc;
	query_of(in, &q);
	assert_int_equal(q.q.type, RR_IXFR);
	assert_int_equal(q.serial, 1);
	assert_int_equal(xfr_out_ixfr(&q, c, chain, 1, &out), -EINVAL);
	assert_int_equal(xfr_out_ixfr(&q, c, chain + 1, 1, &out), -EINVAL);
	assert_int_equal(xfr_out_ixfr(&q, c, chain, 2, &out), 0);
	assert_null(xfr_in_diff(in));
	assert_int_equal(pump(out, in, 350, &n), XFR_IN_DIFF);
	assert_true(n > 3);
	assert_non_null(in_diff = xfr_in_diff(in));
	assert_int_equal(t.n_full + t.n_add, 0);
	/* Hosts 30 to 39 came and went: the chain's net has nothing of them. */
	assert_true(xfr_diff_n_del(in_diff) < 12);
	got = edited(k, a, in_diff);
	same_zone(got, c);
	assert_null(k->fs.head);
}

static void
by_udp(void **state)
{
	struct kit *k = *state;
	_cleanup_(zone_unrefp) struct zone *a = zone_make(k, 1, 30), *b = zone_make(k, 2, 31);
	_cleanup_(xfr_diff_freep) struct xfr_diff *ab = NULL;
	static const struct {
		size_t			cap;
		unsigned		n_chain;
		uint32_t		serial;
		enum xfr_in_result	want;
	} rows[] = {
		{ 1400, 1, 1, XFR_IN_DIFF },
		{ 300, 1, 1, XFR_IN_TCP },
		{ 300, 0, 2, XFR_IN_CURRENT },
	};

	assert_int_equal(xfr_diff_zones(a, b, 0, &ab), 0);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const struct xfr_diff *chain[] = { ab };
		struct taker t;
		_cleanup_(xfr_in_freep) struct xfr_in *in = in_new(k, &t, rows[i].serial, true, true);
		_cleanup_(xfr_out_freep) struct xfr_out *out = NULL;
		struct dns_query q;
		uint8_t buf[1400];
		size_t len;

		query_of(in, &q);
		assert_int_equal(xfr_out_ixfr(&q, b, chain, rows[i].n_chain, &out), 0);
		assert_int_equal(xfr_out_udp(out, buf, rows[i].cap, 0, &len), 1);
		assert_int_equal(xfr_in_message(in, SV_OF(buf, len)), rows[i].want);
		assert_int_equal(xfr_out_next(out, buf, rows[i].cap, 0, &len), 0);
	}
}

/* --- what servers may send --- */

/*
 * Messages as words: "S7" the SOA of serial 7, "A3" the address of host 3; ";" begins the
 * next message, "!" ends the connection.
 */
struct script {
	const char		*text;
	uint32_t		 have;		/* 0: AXFR */
	bool			 udp;
	enum xfr_in_result	 want;
	enum wire_code		 found;		/* WIRE_CODE_MAX: nothing */
	size_t			 n_del, n_add;	/* of differences */
};

static const struct script scripts[] = {
	{ "S7 A1 A2 S7", 0, false, XFR_IN_FULL, WIRE_CODE_MAX, 0, 0 },
	{ "S7 ; A1 ; A2 ; S7", 0, false, XFR_IN_FULL, WIRE_CODE_MAX, 0, 0 },
	{ "S7 S7", 0, false, XFR_IN_FULL, WIRE_CODE_MAX, 0, 0 },
	{ "S7 A1", 0, false, XFR_IN_MORE, WIRE_CODE_MAX, 0, 0 },
	{ "S7 A1 !", 0, false, XFR_IN_FAILED, XFR_UNFINISHED, 0, 0 },
	{ "A1 S7", 0, false, XFR_IN_FAILED, XFR_NO_SOA, 0, 0 },
	{ "", 0, false, XFR_IN_FAILED, XFR_EMPTY, 0, 0 },
	{ "S7 ; ; S7", 0, false, XFR_IN_FAILED, XFR_EMPTY, 0, 0 },
	{ "S7 A1 S8", 0, false, XFR_IN_FAILED, XFR_SOA_DIFFERS, 0, 0 },
	{ "S7 A1 S7 A2", 0, false, XFR_IN_FAILED, XFR_AFTER_END, 0, 0 },
	{ "S7 A1 S7 ; A2", 0, false, XFR_IN_FAILED, XFR_AFTER_END, 0, 0 },
	/* IXFR: what we have is 5. */
	{ "S5", 5, false, XFR_IN_CURRENT, WIRE_CODE_MAX, 0, 0 },
	{ "S4", 5, false, XFR_IN_CURRENT, XFR_SERIAL_BACK, 0, 0 },
	{ "S7", 5, true, XFR_IN_TCP, WIRE_CODE_MAX, 0, 0 },
	{ "S7 A1", 5, true, XFR_IN_FAILED, XFR_UNFINISHED, 0, 0 },
	{ "S7 A1 A2 S7", 5, false, XFR_IN_FULL, WIRE_CODE_MAX, 0, 0 },
	{ "S7 ; A1 ; A2 S7", 5, false, XFR_IN_FULL, WIRE_CODE_MAX, 0, 0 },
	{ "S4 A1 S4", 5, false, XFR_IN_FULL, XFR_SERIAL_BACK, 0, 0 },
	{ "S7 S5 A1 S7 A2 S7", 5, false, XFR_IN_DIFF, WIRE_CODE_MAX, 2, 2 },
	{ "S7 ; S5 ; A1 ; S7 ; A2 ; S7", 5, false, XFR_IN_DIFF, WIRE_CODE_MAX, 2, 2 },
	{ "S7 S5 S7 S7", 5, false, XFR_IN_DIFF, WIRE_CODE_MAX, 1, 1 },
	/* Two steps: A2 comes and goes, A1 goes and comes back. */
	{ "S7 S5 A1 A4 S6 A2 A3 S6 A2 S7 A1 S7", 5, false, XFR_IN_DIFF, WIRE_CODE_MAX, 2, 2 },
	{ "S7 S5 A1 S6 A2 S6 A3 S7 A4 S7", 5, true, XFR_IN_DIFF, WIRE_CODE_MAX, 3, 3 },
	{ "S7 S6 A1 S7 A2 S7", 5, false, XFR_IN_AXFR, XFR_DIFF_CHAIN, 0, 0 },
	{ "S7 S5 A1 S4 A2 S7", 5, false, XFR_IN_AXFR, XFR_DIFF_CHAIN, 0, 0 },
	{ "S7 S5 A1 S4 A2 S4 A3 S7 S7", 5, false, XFR_IN_AXFR, XFR_DIFF_CHAIN, 0, 0 },
	{ "S7 S5 A1 S6 A2 S5 A3 S7 S7", 5, false, XFR_IN_AXFR, XFR_DIFF_CHAIN, 0, 0 },
	{ "S7 S5 A1 A1 S7 S7", 5, false, XFR_IN_AXFR, XFR_DIFF_CONTRADICTS, 0, 0 },
	{ "S7 S5 S6 A1 S6 S7 A1 S7", 5, false, XFR_IN_AXFR, XFR_DIFF_CONTRADICTS, 0, 0 },
	{ "S7 S5 A1 S7 A2 S7 A3", 5, false, XFR_IN_FAILED, XFR_AFTER_END, 0, 0 },
	{ "S7 S5 A1 S7 A2 !", 5, false, XFR_IN_FAILED, XFR_UNFINISHED, 0, 0 },
};

static void
answer_begin(struct dmsg_wr *w, uint8_t *buf, size_t cap, uint16_t type)
{
	const struct dname zone = nm(ZONE);

	dmsg_begin(w, buf, cap, &(struct dns_head){ .id = 99, .flags = DNS_QR | DNS_AA });
	assert_int_equal(dmsg_put_question(w, &zone, type), 0);
}

static int
play(struct kit *k, struct xfr_in *in, const struct script *s)
{
	struct sv rest = sv_str(s->text), word;
	uint16_t type = s->have == 0 ? RR_AXFR : RR_IXFR;
	uint8_t buf[1024];
	struct dmsg_wr w;
	uint32_t n;
	int rc;

	answer_begin(&w, buf, sizeof(buf), type);
	while (sv_word(&rest, &word)) {
		if (sv_eq(word, SV("!")))
			break;
		if (sv_eq(word, SV(";"))) {
			if ((rc = xfr_in_message(in, SV_OF(buf, dmsg_end(&w)))) != XFR_IN_MORE &&
			    rc != XFR_IN_FULL)
				return rc;
			answer_begin(&w, buf, sizeof(buf), type);
			continue;
		}
		assert_int_equal(num_u32(sv_skip(word, 1), 0, 99, &n), 0);
		assert_int_equal(dmsg_put(&w, DNS_ANSWER,
		    word.p[0] == 'S' ? &soa(k, n)->rr : &host(k, n, 60)->rr), 0);
	}
	rc = xfr_in_message(in, SV_OF(buf, dmsg_end(&w)));
	if (!sv_eq(word, SV("!")))
		return rc;
	xfr_in_end(in);
	return xfr_in_message(in, SV(""));
}

static void
scripted(void **state)
{
	struct kit *k = *state;

	for (size_t i = 0; i < ARRAY_LEN(scripts); i++) {
		const struct script *s = &scripts[i];
		_cleanup_(xfr_diff_freep) struct xfr_diff *d = NULL;
		struct taker t;
		_cleanup_(xfr_in_freep) struct xfr_in *in = NULL;

		forget(k);
		in = in_new(k, &t, s->have, s->have != 0, s->udp);
		assert_int_equal(play(k, in, s), s->want);
		assert_int_equal(k->fs.n_kept, s->found != WIRE_CODE_MAX);
		if (s->found != WIRE_CODE_MAX)
			assert_int_equal(n_found(&k->fs, s->found), 1);
		d = xfr_in_diff(in);
		assert_int_equal(d != NULL, s->want == XFR_IN_DIFF);
		if (d != NULL) {
			assert_int_equal(xfr_diff_n_del(d), s->n_del);
			assert_int_equal(xfr_diff_n_add(d), s->n_add);
		}
		(void)zone_builder_free(t.b);
	}
}

static void
odd_answers(void **state)
{
	struct kit *k = *state;
	static const struct {
		uint16_t		flags, id;
		uint8_t			rcode;
		bool			ixfr, udp;
		enum xfr_in_result	want;
		enum wire_code		found;
	} rows[] = {
		{ DNS_QR, 99, DNS_REFUSED, false, false, XFR_IN_FAILED, XFR_RCODE },
		{ DNS_QR, 99, DNS_REFUSED, true, false, XFR_IN_FAILED, XFR_RCODE },
		{ DNS_QR, 99, DNS_NOTIMP, true, false, XFR_IN_AXFR, WIRE_CODE_MAX },
		{ DNS_QR, 99, DNS_FORMERR, true, false, XFR_IN_AXFR, WIRE_CODE_MAX },
		{ DNS_QR, 99, DNS_NOTIMP, false, false, XFR_IN_FAILED, XFR_RCODE },
		{ DNS_QR | DNS_TC, 99, 0, false, false, XFR_IN_FAILED, XFR_TRUNCATED },
		{ DNS_QR | DNS_TC, 99, 0, true, true, XFR_IN_TCP, WIRE_CODE_MAX },
		{ DNS_QR, 98, 0, false, false, XFR_IN_FAILED, XFR_MISMATCH },
		{ 0, 99, 0, false, false, XFR_IN_FAILED, XFR_MISMATCH },
	};
	uint8_t buf[512];

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct taker t;
		_cleanup_(xfr_in_freep) struct xfr_in *in = NULL;
		struct dmsg_wr w;

		forget(k);
		in = in_new(k, &t, 5, rows[i].ixfr, rows[i].udp);
		answer_begin(&w, buf, sizeof(buf), rows[i].ixfr ? RR_IXFR : RR_AXFR);
		w.head.flags = rows[i].flags;
		w.head.rcode = rows[i].rcode;
		w.head.id = rows[i].id;
		assert_int_equal(dmsg_put(&w, DNS_ANSWER, &soa(k, 7)->rr), 0);
		assert_int_equal(xfr_in_message(in, SV_OF(buf, dmsg_end(&w))), rows[i].want);
		assert_int_equal(k->fs.n_kept, rows[i].found != WIRE_CODE_MAX);
		if (rows[i].found != WIRE_CODE_MAX)
			assert_int_equal(n_found(&k->fs, rows[i].found), 1);
		/* It is over, whatever comes then. */
		assert_int_equal(xfr_in_message(in, SV("")), rows[i].want);
	}
}

static void
in_limits(void **state)
{
	struct kit *k = *state;
	const struct script s = { .text = "S7 A1 A2 A3 S7" };

	for (unsigned i = 0; i < 4; i++) {
		struct taker t = { .fs = &k->fs, .rc = i == 3 ? -ENOMEM : 0 };
		struct xfr_in_opts o = { .zone = nm(ZONE), .id = 99, .full = take_full, .add = take_add,
		    .arg = &t, .records_max = i == 0 ? 4 : 5, .bytes_max = i == 1 ? 100 : 200 };
		_cleanup_(xfr_in_freep) struct xfr_in *in = NULL;

		forget(k);
		in = xfr_in_new(&o, &k->fs);
		assert_non_null(in);
		assert_int_equal(play(k, in, &s), i == 3 ? -ENOMEM : i == 2 ? XFR_IN_FULL : XFR_IN_FAILED);
		assert_int_equal(n_found(&k->fs, XFR_LIMIT), i < 2);
		(void)zone_builder_free(t.b);
	}
	forget(k);
	{
		struct taker t;
		_cleanup_(xfr_in_freep) struct xfr_in *in = in_new(k, &t, 0, false, false);

		assert_int_equal(xfr_in_message(in, SV("no message")), XFR_IN_FAILED);
		assert_int_equal(n_found(&k->fs, XFR_FORMAT), 1);
	}
}

TESTS_MAIN("dns/xfr", TK(net_of_it), TK(net_limits), TK(journal), TK(journal_broken),
    T(journal_strict), TK(diff_of_zones), TK(whole_zone), TK(too_large), TK(differences), TK(by_udp),
    TK(scripted), TK(odd_answers), TK(in_limits))
