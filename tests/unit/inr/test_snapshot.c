#include <errno.h>
#include <stdio.h>

#include "../tap.h"
#include "base/err.h"
#include "world.h"

/* As inr/internal.h has them: the tests must reach into the bytes. */
#define HEAD_LEN	256
#define HEAD_BODY_SUM	192
#define HEAD_SUM	224

static void
world(struct payloads *p)
{
	world_vrp(p, "10.0.0.0/8", 16, 64496, 5000);
	world_vrp(p, "10.0.0.0/16", 24, 64497, 6000);
	world_vrp(p, "10.0.0.0/16", 24, 0, 7000);
	world_vrp(p, "192.0.2.0/24", 24, 64498, TIME_NEVER);
	world_vrp(p, "2001:db8::/32", 48, 64496, 8000);
	world_vrp(p, "::/0", 0, 1, 9000);
	world_aspa(p, 64496, WORLD_LIST(64497, 64498), 4000);
	world_aspa(p, 64500, WORLD_LIST(0), 9500);
	world_router_key(p, 9, 64496, 4500);
	world_router_key(p, 3, 64500, TIME_NEVER);
	world_router_key(p, 3, 64496, 7500);
}

/* The same, issued: a root (id 50), below it 70, below that 60, which failed. */
static void
issued_world(struct payloads *p)
{
	uint32_t root, mid;

	world(p);
	root = world_ca(p, 50, PAYLOAD_CA_NONE, PCA_GOOD, "rsync://a/root.mft", "");
	mid = world_ca(p, 70, root, PCA_RETAINED, "rsync://a/mid.mft", "RPKI_MFT_STALE");
	(void)world_ca(p, 60, mid, PCA_FAILED, "", "RPKI_MFT_ABSENT");
	p->cas[2].held_since = 77;
	p->vrps[0].ca = mid;
	p->vrps[1].ca = PAYLOAD_CA_NONE;
	p->aspas[0].ca = mid;
	p->aspas[1].ca = 2;
	p->router_keys[0].ca = 2;
	p->router_keys[1].ca = 1000;	/* out of range: none */
}

static void
resum(uint8_t *buf, size_t size)
{
	world_digest(buf + HEAD_LEN, size - HEAD_LEN, buf + HEAD_BODY_SUM);
	world_digest(buf, HEAD_SUM, buf + HEAD_SUM);
}

static void
round_trip(void **state UNUSED)
{
	struct payloads p = { 0 }, q = { 0 };
	struct snapshot s;
	uint8_t *buf = NULL;

	world(&p);
	assert_int_equal(world_snapshot(&p, 7, &buf, &s), 0);
	assert_int_equal(s.stamp.serial, 7);
	assert_int_equal(s.stamp.session[2], 300);
	assert_int_equal(s.built, 1000);
	assert_int_equal(s.earliest, 4000);
	assert_true(s.latest == TIME_NEVER);
	assert_int_equal(s.n_v4, 4);
	assert_int_equal(s.n_v6, 2);
	assert_int_equal(s.n_aspas, 2);
	assert_string_equal(s.tas[0], "lab");
	assert_true(sv_eq(snapshot_report(&s), SV("{}")));
	for (size_t i = 0; i < p.n_vrps; i++) {
		struct vrp v;

		snapshot_vrp(&s, i, &v);
		assert_int_equal(vrp_cmp(&v, &p.vrps[i]), 0);
		assert_true(v.expires == p.vrps[i].expires);
		assert_int_equal(v.ta, p.vrps[i].ta);
	}
	assert_int_equal(snapshot_payloads(&s, 0, &q), 0);
	assert_int_equal(q.n_vrps, p.n_vrps);
	assert_int_equal(q.n_aspas, p.n_aspas);
	assert_int_equal(q.aspas[0].providers[1], 64498);
	assert_int_equal(s.n_router_keys, 3);
	assert_int_equal(q.n_router_keys, 3);
	for (size_t i = 0; i < 3; i++) {
		assert_int_equal(router_key_cmp(&q.router_keys[i], &p.router_keys[i]), 0);
		assert_true(q.router_keys[i].expires == p.router_keys[i].expires);
		assert_int_equal(q.router_keys[i].ca, PAYLOAD_CA_NONE);	/* no table */
	}
	assert_int_equal(q.router_keys[0].asn, 64496);	/* ski, then asn */
	assert_int_equal(q.router_keys[1].asn, 64500);
	assert_int_equal(q.router_keys[2].ski[19], 9);
	payloads_done(&p);
	payloads_done(&q);
	free(buf);
}

