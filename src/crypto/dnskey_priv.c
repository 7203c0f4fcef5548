/*
 * Private keys of DNSSEC: where they come from, and batches of signatures.
 *
 * Whatever its origin, a key signs a probe before anybody gets it, and the
 * probe is verified with the public key that the DNSKEY will show. Text and
 * numbers of keys are wiped here; OpenSSL wipes what is in its own objects.
 */
#define OPENSSL_SUPPRESS_DEPRECATED
#include <errno.h>
#include <limits.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/rd.h"
#include "crypto/dnskey_internal.h"

#define PEM_MAX		(8 * 1024)	/* RSA of 4096 bits: 3.3 KiB */

#define RSA_TRIES	33		/* one more than OpenSSL uses a blinding */

DEFINE_CLEANUP(BIO, BIO_free)
DEFINE_CLEANUP(PKCS8_PRIV_KEY_INFO, PKCS8_PRIV_KEY_INFO_free)

/* --- signing --- */

static int
rsa_sign(struct dns_work *w, const struct crypto_priv *k, struct sv tbs, uint8_t *sig)
{
	const EVP_MD *md = k->alg->alg == 8 ? EVP_sha256() : k->alg->alg == 10 ? EVP_sha512() : EVP_sha1();
	size_t n;
	int rc = 0;

	if (w->rsa == NULL) {
		w->rsa = EVP_PKEY_CTX_new_from_pkey(NULL, k->pkey, NULL);
		if (w->rsa == NULL || EVP_PKEY_sign_init(w->rsa) != 1 ||
		    EVP_PKEY_CTX_set_rsa_padding(w->rsa, RSA_PKCS1_PADDING) != 1 ||
		    EVP_PKEY_CTX_set_signature_md(w->rsa, md) != 1)
			return dns_failure();
	}
	/*
	 * Looked at before anybody sees it, for 3 % of the time: after memory
	 * ran out in its blinding, OpenSSL 3.0 makes wrong ones without saying
	 * so, until it makes the blinding anew (seen with 3.0.22, November 2026).
	 */
	for (unsigned i = 0; rc == 0 && i < RSA_TRIES; i++) {
		n = k->sig_len;
		if (EVP_PKEY_sign(w->rsa, sig, &n, (const unsigned char *)tbs.p, tbs.n) != 1)
			return dns_failure();
		if (n == k->sig_len)
			rc = dns_rsa_matches(w, k->check, sig, (const uint8_t *)tbs.p);
	}
	return rc < 0 ? rc : rc == 1 ? 0 : SE_CRYPTO;
}

static int
ed_sign(struct dns_work *w, const struct crypto_priv *k, struct sv tbs, uint8_t *sig)
{
	size_t n = k->sig_len;
	int rc;

	if ((rc = dns_work_md(w, k->pkey)) < 0)
		return rc;
	if (EVP_DigestSignInit(w->md, NULL, NULL, NULL, k->pkey) != 1 ||
	    EVP_DigestSign(w->md, sig, &n, (const unsigned char *)tbs.p, tbs.n) != 1)
		return dns_failure();
	return n == k->sig_len ? 0 : SE_CRYPTO;
}

static int
sign(struct dns_work *w, const struct crypto_priv *k, const struct dns_todo *t, size_t n)
{
	int rc = 0;

	if (k->alg->kind == DNS_EC)
		return dns_ec_sign(w, k, t, n);
	for (size_t i = 0; rc == 0 && i < n; i++)
		rc = k->alg->kind == DNS_RSA ? rsa_sign(w, k, t[i].tbs, t[i].sig) :
		    ed_sign(w, k, t[i].tbs, t[i].sig);
	return rc;
}

