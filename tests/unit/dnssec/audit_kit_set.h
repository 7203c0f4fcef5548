/*
 * One RRset of audit_kit.h's zone: taken apart into records and signatures,
 * put back, and signed anew with whatever is to be wrong.
 */
#ifndef TESTS_AUDIT_KIT_SET_H
#define TESTS_AUDIT_KIT_SET_H

#include "audit_kit_zone.h"

/* --- one RRset, taken apart --- */

struct kit_data {
	uint8_t	b[1024];
	size_t	n;
};

struct kit_set {
	uint16_t	type;
	uint32_t	ttl, sig_ttl;
	struct kit_data	rr[KIT_RRS], sig[KIT_RRS];
	unsigned	n_rrs, n_sigs;
};

struct kit_at {
	struct dname	name;		/* of the owner, also of an NSEC3 */
	enum zone_part	part;
	uint8_t		key[DNS_KEY_MAX];
	size_t		key_len;
	uint8_t		salt[8];
	size_t		salt_len;
};

static struct sv
kit_at_key(const struct kit_at *at)
{
	return (struct sv){ (const char *)at->key, at->key_len };
}

static struct kit_at
kit_at(const struct audit_kit *k, struct sv owner)
{
	bool hash = owner.n > 0 && owner.p[0] == '#';
	struct kit_at at = { .part = hash ? ZONE_NSEC3 : ZONE_NAMES };
	struct dkey key;

	if (hash) {
		struct sv salt = sv_skip(owner, 1);

		owner = sv_cut(&salt, '/');
		at.salt_len = salt.n / 2;
		assert_int_equal(hex_decode(at.salt, at.salt_len, salt), 0);
	}
	at.name = k->apex;
	if (!sv_eq_str(owner, "@"))
		assert_int_equal(dname_parse(owner, &k->apex, &at.name), 0);
	assert_int_equal(dkey_of(&at.name, &k->apex, &key), 0);
	memcpy(at.key, key.b, key.len);
	at.key_len = key.len;
	if (hash) {
		struct dname low = at.name;

		dns_lower(low.w, low.len);
		nsec3_hash(&low, (struct sv){ (const char *)at.salt, at.salt_len }, 0, at.key);
		at.key_len = NSEC3_HASH_LEN;
		assert_int_equal(nsec3_owner(at.key, &k->apex, &at.name), 0);
	}
	return at;
}

static unsigned
kit_take(struct sv list, struct kit_data *dst)
{
	struct sv d;
	unsigned n = 0;

	while (zdata_next(&list, &d)) {
		assert_true(n < KIT_RRS && d.n <= sizeof(dst->b));
		memcpy(dst[n].b, d.p, d.n);
		dst[n++].n = d.n;
	}
	return n;
}

static int
kit_data_cmp(const void *pa, const void *pb)
{
	const struct kit_data *a = pa, *b = pb;

	return sv_cmp((struct sv){ (const char *)a->b, a->n }, (struct sv){ (const char *)b->b, b->n });
}

static size_t
kit_put(uint8_t *dst, struct kit_data *d, unsigned n)
{
	size_t len = 0;

	qsort(d, n, sizeof(*d), kit_data_cmp);
	for (unsigned i = 0; i < n; i++) {
		put_be16(dst + len, (uint16_t)d[i].n);
		memcpy(dst + len + 2, d[i].b, d[i].n);
		len += 2 + d[i].n;
	}
	return len;
}

static struct kit_set *
kit_get(const struct zone *z, const struct kit_at *at, uint16_t type)
{
	struct kit_set *s = calloc(1, sizeof(*s));
	const struct znode *n = zone_find(z, at->part, kit_at_key(at));
	struct zrrset v;

	assert_non_null(s);
	*s = (struct kit_set){ .type = type, .ttl = 3600, .sig_ttl = 3600 };
	if (n == NULL || !znode_find(n, type, &v))
		return s;
	s->ttl = v.ttl;
	s->sig_ttl = v.n_sigs > 0 ? v.sig_ttl : v.ttl;
	s->n_rrs = kit_take(v.rrs, s->rr);
	s->n_sigs = kit_take(v.sigs, s->sig);
	return s;
}

/* The next version of the zone, with this set (or without the node, if s is NULL). */
static struct zone *
kit_apply(struct zone *z, const struct kit_at *at, struct kit_set *s)
{
	static uint8_t rrs[KIT_RRS * 1026], sigs[KIT_RRS * 1026];
	struct zchange c = { .key = kit_at_key(at) };
	const struct zchange *changes[ZONE_PART_MAX] = { 0 };
	size_t n_changes[ZONE_PART_MAX] = { 0 }, pos = 0, n = 0;
	const struct znode *old = zone_find(z, at->part, kit_at_key(at));
	struct zrrset sets[KIT_SETS], v;
	bool placed = s == NULL;
	struct zone *ret = NULL;

	changes[at->part] = &c;
	n_changes[at->part] = 1;
	while (s != NULL && (old != NULL || !placed)) {
		bool more = old != NULL && znode_next(old, &pos, &v);

		if (!placed && (!more || v.type >= s->type)) {
			sets[n] = (struct zrrset){ .type = s->type, .n_rrs = (uint16_t)s->n_rrs,
			    .n_sigs = (uint16_t)s->n_sigs,
			    .ttl = s->n_rrs > 0 ? s->ttl : s->sig_ttl, .sig_ttl = s->sig_ttl };
			sets[n].rrs = (struct sv){ (const char *)rrs, kit_put(rrs, s->rr, s->n_rrs) };
			sets[n].sigs = (struct sv){ (const char *)sigs, kit_put(sigs, s->sig, s->n_sigs) };
			n += s->n_rrs + s->n_sigs > 0;
			placed = true;
		}
		if (!more)
			break;
		if (v.type != s->type)
			sets[n++] = v;
		assert_true(n < KIT_SETS);
	}
	if (n > 0)
		c.node = znode_new(c.key, sets, n);
	assert_int_equal(zone_apply(z, changes, n_changes, &ret), 0);
	(void)znode_unref(c.node);
	(void)zone_unref(z);
	return ret;
}

