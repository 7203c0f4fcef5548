#include "app/zone_past.h"

#include <errno.h>
#include <stdio.h>

#include "base/err.h"
#include "dnssec/dnssec.h"

static uint32_t
bit(unsigned i)
{
	return UINT32_C(1) << i;
}

/* --- reading --- */

static int
dnskey_add(struct zone_past *p, struct sv rdata, const struct audit_result *r, unsigned index)
{
	struct zone_past_key *k = &p->keys[p->n_keys];
	struct dnskey key;

	if (dnskey_parse(rdata, &key) < 0)
		return 0;		/* the audit says so */
	if (p->n_keys == ZONE_PAST_KEYS_MAX)
		return SE_LIMIT;
	*k = (struct zone_past_key){ .rdata = rdata, .tag = dnskey_tag(rdata), .alg = key.alg,
		.sep = (key.flags & DNSKEY_SEP) != 0 };
	/* Both lists are in the order of the set. */
	if (index < r->n_keys && r->keys[index].tag == k->tag && r->keys[index].alg == k->alg) {
		k->bits = r->keys[index].bits;
		k->n_sigs = r->keys[index].n_sigs;
	}
	p->n_keys++;
	return 0;
}

/* Who may have made it: of keys with one tag, those by which the audit verified any. */
static uint32_t
signer_bits(const struct zone_past *p, struct sv sig, int64_t *ret_end)
{
	struct rd r = rd_sv(sig);
	uint32_t all = 0, sure = 0, end;
	uint16_t tag;
	uint8_t alg;

	(void)rd_be16(&r);
	alg = rd_u8(&r);
	(void)rd_u8(&r);
	(void)rd_be32(&r);
	end = rd_be32(&r);
	(void)rd_be32(&r);
	tag = rd_be16(&r);
	for (unsigned i = 0; i < p->n_zone_keys && !r.bad; i++) {
		if (p->keys[i].tag != tag || p->keys[i].alg != alg)
			continue;
		all |= bit(i);
		sure |= p->keys[i].n_sigs > 0 ? bit(i) : 0;
	}
	*ret_end = min_i64(*ret_end, end);
	return sure != 0 ? sure : all;
}

static void
data_add(struct zone_past *p, uint32_t signers, int64_t end)
{
	for (unsigned i = 0; i < p->n_data; i++)
		if (p->data[i].signers == signers) {
			p->data[i].first_end = min_i64(p->data[i].first_end, end);
			return;
		}
	if (p->n_data < ZONE_PAST_DATA_MAX)
		p->data[p->n_data++] = (struct zone_past_data){ signers, end };
}

/* Two keys that one signature may be of: each case for itself. */
static void
data_add_cases(struct zone_past *p, uint32_t signers, bool doubt, int64_t end)
{
	if (!doubt) {
		data_add(p, signers, end);
		return;
	}
	p->shared_tags = true;
	for (unsigned i = 0; i < p->n_zone_keys; i++)
		if ((signers & bit(i)) != 0)
			data_add(p, bit(i), end);
}

static void
rrset_read(struct zone_past *p, const struct zrrset *set)
{
	struct sv rest = set->sigs, sig;
	int64_t end = TIME_NEVER;
	uint32_t signers = 0;
	bool doubt = false;

	if (set->n_sigs == 0 && set->type != RR_DNSKEY) {
		p->zone_ttl = set->ttl > p->zone_ttl ? set->ttl : p->zone_ttl;
		return;
	}
	while (zdata_next(&rest, &sig)) {
		uint32_t one = signer_bits(p, sig, &end);

		doubt = doubt || (one & (one - 1)) != 0;
		signers |= one;
	}
	if (set->type == RR_DNSKEY) {
		p->dnskey_ttl = set->ttl;
		p->dnskey_sigs = signers;
		p->dnskey_end = end;
		return;
	}
	p->zone_ttl = set->ttl > p->zone_ttl ? set->ttl : p->zone_ttl;
	if (set->type != RR_CDS && set->type != RR_CDNSKEY)
		data_add_cases(p, signers, doubt, end);
}

