#include "app/key_seen.h"

#include <string.h>

#include "dns/zone.h"
#include "dnssec/dnssec.h"

/* A server of the zone, compared. */
struct server {
	uint32_t		 dnskey, dnskey_sigs, data_sigs;
	uint32_t		 data_maybe;	/* its tag says so, and the key is not there to verify it */
	uint32_t		 dnskey_ttl;
	bool			 foreign;	/* keys that nobody here knows */
	bool			 external;	/* another provider's */
	bool			 has_serial;
	uint32_t		 serial;
	struct key_serial	 row;		/* sets that it is known to have; of ours, 0: it proves nothing */
};

struct run {
	const struct seen		*seen;
	const struct key_seen_with	*with;
	struct key_seen			*ret;
	struct server			 servers[SEEN_SERVERS_MAX];
	size_t				 n;
};

static uint32_t
bit(unsigned i)
{
	return UINT32_C(1) << i;
}

size_t
key_seen_rdata(const struct keystate_key *k, uint8_t *dst, size_t cap)
{
	uint8_t room[DNSKEY_RDATA_MAX];
	struct dnskey d = { .flags = DNSKEY_ZONE, .protocol = 3, .alg = k->alg,
		.public_key = { (const char *)k->public_key, k->public_len } };
	size_t n;

	if (k->role != KS_ZSK)
		d.flags |= DNSKEY_SEP;
	if ((k->flags & KS_FLAG_REVOKED) != 0)
		d.flags |= DNSKEY_REVOKE;
	n = dnskey_write(&d, room);
	if (n > cap)
		return 0;
	memcpy(dst, room, n);
	return n;
}

/* --- sets, as bits of our keys --- */

static uint32_t
dnskey_place(const struct run *r, struct sv rdata)
{
	for (unsigned i = 0; i < KEYSTATE_KEYS_MAX; i++)
		if (r->with->rdata[i].n > 0 && sv_eq(r->with->rdata[i], rdata))
			return bit(i);
	return 0;
}

static uint32_t
ds_place(const struct run *r, struct sv rdata)
{
	for (unsigned i = 0; i < KEYSTATE_KEYS_MAX; i++)
		if (r->with->rdata[i].n > 0 && ds_matches(rdata, r->with->apex, r->with->rdata[i]))
			return bit(i);
	return 0;
}

static uint32_t
set_bits(const struct run *r, uint16_t set, uint32_t (*place)(const struct run *, struct sv),
    bool *ret_foreign, uint32_t *ttl)
{
	const struct seen_set *s;
	uint32_t keys = 0;
	struct sv rest, rdata;

	*ret_foreign = false;
	if (set == SEEN_NONE)
		return 0;
	s = &r->seen->sets[set];
	*ttl = s->ttl;
	for (rest = s->rrs; zdata_next(&rest, &rdata); ) {
		uint32_t one = place(r, rdata);

		keys |= one;
		*ret_foreign = *ret_foreign || one == 0;
	}
	return keys;
}

static struct sv
set_at(const struct run *r, uint16_t set, uint16_t at)
{
	struct sv rest, rdata;

	if (set == SEEN_NONE)
		return (struct sv){ 0 };
	rest = r->seen->sets[set].rrs;
	for (uint16_t i = 0; zdata_next(&rest, &rdata); i++)
		if (i == at)
			return rdata;
	return (struct sv){ 0 };
}

/*
 * A new algorithm signs before its keys are published (RFC 6781 section 4.1.4):
 * nobody can verify that yet, and all there is to go by is the tag.
 */
static uint32_t
tag_places(const struct run *r, const struct seen_sig *sig, uint32_t published)
{
	uint32_t keys = 0;

	for (unsigned i = 0; i < KEYSTATE_KEYS_MAX; i++)
		if (r->with->rdata[i].n > 3 && (published & bit(i)) == 0 &&
		    (uint8_t)r->with->rdata[i].p[3] == sig->alg && dnskey_tag(r->with->rdata[i]) == sig->tag)
			keys |= bit(i);
	return keys;
}

