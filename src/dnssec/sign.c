/* A run of the signer: what is to be done, the jobs, the new version. */
#include <errno.h>
#include <stdlib.h>

#include "base/timefmt.h"
#include "dnssec/sign_internal.h"

/* Sets of the apex and where jobs begin; the jobs have pools of their own. */
#define SIGNER_MEM_MAX	(256u * 1024 * 1024)

/* --- the beginning --- */

/* RFC 9077 section 3: the lesser of the SOA's MINIMUM and its TTL. */
static bool
soa_read(struct signer *s)
{
	const struct znode *apex = zone_apex_node(s->z);
	struct zrrset set = { 0 };
	struct sv rest, rdata;
	struct rd r;

	if (apex == NULL || !znode_find(apex, RR_SOA, &set) || set.n_rrs != 1) {
		finding_add(s->fs, &dnssec_findings[SIGN_NO_SOA], FA_U("count", set.n_rrs));
		return false;
	}
	rest = set.rrs;
	if (!zdata_next(&rest, &rdata) || rdata.n < 22)
		return false;
	r = rd_sv(sv_skip(rdata, rdata.n - 4));
	s->nsec_ttl = rd_be32(&r);
	if (set.ttl < s->nsec_ttl)
		s->nsec_ttl = set.ttl;
	return true;
}

/* Does the set of the input hold nothing that we do not put there? */
static bool
is_ours(const struct signer *s, const struct zrrset *set)
{
	for (size_t i = 0; i < s->n_apex_sets; i++)
		if (s->apex_set[i].type == set->type)
			return sv_eq(s->apex_set[i].rrs, set->rrs);
	return false;
}

static void
input_check(struct signer *s)
{
	static const struct { uint16_t type; const char *name; } replaced[] = {
		{ RR_DNSKEY, "DNSKEY" }, { RR_CDS, "CDS" }, { RR_CDNSKEY, "CDNSKEY" },
	};
	const struct znode *apex = zone_apex_node(s->z);
	struct zrrset set;

	for (size_t i = 0; i < ARRAY_LEN(replaced); i++)
		if (znode_find(apex, replaced[i].type, &set) && set.n_rrs > 0 && !is_ours(s, &set))
			finding_add(s->fs, &dnssec_findings[SIGN_INPUT_KEYS],
			    FA_STR("type", replaced[i].name));
	if (znode_find(apex, RR_ZONEMD, &set) && set.n_rrs > 0)
		finding_add0(s->fs, &dnssec_findings[SIGN_ZONEMD]);
}

static size_t
chunks(size_t n)
{
	return (n + SIGN_CHUNK - 1) / SIGN_CHUNK;
}

static int
jobs_make(struct signer *s, size_t n_chain, size_t n_names)
{
	s->job = calloc(max_size(n_names + n_chain, 1), sizeof(*s->job));
	if (s->job == NULL)
		return -ENOMEM;
	s->n_chain_jobs = n_chain;
	s->n_jobs = n_names + n_chain;
	for (size_t i = 0; i < s->n_jobs; i++)
		s->job[i].min_expiry = TIME_NEVER;
	return 0;
}

/* Jobs over all: where each begins, in our own memory, as nodes may go on the way. */
static int
jobs_begin(struct signer *s)
{
	for (size_t i = 0; i < s->n_jobs; i++) {
		struct sv first = { "", 0 };

		if (i < s->n_chain_jobs && i > 0)
			first = (struct sv){ (const char *)s->chain.v[i * SIGN_CHUNK].hash,
				NSEC3_HASH_LEN };
		if (i > s->n_chain_jobs) {
			struct zone_it it = zone_block(s->z, ZONE_NAMES, i - s->n_chain_jobs);

			first = znode_key(zone_next(&it));
		}
		s->job[i].first = pool_sv(s->pool, first);
		if (s->job[i].first.p == NULL)
			return -ENOMEM;
	}
	return 0;
}

static int
work_find(struct signer *s)
{
	const struct sign_input *in = &s->in;

	s->all = in->last_unsigned == NULL || in->last_signed == NULL || in->last_state == NULL ||
	    state_is_other(s);
	s->last = in->last_signed;
	s->base = s->last != NULL ? s->last : s->z;
	if (!s->all)
		return change_touch(s);
	s->n_input_nsec3 = zone_n_nodes(s->z, ZONE_NSEC3);
	s->n_hashed = sign_has_nsec3(s) ? zone_n_blocks(s->z, ZONE_NAMES) : 0;
	s->hashed = calloc(max_size(s->n_hashed, 1), sizeof(*s->hashed));
	return s->hashed == NULL ? -ENOMEM : 0;
}

