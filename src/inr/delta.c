/* What changed between two snapshots, composed over several, as PDUs. */
#include <errno.h>
#include <string.h>

#include "inr/internal.h"

/* A count first, then the same walk again to fill. NULL lists only count. */
struct changes {
	struct pool		*pool;
	struct vrp_change	*vrps;
	size_t			 n_vrps;
	struct key_change	*keys;
	size_t			 n_keys;
	struct aspa_change	*aspas;
	size_t			 n_aspas;
	bool			 no_memory;
};

static void
vrp_add(struct changes *c, const struct vrp *v, bool announce)
{
	if (c->vrps != NULL)
		c->vrps[c->n_vrps] = (struct vrp_change){ *v, announce };
	c->n_vrps++;
}

static void
pdu_add(struct changes *c, const struct family *f, size_t i, bool announce)
{
	struct vrp v = { 0 };

	if (c->vrps != NULL)
		pdu_vrp(f, family_pdu(f, i), &v);
	vrp_add(c, &v, announce);
}

/* Both lie descending: walk them from the end. */
static void
family_diff(struct changes *c, const struct family *a, const struct family *b)
{
	size_t i = a->n, j = b->n;

	while ((i > 0 || j > 0) && c->n_vrps <= DELTA_CHANGES_MAX) {
		int cmp = i == 0 ? 1 : j == 0 ? -1 :
		    pdu_cmp(a, family_pdu(a, i - 1), family_pdu(b, j - 1));

		if (cmp < 0)
			pdu_add(c, a, i - 1, false);
		else if (cmp > 0)
			pdu_add(c, b, j - 1, true);
		i -= cmp <= 0;
		j -= cmp >= 0;
		if (cmp == 0) {
			size_t same = family_common(a, i, b, j, SIZE_MAX);

			i -= same;
			j -= same;
		}
	}
}

static void
key_add(struct changes *c, const struct router_key *k, bool announce)
{
	if (c->keys != NULL)
		c->keys[c->n_keys] = (struct key_change){ *k, announce };
	c->n_keys++;
}

static void
keys_diff(struct changes *c, const struct snapshot *a, const struct snapshot *b)
{
	size_t i = 0, j = 0;

	while ((i < a->n_router_keys || j < b->n_router_keys) &&
	    c->n_keys <= DELTA_CHANGES_MAX) {
		struct router_key x, y;
		int cmp;

		if (i < a->n_router_keys)
			snapshot_router_key(a, i, &x);
		if (j < b->n_router_keys)
			snapshot_router_key(b, j, &y);
		cmp = i == a->n_router_keys ? 1 : j == b->n_router_keys ? -1 :
		    router_key_cmp(&x, &y);
		if (cmp < 0)
			key_add(c, &x, false);
		else if (cmp > 0)
			key_add(c, &y, true);
		i += cmp <= 0;
		j += cmp >= 0;
	}
}

static struct aspa_list
list_copy(struct changes *c, const struct snapshot_aspa *a)
{
	struct aspa_list l = { .present = true, .n = a->n_providers };
	struct rd r = a->providers;
	uint32_t *p;

	if (c->aspas == NULL)
		return l;
	if ((p = pool_calloc(c->pool, l.n, sizeof(*p))) == NULL) {
		c->no_memory = true;
		return (struct aspa_list){ 0 };
	}
	for (uint32_t i = 0; i < l.n; i++)
		p[i] = rd_be32(&r);
	l.providers = p;
	return l;
}

static bool
aspa_same(const struct snapshot_aspa *a, const struct snapshot_aspa *b)
{
	return a->n_providers == b->n_providers && memcmp(a->providers.p,
	    b->providers.p, (size_t)4 * a->n_providers) == 0;
}

static void
aspas_diff(struct changes *c, const struct snapshot *a, const struct snapshot *b)
{
	const struct aspa_list none = { 0 };
	size_t i = 0, j = 0;

	while ((i < a->n_aspas || j < b->n_aspas) && c->n_aspas <= DELTA_CHANGES_MAX) {
		struct snapshot_aspa x = { 0 }, y = { 0 };
		bool has_x, has_y;

		if ((has_x = i < a->n_aspas))
			snapshot_aspa(a, i, &x);
		if ((has_y = j < b->n_aspas))
			snapshot_aspa(b, j, &y);
		if (has_x && has_y && x.customer != y.customer) {
			has_x = x.customer < y.customer;
			has_y = !has_x;
		}
		i += has_x;
		j += has_y;
		if (has_x && has_y && aspa_same(&x, &y))
			continue;
		if (c->aspas != NULL)
			c->aspas[c->n_aspas] = (struct aspa_change){
				has_x ? x.customer : y.customer,
				has_x ? list_copy(c, &x) : none,
				has_y ? list_copy(c, &y) : none,
			};
		c->n_aspas++;
	}
}

