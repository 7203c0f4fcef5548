/* The node of a name, or of a hash, in a signed zone. */
#include <errno.h>
#include <stdlib.h>

#include "base/timefmt.h"
#include "dnssec/sign_internal.h"

/* --- work --- */

int
swork_begin(struct swork *w, struct signer *s, struct sjob *out, enum zone_part part)
{
	*w = (struct swork){ .s = s, .out = out, .part = part,
		.pool = pool_new(SIGN_BLOCK_MEM_MAX) };
	return w->pool == NULL ? -ENOMEM : 0;
}

void
swork_done(struct swork *w)
{
	struct schange *v = NULL;

	if (w->out->n > 0)		/* many jobs wait side by side for the end */
		v = reallocarray(w->out->change, w->out->n, sizeof(*v));
	if (v != NULL) {
		w->out->change = v;
		w->out->cap = w->out->n;
	}
	free(w->make);
	free(w->plan);
	(void)pool_free(w->pool);
}

void
swork_reset(struct swork *w)
{
	w->n_make = w->n_plans = 0;
}

static int
change_add(struct sjob *o, struct sv key, struct znode *node, bool owned)
{
	if (o->n == o->cap) {
		size_t cap = max_size(SIGN_CHUNK / 4, 2 * o->cap);
		struct schange *v = reallocarray(o->change, cap, sizeof(*v));

		if (v == NULL)
			return -ENOMEM;
		o->change = v;
		o->cap = cap;
	}
	o->change[o->n++] = (struct schange){ .key = key, .node = node, .owned = owned };
	return 0;
}

int
swork_remove(struct swork *w, struct sv key)
{
	struct splan *p;

	if (w->n_plans == w->cap_plans) {
		size_t cap = max_size(2 * SIGN_CHUNK, 2 * w->cap_plans);
		struct splan *v = reallocarray(w->plan, cap, sizeof(*v));

		if (v == NULL)
			return -ENOMEM;
		w->plan = v;
		w->cap_plans = cap;
	}
	p = &w->plan[w->n_plans++];
	*p = (struct splan){ .key = key };
	return 0;
}

/* --- a name --- */

static void
set_insert(struct splan *p, const struct zrrset *set)
{
	size_t i = p->n_sets++;

	for (; i > 0 && p->set[i - 1].type > set->type; i--)
		p->set[i] = p->set[i - 1];
	p->set[i] = *set;
}

static void
occluded_count(struct swork *w, const struct znode *n)
{
	struct zrrset set;
	size_t pos = 0;

	while (znode_next(n, &pos, &set)) {
		if (set.type == RR_A || set.type == RR_AAAA)
			continue;
		if (w->out->n_occluded++ == 0)
			w->out->occluded = znode_key(n);
		return;
	}
}

/* The sets of the input that stay, as they are. */
static void
input_take(struct swork *w, struct splan *p, const struct znode *n, enum standing st)
{
	bool at_apex = p->key.n == 0, has_ds = false;
	struct zrrset set;
	size_t pos = 0;

	while (znode_next(n, &pos, &set)) {
		w->out->n_stripped += set.n_sigs > 0;
		w->out->n_stripped += set.n_rrs > 0 && sign_is_stripped(set.type, false);
		if (sign_is_stripped(set.type, at_apex))
			continue;
		if (set.n_rrs == 0)
			continue;
		has_ds |= set.type == RR_DS;
		set.n_sigs = 0;
		set.sigs = (struct sv){ 0 };
		set.sig_ttl = 0;
		set_insert(p, &set);
	}
	if (has_ds && st == ST_AUTH && w->out->n_stray++ == 0)
		w->out->stray = p->key;
	if (st == ST_BELOW)
		occluded_count(w, n);
}

