/*
 * What was judged stands over a restart: the store keeps it as bytes beside
 * the hash of the manifest (rpki_point_write()).
 *
 * They may come from a process that lied. What can be seen in them is seen by
 * rpki_point_read(); the rest ends with the day: the store says when it got
 * them, a point is not believed longer than LIFE_SEC from its judgement, which
 * is not later than that, and reading it back is no judgement.
 */
#include <errno.h>
#include <string.h>

#include "app/live_build.h"
#include "app/live_internal.h"
#include "base/err.h"

#define LIFE_SEC	86400
/*
 * Not all of a cold start come due at one time; but neither does each at its
 * own, since each time is a run.
 */
#define SPREAD_SEC	21600
#define STEP_SEC	900

int64_t
live_due(int64_t judged, const uint8_t key[static SHA256_LEN])
{
	struct rd r = rd_mem(key, SHA256_LEN);
	int64_t due = judged + LIFE_SEC - rd_be32(&r) % SPREAD_SEC;

	return due - due % STEP_SEC;
}

int
live_kept_write(const struct rpki_point *pt, const struct rpki_opt *opt, struct buf *b)
{
	uint8_t print[SHA256_LEN];
	int rc;

	if ((rc = rpki_point_fingerprint(pt->ca, opt, SV(LIVE_BUILD), print)) == 0)
		rc = rpki_point_write(pt, print, b);
	return rc == SE_LIMIT ? 0 : rc;
}

bool
live_kept_is(struct sv bytes, const struct rpki_point *pt)
{
	int64_t judged, until;

	return rpki_point_kept_times(bytes, &judged, &until) && judged == pt->judged &&
	    until == pt->until;
}

static bool
in_time(const struct objects_point *p, int64_t now, const uint8_t key[static SHA256_LEN])
{
	int64_t judged, until;

	return rpki_point_kept_times(p->kept, &judged, &until) && judged <= p->since &&
	    p->since <= now && now < until && judged > now - LIFE_SEC && now < live_due(judged, key);
}

int
live_kept_read(const struct rpki_ca *ca, const struct rpki_opt *opt,
    const uint8_t key[static SHA256_LEN], const struct objects_point *p,
    struct rpki_point *ret, bool *ret_ok)
{
	uint8_t print[SHA256_LEN];
	int rc;

	*ret_ok = false;
	if (p->kept.n == 0 || !in_time(p, opt->now, key))
		return 0;
	if ((rc = rpki_point_fingerprint(ca, opt, SV(LIVE_BUILD), print)) < 0 ||
	    (rc = rpki_point_read(ca, p->kept, print, ret, ret_ok)) < 0 || !*ret_ok)
		return rc;
	if (memcmp(ret->mft_hash, p->hash, SHA256_LEN) != 0) {
		*ret_ok = false;
		rpki_point_done(ret);
		return 0;
	}
	ret->until = ret->until < live_due(ret->judged, key) ? ret->until : live_due(ret->judged, key);
	return 0;
}
