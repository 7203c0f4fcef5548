/* Who is in the NSEC3 chain (RFC 5155 section 7.1), and behind whom. */
#include <errno.h>
#include <stdlib.h>

#include "dnssec/sign_internal.h"

int
links_add(struct links *l, const struct link *new)
{
	if (l->n == l->cap) {
		size_t cap = max_size(16, l->cap + l->cap / 2);
		struct link *v = reallocarray(l->v, cap, sizeof(*v));

		if (v == NULL)
			return -ENOMEM;
		l->v = v;
		l->cap = cap;
	}
	l->v[l->n++] = *new;
	return 0;
}

static struct sv
link_key(const struct link *l)
{
	return sv_take(znode_key(l->node), l->key_len);
}

static struct sv
salt_of(const struct signer *s)
{
	return (struct sv){ (const char *)s->policy.salt, s->policy.salt_len };
}

static void
key_hash(const struct signer *s, struct sv key, uint8_t ret[static NSEC3_HASH_LEN])
{
	struct dname name;

	dkey_name((const uint8_t *)key.p, key.n, s->apex, &name);
	nsec3_hash(&name, salt_of(s), s->policy.iterations, ret);
}

#define HASHES		64		/* at a time */

/* Those of a block together: side by side they take a fraction of the time. */
static void
links_hash(const struct signer *s, struct link *l, size_t n)
{
	struct dname names[HASHES];
	uint8_t hashes[HASHES][NSEC3_HASH_LEN];

	for (size_t i = 0, k; i < n; i += k) {
		k = min_size(n - i, HASHES);
		for (size_t j = 0; j < k; j++) {
			struct sv key = link_key(&l[i + j]);

			dkey_name((const uint8_t *)key.p, key.n, s->apex, &names[j]);
		}
		nsec3_hash_many(names, k, salt_of(s), s->policy.iterations, hashes);
		for (size_t j = 0; j < k; j++)
			memcpy(l[i + j].hash, hashes[j], NSEC3_HASH_LEN);
	}
}

/* Without its hash; links_hash() follows. */
static int
link_put(struct links *to, const struct znode *n, size_t key_len)
{
	return links_add(to, &(struct link){ .node = n, .key_len = (uint16_t)key_len });
}

static bool
within(struct sv key, struct sv above)
{
	return dkey_within((const uint8_t *)key.p, key.n, (const uint8_t *)above.p, above.n);
}

/*
 * The empty non-terminals above a member. Those above the member before it are
 * there already; over the edge of a block they come twice, and go again.
 */
static int
above_put(const struct signer *s, struct links *to, const struct znode *n, struct sv before)
{
	struct sv key = znode_key(n), above = key;

	for (;;) {
		const struct znode *node;
		int rc;

		above.n = dkey_parent((const uint8_t *)key.p, above.n);
		if (above.n == 0 || within(before, above))
			return 0;
		node = zone_find(s->z, ZONE_NAMES, above);
		if (node != NULL && sign_standing(s->z, node) != ST_GONE)
			continue;
		rc = link_put(to, n, above.n);
		if (rc < 0)
			return rc;
	}
}

int
chain_hash_block(struct signer *s, size_t block)
{
	struct zone_it it = zone_block(s->z, ZONE_NAMES, block);
	struct links *to = &s->hashed[block];
	const struct znode *n = zone_next(&it);
	struct walk w = walk_to(s->z, znode_key(n));
	struct sv before = { 0 };
	int rc = 0;

	for (; rc == 0 && n != NULL && it.block == block; n = zone_next(&it)) {
		if (!sign_in_chain(s, n, walk_standing(&w, n)))
			continue;
		rc = link_put(to, n, znode_key(n).n);
		if (rc == 0)
			rc = above_put(s, to, n, before);
		before = znode_key(n);
	}
	if (rc == 0)
		links_hash(s, to->v, to->n);
	return rc;
}

static int
link_cmp(const void *a, const void *b)
{
	return memcmp(((const struct link *)a)->hash, ((const struct link *)b)->hash, NSEC3_HASH_LEN);
}

