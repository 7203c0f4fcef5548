/*
 * RSASSA-PKCS1-v1_5 verification on OpenSSL's big numbers: what is not
 * RSA-2048, what is alone, and every machine without lanes.
 *
 * sig^65537 mod n by hand: into Montgomery form (one multiplication), sixteen
 * squarings, and one multiplication by the plain signature, which leaves
 * Montgomery form at the same time (a^65536*R * a / R = a^65537). That is 18
 * multiplications and nothing else; BN_mod_exp_mont() spends two more and
 * allocates. A key that was prepared keeps its Montgomery context from its
 * first signature here on (one that only meets the lanes never has any); for a
 * fresh one the context costs 7.8 us, key import through EVP would cost 133 us.
 *
 * The padding is compared with the one encoding RFC 8017 section 9.2 allows,
 * never parsed.
 */
#include <errno.h>
#include <stdatomic.h>
#include <string.h>

#include "base/err.h"
#include "crypto/crypto.h"
#include "crypto/dnskey_internal.h"

/* What one power is computed with; the numbers are the batch's or the key's. */
struct power {
	const BIGNUM	*n, *e;		/* e: NULL: 65537 */
	BN_MONT_CTX	*mont;
	size_t		 len;		/* octets of the modulus */
	BIGNUM		*s, *acc;
};

bool
dns_rsa_encode(const struct dns_alg *a, const uint8_t *digest, size_t len, uint8_t *em)
{
	size_t t_len = a->info.n + a->digest_len, ps_len;

	if (len < t_len + 11)		/* RFC 8017 section 9.2, step 3 */
		return false;
	ps_len = len - 3 - t_len;
	em[0] = 0;
	em[1] = 1;
	memset(em + 2, 0xff, ps_len);
	em[2 + ps_len] = 0;
	memcpy(em + 3 + ps_len, a->info.p, a->info.n);
	memcpy(em + 3 + ps_len + a->info.n, digest, a->digest_len);
	return true;
}

static bool
power(const struct power *p, BN_CTX *ctx)
{
	if (p->e != NULL && !BN_is_word(p->e, DNS_RSA_E))
		return BN_mod_exp_mont(p->acc, p->s, p->e, p->n, ctx, p->mont) == 1;
	if (!BN_to_montgomery(p->acc, p->s, p->mont, ctx))
		return false;
	for (int i = 0; i < 16; i++)
		if (!BN_mod_mul_montgomery(p->acc, p->acc, p->acc, p->mont, ctx))
			return false;
	return BN_mod_mul_montgomery(p->acc, p->acc, p->s, p->mont, ctx) == 1;
}

/* 1, 0, or negative. */
static int
matches(const struct power *p, const struct dns_alg *a, const uint8_t *sig, const uint8_t *digest,
    BN_CTX *ctx)
{
	uint8_t em[DNS_RSA_LEN_MAX], want[DNS_RSA_LEN_MAX];

	if (p->acc == NULL || BN_bin2bn(sig, (int)p->len, p->s) == NULL)
		return -ENOMEM;
	if (BN_cmp(p->s, p->n) >= 0)
		return 0;		/* RFC 8017 section 5.2.2: out of range */
	if (!power(p, ctx) || BN_bn2binpad(p->acc, em, (int)p->len) < 0)
		return dns_failure();
	return dns_rsa_encode(a, digest, p->len, want) && memcmp(em, want, p->len) == 0;
}

/* The key's; of two threads that make it at once, one throws its own away. */
static int
mont_get(const struct crypto_pub *k, BN_CTX *ctx, BN_MONT_CTX **ret)
{
	BN_MONT_CTX *m = atomic_load(k->mont), *made;

	if (m == NULL) {
		made = BN_MONT_CTX_new();
		if (made == NULL || !BN_MONT_CTX_set(made, k->n, ctx)) {
			BN_MONT_CTX_free(made);
			return dns_failure();
		}
		if (atomic_compare_exchange_strong(k->mont, &m, made))
			m = made;
		else
			BN_MONT_CTX_free(made);
	}
	*ret = m;
	return 0;
}

int
dns_rsa_matches(struct dns_work *w, const struct crypto_pub *k, const uint8_t *sig,
    const uint8_t *digest)
{
	struct power p = { .n = k->n, .e = k->e, .len = k->sig_len };
	int rc = dns_work_bn(w);

	if (rc < 0 || (rc = mont_get(k, w->ctx, &p.mont)) < 0)
		return rc;
	BN_CTX_start(w->ctx);
	p.s = BN_CTX_get(w->ctx);
	p.acc = BN_CTX_get(w->ctx);
	rc = matches(&p, k->alg, sig, digest, w->ctx);
	BN_CTX_end(w->ctx);
	return rc;
}

/* With a key that nobody prepared; its Montgomery context is the batch's. */
static int
fresh_matches(struct dns_work *w, const struct crypto_verify *v)
{
	struct power p = { .len = v->modulus.n };
	BIGNUM *n;
	int rc = dns_work_bn(w);

	if (rc < 0)
		return rc;
	if (w->mont == NULL && (w->mont = BN_MONT_CTX_new()) == NULL)
		return -ENOMEM;
	BN_CTX_start(w->ctx);
	p.n = n = BN_CTX_get(w->ctx);
	p.s = BN_CTX_get(w->ctx);
	p.acc = BN_CTX_get(w->ctx);
	p.mont = w->mont;
	if (p.acc == NULL ||
	    BN_bin2bn((const unsigned char *)v->modulus.p, (int)v->modulus.n, n) == NULL)
		rc = -ENOMEM;
	else if (!BN_MONT_CTX_set(w->mont, n, w->ctx))
		rc = dns_failure();
	else
		rc = matches(&p, dns_alg_find(DNS_RSASHA256), (const uint8_t *)v->sig.p,
		    (const uint8_t *)v->tbs.p, w->ctx);
	BN_CTX_end(w->ctx);
	return rc;
}

int
dns_rsa_check(struct dns_work *w, struct crypto_verify *const *v, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		int rc = v[i]->key == NULL ? fresh_matches(w, v[i]) :
		    dns_rsa_matches(w, v[i]->key, (const uint8_t *)v[i]->sig.p,
		    (const uint8_t *)v[i]->tbs.p);

		if (rc < 0)
			return rc;
		v[i]->ok = rc == 1;
	}
	return 0;
}
