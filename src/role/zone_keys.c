/* Keys that are in another process: what is known of them, and signatures by them. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "app/sign_ask.h"
#include "base/err.h"
#include "role/zone_role.h"

#define ASK_MSEC	15000	/* a full slot of RSA with 4096 bits takes one second */
#define TOKEN_MSEC	30000	/* key answers before, in any case (role/key_token_job.c) */

void
zone_keys_done(struct zone_keys *ks)
{
	free((void *)(uintptr_t)ks->octets.p);
	free(ks->key);
	free(ks->place);
	*ks = (struct zone_keys){ 0 };
}

/* The keys that are listed in octets, which ks then owns. */
static int
keys_read(struct zone_keys *ks, struct zone_one *z, struct key_line *line)
{
	struct rd r = rd_sv(ks->octets), count = r;
	size_t n = 0;

	for (; rd_left(&count) > 0 && !count.bad; n++) {
		(void)rd_be16(&count);
		(void)rd_slice(&count, rd_be16(&count));
	}
	if (n > KEYSTATE_KEYS_MAX)
		return -EBADMSG;
	if ((ks->key = calloc(n + 1, sizeof(*ks->key))) == NULL ||
	    (ks->place = calloc(n + 1, sizeof(*ks->place))) == NULL)
		return -ENOMEM;
	while (rd_left(&r) > 0) {
		unsigned uses = rd_be16(&r);
		struct sv rdata = rd_slice(&r, rd_be16(&r));
		struct key_place *p = &ks->place[ks->n];

		if (r.bad || sign_key_init(&ks->key[ks->n], rdata, uses & ~SIGN_ASK_TOKEN, p) < 0)
			return -EBADMSG;
		*p = (struct key_place){ .is_token = (uses & SIGN_ASK_TOKEN) != 0, .line = line, .apex = &z->e->name,
		    .generation = ks->generation, .place = (uint16_t)ks->n };
		ks->n++;
	}
	return rd_done(&r) ? 0 : -EBADMSG;
}

static bool
keys_same(const struct zone_keys *a, const struct zone_keys *b)
{
	return a->told && a->state == b->state && a->cds_delete == b->cds_delete &&
	    sv_eq(a->octets, b->octets);
}

/* 1: they are others than before. */
int
zone_keys_take(struct zone_one *z, struct key_line *line, const struct msg_key_set *m)
{
	struct zone_keys ks = { .told = true, .state = m->state, .generation = m->generation,
		.cds_delete = m->cds_delete != 0 };
	bool same;
	int rc;

	if (m->keys.n > 0 && (ks.octets = (struct sv){ sv_dup(m->keys), m->keys.n }).p == NULL)
		return -ENOMEM;
	/* Its keys point into z->keys. */
	same = keys_same(&z->keys, &ks);
	zone_keys_done(&z->keys);
	z->keys = ks;
	if ((rc = keys_read(&z->keys, z, line)) < 0) {
		zone_keys_done(&z->keys);
		return rc;
	}
	return !same;
}

int
zone_keys_copy(const struct zone_keys *from, struct zone_keys *ret)
{
	*ret = *from;
	ret->octets = (struct sv){ NULL, 0 };
	ret->key = calloc(from->n + 1, sizeof(*ret->key));
	ret->place = calloc(from->n + 1, sizeof(*ret->place));
	if (from->octets.n > 0)
		ret->octets = (struct sv){ sv_dup(from->octets), from->octets.n };
	if (ret->key == NULL || ret->place == NULL || (from->octets.n > 0 && ret->octets.p == NULL)) {
		zone_keys_done(ret);
		return -ENOMEM;
	}
	for (size_t i = 0; i < from->n; i++) {
		ret->key[i] = from->key[i];
		ret->place[i] = from->place[i];
	}
	for (size_t i = 0; i < ret->n; i++) {
		size_t at = (size_t)(from->key[i].rdata.p - from->octets.p);

		ret->key[i].rdata = sv_take(sv_skip(ret->octets, at), from->key[i].rdata.n);
		ret->key[i].arg = &ret->place[i];
	}
	return 0;
}

/* --- a slot for each thread --- */

static int
slot_take(struct key_line *l, unsigned *ret)
{
	uint64_t busy = atomic_load(&l->busy);

	do {
		if (busy == UINT64_MAX)
			return -EPIPE;
		*ret = (unsigned)__builtin_ctzll(~busy);
	} while (!atomic_compare_exchange_weak(&l->busy, &busy, busy | UINT64_C(1) << *ret));
	return 0;
}

/* One that was not answered may be written to later by who wakes up: never again. */
static void
slot_give(struct key_line *l, unsigned slot, int rc)
{
	if (rc == -ETIMEDOUT)
		atomic_fetch_add(&l->n_lost, 1);
	else
		atomic_fetch_and(&l->busy, ~(UINT64_C(1) << slot));
}

/* --- questions --- */

struct batch {
	const struct sign_key	*key;
	const struct key_place	*place;
	struct crypto_make	*items;
	size_t			 n, sig_len;
	enum sign_ask_kind	 kind;
};

