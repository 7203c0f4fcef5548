/* When which place is asked; fetch_plan.h tells the rules. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "app/fetch_plan_internal.h"
#include "base/err.h"

#define BACKOFF_MIN_MS		1000
#define BACKOFF_FIRST_MAX_MS	60000
/* One that never gave anything is not worth a day. */
#define FORGET_BAD_MS		((int64_t)60 * 1000)
#define PLACES_MAX		((size_t)4 * FETCH_PLACES_MAX)
#define FALLBACK_MIN_MS		((int64_t)30 * 60 * 1000)
#define FALLBACK_MAX_MS		((int64_t)60 * 60 * 1000)

const char *
place_kind_name(enum place_kind k)
{
	static const char *const names[] = {
		[PLACE_TA] = "ta", [PLACE_RRDP] = "rrdp", [PLACE_RSYNC] = "rsync" };

	return k < PLACE_KIND_MAX ? names[k] : "?";
}

/* splitmix64 (Steele, Lea and Flood): for spreading load, not for secrets. */
int64_t
plan_random(struct fetch_plan *p, int64_t lo, int64_t hi)
{
	uint64_t z = p->random += 0x9e3779b97f4a7c15U;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9U;
	z = (z ^ z >> 27) * 0x94d049bb133111ebU;
	z ^= z >> 31;
	if (hi <= lo)
		return lo;
	return lo + (int64_t)(z % (uint64_t)(hi - lo + 1));
}

/* --- the table --- */

struct fetch_plan *
fetch_plan_new(const struct fetch_plan_conf *conf, uint64_t random)
{
	struct fetch_plan *p = calloc(1, sizeof(*p));

	if (p == NULL)
		return NULL;
	p->conf = *conf;
	p->random = random;
	return p;
}

void
place_ta_done(struct place *pl)
{
	for (unsigned i = 0; i < pl->pub.n_uris; i++)
		free((char *)(uintptr_t)pl->pub.uris[i]);
	free((char *)(uintptr_t)pl->pub.spki.p);
	pl->pub.n_uris = 0;
	pl->pub.spki = (struct sv){ NULL, 0 };
}

static void
place_free(struct place *pl)
{
	place_ta_done(pl);
	free(pl->modules);
	free(pl->text);
	free(pl);
}

struct fetch_plan *
fetch_plan_free(struct fetch_plan *p)
{
	if (p == NULL)
		return NULL;
	for (size_t i = 0; i < p->n; i++)
		place_free(p->places[i]);
	free(p->places);
	map_done(&p->by_key);
	free(p);
	return NULL;
}

struct place *
plan_find(const struct fetch_plan *p, struct sv key)
{
	return map_find(&p->by_key, key);
}

static struct place *
place_new(struct fetch_plan *p, enum place_kind kind, struct sv key, struct sv uri, int64_t now)
{
	struct place *pl = calloc(1, sizeof(*pl));
	char *t;

	if (pl == NULL)
		return NULL;
	/* The host is never longer than the URI. */
	if ((t = pl->text = calloc(1, key.n + uri.n + 2)) == NULL ||
	    fetch_host(uri, t + key.n + 1, uri.n + 1) < 0) {
		place_free(pl);
		return NULL;
	}
	memcpy(t, key.p, key.n);
	pl->pub = (struct fetch_place){ .kind = kind, .key = t, .host = t + key.n + 1,
	    .next = now };
	pl->fallback_ms = plan_random(p, FALLBACK_MIN_MS, FALLBACK_MAX_MS);
	return pl;
}

int
plan_place(struct fetch_plan *p, enum place_kind kind, struct sv key, struct sv uri,
    int64_t now, struct place **ret)
{
	struct place *pl = plan_find(p, key);

	if (pl != NULL) {
		*ret = pl;
		return 0;
	}
	/*
	 * Places that nobody wants any more stay for a day. Who names other ones
	 * in each run must not fill our memory with them.
	 */
	if (p->n >= PLACES_MAX)
		return SE_LIMIT;
	if (p->n == p->cap) {
		size_t cap = p->cap == 0 ? 64 : p->cap * 2;
		void *v = reallocarray(p->places, cap, sizeof(*p->places));

		if (v == NULL)
			return -ENOMEM;
		p->places = v;
		p->cap = cap;
	}
	if ((pl = place_new(p, kind, key, uri, now)) == NULL)
		return -ENOMEM;
	if (map_add(&p->by_key, sv_str(pl->pub.key), pl) < 0) {
		place_free(pl);
		return -ENOMEM;
	}
	p->places[p->n++] = pl;
	*ret = pl;
	return 0;
}

