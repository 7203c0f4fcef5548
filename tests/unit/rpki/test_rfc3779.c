/* IP and AS resources: how they are written and who holds what. */
#include "kit.h"

/* --- reading --- */


struct form_row {
	const char	*in;
	enum rpki_code	 code;		/* RPKI_CODE_MAX: nothing to say */
	const char	*text;		/* what was read; NULL: not looked at */
};

static void
ip_text(struct buf *b, const struct ip_res *r, uint8_t af)
{
	if (r->inherit)
		buf_str(b, af == IP_V4 ? "4=inherit " : "6=inherit ");
	for (size_t i = 0; i < r->n; i++) {
		ip_range_print(b, &r->r[i], af);
		buf_char(b, ' ');
	}
}

static bool
row_fits(struct kit *k, const struct form_row *row, bool as)
{
	struct resources res = { 0 };
	_cleanup_(buf_done) struct buf b = BUF_INIT;
	struct der_doc doc;
	struct der d;

	kit_clear(k);
	d = der_on(&doc, hex(k->pool, row->in));
	if (as)
		as_res_parse(&d, k->pool, &res.as, &k->fs);
	else
		ip_res_parse(&d, k->pool, &res, &k->fs);
	if (k->fs.n_kept == 0)
		der_end(&d);
	(void)der_report(&doc, &k->fs);
	ip_text(&b, &res.v4, IP_V4);
	ip_text(&b, &res.v6, IP_V6);
	if (res.as.inherit)
		buf_str(&b, "AS=inherit ");
	for (size_t i = 0; i < res.as.n; i++) {
		as_range_print(&b, &res.as.r[i]);	/* whatever came before a fault */
		buf_char(&b, ' ');
	}
	if (only(&k->fs, row->code) && (row->text == NULL || sv_eq_str(buf_get(&b), row->text)))
		return true;
	printf("# %s: %.*s\n", row->in, SV_ARG(buf_get(&b)));
	return false;
}

