#include "../tap.h"
#include "base/rd.h"

static const uint8_t bytes[] = {
	0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x07, 0x08, 0x09, 0x0a, 0x0b, 0xff,
	0xfe, 0xfd, 0xfc,
};

static void
big_endian(void **state UNUSED)
{
	struct rd r = rd_mem(bytes, sizeof(bytes));

	assert_int_equal(rd_u8(&r), 0x01);
	assert_int_equal(rd_be16(&r), 0x0203);
	assert_int_equal(rd_be32(&r), 0x04050607);
	assert_int_equal(rd_be64(&r), 0x08090a0bfffefdfc);
	assert_true(rd_done(&r));
}

static void
high_bits(void **state UNUSED)
{
	static const uint8_t ff[] = { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff };
	struct rd r = rd_mem(ff, 8), q = r, s = r;

	assert_int_equal(rd_be64(&r), UINT64_MAX);
	assert_int_equal(rd_be32(&q), UINT32_MAX);
	assert_int_equal(rd_be16(&s), UINT16_MAX);
}

/* A cursor that reads each width at each length. */
static void
short_reads(void **state UNUSED)
{
	for (size_t n = 0; n < 8; n++) {
		struct rd r = rd_mem(bytes, n);

		assert_int_equal(rd_be64(&r) & 0xffffffff, 0);
		assert_true(r.bad);
		assert_false(rd_done(&r));
		assert_int_equal(rd_left(&r), 0);
	}
}

static void
sticky(void **state UNUSED)
{
	struct rd r = rd_mem(bytes, 3);

	assert_int_equal(rd_be32(&r), 0);
	assert_int_equal(rd_u8(&r), 0);		/* though a byte is there */
	assert_null(rd_bytes(&r, 0));
	assert_null(rd_slice(&r, 1).p);
	assert_false(rd_done(&r));
}

static void
nothing_left(void **state UNUSED)
{
	struct rd r = rd_mem(bytes, 2);

	(void)rd_u8(&r);
	assert_false(rd_done(&r));
	(void)rd_u8(&r);
	assert_true(rd_done(&r));
	r = rd_mem(NULL, 0);
	assert_int_equal(rd_slice(&r, 0).n, 0);
	assert_true(rd_done(&r));
}

static void
sub_blocks(void **state UNUSED)
{
	struct rd r = rd_mem(bytes, 6), sub = rd_sub(&r, 4), none;

	assert_int_equal(rd_be32(&sub), 0x01020304);
	assert_true(rd_done(&sub));
	assert_int_equal(rd_left(&r), 2);
	none = rd_sub(&r, 3);
	assert_true(none.bad);
	assert_true(r.bad);
}

static void
huge_lengths(void **state UNUSED)
{
	struct rd r = rd_mem(bytes, sizeof(bytes));

	assert_null(rd_bytes(&r, SIZE_MAX));
	assert_true(r.bad);
}

static void
write_and_read(void **state UNUSED)
{
	uint8_t buf[15];
	struct wr w = wr_mem(buf, sizeof(buf));
	struct rd r;

	wr_u8(&w, 0x01);
	wr_be16(&w, 0x0203);
	wr_be32(&w, 0x04050607);
	wr_be64(&w, 0x08090a0bfffefdfc);
	assert_true(wr_done(&w));
	assert_int_equal(w.len, sizeof(bytes));
	assert_memory_equal(buf, bytes, sizeof(bytes));
	r = rd_mem(buf, w.len);
	(void)rd_bytes(&r, w.len);
	assert_true(rd_done(&r));
}

static void
write_full(void **state UNUSED)
{
	uint8_t buf[8] = { 0 };
	struct wr w = wr_mem(buf, 3);

	wr_be32(&w, 0xffffffff);
	assert_false(wr_done(&w));
	wr_u8(&w, 0xff);		/* sticky: nothing after a failure */
	assert_int_equal(w.len, 0);
	for (size_t i = 0; i < sizeof(buf); i++)
		assert_int_equal(buf[i], 0);
}

static void
back_patch(void **state UNUSED)
{
	uint8_t buf[6], *len;
	struct wr w = wr_mem(buf, sizeof(buf));

	len = wr_reserve(&w, 2);
	wr_be32(&w, 0xaabbccdd);
	assert_non_null(len);
	put_be16(len, (uint16_t)w.len);
	assert_memory_equal(buf, "\0\6\xaa\xbb\xcc\xdd", 6);
	assert_null(wr_reserve(&w, 1));
	assert_false(wr_done(&w));
}

TESTS_MAIN("base/rd", T(big_endian), T(high_bits), T(short_reads), T(sticky),
    T(nothing_left), T(sub_blocks), T(huge_lengths), T(write_and_read),
    T(write_full), T(back_patch))
