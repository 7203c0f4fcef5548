/*
 * Many digests at once against OpenSSL's one-shot ones: each kernel, all
 * lengths and cuts, lanes of unequal messages; and the constants, found anew.
 */
#include "../tap.h"
#include "crypto/dnskey.h"
#include "crypto/sha_kernel.h"

#include "../../../src/crypto/sha_way.c"

#include <errno.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>

#define N_MAX	70
#define LEN_MAX	20000

struct kit {
	const char		*name;
	const struct sha_kernel	*k;
	unsigned		 needs;
	bool			 is_sha1;
};

static const struct kit kits[] = {
	{ "sha1 one", &sha1_one, 0, true },
	{ "sha256 one", &sha256_one, 0, false },
#if defined(__x86_64__)
	{ "sha1 avx2", &sha1_avx2, HAS_AVX2, true },
	{ "sha1 avx512", &sha1_avx512, HAS_AVX512, true },
	{ "sha256 avx2", &sha256_avx2, HAS_AVX2, false },
	{ "sha256 pair", &sha256_pair, HAS_SHA, false },
#endif
};

static bool
kit_can(const struct kit *t)
{
#if defined(__x86_64__)
	return (found() & t->needs) == t->needs;
#else
	return t->needs == 0;
#endif
}

/* Data that differ from octet to octet and from seed to seed, without a period of a block. */
static uint32_t
chance(uint64_t *s)
{
	*s = *s * 6364136223846793005u + 1442695040888963407u;
	return (uint32_t)(*s >> 33);
}

static uint8_t *
data_new(size_t n)
{
	uint8_t *p = malloc(n);
	uint64_t s = n;

	assert_non_null(p);
	for (size_t i = 0; i < n; i++)
		p[i] = (uint8_t)(chance(&s) >> 8);
	return p;
}

static void
oracle(bool is_sha1, const void *p, size_t n, uint8_t ret[static SHA256_LEN])
{
	assert_int_equal(EVP_Digest(p, n, ret, NULL, is_sha1 ? EVP_sha1() : EVP_sha256(), NULL), 1);
}

static size_t
kit_len(const struct kit *t)
{
	return t->is_sha1 ? SHA1_LEN : SHA256_LEN;
}

static void
kit_many(const struct kit *t, const struct crypto_msg *m, size_t n)
{
	if (t->is_sha1)
		sha1_many(t->k, m, n);
	else
		sha256_many(t->k, m, n);
}

/* A message in pieces cut at chance; empty ones come first, in the middle, and last. */
static struct crypto_msg
msg_cut(const uint8_t *p, size_t n, uint8_t *ret, uint64_t *s)
{
	size_t a = chance(s) % (n + 1), b = chance(s) % (n + 1);
	size_t lo = min_size(a, b), hi = max_size(a, b);
	const char *q = (const char *)p;

	return (struct crypto_msg){ .data = { { q, lo }, { q + lo, hi - lo }, { q + hi, n - hi } },
	    .ret = ret };
}

static void
kits_run(void (*test)(const struct kit *))
{
	bool all = true;

	for (size_t i = 0; i < ARRAY_LEN(kits); i++)
		if (kit_can(&kits[i])) {
			test(&kits[i]);
		} else {
			print_message("# %s: this processor cannot\n", kits[i].name);
			all = false;
		}
	if (!all)
		skip();
}

/* --- messages --- */

/* A batch of these lengths; all digests but the last octets of .ret's room are compared. */
static void
batch_check(const struct kit *t, const uint8_t *data, const size_t *len, size_t n, uint64_t seed)
{
	uint8_t got[N_MAX + 1][SHA256_LEN], want[SHA256_LEN];
	struct crypto_msg m[N_MAX] = { 0 };
	size_t d = kit_len(t);

	memset(got, 0xa5, sizeof(got));
	for (size_t i = 0; i < n; i++)
		m[i] = msg_cut(data + i, len[i], got[i], &seed);
	kit_many(t, m, n);
	for (size_t i = 0; i < n; i++) {
		oracle(t->is_sha1, data + i, len[i], want);
		if (memcmp(got[i], want, d) != 0)
			fail_msg("%s: message %zu of %zu, %zu octets", t->name, i, n, len[i]);
		for (size_t j = d; j < SHA256_LEN; j++)
			assert_int_equal(got[i][j], 0xa5);
	}
	assert_int_equal(got[n][0], 0xa5);
}

