/* RSA signatures: what verifies, and all that must not. */
#include "../tap.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/rd.h"
#include "crypto/crypto.h"
#include "rpki/der.h"

#include <openssl/bn.h>

struct pair {
	struct crypto_primes	*primes;
	struct crypto_signer	*signer;
	uint8_t			 mod[256];
	struct sv		 modulus;
};

/* The modulus inside a SubjectPublicKeyInfo, without its leading zero. */
static void
modulus_of(const struct crypto_signer *s, uint8_t *ret, size_t *ret_n)
{
	struct der_doc doc;
	struct der d = der_on(&doc, crypto_signer_spki(s)), in = der_enter(&d, DER_SEQUENCE);
	unsigned unused;
	struct der key;
	struct sv n;

	(void)der_enter(&in, DER_SEQUENCE);
	key = (struct der){ rd_sv(der_bits(&in, &unused)), &doc };
	key = der_enter(&key, DER_SEQUENCE);
	n = der_int_magnitude(der_integer(&key));
	assert_true(der_ok(&key));
	memcpy(ret, n.p, n.n);
	*ret_n = n.n;
}

static int
setup(void **state)
{
	struct pair *p = calloc(1, sizeof(*p));

	assert_non_null(p);
	p->primes = crypto_primes_new(2, 7);
	assert_int_equal(crypto_primes_make(p->primes, 0), 0);
	assert_int_equal(crypto_primes_make(p->primes, 1), 0);
	p->signer = crypto_signer_pooled(p->primes, 0);
	assert_non_null(p->signer);
	p->modulus.p = (const char *)p->mod;
	modulus_of(p->signer, p->mod, &p->modulus.n);
	assert_int_equal(p->modulus.n, 256);
	*state = p;
	return 0;
}

static int
teardown(void **state)
{
	struct pair *p = *state;

	(void)crypto_signer_free(p->signer);
	(void)crypto_primes_free(p->primes);
	free(p);
	return 0;
}

/* By a prepared key and by a fresh one; both must say the same. */
static bool
verifies(struct sv modulus, uint32_t e, const uint8_t *digest, struct sv sig)
{
	_cleanup_(crypto_pub_freep) struct crypto_pub *rsa = NULL;
	struct sv tbs = { (const char *)digest, SHA256_LEN };
	int rc = crypto_pub_rsa(modulus, e, &rsa);
	struct crypto_verify v[2] = {
		{ .key = rsa, .tbs = tbs, .sig = sig, .ok = true },
		{ .modulus = modulus, .exponent = e, .tbs = tbs, .sig = sig, .ok = true },
	};

	assert_int_equal(rc, crypto_rsa_usable(modulus, e) ? 0 : -EINVAL);
	assert_int_equal(crypto_verify_batch(v, 2), 0);
	if (rsa == NULL)
		assert_false(v[0].ok);
	assert_int_equal(v[0].ok, v[1].ok);
	return v[0].ok;
}

static void
good(void **state)
{
	struct pair *p = *state;
	uint8_t digest[SHA256_LEN], sig[CRYPTO_SIG_MAX];
	size_t n;

	for (uint8_t i = 0; i < 20; i++) {
		crypto_sha256(&i, 1, digest);
		assert_int_equal(crypto_sign(p->signer, digest, sig, &n), 0);
		assert_true(verifies(p->modulus, 65537, digest, (struct sv){ (char *)sig, n }));
		digest[i] ^= 1;
		assert_false(verifies(p->modulus, 65537, digest, (struct sv){ (char *)sig, n }));
		digest[i] ^= 1;
		sig[i * 12] ^= 0x40;
		assert_false(verifies(p->modulus, 65537, digest, (struct sv){ (char *)sig, n }));
	}
}