static void
part_read(struct zone_past *p, const struct zone *z, enum zone_part part)
{
	struct zone_it it = zone_begin(z, part);
	struct znode *node;

	while ((node = zone_next(&it)) != NULL) {
		struct zrrset set;
		size_t pos = 0;

		while (znode_next(node, &pos, &set))
			rrset_read(p, &set);
	}
}

/* --- the parent --- */

static int
ds_add(struct zone_past *p, struct sv rdata)
{
	struct zone_past_key *k;
	struct ds ds;

	for (unsigned i = 0; i < p->n_zone_keys; i++)
		if (ds_matches(rdata, &p->apex, p->keys[i].rdata)) {
			p->keys[i].has_ds = true;
			return 0;
		}
	if (ds_parse(rdata, &ds) < 0)
		return -EINVAL;
	for (unsigned i = p->n_zone_keys; i < p->n_keys; i++)
		if (p->keys[i].tag == ds.tag && p->keys[i].alg == ds.alg)
			return 0;	/* another digest of it, as far as anybody can tell */
	if (p->n_keys == ZONE_PAST_KEYS_MAX)
		return SE_LIMIT;
	k = &p->keys[p->n_keys++];
	*k = (struct zone_past_key){ .tag = ds.tag, .alg = ds.alg, .has_ds = true };
	return 0;
}

bool
zone_past_signs_data(const struct zone_past *p, unsigned key)
{
	for (unsigned i = 0; i < p->n_data; i++)
		if ((p->data[i].signers & bit(key)) != 0)
			return true;
	return false;
}

enum ks_role
zone_past_role(const struct zone_past *p, unsigned key)
{
	bool data = zone_past_signs_data(p, key), keys = (p->dnskey_sigs & bit(key)) != 0;
	bool split = false;

	if (data)
		return keys ? KS_CSK : KS_ZSK;
	if (keys)
		return KS_KSK;
	/* It does nothing yet: what would it do among the others? */
	for (unsigned i = 0; i < p->n_zone_keys; i++)
		split = split || (zone_past_signs_data(p, i) && (p->dnskey_sigs & bit(i)) == 0);
	return !p->keys[key].sep ? KS_ZSK : split ? KS_KSK : KS_CSK;
}

static void
names_give(struct zone_past *p)
{
	static const char *const roles[KS_ROLE_MAX] = { "ksk", "zsk", "csk" };

	for (unsigned i = 0; i < p->n_keys; i++) {
		const char *role = i < p->n_zone_keys ? roles[zone_past_role(p, i)] : "ds";
		unsigned n = 0, before = 0;

		for (unsigned k = 0; k < p->n_keys; k++)
			if (p->keys[k].tag == p->keys[i].tag) {
				n++;
				before += k < i;
			}
		snprintf(p->keys[i].name, sizeof(p->keys[i].name), n > 1 ? "%s%u-%c" : "%s%u", role,
		    p->keys[i].tag, 'a' + (int)before % 26);
	}
}

int
zone_past_read(const struct zone *z, const struct audit_result *r, const struct audit_anchor *ds,
    size_t n_ds, struct zone_past *ret)
{
	const struct znode *apex = zone_apex_node(z);
	struct zone_past p = { .apex = *zone_apex(z), .dnskey_end = TIME_NEVER,
		.nsec3 = r->denial == AUDIT_NSEC3, .opt_out = r->counts.n_optout > 0 };
	struct zrrset set;
	struct sv rest, rdata;
	int rc = 0;

	if (apex != NULL && znode_find(apex, RR_DNSKEY, &set)) {
		rest = set.rrs;
		for (unsigned i = 0; rc == 0 && zdata_next(&rest, &rdata); i++)
			rc = dnskey_add(&p, rdata, r, i);
	}
	p.n_zone_keys = p.n_keys;
	part_read(&p, z, ZONE_NAMES);
	part_read(&p, z, ZONE_NSEC3);
	if (p.n_data == 0)
		data_add(&p, 0, TIME_NEVER);
	if (p.n_zone_keys == 0)
		p.dnskey_ttl = p.zone_ttl;
	for (size_t i = 0; i < n_ds && rc == 0; i++)
		if (ds[i].type == RR_DS)
			rc = ds_add(&p, ds[i].rdata);
	if (rc < 0)
		return rc;
	names_give(&p);
	*ret = p;
	return 0;
}

