/* CRLs and the contents of signed objects: manifest, ROA, ASPA. */
#include "kit.h"

/* --- CRL --- */

/* Serial numbers of one to twenty bytes are found, their neighbours are not. */
static void
crl_search(void **state UNUSED)
{
	static uint8_t mem[4000][20];
	static struct crl_item items[4000];
	struct crl_spec spec = { .issuer = "ta", .this_update = NOW, .next_update = NOW + DAY,
	    .revoked = items, .n_revoked = ARRAY_LEN(items),
	    .aki = SV("12345678901234567890"), .number = SV("\1") };
	struct kit k = kit_new();
	struct wr tbs, out;
	struct crl *crl;

	kit_clear(&k);
	for (size_t i = 0; i < ARRAY_LEN(items); i++) {
		/* Positive, so that its content is what is looked for; in no order. */
		size_t n = i % 20 + 1;

		mem[i][0] = (uint8_t)(i % 120 + 1);
		mem[i][n - 1] = (uint8_t)(mem[i][n - 1] | 1);
		if (n > 2)
			put_be16(&mem[i][1], (uint16_t)(i * 7919));
		items[i] = (struct crl_item){ { (const char *)mem[i], n }, NOW - (int64_t)i };
	}
	tbs = wr_new(k.pool, 1 << 20);
	out = wr_new(k.pool, 1 << 20);
	crl_tbs_write(&tbs, &spec);
	signed_write(&out, wr_sv(&tbs), SV("sig"));
	assert_int_equal(crl_parse(k.pool, wr_sv(&out), 0, &k.fs, &crl), 0);
	assert_true(only(&k.fs, RPKI_CODE_MAX));
	assert_int_equal(crl->n, ARRAY_LEN(items));
	for (size_t i = 0; i < ARRAY_LEN(items); i++) {
		const struct crl_entry *e = crl_find(crl, items[i].serial);
		uint8_t other[21];

		assert_non_null(e);
		assert_true(sv_eq(e->serial, items[i].serial));
		memcpy(other, items[i].serial.p, items[i].serial.n);
		other[items[i].serial.n - 1] ^= 1;	/* an even last byte is nobody's */
		assert_null(crl_find(crl, (struct sv){ (const char *)other, items[i].serial.n }));
	}
	kit_done(&k);
}

static void
crl_none(void **state UNUSED)
{
	struct crl c = { .n = 0 };

	assert_null(crl_find(&c, SV("\1")));
}

static void
crl_forms(void **state UNUSED)
{
	static const struct {
		uint8_t		serial[22];
		size_t		n;
		int64_t		this_update, next_update;
		enum rpki_code	code;
	} rows[] = {
		{ { 1 }, 1, NOW, NOW + DAY, RPKI_CODE_MAX },
		{ { 1 }, 1, NOW, NOW, RPKI_CODE_MAX },
		{ { 1 }, 1, NOW + 1, NOW, RPKI_CRL_TIME },
		{ { 0x7f }, 20, NOW, NOW + DAY, RPKI_CODE_MAX },
		{ { 0x80 }, 20, NOW, NOW + DAY, RPKI_CRL_ENTRY },	/* 21 octets */
		{ { 0 }, 1, NOW, NOW + DAY, RPKI_CRL_ENTRY },
	};
	struct kit k = kit_new();
	unsigned bad = 0;

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct crl_item item = { { (const char *)rows[i].serial, rows[i].n }, NOW };
		struct crl_spec spec = { .issuer = "ta", .this_update = rows[i].this_update,
		    .next_update = rows[i].next_update, .revoked = &item, .n_revoked = 1,
		    .aki = SV("12345678901234567890"), .number = SV("\1") };
		struct wr tbs, out;
		struct crl *crl;

		kit_clear(&k);
		tbs = wr_new(k.pool, 4096);
		out = wr_new(k.pool, 4096);
		crl_tbs_write(&tbs, &spec);
		signed_write(&out, wr_sv(&tbs), SV("sig"));
		assert_int_equal(crl_parse(k.pool, wr_sv(&out), 0, &k.fs, &crl), 0);
		bad += !only(&k.fs, rows[i].code);
	}
	kit_done(&k);
	assert_int_equal(bad, 0);
}

/* --- manifest --- */

