/*
 * P-256 verification in chunks: what is out of range is bad, the rest goes to
 * the sums (p256_sum.h) with one inversion modulo the order for a chunk.
 * Verification only.
 */
#include "crypto/p256.h"

#include <stdlib.h>

#include "crypto/p256_order.h"
#include "crypto/p256_terms.h"
#include "crypto/p256_words.h"

/* Those of a chunk are in range. */
struct p256_work {
	const struct p256_way	*way;
	size_t			 n;
	struct p256_item	*item[P256_CHUNK];
	uint64_t		 r[P256_CHUNK][P256_WORDS];
	uint64_t		 s[P256_CHUNK][P256_WORDS];	/* then 2^256 / s */
	uint64_t		 product[P256_CHUNK][P256_WORDS];
	struct p256_terms	 terms[P256_CHUNK];
	enum p256_verdict	 verdict[P256_CHUNK];
	alignas(64) uint8_t	 room[];
};
_Static_assert(P256_CHUNK % P256_LANES == 0, "terms has a place for each lane");

struct p256_work *
p256_work_new(bool lanes)
{
	const struct p256_way *way = lanes ? p256_way_lanes() : p256_way_64();
	struct p256_work *w;

	if (way == NULL)
		return NULL;
	w = aligned_alloc(64, sizeof(*w) + (way->room_size + 63) / 64 * 64);
	if (w == NULL)
		return NULL;
	w->way = way;
	w->n = 0;
	return w;
}

struct p256_work *
p256_work_free(struct p256_work *w)
{
	free(w);
	return NULL;
}

/* Into the chunk, unless it is bad. */
static void
item_add(struct p256_work *w, struct p256_item *it)
{
	uint64_t *r = w->r[w->n], *s = w->s[w->n];

	it->verdict = P256_BAD;
	words_read(r, it->sig);
	words_read(s, it->sig + P256_LEN);
	if (order_fits(r) && order_fits(s))
		w->item[w->n++] = it;
}

static void
terms_set(struct p256_work *w, size_t i)
{
	uint64_t e[P256_WORDS], u1[P256_WORDS], u2[P256_WORDS];

	words_read(e, w->item[i]->digest);
	order_mul(u1, w->s[i], e);
	order_mul(u2, w->s[i], w->r[i]);
	p256_terms_set(&w->terms[i], w->item[i]->key, w->r[i], u1, u2);
}

static void
chunk_check(struct p256_work *w, const struct p256_table *g)
{
	if (w->n == 0)
		return;
	order_invert(w->s, w->product, w->n);
	for (size_t i = 0; i < w->n; i++)
		terms_set(w, i);
	for (size_t i = w->n; i % P256_LANES != 0; i++)
		w->terms[i] = w->terms[0];
	w->way->check(w->room, g, w->terms, w->n, w->verdict);
	for (size_t i = 0; i < w->n; i++)
		w->item[i]->verdict = w->verdict[i];
	w->n = 0;
}

void
p256_check(struct p256_work *w, const struct p256_table *g, struct p256_item *items, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		item_add(w, &items[i]);
		if (w->n == w->way->chunk)
			chunk_check(w, g);
	}
	chunk_check(w, g);
}
