/* When signatures begin and end, and how serials go on. */
#include "base/timefmt.h"
#include "dnssec/dnssec.h"

#define DAY_SEC		86400u

void
sign_policy_init(struct sign_policy *p)
{
	*p = (struct sign_policy){
		.validity_sec = 14 * DAY_SEC,
		.refresh_sec = 7 * DAY_SEC,
		.inception_sec = 3600,		/* clocks that are wrong by a time zone's hour */
		.jitter_sec = DAY_SEC,
		.dnskey_validity_sec = 14 * DAY_SEC,
		.dnskey_refresh_sec = 7 * DAY_SEC,
		.dnskey_ttl_sec = 3600,
		.denial = SIGN_NSEC,
		.serial = SIGN_SERIAL_INCREMENT,
	};
}

/* So that at least half of the time between a signature and its renewal is left. */
static uint32_t
jitter_used(const struct sign_policy *p)
{
	uint32_t room = p->validity_sec > p->refresh_sec ? (p->validity_sec - p->refresh_sec) / 2 : 0;

	return p->jitter_sec < room ? p->jitter_sec : room;
}

static void
times_check(uint32_t validity, uint32_t refresh, const char *what, struct findings *fs)
{
	if (validity > SIGN_VALIDITY_MAX_SEC || validity <= refresh)
		finding_add(fs, &dnssec_findings[SIGN_POLICY_TIMES],
		    FA_MSG("what", what), FA_U("seconds", validity));
}

uint32_t
sign_policy_check(const struct sign_policy *p, struct findings *fs)
{
	uint32_t jitter = jitter_used(p);

	times_check(p->validity_sec, p->refresh_sec, N_("the validity of signatures"), fs);
	times_check(p->dnskey_validity_sec, p->dnskey_refresh_sec,
	    N_("the validity of signatures over keys"), fs);
	if (p->inception_sec > SIGN_VALIDITY_MAX_SEC)
		finding_add(fs, &dnssec_findings[SIGN_POLICY_TIMES],
		    FA_MSG("what", N_("the inception offset")), FA_U("seconds", p->inception_sec));
	if (jitter < p->jitter_sec && p->validity_sec > p->refresh_sec)
		finding_add(fs, &dnssec_findings[SIGN_JITTER],
		    FA_U("asked", p->jitter_sec), FA_U("used", jitter));
	if (p->denial != SIGN_NSEC3)
		return jitter;
	if (p->iterations > SIGN_ITERATIONS_MAX || (p->iterations > 0 && !p->allow_iterations))
		finding_add(fs, &dnssec_findings[SIGN_NSEC3_ITERATIONS],
		    FA_U("iterations", p->iterations));
	else if (p->iterations > 0 || p->salt_len > 0)
		finding_add(fs, &dnssec_findings[SIGN_NSEC3_COSTLY],
		    FA_U("iterations", p->iterations), FA_U("salt_len", p->salt_len));
	return jitter;
}

/* FNV-1a, then a mix (of splitmix64): spread is all that is wanted of it. */
static uint64_t
spread(struct sv key, uint16_t type, uint64_t period)
{
	uint64_t h = 0xcbf29ce484222325u;

	for (size_t i = 0; i < key.n; i++)
		h = (h ^ (uint8_t)key.p[i]) * 0x100000001b3u;
	h = (h ^ type) * 0x100000001b3u ^ period * 0x9e3779b97f4a7c15u;
	h = (h ^ h >> 30) * 0xbf58476d1ce4e5b9u;
	h = (h ^ h >> 27) * 0x94d049bb133111ebu;
	return h ^ h >> 31;
}

int64_t
sign_expiry(const struct sign_policy *p, struct sv owner_key, uint16_t type, int64_t now)
{
	uint32_t jitter = jitter_used(p);
	uint64_t period = (uint64_t)now / (p->validity_sec > 0 ? p->validity_sec : 1);

	return now + p->validity_sec - (int64_t)(spread(owner_key, type, period) % (jitter + 1u));
}

/* YYYYMMDD00. It fits into 32 bits until the year 4294. */
static uint32_t
date_serial(int64_t now)
{
	struct civil c;

	time_to_civil(now, &c);
	return (uint32_t)(((int64_t)c.year * 10000 + c.mon * 100 + c.day) * 100);
}

uint32_t
sign_serial_next(enum sign_serial how, uint32_t unsigned_serial, const uint32_t *last,
    int64_t now, bool *ret_moves)
{
	uint32_t want = unsigned_serial;

	if (how == SIGN_SERIAL_UNIXTIME)
		want = (uint32_t)now;
	else if (how == SIGN_SERIAL_DATE)
		want = date_serial(now);
	else if (how == SIGN_SERIAL_INCREMENT && last == NULL)
		want = unsigned_serial + 1;
	if (how != SIGN_SERIAL_KEEP && last != NULL && !serial_gt(want, *last))
		want = *last + 1;
	*ret_moves = last == NULL || serial_gt(want, *last);
	return want;
}