static int
mft_of(struct kit *k, const struct mft_spec *m, struct mft **ret)
{
	struct wr w = wr_new(k->pool, 16 << 20);

	mft_write(&w, m);
	return mft_parse(k->pool, wr_sv(&w), &k->fs, ret);
}

static void
mft_names(void **state UNUSED)
{
	static const struct {
		const char	*name;
		bool		 good;
	} rows[] = {
		{ "a.roa", true }, { "AZ-_09.cer", true }, { "a.xyz", true },
		{ "5m80fwYws_3FiFD7JiQjAqZ1RYQ.asa", true },
		{ "", false }, { ".roa", false }, { "a.ro", false }, { "a.roaa", false },
		{ "a.ROA", false }, { "a.r0a", false }, { "a.b.roa", false }, { "aroa", false },
		{ "a/b.roa", false }, { "../b.roa", false }, { "a b.roa", false },
		{ "a%2f.roa", false }, { "a\x80.roa", false }, { "a\n.roa", false }, { "a.ro.", false },
	};
	struct kit k = kit_new();
	unsigned bad = 0;

	for (size_t i = 0; i < ARRAY_LEN(rows) + 2; i++) {
		static char longest[RPKI_FILE_NAME_MAX + 2];
		struct mft_entry e = { .name = { longest, RPKI_FILE_NAME_MAX + (i & 1) } };
		struct mft_spec spec = { .number = SV("\1"), .this_update = NOW,
		    .next_update = NOW + 1, .files = &e, .n_files = 1 };
		bool good = (i & 1) == 0;
		struct mft *m;

		kit_clear(&k);
		memset(longest, 'a', sizeof(longest));
		memcpy(longest + e.name.n - 4, ".roa", 4);
		if (i >= 2) {
			e.name = sv_str(rows[i - 2].name);
			good = rows[i - 2].good;
		}
		assert_int_equal(mft_of(&k, &spec, &m), 0);
		if (only(&k.fs, good ? RPKI_CODE_MAX : RPKI_MFT_FILE_NAME))
			continue;
		printf("# name %.*s\n", SV_ARG(e.name));
		bad++;
	}
	kit_done(&k);
	assert_int_equal(bad, 0);
}

static void
mft_twice(void **state UNUSED)
{
	struct mft_entry e[3] = { { .name = SV("b.roa") }, { .name = SV("B.roa") }, { .name = SV("a.roa") } };
	struct mft_spec spec = { .number = SV(""), .this_update = NOW, .next_update = NOW + 1,
	    .files = e, .n_files = 3 };
	struct kit k = kit_new();
	struct mft *m;

	kit_clear(&k);
	assert_int_equal(mft_of(&k, &spec, &m), 0);
	assert_true(only(&k.fs, RPKI_CODE_MAX));
	assert_int_equal(m->n, 3);
	kit_clear(&k);
	e[2].name = SV("b.roa");
	assert_int_equal(mft_of(&k, &spec, &m), 0);
	assert_true(only(&k.fs, RPKI_MFT_FILE_TWICE));
	kit_clear(&k);
	spec.n_files = 0;			/* a CA may have nothing to publish */
	assert_int_equal(mft_of(&k, &spec, &m), 0);
	assert_true(only(&k.fs, RPKI_CODE_MAX));
	kit_clear(&k);
	spec.next_update = NOW;
	assert_int_equal(mft_of(&k, &spec, &m), 0);
	assert_true(only(&k.fs, RPKI_MFT_TIME));
	kit_done(&k);
}

/* One more than the limit is one finding, not a million objects. */
static void
mft_many(void **state UNUSED)
{
	struct mft_entry *e = calloc(RPKI_MFT_FILES_MAX + 1, sizeof(*e));
	char (*names)[12] = calloc(RPKI_MFT_FILES_MAX + 1, sizeof(*names));
	struct mft_spec spec = { .number = SV("\1"), .this_update = NOW, .next_update = NOW + 1,
	    .files = e, .n_files = RPKI_MFT_FILES_MAX + 1 };
	struct kit k = kit_new();
	struct mft *m;

	assert_non_null(e);
	assert_non_null(names);
	for (unsigned i = 0; i <= RPKI_MFT_FILES_MAX; i++) {
		(void)snprintf(names[i], sizeof(names[i]), "f%06u.roa", i);
		e[i].name = sv_str(names[i]);
	}
	kit_clear(&k);
	assert_int_equal(mft_of(&k, &spec, &m), 0);
	assert_true(only(&k.fs, RPKI_MFT_FILES_MANY));
	kit_clear(&k);
	spec.n_files--;
	assert_int_equal(mft_of(&k, &spec, &m), 0);
	assert_true(only(&k.fs, RPKI_CODE_MAX));
	assert_int_equal(m->n, RPKI_MFT_FILES_MAX);
	kit_done(&k);
	free(e);
	free(names);
}

