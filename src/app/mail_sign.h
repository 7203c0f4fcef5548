/*
 * app/mail_sign: who signs for whom. The table of signers, and the way to the keys.
 *
 * The table (mail.sign[] of the configuration, and the keys that the house rolls
 * itself) says for which domains mail is signed, with which selectors. The keys
 * themselves are in role seal, which parses nothing: a signer gets a key's number and
 * a digest, and gives octets.
 *
 * How a gate signs: mail_sign_find() with the author's domain gives at most one key of
 * RSA and one of Ed25519, RSA first; each makes a field of its own,
 *
 *	struct mail_sign_by by = { world->signer, &keys[i] };
 *	struct dkim_sign s = { .domain = keys[i].domain, .selector = keys[i].selector,
 *	    .by = mail_sign_by(&by), … };
 *	rc = dkim_sign(pool, head, body, &s, &field);
 *
 * and mail_sign_seal() gives the key of ARC, for arc_seal() in the same way. A signer that
 * cannot sign now (role seal is down) says so with a negative code; the mail goes on
 * without that signature, or later, as policy says.
 *
 * A table is immutable, and shared by all messages.
 */
#ifndef APP_MAIL_SIGN_H
#define APP_MAIL_SIGN_H

#include "base/buf.h"
#include "mail/dkim.h"

/* One key of the table. */
struct mail_sign_key {
	struct sv	 domain, selector;	/* d=, s=: A-labels */
	enum dkim_alg	 alg;
	uint32_t	 key;			/* its number, for a signer */
};

/*
 * The table as text, as seal tells it: a line for each key,
 *	NUMBER	ALGORITHM	DOMAIN	SELECTOR
 * between TABs. DOMAIN with a dot before it: of those below it, and not of itself. Of two keys of
 * an algorithm for a domain the first one signs; the other one is there for mail_sign_seal().
 */
#define MAIL_SIGN_ROWS_MAX	16384		/* as many as a configuration has (CONF_TABLE_MAX) */
#define MAIL_SIGN_TEXT_MAX	((size_t)8 << 20)

struct mail_sign_table;
/* The text is not needed any more after it. -EBADMSG: no such text; SE_LIMIT; -ENOMEM. */
int	 mail_sign_table_parse(struct sv text, struct mail_sign_table **ret) MUST_USE;
struct mail_sign_table *mail_sign_table_free(struct mail_sign_table *);
DEFINE_CLEANUP(struct mail_sign_table, mail_sign_table_free)
/* A line of that text. */
void	 mail_sign_key_put(struct buf *, const struct mail_sign_key *, bool is_below);

/*
 * The keys that sign mail of that author's domain now, RSA first, at most MAIL_SIGN_KEYS; 0 of
 * them: it is not signed. The domain's own row wins over the rows of domains above it.
 */
#define MAIL_SIGN_KEYS	2
size_t	 mail_sign_find(const struct mail_sign_table *, const struct dname *author,
	    const struct mail_sign_key **ret);
/* The key of ARC: of that domain and selector, both A-labels; no selector: any. NULL: none. */
const struct mail_sign_key *mail_sign_seal(const struct mail_sign_table *, struct sv domain,
	    struct sv selector);

/* Digests to signatures; may block for an answer of role seal. */
struct mail_signer {
	/* Octets of the signature in the pool. Negative: it could not be signed. */
	int	(*sign)(void *arg, uint32_t key, const uint8_t digest[static SHA256_LEN],
		    struct pool *, struct sv *ret_b);
	void	*arg;
};

/* One key of the table in the hands of a signer, for dkim_sign() and arc_seal(). */
struct mail_sign_by {
	const struct mail_signer	*signer;
	const struct mail_sign_key	*key;
};
/* It points to what it is made of. */
struct dkim_signer mail_sign_by(struct mail_sign_by *);

#endif
