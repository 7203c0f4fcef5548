/* The signatures over one set of records: those that serve on, and those to be made. */
#include <errno.h>
#include <stdlib.h>

#include "base/timefmt.h"
#include "dnssec/sign_internal.h"

/* --- RRSIG --- */

#define RRSIG_FIXED	18

int
rrsig_parse(struct sv rdata, struct rrsig *ret)
{
	struct rd r = rd_sv(rdata);
	struct rrsig s = { .type = rd_be16(&r), .alg = rd_u8(&r), .labels = rd_u8(&r),
		.ttl = rd_be32(&r), .expires = rd_be32(&r), .begins = rd_be32(&r),
		.tag = rd_be16(&r) };
	struct dname signer;
	size_t n;

	dname_rd(&r, &signer);
	if (r.bad)
		return -EBADMSG;
	n = (size_t)(r.p - (const uint8_t *)rdata.p);
	s.signer = sv_skip(sv_take(rdata, n), RRSIG_FIXED);
	s.head = sv_take(rdata, n);
	s.sig = sv_skip(rdata, n);
	*ret = s;
	return 0;
}

int64_t
rrsig_time(uint32_t t, int64_t now)
{
	return now + (int32_t)(t - (uint32_t)now);
}

void
znode_expiry(const struct znode *n, int64_t now, int64_t *ret, int64_t *ret_keys)
{
	struct zrrset set;
	struct sv rest, rdata;
	struct rrsig sig;
	size_t pos = 0;

	*ret = *ret_keys = TIME_NEVER;
	while (znode_next(n, &pos, &set)) {
		int64_t *min = sign_is_key_type(set.type) && znode_key(n).n == 0 ? ret_keys : ret;

		for (rest = set.sigs; zdata_next(&rest, &rdata); )
			if (rrsig_parse(rdata, &sig) == 0)
				*min = min_i64(*min, rrsig_time(sig.expires, now));
	}
}

/* --- one set's signatures --- */

struct setwork {
	struct swork		*w;
	const struct dname	*owner;
	struct sv		 key;		/* the node's */
	struct zrrset		*set;
	struct sv		 text;		/* what is signed after the RRSIG's head; made when needed */
	unsigned		 labels;
	bool			 of_keys;	/* DNSKEY, CDS, CDNSKEY at the apex */
	bool			 served[SIGN_KEYS_MAX];
	struct sv		 kept[SIGN_KEYS_MAX];
	size_t			 n_kept;
	unsigned		 wanted[SIGN_KEYS_MAX];
	size_t			 n_wanted;
};

/* RFC 4034 section 3.1.8.1: owner | type | class | TTL | length | data, for each record. */
static int
set_text(struct setwork *sw)
{
	const struct zrrset *set = sw->set;
	size_t len = set->n_rrs * (sw->owner->len + 8u) + set->rrs.n;
	struct sv rest = set->rrs, rdata;
	struct wr w;

	if (sw->text.p != NULL)
		return 0;
	w = wr_mem(pool_alloc(sw->w->pool, len), len);
	if (w.buf == NULL)
		return -ENOMEM;
	while (zdata_next(&rest, &rdata)) {
		wr_bytes(&w, sw->owner->w, sw->owner->len);
		wr_be16(&w, set->type);
		wr_be16(&w, DNS_CLASS_IN);
		wr_be32(&w, set->ttl);
		wr_be16(&w, (uint16_t)rdata.n);
		wr_bytes(&w, rdata.p, rdata.n);
	}
	sw->text = (struct sv){ (const char *)w.buf, w.len };
	return wr_done(&w) ? 0 : -E2BIG;
}

static unsigned
use_of(const struct setwork *sw)
{
	return sw->of_keys ? SIGN_USE_DNSKEY : SIGN_USE_ZONE;
}

/* Does the signature say what one made now would say, and last long enough? */
static bool
sig_serves(const struct setwork *sw, const struct rrsig *r)
{
	const struct signer *s = sw->w->s;
	const struct sign_policy *p = &s->policy;
	int64_t now = s->in.now, ends = rrsig_time(r->expires, now);
	struct sv apex = { (const char *)s->apex->w, s->apex->len };

	return r->type == sw->set->type && r->ttl == sw->set->ttl && r->labels == sw->labels &&
	    sv_eq(r->signer, apex) && rrsig_time(r->begins, now) <= now &&
	    ends > now + (sw->of_keys ? p->dnskey_refresh_sec : p->refresh_sec) &&
	    ends <= now + (sw->of_keys ? p->dnskey_validity_sec : p->validity_sec);
}

