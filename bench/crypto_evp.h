/* The same signatures by OpenSSL's EVP, one by one. */
#ifndef BENCH_CRYPTO_EVP_H
#define BENCH_CRYPTO_EVP_H

#include "crypto_load.h"

/* As fast as EVP can: the key is there, its context is used again and again. */
void	 evp_cached(struct load *, size_t n);
/* As one meets a key: out of its SubjectPublicKeyInfo, each time. */
void	 evp_imported(struct load *, size_t n);

#endif
