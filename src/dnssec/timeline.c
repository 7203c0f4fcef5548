/* The model of timeline: keys, versions, and when they are served. */
#include <errno.h>
#include <stdlib.h>

#include "base/err.h"
#include "dnssec/timeline_internal.h"

/* Words of the text form that a name would be mistaken for. */
static const char *const reserved[] = { "none", "keys", "sigs", "unsigned", "never", "after" };

struct timeline *
timeline_new(void)
{
	struct timeline *h = calloc(1, sizeof(*h));

	if (h == NULL)
		return NULL;
	h->strict = true;
	if ((h->pool = pool_new(TIMELINE_SIZE_MAX)) == NULL)
		return timeline_free(h);
	return h;
}

struct timeline *
timeline_free(struct timeline *h)
{
	if (h == NULL)
		return NULL;
	map_done(&h->key_names);
	map_done(&h->version_names);
	(void)pool_free(h->pool);
	free(h);
	return NULL;
}

void *
timeline_grow(struct pool *pool, void *old, size_t n, size_t size)
{
	void *p;

	if (n > 0 && (n < 4 || (n & (n - 1)) != 0))
		return old;		/* room is 4, and doubles at each power of two */
	if ((p = pool_calloc(pool, n == 0 ? 4 : 2 * n, size)) != NULL && n > 0)
		memcpy(p, old, n * size);
	return p;
}

bool
timeline_has_key(const unsigned *keys, size_t n, unsigned key)
{
	for (size_t i = 0; i < n; i++)
		if (keys[i] == key)
			return true;
	return false;
}

bool
timeline_name_ok(struct sv name)
{
	if (name.n == 0 || name.n > TIMELINE_NAME_MAX || !sv_graphic(name) ||
	    sv_find(name, ':') < name.n || sv_find(name, '#') < name.n)
		return false;
	for (size_t i = 0; i < ARRAY_LEN(reserved); i++)
		if (sv_eq_str(name, reserved[i]))
			return false;
	return true;
}

bool
timeline_time_ok(int64_t at)
{
	return at >= 0 && at <= TIMELINE_TIME_MAX;
}

int64_t
timeline_after(int64_t at, int64_t sec)
{
	return at == TIME_NEVER ? TIME_NEVER : at + sec;
}

struct timeline_span
timeline_usable(const struct timeline *h, const struct timeline_sig *s)
{
	return (struct timeline_span){
		.from = s->inc + h->skew_sec,
		.until = timeline_after(s->exp, 1 - (int64_t)h->skew_sec),
	};
}

static bool
span_ok(const struct timeline_span *s)
{
	return timeline_time_ok(s->from) && s->until > s->from &&
	    (s->until == TIME_NEVER || timeline_time_ok(s->until));
}

/* A name's index + 1 as the map's value. */
static int
name_add(struct timeline *h, struct map *map, struct sv *name, size_t index)
{
	if (!timeline_name_ok(*name))
		return -EINVAL;
	if (map_find(map, *name) != NULL)
		return -EEXIST;
	if ((*name = pool_sv(h->pool, *name)).p == NULL)
		return -ENOMEM;
	return map_add(map, *name, (void *)(uintptr_t)(index + 1));
}

int
timeline_key_add(struct timeline *h, struct sv name, uint8_t alg, unsigned *ret)
{
	struct timeline_key *keys;
	int rc;

	if (h->n_keys >= TIMELINE_KEYS_MAX)
		return SE_LIMIT;
	if ((keys = timeline_grow(h->pool, h->keys, h->n_keys, sizeof(*keys))) == NULL)
		return -ENOMEM;
	h->keys = keys;
	if ((rc = name_add(h, &h->key_names, &name, h->n_keys)) < 0)
		return rc;
	keys[h->n_keys] = (struct timeline_key){ name, alg };
	*ret = (unsigned)h->n_keys++;
	return 0;
}

int
timeline_version_add(struct timeline *h, enum timeline_kind kind, struct sv id, struct sv class, unsigned *ret)
{
	struct timeline_version *all;
	int rc;

	if (h->n_versions >= TIMELINE_VERSIONS_MAX)
		return SE_LIMIT;
	if ((kind == TIMELINE_DATA) != (class.n > 0) || (class.n > 0 && !timeline_name_ok(class)))
		return -EINVAL;
	if ((all = timeline_grow(h->pool, h->versions, h->n_versions, sizeof(*all))) == NULL)
		return -ENOMEM;
	h->versions = all;
	if ((class = pool_sv(h->pool, class)).p == NULL)
		return -ENOMEM;
	if ((rc = name_add(h, &h->version_names, &id, h->n_versions)) < 0)
		return rc;
	all[h->n_versions] = (struct timeline_version){
		.id = id, .class = class, .kind = kind, .origin = (unsigned)h->n_versions,
	};
	*ret = (unsigned)h->n_versions++;
	return 0;
}

int
timeline_version_key(struct timeline *h, unsigned version, unsigned key)
{
	struct timeline_version *v = &h->versions[version];
	unsigned *keys;

	if (v->kind == TIMELINE_DATA)
		return -EINVAL;
	if (timeline_has_key(v->keys, v->n_keys, key))
		return 0;
	if (v->n_keys >= TIMELINE_PARTS_MAX)
		return SE_LIMIT;
	if ((keys = timeline_grow(h->pool, v->keys, v->n_keys, sizeof(*keys))) == NULL)
		return -ENOMEM;
	v->keys = keys;
	keys[v->n_keys++] = key;
	return 0;
}

