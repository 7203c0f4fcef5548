/* Names: who has authority over what, and what may stand together. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "dnssec/audit_internal.h"

struct worker *
worker_new(struct audit *a, struct sink *out)
{
	struct worker *w = calloc(1, sizeof(*w));

	if (w == NULL)
		return NULL;
	w->a = a;
	w->out = out;
	return w;
}

struct worker *
worker_free(struct worker *w)
{
	if (w == NULL)
		return NULL;
	free(w->b.sets);
	free(w->b.sigs);
	free(w->b.checks);
	free(w->b.covered);
	free(w->b.tbs);
	free(w->b.bytes);
	free(w->h);
	free(w);
	return NULL;
}

void
worker_say(struct worker *w, const struct cause *c)
{
	sink_say(w->out, c, &w->name);
}

void
worker_say_at(struct worker *w, const struct cause *c, enum zone_part part,
    const struct znode *node)
{
	struct dname name;

	znode_name(w->a->z, part, node, &name);
	sink_say(w->out, c, &name);
}

static void
say(struct worker *w, enum audit_code code)
{
	worker_say(w, &CAUSE(code));
}

static void
say_type(struct worker *w, enum audit_code code, uint16_t type)
{
	worker_say(w, &CAUSE_TYPE(code, type));
}

/* --- what a node is --- */

/* What proves and signs is no data (RFC 4035 section 2.3). */
static bool
is_denial(uint16_t type)
{
	return type == RR_NSEC || type == RR_NSEC3 || type == RR_RRSIG;
}

bool
node_exists(const struct znode *n)
{
	size_t pos = 0;
	struct zrrset set;

	while (znode_next(n, &pos, &set))
		if (set.n_rrs > 0 && !is_denial(set.type))
			return true;
	return false;
}

bool
node_has(const struct znode *n, uint16_t type)
{
	struct zrrset set;

	return znode_find(n, type, &set) && set.n_rrs > 0;
}

bool
node_is_cut(const struct znode *n)
{
	return znode_key(n).n > 0 && node_has(n, RR_NS);
}

bool
key_occluded(const struct zone *z, struct sv key, const struct znode **ret)
{
	uint16_t lens[DNS_LABELS_MAX + 1];
	size_t n = 0, len = key.n;

	while (len > 0 && n < ARRAY_LEN(lens)) {
		len = dkey_parent((const uint8_t *)key.p, len);
		lens[n++] = (uint16_t)len;
	}
	while (n > 0) {
		const struct znode *up = zone_find(z, ZONE_NAMES, sv_take(key, lens[--n]));

		if (up != NULL && (node_is_cut(up) || node_has(up, RR_DNAME))) {
			*ret = up;
			return true;
		}
	}
	return false;
}

/* Behind all keys: no octet of one is greater, and none is longer. */
static struct zone_it
names_end(const struct zone *z)
{
	uint8_t last[DNS_KEY_MAX];

	memset(last, 0xff, sizeof(last));
	return zone_seek(z, ZONE_NAMES, (struct sv){ (const char *)last, sizeof(last) });
}

const struct znode *
name_before(const struct zone *z, struct sv key)
{
	struct zone_it it = zone_seek(z, ZONE_NAMES, key);
	bool around = false;

	for (unsigned i = 0; i < AUDIT_JUNK_MAX; i++) {
		const struct znode *p = zone_prev(&it), *cut;

		if (p == NULL && around)
			return NULL;
		if (p == NULL) {
			around = true;
			it = names_end(z);
			continue;
		}
		if (key_occluded(z, znode_key(p), &cut))
			return cut;
		if (node_exists(p))
			return p;
	}
	return NULL;
}

/* The first place behind the names below: no key of a label goes on with a one. */
static struct zone_it
behind_below(const struct zone *z, struct sv key)
{
	uint8_t k[DNS_KEY_MAX];

	if (key.n == 0)
		return names_end(z);
	memcpy(k, key.p, key.n);
	k[key.n - 1] = 1;
	return zone_seek(z, ZONE_NAMES, (struct sv){ (const char *)k, key.n });
}

