/* dnssec/ cuts its work into jobs; here they meet the processors. */
#include <errno.h>

#include "app/zone_jobs.h"
#include "sys/par.h"

static void
hash_job(void *arg, size_t i)
{
	signer_hash(arg, i);
}

#define WINDOW	512		/* blocks; of 128 names each */

struct window {
	struct signer	*s;
	size_t		 begin;
};

static void
block_job(void *arg, size_t i)
{
	struct window *w = arg;

	signer_block(w->s, w->begin + i);
}

/*
 * The blocks in windows: after each, names that were replaced go, so that the
 * unsigned and the signed zone never stand in memory as a whole.
 */
static int
blocks_run(struct signer *s, unsigned jobs)
{
	size_t n = signer_n_blocks(s);
	int rc = 0;

	for (struct window w = { .s = s }; rc == 0 && w.begin < n; w.begin += WINDOW) {
		par_for(jobs, min_size(WINDOW, n - w.begin), block_job, &w);
		rc = signer_settle(s);
	}
	return rc;
}

int
zone_jobs_sign(const struct sign_input *in, unsigned jobs, struct findings *fs, struct zone **ret,
    struct sign_state **ret_state, struct sign_stats *ret_stats)
{
	_cleanup_(signer_freep) struct signer *s = NULL;
	int rc = signer_begin(in, fs, &s);

	if (s == NULL && in->take_unsigned)
		(void)zone_unref(in->now_unsigned);
	if (rc < 0)
		return rc;
	*ret = NULL;
	if (s == NULL)			/* refused, with a finding */
		return 0;
	par_for(jobs, signer_n_hash(s), hash_job, s);
	if ((rc = signer_chain(s)) < 0)
		return rc == -EEXIST ? 0 : rc;	/* two names of one hash: refused, too */
	if ((rc = blocks_run(s, jobs)) < 0 || (rc = signer_end(s, ret, ret_state)) < 0)
		return rc;
	signer_stats(s, ret_stats);
	return 0;
}

int
zone_jobs_sign_here(void *arg UNUSED, const struct sign_key *key, struct crypto_make *item, size_t n)
{
	return crypto_make_batch(key->arg, item, n);
}

static void
unit_job(void *arg, size_t i)
{
	/* A unit that failed makes audit_end() fail. */
	(void)!audit_unit(arg, i);
}

int
zone_jobs_audit(struct zone *old, const struct audit_result *passed, struct zone *z,
    const struct audit_opts *opts, unsigned jobs, struct audit_result **ret)
{
	_cleanup_(audit_freep) struct audit *a = NULL;
	int rc = old == NULL ? audit_begin(z, opts, &a) :
	    audit_begin_change(old, passed, z, opts, &a);

	if (rc < 0)
		return rc;
	par_for(jobs, audit_n_units(a), unit_job, a);
	return audit_end(a, ret);
}
