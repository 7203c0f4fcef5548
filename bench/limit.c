/*
 * The arithmetic limit of validation: what RSA-2048 verification costs when
 * nothing else is done. An issuer's key verifies many objects, so it can be
 * prepared once; an EE key verifies one and comes fresh. Any validator that
 * verifies every signature has to pay PREPARED times the one and FRESH times
 * the other, and SHA-256 over all bytes once.
 *
 *	limit PREPARED FRESH BYTES
 *
 * prints a JSON object: for OpenSSL's arithmetic, one at a time ("openssl":
 * big numbers without EVP, which is the least that any peer pays), and for
 * the best way here ("best", limit_best.c; "path" is its name): microseconds
 * of each, and seconds in all.
 */
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <stdint.h>
#include <string.h>

#include "kit.h"
#include "limit_best.h"

struct key {
	BIGNUM		*n, *e, *sig, *out;
	BN_MONT_CTX	*mont;
	BN_CTX		*ctx;
	uint8_t		 sig_bytes[KEY_LEN], expected[KEY_LEN];
	uint8_t		 modulus[KEY_LEN], digest[EVP_MAX_MD_SIZE];
};

struct costs {
	double	 prepared, fresh, mib;
};

/* A key and one signature that verifies with it. */
static void
key_make(struct key *k)
{
	static const uint8_t message[] = "sekisho";
	EVP_PKEY *pkey = EVP_RSA_gen(2048);
	EVP_MD_CTX *md = EVP_MD_CTX_new();
	size_t len = KEY_LEN;

	if (pkey == NULL || md == NULL ||
	    EVP_Digest(message, sizeof(message), k->digest, NULL, EVP_sha256(), NULL) != 1 ||
	    EVP_DigestSignInit(md, NULL, EVP_sha256(), NULL, pkey) != 1 ||
	    EVP_DigestSign(md, k->sig_bytes, &len, message, sizeof(message)) != 1 ||
	    EVP_PKEY_get_bn_param(pkey, OSSL_PKEY_PARAM_RSA_N, &k->n) != 1 ||
	    EVP_PKEY_get_bn_param(pkey, OSSL_PKEY_PARAM_RSA_E, &k->e) != 1 ||
	    BN_bn2binpad(k->n, k->modulus, KEY_LEN) != KEY_LEN)
		die("making a key");
	EVP_MD_CTX_free(md);
	EVP_PKEY_free(pkey);
	k->ctx = BN_CTX_new();
	k->mont = BN_MONT_CTX_new();
	k->sig = BN_new();
	k->out = BN_new();
	if (k->ctx == NULL || k->mont == NULL || k->sig == NULL || k->out == NULL ||
	    BN_MONT_CTX_set(k->mont, k->n, k->ctx) != 1)
		die("preparing a key");
}

/* sig^e mod n into bytes. */
static void
power(struct key *k, BN_MONT_CTX *mont, uint8_t ret[static KEY_LEN])
{
	if (BN_bin2bn(k->sig_bytes, KEY_LEN, k->sig) == NULL ||
	    BN_mod_exp_mont(k->out, k->sig, k->e, k->n, k->ctx, mont) != 1 ||
	    BN_bn2binpad(k->out, ret, KEY_LEN) != KEY_LEN)
		die("BN_mod_exp_mont");
}

static void
verify(struct key *k, int fresh)
{
	uint8_t got[KEY_LEN];
	BN_MONT_CTX *mont = k->mont;

	if (fresh && ((mont = BN_MONT_CTX_new()) == NULL ||
	    BN_MONT_CTX_set(mont, k->n, k->ctx) != 1))
		die("BN_MONT_CTX_set");
	power(k, mont, got);
	if (memcmp(got, k->expected, KEY_LEN) != 0)
		die("verification");
	if (fresh)
		BN_MONT_CTX_free(mont);
}

static double
verify_usec(struct key *k, int fresh)
{
	double best = 1e18;

	for (int r = 0; r < ROUNDS; r++) {
		double begin = cpu_usec(), took;

		for (int i = 0; i < PER_ROUND; i++)
			verify(k, fresh);
		took = (cpu_usec() - begin) / PER_ROUND;
		best = took < best ? took : best;
	}
	return best;
}

/* Microseconds for one MiB of SHA-256. */
static double
hash_usec(const uint8_t bytes[static HASH_LEN])
{
	uint8_t digest[EVP_MAX_MD_SIZE];
	double best = 1e18;
	unsigned len;

	for (int r = 0; r < ROUNDS; r++) {
		double begin = cpu_usec(), took;

		if (EVP_Digest(bytes, HASH_LEN, digest, &len, EVP_sha256(), NULL) != 1)
			die("EVP_Digest");
		took = (cpu_usec() - begin) / (HASH_LEN >> 20);
		best = took < best ? took : best;
	}
	return best;
}

static void
costs_print(const char *name, const struct costs *c, char **argv)
{
	double sec = (number(argv[1]) * c->prepared + number(argv[2]) * c->fresh +
	    number(argv[3]) / (1 << 20) * c->mib) / 1e6;

	printf(", \"%s\": {\"prepared_usec\": %.3f, \"fresh_usec\": %.3f, "
	    "\"sha256_mib_usec\": %.1f, \"seconds\": %.4f}", name, c->prepared, c->fresh, c->mib, sec);
}

int
main(int argc, char **argv)
{
	uint8_t *bytes = malloc(HASH_LEN);
	struct key k = { 0 };
	struct costs openssl, best;

	if (argc != 4 || bytes == NULL) {
		fprintf(stderr, "usage: limit PREPARED FRESH BYTES\n");
		return 2;
	}
	memset(bytes, 0x5a, HASH_LEN);
	key_make(&k);
	power(&k, k.mont, k.expected);
	if (k.expected[0] != 0 || k.expected[1] != 1 || k.expected[2] != 0xff)
		die("the padding of RFC 8017");
	openssl = (struct costs){ verify_usec(&k, 0), verify_usec(&k, 1), hash_usec(bytes) };
	best = (struct costs){ best_verify_usec(k.modulus, k.digest, k.sig_bytes, 0),
		best_verify_usec(k.modulus, k.digest, k.sig_bytes, 1), best_hash_usec(bytes) };
	printf("{\"path\": \"%s\"", best_name());
	costs_print("openssl", &openssl, argv);
	costs_print("best", &best, argv);
	printf("}\n");
	free(bytes);
	return 0;
}