static void
lengths(void **state)
{
	struct pair *p = *state;
	uint8_t digest[SHA256_LEN] = { 1 }, sig[CRYPTO_SIG_MAX + 2] = { 0 };
	BIGNUM *s, *m;
	size_t n;

	assert_int_equal(crypto_sign(p->signer, digest, sig, &n), 0);
	for (size_t k = 0; k < n; k++)
		assert_false(verifies(p->modulus, 65537, digest, (struct sv){ (char *)sig, k }));
	assert_false(verifies(p->modulus, 65537, digest, (struct sv){ (char *)sig, n + 1 }));
	/* A zero in front; and s + n, which is the same residue. */
	memmove(sig + 1, sig, n);
	sig[0] = 0;
	assert_false(verifies(p->modulus, 65537, digest, (struct sv){ (char *)sig, n + 1 }));
	s = BN_bin2bn(sig + 1, (int)n, NULL);
	m = BN_bin2bn(p->mod, 256, NULL);
	assert_true(BN_add(s, s, m));
	if (BN_num_bytes(s) == 256) {
		assert_int_equal(BN_bn2binpad(s, sig, 256), 256);
		assert_false(verifies(p->modulus, 65537, digest, (struct sv){ (char *)sig, 256 }));
	}
	/* s = n, s = 0, s = 1, s = n - 1, all ones */
	assert_false(verifies(p->modulus, 65537, digest, p->modulus));
	memset(sig, 0, 256);
	assert_false(verifies(p->modulus, 65537, digest, (struct sv){ (char *)sig, 256 }));
	sig[255] = 1;
	assert_false(verifies(p->modulus, 65537, digest, (struct sv){ (char *)sig, 256 }));
	memcpy(sig, p->mod, 256);
	sig[255] &= 0xfe;
	assert_false(verifies(p->modulus, 65537, digest, (struct sv){ (char *)sig, 256 }));
	memset(sig, 0xff, 256);
	assert_false(verifies(p->modulus, 65537, digest, (struct sv){ (char *)sig, 256 }));
	BN_free(s);
	BN_free(m);
}

/*
 * s + n as long as the modulus, surely: of some signatures one is small
 * enough to fit. RFC 8017 section 5.2.2 wants s < n.
 */
static void
out_of_range(void **state)
{
	struct pair *p = *state;
	BIGNUM *m = BN_bin2bn(p->mod, 256, NULL);
	unsigned tried = 0;

	for (uint8_t i = 0; i < 60; i++) {
		uint8_t digest[SHA256_LEN], sig[CRYPTO_SIG_MAX];
		BIGNUM *s;
		size_t n;

		crypto_sha256(&i, 1, digest);
		assert_int_equal(crypto_sign(p->signer, digest, sig, &n), 0);
		s = BN_bin2bn(sig, (int)n, NULL);
		assert_true(BN_add(s, s, m));
		if (BN_num_bytes(s) <= 256) {
			assert_int_equal(BN_bn2binpad(s, sig, 256), 256);
			assert_false(verifies(p->modulus, 65537, digest, (struct sv){ (char *)sig, 256 }));
			tried++;
		}
		BN_free(s);
	}
	BN_free(m);
	assert_true(tried > 0);
}

/* --- the padding --- */

static const uint8_t info[] = {
	0x30, 0x31, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01,
	0x65, 0x03, 0x04, 0x02, 0x01, 0x05, 0x00, 0x04, 0x20,
};
/* The same without the NULL: allowed by some, by RFC 8017 not written. */
static const uint8_t info_bare[] = {
	0x30, 0x2f, 0x30, 0x0b, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01,
	0x65, 0x03, 0x04, 0x02, 0x01, 0x04, 0x20,
};
static const uint8_t info_sha512[] = {
	0x30, 0x31, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01,
	0x65, 0x03, 0x04, 0x02, 0x03, 0x05, 0x00, 0x04, 0x20,
};

enum form {
	FINE, BARE_INFO, SHA512_INFO, TYPE_2, TYPE_0, LEAD_1, NO_ZERO, PAD_HOLE,
	SHORT_PAD,		/* Bleichenbacher 2006: garbage behind the digest */
	SHORT_PAD_FRONT,	/* the digest at the end, garbage between */
	DIGEST_ONLY, LONG_FORM, FORM_MAX
};

