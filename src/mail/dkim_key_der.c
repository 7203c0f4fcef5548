/*
 * RSA keys out of DER (X.690), strictly: SubjectPublicKeyInfo (RFC 5280) or
 * the RSAPublicKey inside (RFC 8017 appendix A.1.1), into RFC 3110's form.
 */
#include <errno.h>

#include "mail/dkim.h"

#define DER_INTEGER	0x02
#define DER_BIT_STRING	0x03
#define DER_SEQUENCE	0x30

/* A definite length in as few octets as it needs; up to 65535, far above any key. */
static size_t
length_read(struct rd *r)
{
	size_t n = rd_u8(r), least = 0x80;

	if (n < 0x80)
		return n;
	if (n == 0x81) {
		n = rd_u8(r);
	} else if (n == 0x82) {
		n = rd_be16(r);
		least = 0x100;
	} else {
		n = 0;
	}
	r->bad |= n < least;
	return n;
}

static struct rd
der_open(struct rd *r, uint8_t tag)
{
	if (rd_u8(r) != tag)
		r->bad = true;
	return rd_sub(r, length_read(r));
}

/* A positive INTEGER without its sign's octet, which is there only where it must be. */
static struct sv
integer_read(struct rd *r)
{
	struct rd in = der_open(r, DER_INTEGER), rest = in;
	uint8_t top = rd_u8(&rest);
	bool has_sign = top == 0;

	if (has_sign) {
		in = rest;
		top = rd_u8(&rest);
	}
	r->bad |= rest.bad || ((top & 0x80) != 0) != has_sign;
	return rd_slice(&in, rd_left(&in));
}

/* RSAPublicKey ::= SEQUENCE { modulus INTEGER, publicExponent INTEGER } */
static bool
rsa_read(struct rd r, struct sv *ret_n, struct sv *ret_e)
{
	struct rd seq = der_open(&r, DER_SEQUENCE);

	*ret_n = integer_read(&seq);
	*ret_e = integer_read(&seq);
	return rd_done(&seq) && rd_done(&r);
}

/* AlgorithmIdentifier: rsaEncryption (1.2.840.113549.1.1.1) with NULL (RFC 8017 appendix A.1). */
static const uint8_t rsa_encryption[] = {
	0x30, 0x0d, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01, 0x05, 0x00
};

/* The BIT STRING's octets, whole ones. Leaves r bad where it is none. */
static struct rd
spki_open(struct rd r)
{
	struct rd seq = der_open(&r, DER_SEQUENCE), bits;
	const uint8_t *alg = rd_bytes(&seq, sizeof(rsa_encryption));

	if (alg == NULL || memcmp(alg, rsa_encryption, sizeof(rsa_encryption)) != 0)
		seq.bad = true;
	bits = der_open(&seq, DER_BIT_STRING);
	if (rd_u8(&bits) != 0 || !rd_done(&seq) || !rd_done(&r))
		bits.bad = true;
	return bits;
}

/* RFC 3110 section 2: the exponent's length, exponent, modulus. */
static int
field_write(struct pool *pool, struct sv n, struct sv e, struct sv *ret)
{
	size_t cap = 3 + e.n + n.n;
	uint8_t *p = pool_alloc(pool, cap);
	struct wr w = wr_mem(p, cap);

	if (p == NULL)
		return -ENOMEM;
	if (e.n < 0x100) {
		wr_u8(&w, (uint8_t)e.n);
	} else {
		wr_u8(&w, 0);
		wr_be16(&w, (uint16_t)e.n);
	}
	wr_bytes(&w, e.p, e.n);
	wr_bytes(&w, n.p, n.n);
	*ret = (struct sv){ (const char *)p, w.len };
	return 0;
}

/* Odd, the exponent above 1 and of up to 64 bits: what crypto_pub_new() takes. */
static bool
numbers_ok(struct sv n, struct sv e)
{
	return n.n > e.n && e.n <= 8 && (n.p[n.n - 1] & 1) != 0 && (e.p[e.n - 1] & 1) != 0 &&
	    (e.n > 1 || e.p[0] != 1);
}

int
dkim_key_rsa(struct pool *pool, struct sv der, struct sv *ret_key, unsigned *ret_bits)
{
	struct sv n, e;
	int rc;

	if (!rsa_read(rd_sv(der), &n, &e) && !rsa_read(spki_open(rd_sv(der)), &n, &e))
		return -EINVAL;
	if (!numbers_ok(n, e))
		return -EINVAL;
	if ((rc = field_write(pool, n, e, ret_key)) < 0)
		return rc;
	*ret_bits = 8 * (unsigned)n.n;
	for (uint8_t top = (uint8_t)n.p[0]; (top & 0x80) == 0; top = (uint8_t)(top << 1))
		--*ret_bits;
	return 0;
}
