/* The apex: SOA, keys, what vouches for them, and what the parent is asked for. */
#include <errno.h>
#include <string.h>

#include "dnssec/audit_internal.h"

static void
say(struct audit *a, enum audit_code code)
{
	sink_say(&a->own, &CAUSE(code), &a->apex);
}

static void
say_alg(struct audit *a, enum audit_code code, uint8_t alg)
{
	struct cause c = CAUSE(code);

	c.alg = alg;
	c.has_alg = true;
	sink_say(&a->own, &c, &a->apex);
}

static void
say_key(struct audit *a, enum audit_code code, uint8_t alg, uint16_t tag)
{
	struct cause c = CAUSE(code);

	c.alg = alg;
	c.tag = tag;
	c.has_key = true;
	sink_say(&a->own, &c, &a->apex);
}

static bool
apex_find(const struct audit *a, uint16_t type, struct zrrset *ret)
{
	return a->apex_node != NULL && znode_find(a->apex_node, type, ret) && ret->n_rrs > 0;
}

/* --- SOA and NS --- */

/* The five numbers behind the two names (RFC 1035 section 3.3.13). */
static bool
soa_read(struct sv rdata, uint32_t ret[static 5])
{
	struct rd r = rd_sv(rdata);
	struct dname name;

	dname_rd(&r, &name);
	dname_rd(&r, &name);
	for (unsigned i = 0; i < 5; i++)
		ret[i] = rd_be32(&r);
	return rd_done(&r);
}

enum { SOA_SERIAL, SOA_REFRESH, SOA_RETRY, SOA_EXPIRE, SOA_MINIMUM };

/*
 * A secondary that lost its primary answers until EXPIRE is over; by then
 * signatures have ended (RFC 6781 section 4.4.1).
 */
static void
soa_expire_check(struct audit *a, const struct zrrset *soa, uint32_t expire)
{
	struct sv rest = soa->sigs, rdata;
	struct rrsig r;
	struct cause c = CAUSE(DNS_SOA_EXPIRE);

	if (!zdata_next(&rest, &rdata) || !rrsig_read(rdata, &r) ||
	    expire <= r.expiration - r.inception)
		return;
	c.values = AUDIT_NUMBERS;
	c.is = expire;
	c.wanted = r.expiration - r.inception;
	sink_say(&a->own, &c, &a->apex);
}

static void
soa_check(struct audit *a)
{
	struct zrrset soa, ns;
	struct sv rest, rdata = { 0 };
	uint32_t n[5];

	if (!apex_find(a, RR_NS, &ns))
		say(a, DNS_APEX_NS);
	if (!apex_find(a, RR_SOA, &soa)) {
		say(a, DNS_SOA_COUNT);
		return;
	}
	if (soa.n_rrs > 1)
		say(a, DNS_SOA_COUNT);
	rest = soa.rrs;
	if (!zdata_next(&rest, &rdata) || !soa_read(rdata, n))
		return;
	/* RFC 9077 section 3: the lesser of the two. */
	a->denial.ttl = soa.ttl < n[SOA_MINIMUM] ? soa.ttl : n[SOA_MINIMUM];
	if (n[SOA_REFRESH] == 0 || n[SOA_RETRY] == 0 || n[SOA_EXPIRE] <= n[SOA_REFRESH])
		say(a, DNS_SOA_TIMES);
	soa_expire_check(a, &soa, n[SOA_EXPIRE]);
}

/* --- keys --- */

static bool
has_dnssec(const struct audit *a)
{
	size_t pos = 0;
	struct zrrset set;

	if (zone_n_nodes(a->z, ZONE_NSEC3) > 0)
		return true;
	while (a->apex_node != NULL && znode_next(a->apex_node, &pos, &set))
		if (set.n_sigs > 0 || set.type == RR_DNSKEY || set.type == RR_NSEC ||
		    set.type == RR_NSEC3PARAM)
			return true;
	return false;
}

static uint8_t
alg_add(struct audit *a, uint8_t alg)
{
	for (unsigned i = 0; i < a->n_algs; i++)
		if (a->algs[i] == alg)
			return (uint8_t)i;
	if (a->n_algs == AUDIT_ALGS_MAX) {
		say(a, DNS_KEYS_MANY);
		return NO_ALG;
	}
	a->algs[a->n_algs] = alg;
	return (uint8_t)a->n_algs++;
}

