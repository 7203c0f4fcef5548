/*
 * A world of the size of the Internet, from a validator's list of payloads.
 *
 * Real is the list itself: every VRP with its trust anchor, every ASPA, every
 * router's public key, so that the result of a validation can be compared
 * entry by entry, with overlaps, long tails and all. A list names no CA, so the rest is made up, in numbers
 * like those of July 2025 (47,000 CAs, 314,000 ROAs):
 *
 *   trust anchor	holds everything, as all five real ones do
 *   registry		one CA below it, with the blocks (/16, /28, 1024 AS
 *			numbers) that its members' resources lie in
 *   national registry	for a part of two of the five: the same, one deeper
 *   member		the ROAs of one AS number below one anchor; every eighth
 *			holds the next AS number's, too; exactly what they need
 *   customer		every fiftieth member is a CA below the one before it
 *
 * Servers: each registry hosts its members, each national registry its own;
 * about one member in eighty has a server elsewhere: a few services with
 * hundreds of CAs, the others with one to thirty, by a Zipf law.
 *
 * ROAs: half of the CAs have one for each VRP (RFC 9455), the others one for
 * each AS number with up to LAB_PACK prefixes; of today's list that makes
 * about 390,000. EE keys are of the pool as everywhere in the lab. All drawing is
 * by lot from the seed.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "inr/inr.h"
#include "lab/internal.h"

#define LAB_PACK	400	/* prefixes of a ROA; the largest real ones have more */
#define SERVICES	5	/* servers that host hundreds of CAs */
#define SMALL_SERVERS	44
#define NATIONAL_MAX	6	/* national registries, over all anchors */
#define TAKE_PART	20	/* no CA has more than this part of a sample */

/* One AS number below one anchor. */
struct group {
	size_t		 first, n;	/* of the sorted VRPs */
};

/* Some groups: what becomes a CA. */
struct member {
	size_t		 first, n;	/* of the groups */
	size_t		 n_vrps;	/* how many of theirs are taken */
	uint64_t	 lot;
};

struct anchor {
	struct lab_ca	*registry, *last;	/* last: the member before */
	struct lab_ca	*national[NATIONAL_MAX];	/* made with the first member */
	unsigned	 n_national;
	unsigned	 first_national;	/* number of the server of the first */
	bool		 used;
};

struct builder {
	struct lab_world	*w;
	const struct payloads	*p;
	struct vrp		*vrps;		/* heap: sorted by anchor, AS number */
	size_t			 n_vrps;
	struct group		*groups;	/* heap */
	size_t			 n_groups;
	struct member		*members;	/* heap */
	size_t			 n_members;
	struct anchor		 anchors[TA_MAX];
	unsigned		 first_other;	/* server behind the registries' */
	double			 zipf[SMALL_SERVERS];	/* summed weights */
	/* AS number of an ASPA or router -> the first CA with it */
	struct { uint32_t asn; struct lab_ca *ca; } *holders;	/* heap, ascending */
	size_t			 n_holders;
};

/* --- sorting the list --- */

static int
vrp_order(const void *a, const void *b)
{
	const struct vrp *x = a, *y = b;
	int c;

	if (x->ta != y->ta)
		return x->ta < y->ta ? -1 : 1;
	if (x->asn != y->asn)
		return x->asn < y->asn ? -1 : 1;
	if (x->af != y->af)
		return x->af < y->af ? -1 : 1;
	if ((c = memcmp(x->addr, y->addr, sizeof(x->addr))) != 0)
		return c;
	if (x->len != y->len)
		return x->len < y->len ? -1 : 1;
	return (x->max_len > y->max_len) - (x->max_len < y->max_len);
}

static int
list_sort(struct builder *b)
{
	size_t n = 0;

	b->vrps = calloc(max_size(b->p->n_vrps, 1), sizeof(b->vrps[0]));
	if (b->vrps == NULL)
		return -ENOMEM;
	memcpy(b->vrps, b->p->vrps, b->p->n_vrps * sizeof(b->vrps[0]));
	qsort(b->vrps, b->p->n_vrps, sizeof(b->vrps[0]), vrp_order);
	for (size_t i = 0; i < b->p->n_vrps; i++)
		if (n == 0 || vrp_order(&b->vrps[n - 1], &b->vrps[i]) != 0)
			b->vrps[n++] = b->vrps[i];
	b->n_vrps = n;
	return 0;
}

