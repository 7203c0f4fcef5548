/* The evidence as a whole: a chain of certificates up to a root that is trusted for marks. */
#include <errno.h>

#include "mail/bimi_internal.h"

/* 1.3.6.1.4.1.53087.1.13, of the guidelines for mark certificates; organizationName. */
static const struct sv oid_mark = OID_(0x2b, 0x06, 0x01, 0x04, 0x01, (char)0x83, (char)0x9e, 0x5f, 0x01, 0x0d);
static const struct sv oid_organization = OID_(0x55, 0x04, 0x0a);

struct certs {
	struct bimi_cert	*v;
	size_t			 n;
};

struct chain {
	const struct bimi_evidence_in	*in;
	struct pool			*pool;
	struct findings			*fs;
	struct certs			 certs, roots;
	bool				 is_bad;
};

static void
fault_tell(struct chain *c, enum bimi_code code, const char *what)
{
	finding_add(c->fs, &bimi_findings[code], FA_MSG("what", what));
	c->is_bad = true;
}

/* --- reading --- */

/* where: at which field of which certificate it went wrong; NULL: it is no PEM. -EINVAL; -E2BIG. */
static int
certs_read(struct chain *c, struct sv pem, size_t max, struct certs *ret, const char **where)
{
	struct sv der;
	int rc;

	*where = NULL;
	if ((ret->v = pool_calloc(c->pool, max, sizeof(*ret->v))) == NULL)
		return -ENOMEM;
	while ((rc = bimi_pem_next(c->pool, &pem, &der)) > 0) {
		if (ret->n == max)
			return -E2BIG;
		if ((rc = bimi_cert_parse(der, &ret->v[ret->n], where)) < 0)
			return rc;
		ret->n++;
	}
	return rc;
}

static int
evidence_read(struct chain *c)
{
	const char *where;
	int rc = c->in->pem.n > BIMI_PEM_MAX ? -E2BIG :
	    certs_read(c, c->in->pem, BIMI_CERTS_MAX, &c->certs, &where);

	if (rc == -E2BIG) {
		fault_tell(c, BIMI_CERT, N_("more than a chain of certificates is long"));
	} else if (rc == -EINVAL && where != NULL) {
		finding_add(c->fs, &bimi_findings[BIMI_CERT_DER], FA_STR("where", where));
		c->is_bad = true;
	} else if (rc == -EINVAL || (rc == 0 && c->certs.n == 0)) {
		fault_tell(c, BIMI_CERT, N_("no certificate in PEM"));
	} else if (rc < 0) {
		return rc;
	}
	return 0;
}

static int
roots_read(struct chain *c)
{
	const char *where;
	int rc = certs_read(c, c->in->roots, BIMI_ROOTS_MAX, &c->roots, &where);

	if (rc == -E2BIG || rc == -EINVAL)
		fault_tell(c, BIMI_CERT_CHAIN, N_("the file of trusted roots cannot be read"));
	return rc == -ENOMEM ? rc : 0;
}

/* --- one certificate --- */

static void
cert_check(struct chain *c, const struct bimi_cert *cert)
{
	if (c->in->now < cert->from || c->in->now > cert->to) {
		finding_add(c->fs, &bimi_findings[BIMI_CERT_TIME], FA_TIME("from", cert->from),
		    FA_TIME("to", cert->to));
		c->is_bad = true;
	}
	if (cert->is_odd)
		fault_tell(c, BIMI_CERT, N_("a critical extension that is not known"));
}

/* The author's domain, that of the record, or the name at which the record stands. */
static int
names_check(struct chain *c, const struct bimi_cert *leaf)
{
	const struct bimi_out *out = c->in->out;
	struct sv author = mail_name_text(c->pool, &out->author), domain = mail_name_text(c->pool, &out->domain);
	char *record;

	if (author.p == NULL || domain.p == NULL || (record = pool_printf(c->pool, "%.*s._bimi.%.*s",
	    SV_ARG(out->selector), SV_ARG(domain))) == NULL)
		return -ENOMEM;
	if (bimi_cert_holds(leaf, author) || bimi_cert_holds(leaf, domain) || bimi_cert_holds(leaf, sv_str(record)))
		return 0;
	finding_add(c->fs, &bimi_findings[BIMI_CERT_NAME], FA_SV("domain", domain));
	c->is_bad = true;
	return 0;
}

