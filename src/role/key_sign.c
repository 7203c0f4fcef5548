/* Answering the zone role: which key, what may it sign, and the arithmetic. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "role/key_role.h"

#define TAKE_MSEC	250
#define SLACK_SEC	86400	/* beyond a policy's validity: clocks, and policies that changed */
#define PROBE_LEN	32

/* --- sets in force --- */

/* NULL: there is none. */
static _Atomic(const struct key_set *) *
slot_find(struct key_role *kr, uint32_t generation)
{
	uint32_t at = generation - kr->first_generation;
	struct key_chunk *c = at / KEY_CHUNK_SETS >= KEY_CHUNKS ? NULL :
	    atomic_load(&kr->chunks[at / KEY_CHUNK_SETS]);

	return c == NULL ? NULL : &c->sets[at % KEY_CHUNK_SETS];
}

static int
chunk_make(struct key_role *kr, uint32_t generation)
{
	uint32_t at = (generation - kr->first_generation) / KEY_CHUNK_SETS;
	struct key_chunk *c;

	if (at >= KEY_CHUNKS)
		return -ENOSPC;
	if (atomic_load(&kr->chunks[at]) != NULL)
		return 0;
	if ((c = calloc(1, sizeof(*c))) == NULL)
		return -ENOMEM;
	atomic_store(&kr->chunks[at], c);
	return 0;
}

int
key_table_put(struct key_role *kr, const struct key_set *s)
{
	_Atomic(const struct key_set *) *slot;
	int rc = chunk_make(kr, s->generation);

	if (rc < 0)
		return rc;
	if (s->state == KEY_SET_READY)
		atomic_store(slot_find(kr, s->generation), s);
	if (s->before != NULL && (slot = slot_find(kr, s->before->generation)) != NULL)
		atomic_store(slot, NULL);
	return 0;
}

static const struct key_set *
set_find(struct key_role *kr, uint32_t generation)
{
	_Atomic(const struct key_set *) *slot = slot_find(kr, generation);

	return slot == NULL ? NULL : atomic_load(slot);
}

int
key_probe(const struct crypto_priv *priv, struct sv rdata)
{
	uint8_t octets[PROBE_LEN], sig[CRYPTO_DNSSIG_MAX];
	struct crypto_make m = { .data = { { (const char *)octets, sizeof(octets) } }, .sig = sig };
	_cleanup_(crypto_pub_freep) struct crypto_pub *pub = NULL;
	struct dnskey k;
	int rc;

	if ((rc = crypto_random(octets, sizeof(octets))) < 0 || (rc = dnskey_parse(rdata, &k)) < 0 ||
	    (rc = crypto_pub_new(k.alg, k.public_key, &pub)) < 0 ||
	    (rc = crypto_make_batch(priv, &m, 1)) < 0)
		return rc;
	rc = crypto_verify_one(pub, m.data, (struct sv){ (const char *)sig, crypto_priv_sig_len(priv) });
	if (rc < 0)
		return rc;
	return rc == 1 ? 0 : SE_CRYPTO;
}

/* --- the sets of the apex, out of what is known here --- */

static bool
is_key_type(uint16_t type)
{
	return type == RR_DNSKEY || type == RR_CDS || type == RR_CDNSKEY;
}

static int
sv_order(const void *a, const void *b)
{
	return sv_cmp(*(const struct sv *)a, *(const struct sv *)b);
}

/* The records' data; room for those of CDS stands in ds. */
static size_t
apex_rdata(const struct key_set *s, uint16_t type, struct sv dst[static KEYSTATE_KEYS_MAX],
    uint8_t ds[static KEYSTATE_KEYS_MAX][DS_RDATA_MAX])
{
	size_t n = 0, len;

	if (type != RR_DNSKEY && s->cds_delete) {
		dst[0] = type == RR_CDS ? cds_delete() : cdnskey_delete();
		return 1;
	}
	for (size_t i = 0; i < s->n; i++) {
		const struct set_key *k = &s->key[i];

		if ((k->uses & (type == RR_DNSKEY ? SIGN_USE_PUBLISH : SIGN_USE_CDS)) == 0)
			continue;
		dst[n] = k->rdata;
		if (type == RR_CDS) {
			if (ds_write(&s->apex, k->rdata, 2, ds[n], &len) < 0)
				return 0;
			dst[n] = (struct sv){ (const char *)ds[n], len };
		}
		n++;
	}
	qsort(dst, n, sizeof(dst[0]), sv_order);
	return n;
}