static int
groups_make(struct builder *b)
{
	b->groups = calloc(max_size(b->n_vrps, 1), sizeof(b->groups[0]));
	if (b->groups == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < b->n_vrps; i++) {
		const struct vrp *v = &b->vrps[i];

		if (i == 0 || v[-1].ta != v->ta || v[-1].asn != v->asn)
			b->groups[b->n_groups++] = (struct group){ i, 0 };
		b->groups[b->n_groups - 1].n++;
	}
	return 0;
}

static const struct vrp *
group_vrp(const struct builder *b, size_t i)
{
	return &b->vrps[b->groups[i].first];
}

/* AS 0 (RFC 6483 section 4) stands for many holders; it stays alone. */
static bool
joins(const struct builder *b, size_t i)
{
	return i > 0 && group_vrp(b, i)->ta == group_vrp(b, i - 1)->ta &&
	    group_vrp(b, i - 1)->asn != 0 && lab_random(b->w, "join", i, 8) == 0;
}

static int
members_make(struct builder *b)
{
	b->members = calloc(max_size(b->n_groups, 1), sizeof(b->members[0]));
	if (b->members == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < b->n_groups; i++) {
		struct member *m;

		if (!joins(b, i))
			b->members[b->n_members++] = (struct member){ .first = i,
			    .lot = lab_random(b->w, "member", i, UINT64_MAX) };
		m = &b->members[b->n_members - 1];
		m->n++;
		m->n_vrps += b->groups[i].n;
	}
	return 0;
}

/* --- a sample of it --- */

static int
lot_order(const void *a, const void *b)
{
	const struct member *x = a, *y = b;

	if (x->lot != y->lot)
		return x->lot < y->lot ? -1 : 1;
	return (x->first > y->first) - (x->first < y->first);
}

static int
list_order(const void *a, const void *b)
{
	const struct member *x = a, *y = b;

	return (x->first > y->first) - (x->first < y->first);
}

/* CAs by lot until there are exactly so many VRPs, the largest ones cut short. */
static void
sample_take(struct builder *b, uint64_t take)
{
	size_t part = max_size(take / TAKE_PART, 1), n = 0;

	if (take == 0 || take >= b->n_vrps)
		return;
	qsort(b->members, b->n_members, sizeof(b->members[0]), lot_order);
	while (n < b->n_members && take > 0) {
		struct member *m = &b->members[n++];

		m->n_vrps = min_size(min_size(m->n_vrps, part), take);
		take -= m->n_vrps;
	}
	b->n_members = n;
	qsort(b->members, b->n_members, sizeof(b->members[0]), list_order);
}

/* --- resources --- */

static void
block_of(struct ip_prefix *px)
{
	uint8_t len = px->af == IP_V4 ? 16 : 28;

	if (px->len <= len)
		return;
	px->len = len;
	ip_mask(px->addr, len);
}

static int
holds_prefix(struct builder *b, struct lab_ca *ca, const struct ip_prefix *px)
{
	struct ip_prefix block = *px;
	int rc = 0;

	/* members hold what they need, registries hold blocks, anchors all */
	for (; ca->parent != NULL && rc == 0; ca = ca->parent) {
		if (ca->registry)
			block_of(&block);
		rc = lab_res_prefix(b->w->pool, &ca->cert->res, &block);
	}
	return rc;
}

static int
holds_as(struct builder *b, struct lab_ca *ca, uint32_t asn)
{
	int rc = 0;

	for (; ca->parent != NULL && rc == 0; ca = ca->parent)
		rc = ca->registry ?
		    lab_res_as(b->w->pool, &ca->cert->res, asn & ~1023u, asn | 1023u) :
		    lab_res_as(b->w->pool, &ca->cert->res, asn, asn);
	return rc;
}

static int
holds_all(struct builder *b, struct lab_ca *ca)
{
	static const char *const words[] = { "0.0.0.0/0", "::/0", "AS0-AS4294967295" };
	int rc = 0;

	for (size_t i = 0; i < ARRAY_LEN(words) && rc == 0; i++)
		rc = lab_res_word(b->w->pool, &ca->cert->res, sv_str(words[i]));
	return rc;
}

/* --- anchors, registries, servers --- */

/* rpki-01 and on: registries, national ones, services, the small ones. */
static struct lab_server *
server_no(struct builder *b, unsigned n)
{
	char host[LAB_NAME_MAX];
	struct lab_server *s;

	(void)snprintf(host, sizeof(host), "rpki-%02u.%s", n + 1, b->w->host);
	if ((s = lab_server_get(b->w, sv_str(host))) != NULL)
		s->named = true;
	return s;
}