const struct znode *
name_behind(const struct zone *z, struct sv key)
{
	struct zone_it it = zone_seek(z, ZONE_NAMES, key);
	unsigned around = 0;

	for (unsigned i = 0; i < AUDIT_JUNK_MAX && around < 2; i++) {
		const struct znode *p = zone_next(&it), *cut;

		if (p == NULL) {
			around++;
			it = zone_begin(z, ZONE_NAMES);
		} else if (key_occluded(z, znode_key(p), &cut)) {
			it = behind_below(z, znode_key(cut));
		} else if (!sv_eq(znode_key(p), key) && node_exists(p)) {
			return p;
		}
	}
	return NULL;
}

/* --- what may stand together --- */

static bool
has_address(const struct znode *n)
{
	return node_has(n, RR_A) || node_has(n, RR_AAAA);
}

/* Does the name exist, itself or by what is below it (RFC 4592 section 2.2.3)? */
static bool
key_exists(const struct zone *z, struct sv key)
{
	struct zone_it it = zone_seek(z, ZONE_NAMES, key);
	const struct znode *n;

	for (unsigned i = 0; i < AUDIT_JUNK_MAX && (n = zone_next(&it)) != NULL; i++) {
		struct sv k = znode_key(n);

		if (!dkey_within((const uint8_t *)k.p, k.n, (const uint8_t *)key.p, key.n))
			return false;
		if (node_exists(n))
			return true;
	}
	return false;
}

/* What answers for the name: its own node, or the wildcard below its closest encloser. */
static const struct znode *
answer_find(const struct audit *a, struct sv key)
{
	struct dname encloser, wild;
	struct dkey k;

	if (key.n == 0 || key_exists(a->z, key))
		return zone_find(a->z, ZONE_NAMES, key);
	do
		key.n = dkey_parent((const uint8_t *)key.p, key.n);
	while (key.n > 0 && !key_exists(a->z, key));
	dkey_name((const uint8_t *)key.p, key.n, &a->apex, &encloser);
	if (dname_prepend(SV("*"), &encloser, &wild) < 0 || dkey_of(&wild, &a->apex, &k) < 0)
		return NULL;
	return zone_find(a->z, ZONE_NAMES, (struct sv){ (const char *)k.b, k.len });
}

/* A name server of which no glue is wanted, and that has no address of its own. */
static void
ns_elsewhere(struct worker *w, struct sv key)
{
	const struct audit *a = w->a;
	const struct znode *n, *cut;

	if (key_occluded(a->z, key, &cut))
		return;
	n = answer_find(a, key);
	if (n != NULL && (node_is_cut(n) || has_address(n)))
		return;
	say(w, n != NULL && node_has(n, RR_CNAME) ? DNS_NS_CNAME : DNS_NS_NO_ADDRESS);
}

/* A name server in this zone has addresses: glue, or authoritative ones. */
static void
ns_target(struct worker *w, const struct znode *node, const struct dname *target)
{
	const struct audit *a = w->a;
	struct sv owner = znode_key(node), key;
	const struct znode *n;
	struct dkey k;

	if (!dname_within(target, &a->apex) || dkey_of(target, &a->apex, &k) < 0)
		return;
	key = (struct sv){ (const char *)k.b, k.len };
	n = zone_find(a->z, ZONE_NAMES, key);
	if (n != NULL && has_address(n))
		return;
	if (n != NULL && node_has(n, RR_CNAME))
		say(w, DNS_NS_CNAME);
	else if (owner.n > 0 && dkey_within(k.b, k.len, (const uint8_t *)owner.p, owner.n))
		say(w, DNS_GLUE_MISSING);
	else
		ns_elsewhere(w, key);
}

static void
ns_check(struct worker *w, const struct znode *node)
{
	struct zrrset ns;
	struct sv rest, rdata;

	if (!znode_find(node, RR_NS, &ns))
		return;
	rest = ns.rrs;
	while (zdata_next(&rest, &rdata)) {
		struct rd r = rd_sv(rdata);
		struct dname target;

		dname_rd(&r, &target);
		if (!r.bad)
			ns_target(w, node, &target);
	}
}

/* RFC 1034 section 3.6.2, RFC 2181 section 10.1, RFC 6672 section 2.4. */
static void
alone_check(struct worker *w, const struct znode *node)
{
	size_t pos = 0;
	struct zrrset set, cname;
	bool is_cname = znode_find(node, RR_CNAME, &cname) && cname.n_rrs > 0;

	if (is_cname && cname.n_rrs > 1)
		say_type(w, DNS_CNAME_MANY, RR_CNAME);
	while (znode_next(node, &pos, &set)) {
		if (set.type == RR_DNAME && set.n_rrs > 1)
			say_type(w, DNS_CNAME_MANY, RR_DNAME);
		if (is_cname && set.n_rrs > 0 && set.type != RR_CNAME && !is_denial(set.type) &&
		    set.type != RR_KEY)
			say_type(w, DNS_CNAME_OTHER, set.type);
	}
}