/* RFC 4034 section 3.1.8.1: owner | type | class | TTL | length | data, for each record. */
static int
apex_text(struct key_worker *w, const struct key_set *s, const struct sign_ask_item *it,
    struct sv *ret)
{
	uint8_t ds[KEYSTATE_KEYS_MAX][DS_RDATA_MAX];
	struct sv rdata[KEYSTATE_KEYS_MAX];
	size_t n = apex_rdata(s, it->type, rdata, ds);
	struct wr wr = wr_mem(w->text, sizeof(w->text));

	for (size_t i = 0; i < n; i++) {
		wr_bytes(&wr, s->apex.w, s->apex.len);
		wr_be16(&wr, it->type);
		wr_be16(&wr, DNS_CLASS_IN);
		wr_be32(&wr, it->ttl);
		wr_be16(&wr, (uint16_t)rdata[i].n);
		wr_bytes(&wr, rdata[i].p, rdata[i].n);
	}
	*ret = (struct sv){ (const char *)w->text, wr.len };
	return n > 0 && wr_done(&wr) ? 0 : -EINVAL;
}

static struct sv
apex_head(uint8_t *dst, size_t cap, const struct key_set *s, const struct set_key *k,
    const struct sign_ask_item *it)
{
	struct wr w = wr_mem(dst, cap);

	wr_be16(&w, it->type);
	wr_u8(&w, k->alg);
	wr_u8(&w, (uint8_t)dname_labels(s->apex.w));
	wr_be32(&w, it->ttl);
	wr_be32(&w, it->expires);
	wr_be32(&w, it->begins);
	wr_be16(&w, k->tag);
	wr_bytes(&w, s->apex.w, s->apex.len);
	return (struct sv){ (const char *)dst, w.len };
}

/* --- may it be signed? --- */

static bool
life_sound(const struct key_worker *w, const struct key_set *s, uint32_t expires)
{
	int64_t now = role_now(w->kr->role);
	int32_t left = (int32_t)(expires - (uint32_t)now);	/* RFC 1982, as RFC 4034 section 3.1.5 */

	return left > 0 && (int64_t)left <= (int64_t)s->life_max + SLACK_SEC;
}

static bool
data_sound(const struct key_worker *w, const struct key_set *s, const struct set_key *k,
    const struct sign_ask_item *it)
{
	struct rd r = rd_sv(it->head);
	uint16_t type = rd_be16(&r), tag;
	uint8_t alg = rd_u8(&r);
	uint32_t expires;

	(void)rd_u8(&r);
	(void)rd_be32(&r);
	expires = rd_be32(&r);
	(void)rd_be32(&r);
	tag = rd_be16(&r);
	if (r.bad || alg != k->alg || tag != k->tag || !life_sound(w, s, expires))
		return false;
	return (k->uses & SIGN_USE_DNSKEY) == 0 || !is_key_type(type) || it->data.n < s->apex.len ||
	    memcmp(it->data.p, s->apex.w, s->apex.len) != 0;
}

static bool
item_sound(const struct key_worker *w, const struct key_set *s, const struct set_key *k,
    const struct sign_ask_item *it)
{
	switch (w->ask.kind) {
	case SIGN_ASK_APEX:
		return (k->uses & SIGN_USE_DNSKEY) != 0 && is_key_type(it->type) &&
		    life_sound(w, s, it->expires);
	case SIGN_ASK_DIGEST:
		return (k->uses & SIGN_USE_ZONE) != 0 && (k->uses & SIGN_USE_DNSKEY) == 0;
	default:
		return (k->uses & SIGN_USE_ZONE) != 0 && data_sound(w, s, k, it);
	}
}

/* --- the arithmetic --- */

static int
batch_make(struct key_worker *w, const struct set_key *k, struct crypto_make *m, size_t n)
{
	if (k->token == NULL)
		return crypto_make_batch(k->priv, m, n);
	return w->token_rc = key_token_sign(k->token, m, n);
}