/* A chunk: first the digests, then the signatures. EdDSA has none, and one message at a time. */
static int
make_chunk(struct dns_work *w, const struct crypto_priv *k, const struct crypto_make *m, size_t n)
{
	uint8_t digest[DNS_CHUNK][SHA512_LEN];
	struct dns_todo t[DNS_CHUNK];
	int rc = 0;

	for (size_t i = 0; i < n; i++) {
		t[i] = (struct dns_todo){ { (char *)digest[i], k->alg->digest_len }, m[i].sig };
		if (k->alg->digest != NULL)
			k->alg->digest(m[i].data, digest[i]);
	}
	if (k->alg->digest != NULL)
		return sign(w, k, t, n);
	for (size_t i = 0; rc == 0 && i < n; i++)
		if ((rc = dns_work_join(w, m[i].data, &t[i].tbs)) == 0)
			rc = sign(w, k, &t[i], 1);
	return rc;
}

int
crypto_make_batch(const struct crypto_priv *k, struct crypto_make *m, size_t n)
{
	struct dns_work w = { 0 };
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < n; i += DNS_CHUNK)
		rc = make_chunk(&w, k, m + i, min_size(n - i, DNS_CHUNK));
	dns_work_done(&w);
	return rc;
}

static int
tbs_chunk(struct dns_work *w, const struct crypto_priv *k, const struct crypto_make_tbs *m, size_t n)
{
	struct dns_todo t[DNS_CHUNK];

	for (size_t i = 0; i < n; i++) {
		if (k->alg->digest != NULL && m[i].tbs.n != k->alg->digest_len)
			return -EINVAL;
		t[i] = (struct dns_todo){ m[i].tbs, m[i].sig };
	}
	return sign(w, k, t, n);
}

int
crypto_make_tbs_batch(const struct crypto_priv *k, struct crypto_make_tbs *m, size_t n)
{
	struct dns_work w = { 0 };
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < n; i += DNS_CHUNK)
		rc = tbs_chunk(&w, k, m + i, min_size(n - i, DNS_CHUNK));
	dns_work_done(&w);
	return rc;
}

/* --- the public half --- */

static int
bn_param(const EVP_PKEY *pkey, const char *name, BIGNUM **ret)
{
	return EVP_PKEY_get_bn_param(pkey, name, ret) == 1 ? 0 : dns_failure();
}

/* RFC 3110 section 2; the exponent has at most DNS_RSA_E_LEN octets. */
static int
rsa_public(struct crypto_priv *k)
{
	_cleanup_(BN_clear_freep) BIGNUM *n = NULL, *e = NULL;
	int rc, e_len;

	if ((rc = bn_param(k->pkey, OSSL_PKEY_PARAM_RSA_N, &n)) < 0 ||
	    (rc = bn_param(k->pkey, OSSL_PKEY_PARAM_RSA_E, &e)) < 0)
		return rc;
	e_len = BN_num_bytes(e);
	if (BN_num_bits(n) < DNS_RSA_MAKE_MIN || BN_num_bits(n) > DNS_RSA_BITS_MAX ||
	    e_len > DNS_RSA_E_LEN)
		return -EINVAL;
	k->sig_len = (size_t)BN_num_bytes(n);
	k->pub_len = 1 + (size_t)e_len + k->sig_len;
	k->pub[0] = (uint8_t)e_len;
	(void)BN_bn2bin(e, k->pub + 1);
	(void)BN_bn2bin(n, k->pub + 1 + e_len);
	return 0;
}

static int
ec_public(struct crypto_priv *k)
{
	_cleanup_(BN_clear_freep) BIGNUM *x = NULL, *y = NULL;
	int rc, half = (int)k->alg->key_len / 2;

	if ((rc = bn_param(k->pkey, OSSL_PKEY_PARAM_EC_PUB_X, &x)) < 0 ||
	    (rc = bn_param(k->pkey, OSSL_PKEY_PARAM_EC_PUB_Y, &y)) < 0)
		return rc;
	if (BN_bn2binpad(x, k->pub, half) < 0 || BN_bn2binpad(y, k->pub + half, half) < 0)
		return SE_CRYPTO;
	k->pub_len = k->alg->key_len;
	k->sig_len = k->alg->sig_len;
	if ((k->ec = EVP_PKEY_get1_EC_KEY(k->pkey)) == NULL)
		return dns_failure();
	return 0;
}

