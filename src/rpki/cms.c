/*
 * Signed objects: the CMS wrapper of RFC 6488 as RFC 9589 left it. Every
 * field has one allowed form, so this is a walk with checks, not a CMS
 * decoder.
 */
#include <errno.h>

#include "rpki/internal.h"

static const struct sv oid_signed_data = OID(0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x07, 0x02);
static const struct sv oid_attr_content_type = OID(0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x09, 0x03);
static const struct sv oid_attr_digest = OID(0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x09, 0x04);
static const struct sv oid_attr_signing_time = OID(0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x09, 0x05);
static const struct sv oid_attr_binary_time =
    OID(0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x09, 0x10, 0x02, 0x2e);

/* id-smime-ct N: 1.2.840.113549.1.9.16.1.N */
#define OID_CT(n) OID(0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x09, 0x10, 0x01, n)
static const struct sv content_types[RPKI_TYPE_MAX] = {
	[RPKI_MFT] = OID_CT(26),
	[RPKI_ROA] = OID_CT(24),
	[RPKI_ASA] = OID_CT(49),
	[RPKI_GBR] = OID_CT(35),
	[RPKI_TAK] = OID_CT(50),
	[RPKI_SPL] = OID_CT(51),
	[RPKI_RSC] = OID_CT(48),
};

struct reading {
	struct pool	*pool;
	struct findings	*fs;
	struct cms	*c;
	enum rpki_type	 type;
	unsigned	 tolerate;
	struct sv	 content_type;		/* of encapContentInfo */
	struct sv	 sid;
};

static void
version_check(struct der *d, const char *where, struct reading *r)
{
	struct sv v;

	der_at(d, where);
	v = der_integer(d);
	if (der_ok(d) && (v.n != 1 || v.p[0] != 3))
		finding_add(r->fs, F(RPKI_CMS_VERSION), FA_STR("where", where));
}

/* AlgorithmIdentifier of SHA-256; parameters absent or NULL (RFC 5754). */
static bool
digest_alg_parse(struct der *d)
{
	struct der alg = der_enter(d, DER_SEQUENCE);
	struct sv oid = der_oid(&alg);

	if (der_peek(&alg) == DER_NULL)
		der_null(&alg);
	der_end(&alg);
	return sv_eq(oid, oid_sha256);
}

static void
digest_algs_parse(struct der *d, struct reading *r)
{
	struct der set;
	bool good;
	uint8_t tag;

	der_at(d, "digestAlgorithms");
	set = der_enter(d, DER_SET);
	good = der_peek(&set) != 0 && digest_alg_parse(&set);
	if (der_peek(&set) != 0)
		good = false;
	while (der_peek(&set) != 0)
		(void)der_any(&set, &tag, NULL);
	if (der_ok(d) && !good)
		finding_add0(r->fs, F(RPKI_CMS_DIGEST_ALG));
}

static void
content_parse(struct der *d, struct reading *r)
{
	struct der info, explicit;

	der_at(d, "encapContentInfo");
	info = der_enter(d, DER_SEQUENCE);
	r->content_type = der_oid(&info);
	explicit = der_enter(&info, DER_CTX_C(0));
	der_end(&info);
	r->c->content = der_value(&explicit, DER_OCTET_STRING);
	der_end(&explicit);
	if (der_ok(d) && r->type < RPKI_OTHER &&
	    !sv_eq(r->content_type, content_types[r->type]))
		finding_add(r->fs, F(RPKI_CMS_CONTENT_TYPE),
		    FA_STR("type", rpki_type_name(r->type)));
}

static int
certs_parse(struct der *d, struct reading *r)
{
	struct sv first = { NULL, 0 };
	struct der set;
	size_t n = 0;
	uint8_t tag;
	int rc = 0;

	der_at(d, "certificates");
	if (der_peek(d) == DER_CTX_C(0)) {
		set = der_enter(d, DER_CTX_C(0));
		for (; der_peek(&set) != 0; n++) {
			struct sv whole = { NULL, 0 };

			(void)der_any(&set, &tag, &whole);
			if (n == 0)
				first = whole;
		}
	}
	if (!der_ok(d))
		return 0;
	if (n != 1)
		finding_add0(r->fs, F(RPKI_CMS_CERTS));
	else
		rc = cert_parse(r->pool, first, CERT_EE, r->tolerate, r->fs, &r->c->ee);
	return rc;
}

/* --- signed attributes --- */

enum {
	SEEN_TYPE = 1,
	SEEN_DIGEST = 2,
	SEEN_TIME = 4,
	SEEN_BINARY = 8,
};

struct attrs {
	unsigned	 seen;
	const char	*why;		/* what is wrong with them, first only */
	bool		 content_type_ok;
};

static void
attr_why(struct attrs *a, const char *why)
{
	if (a->why == NULL)
		a->why = why;
}

