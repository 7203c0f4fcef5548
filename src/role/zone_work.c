/* One run over one zone, on a thread: read, sign, verify, and what the store is to have of it. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "app/zone_file.h"
#include "app/zone_jobs.h"
#include "base/err.h"
#include "role/zone_role.h"
#include "sys/clock.h"
#include "sys/file.h"

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

/* --- what a run holds --- */

void
zone_version_done(struct zone_version *v)
{
	v->plain = zone_unref(v->plain);
	v->signed_zone = zone_unref(v->signed_zone);
	v->state = sign_state_free(v->state);
	v->audit = audit_result_free(v->audit);
}

void
zone_got_done(struct zone_got *g)
{
	(void)zone_builder_free(g->whole);
	(void)xfr_diff_free(g->diff);
	(void)pool_free(g->pool);
	*g = (struct zone_got){ 0 };
}

struct zone_step *
zone_step_new(struct xfr_diff *d, size_t octets)
{
	struct zone_step *s = calloc(1, sizeof(*s));

	if (s == NULL)
		return NULL;
	*s = (struct zone_step){ .refs = 1, .octets = octets, .diff = d };
	if (xfr_diff_serials(d, &s->from, &s->to))
		return s;
	free(s);
	return NULL;
}

struct zone_step *
zone_step_unref(struct zone_step *s)
{
	if (s == NULL || --s->refs > 0)
		return NULL;
	(void)xfr_diff_free(s->diff);
	free(s);
	return NULL;
}

void
zone_history_add(struct zone_history *h, struct zone_step *s, size_t octets_max)
{
	size_t n = 0;

	/* Each goes on where the one before ended. */
	if (h->n > 0 && h->v[h->n - 1]->to != s->from)
		zone_history_done(h);
	/* Without it, secondaries get all of the zone. */
	if (h->v == NULL && (h->v = calloc(ZONE_STEPS_MAX, sizeof(*h->v))) == NULL) {
		(void)zone_step_unref(s);
		return;
	}
	while (n < h->n && (h->n - n == ZONE_STEPS_MAX || h->octets + s->octets > octets_max)) {
		h->octets -= h->v[n]->octets;
		(void)zone_step_unref(h->v[n++]);
	}
	memmove(h->v, h->v + n, (h->n - n) * sizeof(h->v[0]));
	h->n -= n;
	if (s->octets > octets_max) {	/* all of the zone is less */
		(void)zone_step_unref(s);
		return;
	}
	h->v[h->n++] = s;
	h->octets += s->octets;
}

void
zone_history_done(struct zone_history *h)
{
	for (size_t i = 0; i < h->n; i++)
		(void)zone_step_unref(h->v[i]);
	free(h->v);
	*h = (struct zone_history){ 0 };
}

void
zone_work_done(struct zone_work *w)
{
	zone_version_done(&w->next);
	zone_keys_done(&w->keys);
	zone_got_done(&w->got);
	zone_history_done(&w->loaded);
	(void)zone_step_unref(w->step);
	for (size_t i = 0; i < w->n_pieces; i++)
		fd_close(&w->piece[i].fd);
	for (unsigned i = 0; i < KEEP_SIDE_MAX; i++) {
		fd_close(&w->image[i]);
		fd_close(&w->journal[i]);
	}
	w->pool = pool_free(w->pool);
	*w = (struct zone_work){ .image = { -1, -1 }, .journal = { -1, -1 } };
}

int
zone_fail(struct zone_work *w, const char *what, int rc)
{
	w->what = what;
	return w->rc = rc;
}

static int
refuse(struct zone_work *w, enum zone_refusal by, const char *what)
{
	w->refused = true;
	w->by = by;
	return zone_fail(w, what, SE_SYNTAX);
}

/* --- read --- */

static int
file_source(struct zone_work *w)
{
	struct zone_file_opts o = { .apex = &w->z->e->name };
	int rc = zone_file_read(w->z->e->file, &o, &w->fs, &w->next.plain);

	if (rc < 0)
		return zone_fail(w, "the zone file cannot be read", rc);
	return findings_reject(&w->fs) ? refuse(w, REFUSED_SOURCE, "the zone file has errors") : 0;
}

