/* What the files of DKIM share beside the door. */
#ifndef MAIL_DKIM_INTERNAL_H
#define MAIL_DKIM_INTERNAL_H

#include "mail/dkim.h"

/* d=, s=, the domain of i=: ASCII as it is, U-labels by mail_domain(). -EINVAL. */
int	 dkim_domain(struct sv, struct dname *ret) MUST_USE;
/* The same as text of A-labels, for a field of an ordinary message. -EINVAL; -ENOMEM. */
int	 dkim_domain_text(struct pool *, struct sv, struct sv *ret) MUST_USE;

/* RFC 8301 section 3.1: SHA-1 is not for signing. */
static inline bool
dkim_alg_can_sign(enum dkim_alg a)
{
	return a == DKIM_RSA_SHA256 || a == DKIM_ED25519_SHA256;
}

/* Room for what will be computed. -ENOMEM. */
int	 dkim_memo_init(struct pool *, const struct dkim_sig *, struct dkim_memo *ret) MUST_USE;
/* The digest of what was signed of the head, unless it is there already. 0; -ENOMEM. */
int	 dkim_memo_hash(const struct mail_head *, const struct dkim_sig *, struct dkim_memo *) MUST_USE;

/*
 * dkim_pubs.c. What is found or added is borrowed, and stays until it is given back. Add takes the
 * key; NULL: it has no room, and the key is still the caller's.
 */
struct dkim_pub;
const struct crypto_pub *dkim_pub_key(const struct dkim_pub *);
struct dkim_pub *dkim_pubs_find(struct dkim_pubs *, const uint8_t id[static SHA256_LEN]);
struct dkim_pub *dkim_pubs_add(struct dkim_pubs *, const uint8_t id[static SHA256_LEN],
	    struct crypto_pub *) MUST_USE;
void	 dkim_pubs_unref(struct dkim_pubs *, struct dkim_pub *);

/*
 * dkim_check() in two halves, so that other signatures can be verified together with these:
 * between them all of jobs, d->n of them, are verified. The first: 0; MAIL_WAIT; -ENOMEM.
 */
struct dkim_work;
int	 dkim_check_ask(const struct dkim *, struct pool *, struct mail_ask *, struct dkim_job *jobs,
	    struct dkim_work **ret) MUST_USE;
void	 dkim_check_end(const struct dkim *, int64_t now, struct dkim_work *, const struct dkim_job *,
	    struct findings *, struct dkim_verdict **ret);

/* A finding on a signature, with what the code's row tells. */
void	 dkim_tell(struct findings *, enum dkim_code, const struct dkim_verdict *,
	    const struct dkim_keys *);

#endif
