#include "limit_best.h"

#include "crypto/digest.h"
#include "crypto/verify.h"
#include "kit.h"

#define RSA_E		65537
#define MESSAGE		2048
#define MESSAGES	(HASH_LEN / MESSAGE)

const char *
best_name(void)
{
	return crypto_path_name(crypto_path());
}

static double
verify_round(struct crypto_verify v[static PER_ROUND])
{
	double begin = cpu_usec(), took;

	if (crypto_verify_batch(v, PER_ROUND) < 0)
		die("crypto_verify_batch");
	took = cpu_usec() - begin;
	for (int i = 0; i < PER_ROUND; i++)
		if (!v[i].ok)
			die("verification");
	return took / PER_ROUND;
}

double
best_verify_usec(const uint8_t modulus[static KEY_LEN], const uint8_t digest[static 32],
    const uint8_t sig[static KEY_LEN], int fresh)
{
	struct crypto_verify *v = calloc(PER_ROUND, sizeof(*v));
	struct sv n = { (const char *)modulus, KEY_LEN };
	struct crypto_pub *key = NULL;
	double best = 1e18;

	if (v == NULL || crypto_pub_rsa(n, RSA_E, &key) < 0)
		die("taking a key");
	for (int i = 0; i < PER_ROUND; i++)
		v[i] = (struct crypto_verify){ .key = fresh ? NULL : key, .modulus = n,
			.exponent = RSA_E, .tbs = { (const char *)digest, 32 },
			.sig = { (const char *)sig, KEY_LEN } };
	for (int r = 0; r < ROUNDS; r++) {
		double took = verify_round(v);

		best = took < best ? took : best;
	}
	(void)crypto_pub_free(key);
	free(v);
	return best;
}

double
best_hash_usec(const uint8_t bytes[static HASH_LEN])
{
	static uint8_t digests[MESSAGES][32];
	static struct crypto_msg messages[MESSAGES];
	double best = 1e18;

	for (size_t i = 0; i < MESSAGES; i++)
		messages[i] = (struct crypto_msg){ .ret = digests[i],
			.data = { { (const char *)bytes + i * MESSAGE, MESSAGE } } };
	for (int r = 0; r < ROUNDS; r++) {
		double begin = cpu_usec(), took;

		crypto_sha256_many(messages, MESSAGES);
		took = (cpu_usec() - begin) / (HASH_LEN >> 20);
		best = took < best ? took : best;
	}
	return best;
}
