/*
 * A DNSKEY's octets and a signature, of any bytes: ours, plain and prepared,
 * says what OpenSSL's generic verification says of the same key.
 *
 *	algorithm, length of the key (2), of the signature (2), both, the message
 */
#include <openssl/core_names.h>
#include <openssl/ecdsa.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <stdint.h>
#include <stdlib.h>

#include "base/rd.h"
#include "crypto/dnskey.h"

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static EVP_PKEY *
from_params(const char *type, OSSL_PARAM_BLD *b)
{
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, type, NULL);
	OSSL_PARAM *params = OSSL_PARAM_BLD_to_param(b);
	EVP_PKEY *k = NULL;

	if (ctx == NULL || params == NULL || EVP_PKEY_fromdata_init(ctx) != 1)
		abort();
	(void)EVP_PKEY_fromdata(ctx, &k, EVP_PKEY_PUBLIC_KEY, params);
	OSSL_PARAM_free(params);
	EVP_PKEY_CTX_free(ctx);
	return k;
}

/* By RFC 3110, of octets that ours has accepted. */
static EVP_PKEY *
rsa_key(struct sv key)
{
	struct rd r = rd_sv(key);
	size_t n = rd_u8(&r);
	OSSL_PARAM_BLD *b = OSSL_PARAM_BLD_new();
	BIGNUM *e, *m;
	EVP_PKEY *k;

	if (n == 0)
		n = rd_be16(&r);
	e = BN_bin2bn(rd_bytes(&r, n), (int)n, NULL);
	n = rd_left(&r);
	m = BN_bin2bn(rd_bytes(&r, n), (int)n, NULL);
	if (b == NULL || e == NULL || m == NULL ||
	    !OSSL_PARAM_BLD_push_BN(b, OSSL_PKEY_PARAM_RSA_N, m) ||
	    !OSSL_PARAM_BLD_push_BN(b, OSSL_PKEY_PARAM_RSA_E, e))
		abort();
	k = from_params("RSA", b);
	BN_free(e);
	BN_free(m);
	OSSL_PARAM_BLD_free(b);
	return k;
}

static EVP_PKEY *
ec_key(uint8_t alg, struct sv key)
{
	OSSL_PARAM_BLD *b = OSSL_PARAM_BLD_new();
	uint8_t point[97] = { 4 };
	EVP_PKEY *k;

	memcpy(point + 1, key.p, key.n);
	if (b == NULL || !OSSL_PARAM_BLD_push_utf8_string(b, OSSL_PKEY_PARAM_GROUP_NAME,
	    alg == 13 ? "P-256" : "P-384", 0) ||
	    !OSSL_PARAM_BLD_push_octet_string(b, OSSL_PKEY_PARAM_PUB_KEY, point, key.n + 1))
		abort();
	k = from_params("EC", b);
	OSSL_PARAM_BLD_free(b);
	return k;
}

static EVP_PKEY *
evp_key(uint8_t alg, struct sv key)
{
	if (alg <= 10)
		return rsa_key(key);
	if (alg <= 14)
		return ec_key(alg, key);
	return EVP_PKEY_new_raw_public_key_ex(NULL, alg == 15 ? "ED25519" : "ED448", NULL,
	    (const uint8_t *)key.p, key.n);
}

/* r || s as OpenSSL reads it, DER; NULL: of another length. */
static uint8_t *
sig_der(uint8_t alg, struct sv sig, size_t *ret_n)
{
	const uint8_t *p = (const uint8_t *)sig.p;
	int half = alg == 13 ? 32 : 48, n;
	ECDSA_SIG *s = ECDSA_SIG_new();
	uint8_t *der = NULL;

	if (s == NULL)
		abort();
	if (sig.n == 2 * (size_t)half) {
		if (!ECDSA_SIG_set0(s, BN_bin2bn(p, half, NULL), BN_bin2bn(p + half, half, NULL)) ||
		    (n = i2d_ECDSA_SIG(s, &der)) < 0)
			abort();
		*ret_n = (size_t)n;
	}
	ECDSA_SIG_free(s);
	return der;
}

static bool
evp_says(uint8_t alg, struct sv key, struct sv sig, struct sv msg)
{
	static const char *const digests[] = { [5] = "SHA1", [7] = "SHA1", [8] = "SHA256",
		[10] = "SHA512", [13] = "SHA256", [14] = "SHA384", [16] = NULL };
	EVP_PKEY *k = evp_key(alg, key);
	EVP_MD_CTX *md = EVP_MD_CTX_new();
	const uint8_t *s = (const uint8_t *)sig.p;
	size_t n = sig.n;
	uint8_t *der = NULL;
	bool yes = false;

	if (k == NULL || md == NULL)
		abort();		/* ours has taken the key */
	if (alg == 13 || alg == 14) {
		n = 0;
		s = der = sig_der(alg, sig, &n);
	}
	if (s != NULL && EVP_DigestVerifyInit_ex(md, NULL, digests[alg], NULL, NULL, k, NULL) == 1)
		yes = EVP_DigestVerify(md, s, n, (const uint8_t *)msg.p, msg.n) == 1;
	OPENSSL_free(der);
	EVP_MD_CTX_free(md);
	EVP_PKEY_free(k);
	ERR_clear_error();
	return yes;
}

static void
judge(uint8_t alg, struct sv key, struct sv sig, struct sv msg)
{
	const struct sv whole[CRYPTO_PIECES] = { msg };
	const struct sv cut[CRYPTO_PIECES] = { sv_take(msg, 3), sv_skip(msg, 3) };
	struct crypto_pub *k = NULL;
	int rc;

	if (crypto_pub_new(alg, key, &k) < 0)
		return;
	rc = crypto_verify_one(k, whole, sig);
	/* P-384 costs a millisecond each time: that one is not cut. */
	if (rc < 0 || (rc == 1) != evp_says(alg, key, sig, msg) ||
	    (alg != 14 && crypto_verify_one(k, cut, sig) != rc))
		abort();
	(void)crypto_pub_free(k);
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct rd r = rd_mem(p, n);
	uint8_t alg = rd_u8(&r);
	size_t key_len = rd_be16(&r), sig_len = rd_be16(&r);
	struct sv key = rd_slice(&r, key_len), sig = rd_slice(&r, sig_len);
	struct sv msg = rd_slice(&r, rd_left(&r));

	if (rd_done(&r))
		judge(alg, key, sig, msg);
	return 0;
}
