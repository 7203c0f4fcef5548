/*
 * A good zone, and a little language that spoils it. The zone is signed by
 * dnssec/sign; the audit, which shares no code with that, has to be content.
 * A script is statements with ";" between, each on one RRset (OWNER TYPE), an
 * owner being relative, "@", or "#OWNER" for the NSEC3 record of its hash
 * ("#OWNER/AB" with a salt):
 *
 *	add O T DATA	a record more		set O T DATA	this one only
 *	del O T		records go, not their signatures	drop O T	both go
 *	unsign O T	signatures go		node O		all of the name goes
 *	ttl O T N	of the records		sigttl O T N	of the signatures
 *	flip O T	a bit of the signature	dup O T		signed once more
 *	patch O T N HEX	octets of the signature's data, from the Nth on
 *	cut O T		the signature's data end too soon
 *	skip #O		the record goes, and the one before leads past it
 *	plant #O	a record more, well linked and signed
 *	clear #O	no opt-out where the hash of O is covered
 *	also @ KIND	that chain, too: nsec, nsec3 or opt-out, and a salt
 *	n1 O F=V ...	fields of an NSEC: next=O types=A,B
 *	n3 O F=V ...	fields of an NSEC3: flags iter salt alg next=#O types=A,B
 *	sign O T F=V ...	anew, with: key=k|z|x|r (KSK, ZSK, a key outside of the zone,
 *			a revoked one), exp= inc= (seconds from now), labels=, ttl=, signer=,
 *			tag=, alg=, keep (the old ones stay)
 *
 * What is not there is not spoilt.
 */
#ifndef TESTS_AUDIT_KIT_H
#define TESTS_AUDIT_KIT_H

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/hash.h"
#include "crypto/crypto.h"
#include "crypto/dnskey.h"
#include "dns/zone.h"
#include "dnssec/audit.h"
#include "dnssec/dnssec.h"
#include "../tap.h"

#ifndef KIT_NOW
#define KIT_NOW		1780000000
#endif
#define KIT_SETS	128		/* RRsets of a node */
#define KIT_RRS		128		/* records of one */

enum kit_denial { KIT_NSEC, KIT_NSEC3, KIT_OPTOUT };

struct kit_key {
	struct crypto_priv	*priv;
	uint8_t			 alg;
	uint8_t			 rdata[DNSKEY_RDATA_MAX];
	size_t			 n;
};

struct audit_kit {
	struct dname	 apex;
	struct kit_key	 key[4];		/* k z x r */
	struct zone	*z;
	struct audit_anchor anchor;
	uint8_t		 ds[DS_RDATA_MAX];
	struct audit_opts opts;
	struct sign_policy policy;
	struct sign_key	 keys[2];
	struct sign_state *state;
};

#define KIT_KEYS	"kzxr"

static const char kit_text[] =
    "@ 3600 SOA ns1 hostmaster 1 7200 900 1209600 300\n"
    "@ 3600 NS ns1\n"
    "@ 3600 MX 10 mail\n"
    "ns1 3600 A 192.0.2.1\n"
    "ns1 3600 AAAA 2001:db8::1\n"
    "mail 3600 A 192.0.2.2\n"
    "*.wild 3600 TXT any\n"
    "www 3600 CNAME mail\n"
    "a.b.ent 3600 A 192.0.2.4\n"
    "c.ent 3600 TXT x\n"
    "sub 3600 NS ns.sub\n"
    "ns.sub 3600 A 192.0.2.5\n"
    "ins 3600 NS ns1\n"
    "sec 3600 NS ns.sec\n"
    "sec 3600 DS 12345 13 2 000102030405060708090A0B0C0D0E0F101112131415161718191A1B1C1D1E1F\n"
    "ns.sec 3600 A 192.0.2.6\n"
    "x.y 3600 NS ns1\n"
    "dn 3600 DNAME mail\n"
    "two 3600 A 192.0.2.7\n"
    "two 3600 A 192.0.2.8\n"
    "two 3600 MX 1 mail\n"
    "two 3600 TYPE4711 \\# 1 00\n";

struct kit_read { struct sv rest; };

static int
kit_read(void *arg, char *dst, size_t cap, size_t *ret_n)
{
	struct kit_read *r = arg;
	size_t n = min_size(cap, r->rest.n);

	memcpy(dst, r->rest.p, n);
	r->rest = sv_skip(r->rest, n);
	*ret_n = n;
	return 0;
}

