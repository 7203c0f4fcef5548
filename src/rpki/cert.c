/*
 * Resource certificates (RFC 6487): structure and profile.
 *
 * The extensions are a table: OID, name, where it must or must not stand,
 * whether it is critical, and the function that reads it.
 */
#include <errno.h>
#include <string.h>

#include "base/timefmt.h"
#include "rpki/internal.h"

const struct sv oid_rsa_encryption = OID(0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01);
const struct sv oid_sha256_rsa = OID(0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x0b);
const struct sv oid_sha256 = OID(0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01);

static const struct sv oid_ca_issuers = OID(0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x30, 0x02);
static const struct sv oid_ca_repository = OID(0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x30, 0x05);
static const struct sv oid_rpki_manifest = OID(0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x30, 0x0a);
static const struct sv oid_signed_object = OID(0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x30, 0x0b);
static const struct sv oid_rpki_notify = OID(0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x30, 0x0d);
static const struct sv oid_policy = OID(0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x0e, 0x02);
static const struct sv oid_policy_v2 = OID(0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x0e, 0x03);
static const struct sv oid_cps = OID(0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x02, 0x01);
static const struct sv oid_ec_public_key = OID(0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01);
static const struct sv oid_p256 = OID(0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07);
static const struct sv oid_bgpsec_router = OID(0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x03, 0x1e);

/* What is gathered while a certificate is read. */
struct reading {
	struct pool	*pool;
	struct findings	*fs;
	struct cert	*c;
	enum cert_kind	 kind;
	unsigned	 tolerate;
	bool		 basic_ok, key_usage_ok, crldp_ok, aia_ok, aki_ok;
	bool		 res_v2;
	struct sv	 inner_alg;
};

struct ext_def {
	struct sv	 oid;
	const char	*name;
	bool		 critical;
	/* One bit a cert_kind: must stand / must not stand there. */
	unsigned	 must, must_not;
	void		(*parse)(struct der *, struct reading *);
};

static void	basic_parse(struct der *, struct reading *);
static void	ski_parse(struct der *, struct reading *);
static void	aki_parse(struct der *, struct reading *);
static void	key_usage_parse(struct der *, struct reading *);
static void	eku_parse(struct der *, struct reading *);
static void	crldp_parse(struct der *, struct reading *);
static void	aia_parse(struct der *, struct reading *);
static void	sia_parse(struct der *, struct reading *);
static void	policy_parse(struct der *, struct reading *);
static void	ip_parse(struct der *, struct reading *);
static void	as_parse(struct der *, struct reading *);
static void	ip2_parse(struct der *, struct reading *);
static void	as2_parse(struct der *, struct reading *);

#define K(kind)	(1u << (kind))
#define ALL	(K(CERT_TA) | K(CERT_CA) | K(CERT_EE))
#define CAS	(K(CERT_TA) | K(CERT_CA))
#define BELOW	(K(CERT_CA) | K(CERT_EE))
#define ROUTER	K(CERT_ROUTER)	/* RFC 8209 section 3.1.3 */

static const struct ext_def exts[] = {
	{ OID(0x55, 0x1d, 0x13), "basicConstraints", true, CAS, K(CERT_EE) | ROUTER, basic_parse },
	{ OID(0x55, 0x1d, 0x0e), "subjectKeyIdentifier", false, ALL | ROUTER, 0, ski_parse },
	{ OID(0x55, 0x1d, 0x23), "authorityKeyIdentifier", false, BELOW | ROUTER, 0, aki_parse },
	{ OID(0x55, 0x1d, 0x0f), "keyUsage", true, ALL | ROUTER, 0, key_usage_parse },
	{ OID(0x55, 0x1d, 0x25), "extKeyUsage", false, ROUTER, ALL, eku_parse },
	{ OID(0x55, 0x1d, 0x1f), "cRLDistributionPoints", false, BELOW | ROUTER, K(CERT_TA), crldp_parse },
	{ OID(0x2b, 6, 1, 5, 5, 7, 1, 1), "authorityInfoAccess", false, BELOW | ROUTER, K(CERT_TA), aia_parse },
	{ OID(0x2b, 6, 1, 5, 5, 7, 1, 11), "subjectInfoAccess", false, ALL, ROUTER, sia_parse },
	{ OID(0x55, 0x1d, 0x20), "certificatePolicies", true, ALL | ROUTER, 0, policy_parse },
	{ OID(0x2b, 6, 1, 5, 5, 7, 1, 7), "ipAddrBlocks", true, 0, ROUTER, ip_parse },
	{ OID(0x2b, 6, 1, 5, 5, 7, 1, 8), "asIdentifiers", true, 0, 0, as_parse },
	{ OID(0x2b, 6, 1, 5, 5, 7, 1, 28), "ipAddrBlocks-v2", true, 0, ROUTER, ip2_parse },
	{ OID(0x2b, 6, 1, 5, 5, 7, 1, 29), "autonomousSysIds-v2", true, 0, 0, as2_parse },
};

