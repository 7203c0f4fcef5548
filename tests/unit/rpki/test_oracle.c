/*
 * Our reader beside OpenSSL's: every object of the collections in the shared
 * data (or, without them, of a world made here), as it is and changed in
 * single bytes. What we read without a fault OpenSSL reads, too, and finds
 * the same serial number, names, times, key, extensions, entries, content
 * and signature in it; and it verifies the same digest. What OpenSSL reads
 * and writes back byte for byte and we call RPKI_DER_* has to be in a place
 * that explained[] gives a reason for.
 */
#include "kit.h"

#include <dirent.h>
#include <openssl/asn1.h>
#include <openssl/cms.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <sys/stat.h>
#include <zlib.h>

#define FILE_MAX	(256 * 1024)
#define FLIPS		10	/* changed bytes a file, spread; plus as many in its head */

struct tally {
	unsigned	n, both, ours_only, theirs_only, differs, theirs_der, unexplained;
};

static struct tally cer, crl, cms;

/* --- the same values --- */

static struct sv
int_magnitude(const ASN1_INTEGER *i)
{
	return (struct sv){ (const char *)ASN1_STRING_get0_data(i), (size_t)ASN1_STRING_length(i) };
}

/* An INTEGER's content against OpenSSL's sign and magnitude. */
static bool
integer_same(struct sv content, const ASN1_INTEGER *i)
{
	BIGNUM *b = ASN1_INTEGER_to_BN(i, NULL);
	struct sv m = der_int_magnitude(content), o = int_magnitude(i);
	bool same;

	if (b == NULL)
		return false;
	if (der_int_negative(content))
		same = BN_is_negative(b);
	else
		same = !BN_is_negative(b) && sv_eq(m, o);
	BN_free(b);
	return same;
}

static bool
time_same(int64_t t, const ASN1_TIME *a)
{
	struct civil c;
	struct tm tm;

	if (ASN1_TIME_to_tm(a, &tm) != 1)
		return false;
	time_to_civil(t, &c);
	return tm.tm_year + 1900 == c.year && tm.tm_mon + 1 == c.mon && tm.tm_mday == c.day &&
	    tm.tm_hour == c.hour && tm.tm_min == c.min && tm.tm_sec == c.sec;
}

static bool
x509_name_same(struct sv whole, X509_NAME *n)
{
	const unsigned char *p;
	size_t len;

	return X509_NAME_get0_der(n, &p, &len) == 1 &&
	    sv_eq(whole, (struct sv){ (const char *)p, len });
}

static bool
octets_same(struct sv s, const ASN1_OCTET_STRING *o)
{
	if (o == NULL)
		return s.n == 0;
	return sv_eq(s, int_magnitude(o));
}

static bool
key_same(const struct cert *c, X509 *x)
{
	ASN1_BIT_STRING *bits = X509_get0_pubkey_bitstr(x);
	unsigned char *der = NULL;
	int n = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(x), &der);
	bool same = n > 0 && bits != NULL &&
	    sv_eq(c->spki, (struct sv){ (const char *)der, (size_t)n });

	OPENSSL_free(der);
	return same;
}

static bool
sig_same(struct sv sig, const ASN1_BIT_STRING *b)
{
	return sv_eq(sig, int_magnitude(b));
}

static bool
cert_same(const struct cert *c, X509 *x)
{
	const ASN1_BIT_STRING *sig;
	const X509_ALGOR *alg;

	X509_get0_signature(&sig, &alg, x);
	return integer_same(c->serial, X509_get0_serialNumber(x)) &&
	    x509_name_same(c->issuer, X509_get_issuer_name(x)) &&
	    x509_name_same(c->subject, X509_get_subject_name(x)) &&
	    time_same(c->not_before, X509_get0_notBefore(x)) &&
	    time_same(c->not_after, X509_get0_notAfter(x)) &&
	    key_same(c, x) && sig_same(c->sig, sig);
}

/* An accepted certificate's extensions as OpenSSL decodes them. */
static bool
exts_same(const struct cert *c, X509 *x)
{
	BASIC_CONSTRAINTS *bc;
	bool same;

	if (!octets_same(c->ski, X509_get0_subject_key_id(x)) ||
	    !octets_same(c->aki, X509_get0_authority_key_id(x)))
		return false;
	bc = X509_get_ext_d2i(x, NID_basic_constraints, NULL, NULL);
	same = c->is_ca == (bc != NULL && bc->ca != 0);
	BASIC_CONSTRAINTS_free(bc);
	return same && (X509_get_extension_flags(x) & EXFLAG_INVALID) == 0;
}

