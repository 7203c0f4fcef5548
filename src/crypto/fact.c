/* Signatures as bytes: named (facts) and sent to whoever computes. */
#include "crypto/crypto.h"
#include "crypto/digest.h"

void
crypto_item_write(struct wr *w, const struct crypto_verify *v)
{
	wr_be16(w, (uint16_t)v->modulus.n);
	wr_bytes(w, v->modulus.p, v->modulus.n);
	wr_be32(w, v->exponent);
	wr_be16(w, (uint16_t)v->sig.n);
	wr_bytes(w, v->sig.p, v->sig.n);
	wr_bytes(w, v->tbs.p, v->tbs.n);
}

void
crypto_item_parse(struct rd *r, struct crypto_verify *ret)
{
	const uint8_t *p;
	size_t n;

	*ret = (struct crypto_verify){ .key = NULL };
	n = rd_be16(r);
	p = rd_bytes(r, n);
	ret->modulus = (struct sv){ (const char *)p, n };
	ret->exponent = rd_be32(r);
	n = rd_be16(r);
	p = rd_bytes(r, n);
	ret->sig = (struct sv){ (const char *)p, n };
	p = rd_bytes(r, SHA256_LEN);
	ret->tbs = (struct sv){ (const char *)p, SHA256_LEN };
}

#define ITEMS_AT_ONCE	8		/* pairs are enough (crypto/digest.h) */

void
crypto_fact_many(const struct crypto_verify *v, size_t n, uint8_t (*ret)[CRYPTO_FACT_LEN])
{
	uint8_t item[ITEMS_AT_ONCE][CRYPTO_ITEM_MAX];
	struct crypto_msg m[ITEMS_AT_ONCE];

	for (size_t i = 0, k; i < n; i += k) {
		k = min_size(n - i, ITEMS_AT_ONCE);
		for (size_t j = 0; j < k; j++) {
			struct wr w = wr_mem(item[j], sizeof(item[j]));

			crypto_item_write(&w, &v[i + j]);
			/* Longer than any key of the profile: it never verified, it has no name. */
			m[j] = (struct crypto_msg){ .ret = ret[i + j],
			    .data = { { (const char *)item[j], wr_done(&w) ? w.len : 0 } } };
		}
		crypto_sha256_many(m, k);
	}
}

void
crypto_fact(const struct crypto_verify *v, uint8_t ret[static CRYPTO_FACT_LEN])
{
	crypto_fact_many(v, 1, (uint8_t (*)[CRYPTO_FACT_LEN])ret);
}

void
crypto_fact_all(const uint8_t *facts, size_t n, uint8_t ret[static CRYPTO_FACT_LEN])
{
	static const char kind[] = "all of";	/* no item begins so: its modulus would be short */

	crypto_sha256_2(kind, sizeof(kind), facts, n * CRYPTO_FACT_LEN, ret);
}
