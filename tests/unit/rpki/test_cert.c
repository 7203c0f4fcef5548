/* Certificates: names, and extensions that are too many or not alone. */
#include "kit.h"

/* --- names --- */

static void
names(void **state UNUSED)
{
	static const struct {
		const char	*in;
		bool		 good, printable;
		enum der_fault	 fault;
	} rows[] = {
		/* CN = "a" */
		{ "30 0c 31 0a 30 08 06 03 55 04 03 13 01 61", true, true, DER_OK },
		{ "30 0c 31 0a 30 08 06 03 55 04 03 0c 01 61", true, false, DER_OK },
		{ "30 0c 31 0a 30 08 06 03 55 04 03 16 01 61", false, false, DER_OK },	/* IA5 */
		/* with a serial number: in a set of its own, in the same set */
		{ "30 18 31 0a 30 08 06 03 55 04 03 13 01 61 31 0a 30 08 06 03 55 04 05 13 01 31",
		    true, true, DER_OK },
		{ "30 16 31 14 30 08 06 03 55 04 03 13 01 61 30 08 06 03 55 04 05 13 01 31",
		    true, true, DER_OK },
		/* the serial number alone, two of them, two common names */
		{ "30 0c 31 0a 30 08 06 03 55 04 05 13 01 31", false, true, DER_OK },
		{ "30 24 31 0a 30 08 06 03 55 04 03 13 01 61 31 0a 30 08 06 03 55 04 05 13 01 31"
		    "31 0a 30 08 06 03 55 04 05 13 01 31", false, true, DER_OK },
		{ "30 18 31 0a 30 08 06 03 55 04 03 13 01 61 31 0a 30 08 06 03 55 04 03 13 01 62",
		    false, true, DER_OK },
		/* an organisation */
		{ "30 18 31 0a 30 08 06 03 55 04 03 13 01 61 31 0a 30 08 06 03 55 04 0a 13 01 62",
		    false, true, DER_OK },
		{ "30 00", false, true, DER_OK },
		{ "30 02 31 00", false, true, DER_OK },
		{ "30 0e 31 0a 30 08 06 03 55 04 03 13 01 61 31 00", false, true, DER_OK },
		{ "30 0b 31 09 30 07 06 03 55 04 03 13 01", false, true, DER_E_SHORT },
		{ "30 0e 31 0c 30 0a 06 03 55 04 03 13 01 61 05 00", false, true, DER_E_TRAILING },
		{ "30 0c 30 0a 30 08 06 03 55 04 03 13 01 61", false, true, DER_E_TAG },
		{ "30 0e 31 0a 30 08 06 03 55 04 03 13 01 61 00 00", false, true, DER_E_TAG },
	};
	struct kit k = kit_new();

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct der_doc doc;
		struct der d;
		struct sv in, whole = { NULL, 0 };
		bool printable, good;

		kit_clear(&k);
		in = hex(k.pool, rows[i].in);
		d = der_on(&doc, in);
		good = name_parse(&d, &printable, &whole);
		if (doc.fault != rows[i].fault)
			fail_msg("row %zu: fault %d", i, doc.fault);
		if (rows[i].fault != DER_OK)
			continue;
		assert_true(sv_eq(whole, in));
		if (good != rows[i].good || printable != rows[i].printable)
			fail_msg("row %zu: %d %d", i, good, printable);
	}
	kit_done(&k);
}

/* --- extensions --- */

/* A TBSCertificate with more behind its extensions. */
static void
exts_append(struct kit *k, struct wr *tbs, struct sv more)
{
	struct wr out = wr_new(k->pool, tbs->len + more.n + 64);
	struct der_doc doc;
	struct der d = der_on(&doc, wr_sv(tbs)), in = der_enter(&d, DER_SEQUENCE), exts, list;
	size_t at[3];
	uint8_t tag;

	at[0] = wder_open(&out, WDER_SEQ);
	while (der_peek(&in) != DER_CTX_C(3)) {
		struct sv whole = { NULL, 0 };

		(void)der_any(&in, &tag, &whole);
		wr_bytes(&out, whole.p, whole.n);
	}
	exts = der_enter(&in, DER_CTX_C(3));
	list = der_enter(&exts, DER_SEQUENCE);
	at[1] = wder_open(&out, WDER_CTX(3));
	at[2] = wder_open(&out, WDER_SEQ);
	wr_bytes(&out, list.r.p, rd_left(&list.r));
	wr_bytes(&out, more.p, more.n);
	for (int i = 2; i >= 0; i--)
		wder_close(&out, at[i]);
	assert_true(der_ok(&d));
	tbs->len = 0;
	wr_bytes(tbs, out.buf, out.len);
}