static struct lab_ca *
ca_make(struct builder *b, struct lab_ca *parent, const char *name, struct lab_server *s)
{
	struct lab_ca *ca = name == NULL || s == NULL ? NULL : lab_ca_new(b->w, parent, name);

	if (ca != NULL)
		ca->server = s;
	return ca;
}

static int
anchor_make(struct builder *b, unsigned ta, unsigned no)
{
	struct anchor *a = &b->anchors[ta];
	const char *name = pool_strdup(b->w->pool, b->p->tas[ta]);
	struct lab_server *s = server_no(b, no);
	struct lab_ca *root = ca_make(b, NULL, name, s);

	if (root == NULL || holds_all(b, root) < 0)
		return -ENOMEM;
	a->registry = ca_make(b, root, pool_printf(b->w->pool, "%s-registry", name), s);
	if (a->registry == NULL)
		return -ENOMEM;
	a->registry->registry = true;
	return 0;
}

/* NULL: no memory. */
static struct lab_ca *
national_get(struct builder *b, struct anchor *a, unsigned k)
{
	const char *name;

	if (a->national[k] != NULL)
		return a->national[k];
	name = pool_printf(b->w->pool, "%s-national-%u", b->p->tas[a - b->anchors], k + 1);
	a->national[k] = ca_make(b, a->registry, name, server_no(b, a->first_national + k));
	if (a->national[k] != NULL)
		a->national[k]->registry = true;
	return a->national[k];
}

/* National registries: APNIC has several, LACNIC two; other names: none. */
static unsigned
nationals_of(const char *ta)
{
	return strcmp(ta, "apnic") == 0 ? 4 : strcmp(ta, "lacnic") == 0 ? 2 : 0;
}

static int
anchors_make(struct builder *b)
{
	unsigned n_tas = (unsigned)b->p->n_tas, no = 0;
	int rc = 0;

	for (size_t i = 0; i < b->n_members; i++)
		b->anchors[group_vrp(b, b->members[i].first)->ta].used = true;
	for (unsigned i = 0; i < n_tas && rc == 0; i++)
		if (b->anchors[i].used)
			rc = anchor_make(b, i, no++);
	for (unsigned i = 0; i < n_tas && rc == 0; i++) {
		b->anchors[i].first_national = no;
		b->anchors[i].n_national = b->anchors[i].used ? nationals_of(b->p->tas[i]) : 0;
		no += b->anchors[i].n_national;
	}
	b->first_other = no;
	for (unsigned i = 0; i < SMALL_SERVERS; i++)
		b->zipf[i] = (i > 0 ? b->zipf[i - 1] : 0) + 1.0 / (i + 1);
	return rc;
}

/*
 * Of 1000 members: 8 at a service, 5 at a small server, the rest where their
 * parent is. In a large world each small server is somebody's: the first ones
 * take one each.
 */
static struct lab_server *
member_server(struct builder *b, size_t i, struct lab_ca *parent)
{
	uint64_t lot = lab_random(b->w, "server", i, 1000), pick;
	unsigned k = 0;

	if (b->n_members > 200 * SMALL_SERVERS && i % 100 == 50 && i / 100 < SMALL_SERVERS)
		return server_no(b, b->first_other + SERVICES + (unsigned)(i / 100));
	if (lot < 8)
		return server_no(b, b->first_other +
		    (unsigned)lab_random(b->w, "service", i, SERVICES));
	if (lot >= 13)
		return parent->server;
	pick = lab_random(b->w, "small", i, 1000000);
	while (k + 1 < SMALL_SERVERS &&
	    (double)pick / 1000000 * b->zipf[SMALL_SERVERS - 1] > b->zipf[k])
		k++;
	return server_no(b, b->first_other + SERVICES + k);
}

/* --- members --- */

static struct lab_ca *
member_parent(struct builder *b, struct anchor *a, size_t i)
{
	/* where national registries are, they have two members in five */
	uint64_t lot = lab_random(b->w, "parent", i, 100);

	if (a->last != NULL && a->last->depth < 5 && lot < 2)
		return a->last;
	if (a->n_national > 0 && lot < 42)
		return national_get(b, a, (unsigned)lot % a->n_national);
	return a->registry;
}

