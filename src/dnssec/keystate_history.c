/*
 * What was played, for the proof: which sets were served from when until when.
 * It is written from the lists of sets of many states, one behind the other,
 * so that it says what the state believed; what the world did, a test compares.
 */
#include "dnssec/keystate_internal.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/err.h"

struct version {
	struct keystate_set	set;
	uint32_t		keys[KEYSTATE_KEYS_MAX];	/* numbers: places are used again */
	uint32_t		sigs[KEYSTATE_KEYS_MAX];
	unsigned		n_keys, n_sigs;
	bool			alive;		/* in the state that is being added */
};

struct known {
	uint32_t	number;
	uint8_t		alg;
};

struct keystate_history {
	struct version	*versions;
	size_t		 n_versions, cap;
	struct known	*keys;
	size_t		 n_keys;
	struct {
		int64_t	from, until;
	}		*secure;		/* all caches have a DS set that is wanted */
	size_t		 n_secure;
	bool		 is_secure;
	int64_t		 now;
};

struct keystate_history *
keystate_history_new(void)
{
	return calloc(1, sizeof(struct keystate_history));
}

struct keystate_history *
keystate_history_free(struct keystate_history *h)
{
	if (h == NULL)
		return NULL;
	free(h->versions);
	free(h->keys);
	free(h->secure);
	free(h);
	return NULL;
}

/* --- playing --- */

static unsigned
numbers(const struct keystate *st, uint32_t mask, uint32_t dst[static KEYSTATE_KEYS_MAX])
{
	unsigned n = 0;

	for (int i = 0; i < KEYSTATE_KEYS_MAX; i++)
		if ((mask & ks_bit(i)) != 0)
			dst[n++] = st->keys[i].number;
	return n;
}

static bool
same(const struct version *a, const struct version *b)
{
	return a->set.kind == b->set.kind && a->set.seq == b->set.seq &&
	    a->set.from == b->set.from && a->set.foreign == b->set.foreign &&
	    a->n_keys == b->n_keys && a->n_sigs == b->n_sigs &&
	    memcmp(a->keys, b->keys, a->n_keys * sizeof(a->keys[0])) == 0 &&
	    memcmp(a->sigs, b->sigs, a->n_sigs * sizeof(a->sigs[0])) == 0;
}

static int
version_add(struct keystate_history *h, const struct version *v)
{
	for (size_t i = 0; i < h->n_versions; i++) {
		uint32_t ttl = h->versions[i].set.ttl_sec;

		if (!same(&h->versions[i], v))
			continue;
		h->versions[i].set = v->set;
		h->versions[i].alive = true;
		if (ttl > v->set.ttl_sec)
			h->versions[i].set.ttl_sec = ttl;
		return 0;
	}
	if (h->n_versions == h->cap) {
		size_t cap = h->cap == 0 ? 16 : 2 * h->cap;
		struct version *p;

		if (cap > KEYSTATE_HISTORY_MAX)
			return SE_LIMIT;
		p = reallocarray(h->versions, cap, sizeof(*p));
		if (p == NULL)
			return -ENOMEM;
		h->versions = p;
		h->cap = cap;
	}
	h->versions[h->n_versions++] = *v;
	return 0;
}

static int
key_add(struct keystate_history *h, const struct keystate_key *k)
{
	struct known *p;

	for (size_t i = 0; i < h->n_keys; i++)
		if (h->keys[i].number == k->number)
			return 0;
	p = reallocarray(h->keys, h->n_keys + 1, sizeof(*p));
	if (p == NULL)
		return -ENOMEM;
	h->keys = p;
	h->keys[h->n_keys++] = (struct known){ k->number, k->alg };
	return 0;
}

/* No cache has the absence of DS, and none is asked for. */
static bool
secure_now(const struct keystate *st)
{
	if (st->ds_want == 0)
		return false;
	for (size_t i = 0; i < st->n_sets; i++)
		if (st->sets[i].kind == KS_DS && st->sets[i].keys == 0 && ks_alive(&st->sets[i], st->now))
			return false;
	return true;
}

static int
secure_add(struct keystate_history *h, const struct keystate *st)
{
	bool is = secure_now(st);
	void *p;

	if (is && !h->is_secure) {
		p = reallocarray(h->secure, h->n_secure + 1, sizeof(*h->secure));
		if (p == NULL)
			return -ENOMEM;
		h->secure = p;
		h->secure[h->n_secure].from = st->now;
		h->secure[h->n_secure++].until = TIME_NEVER;
	}
	/* A DS set that somebody else took away is no wish of ours. */
	if (!is && h->is_secure && st->ds_want != 0)
		return 0;
	if (!is && h->is_secure)
		h->secure[h->n_secure - 1].until = st->now;
	h->is_secure = is;
	return 0;
}

/* Without a TTL, a set is forgotten in the same call in which it is seen to be gone. */
static void
forgotten_end(struct keystate_history *h, int64_t now)
{
	for (size_t i = 0; i < h->n_versions; i++) {
		struct version *v = &h->versions[i];

		if (!v->alive && v->set.gone == TIME_NEVER)
			v->set.gone = now;
		v->alive = false;
	}
}