static void
alg_check(struct audit *a, uint8_t alg)
{
	const struct dnssec_alg *row = dnssec_alg_find(alg);

	if (row == NULL || !crypto_dns_alg(alg))
		say_alg(a, DNS_ALG_UNKNOWN, alg);
	else if (row->use_sign < ALG_MAY)
		say_alg(a, DNS_ALG_DEPRECATED, alg);
}

static bool
is_rsa(uint8_t alg)
{
	return alg == 5 || alg == 7 || alg == 8 || alg == 10;
}

static int
key_prepare(struct audit *a, struct akey *k)
{
	int rc = crypto_pub_new(k->k.alg, k->k.public_key, &k->pub);

	if (rc == -ENOTSUP)
		return 0;
	if (rc == -EINVAL) {
		say_key(a, DNS_KEY_FORM, k->k.alg, k->tag);
		k->zone = false;
		return 0;
	}
	if (rc == 0 && is_rsa(k->k.alg) && crypto_pub_bits(k->pub) < 2048)
		say_key(a, DNS_KEY_SIZE, k->k.alg, k->tag);
	return rc;
}

static int
key_add(struct audit *a, struct sv rdata)
{
	struct akey *k;

	if (a->n_keys == AUDIT_KEYS_MAX) {
		say(a, DNS_KEYS_MANY);
		return 0;
	}
	k = &a->keys[a->n_keys++];
	*k = (struct akey){ .rdata = rdata, .alg_i = NO_ALG, .tag = dnskey_tag(rdata) };
	if (dnskey_parse(rdata, &k->k) < 0) {
		say_key(a, DNS_KEY_FORM, 0, k->tag);
		return 0;
	}
	k->revoked = (k->k.flags & DNSKEY_REVOKE) != 0;
	k->zone = (k->k.flags & DNSKEY_ZONE) != 0 && k->k.protocol == 3;
	if (k->k.protocol != 3)
		say_key(a, DNS_KEY_PROTOCOL, k->k.alg, k->tag);
	else if (!k->zone)
		say_key(a, DNS_KEY_NOT_ZONE, k->k.alg, k->tag);
	return k->zone ? key_prepare(a, k) : 0;
}

static void
keys_say(struct audit *a)
{
	bool sep = false, computed = false;

	for (size_t i = 0; i < a->n_keys; i++) {
		const struct akey *k = &a->keys[i];

		if (!k->zone)
			continue;
		sep |= (k->k.flags & DNSKEY_SEP) != 0 && !k->revoked;
		computed |= k->pub != NULL;
		if (k->revoked)
			say_key(a, DNS_KEY_REVOKED, k->k.alg, k->tag);
		for (size_t j = 0; j < i; j++)
			if (a->keys[j].zone && a->keys[j].tag == k->tag &&
			    a->keys[j].k.alg == k->k.alg)
				say_key(a, DNS_KEY_TAGS, k->k.alg, k->tag);
	}
	for (unsigned i = 0; i < a->n_algs; i++)
		alg_check(a, a->algs[i]);
	if (a->n_algs > 0 && !sep)
		say(a, DNS_KEY_SEP);
	if (a->n_algs > 0 && !computed)
		say(a, DNS_ALG_NONE);
}

static int
keys_begin(struct audit *a)
{
	struct zrrset set;
	struct sv rest, rdata;
	int rc = 0;

	if (!apex_find(a, RR_DNSKEY, &set)) {
		say(a, DNS_DNSKEY_MISSING);
		return 0;
	}
	rest = set.rrs;
	while (rc == 0 && zdata_next(&rest, &rdata))
		rc = key_add(a, rdata);
	for (size_t i = 0; i < a->n_keys; i++) {
		struct akey *k = &a->keys[i];

		if (k->zone && !k->revoked)
			k->alg_i = alg_add(a, k->k.alg);
	}
	a->has_keys = a->n_algs > 0;
	if (!a->has_keys)
		say(a, DNS_DNSKEY_MISSING);
	keys_say(a);
	return rc;
}

void
keys_done(struct audit *a)
{
	for (size_t i = 0; i < a->n_keys; i++)
		(void)crypto_pub_free(a->keys[i].pub);
}

int
apex_begin(struct audit *a)
{
	a->apex_node = zone_apex_node(a->z);
	a->is_signed = has_dnssec(a);
	soa_check(a);
	if (!a->is_signed) {
		say(a, a->opts->n_anchors > 0 ? DNS_UNSIGNED_DS : DNS_UNSIGNED);
		return 0;
	}
	return keys_begin(a);
}

/* --- what vouches for the keys --- */

