/* The DER reader: what is DER and what only looks like it. */
#include "kit.h"

enum read {
	ANY, U32, INT, BOOL, OID_, NULL_, BITS, TIME, SEQ,
};

static void
read_one(struct der *d, enum read how)
{
	unsigned unused;
	uint8_t tag;
	struct der in;

	switch (how) {
	case ANY:
		(void)der_any(d, &tag, NULL);
		break;
	case U32:
		(void)der_u32(d);
		break;
	case INT:
		(void)der_integer(d);
		break;
	case BOOL:
		(void)der_boolean(d);
		break;
	case OID_:
		(void)der_oid(d);
		break;
	case NULL_:
		der_null(d);
		break;
	case BITS:
		(void)der_bits(d, &unused);
		break;
	case TIME:
		(void)der_time(d, &tag);
		break;
	case SEQ:
		in = der_enter(d, DER_SEQUENCE);
		while (der_peek(&in) != 0)
			(void)der_any(&in, &tag, NULL);
		der_end(&in);
		break;
	}
	der_end(d);
}

/* 14 and 15 letters of a time as hex. */
#define UTC(t)	"17 0d " t
#define GEN(t)	"18 0f " t

static void
faults(void **state UNUSED)
{
	static const struct {
		const char	*in;
		enum read	 how;
		enum der_fault	 fault;		/* DER_FAULT_MAX: any */
	} rows[] = {
		{ "05 00", ANY, DER_OK },
		{ "", ANY, DER_E_SHORT },
		{ "05", ANY, DER_E_SHORT },
		{ "04 01", ANY, DER_E_SHORT },
		{ "04 02 00", ANY, DER_E_SHORT },
		{ "04 81", ANY, DER_E_SHORT },
		{ "04 82 01", ANY, DER_E_SHORT },
		{ "05 00 00", ANY, DER_E_TRAILING },
		{ "04 80 00 00", ANY, DER_E_LENGTH },		/* indefinite */
		{ "04 81 01 00", ANY, DER_E_LENGTH },		/* not shortest */
		{ "04 82 00 80", ANY, DER_E_LENGTH },
		{ "04 81 7f", ANY, DER_E_LENGTH },
		{ "04 81 80", ANY, DER_E_SHORT },		/* shortest, but cut */
		{ "04 84 ff ff ff ff", ANY, DER_E_SHORT },
		{ "04 85 01 00 00 00 00", ANY, DER_E_LENGTH },
		{ "04 ff", ANY, DER_E_LENGTH },
		{ "1f 81 01 00", ANY, DER_E_TAG },		/* two-byte tag */
		{ "bf 01 00", ANY, DER_E_TAG },
		{ "30 03 02 01 05", SEQ, DER_OK },
		{ "30 04 02 01 05", SEQ, DER_E_SHORT },
		{ "30 03 02 02 05", SEQ, DER_E_SHORT },		/* past its parent */
		{ "31 00", SEQ, DER_E_TAG },
		{ "30 02 00 00", SEQ, DER_FAULT_MAX },	/* end-of-contents */
		{ "30 04 05 00 00 00", SEQ, DER_FAULT_MAX },
		{ "02 01 00", INT, DER_OK },
		{ "02 00", INT, DER_E_VALUE },
		{ "02 02 00 7f", INT, DER_E_VALUE },
		{ "02 02 00 80", INT, DER_OK },
		{ "02 02 ff 80", INT, DER_E_VALUE },
		{ "02 02 ff 7f", INT, DER_OK },
		{ "0a 01 00", INT, DER_E_TAG },
		{ "02 05 00 ff ff ff ff", U32, DER_OK },
		{ "02 05 01 00 00 00 00", U32, DER_E_VALUE },
		{ "02 04 ff ff ff ff", U32, DER_E_VALUE },	/* -1, not minimal */
		{ "02 01 ff", U32, DER_E_VALUE },
		{ "01 01 ff", BOOL, DER_OK },
		{ "01 01 00", BOOL, DER_OK },
		{ "01 01 01", BOOL, DER_E_VALUE },
		{ "01 00", BOOL, DER_E_VALUE },
		{ "01 02 ff ff", BOOL, DER_E_VALUE },
		{ "06 01 2a", OID_, DER_OK },
		{ "06 00", OID_, DER_E_VALUE },
		{ "06 02 2a 86", OID_, DER_E_VALUE },		/* unfinished arc */
		{ "05 00", NULL_, DER_OK },
		{ "05 01 00", NULL_, DER_E_VALUE },
		{ "03 01 00", BITS, DER_OK },			/* no bits */
		{ "03 00", BITS, DER_E_VALUE },
		{ "03 01 01", BITS, DER_E_VALUE },		/* unused of nothing */
		{ "03 02 08 00", BITS, DER_E_VALUE },
		{ "03 02 07 80", BITS, DER_OK },
		{ "03 02 07 81", BITS, DER_E_VALUE },		/* unused bit set */
		{ "23 04 03 02 07 80", BITS, DER_E_TAG },	/* constructed */
		{ UTC("32 36 31 31 32 31 30 30 30 30 30 30 5a"), TIME, DER_OK },
		{ GEN("32 30 35 30 30 31 30 31 30 30 30 30 30 30 5a"), TIME, DER_OK },
		{ "17 0b 32 36 31 31 32 31 30 30 30 30 5a", TIME, DER_E_VALUE },	/* no seconds */
		{ UTC("32 36 31 33 32 31 30 30 30 30 30 30 5a"), TIME, DER_E_VALUE },	/* month 13 */
		{ UTC("32 36 30 32 32 39 30 30 30 30 30 30 5a"), TIME, DER_E_VALUE },	/* 29 February */
		{ UTC("32 34 30 32 32 39 30 30 30 30 30 30 5a"), TIME, DER_OK },
		{ UTC("32 36 31 31 32 31 32 34 30 30 30 30 5a"), TIME, DER_E_VALUE },	/* 24:00 */
		{ UTC("32 36 31 31 32 31 30 30 30 30 36 30 5a"), TIME, DER_E_VALUE },	/* leap second */
		{ UTC("32 36 31 31 32 31 30 30 30 30 30 30 7a"), TIME, DER_E_VALUE },	/* z */
		{ UTC("2b 36 31 31 32 31 30 30 30 30 30 30 5a"), TIME, DER_E_VALUE },	/* +6 */
		{ "17 11 32 36 31 31 32 31 30 30 30 30 30 30 2b 30 30 30 30", TIME, DER_E_VALUE },
		{ "18 11 32 30 35 30 30 31 30 31 30 30 30 30 30 30 2e 35 5a", TIME, DER_E_VALUE },
		{ "18 0e 32 30 35 30 30 31 30 31 30 30 30 30 30 30", TIME, DER_E_VALUE },
		{ "13 01 5a", TIME, DER_E_TAG },
	};
	struct kit k = kit_new();
	unsigned bad = 0;

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct der_doc doc;
		struct der d;

		kit_clear(&k);
		d = der_on(&doc, hex(k.pool, rows[i].in));
		read_one(&d, rows[i].how);
		if (doc.fault == rows[i].fault ||
		    (rows[i].fault == DER_FAULT_MAX && doc.fault != DER_OK))
			continue;
		printf("# %s: fault %d, not %d\n", rows[i].in, doc.fault, rows[i].fault);
		bad++;
	}
	kit_done(&k);
	assert_int_equal(bad, 0);
}

