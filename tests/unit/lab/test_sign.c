/* Keys from pooled primes: their signatures verify, others do not. */
#include "../tap.h"

#include "crypto/crypto.h"

#define N_PRIMES	6
#define N_KEYS		(N_PRIMES * (N_PRIMES - 1) / 2)

static struct crypto_primes *
primes(uint64_t seed)
{
	struct crypto_primes *ps = crypto_primes_new(N_PRIMES, seed);

	assert_non_null(ps);
	for (size_t i = 0; i < N_PRIMES; i++)
		assert_int_equal(crypto_primes_make(ps, i), 0);
	return ps;
}

/* The modulus in a SubjectPublicKeyInfo of RSA-2048. */
static struct sv
modulus(const struct crypto_signer *s)
{
	struct sv spki = crypto_signer_spki(s);

	assert_int_equal(spki.n, 294);
	return (struct sv){ spki.p + 33, 256 };
}

static bool
verifies(const struct crypto_signer *s, const uint8_t digest[static SHA256_LEN],
    const uint8_t *sig)
{
	struct crypto_verify v = {
		.modulus = modulus(s), .exponent = 65537,
		.sig = { (const char *)sig, 256 },
		.tbs = { (const char *)digest, SHA256_LEN },
	};

	assert_int_equal(crypto_verify_batch(&v, 1), 0);
	return v.ok;
}

static void
round_trip(void **state UNUSED)
{
	struct crypto_primes *ps = primes(1);
	struct crypto_signer *s[N_KEYS];
	uint8_t digest[SHA256_LEN], sig[CRYPTO_SIG_MAX];
	size_t n;

	assert_int_equal(crypto_primes_for(N_KEYS), N_PRIMES);
	for (size_t i = 0; i < N_KEYS; i++) {
		s[i] = crypto_signer_pooled(ps, i);
		assert_non_null(s[i]);
		assert_true((modulus(s[i]).p[0] & 0x80) != 0);
		for (size_t k = 0; k < i; k++)
			assert_false(sv_eq(modulus(s[i]), modulus(s[k])));
	}
	assert_null(crypto_signer_pooled(ps, N_KEYS));
	for (size_t i = 0; i < N_KEYS; i++) {
		crypto_sha256(&i, sizeof(i), digest);
		assert_int_equal(crypto_sign(s[i], digest, sig, &n), 0);
		assert_int_equal(n, 256);
		assert_true(verifies(s[i], digest, sig));
		assert_false(verifies(s[(i + 1) % N_KEYS], digest, sig));
		digest[0] ^= 1;
		assert_false(verifies(s[i], digest, sig));
	}
	for (size_t i = 0; i < N_KEYS; i++)
		s[i] = crypto_signer_free(s[i]);
	(void)crypto_primes_free(ps);
}

/* The seed alone decides. */
static void
seeded(void **state UNUSED)
{
	struct crypto_primes *a = primes(7), *b = primes(7), *c = primes(8);
	struct crypto_signer *x = crypto_signer_pooled(a, 0), *y = crypto_signer_pooled(b, 0),
	    *z = crypto_signer_pooled(c, 0);

	assert_true(sv_eq(crypto_signer_spki(x), crypto_signer_spki(y)));
	assert_false(sv_eq(crypto_signer_spki(x), crypto_signer_spki(z)));
	(void)crypto_signer_free(x);
	(void)crypto_signer_free(y);
	(void)crypto_signer_free(z);
	(void)crypto_primes_free(a);
	(void)crypto_primes_free(b);
	(void)crypto_primes_free(c);
}

static void
odd_keys(void **state UNUSED)
{
	struct crypto_signer *s = crypto_signer_odd(3, 1024, 65537);
	uint8_t digest[SHA256_LEN] = { 0 }, sig[CRYPTO_SIG_MAX];
	size_t n = 0;

	assert_non_null(s);
	assert_int_equal(crypto_signer_spki(s).n, 162);
	assert_int_equal(crypto_sign(s, digest, sig, &n), 0);
	assert_int_equal(n, 128);
	(void)crypto_signer_free(s);
	s = crypto_signer_odd(3, 2048, 3);
	assert_int_equal(crypto_signer_spki(s).n, 292);
	(void)crypto_signer_free(s);
	assert_null(crypto_signer_odd(3, 4096, 3));
	assert_null(crypto_signer_odd(3, 2048, 4));
	assert_null(crypto_primes_new(CRYPTO_PRIMES_MAX + 1, 0));
}

TESTS_MAIN("crypto sign", T(round_trip), T(seeded), T(odd_keys))