/* The SOA with another serial: its last five numbers have 20 octets. */
static int
soa_serial(struct swork *w, struct splan *p, uint32_t serial)
{
	for (size_t i = 0; i < p->n_sets; i++) {
		struct zrrset *set = &p->set[i];
		uint8_t *copy;

		if (set->type != RR_SOA)
			continue;
		copy = pool_alloc(w->pool, set->rrs.n);
		if (copy == NULL)
			return -ENOMEM;
		memcpy(copy, set->rrs.p, set->rrs.n);
		put_be32(copy + set->rrs.n - 20, serial);
		set->rrs.p = (const char *)copy;
	}
	return 0;
}

/* Is a set of a name of that standing signed? RFC 4035 section 2.2. */
static bool
is_signed(enum standing st, uint16_t type)
{
	return st == ST_AUTH || (st == ST_CUT && (type == RR_DS || type == RR_NSEC));
}

/* RFC 4034 section 4; RFC 4035 section 2.3. */
static int
nsec_add(struct swork *w, struct splan *p, const struct znode *n, enum standing st)
{
	const struct signer *s = w->s;
	struct sv next = sign_next_key(s->z, n);
	struct dname next_name;
	uint8_t data[DNS_NAME_MAX + TYPE_BITMAP_MAX];
	uint16_t *types = pool_alloc(w->pool, (p->n_sets + 2) * sizeof(*types));
	struct zrrset set;
	struct sv rdata;
	size_t n_types = 0, len;
	int rc;

	if (types == NULL)
		return -ENOMEM;
	set_insert(p, &(struct zrrset){ .type = RR_NSEC });
	for (size_t i = 0; i < p->n_sets; i++) {
		uint16_t t = p->set[i].type;

		if (t == RR_NSEC)	/* which is next to it */
			types[n_types++] = RR_RRSIG;
		if (st != ST_CUT || t == RR_NS || is_signed(st, t))
			types[n_types++] = t;
	}
	dkey_name((const uint8_t *)next.p, next.n, s->apex, &next_name);
	memcpy(data, next_name.w, next_name.len);
	len = next_name.len + type_bitmap_write(types, n_types, data + next_name.len);
	rdata = (struct sv){ (const char *)data, len };
	rc = sign_set_make(w->pool, RR_NSEC, s->nsec_ttl, &rdata, 1, &set);
	for (size_t i = 0; rc == 0 && i < p->n_sets; i++)
		if (p->set[i].type == RR_NSEC)
			p->set[i] = set;
	return rc;
}

static struct splan *
plan_new(struct swork *w, struct sv key, const struct znode *input, const struct znode *base)
{
	size_t n = (input == NULL ? 0 : znode_n_rrsets(input)) + APEX_SETS_MAX + 2;
	struct splan *p;

	if (swork_remove(w, key) < 0)
		return NULL;
	p = &w->plan[w->n_plans - 1];
	p->input = input;
	p->base = base;
	p->set = pool_calloc(w->pool, n, sizeof(*p->set));
	return p->set == NULL ? NULL : p;
}

int
swork_name(struct swork *w, const struct znode *input, const struct znode *base,
    enum standing st, uint32_t serial)
{
	const struct signer *s = w->s;
	struct sv key = znode_key(input);
	const struct znode *last = s->last == NULL ? NULL : zone_find(s->last, ZONE_NAMES, key);
	struct splan *p = plan_new(w, key, input, base);
	struct dname owner;
	int rc = 0;

	if (p == NULL)
		return -ENOMEM;
	w->out->stats.n_names++;
	input_take(w, p, input, st);
	for (size_t i = 0; key.n == 0 && i < s->n_apex_sets; i++)
		set_insert(p, &s->apex_set[i]);
	if (key.n == 0)
		rc = soa_serial(w, p, serial);
	if (rc == 0 && !sign_has_nsec3(s) && (st == ST_AUTH || st == ST_CUT))
		rc = nsec_add(w, p, input, st);
	dkey_name((const uint8_t *)key.p, key.n, s->apex, &owner);
	for (size_t i = 0; rc == 0 && i < p->n_sets; i++)
		if (is_signed(st, p->set[i].type))
			rc = swork_sign(w, p, &owner, last, &p->set[i]);
	return rc;
}

/* --- a member of the NSEC3 chain --- */

