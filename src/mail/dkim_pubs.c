/*
 * Keys made ready for arithmetic, kept between messages and shared by threads: most mail is signed
 * with few keys, and to make a key of RSA-2048 ready costs half as much as to verify with it.
 *
 * A table of sets of four, by the SHA-256 of a key's octets: those are what the DNS answered for
 * this message, so a record that was changed or withdrawn is never judged by what is kept here. In
 * a set the key that was not used for longest makes room, but none that somebody borrowed: a batch
 * has its keys until it gives them back. Whoever makes keys that meet in one set makes them slow,
 * no more.
 *
 * One lock, held for a look at four places: 0.1 us beside the 20 of a signature. What it guards is
 * the table; a key itself is immutable.
 */
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>

#include "mail/dkim_internal.h"

#define WAYS		4

struct dkim_pub {
	uint8_t			 id[SHA256_LEN];
	struct crypto_pub	*pub;
	uint64_t		 used;		/* when it was borrowed last, in borrowings */
	unsigned		 n_refs;	/* by whom it is borrowed now */
};

struct dkim_pubs {
	pthread_mutex_t		 lock;
	uint64_t		 turn;
	struct dkim_pubs_counts	 n;
	size_t			 n_sets;
	struct dkim_pub		 slots[];
};

struct dkim_pubs *
dkim_pubs_new(size_t max)
{
	size_t n_sets = max_size(max / WAYS, 1);
	struct dkim_pubs *p = NULL;

	if (n_sets <= SIZE_MAX / 2 / WAYS / sizeof(struct dkim_pub))
		p = calloc(1, sizeof(*p) + n_sets * WAYS * sizeof(struct dkim_pub));
	if (p == NULL)
		return NULL;
	p->n_sets = n_sets;
	if (pthread_mutex_init(&p->lock, NULL) != 0) {
		free(p);
		return NULL;
	}
	return p;
}

struct dkim_pubs *
dkim_pubs_free(struct dkim_pubs *p)
{
	if (p == NULL)
		return NULL;
	for (size_t i = 0; i < p->n_sets * WAYS; i++)
		(void)crypto_pub_free(p->slots[i].pub);
	(void)pthread_mutex_destroy(&p->lock);
	free(p);
	return NULL;
}

struct dkim_pubs_counts
dkim_pubs_count(struct dkim_pubs *p)
{
	struct dkim_pubs_counts n;

	(void)pthread_mutex_lock(&p->lock);
	n = p->n;
	(void)pthread_mutex_unlock(&p->lock);
	return n;
}

/* --- below the lock --- */

static struct dkim_pub *
set_of(struct dkim_pubs *p, const uint8_t id[static SHA256_LEN])
{
	uint64_t h;

	memcpy(&h, id, sizeof(h));
	return &p->slots[h % p->n_sets * WAYS];
}

static struct dkim_pub *
slot_find(struct dkim_pubs *p, const uint8_t id[static SHA256_LEN])
{
	struct dkim_pub *s = set_of(p, id);

	for (size_t i = 0; i < WAYS; i++)
		if (s[i].pub != NULL && memcmp(s[i].id, id, SHA256_LEN) == 0)
			return &s[i];
	return NULL;
}

/* NULL: all of the set are borrowed. */
static struct dkim_pub *
slot_room(struct dkim_pubs *p, const uint8_t id[static SHA256_LEN])
{
	struct dkim_pub *s = set_of(p, id), *oldest = NULL;

	for (size_t i = 0; i < WAYS; i++)
		if (s[i].n_refs == 0 && (oldest == NULL || s[i].used < oldest->used))
			oldest = &s[i];
	return oldest;
}

static void
slot_borrow(struct dkim_pubs *p, struct dkim_pub *s)
{
	s->used = ++p->turn;
	s->n_refs++;
}

/* --- for a batch --- */

const struct crypto_pub *
dkim_pub_key(const struct dkim_pub *s)
{
	return s->pub;
}

struct dkim_pub *
dkim_pubs_find(struct dkim_pubs *p, const uint8_t id[static SHA256_LEN])
{
	struct dkim_pub *s;

	(void)pthread_mutex_lock(&p->lock);
	if ((s = slot_find(p, id)) != NULL) {
		slot_borrow(p, s);
		p->n.found++;
	} else
		p->n.missed++;
	(void)pthread_mutex_unlock(&p->lock);
	return s;
}

struct dkim_pub *
dkim_pubs_add(struct dkim_pubs *p, const uint8_t id[static SHA256_LEN], struct crypto_pub *pub)
{
	struct crypto_pub *old = NULL;
	struct dkim_pub *s = NULL;

	(void)pthread_mutex_lock(&p->lock);
	/* Another thread may have been faster; then both keys are good, and one is kept. */
	if (slot_find(p, id) == NULL && (s = slot_room(p, id)) != NULL) {
		old = s->pub;
		p->n.n += old == NULL;
		memcpy(s->id, id, SHA256_LEN);
		s->pub = pub;
		slot_borrow(p, s);
	}
	(void)pthread_mutex_unlock(&p->lock);
	(void)crypto_pub_free(old);
	return s;
}

void
dkim_pubs_unref(struct dkim_pubs *p, struct dkim_pub *s)
{
	if (s == NULL)
		return;
	(void)pthread_mutex_lock(&p->lock);
	s->n_refs--;
	(void)pthread_mutex_unlock(&p->lock);
}