/* Maps do not shrink: without one place it is made anew, once a day or so. */
static bool
map_without(const struct fetch_plan *p, const struct place *gone, struct map *ret)
{
	struct map m = { 0 };

	for (size_t i = 0; i < p->n; i++)
		if (p->places[i] != gone &&
		    map_add(&m, sv_str(p->places[i]->pub.key), p->places[i]) < 0) {
			map_done(&m);
			return false;
		}
	*ret = m;
	return true;
}

bool
fetch_plan_forget(struct fetch_plan *p, int64_t now, char key[static FETCH_KEY_MAX + 1])
{
	for (size_t i = 0; i < p->n; i++) {
		struct place *pl = p->places[i];
		struct map m;

		if (pl->unwanted == 0 || pl->pub.running || now - pl->unwanted <
		    (pl->pub.last_ok > 0 ? FETCH_FORGET_MS : FORGET_BAD_MS))
			continue;
		if (!map_without(p, pl, &m))
			return false;
		map_done(&p->by_key);
		p->by_key = m;
		memcpy(key, pl->pub.key, strlen(pl->pub.key) + 1);
		p->places[i] = p->places[--p->n];
		place_free(pl);
		return true;
	}
	return false;
}

size_t
fetch_plan_count(const struct fetch_plan *p)
{
	return p->n;
}

const struct fetch_place *
fetch_plan_at(const struct fetch_plan *p, size_t i)
{
	return &p->places[i]->pub;
}

/* --- what to start --- */

bool
fetch_place_due(const struct fetch_place *f)
{
	return f->wanted && (f->kind != PLACE_RSYNC || f->direct || f->n_fallback > 0);
}

enum class {
	CLASS_TA,
	CLASS_GOOD,
	CLASS_NEW,
	CLASS_FAILING,
};

static enum class
place_class(const struct fetch_place *f)
{
	if (f->kind == PLACE_TA)
		return CLASS_TA;
	if (f->failures > 0)
		return CLASS_FAILING;
	return f->last_ok > 0 ? CLASS_GOOD : CLASS_NEW;
}

/* What runs now, by what it takes. */
struct load {
	const struct fetch_place *running[FETCH_SLOTS + FETCH_RSYNC_SLOTS];
	unsigned	n;
	unsigned	slots[2], doubtful[2];		/* [1]: rsync */
};

static struct load
load_now(const struct fetch_plan *p)
{
	struct load l = { .n = 0 };

	for (size_t i = 0; i < p->n && l.n < ARRAY_LEN(l.running); i++) {
		const struct fetch_place *f = &p->places[i]->pub;
		bool rsync = f->kind == PLACE_RSYNC;

		if (!f->running)
			continue;
		l.running[l.n++] = f;
		l.slots[rsync]++;
		l.doubtful[rsync] += place_class(f) >= CLASS_NEW;
	}
	return l;
}

static bool
has_room(const struct load *l, const struct fetch_place *f)
{
	static const unsigned slots[2] = { FETCH_SLOTS, FETCH_RSYNC_SLOTS };
	static const unsigned doubtful[2] = { FETCH_SLOTS_DOUBTFUL, FETCH_RSYNC_DOUBTFUL };
	bool rsync = f->kind == PLACE_RSYNC;
	unsigned same = 0;

	if (l->slots[rsync] >= slots[rsync] ||
	    (place_class(f) >= CLASS_NEW && l->doubtful[rsync] >= doubtful[rsync]))
		return false;
	for (unsigned i = 0; i < l->n; i++)
		same += strcmp(l->running[i]->host, f->host) == 0;
	return same < FETCH_PER_HOST_SLOTS;
}

static bool
goes_before(const struct fetch_place *a, const struct fetch_place *b)
{
	enum class ca = place_class(a), cb = place_class(b);

	if (ca != cb)
		return ca < cb;
	if (ca == CLASS_NEW && a->rank != b->rank)
		return a->rank < b->rank;
	return a->next < b->next;
}

void
plan_fallbacks(struct fetch_plan *p)
{
	for (size_t i = 0; i < p->n; i++)
		p->places[i]->pub.n_fallback = 0;
	for (size_t i = 0; i < p->n; i++) {
		const struct place *pl = p->places[i];

		if (!pl->pub.wanted || !pl->pub.fallback)
			continue;
		for (size_t k = 0; k < pl->n_modules; k++)
			pl->modules[k]->pub.n_fallback++;
	}
}