static struct zone *
kit_zone(const struct dname *apex, struct sv text)
{
	_cleanup_(pool_freep) struct pool *pool = pool_new(1 << 20);
	struct kit_read in = { text };
	struct zonefile_opts opts = { .origin = *apex, .name = SV("kit") };
	struct findings fs;
	struct zone *z = NULL;
	struct dns_rr rr;
	int rc;

	findings_init(&fs, pool);
	_cleanup_(zonefile_freep) struct zonefile *f = zonefile_new(&opts, kit_read, &in, &fs);
	_cleanup_(zone_builder_freep) struct zone_builder *b = zone_builder_new(apex, &fs);

	while ((rc = zonefile_next(f, &rr)) > 0)
		assert_int_equal(zone_builder_add(b, &rr), 0);
	assert_int_equal(rc, 0);
	assert_false(findings_reject(&fs));
	assert_int_equal(zone_builder_done(b, &z), 0);
	return z;
}

static void
kit_key_make(struct kit_key *k, uint16_t flags, uint8_t alg)
{
	struct dnskey d = { .flags = flags, .protocol = 3, .alg = alg };

	k->alg = alg;
	assert_int_equal(crypto_priv_generate(alg, alg == 8 || alg == 10 ? 1024 : 0, &k->priv), 0);
	d.public_key = crypto_priv_public(k->priv);
	k->n = dnskey_write(&d, k->rdata);
}

static struct sv
kit_rdata(const struct kit_key *k)
{
	return (struct sv){ (const char *)k->rdata, k->n };
}

static int
kit_sign(void *arg, const struct sign_key *key, struct crypto_make *m, size_t n)
{
	(void)arg;
	return crypto_make_batch(key->arg, m, n);
}

/* unsigned_z signed; the state of the last run and the last version serve if there are any. */
static struct zone *
kit_sign_zone(struct audit_kit *k, struct zone *z, struct zone *last_unsigned)
{
	_cleanup_(pool_freep) struct pool *pool = pool_new(1 << 20);
	struct sign_input in = { .now_unsigned = z, .last_unsigned = last_unsigned,
	    .last_signed = last_unsigned == NULL ? NULL : k->z, .last_state = k->state,
	    .keys = { .keys = k->keys, .n = 2, .cds_digests = 1 << 2, .cdnskey = true },
	    .policy = &k->policy, .now = KIT_NOW, .sign = kit_sign };
	struct sign_state *state = NULL;
	struct sign_stats stats;
	struct zone *ret = NULL;
	struct findings fs;

	findings_init(&fs, pool);
	if (last_unsigned == NULL)
		in.last_state = NULL;
	assert_int_equal(sign_zone(&in, &fs, &ret, &state, &stats), 0);
	assert_non_null(ret);
	(void)sign_state_free(k->state);
	k->state = state;
	return ret;
}

UNUSED static struct audit_kit *
kit_new_alg(enum kit_denial denial, uint8_t alg)
{
	struct audit_kit *k = calloc(1, sizeof(*k));
	static const uint16_t flags[] = { 257, 256, 256, 257 | DNSKEY_REVOKE };
	size_t n;

	assert_non_null(k);
	assert_int_equal(dname_parse(SV("example."), NULL, &k->apex), 0);
	for (unsigned i = 0; i < (alg == 8 || alg == 10 ? 2 : 4); i++)	/* RSA takes its time */
		kit_key_make(&k->key[i], flags[i], alg);
	sign_policy_init(&k->policy);
	k->policy.denial = denial == KIT_NSEC ? SIGN_NSEC : SIGN_NSEC3;
	k->policy.opt_out = denial == KIT_OPTOUT;
	for (unsigned i = 0; i < 2; i++)
		assert_int_equal(sign_key_init(&k->keys[i], kit_rdata(&k->key[i]), SIGN_USE_PUBLISH |
		    (i == 0 ? SIGN_USE_DNSKEY | SIGN_USE_CDS : SIGN_USE_ZONE), k->key[i].priv), 0);
	assert_int_equal(ds_write(&k->apex, kit_rdata(&k->key[0]), 2, k->ds, &n), 0);
	k->anchor = (struct audit_anchor){ RR_DS, { (const char *)k->ds, n } };
	k->opts = (struct audit_opts){ .now = KIT_NOW, .anchors = &k->anchor, .n_anchors = 1 };
	return k;
}

UNUSED static struct audit_kit *
kit_new(enum kit_denial denial)
{
	return kit_new_alg(denial, 13);
}

