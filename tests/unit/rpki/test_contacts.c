/* Router certificates, Ghostbusters records, trust anchor keys. */
#include "kit.h"

/* --- router certificates (RFC 8209) --- */

/* P-256's base point, in full. */
static const uint8_t point[65] = {
	0x04,
	0x6b, 0x17, 0xd1, 0xf2, 0xe1, 0x2c, 0x42, 0x47, 0xf8, 0xbc, 0xe6, 0xe5, 0x63, 0xa4, 0x40, 0xf2,
	0x77, 0x03, 0x7d, 0x81, 0x2d, 0xeb, 0x33, 0xa0, 0xf4, 0xa1, 0x39, 0x45, 0xd8, 0x98, 0xc2, 0x96,
	0x4f, 0xe3, 0x42, 0xe2, 0xfe, 0x1a, 0x7f, 0x9b, 0x8e, 0xe7, 0xeb, 0x4a, 0x7c, 0x0f, 0x9e, 0x16,
	0x2b, 0xce, 0x33, 0x57, 0x6b, 0x31, 0x5e, 0xce, 0xcb, 0xb6, 0x40, 0x68, 0x37, 0xbf, 0x51, 0xf5,
};

struct router {
	struct world	 w;
	struct cert_spec c;
	uint8_t		 ski[SHA1_LEN];
};

static const struct write_as_range one_as = { 64496, 64496 };

static void
router_begin(struct router *r, const struct keys *keys, struct pool *pool, const char *curve,
    size_t point_len)
{
	struct wr spki = wr_new(pool, 256);

	world_init(&r->w, keys, pool);
	r->c = spec_below(&r->w, 2, false);
	ec_spki_write(&spki, curve, point, point_len);
	crypto_sha1(point, point_len, r->ski);
	r->c.subject = "ROUTER-0000FBF0";
	r->c.spki = wr_sv(&spki);
	r->c.ski = (struct sv){ (const char *)r->ski, SHA1_LEN };
	r->c.eku = OID_KP_ROUTER;
	r->c.res.as.v = &one_as;
	r->c.res.as.n = 1;
}

static struct rpki_object
router_read(struct kit *k, struct router *r, edit_fn edit)
{
	struct sv der = cert_make(&r->w, &r->c, 0, edit);
	struct rpki_object o = { .type = RPKI_CER };
	struct cert *x;

	assert_int_equal(router_parse(k->pool, der, 0, &k->fs, &x), 0);
	if (x != NULL)
		assert_int_equal(router_check(k->pool, &o, x, &x->res, &k->fs), 0);
	return o;
}

static void
router_good(void **state)
{
	static const struct write_as_range two[] = { { 64496, 64497 }, { 64511, 64511 } };
	struct kit k = kit_new();
	struct rpki_object o;
	struct router r;

	kit_clear(&k);
	router_begin(&r, *state, k.pool, OID_P256, sizeof(point));
	r.c.res.as.v = two;
	r.c.res.as.n = 2;
	o = router_read(&k, &r, NULL);
	assert_true(only(&k.fs, RPKI_CODE_MAX));
	assert_int_equal(o.n_router_keys, 3);
	assert_int_equal(o.router_keys[1].asn, 64497);
	assert_int_equal(o.router_keys[2].asn, 64511);
	assert_int_equal(o.router_keys[2].spki_len, 91);
	assert_memory_equal(o.router_keys[2].spki + 26, point, sizeof(point));
	assert_memory_equal(o.router_keys[0].ski, r.ski, SHA1_LEN);
	kit_done(&k);
}

static void
utf8_subject(struct wr *w)
{
	/* PrintableString to UTF8String; the issuer's name is "ta". */
	assert_int_equal(bytes_swap(w->buf, w->len, "\x13\x0fROUTER-", "\x0c\x0fROUTER-", 9), 1);
}

