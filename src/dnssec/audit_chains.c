/*
 * Which chains a zone has, and which of them is in force.
 *
 * RFC 5155 section 7.3: "If there are multiple NSEC3PARAM RRs present, there
 * are multiple valid NSEC3 chains present." A server takes any of them, so each
 * has to be whole, and each is judged like the only one. Without NSEC3PARAM
 * the NSEC records are in force (sections 10.4 and 10.5). What stands beside
 * that is a change under way, or what one left: NSEC3 records of other
 * parameters may be any part of a chain, as no server answers with them and
 * nobody can ask for them (section 7.2.8). NSEC records can be asked for, and
 * a resolver may keep what they deny (RFC 8198): some may be missing, but
 * those that are there have to be true.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "dnssec/audit_internal.h"

static void
say_apex(struct audit *a, enum audit_code code)
{
	sink_say(&a->own, &CAUSE(code), &a->apex);
}

/* --- parameters --- */

/* Its place among the chains; n_chains: it is of none. */
static unsigned
chain_index(const struct denial *d, const struct nsec3 *n)
{
	unsigned i = 0;

	while (i < d->n_chains && (d->chains[i].hash_alg != n->alg ||
	    d->chains[i].iterations != n->iterations || !sv_eq(d->chains[i].salt, n->salt)))
		i++;
	return i;
}

static void
chain_add(struct denial *d, const struct nsec3 *n)
{
	d->chains[d->n_chains++] = (struct chain){ .hash_alg = n->alg, .iterations = n->iterations,
	    .salt = n->salt, .hashable = n->alg == 1 && n->iterations <= AUDIT_ITERATIONS_MAX };
}

/* NSEC3PARAM with flags is not for servers (RFC 5155 section 4.1.2). */
static void
params_read(struct audit *a)
{
	struct denial *d = &a->denial;
	struct zrrset set = { 0 };
	struct sv rest, rdata;
	struct nsec3 p;

	if (a->apex_node == NULL || !znode_find(a->apex_node, RR_NSEC3PARAM, &set))
		return;
	rest = set.rrs;
	while (zdata_next(&rest, &rdata)) {
		if (!nsec3_read(rdata, false, &p) || p.flags != 0 || chain_index(d, &p) < d->n_chains)
			continue;
		if (d->n_chains == AUDIT_CHAINS_MAX) {
			say_apex(a, DNS_NSEC3PARAM_MANY);
			return;
		}
		chain_add(d, &p);
	}
}

static void
chain_say(struct audit *a, const struct chain *ch)
{
	struct cause c = CAUSE(DNS_NSEC3_ITERATIONS);

	if (ch->hash_alg != 1)
		say_apex(a, DNS_NSEC3_ALG);
	c.values = AUDIT_NUMBERS;
	c.is = ch->iterations;
	c.wanted = AUDIT_ITERATIONS_TOLD;
	if (ch->iterations > AUDIT_ITERATIONS_MAX) {
		c.code = DNS_NSEC3_ITERATIONS_MAX;
		c.wanted = AUDIT_ITERATIONS_MAX;
	}
	if (ch->iterations > AUDIT_ITERATIONS_TOLD)
		sink_say(&a->own, &c, &a->apex);
	if (ch->salt.n > 0)
		say_apex(a, DNS_NSEC3_SALT);
}

/* --- members --- */

static void
members_count(struct audit *a)
{
	struct denial *d = &a->denial;
	struct zone_it it = zone_begin(a->z, ZONE_NSEC3);
	const struct znode *node;
	struct nsec3 r;

	d->n_strays = 0;
	for (unsigned i = 0; i < d->n_chains; i++)
		d->chains[i].n = 0;
	while ((node = zone_next(&it)) != NULL) {
		unsigned i;

		if (!nsec3_of(node, &r))
			continue;
		if ((i = chain_index(d, &r)) < d->n_chains)
			d->chains[i].n++;
		else
			d->n_strays++;
	}
}

/* Named, and not there. */
static void
chains_drop(struct audit *a)
{
	struct denial *d = &a->denial;
	unsigned n = 0;

	for (unsigned i = 0; i < d->n_chains; i++)
		if (d->chains[i].n > 0)
			d->chains[n++] = d->chains[i];
		else
			say_apex(a, DNS_NSEC3PARAM_MISMATCH);
	d->n_chains = n;
}