static void
extensions(void **state)
{
	static const struct {
		const char	*ext;
		unsigned	 times;
		enum rpki_code	 code;
	} rows[] = {
		{ "", 1, RPKI_CODE_MAX },
		/* 1.2.3 */
		{ "30 08 06 02 2a 03 04 02 05 00", 1, RPKI_CERT_EXT_UNKNOWN },
		{ "30 0b 06 02 2a 03 01 01 ff 04 02 05 00", 1, RPKI_CERT_EXT_UNKNOWN },
		{ "30 0b 06 02 2a 03 01 01 00 04 02 05 00", 1, RPKI_DER_VALUE },	/* FALSE */
		{ "30 08 06 02 2a 03 04 02 05 00", 3, RPKI_CERT_EXT_UNKNOWN },
		{ "30 08 06 02 2a 03 04 02 05 00", RPKI_EXTENSIONS_MAX, RPKI_DER_VALUE },
		/* autonomousSysIds-v2 beside asIdentifiers: AS 5; inherit */
		{ "30 1a 06 08 2b 06 01 05 05 07 01 1d 01 01 ff 04 0b 30 09 a0 07 30 05 02 03 01 00 00",
		    1, RPKI_CERT_RES },
		{ "30 15 06 08 2b 06 01 05 05 07 01 1d 01 01 ff 04 06 30 04 a0 02 05 00", 1, RPKI_CERT_RES },
		/* ipAddrBlocks-v2 beside ipAddrBlocks: the same family; the other one */
		{ "30 19 06 08 2b 06 01 05 05 07 01 1c 01 01 ff 04 0a 30 08 30 06 04 02 00 01 05 00",
		    1, RPKI_CERT_RES },
		{ "30 19 06 08 2b 06 01 05 05 07 01 1c 01 01 ff 04 0a 30 08 30 06 04 02 00 02 05 00",
		    1, RPKI_CERT_POLICY },
		/* asIdentifiers again; with bytes behind */
		{ "30 15 06 08 2b 06 01 05 05 07 01 08 01 01 ff 04 06 30 04 a0 02 05 00", 1, RPKI_CERT_EXT_TWICE },
		{ "30 08 06 02 2a 03 04 02 05 00 00 00", 1, RPKI_DER_TAG },
	};
	struct kit k = kit_new();
	unsigned bad = 0;

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct world w;
		struct cert_spec c;
		struct wr tbs, out, more;
		struct sv ext;
		struct cert *x;

		kit_clear(&k);
		world_init(&w, *state, k.pool);
		c = spec_below(&w, 2, false);
		c.object = HOST "a.roa";
		c.res.ip[0].v = &ten;
		c.res.ip[0].n = 1;
		c.res.as.v = &doc_as;
		c.res.as.n = 1;
		tbs = wr_new(k.pool, 16384);
		out = wr_new(k.pool, 16384);
		more = wr_new(k.pool, 4096);
		cert_tbs_write(&tbs, &c);
		ext = hex(k.pool, rows[i].ext);
		for (unsigned n = 0; n < rows[i].times; n++)
			wr_bytes(&more, ext.p, ext.n);
		exts_append(&k, &tbs, wr_sv(&more));
		signed_write(&out, wr_sv(&tbs), SV("signature"));
		assert_int_equal(cert_parse(k.pool, wr_sv(&out), CERT_EE, 0, &k.fs, &x), 0);
		if (rows[i].code == RPKI_CODE_MAX ? only(&k.fs, RPKI_CODE_MAX) : n_of(&k.fs, rows[i].code) > 0)
			continue;
		printf("# row %zu: %s\n", i, first_code(&k.fs));
		bad++;
	}
	kit_done(&k);
	assert_int_equal(bad, 0);
}