/* RFC 4592 sections 4.2, 4.4 and 4.6: what is allowed at a wildcard, but means nothing. */
static void
wildcard_check(struct worker *w, const struct znode *node)
{
	if (!dname_is_wild(w->name.w))
		return;
	if (node_has(node, RR_NS))
		say_type(w, DNS_WILDCARD_CUT, RR_NS);
	if (node_has(node, RR_DS))
		say_type(w, DNS_WILDCARD_CUT, RR_DS);
	if (node_has(node, RR_DNAME))
		say(w, DNS_WILDCARD_DNAME);
}

static void
name_check(struct worker *w, const struct znode *node, enum name_kind kind)
{
	alone_check(w, node);
	wildcard_check(w, node);
	ns_check(w, node);
	if (kind == NAME_DATA && node_has(node, RR_DS))
		say_type(w, DNS_DS_WITHOUT_NS, RR_DS);
}

/*
 * More than BIND takes by default since 9.18.28 and 9.20.0, 2024-07-23
 * (CVE-2024-1737, https://kb.isc.org/docs/rrset-limits-in-zones). It counts
 * records, and the signatures over each type, as types of their own.
 */
static void
size_check(struct worker *w, const struct znode *node)
{
	struct cause c = CAUSE(DNS_TYPES_MANY);
	size_t pos = 0;
	struct zrrset set;

	c.values = AUDIT_NUMBERS;
	while (znode_next(node, &pos, &set)) {
		struct cause large = CAUSE_TYPE(DNS_RRSET_LARGE, set.type);

		c.is += set.n_rrs > 0;
		c.is += set.n_sigs > 0;
		large.values = AUDIT_NUMBERS;
		large.is = set.n_rrs;
		large.wanted = AUDIT_RRS_TOLD;
		if (large.is > large.wanted)
			worker_say(w, &large);
	}
	c.wanted = AUDIT_TYPES_TOLD;
	if (c.is > c.wanted)
		worker_say(w, &c);
}

/* What is judged wherever the name stands. */
static void
node_check(struct worker *w, const struct znode *node)
{
	size_check(w, node);
	if (znode_key(node).n > 0 && node_has(node, RR_SOA))
		say(w, DNS_SOA_BELOW);
}

/* --- the sets of a name --- */

/* Without authority: counted, and no signature may stand there. */
static void
set_unsigned(struct worker *w, const struct zrrset *set)
{
	sink_count(w->out, set->type, 0);
	if (set->n_sigs > 0)
		say_type(w, DNS_SIG_GLUE, set->type);
}

static bool
set_stray(struct worker *w, const struct zrrset *set)
{
	if (set->n_rrs == 0) {
		say_type(w, DNS_SIG_ORPHAN, set->type);
		return true;
	}
	if (set->type == RR_NSEC3) {	/* among the names: its owner is no hash */
		say_type(w, DNS_DENIAL_EXTRA, RR_NSEC3);
		return true;
	}
	if (set->type == RR_NSEC && w->a->denial.kind == AUDIT_NO_DENIAL) {
		say_type(w, DNS_DENIAL_EXTRA, RR_NSEC);
		return true;
	}
	return false;
}

static void
set_signed(struct worker *w, const struct znode *node, const struct zrrset *set)
{
	if (w->a->has_keys) {
		sig_set(w, ZONE_NAMES, node, set);
		return;
	}
	sink_count(w->out, set->type, set->n_sigs);
	if (set->n_sigs > 0 && !w->a->is_signed)	/* else it was said at the apex */
		say(w, DNS_DNSKEY_MISSING);
}

static void
cut_set(struct worker *w, const struct znode *node, const struct zrrset *set)
{
	if (set->type == RR_DS || set->type == RR_NSEC) {
		set_signed(w, node, set);
		return;
	}
	set_unsigned(w, set);
	if (set->type != RR_NS && set->type != RR_A && set->type != RR_AAAA)
		say_type(w, DNS_OCCLUDED, set->type);
}

