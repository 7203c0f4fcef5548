/* What a run leaves for the next one. */
#include <errno.h>
#include <stdlib.h>

#include "base/timefmt.h"
#include "dnssec/sign_internal.h"

/* A range's key and its two numbers, keys and policy: of so many names and so many octets at most. */
#define STATE_MEM_MAX	(512u * 1024 * 1024)

struct sign_state *
sign_state_free(struct sign_state *st)
{
	if (st != NULL)
		(void)pool_free(st->pool);
	return NULL;
}

static int64_t
ranges_min(const struct sign_state *st)
{
	int64_t min = TIME_NEVER;

	for (unsigned part = 0; part < ZONE_PART_MAX; part++)
		for (size_t i = 0; i < st->n_ranges[part]; i++)
			min = min_i64(min, st->range[part][i].min_expiry);
	return min;
}

int64_t
sign_state_horizon(const struct sign_state *st)
{
	return min_i64(ranges_min(st), st->keys_expiry);
}

int64_t
sign_state_due(const struct sign_state *st)
{
	int64_t names = ranges_min(st), keys = st->keys_expiry;

	if (names != TIME_NEVER)
		names -= st->policy.refresh_sec;
	if (keys != TIME_NEVER)
		keys -= st->policy.dnskey_refresh_sec;
	return min_i64(names, keys);
}

/* --- does anything concern all names? --- */

static bool
denial_is_other(const struct sign_policy *a, const struct sign_policy *b)
{
	if (a->denial != b->denial)
		return true;
	return a->denial == SIGN_NSEC3 && (a->opt_out != b->opt_out || a->iterations != b->iterations ||
	    a->salt_len != b->salt_len || memcmp(a->salt, b->salt, a->salt_len) != 0);
}

static const struct sign_key *
key_of(const struct sign_key *keys, size_t n, struct sv rdata)
{
	for (size_t i = 0; i < n; i++)
		if (sv_eq(keys[i].rdata, rdata))
			return &keys[i];
	return NULL;
}

static unsigned
uses_of(const struct sign_key *keys, size_t n, struct sv rdata)
{
	const struct sign_key *k = key_of(keys, n, rdata);

	return k == NULL ? 0 : k->uses;
}

/* Is there, or was there, a key of the algorithm whose signatures serve without being made? */
static bool
alg_is_kept(const struct sign_keys *ks, uint8_t alg)
{
	for (size_t i = 0; i < ks->n; i++)
		if (ks->keys[i].alg == alg && (ks->keys[i].uses & SIGN_USE_KEEP) != 0)
			return true;
	return false;
}

/* Signatures of a key that signed must go; or a key signs, and nothing serves meanwhile. */
static bool
keys_are_other(const struct sign_state *st, const struct sign_keys *ks)
{
	const unsigned served = SIGN_USE_ZONE | SIGN_USE_KEEP;

	for (size_t i = 0; i < st->n_keys; i++)
		if ((st->key[i].uses & served) != 0 &&
		    (uses_of(ks->keys, ks->n, st->key[i].rdata) & served) == 0)
			return true;
	for (size_t i = 0; i < ks->n; i++) {
		const struct sign_key *k = &ks->keys[i];

		if ((k->uses & SIGN_USE_ZONE) != 0 &&
		    (uses_of(st->key, st->n_keys, k->rdata) & SIGN_USE_ZONE) == 0 &&
		    !alg_is_kept(ks, k->alg))
			return true;
	}
	return false;
}

bool
state_is_other(const struct signer *s)
{
	const struct sign_state *st = s->in.last_state;

	return denial_is_other(&st->policy, &s->policy) || st->nsec_ttl != s->nsec_ttl ||
	    keys_are_other(st, &s->in.keys);
}

/* --- the next state --- */

static int
key_cmp(struct sv a, struct sv b)
{
	return dkey_cmp((const uint8_t *)a.p, a.n, (const uint8_t *)b.p, b.n);
}

static int
keys_copy(struct signer *s, struct sign_state *st)
{
	st->key = pool_calloc(st->pool, s->n_keys + 1, sizeof(*st->key));
	if (st->key == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < s->n_keys; i++) {
		st->key[i] = *s->key[i].k;
		st->key[i].rdata = pool_sv(st->pool, s->key[i].k->rdata);
		st->key[i].arg = NULL;
		if (st->key[i].rdata.p == NULL)
			return -ENOMEM;
	}
	st->n_keys = s->n_keys;
	return 0;
}