/* AlgorithmIdentifier: sha256WithRSAEncryption, parameters NULL or absent. */
bool
sig_alg_parse(struct der *d, struct sv *ret_whole)
{
	struct der copy = *d, alg;
	struct sv oid;
	uint8_t tag;

	*ret_whole = der_whole(&copy, DER_SEQUENCE);
	alg = der_enter(d, DER_SEQUENCE);
	oid = der_oid(&alg);

	/* RFC 4055 section 5: absent parameters are to be accepted, too. */
	if (der_peek(&alg) == DER_NULL)
		der_null(&alg);
	else if (der_peek(&alg) != 0) {
		(void)der_any(&alg, &tag, NULL);
		return false;
	}
	der_end(&alg);
	return sv_eq(oid, oid_sha256_rsa);
}

static void
name_check(struct der *d, const char *field, struct reading *r, struct sv *ret)
{
	bool printable, good;

	der_at(d, field);
	good = name_parse(d, &printable, ret);
	if (!der_ok(d))
		return;
	/* RFC 8209 section 3.1.1: a router's subject may be a UTF8String. */
	if (r->kind == CERT_ROUTER && ret == &r->c->subject)
		printable = true;
	name_report(good, printable, field, r->tolerate, r->fs);
}

/* RFC 5280 section 4.1.2.5: UTCTime through 2049, GeneralizedTime after. */
void
time_check_type(struct der *d, int64_t t, uint8_t tag, bool *bad)
{
	if (der_ok(d) && (tag == DER_GENERALIZED_TIME) != (t >= 2524608000))
		*bad = true;
}

static void
validity_parse(struct der *tbs, struct reading *r)
{
	bool bad = false;
	struct der v;
	uint8_t tag;

	der_at(tbs, "validity");
	v = der_enter(tbs, DER_SEQUENCE);
	r->c->not_before = der_time(&v, &tag);
	time_check_type(&v, r->c->not_before, tag, &bad);
	r->c->not_after = der_time(&v, &tag);
	time_check_type(&v, r->c->not_after, tag, &bad);
	der_end(&v);
	if (der_ok(tbs) && (bad || r->c->not_before > r->c->not_after))
		finding_add0(r->fs, F(RPKI_CERT_TIME));
}

/* RSAPublicKey inside the BIT STRING (RFC 3279 section 2.3.1). */
bool
rsa_key_parse(struct der *spki, struct sv *ret_modulus, uint32_t *ret_exponent,
    struct sv *ret_bits)
{
	struct der key;
	struct sv e, modulus;

	*ret_bits = der_octet_bits(spki);
	key = (struct der){ rd_sv(*ret_bits), spki->doc };
	key = der_enter(&key, DER_SEQUENCE);
	modulus = der_integer(&key);
	e = der_integer(&key);
	der_end(&key);
	*ret_modulus = modulus;
	if (!der_ok(spki) || !der_int_positive(modulus) ||
	    !der_int_positive(e) || der_int_magnitude(e).n > 4)
		return false;
	modulus = der_int_magnitude(modulus);
	*ret_modulus = modulus;
	e = der_int_magnitude(e);
	*ret_exponent = 0;
	for (size_t i = 0; i < e.n; i++)
		*ret_exponent = *ret_exponent << 8 | (uint8_t)e.p[i];
	return *ret_exponent == 65537 && modulus.n == 256 &&
	    ((uint8_t)modulus.p[0] & 0x80) != 0;
}