int
timeline_version_sig(struct timeline *h, unsigned version, const struct timeline_sig *sig)
{
	struct timeline_version *v = &h->versions[version];
	struct timeline_sig *sigs;

	if (v->kind == TIMELINE_DS)
		return -EINVAL;
	if (!timeline_time_ok(sig->inc) || (sig->exp != TIME_NEVER && !timeline_time_ok(sig->exp)))
		return -ERANGE;
	if (v->n_sigs >= TIMELINE_PARTS_MAX)
		return SE_LIMIT;
	if ((sigs = timeline_grow(h->pool, v->sigs, v->n_sigs, sizeof(*sigs))) == NULL)
		return -ENOMEM;
	v->sigs = sigs;
	sigs[v->n_sigs++] = *sig;
	return 0;
}

int
timeline_serve_add(struct timeline *h, unsigned version, const struct timeline_serve *serve)
{
	struct timeline_version *v = &h->versions[version];
	struct timeline_serve *serves;

	if (!span_ok(&serve->at) || serve->ttl_sec > TIMELINE_TTL_MAX)
		return -ERANGE;
	if (v->n_serves >= TIMELINE_PARTS_MAX)
		return SE_LIMIT;
	if ((serves = timeline_grow(h->pool, v->serves, v->n_serves, sizeof(*serves))) == NULL)
		return -ENOMEM;
	v->serves = serves;
	serves[v->n_serves++] = *serve;
	return 0;
}

int
timeline_secure_add(struct timeline *h, const struct timeline_span *span)
{
	struct timeline_span *all;

	if (!span_ok(span))
		return -ERANGE;
	if (h->n_secures >= TIMELINE_PARTS_MAX)
		return SE_LIMIT;
	if ((all = timeline_grow(h->pool, h->secures, h->n_secures, sizeof(*all))) == NULL)
		return -ENOMEM;
	h->secures = all;
	all[h->n_secures++] = *span;
	return 0;
}

int
timeline_skew_set(struct timeline *h, uint32_t skew_sec)
{
	if (skew_sec > TIMELINE_SKEW_MAX)
		return -ERANGE;
	h->skew_sec = skew_sec;
	return 0;
}

void
timeline_strict_set(struct timeline *h, bool strict)
{
	h->strict = strict;
}

size_t
timeline_n_versions(const struct timeline *h)
{
	return h->n_versions;
}

size_t
timeline_n_keys(const struct timeline *h)
{
	return h->n_keys;
}

const struct timeline_version *
timeline_version(const struct timeline *h, unsigned i)
{
	return i < h->n_versions ? &h->versions[i] : NULL;
}

const struct timeline_key *
timeline_key(const struct timeline *h, unsigned i)
{
	return i < h->n_keys ? &h->keys[i] : NULL;
}

int
timeline_version_find(const struct timeline *h, struct sv id, unsigned *ret)
{
	for (size_t i = h->version_names.n; i < h->n_versions; i++)
		if (sv_eq(h->versions[i].id, id)) {
			*ret = (unsigned)i;
			return 0;
		}
	uintptr_t found = (uintptr_t)map_find(&h->version_names, id);

	if (found == 0)
		return -ENOENT;
	*ret = (unsigned)(found - 1);
	return 0;
}

int
timeline_key_find(const struct timeline *h, struct sv name, unsigned *ret)
{
	for (size_t i = h->key_names.n; i < h->n_keys; i++)
		if (sv_eq(h->keys[i].name, name)) {
			*ret = (unsigned)i;
			return 0;
		}
	uintptr_t found = (uintptr_t)map_find(&h->key_names, name);

	if (found == 0)
		return -ENOENT;
	*ret = (unsigned)(found - 1);
	return 0;
}

/* --- what is seen --- */

int
timeline_seen(struct timeline *h, unsigned version, int64_t at)
{
	struct timeline_version *v = &h->versions[version];
	struct timeline_serve *last = NULL, *next = NULL;

	if (!timeline_time_ok(at))
		return -ERANGE;
	for (size_t i = 0; i < v->n_serves; i++) {
		struct timeline_serve *s = &v->serves[i];

		if (s->at.from <= at && at < s->at.until)
			return 0;
		if (s->at.from > at && (next == NULL || s->at.from < next->at.from))
			next = s;
		if (s->at.from <= at && (last == NULL || s->at.until > last->at.until))
			last = s;
	}
	if (last == NULL && next == NULL)
		return -ENOENT;		/* its TTL is not known */
	if (last != NULL)
		last->at.until = TIME_NEVER;
	else
		next->at.from = at;	/* earlier than planned */
	return 0;
}

int
timeline_gone(struct timeline *h, unsigned version, int64_t at)
{
	struct timeline_version *v = &h->versions[version];

	if (!timeline_time_ok(at))
		return -ERANGE;
	for (size_t i = 0; i < v->n_serves; i++)
		if (v->serves[i].at.from < at)
			v->serves[i].at.until = min_i64(v->serves[i].at.until, at);
	return 0;
}

int
timeline_widen(struct timeline *h, enum timeline_kind kind, uint32_t delay_sec)
{
	if (delay_sec > TIMELINE_TTL_MAX)
		return -ERANGE;
	for (size_t i = 0; i < h->n_versions; i++)
		for (size_t k = 0; k < h->versions[i].n_serves && h->versions[i].kind == kind; k++) {
			int64_t *until = &h->versions[i].serves[k].at.until;

			if (*until != TIME_NEVER)
				*until = min_i64(*until + delay_sec, TIMELINE_TIME_MAX);
		}
	return 0;
}