static void
issuers_check(const struct snapshot *s)
{
	struct snapshot_ca ca, other;
	struct snapshot_aspa a;
	struct router_key k;
	struct vrp v;

	assert_int_equal(s->n_cas, 3);
	assert_true(snapshot_ca_find(s, 50, &ca));
	assert_int_equal(ca.index, 0);
	assert_int_equal(ca.ca.parent, PAYLOAD_CA_NONE);
	assert_true(snapshot_ca_find(s, 60, &ca));
	assert_int_equal(ca.ca.held_since, 77);
	assert_int_equal(ca.ca.state, PCA_FAILED);
	assert_true(sv_eq_str(ca.ca.code, "RPKI_MFT_ABSENT"));
	assert_int_equal(ca.ca.uri.n, 0);
	snapshot_ca(s, ca.ca.parent, &other);
	assert_int_equal(other.ca.id, 70);
	assert_true(sv_eq_str(other.ca.uri, "rsync://a/mid.mft"));
	assert_false(snapshot_ca_find(s, 55, &ca));
	assert_false(snapshot_ca_find(s, UINT64_MAX, &ca));
	snapshot_vrp(s, 0, &v);
	assert_int_equal(v.len, 8);
	assert_int_equal(v.ca, other.index);
	snapshot_vrp(s, 2, &v);
	assert_int_equal(v.asn, 64497);
	assert_int_equal(v.ca, PAYLOAD_CA_NONE);
	snapshot_aspa(s, 0, &a);
	assert_int_equal(a.ca, other.index);
	snapshot_aspa(s, 1, &a);
	assert_int_equal(a.ca, 1);
	snapshot_router_key(s, 2, &k);
	assert_int_equal(k.ca, 1);
	snapshot_router_key(s, 1, &k);
	assert_int_equal(k.ca, PAYLOAD_CA_NONE);
}

/* Who issued what survives the sort, the file and the next file. */
static void
issuers(void **state UNUSED)
{
	struct payloads p = { 0 }, q = { 0 };
	struct snapshot s;
	uint8_t *buf = NULL;

	issued_world(&p);
	assert_int_equal(world_snapshot(&p, 7, &buf, &s), 0);
	issuers_check(&s);
	assert_int_equal(snapshot_payloads(&s, 0, &q), 0);
	payloads_done(&p);
	memset(buf, 0, s.size);		/* nothing of q lies in it */
	free(buf);
	assert_int_equal(world_snapshot(&q, 7, &buf, &s), 0);
	issuers_check(&s);
	payloads_done(&q);
	free(buf);
}

/* Text that must not reach a file does not keep the rest from it. */
static void
odd_text(void **state UNUSED)
{
	struct payloads p = { 0 };
	struct snapshot_ca ca;
	struct snapshot s;
	uint8_t *buf = NULL;
	char big[2100];

	memset(big, 'x', sizeof(big) - 1);
	big[sizeof(big) - 1] = '\0';
	(void)world_ca(&p, 1, PAYLOAD_CA_NONE, PCA_GOOD, "rsync://a/b c.mft", "");
	(void)world_ca(&p, 2, PAYLOAD_CA_NONE, PCA_GOOD, big, "A\nB");
	(void)world_ca(&p, 3, PAYLOAD_CA_NONE, PCA_GOOD, "rsync://a/c.mft", big);
	assert_int_equal(world_snapshot(&p, 7, &buf, &s), 0);
	for (size_t i = 0; i < 3; i++) {
		snapshot_ca(&s, i, &ca);
		assert_int_equal(ca.ca.uri.n, i == 2 ? 15 : 0);
		assert_int_equal(ca.ca.code.n, 0);
	}
	payloads_done(&p);
	free(buf);
}

