/*
 * A node: one allocation. After the key stand the sets, each a head and its
 * data, unaligned. A million names make two million heads, so a head is as
 * short as it can be: 6 octets for one record and its one signature, whose
 * lengths stand before their data anyway; 9 for several records; more where a
 * type, a count or a length needs it.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "dns/zone_internal.h"

enum head_flags {
	HEAD_SIGS	= 1 << 0,	/* there are signatures */
	HEAD_WIDE	= 1 << 1,	/* counts and lengths take twice the room */
	HEAD_SIG_TTL	= 1 << 2,	/* whose TTL is not that of the records */
	HEAD_LAST	= 1 << 3,	/* no set follows */
	HEAD_TYPE8	= 1 << 4,	/* the type takes one octet */
	HEAD_ONE_RR	= 1 << 5,	/* one record: no count, no length */
	HEAD_ONE_SIG	= 1 << 6,	/* one signature, the same */
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
	struct zrrset s;
	unsigned count = 0;
	size_t pos = 0;

	while (znode_next(n, &pos, &s))
		count++;
	return count;
}

static inline uint32_t
take(const uint8_t **p, size_t n)
{
	uint32_t v = 0;

	for (size_t i = 0; i < n; i++)
		v |= (uint32_t)(*p)[i] << (8 * i);
	*p += n;
	return v;
}

/* How many, and how long. Numbers that the compiler knows: this is asked for each set. */
static inline uint16_t
count_take(const uint8_t **p, bool wide, size_t *ret_len)
{
	uint16_t n = (uint16_t)(wide ? take(p, 2) : take(p, 1));

	*ret_len = wide ? take(p, 4) : take(p, 2);
	return n;
}

/* Reads the head at p, and where the data stand; returns what is behind them. */
static const uint8_t *
head_take(const uint8_t *p, struct zrrset *s)
{
	unsigned flags = *p++;
	bool wide = (flags & HEAD_WIDE) != 0;

	*s = (struct zrrset){ 0 };
	s->type = (uint16_t)((flags & HEAD_TYPE8) != 0 ? take(&p, 1) : take(&p, 2));
	s->ttl = take(&p, 4);
	s->sig_ttl = (flags & HEAD_SIG_TTL) != 0 ? take(&p, 4) : (flags & HEAD_SIGS) != 0 ? s->ttl : 0;
	if ((flags & HEAD_ONE_RR) == 0)
		s->n_rrs = count_take(&p, wide, &s->rrs.n);
	if ((flags & (HEAD_SIGS | HEAD_ONE_SIG)) == HEAD_SIGS)
		s->n_sigs = count_take(&p, wide, &s->sigs.n);
	s->rrs.p = (const char *)p;
	if ((flags & HEAD_ONE_RR) != 0) {
		s->n_rrs = 1;
		s->rrs.n = 2 + be16_at(s->rrs.p);
	}
	s->sigs.p = s->rrs.p + s->rrs.n;
	if ((flags & HEAD_ONE_SIG) != 0) {
		s->n_sigs = 1;
		s->sigs.n = 2 + be16_at(s->sigs.p);
	}
	return (const uint8_t *)s->sigs.p + s->sigs.n;
}

/* A position: of the set after the one that was read; the end, behind the last. */
#define POS_END	SIZE_MAX

bool
znode_next(const struct znode *n, size_t *pos, struct zrrset *ret)
{
	size_t at = *pos == 0 ? n->key_len : *pos;
	const uint8_t *p, *next;

	if (n->is_empty || at == POS_END)
		return false;
	p = n->body + at;
	next = head_take(p, ret);
	*pos = (*p & HEAD_LAST) != 0 ? POS_END : (size_t)(next - n->body);
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
		ref_take(&n->refs);
	return n;
}

struct znode *
znode_unref(struct znode *n)
{
	if (n != NULL && ref_drop(&n->refs))
		free(n);
	return NULL;
}

static bool
set_is_empty(const struct zrrset *s)
{
	return s->n_rrs == 0 && s->n_sigs == 0;
}

static unsigned
head_flags(const struct zrrset *s)
{
	unsigned flags = s->type <= UINT8_MAX ? HEAD_TYPE8 : 0;

	if (s->n_rrs > UINT8_MAX || s->n_sigs > UINT8_MAX || s->rrs.n > UINT16_MAX ||
	    s->sigs.n > UINT16_MAX)
		flags |= HEAD_WIDE;
	if (s->n_rrs == 1)
		flags |= HEAD_ONE_RR;
	if (s->n_sigs > 0)
		flags |= HEAD_SIGS | (s->n_sigs == 1 ? HEAD_ONE_SIG : 0) |
		    (s->sig_ttl != s->ttl ? HEAD_SIG_TTL : 0);
	return flags;
}

