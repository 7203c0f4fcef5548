/* A slice of a batch, and who takes what out of it. */
#ifndef CRYPTO_VERIFY_INTERNAL_H
#define CRYPTO_VERIFY_INTERNAL_H

#include "crypto/dnskey_internal.h"
#include "crypto/p256.h"
#include "crypto/rsa_lanes.h"

_Static_assert(DNS_P256_LEN == P256_LEN, "keys and tables mean the same");

#define VERIFY_SLICE	512	/* items: some chunks of P-256 in lanes (p256_ifma.c) */

struct slice {
	struct dns_work		*w;
	struct crypto_verify	*v;
	size_t			 n;
	bool			 todo[VERIFY_SLICE];	/* could verify, and nobody has answered yet */
};

/* They answer what is theirs; what stays to do is OpenSSL's. */
void	 slice_rsa_lanes(struct slice *);
void	 slice_p256(struct slice *, bool lanes);

#endif