static void
snapshots_walk(struct changes *c, const void *va, const void *vb)
{
	const struct snapshot *a = va, *b = vb;

	for (uint8_t af = IP_V4; af <= IP_V6; af += IP_V6 - IP_V4) {
		struct family x = family_get(a, af), y = family_get(b, af);

		family_diff(c, &x, &y);
	}
	keys_diff(c, a, b);
	aspas_diff(c, a, b);
}

static struct aspa_list
list_dup(struct changes *c, const struct aspa_list *l)
{
	struct aspa_list d = *l;

	if (c->aspas == NULL || l->n == 0)
		return d;
	if ((d.providers = pool_calloc(c->pool, l->n, sizeof(*l->providers))) == NULL) {
		c->no_memory = true;
		return (struct aspa_list){ 0 };
	}
	memcpy((void *)d.providers, l->providers, l->n * sizeof(*l->providers));
	return d;
}

static bool
list_same(const struct aspa_list *a, const struct aspa_list *b)
{
	return a->present == b->present && a->n == b->n && (a->n == 0 ||
	    memcmp(a->providers, b->providers, a->n * sizeof(*a->providers)) == 0);
}

static void
vrps_compose(struct changes *c, const struct delta *a, const struct delta *b)
{
	size_t i = 0, j = 0;

	while (i < a->n_vrps || j < b->n_vrps) {
		int cmp = i == a->n_vrps ? 1 : j == b->n_vrps ? -1 :
		    vrp_cmp(&a->vrps[i].vrp, &b->vrps[j].vrp);

		if (cmp < 0)
			vrp_add(c, &a->vrps[i].vrp, a->vrps[i].announce);
		else if (cmp > 0)
			vrp_add(c, &b->vrps[j].vrp, b->vrps[j].announce);
		/* else: it went and came back, or came and went */
		i += cmp <= 0;
		j += cmp >= 0;
	}
}

static void
keys_compose(struct changes *c, const struct delta *a, const struct delta *b)
{
	size_t i = 0, j = 0;

	while (i < a->n_keys || j < b->n_keys) {
		int cmp = i == a->n_keys ? 1 : j == b->n_keys ? -1 :
		    router_key_cmp(&a->keys[i].key, &b->keys[j].key);

		if (cmp < 0)
			key_add(c, &a->keys[i].key, a->keys[i].announce);
		else if (cmp > 0)
			key_add(c, &b->keys[j].key, b->keys[j].announce);
		i += cmp <= 0;
		j += cmp >= 0;
	}
}

static void
aspas_compose(struct changes *c, const struct delta *a, const struct delta *b)
{
	size_t i = 0, j = 0;

	while (i < a->n_aspas || j < b->n_aspas) {
		const struct aspa_change *x = i < a->n_aspas ? &a->aspas[i] : NULL;
		const struct aspa_change *y = j < b->n_aspas ? &b->aspas[j] : NULL;

		if (x != NULL && y != NULL && x->customer != y->customer) {
			if (x->customer < y->customer)
				y = NULL;
			else
				x = NULL;
		}
		i += x != NULL;
		j += y != NULL;
		if (x != NULL && y != NULL && list_same(&x->before, &y->after))
			continue;
		if (c->aspas != NULL)
			c->aspas[c->n_aspas] = (struct aspa_change){
				x != NULL ? x->customer : y->customer,
				list_dup(c, x != NULL ? &x->before : &y->before),
				list_dup(c, y != NULL ? &y->after : &x->after),
			};
		c->n_aspas++;
	}
}

static void
deltas_walk(struct changes *c, const void *a, const void *b)
{
	vrps_compose(c, a, b);
	keys_compose(c, a, b);
	aspas_compose(c, a, b);
}

