/* The tables of P-256 keys: who gets one, how many there are, who loses his. */
#include "../tap.h"

#include <malloc.h>
#include <openssl/ec.h>
#include <openssl/obj_mac.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "crypto/crypto.h"
#include "crypto/dnskey.h"
#include "crypto/p256_cache.h"

#define KEYS	80			/* more than are counted at a time */
#define SIGS	20
#define MANY	40			/* more than threads verify at a time */

/* The linker has us asked for locks: given back by who has them, and only then. */
static _Thread_local unsigned n_held;
static atomic_uint n_locked;
int	 __real_pthread_mutex_lock(pthread_mutex_t *);
int	 __real_pthread_mutex_unlock(pthread_mutex_t *);
int	 __wrap_pthread_mutex_lock(pthread_mutex_t *);
int	 __wrap_pthread_mutex_unlock(pthread_mutex_t *);

int
__wrap_pthread_mutex_lock(pthread_mutex_t *m)
{
	if (n_held++ > 0)
		abort();
	n_locked++;
	return __real_pthread_mutex_lock(m);
}

int
__wrap_pthread_mutex_unlock(pthread_mutex_t *m)
{
	if (n_held-- == 0)
		abort();
	return __real_pthread_mutex_unlock(m);
}

struct signer {
	struct crypto_priv	*priv;
	struct crypto_pub	*pub;
	uint8_t			 sig[SIGS][2 * P256_LEN], digest[SIGS][P256_LEN];
};

static struct signer keys[KEYS];

static void
signer_init(struct signer *k)
{
	struct crypto_make_tbs m[SIGS];

	assert_int_equal(crypto_priv_generate(13, 0, &k->priv), 0);
	assert_int_equal(crypto_pub_new(13, crypto_priv_public(k->priv), &k->pub), 0);
	for (uint32_t i = 0; i < SIGS; i++) {
		crypto_sha256(&i, sizeof(i), k->digest[i]);
		m[i] = (struct crypto_make_tbs){ { (const char *)k->digest[i], P256_LEN }, k->sig[i] };
	}
	assert_int_equal(crypto_make_tbs_batch(k->priv, m, SIGS), 0);
}

static int
setup(void **state UNUSED)
{
	for (size_t i = 0; i < KEYS; i++)
		signer_init(&keys[i]);
	return 0;
}

static int
teardown(void **state UNUSED)
{
	for (size_t i = 0; i < KEYS; i++) {
		(void)crypto_priv_free(keys[i].priv);
		(void)crypto_pub_free(keys[i].pub);
	}
	return 0;
}

/* n signatures in one batch, the last of them over another's digest if bad. */
static bool
answers(const struct signer *k, size_t n, bool bad)
{
	struct crypto_verify v[SIGS];
	bool right = true;

	for (size_t i = 0; i < n; i++)
		v[i] = (struct crypto_verify){ .key = k->pub,
			.tbs = { (const char *)k->digest[bad && i == n - 1 ? (i + 1) % SIGS : i], P256_LEN },
			.sig = { (const char *)k->sig[i], 2 * P256_LEN } };
	if (crypto_verify_batch(v, n) < 0)
		return false;
	for (size_t i = 0; i < n; i++)
		right = right && v[i].ok == (!bad || i < n - 1);
	return right;
}

static size_t
tables(void)
{
	size_t n, max;

	crypto_path_tables(&n, &max);
	assert_int_equal(max, P256_TABLES_MAX);
	assert_true(n <= max);
	return n;
}

/* Counted over batches: the table comes with the signature that makes it pay. */
static void
counted(void **state UNUSED)
{
	assert_int_equal(crypto_path_force(CRYPTO_TABLES), 0);
	assert_int_equal(tables(), 0);
	for (size_t i = 1; i < P256_BREAK_EVEN; i++) {
		assert_true(answers(&keys[0], 1, false));
		assert_int_equal(tables(), 0);
	}
	assert_true(answers(&keys[0], 1, true));
	assert_int_equal(tables(), 1);
	assert_true(answers(&keys[0], 1, true));
	assert_true(answers(&keys[0], SIGS, true));
	assert_int_equal(tables(), 1);
	assert_true(answers(&keys[1], SIGS, true));
	assert_int_equal(tables(), 2);
}

