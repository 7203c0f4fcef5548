/*
 * What is verified: keys and signatures that OpenSSL made, in the form in
 * which crypto/verify.h takes them and in the one in which EVP does, so that
 * neither pays for the other's.
 */
#ifndef BENCH_CRYPTO_LOAD_H
#define BENCH_CRYPTO_LOAD_H

#include <openssl/evp.h>
#include <stdint.h>

#include "crypto/verify.h"

#define DIGEST_LEN	32
#define NUMBER_LEN	256		/* octets of the longest key or signature */
#define BATCH_MAX	1024

struct load_key {
	EVP_PKEY		*pkey;
	EVP_PKEY_CTX		*ctx;		/* ready to verify */
	struct crypto_pub	*pub;
	uint8_t			 number[NUMBER_LEN];	/* RSA: the modulus; else x, y */
	unsigned char		*spki;
	int			 spki_len;
};

struct load_sig {
	const struct load_key	*key;
	uint8_t			 digest[DIGEST_LEN];
	uint8_t			 sig[NUMBER_LEN];	/* as in a record or an object */
	uint8_t			 der[NUMBER_LEN];	/* as EVP wants it */
	size_t			 sig_len, der_len;
};

/* Batches of n are taken from it one behind the other, round about. */
struct load {
	const char		*name;
	struct load_key		*keys;
	struct load_sig		*sigs;
	struct crypto_verify	*items;		/* of the same signatures, n_items of them */
	size_t			 n_keys, n_sigs, n_items;
	size_t			 stride;	/* from batch to batch; 0: no gap */
	size_t			 at;
};

/* RSA-2048 with fresh keys; the same signatures with prepared keys. */
void	 load_rsa(struct load *ret_fresh, struct load *ret_prepared);
/* P-256: one key; or one for each batch that has not been there for long. */
void	 load_p256(struct load *ret, const char *name, size_t n_keys);
/* Where the next batch of n begins. */
size_t	 load_next(struct load *, size_t n);

#endif