static void
router_profile(void **state)
{
	static const struct write_as_range many = { 1, RPKI_ROUTER_ASNS_MAX + 1 };
	static const struct write_as_range most = { 1, RPKI_ROUTER_ASNS_MAX };
	static const struct {
		const char	*curve;
		size_t		 len;
		enum { KEEP, IP, NO_AS, INHERIT, SIA, NO_EKU, OTHER_EKU, RSA, CA, MANY, MOST } what;
		enum rpki_code	 code;
	} rows[] = {
		{ OID_P256, 65, KEEP, RPKI_CODE_MAX },
		{ OID_P256, 65, MOST, RPKI_CODE_MAX },
		{ OID_P256, 33, KEEP, RPKI_ROUTER_KEY },
		{ "1.3.132.0.34", 65, KEEP, RPKI_ROUTER_KEY },
		{ OID_P256, 65, RSA, RPKI_ROUTER_KEY },
		{ OID_P256, 65, IP, RPKI_CERT_EXT_FORBIDDEN },
		{ OID_P256, 65, NO_AS, RPKI_CERT_RES_NONE },
		{ OID_P256, 65, INHERIT, RPKI_ROUTER_AS },
		{ OID_P256, 65, SIA, RPKI_CERT_EXT_FORBIDDEN },
		{ OID_P256, 65, NO_EKU, RPKI_CERT_EXT_MISSING },
		{ OID_P256, 65, OTHER_EKU, RPKI_CERT_EXT_MISSING },
		{ OID_P256, 65, CA, RPKI_CERT_EXT_FORBIDDEN },
		{ OID_P256, 65, MANY, RPKI_ROUTER_MANY },
	};
	struct kit k = kit_new();
	unsigned bad = 0;

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct rpki_object o;
		struct router r;

		kit_clear(&k);
		router_begin(&r, *state, k.pool, rows[i].curve, rows[i].len);
		if (rows[i].what == IP) {
			r.c.res.ip[0].v = &ten;
			r.c.res.ip[0].n = 1;
		}
		if (rows[i].what == NO_AS || rows[i].what == INHERIT)
			r.c.res.as.n = 0;
		r.c.res.as.inherit = rows[i].what == INHERIT;
		r.c.object = rows[i].what == SIA ? HOST "a.cer" : NULL;
		if (rows[i].what == NO_EKU || rows[i].what == OTHER_EKU)
			r.c.eku = rows[i].what == NO_EKU ? NULL : "1.3.6.1.5.5.7.3.1";
		if (rows[i].what == RSA) {
			r.c.spki = crypto_signer_spki(r.w.k->v[2]);
			r.c.ski = key_ski(r.w.k, 2);
		}
		r.c.ca = rows[i].what == CA;
		if (rows[i].what == MANY || rows[i].what == MOST)
			r.c.res.as.v = rows[i].what == MANY ? &many : &most;
		o = router_read(&k, &r, NULL);
		if ((rows[i].code == RPKI_CODE_MAX ? only(&k.fs, RPKI_CODE_MAX) :
		    n_of(&k.fs, rows[i].code) == 1 && findings_reject(&k.fs)) &&
		    (o.n_router_keys > 0 || rows[i].code != RPKI_CODE_MAX))
			continue;
		printf("# row %zu: %s\n", i, first_code(&k.fs));
		bad++;
	}
	kit_done(&k);
	assert_int_equal(bad, 0);
}

static void
router_subject(void **state)
{
	struct kit k = kit_new();
	struct router r;

	kit_clear(&k);
	router_begin(&r, *state, k.pool, OID_P256, sizeof(point));
	(void)router_read(&k, &r, utf8_subject);
	assert_true(only(&k.fs, RPKI_CODE_MAX));
	kit_done(&k);
}

/* --- Ghostbusters records (RFC 6493) --- */

static struct rpki_object
vcard_read(struct kit *k, const char *text)
{
	struct rpki_object o = { .type = RPKI_GBR };

	kit_clear(k);
	assert_int_equal(gbr_parse(k->pool, sv_str(text), &k->fs, &o), 0);
	return o;
}

static void
vcard_written(void **state UNUSED)
{
	const struct vcard_spec spec = { .fn = "Human's Name", .org = "Org", .adr = ";;42 Way;Town",
	    .tel = "+81-3-0000-0000", .email = "noc@example.net" };
	struct kit k = kit_new();
	struct rpki_object o = { 0 };
	struct wr w;

	kit_clear(&k);
	w = wr_new(k.pool, 1024);
	vcard_write(&w, &spec);
	assert_int_equal(gbr_parse(k.pool, wr_sv(&w), &k.fs, &o), 0);
	assert_true(only(&k.fs, RPKI_CODE_MAX));
	assert_true(sv_eq_str(o.gbr->fn, spec.fn));
	assert_true(sv_eq_str(o.gbr->org, spec.org));
	assert_true(sv_eq_str(o.gbr->adr, spec.adr));
	assert_true(sv_eq_str(o.gbr->tel, spec.tel));
	assert_true(sv_eq_str(o.gbr->email, spec.email));
	assert_int_equal(object_contents_copy(k.pool, &o), 0);
	memset(w.buf, 'x', w.len);
	assert_true(sv_eq_str(o.gbr->email, spec.email));
	kit_done(&k);
}