static void
sets_check(struct worker *w, const struct znode *node, enum name_kind kind)
{
	size_t pos = 0;
	struct zrrset set;

	while (znode_next(node, &pos, &set)) {
		if (set_stray(w, &set))
			continue;
		if (kind == NAME_CUT)
			cut_set(w, node, &set);
		else
			set_signed(w, node, &set);
	}
}

/* --- the walk --- */

static void
occluded_node(struct worker *w, const struct znode *node)
{
	size_t pos = 0;
	struct zrrset set;

	w->out->counts.n_glue++;
	while (znode_next(node, &pos, &set)) {
		if (set_stray(w, &set))
			continue;
		if (set.type == RR_NSEC) {
			say_type(w, DNS_DENIAL_EXTRA, RR_NSEC);
			continue;
		}
		set_unsigned(w, &set);
		if (w->cut_is_dname)
			say_type(w, DNS_DNAME_BELOW, set.type);
		else if (set.type != RR_A && set.type != RR_AAAA)
			say_type(w, DNS_OCCLUDED, set.type);
	}
}

/*
 * A name that holds nothing but NSEC or signatures. RFC 4035 section 2.3: no
 * NSEC or RRSIG where nothing else was; a server would say that the name is
 * there, and the chain that it is not.
 */
static void
junk_node(struct worker *w, const struct znode *node)
{
	size_t pos = 0;
	struct zrrset set;

	while (znode_next(node, &pos, &set))
		if (set.n_rrs == 0)
			say_type(w, DNS_DENIAL_EXTRA, RR_RRSIG);
		else if (!set_stray(w, &set))
			say_type(w, DNS_DENIAL_EXTRA, set.type);
}

void
audit_walk_to(struct worker *w, const struct znode *node)
{
	const struct znode *cut;

	w->has_cut = key_occluded(w->a->z, znode_key(node), &cut);
	if (w->has_cut) {
		w->cut = znode_key(cut);
		w->cut_is_dname = !node_is_cut(cut);
	}
	w->prev = name_before(w->a->z, znode_key(node));
}

static bool
is_below_cut(struct worker *w, struct sv key)
{
	if (w->has_cut && key.n > w->cut.n && dkey_within((const uint8_t *)key.p, key.n,
	    (const uint8_t *)w->cut.p, w->cut.n))
		return true;
	w->has_cut = false;
	return false;
}

static void
denial_check(struct worker *w, const struct znode *node, enum name_kind kind)
{
	if (w->a->denial.kind == AUDIT_NSEC && !w->collect) {
		nsec_name(w, node, kind);
		nsec_link(w, node);
	} else if (w->a->denial.kind == AUDIT_NSEC3) {
		nsec3_ents(w, node);
		nsec3_name(w, node, znode_key(node), kind);
		if (!w->collect) {
			nsec_beside(w, node, kind);
			nsec_link(w, node);
		}
	}
}

void
audit_walk_denial(struct worker *w, const struct znode *node)
{
	znode_name(w->a->z, ZONE_NAMES, node, &w->name);
	denial_check(w, node, node_is_cut(node) ? NAME_CUT : NAME_DATA);
}

static void
name_count(struct worker *w, const struct znode *node, enum name_kind kind)
{
	struct audit_counts *c = &w->out->counts;

	c->n_names++;
	if (kind == NAME_CUT) {
		c->n_delegations++;
		c->n_secure += node_has(node, RR_DS);
	}
}

void
audit_walk_node(struct worker *w, const struct znode *node)
{
	struct sv key = znode_key(node);
	enum name_kind kind = node_is_cut(node) ? NAME_CUT : NAME_DATA;

	znode_name(w->a->z, ZONE_NAMES, node, &w->name);
	if (!w->collect)
		node_check(w, node);
	if (is_below_cut(w, key)) {
		if (!w->collect)
			occluded_node(w, node);
		return;
	}
	if (!node_exists(node)) {
		if (!w->collect)
			junk_node(w, node);
		return;
	}
	if (!w->collect) {
		name_count(w, node, kind);
		sets_check(w, node, kind);
		name_check(w, node, kind);
	}
	denial_check(w, node, kind);
	w->prev = node;
	if (kind == NAME_CUT || node_has(node, RR_DNAME)) {
		w->has_cut = true;
		w->cut = key;
		w->cut_is_dname = kind != NAME_CUT;
	}
}