static int
whole_source(struct zone_work *w)
{
	int rc = zone_builder_done(w->got.whole, &w->next.plain);

	findings_append(&w->fs, w->got.fs);
	if (rc < 0)
		return zone_fail(w, "no memory", rc);
	return findings_reject(&w->fs) ? refuse(w, REFUSED_SOURCE, "the zone that was transferred has errors") : 0;
}

/* What changes, and no more than that is looked at. */
static int
diff_source(struct zone_work *w)
{
	_cleanup_(zone_edit_freep) struct zone_edit *e = zone_edit_new(w->z->now.plain, &w->fs);
	int rc;

	if (e == NULL)
		return zone_fail(w, "no memory", -ENOMEM);
	if ((rc = xfr_diff_edit(w->got.diff, e)) == 0)
		rc = zone_edit_done(e, &w->next.plain);
	if (rc == -ENOMEM)
		return zone_fail(w, "no memory", rc);
	if (rc < 0) {
		w->unfit = true;
		return zone_fail(w, "the differences do not fit our version; all of it is asked for", rc);
	}
	return findings_reject(&w->fs) ? refuse(w, REFUSED_SOURCE, "the zone that was transferred has errors") : 0;
}

static int
source_read(struct zone_work *w)
{
	w->next.stamp = w->stamp;
	if (w->got.whole != NULL)
		return whole_source(w);
	if (w->got.diff != NULL)
		return diff_source(w);
	if (w->read)
		return file_source(w);
	w->next.plain = zone_ref(w->z->now.plain);
	return 0;
}

/* What was published before zones were kept as images; NULL: nothing that can be used. */
static struct zone *
published_read(const struct zone_work *w)
{
	struct zone_file_opts o = { .apex = &w->z->e->name };
	struct zone *z = NULL;
	struct findings fs;

	findings_init(&fs, w->pool);
	if (w->z->e->output[0] == '\0' || zone_file_read(w->z->e->output, &o, &fs, &z) < 0)
		return NULL;
	return findings_reject(&fs) ? zone_unref(z) : z;
}

/* --- sign --- */

static int
sign(struct zone_work *w, struct zone *last)
{
	const struct zone_version *now = &w->z->now;
	/* What did not pass, and what nobody has looked at yet, is not kept unseen. */
	bool suspect = w->z->suspect || last != now->signed_zone;
	struct sign_input in = { .now_unsigned = w->next.plain,
		.last_unsigned = now->state != NULL ? now->plain : NULL,
		.last_signed = last, .suspect = last != NULL && suspect, .last_state = now->state,
		.keys = { .keys = w->keys.key, .n = w->keys.n, .cds_digests = 1U << 2,
		    .cdnskey = true, .cds_delete = w->keys.cds_delete },
		.policy = &w->z->policy, .now = w->at, .sign = zone_keys_sign };
	int64_t began = clock_mono_usec();
	int rc = zone_jobs_sign(&in, w->jobs, &w->fs, &w->next.signed_zone, &w->next.state, &w->stats);

	w->sign_usec = (uint64_t)(clock_mono_usec() - began);
	w->next.generation = w->keys.generation;
	if (rc < 0)
		return zone_fail(w, "the zone could not be signed", rc);
	if (w->next.signed_zone == NULL)
		return refuse(w, REFUSED_SIGNING, "the zone cannot be signed so");
	w->next.horizon = sign_state_horizon(w->next.state);
	return 0;
}

/* With keys, or as key says that it is to be without. */
static int
version_make(struct zone_work *w, struct zone *last)
{
	if (!zone_keys_unsigned(&w->keys))
		return sign(w, last);
	w->next.generation = w->keys.generation;
	return zone_unsigned(w, last);
}

/* --- verify --- */

