/*
 * Where points come from, looked up once for a run: ten thousand CAs of one
 * server ask for one row. And which sources are as they were in the run before:
 * a point of theirs stands without a look at its names.
 */
#include <errno.h>
#include <string.h>

#include "app/live_internal.h"

#define SOURCES_POOL_MAX	((size_t)64 << 20)	/* 4096 rows with keys of 2 KB: 8 MiB */

struct gather {
	struct live_sources		*to;
	const struct live_sources	*before;
	int				 rc;
};

/*
 * Times are seconds: what changed in the very last second that the run before
 * saw may have changed once more in it.
 */
static bool
is_still(const struct live_sources *before, const struct objects_source *s, uint64_t state)
{
	const struct live_source *b = map_find(&before->map, s->key);

	return b != NULL && b->id == s->id && b->changed == s->changed && b->state == state &&
	    b->n_names == s->n_names && b->bytes == s->bytes && s->changed < before->newest;
}

static bool
source_add(void *arg, const struct objects_source *s)
{
	struct gather *g = arg;
	struct live_source *x = pool_alloc(g->to->pool, sizeof(*x));
	uint64_t state = hash_bytes(s->state.p, s->state.n);
	struct sv key = pool_sv(g->to->pool, s->key);

	g->rc = -ENOMEM;
	if (x == NULL || key.p == NULL)
		return false;
	*x = (struct live_source){ .id = s->id, .changed = s->changed, .n_names = s->n_names,
	    .bytes = s->bytes, .state = state, .still = is_still(g->before, s, state) };
	g->to->newest = max_i64(g->to->newest, s->changed);
	g->rc = map_add(&g->to->map, key, x);
	return g->rc == 0;
}

void
live_sources_done(struct live_sources *s)
{
	map_done(&s->map);
	s->pool = pool_free(s->pool);
	s->newest = INT64_MIN;
}

int
live_sources_read(struct live *l)
{
	struct gather g = { &l->sources, &l->sources_before, 0 };
	int rc;

	live_sources_done(&l->sources);
	if ((l->sources.pool = pool_new(SOURCES_POOL_MAX)) == NULL)
		return -ENOMEM;
	rc = objects_view_sources(l->view, source_add, &g);
	return rc < 0 ? rc : g.rc;
}

void
live_followed(struct live *l)
{
	live_sources_done(&l->sources_before);
	l->sources_before = l->sources;
	l->sources = (struct live_sources){ .newest = INT64_MIN };
}

void
live_sources_of(const struct live *l, const struct rpki_ca *ca,
    const struct live_source *ret[static 2], size_t *ret_n)
{
	const struct sv keys[] = { ca->notify_uri, live_module(ca->repo_uri) };

	*ret_n = 0;
	for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
		const struct live_source *s =
		    keys[i].n > 0 ? map_find(&l->sources.map, keys[i]) : NULL;

		if (s != NULL)
			ret[(*ret_n)++] = s;
	}
}
