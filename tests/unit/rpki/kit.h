/* What the tests of rpki/ share: bytes, findings, keys, a world in memory. */
#ifndef TESTS_UNIT_RPKI_KIT_H
#define TESTS_UNIT_RPKI_KIT_H

#include "../tap.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/base64.h"
#include "base/err.h"
#include "base/hash.h"
#include "base/timefmt.h"
#include "rpki/internal.h"

#define NOW	1795300000	/* 2026-11-21 */
#define DAY	86400
#define KEYS	10		/* five primes, some 50 ms */

/* --- bytes --- */

/* "30 03 02 01 05" (blanks are ignored) into the pool. */
static inline struct sv
hex(struct pool *pool, const char *text)
{
	size_t n = strlen(text), k = 0;
	char *digits = pool_alloc(pool, n + 1);
	uint8_t *out = pool_alloc(pool, n / 2 + 1);

	assert_non_null(digits);
	assert_non_null(out);
	for (size_t i = 0; i < n; i++)
		if (text[i] != ' ')
			digits[k++] = text[i];
	assert_int_equal(hex_decode(out, k / 2, (struct sv){ digits, k }), 0);
	return (struct sv){ (const char *)out, k / 2 };
}

static inline struct sv
wr_sv(const struct wr *w)
{
	assert_false(w->bad);
	return (struct sv){ (const char *)w->buf, w->len };
}

static inline struct wr
wr_new(struct pool *pool, size_t cap)
{
	uint8_t *p = pool_alloc(pool, cap);

	assert_non_null(p);
	return wr_mem(p, cap);
}

/* Change every place where from (n bytes) stands into to. */
static inline unsigned
bytes_swap(uint8_t *p, size_t len, const void *from, const void *to, size_t n)
{
	unsigned hits = 0;

	for (size_t i = 0; i + n <= len; i++)
		if (memcmp(p + i, from, n) == 0) {
			memcpy(p + i, to, n);
			hits++;
		}
	return hits;
}

/* --- findings --- */

static inline unsigned
n_of(const struct findings *fs, enum rpki_code c)
{
	unsigned n = 0;

	for (const struct finding *f = fs->head; f != NULL; f = f->next)
		n += f->def == &rpki_findings[c];
	return n;
}

static inline const char *
first_code(const struct findings *fs)
{
	return fs->head == NULL ? "-" : fs->head->def->code;
}

/* Nothing but this one; RPKI_CODE_MAX: nothing at all. */
static inline bool
only(const struct findings *fs, enum rpki_code c)
{
	size_t n = c == RPKI_CODE_MAX ? 0 : n_of(fs, c);

	if (n == fs->n_kept && (n > 0 || c == RPKI_CODE_MAX) && fs->n_dropped == 0)
		return true;
	printf("# expected %s, got", c == RPKI_CODE_MAX ? "nothing" : rpki_findings[c].code);
	for (const struct finding *f = fs->head; f != NULL; f = f->next) {
		printf(" %s", f->def->code);
		for (unsigned i = 0; i < f->n_args; i++)
			printf(" %s=%.*s", f->args[i].key, SV_ARG(f->args[i].s));
	}
	printf("\n");
	return false;
}

struct kit {
	struct pool	*pool;
	struct findings	 fs;
};

static inline struct kit
kit_new(void)
{
	struct kit k = { .pool = pool_new((size_t)256 << 20) };

	assert_non_null(k.pool);
	return k;
}

static inline void
kit_clear(struct kit *k)
{
	pool_reset(k->pool);
	findings_init(&k->fs, k->pool);
}

static inline void
kit_done(struct kit *k)
{
	(void)pool_free(k->pool);
}

/* --- keys --- */

struct keys {
	struct crypto_primes	*primes;
	struct crypto_signer	*v[KEYS];
	uint8_t			 ski[KEYS][SHA1_LEN];
};