/* Each fault is its own finding, with the place where it is. */
static void
reports(void **state UNUSED)
{
	static const enum rpki_code codes[DER_FAULT_MAX] = {
		RPKI_CODE_MAX, RPKI_DER_SHORT, RPKI_DER_LENGTH, RPKI_DER_TAG,
		RPKI_DER_VALUE, RPKI_DER_TRAILING, RPKI_DER_ORDER,
	};
	struct kit k = kit_new();

	for (int f = DER_OK; f < DER_FAULT_MAX; f++) {
		struct der_doc doc;
		struct der d;

		kit_clear(&k);
		d = der_on(&doc, hex(k.pool, "05 00"));
		der_at(&d, "a field");
		if (f != DER_OK)
			der_fail(&d, (enum der_fault)f);
		der_at(&d, "another");
		der_fail(&d, DER_E_VALUE);	/* the first one stays */
		if (f == DER_OK)
			continue;
		assert_true(der_report(&doc, &k.fs));
		assert_true(only(&k.fs, codes[f]));
		assert_true(sv_eq_str(k.fs.head->args[0].s, "a field"));
		assert_false(der_ok(&d));
		assert_int_equal(der_peek(&d), 0);
	}
	kit_done(&k);
}

static void
times(void **state UNUSED)
{
	static const struct {
		const char	*in;
		int64_t		 t;
	} rows[] = {
		{ UTC("35 30 30 31 30 31 30 30 30 30 30 30 5a"), -631152000 },	/* 1950 */
		{ UTC("34 39 31 32 33 31 32 33 35 39 35 39 5a"), 2524607999 },	/* 2049 */
		{ UTC("37 30 30 31 30 31 30 30 30 30 30 31 5a"), 1 },
		{ UTC("30 30 30 32 32 39 30 30 30 30 30 30 5a"), 951782400 },
		{ GEN("31 39 34 39 31 32 33 31 32 33 35 39 35 39 5a"), -631152001 },
		{ GEN("32 30 35 30 30 31 30 31 30 30 30 30 30 30 5a"), 2524608000 },
		{ GEN("39 39 39 39 31 32 33 31 32 33 35 39 35 39 5a"), 253402300799 },
		{ GEN("30 30 30 30 30 31 30 31 30 30 30 30 30 30 5a"), -62167219200 },
	};
	struct kit k = kit_new();

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct der_doc doc;
		struct der d;
		bool utc, bad = false;
		uint8_t tag;

		kit_clear(&k);
		d = der_on(&doc, hex(k.pool, rows[i].in));
		assert_int_equal(der_time(&d, &tag), rows[i].t);
		der_end(&d);
		assert_true(der_ok(&d));
		/* RFC 5280: through 2049 UTCTime, whatever the century. */
		utc = tag == DER_UTC_TIME;
		time_check_type(&d, rows[i].t, tag, &bad);
		assert_int_equal(bad, utc != (rows[i].t < 2524608000));
	}
	kit_done(&k);
}