static void
empty(void **state UNUSED)
{
	struct payloads p = { 0 };
	struct ip_prefix px = { .af = IP_V4, .len = 8, .addr = { 10 } };
	struct snapshot s;
	uint8_t *buf = NULL;

	assert_int_equal(world_snapshot(&p, 1, &buf, &s), 0);
	assert_true(s.earliest == TIME_NEVER);
	assert_int_equal(snapshot_rov(&s, &px, 1), ROV_NOT_FOUND);
	free(buf);
}

static void
expiry(void **state UNUSED)
{
	struct payloads p = { 0 }, q = { 0 };
	struct snapshot s;
	uint8_t *buf = NULL;

	world(&p);
	assert_int_equal(world_snapshot(&p, 7, &buf, &s), 0);
	assert_int_equal(snapshot_payloads(&s, 6000, &q), 0);	/* at 6000 it is over */
	assert_int_equal(q.n_vrps, 4);
	assert_int_equal(q.n_aspas, 1);
	assert_int_equal(q.n_router_keys, 2);
	payloads_done(&p);
	payloads_done(&q);
	free(buf);
}

static void
stamped(void **state UNUSED)
{
	const struct snapshot_stamp st = { 99, { 1, 2, 3 } };
	struct payloads p = { 0 };
	struct snapshot s, t;
	uint8_t *buf = NULL;

	world(&p);
	assert_int_equal(world_snapshot(&p, 7, &buf, &s), 0);
	assert_int_equal(snapshot_stamp(buf, s.size, &st, world_digest), 0);
	assert_int_equal(snapshot_open(buf, s.size, world_digest, &t), 0);
	assert_int_equal(t.stamp.serial, 99);
	assert_int_equal(t.stamp.session[0], 1);
	assert_true(snapshot_same(&s, &t));
	payloads_done(&p);
	free(buf);
}

/* Any flipped bit and any cut is seen. */
static void
damage(void **state UNUSED)
{
	struct payloads p = { 0 };
	struct snapshot s, t;
	uint8_t *buf = NULL;

	issued_world(&p);
	assert_int_equal(world_snapshot(&p, 7, &buf, &s), 0);
	for (size_t i = 0; i < s.size; i++) {
		buf[i] ^= 0x10;
		assert_true(snapshot_open(buf, s.size, world_digest, &t) < 0);
		buf[i] ^= 0x10;
	}
	for (size_t n = 0; n < s.size; n++)
		assert_true(snapshot_open(buf, n, world_digest, &t) < 0);
	buf[11]++;
	assert_int_equal(snapshot_open(buf, s.size, world_digest, &t), SE_FORMAT);
	buf[11]--;
	buf[HEAD_LEN]++;
	assert_int_equal(snapshot_open(buf, s.size, world_digest, &t), SE_SUM);
	payloads_done(&p);
	free(buf);
}

/* With right sums every byte of the body is still checked or harmless. */
/* Opened, moved; and opened by who has the sums from somebody else. */
static void
moved(void **state UNUSED)
{
	struct payloads p = { 0 };
	struct snapshot s, at, open;
	uint8_t *buf = NULL, *other;
	struct vrp a, b;

	world(&p);
	assert_int_equal(world_snapshot(&p, 7, &buf, &s), 0);
	other = malloc(s.size);
	assert_non_null(other);
	memcpy(other, buf, s.size);
	snapshot_view_at(&s, other, &at);
	assert_int_equal(snapshot_open(other, s.size, world_digest, &open), 0);
	assert_ptr_equal(at.map, other);
	assert_memory_equal(at.section, open.section, sizeof(at.section));
	memset(buf, 0xff, s.size);		/* nothing of it looks back */
	for (size_t i = 0; i < snapshot_n_vrps(&at); i++) {
		snapshot_vrp(&at, i, &a);
		snapshot_vrp(&open, i, &b);
		assert_int_equal(vrp_cmp(&a, &b), 0);
	}
	other[HEAD_SUM] ^= 1;
	assert_int_equal(snapshot_open(other, s.size, world_digest, &open), SE_SUM);
	assert_int_equal(snapshot_open(other, s.size, NULL, &open), 0);
	other[at.section[SNAP_PDU4].p - (const char *)other] ^= 1;
	assert_int_equal(snapshot_open(other, s.size, NULL, &open), -EBADMSG);
	free(other);
	free(buf);
	payloads_done(&p);
}

