/* A round: what one server is asked, and what it says. See role/name_role.h. */
#include <errno.h>

#include "base/err.h"
#include "role/name_role.h"

static bool	answered_ds(struct look_ask *, struct sv, const struct dns_head *);
static bool	answered_delegation(struct look_ask *, struct sv, const struct dns_head *);
static bool	answered_ns(struct look_ask *, struct sv, const struct dns_head *);
static bool	answered_soa(struct look_ask *, struct sv, const struct dns_head *);
static bool	answered_dnskey(struct look_ask *, struct sv, const struct dns_head *);

/* What a server is asked, in this order and in one connection. */
static const struct step {
	uint16_t	type;
	bool		of_parent;	/* the name: the parent's, not the zone's */
	/* false: .state says what is wrong with it */
	bool		(*answered)(struct look_ask *, struct sv, const struct dns_head *);
} parent_steps[] = {
	{ RR_DS, false, answered_ds },
	{ RR_NS, false, answered_delegation },
	{ RR_NS, true, answered_ns },
}, zone_steps[] = {
	{ RR_SOA, false, answered_soa },
	{ RR_DNSKEY, false, answered_dnskey },
	{ RR_NS, false, answered_ns },
};

_Static_assert(ARRAY_LEN(parent_steps) == ARRAY_LEN(zone_steps), "one number of steps");

static struct look_server *
server_of(const struct look_ask *a)
{
	return &a->look->servers[a->index];
}

static const struct step *
step_of(const struct look_ask *a)
{
	const struct look_server *s = server_of(a);

	return s->side == SEEN_PARENT ? &parent_steps[s->step] : &zone_steps[s->step];
}

static bool
wrong(struct look_server *s, enum seen_state state)
{
	s->state = state;
	return false;
}

/* --- sets: each that differs is kept once --- */

static struct sv
keep(struct look *l, struct sv s)
{
	l->octets += s.n;
	if (l->octets > SEEN_OCTETS_MAX / 2)
		return (struct sv){ 0 };
	return pool_sv(l->pool, s);
}

/* SEEN_NONE: there is no room. */
static uint16_t
set_keep(struct look *l, uint16_t type, const struct answer_set *a)
{
	struct seen *s = &l->seen;
	struct sv rrs;

	for (uint16_t i = 0; i < s->n_sets; i++)
		if (s->sets[i].type == type && s->sets[i].ttl == a->ttl && sv_eq(s->sets[i].rrs, a->rrs))
			return i;
	if (s->n_sets == SEEN_SETS_MAX || (rrs = keep(l, a->rrs)).p == NULL)
		return SEEN_NONE;
	s->sets[s->n_sets] = (struct seen_set){ .type = type, .n = a->n, .ttl = a->ttl, .rrs = rrs };
	return (uint16_t)s->n_sets++;
}

static int
sigs_make(struct look *l, uint16_t dnskeys, uint16_t type, const struct answer_set *a, struct sv *ret)
{
	struct sv keys = dnskeys == SEEN_NONE ? SV("") : l->seen.sets[dnskeys].rrs;
	struct name_role *nr = l->nr;
	struct wr w = wr_mem(nr->rows, sizeof(nr->rows));
	int rc = signers_find(&l->z->name, type, a, keys, &l->budget, nr->signed_octets,
	    sizeof(nr->signed_octets), &w);

	*ret = (struct sv){ (const char *)nr->rows, w.len };
	return rc;
}

/* Signatures over that set, verified with the DNSKEY set of the same server. SEEN_NONE: none. */
static int
sigs_keep(struct look *l, uint16_t dnskeys, uint16_t type, const struct answer_set *a, uint16_t *ret)
{
	struct seen *s = &l->seen;
	struct look_raw *raw;
	struct sv rows;
	int rc;

	*ret = SEEN_NONE;
	if (a->n_sigs == 0)
		return 0;
	for (uint16_t i = 0; i < s->n_sigs; i++) {
		raw = &l->raw[i];
		if (raw->type == type && raw->dnskeys == dnskeys && sv_eq(raw->rrs, a->rrs) &&
		    sv_eq(raw->sigs, a->sigs)) {
			*ret = i;
			return 0;
		}
	}
	if (s->n_sigs == SEEN_SIGS_MAX)
		return SE_LIMIT;
	raw = &l->raw[s->n_sigs];
	*raw = (struct look_raw){ dnskeys, type, keep(l, a->rrs), keep(l, a->sigs) };
	if (raw->rrs.p == NULL || raw->sigs.p == NULL)
		return SE_LIMIT;
	if ((rc = sigs_make(l, dnskeys, type, a, &rows)) < 0)
		return rc;
	if ((rows = keep(l, rows)).p == NULL)
		return SE_LIMIT;
	s->sigs[s->n_sigs] = (struct seen_sigs){ .type = type, .n = a->n_sigs, .rows = rows };
	*ret = (uint16_t)s->n_sigs++;
	return 0;
}