int
keystate_history_add(struct keystate_history *h, const struct keystate *st)
{
	int rc = 0;

	for (int i = 0; i < KEYSTATE_KEYS_MAX && rc == 0; i++)
		if (st->keys[i].number != 0)
			rc = key_add(h, &st->keys[i]);
	for (size_t i = 0; i < st->n_sets && rc == 0; i++) {
		struct version v = { .set = st->sets[i] };

		v.n_keys = numbers(st, v.set.keys, v.keys);
		v.n_sigs = numbers(st, v.set.sigs, v.sigs);
		v.alive = true;
		rc = version_add(h, &v);
	}
	if (rc == 0)
		forgotten_end(h, st->now);
	if (rc == 0)
		rc = secure_add(h, st);
	h->now = st->now;
	return rc;
}

/* --- writing --- */

struct writer {
	const struct keystate_history	*h;
	const struct dnssec_policy	*policy;
	struct buf			*b;
	int64_t				 origin;
};

static void
put_time(struct writer *w, int64_t t)
{
	if (t == TIME_NEVER)
		buf_str(w->b, " never");
	else
		buf_printf(w->b, " %lld", (long long)max_i64(t - w->origin, 0));
}

static void
put_keys(struct writer *w, const struct version *v)
{
	for (unsigned i = 0; i < v->n_keys; i++)
		buf_printf(w->b, " k%u", v->keys[i]);
	if (v->set.foreign)
		buf_str(w->b, " stranger");
}

static void
put_sigs(struct writer *w, const struct version *v, int64_t from, int64_t until)
{
	for (unsigned i = 0; i < v->n_sigs; i++)
		buf_printf(w->b, " k%u:%lld:%lld", v->sigs[i],
		    (long long)max_i64(from - w->policy->clock_skew - w->origin, 0),
		    (long long)(until - w->origin));
}

static void
ds_print(struct writer *w, const struct version *v, size_t id)
{
	buf_printf(w->b, "ds d%zu", id);
	if (v->n_keys == 0 && !v->set.foreign)
		buf_str(w->b, " none");
	put_keys(w, v);
	buf_printf(w->b, "\nserve d%zu", id);
	put_time(w, v->set.from);
	put_time(w, v->set.gone);
	buf_printf(w->b, " %u\n", v->set.ttl_sec);
}

static void
signed_head(struct writer *w, const struct version *v, const char *name)
{
	if (v->set.kind == KS_DATA) {
		buf_printf(w->b, "data %s all %s", name, v->n_sigs == 0 ? "unsigned" : "sigs");
		return;
	}
	buf_printf(w->b, "dnskey %s keys", name);
	put_keys(w, v);
	buf_str(w->b, " sigs");
}

/*
 * Signatures are made anew when they are valid for no longer than refresh; the
 * version with the old ones is served on while the new one propagates.
 */
static void
signed_print(struct writer *w, const struct version *v, size_t id)
{
	const struct dnssec_policy *p = w->policy;
	int64_t every = max_i64((int64_t)p->validity - p->refresh, 1), last = max_i64(v->set.gone, v->set.from);

	if (last == TIME_NEVER)
		last = w->h->now + every;
	for (int64_t from = v->set.from, n = 0; from == v->set.from || from < last; from += every, n++) {
		bool end = from + every >= last || v->n_sigs == 0;
		char name[48];

		snprintf(name, sizeof(name), "%c%zu.%lld", v->set.kind == KS_DATA ? 's' : 'k', id, (long long)n);
		signed_head(w, v, name);
		put_sigs(w, v, from, from + p->validity);
		buf_printf(w->b, "\nserve %s", name);
		put_time(w, from);
		if (end && v->set.gone == TIME_NEVER && v->n_sigs == 0)
			put_time(w, TIME_NEVER);
		else
			put_time(w, end ? max_i64(last, from + 1) : from + every + p->child_propagation);
		buf_printf(w->b, " %u\n", v->set.ttl_sec);
		if (end)
			return;
	}
}

int
keystate_history_write(const struct keystate_history *h, const struct dnssec_policy *p,
    int64_t origin, struct buf *b)
{
	struct writer w = { h, p, b, origin };
	bool foreign = false;

	for (size_t i = 0; i < h->n_keys; i++)
		buf_printf(b, "key k%u %u\n", h->keys[i].number, h->keys[i].alg);
	for (size_t i = 0; i < h->n_versions; i++)
		foreign = foreign || h->versions[i].set.foreign;
	if (foreign)
		buf_str(b, "key stranger 253\n");
	buf_printf(b, "skew %u\nstrict %s\n", p->clock_skew,
	    p->strict_algorithms == POLICY_STRICT_NONE ? "no" : "yes");
	for (size_t i = 0; i < h->n_versions; i++) {
		if (h->versions[i].set.kind == KS_DS)
			ds_print(&w, &h->versions[i], i);
		else
			signed_print(&w, &h->versions[i], i);
	}
	for (size_t i = 0; i < h->n_secure; i++) {
		buf_str(b, "secure");
		put_time(&w, h->secure[i].from);
		put_time(&w, h->secure[i].until == TIME_NEVER ? h->now : h->secure[i].until);
		buf_char(b, '\n');
	}
	return b->rc;
}