/* --- RFC 3779: the lists of OpenSSL, expanded --- */

static bool
ranges_same(const struct ip_res *r, IPAddressFamily *f, unsigned afi)
{
	IPAddressOrRanges *list;
	size_t k = 0;
	uint8_t prev_max[16];

	if (f->ipAddressChoice->type == IPAddressChoice_inherit)
		return r->inherit;
	list = f->ipAddressChoice->u.addressesOrRanges;
	if (r->inherit || !r->present)
		return false;
	/* Ours are merged: walk theirs, joining neighbours. */
	for (int i = 0; i < sk_IPAddressOrRange_num(list); i++) {
		uint8_t min[16] = { 0 }, max[16] = { 0 };
		int len = afi == IANA_AFI_IPV4 ? 4 : 16;

		if (X509v3_addr_get_range(sk_IPAddressOrRange_value(list, i), afi, min, max, 16) != len)
			return false;
		if (k > 0 && memcmp(min, r->r[k - 1].max, (size_t)len) <= 0) {
			/* joined with the one before: its end lies inside ours */
			if (memcmp(max, r->r[k - 1].max, (size_t)len) > 0)
				return false;
			continue;
		}
		if (k == r->n || memcmp(min, r->r[k].min, (size_t)len) != 0 ||
		    memcmp(max, r->r[k].max, (size_t)len) > 0)
			return false;
		memcpy(prev_max, max, 16);
		k++;
	}
	return k == r->n;
}

static bool
res_same(const struct cert *c, X509 *x)
{
	IPAddrBlocks *b = X509_get_ext_d2i(x, NID_sbgp_ipAddrBlock, NULL, NULL);
	ASIdentifiers *a = X509_get_ext_d2i(x, NID_sbgp_autonomousSysNum, NULL, NULL);
	bool same = true, seen[3] = { false };

	for (int i = 0; b != NULL && i < sk_IPAddressFamily_num(b); i++) {
		IPAddressFamily *f = sk_IPAddressFamily_value(b, i);
		unsigned afi = X509v3_addr_get_afi(f);

		same = same && (afi == IANA_AFI_IPV4 || afi == IANA_AFI_IPV6) &&
		    ranges_same(afi == IANA_AFI_IPV4 ? &c->res.v4 : &c->res.v6, f, afi);
		if (afi < 3)
			seen[afi] = true;
	}
	same = same && seen[IANA_AFI_IPV4] == c->res.v4.present && seen[IANA_AFI_IPV6] == c->res.v6.present;
	if ((a != NULL && a->asnum != NULL) != c->res.as.present)
		same = false;
	else if (a != NULL && a->asnum != NULL)
		same = same && (a->asnum->type == ASIdentifierChoice_inherit) == c->res.as.inherit;
	for (int i = 0; same && a != NULL && a->asnum != NULL &&
	    a->asnum->type == ASIdentifierChoice_asIdsOrRanges &&
	    i < sk_ASIdOrRange_num(a->asnum->u.asIdsOrRanges); i++) {
		ASIdOrRange *o = sk_ASIdOrRange_value(a->asnum->u.asIdsOrRanges, i);
		uint64_t min, max;

		if (o->type == ASIdOrRange_id)
			same = ASN1_INTEGER_get_uint64(&min, o->u.id) == 1 && (max = min) == min;
		else
			same = ASN1_INTEGER_get_uint64(&min, o->u.range->min) == 1 &&
			    ASN1_INTEGER_get_uint64(&max, o->u.range->max) == 1;
		same = same && max <= UINT32_MAX && as_res_covers(&c->res.as, (uint32_t)min, (uint32_t)max);
	}
	sk_IPAddressFamily_pop_free(b, IPAddressFamily_free);
	ASIdentifiers_free(a);
	return same;
}

/* --- an object of each kind --- */

/*
 * Where OpenSSL does not look, or keeps the encoding that it read: there its
 * "DER" is no proof. A fault anywhere else needs a reason here.
 */
