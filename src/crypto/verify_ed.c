/* EdDSA verification (RFC 8080), through EVP. */
#include <errno.h>
#include <openssl/err.h>

#include "base/err.h"
#include "crypto/dnskey_internal.h"

/* 1, 0 (which can also mean that memory ran out), or negative. */
static int
ed_ask(struct dns_work *w, const struct crypto_verify *v)
{
	int ok;

	if (EVP_DigestVerifyInit(w->md, NULL, NULL, NULL, v->key->pkey) != 1)
		return dns_failure();
	ok = EVP_DigestVerify(w->md, (const unsigned char *)v->sig.p, v->sig.n,
	    (const unsigned char *)v->tbs.p, v->tbs.n);
	return ok == 1 ? 1 : dns_failure() == -ENOMEM ? -ENOMEM : 0;
}

/*
 * OpenSSL 3.0 says "no" when it has no memory for the digest within, and no
 * error tells that. So a "no" is asked for twice: where memory is still short,
 * the second question fails at its beginning, which does tell.
 */
static int
ed_check_one(struct dns_work *w, struct crypto_verify *v)
{
	int rc;

	if ((rc = dns_work_md(w, v->key->pkey)) < 0)
		return rc;
	if ((rc = ed_ask(w, v)) == 0)
		rc = ed_ask(w, v);
	if (rc < 0)
		return rc;
	v->ok = rc == 1;
	return 0;
}

int
dns_ed_check(struct dns_work *w, struct crypto_verify *const *v, size_t n)
{
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < n; i++)
		rc = ed_check_one(w, v[i]);
	return rc;
}