/* By whom; of those that some validator still took when they were looked at. */
static uint32_t
sigs_bits(const struct run *r, uint16_t list, uint16_t set, uint32_t published, uint32_t *maybe)
{
	uint32_t now = (uint32_t)r->seen->at, keys = 0;
	struct seen_sig sig;
	struct sv rest;

	if (list == SEEN_NONE)
		return 0;
	for (rest = r->seen->sigs[list].rows; seen_sig_next(&rest, &sig); ) {
		if (serial_gt(now, sig.expires) || serial_gt(sig.begins, now))
			continue;
		if (sig.key == SEEN_NONE)
			*maybe |= tag_places(r, &sig, published);
		else
			keys |= dnskey_place(r, set_at(r, set, sig.key));
	}
	return keys;
}

/* --- the servers of the zone --- */

static const struct keystate_set *
set_of(const struct keystate *st, enum ks_kind kind, uint32_t seq)
{
	for (size_t i = 0; i < st->n_sets; i++)
		if (st->sets[i].kind == kind && st->sets[i].seq == seq)
			return &st->sets[i];
	return NULL;
}

/* Who has to sign does, and nobody signs what is to be unsigned. */
static bool
sigs_fit(uint32_t want, uint32_t seen)
{
	return want == 0 ? seen == 0 : (want & ~seen) == 0;
}

/* Are these the keys that the serial stands for? Sets that are long forgotten are not judged. */
static bool
contents_fit(const struct keystate *st, const struct server *s)
{
	const struct keystate_set *k = set_of(st, KS_DNSKEY, s->row.dnskey_seq);
	const struct keystate_set *d = set_of(st, KS_DATA, s->row.data_seq);

	if (k != NULL && (k->keys != s->dnskey || k->foreign != s->foreign || !sigs_fit(k->sigs, s->dnskey_sigs)))
		return false;
	return d == NULL || sigs_fit(d->sigs, s->data_sigs | s->data_maybe);
}

static uint32_t
external_keys(const struct keystate *st)
{
	uint32_t mask = 0;

	for (unsigned i = 0; i < KEYSTATE_KEYS_MAX; i++)
		if (st->keys[i].number != 0 && (st->keys[i].flags & KS_FLAG_EXTERNAL) != 0)
			mask |= bit(i);
	return mask;
}

static void
server_read(struct run *r, const struct seen_server *from)
{
	uint32_t external = external_keys(r->with->st);
	struct server *s = &r->servers[r->n++];
	struct key_serial row;
	uint32_t none = 0;

	*s = (struct server){ .dnskey_ttl = from->set == SEEN_NONE ? r->with->data_ttl : r->with->dnskey_ttl,
		.has_serial = (from->flags & SEEN_HAS_SERIAL) != 0, .serial = from->serial };
	s->dnskey = set_bits(r, from->set, dnskey_place, &s->foreign, &s->dnskey_ttl);
	s->dnskey_sigs = sigs_bits(r, from->dnskey_sigs, from->set, s->dnskey, &none);
	s->data_sigs = sigs_bits(r, from->soa_sigs, from->set, s->dnskey, &s->data_maybe);
	s->external = (s->data_sigs & external) != 0 && (s->data_sigs & ~external) == 0;
	if (s->external || !s->has_serial || !key_serials_find(r->with->serials, s->serial, &row))
		return;
	s->row = row;
	if (contents_fit(r->with->st, s))
		return;
	s->row = (struct key_serial){ 0 };
	r->ret->n_doubt++;
}

/* Ours first, and of them the newest. */
static bool
comes_before(const struct server *a, const struct server *b)
{
	if (a->external != b->external)
		return !a->external;
	if (a->has_serial != b->has_serial)
		return a->has_serial;
	return a->has_serial && serial_gt(a->serial, b->serial);
}

static void
servers_sort(struct run *r)
{
	for (size_t i = 1; i < r->n; i++) {
		struct server s = r->servers[i];
		size_t at = i;

		for (; at > 0 && comes_before(&s, &r->servers[at - 1]); at--)
			r->servers[at] = r->servers[at - 1];
		r->servers[at] = s;
	}
}

