/*
 * Which kernel: the fastest that the processor has and the path allows
 * (crypto/verify.h): "generic" is OpenSSL's alone, AVX-512 belongs to "ifma".
 *
 * Measured on an EPYC of Zen 4, one core, ns for a block of 64 octets:
 *
 *				SHA-1	SHA-256
 *	OpenSSL, SHA extensions	32	34
 *	OpenSSL, AVX2		52	118
 *	pairs, SHA extensions		20
 *	8 lanes, AVX2		17	39
 *	16 lanes, AVX-512	10	21
 *
 * So SHA-1 goes into lanes wherever there are some; SHA-256 into pairs, and
 * into lanes of AVX2 only where the extensions are missing (Intel before Ice
 * Lake). What has AVX-512 IFMA has the extensions too, and pairs need only
 * two messages where AVX-512 needs sixteen.
 */
#include <stdatomic.h>

#include "crypto/sha_kernel.h"

#if defined(__x86_64__)

#include <cpuid.h>

enum {
	HAS_AVX2 = 1 << 0,
	HAS_AVX512 = 1 << 1,
	HAS_SHA = 1 << 2,
	LOOKED = 1 << 3
};

/* In a virtual machine each CPUID is a visit to the host: looked at once. */
static atomic_uint sha_found;

static bool
has_avx512(void)
{
	return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl") &&
	    __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq");
}

static bool
has_sha(void)
{
	unsigned a, b, c, d;

	return __get_cpuid_count(7, 0, &a, &b, &c, &d) != 0 && (b & bit_SHA) != 0 &&
	    __builtin_cpu_supports("sse4.1");
}

static unsigned
found(void)
{
	unsigned f = atomic_load_explicit(&sha_found, memory_order_relaxed);

	if (f != 0)
		return f;
	f = LOOKED;
	f |= __builtin_cpu_supports("avx2") ? HAS_AVX2 : 0;
	f |= has_avx512() ? HAS_AVX512 : 0;
	f |= has_sha() ? HAS_SHA : 0;
	atomic_store_explicit(&sha_found, f, memory_order_relaxed);
	return f;
}

static bool
is_there(unsigned what)
{
	enum crypto_path path = crypto_path();

	if (path == CRYPTO_GENERIC || (what == HAS_AVX512 && path != CRYPTO_IFMA))
		return false;
	return (found() & what) != 0;
}

const struct sha_kernel *
sha1_kernel(void)
{
	if (is_there(HAS_AVX512))
		return &sha1_avx512;
	return is_there(HAS_AVX2) ? &sha1_avx2 : &sha1_one;
}

const struct sha_kernel *
sha256_kernel(void)
{
	if (is_there(HAS_SHA))
		return &sha256_pair;
	return is_there(HAS_AVX2) ? &sha256_avx2 : &sha256_one;
}

#else

const struct sha_kernel *
sha1_kernel(void)
{
	return &sha1_one;
}

const struct sha_kernel *
sha256_kernel(void)
{
	return &sha256_one;
}

#endif

void
crypto_sha1_many(const struct crypto_msg *m, size_t n)
{
	sha1_many(sha1_kernel(), m, n);
}

void
crypto_sha256_many(const struct crypto_msg *m, size_t n)
{
	sha256_many(sha256_kernel(), m, n);
}

void
crypto_sha1_again(const struct crypto_msg *m, size_t n, struct sv salt, unsigned times)
{
	sha1_again(sha1_kernel(), m, n, salt, times);
}