static void
ip_forms(void **state UNUSED)
{
	static const struct form_row rows[] = {
		/* 10.0.0.0/8 */
		{ "30 0c 30 0a 04 02 00 01 30 04 03 02 00 0a", RPKI_CODE_MAX, "10.0.0.0/8 " },
		{ "30 0b 30 09 04 02 00 01 30 03 03 01 00", RPKI_CODE_MAX, "0.0.0.0/0 " },
		{ "30 0b 30 09 04 02 00 02 30 03 03 01 00", RPKI_CODE_MAX, "::/0 " },
		{ "30 08 30 06 04 02 00 01 05 00", RPKI_CODE_MAX, "4=inherit " },
		{ "30 10 30 06 04 02 00 01 05 00 30 06 04 02 00 02 05 00", RPKI_CODE_MAX,
		    "4=inherit 6=inherit " },
		/* 255.255.255.255/32, the last address */
		{ "30 0f 30 0d 04 02 00 01 30 07 03 05 00 ff ff ff ff", RPKI_CODE_MAX,
		    "255.255.255.255/32 " },
		/* ffff…/128 */
		{ "30 1b 30 19 04 02 00 02 30 13 03 11 00 ff ff ff ff ff ff ff ff ff ff ff ff ff ff ff ff",
		    RPKI_CODE_MAX, "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff/128 " },
		/* 10.0.0.0 - 10.2.255.255 */
		{ "30 12 30 10 04 02 00 01 30 0a 30 08 03 02 01 0a 03 02 00 0a", RPKI_CERT_RES_FORM,
		    "10.0.0.0/8 " },
		{ "30 13 30 11 04 02 00 01 30 0b 30 09 03 02 01 0a 03 03 00 0a 02", RPKI_CODE_MAX,
		    "10.0.0.0-10.2.255.255 " },
		/* two neighbours: 10/8, 11/8 */
		{ "30 10 30 0e 04 02 00 01 30 08 03 02 00 0a 03 02 00 0b", RPKI_CERT_RES_FORM,
		    "10.0.0.0/7 " },
		/* out of order, twice, inside */
		{ "30 10 30 0e 04 02 00 01 30 08 03 02 00 0b 03 02 00 0a", RPKI_CERT_RES_ORDER, NULL },
		{ "30 10 30 0e 04 02 00 01 30 08 03 02 00 0a 03 02 00 0a", RPKI_CERT_RES_ORDER, NULL },
		{ "30 11 30 0f 04 02 00 01 30 09 03 02 00 0a 03 03 00 0a 01", RPKI_CERT_RES_ORDER, NULL },
		/* behind the last address nothing can follow */
		{ "30 16 30 14 04 02 00 01 30 0e 03 05 00 ff ff ff ff 03 05 00 00 00 00 00",
		    RPKI_CERT_RES_ORDER, NULL },
		{ "30 00", RPKI_CERT_RES, "" },
		{ "30 08 30 06 04 02 00 01 30 00", RPKI_CERT_RES, "" },
		{ "30 08 30 06 04 02 00 03 05 00", RPKI_CERT_RES, NULL },	/* AFI 3 */
		{ "30 09 30 07 04 03 00 01 01 05 00", RPKI_CERT_RES, NULL },	/* a SAFI */
		{ "30 07 30 05 04 01 01 05 00", RPKI_CERT_RES, NULL },
		{ "30 10 30 06 04 02 00 01 05 00 30 06 04 02 00 01 05 00", RPKI_CERT_RES, NULL },
		{ "30 10 30 06 04 02 00 02 05 00 30 06 04 02 00 01 05 00", RPKI_CERT_RES, NULL },
		/* 33 bits */
		{ "30 10 30 0e 04 02 00 01 30 08 03 06 07 0a 00 00 00 80", RPKI_CERT_RES, NULL },
		/* ends before it begins */
		{ "30 12 30 10 04 02 00 01 30 0a 30 08 03 02 00 0b 03 02 00 0a", RPKI_CERT_RES, NULL },
		/* the same behind a good one */
		{ "30 16 30 14 04 02 00 01 30 0e 03 02 00 01 30 08 03 02 00 0b 03 02 00 0a",
		    RPKI_CERT_RES, NULL },
		{ "30 0c 30 0a 04 02 00 01 30 04 03 02 01 0b", RPKI_DER_VALUE, NULL },	/* host bit */
		{ "30 0c 30 0a 04 02 00 01 30 04 02 02 00 0a", RPKI_DER_TAG, NULL },
		{ "30 0a 30 08 04 02 00 01 05 00 05 00", RPKI_DER_TRAILING, NULL },
	};
	struct kit k = kit_new();
	unsigned bad = 0;

	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		bad += !row_fits(&k, &rows[i], false);
	kit_done(&k);
	assert_int_equal(bad, 0);
}

static void
as_forms(void **state UNUSED)
{
	static const struct form_row rows[] = {
		{ "30 07 a0 05 30 03 02 01 05", RPKI_CODE_MAX, "AS5 " },
		{ "30 04 a0 02 05 00", RPKI_CODE_MAX, "AS=inherit " },
		{ "30 07 a0 05 30 03 02 01 00", RPKI_CODE_MAX, "AS0 " },
		/* 0 - 4294967295 */
		{ "30 10 a0 0e 30 0c 30 0a 02 01 00 02 05 00 ff ff ff ff", RPKI_CODE_MAX,
		    "AS0-AS4294967295 " },
		/* behind the last number nothing can follow, 0 least of all */
		{ "30 13 a0 11 30 0f 30 0a 02 01 00 02 05 00 ff ff ff ff 02 01 00", RPKI_CERT_RES_ORDER,
		    "AS0-AS4294967295 " },
		{ "30 0e a0 0c 30 0a 02 05 00 ff ff ff ff 02 01 00", RPKI_CERT_RES_ORDER, NULL },
		{ "30 0a a0 08 30 06 02 01 05 02 01 06", RPKI_CERT_RES_FORM, "AS5-AS6 " },
		{ "30 0a a0 08 30 06 02 01 05 02 01 05", RPKI_CERT_RES_ORDER, NULL },
		{ "30 0a a0 08 30 06 02 01 06 02 01 05", RPKI_CERT_RES_ORDER, NULL },
		{ "30 0c a0 0a 30 08 30 06 02 01 05 02 01 05", RPKI_CODE_MAX, "AS5 " },
		{ "30 0c a0 0a 30 08 30 06 02 01 06 02 01 05", RPKI_CERT_RES, NULL },
		/* the same behind a good one: the good one stays readable */
		{ "30 0f a0 0d 30 0b 02 01 01 30 06 02 01 06 02 01 05", RPKI_CERT_RES, "AS1 " },
		{ "30 00", RPKI_CERT_RES, "" },
		{ "30 04 a0 02 30 00", RPKI_CERT_RES, "" },
		{ "30 04 a1 02 05 00", RPKI_CERT_RES, "" },			/* RDI alone */
		{ "30 08 a0 02 05 00 a1 02 05 00", RPKI_CERT_RES, NULL },	/* RDI, too */
		{ "30 0b a0 09 30 07 02 05 01 00 00 00 00", RPKI_DER_VALUE, NULL },
		{ "30 07 a0 05 30 03 02 01 ff", RPKI_DER_VALUE, NULL },	/* -1 */
		{ "30 09 a0 07 30 03 02 01 05 05 00", RPKI_DER_TRAILING, NULL },
	};
	struct kit k = kit_new();
	unsigned bad = 0;

	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		bad += !row_fits(&k, &rows[i], true);
	kit_done(&k);
	assert_int_equal(bad, 0);
}

