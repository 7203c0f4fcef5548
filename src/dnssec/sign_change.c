/* Which names a later run looks at: what changed, its neighbours, what ends soon. */
#include <errno.h>
#include <stdlib.h>

#include "dnssec/sign_internal.h"

int
svs_add(struct svs *l, struct sv new)
{
	if (l->n == l->cap) {
		size_t cap = max_size(16, 2 * l->cap);
		struct sv *v = reallocarray(l->v, cap, sizeof(*v));

		if (v == NULL)
			return -ENOMEM;
		l->v = v;
		l->cap = cap;
	}
	l->v[l->n++] = new;
	return 0;
}

static int
key_cmp(const void *a, const void *b)
{
	const struct sv *x = a, *y = b;

	return dkey_cmp((const uint8_t *)x->p, x->n, (const uint8_t *)y->p, y->n);
}

void
svs_sort(struct svs *l)
{
	size_t n = 0;

	if (l->n > 1)
		qsort(l->v, l->n, sizeof(*l->v), key_cmp);
	for (size_t i = 0; i < l->n; i++)
		if (n == 0 || key_cmp(&l->v[n - 1], &l->v[i]) != 0)
			l->v[n++] = l->v[i];
	l->n = n;
}

bool
svs_has(const struct svs *l, struct sv key)
{
	return l->n > 0 && bsearch(&key, l->v, l->n, sizeof(*l->v), key_cmp) != NULL;
}

/* --- what changed --- */

static int
below_touch(struct signer *s, const struct zone *z, struct sv key)
{
	struct zone_it it = zone_seek(z, ZONE_NAMES, key);
	const struct znode *n;
	int rc = 0;

	while (rc == 0 && (n = zone_next(&it)) != NULL) {
		struct sv k = znode_key(n);

		if (!dkey_within((const uint8_t *)k.p, k.n, (const uint8_t *)key.p, key.n))
			break;
		rc = svs_add(&s->touched, k);
	}
	return rc;
}

/* A name that changed; all below it too, where it became a delegation or ceases to be one. */
static int
diff_touch(void *arg, enum zone_part part, const struct znode *old, const struct znode *new)
{
	struct signer *s = arg;
	struct sv key = znode_key(new != NULL ? new : old);
	int rc;

	if (part != ZONE_NAMES)
		return 0;
	rc = svs_add(&s->touched, key);
	if (rc < 0 || (old != NULL && sign_covers(old)) == (new != NULL && sign_covers(new)))
		return rc;
	/* What is below it only in the new version is a change of its own. */
	return below_touch(s, s->in.last_unsigned, key);
}

/* --- what ends soon --- */

static int
range_touch(struct signer *s, enum zone_part part, const struct srange *r, const struct srange *next)
{
	struct zone_it it = zone_seek(s->last, part, r->first);
	int64_t due = s->in.now + s->policy.refresh_sec, ends, ends_keys;
	const struct znode *n;
	int rc = 0;

	while (rc == 0 && (n = zone_next(&it)) != NULL) {
		struct sv key = znode_key(n);

		if (next != NULL && key_cmp(&key, &next->first) >= 0)
			break;
		znode_expiry(n, s->in.now, &ends, &ends_keys);
		if (ends <= due)
			rc = svs_add(part == ZONE_NAMES ? &s->touched : &s->hashes, key);
	}
	return rc;
}

static int
due_touch(struct signer *s, enum zone_part part)
{
	const struct sign_state *st = s->in.last_state;
	const struct srange *r = st->range[part];
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < st->n_ranges[part]; i++)
		if (r[i].min_expiry <= s->in.now + s->policy.refresh_sec)
			rc = range_touch(s, part, &r[i], i + 1 < st->n_ranges[part] ? &r[i + 1] : NULL);
	return rc;
}

/* --- neighbours --- */

static bool
was_in_chain(const struct signer *s, struct sv key)
{
	const struct znode *n = zone_find(s->in.last_unsigned, ZONE_NAMES, key);

	return sign_in_chain(s, n, sign_standing(s->in.last_unsigned, n));
}

static bool
is_in_chain(const struct signer *s, struct sv key)
{
	const struct znode *n = zone_find(s->z, ZONE_NAMES, key);

	return sign_in_chain(s, n, sign_standing(s->z, n));
}

/* NSEC: the name before one that came or went points elsewhere now. */
static int
neighbours_touch(struct signer *s)
{
	size_t n = s->touched.n;
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < n; i++) {
		struct sv key = s->touched.v[i];

		if (was_in_chain(s, key) != is_in_chain(s, key))
			rc = svs_add(&s->touched, sign_prev_key(s->z, key));
	}
	svs_sort(&s->touched);
	return rc;
}

int
change_touch(struct signer *s)
{
	int rc = svs_add(&s->touched, (struct sv){ 0 });

	if (rc == 0)
		rc = zone_diff(s->in.last_unsigned, (struct zone *)(uintptr_t)s->z, diff_touch, s);
	if (rc == 0)
		rc = due_touch(s, ZONE_NAMES);
	if (rc == 0 && sign_has_nsec3(s))
		rc = due_touch(s, ZONE_NSEC3);
	svs_sort(&s->touched);
	if (rc == 0 && !sign_has_nsec3(s))
		rc = neighbours_touch(s);
	return rc;
}
