/* dkim_key: what is a fine key, crypto takes; the octets of a record, and the DER in it. */
#include <stdint.h>
#include <stdlib.h>

#include "mail/dkim.h"

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static void
must(bool ok)
{
	if (!ok)
		abort();
}

static void
usable(uint8_t alg, struct sv key, unsigned bits)
{
	struct crypto_pub *pub = NULL;
	int rc = crypto_pub_new(alg, key, &pub);

	must(rc == 0 && crypto_pub_bits(pub) == bits);
	(void)crypto_pub_free(pub);
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
	struct sv text = { (const char *)bytes, n }, key;
	struct pool *pool = pool_new(MAIL_POOL_MAX);
	struct dkim_key k;
	unsigned bits;

	must(dkim_key_parse(pool, text, &k) == 0);
	if (k.why == DKIM_FINE && k.type == DKIM_KEY_RSA)
		usable(8, k.public_key, k.bits);
	if (k.why == DKIM_FINE && k.type == DKIM_KEY_ED25519)
		must(k.public_key.n == 32);
	if (dkim_key_rsa(pool, text, &key, &bits) == 0 && bits >= DKIM_RSA_BITS_MIN && bits <= DKIM_RSA_BITS_MAX)
		usable(8, key, bits);
	(void)pool_free(pool);
	return 0;
}