static void
attr_value_parse(struct der *values, unsigned bit, struct reading *r,
    struct attrs *a)
{
	bool bad = false;
	uint8_t tag;

	switch (bit) {
	case SEEN_TYPE:
		a->content_type_ok = sv_eq(der_oid(values), r->content_type);
		break;
	case SEEN_DIGEST:
		r->c->digest = der_value(values, DER_OCTET_STRING);
		break;
	case SEEN_TIME:
		r->c->signing_time = der_time(values, &tag);
		/* RFC 5652 section 11.3: as in certificates. */
		time_check_type(values, r->c->signing_time, tag, &bad);
		if (bad)
			attr_why(a, N_("signing-time is of the wrong type"));
		break;
	default:
		(void)der_any(values, &tag, NULL);
	}
}

static void
attr_parse(struct der *list, struct reading *r, struct attrs *a)
{
	static const struct {
		const struct sv	*oid;
		unsigned	 bit;
	} known[] = {
		{ &oid_attr_content_type, SEEN_TYPE },
		{ &oid_attr_digest, SEEN_DIGEST },
		{ &oid_attr_signing_time, SEEN_TIME },
		{ &oid_attr_binary_time, SEEN_BINARY },
	};
	struct der attr = der_enter(list, DER_SEQUENCE);
	struct sv oid = der_oid(&attr);
	struct der values = der_enter(&attr, DER_SET);
	unsigned bit = 0;
	uint8_t tag;

	der_end(&attr);
	for (size_t i = 0; i < ARRAY_LEN(known); i++)
		if (sv_eq(oid, *known[i].oid))
			bit = known[i].bit;
	if (bit == 0)
		attr_why(a, N_("an unknown attribute"));
	else if (a->seen & bit)
		attr_why(a, N_("an attribute stands twice"));
	a->seen |= bit;
	attr_value_parse(&values, bit, r, a);
	if (der_ok(list) && der_peek(&values) != 0)
		attr_why(a, N_("an attribute has two values"));
	while (der_peek(&values) != 0)
		(void)der_any(&values, &tag, NULL);
}

/* X.690 section 11.6: ascending as octet strings. */
static void
attrs_check_order(struct der list)
{
	struct sv prev = { NULL, 0 }, whole;
	uint8_t tag;

	while (der_peek(&list) != 0) {
		whole = (struct sv){ NULL, 0 };
		(void)der_any(&list, &tag, &whole);
		if (!der_ok(&list))
			return;
		if (prev.p != NULL && sv_cmp(prev, whole) > 0) {
			der_fail(&list, DER_E_ORDER);
			return;
		}
		prev = whole;
	}
}

static void
attrs_report(struct reading *r, struct attrs *a)
{
	if (!(a->seen & SEEN_TYPE) || !(a->seen & SEEN_DIGEST))
		attr_why(a, N_("content-type or message-digest is missing"));
	if ((a->seen & SEEN_TYPE) && !a->content_type_ok)
		attr_why(a, N_("content-type is not that of the content"));
	if (a->why != NULL)
		finding_add(r->fs, F(RPKI_CMS_ATTR), FA_MSG("why", a->why));
	if (!(a->seen & SEEN_TIME))
		finding_add0(r->fs, F(r->tolerate & RPKI_TOL_NO_SIGNING_TIME ?
		    RPKI_CMS_SIGNING_TIME_LET : RPKI_CMS_SIGNING_TIME));
	if (a->seen & SEEN_BINARY)
		finding_add0(r->fs, F(RPKI_CMS_BINARY_TIME));
}

static void
attrs_parse(struct der *si, struct reading *r)
{
	struct attrs a = { 0 };
	struct der copy = *si, list;

	der_at(si, "signedAttrs");
	r->c->attrs_whole = der_whole(&copy, DER_CTX_C(0));
	r->c->attrs = der_value(si, DER_CTX_C(0));
	list = (struct der){ rd_sv(r->c->attrs), si->doc };
	attrs_check_order(list);
	while (der_peek(&list) != 0)
		attr_parse(&list, r, &a);
	if (der_ok(si))
		attrs_report(r, &a);
}

static void
sig_alg_check(struct der *si, struct reading *r)
{
	struct der alg;
	struct sv oid;
	uint8_t tag;
	bool plain;

	der_at(si, "signatureAlgorithm");
	alg = der_enter(si, DER_SEQUENCE);
	oid = der_oid(&alg);
	plain = der_peek(&alg) == DER_NULL || der_peek(&alg) == 0;
	while (der_peek(&alg) != 0)
		(void)der_any(&alg, &tag, NULL);
	/* RFC 7935 section 2: rsaEncryption; the other one is to be accepted. */
	if (der_ok(si) && (!plain || (!sv_eq(oid, oid_rsa_encryption) &&
	    !sv_eq(oid, oid_sha256_rsa))))
		finding_add0(r->fs, F(RPKI_CMS_SIG_ALG));
}