static inline void
key_id(struct sv spki, uint8_t ret[static SHA1_LEN])
{
	struct der_doc doc;
	struct der d = der_on(&doc, spki), in = der_enter(&d, DER_SEQUENCE);
	unsigned unused;
	struct sv bits;

	(void)der_enter(&in, DER_SEQUENCE);
	bits = der_bits(&in, &unused);
	assert_true(der_ok(&in));
	crypto_sha1(bits.p, bits.n, ret);
}

static inline int
keys_setup(void **state)
{
	struct keys *k = calloc(1, sizeof(*k));
	size_t n = crypto_primes_for(KEYS);

	assert_non_null(k);
	k->primes = crypto_primes_new(n, 20261121);
	assert_non_null(k->primes);
	for (size_t i = 0; i < n; i++)
		assert_int_equal(crypto_primes_make(k->primes, i), 0);
	for (size_t i = 0; i < KEYS; i++) {
		k->v[i] = crypto_signer_pooled(k->primes, i);
		assert_non_null(k->v[i]);
		key_id(crypto_signer_spki(k->v[i]), k->ski[i]);
	}
	*state = k;
	return 0;
}

static inline int
keys_teardown(void **state)
{
	struct keys *k = *state;

	for (size_t i = 0; i < KEYS; i++)
		(void)crypto_signer_free(k->v[i]);
	(void)crypto_primes_free(k->primes);
	free(k);
	return 0;
}

static inline struct sv
key_ski(const struct keys *k, unsigned i)
{
	return (struct sv){ (const char *)k->ski[i], SHA1_LEN };
}

/* A change of a written TBSCertificate or content before it is signed. */
typedef void (*edit_fn)(struct wr *);

static inline struct sv
sign(const struct keys *k, unsigned key, struct pool *pool, struct sv tbs)
{
	uint8_t digest[SHA256_LEN], *sig = pool_alloc(pool, CRYPTO_SIG_MAX);
	size_t n;

	assert_non_null(sig);
	crypto_sha256(tbs.p, tbs.n, digest);
	assert_int_equal(crypto_sign(k->v[key], digest, sig, &n), 0);
	return (struct sv){ (const char *)sig, n };
}

/* --- a world: a trust anchor (key 0) and what it has issued --- */

#define HOST	"rsync://rpki.example/repo/"
#define TA_URI	HOST "ta.cer"
#define MFT_URI	HOST "ta.mft"
#define CRL_URI	HOST "ta.crl"
#define WORLD_FILES_MAX	64

struct world_file {
	char		*name;
	struct sv	 bytes;
	bool		 absent;	/* listed only */
};

struct world {
	const struct keys	*k;
	struct pool		*pool;
	struct world_file	 files[WORLD_FILES_MAX];
	size_t			 n;
	struct sv		 mft, crl, ta;
	struct tal		 tal;
	struct rpki_ca		 ca;
	unsigned		 n_get;
	unsigned		 serial;
	/* Who issues here: the trust anchor unless world_child() says otherwise. */
	const char		*cn, *base, *aia;
	unsigned		 key;
	struct sv		 mft_number;	/* of the next manifest; empty: 1 */
	int64_t			 mft_later;	/* it is made so much after NOW - DAY */
	const char		*mft_name;	/* its file; NULL: ta.mft */
};

static const struct write_ip_range ten = { { 10 }, { 10, 255, 255, 255 } };
static const struct write_ip_range doc6 = { { 0x20, 1, 0x0d, 0xb8 },
    { 0x20, 1, 0x0d, 0xb8, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255 } };
static const struct write_as_range doc_as = { 64496, 64511 };

static inline struct sv
serial_next(struct world *w)
{
	uint8_t *p = pool_alloc(w->pool, 2);

	assert_non_null(p);
	p[0] = (uint8_t)(++w->serial >> 8);
	p[1] = (uint8_t)w->serial;
	return (struct sv){ (const char *)p, 2 };
}

static inline const char *
world_uri(struct world *w, const char *name)
{
	return pool_printf(w->pool, "%s%s", w->base, name);
}

