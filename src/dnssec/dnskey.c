/* DNSKEY (RFC 4034 section 2), DS (section 5), CDS and CDNSKEY (RFC 7344, RFC 8078). */
#include <errno.h>

#include "base/rd.h"
#include "crypto/crypto.h"
#include "dnssec/dnssec.h"

#define ALG_RSAMD5	1

int
dnskey_parse(struct sv rdata, struct dnskey *ret)
{
	struct rd r = rd_sv(rdata);
	struct dnskey k = { .flags = rd_be16(&r), .protocol = rd_u8(&r), .alg = rd_u8(&r) };

	k.public_key = rd_slice(&r, rd_left(&r));
	if (!rd_done(&r))
		return -EBADMSG;
	*ret = k;
	return 0;
}

size_t
dnskey_write(const struct dnskey *k, uint8_t dst[static DNSKEY_RDATA_MAX])
{
	struct wr w = wr_mem(dst, DNSKEY_RDATA_MAX);

	wr_be16(&w, k->flags);
	wr_u8(&w, k->protocol);
	wr_u8(&w, k->alg);
	wr_bytes(&w, k->public_key.p, k->public_key.n);
	return wr_done(&w) ? w.len : 0;
}

/*
 * Appendix B.1: the last 24 bits of the modulus but 8, which end the key. It
 * needs no more than those three octets.
 */
static uint16_t
tag_rsamd5(const uint8_t *p, size_t n)
{
	if (n < 4 + 3)
		return 0;
	return (uint16_t)(p[n - 3] << 8 | p[n - 2]);
}

uint16_t
dnskey_tag(struct sv rdata)
{
	const uint8_t *p = (const uint8_t *)rdata.p;
	uint32_t sum = 0;

	if (rdata.n >= 4 && p[3] == ALG_RSAMD5)
		return tag_rsamd5(p, rdata.n);
	for (size_t i = 0; i < rdata.n; i++)
		sum += (i & 1) != 0 ? p[i] : (uint32_t)p[i] << 8;
	sum += sum >> 16 & 0xffff;
	return (uint16_t)sum;
}

/* The octets of an RSA modulus (RFC 3110 section 2); 0: no such key. */
static size_t
rsa_modulus_len(struct sv public_key)
{
	struct rd r = rd_sv(public_key);
	size_t e_len = rd_u8(&r);

	if (e_len == 0)
		e_len = rd_be16(&r);
	(void)rd_bytes(&r, e_len);
	while (rd_left(&r) > 0 && *r.p == 0)	/* leading zeros are forbidden, and seen */
		(void)rd_u8(&r);
	return rd_left(&r);
}

size_t
dnskey_sig_len(struct sv rdata)
{
	static const struct { uint8_t alg; uint8_t key_len, sig_len; } fixed[] = {
		{ 13, 64, 64 }, { 14, 96, 96 }, { 15, 32, 64 }, { 16, 57, 114 },
	};
	struct dnskey k;
	size_t n;

	if (dnskey_parse(rdata, &k) < 0)
		return 0;
	for (size_t i = 0; i < ARRAY_LEN(fixed); i++)
		if (fixed[i].alg == k.alg)
			return fixed[i].key_len == k.public_key.n ? fixed[i].sig_len : 0;
	if (k.alg != 8 && k.alg != 10)
		return 0;
	n = rsa_modulus_len(k.public_key);
	return n <= CRYPTO_DNSSIG_MAX ? n : 0;
}

int
ds_parse(struct sv rdata, struct ds *ret)
{
	struct rd r = rd_sv(rdata);
	struct ds d = { .tag = rd_be16(&r), .alg = rd_u8(&r), .digest_type = rd_u8(&r) };

	d.digest = rd_slice(&r, rd_left(&r));
	if (!rd_done(&r))
		return -EBADMSG;
	*ret = d;
	return 0;
}

/* RFC 4034 section 5.1.4: of the owner in canonical form, then the DNSKEY's data. */
static int
ds_digest(const struct dname *owner, struct sv dnskey, uint8_t type,
    uint8_t dst[static SHA384_LEN], size_t *ret_n)
{
	uint8_t text[DNS_NAME_MAX + DNSKEY_RDATA_MAX];
	struct wr w = wr_mem(text, sizeof(text));

	wr_bytes(&w, owner->w, owner->len);
	dns_lower(text, owner->len);
	wr_bytes(&w, dnskey.p, dnskey.n);
	if (!wr_done(&w))
		return -E2BIG;
	switch (type) {
	case 1:
		crypto_sha1(text, w.len, dst);
		*ret_n = SHA1_LEN;
		return 0;
	case 2:
		crypto_sha256(text, w.len, dst);
		*ret_n = SHA256_LEN;
		return 0;
	case 4:
		crypto_sha384(text, w.len, dst);
		*ret_n = SHA384_LEN;
		return 0;
	default:
		return -ENOTSUP;
	}
}

int
ds_write(const struct dname *owner, struct sv dnskey, uint8_t digest_type,
    uint8_t dst[static DS_RDATA_MAX], size_t *ret_n)
{
	uint8_t digest[SHA384_LEN];
	struct wr w = wr_mem(dst, DS_RDATA_MAX);
	struct dnskey k;
	size_t n;
	int rc = dnskey_parse(dnskey, &k);

	if (rc < 0)
		return rc;
	rc = ds_digest(owner, dnskey, digest_type, digest, &n);
	if (rc < 0)
		return rc;
	wr_be16(&w, dnskey_tag(dnskey));
	wr_u8(&w, k.alg);
	wr_u8(&w, digest_type);
	wr_bytes(&w, digest, n);
	*ret_n = w.len;
	return wr_done(&w) ? 0 : -E2BIG;
}

bool
ds_matches(struct sv ds, const struct dname *owner, struct sv dnskey)
{
	uint8_t own[DS_RDATA_MAX];
	struct ds d;
	size_t n;

	if (ds_parse(ds, &d) < 0 || ds_write(owner, dnskey, d.digest_type, own, &n) < 0)
		return false;
	return sv_eq(ds, (struct sv){ (const char *)own, n });
}

/* RFC 8078 section 4 with its erratum 5049: the digest, and the key, are one zero octet. */
struct sv
cds_delete(void)
{
	return (struct sv){ "\0\0\0\0\0", 5 };
}

struct sv
cdnskey_delete(void)
{
	return (struct sv){ "\0\0\3\0\0", 5 };
}
