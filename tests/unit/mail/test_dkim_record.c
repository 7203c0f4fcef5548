/* A key's record as we publish it is the key for whoever reads it. */
#include <errno.h>

#include "../tap.h"
#include "base/pool.h"
#include "mail/dkim.h"

static const struct {
	uint8_t			 alg;
	unsigned		 bits;
	enum dkim_key_type	 type;
	const char		*begins;
} keys[] = {
	{ 8, 1024, DKIM_KEY_RSA, "v=DKIM1; k=rsa; p=MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQ" },
	{ 8, 1032, DKIM_KEY_RSA, "v=DKIM1; k=rsa; p=MIGgMA0GCSqGSIb3DQEBAQUAA4GOADCBigKBgg" },
	{ 8, 2048, DKIM_KEY_RSA, "v=DKIM1; k=rsa; p=MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEA" },
	{ 15, 0, DKIM_KEY_ED25519, "v=DKIM1; k=ed25519; p=" },
};

static void
test_records(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
		_cleanup_(crypto_priv_freep) struct crypto_priv *priv = NULL;
		_cleanup_(pool_freep) struct pool *pool = pool_new(1 << 16);
		_cleanup_(buf_done) struct buf b = BUF_INIT;
		struct dkim_key k;

		assert_int_equal(crypto_priv_generate(keys[i].alg, keys[i].bits, &priv), 0);
		assert_int_equal(dkim_record_write(&b, priv), 0);
		assert_true(sv_starts(buf_get(&b), sv_str(keys[i].begins)));
		assert_int_equal(dkim_key_parse(pool, buf_get(&b), &k), 0);
		assert_int_equal(k.why, DKIM_FINE);
		assert_int_equal(k.type, keys[i].type);
		assert_true(sv_eq(k.public_key, crypto_priv_public(priv)));
	}
}

static void
test_others(void **state)
{
	_cleanup_(crypto_priv_freep) struct crypto_priv *priv = NULL;
	_cleanup_(buf_done) struct buf b = BUF_INIT;

	(void)state;
	assert_int_equal(crypto_priv_generate(13, 0, &priv), 0);
	assert_int_equal(dkim_record_write(&b, priv), -ENOTSUP);
	assert_int_equal(b.len, 0);
}

TESTS_MAIN("dkim_record", T(test_records), T(test_others))