/* The zone of kit_text, signed: k->z, and also returned. */
UNUSED static struct zone *
kit_good(struct audit_kit *k)
{
	struct zone *z = kit_zone(&k->apex, sv_str(kit_text));

	(void)zone_unref(k->z);
	k->z = kit_sign_zone(k, z, NULL);
	(void)zone_unref(z);
	return k->z;
}

UNUSED static void
kit_free(struct audit_kit *k)
{
	for (unsigned i = 0; i < 4; i++)
		(void)crypto_priv_free(k->key[i].priv);
	(void)sign_state_free(k->state);
	(void)zone_unref(k->z);
	free(k);
}

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

/* --- statements --- */

static void
kit_rr_parse(struct audit_kit *k, uint16_t type, struct sv text, struct kit_data *ret)
{
	static uint8_t buf[DNS_RDATA_MAX];
	size_t n;

	if (text.n == 3 && text.p[0] == '%') {	/* %kk a key, %kd its DS, %kt one of the same tag */
		const struct kit_key *key = &k->key[strchr(KIT_KEYS, text.p[1]) - KIT_KEYS];

		if (text.p[2] != 'd') {
			memcpy(ret->b, key->rdata, key->n);
			ret->n = key->n;
		}
		if (text.p[2] == 't') {		/* two of its words change places: the tag stays */
			memcpy(ret->b + 4, key->rdata + 6, 2);
			memcpy(ret->b + 6, key->rdata + 4, 2);
		}
		if (text.p[2] == 'd')
			assert_int_equal(ds_write(&k->apex, kit_rdata(key), 2, ret->b, &ret->n), 0);
		return;
	}
	assert_int_equal(rdata_parse(type, text, &k->apex, buf, &n), 0);
	rdata_canonical(type, buf, n);
	assert_true(n <= sizeof(ret->b));
	memcpy(ret->b, buf, n);
	ret->n = n;
}

static size_t
kit_types(struct sv list, uint8_t *dst)
{
	static uint8_t map[TYPE_BITMAP_MAX];
	uint16_t types[64];
	size_t n = 0;

	while (list.n > 0) {
		uint16_t t;

		assert_int_equal(rrtype_parse(sv_cut(&list, ','), &t), 0);
		types[n++] = t;
	}
	n = type_bitmap_write(types, n, map);
	memcpy(dst, map, n);
	return n;
}

/* One field of an NSEC3 record. */
static void
kit_n3_field(struct audit_kit *k, struct kit_data *d, struct sv name, struct sv value)
{
	uint8_t old[sizeof(d->b)], salt_len = d->b[4];
	size_t next = 5u + salt_len, map = next + 1 + NSEC3_HASH_LEN;

	memcpy(old, d->b, d->n);
	if (sv_eq_str(name, "alg")) {
		d->b[0] = (uint8_t)kit_num(value);
	} else if (sv_eq_str(name, "flags")) {
		d->b[1] = (uint8_t)kit_num(value);
	} else if (sv_eq_str(name, "iter")) {
		put_be16(d->b + 2, (uint16_t)kit_num(value));
	} else if (sv_eq_str(name, "salt")) {
		d->b[4] = (uint8_t)(value.n / 2);
		assert_int_equal(hex_decode(d->b + 5, value.n / 2, value), 0);
		memcpy(d->b + 5 + value.n / 2, old + next, d->n - next);
		d->n += value.n / 2 - salt_len;
	} else if (sv_eq_str(name, "next")) {
		struct kit_at to = kit_at(k, value);

		memcpy(d->b + next + 1, to.key, NSEC3_HASH_LEN);
	} else if (sv_eq_str(name, "raw")) {
		assert_int_equal(hex_decode(d->b + map, value.n / 2, value), 0);
		d->n = map + value.n / 2;
	} else {
		assert_true(sv_eq_str(name, "types"));
		d->n = map + kit_types(value, d->b + map);
	}
}

/* One field of an NSEC record. */
static void
kit_n1_field(struct audit_kit *k, struct kit_data *d, struct sv name, struct sv value)
{
	struct kit_data old = *d;
	struct rd r = rd_mem(old.b, old.n);
	struct dname next;
	size_t map;

	dname_rd(&r, &next);
	map = next.len;
	if (sv_eq_str(name, "next")) {
		struct kit_at to = kit_at(k, value);

		memcpy(d->b, to.name.w, to.name.len);
		memcpy(d->b + to.name.len, old.b + map, old.n - map);
		d->n = to.name.len + old.n - map;
	} else {
		assert_true(sv_eq_str(name, "types"));
		d->n = map + kit_types(value, d->b + map);
	}
}