static int
ed_public(struct crypto_priv *k)
{
	k->pub_len = sizeof(k->pub);
	if (EVP_PKEY_get_raw_public_key(k->pkey, k->pub, &k->pub_len) != 1)
		return dns_failure();
	k->sig_len = k->alg->sig_len;
	return k->pub_len == k->alg->key_len ? 0 : -EINVAL;
}

/* --- a key from an OpenSSL one --- */

/* Is it of that algorithm? */
static bool
pkey_fits(const EVP_PKEY *pkey, const struct dns_alg *a)
{
	char curve[32];
	size_t n;

	if (a->kind != DNS_EC)
		return EVP_PKEY_is_a(pkey, a->name) == 1;
	return EVP_PKEY_is_a(pkey, "EC") == 1 &&
	    EVP_PKEY_get_group_name(pkey, curve, sizeof(curve), &n) == 1 &&
	    strcmp(curve, a->name) == 0;
}

/* What it signs must verify with what the DNSKEY will say. */
static int
probe(const struct crypto_priv *k)
{
	uint8_t sig[CRYPTO_DNSSIG_MAX];
	struct crypto_make m = { .data = { SV("sekisho"), SV(" "), SV("probe") }, .sig = sig };
	int rc = crypto_make_batch(k, &m, 1);

	if (rc == 0)
		rc = crypto_verify_one(k->check, m.data, (struct sv){ (const char *)sig, k->sig_len });
	return rc == 0 ? -EINVAL : rc < 0 ? rc : 0;
}

/* Takes pkey. -EINVAL: it is no key of that algorithm, or does not fit together. */
static int
priv_new(const struct dns_alg *a, EVP_PKEY *pkey, struct crypto_priv **ret)
{
	static int (*const publics[])(struct crypto_priv *) = {
		[DNS_RSA] = rsa_public, [DNS_EC] = ec_public, [DNS_ED] = ed_public,
	};
	_cleanup_(crypto_priv_freep) struct crypto_priv *k = calloc(1, sizeof(*k));
	int rc;

	if (k == NULL) {
		EVP_PKEY_free(pkey);
		return -ENOMEM;
	}
	k->alg = a;
	k->pkey = pkey;
	if (!pkey_fits(pkey, a))
		return -EINVAL;
	if ((rc = publics[a->kind](k)) < 0 ||
	    (rc = crypto_pub_new(a->alg, crypto_priv_public(k), &k->check)) < 0 ||
	    (rc = probe(k)) < 0)
		return rc == SE_CRYPTO ? -EINVAL : rc;
	*ret = TAKE_PTR(k);
	return 0;
}

struct crypto_priv *
crypto_priv_free(struct crypto_priv *k)
{
	if (k == NULL)
		return NULL;
	EC_KEY_free(k->ec);
	(void)crypto_pub_free(k->check);
	EVP_PKEY_free(k->pkey);
	free(k);
	return NULL;
}

uint8_t
crypto_priv_alg(const struct crypto_priv *k)
{
	return k->alg->alg;
}

struct sv
crypto_priv_public(const struct crypto_priv *k)
{
	return (struct sv){ (const char *)k->pub, k->pub_len };
}

size_t
crypto_priv_sig_len(const struct crypto_priv *k)
{
	return k->sig_len;
}

/* --- where keys come from --- */

int
crypto_priv_generate(uint8_t alg, unsigned bits, struct crypto_priv **ret)
{
	const struct dns_alg *a = dns_alg_find(alg);
	EVP_PKEY *pkey;

	if (a == NULL)
		return -ENOTSUP;
	ERR_clear_error();
	if (a->kind == DNS_RSA) {
		if (bits < DNS_RSA_MAKE_MIN || bits > DNS_RSA_BITS_MAX)
			return -EINVAL;
		pkey = EVP_RSA_gen((size_t)bits);	/* e = 65537 */
	} else if (a->kind == DNS_EC)
		pkey = EVP_EC_gen(a->name);
	else
		pkey = EVP_PKEY_Q_keygen(NULL, NULL, a->name);
	if (pkey == NULL)
		return dns_failure();
	return priv_new(a, pkey, ret);
}

