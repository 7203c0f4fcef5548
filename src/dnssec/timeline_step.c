/* A history with a step taken at x: a copy in which the edited parts are new. */
#include <errno.h>
#include <stdlib.h>

#include "base/err.h"
#include "dnssec/timeline_internal.h"

/* A copy of an array with room for so many, and to grow; NULL without memory. */
static void *
copy(struct pool *pool, const void *old, size_t room, size_t n, size_t size)
{
	void *p = pool_calloc(pool, timeline_room(room), size);

	if (p != NULL && n > 0)
		memcpy(p, old, n * size);
	return p;
}

static int
copy_of(const struct timeline *h, struct timeline **ret)
{
	_cleanup_(timeline_freep) struct timeline *c = timeline_new();

	if (c == NULL)
		return -ENOMEM;
	c->keys = h->keys;
	c->n_keys = h->n_keys;
	c->skew_sec = h->skew_sec;
	c->strict = h->strict;
	c->n_versions = h->n_versions;
	c->n_secures = h->n_secures;
	c->versions = copy(c->pool, h->versions, h->n_versions, h->n_versions, sizeof(*h->versions));
	c->secures = copy(c->pool, h->secures, h->n_secures, h->n_secures, sizeof(*h->secures));
	if (c->versions == NULL || c->secures == NULL)
		return -ENOMEM;
	*ret = TAKE_PTR(c);
	return 0;
}

/* Keep what is before at. */
static size_t
spans_cut(struct timeline_span *s, size_t n, int64_t at)
{
	size_t kept = 0;

	for (size_t i = 0; i < n; i++)
		if (s[i].from < at)
			s[kept++] = (struct timeline_span){ s[i].from, min_i64(s[i].until, at) };
	return kept;
}

/* Before serve lines are changed: so far they are those of the original. */
static int
version_own(struct timeline *c, struct timeline_version *v)
{
	v->serves = copy(c->pool, v->serves, v->n_serves, v->n_serves, sizeof(*v->serves));
	return v->serves == NULL ? -ENOMEM : 0;
}

static int
version_stop(struct timeline *c, struct timeline_version *v, int64_t at)
{
	size_t kept = 0;
	int rc;

	if ((rc = version_own(c, v)) < 0)
		return rc;
	for (size_t i = 0; i < v->n_serves; i++) {
		struct timeline_serve s = v->serves[i];

		if (s.at.from >= at)
			continue;
		s.at.until = min_i64(s.at.until, at);
		v->serves[kept++] = s;
	}
	v->n_serves = kept;
	return 0;
}

static int
version_serve(struct timeline *c, unsigned version, int64_t at, uint32_t ttl_sec)
{
	int rc;

	if ((rc = version_own(c, &c->versions[version])) < 0)
		return rc;
	return timeline_serve_add(c, version, &(struct timeline_serve){ { at, TIME_NEVER }, ttl_sec });
}

/* Edits of keys: of which versions, what of them, and does it come or go. */
static const struct change {
	bool			known;
	enum timeline_kind	kind;		/* MAX: all that is signed */
	bool			sigs, comes;
} changes[TIMELINE_EDIT_MAX] = {
	[TIMELINE_WITHDRAW] = { true, TIMELINE_DNSKEY, false, false },
	[TIMELINE_UNSIGN] = { true, TIMELINE_KIND_MAX, true, false },
	[TIMELINE_PUBLISH] = { true, TIMELINE_DNSKEY, false, true },
	[TIMELINE_SIGN] = { true, TIMELINE_DATA, true, true },
	[TIMELINE_SIGN_KEYS] = { true, TIMELINE_DNSKEY, true, true },
	[TIMELINE_DS_ADD] = { true, TIMELINE_DS, false, true },
	[TIMELINE_DS_DEL] = { true, TIMELINE_DS, false, false },
};

/* Does the edit change what this version holds? */
static bool
is_touched(const struct timeline_version *v, const struct timeline_edit *e)
{
	const struct change *ch = &changes[e->kind];
	bool has = false;

	if (ch->kind != TIMELINE_KIND_MAX && ch->kind != v->kind)
		return false;
	for (size_t i = 0; i < v->n_sigs && ch->sigs; i++)
		has = has || v->sigs[i].key == e->what;
	if (!ch->sigs)
		has = timeline_has_key(v->keys, v->n_keys, e->what);
	return has != ch->comes;
}

