/* EMSA-PKCS1-v1_5 (RFC 8017 section 9.2), right, and wrong in each way that has been a hole. */
#ifndef TESTS_DIFF_EM_H
#define TESTS_DIFF_EM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Octets of the algorithm's digest; RSA only. */
size_t		 em_digest_len(uint8_t alg);
/* false: it does not fit. */
bool		 em_right(uint8_t alg, const uint8_t *digest, uint8_t *em, size_t len);
/* The i-th of EM_WRONGS, and its name; NULL: it does not fit. */
#define EM_WRONGS	15
const char	*em_wrong(unsigned i, uint8_t alg, const uint8_t *digest, uint8_t *em, size_t len);

#endif
