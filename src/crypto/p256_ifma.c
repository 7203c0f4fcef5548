/*
 * P-256 sums in eight lanes of AVX-512 IFMA. Verification only: entries are
 * looked up by the scalars' bits, and time depends on the numbers.
 *
 * The field is p256_fe8.h, the sums are p256_sum.h. A chunk is 128
 * signatures, 16 vectors of them: its room, 0.5 MB of points and products,
 * shares the core's 1 MB of second-level cache with two tables. More would
 * share each inversion among more, but drop out of that cache. (Measured on
 * Zen 4 in November 2026: 64 cost 3 % more each than 128. Fetching rows ahead
 * gained nothing, the processor does it well enough.)
 */
#include "crypto/p256_way.h"

#if defined(__x86_64__)
#include "crypto/p256_fe8_inv.h"

#define SUM_COLUMNS	16
#include "crypto/p256_sum.h"

_Static_assert(FE_LANES * SUM_COLUMNS <= P256_CHUNK, "no larger than any caller's room");

bool
p256_lanes_can(void)
{
	return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") &&
	    __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512bw") &&
	    __builtin_cpu_supports("avx512ifma");
}

const struct p256_way *
p256_way_lanes(void)
{
	static const struct p256_way way = {
		.chunk = FE_LANES * SUM_COLUMNS,
		.room_size = sizeof(struct sum_room),
		.check = sum_check,
	};

	return p256_lanes_can() ? &way : NULL;
}

#else

bool
p256_lanes_can(void)
{
	return false;
}

const struct p256_way *
p256_way_lanes(void)
{
	return NULL;
}

#endif