#define B "BEGIN:VCARD\r\nVERSION:4.0\r\n"
#define E "END:VCARD\r\n"
#define GOOD "FN:x\r\nEMAIL:a@b\r\n"

static void
vcard_rows(void **state UNUSED)
{
	static const struct {
		const char	*text;
		enum rpki_code	 code;
	} rows[] = {
		{ B GOOD E, RPKI_CODE_MAX },
		{ "begin:vcard\r\nversion:4.0\r\nfn:x\r\ntel:1\r\nend:vcard\r\n", RPKI_CODE_MAX },
		{ B "item1.FN:x\r\nADR;LABEL=\"a:b;c\":;;y\r\n" E, RPKI_CODE_MAX },
		{ B "FN:long\r\n  name\r\nTEL:1\r\nTEL:2\r\n" E, RPKI_CODE_MAX },
		{ B "FN:\xe9\x96\xa2\xe6\x89\x80\r\nTEL:1\r\n" E, RPKI_CODE_MAX },
		{ "BEGIN:VCARD\nVERSION:4.0\nFN:x\nTEL:1\nEND:VCARD\n", RPKI_GBR_LINES },
		{ B GOOD "END:VCARD", RPKI_GBR_LINES },
		{ "", RPKI_GBR_VCARD },
		{ GOOD, RPKI_GBR_VCARD },
		{ B E, RPKI_GBR_VCARD },
		{ B "FN:x\r\n" E, RPKI_GBR_VCARD },
		{ B "EMAIL:a@b\r\n" E, RPKI_GBR_VCARD },
		{ B "FN:\r\nEMAIL:a@b\r\n" E, RPKI_GBR_VCARD },
		{ B GOOD, RPKI_GBR_VCARD },
		{ B GOOD "NOTE:hello\r\n" E, RPKI_GBR_VCARD },
		{ B GOOD "PHOTO:data:x\r\n" E, RPKI_GBR_VCARD },
		{ B GOOD "nonsense\r\n" E, RPKI_GBR_VCARD },
		{ B GOOD ":x\r\n" E, RPKI_GBR_VCARD },
		{ B GOOD "\r\n" E, RPKI_GBR_VCARD },
		{ "VERSION:4.0\r\nBEGIN:VCARD\r\n" GOOD E, RPKI_GBR_VCARD },
		{ "BEGIN:VCARD\r\nFN:x\r\nVERSION:4.0\r\nTEL:1\r\n" E, RPKI_GBR_VCARD },
		{ "BEGIN:VCARD\r\nVERSION:3.0\r\n" GOOD E, RPKI_GBR_VCARD },
		{ "BEGIN:VEVENT\r\nVERSION:4.0\r\n" GOOD E, RPKI_GBR_VCARD },
		{ B GOOD "END:VEVENT\r\n", RPKI_GBR_VCARD },
		{ B GOOD E "FN:y\r\n", RPKI_GBR_VCARD },
		{ B GOOD E B GOOD E, RPKI_GBR_VCARD },
		{ B "FN:\xff\r\nTEL:1\r\n" E, RPKI_GBR_VCARD },
		{ B "FN:\x1b[2J\r\nTEL:1\r\n" E, RPKI_GBR_VCARD },
		{ B "FN:x\rTEL:1\r\nTEL:1\r\n" E, RPKI_GBR_VCARD },
		{ B GOOD "END:VCARD\r", RPKI_GBR_VCARD },
		{ B "FN;X=\"a:b\r\nTEL:1\r\n" E, RPKI_GBR_VCARD },
	};
	struct kit k = kit_new();
	unsigned bad = 0;

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		(void)vcard_read(&k, rows[i].text);
		if (only(&k.fs, rows[i].code))
			continue;
		printf("# row %zu\n", i);
		bad++;
	}
	assert_true(sv_eq_str(vcard_read(&k, rows[3].text).gbr->fn, "long name"));
	assert_true(sv_eq_str(vcard_read(&k, rows[3].text).gbr->tel, "1"));
	assert_true(sv_eq_str(vcard_read(&k, rows[2].text).gbr->adr, ";;y"));
	kit_done(&k);
	assert_int_equal(bad, 0);
}