/* RFC 3779's and RFC 8360's extension in one certificate: no list goes behind the other. */
static void
as_twice(void **state UNUSED)
{
	struct kit k = kit_new();
	struct resources res = { 0 };
	struct der_doc doc;
	struct der d;
	struct wr w;
	size_t at[3];

	kit_clear(&k);
	w = wr_new(k.pool, 1 << 20);
	at[0] = wder_open(&w, WDER_SEQ);
	at[1] = wder_open(&w, WDER_CTX(0));
	at[2] = wder_open(&w, WDER_SEQ);
	for (uint64_t i = 0; i < 20000; i++)
		wder_uint(&w, 2 * i + 1);
	for (int i = 2; i >= 0; i--)
		wder_close(&w, at[i]);
	d = der_on(&doc, wr_sv(&w));
	as_res_parse(&d, k.pool, &res.as, &k.fs);
	assert_true(only(&k.fs, RPKI_CODE_MAX));
	assert_int_equal(res.as.n, 20000);
	d = der_on(&doc, hex(k.pool, "30 07 a0 05 30 03 02 01 05"));
	as_res_parse(&d, k.pool, &res.as, &k.fs);
	assert_true(only(&k.fs, RPKI_CERT_RES));
	assert_int_equal(res.as.n, 20000);
	kit_done(&k);
}

/* --- who holds what --- */

static void
range4(struct ip_range *r, uint32_t min, uint32_t max)
{
	memset(r, 0, sizeof(*r));
	put_be32(r->min, min);
	put_be32(r->max, max);
}

/* The arithmetic against a plain bitmap of 256 addresses at each end of the space. */
static void
covers_and_cuts(void **state UNUSED)
{
	uint64_t x = 42;
	struct kit k = kit_new();

	for (int round = 0; round < 3000; round++) {
		struct ip_range a[16], b[16];
		struct ip_res want = { .present = true, .r = a }, have = { .present = true, .r = b };
		struct resources cw = { 0 }, ch = { 0 }, got;
		bool in_w[256] = { 0 }, in_h[256] = { 0 }, over = false;
		uint32_t base = round % 2 == 0 ? 0 : 0xffffff00;

		kit_clear(&k);
		for (int side = 0; side < 2; side++) {
			struct ip_res *r = side == 0 ? &want : &have;
			struct ip_range *list = side == 0 ? a : b;
			bool *in = side == 0 ? in_w : in_h;

			for (uint32_t at = 0; at < 256 && r->n < 16;) {
				uint32_t len;

				x = x * 6364136223846793005u + 1442695040888963407u;
				at += (uint32_t)(x >> 60) + 1;
				len = (uint32_t)(x >> 40 & 31);
				if (at + len > 255)
					break;
				range4(&list[r->n++], base + at, base + at + len);
				memset(in + at, 1, len + 1);
				at += len + 2;
			}
		}
		for (int i = 0; i < 256; i++)
			over |= in_w[i] && !in_h[i];
		cw.v4 = want;
		ch.v4 = have;
		assert_int_equal(resources_effective(k.pool, &cw, &ch, true, &k.fs, &got), 0);
		assert_true(only(&k.fs, over ? RPKI_CERT_OVERCLAIM_CUT : RPKI_CODE_MAX));
		for (uint32_t i = 0; i < 256; i++) {
			uint8_t addr[16] = { 0 };

			put_be32(addr, base + i);
			assert_int_equal(ip_res_covers(&got.v4, addr, addr), in_w[i] && in_h[i]);
			assert_int_equal(ip_res_covers(&have, addr, addr), in_h[i]);
		}
	}
	kit_done(&k);
}