/* --- what it says --- */

/*
 * RFC 2308 section 2: a negative answer has the SOA of the zone that it is
 * about. A server that knows only the child says so there.
 */
static bool
says_none(struct look_ask *a, struct sv wire, const struct dname *zone)
{
	struct dname owner;

	return answer_soa(wire, a->look->nr->room, DNS_AUTHORITY, &owner) && dname_eq(&owner, zone);
}

static bool
with_authority(const struct dns_head *h)
{
	return (h->flags & DNS_AA) != 0 && (h->flags & DNS_TC) == 0 &&
	    (h->rcode == DNS_NOERROR || h->rcode == DNS_NXDOMAIN);
}

/* A set of that type, or that there is none. false: the server's state is set. */
static bool
set_take(struct look_ask *a, struct sv wire, const struct dns_head *h, const struct dname *zone,
    struct answer_set *ret)
{
	struct look_server *s = server_of(a);
	struct name_role *nr = a->look->nr;
	struct wr w = wr_mem(nr->out, sizeof(nr->out));

	if (!with_authority(h))
		return wrong(s, SEEN_LAME);
	if (answer_set(wire, nr->room, &a->name, a->type, &w, ret) < 0)
		return wrong(s, SEEN_BROKEN);
	if (ret->n == 0 && !says_none(a, wire, zone))
		return wrong(s, SEEN_LAME);
	return true;
}

static bool
answered_ds(struct look_ask *a, struct sv wire, const struct dns_head *h)
{
	struct look_server *s = server_of(a);
	struct answer_set set;

	if (!set_take(a, wire, h, &a->look->seen.parent, &set))
		return false;
	if (set.n > 0 && (s->set = set_keep(a->look, RR_DS, &set)) == SEEN_NONE)
		return wrong(s, SEEN_BROKEN);
	return true;
}

static void
add_name(void *arg, const struct dname *target)
{
	const struct look_ask *a = arg;
	bool of_parent = step_of(a)->of_parent;

	look_name_add(a->look, target, of_parent ? SEEN_PARENT : SEEN_ZONE);
}

/* Of names that are servers already; others are none of our business. */
static void
add_glue(void *arg, const struct dname *owner, const struct ip_prefix *addr)
{
	const struct look_ask *a = arg;

	look_addr_add(a->look, owner, addr);
}

/*
 * A referral (no AA, NS in authority), or the zone's own set where the server
 * has the zone as well; or that there is no delegation.
 */
static bool
answered_delegation(struct look_ask *a, struct sv wire, const struct dns_head *h)
{
	struct look_server *s = server_of(a);
	struct look *l = a->look;

	if ((h->rcode != DNS_NOERROR && h->rcode != DNS_NXDOMAIN) || (h->flags & DNS_TC) != 0)
		return wrong(s, SEEN_LAME);
	if (answer_ns(wire, l->nr->room, &a->name, add_name, a) < 0 ||
	    answer_addrs(wire, l->nr->room, DNS_ADDITIONAL, add_glue, a) < 0)
		return wrong(s, SEEN_BROKEN);
	l->delegation = true;
	return true;
}

static bool
answered_ns(struct look_ask *a, struct sv wire, const struct dns_head *h)
{
	struct look_server *s = server_of(a);
	struct look *l = a->look;

	if (!with_authority(h))
		return wrong(s, SEEN_LAME);
	if (answer_ns(wire, l->nr->room, &a->name, add_name, a) < 0)
		return wrong(s, SEEN_BROKEN);
	return true;
}

