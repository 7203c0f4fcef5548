/*
 * RSASSA-PKCS1-v1_5 verification on OpenSSL's big numbers.
 *
 * sig^65537 mod n by hand: into Montgomery form (one multiplication), sixteen
 * squarings, and one multiplication by the plain signature, which leaves
 * Montgomery form at the same time (a^65536*R * a / R = a^65537). That is 18
 * multiplications and nothing else; BN_mod_exp_mont() spends two more and
 * allocates. A prepared key keeps its Montgomery context; for a fresh one the
 * context costs 7.8 us, key import through EVP would cost 133 us.
 *
 * The padding is compared with the one encoding RFC 8017 section 9.2 allows,
 * never parsed: that is what keeps Bleichenbacher's low-exponent forgeries
 * out.
 */
#define OPENSSL_SUPPRESS_DEPRECATED
#include <errno.h>
#include <openssl/bn.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "crypto/crypto.h"

#define RSA_BYTES_MAX	512	/* 4096 bits: all that any profile has allowed */
#define EXPONENT	65537	/* RFC 7935 section 3 fixes it */

/* DigestInfo of SHA-256 up to the digest (RFC 8017 section 9.2, note 1). */
static const uint8_t digest_info[] = {
	0x30, 0x31, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01,
	0x65, 0x03, 0x04, 0x02, 0x01, 0x05, 0x00, 0x04, 0x20,
};

struct crypto_rsa {
	BIGNUM		*n;
	BN_MONT_CTX	*mont;
	size_t		 len;		/* bytes of the modulus */
};

/* What one batch computes in; made once a batch. */
struct work {
	BN_CTX		*ctx;
	BN_MONT_CTX	*mont;		/* for fresh keys */
	BIGNUM		*n, *s, *acc;
};

static void
work_done(struct work *w)
{
	BN_free(w->acc);
	BN_free(w->s);
	BN_free(w->n);
	BN_MONT_CTX_free(w->mont);
	BN_CTX_free(w->ctx);
}

static int
work_init(struct work *w)
{
	w->ctx = BN_CTX_new();
	w->mont = BN_MONT_CTX_new();
	w->n = BN_new();
	w->s = BN_new();
	w->acc = BN_new();
	if (w->ctx == NULL || w->mont == NULL || w->n == NULL ||
	    w->s == NULL || w->acc == NULL)
		return -ENOMEM;
	return 0;
}

/* A modulus we are willing to compute with; the profile is judged elsewhere. */
static bool
modulus_usable(struct sv m, uint32_t exponent)
{
	return exponent == EXPONENT && m.n >= 64 && m.n <= RSA_BYTES_MAX &&
	    (m.p[0] & 0x80) != 0 && (m.p[m.n - 1] & 1) != 0;
}

bool
crypto_rsa_usable(struct sv modulus, uint32_t exponent)
{
	return modulus_usable(modulus, exponent);
}

struct crypto_rsa *
crypto_rsa_free(struct crypto_rsa *r)
{
	if (r == NULL)
		return NULL;
	BN_MONT_CTX_free(r->mont);
	BN_free(r->n);
	free(r);
	return NULL;
}

struct crypto_rsa *
crypto_rsa_new(struct sv modulus, uint32_t exponent)
{
	_cleanup_(crypto_rsa_freep) struct crypto_rsa *r = NULL;
	BN_CTX *ctx;
	int ok;

	if (!modulus_usable(modulus, exponent) ||
	    (r = calloc(1, sizeof(*r))) == NULL)
		return NULL;
	r->len = modulus.n;
	r->n = BN_bin2bn((const unsigned char *)modulus.p, (int)modulus.n, NULL);
	r->mont = BN_MONT_CTX_new();
	ctx = BN_CTX_new();
	ok = r->n != NULL && r->mont != NULL && ctx != NULL &&
	    BN_MONT_CTX_set(r->mont, r->n, ctx);
	BN_CTX_free(ctx);
	if (!ok)
		return NULL;
	return TAKE_PTR(r);
}

/* EMSA-PKCS1-v1_5 of the digest, as long as the modulus. */
static bool
padding_matches(const uint8_t *em, size_t len, const uint8_t digest[SHA256_LEN])
{
	size_t t_len = sizeof(digest_info) + SHA256_LEN;
	size_t ps_len = len - 3 - t_len;
	uint8_t want[RSA_BYTES_MAX];

	want[0] = 0;
	want[1] = 1;
	memset(want + 2, 0xff, ps_len);
	want[2 + ps_len] = 0;
	memcpy(want + 3 + ps_len, digest_info, sizeof(digest_info));
	memcpy(want + 3 + ps_len + sizeof(digest_info), digest, SHA256_LEN);
	return memcmp(em, want, len) == 0;
}

static int
power(struct work *w, const BIGNUM *n, BN_MONT_CTX *mont)
{
	if (BN_cmp(w->s, n) >= 0)
		return 0;		/* RFC 8017 section 5.2.2: out of range */
	if (!BN_to_montgomery(w->acc, w->s, mont, w->ctx))
		return SE_CRYPTO;
	for (int i = 0; i < 16; i++)
		if (!BN_mod_mul_montgomery(w->acc, w->acc, w->acc, mont, w->ctx))
			return SE_CRYPTO;
	if (!BN_mod_mul_montgomery(w->acc, w->acc, w->s, mont, w->ctx))
		return SE_CRYPTO;
	return 1;
}

static int
verify_one(struct work *w, struct crypto_verify *v, bool *ret_ok)
{
	const BIGNUM *n = w->n;
	BN_MONT_CTX *mont = w->mont;
	size_t len = v->modulus.n;
	uint8_t em[RSA_BYTES_MAX];
	int rc;

	*ret_ok = false;
	if (v->rsa != NULL) {
		n = v->rsa->n;
		mont = v->rsa->mont;
		len = v->rsa->len;
	} else if (!modulus_usable(v->modulus, v->exponent))
		return 0;
	if (v->sig.n != len)
		return 0;
	if (v->rsa == NULL &&
	    (BN_bin2bn((const unsigned char *)v->modulus.p, (int)len, w->n) == NULL ||
	    !BN_MONT_CTX_set(w->mont, w->n, w->ctx)))
		return SE_CRYPTO;
	if (BN_bin2bn((const unsigned char *)v->sig.p, (int)len, w->s) == NULL)
		return SE_CRYPTO;
	if ((rc = power(w, n, mont)) <= 0)
		return rc;
	if (BN_bn2binpad(w->acc, em, (int)len) < 0)
		return SE_CRYPTO;
	*ret_ok = padding_matches(em, len, v->digest);
	return 0;
}

int
crypto_verify_batch(struct crypto_verify *v, size_t n)
{
	struct work w = { 0 };
	int rc = work_init(&w);

	for (size_t i = 0; rc == 0 && i < n; i++)
		rc = verify_one(&w, &v[i], &v[i].ok);
	if (rc < 0)
		for (size_t i = 0; i < n; i++)
			v[i].ok = false;
	work_done(&w);
	return rc;
}