static void
signer_parse(struct der *infos, struct reading *r)
{
	struct der si = der_enter(infos, DER_SEQUENCE);
	uint8_t tag;

	version_check(&si, "signerInfo", r);
	der_at(&si, "sid");
	if (der_peek(&si) == DER_CTX(0))
		r->sid = der_value(&si, DER_CTX(0));
	else
		(void)der_any(&si, &tag, NULL);
	der_at(&si, "digestAlgorithm");
	if (!digest_alg_parse(&si) && der_ok(&si))
		finding_add0(r->fs, F(RPKI_CMS_DIGEST_ALG));
	attrs_parse(&si, r);
	sig_alg_check(&si, r);
	der_at(&si, "signature");
	r->c->sig = der_value(&si, DER_OCTET_STRING);
	if (der_peek(&si) == DER_CTX_C(1)) {
		(void)der_any(&si, &tag, NULL);
		finding_add0(r->fs, F(RPKI_CMS_UNSIGNED));
	}
	der_end(&si);
}

static void
signers_parse(struct der *sd, struct reading *r)
{
	struct der infos;
	bool one = false;
	uint8_t tag;

	der_at(sd, "signerInfos");
	infos = der_enter(sd, DER_SET);
	if (der_peek(&infos) != 0) {
		signer_parse(&infos, r);
		one = der_peek(&infos) == 0;
	}
	while (der_peek(&infos) != 0)
		(void)der_any(&infos, &tag, NULL);
	if (!der_ok(sd))
		return;
	if (!one)
		finding_add0(r->fs, F(RPKI_CMS_SIGNERS));
	else if (r->c->ee != NULL && (r->sid.n == 0 || !sv_eq(r->sid, r->c->ee->ski)))
		finding_add0(r->fs, F(RPKI_CMS_SID));
}

static int
signed_data_parse(struct der *sd, struct reading *r)
{
	uint8_t tag;
	int rc;

	version_check(sd, "signedData", r);
	digest_algs_parse(sd, r);
	content_parse(sd, r);
	if ((rc = certs_parse(sd, r)) < 0)
		return rc;
	der_at(sd, "crls");
	if (der_peek(sd) == DER_CTX_C(1)) {
		(void)der_any(sd, &tag, NULL);
		finding_add0(r->fs, F(RPKI_CMS_CRLS));
	}
	signers_parse(sd, r);
	der_end(sd);
	return 0;
}

int
cms_parse(struct pool *pool, struct sv bytes, enum rpki_type type,
    unsigned tolerate, struct findings *fs, struct cms **ret)
{
	struct reading r = { .pool = pool, .fs = fs, .type = type, .tolerate = tolerate };
	struct der_doc doc;
	struct der d = der_on(&doc, bytes), ci, explicit, sd;
	int rc;

	*ret = NULL;
	if ((r.c = pool_alloc(pool, sizeof(*r.c))) == NULL)
		return -ENOMEM;
	der_at(&d, "contentInfo");
	ci = der_enter(&d, DER_SEQUENCE);
	der_end(&d);
	if (!sv_eq(der_oid(&ci), oid_signed_data) && der_ok(&d)) {
		finding_add0(fs, F(RPKI_CMS_TYPE));
		return 0;
	}
	explicit = der_enter(&ci, DER_CTX_C(0));
	der_end(&ci);
	sd = der_enter(&explicit, DER_SEQUENCE);
	der_end(&explicit);
	if ((rc = signed_data_parse(&sd, &r)) < 0)
		return rc;
	if (der_report(&doc, fs) || r.c->ee == NULL)
		return 0;
	*ret = r.c;
	return 0;
}

/*
 * RFC 5652 section 5.4: the signature is over the attributes as a SET OF,
 * that is with tag 0x31 instead of [0].
 */
void
cms_verify_item(struct crypto_verify *v, struct crypto_msg *m, struct cms *c)
{
	/* Empty without a signer, which was reported. */
	struct sv rest = sv_skip(c->attrs_whole, 1);
	static const char tag[] = { DER_SET };

	*m = (struct crypto_msg){ { { tag, 1 }, rest }, c->attrs_digest };
	*v = (struct crypto_verify){ .modulus = c->ee->modulus,
	    .exponent = c->ee->exponent, .sig = c->sig,
	    .tbs = { (const char *)c->attrs_digest, sizeof(c->attrs_digest) } };
}

void
cms_check_digest(const struct cms *c, struct findings *fs)
{
	uint8_t digest[SHA256_LEN];

	crypto_sha256(c->content.p, c->content.n, digest);
	if (!sv_eq(c->digest, (struct sv){ (const char *)digest, sizeof(digest) }))
		finding_add0(fs, F(RPKI_CMS_DIGEST));
}