/*
 * RFC 8608 section 3.1: a point of P-256, not compressed. The algorithm is
 * read; what follows its identifier is at hand.
 */
static bool
router_key_parse(struct der *spki, struct der *alg, struct sv oid, struct sv *ret_bits)
{
	bool is_p256 = sv_eq(oid, oid_ec_public_key) && der_peek(alg) == DER_OID &&
	    sv_eq(der_oid(alg), oid_p256) && der_peek(alg) == 0;
	uint8_t tag;

	while (der_peek(alg) != 0)
		(void)der_any(alg, &tag, NULL);
	*ret_bits = der_octet_bits(spki);
	return is_p256 && ret_bits->n == 65 && ret_bits->p[0] == 4;
}

/* SubjectPublicKeyInfo; returns the key's bits for the key identifier. */
static struct sv
spki_parse(struct der *tbs, struct reading *r)
{
	struct der copy = *tbs, spki, alg;
	struct sv bits = { NULL, 0 }, oid;
	bool good = false;
	uint8_t tag;

	der_at(tbs, "subjectPublicKeyInfo");
	r->c->spki = der_whole(&copy, DER_SEQUENCE);
	spki = der_enter(tbs, DER_SEQUENCE);
	alg = der_enter(&spki, DER_SEQUENCE);
	oid = der_oid(&alg);
	if (r->kind == CERT_ROUTER)
		good = router_key_parse(&spki, &alg, oid, &bits);
	else if (sv_eq(oid, oid_rsa_encryption)) {
		der_null(&alg);
		der_end(&alg);
		good = rsa_key_parse(&spki, &r->c->modulus, &r->c->exponent, &bits);
	} else {
		while (der_peek(&alg) != 0)
			(void)der_any(&alg, &tag, NULL);
		bits = der_octet_bits(&spki);
	}
	der_end(&spki);
	if (der_ok(tbs) && !good && r->kind == CERT_ROUTER)
		finding_add0(r->fs, F(RPKI_ROUTER_KEY));
	else if (der_ok(tbs) && !good)
		finding_add(r->fs, F(RPKI_CERT_KEY), FA_U("bits", r->c->modulus.n * 8));
	return bits;
}

/* --- extensions, each on its own extnValue --- */

static void
basic_parse(struct der *d, struct reading *r)
{
	struct der seq = der_enter(d, DER_SEQUENCE);
	bool ca = false;
	uint8_t tag;

	if (der_peek(&seq) == DER_BOOLEAN) {
		ca = der_boolean(&seq);
		if (der_ok(d) && !ca)		/* X.690 section 11.5 */
			der_fail(&seq, DER_E_VALUE);
	}
	r->basic_ok = ca && der_peek(&seq) == 0;
	while (der_peek(&seq) != 0)
		(void)der_any(&seq, &tag, NULL);
	r->c->is_ca = ca;
	if (der_ok(d) && !r->basic_ok && r->kind != CERT_EE && r->kind != CERT_ROUTER)
		finding_add0(r->fs, F(RPKI_CERT_BASIC));
}

static void
ski_parse(struct der *d, struct reading *r)
{
	r->c->ski = der_value(d, DER_OCTET_STRING);
}

static void
aki_parse(struct der *d, struct reading *r)
{
	struct der seq = der_enter(d, DER_SEQUENCE);
	bool more;
	uint8_t tag;

	if (der_peek(&seq) == DER_CTX(0))
		r->c->aki = der_value(&seq, DER_CTX(0));
	more = der_peek(&seq) != 0;
	while (der_peek(&seq) != 0)
		(void)der_any(&seq, &tag, NULL);
	if (der_ok(d) && (r->c->aki.n != SHA1_LEN || more)) {
		finding_add0(r->fs, F(RPKI_CERT_AKI));
		r->c->aki = (struct sv){ NULL, 0 };
	}
}

static void
key_usage_parse(struct der *d, struct reading *r)
{
	unsigned unused;
	struct sv bits = der_bits(d, &unused);
	/* keyCertSign and cRLSign, or digitalSignature; nothing else. */
	uint8_t want = r->kind == CERT_EE || r->kind == CERT_ROUTER ? 0x80 : 0x06;

	if (der_ok(d) && (bits.n != 1 || (uint8_t)bits.p[0] != want))
		finding_add0(r->fs, F(RPKI_CERT_KEY_USAGE));
}

