/* Keys made ready, shared: what is borrowed stays, whatever else happens. */
#include <pthread.h>

#include "dkim_kit.h"
#include "mail/dkim_internal.h"

#define N_KEYS		12	/* in a table of one set of four */
#define N_THREADS	6
#define N_ROUNDS	150

struct signed_one {
	struct dkim_keys	 keys;
	struct sv		 b;
	uint8_t			 digest[SHA256_LEN];
};

struct shop {
	struct kit		 k;
	struct dkim_pubs	*pubs;
	struct signed_one	 one[N_KEYS];
};

struct thread {
	struct shop	*shop;
	pthread_t	 id;
	unsigned	 number, n_wrong;
};

static void
one_make(struct shop *s, struct signed_one *o, unsigned number)
{
	_cleanup_(crypto_priv_freep) struct crypto_priv *key = NULL;
	uint8_t *b = pool_alloc(s->k.pool, CRYPTO_DNSSIG_MAX);
	struct crypto_make_tbs make = { .sig = b };

	assert_non_null(b);
	assert_int_equal(crypto_priv_generate(15, 0, &key), 0);
	crypto_sha256(&number, sizeof(number), o->digest);
	make.tbs = (struct sv){ (const char *)o->digest, SHA256_LEN };
	assert_int_equal(crypto_make_tbs_batch(key, &make, 1), 0);
	o->b = (struct sv){ (const char *)b, crypto_priv_sig_len(key) };
	o->keys.why = DKIM_FINE;
	o->keys.n = 1;
	o->keys.key[0].type = DKIM_KEY_ED25519;
	o->keys.key[0].public_key = pool_sv(s->k.pool, crypto_priv_public(key));
}

static void
shop_open(struct shop *s, size_t room)
{
	*s = (struct shop){ .pubs = dkim_pubs_new(room) };
	assert_non_null(s->pubs);
	kit_init(&s->k);
	for (unsigned i = 0; i < N_KEYS; i++)
		one_make(s, &s->one[i], i);
}

static void
shop_close(struct shop *s)
{
	s->pubs = dkim_pubs_free(s->pubs);
	kit_done(&s->k);
}

/* What one thread does: two good signatures, and one that is another key's. How many went wrong. */
static unsigned
round_wrong(struct shop *s, unsigned a)
{
	struct signed_one *one = &s->one[a % N_KEYS], *two = &s->one[(a + 5) % N_KEYS];
	struct dkim_memo memo[3] = { 0 };
	struct dkim_job jobs[3] = {
		{ .keys = &one->keys, .memo = &memo[0], .b = one->b },
		{ .keys = &two->keys, .memo = &memo[1], .b = two->b },
		{ .keys = &two->keys, .memo = &memo[2], .b = one->b },
	};

	memcpy(memo[0].digest, one->digest, SHA256_LEN);
	memcpy(memo[1].digest, two->digest, SHA256_LEN);
	memcpy(memo[2].digest, one->digest, SHA256_LEN);
	if (dkim_jobs_verify(jobs, ARRAY_LEN(jobs), s->pubs) < 0)
		return 1;
	return jobs[0].ok && jobs[1].ok && !jobs[2].ok ? 0 : 1;
}

static void *
work(void *arg)
{
	struct thread *t = arg;

	for (unsigned i = 0; i < N_ROUNDS; i++)
		t->n_wrong += round_wrong(t->shop, i * (t->number + 1));
	return NULL;
}

/* Twelve keys for four places: each thread throws out what the others want. */
static void
test_threads(void **state)
{
	struct thread t[N_THREADS];
	struct dkim_pubs_counts n;
	struct shop s;

	(void)state;
	shop_open(&s, 4);
	for (unsigned i = 0; i < N_THREADS; i++) {
		t[i] = (struct thread){ .shop = &s, .number = i };
		assert_int_equal(pthread_create(&t[i].id, NULL, work, &t[i]), 0);
	}
	for (unsigned i = 0; i < N_THREADS; i++) {
		assert_int_equal(pthread_join(t[i].id, NULL), 0);
		assert_int_equal(t[i].n_wrong, 0);
	}
	n = dkim_pubs_count(s.pubs);
	assert_int_equal(n.found + n.missed, 3 * N_THREADS * N_ROUNDS);
	assert_true(n.missed >= N_KEYS && n.found > 0);
	assert_int_equal(n.n, 4);
	shop_close(&s);
}

static void
id_of(unsigned i, uint8_t ret[static SHA256_LEN])
{
	crypto_sha256(&i, sizeof(i), ret);
}

static struct crypto_pub *
pub_of(const struct signed_one *o)
{
	struct crypto_pub *pub = NULL;

	assert_int_equal(crypto_pub_new(15, o->keys.key[0].public_key, &pub), 0);
	return pub;
}

/* The longest unused one makes room, but none that is borrowed; the second of a kind has none. */
static void
test_room(void **state)
{
	struct dkim_pub *lent[4];
	struct crypto_pub *more;
	uint8_t id[SHA256_LEN];
	struct shop s;

	(void)state;
	shop_open(&s, 4);
	for (unsigned i = 0; i < 4; i++) {
		id_of(i, id);
		assert_null(dkim_pubs_find(s.pubs, id));
		assert_non_null(lent[i] = dkim_pubs_add(s.pubs, id, pub_of(&s.one[i])));
	}
	more = pub_of(&s.one[4]);
	assert_null(dkim_pubs_add(s.pubs, id, more));
	id_of(4, id);
	assert_null(dkim_pubs_add(s.pubs, id, more));
	/* The second is given back, the first was used before it and is not. */
	dkim_pubs_unref(s.pubs, lent[1]);
	assert_ptr_equal(dkim_pubs_add(s.pubs, id, more), lent[1]);
	assert_ptr_equal(dkim_pub_key(lent[1]), more);
	id_of(1, id);
	assert_null(dkim_pubs_find(s.pubs, id));
	/* Borrowed by two: given back by one it is still borrowed. */
	id_of(0, id);
	assert_ptr_equal(dkim_pubs_find(s.pubs, id), lent[0]);
	dkim_pubs_unref(s.pubs, lent[0]);
	more = pub_of(&s.one[5]);
	id_of(5, id);
	assert_null(dkim_pubs_add(s.pubs, id, more));
	dkim_pubs_unref(s.pubs, lent[0]);
	assert_ptr_equal(dkim_pubs_add(s.pubs, id, more), lent[0]);
	dkim_pubs_unref(s.pubs, NULL);
	assert_int_equal(dkim_pubs_count(s.pubs).n, 4);
	shop_close(&s);
}

TESTS_MAIN("dkim_pubs", T(test_room), T(test_threads))