/* What comes, comes with signatures that are renewed in time. */
static void
key_change(struct timeline_version *v, const struct timeline_edit *e)
{
	const struct change *ch = &changes[e->kind];
	size_t n_keys = 0, n_sigs = 0;

	if (ch->comes && ch->sigs)
		v->sigs[v->n_sigs++] = (struct timeline_sig){ e->what, 0, TIME_NEVER };
	else if (ch->comes)
		v->keys[v->n_keys++] = e->what;
	if (ch->comes)
		return;
	for (size_t i = 0; i < v->n_keys; i++)
		if (ch->sigs || v->keys[i] != e->what)
			v->keys[n_keys++] = v->keys[i];
	for (size_t i = 0; i < v->n_sigs; i++)
		if (!ch->sigs || v->sigs[i].key != e->what)
			v->sigs[n_sigs++] = v->sigs[i];
	v->n_keys = n_keys;
	v->n_sigs = n_sigs;
}

/* A key that goes in two edits, with its signatures, is named once. */
static struct sv
id_derive(struct timeline *c, struct sv id, const struct timeline_edit *e)
{
	const char *sign = changes[e->kind].comes ? "+" : "-";
	struct sv suffix = sv_str(pool_printf(c->pool, "%s%.*s", sign, SV_ARG(c->keys[e->what].name)));

	if (suffix.p == NULL || sv_ends(id, suffix))
		return suffix.p == NULL ? suffix : id;
	return sv_str(pool_printf(c->pool, "%.*s%.*s", SV_ARG(id), SV_ARG(suffix)));
}

/* The version with the change, to be served where the old one is from at on. */
static int
version_derive(struct timeline *c, size_t index, const struct timeline_edit *e, int64_t at)
{
	struct timeline_version *all, v = c->versions[index];
	size_t n_serves = 0;

	if (c->n_versions >= 2 * TIMELINE_VERSIONS_MAX)
		return SE_LIMIT;
	v.id = id_derive(c, v.id, e);
	/* One more may come. */
	v.keys = copy(c->pool, v.keys, v.n_keys + 1, v.n_keys, sizeof(*v.keys));
	v.sigs = copy(c->pool, v.sigs, v.n_sigs + 1, v.n_sigs, sizeof(*v.sigs));
	v.serves = copy(c->pool, v.serves, v.n_serves, v.n_serves, sizeof(*v.serves));
	all = timeline_grow(c->pool, c->versions, c->n_versions, sizeof(*all));
	if (v.id.p == NULL || v.keys == NULL || v.sigs == NULL || v.serves == NULL || all == NULL)
		return -ENOMEM;
	key_change(&v, e);
	for (size_t i = 0; i < v.n_serves; i++)
		if (v.serves[i].at.until > at) {
			v.serves[n_serves] = v.serves[i];
			v.serves[n_serves].at.from = max_i64(v.serves[i].at.from, at);
			n_serves++;
		}
	v.n_serves = n_serves;
	c->versions = all;
	c->versions[c->n_versions++] = v;
	return version_stop(c, &c->versions[index], at);
}

/*
 * One version is made for each that the edit touches, even if it is never
 * served: so the indices are the same for each x, and a search can ask for
 * the same state again.
 */
static int
keys_edit(struct timeline *c, const struct timeline_edit *e, int64_t at)
{
	size_t n = c->n_versions;
	int rc;

	for (size_t i = 0; i < n; i++)
		if (is_touched(&c->versions[i], e) && (rc = version_derive(c, i, e, at)) < 0)
			return rc;
	return 0;
}

static int
edit_apply(struct timeline *c, const struct timeline_edit *e, int64_t x)
{
	int64_t at = x + e->after_sec;

	switch (e->kind) {
	case TIMELINE_STOP:
		return version_stop(c, &c->versions[e->what], at);
	case TIMELINE_SERVE:
		return version_serve(c, e->what, at, e->ttl_sec);
	case TIMELINE_INSECURE_OK:
		c->n_secures = spans_cut(c->secures, c->n_secures, at);
		return 0;
	default:
		return e->kind < TIMELINE_EDIT_MAX && changes[e->kind].known ?
		    keys_edit(c, e, at) : -EINVAL;
	}
}

int
timeline_apply(const struct timeline *h, const struct timeline_step *step, int64_t x, struct timeline **ret)
{
	_cleanup_(timeline_freep) struct timeline *c = NULL;
	int rc;

	if (!timeline_time_ok(x))
		return -ERANGE;
	if ((rc = copy_of(h, &c)) < 0)
		return rc;
	for (size_t i = 0; i < step->n_edits; i++)
		if ((rc = edit_apply(c, &step->edits[i], x)) < 0)
			return rc;
	*ret = TAKE_PTR(c);
	return 0;
}