/* A hostile list of bad names costs bounded findings with exact counts. */
static void
mft_findings_capped(void **state UNUSED)
{
	size_t n = FINDINGS_MAX + 1000;
	struct mft_entry *e = calloc(n, sizeof(*e));
	char (*names)[12] = calloc(n, sizeof(*names));
	struct mft_spec spec = { .number = SV("\1"), .this_update = NOW, .next_update = NOW + 1,
	    .files = e, .n_files = n };
	struct findings all;
	struct kit k = kit_new();
	struct mft *m;

	assert_non_null(e);
	assert_non_null(names);
	for (unsigned i = 0; i < n; i++) {
		(void)snprintf(names[i], sizeof(names[i]), "%06u.ROA", i);
		e[i].name = sv_str(names[i]);
	}
	kit_clear(&k);
	assert_int_equal(mft_of(&k, &spec, &m), 0);
	assert_int_equal(k.fs.n_kept, FINDINGS_MAX);
	assert_int_equal(k.fs.n_by_severity[SEV_REJECT], n);
	assert_int_equal(k.fs.n_dropped, 1000);
	findings_init(&all, k.pool);
	finding_add0(&all, &rpki_findings[RPKI_MFT_STALE]);
	findings_move(&all, &k.fs);
	assert_int_equal(all.n_by_severity[SEV_REJECT], n + 1);
	assert_int_equal(all.n_kept + all.n_dropped, n + 1);
	assert_true(all.n_kept <= FINDINGS_MAX);
	assert_null(k.fs.head);
	finding_add0(&all, &rpki_findings[RPKI_MFT_STALE]);	/* its tail is still sound */
	kit_done(&k);
	free(e);
	free(names);
}

/* --- ROA --- */

struct content_row {
	const char	*in;
	enum rpki_code	 code;
	size_t		 n;		/* prefixes or providers that could be read */
};

static bool
roa_fits(struct kit *k, const struct content_row *row)
{
	struct rpki_object o = { 0 };

	kit_clear(k);
	assert_int_equal(roa_parse(k->pool, hex(k->pool, row->in), &k->fs, &o), 0);
	if (only(&k->fs, row->code) && o.n_vrps == row->n)
		return true;
	printf("# %s: %zu prefixes\n", row->in, o.n_vrps);
	return false;
}