static void
pad(uint8_t em[static 256], enum form form, const uint8_t *digest)
{
	const uint8_t *d = form == BARE_INFO ? info_bare : form == SHA512_INFO ? info_sha512 : info;
	size_t d_len = form == BARE_INFO ? sizeof(info_bare) : form == DIGEST_ONLY ? 0 : sizeof(info);
	size_t t = d_len + SHA256_LEN, ps = 256 - 3 - t;

	memset(em, 0xff, 256);
	em[0] = 0;
	em[1] = 1;
	if (form == SHORT_PAD || form == SHORT_PAD_FRONT)
		ps = 8;
	em[2 + ps] = 0;
	memcpy(em + 3 + ps, d, d_len);
	memcpy(em + 3 + ps + d_len, digest, SHA256_LEN);
	if (form == SHORT_PAD)
		memset(em + 3 + ps + t, 0, 256 - 3 - ps - t);
	if (form == SHORT_PAD_FRONT) {
		memset(em + 3 + ps, 0x5a, 256 - 3 - ps);
		memcpy(em + 256 - t, d, d_len);
		memcpy(em + 256 - SHA256_LEN, digest, SHA256_LEN);
	}
	if (form == TYPE_2 || form == TYPE_0)
		em[1] = form == TYPE_2 ? 2 : 0;
	if (form == LEAD_1)
		em[0] = 1;
	if (form == NO_ZERO)
		em[2 + ps] = 0xff;
	if (form == PAD_HOLE)
		em[2 + ps / 2] = 0xfe;
	if (form == LONG_FORM) {	/* 30 81 31: BER */
		em[2 + ps - 1] = 0;
		em[2 + ps] = 0x30;
		em[3 + ps] = 0x81;
	}
}

static BIGNUM *
bn(const uint8_t *p, size_t n)
{
	BIGNUM *b = BN_bin2bn(p, (int)n, NULL);

	assert_non_null(b);
	return b;
}

/*
 * A key whose private part the test knows, so that it can sign any padding:
 * two Mersenne-like primes are not at hand, so OpenSSL makes them.
 */
static void
paddings(void **state UNUSED)
{
	BN_CTX *ctx = BN_CTX_new();
	BIGNUM *p = BN_new(), *q = BN_new(), *n = BN_new(), *phi = BN_new(), *e = BN_new(), *d;
	uint8_t mod[256], digest[SHA256_LEN] = { 0xab, 1, 2 }, em[256], sig[256];

	assert_true(BN_generate_prime_ex(p, 1024, 0, NULL, NULL, NULL));
	assert_true(BN_generate_prime_ex(q, 1024, 0, NULL, NULL, NULL));
	assert_true(BN_set_word(e, 65537) && BN_mul(n, p, q, ctx) && BN_sub_word(p, 1) &&
	    BN_sub_word(q, 1) && BN_mul(phi, p, q, ctx));
	d = BN_mod_inverse(NULL, e, phi, ctx);
	assert_non_null(d);
	assert_int_equal(BN_num_bits(n), 2048);
	assert_int_equal(BN_bn2binpad(n, mod, 256), 256);
	for (int form = 0; form < FORM_MAX; form++) {
		BIGNUM *m, *s = BN_new();

		pad(em, (enum form)form, digest);
		m = bn(em, 256);
		if (BN_cmp(m, n) < 0) {
			assert_true(BN_mod_exp(s, m, d, n, ctx));
			assert_int_equal(BN_bn2binpad(s, sig, 256), 256);
			if (verifies((struct sv){ (char *)mod, 256 }, 65537, digest,
			    (struct sv){ (char *)sig, 256 }) != (form == FINE))
				fail_msg("padding %d", form);
		}
		BN_free(m);
		BN_free(s);
	}
	BN_free(p);
	BN_free(q);
	BN_free(n);
	BN_free(phi);
	BN_free(e);
	BN_free(d);
	BN_CTX_free(ctx);
}