/* The keys that DS or DNSKEY data name, as bits. */
static uint64_t
keys_named(const struct audit *a, uint16_t type, struct sv rdata)
{
	uint64_t bits = 0;

	for (size_t i = 0; i < a->n_keys; i++) {
		const struct akey *k = &a->keys[i];

		if (k->zone && !k->revoked && (type == RR_DS ? ds_matches(rdata, &a->apex, k->rdata) :
		    sv_eq(rdata, k->rdata)))
			bits |= (uint64_t)1 << i;
	}
	return bits;
}

/* Do we compute that digest? Of others nobody can say whose they are (RFC 6840 section 5.2). */
static bool
is_computed(uint8_t digest_type)
{
	return digest_type == 1 || digest_type == 2 || digest_type == 4;
}

/*
 * RFC 4509 section 3: validators "SHOULD ignore DS RRs containing SHA-1 digests
 * if DS RRs with SHA-256 digests are present in the DS RRset".
 */
static bool
is_ignored(uint16_t type, struct sv rdata, bool has_sha2)
{
	struct ds d;

	return has_sha2 && type == RR_DS && ds_parse(rdata, &d) == 0 && d.digest_type == 1;
}

static bool
is_sha2(uint16_t type, struct sv rdata)
{
	struct ds d;

	return type == RR_DS && ds_parse(rdata, &d) == 0 && (d.digest_type == 2 || d.digest_type == 4);
}

/* Algorithm and tag of DS or DNSKEY data; false where nobody can use them. */
static bool
anchor_read(uint16_t type, struct sv rdata, uint8_t *ret_alg, uint16_t *ret_tag)
{
	struct dnskey k;
	struct ds d;

	if (type == RR_DNSKEY) {
		if (dnskey_parse(rdata, &k) < 0)
			return false;
		*ret_alg = k.alg;
		*ret_tag = dnskey_tag(rdata);
		return true;
	}
	if (ds_parse(rdata, &d) < 0 || !is_computed(d.digest_type))
		return false;
	*ret_alg = d.alg;
	*ret_tag = d.tag;
	return true;
}

/* A DS RRset, or one to be: a code for each way in which it can fail. */
struct vouch {
	uint16_t	type;			/* RR_DS or RR_DNSKEY: how to read them */
	enum audit_code	form, unused, mismatch, silent;
};

/* By algorithm: keys named at all. */
struct vouched {
	uint64_t	named[256];
	bool		seen[256];
	bool		has_sha2;		/* DS with SHA-1 count for nothing then */
};

static uint64_t
vouch_one(struct audit *a, const struct vouch *v, uint16_t type, struct sv rdata,
    struct vouched *by)
{
	uint64_t keys;
	uint8_t alg;
	uint16_t tag;

	if (is_ignored(type, rdata, by->has_sha2))
		return 0;
	if (!anchor_read(type, rdata, &alg, &tag)) {
		say(a, v->form);
		return 0;
	}
	keys = keys_named(a, type, rdata);
	if (keys == 0)
		say_key(a, v->unused, alg, tag);
	by->seen[alg] = true;
	by->named[alg] |= keys;
	return keys;
}

/*
 * RFC 4035 section 2.2: "The apex DNSKEY RRset itself MUST be signed by each
 * algorithm appearing in the DS RRset."
 */
static void
vouch_judge(struct audit *a, const struct vouch *v, const struct vouched *by)
{
	for (unsigned alg = 0; alg < 256; alg++) {
		if (!by->seen[alg])
			continue;
		if (by->named[alg] == 0)
			say_alg(a, v->mismatch, (uint8_t)alg);
		else if ((by->named[alg] & (a->own.signs_dnskey | a->own.tried_dnskey)) == 0)
			say_alg(a, v->silent, (uint8_t)alg);
	}
}

static uint64_t
anchors_check(struct audit *a)
{
	static const struct vouch v = { .form = DNS_DS_FORM, .unused = DNS_DS_UNUSED,
	    .mismatch = DNS_DS_MISMATCH, .silent = DNS_DS_SILENT };
	struct vouched by = { 0 };
	uint64_t keys = 0;

	if (a->opts->n_anchors == 0) {
		say(a, DNS_ANCHOR_NONE);
		return 0;
	}
	for (size_t i = 0; i < a->opts->n_anchors; i++)
		by.has_sha2 |= is_sha2(a->opts->anchors[i].type, a->opts->anchors[i].rdata);
	for (size_t i = 0; i < a->opts->n_anchors; i++) {
		const struct audit_anchor *an = &a->opts->anchors[i];

		keys |= vouch_one(a, &v, an->type == RR_DNSKEY ? RR_DNSKEY : RR_DS, an->rdata, &by);
	}
	vouch_judge(a, &v, &by);
	return keys;
}

