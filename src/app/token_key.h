/*
 * One key in a token: opened, tried, made and signed with. Whoever has the
 * token calls these from any thread (app/keyring_hsm.h for the keys of a
 * folder, role/key_token.c for those of a running service).
 *
 * Before it is used, it signs a probe of fresh random octets, and what comes
 * back is verified with the DNSKEY data that is published. Neither the id in
 * the URI nor a key tag is taken for a proof of anything.
 */
#ifndef APP_TOKEN_KEY_H
#define APP_TOKEN_KEY_H

#include "base/buf.h"
#include "crypto/dnskey.h"
#include "dnssec/dnssec.h"
#include "hsm/hsm.h"

struct token_key;

/* Is it the token that failed, and not this key? Then it is worth asking again. */
bool	 token_key_is_away(int rc);

/*
 * The key that the URI says, after its probe. name: for findings. 0, or negative with the
 * findings that say why (HSM_*, KEYRING_TOKEN, KEYRING_PROBE): -EKEYREJECTED if it is another
 * key than rdata says.
 */
int	 token_key_open(struct hsm *, const char *name, const char *uri, struct sv rdata,
	    struct findings *, struct token_key **ret) MUST_USE;
struct token_key *token_key_free(struct token_key *);
DEFINE_CLEANUP(struct token_key, token_key_free)
/* The probe again; as token_key_open(). */
int	 token_key_probe(struct hsm *, const struct token_key *, struct findings *) MUST_USE;
/* Out of the token, for ever; as hsm_key_delete(). */
int	 token_key_delete(struct hsm *, struct token_key *) MUST_USE;
/* As crypto_make_batch() and crypto_make_tbs_batch(), and as hsm_sign() fails. */
int	 token_key_sign(struct hsm *, const struct token_key *, struct crypto_make *, size_t n) MUST_USE;
int	 token_key_sign_tbs(struct hsm *, const struct token_key *, struct crypto_make_tbs *,
	    size_t n) MUST_USE;

/*
 * A new one, after its probe: its DNSKEY data, and the URI that finds it again, with a NUL at
 * the end. Negative: there is none (findings may say why), -ENOTSUP: no token does this.
 */
struct token_made {
	struct token_key	*key;
	uint8_t			 rdata[DNSKEY_RDATA_MAX];
	size_t			 rdata_len;
	struct buf		 uri;
};
/* Its label is TOKEN_LABEL, what it is for, and the zone (text), so that people know it in the token. */
#define TOKEN_LABEL	"sekisho "
int	 token_key_make(struct hsm *, struct sv zone, uint8_t alg, unsigned bits, uint16_t flags,
	    struct findings *, struct token_made *ret) MUST_USE;
/* What was made goes out of the token again: nobody knows of it. */
void	 token_made_undo(struct hsm *, struct token_made *);
/* The key, if it is there still, and the URI. */
void	 token_made_done(struct token_made *);

#endif
