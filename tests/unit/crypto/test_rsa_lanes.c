/*
 * Eight RSA-2048 signatures at once against OpenSSL's exponentiation: moduli
 * and signatures at their edges, every lane carrying each fault once while
 * the others are right, and results that the lanes find as n and a little.
 */
#include "../tap.h"

#include <openssl/bn.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>

#include "crypto/rsa_lanes.h"

#define E	65537
#define ROUNDS	24

/* One of everything; em is what sig^E is. */
struct job {
	uint8_t	modulus[RSA_LANE_LEN], sig[RSA_LANE_LEN], em[RSA_LANE_LEN];
};

static bool
can(void)
{
	if (!rsa_lanes_can())
		print_message("this processor has no AVX-512 IFMA\n");
	return rsa_lanes_can();
}

static BIGNUM *
random_odd(void)
{
	BIGNUM *n = BN_new();

	assert_int_equal(BN_rand(n, 2048, BN_RAND_TOP_ONE, BN_RAND_BOTTOM_ODD), 1);
	return n;
}

static void
octets_of(const BIGNUM *v, uint8_t ret[static RSA_LANE_LEN])
{
	assert_int_equal(BN_bn2binpad(v, ret, RSA_LANE_LEN), RSA_LANE_LEN);
}

/* sig and modulus as they are; em by OpenSSL. */
static void
job_init(struct job *j, const BIGNUM *n, const BIGNUM *sig)
{
	BN_CTX *ctx = BN_CTX_new();
	BIGNUM *e = BN_new(), *em = BN_new();

	assert_int_equal(BN_set_word(e, E), 1);
	assert_int_equal(BN_mod_exp(em, sig, e, n, ctx), 1);
	octets_of(n, j->modulus);
	octets_of(sig, j->sig);
	octets_of(em, j->em);
	BN_free(e);
	BN_free(em);
	BN_CTX_free(ctx);
}

static void
job_random(struct job *j)
{
	BIGNUM *n = random_odd(), *s = BN_new();

	assert_int_equal(BN_rand_range(s, n), 1);
	job_init(j, n, s);
	BN_free(n);
	BN_free(s);
}

/* The answers as a mask. What was in .ok before does not count. */
static unsigned
answers(const struct job *jobs, size_t n)
{
	struct rsa_lane lanes[RSA_LANES];
	unsigned ret = 0;

	for (size_t i = 0; i < n; i++) {
		lanes[i] = (struct rsa_lane){ .modulus = jobs[i].modulus, .sig = jobs[i].sig,
			.em = jobs[i].em, .ok = i % 2 == 0 };
	}
	rsa_lanes_check(lanes, n);
	for (size_t i = 0; i < n; i++)
		ret |= (unsigned)lanes[i].ok << i;
	return ret;
}

/* --- moduli and signatures at their edges --- */

static BIGNUM *
modulus_of(unsigned i)
{
	static const int step[] = { 1, 2, 48, 52, 64 };
	BIGNUM *n = BN_new();

	if (i >= 4 + 2 * ARRAY_LEN(step)) {
		BN_free(n);
		return random_odd();
	}
	assert_int_equal(BN_set_bit(n, i < 2 ? 2047 : 2048), 1);
	if (i < 2)				/* 2^2047 + 1, + 3 */
		assert_int_equal(BN_add_word(n, 1 + 2 * i), 1);
	else if (i < 4)				/* 2^2048 - 1, - 3 */
		assert_int_equal(BN_sub_word(n, 1 + 2 * (i - 2)), 1);
	else {
		const int s = step[(i - 4) / 2];

		BN_zero(n);
		for (int b = 0; b < 2048; b++)	/* words of all ones and of nothing */
			if (b / s % 2 == (int)i % 2)
				assert_int_equal(BN_set_bit(n, b), 1);
		assert_int_equal(BN_set_bit(n, 0), 1);
		assert_int_equal(BN_set_bit(n, 2047), 1);
	}
	return n;
}

/* 0, 1, 2, n - 1, n - 2, half of n, a power of two, anything. */
static BIGNUM *
sig_of(const BIGNUM *n, unsigned i)
{
	BIGNUM *s = BN_dup(n);

	if (i < 3)
		assert_int_equal(BN_set_word(s, i), 1);
	else if (i < 5)
		assert_int_equal(BN_sub_word(s, i - 2), 1);
	else if (i == 5)
		assert_int_equal(BN_rshift1(s, s), 1);
	else if (i == 6) {
		BN_zero(s);
		assert_int_equal(BN_set_bit(s, 2046), 1);
	} else
		assert_int_equal(BN_rand_range(s, n), 1);
	return s;
}

