/* SHA-1 in sixteen lanes of AVX-512. SHA-256 is as fast in pairs, sha_pair.c. */
#if defined(__x86_64__)

#define LANES		16
#define TARGET		__attribute__((target("avx512f,avx512vl,avx512bw,avx512dq")))
#include "crypto/sha_vec.h"

const struct sha_kernel sha1_avx512 = {
	.lanes = LANES, .few = 5, .blocks = sha1_blocks, .again = sha1_vec_again,
};

#endif
