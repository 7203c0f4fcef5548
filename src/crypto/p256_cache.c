/* The P-256 tables of this process (p256_cache.h). */
#include <pthread.h>
#include <string.h>

#include "crypto/p256_cache.h"
#include "crypto/verify.h"

#define KEYS_MAX	64		/* that are counted, with a table or without */
#define WORKS_MAX	8		/* of each way: as many as threads verify at a time */

struct entry {
	uint8_t			 xy[2 * P256_LEN];
	bool			 lanes;
	struct p256_table	*table;
	size_t			 n_seen;	/* signatures; 0: a free entry */
	unsigned		 refs;
	uint64_t		 asked;		/* when last, by the cache's own clock */
};

static struct {
	pthread_mutex_t		 lock;
	uint64_t		 clock;
	size_t			 n_tables;
	struct entry		 keys[KEYS_MAX];
	struct p256_table	*generator[2];	/* 64-bit, lanes */
	struct p256_work	*works[2][WORKS_MAX];
} cache = { .lock = PTHREAD_MUTEX_INITIALIZER };

/* --- with the lock held --- */

static struct entry *
key_find(const uint8_t *xy, bool lanes)
{
	for (size_t i = 0; i < KEYS_MAX; i++) {
		struct entry *e = &cache.keys[i];

		if (e->n_seen > 0 && e->lanes == lanes && memcmp(e->xy, xy, sizeof(e->xy)) == 0)
			return e;
	}
	return NULL;
}

/* What was not asked for longest, of those that nobody computes with. */
static struct entry *
oldest(bool with_table)
{
	struct entry *found = NULL;

	for (size_t i = 0; i < KEYS_MAX; i++) {
		struct entry *e = &cache.keys[i];

		if (e->refs == 0 && (e->table != NULL) == with_table &&
		    (found == NULL || e->asked < found->asked))
			found = e;
	}
	return found;
}

static void
entry_clear(struct entry *e)
{
	if (e->table != NULL)
		cache.n_tables--;
	(void)p256_table_free(e->table);
	*e = (struct entry){ 0 };
}

/* There are more entries than tables, so one without is always found or made. */
static struct entry *
key_add(const uint8_t *xy, bool lanes)
{
	struct entry *e = oldest(false);

	if (e == NULL)
		return NULL;
	entry_clear(e);
	memcpy(e->xy, xy, sizeof(e->xy));
	e->lanes = lanes;
	return e;
}

static void
table_make(struct entry *e)
{
	struct entry *old = cache.n_tables < P256_TABLES_MAX ? NULL : oldest(true);

	if (cache.n_tables == P256_TABLES_MAX && old == NULL)
		return;
	if (old != NULL)
		entry_clear(old);
	if (p256_table_new(e->xy, e->lanes, &e->table) == 0)
		cache.n_tables++;
}

/* --- --- */

const struct p256_table *
p256_cache_take(const uint8_t xy[static 2 * P256_LEN], size_t n, bool lanes)
{
	const struct p256_table *table = NULL;
	struct entry *e;

	(void)pthread_mutex_lock(&cache.lock);
	e = key_find(xy, lanes);
	if (e == NULL)
		e = key_add(xy, lanes);
	if (e != NULL) {
		e->asked = ++cache.clock;
		e->n_seen += n;
		/* Others wait for it meanwhile: a millisecond, of which they save more. */
		if (e->table == NULL && e->n_seen >= P256_BREAK_EVEN)
			table_make(e);
		if ((table = e->table) != NULL)
			e->refs++;
	}
	(void)pthread_mutex_unlock(&cache.lock);
	return table;
}

void
p256_cache_give(const struct p256_table *table)
{
	(void)pthread_mutex_lock(&cache.lock);
	for (size_t i = 0; i < KEYS_MAX; i++)
		if (cache.keys[i].table == table)
			cache.keys[i].refs--;
	(void)pthread_mutex_unlock(&cache.lock);
}

const struct p256_table *
p256_cache_generator(bool lanes)
{
	struct p256_table *g;

	(void)pthread_mutex_lock(&cache.lock);
	if (cache.generator[lanes] == NULL && p256_table_new(NULL, lanes, &g) == 0)
		cache.generator[lanes] = g;
	g = cache.generator[lanes];
	(void)pthread_mutex_unlock(&cache.lock);
	return g;
}

struct p256_work *
p256_cache_work_take(bool lanes)
{
	struct p256_work *w = NULL;

	(void)pthread_mutex_lock(&cache.lock);
	for (size_t i = 0; i < WORKS_MAX && w == NULL; i++) {
		w = cache.works[lanes][i];
		cache.works[lanes][i] = NULL;
	}
	(void)pthread_mutex_unlock(&cache.lock);
	return w != NULL ? w : p256_work_new(lanes);
}

void
p256_cache_work_give(struct p256_work *w, bool lanes)
{
	(void)pthread_mutex_lock(&cache.lock);
	for (size_t i = 0; i < WORKS_MAX && w != NULL; i++)
		if (cache.works[lanes][i] == NULL) {
			cache.works[lanes][i] = w;
			w = NULL;
		}
	(void)pthread_mutex_unlock(&cache.lock);
	(void)p256_work_free(w);
}

void
crypto_path_tables(size_t *ret_n, size_t *ret_max)
{
	(void)pthread_mutex_lock(&cache.lock);
	*ret_n = cache.n_tables;
	(void)pthread_mutex_unlock(&cache.lock);
	*ret_max = P256_TABLES_MAX;
}