int
zone_verify(struct zone_work *w)
{
	const struct audit_opts o = { .now = w->at };
	const struct zone_version *now = &w->z->now;
	int rc = 0;

	if (zone_is_unsigned(w->next.signed_zone)) {	/* as the source is; what reads it judges that */
		w->whole = true;
		return 0;
	}
	if (now->audit != NULL)
		rc = zone_jobs_audit(now->signed_zone, now->audit, w->next.signed_zone, &o, w->jobs,
		    &w->next.audit);
	if (rc == 0 && (w->next.audit == NULL || w->next.audit->state == AUDIT_AGAIN)) {
		w->next.audit = audit_result_free(w->next.audit);
		w->whole = true;
		rc = zone_jobs_audit(NULL, NULL, w->next.signed_zone, &o, w->jobs, &w->next.audit);
	}
	if (rc < 0)
		return zone_fail(w, "the signed zone could not be verified", rc);
	if (w->next.audit->state == AUDIT_GOOD)
		return 0;
	audit_findings(w->next.audit, &w->fs);
	return refuse(w, REFUSED_AUDIT, "validators would reject the signed zone");
}

/* --- what changed --- */

uint32_t
zone_ttl_max(const struct zone *z)
{
	uint32_t max = 0;

	for (unsigned part = 0; part < ZONE_PART_MAX; part++) {
		struct zone_it it = zone_begin(z, part);
		const struct znode *n;
		struct zrrset s;

		while ((n = zone_next(&it)) != NULL)
			for (size_t pos = 0; znode_next(n, &pos, &s);)
				max = s.ttl > max ? s.ttl : max;
	}
	return max;
}

static uint32_t
step_ttl(const struct xfr_diff *d, uint32_t max)
{
	struct xfr_diff_it it = xfr_diff_begin(d, true);
	struct dns_rr rr;

	while (xfr_diff_next(&it, &rr))
		max = rr.ttl > max ? rr.ttl : max;
	return max;
}

/* The step from what secondaries have; without one they fetch the whole. */
static int
step_make(struct zone_work *w, struct zone *base)
{
	_cleanup_(xfr_diff_freep) struct xfr_diff *d = NULL;
	int rc;

	if (base == NULL)
		return 0;
	rc = xfr_diff_zones(base, w->next.signed_zone, XFR_DIFF_MAX, &d);
	if (rc < 0)
		return rc == SE_LIMIT ? 0 : zone_fail(w, "no memory", rc);
	if ((w->step = zone_step_new(d, 0)) != NULL)
		TAKE_PTR(d);
	return 0;
}

static int
changes(struct zone_work *w, struct zone *base)
{
	int rc;

	if (!w->same && (rc = step_make(w, base)) < 0)
		return rc;
	if (w->same && w->z->now.ttl_max != 0)
		w->next.ttl_max = w->z->now.ttl_max;
	else if (w->step != NULL && w->z->now.ttl_max != 0)
		w->next.ttl_max = step_ttl(w->step->diff, w->z->now.ttl_max);
	else
		w->next.ttl_max = zone_ttl_max(w->next.signed_zone);
	return 0;
}

static void
sign_run(struct zone_work *w)
{
	struct zone *base = w->z->now.signed_zone != NULL ? w->z->now.signed_zone : w->z->stale;
	_cleanup_(zone_unrefp) struct zone *last = NULL;

	if (source_read(w) < 0)
		return;
	last = base == NULL ? published_read(w) : zone_ref(base);
	if (version_make(w, last) < 0 || zone_verify(w) < 0)
		return;
	w->same = !w->stats.changed && last != NULL;
	if (changes(w, base) < 0)
		return;
	if ((w->rc = zone_pieces(w)) < 0)
		w->what = "no memory for what is to be stored";
}

void
zone_work(struct zone_work *w)
{
	if ((w->pool = pool_new(FINDINGS_POOL)) == NULL) {
		(void)zone_fail(w, "no memory", -ENOMEM);
		return;
	}
	findings_init(&w->fs, w->pool);
	switch (w->task) {
	case TASK_LOAD:
		zone_load(w);
		break;
	case TASK_SIGN:
		sign_run(w);
		break;
	case TASK_COMPACT:
		if ((w->rc = zone_pieces_compact(w)) < 0)
			w->what = "no memory for what is to be stored";
		break;
	case TASK_AUDIT:
		break;
	}
}