static int
roa_make(struct builder *b, struct lab_ca *ca, const struct vrp *v, size_t n)
{
	struct lab_obj *o = lab_obj_new(b->w, ca, LAB_ROA);

	if (o == NULL || (o->pfx = pool_calloc(b->w->pool, n, sizeof(o->pfx[0]))) == NULL)
		return -ENOMEM;
	o->asn = v->asn;
	o->n_pfx = n;
	for (size_t i = 0; i < n; i++) {
		struct roa_entry *e = &o->pfx[i];

		memcpy(e->px.addr, v[i].addr, sizeof(e->px.addr));
		e->px.af = v[i].af;
		e->px.len = v[i].len;
		e->max_len = v[i].max_len;
		if (holds_prefix(b, ca, &e->px) < 0)
			return -ENOMEM;
	}
	return 0;
}

/* n VRPs of one AS number, already in the order of a ROA. */
static int
roas_make(struct builder *b, struct lab_ca *ca, const struct vrp *v, size_t n, size_t pack)
{
	int rc = v->asn == 0 ? 0 : holds_as(b, ca, v->asn);

	for (size_t i = 0; i < n && rc == 0; i += pack)
		rc = roa_make(b, ca, v + i, min_size(n - i, pack));
	return rc;
}

static void
holder_add(struct builder *b, uint32_t asn, struct lab_ca *ca)
{
	size_t lo = 0, hi = b->n_holders;

	while (lo < hi) {
		size_t mid = (lo + hi) / 2;

		if (b->holders[mid].asn < asn)
			lo = mid + 1;
		else
			hi = mid;
	}
	if (lo < b->n_holders && b->holders[lo].asn == asn && b->holders[lo].ca == NULL)
		b->holders[lo].ca = ca;
}

static int
member_make(struct builder *b, const struct member *m, size_t i)
{
	const struct vrp *v = group_vrp(b, m->first);
	struct anchor *a = &b->anchors[v->ta];
	struct lab_ca *parent = member_parent(b, a, m->first), *ca;
	size_t left = m->n_vrps, pack;
	int rc = 0;

	if (parent == NULL)
		return -ENOMEM;
	ca = ca_make(b, parent, pool_printf(b->w->pool, "%s-%u", b->p->tas[v->ta], v->asn),
	    member_server(b, i, parent));
	if (ca == NULL)
		return -ENOMEM;
	a->last = ca;
	pack = lab_random(b->w, "pack", m->first, 2) == 0 ? LAB_PACK : 1;
	for (size_t k = m->first; k < m->first + m->n && left > 0 && rc == 0; k++) {
		size_t n = min_size(left, b->groups[k].n);

		rc = roas_make(b, ca, group_vrp(b, k), n, pack);
		holder_add(b, group_vrp(b, k)->asn, ca);
		left -= n;
	}
	return rc;
}

/* --- ASPAs and router keys --- */