/* What any certificate below the issuer has. */
static inline struct cert_spec
spec_below(struct world *w, unsigned key, bool ca)
{
	return (struct cert_spec){
		.serial = serial_next(w), .issuer = w->cn, .subject = ca ? "child" : "ee",
		.not_before = NOW - DAY, .not_after = NOW + 30 * DAY,
		.spki = crypto_signer_spki(w->k->v[key]), .ski = key_ski(w->k, key),
		.aki = key_ski(w->k, w->key), .ca = ca, .crldp = world_uri(w, "ta.crl"),
		.aia = w->aia,
	};
}

static inline struct sv
cert_make(struct world *w, const struct cert_spec *c, unsigned issuer, edit_fn edit)
{
	struct wr tbs = wr_new(w->pool, 1 << 16), out = wr_new(w->pool, 1 << 16);

	cert_tbs_write(&tbs, c);
	if (edit != NULL)
		edit(&tbs);
	signed_write(&out, wr_sv(&tbs), sign(w->k, issuer, w->pool, wr_sv(&tbs)));
	return wr_sv(&out);
}

/* Content into its CMS, signed by the key of its certificate. */
static inline struct sv
cms_make(struct world *w, const char *ctype, struct sv content, struct sv cert, unsigned key)
{
	struct wr attrs = wr_new(w->pool, 1024), out = wr_new(w->pool, content.n + cert.n + 2048);
	uint8_t digest[SHA256_LEN];
	struct cms_spec c;

	crypto_sha256(content.p, content.n, digest);
	attrs_write(&attrs, ctype, (struct sv){ (const char *)digest, sizeof(digest) }, NOW - 60);
	c = (struct cms_spec){ .ctype = ctype, .econtent = content, .cert = cert,
	    .ski = key_ski(w->k, key), .attrs = wr_sv(&attrs),
	    .sig = sign(w->k, key, w->pool, wr_sv(&attrs)) };
	cms_write(&out, &c);
	return wr_sv(&out);
}

static inline void
world_add(struct world *w, const char *name, struct sv bytes)
{
	assert_true(w->n < WORLD_FILES_MAX);
	w->files[w->n].name = pool_strdup(w->pool, name);
	w->files[w->n].absent = bytes.p == NULL;
	w->files[w->n++].bytes = bytes;
}

static inline void
world_roa(struct world *w, const char *name, const struct roa_spec *r, edit_fn edit)
{
	struct cert_spec c = spec_below(w, 2, false);
	struct wr content = wr_new(w->pool, 1 << 16);

	c.object = world_uri(w, name);
	c.res.ip[0].v = &ten;
	c.res.ip[0].n = 1;
	roa_write(&content, r);
	world_add(w, name, cms_make(w, OID_CT_ROA, wr_sv(&content), cert_make(w, &c, w->key, edit), 2));
}

static inline void
world_aspa(struct world *w, const char *name, const struct aspa_spec *a, edit_fn edit)
{
	struct cert_spec c = spec_below(w, 3, false);
	struct wr content = wr_new(w->pool, 1 << 16);
	struct write_as_range *as = pool_alloc(w->pool, sizeof(*as));

	*as = (struct write_as_range){ a->customer, a->customer };
	c.object = world_uri(w, name);
	c.res.as.v = as;
	c.res.as.n = 1;
	aspa_write(&content, a);
	world_add(w, name, cms_make(w, OID_CT_ASPA, wr_sv(&content), cert_make(w, &c, w->key, edit), 3));
}

static inline void
world_crl(struct world *w, const struct crl_item *revoked, size_t n)
{
	struct crl_spec c = { .issuer = w->cn, .this_update = NOW - DAY, .next_update = NOW + DAY,
	    .aki = key_ski(w->k, w->key), .number = SV("\7"), .revoked = revoked, .n_revoked = n };
	struct wr tbs = wr_new(w->pool, 1 << 16), out = wr_new(w->pool, 1 << 16);

	crl_tbs_write(&tbs, &c);
	signed_write(&out, wr_sv(&tbs), sign(w->k, w->key, w->pool, wr_sv(&tbs)));
	w->crl = wr_sv(&out);
	world_add(w, "ta.crl", w->crl);
}

