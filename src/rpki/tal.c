/* Trust anchor locators and the certificates they lead to (RFC 8630). */
#include <errno.h>
#include <string.h>

#include "base/base64.h"
#include "base/err.h"
#include "rpki/internal.h"

static int
bad(const char **ret_why, const char *why)
{
	*ret_why = why;
	return SE_SYNTAX;
}

static int
uri_line(struct tal *t, struct sv line, const char **ret_why)
{
	if (!rsync_uri_valid(line) && !https_uri_valid(line))
		return bad(ret_why, N_("this is no rsync or https URI"));
	if (t->n_uris == RPKI_TAL_URIS_MAX)
		return bad(ret_why, N_("there are too many URIs"));
	t->uris[t->n_uris++] = line;
	return 0;
}

/* Is it one SubjectPublicKeyInfo? The key itself is judged in the certificate. */
static bool
spki_plausible(struct sv spki)
{
	struct der_doc doc;
	struct der d = der_on(&doc, spki), in = der_enter(&d, DER_SEQUENCE);
	unsigned unused;

	der_end(&d);
	(void)der_enter(&in, DER_SEQUENCE);
	(void)der_bits(&in, &unused);
	der_end(&in);
	return der_ok(&d);
}

/*
 * RFC 8630 section 2.2: comment lines, URIs, an empty line, base64. URIs may
 * come in any order; CRLF line ends are usual.
 */
int
tal_parse(struct pool *pool, struct sv text, struct tal *t,
    const char **ret_why, unsigned *ret_line)
{
	struct sv line = { NULL, 0 }, copy = pool_sv(pool, text);
	bool comments = true, more;
	uint8_t *der;
	int rc;

	*ret_line = 0;
	if (copy.p == NULL)
		return -ENOMEM;
	t->n_uris = 0;
	while ((more = sv_line(&copy, &line)) && line.n > 0) {
		++*ret_line;
		if (comments && line.p[0] == '#')
			continue;
		comments = false;
		if ((rc = uri_line(t, line, ret_why)) < 0)
			return rc;
	}
	++*ret_line;
	if (t->n_uris == 0)
		return bad(ret_why, N_("there is no URI before the empty line"));
	if (!more)
		return bad(ret_why, N_("there is no empty line and no key after the URIs"));
	if ((der = pool_alloc(pool, base64_room(copy.n))) == NULL)
		return -ENOMEM;
	++*ret_line;
	if (base64_decode(der, copy, &t->spki.n) < 0)
		return bad(ret_why, N_("the key is not base64"));
	t->spki.p = (const char *)der;
	if (!spki_plausible(t->spki))
		return bad(ret_why, N_("the base64 part is not a public key"));
	return 0;
}

static void
ta_fill(struct rpki_ca *ca, const struct cert *c, const struct tal *t)
{
	*ca = (struct rpki_ca){
		.uri = t->n_uris > 0 ? t->uris[0] : (struct sv){ NULL, 0 },
		.subject = c->subject,
		.ski = c->ski,
		.modulus = c->modulus,
		.exponent = c->exponent,
		.repo_uri = c->repo_uri,
		.mft_uri = c->mft_uri,
		.notify_uri = c->notify_uri,
		.res = c->res,
		.not_before = c->not_before,
		.not_after = c->not_after,
		.expires = c->not_after,
		.own_expires = c->not_after,
	};
}

int
rpki_ta_check(struct pool *pool, const struct tal *t, struct sv bytes,
    const struct rpki_opt *opt, struct findings *fs, struct rpki_ca *ret,
    bool *ret_ok)
{
	struct findings own;
	_cleanup_(crypto_pub_freep) struct crypto_pub *key = NULL;
	struct crypto_verify v;
	struct crypto_msg m;
	struct cert *c;
	int rc;

	*ret_ok = false;
	findings_init(&own, fs->pool);
	own.subject = fs->subject;
	if ((rc = cert_parse(pool, bytes, CERT_TA, opt->tolerate, &own, &c)) < 0)
		return rc;
	if (c != NULL) {
		if (!sv_eq(c->spki, t->spki))
			finding_add0(&own, F(RPKI_TA_KEY));
		if (!sv_eq(c->issuer, c->subject) || (c->aki.n > 0 && !sv_eq(c->aki, c->ski)))
			finding_add0(&own, F(RPKI_TA_SELF));
		if (c->res.v4.inherit || c->res.v6.inherit || c->res.as.inherit)
			finding_add0(&own, F(RPKI_TA_INHERIT));
		cert_check_time(c, opt->now, &own);
		rc = crypto_pub_rsa(c->modulus, c->exponent, &key);
		cert_verify_item(&v, &m, c, key);
		crypto_sha256_many(&m, 1);
		if (rc == 0)
			rc = crypto_verify_batch(&v, 1);
		else if (rc == -EINVAL)
			rc = 0;		/* it verifies nothing */
		if (rc == 0 && !v.ok)
			finding_add0(&own, F(RPKI_CERT_SIGNATURE));
		ta_fill(ret, c, t);
	}
	*ret_ok = rc == 0 && c != NULL && !findings_reject(&own);
	findings_move(fs, &own);
	return rc;
}