/* What is written is read back, also long lengths and large numbers. */
static void
writer(void **state UNUSED)
{
	static const size_t sizes[] = { 0, 1, 0x7f, 0x80, 0xff, 0x100, 0xffff, 0x10000, 0x1000000 };
	static const uint64_t nums[] = { 0, 1, 0x7f, 0x80, 0xff, 0x7fff, 0x8000, 0xffffffff };
	struct kit k = kit_new();

	for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
		struct der_doc doc;
		struct der d;
		struct wr w;
		struct sv v;

		kit_clear(&k);
		w = wr_new(k.pool, sizes[i] + 16);
		v = (struct sv){ pool_alloc(k.pool, sizes[i] + 1), sizes[i] };
		wder_tlv(&w, WDER_OCTETS, v.p, v.n);
		d = der_on(&doc, wr_sv(&w));
		assert_true(sv_eq(der_value(&d, DER_OCTET_STRING), v));
		der_end(&d);
		assert_true(der_ok(&d));
	}
	for (size_t i = 0; i < ARRAY_LEN(nums); i++) {
		struct der_doc doc;
		struct der d;
		struct wr w;

		kit_clear(&k);
		w = wr_new(k.pool, 64);
		wder_uint(&w, nums[i]);
		d = der_on(&doc, wr_sv(&w));
		assert_int_equal(der_u32(&d), nums[i]);
		der_end(&d);
		assert_true(der_ok(&d));
	}
	kit_done(&k);
}

static void
oids(void **state UNUSED)
{
	static const char *const rows[] = {
		"1.2.840.113549.1.1.11", "2.16.840.1.101.3.4.2.1", "0.0", "1.39", "2.0", "2.999.3",
		"1.3.6.1.5.5.7.1.4294967295",
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		uint8_t mem[64];
		struct wr w = wr_mem(mem, sizeof(mem));
		_cleanup_(buf_done) struct buf b = BUF_INIT;
		struct der_doc doc;
		struct der d;

		wder_oid(&w, rows[i]);
		d = der_on(&doc, wr_sv(&w));
		oid_print(&b, der_oid(&d));
		assert_true(der_ok(&d));
		assert_true(sv_eq_str(buf_get(&b), rows[i]));
	}
}

TESTS_MAIN("rpki der", T(faults), T(reports), T(times), T(writer), T(oids))
