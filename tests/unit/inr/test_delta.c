#include <errno.h>

#include "../tap.h"
#include "world.h"

/* A world whose payloads are the set bits of `bits`. */
static void
world(struct payloads *p, unsigned bits)
{
	static const struct {
		const char	*px;
		uint8_t		 max_len;
		uint32_t	 asn;
	} rows[] = {
		{ "10.0.0.0/8", 16, 1 }, { "10.0.0.0/16", 16, 1 }, { "10.1.0.0/16", 16, 1 },
		{ "2001:db8::/32", 32, 1 }, { "2001:db8::/32", 32, 2 },
	};

	for (unsigned i = 0; i < ARRAY_LEN(rows); i++)
		if (bits & 1u << i)
			world_vrp(p, rows[i].px, rows[i].max_len, rows[i].asn, 1);
	if (bits & 1u << 5)
		world_aspa(p, 10, bits & 1u << 6 ? WORLD_LIST(1, 2) : WORLD_LIST(1, 3), 1);
	if (bits & 1u << 7)
		world_aspa(p, 20, WORLD_LIST(4), 1);
	for (uint8_t i = 0; i < 3; i++)
		if (bits & 1u << (8 + i))
			world_router_key(p, i & 2, 64496u + i, 1);
}

static void
make(unsigned bits, uint32_t serial, uint8_t **buf, struct snapshot *s)
{
	struct payloads p = { 0 };

	world(&p, bits);
	assert_int_equal(world_snapshot(&p, serial, buf, s), 0);
	payloads_done(&p);
}

static struct delta *
between(unsigned a, unsigned b, uint32_t serial)
{
	struct snapshot x, y;
	uint8_t *bx, *by;
	struct delta *d = NULL;

	make(a, serial, &bx, &x);
	make(b, serial + 1, &by, &y);
	assert_int_equal(delta_new(&x, &y, &d), 0);
	assert_int_equal(d->from, serial);
	assert_int_equal(d->to, serial + 1);
	free(bx);
	free(by);
	return d;
}

static void
pdus_equal(const struct delta *a, const struct delta *b)
{
	for (uint8_t v = 0; v < RTR_VERSIONS; v++) {
		size_t n = delta_pdus_len(a, v);
		uint8_t *x = calloc(2, n + 1), *y = x + n + 1;
		struct wr wx = wr_mem(x, n), wy = wr_mem(y, n);

		assert_int_equal(delta_pdus_len(b, v), n);
		delta_pdus_write(a, v, &wx);
		delta_pdus_write(b, v, &wy);
		assert_true(wr_done(&wx) && wx.len == n);
		assert_true(wr_done(&wy) && wy.len == n);
		assert_memory_equal(x, y, n);
		free(x);
	}
}

