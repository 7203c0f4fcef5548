/* The arithmetic of a message's signatures, all in one batch. */
#include <errno.h>
#include <stdlib.h>

#include "mail/dkim.h"

#define DNS_RSASHA256	8
#define DNS_ED25519	15

/* An item is one key tried for one job. */
struct batch {
	size_t			 n;
	struct crypto_verify	*items;
	struct crypto_pub	**pubs;
	struct dkim_job		**jobs;
};

static void
batch_done(struct batch *b)
{
	for (size_t i = 0; i < b->n; i++)
		(void)crypto_pub_free(b->pubs[i]);
	free(b->items);
	free(b->pubs);
	free(b->jobs);
}

static int
batch_init(struct batch *b, size_t room)
{
	b->items = calloc(room, sizeof(*b->items));
	b->pubs = calloc(room, sizeof(struct crypto_pub *));
	b->jobs = calloc(room, sizeof(struct dkim_job *));
	return b->items == NULL || b->pubs == NULL || b->jobs == NULL ? -ENOMEM : 0;
}

/* RFC 8463 section 3: Ed25519 signs the octets of the SHA-256 as its message. */
static int
key_add(struct batch *b, struct dkim_job *job, const struct dkim_key *k)
{
	uint8_t alg = k->type == DKIM_KEY_ED25519 ? DNS_ED25519 : DNS_RSASHA256;
	int rc = crypto_pub_new(alg, k->public_key, &b->pubs[b->n]);

	if (rc == -EINVAL)
		return 0;		/* nothing verifies with it */
	if (rc < 0)
		return rc;
	b->jobs[b->n] = job;
	b->items[b->n] = (struct crypto_verify){
		.key = b->pubs[b->n],
		.tbs = { (const char *)job->digest, SHA256_LEN },
		.sig = job->b,
	};
	b->n++;
	return 0;
}

static size_t
keys_of(const struct dkim_job *job)
{
	return job->keys->why == DKIM_FINE ? job->keys->n : 0;
}

int
dkim_jobs_verify(struct dkim_job *jobs, size_t n)
{
	_cleanup_(batch_done) struct batch b = { 0 };
	size_t room = 1;
	int rc;

	for (size_t i = 0; i < n; i++)
		room += keys_of(&jobs[i]);
	if ((rc = batch_init(&b, room)) < 0)
		return rc;
	for (size_t i = 0; i < n; i++) {
		jobs[i].ok = false;
		for (size_t k = 0; k < keys_of(&jobs[i]); k++)
			if ((rc = key_add(&b, &jobs[i], &jobs[i].keys->key[k])) < 0)
				return rc;
	}
	if ((rc = crypto_verify_batch(b.items, b.n)) < 0)
		return rc;
	for (size_t i = 0; i < b.n; i++)
		b.jobs[i]->ok |= b.items[i].ok;
	return 0;
}
