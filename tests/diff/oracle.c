/* What EVP says of a signature. */
#include "oracle.h"

#include <openssl/core_names.h>
#include <openssl/ecdsa.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <openssl/rsa.h>
#include <stdlib.h>
#include <string.h>

#include "base/rd.h"

struct oracle {
	EVP_PKEY	*key;
	EVP_PKEY_CTX	*ctx;		/* NULL: EdDSA */
	size_t		 half;		/* ECDSA: octets of r */
};

static const EVP_MD *
md_of(uint8_t alg)
{
	switch (alg) {
	case 5:
	case 7:
		return EVP_sha1();
	case 8:
	case 13:
		return EVP_sha256();
	case 10:
		return EVP_sha512();
	case 14:
		return EVP_sha384();
	default:
		return NULL;
	}
}

static const unsigned char *
octets(struct sv s)
{
	return (const unsigned char *)s.p;
}

/* Takes the key over. */
static struct oracle *
oracle_new(EVP_PKEY *key, uint8_t alg)
{
	struct oracle *o;

	ERR_clear_error();
	if (key == NULL)
		return NULL;
	if ((o = calloc(1, sizeof(*o))) == NULL)
		abort();
	o->key = key;
	if (alg >= 15)
		return o;
	o->half = alg == 13 ? 32 : alg == 14 ? 48 : 0;
	if ((o->ctx = EVP_PKEY_CTX_new_from_pkey(NULL, key, NULL)) == NULL ||
	    EVP_PKEY_verify_init(o->ctx) != 1 ||
	    EVP_PKEY_CTX_set_signature_md(o->ctx, md_of(alg)) != 1 ||
	    (o->half == 0 && EVP_PKEY_CTX_set_rsa_padding(o->ctx, RSA_PKCS1_PADDING) != 1))
		abort();
	return o;
}

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

struct oracle *
oracle_rsa(uint8_t alg, struct sv modulus, struct sv exponent)
{
	OSSL_PARAM_BLD *b = OSSL_PARAM_BLD_new();
	BIGNUM *n = BN_bin2bn(octets(modulus), (int)modulus.n, NULL);
	BIGNUM *e = BN_bin2bn(octets(exponent), (int)exponent.n, NULL);
	EVP_PKEY *k;

	if (b == NULL || n == NULL || e == NULL ||
	    !OSSL_PARAM_BLD_push_BN(b, OSSL_PKEY_PARAM_RSA_N, n) ||
	    !OSSL_PARAM_BLD_push_BN(b, OSSL_PKEY_PARAM_RSA_E, e))
		abort();
	k = from_params("RSA", b);
	OSSL_PARAM_BLD_free(b);
	BN_free(n);
	BN_free(e);
	return oracle_new(k, alg);
}

struct oracle *
oracle_ec(uint8_t alg, struct sv xy)
{
	OSSL_PARAM_BLD *b = OSSL_PARAM_BLD_new();
	uint8_t point[1 + 96] = { 4 };
	EVP_PKEY *k;

	if (xy.n > sizeof(point) - 1)
		return NULL;
	memcpy(point + 1, xy.p, xy.n);
	if (b == NULL || !OSSL_PARAM_BLD_push_utf8_string(b, OSSL_PKEY_PARAM_GROUP_NAME,
	    alg == 13 ? "P-256" : "P-384", 0) ||
	    !OSSL_PARAM_BLD_push_octet_string(b, OSSL_PKEY_PARAM_PUB_KEY, point, xy.n + 1))
		abort();
	k = from_params("EC", b);
	OSSL_PARAM_BLD_free(b);
	return oracle_new(k, alg);
}

struct oracle *
oracle_ed(uint8_t alg, struct sv key)
{
	return oracle_new(EVP_PKEY_new_raw_public_key_ex(NULL, alg == 15 ? "ED25519" : "ED448",
	    NULL, octets(key), key.n), alg);
}

struct oracle *
oracle_dnskey(uint8_t alg, struct sv field)
{
	struct rd r = rd_sv(field);
	struct sv exponent;
	size_t n;

	if (alg >= 15)
		return oracle_ed(alg, field);
	if (alg >= 13)
		return oracle_ec(alg, field);
	if ((n = rd_u8(&r)) == 0)	/* RFC 3110 */
		n = rd_be16(&r);
	exponent = rd_slice(&r, n);
	return r.bad ? NULL : oracle_rsa(alg, rd_slice(&r, rd_left(&r)), exponent);
}

struct oracle *
oracle_free(struct oracle *o)
{
	if (o == NULL)
		return NULL;
	EVP_PKEY_CTX_free(o->ctx);
	EVP_PKEY_free(o->key);
	free(o);
	return NULL;
}

/* r || s as EVP reads it. */
static bool
ec_says(struct oracle *o, struct sv tbs, struct sv sig)
{
	ECDSA_SIG *s = ECDSA_SIG_new();
	unsigned char der[128], *p = der;
	int n;

	if (sig.n != 2 * o->half) {
		ECDSA_SIG_free(s);
		return false;
	}
	if (s == NULL || !ECDSA_SIG_set0(s, BN_bin2bn(octets(sig), (int)o->half, NULL),
	    BN_bin2bn(octets(sig) + o->half, (int)o->half, NULL)) ||
	    (n = i2d_ECDSA_SIG(s, &p)) <= 0)
		abort();
	ECDSA_SIG_free(s);
	return EVP_PKEY_verify(o->ctx, der, (size_t)n, octets(tbs), tbs.n) == 1;
}

static bool
ed_says(struct oracle *o, struct sv tbs, struct sv sig)
{
	EVP_MD_CTX *md = EVP_MD_CTX_new();
	bool yes;

	if (md == NULL || EVP_DigestVerifyInit_ex(md, NULL, NULL, NULL, NULL, o->key, NULL) != 1)
		abort();
	yes = EVP_DigestVerify(md, octets(sig), sig.n, octets(tbs), tbs.n) == 1;
	EVP_MD_CTX_free(md);
	return yes;
}

bool
oracle_says(struct oracle *o, struct sv tbs, struct sv sig)
{
	bool yes;

	if (o->ctx == NULL)
		yes = ed_says(o, tbs, sig);
	else if (o->half > 0)
		yes = ec_says(o, tbs, sig);
	else
		yes = EVP_PKEY_verify(o->ctx, octets(sig), sig.n, octets(tbs), tbs.n) == 1;
	if (!yes)
		ERR_clear_error();
	return yes;
}
