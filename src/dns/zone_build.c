/* Records in any order become a zone; records added and removed, the next. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/base32.h"
#include "dns/zone_internal.h"

/* --- where a record belongs --- */

/* One label of 32 letters of base32hex below the apex: the hash. */
static bool
is_hash_name(const struct dname *owner, const struct dname *apex, uint8_t hash[NSEC3_HASH_LEN])
{
	size_t n;

	return owner->w[0] == BASE32HEX_LEN(NSEC3_HASH_LEN) &&
	    owner->len == 1 + BASE32HEX_LEN(NSEC3_HASH_LEN) + apex->len &&
	    base32hex_decode(hash, (struct sv){ (const char *)owner->w + 1, owner->w[0] }, &n) == 0;
}

int
zplace_of(const struct dname *apex, const struct dns_rr *rr, struct zplace *ret)
{
	uint8_t hash[NSEC3_HASH_LEN];
	int rc;

	ret->is_sig = rr->type == RR_RRSIG;
	ret->type = rr->type;
	if (ret->is_sig)
		ret->type = (uint16_t)((uint8_t)rr->rdata.p[0] << 8 | (uint8_t)rr->rdata.p[1]);
	ret->part = ZONE_NAMES;
	if ((rc = dkey_of(rr->owner, apex, &ret->key)) < 0)
		return rc;
	if (ret->type == RR_NSEC3 && is_hash_name(rr->owner, apex, hash)) {
		ret->part = ZONE_NSEC3;
		ret->key.len = NSEC3_HASH_LEN;
		memcpy(ret->key.b, hash, NSEC3_HASH_LEN);
	}
	return 0;
}

static struct sv
place_key(const struct zplace *p)
{
	return (struct sv){ (const char *)p->key.b, p->key.len };
}

/* What no zone can hold is told, with its name. */
bool
zone_rr_storable(const struct dns_rr *rr, const struct dname *apex, struct findings *fs)
{
	const struct finding_def *def = NULL;
	char name[DNAME_STRLEN], type[RRTYPE_STRLEN];

	if (rr->class != DNS_CLASS_IN)
		def = &dns_findings[DNS_ZONE_CLASS];
	else if (!dname_within(rr->owner, apex))
		def = &dns_findings[DNS_ZONE_OUTSIDE];
	else if (rrtype_is_meta(rr->type))
		def = &dns_findings[DNS_ZONE_META];
	else if (!rdata_ok(rr->type, rr->rdata))
		def = &dns_findings[DNS_ZONE_RDATA];
	if (def == NULL)
		return true;
	finding_add(fs, def, FA_STR("name", dname_str(rr->owner, name)),
	    FA_STR("type", rrtype_str(rr->type, type)), FA_U("line", rr->line));
	return false;
}

struct sv
zone_rr_canonical(const struct dns_rr *rr, uint8_t dst[static DNS_RDATA_MAX])
{
	if (rr->rdata.n > 0)
		memcpy(dst, rr->rdata.p, rr->rdata.n);
	rdata_canonical(rr->type, dst, rr->rdata.n);
	return (struct sv){ (const char *)dst, rr->rdata.n };
}

static void
mixed_ttl_tell(struct findings *fs, const struct zdraft *d, const struct dname *apex,
    enum zone_part part, struct sv key)
{
	char text[DNAME_STRLEN], type[RRTYPE_STRLEN];
	struct dname name;

	if (!d->mixed_ttl || part != ZONE_NAMES)
		return;
	dkey_name((const uint8_t *)key.p, key.n, apex, &name);
	finding_add(fs, &dns_findings[DNS_ZONE_TTL_MIXED], FA_STR("name", dname_str(&name, text)),
	    FA_STR("type", rrtype_str(d->mixed_type, type)));
}

/* --- the builder --- */

struct znodes {
	struct znode	**p;
	size_t		 n, cap;
	bool		 unsorted;	/* or one key twice */
};

struct zone_builder {
	struct dname	 apex;
	struct findings	*fs;
	struct znodes	 done[ZONE_PART_MAX];
	/* The name that is being read; most files keep a name's records together. */
	struct zdraft	 draft;
	enum zone_part	 part;
	struct dkey	 key;
	struct dname	 owner;		/* as it was written last */
	bool		 open;
	uint8_t		 canon[DNS_RDATA_MAX];
};

struct zone_builder *
zone_builder_new(const struct dname *apex, struct findings *fs)
{
	struct zone_builder *b = calloc(1, sizeof(*b));

	if (b == NULL)
		return NULL;
	b->apex = *apex;
	dns_lower(b->apex.w, b->apex.len);
	b->fs = fs;
	return b;
}

static void
znodes_done(struct znodes *l)
{
	for (size_t i = 0; i < l->n; i++)
		(void)znode_unref(l->p[i]);
	free(l->p);
	*l = (struct znodes){ 0 };
}

struct zone_builder *
zone_builder_free(struct zone_builder *b)
{
	if (b == NULL)
		return NULL;
	for (unsigned i = 0; i < ZONE_PART_MAX; i++)
		znodes_done(&b->done[i]);
	zdraft_done(&b->draft);
	free(b);
	return NULL;
}

