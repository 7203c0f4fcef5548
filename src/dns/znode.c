/*
 * A node: one allocation. After the key stand the sets, each a head of 16
 * octets (8 more where there are signatures) and its data, unaligned.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "dns/zone_internal.h"

struct set_head {
	uint32_t ttl, rrs_len;
	uint16_t type, n_rrs, n_sigs, pad;
};

struct sig_head {
	uint32_t ttl, len;
};

static inline unsigned
be16_at(const char *p)
{
	return (unsigned)(uint8_t)p[0] << 8 | (uint8_t)p[1];
}

bool
zdata_next(struct sv *rest, struct sv *ret)
{
	unsigned n;

	if (rest->n < 2)
		return false;
	n = be16_at(rest->p);
	*ret = (struct sv){ rest->p + 2, n };
	*rest = sv_skip(*rest, 2 + n);
	return true;
}

struct sv
znode_key(const struct znode *n)
{
	return (struct sv){ (const char *)n->body, n->key_len };
}

unsigned
znode_n_rrsets(const struct znode *n)
{
	return n->n_rrsets;
}

bool
znode_next(const struct znode *n, size_t *pos, struct zrrset *ret)
{
	size_t at = *pos == 0 ? n->key_len : *pos;
	struct set_head h;
	struct sig_head s = { 0 };

	if (at >= n->len)
		return false;
	memcpy(&h, n->body + at, sizeof(h));
	at += sizeof(h);
	if (h.n_sigs > 0) {
		memcpy(&s, n->body + at, sizeof(s));
		at += sizeof(s);
	}
	*ret = (struct zrrset){
		.type = h.type, .n_rrs = h.n_rrs, .n_sigs = h.n_sigs, .ttl = h.ttl, .sig_ttl = s.ttl,
		.rrs = { (const char *)n->body + at, h.rrs_len },
		.sigs = { (const char *)n->body + at + h.rrs_len, s.len },
	};
	*pos = at + h.rrs_len + s.len;
	return true;
}

bool
znode_find(const struct znode *n, uint16_t type, struct zrrset *ret)
{
	struct zrrset set;
	size_t pos = 0;

	while (znode_next(n, &pos, &set)) {
		if (set.type > type)
			return false;
		if (set.type == type) {
			*ret = set;
			return true;
		}
	}
	return false;
}

struct znode *
znode_ref(struct znode *n)
{
	if (n != NULL)
		n->refs++;
	return n;
}

struct znode *
znode_unref(struct znode *n)
{
	if (n != NULL && --n->refs == 0)
		free(n);
	return NULL;
}

size_t
znode_size(const struct znode *n)
{
	return sizeof(*n) + n->len;
}

static bool
set_is_empty(const struct zrrset *s)
{
	return s->n_rrs == 0 && s->n_sigs == 0;
}

static size_t
set_size(const struct zrrset *s)
{
	return sizeof(struct set_head) + (s->n_sigs > 0 ? sizeof(struct sig_head) : 0) +
	    s->rrs.n + s->sigs.n;
}

static uint8_t *
put(uint8_t *p, const void *src, size_t n)
{
	if (n > 0)
		memcpy(p, src, n);
	return p + n;
}

/* All but the data, of which only the lengths count. */
static uint8_t *
heads_put(uint8_t *p, const struct zrrset *s)
{
	const struct set_head h = { .ttl = s->ttl, .rrs_len = (uint32_t)s->rrs.n,
		.type = s->type, .n_rrs = s->n_rrs, .n_sigs = s->n_sigs };
	const struct sig_head sh = { .ttl = s->sig_ttl, .len = (uint32_t)s->sigs.n };

	p = put(p, &h, sizeof(h));
	return s->n_sigs > 0 ? put(p, &sh, sizeof(sh)) : p;
}

