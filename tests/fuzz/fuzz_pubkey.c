/*
 * A DNSKEY's octets and a signature, of any bytes: ours says what OpenSSL's
 * generic verification says of the same key, with a digest of OpenSSL's own.
 *
 *	algorithm, length of the key (2), of the signature (2), both, the message
 */
#include <openssl/evp.h>
#include <stdint.h>
#include <stdlib.h>

#include "../diff/oracle.h"
#include "base/rd.h"
#include "crypto/dnskey.h"

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static bool
evp_says(uint8_t alg, struct sv key, struct sv sig, struct sv msg)
{
	static const char *const digests[] = { [5] = "SHA1", [7] = "SHA1", [8] = "SHA256",
		[10] = "SHA512", [13] = "SHA256", [14] = "SHA384", [16] = NULL };
	struct oracle *o = oracle_dnskey(alg, key);
	uint8_t digest[EVP_MAX_MD_SIZE];
	struct sv tbs = msg;
	size_t n = 0;
	bool yes;

	if (o == NULL)
		abort();		/* ours has taken the key */
	if (digests[alg] != NULL) {
		if (!EVP_Q_digest(NULL, digests[alg], NULL, msg.p, msg.n, digest, &n))
			abort();
		tbs = (struct sv){ (const char *)digest, n };
	}
	yes = oracle_says(o, tbs, sig);
	(void)oracle_free(o);
	return yes;
}

static void
judge(uint8_t alg, struct sv key, struct sv sig, struct sv msg)
{
	const struct sv whole[CRYPTO_PIECES] = { msg };
	const struct sv cut[CRYPTO_PIECES] = { sv_take(msg, 3), sv_skip(msg, 3) };
	struct crypto_pub *k = NULL;
	int rc;

	if (crypto_pub_new(alg, key, &k) < 0)
		return;
	rc = crypto_verify_one(k, whole, sig);
	/* P-384 costs a millisecond each time: that one is not cut. */
	if (rc < 0 || (rc == 1) != evp_says(alg, key, sig, msg) ||
	    (alg != 14 && crypto_verify_one(k, cut, sig) != rc))
		abort();
	(void)crypto_pub_free(k);
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct rd r = rd_mem(p, n);
	uint8_t alg = rd_u8(&r);
	size_t key_len = rd_be16(&r), sig_len = rd_be16(&r);
	struct sv key = rd_slice(&r, key_len), sig = rd_slice(&r, sig_len);
	struct sv msg = rd_slice(&r, rd_left(&r));

	if (rd_done(&r))
		judge(alg, key, sig, msg);
	return 0;
}
