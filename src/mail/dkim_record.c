/* The record of a key, as it is to be published: RFC 6376 section 3.6.1, RFC 8463 section 4. */
#include <errno.h>

#include "base/base64.h"
#include "mail/dkim.h"

#define DNS_RSASHA256	8
#define DNS_ED25519	15

#define DER_INTEGER	0x02
#define DER_BIT_STRING	0x03
#define DER_NULL	0x05
#define DER_OID		0x06
#define DER_SEQUENCE	0x30

/* rsaEncryption, 1.2.840.113549.1.1.1 */
static const uint8_t rsa_oid[] = { 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01 };

/* Octets of a tag, its length, and so many behind them: below 65536, as all keys are. */
static size_t
der_len(size_t n)
{
	return n + (n < 0x80 ? 2 : n < 0x100 ? 3 : 4);
}

static void
der_head(struct wr *w, uint8_t tag, size_t n)
{
	wr_u8(w, tag);
	if (n < 0x80) {
		wr_u8(w, (uint8_t)n);
	} else if (n < 0x100) {
		wr_u8(w, 0x81);
		wr_u8(w, (uint8_t)n);
	} else {
		wr_u8(w, 0x82);
		wr_be16(w, (uint16_t)n);
	}
}

/* A positive number whose highest bit is set has a zero before it. */
static size_t
integer_len(struct sv v)
{
	return v.n + ((uint8_t)v.p[0] >> 7);
}

static void
integer_put(struct wr *w, struct sv v)
{
	der_head(w, DER_INTEGER, integer_len(v));
	if (integer_len(v) > v.n)
		wr_u8(w, 0);
	wr_bytes(w, v.p, v.n);
}

/* SubjectPublicKeyInfo, as all the world publishes it, of RFC 3110's exponent and modulus. */
static int
rsa_put(struct wr *w, struct sv public)
{
	size_t e_len = (uint8_t)public.p[0], alg, body;
	struct sv e = sv_take(sv_skip(public, 1), e_len), n = sv_skip(public, 1 + e_len);

	if (e.n == 0 || n.n == 0)
		return -EINVAL;
	alg = der_len(sizeof(rsa_oid)) + der_len(0);
	body = der_len(integer_len(n)) + der_len(integer_len(e));
	der_head(w, DER_SEQUENCE, der_len(alg) + der_len(1 + der_len(body)));
	der_head(w, DER_SEQUENCE, alg);
	der_head(w, DER_OID, sizeof(rsa_oid));
	wr_bytes(w, rsa_oid, sizeof(rsa_oid));
	der_head(w, DER_NULL, 0);
	der_head(w, DER_BIT_STRING, 1 + der_len(body));
	wr_u8(w, 0);
	der_head(w, DER_SEQUENCE, body);
	integer_put(w, n);
	integer_put(w, e);
	return 0;
}

int
dkim_record_write(struct buf *b, const struct crypto_priv *key)
{
	struct sv public = crypto_priv_public(key);
	uint8_t der[CRYPTO_DNSKEY_MAX + 64];
	char text[2 * sizeof(der)];
	struct wr w = wr_mem(der, sizeof(der));
	bool is_rsa = crypto_priv_alg(key) == DNS_RSASHA256;
	int rc = 0;

	if (!is_rsa && crypto_priv_alg(key) != DNS_ED25519)
		return -ENOTSUP;
	if (is_rsa)
		rc = rsa_put(&w, public);
	else
		wr_bytes(&w, public.p, public.n);
	if (rc < 0 || !wr_done(&w))
		return -EINVAL;
	buf_printf(b, "v=DKIM1; k=%s; p=", is_rsa ? "rsa" : "ed25519");
	buf_bytes(b, text, base64_encode(text, der, w.len));
	return b->rc;
}