/* A certificate of another kind than it is read as never passes. */
static void
kinds(void **state)
{
	struct kit k = kit_new();

	for (int is = CERT_CA; is <= CERT_EE; is++)
		for (int as = CERT_TA; as <= CERT_EE; as++) {
			struct world w;
			struct cert_spec c;
			struct wr tbs, out;
			struct cert *x;

			kit_clear(&k);
			world_init(&w, *state, k.pool);
			c = spec_below(&w, 2, is == CERT_CA);
			c.res.as.inherit = true;
			c.object = is == CERT_EE ? HOST "a.roa" : NULL;
			c.repo = is == CERT_CA ? HOST : NULL;
			c.mft = is == CERT_CA ? MFT_URI : NULL;
			tbs = wr_new(k.pool, 16384);
			out = wr_new(k.pool, 16384);
			cert_tbs_write(&tbs, &c);
			signed_write(&out, wr_sv(&tbs), SV("signature"));
			assert_int_equal(cert_parse(k.pool, wr_sv(&out), (enum cert_kind)as, 0, &k.fs, &x), 0);
			assert_int_equal(findings_reject(&k.fs), is != as);
		}
	kit_done(&k);
}

/* RFC 6487's string type aside, an issuer is its attributes and their letters. */
static void
same_names(void **state UNUSED)
{
	static const struct {
		const char	*a, *b;
		bool		 same;
	} rows[] = {
		/* CN=AB printable, utf8 */
		{ "30 0d 31 0b 30 09 06 03 55 04 03 13 02 41 42", "30 0d 31 0b 30 09 06 03 55 04 03 0c 02 41 42", true },
		/* another letter, letter case, attribute, length */
		{ "30 0d 31 0b 30 09 06 03 55 04 03 13 02 41 42", "30 0d 31 0b 30 09 06 03 55 04 03 0c 02 41 43", false },
		{ "30 0d 31 0b 30 09 06 03 55 04 03 13 02 41 42", "30 0d 31 0b 30 09 06 03 55 04 03 0c 02 61 42", false },
		{ "30 0d 31 0b 30 09 06 03 55 04 03 13 02 41 42", "30 0d 31 0b 30 09 06 03 55 04 05 13 02 41 42", false },
		{ "30 0d 31 0b 30 09 06 03 55 04 03 13 02 41 42", "30 0c 31 0a 30 08 06 03 55 04 03 0c 01 41", false },
		/* one attribute more, in a set of its own or in the same */
		{ "30 0c 31 0a 30 08 06 03 55 04 03 13 01 41",
		  "30 18 31 0a 30 08 06 03 55 04 03 0c 01 41 31 0a 30 08 06 03 55 04 05 13 01 41", false },
		{ "30 0c 31 0a 30 08 06 03 55 04 03 13 01 41",
		  "30 16 31 14 30 08 06 03 55 04 03 0c 01 41 30 08 06 03 55 04 05 13 01 41", false },
		/* broken or empty */
		{ "30 0c 31 0a 30 08 06 03 55 04 03 13 01 41", "30 0c 31 0a 30 08 06 03 55 04 03 0c 01", false },
		{ "30 0c 31 0a 30 08 06 03 55 04 03 13 01 41", "", false },
	};
	struct kit k = kit_new();

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct sv a = hex(k.pool, rows[i].a), b = hex(k.pool, rows[i].b);

		if (name_same(a, b) != rows[i].same || name_same(b, a) != rows[i].same)
			fail_msg("row %zu", i);
	}
	kit_done(&k);
}

int
main(void)
{
	const struct CMUnitTest tests[] = { T(names), T(same_names), T(extensions), T(kinds) };

	return cmocka_run_group_tests_name("rpki certificates", tests, keys_setup, keys_teardown);
}