struct znode *
znode_new(struct sv key, const struct zrrset *sets, size_t n)
{
	size_t len = key.n;
	struct znode *node;
	uint8_t *p;

	for (size_t i = 0; i < n; i++)
		if (!set_is_empty(&sets[i]))
			len += set_size(&sets[i]);
	if (len > ZONE_NODE_SIZE_MAX || (node = malloc(sizeof(*node) + len)) == NULL)
		return NULL;
	*node = (struct znode){ .refs = 1, .len = (uint32_t)len, .key_len = (uint16_t)key.n };
	p = put(node->body, key.p, key.n);
	for (size_t i = 0; i < n; i++) {
		if (set_is_empty(&sets[i]))
			continue;
		node->n_rrsets++;
		p = heads_put(p, &sets[i]);
		p = put(p, sets[i].rrs.p, sets[i].rrs.n);
		p = put(p, sets[i].sigs.p, sets[i].sigs.n);
	}
	return node;
}

/* --- drafts --- */

void
zdraft_reset(struct zdraft *d)
{
	d->n_rec = d->n_bytes = 0;
	d->mixed_ttl = false;
}

void
zdraft_done(struct zdraft *d)
{
	free(d->rec);
	free(d->bytes);
	*d = (struct zdraft){ 0 };
}

/* Room for one more of size in an array that doubles. */
static int
grow(void **p, size_t *cap, size_t n, size_t size)
{
	size_t more = max_size(16, 2 * *cap);
	void *q;

	if (n <= *cap)
		return 0;
	more = max_size(more, n);
	if ((q = reallocarray(*p, more, size)) == NULL)
		return -ENOMEM;
	*p = q;
	*cap = more;
	return 0;
}

int
zdraft_add(struct zdraft *d, uint16_t type, bool is_sig, uint32_t ttl, struct sv rdata)
{
	int rc;

	if (rdata.n > DNS_RDATA_MAX || d->n_bytes + rdata.n > ZONE_NODE_SIZE_MAX)
		return -E2BIG;
	if ((rc = grow((void **)&d->rec, &d->cap_rec, d->n_rec + 1, sizeof(*d->rec))) < 0 ||
	    (rc = grow((void **)&d->bytes, &d->cap_bytes, d->n_bytes + rdata.n, 1)) < 0)
		return rc;
	d->rec[d->n_rec++] = (struct zrec){ .type = type, .is_sig = is_sig, .ttl = ttl,
		.off = (uint32_t)d->n_bytes, .len = (uint32_t)rdata.n };
	(void)put(d->bytes + d->n_bytes, rdata.p, rdata.n);
	d->n_bytes += rdata.n;
	return 0;
}

static int
draft_add_data(struct zdraft *d, const struct zrrset *s, bool is_sig)
{
	struct sv rest = is_sig ? s->sigs : s->rrs, rdata;

	while (zdata_next(&rest, &rdata)) {
		int rc = zdraft_add(d, s->type, is_sig, is_sig ? s->sig_ttl : s->ttl, rdata);

		if (rc < 0)
			return rc;
	}
	return 0;
}

int
zdraft_add_node(struct zdraft *d, const struct znode *n)
{
	struct zrrset s;
	size_t pos = 0;
	int rc = 0;

	while (rc == 0 && znode_next(n, &pos, &s))
		if ((rc = draft_add_data(d, &s, false)) == 0)
			rc = draft_add_data(d, &s, true);
	return rc;
}

static struct sv
rec_data(const struct zdraft *d, const struct zrec *r)
{
	return (struct sv){ (const char *)d->bytes + r->off, r->len };
}

size_t
zdraft_find(const struct zdraft *d, uint16_t type, bool is_sig, struct sv rdata)
{
	size_t i = 0;

	for (; i < d->n_rec; i++) {
		const struct zrec *r = &d->rec[i];

		if (r->type == type && r->is_sig == is_sig && sv_eq(rec_data(d, r), rdata))
			break;
	}
	return i;
}

void
zdraft_del(struct zdraft *d, size_t at)
{
	d->n_rec--;
	memmove(d->rec + at, d->rec + at + 1, (d->n_rec - at) * sizeof(*d->rec));
}

/* RFC 4034 section 6.3: data as left-justified octets, a missing one first. */
static int
rec_cmp(const struct zdraft *d, const struct zrec *a, const struct zrec *b)
{
	if (a->type != b->type)
		return a->type < b->type ? -1 : 1;
	if (a->is_sig != b->is_sig)
		return a->is_sig ? 1 : -1;
	return sv_cmp(rec_data(d, a), rec_data(d, b));
}

