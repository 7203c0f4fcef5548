/*
 * Public keys of DNSSEC: from octets to something one can compute with, and
 * batches of signatures. RSA by OpenSSL's big numbers with the key's
 * Montgomery context (crypto/verify.c says why), ECDSA in dnskey_ec.c, EdDSA
 * through EVP.
 */
#include <errno.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/rd.h"
#include "crypto/dnskey_internal.h"

#define RSA_BYTES_MAX	(DNS_RSA_BITS_MAX / 8)
#define RSA_E		65537		/* nearly every key's */

/* --- RSA --- */

static BIGNUM *
bn_of(struct sv s)
{
	return BN_bin2bn((const unsigned char *)s.p, (int)s.n, NULL);
}

/*
 * RFC 3110 section 2: the length of the exponent is one octet, or zero and
 * two octets; "Leading zero octets are prohibited in the exponent and
 * modulus." The long form for a short length is not prohibited.
 */
static bool
rsa_parse(struct sv key, struct sv *ret_e, struct sv *ret_n)
{
	struct rd r = rd_sv(key);
	size_t e_len = rd_u8(&r);

	if (e_len == 0)
		e_len = rd_be16(&r);
	*ret_e = rd_slice(&r, e_len);
	*ret_n = rd_slice(&r, rd_left(&r));
	return rd_done(&r) && ret_e->n > 0 && ret_e->n <= DNS_RSA_E_LEN &&
	    ret_n->n > 0 && ret_n->n <= RSA_BYTES_MAX && ret_e->p[0] != 0 && ret_n->p[0] != 0;
}

int
dns_rsa_pub_init(struct crypto_pub *k, struct sv key, bool prepare UNUSED)
{
	_cleanup_(BN_CTX_freep) BN_CTX *ctx = NULL;
	struct sv e, n;

	if (!rsa_parse(key, &e, &n))
		return -EINVAL;
	k->n = bn_of(n);
	k->e = bn_of(e);
	if (k->n == NULL || k->e == NULL)
		return -ENOMEM;
	k->bits = (unsigned)BN_num_bits(k->n);
	k->sig_len = n.n;
	if (k->bits < DNS_RSA_BITS_MIN || !BN_is_odd(k->n) || !BN_is_odd(k->e) ||
	    BN_is_one(k->e) || BN_cmp(k->e, k->n) >= 0)
		return -EINVAL;
	k->mont = BN_MONT_CTX_new();
	ctx = BN_CTX_new();
	if (k->mont == NULL || ctx == NULL || !BN_MONT_CTX_set(k->mont, k->n, ctx))
		return -ENOMEM;
	return 0;
}

/* EMSA-PKCS1-v1_5 of the digest, as long as the modulus: built, never parsed. */
static bool
rsa_padding_matches(const struct crypto_pub *k, const uint8_t *em, const uint8_t *digest)
{
	const struct dns_alg *a = k->alg;
	size_t t_len = a->info.n + a->digest_len, ps_len;
	uint8_t want[RSA_BYTES_MAX];

	if (k->sig_len < t_len + 11)		/* RFC 8017 section 9.2, step 3 */
		return false;
	ps_len = k->sig_len - 3 - t_len;
	want[0] = 0;
	want[1] = 1;
	memset(want + 2, 0xff, ps_len);
	want[2 + ps_len] = 0;
	memcpy(want + 3 + ps_len, a->info.p, a->info.n);
	memcpy(want + 3 + ps_len + a->info.n, digest, a->digest_len);
	return memcmp(em, want, k->sig_len) == 0;
}

/* acc = s^e mod n. For 65537 as in crypto/verify.c: 18 multiplications, nothing else. */
static bool
rsa_power(const struct crypto_pub *k, BIGNUM *acc, const BIGNUM *s, BN_CTX *ctx)
{
	if (!BN_is_word(k->e, RSA_E))
		return BN_mod_exp_mont(acc, s, k->e, k->n, ctx, k->mont) == 1;
	if (!BN_to_montgomery(acc, s, k->mont, ctx))
		return false;
	for (int i = 0; i < 16; i++)
		if (!BN_mod_mul_montgomery(acc, acc, acc, k->mont, ctx))
			return false;
	return BN_mod_mul_montgomery(acc, acc, s, k->mont, ctx) == 1;
}

static int
rsa_matches(struct dns_work *w, const struct crypto_pub *k, const uint8_t *sig,
    const uint8_t *digest, BIGNUM *s, BIGNUM *acc)
{
	uint8_t em[RSA_BYTES_MAX];

	if (acc == NULL || BN_bin2bn(sig, (int)k->sig_len, s) == NULL)
		return -ENOMEM;
	if (BN_cmp(s, k->n) >= 0)
		return 0;		/* RFC 8017 section 5.2.2: out of range */
	if (!rsa_power(k, acc, s, w->ctx) || BN_bn2binpad(acc, em, (int)k->sig_len) < 0)
		return dns_failure();
	return rsa_padding_matches(k, em, digest);
}

int
dns_rsa_matches(struct dns_work *w, const struct crypto_pub *k, const uint8_t *sig,
    const uint8_t *digest)
{
	BIGNUM *s, *acc;
	int rc = dns_work_bn(w);

	if (rc < 0)
		return rc;
	BN_CTX_start(w->ctx);
	s = BN_CTX_get(w->ctx);
	acc = BN_CTX_get(w->ctx);
	rc = rsa_matches(w, k, sig, digest, s, acc);
	BN_CTX_end(w->ctx);
	return rc;
}