/* --- as a history --- */

/* Renewed in time: valid since ever and for ever. What has ended already, has. */
static int
sigs_add(struct timeline *h, unsigned version, uint32_t signers, int64_t end, const struct zone_past_when *w)
{
	bool ends = w->signatures_end || end < w->now + w->skew_sec;
	int rc = 0;

	for (unsigned i = 0; i < ZONE_PAST_KEYS_MAX && rc == 0; i++)
		if ((signers & bit(i)) != 0)
			rc = timeline_version_sig(h, version,
			    &(struct timeline_sig){ i, 0, ends ? end : TIME_NEVER });
	return rc;
}

static int
serve(struct timeline *h, unsigned version, uint32_t ttl, const struct zone_past_when *w)
{
	return timeline_serve_add(h, version, &(struct timeline_serve){ { w->since, TIME_NEVER },
	    ttl + w->delay_sec });
}

static int
ds_write_past(const struct zone_past *p, const struct zone_past_when *w, struct timeline *h)
{
	bool any = false;
	unsigned v;
	int rc = timeline_version_add(h, TIMELINE_DS, SV("ds-now"), (struct sv){ 0 }, &v);

	for (unsigned i = 0; i < p->n_keys && rc == 0; i++)
		if (p->keys[i].has_ds) {
			any = true;
			rc = timeline_version_key(h, v, i);
		}
	if (rc == 0)
		rc = serve(h, v, w->ds_ttl, w);
	if (rc == 0 && any)
		rc = timeline_secure_add(h, &(struct timeline_span){ w->since, TIME_NEVER });
	return rc;
}

static int
dnskey_write_past(const struct zone_past *p, const struct zone_past_when *w, struct timeline *h)
{
	unsigned v;
	int rc = timeline_version_add(h, TIMELINE_DNSKEY, SV("keys-now"), (struct sv){ 0 }, &v);

	for (unsigned i = 0; i < p->n_zone_keys && rc == 0; i++)
		rc = timeline_version_key(h, v, i);
	if (rc == 0)
		rc = sigs_add(h, v, p->dnskey_sigs, p->dnskey_end, w);
	return rc == 0 ? serve(h, v, p->dnskey_ttl, w) : rc;
}

static int
data_write_past(const struct zone_past *p, unsigned i, const struct zone_past_when *w, struct timeline *h)
{
	char id[16], class[16];
	unsigned v;
	int rc;

	snprintf(id, sizeof(id), i == 0 ? "data-now" : "data-now-%u", i + 1);
	snprintf(class, sizeof(class), "data%u", i + 1);
	rc = timeline_version_add(h, TIMELINE_DATA, sv_str(id), sv_str(class), &v);
	if (rc == 0)
		rc = sigs_add(h, v, p->data[i].signers, p->data[i].first_end, w);
	return rc == 0 ? serve(h, v, p->zone_ttl, w) : rc;
}

int
zone_past_timeline(const struct zone_past *p, const struct zone_past_when *w, struct timeline **ret)
{
	_cleanup_(timeline_freep) struct timeline *h = timeline_new();
	unsigned index;
	int rc = h == NULL ? -ENOMEM : timeline_skew_set(h, w->skew_sec);

	for (unsigned i = 0; i < p->n_keys && rc == 0; i++)	/* the same places: see sigs_add() */
		rc = timeline_key_add(h, sv_str(p->keys[i].name), p->keys[i].alg, &index);
	if (rc == 0)
		rc = ds_write_past(p, w, h);
	if (rc == 0)
		rc = dnskey_write_past(p, w, h);
	for (unsigned i = 0; i < p->n_data && rc == 0; i++)
		rc = data_write_past(p, i, w, h);
	if (rc < 0)
		return rc;
	timeline_strict_set(h, w->strict);
	*ret = TAKE_PTR(h);
	return 0;
}

/* --- as a key state --- */

