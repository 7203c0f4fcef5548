/* The limit of the best way that this processor has (crypto/verify.h). */
#ifndef BENCH_LIMIT_BEST_H
#define BENCH_LIMIT_BEST_H

#include <stddef.h>
#include <stdint.h>

#define KEY_LEN		256
#define ROUNDS		9	/* the best one counts: noise only adds */
#define PER_ROUND	2048
#define HASH_LEN	(8u * 1024 * 1024)

/* Microseconds of one verification in large batches. */
double	 best_verify_usec(const uint8_t modulus[static KEY_LEN], const uint8_t digest[static 32],
	    const uint8_t sig[static KEY_LEN], int fresh);
/* Microseconds for one MiB of SHA-256, in messages as long as an RPKI object. */
double	 best_hash_usec(const uint8_t bytes[static HASH_LEN]);
const char *best_name(void);

#endif
