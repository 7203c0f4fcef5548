/* Marks shared by threads: see app/mail_marks.h. */
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "app/mail_marks.h"
#include "base/hash.h"

#define WAYS		4
#define SETS		(MAIL_MARKS_MAX / WAYS)
#define ASKED_MAX	1024	/* a place each; two that share one are asked for more often */

/* One piece of memory; slices point into octets. */
struct entry {
	uint64_t		 hash;		/* of the key's octets */
	atomic_int_least64_t	 used;
	struct sv		 key;
	struct mail_mark	 mark;
	size_t			 n;
	char			 octets[];
};

struct asked {
	uint64_t	hash;
	int64_t		at;
};

struct mail_marks {
	pthread_rwlock_t	 lock;		/* of places */
	struct entry		*places[SETS][WAYS];
	pthread_mutex_t		 wanted_lock;	/* of the rest */
	struct asked		 asked[ASKED_MAX];
	struct buf		 wanted[MAIL_MARKS_WANTED_MAX];
	size_t			 n_wanted;
	atomic_uint_fast64_t	 n_found, n_missed, n_asked;
};

struct mail_marks *
mail_marks_new(void)
{
	struct mail_marks *m = calloc(1, sizeof(*m));

	if (m == NULL)
		return NULL;
	if (pthread_rwlock_init(&m->lock, NULL) != 0 || pthread_mutex_init(&m->wanted_lock, NULL) != 0) {
		free(m);
		return NULL;
	}
	return m;
}

struct mail_marks *
mail_marks_free(struct mail_marks *m)
{
	if (m == NULL)
		return NULL;
	for (size_t i = 0; i < SETS; i++)
		for (size_t k = 0; k < WAYS; k++)
			free(m->places[i][k]);
	for (size_t i = 0; i < m->n_wanted; i++)
		buf_done(&m->wanted[i]);
	(void)pthread_rwlock_destroy(&m->lock);
	(void)pthread_mutex_destroy(&m->wanted_lock);
	free(m);
	return NULL;
}

/* --- what is wanted --- */

static bool
was_asked(struct mail_marks *m, uint64_t hash, int64_t now)
{
	struct asked *a = &m->asked[hash % ASKED_MAX];

	if (a->hash == hash && a->at != 0 && now - a->at < MAIL_MARKS_ASK_SEC && now >= a->at)
		return true;
	*a = (struct asked){ hash, now };
	return false;
}

static void
want(struct mail_marks *m, struct sv key, uint64_t hash, int64_t now)
{
	(void)pthread_mutex_lock(&m->wanted_lock);
	if (m->n_wanted < MAIL_MARKS_WANTED_MAX && !was_asked(m, hash, now)) {
		struct buf b = BUF_INIT;

		buf_sv(&b, key);
		if (b.rc == 0)
			m->wanted[m->n_wanted++] = b;
		else
			buf_done(&b);
	}
	(void)pthread_mutex_unlock(&m->wanted_lock);
}

int
mail_marks_next(struct mail_marks *m, struct pool *pool, struct sv *ret)
{
	struct buf b = BUF_INIT;
	bool is_there;
	struct sv key;

	(void)pthread_mutex_lock(&m->wanted_lock);
	if ((is_there = m->n_wanted > 0))
		b = m->wanted[--m->n_wanted];
	(void)pthread_mutex_unlock(&m->wanted_lock);
	if (!is_there)
		return 0;
	key = pool_sv(pool, buf_get(&b));
	buf_done(&b);
	if (key.p == NULL)
		return -ENOMEM;
	atomic_fetch_add(&m->n_asked, 1);
	*ret = key;
	return 1;
}

/* --- what is known --- */

static struct entry **
place_find(struct mail_marks *m, struct sv key, uint64_t hash)
{
	struct entry **set = m->places[hash % SETS];

	for (size_t i = 0; i < WAYS; i++)
		if (set[i] != NULL && set[i]->hash == hash && sv_eq(set[i]->key, key))
			return &set[i];
	return NULL;
}

