/* How long a change takes from the source that has it first to the others. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "app/watch_compare.h"
#include "base/hash.h"

#define KEY_LEN	24		/* address, lengths, family, AS number, direction */

struct change {
	uint8_t		 key[KEY_LEN];
	int64_t		 seen[WATCH_SOURCES_MAX];	/* usec; 0: not yet */
};

struct watch_lag {
	unsigned	 n_sources;
	size_t		 n, n_lost;
	struct map	 map;
	struct change	 changes[WATCH_CHANGES_MAX];
};

struct watch_lag *
watch_lag_new(unsigned n_sources)
{
	struct watch_lag *l = calloc(1, sizeof(*l));

	if (l != NULL)
		l->n_sources = n_sources;
	return l;
}

struct watch_lag *
watch_lag_free(struct watch_lag *l)
{
	if (l == NULL)
		return NULL;
	map_done(&l->map);
	free(l);
	return NULL;
}

size_t
watch_lag_lost(const struct watch_lag *l)
{
	return l->n_lost;
}

static void
key_make(const struct vrp *v, bool came, uint8_t key[static KEY_LEN])
{
	struct wr w = wr_mem(key, KEY_LEN);

	wr_bytes(&w, v->addr, sizeof(v->addr));
	wr_u8(&w, v->len);
	wr_u8(&w, v->max_len);
	wr_u8(&w, v->af);
	wr_be32(&w, v->asn);
	wr_u8(&w, came);
}

static int
change_note(struct watch_lag *l, unsigned i, const struct vrp *v, bool came, int64_t now)
{
	uint8_t key[KEY_LEN];
	struct change *c;
	int rc;

	key_make(v, came, key);
	c = map_find(&l->map, (struct sv){ (const char *)key, KEY_LEN });
	if (c == NULL) {
		if (l->n == WATCH_CHANGES_MAX) {
			l->n_lost++;
			return 0;
		}
		c = &l->changes[l->n];
		memcpy(c->key, key, KEY_LEN);
		rc = map_add(&l->map, (struct sv){ (const char *)c->key, KEY_LEN }, c);
		if (rc < 0)
			return rc;
		l->n++;
	}
	if (c->seen[i] == 0)
		c->seen[i] = now;
	return 0;
}

int
watch_lag_note(struct watch_lag *l, unsigned i, const struct vrp *before, size_t n_before,
    const struct vrp *after, size_t n_after, int64_t now)
{
	size_t b = 0, a = 0;
	int rc = 0;

	while (rc == 0 && (b < n_before || a < n_after)) {
		int c = b == n_before ? 1 : a == n_after ? -1 : vrp_cmp(&before[b], &after[a]);

		if (c < 0)
			rc = change_note(l, i, &before[b], false, now);
		else if (c > 0)
			rc = change_note(l, i, &after[a], true, now);
		b += c <= 0;
		a += c >= 0;
	}
	return rc;
}

static int
usec_cmp(const void *a, const void *b)
{
	const int64_t *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

static int64_t
first_seen(const struct watch_lag *l, const struct change *c)
{
	int64_t first = 0;

	for (unsigned i = 0; i < l->n_sources; i++)
		if (c->seen[i] > 0 && (first == 0 || c->seen[i] < first))
			first = c->seen[i];
	return first;
}

int
watch_lag_stat(const struct watch_lag *l, unsigned i, int64_t now, struct watch_lag_stat *ret)
{
	struct watch_lag_stat s = { 0 };
	int64_t *lags = calloc(l->n + 1, sizeof(*lags));

	if (lags == NULL)
		return -ENOMEM;
	for (size_t k = 0; k < l->n; k++) {
		const struct change *c = &l->changes[k];
		int64_t first = first_seen(l, c);

		if (c->seen[i] == 0) {
			s.n_awaited++;
			s.awaited_usec = now - first > s.awaited_usec ? now - first : s.awaited_usec;
		} else if (c->seen[i] == first)
			s.n_first++;
		else
			lags[s.n_later++] = c->seen[i] - first;
	}
	if (s.n_later > 0) {
		qsort(lags, s.n_later, sizeof(*lags), usec_cmp);
		s.p50_usec = lags[(s.n_later - 1) / 2];
		s.max_usec = lags[s.n_later - 1];
	}
	free(lags);
	*ret = s;
	return 0;
}
