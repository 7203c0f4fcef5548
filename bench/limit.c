/*
 * The arithmetic limit of validation: what RSA-2048 verification costs when
 * nothing else is done. An issuer's key verifies many objects, so its
 * Montgomery context is prepared once; an EE key verifies one, so its context
 * is made each time. Any validator that verifies every signature has to pay
 * PREPARED times the one and FRESH times the other, and SHA-256 over all
 * bytes once.
 *
 *	limit PREPARED FRESH BYTES
 *
 * prints a JSON object: microseconds of each, and seconds in all.
 */
#include <openssl/bn.h>
#include <openssl/evp.h>
#include <openssl/core_names.h>
#include <openssl/rsa.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define ROUNDS		9	/* the best one counts: noise only adds */
#define PER_ROUND	2000
#define KEY_LEN		256
#define HASH_LEN	(8u * 1024 * 1024)

struct key {
	BIGNUM		*n, *e, *sig, *out;
	BN_MONT_CTX	*mont;
	BN_CTX		*ctx;
	uint8_t		 sig_bytes[KEY_LEN], expected[KEY_LEN];
};

static void
die(const char *what)
{
	fprintf(stderr, "limit: %s failed\n", what);
	exit(3);
}

static double
cpu_usec(void)
{
	struct timespec ts;

	if (clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts) != 0)
		die("clock_gettime");
	return (double)ts.tv_sec * 1e6 + (double)ts.tv_nsec / 1e3;
}

/* A key and one signature that verifies with it. */
static void
key_make(struct key *k)
{
	static const uint8_t message[] = "sekisho";
	EVP_PKEY *pkey = EVP_RSA_gen(2048);
	EVP_MD_CTX *md = EVP_MD_CTX_new();
	size_t len = KEY_LEN;

	if (pkey == NULL || md == NULL ||
	    EVP_DigestSignInit(md, NULL, EVP_sha256(), NULL, pkey) != 1 ||
	    EVP_DigestSign(md, k->sig_bytes, &len, message, sizeof(message)) != 1 ||
	    EVP_PKEY_get_bn_param(pkey, OSSL_PKEY_PARAM_RSA_N, &k->n) != 1 ||
	    EVP_PKEY_get_bn_param(pkey, OSSL_PKEY_PARAM_RSA_E, &k->e) != 1)
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
		if (took < best)
			best = took;
	}
	return best;
}

/* Microseconds for one MiB of SHA-256. */
static double
hash_usec(void)
{
	uint8_t digest[EVP_MAX_MD_SIZE], *p = malloc(HASH_LEN);
	double best = 1e18;
	unsigned len;

	if (p == NULL)
		die("malloc");
	memset(p, 0x5a, HASH_LEN);
	for (int r = 0; r < ROUNDS; r++) {
		double begin = cpu_usec(), took;

		if (EVP_Digest(p, HASH_LEN, digest, &len, EVP_sha256(), NULL) != 1)
			die("EVP_Digest");
		took = (cpu_usec() - begin) / (HASH_LEN >> 20);
		if (took < best)
			best = took;
	}
	free(p);
	return best;
}

static double
number(const char *s)
{
	char *end;
	double v = strtod(s, &end);

	if (*s == '\0' || *end != '\0' || v < 0)
		die(s);
	return v;
}

int
main(int argc, char **argv)
{
	struct key k = { 0 };
	double prepared, fresh, mib, total;

	if (argc != 4) {
		fprintf(stderr, "usage: limit PREPARED FRESH BYTES\n");
		return 2;
	}
	key_make(&k);
	power(&k, k.mont, k.expected);
	if (k.expected[0] != 0 || k.expected[1] != 1 || k.expected[2] != 0xff)
		die("the padding of RFC 8017");
	prepared = verify_usec(&k, 0);
	fresh = verify_usec(&k, 1);
	mib = hash_usec();
	total = (number(argv[1]) * prepared + number(argv[2]) * fresh +
	    number(argv[3]) / (1 << 20) * mib) / 1e6;
	printf("{\"prepared_usec\": %.2f, \"fresh_usec\": %.2f, "
	    "\"sha256_mib_usec\": %.1f, \"seconds\": %.4f}\n",
	    prepared, fresh, mib, total);
	return 0;
}