static void
roa_forms(void **state UNUSED)
{
	static const struct content_row rows[] = {
		/* AS 5: 10/8 */
		{ "30 13 02 01 05 30 0e 30 0c 04 02 00 01 30 06 30 04 03 02 00 0a", RPKI_CODE_MAX, 1 },
		/* 0/0-32, ::/0-128 */
		{ "30 15 02 01 05 30 10 30 0e 04 02 00 01 30 08 30 06 03 01 00 02 01 20", RPKI_CODE_MAX, 1 },
		{ "30 16 02 01 05 30 11 30 0f 04 02 00 02 30 09 30 07 03 01 00 02 02 00 80",
		    RPKI_CODE_MAX, 1 },
		{ "30 15 02 01 05 30 10 30 0e 04 02 00 01 30 08 30 06 03 01 00 02 01 21",
		    RPKI_ROA_MAX_LENGTH, 0 },
		{ "30 16 02 01 05 30 11 30 0f 04 02 00 02 30 09 30 07 03 01 00 02 02 00 81",
		    RPKI_ROA_MAX_LENGTH, 0 },
		{ "30 15 02 01 05 30 10 30 0e 04 02 00 01 30 08 30 06 03 01 00 02 01 ff",
		    RPKI_ROA_MAX_LENGTH, 0 },				/* -1 */
		{ "30 18 02 01 05 30 13 30 11 04 02 00 01 30 0b 30 09 03 01 00 02 04 01 00 00 08",
		    RPKI_ROA_MAX_LENGTH, 0 },				/* 2^24 + 8 */
		{ "30 16 02 01 05 30 11 30 0f 04 02 00 01 30 09 30 07 03 02 00 0a 02 01 07",
		    RPKI_ROA_MAX_LENGTH, 0 },				/* 10/8-7 */
		/* AS 0 and AS 4294967295 */
		{ "30 13 02 01 00 30 0e 30 0c 04 02 00 01 30 06 30 04 03 02 00 0a", RPKI_CODE_MAX, 1 },
		{ "30 17 02 05 00 ff ff ff ff 30 0e 30 0c 04 02 00 01 30 06 30 04 03 02 00 0a",
		    RPKI_CODE_MAX, 1 },
		{ "30 17 02 05 01 00 00 00 00 30 0e 30 0c 04 02 00 01 30 06 30 04 03 02 00 0a",
		    RPKI_DER_VALUE, 0 },
		{ "30 13 02 01 ff 30 0e 30 0c 04 02 00 01 30 06 30 04 03 02 00 0a", RPKI_DER_VALUE, 0 },
		/* the same prefix twice; in the wrong order */
		{ "30 19 02 01 05 30 14 30 12 04 02 00 01 30 0c 30 04 03 02 00 0a 30 04 03 02 00 0a",
		    RPKI_ROA_ORDER, 2 },
		{ "30 19 02 01 05 30 14 30 12 04 02 00 01 30 0c 30 04 03 02 00 0b 30 04 03 02 00 0a",
		    RPKI_ROA_ORDER, 2 },
		{ "30 19 02 01 05 30 14 30 12 04 02 00 01 30 0c 30 04 03 02 00 0a 30 04 03 02 00 0b",
		    RPKI_CODE_MAX, 2 },
		/* shorter before longer */
		{ "30 19 02 01 05 30 14 30 12 04 02 00 01 30 0c 30 04 03 02 00 0a 30 04 03 02 01 0a",
		    RPKI_ROA_ORDER, 2 },
		/* IPv6 before IPv4 */
		{ "30 20 02 01 05 30 1b 30 0b 04 02 00 02 30 05 30 03 03 01 00"
		    "30 0c 04 02 00 01 30 06 30 04 03 02 00 0a", RPKI_ROA_ORDER, 2 },
		/* 33 bits; a bit behind the end */
		{ "30 17 02 01 05 30 12 30 10 04 02 00 01 30 0a 30 08 03 06 07 0a 00 00 00 80",
		    RPKI_ROA_PREFIX, 0 },
		{ "30 13 02 01 05 30 0e 30 0c 04 02 00 01 30 06 30 04 03 02 01 0b", RPKI_DER_VALUE, 0 },
		/* families */
		{ "30 05 02 01 05 30 00", RPKI_ROA_BLOCKS, 0 },
		{ "30 0d 02 01 05 30 08 30 06 04 02 00 01 30 00", RPKI_ROA_BLOCKS, 0 },
		{ "30 13 02 01 05 30 0e 30 0c 04 02 00 03 30 06 30 04 03 02 00 0a", RPKI_ROA_BLOCKS, 0 },
		{ "30 14 02 01 05 30 0f 30 0d 04 03 00 01 01 30 06 30 04 03 02 00 0a",
		    RPKI_ROA_BLOCKS, 0 },
		{ "30 21 02 01 05 30 1c 30 0c 04 02 00 01 30 06 30 04 03 02 00 0a"
		    "30 0c 04 02 00 01 30 06 30 04 03 02 00 0b", RPKI_ROA_BLOCKS, 1 },
		/* version 0 written out */
		{ "30 18 a0 03 02 01 00 02 01 05 30 0e 30 0c 04 02 00 01 30 06 30 04 03 02 00 0a",
		    RPKI_ROA_VERSION, 1 },
		/* something behind */
		{ "30 15 02 01 05 30 0e 30 0c 04 02 00 01 30 06 30 04 03 02 00 0a 05 00",
		    RPKI_DER_TRAILING, 1 },
		{ "30 15 02 01 05 30 10 30 0e 04 02 00 01 30 06 30 04 03 02 00 0a 05 00",
		    RPKI_DER_TRAILING, 0 },
		{ "30 15 02 01 05 30 10 30 0e 04 02 00 01 30 08 30 06 03 02 00 0a 05 00",
		    RPKI_DER_TRAILING, 1 },
		{ "", RPKI_DER_TAG, 0 },
	};
	struct kit k = kit_new();
	unsigned bad = 0;

	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		bad += !roa_fits(&k, &rows[i]);
	kit_done(&k);
	assert_int_equal(bad, 0);
}

