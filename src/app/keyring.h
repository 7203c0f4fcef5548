/*
 * A folder of keys for signing: for each key a file X.key with its DNSKEY
 * record (zone text, as dnssec-keygen and ldns-keygen write it), and beside it
 * the private key: X.pem (PKCS#8, what we write) or X.private (BIND's form), or
 * X.uri, one line that says where in a token it is (app/keyring_hsm.h).
 * X is "Kexample.jp.+013+12345", as operators know it; but the tag in a name
 * is for people only: a key is its DNSKEY data.
 *
 * Private files that others may read are told (KEY_FILE_OPEN) and used.
 */
#ifndef APP_KEYRING_H
#define APP_KEYRING_H

#include "base/pool.h"
#include "crypto/dnskey.h"
#include "dns/dns.h"
#include "dnssec/dnssec.h"

#define KEYRING_KEYS_MAX	256	/* of one zone in a folder, old ones included */
/* In the folder of a zone: the state of keys that an import wrote for the service (app/key_import.h). */
#define KEY_IMPORT_FILE		"imported"
#define KEYRING_FILES_MAX	200000	/* in a folder with the keys of many zones */

struct keyring_key {
	const char		*name;		/* X, without folder and ending */
	struct sv		 rdata;		/* DNSKEY */
	uint32_t		 ttl;		/* of the record; 0: none given */
	const struct crypto_priv *priv;		/* NULL: only the public part is there */
	const char		*uri;		/* NULL: not in a token */
	void			*token;		/* the key in it (keyring_hsm_open()), for sign_key.arg */
	/* From BIND's file; TIME_NEVER: none. A key without times is in use. */
	int64_t			 publish, activate, inactive, remove;
};

struct keyring;

/*
 * All keys of the zone in the folder. A key that cannot be used is a finding,
 * and left out; negative: the folder cannot be read.
 */
int	 keyring_read(const char *dir, const struct dname *zone, struct findings *,
	    struct keyring **ret) MUST_USE;
struct keyring *keyring_free(struct keyring *);
DEFINE_CLEANUP(struct keyring, keyring_free)
size_t	 keyring_n(const struct keyring *);
const struct keyring_key *keyring_get(const struct keyring *, size_t i);

/*
 * Make a key: flags of DNSKEY (256, 257), bits of RSA only. Its tag is none of
 * the ring's, nor would it be one of theirs when revoked (RFC 5011): equal
 * tags cost a validator work, and some refuse to do it. The files are on the
 * disk when this returns; *ret_name (in the ring's pool) is X.
 */
int	 keyring_generate(struct keyring *, uint8_t alg, unsigned bits, uint16_t flags,
	    int64_t now, const char **ret_name) MUST_USE;

/*
 * A key whose private half is where uri says: X.uri and X.key are written. -EEXIST: its tag
 * is taken. token as in keyring_key.
 */
int	 keyring_add(struct keyring *, const struct dnskey *, const char *uri, void *token,
	    int64_t now, const char **ret_name) MUST_USE;
void	 keyring_token_set(struct keyring *, size_t i, void *token);

#endif
