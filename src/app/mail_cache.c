/* Answers shared by threads: see app/mail_cache.h. */
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "app/mail_cache.h"
#include "base/hash.h"

#define WAYS	8

/* One piece of memory: this, the list of data, the data. */
struct entry {
	uint64_t		 hash;
	int64_t			 expires, used;
	size_t			 len;		/* of all of it */
	struct mail_question	 q;		/* the name in lower case */
	struct mail_answer	 answer;
	const char		*why;
	struct sv		 rdata[];
};

struct mail_cache {
	pthread_mutex_t		 lock;
	struct entry		**places;	/* n_sets times WAYS */
	size_t			 n_sets, max_bytes, hand;
	struct mail_cache_counts n;
};

int
mail_cache_new(size_t entries, size_t bytes, struct mail_cache **ret)
{
	struct mail_cache *c = calloc(1, sizeof(*c));

	if (c == NULL)
		return -ENOMEM;
	c->n_sets = entries / WAYS + 1;
	c->max_bytes = bytes;
	if ((c->places = calloc(c->n_sets * WAYS, sizeof(struct entry *))) == NULL ||
	    pthread_mutex_init(&c->lock, NULL) != 0) {
		free(c->places);
		free(c);
		return -ENOMEM;
	}
	*ret = c;
	return 0;
}

struct mail_cache *
mail_cache_free(struct mail_cache *c)
{
	if (c == NULL)
		return NULL;
	for (size_t i = 0; i < c->n_sets * WAYS; i++)
		free(c->places[i]);
	(void)pthread_mutex_destroy(&c->lock);
	free(c->places);
	free(c);
	return NULL;
}

static uint64_t
key_write(const struct mail_question *q, struct mail_question *ret)
{
	uint8_t key[DNS_NAME_MAX + 2];

	*ret = *q;
	dns_lower(ret->name.w, ret->name.len);
	memcpy(key, ret->name.w, ret->name.len);
	put_be16(key + ret->name.len, q->type);
	return hash_bytes(key, (size_t)ret->name.len + 2);
}

static struct entry **
set_of(struct mail_cache *c, uint64_t hash)
{
	return c->places + hash % c->n_sets * WAYS;
}

static void
place_empty(struct mail_cache *c, struct entry **p)
{
	if (*p == NULL)
		return;
	c->n.bytes -= (*p)->len;
	c->n.n--;
	free(*p);
	*p = NULL;
}

/* --- finding --- */

static int
answer_copy(struct pool *pool, const struct mail_answer *a, struct mail_answer *ret)
{
	struct sv *rdata = pool_calloc(pool, a->n + 1, sizeof(*rdata));

	if (rdata == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < a->n; i++)
		if ((rdata[i] = pool_sv(pool, a->rdata[i])).p == NULL)
			return -ENOMEM;
	*ret = *a;
	ret->rdata = rdata;
	return 1;
}

static struct entry **
place_find(struct mail_cache *c, uint64_t hash, const struct mail_question *key)
{
	struct entry **p = set_of(c, hash);

	for (size_t i = 0; i < WAYS; i++)
		if (p[i] != NULL && p[i]->hash == hash && p[i]->q.type == key->type &&
		    dname_eq(&p[i]->q.name, &key->name))
			return &p[i];
	return NULL;
}

int
mail_cache_find(struct mail_cache *c, const struct mail_question *q, int64_t now,
    struct pool *pool, struct mail_answer *ret, const char **ret_why)
{
	struct mail_question key;
	uint64_t hash = key_write(q, &key);
	struct entry **p;
	int rc = 0;

	(void)pthread_mutex_lock(&c->lock);
	p = place_find(c, hash, &key);
	if (p != NULL && (*p)->expires > now) {
		(*p)->used = now;
		*ret_why = (*p)->why;
		rc = answer_copy(pool, &(*p)->answer, ret);
		if (rc == 1)	/* what is left of it */
			ret->ttl_sec = (uint32_t)min_i64((*p)->expires - now, ret->ttl_sec);
	}
	c->n.found += rc == 1;
	c->n.missed += rc == 0;
	(void)pthread_mutex_unlock(&c->lock);
	return rc;
}

/* --- keeping --- */

static int64_t
seconds_of(const struct mail_answer *a)
{
	if (a->rcode == MAIL_DNS_FAILED)
		return MAIL_CACHE_TTL_FAILED;
	if (a->rcode != MAIL_DNS_FOUND)
		return MAIL_CACHE_TTL_NONE;
	return max_i64(min_i64(a->ttl_sec, MAIL_CACHE_TTL_MAX), MAIL_CACHE_TTL_MIN);
}

static struct entry *
entry_new(uint64_t hash, const struct mail_question *key, int64_t now, const struct mail_answer *a,
    const char *why)
{
	size_t head = sizeof(struct entry) + a->n * sizeof(struct sv), len = head;
	struct entry *e;
	char *to;

	for (size_t i = 0; i < a->n; i++)
		len += a->rdata[i].n;
	if (len > MAIL_CACHE_ANSWER_MAX || (e = malloc(len)) == NULL)
		return NULL;
	*e = (struct entry){ .hash = hash, .expires = now + seconds_of(a), .used = now, .len = len,
	    .q = *key, .answer = *a, .why = why };
	to = (char *)e + head;
	for (size_t i = 0; i < a->n; i++) {
		memcpy(to, a->rdata[i].p, a->rdata[i].n);
		e->rdata[i] = (struct sv){ to, a->rdata[i].n };
		to += a->rdata[i].n;
	}
	e->answer.rdata = e->rdata;
	return e;
}

/* Its own, an empty or an expired one; else the one that was not asked for longest. */
static struct entry **
place_choose(struct mail_cache *c, const struct entry *e, int64_t now)
{
	struct entry **set = set_of(c, e->hash), **p = place_find(c, e->hash, &e->q), **best = set;

	if (p != NULL)
		return p;
	for (size_t i = 0; i < WAYS; i++) {
		if (set[i] == NULL || set[i]->expires <= now)
			return &set[i];
		if (set[i]->used < (*best)->used)
			best = &set[i];
	}
	c->n.dropped++;
	return best;
}

/* The hand goes on until there is room for len; once round at most. */
static void
room_make(struct mail_cache *c, size_t len)
{
	for (size_t i = 0; i < c->n_sets && c->n.bytes + len > c->max_bytes; i++) {
		struct entry **set = c->places + c->hand * WAYS;

		for (size_t k = 0; k < WAYS; k++) {
			c->n.dropped += set[k] != NULL;
			place_empty(c, &set[k]);
		}
		c->hand = (c->hand + 1) % c->n_sets;
	}
}

void
mail_cache_add(struct mail_cache *c, const struct mail_question *q, int64_t now,
    const struct mail_answer *a, const char *why)
{
	struct mail_question key;
	uint64_t hash = key_write(q, &key);
	struct entry *e = entry_new(hash, &key, now, a, why), **p;

	if (e == NULL)
		return;
	(void)pthread_mutex_lock(&c->lock);
	room_make(c, e->len);
	p = place_choose(c, e, now);
	place_empty(c, p);
	*p = e;
	c->n.n++;
	c->n.bytes += e->len;
	(void)pthread_mutex_unlock(&c->lock);
}

struct mail_cache_counts
mail_cache_count(struct mail_cache *c)
{
	struct mail_cache_counts n;

	(void)pthread_mutex_lock(&c->lock);
	n = c->n;
	(void)pthread_mutex_unlock(&c->lock);
	return n;
}
