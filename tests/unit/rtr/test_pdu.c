#include "../tap.h"
#include "rtr/rtr.h"

static const uint8_t spki[] = "twenty octets of key and then some DER, we hope: 33";

/* One of each type and version: written, parsed, written again. */
static void
round_trip(void **state UNUSED)
{
	static const uint8_t providers[] = { 0, 0, 0, 1, 0, 0, 0, 2 };
	const struct vrp v4 = { .addr = { 192, 0, 2 }, .len = 24, .max_len = 28,
	    .af = IP_V4, .asn = 64496 };
	const struct vrp v6 = { .addr = { 0x20, 1, 0xd, 0xb8 }, .len = 32, .max_len = 48,
	    .af = IP_V6, .asn = 4294967295u };
	const struct rtr_pdu pdus[] = {
		{ .head = { 0, RTR_SERIAL_NOTIFY, 7, 0 }, .serial = 9 },
		{ .head = { 1, RTR_SERIAL_QUERY, 7, 0 }, .serial = UINT32_MAX },
		{ .head = { 2, RTR_RESET_QUERY, 0, 0 } },
		{ .head = { 2, RTR_CACHE_RESPONSE, 65535, 0 } },
		{ .head = { 0, RTR_IPV4_PREFIX, 0, 0 }, .vrp = v4, .announce = true },
		{ .head = { 2, RTR_IPV6_PREFIX, 0, 0 }, .vrp = v6 },
		{ .head = { 0, RTR_END_OF_DATA, 7, 0 }, .serial = 9 },
		{ .head = { 1, RTR_END_OF_DATA, 7, 0 }, .serial = 9, .timers = { 1, 2, 600 } },
		{ .head = { 1, RTR_CACHE_RESET, 0, 0 } },
		{ .head = { 1, RTR_ROUTER_KEY, 0x100, 0 }, .inner = { (const char *)spki, 40 } },
		{ .head = { 2, RTR_ERROR_REPORT, 13, 0 }, .inner = SV("abcd"), .text = SV("no") },
		{ .head = { 0, RTR_ERROR_REPORT, 2, 0 } },
		{ .head = { 2, RTR_ASPA, 0x100, 0 }, .customer = 64496,
		    .providers = { providers, providers + 8, false } },
		{ .head = { 2, RTR_ASPA, 0, 0 }, .customer = 64496 },
	};

	for (size_t i = 0; i < ARRAY_LEN(pdus); i++) {
		uint8_t a[128], b[128];
		struct wr wa = wr_mem(a, sizeof(a)), wb = wr_mem(b, sizeof(b));
		struct rtr_pdu got;

		rtr_pdu_write(&wa, &pdus[i]);
		assert_true(wr_done(&wa));
		assert_int_equal(rtr_pdu_parse((struct sv){ (const char *)a, wa.len }, &got),
		    RTR_PDU_OK);
		assert_int_equal(got.head.len, wa.len);
		rtr_pdu_write(&wb, &got);
		assert_int_equal(wb.len, wa.len);
		assert_memory_equal(a, b, wa.len);
		for (size_t n = 0; n < wa.len; n++)	/* no truncation is a PDU */
			assert_int_not_equal(rtr_pdu_parse((struct sv){ (const char *)a, n }, &got),
			    RTR_PDU_OK);
	}
}

static void
heads(void **state UNUSED)
{
	static const struct {
		struct rtr_head		h;
		enum rtr_pdu_fault	want;
	} rows[] = {
		{ { 3, RTR_RESET_QUERY, 0, 8 }, RTR_PDU_BAD_VERSION },
		{ { 2, 5, 0, 8 }, RTR_PDU_BAD_TYPE },
		{ { 0, RTR_ROUTER_KEY, 0, 100 }, RTR_PDU_BAD_TYPE },
		{ { 1, RTR_ASPA, 0, 12 }, RTR_PDU_BAD_TYPE },
		{ { 2, 255, 0, 12 }, RTR_PDU_BAD_TYPE },
		{ { 2, RTR_RESET_QUERY, 0, 7 }, RTR_PDU_BAD_LENGTH },
		{ { 2, RTR_RESET_QUERY, 0, 9 }, RTR_PDU_BAD_LENGTH },
		{ { 0, RTR_END_OF_DATA, 0, 24 }, RTR_PDU_BAD_LENGTH },
		{ { 1, RTR_END_OF_DATA, 0, 12 }, RTR_PDU_BAD_LENGTH },
		{ { 2, RTR_ASPA, 0, 11 }, RTR_PDU_BAD_LENGTH },
		{ { 2, RTR_ASPA, 0, 65536 }, RTR_PDU_BAD_LENGTH },
		{ { 2, RTR_ASPA, 0, 65535 }, RTR_PDU_OK },
		{ { 1, RTR_ROUTER_KEY, 0, 32 }, RTR_PDU_BAD_LENGTH },
		{ { 2, RTR_ERROR_REPORT, 0, 15 }, RTR_PDU_BAD_LENGTH },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		assert_int_equal(rtr_head_check(&rows[i].h), rows[i].want);
}

/* RTR_PDU_VALUE's cases: lengths and bits that cannot be. */
static void
values(void **state UNUSED)
{
	static const uint8_t good[] = { 2, 4, 0, 0, 0, 0, 0, 20, 1, 24, 28, 0, 192, 0, 2, 0,
	    0, 0, 0, 1 };
	static const struct {
		size_t	at;
		uint8_t	value;
	} rows[] = { { 9, 33 }, { 10, 33 }, { 10, 23 }, { 15, 1 } };
	struct rtr_pdu p;
	uint8_t b[sizeof(good)];

	assert_int_equal(rtr_pdu_parse((struct sv){ (const char *)good, sizeof(good) }, &p),
	    RTR_PDU_OK);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		memcpy(b, good, sizeof(b));
		b[rows[i].at] = rows[i].value;
		assert_int_equal(rtr_pdu_parse((struct sv){ (const char *)b, sizeof(b) }, &p),
		    RTR_PDU_BAD_VALUE);
	}
	memcpy(b, good, sizeof(b));
	b[3] = 77;			/* zero fields are ignored on receipt */
	b[8] = 0xff;
	b[11] = 5;
	assert_int_equal(rtr_pdu_parse((struct sv){ (const char *)b, sizeof(b) }, &p), RTR_PDU_OK);
	assert_true(p.announce);
}