/* Last: it lists what was added. */
static inline void
world_manifest(struct world *w)
{
	struct mft_entry *e = pool_calloc(w->pool, w->n + 1, sizeof(*e));
	struct mft_spec m = { .number = w->mft_number.n > 0 ? w->mft_number : SV("\1"),
	    .this_update = NOW - DAY + w->mft_later,
	    .next_update = NOW + DAY, .files = e, .n_files = w->n };
	struct cert_spec c = spec_below(w, 1, false);
	struct wr content = wr_new(w->pool, 1 << 16);

	for (size_t i = 0; i < w->n; i++) {
		e[i].name = sv_str(w->files[i].name);
		crypto_sha256(w->files[i].bytes.p, w->files[i].bytes.n, e[i].hash);
	}
	c.not_before = m.this_update;
	c.not_after = m.next_update;
	c.object = world_uri(w, w->mft_name != NULL ? w->mft_name : "ta.mft");
	c.res.ip[0].inherit = c.res.ip[1].inherit = c.res.as.inherit = true;
	mft_write(&content, &m);
	w->mft = cms_make(w, OID_CT_MFT, wr_sv(&content), cert_make(w, &c, w->key, NULL), 1);
}

static inline int
kit_world_get(void *arg, struct pool *pool UNUSED, struct sv uri, struct sv *ret)
{
	struct world *w = arg;
	struct sv name = sv_skip(uri, sizeof(HOST) - 1);

	w->n_get++;
	if (sv_eq(uri, SV(MFT_URI)) && w->mft.p != NULL) {
		*ret = w->mft;
		return 0;
	}
	for (size_t i = 0; i < w->n; i++)
		if (sv_eq_str(name, w->files[i].name) && !w->files[i].absent) {
			*ret = w->files[i].bytes;
			return 0;
		}
	return -ENOENT;
}

/* The trust anchor's certificate, with its manifest under that name. */
static inline void
world_ta(struct world *w, const char *mft_name)
{
	struct cert_spec c = { .serial = SV("\1"), .issuer = "ta", .subject = "ta",
	    .not_before = NOW - DAY, .not_after = NOW + 365 * DAY,
	    .spki = crypto_signer_spki(w->k->v[0]), .ski = key_ski(w->k, 0), .ca = true,
	    .repo = HOST,
	    .res = { .ip = { { &ten, 1, false }, { &doc6, 1, false } }, .as = { &doc_as, 1, false } } };

	w->mft_name = mft_name;
	c.mft = world_uri(w, mft_name);
	w->ta = cert_make(w, &c, 0, NULL);
}

/* The trust anchor, judged; its point is still empty. */
static inline void
world_init(struct world *w, const struct keys *k, struct pool *pool)
{
	struct rpki_opt opt = { .now = NOW };
	struct findings fs;
	bool ok;

	*w = (struct world){ .k = k, .pool = pool, .serial = 16, .cn = "ta", .base = HOST, .aia = TA_URI };
	w->tal.spki = crypto_signer_spki(k->v[0]);
	w->tal.uris[w->tal.n_uris++] = SV(TA_URI);
	findings_init(&fs, pool);
	world_ta(w, "ta.mft");
	assert_int_equal(rpki_ta_check(pool, &w->tal, w->ta, &opt, &fs, &w->ca, &ok), 0);
	assert_true(only(&fs, RPKI_CODE_MAX));
	assert_true(ok);
}

/* The point of a CA below: its files, its manifest; no certificate of its own. */
static inline void
world_child(struct world *w, const struct keys *k, struct pool *pool, const char *cn,
    unsigned key, const char *base, const char *aia)
{
	*w = (struct world){ .k = k, .pool = pool, .serial = 16, .cn = cn, .key = key, .base = base,
	    .aia = aia };
}

static inline int
world_check(struct world *w, unsigned tolerate, struct rpki_point *pt)
{
	struct rpki_source src = { .get = kit_world_get, .arg = w };
	struct rpki_opt opt = { .now = NOW, .tolerate = tolerate };

	return rpki_point_check(&w->ca, &src, &opt, pt);
}

#endif
