/* Shared by the dnskey files: the table of algorithms, keys, the state of a batch. */
#ifndef CRYPTO_DNSKEY_INTERNAL_H
#define CRYPTO_DNSKEY_INTERNAL_H

#include <openssl/bn.h>
#include <openssl/ec.h>
#include <openssl/evp.h>

#include "crypto/dnskey.h"

DEFINE_CLEANUP(BIGNUM, BN_clear_free)
DEFINE_CLEANUP(BN_CTX, BN_CTX_free)
DEFINE_CLEANUP(EVP_PKEY, EVP_PKEY_free)
DEFINE_CLEANUP(EVP_PKEY_CTX, EVP_PKEY_CTX_free)

#define DNS_RSA_BITS_MIN	512	/* what RFC 5702 section 2.1 begins with */
#define DNS_RSA_BITS_MAX	4096	/* RFC 5702 section 2.1; a stranger's key may not cost more */
#define DNS_RSA_E_LEN		8	/* OpenSSL's own limit for large moduli is the same */
#define DNS_RSA_LEN_MAX	(DNS_RSA_BITS_MAX / 8)
#define DNS_RSA_E	65537		/* nearly every key's; RFC 7935 section 3 fixes it */
#define DNS_RSASHA256	8		/* the RPKI's algorithm, too */
#define DNS_FIELD_MAX	48		/* octets of P-384 */
#define DNS_P256_LEN	32		/* octets of P-256 */
#define DNS_RSA_MAKE_MIN	1024	/* of private keys */
_Static_assert(CRYPTO_DNSKEY_MAX == 3 + DNS_RSA_E_LEN + DNS_RSA_BITS_MAX / 8, "room for each key");
_Static_assert(CRYPTO_DNSSIG_MAX == DNS_RSA_BITS_MAX / 8, "room for each signature");

enum dns_kind {
	DNS_RSA,
	DNS_EC,
	DNS_ED
};

struct dns_alg {
	uint8_t		 alg;
	enum dns_kind	 kind;
	const char	*name;		/* OpenSSL's: of the key type, or of the curve */
	void		(*digest)(const struct sv data[static CRYPTO_PIECES], uint8_t *ret);
	size_t		 digest_len;	/* EdDSA: 0, it signs the message */
	struct sv	 info;		/* RSA: DigestInfo before the digest */
	size_t		 key_len;	/* octets of the public key field; RSA: 0 */
	size_t		 sig_len;	/* RSA: 0, it is that of the modulus */
	int		 nid;		/* of a curve */
};
/* NULL: none that we know. */
const struct dns_alg *dns_alg_find(uint8_t alg);
/* Each of them, for i from 0; NULL behind the last. */
const struct dns_alg *dns_alg_at(size_t i);

/* rsa_lanes.h; nobody with private keys knows what is in it (tests/lint/test_public.py). */

struct crypto_pub {
	const struct dns_alg	*alg;
	unsigned		 bits;
	size_t			 sig_len;
	/* RSA */
	BIGNUM			*n, *e;
	_Atomic(BN_MONT_CTX *)	*mont;		/* of n; NULL in it: nobody needed it yet */
	uint8_t			*octets;	/* the modulus, for the lanes; or NULL: not for them */
	/* ECDSA */
	EC_GROUP		*group;
	EC_POINT		*q;
	BN_MONT_CTX		*field;		/* of the field's prime */
	uint8_t			 xy[2 * DNS_P256_LEN]; /* P-256: the key's octets */
	/* EdDSA */
	EVP_PKEY		*pkey;
};

struct crypto_priv {
	const struct dns_alg	*alg;
	EVP_PKEY		*pkey;
	struct crypto_pub	*check;		/* its public half */
	EC_KEY			*ec;		/* ECDSA: the same key */
	size_t			 sig_len;
	size_t			 pub_len;
	uint8_t			 pub[CRYPTO_DNSKEY_MAX];
};

/* What one batch computes in: made by who needs it first, gone with the batch. */
struct dns_work {
	BN_CTX		*ctx;
	EVP_MD_CTX	*md;
	const EVP_PKEY	*md_key;	/* whose state md holds */
	EVP_PKEY_CTX	*rsa;
	BN_MONT_CTX	*mont;		/* of fresh RSA keys */
	uint8_t		*msg;		/* an EdDSA message in one piece */
	size_t		 msg_cap;
};
int	 dns_work_bn(struct dns_work *) MUST_USE;
int	 dns_work_md(struct dns_work *, const EVP_PKEY *) MUST_USE;
/* The pieces as one; *ret points into one of them or into the work. */
int	 dns_work_join(struct dns_work *, const struct sv data[static CRYPTO_PIECES],
	    struct sv *ret) MUST_USE;
void	 dns_work_done(struct dns_work *);
/* What OpenSSL's error queue says: -ENOMEM, or SE_CRYPTO. It is empty afterwards. */
int	 dns_failure(void);

#define DNS_CHUNK	64		/* items that share one inversion; 128 save 1 % more */

/*
 * One kind's share of a batch: at most DNS_CHUNK items of one algorithm, whose signatures
 * and digests have the right lengths; .ok is false.
 */
int	 dns_rsa_check(struct dns_work *, struct crypto_verify *const *, size_t n) MUST_USE;
int	 dns_ec_check(struct dns_work *, struct crypto_verify *const *, size_t n) MUST_USE;
int	 dns_ed_check(struct dns_work *, struct crypto_verify *const *, size_t n) MUST_USE;
/* Is it the signature of the digest? sig has the key's length. 1, 0, or negative. */
int	 dns_rsa_matches(struct dns_work *, const struct crypto_pub *, const uint8_t *sig,
	    const uint8_t *digest) MUST_USE;
/* EMSA-PKCS1-v1_5 of the digest in len octets. false: there is no room for it. */
bool	 dns_rsa_encode(const struct dns_alg *, const uint8_t *digest, size_t len, uint8_t *em);

/* A signature to be made of crypto_tbs(); sig has room. */
struct dns_todo {
	struct sv	 tbs;
	uint8_t		*sig;
};
/* At most DNS_CHUNK of them. */
int	 dns_ec_sign(struct dns_work *, const struct crypto_priv *, const struct dns_todo *,
	    size_t n) MUST_USE;
/* The key of that private number. -EINVAL: out of range. */
int	 dns_ec_from_number(const struct dns_alg *, struct sv, EVP_PKEY **ret) MUST_USE;
/* Its missing numbers are found; all of them are judged. */
int	 dns_rsa_from_numbers(const struct crypto_numbers *, EVP_PKEY **ret) MUST_USE;

#endif
