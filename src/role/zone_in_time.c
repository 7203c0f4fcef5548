/* When primaries are asked: by the timers of the SOA, within bounds of our own. */
#include "role/zone_in.h"

#define FIRST_RETRY_SEC	2		/* where we have nothing at all: doubled up to … */
#define RETRY_MAX_SEC	60
#define REFRESH_MIN	20		/* seconds: no SOA makes us ask more often */
#define REFRESH_MAX	86400

bool
soa_times(const struct zone *z, struct soa_times *ret)
{
	struct znode *apex = z == NULL ? NULL : zone_apex_node(z);
	struct zrrset set;
	struct sv rest, rdata;
	struct dname n;
	struct rd r;

	if (apex == NULL || !znode_find(apex, RR_SOA, &set))
		return false;
	rest = set.rrs;
	if (!zdata_next(&rest, &rdata))
		return false;
	r = rd_sv(rdata);
	dname_rd(&r, &n);
	dname_rd(&r, &n);
	ret->serial = rd_be32(&r);
	ret->refresh = rd_be32(&r);
	ret->retry = rd_be32(&r);
	ret->expire = rd_be32(&r);
	return !r.bad;
}

static int64_t
bounded(uint32_t sec)
{
	return sec < REFRESH_MIN ? REFRESH_MIN : sec > REFRESH_MAX ? REFRESH_MAX : sec;
}

void
zone_in_next(struct zone_one *z, bool good)
{
	struct zone_in *in = &z->in;
	int64_t now = role_now(z->zr->role);
	struct soa_times t;

	if (good) {
		in->n_failed = 0;
		in->good_at = now;
		in->told_half = in->told_expired = false;
	}
	if (soa_times(z->now.plain, &t))
		in->next_at = now + bounded(good ? t.refresh : t.retry);
	else {
		unsigned shift = in->n_failed < 5 ? in->n_failed : 5;
		int64_t wait = (int64_t)FIRST_RETRY_SEC << shift;

		in->next_at = now + (wait > RETRY_MAX_SEC ? RETRY_MAX_SEC : wait);
	}
	in->n_failed += !good;
}

/* RFC 1035 section 3.3.13: EXPIRE, from when a primary said last that this is what it has. */
int64_t
zone_in_expires(const struct zone_one *z)
{
	struct soa_times t;

	return z->in.n_failed > 0 && soa_times(z->now.plain, &t) ? z->in.good_at + (int64_t)t.expire : 0;
}