static void
eku_parse(struct der *d, struct reading *r)
{
	struct der seq = der_enter(d, DER_SEQUENCE);

	while (der_peek(&seq) != 0)
		if (sv_eq(der_oid(&seq), oid_bgpsec_router))
			r->c->is_router = true;
}

/* Of GeneralNames, the first rsync URI; other names are passed over. */
static struct sv
names_rsync(struct der *d)
{
	struct sv uri = { NULL, 0 };
	uint8_t tag;

	while (der_peek(d) != 0) {
		struct sv v = der_any(d, &tag, NULL);

		if (tag == DER_CTX(6) && uri.n == 0 &&
		    sv_caseeq(sv_take(v, 8), SV("rsync://")))
			uri = v;
	}
	return uri;
}

/* A URI that will be used has to be one. */
static bool
uri_check(struct sv uri, struct reading *r)
{
	if (rsync_uri_valid(uri))
		return true;
	finding_add(r->fs, F(RPKI_URI), FA_SV("uri", sv_take(uri, 200)));
	return false;
}

static void
crldp_parse(struct der *d, struct reading *r)
{
	struct der points = der_enter(d, DER_SEQUENCE);
	struct der point = der_enter(&points, DER_SEQUENCE);
	bool one, plain, full = false;
	uint8_t tag;

	if (der_peek(&point) == DER_CTX_C(0)) {
		struct der name = der_enter(&point, DER_CTX_C(0));

		if (der_peek(&name) == DER_CTX_C(0)) {
			struct der names = der_enter(&name, DER_CTX_C(0));

			full = true;
			r->c->crl_uri = names_rsync(&names);
		} else
			(void)der_any(&name, &tag, NULL);
		der_end(&name);
	}
	plain = der_peek(&point) == 0;		/* no reasons, no cRLIssuer */
	one = der_peek(&points) == 0;
	while (der_peek(&points) != 0)
		(void)der_any(&points, &tag, NULL);
	if (!der_ok(d))
		return;
	if (!one || !plain || !full || r->c->crl_uri.n == 0)
		finding_add0(r->fs, F(RPKI_CERT_CRLDP));
	else
		(void)uri_check(r->c->crl_uri, r);
}

static void
aia_parse(struct der *d, struct reading *r)
{
	struct der seq = der_enter(d, DER_SEQUENCE);
	bool other = false;
	uint8_t tag;

	while (der_peek(&seq) != 0) {
		struct der ad = der_enter(&seq, DER_SEQUENCE);
		struct sv method = der_oid(&ad), v = der_any(&ad, &tag, NULL);

		der_end(&ad);
		if (!sv_eq(method, oid_ca_issuers))
			other = true;
		else if (tag == DER_CTX(6) && r->c->aia_uri.n == 0 &&
		    sv_caseeq(sv_take(v, 8), SV("rsync://")))
			r->c->aia_uri = v;
	}
	if (!der_ok(d))
		return;
	if (other || r->c->aia_uri.n == 0)
		finding_add0(r->fs, F(RPKI_CERT_AIA));
	else
		(void)uri_check(r->c->aia_uri, r);
}

/* Which field an access method fills; NULL: not for this kind. */
static struct sv *
sia_field(struct reading *r, struct sv method, bool *ret_known)
{
	bool ee = r->kind == CERT_EE;

	*ret_known = true;
	if (sv_eq(method, oid_ca_repository))
		return ee ? NULL : &r->c->repo_uri;
	if (sv_eq(method, oid_rpki_manifest))
		return ee ? NULL : &r->c->mft_uri;
	if (sv_eq(method, oid_signed_object))
		return ee ? &r->c->object_uri : NULL;
	/*
	 * RFC 8182 section 3.2 keeps it out of EE certificates, but erratum
	 * 7239 lets it stand; it is read nowhere there.
	 */
	if (sv_eq(method, oid_rpki_notify))
		return &r->c->notify_uri;
	*ret_known = false;
	return NULL;
}

