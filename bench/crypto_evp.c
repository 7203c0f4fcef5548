#include "crypto_evp.h"

#include <openssl/rsa.h>
#include <openssl/x509.h>

#include "kit.h"

static const struct load_sig *
sig_next(struct load *l)
{
	return &l->sigs[l->at++ % l->n_sigs];
}

static void
verify(EVP_PKEY_CTX *ctx, const struct load_sig *s)
{
	if (EVP_PKEY_verify(ctx, s->der, s->der_len, s->digest, DIGEST_LEN) != 1)
		die("EVP_PKEY_verify");
}

void
evp_cached(struct load *l, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		const struct load_sig *s = sig_next(l);

		verify(s->key->ctx, s);
	}
}

static void
verify_imported(const struct load_sig *s)
{
	const unsigned char *spki = s->key->spki;
	EVP_PKEY *pkey = d2i_PUBKEY(NULL, &spki, s->key->spki_len);
	EVP_PKEY_CTX *ctx = pkey == NULL ? NULL : EVP_PKEY_CTX_new(pkey, NULL);

	if (ctx == NULL || EVP_PKEY_verify_init(ctx) != 1 ||
	    EVP_PKEY_CTX_set_signature_md(ctx, EVP_sha256()) != 1)
		die("taking a key");
	verify(ctx, s);
	EVP_PKEY_CTX_free(ctx);
	EVP_PKEY_free(pkey);
}

void
evp_imported(struct load *l, size_t n)
{
	for (size_t i = 0; i < n; i++)
		verify_imported(sig_next(l));
}