/* e = 3 and a cube root: no signature at all is accepted with such a key. */
static void
exponents(void **state)
{
	struct pair *p = *state;
	uint8_t digest[SHA256_LEN] = { 9 }, sig[CRYPTO_SIG_MAX], mod[CRYPTO_SIG_MAX];
	static const uint32_t es[] = { 0, 1, 2, 3, 17, 65536, 65539, UINT32_MAX };
	struct crypto_signer *odd = crypto_signer_odd(1, 2048, 3);
	size_t n, mod_len;

	assert_int_equal(crypto_sign(p->signer, digest, sig, &n), 0);
	for (size_t i = 0; i < ARRAY_LEN(es); i++)
		assert_false(verifies(p->modulus, es[i], digest, (struct sv){ (char *)sig, n }));
	assert_non_null(odd);
	modulus_of(odd, mod, &mod_len);
	assert_int_equal(crypto_sign(odd, digest, sig, &n), 0);
	assert_false(verifies((struct sv){ (char *)mod, mod_len }, 3, digest, (struct sv){ (char *)sig, n }));
	(void)crypto_signer_free(odd);
}

/* Even, tiny, huge, with a leading zero, one: nothing is computed with them. */
static void
moduli(void **state)
{
	struct pair *p = *state;
	static uint8_t mod[600];
	uint8_t digest[SHA256_LEN] = { 3 }, sig[600] = { 1 };
	struct sv m = { (char *)mod, 256 };

	memcpy(mod, p->mod, 256);
	mod[255] &= 0xfe;
	assert_false(verifies(m, 65537, digest, (struct sv){ (char *)sig, 256 }));
	memset(mod, 0, sizeof(mod));
	assert_false(verifies(m, 65537, digest, (struct sv){ (char *)sig, 256 }));
	mod[255] = 1;
	assert_false(verifies(m, 65537, digest, (struct sv){ (char *)sig, 256 }));
	memset(mod, 0xff, sizeof(mod));
	for (size_t n = 0; n <= sizeof(mod); n += n < 70 ? 1 : 53)
		assert_false(verifies((struct sv){ (char *)mod, n }, 65537, digest,
		    (struct sv){ (char *)sig, n }));
	assert_false(verifies((struct sv){ NULL, 0 }, 65537, digest, (struct sv){ NULL, 0 }));
}

/* A 1024-bit key is the profile's business, not the arithmetic's. */
static void
small_key(void **state UNUSED)
{
	struct crypto_signer *s = crypto_signer_odd(5, 1024, 65537);
	uint8_t digest[SHA256_LEN] = { 4 }, sig[CRYPTO_SIG_MAX], mod[CRYPTO_SIG_MAX];
	size_t n, mod_len;

	assert_non_null(s);
	modulus_of(s, mod, &mod_len);
	assert_int_equal(crypto_sign(s, digest, sig, &n), 0);
	assert_int_equal(n, 128);
	assert_true(verifies((struct sv){ (char *)mod, mod_len }, 65537, digest, (struct sv){ (char *)sig, n }));
	(void)crypto_signer_free(s);
}

/* Good and bad beside each other, fresh and prepared, in one batch; and none. */
static void
batch(void **state)
{
	struct pair *p = *state;
	_cleanup_(crypto_pub_freep) struct crypto_pub *rsa = NULL;
	static uint8_t sigs[40][CRYPTO_SIG_MAX], digest[40][SHA256_LEN];
	struct crypto_verify v[40] = { 0 };
	size_t n;

	assert_int_equal(crypto_pub_rsa(p->modulus, 65537, &rsa), 0);
	for (uint8_t i = 0; i < 40; i++) {
		crypto_sha256(&i, 1, digest[i]);
		assert_int_equal(crypto_sign(p->signer, digest[i], sigs[i], &n), 0);
		v[i].tbs = (struct sv){ (char *)digest[i], SHA256_LEN };
		v[i].sig = (struct sv){ (char *)sigs[i], n };
		if (i % 2 == 0)
			v[i].key = rsa;
		else {
			v[i].modulus = p->modulus;
			v[i].exponent = 65537;
		}
		if (i % 3 == 0)
			sigs[i][100] ^= 1;
	}
	assert_int_equal(crypto_verify_batch(v, 40), 0);
	for (int i = 0; i < 40; i++)
		assert_int_equal(v[i].ok, i % 3 != 0);
	assert_int_equal(crypto_verify_batch(v, 0), 0);
}