static int
apex_sign(struct key_worker *w, const struct key_set *s, const struct set_key *k)
{
	for (size_t i = 0; i < w->ask.n; i++) {
		struct crypto_make m = { .sig = w->answer + 1 + i * k->sig_len };
		int rc = apex_text(w, s, &w->ask.items[i], &m.data[1]);

		if (rc < 0)
			return rc;
		m.data[0] = apex_head(w->head, sizeof(w->head), s, k, &w->ask.items[i]);
		if ((rc = batch_make(w, k, &m, 1)) < 0)
			return rc;
	}
	return 0;
}

static int
digests_sign(struct key_worker *w, const struct set_key *k)
{
	struct crypto_make_tbs m[SIGN_ASK_ITEMS];

	for (size_t i = 0; i < w->ask.n; i++)
		m[i] = (struct crypto_make_tbs){ .tbs = w->ask.items[i].data,
		    .sig = w->answer + 1 + i * k->sig_len };
	if (k->token == NULL)
		return crypto_make_tbs_batch(k->priv, m, w->ask.n);
	return w->token_rc = key_token_sign_tbs(k->token, m, w->ask.n);
}

static int
data_sign(struct key_worker *w, const struct set_key *k)
{
	struct crypto_make m[SIGN_ASK_ITEMS];

	for (size_t i = 0; i < w->ask.n; i++)
		m[i] = (struct crypto_make){ .data = { w->ask.items[i].head, w->ask.items[i].data },
		    .sig = w->answer + 1 + i * k->sig_len };
	return batch_make(w, k, m, w->ask.n);
}

enum sign_verdict
key_answer(struct key_worker *w, size_t len, size_t *ret_sigs)
{
	const struct key_set *s;
	const struct set_key *k;
	int rc;

	if (sign_ask_parse((struct sv){ (const char *)w->octets, len }, &w->ask) < 0)
		return SIGN_VERDICT_REFUSED;
	if ((s = set_find(w->kr, w->ask.generation)) == NULL)
		return SIGN_VERDICT_STALE;
	k = w->ask.key < s->n ? &s->key[w->ask.key] : NULL;
	if (k == NULL || (k->priv == NULL && k->token == NULL) || 1 + w->ask.n * k->sig_len > sizeof(w->answer))
		return SIGN_VERDICT_REFUSED;
	for (size_t i = 0; i < w->ask.n; i++)
		if (!item_sound(w, s, k, &w->ask.items[i]))
			return SIGN_VERDICT_REFUSED;
	/* SIGN_VERDICT_MAX: another thread answers. */
	if (k->token != NULL && !w->on_token)
		return key_token_ask(k->token, w, len) ? SIGN_VERDICT_MAX : SIGN_VERDICT_LATER;
	rc = w->ask.kind == SIGN_ASK_APEX ? apex_sign(w, s, k) :
	    w->ask.kind == SIGN_ASK_DIGEST ? digests_sign(w, k) : data_sign(w, k);
	if (rc < 0)
		return k->token != NULL && token_key_is_away(rc) ? SIGN_VERDICT_LATER : SIGN_VERDICT_FAILED;
	*ret_sigs = w->ask.n * k->sig_len;
	atomic_fetch_add(&w->kr->n_signed, w->ask.n);
	return SIGN_VERDICT_OK;
}

void
key_work(void *arg)
{
	struct key_worker *w = arg;
	enum sign_verdict v;
	size_t n;

	while (!atomic_load(&w->kr->stop)) {
		size_t sigs = 0;

		if (ring_take(w->kr->ring, w->octets, &n, &w->slot, TAKE_MSEC) < 0)
			continue;
		if ((v = key_answer(w, n, &sigs)) == SIGN_VERDICT_MAX)
			continue;
		w->answer[0] = (uint8_t)v;
		if (v == SIGN_VERDICT_REFUSED || v == SIGN_VERDICT_FAILED)
			atomic_fetch_add(&w->kr->n_refused, 1);
		ring_answer(w->kr->ring, w->slot, w->answer, 1 + sigs);
	}
}