static const struct {
	const char	*where, *why;
} explained[] = {
	{ "validity", "times are read when they are compared" },
	{ "thisUpdate", "the same" },
	{ "nextUpdate", "the same" },
	{ "revokedCertificates", "the same" },
	{ "issuer", "attribute values are ANY" },
	{ "subject", "the same" },
	{ "signature", "parameters are ANY" },
	{ "signatureAlgorithm", "the same" },
	{ "digestAlgorithm", "the same" },
	{ "digestAlgorithms", "the same" },
	{ "subjectPublicKeyInfo", "the key is a string of bits until it is used" },
	{ "extensions", "BER in a cached TBSCertificate: FALSE written out, constructed strings" },
	{ "crlExtensions", "the same, and values are octets until they are used" },
	{ "basicConstraints", "values of extensions are octets until they are used" },
	{ "subjectKeyIdentifier", "the same" },
	{ "authorityKeyIdentifier", "the same" },
	{ "keyUsage", "the same" },
	{ "extKeyUsage", "the same" },
	{ "cRLDistributionPoints", "the same" },
	{ "authorityInfoAccess", "the same" },
	{ "subjectInfoAccess", "the same" },
	{ "certificatePolicies", "the same" },
	{ "ipAddrBlocks", "the same" },
	{ "asIdentifiers", "the same" },
	{ "ipAddrBlocks-v2", "the same" },
	{ "autonomousSysIds-v2", "the same" },
	{ "signedAttrs", "values of attributes are ANY" },
};

static void
explain(struct tally *t, const struct findings *fs)
{
	for (const struct finding *f = fs->head; f != NULL; f = f->next) {
		size_t i = 0;

		if (f->def < &rpki_findings[RPKI_DER_SHORT] || f->def > &rpki_findings[RPKI_DER_ORDER])
			continue;
		while (i < ARRAY_LEN(explained) && !sv_eq_str(f->args[0].s, explained[i].where))
			i++;
		if (i < ARRAY_LEN(explained))
			continue;
		if (t->unexplained++ < 20)
			printf("# %s in %.*s, but OpenSSL takes it\n", f->def->code, SV_ARG(f->args[0].s));
	}
	t->theirs_der++;
}

/*
 * A UTF8String is let pass by a switch (RPKI_TOL_NAME_STRING) and compared,
 * not read: OpenSSL wants it to be UTF-8.
 */
static bool
name_is_utf8(struct sv name)
{
	struct der_doc doc;
	struct der d = der_on(&doc, name);
	bool printable;
	struct sv whole;

	(void)name_parse(&d, &printable, &whole);
	return der_ok(&d) && !printable;
}

static void
note(struct tally *t, bool ours, bool theirs, bool same)
{
	t->n++;
	t->both += ours && theirs;
	t->ours_only += ours && !theirs;
	t->theirs_only += !ours && theirs;
	t->differs += ours && theirs && !same;
}

/* Their encoding of what they read is what we gave them. */
static bool
again_same(int n, unsigned char **der, struct sv in)
{
	bool same = n > 0 && sv_eq(in, (struct sv){ (const char *)*der, (size_t)n });

	OPENSSL_free(*der);
	return same;
}

static bool
cer_try(struct kit *k, struct sv in, enum cert_kind kind)
{
	const unsigned char *p = (const unsigned char *)in.p;
	X509 *x = d2i_X509(NULL, &p, (long)in.n);
	bool theirs = x != NULL && p == (const unsigned char *)in.p + in.n, same = true;
	unsigned char *der = NULL;
	struct cert *c;

	assert_int_equal(cert_parse(k->pool, in, kind, ~0u, &k->fs, &c), 0);
	if (c != NULL && theirs)
		same = cert_same(c, x) && (findings_reject(&k->fs) || c->policy_v2 ||
		    (exts_same(c, x) && res_same(c, x)));
	if (c != NULL && !theirs && (name_is_utf8(c->issuer) || name_is_utf8(c->subject)))
		finding_add0(&k->fs, &rpki_findings[RPKI_CERT_NAME]);
	note(&cer, c != NULL && !findings_reject(&k->fs), theirs, same);
	if (c == NULL && theirs && again_same(i2d_X509(x, &der), &der, in))
		explain(&cer, &k->fs);
	X509_free(x);
	return same && (c == NULL || findings_reject(&k->fs) || theirs);
}

