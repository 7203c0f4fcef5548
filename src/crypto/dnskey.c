/*
 * The algorithms of DNSSEC as a table, what is signed (crypto_tbs()), and
 * what tokens want and give.
 */
#define OPENSSL_SUPPRESS_DEPRECATED
#include <errno.h>
#include <limits.h>
#include <openssl/err.h>
#include <openssl/rand.h>
#include <openssl/sha.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/rd.h"
#include "crypto/crypto.h"
#include "crypto/dnskey_internal.h"

/* One digest over the pieces, by the low-level calls (digest.c says why). */
#define DIGEST(name, CTX, Init, Update, Final)				\
	static void							\
	name(const struct sv data[static CRYPTO_PIECES], uint8_t *ret)	\
	{								\
		CTX ctx;						\
									\
		(void)Init(&ctx);					\
		for (size_t i = 0; i < CRYPTO_PIECES; i++)		\
			(void)Update(&ctx, data[i].p, data[i].n);	\
		(void)Final(ret, &ctx);					\
	}

DIGEST(sha1, SHA_CTX, SHA1_Init, SHA1_Update, SHA1_Final)
DIGEST(sha256, SHA256_CTX, SHA256_Init, SHA256_Update, SHA256_Final)
DIGEST(sha384, SHA512_CTX, SHA384_Init, SHA384_Update, SHA384_Final)
DIGEST(sha512, SHA512_CTX, SHA512_Init, SHA512_Update, SHA512_Final)

/* DigestInfo up to the digest (RFC 8017 section 9.2, note 1). */
static const char info_sha1[] = "\x30\x21\x30\x09\x06\x05\x2b\x0e\x03\x02\x1a\x05\x00\x04\x14";
static const char info_sha256[] =
    "\x30\x31\x30\x0d\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x01\x05\x00\x04\x20";
static const char info_sha512[] =
    "\x30\x51\x30\x0d\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x03\x05\x00\x04\x40";

#define RSA(no, sha, len)	{ .alg = (no), .kind = DNS_RSA, .name = "RSA", .digest = sha,	\
	    .digest_len = (len), .info = { info_##sha, sizeof(info_##sha) - 1 } }
#define EC(no, curve, id, sha, len)	{ .alg = (no), .kind = DNS_EC, .name = (curve),	\
	    .nid = (id), .digest = sha, .digest_len = (len), .key_len = 2 * (len),		\
	    .sig_len = 2 * (len) }
#define ED(no, type, key, sig)	{ .alg = (no), .kind = DNS_ED, .name = (type),			\
	    .key_len = (key), .sig_len = (sig) }

/* The fields of both curves are as long as the digests (RFC 6605 section 4). */
static const struct dns_alg algs[] = {
	RSA(5, sha1, SHA1_LEN),
	RSA(7, sha1, SHA1_LEN),
	RSA(8, sha256, SHA256_LEN),
	RSA(10, sha512, SHA512_LEN),
	EC(13, "prime256v1", NID_X9_62_prime256v1, sha256, SHA256_LEN),
	EC(14, "secp384r1", NID_secp384r1, sha384, SHA384_LEN),
	ED(15, "ED25519", 32, 64),
	ED(16, "ED448", 57, 114),
};

const struct dns_alg *
dns_alg_at(size_t i)
{
	return i < ARRAY_LEN(algs) ? &algs[i] : NULL;
}

const struct dns_alg *
dns_alg_find(uint8_t alg)
{
	for (size_t i = 0; i < ARRAY_LEN(algs); i++)
		if (algs[i].alg == alg)
			return &algs[i];
	return NULL;
}

bool
crypto_dns_alg(uint8_t alg)
{
	return dns_alg_find(alg) != NULL;
}

int
crypto_random(void *dst, size_t n)
{
	if (n > INT_MAX)
		return -EINVAL;
	return RAND_bytes(dst, (int)n) == 1 ? 0 : dns_failure();
}