/* OpenSSL's way asks for none. */
static void
generic(void **state UNUSED)
{
	size_t was = tables();

	assert_int_equal(crypto_path_force(CRYPTO_GENERIC), 0);
	assert_true(answers(&keys[2], SIGS, true));
	assert_true(answers(&keys[2], SIGS, true));
	assert_int_equal(tables(), was);
}

/* As many keys as one likes: so many tables, and the one longest unasked goes. */
static void
bounded(void **state UNUSED)
{
	const struct p256_table *t;
	const uint8_t *first = (const uint8_t *)crypto_priv_public(keys[0].priv).p;

	assert_int_equal(crypto_path_force(CRYPTO_TABLES), 0);
	for (size_t i = 0; i < KEYS; i++) {
		assert_true(answers(&keys[i], SIGS, i % 2 == 0));
		assert_true(answers(&keys[0], 1, false));	/* stays in use */
	}
	assert_int_equal(tables(), P256_TABLES_MAX);
	assert_non_null(t = p256_cache_take(first, 0, false));
	p256_cache_give(t);
	assert_null(p256_cache_take((const uint8_t *)crypto_priv_public(keys[1].priv).p, 1, false));
	assert_non_null(t = p256_cache_take((const uint8_t *)crypto_priv_public(keys[KEYS - 1].priv).p, 1, false));
	p256_cache_give(t);
}

/* What is computed with stays: then nobody else gets one, and is answered all the same. */
static void
held(void **state UNUSED)
{
	const struct p256_table *t[KEYS];
	size_t n = 0;

	assert_int_equal(crypto_path_force(CRYPTO_TABLES), 0);
	for (size_t i = 0; i < KEYS && n < P256_TABLES_MAX; i++) {
		t[n] = p256_cache_take((const uint8_t *)crypto_priv_public(keys[i].priv).p, SIGS, false);
		if (t[n] != NULL)
			n++;
	}
	assert_int_equal(n, P256_TABLES_MAX);
	for (size_t i = 0; i < KEYS; i++)
		assert_true(answers(&keys[i], SIGS, true));
	for (size_t i = 0; i < n; i++)
		p256_cache_give(t[i]);
	assert_int_equal(tables(), P256_TABLES_MAX);
}

/* What was given back is anybody's: in each place there are as many tables as may be. */
static void
waves(void **state UNUSED)
{
	const struct p256_table *t[P256_TABLES_MAX];

	for (size_t wave = 0; wave < 12; wave++) {
		for (size_t i = 0; i < P256_TABLES_MAX; i++) {
			const struct signer *k = &keys[(wave * P256_TABLES_MAX + i) % KEYS];

			t[i] = p256_cache_take((const uint8_t *)crypto_priv_public(k->priv).p, SIGS, false);
			assert_non_null(t[i]);
		}
		for (size_t i = 0; i < P256_TABLES_MAX; i++)
			p256_cache_give(t[i]);
	}
}

/* More keys in one batch than are looked at for tables, some with and some without. */
static void
together(void **state UNUSED)
{
	struct crypto_verify v[KEYS];

	assert_int_equal(crypto_path_force(CRYPTO_TABLES), 0);
	for (size_t n = 1; n <= KEYS; n++) {
		for (size_t i = 0; i < n; i++)
			v[i] = (struct crypto_verify){ .key = keys[i].pub,
				.tbs = { (const char *)keys[i].digest[i % 3], P256_LEN },
				.sig = { (const char *)keys[i].sig[i % 2], 2 * P256_LEN } };
		assert_int_equal(crypto_verify_batch(v, n), 0);
		for (size_t i = 0; i < n; i++)
			assert_int_equal(v[i].ok, i % 3 == i % 2);
	}
}