/* Is it this key's? The tag says so only where no other key has it. */
static int
sig_is_of(struct setwork *sw, const struct skey *k, const struct rrsig *r, bool *ret)
{
	struct sv data[CRYPTO_PIECES] = { r->head };
	int rc;

	*ret = k->k->alg == r->alg && k->k->tag == r->tag && k->sig_len == r->sig.n;
	if (!*ret || !k->ambiguous)
		return 0;
	*ret = false;
	if (k->pub == NULL)
		return 0;
	rc = set_text(sw);
	if (rc < 0)
		return rc;
	data[1] = sw->text;
	rc = crypto_verify_one(k->pub, data, r->sig);
	*ret = rc == 1;
	return rc < 0 ? rc : 0;
}

/* Signatures of the last version by keys of the use; of the first when there are two. */
static int
sigs_keep(struct setwork *sw, struct sv sigs, unsigned use)
{
	const struct signer *s = sw->w->s;
	unsigned n = 0;
	struct rrsig r;
	struct sv rdata;

	while (zdata_next(&sigs, &rdata) && n++ < SIGN_SIGS_MAX) {
		if (rrsig_parse(rdata, &r) < 0 || !sig_serves(sw, &r))
			continue;
		for (unsigned k = 0; k < s->n_keys; k++) {
			bool is = false;
			int rc = 0;

			if ((s->key[k].k->uses & use) != 0 && !sw->served[k])
				rc = sig_is_of(sw, &s->key[k], &r, &is);
			if (rc < 0)
				return rc;
			if (!is)
				continue;
			sw->served[k] = true;
			sw->kept[sw->n_kept++] = rdata;
			break;
		}
	}
	return 0;
}

static bool
alg_is_served(const struct setwork *sw, uint8_t alg, unsigned use)
{
	const struct signer *s = sw->w->s;

	for (unsigned k = 0; k < s->n_keys; k++)
		if (sw->served[k] && s->key[k].k->alg == alg && (s->key[k].k->uses & use) != 0)
			return true;
	return false;
}

/* A kept one of a key that signs no longer goes where one that signs has the algorithm. */
static void
sigs_drop_idle(struct setwork *sw)
{
	size_t n = 0;
	struct rrsig r;

	for (size_t i = 0; i < sw->n_kept; i++) {
		struct sv rdata = sw->kept[i];
		bool idle = true;

		if (rrsig_parse(rdata, &r) < 0)
			continue;
		for (unsigned k = 0; k < sw->w->s->n_keys; k++) {
			const struct sign_key *key = sw->w->s->key[k].k;

			if (sw->served[k] && (key->uses & use_of(sw)) != 0 && key->alg == r.alg &&
			    key->tag == r.tag)
				idle = false;
		}
		if (!idle || !alg_is_served(sw, r.alg, use_of(sw)))
			sw->kept[n++] = rdata;
	}
	sw->n_kept = n;
}

/* Which signatures stay, and which keys have to sign. */
static int
sigs_choose(struct setwork *sw, const struct znode *last)
{
	const struct signer *s = sw->w->s;
	struct zrrset old;
	int rc = 0;

	if (last != NULL && znode_find(last, sw->set->type, &old) && old.ttl == sw->set->ttl &&
	    sv_eq(old.rrs, sw->set->rrs)) {
		rc = sigs_keep(sw, old.sigs, use_of(sw));
		if (rc == 0 && !sw->of_keys)
			rc = sigs_keep(sw, old.sigs, SIGN_USE_KEEP);
		sigs_drop_idle(sw);
	}
	for (unsigned k = 0; k < s->n_keys; k++)
		if ((s->key[k].k->uses & use_of(sw)) != 0 && !sw->served[k] &&
		    (sw->of_keys || !alg_is_served(sw, s->key[k].k->alg, SIGN_USE_KEEP)))
			sw->wanted[sw->n_wanted++] = k;
	return rc;
}

static void
head_write(struct wr *w, const struct setwork *sw, const struct skey *k)
{
	const struct signer *s = sw->w->s;
	int64_t now = s->in.now;
	int64_t ends = sw->of_keys ? now + s->policy.dnskey_validity_sec :
	    sign_expiry(&s->policy, sw->key, sw->set->type, now);

	wr_be16(w, sw->set->type);
	wr_u8(w, k->k->alg);
	wr_u8(w, (uint8_t)sw->labels);
	wr_be32(w, sw->set->ttl);
	wr_be32(w, (uint32_t)ends);
	wr_be32(w, (uint32_t)(now - s->policy.inception_sec));
	wr_be16(w, k->k->tag);
	wr_bytes(w, s->apex->w, s->apex->len);
}