static void
vcard_large(void **state UNUSED)
{
	struct kit k = kit_new();
	struct rpki_object o = { 0 };
	char *text;

	kit_clear(&k);
	text = pool_alloc(k.pool, RPKI_GBR_SIZE_MAX + 1);
	memset(text, 'x', RPKI_GBR_SIZE_MAX + 1);
	assert_int_equal(gbr_parse(k.pool, (struct sv){ text, RPKI_GBR_SIZE_MAX + 1 }, &k.fs, &o), 0);
	assert_true(only(&k.fs, RPKI_GBR_LARGE));
	kit_done(&k);
}

static void
inheriting(void **state UNUSED)
{
	static const struct ip_range range;
	static const struct as_range as;
	const struct ip_res ip_own = { .present = true, .n = 1, .r = &range };
	const struct ip_res ip_inherits = { .present = true, .inherit = true };
	const struct as_res as_own = { .present = true, .n = 1, .r = &as };
	const struct {
		struct resources	res;
		bool			good;
	} rows[] = {
		{ { ip_inherits, ip_inherits, { .present = true, .inherit = true } }, true },
		{ { .v4 = ip_inherits }, true },
		{ { .v4 = ip_own }, false }, { { .v6 = ip_own }, false }, { { .as = as_own }, false },
	};
	struct kit k = kit_new();

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct cert ee = { .res = rows[i].res };
		struct rpki_object o = { 0 };

		kit_clear(&k);
		gbr_check(&ee, &k.fs);
		assert_true(only(&k.fs, rows[i].good ? RPKI_CODE_MAX : RPKI_GBR_EE));
		kit_clear(&k);
		tak_check(&o, &ee, NULL, 1, &k.fs);
		assert_true(only(&k.fs, rows[i].good ? RPKI_CODE_MAX : RPKI_TAK_PLACE));
	}
	kit_done(&k);
}

/* --- trust anchor keys (RFC 9691) --- */

static const char *const uris[] = { "https://ta.example/ta.cer", "rsync://ta.example/ta/ta.cer" };
static const char *const comments[] = { "\xe9\x8d\xb5", "" };

static struct tak_key_spec
key_spec(const struct keys *keys, unsigned i)
{
	return (struct tak_key_spec){ .comments = comments, .n_comments = 2, .uris = uris,
	    .n_uris = 2, .spki = crypto_signer_spki(keys->v[i]) };
}

static struct rpki_object
tak_read(struct kit *k, const struct tak_spec *spec, edit_fn edit)
{
	struct rpki_object o = { .type = RPKI_TAK };
	struct wr w = wr_new(k->pool, 1 << 17);

	tak_write(&w, spec);
	if (edit != NULL)
		edit(&w);
	assert_int_equal(tak_parse(k->pool, wr_sv(&w), &k->fs, &o), 0);
	return o;
}

static void
tak_written(void **state)
{
	const struct keys *keys = *state;
	struct tak_key_spec a = key_spec(keys, 0), b = key_spec(keys, 1), c = key_spec(keys, 2);
	struct kit k = kit_new();
	struct rpki_object o;

	for (unsigned i = 0; i < 4; i++) {
		const struct tak_spec spec = { &a, i & 1 ? &b : NULL, i & 2 ? &c : NULL };

		kit_clear(&k);
		o = tak_read(&k, &spec, NULL);
		assert_true(only(&k.fs, RPKI_CODE_MAX));
		assert_int_equal(object_contents_copy(k.pool, &o), 0);
		assert_true(sv_eq(o.tak->current.spki, a.spki));
		assert_int_equal(o.tak->current.n_uris, 2);
		assert_true(sv_eq_str(o.tak->current.uris[1], uris[1]));
		assert_memory_equal(o.tak->current.ski, keys->ski[0], SHA1_LEN);
		assert_int_equal(o.tak->has_predecessor, (i & 1) != 0);
		assert_int_equal(o.tak->has_successor, (i & 2) != 0);
		if (i & 2)
			assert_true(sv_eq(o.tak->successor.spki, c.spki));
	}
	kit_done(&k);
}

