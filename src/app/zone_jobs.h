/* Signing and auditing a zone on all processors: the jobs of dnssec/ over sys/par. */
#ifndef APP_ZONE_JOBS_H
#define APP_ZONE_JOBS_H

#include "dnssec/audit.h"
#include "dnssec/dnssec.h"

/*
 * dnssec's sign_zone() with so many threads. With take_unsigned the reference
 * to the unsigned version is given away, whatever comes of it. *ret is NULL
 * where findings refuse it.
 */
int	 zone_jobs_sign(const struct sign_input *, unsigned jobs, struct findings *,
	    struct zone **ret, struct sign_state **ret_state, struct sign_stats *ret_stats) MUST_USE;
/* A sign_fn whose keys' arg is a struct crypto_priv. */
int	 zone_jobs_sign_here(void *arg, const struct sign_key *, struct crypto_make *, size_t n);
/* audit_zone(), or with old and its result audit_change(). */
int	 zone_jobs_audit(struct zone *old, const struct audit_result *, struct zone *,
	    const struct audit_opts *, unsigned jobs, struct audit_result **ret) MUST_USE;

#endif