void
zone_past_policy(const struct zone_past *p, uint32_t ds_ttl, struct dnssec_policy *policy)
{
	bool split = false;

	policy->parent_ds_ttl = ds_ttl;
	if (p->zone_ttl > 0)
		policy->max_zone_ttl = p->zone_ttl;
	policy->denial = p->opt_out ? POLICY_NSEC3_OPTOUT : p->nsec3 ? POLICY_NSEC3 : POLICY_NSEC;
	if (p->n_zone_keys == 0)
		return;
	policy->dnskey_ttl = p->dnskey_ttl;
	for (unsigned i = 0; i < p->n_zone_keys; i++) {
		bool data = zone_past_signs_data(p, i), keys = (p->dnskey_sigs & bit(i)) != 0;
		enum ks_role role = zone_past_role(p, i);

		split = split || role != KS_CSK;
		if (!data && !keys) {
			policy->standby_ksk += role != KS_ZSK && policy->standby_ksk < 3;
			policy->standby_zsk += role == KS_ZSK && policy->standby_zsk < 3;
			continue;
		}
		policy->algorithm = p->keys[i].alg;
		if (p->keys[i].bits > 0 && role == KS_ZSK)
			policy->zsk_bits = p->keys[i].bits;
		else if (p->keys[i].bits > 0)
			policy->ksk_bits = p->keys[i].bits;
	}
	policy->keys = split ? POLICY_SPLIT : POLICY_CSK;
}

static int
keys_import(const struct zone_past *p, int64_t since, int64_t active, struct keystate *st)
{
	int rc = 0;

	for (unsigned i = 0; i < p->n_zone_keys && rc == 0; i++) {
		bool used = zone_past_signs_data(p, i) || (p->dnskey_sigs & bit(i)) != 0;
		struct dnskey key = { 0 };
		uint32_t number;

		if (dnskey_parse(p->keys[i].rdata, &key) < 0)
			return -EINVAL;
		rc = keystate_add_key(st, &(struct keystate_newkey){ .role = zone_past_role(p, i),
		    .alg = key.alg, .tag = p->keys[i].tag, .bits = p->keys[i].bits,
		    .flags = KS_FLAG_BACKED_UP | ((key.flags & DNSKEY_REVOKE) != 0 ? KS_FLAG_REVOKED : 0u),
		    .goal = used ? KS_GOAL_OMNIPRESENT : KS_GOAL_STANDBY, .public_key = key.public_key,
		    .active = used ? active : 0 }, since, &number);
	}
	return rc;
}

int
zone_past_keystate(const struct zone_past *p, const struct dnssec_policy *policy, int64_t since,
    int64_t active, struct findings *fs, struct keystate *ret)
{
	struct keystate_child c = { .at = since, .complete = true, .ttl_max = p->zone_ttl, .n_dnskey = 1,
		.dnskey[0] = { .sigs = p->dnskey_sigs, .ttl_sec = p->dnskey_ttl } };
	struct keystate_parent d = { .at = since, .complete = true, .n_ds = 1,
		.ds[0].ttl_sec = policy->parent_ds_ttl };
	struct keystate_step step;
	struct keystate st;
	int rc;

	keystate_init(&st, since);
	if ((rc = keys_import(p, since, active, &st)) < 0)
		return rc;
	for (unsigned i = 0; i < p->n_zone_keys; i++)	/* places are in the order of adding */
		c.dnskey[0].keys |= bit(i);
	for (unsigned i = 0; i < p->n_data; i++)
		c.data[c.n_data++] = (struct keystate_seen){ .sigs = p->data[i].signers, .ttl_sec = p->zone_ttl };
	for (unsigned i = 0; i < p->n_keys; i++) {
		if (!p->keys[i].has_ds)
			continue;
		if (i < p->n_zone_keys)
			d.ds[0].keys |= bit(i);
		else
			d.ds[0].foreign = true;
	}
	if (p->n_zone_keys > 0) {
		keystate_distrust(&st);
		rc = keystate_next(&st, policy, &(struct keystate_observations){ &c, &d }, since, fs, &step);
	}
	*ret = st;
	return rc;
}
