/*
 * Keys made ready for arithmetic, kept between messages: most mail is signed with few keys, and
 * to make a key of RSA-2048 ready costs half as much as to verify with it.
 *
 * A table of sets of four, by the SHA-256 of a key's octets. In a set the one that was not used
 * for longest makes room, but none that is in use: a batch has its keys until it ends. Whoever
 * makes keys that meet in one set makes them slow, no more.
 */
#include <errno.h>
#include <stdlib.h>

#include "mail/dkim_internal.h"

#define WAYS		4

struct slot {
	uint8_t			 id[SHA256_LEN];
	struct crypto_pub	*pub;
	uint64_t		 used;		/* in which turn */
};

struct dkim_pubs {
	uint64_t	 turn;
	size_t		 n_sets;
	struct slot	 slots[];
};

struct dkim_pubs *
dkim_pubs_new(size_t max)
{
	size_t n_sets = max_size(max / WAYS, 1);
	struct dkim_pubs *p = NULL;

	if (n_sets <= SIZE_MAX / 2 / WAYS / sizeof(struct slot))
		p = calloc(1, sizeof(*p) + n_sets * WAYS * sizeof(struct slot));
	if (p != NULL)
		p->n_sets = n_sets;
	return p;
}

struct dkim_pubs *
dkim_pubs_free(struct dkim_pubs *p)
{
	for (size_t i = 0; p != NULL && i < p->n_sets * WAYS; i++)
		(void)crypto_pub_free(p->slots[i].pub);
	free(p);
	return NULL;
}

void
dkim_pubs_turn(struct dkim_pubs *p)
{
	p->turn++;
}

static struct slot *
set_of(struct dkim_pubs *p, const uint8_t id[static SHA256_LEN])
{
	uint64_t h;

	memcpy(&h, id, sizeof(h));
	return &p->slots[h % p->n_sets * WAYS];
}

const struct crypto_pub *
dkim_pubs_find(struct dkim_pubs *p, const uint8_t id[static SHA256_LEN])
{
	struct slot *s = set_of(p, id);

	for (size_t i = 0; i < WAYS; i++)
		if (s[i].pub != NULL && memcmp(s[i].id, id, SHA256_LEN) == 0) {
			s[i].used = p->turn;
			return s[i].pub;
		}
	return NULL;
}

bool
dkim_pubs_add(struct dkim_pubs *p, const uint8_t id[static SHA256_LEN], struct crypto_pub *pub)
{
	struct slot *s = set_of(p, id), *oldest = s;

	for (size_t i = 1; i < WAYS; i++)
		if (s[i].used < oldest->used)
			oldest = &s[i];
	if (oldest->used == p->turn)
		return false;
	(void)crypto_pub_free(oldest->pub);
	memcpy(oldest->id, id, SHA256_LEN);
	oldest->pub = pub;
	oldest->used = p->turn;
	return true;
}