/* All of one length, as many as fill the lanes and one more; and every batch size. */
static void
equal_kit(const struct kit *t)
{
	uint8_t *data = data_new(LEN_MAX);
	size_t len[N_MAX];

	for (size_t l = 0; l <= 700; l++) {
		for (size_t i = 0; i < N_MAX; i++)
			len[i] = l;
		batch_check(t, data, len, t->k->lanes + 1, l);
	}
	for (size_t n = 0; n <= N_MAX; n++) {
		for (size_t i = 0; i < N_MAX; i++)
			len[i] = 55 + n % 2;
		batch_check(t, data, len, n, n);
	}
	free(data);
}

static void
equal_lengths(void **state UNUSED)
{
	kits_run(equal_kit);
}

/* Lanes end at different times; some messages are a thousand times as long as others. */
static void
mixed_kit(const struct kit *t)
{
	uint8_t *data = data_new(LEN_MAX);
	size_t len[N_MAX];
	uint64_t s = 1;

	for (unsigned round = 0; round < 400; round++) {
		size_t n = chance(&s) % (N_MAX + 1);

		for (size_t i = 0; i < n; i++)
			len[i] = chance(&s) % (chance(&s) % 16 == 0 ? LEN_MAX - N_MAX : 300);
		batch_check(t, data, len, n, round);
	}
	free(data);
}

static void
mixed_lengths(void **state UNUSED)
{
	kits_run(mixed_kit);
}

/* Pieces that end where blocks end, and where no more is put together. */
static void
edges_kit(const struct kit *t)
{
	static const size_t edges[] = { 0, 1, 55, 56, 64, 192, 247, 248, 255, 256, 257, 320, 512 };
	enum { N = ARRAY_LEN(edges) };
	uint8_t *data = data_new(LEN_MAX), got[N][SHA256_LEN], want[SHA256_LEN];
	const char *p = (const char *)data;
	struct crypto_msg m[N];

	for (size_t i = 0; i < N * N; i++) {
		size_t a = edges[i % N], b = edges[i / N];

		for (size_t j = 0; j < N; j++)
			m[j] = (struct crypto_msg){ .ret = got[j],
			    .data = { { p, a }, { p + a, b }, { p + a + b, edges[j] } } };
		kit_many(t, m, N);
		for (size_t j = 0; j < N; j++) {
			oracle(t->is_sha1, data, a + b + edges[j], want);
			if (memcmp(got[j], want, kit_len(t)) != 0)
				fail_msg("%s: %zu, %zu, %zu octets", t->name, a, b, edges[j]);
		}
	}
	free(data);
}

static void
edges(void **state UNUSED)
{
	kits_run(edges_kit);
}

/* In each lane once: a long one, an empty one, one that differs by a bit. */
static void
lane_kit(const struct kit *t)
{
	uint8_t *data = data_new(LEN_MAX), got[SHA_LANES_MAX][SHA256_LEN];
	struct crypto_msg m[SHA_LANES_MAX];
	size_t len[SHA_LANES_MAX];

	for (unsigned odd = 0; odd < t->k->lanes; odd++) {
		unsigned other = (odd + 1) % t->k->lanes;

		for (unsigned i = 0; i < t->k->lanes; i++)
			len[i] = i == odd ? 5000 : 100;
		batch_check(t, data, len, t->k->lanes, odd);
		len[odd] = 0;
		batch_check(t, data, len, t->k->lanes, odd);
		for (unsigned i = 0; i < t->k->lanes; i++)
			m[i] = (struct crypto_msg){ .data = { { (char *)data + (i == odd), 100 } },
			    .ret = got[i] };
		kit_many(t, m, t->k->lanes);
		for (unsigned i = 0; i < t->k->lanes; i++)
			assert_int_equal(memcmp(got[i], got[other], kit_len(t)) != 0,
			    i == odd && other != odd);
	}
	free(data);
}

static void
each_lane(void **state UNUSED)
{
	kits_run(lane_kit);
}

/* --- the digest of the digest --- */