/* --- what is signed --- */

size_t
crypto_tbs_len(uint8_t alg, const struct sv data[static CRYPTO_PIECES])
{
	const struct dns_alg *a = dns_alg_find(alg);
	size_t n = 0;

	if (a == NULL)
		return 0;
	if (a->digest != NULL)
		return a->digest_len;
	for (size_t i = 0; i < CRYPTO_PIECES; i++)
		n += data[i].n;
	return n;
}

int
crypto_tbs(uint8_t alg, const struct sv data[static CRYPTO_PIECES], uint8_t *ret)
{
	const struct dns_alg *a = dns_alg_find(alg);

	if (a == NULL)
		return -ENOTSUP;
	if (a->digest != NULL) {
		a->digest(data, ret);
		return 0;
	}
	for (size_t i = 0; i < CRYPTO_PIECES; i++) {
		if (data[i].n > 0)
			memcpy(ret, data[i].p, data[i].n);
		ret += data[i].n;
	}
	return 0;
}

#define TBS_AT_ONCE	64

int
crypto_tbs_many(const struct crypto_tbs_item *t, size_t n)
{
	struct crypto_msg m[TBS_AT_ONCE];
	size_t k = 0;
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < n; i++) {
		const struct dns_alg *a = dns_alg_find(t[i].alg);

		if (a == NULL || a->digest != sha256) {
			rc = crypto_tbs(t[i].alg, t[i].msg.data, t[i].msg.ret);
			continue;
		}
		m[k++] = t[i].msg;
		if (k < TBS_AT_ONCE)
			continue;
		crypto_sha256_many(m, k);
		k = 0;
	}
	crypto_sha256_many(m, k);
	return rc;
}

struct sv
crypto_digest_info(uint8_t alg)
{
	const struct dns_alg *a = dns_alg_find(alg);

	return a == NULL ? (struct sv){ 0 } : a->info;
}

int
crypto_sig_wire(uint8_t alg, struct sv token, uint8_t *sig, size_t sig_len)
{
	const struct dns_alg *a = dns_alg_find(alg);
	size_t half = token.n / 2;

	if (a == NULL)
		return -ENOTSUP;
	if (a->sig_len != 0 && a->sig_len != sig_len)
		return -EINVAL;
	if (a->kind != DNS_EC) {
		if (token.n != sig_len)
			return -EINVAL;
		memcpy(sig, token.p, sig_len);
		return 0;
	}
	/* PKCS#11 2.40 section 2.3.1: r and s have one length, which can be shorter. */
	if (token.n == 0 || token.n % 2 != 0 || token.n > sig_len)
		return -EINVAL;
	memset(sig, 0, sig_len);
	memcpy(sig + sig_len / 2 - half, token.p, half);
	memcpy(sig + sig_len - half, token.p + half, half);
	return 0;
}

static struct sv
without_zeros(struct sv s)
{
	while (s.n > 0 && s.p[0] == 0)
		s = sv_skip(s, 1);
	return s;
}

/* A string of n octets (below 127) out of its DER header, or bare. */
static struct sv
unwrapped(struct sv s, size_t n)
{
	const char octets[] = { 0x04, (char)n }, bits[] = { 0x03, (char)(n + 1), 0 };

	if (s.n == n + 2 && sv_starts(s, (struct sv){ octets, 2 }))
		return sv_skip(s, 2);
	if (s.n == n + 3 && sv_starts(s, (struct sv){ bits, 3 }))
		return sv_skip(s, 3);
	return s;
}