static void
kit_patch(struct kit_data *d, struct sv rest)
{
	struct sv at, hex;

	assert_true(sv_word(&rest, &at) && sv_word(&rest, &hex));
	assert_true((size_t)kit_num(at) + hex.n / 2 <= d->n);
	assert_int_equal(hex_decode(d->b + kit_num(at), hex.n / 2, hex), 0);
}

static bool
kit_records(struct audit_kit *k, struct sv verb, struct kit_set *s, struct sv rest)
{
	if (sv_eq_str(verb, "add")) {
		kit_rr_parse(k, s->type, rest, &s->rr[s->n_rrs++]);
	} else if (sv_eq_str(verb, "set")) {
		kit_rr_parse(k, s->type, rest, &s->rr[0]);
		s->n_rrs = 1;
	} else if (sv_eq_str(verb, "del")) {
		s->n_rrs = 0;
	} else if (sv_eq_str(verb, "drop")) {
		s->n_rrs = s->n_sigs = 0;
	} else if (sv_eq_str(verb, "unsign")) {
		s->n_sigs = 0;
	} else if (sv_eq_str(verb, "ttl")) {
		s->ttl = (uint32_t)kit_num(rest);
	} else if (sv_eq_str(verb, "sigttl")) {
		s->sig_ttl = (uint32_t)kit_num(rest);
	} else {
		return false;
	}
	return true;
}

/* The NSEC3 set at a node, signed anew and put back. */
static void
kit_n3_put(struct audit_kit *k, struct zone **z, const struct kit_at *at, struct kit_set *s)
{
	struct kit_how h = kit_how(k, at, s, (struct sv){ 0 });

	kit_sign_set(at, s, &h);
	*z = kit_apply(*z, at, s);
	free(s);
}

static bool
kit_n3_same_salt(const struct znode *n, const struct kit_at *at)
{
	struct zrrset v;
	struct sv d;

	assert_true(znode_find(n, RR_NSEC3, &v) && zdata_next(&v.rrs, &d));
	return d.n > 5 && (uint8_t)d.p[4] == at->salt_len && memcmp(d.p + 5, at->salt, at->salt_len) == 0;
}

/* The record of that chain before the hash, around too. */
static struct kit_at
kit_n3_before(const struct audit_kit *k, const struct zone *z, const struct kit_at *at)
{
	struct zone_it it = zone_seek(z, ZONE_NSEC3, kit_at_key(at));
	struct kit_at ret = { .part = ZONE_NSEC3, .key_len = NSEC3_HASH_LEN };
	const struct znode *n;

	do
		if ((n = zone_prev(&it)) == NULL) {
			it = zone_block(z, ZONE_NSEC3, zone_n_blocks(z, ZONE_NSEC3));
			n = zone_prev(&it);
		}
	while (!kit_n3_same_salt(n, at));
	memcpy(ret.key, znode_key(n).p, NSEC3_HASH_LEN);
	assert_int_equal(nsec3_owner(ret.key, &k->apex, &ret.name), 0);
	return ret;
}

static uint8_t *
kit_n3_next(struct kit_set *s)
{
	return s->rr[0].b + 5 + s->rr[0].b[4] + 1;
}

/* skip, plant, clear: the chain itself. */
static bool
kit_chain(struct audit_kit *k, struct zone **z, struct sv verb, const struct kit_at *at)
{
	struct kit_at before;
	struct kit_set *p, *s;

	if (!sv_eq_str(verb, "skip") && !sv_eq_str(verb, "plant") && !sv_eq_str(verb, "clear"))
		return false;
	if (zone_n_nodes(*z, ZONE_NSEC3) == 0)
		return true;
	before = kit_n3_before(k, *z, at);
	p = kit_get(*z, &before, RR_NSEC3);
	s = kit_get(*z, at, RR_NSEC3);
	if (verb.p[0] == 's' ? s->n_rrs == 0 : verb.p[0] == 'p' && s->n_rrs > 0) {
		free(p);
		free(s);
		return true;
	}
	if (verb.p[0] == 's') {
		memcpy(kit_n3_next(p), kit_n3_next(s), NSEC3_HASH_LEN);
		*z = kit_apply(*z, at, NULL);
	} else if (verb.p[0] == 'p') {
		*s = *p;
		memcpy(kit_n3_next(p), at->key, NSEC3_HASH_LEN);
		kit_n3_put(k, z, at, s);
		s = NULL;
	} else {
		p->rr[0].b[1] = 0;
	}
	kit_n3_put(k, z, &before, p);
	free(s);
	return true;
}