static bool
crl_same(const struct crl *c, X509_CRL *x)
{
	STACK_OF(X509_REVOKED) *list = X509_CRL_get_REVOKED(x);
	const ASN1_BIT_STRING *sig;
	const X509_ALGOR *alg;
	size_t n = list == NULL ? 0 : (size_t)sk_X509_REVOKED_num(list);
	bool same;

	X509_CRL_get0_signature(x, &sig, &alg);
	same = x509_name_same(c->issuer, X509_CRL_get_issuer(x)) && n == c->n &&
	    time_same(c->this_update, X509_CRL_get0_lastUpdate(x)) &&
	    X509_CRL_get0_nextUpdate(x) != NULL &&
	    time_same(c->next_update, X509_CRL_get0_nextUpdate(x)) && sig_same(c->sig, sig);
	for (size_t i = 0; same && i < n; i++) {
		const ASN1_INTEGER *s =
		    X509_REVOKED_get0_serialNumber(sk_X509_REVOKED_value(list, (int)i));
		struct sv m = int_magnitude(s);
		uint8_t content[64] = { 0 };

		if (m.n == 0 || m.n > 60 || ASN1_STRING_type(s) == V_ASN1_NEG_INTEGER)
			continue;
		memcpy(content + 1, m.p, m.n);
		same = crl_find(c, (content[1] & 0x80) != 0 ?
		    (struct sv){ (char *)content, m.n + 1 } : m) != NULL;
	}
	return same;
}

static bool
crl_try(struct kit *k, struct sv in, enum cert_kind kind UNUSED)
{
	const unsigned char *p = (const unsigned char *)in.p;
	X509_CRL *x = d2i_X509_CRL(NULL, &p, (long)in.n);
	bool theirs = x != NULL && p == (const unsigned char *)in.p + in.n, same = true;
	unsigned char *der = NULL;
	struct crl *c;

	assert_int_equal(crl_parse(k->pool, in, RPKI_TOL_NAME_STRING, &k->fs, &c), 0);
	if (c != NULL && theirs)
		same = crl_same(c, x);
	if (c != NULL && !theirs && name_is_utf8(c->issuer))
		finding_add0(&k->fs, &rpki_findings[RPKI_CERT_NAME]);
	note(&crl, c != NULL && !findings_reject(&k->fs), theirs, same);
	if (c == NULL && theirs && again_same(i2d_X509_CRL(x, &der), &der, in))
		explain(&crl, &k->fs);
	X509_CRL_free(x);
	return same && (c == NULL || findings_reject(&k->fs) || theirs);
}

/* The same content, certificate and signature; and the digest that was signed verifies. */
static bool
cms_same(const struct cms *c, CMS_ContentInfo *ci)
{
	ASN1_OCTET_STRING **content = CMS_get0_content(ci);
	STACK_OF(X509) *certs = CMS_get1_certs(ci);
	STACK_OF(CMS_SignerInfo) *infos = CMS_get0_SignerInfos(ci);
	bool same = content != NULL && *content != NULL && octets_same(c->content, *content) &&
	    sk_X509_num(certs) == 1 && cert_same(c->ee, sk_X509_value(certs, 0));

	if (same && sk_CMS_SignerInfo_num(infos) == 1) {
		CMS_SignerInfo *si = sk_CMS_SignerInfo_value(infos, 0);

		same = octets_same(c->sig, CMS_SignerInfo_get0_signature(si));
	}
	sk_X509_pop_free(certs, X509_free);
	return same;
}

/* Does OpenSSL verify content and attributes with the certificate inside? */
static bool
cms_verifies(CMS_ContentInfo *ci)
{
	return CMS_verify(ci, NULL, NULL, NULL, NULL, CMS_NO_SIGNER_CERT_VERIFY | CMS_BINARY) == 1;
}

static bool
cms_try(struct kit *k, struct sv in, enum cert_kind kind UNUSED)
{
	const unsigned char *p = (const unsigned char *)in.p;
	CMS_ContentInfo *x = d2i_CMS_ContentInfo(NULL, &p, (long)in.n);
	bool theirs = x != NULL && p == (const unsigned char *)in.p + in.n, same = true;
	unsigned char *der = NULL;
	struct cms *c;

	assert_int_equal(cms_parse(k->pool, in, RPKI_OTHER, ~0u, &k->fs, &c), 0);
	if (c != NULL && theirs && n_of(&k->fs, RPKI_CMS_SIGNERS) == 0) {
		struct crypto_verify v;
		struct crypto_msg m;

		same = cms_same(c, x);
		cms_check_digest(c, &k->fs);
		cms_verify_item(&v, &m, c);
		crypto_sha256_many(&m, 1);
		assert_int_equal(crypto_verify_batch(&v, 1), 0);
		/* What is a good signature for us is one for OpenSSL. */
		if (v.ok && !findings_reject(&k->fs))
			same = same && cms_verifies(x);
	}
	if (c != NULL && !theirs && (name_is_utf8(c->ee->issuer) || name_is_utf8(c->ee->subject)))
		finding_add0(&k->fs, &rpki_findings[RPKI_CERT_NAME]);
	note(&cms, c != NULL && !findings_reject(&k->fs), theirs, same);
	if (c == NULL && theirs && again_same(i2d_CMS_ContentInfo(x, &der), &der, in))
		explain(&cms, &k->fs);
	CMS_ContentInfo_free(x);
	return same && (c == NULL || findings_reject(&k->fs) || theirs);
}

