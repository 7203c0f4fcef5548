/* SHA-1 and SHA-256 in eight lanes of AVX2. */
#if defined(__x86_64__)

#define LANES		8
#define TARGET		__attribute__((target("avx2")))
#define WITH_SHA256
#include "crypto/sha_vec.h"

const struct sha_kernel sha1_avx2 = {
	.lanes = LANES, .few = 3, .blocks = sha1_blocks, .again = sha1_vec_again,
};

const struct sha_kernel sha256_avx2 = {
	.lanes = LANES, .few = 2, .blocks = sha256_blocks,
};

#endif