static void
again_by_oracle(uint8_t *digest, struct sv salt, unsigned times)
{
	uint8_t in[SHA1_LEN + 255], out[SHA256_LEN];

	for (; times > 0; times--) {
		memcpy(in, digest, SHA1_LEN);
		memcpy(in + SHA1_LEN, salt.p, salt.n);
		oracle(true, in, SHA1_LEN + salt.n, out);
		memcpy(digest, out, SHA1_LEN);
	}
}

static void
again_check(const struct kit *t, const uint8_t *data, size_t n, size_t salt_len, unsigned times)
{
	uint8_t got[N_MAX][SHA1_LEN], want[SHA1_LEN];
	struct sv salt = { (const char *)data + 999, salt_len };
	struct crypto_msg m[N_MAX] = { 0 };

	for (size_t i = 0; i < n; i++) {
		memcpy(got[i], data + 20 * i, SHA1_LEN);
		m[i] = (struct crypto_msg){ .ret = got[i] };
	}
	sha1_again(t->k, m, n, salt, times);
	for (size_t i = 0; i < n; i++) {
		memcpy(want, data + 20 * i, SHA1_LEN);
		again_by_oracle(want, salt, times);
		if (memcmp(got[i], want, SHA1_LEN) != 0)
			fail_msg("%s: %zu of %zu, salt of %zu, %u times", t->name, i, n, salt_len,
			    times);
	}
}

static void
again_kit(const struct kit *t)
{
	static const size_t salts[] = { 0, 1, 8, 34, 35, 36, 43, 44, 45, 108, 255 };
	static const unsigned times[] = { 0, 1, 2, 10 };
	uint8_t *data;

	if (!t->is_sha1)
		return;
	data = data_new(4000);
	for (size_t i = 0; i < ARRAY_LEN(salts); i++)
		for (size_t j = 0; j < ARRAY_LEN(times); j++)
			for (size_t n = 0; n <= t->k->lanes + t->k->few + 2u; n++)
				again_check(t, data, n, salts[i], times[j]);
	again_check(t, data, N_MAX, 8, 150);
	free(data);
}

static void
again(void **state UNUSED)
{
	kits_run(again_kit);
}

/* --- the way --- */

#define N_PATH	20

static void
path_check(bool is_sha1, void (*many)(const struct crypto_msg *, size_t))
{
	uint8_t got[N_PATH][SHA256_LEN], want[SHA256_LEN];
	struct crypto_msg m[N_PATH];

	for (unsigned i = 0; i < N_PATH; i++)
		m[i] = (struct crypto_msg){ { SV("a"), SV("b"), SV("c") }, got[i] };
	many(m, N_PATH);
	oracle(is_sha1, "abc", 3, want);
	for (unsigned i = 0; i < N_PATH; i++)
		assert_memory_equal(got[i], want, is_sha1 ? SHA1_LEN : SHA256_LEN);
	if (!is_sha1)
		return;
	again_by_oracle(want, SV("x"), 3);
	crypto_sha1_again(m, N_PATH, SV("x"), 3);
	for (unsigned i = 0; i < N_PATH; i++)
		assert_memory_equal(got[i], want, SHA1_LEN);
}

static void
by_path(void **state UNUSED)
{
	for (unsigned p = 0; p < CRYPTO_PATH_MAX; p++) {
		if (crypto_path_force(p) < 0)
			continue;
		path_check(true, crypto_sha1_many);
		path_check(false, crypto_sha256_many);
	}
	assert_int_equal(crypto_path_force(CRYPTO_GENERIC), 0);
	assert_ptr_equal(sha1_kernel(), &sha1_one);
	assert_ptr_equal(sha256_kernel(), &sha256_one);
	assert_int_equal(crypto_path_force(CRYPTO_TABLES), 0);
	assert_true(sha1_kernel()->lanes <= 8);
}

/* The system's own list of what the processor has: it is not CPUID as we read it. */
static bool
has_flags(const char *wanted)
{
	FILE *f = fopen("/proc/cpuinfo", "re");
	struct sv line = { 0 }, word, want = sv_str(wanted);
	char text[8192];
	bool all = true;

	assert_non_null(f);
	do
		assert_non_null(fgets(text, sizeof(text), f));
	while (!sv_starts(line = sv_trim(sv_str(text)), SV("flags")));
	(void)fclose(f);
	while (all && (word = sv_cut(&want, ' ')).n > 0) {
		struct sv left = line;

		for (all = false; left.n > 0 && !all;)
			all = sv_eq(sv_cut(&left, ' '), word);
	}
	return all;
}