/* "BEGIN PRIVATE KEY": nothing that would ask for a pass phrase. */
static EVP_PKEY *
pkcs8_read(BIO *bio)
{
	_cleanup_(PKCS8_PRIV_KEY_INFO_freep) PKCS8_PRIV_KEY_INFO *info =
	    PEM_read_bio_PKCS8_PRIV_KEY_INFO(bio, NULL, NULL, NULL);

	return info == NULL ? NULL : EVP_PKCS82PKEY(info);
}

/*
 * "BEGIN RSA PRIVATE KEY" (RFC 8017 appendix A.1.2), as tools for DKIM write it to this day. With
 * a header it is encrypted, and its octets are no key.
 */
static EVP_PKEY *
pkcs1_read(BIO *bio)
{
	char *name = NULL, *header = NULL;
	unsigned char *data = NULL;
	EVP_PKEY *pkey = NULL;
	const unsigned char *p;
	long n = 0;

	if (PEM_read_bio(bio, &name, &header, &data, &n) != 1)
		return NULL;
	p = data;
	if (strcmp(name, PEM_STRING_RSA) == 0 && header[0] == '\0')
		pkey = d2i_PrivateKey(EVP_PKEY_RSA, NULL, &p, n);
	OPENSSL_free(name);
	OPENSSL_free(header);
	OPENSSL_clear_free(data, (size_t)n);
	return pkey;
}

int
crypto_priv_parse(uint8_t alg, struct sv pem, struct crypto_priv **ret)
{
	static EVP_PKEY *(*const forms[])(BIO *) = { pkcs8_read, pkcs1_read };
	const struct dns_alg *a = dns_alg_find(alg);
	EVP_PKEY *pkey = NULL;

	if (a == NULL)
		return -ENOTSUP;
	if (pem.n == 0 || pem.n > PEM_MAX)
		return -EINVAL;
	ERR_clear_error();
	for (size_t i = 0; i < ARRAY_LEN(forms) && pkey == NULL; i++) {
		_cleanup_(BIO_freep) BIO *bio = BIO_new_mem_buf(pem.p, (int)pem.n);

		if (bio == NULL)
			return -ENOMEM;
		pkey = forms[i](bio);
	}
	if (pkey == NULL)
		return dns_failure() == -ENOMEM ? -ENOMEM : -EINVAL;
	ERR_clear_error();	/* of the form that it is not */
	return priv_new(a, pkey, ret);
}

int
crypto_priv_import(uint8_t alg, const struct crypto_numbers *x, struct crypto_priv **ret)
{
	const struct dns_alg *a = dns_alg_find(alg);
	EVP_PKEY *pkey = NULL;
	int rc = 0;

	if (a == NULL)
		return -ENOTSUP;
	ERR_clear_error();
	if (a->kind == DNS_RSA)
		rc = dns_rsa_from_numbers(x, &pkey);
	else if (a->kind == DNS_EC)
		rc = dns_ec_from_number(a, x->private_key, &pkey);
	else if (x->private_key.n != a->key_len)
		rc = -EINVAL;
	else if ((pkey = EVP_PKEY_new_raw_private_key_ex(NULL, a->name, NULL,
	    (const unsigned char *)x->private_key.p, x->private_key.n)) == NULL)
		rc = dns_failure();
	if (rc < 0)
		return rc;
	return priv_new(a, pkey, ret);
}

int
crypto_priv_write(const struct crypto_priv *k, struct buf *b)
{
	_cleanup_(PKCS8_PRIV_KEY_INFO_freep) PKCS8_PRIV_KEY_INFO *info = NULL;
	_cleanup_(BIO_freep) BIO *bio = BIO_new(BIO_s_mem());	/* wipes what it held */
	char *p;
	long n;

	if (bio == NULL)
		return -ENOMEM;
	info = EVP_PKEY2PKCS8(k->pkey);
	if (info == NULL || PEM_write_bio_PKCS8_PRIV_KEY_INFO(bio, info) != 1 ||
	    (n = BIO_get_mem_data(bio, &p)) <= 0)
		return dns_failure();
	buf_bytes(b, p, (size_t)n);
	return b->rc;
}
