/*
 * Each zone is verified again, for ever (audit-interval): signatures end, memory
 * and programs have faults, and what is in service is what counts. One zone at
 * a time, a slice of it when there is nothing else to do, and then a rest of
 * nine times as long: at most a tenth of one processor.
 *
 * One that does not pass any more stays in service, is told, and is signed
 * anew from its source, wherein nothing of it is trusted.
 */
#include <errno.h>

#include "base/err.h"
#include "role/zone_role.h"
#include "sys/clock.h"

#define SLICE_USEC	200000
#define REST		9

static void
recheck_done(struct zone_recheck *r)
{
	r->audit = audit_free(r->audit);
	r->zone = zone_unref(r->zone);
	*r = (struct zone_recheck){ .next_usec = r->next_usec };
}

/* A clock that was set back makes nobody wait for its old time. */
static bool
is_due(const struct zone_one *z, int64_t now)
{
	return now < z->audited_at || now - z->audited_at >= z->e->policy.audit_interval;
}

static struct zone_one *
oldest(struct zone_role *zr, int64_t now)
{
	struct zone_one *found = NULL;

	for (size_t i = 0; i < zr->list.n; i++) {
		struct zone_one *z = &zr->zones[i];

		if (z->now.signed_zone == NULL || !is_due(z, now) || zone_is_unsigned(z->now.signed_zone))
			continue;
		if (found == NULL || z->audited_at < found->audited_at)
			found = z;
	}
	return found;
}

bool
zone_audit_due(struct zone_role *zr, int64_t now)
{
	struct zone_recheck *r = &zr->recheck;

	if (clock_mono_usec() < r->next_usec)
		return false;
	if (r->z != NULL)
		return true;
	r->z = oldest(zr, now);
	return r->z != NULL;
}

/* A zone that changes meanwhile is verified as it was: changes have their own. */
int
zone_audit_begin(struct zone_role *zr)
{
	struct zone_recheck *r = &zr->recheck;
	int rc;

	if (r->audit != NULL)
		return 0;
	r->zone = zone_ref(r->z->now.signed_zone);
	r->opts = (struct audit_opts){ .now = role_now(zr->role) };
	if ((rc = audit_begin(r->zone, &r->opts, &r->audit)) < 0)
		return rc;
	r->n = audit_n_units(r->audit);
	r->at = 0;
	return 0;
}

void
zone_audit_slice(struct zone_role *zr)
{
	struct zone_recheck *r = &zr->recheck;
	int64_t began = clock_mono_usec();

	do {
		if (r->at == r->n || (r->rc = audit_unit(r->audit, r->at)) < 0)
			break;
		r->at++;
	} while (clock_mono_usec() - began < SLICE_USEC);
	r->usec = clock_mono_usec() - began;
}

/*
 * Its next version is made from the source, and verified as a whole: what changes were
 * compared with was not good. So it is, too, when there was a newer version meanwhile.
 */
static void
distrust(struct zone_one *z)
{
	z->suspect = true;
	z->now.audit = audit_result_free(z->now.audit);
	z->now.state = sign_state_free(z->now.state);
	z->now.stamp = 0;
	z->wanted = true;
	z->retry_at = 0;
}

static void
fault(struct zone_role *zr, struct zone_one *z, const struct audit_result *a)
{
	struct findings fs;

	pool_reset(zr->pool);
	findings_init(&fs, zr->pool);
	audit_findings(a, &fs);
	zone_findings_tell(zr, z, &fs, LOG_LEVEL_ERROR);
	z->n_refused[REFUSED_AUDIT]++;
	zone_changed(z);
	distrust(z);
	zone_why(z, "validators would reject the signed zone", "what is in service does not hold any more");
}

static void
verdict(struct zone_role *zr, struct zone_recheck *r, struct audit_result *a)
{
	struct zone_one *z = r->z;
	bool replaced = r->zone != z->now.signed_zone && z->audited_at >= r->opts.now;
	char name[DNAME_STRLEN];

	if (a->state == AUDIT_GOOD)
		role_log(zr->role, LOG_LEVEL_DEBUG, "%s: all of it was verified again", zone_name(z, name));
	else if (!replaced)		/* by one that was verified as a whole since */
		fault(zr, z, a);
	if (!replaced)
		z->audited_at = r->opts.now;
	(void)audit_result_free(a);
}

void
zone_audit_ended(struct zone_role *zr)
{
	struct zone_recheck *r = &zr->recheck;
	struct audit_result *a = NULL;
	char name[DNAME_STRLEN];
	int rc = r->rc;

	r->next_usec = clock_mono_usec() + REST * r->usec;
	if (rc == 0 && r->at < r->n)
		return;
	if (rc == 0)
		rc = audit_end(r->audit, &a);
	if (rc == 0)
		verdict(zr, r, a);
	else {
		r->z->audited_at = r->opts.now;
		role_log(zr->role, LOG_LEVEL_ERROR, "%s: it could not be verified again: %s",
		    zone_name(r->z, name), err_str(rc));
	}
	recheck_done(r);
}
