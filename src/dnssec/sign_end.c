/* The end of a run: the apex and its serial, and the new version out of all changes. */
#include <errno.h>
#include <stdlib.h>

#include "base/timefmt.h"
#include "dnssec/sign_internal.h"

struct changes {
	struct zchange	*v[ZONE_PART_MAX];
	size_t		 n[ZONE_PART_MAX];
};

static void
changes_done(struct changes *c)
{
	for (unsigned part = 0; part < ZONE_PART_MAX; part++) {
		for (size_t i = 0; i < c->n[part]; i++)
			(void)znode_unref(c->v[part][i].node);
		free(c->v[part]);
	}
}

/* --- the apex --- */

static int
apex_work(struct signer *s, struct sjob *job, uint32_t serial, bool dry)
{
	const struct znode *n = zone_apex_node(s->z);
	struct swork w;
	int rc = swork_begin(&w, s, job, ZONE_NAMES);

	if (rc < 0)
		return rc;
	rc = swork_name(&w, n, zone_apex_node(s->base), ST_AUTH, serial);
	if (rc == 0 && dry)		/* would it be another node? */
		job->changed = w.plan[0].fresh || !splan_is_base(&w.plan[0]);
	else if (rc == 0)
		rc = swork_run(&w);
	swork_done(&w);
	return rc;
}

/* Does the unsigned zone itself ask for another serial than the last? */
static bool
serial_is_asked(const struct signer *s, uint32_t unsigned_serial, uint32_t last)
{
	switch (s->policy.serial) {
	case SIGN_SERIAL_KEEP:
		return unsigned_serial != last;
	case SIGN_SERIAL_INCREMENT:
		return serial_gt(unsigned_serial, last);
	default:
		return false;
	}
}

/* Is anything to be published? With the serial of the last version nothing may differ. */
static int
apex_is_other(struct signer *s, uint32_t last_serial, bool *ret)
{
	struct sjob dry = { .min_expiry = TIME_NEVER };
	int rc = apex_work(s, &dry, last_serial, true);

	*ret = dry.changed;
	return rc;
}

static int
apex_end(struct signer *s, struct sjob *job, bool changed, bool *ret_changed)
{
	uint32_t unsigned_serial = 0, last = 0, serial;
	bool has_last, moves;
	int rc;

	(void)zone_serial(s->z, &unsigned_serial);
	has_last = s->last != NULL && zone_serial(s->last, &last);
	if (!changed && has_last && !serial_is_asked(s, unsigned_serial, last)) {
		rc = apex_is_other(s, last, &changed);
		if (rc < 0 || !changed) {
			*ret_changed = false;
			return rc;
		}
	}
	serial = sign_serial_next(s->policy.serial, unsigned_serial, has_last ? &last : NULL,
	    s->in.now, &moves);
	if (!moves)
		finding_add(s->fs, &dnssec_findings[SIGN_SERIAL], FA_U("serial", serial),
		    FA_U("last", last));
	*ret_changed = true;
	return apex_work(s, job, serial, false);
}

/* --- all together --- */

static void
stats_sum(struct sign_stats *t, const struct sign_stats *j)
{
	t->n_names += j->n_names;
	t->n_nodes += j->n_nodes;
	t->n_sigs += j->n_sigs;
	t->n_kept += j->n_kept;
}

static void
name_finding(struct signer *s, enum dnssec_code code, uint64_t n, struct sv key)
{
	char text[DNAME_STRLEN];
	struct dname name;

	if (n == 0)
		return;
	dkey_name((const uint8_t *)key.p, key.n, s->apex, &name);
	finding_add(s->fs, &dnssec_findings[code], FA_U("count", n),
	    FA_STR("name", dname_str(&name, text)));
}