/* --- many of them --- */

typedef bool (*try_fn)(struct kit *, struct sv, enum cert_kind);

static unsigned disagreements;

static void
try_one(try_fn fn, const char *name, const uint8_t *p, size_t n, size_t at, uint8_t flip)
{
	struct kit k = kit_new();
	uint8_t *copy = malloc(n > 0 ? n : 1);

	assert_non_null(copy);
	memcpy(copy, p, n);
	if (flip != 0)
		copy[at] ^= flip;
	for (enum cert_kind kind = CERT_TA; kind <= (fn == cer_try ? CERT_EE : CERT_TA); kind++) {
		kit_clear(&k);
		if (!fn(&k, (struct sv){ (const char *)copy, n }, kind) && disagreements++ < 20)
			printf("# %s, byte %zu ^ %02x, kind %d: %s\n", name, at, flip, (int)kind,
			    first_code(&k.fs));
	}
	ERR_clear_error();
	free(copy);
	kit_done(&k);
}

static void
try_file(try_fn fn, const char *name, const uint8_t *p, size_t n)
{
	static const uint8_t flips[] = { 0x01, 0x80, 0xff, 0x20 };
	uint64_t x = 88172645463325252u + n;

	try_one(fn, name, p, n, 0, 0);
	if (n > 8)
		try_one(fn, name, p, n - 1, 0, 0);
	for (unsigned i = 0; i < 2 * FLIPS && n > 0; i++) {
		x ^= x << 13;
		x ^= x >> 7;
		x ^= x << 17;
		/* Half of them anywhere, half where tags and lengths are dense. */
		try_one(fn, name, p, n, (size_t)(x % (i % 2 == 0 ? n : min_size(n, 400))),
		    flips[x >> 40 & 3]);
	}
}

static void
dir_walk(const char *dir, unsigned *n_files)
{
	static const struct {
		const char	*ext;
		try_fn		 fn;
	} kinds[] = {
		{ ".cer", cer_try }, { ".crl", crl_try }, { ".mft", cms_try }, { ".roa", cms_try },
		{ ".asa", cms_try }, { ".gbr", cms_try }, { ".tak", cms_try }, { ".spl", cms_try },
		{ ".sig", cms_try },
	};
	static uint8_t mem[FILE_MAX];
	DIR *d = opendir(dir);
	struct dirent *e;

	while (d != NULL && (e = readdir(d)) != NULL) {
		char path[4096];
		struct stat st;
		FILE *f;

		(void)snprintf(path, sizeof(path), "%s/%s", dir, e->d_name);
		if (e->d_name[0] == '.' || stat(path, &st) != 0)
			continue;
		if (S_ISDIR(st.st_mode)) {
			dir_walk(path, n_files);
			continue;
		}
		for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
			if (sv_ends(sv_str(e->d_name), sv_str(kinds[i].ext)) && st.st_size <= FILE_MAX &&
			    (f = fopen(path, "rb")) != NULL) {
				try_file(kinds[i].fn, e->d_name, mem, fread(mem, 1, sizeof(mem), f));
				(void)fclose(f);
				++*n_files;
			}
	}
	if (d != NULL)
		(void)closedir(d);
}

/* Objects of a snapshot, unchanged and cut; they have no fault. */
static int
published(void *arg, struct sv uri, struct sv bytes)
{
	try_fn fn = sv_ends(uri, SV(".cer")) ? cer_try : sv_ends(uri, SV(".crl")) ? crl_try : cms_try;
	unsigned *n = arg;

	try_one(fn, "published", (const uint8_t *)bytes.p, bytes.n, 0, 0);
	try_one(fn, "published", (const uint8_t *)bytes.p, bytes.n - 1, 0, 0);
	try_one(fn, "published", (const uint8_t *)bytes.p, bytes.n, *n * 37 % bytes.n, 0x10);
	++*n;
	return 0;
}