/* The types of a name as it will be; those of an empty non-terminal are none. */
static size_t
link_types(const struct signer *s, const struct link *l, uint16_t *types)
{
	bool at_apex = l->key_len == 0, is_signed_ = false;
	enum standing st = sign_is_cut(l->node) ? ST_CUT : ST_AUTH;
	struct zrrset set;
	size_t pos = 0, n = 0, k = 0;

	if (l->key_len < znode_key(l->node).n)
		return 0;
	while (znode_next(l->node, &pos, &set)) {
		if (set.n_rrs == 0 || sign_is_stripped(set.type, at_apex))
			continue;
		if (st == ST_CUT && set.type != RR_NS && set.type != RR_DS)
			continue;
		is_signed_ |= is_signed(st, set.type);
		types[n++] = set.type;
	}
	for (k = 0; at_apex && k < s->n_apex_sets; k++)
		types[n++] = s->apex_set[k].type;
	if (is_signed_)
		types[n++] = RR_RRSIG;
	return n;
}

static int
type_cmp(const void *a, const void *b)
{
	return (int)*(const uint16_t *)a - (int)*(const uint16_t *)b;
}

static int
bitmap_of_name(struct swork *w, const struct link *l, uint8_t dst[static TYPE_BITMAP_MAX],
    size_t *ret_n)
{
	uint16_t *types = pool_alloc(w->pool,
	    (znode_n_rrsets(l->node) + APEX_SETS_MAX + 1u) * sizeof(*types));
	size_t n;

	if (types == NULL)
		return -ENOMEM;
	n = link_types(w->s, l, types);
	qsort(types, n, sizeof(*types), type_cmp);
	*ret_n = type_bitmap_write(types, n, dst);
	return 0;
}

/* What stands behind the next hash in the last version's record. */
static int
bitmap_of_last(const struct znode *last, uint8_t dst[static TYPE_BITMAP_MAX], size_t *ret_n)
{
	struct zrrset set;
	struct sv rest, rdata;
	struct rd r;

	if (last == NULL || !znode_find(last, RR_NSEC3, &set))
		return -ENOENT;
	rest = set.rrs;
	if (!zdata_next(&rest, &rdata))
		return -ENOENT;
	r = rd_sv(rdata);
	(void)rd_bytes(&r, 4);
	(void)rd_bytes(&r, rd_u8(&r));
	(void)rd_bytes(&r, rd_u8(&r));
	*ret_n = rd_left(&r);
	if (r.bad || *ret_n > TYPE_BITMAP_MAX)
		return -EBADMSG;
	memcpy(dst, r.p, *ret_n);
	return 0;
}

/* RFC 5155 section 3.2. */
static size_t
nsec3_write(const struct sign_policy *p, const uint8_t *next, const uint8_t *bitmap, size_t n,
    uint8_t *dst, size_t cap)
{
	struct wr w = wr_mem(dst, cap);

	wr_u8(&w, 1);
	wr_u8(&w, p->opt_out ? 1 : 0);
	wr_be16(&w, p->iterations);
	wr_u8(&w, p->salt_len);
	wr_bytes(&w, p->salt, p->salt_len);
	wr_u8(&w, NSEC3_HASH_LEN);
	wr_bytes(&w, next, NSEC3_HASH_LEN);
	wr_bytes(&w, bitmap, n);
	return w.len;
}

int
swork_nsec3(struct swork *w, const uint8_t *hash, const struct link *l, const uint8_t *next)
{
	const struct signer *s = w->s;
	struct sv key = { (const char *)hash, NSEC3_HASH_LEN }, rdata;
	const struct znode *base = zone_find(s->base, ZONE_NSEC3, key);
	const struct znode *last = s->last == NULL ? NULL : zone_find(s->last, ZONE_NSEC3, key);
	uint8_t bitmap[TYPE_BITMAP_MAX], data[6 + 255 + NSEC3_HASH_LEN + TYPE_BITMAP_MAX];
	struct splan *p = plan_new(w, key, NULL, base);
	struct dname owner;
	size_t n;
	int rc;

	if (p == NULL)
		return -ENOMEM;
	rc = l != NULL ? bitmap_of_name(w, l, bitmap, &n) : bitmap_of_last(last, bitmap, &n);
	if (rc < 0 || (rc = nsec3_owner(hash, s->apex, &owner)) < 0)
		return rc;
	rdata = (struct sv){ (const char *)data,
		nsec3_write(&s->policy, next, bitmap, n, data, sizeof(data)) };
	rc = sign_set_make(w->pool, RR_NSEC3, s->nsec_ttl, &rdata, 1, &p->set[0]);
	if (rc < 0)
		return rc;
	p->n_sets = 1;
	return swork_sign(w, p, &owner, last, &p->set[0]);
}