static void
as_cuts(void **state UNUSED)
{
	static const struct as_range w[] = { { 0, 10 }, { 20, 30 }, { 4294967290u, 4294967295u } };
	static const struct as_range h[] = { { 5, 22 }, { 25, 25 }, { 4294967295u, 4294967295u } };
	struct resources want = { .as = { true, false, 3, w } }, have = { .as = { true, false, 3, h } };
	struct resources got;
	_cleanup_(buf_done) struct buf b = BUF_INIT;
	struct kit k = kit_new();

	kit_clear(&k);
	assert_int_equal(resources_effective(k.pool, &want, &have, true, &k.fs, &got), 0);
	assert_true(only(&k.fs, RPKI_CERT_OVERCLAIM_CUT));
	for (size_t i = 0; i < got.as.n; i++) {
		as_range_print(&b, &got.as.r[i]);
		buf_char(&b, ' ');
	}
	assert_true(sv_eq_str(buf_get(&b), "AS5-AS10 AS20-AS22 AS25 AS4294967295 "));
	kit_clear(&k);
	assert_int_equal(resources_effective(k.pool, &want, &have, false, &k.fs, &got), 0);
	assert_true(only(&k.fs, RPKI_CERT_OVERCLAIM));
	assert_true(as_res_covers(&have.as, 5, 22));
	assert_false(as_res_covers(&have.as, 5, 23));
	assert_false(as_res_covers(&have.as, 22, 25));	/* two ranges are no bridge */
	assert_true(as_res_covers(&have.as, UINT32_MAX, UINT32_MAX));
	assert_false(as_res_covers(&have.as, 0, UINT32_MAX));
	kit_done(&k);
}

static void
inherits(void **state UNUSED)
{
	static const struct ip_range r4 = { { 10 }, { 10, 255, 255, 255 } };
	struct resources have = { .v4 = { true, false, 1, &r4 } };
	struct resources want = { .v4 = { .present = true, .inherit = true },
	    .v6 = { .present = true, .inherit = true }, .as = { .present = true, .inherit = true } };
	struct resources got;
	struct ip_prefix p;
	struct kit k = kit_new();

	kit_clear(&k);
	assert_int_equal(resources_effective(k.pool, &want, &have, false, &k.fs, &got), 0);
	assert_true(only(&k.fs, RPKI_CODE_MAX));
	assert_ptr_equal(got.v4.r, &r4);		/* shared, not copied */
	assert_false(got.v4.inherit);
	/* What the issuer has not is not inherited. */
	assert_int_equal(got.v6.n, 0);
	assert_int_equal(got.as.n, 0);
	assert_int_equal(ip_prefix_parse(SV("10.0.0.0/8"), &p), 0);
	assert_true(ip_res_covers_prefix(&got, &p));
	assert_int_equal(ip_prefix_parse(SV("10.0.0.0/7"), &p), 0);
	assert_false(ip_res_covers_prefix(&got, &p));
	assert_int_equal(ip_prefix_parse(SV("::/128"), &p), 0);
	assert_false(ip_res_covers_prefix(&got, &p));
	assert_true(resources_none(&(struct resources){ 0 }));
	assert_false(resources_none(&want));
	kit_done(&k);
}

TESTS_MAIN("rpki rfc3779", T(ip_forms), T(as_forms), T(as_twice), T(covers_and_cuts), T(as_cuts),
    T(inherits))