static size_t
set_size(const struct zrrset *s)
{
	unsigned flags = head_flags(s);
	const size_t count = (flags & HEAD_WIDE) != 0 ? 6 : 3;
	size_t head = 6;

	if ((flags & HEAD_TYPE8) == 0)
		head++;
	if ((flags & HEAD_SIG_TTL) != 0)
		head += 4;
	if ((flags & HEAD_ONE_RR) == 0)
		head += count;
	if ((flags & (HEAD_SIGS | HEAD_ONE_SIG)) == HEAD_SIGS)
		head += count;
	return head + s->rrs.n + s->sigs.n;
}

static uint8_t *
put(uint8_t *p, const void *src, size_t n)
{
	if (n > 0)
		memcpy(p, src, n);
	return p + n;
}

static uint8_t *
put_number(uint8_t *p, size_t v, size_t n)
{
	for (size_t i = 0; i < n; i++)
		p[i] = (uint8_t)(v >> (8 * i));
	return p + n;
}

static uint8_t *
count_put(uint8_t *p, uint16_t n, size_t len, bool wide)
{
	p = put_number(p, n, wide ? 2 : 1);
	return put_number(p, len, wide ? 4 : 2);
}

/* What head_take() reads; the data themselves are the caller's to put. */
static uint8_t *
head_put(uint8_t *p, const struct zrrset *s, bool last)
{
	unsigned flags = head_flags(s);
	bool wide = (flags & HEAD_WIDE) != 0;

	p = put_number(p, flags | (last ? HEAD_LAST : 0), 1);
	p = put_number(p, s->type, (flags & HEAD_TYPE8) != 0 ? 1 : 2);
	p = put_number(p, s->ttl, 4);
	if ((flags & HEAD_SIG_TTL) != 0)
		p = put_number(p, s->sig_ttl, 4);
	if ((flags & HEAD_ONE_RR) == 0)
		p = count_put(p, s->n_rrs, s->rrs.n, wide);
	if ((flags & (HEAD_SIGS | HEAD_ONE_SIG)) == HEAD_SIGS)
		p = count_put(p, s->n_sigs, s->sigs.n, wide);
	return p;
}

/* A node with room for len octets of sets; len is 0 where there are none. */
static struct znode *
node_alloc(struct sv key, size_t len)
{
	struct znode *n;

	_Static_assert(DNS_KEY_MAX < 1 << 15, "key_len holds it");
	if (key.n + len > ZONE_NODE_SIZE_MAX ||
	    (n = malloc(max_size(sizeof(*n), offsetof(struct znode, body) + key.n + len))) == NULL)
		return NULL;
	n->refs = 1;
	n->key_len = key.n & 0x7fff;
	n->is_empty = len == 0;
	(void)put(n->body, key.p, key.n);
	return n;
}

struct znode *
znode_new(struct sv key, const struct zrrset *sets, size_t n)
{
	size_t len = 0, n_last = 0;
	struct znode *node;
	uint8_t *p;

	for (size_t i = 0; i < n; i++)
		if (!set_is_empty(&sets[i])) {
			len += set_size(&sets[i]);
			n_last = i;
		}
	if ((node = node_alloc(key, len)) == NULL)
		return NULL;
	p = node->body + key.n;
	for (size_t i = 0; i < n; i++) {
		if (set_is_empty(&sets[i]))
			continue;
		p = head_put(p, &sets[i], i == n_last);
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

	if (rdata.n > DNS_RDATA_MAX || d->n_bytes + rdata.n > ZONE_NODE_SIZE_MAX ||
	    d->n_rec >= ZONE_NODE_SAID_MAX)
		return -E2BIG;
	if ((rc = grow((void **)&d->rec, &d->cap_rec, d->n_rec + 1, sizeof(*d->rec))) < 0 ||
	    (rc = grow((void **)&d->bytes, &d->cap_bytes, max_size(d->n_bytes + rdata.n, 1), 1)) < 0)
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

struct sv
zdraft_data(const struct zdraft *d, size_t i)
{
	return rec_data(d, &d->rec[i]);
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
		p = head_put(p, &s, *i == d->n_rec);
		for (size_t k = begin; k < *i; k++)
			p = rec_put(p, d, &d->rec[k]);
	}
	return set_size(&s);
}

int
zdraft_node(struct zdraft *d, struct sv key, struct znode **ret)
{
	size_t len = 0, at = key.n;
	struct znode *n;

	draft_sort(d);
	draft_unique(d);
	if (d->n_rec == 0) {
		*ret = NULL;
		return 0;
	}
	for (size_t i = 0; i < d->n_rec; )
		len += draft_set(d, &i, NULL);
	if (d->n_rec > ZONE_RRSET_RRS_MAX || key.n + len > ZONE_NODE_SIZE_MAX)
		return -E2BIG;
	if ((n = node_alloc(key, len)) == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < d->n_rec; )
		at += draft_set(d, &i, n->body + at);
	*ret = n;
	return 0;
}
