/*
 * app/mail_sign: who signs for whom. The table of signers, and the way to the keys.
 *
 * The table (mail.sign[] of the configuration) says for which domains mail is
 * signed, with which selectors. The keys themselves are in role seal, which
 * parses nothing: a signer gets a key's number and a digest, and gives octets.
 */
#ifndef APP_MAIL_SIGN_H
#define APP_MAIL_SIGN_H

#include "mail/dkim.h"

/* One key of the table. */
struct mail_sign_key {
	struct sv	 domain, selector;	/* d=, s=: A-labels */
	enum dkim_alg	 alg;
	uint32_t	 key;			/* its number, for a signer */
};

struct mail_sign_table;
/* The keys that sign mail of that author's domain now; 0 of them: it is not signed. */
size_t	 mail_sign_find(const struct mail_sign_table *, const struct dname *author,
	    const struct mail_sign_key **ret);

/* Digests to signatures; may block for an answer of role seal. */
struct mail_signer {
	/* Octets of the signature in the pool. Negative: it could not be signed. */
	int	(*sign)(void *arg, uint32_t key, const uint8_t digest[static SHA256_LEN],
		    struct pool *, struct sv *ret_b);
	void	*arg;
};

#endif