/* --- CDS and CDNSKEY --- */

/* RFC 8078 section 4: "0 0 0 00" and "0 3 0 AA==". */
static bool
is_delete(uint16_t type, struct sv rdata)
{
	return sv_eq(rdata, type == RR_CDS ? cds_delete() : cdnskey_delete());
}

static bool
has_delete(const struct zrrset *set)
{
	struct sv rest = set->rrs, rdata;

	while (zdata_next(&rest, &rdata))
		if (is_delete(set->type, rdata))
			return true;
	return false;
}

static void
cds_sets_check(struct audit *a, const struct zrrset *set)
{
	static const struct vouch v = { .form = DNS_CDS_FORM, .unused = DNS_CDS_NO_KEY,
	    .mismatch = DNS_CDS_BREAKS, .silent = DNS_CDS_BREAKS };
	struct vouched by = { 0 };
	uint16_t type = set->type == RR_CDS ? RR_DS : RR_DNSKEY;
	struct sv rest = set->rrs, rdata;

	while (zdata_next(&rest, &rdata))
		by.has_sha2 |= is_sha2(type, rdata);
	rest = set->rrs;
	while (zdata_next(&rest, &rdata))
		(void)vouch_one(a, &v, type, rdata, &by);
	vouch_judge(a, &v, &by);
}

static bool
cds_names(struct sv cds, const struct zrrset *cdnskey, const struct dname *apex)
{
	struct sv rest = cdnskey->rrs, rdata;

	while (zdata_next(&rest, &rdata))
		if (ds_matches(cds, apex, rdata))
			return true;
	return false;
}

static bool
is_named(struct sv key, const struct zrrset *cds, const struct dname *apex)
{
	struct sv rest = cds->rrs, rdata;

	while (zdata_next(&rest, &rdata))
		if (ds_matches(rdata, apex, key))
			return true;
	return false;
}

/* RFC 7344 section 4: "If the Child publishes both, the two RRsets MUST match in content." */
static bool
cds_agree(const struct audit *a, const struct zrrset *cds, const struct zrrset *cdnskey)
{
	struct sv rest = cds->rrs, rdata;

	if (has_delete(cds) || has_delete(cdnskey))
		return has_delete(cds) && has_delete(cdnskey);
	while (zdata_next(&rest, &rdata)) {
		uint8_t alg;
		uint16_t tag;

		if (anchor_read(RR_DS, rdata, &alg, &tag) && !cds_names(rdata, cdnskey, &a->apex))
			return false;
	}
	rest = cdnskey->rrs;
	while (zdata_next(&rest, &rdata))
		if (!is_named(rdata, cds, &a->apex))
			return false;
	return true;
}

static void
cds_set_check(struct audit *a, const struct zrrset *set, uint64_t signers, uint64_t anchored)
{
	if (has_delete(set)) {
		say(a, set->n_rrs > 1 ? DNS_CDS_DELETE_MIXED : DNS_CDS_DELETE);
		return;
	}
	cds_sets_check(a, set);
	/* RFC 7344 section 4.1: by a key in both the current DNSKEY and DS RRsets. */
	if (a->opts->n_anchors > 0 && (signers & anchored) == 0)
		sink_say(&a->own, &CAUSE_TYPE(DNS_CDS_SIGNER, set->type), &a->apex);
}

static void
cds_check(struct audit *a, uint64_t anchored)
{
	struct zrrset cds, cdnskey;
	bool has_cds = apex_find(a, RR_CDS, &cds), has_key = apex_find(a, RR_CDNSKEY, &cdnskey);

	if (has_cds)
		cds_set_check(a, &cds, a->own.signs_cds, anchored);
	if (has_key)
		cds_set_check(a, &cdnskey, a->own.signs_cdnskey, anchored);
	if (has_cds && has_key && !cds_agree(a, &cds, &cdnskey))
		say(a, DNS_CDS_DIFFER);
}

/* With the units' outputs merged into own. */
void
apex_end(struct audit *a)
{
	uint64_t anchored;

	if (!a->has_keys)
		return;
	anchored = anchors_check(a);
	for (size_t i = 0; i < a->n_keys; i++)
		a->keys[i].anchored = (anchored >> i & 1) != 0;
	cds_check(a, anchored);
}