/* --- signing one set --- */

struct kit_how {
	struct kit_key	*key;
	int64_t		 exp, inc;
	int		 labels, tag, alg;
	int64_t		 ttl;
	struct dname	 signer;
	bool		 keep;
};

static int64_t
kit_num(struct sv s)
{
	bool minus = s.n > 0 && s.p[0] == '-';
	uint32_t v;

	assert_int_equal(num_u32(minus ? sv_skip(s, 1) : s, 0, UINT32_MAX, &v), 0);
	return minus ? -(int64_t)v : (int64_t)v;
}

static struct kit_how
kit_how(struct audit_kit *k, const struct kit_at *at, const struct kit_set *s, struct sv rest)
{
	bool ksk = at->key_len == 0 &&
	    (s->type == RR_DNSKEY || s->type == RR_CDS || s->type == RR_CDNSKEY);
	struct kit_how h = { .key = &k->key[ksk ? 0 : 1], .exp = 7 * 86400, .inc = -3600,
	    .labels = -1, .tag = -1, .alg = -1, .ttl = s->ttl, .signer = k->apex };
	struct sv word;

	while (sv_word(&rest, &word)) {
		struct sv name = sv_cut(&word, '=');

		if (sv_eq_str(name, "key"))
			h.key = &k->key[strchr(KIT_KEYS, word.p[0]) - KIT_KEYS];
		else if (sv_eq_str(name, "exp"))
			h.exp = kit_num(word);
		else if (sv_eq_str(name, "inc"))
			h.inc = kit_num(word);
		else if (sv_eq_str(name, "labels"))
			h.labels = (int)kit_num(word);
		else if (sv_eq_str(name, "tag"))
			h.tag = (int)kit_num(word);
		else if (sv_eq_str(name, "alg"))
			h.alg = (int)kit_num(word);
		else if (sv_eq_str(name, "ttl"))
			h.ttl = kit_num(word);
		else if (sv_eq_str(name, "signer"))
			assert_int_equal(dname_parse(word, NULL, &h.signer), 0);
		else if (sv_eq_str(name, "keep"))
			h.keep = true;
		else
			fail_msg("sign: %.*s", SV_ARG(name));
	}
	if (h.labels < 0)
		h.labels = (int)dname_labels(at->name.w) - dname_is_wild(at->name.w);
	if (h.alg < 0)
		h.alg = h.key->alg;
	if (h.tag < 0)
		h.tag = dnskey_tag(kit_rdata(h.key));
	return h;
}

static void
kit_sign_set(const struct kit_at *at, struct kit_set *s, const struct kit_how *h)
{
	static uint8_t data[KIT_RRS * 1300];
	struct kit_data *d = &s->sig[h->keep ? s->n_sigs : 0];
	struct wr head = wr_mem(d->b, sizeof(d->b)), w = wr_mem(data, sizeof(data));
	struct crypto_make m;

	wr_be16(&head, s->type);
	wr_u8(&head, (uint8_t)h->alg);
	wr_u8(&head, (uint8_t)h->labels);
	wr_be32(&head, (uint32_t)h->ttl);
	wr_be32(&head, (uint32_t)(KIT_NOW + h->exp));
	wr_be32(&head, (uint32_t)(KIT_NOW + h->inc));
	wr_be16(&head, (uint16_t)h->tag);
	wr_bytes(&head, h->signer.w, h->signer.len);
	qsort(s->rr, s->n_rrs, sizeof(s->rr[0]), kit_data_cmp);
	for (unsigned i = 0; i < s->n_rrs; i++) {
		wr_bytes(&w, at->name.w, at->name.len);
		wr_be16(&w, s->type);
		wr_be16(&w, DNS_CLASS_IN);
		wr_be32(&w, (uint32_t)h->ttl);
		wr_be16(&w, (uint16_t)s->rr[i].n);
		wr_bytes(&w, s->rr[i].b, s->rr[i].n);
	}
	m = (struct crypto_make){ .data = { { (const char *)d->b, head.len },
	    { (const char *)data, w.len } }, .sig = d->b + head.len };
	assert_int_equal(crypto_make_batch(h->key->priv, &m, 1), 0);
	d->n = head.len + crypto_priv_sig_len(h->key->priv);
	s->n_sigs = h->keep ? s->n_sigs + 1 : 1;
	s->sig_ttl = s->ttl;
}

#endif
