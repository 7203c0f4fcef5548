/* Does one certificate's key sign another? RSA and ECDSA as certificates have them, for crypto/. */
#include <errno.h>

#include "base/der.h"
#include "crypto/verify.h"
#include "mail/bimi_internal.h"

#define EC_LEN_MAX	48	/* octets of a number: P-384 */

static const struct sv oid_p256 = OID_(0x2a, (char)0x86, 0x48, (char)0xce, 0x3d, 0x03, 0x01, 0x07);
static const struct sv oid_p384 = OID_(0x2b, (char)0x81, 0x04, 0x00, 0x22);
static const struct sv oid_rsa_sha256 = OID_(0x2a, (char)0x86, 0x48, (char)0x86, (char)0xf7, 0x0d, 0x01, 0x01, 0x0b);
static const struct sv oid_rsa_sha512 = OID_(0x2a, (char)0x86, 0x48, (char)0x86, (char)0xf7, 0x0d, 0x01, 0x01, 0x0d);
static const struct sv oid_ecdsa_sha256 = OID_(0x2a, (char)0x86, 0x48, (char)0xce, 0x3d, 0x04, 0x03, 0x02);
static const struct sv oid_ecdsa_sha384 = OID_(0x2a, (char)0x86, 0x48, (char)0xce, 0x3d, 0x04, 0x03, 0x03);

/* crypto's numbers are DNSSEC's, and it has these four pairs. */
static const struct alg {
	const struct sv	*oid, *curve;	/* NULL: RSA */
	uint8_t		 number;
	size_t		 len;
} algs[] = {
	{ &oid_rsa_sha256, NULL, 8, 0 },
	{ &oid_rsa_sha512, NULL, 10, 0 },
	{ &oid_ecdsa_sha256, &oid_p256, 13, 32 },
	{ &oid_ecdsa_sha384, &oid_p384, 14, 48 },
};

static const struct alg *
alg_find(struct sv oid)
{
	for (size_t i = 0; i < ARRAY_LEN(algs); i++)
		if (sv_eq(*algs[i].oid, oid))
			return &algs[i];
	return NULL;
}

/* The point of a SubjectPublicKeyInfo on that curve, uncompressed (RFC 5480); .n is 0: it is none. */
static struct sv
point_read(struct sv spki, const struct alg *a)
{
	struct der_doc doc;
	struct der d = der_on(&doc, spki), in = der_enter(&d, DER_SEQUENCE), alg = der_enter(&in, DER_SEQUENCE);
	struct sv bits, curve;

	(void)der_oid(&alg);
	curve = der_oid(&alg);
	bits = der_octet_bits(&in);
	if (!der_ok(&in) || !sv_eq(curve, *a->curve) || bits.n != 1 + 2 * a->len || bits.p[0] != 4)
		return (struct sv){ NULL, 0 };
	return sv_skip(bits, 1);
}

/* ECDSA-Sig-Value as two numbers of the curve's length. */
static bool
numbers_read(struct sv der, size_t len, uint8_t out[static 2 * EC_LEN_MAX])
{
	struct der_doc doc;
	struct der d = der_on(&doc, der), in = der_enter(&d, DER_SEQUENCE);

	memset(out, 0, 2 * len);
	for (size_t i = 0; i < 2; i++) {
		struct sv n = der_integer(&in);

		if (!der_ok(&in) || !der_int_positive(n) || (n = der_int_magnitude(n)).n > len)
			return false;
		memcpy(out + (i + 1) * len - n.n, n.p, n.n);
	}
	der_end(&in);
	der_end(&d);
	return doc.fault == DER_OK;
}

static int
key_new(struct pool *pool, struct sv spki, const struct alg *a, struct crypto_pub **ret)
{
	struct sv key;
	unsigned bits;
	int rc;

	if (a->curve == NULL) {
		if ((rc = dkim_key_rsa(pool, spki, &key, &bits)) < 0)
			return rc;
	} else {
		key = point_read(spki, a);
	}
	return key.n == 0 ? -EINVAL : crypto_pub_new(a->number, key, ret);
}

int
bimi_cert_signed_by(struct pool *pool, const struct bimi_cert *c, const struct bimi_cert *issuer)
{
	_cleanup_(crypto_pub_freep) struct crypto_pub *key = NULL;
	const struct sv data[CRYPTO_PIECES] = { c->tbs };
	const struct alg *a = alg_find(c->alg);
	uint8_t numbers[2 * EC_LEN_MAX];
	struct sv sig = c->sig;
	int rc;

	if (a == NULL)
		return -ENOTSUP;
	if ((rc = key_new(pool, issuer->spki, a, &key)) < 0)
		return rc == -EINVAL ? 0 : rc;
	if (a->curve != NULL) {
		if (!numbers_read(c->sig, a->len, numbers))
			return 0;
		sig = (struct sv){ (const char *)numbers, 2 * a->len };
	}
	return crypto_verify_one(key, data, sig);
}