static int
make_add(struct swork *w, unsigned key, struct sv head, struct sv text, uint8_t *sig)
{
	if (w->n_make == w->cap_make) {
		size_t cap = max_size(2 * SIGN_CHUNK, 2 * w->cap_make);
		struct smake *v = reallocarray(w->make, cap, sizeof(*v));

		if (v == NULL)
			return -ENOMEM;
		w->make = v;
		w->cap_make = cap;
	}
	w->make[w->n_make++] = (struct smake){ .key = key,
		.make = { .data = { head, text }, .sig = sig } };
	return 0;
}

/* A signature that stays, or the head of one to be made. */
struct sig {
	struct sv		 data;
	const struct skey	*by;		/* who makes it; NULL: it is whole */
	unsigned		 key;
};

/* In canonical order (RFC 4034 section 6.3), which the heads decide. */
static void
sig_insert(struct sig *v, size_t n, struct sig new)
{
	for (; n > 0 && sv_cmp(v[n - 1].data, new.data) > 0; n--)
		v[n] = v[n - 1];
	v[n] = new;
}

static int
sigs_gather(struct setwork *sw, struct sig v[static 2 * SIGN_KEYS_MAX], size_t *ret_n,
    size_t *ret_len)
{
	const struct signer *s = sw->w->s;
	size_t head_len = RRSIG_FIXED + s->apex->len, n = 0, len = 0;

	for (size_t i = 0; i < sw->n_kept; i++) {
		sig_insert(v, n++, (struct sig){ .data = sw->kept[i] });
		len += 2 + sw->kept[i].n;
	}
	for (size_t i = 0; i < sw->n_wanted; i++) {
		const struct skey *k = &s->key[sw->wanted[i]];
		struct wr w = wr_mem(pool_alloc(sw->w->pool, head_len), head_len);

		if (w.buf == NULL)
			return -ENOMEM;
		head_write(&w, sw, k);
		sig_insert(v, n++, (struct sig){ .data = { (const char *)w.buf, head_len },
		    .by = k, .key = sw->wanted[i] });
		len += 2 + head_len + k->sig_len;
	}
	*ret_n = n;
	*ret_len = len;
	return 0;
}

/* Kept signatures, and heads of new ones with room behind. */
static int
sigs_write(struct setwork *sw)
{
	struct sig v[2 * SIGN_KEYS_MAX];
	size_t n, len;
	struct wr w;
	int rc = sigs_gather(sw, v, &n, &len);

	if (rc < 0)
		return rc;
	w = wr_mem(pool_alloc(sw->w->pool, len), len);
	if (w.buf == NULL)
		return -ENOMEM;
	for (size_t i = 0; rc == 0 && i < n; i++) {
		size_t sig_len = v[i].by == NULL ? 0 : v[i].by->sig_len;
		struct sv head = { NULL, v[i].data.n };

		wr_be16(&w, (uint16_t)(v[i].data.n + sig_len));
		head.p = (const char *)w.buf + w.len;
		wr_bytes(&w, v[i].data.p, v[i].data.n);
		if (v[i].by != NULL)
			rc = make_add(sw->w, v[i].key, head, sw->text, wr_reserve(&w, sig_len));
	}
	sw->set->n_sigs = (uint16_t)n;
	sw->set->sig_ttl = sw->set->ttl;
	sw->set->sigs = (struct sv){ (const char *)w.buf, w.len };
	if (rc < 0)
		return rc;
	return wr_done(&w) ? 0 : -E2BIG;
}

int
swork_sign(struct swork *w, struct splan *plan, const struct dname *owner, const struct znode *last,
    struct zrrset *set)
{
	struct setwork sw = { .w = w, .owner = owner, .key = plan->key, .set = set };
	int rc;

	sw.labels = dname_labels(owner->w) - (dname_is_wild(owner->w) ? 1 : 0);
	sw.of_keys = plan->key.n == 0 && sign_is_key_type(set->type);
	rc = sigs_choose(&sw, last);
	if (rc == 0 && sw.n_wanted > 0)
		rc = set_text(&sw);
	if (rc == 0)
		rc = sigs_write(&sw);
	w->out->stats.n_sigs += sw.n_wanted;
	w->out->stats.n_kept += sw.n_kept;
	plan->fresh |= sw.n_wanted > 0;
	return rc;
}