static void
forged(void **state UNUSED)
{
	struct payloads p = { 0 };
	struct snapshot s, t;
	uint8_t *buf = NULL;
	size_t n_refused = 0;

	issued_world(&p);
	assert_int_equal(world_snapshot(&p, 7, &buf, &s), 0);
	for (size_t i = 16; i < s.size; i++) {
		uint8_t old = buf[i];

		for (unsigned m = 1; m < 256; m += m < 8 ? m : 41) {
			buf[i] = (uint8_t)(old ^ m);
			resum(buf, s.size);
			if (snapshot_open(buf, s.size, world_digest, &t) < 0) {
				n_refused++;
				continue;
			}
			for (size_t k = 0; k < snapshot_n_vrps(&t); k++) {
				struct vrp v;

				snapshot_vrp(&t, k, &v);
				assert_true(vrp_is_sound(&v));
			}
			for (size_t k = 0; k < t.n_aspas; k++) {
				struct snapshot_aspa a;

				snapshot_aspa(&t, k, &a);
				assert_false(a.providers.bad);
				assert_true(a.ca < t.n_cas || a.ca == PAYLOAD_CA_NONE);
			}
			for (size_t k = 0; k < t.n_router_keys; k++) {
				struct router_key key;

				snapshot_router_key(&t, k, &key);
				assert_int_equal(key.spki_len, 91);
			}
			for (size_t k = 0; k < t.n_cas; k++) {
				struct snapshot_ca ca, found;

				snapshot_ca(&t, k, &ca);
				assert_true(snapshot_ca_find(&t, ca.ca.id, &found));
				assert_int_equal(found.index, k);
			}
		}
		buf[i] = old;
	}
	assert_true(n_refused > 1000);
	payloads_done(&p);
	free(buf);
}

static void
not_built(void **state UNUSED)
{
	const struct snapshot_stamp st = { 0 };
	struct payloads p = { 0 };
	uint8_t buf[1024];
	size_t size;

	world_vrp(&p, "10.0.0.0/8", 16, 2, 1);
	world_vrp(&p, "10.0.0.0/8", 16, 1, 1);
	assert_int_equal(snapshot_size(&p, 0, &size), 0);
	/* Not merged; a wrong size; an anchor that has no name. */
	assert_int_equal(snapshot_build(&p, 0, &st, SV(""), world_digest, buf, size), -EINVAL);
	assert_int_equal(payloads_merge(&p, &(size_t){ 0 }), 0);
	assert_int_equal(snapshot_build(&p, 0, &st, SV(""), world_digest, buf, size + 1), -EINVAL);
	p.vrps[0].ta = 1;
	assert_int_equal(snapshot_build(&p, 0, &st, SV(""), world_digest, buf, size), -EINVAL);
	payloads_done(&p);
	/* A state that is none; a ring of parents; a key of no length. */
	(void)world_ca(&p, 1, 1, PCA_GOOD, "", "");
	(void)world_ca(&p, 2, PAYLOAD_CA_NONE, PCA_MAX, "", "");
	assert_int_equal(snapshot_size(&p, 0, &size), 0);
	assert_int_equal(snapshot_build(&p, 0, &st, SV(""), world_digest, buf, size), -EINVAL);
	p.cas[1].state = PCA_LOST;
	assert_int_equal(snapshot_build(&p, 0, &st, SV(""), world_digest, buf, size), 0);
	p.cas[1].parent = 0;
	assert_int_equal(snapshot_build(&p, 0, &st, SV(""), world_digest, buf, size), -EINVAL);
	p.cas[1].parent = PAYLOAD_CA_NONE;
	world_router_key(&p, 1, 1, 1);
	p.router_keys[0].spki_len = 0;
	assert_int_equal(snapshot_size(&p, 0, &size), 0);
	assert_int_equal(snapshot_build(&p, 0, &st, SV(""), world_digest, buf, size), -EINVAL);
	payloads_done(&p);
}