/* Those whose time has come. */
static void
fallbacks_begin(struct fetch_plan *p, int64_t now)
{
	bool any = false;

	for (size_t i = 0; i < p->n; i++) {
		struct place *pl = p->places[i];

		if (pl->fallback_at == 0 || pl->fallback_at > now || pl->pub.fallback)
			continue;
		pl->pub.fallback = any = true;
	}
	if (any)
		plan_fallbacks(p);
}

struct fetch_place *
fetch_plan_next(struct fetch_plan *p, int64_t now)
{
	struct load l = load_now(p);
	struct fetch_place *best = NULL;

	fallbacks_begin(p, now);
	for (size_t i = 0; i < p->n; i++) {
		struct fetch_place *f = &p->places[i]->pub;

		if (!f->running && f->next <= now && fetch_place_due(f) &&
		    (best == NULL || goes_before(f, best)) && has_room(&l, f))
			best = f;
	}
	if (best != NULL) {
		best->running = true;
		best->last_try = now;
		best->tries++;
	}
	return best;
}

static void
sooner(int64_t *first, int64_t at, int64_t now)
{
	if (*first < 0 || at - now < *first)
		*first = at > now ? at - now : 0;
}

int64_t
fetch_plan_wake(const struct fetch_plan *p, int64_t now)
{
	int64_t first = -1;

	for (size_t i = 0; i < p->n; i++) {
		const struct place *pl = p->places[i];
		const struct fetch_place *f = &pl->pub;

		if (f->wanted && pl->fallback_at != 0 && !f->fallback)
			sooner(&first, pl->fallback_at, now);
		/* What is due and was not started waits for a slot, not for time. */
		if (!f->running && f->next > now && fetch_place_due(f))
			sooner(&first, f->next, now);
	}
	return first;
}

/* --- how it went --- */

static int64_t
backoff(struct fetch_plan *p, unsigned failures, int64_t retry_after)
{
	int64_t ms = p->conf.refresh_ms / 10;

	ms = ms < BACKOFF_MIN_MS ? BACKOFF_MIN_MS : min_i64(ms, BACKOFF_FIRST_MAX_MS);
	for (unsigned i = 1; i < failures && ms < FETCH_BACKOFF_MAX_MS; i++)
		ms *= 2;
	ms = min_i64(ms, FETCH_BACKOFF_MAX_MS);
	if (retry_after > ms)
		ms = min_i64(retry_after, FETCH_BACKOFF_MAX_MS);
	else
		ms = plan_random(p, ms - ms / 4, ms + ms / 4);
	return min_i64(ms, FETCH_BACKOFF_MAX_MS);
}

/* RRDP failed: from when on is rsync asked instead? */
static void
fallback_judge(const struct fetch_plan *p, struct place *pl, bool has_data, int64_t now)
{
	if (pl->pub.kind != PLACE_RRDP || p->conf.rsync != FETCH_RSYNC_FALLBACK)
		return;
	/* After a restart nobody knows how old the data are: as old as we. */
	if (pl->held_since == 0)
		pl->held_since = now;
	pl->fallback_at = has_data ? pl->held_since + pl->fallback_ms : now;
}

static void
succeeded(struct fetch_plan *p, struct place *pl, int64_t now)
{
	struct fetch_place *f = &pl->pub;
	int64_t r = p->conf.refresh_ms;

	f->failures = 0;
	f->last_ok = pl->held_since = now;
	f->next = now + plan_random(p, r - r / 10, r + r / 10);
	pl->fallback_at = 0;
	if (f->fallback) {
		f->fallback = false;
		plan_fallbacks(p);
	}
}

static void
failed(struct fetch_plan *p, struct place *pl, const struct fetch_outcome *o, int64_t now)
{
	struct fetch_place *f = &pl->pub;

	if (f->failures < UINT16_MAX)
		f->failures++;
	f->next = now + backoff(p, f->failures, o->retry_after_ms);
	fallback_judge(p, pl, o->has_data, now);
}

void
fetch_plan_done(struct fetch_plan *p, struct fetch_place *f, const struct fetch_outcome *o,
    int64_t now)
{
	struct place *pl = (struct place *)f;

	f->running = false;
	if (o->ok)
		succeeded(p, pl, now);
	else
		failed(p, pl, o, now);
	if (pl->again)
		f->next = now;
	pl->again = false;
}

bool
fetch_plan_now(struct fetch_plan *p, struct sv key, int64_t now)
{
	bool any = false;

	for (size_t i = 0; i < p->n; i++) {
		struct fetch_place *f = &p->places[i]->pub;

		if (!f->wanted || (key.n > 0 && !sv_eq_str(key, f->key)))
			continue;
		f->next = min_i64(f->next, now);
		p->places[i]->again = f->running;
		any = true;
	}
	return any;
}