static void
sia_want(struct reading *r, struct sv uri, const char *what)
{
	if (uri.n == 0)
		finding_add(r->fs, F(RPKI_CERT_SIA), FA_STR("what", what));
	else
		(void)uri_check(uri, r);
}

static void
sia_parse(struct der *d, struct reading *r)
{
	struct der seq = der_enter(d, DER_SEQUENCE);
	bool odd = false;
	uint8_t tag;

	while (der_peek(&seq) != 0) {
		struct der ad = der_enter(&seq, DER_SEQUENCE);
		struct sv method = der_oid(&ad), v = der_any(&ad, &tag, NULL);
		struct sv *field;
		bool known;

		der_end(&ad);
		field = sia_field(r, method, &known);
		if (field == NULL)
			odd = odd || known || r->kind == CERT_EE;
		else if (tag == DER_CTX(6) && field->n == 0 &&
		    sv_caseeq(sv_take(v, 8), field == &r->c->notify_uri ?
		    SV("https://") : SV("rsync://")))
			*field = v;
	}
	if (!der_ok(d))
		return;
	if (odd)
		finding_add(r->fs, F(RPKI_CERT_SIA), FA_STR("what",
		    r->kind == CERT_EE ? "signedObject" : "caRepository"));
	if (r->kind == CERT_EE) {
		sia_want(r, r->c->object_uri, "signedObject");
		return;
	}
	/* RFC 8182 section 3.2: https. One that is not will not be fetched. */
	if (!https_uri_valid(r->c->notify_uri))
		r->c->notify_uri = (struct sv){ NULL, 0 };
	sia_want(r, r->c->repo_uri, "caRepository");
	sia_want(r, r->c->mft_uri, "rpkiManifest");
}

/* PolicyQualifierInfo: true for one CPS pointer (RFC 7318). */
static bool
qualifiers_parse(struct der *info)
{
	struct der quals = der_enter(info, DER_SEQUENCE);
	unsigned n = 0;
	bool cps = true;

	while (der_peek(&quals) != 0) {
		struct der q = der_enter(&quals, DER_SEQUENCE);
		uint8_t tag;

		if (!sv_eq(der_oid(&q), oid_cps))
			cps = false;
		(void)der_any(&q, &tag, NULL);
		if (tag != DER_IA5)
			cps = false;
		der_end(&q);
		n++;
	}
	return cps && n == 1;
}

static void
policy_parse(struct der *d, struct reading *r)
{
	struct der seq = der_enter(d, DER_SEQUENCE);
	struct der info = der_enter(&seq, DER_SEQUENCE);
	struct sv oid = der_oid(&info);
	bool good = true;
	uint8_t tag;

	if (der_peek(&info) != 0)
		good = qualifiers_parse(&info);
	der_end(&info);
	if (der_peek(&seq) != 0)
		good = false;			/* exactly one policy */
	while (der_peek(&seq) != 0)
		(void)der_any(&seq, &tag, NULL);
	if (!der_ok(d))
		return;
	r->c->policy_v2 = sv_eq(oid, oid_policy_v2);
	if (!good || (!r->c->policy_v2 && !sv_eq(oid, oid_policy)))
		finding_add0(r->fs, F(RPKI_CERT_POLICY));
	else if (r->c->policy_v2 && !(r->tolerate & RPKI_TOL_RFC8360))
		finding_add0(r->fs, F(RPKI_CERT_POLICY_V2));
}

static void
ip_parse(struct der *d, struct reading *r)
{
	ip_res_parse(d, r->pool, &r->c->res, r->fs);
}

static void
as_parse(struct der *d, struct reading *r)
{
	as_res_parse(d, r->pool, &r->c->res.as, r->fs);
}

static void
ip2_parse(struct der *d, struct reading *r)
{
	r->res_v2 = true;
	ip_parse(d, r);
}

static void
as2_parse(struct der *d, struct reading *r)
{
	r->res_v2 = true;
	as_parse(d, r);
}

/* --- the whole --- */

static int
ext_find(struct sv oid)
{
	for (size_t i = 0; i < ARRAY_LEN(exts); i++)
		if (sv_eq(oid, exts[i].oid))
			return (int)i;
	return -1;
}