/* The field for RFC 3110, 6605 or 8080; what is in it is judged by who reads it. */
static bool
token_write(const struct dns_alg *a, const struct crypto_token_key *t, struct wr *w)
{
	struct sv e = without_zeros(t->exponent), n = without_zeros(t->modulus);
	size_t form = a->kind == DNS_EC ? 1 : 0;	/* EC points: 4, then x and y */
	struct sv p = unwrapped(t->point, form + a->key_len);

	if (a->kind == DNS_RSA) {
		if (e.n > DNS_RSA_E_LEN)
			return false;
		wr_u8(w, (uint8_t)e.n);
		wr_bytes(w, e.p, e.n);
		wr_bytes(w, n.p, n.n);
		return wr_done(w);
	}
	if (p.n != form + a->key_len || (form == 1 && p.p[0] != POINT_CONVERSION_UNCOMPRESSED))
		return false;
	wr_bytes(w, p.p + form, a->key_len);
	return wr_done(w);
}

int
crypto_token_public(uint8_t alg, const struct crypto_token_key *t,
    uint8_t ret[static CRYPTO_DNSKEY_MAX], size_t *ret_n)
{
	_cleanup_(crypto_pub_freep) struct crypto_pub *k = NULL;
	const struct dns_alg *a = dns_alg_find(alg);
	uint8_t out[CRYPTO_DNSKEY_MAX];
	struct wr w = wr_mem(out, sizeof(out));
	int rc;

	if (a == NULL)
		return -ENOTSUP;
	if (!token_write(a, t, &w))
		return -EINVAL;
	if ((rc = crypto_pub_new(alg, (struct sv){ (char *)out, w.len }, &k)) < 0)
		return rc;
	memcpy(ret, out, w.len);
	*ret_n = w.len;
	return 0;
}

/* --- the state of a batch --- */

int
dns_failure(void)
{
	unsigned long e;
	int rc = SE_CRYPTO;

	/* The cause comes first, then each caller's own words. */
	while ((e = ERR_get_error()) != 0)
		if (ERR_GET_REASON(e) == ERR_R_MALLOC_FAILURE)
			rc = -ENOMEM;
	return rc;
}

int
dns_work_bn(struct dns_work *w)
{
	if (w->ctx == NULL)
		w->ctx = BN_CTX_new();
	return w->ctx == NULL ? -ENOMEM : 0;
}

/*
 * OpenSSL 3.0's EVP_Digest{Sign,Verify}Init() on a used context takes the key
 * that it has, not the one it is given; so another key is another beginning.
 */
int
dns_work_md(struct dns_work *w, const EVP_PKEY *pkey)
{
	if (w->md == NULL)
		w->md = EVP_MD_CTX_new();
	else if (w->md_key != pkey)
		(void)EVP_MD_CTX_reset(w->md);
	w->md_key = pkey;
	return w->md == NULL ? -ENOMEM : 0;
}

int
dns_work_join(struct dns_work *w, const struct sv data[static CRYPTO_PIECES], struct sv *ret)
{
	size_t n = 0, used = 0, last = 0;
	uint8_t *to;

	for (size_t i = 0; i < CRYPTO_PIECES; i++) {
		if (data[i].n == 0)
			continue;
		n += data[i].n;
		used++;
		last = i;
	}
	if (used <= 1) {
		*ret = data[last];
		return 0;
	}
	if (n > w->msg_cap) {
		free(w->msg);
		w->msg_cap = 0;
		if ((w->msg = malloc(max_size(n, 4096))) == NULL)
			return -ENOMEM;
		w->msg_cap = max_size(n, 4096);
	}
	to = w->msg;
	for (size_t i = 0; i < CRYPTO_PIECES; i++) {
		if (data[i].n > 0)
			memcpy(to, data[i].p, data[i].n);
		to += data[i].n;
	}
	*ret = (struct sv){ (const char *)w->msg, n };
	return 0;
}

void
dns_work_done(struct dns_work *w)
{
	free(w->msg);
	BN_MONT_CTX_free(w->mont);
	EVP_PKEY_CTX_free(w->rsa);
	EVP_MD_CTX_free(w->md);
	BN_CTX_free(w->ctx);
	*w = (struct dns_work){ 0 };
}