static void
kernels(void **state UNUSED)
{
#if defined(__x86_64__)
	const bool avx2 = has_flags("avx2");

	assert_int_equal(crypto_path_force(CRYPTO_TABLES), 0);
	assert_ptr_equal(sha1_kernel(), avx2 ? &sha1_avx2 : &sha1_one);
	assert_ptr_equal(sha256_kernel(), has_flags("sha_ni sse4_1") ? &sha256_pair :
	    avx2 ? &sha256_avx2 : &sha256_one);
	if (crypto_path_force(CRYPTO_IFMA) == 0 && has_flags("avx512f avx512vl avx512bw avx512dq"))
		assert_ptr_equal(sha1_kernel(), &sha1_avx512);
#endif
}

/* --- lanes are used where there are enough to fill them --- */

static unsigned n_lanes_asked;

/* For each of two lanes what the one lane has. */
static void
each_of_two(uint32_t *state, void (*one)(uint32_t *, unsigned, void *), void *arg)
{
	uint32_t own[SHA1_STATE];

	n_lanes_asked++;
	for (unsigned i = 0; i < 2; i++) {
		for (unsigned w = 0; w < SHA1_STATE; w++)
			own[w] = state[2 * w + i];
		one(own, i, arg);
		for (unsigned w = 0; w < SHA1_STATE; w++)
			state[2 * w + i] = own[w];
	}
}

struct two_blocks {
	const uint8_t *const	*block;
	size_t			 n;
};

static void
blocks_of_one(uint32_t *state, unsigned i, void *arg)
{
	const struct two_blocks *b = arg;

	sha1_one.blocks(state, &b->block[i], b->n);
}

static void
two_blocks(uint32_t *state, const uint8_t *const *block, size_t n)
{
	each_of_two(state, blocks_of_one, &(struct two_blocks){ block, n });
}

struct two_again {
	const uint32_t	*salt;
	unsigned	 times;
};

static void
again_of_one(uint32_t *state, unsigned i UNUSED, void *arg)
{
	const struct two_again *a = arg;

	sha1_one.again(state, a->salt, a->times);
}

static void
two_again(uint32_t *state, const uint32_t salt[static SHA_SALT_WORDS], unsigned times)
{
	each_of_two(state, again_of_one, &(struct two_again){ salt, times });
}

static void
worth_it(void **state UNUSED)
{
	static const struct sha_kernel two = { .lanes = 2, .few = 1, .blocks = two_blocks, .again = two_again };
	const struct kit t = { "two", &two, 0, true };
	uint8_t *data = data_new(1000);

	for (size_t n = 1; n <= 3; n++) {
		const size_t len[] = { 1000, 900, 800 };
		struct crypto_msg m[3];
		uint8_t digest[3][SHA1_LEN];

		n_lanes_asked = 0;
		batch_check(&t, data, len, n, 7);
		assert_int_equal(n_lanes_asked > 0, n > 1);
		for (size_t i = 0; i < n; i++) {
			memset(digest[i], (int)i, SHA1_LEN);
			m[i] = (struct crypto_msg){ .ret = digest[i] };
		}
		n_lanes_asked = 0;
		sha1_again(&two, m, n, SV("salt"), 5);
		assert_int_equal(n_lanes_asked, n / 2);
		for (size_t i = 0; i < n; i++) {
			uint8_t want[SHA1_LEN];

			memset(want, (int)i, SHA1_LEN);
			again_by_oracle(want, SV("salt"), 5);
			assert_memory_equal(digest[i], want, SHA1_LEN);
		}
	}
	free(data);
}

/* --- what is signed --- */