static int
rec_qsort(const void *a, const void *b, void *arg)
{
	return rec_cmp(arg, a, b);
}

/* Nearly always a handful, and in order: insertion; else qsort. */
static void
draft_sort(struct zdraft *d)
{
	if (d->n_rec > 16) {
		qsort_r(d->rec, d->n_rec, sizeof(*d->rec), rec_qsort, d);
		return;
	}
	for (size_t i = 1; i < d->n_rec; i++) {
		struct zrec r = d->rec[i];
		size_t k = i;

		for (; k > 0 && rec_cmp(d, &d->rec[k - 1], &r) > 0; k--)
			d->rec[k] = d->rec[k - 1];
		d->rec[k] = r;
	}
}

static void
draft_unique(struct zdraft *d)
{
	size_t n = 0;

	for (size_t i = 0; i < d->n_rec; i++) {
		if (n > 0 && rec_cmp(d, &d->rec[n - 1], &d->rec[i]) == 0) {
			if (d->rec[i].ttl < d->rec[n - 1].ttl)
				d->rec[n - 1].ttl = d->rec[i].ttl;
			continue;
		}
		d->rec[n++] = d->rec[i];
	}
	d->n_rec = n;
}

/* The run of one set's records or signatures from *i on: length and lowest TTL. */
static uint16_t
draft_run(struct zdraft *d, size_t *i, uint16_t type, bool is_sig, uint32_t *ret_ttl,
    size_t *ret_len)
{
	size_t begin = *i;

	*ret_len = 0;
	for (; *i < d->n_rec && d->rec[*i].type == type && d->rec[*i].is_sig == is_sig; (*i)++) {
		const struct zrec *r = &d->rec[*i];

		if (*i > begin && r->ttl != *ret_ttl && !is_sig) {
			d->mixed_ttl = true;
			d->mixed_type = type;
		}
		if (*i == begin || r->ttl < *ret_ttl)
			*ret_ttl = r->ttl;
		*ret_len += 2 + r->len;
	}
	return (uint16_t)(*i - begin);
}

static uint8_t *
rec_put(uint8_t *p, const struct zdraft *d, const struct zrec *r)
{
	const uint8_t len[2] = { (uint8_t)(r->len >> 8), (uint8_t)r->len };

	return put(put(p, len, sizeof(len)), d->bytes + r->off, r->len);
}

/* One set from rec[*i] on, written to p, or only measured where p is NULL. */
static size_t
draft_set(struct zdraft *d, size_t *i, uint8_t *p)
{
	struct zrrset s = { .type = d->rec[*i].type };
	size_t begin = *i;

	s.n_rrs = draft_run(d, i, s.type, false, &s.ttl, &s.rrs.n);
	s.n_sigs = draft_run(d, i, s.type, true, &s.sig_ttl, &s.sigs.n);
	if (s.n_rrs == 0)
		s.ttl = s.sig_ttl;
	if (p != NULL) {
		p = heads_put(p, &s);
		for (size_t k = begin; k < *i; k++)
			p = rec_put(p, d, &d->rec[k]);
	}
	return set_size(&s);
}

int
zdraft_node(struct zdraft *d, struct sv key, struct znode **ret)
{
	size_t len = key.n, at = key.n;
	uint16_t n_sets = 0;
	struct znode *n;

	draft_sort(d);
	draft_unique(d);
	if (d->n_rec == 0) {
		*ret = NULL;
		return 0;
	}
	for (size_t i = 0; i < d->n_rec; n_sets++)
		len += draft_set(d, &i, NULL);
	if (d->n_rec > ZONE_RRSET_RRS_MAX || len > ZONE_NODE_SIZE_MAX)
		return -E2BIG;
	if ((n = malloc(sizeof(*n) + len)) == NULL)
		return -ENOMEM;
	*n = (struct znode){ .refs = 1, .len = (uint32_t)len, .key_len = (uint16_t)key.n,
		.n_rrsets = n_sets };
	(void)put(n->body, key.p, key.n);
	for (size_t i = 0; i < d->n_rec;)
		at += draft_set(d, &i, n->body + at);
	*ret = n;
	return 0;
}