/* 8210bis section 11.2: what is sent, byte for byte. */
static void
pdus(void **state UNUSED)
{
	static const uint8_t prefixes[] = {
		2, 4, 0, 0, 0, 0, 0, 20, 1, 24, 24, 0, 192, 0, 2, 0, 0, 0, 0xfb, 0xf2,
		2, 4, 0, 0, 0, 0, 0, 20, 1, 16, 24, 0, 10, 0, 0, 0, 0, 0, 0xfb, 0xf1,
		2, 4, 0, 0, 0, 0, 0, 20, 1, 16, 24, 0, 10, 0, 0, 0, 0, 0, 0, 0,
		2, 4, 0, 0, 0, 0, 0, 20, 1, 8, 16, 0, 10, 0, 0, 0, 0, 0, 0xfb, 0xf0,
		2, 6, 0, 0, 0, 0, 0, 32, 1, 32, 48, 0, 0x20, 1, 0xd, 0xb8, 0, 0, 0, 0,
		0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xfb, 0xf0,
		2, 6, 0, 0, 0, 0, 0, 32, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
		0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1,
	};
	static const uint8_t aspas[] = {
		2, 11, 1, 0, 0, 0, 0, 20, 0, 0, 0xfb, 0xf0, 0, 0, 0xfb, 0xf1, 0, 0, 0xfb, 0xf2,
		2, 11, 1, 0, 0, 0, 0, 16, 0, 0, 0xfb, 0xf4, 0, 0, 0, 0,
	};
	static const struct {
		uint8_t		key;
		uint16_t	asn;
	} keys[] = { { 3, 64496 }, { 3, 64500 }, { 9, 64496 } };
	uint8_t want[sizeof(prefixes) + sizeof(aspas) + 3 * WORLD_KEY_LEN];
	struct payloads p = { 0 };
	struct snapshot s;
	uint8_t *buf = NULL, out[sizeof(want)];
	struct wr w = wr_mem(want, sizeof(want));
	size_t off, len, at;

	wr_bytes(&w, prefixes, sizeof(prefixes));
	for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
		const uint8_t head[] = { 2, 9, 1, 0, 0, 0, 0, 123 };

		wr_bytes(&w, head, sizeof(head));
		memset(wr_reserve(&w, 20), keys[i].key, 20);
		wr_be32(&w, keys[i].asn);
		memset(wr_reserve(&w, 91), keys[i].key, 91);
	}
	wr_bytes(&w, aspas, sizeof(aspas));
	issued_world(&p);
	assert_int_equal(world_snapshot(&p, 7, &buf, &s), 0);
	snapshot_pdus(&s, 2, &off, &len);
	assert_int_equal(len, sizeof(want));
	assert_memory_equal(buf + off, want, len);
	snapshot_pdus_write(&s, 2, out);
	assert_memory_equal(out, want, len);
	for (uint8_t v = 0; v < 2; v++) {
		snapshot_pdus(&s, v, &off, &len);
		assert_int_equal(len, sizeof(prefixes) + v * 3u * WORLD_KEY_LEN);
		snapshot_pdus_write(&s, v, out);
		for (at = 0; at < len; at += out[at + 7]) {
			assert_int_equal(out[at], v);
			assert_memory_equal(out + at + 1, want + at + 1, out[at + 7] - 1u);
		}
	}
	payloads_done(&p);
	free(buf);
}