/* Tables of both ways beside each other, taken and lost under many hands. */
static void *
crowd_run(void *arg)
{
	unsigned seed = (unsigned)(uintptr_t)arg;

	for (unsigned i = 0; i < 150; i++) {
		seed = seed * 1103515245 + 12345;
		if (!answers(&keys[seed >> 16 & 63], 1 + (seed >> 8) % SIGS, i % 3 == 0))
			return (void *)1;
	}
	return NULL;
}

static void
crowd(void **state UNUSED)
{
	pthread_t t[6];
	void *rc;

	for (unsigned p = CRYPTO_TABLES; p < CRYPTO_PATH_MAX; p++) {
		if (crypto_path_force((enum crypto_path)p) < 0)
			continue;
		for (uintptr_t i = 0; i < ARRAY_LEN(t); i++)
			assert_int_equal(pthread_create(&t[i], NULL, crowd_run, (void *)(7 * i + p)), 0);
		for (size_t i = 0; i < ARRAY_LEN(t); i++) {
			assert_int_equal(pthread_join(t[i], &rc), 0);
			assert_null(rc);
		}
		assert_true(tables() > 0);
	}
}

/* Rooms to compute in: some are kept, more are freed (the sanitizer sees one that is not). */
static void
rooms(void **state UNUSED)
{
	struct p256_work *w[MANY], *again;
	bool known = false;

	for (size_t i = 0; i < MANY; i++) {
		assert_non_null(w[i] = p256_cache_work_take(false));
		assert_true(malloc_usable_size(w[i]) < 2 << 20);
	}
	for (size_t i = 0; i < MANY; i++)
		p256_cache_work_give(w[i], false);
	assert_non_null(again = p256_cache_work_take(false));
	for (size_t i = 0; i < MANY; i++)
		known = known || again == w[i];
	assert_true(known);
	p256_cache_work_give(again, false);
}

/* The generator's tables: one of each way, made once. */
static void
generators(void **state UNUSED)
{
	const struct p256_table *g[2] = { p256_cache_generator(false), NULL };

	assert_non_null(g[0]);
	assert_ptr_equal(p256_cache_generator(false), g[0]);
	if (!p256_lanes_can())
		return;
	assert_non_null(g[1] = p256_cache_generator(true));
	assert_ptr_not_equal(g[1], g[0]);
	assert_ptr_equal(p256_cache_generator(true), g[1]);
	assert_ptr_equal(p256_cache_generator(false), g[0]);
}

/* None of the doors leaves its lock behind, and each asks for it. */
static void
locked(void **state UNUSED)
{
	const uint8_t *key = (const uint8_t *)crypto_priv_public(keys[0].priv).p;
	const struct p256_table *t;
	unsigned was;

#define LOCKS(call)	do { was = n_locked; call; assert_int_equal(n_locked, was + 1); \
	assert_int_equal(n_held, 0); } while (0)
	assert_int_equal(crypto_path_force(CRYPTO_TABLES), 0);
	assert_true(answers(&keys[0], SIGS, false));	/* it has a table then */
	LOCKS((void)tables());
	LOCKS(t = p256_cache_take(key, 0, false));
	assert_non_null(t);
	LOCKS(p256_cache_give(t));
	assert_int_equal(tables(), P256_TABLES_MAX);
#undef LOCKS
}

/* --- two keys that are nearly one --- */

/*
 * A point with y = (p - 1) / 2, and its opposite with (p + 1) / 2: the octets of both are the same
 * but for the last 12. Nobody knows their logarithms; a digest that fits a signature can be made
 * all the same: with R = a G + b Q and r = x(R), s = r / b and e = a r / b.
 */
static const char near_x[] = "29BB701834F7B9C850A9AFFF43170403A40E136F27FACA6D364FA89CD63177B3";