static void
pilot(const char *path, unsigned *n_files)
{
	struct rrdp_snapshot *s = rrdp_snapshot_new(published, n_files);
	gzFile f = gzopen(path, "rb");
	static char mem[65536];
	int rc = 0, n;

	assert_non_null(s);
	while (f != NULL && rc == 0 && (n = gzread(f, mem, sizeof(mem))) > 0)
		rc = rrdp_snapshot_feed(s, mem, (size_t)n, gzeof(f) != 0);
	assert_int_equal(rc, 0);
	if (f != NULL)
		(void)gzclose(f);
	(void)rrdp_snapshot_free(s);
}

static void
tally_print(const char *what, const struct tally *t)
{
	printf("# %s: %u read, %u by both, %u only by us, %u only by OpenSSL (%u of them as DER)\n",
	    what, t->n, t->both, t->ours_only, t->theirs_only, t->theirs_der);
}

static void
tally_check(void)
{
	tally_print("certificates", &cer);
	tally_print("CRLs", &crl);
	tally_print("signed objects", &cms);
	assert_int_equal(disagreements, 0);
	assert_int_equal(cer.ours_only + crl.ours_only + cms.ours_only, 0);
	assert_int_equal(cer.differs + crl.differs + cms.differs, 0);
	assert_int_equal(cer.unexplained + crl.unexplained + cms.unexplained, 0);
	assert_true(cer.both > 0 && crl.both > 0 && cms.both > 0);
}

static void
collections(void **state UNUSED)
{
	static const char *const dirs[] = { "objects", "bbn", "pilot/snapshot.xml.gz" };
	const char *data = getenv("SEKISHO_DATA"), *src = getenv("SEKISHO_SRC");
	unsigned n = 0;

	disagreements = 0;
	cer = crl = cms = (struct tally){ 0 };
	for (size_t i = 0; i < ARRAY_LEN(dirs); i++) {
		char path[4096];

		(void)snprintf(path, sizeof(path), "%s%s/rpki/%s", data != NULL ? data :
		    src != NULL ? src : ".", data != NULL ? "" : "/../shared/data", dirs[i]);
		if (sv_ends(sv_str(path), SV(".gz")))
			pilot(path, &n);
		else
			dir_walk(path, &n);
	}
	if (n == 0)
		skip();
	printf("# %u files\n", n);
	tally_check();
}

/* What write.c writes, where no collection is. */
static void
own_world(void **state)
{
	static const struct roa_entry v[] = { { { .addr = { 10, 1 }, .len = 16, .af = IP_V4 }, 24 } };
	static const struct roa_spec roa = { 64500, v, 1 };
	static const uint32_t p[] = { 64501, 64502 };
	static const struct aspa_spec aspa = { 64500, p, 2 };
	struct crl_item revoked[] = { { SV("\1"), NOW }, { SV("\x80\1"), NOW } };
	struct kit k = kit_new();
	struct cert_spec c;
	struct world w;

	kit_clear(&k);
	disagreements = 0;
	cer = crl = cms = (struct tally){ 0 };
	world_init(&w, *state, k.pool);
	world_roa(&w, "a.roa", &roa, NULL);
	world_aspa(&w, "b.asa", &aspa, NULL);
	c = spec_below(&w, 4, true);
	c.repo = HOST "child/";
	c.mft = HOST "child/child.mft";
	c.res.ip[0].v = &ten;
	c.res.ip[0].n = 1;
	c.res.ip[1].v = &doc6;
	c.res.ip[1].n = 1;
	c.res.as.v = &doc_as;
	c.res.as.n = 1;
	world_add(&w, "c.cer", cert_make(&w, &c, 0, NULL));
	world_crl(&w, revoked, ARRAY_LEN(revoked));
	world_manifest(&w);
	try_file(cms_try, "ta.mft", (const uint8_t *)w.mft.p, w.mft.n);
	for (size_t i = 0; i < w.n; i++)
		try_file(sv_ends(sv_str(w.files[i].name), SV(".cer")) ? cer_try :
		    sv_ends(sv_str(w.files[i].name), SV(".crl")) ? crl_try : cms_try,
		    w.files[i].name, (const uint8_t *)w.files[i].bytes.p, w.files[i].bytes.n);
	tally_check();
	kit_done(&k);
}

int
main(void)
{
	const struct CMUnitTest tests[] = { T(own_world), T(collections) };

	return cmocka_run_group_tests_name("rpki oracle", tests, keys_setup, keys_teardown);
}