static struct ip_prefix
px(const char *text)
{
	struct ip_prefix x = { 0 };

	assert_int_equal(ip_prefix_parse(sv_str(text), &x), 0);
	return x;
}

static void
rov(void **state UNUSED)
{
	static const struct {
		const char	*px;
		uint32_t	 asn;
		enum rov	 want;
		unsigned	 n_cover;
	} rows[] = {
		{ "10.0.0.0/8", 64496, ROV_VALID, 1 },
		{ "10.9.0.0/16", 64496, ROV_VALID, 1 },
		{ "10.9.0.0/17", 64496, ROV_INVALID, 1 },
		{ "10.0.7.0/24", 64497, ROV_VALID, 3 },
		{ "10.0.7.0/24", 64496, ROV_INVALID, 3 },
		{ "10.0.7.0/24", 0, ROV_INVALID, 3 },	/* RFC 7607: AS 0 never matches */
		{ "10.0.0.0/7", 64496, ROV_NOT_FOUND, 0 },
		{ "11.0.0.0/8", 64496, ROV_NOT_FOUND, 0 },
		{ "9.255.255.255/32", 64496, ROV_NOT_FOUND, 0 },
		{ "192.0.2.0/24", 64498, ROV_VALID, 1 },
		{ "192.0.2.128/25", 64498, ROV_INVALID, 1 },
		{ "2001:db8:1::/48", 64496, ROV_VALID, 2 },
		{ "2001:db8:1::/49", 64496, ROV_INVALID, 2 },
		{ "::/0", 1, ROV_VALID, 1 },
		{ "ffff::/16", 1, ROV_INVALID, 1 },
	};
	struct payloads p = { 0 };
	struct snapshot s;
	uint8_t *buf = NULL;

	world(&p);
	assert_int_equal(world_snapshot(&p, 7, &buf, &s), 0);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct ip_prefix x = px(rows[i].px);
		unsigned n = 0, last = 0;
		struct cover c;
		struct vrp v;

		assert_int_equal(snapshot_rov(&s, &x, rows[i].asn), rows[i].want);
		for (cover_init(&c, &s, &x); cover_next(&c, &v); n++) {
			assert_true(v.len >= last && v.len <= x.len);
			last = v.len;
		}
		assert_int_equal(n, rows[i].n_cover);
	}
	assert_string_equal(rov_name(ROV_VALID), "valid");
	payloads_done(&p);
	free(buf);
}

/* The same answers as looking at every VRP, on a dense world. */
static void
rov_oracle(void **state UNUSED)
{
	struct payloads p = { 0 };
	struct snapshot s;
	uint8_t *buf = NULL;
	uint32_t r = 1;

	for (unsigned i = 0; i < 400; i++) {
		struct vrp v = { .af = i % 2 ? IP_V4 : IP_V6, .expires = 1 };

		r = r * 1103515245 + 12345;
		v.addr[0] = (uint8_t)(r >> 30);
		v.addr[1] = (uint8_t)(r >> 22 & 0xc0);
		v.len = (uint8_t)(6 + (r >> 8) % 5);
		ip_mask(v.addr, v.len);
		v.max_len = (uint8_t)(v.len + (r >> 12) % 4);
		v.asn = (r >> 16) % 4;
		v.ta = (uint8_t)payloads_ta(&p, SV("x"));
		p.vrps = reallocarray(p.vrps, p.n_vrps + 1, sizeof(v));
		p.vrps[p.n_vrps++] = v;
	}
	assert_int_equal(world_snapshot(&p, 7, &buf, &s), 0);
	for (unsigned q = 0; q < 4000; q++) {
		struct ip_prefix x = { .af = q % 2 ? IP_V4 : IP_V6 };
		enum rov want = ROV_NOT_FOUND;
		uint32_t asn;

		r = r * 1103515245 + 12345;
		x.addr[0] = (uint8_t)(r >> 30);
		x.addr[1] = (uint8_t)(r >> 21);
		x.len = (uint8_t)(5 + (r >> 8) % 9);
		ip_mask(x.addr, x.len);
		asn = (r >> 16) % 4;
		for (size_t i = 0; i < p.n_vrps && want != ROV_VALID; i++) {
			const struct vrp *v = &p.vrps[i];
			struct ip_prefix y = { .af = v->af, .len = v->len };

			memcpy(y.addr, v->addr, sizeof(y.addr));
			if (ip_prefix_covers(&y, &x))
				want = vrp_matches(v, &x, asn) ? ROV_VALID : ROV_INVALID;
		}
		assert_int_equal(snapshot_rov(&s, &x, asn), want);
	}
	payloads_done(&p);
	free(buf);
}