static int
verdict_code(uint8_t v)
{
	switch (v) {
	case SIGN_VERDICT_OK:
		return 0;
	case SIGN_VERDICT_STALE:
		return SE_STALE;
	case SIGN_VERDICT_REFUSED:
		return -EPERM;
	case SIGN_VERDICT_LATER:
		return -EAGAIN;
	default:
		return SE_CRYPTO;
	}
}

static int
item_write(struct wr *w, const struct batch *b, const struct crypto_make *m)
{
	struct sign_ask_item it = { .head = m->data[0], .data = m->data[1] };
	struct rd r = rd_sv(m->data[0]);
	uint8_t *room;
	size_t n;

	if (b->kind == SIGN_ASK_APEX) {
		it.type = rd_be16(&r);
		(void)rd_be16(&r);
		it.ttl = rd_be32(&r);
		it.expires = rd_be32(&r);
		it.begins = rd_be32(&r);
	}
	if (b->kind != SIGN_ASK_DIGEST) {
		sign_ask_add(w, b->kind, &it);
		return 0;
	}
	n = crypto_tbs_len(b->key->alg, m->data);
	if (n == 0 || n > UINT16_MAX)
		return -ENOTSUP;
	wr_be16(w, (uint16_t)n);
	if ((room = wr_reserve(w, n)) == NULL)
		return SE_LIMIT;
	return crypto_tbs(b->key->alg, m->data, room);
}

static int
batch_ask(const struct batch *b, unsigned slot)
{
	struct key_line *l = b->place->line;
	struct wr w = wr_mem(ring_room(l->ring, slot), RING_ASK_MAX);
	uint8_t answer[RING_ANSWER_MAX], *count;
	size_t got;
	int rc = 0;

	count = sign_ask_begin(&w, b->place->generation, b->place->place, b->kind);
	for (size_t i = 0; i < b->n && rc == 0; i++)
		rc = item_write(&w, b, &b->items[i]);
	if (rc < 0)
		return rc;
	if (count == NULL || !wr_done(&w))
		return SE_LIMIT;
	put_be16(count, (uint16_t)b->n);
	if ((rc = ring_ask(l->ring, slot, w.len, answer, sizeof(answer), &got,
	    b->place->is_token ? TOKEN_MSEC : ASK_MSEC)) < 0)
		return rc;
	if (got == 0 || (answer[0] == SIGN_VERDICT_OK && got != 1 + b->n * b->sig_len))
		return -EBADMSG;
	if ((rc = verdict_code(answer[0])) < 0)
		return rc;
	for (size_t i = 0; i < b->n; i++)
		memcpy(b->items[i].sig, answer + 1 + i * b->sig_len, b->sig_len);
	atomic_fetch_add(&l->n_signed, b->n);
	return 0;
}

static bool
is_apex_set(const struct key_place *p, const struct crypto_make *m)
{
	struct rd r = rd_sv(m->data[0]);
	uint16_t type = rd_be16(&r);

	return (type == RR_DNSKEY || type == RR_CDS || type == RR_CDNSKEY) &&
	    m->data[1].n >= p->apex->len && memcmp(m->data[1].p, p->apex->w, p->apex->len) == 0;
}

static enum sign_ask_kind
kind_of(const struct batch *b, const struct crypto_make *m)
{
	if (is_apex_set(b->place, m))
		return SIGN_ASK_APEX;
	if ((b->key->uses & SIGN_USE_DNSKEY) != 0 || b->key->alg == 15 || b->key->alg == 16)
		return SIGN_ASK_DATA;
	return SIGN_ASK_DIGEST;
}

static size_t
size_of(enum sign_ask_kind kind, const struct crypto_make *m)
{
	struct sign_ask_item it = { .head = m->data[0], .data = m->data[1] };

	if (kind == SIGN_ASK_DIGEST)
		return 2 + SHA512_LEN;
	return sign_ask_size(kind, &it);
}

/* So many of the first items as fit one question of one kind. */
static void
batch_cut(struct batch *b, size_t n)
{
	size_t room = RING_ASK_MAX - 16;

	b->kind = kind_of(b, &b->items[0]);
	n = min_size(n, b->place->is_token ? SIGN_ASK_TOKEN_ITEMS : SIGN_ASK_ITEMS);
	n = min_size(n, (RING_ANSWER_MAX - 1) / b->sig_len);
	for (b->n = 0; b->n < n; b->n++) {
		size_t size = size_of(b->kind, &b->items[b->n]);

		if (kind_of(b, &b->items[b->n]) != b->kind || (size > room && b->n > 0))
			return;
		room -= min_size(size, room);
	}
}

int
zone_keys_sign(void *arg UNUSED, const struct sign_key *key, struct crypto_make *items, size_t n)
{
	struct batch b = { .key = key, .place = key->arg, .sig_len = dnskey_sig_len(key->rdata) };
	unsigned slot;
	int rc;

	if (b.sig_len == 0 || b.sig_len >= RING_ANSWER_MAX)
		return -ENOTSUP;
	if ((rc = slot_take(b.place->line, &slot)) < 0)
		return rc;
	for (size_t i = 0; i < n && rc == 0; i += b.n) {
		b.items = items + i;
		batch_cut(&b, n - i);
		rc = batch_ask(&b, slot);
	}
	slot_give(b.place->line, slot, rc);
	return rc;
}