static int
logo_take(struct chain *c, const struct bimi_cert *leaf, struct bimi_evidence *e)
{
	int rc = leaf->logotype.n == 0 ? -ENOENT : bimi_logotype_parse(c->pool, leaf->logotype, e);

	if (rc == -ENOENT)
		fault_tell(c, BIMI_CERT_LOGO, N_("there is no SVG in it"));
	else if (rc == -EINVAL)
		fault_tell(c, BIMI_CERT_LOGO, N_("it cannot be read"));
	else if (rc == 0 && !e->has_digest)
		fault_tell(c, BIMI_CERT_LOGO, N_("it has no SHA-256 of the image"));
	return rc == -ENOMEM ? rc : 0;
}

static int
leaf_check(struct chain *c, struct bimi_evidence *e)
{
	const struct bimi_cert *leaf = &c->certs.v[0];
	int rc;

	e->from = leaf->from;
	e->to = leaf->to;
	e->mark = bimi_cert_attribute(leaf, oid_mark);
	e->holder = bimi_cert_attribute(leaf, oid_organization);
	if (!leaf->is_for_marks)
		fault_tell(c, BIMI_CERT, N_("it is not made for marks (extended key usage)"));
	if ((rc = names_check(c, leaf)) < 0)
		return rc;
	return logo_take(c, leaf, e);
}

/* --- up to a root --- */

/* 1: *ret signed it; 0: none of them did. The first i are not looked at. */
static int
issuer_find(struct chain *c, const struct certs *from, size_t i, const struct bimi_cert *cert,
    const struct bimi_cert **ret)
{
	for (; i < from->n; i++) {
		int rc;

		if (!from->v[i].is_ca || !sv_eq(from->v[i].subject, cert->issuer))
			continue;
		rc = bimi_cert_signed_by(c->pool, cert, &from->v[i]);
		if (rc == -ENOTSUP)
			fault_tell(c, BIMI_CERT_CHAIN, N_("a signature of an algorithm that we do not have"));
		if (rc > 0) {
			*ret = &from->v[i];
			return 1;
		}
		if (rc < 0 && rc != -ENOTSUP)
			return rc;
	}
	return 0;
}

static int
path_check(struct chain *c)
{
	const struct bimi_cert *cert = &c->certs.v[0], *issuer;

	for (size_t depth = 0; depth < BIMI_CERTS_MAX; depth++) {
		int rc;

		cert_check(c, cert);
		if ((rc = issuer_find(c, &c->roots, 0, cert, &issuer)) < 0)
			return rc;
		if (rc > 0) {
			cert_check(c, issuer);
			return 0;
		}
		if ((rc = issuer_find(c, &c->certs, 1, cert, &issuer)) < 0)
			return rc;
		if (rc == 0 || issuer == cert)
			break;
		cert = issuer;
	}
	fault_tell(c, BIMI_CERT_CHAIN, c->roots.n == 0 ? N_("no root is trusted for marks") :
	    N_("it does not lead to a trusted root"));
	return 0;
}

int
bimi_evidence_check(const struct bimi_evidence_in *in, struct pool *pool, struct findings *fs,
    struct bimi_evidence *ret)
{
	struct chain c = { .in = in, .pool = pool, .fs = fs };
	struct bimi_evidence e = { .is_good = false };
	int rc;

	if ((rc = evidence_read(&c)) < 0 || (rc = roots_read(&c)) < 0)
		return rc;
	if (c.certs.n > 0 && !c.is_bad && ((rc = leaf_check(&c, &e)) < 0 || (rc = path_check(&c)) < 0))
		return rc;
	e.is_good = !c.is_bad;
	*ret = e;
	return 0;
}

bool
bimi_digest_ok(const struct bimi_evidence *e, struct sv svg)
{
	uint8_t digest[SHA256_LEN];

	crypto_sha256(svg.p, svg.n, digest);
	return e->has_digest && memcmp(digest, e->digest, SHA256_LEN) == 0;
}