static void
jobs_findings(struct signer *s, const struct sjob *apex)
{
	struct sjob t = { .n_stripped = apex->n_stripped, .n_stray = apex->n_stray,
		.stray = apex->stray };

	t.n_stripped += s->n_input_nsec3;
	for (size_t i = 0; i < s->n_jobs; i++) {
		const struct sjob *j = &s->job[i];

		t.n_stripped += j->n_stripped;
		if (t.n_occluded == 0)
			t.occluded = j->occluded;
		t.n_occluded += j->n_occluded;
		if (t.n_stray == 0)
			t.stray = j->stray;
		t.n_stray += j->n_stray;
	}
	if (t.n_stripped > 0)
		finding_add(s->fs, &dnssec_findings[SIGN_INPUT_SIGNED], FA_U("count", t.n_stripped));
	name_finding(s, SIGN_OCCLUDED, t.n_occluded, t.occluded);
	name_finding(s, SIGN_DS_STRAY, t.n_stray, t.stray);
}

/* Each change passes over; nodes of the input get a reference of ours. */
static void
job_take(struct changes *c, enum zone_part part, struct sjob *j)
{
	for (size_t i = 0; i < j->n; i++) {
		const struct schange *from = &j->change[i];

		c->v[part][c->n[part]++] = (struct zchange){ .key = from->key,
			.node = from->owned ? from->node : znode_ref(from->node) };
	}
	j->n = 0;
	job_done(j);
}

/* NSEC has no part of the NSEC3 records: all of the base's go. */
static void
nsec3_drop(struct signer *s, struct changes *c)
{
	struct zone_it it = zone_begin(s->base, ZONE_NSEC3);
	const struct znode *n;

	while ((n = zone_next(&it)) != NULL)
		c->v[ZONE_NSEC3][c->n[ZONE_NSEC3]++] = (struct zchange){ .key = znode_key(n) };
}

static int
changes_alloc(struct changes *c, const size_t n[ZONE_PART_MAX])
{
	for (unsigned part = 0; part < ZONE_PART_MAX; part++) {
		c->v[part] = reallocarray(NULL, max_size(n[part], 1), sizeof(*c->v[part]));
		if (c->v[part] == NULL)
			return -ENOMEM;
	}
	return 0;
}

static int
changes_gather(struct signer *s, struct sjob *apex, struct changes *c)
{
	size_t n[ZONE_PART_MAX] = { apex->n, 0 };

	for (size_t i = 0; i < s->n_jobs; i++)
		n[job_part(s, i)] += s->job[i].n;
	if (!sign_has_nsec3(s))
		n[ZONE_NSEC3] = zone_n_nodes(s->base, ZONE_NSEC3);
	if (changes_alloc(c, n) < 0)
		return -ENOMEM;
	job_take(c, ZONE_NAMES, apex);
	for (size_t i = 0; i < s->n_jobs; i++)
		job_take(c, job_part(s, i), &s->job[i]);
	if (!sign_has_nsec3(s))
		nsec3_drop(s, c);
	return 0;
}

/* --- before the end --- */

/* A name that a finding will tell lives on. */
static int
job_names_keep(struct signer *s, struct sjob *j)
{
	struct sv *const name[] = { &j->occluded, &j->stray };

	for (size_t i = 0; i < ARRAY_LEN(name); i++) {
		if (name[i]->p == NULL)
			continue;
		*name[i] = pool_sv(s->pool, *name[i]);
		if (name[i]->p == NULL)
			return -ENOMEM;
	}
	return 0;
}

static int
settle_gather(struct signer *s, size_t end, struct changes *c)
{
	size_t n[ZONE_PART_MAX] = { 0 };
	int rc = 0;

	for (size_t i = s->n_settled; i < end; i++)
		n[job_part(s, i)] += s->job[i].n;
	rc = changes_alloc(c, n);
	for (size_t i = s->n_settled; rc == 0 && i < end; i++) {
		rc = job_names_keep(s, &s->job[i]);
		job_take(c, job_part(s, i), &s->job[i]);
	}
	return rc;
}

