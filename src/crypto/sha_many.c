/*
 * Messages of any length through a kernel of some lanes: a lane takes a
 * message, gives a block of it at each step, and takes the next one. Where
 * the last long ones would leave most lanes idle, they are finished one after
 * the other.
 */
#include <endian.h>
#include <string.h>

#include "crypto/sha_kernel.h"

struct sha {
	const uint32_t	*init;
	unsigned	 words;			/* of the state and the digest */
	const struct sha_kernel *one;
};

static const struct sha sha1 = { sha1_init, SHA1_STATE, &sha1_one };
static const struct sha sha256 = { sha256_init, SHA256_STATE, &sha256_one };

static void
word_put(uint8_t *to, uint32_t w)
{
	w = htobe32(w);
	memcpy(to, &w, sizeof(w));
}

/* --- one message --- */

/*
 * What a lane puts together of a message: all of a short one, and of a long
 * one what does not lie in one piece, and the end. A copy costs less than a
 * step of the lanes for each block.
 */
#define GATHER		(4 * SHA_BLOCK)

struct lane {
	const struct crypto_msg	*msg;		/* NULL: idle */
	struct sv		 now;		/* what is left of a piece */
	unsigned		 next;		/* the piece behind it */
	const uint8_t		*block;		/* the blocks at hand */
	size_t			 n_blocks;
	bool			 last;		/* … no others follow */
	uint8_t			 room[GATHER + SHA_BLOCK];
};

static uint64_t
msg_bits(const struct crypto_msg *m)
{
	uint64_t n = 0;

	for (unsigned i = 0; i < CRYPTO_PIECES; i++)
		n += m->data[i].n;
	return n * 8;
}

/* FIPS 180-4 section 5.1.1, behind `at` octets: a one, zeros, the length. The blocks in all. */
static size_t
room_pad(struct lane *l, size_t at)
{
	uint64_t bits = htobe64(msg_bits(l->msg));
	size_t n = (at + sizeof(bits)) / SHA_BLOCK + 1;

	memset(l->room + at, 0, SHA_BLOCK);	/* there are never more between the two */
	l->room[at] = 0x80;
	memcpy(l->room + n * SHA_BLOCK - sizeof(bits), &bits, sizeof(bits));
	return n;
}

static void
room_fill(struct lane *l)
{
	size_t at = 0;

	while (at < GATHER) {
		size_t n = min_size(l->now.n, GATHER - at);

		if (n > 0)		/* memcpy() would become a slow loop */
			memmove(l->room + at, l->now.p, n);
		at += n;
		l->now = sv_skip(l->now, n);
		if (l->now.n > 0)
			continue;
		if (l->next == CRYPTO_PIECES)
			break;
		l->now = l->msg->data[l->next++];
	}
	l->last = l->now.n == 0 && l->next == CRYPTO_PIECES;
	l->block = l->room;
	l->n_blocks = l->last ? room_pad(l, at) : GATHER / SHA_BLOCK;
}

/* The next blocks of the message, in their place or put together. */
static void
lane_next(struct lane *l)
{
	if (l->now.n <= GATHER) {
		room_fill(l);
		return;
	}
	l->block = (const uint8_t *)l->now.p;
	l->n_blocks = l->now.n / SHA_BLOCK;
	l->now = sv_skip(l->now, l->n_blocks * SHA_BLOCK);
}

static void
lane_take(struct lane *l, const struct crypto_msg *m)
{
	l->msg = m;
	l->now = m->data[0];
	l->next = 1;
	l->last = false;
	lane_next(l);
}

/* --- the lanes --- */

struct lanes {
	const struct sha	*sha;
	const struct sha_kernel	*k;
	const struct crypto_msg	*m;		/* the next one */
	size_t			 n;		/* … and how many */
	unsigned		 n_busy;
	struct lane		 lane[SHA_LANES_MAX];
	_Alignas(64) uint32_t	 state[SHA_STATE_MAX];
};

static void
lane_begin(struct lanes *s, unsigned i)
{
	lane_take(&s->lane[i], s->m++);
	s->n--;
	s->n_busy++;
	for (unsigned w = 0; w < s->sha->words; w++)
		s->state[w * s->k->lanes + i] = s->sha->init[w];
}

static void
lane_end(struct lanes *s, unsigned i)
{
	uint8_t *ret = s->lane[i].msg->ret;

	for (unsigned w = 0; w < s->sha->words; w++)
		word_put(ret + 4 * w, s->state[w * s->k->lanes + i]);
	s->lane[i].msg = NULL;
	s->n_busy--;
	if (s->n > 0)
		lane_begin(s, i);
}

/* Not the rooms and the states: clearing 6 KiB would cost as much as some short messages. */
static void
lanes_init(struct lanes *s, const struct sha *sha, const struct sha_kernel *k)
{
	s->sha = sha;
	s->k = k;
	s->n_busy = 0;
	for (unsigned i = 0; i < k->lanes; i++)
		s->lane[i].msg = NULL;
}

/* n of its blocks have been computed. */
static void
lane_advance(struct lanes *s, unsigned i, size_t n)
{
	struct lane *l = &s->lane[i];

	l->block += n * SHA_BLOCK;
	l->n_blocks -= n;
	if (l->n_blocks > 0)
		return;
	if (l->last)
		lane_end(s, i);
	else
		lane_next(l);
}