int
signer_begin(const struct sign_input *in, struct findings *fs, struct signer **ret)
{
	_cleanup_(signer_freep) struct signer *s = calloc(1, sizeof(*s));
	int rc;

	if (s == NULL || (s->pool = pool_new(SIGNER_MEM_MAX)) == NULL)
		return -ENOMEM;
	s->in = *in;
	s->policy = *in->policy;
	s->fs = fs;
	s->z = in->now_unsigned;
	s->last = in->last_signed;
	s->apex = zone_apex(s->z);
	*ret = NULL;
	(void)sign_policy_check(&s->policy, fs);
	if (!soa_read(s) || findings_reject(fs))
		return 0;
	rc = sign_keys_begin(s);
	if (rc < 0 || findings_reject(fs))
		return rc;
	input_check(s);
	rc = work_find(s);
	if (rc < 0)
		return rc;
	if (in->take_unsigned)
		s->own = in->now_unsigned;
	*ret = TAKE_PTR(s);
	return 0;
}

void
job_done(struct sjob *j)
{
	for (size_t i = 0; i < j->n; i++)
		if (j->change[i].owned)
			(void)znode_unref(j->change[i].node);
	free(j->change);
	j->change = NULL;
	j->n = j->cap = 0;
}

struct signer *
signer_free(struct signer *s)
{
	if (s == NULL)
		return NULL;
	for (size_t i = 0; i < s->n_jobs; i++)
		job_done(&s->job[i]);
	for (size_t i = 0; s->hashed != NULL && i < s->n_hashed; i++)
		free(s->hashed[i].v);
	free(s->job);
	free(s->hashed);
	free(s->chain.v);
	free(s->touched.v);
	free(s->hashes.v);
	free(s->gone.v);
	sign_keys_done(s);
	(void)zone_unref(s->own);
	(void)pool_free(s->pool);
	free(s);
	return NULL;
}

/* --- jobs --- */

size_t
signer_n_hash(const struct signer *s)
{
	return s->n_hashed;
}

void
signer_hash(struct signer *s, size_t i)
{
	if (chain_hash_block(s, i) < 0)
		s->hashed[i].failed = true;
}

int
signer_chain(struct signer *s)
{
	int rc = 0;

	for (size_t i = 0; i < s->n_hashed; i++)
		if (s->hashed[i].failed)
			return -ENOMEM;
	if (sign_has_nsec3(s))
		rc = s->all ? chain_all(s) : chain_touched(s);
	if (rc < 0)
		return rc;
	if (!s->all)
		return jobs_make(s, chunks(s->hashes.n), chunks(s->touched.n));
	rc = jobs_make(s, chunks(s->chain.n), zone_n_blocks(s->z, ZONE_NAMES));
	return rc < 0 ? rc : jobs_begin(s);
}

size_t
signer_n_blocks(const struct signer *s)
{
	return s->n_jobs;
}

static int
node_cmp(const struct znode *a, const struct znode *b)
{
	struct sv x = znode_key(a), y = znode_key(b);

	return dkey_cmp((const uint8_t *)x.p, x.n, (const uint8_t *)y.p, y.n);
}

static bool
is_before(const struct znode *n, const struct sv *end)
{
	struct sv key = znode_key(n);

	return end == NULL ||
	    dkey_cmp((const uint8_t *)key.p, key.n, (const uint8_t *)end->p, end->n) < 0;
}

/* The base's nodes before n (all that are left if NULL) are no more. */
static int
base_pass(struct swork *w, struct zone_it *it, const struct znode **bn, const struct znode *n)
{
	int rc = 0;

	while (rc == 0 && *bn != NULL && (n == NULL || node_cmp(*bn, n) < 0)) {
		rc = swork_remove(w, znode_key(*bn));
		*bn = zone_next(it);
	}
	return rc;
}