static void
bad_utf8(struct wr *w)
{
	assert_true(bytes_swap(w->buf, w->len, "\xe9\x8d\xb5", "\xe9\x8d\x41", 3) > 0);
}

/* version INTEGER 0, which DER leaves out, and INTEGER 1 */
static void
version_0(struct wr *w)
{
	struct sv body = sv_skip((struct sv){ (const char *)w->buf, w->len }, 4);
	uint8_t *copy = malloc(body.n);
	size_t n = body.n, at;

	memcpy(copy, body.p, n);
	w->len = 0;
	at = wder_open(w, WDER_SEQ);
	wder_uint(w, 0);
	wr_bytes(w, copy, n);
	wder_close(w, at);
	free(copy);
}

static void
tak_rows(void **state)
{
	static const char *const wrong_uri[] = { "http://ta.example/ta.cer" };
	static const char *const many_uris[] = { "https://a.example/0", "https://a.example/1",
	    "https://a.example/2", "https://a.example/3", "https://a.example/4",
	    "https://a.example/5", "https://a.example/6", "https://a.example/7",
	    "https://a.example/8" };
	static char big[RPKI_TAK_COMMENT_MAX + 2];
	static const char *const big_comment[] = { big };
	static const char *many_comments[RPKI_TAK_COMMENTS_MAX + 1];
	const struct keys *keys = *state;
	struct tak_key_spec good = key_spec(keys, 0), rows[8];
	struct kit k = kit_new();
	struct wr ec;

	memset(big, 'x', sizeof(big) - 1);
	for (size_t i = 0; i < ARRAY_LEN(many_comments); i++)
		many_comments[i] = "c";
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		rows[i] = good;
	rows[0].uris = wrong_uri;
	rows[0].n_uris = 1;
	rows[1].n_uris = 0;
	rows[2].uris = many_uris;
	rows[2].n_uris = ARRAY_LEN(many_uris);
	rows[3].comments = big_comment;
	rows[3].n_comments = 1;
	rows[4].comments = many_comments;
	rows[4].n_comments = ARRAY_LEN(many_comments);
	for (size_t i = 0; i < 7; i++) {
		const struct tak_spec spec = { i < 6 ? &rows[i] : &good, NULL, NULL };

		kit_clear(&k);
		ec = wr_new(k.pool, 256);
		ec_spki_write(&ec, OID_P256, point, sizeof(point));
		rows[5].spki = wr_sv(&ec);
		assert_null(tak_read(&k, &spec, i == 6 ? bad_utf8 : NULL).tak);
		assert_true(only(&k.fs, RPKI_TAK_CONTENT));
	}
	kit_clear(&k);
	assert_null(tak_read(&k, &(struct tak_spec){ &good, NULL, NULL }, version_0).tak);
	assert_true(only(&k.fs, RPKI_TAK_CONTENT));
	/* As many as are allowed. */
	kit_clear(&k);
	rows[2].n_uris = RPKI_TAL_URIS_MAX;
	rows[2].comments = many_comments;
	rows[2].n_comments = RPKI_TAK_COMMENTS_MAX;
	assert_non_null(tak_read(&k, &(struct tak_spec){ &rows[2], NULL, NULL }, NULL).tak);
	assert_true(only(&k.fs, RPKI_CODE_MAX));
	kit_done(&k);
}