static void
aspa_find(void **state UNUSED)
{
	struct payloads p = { 0 };
	struct snapshot_aspa a;
	struct snapshot s;
	uint8_t *buf = NULL;

	world(&p);
	assert_int_equal(world_snapshot(&p, 7, &buf, &s), 0);
	assert_true(snapshot_aspa_find(&s, 64500, &a));
	assert_int_equal(a.n_providers, 1);
	assert_int_equal(a.expires, 9500);
	assert_true(snapshot_aspa_find(&s, 64496, &a));
	assert_int_equal(rd_be32(&a.providers), 64497);
	assert_false(snapshot_aspa_find(&s, 64499, &a));
	assert_false(snapshot_aspa_find(&s, 1, &a));
	assert_false(snapshot_aspa_find(&s, UINT32_MAX, &a));
	payloads_done(&p);
	free(buf);
}

/* Each of 700 prefixes of both families, but where the bits of `lacks` say no. */
static void
row_world(struct payloads *p, unsigned lacks)
{
	char text[40];

	for (unsigned i = 0; i < 700; i++) {
		if (lacks != 0 && (i * 2654435761u >> 20) % lacks == 0)
			continue;
		(void)snprintf(text, sizeof(text), "10.%u.%u.0/24", i / 256, i % 256);
		world_vrp(p, text, 24, 64496 + i % 3, 5000 + i);
		(void)snprintf(text, sizeof(text), "2001:db8:%x::/48", i);
		world_vrp(p, text, 48, 64496 + i % 5, 5000 + i);
	}
}

/* From any two places, against one comparison after the other. */
static void
common(void **state UNUSED)
{
	static const unsigned lacks[] = { 0, 1, 2, 90, 301 };

	for (size_t k = 0; k < ARRAY_LEN(lacks); k++) {
		struct payloads p = { 0 }, q = { 0 };
		struct snapshot a, b;
		uint8_t *pb = NULL, *qb = NULL;

		row_world(&p, 0);
		row_world(&q, lacks[k]);
		assert_int_equal(world_snapshot(&p, 7, &pb, &a), 0);
		assert_int_equal(world_snapshot(&q, 8, &qb, &b), 0);
		for (size_t i = 0; i <= p.n_vrps; i += 7)
			for (size_t j = i > 30 ? i - 30 : 0; j <= q.n_vrps && j < i + 30; j++) {
				size_t n = 0, max = i % 3 == 0 ? 100 : SIZE_MAX;

				while (n < max && i + n < p.n_vrps && j + n < q.n_vrps &&
				    vrp_cmp(&p.vrps[i + n], &q.vrps[j + n]) == 0 &&
				    (n == 0 || p.vrps[i + n].af == p.vrps[i + n - 1].af))
					n++;
				assert_int_equal(snapshot_common(&a, i, &b, j, max), n);
			}
		payloads_done(&p);
		payloads_done(&q);
		free(pb);
		free(qb);
	}
}

TESTS_MAIN("inr snapshot", T(common), T(round_trip), T(issuers), T(odd_text), T(empty), T(expiry), T(stamped), T(damage), T(moved),
    T(forged), T(not_built), T(pdus), T(rov), T(rov_oracle), T(aspa_find))