static int
collision(struct signer *s, const uint8_t *hash)
{
	finding_add(s->fs, &dnssec_findings[SIGN_NSEC3_COLLISION],
	    FA_HEX("hash", hash, NSEC3_HASH_LEN));
	return -EEXIST;
}

/* Sorted, each once. -EEXIST: two names have one hash. */
static int
links_sort(struct signer *s, struct links *l)
{
	size_t n = 0;

	if (l->n > 1)
		qsort(l->v, l->n, sizeof(*l->v), link_cmp);
	for (size_t i = 0; i < l->n; i++) {
		if (n == 0 || link_cmp(&l->v[n - 1], &l->v[i]) != 0)
			l->v[n++] = l->v[i];
		else if (!sv_eq(link_key(&l->v[n - 1]), link_key(&l->v[i])))
			return collision(s, l->v[i].hash);
	}
	l->n = n;
	return 0;
}

int
chain_all(struct signer *s)
{
	size_t n = 0;

	for (size_t i = 0; i < s->n_hashed; i++)
		n += s->hashed[i].n;
	s->chain.v = reallocarray(NULL, max_size(n, 1), sizeof(*s->chain.v));
	if (s->chain.v == NULL)
		return -ENOMEM;
	s->chain.cap = n;
	for (size_t i = 0; i < s->n_hashed; i++) {
		struct links *h = &s->hashed[i];

		if (h->n > 0)
			memcpy(s->chain.v + s->chain.n, h->v, h->n * sizeof(*h->v));
		s->chain.n += h->n;
		free(h->v);
		*h = (struct links){ 0 };
	}
	return links_sort(s, &s->chain);
}

/* --- a chain that changes --- */