/* A key of the longest length, and one byte more. */
static void
router_keys(void **state UNUSED)
{
	uint8_t b[RTR_KEY_MIN + ROUTER_SPKI_MAX + 1] = { 1, RTR_ROUTER_KEY, 1, 0 };
	struct rtr_pdu p;

	put_be32(b + 4, sizeof(b) - 1);
	assert_int_equal(rtr_pdu_parse((struct sv){ (const char *)b, sizeof(b) - 1 }, &p),
	    RTR_PDU_OK);
	assert_true(p.announce);
	put_be32(b + 4, sizeof(b));
	assert_int_equal(rtr_pdu_parse((struct sv){ (const char *)b, sizeof(b) }, &p),
	    RTR_PDU_BAD_VALUE);
}

/* Lengths inside an Error Report that do not add up. */
static void
error_reports(void **state UNUSED)
{
	static const uint8_t rows[][20] = {
		{ 2, 10, 0, 0, 0, 0, 0, 20, 0, 0, 0, 5, 1, 2, 3, 4, 0, 0, 0, 0 },
		{ 2, 10, 0, 0, 0, 0, 0, 20, 0, 0, 0, 4, 1, 2, 3, 4, 0, 0, 0, 1 },
		{ 2, 10, 0, 0, 0, 0, 0, 20, 0xff, 0xff, 0xff, 0xff, 1, 2, 3, 4, 0, 0, 0, 0 },
		{ 2, 10, 0, 0, 0, 0, 0, 20, 0, 0, 0, 0, 0, 0, 0, 0, 1, 2, 3, 4 },
	};
	struct rtr_pdu p;

	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		assert_int_not_equal(rtr_pdu_parse(
		    (struct sv){ (const char *)rows[i], sizeof(rows[i]) }, &p), RTR_PDU_OK);
}

static void
codes(void **state UNUSED)
{
	assert_true(rtr_error_defined(0, RTR_ERR_DUPLICATE));
	assert_false(rtr_error_defined(0, RTR_ERR_VERSION_CHANGED));
	assert_true(rtr_error_defined(1, RTR_ERR_VERSION_CHANGED));
	assert_false(rtr_error_defined(1, RTR_ERR_ASPA));
	assert_true(rtr_error_defined(2, RTR_ERR_SHUTDOWN));
	assert_false(rtr_error_defined(2, 14));
	assert_string_equal(rtr_error_name(2), "No Data Available");
	assert_string_equal(rtr_error_name(255), "unknown");
	assert_string_equal(rtr_type_name(1), "Serial Query");
	assert_string_equal(rtr_type_name(5), "unknown");
}

static void
timers(void **state UNUSED)
{
	static const struct {
		struct rtr_timers	t;
		bool			ok;
	} rows[] = {
		{ RTR_TIMERS_DEFAULT, true },
		{ { 1, 1, 600 }, true },
		{ { 86400, 7200, 172800 }, true },
		{ { 0, 1, 600 }, false },
		{ { 1, 0, 600 }, false },
		{ { 1, 1, 599 }, false },
		{ { 86401, 1, 172800 }, false },
		{ { 1, 7201, 172800 }, false },
		{ { 1, 1, 172801 }, false },
		{ { 600, 1, 600 }, false },
		{ { 1, 700, 700 }, false },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		assert_int_equal(rtr_timers_ok(&rows[i].t), rows[i].ok);
}

TESTS_MAIN("rtr pdu", T(round_trip), T(heads), T(values), T(router_keys), T(error_reports), T(codes), T(timers))