/* Records of several chains stand in one order: each chain gets its own. */
static int
members_list(struct audit *a)
{
	struct denial *d = &a->denial;
	struct zone_it it = zone_begin(a->z, ZONE_NSEC3);
	const struct znode *node;
	struct nsec3 r;

	for (unsigned i = 0; i < d->n_chains; i++) {
		struct chain *c = &d->chains[i];

		if ((c->members = calloc(c->n, sizeof(*c->members))) == NULL)
			return -ENOMEM;
		c->n = 0;
	}
	while ((node = zone_next(&it)) != NULL) {
		unsigned i = nsec3_of(node, &r) ? chain_index(d, &r) : d->n_chains;

		if (i < d->n_chains)
			d->chains[i].members[d->chains[i].n++] = node;
	}
	return 0;
}

const struct chain *
chain_of(const struct audit *a, const struct znode *node)
{
	const struct denial *d = &a->denial;
	struct nsec3 r;
	unsigned i;

	if (d->n_chains == 0 || !d->mixed)
		return d->n_chains == 0 ? NULL : &d->chains[0];
	if (!nsec3_of(node, &r) || (i = chain_index(d, &r)) == d->n_chains)
		return NULL;
	return &d->chains[i];
}

/* How many members stand at or before the hash. */
static size_t
members_up_to(const struct chain *c, struct sv hash)
{
	size_t lo = 0, hi = c->n;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (sv_cmp(znode_key(c->members[mid]), hash) <= 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

const struct znode *
chain_cover(const struct audit *a, const struct chain *c, const uint8_t hash[static NSEC3_HASH_LEN])
{
	size_t n;

	if (c->members == NULL)
		return nsec3_cover(a->z, hash);
	n = members_up_to(c, (struct sv){ (const char *)hash, NSEC3_HASH_LEN });
	return c->members[n > 0 ? n - 1 : c->n - 1];
}

const struct znode *
chain_before(const struct chain *c, const struct znode *member)
{
	size_t n = members_up_to(c, znode_key(member));

	return c->members[n > 1 ? n - 2 : c->n - 1];
}

/* --- what is in force --- */

/* No NSEC3PARAM, and no NSEC either: the records themselves say which chain it is. */
static bool
chain_guess(struct audit *a)
{
	struct zone_it it = zone_begin(a->z, ZONE_NSEC3);
	const struct znode *node;
	struct nsec3 r;

	while ((node = zone_next(&it)) != NULL)
		if (nsec3_of(node, &r)) {
			chain_add(&a->denial, &r);
			members_count(a);
			return true;
		}
	return false;
}

static int
denial_nsec3(struct audit *a)
{
	struct denial *d = &a->denial;

	d->kind = AUDIT_NSEC3;
	d->mixed = d->n_chains > 1 || d->n_strays > 0;
	for (unsigned i = 0; i < d->n_chains; i++) {
		d->n_members += d->chains[i].n;
		chain_say(a, &d->chains[i]);
	}
	return d->mixed ? members_list(a) : 0;
}

int
denial_begin(struct audit *a)
{
	struct denial *d = &a->denial;
	bool has_nsec = a->apex_node != NULL && node_has(a->apex_node, RR_NSEC);
	unsigned n_named;

	if (!a->is_signed)
		return 0;
	params_read(a);
	n_named = d->n_chains;
	if (a->change != NULL && n_named > 0) {		/* as it was when it passed */
		d->kind = AUDIT_NSEC3;
		return 0;
	}
	members_count(a);
	chains_drop(a);
	if (d->n_chains == 0 && !has_nsec && chain_guess(a) && n_named == 0)
		say_apex(a, DNS_NSEC3PARAM_MISSING);
	if (d->n_chains > 0)
		return denial_nsec3(a);
	d->kind = AUDIT_NSEC;
	d->mixed = d->n_strays > 0;
	return 0;
}

void
denial_done(struct audit *a)
{
	for (unsigned i = 0; i < a->denial.n_chains; i++)
		free(a->denial.chains[i].members);
}

/* --- what stands beside it --- */

static void
beside_say(struct audit *a, uint16_t type, uint64_t n)
{
	struct cause c = CAUSE_TYPE(DNS_DENIAL_MIXED, type);

	if (n == 0)
		return;
	c.values = AUDIT_NUMBER;
	c.is = n;
	sink_say(&a->own, &c, &a->apex);
}

/* Those that stand in the links of a chain in force were told as its faults. */
static uint64_t
strays_told(const struct audit *a)
{
	for (size_t i = 0; i < a->own.n_groups; i++)
		if (a->own.groups[i].code == DNS_NSEC3_PARAM)
			return a->own.groups[i].n;
	return 0;
}

void
denial_end(struct audit *a)
{
	uint64_t told = strays_told(a);

	if (a->denial.n_strays > told)
		beside_say(a, RR_NSEC3, a->denial.n_strays - told);
	beside_say(a, RR_NSEC, a->own.n_beside);
	a->denial.mixed |= a->own.n_beside > 0;
}
