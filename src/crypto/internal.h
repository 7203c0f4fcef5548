/* Shared by the TLS files: contexts, connections, names. */
#ifndef CRYPTO_INTERNAL_H
#define CRYPTO_INTERNAL_H

#include <openssl/ssl.h>

#include "base/ip.h"
#include "crypto/tls.h"

struct tls_named {
	char		 name[TLS_NAME_LEN];	/* lower case */
	SSL_CTX		*ssl;
};

struct tls_ctx {
	SSL_CTX		*ssl;
	struct tls_named *names;
	size_t		 n_names;
	unsigned	 refs;			/* the owner and each connection */
	bool		 server;
	int64_t		 from, until;
};

/* OpenSSL's own free functions, for _cleanup_(). */
static inline void
bio_freep(BIO **b)
{
	(void)BIO_free(*b);
}

static inline void
x509_freep(X509 **x)
{
	X509_free(*x);
}

static inline void
pkey_freep(EVP_PKEY **k)
{
	EVP_PKEY_free(*k);
}

/* Is it an address? Then bytes (4 or 16) of ret->addr count. */
bool	 tls_name_is_ip(struct sv, struct ip_prefix *ret);
/* A DNS name as lower-case text: letters, digits, "-", "_", "." and a leading "*.". */
int	 tls_name_text(struct sv, char ret[static TLS_NAME_LEN]) MUST_USE;
/* TIME_NEVER if it cannot be told. */
int64_t	 tls_asn1_time(const ASN1_TIME *);

#endif
