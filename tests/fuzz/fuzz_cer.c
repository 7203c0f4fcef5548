/* Certificates of all four kinds, with every switch on and off. */
#include "fuzz_rpki.h"

static void
look(struct fuzz *f, struct cert *c)
{
	struct rpki_ca ca = { .subject = c->subject, .ski = c->ski };
	struct crypto_verify v;
	struct crypto_msg m;

	fuzz_resources(&c->res);
	fuzz_cut(f->pool, &c->res);
	cert_check_issuer(c, &ca, &f->fs);
	cert_check_time(c, FUZZ_NOW, &f->fs);
	cert_verify_item(&v, &m, c, NULL);
	crypto_sha256_many(&m, 1);
	v.modulus = c->modulus;
	v.exponent = c->exponent;
	must(crypto_verify_batch(&v, 1) == 0);
}

/* As many keys as AS numbers, each the certificate's. */
static void
router(struct fuzz *f, const struct cert *c)
{
	struct rpki_object o = { 0 };

	must(router_check(f->pool, &o, c, &c->res, &f->fs) == 0);
	must(o.n_router_keys <= RPKI_ROUTER_ASNS_MAX);
	for (size_t i = 0; i < o.n_router_keys; i++)
		must(as_res_covers(&c->res.as, o.router_keys[i].asn, o.router_keys[i].asn) &&
		    o.router_keys[i].spki_len == c->spki.n);
}

/* What has no REJECT keeps the profile's promises. */
static void
promises(const struct cert *c, enum cert_kind kind)
{
	if (kind != CERT_ROUTER)
		must(c->modulus.n == 256 && c->exponent == 65537);
	must(c->ski.n == SHA1_LEN && c->serial.n >= 1 && c->serial.n <= RPKI_SERIAL_MAX);
	must(c->not_before <= c->not_after && !resources_none(&c->res));
	must(c->is_ca == (kind != CERT_EE && kind != CERT_ROUTER));
	must(kind == CERT_TA || (c->aki.n == SHA1_LEN && rsync_uri_valid(c->crl_uri)));
	if (kind == CERT_EE)
		must(rsync_uri_valid(c->object_uri));
	else if (kind == CERT_ROUTER)
		must(c->is_router && c->spki.n == 91 && !c->res.v4.present && !c->res.v6.present);
	else
		must(rsync_uri_valid(c->mft_uri) && rsync_uri_valid(c->repo_uri) &&
		    (c->notify_uri.n == 0 || https_uri_valid(c->notify_uri)));
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	for (int i = 0; i < 8; i++) {
		FUZZ_BEGIN(f);
		enum cert_kind kind = (enum cert_kind)(i % 4);
		struct cert *c;

		must(cert_parse(f.pool, (struct sv){ (const char *)p, n }, kind,
		    i < 4 ? 0 : ~0u, &f.fs, &c) == 0);
		must(c != NULL || findings_reject(&f.fs));
		if (c != NULL && !findings_reject(&f.fs))
			promises(c, kind);
		if (c != NULL)
			look(&f, c);
		if (c != NULL && kind == CERT_ROUTER)
			router(&f, c);
		fuzz_end(&f);
	}
	return 0;
}
