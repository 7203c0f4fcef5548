/* One run over one zone, on a thread: read, sign, verify, print. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "app/zone_file.h"
#include "app/zone_jobs.h"
#include "base/err.h"
#include "role/zone_role.h"
#include "sys/file.h"
#include "sys/memfd.h"

#define FINDINGS_POOL	((size_t)4 << 20)

void
zone_policy(const struct dnssec_policy *p, struct sign_policy *ret)
{
	static const enum sign_serial serials[] = {
		[POLICY_SERIAL_INCREMENT] = SIGN_SERIAL_INCREMENT,
		[POLICY_SERIAL_UNIXTIME] = SIGN_SERIAL_UNIXTIME,
		[POLICY_SERIAL_DATE] = SIGN_SERIAL_DATE,
		[POLICY_SERIAL_KEEP] = SIGN_SERIAL_KEEP,
	};

	sign_policy_init(ret);
	ret->validity_sec = ret->dnskey_validity_sec = p->validity;
	ret->refresh_sec = ret->dnskey_refresh_sec = p->refresh;
	ret->inception_sec = p->clock_skew;
	ret->jitter_sec = p->jitter;
	ret->dnskey_ttl_sec = p->dnskey_ttl;
	ret->denial = p->denial == POLICY_NSEC ? SIGN_NSEC : SIGN_NSEC3;
	ret->opt_out = p->denial == POLICY_NSEC3_OPTOUT;
	ret->serial = serials[p->serial];
}

void
zone_version_done(struct zone_version *v)
{
	v->plain = zone_unref(v->plain);
	v->signed_zone = zone_unref(v->signed_zone);
	v->state = sign_state_free(v->state);
	v->audit = audit_result_free(v->audit);
}

void
zone_work_done(struct zone_work *w)
{
	zone_version_done(&w->next);
	zone_keys_done(&w->keys);
	w->pool = pool_free(w->pool);
	fd_close(&w->text);
	*w = (struct zone_work){ .text = -1 };
}

static int
fail(struct zone_work *w, const char *what, int rc)
{
	w->what = what;
	return w->rc = rc;
}

static int
refuse(struct zone_work *w, const char *what)
{
	w->refused = true;
	return fail(w, what, SE_SYNTAX);
}

/* --- read --- */

static int
source_read(struct zone_work *w)
{
	struct zone_file_opts o = { .apex = &w->z->e->name };
	int rc;

	w->next.stamp = w->stamp;
	if (!w->read) {
		w->next.plain = zone_ref(w->z->now.plain);
		return 0;
	}
	if ((rc = zone_file_read(w->z->e->file, &o, &w->fs, &w->next.plain)) < 0)
		return fail(w, "the zone file cannot be read", rc);
	return findings_reject(&w->fs) ? refuse(w, "the zone file has errors") : 0;
}

/* What was published before we lived; NULL: nothing that can be used. */
static struct zone *
published_read(const struct zone_work *w)
{
	struct zone_file_opts o = { .apex = &w->z->e->name };
	struct zone *z = NULL;
	struct findings fs;

	findings_init(&fs, w->pool);
	if (zone_file_read(w->z->e->output, &o, &fs, &z) < 0)
		return NULL;
	return findings_reject(&fs) ? zone_unref(z) : z;
}

/* --- sign --- */

static int
sign(struct zone_work *w, struct zone *last)
{
	const struct zone_version *now = &w->z->now;
	struct sign_input in = { .now_unsigned = w->next.plain, .last_unsigned = now->plain,
		.last_signed = last, .last_state = now->state,
		.keys = { .keys = w->keys.key, .n = w->keys.n, .cds_digests = 1U << 2,
		    .cdnskey = true, .cds_delete = w->keys.cds_delete },
		.policy = &w->z->policy, .now = w->at, .sign = zone_keys_sign };
	int rc = zone_jobs_sign(&in, w->jobs, &w->fs, &w->next.signed_zone, &w->next.state, &w->stats);

	if (rc < 0)
		return fail(w, "the zone could not be signed", rc);
	return w->next.signed_zone == NULL ? refuse(w, "the zone cannot be signed so") : 0;
}

/* --- verify --- */

static int
verify(struct zone_work *w)
{
	const struct audit_opts o = { .now = w->at };
	const struct zone_version *now = &w->z->now;
	int rc = 0;

	if (now->audit != NULL)
		rc = zone_jobs_audit(now->signed_zone, now->audit, w->next.signed_zone, &o, w->jobs,
		    &w->next.audit);
	if (rc == 0 && (w->next.audit == NULL || w->next.audit->state == AUDIT_AGAIN)) {
		w->next.audit = audit_result_free(w->next.audit);
		w->whole = true;
		rc = zone_jobs_audit(NULL, NULL, w->next.signed_zone, &o, w->jobs, &w->next.audit);
	}
	if (rc < 0)
		return fail(w, "the signed zone could not be verified", rc);
	if (w->next.audit->state == AUDIT_GOOD)
		return 0;
	audit_findings(w->next.audit, &w->fs);
	return refuse(w, "validators would reject the signed zone");
}

/* --- print --- */

static int
text_write(struct zone_work *w)
{
	struct buf b = BUF_SINK(fd_write_all, &w->text);
	int rc = memfd_new("zone", &w->text);

	if (rc < 0)
		return fail(w, "no memory for the zone's text", rc);
	zone_print(&b, w->next.signed_zone, 0);
	rc = buf_flush(&b);
	buf_done(&b);
	if (rc == 0)
		rc = memfd_seal(w->text);
	return rc < 0 ? fail(w, "no memory for the zone's text", rc) : 0;
}

void
zone_work(struct zone_work *w)
{
	_cleanup_(zone_unrefp) struct zone *last = NULL;
	bool first = w->z->now.signed_zone == NULL;

	if ((w->pool = pool_new(FINDINGS_POOL)) == NULL) {
		(void)fail(w, "no memory", -ENOMEM);
		return;
	}
	findings_init(&w->fs, w->pool);
	if (source_read(w) < 0)
		return;
	last = first ? published_read(w) : zone_ref(w->z->now.signed_zone);
	if (sign(w, last) < 0 || verify(w) < 0)
		return;
	w->published = !w->stats.changed && last != NULL;
	if (!w->published)
		(void)text_write(w);
}