static int
range_add(struct sign_state *st, enum zone_part part, struct sv first, int64_t min)
{
	struct srange *r = &st->range[part][st->n_ranges[part]];

	r->first = pool_sv(st->pool, first);
	r->min_expiry = min;
	if (r->first.p == NULL)
		return -ENOMEM;
	st->n_ranges[part]++;
	return 0;
}

static int
ranges_new(struct sign_state *st, enum zone_part part, size_t n)
{
	st->range[part] = pool_calloc(st->pool, n + 1, sizeof(*st->range[part]));
	return st->range[part] == NULL ? -ENOMEM : 0;
}

/* All names were looked at: a range for each job, which knows its minimum. */
static int
ranges_of_jobs(struct signer *s, struct sign_state *st)
{
	int rc = ranges_new(st, ZONE_NSEC3, s->n_chain_jobs);

	if (rc == 0)
		rc = ranges_new(st, ZONE_NAMES, s->n_jobs - s->n_chain_jobs);
	for (size_t i = 0; rc == 0 && i < s->n_jobs; i++)
		rc = range_add(st, job_part(s, i), s->job[i].first, s->job[i].min_expiry);
	return rc;
}

/* The minimum as it is now. */
static int64_t
range_min(const struct signer *s, const struct zone *z, enum zone_part part, struct sv first,
    const struct srange *next)
{
	struct zone_it it = zone_seek(z, part, first);
	int64_t min = TIME_NEVER, ends, ends_keys;
	const struct znode *n;

	while ((n = zone_next(&it)) != NULL) {
		if (next != NULL && key_cmp(znode_key(n), next->first) >= 0)
			break;
		znode_expiry(n, s->in.now, &ends, &ends_keys);
		min = min_i64(min, ends);
	}
	return min;
}

/* The last state's ranges; where something changed, with the minimum of now. */
static int
ranges_of_last(struct signer *s, struct sign_state *st, const struct zone *z, enum zone_part part,
    const struct zchange *c, size_t n)
{
	const struct sign_state *old = s->in.last_state;
	int rc = ranges_new(st, part, old->n_ranges[part] + 1);

	for (size_t i = 0; rc == 0 && i < old->n_ranges[part]; i++) {
		const struct srange *r = &old->range[part][i];
		const struct srange *next = i + 1 < old->n_ranges[part] ? r + 1 : NULL;
		int64_t min = r->min_expiry;
		size_t k = 0;

		while (k < n && (next == NULL || key_cmp(c[k].key, next->first) < 0))
			k++;
		/* Ranges that were due were looked at, and are so no more. */
		if (k > 0 || min <= s->in.now + s->policy.refresh_sec)
			min = range_min(s, z, part, r->first, next);
		rc = range_add(st, part, r->first, min);
		if (k > 0)		/* else there may be none at all */
			c += k;
		n -= k;
	}
	if (rc == 0 && old->n_ranges[part] == 0 && n > 0)
		rc = range_add(st, part, (struct sv){ "", 0 },
		    range_min(s, z, part, (struct sv){ 0 }, NULL));
	return rc;
}

int
state_make(struct signer *s, const struct zone *z, const struct zchange *changes[ZONE_PART_MAX],
    const size_t n[ZONE_PART_MAX], struct sign_state **ret)
{
	_cleanup_(sign_state_freep) struct sign_state *st = NULL;
	struct pool *pool = pool_new(STATE_MEM_MAX);
	int64_t ends = TIME_NEVER;
	int rc = 0;

	if (pool == NULL)
		return -ENOMEM;
	st = pool_calloc(pool, 1, sizeof(*st));
	if (st == NULL) {
		(void)pool_free(pool);
		return -ENOMEM;
	}
	st->pool = pool;
	st->policy = s->policy;
	st->nsec_ttl = s->nsec_ttl;
	znode_expiry(zone_apex_node(z), s->in.now, &ends, &st->keys_expiry);
	rc = keys_copy(s, st);
	if (rc == 0 && s->all) {
		rc = ranges_of_jobs(s, st);
		st->range[ZONE_NAMES][0].min_expiry =
		    min_i64(st->range[ZONE_NAMES][0].min_expiry, ends);
	}
	for (unsigned part = 0; rc == 0 && !s->all && part < ZONE_PART_MAX; part++)
		rc = ranges_of_last(s, st, z, part, changes[part], n[part]);
	if (rc == 0)
		*ret = TAKE_PTR(st);
	return rc;
}
