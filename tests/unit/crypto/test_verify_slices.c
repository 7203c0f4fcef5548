/*
 * Who answers. Whatever the lanes and the tables leave is OpenSSL's, whose answer is the same:
 * so only what is left to do shows that they did their work.
 */
#include "../tap.h"

#include <stdlib.h>

#include "crypto/crypto.h"
#include "crypto/p256_cache.h"
#include "crypto/verify_internal.h"

/* The door is compiled in, and whom it asks tells of it. */
static struct {
	unsigned	 rsa, words, lanes;
} asked;

static void
rsa_lanes_asked(struct slice *s)
{
	asked.rsa++;
	slice_rsa_lanes(s);
}

static void
p256_asked(struct slice *s, bool lanes)
{
	(*(lanes ? &asked.lanes : &asked.words))++;
	slice_p256(s, lanes);
}
#define slice_rsa_lanes rsa_lanes_asked
#define slice_p256 p256_asked
#include "../../../src/crypto/verify.c"
#undef slice_rsa_lanes
#undef slice_p256

#define KEYS	17		/* one more than a slice looks for tables of */
#define SIGS	20		/* of each: more than P256_BREAK_EVEN */

struct signer {
	struct crypto_priv	*priv;
	struct crypto_pub	*pub;
	uint8_t			 sig[SIGS][CRYPTO_DNSSIG_MAX], digest[SIGS][SHA256_LEN];
};

static void
signer_init(struct signer *k, uint8_t alg, unsigned bits, uint32_t seed)
{
	struct crypto_make_tbs m[SIGS];

	assert_int_equal(crypto_priv_generate(alg, bits, &k->priv), 0);
	assert_int_equal(crypto_pub_new(alg, crypto_priv_public(k->priv), &k->pub), 0);
	for (uint32_t i = 0; i < SIGS; i++) {
		const uint32_t what[2] = { seed, i };

		crypto_sha256(what, sizeof(what), k->digest[i]);
		m[i] = (struct crypto_make_tbs){ { (const char *)k->digest[i], SHA256_LEN }, k->sig[i] };
	}
	assert_int_equal(crypto_make_tbs_batch(k->priv, m, SIGS), 0);
}

static void
signer_done(struct signer *k)
{
	(void)crypto_priv_free(k->priv);
	(void)crypto_pub_free(k->pub);
}

/* Signature i; over another digest if it is to be bad. */
static struct crypto_verify
item(const struct signer *k, size_t i, bool bad)
{
	return (struct crypto_verify){ .key = k->pub,
		.tbs = { (const char *)k->digest[bad ? (i + 1) % SIGS : i], SHA256_LEN },
		.sig = { (const char *)k->sig[i], k->pub->sig_len } };
}

static void
slice_init(struct slice *s, struct crypto_verify *v, size_t n)
{
	*s = (struct slice){ .v = v, .n = n };
	for (size_t i = 0; i < n; i++)
		s->todo[i] = true;
}

/* Eights, and what is left of them if it is two at least; not who has been answered. */
static void
lanes(void **state UNUSED)
{
	static struct signer k;
	struct crypto_verify v[SIGS];
	static struct slice s;

	if (crypto_path_force(CRYPTO_IFMA) < 0)
		skip();
	signer_init(&k, 8, 2048, 0);
	for (size_t n = 0; n <= SIGS; n++) {
		for (size_t i = 0; i < n; i++)
			v[i] = item(&k, i, i % 3 == 2);
		slice_init(&s, v, n);
		slice_rsa_lanes(&s);
		for (size_t i = 0; i < n; i++) {
			bool alone = n % 8 == 1 && i == n - 1;

			assert_int_equal(s.todo[i], alone);
			assert_int_equal(v[i].ok, !alone && i % 3 != 2);
		}
	}
	slice_init(&s, v, SIGS);
	for (size_t i = 0; i < SIGS; i++) {
		v[i] = item(&k, i, false);
		s.todo[i] = i % 2 == 0;
	}
	slice_rsa_lanes(&s);
	for (size_t i = 0; i < SIGS; i++) {
		assert_false(s.todo[i]);
		assert_int_equal(v[i].ok, i % 2 == 0);
	}
	signer_done(&k);
}

/* All items of keys that have tables; none of a key that signs little, or comes too late. */
static void
tables(bool lanes, struct signer *k)
{
	static struct crypto_verify v[KEYS * SIGS];
	static struct slice s;
	size_t n = 0;

	for (size_t i = 0; i < SIGS; i++)
		for (size_t j = 0; j < KEYS; j++)
			v[n++] = item(&k[j], i, (i + j) % 5 == 0);
	slice_init(&s, v, n);
	slice_p256(&s, lanes);
	for (size_t i = 0; i < n; i++) {
		size_t j = i % KEYS;

		assert_int_equal(s.todo[i], j == KEYS - 1);
		assert_int_equal(v[i].ok, j < KEYS - 1 && (i / KEYS + j) % 5 != 0);
	}
	for (size_t first = 0; first < KEYS; first++) {		/* with a table, one is enough */
		v[0] = item(&k[first], 1, false);
		slice_init(&s, v, 1);
		slice_p256(&s, lanes);
		assert_int_equal(s.todo[0], first == KEYS - 1);
		assert_int_equal(v[0].ok, first < KEYS - 1);
	}
}

static void
tables_of_words(void **state)
{
	tables(false, *state);
}

static void
tables_of_lanes(void **state)
{
	if (!crypto_path_can(CRYPTO_IFMA))
		skip();
	tables(true, *state);
}

/* Each path asks those that it has, once a slice, whatever is in it. */
static void
paths(void **state)
{
	static const unsigned rsa[] = { 0, 0, 2 }, words[] = { 0, 2, 0 }, lanes_[] = { 0, 0, 2 };
	static struct crypto_verify v[VERIFY_SLICE + 1];
	const struct signer *k = *state;

	for (unsigned p = CRYPTO_GENERIC; p < CRYPTO_PATH_MAX; p++) {
		if (crypto_path_force((enum crypto_path)p) < 0)
			continue;
		memset(&asked, 0, sizeof(asked));
		for (size_t i = 0; i < ARRAY_LEN(v); i++)
			v[i] = item(&k[0], i % SIGS, i % 7 == 1);
		assert_int_equal(crypto_verify_batch(v, ARRAY_LEN(v)), 0);
		for (size_t i = 0; i < ARRAY_LEN(v); i++)
			assert_int_equal(v[i].ok, i % 7 != 1);
		assert_int_equal(asked.rsa, rsa[p]);
		assert_int_equal(asked.words, words[p]);
		assert_int_equal(asked.lanes, lanes_[p]);
	}
}

static int
setup(void **state)
{
	struct signer *k = calloc(KEYS, sizeof(*k));

	assert_non_null(k);
	for (uint32_t i = 0; i < KEYS; i++)
		signer_init(&k[i], 13, 0, i);
	*state = k;
	return 0;
}

static int
teardown(void **state)
{
	struct signer *k = *state;

	for (size_t i = 0; i < KEYS; i++)
		signer_done(&k[i]);
	free(k);
	return 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = { T(lanes), T(tables_of_words), T(tables_of_lanes),
		T(paths) };

	return cmocka_run_group_tests_name("crypto verify slices", tests, setup, teardown);
}
