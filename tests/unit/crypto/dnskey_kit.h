/*
 * What the DNSSEC key tests share: base64, RRSIG heads, and the oracle, which
 * is OpenSSL's generic verification over a key object made from the octets.
 */
#ifndef TESTS_UNIT_CRYPTO_DNSKEY_KIT_H
#define TESTS_UNIT_CRYPTO_DNSKEY_KIT_H

#define OPENSSL_SUPPRESS_DEPRECATED
#include "../tap.h"

#include <stdio.h>
#include <stdlib.h>

#include <openssl/bn.h>
#include <openssl/ec.h>
#include <openssl/ecdsa.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>

#include "base/rd.h"
#include "base/sv.h"
#include "crypto/crypto.h"
#include "crypto/dnskey.h"
#include "../check_kit.h"

static inline struct sv
sv_of(const void *p, size_t n)
{
	return (struct sv){ p, n };
}

/* The octets of a base64 text; the room is dst's. */
static inline struct sv UNUSED
base64(const char *text, uint8_t *dst)
{
	size_t n = strlen(text), pad = 0;

	while (pad < n && text[n - 1 - pad] == '=')
		pad++;
	assert_int_equal(EVP_DecodeBlock(dst, (const unsigned char *)text, (int)n), n / 4 * 3);
	return sv_of(dst, n / 4 * 3 - pad);
}

/* The pieces cut elsewhere: all say the same. */
static inline bool UNUSED
verifies(uint8_t alg, struct sv key, struct sv msg, struct sv sig)
{
	struct check c[4];

	for (size_t i = 0; i < ARRAY_LEN(c); i++) {
		struct crypto_pub *pub = NULL;
		size_t cut = i * msg.n / 5;

		assert_int_equal(crypto_pub_new(alg, key, &pub), 0);
		c[i] = (struct check){ .alg = alg, .key = pub, .sig = sig, .ok = true, .data = {
			sv_take(msg, cut), sv_take(sv_skip(msg, cut), cut), sv_skip(msg, 2 * cut) } };
	}
	assert_int_equal(check_batch(c, ARRAY_LEN(c)), 0);
	for (size_t i = 0; i < ARRAY_LEN(c); i++) {
		assert_int_equal(c[i].ok, c[0].ok);
		(void)crypto_pub_free((struct crypto_pub *)c[i].key);
	}
	assert_int_equal(ERR_peek_error(), 0);
	return c[0].ok;
}

#endif