static void
near_sign(const EC_GROUP *g, const EC_POINT *q, BN_CTX *ctx, uint8_t sig[static 2 * P256_LEN],
    uint8_t digest[static P256_LEN])
{
	const BIGNUM *n = EC_GROUP_get0_order(g);
	BIGNUM *a = BN_new(), *b = BN_new(), *x = BN_new();
	EC_POINT *r = EC_POINT_new(g);

	assert_true(BN_rand_range(a, n) && BN_rand_range(b, n) && !BN_is_zero(b));
	assert_true(EC_POINT_mul(g, r, a, q, b, ctx) && EC_POINT_get_affine_coordinates(g, r, x, NULL, ctx));
	assert_true(BN_nnmod(x, x, n, ctx) && BN_mod_inverse(b, b, n, ctx) != NULL);
	assert_true(BN_mod_mul(b, b, x, n, ctx) && BN_mod_mul(a, a, b, n, ctx));
	assert_int_equal(BN_bn2binpad(x, sig, P256_LEN), P256_LEN);
	assert_int_equal(BN_bn2binpad(b, sig + P256_LEN, P256_LEN), P256_LEN);
	assert_int_equal(BN_bn2binpad(a, digest, P256_LEN), P256_LEN);
	EC_POINT_free(r);
	BN_free(a);
	BN_free(b);
	BN_free(x);
}

/* Both keys of curve g: [0] with y = (p - 1) / 2, [1] its opposite. */
static void
near_keys(const EC_GROUP *g, BN_CTX *ctx, EC_POINT *q[static 2], struct crypto_pub *pub[static 2])
{
	BIGNUM *x = NULL, *y = BN_new();

	assert_true(BN_hex2bn(&x, near_x) == sizeof(near_x) - 1);
	assert_true(EC_GROUP_get_curve(g, y, NULL, NULL, ctx) && BN_rshift1(y, y));
	for (size_t i = 0; i < 2; i++) {
		uint8_t xy[2 * P256_LEN];

		assert_non_null(q[i] = EC_POINT_new(g));
		assert_int_equal(EC_POINT_set_affine_coordinates(g, q[i], x, y, ctx), 1);	/* is on it */
		assert_int_equal(BN_bn2binpad(x, xy, P256_LEN), P256_LEN);
		assert_int_equal(BN_bn2binpad(y, xy + P256_LEN, P256_LEN), P256_LEN);
		assert_int_equal(crypto_pub_new(13, (struct sv){ (const char *)xy, sizeof(xy) }, &pub[i]), 0);
		assert_int_equal(BN_add_word(y, 1), 1);
	}
	BN_free(x);
	BN_free(y);
}

static void
nearly_one(void **state UNUSED)
{
	EC_GROUP *g = EC_GROUP_new_by_curve_name(NID_X9_62_prime256v1);
	struct crypto_verify v[4 * SIGS];
	uint8_t sig[2 * SIGS][2 * P256_LEN], digest[2 * SIGS][P256_LEN];
	struct crypto_pub *pub[2];
	BN_CTX *ctx = BN_CTX_new();
	EC_POINT *q[2];

	near_keys(g, ctx, q, pub);
	for (size_t i = 0; i < 2 * SIGS; i++)
		near_sign(g, q[i % 2], ctx, sig[i], digest[i]);
	for (unsigned p = CRYPTO_GENERIC; p < CRYPTO_PATH_MAX; p++) {
		if (crypto_path_force((enum crypto_path)p) < 0)
			continue;
		for (size_t i = 0; i < 4 * SIGS; i++)	/* each by its own key, and by the other */
			v[i] = (struct crypto_verify){ .key = pub[(i + i / (2 * SIGS)) % 2],
				.tbs = { (const char *)digest[i % (2 * SIGS)], P256_LEN },
				.sig = { (const char *)sig[i % (2 * SIGS)], 2 * P256_LEN } };
		assert_int_equal(crypto_verify_batch(v, 4 * SIGS), 0);
		for (size_t i = 0; i < 4 * SIGS; i++)
			assert_int_equal(v[i].ok, i < 2 * SIGS);
	}
	for (size_t i = 0; i < 2; i++) {
		EC_POINT_free(q[i]);
		(void)crypto_pub_free(pub[i]);
	}
	BN_CTX_free(ctx);
	EC_GROUP_free(g);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(counted),
		T(generic),
		T(bounded),
		T(held),
		T(waves),
		T(together),
		T(crowd),
		T(rooms),
		T(generators),
		T(locked),
		T(nearly_one),
	};

	return cmocka_run_group_tests_name("crypto p256 cache", tests, setup, teardown);
}