static int
asn_order(const void *a, const void *b)
{
	const uint32_t *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

/* Whose CA is to be remembered: customers, and AS numbers of routers. */
static int
holders_prepare(struct builder *b)
{
	const struct payloads *p = b->p;
	size_t n = p->n_aspas + p->n_router_keys;
	uint32_t *v = calloc(max_size(n, 1), sizeof(*v));

	b->holders = calloc(max_size(n, 1), sizeof(b->holders[0]));
	if (v == NULL || b->holders == NULL) {
		free(v);
		return -ENOMEM;
	}
	for (size_t i = 0; i < n; i++)
		v[i] = i < p->n_aspas ? p->aspas[i].customer :
		    p->router_keys[i - p->n_aspas].asn;
	qsort(v, n, sizeof(*v), asn_order);
	for (size_t i = 0; i < n; i++)
		if (i == 0 || v[i] != v[i - 1])
			b->holders[b->n_holders++].asn = v[i];
	free(v);
	return 0;
}

/*
 * The CA of an AS number. One without a ROA gets a CA below the first
 * registry, if the whole list is there; NULL with rc 0: a sample without it.
 */
static int
holder_get(struct builder *b, uint32_t asn, bool all, struct lab_ca **ret)
{
	const struct anchor *a = b->anchors;
	size_t k = 0;

	while (b->holders[k].asn != asn)
		k++;
	while (!a->used)
		a++;
	if (b->holders[k].ca == NULL && all) {
		b->holders[k].ca = ca_make(b, a->registry,
		    pool_printf(b->w->pool, "customer-%u", asn), a->registry->server);
		if (b->holders[k].ca == NULL || holds_as(b, b->holders[k].ca, asn) < 0)
			return -ENOMEM;
	}
	*ret = b->holders[k].ca;
	return 0;
}

static int
aspa_make(struct builder *b, const struct aspa *from, bool all)
{
	struct lab_ca *ca;
	struct lab_obj *o;
	int rc = holder_get(b, from->customer, all, &ca);

	if (rc < 0 || ca == NULL)
		return rc;
	if ((o = lab_obj_new(b->w, ca, LAB_ASPA)) == NULL)
		return -ENOMEM;
	o->asn = from->customer;
	o->n_providers = from->n_providers;
	o->providers = pool_calloc(b->w->pool, max_size(o->n_providers, 1), sizeof(o->providers[0]));
	if (o->providers == NULL)
		return -ENOMEM;
	memcpy(o->providers, from->providers, o->n_providers * sizeof(o->providers[0]));
	qsort(o->providers, o->n_providers, sizeof(o->providers[0]), asn_order);
	return 0;
}

/* A router's certificate needs no key of ours: the real one's is in the list. */
static int
router_make(struct builder *b, const struct router_key *from, bool all)
{
	struct lab_ca *ca;
	struct lab_obj *o;
	int rc = holder_get(b, from->asn, all, &ca);

	if (rc < 0 || ca == NULL || from->spki_len != LAB_ROUTER_SPKI_LEN)
		return rc;
	if ((o = lab_obj_new(b->w, ca, LAB_ROUTER)) == NULL)
		return -ENOMEM;
	o->asn = from->asn;
	o->router_spki = pool_sv(b->w->pool,
	    (struct sv){ (const char *)from->spki, from->spki_len });
	return o->router_spki.p == NULL ? -ENOMEM : 0;
}

static int
others_make(struct builder *b, bool all)
{
	int rc = 0;

	for (size_t i = 0; i < b->p->n_aspas && rc == 0; i++)
		rc = aspa_make(b, &b->p->aspas[i], all);
	for (size_t i = 0; i < b->p->n_router_keys && rc == 0; i++)
		rc = router_make(b, &b->p->router_keys[i], all);
	return rc;
}

/* --- all --- */

static int
list_check(const struct payloads *p, struct lab_error *err)
{
	bool used[UINT8_MAX + 1] = { false };

	err->line = 0;
	err->word = SV("");
	if (p->n_vrps == 0) {
		err->msg = N_("the list has no payloads");
		return -EINVAL;
	}
	if (p->n_vrps > LAB_VRPS_MAX) {
		err->msg = N_("the description has too many objects");
		return -EINVAL;
	}
	for (size_t i = 0; i < p->n_vrps; i++)
		used[p->vrps[i].ta] = true;
	for (size_t i = 0; i < p->n_tas; i++)
		if (used[i] && !lab_label_ok(sv_str(p->tas[i]), false)) {
			err->msg = N_("is no name; letters, digits, - and _ are allowed");
			err->word = sv_str(p->tas[i]);
			return -EINVAL;
		}
	return 0;
}

static int
builder_run(struct builder *b, uint64_t take)
{
	int rc;

	if ((rc = list_sort(b)) < 0 || (rc = groups_make(b)) < 0 || (rc = members_make(b)) < 0)
		return rc;
	sample_take(b, take);
	if ((rc = holders_prepare(b)) < 0 || (rc = anchors_make(b)) < 0)
		return rc;
	for (size_t i = 0; i < b->n_members && rc == 0; i++)
		rc = member_make(b, &b->members[i], i);
	return rc < 0 ? rc : others_make(b, take == 0 || take >= b->n_vrps);
}

int
lab_from_vrps(const struct payloads *p, uint64_t take, const struct lab_opts *opts,
    struct lab_error *err, struct lab_world **ret)
{
	_cleanup_(lab_freep) struct lab_world *w = NULL;
	struct builder b = { .p = p };
	int rc = list_check(p, err);

	if (rc < 0)
		return rc;
	if ((w = b.w = lab_world_new(opts)) == NULL)
		return -ENOMEM;
	rc = builder_run(&b, take);
	free(b.vrps);
	free(b.groups);
	free(b.members);
	free(b.holders);
	if (rc < 0)
		return rc;
	if (w->n_objs > LAB_OBJS_MAX) {
		err->msg = N_("the description has too many objects");
		return -EINVAL;
	}
	*ret = TAKE_PTR(w);
	return 0;
}
