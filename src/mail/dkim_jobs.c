/* The arithmetic of a message's signatures, all in one batch. */
#include <errno.h>
#include <stdlib.h>

#include "mail/dkim_internal.h"

#define DNS_RSASHA256	8
#define DNS_ED25519	15

/* An item is one key tried for one job. */
struct tried {
	struct dkim_job		*job;
	struct crypto_pub	*own;		/* or borrowed: */
	struct dkim_pub		*lent;
	uint8_t			 key[SHA256_LEN];
};

struct batch {
	size_t			 n;
	struct crypto_verify	*items;
	struct tried		*tried;
	struct dkim_pubs	*pubs;
};

static void
batch_done(struct batch *b)
{
	for (size_t i = 0; i < b->n; i++) {
		(void)crypto_pub_free(b->tried[i].own);
		dkim_pubs_unref(b->pubs, b->tried[i].lent);
	}
	free(b->items);
	free(b->tried);
}

static int
batch_init(struct batch *b, size_t room)
{
	b->items = calloc(room, sizeof(*b->items));
	b->tried = calloc(room, sizeof(*b->tried));
	return b->items == NULL || b->tried == NULL ? -ENOMEM : 0;
}

/* --- what is known --- */

static bool
memo_knows(struct dkim_job *job, const uint8_t key[static SHA256_LEN])
{
	const struct dkim_memo *m = job->memo;

	for (size_t i = 0; i < m->n_tried; i++)
		if (memcmp(m->tried[i].key, key, SHA256_LEN) == 0) {
			job->ok |= m->tried[i].ok;
			return true;
		}
	return false;
}

static void
memo_add(struct dkim_memo *m, const uint8_t key[static SHA256_LEN], bool ok)
{
	if (m->n_tried == DKIM_KEYS_MAX)
		return;
	memcpy(m->tried[m->n_tried].key, key, SHA256_LEN);
	m->tried[m->n_tried++].ok = ok;
}

/* --- what is not --- */

static int
pub_get(struct batch *b, const struct dkim_key *k, struct tried *t, const struct crypto_pub **ret)
{
	uint8_t alg = k->type == DKIM_KEY_ED25519 ? DNS_ED25519 : DNS_RSASHA256;
	int rc;

	if (b->pubs != NULL && (t->lent = dkim_pubs_find(b->pubs, t->key)) != NULL) {
		*ret = dkim_pub_key(t->lent);
		return 0;
	}
	if ((rc = crypto_pub_new(alg, k->public_key, &t->own)) < 0)
		return rc;
	*ret = t->own;
	if (b->pubs != NULL && (t->lent = dkim_pubs_add(b->pubs, t->key, t->own)) != NULL)
		t->own = NULL;
	return 0;
}

/* RFC 8463 section 3: Ed25519 signs the octets of the SHA-256 as its message. */
static int
key_add(struct batch *b, struct dkim_job *job, const struct dkim_key *k)
{
	struct tried *t = &b->tried[b->n];
	const struct crypto_pub *pub;
	int rc;

	crypto_sha256(k->public_key.p, k->public_key.n, t->key);
	if (memo_knows(job, t->key))
		return 0;
	if ((rc = pub_get(b, k, t, &pub)) < 0)
		return rc == -EINVAL ? 0 : rc;		/* nothing verifies with it */
	t->job = job;
	b->items[b->n] = (struct crypto_verify){
		.key = pub,
		.tbs = { (const char *)job->memo->digest, SHA256_LEN },
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

static int
job_add(struct batch *b, struct dkim_job *job)
{
	int rc = 0;

	job->ok = false;
	for (size_t k = 0; k < keys_of(job) && rc == 0; k++)
		rc = key_add(b, job, &job->keys->key[k]);
	return rc;
}

static void
answers_take(const struct batch *b)
{
	for (size_t i = 0; i < b->n; i++) {
		const struct tried *t = &b->tried[i];

		t->job->ok |= b->items[i].ok;
		memo_add(t->job->memo, t->key, b->items[i].ok);
	}
}

int
dkim_jobs_verify(struct dkim_job *jobs, size_t n, struct dkim_pubs *pubs)
{
	_cleanup_(batch_done) struct batch b = { .pubs = pubs };
	size_t room = 1;
	int rc;

	for (size_t i = 0; i < n; i++)
		room += keys_of(&jobs[i]);
	if ((rc = batch_init(&b, room)) < 0)
		return rc;
	for (size_t i = 0; i < n; i++)
		if ((rc = job_add(&b, &jobs[i])) < 0)
			return rc;
	if (b.n > 0 && (rc = crypto_verify_batch(b.items, b.n)) < 0)
		return rc;
	answers_take(&b);
	return 0;
}