static void
ext_unknown(struct reading *r, struct sv oid)
{
	struct buf b = BUF_INIT;

	oid_print(&b, sv_take(oid, 32));
	finding_add(r->fs, F(RPKI_CERT_EXT_UNKNOWN), FA_SV("oid", buf_get(&b)));
	buf_done(&b);
}

static void
ext_parse(struct der *list, struct reading *r, unsigned *seen)
{
	struct der ext = der_enter(list, DER_SEQUENCE), value;
	struct sv oid = der_oid(&ext), octets;
	const struct ext_def *def;
	bool critical = false;
	int i;

	if (der_peek(&ext) == DER_BOOLEAN) {
		critical = der_boolean(&ext);
		if (der_ok(list) && !critical)		/* DEFAULT FALSE */
			der_fail(&ext, DER_E_VALUE);
	}
	octets = der_value(&ext, DER_OCTET_STRING);
	der_end(&ext);
	if (!der_ok(list))
		return;
	if ((i = ext_find(oid)) < 0) {
		ext_unknown(r, oid);
		return;
	}
	def = &exts[i];
	if (*seen & 1u << i) {
		finding_add(r->fs, F(RPKI_CERT_EXT_TWICE), FA_STR("extension", def->name));
		return;
	}
	*seen |= 1u << i;
	if (critical != def->critical)
		finding_add(r->fs, F(RPKI_CERT_EXT_CRITICAL), FA_STR("extension", def->name));
	der_at(list, def->name);
	value = (struct der){ rd_sv(octets), list->doc };
	def->parse(&value, r);
	der_end(&value);
}

static void
exts_check(struct reading *r, unsigned seen)
{
	for (size_t i = 0; i < ARRAY_LEN(exts); i++) {
		bool there = (seen & 1u << i) != 0;

		if (!there && (exts[i].must & K(r->kind)))
			finding_add(r->fs, F(RPKI_CERT_EXT_MISSING),
			    FA_STR("extension", exts[i].name));
		if (there && (exts[i].must_not & K(r->kind)))
			finding_add(r->fs, F(RPKI_CERT_EXT_FORBIDDEN),
			    FA_STR("extension", exts[i].name));
	}
	/* Another key usage alone makes no router of it. */
	if (r->kind == CERT_ROUTER && !r->c->is_router && !findings_reject(r->fs))
		finding_add(r->fs, F(RPKI_CERT_EXT_MISSING), FA_STR("extension", "extKeyUsage"));
	if (resources_none(&r->c->res) && !findings_reject(r->fs))
		finding_add0(r->fs, F(RPKI_CERT_RES_NONE));
	/* RFC 8360 section 4.2.1: both or neither. */
	if (r->res_v2 != r->c->policy_v2 && !findings_reject(r->fs))
		finding_add0(r->fs, F(RPKI_CERT_POLICY));
}

static void
exts_parse(struct der *tbs, struct reading *r)
{
	struct der outer, list;
	unsigned seen = 0;
	size_t n = 0;

	der_at(tbs, "extensions");
	outer = der_enter(tbs, DER_CTX_C(3));
	list = der_enter(&outer, DER_SEQUENCE);
	der_end(&outer);
	while (der_peek(&list) != 0) {
		if (n++ == RPKI_EXTENSIONS_MAX) {
			der_fail(&list, DER_E_VALUE);
			return;
		}
		ext_parse(&list, r, &seen);
		der_at(tbs, "extensions");
	}
	if (der_ok(tbs))
		exts_check(r, seen);
}

static void
version_parse(struct der *tbs, struct reading *r)
{
	struct der v;

	der_at(tbs, "version");
	if (der_peek(tbs) == DER_CTX_C(0)) {
		v = der_enter(tbs, DER_CTX_C(0));
		struct sv n = der_integer(&v);

		der_end(&v);
		if (!der_ok(tbs) || (n.n == 1 && n.p[0] == 2))
			return;
	}
	finding_add0(r->fs, F(RPKI_CERT_VERSION));
}

static void
serial_parse(struct der *tbs, struct reading *r)
{
	der_at(tbs, "serialNumber");
	r->c->serial = der_integer(tbs);
	if (der_ok(tbs) && (!der_int_positive(r->c->serial) ||
	    r->c->serial.n > RPKI_SERIAL_MAX))
		finding_add0(r->fs, F(RPKI_CERT_SERIAL));
}