/* All names of a block as it was at the beginning, and those of the base between them. */
static int
names_all(struct swork *w, struct sv first, const struct sv *end)
{
	const struct signer *s = w->s;
	struct zone_it it = zone_seek(s->z, ZONE_NAMES, first), base_it;
	const struct znode *n = zone_next(&it), *bn;
	struct walk walk = walk_to(s->z, first);
	int rc = 0;

	base_it = zone_seek(s->base, ZONE_NAMES, first);
	bn = s->base == s->z ? NULL : zone_next(&base_it);
	for (; rc == 0 && n != NULL && is_before(n, end); n = zone_next(&it)) {
		enum standing st = walk_standing(&walk, n);
		bool both;

		rc = base_pass(w, &base_it, &bn, n);
		both = bn != NULL && node_cmp(bn, n) == 0;
		if (rc == 0 && znode_key(n).n > 0)
			rc = swork_name(w, n, s->base == s->z ? n : both ? bn : NULL, st, 0);
		if (both)
			bn = zone_next(&base_it);
	}
	return rc < 0 ? rc : base_pass(w, &base_it, &bn, n);
}

static int
names_touched(struct swork *w, size_t chunk)
{
	const struct signer *s = w->s;
	size_t end = min_size((chunk + 1) * SIGN_CHUNK, s->touched.n);
	int rc = 0;

	for (size_t i = chunk * SIGN_CHUNK; rc == 0 && i < end; i++) {
		struct sv key = s->touched.v[i];
		const struct znode *n = zone_find(s->z, ZONE_NAMES, key);
		const struct znode *base = zone_find(s->base, ZONE_NAMES, key);

		if (key.n == 0)
			continue;
		if (n != NULL)
			rc = swork_name(w, n, base, sign_standing(s->z, n), 0);
		else if (base != NULL)
			rc = swork_remove(w, znode_key(base));
	}
	return rc;
}

static int
hash_cmp(const struct znode *n, const struct link *l)
{
	return memcmp(znode_key(n).p, l->hash, NSEC3_HASH_LEN);
}

static int
links_all(struct swork *w, size_t chunk)
{
	const struct signer *s = w->s;
	size_t i = chunk * SIGN_CHUNK, end = min_size(i + SIGN_CHUNK, s->chain.n);
	struct sv first = { (const char *)s->chain.v[i].hash, i == 0 ? 0 : NSEC3_HASH_LEN };
	struct zone_it it = zone_seek(s->base, ZONE_NSEC3, first);
	const struct znode *bn = zone_next(&it);
	int rc = 0;

	for (; rc == 0 && i <= end; i++) {
		const struct link *l = i < s->chain.n ? &s->chain.v[i] : NULL;

		for (; rc == 0 && bn != NULL && (l == NULL || hash_cmp(bn, l) < 0); bn = zone_next(&it))
			rc = swork_remove(w, znode_key(bn));
		if (i == end)
			break;
		if (bn != NULL && hash_cmp(bn, l) == 0)
			bn = zone_next(&it);
		if (rc == 0)
			rc = swork_nsec3(w, l->hash, l, chain_next(s, l->hash));
	}
	return rc;
}

static int
links_touched(struct swork *w, size_t chunk)
{
	const struct signer *s = w->s;
	size_t end = min_size((chunk + 1) * SIGN_CHUNK, s->hashes.n);
	int rc = 0;

	for (size_t i = chunk * SIGN_CHUNK; rc == 0 && i < end; i++) {
		struct sv hash = s->hashes.v[i];
		const struct link *l = chain_find(s, hash);
		const uint8_t *h = (const uint8_t *)hash.p;

		if (l == NULL && svs_has(&s->gone, hash))
			rc = swork_remove(w, hash);
		else
			rc = swork_nsec3(w, h, l, chain_next(s, h));
	}
	return rc;
}

static int
job_plan(struct swork *w, size_t i)
{
	const struct signer *s = w->s;
	size_t k = i - s->n_chain_jobs;

	if (i < s->n_chain_jobs)
		return s->all ? links_all(w, i) : links_touched(w, i);
	if (!s->all)
		return names_touched(w, k);
	return names_all(w, s->job[i].first, i + 1 < s->n_jobs ? &s->job[i + 1].first : NULL);
}

void
signer_block(struct signer *s, size_t i)
{
	struct sjob *job = &s->job[i];
	struct swork w;

	job->rc = swork_begin(&w, s, job, job_part(s, i));
	if (job->rc < 0)
		return;
	job->rc = job_plan(&w, i);
	if (job->rc == 0)
		job->rc = swork_run(&w);
	swork_done(&w);
	job->done = job->rc == 0;
}
