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

/* A finding on a signature, with what the code's row tells. */
void	 dkim_tell(struct findings *, enum dkim_code, const struct dkim_verdict *,
	    const struct dkim_keys *);

#endif