/* Count, make room, fill. */
static int
delta_make(void (*walk)(struct changes *, const void *, const void *),
    const void *a, const void *b, uint32_t from, uint32_t to, struct delta **ret)
{
	struct changes c = { 0 };
	struct delta *d;

	walk(&c, a, b);
	if (c.n_vrps > DELTA_CHANGES_MAX || c.n_keys > DELTA_CHANGES_MAX ||
	    c.n_aspas > DELTA_CHANGES_MAX)
		return -E2BIG;
	if ((c.pool = pool_new(DELTA_POOL_MAX)) == NULL)
		return -ENOMEM;
	d = pool_alloc(c.pool, sizeof(*d));
	c.vrps = pool_calloc(c.pool, c.n_vrps + 1, sizeof(*c.vrps));
	c.keys = pool_calloc(c.pool, c.n_keys + 1, sizeof(*c.keys));
	c.aspas = pool_calloc(c.pool, c.n_aspas + 1, sizeof(*c.aspas));
	if (d == NULL || c.vrps == NULL || c.keys == NULL || c.aspas == NULL) {
		(void)pool_free(c.pool);
		return -ENOMEM;
	}
	c.n_vrps = c.n_keys = c.n_aspas = 0;
	walk(&c, a, b);
	*d = (struct delta){ c.pool, from, to, c.vrps, c.n_vrps, c.keys, c.n_keys,
	    c.aspas, c.n_aspas };
	if (c.no_memory) {
		(void)delta_free(d);
		return -ENOMEM;
	}
	*ret = d;
	return 0;
}

int
delta_new(const struct snapshot *a, const struct snapshot *b, struct delta **ret)
{
	return delta_make(snapshots_walk, a, b, a->stamp.serial, b->stamp.serial, ret);
}

int
delta_compose(const struct delta *a, const struct delta *b, struct delta **ret)
{
	if (a->to != b->from)
		return -EINVAL;
	return delta_make(deltas_walk, a, b, a->from, b->to, ret);
}

struct delta *
delta_free(struct delta *d)
{
	if (d != NULL)
		(void)pool_free(d->pool);
	return NULL;
}

/* --- PDUs: 8210bis section 11.2 --- */

static void
vrps_write(const struct delta *d, uint8_t version, uint8_t af, struct wr *w)
{
	/* Announcements descend, withdrawals ascend. */
	for (size_t i = d->n_vrps; i > 0; i--)
		if (d->vrps[i - 1].vrp.af == af && d->vrps[i - 1].announce)
			vrp_pdu_write(w, version, true, &d->vrps[i - 1].vrp);
	for (size_t i = 0; i < d->n_vrps; i++)
		if (d->vrps[i].vrp.af == af && !d->vrps[i].announce)
			vrp_pdu_write(w, version, false, &d->vrps[i].vrp);
}

/* Ascending either way. */
static void
keys_write(const struct delta *d, uint8_t version, bool announce, struct wr *w)
{
	for (size_t i = 0; i < d->n_keys; i++)
		if (d->keys[i].announce == announce)
			router_key_pdu_write(w, version, announce, &d->keys[i].key);
}

static void
aspas_write(const struct delta *d, uint8_t version, bool announce, struct wr *w)
{
	for (size_t i = 0; i < d->n_aspas; i++) {
		const struct aspa_change *c = &d->aspas[i];

		if (c->after.present == announce)
			aspa_pdu_write(w, version, announce, c->customer,
			    c->after.providers, c->after.n);
	}
}

size_t
delta_pdus_len(const struct delta *d, uint8_t version)
{
	size_t len = 0;

	for (size_t i = 0; i < d->n_vrps; i++)
		len += d->vrps[i].vrp.af == IP_V4 ? RTR_IPV4_LEN : RTR_IPV6_LEN;
	for (size_t i = 0; version >= RTR_KEY_VERSION && i < d->n_keys; i++)
		len += RTR_KEY_MIN + (size_t)d->keys[i].key.spki_len;
	for (size_t i = 0; version >= RTR_ASPA_VERSION && i < d->n_aspas; i++)
		len += RTR_ASPA_MIN + (size_t)4 * d->aspas[i].after.n;
	return len;
}

void
delta_pdus_write(const struct delta *d, uint8_t version, struct wr *w)
{
	vrps_write(d, version, IP_V4, w);
	vrps_write(d, version, IP_V6, w);
	if (version < RTR_KEY_VERSION)
		return;
	keys_write(d, version, true, w);
	keys_write(d, version, false, w);
	if (version < RTR_ASPA_VERSION)
		return;
	aspas_write(d, version, true, w);
	aspas_write(d, version, false, w);
}
