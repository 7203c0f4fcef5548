/*
 * Keys of a keyring whose private half is in a token: X.uri beside X.key.
 *
 * Each is tried before it is used (app/token_key.h), against the DNSKEY record
 * in X.key: the published one. The same is repeated by keyring_hsm_probe(), for
 * those who run long. All keys of a ring are in one token.
 */
#ifndef APP_KEYRING_HSM_H
#define APP_KEYRING_HSM_H

#include "app/keyring.h"
#include "dnssec/dnssec.h"
#include "hsm/hsm.h"

struct keyring_hsm;

/*
 * Open the token and every key of the ring that has a URI: their .token is set. o->token may
 * be NULL: the token of the first such key, or the only one that the module has. A token or
 * key that cannot be used is a REJECT finding (HSM_*, KEYRING_TOKEN, KEYRING_PROBE), and
 * *ret may stay NULL; negative: no memory. The ring must live longer.
 */
int	 keyring_hsm_open(struct keyring *, const struct hsm_opts *, struct findings *,
	    struct keyring_hsm **ret) MUST_USE;
struct keyring_hsm *keyring_hsm_free(struct keyring_hsm *);
DEFINE_CLEANUP(struct keyring_hsm, keyring_hsm_free)
/* All of them again: 0, or negative, with the findings that say why. */
int	 keyring_hsm_probe(struct keyring_hsm *, struct findings *) MUST_USE;

/* As keyring_generate(), in the token. */
int	 keyring_hsm_generate(struct keyring_hsm *, uint8_t alg, unsigned bits, uint16_t flags,
	    int64_t now, struct findings *, const char **ret_name) MUST_USE;

/* A sign_fn; arg: the struct keyring_hsm. Keys that are files are signed with here, too. */
int	 keyring_hsm_sign(void *arg, const struct sign_key *, struct crypto_make *, size_t n);

#endif