int
dns_rsa_check(struct dns_work *w, struct crypto_check *const *c, size_t n)
{
	uint8_t digest[SHA512_LEN];

	for (size_t i = 0; i < n; i++) {
		const struct crypto_pub *k = c[i]->key;
		int rc;

		if (c[i]->sig.n != k->sig_len)
			continue;
		k->alg->digest(c[i]->data, digest);
		rc = dns_rsa_matches(w, k, (const uint8_t *)c[i]->sig.p, digest);
		if (rc < 0)
			return rc;
		c[i]->ok = rc == 1;
	}
	return 0;
}

/* --- EdDSA --- */

#define ED_SPARE	4096		/* more than any block that a verification asks for */

int
dns_ed_pub_init(struct crypto_pub *k, struct sv key, bool prepare UNUSED)
{
	if (key.n != k->alg->key_len)
		return -EINVAL;
	k->pkey = EVP_PKEY_new_raw_public_key_ex(NULL, k->alg->name, NULL,
	    (const unsigned char *)key.p, key.n);
	if (k->pkey == NULL)
		return dns_failure();
	k->sig_len = k->alg->sig_len;
	k->bits = (unsigned)EVP_PKEY_get_bits(k->pkey);
	return 0;
}

/* 1, 0 (which can also mean that memory ran out), or negative. */
static int
ed_ask(struct dns_work *w, const struct crypto_check *c, struct sv msg)
{
	int ok;

	if (EVP_DigestVerifyInit(w->md, NULL, NULL, NULL, c->key->pkey) != 1)
		return dns_failure();
	ok = EVP_DigestVerify(w->md, (const unsigned char *)c->sig.p, c->sig.n,
	    (const unsigned char *)msg.p, msg.n);
	return ok == 1 ? 1 : dns_failure() == -ENOMEM ? -ENOMEM : 0;
}

/*
 * OpenSSL 3.0 says "no" when it has no memory for the digest within, and no
 * error tells that: a "no" is asked for twice, and believed if there is memory.
 */
static int
ed_check_one(struct dns_work *w, struct crypto_check *c)
{
	struct sv msg;
	void *spare;
	int rc;

	if (c->sig.n != c->key->sig_len)
		return 0;
	if ((rc = dns_work_join(w, c->data, &msg)) < 0 || (rc = dns_work_md(w, c->key->pkey)) < 0)
		return rc;
	if ((rc = ed_ask(w, c, msg)) == 0)
		rc = ed_ask(w, c, msg);
	if (rc < 0)
		return rc;
	c->ok = rc == 1;
	if (c->ok)
		return 0;
	spare = OPENSSL_malloc(ED_SPARE);	/* malloc() could be optimized away */
	OPENSSL_free(spare);
	return spare == NULL ? -ENOMEM : 0;
}

int
dns_ed_check(struct dns_work *w, struct crypto_check *const *c, size_t n)
{
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < n; i++)
		rc = ed_check_one(w, c[i]);
	return rc;
}

/* --- all of them --- */

static const struct {
	int	(*init)(struct crypto_pub *, struct sv, bool prepare);
	int	(*check)(struct dns_work *, struct crypto_check *const *, size_t);
} kinds[] = {
	[DNS_RSA] = { dns_rsa_pub_init, dns_rsa_check },
	[DNS_EC] = { dns_ec_pub_init, dns_ec_check },
	[DNS_ED] = { dns_ed_pub_init, dns_ed_check },
};

struct crypto_pub *
crypto_pub_free(struct crypto_pub *k)
{
	if (k == NULL)
		return NULL;
	EVP_PKEY_free(k->pkey);
	BN_MONT_CTX_free(k->field);
	EC_POINT_free(k->q);
	EC_GROUP_free(k->own);
	EC_GROUP_free(k->group);
	BN_MONT_CTX_free(k->mont);
	BN_free(k->e);
	BN_free(k->n);
	free(k);
	return NULL;
}

int
crypto_pub_new(uint8_t alg, struct sv public_key, bool prepare, struct crypto_pub **ret)
{
	_cleanup_(crypto_pub_freep) struct crypto_pub *k = NULL;
	const struct dns_alg *a = dns_alg_find(alg);
	int rc;

	if (a == NULL)
		return -ENOTSUP;
	if ((k = calloc(1, sizeof(*k))) == NULL)
		return -ENOMEM;
	k->alg = a;
	if ((rc = kinds[a->kind].init(k, public_key, prepare)) < 0)
		return rc;
	*ret = TAKE_PTR(k);
	return 0;
}

unsigned
crypto_pub_bits(const struct crypto_pub *k)
{
	return k->bits;
}

size_t
crypto_pub_sig_len(const struct crypto_pub *k)
{
	return k->sig_len;
}

/* All items of one algorithm, wherever they stand, a chunk at a time. */
static int
check_alg(struct dns_work *w, const struct dns_alg *a, struct crypto_check *c, size_t n)
{
	struct crypto_check *chunk[DNS_CHUNK];
	size_t m = 0;
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < n; i++) {
		if (c[i].key->alg != a)
			continue;
		chunk[m++] = &c[i];
		if (m < DNS_CHUNK)
			continue;
		rc = kinds[a->kind].check(w, chunk, m);
		m = 0;
	}
	if (rc == 0 && m > 0)
		rc = kinds[a->kind].check(w, chunk, m);
	return rc;
}

int
crypto_check_batch(struct crypto_check *c, size_t n)
{
	const struct dns_alg *a;
	struct dns_work w = { 0 };
	int rc = 0;

	for (size_t i = 0; i < n; i++)
		c[i].ok = false;
	for (size_t i = 0; rc == 0 && (a = dns_alg_at(i)) != NULL; i++)
		rc = check_alg(&w, a, c, n);
	if (rc < 0)
		for (size_t i = 0; i < n; i++)
			c[i].ok = false;
	dns_work_done(&w);
	return rc;
}