static int
znodes_add(struct znodes *l, struct znode *n)
{
	if (l->n == l->cap) {
		size_t cap = max_size(64, 2 * l->cap);
		struct znode **p = reallocarray(l->p, cap, sizeof(struct znode *));

		if (p == NULL)
			return -ENOMEM;
		l->p = p;
		l->cap = cap;
	}
	if (l->n > 0 && znode_cmp_key(l->p[l->n - 1], znode_key(n)) >= 0)
		l->unsorted = true;
	l->p[l->n++] = n;
	return 0;
}

/* The name that is open becomes a node. */
static int
builder_close(struct zone_builder *b)
{
	struct sv key = { (const char *)b->key.b, b->key.len };
	_cleanup_(znode_unrefp) struct znode *n = NULL;
	int rc;

	if (!b->open)
		return 0;
	b->open = false;
	if ((rc = zdraft_node(&b->draft, key, &n)) < 0)
		return rc;
	mixed_ttl_tell(b->fs, &b->draft, &b->apex, b->part, key);
	zdraft_reset(&b->draft);
	if (n == NULL || (rc = znodes_add(&b->done[b->part], n)) < 0)
		return rc;
	(void)TAKE_PTR(n);
	return 0;
}

/* Is it of the name that is open? Then nothing about the name is asked again. */
static bool
builder_is_open(const struct zone_builder *b, const struct dns_rr *rr)
{
	return b->open && b->part == ZONE_NAMES && rr->owner->len == b->owner.len &&
	    memcmp(rr->owner->w, b->owner.w, b->owner.len) == 0 && rr->type != RR_NSEC3 &&
	    rr->type != RR_RRSIG;
}

int
zone_builder_add(struct zone_builder *b, const struct dns_rr *rr)
{
	struct zplace at;
	int rc;

	if (!zone_rr_storable(rr, &b->apex, b->fs))
		return 0;
	if (builder_is_open(b, rr))
		return zdraft_add(&b->draft, rr->type, false, rr->ttl, zone_rr_canonical(rr, b->canon));
	if ((rc = zplace_of(&b->apex, rr, &at)) < 0)
		return rc;
	if (!b->open || b->part != at.part ||
	    !sv_eq(place_key(&at), (struct sv){ (const char *)b->key.b, b->key.len })) {
		if ((rc = builder_close(b)) < 0)
			return rc;
		b->open = true;
		b->part = at.part;
		b->key = at.key;
	}
	b->owner = *rr->owner;
	return zdraft_add(&b->draft, at.type, at.is_sig, rr->ttl, zone_rr_canonical(rr, b->canon));
}

static int
znode_qsort(const void *a, const void *b)
{
	const struct znode *const *x = a, *const *y = b;

	return znode_cmp_key(*x, znode_key(*y));
}

/* The nodes of one key, from *i on, become one; the list's references go with them. */
static int
znodes_join(struct zone_builder *b, struct znodes *l, size_t *i, struct znode **ret)
{
	size_t begin = *i;
	struct znode *n = l->p[begin];
	int rc = 0;

	while (++*i < l->n && znode_cmp_key(l->p[*i], znode_key(n)) == 0)
		;
	*ret = n;
	if (*i == begin + 1)
		return 0;
	zdraft_reset(&b->draft);
	for (size_t k = begin; rc == 0 && k < *i; k++)
		rc = zdraft_add_node(&b->draft, l->p[k]);
	if (rc == 0)
		rc = zdraft_node(&b->draft, znode_key(n), ret);
	if (rc < 0)
		return rc;
	mixed_ttl_tell(b->fs, &b->draft, &b->apex, ZONE_NAMES, znode_key(n));
	for (size_t k = begin; k < *i; k++)
		(void)znode_unref(l->p[k]);
	return 0;
}

/* In order, each key once. */
static int
znodes_sort(struct zone_builder *b, struct znodes *l)
{
	size_t n = 0;
	int rc = 0;

	if (!l->unsorted)
		return 0;
	qsort(l->p, l->n, sizeof(*l->p), znode_qsort);
	for (size_t i = 0; rc == 0 && i < l->n; n++) {
		struct znode *joined = NULL;
		size_t begin = i;

		if ((rc = znodes_join(b, l, &i, &joined)) < 0) {
			/* What stands before was joined; the rest is still the list's. */
			memmove(l->p + n, l->p + begin, (l->n - begin) * sizeof(*l->p));
			l->n -= begin - n;
			return rc;
		}
		l->p[n] = joined;
	}
	l->n = n;
	l->unsorted = false;
	return 0;
}

int
zone_builder_done(struct zone_builder *b, struct zone **ret)
{
	struct znode *const *node[ZONE_PART_MAX];
	size_t n[ZONE_PART_MAX];
	int rc;

	if ((rc = builder_close(b)) < 0)
		return rc;
	for (unsigned i = 0; i < ZONE_PART_MAX; i++) {
		if ((rc = znodes_sort(b, &b->done[i])) < 0)
			return rc;
		node[i] = b->done[i].p;
		n[i] = b->done[i].n;
	}
	if ((rc = zone_of_nodes(&b->apex, node, n, ret)) < 0)
		return rc;
	for (unsigned i = 0; i < ZONE_PART_MAX; i++)
		znodes_done(&b->done[i]);
	return 0;
}