/* Whose list is it, and what does it say of our key? */
static void
tak_judged(void **state)
{
	static const struct {
		unsigned	current, predecessor, successor;	/* keys; 9: none */
		bool		below;
		size_t		n_listed;
		enum rpki_code	codes[2];
	} rows[] = {
		{ 0, 9, 9, false, 1, { RPKI_CODE_MAX, RPKI_CODE_MAX } },
		{ 0, 1, 9, false, 1, { RPKI_CODE_MAX, RPKI_CODE_MAX } },
		{ 0, 9, 1, false, 1, { RPKI_TAK_SUCCESSOR, RPKI_CODE_MAX } },
		{ 1, 9, 9, false, 1, { RPKI_TAK_PLACE, RPKI_CODE_MAX } },
		{ 1, 0, 9, false, 1, { RPKI_TAK_PLACE, RPKI_TAK_PREDECESSOR } },
		{ 0, 9, 1, true, 1, { RPKI_TAK_PLACE, RPKI_CODE_MAX } },
		{ 0, 9, 9, false, 2, { RPKI_TAK_PLACE, RPKI_CODE_MAX } },
	};
	const struct keys *keys = *state;
	struct kit k = kit_new();

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct tak_key_spec a = key_spec(keys, rows[i].current);
		struct tak_key_spec b = key_spec(keys, rows[i].predecessor);
		struct tak_key_spec c = key_spec(keys, rows[i].successor);
		const struct tak_spec spec = { &a, rows[i].predecessor < 9 ? &b : NULL,
		    rows[i].successor < 9 ? &c : NULL };
		struct rpki_ca child;
		struct cert ee = { 0 };
		struct rpki_object o;
		struct world w;
		unsigned n = 0;

		kit_clear(&k);
		world_init(&w, keys, k.pool);
		child = w.ca;
		child.parent = &w.ca;
		o = tak_read(&k, &spec, NULL);
		tak_check(&o, &ee, rows[i].below ? &child : &w.ca, rows[i].n_listed, &k.fs);
		for (size_t c2 = 0; c2 < 2; c2++)
			if (rows[i].codes[c2] != RPKI_CODE_MAX)
				n += n_of(&k.fs, rows[i].codes[c2]) == 1;
		if (n != k.fs.n_kept || n != (unsigned)(rows[i].codes[0] != RPKI_CODE_MAX) +
		    (rows[i].codes[1] != RPKI_CODE_MAX))
			fail_msg("row %zu: %s", i, first_code(&k.fs));
	}
	kit_done(&k);
}

/* The whole object, as a file alone. */
static void
whole(void **state)
{
	const struct vcard_spec card = { .fn = "x", .tel = "1" };
	const struct rpki_opt opt = { .now = NOW };
	struct kit k = kit_new();
	struct tak_key_spec key = key_spec(*state, 0), next = key_spec(*state, 1);
	const struct tak_spec tak = { &key, NULL, &next };

	for (unsigned i = 0; i < 3; i++) {
		struct sv ski, aki, aia, bytes;
		struct rpki_object o;
		struct cert_spec c;
		struct router r;
		struct wr content;

		kit_clear(&k);
		router_begin(&r, *state, k.pool, OID_P256, sizeof(point));
		c = spec_below(&r.w, 2, false);
		content = wr_new(k.pool, 1 << 16);
		c.object = i == 0 ? HOST "a.gbr" : HOST "a.tak";
		c.res.ip[0].inherit = c.res.ip[1].inherit = c.res.as.inherit = true;
		if (i == 0)
			vcard_write(&content, &card);
		else
			tak_write(&content, &tak);
		bytes = i == 2 ? cert_make(&r.w, &r.c, 0, NULL) :
		    cms_make(&r.w, i == 0 ? OID_CT_GBR : OID_CT_TAK, wr_sv(&content),
		    cert_make(&r.w, &c, 0, NULL), 2);
		assert_int_equal(rpki_object_check(k.pool, i == 2 ? SV("a.cer") : sv_str(c.object),
		    bytes, &opt, &k.fs, &o, &ski, &aki, &aia), 0);
		assert_true(only(&k.fs, i == 1 ? RPKI_TAK_SUCCESSOR : RPKI_CODE_MAX));
		assert_int_equal(o.verdict, V_VALID);
		assert_true((o.gbr != NULL) == (i == 0) && (o.tak != NULL) == (i == 1) &&
		    (o.n_router_keys == 1) == (i == 2));
	}
	kit_done(&k);
}

/* --- in a publication point --- */

static void
world_signed(struct world *w, const char *name, const char *ctype, struct sv content)
{
	struct cert_spec c = spec_below(w, 2, false);

	c.object = world_uri(w, name);
	c.res.ip[0].inherit = c.res.ip[1].inherit = c.res.as.inherit = true;
	world_add(w, name, cms_make(w, ctype, content, cert_make(w, &c, 0, NULL), 2));
}