/* --- ASPA --- */

static void
aspa_forms(void **state UNUSED)
{
	static const struct content_row rows[] = {
		{ "30 10 a0 03 02 01 01 02 01 05 30 06 02 01 01 02 01 02", RPKI_CODE_MAX, 2 },
		{ "30 0d a0 03 02 01 01 02 01 05 30 03 02 01 00", RPKI_CODE_MAX, 1 },	/* AS 0 alone */
		{ "30 10 a0 03 02 01 01 02 01 05 30 06 02 01 00 02 01 02", RPKI_ASPA_PROVIDERS, 2 },
		{ "30 10 a0 03 02 01 01 02 01 05 30 06 02 01 02 02 01 01", RPKI_ASPA_PROVIDERS, 2 },
		{ "30 10 a0 03 02 01 01 02 01 05 30 06 02 01 02 02 01 02", RPKI_ASPA_PROVIDERS, 2 },
		{ "30 10 a0 03 02 01 01 02 01 05 30 06 02 01 05 02 01 06", RPKI_ASPA_PROVIDERS, 2 },
		{ "30 0a a0 03 02 01 01 02 01 05 30 00", RPKI_ASPA_PROVIDERS, 0 },
		{ "30 08 02 01 05 30 03 02 01 01", RPKI_ASPA_VERSION, 0 },
		{ "30 0d a0 03 02 01 00 02 01 05 30 03 02 01 01", RPKI_ASPA_VERSION, 0 },
		{ "30 0d a0 03 02 01 02 02 01 05 30 03 02 01 01", RPKI_ASPA_VERSION, 0 },
		{ "30 11 a0 03 02 01 01 02 01 05 30 07 02 05 00 ff ff ff ff", RPKI_CODE_MAX, 1 },
		{ "30 11 a0 03 02 01 01 02 01 05 30 07 02 05 01 00 00 00 00", RPKI_DER_VALUE, 0 },
		{ "30 0d a0 03 02 01 01 02 01 ff 30 03 02 01 01", RPKI_DER_VALUE, 0 },
		{ "30 0f a0 03 02 01 01 02 01 05 30 03 02 01 01 05 00", RPKI_DER_TRAILING, 0 },
		{ "30 0f a0 03 02 01 01 02 01 05 30 05 02 01 01 05 00", RPKI_DER_TAG, 0 },
	};
	struct kit k = kit_new();
	unsigned bad = 0;

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct rpki_object o = { 0 };

		kit_clear(&k);
		assert_int_equal(aspa_parse(k.pool, hex(k.pool, rows[i].in), &k.fs, &o), 0);
		if (only(&k.fs, rows[i].code) &&
		    (o.aspa == NULL ? 0 : o.aspa->n_providers) == rows[i].n)
			continue;
		printf("# %s\n", rows[i].in);
		bad++;
	}
	kit_done(&k);
	assert_int_equal(bad, 0);
}

static void
aspa_many(void **state UNUSED)
{
	uint32_t *p = calloc(RPKI_ASPA_PROVIDERS_MAX + 1, sizeof(*p));
	struct aspa_spec spec = { 1, p, RPKI_ASPA_PROVIDERS_MAX };
	struct kit k = kit_new();

	assert_non_null(p);
	for (uint32_t i = 0; i <= RPKI_ASPA_PROVIDERS_MAX; i++)
		p[i] = 10 + i;
	for (int over = 0; over <= 1; over++, spec.n_providers++) {
		struct rpki_object o = { 0 };
		struct wr w;

		kit_clear(&k);
		w = wr_new(k.pool, 1 << 20);
		aspa_write(&w, &spec);
		assert_int_equal(aspa_parse(k.pool, wr_sv(&w), &k.fs, &o), 0);
		assert_true(only(&k.fs, over ? RPKI_ASPA_MANY : RPKI_CODE_MAX));
		assert_int_equal(o.aspa == NULL, over);
	}
	kit_done(&k);
	free(p);
}

TESTS_MAIN("rpki content", T(crl_search), T(crl_none), T(crl_forms), T(mft_names), T(mft_twice),
    T(mft_many), T(mft_findings_capped), T(roa_forms), T(aspa_forms), T(aspa_many))