/* Announcements first and descending, withdrawals ascending; by family. */
static void
order(void **state UNUSED)
{
	static const uint8_t want[] = {
		2, 4, 0, 0, 0, 0, 0, 20, 1, 16, 16, 0, 10, 1, 0, 0, 0, 0, 0, 1,
		2, 4, 0, 0, 0, 0, 0, 20, 0, 8, 16, 0, 10, 0, 0, 0, 0, 0, 0, 1,
		2, 4, 0, 0, 0, 0, 0, 20, 0, 16, 16, 0, 10, 0, 0, 0, 0, 0, 0, 1,
		2, 6, 0, 0, 0, 0, 0, 32, 1, 32, 32, 0, 0x20, 1, 0xd, 0xb8, 0, 0, 0, 0,
		0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2,
	};
	static const uint8_t want_aspas[] = {
		2, 11, 1, 0, 0, 0, 0, 20, 0, 0, 0, 10, 0, 0, 0, 1, 0, 0, 0, 2,
		2, 11, 0, 0, 0, 0, 0, 12, 0, 0, 0, 20,
	};
	/* Router keys: announcements of 0/64496 and 2/64498, 0/64497 withdrawn. */
	static const uint8_t key_rows[3][2] = { { 1, 0 }, { 1, 2 }, { 0, 1 } };
	const size_t keys_len = 3 * WORLD_KEY_LEN;
	uint8_t out[sizeof(want) + sizeof(want_aspas) + 3 * WORLD_KEY_LEN];
	struct delta *d = between(1 | 2 | 8 | 32 | 128 | 512, 4 | 8 | 16 | 32 | 64 | 256 | 1024, 5);
	struct wr w = wr_mem(out, sizeof(out));

	assert_int_equal(delta_pdus_len(d, 2), sizeof(out));
	delta_pdus_write(d, 2, &w);
	assert_true(wr_done(&w));
	assert_memory_equal(out, want, sizeof(want));
	for (size_t i = 0; i < 3; i++) {
		struct rd r = rd_mem(out + sizeof(want) + i * WORLD_KEY_LEN, WORLD_KEY_LEN);
		struct router_key k;

		assert_int_equal(rd_be32(&r), 2u << 24 | 9u << 16 | (uint32_t)key_rows[i][0] << 8);
		assert_int_equal(rd_be32(&r), WORLD_KEY_LEN);
		assert_int_equal(router_key_pdu_parse(&r, &k), 0);
		assert_int_equal(k.asn, 64496 + key_rows[i][1]);
		assert_int_equal(k.ski[0], key_rows[i][1] & 2);
	}
	assert_memory_equal(out + sizeof(want) + keys_len, want_aspas, sizeof(want_aspas));
	assert_int_equal(delta_pdus_len(d, 1), 92 + keys_len);
	assert_int_equal(delta_pdus_len(d, 0), 92);
	(void)delta_free(d);
}

/* Whatever the steps, composed they are the direct delta, byte for byte. */
static void
composed(void **state UNUSED)
{
	uint32_t r = 7;

	for (unsigned i = 0; i < 3000; i++) {
		unsigned a, b, c;
		struct delta *ab, *bc, *ac, *direct;

		r = r * 1103515245 + 12345;
		a = r >> 21;
		b = r >> 10 & 2047;
		r = r * 1103515245 + 12345;
		c = i % 8 == 0 ? a : r >> 21;
		ab = between(a, b, 5);
		bc = between(b, c, 6);
		direct = between(a, c, 5);
		assert_int_equal(delta_compose(ab, bc, &ac), 0);
		assert_int_equal(ac->from, 5);
		assert_int_equal(ac->to, 7);
		pdus_equal(ac, direct);
		if (a == c)
			assert_true(delta_empty(ac));
		(void)delta_free(ab);
		(void)delta_free(bc);
		(void)delta_free(ac);
		(void)delta_free(direct);
	}
}

static void
not_adjacent(void **state UNUSED)
{
	struct delta *a = between(1, 2, 5), *b = between(2, 3, 9), *c = NULL;

	assert_int_equal(delta_compose(a, b, &c), -EINVAL);
	assert_null(c);
	(void)delta_free(a);
	(void)delta_free(b);
}

/* More change than a delta is good for. */
static void
too_big(void **state UNUSED)
{
	struct payloads p = { 0 }, none = { 0 };
	struct snapshot x, y;
	uint8_t *bx = NULL, *by = NULL;
	struct delta *d = NULL;

	p.n_vrps = 128 * 1024 + 1;
	p.vrps = calloc(p.n_vrps, sizeof(*p.vrps));
	assert_int_equal(payloads_ta(&p, SV("lab")), 0);
	for (uint32_t i = 0; i < p.n_vrps; i++) {
		p.vrps[i] = (struct vrp){ .af = IP_V4, .len = 32, .max_len = 32 };
		put_be32(p.vrps[i].addr, i);
	}
	assert_int_equal(world_snapshot(&none, 1, &bx, &x), 0);
	assert_int_equal(world_snapshot(&p, 2, &by, &y), 0);
	assert_int_equal(delta_new(&x, &y, &d), -E2BIG);
	payloads_done(&p);
	free(bx);
	free(by);
}

TESTS_MAIN("inr delta", T(order), T(composed), T(not_adjacent), T(too_big))