/* What other has of that type, into z. */
static void
kit_copy(struct zone **z, const struct zone *other, enum zone_part part, uint16_t type)
{
	struct zone_it it = zone_begin(other, part);
	const struct znode *n;
	struct zrrset v;

	while ((n = zone_next(&it)) != NULL) {
		struct kit_at at = { .part = part, .key_len = znode_key(n).n };
		struct kit_set *s;

		if (!znode_find(n, type, &v))
			continue;
		memcpy(at.key, znode_key(n).p, at.key_len);
		s = kit_get(other, &at, type);
		*z = kit_apply(*z, &at, s);
		free(s);
	}
}

/* The same names, signed with another kind of denial: its chain alone is taken. */
static void
kit_also(struct audit_kit *k, struct zone **z, struct sv rest)
{
	struct zone *plain = kit_zone(&k->apex, sv_str(kit_text)), *other;
	struct sign_policy was = k->policy;
	struct sv kind, salt;

	assert_true(sv_word(&rest, &kind));
	salt = sv_trim(rest);
	k->policy.denial = sv_eq_str(kind, "nsec") ? SIGN_NSEC : SIGN_NSEC3;
	k->policy.opt_out = sv_eq_str(kind, "opt-out");
	k->policy.salt_len = (uint8_t)(salt.n / 2);
	assert_int_equal(hex_decode(k->policy.salt, salt.n / 2, salt), 0);
	other = kit_sign_zone(k, plain, NULL);
	kit_copy(z, other, k->policy.denial == SIGN_NSEC ? ZONE_NAMES : ZONE_NSEC3,
	    k->policy.denial == SIGN_NSEC ? RR_NSEC : RR_NSEC3);
	k->policy = was;
	(void)zone_unref(other);
	(void)zone_unref(plain);
}

static void
kit_statement(struct audit_kit *k, struct zone **z, struct sv line)
{
	struct sv verb, owner, word = { 0 };
	struct kit_at at;
	uint16_t type = RR_NSEC3;
	struct kit_set *s;

	if (!sv_word(&line, &verb))
		return;
	assert_true(sv_word(&line, &owner));
	if (sv_eq_str(verb, "also")) {
		kit_also(k, z, line);
		return;
	}
	at = kit_at(k, owner);
	if (sv_eq_str(verb, "node")) {
		*z = kit_apply(*z, &at, NULL);
		return;
	}
	if (kit_chain(k, z, verb, &at))
		return;
	if (sv_eq_str(verb, "n1")) {
		type = RR_NSEC;
	} else if (!sv_eq_str(verb, "n3")) {
		assert_true(sv_word(&line, &word));
		assert_int_equal(rrtype_parse(word, &type), 0);
	}
	s = kit_get(*z, &at, type);
	line = sv_trim(line);
	if ((sv_eq_str(verb, "sign") || sv_eq_str(verb, "dup")) && s->n_rrs > 0) {
		struct kit_how h = kit_how(k, &at, s, line);

		h.keep |= verb.p[0] == 'd';
		kit_sign_set(&at, s, &h);
	} else if (sv_eq_str(verb, "flip") && s->n_sigs > 0) {
		s->sig[0].b[s->sig[0].n - 1] ^= 1;
	} else if (sv_eq_str(verb, "cut")) {
		s->sig[0].n = 12;
	} else if (sv_eq_str(verb, "patch") && s->n_sigs > 0) {
		kit_patch(&s->sig[0], line);
	} else if (verb.p[0] == 'n' && s->n_rrs > 0) {
		while (sv_word(&line, &word)) {
			struct sv name = sv_cut(&word, '=');

			(type == RR_NSEC ? kit_n1_field : kit_n3_field)(k, &s->rr[0], name, word);
		}
	} else {
		(void)kit_records(k, verb, s, line);
	}
	*z = kit_apply(*z, &at, s);
	free(s);
}

static struct zone *
kit_script(struct audit_kit *k, struct zone *good, const char *script)
{
	struct zone *z = zone_ref(good);
	struct sv rest = sv_str(script);

	while (rest.n > 0)
		kit_statement(k, &z, sv_cut(&rest, ';'));
	return z;
}

#endif