static bool
tbs_parse(struct der *tbs, struct reading *r)
{
	uint8_t sha1[SHA1_LEN], tag;
	bool alg_ok, unique = false;
	struct sv key_bits;

	version_parse(tbs, r);
	serial_parse(tbs, r);
	der_at(tbs, "signature");
	alg_ok = sig_alg_parse(tbs, &r->inner_alg);
	name_check(tbs, "issuer", r, &r->c->issuer);
	validity_parse(tbs, r);
	name_check(tbs, "subject", r, &r->c->subject);
	key_bits = spki_parse(tbs, r);
	der_at(tbs, "issuerUniqueID");
	while (der_peek(tbs) == DER_CTX(1) || der_peek(tbs) == DER_CTX(2)) {
		(void)der_any(tbs, &tag, NULL);
		unique = true;
	}
	if (unique)
		finding_add0(r->fs, F(RPKI_CERT_UNIQUE_ID));
	exts_parse(tbs, r);
	der_at(tbs, "tbsCertificate");
	der_end(tbs);
	if (!der_ok(tbs) || r->c->ski.p == NULL)
		return alg_ok;
	crypto_sha1(key_bits.p, key_bits.n, sha1);
	if (!sv_eq(r->c->ski, (struct sv){ (const char *)sha1, SHA1_LEN }))
		finding_add0(r->fs, F(RPKI_CERT_SKI));
	return alg_ok;
}

int
cert_parse(struct pool *pool, struct sv bytes, enum cert_kind kind,
    unsigned tolerate, struct findings *fs, struct cert **ret)
{
	struct reading r = { .pool = pool, .fs = fs, .kind = kind, .tolerate = tolerate };
	struct der_doc doc;
	struct der d = der_on(&doc, bytes), cert, tbs;
	bool inner_ok, outer_ok;
	struct sv outer_alg;

	*ret = NULL;
	if ((r.c = pool_alloc(pool, sizeof(*r.c))) == NULL)
		return -ENOMEM;
	der_at(&d, "certificate");
	cert = der_enter(&d, DER_SEQUENCE);
	der_end(&d);
	{
		struct der copy = cert;

		r.c->tbs = der_whole(&copy, DER_SEQUENCE);
	}
	tbs = der_enter(&cert, DER_SEQUENCE);
	inner_ok = tbs_parse(&tbs, &r);
	der_at(&d, "signatureAlgorithm");
	outer_ok = sig_alg_parse(&cert, &outer_alg);
	der_at(&d, "signatureValue");
	r.c->sig = der_octet_bits(&cert);
	der_end(&cert);
	if (der_report(&doc, fs))
		return 0;
	if (!inner_ok || !outer_ok || !sv_eq(r.inner_alg, outer_alg))
		finding_add0(fs, F(RPKI_SIG_ALG));
	*ret = r.c;
	return 0;
}

void
cert_check_time(const struct cert *c, int64_t now, struct findings *fs)
{
	if (now < c->not_before)
		finding_add(fs, F(RPKI_CERT_NOT_YET), FA_TIME("not_before", c->not_before));
	if (now > c->not_after)
		finding_add(fs, F(RPKI_CERT_EXPIRED), FA_TIME("not_after", c->not_after));
}

void
cert_check_issuer(const struct cert *c, const struct rpki_ca *ca,
    struct findings *fs)
{
	if (!name_same(c->issuer, ca->subject))
		finding_add0(fs, F(RPKI_CERT_ISSUER));
	/* An absent or malformed one was reported when it was read. */
	if (c->aki.n > 0 && !sv_eq(c->aki, ca->ski))
		finding_add0(fs, F(RPKI_CERT_AKI));
}

void
cert_verify_item(struct crypto_verify *v, struct crypto_msg *m, struct cert *c,
    const struct crypto_pub *issuer)
{
	*m = (struct crypto_msg){ { c->tbs }, c->tbs_digest };
	*v = (struct crypto_verify){ .key = issuer, .sig = c->sig,
	    .tbs = { (const char *)c->tbs_digest, sizeof(c->tbs_digest) } };
}