static void
edges(void **state UNUSED)
{
	struct job jobs[RSA_LANES];

	if (!can())
		skip();
	for (unsigned i = 0; i < ROUNDS; i++) {
		BIGNUM *n = modulus_of(i);

		for (unsigned lane = 0; lane < RSA_LANES; lane++) {
			BIGNUM *s = sig_of(n, (i + lane) % 8);

			job_init(&jobs[lane], n, s);
			BN_free(s);
		}
		assert_int_equal(answers(jobs, RSA_LANES), 0xff);
		BN_free(n);
	}
	/* and each lane with another modulus */
	for (unsigned i = 0; i < ROUNDS; i++) {
		for (unsigned lane = 0; lane < RSA_LANES; lane++) {
			BIGNUM *n = modulus_of((i + lane) % ROUNDS);
			BIGNUM *s = sig_of(n, (i + 5 * lane) % 8);

			job_init(&jobs[lane], n, s);
			BN_free(s);
			BN_free(n);
		}
		assert_int_equal(answers(jobs, RSA_LANES), 0xff);
	}
}

/* --- faults --- */

static void
number_add(uint8_t v[static RSA_LANE_LEN], const uint8_t what[static RSA_LANE_LEN])
{
	BIGNUM *a = BN_bin2bn(v, RSA_LANE_LEN, NULL), *b = BN_bin2bn(what, RSA_LANE_LEN, NULL);

	assert_int_equal(BN_add(a, a, b), 1);
	octets_of(a, v);
	BN_free(a);
	BN_free(b);
}

static void
em_bit(struct job *j)
{
	j->em[RSA_LANE_LEN - 1] ^= 1;
}

/* The same bit of two limbs: of the lanes' radix, 2^52. */
static void
em_two_limbs(struct job *j)
{
	for (unsigned bit = 5 + 3 * 52; bit < 10 * 52; bit += 4 * 52)
		j->em[RSA_LANE_LEN - 1 - bit / 8] ^= (uint8_t)(1 << bit % 8);
}

static void
em_high_bit(struct job *j)
{
	j->em[0] ^= 0x80;
}

static void
sig_bit(struct job *j)
{
	j->sig[100] ^= 0x10;
}

static void
modulus_bit(struct job *j)
{
	j->modulus[200] ^= 2;
}

/* A modulus just above half of what fits, so that everything has room for n once more. */
static void
job_low(struct job *j)
{
	BIGNUM *n = modulus_of(1), *s = sig_of(n, 7);

	job_init(j, n, s);
	BN_free(n);
	BN_free(s);
}

/* The right remainder, of a signature that is not below n. */
static void
sig_above(struct job *j)
{
	job_low(j);
	number_add(j->sig, j->modulus);
}

static void
sig_is_modulus(struct job *j)
{
	memcpy(j->sig, j->modulus, RSA_LANE_LEN);
	memset(j->em, 0, RSA_LANE_LEN);
}

/* The same modulo n, but an encoding is one number. */
static void
em_above(struct job *j)
{
	job_low(j);
	number_add(j->em, j->modulus);
}

static void
em_is_modulus(struct job *j)
{
	memset(j->sig, 0, RSA_LANE_LEN);
	memcpy(j->em, j->modulus, RSA_LANE_LEN);
}

static void
all_ones(struct job *j)
{
	memset(j->sig, 0xff, RSA_LANE_LEN);
	memset(j->em, 0xff, RSA_LANE_LEN);
}

static void
faults(void **state UNUSED)
{
	static void (*const fault[])(struct job *) = {
		em_bit, em_two_limbs, em_high_bit, sig_bit, modulus_bit, sig_above, sig_is_modulus, em_above,
		em_is_modulus, all_ones,
	};
	struct job good[RSA_LANES];

	if (!can())
		skip();
	for (size_t i = 0; i < RSA_LANES; i++)
		job_random(&good[i]);
	for (size_t f = 0; f < ARRAY_LEN(fault); f++)
		for (unsigned lane = 0; lane < RSA_LANES; lane++) {
			struct job jobs[RSA_LANES];

			memcpy(jobs, good, sizeof(jobs));
			fault[f](&jobs[lane]);
			assert_int_equal(answers(jobs, RSA_LANES), 0xff ^ 1U << lane);
		}
}

/* What the faults change is right without them. */
static void
low(void **state UNUSED)
{
	struct job j;

	if (!can())
		skip();
	job_low(&j);
	assert_int_equal(answers(&j, 1), 1);
}

/* One to eight of them, the fault in each place; idle lanes say nothing. */
static void
few(void **state UNUSED)
{
	struct job jobs[RSA_LANES];

	if (!can())
		skip();
	for (size_t i = 0; i < RSA_LANES; i++)
		job_random(&jobs[i]);
	for (size_t n = 1; n <= RSA_LANES; n++) {
		const unsigned all = (1U << n) - 1;

		assert_int_equal(answers(jobs, n), all);
		for (size_t bad = 0; bad < n; bad++) {
			em_bit(&jobs[bad]);
			assert_int_equal(answers(jobs, n), all ^ 1U << bad);
			em_bit(&jobs[bad]);
		}
	}
}

