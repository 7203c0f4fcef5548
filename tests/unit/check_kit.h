/*
 * Signatures over pieces, in a batch through the door (crypto/verify.h): for
 * tests that have messages, not digests.
 */
#ifndef TESTS_UNIT_CHECK_KIT_H
#define TESTS_UNIT_CHECK_KIT_H

#include <stdlib.h>

#include "crypto/dnskey.h"

struct check {
	uint8_t			 alg;
	const struct crypto_pub	*key;
	struct sv		 data[CRYPTO_PIECES];
	struct sv		 sig;
	bool			 ok;
};

#define CHECK_ROOM	(1024 * 1024)
#define CHECK_MAX	1024

/* As crypto_verify_batch(). Not malloc(): a test counts who asks for memory. */
static inline int
check_batch(struct check *c, size_t n)
{
	static _Thread_local struct crypto_verify v[CHECK_MAX];
	static _Thread_local uint8_t room[CHECK_ROOM];
	size_t used = 0;
	int rc;

	for (size_t i = 0; i < n; i++) {
		size_t len = crypto_tbs_len(c[i].alg, c[i].data);

		if (n > CHECK_MAX || len > CHECK_ROOM - used ||
		    crypto_tbs(c[i].alg, c[i].data, room + used) < 0)
			abort();
		v[i] = (struct crypto_verify){ .key = c[i].key, .sig = c[i].sig, .ok = c[i].ok,
			.tbs = { (const char *)room + used, len } };
		used += len;
	}
	rc = crypto_verify_batch(v, n);
	for (size_t i = 0; i < n; i++)
		c[i].ok = v[i].ok;
	return rc;
}

#endif