/* The first link behind the hash; n if there is none. */
static size_t
links_behind(const struct links *l, const uint8_t *hash)
{
	size_t lo = 0, hi = l->n;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (memcmp(l->v[mid].hash, hash, NSEC3_HASH_LEN) <= 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

const struct link *
chain_find(const struct signer *s, struct sv hash)
{
	size_t i = links_behind(&s->chain, (const uint8_t *)hash.p);

	if (i == 0 || memcmp(s->chain.v[i - 1].hash, hash.p, NSEC3_HASH_LEN) != 0)
		return NULL;
	return &s->chain.v[i - 1];
}

static struct sv
hash_sv(const uint8_t *hash)
{
	return (struct sv){ (const char *)hash, NSEC3_HASH_LEN };
}

/*
 * The next member of the last chain that stays, unless `before` comes first
 * (NULL: never): where a whole zone is replaced, none stays for a million
 * members, and a new one comes every now and then. NULL: none.
 */
static const uint8_t *
stays_next(const struct signer *s, struct zone_it *it, const uint8_t *before)
{
	const struct znode *n;

	while ((n = zone_next(it)) != NULL) {
		const uint8_t *hash = (const uint8_t *)znode_key(n).p;

		if (before != NULL && memcmp(hash, before, NSEC3_HASH_LEN) >= 0)
			return NULL;
		if (!svs_has(&s->gone, znode_key(n)))
			return hash;
	}
	return NULL;
}

static const uint8_t *
lesser(const uint8_t *a, const uint8_t *b)
{
	if (a == NULL || b == NULL)
		return a == NULL ? b : a;
	return memcmp(a, b, NSEC3_HASH_LEN) <= 0 ? a : b;
}

const uint8_t *
chain_next(const struct signer *s, const uint8_t *hash)
{
	size_t i = links_behind(&s->chain, hash);
	const uint8_t *a = i < s->chain.n ? s->chain.v[i].hash : NULL;
	const uint8_t *first = s->chain.n > 0 ? s->chain.v[0].hash : NULL, *b = NULL;

	if (!s->all) {
		struct zone_it it = zone_seek(s->last, ZONE_NSEC3, hash_sv(hash));

		do
			b = stays_next(s, &it, a);
		while (b != NULL && memcmp(b, hash, NSEC3_HASH_LEN) == 0);
	}
	if (lesser(a, b) != NULL)
		return lesser(a, b);
	if (!s->all) {
		struct zone_it it = zone_begin(s->last, ZONE_NSEC3);

		first = lesser(first, stays_next(s, &it, first));
	}
	return first;
}

/* Was the name a member of the last chain, itself or as an empty non-terminal? */
static bool
was_member(const struct signer *s, struct sv key)
{
	const struct zone *z = s->in.last_unsigned;
	const struct znode *n = zone_find(z, ZONE_NAMES, key);
	enum standing st = sign_standing(z, n);

	if (st != ST_GONE)
		return sign_in_chain(s, n, st);
	return sign_below(s, z, key) != NULL;
}

/* The name is a member now: by a node of its own, or by one below it. */
static int
member_put(struct signer *s, const struct znode *n, struct sv key)
{
	struct link *l;
	int rc = link_put(&s->chain, n, key.n);

	if (rc < 0)
		return rc;
	l = &s->chain.v[s->chain.n - 1];
	key_hash(s, key, l->hash);
	if (zone_find(s->last, ZONE_NSEC3, hash_sv(l->hash)) != NULL && !was_member(s, key))
		return collision(s, l->hash);
	return 0;
}

static int
member_drop(struct signer *s, struct sv key)
{
	uint8_t hash[NSEC3_HASH_LEN];
	const struct znode *n;

	key_hash(s, key, hash);
	n = zone_find(s->last, ZONE_NSEC3, hash_sv(hash));
	return n == NULL ? 0 : svs_add(&s->gone, znode_key(n));
}

/* A name that has no node now: an empty non-terminal, or nothing. */
static int
empty_judge(struct signer *s, struct sv key)
{
	const struct znode *below = sign_below(s, s->z, key);

	return below != NULL ? member_put(s, below, key) : member_drop(s, key);
}

/* A touched name; those above it may become empty non-terminals, or cease to be. */
static int
name_judge(struct signer *s, struct sv key, struct svs *empty)
{
	const struct znode *n = zone_find(s->z, ZONE_NAMES, key);
	enum standing st = sign_standing(s->z, n);
	struct sv above = key;
	int rc = 0;

	if (st == ST_GONE)
		rc = svs_add(empty, key);
	else if (sign_in_chain(s, n, st))
		rc = member_put(s, n, key);
	else
		rc = member_drop(s, key);
	while (rc == 0 && (above.n = dkey_parent((const uint8_t *)key.p, above.n)) > 0)
		if (sign_standing(s->z, zone_find(s->z, ZONE_NAMES, above)) == ST_GONE)
			rc = svs_add(empty, above);
	return rc;
}

static int
touched_judge(struct signer *s)
{
	struct svs empty = { 0 };
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < s->touched.n; i++)
		rc = name_judge(s, s->touched.v[i], &empty);
	svs_sort(&empty);
	for (size_t i = 0; rc == 0 && i < empty.n; i++)
		rc = empty_judge(s, empty.v[i]);
	free(empty.v);
	if (rc == 0)
		rc = links_sort(s, &s->chain);
	svs_sort(&s->gone);
	return rc;
}

/*
 * The member before the hash: its record points elsewhere now. If it goes, too,
 * the one before it is found from there: every one that goes comes here.
 */
static int
before_touch(struct signer *s, struct sv hash)
{
	struct zone_it it = zone_seek(s->last, ZONE_NSEC3, hash);
	const struct znode *n = zone_prev(&it);

	if (n == NULL) {
		it = zone_block(s->last, ZONE_NSEC3, zone_n_blocks(s->last, ZONE_NSEC3));
		n = zone_prev(&it);
	}
	if (n == NULL || svs_has(&s->gone, znode_key(n)))
		return 0;
	return svs_add(&s->hashes, znode_key(n));
}

int
chain_touched(struct signer *s)
{
	int rc = touched_judge(s);

	for (size_t i = 0; rc == 0 && i < s->chain.n; i++) {
		struct sv hash = hash_sv(s->chain.v[i].hash);

		rc = svs_add(&s->hashes, hash);
		if (rc == 0 && zone_find(s->last, ZONE_NSEC3, hash) == NULL)
			rc = before_touch(s, hash);
	}
	for (size_t i = 0; rc == 0 && i < s->gone.n; i++) {
		rc = svs_add(&s->hashes, s->gone.v[i]);
		if (rc == 0)
			rc = before_touch(s, s->gone.v[i]);
	}
	svs_sort(&s->hashes);
	return rc;
}
