/*
 * Private keys from numbers, as BIND's .private files and tokens show them.
 * RSA's factors can be missing: they follow from n, e and d.
 */
#include <errno.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/param_build.h>
#include <string.h>

#include "base/err.h"
#include "crypto/dnskey_internal.h"

DEFINE_CLEANUP(OSSL_PARAM_BLD, OSSL_PARAM_BLD_free)
DEFINE_CLEANUP(OSSL_PARAM, OSSL_PARAM_free)
DEFINE_CLEANUP(EC_GROUP, EC_GROUP_free)
DEFINE_CLEANUP(EC_POINT, EC_POINT_clear_free)

#define EC_POINT_MAX	(1 + 2 * 48)	/* P-384, uncompressed */

/* --- RSA --- */

/* n, e, d, p, q, dp, dq, qinv: in the order of struct crypto_numbers. */
enum { N, E, D, P, Q, DP, DQ, QINV, N_NUMBERS };

static const char *const names[N_NUMBERS] = {
	OSSL_PKEY_PARAM_RSA_N, OSSL_PKEY_PARAM_RSA_E, OSSL_PKEY_PARAM_RSA_D,
	OSSL_PKEY_PARAM_RSA_FACTOR1, OSSL_PKEY_PARAM_RSA_FACTOR2,
	OSSL_PKEY_PARAM_RSA_EXPONENT1, OSSL_PKEY_PARAM_RSA_EXPONENT2,
	OSSL_PKEY_PARAM_RSA_COEFFICIENT1,
};

#define BASES		64	/* tried; each finds the factors with probability 1/2 or more */

struct numbers {
	BIGNUM	*v[N_NUMBERS];
	BN_CTX	*ctx;
};

static void
numbers_done(struct numbers *x)
{
	for (size_t i = 0; i < N_NUMBERS; i++)
		BN_clear_free(x->v[i]);
	BN_CTX_free(x->ctx);
}

/* Missing ones become zero. Secure, so that OpenSSL wipes its copies. */
static int
numbers_init(struct numbers *x, const struct crypto_numbers *in)
{
	const struct sv from[N_NUMBERS] = {
		in->n, in->e, in->d, in->p, in->q, in->dp, in->dq, in->qinv,
	};

	if ((x->ctx = BN_CTX_secure_new()) == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < N_NUMBERS; i++) {
		if (from[i].n > DNS_RSA_BITS_MAX / 8 + 1)
			return -EINVAL;
		if ((x->v[i] = BN_secure_new()) == NULL ||
		    BN_bin2bn((const unsigned char *)from[i].p, (int)from[i].n, x->v[i]) == NULL)
			return -ENOMEM;
		if (i >= D)
			BN_set_flags(x->v[i], BN_FLG_CONSTTIME);
	}
	if (BN_num_bits(x->v[N]) < DNS_RSA_MAKE_MIN || BN_num_bits(x->v[N]) > DNS_RSA_BITS_MAX ||
	    BN_num_bytes(x->v[E]) > DNS_RSA_E_LEN || !BN_is_odd(x->v[N]) || !BN_is_odd(x->v[E]) ||
	    BN_is_one(x->v[E]) || BN_is_zero(x->v[D]) || BN_cmp(x->v[D], x->v[N]) >= 0)
		return -EINVAL;
	return 0;
}

/*
 * One base g: the roots of g^(de-1) = 1, from g^t upwards. One that is
 * neither 1 nor -1 shares a factor with n. 1: found; 0: not by this base.
 */
static int
factor_try(struct numbers *x, BN_ULONG base, const BIGNUM *t, int doublings)
{
	BIGNUM *g = BN_CTX_get(x->ctx), *y = BN_CTX_get(x->ctx), *top = BN_CTX_get(x->ctx);

	if (top == NULL || !BN_set_word(g, base) || !BN_copy(top, x->v[N]) || !BN_sub_word(top, 1) ||
	    !BN_mod_exp(g, g, t, x->v[N], x->ctx))
		return dns_failure();
	for (int i = 0; i < doublings && !BN_is_one(g) && BN_cmp(g, top) != 0; i++) {
		if (!BN_mod_sqr(y, g, x->v[N], x->ctx))
			return dns_failure();
		if (BN_is_one(y)) {
			if (!BN_sub_word(g, 1) || !BN_gcd(x->v[P], g, x->v[N], x->ctx) ||
			    !BN_div(x->v[Q], NULL, x->v[N], x->v[P], x->ctx))
				return dns_failure();
			return 1;
		}
		if (!BN_copy(g, y))
			return dns_failure();
	}
	return 0;
}

/* p and q from n, e and d. -EINVAL: these are no key's. */
static int
factors_find(struct numbers *x)
{
	BIGNUM *t = BN_CTX_get(x->ctx);
	int doublings = 0, rc = 0;

	if (t == NULL || !BN_mul(t, x->v[D], x->v[E], x->ctx) || !BN_sub_word(t, 1))
		return dns_failure();
	while (!BN_is_zero(t) && !BN_is_odd(t)) {
		if (!BN_rshift1(t, t))
			return dns_failure();
		doublings++;
	}
	for (BN_ULONG base = 2; rc == 0 && base < 2 + BASES; base++) {
		BN_CTX_start(x->ctx);
		rc = factor_try(x, base, t, doublings);
		BN_CTX_end(x->ctx);
	}
	return rc == 0 ? -EINVAL : rc < 0 ? rc : 0;
}