/* --- signing and building --- */

static int
make_all(struct swork *w)
{
	const struct signer *s = w->s;
	struct crypto_make *batch;

	if (w->n_make == 0)
		return 0;
	batch = pool_calloc(w->pool, w->n_make, sizeof(*batch));
	if (batch == NULL)
		return -ENOMEM;
	for (unsigned k = 0; k < s->n_keys; k++) {
		size_t n = 0;
		int rc = 0;

		for (size_t i = 0; i < w->n_make; i++)
			if (w->make[i].key == k)
				batch[n++] = w->make[i].make;
		if (n > 0)
			rc = s->in.sign(s->in.sign_arg, s->key[k].k, batch, n);
		if (rc < 0)
			return rc;
	}
	return 0;
}

static bool
set_same(const struct zrrset *a, const struct zrrset *b)
{
	return a->type == b->type && a->n_rrs == b->n_rrs && a->n_sigs == b->n_sigs &&
	    a->ttl == b->ttl && (a->n_sigs == 0 || a->sig_ttl == b->sig_ttl) &&
	    sv_eq(a->rrs, b->rrs) && sv_eq(a->sigs, b->sigs);
}

static bool
plan_is(const struct splan *p, const struct znode *n)
{
	struct zrrset set;
	size_t pos = 0, i = 0;

	while (znode_next(n, &pos, &set))
		if (i == p->n_sets || !set_same(&p->set[i++], &set))
			return false;
	return i == p->n_sets;
}

bool
splan_is_base(const struct splan *p)
{
	return p->base != NULL && plan_is(p, p->base);
}

static int
plan_done(struct swork *w, const struct splan *p)
{
	struct znode *n;
	int rc;

	if (p->n_sets == 0)
		return p->base == NULL && p->set != NULL ? 0 : change_add(w->out, p->key, NULL, false);
	if (p->base != NULL && !p->fresh && plan_is(p, p->base))
		return 0;
	if (p->input != NULL && !p->fresh && plan_is(p, p->input))
		return change_add(w->out, p->key, (struct znode *)(uintptr_t)p->input, false);
	n = znode_new(p->key, p->set, p->n_sets);
	if (n == NULL)
		return -ENOMEM;
	w->out->stats.n_nodes++;
	rc = change_add(w->out, znode_key(n), n, true);
	if (rc < 0)
		(void)znode_unref(n);
	return rc;
}

/* What the next run has to know of these names: when the first of them is due. */
static void
plan_expiry(struct swork *w, const struct splan *p)
{
	struct sv rest, rdata;
	struct rrsig sig;

	for (size_t i = 0; i < p->n_sets; i++) {
		if (p->key.n == 0 && sign_is_key_type(p->set[i].type))
			continue;
		for (rest = p->set[i].sigs; zdata_next(&rest, &rdata); )
			if (rrsig_parse(rdata, &sig) == 0)
				w->out->min_expiry = min_i64(w->out->min_expiry,
				    rrsig_time(sig.expires, w->s->in.now));
	}
}

int
swork_run(struct swork *w)
{
	int rc = make_all(w);

	for (size_t i = 0; rc == 0 && i < w->n_plans; i++) {
		rc = plan_done(w, &w->plan[i]);
		plan_expiry(w, &w->plan[i]);
	}
	swork_reset(w);
	return rc;
}