int
signer_settle(struct signer *s)
{
	_cleanup_(changes_done) struct changes c = { 0 };
	const struct zchange *v[ZONE_PART_MAX];
	struct zone *z;
	size_t end = s->n_settled;
	int rc;

	/* Pieces of the chain read the nodes of names: first all of these. */
	while (end < s->n_jobs && s->job[end].done)
		end++;
	if (s->own == NULL || s->last != NULL || end == s->n_settled || end < s->n_chain_jobs)
		return 0;
	rc = settle_gather(s, end, &c);
	if (rc < 0)
		return rc;
	memcpy(v, c.v, sizeof(v));
	rc = zone_apply(s->own, v, c.n, &z);
	if (rc < 0)
		return rc;
	(void)zone_unref(s->own);
	s->own = z;
	s->z = s->base = z;
	s->apex = zone_apex(z);
	s->n_settled = end;
	free(s->chain.v);
	s->chain = (struct links){ 0 };
	return 0;
}

/* --- the version --- */

static int
version_make(struct signer *s, struct sjob *apex, struct zone **ret, struct sign_state **ret_state)
{
	_cleanup_(changes_done) struct changes c = { 0 };
	_cleanup_(zone_unrefp) struct zone *z = NULL;
	const struct zchange *v[ZONE_PART_MAX];
	int rc = changes_gather(s, apex, &c);

	if (rc < 0)
		return rc;
	memcpy(v, c.v, sizeof(v));
	rc = zone_apply((struct zone *)(uintptr_t)s->base, v, c.n, &z);
	if (rc == 0)
		rc = state_make(s, z, v, c.n, ret_state);
	if (rc == 0)
		*ret = TAKE_PTR(z);
	return rc;
}

/* Nothing changed: the last version itself. */
static int
version_keep(struct signer *s, struct zone **ret, struct sign_state **ret_state)
{
	const struct zchange *none[ZONE_PART_MAX] = { 0 };
	const size_t n[ZONE_PART_MAX] = { 0 };
	struct zone *z = (struct zone *)(uintptr_t)s->base;
	int rc = state_make(s, z, none, n, ret_state);

	if (rc == 0)
		*ret = zone_ref(z);
	return rc;
}

static int
jobs_rc(const struct signer *s)
{
	for (size_t i = 0; i < s->n_jobs; i++)
		if (!s->job[i].done)
			return s->job[i].rc < 0 ? s->job[i].rc : -EINVAL;
	return 0;
}

int
signer_end(struct signer *s, struct zone **ret, struct sign_state **ret_state)
{
	struct sjob apex = { .min_expiry = TIME_NEVER };
	bool changed;
	int rc = jobs_rc(s);

	if (rc < 0)
		return rc;
	changed = !sign_has_nsec3(s) && zone_n_nodes(s->base, ZONE_NSEC3) > 0;
	changed |= s->n_settled > 0;
	for (size_t i = 0; i < s->n_jobs; i++) {
		changed |= s->job[i].n > 0;
		stats_sum(&s->stats, &s->job[i].stats);
	}
	rc = apex_end(s, &apex, changed, &changed);
	if (rc == 0) {
		jobs_findings(s, &apex);
		stats_sum(&s->stats, &apex.stats);
		s->stats.all = s->all;
		s->stats.changed = changed;
		rc = changed ? version_make(s, &apex, ret, ret_state) : version_keep(s, ret, ret_state);
	}
	job_done(&apex);
	return rc;
}

void
signer_stats(const struct signer *s, struct sign_stats *ret)
{
	*ret = s->stats;
}

int
sign_zone(const struct sign_input *in, struct findings *fs, struct zone **ret,
    struct sign_state **ret_state, struct sign_stats *ret_stats)
{
	_cleanup_(signer_freep) struct signer *s = NULL;
	int rc = signer_begin(in, fs, &s);

	*ret = NULL;
	*ret_state = NULL;
	*ret_stats = (struct sign_stats){ 0 };
	if (rc < 0 || s == NULL)
		return rc;
	for (size_t i = 0; i < signer_n_hash(s); i++)
		signer_hash(s, i);
	rc = signer_chain(s);
	if (rc < 0)
		return rc == -EEXIST ? 0 : rc;
	for (size_t i = 0; i < signer_n_blocks(s); i++)
		signer_block(s, i);
	rc = signer_end(s, ret, ret_state);
	signer_stats(s, ret_stats);
	return rc;
}