/* d mod (p - 1) and so on, where they are missing. */
static int
crt_find(struct numbers *x)
{
	BIGNUM *less = BN_CTX_get(x->ctx);

	if (less == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < 2; i++) {
		if (!BN_is_zero(x->v[DP + i]))
			continue;
		if (!BN_copy(less, x->v[P + i]) || !BN_sub_word(less, 1) ||
		    !BN_mod(x->v[DP + i], x->v[D], less, x->ctx))
			return dns_failure();
	}
	if (BN_is_zero(x->v[QINV]) &&
	    BN_mod_inverse(x->v[QINV], x->v[Q], x->v[P], x->ctx) == NULL)
		return dns_failure() == -ENOMEM ? -ENOMEM : -EINVAL;
	return 0;
}

static int
numbers_complete(struct numbers *x)
{
	int rc = 0;

	BN_CTX_start(x->ctx);
	if (BN_is_zero(x->v[P]) && BN_is_zero(x->v[Q]))
		rc = factors_find(x);
	else if (BN_is_zero(x->v[P]) || BN_is_zero(x->v[Q]))
		rc = -EINVAL;
	if (rc == 0)
		rc = crt_find(x);
	BN_CTX_end(x->ctx);
	return rc;
}

static int
pkey_build(const char *type, OSSL_PARAM_BLD *b, EVP_PKEY **ret)
{
	_cleanup_(EVP_PKEY_CTX_freep) EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, type, NULL);
	_cleanup_(OSSL_PARAM_freep) OSSL_PARAM *params = OSSL_PARAM_BLD_to_param(b);

	if (ctx == NULL || params == NULL || EVP_PKEY_fromdata_init(ctx) != 1 ||
	    EVP_PKEY_fromdata(ctx, ret, EVP_PKEY_KEYPAIR, params) != 1)
		return dns_failure();
	return 0;
}

static int
rsa_build(const struct numbers *x, EVP_PKEY **ret)
{
	_cleanup_(OSSL_PARAM_BLD_freep) OSSL_PARAM_BLD *b = OSSL_PARAM_BLD_new();

	if (b == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < N_NUMBERS; i++)
		if (!OSSL_PARAM_BLD_push_BN(b, names[i], x->v[i]))
			return dns_failure();
	return pkey_build("RSA", b, ret);
}

/* Primes, products and inverses: a wrong one costs speed or, with a fault, the key. */
static int
rsa_judge(EVP_PKEY *pkey)
{
	_cleanup_(EVP_PKEY_CTX_freep) EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_pkey(NULL, pkey, NULL);

	if (ctx == NULL)
		return -ENOMEM;
	if (EVP_PKEY_check(ctx) != 1)
		return dns_failure() == -ENOMEM ? -ENOMEM : -EINVAL;
	return 0;
}

int
dns_rsa_from_numbers(const struct crypto_numbers *in, EVP_PKEY **ret)
{
	_cleanup_(numbers_done) struct numbers x = { 0 };
	_cleanup_(EVP_PKEY_freep) EVP_PKEY *pkey = NULL;
	int rc;

	if ((rc = numbers_init(&x, in)) < 0 || (rc = numbers_complete(&x)) < 0 ||
	    (rc = rsa_build(&x, &pkey)) < 0 || (rc = rsa_judge(pkey)) < 0)
		return rc == SE_CRYPTO ? -EINVAL : rc;
	*ret = TAKE_PTR(pkey);
	return 0;
}

/* --- ECDSA --- */

/* The public point of d, uncompressed: a private key does not come with it. */
static int
point_of(const struct dns_alg *a, const BIGNUM *d, uint8_t ret[static EC_POINT_MAX], size_t *ret_n)
{
	_cleanup_(EC_GROUP_freep) EC_GROUP *group = EC_GROUP_new_by_curve_name(a->nid);
	_cleanup_(EC_POINT_clear_freep) EC_POINT *q = group == NULL ? NULL : EC_POINT_new(group);

	if (q == NULL)
		return -ENOMEM;
	if (BN_is_zero(d) || BN_cmp(d, EC_GROUP_get0_order(group)) >= 0)
		return -EINVAL;
	if (!EC_POINT_mul(group, q, d, NULL, NULL, NULL))
		return dns_failure();
	*ret_n = EC_POINT_point2oct(group, q, POINT_CONVERSION_UNCOMPRESSED, ret, EC_POINT_MAX, NULL);
	return *ret_n > 0 ? 0 : dns_failure();
}

int
dns_ec_from_number(const struct dns_alg *a, struct sv number, EVP_PKEY **ret)
{
	_cleanup_(BN_clear_freep) BIGNUM *d = BN_secure_new();
	_cleanup_(OSSL_PARAM_BLD_freep) OSSL_PARAM_BLD *b = OSSL_PARAM_BLD_new();
	uint8_t point[EC_POINT_MAX];
	size_t n;
	int rc;

	if (number.n == 0 || number.n > a->digest_len)
		return -EINVAL;
	if (d == NULL || b == NULL ||
	    BN_bin2bn((const unsigned char *)number.p, (int)number.n, d) == NULL)
		return -ENOMEM;
	BN_set_flags(d, BN_FLG_CONSTTIME);
	if ((rc = point_of(a, d, point, &n)) < 0)
		return rc;
	if (!OSSL_PARAM_BLD_push_utf8_string(b, OSSL_PKEY_PARAM_GROUP_NAME, a->name, 0) ||
	    !OSSL_PARAM_BLD_push_octet_string(b, OSSL_PKEY_PARAM_PUB_KEY, point, n) ||
	    !OSSL_PARAM_BLD_push_BN(b, OSSL_PKEY_PARAM_PRIV_KEY, d))
		return dns_failure();
	return pkey_build("EC", b, ret);
}