/* --- keys whose roots are known --- */

static EVP_PKEY *
key_new(BIGNUM **ret_n, BIGNUM **ret_d)
{
	EVP_PKEY *k = EVP_RSA_gen(2048);

	assert_non_null(k);
	assert_int_equal(EVP_PKEY_get_bn_param(k, "n", ret_n), 1);
	assert_int_equal(EVP_PKEY_get_bn_param(k, "d", ret_d), 1);
	return k;
}

/*
 * Small encodings, which are found as n and they: x s + q n = R v with x s
 * far above R v leaves no other v than em + n. Random tests never see it.
 */
static void
small_encodings(void **state UNUSED)
{
	BIGNUM *n = NULL, *d = NULL, *em, *s;
	struct job jobs[RSA_LANES];
	EVP_PKEY *k;
	BN_CTX *ctx;

	if (!can())
		skip();
	k = key_new(&n, &d);
	ctx = BN_CTX_new();
	em = BN_new();
	s = BN_new();
	for (unsigned i = 0; i < RSA_LANES; i++) {
		assert_int_equal(BN_set_word(em, 1), 1);
		assert_int_equal(BN_lshift(em, em, 280 * (int)i), 1);	/* 2^0 .. 2^1960 */
		assert_int_equal(BN_add_word(em, 1), 1);
		assert_int_equal(BN_mod_exp(s, em, d, n, ctx), 1);
		job_init(&jobs[i], n, s);
	}
	assert_int_equal(answers(jobs, RSA_LANES), 0xff);
	for (unsigned i = 0; i < RSA_LANES; i++)
		number_add(jobs[i].em, jobs[(i + 1) % RSA_LANES].em);
	assert_int_equal(answers(jobs, RSA_LANES), 0);
	EVP_PKEY_free(k);
	BN_CTX_free(ctx);
	BN_free(n);
	BN_free(d);
	BN_free(em);
	BN_free(s);
}

/* OpenSSL's signature of a digest that it encodes. */
static void
job_sign(struct job *j, EVP_PKEY *k, const BIGNUM *n, unsigned i)
{
	EVP_PKEY_CTX *c = EVP_PKEY_CTX_new(k, NULL);
	BIGNUM *s = BN_new();
	uint8_t digest[32];
	size_t len = sizeof(j->sig);

	memset(digest, (int)i, sizeof(digest));
	assert_int_equal(EVP_PKEY_sign_init(c), 1);
	assert_int_equal(EVP_PKEY_CTX_set_signature_md(c, EVP_sha256()), 1);
	assert_int_equal(EVP_PKEY_sign(c, j->sig, &len, digest, sizeof(digest)), 1);
	assert_int_equal(len, RSA_LANE_LEN);
	assert_non_null(BN_bin2bn(j->sig, RSA_LANE_LEN, s));
	job_init(j, n, s);
	assert_memory_equal(j->em, ((uint8_t[]){ 0, 1, 0xff, 0xff }), 4);
	assert_memory_equal(j->em + RSA_LANE_LEN - sizeof(digest), digest, sizeof(digest));
	BN_free(s);
	EVP_PKEY_CTX_free(c);
}

static void
signatures(void **state UNUSED)
{
	struct job jobs[RSA_LANES];

	if (!can())
		skip();
	for (unsigned i = 0; i < RSA_LANES; i += 4) {
		BIGNUM *n = NULL, *d = NULL;
		EVP_PKEY *k = key_new(&n, &d);

		for (unsigned m = 0; m < 4; m++)
			job_sign(&jobs[i + m], k, n, 16 * i + m);
		EVP_PKEY_free(k);
		BN_free(n);
		BN_free(d);
	}
	assert_int_equal(answers(jobs, RSA_LANES), 0xff);
	/* Another one's signature. */
	memcpy(jobs[1].sig, jobs[0].sig, RSA_LANE_LEN);
	memcpy(jobs[3].sig, jobs[7].sig, RSA_LANE_LEN);
	assert_int_equal(answers(jobs, RSA_LANES), 0xf5);
}

/* On a machine without lanes this is all that can be said. */
static void
asked(void **state UNUSED)
{
#if !defined(__x86_64__)
	assert_false(rsa_lanes_can());
#else
	assert_int_equal(rsa_lanes_can(), __builtin_cpu_supports("avx512ifma") != 0);
#endif
}

TESTS_MAIN("crypto/rsa_lanes", T(asked), T(edges), T(faults), T(low), T(few), T(small_encodings),
    T(signatures))