/* As many blocks as all lanes have at hand. Idle lanes read what a busy one reads. */
static void
lanes_step(struct lanes *s)
{
	const uint8_t *block[SHA_LANES_MAX], *any = NULL;
	size_t n = SIZE_MAX;

	for (unsigned i = 0; i < s->k->lanes; i++) {
		if (s->lane[i].msg == NULL)
			continue;
		any = block[i] = s->lane[i].block;
		n = min_size(n, s->lane[i].n_blocks);
	}
	for (unsigned i = 0; i < s->k->lanes; i++)
		if (s->lane[i].msg == NULL)
			block[i] = any;
	s->k->blocks(s->state, block, n);
	for (unsigned i = 0; i < s->k->lanes; i++)
		if (s->lane[i].msg != NULL)
			lane_advance(s, i, n);
}

/* A lane's message to its end, in a kernel of one lane. */
static void
lane_finish(struct lanes *s, unsigned i)
{
	const struct sha_kernel *one = s->sha->one;
	uint32_t state[SHA256_STATE];
	struct lane *l = &s->lane[i];

	for (unsigned w = 0; w < s->sha->words; w++)
		state[w] = s->state[w * s->k->lanes + i];
	for (one->blocks(state, &l->block, l->n_blocks); !l->last;
	    one->blocks(state, &l->block, l->n_blocks))
		lane_next(l);
	for (unsigned w = 0; w < s->sha->words; w++)
		s->state[w * s->k->lanes + i] = state[w];
	lane_end(s, i);
}

static void
many(const struct sha *sha, const struct sha_kernel *k, const struct crypto_msg *m, size_t n)
{
	struct lanes s;

	lanes_init(&s, sha, n > k->few ? k : sha->one);
	s.m = m;
	s.n = n;
	for (unsigned i = 0; i < s.k->lanes && s.n > 0; i++)
		lane_begin(&s, i);
	while (s.n_busy > s.k->few)
		lanes_step(&s);
	for (unsigned i = 0; s.n_busy > 0; i++)
		if (s.lane[i].msg != NULL)
			lane_finish(&s, i);
}

void
sha1_many(const struct sha_kernel *k, const struct crypto_msg *m, size_t n)
{
	many(&sha1, k, m, n);
}

void
sha256_many(const struct sha_kernel *k, const struct crypto_msg *m, size_t n)
{
	many(&sha256, k, m, n);
}

/* --- again and again --- */

#define SALT_MAX	(SHA_BLOCK - SHA1_LEN - 9)	/* that leaves room for the padding */

/* The block behind the digest: the salt and the padding. */
static void
salt_words(struct sv salt, uint32_t ret[static SHA_SALT_WORDS])
{
	static const char digest[SHA1_LEN];
	const struct crypto_msg m = { .data = { { digest, sizeof(digest) }, salt } };
	struct lane l;
	struct rd r;

	lane_take(&l, &m);
	r = rd_mem(l.block + SHA1_LEN, SHA_BLOCK - SHA1_LEN);
	for (unsigned i = 0; i < SHA_SALT_WORDS; i++)
		ret[i] = rd_be32(&r);
}

static void
group_again(const struct sha_kernel *k, const struct crypto_msg *m, size_t n,
    const uint32_t salt[static SHA_SALT_WORDS], unsigned times)
{
	_Alignas(64) uint32_t state[SHA_STATE_MAX] = { 0 };

	for (size_t i = 0; i < n; i++) {
		struct rd r = rd_mem(m[i].ret, SHA1_LEN);

		for (unsigned w = 0; w < SHA1_STATE; w++)
			state[w * k->lanes + i] = rd_be32(&r);
	}
	k->again(state, salt, times);
	for (size_t i = 0; i < n; i++)
		for (unsigned w = 0; w < SHA1_STATE; w++)
			word_put(m[i].ret + 4 * w, state[w * k->lanes + i]);
}

/* A salt that makes it two blocks. */
static void
again_long(const struct sha_kernel *k, const struct crypto_msg *m, size_t n, struct sv salt,
    unsigned times)
{
	struct crypto_msg v[SHA_LANES_MAX];

	for (size_t i = 0; i < n; i++)
		v[i] = (struct crypto_msg){ .ret = m[i].ret,
		    .data = { { (const char *)m[i].ret, SHA1_LEN }, salt } };
	for (; times > 0; times--)
		many(&sha1, k, v, n);
}

void
sha1_again(const struct sha_kernel *k, const struct crypto_msg *m, size_t n, struct sv salt,
    unsigned times)
{
	uint32_t words[SHA_SALT_WORDS];

	if (salt.n <= SALT_MAX)
		salt_words(salt, words);
	for (size_t i = 0, group; i < n; i += group) {
		const struct sha_kernel *use = n - i > k->few ? k : &sha1_one;

		group = min_size(n - i, use->lanes);
		if (salt.n <= SALT_MAX)
			group_again(use, m + i, group, words, times);
		else
			again_long(use, m + i, group, salt, times);
	}
}