/* false: there are more kinds of contents than anybody can follow. */
static bool
contents_add(struct keystate_seen *v, size_t *n, const struct keystate_seen *s)
{
	for (size_t i = 0; i < *n; i++)
		if (v[i].keys == s->keys && v[i].sigs == s->sigs && v[i].foreign == s->foreign) {
			v[i].ttl_sec = v[i].ttl_sec > s->ttl_sec ? v[i].ttl_sec : s->ttl_sec;
			return true;
		}
	if (*n == KEYSTATE_SEEN_MAX)
		return false;
	v[(*n)++] = *s;
	return true;
}

static void
contents_list(struct run *r, const struct server *s)
{
	struct keystate_child *c = &r->ret->child;
	struct keystate_seen dnskey = { .keys = s->dnskey, .sigs = s->dnskey_sigs,
		.ttl_sec = s->dnskey_ttl, .foreign = s->foreign };
	struct keystate_seen data = { .sigs = s->data_sigs, .ttl_sec = r->with->data_ttl };

	if (!contents_add(c->dnskey, &c->n_dnskey, &dnskey) || !contents_add(c->data, &c->n_data, &data))
		c->complete = false;
}

static void
serials_note(struct key_seen *ret, const struct server *s, bool first)
{
	ret->has_serial = (first || ret->has_serial) && s->has_serial;
	if (first || serial_gt(ret->lowest, s->serial))
		ret->lowest = s->serial;
	if (first || serial_gt(s->serial, ret->highest))
		ret->highest = s->serial;
}

static void
child_make(struct run *r)
{
	struct keystate_child *c = &r->ret->child;
	bool first = true;

	*c = (struct keystate_child){ .at = r->seen->at, .complete = r->seen->complete[SEEN_ZONE],
		.ttl_max = r->with->serials->ttl_max };
	for (size_t i = 0; i < r->n; i++) {
		const struct server *s = &r->servers[i];

		if (s->external || r->with->st->unproven)
			contents_list(r, s);
		if (s->external)
			continue;
		if (first || s->row.dnskey_seq < c->dnskey_oldest)
			c->dnskey_oldest = s->row.dnskey_seq;
		if (first || s->row.data_seq < c->data_oldest)
			c->data_oldest = s->row.data_seq;
		serials_note(r->ret, s, first);
		first = false;
	}
	/* Who never saw one of ours has not seen all. */
	if (first)
		c->complete = false;
	r->ret->has_child = r->n > 0;
}

/* --- the servers of the parent --- */

static void
parent_make(struct run *r)
{
	struct keystate_parent *p = &r->ret->parent;

	*p = (struct keystate_parent){ .at = r->seen->at, .complete = r->seen->complete[SEEN_PARENT] };
	for (size_t i = 0; i < r->seen->n_servers; i++) {
		const struct seen_server *s = &r->seen->servers[i];
		struct keystate_seen ds = { .ttl_sec = r->with->ds_ttl };

		if (s->side != SEEN_PARENT || s->state != SEEN_ANSWERED)
			continue;
		ds.keys = set_bits(r, s->set, ds_place, &ds.foreign, &ds.ttl_sec);
		if (!contents_add(p->ds, &p->n_ds, &ds))
			p->complete = false;
	}
	if (p->n_ds == 0)
		p->complete = false;
	r->ret->has_parent = p->n_ds > 0;
}

void
key_seen_make(const struct seen *seen, const struct key_seen_with *with, struct key_seen *ret)
{
	struct run r = { .seen = seen, .with = with, .ret = ret };

	*ret = (struct key_seen){ 0 };
	for (size_t i = 0; i < seen->n_servers; i++)
		if (seen->servers[i].side == SEEN_ZONE && seen->servers[i].state == SEEN_ANSWERED)
			server_read(&r, &seen->servers[i]);
	servers_sort(&r);
	child_make(&r);
	parent_make(&r);
}
