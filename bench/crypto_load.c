#include "crypto_load.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/rand.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <string.h>

#include "crypto/dnskey.h"
#include "kit.h"

#define RSA_BITS	2048
#define RSA_E		65537
#define RSA_KEYS	32
#define P256		13		/* its number in DNSSEC's registry */
#define P256_HALF	32
#define P256_SIGS	16		/* of each key, where there are many */

size_t
load_next(struct load *l, size_t n)
{
	size_t at = l->at + n <= l->n_items ? l->at : 0;

	l->at = at + (l->stride > 0 ? l->stride : n);
	return at;
}

/* --- keys --- */

static void *
room(size_t n, size_t size)
{
	void *p = calloc(n, size);

	if (p == NULL)
		die("calloc");
	return p;
}

static void
rsa_pub(struct load_key *k)
{
	BIGNUM *n = NULL;

	if (EVP_PKEY_get_bn_param(k->pkey, OSSL_PKEY_PARAM_RSA_N, &n) != 1 ||
	    BN_bn2binpad(n, k->number, NUMBER_LEN) != NUMBER_LEN ||
	    crypto_pub_rsa((struct sv){ (const char *)k->number, NUMBER_LEN }, RSA_E, &k->pub) < 0)
		die("taking an RSA key");
	BN_free(n);
}

static void
p256_pub(struct load_key *k)
{
	uint8_t point[1 + 2 * P256_HALF];
	size_t n;

	if (EVP_PKEY_get_octet_string_param(k->pkey, OSSL_PKEY_PARAM_PUB_KEY, point, sizeof(point),
	    &n) != 1 || n != sizeof(point))
		die("taking a point");
	memcpy(k->number, point + 1, n - 1);
	if (crypto_pub_new(P256, (struct sv){ (const char *)k->number, n - 1 }, &k->pub) < 0)
		die("taking a P-256 key");
}

static void
key_make(struct load_key *k, bool rsa)
{
	k->pkey = rsa ? EVP_RSA_gen(RSA_BITS) : EVP_EC_gen("P-256");
	if (k->pkey == NULL || (k->ctx = EVP_PKEY_CTX_new(k->pkey, NULL)) == NULL ||
	    EVP_PKEY_verify_init(k->ctx) != 1 ||
	    EVP_PKEY_CTX_set_signature_md(k->ctx, EVP_sha256()) != 1 ||
	    (rsa && EVP_PKEY_CTX_set_rsa_padding(k->ctx, RSA_PKCS1_PADDING) != 1) ||
	    (k->spki_len = i2d_PUBKEY(k->pkey, &k->spki)) <= 0)
		die("making a key");
	if (rsa)
		rsa_pub(k);
	else
		p256_pub(k);
}

static void
keys_make(struct load *l, size_t n, bool rsa)
{
	l->n_keys = n;
	l->keys = room(n, sizeof(*l->keys));
	for (size_t i = 0; i < n; i++)
		key_make(&l->keys[i], rsa);
}

/* --- signatures --- */

/* r and s, of P-256's DER. */
static void
p256_plain(struct load_sig *s)
{
	const unsigned char *der = s->der;
	ECDSA_SIG *rs = d2i_ECDSA_SIG(NULL, &der, (long)s->der_len);

	if (rs == NULL || BN_bn2binpad(ECDSA_SIG_get0_r(rs), s->sig, P256_HALF) != P256_HALF ||
	    BN_bn2binpad(ECDSA_SIG_get0_s(rs), s->sig + P256_HALF, P256_HALF) != P256_HALF)
		die("reading a signature");
	s->sig_len = 2 * P256_HALF;
	ECDSA_SIG_free(rs);
}

static void
sig_make(struct load_sig *s, const struct load_key *k, bool rsa)
{
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(k->pkey, NULL);

	s->key = k;
	s->der_len = sizeof(s->der);
	if (ctx == NULL || RAND_bytes(s->digest, DIGEST_LEN) != 1 ||
	    EVP_PKEY_sign_init(ctx) != 1 || EVP_PKEY_CTX_set_signature_md(ctx, EVP_sha256()) != 1 ||
	    EVP_PKEY_sign(ctx, s->der, &s->der_len, s->digest, DIGEST_LEN) != 1)
		die("signing");
	EVP_PKEY_CTX_free(ctx);
	if (!rsa) {
		p256_plain(s);
		return;
	}
	memcpy(s->sig, s->der, s->der_len);
	s->sig_len = s->der_len;
}

/* Neighbours have different keys. */
static void
sigs_make(struct load *l, size_t n, bool rsa)
{
	l->n_sigs = n;
	l->sigs = room(n, sizeof(*l->sigs));
	for (size_t i = 0; i < n; i++)
		sig_make(&l->sigs[i], &l->keys[i % l->n_keys], rsa);
}

static struct crypto_verify
item(const struct load_sig *s)
{
	return (struct crypto_verify){ .key = s->key->pub,
		.tbs = { (const char *)s->digest, DIGEST_LEN },
		.sig = { (const char *)s->sig, s->sig_len } };
}

static void
items_make(struct load *l, size_t n)
{
	l->n_items = n;
	l->items = room(n, sizeof(*l->items));
}

/* --- loads --- */

void
load_rsa(struct load *ret_fresh, struct load *ret_prepared)
{
	struct load l = { .name = "rsa2048-prepared" };

	keys_make(&l, RSA_KEYS, true);
	sigs_make(&l, BATCH_MAX, true);
	items_make(&l, BATCH_MAX);
	for (size_t i = 0; i < BATCH_MAX; i++)
		l.items[i] = item(&l.sigs[i]);
	*ret_prepared = l;
	l.name = "rsa2048-fresh";
	items_make(&l, BATCH_MAX);
	for (size_t i = 0; i < BATCH_MAX; i++) {
		l.items[i] = item(&l.sigs[i]);
		l.items[i].key = NULL;
		l.items[i].modulus = (struct sv){ (const char *)l.sigs[i].key->number, NUMBER_LEN };
		l.items[i].exponent = RSA_E;
	}
	*ret_fresh = l;
}

void
load_p256(struct load *ret, const char *name, size_t n_keys)
{
	struct load l = { .name = name };

	keys_make(&l, n_keys, false);
	sigs_make(&l, n_keys == 1 ? BATCH_MAX : n_keys * P256_SIGS, false);
	items_make(&l, n_keys * BATCH_MAX);
	/* Runs of BATCH_MAX of one key; signatures i, i + n_keys, … are its own. */
	for (size_t i = 0; i < l.n_items; i++)
		l.items[i] = item(&l.sigs[(i / BATCH_MAX + i % BATCH_MAX * n_keys) % l.n_sigs]);
	l.stride = n_keys == 1 ? 0 : BATCH_MAX;
	*ret = l;
}