static void
tbs_of_all(void **state UNUSED)
{
	static const uint8_t algs[] = { 8, 13, 5, 15, 13, 14, 7, 10, 16, 8 };
	struct crypto_tbs_item t[N_MAX * 2];
	uint8_t *data = data_new(LEN_MAX), got[N_MAX * 2][512], want[512];
	uint64_t s = 3;

	memset(got, 0, sizeof(got));
	for (size_t i = 0; i < ARRAY_LEN(t); i++) {
		t[i].alg = algs[i % ARRAY_LEN(algs)];
		t[i].msg = msg_cut(data + i, chance(&s) % 500, got[i], &s);
	}
	assert_int_equal(crypto_tbs_many(t, ARRAY_LEN(t)), 0);
	for (size_t i = 0; i < ARRAY_LEN(t); i++) {
		memset(want, 0, sizeof(want));
		assert_int_equal(crypto_tbs(t[i].alg, t[i].msg.data, want), 0);
		assert_memory_equal(got[i], want, sizeof(want));
	}
	t[100].alg = 3;
	assert_int_equal(crypto_tbs_many(t, ARRAY_LEN(t)), -ENOTSUP);
	assert_int_equal(crypto_tbs_many(t, 0), 0);
	free(data);
}

/* A fact's name is the digest of the item's octets, or of none if they are too many. */
static void
facts(void **state UNUSED)
{
	uint8_t *data = data_new(LEN_MAX), got[N_MAX][CRYPTO_FACT_LEN], want[SHA256_LEN];
	uint8_t room[CRYPTO_ITEM_MAX];
	struct crypto_verify v[N_MAX];

	for (size_t i = 0; i < N_MAX; i++) {
		const char *p = (const char *)data + i;

		v[i] = (struct crypto_verify){ .modulus = { p, 256 + i % 9 }, .exponent = 65537,
		    .sig = { p + 300, i == 40 ? 3000 : 256 }, .tbs = { p + 5000, SHA256_LEN } };
	}
	crypto_fact_many(v, N_MAX, got);
	for (size_t i = 0; i < N_MAX; i++) {
		struct wr w = wr_mem(room, sizeof(room));

		crypto_item_write(&w, &v[i]);
		assert_int_equal(wr_done(&w), i != 40);
		oracle(false, room, i != 40 ? w.len : 0, want);
		assert_memory_equal(got[i], want, sizeof(want));
		crypto_fact(&v[i], want);
		assert_memory_equal(got[i], want, sizeof(want));
	}
	free(data);
}

/* --- the constants --- */

typedef unsigned __int128 u128;

/* The first 32 bits behind the point of a prime's root: floor(2^32 * root) modulo 2^32. */
static uint32_t
root_fraction(unsigned prime, bool cube)
{
	uint64_t lo = 0, hi = (uint64_t)1 << 37;	/* 2^32 * 32: more than any of them */

	while (hi - lo > 1) {
		uint64_t mid = lo + (hi - lo) / 2;
		u128 power = (u128)mid * mid, want = (u128)prime << 64;

		if (cube) {
			/* mid^3 <= prime * 2^96, and mid < 2^35 where it matters: no overflow. */
			power = mid >> 35 != 0 ? ~(u128)0 : power * mid;
			want <<= 32;
		}
		if (power <= want)
			lo = mid;
		else
			hi = mid;
	}
	return (uint32_t)lo;
}

static bool
is_prime(unsigned n)
{
	for (unsigned d = 2; d * d <= n; d++)
		if (n % d == 0)
			return false;
	return n > 1;
}

static void
constants(void **state UNUSED)
{
	unsigned n = 0, prime = 2;

	for (; n < 64; prime++) {
		if (!is_prime(prime))
			continue;
		assert_int_equal(sha256_k[n], root_fraction(prime, true));
		if (n < SHA256_STATE)
			assert_int_equal(sha256_init[n], root_fraction(prime, false));
		n++;
	}
	/* SHA-1 begins with the digits counted up, down, and in turns, octets reversed. */
	for (unsigned i = 0; i < 4; i++) {
		assert_int_equal(sha1_init[0] >> 8 * i & 0xff, 0x01 + 0x22 * i);
		assert_int_equal(sha1_init[1] >> 8 * i & 0xff, 0x89 + 0x22 * i);
		assert_int_equal(sha1_init[2] >> 8 * i & 0xff, 0xfe - 0x22 * i);
		assert_int_equal(sha1_init[3] >> 8 * i & 0xff, 0x76 - 0x22 * i);
		assert_int_equal(sha1_init[4] >> 8 * i & 0xff, 0xf0 - 0x0f * i);
	}
}

TESTS_MAIN("crypto/digest", T(constants), T(equal_lengths), T(mixed_lengths), T(edges), T(each_lane),
    T(again), T(by_path), T(kernels), T(worth_it), T(tbs_of_all), T(facts))