static bool
answered_soa(struct look_ask *a, struct sv wire, const struct dns_head *h)
{
	struct look_server *s = server_of(a);
	struct answer_set set;
	struct sv one, rest;

	if (!set_take(a, wire, h, &a->name, &set))
		return false;
	rest = set.rrs;
	if (set.n != 1 || !zdata_next(&rest, &one) || soa_serial(one, &s->serial) < 0)
		return wrong(s, set.n == 0 ? SEEN_LAME : SEEN_BROKEN);
	s->serial_seen = true;
	/* Verified when its keys are known: kept until then. */
	s->soa_sigs = SEEN_NONE;
	a->soa = (struct answer_set){ .n = 1, .ttl = set.ttl, .rrs = keep(a->look, set.rrs),
	    .n_sigs = set.n_sigs, .sigs = keep(a->look, set.sigs) };
	if (a->soa.rrs.p == NULL || a->soa.sigs.p == NULL)
		return wrong(s, SEEN_BROKEN);
	return true;
}

static bool
answered_dnskey(struct look_ask *a, struct sv wire, const struct dns_head *h)
{
	struct look_server *s = server_of(a);
	struct answer_set set;

	if (!set_take(a, wire, h, &a->name, &set))
		return false;
	if (set.n > 0 && (s->set = set_keep(a->look, RR_DNSKEY, &set)) == SEEN_NONE)
		return wrong(s, SEEN_BROKEN);
	if (sigs_keep(a->look, s->set, RR_DNSKEY, &set, &s->dnskey_sigs) < 0 ||
	    sigs_keep(a->look, s->set, RR_SOA, &a->soa, &s->soa_sigs) < 0)
		return wrong(s, SEEN_BROKEN);
	return true;
}

/* --- the talk --- */

static bool
match(void *arg, struct sv wire)
{
	struct look_ask *a = arg;

	return answer_is(wire, a->look->nr->room, a->id, DNS_OP_QUERY, &a->name, a->type);
}

/* The question of this step; its octets. */
static size_t
step_write(struct look_ask *a, uint8_t *buf, size_t cap)
{
	const struct step *step = step_of(a);

	a->id = question_id();
	a->type = step->type;
	a->name = step->of_parent ? a->look->seen.parent : a->look->z->name;
	return question_write(buf, cap, a->id, &a->name, a->type, 0, true);
}

static void
server_over(struct look_ask *a)
{
	struct look_server *s = server_of(a);

	a->busy = false;
	a->talk = NULL;
	s->phase = LOOK_DONE;
	if (s->state == SEEN_ANSWERED)
		return;
	s->serial_seen = false;
	s->serial = 0;
	s->set = s->dnskey_sigs = s->soa_sigs = SEEN_NONE;
}

static void
answered(void *arg, int rc, struct sv wire)
{
	struct look_ask *a = arg;
	struct look_server *s = server_of(a);
	struct look *l = a->look;
	uint8_t msg[DNSASK_MESSAGE_MAX];
	struct dns_head h;

	if (rc < 0 || answer_head(wire, &h) < 0) {
		s->state = rc == SE_PEER || rc == 0 ? SEEN_BROKEN : SEEN_SILENT;
		/* Once more from the beginning: its phase is "not yet" again. */
		server_over(a);
		if (++s->tries < NAME_ASK_TRIES) {
			s->phase = LOOK_NOT_YET;
			s->step = 0;
		}
		look_pump(l);
		return;
	}
	if (!step_of(a)->answered(a, wire, &h)) {
		server_over(a);
		look_pump(l);
		return;
	}
	if (++s->step < ARRAY_LEN(zone_steps) &&
	    dnsask_more(a->talk, (struct sv){ (const char *)msg, step_write(a, msg, sizeof(msg)) }) == 0) {
		look_pump(l);	/* it may have named others */
		return;
	}
	s->state = s->step == ARRAY_LEN(zone_steps) ? SEEN_ANSWERED : SEEN_SILENT;
	server_over(a);
	look_pump(l);
}

void
look_server_ask(struct look_ask *a)
{
	struct look_server *s = server_of(a);
	uint8_t msg[DNSASK_MESSAGE_MAX];
	struct dnsask_question q = { .to = { s->addr, DNSASK_PORT }, .tcp = true, .msec = NAME_ASK_MSEC,
		.match = match, .done = answered, .arg = a };
	int rc;

	q.message = (struct sv){ (const char *)msg, step_write(a, msg, sizeof(msg)) };
	rc = dnsask_ask(a->look->nr->stubs.asker, &q, &a->talk);
	if (rc < 0) {
		s->state = rc == -ENETUNREACH ? SEEN_NO_ROUTE : SEEN_SILENT;
		server_over(a);
		return;
	}
	a->busy = true;
	s->phase = LOOK_ASKED;
}