/* As long as a slice within, one more, and one less; by each way. */
static void
lengths_of_batches(void **state)
{
	static const size_t lengths[] = { 511, 512, 513, 1024, 1025 };
	static struct crypto_verify v[1025];
	enum crypto_path was = crypto_path();
	struct pair *p = *state;
	uint8_t sig[CRYPTO_SIG_MAX], digest[2][SHA256_LEN];
	size_t n;

	for (uint8_t i = 0; i < 2; i++)
		crypto_sha256(&i, 1, digest[i]);
	assert_int_equal(crypto_sign(p->signer, digest[0], sig, &n), 0);
	for (size_t i = 0; i < ARRAY_LEN(v); i++)
		v[i] = (struct crypto_verify){ .modulus = p->modulus, .exponent = 65537,
			.tbs = { (char *)digest[i % 7 == 0], SHA256_LEN }, .sig = { (char *)sig, n } };
	for (unsigned path = 0; path < CRYPTO_PATH_MAX; path++)
		for (size_t k = 0; crypto_path_force(path) == 0 && k < ARRAY_LEN(lengths); k++) {
			assert_int_equal(crypto_verify_batch(v, lengths[k]), 0);
			for (size_t i = 0; i < lengths[k]; i++)
				assert_int_equal(v[i].ok, i % 7 != 0);
		}
	assert_int_equal(crypto_path_force(was), 0);
}

static void
digests(void **state UNUSED)
{
	static const uint8_t abc256[] = { 0xba, 0x78, 0x16, 0xbf, 0x8f, 0x01, 0xcf, 0xea };
	static const uint8_t abc1[] = { 0xa9, 0x99, 0x3e, 0x36, 0x47, 0x06, 0x81, 0x6a };
	struct crypto_sha256 *s = crypto_sha256_new();
	uint8_t d[SHA256_LEN], e[SHA256_LEN];

	crypto_sha256("abc", 3, d);
	assert_memory_equal(d, abc256, sizeof(abc256));
	crypto_sha256_2("a", 1, "bc", 2, e);
	assert_memory_equal(d, e, SHA256_LEN);
	crypto_sha256_2("abc", 3, NULL, 0, e);
	assert_memory_equal(d, e, SHA256_LEN);
	for (int i = 0; i < 2; i++) {		/* ready for the next message */
		crypto_sha256_update(s, "ab", 2);
		crypto_sha256_update(s, "c", 1);
		crypto_sha256_final(s, e);
		assert_memory_equal(d, e, SHA256_LEN);
	}
	(void)crypto_sha256_free(s);
	crypto_sha1("abc", 3, d);
	assert_memory_equal(d, abc1, sizeof(abc1));
}

/* The way: by itself the best that there is; by name; and nothing that is none. */
static void
ways(void **state UNUSED)
{
	static const char *const wrong[] = { "", "auto", "IFMA", "ifma ", "table", "genericc" };
	enum crypto_path best = crypto_path_can(CRYPTO_IFMA) ? CRYPTO_IFMA : CRYPTO_TABLES;
	enum crypto_path p = CRYPTO_PATH_MAX;

	assert_int_equal(crypto_path(), best);
	for (size_t i = 0; i < ARRAY_LEN(wrong); i++)
		assert_int_equal(crypto_path_parse(sv_str(wrong[i]), &p), -EINVAL);
	assert_int_equal(p, CRYPTO_PATH_MAX);
	for (unsigned i = 0; i < CRYPTO_PATH_MAX; i++) {
		assert_int_equal(crypto_path_parse(sv_str(crypto_path_name(i)), &p), 0);
		assert_int_equal(p, i);
		assert_int_equal(crypto_path_force(p), crypto_path_can(p) ? 0 : -ENOTSUP);
		assert_true(!crypto_path_can(p) || crypto_path() == p);
	}
	assert_int_equal(crypto_path_force(CRYPTO_PATH_MAX), -ENOTSUP);
	assert_int_equal(crypto_path_force(best), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(ways), T(good), T(lengths), T(out_of_range), T(paddings), T(exponents), T(moduli),
		T(small_key), T(batch), T(lengths_of_batches), T(digests),
	};

	return cmocka_run_group_tests_name("crypto verify", tests, setup, teardown);
}