/* With the lock. 1, 0; -ENOMEM. *ret_ends: it has to be fetched again soon. */
static int
mark_copy(struct mail_marks *m, struct sv key, uint64_t hash, int64_t now, struct pool *pool,
    struct mail_mark *ret, bool *ret_ends)
{
	struct entry **p = place_find(m, key, hash);
	struct mail_mark mark;

	if (p == NULL || (*p)->mark.until <= now)
		return 0;
	atomic_store(&(*p)->used, now);
	mark = (*p)->mark;
	mark.why = pool_sv(pool, mark.why);
	mark.svg = pool_sv(pool, mark.svg);
	if (mark.why.p == NULL || mark.svg.p == NULL)
		return -ENOMEM;
	*ret_ends = mark.result == BIMI_PASS && mark.until - now <= MAIL_MARKS_AHEAD_SEC;
	*ret = mark;
	return 1;
}

int
mail_marks_find(struct mail_marks *m, const struct mail_mark_key *k, int64_t now, struct pool *pool,
    struct mail_mark *ret)
{
	_cleanup_(buf_done) struct buf b = BUF_INIT;
	int rc = mail_mark_key_write(&b, k);
	bool ends = false;
	uint64_t hash;

	if (rc < 0)
		return rc;
	hash = hash_bytes(b.p, b.len);
	(void)pthread_rwlock_rdlock(&m->lock);
	rc = mark_copy(m, buf_get(&b), hash, now, pool, ret, &ends);
	(void)pthread_rwlock_unlock(&m->lock);
	atomic_fetch_add(rc == 1 ? &m->n_found : &m->n_missed, 1);
	if (rc == 0 || ends)
		want(m, buf_get(&b), hash, now);
	return rc;
}

/* NULL: no memory. */
static struct entry *
entry_new(struct sv octets, int64_t now)
{
	struct entry *e = malloc(sizeof(*e) + octets.n);

	if (e == NULL)
		return NULL;
	e->n = octets.n;
	memcpy(e->octets, octets.p, octets.n);
	atomic_init(&e->used, now);
	return e;
}

/* Its own, an empty one, one that has ended; else the one that was not looked for longest. */
static struct entry **
place_choose(struct mail_marks *m, const struct entry *e, int64_t now)
{
	struct entry **p = place_find(m, e->key, e->hash), **set = m->places[e->hash % SETS], **best = set;

	if (p != NULL)
		return p;
	for (size_t i = 0; i < WAYS; i++) {
		if (set[i] == NULL || set[i]->mark.until <= now)
			return &set[i];
		if (atomic_load(&set[i]->used) < atomic_load(&(*best)->used))
			best = &set[i];
	}
	return best;
}

int
mail_marks_add(struct mail_marks *m, struct sv octets, int64_t now)
{
	_cleanup_(buf_done) struct buf b = BUF_INIT;
	struct mail_mark_key k;
	struct entry *e, **p;
	int rc;

	if ((e = entry_new(octets, now)) == NULL)
		return -ENOMEM;
	if ((rc = mail_mark_read((struct sv){ e->octets, e->n }, &k, &e->mark)) < 0 ||
	    (rc = mail_mark_key_write(&b, &k)) < 0) {
		free(e);
		return rc;
	}
	/* The key stands in the octets as it was written: from its first length on. */
	e->key = (struct sv){ k.org.p - 2, b.len };
	e->hash = hash_bytes(e->key.p, e->key.n);
	(void)pthread_rwlock_wrlock(&m->lock);
	p = place_choose(m, e, now);
	free(*p);
	*p = e;
	(void)pthread_rwlock_unlock(&m->lock);
	return 0;
}

struct mail_marks_counts
mail_marks_count(struct mail_marks *m)
{
	struct mail_marks_counts c = { .found = atomic_load(&m->n_found), .missed = atomic_load(&m->n_missed),
		.asked = atomic_load(&m->n_asked) };

	(void)pthread_rwlock_rdlock(&m->lock);
	for (size_t i = 0; i < SETS; i++)
		for (size_t k = 0; k < WAYS; k++)
			c.n += m->places[i][k] != NULL;
	(void)pthread_rwlock_unlock(&m->lock);
	return c;
}