static void
in_a_point(void **state)
{
	const struct vcard_spec card = { .fn = "x", .tel = "1" };
	struct tak_key_spec key = key_spec(*state, 0), next = key_spec(*state, 1);
	const struct tak_spec tak = { &key, NULL, &next };
	struct kit k = kit_new();

	for (unsigned n_taks = 1; n_taks <= 2; n_taks++) {
		struct rpki_opt opt = { .now = NOW, .keep_objects = true };
		struct wr gbr_content, tak_content;
		struct rpki_source src;
		struct rpki_point pt;
		struct router r;

		kit_clear(&k);
		router_begin(&r, *state, k.pool, OID_P256, sizeof(point));
		gbr_content = wr_new(k.pool, 1 << 12);
		tak_content = wr_new(k.pool, 1 << 12);
		vcard_write(&gbr_content, &card);
		tak_write(&tak_content, &tak);
		world_signed(&r.w, "a.gbr", OID_CT_GBR, wr_sv(&gbr_content));
		world_signed(&r.w, "a.tak", OID_CT_TAK, wr_sv(&tak_content));
		if (n_taks == 2)
			world_signed(&r.w, "b.tak", OID_CT_TAK, wr_sv(&tak_content));
		world_add(&r.w, "r.cer", cert_make(&r.w, &r.c, 0, NULL));
		world_crl(&r.w, NULL, 0);
		world_manifest(&r.w);
		src = (struct rpki_source){ .get = kit_world_get, .arg = &r.w };
		assert_int_equal(rpki_point_check(&r.w.ca, &src, &opt, &pt), 0);
		assert_false(pt.failed);
		assert_int_equal(pt.n_children, 0);
		assert_int_equal(pt.n_router_keys, 1);
		assert_int_equal(pt.router_keys[0].asn, 64496);
		assert_true(pt.router_keys[0].expires == NOW + DAY);	/* the manifest's */
		assert_int_equal(n_of(&pt.findings, RPKI_TAK_SUCCESSOR), n_taks == 1);
		assert_int_equal(n_of(&pt.findings, RPKI_TAK_PLACE), n_taks == 1 ? 0 : 2);
		assert_int_equal(pt.count[RPKI_GBR][V_VALID], 1);
		assert_int_equal(pt.count[RPKI_CER][V_VALID], 1);
		assert_int_equal(pt.count[RPKI_TAK][V_VALID], n_taks == 1);
		for (size_t i = 0; i < pt.n_objects; i++) {
			const struct rpki_object *o = &pt.objects[i];

			assert_true((o->gbr != NULL) == (o->type == RPKI_GBR));
			assert_true((o->tak != NULL) == (o->type == RPKI_TAK));
			assert_true((o->n_router_keys > 0) == (o->type == RPKI_CER));
			if (o->gbr != NULL)
				assert_true(sv_eq_str(o->gbr->fn, "x"));
		}
		rpki_point_done(&pt);
	}
	kit_done(&k);
}

/* A router of an AS number that its issuer does not hold. */
static void
router_overclaim(void **state)
{
	static const struct write_as_range other = { 1, 1 };
	struct rpki_opt opt = { .now = NOW };
	struct kit k = kit_new();
	struct rpki_source src;
	struct rpki_point pt;
	struct router r;

	kit_clear(&k);
	router_begin(&r, *state, k.pool, OID_P256, sizeof(point));
	r.c.res.as.v = &other;
	world_add(&r.w, "r.cer", cert_make(&r.w, &r.c, 0, NULL));
	r.c.res.as.v = &one_as;
	world_add(&r.w, "s.cer", cert_make(&r.w, &r.c, 3, NULL));	/* signed by another */
	world_crl(&r.w, NULL, 0);
	world_manifest(&r.w);
	src = (struct rpki_source){ .get = kit_world_get, .arg = &r.w };
	assert_int_equal(rpki_point_check(&r.w.ca, &src, &opt, &pt), 0);
	assert_int_equal(pt.n_router_keys, 0);
	assert_int_equal(n_of(&pt.findings, RPKI_CERT_OVERCLAIM), 1);
	assert_int_equal(n_of(&pt.findings, RPKI_CERT_SIGNATURE), 1);
	rpki_point_done(&pt);
	kit_done(&k);
}

int
main(void)
{
	const struct CMUnitTest tests[] = { T(router_good), T(router_profile), T(router_subject),
	    T(vcard_written), T(vcard_rows), T(vcard_large), T(inheriting), T(tak_written),
	    T(tak_rows), T(tak_judged), T(whole), T(in_a_point), T(router_overclaim) };

	return cmocka_run_group_tests_name("rpki routers, contacts, keys", tests, keys_setup,
	    keys_teardown);
}
